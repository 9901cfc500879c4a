// Alarms with a life (ISA-18.2): a condition that lasts its on-delay raises, one that is gone for its off-delay clears,
// and a latched one stays until staff clear it. One raise and one clear an occurrence.
//
//     A normal ─ on-delay → B unacknowledged ─ acknowledge → C acknowledged ─ unacknowledge, re-alarm → B
//     B ─ off-delay → D returned, unacknowledged ─ acknowledge → A          C ─ off-delay → A
//     latched: B ─ condition gone → E ─ acknowledge → F ─ clear → A         C ─ condition gone → F
//     G shelved, I out of service (a person), H suppressed by design (another alarm) → A if it is not active, else B
//
// In G, H and I conditions are judged as ever: an occurrence is raised and cleared there too, and nobody is told. One that
// was open before stays the same occurrence. Rows are made at start, one a kind and place, so a raise finds its row by
// arithmetic.
//
//     Alarms.swift               a condition's way through A to F, and who must be told
//     Alarms+Commands.swift      what people say: acknowledge, clear, shelve, out of service
//     Alarms+Suppression.swift   what keeps an alarm quiet, and what happens when that ends
//     Alarms+Snapshot.swift      across a restart

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
    case .confirmedFever, .notIsolated: AlarmSettings(priority: .high, isLatched: true)
    case .isolationRoom: AlarmSettings(priority: .high)
    case .disinfectionOverdue: AlarmSettings(priority: .low)
    case .suspectedFever: AlarmSettings(priority: .medium, offDelay: .seconds(120))
    case .suspectLeft: AlarmSettings(priority: .medium, isLatched: true)
    case .gateJammed: AlarmSettings(priority: .high, onDelay: .seconds(1), offDelay: .seconds(1))
    case .gateUnscreened: AlarmSettings(priority: .high)
    case .tailgating: AlarmSettings(priority: .low, offDelay: .seconds(60))
    case .laneOutOfOrder: AlarmSettings(priority: .medium, offDelay: .seconds(10))
    case .airHigh: AlarmSettings(priority: .high, onDelay: air.highAfter, offDelay: air.highClearAfter)
    case .airMean: AlarmSettings(priority: .medium, offDelay: air.meanClearAfter)
    case .airAdvice: AlarmSettings(priority: .low, onDelay: air.adviceAfter, offDelay: air.adviceClearAfter)
    case .freshAir: AlarmSettings(priority: .medium, onDelay: .minutes(15), offDelay: .minutes(15))
    case .overCapacity: AlarmSettings(priority: .medium, onDelay: .minutes(2), offDelay: .minutes(2))
    case .slotAtRisk: AlarmSettings(priority: .medium)
    case .ventilationLate: AlarmSettings(priority: .medium)
    case .sensorsDisagree: AlarmSettings(priority: .low, onDelay: .minutes(30), offDelay: .minutes(30))
    case .sensorStuck: AlarmSettings(priority: .low, isLatched: true)
    case .baselineDrift: AlarmSettings(priority: .low, isLatched: true)
    case .deviceSilent: AlarmSettings(priority: .medium, onDelay: .seconds(60), offDelay: .seconds(60))
    case .deviceFault: AlarmSettings(priority: .medium, onDelay: .seconds(60), offDelay: .seconds(60))
    case .portLost: AlarmSettings(priority: .medium, onDelay: .seconds(3), offDelay: .seconds(3))
    case .logStalled: AlarmSettings(priority: .medium, offDelay: .seconds(10))
    case .clockUnsynchronised: AlarmSettings(priority: .low, onDelay: .minutes(10), offDelay: .minutes(10))
    case .eventsLost: AlarmSettings(priority: .medium, offDelay: .minutes(10))
    case .laneDrift: AlarmSettings(priority: .low)
    case .calibrationDue: AlarmSettings(priority: .low)
    case .proofFailed: AlarmSettings(priority: .medium)
    case .proofOverdue: AlarmSettings(priority: .low)
    case .alertCheck: AlarmSettings(priority: .low)
    case .referenceOff: AlarmSettings(priority: .medium, onDelay: .seconds(30), offDelay: .seconds(60))
    case .thermometerStuck: AlarmSettings(priority: .medium)
    case .thermometerNormalising: AlarmSettings(priority: .medium)
    case .alarmFlood: AlarmSettings(priority: .low)
    }
  }
}

/// What a person took out of sight.
enum Removal: UInt8, BitwiseCopyable { case none, shelved, outOfService }

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
  /// Raised and not cleared.
  public internal(set) var isActive = false
  /// How often nobody has acknowledged it for its time.
  public internal(set) var level: UInt8 = 0
  var condition = false
  var removal = Removal.none
  /// Another alarm that is active explains this one.
  var isCaused = false
  /// When the condition will have lasted its delay.
  var pending = Instant.never
  /// By state: when it escalates (B, E), is to be seen again (C), or its shelf ends (G).
  public internal(set) var timer = Instant.never

  public init(kind: AlarmKind, place: Place, settings: AlarmSettings) {
    self.kind = kind
    self.place = place
    self.settings = settings
    priority = settings.priority
  }

  /// An occurrence that is active, or that nobody has acknowledged yet.
  public var isOpen: Bool { if case .returnedUnacknowledged = state { true } else { isActive } }
}

/// How many places of each sort there are, and which depend on which.
public struct Places: Sendable {
  public var lanes: Int
  public var rooms: Int
  public var devices: Int
  public var ports: Int
  /// The port of each device; shorter than `devices`: nobody says so of the rest.
  public var portOfDevice: [PortID]
  /// The sensors that each room's air is judged by.
  public var sensorsOfRoom: [[DeviceID]]
  /// What sees each lane's reference.
  public var referenceOfLane: [DeviceID?]

  public init(
    lanes: Int, rooms: Int, devices: Int, ports: Int, portOfDevice: [PortID] = [], sensorsOfRoom: [[DeviceID]] = [],
    referenceOfLane: [DeviceID?] = []
  ) {
    self.lanes = lanes
    self.rooms = rooms
    self.devices = devices
    self.ports = ports
    self.portOfDevice = portOfDevice
    self.sensorsOfRoom = sensorsOfRoom
    self.referenceOfLane = referenceOfLane
  }
}

/// All alarms.
public struct Alarms: ~Copyable {
  public internal(set) var rows: Table<AlarmRow>
  /// First row of each kind.
  let first: Table<Int32>
  /// Two counters: the last occurrence, and how many raises the flood has seen.
  let counters: Table<UInt32>
  /// When the last raises were that people were told of, in a ring.
  let raises: Table<Instant>
  /// Who took what out of sight, and why.
  let notes: Table<AlarmNote>
  let causes: Causes
  let policy: AlarmPolicy
  var heap: DeadlineHeap
  /// When a flood is over unless more comes.
  var floodEnd = Instant.never
  /// Alarms of medium or high priority that nobody has acknowledged: somebody must see or hear of them.
  public internal(set) var loudCount = 0
  /// Raises of such alarms since the start, and what else must be heard: repeats, returns, escalations.
  public internal(set) var loudRaises: UInt64 = 0

  /// - Parameters:
  ///   - settings: what each kind is set to.
  ///   - isAtLane: which devices a lane depends on: they alarm at once.
  public init(
    _ places: Places, policy: AlarmPolicy = AlarmPolicy(), settings: (AlarmKind) -> AlarmSettings, isAtLane: (DeviceID) -> Bool
  ) {
    var rows: [AlarmRow] = []
    var first: [Int32] = []
    for kind in AlarmKind.allCases {
      first.append(Int32(rows.count))
      let chosen = settings(kind)
      let here: [Place] =
        switch kind.scope {
        case .lane: (0..<places.lanes).map { .lane(LaneID($0)) }
        case .room: (0..<places.rooms).map { .room(RoomID($0)) }
        case .device: (0..<places.devices).map { .device(DeviceID($0)) }
        case .port: (0..<places.ports).map { .port(PortID($0)) }
        case .log: [.log]
        case .site: [.site]
        }
      for place in here {
        rows.append(AlarmRow(kind: kind, place: place, settings: chosen))
        if case .device(let device) = place, isAtLane(device) { rows[rows.count - 1].settings.onDelay = .zero }
      }
    }
    causes = Causes(rows, first: first, places)
    self.policy = policy
    self.rows = Table(rows, filler: AlarmRow(kind: .eventsLost, place: .site, settings: AlarmSettings(priority: .low)))
    self.first = Table(first, filler: 0)
    counters = Table(capacity: 2, filledWith: 0)
    raises = Table(capacity: AlarmPolicy.floodRaisesMax + 1, filledWith: .past)
    notes = Table(capacity: min(rows.count, AlarmNote.most), filledWith: AlarmNote())
    heap = DeadlineHeap(members: rows.count)
  }

  public var nextDeadline: Instant { @_noLocks @_noAllocation get { min(heap.earliest, floodEnd) } }

  @_noLocks @_noAllocation
  func row(_ kind: AlarmKind, _ place: Place) -> Int {
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

  /// Other delays of a kind, for conditions that change from now on.
  @_noLocks @_noAllocation
  public mutating func change(_ kind: AlarmKind, on onDelay: Interval, off offDelay: Interval) {
    for index in 0..<rows.capacity where rows[index].kind.rawValue == kind.rawValue {
      rows[index].settings.onDelay = onDelay
      rows[index].settings.offDelay = offDelay
    }
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
    var isWorse = false
    if isOn, let priority { isWorse = priority.rawValue > rows[index].priority.rawValue }
    // A shelf was made for what was known then.
    if isWorse, case .shelved = rows[index].removal { endRemoval(index, now, &effects) }
    if isOn, rows[index].isActive {
      if rows[index].settings.isLatched {
        if renew { repeatLatched(index, now, &effects) }
        if !rows[index].condition {
          rows[index].condition = true
          settle(index, now, &effects)
        }
        return
      }
      if renew || isWorse {
        clear(index, to: .normal, now, &effects)
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

  /// Something happened that has no duration: a latched alarm keeps it until staff clear it.
  @_noLocks @_noAllocation
  public mutating func occur(_ kind: AlarmKind, at place: Place, _ now: Now, _ effects: inout Effects) {
    set(kind, at: place, true, renew: true, now, &effects)
    set(kind, at: place, false, now, &effects)
  }

  /// Nothing is known of the condition any more: an open alarm stays open, and a clear or a raise that was waiting is called off.
  @_noLocks @_noAllocation
  public mutating func hold(_ kind: AlarmKind, at place: Place) {
    let index = row(kind, place)
    guard rows[index].isActive else {
      rows[index].condition = false
      return wait(index, until: .never)
    }
    guard !rows[index].condition, !rows[index].settings.isLatched else { return }
    rows[index].condition = true
    wait(index, until: .never)
    // It may have waited for its clear to be quiet for good: now it must be heard again.
    if rows[index].state.isSuppressed, !isKeptQuiet(index) { setTimer(index, .past) }
  }

  /// It happened again before staff have dealt with the first.
  @_noLocks @_noAllocation
  private mutating func repeatLatched(_ index: Int, _ now: Now, _ effects: inout Effects) {
    rows[index].value = (rows[index].value.isFinite ? rows[index].value : 1) + 1
    enter(index, shown(index, .unacknowledged), now)
    tellLoud(index)
    effects.event(.alarmRepeated(fact(index)), at: rows[index].place)
  }

  @_noLocks @_noAllocation
  func isLoud(_ index: Int) -> Bool {
    if case .low = rows[index].priority { return false }
    switch rows[index].state {
    case .unacknowledged, .latchedUnacknowledged: return true
    default: return false
    }
  }

  /// Lamps and buzzers shall tell of it anew.
  @_noLocks @_noAllocation
  mutating func tellLoud(_ index: Int) {
    if isLoud(index) { loudRaises &+= 1 }
  }

  /// Every change of state comes through here.
  @_noLocks @_noAllocation
  mutating func enter(_ index: Int, _ state: AlarmState, _ now: Now) {
    let was = isLoud(index)
    let waited = isUnacknowledged(rows[index].state)
    rows[index].state = state
    let isNow = isLoud(index)
    if isNow, !was { loudCount &+= 1 }
    if was, !isNow { loudCount &-= 1 }
    switch state {
    // Who waits to be seen goes on waiting when its condition is gone.
    case .unacknowledged, .latchedUnacknowledged:
      guard !waited else { return }
      rows[index].level = 0
      setTimer(index, now.boot + escalatesAfter(index))
    case .acknowledged: setTimer(index, reAlarmsAt(now))
    case .shelved: break
    default: setTimer(index, .never)
    }
  }

  @_noLocks @_noAllocation
  private func isUnacknowledged(_ state: AlarmState) -> Bool {
    switch state {
    case .unacknowledged, .latchedUnacknowledged: true
    default: false
    }
  }

  /// Waits for the delay, or acts at once when there is none.
  @_noLocks @_noAllocation
  private mutating func settle(_ index: Int, _ now: Now, _ effects: inout Effects) {
    let isActive = rows[index].isActive
    let delay = rows[index].condition ? rows[index].settings.onDelay : rows[index].settings.offDelay
    if rows[index].condition == isActive {
      wait(index, until: .never)
      if rows[index].condition { comeBackOn(index, now, &effects) }
    } else if delay <= .zero || (isActive && rows[index].settings.isLatched) {
      act(index, now, &effects)
    } else {
      wait(index, until: now.boot + delay)
    }
  }

  @_noLocks @_noAllocation
  mutating func wait(_ index: Int, until: Instant) {
    rows[index].pending = until
    heap.set(index, to: min(until, rows[index].timer))
  }

  @_noLocks @_noAllocation
  mutating func setTimer(_ index: Int, _ timer: Instant) {
    rows[index].timer = timer
    heap.set(index, to: min(rows[index].pending, timer))
  }

  /// The condition is back while the occurrence still stands.
  @_noLocks @_noAllocation
  private mutating func comeBackOn(_ index: Int, _ now: Now, _ effects: inout Effects) {
    switch rows[index].state {
    case .latchedUnacknowledged: enter(index, .unacknowledged, now)
    case .latchedAcknowledged: showAgain(index, now, &effects)
    case .shelved, .suppressedByDesign, .outOfService: comeBack(index, now, &effects)
    default: break
    }
    tellDependents(of: index, now, &effects)
  }

  /// Who saw it shall see it again.
  @_noLocks @_noAllocation
  mutating func showAgain(_ index: Int, _ now: Now, _ effects: inout Effects) {
    enter(index, .unacknowledged, now)
    tellLoud(index)
    effects.event(.alarmUnacknowledged(fact(index)), at: rows[index].place)
  }

  @_noLocks @_noAllocation
  private mutating func act(_ index: Int, _ now: Now, _ effects: inout Effects) {
    wait(index, until: .never)
    if rows[index].condition { return raise(index, now, &effects) }
    switch rows[index].state {
    case .unacknowledged where rows[index].settings.isLatched: enter(index, .latchedUnacknowledged, now)
    case .acknowledged where rows[index].settings.isLatched: enter(index, .latchedAcknowledged, now)
    case .unacknowledged: clear(index, to: .returnedUnacknowledged, now, &effects)
    case .acknowledged: clear(index, to: .normal, now, &effects)
    case .shelved, .suppressedByDesign, .outOfService:
      if rows[index].isActive, !rows[index].settings.isLatched { clear(index, to: .normal, now, &effects) }
    default: break
    }
    if rows[index].settings.isLatched { tellDependents(of: index, now, &effects) }
  }

  @_noLocks @_noAllocation
  private mutating func raise(_ index: Int, _ now: Now, _ effects: inout Effects) {
    counters[0] &+= 1
    rows[index].occurrence = counters[0]
    rows[index].isActive = true
    rows[index].raisedAt = now.wall
    enter(index, shown(index, .unacknowledged), now)
    tellLoud(index)
    effects.event(.alarmRaised(fact(index)), at: rows[index].place)
    tellDependents(of: index, now, &effects)
    if !rows[index].state.isSuppressed { countRaise(rows[index].kind, now, &effects) }
  }

  @_noLocks @_noAllocation
  mutating func clear(_ index: Int, to state: AlarmState, _ now: Now, _ effects: inout Effects) {
    rows[index].isActive = false
    enter(index, shown(index, state), now)
    effects.event(.alarmCleared(fact(index)), at: rows[index].place)
    rows[index].priority = rows[index].settings.priority
    rows[index].level = 0
    tellDependents(of: index, now, &effects)
  }

  @_noLocks @_noAllocation
  func fact(_ index: Int) -> AlarmFact {
    AlarmFact(
      kind: rows[index].kind, priority: rows[index].priority, state: rows[index].state, occurrence: rows[index].occurrence,
      value: rows[index].value)
  }

  // MARK: Time

  /// Raises and clears what has lasted its delay, and does what else is due.
  @_noLocks @_noAllocation
  public mutating func advance(to now: Now, _ effects: inout Effects) {
    for _ in 0..<2 &* rows.capacity {
      guard heap.earliest <= now.boot else { break }
      let index = heap.first
      if rows[index].pending <= now.boot { act(index, now, &effects) } else { ring(index, now, &effects) }
    }
    if floodEnd <= now.boot { endFlood(now, &effects) }
  }

  /// Its timer is over.
  @_noLocks @_noAllocation
  private mutating func ring(_ index: Int, _ now: Now, _ effects: inout Effects) {
    setTimer(index, .never)
    switch rows[index].state {
    case .unacknowledged, .latchedUnacknowledged: escalate(index, now, &effects)
    case .acknowledged: showAgain(index, now, &effects)
    case .shelved: if case .shelved = rows[index].removal { endRemoval(index, now, &effects) } else { comeBack(index, now, &effects) }
    case .suppressedByDesign, .outOfService: comeBack(index, now, &effects)
    case .normal, .returnedUnacknowledged, .latchedAcknowledged: break
    }
  }

  /// When what is acknowledged now is to be seen again.
  @_noLocks @_noAllocation
  func reAlarmsAt(_ now: Now) -> Instant { policy.reAlarmAfter > .zero ? now.boot + policy.reAlarmAfter : .never }

  /// How long it may wait to be acknowledged.
  @_noLocks @_noAllocation
  func escalatesAfter(_ index: Int) -> Interval {
    guard rows[index].level < policy.escalationLevels else { return Interval(ns: .max) }
    switch rows[index].priority {
    case .high: return policy.escalateHighAfter
    case .medium: return policy.escalateMediumAfter
    case .low: return Interval(ns: .max)
    }
  }

  @_noLocks @_noAllocation
  private mutating func escalate(_ index: Int, _ now: Now, _ effects: inout Effects) {
    rows[index].level &+= 1
    loudRaises &+= 1
    effects.event(.alarmEscalated(fact(index), level: rows[index].level), at: rows[index].place)
    setTimer(index, now.boot + escalatesAfter(index))
  }

  // MARK: Floods

  /// When the raise was that lies `back` raises back, itself counted.
  @_noLocks @_noAllocation
  private func raised(_ back: Int) -> Instant {
    raises[Int(counters[1] &- UInt32(truncatingIfNeeded: back)) % raises.capacity]
  }

  /// More raises than anybody can take in are an alarm of their own, which is not one of them.
  @_noLocks @_noAllocation
  private mutating func countRaise(_ kind: AlarmKind, _ now: Now, _ effects: inout Effects) {
    if case .alarmFlood = kind { return }
    raises[Int(counters[1]) % raises.capacity] = now.boot
    counters[1] &+= 1
    let isFlood = raised(policy.floodRaises &+ 1) + policy.floodWindow > now.boot
    if isFlood { set(.alarmFlood, at: .site, true, value: Double(policy.floodRaises &+ 1), now, &effects) }
    scheduleFloodEnd()
  }

  @_noLocks @_noAllocation
  func isFlood() -> Bool { rows[row(.alarmFlood, .site)].condition }

  @_noLocks @_noAllocation
  mutating func scheduleFloodEnd() {
    floodEnd = isFlood() ? raised(policy.floodEnds) + policy.floodWindow : .never
  }

  @_noLocks @_noAllocation
  private mutating func endFlood(_ now: Now, _ effects: inout Effects) {
    floodEnd = .never
    set(.alarmFlood, at: .site, false, now, &effects)
  }
}
