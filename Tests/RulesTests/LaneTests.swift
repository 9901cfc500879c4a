// Goal: who passes, who does not, and why, as docs/rules.md says; above all, what must never open the gate.
// Each transition of a screening stands in ScreeningTimelines.swift. Method: timelines (LaneTimeline.swift): rows of readings in, rows
// of words out. Skin is 1.6 °C below the body here.

import Domain
import Testing

@testable import Rules

private let start = ["shut"]

/// Plays `text` on a lane (changed by `change`) and compares what happened after the lane was brought into service.
private func check(
  _ text: String, _ expected: [String], change: (inout LaneTimeline) -> Void = { _ in }, at location: SourceLocation = #_sourceLocation
) {
  var timeline = LaneTimeline()
  change(&timeline)
  let happened = timeline.play(text)
  #expect(happened == start + expected, sourceLocation: location)
}

/// What an ordinary passage is, from the pulse on.
private let passage = ["pulse", "gate opens", "passage", "shut", "gate is shut"]

@Suite struct LaneTests {
  // MARK: Verdicts

  @Test func aHealthyPersonPasses() {
    check(
      """
      0    nobody
      3    skin 35.0
      5    nobody
      5    passage on
      5.5  passage off
      9    end
      """, ["began 1", "passed 1 normal"] + passage)
  }

  @Test func theGateShutsByTimeWhenNobodyPasses() {
    check(
      """
      0    nobody
      3    skin 35.0
      4    nobody
      10   end
      """, ["began 1", "passed 1 normal", "pulse", "gate opens", "shut", "gate is shut"])
  }

  // MARK: One person

  @Test func nobodyIsJudgedTwiceInOnePresence() {
    check(
      """
      0    nobody
      3    skin 35.0
      60   end
      """, ["began 1", "passed 1 normal", "pulse", "gate opens", "shut", "gate is shut"])
  }

  /// One bad reading, or one lost frame, is no absence: the same person gets no second chance.
  @Test(arguments: ["bad", "silent"]) func aGlitchIsNoAbsence(glitch: String) {
    check(
      """
      0    nobody
      3    skin 33.0
      5    \(glitch)
      8    skin 35.0
      20   end
      """,
      ["began 1", "denied 1 low: cold_wait", "alarm 1 lane_out_of_order medium", "cleared 1 lane_out_of_order"])
  }

  @Test func lessThanASecondIsNoAbsence() {
    check(
      """
      0    nobody
      3    skin 33.0
      5    nobody
      5.9  skin 35.0
      20   end
      """, ["began 1", "denied 1 low: cold_wait"])
  }

  /// Two small steps are not one person's warming skin.
  @Test func aSecondPersonInTwoSteps() {
    check(
      """
      0    nobody
      3    skin 35.5
      5    skin 35.9
      7    skin 36.5
      12   end
      """,
      ["began 1", "denied 1 borderline: retake", "denied 1 second_person: measuring", "abandoned 1 second_person"])
  }

  @Test func aSuspectWhoWalksAwayIsToldAtOnce() {
    check(
      """
      0    nobody
      3    skin 35.8
      5    skin 33.0
      5.1  skin 31.0
      5.2  nobody
      8    end
      """,
      [
        "began 1", "alarm 1 suspected_fever medium", "denied 1 elevated: suspect", "abandoned 1 left", "alarm 2 suspect_left medium",
      ])
  }

  /// Elevated once, then no number: coming back, one normal reading of the same thermometer does not clear it.
  @Test(arguments: ["skin 33.0", "bad"]) func elevatedOnceIsNeverClearedByOneReading(then: String) {
    var timeline = LaneTimeline()
    let happened = timeline.play(
      """
      0    nobody
      3    skin 35.8
      4    \(then)
      12   nobody
      15   resume 1
      16   skin 35.0
      30   nobody
      33   end
      """)
    #expect(!happened.contains { $0.hasPrefix("passed") }, "\(happened)")
    #expect(happened.contains("denied 1 normal: contact_test"), "\(happened)")
  }

  @Test func afterAStartNobodyIsJudgedBeforeAnAbsence() {
    check(
      """
      0    skin 35.0
      20   nobody
      23   skin 35.0
      25   nobody
      32   end
      """, ["began 1", "passed 1 normal", "pulse", "gate opens", "shut", "gate is shut"])
  }

  @Test func aPresenceContactBeginsAndEndsAPerson() {
    check(
      """
      0    presence off
      0    nobody
      3    skin 35.0
      6    presence on
      7    nobody
      8    presence off
      9.5  presence on
      9.6  skin 36.6
      11   presence off
      13   end
      """,
      ["began 1", "passed 1 normal", "pulse", "gate opens"] + ["shut", "gate is shut"],
      change: { $0.settings.hasPresence = true })
  }

  /// A sensor that does not know its own temperature sees neither somebody nor nobody.
  @Test func anUnknownAmbientIsNoAbsence() {
    check(
      """
      0    nobody
      3    skin 33.0
      5    ambient unknown
      8    ambient known
      8    skin 35.0
      20   end
      """,
      ["began 1", "denied 1 low: cold_wait", "alarm 1 lane_out_of_order medium", "cleared 1 lane_out_of_order"])
  }

  @Test func anUnknownPresenceContactPutsTheLaneOutOfOrder() {
    check(
      """
      0    presence off
      0    nobody
      6    presence unknown
      8    skin 35.0
      20   nobody
      21   presence off
      24   presence on
      24   skin 35.0
      26   nobody
      26   presence off
      32   end
      """,
      [
        "alarm 1 lane_out_of_order medium", "began 1", "passed 1 normal", "pulse", "gate opens", "shut", "gate is shut",
        "cleared 1 lane_out_of_order",
      ], change: { $0.settings.hasPresence = true })
  }

  @Test func aThermometerWithoutAmbientTellsPeopleByWarmth() {
    check(
      """
      0    nobody
      3    skin 35.0
      4    nobody
      10   end
      """, ["began 1", "passed 1 normal", "pulse", "gate opens", "shut", "gate is shut"],
      change: { $0.settings.hasAmbient = false })
  }

  @Test func aSlowThermometerGivesAVerdictToo() {
    check(
      """
      0    nobody
      5    skin 35.0
      9    nobody
      16   end
      """, ["began 1", "passed 1 normal", "pulse", "gate opens", "shut", "gate is shut"],
      change: {
        $0.period = .milliseconds(600)
        $0.settings.staleAfter = .milliseconds(1_800)
      })
  }

  // MARK: Tickets

  @Test func aTicketThatIsGoneCallsNobody() {
    check(
      """
      0    nobody
      3    skin 33.0
      5    nobody
      8    resume 2
      8    resume 1
      8    resume 1
      9    contact 1 38.0
      10   resume 1
      11   skin 35.0
      12   nobody
      20   end
      """,
      [
        "began 1", "denied 1 low: cold_wait", "refused unknown_ticket", "called 1", "refused lane_busy",
        "alarm 1 suspected_fever high", "confirmed", "isolated 1", "refused unknown_ticket", "began 2", "passed 2 normal", "pulse", "gate opens",
        "shut", "gate is shut",
      ])
  }

  @Test func aContactReadingOpensForNobodyElse() {
    check(
      """
      0    nobody
      3    skin 33.0
      5    nobody
      8    skin 33.1
      8.4  contact 1 36.5
      20   nobody
      22   end
      """, ["began 1", "denied 1 low: cold_wait", "began 2", "refused lane_busy", "denied 2 low: cold_wait"])
  }

  @Test func aFullTableIsToldAndOpensNothing() {
    var text = "0 nobody\n"
    for person in 0..<17 { text += "\(3 + person * 5) skin 33.0\n\(5 + person * 5) nobody\n" }
    var timeline = LaneTimeline()
    let happened = timeline.play(text + "95 end")
    #expect(happened.last == "denied 0 table_full: none")
    #expect(!happened.contains("pulse"))
  }

  // MARK: Drift

  @Test(arguments: [(0.0, false), (1.0, true), (-1.0, true)]) func aWrongOffsetShows(error: Double, drifts: Bool) {
    var text = "0 nobody\n"
    for person in 0..<25 {
      // Ordinary people: 36.6 ± 0.3.
      let body = 36.6 + 0.3 * Double(person % 7 - 3) / 3
      text += "\(3 + person * 40) skin \(body - 1.6 + error)\n\(15 + person * 40) nobody\n"
    }
    var timeline = LaneTimeline()
    let happened = timeline.play(text + "1010 end")
    #expect(happened.contains { $0.contains("lane_drift") } == drifts, "\(happened.filter { $0.contains("alarm") })")
  }
}
