// Goal: every row of ISA-18.2's table of states, A to I, with the delays both ways, and one raise and one clear an occurrence
// through all of them. Method: a timeline a transition; the same with each line of it doubled; seeded random orders and
// conditions with restarts in between.

import Domain
import Testing

@testable import Rules

private func happened(_ text: String, _ change: (inout AlarmTimeline) -> Void = { _ in }) -> [String] {
  var timeline = AlarmTimeline()
  change(&timeline)
  return timeline.play(text)
}

/// One transition: what leads there, and the states seen on the way.
struct Transition: Sendable, CustomTestStringConvertible {
  var name: String
  var states: [String]
  var text: String
  var testDescription: String { name }
}

private func transition(_ name: String, _ states: String, _ text: String) -> Transition {
  Transition(name: name, states: states.map(String.init), text: text)
}

/// Latched here, so that a condition that lasts and a latch meet in alarms that may be shelved.
private func settingsOfTransitions(_ timeline: inout AlarmTimeline) {
  timeline.settings[.tailgating] = AlarmSettings(priority: .medium, isLatched: true)
  timeline.settings[.laneDrift] = AlarmSettings(priority: .low, isLatched: true)
}

private let transitions = [
  transition("A: the condition lasts its on-delay → B", "AAB", """
    0   on air_high room
    0   state air_high room
    299 state air_high room
    301 state air_high room
    """),
  transition("B: acknowledged → C", "BC", """
    0   on lane_out_of_order lane
    1   state lane_out_of_order lane
    2   acknowledge 1
    2   state lane_out_of_order lane
    """),
  transition("B: the condition is gone for its off-delay → D", "BBD", """
    0   on lane_out_of_order lane
    1   state lane_out_of_order lane
    5   off lane_out_of_order lane
    14  state lane_out_of_order lane
    16  state lane_out_of_order lane
    """),
  transition("B, latching: the condition is gone → E", "BE", """
    0   on tailgating lane
    1   state tailgating lane
    2   off tailgating lane
    2   state tailgating lane
    """),
  transition("C: the condition is gone for its off-delay → A", "CCA", """
    0   on lane_out_of_order lane
    1   acknowledge 1
    2   state lane_out_of_order lane
    5   off lane_out_of_order lane
    14  state lane_out_of_order lane
    16  state lane_out_of_order lane
    """),
  transition("C, latching: the condition is gone → F", "CF", """
    0   on tailgating lane
    1   acknowledge 1
    2   state tailgating lane
    3   off tailgating lane
    3   state tailgating lane
    """),
  transition("C: unacknowledged by a person → B", "CB", """
    0   on lane_out_of_order lane
    1   acknowledge 1
    2   state lane_out_of_order lane
    3   unacknowledge 1
    3   state lane_out_of_order lane
    """),
  transition("D: the condition is there again → B", "DB", """
    0   on device_silent a
    61  off device_silent a
    122 state device_silent a
    130 on device_silent a
    191 state device_silent a
    """),
  transition("D: acknowledged → A", "DA", """
    0   on lane_out_of_order lane
    5   off lane_out_of_order lane
    16  state lane_out_of_order lane
    17  acknowledge 1
    17  state lane_out_of_order lane
    """),
  transition("E: acknowledged → F; F: reset → A", "EFA", """
    0   on tailgating lane
    1   off tailgating lane
    2   state tailgating lane
    3   acknowledge 1
    3   state tailgating lane
    4   clear 1
    4   state tailgating lane
    """),
  transition("E: the condition is there again → B", "EB", """
    0   on tailgating lane
    1   off tailgating lane
    2   state tailgating lane
    3   on tailgating lane
    3   state tailgating lane
    """),
  transition("F: the condition is there again → B", "FB", """
    0   on tailgating lane
    1   acknowledge 1
    2   off tailgating lane
    2   state tailgating lane
    3   on tailgating lane
    3   state tailgating lane
    """),
  transition("E: reset by name → A", "EA", """
    0   on tailgating lane
    1   off tailgating lane
    2   state tailgating lane
    3   clear 1
    3   state tailgating lane
    """),
  transition("a reset needs the condition gone", "CC", """
    0   on tailgating lane
    1   acknowledge 1
    2   state tailgating lane
    3   clear 1
    3   state tailgating lane
    """),
  // G
  transition("A: shelved → G; over → A", "AGGA", """
    0    state air_high room
    1    shelve air_high room 10
    1    state air_high room
    600  state air_high room
    602  state air_high room
    """),
  transition("A: shelved, and raised on the shelf → G; over → B", "GGB", """
    1    shelve lane_out_of_order lane 10
    1    state lane_out_of_order lane
    20   on lane_out_of_order lane
    21   state lane_out_of_order lane
    602  state lane_out_of_order lane
    """),
  transition("B: shelved → G; over → B", "BGB", """
    0    on lane_out_of_order lane
    1    state lane_out_of_order lane
    2    shelve lane_out_of_order lane 10
    2    state lane_out_of_order lane
    603  state lane_out_of_order lane
    """),
  transition("B: shelved → G; cleared on the shelf; over → A", "GGA", """
    0    on lane_out_of_order lane
    2    shelve lane_out_of_order lane 10
    2    state lane_out_of_order lane
    10   off lane_out_of_order lane
    30   state lane_out_of_order lane
    603  state lane_out_of_order lane
    """),
  transition("C: shelved → G; over → B", "CGB", """
    0    on lane_out_of_order lane
    1    acknowledge 1
    1    state lane_out_of_order lane
    2    shelve lane_out_of_order lane 10
    2    state lane_out_of_order lane
    603  state lane_out_of_order lane
    """),
  transition("D: shelved → G; over → A", "DGA", """
    0    on lane_out_of_order lane
    1    off lane_out_of_order lane
    12   state lane_out_of_order lane
    13   shelve lane_out_of_order lane 10
    13   state lane_out_of_order lane
    614  state lane_out_of_order lane
    """),
  transition("E, F: shelved → G; over → E: only staff end what is latched", "EGEFGE", """
    0    on tailgating lane
    1    off tailgating lane
    1    state tailgating lane
    2    shelve tailgating lane 10
    2    state tailgating lane
    603  state tailgating lane
    604  acknowledge 1
    604  state tailgating lane
    605  shelve tailgating lane 10
    605  state tailgating lane
    1206 state tailgating lane
    """),
  transition("G: unshelved → B, or A", "GBGA", """
    0    on lane_out_of_order lane
    1    shelve lane_out_of_order lane 10
    1    state lane_out_of_order lane
    5    unshelve lane_out_of_order lane
    5    state lane_out_of_order lane
    6    shelve lane_out_of_order lane 10
    7    off lane_out_of_order lane
    20   state lane_out_of_order lane
    21   unshelve lane_out_of_order lane
    21   state lane_out_of_order lane
    """),
  transition("G: over while the off-delay runs: quiet until it is over → A", "GA", """
    0    on air_high room
    310  shelve air_high room 1
    360  off air_high room
    400  state air_high room
    961  state air_high room
    """),
  transition("G: over while the off-delay runs, and the condition is back → B", "GB", """
    0    on air_high room
    310  shelve air_high room 1
    360  off air_high room
    400  state air_high room
    500  on air_high room
    500  state air_high room
    """),
  transition("G: over while the off-delay runs, and nobody knows any more → B", "GB", """
    0    on air_high room
    310  shelve air_high room 1
    360  off air_high room
    400  state air_high room
    500  unknown air_high room
    501  state air_high room
    """),
  // H
  transition("B: its cause is raised → H; the cause is over → B", "BHB", """
    0    on device_silent a
    61   state device_silent a
    62   on port_lost 0
    66   state device_silent a
    70   off port_lost 0
    74   state device_silent a
    """),
  transition("C: its cause is raised → H; the cause is over → B", "CHB", """
    0    on device_silent a
    61   acknowledge 1
    61   state device_silent a
    62   on port_lost 0
    66   state device_silent a
    70   off port_lost 0
    74   state device_silent a
    """),
  transition("H: cleared while it is suppressed → A", "HAA", """
    0    on device_silent a
    62   on port_lost 0
    66   state device_silent a
    70   off device_silent a
    131  state device_silent a
    140  off port_lost 0
    144  state device_silent a
    """),
  transition("A, D: what is not raised is not suppressed; a raise meets its cause → H", "AHADDH", """
    0    on port_lost 0
    4    state device_silent a
    5    on device_silent a
    66   state device_silent a
    67   off device_silent a
    128  state device_silent a
    129  off port_lost 0
    140  on device_silent a
    201  off device_silent a
    262  state device_silent a
    270  on port_lost 0
    274  state device_silent a
    275  on device_silent a
    336  state device_silent a
    """),
  transition("E, F: a cause leaves what is latched in sight no longer → H; over → E", "EHEFHE", """
    0    on lane_drift lane
    1    off lane_drift lane
    1    state lane_drift lane
    2    on lane_out_of_order lane
    2    state lane_drift lane
    3    off lane_out_of_order lane
    14   state lane_drift lane
    15   acknowledge 1
    15   state lane_drift lane
    16   on lane_out_of_order lane
    16   state lane_drift lane
    17   off lane_out_of_order lane
    28   state lane_drift lane
    """),
  transition("H: the cause is over while the off-delay runs: quiet until it is over → A", "HHA", """
    0    on device_silent a
    62   on port_lost 0
    66   state device_silent a
    67   off device_silent a
    67   off port_lost 0
    80   state device_silent a
    128  state device_silent a
    """),
  // I
  transition("A, B: out of service → I; returned → A, B", "IAIB", """
    0    remove lane_out_of_order lane
    0    state lane_out_of_order lane
    90000 return lane_out_of_order lane
    90000 state lane_out_of_order lane
    90001 on lane_out_of_order lane
    90002 remove lane_out_of_order lane
    90002 state lane_out_of_order lane
    99000 return lane_out_of_order lane
    99000 state lane_out_of_order lane
    """),
  transition("C, D: out of service → I; returned → B, A", "CIBDIA", """
    0    on lane_out_of_order lane
    1    acknowledge 1
    1    state lane_out_of_order lane
    2    remove lane_out_of_order lane
    2    state lane_out_of_order lane
    3    return lane_out_of_order lane
    3    state lane_out_of_order lane
    4    off lane_out_of_order lane
    15   state lane_out_of_order lane
    16   remove lane_out_of_order lane
    16   state lane_out_of_order lane
    17   return lane_out_of_order lane
    17   state lane_out_of_order lane
    """),
  transition("E, F: out of service → I; returned → E", "EIEFIE", """
    0    on tailgating lane
    1    off tailgating lane
    1    state tailgating lane
    2    remove tailgating lane
    2    state tailgating lane
    3    return tailgating lane
    3    state tailgating lane
    4    acknowledge 1
    4    state tailgating lane
    5    remove tailgating lane
    5    state tailgating lane
    6    return tailgating lane
    6    state tailgating lane
    """),
  transition("G: out of service → I, and the shelf is over", "GIIA", """
    0    shelve lane_out_of_order lane 10
    0    state lane_out_of_order lane
    1    remove lane_out_of_order lane
    1    state lane_out_of_order lane
    900  state lane_out_of_order lane
    901  return lane_out_of_order lane
    901  state lane_out_of_order lane
    """),
  transition("G, I: over while a cause suppresses it → H", "GHIH", """
    0    on device_silent a
    61   shelve device_silent a 10
    62   on port_lost 0
    66   state device_silent a
    662  state device_silent a
    663  remove device_silent a
    663  state device_silent a
    664  return device_silent a
    664  state device_silent a
    """),
]

private func isState(_ word: String) -> Bool { word.count == 1 }

/// What the log tells of each occurrence: raised once before it is cleared once.
private func occurrencesAreWhole(_ words: [String]) -> Bool {
  var open: Set<Substring> = []
  var known: Set<Substring> = []
  for word in words {
    let parts = word.split(separator: " ")
    if parts[0] == "raised" {
      guard known.insert(parts[1]).inserted else { return false }
      open.insert(parts[1])
    }
    if parts[0] == "cleared", open.remove(parts[1]) == nil { return false }
  }
  return true
}

@Suite struct AlarmStateTests {
  @Test(arguments: transitions) func everyTransition(of row: Transition) {
    let words = happened(row.text, settingsOfTransitions)
    #expect(words.filter(isState) == row.states, "\(words)")
    #expect(occurrencesAreWhole(words), "\(words)")
  }

  /// Rules say what is so again and again; people press twice.
  @Test(arguments: transitions) func everyLineTwice(of row: Transition) {
    let lines = row.text.split(separator: "\n").flatMap { line in line.contains("state") ? [line] : [line, line] }
    let words = happened(lines.joined(separator: "\n"), settingsOfTransitions)
    #expect(words.filter(isState) == row.states, "\(words)")
    #expect(occurrencesAreWhole(words), "\(words)")
  }

  /// Whatever of it is lost, an occurrence is raised and cleared at most once, in this order.
  @Test(arguments: transitions) func everyLineLost(of row: Transition) {
    let lines = row.text.split(separator: "\n")
    for lost in lines.indices {
      let words = happened(lines.indices.filter { $0 != lost }.map { String(lines[$0]) }.joined(separator: "\n"), settingsOfTransitions)
      #expect(occurrencesAreWhole(words), "without line \(lost): \(words)")
    }
  }

  /// What comes late comes in another order.
  @Test(arguments: transitions) func everyLineLate(of row: Transition) {
    let lines = row.text.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1).map(String.init) }
    for late in lines.indices.dropLast() {
      var said = lines.map { $0[1] }
      said.swapAt(late, late + 1)
      let words = happened(zip(lines, said).map { "\($0[0]) \($1)" }.joined(separator: "\n"), settingsOfTransitions)
      #expect(occurrencesAreWhole(words), "with line \(late) late: \(words)")
    }
  }

  /// A door that restarts before any look at it shows the same state. Not asked of delays that run meanwhile: an on-delay begins
  /// anew, and what is gone takes a minute at least to be known.
  @Test(arguments: transitions) func aRestartAnywhere(of row: Transition) {
    let lines = row.text.split(separator: "\n").map(String.init)
    for at in 1..<lines.count where lines[at].contains("state") {
      let before = lines[..<at]
      let second = lines[at - 1].split(separator: " ")[0]
      // Rules judge anew what is there.
      var isOn: [String: Bool] = [:]
      for words in before.map({ $0.split(separator: " ") }) where ["on", "off"].contains(words[1]) {
        isOn[words[2...].joined(separator: " ")] = words[1] == "on"
      }
      let again = isOn.filter(\.value).map { "\(second) on \($0.key)" }.sorted()
      let words = happened((Array(before) + ["\(second) restart"] + again + [lines[at]]).joined(separator: "\n"), settingsOfTransitions)
      #expect(occurrencesAreWhole(words), "restart before line \(at): \(words)")
      let runs = before.contains { $0.contains(" off ") && !$0.contains("tailgating") } || row.name.contains("on-delay")
      if !runs { #expect(words.last(where: isState) == row.states[before.count { $0.contains("state") }], "line \(at): \(words)") }
    }
  }

  /// Signal K's specification of alerts, its seven transitions: A abnormal → B, B acknowledged → C, C unacknowledged → B, C normal
  /// → A, B normal → D, D abnormal → B, D acknowledged → A.
  @Test func theSevenTransitionsOfSignalK() {
    let words = happened("""
      1    on gate_unscreened lane
      1    state gate_unscreened lane
      2    acknowledge 1
      2    state gate_unscreened lane
      3    unacknowledge 1
      3    state gate_unscreened lane
      4    acknowledge 1
      5    off gate_unscreened lane
      5    state gate_unscreened lane
      6    on gate_unscreened lane
      7    off gate_unscreened lane
      7    state gate_unscreened lane
      8    on gate_unscreened lane
      8    state gate_unscreened lane
      9    off gate_unscreened lane
      10   acknowledge 3
      10   state gate_unscreened lane
      """)
    #expect(words.filter(isState) == ["B", "C", "B", "A", "D", "B", "A"], "\(words)")
    #expect(words.filter { $0.hasPrefix("raised") }.count == 3 && words.filter { $0.hasPrefix("cleared") }.count == 3)
  }

  @Test func anOccurrenceOutlivesAShelf() {
    #expect(
      happened("""
        0    on lane_out_of_order lane
        10   shelve lane_out_of_order lane 5
        400  off lane_out_of_order lane
        420  end
        """) == [
          "raised 1 lane_out_of_order unacknowledged", "shelved 1", "back 1 unacknowledged", "cleared 1 lane_out_of_order",
        ])
  }

  /// What comes and goes on the shelf is in the log, and nobody is called.
  @Test func whatIsRaisedOnAShelfIsTold() {
    var timeline = AlarmTimeline()
    let words = timeline.play("""
      0    shelve lane_out_of_order lane 60
      10   on lane_out_of_order lane
      20   off lane_out_of_order lane
      40   end
      """)
    #expect(words == ["shelved 0", "raised 1 lane_out_of_order shelved", "cleared 1 lane_out_of_order"])
    #expect(timeline.alarms.loudCount == 0 && timeline.alarms.loudRaises == 0)
  }

  /// A shelf was made for what was known then.
  @Test func aWorseCaseEndsAShelf() {
    #expect(
      happened("""
        0    on lane_out_of_order lane
        10   shelve lane_out_of_order lane 60
        20   worse lane_out_of_order lane
        """) == [
          "raised 1 lane_out_of_order unacknowledged", "shelved 1", "back 1 unacknowledged", "cleared 1 lane_out_of_order",
          "raised 2 lane_out_of_order unacknowledged",
        ])
  }

  @Test(arguments: [
    ("shelve gate_unscreened lane 5", "safety_alarm"), ("shelve suspect_left lane 5", "safety_alarm"),
    ("remove suspected_fever lane", "safety_alarm"), ("remove gate_jammed lane", "safety_alarm"),
    ("shelve air_high room 60.1", "shelf_too_long"), ("shelve air_high room 0", "shelf_too_long"), ("shelve air_high room -1", "shelf_too_long"),
    ("unshelve air_high room", "not_shelved"), ("return air_high room", "not_out_of_service"), ("acknowledge 9", "unknown_alarm"),
    ("unacknowledge 1", "not_acknowledged"), ("clear 1", "unknown_alarm"), ("acknowledge 0", "unknown_alarm"),
  ])
  func whatIsRefused(order: String, refusal: String) {
    let before = "0 on lane_out_of_order lane\n"
    let words = happened(before + "1 \(order)")
    #expect(words == ["raised 1 lane_out_of_order unacknowledged", "refused \(refusal)"])
  }

  @Test func whatIsOutOfSightIsNotAcknowledged() {
    let words = happened("0 on lane_out_of_order lane\n1 remove lane_out_of_order lane\n2 acknowledge 1\n3 shelve lane_out_of_order lane 5")
    #expect(words.filter { $0.hasPrefix("refused") } == ["refused alarm_suppressed", "refused alarm_suppressed"])
  }

  @Test func anAlarmThatIsNowhereIsUnknown() {
    var timeline = AlarmTimeline()
    _ = timeline.play("0 end")
    for place in [Place.lane(LaneID(1)), .room(RoomID(9)), .device(DeviceID(3)), .port(PortID(2)), .site] {
      var effects = Effects()
      var alarms = timelineAlarms()
      let answer = alarms.shelve(AlarmID(.airHigh, at: place), for: .minutes(1), who: Text(), why: Text(), timeline.now, &effects)
      guard case .refused(.unknownAlarm) = answer else { Issue.record("\(place): \(answer)"); continue }
    }
  }

  private func timelineAlarms() -> Alarms {
    Alarms(
      Places(lanes: 1, rooms: 1, devices: 3, ports: 2), settings: { AlarmSettings.standard(for: $0, AirPolicy()) }, isAtLane: { _ in false })
  }

  /// The shelf holds so many, and room that is given back is used again.
  @Test func aFullShelfTakesNoMore() {
    var alarms = Alarms(
      Places(lanes: 0, rooms: 0, devices: 200, ports: 0), settings: { AlarmSettings.standard(for: $0, AirPolicy()) }, isAtLane: { _ in false })
    var effects = Effects()
    let now = Now(boot: Instant(ns: 0), wall: 0)
    func shelve(_ device: Int) -> Bool {
      let id = AlarmID(.deviceSilent, at: .device(DeviceID(device)))
      if case .done = alarms.shelve(id, for: .minutes(1), who: Text(), why: Text(), now, &effects) { return true } else { return false }
    }
    let taken = (0..<AlarmNote.most).count { shelve($0) }
    #expect(taken == AlarmNote.most)
    let isFull = !shelve(199)
    #expect(isFull)
    let again = shelve(3)
    #expect(again, "what is shelved may be shelved anew")
    _ = alarms.unshelve(AlarmID(.deviceSilent, at: .device(DeviceID(7))), now, &effects)
    let hasRoom = shelve(199)
    #expect(hasRoom)
  }
}
