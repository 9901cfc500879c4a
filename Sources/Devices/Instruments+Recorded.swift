// Playing a recording of a bus: what the door sent then is sent again, at its time, by the same code that sent it. So what
// awaits which reply, and for how long, is as it was; only whose turn it is on the bus is the recording's to say. Orders are
// taken as done: whether their board obeyed is in what it says of itself.

public import Domain

extension Instruments {
  /// From now on this bus asks only what `sent` tells it.
  public mutating func follow(_ port: PortID) { buses[Int(port.index)].isFollowing = true }

  /// These bytes were sent on a bus that follows a recording. `false`: they are no request of its devices, and no order.
  @_noLocks @_noAllocation
  public mutating func sent(
    _ bytes: Span<UInt8>, on port: PortID, at now: Instant, _ findings: inout Findings, _ outbox: inout Outbox
  ) -> Bool {
    let bus = Int(port.index)
    guard buses[bus].isOpen, buses[bus].isFollowing, bytes.count > 0 else { return false }
    var isOne = isWakeByte(bytes, bus)
    if !isOne { isOne = asks(bytes, bus, now, &outbox) }
    if !isOne, isOrder(bytes, bus) {
      isOne = true
      let count = min(bytes.count, Self.echoRoom)
      for index in 0..<count { buffers[scratch &+ index] = bytes[index] }
      awaitEcho(bus, buffers, from: scratch, to: scratch &+ count)
    }
    work(bus, now, &findings, &outbox)
    return isOne
  }

  @_noLocks @_noAllocation
  private func isWakeByte(_ bytes: Span<UInt8>, _ bus: Int) -> Bool {
    guard bytes.count == 1 else { return false }
    for index in 0..<Int(buses[bus].deviceCount) {
      let device = Int(members[Int(buses[bus].firstDevice) &+ index])
      if Int(devices[device].wakeByte) == Int(bytes[0]) { return true }
    }
    return false
  }

  /// What made somebody give it may be older than the recording, so it is not compared with what the rules order now.
  @_noLocks @_noAllocation
  private func isOrder(_ bytes: Span<UInt8>, _ bus: Int) -> Bool {
    for index in 0..<Int(buses[bus].deviceCount) {
      let device = Int(members[Int(buses[bus].firstDevice) &+ index])
      if devices[device].relay.byteCount > 0 || buses[bus].kind.isFramed && devices[device].namedCount > 0 { return true }
    }
    let function = buses[bus].kind.isRTU ? 1 : 7
    if buses[bus].kind.isFramed { return false }
    guard bytes.count > function else { return false }
    return (5...16).contains(bytes[function])
  }

  @_noLocks @_noAllocation
  private mutating func asks(_ bytes: Span<UInt8>, _ bus: Int, _ now: Instant, _ outbox: inout Outbox) -> Bool {
    for index in 0..<Int(buses[bus].deviceCount) {
      let device = Int(members[Int(buses[bus].firstDevice) &+ index])
      for place in 0..<Int(devices[device].requestCount) {
        let request = Int(devices[device].firstRequest) &+ place
        guard isRequest(bytes, request, of: device, bus) else { continue }
        number(bus, bytes)
        settle(bus)
        ask(bus, device, request, now, isAwake: true, &outbox)
        return true
      }
    }
    return false
  }

  @_noLocks @_noAllocation
  private func isRequest(_ bytes: Span<UInt8>, _ request: Int, of device: Int, _ bus: Int) -> Bool {
    switch buses[bus].kind {
    case .serial:
      for index in 0..<bytes.count {
        guard let byte = sentByte(device, request, index), byte == bytes[index] else { return false }
      }
      return sentByte(device, request, bytes.count) == nil
    case .hid:
      guard bytes.count == 1 &+ Int(requests[request].byteCount), bytes[0] == requests[request].carrier.number else { return false }
      for index in 1..<bytes.count where bytes[index] != constants[Int(requests[request].firstByte) &+ index &- 1] { return false }
      return true
    case .modbusRTU, .modbusTCP: return isModbus(bytes, requests[request].modbus, of: device, bus)
    }
  }

  /// Unit and PDU, over TCP behind its header.
  @_noLocks @_noAllocation
  private func isModbus(_ bytes: Span<UInt8>, _ asked: ModbusRequest, of device: Int, _ bus: Int) -> Bool {
    let start = buses[bus].kind.isRTU ? 0 : 6
    guard bytes.count == start &+ 6, bytes[start] == devices[device].unit else { return false }
    for index in 0..<5 where bytes[start &+ 1 &+ index] != asked.byte(index) { return false }
    return true
  }

  /// Whatever was under way when this was sent is over.
  @_noLocks @_noAllocation
  private func settle(_ bus: Int) {
    buses[bus].state = .idle
    buses[bus].until = .never
  }

  /// Over TCP the next request has the number that it had.
  @_noLocks @_noAllocation
  private func number(_ bus: Int, _ bytes: Span<UInt8>) {
    guard case .modbusTCP = buses[bus].kind, bytes.count > 1 else { return }
    buses[bus].transaction = (UInt16(bytes[0]) << 8 | UInt16(bytes[1])) &- 1
  }
}
