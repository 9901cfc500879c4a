// The day's proof of a lane's alert path, without a person: lamp and buzzer are driven as for somebody who is elevated, and their
// board must carry that out and, where it reads its relays, say so. The gate is not touched. Whoever steps up, and any real alarm,
// goes first and ends it. What no board can tell, whether light and sound reach anybody, staff say by acknowledging the alarm
// `alert_check`.

public import Domain

/// A lane's lamp or its buzzer.
public enum Signal: UInt8, BitwiseCopyable, Sendable { case lamp, buzzer }

struct ProofRow: BitwiseCopyable {
  /// When the signals are over, and when what is still unknown has failed; `never`: no proof runs.
  var until = Instant.never
  var latest = Instant.never
  var lamp = SignalProof.none
  var buzzer = SignalProof.none
  /// The last success: wall time in ns since 1970 UTC (0: none yet), and the day at the site.
  var provenAt: Int64 = 0
  var provenDay = Int32.min
  /// When somebody said that they saw or heard it; 0: nobody did.
  var seenAt: Int64 = 0
  /// When the clock has to be looked at.
  var look = Instant.never

  @_noLocks @_noAllocation
  init() {}

  var isRunning: Bool { @_noLocks @_noAllocation get { until < .never } }
}

extension Lanes {
  /// For how long the buzzer sounds, as at a refusal.
  private var proofFor: Interval { @_noLocks @_noAllocation get { .seconds(3) } }
  /// A board has this long to carry out and to read back, with an order given again.
  private var proofLongest: Interval { @_noLocks @_noAllocation get { .seconds(10) } }

  /// Begins a proof. Its result is an event.
  @_noLocks @_noAllocation
  public mutating func prove(_ lane: LaneID, _ now: Now, _ effects: inout Effects) -> Answer {
    let index = Int(lane.index)
    guard index < rows.capacity else { return .refused(.unknownLane) }
    let settings = rows[index].settings
    guard !hasNoSignal(settings) else { return .refused(.nothingToProve) }
    guard !rows[index].isReleased else { return .refused(.laneReleased) }
    guard isHealthy(index) else { return .refused(.deviceUnavailable) }
    guard isEmpty(index), rows[index].called == 0, !proofs[index].isRunning else { return .refused(.laneBusy) }
    for slot in slots(index) {
      if isWaiting(slot) { return .refused(.ticketsWait) }
    }
    guard !rows[index].alarmIsOn, !rows[index].isDenied, !rows[index].buzzerIsOn else { return .refused(.signalsOn) }
    proofs[index].until = now.boot + proofFor
    proofs[index].latest = now.boot + proofLongest
    proofs[index].lamp = settings.lamp == .none ? .none : .failed
    proofs[index].buzzer = settings.buzzer == .none ? .none : .failed
    // Also a lamp that is lit, as that of a lane that admits nobody, is ordered anew.
    rows[index].lampIsOn = false
    settleSignals(index, now, &effects)
    schedule(index)
    return .done
  }

  /// Nobody stands at the lane, as far as it sees, and its gate is shut.
  @_noLocks @_noAllocation
  private func isEmpty(_ index: Int) -> Bool {
    guard case .shut = rows[index].gate.state, rows[index].wasEmpty else { return false }
    return rows[index].screening < 0 && !rows[index].isPresent && rows[index].personReadings == 0
  }

  /// Somebody or something real needs the lane.
  @_noLocks @_noAllocation
  func interruptProof(_ index: Int, _ now: Now, _ effects: inout Effects) {
    guard proofs[index].isRunning else { return }
    stopProof(index)
    tellProof(index, .interrupted, &effects)
  }

  @_noLocks @_noAllocation
  private func stopProof(_ index: Int) {
    proofs[index].until = .never
    proofs[index].latest = .never
  }

  @_noLocks @_noAllocation
  private func tellProof(_ index: Int, _ result: ProofResult, _ effects: inout Effects) {
    effects.event(.laneProof(result, lamp: proofs[index].lamp, buzzer: proofs[index].buzzer), at: .lane(LaneID(index)))
  }

  // MARK: What boards say

  /// The board carried out an order that turns it on.
  @_noLocks @_noAllocation
  public mutating func signalWritten(_ signal: Signal, at lane: LaneID) {
    let index = Int(lane.index)
    guard proofs[index].isRunning else { return }
    switch signal {
    case .lamp: if proofs[index].lamp == .failed { proofs[index].lamp = .written }
    case .buzzer: if proofs[index].buzzer == .failed { proofs[index].buzzer = .written }
    }
    schedule(index)
  }

  /// The board reads its relay as on. What it read before the order says nothing.
  @_noLocks @_noAllocation
  public mutating func signalSeen(_ signal: Signal, at lane: LaneID) {
    let index = Int(lane.index)
    guard proofs[index].isRunning else { return }
    switch signal {
    case .lamp: if proofs[index].lamp == .written { proofs[index].lamp = .confirmed }
    case .buzzer: if proofs[index].buzzer == .written { proofs[index].buzzer = .confirmed }
    }
    schedule(index)
  }

  /// As much as can be known of each.
  @_noLocks @_noAllocation
  private func isProven(_ index: Int) -> Bool {
    proofs[index].lamp == rows[index].settings.lamp && proofs[index].buzzer == rows[index].settings.buzzer
  }

  // MARK: Time

  @_noLocks @_noAllocation
  func nextProofLook(_ index: Int) -> Instant {
    let end = isProven(index) ? proofs[index].until : proofs[index].latest
    return min(proofs[index].isRunning ? end : .never, proofs[index].look)
  }

  @_noLocks @_noAllocation
  func advanceProof(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    if proofs[index].isRunning, now.boot >= nextProofLook(index) {
      if isProven(index) {
        if now.boot >= proofs[index].until { endProof(index, .proven, now, &alarms, &effects) }
      } else if now.boot >= proofs[index].latest {
        endProof(index, .failed, now, &alarms, &effects)
      }
    }
    if now.boot >= proofs[index].look { settleDue(index, now, &alarms, &effects) }
  }

  @_noLocks @_noAllocation
  private func endProof(_ index: Int, _ result: ProofResult, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let place = Place.lane(LaneID(index))
    stopProof(index)
    // What is known of a board that reads its relays, and did not read this one as on, is that it failed.
    if result == .failed {
      if proofs[index].lamp != rows[index].settings.lamp { proofs[index].lamp = .failed }
      if proofs[index].buzzer != rows[index].settings.buzzer { proofs[index].buzzer = .failed }
    }
    tellProof(index, result, &effects)
    alarms.set(.proofFailed, at: place, result == .failed, renew: result == .failed, now, &effects)
    guard result == .proven else { return }
    proofs[index].provenAt = now.wall
    proofs[index].provenDay = LocalTime(now).day
    proofs[index].seenAt = 0
    alarms.set(.alertCheck, at: place, true, renew: true, now, &effects)
    settleDue(index, now, &alarms, &effects)
  }

  /// Whether the day's proof is missing. Once it is, only a proof ends that, also on another day.
  @_noLocks @_noAllocation
  private func settleDue(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let place = Place.lane(LaneID(index))
    let due = rows[index].settings.proofDue
    proofs[index].look = .never
    if hasNoSignal(rows[index].settings) {
      // Lamp and buzzer were taken out of the settings: no proof can end these any more.
      alarms.set(.proofFailed, at: place, false, now, &effects)
      alarms.set(.alertCheck, at: place, false, now, &effects)
    }
    guard due >= 0 else { return alarms.set(.proofOverdue, at: place, false, now, &effects) }
    let local = LocalTime(now)
    let left = due > local.second ? due &- local.second : 3_600
    // At least each hour: the clock may be set, and summer time begin or end.
    proofs[index].look = now.boot + .seconds(Int64(min(left, 3_600)))
    if proofs[index].provenDay == local.day {
      alarms.set(.proofOverdue, at: place, false, now, &effects)
    } else if local.second >= due, rows[index].settings.workdays & local.weekday != 0 {
      alarms.set(.proofOverdue, at: place, true, now, &effects)
    }
  }

  @_noLocks @_noAllocation
  private func hasNoSignal(_ settings: LaneSettings) -> Bool { settings.lamp == .none && settings.buzzer == .none }

  // MARK: People

  /// Somebody acknowledged `alert_check`: they saw or heard it.
  @_noLocks @_noAllocation
  public mutating func proofSeen(at lane: LaneID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    proofs[Int(lane.index)].seenAt = now.wall
    alarms.set(.alertCheck, at: .lane(lane), false, now, &effects)
  }
}
