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
  case suspectedFever, suspectLeft, gateJammed, gateUnscreened, tailgating, laneOutOfOrder
  case airHigh, airMean, airAdvice
  case deviceSilent, deviceFault, portLost, logStalled, clockUnsynchronised, eventsLost, laneDrift
  case calibrationDue, referenceOff, thermometerStuck, thermometerNormalising

  /// How events, metrics and settings write it.
  public var name: String {
    switch self {
    case .suspectedFever: "suspected_fever"
    case .suspectLeft: "suspect_left"
    case .gateJammed: "gate_jammed"
    case .gateUnscreened: "gate_unscreened"
    case .tailgating: "tailgating"
    case .laneOutOfOrder: "lane_out_of_order"
    case .airHigh: "air_high"
    case .airMean: "air_mean"
    case .airAdvice: "air_advice"
    case .deviceSilent: "device_silent"
    case .deviceFault: "device_fault"
    case .portLost: "port_lost"
    case .logStalled: "log_stalled"
    case .clockUnsynchronised: "clock_unsynchronised"
    case .eventsLost: "events_lost"
    case .laneDrift: "lane_drift"
    case .calibrationDue: "calibration_due"
    case .referenceOff: "reference_off"
    case .thermometerStuck: "thermometer_stuck"
    case .thermometerNormalising: "thermometer_normalising"
    }
  }
}

/// The states of ISA-18.2 that exist so far: A normal, B unacknowledged, C acknowledged, D returned unacknowledged,
/// E latched unacknowledged, F latched acknowledged.
public enum AlarmState: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case normal, unacknowledged, acknowledged, returnedUnacknowledged, latchedUnacknowledged, latchedAcknowledged

  public var name: String {
    switch self {
    case .normal: "normal"
    case .unacknowledged: "unacknowledged"
    case .acknowledged: "acknowledged"
    case .returnedUnacknowledged: "returned_unacknowledged"
    case .latchedUnacknowledged: "latched_unacknowledged"
    case .latchedAcknowledged: "latched_acknowledged"
    }
  }
}

/// What an alarm event says. Its place is the event's source.
public struct AlarmFact: BitwiseCopyable, Sendable {
  public var kind: AlarmKind
  public var priority: Priority
  public var state: AlarmState
  /// Counts the raises since the log began; `acknowledge` names it.
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
