// Another policy from a date and time on: who is judged before and after, across a restart and a step of the clock.

import Domain
import Pipeline
import Rules
import Testing

@Suite struct PolicyTests {
  /// 37.2 is borderline at first and elevated from the moment on, `seconds` after the door began.
  private func door(changeAfter seconds: Int64) -> DoorInVirtualTime {
    DoorInVirtualTime { site in
      var fever = FeverPolicy()
      fever.version = 2
      fever.threshold = 37.1
      site.changes = [
        PolicyChange(from: 1_750_000_001_000_000_000 + seconds * 1_000_000_000, fever: fever, air: site.air, site: site.site)
      ]
    }
  }

  private func versions(_ door: borrowing DoorInVirtualTime) -> [UInt32] {
    door.events.compactMap { if case .screeningDenied(let fact) = $0.body { fact.policy } else { nil } }
  }

  private func changes(_ door: borrowing DoorInVirtualTime) -> [UInt32] {
    door.events.compactMap { if case .policyChanged(let version) = $0.body { version } else { nil } }
  }

  /// Somebody whose body is 37.2: the site offset is 1.6.
  private func step(_ door: inout DoorInVirtualTime) {
    door.skin = 22
    door.live(4)
    door.skin = 35.6
    door.live(2)
  }

  @Test func decidesByTheOtherFromThenOn() {
    var door = door(changeAfter: 20)
    step(&door)
    #expect(door.verdicts == ["denied borderline"])
    door.live(20)
    step(&door)
    #expect(door.verdicts.last == "denied elevated")
    #expect(versions(door).first == 1 && versions(door).last == 2)
    #expect(changes(door) == [2])
  }

  @Test func aRestartTakesThePolicyOfTheMoment() {
    var door = door(changeAfter: 10)
    door.live(15)
    door.restart()
    step(&door)
    #expect(door.verdicts == ["denied elevated"])
    #expect(changes(door) == [2, 2])
  }

  @Test func aClockSetBackBringsTheEarlierOneBack() {
    var door = door(changeAfter: 10)
    door.live(15)
    door.wallShift = -3_600_000_000_000
    step(&door)
    #expect(door.verdicts == ["denied borderline"])
    #expect(changes(door) == [2, 1])
  }
}
