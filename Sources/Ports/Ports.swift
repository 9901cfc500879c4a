// The real-time thread's side of all ports: one epoll, one wake-up. (API first; bodies follow.)

public import Domain

/// All configured ports. Belongs to one thread, the real-time one: create it there or move it there.
///
///     var ports = try Ports(settings) { notice in … }        // `notice` runs on the keeper's thread
///     ports.watch(bell.descriptor, token: 1)
///     while running {
///       ports.wait(until: pipeline.nextDeadline)
///       while let arrival = ports.next() { … ports.received, ports.receivedAt … }
///     }
///     ports.close()
public struct Ports: ~Copyable {
  /// Opens nothing itself: the keeper's thread starts at once and `opened` arrives later.
  public init(_ settings: [PortSettings], notice: @escaping @Sendable (PortNotice) -> Void) throws(PortsFailure) {}

  /// Reports `token` whenever the eventfd `descriptor` was written to. It is read (emptied) before it is reported and
  /// must be non-blocking, outlive the ports, and belong to somebody else, who closes it after `close()`.
  public mutating func watch(_ descriptor: Int32, token: UInt32) -> Bool { false }

  /// Sleeps until something arrives or `deadline` (boot clock) has come; returns at once when something waits.
  public mutating func wait(until deadline: Instant) {}

  /// The next arrival, or `nil` when all that was ready is taken. Never blocks.
  public mutating func next() -> Arrival? { nil }

  /// The bytes of the arrival last returned (at most 4096), until the next call of `next`.
  public var received: Span<UInt8> {
    @_lifetime(borrow self) get { Span() }
  }

  /// When the arrival last returned came in, on the boot clock.
  public var receivedAt: Instant { .past }

  /// Sends bytes `send.offset ..< send.offset + send.count` of `bytes` (the outbox's). What the kernel does not take at
  /// once waits in a bounded queue; actuator writes go before polls. `false`: dropped and counted.
  @discardableResult
  public mutating func send(_ send: Send, from bytes: Span<UInt8>) -> Bool { false }

  /// Closes the port and opens it again, if `generation` is the open one. `lost` (ioError) arrives, then `opened`.
  public mutating func reopen(_ port: PortID, _ generation: Generation) {}

  /// The port may be back: try at once instead of waiting for the back-off.
  public mutating func nudge(_ port: PortID) {}

  public func counters(of port: PortID) -> PortCounters { PortCounters() }

  /// Ends all threads and closes all descriptors. Blocks for at most a reply's deadline.
  public mutating func close() {}

  /// The boot clock, without a system call.
  public static func bootTime() -> Instant { .past }
}
