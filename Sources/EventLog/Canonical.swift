// JSON in the one form of RFC 8785 (JCS), so that the same event always has the same bytes and the same hash.

/// A JSON value that can be written canonically.
enum JSON {
  case bool(Bool)
  /// Finite; whoever has NaN or an infinity leaves the member out. Such a number is written as `null`.
  case number(Double)
  case string(String)
  case list([JSON])
  case object([String: JSON])

  /// The canonical bytes, as text.
  var canonical: String {
    var text = ""
    write(to: &text)
    return text
  }

  private func write(to text: inout String) {
    switch self {
    case .bool(let value): text += value ? "true" : "false"
    case .number(let value): text += canonicalNumber(value) ?? "null"
    case .string(let value): writeString(value, to: &text)
    case .list(let items):
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += "," }
        item.write(to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      // RFC 8785, 3.2.3: by UTF-16 code units.
      let sorted = members.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
      for (index, member) in sorted.enumerated() {
        if index > 0 { text += "," }
        writeString(member.key, to: &text)
        text += ":"
        member.value.write(to: &text)
      }
      text += "}"
    }
  }
}

private func writeString(_ value: String, to text: inout String) {
  let digits = Array("0123456789abcdef".unicodeScalars)
  text += "\""
  for scalar in value.unicodeScalars {
    switch scalar.value {
    case 0x08: text += "\\b"
    case 0x09: text += "\\t"
    case 0x0a: text += "\\n"
    case 0x0c: text += "\\f"
    case 0x0d: text += "\\r"
    case 0x22: text += "\\\""
    case 0x5c: text += "\\\\"
    case 0..<0x20:
      text += "\\u00"
      text.unicodeScalars.append(digits[Int(scalar.value >> 4)])
      text.unicodeScalars.append(digits[Int(scalar.value & 15)])
    default: text.unicodeScalars.append(scalar)
    }
  }
  text += "\""
}

/// ECMAScript's form of a number; `nil` for NaN and the infinities, which JSON does not have.
func canonicalNumber(_ value: Double) -> String? {
  guard value.isFinite else { return nil }
  if value == 0 { return "0" }
  // The standard library gives the shortest digits that read back the same, as ECMAScript asks; only the layout differs.
  let parts = "\(value.magnitude)".split(separator: "e")
  let mantissa = parts[0].split(separator: ".")
  let whole = String(mantissa[0])
  let fraction = mantissa.count > 1 ? String(mantissa[1]) : ""
  let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
  var digits = Substring(whole + fraction)
  // The value is 0.DIGITS times ten to the power of `point`.
  var point = whole.count + exponent
  while digits.first == "0" {
    digits.removeFirst()
    point -= 1
  }
  while digits.last == "0" { digits.removeLast() }
  let count = digits.count
  let sign = value < 0 ? "-" : ""
  if count <= point && point <= 21 { return sign + digits + String(repeating: "0", count: point - count) }
  if 0 < point && point <= 21 { return sign + digits.prefix(point) + "." + digits.dropFirst(point) }
  if -6 < point && point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
  let power = point - 1
  let tail = "e" + (power < 0 ? "-" : "+") + "\(power.magnitude)"
  return sign + digits.prefix(1) + (count > 1 ? "." + digits.dropFirst() : "") + tail
}
