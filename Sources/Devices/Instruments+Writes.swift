// Writes: relays of boards, and what else a profile allows by name. Nothing that no profile names is ever written.

public import Domain

extension Instruments {
  static var namedRoom: Int { @_noLocks @_noAllocation get { 4 } }

  /// Queues a write before any poll of its bus, a gate's before those of lamps. A newer order for a relay replaces the one
  /// that waits. `false`: the device is down, or cannot.
  @_noLocks @_noAllocation
  public mutating func write(
    _ action: WriteAction, isGate: Bool = false, to device: DeviceID, at now: Instant, _ findings: inout Findings,
    _ outbox: inout Outbox
  ) -> Bool {
    let row = Int(device.index)
    let bus = Int(devices[row].port)
    guard buses[bus].isOpen, !devices[row].isDown, isBelieved(row), canDo(action, row), enqueue(action, isGate, row, bus) else {
      devices[row].counters.writesFailed &+= 1
      return false
    }
    work(bus, now, &findings, &outbox)
    return true
  }

  @_noLocks @_noAllocation
  private mutating func enqueue(_ action: WriteAction, _ isGate: Bool, _ device: Int, _ bus: Int) -> Bool {
    let base = bus &* writesMax
    var onWire = 0
    if case .awaitingWrite = buses[bus].state { onWire = 1 }
    var place = onWire
    // What waits for this relay is out of date.
    while place < Int(buses[bus].writeCount) {
      if Int(writes[base &+ place].device) == device, writes[base &+ place].action.isAbout(action) {
        remove(place, bus)
      } else {
        place &+= 1
      }
    }
    let count = Int(buses[bus].writeCount)
    guard count < writesMax else { return false }
    if case .named = action, waitingNamed(bus) >= Self.namedRoom { return false }
    var at = onWire
    while at < count, writes[base &+ at].isGate || !isGate { at &+= 1 }
    var moving = count
    while moving > at {
      writes[base &+ moving] = writes[base &+ moving &- 1]
      moving &-= 1
    }
    writes[base &+ at] = WriteRow(device: Int32(truncatingIfNeeded: device), action: action, attempts: 0, isGate: isGate)
    buses[bus].writeCount &+= 1
    return true
  }

  /// How many of people's orders wait.
  @_noLocks @_noAllocation
  private func waitingNamed(_ bus: Int) -> Int {
    var count = 0
    for place in 0..<Int(buses[bus].writeCount) { if case .named = writes[bus &* writesMax &+ place].action { count &+= 1 } }
    return count
  }

  @_noLocks @_noAllocation
  private func remove(_ place: Int, _ bus: Int) {
    let base = bus &* writesMax
    for index in place..<max(place, Int(buses[bus].writeCount) &- 1) { writes[base &+ index] = writes[base &+ index &+ 1] }
    buses[bus].writeCount &-= 1
  }

  @_noLocks @_noAllocation
  func writeRow(_ bus: Int) -> Int { bus &* writesMax }

  @_noLocks @_noAllocation
  private func canDo(_ action: WriteAction, _ device: Int) -> Bool {
    if case .named(let index, let value) = action { return canTake(DeviceID(device), index, value) }
    guard devices[device].relay.byteCount > 0 else { return request(for: action, device) != nil }
    guard case .set(let channel, _) = action else { return false }
    return channel >= 1 && Int32(channel) <= devices[device].coilCount
  }

  /// The row of what a device's profile names.
  @_noLocks @_noAllocation
  private func namedRow(_ device: Int, _ index: UInt8) -> Int? {
    Int32(index) < devices[device].namedCount ? Int(devices[device].firstNamed) &+ Int(index) : nil
  }

  /// Whether somebody must say who orders it and why.
  @_noLocks @_noAllocation
  public func needsPerson(_ device: DeviceID, _ index: UInt8) -> Bool {
    guard let row = namedRow(Int(device.index), index) else { return false }
    return named[row].needsPerson
  }

  /// Whether the profile names it and allows this value; NaN, and nothing else, where it takes none.
  @_noLocks @_noAllocation
  public func canTake(_ device: DeviceID, _ index: UInt8, _ value: Double) -> Bool {
    guard let row = namedRow(Int(device.index), index) else { return false }
    if named[row].lowest.isNaN { return value.isNaN }
    return value >= named[row].lowest && value <= named[row].highest
  }

  /// What goes to a device that is told in bytes, in the scratch, and how many they are; `nil`: it cannot be told so.
  @_noLocks @_noAllocation
  private func compose(_ action: WriteAction, _ device: Int) -> Int? {
    switch action {
    case .set(let channel, let on):
      let row = devices[device].relay
      guard row.byteCount > 0 else { return nil }
      let length = compose(from: Int(on ? row.firstOn : row.firstOff), count: Int(row.byteCount), row.check)
      buffers[scratch &+ Int(row.channelAt)] = channel
      row.check.write(to: buffers, at: scratch, length: length)
      return length
    case .named(let index, let value):
      guard let row = namedRow(device, index) else { return nil }
      switch named[row].kind {
      case .bytes(let first, let count): return compose(from: Int(first), count: Int(count), .none)
      case .number(let first, let count, let at, let type, let check):
        let length = compose(from: Int(first), count: Int(count), check)
        type.write(value / named[row].scale, to: buffers, at: scratch &+ Int(at))
        check.write(to: buffers, at: scratch, length: length)
        return length
      case .register, .setting: return nil
      }
    case .pulse: return nil
    }
  }

  @_noLocks @_noAllocation
  private func compose(from first: Int, count: Int, _ check: Check) -> Int {
    for index in 0..<count { buffers[scratch &+ index] = constants[first &+ index] }
    for index in count..<count &+ check.width { buffers[scratch &+ index] = 0 }
    return count &+ check.width
  }

  /// What is told in bytes: nothing that is known answers it, so it is done when it was sent; its board is read back like any other.
  @_noLocks @_noAllocation
  private mutating func sendBytes(_ bus: Int, _ device: Int, _ now: Instant, _ findings: inout Findings, _ outbox: inout Outbox) {
    let action = writes[writeRow(bus)].action
    guard let length = compose(action, device) else {
      finishWrite(bus, device, worked: false, &findings)
      return
    }
    let start = outbox.byteCount
    if buses[bus].kind.isPackets { outbox.append(Request.Carrier.setFeature.number) }
    appendAddress(device, &outbox)
    for index in 0..<length { outbox.append(buffers[scratch &+ index]) }
    awaitEcho(bus, outbox.bytes, from: start, to: outbox.byteCount)
    let sent = outbox.finishSend(from: start, to: PortID(bus), buses[bus].generation, urgency: .actuator, replyWithin: .zero)
    if sent { devices[device].counters.writes &+= 1 }
    buses[bus].restsUntil = now + rest(bus, device)
    finishWrite(bus, device, worked: sent, &findings)
    // Whatever it says to that is no answer to the next request.
    if case .named = action, !devices[device].isStream { quarantine(bus, device, replyTime(bus, device), now) }
    // What it says of itself is read at once.
    for index in 0..<Int(devices[device].requestCount) {
      let request = Int(devices[device].firstRequest) &+ index
      if requests[request].isRegular { requests[request].due = now }
    }
  }

  /// The board is awake: what is ordered of it goes out, unless it was taken back meanwhile.
  @_noLocks @_noAllocation
  mutating func awoke(_ bus: Int, _ device: Int, _ now: Instant, _ findings: inout Findings, _ outbox: inout Outbox) {
    become(idle: bus)
    guard buses[bus].writeCount > 0, Int(writes[writeRow(bus)].device) == device else { return }
    sendBytes(bus, device, now, &findings, &outbox)
  }

  /// Function 05; a pulse's value is its length in the board's units. Function 06.
  @_noLocks @_noAllocation
  private func request(for action: WriteAction, _ device: Int) -> ModbusRequest? {
    switch action {
    case .set(let channel, let on):
      guard channel >= 1, Int32(channel) <= devices[device].coilCount else { return nil }
      return ModbusRequest(
        function: 5, address: UInt16(truncatingIfNeeded: Int(devices[device].coilAddress) &+ Int(channel) &- 1),
        count: on ? 0xFF00 : 0)
    case .pulse(let channel, let time):
      guard channel >= 1, Int32(channel) <= devices[device].pulseCount else { return nil }
      let units = max(1, min(time.ns / max(devices[device].pulseUnit.ns, 1), 0x7FFF))
      return ModbusRequest(
        function: 5, address: UInt16(truncatingIfNeeded: Int(devices[device].pulseAddress) &+ Int(channel) &- 1),
        count: UInt16(truncatingIfNeeded: units))
    case .named(let index, let value):
      guard let row = namedRow(device, index) else { return nil }
      switch named[row].kind {
      case .register(let address, let number): return ModbusRequest(function: 6, address: address, count: number)
      case .setting(let address):
        guard let raw = nearest(value / named[row].scale), raw >= -32_768, raw <= 65_535 else { return nil }
        return ModbusRequest(function: 6, address: address, count: UInt16(truncatingIfNeeded: raw))
      case .bytes, .number: return nil
      }
    }
  }

  @_noLocks @_noAllocation
  mutating func sendWrite(_ bus: Int, _ now: Instant, _ findings: inout Findings, _ outbox: inout Outbox) {
    let device = Int(writes[writeRow(bus)].device)
    if buses[bus].kind.isFramed {
      if devices[device].wakeByte >= 0 {
        wake(bus, device, -1, now, &outbox)
      } else {
        sendBytes(bus, device, now, &findings, &outbox)
      }
      return
    }
    guard let asked = request(for: writes[writeRow(bus)].action, device) else {
      finishWrite(bus, device, worked: false, &findings)
      return
    }
    buses[bus].asked = asked
    buses[bus].unit = devices[device].unit
    let reply = replyTime(bus, device)
    guard transmit(bus, device, -1, urgency: .actuator, replyWithin: reply, &outbox) else {
      finishWrite(bus, device, worked: false, &findings)
      return
    }
    devices[device].counters.writes &+= 1
    buses[bus].askedAt = now
    buses[bus].state = .awaitingWrite(device: Int32(truncatingIfNeeded: device))
    buses[bus].until = now + patience(bus, reply)
  }

  @_noLocks @_noAllocation
  func finishWrite(_ bus: Int, _ device: Int, worked: Bool, _ findings: inout Findings) {
    guard buses[bus].writeCount > 0 else { return }
    let action = writes[writeRow(bus)].action
    remove(0, bus)
    if worked {
      findings.add(.wrote(DeviceID(device), action))
    } else {
      devices[device].counters.writesFailed &+= 1
      findings.add(.writeFailed(DeviceID(device), action))
    }
  }

  @_noLocks @_noAllocation
  func dropWrite(_ bus: Int, _ findings: inout Findings) {
    finishWrite(bus, Int(writes[writeRow(bus)].device), worked: false, &findings)
  }

  /// A dead device's writes are not kept for later: a gate that opens minutes after its verdict is worse than none. Called
  /// when nothing is on the wire.
  @_noLocks @_noAllocation
  func dropWrites(of device: Int, _ bus: Int, _ findings: inout Findings) {
    var place = 0
    while place < Int(buses[bus].writeCount) {
      let row = writes[bus &* writesMax &+ place]
      guard Int(row.device) == device else {
        place &+= 1
        continue
      }
      remove(place, bus)
      devices[device].counters.writesFailed &+= 1
      findings.add(.writeFailed(DeviceID(device), row.action))
    }
  }
}

extension Instruments {
  /// Nobody waits for any order any longer.
  @_noLocks @_noAllocation
  public func dropOrders(_ findings: inout Findings) {
    for bus in 0..<buses.capacity { while buses[bus].writeCount > 0 { dropWrite(bus, &findings) } }
  }
}

extension WriteAction {
  /// The same relay, or what has the same name.
  @_noLocks @_noAllocation
  func isAbout(_ other: WriteAction) -> Bool {
    switch (self, other) {
    case (.named(let index, _), .named(let another, _)): index == another
    case (.named, _), (_, .named): false
    default: channel == other.channel
    }
  }
}

extension NumberType {
  /// Whether people's numbers can be written so: whole ones of up to four bytes and floats.
  public var isWritable: Bool { width > 0 && width <= 4 && !isText && bits(of: 0) != nil }

  /// The numbers that have room.
  public var room: ClosedRange<Double> {
    switch self {
    case .u8, .u16be, .u16le, .u24be, .u24le, .u32be, .u32le, .u32leWords, .u32beSwapped: 0...Double((UInt64(1) << UInt64(8 * width)) - 1)
    case .f32be, .f32le, .f32leWords, .f32beSwapped: -1e9...1e9
    default: -Double(UInt64(1) << UInt64(8 * width - 1))...Double((UInt64(1) << UInt64(8 * width - 1)) - 1)
    }
  }

  /// A number's bits; `nil`: it is written otherwise.
  @_noLocks @_noAllocation
  private func bits(of raw: Double) -> UInt32? {
    switch self {
    case .f32be, .f32le, .f32leWords, .f32beSwapped: Float(raw).bitPattern
    case .u64be, .i64be, .f64be, .f64leWords, .bits, .decimal, .ascii, .utf16le: nil
    default: nearest(raw).map { UInt32(truncatingIfNeeded: $0) }
    }
  }

  /// Puts a number where the same type reads it.
  @_noLocks @_noAllocation
  func write(_ raw: Double, to bytes: borrowing Table<UInt8>, at base: Int) {
    guard let bits = bits(of: raw) else { return }
    let count = width
    for index in 0..<count {
      let weight =
        switch self {
        case .u16le, .i16le, .u24le, .u32le, .i32le, .f32le: index
        case .f32leWords, .u32leWords, .i32leWords: index ^ 1
        case .f32beSwapped, .u32beSwapped, .i32beSwapped: (count &- 1 &- index) ^ 1
        default: count &- 1 &- index
        }
      bytes[base &+ index] = UInt8(truncatingIfNeeded: bits >> UInt32(8 * weight))
    }
  }
}

/// The nearest whole number, halves away from zero; `nil`: it has more than 33 bits, or is none.
@_noLocks @_noAllocation
private func nearest(_ value: Double) -> Int64? {
  guard value > -2_147_483_649, value < 4_294_967_296 else { return nil }
  return Int64(value < 0 ? value - 0.5 : value + 0.5)
}
