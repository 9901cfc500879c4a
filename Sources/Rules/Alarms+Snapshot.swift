// Alarms across a restart: what is open stays the same occurrence, and nothing that keeps an alarm quiet lasts longer for it.

public import Domain

extension Alarms {
  public var byteCount: Int { rows.byteCount + counters.byteCount + raises.byteCount + notes.byteCount }

  @_noLocks @_noAllocation
  public func copyBytes(to bytes: borrowing Table<UInt8>, at offset: Int) -> Int {
    let end = counters.copyBytes(to: bytes, at: rows.copyBytes(to: bytes, at: offset))
    return notes.copyBytes(to: bytes, at: raises.copyBytes(to: bytes, at: end))
  }

  /// Takes over the alarms of an earlier run; `shift` moves its times to this boot clock. Conditions are looked at anew: what is
  /// still there stays the same occurrence, what is gone clears after its off-delay, and after a minute at least. What is judged
  /// by a mean stays until the mean is known again and good.
  public mutating func replaceBytes(from bytes: borrowing Table<UInt8>, at offset: Int, shift: Interval, now: Now) -> Int {
    let settings = (0..<rows.capacity).map { rows[$0].settings }
    var end = counters.replaceBytes(from: bytes, at: rows.replaceBytes(from: bytes, at: offset))
    end = notes.replaceBytes(from: bytes, at: raises.replaceBytes(from: bytes, at: end))
    for index in 0..<raises.capacity where raises[index] > .past { raises[index] = min(raises[index] + shift, now.boot) }
    loudCount = 0
    for index in 0..<rows.capacity {
      if isLoud(index) { loudCount += 1 }
      rows[index].settings = settings[index]
      rows[index].pending = .never
      restoreTimer(index, shift, now)
      restoreCondition(index, now)
    }
    for index in 0..<rows.capacity {
      rows[index].isCaused = isExplained(index)
      // Its cause went with the settings.
      if case .suppressedByDesign = rows[index].state, !rows[index].isCaused { setTimer(index, .past) }
    }
    scheduleFloodEnd()
    return end
  }

  /// Nothing waits longer than it would if it began now, whatever the clocks did meanwhile.
  private mutating func restoreTimer(_ index: Int, _ shift: Interval, _ now: Now) {
    let longest: Instant
    switch rows[index].state {
    case .shelved: longest = now.boot + policy.shelveLongest
    case .unacknowledged, .latchedUnacknowledged: longest = now.boot + escalatesAfter(index)
    case .acknowledged: longest = reAlarmsAt(now)
    default: longest = .never
    }
    setTimer(index, longest == .never ? .never : min(rows[index].timer + shift, longest))
  }

  private mutating func restoreCondition(_ index: Int, _ now: Now) {
    guard rows[index].isActive else {
      rows[index].condition = false
      return
    }
    // Only a rule's word ends the condition of a latched alarm.
    guard !rows[index].settings.isLatched else { return }
    rows[index].condition = false
    switch rows[index].kind {
    case .airHigh, .airMean, .airAdvice, .laneDrift, .thermometerStuck, .thermometerNormalising, .alarmFlood, .freshAir, .overCapacity,
      .slotAtRisk, .ventilationLate, .sensorsDisagree, .proofFailed, .proofOverdue, .alertCheck:
      rows[index].condition = true
    default: wait(index, until: now.boot + max(rows[index].settings.offDelay, .seconds(60)))
    }
  }
}
