// Alarms: conditions with a life (ISA-18.2) and a priority (IEC 60601-1-8).

/// IEC 60601-1-8 priorities.
public enum Priority: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case low, medium, high

  public var name: String {
    switch self {
    case .low: "low"
    case .medium: "medium"
    case .high: "high"
    }
  }
}

/// Every condition that can alarm. One kind at one place is one alarm.
public enum AlarmKind: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case confirmedFever, notIsolated, isolationRoom, disinfectionOverdue
  case suspectedFever, suspectLeft, gateJammed, gateUnscreened, tailgating, laneOutOfOrder
  case airHigh, airMean, airAdvice
  case freshAir, overCapacity, slotAtRisk, ventilationLate, sensorsDisagree, sensorStuck, baselineDrift
  case deviceSilent, deviceFault, portLost, logStalled, clockUnsynchronised, eventsLost, laneDrift
  case proofFailed, proofOverdue, alertCheck
  case calibrationDue, referenceOff, thermometerStuck, thermometerNormalising
  case alarmFlood

  /// How events, metrics and settings write it.
  public var name: String {
    switch self {
    case .confirmedFever: "confirmed_fever"
    case .notIsolated: "not_isolated"
    case .isolationRoom: "isolation_room"
    case .disinfectionOverdue: "disinfection_overdue"
    case .suspectedFever: "suspected_fever"
    case .suspectLeft: "suspect_left"
    case .gateJammed: "gate_jammed"
    case .gateUnscreened: "gate_unscreened"
    case .tailgating: "tailgating"
    case .laneOutOfOrder: "lane_out_of_order"
    case .airHigh: "air_high"
    case .airMean: "air_mean"
    case .airAdvice: "air_advice"
    case .freshAir: "fresh_air"
    case .overCapacity: "over_capacity"
    case .slotAtRisk: "slot_at_risk"
    case .ventilationLate: "ventilation_late"
    case .sensorsDisagree: "sensors_disagree"
    case .sensorStuck: "sensor_stuck"
    case .baselineDrift: "baseline_drift"
    case .deviceSilent: "device_silent"
    case .deviceFault: "device_fault"
    case .portLost: "port_lost"
    case .logStalled: "log_stalled"
    case .clockUnsynchronised: "clock_unsynchronised"
    case .eventsLost: "events_lost"
    case .laneDrift: "lane_drift"
    case .proofFailed: "proof_failed"
    case .proofOverdue: "proof_overdue"
    case .alertCheck: "alert_check"
    case .calibrationDue: "calibration_due"
    case .referenceOff: "reference_off"
    case .thermometerStuck: "thermometer_stuck"
    case .thermometerNormalising: "thermometer_normalising"
    case .alarmFlood: "alarm_flood"
    }
  }

  /// Where it is: one alarm a lane, a room, a device …
  @inlinable @inline(__always) public var scope: AlarmScope {
    switch self {
    case .confirmedFever, .suspectedFever, .suspectLeft, .gateJammed, .gateUnscreened, .tailgating, .laneOutOfOrder, .laneDrift, .calibrationDue,
      .referenceOff, .thermometerStuck, .thermometerNormalising, .proofFailed, .proofOverdue, .alertCheck:
      .lane
    case .airHigh, .airMean, .airAdvice, .freshAir, .overCapacity, .slotAtRisk, .ventilationLate, .sensorsDisagree, .disinfectionOverdue:
      .room
    case .deviceSilent, .deviceFault, .sensorStuck, .baselineDrift: .device
    case .portLost: .port
    case .logStalled: .log
    case .clockUnsynchronised, .eventsLost, .alarmFlood, .notIsolated, .isolationRoom: .site
    }
  }

  /// It tells of a person who must be looked after, or of a gate that does not do what it should. It may be acknowledged;
  /// nobody may shelve it or take it out of service, and no other alarm suppresses it.
  @inlinable @inline(__always) public var isSafety: Bool {
    switch self {
    case .confirmedFever, .notIsolated, .isolationRoom, .suspectedFever, .suspectLeft, .gateJammed, .gateUnscreened: true
    case .tailgating, .laneOutOfOrder, .laneDrift, .airHigh, .airMean, .airAdvice, .deviceSilent, .deviceFault, .portLost, .logStalled,
      .clockUnsynchronised, .eventsLost, .calibrationDue, .referenceOff, .thermometerStuck, .thermometerNormalising, .alarmFlood, .disinfectionOverdue,
      .freshAir, .overCapacity, .slotAtRisk, .ventilationLate, .sensorsDisagree, .sensorStuck, .baselineDrift, .proofFailed, .proofOverdue,
      .alertCheck:
      false
    }
  }
}

/// What an alarm belongs to.
public enum AlarmScope: UInt8, BitwiseCopyable, Sendable { case lane, room, device, port, log, site }

/// Names an alarm, whether or not it is raised: one kind at one place.
public struct AlarmID: BitwiseCopyable, Sendable {
  public var kind: AlarmKind
  public var place: Place

  @inlinable @inline(__always)
  public init(_ kind: AlarmKind, at place: Place) {
    self.kind = kind
    self.place = place
  }
}

/// The states of ISA-18.2: A normal, B unacknowledged, C acknowledged, D returned unacknowledged, E latched
/// unacknowledged, F latched acknowledged; and the three in which nobody is told: G shelved, H suppressed by design, I out of
/// service.
public enum AlarmState: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case normal, unacknowledged, acknowledged, returnedUnacknowledged, latchedUnacknowledged, latchedAcknowledged
  case shelved, suppressedByDesign, outOfService

  public var name: String {
    switch self {
    case .normal: "normal"
    case .unacknowledged: "unacknowledged"
    case .acknowledged: "acknowledged"
    case .returnedUnacknowledged: "returned_unacknowledged"
    case .latchedUnacknowledged: "latched_unacknowledged"
    case .latchedAcknowledged: "latched_acknowledged"
    case .shelved: "shelved"
    case .suppressedByDesign: "suppressed_by_design"
    case .outOfService: "out_of_service"
    }
  }

  /// Nobody is told of it, whatever its condition.
  @inlinable @inline(__always) public var isSuppressed: Bool {
    switch self {
    case .shelved, .suppressedByDesign, .outOfService: true
    case .normal, .unacknowledged, .acknowledged, .returnedUnacknowledged, .latchedUnacknowledged, .latchedAcknowledged: false
    }
  }
}

/// What an alarm event says. Its place is the event's source.
public struct AlarmFact: BitwiseCopyable, Sendable {
  public var kind: AlarmKind
  public var priority: Priority
  public var state: AlarmState
  /// Counts the raises since the log began; `acknowledge` names it. 0: none is open.
  public var occurrence: UInt32
  /// The value that raised it (ppm, degC, seconds …), or NaN.
  public var value: Double

  @inlinable @inline(__always)
  public init(kind: AlarmKind, priority: Priority, state: AlarmState, occurrence: UInt32, value: Double) {
    self.kind = kind
    self.priority = priority
    self.state = state
    self.occurrence = occurrence
    self.value = value
  }
}
