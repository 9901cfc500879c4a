// Finds the end of a reply on a bus where libmodbus cannot: units 248 to 255 and vendor functions.

import Domain

/// What a reply's first bytes are worth.
enum ReplyVerdict {
  /// A whole frame of this many bytes, CRC included and right.
  case complete(Int)
  /// First a whole frame of another unit, of this many bytes, CRC included and right.
  case stranger(Int)
  case needsMore
  case bad(RequestFailure)
}

/// Judges the bytes that came after a request to `unit` with `function`. A vendor function's reply has no known
/// length: it ends where the CRC fits, which a wrong length does once in 65,536.
func judgeReply(_ bytes: Span<UInt8>, unit: UInt8, function: UInt8) -> ReplyVerdict {
  let isOurs = bytes.count == 0 || bytes[0] == unit
  if isOurs, bytes.count >= 2, bytes[1] & 0x7F != function { return .bad(.wrongReply) }
  guard bytes.count >= 4 else { return .needsMore }
  guard let length = replyLength(bytes) else {
    if !isOurs { return .bad(.wrongReply) }
    return hasCRC(bytes) ? .complete(bytes.count) : .needsMore
  }
  guard bytes.count >= length else { return .needsMore }
  guard hasCRC(bytes.extracting(0..<length)) else { return .bad(.badCheck) }
  return isOurs ? .complete(length) : .stranger(length)
}

/// Whole length with CRC, from the function and the byte count; `nil` for a vendor function.
func replyLength(_ bytes: Span<UInt8>) -> Int? {
  switch bytes[1] {
  case 0x80...: 5
  case 1...4, 23: 5 + Int(bytes[2])
  case 5, 6, 15, 16: 8
  case 22: 10
  default: nil
  }
}

/// The length of the whole reply of some unit that `bytes` begin with, CRC included and right; `nil`: there is none, or its
/// function's replies have no known length.
func wholeReply(_ bytes: Span<UInt8>) -> Int? {
  guard bytes.count >= 5, let length = replyLength(bytes), length <= bytes.count else { return nil }
  return hasCRC(bytes.extracting(0..<length)) ? length : nil
}

private func hasCRC(_ bytes: Span<UInt8>) -> Bool {
  let crc = crc16(bytes.extracting(0..<bytes.count - 2))
  return bytes[bytes.count - 2] == UInt8(truncatingIfNeeded: crc) && bytes[bytes.count - 1] == UInt8(crc >> 8)
}

/// CRC-16/Modbus: polynomial 0xA001 reflected, initial value 0xFFFF.
func crc16(_ bytes: Span<UInt8>) -> UInt16 {
  var crc: UInt16 = 0xFFFF
  for index in 0..<bytes.count {
    crc ^= UInt16(bytes[index])
    for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xA001 : crc >> 1 }
  }
  return crc
}
