// What people say of an alarm. Each command has one answer; what it did is an event too. What is acknowledged or cleared is an
// occurrence, by its number; what is shelved or taken out of service is an alarm, by its kind and place, raised or not.

public import Domain

extension Alarms {
  /// The row of an occurrence that somebody may still have to see or to end.
  @_noLocks @_noAllocation
  private func find(_ occurrence: UInt32) -> Int? {
    for index in 0..<rows.capacity where occurrence > 0 && rows[index].occurrence == occurrence {
      if rows[index].isActive { return index }
      if case .returnedUnacknowledged = rows[index].state { return index }
      return nil
    }
    return nil
  }

  /// What an open alarm is, and where.
  @_noLocks @_noAllocation
  public func named(_ occurrence: UInt32) -> AlarmID? {
    guard let index = find(occurrence) else { return nil }
    return AlarmID(rows[index].kind, at: rows[index].place)
  }

  @_noLocks @_noAllocation
  private func find(_ id: AlarmID) -> Int? {
    let index = row(id.kind, id.place)
    guard index < rows.capacity, rows[index].place.isSame(as: id.place), rows[index].kind.rawValue == id.kind.rawValue else { return nil }
    return index
  }

  @_noLocks @_noAllocation
  public mutating func acknowledge(_ occurrence: UInt32, _ now: Now, _ effects: inout Effects) -> Answer {
    guard let index = find(occurrence) else { return .refused(.unknownAlarm) }
    switch rows[index].state {
    case .unacknowledged: enter(index, .acknowledged, now)
    case .returnedUnacknowledged: enter(index, .normal, now)
    case .latchedUnacknowledged: enter(index, .latchedAcknowledged, now)
    case .shelved, .suppressedByDesign, .outOfService: return .refused(.alarmSuppressed)
    case .normal, .acknowledged, .latchedAcknowledged: return .done
    }
    effects.event(.alarmAcknowledged(fact(index)), at: rows[index].place)
    return .done
  }

  /// Whoever comes next shall see it too.
  @_noLocks @_noAllocation
  public mutating func unacknowledge(_ occurrence: UInt32, _ now: Now, _ effects: inout Effects) -> Answer {
    guard let index = find(occurrence) else { return .refused(.unknownAlarm) }
    guard case .acknowledged = rows[index].state else { return .refused(.notAcknowledged) }
    showAgain(index, now, &effects)
    return .done
  }

  /// Staff have dealt with a latched alarm. Their name is in the log, so it counts as acknowledged too.
  @_noLocks @_noAllocation
  public mutating func clearLatched(_ occurrence: UInt32, _ now: Now, _ effects: inout Effects) -> Answer {
    guard let index = find(occurrence), rows[index].settings.isLatched else { return .refused(.unknownAlarm) }
    guard !rows[index].condition else { return .refused(.stillActive) }
    wait(index, until: .never)
    clear(index, to: .normal, now, &effects)
    return .done
  }

  /// Nobody is told of it for a while. Shelving again sets the time anew.
  @_noLocks @_noAllocation
  public mutating func shelve(
    _ id: AlarmID, for time: Interval, who: Text, why: Text, _ now: Now, _ effects: inout Effects
  ) -> Answer {
    guard let index = find(id) else { return .refused(.unknownAlarm) }
    guard !rows[index].kind.isSafety else { return .refused(.safetyAlarm) }
    if case .outOfService = rows[index].removal { return .refused(.alarmSuppressed) }
    guard time > .zero, time <= policy.shelveLongest else { return .refused(.shelfTooLong) }
    guard write(who, why, of: index) else { return .refused(.shelfFull) }
    rows[index].removal = .shelved
    enter(index, .shelved, now)
    setTimer(index, now.boot + time)
    effects.event(.alarmSuppressed(factOfAlarm(index), until: now.wall &+ time.ns), at: rows[index].place)
    return .done
  }

  @_noLocks @_noAllocation
  public mutating func unshelve(_ id: AlarmID, _ now: Now, _ effects: inout Effects) -> Answer {
    guard let index = find(id) else { return .refused(.unknownAlarm) }
    guard case .shelved = rows[index].removal else { return .refused(.notShelved) }
    endRemoval(index, now, &effects)
    return .done
  }

  /// What it watches is being mended: nobody is told of it until somebody returns it. A shelf ends with it.
  @_noLocks @_noAllocation
  public mutating func takeOutOfService(_ id: AlarmID, who: Text, why: Text, _ now: Now, _ effects: inout Effects) -> Answer {
    guard let index = find(id) else { return .refused(.unknownAlarm) }
    guard !rows[index].kind.isSafety else { return .refused(.safetyAlarm) }
    if case .outOfService = rows[index].removal { return .done }
    guard write(who, why, of: index) else { return .refused(.shelfFull) }
    rows[index].removal = .outOfService
    enter(index, .outOfService, now)
    effects.event(.alarmSuppressed(factOfAlarm(index), until: 0), at: rows[index].place)
    return .done
  }

  @_noLocks @_noAllocation
  public mutating func returnToService(_ id: AlarmID, _ now: Now, _ effects: inout Effects) -> Answer {
    guard let index = find(id) else { return .refused(.unknownAlarm) }
    guard case .outOfService = rows[index].removal else { return .refused(.notOutOfService) }
    endRemoval(index, now, &effects)
    return .done
  }
}
