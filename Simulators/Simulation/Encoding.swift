// From values to bytes: the inverse of what Devices decodes, written from the profile's meaning alone and sharing no
// code with the decoder, so that a mistake in one does not cancel out in the other.

public import Devices
import Domain

/// Raw number of a value: what stands on the wire before it is cut into bytes. Inlined, since a field is large, and a call would
/// copy it.
@inline(__always)
func rawNumber(of value: Double, _ field: Field) -> Double {
  var value = value
  if case .bits(let count) = field.type, field.inverted {
    let all = (UInt64(1) << UInt64(min(max(count, 0), 32))) - 1
    value = Double(~(UInt64(exactly: value) ?? 0) & all)
  }
  if let whole = field.reciprocal { return value == 0 ? 0 : whole / value }
  let raw = field.scale == 0 ? value - field.offset : (value - field.offset) / field.scale
  guard field.negativeAbove != nil, raw < 0 else { return raw }
  return switch field.type {
  case .u8: raw + 256
  case .u16be, .u16le: raw + 65_536
  case .u24be, .u24le: raw + 16_777_216
  default: raw + 4_294_967_296
  }
}

/// The value that a raw number stands for: what `rawNumber` takes back.
@inline(__always)
func meaning(of raw: Double, _ field: Field) -> Double {
  if let whole = field.reciprocal { return raw == 0 ? 0 : whole / raw }
  return raw * (field.scale == 0 ? 1 : field.scale) + field.offset
}

/// The bytes of a field, most significant first within a register; bit fields as channels, see `encodedBits`.
@inline(__always)
func encoded(_ value: Double, _ field: Field) -> [UInt8] { encoded(rawNumber(of: value, field), as: field.type) }

private func encoded(_ raw: Double, as type: NumberType) -> [UInt8] {
  switch type {
  case .u8: return [UInt8(clamped: raw)]
  case .i8: return [UInt8(bitPattern: Int8(clamped: raw))]
  case .u16be: return bigEndian(UInt16(clamped: raw))
  case .u16le: return bigEndian(UInt16(clamped: raw)).reversed()
  case .i16be: return bigEndian(UInt16(bitPattern: Int16(clamped: raw)))
  case .i16le: return bigEndian(UInt16(bitPattern: Int16(clamped: raw))).reversed()
  case .u24be: return Array(bigEndian(UInt32(clamped: min(raw, 16_777_215))).dropFirst())
  case .u24le: return bigEndian(UInt32(clamped: min(raw, 16_777_215))).dropFirst().reversed()
  case .u32be: return bigEndian(UInt32(clamped: raw))
  case .u32le: return bigEndian(UInt32(clamped: raw)).reversed()
  case .i32be: return bigEndian(UInt32(bitPattern: Int32(clamped: raw)))
  case .i32le: return bigEndian(UInt32(bitPattern: Int32(clamped: raw))).reversed()
  case .f32be: return bigEndian(Float(raw).bitPattern)
  case .f32le: return bigEndian(Float(raw).bitPattern).reversed()
  case .f32leWords: return wordsSwapped(Float(raw).bitPattern)
  case .f32beSwapped: return bytesSwapped(Float(raw).bitPattern)
  case .u32beSwapped: return bytesSwapped(UInt32(clamped: raw))
  case .i32beSwapped: return bytesSwapped(UInt32(bitPattern: Int32(clamped: raw)))
  case .u64be: return bigEndian(UInt64(clamped: raw))
  case .i64be: return bigEndian(UInt64(bitPattern: Int64(clamped: raw)))
  case .f64be: return bigEndian(raw.bitPattern)
  case .f64leWords:
    let bytes = bigEndian(raw.bitPattern)
    return stride(from: 6, through: 0, by: -2).flatMap { bytes[$0..<$0 + 2] }
  // Text is no value: the world has none to tell.
  case .ascii(let count): return [UInt8](repeating: 0x20, count: min(count, 255))
  case .utf16le(let count): return (0..<count).flatMap { _ in [0x20, 0] as [UInt8] }
  case .decimal: return Array(decimalText(raw).utf8)
  case .u32leWords: return wordsSwapped(UInt32(clamped: raw))
  case .i32leWords: return wordsSwapped(UInt32(bitPattern: Int32(clamped: raw)))
  case .bits(let count):
    let mask = UInt32(clamped: raw)
    return count <= 8 ? [UInt8(truncatingIfNeeded: mask)]
      : count <= 16 ? bigEndian(UInt16(truncatingIfNeeded: mask)) : bigEndian(mask)
  }
}

/// Digits as devices of text send them: five before the point, or three and one behind it.
private func decimalText(_ raw: Double) -> String {
  let sign = raw < 0 ? "-" : ""
  if raw == raw.rounded() {
    let digits = String(Int64(clamped: abs(raw)))
    return sign + String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }
  let tenths = String(Int64(clamped: (abs(raw) * 10).rounded()))
  let padded = String(repeating: "0", count: max(0, 4 - tenths.count)) + tenths
  return sign + padded.dropLast() + "." + padded.suffix(1)
}

/// A frame on the wire that holds `values`, one a field of the profile in its order.
/// - Parameters:
///   - fields: which of them, by index; `nil`: all of the frame.
///   - variant: which of the profile's variants is played.
///   - texts: what fields of text say, by their index; the others say blanks.
///   - isWarmingUp: it says so, where it has frames that do.
public func encodedFrame(
  _ framing: Framing, index frame: Int = 0, of all: [Field], values: [Double], only fields: [Int]? = nil, texts: [Int: [UInt8]] = [:],
  variant: Int = 0, isWarmingUp: Bool = false
) -> [UInt8] {
  func stands(_ index: Int) -> Bool { all[index].frames >> UInt32(frame) & 1 == 1 && all[index].isPlayed(as: variant) }
  var held = fields ?? Array(all.indices)
  held.removeAll { !stands($0) }
  if case .line = framing.ending {
    if let whole = held.first(where: { all[$0].location == .line }), let text = texts[whole] { return text + [0x0D, 0x0A] }
    return encodedLine(held.map { (all[$0], values[$0]) }, isSpaced: all.contains { $0.digits > 0 })
  }
  var tail: [UInt8] = []
  if case .tail(let bytes, _) = framing.ending { tail = bytes }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(32)
  bytes += framing.startsWith
  func put(_ new: [UInt8], _ at: Int) {
    guard at >= 0, at + new.count <= Framing.lengthMax else { return }
    while bytes.count < at + new.count { bytes.append(0) }
    for (offset, byte) in new.enumerated() { bytes[at + offset] = byte }
  }
  func say(_ value: Double, _ field: Int) {
    guard case .frame(let at) = all[field].location, at >= 0 else { return }
    let one = encoded(value, all[field])
    if let array = all[field].array { put((0..<array.count).flatMap { _ in one }, at) } else { put(one, at) }
  }
  for field in held { say(values[field], field) }
  // What must be said for a field to exist is said.
  for need in held.flatMap({ all[$0].when }) {
    guard case .equals(let word)? = need.conditions.first else { continue }
    say(Double(word) * all[need.field].scale + all[need.field].offset, need.field)
  }
  for index in all.indices where all[index].type.isText && stands(index) {
    guard case .frame(let at) = all[index].location else { continue }
    let blank = encoded(0, all[index])
    if let text = texts[index] { put(Array((text + blank).prefix(blank.count)), at) } else if case .length = framing.ending { put(blank, at) }
  }
  if case .quiet(_, let least, _) = framing.ending, bytes.count % least > 0 { put([0], (bytes.count / least + 1) * least - 1) }
  put(framing.startsWith, 0)
  for mark in framing.marks { put([mark.byte], mark.at) }
  if let count = framing.count { put([], count.at + (count.type == .u8 ? 1 : 2)) }
  if isWarmingUp {
    for veto in framing.vetoes where veto.reason == .warmingUp && veto.zeroFrom <= veto.zeroTo {
      put([UInt8](repeating: 0, count: veto.zeroTo - veto.zeroFrom + 1), veto.zeroFrom)
    }
  }
  // As long as it must be for a field to exist.
  for need in held.flatMap({ all[$0].when }) {
    guard let count = framing.count, all[need.field].location == .frame(at: count.at), case .equals(let word)? = need.conditions.first
    else { continue }
    put([], Int(word) + count.adds - framing.check.width - tail.count)
  }
  if case .length(let length) = framing.ending { put([], length) } else { put([UInt8](repeating: 0, count: framing.check.width), bytes.count) }
  if case .length(let length) = framing.ending { bytes = Array(bytes.prefix(length)) } else { bytes += tail }
  if let count = framing.count {
    let said = UInt16(clamped: Double(bytes.count - count.adds))
    switch count.type {
    case .u16be: put(bigEndian(said), count.at)
    case .u16le: put(bigEndian(said).reversed(), count.at)
    default: put([UInt8(truncatingIfNeeded: said)], count.at)
    }
  }
  putCheck(framing.check, into: &bytes)
  return coded(bytes, framing, tail: tail.count)
}

/// Text as it stands in a field.
func textBytes(_ text: String, _ type: NumberType) -> [UInt8] {
  if case .utf16le = type { return text.utf16.flatMap { bigEndian($0).reversed() } }
  return Array(text.utf8)
}

/// Text of numbers behind keys, CR and LF: ` Z 00521 z 00508` of devices that count their digits, `T36.4 I27.1` of the others.
private func encodedLine(_ values: [(field: Field, value: Double)], isSpaced: Bool) -> [UInt8] {
  let words = values.compactMap { field, value -> String? in
    guard case .after(let key) = field.location else { return nil }
    let name = String(decoding: (0..<Int(key.count)).map(key.byte), as: UTF8.self)
    guard isSpaced else { return name + plainNumber(rawNumber(of: value, field)) }
    var number = String(decoding: encoded(value, field), as: UTF8.self)
    if field.digits > 0 {
      let whole = String(Int64(clamped: ((value - field.offset) / field.scale).rounded()))
      number = String(repeating: "0", count: max(0, field.digits - whole.count)) + whole
    }
    return " \(name) \(number)"
  }
  return Array((words.joined(separator: isSpaced ? "" : " ") + "\r\n").utf8)
}

/// `36.4`, `27`: to a thousandth.
private func plainNumber(_ raw: Double) -> String {
  let value = (raw * 1_000).rounded() / 1_000
  return value == value.rounded() ? "\(Int64(clamped: value))" : "\(value)"
}

func putCheck(_ check: Check, into bytes: inout [UInt8]) {
  let place = check.at < 0 ? bytes.count + check.at : check.at
  guard place >= 0, place + check.width <= bytes.count, check.from <= check.to ?? place, check.to ?? place <= bytes.count else { return }
  let covered = bytes[check.from..<(check.to ?? place)]
  let wide = covered.reduce(UInt16(check.adds)) { $0 &+ UInt16($1) }
  let narrow = UInt8(truncatingIfNeeded: wide)
  let proof: [UInt8] =
    switch check.kind {
    case .none: []
    case .sum8: [narrow]
    case .negativeSum8: [0 &- narrow]
    case .invertedSum8: [~narrow]
    case .xor8: [covered.reduce(0, ^)]
    case .sum16be: bigEndian(wide)
    case .sum16le: bigEndian(wide).reversed()
    case .wordSum16le:
      bigEndian(
        stride(from: covered.startIndex, to: covered.endIndex - 1, by: 2).reduce(UInt16(0)) {
          $0 &+ UInt16(covered[$1]) &+ UInt16(covered[$1 + 1]) << 8
        }
      ).reversed()
    case .crc16Modbus: bigEndian(crc16(covered)).reversed()
    case .crc16Xmodem: bigEndian(xmodem(covered))
    }
  for (offset, byte) in proof.enumerated() { bytes[place + offset] = byte }
}

/// Polynomial 0x1021, start 0: by its definition, a bit after the other.
private func xmodem(_ bytes: ArraySlice<UInt8>) -> UInt16 {
  var rest: UInt16 = 0
  for byte in bytes {
    for bit in (0..<8).reversed() {
      let isOut = rest >> 15 == 1
      rest = rest << 1 ^ (isOut != (byte >> UInt8(bit) & 1 == 1) ? 0x1021 : 0)
    }
  }
  return rest
}

/// What stands between start and tail, as it goes over the wire.
private func coded(_ bytes: [UInt8], _ framing: Framing, tail: Int) -> [UInt8] {
  let start = framing.startsWith.count
  guard bytes.count >= start + tail, framing.coding != .plain else { return bytes }
  let body = bytes[start..<bytes.count - tail].flatMap { byte -> [UInt8] in
    switch framing.coding {
    case .plain: return [byte]
    case .doubled(let sign): return byte == sign ? [byte, byte] : [byte]
    case .hex: return Array((byte < 16 ? "0" : "").utf8) + Array(String(byte, radix: 16, uppercase: true).utf8)
    case .stuffed(let escape, let xor):
      let mustHide = [escape, framing.startsWith.first, bytes.last].contains(byte) || byte == 0x11 || byte == 0x13
      return mustHide ? [escape, byte ^ xor] : [byte]
    }
  }
  return bytes[..<start] + body + bytes[(bytes.count - tail)...]
}

func bigEndian(_ word: UInt16) -> [UInt8] { [UInt8(word >> 8), UInt8(word & 0xFF)] }
func bigEndian(_ word: UInt32) -> [UInt8] { stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) } }
func bigEndian(_ word: UInt64) -> [UInt8] { stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) } }
private func bytesSwapped(_ word: UInt32) -> [UInt8] {
  let bytes = bigEndian(word)
  return [bytes[1], bytes[0], bytes[3], bytes[2]]
}
private func wordsSwapped(_ word: UInt32) -> [UInt8] {
  bigEndian(UInt16(word & 0xFFFF)) + bigEndian(UInt16(word >> 16))
}

extension FixedWidthInteger {
  /// The nearest value there is; 0 for what is not a number.
  init(clamped value: Double) {
    if value.isNaN { self = 0 } else { self = Self(exactly: value.rounded()) ?? (value < 0 ? .min : .max) }
  }
}
