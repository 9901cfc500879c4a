// A screening: from the first warm reading to a verdict, or to a ticket. docs/rules.md draws the states; the branches
// here stand in its order.

import Domain

extension Lanes {
  /// The slots of a lane's screenings.
  @_noLocks @_noAllocation
  func slots(_ index: Int) -> Range<Int> { index &* Self.waitingMax..<(index &+ 1) &* Self.waitingMax }

  // MARK: Begin

  @_noLocks @_noAllocation
  mutating func begin(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    guard rows[index].screening < 0, isReadyToOpen(index) else {
      // The gate is still open for the one before, or not known to be shut: until it is, nobody is measured.
      rows[index].isJudged = true
      rows[index].waitsForGate = true
      return
    }
    let identity = takeIdentity(index, now)
    rows[index].standingIdentity = identity
    guard !isBlocked(index) else {
      rows[index].isJudged = true
      var personal = Personal.none
      personal.token = identity
      deny(index, blockReason(index), next: .none, slot: -1, personal: personal, now, &effects)
      return
    }
    if let reason = objection(to: identity, now) {
      // It was said when they showed who they are; nothing of them is measured.
      rows[index].isJudged = true
      var personal = Personal.none
      personal.token = identity
      deny(index, reason, next: .none, slot: -1, personal: personal, now, &effects)
      return
    }
    if let slot = findWaiting(identity) ?? called(index, identity) {
      // Who was called and shows who they are is nobody else from now on.
      if screenings[slot].identity.isNone {
        screenings[slot].identity = identity
        screenings[slot].personal.token = identity
      }
      resume(slot, index, now, &alarms, &effects)
      return
    }
    guard let slot = emptySlot(index) else {
      rows[index].isJudged = true
      deny(index, .tableFull, next: .none, slot: -1, personal: .none, now, &effects)
      return
    }
    lastTicket[0] &+= 1
    screenings[slot] = ScreeningRow()
    screenings[slot].ticket = lastTicket[0]
    screenings[slot].identity = identity
    screenings[slot].personal.token = identity
    effects.event(.screeningBegan(ticket: lastTicket[0]), at: .lane(LaneID(index)))
    enter(slot, .measuring, now)
    stand(slot, index, now, &effects)
  }

  /// Whoever stepped up too early for the gate is screened as soon as it is shut, by what is measured from then on.
  @_noLocks @_noAllocation
  mutating func beginWaiting(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    guard rows[index].waitsForGate, !rows[index].isReleased, isReadyToOpen(index) else { return }
    rows[index].waitsForGate = false
    guard canScreen(index) else { return refuse(index, now, &alarms, &effects) }
    rows[index].isJudged = false
    forgetSamples(index)
    begin(index, now, &alarms, &effects)
  }

  /// The one who was called, unless somebody else's identity was shown, or another thermometer measures them.
  @_noLocks @_noAllocation
  private func called(_ index: Int, _ identity: Token) -> Int? {
    guard rows[index].called > 0, calledForSecond(index) == nil, let slot = find(rows[index].called), isWaiting(slot) else { return nil }
    let isOther = !identity.isNone && !screenings[slot].identity.isNone
    return isOther ? nil : slot
  }

  /// Somebody who waited stands at a lane again.
  @_noLocks @_noAllocation
  mutating func resume(_ waiting: Int, _ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    guard let slot = bring(waiting, to: index, now, &alarms, &effects) else {
      rows[index].isJudged = true
      deny(index, .tableFull, next: screenings[waiting].state, slot: waiting, personal: screenings[waiting].personal, now, &effects)
      return
    }
    if rows[index].called == screenings[slot].ticket {
      rows[index].called = 0
      rows[index].calledUntil = .never
    } else {
      tellResumed(slot, index, &effects)
    }
    screenings[slot].measureFrom = now.boot
    screenings[slot].measuredBySecond = false
    enter(slot, .measuring, now)
    stand(slot, index, now, &effects)
  }

  @_noLocks @_noAllocation
  private mutating func stand(_ slot: Int, _ index: Int, _ now: Now, _ effects: inout Effects) {
    rows[index].screening = Int32(truncatingIfNeeded: slot)
    rows[index].standing = screenings[slot].ticket
    rows[index].standingIdentity = screenings[slot].identity
    screenings[slot].beganAt = now.boot
    beginTries(slot, index, now)
    settleState(index, now, &effects)
  }

  @_noLocks @_noAllocation
  func beginTries(_ slot: Int, _ index: Int, _ now: Now) {
    screenings[slot].tryEnds = now.boot + rows[index].settings.policy.tryFor
    screenings[slot].failedTries = 0
    lookAt(slot, index)
  }

  @_noLocks @_noAllocation
  func tellResumed(_ slot: Int, _ index: Int, _ effects: inout Effects) {
    var personal = Personal.none
    personal.token = screenings[slot].identity
    effects.add(
      .event(
        .screeningResumed(
          ScreeningFact(
            ticket: screenings[slot].ticket, attempt: screenings[slot].attempt, reason: .resumed, next: .measuring,
            policy: rows[index].settings.policy.version)), source: .lane(LaneID(index)), personal))
  }

  @_noLocks @_noAllocation
  func emptySlot(_ index: Int) -> Int? {
    for slot in slots(index) {
      if case .none = screenings[slot].state { return slot }
    }
    return nil
  }

  @_noLocks @_noAllocation
  func find(_ ticket: UInt32) -> Int? {
    guard ticket > 0 else { return nil }
    for slot in 0..<screenings.capacity where screenings[slot].ticket == ticket {
      if case .none = screenings[slot].state { continue }
      return slot
    }
    return nil
  }

  @_noLocks @_noAllocation
  func enter(_ slot: Int, _ state: ScreeningState, _ now: Now) {
    screenings[slot].state = state
    screenings[slot].since = now.boot
  }

  // MARK: Measure

  /// Looks whether the newest readings are a burst: enough of them, long enough, close enough.
  @_noLocks @_noAllocation
  func measure(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let slot = Int(rows[index].screening)
    guard slot >= 0, now.boot >= screenings[slot].measureFrom else { return }
    if let obstacle = rows[index].obstacle {
      wait(index, slot, .noResult, obstacle, now, &alarms, &effects)
      return
    }
    if isUnexpected(slot, index, now) {
      wait(index, slot, .noResult, .notOnRoster, now, &alarms, &effects)
      return
    }
    guard missing(slot, index) == nil else { return }
    let policy = rows[index].settings.policy
    // The newest readings that are enough and long enough; a slow thermometer needs a longer while for them.
    let from = max(screenings[slot].measureFrom, now.boot + Interval(ns: 0 &- policy.tryFor.ns))
    var readings = BurstReadings()
    var oldest = now.boot
    for back in 1...64 where back <= Int(rows[index].sampleCount) {
      let sample = rows[index].samples[(Int(rows[index].sampleCount) &- back) % 64]
      if sample.at < from { break }
      readings.add(sample.surface)
      oldest = sample.at
      if now.boot - oldest >= policy.burstFor, readings.count >= policy.burstReadings { break }
    }
    guard readings.count >= policy.burstReadings, now.boot - oldest >= policy.burstFor else { return }
    let surface = readings.value(rows[index].settings.burst, spread: policy.spread, atLeast: policy.burstReadings)
    guard surface.isFinite else { return }
    decide(index, slot, surface, now, &alarms, &effects)
  }

  // MARK: Decide

  @_noLocks @_noAllocation
  private func decide(
    _ index: Int, _ slot: Int, _ surface: Double, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let policy = rows[index].settings.policy
    if isRefused(screenings[slot].identity) {
      rows[index].isJudged = true
      deny(index, .refused, next: .none, slot: slot, personal: screenings[slot].personal, now, &effects)
      close(index, slot, now, &alarms, &effects)
      settleState(index, now, &effects)
      return
    }
    var personal = estimate(index, surface, now)
    personal.token = screenings[slot].identity
    let estimate = personal.estimate
    screenings[slot].personal = personal
    screenings[slot].attempt &+= 1
    let isLow = isLow(index, estimate)
    if screenings[slot].attempt == 1 {
      follow(index, estimate, now, &alarms, &effects)
      rows[index].watch.add(surface)
      tellOneValue(index, surface, now, &alarms, &effects)
    }
    if isStuck(rows[index].watch, at: surface, policy) {
      wait(index, slot, .noResult, .stuck, now, &alarms, &effects)
      return
    }
    var isWarmer = false
    if !isLow { isWarmer = isWarmerThanOthers(index, slot, estimate, now) }
    let reason = isLow ? .low : policy.reason(estimate, isWarmer: isWarmer)
    switch reason {
    case .low:
      screenings[slot].coldWaits &+= 1
      let next: ScreeningState = screenings[slot].coldWaits > 1 ? .noResult : .coldWait
      wait(index, slot, next, .low, now, &alarms, &effects)
    case .high:
      suspect(index, slot, high: true, now, &alarms, &effects)
      wait(index, slot, .rest, .high, now, &alarms, &effects)
    case .elevated, .relative:
      elevated(index, slot, reason, now, &alarms, &effects)
    default:
      if screenings[slot].wasResting {
        // A rest is cleared by another device, never by the same one alone.
        let isOther = screenings[slot].elevatedAt >= 0 && screenings[slot].elevatedAt != Int32(truncatingIfNeeded: index)
        if isOther, !screenings[slot].needsContact {
          passIfShut(index, slot, .clearedAfterRest, now, &alarms, &effects)
        } else {
          wait(index, slot, .contactTest, .normal, now, &alarms, &effects)
        }
      } else {
        normal(index, slot, isBorderline: estimate >= policy.retakeFrom, now, &alarms, &effects)
      }
    }
  }

  /// By the relative rule, which stands beside the fixed limit: either is enough, and neither clears what the other found.
  @_noLocks @_noAllocation
  private func isWarmerThanOthers(_ index: Int, _ slot: Int, _ estimate: Double, _ now: Now) -> Bool {
    let isAbove = rows[index].relative.isAbove(estimate, at: now.boot)
    guard !screenings[slot].isCounted else { return isAbove }
    screenings[slot].isCounted = true
    let isElevated = isAbove || estimate >= rows[index].settings.policy.threshold
    rows[index].relative.add(estimate, isElevated: isElevated, at: now.boot)
    return isAbove
  }

  @_noLocks @_noAllocation
  func isLow(_ index: Int, _ estimate: Double) -> Bool {
    rows[index].settings.policy.isLow(estimate, among: statistics[index].estimates)
  }

  @_noLocks @_noAllocation
  private func elevated(
    _ index: Int, _ slot: Int, _ reason: ScreeningReason, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    suspect(index, slot, high: false, now, &alarms, &effects)
    screenings[slot].highReadings &+= 1
    if screenings[slot].wasResting {
      wait(index, slot, .contactTest, reason, now, &alarms, &effects)
    } else if screenings[slot].highReadings >= 2 {
      wait(index, slot, .rest, reason, now, &alarms, &effects)
    } else {
      again(index, slot, .suspect, reason, now, &effects)
    }
  }

  @_noLocks @_noAllocation
  private func normal(
    _ index: Int, _ slot: Int, isBorderline: Bool, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    screenings[slot].normalReadings &+= 1
    if screenings[slot].attempt == 1 { watchSpread(index, screenings[slot].personal.estimate, now, &alarms, &effects) }
    switch screenings[slot].state {
    case .suspect where screenings[slot].normalReadings < 2:
      // Best of three: one high, one normal, so a third decides.
      again(index, slot, .suspect, .normal, now, &effects)
    case .measuring where isBorderline:
      again(index, slot, .retake, .borderline, now, &effects)
    default:
      passIfShut(index, slot, .normal, now, &alarms, &effects)
    }
  }

  /// The gate may have been moved since the person stepped up: one that is not shut is opened for nobody.
  @_noLocks @_noAllocation
  private func passIfShut(
    _ index: Int, _ slot: Int, _ reason: ScreeningReason, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    if isReadyToOpen(index) {
      pass(index, slot, reason, now, &alarms, &effects)
    } else {
      wait(index, slot, .noResult, .deviceUnhealthy, now, &alarms, &effects)
    }
  }

  /// The same person is measured again, in a while.
  @_noLocks @_noAllocation
  private func again(
    _ index: Int, _ slot: Int, _ state: ScreeningState, _ reason: ScreeningReason, _ now: Now, _ effects: inout Effects
  ) {
    enter(slot, state, now)
    screenings[slot].measureFrom = now.boot + rows[index].settings.policy.retakeAfter
    screenings[slot].tryEnds = screenings[slot].measureFrom + rows[index].settings.policy.tryFor
    lookAt(slot, index)
    deny(index, reason, next: state, slot: slot, personal: screenings[slot].personal, now, &effects)
  }

  @_noLocks @_noAllocation
  func suspect(_ index: Int, _ slot: Int, high: Bool, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let isNew = !screenings[slot].wasElevated
    // Normal readings of before say nothing against it.
    if isNew { screenings[slot].normalReadings = 0 }
    if screenings[slot].elevatedAt < 0 { screenings[slot].elevatedAt = Int32(truncatingIfNeeded: index) }
    screenings[slot].wasElevated = true
    alarms.set(
      .suspectedFever, at: .lane(LaneID(index)), true, value: .nan, priority: high ? .high : nil, renew: isNew, now, &effects)
  }

  @_noLocks @_noAllocation
  func pass(
    _ index: Int, _ slot: Int, _ reason: ScreeningReason, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let row = screenings[slot]
    rows[index].passed &+= 1
    rows[index].isJudged = true
    rows[index].isDenied = false
    var hasNumber = true
    if case .overridden = reason { hasNumber = false }
    count(slot, index, hasNumber: hasNumber, now, &effects)
    effects.add(
      .event(
        .screeningPassed(fact(index, slot, reason, next: .passed)), source: .lane(LaneID(index)), row.personal))
    close(index, slot, now, &alarms, &effects)
    open(index, ticket: row.ticket, row.identity, now, &effects)
    settleState(index, now, &effects)
    settleSignals(index, now, &effects)
  }

  /// The running median of everybody's first estimate: a wrong site offset shows here, whichever way it is wrong. A few with
  /// fever, or from the cold, move it little.
  @_noLocks @_noAllocation
  private func follow(_ index: Int, _ estimate: Double, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let policy = rows[index].settings.policy
    statistics[index].estimates.add(estimate)
    guard statistics[index].estimates.count >= policy.driftPeople else { return }
    let median = statistics[index].estimates.value
    let off = abs(median - policy.normalMiddle)
    if off > policy.driftMax {
      alarms.set(.laneDrift, at: .lane(LaneID(index)), true, value: median, now, &effects)
    } else if off < policy.driftMax * 0.8 {
      alarms.set(.laneDrift, at: .lane(LaneID(index)), false, value: median, now, &effects)
    }
  }

  // MARK: Leave the lane

  /// Out of the lane with a ticket.
  @_noLocks @_noAllocation
  func wait(
    _ index: Int, _ slot: Int, _ wanted: ScreeningState, _ reason: ScreeningReason, _ now: Now, _ alarms: inout Alarms,
    _ effects: inout Effects
  ) {
    // Whoever was elevated once rests, whatever else stops the measurement: coming back, another device clears them.
    var state = wanted
    if screenings[slot].wasElevated {
      switch wanted {
      case .coldWait, .noResult:
        if screenings[slot].wasResting { screenings[slot].invalidAfterRest &+= 1 }
        state = screenings[slot].invalidAfterRest >= 2 ? .contactTest : .rest
      default: break
      }
    }
    if case .contactTest = state { screenings[slot].needsContact = true }
    if screenings[slot].needsContact { state = .contactTest }
    enter(slot, state, now)
    switch state {
    case .rest: screenings[slot].waitUntil = now.boot + rows[index].settings.policy.rest
    case .coldWait: screenings[slot].waitUntil = now.boot + coldWait(index, now)
    default: screenings[slot].waitUntil = now.boot
    }
    lookAt(slot, index)
    var isElevated = false
    if case .rest = state { isElevated = true }
    if case .contactTest = state { isElevated = true }
    if isElevated { screenings[slot].wasResting = true }
    count(slot, index, hasNumber: isElevated, now, &effects)
    if screenings[slot].ticketAt == .past { screenings[slot].ticketAt = now.boot }
    // Somebody else may stand at the thermometer, and is measured on.
    if Int(rows[index].screening) == slot {
      rows[index].isJudged = true
      rows[index].screening = -1
    }
    deny(index, reason, next: state, slot: slot, personal: screenings[slot].personal, now, &effects)
    settleState(index, now, &effects)
  }

  @_noLocks @_noAllocation
  func deny(
    _ index: Int, _ reason: ScreeningReason, next: ScreeningState, slot: Int, personal: Personal, _ now: Now,
    _ effects: inout Effects
  ) {
    rows[index].denied &+= 1
    effects.add(.event(.screeningDenied(fact(index, slot, reason, next: next)), source: .lane(LaneID(index)), personal))
    showRefusal(index, now, &effects)
  }

  @_noLocks @_noAllocation
  func showRefusal(_ index: Int, _ now: Now, _ effects: inout Effects) {
    rows[index].isDenied = true
    rows[index].deniedUntil = now.boot + .seconds(5)
    rows[index].buzzUntil = now.boot + .seconds(3)
    settleSignals(index, now, &effects)
  }

  @_noLocks @_noAllocation
  func fact(_ index: Int, _ slot: Int, _ reason: ScreeningReason, next: ScreeningState) -> ScreeningFact {
    var fact = ScreeningFact(
      ticket: slot >= 0 ? screenings[slot].ticket : 0, attempt: slot >= 0 ? screenings[slot].attempt : 0, reason: reason,
      next: next, policy: rows[index].settings.policy.version)
    // What was measured last, and by what.
    if slot >= 0, screenings[slot].personal.surface.isFinite {
      let isSecond = screenings[slot].measuredBySecond
      fact.device = isSecond ? rows[index].settings.second : rows[index].settings.thermometer
      fact.calibrated = isSecond ? rows[index].settings.secondCalibrated : rows[index].settings.calibrated
    }
    return fact
  }

  /// The person has gone from the thermometer.
  @_noLocks @_noAllocation
  func leave(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let slot = Int(rows[index].screening)
    guard slot >= 0 else { return }
    abandon(index, slot, .left, now, &alarms, &effects)
  }

  @_noLocks @_noAllocation
  private func abandon(
    _ index: Int, _ slot: Int, _ reason: ScreeningReason, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let wasElevated = screenings[slot].wasElevated
    if wasElevated {
      let row = screenings[slot]
      remember(row.identity, row.ticket, index, isIsolated: false, now, &alarms, &effects)
      if row.hasFailedCredential { rememberCredential(row.identity, row.ticket, index, now, &alarms, &effects) }
    }
    effects.add(
      .event(
        .screeningAbandoned(fact(index, slot, reason, next: .abandoned)), source: .lane(LaneID(index)),
        screenings[slot].personal))
    close(index, slot, now, &alarms, &effects)
    if wasElevated { alarms.occur(.suspectLeft, at: .lane(LaneID(index)), now, &effects) }
    settleState(index, now, &effects)
  }

  /// Two people in one presence: what was measured belongs to nobody.
  @_noLocks @_noAllocation
  func secondPerson(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    rows[index].isJudged = true
    let slot = Int(rows[index].screening)
    guard slot >= 0 else { return }
    if screenings[slot].wasElevated {
      wait(index, slot, .rest, .secondPerson, now, &alarms, &effects)
    } else {
      deny(index, .secondPerson, next: .measuring, slot: slot, personal: screenings[slot].personal, now, &effects)
      abandon(index, slot, .secondPerson, now, &alarms, &effects)
    }
  }

  /// The thermometer or the board went away in the middle: no result, a ticket, never a pass.
  @_noLocks @_noAllocation
  func loseDevice(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let reason: ScreeningReason = rows[index].isWarmingUp ? .warmingUp : .deviceUnhealthy
    wait(index, Int(rows[index].screening), .noResult, reason, now, &alarms, &effects)
  }

  /// The lane may not admit anybody any more: whoever is measured waits, as after a lost device.
  @_noLocks @_noAllocation
  func refuseAdmission(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    wait(index, Int(rows[index].screening), .noResult, blockReason(index), now, &alarms, &effects)
  }

  @_noLocks @_noAllocation
  private func blockReason(_ index: Int) -> ScreeningReason {
    if case .suspended = rows[index].block { return .suspended }
    return .siteClosed
  }

  /// Frees the slot; the last open suspicion takes the alarm with it.
  @_noLocks @_noAllocation
  func close(_ index: Int, _ slot: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    if Int(rows[index].screening) == slot { rows[index].screening = -1 }
    countTicket(slot, index, now, &effects)
    if rows[index].called == screenings[slot].ticket {
      rows[index].called = 0
      rows[index].calledUntil = .never
    }
    screenings[slot].state = .none
    settleSuspicion(index, now, &alarms, &effects)
  }

  @_noLocks @_noAllocation
  func settleSuspicion(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    var isSuspected = false
    for other in slots(index) where screenings[other].wasElevated {
      if case .none = screenings[other].state { continue }
      isSuspected = true
    }
    if !isSuspected { alarms.set(.suspectedFever, at: .lane(LaneID(index)), false, now, &effects) }
  }

  // MARK: Time

  @_noLocks @_noAllocation
  private func deadline(of slot: Int, _ index: Int) -> Instant {
    let policy = rows[index].settings.policy
    switch screenings[slot].state {
    case .none, .passed, .isolate, .abandoned: return .never
    case .measuring, .retake, .suspect: return min(screenings[slot].tryEnds, screenings[slot].beganAt + policy.longest)
    case .coldWait, .rest, .contactTest, .noResult: return screenings[slot].since + policy.waitingLongest
    }
  }

  @_noLocks @_noAllocation
  func expireScreenings(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    if rows[index].called > 0, now.boot >= rows[index].calledUntil {
      rows[index].called = 0
      rows[index].calledUntil = .never
    }
    guard now.boot >= rows[index].ticketsLook else { return }
    rows[index].ticketsLook = .never
    for slot in slots(index) {
      if now.boot >= deadline(of: slot, index) {
        switch screenings[slot].state {
        case .measuring, .retake, .suspect: expireMeasuring(index, slot, now, &alarms, &effects)
        default: abandon(index, slot, .tooLong, now, &alarms, &effects)
        }
      }
      lookAt(slot, index)
    }
  }

  /// This screening may have to be looked at before the lane's others.
  @_noLocks @_noAllocation
  func lookAt(_ slot: Int, _ index: Int) { rows[index].ticketsLook = min(rows[index].ticketsLook, deadline(of: slot, index)) }

  @_noLocks @_noAllocation
  private func expireMeasuring(_ index: Int, _ slot: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let policy = rows[index].settings.policy
    screenings[slot].failedTries &+= 1
    let unmeasured: ScreeningReason = Int(rows[index].sampleCount) < policy.burstReadings ? .tooFew : .scattered
    let reason = missing(slot, index) ?? unmeasured
    if now.boot >= screenings[slot].beganAt + policy.longest {
      wait(index, slot, .noResult, .tooLong, now, &alarms, &effects)
    } else if Int(screenings[slot].failedTries) >= policy.tries {
      wait(index, slot, .noResult, reason, now, &alarms, &effects)
    } else {
      screenings[slot].tryEnds = now.boot + policy.tryFor
    }
  }
}
