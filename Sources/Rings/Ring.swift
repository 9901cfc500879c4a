// A ring from one producer thread to one consumer thread, without locks.
//
// Two counters that only grow: `tail` counts what was pushed, `head` what was popped; a slot's index is its count
// modulo the capacity, a power of two. The producer writes a slot and then publishes it by storing `tail` (release);
// the consumer loads `tail` (acquire), copies the slot and frees it by storing `head` (release), which the producer
// loads (acquire) before it writes there again. Each side keeps a copy of the other's counter and looks at the real
// one only when the copy says full or empty, so the two cores rarely share a line.
//
// Memory: | head, copy of tail: consumer writes | 128 bytes apart | tail, copy of head: producer writes | slots |
// (128 and not 64: neighbouring lines are fetched in pairs.)
//
//     field        written by   read by     order
//     tail         producer     both        store release, load acquire (consumer)
//     head         consumer     both        store release, load acquire (producer)
//     tailSeen     consumer     consumer    plain
//     headSeen     producer     producer    plain
//
// Generic, and always inlined into concrete annotated callers, where the compiler proves that nothing locks or
// allocates: see docs/decisions/0002.

public import Synchronization

/// What one side owns: its counter, and its copy of the other's.
@usableFromInline struct Side: ~Copyable {
  @usableFromInline let counter = Atomic<Int>(0)
  @usableFromInline var seen = 0
  @usableFromInline init() {}
}

/// Slots between exactly one producer and exactly one consumer.
///
/// Safe: the block lives as long as the ring, slots are trivially copyable, and an index is always below the capacity.
/// `@unchecked Sendable`: the protocol above gives each field one writer.
@safe public struct Ring<Slot: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
  @usableFromInline let slots: UnsafeMutablePointer<Slot>
  @usableFromInline let consumer: UnsafeMutablePointer<Side>
  @usableFromInline let producer: UnsafeMutablePointer<Side>
  @usableFromInline let block: UnsafeMutableRawPointer
  /// How many slots there are: a power of two.
  public let capacity: Int

  /// - Parameter capacity: rounded up to a power of two, at least 2.
  public init(capacity wanted: Int) {
    precondition(wanted > 0 && wanted <= 1 << 30, "A ring has from 1 to 2^30 slots.")
    var rounded = 2
    while rounded < wanted { rounded *= 2 }
    capacity = rounded
    unsafe block = UnsafeMutableRawPointer.allocate(byteCount: 384, alignment: 128)
    unsafe consumer = block.bindMemory(to: Side.self, capacity: 1)
    unsafe producer = (block + 128).bindMemory(to: Side.self, capacity: 1)
    unsafe consumer.initialize(to: Side())
    unsafe producer.initialize(to: Side())
    // Slots are not initialised: a slot is read only after it was written, and idle memory is never touched.
    unsafe slots = UnsafeMutablePointer<Slot>.allocate(capacity: rounded)
  }

  deinit {
    unsafe consumer.deinitialize(count: 1)
    unsafe producer.deinitialize(count: 1)
    unsafe block.deallocate()
    unsafe slots.deallocate()
  }

  /// Producer only. `false`: full, nothing happened.
  @inlinable @inline(__always)
  public func push(_ slot: Slot) -> Bool {
    let tail = unsafe producer.pointee.counter.load(ordering: .relaxed)
    if tail &- (unsafe producer.pointee.seen) >= capacity {
      unsafe producer.pointee.seen = consumer.pointee.counter.load(ordering: .acquiring)
      if tail &- (unsafe producer.pointee.seen) >= capacity { return false }
    }
    unsafe slots[tail & (capacity &- 1)] = slot
    unsafe producer.pointee.counter.store(tail &+ 1, ordering: .releasing)
    return true
  }

  /// Consumer only. `nil`: empty.
  @inlinable @inline(__always)
  public func pop() -> Slot? {
    let head = unsafe consumer.pointee.counter.load(ordering: .relaxed)
    if head == (unsafe consumer.pointee.seen) {
      unsafe consumer.pointee.seen = producer.pointee.counter.load(ordering: .acquiring)
      if head == (unsafe consumer.pointee.seen) { return nil }
    }
    let slot = unsafe slots[head & (capacity &- 1)]
    unsafe consumer.pointee.counter.store(head &+ 1, ordering: .releasing)
    return slot
  }

  /// How many slots wait. Exact on an idle ring; a moment old while the other side works.
  @inlinable @inline(__always)
  public var count: Int {
    let head = unsafe consumer.pointee.counter.load(ordering: .acquiring)
    let tail = unsafe producer.pointee.counter.load(ordering: .acquiring)
    return max(0, tail &- head)
  }
}
