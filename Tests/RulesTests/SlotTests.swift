// Goal: morning, afternoon and after each session the room has its hour, or it is said by how much it has not; on the right
// day, whatever happens to clock, door and sensors; and who must act is told while there is time. Method: a room's day in
// lines.

import Domain
import Testing

@testable import Rules

/// A session from 09:00 to 10:00 and one from 11:00 to 11:30, each day.
private let timetable = [
  SessionPlan(room: RoomID(0), days: 0x7F, start: 9 * 3600, end: 10 * 3600, name: 0),
  SessionPlan(room: RoomID(0), days: 0x7F, start: 11 * 3600, end: 11 * 3600 + 1800, name: 1),
]

private func verdicts(
  _ text: String, _ settings: RoomSettings = RoomDay.room, contacts: [RoomContact] = [.window], hours: Hours? = Hours(),
  timetable: [SessionPlan] = []
) -> [String] {
  var day = RoomDay(settings, contacts: contacts, hours: hours, timetable: timetable)
  return day.play(text).filter { words in ["morning", "afternoon", "after_session"].contains { words.contains($0 + " ") } }
}

private var holding: RoomSettings {
  var room = RoomDay.room
  room.policy.holdsSessions = true
  return room
}

@Suite struct SlotTests {
  @Test func anHourInEachHalfOfTheDayIsMet() {
    let text = "07:00 co2 600\n09:00 window open\n10:01 window shut\n13:00 window open\n14:30 window shut\n18:30 end"
    #expect(verdicts(text) == ["12:00 morning met", "18:00 afternoon met"])
  }

  @Test(arguments: [
    ("09:00 window open\n09:40 window shut", "12:00 morning short by 20"), ("09:00 co2 600", "12:00 morning missed"),
    // It begins at work; what was before does not count.
    ("07:30 window open\n08:40 window shut", "12:00 morning short by 20"),
    // Two halves are no whole.
    ("08:30 window open\n09:10 window shut\n10:00 window open\n10:40 window shut", "12:00 morning short by 20"),
    ("11:30 window open\n12:20 window shut", "12:00 morning short by 30"),
  ])
  func lessIsSaidToBeLess(text: String, verdict: String) {
    #expect(verdicts("07:00 co2 600\n\(text)\n12:30 end") == [verdict])
  }

  /// A room without contacts: CO2 is evidence, and somebody's word; without either it was not done.
  @Test func withoutContactsOtherEvidenceCounts() {
    #expect(verdicts("07:00 co2 600\n09:00 declare begin\n10:01 declare end\n12:30 end", contacts: []) == ["12:00 morning met"])
    #expect(verdicts("07:00 co2 1800\n09:00 co2 falls 4\n12:30 end", contacts: []) == ["12:00 morning met"])
    #expect(verdicts("07:00 co2 1800\n09:00 co2 falls 0.4\n12:30 end", contacts: []) == ["12:00 morning missed"])
  }

  @Test func whatNobodySawIsNeitherMetNorMissed() {
    #expect(verdicts("07:00 co2 600\n08:00 window silent\n12:30 end") == ["12:00 morning unverifiable by 60"])
    // Half an hour unseen hides no hour.
    #expect(verdicts("07:00 co2 600\n08:00 window silent\n08:30 window shut\n12:30 end") == ["12:00 morning missed"])
  }

  @Test func aSemiBasementNeedsMore() {
    var room = RoomDay.room
    room.isSemiBasement = true
    #expect(verdicts("07:00 co2 600\n09:00 window open\n10:10 window shut\n12:30 end", room) == ["12:00 morning short by 20"])
  }

  /// Monday to Friday: the sixth day is none.
  @Test func noSlotsOnFreeDays() {
    let words = verdicts("4 07:00 co2 600\n6 20:00 end")
    #expect(words == ["4 12:00 morning missed", "4 18:00 afternoon missed"], "\(words)")
  }

  // MARK: Reminders

  /// At 10:45 an hour and the quarter that people need to come are left.
  @Test func aPersonIsToldWhileThereIsTime() {
    var day = RoomDay(contacts: [.window])
    let words = day.play("07:00 co2 600\n10:50 window open\n12:30 end")
    #expect(words.contains { $0.hasPrefix("10:45 raised slot_at_risk") || $0.hasPrefix("10:46 raised slot_at_risk") }, "\(words)")
    #expect(words.contains { $0.hasPrefix("11:50 cleared slot_at_risk") || $0.hasPrefix("11:51 cleared slot_at_risk") }, "\(words)")
    #expect(words.contains("12:00 morning met"))
  }

  @Test func aSlotThatIsLostStaysAnAlarmUntilTheRoomHasItsHour() {
    var day = RoomDay(contacts: [.window])
    let words = day.play("07:00 co2 600\n12:30 window open\n13:45 end")
    #expect(words.count { $0.contains("slot_at_risk") } == 2, "\(words)")
    #expect(words.contains { $0.hasPrefix("13:30 cleared slot_at_risk") || $0.hasPrefix("13:31 cleared slot_at_risk") }, "\(words)")
  }

  /// Three days without airing: six slots, six alarms, though the first is never over.
  @Test func eachSlotHasItsOwnReminder() {
    var day = RoomDay(contacts: [.window])
    let words = day.play("07:00 co2 600\n2 19:00 end").filter { $0.contains("raised slot_at_risk") }
    #expect(words.count == 6, "\(words)")
    #expect(words.last?.hasPrefix("2 16:4") == true, "\(words)")
  }

  @Test func eachSessionHasItsOwnAlarm() {
    var day = RoomDay(contacts: [.window], hours: nil, timetable: timetable)
    let words = day.play("07:00 co2 600\n11:55 restart 1\n12:30 end").filter { $0.contains("raised ventilation_late") }
    #expect(words.count == 2 && words[0].hasPrefix("10:1") && words[1].hasPrefix("11:4"), "\(words)")
  }

  @Test func nobodyIsRemindedOfWhatIsDone() {
    var day = RoomDay(contacts: [.window])
    let words = day.play("07:00 co2 600\n08:00 window open\n09:05 window shut\n12:30 end")
    #expect(!words.contains { $0.contains("slot_at_risk") }, "\(words)")
  }

  // MARK: After sessions

  @Test func theHourAfterASession() {
    let text = "07:00 co2 600\n10:10 window open\n11:15 window shut\n11:30 end"
    #expect(verdicts(text, hours: nil, timetable: [timetable[0]]) == ["11:20 after_session met"])
    // A window that is open already counts from the session's end.
    #expect(verdicts("07:00 co2 600\n09:30 window open\n11:05 window shut\n11:30 end", hours: nil, timetable: [timetable[0]]) == ["11:20 after_session met"])
    #expect(verdicts("07:00 co2 600\n10:10 window open\n10:50 window shut\n11:30 end", hours: nil, timetable: [timetable[0]]) == ["11:20 after_session short by 20"])
    #expect(verdicts("07:00 co2 600\n10:20 window open\n11:50 window shut\n12:30 end", hours: nil, timetable: [timetable[0]]) == ["11:20 after_session missed"])
  }

  @Test func aLateBeginningIsAnAlarmUntilTheHourIsDone() {
    var day = RoomDay(contacts: [.window], hours: nil, timetable: [timetable[0]])
    let words = day.play("07:00 co2 600\n10:20 window open\n11:50 window shut\n12:30 end")
    #expect(words.contains { $0.hasPrefix("10:15 raised ventilation_late") || $0.hasPrefix("10:16 raised") }, "\(words)")
    #expect(words.contains { $0.hasPrefix("11:20 cleared ventilation_late") || $0.hasPrefix("11:21 cleared") }, "\(words)")
  }

  @Test func anHourThatEndsShortIsAnAlarm() {
    var day = RoomDay(contacts: [.window], hours: nil, timetable: [timetable[0]])
    let words = day.play("07:00 co2 600\n10:05 window open\n10:40 window shut\n11:30 end")
    #expect(words.contains { $0.hasPrefix("10:46 raised ventilation_late") || $0.hasPrefix("10:45 raised") }, "\(words)")
  }

  @Test func theNextSessionIsWarnedOf() {
    var day = RoomDay(contacts: [.window], hours: nil, timetable: timetable)
    let words = day.play("07:00 co2 600\n10:20 window open\n11:40 end")
    #expect(words.contains("11:00 session began lacking 20") && words.contains("11:00 after_session missed"), "\(words)")
  }

  @Test func theNextSessionIsHeldUntilTheHourIsDone() {
    var day = RoomDay(holding, contacts: [.window], hours: nil, timetable: timetable)
    let words = day.play("07:00 co2 600\n10:20 window open\n11:10 session start\n11:40 end")
    #expect(words.contains("11:00 session held lacking 20"), "\(words)")
    #expect(words.contains("11:10 refused ventilation_incomplete 11"), "\(words)")
    #expect(words.contains { $0.hasPrefix("11:20 session began") || $0.hasPrefix("11:21 session began") }, "\(words)")
  }

  @Test func aLockedRoomTakesNoSession() {
    var day = RoomDay(contacts: [.window], hours: nil, timetable: timetable)
    let words = day.play("07:00 co2 600\n08:50 lock\n09:10 session start\n09:20 unlock\n09:30 end")
    #expect(words.contains("09:00 session held locked") && words.contains("09:10 refused room_locked"), "\(words)")
    #expect(words.contains { $0.hasPrefix("09:20 session began") || $0.hasPrefix("09:21 session began") }, "\(words)")
  }

  @Test func sessionsByCommand() {
    var day = RoomDay(contacts: [.window], hours: nil)
    let words = day.play("07:00 co2 600\n08:00 session end\n08:10 session start\n08:20 session start\n09:00 session end\n10:30 end")
    #expect(words.prefix(4) == ["08:00 refused no_session", "08:10 session began", "08:20 refused session_running", "09:00 session ended"], "\(words)")
    #expect(words.contains("10:20 after_session missed"))
  }

  /// Begun early by hand, it is the one of the timetable, and ends with it; ended early, it does not begin again.
  @Test func aSessionOfTheTimetableBegunOrEndedByHand() {
    var early = RoomDay(contacts: [.window], hours: nil, timetable: [timetable[0]])
    #expect(early.play("08:30 co2 600\n08:50 session start\n10:05 end").filter { $0.contains("session ") } == ["08:50 session began", "10:00 session ended"])
    var short = RoomDay(contacts: [.window], hours: nil, timetable: [timetable[0]])
    #expect(short.play("08:30 co2 600\n09:30 session end\n10:05 end").filter { $0.contains("session ") } == ["09:00 session began", "09:30 session ended"])
  }

  // MARK: Clocks, suspends and restarts

  @Test func anEightHourSuspendHidesBothSlots() {
    #expect(verdicts("07:00 co2 600\n09:00 asleep 480\n18:30 end") == ["17:00 morning unverifiable by 60", "18:00 afternoon unverifiable by 60"])
  }

  /// From Monday 17:00 to Wednesday 17:00: two afternoons of which a part was seen, and three slots of which nothing was.
  @Test func daysThatNobodySawAreSaid() {
    let words = verdicts("07:00 co2 600\n17:00 asleep 2880\n2 18:30 end")
    #expect(words.filter { $0.contains("unverifiable") }.count == 5, "\(words)")
    #expect(words.contains("12:00 morning missed"))
  }

  @Test(arguments: [("+30", "unverifiable by 28"), ("-30", "met")]) func aStepInASlotMovesItsEdge(step: String, verdict: String) {
    // The clock is set while the window is open from 10:58 on: forward, half an hour less is left, and nobody can have aired
    // in it; back, half an hour more.
    let words = verdicts("07:00 co2 600\n10:58 window open\n11:10 clock \(step)\n12:30 end")
    #expect(words == ["12:00 morning \(verdict)"], "\(words)")
  }

  @Test func aSlotIsJudgedOnceThoughTheClockGoesBack() {
    let words = verdicts("07:00 co2 600\n12:05 clock -10\n12:30 end")
    #expect(words == ["12:00 morning missed"], "\(words)")
  }

  /// A year ahead for an hour: the slots of this year are still judged, and those of the next are not kept.
  @Test(arguments: [525_600, 1440]) func aClockThatWasAheadSwitchesNothingOff(minutes: Int) {
    let days = Int64(minutes / 1440)
    let words = verdicts("08:00 co2 600\n10:00 clock +\(minutes)\n\(days) 10:30 clock -\(minutes)\n3 19:00 end")
    for slot in ["1 12:00 morning missed", "1 18:00 afternoon missed", "2 18:00 afternoon missed", "3 18:00 afternoon missed"] {
      #expect(words.contains(slot), "\(words)")
    }
  }

  /// The other way: a clock that began in the past keeps its one slot open for no longer than it is looked at.
  @Test func aClockThatWasBehindSwitchesNothingOff() {
    let words = verdicts("-400 08:00 co2 600\n-400 10:00 clock +576000\n1 18:30 end")
    #expect(words.suffix(2) == ["1 12:00 morning missed", "1 18:00 afternoon missed"], "\(words)")
  }

  @Test func aSessionOfADayToComeIsOver() {
    var day = RoomDay(contacts: [.window], hours: nil, timetable: [timetable[0]])
    let words = day.play("08:00 co2 600\n09:05 clock +43200\n30 09:10 clock -43200\n1 09:30 end").filter { $0.contains("session ") }
    #expect(words.contains("09:10 session ended") || words.contains("09:11 session ended"), "\(words)")
    #expect(words.last?.hasPrefix("1 09:00 session began") == true, "\(words)")
  }

  /// Hours that begin before the clock is set back at 03:00: noon is an hour later than it seemed at midnight.
  @Test func anEdgeMovesWithTheNight() {
    let change: Int64 = (1_795_392_000 + 86_400 + 3 * 3600 - 28_800) * 1_000_000_000
    var day = RoomDay(
      contacts: [.window], hours: Hours(days: 0x7F, start: 0, noon: 12 * 3600, end: 24 * 3600), zone: { $0 < change ? 28_800 : 25_200 })
    let words = day.play("0 23:00 co2 500\n1 10:50 window open\n1 11:55 window shut\n1 12:30 end")
    #expect(words.contains("1 12:00 morning met"), "\(words)")
    #expect(day.judged.last.map { ($0.plannedEnd - $0.plannedStart) / 3_600_000_000_000 } == 13)
  }

  /// Both nights of Berlin's change: 29 March and 25 October 2026 are Sundays; the days before and after keep their slots.
  @Test(arguments: [(Int64(-241), Int32(3600), Int32(7200)), (Int64(-30), Int32(7200), Int32(3600))])
  func bothNightsOfAChangeKeepTheirDays(day: Int64, before: Int32, after: Int32) {
    // At 01:00 UTC of the Sunday.
    let change = (1_795_392_000 + (day + 1) * 86_400 + 3600) * 1_000_000_000
    let every = Hours(days: 0x7F)
    var room = RoomDay(contacts: [.window], hours: every, zone: { $0 < change ? before : after })
    let words = room.play(
      "\(day) 07:00 co2 600\n\(day) 09:00 window open\n\(day) 10:10 window shut\n\(day + 1) 09:00 window open\n\(day + 1) 10:10 window shut\n\(day + 2) 00:00 end")
    #expect(room.judged.map(\.verdict) == [.met, .missed, .met, .missed], "\(words)")
    // Noon is noon on both days, though a day has 23 or 25 hours.
    let apart = (room.judged[2].plannedEnd - room.judged[0].plannedEnd) / 1_000_000_000
    #expect(apart == 86_400 - Int64(after - before))
  }

  /// Asleep over the night of the change, until Monday: the slots of Saturday that nobody saw lie where Saturday's clocks had them.
  @Test(arguments: [(Int64(-242), Int32(3600), Int32(7200)), (Int64(-31), Int32(7200), Int32(3600))])
  func slotsThatNobodySawHaveTheOffsetOfTheirDay(friday: Int64, before: Int32, after: Int32) {
    let change = (1_795_392_000 + (friday + 2) * 86_400 + 3600) * 1_000_000_000
    var room = RoomDay(contacts: [.window], hours: Hours(days: 0x7F), zone: { $0 < change ? before : after })
    let words = room.play("\(friday) 20:00 co2 600\n\(friday) 20:10 asleep 3780\n\(friday + 3) 12:30 end")
    func hour(_ wall: Int64) -> Int64 { (wall / 1_000_000_000 + Int64(wall < change ? before : after)) % 86_400 / 3600 }
    #expect(room.judged.count == 5, "\(words)")
    #expect(room.judged.map { hour($0.plannedStart) } == [8, 12, 8, 12, 8], "\(words)")
    #expect(room.judged.map { hour($0.plannedEnd) } == [12, 18, 12, 18, 12], "\(words)")
  }

  /// Met in the morning; at night somebody sets the clock to the day before, and back: what was met is not made unverifiable, and no
  /// slot is told twice that nobody saw twice.
  @Test func aClockThatGoesBackTellsNothingTwice() {
    let words = verdicts(
      "1 07:00 co2 600\n1 09:00 window open\n1 10:01 window shut\n1 13:00 window open\n1 14:01 window shut\n1 19:00 clock -1440\n0 19:30 clock +1440\n2 07:00 end")
    #expect(words == ["1 12:00 morning met", "1 18:00 afternoon met"], "\(words)")
  }

  /// Set back into a morning that was told: what lies before is not known of it, and is not called missed.
  @Test func aSlotThatComesAgainIsNotMissed() {
    let words = verdicts("07:00 co2 600\n09:00 window open\n10:01 window shut\n18:30 clock -420\n12:30 end")
    #expect(words == ["12:00 morning met", "18:00 afternoon missed", "12:00 morning unverifiable by 60"], "\(words)")
  }

  /// A short restart in a ventilation changes no verdict; a long one makes it one that nobody can vouch for.
  @Test func aRestartKeepsWhatWasDone() {
    #expect(verdicts("07:00 co2 600\n09:00 window open\n09:30 restart 2\n10:10 window shut\n12:30 end") == ["12:00 morning met"])
    #expect(verdicts("07:00 co2 600\n09:00 window open\n09:30 restart 10\n10:10 window shut\n12:30 end") == ["12:00 morning met"])
    #expect(verdicts("07:00 co2 600\n09:00 window open\n09:30 restart 40\n10:20 window shut\n12:30 end") == ["12:00 morning unverifiable by 31"])
    #expect(verdicts("07:00 co2 600\n09:00 window open\n10:10 window shut\n11:00 restart 1\n12:30 end") == ["12:00 morning met"])
    #expect(verdicts("07:00 co2 600\n11:50 restart 20\n12:30 end") == ["12:10 morning missed"])
  }

  @Test func aRestartKeepsSessionsAndWhatIsOwed() {
    var day = RoomDay(holding, contacts: [.window], hours: nil, timetable: timetable)
    let words = day.play("08:50 co2 600\n09:30 restart 1\n10:20 restart 1\n10:30 session start\n10:40 end")
    #expect(words.filter { $0.contains("session ") } == ["09:00 session began", "10:00 session ended"], "\(words)")
    #expect(words.contains("10:30 refused ventilation_incomplete 60"))
    #expect(words.count { $0.contains("raised ventilation_late") } == 1, "\(words)")
  }

  /// At every quarter of an hour of a day with sessions, a restart of a minute gives the verdicts of a day without.
  @Test func aRestartAtAnyPointGivesTheSameVerdicts() {
    let lines = [
      "07:00 co2 600", "08:05 window open", "08:55 window shut", "10:05 window open", "11:07 window shut", "12:10 window open",
      "13:20 window shut", "16:00 declare begin", "16:30 declare end", "18:30 end",
    ]
    let whole = verdicts(lines.joined(separator: "\n"), timetable: timetable)
    #expect(whole.count == 4, "\(whole)")
    for quarter in 30..<73 {
      let moment = (quarter * 15 < 600 ? "0" : "") + "\(quarter / 4):" + (quarter % 4 == 0 ? "00" : "\(quarter % 4 * 15)")
      let text = (lines.filter { $0.prefix(5) <= moment } + ["\(moment) restart 1"] + lines.filter { $0.prefix(5) > moment })
      #expect(verdicts(text.joined(separator: "\n"), timetable: timetable).map(verdict) == whole.map(verdict), "restart at \(moment)")
    }
  }

  @Test func noSessionWherePeopleAreIsolated() {
    var room = RoomDay.room
    room.takesSessions = false
    var day = RoomDay(room, hours: nil)
    #expect(day.play("08:00 co2 600\n08:10 session start\n08:20 end") == ["08:10 refused takes_no_session"])
  }

  @Test func noSessionForWhichNobodyAnswers() {
    var room = RoomDay.room
    room.lacksResponsible = true
    var day = RoomDay(room, hours: nil)
    #expect(day.play("08:00 co2 600\n08:10 session start\n08:20 end") == ["08:10 refused no_responsible"])
  }

  private func verdict(_ words: String) -> String { words.split(separator: " ").dropFirst().prefix(2).joined(separator: " ") }
}
