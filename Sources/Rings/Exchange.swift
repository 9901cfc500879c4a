// Large pieces (a snapshot) travel between two threads in buffers that go back and forth: the producer takes an empty
// one, fills it and hands it over; the consumer takes it, reads it and gives it back. Nothing is copied twice and
// nothing is allocated after the start.

/// A fixed number of byte buffers between one producer and one consumer.
///
/// Safe: a buffer's index is in exactly one place at a time (free ring, filled ring, or one side's hand), so only one
/// thread touches its bytes; the rings order the accesses.
@safe public final class Exchange: @unchecked Sendable {
  private let bytes: UnsafeMutableBufferPointer<UInt8>
  /// Bytes a buffer holds.
  public let size: Int
  private let free: SharedRing<Int>
  private let filled: SharedRing<Int>

  public init(buffers: Int, size: Int) {
    precondition(buffers > 0 && size >= 0, "An exchange has at least one buffer.")
    self.size = size
    unsafe bytes = UnsafeMutableBufferPointer.allocate(capacity: max(1, buffers * size))
    unsafe bytes.initialize(repeating: 0)
    free = SharedRing(capacity: buffers)
    filled = SharedRing(capacity: buffers)
    for index in 0..<buffers { _ = free.push(index) }
  }

  deinit { unsafe bytes.deallocate() }

  /// Producer: whether a buffer is empty now.
  public var hasRoom: Bool { free.count > 0 }

  /// Producer: fills an empty buffer and hands it over. `false`: none is empty; try again later.
  public func hand(_ fill: (UnsafeMutableRawBufferPointer) -> Void) -> Bool {
    guard let index = free.pop() else { return false }
    unsafe fill(UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(bytes)[index * size..<(index + 1) * size]))
    return filled.push(index)
  }

  /// Consumer: reads the oldest buffer handed over and gives it back. `nil`: there is none.
  public func take<R>(_ read: (UnsafeRawBufferPointer) -> R) -> R? {
    guard let index = filled.pop() else { return nil }
    defer { _ = free.push(index) }
    return unsafe read(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[index * size..<(index + 1) * size]))
  }
}
