// Lanes across a restart: who waits goes on waiting, who stood at the lane must begin again, and no gate opens.

public import Domain

/// A lane as others see it.
public struct LaneView: BitwiseCopyable, Sendable {
  public var state: LaneState
  public var releasedBy: ReleaseCause?
  public var passed: UInt64
  public var denied: UInt64
  public var statistics: LaneStatisticsView
  /// When its alert path was last proven, and when somebody said that they saw or heard that: ns since 1970 UTC, 0: never.
  public var provenAt: Int64 = 0
  public var seenAt: Int64 = 0

  public init(state: LaneState, releasedBy: ReleaseCause?, passed: UInt64, denied: UInt64, statistics: LaneStatisticsView = .none) {
    self.state = state
    self.releasedBy = releasedBy
    self.passed = passed
    self.denied = denied
    self.statistics = statistics
  }
}

/// A screening as others see it.
public struct ScreeningView: BitwiseCopyable, Sendable {
  public var lane: LaneID
  public var ticket: UInt32
  public var state: ScreeningState
  public var since: Instant

  @inlinable @inline(__always)
  public init(lane: LaneID, ticket: UInt32, state: ScreeningState, since: Instant) {
    self.lane = lane
    self.ticket = ticket
    self.state = state
    self.since = since
  }
}

extension Lanes {
  public func view(_ lane: LaneID, _ now: Now) -> LaneView {
    let row = rows[Int(lane.index)]
    let policy = row.settings.policy
    var view = LaneView(
      state: row.state, releasedBy: row.isReleased ? row.releaseCause : nil, passed: row.passed, denied: row.denied,
      statistics: statistics[Int(lane.index)].view(now, fewest: policy.driftPeople, normal: policy.normalMiddle))
    view.provenAt = proofs[Int(lane.index)].provenAt
    view.seenAt = proofs[Int(lane.index)].seenAt
    return view
  }

  /// Screenings that may be there: ask `view(screening:)` for each.
  public var screeningCount: Int { @_noLocks @_noAllocation get { screenings.capacity } }

  /// `nil` when this slot holds nobody who waits.
  @_noLocks @_noAllocation
  public func view(screening slot: Int) -> ScreeningView? {
    guard isWaiting(slot) else { return nil }
    return ScreeningView(
      lane: LaneID(slot / Self.waitingMax), ticket: screenings[slot].ticket, state: screenings[slot].state,
      since: screenings[slot].since)
  }

  public var byteCount: Int {
    rows.byteCount + screenings.byteCount + lastTicket.byteCount + refused.byteCount + statistics.byteCount
      + proofs.byteCount
  }

  @_noLocks @_noAllocation
  public func copyBytes(to bytes: borrowing Table<UInt8>, at offset: Int) -> Int {
    let end = lastTicket.copyBytes(to: bytes, at: screenings.copyBytes(to: bytes, at: rows.copyBytes(to: bytes, at: offset)))
    return proofs.copyBytes(to: bytes, at: statistics.copyBytes(to: bytes, at: refused.copyBytes(to: bytes, at: end)))
  }

  /// Takes over an earlier run. `shift` moves its times to this boot clock. Settings stay this run's; what the devices
  /// say is learnt anew; a screening that was at the lane is abandoned, with its alarm if it was ever elevated, or rests on if it
  /// had a ticket.
  public mutating func replaceBytes(
    from bytes: borrowing Table<UInt8>, at offset: Int, shift: Interval, now: Now, _ alarms: inout Alarms,
    _ effects: inout Effects
  ) -> Int {
    let settings = (0..<rows.capacity).map { rows[$0].settings }
    var end = screenings.replaceBytes(from: bytes, at: rows.replaceBytes(from: bytes, at: offset))
    end = refused.replaceBytes(from: bytes, at: lastTicket.replaceBytes(from: bytes, at: end))
    end = proofs.replaceBytes(from: bytes, at: statistics.replaceBytes(from: bytes, at: end))
    for index in 0..<rows.capacity {
      let before = rows[index]
      rows[index] = LaneRow(settings[index])
      rows[index].passed = before.passed
      rows[index].denied = before.denied
      // A fire goes on until its input is read as off.
      rows[index].fire = before.fire && settings[index].hasFireRelease
      rows[index].staff = before.staff && settings[index].hasStaffButton
      // Whoever was called, or showed who they are, still steps up as the same.
      if before.called > 0 {
        rows[index].called = before.called
        rows[index].calledUntil = before.calledUntil + shift
      }
      rows[index].identity = before.identity
      rows[index].identityAt = before.identityAt + shift
      statistics[index].resume(shift: shift, now)
      interruptProof(index, now, &effects)
      if before.measuredWith == rows[index].measuredWith {
        rows[index].watch = before.watch
        rows[index].reference = before.reference.moved(by: shift)
        rows[index].secondWatch = before.secondWatch
        rows[index].relative.resume(before.relative, shift: shift)
      } else {
        statistics[index].estimates = RunningMedian()
      }
      for slot in slots(index) {
        screenings[slot].since = screenings[slot].since + shift
        screenings[slot].waitUntil = screenings[slot].waitUntil + shift
        if screenings[slot].ticketAt > .past { screenings[slot].ticketAt = screenings[slot].ticketAt + shift }
        switch screenings[slot].state {
        case .measuring, .retake, .suspect:
          rows[index].screening = Int32(truncatingIfNeeded: slot)
          // Who had a ticket keeps it: coming anew as somebody else, one normal reading would let them pass.
          if screenings[slot].wasResting {
            wait(index, slot, .rest, .deviceUnhealthy, now, &alarms, &effects)
          } else {
            leave(index, now, &alarms, &effects)
          }
        default: break
        }
        if isWaiting(slot), screenings[slot].wasElevated {
          alarms.set(.suspectedFever, at: .lane(LaneID(index)), true, now, &effects)
        }
        lookAt(slot, index)
      }
      schedule(index)
    }
    return end
  }
}
