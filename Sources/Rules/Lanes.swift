// Lanes: one person, one measurement, one verdict, one opening of the gate.
//
// A presence begins at successive warm readings and ends after a second without. At most one verdict a presence: after
// it nothing is judged until an absence. A pass needs a burst that lasted, of readings that agree; an invalid reading
// changes nothing but the lane's health. A person who must wait leaves the lane with a ticket.

public import Domain

/// All lanes, their gates and the screenings that wait.
public struct Lanes: ~Copyable {
  var rows: Table<LaneRow>
  let screenings: Table<ScreeningRow>
  /// One counter: the last ticket.
  let lastTicket: Table<UInt32>
  var heap: DeadlineHeap

  /// Waiting screenings a lane.
  static var waitingMax: Int { @_noLocks @_noAllocation get { 16 } }

  public init(_ settings: [LaneSettings]) {
    let filler = LaneSettings(
      siteOffset: 0, hasGate: false, hasReadBack: false, hasPassage: false, openFor: .zero, opensOnFailure: false,
      staleAfter: .zero, policy: FeverPolicy())
    rows = Table(settings.map(LaneRow.init), filler: LaneRow(filler))
    screenings = Table(capacity: settings.count * Self.waitingMax, filledWith: ScreeningRow())
    lastTicket = Table(capacity: 1, filledWith: 0)
    heap = DeadlineHeap(members: settings.count)
  }

  public var nextDeadline: Instant { @_noLocks @_noAllocation get { heap.earliest } }
  public var count: Int { @_noLocks @_noAllocation get { rows.capacity } }

  // MARK: Readings

  /// The thermometer's own temperature: a person is told from the background by it.
  @_noLocks @_noAllocation
  public mutating func ambient(_ reading: Reading, at lane: LaneID, _ now: Now) {
    let index = Int(lane.index)
    switch reading.judged(at: now.boot, staleAfter: rows[index].settings.staleAfter) {
    case .value(let celsius): rows[index].ambient = celsius
    case .invalid: rows[index].ambient = .nan
    }
  }

  /// A surface reading. Only a good one may begin, feed or end a burst; a bad one is the lane's health.
  @_noLocks @_noAllocation
  public mutating func surface(
    _ reading: Reading, at lane: LaneID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let index = Int(lane.index)
    guard case .value(let celsius) = reading.judged(at: now.boot, staleAfter: rows[index].settings.staleAfter) else {
      setThermometer(index, isGood: isOutOfRange(reading) && rows[index].thermometerIsGood, now, &alarms, &effects)
      return
    }
    rows[index].lastGoodAt = now.boot
    setThermometer(index, isGood: ambientIsInside(index), now, &alarms, &effects)
    guard canScreen(index) else { return }
    let policy = rows[index].settings.policy
    if celsius >= policy.personFrom, celsius >= rows[index].ambient + policy.personAboveAmbient {
      person(index, celsius, now, &alarms, &effects)
    } else {
      rows[index].personReadings = 0
    }
    schedule(index)
  }

  /// Out of the plausible range is a fact about what stands before the sensor, not about the sensor.
  @_noLocks @_noAllocation
  private func isOutOfRange(_ reading: Reading) -> Bool {
    if case .invalid(.outOfRange) = reading.quality { true } else { false }
  }

  @_noLocks @_noAllocation
  private func ambientIsInside(_ index: Int) -> Bool {
    let policy = rows[index].settings.policy
    return rows[index].ambient >= policy.ambientLowest && rows[index].ambient <= policy.ambientHighest
  }

  @_noLocks @_noAllocation
  func canScreen(_ index: Int) -> Bool {
    rows[index].thermometerIsGood && (rows[index].boardIsUp || !rows[index].settings.hasGate) && !rows[index].isReleased
  }

  @_noLocks @_noAllocation
  private mutating func person(
    _ index: Int, _ celsius: Double, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let policy = rows[index].settings.policy
    rows[index].personReadings = min(rows[index].personReadings &+ 1, 1_000_000)
    guard rows[index].isPresent || Int(rows[index].personReadings) >= policy.personReadings else { return }
    rows[index].lastPersonAt = now.boot
    if !rows[index].isPresent {
      rows[index].isPresent = true
      rows[index].isJudged = false
      rows[index].sampleCount = 0
      rows[index].steadyReadings = 0
      rows[index].lastSurface = .nan
      begin(index, now, &effects)
    }
    guard !rows[index].isJudged else { return }
    if isAnotherPerson(index, celsius) {
      secondPerson(index, now, &alarms, &effects)
      return
    }
    add(index, celsius, now)
    measure(index, now, &alarms, &effects)
  }

  /// Steady skin that jumps is not the same skin: somebody else stepped in without an absence.
  @_noLocks @_noAllocation
  private func isAnotherPerson(_ index: Int, _ celsius: Double) -> Bool {
    let policy = rows[index].settings.policy
    let step = abs(celsius - rows[index].lastSurface)
    let wasSteady = Int(rows[index].steadyReadings) >= policy.burstReadings
    rows[index].steadyReadings = step <= policy.spread ? rows[index].steadyReadings &+ 1 : 0
    rows[index].lastSurface = celsius
    return wasSteady && step > policy.stepMax
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
      // Its relays may stand anywhere: bring them to where they belong.
      if rows[index].isReleased { effects.add(.gate(lane, .hold)) } else { effects.add(.gate(lane, .shut)) }
      effects.add(.lamp(lane, on: rows[index].lampIsOn))
      effects.add(.buzzer(lane, on: rows[index].buzzerIsOn))
    } else {
      rows[index].gate.readBack = nil
      rows[index].gate.passage = nil
    }
    settleHealth(index, now, &alarms, &effects)
  }

  @_noLocks @_noAllocation
  private mutating func settleHealth(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let isHealthy = rows[index].thermometerIsGood && (rows[index].boardIsUp || !rows[index].settings.hasGate)
    alarms.set(.laneOutOfOrder, at: .lane(LaneID(index)), !isHealthy, now, &effects)
    if isHealthy {
      rows[index].failureAt = .never
    } else {
      if rows[index].failureAt == .never { rows[index].failureAt = now.boot + .seconds(10) }
      rows[index].isPresent = false
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
      schedule(index)
      if heap.deadline(of: index) <= now.boot { heap.set(index, to: now.boot + .milliseconds(10)) }
    }
  }

  @_noLocks @_noAllocation
  private mutating func advance(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let policy = rows[index].settings.policy
    if rows[index].isPresent, now.boot - rows[index].lastPersonAt >= policy.absence {
      rows[index].isPresent = false
      rows[index].personReadings = 0
      leave(index, now, &alarms, &effects)
    }
    if rows[index].thermometerIsGood, now.boot - rows[index].lastGoodAt >= rows[index].settings.staleAfter {
      setThermometer(index, isGood: false, now, &alarms, &effects)
    }
    expireScreenings(index, now, &alarms, &effects)
    advanceGate(index, now, &alarms, &effects)
    settleRelease(index, now, &alarms, &effects)
    settleState(index, now, &effects)
    settleSignals(index, now, &effects)
  }

  /// When this lane must be looked at again.
  @_noLocks @_noAllocation
  mutating func schedule(_ index: Int) {
    var look = min(rows[index].gate.shutAt, rows[index].failureAt)
    let policy = rows[index].settings.policy
    if rows[index].isPresent { look = min(look, rows[index].lastPersonAt + policy.absence) }
    if rows[index].thermometerIsGood { look = min(look, rows[index].lastGoodAt + rows[index].settings.staleAfter) }
    if rows[index].isDenied { look = min(look, rows[index].deniedUntil) }
    if rows[index].buzzerIsOn { look = min(look, rows[index].buzzUntil) }
    if rows[index].called > 0 { look = min(look, rows[index].calledUntil) }
    for slot in slots(index) { look = min(look, deadline(of: slot, index)) }
    heap.set(index, to: look)
  }

  // MARK: What others see

  @_noLocks @_noAllocation
  func settleState(_ index: Int, _ now: Now, _ effects: inout Effects) {
    let state: LaneState
    if rows[index].isReleased {
      state = .released
    } else if !canScreen(index) {
      state = .outOfOrder
    } else if case .shut = rows[index].gate.state {
      state = rows[index].screening >= 0 ? .measuring : .free
    } else {
      state = .releasing
    }
    guard rows[index].state.rawValue != state.rawValue else { return }
    rows[index].state = state
    effects.event(.laneChanged(state), at: .lane(LaneID(index)))
  }

  /// The lamp is lit while somebody is refused or nobody can be screened; the buzzer sounds 3 s at a refusal.
  @_noLocks @_noAllocation
  func settleSignals(_ index: Int, _ now: Now, _ effects: inout Effects) {
    if rows[index].isDenied, now.boot >= rows[index].deniedUntil, !rows[index].isPresent { rows[index].isDenied = false }
    if rows[index].isDenied, now.boot >= rows[index].deniedUntil { rows[index].deniedUntil = now.boot + .seconds(1) }
    let lamp = rows[index].isDenied || rows[index].isReleased || !canScreen(index)
    if lamp != rows[index].lampIsOn {
      rows[index].lampIsOn = lamp
      effects.add(.lamp(LaneID(index), on: lamp))
    }
    let buzzer = now.boot < rows[index].buzzUntil
    if buzzer != rows[index].buzzerIsOn {
      rows[index].buzzerIsOn = buzzer
      effects.add(.buzzer(LaneID(index), on: buzzer))
    }
  }
}
