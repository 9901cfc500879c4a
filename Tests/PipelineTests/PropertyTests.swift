// Goal: whatever happens, in whatever order, no gate opens without a verdict or a name, and every alarm is told once and
// ended at most once. Method: seeded days at a sample site with people, staff, fire, torn cables and wrong bytes; on top of
// it, stimuli are dropped, doubled and spoilt, and the door is restarted from its snapshot. A failing seed is printed.

import Domain
import Pipeline
import SampleSite
import Testing

/// What must hold, looked at after each turn.
private struct Watch {
  let seed: UInt64
  var open: Set<UInt32> = []
  var known: Set<UInt32> = []
  var released: [Int: Bool] = [:]
  var openings = 0
  var raises = 0

  mutating func look(_ outbox: borrowing Outbox) {
    // A verdict or a named command of this turn, by lane.
    var permits = 0
    var gates = 0
    for index in 0..<outbox.count {
      guard case .event(let event) = outbox.outputs[index] else { continue }
      switch event.body {
      case .screeningPassed(let fact):
        permits += 1
        if case .overridden = fact.reason { break }
        // A temperature has let this person pass, and it is no fever.
        #expect(event.personal.estimate < 37.3 && event.personal.estimate >= 34, "seed \(seed): \(event)")
      case .commandAnswered(let command, .done):
        if case .overrideLane = command.action {
          permits += 1
          #expect(!command.claimed.isEmpty && !command.why.isEmpty)
        }
      case .gateOpened:
        gates += 1
        openings += 1
      case .alarmRaised(let fact):
        raises += 1
        #expect(known.insert(fact.occurrence).inserted, "seed \(seed): alarm \(fact.occurrence) was raised twice")
        open.insert(fact.occurrence)
      case .alarmRepeated(let fact):
        #expect(open.contains(fact.occurrence), "seed \(seed): alarm \(fact.occurrence) repeats and is not open")
      case .alarmCleared(let fact):
        #expect(open.remove(fact.occurrence) != nil, "seed \(seed): alarm \(fact.occurrence) was cleared and is not open")
      default: break
      }
    }
    #expect(gates <= permits, "seed \(seed): a gate opened without a verdict or a name")
  }
}

@Suite struct PropertyTests {
  @Test(arguments: 0..<12) func noSequenceOpensAGateByItself(batch: Int) {
    let watches = (UInt64(batch * 10)..<UInt64(batch * 10 + 10)).map(day)
    // Days on which nothing happened would prove nothing.
    #expect(watches.map(\.openings).reduce(0, +) > 20 && watches.map(\.raises).reduce(0, +) > 20)
  }

  private func day(_ seed: UInt64) -> Watch {
    let site = SampleSite(lanes: 2, boards: 1, probes: 2)
    var world = World(site, seed: seed)
    var pipeline = Pipeline(site.settings)
    var chance = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    func below(_ bound: UInt64) -> UInt64 {
      chance ^= chance << 13
      chance ^= chance >> 7
      chance ^= chance << 17
      return chance % bound
    }
    var watch = Watch(seed: seed)
    var generations: [UInt16: Generation] = [:]
    for _ in 0..<2_000 {
      let (now, stimulus) = world.next(before: pipeline.nextDeadline)
      if case .input(.portOpened(let port, let generation)) = stimulus { generations[port.index] = generation }
      if case .input(.portLost(let port, _, _, _)) = stimulus { generations[port.index] = nil }
      var told = [stimulus]
      if case .bytes(let port, let generation, var bytes) = stimulus {
        switch below(60) {
        case 0: told = []
        case 1: told = [stimulus, stimulus]
        case 2:
          bytes[Int(below(UInt64(bytes.count)))] ^= UInt8(1 << below(8))
          told = [.bytes(port, generation, bytes)]
        default: break
        }
      }
      for stimulus in told {
        pipeline.turn(now, stimulus)
        watch.look(pipeline.outbox)
        world.see(pipeline.outbox)
      }
      if below(400) == 0 {
        let bytes = Table<UInt8>(capacity: pipeline.snapshotSize, filledWith: 0)
        pipeline.copySnapshot(to: bytes, now)
        pipeline = Pipeline(site.settings)
        pipeline.restore(from: bytes, shift: .zero, now)
        watch.look(pipeline.outbox)
        pipeline.turn(now, .input(.started(restored: true, downSeconds: 0)))
        watch.look(pipeline.outbox)
        for (index, generation) in generations.sorted(by: { $0.key < $1.key }) {
          pipeline.turn(now, .input(.portOpened(PortID(Int(index)), generation)))
          watch.look(pipeline.outbox)
          world.see(pipeline.outbox)
        }
      }
    }
    return watch
  }
}
