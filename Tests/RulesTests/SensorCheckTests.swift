// Goal: what is not believable does not reach the rules, by the same definitions as Analysis uses on files; a sensor that is
// stuck, apart from its neighbour or off its baseline is its own alarm. Method: the published series, and the same series
// through both.

import Analysis
import Domain
import Testing

@testable import Rules

/// What leaves the check of a series, a reading a minute.
private func passed(_ values: [Double], every seconds: Int64 = 60, isOccupied: Bool = false) -> [Double] {
  var check = SensorCheck()
  var policy = AirPolicy()
  policy.plausibleLowest = 0
  policy.changeLeast = 1e9
  return values.enumerated().compactMap { index, value in
    let checked = check.take(value, at: Instant(ns: 1_000_000_000 * seconds * Int64(index + 1)), isOccupied: isOccupied, policy)
    return checked.ppm.isFinite ? checked.ppm : nil
  }
}

@Suite struct SensorCheckTests {
  /// O-Q4: the filter's own examples; the last two stay inside, since it looks two ahead.
  @Test(arguments: [[1.0, 2, 3, 100, 4, 5, 6], [10.0, 20, 30, 200, 40, 50, 60], [1.0, 2, 3, 4, 5, 6, 7]])
  func hampelIsThatOfAnalysis(series: [Double]) {
    #expect(passed(series) == Array(hampel(series, window: 5).dropLast(2)))
  }

  @Test func hampelIsThatOfAnalysisOnNoise() {
    var state: UInt64 = 5
    let series = (0..<500).map { index -> Double in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let noise = Double(state >> 40) / Double(1 << 24) * 20
      return 800 + noise + (index % 37 == 0 ? 900 : 0)
    }
    #expect(passed(series) == Array(hampel(series, window: 5).dropLast(2)))
  }

  /// A door that was down, or a sensor that was silent, begins a new window.
  @Test func aGapBeginsAnew() {
    var check = SensorCheck()
    let policy = AirPolicy()
    for minute in 1...10 { _ = check.take(800, at: Instant(ns: Int64(minute) * 60_000_000_000), isOccupied: false, policy) }
    let first = check.take(900, at: Instant(ns: 3_600_000_000_000), isOccupied: false, policy)
    #expect(first.ppm.isNaN)
  }

  @Test func aJumpIsNotBelievedAndALevelIs() {
    var check = SensorCheck()
    let policy = AirPolicy()
    var seen: [Double] = []
    for second in 1...60 {
      let value = second == 30 ? 5000.0 : 800 + Double(second % 2)
      let checked = check.take(value, at: Instant(ns: Int64(second) * 2_000_000_000), isOccupied: false, policy)
      if checked.ppm.isFinite { seen.append(checked.ppm) }
    }
    #expect(seen.allSatisfy { $0 < 802 })
    #expect(seen.count > 50)
  }

  /// O-Q1's last five values, a reading a quarter of an hour: suspect after 3,000 s, that is three readings.
  @Test func aFlatLineIsThatOfAnalysis() {
    let series = [1.0, 2, 2.0001, 2, 2.0001, 2, 2.0001, 2, 4, 5, 3, 3.0001, 3.0005, 3.00001]
    let flags = flatLineFlags(series, interval: 900, suspectAfter: 3000, failAfter: 4800, tolerance: 0.01)
    var policy = AirPolicy()
    policy.plausibleLowest = 0
    policy.shortWindow = .seconds(3600)
    policy.flatWithin = 0.01
    policy.flatFor = .seconds(2700)
    var check = SensorCheck()
    let stuck = series.enumerated().map { index, value in
      _ = check.take(value, at: Instant(ns: Int64(index + 1) * 900_000_000_000), isOccupied: true, policy)
      return check.isStuck
    }
    #expect(stuck == flags.map { $0 >= .suspect })
  }

  @Test func theVerySameForHalfAnHourIsStuckAndEmptyRoomsMayBeFlat() {
    var check = SensorCheck()
    let policy = AirPolicy()
    for minute in 1...29 { _ = check.take(800, at: Instant(ns: Int64(minute) * 60_000_000_000), isOccupied: false, policy) }
    #expect(!check.isStuck)
    for minute in 30...32 { _ = check.take(800, at: Instant(ns: Int64(minute) * 60_000_000_000), isOccupied: false, policy) }
    #expect(check.isStuck)
    var quiet = SensorCheck()
    for minute in 1...600 {
      _ = quiet.take(420 + Double(minute % 2), at: Instant(ns: Int64(minute) * 60_000_000_000), isOccupied: false, policy)
    }
    #expect(!quiet.isStuck)
  }

  /// One that leaves takes the disagreement with it, also one that is not told yet.
  @Test func aSensorAloneDisagreesWithNobody() {
    var day = RoomDay(sensors: 2, hours: nil)
    let words = day.play("08:00 co2 600\n08:10 second +400\n09:00 second silent\n10:00 end")
    #expect(words.count { $0.contains("raised sensors_disagree") } == 1 && words.contains { $0.contains("cleared sensors_disagree") }, "\(words)")
    var pending = RoomDay(sensors: 2, hours: nil)
    #expect(pending.play("08:00 co2 600\n08:10 second +400\n08:20 second silent\n10:00 end").allSatisfy { !$0.contains("disagree") })
  }

  /// After a restart with the wires of two sensors changed over, an alarm is of the sensor that hangs there now.
  @Test func aRestartTakesNoWiresOver() {
    let now = Now(boot: Instant(ns: 0), wall: 0)
    func rooms(_ devices: [Int]) -> Rooms { Rooms(devices.map { RoomMembers(RoomSettings(policy: AirPolicy()), co2: [DeviceID($0)]) }) }
    func alarms() -> Alarms {
      Alarms(
        Places(lanes: 0, rooms: 2, devices: 2, ports: 0), settings: { AlarmSettings.standard(for: $0, AirPolicy()) }, isAtLane: { _ in false })
    }
    let before = rooms([0, 1])
    let bytes = Table<UInt8>(capacity: before.byteCount, filledWith: 0)
    _ = before.copyBytes(to: bytes, at: 0)
    var after = rooms([1, 0])
    _ = after.replaceBytes(from: bytes, at: 0, shift: .zero)
    var all = alarms()
    var effects = Effects()
    after.start(now, &effects)
    for minute in 1...60 {
      let then = Now(boot: Instant(ns: Int64(minute) * 60_000_000_000), wall: 0)
      after.co2(
        Reading(device: DeviceID(1), field: 0, use: .co2, unit: .ppm, quality: .good, at: then.boot, decoded: 800), of: 0, in: RoomID(0), then,
        &all, &effects)
    }
    #expect(all.isActive(.sensorStuck, at: .device(DeviceID(1))) && !all.isActive(.sensorStuck, at: .device(DeviceID(0))))
  }

  /// 150 ppm from outdoors for three nights. A night with too little of it counts as none.
  @Test(arguments: [(575.0, true), (490, false), (340, true)]) func aBaselineThatDriftsIsAnAlarm(ppm: Double, isOff: Bool) {
    var policy = AirPolicy()
    policy.plausibleLowest = 300
    var day = RoomDay(RoomSettings(policy: policy, volume: 100), hours: nil)
    let words = day.play("00:00 co2 \(ppm)\n2 04:00 end")
    #expect(!words.contains { $0.contains("baseline_drift") }, "\(words)")
    #expect(day.play("2 06:00 end").contains { $0.contains("raised baseline_drift") } == isOff)
  }
}
