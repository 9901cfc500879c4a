// Goal: whoever has a symptom that somebody saw passes nowhere, wherever they stand and whatever was measured. Method: timelines;
// skin is 1.6 °C below the body.

import Domain
import Testing

@testable import Rules

private func happened(_ text: String, _ change: (inout LaneTimeline) -> Void = { _ in }) -> [String] {
  var timeline = LaneTimeline()
  change(&timeline)
  return timeline.play("0 nobody\n" + text).filter { !["pulse", "shut"].contains($0) }
}

@Suite struct SymptomTests {
  /// In the middle of a measurement, and between two.
  @Test(arguments: [("35.0", "3.3", ["began 1"]), ("35.5", "5", ["began 1", "denied 1 borderline: retake"])])
  func whoIsMeasuredIsIsolated(skin: String, at: String, before: [String]) {
    #expect(happened("3 skin \(skin)\n\(at) symptom\n20 nobody\n25 end") == before + ["isolated 1", "symptom of 1"])
  }

  @Test func whoWasLetThroughIsHeldBack() {
    let words = happened("3 skin 35.0\n5 symptom\n12 end")
    #expect(words == ["began 1", "passed 1 normal", "gate opens", "isolated 1", "symptom of 1", "gate is shut"])
    // Also when they have left the thermometer, and by ticket.
    #expect(happened("3 skin 35.0\n4 nobody\n5.5 symptom\n12 end").contains("isolated 1"))
    #expect(happened("3 skin 35.0\n4 nobody\n5.5 symptom 1\n12 end").contains("isolated 1"))
    // Nobody is shut into the gate, and who is through is through.
    #expect(!happened("3 skin 35.0\n4 nobody\n5 passage on\n5.5 symptom\n6 passage off\n12 end").contains("isolated 1"))
  }

  @Test(arguments: ["symptom", "symptom 1"]) func whoStandsThereWithATicketIsFound(order: String) {
    let words = happened("3 skin 33.0\n6 \(order)\n8 nobody\n10 resume 1\n12 end")
    #expect(words.contains("isolated 1") && words.last == "refused unknown_ticket", "\(words)")
  }

  @Test func whoWaitsIsFoundByTicketAlone() {
    let words = happened("3 skin 33.0\n5 nobody\n8 symptom\n9 symptom 1\n10 symptom 1\n12 end")
    #expect(words == ["began 1", "denied 1 low: cold_wait", "symptom of 0", "isolated 1", "refused unknown_ticket"])
  }

  /// Another one is on the way through: the symptom is that of the one who stands there.
  @Test func whoWaitsForTheGateIsMeasuredNoMore() {
    let words = happened("3 skin 35.0\n4 nobody\n6 skin 35.0\n7 symptom\n20 nobody\n25 end")
    #expect(!words.contains("began 2") && !words.contains("isolated 1") && words.contains("symptom of 0"), "\(words)")
  }

  @Test(arguments: ["3.3 symptom", "5 symptom"]) func theyAreRefusedUntilStaffAllowThem(order: String) {
    let change = { (timeline: inout LaneTimeline) in timeline.settings.hasIdentity = true }
    let words = happened("2 show ann\n3 skin 35.0\n\(order)\n8 nobody\n20 show ann\n22 allow 1\n24 show ann\n25 skin 35.0\n27 nobody\n40 end", change)
    #expect(words.contains("denied 0 refused: none") && words.contains("passed 2 normal"), "\(words)")
  }

  /// Whoever has no open screening: let through and still there, waiting for the gate, or turned away from a lane that is closed.
  @Test(arguments: [
    ("2 show ann\n3 skin 35.0\n12 symptom\n14 nobody\n", "ann", "1"),
    ("2 show ann\n3 skin 35.0\n4 nobody\n5.5 skin 35.0\n6 show ben\n7 symptom\n12 nobody\n14 skin 35.0\n18 nobody\n", "ben", "2"),
    ("2 show ann\n3 admit closed\n4 skin 35.0\n5 symptom\n8 nobody\n10 admit none\n", "ann", "1"),
  ])
  func whoStandsThereIsRefusedUntilStaffAllowThem(text: String, name: String, ticket: String) {
    let required = { (timeline: inout LaneTimeline) in
      timeline.settings.hasIdentity = true
      timeline.settings.identityRequired = true
    }
    let passed = happened(text + "60 end", required).filter { $0.contains("passed") }
    let words = happened(text + "60 show \(name)\n61 skin 35.0\n63 nobody\n70 end", required)
    #expect(words.contains("isolated \(ticket)") && words.contains("symptom of \(ticket)"), "\(words)")
    #expect(words.filter { $0.contains("passed") } == passed && passed.count == (name == "ben" || text.contains("12 symptom") ? 1 : 0), "\(words)")
    let allowed = happened(text + "60 allow \(ticket)\n62 show \(name)\n63 skin 35.0\n65 nobody\n75 end", required)
    #expect(allowed.filter { $0.contains("passed") }.count == passed.count + 1, "\(allowed)")
  }

  /// Seen twice, they are isolated once; who is through is through.
  @Test func whoStandsThereIsIsolatedOnce() {
    #expect(happened("3 skin 35.0\n5 symptom\n12 symptom\n14 nobody\n16 end").count { $0 == "isolated 1" } == 1)
    #expect(happened("3 skin 35.0\n12 symptom\n13 symptom\n14 nobody\n16 end").count { $0 == "isolated 1" } == 1)
    #expect(!happened("3 skin 35.0\n4.5 passage on\n5 passage off\n12 symptom\n14 nobody\n16 end").contains("isolated 1"))
  }

  /// Whoever was called to a second thermometer is seen there.
  @Test func whoIsAtTheSecondThermometerIsFound() {
    let called = "0 with second\n3 skin 36.6\n5 nobody\n10 resume 1\n"
    let words = happened(called + "11 second 35.6\n11.1 symptom\n14 second 22\n20 end")
    #expect(words.contains("isolated 1") && words.contains("symptom of 1") && !words.contains { $0.contains("passed") }, "\(words)")
    // Somebody else is at the lane too: the call is over.
    let two = happened(called + "11 skin 35.0\n11.1 second 35.6\n11.3 symptom\n14 nobody\n20 second 35.6\n22 second 22\n25 end")
    #expect(two.contains("isolated 2") && !two.contains { $0.contains("passed") }, "\(two)")
  }
}
