// What the kernel did not take at once: a few messages a port, of fixed size. A message that was begun is finished
// before anything else; then actuator writes go before polls, each in the order in which they came.

import Domain

/// One waiting message.
struct Waiting: BitwiseCopyable {
  var used = false
  var urgency = Urgency.poll
  /// When it came, compared with the others of its port.
  var order: UInt64 = 0
  var count: Int32 = 0
  var sent: Int32 = 0
}

/// The waiting messages of all ports.
struct OutQueue: ~Copyable {
  static let messagesMax = 8
  /// A Modbus TCP frame is at most 260 bytes.
  static let bytesMax = 264

  private var messages: Table<Waiting>
  private var bytes: Table<UInt8>
  private var order: UInt64 = 0

  init(ports: Int) {
    messages = Table(capacity: ports * Self.messagesMax, filledWith: Waiting())
    bytes = Table(capacity: ports * Self.messagesMax * Self.bytesMax, filledWith: 0)
  }

  /// Keeps `message`, of which the first `sent` bytes are gone. `false`: no room.
  mutating func put(_ message: Span<UInt8>, sent: Int, _ urgency: Urgency, port: Int) -> Bool {
    guard message.count <= Self.bytesMax else { return false }
    for slot in port * Self.messagesMax..<(port + 1) * Self.messagesMax where !messages[slot].used {
      order &+= 1
      messages[slot] = Waiting(
        used: true, urgency: urgency, order: order, count: Int32(message.count), sent: Int32(sent))
      for index in 0..<message.count { bytes[slot * Self.bytesMax + index] = message[index] }
      return true
    }
    return false
  }

  /// The slot to write from next.
  func first(port: Int) -> Int? {
    var best = -1
    for slot in port * Self.messagesMax..<(port + 1) * Self.messagesMax where messages[slot].used {
      if messages[slot].sent > 0 { return slot }
      if best < 0 || goesBefore(slot, best) { best = slot }
    }
    return best < 0 ? nil : best
  }

  private func goesBefore(_ a: Int, _ b: Int) -> Bool {
    switch (messages[a].urgency, messages[b].urgency) {
    case (.actuator, .poll): true
    case (.poll, .actuator): false
    default: messages[a].order < messages[b].order
    }
  }

  /// What is left of a slot's message.
  @_lifetime(borrow self)
  func rest(of slot: Int) -> Span<UInt8> {
    let start = slot * Self.bytesMax
    return bytes.span.extracting(start + Int(messages[slot].sent)..<start + Int(messages[slot].count))
  }

  /// `count` bytes of a slot are gone. `true`: all of it.
  mutating func advance(_ slot: Int, by count: Int) -> Bool {
    messages[slot].sent &+= Int32(truncatingIfNeeded: count)
    if messages[slot].sent >= messages[slot].count { messages[slot].used = false }
    return !messages[slot].used
  }

  /// Drops everything of a port and returns how many messages that was.
  mutating func clear(port: Int) -> Int {
    var dropped = 0
    for slot in port * Self.messagesMax..<(port + 1) * Self.messagesMax where messages[slot].used {
      messages[slot].used = false
      dropped &+= 1
    }
    return dropped
  }
}
