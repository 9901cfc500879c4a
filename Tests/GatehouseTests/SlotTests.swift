// Goal: what was seen in a file is counted for a slot as a person with a watch would count it. Method: spans written down.

import Analysis
import Domain
import Rules
import Testing

@testable import gatehouse

@Suite struct SlotTests {
  private struct Case: CustomTestStringConvertible {
    var what: String
    var ventilated: [ClosedRange<Double>]
    var unknown: [ClosedRange<Double>] = []
    var beginsBy: Double?
    var verdict: SlotVerdict
    var short = 0.0
    var testDescription: String { what }
  }

  /// The morning, from 8 to 12.
  private static let cases = [
    Case(what: "an hour", ventilated: [9...10], verdict: .met),
    Case(what: "a minute less than an hour", ventilated: [9...(9 + 59.0 / 60)], verdict: .short, short: 1),
    Case(what: "an interruption of five minutes", ventilated: [9...9.5, (9.5 + 5.0 / 60)...10.1], verdict: .met),
    Case(what: "an interruption of six minutes", ventilated: [9...9.5, 9.6...10.3], verdict: .short, short: 18),
    Case(what: "three times half an hour", ventilated: [8...8.5, 9...9.5, 10...10.5], verdict: .short, short: 30),
    Case(what: "nothing", ventilated: [], verdict: .missed),
    Case(what: "before and behind, not within", ventilated: [6...7.9, 12...14], verdict: .missed),
    Case(what: "what is beyond its end counts for another slot", ventilated: [11.5...12.5], verdict: .short, short: 30),
    Case(what: "begun before the slot", ventilated: [7...9], verdict: .met),
    Case(what: "nothing is known", ventilated: [], unknown: [8...12], verdict: .unverifiable),
    Case(what: "ten minutes of an hour are not known", ventilated: [9...9.5, (9.5 + 10.0 / 60)...10], unknown: [9.5...(9.5 + 10.0 / 60)], verdict: .met),
    Case(what: "fifteen of an hour are not known", ventilated: [9...9.5, 9.75...10], unknown: [9.5...9.75], verdict: .unverifiable),
    Case(what: "unknown for too short to have been an hour", ventilated: [], unknown: [8...8.9], verdict: .missed),
    Case(what: "it might have gone on unseen, for too short", ventilated: [9...9.5], unknown: [9.5...9.6], verdict: .short, short: 30),
    Case(what: "begun in time", ventilated: [8.25...9.25], beginsBy: 8.25, verdict: .met),
    Case(what: "begun too late", ventilated: [8.3...9.5], beginsBy: 8.25, verdict: .missed),
  ]

  @Test(arguments: cases) private func isCountedAsByAPersonWithAWatch(_ one: Case) {
    let times = SlotTimes(slot: 8...12, ventilated: one.ventilated, unknown: one.unknown, beginsBy: one.beginsBy)
    let found = SlotScore(times, VentilationPolicy())
    #expect(found.verdict == one.verdict)
    if case .short = one.verdict { #expect(abs(found.shortBy.seconds / 60 - one.short) < 0.02) }
  }
}
