// Lanes: one person, one measurement, one verdict, one opening of the gate.
//
// A presence begins at successive warm readings and ends after a second in which good readings saw nobody; with a
// presence contact, the contact says both. At most one verdict a presence: after it nothing is judged until an absence,
// and after a start nobody is judged before one either. A pass needs a burst that lasted, of readings that agree; an
// invalid reading changes nothing but the lane's health. A person who must wait leaves the lane with a ticket.

public import Domain

/// All lanes, their gates and the screenings that wait.
public struct Lanes: ~Copyable {
  var rows: Table<LaneRow>
  let screenings: Table<ScreeningRow>
  let statistics: Table<LaneStatistics>
  let proofs: Table<ProofRow>
  /// One counter: the last ticket.
  let lastTicket: Table<UInt32>
  let refused: Table<RefusedRow>
  let roster: Table<RosterToken>
  var heap: DeadlineHeap

  /// Waiting screenings a lane.
  static var waitingMax: Int { @_noLocks @_noAllocation get { 16 } }

  /// - Parameter roster: in the order of its tokens.
  public init(_ settings: [LaneSettings], roster: [RosterToken] = []) {
    let filler = LaneSettings(
      siteOffset: 0, hasGate: false, hasReadBack: false, hasPassage: false, openFor: .zero, opensOnFailure: false,
      staleAfter: .zero, policy: FeverPolicy())
    rows = Table(settings.map(LaneRow.init), filler: LaneRow(filler))
    screenings = Table(capacity: settings.count * Self.waitingMax, filledWith: ScreeningRow())
    statistics = Table(capacity: settings.count, filledWith: LaneStatistics())
    proofs = Table(capacity: settings.count, filledWith: ProofRow())
    lastTicket = Table(capacity: 1, filledWith: 0)
    refused = Table(capacity: Self.refusedMax, filledWith: RefusedRow())
    self.roster = Table(roster, filler: RosterToken(token: .none, until: .min))
    heap = DeadlineHeap(members: settings.count)
  }

  public var nextDeadline: Instant { @_noLocks @_noAllocation get { heap.earliest } }
  public var count: Int { @_noLocks @_noAllocation get { rows.capacity } }

  /// The door begins: devices get a moment to be heard before a lane counts as out of order.
  @_noLocks @_noAllocation
  public mutating func start(_ now: Now) {
    for index in 0..<rows.capacity {
      rows[index].graceUntil = now.boot + .seconds(5)
      rows[index].failureAt = now.boot + .seconds(10)
      statistics[index].look = now.boot
      proofs[index].look = now.boot
      schedule(index)
    }
  }

  // MARK: Readings

  /// The thermometer's own temperature: a person is told from the background by it.
  @_noLocks @_noAllocation
  public mutating func ambient(_ reading: Reading, at lane: LaneID, _ now: Now) {
    let index = Int(lane.index)
    rows[index].ambientAt = reading.at
    switch reading.judged(at: now.boot, staleAfter: rows[index].settings.staleAfter) {
    case .value(let celsius): rows[index].ambient = celsius
    case .invalid: rows[index].ambient = .nan
    }
  }

  /// A surface reading. Only a good one may begin, feed or end a presence; a bad one is the lane's health.
  @_noLocks @_noAllocation
  public mutating func surface(
    _ reading: Reading, at lane: LaneID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let index = Int(lane.index)
    guard case .value(let celsius) = reading.judged(at: now.boot, staleAfter: rows[index].settings.staleAfter),
      ambientIsKnown(index, now)
    else {
      rows[index].personReadings = 0
      rows[index].isWarmingUp = isWarmingUp(reading)
      // Neither warm nor cold: what was not seen is no absence.
      if !rows[index].settings.hasPresence { rows[index].absentSince = .never }
      setThermometer(index, isGood: isOutOfRange(reading) && rows[index].thermometerIsGood, now, &alarms, &effects)
      return
    }
    if now.boot - rows[index].lastGoodAt > rows[index].settings.staleAfter, !rows[index].settings.hasPresence {
      rows[index].absentSince = .never
    }
    rows[index].lastGoodAt = now.boot
    rows[index].isWarmingUp = false
    setThermometer(index, isGood: true, now, &alarms, &effects)
    settleValidity(index, now, &alarms, &effects)
    if isWarm(index, celsius) {
      person(index, celsius, now, &alarms, &effects)
    } else {
      rows[index].personReadings = 0
      if !rows[index].settings.hasPresence { absence(index, now, &alarms, &effects) }
    }
    schedule(index)
  }

  /// Out of the plausible range is a fact about what stands before the sensor, not about the sensor.
  @_noLocks @_noAllocation
  private func isOutOfRange(_ reading: Reading) -> Bool {
    if case .invalid(.outOfRange) = reading.quality { true } else { false }
  }

  @_noLocks @_noAllocation
  func isWarmingUp(_ reading: Reading) -> Bool {
    if case .invalid(.warmingUp) = reading.quality { true } else { false }
  }

  /// Without the sensor's own temperature a warm face is not told from a warm wall: then a reading is neither.
  @_noLocks @_noAllocation
  private func ambientIsKnown(_ index: Int, _ now: Now) -> Bool {
    guard rows[index].settings.hasAmbient else { return true }
    return rows[index].ambient.isFinite && now.boot - rows[index].ambientAt <= rows[index].settings.staleAfter
  }

  @_noLocks @_noAllocation
  private func isWarm(_ index: Int, _ celsius: Double) -> Bool {
    let policy = rows[index].settings.policy
    guard celsius >= policy.personFrom else { return false }
    return !rows[index].settings.hasAmbient || celsius >= rows[index].ambient + policy.personAboveAmbient
  }

  @_noLocks @_noAllocation
  func canScreen(_ index: Int) -> Bool { isHealthy(index) && rows[index].wasEmpty && !rows[index].isReleased }

  @_noLocks @_noAllocation
  func isHealthy(_ index: Int) -> Bool {
    rows[index].thermometerIsGood && (rows[index].boardIsUp || !rows[index].settings.hasGate)
      && (rows[index].presenceIsKnown || !rows[index].settings.hasPresence)
  }

  // MARK: Presence

  @_noLocks @_noAllocation
  private mutating func person(
    _ index: Int, _ celsius: Double, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let policy = rows[index].settings.policy
    rows[index].personReadings = min(rows[index].personReadings &+ 1, 1_000_000)
    if !rows[index].settings.hasPresence {
      rows[index].absentSince = .never
      if !rows[index].isPresent, Int(rows[index].personReadings) >= policy.personReadings { arrive(index, now, &alarms, &effects) }
    }
    guard rows[index].isPresent, !rows[index].isJudged, canScreen(index) else { return }
    if isAnotherPerson(index, celsius, now) {
      secondPerson(index, now, &alarms, &effects)
      return
    }
    add(index, celsius, now)
    measure(index, now, &alarms, &effects)
  }

  /// Somebody steps up. Nobody is judged before an absence was seen, so a restart never judges the one who stands there.
  @_noLocks @_noAllocation
  mutating func arrive(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    interruptProof(index, now, &effects)
    rows[index].isPresent = true
    rows[index].isJudged = !canScreen(index)
    rows[index].waitsForGate = false
    rows[index].standing = 0
    rows[index].standingIdentity = .none
    forgetSamples(index)
    if !rows[index].isJudged { begin(index, now, &alarms, &effects) }
  }

  @_noLocks @_noAllocation
  func forgetSamples(_ index: Int) {
    rows[index].sampleCount = 0
    rows[index].steadyReadings = 0
    rows[index].lastSurface = .nan
    rows[index].level = .nan
  }

  /// Nobody is seen; after a second of it, whoever was there has gone.
  @_noLocks @_noAllocation
  mutating func absence(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    if rows[index].absentSince == .never { rows[index].absentSince = now.boot }
    guard now.boot - rows[index].absentSince >= rows[index].settings.policy.absence else { return }
    guard rows[index].isPresent || !rows[index].wasEmpty else { return }
    rows[index].wasEmpty = true
    rows[index].isPresent = false
    rows[index].waitsForGate = false
    leave(index, now, &alarms, &effects)
    settleState(index, now, &effects)
    settleSignals(index, now, &effects)
  }

  /// Readings that agree with each other and not with what this presence read before are somebody else's, who stepped in
  /// without an absence. The level is followed slowly, so two small steps are not taken for one person's warming skin;
  /// somebody within `stepMax` of the one before cannot be told from them.
  @_noLocks @_noAllocation
  private func isAnotherPerson(_ index: Int, _ celsius: Double, _ now: Now) -> Bool {
    let policy = rows[index].settings.policy
    let agrees = abs(celsius - rows[index].lastSurface) <= policy.spread
    rows[index].steadyReadings = agrees ? min(rows[index].steadyReadings &+ 1, 1_000_000) : 1
    rows[index].lastSurface = celsius
    let isSteady = Int(rows[index].steadyReadings) >= policy.burstReadings
    guard rows[index].level.isFinite else {
      if isSteady {
        rows[index].level = celsius
        rows[index].levelAt = now.boot
      }
      return false
    }
    if abs(celsius - rows[index].level) > policy.stepMax { return isSteady }
    let passed = (now.boot - rows[index].levelAt).seconds
    let share = passed / (passed + policy.levelTime.seconds)
    rows[index].level += (celsius - rows[index].level) * max(0, min(share, 1))
    rows[index].levelAt = now.boot
    return false
  }

  @_noLocks @_noAllocation
  private func add(_ index: Int, _ celsius: Double, _ now: Now) {
    let place = Int(rows[index].sampleCount) % 64
    rows[index].samples[place] = Sample(surface: celsius, at: now.boot)
    rows[index].sampleCount = rows[index].sampleCount == .max ? 64 &+ Int32(place) : rows[index].sampleCount &+ 1
  }

  // MARK: Health

  @_noLocks @_noAllocation
  mutating func setThermometer(_ index: Int, isGood: Bool, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    guard rows[index].thermometerIsGood != isGood else { return }
    rows[index].thermometerIsGood = isGood
    settleHealth(index, now, &alarms, &effects)
  }

  /// A device of the lane came or went.
  @_noLocks @_noAllocation
  public mutating func thermometer(
    isUp: Bool, at lane: LaneID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    // Up says only that it speaks; the first good reading makes it good.
    if !isUp { setThermometer(Int(lane.index), isGood: false, now, &alarms, &effects) }
  }

  @_noLocks @_noAllocation
  public mutating func board(isUp: Bool, at lane: LaneID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let index = Int(lane.index)
    rows[index].boardIsUp = isUp
    if isUp {
      place(index, now, &effects)
      settleGate(index, now, &alarms, &effects)
    } else {
      forgetContacts(index)
      // A gate nobody can look at is not known to be jammed; one that was stays so.
      if !alarms.isActive(.gateJammed, at: .lane(lane)) { alarms.set(.gateJammed, at: .lane(lane), false, now, &effects) }
    }
    settleHealth(index, now, &alarms, &effects)
  }

  /// A board with the lane's lamp or buzzer came up: its relays may stand anywhere.
  @_noLocks @_noAllocation
  public func showSignals(at lane: LaneID, _ effects: inout Effects) {
    effects.add(.lamp(lane, on: rows[Int(lane.index)].lampIsOn))
    effects.add(.buzzer(lane, on: rows[Int(lane.index)].buzzerIsOn))
  }

  /// The lane's lamp or buzzer did not take an order: it is given again, at growing intervals, which begin anew after two
  /// minutes without a failure.
  @_noLocks @_noAllocation
  public mutating func signalOrderFailed(at lane: LaneID, _ now: Now) {
    let index = Int(lane.index)
    // One look is for both: what fails meanwhile neither moves it away nor makes the interval longer.
    guard rows[index].signalsAt == .never else { return }
    let isNew = now.boot - rows[index].signalsFailedAt > .minutes(2)
    rows[index].signalsAfter = isNew ? .seconds(1) : min(rows[index].signalsAfter * 2, .minutes(1))
    rows[index].signalsFailedAt = now.boot
    rows[index].signalsAt = now.boot + rows[index].signalsAfter
    schedule(index)
  }

  /// A glitch of a device ends no presence: who stands there goes on standing there, without a verdict.
  @_noLocks @_noAllocation
  mutating func settleHealth(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    if isHealthy(index) {
      rows[index].failureAt = .never
      let isAlarm = isObstructed(index) && now.boot >= rows[index].graceUntil
      alarms.set(.laneOutOfOrder, at: .lane(LaneID(index)), isAlarm, now, &effects)
    } else {
      if rows[index].failureAt == .never { rows[index].failureAt = now.boot + .seconds(10) }
      if now.boot >= rows[index].graceUntil { alarms.set(.laneOutOfOrder, at: .lane(LaneID(index)), true, now, &effects) }
      rows[index].personReadings = 0
      if rows[index].screening >= 0 { loseDevice(index, now, &alarms, &effects) }
    }
    settleRelease(index, now, &alarms, &effects)
    settleState(index, now, &effects)
    settleSignals(index, now, &effects)
    schedule(index)
  }

  // MARK: Time

  @_noLocks @_noAllocation
  public mutating func advance(to now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    for _ in 0..<rows.capacity {
      guard heap.earliest <= now.boot else { return }
      let index = heap.first
      advance(index, now, &alarms, &effects)
      let look = nextLook(index)
      heap.set(index, to: look > now.boot ? look : now.boot + .milliseconds(10))
    }
  }

  @_noLocks @_noAllocation
  private mutating func advance(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    if rows[index].graceUntil > .past, rows[index].graceUntil <= now.boot {
      rows[index].graceUntil = .past
      settleHealth(index, now, &alarms, &effects)
    }
    if rows[index].thermometerIsGood, now.boot - rows[index].lastGoodAt >= rows[index].settings.staleAfter {
      setThermometer(index, isGood: false, now, &alarms, &effects)
    }
    if rows[index].settings.hasPresence, rows[index].absentSince < .never { absence(index, now, &alarms, &effects) }
    expireScreenings(index, now, &alarms, &effects)
    advanceProof(index, now, &alarms, &effects)
    if statistics[index].look <= now.boot { endPeriods(index, now, &effects) }
    if rows[index].signalsAt <= now.boot {
      rows[index].signalsAt = .never
      showSignals(at: LaneID(index), &effects)
    }
    advanceGate(index, now, &alarms, &effects)
    settleRelease(index, now, &alarms, &effects)
    settleState(index, now, &effects)
    settleSignals(index, now, &effects)
  }

  /// Looks at this lane when one of its times has come. Times that moved away are left: each reading moves the moment away
  /// at which it is stale, and a look that comes too early finds then that there is time.
  @_noLocks @_noAllocation
  mutating func schedule(_ index: Int) {
    let look = nextLook(index)
    if look < heap.deadline(of: index) { heap.set(index, to: look) }
  }

  /// When this lane must be looked at again.
  @_noLocks @_noAllocation
  private mutating func nextLook(_ index: Int) -> Instant {
    var look = min(min(rows[index].gate.shutAt, rows[index].gate.placeBy), rows[index].gate.repeatAt)
    if rows[index].graceUntil > .past { look = min(look, rows[index].graceUntil) }
    if rows[index].settings.opensOnFailure, !rows[index].isReleased { look = min(look, rows[index].failureAt) }
    if rows[index].settings.hasPresence, rows[index].absentSince < .never, rows[index].isPresent || !rows[index].wasEmpty {
      look = min(look, rows[index].absentSince + rows[index].settings.policy.absence)
    }
    if rows[index].thermometerIsGood { look = min(look, rows[index].lastGoodAt + rows[index].settings.staleAfter) }
    if rows[index].isDenied { look = min(look, rows[index].deniedUntil) }
    if rows[index].buzzerIsOn { look = min(look, rows[index].buzzUntil) }
    if rows[index].called > 0 { look = min(look, rows[index].calledUntil) }
    look = min(look, min(rows[index].signalsAt, min(statistics[index].look, nextProofLook(index))))
    return min(look, rows[index].ticketsLook)
  }

  /// Other numbers decide from now on, also about who is being measured.
  @_noLocks @_noAllocation
  public mutating func change(to policy: FeverPolicy) {
    for index in 0..<rows.capacity {
      rows[index].settings.policy = policy
      rows[index].relative.change(to: policy.relative)
      // A wait may end earlier than it would have.
      rows[index].ticketsLook = .never
      for slot in slots(index) { lookAt(slot, index) }
      schedule(index)
    }
  }

  // MARK: Admission

  @_noLocks @_noAllocation
  func isBlocked(_ index: Int) -> Bool {
    if case .none = rows[index].block { return false }
    return true
  }

  /// Whether the lane may admit anybody. Who stands at it when it may not any more gets a ticket, never a pass.
  @_noLocks @_noAllocation
  public mutating func admit(
    _ block: AdmissionBlock, at lane: LaneID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let index = Int(lane.index)
    guard rows[index].block.rawValue != block.rawValue else { return }
    rows[index].block = block
    if isBlocked(index), rows[index].screening >= 0 { refuseAdmission(index, now, &alarms, &effects) }
    settleState(index, now, &effects)
    settleSignals(index, now, &effects)
    schedule(index)
  }

  // MARK: What others see

  @_noLocks @_noAllocation
  func settleState(_ index: Int, _ now: Now, _ effects: inout Effects) {
    let state: LaneState
    if rows[index].isReleased {
      state = .released
    } else if !canScreen(index) {
      state = .outOfOrder
    } else if isBlocked(index) {
      state = .closed
    } else if case .shut = rows[index].gate.state {
      state = rows[index].screening >= 0 ? .measuring : .free
    } else {
      state = .releasing
    }
    guard rows[index].state.rawValue != state.rawValue else { return }
    rows[index].state = state
    effects.event(.laneChanged(state), at: .lane(LaneID(index)))
  }

  /// Somewhere at the site an alarm waits for somebody, or no longer; `isNew`: another one was raised.
  @_noLocks @_noAllocation
  public mutating func alarm(isOn: Bool, isNew: Bool, _ now: Now, _ effects: inout Effects) {
    for index in 0..<rows.capacity {
      rows[index].alarmIsOn = isOn
      if isNew { rows[index].buzzUntil = max(rows[index].buzzUntil, now.boot + .seconds(3)) }
      settleSignals(index, now, &effects)
      schedule(index)
    }
  }

  /// The lamp is lit while somebody is refused, nobody can be screened, or an alarm of medium or high priority waits to be
  /// acknowledged; the buzzer sounds 3 s at a refusal and at each such alarm. So a site without a desk is told too.
  @_noLocks @_noAllocation
  func settleSignals(_ index: Int, _ now: Now, _ effects: inout Effects) {
    if rows[index].isDenied, now.boot >= rows[index].deniedUntil, !rows[index].isPresent { rows[index].isDenied = false }
    if rows[index].isDenied, now.boot >= rows[index].deniedUntil { rows[index].deniedUntil = now.boot + .seconds(1) }
    let isClosed = !canScreen(index) || isBlocked(index)
    if rows[index].isDenied || rows[index].isReleased || rows[index].alarmIsOn || !canScreen(index) { interruptProof(index, now, &effects) }
    let isProof = proofs[index].isRunning
    let lamp = rows[index].isDenied || rows[index].isReleased || isClosed || rows[index].alarmIsOn || isProof
    if lamp != rows[index].lampIsOn {
      rows[index].lampIsOn = lamp
      effects.add(.lamp(LaneID(index), on: lamp))
    }
    let buzzer = now.boot < rows[index].buzzUntil || isProof
    if buzzer != rows[index].buzzerIsOn {
      rows[index].buzzerIsOn = buzzer
      effects.add(.buzzer(LaneID(index), on: buzzer))
    }
  }
}
