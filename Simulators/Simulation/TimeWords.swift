// Times since the beginning, as scenarios write them.

import Domain

private let longest = Interval.seconds(366 * 86_400)

/// `3s`, `1.5s`, `200ms`, `2min`, `8h`, `1h30min`. At most a year; longer ones are none.
func interval(_ text: some StringProtocol) -> Interval? {
  var rest = Substring(text), total = Interval.zero
  guard !rest.isEmpty else { return nil }
  while !rest.isEmpty {
    let digits = rest.prefix { $0.isNumber || $0 == "." }
    rest = rest.dropFirst(digits.count)
    let unit = rest.prefix { $0.isLetter }
    rest = rest.dropFirst(unit.count)
    guard let number = Double(digits), (0...1e6).contains(number), let ns = ["ms": 1e6, "min": 60e9, "h": 3_600e9, "s": 1e9][unit]
    else { return nil }
    total = total + Interval(ns: Int64(number * ns))
    guard total <= longest else { return nil }
  }
  return total
}

/// The same words for a time; parts of a millisecond are left out.
func clockText(_ time: Interval) -> String {
  let milliseconds = time.ns / 1_000_000
  let hours = milliseconds / 3_600_000, minutes = milliseconds / 60_000 % 60, rest = milliseconds % 60_000
  var text = hours > 0 ? "\(hours)h" : ""
  if minutes > 0 { text += "\(minutes)min" }
  if rest > 0 || text.isEmpty {
    let thousandths = rest % 1_000
    var seconds = "\(rest / 1_000)"
    if thousandths > 0 {
      seconds += "." + String(repeating: "0", count: 3 - "\(thousandths)".count) + "\(thousandths)"
      while seconds.hasSuffix("0") { seconds.removeLast() }
    }
    text += seconds + "s"
  }
  return text
}
