// `--since`: a time, a day, or how long ago.

import Foundation

/// Reads what people write for a moment in the past.
///
///     readSince("90 min"), "2h", "2026-11-23", "2026-11-23T08:00", "2026-11-23T08:00:00+08:00"
///
/// A day or a time without an offset is in `zone`. `nil`: not understood.
func readSince(_ text: String, now: Date, zone: TimeZone) -> Date? {
  let text = text.trimmingCharacters(in: .whitespaces)
  if let ago = seconds(text) { return now.addingTimeInterval(-ago) }
  let precise = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
  if let date = (try? precise.parse(text)) ?? (try? Date.ISO8601FormatStyle().parse(text)) { return date }
  let formatter = DateFormatter()
  formatter.locale = Locale(identifier: "en_US_POSIX")
  formatter.timeZone = zone
  for format in ["yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd"] {
    formatter.dateFormat = format
    if let date = formatter.date(from: text) { return date }
  }
  return nil
}

/// `90s`, `15 min`, `2h`, `3d`.
private func seconds(_ text: String) -> Double? {
  let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
  guard let amount = Double(digits), amount.isFinite else { return nil }
  switch text.dropFirst(digits.count).trimmingCharacters(in: .whitespaces) {
  case "s": return amount
  case "min", "m": return amount * 60
  case "h": return amount * 3600
  case "d": return amount * 86_400
  default: return nil
  }
}
