// The checks a frame can prove itself with. Bytes lie in a `Table`: a port's buffer, or one made for a tool.

public import Domain

/// CRC-16/Modbus: polynomial 0xA001 (reflected 0x8005), start 0xFFFF; sent low byte first (Modbus over Serial Line 2.5.1.2).
@_noLocks @_noAllocation
public func crc16Modbus(_ bytes: borrowing Table<UInt8>, from start: Int, to end: Int) -> UInt16 {
  var crc: UInt16 = 0xFFFF
  for index in start..<end {
    crc ^= UInt16(bytes[index])
    for _ in 0..<8 { crc = crc & 1 != 0 ? (crc >> 1) ^ 0xA001 : crc >> 1 }
  }
  return crc
}

/// Low byte of the sum of bytes `start` to before `end`.
@_noLocks @_noAllocation
public func byteSum(_ bytes: borrowing Table<UInt8>, from start: Int, to end: Int) -> UInt8 {
  var sum: UInt8 = 0
  for index in start..<end { sum &+= bytes[index] }
  return sum
}

extension Check {
  /// Whether the frame of `length` bytes at `base` proves itself. One too short for its check does not.
  @_noLocks @_noAllocation
  public func holds(for bytes: borrowing Table<UInt8>, at base: Int, length: Int) -> Bool {
    let from: Int
    let at: Int
    let negated: Bool
    switch self {
    case .sum8(let first, let place): (from, at, negated) = (first, place, false)
    case .negativeSum8(let first, let place): (from, at, negated) = (first, place, true)
    }
    guard from >= 0, from <= at, at < length, base >= 0, length <= bytes.capacity &- base else { return false }
    let sum = byteSum(bytes, from: base &+ from, to: base &+ at)
    return bytes[base &+ at] == (negated ? 0 &- sum : sum)
  }
}
