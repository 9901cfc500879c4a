// Another policy from a date and time on: who is judged before and after, across a restart and a step of the clock.

import Domain
import Testing

@testable import Pipeline
@testable import Rules

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
    #expect(changes(door) == [2], "a start is no change")
  }

  /// Another policy falls due while the door is down: it is told once, not at each start.
  @Test func whatFellDueMeanwhileIsToldOnce() {
    var door = door(changeAfter: 10)
    door.live(5)
    door.restart(downFor: 20)
    #expect(changes(door) == [2])
    door.restart(downFor: 20)
    door.live(5)
    #expect(changes(door) == [2])
  }

  /// A longer time by another policy lengthens no wait that runs, and a shorter one holds after a restart.
  @Test(arguments: [(60, 300, "raised 70"), (300, 60, "raised 70")])
  func noRestartMakesACaseWaitLonger(before: Int64, after: Int64, told: String) {
    var door = site(20, { $0.isolateWithin = .seconds(before) }, { $0.isolateWithin = .seconds(after) })
    door.live(10)
    guard case .done? = door.command(.openCase(.lane(LaneID(0)))) else { Issue.record("refused"); return }
    door.live(20)
    door.restart()
    door.live(100)
    #expect(times(.notIsolated, door) == [told])
  }

  @Test func aClockSetBackBringsTheEarlierOneBack() {
    var door = door(changeAfter: 10)
    door.live(15)
    door.wallShift = -3_600_000_000_000
    step(&door)
    #expect(door.verdicts == ["denied borderline"])
    #expect(changes(door) == [2, 1])
  }

  // MARK: What runs

  /// A site with one room and, from `seconds` after the door began, another policy.
  private func site(
    _ seconds: Int64, _ base: @escaping (inout SitePolicy) -> Void, _ later: @escaping (inout SitePolicy) -> Void
  ) -> DoorInVirtualTime {
    DoorInVirtualTime { site in
      site.rooms = [RoomPlan(settings: RoomSettings(policy: AirPolicy(), volume: 60), co2: [])]
      base(&site.site)
      var fever = FeverPolicy()
      fever.version = 2
      var changed = site.site
      later(&changed)
      site.changes = [
        PolicyChange(from: 1_750_000_001_000_000_000 + seconds * 1_000_000_000, fever: fever, air: site.air, site: changed)
      ]
    }
  }

  /// When an alarm was raised and cleared, in seconds after the door began.
  private func times(_ kind: AlarmKind, _ door: borrowing DoorInVirtualTime) -> [String] {
    door.events.compactMap { event in
      let second = (event.at.boot.ns - 1_000_000_000) / 1_000_000_000
      return switch event.body {
      case .alarmRaised(let fact) where fact.kind == kind: "raised \(second)"
      case .alarmCleared(let fact) where fact.kind == kind: "cleared \(second)"
      default: nil
      }
    }
  }

  /// The room has its interval from when the door first began, and what is overdue stays so.
  @Test func aRestartUnderAnotherPolicyPlansNoDisinfectionAnew() {
    var door = site(10, { $0.disinfectEvery = .seconds(60) }, { _ in })
    for _ in 0..<3 {
      door.live(40)
      door.restart()
    }
    door.live(100)
    #expect(times(.disinfectionOverdue, door) == ["raised 60"])
  }

  /// The interval that runs is as long as the policy now says, from when it began.
  @Test(arguments: [
    (20, 60, 40, ["raised 40"]), (50, 60, 40, ["raised 50"]), (20, 60, 90, ["raised 90"]), (70, 60, 90, ["raised 60", "cleared 70", "raised 90"]),
    (70, 60, 0, ["raised 60", "cleared 70"]), (20, 0, 40, ["raised 60"]), (20, 60, 60, ["raised 60"]),
  ])
  func anotherIntervalBeginsWhenThisOneDid(change: Int64, before: Int64, after: Int64, told: [String]) {
    var door = site(change, { $0.disinfectEvery = .seconds(before) }, { $0.disinfectEvery = .seconds(after) })
    door.live(130)
    #expect(times(.disinfectionOverdue, door) == told)
  }

  @Test func aCaseIsLateByThePolicyInForceAfterARestartToo() {
    var door = site(5, { $0.isolateWithin = .seconds(300) }, { $0.isolateWithin = .seconds(30) })
    door.live(10)
    guard case .done? = door.command(.openCase(.lane(LaneID(0)))) else { Issue.record("refused"); return }
    door.live(10)
    door.restart()
    door.live(30)
    #expect(times(.notIsolated, door) == ["raised 40"])
  }

  /// A priority of its own leaves an alarm the delays of the policy.
  @Test func delaysOfTheAirFollowThePolicyWhateverElseIsSet() {
    var door = DoorInVirtualTime { site in
      site.rooms = [RoomPlan(settings: RoomSettings(policy: AirPolicy(), volume: 60), co2: [])]
      for kind in [AlarmKind.airHigh, .airMean, .airAdvice] {
        site.alarmKinds[kind] = AlarmSettings.standard(for: kind, site.air)
        site.alarmKinds[kind]?.priority = .high
      }
      var air = site.air
      (air.highAfter, air.highClearAfter, air.meanClearAfter) = (.seconds(7), .seconds(8), .seconds(9))
      (air.adviceAfter, air.adviceClearAfter) = (.seconds(10), .seconds(11))
      site.changes = [PolicyChange(from: 1_750_000_001_000_000_000 + 5_000_000_000, fever: FeverPolicy(), air: air, site: site.site)]
    }
    door.live(10)
    for (kind, on, off) in [(AlarmKind.airHigh, 7, 8), (.airMean, 0, 9), (.airAdvice, 10, 11)] as [(AlarmKind, Int64, Int64)] {
      let settings = door.pipeline.alarms.rows[door.pipeline.alarms.row(kind, .room(RoomID(0)))].settings
      #expect(settings.onDelay == .seconds(on) && settings.offDelay == .seconds(off) && settings.priority == .high, "\(kind)")
    }
  }
}
