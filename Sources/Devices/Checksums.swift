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

/// CRC-16/XMODEM: polynomial 0x1021, start 0; sent high byte first.
@_noLocks @_noAllocation
public func crc16Xmodem(_ bytes: borrowing Table<UInt8>, from start: Int, to end: Int) -> UInt16 {
  var crc: UInt16 = 0
  for index in start..<end {
    crc ^= UInt16(bytes[index]) << 8
    for _ in 0..<8 { crc = crc & 0x8000 != 0 ? (crc << 1) ^ 0x1021 : crc << 1 }
  }
  return crc
}

/// Sum of bytes `start` to before `end`, in 16 bits.
@_noLocks @_noAllocation
public func byteSum(_ bytes: borrowing Table<UInt8>, from start: Int, to end: Int) -> UInt16 {
  var sum: UInt16 = 0
  for index in start..<end { sum &+= UInt16(bytes[index]) }
  return sum
}

@_noLocks @_noAllocation
private func wordSum(_ bytes: borrowing Table<UInt8>, from start: Int, to end: Int) -> UInt16 {
  var sum: UInt16 = 0
  var index = start
  while index &+ 1 < end {
    sum &+= UInt16(bytes[index]) | UInt16(bytes[index &+ 1]) << 8
    index &+= 2
  }
  return sum
}

@_noLocks @_noAllocation
private func exclusiveOr(_ bytes: borrowing Table<UInt8>, from start: Int, to end: Int) -> UInt8 {
  var sum: UInt8 = 0
  for index in start..<end { sum ^= bytes[index] }
  return sum
}

extension Check {
  /// Whether the frame of `length` bytes at `base` proves itself. One too short for its check does not.
  @_noLocks @_noAllocation
  public func holds(for bytes: borrowing Table<UInt8>, at base: Int, length: Int) -> Bool {
    if case .none = kind { return true }
    let place = at < 0 ? length &+ at : at
    let end = to ?? place
    guard from >= 0, from <= end, end <= length, place >= 0, place &+ width <= length, base >= 0, length <= bytes.capacity &- base
    else { return false }
    let first = base &+ from
    let last = base &+ end
    let byte = bytes[base &+ place]
    let next = width > 1 ? bytes[base &+ place &+ 1] : 0
    let bigEndian = UInt16(byte) << 8 | UInt16(next)
    let littleEndian = UInt16(next) << 8 | UInt16(byte)
    switch kind {
    case .none: return true
    case .sum8: return byte == UInt8(truncatingIfNeeded: byteSum(bytes, from: first, to: last)) &+ adds
    case .negativeSum8: return byte == 0 &- (UInt8(truncatingIfNeeded: byteSum(bytes, from: first, to: last)) &+ adds)
    case .invertedSum8: return byte == ~(UInt8(truncatingIfNeeded: byteSum(bytes, from: first, to: last)) &+ adds)
    case .xor8: return byte == exclusiveOr(bytes, from: first, to: last)
    case .sum16be: return bigEndian == byteSum(bytes, from: first, to: last) &+ UInt16(adds)
    case .sum16le: return littleEndian == byteSum(bytes, from: first, to: last) &+ UInt16(adds)
    case .wordSum16le: return littleEndian == wordSum(bytes, from: first, to: last) &+ UInt16(adds)
    case .crc16Modbus: return littleEndian == crc16Modbus(bytes, from: first, to: last)
    case .crc16Xmodem: return bigEndian == crc16Xmodem(bytes, from: first, to: last)
    }
  }

  /// Puts the check into the frame of `length` bytes at `base`; nothing where it has no room.
  @_noLocks @_noAllocation
  func write(to bytes: borrowing Table<UInt8>, at base: Int, length: Int) {
    let place = at < 0 ? length &+ at : at
    let end = to ?? place
    guard from >= 0, from <= end, end <= length, place >= 0, place &+ width <= length, base >= 0, length <= bytes.capacity &- base
    else { return }
    let first = base &+ from
    let last = base &+ end
    let sum = byteSum(bytes, from: first, to: last) &+ UInt16(adds)
    switch kind {
    case .none: break
    case .sum8: bytes[base &+ place] = UInt8(truncatingIfNeeded: sum)
    case .negativeSum8: bytes[base &+ place] = 0 &- UInt8(truncatingIfNeeded: sum)
    case .invertedSum8: bytes[base &+ place] = ~UInt8(truncatingIfNeeded: sum)
    case .xor8: bytes[base &+ place] = exclusiveOr(bytes, from: first, to: last)
    case .sum16be: putWord(sum.byteSwapped, bytes, base &+ place)
    case .sum16le: putWord(sum, bytes, base &+ place)
    case .wordSum16le: putWord(wordSum(bytes, from: first, to: last) &+ UInt16(adds), bytes, base &+ place)
    case .crc16Modbus: putWord(crc16Modbus(bytes, from: first, to: last), bytes, base &+ place)
    case .crc16Xmodem: putWord(crc16Xmodem(bytes, from: first, to: last).byteSwapped, bytes, base &+ place)
    }
  }

  @_noLocks @_noAllocation
  private func putWord(_ word: UInt16, _ bytes: borrowing Table<UInt8>, _ at: Int) {
    bytes[at] = UInt8(truncatingIfNeeded: word)
    bytes[at &+ 1] = UInt8(truncatingIfNeeded: word >> 8)
  }
}
