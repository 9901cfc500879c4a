// From values to bytes: the inverse of what Devices decodes, written from the profile's meaning alone and sharing no
// code with the decoder, so that a mistake in one does not cancel out in the other.

public import Devices
import Domain

/// Raw number of a value: what stands on the wire before it is cut into bytes.
func rawNumber(of value: Double, _ field: Field) -> Double {
  var value = value
  if case .bits(let count) = field.type, field.inverted {
    let all = (UInt64(1) << UInt64(min(max(count, 0), 32))) - 1
    value = Double(~(UInt64(exactly: value) ?? 0) & all)
  }
  let raw = field.scale == 0 ? value - field.offset : (value - field.offset) / field.scale
  guard field.negativeAbove != nil, raw < 0 else { return raw }
  return switch field.type {
  case .u8: raw + 256
  case .u16be, .u16le: raw + 65_536
  default: raw + 4_294_967_296
  }
}

/// The bytes of a field, most significant first within a register; bit fields as channels, see `encodedBits`.
func encoded(_ value: Double, _ field: Field) -> [UInt8] {
  let raw = rawNumber(of: value, field)
  switch field.type {
  case .u8: return [UInt8(clamped: raw)]
  case .i8: return [UInt8(bitPattern: Int8(clamped: raw))]
  case .u16be: return bigEndian(UInt16(clamped: raw))
  case .u16le: return bigEndian(UInt16(clamped: raw)).reversed()
  case .i16be: return bigEndian(UInt16(bitPattern: Int16(clamped: raw)))
  case .i16le: return bigEndian(UInt16(bitPattern: Int16(clamped: raw))).reversed()
  case .u32be: return bigEndian(UInt32(clamped: raw))
  case .u32le: return bigEndian(UInt32(clamped: raw)).reversed()
  case .i32be: return bigEndian(UInt32(bitPattern: Int32(clamped: raw)))
  case .i32le: return bigEndian(UInt32(bitPattern: Int32(clamped: raw))).reversed()
  case .f32be: return bigEndian(Float(raw).bitPattern)
  case .f32leWords: return wordsSwapped(Float(raw).bitPattern)
  case .u32leWords: return wordsSwapped(UInt32(clamped: raw))
  case .i32leWords: return wordsSwapped(UInt32(bitPattern: Int32(clamped: raw)))
  case .bits(let count):
    let mask = UInt32(clamped: raw)
    return count <= 8 ? [UInt8(truncatingIfNeeded: mask)]
      : count <= 16 ? bigEndian(UInt16(truncatingIfNeeded: mask)) : bigEndian(mask)
  }
}

/// A frame that holds `values`, one a field of the profile in its order.
public func encodedFrame(_ framing: Framing, fields: [Field], values: [Double]) -> [UInt8] {
  var frame = [UInt8](repeating: 0, count: framing.length)
  for (index, byte) in framing.startsWith.enumerated() where index < frame.count { frame[index] = byte }
  for (field, value) in zip(fields, values) {
    guard case .frame(let at) = field.location else { continue }
    for (index, byte) in encoded(value, field).enumerated() where frame.indices.contains(at + index) {
      frame[at + index] = byte
    }
  }
  switch framing.check {
  case .sum8(let from, let at) where frame.indices.contains(at) && (0...at).contains(from):
    frame[at] = sum(frame[from..<at])
  case .negativeSum8(let from, let at) where frame.indices.contains(at) && (0...at).contains(from):
    frame[at] = 0 &- sum(frame[from..<at])
  case .sum8, .negativeSum8: break
  }
  return frame
}

private func sum(_ bytes: ArraySlice<UInt8>) -> UInt8 { bytes.reduce(0, &+) }

func bigEndian(_ word: UInt16) -> [UInt8] { [UInt8(word >> 8), UInt8(word & 0xFF)] }
func bigEndian(_ word: UInt32) -> [UInt8] { bigEndian(UInt16(word >> 16)) + bigEndian(UInt16(word & 0xFFFF)) }
private func wordsSwapped(_ word: UInt32) -> [UInt8] {
  bigEndian(UInt16(word & 0xFFFF)) + bigEndian(UInt16(word >> 16))
}

extension FixedWidthInteger {
  /// The nearest value there is; 0 for what is not a number.
  init(clamped value: Double) {
    if value.isNaN { self = 0 } else { self = Self(exactly: value.rounded()) ?? (value < 0 ? .min : .max) }
  }
}
