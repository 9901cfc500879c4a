// Goal: after a restart in any state, no gate opens, nobody who waits is forgotten, and no alarm is lost or ends by
// silence. Method: timelines with a restart in them.

import Domain
import Testing

@testable import Rules

private func happened(_ text: String) -> [String] {
  var timeline = LaneTimeline()
  return timeline.play(text)
}

@Suite struct RestartTests {
  @Test func whoeverWaitsGoesOnWaiting() {
    let words = happened("0 nobody\n3 skin 33.0\n5 nobody\n8 restart\n12 resume 1\n13 skin 35.0\n15 nobody\n25 end")
    #expect(words.contains("called 1") && words.contains("passed 1 normal"), "\(words)")
  }

  /// They were called, or are measured, after a rest: they keep their ticket, and one normal reading does not let them pass.
  @Test(arguments: [10.5, 14.01, 14.3, 15.5]) func whoHasRestedKeepsTheirTicket(at: Double) {
    let words = happened("0 nobody\n3 skin 36.6\n5 nobody\n10 resume 1\n\(at) restart\n14 skin 35.0\n16 nobody\n20 resume 1\n24 skin 35.1\n26 nobody\n30 end")
    #expect(!words.contains { $0.hasPrefix("passed") || $0.hasPrefix("began 2") } && words.last == "denied 1 normal: contact_test", "\(words)")
  }

  /// Shown before a restart, and refused: where nobody has to show anything, they are not measured as nobody.
  @Test func whoShowedIsStillWhoTheyAre() {
    let words = happened("0 with identity\n0 nobody\n2 show ann\n3 skin 35.8\n5 nobody\n10 show ann\n11 restart\n15 skin 35.0\n20 nobody\n25 end")
    #expect(!words.contains { $0.hasPrefix("passed") } && words.last == "denied 0 refused: none", "\(words)")
  }

  /// That a reference moved within ten minutes is known after a restart too.
  @Test func aReferenceThatMovedHasMoved() {
    let words = happened("0 with reference\n0 nobody\n120 reference 35.3\n300 restart\n320 skin 35.0\n322 nobody\n330 end")
    #expect(words.contains("denied 1 reference_moves: no_result") && !words.contains("gate opens"), "\(words)")
  }

  /// Whoever stood at the thermometer begins again, after stepping back, and a suspect's leaving is told.
  @Test func nobodyIsJudgedAcrossARestart() {
    let words = happened("0 nobody\n3 skin 35.8\n5 restart\n5.1 skin 35.0\n20 end")
    let after = words.drop { $0 != "restart" }
    #expect(after.contains("abandoned 1 left") && after.contains("alarm 2 suspect_left medium"), "\(words)")
    #expect(!after.contains { $0.hasPrefix("passed") || $0 == "pulse" }, "\(words)")
  }

  @Test func anOpenGateIsShutAndNoneIsOpened() {
    let words = happened("0 nobody\n3 skin 35.0\n4 restart\n4.1 nobody\n12 end")
    let after = words.drop { $0 != "restart" }
    #expect(!after.contains("pulse") && !after.contains("hold") && after.contains("shut"), "\(words)")
  }

  @Test func alarmsKeepTheirOccurrence() {
    let words = happened(
      """
      0    nobody
      3    skin 36.6
      5    nobody
      6    acknowledge 1
      8    restart
      200  end
      """)
    #expect(words.contains("acknowledged 1 acknowledged"))
    #expect(!words.contains("cleared 1 suspected_fever"), "the person still waits: \(words)")
    #expect(!words.contains { $0.hasPrefix("alarm 2") }, "\(words)")
  }

  @Test func whatIsGoneIsClearedAfterAWhile() {
    let words = happened("0 nobody\n2 readback on\n5 readback off\n5 restart\n70 end")
    #expect(words.filter { $0.contains("gate_jammed") } == ["alarm 1 gate_jammed high", "cleared 1 gate_jammed"], "\(words)")
  }
}
