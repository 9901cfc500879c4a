// The gate: one opening a verdict, shut again by the board's own pulse, read back where there is a contact; and the
// ways it opens without a verdict, each with an alarm: fire, staff, and the failure state the site has chosen.

public import Domain

extension Lanes {
  // MARK: Contacts

  /// A contact of the lane as its board tells it; `isOn` is `nil` when it is not known.
  @_noLocks @_noAllocation
  public mutating func contact(
    _ contact: Contact, isOn: Bool?, at lane: LaneID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let index = Int(lane.index)
    // What a contact goes on saying moves nothing, but that of the gate, which confirms an order by saying so again.
    switch contact {
    case .passage where rows[index].gate.passage == isOn: return
    case .fireRelease where rows[index].fireInput == isOn: return
    case .staffButton where rows[index].staffInput == isOn: return
    default: break
    }
    switch contact {
    case .readBack:
      rows[index].gate.readBack = isOn
      settleGate(index, now, &alarms, &effects)
    case .passage:
      let before = rows[index].gate.passage
      rows[index].gate.passage = isOn
      if before == false, isOn == true { passed(index, now, &alarms, &effects) }
      if before == true, isOn == false { wentThrough(index, now, &effects) }
    case .fireRelease:
      rows[index].fireInput = isOn
      if let isOn { rows[index].fire = isOn }
      settleRelease(index, now, &alarms, &effects)
    case .staffButton:
      rows[index].staffInput = isOn
      if let isOn { rows[index].staff = isOn }
      settleRelease(index, now, &alarms, &effects)
    case .presence: presence(index, isOn, now, &alarms, &effects)
    }
    place(index, now, &effects)
    settleState(index, now, &effects)
    settleSignals(index, now, &effects)
    schedule(index)
  }

  @_noLocks @_noAllocation
  private mutating func presence(
    _ index: Int, _ isOn: Bool?, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    guard rows[index].settings.hasPresence else { return }
    let isKnown = isOn != nil
    if rows[index].presenceIsKnown != isKnown {
      rows[index].presenceIsKnown = isKnown
      settleHealth(index, now, &alarms, &effects)
    }
    switch isOn {
    case true?:
      rows[index].absentSince = .never
      if !rows[index].isPresent {
        arrive(index, now, &alarms, &effects)
        refuse(index, now, &alarms, &effects)
      }
    case false?: absence(index, now, &alarms, &effects)
    // Not known is no absence.
    case nil: rows[index].absentSince = .never
    }
  }

  /// The board is gone: what its contacts said is no longer known. What released the gate goes on.
  @_noLocks @_noAllocation
  func forgetContacts(_ index: Int) {
    rows[index].gate.readBack = nil
    rows[index].gate.relay = nil
    rows[index].gate.orderFailed = false
    rows[index].gate.repeatAt = .never
    rows[index].gate.passage = nil
    rows[index].gate.isPlaced = false
    rows[index].gate.placeBy = .never
    rows[index].fireInput = nil
    rows[index].staffInput = nil
    if rows[index].settings.hasPresence {
      rows[index].absentSince = .never
      rows[index].presenceIsKnown = false
    }
  }

  /// Somebody is in the gate.
  @_noLocks @_noAllocation
  private func passed(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let place = Place.lane(LaneID(index))
    rows[index].gate.passages &+= 1
    let isScreened = !rows[index].isReleased && rows[index].gate.isForOne && rows[index].gate.passages == 1
    effects.event(.passage(screened: isScreened), at: place)
    guard !isScreened, !rows[index].isReleased else { return }
    alarms.set(.tailgating, at: place, true, renew: true, now, &effects)
    alarms.set(.tailgating, at: place, false, now, &effects)
  }

  /// The one who may pass is through: the gate shuts, without waiting for the rest of its time.
  @_noLocks @_noAllocation
  private func wentThrough(_ index: Int, _ now: Now, _ effects: inout Effects) {
    guard case .open = rows[index].gate.state, !rows[index].isReleased else { return }
    shut(index, now, &effects)
  }

  // MARK: Open and shut

  /// Opens for one person.
  @_noLocks @_noAllocation
  func open(_ index: Int, ticket: UInt32, _ identity: Token, _ now: Now, _ effects: inout Effects) {
    interruptProof(index, now, &effects)
    guard rows[index].settings.hasGate, !rows[index].isReleased else { return }
    rows[index].gate.state = .open
    rows[index].gate.isForOne = true
    rows[index].gate.ticket = ticket
    rows[index].gate.identity = identity
    rows[index].gate.passages = 0
    rows[index].gate.shutAt = now.boot + rows[index].settings.openFor
    // What was read before says nothing of what comes.
    rows[index].gate.readBack = nil
    rows[index].gate.relay = nil
    effects.add(.gate(LaneID(index), .pulse(rows[index].settings.openFor)))
    effects.event(.gateOpened(ticket: ticket), at: .lane(LaneID(index)))
  }

  @_noLocks @_noAllocation
  func shut(_ index: Int, _ now: Now, _ effects: inout Effects) {
    rows[index].gate.state = .shutting
    rows[index].gate.shutAt = .never
    // It is shut when its contact says so from now on.
    rows[index].gate.readBack = nil
    effects.add(.gate(LaneID(index), .shut))
  }

  /// Whether the gate may open for the next one: shut, and read back shut where there is a contact.
  @_noLocks @_noAllocation
  func isReadyToOpen(_ index: Int) -> Bool {
    guard case .shut = rows[index].gate.state, !relayIsWrong(index) else { return false }
    return !rows[index].settings.hasReadBack || rows[index].gate.readBack == false
  }

  /// After its board came up, the relay may stand anywhere. It is brought to where it belongs once the inputs that
  /// release are known, so that no restart ever shuts a way out in a fire. If they stay unknown, a gate whose failure
  /// state is shut is shut after 2 s; one whose failure state is open is left as it stands.
  @_noLocks @_noAllocation
  func place(_ index: Int, _ now: Now, _ effects: inout Effects) {
    guard rows[index].settings.hasGate, rows[index].boardIsUp else { return }
    guard !rows[index].gate.isPlaced else { return }
    if rows[index].gate.placeBy == .never { rows[index].gate.placeBy = now.boot + .seconds(2) }
    let settings = rows[index].settings
    let isKnown =
      rows[index].isReleased ||
      (!settings.hasFireRelease || rows[index].fireInput != nil) && (!settings.hasStaffButton || rows[index].staffInput != nil)
    guard isKnown || now.boot >= rows[index].gate.placeBy else { return }
    rows[index].gate.placeBy = .never
    rows[index].gate.isPlaced = true
    if rows[index].isReleased {
      effects.add(.gate(LaneID(index), .hold))
    } else if isKnown || !settings.opensOnFailure {
      // Somebody may be on the way through: that opening ends by its own time.
      if case .open = rows[index].gate.state { return }
      effects.add(.gate(LaneID(index), .shut))
    }
  }

  @_noLocks @_noAllocation
  mutating func advanceGate(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    if now.boot >= rows[index].gate.shutAt { shut(index, now, &effects) }
    place(index, now, &effects)
    repeatOrder(index, now, &effects)
    settleGate(index, now, &alarms, &effects)
  }

  /// Compares what the gate should be with what its contact says. Without a contact, an order is believed.
  @_noLocks @_noAllocation
  mutating func settleGate(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let place = Place.lane(LaneID(index))
    let isToBeOpen: Bool
    switch rows[index].gate.state {
    case .open: isToBeOpen = true
    case .shut, .shutting: isToBeOpen = rows[index].isReleased
    }
    // Without a contact the relay is asked, and only without either is an order believed.
    let isOpen = rows[index].settings.hasReadBack ? rows[index].gate.readBack : believed(index, isToBeOpen)
    // The alarm has its own second of on-delay: a gate needs time to move, and inputs a moment to be read. A contact that
    // stays unknown on a board that is there is as bad as one that differs.
    if rows[index].boardIsUp || !rows[index].settings.hasGate {
      alarms.set(.gateJammed, at: place, isOpen != isToBeOpen || relayIsWrong(index), now, &effects)
    }
    if case .shutting = rows[index].gate.state, isOpen == false, !rows[index].isReleased {
      rows[index].gate.state = .shut
      rows[index].gate.isForOne = false
      effects.event(.gateShut, at: place)
      settleState(index, now, &effects)
    }
    beginWaiting(index, now, &alarms, &effects)
  }

  @_noLocks @_noAllocation
  private func believed(_ index: Int, _ isToBeOpen: Bool) -> Bool? {
    if let relay = rows[index].gate.relay { return relay }
    return rows[index].gate.orderFailed ? nil : isToBeOpen
  }

  // MARK: Orders that did not arrive

  /// Where the relay has to stand; `nil` while an opening runs, which the board ends, or before it was placed.
  @_noLocks @_noAllocation
  private func wantedRelay(_ index: Int) -> Bool? {
    if rows[index].isReleased { return true }
    if case .open = rows[index].gate.state { return nil }
    return rows[index].gate.isPlaced ? false : nil
  }

  @_noLocks @_noAllocation
  private func relayIsWrong(_ index: Int) -> Bool {
    guard rows[index].settings.hasGate, rows[index].boardIsUp, let wanted = wantedRelay(index) else { return false }
    if let relay = rows[index].gate.relay { return relay != wanted || rows[index].gate.orderFailed }
    return rows[index].gate.orderFailed
  }

  /// The board's own word on the gate's relay, each time it is read. An order may be lost, refused, ended by a pulse that
  /// ran, or forgotten by a board that was reset: it is given again, each second, until the relay stands where it should.
  @_noLocks @_noAllocation
  public mutating func relay(isOn: Bool?, at lane: LaneID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let index = Int(lane.index)
    rows[index].gate.relay = isOn
    if let isOn, isOn == wantedRelay(index) { rows[index].gate.orderFailed = false }
    repeatOrder(index, now, &effects)
    settleGate(index, now, &alarms, &effects)
    schedule(index)
  }

  /// Whether the board carried out the last order to the gate.
  @_noLocks @_noAllocation
  public mutating func gateOrder(worked: Bool, at lane: LaneID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let index = Int(lane.index)
    rows[index].gate.orderFailed = !worked
    repeatOrder(index, now, &effects)
    settleGate(index, now, &alarms, &effects)
    schedule(index)
  }

  @_noLocks @_noAllocation
  func repeatOrder(_ index: Int, _ now: Now, _ effects: inout Effects) {
    guard relayIsWrong(index), let wanted = wantedRelay(index) else {
      rows[index].gate.repeatAt = .never
      return
    }
    // What was read may be older than the order.
    if rows[index].gate.repeatAt == .never { rows[index].gate.repeatAt = now.boot + .milliseconds(500) }
    guard now.boot >= rows[index].gate.repeatAt else { return }
    rows[index].gate.repeatAt = now.boot + .seconds(1)
    effects.add(.gate(LaneID(index), wanted ? .hold : .shut))
  }

  // MARK: The end

  /// The door is stopped: nobody will see to this lane. What fire or staff opened stays open, a gate goes to the state that the
  /// site has chosen for a lane that cannot decide, lamp and buzzer go off.
  @_noLocks @_noAllocation
  public mutating func stop(_ effects: inout Effects) {
    for index in 0..<rows.capacity {
      let lane = LaneID(index)
      if rows[index].settings.hasGate, !rows[index].isReleased {
        if rows[index].settings.opensOnFailure {
          effects.add(.gate(lane, .hold))
        } else if case .open = rows[index].gate.state {
          effects.add(.gate(lane, .end))
        } else {
          effects.add(.gate(lane, .shut))
        }
      }
      effects.add(.lamp(lane, on: false))
      effects.add(.buzzer(lane, on: false))
    }
  }

  /// Whether `stop` opens this lane's gate. That it is open is told when its board says so: nobody sees to it later.
  @_noLocks @_noAllocation
  public func opensWhenStopped(_ lane: LaneID) -> Bool {
    let row = rows[Int(lane.index)]
    return row.settings.hasGate && !row.isReleased && row.settings.opensOnFailure
  }

  // MARK: Without a verdict

  /// Fire and staff open with every sensor dead; a lane that cannot screen opens only if the site chose so.
  @_noLocks @_noAllocation
  mutating func settleRelease(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let place = Place.lane(LaneID(index))
    let hasFailed = rows[index].settings.opensOnFailure && now.boot >= rows[index].failureAt
    let wanted = rows[index].fire || rows[index].staff || hasFailed
    if wanted, !rows[index].isReleased {
      rows[index].isReleased = true
      // Anybody may go and come while it is open: a burst is of before or of after.
      forgetSamples(index)
      rows[index].second.forget()
      rows[index].releaseCause = rows[index].fire ? .fire : rows[index].staff ? .staff : .failure
      rows[index].gate.shutAt = .never
      rows[index].gate.isForOne = false
      rows[index].gate.passages = 0
      effects.add(.gate(LaneID(index), .hold))
      effects.event(.gateReleased(rows[index].releaseCause), at: place)
      alarms.set(.gateUnscreened, at: place, true, now, &effects)
    } else if wanted, rows[index].fire, rows[index].releaseCause != .fire {
      // Fire while staff hold it open: the log must say so.
      rows[index].releaseCause = .fire
      effects.event(.gateReleased(.fire), at: place)
    } else if !wanted, rows[index].isReleased {
      rows[index].isReleased = false
      shut(index, now, &effects)
      effects.event(.gateReturned, at: place)
      alarms.set(.gateUnscreened, at: place, false, now, &effects)
      settleGate(index, now, &alarms, &effects)
    }
  }
}
