// Times as events write them: RFC 3339 with the site's offset, nanoseconds kept.

/// `2026-03-01T08:15:00.123456789+01:00` for nanoseconds since 1970-01-01 UTC and an offset in seconds east.
public func timeText(wall: Int64, utcOffset: Int32) -> String {
  // RFC 3339 offsets have minutes only.
  let minutes = Int64(utcOffset) / 60
  var seconds = wall / 1_000_000_000
  var fraction = wall % 1_000_000_000
  if fraction < 0 {
    fraction += 1_000_000_000
    seconds -= 1
  }
  seconds += minutes * 60
  var days = seconds / 86_400
  var second = seconds % 86_400
  if second < 0 {
    second += 86_400
    days -= 1
  }
  // Days to a civil date, in eras of 400 years that begin on 1 March.
  let shifted = days + 719_468
  let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
  let dayOfEra = shifted - era * 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let month = (5 * dayOfYear + 2) / 153
  let day = dayOfYear - (153 * month + 2) / 5 + 1
  let civilMonth = month < 10 ? month + 3 : month - 9
  let year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)
  func padded(_ number: Int64, _ width: Int) -> String {
    let text = "\(number.magnitude)"
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
  let date = "\(padded(year, 4))-\(padded(civilMonth, 2))-\(padded(day, 2))"
  let time = "\(padded(second / 3_600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2)).\(padded(fraction, 9))"
  return date + "T" + time + (minutes < 0 ? "-" : "+") + padded(minutes.magnitude.hours, 2) + ":" + padded(minutes.magnitude.rest, 2)
}

/// The day as segments are named: `20260301`.
public func dayText(wall: Int64, utcOffset: Int32) -> String {
  String(timeText(wall: wall, utcOffset: utcOffset).prefix(10).filter { $0 != "-" })
}

/// `2026-03-01` for days since 1970-01-01.
func dayText(_ days: Int64) -> String { String(timeText(wall: days * 86_400_000_000_000, utcOffset: 0).prefix(10)) }

extension UInt64 {
  fileprivate var hours: Int64 { Int64(self / 60) }
  fileprivate var rest: Int64 { Int64(self % 60) }
}
