// Goal: the relative rule beside the fixed limit at a lane, as docs/rules.md says. Method: timelines; three people of 36.4 make the
// average, so 37.0 and less is normal and 37.1 is not. Skin is 1.6 °C below the body.

import Domain
import Testing

@testable import Rules

/// Three ordinary people, then `text`, from second 40 on.
private func happened(_ text: String, change: (inout LaneTimeline) -> Void = { _ in }) -> [String] {
  var timeline = LaneTimeline()
  timeline.settings.policy.relative.isOn = true
  timeline.settings.policy.relative.people = 3
  change(&timeline)
  let ordinary = (0..<3).map { "\(3 + $0 * 12) skin 34.8\n\(5 + $0 * 12) nobody\n" }.joined()
  let all = timeline.play("0 nobody\n" + ordinary + "40 nobody\n" + text)
  return Array(all.drop { $0 != "passed 3 normal" }.dropFirst().filter { !["pulse", "gate opens", "shut", "gate is shut"].contains($0) })
}

@Suite struct RelativeLaneTests {
  @Test func warmerThanThePeopleBeforeIsElevated() {
    #expect(
      happened("40 skin 35.5\n50 nobody\n55 end") == [
        "began 4", "alarm 1 suspected_fever medium", "denied 4 relative: suspect", "denied 4 relative: rest",
      ])
  }

  @Test func atTheLimitTheFixedRuleDecides() {
    #expect(happened("40 skin 35.39\n41 nobody\n50 end") == ["began 4", "passed 4 normal"])
  }

  /// Both readings of a retake must be quiet.
  @Test func aRetakeThatIsWarmerIsASuspect() {
    #expect(
      happened("40 skin 35.39\n41 skin 35.5\n60 nobody\n64 end", change: { $0.settings.policy.retakeFrom = 36.9 }) == [
        "began 4", "denied 4 borderline: retake", "alarm 1 suspected_fever medium", "denied 4 relative: suspect",
        "denied 4 relative: rest",
      ])
  }

  /// However warm the people before: what reaches the fixed limit is never cleared.
  @Test func warmPeopleNeverLiftTheFixedLimit() {
    var timeline = LaneTimeline()
    timeline.settings.policy.relative.isOn = true
    timeline.settings.policy.relative.people = 3
    timeline.settings.policy.relative.addsElevated = true
    var text = "0 nobody\n"
    for person in 0..<8 { text += "\(3 + person * 20) skin 36.0\n\(15 + person * 20) nobody\n" }
    let happened = timeline.play(text + "170 end")
    #expect(!happened.contains { $0.hasPrefix("passed") || $0 == "pulse" }, "\(happened)")
  }

  @Test func coldSkinDoesNotCountAndAReturnCountsOnce() {
    // Two cold readings, then a warm third: against 36.4 still.
    #expect(
      happened("40 skin 33.0\n42 nobody\n50 skin 33.0\n52 nobody\n60 skin 35.5\n70 nobody\n75 end").contains(
        "denied 6 relative: rest"))
    // Somebody of 37.0 who is measured three times lifts the average by one person's share: 36.6, not 37.0.
    let words = happened(
      "40 skin 35.7\n41 skin 35.39\n60 nobody\n64 skin 35.7\n74 nobody\n80 end", change: { $0.settings.policy.threshold = 37.4 })
    #expect(words.contains("denied 5 relative: suspect"), "\(words)")
  }

  @Test func aNewAverageBeginsByCommandAndAfterAPause() {
    #expect(happened("40 average\n41 skin 35.5\n52 nobody\n60 end") == ["began 4", "denied 4 borderline: retake", "passed 4 normal"])
    #expect(
      happened("45 skin 35.5\n57 nobody\n60 end", change: { $0.settings.policy.relative.resetAfter = .seconds(10) }) == [
        "began 4", "denied 4 borderline: retake", "passed 4 normal",
      ])
  }

  @Test func theAverageOutlivesARestart() {
    #expect(happened("40 restart\n45 skin 35.5\n57 nobody\n60 end").contains("denied 4 relative: rest"))
  }
}
