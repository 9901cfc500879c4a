// Goal: an alarm lives by ISA-18.2: one raise and one clear an occurrence, delays both ways, latched ones until staff clear
// them. Method: one alarm, conditions at times, and the states they lead to.

import Domain
import Testing

@testable import Rules

/// One room and one lane.
private struct Stand: ~Copyable {
  var alarms: Alarms
  var effects = Effects()
  var now = Now(boot: Instant(ns: 0), wall: 0)
  var told: [String] = []

  init() {
    let air = AirPolicy()
    alarms = Alarms(
      Places(lanes: 1, rooms: 1, devices: 1, ports: 1), settings: { AlarmSettings.standard(for: $0, air) }, isAtLane: { _ in false })
  }

  mutating func at(_ seconds: Double, _ act: (inout Alarms, Now, inout Effects) -> Void = { _, _, _ in }) {
    let end = Instant(ns: Int64(seconds * 1e9))
    while alarms.nextDeadline <= end {
      now.boot = max(now.boot, alarms.nextDeadline)
      alarms.advance(to: now, &effects)
    }
    now.boot = end
    act(&alarms, now, &effects)
    for index in 0..<effects.count {
      guard case .event(let body, _, _) = effects.list[index] else { continue }
      switch body {
      case .alarmRaised(let fact): told.append("raised \(fact.occurrence) \(fact.priority.name)")
      case .alarmRepeated(let fact): told.append("again \(fact.occurrence) \(Int(fact.value))")
      case .alarmCleared(let fact): told.append("cleared \(fact.occurrence) \(fact.priority.name) \(fact.state.name)")
      case .alarmAcknowledged(let fact): told.append("acknowledged \(fact.occurrence) \(fact.state.name)")
      default: break
      }
    }
    effects.clear()
  }

  mutating func set(_ kind: AlarmKind, _ place: Place, _ isOn: Bool, at seconds: Double, value: Double = .nan, priority: Priority? = nil, renew: Bool = false) {
    at(seconds) { $0.set(kind, at: place, isOn, value: value, priority: priority, renew: renew, $1, &$2) }
  }
}

private let lane = Place.lane(LaneID(0))
private let room = Place.room(RoomID(0))
private let device = Place.device(DeviceID(0))

@Suite struct AlarmTests {
  @Test func delaysBothWays() {
    var stand = Stand()
    stand.set(.deviceSilent, device, true, at: 0)
    stand.set(.deviceSilent, device, false, at: 59)
    stand.set(.deviceSilent, device, true, at: 60)
    stand.at(119.9)
    #expect(stand.told.isEmpty, "a condition that was gone before its delay never was an alarm")
    stand.at(120.1)
    #expect(stand.told == ["raised 1 medium"])
    stand.set(.deviceSilent, device, false, at: 130)
    stand.set(.deviceSilent, device, true, at: 189)
    stand.set(.deviceSilent, device, false, at: 190)
    stand.at(249.9)
    #expect(stand.told == ["raised 1 medium"])
    stand.at(251)
    #expect(stand.told == ["raised 1 medium", "cleared 1 medium returned_unacknowledged"])
  }

  @Test func acknowledgedInEachState() {
    var stand = Stand()
    stand.set(.gateUnscreened, lane, true, at: 1)
    stand.at(2) { alarms, now, effects in _ = alarms.acknowledge(1, now, &effects) }
    stand.set(.gateUnscreened, lane, false, at: 3)
    stand.set(.gateUnscreened, lane, true, at: 4)
    stand.set(.gateUnscreened, lane, false, at: 5)
    stand.at(6) { alarms, now, effects in _ = alarms.acknowledge(2, now, &effects) }
    #expect(
      stand.told == [
        "raised 1 high", "acknowledged 1 acknowledged", "cleared 1 high normal", "raised 2 high", "cleared 2 high returned_unacknowledged",
        "acknowledged 2 normal",
      ])
  }

  /// A worse case at the same place is another occurrence: somebody must hear of it.
  @Test func aHigherPriorityIsToldAnew() {
    var stand = Stand()
    stand.set(.suspectedFever, lane, true, at: 1)
    stand.at(2) { alarms, now, effects in _ = alarms.acknowledge(1, now, &effects) }
    stand.set(.suspectedFever, lane, true, at: 3, priority: .high)
    stand.set(.suspectedFever, lane, true, at: 4)
    #expect(stand.told == ["raised 1 medium", "acknowledged 1 acknowledged", "cleared 1 medium normal", "raised 2 high"])
  }

  @Test func renewingKeepsThePriority() {
    var stand = Stand()
    stand.set(.suspectedFever, lane, true, at: 1, priority: .high, renew: true)
    stand.set(.suspectedFever, lane, true, at: 2, priority: .high, renew: true)
    #expect(stand.told == ["raised 1 high", "cleared 1 high normal", "raised 2 high"])
  }

  @Test func aLatchedAlarmIsClearedByStaffOnly() {
    var stand = Stand()
    stand.set(.suspectLeft, lane, true, at: 1, renew: true)
    stand.at(2) { alarms, now, effects in _ = alarms.acknowledge(1, now, &effects) }
    stand.set(.suspectLeft, lane, true, at: 3, renew: true)
    stand.set(.suspectLeft, lane, false, at: 4)
    stand.at(4000)
    #expect(stand.told == ["raised 1 medium", "acknowledged 1 acknowledged", "again 1 2"])
    stand.at(4001) { alarms, now, effects in _ = alarms.clearLatched(1, now, &effects) }
    #expect(stand.told.last == "cleared 1 medium normal")
  }

  /// What lamps and buzzers go by.
  @Test func whatWaitsForSomebodyIsCounted() {
    var stand = Stand()
    stand.set(.gateUnscreened, lane, true, at: 1)
    stand.set(.laneDrift, lane, true, at: 1)
    stand.set(.suspectLeft, lane, true, at: 2)
    #expect(stand.alarms.loudCount == 2 && stand.alarms.loudRaises == 2, "a low one is not loud")
    stand.at(3) { alarms, now, effects in _ = alarms.acknowledge(1, now, &effects) }
    stand.set(.suspectLeft, lane, false, at: 4)
    #expect(stand.alarms.loudCount == 1, "latched, and nobody has seen it")
    stand.set(.suspectLeft, lane, true, at: 5, renew: true)
    #expect(stand.alarms.loudCount == 1 && stand.alarms.loudRaises == 3)
    stand.set(.suspectLeft, lane, false, at: 5)
    stand.at(6) { alarms, now, effects in _ = alarms.clearLatched(3, now, &effects) }
    stand.set(.gateUnscreened, lane, false, at: 7)
    #expect(stand.alarms.loudCount == 0)
    stand.set(.gateJammed, lane, true, at: 8)
    stand.at(10)
    #expect(stand.alarms.loudCount == 1)
    let bytes = Table<UInt8>(capacity: stand.alarms.byteCount, filledWith: 0)
    _ = stand.alarms.copyBytes(to: bytes, at: 0)
    var after = Stand()
    _ = after.alarms.replaceBytes(from: bytes, at: 0, shift: .zero, now: after.now)
    #expect(after.alarms.loudCount == 1)
  }

  @Test func whatNobodyKnowsHoldsAnAlarm() {
    var stand = Stand()
    stand.set(.airHigh, room, true, at: 0, value: 1600)
    stand.at(301)
    stand.set(.airHigh, room, false, at: 400, value: 1200)
    stand.at(500) { alarms, _, _ in alarms.hold(.airHigh, at: room) }
    stand.at(5000)
    #expect(stand.told == ["raised 1 high"], "silence cleared it")
    stand.set(.airHigh, room, false, at: 5001, value: 900)
    stand.at(5602)
    #expect(stand.told.last == "cleared 1 high returned_unacknowledged")
  }

  @Test(arguments: [AlarmKind.airHigh, .airMean]) func aRestartClearsNoBadAir(kind: AlarmKind) {
    var stand = Stand()
    stand.set(kind, room, true, at: 0, value: 2000)
    stand.at(301)
    let bytes = Table<UInt8>(capacity: stand.alarms.byteCount, filledWith: 0)
    _ = stand.alarms.copyBytes(to: bytes, at: 0)
    var after = Stand()
    after.now.boot = Instant(ns: 400_000_000_000)
    _ = after.alarms.replaceBytes(from: bytes, at: 0, shift: .zero, now: after.now)
    after.at(9000)
    #expect(after.told.isEmpty)
    after.set(kind, room, false, at: 9001, value: 500)
    after.at(10_000)
    #expect(after.told.count == 1 && after.told[0].hasPrefix("cleared 1"))
  }
}
