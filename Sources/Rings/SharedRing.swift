// A ring in a box that two threads can hold. Who of them pushes and who pops is agreed where it is made.

/// One ring for one producer thread and one consumer thread.
public final class SharedRing<Slot: BitwiseCopyable & Sendable>: Sendable {
  public let ring: Ring<Slot>

  public init(capacity: Int) { ring = Ring(capacity: capacity) }

  /// Producer only. `false`: full.
  @inlinable @inline(__always) public func push(_ slot: Slot) -> Bool { ring.push(slot) }
  /// Consumer only. `nil`: empty.
  @inlinable @inline(__always) public func pop() -> Slot? { ring.pop() }
  @inlinable @inline(__always) public var count: Int { ring.count }
  @inlinable @inline(__always) public var capacity: Int { ring.capacity }
}
