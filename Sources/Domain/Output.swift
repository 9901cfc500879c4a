// Everything a turn asks for. The loop carries it out before it waits again.

/// How soon bytes must go out: gates and lamps before polls.
public enum Urgency: UInt8, BitwiseCopyable, Sendable {
  case actuator, poll
}

/// Bytes for a port. They lie in the outbox until the next turn.
public struct Send: BitwiseCopyable, Sendable {
  public var port: PortID
  public var generation: Generation
  public var urgency: Urgency
  /// Where the bytes lie in the outbox.
  public var offset: Int32
  public var count: Int32
  /// How long a bus thread waits for the reply (Modbus RTU); zero where the pipeline itself keeps the time.
  public var replyWithin: Interval

  @inlinable @inline(__always)
  public init(port: PortID, generation: Generation, urgency: Urgency, offset: Int32, count: Int32, replyWithin: Interval) {
    self.port = port
    self.generation = generation
    self.urgency = urgency
    self.offset = offset
    self.count = count
    self.replyWithin = replyWithin
  }
}

/// One output of a turn.
public enum Output: BitwiseCopyable, Sendable {
  case event(Event)
  case send(Send)
  /// The port does not behave: close it and open it again.
  case reopen(PortID, Generation)
}
