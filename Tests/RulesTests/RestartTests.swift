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
