// The site as a whole: whether it is open, whose cases are open, which rooms are locked until they are clean, and what
// somebody has to vouch for. Lanes ask nothing here: they are told when they may admit nobody.
//
//     a case:  opened ─ isolated ─ reported, contacts listed ─ handed over ─ closed
//     a room:  free ─ taken (its case's person is inside) ─ locked (until ventilated and disinfected) ─ free

public import Domain

/// What a confirmed fever suspends by itself.
public enum Suspends: UInt8, BitwiseCopyable, Sendable, CaseIterable { case none, lane, site }

/// The rules of the whole site.
public struct SitePolicy: BitwiseCopyable, Sendable {
  /// Opened by a command that checks what must be there; otherwise it is always open.
  public var isOpenedByCommand = false
  /// From a case's opening to the person's arrival in an isolation room (design: 5 minutes).
  public var isolateWithin = Interval.minutes(5)
  /// A room is ventilated after a case for at least this long (the guideline: not less than 1 h) …
  public var ventilateFor = Interval.minutes(60)
  /// … and for this many air changes, where they are known: 4.6 take away 99 % (CDC, -ln 0.01).
  public var purgeAirChanges = 4.605
  public var suspends = Suspends.none
  /// Rooms are disinfected at least this often (the guideline: once a day); zero: not watched.
  public var disinfectEvery = Interval.minutes(24 * 60)

  public init() {}
}

/// A room as the site sees it.
public struct SiteRoom: BitwiseCopyable, Sendable {
  public var isIsolation: Bool
  /// Whether a ventilation of it can be verified: it has a CO2 sensor.
  public var canVerify: Bool
  /// Which item of the checklist vouches that it is suitable; -1: none.
  public var item: Int16

  public init(isIsolation: Bool, canVerify: Bool, item: Int16 = -1) {
    self.isIsolation = isIsolation
    self.canVerify = canVerify
    self.item = item
  }
}

/// What a room has been through.
struct RoomCare: BitwiseCopyable {
  /// The case whose person is inside; 0: nobody.
  var takenBy: UInt32 = 0
  /// The case after which it must be cleaned; 0: none.
  var lockedBy: UInt32 = 0
  /// Since when it stands empty, to be cleaned; `never` while the case's person is inside.
  var vacatedAt = Instant.never
  /// Since then: ventilated enough; disinfected.
  var isAired = false
  var isDisinfected = false
  /// The last disinfection; `past`: none is known.
  var disinfectedAt = Instant.past
  var disinfectBy = Instant.never
  /// It was ventilated for the full time once, verified where that can be.
  var wasAired = false
  var isSuspended = false
}

/// A case that is not closed.
struct CaseRow: BitwiseCopyable {
  /// 0: the row is free.
  var number: UInt32 = 0
  var cause = CaseCause.symptom
  var place = Place.site
  var ticket: UInt32 = 0
  var openedAt = Instant.past
  /// The person is in an isolation room by then, or is late.
  var isolateBy = Instant.never
  var isIsolated = false
  var isReported = false
  var areContactsListed = false
  var isHandedOver = false
  /// The isolation room, or -1.
  var room: Int32 = -1
}

/// What is one for the whole site.
struct SiteRow: BitwiseCopyable {
  var isOpened = false
  var isSuspended = false
  var lastCase: UInt32 = 0
}

/// All of it.
public struct Site: ~Copyable {
  // A table stands first: with a Bool in front, the compiler of 6.3 breaks under the thread sanitizer.
  let rooms: Table<SiteRoom>
  var policy: SitePolicy
  /// How long an attestation of each item is good for.
  let itemTimes: Table<Interval>
  let care: Table<RoomCare>
  let attestedAt: Table<Instant>
  let cases: Table<CaseRow>
  let laneIsSuspended: Table<Bool>
  let row: Table<SiteRow>
  /// Rooms (disinfection), then items (an isolation room's attestation that ends), then cases (escort).
  var heap: DeadlineHeap
  /// Lanes may have to be told.
  public internal(set) var admissionChanged = true

  /// Cases open at once.
  public static var casesMax: Int { @_noLocks @_noAllocation get { 64 } }

  /// - Parameter items: how long an attestation of each item of the checklist is good for.
  public init(_ policy: SitePolicy, rooms: [SiteRoom], items: [Interval], lanes: Int) {
    self.policy = policy
    self.rooms = Table(rooms, filler: SiteRoom(isIsolation: false, canVerify: false))
    itemTimes = Table(items, filler: .zero)
    care = Table(capacity: rooms.count, filledWith: RoomCare())
    attestedAt = Table(capacity: items.count, filledWith: .past)
    cases = Table(capacity: Self.casesMax, filledWith: CaseRow())
    laneIsSuspended = Table(capacity: lanes, filledWith: false)
    row = Table(capacity: 1, filledWith: SiteRow())
    heap = DeadlineHeap(members: rooms.count + items.count + Self.casesMax)
  }

  public var nextDeadline: Instant { @_noLocks @_noAllocation get { heap.earliest } }

  /// The door begins: a room of which no disinfection is known has a whole interval from now.
  @_noLocks @_noAllocation
  public mutating func start(_ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    for index in 0..<care.capacity where care[index].disinfectBy == .never { plan(index, from: now.boot) }
    settle(now, &alarms, &effects)
  }

  /// Other numbers decide from now on; who opens the site does not change. Times that run already end as they would have.
  @_noLocks @_noAllocation
  public mutating func change(to new: SitePolicy, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let before = policy
    policy = new
    policy.isOpenedByCommand = before.isOpenedByCommand
    guard policy.disinfectEvery != before.disinfectEvery else { return }
    for index in 0..<care.capacity {
      // The interval that runs began when the room was disinfected, or else when it was planned.
      var began = care[index].disinfectedAt
      if began == .past, care[index].disinfectBy < .never { began = care[index].disinfectBy + Interval(ns: 0 &- before.disinfectEvery.ns) }
      plan(index, from: began == .past ? now.boot : began)
      if care[index].disinfectBy > now.boot { alarms.set(.disinfectionOverdue, at: .room(RoomID(index)), false, now, &effects) }
    }
  }

  // MARK: What others ask

  /// Why this lane admits nobody.
  @_noLocks @_noAllocation
  public func block(of lane: LaneID) -> AdmissionBlock {
    if row[0].isSuspended || laneIsSuspended[Int(lane.index)] { return .suspended }
    guard policy.isOpenedByCommand else { return .none }
    return row[0].isOpened && findIsolationRoom() != nil ? .none : .closed
  }

  /// Lanes were told.
  @_noLocks @_noAllocation
  public mutating func toldLanes() { admissionChanged = false }

  /// Why no session may begin in this room; `nil`: it may.
  @_noLocks @_noAllocation
  public func refusesSession(in room: RoomID) -> Refusal? {
    let index = Int(room.index)
    guard index < care.capacity else { return nil }
    if row[0].isSuspended || care[index].isSuspended { return .suspended }
    if care[index].takenBy > 0 || care[index].lockedBy > 0 { return .roomLocked }
    guard policy.isOpenedByCommand else { return nil }
    return row[0].isOpened && findIsolationRoom() != nil ? nil : .siteClosed
  }

  /// A room to isolate somebody in: free, and vouched for where the site is opened by command.
  @_noLocks @_noAllocation
  func findIsolationRoom() -> Int? {
    for index in 0..<rooms.capacity where isFree(index) && isSuitable(index) { return index }
    return nil
  }

  @_noLocks @_noAllocation
  func isFree(_ index: Int) -> Bool {
    rooms[index].isIsolation && care[index].takenBy == 0 && care[index].lockedBy == 0
  }

  /// Attested, and the attestation has not run out: its deadline is still ahead.
  @_noLocks @_noAllocation
  private func isSuitable(_ index: Int) -> Bool {
    guard policy.isOpenedByCommand else { return true }
    let item = Int(rooms[index].item)
    return item >= 0 && isAttested(item)
  }

  @_noLocks @_noAllocation
  func isAttested(_ item: Int) -> Bool { attestedAt[item] > .past }

  @_noLocks @_noAllocation
  func find(_ number: UInt32) -> Int? {
    guard number > 0 else { return nil }
    for index in 0..<cases.capacity where cases[index].number == number { return index }
    return nil
  }

  // MARK: Time

  @_noLocks @_noAllocation
  public mutating func advance(to now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    for _ in 0..<(care.capacity &+ attestedAt.capacity &+ cases.capacity) {
      guard heap.earliest <= now.boot else { break }
      let member = heap.first
      heap.set(member, to: .never)
      if member < care.capacity {
        alarms.set(.disinfectionOverdue, at: .room(RoomID(member)), true, now, &effects)
      } else if member < care.capacity &+ attestedAt.capacity {
        attestedAt[member &- care.capacity] = .past
      } else {
        alarms.set(.notIsolated, at: .site, true, renew: true, now, &effects)
      }
    }
    settle(now, &alarms, &effects)
  }

  /// A room has to be disinfected again in a while.
  @_noLocks @_noAllocation
  mutating func plan(_ index: Int, from: Instant) {
    care[index].disinfectBy = policy.disinfectEvery > .zero ? from + policy.disinfectEvery : .never
    heap.set(index, to: care[index].disinfectBy)
  }

  @_noLocks @_noAllocation
  mutating func look(at slot: Int, _ moment: Instant) { heap.set(care.capacity &+ attestedAt.capacity &+ slot, to: moment) }

  /// What follows from any change: the alarm for want of an isolation room, and whether lanes admit.
  @_noLocks @_noAllocation
  mutating func settle(_ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    var hasOne = false
    for index in 0..<rooms.capacity where rooms[index].isIsolation { hasOne = true }
    let isMissing = findIsolationRoom() == nil
    let matters = policy.isOpenedByCommand ? row[0].isOpened : hasOne
    alarms.set(.isolationRoom, at: .site, matters && isMissing, now, &effects)
    admissionChanged = true
  }

  // MARK: Ventilation

  /// A room is, or was, ventilated from `began` until now, told as it goes on and when it ends.
  /// - Parameters:
  ///   - airChanges: the lower bound of what is known of it, 1/h; NaN: nothing.
  ///   - effect: as CO2 shows it, not only contacts or somebody's word.
  ///   - before: what CO2 can show of it.
  @_noLocks @_noAllocation
  public mutating func ventilated(
    _ room: RoomID, since began: Instant, airChanges: Double, effect: VentilationEffect, from before: AirBefore, _ now: Now,
    _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let index = Int(room.index)
    guard index < care.capacity else { return }
    let canVerify = rooms[index].canVerify
    switch (effect, before) {
    // Too few air changes an hour take it away too, in more hours; without a number nothing says that they do.
    case (.ineffective, _): if airChanges.isNaN { return }
    case (.effective, _), (.notVerified, .fresh):
      if now.boot - began >= policy.ventilateFor { care[index].wasAired = true }
    case (.notVerified, .high):
      if !canVerify, now.boot - began >= policy.ventilateFor { care[index].wasAired = true }
      // An effect that would show and does not is no evidence of any; known air changes speak for themselves.
      if canVerify, airChanges.isNaN { return }
    case (.notVerified, .unclear):
      if !canVerify, now.boot - began >= policy.ventilateFor { care[index].wasAired = true }
    }
    guard care[index].lockedBy > 0, !care[index].isAired, care[index].vacatedAt <= now.boot else { return }
    let lasted = now.boot - max(began, care[index].vacatedAt)
    guard lasted >= policy.ventilateFor else { return }
    if airChanges.isFinite {
      // An air change that is not known to be there takes nothing away.
      guard lasted.seconds / 3_600 * airChanges >= policy.purgeAirChanges else { return }
    }
    care[index].isAired = true
    free(index, now, &alarms, &effects)
  }

  /// A locked room that is clean is free again.
  @_noLocks @_noAllocation
  mutating func free(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    guard care[index].lockedBy > 0, care[index].takenBy == 0, care[index].isAired, care[index].isDisinfected else { return }
    effects.event(.roomFreed(case: care[index].lockedBy), at: .room(RoomID(index)))
    care[index].lockedBy = 0
    care[index].vacatedAt = .never
    settle(now, &alarms, &effects)
  }

  /// Nobody may use the room before it is clean.
  @_noLocks @_noAllocation
  mutating func lock(_ index: Int, for number: UInt32, vacatedAt: Instant, _ effects: inout Effects) {
    if care[index].lockedBy != number { effects.event(.roomLocked(case: number), at: .room(RoomID(index))) }
    care[index].lockedBy = number
    care[index].vacatedAt = vacatedAt
    care[index].isAired = false
    care[index].isDisinfected = false
  }
}
