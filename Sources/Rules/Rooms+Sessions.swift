// Sessions, by the timetable or by command, and the people in them. The next one waits, or is warned of, until the room has
// had the hour that it owes to the last.

public import Domain

extension Rooms {
  // MARK: People

  /// NaN: not known.
  @_noLocks @_noAllocation
  func people(_ index: Int) -> Double {
    let counted = airings[index].occupants
    if counted >= 0 { return Double(counted) }
    let told = rows[index].settings.occupants
    guard told >= 0, !countsPeople(index) else { return .nan }
    let isIn = rows[index].sessionCount > 0 ? airings[index].isInSession : airings[index].isWorking || airings[index].isInSession
    return isIn ? Double(told) : .nan
  }

  @_noLocks @_noAllocation
  func countsPeople(_ index: Int) -> Bool {
    let first = Int(rows[index].firstContact)
    for place in first..<first &+ Int(rows[index].contactCount) {
      switch contacts[place].contact {
      case .wayIn, .wayOut: return true
      case .window, .door, .fan: continue
      }
    }
    return false
  }

  @_noLocks @_noAllocation
  mutating func count(_ one: Int32, _ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let before = airings[index].occupants
    guard before >= 0 else { return }
    airings[index].occupants = max(0, min(before &+ one, 100_000))
    judgeCapacity(index, now, &alarms, &effects)
  }

  /// So many are in the room, as somebody says who has counted them.
  @_noLocks @_noAllocation
  public mutating func occupy(
    _ room: RoomID, _ people: UInt16, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) -> Answer {
    let index = Int(room.index)
    guard index < rows.capacity else { return .refused(.unknownRoom) }
    airings[index].occupants = Int32(people)
    judgeCapacity(index, now, &alarms, &effects)
    return .done
  }

  @_noLocks @_noAllocation
  private func judgeCapacity(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let capacity = Double(rows[index].settings.capacity)
    let people = people(index)
    guard capacity > 0 else { return }
    let place = Place.room(RoomID(index))
    if people.isNaN { return alarms.hold(.overCapacity, at: place) }
    alarms.set(.overCapacity, at: place, people > capacity, value: people, now, &effects)
  }

  // MARK: Sessions

  /// By command.
  @_noLocks @_noAllocation
  public mutating func startSession(
    in room: RoomID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) -> Answer {
    let index = Int(room.index)
    guard index < rows.capacity else { return .refused(.unknownRoom) }
    guard rows[index].settings.takesSessions else { return .refused(.takesNoSession) }
    guard !rows[index].settings.lacksResponsible else { return .refused(.noResponsible) }
    look(index, now, &alarms, &effects)
    if airings[index].isInSession { return .refused(.sessionRunning) }
    if airings[index].isLocked { return .refused(.roomLocked) }
    let missing = missing(index, now)
    if missing > .zero, rows[index].policy.holdsSessions {
      return .refusedFor(.ventilationIncomplete, .minutes(minutes(missing)))
    }
    begin(-1, index, missing, now, &alarms, &effects)
    airings[index].sessionDay = .max
    return .done
  }

  @_noLocks @_noAllocation
  public mutating func endSession(
    in room: RoomID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) -> Answer {
    let index = Int(room.index)
    guard index < rows.capacity else { return .refused(.unknownRoom) }
    guard airings[index].isInSession else { return .refused(.noSession) }
    end(index, at: now.boot, now, &alarms, &effects)
    look(index, now, &alarms, &effects)
    return .done
  }

  /// Whole minutes, rounded up.
  @_noLocks @_noAllocation
  private func minutes(_ interval: Interval) -> Int32 {
    Int32(truncatingIfNeeded: (interval.ns &+ 59_999_999_999) / 60_000_000_000)
  }

  @_noLocks @_noAllocation
  private mutating func begin(
    _ session: Int16, _ index: Int, _ missing: Interval, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    closeAfter(index, &effects)
    airings[index].isInSession = true
    airings[index].session = session
    effects.event(.sessionBegan(SessionFact(session: session, missingMinutes: missing.seconds / 60)), at: .room(RoomID(index)))
    judgeCapacity(index, now, &alarms, &effects)
  }

  @_noLocks @_noAllocation
  private mutating func end(_ index: Int, at moment: Instant, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let session = airings[index].session
    airings[index].isInSession = false
    if !countsPeople(index) { airings[index].occupants = -1 }
    effects.event(.sessionEnded(SessionFact(session: session)), at: .room(RoomID(index)))
    openAfter(index, session: session, at: moment, now)
    // Those who were too many have left with the rest, as far as anybody counts.
    if people(index).isNaN {
      alarms.set(.overCapacity, at: .room(RoomID(index)), false, now, &effects)
    } else {
      judgeCapacity(index, now, &alarms, &effects)
    }
  }

  @_noLocks @_noAllocation
  mutating func settleSessions(
    _ index: Int, _ local: LocalTime, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let day = airings[index].sessionDay
    // One of a day to come is none: the clock was ahead.
    if airings[index].isInSession, day < .max,
      local.day != day || local.second >= airings[index].sessionEnd
    {
      let gone = now.wall &- wallTime(day: day, second: airings[index].sessionEnd, now)
      end(index, at: Instant(ns: now.boot.ns &- max(0, gone)), now, &alarms, &effects)
    }
    let first = Int(rows[index].firstSession)
    for place in first..<first &+ Int(rows[index].sessionCount) {
      let plan = sessions[place]
      guard plan.days & local.weekday != 0, local.second >= plan.start, local.second < plan.end else { continue }
      if airings[index].begunDay == local.day, airings[index].begunStart >= plan.start { continue }
      if airings[index].isInSession {
        // Begun early by command: this is it.
        if airings[index].sessionDay == .max { adopt(plan, index, local) }
        continue
      }
      tryBegin(plan, index, local, now, &alarms, &effects)
    }
  }

  @_noLocks @_noAllocation
  private mutating func adopt(_ plan: SessionPlan, _ index: Int, _ local: LocalTime) {
    airings[index].begunDay = local.day
    airings[index].begunStart = plan.start
    airings[index].sessionDay = local.day
    airings[index].sessionEnd = plan.end
    airings[index].session = plan.name
  }

  @_noLocks @_noAllocation
  private mutating func tryBegin(
    _ plan: SessionPlan, _ index: Int, _ local: LocalTime, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let missing = missing(index, now)
    let isLocked = airings[index].isLocked
    if isLocked || (missing > .zero && rows[index].policy.holdsSessions) {
      guard airings[index].heldDay != local.day || airings[index].heldStart != plan.start else { return }
      airings[index].heldDay = local.day
      airings[index].heldStart = plan.start
      effects.event(
        .sessionHeld(SessionFact(session: plan.name, missingMinutes: missing.seconds / 60, isRoomLocked: isLocked)),
        at: .room(RoomID(index)))
      return
    }
    begin(plan.name, index, missing, now, &alarms, &effects)
    adopt(plan, index, local)
  }
}
