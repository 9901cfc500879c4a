// Goal: buses that are lost together move every alarm of what hangs on them in one turn, and no event is lost for it. Method: two
// buses with as many silent probes as an address allows, each in a room of its own; both buses go, and come back.

import Devices
import Domain
import Pipeline
import Rules
import SampleSite
import Testing

@Suite struct LostBusTests {
  private static let probesOfABus = 247

  private func pipeline() -> Pipeline {
    var settings = SampleSite(lanes: 0, boards: 0, probes: 2 * Self.probesOfABus).settings
    settings.instruments.ports = [.modbusRTU, .modbusRTU]
    settings.alarmKinds[.deviceSilent] = AlarmSettings(priority: .medium, offDelay: .seconds(60))
    for index in settings.instruments.devices.indices {
      settings.instruments.devices[index].port = PortID(index / Self.probesOfABus)
      settings.instruments.devices[index].unit = UInt8(1 + index % Self.probesOfABus)
    }
    return Pipeline(settings)
  }

  @Test func everySuppressedAlarmIsTold() {
    var pipeline = pipeline()
    var now = Now(boot: Instant(ns: 1_000_000_000), wall: 1_750_000_000_000_000_000)
    var (raised, suppressed, back, lost) = (0, 0, 0, 0)
    var asked: [PortID] = []
    var generation = Generation(1)
    func look() {
      lost += pipeline.outbox.lostRecords
      for index in 0..<pipeline.outbox.count {
        switch pipeline.outbox.outputs[index] {
        case .send(let send): asked.append(send.port)
        case .event(let event):
          switch event.body {
          case .alarmRaised(let fact) where fact.kind == .deviceSilent: raised += 1
          case .alarmSuppressed(let fact, _) where fact.kind == .deviceSilent: suppressed += 1
          case .alarmUnsuppressed(let fact) where fact.kind == .deviceSilent: back += 1
          case .lost: lost += 1
          default: break
          }
        case .reopen: break
        }
      }
    }
    func tell(_ input: Input) {
      pipeline.turn(now, input)
      look()
    }
    /// Nobody answers.
    func live(_ seconds: Int64) {
      let end = now.boot + .seconds(seconds)
      while now.boot < end {
        let ports = asked
        asked = []
        now.boot = min(end, ports.isEmpty ? max(now.boot + .milliseconds(1), pipeline.nextDeadline) : now.boot + .milliseconds(5))
        for port in ports { tell(.requestFailed(port, generation, .timedOut)) }
        if pipeline.nextDeadline <= now.boot { tell(.tick) }
      }
    }
    tell(.started(restored: false, downSeconds: 0))
    for port in 0..<2 { tell(.portOpened(PortID(port), generation)) }
    while raised < 2 * Self.probesOfABus, now.boot < Instant(ns: 60_000_000_000) { live(1) }
    #expect(raised == 2 * Self.probesOfABus)
    for port in 0..<2 { tell(.portLost(PortID(port), generation, .hungUp, errno: 5)) }
    asked = []
    live(4)
    #expect(suppressed == 2 * Self.probesOfABus && lost == 0, "\(suppressed) suppressed, \(lost) lost")
    generation = Generation(2)
    for port in 0..<2 { tell(.portOpened(PortID(port), generation)) }
    live(4)
    #expect(back == 2 * Self.probesOfABus && lost == 0, "\(back) back, \(lost) lost")
  }
}
