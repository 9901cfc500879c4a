// Who somebody is, where a lane has a scanner or a card reader: always a token, never what was read. One person, one identity, one
// screening: it goes on where it was left, at whichever lane, and whoever was elevated and left is refused at every lane until staff
// allow them.

public import Domain

/// Somebody who may not be screened again before staff say so.
struct RefusedRow: BitwiseCopyable {
  var token = Token.none
  var ticket: UInt32 = 0
  /// Where that was.
  var lane: Int32 = -1
  /// They were elevated and left: staff have to find them.
  var hasLeft = false
  /// A contact thermometer confirmed a fever, or somebody saw a symptom: finding them is not enough.
  var isIsolated = false
  /// Another system said no, and has not said otherwise since.
  var hasFailedCredential = false
}

extension Lanes {
  /// Refused identities of a site. Who goes when there is no room stays in the log.
  static var refusedMax: Int { @_noLocks @_noAllocation get { 256 } }

  /// A scanner or a card told who stands at a lane, or is about to.
  @_noLocks @_noAllocation
  public mutating func identity(
    _ token: Token, at lane: LaneID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let index = Int(lane.index)
    guard rows[index].settings.hasIdentity, !rows[index].isReleased, !token.isNone else { return }
    let slot = Int(rows[index].screening)
    // Codes are often read twice.
    if slot >= 0, screenings[slot].identity.isSame(as: token) { return }
    // Whoever stands there after a verdict has shown it already; the next one shows theirs.
    if slot < 0, rows[index].isPresent, rows[index].isJudged, !rows[index].waitsForGate { return }
    let held = heldIdentity(index, now)
    if rows[index].isPresent, rows[index].waitsForGate, !held.isNone, !held.isSame(as: token) {
      // Two people: neither is measured, and neither card waits for whoever comes next.
      rows[index].identity = .none
      rows[index].waitsForGate = false
      deny(index, .secondPerson, next: .none, slot: -1, personal: .none, now, &effects)
      return schedule(index)
    }
    if slot >= 0, !screenings[slot].identity.isNone, !isRefused(token), !isMeasured(token) {
      secondPerson(index, now, &alarms, &effects)
    } else if let reason = objection(to: token, now) {
      var state = ScreeningState.none
      if let waiting = findWaiting(token) { state = screenings[waiting].state }
      tellRefusal(token, index, reason, state, now, &effects)
      if slot >= 0 { drop(slot, index, reason, now, &alarms, &effects) } else { hold(token, index, now) }
    } else if slot >= 0 {
      bind(token, slot, index, now, &alarms, &effects)
    } else {
      hold(token, index, now)
    }
    schedule(index)
  }

  /// Why whoever shows this is not measured now. They are not measured as somebody else either: what they showed stays theirs.
  @_noLocks @_noAllocation
  func objection(to token: Token, _ now: Now) -> ScreeningReason? {
    guard !token.isNone else { return nil }
    if let reason = refusal(of: token) { return reason }
    // Whoever is a suspect there must not be somebody new here before it is noticed that they left.
    if isMeasured(token) { return .elsewhere }
    if let waiting = findWaiting(token), now.boot < screenings[waiting].waitUntil { return .tooEarly }
    return nil
  }

  /// The next one who steps up is this one, here and nowhere else.
  @_noLocks @_noAllocation
  private func hold(_ token: Token, _ index: Int, _ now: Now) {
    rows[index].identity = token
    rows[index].identityAt = now.boot
  }

  /// What was shown, and is nobody's yet.
  @_noLocks @_noAllocation
  func heldIdentity(_ index: Int, _ now: Now) -> Token {
    let isFresh = now.boot - rows[index].identityAt <= rows[index].settings.policy.identityFor
    return rows[index].settings.hasIdentity && isFresh ? rows[index].identity : .none
  }

  /// The identity that was shown for the next one who steps up.
  @_noLocks @_noAllocation
  func takeIdentity(_ index: Int, _ now: Now) -> Token {
    let token = heldIdentity(index, now)
    rows[index].identity = .none
    guard !token.isNone else { return token }
    // Shown at two lanes, it stands for one person all the same.
    for other in 0..<rows.capacity where rows[other].identity.isSame(as: token) { rows[other].identity = .none }
    return token
  }

  /// Somebody who stands there shows who they are; what was measured before does not count.
  @_noLocks @_noAllocation
  private mutating func bind(
    _ token: Token, _ slot: Int, _ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    guard let waiting = findWaiting(token) else {
      rows[index].standingIdentity = token
      screenings[slot].identity = token
      screenings[slot].personal.token = token
      screenings[slot].measureFrom = max(screenings[slot].measureFrom, now.boot)
      beginTries(slot, index, now)
      return
    }
    // They have been here: that screening goes on, and this one is void. What it found is theirs.
    let found = screenings[slot]
    screenings[slot].wasElevated = false
    drop(slot, index, .resumed, now, &alarms, &effects)
    rows[index].isJudged = false
    resume(waiting, index, now, &alarms, &effects)
    let resumed = Int(rows[index].screening)
    if found.hasFailedCredential, resumed >= 0 { screenings[resumed].hasFailedCredential = true }
    guard found.wasElevated, resumed >= 0 else { return }
    screenings[resumed].highReadings &+= found.highReadings
    screenings[resumed].personal = found.personal
    screenings[resumed].personal.token = token
    if screenings[resumed].elevatedAt < 0 { screenings[resumed].elevatedAt = found.elevatedAt }
    suspect(index, resumed, high: false, now, &alarms, &effects)
    if screenings[resumed].highReadings >= 2 { wait(index, resumed, .rest, .elevated, now, &alarms, &effects) }
  }

  /// Ends a screening that is nobody's.
  @_noLocks @_noAllocation
  private mutating func drop(
    _ slot: Int, _ index: Int, _ reason: ScreeningReason, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    // Somebody who was elevated is looked after, whatever card they show.
    if screenings[slot].wasElevated { return wait(index, slot, .rest, reason, now, &alarms, &effects) }
    rows[index].isJudged = true
    effects.add(
      .event(
        .screeningAbandoned(fact(index, slot, reason, next: .abandoned)), source: .lane(LaneID(index)), screenings[slot].personal))
    close(index, slot, now, &alarms, &effects)
    settleState(index, now, &effects)
  }

  /// Whether they stand at some lane.
  @_noLocks @_noAllocation
  private func isMeasured(_ token: Token) -> Bool {
    for index in 0..<rows.capacity {
      let slot = Int(rows[index].screening)
      if slot >= 0, screenings[slot].identity.isSame(as: token) { return true }
    }
    return false
  }

  // MARK: Somebody who waits

  @_noLocks @_noAllocation
  func findWaiting(_ token: Token) -> Int? {
    guard !token.isNone else { return nil }
    for slot in 0..<screenings.capacity where screenings[slot].identity.isSame(as: token) {
      if isWaiting(slot) { return slot }
    }
    return nil
  }

  /// A waiting screening comes to a lane, which need not be the one it left. `nil`: there is no room.
  @_noLocks @_noAllocation
  func bring(_ slot: Int, to index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) -> Int? {
    let home = slot / Self.waitingMax
    guard home != index else { return slot }
    guard let place = emptySlot(index) else { return nil }
    screenings[place] = screenings[slot]
    screenings[slot].state = .none
    forgetCall(screenings[slot].ticket)
    if screenings[place].wasElevated { alarms.set(.suspectedFever, at: .lane(LaneID(index)), true, now, &effects) }
    settleSuspicion(home, now, &alarms, &effects)
    return place
  }

  // MARK: Refused

  @_noLocks @_noAllocation
  func isRefused(_ token: Token) -> Bool {
    guard !token.isNone else { return false }
    return findRefused(token) != nil
  }

  @_noLocks @_noAllocation
  func findRefused(_ token: Token) -> Int? {
    guard !token.isNone else { return nil }
    for index in 0..<refused.capacity where refused[index].token.isSame(as: token) { return index }
    return nil
  }

  @_noLocks @_noAllocation
  private func refusal(of token: Token) -> ScreeningReason? {
    guard let place = findRefused(token) else { return nil }
    return refused[place].hasLeft || refused[place].isIsolated ? .refused : .credential
  }

  /// Whoever was elevated may not come again as somebody new. Where there is no room for all, who left before a fever was confirmed
  /// is forgotten first, the oldest of them; whom nobody remembers is told.
  @_noLocks @_noAllocation
  func remember(
    _ token: Token, _ ticket: UInt32, _ index: Int, isIsolated: Bool, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    guard !token.isNone else { return }
    if let place = refuse(token, ticket, index, isIsolated: isIsolated, now, &alarms, &effects) {
      refused[place].hasLeft = true
      if isIsolated { refused[place].isIsolated = true }
    }
    // They may have begun anew elsewhere before it was noticed that they left.
    for other in 0..<screenings.capacity where screenings[other].identity.isSame(as: token) {
      if case .none = screenings[other].state { continue }
      screenings[other].wasElevated = true
      screenings[other].wasResting = true
    }
  }

  /// Whom another system denied may not come again as somebody new before it says otherwise.
  @_noLocks @_noAllocation
  func rememberCredential(
    _ token: Token, _ ticket: UInt32, _ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    guard !token.isNone else { return }
    if let place = refuse(token, ticket, index, isIsolated: false, now, &alarms, &effects) { refused[place].hasFailedCredential = true }
  }

  /// A row for them, with what is known already. `nil`: there is no room.
  @_noLocks @_noAllocation
  private func refuse(
    _ token: Token, _ ticket: UInt32, _ index: Int, isIsolated: Bool, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) -> Int? {
    guard let place = place(for: token, isIsolated: isIsolated) else {
      tellForgotten(index, now, &alarms, &effects)
      return nil
    }
    if !refused[place].token.isSame(as: token) {
      if !refused[place].token.isNone { tellForgotten(index, now, &alarms, &effects) }
      refused[place] = RefusedRow()
      refused[place].token = token
    }
    refused[place].ticket = ticket
    refused[place].lane = Int32(truncatingIfNeeded: index)
    return place
  }

  @_noLocks @_noAllocation
  private func tellForgotten(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    effects.event(.lost(.identities, count: 1), at: .lane(LaneID(index)))
    alarms.set(.eventsLost, at: .site, true, value: 1, now, &effects)
    alarms.set(.eventsLost, at: .site, false, now, &effects)
  }

  /// Their own place, a free one, or that of the oldest (the smallest ticket) who may be forgotten for them; `nil`: none may.
  @_noLocks @_noAllocation
  private func place(for token: Token, isIsolated: Bool) -> Int? {
    var oldest = -1
    var oldestIsolated = -1
    var free = -1
    for candidate in 0..<refused.capacity {
      let row = refused[candidate]
      if row.token.isSame(as: token) { return candidate }
      if row.token.isNone {
        free = candidate
      } else if row.isIsolated {
        if oldestIsolated < 0 { oldestIsolated = candidate }
        if row.ticket < refused[oldestIsolated].ticket { oldestIsolated = candidate }
      } else {
        if oldest < 0 { oldest = candidate }
        if row.ticket < refused[oldest].ticket { oldest = candidate }
      }
    }
    if free >= 0 { return free }
    if oldest >= 0 { return oldest }
    return isIsolated ? oldestIsolated : nil
  }

  /// Denied without a screening of its own.
  @_noLocks @_noAllocation
  private mutating func tellRefusal(
    _ token: Token, _ index: Int, _ reason: ScreeningReason, _ next: ScreeningState, _ now: Now, _ effects: inout Effects
  ) {
    var personal = Personal.none
    personal.token = token
    deny(index, reason, next: next, slot: -1, personal: personal, now, &effects)
  }

  /// Staff have dealt with those who left a lane.
  @_noLocks @_noAllocation
  public mutating func allowWhoLeft(_ lane: LaneID) {
    for index in 0..<refused.capacity where refused[index].lane == Int32(lane.index) && !refused[index].isIsolated {
      refused[index].hasLeft = false
      freeRefused(index)
    }
  }

  @_noLocks @_noAllocation
  private func freeRefused(_ place: Int) {
    let row = refused[place]
    if !row.hasLeft, !row.isIsolated, !row.hasFailedCredential { refused[place] = RefusedRow() }
  }

  /// One person may come again, or come though they are not on the roster, by the ticket they have.
  @_noLocks @_noAllocation
  public mutating func allow(_ ticket: UInt32, _ now: Now) -> Answer {
    for index in 0..<refused.capacity where ticket > 0 && refused[index].ticket == ticket {
      refused[index] = RefusedRow()
      return .done
    }
    guard let slot = find(ticket), isWaiting(slot) else { return .refused(.unknownTicket) }
    guard !screenings[slot].identity.isNone, !isOnRoster(screenings[slot].identity, now) else { return .refused(.unknownTicket) }
    screenings[slot].isAllowed = true
    return .done
  }

  // MARK: The roster

  @_noLocks @_noAllocation
  func isOnRoster(_ token: Token, _ now: Now) -> Bool {
    var first = 0
    var end = roster.capacity
    while first < end {
      let middle = (first &+ end) / 2
      let row = roster[middle]
      if row.token.isBefore(token) { first = middle &+ 1 } else { end = middle }
    }
    guard first < roster.capacity else { return false }
    let row = roster[first]
    return row.token.isSame(as: token) && now.wall < row.until
  }

  /// Whether they showed who they are, and nobody of that identity is expected: staff decide.
  @_noLocks @_noAllocation
  func isUnexpected(_ slot: Int, _ index: Int, _ now: Now) -> Bool {
    let row = screenings[slot]
    guard rows[index].settings.rosterRequired, !row.identity.isNone, !row.isAllowed else { return false }
    return !isOnRoster(row.identity, now)
  }

  /// What another system found of the person at a lane: a code, a list. It can deny, and never open.
  @_noLocks @_noAllocation
  public mutating func credential(
    _ lane: LaneID, passed: Bool, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) -> Answer {
    let index = Int(lane.index)
    guard index < rows.capacity else { return .refused(.unknownLane) }
    let slot = Int(rows[index].screening)
    guard slot >= 0 else {
      // Whoever stands there is denied by what it said before.
      guard passed, rows[index].isPresent, let place = findRefused(rows[index].standingIdentity), refused[place].hasFailedCredential
      else { return .refused(.nobodyThere) }
      clearCredential(place)
      return .done
    }
    setCredential(slot, index, passed: passed, now, &alarms, &effects)
    return .done
  }

  /// The same of somebody who has a ticket: at a lane, or waiting.
  @_noLocks @_noAllocation
  public mutating func credential(
    ticket: UInt32, passed: Bool, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) -> Answer {
    guard let slot = find(ticket) else {
      for place in 0..<refused.capacity where passed && ticket > 0 && refused[place].ticket == ticket {
        guard refused[place].hasFailedCredential else { continue }
        clearCredential(place)
        return .done
      }
      return .refused(.unknownTicket)
    }
    setCredential(slot, slot / Self.waitingMax, passed: passed, now, &alarms, &effects)
    return .done
  }

  @_noLocks @_noAllocation
  private func clearCredential(_ place: Int) {
    refused[place].hasFailedCredential = false
    freeRefused(place)
  }

  @_noLocks @_noAllocation
  private mutating func setCredential(
    _ slot: Int, _ index: Int, passed: Bool, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let isAtLane = Int(rows[index].screening) == slot
    screenings[slot].hasFailedCredential = !passed
    if passed {
      if isAtLane, !screenings[slot].hasCredential { beginTries(slot, index, now) }
      screenings[slot].hasCredential = true
    } else if screenings[slot].wasElevated {
      // Denied, and still somebody to look after.
      screenings[slot].hasCredential = false
      if isAtLane {
        wait(index, slot, .rest, .credential, now, &alarms, &effects)
      } else {
        deny(index, .credential, next: screenings[slot].state, slot: slot, personal: screenings[slot].personal, now, &effects)
      }
    } else {
      if isAtLane { rows[index].isJudged = true }
      deny(index, .credential, next: .none, slot: slot, personal: screenings[slot].personal, now, &effects)
      rememberCredential(screenings[slot].identity, screenings[slot].ticket, index, now, &alarms, &effects)
      forgetCall(screenings[slot].ticket)
      close(index, slot, now, &alarms, &effects)
      settleState(index, now, &effects)
    }
    schedule(index)
  }

  /// What a verdict still waits for, or what forbids it; `nil`: nothing.
  @_noLocks @_noAllocation
  func missing(_ slot: Int, _ index: Int) -> ScreeningReason? {
    let settings = rows[index].settings
    if screenings[slot].hasFailedCredential { return .credential }
    if settings.identityRequired, screenings[slot].identity.isNone { return .noIdentity }
    if settings.credentialRequired, !screenings[slot].hasCredential { return .noCredential }
    return nil
  }
}
