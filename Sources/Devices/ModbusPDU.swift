// Modbus requests and replies as PDUs (function and data, no unit, no CRC): Modbus Application Protocol 1.1b3. Every
// count a device sends is compared with what was asked before a byte of data is looked at.

public import Domain

/// What a reply turned out to be.
public enum ReplyVerdict: BitwiseCopyable, Sendable {
  /// The answer; its data begin at this offset.
  case data(at: Int)
  /// A proper reply that says no, with its exception code.
  case exception(UInt8)
  /// Not the answer to this request.
  case wrong
}

/// What the bytes of a Modbus TCP connection begin with: a header of transaction, protocol 0 and length, then unit and PDU.
enum HeadedFrame: BitwiseCopyable {
  case incomplete
  /// Not Modbus, or no longer in step: where the next frame begins cannot be told.
  case wrong
  /// A whole one; `length` bytes stand behind the header.
  case whole(transaction: UInt16, length: Int)

  /// Of `count` bytes at `base`.
  @_noLocks @_noAllocation
  init(_ bytes: borrowing Table<UInt8>, at base: Int, count: Int) {
    self = .incomplete
    guard count >= 6 else { return }
    let length = Int(bytes[base &+ 4]) << 8 | Int(bytes[base &+ 5])
    guard bytes[base &+ 2] == 0, bytes[base &+ 3] == 0, length >= 3, length <= 254 else {
      self = .wrong
      return
    }
    guard count >= 6 &+ length else { return }
    self = .whole(transaction: UInt16(bytes[base]) << 8 | UInt16(bytes[base &+ 1]), length: length)
  }
}

/// A read or write as sent, and what its reply must look like.
public struct ModbusRequest: BitwiseCopyable, Equatable, Sendable {
  /// 1 to 4: read; 5, 6: write one.
  public var function: UInt8
  public var address: UInt16
  /// How many bits or registers; for a write, the value.
  public var count: UInt16

  @inlinable @inline(__always)
  public init(function: UInt8, address: UInt16, count: UInt16) {
    self.function = function
    self.address = address
    self.count = count
  }

  /// Bytes of data in a proper reply to a read.
  public var dataCount: Int {
    @_noLocks @_noAllocation get {
      switch function {
      case 1, 2: (Int(count) &+ 7) / 8
      case 3, 4: Int(count) &* 2
      default: 0
      }
    }
  }

  /// Whether a proper reply to the one could be one to the other.
  @_noLocks @_noAllocation
  func looksLike(_ other: ModbusRequest) -> Bool { function == other.function && dataCount == other.dataCount }

  /// The five bytes of its PDU.
  @_noLocks @_noAllocation
  public func byte(_ index: Int) -> UInt8 {
    switch index {
    case 0: function
    case 1: UInt8(truncatingIfNeeded: address >> 8)
    case 2: UInt8(truncatingIfNeeded: address)
    case 3: UInt8(truncatingIfNeeded: count >> 8)
    default: UInt8(truncatingIfNeeded: count)
    }
  }

  /// Reads the PDU of `length` bytes at `base`.
  @_noLocks @_noAllocation
  public func judge(_ bytes: borrowing Table<UInt8>, at base: Int, length: Int) -> ReplyVerdict {
    guard base >= 0, length >= 2, length <= bytes.capacity &- base else { return .wrong }
    if bytes[base] == function | 0x80 { return length == 2 ? .exception(bytes[base &+ 1]) : .wrong }
    guard bytes[base] == function else { return .wrong }
    switch function {
    case 1, 2, 3, 4:
      guard Int(bytes[base &+ 1]) == dataCount, length == dataCount &+ 2 else { return .wrong }
      return .data(at: base &+ 2)
    default:
      guard length == 5 else { return .wrong }
      for index in 1..<5 where bytes[base &+ index] != byte(index) { return .wrong }
      return .data(at: base &+ 5)
    }
  }
}
