// What the pipeline says happened. Closed: a new kind of event is a case here, a row in docs/events.md and a branch
// in the log's formatter, and the compiler asks for all of them.

/// Three streams, each with its own gap-free `seq`, chain and cursors.
public enum Stream: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  /// Verdicts, alarms, cases, commands, audit: never thinned.
  case records
  /// Readings: thinned by interval and dead-band.
  case telemetry
  /// Means and counts.
  case aggregates

  public var name: String {
    switch self {
    case .records: "records"
    case .telemetry: "telemetry"
    case .aggregates: "aggregates"
    }
  }
}

/// Why a port is not there.
public enum PortFailure: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case notFound, denied, busy, refused, hungUp, unreachable, ioError, timedOut, stuck, ambiguous, protocolBroken

  public var name: String {
    switch self {
    case .notFound: "not_found"
    case .denied: "denied"
    case .busy: "busy"
    case .refused: "refused"
    case .hungUp: "hung_up"
    case .unreachable: "unreachable"
    case .ioError: "io_error"
    case .timedOut: "timed_out"
    case .stuck: "stuck"
    case .ambiguous: "ambiguous"
    case .protocolBroken: "protocol_broken"
    }
  }
}

/// Why a device counts as down.
public enum DownReason: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case silent, portLost, rejected, exception, wrongDevice

  public var name: String {
    switch self {
    case .silent: "silent"
    case .portLost: "port_lost"
    case .rejected: "rejected"
    case .exception: "exception"
    case .wrongDevice: "wrong_device"
    }
  }
}

/// What was dropped because a buffer was full.
public enum Loss: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case telemetry, records, sends
  /// Somebody who was refused at every lane, and is no longer.
  case identities

  public var name: String {
    switch self {
    case .telemetry: "telemetry"
    case .records: "records"
    case .sends: "sends"
    case .identities: "identities"
    }
  }
}

/// What happened.
public enum EventBody: BitwiseCopyable, Sendable {
  case systemStarted(restored: Bool, downSeconds: Int64)
  case systemStopping
  case clockStepped(byNanoseconds: Int64)
  case portOpened
  case portLost(PortFailure, errno: Int32)
  case deviceUp
  case deviceDown(DownReason)
  /// It has been down for this long, and did not answer this many requests meanwhile: told at growing intervals.
  case deviceStillDown(seconds: Int64, unanswered: UInt64)
  case reading(Reading)
  case laneChanged(LaneState)
  /// An hour or a day of a lane is over, and somebody came in it.
  case laneStatistics(LaneStatisticsFact)
  /// A proof of a lane's alert path is over.
  case laneProof(ProofResult, lamp: SignalProof, buzzer: SignalProof)
  case screeningBegan(ticket: UInt32)
  /// Enter: the gate opens.
  case screeningPassed(ScreeningFact)
  /// Not now: measure again, wait, rest, contact test, no result. `next` says which.
  case screeningDenied(ScreeningFact)
  case screeningResumed(ScreeningFact)
  case screeningAbandoned(ScreeningFact)
  case screeningIsolated(ScreeningFact)
  case gateOpened(ticket: UInt32)
  case gateShut
  case gateReleased(ReleaseCause)
  case gateReturned
  /// A passage; `screened` when it belongs to a verdict.
  case passage(screened: Bool)
  case alarmRaised(AlarmFact)
  /// A latched alarm happened again before staff cleared it; `value` counts how often in all.
  case alarmRepeated(AlarmFact)
  case alarmAcknowledged(AlarmFact)
  /// Somebody must see it again: by a person's word, or because it has lasted for the time of `re_alarm_min`.
  case alarmUnacknowledged(AlarmFact)
  /// Nobody has acknowledged it for its time; `level` counts from 1.
  case alarmEscalated(AlarmFact, level: UInt8)
  /// Nobody is told of it from now on; its state says why. `until`: ns since 1970 UTC when a shelf ends, or 0.
  case alarmSuppressed(AlarmFact, until: Int64)
  /// People are told of it again, as far as its state asks for it.
  case alarmUnsuppressed(AlarmFact)
  case alarmCleared(AlarmFact)
  case air(AirFact)
  /// Decisions are made by this policy from now on.
  case policyChanged(version: UInt32)
  /// A step of a case. `who` took it; `note`: the symptom, or to whom it was reported or the person handed over.
  case caseStep(CaseStep, CaseFact, who: Text, note: Text)
  /// Nobody may use this room until it was ventilated and disinfected after the case.
  case roomLocked(case: UInt32)
  case roomFreed(case: UInt32)
  /// A room was disinfected from `began` to `ended` (ns since 1970 UTC) by `who` with `agent`.
  case disinfected(DisinfectionMethod, began: Int64, ended: Int64, who: Text, agent: Text)
  case attested(item: UInt8, who: Text)
  case siteOpened(who: Text)
  case siteClosed(who: Text)
  /// Entries and session starts are refused here; `case`: the case that did it, 0: a person.
  case incidentBegan(case: UInt32, who: Text, why: Text)
  case incidentEnded(who: Text, why: Text)
  case ventilationBegan(VentilationFact)
  case ventilationEnded(VentilationFact)
  /// A slot in which the room must be ventilated is over.
  case ventilationJudged(SlotFact)
  case sessionBegan(SessionFact)
  case sessionEnded(SessionFact)
  /// A session has to wait: its room is not aired yet, or locked.
  case sessionHeld(SessionFact)
  /// The settings allow this room what guidance does not, for a reason that they name.
  case roomExcepted
  case commandAnswered(Command, Answer)
  case lost(Loss, count: UInt64)
  case writeFailed(DeviceID)
  /// What somebody ordered by name reached the device.
  case written(DeviceID, UInt8)

  /// Which stream it belongs to.
  @inlinable @inline(__always) public var stream: Stream {
    switch self {
    case .reading: .telemetry
    case .air, .laneStatistics: .aggregates
    default: .records
    }
  }
}

extension EventBody {
  /// Whether a restart must know of it: a snapshot is taken after it, and the two reach the disk together.
  @inlinable @inline(__always) public var changesState: Bool {
    switch self {
    case .reading, .air, .passage, .deviceUp, .deviceDown, .deviceStillDown, .portOpened, .portLost: false
    default: true
    }
  }
}

/// One event. Its `id` in the log is the door's start id and `counter`.
public struct Event: BitwiseCopyable, Sendable {
  /// Counts the events of one start of the door, from 1.
  public var counter: UInt64
  public var at: Now
  public var source: Place
  public var body: EventBody
  public var personal: Personal

  @inlinable @inline(__always)
  public init(counter: UInt64, at: Now, source: Place, body: EventBody, personal: Personal) {
    self.counter = counter
    self.at = at
    self.source = source
    self.body = body
    self.personal = personal
  }
}
