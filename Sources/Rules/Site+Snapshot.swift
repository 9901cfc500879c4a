// The site across a restart: cases, locked rooms and attestations go on, and no time of theirs ends earlier.

public import Domain

/// A case as others see it.
public struct CaseView: BitwiseCopyable, Sendable {
  public var number: UInt32
  public var cause: CaseCause
  public var place: Place
  public var openedAt: Instant
  public var isIsolated: Bool
  public var isReported: Bool
  public var areContactsListed: Bool
  public var isHandedOver: Bool

  public static var none: CaseView {
    CaseView(
      number: 0, cause: .symptom, place: .site, openedAt: .past, isIsolated: false, isReported: false, areContactsListed: false,
      isHandedOver: false)
  }
}

/// A room as the site sees it now.
public enum RoomUse: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case free, taken, locked, suspended

  public var name: String {
    switch self {
    case .free: "free"
    case .taken: "taken"
    case .locked: "locked"
    case .suspended: "suspended"
    }
  }
}

/// Whether the site admits people.
public enum SiteState: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case open, closed, suspended

  public var name: String {
    switch self {
    case .open: "open"
    case .closed: "closed"
    case .suspended: "suspended"
    }
  }
}

extension Site {
  /// Rows of cases that may be there: ask `view(_:)` for each.
  public var caseCount: Int { @_noLocks @_noAllocation get { cases.capacity } }

  @_noLocks @_noAllocation
  public func view(_ slot: Int) -> CaseView? {
    let one = cases[slot]
    guard one.number > 0 else { return nil }
    return CaseView(
      number: one.number, cause: one.cause, place: one.place, openedAt: one.openedAt, isIsolated: one.isIsolated,
      isReported: one.isReported, areContactsListed: one.areContactsListed, isHandedOver: one.isHandedOver)
  }

  @_noLocks @_noAllocation
  public func use(of room: RoomID) -> RoomUse {
    let one = care[Int(room.index)]
    if one.takenBy > 0 { return .taken }
    if one.lockedBy > 0 { return .locked }
    return one.isSuspended ? .suspended : .free
  }

  public var state: SiteState {
    @_noLocks @_noAllocation get {
      if row[0].isSuspended { return .suspended }
      guard policy.isOpenedByCommand else { return .open }
      return row[0].isOpened && findIsolationRoom() != nil ? .open : .closed
    }
  }

  public var byteCount: Int {
    care.byteCount + attestedAt.byteCount + cases.byteCount + laneIsSuspended.byteCount + row.byteCount
  }

  @_noLocks @_noAllocation
  public func copyBytes(to bytes: borrowing Table<UInt8>, at offset: Int) -> Int {
    var end = care.copyBytes(to: bytes, at: offset)
    end = attestedAt.copyBytes(to: bytes, at: end)
    end = cases.copyBytes(to: bytes, at: end)
    end = laneIsSuspended.copyBytes(to: bytes, at: end)
    return row.copyBytes(to: bytes, at: end)
  }

  /// Takes over an earlier run; `shift` moves its times to this boot clock.
  public mutating func replaceBytes(
    from bytes: borrowing Table<UInt8>, at offset: Int, shift: Interval, now: Now, _ alarms: inout Alarms,
    _ effects: inout Effects
  ) -> Int {
    var end = care.replaceBytes(from: bytes, at: offset)
    end = attestedAt.replaceBytes(from: bytes, at: end)
    end = cases.replaceBytes(from: bytes, at: end)
    end = laneIsSuspended.replaceBytes(from: bytes, at: end)
    end = row.replaceBytes(from: bytes, at: end)
    for index in 0..<care.capacity {
      if care[index].vacatedAt < .never { care[index].vacatedAt = care[index].vacatedAt + shift }
      if care[index].disinfectedAt > .past {
        care[index].disinfectedAt = care[index].disinfectedAt + shift
        // By the setting of this run, which may have been changed.
        plan(index, from: care[index].disinfectedAt)
      } else if policy.disinfectEvery > .zero, care[index].disinfectBy < .never {
        // No longer than if it began now.
        care[index].disinfectBy = min(care[index].disinfectBy + shift, now.boot + policy.disinfectEvery)
        heap.set(index, to: care[index].disinfectBy)
      } else {
        care[index].disinfectBy = .never
        heap.set(index, to: .never)
      }
    }
    for item in 0..<attestedAt.capacity where attestedAt[item] > .past {
      attestedAt[item] = attestedAt[item] + shift
      heap.set(care.capacity + item, to: attestedAt[item] + itemTimes[item])
    }
    for slot in 0..<cases.capacity where cases[slot].number > 0 {
      cases[slot].openedAt = cases[slot].openedAt + shift
      guard !cases[slot].isIsolated, !cases[slot].isHandedOver else { continue }
      // No longer than was told when it was opened, and than if it were opened now.
      let until = min(cases[slot].isolateBy + shift, cases[slot].openedAt + policy.isolateWithin)
      cases[slot].isolateBy = until
      if until <= now.boot, alarms.isActive(.notIsolated, at: .site) {
        // It was told before the restart, and is so still.
        alarms.set(.notIsolated, at: .site, true, now, &effects)
      } else {
        look(at: slot, until)
      }
    }
    settle(now, &alarms, &effects)
    return end
  }

  /// Takes over one fact that the log tells of an earlier run, before the first turn. What cannot be told exactly is taken as the
  /// worse: a locked room must be cleaned from now on.
  public mutating func recall(_ fact: SiteFact, _ now: Now) {
    func since(_ ago: Interval) -> Instant { now.boot + Interval(ns: 0 &- ago.ns) }
    switch fact {
    case .opened: row[0].isOpened = true
    case .suspended(.site): row[0].isSuspended = true
    case .suspended(.lane(let lane)) where Int(lane.index) < laneIsSuspended.capacity: laneIsSuspended[Int(lane.index)] = true
    case .suspended(.room(let room)) where Int(room.index) < care.capacity: care[Int(room.index)].isSuspended = true
    case .suspended: break
    case .openCase(let number, let cause, let place, let ticket, let ago, let isReported, let areListed, let isHandedOver):
      for slot in 0..<cases.capacity where cases[slot].number == 0 {
        cases[slot].number = number
        cases[slot].cause = cause
        cases[slot].place = place
        cases[slot].ticket = ticket
        cases[slot].openedAt = since(ago)
        cases[slot].isReported = isReported
        cases[slot].areContactsListed = areListed
        cases[slot].isHandedOver = isHandedOver
        cases[slot].isolateBy = cases[slot].openedAt + policy.isolateWithin
        if !isHandedOver { look(at: slot, cases[slot].isolateBy) }
        break
      }
    case .locked(let room, let number, let isTaken):
      let index = Int(room.index)
      guard index < care.capacity else { return }
      care[index].lockedBy = number
      care[index].vacatedAt = isTaken ? .never : now.boot
      guard isTaken, let slot = find(number) else { return }
      care[index].takenBy = number
      cases[slot].isIsolated = true
      cases[slot].room = Int32(truncatingIfNeeded: index)
      look(at: slot, .never)
    case .disinfected(let room, let ago) where Int(room.index) < care.capacity:
      care[Int(room.index)].disinfectedAt = since(ago)
      plan(Int(room.index), from: since(ago))
    case .disinfected: break
    case .attested(let item, let ago):
      let until = Int(item) < attestedAt.capacity ? since(ago) + itemTimes[Int(item)] : .past
      guard until > now.boot else { return }
      attestedAt[Int(item)] = since(ago)
      heap.set(care.capacity + Int(item), to: until)
    case .lastCase(let number): row[0].lastCase = max(row[0].lastCase, number)
    }
    admissionChanged = true
  }
}
