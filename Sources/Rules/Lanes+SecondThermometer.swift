// A second thermometer of a lane: another device for those who rested, so that the one that found them elevated does not clear
// them. It measures only whoever was called; a burst of it is theirs.

public import Domain

/// The newest readings of a second thermometer.
struct SecondBurst: BitwiseCopyable {
  private var samples = InlineArray<64, Sample>(repeating: Sample())
  private var count = 0

  @_noLocks @_noAllocation
  init() {}

  @_noLocks @_noAllocation
  mutating func add(_ surface: Double, at now: Instant) {
    samples[count % 64] = Sample(surface: surface, at: now)
    count = count < 1_000_000 ? count + 1 : 64 + count % 64 + 1
  }

  @_noLocks @_noAllocation
  mutating func forget() { count = 0 }

  /// degC once there is a burst; NaN before.
  @_noLocks @_noAllocation
  func value(_ policy: FeverPolicy, at now: Instant) -> Double {
    var readings = BurstReadings()
    for back in 1...64 where back <= count {
      let sample = samples[(count - back) % 64]
      readings.add(sample.surface)
      if now - sample.at >= policy.burstFor, readings.count >= policy.burstReadings {
        return readings.value(.median, spread: policy.spread, atLeast: policy.burstReadings)
      }
    }
    return .nan
  }
}

extension Lanes {
  @_noLocks @_noAllocation
  public mutating func secondSurface(
    _ reading: Reading, at lane: LaneID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let index = Int(lane.index)
    let settings = rows[index].settings
    guard let slot = calledForSecond(index) else { return }
    guard case .value(let celsius) = reading.judged(at: now.boot, staleAfter: settings.secondStaleAfter),
      celsius >= settings.policy.personFrom
    else {
      rows[index].second.forget()
      return
    }
    rows[index].second.add(celsius, at: now.boot)
    let surface = rows[index].second.value(settings.policy, at: now.boot)
    guard surface.isFinite else { return }
    decideSecond(slot, index, surface, now, &alarms, &effects)
    schedule(index)
  }

  /// The called screening that the second thermometer measures; `nil`: none.
  @_noLocks @_noAllocation
  func calledForSecond(_ index: Int) -> Int? {
    guard rows[index].settings.hasSecond, rows[index].called > 0, let slot = find(rows[index].called) else { return nil }
    return screenings[slot].wasResting && isWaiting(slot) ? slot : nil
  }

  @_noLocks @_noAllocation
  private mutating func decideSecond(
    _ called: Int, _ index: Int, _ surface: Double, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let policy = rows[index].settings.policy
    let offset = rows[index].settings.secondOffset
    let estimate = surface + offset
    let isElevated = estimate >= policy.threshold
    // The gate opens for them alone, so nobody else may be at the lane.
    if !isElevated, estimate >= policy.lowGuard, !mayPass(index) { return }
    guard let slot = bring(called, to: index, now, &alarms, &effects) else { return }
    rows[index].second.forget()
    rows[index].called = 0
    rows[index].calledUntil = .never
    var personal = Personal(surface: surface, ambient: .nan, estimate: estimate)
    personal.siteOffset = offset
    personal.token = screenings[slot].identity
    screenings[slot].personal = personal
    screenings[slot].measuredBySecond = true
    screenings[slot].attempt &+= 1
    if isElevated {
      let isHigh = estimate >= policy.high
      suspect(index, slot, high: isHigh, now, &alarms, &effects)
      wait(index, slot, .contactTest, isHigh ? .high : .elevated, now, &alarms, &effects)
    } else if estimate < policy.lowGuard {
      wait(index, slot, .noResult, .low, now, &alarms, &effects)
    } else if screenings[slot].needsContact {
      wait(index, slot, .contactTest, .normal, now, &alarms, &effects)
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
