import Domain
func crc16(_ bytes: Span<UInt8>) -> UInt16 {
  var crc: UInt16 = 0xFFFF
  for index in 0..<bytes.count {
    crc ^= UInt16(bytes[index])
    for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xA001 : crc >> 1 }
  }
  return crc
}
enum StandInFramer {
  enum Verdict { case complete(Int), needsMore, bad(RequestFailure) }
  static func judge(_ bytes: Span<UInt8>, _ unit: UInt8, _ function: UInt8) -> Verdict {
    if bytes.count >= 1, bytes[0] != unit { return .bad(.wrongReply) }
    guard bytes.count >= 4 else { return .needsMore }
    let crc = crc16(bytes.extracting(0..<bytes.count - 2))
    let has = UInt16(bytes[bytes.count - 2]) | UInt16(bytes[bytes.count - 1]) << 8
    return crc == has ? .complete(bytes.count) : .needsMore
  }
}
