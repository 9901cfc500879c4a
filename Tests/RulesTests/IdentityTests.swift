// Goal: one person, one identity, one screening: nobody is measured under somebody else's name, starts anew after a suspicion, or comes
// back at another lane before staff allow it. Method: timelines with two lanes; `show` is what a scanner tells.

import Domain
import Testing

@testable import Rules

private func happened(required: Bool = true, _ text: String, _ change: (inout LaneTimeline) -> Void = { _ in }) -> [String] {
  var timeline = LaneTimeline()
  timeline.settings.hasIdentity = true
  timeline.settings.identityRequired = required
  change(&timeline)
  return timeline.play("0 nobody\n0 b nobody\n" + text).filter { !["pulse", "shut", "gate is shut"].contains($0) }
}

private let elevated = ["alarm 1 suspected_fever medium", "denied 1 elevated: suspect"]
private let left = ["abandoned 1 left", "alarm 2 suspect_left medium"]

@Suite struct IdentityTests {
  @Test func whoShowsAndIsNormalPasses() throws {
    var timeline = LaneTimeline()
    timeline.settings.hasIdentity = true
    timeline.settings.identityRequired = true
    let words = timeline.play("0 nobody\n2 show ann\n3 skin 35.0\n5 nobody\n12 end")
    #expect(words.contains("passed 1 normal"))
    // One record: identity, reading and verdict; of the identity only the token.
    let measured = try #require(timeline.estimates.last)
    #expect(measured.token.isSame(as: IdentityKey(Array("a key of a test".utf8)).token(of: "ann")) && measured.surface == 35.0)
  }

  @Test func whoShowsNothingHasNoResult() {
    #expect(happened("3 skin 35.0\n40 nobody\n45 end") == ["began 1", "denied 1 no_identity: no_result"])
    #expect(happened(required: false, "3 skin 35.0\n5 nobody\n12 end") == ["began 1", "passed 1 normal", "gate opens"])
  }

  /// What was measured before is nobody's: the burst begins when the identity is known.
  @Test func aBurstBeforeTheIdentityDoesNotCount() {
    #expect(happened("3 skin 36.0\n6 skin 35.3\n6 show ann\n8 nobody\n15 end") == ["began 1", "passed 1 normal", "gate opens"])
  }

  @Test func anIdentityWaitsForItsPersonAndNotForEver() {
    #expect(happened("2 show ann\n33 skin 35.0\n70 nobody\n75 end") == ["began 1", "denied 1 no_identity: no_result"])
  }

  @Test func twoIdentitiesAreTwoPeople() {
    let words = happened("2 show ann\n3 skin 35.4\n5 show ben\n12 nobody\n15 end")
    #expect(words == ["began 1", "denied 1 borderline: retake", "denied 1 second_person: measuring", "abandoned 1 second_person"])
    // The same code read twice is one person.
    #expect(happened("2 show ann\n3 skin 35.0\n3.2 show ann\n5 nobody\n12 end") == ["began 1", "passed 1 normal", "gate opens"])
  }

  /// Who was judged and still stands there shows nothing for the next one.
  @Test func whatAJudgedPersonShowsIsNotTheNextOnes() {
    let words = happened("2 show ann\n3 skin 35.0\n4 show ann\n12 nobody\n14 skin 35.0\n50 nobody\n60 end")
    #expect(words == ["began 1", "passed 1 normal", "gate opens", "began 2", "denied 2 no_identity: no_result"])
  }

  @Test(arguments: ["show ann", "b show ann"]) func aSuspectWhoLeftIsRefusedEverywhere(again: String) {
    let lane = again.hasPrefix("b") ? "b " : ""
    let words = happened("2 show ann\n3 skin 35.8\n5 nobody\n10 \(again)\n11 \(lane)skin 35.0\n45 \(lane)nobody\n50 end")
    #expect(
      words == ["began 1"] + elevated + left + [
        "\(lane)denied 0 refused: none", "\(lane)denied 0 refused: none",
      ])
  }

  @Test(arguments: ["clear 2", "allow 1"]) func staffAllowThemAgain(order: String) {
    let words = happened("2 show ann\n3 skin 35.8\n5 nobody\n10 \(order)\n12 show ann\n13 skin 35.0\n15 nobody\n22 end")
    #expect(words.contains("passed 2 normal"), "\(words)")
  }

  @Test func refusedThroughARestart() {
    #expect(happened("2 show ann\n3 skin 35.8\n5 nobody\n8 restart\n12 show ann\n15 end").last == "denied 0 refused: none")
  }

  /// They stepped to the other lane before it was noticed that they left the first.
  @Test func nobodyOutrunsTheirSuspicion() {
    let words = happened("2 show ann\n3 skin 35.8\n4 b show ann\n4 nobody\n4.2 b skin 35.0\n12 b nobody\n15 end")
    #expect(!words.contains { $0.contains("passed") } && words.contains("b denied 0 elsewhere: none"), "\(words)")
  }

  @Test func aScreeningGoesOnByIdentityAtAnotherLane() {
    let words = happened("2 show ann\n3 skin 36.6\n5 nobody\n10 b show ann\n11 b skin 35.0\n13 b nobody\n20 end")
    #expect(
      words.suffix(3) == ["b called 1", "b alarm 2 suspected_fever medium", "b passed 1 cleared_after_rest"].suffix(3)
        || words.suffix(2) == ["b called 1", "b passed 1 cleared_after_rest"], "\(words)")
  }

  @Test func nobodyComesBackBeforeTheWaitIsOver() {
    let words = happened("2 show ann\n3 skin 33.0\n5 nobody\n10 show ann\n310 show ann\n311 skin 35.0\n313 nobody\n320 end") {
      $0.settings.policy.coldWait = .minutes(5)
    }
    #expect(
      words == [
        "began 1", "denied 1 low: cold_wait", "denied 0 too_early: cold_wait", "called 1", "passed 1 normal", "gate opens",
      ])
  }

  /// Shown after they stepped up: the new ticket is void, the old one goes on.
  @Test func whoShowsLateKeepsTheirTicket() {
    let words = happened("2 show ann\n3 skin 36.6\n5 nobody\n10 skin 35.0\n12 show ann\n15 nobody\n20 end")
    #expect(words.contains("abandoned 2 resumed") && words.contains("denied 1 normal: contact_test"), "\(words)")
    #expect(!words.contains("gate opens"))
  }

  @Test func aConfirmedFeverIsAllowedByNameOnly() {
    let text = "2 show ann\n3 skin 36.6\n5 nobody\n10 contact 1 38.1\n12 clear 1\n15 show ann\n18 allow 1\n20 show ann\n21 skin 35.0\n23 nobody\n30 end"
    let words = happened(text)
    #expect(words.contains("denied 0 refused: none") && words.contains("passed 2 normal"), "\(words)")
  }

  /// Where nobody has to show anything, whoever does is who they are: refused, or resting still, they pass as nobody else.
  @Test(arguments: ["36.6", "35.8"]) func whoShowedIsNotMeasuredAsNobody(skin: String) {
    let words = happened(required: false, "2 show ann\n3 skin \(skin)\n5 nobody\n12 show ann\n13 skin 35.0\n22 nobody\n25 end") {
      $0.settings.policy.rest = .minutes(5)
    }
    #expect(!words.contains { $0.contains("passed") || $0 == "began 2" }, "\(words)")
  }

  /// Elevated under another ticket, before the card was shown: it counts.
  @Test func whatWasFoundBeforeTheCardCounts() {
    let words = happened(required: false, "2 show ann\n3 skin 33.0\n5 nobody\n10 skin 36.0\n12 show ann\n18 skin 36.0\n25 nobody\n30 end")
    #expect(words.contains("denied 1 elevated: rest") && !words.contains { $0.contains("passed") }, "\(words)")
  }

  /// Shown at two lanes, it lets one person through.
  @Test func oneCardIsOnePerson() {
    let words = happened("2 show ann\n2 b show ann\n3 skin 35.0\n3 b skin 35.0\n40 nobody\n40 b nobody\n50 end")
    #expect(words.filter { $0.contains("passed") }.count == 1, "\(words)")
  }

  @Test func oneTicketIsCalledToOneLane() {
    let words = happened(required: false, "3 skin 33.0\n5 nobody\n10 resume 1\n11 resume 1 b\n12 skin 35.0\n12 b skin 35.0\n20 nobody\n20 b nobody\n25 end")
    #expect(words.filter { $0.contains("passed 1") }.count == 1, "\(words)")
  }

  /// Nor while the gate is still open for the one before.
  @Test func twoIdentitiesBeforeTheGateAreTwoPeople() {
    let words = happened("2 show ann\n3 skin 35.0\n4 nobody\n5.5 skin 35.0\n6 show ben\n6.5 show cid\n20 nobody\n22 skin 35.0\n60 nobody\n65 end")
    #expect(words.filter { $0.contains("passed") } == ["passed 1 normal"], "\(words)")
    // The same code read twice is one person.
    #expect(happened("2 show ann\n3 skin 35.0\n4 nobody\n5.5 skin 35.0\n6 show ben\n6.5 show ben\n20 nobody\n25 end").contains("passed 2 normal"))
  }

  // MARK: A second thermometer

  private let withSecond = { (timeline: inout LaneTimeline) in
    timeline.settings.hasSecond = true
    timeline.settings.second = DeviceID(1)
    timeline.settings.secondOffset = 1.0
    timeline.settings.secondStaleAfter = .seconds(1)
  }
  private let called = "3 skin 36.6\n5 nobody\n10 resume 1\n"

  @Test(arguments: [("show ann", true), ("show zoe", false)]) func nobodyIsClearedByWhoShowsAnotherCard(shown: String, passes: Bool) {
    let words = happened("2 show ann\n" + called + "11 \(shown)\n12 second 35.6\n14 second 22\n20 end", withSecond)
    #expect(words.contains("passed 1 cleared_after_rest") == passes, "\(words)")
  }

  /// It does not wait there for the next one.
  @Test(arguments: [true, false]) func aCardShownAtTheSecondThermometerIsUsed(required: Bool) {
    let words = happened(required: required, (required ? "2 show ann\n" : "") + called + "11 show ann\n12 second 35.6\n14 second 22\n25 skin 35.8\n27 nobody\n30 show ann\n32 end", withSecond)
    #expect(words.contains("passed 1 cleared_after_rest") && !words.contains { $0.contains("refused") }, "\(words)")
  }

  /// Whose card is refused, or waits under another ticket, is not the one who was called.
  @Test func whoWasCalledIsNobodyWhoIsKnown() {
    let refused = "2 show ann\n3 skin 35.8\n5 nobody\n10 skin 36.6\n12 nobody\n14 resume 2\n15 show ann\n16 second 35.6\n18 second 22\n25 end"
    let words = happened(required: false, refused, withSecond)
    #expect(!words.contains { $0.contains("passed") }, "\(words)")
  }

  // MARK: The roster

  private let expected = { (timeline: inout LaneTimeline) in
    timeline.settings.rosterRequired = true
    timeline.roster = ["ann": 20_000, "ben": 20_000, "cat": 20_000, "dan": 10]
  }

  @Test(arguments: ["ann", "ben", "cat", "dan"]) func whoIsExpectedPasses(name: String) {
    #expect(happened("2 show \(name)\n3 skin 35.0\n5 nobody\n12 end", expected) == ["began 1", "passed 1 normal", "gate opens"])
  }

  /// Whoever is not goes to staff, whether they show who they are before or at the thermometer.
  @Test(arguments: ["2 show eve\n3 skin 35.0", "3 skin 35.0\n4 show eve"]) func whoIsNotGoesToStaff(shown: String) {
    #expect(happened("\(shown)\n8 nobody\n12 end", expected) == ["began 1", "denied 1 not_on_roster: no_result"])
  }

  @Test func anEmptyRosterExpectsNobody() {
    let words = happened("2 show ann\n3 skin 35.0\n8 nobody\n12 end") { $0.settings.rosterRequired = true }
    #expect(words == ["began 1", "denied 1 not_on_roster: no_result"])
  }

  @Test func anEntryIsOverWithItsLastDay() {
    let words = happened("1 day 10\n2 show dan\n3 skin 35.0\n8 nobody\n12 end", expected)
    #expect(words == ["began 1", "denied 1 not_on_roster: no_result"])
  }

  /// Coming back changes nothing; what staff say does, and then they are measured like everybody.
  @Test func whomStaffAllowIsMeasured() {
    let text = "2 show eve\n3 skin 35.0\n5 nobody\n8 show eve\n9 skin 35.0\n12 nobody\n15 allow 1\n18 show eve\n19 skin 35.0\n22 nobody\n30 end"
    #expect(
      happened(text, expected) == [
        "began 1", "denied 1 not_on_roster: no_result", "called 1", "denied 1 not_on_roster: no_result", "called 1", "passed 1 normal",
        "gate opens",
      ])
    let elevated = happened("2 show eve\n3 skin 35.0\n5 nobody\n8 allow 1\n9 show eve\n10 skin 36.6\n20 nobody\n25 end", expected)
    #expect(elevated.last == "denied 1 high: rest")
  }

  @Test func staffAllowThroughARestart() {
    let words = happened("2 show eve\n3 skin 35.0\n5 nobody\n8 allow 1\n9 restart\n12 show eve\n13 skin 35.0\n16 nobody\n25 end", expected)
    #expect(words.contains("passed 1 normal"), "\(words)")
  }

  /// A contact thermometer says how warm somebody is, not that they are expected.
  @Test func aContactReadingAllowsNobody() {
    let words = happened("2 show eve\n3 skin 35.0\n5 nobody\n8 contact 1 36.5\n10 allow 1\n12 contact 1 36.5\n20 end", expected)
    #expect(words.contains("refused not_on_roster") && words.contains("passed 1 contact_normal"), "\(words)")
    #expect(happened("2 show eve\n3 skin 35.0\n5 nobody\n8 contact 1 38.5\n20 end", expected).contains("isolated 1"))
  }

  @Test func onlyWhoIsNotExpectedIsAllowed() {
    let words = happened("2 show ann\n3 skin 33.0\n5 nobody\n8 allow 1\n9 allow 7\n12 end", expected)
    #expect(words.suffix(2) == ["refused unknown_ticket", "refused unknown_ticket"])
  }

  /// Elevated before it was known who they are: somebody looks after them all the same.
  @Test func aFeverIsNotLostOverTheRoster() {
    let words = happened("3 skin 36.0\n6 show eve\n15 nobody\n20 end") {
      expected(&$0)
      $0.settings.identityRequired = false
    }
    #expect(words.last == "denied 1 not_on_roster: rest", "\(words)")
  }

  // MARK: Credentials

  @Test func aFailedCredentialDenies() {
    #expect(happened(required: false, "3 skin 35.0\n3.2 credential failed\n8 nobody\n12 end") == ["began 1", "denied 1 credential: none"])
    #expect(happened(required: false, "3 credential failed\n5 end") == ["refused nobody_there"])
  }

  @Test func aRequiredCredentialIsWaitedForAndOpensNothing() {
    let change = { (timeline: inout LaneTimeline) in timeline.settings.credentialRequired = true }
    #expect(
      happened(required: false, "3 skin 35.0\n6 credential passed\n8 nobody\n15 end", change) == ["began 1", "passed 1 normal", "gate opens"])
    #expect(
      happened(required: false, "3 skin 36.6\n6 credential passed\n8 nobody\n15 end", change).last == "denied 1 high: rest")
    #expect(
      happened(required: false, "3 skin 35.0\n40 nobody\n45 end", change) == ["began 1", "denied 1 no_credential: no_result"])
  }

  @Test func aSuspectIsNotLostByAFailedCredential() {
    let words = happened(required: false, "3 skin 35.8\n5 credential failed\n8 nobody\n12 end")
    #expect(words == ["began 1"] + elevated + ["denied 1 credential: rest"])
  }

  /// What another system said is not forgotten while they rest.
  @Test func aFailedCredentialForbidsWhateverIsMeasuredLater() {
    let words = happened(required: false, "3 skin 35.8\n5 credential failed\n8 nobody\n20 resume 1 b\n21 b skin 35.0\n60 b nobody\n65 end")
    #expect(words.last { $0.contains("denied") } == "b denied 1 credential: rest" && !words.contains { $0.contains("passed") }, "\(words)")
  }

  @Test func whoWaitsIsReachedByTicket() {
    let elevated = "3 skin 36.6\n5 nobody\n"
    let failed = happened(required: false, elevated + "10 credential failed 1\n20 resume 1 b\n21 b skin 35.0\n60 b nobody\n65 end")
    #expect(failed.contains("denied 1 credential: rest") && !failed.contains { $0.contains("passed") }, "\(failed)")
    let passed = happened(required: false, elevated + "10 credential failed 1\n15 credential passed 1\n20 resume 1 b\n21 b skin 35.0\n23 b nobody\n30 end")
    #expect(passed.contains("b passed 1 cleared_after_rest"), "\(passed)")
    let cold = happened(required: false, "3 skin 33.0\n5 nobody\n10 credential failed 1\n12 resume 1\n14 credential passed 9\n15 end")
    #expect(cold == ["began 1", "denied 1 low: cold_wait", "denied 1 credential: none", "refused unknown_ticket", "refused unknown_ticket"])
  }

  /// Coming again does not undo it: `passed` does, or staff.
  @Test(arguments: [
    ("", false), ("8 credential passed 1\n", true), ("8 allow 1\n", true), ("8 restart\n", false), ("8 clear 1\n", false),
    ("10 show ann\n11 skin 35.0\n12 credential passed\n14 nobody\n", true),
  ])
  func aFailedCredentialIsOfTheirIdentity(order: String, passes: Bool) {
    let again = "20 show ann\n21 skin 35.0\n23 nobody\n30 end"
    for failed in ["3 skin 33.0\n5 nobody\n6 credential failed 1\n", "3 skin 35.0\n3.2 credential failed\n5 nobody\n"] {
      let words = happened("2 show ann\n" + failed + order + again)
      #expect(words.contains("denied 1 credential: none") && words.contains { $0.contains("passed") } == passes, "\(words)")
    }
  }

  /// Elevated besides, and left: that staff dealt with them says nothing of the credential.
  @Test func whoLeftIsStillDeniedByTheirCredential() {
    let text = "2 show ann\n3 skin 35.8\n5 credential failed\n8 nobody\n20 show ann\n21 skin 36.6\n21.3 nobody\n25 clear 2\n30 show ann\n31 skin 35.0\n33 nobody\n"
    let words = happened(text + "40 end")
    #expect(words.contains("alarm 2 suspect_left medium") && !words.contains { $0.contains("passed") }, "\(words)")
    let later = happened(text + "40 credential passed 1\n42 show ann\n43 skin 35.0\n45 nobody\n50 end")
    #expect(later.contains { $0.contains("passed") }, "\(later)")
  }

  // MARK: Too many

  /// Of more than there is room for, whose fever was not confirmed goes first, then nobody but the oldest; and it is told.
  @Test func aConfirmedFeverIsForgottenLast() {
    var lanes = Lanes([LaneTimeline().settings])
    var alarms = Alarms(
      Places(lanes: 1, rooms: 0, devices: 0, ports: 0), settings: { AlarmSettings.standard(for: $0, AirPolicy()) }, isAtLane: { _ in true })
    var effects = Effects()
    let now = Now(boot: Instant(ns: 1_000_000_000), wall: 0)
    func person(_ number: UInt32) -> Token { Token(high: UInt64(number), low: 1) }
    func told() -> Int {
      (0..<effects.count).count { if case .event(.lost(.identities, _), _, _) = effects.list[$0] { true } else { false } }
    }
    // 1 is a confirmed fever, 2 to 256 left.
    for number in UInt32(1)...256 { lanes.remember(person(number), number, 0, isIsolated: number == 1, now, &alarms, &effects) }
    #expect(told() == 0)
    lanes.remember(person(257), 257, 0, isIsolated: false, now, &alarms, &effects)
    #expect(lanes.isRefused(person(1)) && !lanes.isRefused(person(2)) && lanes.isRefused(person(257)) && told() == 1)
    // Confirmed ones take the places of all who left; then whoever only left has no place, and of the confirmed the oldest goes.
    for number in UInt32(258)...512 { lanes.remember(person(number), number, 0, isIsolated: true, now, &alarms, &effects) }
    #expect(lanes.isRefused(person(1)) && !lanes.isRefused(person(257)) && told() == 256)
    lanes.remember(person(513), 513, 0, isIsolated: false, now, &alarms, &effects)
    #expect(lanes.isRefused(person(1)) && !lanes.isRefused(person(513)) && told() == 257)
    lanes.remember(person(514), 514, 0, isIsolated: true, now, &alarms, &effects)
    #expect(!lanes.isRefused(person(1)) && lanes.isRefused(person(258)) && lanes.isRefused(person(514)) && told() == 258)
  }
}
