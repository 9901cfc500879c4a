// Morning, afternoon, and after each session: a room must be ventilated for an hour in each. Edges are wall time, lengths
// boot time: a clock that is set moves an edge, and never makes a ventilation longer.

import Domain

extension Rooms {
  /// Time that nobody saw belongs to the slots it fell into.
  @_noLocks @_noAllocation
  mutating func addUnseen(_ unseen: Interval, _ index: Int, _ now: Now) {
    guard unseen > .zero else { return }
    if airings[index].slot.isOpen {
      let inside = min(unseen.ns, max(0, airings[index].slot.plannedEnd &- airings[index].lookedWall))
      airings[index].slot.unseen = airings[index].slot.unseen + Interval(ns: inside)
    }
    if airings[index].after.isOpen { airings[index].after.unseen = airings[index].after.unseen + unseen }
  }

  /// The ventilation that runs counts for the slots it lies in.
  @_noLocks @_noAllocation
  mutating func progress(_ index: Int, _ now: Now) {
    guard airings[index].isRunning else { return }
    let run = fact(index, now)
    guard counts(run) else { return }
    let start = airings[index].start
    let end = airings[index].lastOn
    let unseen = airings[index].unseen
    if airings[index].slot.isOpen {
      let beyond = Interval(ns: max(0, airings[index].lastOnWall &- airings[index].slot.plannedEnd))
      let until = Instant(ns: end.ns &- beyond.ns)
      take(&airings[index].slot, run, until - max(start, airings[index].slot.from), unseen)
    }
    if airings[index].after.isOpen, start <= airings[index].after.from + rows[index].policy.startWithin {
      take(&airings[index].after, run, end - max(start, airings[index].after.from), unseen)
    }
  }

  @_noLocks @_noAllocation
  private func take(_ slot: inout SlotRow, _ run: VentilationFact, _ length: Interval, _ unseen: Interval) {
    // The record follows the one that counts to its end, also in what CO2 says of it.
    guard length >= slot.longest, length > .zero else { return }
    slot.longest = length
    slot.longestUnseen = unseen
    slot.run = run
  }

  @_noLocks @_noAllocation
  private func score(_ slot: SlotRow, _ index: Int) -> SlotScore {
    SlotScore(
      longest: slot.longest, unseenInIt: slot.longestUnseen, unseen: slot.unseen, required: rows[index].settings.required,
      unseenShare: rows[index].policy.unseenShare)
  }

  @_noLocks @_noAllocation
  private func isMet(_ slot: SlotRow, _ index: Int) -> Bool {
    if case .met = score(slot, index).verdict { true } else { false }
  }

  @_noLocks @_noAllocation
  private func tell(_ slot: SlotRow, _ index: Int, _ effects: inout Effects) {
    let score = score(slot, index)
    var run = slot.run
    run.minutes = slot.longest.seconds / 60
    effects.event(
      .ventilationJudged(
        SlotFact(
          slot: slot.slot, verdict: score.verdict, session: slot.session, plannedStart: slot.plannedStart,
          plannedEnd: slot.plannedEnd, shortMinutes: score.shortBy.seconds / 60, unknownMinutes: slot.unseen.seconds / 60,
          ventilation: run)), at: .room(RoomID(index)))
  }

  // MARK: The day

  /// The newest slot whose end has passed: a day's morning is twice its number, its afternoon one more.
  @_noLocks @_noAllocation
  private func over(_ local: LocalTime) -> Int32 {
    let morning = local.day &* 2
    return local.second >= hours.end ? morning &+ 1 : local.second >= hours.noon ? morning : morning &- 1
  }

  @_noLocks @_noAllocation
  private func isWorkday(_ day: Int32) -> Bool { hours.days & LocalTime.bit(day) != 0 }

  @_noLocks @_noAllocation
  func isWorkTime(_ local: LocalTime) -> Bool {
    isWorkday(local.day) && local.second >= hours.start && local.second < hours.end
  }

  /// Edges that are still to come move with the site's offset from UTC: noon is noon after a night of daylight saving.
  @_noLocks @_noAllocation
  mutating func moveEdges(_ index: Int, _ now: Now) {
    let slot = airings[index].slot
    guard slot.isOpen, now.utcOffset != airings[index].lookedOffset else { return }
    airings[index].slot.plannedEnd = wallTime(day: slot.day, second: isMorning(slot.slot) ? hours.noon : hours.end, now)
  }

  /// A day begins with nobody in; when it ends, nobody knows who stayed.
  @_noLocks @_noAllocation
  mutating func settleHours(
    _ index: Int, _ local: LocalTime, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    let isWorking = isWorkTime(local)
    guard isWorking != airings[index].isWorking else { return }
    airings[index].isWorking = isWorking
    guard !airings[index].isInSession else { return }
    airings[index].occupants = isWorking && countsPeople(index) ? 0 : -1
    if isWorking { alarms.set(.overCapacity, at: .room(RoomID(index)), false, now, &effects) }
  }

  @_noLocks @_noAllocation
  mutating func settleSlots(
    _ index: Int, _ local: LocalTime, _ now: Now, isFirst: Bool, _ alarms: inout Alarms, _ effects: inout Effects
  ) {
    progress(index, now)
    settleAfter(index, now, &effects)
    guard rows[index].settings.isJudged, hours.days != 0 else { return }
    let over = over(local)
    if isFirst || airings[index].judged == .min { airings[index].judged = over }
    // The clock was ahead by more than a slot: what was judged there is still to come.
    if over < airings[index].judged &- 1 {
      airings[index].judged = over
      if airings[index].slot.day > local.day { airings[index].slot.isOpen = false }
    }
    if over > airings[index].judged {
      // A week at most: what lies further back is told by the door's own records.
      let first = max(airings[index].judged &+ 1, over &- 13)
      if airings[index].slot.isOpen, number(airings[index].slot) < first {
        airings[index].slot.isOpen = false
        tellDay(airings[index].slot, index, &effects)
      }
      // A day a look: a turn has room for no more of each room.
      let last = min(over, first &+ 1)
      judge(first, index, now, &effects)
      if last > first { judge(last, index, now, &effects) }
      airings[index].judged = last
    }
    open(index, local, now, isFirst: isFirst)
    remind(index, now, &alarms, &effects)
  }

  @_noLocks @_noAllocation
  private mutating func judge(_ number: Int32, _ index: Int, _ now: Now, _ effects: inout Effects) {
    let isMorning = number & 1 == 0
    let day = number >> 1
    if airings[index].slot.isOpen, airings[index].slot.day == day, isMorning == self.isMorning(airings[index].slot.slot) {
      airings[index].slot.isOpen = false
      return tellDay(airings[index].slot, index, &effects)
    }
    guard isWorkday(day) else { return }
    // Nobody looked in all of it; or somebody did, before the clock went back: that was told.
    if wasTold(number, index) { return }
    let slot = plan(isMorning, day, from: .never, now)
    var unseen = slot
    unseen.unseen = Interval(ns: slot.plannedEnd &- slot.plannedStart)
    tellDay(unseen, index, &effects)
  }

  @_noLocks @_noAllocation
  private mutating func tellDay(_ slot: SlotRow, _ index: Int, _ effects: inout Effects) {
    tell(slot, index, &effects)
    let next = Int(airings[index].toldNext)
    airings[index].told[next % 14] = number(slot)
    airings[index].toldNext = Int32(truncatingIfNeeded: (next &+ 1) % 14)
  }

  @_noLocks @_noAllocation
  private func wasTold(_ number: Int32, _ index: Int) -> Bool {
    for place in 0..<14 where airings[index].told[place] == number { return true }
    return false
  }

  @_noLocks @_noAllocation
  private func number(_ slot: SlotRow) -> Int32 { slot.day &* 2 &+ (isMorning(slot.slot) ? 0 : 1) }

  @_noLocks @_noAllocation
  private func isMorning(_ slot: Slot) -> Bool { if case .morning = slot { true } else { false } }

  @_noLocks @_noAllocation
  private func plan(_ isMorning: Bool, _ day: Int32, from: Instant, _ now: Now) -> SlotRow {
    SlotRow(
      isMorning ? .morning : .afternoon, day: day, session: -1, from: from,
      plannedStart: wallTime(day: day, second: isMorning ? hours.start : hours.noon, now),
      plannedEnd: wallTime(day: day, second: isMorning ? hours.noon : hours.end, now), unseen: .zero)
  }

  @_noLocks @_noAllocation
  private mutating func open(_ index: Int, _ local: LocalTime, _ now: Now, isFirst: Bool) {
    guard !airings[index].slot.isOpen, isWorkday(local.day), local.second >= hours.start, local.second < hours.end else { return }
    let isMorning = local.second < hours.noon
    let number = local.day &* 2 &+ (isMorning ? 0 : 1)
    guard number > airings[index].judged else { return }
    var slot = plan(isMorning, local.day, from: .past, now)
    let gone = Interval(ns: max(0, now.wall &- slot.plannedStart))
    slot.from = Instant(ns: now.boot.ns &- gone.ns)
    // What of it was gone before the first look, or while nobody looked.
    let quiet = isFirst ? gone : now.boot - airings[index].looked
    if quiet > .minutes(3) { slot.unseen = min(gone, quiet) }
    // It comes again, since the clock went back: what became of its beginning was told already, of another time.
    if wasTold(number, index) { slot.unseen = gone }
    airings[index].slot = slot
    progress(index, now)
  }

  /// A person is told while there is time, and again and again until the room has had its hour.
  @_noLocks @_noAllocation
  private mutating func remind(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let place = Place.room(RoomID(index))
    guard airings[index].slot.isOpen else { return }
    if isMet(airings[index].slot, index) { return alarms.set(.slotAtRisk, at: place, false, now, &effects) }
    let required = rows[index].settings.required
    var done = Interval.zero
    if airings[index].isRunning, counts(fact(index, now)) {
      done = airings[index].lastOn - max(airings[index].start, airings[index].slot.from)
    }
    let left = Interval(ns: airings[index].slot.plannedEnd &- now.wall)
    let wanted = Interval(ns: required.ns &- done.ns) + rows[index].policy.remindBefore
    guard left < wanted, !airings[index].slot.isReminded else { return }
    airings[index].slot.isReminded = true
    // Of each slot anew, also while an earlier one stays owed.
    alarms.set(.slotAtRisk, at: place, true, value: left.seconds / 60, renew: true, now, &effects)
  }

  // MARK: After a session

  /// The hour after a session, with the time to begin it and a gap.
  @_noLocks @_noAllocation
  private func afterLasts(_ index: Int) -> Interval {
    rows[index].policy.startWithin + rows[index].settings.required + rows[index].policy.bridge
  }

  @_noLocks @_noAllocation
  mutating func openAfter(_ index: Int, session: Int16, at end: Instant, _ now: Now) {
    let gone = max(.zero, now.boot - end)
    let planned = now.wall &- gone.ns
    var slot = SlotRow(
      .afterSession, day: 0, session: session, from: end, plannedStart: planned, plannedEnd: planned &+ afterLasts(index).ns,
      unseen: .zero)
    if gone > .minutes(3) { slot.unseen = gone }
    airings[index].after = slot
    airings[index].owedSince = end
    airings[index].isLate = false
    progress(index, now)
  }

  @_noLocks @_noAllocation
  mutating func settleAfter(_ index: Int, _ now: Now, _ effects: inout Effects) {
    guard airings[index].after.isOpen, now.boot - airings[index].after.from >= afterLasts(index) else { return }
    closeAfter(index, &effects)
  }

  @_noLocks @_noAllocation
  mutating func closeAfter(_ index: Int, _ effects: inout Effects) {
    guard airings[index].after.isOpen else { return }
    airings[index].after.isOpen = false
    tell(airings[index].after, index, &effects)
  }

  /// What the room still lacks of the hour after its last session.
  @_noLocks @_noAllocation
  func missing(_ index: Int, _ now: Now) -> Interval {
    guard airings[index].owedSince < .never else { return .zero }
    let done = ventilated(RoomID(index), since: airings[index].owedSince, now)
    return Interval(ns: max(0, rows[index].settings.required.ns &- max(0, done.ns)))
  }

  /// The hour that is owed is an alarm when it has not begun in time or ended short, until it is complete.
  @_noLocks @_noAllocation
  mutating func settleDebt(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let place = Place.room(RoomID(index))
    guard airings[index].owedSince < .never else { return }
    let missing = missing(index, now)
    if missing <= .zero {
      airings[index].owedSince = .never
      return alarms.set(.ventilationLate, at: place, false, now, &effects)
    }
    guard now.boot - airings[index].owedSince > rows[index].policy.startWithin, !airings[index].isInSession else { return }
    guard !airings[index].isRunning, !airings[index].isLate else { return }
    airings[index].isLate = true
    // Of each session anew, also while the hour after an earlier one stays owed.
    alarms.set(.ventilationLate, at: place, true, value: missing.seconds / 60, renew: true, now, &effects)
  }

  // MARK: The next look

  /// In a minute, or at the next edge of the day.
  @_noLocks @_noAllocation
  func nextLook(_ index: Int, _ local: LocalTime, _ now: Now) -> Instant {
    // Slots of earlier days wait to be told.
    if rows[index].settings.isJudged, hours.days != 0, airings[index].judged < over(local) { return now.boot }
    var next = now.boot + .seconds(60)
    if airings[index].declaredAt < .never {
      let until = airings[index].declaredAt + declaredFor(index)
      if until > now.boot { next = min(next, until) }
    }
    next = min(next, edge(hours.start, local, now))
    next = min(next, edge(hours.noon, local, now))
    next = min(next, edge(hours.end, local, now))
    let first = Int(rows[index].firstSession)
    for place in first..<first &+ Int(rows[index].sessionCount) {
      next = min(next, edge(sessions[place].start, local, now))
      next = min(next, edge(sessions[place].end, local, now))
    }
    if airings[index].after.isOpen {
      let after = airings[index].after.from
      let late = after + rows[index].policy.startWithin
      if late > now.boot { next = min(next, Instant(ns: late.ns &+ 1)) }
      let end = after + afterLasts(index)
      if end > now.boot { next = min(next, end) }
    }
    return next
  }

  @_noLocks @_noAllocation
  private func edge(_ second: Int32, _ local: LocalTime, _ now: Now) -> Instant {
    guard second > local.second else { return .never }
    let within = now.wall &- now.wall / 1_000_000_000 &* 1_000_000_000
    return Instant(ns: now.boot.ns &+ Int64(second &- local.second) &* 1_000_000_000 &- max(0, within))
  }
}
