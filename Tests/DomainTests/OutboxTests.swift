// The outbox keeps room for records when telemetry floods it, and counts what it drops.

import Domain
import Testing

@Suite struct OutboxTests {
  private func event(_ body: EventBody) -> Event {
    Event(counter: 1, at: Now(boot: Instant(ns: 0), wall: 0), source: .site, body: body, personal: .none)
  }

  @Test func telemetryGivesWayFirst() {
    var outbox = Outbox(capacity: 8, byteCapacity: 16)
    for _ in 0..<20 { outbox.put(event(.air(AirFact(mean5: 1, mean60: 1)))) }
    #expect(outbox.count == 6)
    #expect(outbox.lostTelemetry == 14)
    outbox.put(event(.gateShut))
    outbox.put(event(.gateShut))
    outbox.put(event(.gateShut))
    #expect(outbox.count == 8)
    #expect(outbox.lostRecords == 1)
  }

  @Test func aSendThatDoesNotFitIsRefusedWhole() {
    var outbox = Outbox(capacity: 8, byteCapacity: 4)
    let start = outbox.byteCount
    for byte in 0..<5 { outbox.append(UInt8(byte)) }
    let sent = outbox.finishSend(from: start, to: PortID(0), Generation(1), urgency: .poll, replyWithin: .zero)
    #expect(!sent)
    #expect(outbox.count == 0 && outbox.byteCount == 0 && outbox.lostSends == 1)
    outbox.append(0xAB)
    let next = outbox.finishSend(from: 0, to: PortID(0), Generation(1), urgency: .actuator, replyWithin: .zero)
    #expect(next)
    guard case .send(let send) = outbox.outputs[0] else {
      Issue.record("the send is an output")
      return
    }
    #expect(send.count == 1 && outbox.bytes[0] == 0xAB)
  }
}
