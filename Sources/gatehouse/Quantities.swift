// Numbers as people read them.

import Foundation

/// 41 s, 12 min, 3 h 12 min, 2 d 5 h.
func duration(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "?" }
  let whole = Int(seconds)
  switch whole {
  case ..<120: return "\(whole) s"
  case ..<7200: return "\(whole / 60) min"
  case ..<172_800: return "\(whole / 3600) h \(whole % 3600 / 60) min"
  default: return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
  }
}

/// At most `digits` decimals, without zeros at the end.
func decimal(_ value: Double, digits: Int = 2) -> String {
  guard value.isFinite else { return "?" }
  var text = String(format: "%.\(digits)f", value)
  if text.contains(".") {
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
  }
  return text == "-0" ? "0" : text
}

/// The unit of a board's relays and inputs, one bit a channel.
let channelsUnit = "1-based list"

/// The channels that are on: `1 2 5`, or `none`.
func channelText(_ on: [Int]?) -> String {
  guard let on else { return "?" }
  return on.isEmpty ? "none" : on.map(String.init).joined(separator: " ")
}

/// The time of day out of an RFC 3339 time, as it was where it was written: 08:14:05.
func clockTime(_ time: String?) -> String {
  guard let time, let start = time.firstIndex(of: "T") else { return time ?? "" }
  return String(time[time.index(after: start)...].prefix(8))
}
