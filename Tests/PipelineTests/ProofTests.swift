// Goal: a proof of lamp and buzzer goes over the wire and back. Method: a door with a board that reads its relays, in virtual time.

import Domain
import Pipeline
import Rules
import Testing

private func results(_ events: [Event]) -> [String] {
  events.compactMap { event in
    guard case .laneProof(let result, let lamp, let buzzer) = event.body else { return nil }
    return "\(result) \(lamp.name) \(buzzer.name)"
  }
}

@Suite struct ProofTests {
  /// The sample site's lamp is relay 3, its buzzer relay 5.
  @Test func theBoardReadsBothBack() {
    var door = DoorInVirtualTime()
    door.live(5)
    let before = door.orders.count
    #expect(door.command(.prove(LaneID(0))) != nil)
    door.live(8)
    #expect(results(door.events) == ["proven confirmed confirmed"])
    #expect(door.orders[before...].contains(.set(3, true)) && door.orders[before...].contains(.set(5, true)))
    #expect(door.orders.suffix(2).contains(.set(3, false)) && door.orders.suffix(2).contains(.set(5, false)))
    #expect(door.opened == 0 && door.raised.contains(.alertCheck) && !door.raised.contains(.proofFailed))
  }

  @Test func aRelayThatDoesNotSwitchFails() {
    var door = DoorInVirtualTime()
    door.live(5)
    door.deadRelays = 1 << 4
    _ = door.command(.prove(LaneID(0)))
    door.live(12)
    #expect(results(door.events) == ["failed confirmed failed"] && door.raised.contains(.proofFailed))
    // It is an alarm of medium priority: the lamp calls.
    #expect(door.orders.last { $0 == .set(3, true) || $0 == .set(3, false) } == .set(3, true))
  }

  @Test func aBoardThatRefusesFails() {
    var door = DoorInVirtualTime()
    door.live(5)
    door.boardRefuses = true
    _ = door.command(.prove(LaneID(0)))
    door.live(12)
    #expect(results(door.events) == ["failed failed failed"])
  }

  @Test func aPersonInTheMiddlePassesAsAlways() {
    var door = DoorInVirtualTime()
    door.live(5)
    _ = door.command(.prove(LaneID(0)))
    door.live(1)
    door.skin = 35
    door.live(2)
    #expect(results(door.events).first?.hasPrefix("interrupted") == true && door.verdicts == ["passed normal"] && door.opened == 1)
  }

  @Test func whoAcknowledgesHasSeenIt() {
    var door = DoorInVirtualTime()
    door.live(5)
    _ = door.command(.prove(LaneID(0)))
    door.live(8)
    let check = door.raised(.alertCheck)?.occurrence ?? 0
    _ = door.command(.acknowledge(occurrence: check))
    let cleared = door.events.contains { if case .alarmCleared(let fact) = $0.body { fact.kind == .alertCheck } else { false } }
    #expect(cleared)
    door.restart()
    door.live(5)
    let lane = door.pipeline.report(on: LaneID(0), Now(boot: .past, wall: 0))
    #expect(lane.provenAt > 0 && lane.seenAt > lane.provenAt)
  }
}
