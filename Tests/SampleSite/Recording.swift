// A day that was lived once and can be run again: since a turn is a function of its inputs and their times, a fresh
// pipeline that is told the same moments does the same. So whoever measures turns measures nothing but turns.

public import Domain
public import Pipeline

/// The moments of a day at a sample site.
public struct Recording: Sendable {
  private enum Told: BitwiseCopyable, Sendable {
    case bytes(PortID, Generation, start: Int, end: Int)
    case input(Input)
  }

  private var times: [Now] = []
  private var told: [Told] = []
  private var bytes: [UInt8] = []
  public let site: SampleSite
  public private(set) var tally = Tally()
  /// Readings the pipeline judged, good or not.
  public private(set) var readings = 0

  /// Lives a day of this many turns.
  public init(_ site: SampleSite, turns: Int, seed: UInt64) {
    self.site = site
    var world = World(site, seed: seed)
    var pipeline = Pipeline(site.settings)
    for _ in 0..<turns {
      let (now, stimulus) = world.next(before: pipeline.nextDeadline)
      times.append(now)
      switch stimulus {
      case .bytes(let port, let generation, let heard):
        told.append(.bytes(port, generation, start: bytes.count, end: bytes.count + heard.count))
        bytes += heard
      case .input(let input): told.append(.input(input))
      }
      pipeline.turn(now, stimulus)
      world.see(pipeline.outbox)
    }
    tally = world.tally
    readings = (0..<site.devices).reduce(0) { sum, device in
      let report = pipeline.report(on: DeviceID(device))
      return sum + Int(report.goodReadings) + Int(report.invalidReadings)
    }
  }

  public var turns: Int { times.count }
  public func time(of turn: Int) -> Now { times[turn] }

  /// Makes this turn happen in `pipeline`.
  @inline(__always)
  public func play(_ turn: Int, in pipeline: inout Pipeline) {
    switch told[turn] {
    case .bytes(let port, let generation, let start, let end):
      pipeline.turn(times[turn], bytes: bytes.span.extracting(start..<end), from: port, generation)
    case .input(let input): pipeline.turn(times[turn], input)
    }
  }
}

extension Pipeline {
  /// One turn of whatever the world does.
  public mutating func turn(_ now: Now, _ stimulus: Stimulus) {
    switch stimulus {
    case .bytes(let port, let generation, let bytes): turn(now, bytes: bytes.span, from: port, generation)
    case .input(let input): turn(now, input)
    }
  }
}
