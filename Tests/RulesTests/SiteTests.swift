// The site: opening, cases and their steps, rooms that are locked until they are clean, incidents, disinfection. Each timeline
// is read by minutes; docs/rules.md says the same in words.

import Domain
import Testing

@testable import Rules

@Suite struct SiteTests {
  /// Everything that an opening asks for, an hour before it.
  private let prepared = """
    0   attest supplies
    0   attest isolation-1
    0   disinfected room-1 wipe 30
    0   disinfected room-2 spray 20
    0   disinfected isolation-1 wipe 30
    0   disinfected isolation-2 fog 60
    0   air room-1 60
    0   air room-2 60
    0   air isolation-1 60
    0   air isolation-2 60
    61  open

    """

  private func play(_ text: String, _ change: (inout SitePolicy) -> Void = { _ in }, airChanges: Double = .nan) -> [String] {
    var line = SiteTimeline()
    change(&line.policy)
    line.airChanges = airChanges
    return line.play(text)
  }

  /// What follows the opening.
  private func after(_ text: String, _ change: (inout SitePolicy) -> Void = { _ in }, airChanges: Double = .nan) -> [String] {
    let all = play(prepared + text, change, airChanges: airChanges)
    guard let opened = all.firstIndex(of: "admits") else { return ["never opened: \(all)"] }
    return Array(all[(opened + 1)...])
  }

  // MARK: Opening

  @Test func opensWhenEverythingIsThere() {
    let all = play(prepared)
    #expect(all.first == "closed")
    #expect(all.suffix(2) == ["site opened", "admits"])
  }

  @Test(arguments: [
    ("0   attest supplies\n", "refused not_attested supplies"), ("0   attest isolation-1\n", "refused not_attested isolation-1"),
    ("0   air room-2 60\n", "refused not_ventilated room-2"), ("0   disinfected room-1 wipe 30\n", "refused not_disinfected room-1"),
  ])
  func opensOnlyThen(missing: String, refusal: String) {
    let all = play(prepared.replacing(missing, with: ""))
    #expect(all.last == refusal)
    #expect(!all.contains("admits"))
  }

  @Test func anAttestationIsGoodForADay() {
    // Suitable no longer: the site is closed again, and says so.
    let all = after("1430 attest isolation-2\n1442 end\n") { $0.disinfectEvery = .zero }
    #expect(all == ["attested isolation-2"])
    let alone = after("1442 end\n") { $0.disinfectEvery = .zero }
    #expect(alone == ["alarm 1 isolation_room high", "closed"])
  }

  @Test func withoutACommandItIsAlwaysOpen() {
    let all = play("0 open\n1 confirmed\n2 end\n") { $0.isOpenedByCommand = false }
    #expect(all == ["refused already_done", "alarm 1 confirmed_fever high", "case 1 opened 0"])
  }

  // MARK: Cases

  @Test func aCaseFromItsOpeningToItsClosing() {
    let all = after(
      """
      70  confirmed
      72  case 1 isolated isolation-1
      75  case 1 reported
      80  case 1 contacts_listed
      90  case 1 closed
      95  case 1 handed_over
      96  case 1 closed
      100 air isolation-1 60
      161 disinfected isolation-1 spray 30
      170 case 1 closed
      171 case 1 closed
      """)
    #expect(
      all == [
        "alarm 1 confirmed_fever high", "case 1 opened 0", "isolation-1 locked 1", "case 1 isolated 2",
        // The other isolation room is free, but nobody vouches for it.
        "alarm 2 isolation_room high", "closed",
        "case 1 reported 5", "case 1 contacts_listed 10", "refused not_handed_over", "case 1 handed_over 25",
        "refused room_locked isolation-1", "isolation-1 spray 30", "isolation-1 freed 1", "cleared 2 isolation_room", "admits",
        "case 1 closed 100", "refused unknown_case",
      ])
  }

  /// A step before its time, with what it lacks.
  @Test(arguments: [
    ("71 case 1 closed\n", "refused not_isolated"),
    ("71 case 1 isolated isolation-1\n72 case 1 closed\n", "refused not_reported"),
    ("71 case 1 isolated isolation-1\n72 case 1 reported\n73 case 1 closed\n", "refused contacts_not_listed"),
    ("71 case 1 isolated room-1\n", "refused not_isolation_room"), ("71 case 9 reported\n", "refused unknown_case"),
    ("71 case 1 reported\n72 case 1 reported\n", "refused already_done"),
    ("71 case 1 isolated isolation-1\n72 case 1 isolated isolation-2\n", "refused already_done"),
    ("71 symptom door\n72 case 1 isolated isolation-1\n73 case 2 isolated isolation-1\n", "refused room_taken"),
    ("71 case 1 isolated isolation-1\n72 case 1 handed_over\n73 symptom door\n74 case 2 isolated isolation-1\n", "refused room_locked"),
    ("71 case 1 isolated isolation-1\n72 disinfected isolation-1 wipe 1\n", "refused room_taken"),
    ("71 disinfected isolation-1 wipe 0\n", "refused implausible"), ("71 disinfected room-9 wipe 10\n", "refused implausible"),
  ])
  func refusesAStepBeforeItsTime(steps: String, refusal: String) {
    #expect(after("70 symptom room-1\n" + steps).last == refusal)
  }

  @Test func somebodyWhoWasFetchedNeedsNoIsolationRoom() {
    let all = after("70 symptom door\n71 case 1 handed_over\n72 case 1 reported\n73 case 1 contacts_listed\n90 case 1 closed\n")
    #expect(all == ["case 1 opened 0", "case 1 handed_over 1", "case 1 reported 2", "case 1 contacts_listed 3", "case 1 closed 20"])
  }

  @Test func somebodyWhoDoesNotArriveIsAnAlarm() {
    let all = after("70 symptom room-1\n76 symptom room-2\n82 case 1 isolated isolation-1\n83 case 2 isolated isolation-2\n90 clear 1\n")
    #expect(
      all.filter { $0.contains("not_isolated") } == ["alarm 1 not_isolated high", "alarm 1 not_isolated again", "cleared 1 not_isolated"])
  }

  /// Staff can end both alarms of a case once what they tell of is over.
  @Test func theAlarmsOfACaseCanBeCleared() {
    let all = after("70 confirmed\n72 clear 1\n76 clear 2\n77 case 1 handed_over\n78 clear 2\n")
    #expect(
      all == [
        "alarm 1 confirmed_fever high", "case 1 opened 0", "cleared 1 confirmed_fever", "alarm 2 not_isolated high",
        "refused still_active", "case 1 handed_over 7", "cleared 2 not_isolated",
      ])
  }

  /// Where somebody with a symptom was is locked, and counts as left only when they are in the isolation room.
  @Test func theRoomOfASymptomIsLocked() {
    let all = after(
      """
      70  symptom room-2
      71  session room-2
      72  disinfected room-2 wipe 1
      74  case 1 isolated isolation-1
      75  air room-2 60
      136 disinfected room-2 wipe 20
      137 session room-2
      """)
    #expect(
      all.filter { !$0.contains("isolation") && $0 != "closed" } == [
        "case 1 opened 0", "room-2 locked 1", "session refused room_locked", "room-2 wipe 1", "case 1 isolated 4", "room-2 wipe 20",
        "room-2 freed 1", "session refused site_closed",
      ])
  }

  @Test(arguments: ["room-9", "site"]) func aCaseNeedsALaneOrARoom(place: String) {
    #expect(after("70 symptom \(place)\n").last == "refused implausible")
  }

  @Test func aRoomThatWasInvolvedIsLockedToo() {
    let all = after(
      """
      70  symptom room-1
      71  case 1 room_added room-1
      72  session room-1
      73  session room-2
      80  disinfected room-1 wipe 20
      81  air room-1 60
      142 session room-1
      """)
    #expect(
      all.filter { !$0.contains("not_isolated") } == [
        "case 1 opened 0", "room-1 locked 1", "case 1 room_added 1", "session refused room_locked", "session may begin",
        // Its disinfection began before the room was vacated: it does not count.
        "room-1 wipe 20", "session refused room_locked",
      ])
  }

  /// What helps little frees no room, however long; nor does what should show and does not. A fresh room shows nothing.
  @Test(arguments: [
    (VentilationEffect.ineffective, AirBefore.high, false, false), (.notVerified, .high, false, false),
    (.notVerified, .unclear, true, false), (.notVerified, .fresh, true, true), (.effective, .high, true, true),
  ])
  func whatAVentilationShowsDecides(effect: VentilationEffect, before: AirBefore, frees: Bool, opens: Bool) {
    var line = SiteTimeline()
    line.policy.isOpenedByCommand = false
    (line.effect, line.before) = (effect, before)
    let words = line.play("0 symptom room-1\n1 case 1 room_added room-1\n2 air room-1 600\n700 disinfected room-1 wipe 20\n701 end\n")
    #expect(words.contains("room-1 freed 1") == frees, "\(words)")
    var opening = SiteTimeline()
    (opening.effect, opening.before) = (effect, before)
    #expect(opening.play(prepared).contains("site opened") == opens)
  }

  /// An hour is the least; an air change that is known to be slow asks for longer: 4.6 of them.
  @Test(arguments: [(Double.nan, 60, true), (.nan, 59, false), (4.7, 60, true), (2.4, 60, false), (2.4, 119, true), (0, 240, false)])
  func aLockedRoomIsAiredByItsAirChanges(airChanges: Double, minutes: Int, isFree: Bool) {
    let all = after(
      "70 symptom room-1\n71 case 1 room_added room-1\n72 air room-1 \(minutes)\n400 disinfected room-1 wipe 20\n401 end\n",
      airChanges: airChanges)
    #expect(all.contains("room-1 freed 1") == isFree, "\(all)")
  }

  /// Too few air changes an hour are enough in more hours, where they are known.
  @Test(arguments: [(1.0, 276, true), (1.0, 270, false), (Double.nan, 600, false)])
  func whatHelpsLittleNeedsLonger(airChanges: Double, minutes: Int, isFree: Bool) {
    var line = SiteTimeline()
    line.policy.isOpenedByCommand = false
    (line.effect, line.before, line.airChanges) = (.ineffective, .high, airChanges)
    let words = line.play("0 symptom door\n1 case 1 room_added room-1\n2 air room-1 \(minutes + 1)\n700 disinfected room-1 wipe 20\n701 end\n")
    #expect(words.contains("room-1 freed 1") == isFree, "\(words)")
  }

  /// What aired the room before it was left does not count.
  @Test func airingBeforeItWasLeftDoesNotCount() {
    let early = "62 air isolation-1 100\n70 symptom door\n71 case 1 isolated isolation-1\n120 case 1 handed_over\n200 disinfected isolation-1 wipe 20\n201 end\n"
    #expect(!after(early).contains("isolation-1 freed 1"))
  }

  // MARK: Incidents

  @Test func anIncidentLastsUntilSomebodyEndsIt() {
    let all = after(
      """
      70 incident site
      71 session room-1
      72 incident site
      73 restart
      74 release door
      75 release site
      76 session room-1
      """)
    #expect(
      all == [
        "incident at site", "suspended", "session refused suspended", "refused already_done", "restart", "refused not_suspended",
        "incident over at site", "admits", "session may begin",
      ])
  }

  @Test func aRoomAloneCanBeSuspended() {
    let all = after("70 incident room-1\n71 session room-1\n72 session room-2\n73 release room-1\n74 session room-1\n")
    #expect(
      all == ["incident at room-1", "session refused suspended", "session may begin", "incident over at room-1", "session may begin"])
  }

  @Test(arguments: [(Suspends.none, nil), (.lane, "incident at door for case 1"), (.site, "incident at site for case 1")])
  func aConfirmedCaseSuspendsWhatTheSiteHasChosen(suspends: Suspends, incident: String?) {
    let all = after("70 confirmed\n71 end\n") { $0.suspends = suspends }
    #expect(all.first { $0.hasPrefix("incident") } == incident)
    #expect(all.contains("suspended") == (suspends != .none))
  }

  // MARK: Disinfection

  @Test func aDayWithoutDisinfectionIsAnAlarm() {
    let all = play("1439 disinfected room-1 wipe 10\n1441 end\n1500 disinfected room-2 wipe 10\n2890 end\n") { $0.isOpenedByCommand = false }
    // Three rooms after a day, one of them cleared, and the first a day after its own.
    #expect(
      all.filter { $0.contains("overdue") } == [
        "alarm 1 disinfection_overdue low", "alarm 2 disinfection_overdue low", "alarm 3 disinfection_overdue low",
        "cleared 1 disinfection_overdue", "alarm 4 disinfection_overdue low",
      ])
  }

  @Test func aDisinfectionTooLongAgoClearsNothing() {
    let all = play("1441 disinfected room-1 wipe 10 1440\n1442 end\n") { $0.isOpenedByCommand = false }
    // It ended a day ago: the next one is due at once.
    #expect(all.filter { $0.hasPrefix("cleared") } == [])
  }

  // MARK: Restart

  /// A restart, or a reboot, at any minute of a case changes nothing of what happens.
  @Test(arguments: [62, 70, 71, 73, 76, 90, 96, 120, 150, 162], ["restart", "reboot"])
  func aRestartChangesNothing(minute: Int, kind: String) {
    let rows: [(Int, String)] = [
      (70, "symptom door"), (77, "case 1 isolated isolation-1"), (80, "case 1 reported"), (85, "case 1 contacts_listed"),
      (95, "case 1 handed_over"), (100, "air isolation-1 60"), (161, "disinfected isolation-1 spray 30"), (170, "case 1 closed"),
      (171, "session room-1"),
    ]
    func text(_ rows: [(Int, String)]) -> String { rows.map { "\($0.0) \($0.1)" }.joined(separator: "\n") }
    let without = after(text(rows))
    let with = after(text((rows + [(minute, kind)]).sorted { $0.0 < $1.0 }))
    #expect(with.filter { $0 != "restart" } == without)
    #expect(with.contains("restart"))
    #expect(without.contains("alarm 1 not_isolated high") && without.contains("case 1 closed 100"))
  }

  /// Cases beyond the table are told as lost, and refused by symptom.
  @Test func moreCasesThanThereIsRoomForAreTold() {
    let all = after((0..<65).map { _ in "70 symptom room-1\n" }.joined() + "71 confirmed\n")
    #expect(all.filter { $0.hasPrefix("case") }.count == 64)
    #expect(all.contains("refused too_many_cases"))
    #expect(all.contains("lost") && all.contains { $0.contains("confirmed_fever") })
  }
}
