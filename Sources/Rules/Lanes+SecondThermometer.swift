// A second thermometer of a lane: another device for those who rested, so that the one that found them elevated does not clear
// them. It measures only whoever was called; a burst of it is theirs.

public import Domain

/// The newest readings of a second thermometer.
struct SecondBurst: BitwiseCopyable {
  private var samples = InlineArray<64, Sample>(repeating: Sample())
  private var count = 0

  @_noLocks @_noAllocation
  init() {}

  /// A reading; after a silence of more than `staleAfter` it is the first.
  @_noLocks @_noAllocation
  mutating func add(_ surface: Double, at now: Instant, staleAfter: Interval) {
    if count > 0, now - samples[(count - 1) % 64].at > staleAfter { count = 0 }
    samples[count % 64] = Sample(surface: surface, at: now)
    count = count < 1_000_000 ? count + 1 : 64 + count % 64 + 1
  }

  @_noLocks @_noAllocation
  mutating func forget() { count = 0 }

  /// degC once there is a burst; NaN before. What is older than a try counts no more.
  @_noLocks @_noAllocation
  func value(_ policy: FeverPolicy, at now: Instant) -> Double {
    var readings = BurstReadings()
    for back in 1...64 where back <= count {
      let sample = samples[(count - back) % 64]
      if now - sample.at > policy.tryFor { return .nan }
      readings.add(sample.surface)
      if now - sample.at >= policy.burstFor, readings.count >= policy.burstReadings {
        return readings.value(.median, spread: policy.spread, atLeast: policy.burstReadings)
      }
    }
    return .nan
  }
}

extension Lanes {
  /// The second thermometer's own temperature.
  @_noLocks @_noAllocation
  public mutating func secondAmbient(_ reading: Reading, at lane: LaneID, _ now: Now) {
    let index = Int(lane.index)
    var measured = Measured(value: .nan, at: reading.at)
    if case .value(let value) = reading.judged(at: now.boot, staleAfter: rows[index].settings.secondStaleAfter) { measured.value = value }
    rows[index].secondAmbient = measured
  }

  @_noLocks @_noAllocation
  public mutating func secondSurface(
    _ reading: Reading, at lane: LaneID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let index = Int(lane.index)
    let settings = rows[index].settings
    guard !rows[index].isReleased, let slot = calledForSecond(index) else { return }
    guard !isSomebodyElse(slot, index, now) else { return rows[index].second.forget() }
    if isWarmingUp(reading) { return refuseSecond(slot, index, .warmingUp, now, &alarms, &effects) }
    guard case .value(let celsius) = reading.judged(at: now.boot, staleAfter: settings.secondStaleAfter), isWarmToSecond(index, celsius, now)
    else {
      rows[index].second.forget()
      return
    }
    rows[index].second.add(celsius, at: now.boot, staleAfter: settings.secondStaleAfter)
    let surface = rows[index].second.value(settings.policy, at: now.boot)
    guard surface.isFinite else { return }
    if let obstacle = secondObstacle(index, now) {
      refuseSecond(slot, index, obstacle, now, &alarms, &effects)
    } else {
      decideSecond(slot, index, surface, now, &alarms, &effects)
      schedule(index)
    }
  }

  /// Where its own temperature is not known or not right, warmth alone tells that somebody stands there, and its gate says the rest.
  @_noLocks @_noAllocation
  private func isWarmToSecond(_ index: Int, _ celsius: Double, _ now: Now) -> Bool {
    let policy = rows[index].settings.policy
    guard celsius >= policy.personFrom else { return false }
    let ambient = secondAmbient(index, now)
    return !isInside(ambient, policy) || celsius >= ambient + policy.personAboveAmbient
  }

  /// The called screening that the second thermometer measures; `nil`: none.
  @_noLocks @_noAllocation
  func calledForSecond(_ index: Int) -> Int? {
    guard rows[index].settings.hasSecond, rows[index].called > 0, let slot = find(rows[index].called) else { return nil }
    return screenings[slot].wasResting && isWaiting(slot) ? slot : nil
  }

  /// Whether an identity was shown that is not that of whoever was called, or cannot be.
  @_noLocks @_noAllocation
  private func isSomebodyElse(_ called: Int, _ index: Int, _ now: Now) -> Bool {
    let shown = heldIdentity(index, now)
    let own = screenings[called].identity
    guard !shown.isNone, !shown.isSame(as: own) else { return false }
    return !own.isNone || objection(to: shown, now) != nil || findWaiting(shown) != nil
  }

  /// Whoever was called stands at the lane's second thermometer. `nil`: there is no room for them.
  @_noLocks @_noAllocation
  private mutating func take(_ called: Int, _ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) -> Int? {
    guard let slot = bring(called, to: index, now, &alarms, &effects) else { return nil }
    // What was shown is theirs, and waits for nobody else.
    let identity = takeIdentity(index, now)
    if screenings[slot].identity.isNone {
      screenings[slot].identity = identity
      screenings[slot].personal.token = identity
    }
    rows[index].second.forget()
    rows[index].called = 0
    rows[index].calledUntil = .never
    return slot
  }

  /// It may measure nobody: they wait on, for staff.
  @_noLocks @_noAllocation
  private mutating func refuseSecond(
    _ called: Int, _ index: Int, _ reason: ScreeningReason, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    guard let slot = take(called, index, now, &alarms, &effects) else { return }
    wait(index, slot, .noResult, reason, now, &alarms, &effects)
    schedule(index)
  }

  @_noLocks @_noAllocation
  private mutating func decideSecond(
    _ called: Int, _ index: Int, _ surface: Double, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let policy = rows[index].settings.policy
    let offset = rows[index].settings.secondOffset
    let estimate = surface + offset
    let isElevated = estimate >= policy.threshold
    let isLow = isLow(index, estimate)
    // The gate opens for them alone, so nobody else may be at the lane.
    if !isElevated, !isLow, !mayPass(index) { return }
    guard let slot = take(called, index, now, &alarms, &effects) else { return }
    if !screenings[slot].measuredBySecond {
      rows[index].secondWatch.add(surface)
      tellOneValue(index, surface, now, &alarms, &effects)
    }
    var personal = Personal(surface: surface, ambient: secondAmbient(index, now), estimate: estimate)
    personal.siteOffset = offset
    personal.token = screenings[slot].identity
    screenings[slot].personal = personal
    screenings[slot].measuredBySecond = true
    screenings[slot].attempt &+= 1
    if isStuck(rows[index].secondWatch, at: surface, policy) {
      wait(index, slot, .noResult, .stuck, now, &alarms, &effects)
    } else if isElevated {
      let isHigh = estimate >= policy.high
      suspect(index, slot, high: isHigh, now, &alarms, &effects)
      wait(index, slot, .contactTest, isHigh ? .high : .elevated, now, &alarms, &effects)
    } else if isLow {
      wait(index, slot, .noResult, .low, now, &alarms, &effects)
    } else if screenings[slot].needsContact {
      wait(index, slot, .contactTest, .normal, now, &alarms, &effects)
    } else if isUnexpected(slot, index, now) {
      wait(index, slot, .noResult, .notOnRoster, now, &alarms, &effects)
    } else if let reason = missing(slot, index) {
      wait(index, slot, .noResult, reason, now, &alarms, &effects)
    } else {
      pass(index, slot, .clearedAfterRest, now, &alarms, &effects)
    }
  }

  /// Whether the gate could open now for somebody who does not stand at the thermometer.
  @_noLocks @_noAllocation
  func mayPass(_ index: Int) -> Bool { refusalToPass(index) == nil && !isBlocked(index) }

  @_noLocks @_noAllocation
  func refusalToPass(_ index: Int) -> Refusal? {
    // Whoever stands at the thermometer must not walk through on somebody else's reading.
    guard rows[index].screening < 0, !rows[index].isPresent, rows[index].personReadings == 0 else { return .laneBusy }
    guard !rows[index].isReleased else { return .laneReleased }
    if rows[index].settings.hasGate, !rows[index].boardIsUp || !isReadyToOpen(index) { return .gateUnavailable }
    return nil
  }
}
