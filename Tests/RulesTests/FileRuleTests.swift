// Goal: a file is told the same of its ventilations as the room was when it was measured. Method: one day twice, by the rules that
// run with the readings and by the analysis of a file of them.

import Analysis
import Domain
import Testing

@testable import Rules

@Suite struct FileRuleTests {
  /// From a time of day on CO2 falls by so many air changes an hour, or stays where it is.
  private static let days: [(what: String, [(hour: Double, airChanges: Double)])] = [
    ("four air changes", [(9, 4), (10.5, 0)]), ("one, and then shut", [(9, 1), (10, 0)]),
    ("a tail that falls slowly and near outdoors", [(9, 2)]), ("shut for three minutes", [(9, 2), (9.25, 0), (9.3, 2), (9.75, 0)]),
    ("shut for a quarter of an hour", [(9, 2), (9.25, 0), (9.5, 2), (10, 0)]), ("too little to be seen", [(9, 0.15)]),
  ]

  @Test(arguments: days.indices) func aFileIsToldWhatTheRoomWasTold(index: Int) {
    let (what, changes) = Self.days[index]
    var online = RoomDay(hours: nil)
    var text = "08:00 co2 1800"
    for (hour, airChanges) in changes {
      let minute = Int((hour * 60).rounded())
      text += "\n" + (minute < 600 ? "0" : "") + "\(minute / 60):" + (minute % 60 < 10 ? "0" : "") + "\(minute % 60) co2 falls \(airChanges)"
    }
    online.play(text + "\n13:00 end")

    // The same curve, as a logger writes it: every ten seconds, with its last digit.
    var (hours, ppm): ([Double], [Double]) = ([], [])
    var now = 1800.0
    for step in 0..<(5 * 360) {
      let hour = 8 + Double(step + 1) / 360
      let rate = changes.last { $0.hour < hour - 1e-9 }?.airChanges ?? 0
      now = 425 + (now - 425) * (1 - rate / 360)
      hours.append(hour)
      ppm.append(now + (step % 2 == 0 ? 1 : -1))
    }
    var facts = RoomFacts()
    facts.outdoorPpm = 425
    let file = AirSurvey(RoomTrace(hours: hours, ppm: ppm), facts: facts).ventilations
    let midnight = 1_795_392_000.0 - 28_800

    #expect(file.count == online.ended.count, "\(what): \(file) \(online.ended)")
    for (ours, its) in zip(file, online.ended) {
      #expect(abs(ours.start - (Double(its.start) / 1e9 - midnight) / 3600) < 2.5 / 60, "\(what): \(ours) \(its)")
      #expect(abs(ours.end - (Double(its.end) / 1e9 - midnight) / 3600) < 2.5 / 60, "\(what): \(ours) \(its)")
      #expect(ours.isEffective == (its.effect == .effective), "\(what): \(ours) \(its)")
    }
  }
}
