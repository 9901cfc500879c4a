// Moments as loggers write them: ISO 8601 with or without an offset, a day and a time of day, hours, Unix seconds. Days before
// months and the like are refused: nobody can tell which is which.

/// A moment of a file.
struct MeasuredTime: Equatable {
  /// What the file's times are; all of a file are the same.
  enum Kind: Equatable {
    /// As the clock on the wall said, with no word on which zone.
    case label
    /// A moment, with the offset it was written with.
    case moment
    /// Since whenever the file began to count.
    case elapsed

    var words: String {
      switch self {
      case .label: "without an offset"
      case .moment: "with an offset from UTC"
      case .elapsed: "as a number of hours"
      }
    }
  }

  /// What the heading says of numbers.
  enum Unit: Equatable { case unknown, hours, minutes, seconds, milliseconds }

  var kind: Kind
  /// Since 1970 UTC of moments, since 1970 on the same clock of labels, since its own beginning of elapsed time; seconds.
  var seconds: Double
  /// Seconds east of UTC.
  var offset: Int32 = 0

  /// The unit of a column of times by its heading, as `plainHeading` gives it; `nil`: it is no column of times.
  static func unit(of heading: String) -> Unit? {
    for name in ["time", "timestamp", "datetime", "date_time", "date", "hours", "unix", "epoch", "时间", "日期时间", "日期"] {
      guard heading == name || heading.hasPrefix(name + "_") else { continue }
      if name == "hours" { return .hours }
      if name == "unix" || name == "epoch" { return heading.hasSuffix("_ms") ? .milliseconds : .seconds }
      switch heading.dropFirst(name.count) {
      case "_h", "_hours", "_hour": return .hours
      case "_min", "_minutes": return .minutes
      case "_s", "_sec", "_seconds", "_unix", "_epoch": return .seconds
      case "_ms": return .milliseconds
      default: return .unknown
      }
    }
    return nil
  }

  /// - Parameter decimalComma: whether a number may have a comma for its point.
  /// - Returns: `nil`: not a time.
  init?(_ cell: ArraySlice<UInt8>, unit: Unit, decimalComma: Bool = false) {
    if let number = readNumber(cell, decimalComma: decimalComma) {
      self.init(number: number, unit: unit)
    } else {
      self.init(text: cell)
    }
  }

  private init?(number: Double, unit: Unit) {
    guard number.isFinite else { return nil }
    switch unit {
    case .hours: self.init(kind: .elapsed, seconds: number * 3600)
    case .minutes: self.init(kind: .elapsed, seconds: number * 60)
    // What began in 1970 counts as a moment from the year 2001 on.
    case .seconds: self.init(kind: number >= 1e9 ? .moment : .elapsed, seconds: number)
    case .milliseconds: self.init(kind: number >= 1e12 ? .moment : .elapsed, seconds: number / 1000)
    case .unknown:
      // No file of hours goes on for a century; Unix seconds have had ten digits since 2001, milliseconds thirteen.
      switch number {
      case 0..<1e6: self.init(kind: .elapsed, seconds: number * 3600)
      case 1e9..<1e11: self.init(kind: .moment, seconds: number)
      case 1e12..<1e14: self.init(kind: .moment, seconds: number / 1000)
      default: return nil
      }
    }
    guard abs(seconds) < Self.secondsMax else { return nil }
  }

  /// The year 2255: in nanoseconds still a number of 64 bits.
  private static let secondsMax = 9e9

  private init(kind: Kind, seconds: Double) {
    self.kind = kind
    self.seconds = seconds
  }

  private init?(text: ArraySlice<UInt8>) {
    var letters = text
    func whole(_ digits: ClosedRange<Int>) -> Int? {
      let run = letters.prefix(digits.upperBound).prefix { (0x30...0x39).contains($0) }
      guard digits.contains(run.count) else { return nil }
      letters = letters.dropFirst(run.count)
      return run.reduce(0) { $0 * 10 + Int($1 & 15) }
    }
    func take(_ any: [Character]) -> Character? {
      guard let first = letters.first, let found = any.first(where: { $0.asciiValue == first }) else { return nil }
      letters = letters.dropFirst()
      return found
    }
    guard let year = whole(4...4), (1970...2200).contains(year), let between = take(["-", "/"]) else { return nil }
    guard let month = whole(1...2), (1...12).contains(month), take([between]) != nil else { return nil }
    guard let day = whole(1...2), (1...daysOfMonth(month, year)).contains(day) else { return nil }
    var seconds = Double(daysSince1970(year, month, day) * 86_400)
    if letters.isEmpty {
      self.init(kind: .label, seconds: seconds)
      return
    }
    guard take(["T", "t", " "]) != nil, let hour = whole(1...2), hour < 24, take([":"]) != nil, let minute = whole(2...2), minute < 60 else {
      return nil
    }
    seconds += Double(hour * 3600 + minute * 60)
    if take([":"]) != nil {
      // A leap second is the next one.
      guard let second = whole(2...2), second <= 60 else { return nil }
      seconds += Double(second)
      if take([".", ","]) != nil {
        let fraction = letters.prefix { (0x30...0x39).contains($0) }
        guard (1...12).contains(fraction.count) else { return nil }
        letters = letters.dropFirst(fraction.count)
        seconds += fraction.reversed().reduce(0.0) { ($0 + Double($1 & 15)) / 10 }
      }
    }
    _ = take([" "])
    if letters.isEmpty {
      self.init(kind: .label, seconds: seconds)
      return
    }
    var offset = 0
    if take(["Z", "z"]) == nil {
      guard let sign = take(["+", "-"]), let hours = whole(2...2), hours <= 15 else { return nil }
      _ = take([":"])
      let minutes = letters.isEmpty ? 0 : whole(2...2)
      guard let minutes, minutes < 60 else { return nil }
      offset = (hours * 3600 + minutes * 60) * (sign == "-" ? -1 : 1)
    }
    guard letters.isEmpty else { return nil }
    self.init(kind: .moment, seconds: seconds - Double(offset))
    self.offset = Int32(offset)
  }
}

private func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

private func daysOfMonth(_ month: Int, _ year: Int) -> Int {
  switch month {
  case 2: isLeap(year) ? 29 : 28
  case 4, 6, 9, 11: 30
  default: 31
  }
}

/// Days of a civil date since 1970-01-01, in years that begin on 1 March.
private func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
  let shifted = month > 2 ? year : year - 1
  let monthFromMarch = (month + 9) % 12
  let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
  return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
}

/// A civil date of days since 1970-01-01.
func civilDate(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
  let shifted = days + 719_468
  let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
  let dayOfEra = shifted - era * 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let month = (5 * dayOfYear + 2) / 153
  let civilMonth = month < 10 ? month + 3 : month - 9
  return (yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0), civilMonth, dayOfYear - (153 * month + 2) / 5 + 1)
}
