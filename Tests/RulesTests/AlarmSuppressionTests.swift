// Goal: an alarm that another explains calls nobody, and nothing else is kept quiet; floods are told and end; who is not heard is
// heard louder. Method: timelines.

import Domain
import Testing

@testable import Rules

private func happened(_ text: String, _ change: (inout AlarmTimeline) -> Void = { _ in }) -> [String] {
  var timeline = AlarmTimeline()
  change(&timeline)
  return timeline.play(text)
}

@Suite struct AlarmSuppressionTests {
  @Test func noAlarmOfSafetyIsEverSuppressed() {
    for (cause, suppressed) in suppressions {
      #expect(!suppressed.contains { $0.isSafety }, "\(cause)")
      #expect(!suppressed.contains { $0.rawValue == cause.rawValue }, "\(cause) suppresses itself")
    }
  }

  @Test func aLostPortSuppressesWhatHangsOnIt() {
    let words = happened("""
      0    on device_silent a
      0    on device_fault b
      0    on device_silent c
      100  on port_lost 0
      110  end
      """)
    #expect(words.contains("raised 4 port_lost unacknowledged") && words.contains("suppressed_by_design 1"), "\(words)")
    #expect(words.filter { $0.hasPrefix("suppressed") }.count == 2, "c hangs on another: \(words)")
  }

  /// Bad air stays an alarm; it only calls nobody while what staff must mend is the sensors.
  @Test func badAirIsSuppressedWhileNoSensorOfTheRoomSpeaks() {
    let words = happened("""
      0    on air_high room
      310  acknowledge 1
      400  on device_silent a
      470  state air_high room
      480  on device_fault b
      550  state air_high room
      551  unknown air_high room
      600  off device_fault b
      670  state air_high room
      9000 state air_high room
      9001 off air_high room
      9700 state air_high room
      """)
    #expect(words.filter { $0.count == 1 } == ["C", "H", "B", "B", "D"], "\(words)")
    #expect(words.filter { $0.hasPrefix("cleared 1 ") }.count == 1)
  }

  /// A mean that became unknown while its delay ran raises only when it has been bad for the whole delay again.
  @Test func anUnknownMeanRaisesNothing() {
    let words = happened("""
      0    on air_high room
      200  unknown air_high room
      400  state air_high room
      500  on air_high room
      799  state air_high room
      801  state air_high room
      """)
    #expect(words.filter { $0.count == 1 } == ["A", "A", "B"], "\(words)")
  }

  @Test func oneSensorThatSpeaksIsEnough() {
    let words = happened("""
      0    on air_high room
      400  on device_silent a
      401  on device_fault a
      500  state air_high room
      501  on port_lost 1
      510  state air_high room
      511  on port_lost 0
      520  state air_high room
      """)
    #expect(words.filter { $0.count == 1 } == ["B", "B", "H"], "\(words)")
  }

  /// A latched cause that is over waits for staff, and hides nothing meanwhile; it does when it is there again.
  @Test(arguments: ["60   end", "60   acknowledge 1", "60   shelve sensor_stuck a 30"]) func aLatchedCauseThatIsOverHidesNothing(meanwhile: String) {
    let words = happened("""
      0    on sensor_stuck a
      1    on sensor_stuck b
      2    on air_high room
      \(meanwhile)
      400  state air_high room
      500  off sensor_stuck a
      501  state air_high room
      600  on sensor_stuck a
      601  state air_high room
      """)
    #expect(words.filter { $0.count == 1 } == ["H", "B", "H"], "\(words)")
  }

  /// What saw the reference is what staff must mend.
  @Test func aReferenceThatNobodySees() {
    let words = happened("""
      0    on reference_off lane
      31   state reference_off lane
      40   on device_silent c
      101  state reference_off lane
      110  off device_silent c
      171  state reference_off lane
      """)
    #expect(words.filter { $0.count == 1 } == ["B", "H", "B"], "\(words)")
  }

  @Test func aLaneThatMeasuresNobodyCallsForOneThing() {
    let words = happened("""
      0    on thermometer_stuck lane
      0    on thermometer_normalising lane
      10   on lane_out_of_order lane
      11   state thermometer_stuck lane
      11   state thermometer_normalising lane
      """)
    #expect(words.filter { $0.count == 1 } == ["H", "H"], "\(words)")
  }

  /// A cause that is out of sight itself still explains: somebody by name has taken it on.
  @Test func aCauseOutOfSightStillExplains() {
    let words = happened("""
      0    remove port_lost 0
      1    on port_lost 0
      5    on device_silent a
      66   state device_silent a
      """)
    #expect(words.last == "H", "\(words)")
  }

  // MARK: Floods

  private func raises(_ count: Int, from: Int, every: Int) -> String {
    (0..<count).map { "\(from + $0 * every) again events_lost site" }.joined(separator: "\n") + "\n"
  }

  @Test func moreThanTenInTenMinutesAreAFlood() {
    #expect(!happened(raises(10, from: 1, every: 10)).contains { $0.contains("alarm_flood") })
    let words = happened(raises(11, from: 1, every: 10) + "150 end")
    #expect(words.filter { $0.contains("alarm_flood") } == ["raised 12 alarm_flood unacknowledged"], "\(words)")
    #expect(!happened(raises(30, from: 1, every: 61)).contains { $0.contains("alarm_flood") }, "ten in ten minutes, on and on")
  }

  /// The fifth newest is ten minutes old.
  @Test(arguments: [660, 662]) func aFloodEndsWhenFewAreLeft(end: Int) {
    let words = happened(raises(11, from: 1, every: 10) + "\(end) state alarm_flood site")
    #expect(words.last == (end < 661 ? "B" : "D"), "\(words)")
  }

  @Test func aFloodGoesOnAcrossARestart() {
    let words = happened(raises(11, from: 1, every: 10) + "150 restart 60\n250 state alarm_flood site\n660 state alarm_flood site\n662 state alarm_flood site")
    #expect(words.filter { $0.count == 1 } == ["B", "B", "D"], "\(words)")
  }

  @Test func whatNobodyIsToldOfIsNoFlood() {
    let words = happened("0 remove events_lost site\n" + raises(30, from: 1, every: 10))
    #expect(!words.contains { $0.contains("alarm_flood") }, "\(words)")
  }

  // MARK: Nobody comes

  @Test func whatNobodyAcknowledgesEscalates() {
    var timeline = AlarmTimeline()
    let words = timeline.play("""
      0    on gate_jammed lane
      0    on lane_out_of_order lane
      0    on lane_drift lane
      9000 end
      """)
    #expect(
      words.filter { $0.hasPrefix("escalated") } == ["escalated 3 to 1", "escalated 3 to 2", "escalated 1 to 1", "escalated 1 to 2"],
      "\(words)")
    #expect(timeline.alarms.loudRaises == 6, "lamp and buzzer at each raise and each level")
  }

  @Test func whoeverComesEndsIt() {
    let words = happened("""
      0    on gate_unscreened lane
      130  acknowledge 1
      900  unacknowledge 1
      1100 off gate_unscreened lane
      9000 end
      """)
    #expect(words.filter { $0.hasPrefix("escalated") } == ["escalated 1 to 1", "escalated 1 to 1"], "it begins at 1 again: \(words)")
  }

  @Test func aShelfStopsTheClock() {
    let words = happened("""
      0    on lane_out_of_order lane
      590  shelve lane_out_of_order lane 60
      4100 end
      """)
    #expect(!words.contains { $0.hasPrefix("escalated") }, "\(words)")
  }

  @Test func whatHasLastedIsShownAgain() {
    let words = happened("""
      0    on lane_out_of_order lane
      10   acknowledge 1
      1809 state lane_out_of_order lane
      1811 state lane_out_of_order lane
      """) { $0.policy.reAlarmAfter = .minutes(30) }
    #expect(words.filter { $0.count == 1 } == ["C", "B"] && words.contains("unacknowledged 1"), "\(words)")
  }

  // MARK: Restarts

  /// A shelf ends when it would have ended, however long the door was away; a clock that was set back makes it no longer.
  @Test(arguments: [(0, 600), (200, 600), (3_000, 3_301)]) func aShelfAcrossARestart(down: Int, ends: Int) {
    let words = happened("""
      0    on air_high room
      301  shelve air_high room 4.98
      301  restart \(down)
      \(max(301 + down, ends - 1)) state air_high room
      \(ends + 301) state air_high room
      """)
    #expect(words.filter { $0.count == 1 } == [down < 3_000 ? "G" : "B", "B"], "\(words)")
  }

  @Test func anEscalationAcrossARestart() {
    let words = happened("0 on gate_unscreened lane\n100 restart\n100 on gate_unscreened lane\n119 end\n121 end")
    #expect(words == ["raised 1 gate_unscreened unacknowledged", "restart", "escalated 1 to 1"])
  }
}

// MARK: The property

/// Seeded numbers: the same seed, the same run.
private struct Seeded {
  var state: UInt64
  mutating func below(_ bound: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state % UInt64(bound))
  }
}

@Suite struct AlarmPropertyTests {
  private static let conditions = [
    "air_high room", "air_mean room", "device_silent a", "device_silent b", "device_fault a", "device_fault c", "port_lost 0", "port_lost 1",
    "sensor_stuck a", "sensor_stuck b", "reference_off lane", "lane_out_of_order lane", "lane_drift lane", "gate_unscreened lane", "suspected_fever lane", "tailgating lane", "events_lost site",
  ]

  /// Whatever happens in whatever order: an occurrence is raised once and cleared once or still open, the count of what must be
  /// heard is right, and every state is one that the table allows.
  @Test(arguments: 0..<20) func whateverHappens(batch: Int) {
    var seen: Set<String> = []
    for seed in batch * 10..<batch * 10 + 10 { run(UInt64(seed), &seen) }
    #expect(seen == ["A", "B", "C", "D", "E", "F", "G", "H", "I"], "a state that was never seen proves nothing: \(seen.sorted())")
  }

  private func run(_ seed: UInt64, _ seen: inout Set<String>) {
    var chance = Seeded(state: seed &* 0x9E37_79B9_7F4A_7C15 | 1)
    var timeline = AlarmTimeline()
    timeline.policy.reAlarmAfter = .minutes(20)
    timeline.settings[.tailgating] = AlarmSettings(priority: .medium, isLatched: true)
    timeline.settings[.laneDrift] = AlarmSettings(priority: .low, isLatched: true)
    timeline.build()
    var told = 0
    var open: Set<Substring> = []
    var known: Set<Substring> = []
    for _ in 0..<400 {
      let condition = Self.conditions[chance.below(Self.conditions.count)]
      let occurrence = 1 + chance.below(max(1, Int(timeline.alarms.counters[0])))
      let order =
        switch chance.below(24) {
        case 0..<6: "on \(condition)"
        case 6..<10: "off \(condition)"
        case 10: "unknown \(condition)"
        case 11: "worse \(condition)"
        case 12: "happens \(condition)"
        case 13: "again \(condition)"
        case 14, 15: "acknowledge \(occurrence)"
        case 16: "unacknowledge \(occurrence)"
        case 17: "clear \(occurrence)"
        case 18: "shelve \(condition) \(1 + chance.below(70))"
        case 19: "unshelve \(condition)"
        case 20: "remove \(condition)"
        case 21: "return \(condition)"
        case 22 where chance.below(4) == 0: "restart \(chance.below(4_000))"
        default: "end"
        }
      timeline.act(order.split(separator: " ").map(String.init))
      timeline.collect()
      timeline.run(to: timeline.now.boot + .seconds(Int64(chance.below(chance.below(8) == 0 ? 4_000 : 90))))
      for word in timeline.happened[told...] {
        let parts = word.split(separator: " ")
        if parts[0] == "raised" {
          #expect(known.insert(parts[1]).inserted, "seed \(seed): raised twice: \(word)")
          open.insert(parts[1])
        }
        if parts[0] == "cleared" { #expect(open.remove(parts[1]) != nil, "seed \(seed): cleared and not open: \(word)") }
      }
      told = timeline.happened.count
      check(timeline.alarms, open, seed, &seen)
    }
  }

  /// What must hold of all rows at any moment.
  private func check(_ alarms: borrowing Alarms, _ open: Set<Substring>, _ seed: UInt64, _ seen: inout Set<String>) {
    var loud = 0
    var active = 0
    for index in 0..<alarms.rows.capacity {
      let row = alarms.rows[index]
      let letters: [AlarmState: String] = [
        .normal: "A", .unacknowledged: "B", .acknowledged: "C", .returnedUnacknowledged: "D", .latchedUnacknowledged: "E",
        .latchedAcknowledged: "F", .shelved: "G", .suppressedByDesign: "H", .outOfService: "I",
      ]
      seen.insert(letters[row.state] ?? "?")
      if row.isActive {
        active += 1
        #expect(open.contains("\(row.occurrence)"), "seed \(seed): \(row.kind) is active and not told")
      }
      let isLow = if case .low = row.priority { true } else { false }
      switch row.state {
      case .normal, .returnedUnacknowledged: #expect(!row.isActive, "seed \(seed): \(row)")
      case .unacknowledged, .acknowledged: #expect(row.isActive && !row.isCaused, "seed \(seed): \(row)")
      case .latchedUnacknowledged, .latchedAcknowledged:
        #expect(row.isActive && row.settings.isLatched && !row.condition && !row.isCaused, "seed \(seed): \(row)")
      case .shelved, .suppressedByDesign, .outOfService: #expect(!row.kind.isSafety, "seed \(seed): \(row)")
      }
      if !isLow, ["B", "E"].contains(letters[row.state]) { loud += 1 }
      #expect(row.isCaused == alarms.isExplained(index), "seed \(seed): \(row)")
      if case .shelved = row.removal { #expect(row.timer < .never && alarms.note(on: index) != nil, "seed \(seed): a shelf without an end") }
    }
    #expect(active == open.count, "seed \(seed): what is open is active")
    #expect(loud == alarms.loudCount, "seed \(seed)")
  }
}
