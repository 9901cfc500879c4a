// What was measured in a room, as rules and fits want it: in order of time, without what can't be believed, and by the minute.

/// A room's measurements, a value for each time; NaN where there is none.
public struct RoomTrace: Sendable, Equatable {
  /// Hours since any fixed moment, in order, none twice.
  public var hours: [Double]
  public var ppm: [Double]
  /// People in the room; `nil`: nobody counted.
  public var people: [Double]?
  /// 1: a window, or what else lets air in, is open; 0: it is not. `nil`: no contact.
  public var isOpen: [Double]?

  public init(hours: [Double], ppm: [Double], people: [Double]? = nil, isOpen: [Double]? = nil) {
    self.hours = hours
    self.ppm = ppm
    self.people = people
    self.isOpen = isOpen
  }

  /// The time from one row to the next that half of them stay below, hours; 0: fewer than two.
  public var spacing: Double {
    let steps = zip(hours, hours.dropFirst()).map { $1 - $0 }.sorted()
    return steps.isEmpty ? 0 : steps[steps.count / 2]
  }

  /// Rows that are missing between others: where a step is longer than one and a half of the usual.
  public var missing: Int {
    let usual = spacing
    guard usual > 0 else { return 0 }
    return zip(hours, hours.dropFirst()).reduce(0) { sum, pair in
      let steps = (pair.1 - pair.0) / usual
      return steps > 1.5 ? sum + Int(min(steps.rounded() - 1, 1e9)) : sum
    }
  }

  /// The rows of a time; both ends belong to it.
  func places(from start: Double, to end: Double) -> Range<Int> {
    func first(_ isBehind: (Double) -> Bool) -> Int {
      var (low, high) = (0, hours.count)
      while low < high {
        let middle = (low + high) / 2
        if isBehind(hours[middle]) { high = middle } else { low = middle + 1 }
      }
      return low
    }
    let begin = first { $0 >= start }
    return begin..<max(begin, first { $0 > end })
  }

  /// What there is of CO2, in pieces without a gap of more than `gap` hours.
  func stretches(gap: Double) -> [[Sample]] {
    var pieces: [[Sample]] = []
    for index in hours.indices where ppm[index].isFinite {
      let sample = Sample(hours: hours[index], ppm: ppm[index])
      if let last = pieces.last?.last, sample.hours - last.hours <= gap {
        pieces[pieces.count - 1].append(sample)
      } else {
        pieces.append([sample])
      }
    }
    return pieces
  }

  /// The longest time between two values that still belong together: five minutes, or one and a half of the usual.
  var gap: Double { max(5.0 / 60, 1.5 * spacing) }
}

/// Limits of what a CO2 value may be (the tests are QARTOD's).
public struct CO2Quality: Sendable, Equatable {
  /// What ordinary sensors can show, ppm; beyond fails.
  public var span = 0.0...10_000
  /// What indoor air is like, ppm; beyond is suspect.
  public var plausible = 350.0...5_000
  /// From the middle of the two neighbours, ppm.
  public var spikeSuspect = 200.0
  public var spikeFail = 500.0
  /// ppm a minute.
  public var ratePerMinute = 500.0
  /// Values that differ by less than this, ppm, for so many minutes.
  public var flatTolerance = 2.0
  public var flatSuspectMinutes = 60.0
  public var flatFailMinutes = 180.0
  /// The very same value for so many minutes: it is stuck.
  public var stuckMinutes = 30.0
  /// Values of the filter's window.
  public var window = 7

  public init() {}
}

extension RoomTrace {
  /// The worst that any test says of each CO2 value.
  public func flags(_ quality: CO2Quality = CO2Quality()) -> [QualityFlag] {
    let values = ppm.map { $0.isFinite ? $0 : nil }
    var worst = rangeFlags(values, span: quality.span, plausible: quality.plausible)
    func take(_ flags: [QualityFlag], at places: [Int]) {
      for (flag, place) in zip(flags, places) where flag != .notEvaluated { worst[place] = max(worst[place], flag) }
    }
    let all = Array(values.indices)
    take(spikeFlags(values, suspect: quality.spikeSuspect, fail: quality.spikeFail), at: all)
    take(rateFlags(values, seconds: hours.map { $0 * 3600 }, suspectPerSecond: quality.ratePerMinute / 60), at: all)
    let there = all.filter { ppm[$0].isFinite }
    let known = there.map { ppm[$0] }
    let interval = spacing * 3600
    take(
      flatLineFlags(
        known, interval: interval, suspectAfter: quality.flatSuspectMinutes * 60, failAfter: quality.flatFailMinutes * 60,
        tolerance: quality.flatTolerance), at: there)
    // Less than any sensor's last digit.
    let stuck = quality.stuckMinutes * 60
    take(flatLineFlags(known, interval: interval, suspectAfter: stuck, failAfter: stuck, tolerance: 1e-9), at: there)
    return worst
  }

  /// The trace without what failed, and with single values that stand out replaced.
  /// - Returns: the trace, and how many were replaced.
  public func cleaned(_ flags: [QualityFlag], _ quality: CO2Quality = CO2Quality()) -> (trace: RoomTrace, replaced: Int) {
    var trace = self
    for index in flags.indices where flags[index] == .fail { trace.ppm[index] = .nan }
    let there = trace.ppm.indices.filter { trace.ppm[$0].isFinite }
    let before = there.map { trace.ppm[$0] }
    let after = hampel(before, window: quality.window)
    var replaced = 0
    for (index, place) in there.enumerated() where after[index] != before[index] {
      trace.ppm[place] = after[index]
      replaced += 1
    }
    return (trace, replaced)
  }
}

/// A room by the minute; NaN where nothing is known.
struct RoomMinutes {
  var start: Double
  var ppm: [Double]
  /// More than half of the minute.
  var isOpen: [Bool?]
  var people: [Double]

  func hours(_ minute: Int) -> Double { start + Double(minute) / 60 }

  init(_ trace: RoomTrace) {
    start = trace.hours.first ?? 0
    let gap = trace.gap
    let count = trace.hours.isEmpty ? 0 : Int(((trace.hours[trace.hours.count - 1] - start) * 60).rounded(.down)) + 1
    let first = start
    func minute(_ hours: Double) -> Int { min(max(Int((hours - first) * 60), 0), count - 1) }
    // The mean of a minute's values; between two values that belong together a straight line.
    var sums = [Double](repeating: 0, count: count)
    var numbers = [Int32](repeating: 0, count: count)
    for index in trace.hours.indices where trace.ppm[index].isFinite {
      sums[minute(trace.hours[index])] += trace.ppm[index]
      numbers[minute(trace.hours[index])] += 1
    }
    ppm = zip(sums, numbers).map { $1 > 0 ? $0 / Double($1) : .nan }
    var before: Int?
    for index in ppm.indices where ppm[index].isFinite && numbers[index] > 0 {
      if let before, index - before > 1, Double(index - before) / 60 <= gap {
        for between in before + 1..<index {
          ppm[between] = ppm[before] + (ppm[index] - ppm[before]) * Double(between - before) / Double(index - before)
        }
      }
      before = index
    }
    // What is counted stays as it was told, until it is told again or too long ago.
    func held(_ values: [Double]?) -> [Double] {
      var all = [Double](repeating: .nan, count: count)
      guard let values else { return all }
      var last: (minute: Int, value: Double)?
      func fill(to end: Int) {
        guard let last else { return }
        for index in last.minute..<max(last.minute, min(end, last.minute + max(1, Int((gap * 60).rounded(.up))))) { all[index] = last.value }
      }
      for index in values.indices where values[index].isFinite {
        let here = minute(trace.hours[index])
        fill(to: here)
        last = (here, values[index])
      }
      fill(to: count)
      return all
    }
    isOpen = held(trace.isOpen).map { $0.isFinite ? $0 >= 0.5 : nil }
    people = held(trace.people)
  }

  /// Of so many minutes up to this one; NaN where fewer than half of them are known.
  func mean(of wanted: Int, through minute: Int) -> Double {
    let known = known(wanted, minute).map { ppm[$0] }
    return known.count * 2 >= wanted ? Analysis.mean(known) ?? .nan : .nan
  }

  /// By a line through so many minutes up to this one, ppm a minute; NaN where fewer than half of them, or than three, are known.
  func slope(of wanted: Int, through minute: Int) -> Double {
    let known = known(wanted, minute)
    guard known.count >= 3, known.count * 2 >= wanted else { return .nan }
    return Line(x: known.map(Double.init), y: known.map { ppm[$0] })?.slope ?? .nan
  }

  private func known(_ wanted: Int, _ minute: Int) -> [Int] { (max(0, minute - wanted + 1)...minute).filter { ppm[$0].isFinite } }
}
