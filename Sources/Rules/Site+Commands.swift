// What staff tell the site: opening and closing, cases and their steps, incidents, disinfection, what they vouch for. A refusal
// names what is missing. Who and why are the door's matter: it asks for them before it asks here.

public import Domain

extension Site {
  // MARK: Open and closed

  @_noLocks @_noAllocation
  public mutating func open(who: Text, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) -> Answer {
    guard policy.isOpenedByCommand, !row[0].isOpened else { return .refused(.alreadyDone) }
    guard !row[0].isSuspended else { return .refused(.suspended) }
    // The items of isolation rooms are asked for with the rooms: one suitable room is enough.
    for item in 0..<attestedAt.capacity where !isAttested(item) {
      if !isOfRoom(item) { return .refusedFor(.notAttested, .item(UInt8(truncatingIfNeeded: item))) }
    }
    if findIsolationRoom() == nil { return refuseIsolation() }
    for index in 0..<care.capacity where !care[index].wasAired { return .refusedFor(.notVentilated, .room(RoomID(index))) }
    for index in 0..<care.capacity where !isDisinfected(index, now) {
      return .refusedFor(.notDisinfected, .room(RoomID(index)))
    }
    row[0].isOpened = true
    effects.event(.siteOpened(who: who), at: .site)
    settle(now, &alarms, &effects)
    return .done
  }

  @_noLocks @_noAllocation
  public mutating func close(who: Text, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) -> Answer {
    guard policy.isOpenedByCommand, row[0].isOpened else { return .refused(.alreadyDone) }
    row[0].isOpened = false
    effects.event(.siteClosed(who: who), at: .site)
    settle(now, &alarms, &effects)
    return .done
  }

  @_noLocks @_noAllocation
  private func isOfRoom(_ item: Int) -> Bool {
    for index in 0..<rooms.capacity where Int(rooms[index].item) == item { return true }
    return false
  }

  /// A free one that nobody vouches for is the nearest to being right.
  @_noLocks @_noAllocation
  private func refuseIsolation() -> Answer {
    for index in 0..<rooms.capacity where isFree(index) {
      return .refusedFor(.notAttested, .item(UInt8(truncatingIfNeeded: Int(rooms[index].item))))
    }
    return .refused(.noIsolationRoom)
  }

  @_noLocks @_noAllocation
  private func isDisinfected(_ index: Int, _ now: Now) -> Bool {
    guard care[index].disinfectedAt > .past else { return false }
    return policy.disinfectEvery <= .zero || now.boot - care[index].disinfectedAt <= policy.disinfectEvery
  }

  // MARK: Vouching and disinfection

  @_noLocks @_noAllocation
  public mutating func attest(_ item: UInt8, who: Text, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) -> Answer {
    let index = Int(item)
    guard index < attestedAt.capacity else { return .refused(.implausible) }
    attestedAt[index] = now.boot
    heap.set(care.capacity &+ index, to: now.boot + itemTimes[index])
    effects.event(.attested(item: item, who: who), at: .site)
    settle(now, &alarms, &effects)
    return .done
  }

  /// - Parameters:
  ///   - minutes: how long it took.
  ///   - minutesAgo: how long ago it ended.
  @_noLocks @_noAllocation
  public mutating func disinfected(
    _ room: RoomID, _ method: DisinfectionMethod, minutes: UInt16, minutesAgo: UInt16, who: Text, agent: Text, _ now: Now,
    _ alarms: inout Alarms, _ effects: inout Effects
  ) -> Answer {
    let index = Int(room.index)
    // Told within a day; none takes longer.
    guard index < care.capacity, minutes > 0, minutes <= 1_440, minutesAgo <= 1_440 else { return .refused(.implausible) }
    let ago = Interval.minutes(Int64(minutesAgo))
    let took = Interval.minutes(Int64(minutes))
    let ended = now.boot + Interval(ns: 0 &- ago.ns)
    let began = ended + Interval(ns: 0 &- took.ns)
    guard care[index].takenBy == 0 else { return .refused(.roomTaken) }
    let wallEnded = now.wall &- ago.ns
    effects.event(
      .disinfected(method, began: wallEnded &- took.ns, ended: wallEnded, who: who, agent: agent), at: .room(room))
    if ended > care[index].disinfectedAt {
      care[index].disinfectedAt = ended
      plan(index, from: ended)
      if care[index].disinfectBy > now.boot { alarms.set(.disinfectionOverdue, at: .room(room), false, now, &effects) }
    }
    // What was done before the person left does not count.
    if care[index].lockedBy > 0, began >= care[index].vacatedAt {
      care[index].isDisinfected = true
      free(index, now, &alarms, &effects)
    }
    settle(now, &alarms, &effects)
    return .done
  }

  // MARK: Incidents

  @_noLocks @_noAllocation
  public mutating func beginIncident(
    _ place: Place, case number: UInt32 = 0, who: Text, why: Text, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) -> Answer { setIncident(place, true, .incidentBegan(case: number, who: who, why: why), now, &alarms, &effects) }

  @_noLocks @_noAllocation
  public mutating func endIncident(
    _ place: Place, who: Text, why: Text, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) -> Answer { setIncident(place, false, .incidentEnded(who: who, why: why), now, &alarms, &effects) }

  @_noLocks @_noAllocation
  private mutating func setIncident(
    _ place: Place, _ isOn: Bool, _ body: EventBody, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) -> Answer {
    let was: Bool
    switch place {
    case .site:
      was = row[0].isSuspended
      row[0].isSuspended = isOn
    case .lane(let lane) where Int(lane.index) < laneIsSuspended.capacity:
      was = laneIsSuspended[Int(lane.index)]
      laneIsSuspended[Int(lane.index)] = isOn
    case .room(let room) where Int(room.index) < care.capacity:
      was = care[Int(room.index)].isSuspended
      care[Int(room.index)].isSuspended = isOn
    default: return .refused(.implausible)
    }
    guard was != isOn else { return .refused(isOn ? .alreadyDone : .notSuspended) }
    effects.event(body, at: place)
    settle(now, &alarms, &effects)
    return .done
  }

  // MARK: Cases

  /// Somebody has a symptom, without a reading. `ticket`: theirs; 0: none is known.
  @_noLocks @_noAllocation
  public mutating func openCase(
    at place: Place, ticket: UInt32, who: Text, symptom: Text, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) -> Answer {
    switch place {
    case .lane(let lane) where Int(lane.index) < laneIsSuspended.capacity: break
    case .room(let room) where Int(room.index) < care.capacity: break
    default: return .refused(.implausible)
    }
    let number = begin(.symptom, at: place, ticket: ticket, who: who, note: symptom, .none, now, &alarms, &effects)
    return number == 0 ? .refused(.tooManyCases) : .done
  }

  /// A contact thermometer has confirmed a fever.
  @_noLocks @_noAllocation
  public mutating func confirmed(
    at lane: LaneID, ticket: UInt32, _ personal: Personal, who: Text, _ now: Now, _ alarms: inout Alarms,
    _ effects: inout Effects
  ) {
    alarms.occur(.confirmedFever, at: .lane(lane), now, &effects)
    let number = begin(.fever, at: .lane(lane), ticket: ticket, who: who, note: Text(), personal, now, &alarms, &effects)
    if number == 0 { effects.event(.lost(.records, count: 1), at: .log) }
    switch policy.suspends {
    case .none: break
    case .lane: _ = beginIncident(.lane(lane), case: number, who: who, why: Text(), now, &alarms, &effects)
    case .site: _ = beginIncident(.site, case: number, who: who, why: Text(), now, &alarms, &effects)
    }
  }

  /// The number of the new case; 0: there is no row left.
  @_noLocks @_noAllocation
  private mutating func begin(
    _ cause: CaseCause, at place: Place, ticket: UInt32, who: Text, note: Text, _ personal: Personal, _ now: Now,
    _ alarms: inout Alarms, _ effects: inout Effects
  ) -> UInt32 {
    for slot in 0..<cases.capacity where cases[slot].number == 0 {
      row[0].lastCase &+= 1
      cases[slot] = CaseRow()
      cases[slot].number = row[0].lastCase
      cases[slot].cause = cause
      cases[slot].place = place
      cases[slot].ticket = ticket
      cases[slot].openedAt = now.boot
      cases[slot].isolateBy = now.boot + policy.isolateWithin
      look(at: slot, cases[slot].isolateBy)
      tell(slot, .opened, room: -1, who: who, note: note, personal, now, &effects)
      // Where the person is is one of the places involved.
      if case .room(let room) = place, !rooms[Int(room.index)].isIsolation {
        lock(Int(room.index), for: row[0].lastCase, vacatedAt: now.boot, &effects)
        settle(now, &alarms, &effects)
      }
      return row[0].lastCase
    }
    return 0
  }

  @_noLocks @_noAllocation
  private func tell(
    _ slot: Int, _ step: CaseStep, room: Int32, who: Text, note: Text, _ personal: Personal, _ now: Now,
    _ effects: inout Effects
  ) {
    let fact = CaseFact(
      number: cases[slot].number, cause: cases[slot].cause, ticket: cases[slot].ticket, room: room,
      seconds: (now.boot - cases[slot].openedAt).ns / 1_000_000_000)
    effects.add(.event(.caseStep(step, fact, who: who, note: note), source: cases[slot].place, personal))
  }

  /// The next step of a case. `room` counts for `isolated` and `roomAdded`; `note` says to whom, or why.
  @_noLocks @_noAllocation
  public mutating func advanceCase(
    _ number: UInt32, _ step: CaseStep, room: RoomID, who: Text, note: Text, _ now: Now, _ alarms: inout Alarms,
    _ effects: inout Effects
  ) -> Answer {
    guard let slot = find(number) else { return .refused(.unknownCase) }
    let index = Int(room.index)
    var told: Int32 = -1
    switch step {
    case .opened: return .refused(.alreadyDone)
    case .isolated:
      guard !cases[slot].isIsolated else { return .refused(.alreadyDone) }
      guard index < rooms.capacity, rooms[index].isIsolation else { return .refused(.notIsolationRoom) }
      guard care[index].takenBy == 0 else { return .refused(.roomTaken) }
      guard care[index].lockedBy == 0 else { return .refused(.roomLocked) }
      isolate(slot, index, now, &alarms, &effects)
      told = Int32(truncatingIfNeeded: index)
    case .reported:
      guard !cases[slot].isReported else { return .refused(.alreadyDone) }
      cases[slot].isReported = true
    case .contactsListed:
      guard !cases[slot].areContactsListed else { return .refused(.alreadyDone) }
      cases[slot].areContactsListed = true
    case .roomAdded:
      guard index < rooms.capacity, care[index].takenBy == 0 else { return .refused(.roomTaken) }
      lock(index, for: number, vacatedAt: now.boot, &effects)
      told = Int32(truncatingIfNeeded: index)
    case .handedOver:
      guard !cases[slot].isHandedOver else { return .refused(.alreadyDone) }
      handOver(slot, now, &alarms, &effects)
      told = cases[slot].room
    case .closed:
      if let missing = missing(slot) { return missing }
    }
    tell(slot, step, room: told, who: who, note: note, .none, now, &effects)
    if case .closed = step {
      look(at: slot, .never)
      cases[slot] = CaseRow()
    }
    settle(now, &alarms, &effects)
    return .done
  }

  @_noLocks @_noAllocation
  private mutating func isolate(_ slot: Int, _ room: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    cases[slot].isIsolated = true
    cases[slot].room = Int32(truncatingIfNeeded: room)
    care[room].takenBy = cases[slot].number
    lock(room, for: cases[slot].number, vacatedAt: .never, &effects)
    look(at: slot, .never)
    // The room they came from is empty from now on.
    if case .room(let place) = cases[slot].place, care[Int(place.index)].lockedBy == cases[slot].number, Int(place.index) != room {
      care[Int(place.index)].vacatedAt = now.boot
      care[Int(place.index)].isAired = false
      care[Int(place.index)].isDisinfected = false
    }
    settleLate(now, &alarms, &effects)
  }

  /// Latched: it stays for staff to clear, once nobody is late any more.
  @_noLocks @_noAllocation
  private func settleLate(_ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    for slot in 0..<cases.capacity where cases[slot].number > 0 {
      let isAwaited = !cases[slot].isIsolated && !cases[slot].isHandedOver
      if isAwaited, now.boot >= cases[slot].isolateBy { return }
    }
    alarms.set(.notIsolated, at: .site, false, now, &effects)
  }

  /// The person has gone. Somebody who never came to an isolation room is not late for it any more.
  @_noLocks @_noAllocation
  private mutating func handOver(_ slot: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    cases[slot].isHandedOver = true
    look(at: slot, .never)
    settleLate(now, &alarms, &effects)
    let room = Int(cases[slot].room)
    guard room >= 0 else { return }
    care[room].takenBy = 0
    care[room].vacatedAt = now.boot
  }

  /// What a case lacks to be closed.
  @_noLocks @_noAllocation
  private func missing(_ slot: Int) -> Answer? {
    // Fetched or taken home before they got there: nobody has to be isolated any more.
    guard cases[slot].isIsolated || cases[slot].isHandedOver else { return .refused(.notIsolated) }
    guard cases[slot].isReported else { return .refused(.notReported) }
    guard cases[slot].areContactsListed else { return .refused(.contactsNotListed) }
    guard cases[slot].isHandedOver else { return .refused(.notHandedOver) }
    for index in 0..<care.capacity where care[index].lockedBy == cases[slot].number {
      return .refusedFor(.roomLocked, .room(RoomID(index)))
    }
    return nil
  }
}
