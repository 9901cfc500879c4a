// Alarms with a life (ISA-18.2): a condition that lasts its on-delay raises, one that is gone for its off-delay clears,
// and a latched one stays until staff clear it. One raise and one clear an occurrence.
//
//     A normal ─ on-delay → B unacknowledged ─ acknowledge → C acknowledged
//     B ─ off-delay → D returned, unacknowledged ─ acknowledge → A          C ─ off-delay → A
//     latched: B ─ condition gone → E ─ acknowledge → F ─ clear → A         C ─ condition gone → F
//
// Rows are made at start, one a kind and place, so a raise finds its row by arithmetic.

public import Domain

/// What an alarm is set to.
public struct AlarmSettings: BitwiseCopyable, Sendable {
  public var priority: Priority
  public var onDelay: Interval
  public var offDelay: Interval
  /// Stays until staff clear it.
  public var isLatched: Bool

  public init(priority: Priority, onDelay: Interval = .zero, offDelay: Interval = .zero, isLatched: Bool = false) {
    self.priority = priority
    self.onDelay = onDelay
    self.offDelay = offDelay
    self.isLatched = isLatched
  }

  /// The delays and priorities of docs/rules.md, "Alarms".
  public static func standard(for kind: AlarmKind, _ air: AirPolicy) -> AlarmSettings {
    switch kind {
    case .suspectedFever: AlarmSettings(priority: .medium, offDelay: .seconds(120))
    case .suspectLeft: AlarmSettings(priority: .medium, isLatched: true)
    case .gateJammed: AlarmSettings(priority: .high, onDelay: .seconds(1), offDelay: .seconds(1))
    case .gateUnscreened: AlarmSettings(priority: .high)
    case .tailgating: AlarmSettings(priority: .low, offDelay: .seconds(60))
    case .laneOutOfOrder: AlarmSettings(priority: .medium, offDelay: .seconds(10))
    case .airHigh: AlarmSettings(priority: .high, onDelay: air.highAfter, offDelay: air.highClearAfter)
    case .airMean: AlarmSettings(priority: .medium, offDelay: air.meanClearAfter)
    case .airAdvice: AlarmSettings(priority: .low, onDelay: air.adviceAfter, offDelay: air.adviceClearAfter)
    case .deviceSilent: AlarmSettings(priority: .medium, onDelay: .seconds(60), offDelay: .seconds(60))
    case .deviceFault: AlarmSettings(priority: .medium, onDelay: .seconds(60), offDelay: .seconds(60))
    case .portLost: AlarmSettings(priority: .medium, onDelay: .seconds(3), offDelay: .seconds(3))
    case .logStalled: AlarmSettings(priority: .medium, offDelay: .seconds(10))
    case .clockUnsynchronised: AlarmSettings(priority: .low, onDelay: .minutes(10), offDelay: .minutes(10))
    case .eventsLost: AlarmSettings(priority: .medium, offDelay: .minutes(10))
    case .laneDrift: AlarmSettings(priority: .low)
    case .calibrationDue: AlarmSettings(priority: .low)
    case .referenceOff: AlarmSettings(priority: .medium, onDelay: .seconds(30), offDelay: .seconds(60))
    case .thermometerStuck: AlarmSettings(priority: .medium)
    case .thermometerNormalising: AlarmSettings(priority: .medium)
    }
  }
}

/// One alarm at one place.
public struct AlarmRow: BitwiseCopyable, Sendable {
  public var kind: AlarmKind
  public var place: Place
  public var settings: AlarmSettings
  public var state = AlarmState.normal
  public var priority: Priority
  public var occurrence: UInt32 = 0
  public var value = Double.nan
  /// When it was raised, ns since 1970 UTC.
  public var raisedAt: Int64 = 0
  var condition = false
  /// When the condition will have lasted its delay.
  var pending = Instant.never

  public init(kind: AlarmKind, place: Place, settings: AlarmSettings) {
    self.kind = kind
    self.place = place
    self.settings = settings
    priority = settings.priority
  }

  public var isActive: Bool {
    @_noLocks @_noAllocation get {
      switch state {
      case .unacknowledged, .acknowledged, .latchedUnacknowledged, .latchedAcknowledged: true
      case .normal, .returnedUnacknowledged: false
      }
    }
  }
}

/// How many places of each sort there are.
public struct Places: Sendable {
  public var lanes: Int
  public var rooms: Int
  public var devices: Int
  public var ports: Int

  public init(lanes: Int, rooms: Int, devices: Int, ports: Int) {
    self.lanes = lanes
    self.rooms = rooms
    self.devices = devices
    self.ports = ports
  }
}

/// All alarms.
public struct Alarms: ~Copyable {
  public private(set) var rows: Table<AlarmRow>
  /// First row of each kind.
  private let first: Table<Int32>
  /// One counter: the last occurrence.
  private let counter: Table<UInt32>
  private var heap: DeadlineHeap
  /// Alarms of medium or high priority that nobody has acknowledged: somebody must see or hear of them.
  public private(set) var loudCount = 0
  /// Raises of such alarms since the start.
  public private(set) var loudRaises: UInt64 = 0

  /// - Parameter settings: what each kind is set to; `atLane` tells which devices a lane depends on: they alarm at once.
  public init(_ places: Places, settings: (AlarmKind) -> AlarmSettings, isAtLane: (DeviceID) -> Bool) {
    var rows: [AlarmRow] = []
    var first: [Int32] = []
    for kind in AlarmKind.allCases {
      first.append(Int32(rows.count))
      switch kind {
      case .suspectedFever, .suspectLeft, .gateJammed, .gateUnscreened, .tailgating, .laneOutOfOrder, .laneDrift,
        .calibrationDue, .referenceOff, .thermometerStuck, .thermometerNormalising:
        for lane in 0..<places.lanes { rows.append(AlarmRow(kind: kind, place: .lane(LaneID(lane)), settings: settings(kind))) }
      case .airHigh, .airMean, .airAdvice:
        for room in 0..<places.rooms { rows.append(AlarmRow(kind: kind, place: .room(RoomID(room)), settings: settings(kind))) }
      case .deviceSilent, .deviceFault:
        for device in 0..<places.devices {
          var chosen = settings(kind)
          if isAtLane(DeviceID(device)) { chosen.onDelay = .zero }
          rows.append(AlarmRow(kind: kind, place: .device(DeviceID(device)), settings: chosen))
        }
      case .portLost:
        for port in 0..<places.ports { rows.append(AlarmRow(kind: kind, place: .port(PortID(port)), settings: settings(kind))) }
      case .logStalled: rows.append(AlarmRow(kind: kind, place: .log, settings: settings(kind)))
      case .clockUnsynchronised, .eventsLost:
        rows.append(AlarmRow(kind: kind, place: .site, settings: settings(kind)))
      }
    }
    self.rows = Table(rows, filler: AlarmRow(kind: .eventsLost, place: .site, settings: AlarmSettings(priority: .low)))
    self.first = Table(first, filler: 0)
    counter = Table(capacity: 1, filledWith: 0)
    heap = DeadlineHeap(members: rows.count)
  }

  public var nextDeadline: Instant { @_noLocks @_noAllocation get { heap.earliest } }

  @_noLocks @_noAllocation
  private func row(_ kind: AlarmKind, _ place: Place) -> Int {
    let offset: Int
    switch place {
    case .site, .log: offset = 0
    case .lane(let lane): offset = Int(lane.index)
    case .room(let room): offset = Int(room.index)
    case .device(let device): offset = Int(device.index)
    case .port(let port): offset = Int(port.index)
    }
    return Int(first[Int(kind.rawValue)]) &+ offset
  }

  @_noLocks @_noAllocation
  public func isActive(_ kind: AlarmKind, at place: Place) -> Bool { rows[row(kind, place)].isActive }

  /// The condition as it is now.
  /// - Parameters:
  ///   - value: what it is judged by; told with the raise and with the clear.
  ///   - priority: raises above the set one; an alarm that is open already begins a new occurrence with it.
  ///   - renew: what happened is another occurrence, even while the last one is open. A latched alarm is never ended by
  ///     this: it repeats, unacknowledged, and its value counts.
  @_noLocks @_noAllocation
  public mutating func set(
    _ kind: AlarmKind, at place: Place, _ isOn: Bool, value: Double = .nan, priority: Priority? = nil, renew: Bool = false,
    _ now: Now, _ effects: inout Effects
  ) {
    let index = row(kind, place)
    if isOn, rows[index].isActive {
      var isWorse = false
      if let priority { isWorse = priority.rawValue > rows[index].priority.rawValue }
      if rows[index].settings.isLatched {
        if renew { repeatLatched(index, &effects) }
        rows[index].condition = true
        return
      }
      if renew || isWorse {
        clear(index, to: .normal, &effects)
        rows[index].condition = false
        wait(index, until: .never)
      }
    }
    if value.isFinite || (isOn && !rows[index].isActive) { rows[index].value = value }
    if isOn, let priority, priority.rawValue > rows[index].priority.rawValue { rows[index].priority = priority }
    guard rows[index].condition != isOn else { return }
    rows[index].condition = isOn
    settle(index, now, &effects)
  }

  /// Nothing is known of the condition any more: an open alarm stays open, and a clear that was waiting is called off.
  @_noLocks @_noAllocation
  public mutating func hold(_ kind: AlarmKind, at place: Place) {
    let index = row(kind, place)
    guard rows[index].isActive, !rows[index].condition else { return }
    rows[index].condition = true
    wait(index, until: .never)
  }

  /// It happened again before staff have dealt with the first.
  @_noLocks @_noAllocation
  private mutating func repeatLatched(_ index: Int, _ effects: inout Effects) {
    rows[index].value = (rows[index].value.isFinite ? rows[index].value : 1) + 1
    enter(index, .unacknowledged)
    loudRaises &+= 1
    effects.event(.alarmRepeated(fact(index)), at: rows[index].place)
  }

  @_noLocks @_noAllocation
  private func isLoud(_ index: Int) -> Bool {
    if case .low = rows[index].priority { return false }
    switch rows[index].state {
    case .unacknowledged, .latchedUnacknowledged: return true
    default: return false
    }
  }

  /// Every change of state comes through here.
  @_noLocks @_noAllocation
  private mutating func enter(_ index: Int, _ state: AlarmState) {
    let was = isLoud(index)
    rows[index].state = state
    let isNow = isLoud(index)
    if isNow, !was { loudCount &+= 1 }
    if was, !isNow { loudCount &-= 1 }
  }

  /// Waits for the delay, or acts at once when there is none.
  @_noLocks @_noAllocation
  private mutating func settle(_ index: Int, _ now: Now, _ effects: inout Effects) {
    let isActive = rows[index].isActive
    let delay = rows[index].condition ? rows[index].settings.onDelay : rows[index].settings.offDelay
    if rows[index].condition == isActive {
      wait(index, until: .never)
      if rows[index].condition { relatch(index) }
    } else if delay <= .zero || (isActive && rows[index].settings.isLatched) {
      act(index, now, &effects)
    } else {
      wait(index, until: now.boot + delay)
    }
  }

  @_noLocks @_noAllocation
  private mutating func wait(_ index: Int, until: Instant) {
    rows[index].pending = until
    heap.set(index, to: until)
  }

  /// The condition is back while its latched alarm still stands.
  @_noLocks @_noAllocation
  private mutating func relatch(_ index: Int) {
    switch rows[index].state {
    case .latchedUnacknowledged, .latchedAcknowledged: enter(index, .unacknowledged)
    default: break
    }
  }

  @_noLocks @_noAllocation
  private mutating func act(_ index: Int, _ now: Now, _ effects: inout Effects) {
    wait(index, until: .never)
    if rows[index].condition {
      counter[0] &+= 1
      rows[index].occurrence = counter[0]
      enter(index, .unacknowledged)
      if isLoud(index) { loudRaises &+= 1 }
      rows[index].raisedAt = now.wall
      effects.event(.alarmRaised(fact(index)), at: rows[index].place)
      return
    }
    switch rows[index].state {
    case .unacknowledged:
      if rows[index].settings.isLatched {
        enter(index, .latchedUnacknowledged)
      } else {
        clear(index, to: .returnedUnacknowledged, &effects)
      }
    case .acknowledged:
      if rows[index].settings.isLatched {
        enter(index, .latchedAcknowledged)
      } else {
        clear(index, to: .normal, &effects)
      }
    default: break
    }
  }

  @_noLocks @_noAllocation
  private mutating func clear(_ index: Int, to state: AlarmState, _ effects: inout Effects) {
    enter(index, state)
    effects.event(.alarmCleared(fact(index)), at: rows[index].place)
    rows[index].priority = rows[index].settings.priority
  }

  @_noLocks @_noAllocation
  private func fact(_ index: Int) -> AlarmFact {
    AlarmFact(
      kind: rows[index].kind, priority: rows[index].priority, state: rows[index].state, occurrence: rows[index].occurrence,
      value: rows[index].value)
  }

  /// Raises and clears what has lasted its delay.
  @_noLocks @_noAllocation
  public mutating func advance(to now: Now, _ effects: inout Effects) {
    for _ in 0..<rows.capacity {
      guard heap.earliest <= now.boot else { return }
      act(heap.first, now, &effects)
    }
  }

  // MARK: Commands

  @_noLocks @_noAllocation
  private func find(_ occurrence: UInt32) -> Int? {
    for index in 0..<rows.capacity where occurrence > 0 && rows[index].occurrence == occurrence {
      if case .normal = rows[index].state { return nil }
      return index
    }
    return nil
  }

  @_noLocks @_noAllocation
  public mutating func acknowledge(_ occurrence: UInt32, _ effects: inout Effects) -> Answer {
    guard let index = find(occurrence) else { return .refused(.unknownAlarm) }
    switch rows[index].state {
    case .unacknowledged: enter(index, .acknowledged)
    case .returnedUnacknowledged: enter(index, .normal)
    case .latchedUnacknowledged: enter(index, .latchedAcknowledged)
    case .normal, .acknowledged, .latchedAcknowledged: return .done
    }
    effects.event(.alarmAcknowledged(fact(index)), at: rows[index].place)
    return .done
  }

  /// Staff have dealt with a latched alarm.
  @_noLocks @_noAllocation
  public mutating func clearLatched(_ occurrence: UInt32, _ effects: inout Effects) -> Answer {
    guard let index = find(occurrence), rows[index].settings.isLatched else { return .refused(.unknownAlarm) }
    rows[index].condition = false
    wait(index, until: .never)
    clear(index, to: .normal, &effects)
    return .done
  }

  // MARK: Snapshots

  public var byteCount: Int { rows.byteCount + counter.byteCount }

  @_noLocks @_noAllocation
  public func copyBytes(to bytes: borrowing Table<UInt8>, at offset: Int) -> Int {
    counter.copyBytes(to: bytes, at: rows.copyBytes(to: bytes, at: offset))
  }

  /// Takes over the alarms of an earlier run. Conditions are looked at anew: what is still there stays the same
  /// occurrence, what is gone clears after its off-delay, and after a minute at least. What is judged by a mean stays
  /// until the mean is known again and good.
  public mutating func replaceBytes(from bytes: borrowing Table<UInt8>, at offset: Int, now: Now) -> Int {
    let settings = (0..<rows.capacity).map { rows[$0].settings }
    let end = counter.replaceBytes(from: bytes, at: rows.replaceBytes(from: bytes, at: offset))
    loudCount = 0
    for index in 0..<rows.capacity {
      if isLoud(index) { loudCount += 1 }
      rows[index].settings = settings[index]
      rows[index].condition = false
      rows[index].pending = .never
      guard rows[index].isActive, !rows[index].settings.isLatched else { continue }
      switch rows[index].kind {
      case .airHigh, .airMean, .airAdvice, .laneDrift, .thermometerStuck, .thermometerNormalising:
        rows[index].condition = true
        continue
      default: break
      }
      wait(index, until: now.boot + max(rows[index].settings.offDelay, .seconds(60)))
    }
    return end
  }
}
