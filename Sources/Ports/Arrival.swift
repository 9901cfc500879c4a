// What the ports tell the real-time thread, and what they count. Bytes travel beside an arrival, in `Ports.received`:
// a span inside an enum's payload would be counted references.

public import Domain

/// One thing that came in.
public enum Arrival: BitwiseCopyable, Sendable {
  /// Bytes from a serial line or a connection, or a whole reply from a bus (unit, PDU, no CRC): see `Ports.received`.
  case bytes(PortID, Generation)
  case opened(PortID, Generation)
  /// The port is gone, or could not be opened. Told once an outage, and again when a person has to act: busy, denied.
  case lost(PortID, Generation, PortFailure, errno: Int32)
  /// A bus has no valid reply for the request that was sent last; what came instead is in `Ports.received`.
  case requestFailed(PortID, Generation, RequestFailure)
  /// A bus found a whole reply that nobody waited for: see `Ports.received` (unit, PDU, CRC).
  case late(PortID, Generation)
  /// A watched descriptor was written to; its eight bytes have been read.
  case signalled(token: UInt32)
}

/// What happened on one port since the start. Counters only grow.
public struct PortCounters: BitwiseCopyable, Sendable {
  public var bytesIn: UInt64 = 0
  public var bytesOut: UInt64 = 0
  public var opens: UInt64 = 0
  public var losses: UInt64 = 0
  /// Writes that the kernel took only in part.
  public var shortWrites: UInt64 = 0
  /// Sends that were dropped: the queue was full, the port not open or its generation old.
  public var dropped: UInt64 = 0
  /// Requests that got no valid reply (buses).
  public var failedRequests: UInt64 = 0
  /// Whether the port is open now.
  public var isOpen = false
  public var generation = Generation(0)

  public init() {}
}

/// Something about a port that a person should read. Given to the log by the keeper's thread.
public struct PortNotice: Sendable {
  public var port: PortID
  public var name: String
  /// `nil`: the port was opened.
  public var failure: PortFailure?
  public var errno: Int32
  /// Facts and the fix, for example the path with its owner and group.
  public var explanation: String
}

/// Why the ports could not be set up at all.
public struct PortsFailure: Error, Sendable, CustomStringConvertible {
  public var description: String
}
