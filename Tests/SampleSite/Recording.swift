// A day that was lived once and can be run again: since a turn is a function of its inputs and their times, a fresh
// pipeline that is told the same moments does the same. So whoever measures turns measures nothing but turns.

public import Domain
public import Pipeline

/// The moments of a day at a sample site.
public struct Recording: Sendable {
  /// Bytes `start ..< start + count` from a port, or, with a negative count, an input.
  private struct Told: BitwiseCopyable, Sendable {
    var port = PortID(0)
    var generation = Generation(0)
    var start: Int32
    var count: Int32
  }

  private var times: [Now] = []
  private var told: [Told] = []
  private var bytes: [UInt8] = []
  private var inputs: [Input] = []
  public let site: SampleSite
  public private(set) var tally = Tally()

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
        told.append(Told(port: port, generation: generation, start: Int32(bytes.count), count: Int32(heard.count)))
        bytes += heard
      case .input(let input):
        told.append(Told(start: Int32(inputs.count), count: -1))
        inputs.append(input)
      }
      pipeline.turn(now, stimulus)
      world.see(pipeline.outbox)
    }
    tally = world.tally
  }

  public var turns: Int { times.count }
  public func time(of turn: Int) -> Now { times[turn] }

  /// Makes this turn happen in `pipeline`.
  public func play(_ turn: Int, in pipeline: inout Pipeline) {
    let told = told[turn]
    if told.count < 0 {
      pipeline.turn(times[turn], inputs[Int(told.start)])
    } else {
      let span = bytes.span.extracting(Int(told.start)..<Int(told.start + told.count))
      pipeline.turn(times[turn], bytes: span, from: told.port, told.generation)
    }
  }

  /// Makes the turns of `range` happen in `pipeline`.
  public func play(_ range: Range<Int>, in pipeline: inout Pipeline) {
    for turn in range { play(turn, in: &pipeline) }
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

extension Pipeline {
  /// Readings of a device that were judged since the start, good or not.
  public func readings(of device: Int) -> Int {
    let report = report(on: DeviceID(device))
    return Int(report.goodReadings) + Int(report.invalidReadings)
  }
}
