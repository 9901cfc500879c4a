// Requests cut out of a stream, as the device at the far end of a line or connection does it. RTU has no marks: a
// request is found by its function's length and its CRC, a byte at a time is dropped until one fits (a wake byte, noise),
// and a silence empties what is left. The CRC is computed bit by bit here, unlike in Devices: two ways, one answer.

import Domain

/// A request with what is needed to answer it.
struct HeardRequest: Equatable {
  var unit: UInt8
  var pdu: [UInt8]
  /// Modbus TCP's transaction id.
  var transaction: UInt16 = 0
}

/// CRC-16/Modbus: polynomial A001, start FFFF.
func crc16(_ bytes: ArraySlice<UInt8>) -> UInt16 {
  var crc: UInt16 = 0xFFFF
  for byte in bytes {
    crc ^= UInt16(byte)
    var bit = 0
    while bit < 8 {
      crc = crc & 1 == 1 ? crc >> 1 ^ 0xA001 : crc >> 1
      bit += 1
    }
  }
  return crc
}

/// Unit, PDU and CRC, low byte first.
func rtuFrame(unit: UInt8, _ pdu: [UInt8]) -> [UInt8] {
  var frame: [UInt8] = []
  frame.reserveCapacity(pdu.count + 3)
  frame.append(unit)
  frame += pdu
  let crc = crc16(frame[...])
  frame.append(UInt8(crc & 0xFF))
  frame.append(UInt8(crc >> 8))
  return frame
}

/// The seven-byte header and the PDU.
func tcpFrame(_ request: HeardRequest, _ pdu: [UInt8]) -> [UInt8] {
  let length = UInt16(clamping: pdu.count + 1)
  return [
    UInt8(request.transaction >> 8), UInt8(request.transaction & 0xFF), 0, 0, UInt8(length >> 8), UInt8(length & 0xFF), request.unit,
  ] + pdu
}

/// The bytes of one line or one connection that are not a request yet.
struct ModbusStream {
  private var bytes: [UInt8] = []
  private var latest: Instant = .past
  /// Bytes that belonged to no request.
  private(set) var dropped = 0

  /// More than this between two bytes, and what came before is forgotten.
  static var silence: Interval { .milliseconds(100) }

  mutating func append(_ more: some Sequence<UInt8>, at now: Instant) {
    if now - latest > Self.silence, !bytes.isEmpty {
      dropped += bytes.count
      bytes.removeAll()
    }
    latest = now
    bytes += more
  }

  /// The next RTU request.
  mutating func nextRTU() -> HeardRequest? {
    while bytes.count >= 4 {
      guard let length = requestLength() else { drop(1); continue }
      guard length <= bytes.count else { return nil }
      let crc = crc16(bytes[..<(length - 2)])
      guard bytes[length - 2] == UInt8(crc & 0xFF), bytes[length - 1] == UInt8(crc >> 8) else { drop(1); continue }
      let request = HeardRequest(unit: bytes[0], pdu: Array(bytes[1..<(length - 2)]))
      bytes.removeFirst(length)
      return request
    }
    return nil
  }

  /// Whole length of an RTU request by its function; `nil`: no request starts here; more than there is: wait.
  private func requestLength() -> Int? {
    switch bytes[1] {
    case 1...6: 8
    case 15, 16: bytes.count < 7 ? 9 : 9 + Int(bytes[6])
    case 7, 11, 12, 17: 4
    case 8: 8
    case 43: 7
    default: nil
    }
  }

  /// The next Modbus TCP request. A header that is none ends the connection: `isBroken`.
  mutating func nextTCP() -> HeardRequest? {
    guard bytes.count >= 8, !isBroken else { return nil }
    let length = Int(bytes[4]) << 8 | Int(bytes[5])
    guard bytes.count >= 6 + length else { return nil }
    let request = HeardRequest(
      unit: bytes[6], pdu: Array(bytes[7..<(6 + length)]), transaction: UInt16(bytes[0]) << 8 | UInt16(bytes[1]))
    bytes.removeFirst(6 + length)
    return request
  }

  /// Whether what stands first can't be a Modbus TCP header.
  var isBroken: Bool {
    guard bytes.count >= 6 else { return false }
    let length = Int(bytes[4]) << 8 | Int(bytes[5])
    return bytes[2] != 0 || bytes[3] != 0 || !(2...254).contains(length)
  }

  private mutating func drop(_ count: Int) {
    bytes.removeFirst(count)
    dropped += count
  }
}
