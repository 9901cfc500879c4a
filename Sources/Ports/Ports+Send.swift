// Sending: at once where the kernel takes it, else from the queue when the port can be written to again.

public import Domain
import Glibc
import Rings

extension Ports {
  /// Sends bytes `send.offset ..< send.offset + send.count` of `bytes` (the outbox's). What the kernel does not take at
  /// once waits in a bounded queue; actuator writes go before polls. `false`: dropped and counted.
  ///
  /// On a bus the bytes are unit and PDU, without CRC; a reply or a failure comes for each. A single byte is sent as it
  /// is, to wake a device, and nothing comes for it. To a HID device they are how (0 output report, 1 set feature, 2 get
  /// feature) and the report, its number first where it has one.
  @discardableResult
  public mutating func send(_ send: Send, from bytes: Span<UInt8>) -> Bool {
    let index = Int(send.port.index)
    guard index < rows.capacity else { return false }
    let start = Int(send.offset)
    let count = Int(send.count)
    guard rows[index].counters.isOpen, rows[index].counters.generation == send.generation, start >= 0, count > 0,
      start <= bytes.count, count <= bytes.count - start
    else {
      rows[index].counters.dropped &+= 1
      return false
    }
    let message = bytes.extracting(start..<start + count)
    let taken =
      switch rows[index].kind {
      case .serial, .connection: write(message, index, send.urgency)
      case .bus, .hid: request(message, index, send)
      }
    if !taken { rows[index].counters.dropped &+= 1 }
    return taken
  }

  /// What came is not what is spoken here: closes the port and opens it again, if `generation` is the open one. `lost`
  /// (protocolBroken) arrives, then `opened`.
  public mutating func reopen(_ port: PortID, _ generation: Generation) {
    let index = Int(port.index)
    guard index < rows.capacity, rows[index].counters.generation == generation else { return }
    lose(index, .protocolBroken, 0)
  }

  /// The port may be back: try at once instead of waiting for the back-off.
  public mutating func nudge(_ port: PortID) {
    guard Int(port.index) < rows.capacity, link.orders.count < rows.capacity else { return }
    _ = link.orders.push(Order(kind: .nudge, port: port))
    link.ordered.ring()
  }

  // MARK: Streams

  private mutating func write(_ message: Span<UInt8>, _ index: Int, _ urgency: Urgency) -> Bool {
    if rows[index].watchesWrites { return queue.put(message, sent: 0, urgency, port: index) }
    let sent = put(message, index)
    guard sent >= 0, sent < message.count else { return sent >= 0 }
    guard queue.put(message, sent: sent, urgency, port: index) else {
      // Half a message went out and the rest is too long for the queue: the other end can only be confused.
      if sent > 0 { lose(index, .ioError, EMSGSIZE) }
      return false
    }
    watchWrites(index, true)
    return true
  }

  /// Writes from the queue until it is empty or the kernel takes no more.
  mutating func flush(_ index: Int) {
    while rows[index].counters.isOpen, let slot = queue.first(port: index) {
      let sent = put(queue.rest(of: slot), rows[index].descriptor, rows[index].kind)
      guard account(sent.count, of: queue.rest(of: slot).count, sent.code, index) else { return }
      if !queue.advance(slot, by: sent.count) { return }
    }
    watchWrites(index, false)
  }

  /// Writes what the kernel takes of `message`: how many bytes, or -1 when the port is lost.
  private mutating func put(_ message: Span<UInt8>, _ index: Int) -> Int {
    let sent = put(message, rows[index].descriptor, rows[index].kind)
    return account(sent.count, of: message.count, sent.code, index) ? sent.count : -1
  }

  /// A peer that has closed must cost an error, not a SIGPIPE.
  private func put(_ message: Span<UInt8>, _ descriptor: Int32, _ kind: PortKind) -> (count: Int, code: Int32) {
    unsafe message.withUnsafeBufferPointer { bytes in
      var count = 0
      var code: Int32 = 0
      repeat {
        switch kind {
        case .connection: count = unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        case .serial, .bus, .hid: count = unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        }
        code = count < 0 ? errno : 0
      } while code == EINTR
      return code == EAGAIN ? (0, 0) : (max(count, 0), code)
    }
  }

  /// Counts a write. `false`: it failed, and the port is lost.
  private mutating func account(_ sent: Int, of count: Int, _ code: Int32, _ index: Int) -> Bool {
    if code != 0 {
      lose(index, failureInUse(code), code)
      return false
    }
    rows[index].counters.bytesOut &+= UInt64(sent)
    if sent < count { rows[index].counters.shortWrites &+= 1 }
    return true
  }

  private mutating func watchWrites(_ index: Int, _ on: Bool) {
    guard rows[index].counters.isOpen, rows[index].watchesWrites != on else { return }
    rows[index].watchesWrites = on
    poller.watchWrites(rows[index].descriptor, .port(index: index, rows[index].counters.generation), on)
  }

  // MARK: Buses

  /// The bus of an open port. Its address is valid: the keeper holds the bus until this thread gives the port back.
  func bus(_ index: Int) -> Bus? {
    guard let address = unsafe UnsafeRawPointer(bitPattern: rows[index].bus) else { return nil }
    return unsafe Unmanaged<Bus>.fromOpaque(address).takeUnretainedValue()
  }

  private mutating func request(_ message: Span<UInt8>, _ index: Int, _ send: Send) -> Bool {
    var request = BusRequest()
    guard let bus = bus(index), rows[index].underWay < Bus.requestsMax, message.count <= 254 else {
      return false
    }
    for offset in 0..<message.count { request.bytes[offset] = message[offset] }
    request.count = Int32(message.count)
    request.replyWithin = send.replyWithin
    let pushed =
      switch send.urgency {
      case .actuator: bus.urgent.push(request)
      case .poll: bus.polls.push(request)
      }
    guard pushed else { return false }
    bus.wake.ring()
    rows[index].underWay &+= 1
    rows[index].counters.bytesOut &+= UInt64(message.count)
    rows[index].longestReply = max(rows[index].longestReply, send.replyWithin)
    if rows[index].underWay == 1 { rows[index].stuckAt = bootClock() + rows[index].longestReply + grace }
    return true
  }
}
