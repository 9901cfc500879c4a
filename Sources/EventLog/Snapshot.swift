// The pipeline's state as the log keeps it: its bytes with a head that says which build made it, when, and which event
// it contains last. The store keeps a checksum beside it.
//
//     bytes   0 magic   8 layout   16 last event   24 boot ns   32 wall ns   40 state …

public import Domain
import Foundation

/// The state of the pipeline at one moment.
public struct Snapshot: Sendable, Equatable {
  static let magic: UInt64 = 0x3153_5048_4741_5445
  public static let headSize = 40

  /// Differs between builds and sites whose state must not be mixed.
  public var layout: UInt64
  /// The counter of the last event it contains.
  public var lastEvent: UInt64
  public var boot: Instant
  /// ns since 1970 UTC.
  public var wall: Int64
  public var state: [UInt8]

  public init(layout: UInt64, lastEvent: UInt64, boot: Instant, wall: Int64, state: [UInt8]) {
    self.layout = layout
    self.lastEvent = lastEvent
    self.boot = boot
    self.wall = wall
    self.state = state
  }

  /// As the real-time thread writes it into an exchange's buffer of `headSize` + state bytes.
  public static func write(
    layout: UInt64, lastEvent: UInt64, boot: Instant, wall: Int64, state: UnsafeRawBufferPointer,
    to buffer: UnsafeMutableRawBufferPointer
  ) {
    precondition(buffer.count >= headSize + state.count, "A snapshot's buffer holds its head and its state.")
    // Safe: the sizes were just compared.
    unsafe buffer.storeBytes(of: magic, toByteOffset: 0, as: UInt64.self)
    unsafe buffer.storeBytes(of: layout, toByteOffset: 8, as: UInt64.self)
    unsafe buffer.storeBytes(of: lastEvent, toByteOffset: 16, as: UInt64.self)
    unsafe buffer.storeBytes(of: boot.ns, toByteOffset: 24, as: Int64.self)
    unsafe buffer.storeBytes(of: wall, toByteOffset: 32, as: Int64.self)
    unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[headSize...]).copyMemory(from: state)
  }

  /// What to add to its boot times for this boot clock. A clock that shows no less than it did has run on, and says better
  /// than the wall clock, which people set, how much time has passed: no less in any case, also if it began anew and has come so far.
  public func shift(to now: Now) -> Interval {
    now.boot >= boot ? .zero : Interval(ns: (now.boot.ns &- boot.ns) &- (now.wall &- wall))
  }

  /// `nil` when it is no snapshot of this layout.
  init?(_ bytes: [UInt8], layout: UInt64) {
    guard Self.isSnapshot(bytes), word(bytes, 8) == layout else { return nil }
    self.init(
      layout: layout, lastEvent: word(bytes, 16), boot: Instant(ns: Int64(bitPattern: word(bytes, 24))),
      wall: Int64(bitPattern: word(bytes, 32)), state: Array(bytes[Self.headSize...]))
  }

  /// The counter of the last event that a snapshot of any layout contains; `nil`: it is none.
  static func lastEvent(of bytes: [UInt8]) -> UInt64? { isSnapshot(bytes) ? word(bytes, 16) : nil }

  private static func isSnapshot(_ bytes: [UInt8]) -> Bool { bytes.count >= headSize && word(bytes, 0) == magic }
}

/// Eight bytes, least significant first.
private func word(_ bytes: [UInt8], _ start: Int) -> UInt64 {
  (0..<8).reduce(0) { $0 | UInt64(bytes[start + $1]) << (8 * UInt64($1)) }
}
