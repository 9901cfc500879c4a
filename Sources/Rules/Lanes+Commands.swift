// What staff may tell a lane. Each command has one answer; who may give it is the door's matter, not the rule's.

public import Domain

extension Lanes {
  /// Opens the gate for one person on somebody's word. The log holds who and why.
  @_noLocks @_noAllocation
  public mutating func override(
    _ lane: LaneID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) -> Answer {
    let index = Int(lane.index)
    guard index < rows.capacity else { return .refused(.unknownLane) }
    guard !rows[index].isReleased else { return .refused(.laneReleased) }
    // Staff come in by name to prepare a site that is closed; an incident is ended first, by name.
    if case .suspended = rows[index].block { return .refused(.suspended) }
    guard rows[index].settings.hasGate, rows[index].boardIsUp else { return .refused(.gateUnavailable) }
    guard case .shut = rows[index].gate.state else { return .refused(.laneBusy) }
    guard isReadyToOpen(index) else { return .refused(.gateUnavailable) }
    let slot = Int(rows[index].screening)
    if slot >= 0 {
      pass(index, slot, .overridden, now, &alarms, &effects)
    } else {
      open(index, ticket: 0, now, &effects)
    }
    settleState(index, now, &effects)
    schedule(index)
    return .done
  }

  /// Calls a waiting person back: the next presence at the lane within two minutes is theirs.
  @_noLocks @_noAllocation
  public mutating func resume(_ ticket: UInt32, _ now: Now, _ effects: inout Effects) -> Answer {
    guard let slot = find(ticket) else { return .refused(.unknownTicket) }
    guard isWaiting(slot) else { return .refused(.notWaiting) }
    let index = slot / Self.waitingMax
    guard rows[index].screening < 0, !rows[index].isPresent, rows[index].called == 0 else { return .refused(.laneBusy) }
    rows[index].called = ticket
    rows[index].calledUntil = now.boot + .seconds(120)
    effects.event(
      .screeningResumed(
        ScreeningFact(
          ticket: ticket, attempt: screenings[slot].attempt, reason: .resumed, next: .measuring,
          policy: rows[index].settings.policy.version)), at: .lane(LaneID(index)))
    schedule(index)
    return .done
  }

  /// The relative rule begins anew: another hall, another thermometer, other people.
  @_noLocks @_noAllocation
  public mutating func resetAverage(_ lane: LaneID) -> Answer {
    guard Int(lane.index) < rows.capacity else { return .refused(.unknownLane) }
    rows[Int(lane.index)].relative.reset()
    return .done
  }

  /// A contact thermometer's reading (axillary, degC) for somebody who waits.
  @_noLocks @_noAllocation
  public mutating func contactReading(
    _ ticket: UInt32, _ celsius: Double, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) -> Answer {
    guard let slot = find(ticket) else { return .refused(.unknownTicket) }
    guard isWaiting(slot) else { return .refused(.notWaiting) }
    let index = slot / Self.waitingMax
    let policy = rows[index].settings.policy
    // Below the guard nothing is known, above 43 °C nobody lives; a typing error must not decide.
    guard celsius >= policy.lowGuard, celsius <= 43 else { return .refused(.implausible) }
    let personal = Personal(surface: .nan, ambient: .nan, estimate: celsius)
    if celsius >= policy.threshold {
      screenings[slot].personal = personal
      screenings[slot].wasElevated = true
      alarms.set(.suspectedFever, at: .lane(LaneID(index)), true, priority: .high, now, &effects)
      effects.add(.confirmed(LaneID(index), ticket: ticket, personal))
      effects.add(
        .event(
          .screeningIsolated(
            ScreeningFact(
              ticket: ticket, attempt: screenings[slot].attempt, reason: .contactElevated, next: .isolate,
              policy: policy.version)), source: .lane(LaneID(index)), screenings[slot].personal))
      close(index, slot, now, &alarms, &effects)
      schedule(index)
      return .done
    }
    // Whoever stands at the thermometer must not walk through on somebody else's reading.
    guard rows[index].screening < 0, !rows[index].isPresent, rows[index].personReadings == 0 else { return .refused(.laneBusy) }
    guard !rows[index].isReleased else { return .refused(.laneReleased) }
    switch rows[index].block {
    case .none: break
    case .closed: return .refused(.siteClosed)
    case .suspended: return .refused(.suspended)
    }
    if rows[index].settings.hasGate, !rows[index].boardIsUp || !isReadyToOpen(index) { return .refused(.gateUnavailable) }
    screenings[slot].personal = personal
    pass(index, slot, .contactNormal, now, &alarms, &effects)
    schedule(index)
    return .done
  }

  @_noLocks @_noAllocation
  func isWaiting(_ slot: Int) -> Bool {
    switch screenings[slot].state {
    case .coldWait, .rest, .contactTest, .noResult: true
    default: false
    }
  }
}
