// Goal: a lane's lamp and buzzer are proven only by what their board says, never at anybody's cost, and a day without a proof is
// told. Method: timelines; the lamp's relay is read back, the buzzer's is not; an alarm that calls is `call on`.

import Domain
import Testing

@testable import Rules

private func happened(_ text: String, _ change: (inout LaneTimeline) -> Void = { _ in }) -> [String] {
  var timeline = LaneTimeline()
  timeline.tellsSignals = true
  timeline.settings.lamp = .confirmed
  timeline.settings.buzzer = .written
  change(&timeline)
  // The lamp is lit until the lane has seen nobody for a second.
  return Array(timeline.play("0 clock 09:00\n0 nobody\n" + text).drop { $0 != "lamp off" }.dropFirst())
}

private let proof = "3 prove\n3.1 written lamp\n3.1 written buzzer\n3.2 seen lamp\n"
private let proven = ["lamp on", "buzzer on", "proven: confirmed, written", "alarm 1 alert_check low", "lamp off", "buzzer off"]

@Suite struct ProofTests {
  @Test func lampAndBuzzerAreProvenWithTheGateShut() { #expect(happened(proof + "12 end") == proven) }

  /// What was read before the order says nothing, and a board that was slow has ten seconds.
  @Test func aBoardHasTenSeconds() {
    let slow = "3 prove\n3 seen lamp\n4 written buzzer\n9 written lamp\n12 seen lamp\n15 end"
    #expect(happened(slow) == proven)
    #expect(happened("3 prove\n3 seen lamp\n3.1 written lamp\n3.1 written buzzer\n15 end").contains("proof failed: failed, written"))
  }

  @Test func aFailureStandsUntilAProofSucceeds() {
    let failed = "3 prove\n3.1 written buzzer\n20 prove\n20.1 written lamp\n20.1 written buzzer\n20.2 seen lamp\n30 end"
    #expect(
      happened(failed) == [
        "lamp on", "buzzer on", "proof failed: failed, written", "alarm 1 proof_failed medium", "lamp off", "buzzer off", "lamp on", "buzzer on",
        "proven: confirmed, written", "cleared 1 proof_failed", "alarm 2 alert_check low", "lamp off", "buzzer off",
      ])
  }

  /// Whoever steps up ends it and is screened as always.
  @Test(arguments: [("35.0", "passed 1 normal"), ("36.6", "denied 1 high: rest")]) func aPersonGoesFirst(skin: String, verdict: String) {
    let words = happened(proof + "4 skin \(skin)\n6 nobody\n20 end")
    #expect(words.prefix(4) == ["lamp on", "buzzer on", "proof interrupted", "began 1"], "\(words)")
    #expect(words.contains(verdict) && words.filter { $0 == "pulse" }.count == (verdict.hasPrefix("passed") ? 1 : 0))
    #expect(!words.contains { $0.hasPrefix("proven") || $0.contains("alert_check") || $0.contains("proof_failed") })
  }

  /// The lamp of a real alarm stays lit.
  @Test func anAlarmGoesFirst() {
    let words = happened(proof + "4 call on\n12 end")
    #expect(words == ["lamp on", "buzzer on", "proof interrupted", "buzzer off"])
  }

  @Test(arguments: ["fire on", "staff on", "override", "board down", "restart"]) func whatElseHappensGoesFirst(what: String) {
    let words = happened(proof + "4 \(what)\n12 end")
    #expect(words.contains("proof interrupted") && !words.contains { $0.hasPrefix("proven") }, "\(words)")
  }

  @Test(arguments: [
    ("3 skin 35.0\n3.5 prove\n", "lane_busy"), ("3 skin 33.0\n5 nobody\n20 prove\n", "tickets_wait"), ("3 fire on\n4 prove\n", "lane_released"),
    ("3 admit closed\n4 skin 35.0\n5 nobody\n7 prove\n", "signals_on"), ("3 call on\n4 prove\n", "signals_on"),
    ("3 board down\n4 prove\n", "device_unavailable"), ("3 prove\n4 prove\n", "lane_busy"),
  ]) func itIsRefusedWhereItWouldBeInTheWay(text: String, reason: String) {
    #expect(happened(text + "8 end").contains("refused \(reason)"))
  }

  @Test func aLaneWithoutLampAndBuzzerHasNothingToProve() {
    let words = happened("3 prove\n8 end") { timeline in (timeline.settings.lamp, timeline.settings.buzzer) = (.none, .none) }
    #expect(words == ["refused nothing_to_prove"])
  }

  /// Once they were taken out, no proof could end what the last one left.
  @Test func whatAProofLeftEndsWithLampAndBuzzer() {
    let unplugged = "30 without signals\n30 restart\n35 end"
    #expect(happened(proof + unplugged).contains("cleared 1 alert_check"))
    #expect(happened("3 prove\n3.1 written buzzer\n" + unplugged).contains("cleared 1 proof_failed"))
    #expect(!happened("3 prove\n3.1 written buzzer\n30 restart\n35 end").contains("cleared 1 proof_failed"))
  }

  /// Before a site opens its lanes admit nobody, and their lamps are lit.
  @Test func aClosedLaneIsProvenToo() {
    let words = happened("2 admit closed\n" + proof + "12 end")
    #expect(words == ["lamp on", "lamp on", "buzzer on", "proven: confirmed, written", "alarm 1 alert_check low", "buzzer off"])
  }

  @Test func staffSayThatTheySawIt() {
    var timeline = LaneTimeline()
    timeline.settings.lamp = .written
    #expect(timeline.play("0 clock 09:00\n0 nobody\n3 prove\n3.1 written lamp\n20 acknowledge 1\n25 end").suffix(2) == ["acknowledged 1 acknowledged", "cleared 1 alert_check"])
    // 09:00:06 and 09:00:20.
    #expect(abs(timeline.view.provenAt - 32_406_000_000_000) < 500_000_000 && abs(timeline.view.seenAt - 32_420_000_000_000) < 500_000_000)
  }

  // MARK: The day

  private func due(_ text: String, days: UInt8 = 0b111_1111) -> [String] {
    happened(text) { timeline in
      timeline.settings.proofDue = 9 * 3600 + 60
      timeline.settings.workdays = days
    }.filter { $0.contains("proof_overdue") || $0.hasPrefix("proven") }
  }

  /// 1 January 1970 was a Thursday.
  @Test(arguments: [(UInt8(0b000_1000), 1), (0b111_0111, 0)]) func aDayWithoutAProofIsTold(days: UInt8, alarms: Int) {
    #expect(due("59 end", days: days).isEmpty)
    #expect(due("61 end", days: days).count == alarms)
  }

  @Test func aProofIsGoodForItsDay() {
    #expect(due(proof + "70 end") == ["proven: confirmed, written"])
    #expect(due(proof + "20 asleep 86000\n30 end").count == 1)
    #expect(due(proof + "20 asleep 86400\n70 end").last?.hasSuffix("proof_overdue low") == true)
    // Late is better than never, and ends it.
    let late = due("61 prove\n61.1 written lamp\n61.1 written buzzer\n61.2 seen lamp\n70 end")
    #expect(late == ["alarm 1 proof_overdue low", "proven: confirmed, written", "cleared 1 proof_overdue"])
  }

  /// Once it is overdue, the next day does not excuse it.
  @Test func onlyAProofEndsIt() { #expect(due("61 asleep 86000\n70 end", days: 0b000_1000) == ["alarm 1 proof_overdue low"]) }

  @Test func aRestartKnowsTheProofAndTheLackOfIt() {
    #expect(due(proof + "20 restart\n70 end").count == 1)
    #expect(due("61 restart\n140 end") == ["alarm 1 proof_overdue low"])
  }

  /// The clock of the site, an hour back in the night: nine is nine.
  @Test func summerTimeMovesIt() {
    #expect(due("1 zone 2\n2 clock 08:59\n3 zone 1\n70 end").isEmpty)
    #expect(due("1 zone 2\n2 clock 08:59\n3 zone 1\n4 asleep 3600\n130 end").count == 1)
  }
}
