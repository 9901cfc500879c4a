// One turn: an input in, outputs out. One thread owns all of it; nothing here waits, locks, allocates or asks what time
// it is, and the compiler proves the first three (docs/decisions/0002).
//
//     input → Devices: readings and changes → Rules: effects → events and writes in the outbox

public import Domain
import Devices
import Rules

/// The state of a site and the only way to move it.
///
///     var pipeline = Pipeline(settings)
///     pipeline.turn(now, bytes: span, from: port, generation)
///     for index in 0..<pipeline.outbox.count { … pipeline.outbox.outputs[index] … }
public struct Pipeline: ~Copyable {
  var instruments: Instruments
  var lanes: Lanes
  var rooms: Rooms
  var site: Site
  var alarms: Alarms
  var findings = Findings()
  var effects: Effects
  /// What the last turn wants done.
  public private(set) var outbox: Outbox
  private let routes: Routes
  private let identity: UInt64
  private let identityKey: IdentityKey?
  private var thinning: Thinning
  let devices: Table<DeviceReport>
  /// The last reading of each field, and where each device's begin.
  let latest: Table<Reading>
  let firstField: Table<Int32>
  private var counter: UInt64 = 0
  /// Turns since the start.
  public private(set) var turns: UInt64 = 0
  /// Something changed that a restart must know, or a minute has passed: take a snapshot between two turns.
  public private(set) var snapshotDue = false
  private var snapshotAt = Instant.past
  /// What the lanes' lamps and buzzers were last told of alarms.
  private var toldLoud = false
  private var toldRaises: UInt64 = 0
  private var absences: Absences
  private var connections: Connections
  private var calendar: PolicyCalendar
  /// The door ends: nothing is decided any more, and what was ordered last is carried out.
  private var isStopping = false
  /// Who gave the command that is obeyed.
  private var who = Text()
  /// Orders to gates, given by `stopping`, that no board carried out.
  public private(set) var failedLastOrders = 0

  public init(_ settings: PipelineSettings) {
    let fieldCounts = settings.instruments.devices.map(\.profile.fields.count)
    // One contact may move every gate of the site in one turn, with an event, an alarm, a lamp and a buzzer each; and a
    // slot ends in all rooms at once. Buses that are lost, or come back, move every alarm of their devices and of the air that
    // these measure: a raise or a clear, and what suppresses it or ends that; and each device tells that it is up or down.
    let most = 16 * (settings.lanes.count + settings.rooms.count) + 6 * settings.instruments.devices.count
    effects = Effects(capacity: 512 + most)
    outbox = Outbox(capacity: 256 + most)
    identity = settings.identity
    identityKey = settings.identityKey
    instruments = Instruments(settings.instruments)
    lanes = Lanes(
      settings.lanes.map { plan in
        var lane = plan.settings
        lane.thermometer = plan.thermometer
        if let second = plan.second { lane.second = second }
        lane.lamp = settings.provable(plan.lamp)
        lane.buzzer = settings.provable(plan.buzzer)
        return lane
      }, roster: settings.roster)
    rooms = Rooms(
      settings.rooms.map { RoomMembers($0.settings, co2: $0.co2, contacts: $0.contacts.map(\.contact)) }, hours: settings.hours,
      timetable: settings.timetable)
    site = Site(
      settings.site, rooms: settings.rooms.map(\.care), items: settings.items, lanes: settings.lanes.count)
    alarms = Alarms(
      Places(
        lanes: settings.lanes.count, rooms: settings.rooms.count, devices: settings.instruments.devices.count,
        ports: settings.instruments.ports.count, portOfDevice: settings.instruments.devices.map(\.port),
        sensorsOfRoom: settings.rooms.map(\.co2), referenceOfLane: settings.lanes.map(\.reference)),
      policy: settings.alarms, settings: { settings.alarmKinds[$0] ?? AlarmSettings.standard(for: $0, settings.air) },
      isAtLane: { settings.instruments.devices[Int($0.index)].isAtLane })
    routes = Routes(settings)
    absences = Absences(devices: fieldCounts.count)
    calendar = PolicyCalendar(settings)
    connections = Connections(ports: settings.instruments.ports.count)
    thinning = Thinning(fieldCounts: fieldCounts, settings: settings.thinning)
    devices = Table(capacity: fieldCounts.count, filledWith: DeviceReport())
    var starts: [Int32] = []
    var total: Int32 = 0
    for count in fieldCounts {
      starts.append(total)
      total += Int32(count)
    }
    firstField = Table(starts, filler: 0)
    latest = Table(
      capacity: Int(total),
      filledWith: Reading(
        device: DeviceID(0), field: 0, use: .information, unit: .none, quality: .invalid(.neverRead), at: .past, decoded: .nan))
  }

  /// When a turn is next needed, whatever comes in before.
  public var nextDeadline: Instant {
    @_noLocks @_noAllocation get {
      if isStopping { return instruments.nextDeadline }
      let rules = min(min(lanes.nextDeadline, site.nextDeadline), min(rooms.nextDeadline, alarms.nextDeadline))
      return min(min(instruments.nextDeadline, rules), min(absences.nextDeadline, connections.nextDeadline))
    }
  }

  /// Whether orders to boards wait, or are on a wire.
  public var hasOrders: Bool { @_noLocks @_noAllocation get { instruments.hasOrders() } }

  /// The counter of the last event.
  public var lastEvent: UInt64 { @_noLocks @_noAllocation get { counter } }

  // MARK: Turns

  /// Bytes from a port, or the whole reply of a bus.
  @_noLocks @_noAllocation
  public mutating func turn(_ now: Now, bytes: Span<UInt8>, from port: PortID, _ generation: Generation) {
    begin(now)
    instruments.received(bytes, from: port, generation, at: now.boot, &findings, &outbox)
    finish(now)
  }

  /// This port plays a recording: see `sent`.
  public mutating func follow(_ port: PortID) { instruments.follow(port) }

  /// Bytes that a recording says were sent on a port that follows it. `false`: they are none that these settings send.
  @_noLocks @_noAllocation
  public mutating func turn(_ now: Now, sent bytes: Span<UInt8>, on port: PortID) -> Bool {
    begin(now)
    let isOne = instruments.sent(bytes, on: port, at: now.boot, &findings, &outbox)
    finish(now)
    return isOne
  }

  /// Anything else.
  @_noLocks @_noAllocation
  public mutating func turn(_ now: Now, _ input: Input) {
    begin(now)
    switch input {
    case .started(let restored, let downSeconds):
      lanes.start(now)
      rooms.start(now, &effects)
      emit(.systemStarted(restored: restored, downSeconds: downSeconds), at: .site, .none, now)
      // One that fell due while the door was down.
      if let version = calendar.untold() { emit(.policyChanged(version: version), at: .site, .none, now) }
      site.start(now, &alarms, &effects)
    case .stopping:
      isStopping = true
      lanes.stop(&effects)
      carryOut(now)
    case .stopped:
      instruments.dropOrders(&findings)
      judgeLast(now)
      emit(.systemStopping, at: .site, .none, now)
    case .tick: break
    case .portOpened(let port, let generation):
      if !instruments.isConnection(port) || connections.opened(port, at: now.boot) { tellOpen(port, now) }
      instruments.opened(port, generation, at: now.boot, &findings, &outbox)
    case .portLost(let port, let generation, let failure, let errno):
      if !instruments.isConnection(port) || connections.lost(port, at: now.boot) {
        emit(.portLost(failure, errno: errno), at: .port(port), .none, now)
      }
      alarms.set(.portLost, at: .port(port), true, now, &effects)
      instruments.lost(port, generation, at: now.boot, &findings, &outbox)
    case .requestFailed(let port, let generation, let failure):
      instruments.failed(port, generation, failure, at: now.boot, &findings, &outbox)
    case .lateReply(let port, let generation, let unit): instruments.late(port, generation, unit: unit, at: now.boot)
    case .command(let command): obey(command, now)
    case .logStalled(let isStalled): alarms.set(.logStalled, at: .log, isStalled, now, &effects)
    case .clockStepped(let nanoseconds): emit(.clockStepped(byNanoseconds: nanoseconds), at: .site, .none, now)
    case .lost(let what, let count):
      tellLoss(what, count, now)
    case .beat: break
    }
    finish(now)
  }

  @_noLocks @_noAllocation
  private mutating func tellOpen(_ port: PortID, _ now: Now) {
    emit(.portOpened, at: .port(port), .none, now)
    alarms.set(.portLost, at: .port(port), false, now, &effects)
  }

  /// Something answers over a connection that nobody knows to be open again.
  @_noLocks @_noAllocation
  private mutating func tellAnswered(_ device: DeviceID, _ now: Now) {
    let port = instruments.port(of: device)
    if instruments.isConnection(port), connections.answered(port) { tellOpen(port, now) }
  }

  @_noLocks @_noAllocation
  private mutating func begin(_ now: Now) {
    // What the last orders of a turn found, such as one that had no room, is judged by the next.
    outbox.clear()
    effects.clear()
    turns &+= 1
    if let policy = calendar.change(at: now.wall) {
      change(to: policy, now)
      // At a start the policy of the moment decides from the beginning; `started` tells what is new.
      if turns > 1 {
        _ = calendar.untold()
        emit(.policyChanged(version: policy.fever.version), at: .site, .none, now)
      }
    }
  }

  @_noLocks @_noAllocation
  private mutating func change(to policy: PolicyChange, _ now: Now) {
    lanes.change(to: policy.fever)
    rooms.change(to: policy.air)
    site.change(to: policy.site, now, &alarms, &effects)
    let air = policy.air
    alarms.change(.airHigh, on: air.highAfter, off: air.highClearAfter)
    alarms.change(.airMean, on: .zero, off: air.meanClearAfter)
    alarms.change(.airAdvice, on: air.adviceAfter, off: air.adviceClearAfter)
  }

  /// What was found becomes decisions, decisions become events and writes, and what is due is done. A write may find
  /// something new (a dead board), so this goes round; each round has less to do than the last.
  @_noLocks @_noAllocation
  private mutating func finish(_ now: Now) {
    if isStopping {
      if instruments.nextDeadline <= now.boot { instruments.advance(to: now.boot, &findings, &outbox) }
      return judgeLast(now)
    }
    for _ in 0..<4 {
      judge(now)
      carryOut(now)
      if nextDeadline <= now.boot { advance(now) }
      if findings.readingCount == 0, findings.changeCount == 0, effects.count == 0 { break }
    }
    alarms.set(.clockUnsynchronised, at: .site, !now.synchronised, now, &effects)
    tellLanes(now)
    admit(now)
    carryOut(now)
    if now.boot - snapshotAt >= .seconds(60) { snapshotDue = true }
  }

  /// What became of the last orders. Nobody gives them again, so what no board has confirmed is told as that.
  @_noLocks @_noAllocation
  private mutating func judgeLast(_ now: Now) {
    for index in 0..<findings.changeCount {
      switch findings.changes[index] {
      case .writeFailed(let device, let action):
        if movesGate(action.channel, of: device) { failedLastOrders &+= 1 }
        emit(.writeFailed(device), at: .device(device), .none, now)
      case .wrote(let device, .set(let channel, on: true)): tellOpened(device, channel, now)
      case .wrote, .up, .down, .poweredOn: break
      }
    }
    findings.clear()
  }

  @_noLocks @_noAllocation
  private func movesGate(_ channel: UInt8, of device: DeviceID) -> Bool {
    let route = routes.devices[Int(device.index)]
    for index in 0..<Int(route.boardLaneCount) {
      let lane = routes.boardLanes[Int(route.firstBoardLane) &+ index]
      if channel > 0, routes.lanes[Int(lane.index)].gate.channel == channel { return true }
    }
    return false
  }

  @_noLocks @_noAllocation
  private mutating func tellOpened(_ device: DeviceID, _ channel: UInt8, _ now: Now) {
    let route = routes.devices[Int(device.index)]
    for index in 0..<Int(route.boardLaneCount) {
      let lane = routes.boardLanes[Int(route.firstBoardLane) &+ index]
      guard routes.lanes[Int(lane.index)].gate.channel == channel, lanes.opensWhenStopped(lane) else { continue }
      emit(.gateReleased(.failure), at: .lane(lane), .none, now)
    }
  }

  /// Lamps and buzzers of all lanes follow the alarms that wait for somebody.
  @_noLocks @_noAllocation
  private mutating func tellLanes(_ now: Now) {
    let isLoud = alarms.loudCount > 0
    guard isLoud != toldLoud || alarms.loudRaises != toldRaises else { return }
    lanes.alarm(isOn: isLoud, isNew: alarms.loudRaises != toldRaises, now, &effects)
    toldLoud = isLoud
    toldRaises = alarms.loudRaises
  }

  /// Lanes learn whether they may admit anybody.
  @_noLocks @_noAllocation
  private mutating func admit(_ now: Now) {
    guard site.admissionChanged else { return }
    site.toldLanes()
    for index in 0..<rooms.rows.capacity { rooms.lock(RoomID(index), site.refusesSession(in: RoomID(index)) != nil) }
    for index in 0..<lanes.count {
      lanes.admit(site.block(of: LaneID(index)), at: LaneID(index), now, &alarms, &effects)
    }
  }

  @_noLocks @_noAllocation
  private mutating func advance(_ now: Now) {
    if instruments.nextDeadline <= now.boot { instruments.advance(to: now.boot, &findings, &outbox) }
    if lanes.nextDeadline <= now.boot { lanes.advance(to: now, &alarms, &effects) }
    if rooms.nextDeadline <= now.boot { rooms.advance(to: now, &alarms, &effects) }
    if site.nextDeadline <= now.boot { site.advance(to: now, &alarms, &effects) }
    if alarms.nextDeadline <= now.boot { alarms.advance(to: now, &effects) }
    while let port = connections.next(at: now.boot) { tellOpen(port, now) }
    // What finds no room in this turn is told in the next.
    while outbox.count < outbox.outputs.capacity / 2, let device = absences.next(at: now.boot) {
      let failed = instruments.counters(of: device).failed
      emit(absences.summary(of: device, failed: failed, at: now.boot), at: .device(device), .none, now)
    }
  }

  // MARK: Findings to rules

  @_noLocks @_noAllocation
  private mutating func judge(_ now: Now) {
    for index in 0..<findings.changeCount { judge(findings.changes[index], now) }
    for index in 0..<findings.textCount { judgeText(findings.texts[index], now) }
    for index in 0..<findings.readingCount { judge(findings.readings[index], now) }
    let lost = findings.lost
    findings.clear()
    if lost > 0 { tellLoss(.telemetry, UInt64(lost), now) }
  }

  /// Who somebody is becomes a token, and what was read is overwritten.
  @_noLocks @_noAllocation
  private mutating func judgeText(_ text: FoundText, _ now: Now) {
    let route = routes.devices[Int(text.device.index)]
    guard route.identityCount > 0, let key = identityKey else { return instruments.wipe(text.device) }
    for index in 0..<Int(route.identityCount) {
      let identity = routes.identities[Int(route.firstIdentity) &+ index]
      guard identity.field == text.field else { continue }
      var told = key.beginIdentity()
      for place in Int(text.first)..<Int(text.first &+ text.count) { told.add(findings.textBytes[place]) }
      lanes.identity(told.token(key), at: identity.lane, now, &alarms, &effects)
    }
    instruments.wipe(text.device)
  }

  @_noLocks @_noAllocation
  private mutating func judge(_ reading: Reading, _ now: Now) {
    let device = Int(reading.device.index)
    latest[Int(firstField[device]) &+ Int(reading.field)] = reading
    if connections.untold > 0, reading.quality.isGood { tellAnswered(reading.device, now) }
    if reading.quality.isGood { devices[device].goodReadings &+= 1 } else { devices[device].invalidReadings &+= 1 }
    if thinning.admits(reading) { emit(.reading(reading), at: .device(reading.device), .none, now) }
    let route = routes.devices[device]
    switch reading.use {
    case .surface where route.lane >= 0:
      lanes.surface(reading, at: LaneID(Int(route.lane)), now, &alarms, &effects)
    case .surface where route.secondLane >= 0:
      lanes.secondSurface(reading, at: LaneID(Int(route.secondLane)), now, &alarms, &effects)
    case .sensorAmbient where route.lane >= 0: lanes.ambient(reading, at: LaneID(Int(route.lane)), now)
    case .sensorAmbient where route.secondLane >= 0: lanes.secondAmbient(reading, at: LaneID(Int(route.secondLane)), now)
    case .co2:
      let isBelieved = judgeAir(reading, route, now)
      alarms.set(.deviceFault, at: .device(reading.device), isFault(reading.quality) || !isBelieved, now, &effects)
    case .airflow, .airVelocity: _ = judgeAir(reading, route, now)
    case .humidity, .airTemperature:
      _ = judgeAir(reading, route, now)
      for index in 0..<Int(route.hallCount) {
        lanes.hall(reading, at: routes.halls[Int(route.firstHall) &+ index], now, &alarms, &effects)
      }
      if case .airTemperature = reading.use {
        for index in 0..<Int(route.outdoorCount) { lanes.outdoor(reading, at: routes.outdoors[Int(route.firstOutdoor) &+ index], now) }
      }
    case .reference:
      for index in 0..<Int(route.referenceCount) {
        lanes.reference(reading, at: routes.references[Int(route.firstReference) &+ index], now, &alarms, &effects)
      }
    case .inputs: judgeInputs(reading, route, now)
    case .relays: judgeRelays(reading, route, now)
    default: break
    }
  }

  /// To the rooms that the device measures in; whether they believe it.
  @_noLocks @_noAllocation
  private mutating func judgeAir(_ reading: Reading, _ route: DeviceRoute, _ now: Now) -> Bool {
    var isBelieved = true
    for index in 0..<Int(route.roomCount) {
      let to = routes.rooms[Int(route.firstRoom) &+ index]
      switch reading.use {
      case .co2 where to.sensor >= 0:
        if !rooms.co2(reading, of: Int(to.sensor), in: to.room, now, &alarms, &effects) { isBelieved = false }
      case .airTemperature where to.isTemperature: rooms.temperature(reading, in: to.room, now)
      case .humidity where to.isHumidity: rooms.humidity(reading, in: to.room, now)
      case .airflow where to.isAirflow, .airVelocity where to.isAirflow: rooms.airflow(reading, in: to.room, now)
      default: break
      }
    }
    return isBelieved
  }

  /// Contacts of rooms on a board's inputs, or its relays.
  @_noLocks @_noAllocation
  private mutating func judgeRoomContacts(_ reading: Reading, isRelay: Bool, _ route: DeviceRoute, _ now: Now) {
    for index in 0..<Int(route.roomContactCount) {
      let contact = routes.roomContacts[Int(route.firstRoomContact) &+ index]
      guard contact.isRelay == isRelay else { continue }
      var isOn = channel(contact.channel, of: reading)
      if contact.isOnWhenOpen, let isClosed = isOn { isOn = !isClosed }
      rooms.contact(Int(contact.contact), isOn: isOn, now, &alarms, &effects)
    }
  }

  /// A sensor that is there and has nothing good to say; warming up is no fault.
  @_noLocks @_noAllocation
  private func isFault(_ quality: Quality) -> Bool {
    switch quality {
    case .good, .invalid(.warmingUp): false
    case .invalid: true
    }
  }

  @_noLocks @_noAllocation
  private mutating func judgeInputs(_ reading: Reading, _ route: DeviceRoute, _ now: Now) {
    judgeRoomContacts(reading, isRelay: false, route, now)
    for index in 0..<Int(route.contactCount) {
      let contact = routes.contacts[Int(route.firstContact) &+ index]
      var isOn = channel(contact.channel, of: reading)
      if contact.isOnWhenOpen, let isClosed = isOn { isOn = !isClosed }
      lanes.contact(contact.contact, isOn: isOn, at: contact.lane, now, &alarms, &effects)
    }
  }

  @_noLocks @_noAllocation
  private mutating func judgeRelays(_ reading: Reading, _ route: DeviceRoute, _ now: Now) {
    judgeRoomContacts(reading, isRelay: true, route, now)
    for index in 0..<Int(route.boardLaneCount) {
      let lane = routes.boardLanes[Int(route.firstBoardLane) &+ index]
      lanes.relay(isOn: channel(routes.lanes[Int(lane.index)].gate.channel, of: reading), at: lane, now, &alarms, &effects)
    }
    for index in 0..<Int(route.signalLaneCount) {
      let lane = routes.signalLanes[Int(route.firstSignalLane) &+ index]
      let signals = routes.lanes[Int(lane.index)]
      if isOn(signals.lamp, reading) { lanes.signalSeen(.lamp, at: lane) }
      if isOn(signals.buzzer, reading) { lanes.signalSeen(.buzzer, at: lane) }
    }
  }

  @_noLocks @_noAllocation
  private func isOn(_ wire: Wire, _ reading: Reading) -> Bool {
    wire.device.index == reading.device.index && channel(wire.channel, of: reading) == true
  }

  /// Whether a channel (from 1) of a board's reading is on; `nil` when that is not known.
  @_noLocks @_noAllocation
  private func channel(_ channel: UInt8, of reading: Reading) -> Bool? {
    guard reading.quality.isGood, reading.decoded >= 0, reading.decoded <= 4_294_967_295, channel >= 1, channel <= 32 else {
      return nil
    }
    return UInt32(reading.decoded) >> UInt32(channel &- 1) & 1 == 1
  }

  /// What became of an order to a relay, told to the lanes whose gate it moves, lamp it lights or buzzer it sounds.
  @_noLocks @_noAllocation
  private mutating func tellOrder(_ device: DeviceID, _ action: WriteAction, worked: Bool, _ now: Now) {
    guard action.channel > 0 else { return }
    let route = routes.devices[Int(device.index)]
    for index in 0..<Int(route.boardLaneCount) {
      let lane = routes.boardLanes[Int(route.firstBoardLane) &+ index]
      guard routes.lanes[Int(lane.index)].gate.channel == action.channel else { continue }
      lanes.gateOrder(worked: worked, at: lane, now, &alarms, &effects)
    }
    var turnsOn = false
    if case .set(_, on: true) = action { turnsOn = true }
    for index in 0..<Int(route.signalLaneCount) {
      let lane = routes.signalLanes[Int(route.firstSignalLane) &+ index]
      let signals = routes.lanes[Int(lane.index)]
      let isLamp = signals.lamp.moves(action.channel, of: device)
      guard isLamp || signals.buzzer.moves(action.channel, of: device) else { continue }
      if !worked {
        lanes.signalOrderFailed(at: lane, now)
      } else if turnsOn {
        lanes.signalWritten(isLamp ? .lamp : .buzzer, at: lane)
      }
    }
  }

  @_noLocks @_noAllocation
  private mutating func judge(_ change: DeviceChange, _ now: Now) {
    switch change {
    case .up(let device):
      tellAnswered(device, now)
      show(device, .up, now)
      emit(.deviceUp, at: .device(device), .none, now)
      absences.ended(device)
      alarms.set(.deviceSilent, at: .device(device), false, now, &effects)
      tellLanes(device, isUp: true, now)
    case .down(let device, let reason):
      show(device, .down, now)
      emit(.deviceDown(reason), at: .device(device), .none, now)
      absences.began(device, failed: instruments.counters(of: device).failed, at: now.boot)
      if case .portLost = reason {} else { alarms.set(.deviceSilent, at: .device(device), true, now, &effects) }
      tellLanes(device, isUp: false, now)
    case .writeFailed(let device, let action):
      emit(.writeFailed(device), at: .device(device), .none, now)
      tellOrder(device, action, worked: false, now)
    case .wrote(let device, .named(let index, _)): emit(.written(device, index), at: .device(device), .none, now)
    case .wrote(let device, let action): tellOrder(device, action, worked: true, now)
    // A restart must not end its warm-up.
    case .poweredOn: snapshotDue = true
    }
  }

  @_noLocks @_noAllocation
  private func show(_ device: DeviceID, _ presence: Presence, _ now: Now) {
    devices[Int(device.index)].presence = presence
    devices[Int(device.index)].since = now.wall
  }

  @_noLocks @_noAllocation
  private mutating func tellLanes(_ device: DeviceID, isUp: Bool, _ now: Now) {
    let route = routes.devices[Int(device.index)]
    if route.lane >= 0 { lanes.thermometer(isUp: isUp, at: LaneID(Int(route.lane)), now, &alarms, &effects) }
    for index in 0..<Int(route.boardLaneCount) {
      lanes.board(isUp: isUp, at: routes.boardLanes[Int(route.firstBoardLane) &+ index], now, &alarms, &effects)
    }
    guard isUp else {
      // What a dead board's contacts said is no longer known.
      for index in 0..<Int(route.contactCount) {
        let contact = routes.contacts[Int(route.firstContact) &+ index]
        lanes.contact(contact.contact, isOn: nil, at: contact.lane, now, &alarms, &effects)
      }
      for index in 0..<Int(route.roomContactCount) {
        let contact = routes.roomContacts[Int(route.firstRoomContact) &+ index].contact
        rooms.contact(Int(contact), isOn: nil, now, &alarms, &effects)
      }
      return
    }
    for index in 0..<Int(route.signalLaneCount) {
      lanes.showSignals(at: routes.signalLanes[Int(route.firstSignalLane) &+ index], &effects)
    }
  }

  // MARK: Effects to outputs

  @_noLocks @_noAllocation
  private mutating func carryOut(_ now: Now) {
    // An order that a board refuses at once may have effects of its own: they come behind.
    var index = 0
    while index < effects.count {
      defer { index &+= 1 }
      switch effects.list[index] {
      case .event(let body, let place, let personal): emit(body, at: place, personal, now)
      case .confirmed(let lane, let ticket, let personal):
        site.confirmed(at: lane, ticket: ticket, personal, who: who, now, &alarms, &effects)
      case .ventilated(let room, let began, let airChanges, let effect, let before):
        site.ventilated(
          room, since: began, airChanges: airChanges, effect: effect, from: before, now, &alarms, &effects)
      case .gate(let lane, let order): move(routes.lanes[Int(lane.index)].gate, order, now)
      case .lamp(let lane, let on): set(routes.lanes[Int(lane.index)].lamp, on: on, now)
      case .buzzer(let lane, let on): set(routes.lanes[Int(lane.index)].buzzer, on: on, now)
      }
    }
    let lost = effects.lost
    effects.clear()
    if lost > 0 { tellLoss(.records, UInt64(lost), now) }
  }

  /// What found no room is an event and an alarm.
  @_noLocks @_noAllocation
  private mutating func tellLoss(_ what: Loss, _ count: UInt64, _ now: Now) {
    emit(.lost(what, count: count), at: .log, .none, now)
    alarms.set(.eventsLost, at: .site, true, value: Double(count), now, &effects)
    alarms.set(.eventsLost, at: .site, false, now, &effects)
  }

  @_noLocks @_noAllocation
  private mutating func move(_ wire: Wire, _ order: GateOrder, _ now: Now) {
    guard wire.channel > 0 else { return }
    switch order {
    case .pulse(let time):
      if instruments.canPulse(wire.device) {
        write(.pulse(channel: wire.channel, for: time), isGate: true, to: wire.device, now)
      } else {
        // No pulse of its own: the rules shut it when its time is over.
        write(.set(channel: wire.channel, on: true), isGate: true, to: wire.device, now)
      }
    case .hold: write(.set(channel: wire.channel, on: true), isGate: true, to: wire.device, now)
    case .shut: write(.set(channel: wire.channel, on: false), isGate: true, to: wire.device, now)
    case .end where instruments.canPulse(wire.device): break
    case .end: write(.set(channel: wire.channel, on: false), isGate: true, to: wire.device, now)
    }
  }

  @_noLocks @_noAllocation
  private mutating func set(_ wire: Wire, on: Bool, _ now: Now) {
    guard wire.channel > 0, instruments.isUp(wire.device) else { return }
    write(.set(channel: wire.channel, on: on), to: wire.device, now)
  }

  @_noLocks @_noAllocation
  private mutating func write(_ action: WriteAction, isGate: Bool = false, to device: DeviceID, _ now: Now) {
    if !instruments.write(action, isGate: isGate, to: device, at: now.boot, &findings, &outbox) {
      if isStopping, isGate { failedLastOrders &+= 1 }
      emit(.writeFailed(device), at: .device(device), .none, now)
      tellOrder(device, action, worked: false, now)
    }
  }

  @_noLocks @_noAllocation
  private mutating func emit(_ body: EventBody, at place: Place, _ personal: Personal, _ now: Now) {
    counter &+= 1
    outbox.put(Event(counter: counter, at: now, source: place, body: body, personal: personal))
    if body.changesState { snapshotDue = true }
  }

  // MARK: Commands

  @_noLocks @_noAllocation
  private mutating func obey(_ command: Command, _ now: Now) {
    let answer: Answer
    who = command.claimed
    if now.boot - command.issued > command.goodFor {
      answer = .refused(.expired)
    } else {
      switch command.action {
      case .acknowledge(let occurrence):
        let seen = alarms.named(occurrence)
        answer = alarms.acknowledge(occurrence, now, &effects)
        if case .done = answer, case .alertCheck? = seen?.kind, case .lane(let lane)? = seen?.place {
          lanes.proofSeen(at: lane, now, &alarms, &effects)
        }
      case .prove(let lane): answer = lanes.prove(lane, now, &effects)
      case .unacknowledge(let occurrence): answer = alarms.unacknowledge(occurrence, now, &effects)
      case .clear(let occurrence):
        let cleared = alarms.named(occurrence)
        answer = alarms.clearLatched(occurrence, now, &effects)
        if case .done = answer, case .suspectLeft? = cleared?.kind, case .lane(let lane)? = cleared?.place { lanes.allowWhoLeft(lane) }
      case .shelve(let alarm, let time):
        answer =
          isSomebodys(command)
          ? alarms.shelve(alarm, for: time, who: command.claimed, why: command.why, now, &effects) : .refused(.whoAndWhyRequired)
      case .unshelve(let alarm): answer = alarms.unshelve(alarm, now, &effects)
      case .takeOutOfService(let alarm):
        answer =
          isSomebodys(command)
          ? alarms.takeOutOfService(alarm, who: command.claimed, why: command.why, now, &effects) : .refused(.whoAndWhyRequired)
      case .returnToService(let alarm): answer = alarms.returnToService(alarm, now, &effects)
      case .startSession(let room):
        if let refusal = site.refusesSession(in: room) {
          answer = .refused(refusal)
        } else {
          answer = rooms.startSession(in: room, now, &alarms, &effects)
        }
      case .endSession(let room): answer = rooms.endSession(in: room, now, &alarms, &effects)
      case .ventilation(let room, let begins):
        // Somebody answers for it: the log must name who.
        answer =
          command.claimed.isEmpty
          ? .refused(.whoAndWhyRequired) : rooms.declare(room, begins: begins, now, &alarms, &effects)
      case .occupants(let room, let people): answer = rooms.occupy(room, people, now, &alarms, &effects)
      case .resume(let ticket): answer = lanes.resume(ticket, now, &effects)
      case .resumeAt(let ticket, let lane): answer = lanes.resume(ticket, at: lane, now, &effects)
      case .contactReading(let ticket, let celsius, let site):
        // It may open the gate: the log must name who measured, and why somebody passes by it.
        answer =
          command.claimed.isEmpty
          ? .refused(.whoAndWhyRequired)
          : lanes.contactReading(ticket, celsius, site, hasWhy: !command.why.isEmpty, now, &alarms, &effects)
      case .overrideTicket(let ticket):
        let isSomebodys = !command.claimed.isEmpty && !command.why.isEmpty
        answer = isSomebodys ? lanes.override(ticket: ticket, now, &alarms, &effects) : .refused(.whoAndWhyRequired)
      case .credential(let lane, let passed): answer = lanes.credential(lane, passed: passed, now, &alarms, &effects)
      case .credentialOf(let ticket, let passed):
        answer = lanes.credential(ticket: ticket, passed: passed, now, &alarms, &effects)
      case .allow(let ticket):
        let isSomebodys = !command.claimed.isEmpty && !command.why.isEmpty
        answer = isSomebodys ? lanes.allow(ticket, now) : .refused(.whoAndWhyRequired)
      case .overrideLane(let lane):
        answer = isSomebodys(command) ? lanes.override(lane, now, &alarms, &effects) : .refused(.whoAndWhyRequired)
      case .resetAverage(let lane): answer = isSomebodys(command) ? lanes.resetAverage(lane) : .refused(.whoAndWhyRequired)
      case .openSite, .closeSite, .openCase, .openCaseOf, .advanceCase, .beginIncident, .endIncident, .disinfected, .attest:
        answer = obeyForSite(command, now)
      case .write(let device, let index, let value):
        if instruments.needsPerson(device, index), !isSomebodys(command) {
          answer = .refused(.whoAndWhyRequired)
        } else if !instruments.canTake(device, index, value) {
          answer = .refused(.valueNotAllowed)
        } else if instruments.write(.named(index, value: value), to: device, at: now.boot, &findings, &outbox) {
          answer = .done
        } else {
          answer = .refused(.deviceUnavailable)
        }
      }
    }
    carryOut(now)
    emit(.commandAnswered(command, answer), at: .site, .none, now)
  }

  /// A name and a reason stand beside it.
  @_noLocks @_noAllocation
  private func isSomebodys(_ command: Command) -> Bool { !command.claimed.isEmpty && !command.why.isEmpty }

  /// What concerns the whole site is done in somebody's name, and mostly for a reason.
  @_noLocks @_noAllocation
  private mutating func obeyForSite(_ command: Command, _ now: Now) -> Answer {
    let (who, note) = (command.claimed, command.why)
    if who.isEmpty || (needsWhy(command.action) && note.isEmpty) { return .refused(.whoAndWhyRequired) }
    switch command.action {
    case .openSite: return site.open(who: who, now, &alarms, &effects)
    case .closeSite: return site.close(who: who, now, &alarms, &effects)
    case .openCase(let place):
      var ticket: UInt32 = 0
      if case .lane(let lane) = place { ticket = lanes.symptom(at: lane, now, &alarms, &effects) }
      return site.openCase(at: place, ticket: ticket, who: who, symptom: note, now, &alarms, &effects)
    case .openCaseOf(let ticket):
      guard let lane = lanes.symptom(ticket: ticket, now, &alarms, &effects) else { return .refused(.unknownTicket) }
      return site.openCase(at: .lane(lane), ticket: ticket, who: who, symptom: note, now, &alarms, &effects)
    case .advanceCase(let number, let step, let room):
      return site.advanceCase(number, step, room: room, who: who, note: note, now, &alarms, &effects)
    case .beginIncident(let place): return site.beginIncident(place, who: who, why: note, now, &alarms, &effects)
    case .endIncident(let place): return site.endIncident(place, who: who, why: note, now, &alarms, &effects)
    case .disinfected(let room, let method, let minutes, let ago):
      return site.disinfected(
        room, method, minutes: minutes, minutesAgo: ago, who: who, agent: note, now, &alarms, &effects)
    case .attest(let item): return site.attest(item, who: who, now, &alarms, &effects)
    default: return .refused(.implausible)
    }
  }

  /// The log must say why, too: the symptom, the agent, to whom, the reason.
  @_noLocks @_noAllocation
  private func needsWhy(_ action: Action) -> Bool {
    switch action {
    case .openCase, .openCaseOf, .beginIncident, .endIncident, .disinfected, .advanceCase(_, .reported, _), .advanceCase(_, .handedOver, _): true
    default: false
    }
  }

  // MARK: Snapshots

  /// Bytes a snapshot takes.
  public var snapshotSize: Int { alarms.byteCount + lanes.byteCount + site.byteCount + rooms.byteCount + instruments.byteCount + calendar.byteCount }

  /// Differs when a snapshot of another build or another site's tables must not be taken over.
  public var snapshotLayout: UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    hash = (hash ^ identity) &* 0x100_0000_01b3
    for part in [
      5, alarms.rows.capacity, lanes.count, MemoryLayout<AlarmRow>.stride, snapshotSize, devices.capacity, latest.capacity,
    ] {
      hash = (hash ^ UInt64(part)) &* 0x100_0000_01b3
    }
    return hash
  }

  /// Copies the state that a restart must have.
  @_noLocks @_noAllocation
  public mutating func copySnapshot(to bytes: borrowing Table<UInt8>, _ now: Now) {
    var end = lanes.copyBytes(to: bytes, at: alarms.copyBytes(to: bytes, at: 0))
    end = site.copyBytes(to: bytes, at: end)
    end = rooms.copyBytes(to: bytes, at: end)
    end = instruments.copyBytes(to: bytes, at: end)
    _ = calendar.copyBytes(to: bytes, at: end)
    snapshotDue = false
    snapshotAt = now.boot
  }

  /// Takes over an earlier run, before the first turn. `shift` moves its boot times to this boot clock. What follows
  /// from it (a person who was being measured is abandoned) is in the outbox when this returns.
  public mutating func restore(from bytes: borrowing Table<UInt8>, shift: Interval, _ now: Now) {
    effects.clear()
    // What is taken over is judged by the policy of this moment.
    if let policy = calendar.change(at: now.wall) { change(to: policy, now) }
    var end = alarms.replaceBytes(from: bytes, at: 0, shift: shift, now: now)
    end = lanes.replaceBytes(from: bytes, at: end, shift: shift, now: now, &alarms, &effects)
    end = site.replaceBytes(from: bytes, at: end, shift: shift, now: now, &alarms, &effects)
    end = rooms.replaceBytes(from: bytes, at: end, shift: shift)
    end = instruments.replaceBytes(from: bytes, at: end, shift: shift, now: now.boot)
    _ = calendar.replaceBytes(from: bytes, at: end)
    outbox.clear()
    carryOut(now)
  }

  /// Takes over what the log tells of the site, where no earlier state can be restored; before the first turn.
  public mutating func recall(_ fact: SiteFact, _ now: Now) { site.recall(fact, now) }
}
