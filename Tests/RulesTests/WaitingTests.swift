// Goal: rests, cold waits, contact thermometers, second thermometers and overrides, as the table in docs/rules.md says. Method:
// timelines; skin is 1.6 °C below the body.

import Domain
import Testing

@testable import Rules

private func happened(_ text: String, _ change: (inout LaneTimeline) -> Void = { _ in }) -> [String] {
  var timeline = LaneTimeline()
  change(&timeline)
  return timeline.play("0 nobody\n" + text).filter { !["pulse", "shut", "gate is shut"].contains($0) }
}

private let rested = ["began 1", "alarm 1 suspected_fever high", "denied 1 high: rest"]
private let rest = "3 skin 36.6\n5 nobody\n"

@Suite struct WaitingTests {
  @Test func aRestTakesItsTime() {
    let change = { (timeline: inout LaneTimeline) in timeline.settings.policy.rest = .minutes(5) }
    #expect(happened(rest + "302 resume 1\n304 resume 1\n306 end", change) == rested + ["refused too_early", "called 1"])
    // A contact thermometer need not wait.
    #expect(happened(rest + "30 contact 1 38.2\n35 end", change).last == "isolated 1")
  }

  /// After a restart a wait does not end earlier.
  @Test func aRestOutlivesARestart() {
    let words = happened(rest + "20 restart\n302 resume 1\n304 resume 1\n306 end") { $0.settings.policy.rest = .minutes(5) }
    #expect(words.suffix(2) == ["refused too_early", "called 1"], "\(words)")
  }

  @Test(arguments: [
    ("", false, 300.0), ("", true, 600), ("outdoor 4\n", false, 600), ("outdoor 12\n", false, 300), ("outdoor none\n", false, 600),
  ])
  func coldSkinWaitsByAgeAndWeather(outdoor: String, isForChildren: Bool, seconds: Double) {
    let change = { (timeline: inout LaneTimeline) in
      timeline.settings.policy.coldWait = .minutes(5)
      timeline.settings.isForChildren = isForChildren
      timeline.settings.hasOutdoor = !outdoor.isEmpty
      timeline.settings.outdoorStaleAfter = .minutes(60)
    }
    let first = (outdoor.isEmpty ? "" : "1 " + outdoor) + "3 skin 33.0\n5 nobody\n"
    #expect(happened(first + "\(seconds + 3) resume 1\n\(seconds + 4) resume 1\n\(seconds + 6) end", change).suffix(2) == ["refused too_early", "called 1"])
  }

  /// A contact test is ended by a contact thermometer, or by somebody's name: by no infrared reading, here or elsewhere.
  @Test(arguments: ["20 resume 1 b\n21 b skin 35.0\n23 b nobody\n", "20 resume 1\n21 skin 35.0\n23 nobody\n"])
  func noInfraredReadingEndsAContactTest(again: String) {
    let first = "1 b nobody\n" + rest + "10 resume 1\n11 skin 36.0\n13 nobody\n"
    let words = happened(first + again + "30 end")
    #expect(words.contains("denied 1 elevated: contact_test"), "\(words)")
    #expect(words.last { $0.contains("denied") }?.hasSuffix("denied 1 normal: contact_test") == true && !words.contains { $0.contains("passed") }, "\(words)")
    #expect(happened(first + again + "30 contact 1 36.6\n35 end").contains { $0.hasSuffix("passed 1 contact_normal") })
  }

  /// Before the suspicion is before it: two normal readings while suspect clear, not one.
  @Test func aNormalReadingOfBeforeClearsNothing() {
    let words = happened("3 skin 35.5\n9 skin 36.0\n15 skin 35.3\n19 end")
    #expect(words.filter { !$0.hasPrefix("alarm") } == ["began 1", "denied 1 borderline: retake", "denied 1 elevated: suspect", "denied 1 normal: suspect"], "\(words)")
  }

  /// The gate was moved since the person stepped up: it is opened for nobody.
  @Test func aGateThatIsNotShutIsOpenedForNobody() {
    let words = happened("3 skin 35.5\n5 readback on\n14 end")
    #expect(words.contains("denied 1 device_unhealthy: no_result") && !words.contains { $0.hasPrefix("passed") || $0 == "gate opens" }, "\(words)")
  }

  /// Cleared nowhere by the one that found them: not after a detour either.
  @Test func theFirstThermometerNeverClearsAlone() {
    let words = happened(
      "1 b nobody\n" + rest + "10 resume 1 b\n11 b skin 33.0\n13 b nobody\n20 resume 1 a\n21 skin 35.0\n23 nobody\n30 end")
    #expect(!words.contains { $0.contains("passed") } && words.last == "denied 1 normal: contact_test", "\(words)")
  }

  private func withSecond(_ timeline: inout LaneTimeline) {
    timeline.settings.hasSecond = true
    timeline.settings.secondOffset = 1.0
    timeline.settings.secondStaleAfter = .seconds(1)
  }

  @Test(arguments: [
    (35.6, "passed 1 cleared_after_rest"), (36.4, "denied 1 elevated: contact_test"), (37.2, "denied 1 high: contact_test"),
    (33.0, "denied 1 low: rest"),
  ])
  func aSecondThermometerDecidesAfterARest(surface: Double, verdict: String) {
    let words = happened(rest + "10 resume 1\n11 second \(surface)\n13 second 22\n20 end", withSecond)
    #expect(words.contains(verdict) && words.contains("gate opens") == verdict.hasPrefix("passed"), "\(words)")
  }

  /// The gates of the first are those of the second: none lets anybody pass.
  @Test(arguments: [
    ("second ambient 15", "ambient"), ("second ambient 36", "ambient"), ("second ambient none", "ambient"), ("air 36", "ambient"),
    ("humidity 85", "humidity"), ("day 20366", "calibration_overdue"), ("day 19999", "calibration_overdue"), ("second warmup on", "warming_up"),
  ])
  func aSecondThermometerHasTheGatesOfTheFirst(wrong: String, reason: String) {
    let words = happened("0 day 20001\n" + rest + "8 \(wrong)\n10 resume 1\n12 second 35.6\n14 second 22\n20 end") {
      withSecond(&$0)
      $0.settings.hallHasHumidity = true
      $0.settings.hallHasTemperature = true
      $0.settings.hallStaleAfter = .seconds(5)
      $0.settings.secondHasAmbient = true
      $0.settings.secondCalibratedAt = 20_000 * 86_400_000_000_000
      $0.settings.secondCalibrationDue = 20_366 * 86_400_000_000_000
    }
    #expect(words.contains("denied 1 \(reason): rest") && !words.contains("gate opens"), "\(words)")
  }

  /// Two short looks are no burst.
  @Test func aSecondThermometersBurstIsOne() {
    let looks = "11 second 35.6\n11.2 second none\n14 second 35.6\n14.2 second none\n17 second 35.6\n17.2 second none\n"
    #expect(!happened(rest + "10 resume 1\n" + looks + "30 end", withSecond).contains("gate opens"))
  }

  @Test func aSecondThermometerThatHoldsOneValueIsFound() {
    var text = ""
    for person in 0..<6 {
      let at = person * 30
      text += "\(3 + at) skin \(36.6 + 0.02 * Double(person))\n\(5 + at) nobody\n\(8 + at) resume \(person + 1)\n\(9 + at) second 35.6\n\(11 + at) second 22\n"
    }
    let words = happened(text + "200 end", withSecond)
    #expect(words.contains("passed 5 cleared_after_rest") && words.contains("denied 6 stuck: rest"), "\(words)")
    #expect(words.contains { $0.hasSuffix("thermometer_stuck medium") } && !words.contains { $0.hasPrefix("passed 6") }, "\(words)")
  }

  /// Anybody may go and come while the gate is released: a burst is of before or of after.
  @Test func noBurstOfTheSecondSpansARelease() {
    let words = happened(rest + "10 resume 1\n11 second 36.4\n11.3 staff on\n11.4 staff off\n11.65 second 22\n20 end", withSecond)
    #expect(!words.contains { $0.contains("contact_test") }, "\(words)")
  }

  /// Somebody else's result of the second thermometer takes nothing from whoever stands at the first.
  @Test func whoStandsAtTheFirstIsMeasuredOn() {
    let words = happened(rest + "10 resume 1\n11 skin 35.5\n12.5 second 36.6\n14 second 22\n20 nobody\n30 end", withSecond)
    #expect(words.contains("denied 1 elevated: contact_test") || words.contains("denied 1 high: contact_test"), "\(words)")
    #expect(words.contains("passed 2 normal"), "\(words)")
  }

  @Test func aShorterWaitOfANewPolicyEndsIt() {
    let words = happened("3 skin 33.0\n5 nobody\n10 waits 60\n70 end")
    #expect(words == ["began 1", "denied 1 low: cold_wait", "abandoned 1 too_long"])
  }

  /// It measures nobody who was not called, and the first thermometer does not measure who was.
  @Test func aSecondThermometerMeasuresOnlyWhoWasCalled() {
    #expect(happened(rest + "6 second 35.6\n12 second 22\n15 end", withSecond) == rested)
    let words = happened(rest + "10 resume 1\n11 skin 35.0\n13 nobody\n20 end", withSecond)
    #expect(words.contains("passed 2 normal") && !words.contains { $0.hasPrefix("denied 1 normal") }, "\(words)")
  }

  /// An ear reads 0.4 °C more than an armpit.
  @Test(arguments: [("37.2", "passed 1 contact_normal"), ("37.3", "isolated 1"), ("37.6 ear", "passed 1 contact_normal"), ("37.7 ear", "isolated 1")])
  func contactThermometersDecide(reading: String, verdict: String) {
    #expect(happened(rest + "10 contact 1 \(reading)\n15 end").contains(verdict))
  }

  @Test func whoPassesByAContactThermometerPassesForAReason() {
    #expect(happened(rest + "10 contact 1 36.5 unexplained\n15 end") == rested + ["refused who_and_why_required"])
    #expect(happened(rest + "10 contact 1 38.5 unexplained\n15 end").last == "isolated 1")
  }

  /// At every state somebody may decide otherwise.
  @Test(arguments: [("skin 33.0", "cold_wait"), ("skin 36.6", "rest")]) func staffOverrideWhoeverWaits(skin: String, state: String) {
    let words = happened("3 \(skin)\n5 nobody\n10 override 1\n15 end")
    #expect(words.contains("passed 1 overridden") && words.contains("gate opens") && words.contains { $0.hasSuffix(state) }, "\(words)")
  }

  @Test func anOverrideOpensForNobodyElse() {
    #expect(happened(rest + "10 skin 35.4\n12 override 1\n13 override 9\n14 end").suffix(2) == ["refused lane_busy", "refused unknown_ticket"])
  }
}
