// All instruments: from bytes to readings, and whose turn it is on which bus. No port, no clock, no waiting: bytes and
// times come in, readings and bytes to send go out, so schedules, time-outs and back-off are tested without a bus.
//
// A bus is idle or awaits one reply. When it is idle, a write goes first; else the request that has been due longest.
// A silent request ends that device's cycle, and devices that answer go before one that did not, so a silent unit costs
// its neighbours one reply time now and then, and two silent ones never two in a row. A device that answers nothing in
// two cycles and for 3 s is down and is probed with one request, at growing intervals. It is up only after a good reply.
//
// Memory: one row a port, a device, a field and a request, all sized at start; 512 bytes of input and one waiting write a
// relay.

public import Domain

/// What a bus is doing.
enum BusState: BitwiseCopyable {
  case idle
  /// A request of this device is out.
  case awaiting(device: Int32, request: Int32)
  case awaitingWrite(device: Int32)
  /// A reply came too late or not at all; until then, bytes are dropped.
  case quarantine
  /// What came is not Modbus. The port was asked to close and open the connection; until it has, bytes are dropped.
  case spoiled
}

struct BusRow: BitwiseCopyable {
  var kind: PortKind
  var firstDevice: Int32 = 0
  var deviceCount: Int32 = 0
  var isOpen = false
  var wasLost = false
  var generation = Generation(0)
  var state = BusState.idle
  /// When the reply is given up, or the quarantine ends.
  var until = Instant.never
  var buffered: Int32 = 0
  var transaction: UInt16 = 0
  var writeCount: Int32 = 0
  var asked = ModbusRequest(function: 0, address: 0, count: 0)
  var unit: UInt8 = 0
  var carriesGate = false
  /// Its one device speaks unasked.
  var isStream = false
  /// The last request went to a device that had not answered the one before.
  var probedLast = false
  var counters = BusCounters()
}

struct DeviceRow: BitwiseCopyable {
  var port: Int32
  var unit: UInt8
  var isAtLane: Bool
  var isUSBPowered: Bool
  var warmUp: Interval
  var period: Interval
  var replyWithin: Interval
  var wakeByte: Int16
  var wakeBefore: Interval
  var firstField: Int32
  var fieldCount: Int32
  var firstRequest: Int32
  var requestCount: Int32
  var firstSync: Int32
  var syncCount: Int32
  var frameLength: Int32
  var check: Check
  var coilAddress: Int32
  var coilCount: Int32
  var pulseAddress: Int32
  var pulseCount: Int32
  var pulseUnit: Interval

  var isUp = false
  var isDown = false
  /// Since when it may show values of its warm-up: its port was opened, or it answers again.
  var warmingSince = Instant.past
  /// Its last valid frame; before the first one, when its port was opened.
  var lastGood = Instant.past
  var failures: Int32 = 0
  var backOff = Interval.milliseconds(500)
  var counters = DeviceCounters()
}

struct RequestRow: BitwiseCopyable {
  var firstByte: Int32 = 0
  var byteCount: Int32 = 0
  var modbus = ModbusRequest(function: 0, address: 0, count: 0)
  var due = Instant.never
}

/// Who may be asked next.
private struct Turn: BitwiseCopyable {
  var device = -1
  var request = -1
  var due = Instant.never
}

struct WriteRow: BitwiseCopyable {
  var device: Int32
  var action: WriteAction
  var attempts: Int32
  /// Before every lamp and buzzer.
  var isGate: Bool
}

/// Every configured device.
public struct Instruments: ~Copyable {
  static var bufferSize: Int { @_noLocks @_noAllocation get { 512 } }
  static var attemptsMax: Int32 { @_noLocks @_noAllocation get { 3 } }

  let buses: Table<BusRow>
  let devices: Table<DeviceRow>
  let fields: Table<FieldRow>
  let specials: Table<Special>
  let spoilers: Table<Spoiler>
  /// The last raw number of each field and its age, for status words that spoil others.
  let raws: Table<Double>
  let readAt: Table<Instant>
  /// Whether each field still shows nothing but its warm-up values since its port was opened.
  let warming: Table<Bool>
  /// When each device was powered on, as far as there is evidence.
  let poweredAt: Table<Instant>
  let requests: Table<RequestRow>
  let constants: Table<UInt8>
  let buffers: Table<UInt8>
  /// Writes that wait, a bus after the other, each in the order in which they go; the first may be on the wire.
  let writes: Table<WriteRow>
  /// Room a bus: one place a relay and one for the write on the wire, since a newer order for a relay takes the place of
  /// the one that waits. So no order is ever without room (but beyond 256 relays on one bus).
  let writesMax: Int
  /// The devices of each port, one after another.
  let members: Table<Int32>
  var heap: DeadlineHeap

  /// When `advance` is next needed.
  public var nextDeadline: Instant { @_noLocks @_noAllocation get { heap.earliest } }

  @_noLocks @_noAllocation
  public func counters(of device: DeviceID) -> DeviceCounters { devices[Int(device.index)].counters }

  @_noLocks @_noAllocation
  public func counters(of port: PortID) -> BusCounters { buses[Int(port.index)].counters }

  @_noLocks @_noAllocation
  public func isUp(_ device: DeviceID) -> Bool { devices[Int(device.index)].isUp }

  /// Whether its board can end a pulse by itself.
  @_noLocks @_noAllocation
  public func canPulse(_ device: DeviceID) -> Bool { devices[Int(device.index)].pulseAddress >= 0 }

  // MARK: Ports come and go

  @_noLocks @_noAllocation
  public mutating func opened(_ port: PortID, _ generation: Generation, at now: Instant, _ findings: inout Findings, _ outbox: inout Outbox) {
    let bus = Int(port.index)
    buses[bus].isOpen = true
    buses[bus].generation = generation
    buses[bus].state = .idle
    buses[bus].until = .never
    buses[bus].buffered = 0
    for index in 0..<Int(buses[bus].deviceCount) {
      let device = Int(members[Int(buses[bus].firstDevice) &+ index])
      devices[device].lastGood = now
      devices[device].failures = 0
      devices[device].backOff = .milliseconds(500)
      devices[device].isDown = false
      // A port that was there when the door started says nothing: the device may have been on for days. One that was
      // missing and appeared, or went and came back, does.
      if devices[device].isUSBPowered, buses[bus].wasLost {
        poweredAt[device] = now
        findings.add(.poweredOn(DeviceID(device)))
      }
      for field in 0..<Int(devices[device].fieldCount) { raws[Int(devices[device].firstField) &+ field] = .nan }
      suspectWarmUp(device, now)
      for request in 0..<Int(devices[device].requestCount) { requests[Int(devices[device].firstRequest) &+ request].due = now }
    }
    work(bus, now, &findings, &outbox)
  }

  @_noLocks @_noAllocation
  public mutating func lost(_ port: PortID, _ generation: Generation, at now: Instant, _ findings: inout Findings, _ outbox: inout Outbox) {
    let bus = Int(port.index)
    buses[bus].wasLost = true
    buses[bus].isOpen = false
    buses[bus].state = .idle
    buses[bus].until = .never
    while buses[bus].writeCount > 0 { dropWrite(bus, &findings) }
    for index in 0..<Int(buses[bus].deviceCount) {
      fall(Int(members[Int(buses[bus].firstDevice) &+ index]), .portLost, &findings)
    }
    heap.set(bus, to: .never)
  }

  // MARK: What came in

  /// Bytes of a port, or the whole reply of a bus (unit, PDU). Old generations are dropped and counted.
  @_noLocks @_noAllocation
  public mutating func received(
    _ bytes: Span<UInt8>, from port: PortID, _ generation: Generation, at now: Instant, _ findings: inout Findings,
    _ outbox: inout Outbox
  ) {
    let bus = Int(port.index)
    guard buses[bus].isOpen, buses[bus].generation.number == generation.number else {
      buses[bus].counters.staleInputs &+= 1
      return
    }
    switch buses[bus].kind {
    case .serial: scan(bus, bytes, now, &findings)
    case .modbusRTU: receiveReply(bus, bytes, now, &findings)
    case .modbusTCP: reassemble(bus, bytes, now, &findings, &outbox)
    }
    work(bus, now, &findings, &outbox)
  }

  /// A bus thread got no valid reply to the request that is out.
  @_noLocks @_noAllocation
  public mutating func failed(
    _ port: PortID, _ generation: Generation, _ failure: RequestFailure, at now: Instant, _ findings: inout Findings,
    _ outbox: inout Outbox
  ) {
    let bus = Int(port.index)
    guard buses[bus].isOpen, buses[bus].generation.number == generation.number else {
      buses[bus].counters.staleInputs &+= 1
      return
    }
    giveUp(bus, failure, now, &findings)
    work(bus, now, &findings, &outbox)
  }

  /// Does what is due: time-outs, the next request, silence. What finds no room among the findings is done by the next
  /// call: its deadline has passed too.
  @_noLocks @_noAllocation
  public mutating func advance(to now: Instant, _ findings: inout Findings, _ outbox: inout Outbox) {
    // Each bus that is handled gets a later deadline; the bound is a promise, not a need.
    for _ in 0..<buses.capacity {
      guard heap.earliest <= now else { return }
      let bus = heap.first
      guard findings.hasRoom(for: Int(buses[bus].deviceCount) &+ writesMax &+ 1) else { return }
      if buses[bus].until <= now { expire(bus, now, &findings, &outbox) }
      watchStreams(bus, now, &findings)
      work(bus, now, &findings, &outbox)
    }
  }

  @_noLocks @_noAllocation
  private mutating func expire(_ bus: Int, _ now: Instant, _ findings: inout Findings, _ outbox: inout Outbox) {
    switch buses[bus].state {
    case .quarantine:
      buses[bus].state = .idle
      buses[bus].until = .never
      buses[bus].buffered = 0
    case .spoiled: spoil(bus, now, &outbox)
    case .idle, .awaiting, .awaitingWrite: giveUp(bus, .timedOut, now, &findings)
    }
  }

  // MARK: Snapshots

  /// Bytes a snapshot takes: when each device was powered on, so that a restart of the door ends no warm-up.
  public var byteCount: Int { poweredAt.byteCount }

  /// Copies what a restart must know to `bytes[offset...]` and returns the offset behind it.
  @_noLocks @_noAllocation
  public func copyBytes(to bytes: borrowing Table<UInt8>, at offset: Int) -> Int { poweredAt.copyBytes(to: bytes, at: offset) }

  /// Takes over what `copyBytes` wrote, before any port is opened. `shift` moves its boot times to this boot clock.
  public func replaceBytes(from bytes: borrowing Table<UInt8>, at offset: Int, shift: Interval, now: Instant) -> Int {
    let end = poweredAt.replaceBytes(from: bytes, at: offset)
    for device in 0..<poweredAt.capacity where poweredAt[device] > .past {
      poweredAt[device] = min(poweredAt[device] + shift, now)
    }
    return end
  }

  // MARK: Up and down

  /// The device gave a valid frame.
  @_noLocks @_noAllocation
  func rise(_ device: Int, _ now: Instant, _ findings: inout Findings) {
    devices[device].lastGood = now
    devices[device].failures = 0
    devices[device].backOff = .milliseconds(500)
    if devices[device].isDown { suspectWarmUp(device, now) }
    devices[device].isDown = false
    guard !devices[device].isUp else { return }
    devices[device].isUp = true
    // What was not asked while it was down.
    for request in 0..<Int(devices[device].requestCount) {
      let row = Int(devices[device].firstRequest) &+ request
      if requests[row].due == .never { requests[row].due = now }
    }
    findings.add(.up(DeviceID(device)))
  }

  /// It may have been off: from now on values that it shows while it warms up are not believed.
  @_noLocks @_noAllocation
  private func suspectWarmUp(_ device: Int, _ now: Instant) {
    devices[device].warmingSince = now
    for field in 0..<Int(devices[device].fieldCount) { warming[Int(devices[device].firstField) &+ field] = true }
  }

  @_noLocks @_noAllocation
  func fall(_ device: Int, _ reason: DownReason, _ findings: inout Findings) {
    guard !devices[device].isDown else { return }
    devices[device].isUp = false
    devices[device].isDown = true
    findings.add(.down(DeviceID(device), reason))
  }

  /// A request of this device got no good answer: its cycle is over. Down after two of them and 3 s.
  @_noLocks @_noAllocation
  func countFailure(_ device: Int, _ reason: DownReason, _ now: Instant, _ findings: inout Findings) {
    devices[device].failures &+= 1
    if devices[device].failures >= 2, now - devices[device].lastGood >= .seconds(3) { fall(device, reason, &findings) }
    guard devices[device].isDown else {
      if case .exception = reason { return }
      for request in 0..<Int(devices[device].requestCount) {
        let row = Int(devices[device].firstRequest) &+ request
        if requests[row].due <= now { requests[row].due = later(requests[row].due, devices[device].period, now) }
      }
      return
    }
    dropWrites(of: device, Int(devices[device].port), &findings)
    // One probe, at growing intervals; another request each time, since a device may refuse one and answer the next.
    let probe = Int(devices[device].failures) % max(1, Int(devices[device].requestCount))
    for request in 0..<Int(devices[device].requestCount) {
      requests[Int(devices[device].firstRequest) &+ request].due = request == probe ? now + devices[device].backOff : .never
    }
    let longest: Interval = devices[device].isAtLane ? .seconds(30) : .minutes(5)
    devices[device].backOff = min(devices[device].backOff * 2, longest)
  }

  /// Devices that speak unasked are down when silent for three periods, and at least 3 s.
  @_noLocks @_noAllocation
  private func watchStreams(_ bus: Int, _ now: Instant, _ findings: inout Findings) {
    guard buses[bus].isOpen else { return }
    for index in 0..<Int(buses[bus].deviceCount) {
      let device = Int(members[Int(buses[bus].firstDevice) &+ index])
      guard devices[device].requestCount == 0, !devices[device].isDown, now >= silence(of: device) else { continue }
      fall(device, .silent, &findings)
    }
  }

  @_noLocks @_noAllocation
  private func silence(of device: Int) -> Instant {
    devices[device].lastGood + max(devices[device].period * 3, .seconds(3))
  }

  // MARK: The next thing on a bus

  /// Sends what is due if the bus is idle, and says when it must be looked at again.
  @_noLocks @_noAllocation
  mutating func work(_ bus: Int, _ now: Instant, _ findings: inout Findings, _ outbox: inout Outbox) {
    guard buses[bus].isOpen else { return }
    if case .idle = buses[bus].state {
      if buses[bus].writeCount > 0 {
        sendWrite(bus, now, &findings, &outbox)
      } else {
        askNext(bus, now, &outbox)
      }
    }
    let look = nextLook(bus)
    // Each frame of a stream moves its silence away; the earlier look stands, and finds then that there is time.
    if buses[bus].isStream, look >= heap.deadline(of: bus), heap.deadline(of: bus) > now { return }
    heap.set(bus, to: look)
  }

  /// The request that has been due longest of a device that answers; one of a device that did not answer goes when
  /// nothing else is due, or when it waited a whole period and another device had a turn.
  @_noLocks @_noAllocation
  private mutating func askNext(_ bus: Int, _ now: Instant, _ outbox: inout Outbox) {
    var good = Turn()
    var failing = Turn()
    for index in 0..<Int(buses[bus].deviceCount) {
      let device = Int(members[Int(buses[bus].firstDevice) &+ index])
      for request in 0..<Int(devices[device].requestCount) {
        let row = Int(devices[device].firstRequest) &+ request
        guard requests[row].due <= now else { continue }
        let turn = Turn(device: device, request: row, due: requests[row].due)
        if devices[device].failures == 0 {
          if turn.due < good.due { good = turn }
        } else if turn.due < failing.due {
          failing = turn
        }
      }
    }
    var chosen = good
    if failing.device >= 0 {
      let isOverdue = now - failing.due >= devices[failing.device].period && !buses[bus].probedLast
      if good.device < 0 || isOverdue { chosen = failing }
    }
    guard chosen.device >= 0 else { return }
    buses[bus].probedLast = devices[chosen.device].failures > 0
    ask(bus, chosen.device, chosen.request, now, &outbox)
  }

  @_noLocks @_noAllocation
  private mutating func nextLook(_ bus: Int) -> Instant {
    var look = buses[bus].until
    var isIdle = false
    if case .idle = buses[bus].state { isIdle = true }
    for index in 0..<Int(buses[bus].deviceCount) {
      let device = Int(members[Int(buses[bus].firstDevice) &+ index])
      if devices[device].requestCount == 0 {
        if !devices[device].isDown { look = min(look, silence(of: device)) }
      } else if isIdle {
        for request in 0..<Int(devices[device].requestCount) {
          look = min(look, requests[Int(devices[device].firstRequest) &+ request].due)
        }
      }
    }
    return look
  }
}
