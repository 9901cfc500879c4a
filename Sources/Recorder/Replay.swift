// Recordings through the pipeline that made them: the same turns at the same times, with no port, no clock and no waiting.

public import Domain
public import Pipeline

/// Plays what happened on some buses at one time. The ports of all others are closed.
public struct Replay: ~Copyable {
  private var pipeline: Pipeline
  /// Anything but zero, where a clock never stands.
  private let start = Instant(ns: 1_000_000_000)
  private var generations: [PortID: Generation] = [:]
  /// Requests that the door of the recording made and that these settings do not make: how many, and the first.
  public private(set) var unknownCount = 0
  public private(set) var firstUnknown: (at: Interval, bytes: [UInt8])?

  public init(_ settings: PipelineSettings) { pipeline = Pipeline(settings) }

  /// Tells every event, in order. Recordings of several buses are put in step by the wall clock of their beginnings.
  public mutating func play(_ recordings: [(port: PortID, recording: BusRecording)], _ tell: (Event) -> Void) {
    guard let first = recordings.map(\.recording).min(by: { $0.wall < $1.wall }) else { return }
    func now(_ at: Interval) -> Now { Now(boot: start + at, wall: first.wall &+ at.ns, utcOffset: first.utcOffset) }
    var entries: [(at: Interval, port: PortID, what: BusRecording.Entry.What)] = []
    for (port, recording) in recordings {
      pipeline.follow(port)
      // Recordings of other days have nothing to do with each other: they are put an hour apart, and no replay takes years.
      let behind = min(Interval(ns: recording.wall &- first.wall), .minutes(24 * 60))
      entries += recording.entries.map { (behind + $0.at, port, $0.what) }
    }
    // What is equally old stays as it was: sorting is stable.
    entries.sort { $0.at < $1.at }
    pipeline.turn(now(.zero), .started(restored: false, downSeconds: 0))
    hear(tell)
    for entry in entries {
      while pipeline.nextDeadline < start + entry.at {
        pipeline.turn(now(max(pipeline.nextDeadline - start, .zero)), .tick)
        hear(tell)
      }
      if play(entry.what, on: entry.port, now(entry.at)) { hear(tell) }
    }
  }

  /// `false`: nothing the pipeline is told of.
  private mutating func play(_ what: BusRecording.Entry.What, on port: PortID, _ now: Now) -> Bool {
    let generation = generations[port] ?? Generation(0)
    switch what {
    case .opened(let number):
      generations[port] = Generation(number)
      pipeline.turn(now, .portOpened(port, Generation(number)))
    case .lost(let failure, let code): pipeline.turn(now, .portLost(port, generation, failure, errno: code))
    case .received(let bytes): pipeline.turn(now, bytes: bytes.span, from: port, generation)
    case .sent(let bytes): 
      if !pipeline.turn(now, sent: bytes.span, on: port) {
        unknownCount += 1
        firstUnknown = firstUnknown ?? (now.boot - start, bytes)
      }
    case .late(let bytes): pipeline.turn(now, .lateReply(port, generation, unit: bytes.first ?? 0))
    case .failed(let failure, _): pipeline.turn(now, .requestFailed(port, generation, failure))
    case .mark, .missed: return false
    }
    return true
  }

  private func hear(_ tell: (Event) -> Void) {
    for index in 0..<pipeline.outbox.count {
      if case .event(let event) = pipeline.outbox.outputs[index] { tell(event) }
    }
  }
}
