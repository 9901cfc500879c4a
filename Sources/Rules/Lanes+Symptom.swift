// Somebody saw a symptom: whoever has it passes nowhere, whatever a thermometer says, and the gate that was opened for them is shut.

public import Domain

extension Lanes {
  /// A symptom of whoever stands at a lane, or was let through and is not through yet. Their ticket; 0: none is known.
  @_noLocks @_noAllocation
  public mutating func symptom(at lane: LaneID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) -> UInt32 {
    let index = Int(lane.index)
    guard index < rows.capacity else { return 0 }
    if let called = calledForSecond(index) {
      // They were called to its second thermometer, and are seen there; where somebody else is at the lane too, staff call again.
      rows[index].second.forget()
      let ticket = rows[index].called
      forgetCall(ticket)
      if !rows[index].isPresent, !isLetThrough(index) {
        isolate(called, now, &alarms, &effects)
        return ticket
      }
    }
    var ticket: UInt32 = 0
    // Who waits for the gate is not the one it is open for.
    let isAnother = rows[index].isPresent && rows[index].waitsForGate
    if rows[index].isPresent {
      ticket = rows[index].standing
      // Nobody is measured any more before they have stepped away.
      rows[index].isJudged = true
      rows[index].waitsForGate = false
      if let slot = find(ticket) {
        isolate(slot, now, &alarms, &effects)
        return ticket
      }
    }
    if !isAnother, isLetThrough(index), ticket == 0 || ticket == rows[index].gate.ticket {
      ticket = rows[index].gate.ticket
      holdBack(index, now, &alarms, &effects)
    }
    if rows[index].isPresent { ticket = isolateWhoStands(index, ticket, now, &alarms, &effects) }
    schedule(index)
    return ticket
  }

  /// Whoever stands there has no open screening: they passed and are not through, were denied, or wait for the gate. Their ticket; who
  /// has an identity and no ticket is given one, by which staff can allow them.
  @_noLocks @_noAllocation
  private mutating func isolateWhoStands(
    _ index: Int, _ known: UInt32, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) -> UInt32 {
    let gate = rows[index].gate
    let isPassed = known > 0 && known == gate.ticket
    // Who is through is through, and whoever stands there is somebody else.
    if isPassed, gate.passages > 0 { return known }
    if rows[index].standingIdentity.isNone { rows[index].standingIdentity = takeIdentity(index, now) }
    let identity = rows[index].standingIdentity
    var ticket = known
    if let place = findRefused(identity) {
      if refused[place].isIsolated { return ticket > 0 ? ticket : refused[place].ticket }
      if ticket == 0 { ticket = refused[place].ticket }
    }
    guard isPassed || !identity.isNone else { return ticket }
    if ticket == 0 {
      lastTicket[0] &+= 1
      ticket = lastTicket[0]
    }
    rows[index].standing = ticket
    tellIsolated(ticket, identity, index, now, &alarms, &effects)
    showRefusal(index, now, &effects)
    return ticket
  }

  /// Their screening is closed. They are told of once.
  @_noLocks @_noAllocation
  private mutating func tellIsolated(
    _ ticket: UInt32, _ identity: Token, _ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    var personal = Personal.none
    personal.token = identity
    let fact = ScreeningFact(ticket: ticket, attempt: 0, reason: .symptom, next: .isolate, policy: rows[index].settings.policy.version)
    effects.add(.event(.screeningIsolated(fact), source: .lane(LaneID(index)), personal))
    remember(identity, ticket, index, isIsolated: true, now, &alarms, &effects)
    if rows[index].gate.ticket == ticket { rows[index].gate.ticket = 0 }
  }

  /// A symptom of whoever has this ticket. Their lane; `nil`: nobody has it.
  @_noLocks @_noAllocation
  public mutating func symptom(ticket: UInt32, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) -> LaneID? {
    if let slot = find(ticket) {
      isolate(slot, now, &alarms, &effects)
      return LaneID(slot / Self.waitingMax)
    }
    for index in 0..<rows.capacity where ticket > 0 && rows[index].gate.ticket == ticket {
      guard isLetThrough(index) else { continue }
      holdBack(index, now, &alarms, &effects)
      schedule(index)
      return LaneID(index)
    }
    return nil
  }

  /// The gate is open for somebody who is not in it yet.
  @_noLocks @_noAllocation
  private func isLetThrough(_ index: Int) -> Bool {
    guard case .open = rows[index].gate.state, rows[index].gate.isForOne, !rows[index].isReleased else { return false }
    return rows[index].gate.passages == 0 && rows[index].gate.passage != true
  }

  @_noLocks @_noAllocation
  private mutating func isolate(_ slot: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let index = slot / Self.waitingMax
    let row = screenings[slot]
    if Int(rows[index].screening) == slot { rows[index].isJudged = true }
    effects.add(
      .event(.screeningIsolated(fact(index, slot, .symptom, next: .isolate)), source: .lane(LaneID(index)), row.personal))
    remember(row.identity, row.ticket, index, isIsolated: true, now, &alarms, &effects)
    forgetCall(row.ticket)
    count(slot, index, hasNumber: false, now, &effects)
    close(index, slot, now, &alarms, &effects)
    showRefusal(index, now, &effects)
    settleState(index, now, &effects)
    schedule(index)
  }

  /// They have a verdict, and are not through.
  @_noLocks @_noAllocation
  private mutating func holdBack(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let gate = rows[index].gate
    shut(index, now, &effects)
    if gate.ticket > 0 { tellIsolated(gate.ticket, gate.identity, index, now, &alarms, &effects) }
    showRefusal(index, now, &effects)
    settleGate(index, now, &alarms, &effects)
    settleState(index, now, &effects)
  }
}
