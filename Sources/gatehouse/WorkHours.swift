// The slots of a file's days, judged by the function that judges a room's own.

import Analysis
import Domain
import Rules

/// When people work, by the clock on the wall, and with it the slots of a day.
struct WorkHours: Equatable {
  var start = 8.0
  var end = 18.0

  struct Slot {
    var day: Int
    var name: String
    var hours: ClosedRange<Double>
    var verdict: String
    var shortMinutes: Double?
  }

  /// `08:00-18:00`; `nil`: not understood. The morning ends at noon.
  init?(_ text: String) {
    let hours = text.split(separator: "-", omittingEmptySubsequences: false).map { part -> Double? in
      let digits = part.split(separator: ":", omittingEmptySubsequences: false)
      guard digits.count == 2, digits.allSatisfy({ $0.count == 2 }), let hour = Int(digits[0]), let minute = Int(digits[1]),
        (0...24).contains(hour), (0..<60).contains(minute)
      else { return nil }
      return Double(hour) + Double(minute) / 60
    }
    guard hours.count == 2, let start = hours[0], let end = hours[1], start < 12, end > 12, end <= 24 else { return nil }
    (self.start, self.end) = (start, end)
  }

  /// The slots of each day that the file has something of, in order.
  func slots(of file: AirFile, _ survey: AirSurvey, _ policy: VentilationPolicy) -> [Slot] {
    let clock = file.clock
    guard let first = file.trace.hours.first, let last = file.trace.hours.last else { return [] }
    let ventilated = survey.ventilations.filter(\.counts).map { $0.start...$0.end }
    func slot(_ day: Int, _ name: String, _ hours: ClosedRange<Double>, beginsBy: Double? = nil) -> Slot? {
      guard hours.upperBound > first, hours.lowerBound < last else { return nil }
      // Nothing is known of the time before the file and behind it.
      let before = hours.lowerBound < first ? [hours.lowerBound...first] : []
      let behind = hours.upperBound > last ? [last...hours.upperBound] : []
      let times = SlotTimes(
        slot: hours, ventilated: ventilated, unknown: before + survey.unknown + behind, beginsBy: beginsBy, policy: policy)
      let score = SlotScore(times, policy)
      var shortMinutes: Double?
      if case .short = score.verdict { shortMinutes = score.shortBy.seconds / 60 }
      return Slot(day: day, name: name, hours: hours, verdict: score.verdict.name, shortMinutes: shortMinutes)
    }
    // Offsets of a file may jump in any way.
    let ends = [first, last].map { Int((clock.wall($0) / 24).rounded(.down)) }
    let days = min(ends[0], ends[1])...max(ends[0], ends[1])
    let daily = days.flatMap { day in
      [("morning", start, 12.0), ("afternoon", 12, end)].compactMap { name, from, to in
        let (begin, finish) = (clock.hours(day: day, timeOfDay: from), clock.hours(day: day, timeOfDay: to))
        return begin < finish ? slot(day, name, begin...finish) : nil
      }
    }
    let late = Double(policy.lateMinutes) / 60
    let sessions = survey.sessionEnds.compactMap { left in
      slot(
        Int((clock.wall(left) / 24).rounded(.down)), "after session", left...left + late + Double(policy.requiredMinutes + policy.bridgedMinutes) / 60,
        beginsBy: left + late)
    }
    return (daily + sessions).sorted { $0.hours.lowerBound < $1.hours.lowerBound }
  }
}

extension SlotScore {
  init(_ times: SlotTimes, _ policy: VentilationPolicy) {
    func interval(_ hours: Double) -> Interval { Interval(ns: Int64((hours * 3600).rounded()) * 1_000_000_000) }
    self.init(
      longest: interval(times.longest), unseenInIt: interval(times.unseenInIt), unseen: interval(times.unseen),
      required: .minutes(Int64(policy.requiredMinutes)), unseenShare: policy.unknownShare)
  }
}
