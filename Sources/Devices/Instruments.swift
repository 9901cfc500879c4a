// All instruments: from bytes to readings, and whose turn it is on which bus. No port, no clock, no waiting: bytes and
// times come in, readings and bytes to send go out, so schedules, time-outs and back-off are tested without a bus.
//
// A bus is idle or awaits one reply. When it is idle, a write goes first; else the request that has been due longest.
// A silent request ends that device's cycle, and devices that answer go before one that did not, so a silent unit costs
// its neighbours one reply time now and then, and two silent ones never two in a row. A device that answers nothing in
// two cycles and for 3 s is down and is probed with one request, at growing intervals. It is up only after a good reply.
//
// Memory: one row a port, a device, a field, a frame and a request, all sized at start; of input the longest frame of the
// port, twice (as it came, and decoded), and one waiting write a relay.

public import Domain

/// What a bus is doing.
enum BusState: BitwiseCopyable {
  case idle
  /// A request of this device is out.
  case awaiting(device: Int32, request: Int32)
  case awaitingWrite(device: Int32)
  /// It was sent a byte that wakes it; this request follows.
  case waking(device: Int32, request: Int32)
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
  /// It was closed by our own wish, and its devices count as lost with it when it is not open again by then.
  var goneAt = Instant.never
  var generation = Generation(0)
  var state = BusState.idle
  /// When the reply is given up, or the quarantine ends.
  var until = Instant.never
  /// Nothing is sent before: the device of the last exchange needs its time.
  var restsUntil = Instant.past
  /// When the last request or write was sent.
  var askedAt = Instant.past
  /// The line gives back what is sent: where that is kept among all buffers (-1: it does not), how many bytes, and how many
  /// of them came back. All, or a line that gave back nothing: both are equal.
  var firstEcho: Int32 = -1
  var echoCount: Int32 = 0
  var echoAt: Int32 = 0
  /// Where its input lies among all buffers, and how many bytes have room; where frames are decoded, as much lies behind them.
  var firstByte: Int32 = 0
  var size: Int32 = 0
  /// Both together.
  var room: Int { @_noLocks @_noAllocation get { Int(size) &* (kind.isFramed ? 2 : 1) } }
  var buffered: Int32 = 0
  /// When the last byte came.
  var heardAt = Instant.past
  /// The last frame ended where the next one begins.
  var isInStep = false
  /// A line was too long, or a frame among lines was spoiled: up to the next end of a line, or silence, no text is a line.
  var isSkipping = false
  /// How many bytes of that spoiled frame are still to come: ends of lines among them end nothing.
  var spoiledLeft: Int32 = 0
  /// The number of the frame that is being read, an even one: which fields it held.
  var serial: UInt32 = 0
  /// A tool reads: everything is listened to, and the answer is one to this request, by index (-1: not said), that came by
  /// this way.
  var isTool = false
  /// A recording is played: it asks what the recording asked, when it was asked (`sent`). Orders are taken as done.
  var isFollowing = false
  var assumed: Int16 = -1
  var way = Way.response
  var transaction: UInt16 = 0
  var writeCount: Int32 = 0
  var asked = ModbusRequest(function: 0, address: 0, count: 0)
  var unit: UInt8 = 0
  var carriesGate = false
  /// Its one device speaks unasked.
  var isStream = false
  /// Which part of a period, of 256, its regular requests stand behind its opening: buses that are opened together do not all
  /// ask together for ever, but in groups 4 ms apart, so that one wake-up serves a group.
  var phase: Int64 = 0
  /// The last request went to a device that had not answered the one before, or never any.
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
  var turnaround: Interval
  var firstField: Int32
  var fieldCount: Int32
  var firstRequest: Int32
  var requestCount: Int32
  var firstFrame: Int32 = 0
  var frameCount: Int32 = 0
  /// No request is sent regularly: it speaks unasked.
  var isStream = false
  /// Its silence means nothing.
  var isSeldom = false
  /// One of its kinds of frame is a line of text.
  var hasLines = false
  /// The silence that ends some of its frames, and the one that spoils a frame.
  var quiet = FrameRow.noQuiet
  var gap = FrameRow.noQuiet
  var address: Addressing?
  /// The number before each HID report; -1: none.
  var reportNumber: Int16 = -1
  /// The first request that has answers of its own; -1: none.
  var defaultRequest: Int16 = -1
  /// Which of its variants it is; -1: not known yet.
  var variant: Int8 = 0
  /// The field that says so, by index; -1: none, or it is settled.
  var identity: Int16 = -1
  var firstMatch: Int32 = 0
  var matchCount: Int32 = 0
  /// Whether it is the one that settings mean; the field that says so, by index (-1: any is), and its row among the matches.
  var recognition = Recognition.anyone
  var serialNumber: Int16 = -1
  var serialMatch: Int32 = 0
  /// Exceptions that mean "not now", a bit a code.
  var busyCodes: UInt32 = 0
  var relay = RelayRow()
  /// When a frame came last that held no values.
  var refusedAt = Instant.past
  var firstNamed: Int32 = 0
  var namedCount: Int32 = 0
  var coilAddress: Int32
  var coilCount: Int32
  var pulseAddress: Int32
  var pulseCount: Int32
  var pulseUnit: Interval

  /// How many replies it owes to requests that were given up and may still come, to be taken for the next one's.
  var owed: Int32 = 0
  /// The request they are to, by row; -1: they are to several.
  var owedRow: Int32 = -1
  /// When the last of them was given up.
  var owedAt = Instant.past
  /// One reply came since: either one of those, or they are lost.
  var hasPaid = false
  /// How long it is left alone for them, when a reply time has shown to be too short.
  var lateness = Interval.zero
  /// How many debts in a row were never paid: such a device loses replies, and is not late with them.
  var lost: Int32 = 0

  var isUp = false
  var isDown = false
  /// Why it is down, as it was told last; `nil`: it was up since.
  var toldReason: DownReason?
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
  var carrier = Request.Carrier.bytes
  var sending = Request.Sending.regularly
  /// Zero: nothing answers it.
  var replyWithin = Interval.zero
  /// For frames whose length only the request tells.
  var replyLength: Int32 = 0
  /// Its reply holds fields that it alone is asked for; or, without such fields, none that another is asked for.
  var claims = false
  var hasAnswers = false
  /// Which variants are asked it.
  var variants = UInt32.max
  /// Sent when this request, by index of the device's, was answered so; -1: by itself.
  var after: Int32 = -1
  var firstNeed: Int32 = 0
  var needCount: Int32 = 0
  /// How often it may stay unanswered in a row, and how often it did; or how often "not now" was said in a row.
  var retries: Int32 = 0
  var tries: Int32 = 0
  /// How often it was given up in a row.
  var misses: Int32 = 0
  var period = Interval.zero
  var due = Instant.never
  /// What is added once, when the first reply since the opening has come.
  var delay = Interval.zero
  /// The reads that take its place where a device refuses it as a whole, right behind it; and whether it did.
  var partCount: Int32 = 0
  var isSplit = false
  /// Of such a part, the row of the whole; -1: it is none.
  var whole: Int32 = -1
  /// Its reply says which device it is, where settings mean a certain one.
  var asksWho = false

  /// Sent once, until it is answered.
  var isStart: Bool { @_noLocks @_noAllocation get { if case .atStart = sending { true } else { false } } }
  /// Sent every period, unless it waits for another.
  var isRegular: Bool { @_noLocks @_noAllocation get { if case .regularly = sending { after < 0 } else { false } } }
  /// May be sent by itself, so it can show whether the device is there.
  var isProbe: Bool { @_noLocks @_noAllocation get { isRegular || isStart || asksWho } }
}

/// The beginning of a text, or a number, by which a variant is known; or the whole of it, for a serial number.
struct MatchRow: BitwiseCopyable {
  var variant: Int8
  var firstByte: Int32
  /// Bytes of the text; -1: it is a number.
  var count: Int32
  var number: Double
}

/// How a board that is told in bytes switches a relay.
struct RelayRow: BitwiseCopyable {
  var firstOn: Int32 = 0
  var firstOff: Int32 = 0
  /// 0: none.
  var byteCount: Int32 = 0
  var channelAt: Int32 = 0
  var check = Check.none
}

/// One write that people may order by name.
struct NamedRow: BitwiseCopyable {
  enum Kind: BitwiseCopyable {
    /// A register, and its only value.
    case register(address: UInt16, value: UInt16)
    /// A register, whatever fits the range.
    case setting(address: UInt16)
    /// Bytes, from here in the constants.
    case bytes(first: Int32, count: Int32)
    /// Bytes with a number in them, then the check.
    case number(first: Int32, count: Int32, at: Int32, NumberType, Check)
  }
  var kind: Kind
  var lowest = Double.nan
  var highest = Double.nan
  var scale = 1.0
  var needsPerson = false

  init(_ write: Write, first: Int) {
    needsPerson = write.needsPerson
    switch write.kind {
    case .register(let address, let value): kind = .register(address: UInt16(address), value: value)
    case .setting(let address, let range, let scale):
      kind = .setting(address: UInt16(address))
      (lowest, highest, self.scale) = (range.lowerBound, range.upperBound, scale)
    case .number(let number):
      kind = .number(first: Int32(first), count: Int32(number.bytes.count), at: Int32(number.at), number.type, number.check)
      (lowest, highest, self.scale) = (number.range.lowerBound, number.range.upperBound, number.scale)
    case .bytes(let bytes): kind = .bytes(first: Int32(first), count: Int32(bytes.count))
    case .coil, .pulse, .relay: kind = .bytes(first: 0, count: 0)
    }
  }
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
  /// Room for the longest Modbus reply and what is joined to it.
  static var modbusRoom: Int { 512 }
  /// Room for what a line gives back.
  static var echoRoom: Int { @_noLocks @_noAllocation get { 256 } }
  static var attemptsMax: Int32 { @_noLocks @_noAllocation get { 3 } }

  let buses: Table<BusRow>
  let devices: Table<DeviceRow>
  let frames: Table<FrameRow>
  let marks: Table<Mark>
  let vetoes: Table<Veto>
  let fields: Table<FieldRow>
  let extras: Table<FieldExtra>
  let needs: Table<NeedRow>
  let factors: Table<FactorRow>
  let matches: Table<MatchRow>
  let specials: Table<Special>
  let spoilers: Table<Spoiler>
  /// The last raw number of each field and its age, for status words that spoil others.
  let raws: Table<Double>
  let readAt: Table<Instant>
  /// The same of before the frame that is being read, which may not hold the field after all.
  let formers: Table<Double>
  let formerAt: Table<Instant>
  /// The even number of the frame that last held each field; one less where it does not hold it after all.
  let serials: Table<UInt32>
  /// Whether each field still shows nothing but its warm-up values since its port was opened.
  let warming: Table<Bool>
  /// When each device was powered on, as far as there is evidence.
  let poweredAt: Table<Instant>
  let requests: Table<RequestRow>
  let constants: Table<UInt8>
  let buffers: Table<UInt8>
  /// Where a write is put together, behind all ports' input.
  let scratch: Int
  /// Writes that wait, a bus after the other, each in the order in which they go; the first may be on the wire.
  let writes: Table<WriteRow>
  let named: Table<NamedRow>
  /// Room a bus: one place a relay and one for the write on the wire, since a newer order for a relay takes the place of
  /// the one that waits. So no order of the rules is ever without room (but beyond 256 relays on one bus). People's have
  /// four places more.
  let writesMax: Int
  /// The devices of each port, one after another.
  let members: Table<Int32>
  var heap: DeadlineHeap

  /// When `advance` is next needed.
  public var nextDeadline: Instant { @_noLocks @_noAllocation get { heap.earliest } }

  @_noLocks @_noAllocation
  public func counters(of device: DeviceID) -> DeviceCounters { devices[Int(device.index)].counters }

  @_noLocks @_noAllocation
  public func counters(of port: PortID) -> BusCounters {
    var counters = buses[Int(port.index)].counters
    counters.bytesWaiting = UInt64(max(0, buses[Int(port.index)].buffered))
    return counters
  }

  @_noLocks @_noAllocation
  public func isUp(_ device: DeviceID) -> Bool { devices[Int(device.index)].isUp }

  @_noLocks @_noAllocation
  public func port(of device: DeviceID) -> PortID { PortID(Int(devices[Int(device.index)].port)) }

  /// Whether it is one over the network, which the other end may take and give up at will.
  @_noLocks @_noAllocation
  public func isConnection(_ port: PortID) -> Bool { if case .modbusTCP = buses[Int(port.index)].kind { true } else { false } }

  /// Whether orders wait, or are on a wire.
  @_noLocks @_noAllocation
  public func hasOrders() -> Bool {
    for bus in 0..<buses.capacity where buses[bus].writeCount > 0 { return true }
    return false
  }

  /// Whether its board can end a pulse by itself.
  @_noLocks @_noAllocation
  public func canPulse(_ device: DeviceID) -> Bool { devices[Int(device.index)].pulseAddress >= 0 }

  // MARK: Ports come and go

  @_noLocks @_noAllocation
  public mutating func opened(_ port: PortID, _ generation: Generation, at now: Instant, _ findings: inout Findings, _ outbox: inout Outbox) {
    let bus = Int(port.index)
    buses[bus].isOpen = true
    buses[bus].generation = generation
    let isOurs = buses[bus].goneAt < .never
    buses[bus].goneAt = .never
    buses[bus].state = .idle
    buses[bus].until = .never
    buses[bus].restsUntil = .past
    buses[bus].echoCount = 0
    buses[bus].echoAt = 0
    forget(bus)
    for index in 0..<Int(buses[bus].deviceCount) {
      let device = Int(members[Int(buses[bus].firstDevice) &+ index])
      if isOurs {
        doubtWho(device)
        begin(device, now)
        continue
      }
      devices[device].lastGood = now
      devices[device].failures = 0
      devices[device].backOff = .milliseconds(500)
      devices[device].isDown = false
      devices[device].owed = 0
      devices[device].lateness = .zero
      devices[device].lost = 0
      // Each plug is somebody's doing and told anew; a gateway's connections are not.
      if !isConnection(port) { devices[device].toldReason = nil }
      // A port that was there when the door started says nothing: the device may have been on for days. One that was
      // missing and appeared, or went and came back, does.
      if devices[device].isUSBPowered, buses[bus].wasLost {
        poweredAt[device] = now
        findings.add(.poweredOn(DeviceID(device)))
      }
      if devices[device].identity >= 0 { devices[device].variant = -1 }
      forgetWho(device)
      for field in 0..<Int(devices[device].fieldCount) {
        let row = Int(devices[device].firstField) &+ field
        raws[row] = .nan
        let extra = Int(fields[row].extra)
        if extra >= 0 {
          extras[extra].skipped = 0
          extras[extra].steady = .nan
          extras[extra].candidate = .nan
        }
      }
      suspectWarmUp(device, now)
      begin(device, now)
      if devices[device].isSeldom { rise(device, now, &findings) }
    }
    work(bus, now, &findings, &outbox)
  }

  @_noLocks @_noAllocation
  public mutating func lost(_ port: PortID, _ generation: Generation, at now: Instant, _ findings: inout Findings, _ outbox: inout Outbox) {
    let bus = Int(port.index)
    var isOurs = false
    if case .spoiled = buses[bus].state { isOurs = buses[bus].isOpen }
    // The first attempt to open it again may fail.
    if !buses[bus].isOpen, buses[bus].goneAt > now, buses[bus].goneAt < .never { isOurs = true }
    buses[bus].isOpen = false
    buses[bus].state = .idle
    buses[bus].until = .never
    while buses[bus].writeCount > 0 { dropWrite(bus, &findings) }
    if isOurs {
      // Another connection is on its way, and its devices are not to blame for what one of them said.
      buses[bus].goneAt = min(buses[bus].goneAt, now + .seconds(3))
      heap.set(bus, to: buses[bus].goneAt)
      return
    }
    buses[bus].wasLost = true
    buses[bus].goneAt = .never
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
      buses[bus].counters.bytesDropped &+= UInt64(bytes.count)
      return
    }
    switch buses[bus].kind {
    case .serial: scan(bus, bytes, now, &findings)
    case .hid: receiveReport(bus, bytes, now, &findings)
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
      if !buses[bus].isOpen {
        heap.set(bus, to: .never)
        if buses[bus].goneAt <= now { lost(PortID(bus), buses[bus].generation, at: now, &findings, &outbox) }
        continue
      }
      if quietEnd(bus) <= now { endByQuiet(bus, now, &findings) }
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
      forget(bus)
    case .spoiled: spoil(bus, now, &outbox)
    case .waking(let device, let request):
      if request >= 0 { ask(bus, Int(device), Int(request), now, isAwake: true, &outbox) } else { awoke(bus, Int(device), now, &findings, &outbox) }
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

  /// Overwrites what a device's port still holds of frames that were read, and of what they meant: somebody's code.
  @_noLocks @_noAllocation
  public mutating func wipe(_ device: DeviceID) {
    let bus = buses[Int(port(of: device).index)]
    for place in min(Int(bus.buffered), bus.room)..<bus.room { buffers[Int(bus.firstByte) &+ place] = 0 }
  }

  // MARK: Up and down

  /// The device gave a valid frame.
  @_noLocks @_noAllocation
  func rise(_ device: Int, _ now: Instant, _ findings: inout Findings) {
    devices[device].lastGood = now
    devices[device].failures = 0
    devices[device].backOff = .milliseconds(500)
    let wasDown = devices[device].isDown
    if wasDown { suspectWarmUp(device, now) }
    devices[device].isDown = false
    guard !devices[device].isUp else { return }
    devices[device].isUp = true
    devices[device].toldReason = nil
    // What was not asked while it was down; and what it must be told first, unless it speaks without.
    for request in 0..<Int(devices[device].requestCount) {
      let row = Int(devices[device].firstRequest) &+ request
      if requests[row].due == .never, requests[row].isRegular { requests[row].due = now }
      if wasDown, requests[row].isStart { requests[row].due = devices[device].isStream ? .never : now }
    }
    findings.add(.up(DeviceID(device)))
  }

  /// Everything is due now, what it must be told first a moment earlier.
  @_noLocks @_noAllocation
  private func begin(_ device: Int, _ now: Instant) {
    for index in 0..<Int(devices[device].requestCount) {
      let row = Int(devices[device].firstRequest) &+ index
      requests[row].tries = 0
      requests[row].isSplit = false
      requests[row].delay = delay(device, row, now)
      let isFirst = requests[row].isStart || requests[row].asksWho
      requests[row].due = isFirst ? Instant(ns: now.ns &- 1) : requests[row].isRegular ? now : .never
    }
  }

  /// How far its regular requests are moved away from those of other buses.
  @_noLocks @_noAllocation
  private func delay(_ device: Int, _ request: Int, _ now: Instant) -> Interval {
    let phase = buses[Int(devices[device].port)].phase
    guard phase > 0 else { return .zero }
    let group: Int64 = 4_000_000
    let at = now.ns &+ requests[request].period.ns / 256 &* phase
    return Interval(ns: (at &+ group &- 1) / group &* group &- now.ns)
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
    forgetWho(device)
    // A port that comes and goes, and nothing on it ever answers: that is one absence, not many.
    guard devices[device].toldReason != reason else { return }
    devices[device].toldReason = reason
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
        if requests[row].due <= now { requests[row].due = later(requests[row].due, requests[row].period, now) }
      }
      doubtWho(device)
      return
    }
    dropWrites(of: device, Int(devices[device].port), &findings)
    // One probe, at growing intervals; another request each time, since a device may refuse one and answer the next.
    var probes = 0
    for request in 0..<Int(devices[device].requestCount) {
      let row = Int(devices[device].firstRequest) &+ request
      if requests[row].isProbe, isAsked(device, row) { probes &+= 1 }
    }
    var turn = Int(devices[device].failures) % max(1, probes)
    for request in 0..<Int(devices[device].requestCount) {
      let row = Int(devices[device].firstRequest) &+ request
      requests[row].due = .never
      guard requests[row].isProbe, isAsked(device, row) else { continue }
      if turn == 0 { requests[row].due = now + devices[device].backOff }
      turn &-= 1
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
      guard devices[device].isStream, !devices[device].isSeldom, !devices[device].isDown, now >= silence(of: device) else { continue }
      // One that goes on saying that it has nothing to say is not silent.
      fall(device, now - devices[device].refusedAt <= silenceLimit(device) ? .exception : .silent, &findings)
      // It may have been off: what it must be told first is told again, and again (`ask`).
      for request in 0..<Int(devices[device].requestCount) {
        let row = Int(devices[device].firstRequest) &+ request
        if requests[row].isStart { requests[row].due = now }
      }
    }
  }

  @_noLocks @_noAllocation
  private func silence(of device: Int) -> Instant { devices[device].lastGood + silenceLimit(device) }

  @_noLocks @_noAllocation
  func silenceLimit(_ device: Int) -> Interval { max(devices[device].period * 3, .seconds(3)) }

  // MARK: The next thing on a bus

  /// Sends what is due if the bus is idle, and says when it must be looked at again.
  @_noLocks @_noAllocation
  mutating func work(_ bus: Int, _ now: Instant, _ findings: inout Findings, _ outbox: inout Outbox) {
    guard buses[bus].isOpen, !buses[bus].isTool else { return }
    if case .idle = buses[bus].state, buses[bus].restsUntil <= now {
      if buses[bus].isFollowing {
        while buses[bus].writeCount > 0 { finishWrite(bus, Int(writes[bus &* writesMax].device), worked: true, &findings) }
      } else if buses[bus].writeCount > 0 {
        sendWrite(bus, now, &findings, &outbox)
      } else {
        askNext(bus, now, &outbox)
      }
    }
    let look = min(nextLook(bus), quietEnd(bus))
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
        guard requests[row].due <= now, isAsked(device, row) else { continue }
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
    // One that never answered may be silent too: at the start nobody waits for the probes of those known to be.
    buses[bus].probedLast = devices[chosen.device].failures > 0 || !devices[chosen.device].isUp
    ask(bus, chosen.device, chosen.request, now, &outbox)
  }

  @_noLocks @_noAllocation
  private mutating func nextLook(_ bus: Int) -> Instant {
    var look = buses[bus].until
    var isIdle = false
    if case .idle = buses[bus].state { isIdle = true }
    var ask = buses[bus].writeCount > 0 ? Instant.past : Instant.never
    for index in 0..<Int(buses[bus].deviceCount) {
      let device = Int(members[Int(buses[bus].firstDevice) &+ index])
      if devices[device].isStream, !devices[device].isSeldom, !devices[device].isDown { look = min(look, silence(of: device)) }
      guard isIdle, !buses[bus].isFollowing else { continue }
      for request in 0..<Int(devices[device].requestCount) {
        let row = Int(devices[device].firstRequest) &+ request
        if isAsked(device, row) { ask = min(ask, requests[row].due) }
      }
    }
    return isIdle ? min(look, max(ask, buses[bus].restsUntil)) : look
  }

  /// Whether a device of this variant is asked this; while the variant is not known, only what all are asked.
  @_noLocks @_noAllocation
  func isAsked(_ device: Int, _ request: Int) -> Bool {
    if requests[request].isSplit { return false }
    let whole = Int(requests[request].whole)
    if whole >= 0, !requests[whole].isSplit { return false }
    if !isSure(device), !requests[request].asksWho { return false }
    let variant = devices[device].variant
    return variant < 0 ? requests[request].variants == .max : requests[request].variants >> UInt32(variant) & 1 == 1
  }
}
