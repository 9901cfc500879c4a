// What the kernel did not take at once: a few messages a port, of fixed size, from a store that all ports share: it is
// seldom that a port does not take a message, and then few do not. A message that was begun is finished before anything
// else; then actuator writes go before polls, each in the order in which they came.

import Domain

/// One waiting message.
struct Waiting: BitwiseCopyable {
  /// Whose it is; -1: the slot is free.
  var port: Int32 = -1
  var urgency = Urgency.poll
  /// When it came, compared with the others of its port.
  var order: UInt64 = 0
  var count: Int32 = 0
  var sent: Int32 = 0
}

/// The waiting messages of all ports.
struct OutQueue: ~Copyable {
  /// Of one port, and of all.
  static let messagesMax = 8
  static let slotsMax = 256
  /// A Modbus TCP frame is at most 260 bytes.
  static let bytesMax = 264

  private var messages: Table<Waiting>
  private var bytes: Table<UInt8>
  private var order: UInt64 = 0

  init(ports: Int) {
    messages = Table(capacity: min(ports * Self.messagesMax, Self.slotsMax), filledWith: Waiting())
    bytes = Table(capacity: messages.capacity * Self.bytesMax, filledWith: 0)
  }

  /// Keeps `message`, of which the first `sent` bytes are gone. `false`: no room.
  mutating func put(_ message: Span<UInt8>, sent: Int, _ urgency: Urgency, port: Int) -> Bool {
    guard message.count <= Self.bytesMax else { return false }
    var free = -1
    var own = 0
    for slot in 0..<messages.capacity {
      if messages[slot].port == port { own &+= 1 }
      if messages[slot].port < 0, free < 0 { free = slot }
    }
    guard free >= 0, own < Self.messagesMax else { return false }
    order &+= 1
    messages[free] = Waiting(
      port: Int32(truncatingIfNeeded: port), urgency: urgency, order: order, count: Int32(message.count), sent: Int32(sent))
    for index in 0..<message.count { bytes[free * Self.bytesMax + index] = message[index] }
    return true
  }

  /// The slot to write from next.
  func first(port: Int) -> Int? {
    var best = -1
    for slot in 0..<messages.capacity where messages[slot].port == port {
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
    if messages[slot].sent >= messages[slot].count { messages[slot].port = -1 }
    return messages[slot].port < 0
  }

  /// Drops everything of a port and returns how many messages that was.
  mutating func clear(port: Int) -> Int {
    var dropped = 0
    for slot in 0..<messages.capacity where messages[slot].port == port {
      messages[slot].port = -1
      dropped &+= 1
    }
    return dropped
  }
}
