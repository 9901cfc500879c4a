// Goal: a room's air by two means and three limits; an unknown mean neither raises nor clears. Method: a sensor each 2 s,
// values by the minute, and the alarms they lead to.

import Domain
import Testing

@testable import Rules

private struct Room: ~Copyable {
  var rooms: Rooms
  var alarms: Alarms
  var effects = Effects()
  var now = Now(boot: Instant(ns: 0), wall: 0)
  var told: [String] = []

  init(_ air: AirPolicy = AirPolicy()) {
    // A level that is held is what these tests are about, not a sensor that is stuck; and some count in other units.
    var trusting = air
    trusting.sameFor = .minutes(1_000_000)
    trusting.plausibleLowest = 0
    rooms = Rooms([RoomMembers(RoomSettings(policy: trusting), co2: [DeviceID(0)])])
    alarms = Alarms(
      Places(lanes: 0, rooms: 1, devices: 1, ports: 0), settings: { AlarmSettings.standard(for: $0, air) }, isAtLane: { _ in false })
  }

  /// Lets minutes pass with this reading; `nil`: no reading comes.
  mutating func live(_ minutes: Double, ppm: Double?, quality: Quality = .good) {
    let end = now.boot + Interval(ns: Int64(minutes * 60e9))
    while now.boot < end {
      now.boot = now.boot + .seconds(2)
      if let ppm {
        rooms.co2(
          Reading(device: DeviceID(0), field: 0, use: .co2, unit: .ppm, quality: quality, at: now.boot, decoded: ppm), of: 0,
          in: RoomID(0), now, &alarms, &effects)
      }
      rooms.advance(to: now, &alarms, &effects)
      alarms.advance(to: now, &effects)
      for index in 0..<effects.count {
        guard case .event(let body, _, _) = effects.list[index] else { continue }
        if case .alarmRaised(let fact) = body { told.append("raised \(fact.kind.name) \(Int(fact.value))") }
        if case .alarmCleared(let fact) = body { told.append("cleared \(fact.kind.name)") }
      }
      effects.clear()
    }
  }
}

@Suite struct RoomTests {
  @Test func badAirThatLastsIsAnAlarmAndGoodAirThatLastsEndsIt() {
    var room = Room()
    room.live(30, ppm: 600)
    room.live(4, ppm: 2000)
    room.live(30, ppm: 600)
    #expect(!room.told.contains { $0.contains("air_high") }, "four minutes are no five: \(room.told)")
    room.live(15, ppm: 1600)
    #expect(room.told.contains("raised air_high 1600"))
    room.live(30, ppm: 600)
    #expect(room.told.contains("cleared air_high"))
  }

  @Test func betweenTheLimitsItStaysAsItWas() {
    var room = Room()
    room.live(15, ppm: 1600)
    room.live(60, ppm: 1450)
    #expect(!room.told.contains("cleared air_high"))
  }

  /// The standard allows 0.10 % itself.
  @Test(arguments: [(1000.0, false), (1001.0, true)]) func theHourlyMean(ppm: Double, isBad: Bool) {
    var room = Room()
    room.live(70, ppm: ppm)
    #expect(room.told.contains { $0.hasPrefix("raised air_mean") } == isBad)
  }

  @Test(arguments: [nil, 400.0]) func silenceAndNonsenseAreNoGoodAir(ppm: Double?) {
    var room = Room()
    room.live(15, ppm: 2000)
    room.live(2, ppm: 900)
    room.live(600, ppm: ppm, quality: .invalid(.outOfRange))
    #expect(!room.told.contains("cleared air_high"), "\(room.told)")
    #expect(room.rooms.rows[0].mean5.isNaN)
  }

  /// Two levels and a deadband, as GE's operator station has them: VERY HIGH 100, HIGH 85, deadband 5. VERY HIGH at 100, it stays
  /// until below 95, and is HIGH at 94.
  @Test(arguments: [
    ([84.0], ""), ([85], "advice"), ([100], "high advice"), ([100, 95], "high advice"), ([100, 94], "advice"), ([100, 94, 99], "advice"),
    ([100, 94, 80], "advice"), ([100, 94, 79], ""),
  ])
  func twoLevelsAndADeadband(values: [Double], active: String) {
    var policy = AirPolicy()
    (policy.highLimit, policy.highClear, policy.adviceLimit, policy.adviceClear) = (100, 95, 85, 80)
    (policy.highAfter, policy.highClearAfter, policy.adviceAfter, policy.adviceClearAfter) = (.zero, .zero, .zero, .zero)
    var room = Room(policy)
    for value in values { room.live(6, ppm: value) }
    let kinds = [(AlarmKind.airHigh, "high"), (.airAdvice, "advice")].filter { room.alarms.isActive($0.0, at: .room(RoomID(0))) }.map(\.1)
    #expect(kinds.joined(separator: " ") == active)
  }

  @Test func tooFewReadingsAreNoMean() {
    var room = Room()
    room.live(2, ppm: 2000)
    #expect(room.rooms.rows[0].mean5.isNaN)
    room.live(2, ppm: 2000)
    #expect(room.rooms.rows[0].mean5 == 2000)
    #expect(room.rooms.rows[0].mean60.isNaN)
  }
}
