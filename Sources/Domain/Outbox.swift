// Where a turn puts what it wants done. Sized at start; the loop reads it after each turn and clears it before the
// next. Records have reserved room: telemetry gives way first, and every loss is counted.

/// The outputs of one turn and the bytes they send.
public struct Outbox: ~Copyable {
  public private(set) var outputs: Table<Output>
  public private(set) var count = 0
  public private(set) var bytes: Table<UInt8>
  public private(set) var byteCount = 0
  /// Outputs that found no room since the last `clear`.
  public private(set) var lostTelemetry = 0
  public private(set) var lostRecords = 0
  public private(set) var lostSends = 0
  @usableFromInline let reserved: Int

  /// - Parameters:
  ///   - capacity: outputs a turn; a quarter of them is kept for anything but telemetry.
  ///   - byteCapacity: bytes to send a turn.
  public init(capacity: Int = 256, byteCapacity: Int = 16_384) {
    outputs = Table(capacity: capacity, filledWith: .reopen(PortID(0), Generation(0)))
    bytes = Table(capacity: byteCapacity, filledWith: 0)
    reserved = capacity / 4
  }

  @_noLocks @_noAllocation
  public mutating func clear() {
    count = 0
    byteCount = 0
    lostTelemetry = 0
    lostRecords = 0
    lostSends = 0
  }

  @_noLocks @_noAllocation
  public mutating func put(_ event: Event) {
    let telemetry = event.body.stream != .records
    if count >= (telemetry ? outputs.capacity - reserved : outputs.capacity) {
      if telemetry { lostTelemetry &+= 1 } else { lostRecords &+= 1 }
      return
    }
    outputs[count] = .event(event)
    count &+= 1
  }

  @_noLocks @_noAllocation
  public mutating func reopen(_ port: PortID, _ generation: Generation) {
    guard count < outputs.capacity else { lostSends &+= 1; return }
    outputs[count] = .reopen(port, generation)
    count &+= 1
  }

  /// Adds a byte for the `finishSend` to come. Bytes beyond the capacity make that send fail as a whole.
  @_noLocks @_noAllocation
  public mutating func append(_ byte: UInt8) {
    if byteCount < bytes.capacity { bytes[byteCount] = byte }
    byteCount &+= 1
  }

  /// Sends what was appended since the byte count was `start`. `false`: no room, nothing is sent, the loss is counted.
  @_noLocks @_noAllocation
  public mutating func finishSend(
    from start: Int, to port: PortID, _ generation: Generation, urgency: Urgency, replyWithin: Interval
  ) -> Bool {
    guard byteCount <= bytes.capacity, count < outputs.capacity else {
      byteCount = start
      lostSends &+= 1
      return false
    }
    outputs[count] = .send(
      Send(
        port: port, generation: generation, urgency: urgency, offset: Int32(truncatingIfNeeded: start),
        count: Int32(truncatingIfNeeded: byteCount &- start), replyWithin: replyWithin))
    count &+= 1
    return true
  }
}
