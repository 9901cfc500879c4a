// Finds the end of a reply on a bus where libmodbus cannot: units 248 to 255 and vendor functions.

import Domain

/// What a reply's first bytes are worth.
enum ReplyVerdict {
  /// A whole frame of this many bytes, CRC included and right.
  case complete(Int)
  case needsMore
  case bad(RequestFailure)
}

/// Judges the bytes that came after a request to `unit` with `function`. A vendor function's reply has no known
/// length: it ends where the CRC fits, which a wrong length does once in 65,536.
func judgeReply(_ bytes: Span<UInt8>, unit: UInt8, function: UInt8) -> ReplyVerdict {
  if bytes.count >= 1, bytes[0] != unit { return .bad(.wrongReply) }
  if bytes.count >= 2, bytes[1] & 0x7F != function { return .bad(.wrongReply) }
  guard bytes.count >= 4 else { return .needsMore }
  guard let length = replyLength(bytes) else { return hasCRC(bytes) ? .complete(bytes.count) : .needsMore }
  guard bytes.count >= length else { return .needsMore }
  return hasCRC(bytes.extracting(0..<length)) ? .complete(length) : .bad(.badCheck)
}

/// Whole length with CRC, from the function and the byte count; `nil` for a vendor function.
private func replyLength(_ bytes: Span<UInt8>) -> Int? {
  switch bytes[1] {
  case 0x80...: 5
  case 1...4, 23: 5 + Int(bytes[2])
  case 5, 6, 15, 16: 8
  case 22: 10
  default: nil
  }
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
