// JSON in the one form of RFC 8785 (JCS), so that the same event always has the same bytes and the same hash.

/// A JSON value that can be written canonically.
enum JSON {
  case bool(Bool)
  /// Finite; whoever has NaN or an infinity leaves the member out. Such a number is written as `null`.
  case number(Double)
  case string(String)
  case list([JSON])
  case object([String: JSON])

  /// The canonical bytes: UTF-8.
  var canonical: [UInt8] {
    var bytes: [UInt8] = []
    write(to: &bytes)
    return bytes
  }

  private func write(to bytes: inout [UInt8]) {
    switch self {
    case .bool(let value): bytes += (value ? "true" : "false").utf8
    case .number(let value): bytes += (canonicalNumber(value) ?? "null").utf8
    case .string(let value): writeString(value, to: &bytes)
    case .list(let items):
      bytes.append(UInt8(ascii: "["))
      for (index, item) in items.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        item.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      // RFC 8785, 3.2.3: by UTF-16 code units.
      let sorted = members.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
      for (index, member) in sorted.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        writeString(member.key, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        member.value.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }
}

private func writeString(_ value: String, to bytes: inout [UInt8]) {
  bytes.append(UInt8(ascii: "\""))
  // What must be escaped is ASCII, which no part of another character's UTF-8 is.
  for byte in value.utf8 {
    switch byte {
    case 0x08: bytes += "\\b".utf8
    case 0x09: bytes += "\\t".utf8
    case 0x0a: bytes += "\\n".utf8
    case 0x0c: bytes += "\\f".utf8
    case 0x0d: bytes += "\\r".utf8
    case 0x22: bytes += "\\\"".utf8
    case 0x5c: bytes += "\\\\".utf8
    case 0..<0x20: bytes += ("\\u00" + hex([byte])).utf8
    default: bytes.append(byte)
    }
  }
  bytes.append(UInt8(ascii: "\""))
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
