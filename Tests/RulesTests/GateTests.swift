// Goal: a gate opens once a verdict, is read back, and never stands in the way of a fire exit; what goes wrong is an alarm.
// Method: timelines, as in LaneTests.

import Domain
import Testing

@testable import Rules

private func happened(_ text: String, change: (inout LaneTimeline) -> Void = { _ in }) -> [String] {
  var timeline = LaneTimeline()
  change(&timeline)
  return timeline.play(text)
}

@Suite struct GateTests {
  @Test func aSecondPassageIsTailgating() {
    let words = happened(
      """
      0    nobody
      3    skin 35.0
      5    nobody
      5    passage on
      5.3  passage off
      5.5  passage on
      5.8  passage off
      70   end
      """)
    #expect(words.filter { $0.contains("passage") } == ["passage", "passage unscreened"])
    #expect(words.contains("alarm 1 tailgating low") && words.last == "cleared 1 tailgating")
  }

  /// Whoever steps up while the gate is open for the one before is not overlooked: they are measured once it is shut, on their own.
  @Test(arguments: [("35.2", "passed 2 normal"), ("36.6", "denied 2 high: rest")])
  func whoStepsUpTooEarlyIsScreenedWhenTheGateIsShut(skin: String, verdict: String) {
    let words = happened("0 nobody\n3 skin 35.0\n4.5 nobody\n6 skin \(skin)\n15 nobody\n25 end")
    #expect(words.prefix(6) == ["shut", "began 1", "passed 1 normal", "pulse", "gate opens", "shut"] && words.contains(verdict), "\(words)")
    #expect(words.firstIndex(of: "gate is shut").map { words[words.index(after: $0)] } == "began 2", "\(words)")
  }

  /// What they show meanwhile is theirs; who steps away again is nobody.
  @Test func whoWaitsForTheGateMayShowWhoTheyAre() {
    let change = { (timeline: inout LaneTimeline) in
      timeline.settings.hasIdentity = true
      timeline.settings.identityRequired = true
    }
    let shown = happened("0 nobody\n2 show ann\n3 skin 35.0\n4.5 nobody\n6 skin 35.2\n7 show ben\n15 nobody\n25 end", change: change)
    #expect(shown.contains("passed 2 normal"), "\(shown)")
    let away = happened("0 nobody\n3 skin 35.0\n4.5 nobody\n6 skin 35.2\n7 nobody\n25 end")
    #expect(!away.contains("began 2"), "\(away)")
  }

  /// A fire, or staff, open the gate meanwhile; when it is shut again, whoever still stands there is screened.
  @Test func aReleaseMeanwhileLosesNobody() {
    let words = happened("0 nobody\n3 skin 35.0\n4.5 nobody\n6 skin 35.2\n7 staff on\n12 staff off\n20 nobody\n30 end")
    #expect(words.contains("returned") && words.contains("passed 2 normal"), "\(words)")
  }

  /// Two readings of before a release and one of after it are not one person's.
  @Test func noBurstSpansARelease() {
    let words = happened("0 nobody\n3 skin 35.0\n3.3 staff on\n6 staff off\n6.3 bad\n6.4 end", change: { $0.settings.hasReadBack = false })
    #expect(words.contains("began 1") && words.contains("returned") && !words.contains { $0.hasPrefix("passed") }, "\(words)")
  }

  @Test func anOverrideOpensForOne() {
    #expect(
      happened(
        """
        0    nobody
        3    override
        4    passage on
        4.4  passage off
        9    end
        """) == ["shut", "pulse", "gate opens", "passage", "shut", "gate is shut"])
  }

  @Test func aJammedGateIsAnAlarmAndOpensForNobody() {
    #expect(
      happened(
        """
        0    nobody
        2    readback on
        4    skin 35.0
        9    nobody
        10   override
        12   end
        """) == ["shut", "alarm 1 gate_jammed high", "refused gate_unavailable"])
  }

  @Test func aGateThatDoesNotOpenIsJammed() {
    let words = happened("0 nobody\n2 stuck\n3 skin 35.0\n5 nobody\n12 end")
    #expect(words == ["shut", "began 1", "passed 1 normal", "pulse", "gate opens", "alarm 1 gate_jammed high", "shut", "gate is shut", "cleared 1 gate_jammed"])
  }

  /// What its contact said before it was opened does not say that it is shut again.
  @Test func anOldReadBackConfirmsNothing() {
    #expect(happened("0 nobody\n3 override\n3 unread\n9 end") == ["shut", "pulse", "gate opens", "alarm 1 gate_jammed high", "shut"])
  }

  /// The contact is never known: nobody is let through on a guess, and it is told.
  @Test func anUnknownReadBackIsAnAlarm() {
    let words = happened("0 readback unknown\n3 skin 35.0\n9 nobody\n12 end")
    #expect(words == ["shut", "alarm 1 gate_jammed high"])
  }

  @Test func fireOpensWithTheThermometerDead() {
    #expect(
      happened("0 silent\n8 fire on\n9 passage on\n9.5 passage off\n10 fire off\n13 end") == [
        "shut", "alarm 1 lane_out_of_order medium", "hold", "released fire", "alarm 2 gate_unscreened high", "passage unscreened",
        "shut", "returned", "cleared 2 gate_unscreened", "gate is shut",
      ])
  }

  @Test func fireWhileStaffHoldItOpenIsTold() {
    let words = happened("0 nobody\n3 staff on\n4 fire on\n5 staff off\n6 fire off\n8 end")
    #expect(words.filter { $0.hasPrefix("released") || $0 == "returned" } == ["released staff", "released fire", "returned"])
  }

  /// A door that starts in a fire must not shut the way out before it has read its inputs.
  @Test(arguments: ["restart", "board down\n6.5 board up"]) func noRestartShutsAWayOut(what: String) {
    let words = happened("0 nobody\n3 fire on\n6 \(what)\n12 end")
    let after = words.drop { $0 != "hold" }.dropFirst()
    #expect(!after.contains("shut"), "\(words)")
    #expect(words.contains("released fire"))
  }

  @Test(arguments: [true, false]) func theFailureStateIsTheSites(opens: Bool) {
    let words = happened("0 nobody\n3 silent\n30 end", change: { $0.settings.opensOnFailure = opens })
    #expect(words.contains("released failure") == opens)
    #expect(words.contains("hold") == opens)
    #expect(words.contains("alarm 1 lane_out_of_order medium"))
  }

  @Test func aLaneWithoutAGateTellsOfADeadThermometer() {
    let words = happened("0 silent\n8 end", change: { $0.settings.hasGate = false })
    #expect(words == ["alarm 1 lane_out_of_order medium"])
  }

  @Test func aStartRaisesNoAlarmByItself() {
    #expect(happened("0 nobody\n30 end") == ["shut"])
  }

  @Test func lampAndBuzzerSayNo() {
    let words = happened(
      """
      0    nobody
      3    skin 33.0
      5    nobody
      20   end
      """, change: { $0.tellsSignals = true })
    #expect(words.contains("buzzer on") && words.contains("buzzer off"))
    #expect(words.last == "lamp off")
  }
}
