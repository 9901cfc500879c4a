// When a room is being ventilated: a window is open, a fan runs, measured air comes in, CO2 falls, or somebody answers for
// it. What is not seen is no ventilation, and is not called none.

public import Domain

/// What is seen of a room at one moment.
private enum Evidence: BitwiseCopyable {
  case on(VentilationMethod)
  case off
  case unknown
}

/// A contact that was not read for so long is not known.
private var contactStale: Interval { @_noLocks @_noAllocation get { .seconds(60) } }
/// A contact is believed when it has stayed so for this long: nobody airs a room for less.
private var contactSettles: Interval { @_noLocks @_noAllocation get { .seconds(10) } }
/// Looks are this far apart at most; nobody looked in a longer time.
private var lookEach: Interval { @_noLocks @_noAllocation get { .seconds(60) } }

extension Rooms {
  // MARK: Contacts

  /// A contact of a room, by its place among all; `nil`: its board is not there.
  @_noLocks @_noAllocation
  public mutating func contact(_ place: Int, isOn: Bool?, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    guard place >= 0, place < contacts.capacity else { return }
    let index = Int(contacts[place].room.index)
    guard let isOn else {
      contacts[place].isOn = -1
      contacts[place].read = -1
      switch contacts[place].contact {
      // Who passed meanwhile was not counted.
      case .wayIn, .wayOut: airings[index].occupants = -1
      case .window, .door, .fan: look(index, now, &alarms, &effects)
      }
      return
    }
    let new: Int8 = isOn ? 1 : 0
    // What was not read for long begins anew: it may have moved and moved back.
    let isGap = now.boot - contacts[place].at > contactStale
    if isGap {
      contacts[place].isOn = -1
      contacts[place].read = -1
    }
    let wasRead = contacts[place].read
    contacts[place].at = now.boot
    contacts[place].read = new
    if wasRead != new { contacts[place].readSince = now.boot }
    switch contacts[place].contact {
    case .wayIn:
      if wasRead == 0, new == 1 { count(1, index, now, &alarms, &effects) }
      return
    case .wayOut:
      if wasRead == 0, new == 1 { count(-1, index, now, &alarms, &effects) }
      return
    case .window, .door, .fan: break
    }
    let wasOn = contacts[place].isOn
    guard wasOn != new, wasOn < 0 || now.boot - contacts[place].readSince >= contactSettles else { return }
    contacts[place].isOn = new
    if airings[index].isRunning, airings[index].fit.count > 0, wasOn >= 0 { airings[index].run.isLowerBound = true }
    if case .door = contacts[place].contact { return }
    // It has been so since it was first read so.
    if wasOn == 1, airings[index].isRunning, contacts[place].readSince > airings[index].lastOn {
      airings[index].lastOn = contacts[place].readSince
      airings[index].lastOnWall = now.wall &- (now.boot - contacts[place].readSince).ns
    }
    look(index, now, &alarms, &effects)
  }

  /// First of the contacts of a room, among all.
  public func firstContact(of room: RoomID) -> Int { Int(rows[Int(room.index)].firstContact) }

  // MARK: Evidence

  @_noLocks @_noAllocation
  private func evidence(_ index: Int, _ now: Now) -> Evidence {
    let row = rows[index].settings
    let first = Int(rows[index].firstContact)
    var isSeen = true
    var watches = false
    var fanRuns = false
    var windows = 0
    var shut = 0
    for place in first..<first &+ Int(rows[index].contactCount) {
      let contact = contacts[place]
      switch contact.contact {
      case .door, .wayIn, .wayOut: continue
      case .window, .fan: watches = true
      }
      if case .window = contact.contact { windows &+= 1 }
      if contact.isOn < 0 || now.boot - contact.at > contactStale {
        isSeen = false
      } else if contact.isOn == 1 {
        if case .window = contact.contact { return .on(.window) }
        fanRuns = true
      } else if case .window = contact.contact {
        shut &+= 1
      }
    }
    if fanRuns { return .on(.fan) }
    let flow = flow(index, now)
    if flow.isFinite, row.volume > 0, flow / row.volume >= row.policy.airChangesLeast { return .on(.airflow) }
    // Nobody's word opens windows that are all seen to be shut.
    if airings[index].declaredAt < .never, windows == 0 || shut < windows { return .on(.declared) }
    if airings[index].isFalling { return .on(.co2) }
    if watches { return isSeen ? .off : .unknown }
    if row.hasAirflow { return flow.isFinite ? .off : .unknown }
    if rows[index].sensorCount > 0 { return rows[index].mean5.isFinite ? .off : .unknown }
    return .off
  }

  /// CO2 that falls tells of a ventilation from five bins before on, until it falls no more while it is high, or for an
  /// hour when the room is empty and as outdoors: then it can tell nothing.
  @_noLocks @_noAllocation
  mutating func watchFall(_ index: Int, _ now: Now) {
    let policy = rows[index].policy
    let short = rows[index].mean5
    let excess = short - policy.outdoor
    if airings[index].isFalling {
      let trend = rows[index].slope(of: 10).perMinute
      let isOver = trend.isNaN || (trend > -0.5 && excess > policy.airedWithin)
      let isSpent = excess <= policy.airedWithin && !(people(index) > 0)
        && now.boot - airings[index].fallingSince > rows[index].settings.required
      if isOver || isSpent { airings[index].isFalling = false }
      return
    }
    let slope = rows[index].slope(of: 5).perMinute
    guard slope <= -policy.fallLeast, excess >= policy.airedWithin else { return }
    airings[index].isFalling = true
    airings[index].fallingSince = now.boot + Interval(ns: 0 &- policy.shortWindow.ns)
  }

  /// A reading that has passed all checks, with its own time, as it is: nothing that smooths it for people comes near.
  @_noLocks @_noAllocation
  mutating func fit(_ reading: CheckedReading, _ sensor: Int, _ index: Int) {
    guard airings[index].isRunning, !airings[index].fitIsOver else { return }
    let policy = rows[index].policy
    if people(index) > 0 {
      airings[index].fitIsOver = true
      return
    }
    guard reading.at >= max(airings[index].start, airings[index].fitFrom) + policy.response * 3 else { return }
    if airings[index].fitSensor < 0 { airings[index].fitSensor = Int32(truncatingIfNeeded: sensor) }
    guard Int(airings[index].fitSensor) == sensor else { return }
    if reading.ppm - policy.outdoor < 100 {
      airings[index].fitIsOver = true
    } else {
      airings[index].fit.add(ppm: reading.ppm, outdoor: policy.outdoor, at: reading.at)
    }
  }

  // MARK: Looking

  /// Looks at one room: what goes on, what is owed, what is over.
  @_noLocks @_noAllocation
  mutating func look(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let local = LocalTime(now)
    let isFirst = airings[index].looked == .never
    let passed = isFirst ? Interval.zero : now.boot - airings[index].looked
    // A wall clock that went forward took time from the day in which nobody can have looked.
    let stepped = isFirst ? 0 : now.wall &- airings[index].lookedWall &- passed.ns
    let ranOut = endDeclaration(index, local, now)
    let seen = evidence(index, now)
    var unseen = Interval.zero
    if passed > lookEach * 3 { unseen = passed }
    if case .unknown = seen { unseen = passed }
    if airings[index].isRunning { airings[index].unseenNow = airings[index].unseenNow + unseen }
    // It is none of the ventilation that runs, whose length the boot clock tells.
    if stepped > lookEach.ns { unseen = unseen + Interval(ns: stepped) }
    addUnseen(unseen, index, now)
    if ranOut, !isOn(seen), case .declared = airings[index].run.method { end(index, now, &effects) }
    follow(seen, index, now, &effects)
    moveEdges(index, now)
    settleHours(index, local, now, &alarms, &effects)
    settleSlots(index, local, now, isFirst: isFirst, &alarms, &effects)
    settleSessions(index, local, now, &alarms, &effects)
    settleDebt(index, now, &alarms, &effects)
    airings[index].looked = now.boot
    airings[index].lookedWall = now.wall
    airings[index].lookedOffset = now.utcOffset
    rows[index].lookAt = nextLook(index, local, now)
    schedule(index)
  }

  @_noLocks @_noAllocation
  private mutating func follow(_ seen: Evidence, _ index: Int, _ now: Now, _ effects: inout Effects) {
    let policy = rows[index].policy
    switch seen {
    case .on(let method):
      if airings[index].isRunning {
        // It goes on, and for a while nobody saw that it did.
        let unseen = airings[index].unseen + airings[index].unseenNow
        if unseen > share(index) { end(index, now, &effects) } else { airings[index].unseen = unseen }
      }
      airings[index].unseenNow = .zero
      if !airings[index].isRunning { begin(method, index, now, &effects) }
      if isCO2(airings[index].run.method) { airings[index].run.method = method }
      if isCO2(method) {
        // A window that shut while CO2 still fell is shut; and CO2 that does not fall tells of nothing.
        let isAired = rows[index].mean5 - policy.outdoor <= policy.airedWithin
        let falls = rows[index].slope(of: 5).perMinute < -0.5
        guard isCO2(airings[index].run.method), isAired || falls else { return endIfQuiet(index, now, &effects) }
      }
      airings[index].lastOn = now.boot
      airings[index].lastOnWall = now.wall
      let ppm = rows[index].mean(back: 0)
      if ppm.isFinite { airings[index].run.endPpm = ppm }
      let run = fact(index, now)
      if counts(run) {
        // What nobody saw of it is taken off its beginning.
        effects.add(
          .ventilated(
            RoomID(index), since: airings[index].start + airings[index].unseen, airChanges: run.airChanges - run.airChangesError,
            effect: run.effect, from: airBefore(run, rows[index].policy)))
      }
    case .off: endIfQuiet(index, now, &effects)
    case .unknown:
      if airings[index].isRunning, now.boot - airings[index].lastOn > rows[index].settings.required { end(index, now, &effects) }
    }
  }

  @_noLocks @_noAllocation
  private func isOn(_ seen: Evidence) -> Bool { if case .on = seen { true } else { false } }

  @_noLocks @_noAllocation
  private func isCO2(_ method: VentilationMethod) -> Bool { if case .co2 = method { true } else { false } }

  @_noLocks @_noAllocation
  private mutating func endIfQuiet(_ index: Int, _ now: Now, _ effects: inout Effects) {
    guard airings[index].isRunning, now.boot - airings[index].lastOn > rows[index].policy.bridge else { return }
    end(index, now, &effects)
  }

  /// What may pass unseen of the time that is required.
  @_noLocks @_noAllocation
  func share(_ index: Int) -> Interval {
    Interval(ns: Int64(Double(rows[index].settings.required.ns) * max(0, min(rows[index].policy.unseenShare, 1))))
  }

  @_noLocks @_noAllocation
  private mutating func begin(_ method: VentilationMethod, _ index: Int, _ now: Now, _ effects: inout Effects) {
    var start = now.boot
    var back = 0
    if isCO2(method) {
      start = max(airings[index].fallingSince, airings[index].lastOn)
      back = 5
    }
    airings[index].isRunning = true
    airings[index].start = start
    airings[index].lastOn = now.boot
    airings[index].lastOnWall = now.wall
    airings[index].unseen = .zero
    airings[index].unseenNow = .zero
    airings[index].fit = DecayFit()
    airings[index].fitSensor = -1
    airings[index].fitIsOver = false
    var run = VentilationFact(method: method, start: now.wall &- (now.boot - start).ns)
    run.startPpm = rows[index].mean(back: back)
    airings[index].run = run
    effects.event(.ventilationBegan(run), at: .room(RoomID(index)))
  }

  /// It ended when it was last seen.
  @_noLocks @_noAllocation
  mutating func end(_ index: Int, _ now: Now, _ effects: inout Effects) {
    guard airings[index].isRunning else { return }
    progress(index, now)
    var run = fact(index, now)
    run.end = airings[index].lastOnWall
    airings[index].isRunning = false
    var aired = Aired()
    aired.start = airings[index].start
    aired.end = airings[index].lastOn
    aired.unseen = airings[index].unseen
    aired.isEffective = counts(run) && isEffective(run)
    if counts(run) {
      airings[index].past[Int(airings[index].pastNext) & 7] = aired
      airings[index].pastNext = (airings[index].pastNext &+ 1) & 7
    }
    effects.event(.ventilationEnded(run), at: .room(RoomID(index)))
  }

  /// The ventilation that runs, as it stands.
  @_noLocks @_noAllocation
  func fact(_ index: Int, _ now: Now) -> VentilationFact {
    var run = airings[index].run
    let fit = airings[index].fit
    run.minutes = (airings[index].lastOn - airings[index].start).seconds / 60
    run.unknownMinutes = airings[index].unseen.seconds / 60
    if fit.isAccepted {
      run.airChanges = fit.airChanges
      run.airChangesError = fit.halfWidth
    }
    run.effect = effect(run, people: people(index), rows[index].policy)
    return run
  }

  @_noLocks @_noAllocation
  private func effect(_ run: VentilationFact, people: Double, _ policy: AirPolicy) -> VentilationEffect {
    if run.airChanges - run.airChangesError >= policy.airChangesLeast { return .effective }
    let before = run.startPpm - policy.outdoor
    let after = run.endPpm - policy.outdoor
    // From 300 ppm above outdoors on, a fall to near outdoors is none by chance; with people in, staying there is none.
    if after <= policy.airedWithin, before >= 300 || people > 0 { return .effective }
    if run.airChanges + run.airChangesError < policy.airChangesLeast, !run.isLowerBound { return .ineffective }
    if before > policy.airedWithin, after > policy.airedWithin, !(people > 0), run.minutes >= 20 { return .ineffective }
    return .notVerified
  }

  @_noLocks @_noAllocation
  private func airBefore(_ run: VentilationFact, _ policy: AirPolicy) -> AirBefore {
    let before = run.startPpm - policy.outdoor
    if before >= 300 { return .high }
    let isFresh = before <= policy.airedWithin && run.endPpm - policy.outdoor <= policy.airedWithin
    return isFresh && !isCO2(run.method) ? .fresh : .unclear
  }

  /// CO2 alone proves a ventilation only by its effect.
  @_noLocks @_noAllocation
  func counts(_ run: VentilationFact) -> Bool { !isCO2(run.method) || isEffective(run) }

  @_noLocks @_noAllocation
  private func isEffective(_ run: VentilationFact) -> Bool { if case .effective = run.effect { true } else { false } }

  // MARK: What others ask

  /// The longest ventilation since a moment, the part before it left out. What was not seen of it beyond the allowed share
  /// makes it count for nothing.
  /// - Parameter effective: only those that CO2 has shown to be.
  @_noLocks @_noAllocation
  public func ventilated(_ room: RoomID, since: Instant, effective: Bool = false, _ now: Now) -> Interval {
    let index = Int(room.index)
    guard index < rows.capacity else { return .zero }
    let allowed = share(index)
    var longest = Interval.zero
    for place in 0..<8 {
      let aired = airings[index].past[place]
      guard aired.end < .never, aired.unseen <= allowed, aired.isEffective || !effective else { continue }
      longest = max(longest, aired.end - max(aired.start, since))
    }
    guard airings[index].isRunning, airings[index].unseen <= allowed else { return longest }
    let run = fact(index, now)
    guard counts(run), isEffective(run) || !effective else { return longest }
    return max(longest, airings[index].lastOn - max(airings[index].start, since))
  }

  /// A room as others see it.
  @_noLocks @_noAllocation
  public func view(_ room: RoomID, _ now: Now) -> RoomView {
    let index = Int(room.index)
    return RoomView(
      air: rows[index].air, method: airings[index].isRunning ? airings[index].run.method : nil,
      ventilated: airings[index].isRunning ? airings[index].lastOn - airings[index].start : .zero,
      isInSession: airings[index].isInSession, missing: missing(index, now))
  }

  /// A room that is locked takes no session.
  @_noLocks @_noAllocation
  public mutating func lock(_ room: RoomID, _ isLocked: Bool) { airings[Int(room.index)].isLocked = isLocked }

  @_noLocks @_noAllocation
  public func isLocked(_ room: RoomID) -> Bool { airings[Int(room.index)].isLocked }

  /// Somebody answers for the windows of a room.
  @_noLocks @_noAllocation
  public mutating func declare(
    _ room: RoomID, begins: Bool, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) -> Answer {
    let index = Int(room.index)
    guard index < rows.capacity else { return .refused(.unknownRoom) }
    guard begins || airings[index].declaredAt < .never else { return .refused(.nothingDeclared) }
    if !begins {
      look(index, now, &alarms, &effects)
      airings[index].declaredAt = .never
      // It is over now, not when the next gap has passed.
      if case .declared = airings[index].run.method { end(index, now, &effects) }
    } else {
      airings[index].declaredAt = now.boot
    }
    look(index, now, &alarms, &effects)
    return .done
  }

  /// How long somebody's word is good for: the hour and a gap. Who airs for longer says so again.
  @_noLocks @_noAllocation
  func declaredFor(_ index: Int) -> Interval { rows[index].settings.required + rows[index].policy.bridge }

  /// A word that nobody took back runs out by itself, and with the day's work.
  /// - Returns: whether it does now.
  @_noLocks @_noAllocation
  private mutating func endDeclaration(_ index: Int, _ local: LocalTime, _ now: Now) -> Bool {
    let since = airings[index].declaredAt
    guard since < .never else { return false }
    let until = since + declaredFor(index)
    let workEnds = airings[index].isWorking && !isWorkTime(local)
    guard now.boot >= until || workEnds else { return false }
    airings[index].declaredAt = .never
    // It was good until then, where somebody has looked since.
    if airings[index].isRunning, case .declared = airings[index].run.method, now.boot - airings[index].lastOn <= lookEach * 3 {
      let last = max(airings[index].lastOn, min(until, now.boot))
      airings[index].lastOn = last
      airings[index].lastOnWall = now.wall &- (now.boot - last).ns
    }
    return true
  }
}
