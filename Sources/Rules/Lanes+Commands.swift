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
      open(index, ticket: 0, .none, now, &effects)
    }
    settleState(index, now, &effects)
    schedule(index)
    return .done
  }

  /// Opens the gate of its lane for somebody who waits, on somebody's word.
  @_noLocks @_noAllocation
  public mutating func override(
    ticket: UInt32, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) -> Answer {
    guard let slot = find(ticket) else { return .refused(.unknownTicket) }
    guard isWaiting(slot) else { return .refused(.notWaiting) }
    let index = slot / Self.waitingMax
    if case .suspended = rows[index].block { return .refused(.suspended) }
    if let refusal = refusalToPass(index) { return .refused(refusal) }
    pass(index, slot, .overridden, now, &alarms, &effects)
    schedule(index)
    return .done
  }

  /// Calls a waiting person back, to the lane they left or to another: the next presence there within two minutes is theirs.
  @_noLocks @_noAllocation
  public mutating func resume(_ ticket: UInt32, at lane: LaneID? = nil, _ now: Now, _ effects: inout Effects) -> Answer {
    guard let slot = find(ticket) else { return .refused(.unknownTicket) }
    guard isWaiting(slot) else { return .refused(.notWaiting) }
    guard now.boot >= screenings[slot].waitUntil else { return .refused(.tooEarly) }
    var index = slot / Self.waitingMax
    if let lane { index = Int(lane.index) }
    guard index < rows.capacity else { return .refused(.unknownLane) }
    guard rows[index].screening < 0, !rows[index].isPresent, rows[index].called == 0 else { return .refused(.laneBusy) }
    forgetCall(ticket)
    rows[index].called = ticket
    rows[index].calledUntil = now.boot + .seconds(120)
    rows[index].second.forget()
    tellResumed(slot, index, &effects)
    schedule(index)
    return .done
  }

  /// One ticket, one person: it is called to one lane.
  @_noLocks @_noAllocation
  func forgetCall(_ ticket: UInt32) {
    for index in 0..<rows.capacity where rows[index].called == ticket {
      rows[index].called = 0
      rows[index].calledUntil = .never
    }
  }

  /// The relative rule begins anew: another hall, another thermometer, other people.
  @_noLocks @_noAllocation
  public mutating func resetAverage(_ lane: LaneID) -> Answer {
    guard Int(lane.index) < rows.capacity else { return .refused(.unknownLane) }
    rows[Int(lane.index)].relative.reset()
    return .done
  }

  /// A contact thermometer's reading, degC, for somebody who waits. Whoever lets somebody pass by it says why.
  @_noLocks @_noAllocation
  public mutating func contactReading(
    _ ticket: UInt32, _ celsius: Double, _ site: ContactSite, hasWhy: Bool, _ now: Now, _ alarms: inout Alarms,
    _ effects: inout Effects
  ) -> Answer {
    guard let slot = find(ticket) else { return .refused(.unknownTicket) }
    guard isWaiting(slot) else { return .refused(.notWaiting) }
    let index = slot / Self.waitingMax
    let policy = rows[index].settings.policy
    var estimate = celsius
    if case .ear = site { estimate -= policy.earOffset }
    // Below the guard nothing is known, above 43 °C nobody lives; a typing error must not decide.
    guard estimate >= policy.lowGuard, celsius <= 43 else { return .refused(.implausible) }
    var personal = Personal(surface: .nan, ambient: .nan, estimate: estimate)
    personal.token = screenings[slot].identity
    if estimate >= policy.threshold {
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
      remember(screenings[slot].identity, ticket, index, isIsolated: true, now, &alarms, &effects)
      count(slot, index, hasNumber: true, now, &effects)
      close(index, slot, now, &alarms, &effects)
      schedule(index)
      return .done
    }
    guard hasWhy else { return .refused(.whoAndWhyRequired) }
    switch rows[index].block {
    case .none: break
    case .closed: return .refused(.siteClosed)
    case .suspended: return .refused(.suspended)
    }
    if isUnexpected(slot, index, now) { return .refused(.notOnRoster) }
    if let missing = missing(slot, index) {
      if case .noIdentity = missing { return .refused(.noIdentity) }
      return .refused(.noCredential)
    }
    if let refusal = refusalToPass(index) { return .refused(refusal) }
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
