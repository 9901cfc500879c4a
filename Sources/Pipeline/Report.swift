// What the pipeline knows at one moment, copied between two turns for whoever shows it: `gatehouse status`, and later
// the metrics and the console. Rows of fixed size, filled by the real-time thread only when somebody asked.

public import Domain

/// Whether a device is there.
public enum Presence: UInt8, BitwiseCopyable, Sendable {
  case unknown, up, down

  public var name: String {
    switch self {
    case .unknown: "unknown"
    case .up: "up"
    case .down: "down"
    }
  }
}

/// One device.
public struct DeviceReport: BitwiseCopyable, Sendable {
  public var presence = Presence.unknown
  /// Wall time (ns since 1970 UTC) of the last change of presence; 0: none yet.
  public var since: Int64 = 0
  public var goodReadings: UInt64 = 0
  public var invalidReadings: UInt64 = 0

  @_noLocks @_noAllocation public init() {}
}

/// One lane.
public struct LaneReport: BitwiseCopyable, Sendable {
  public var state = LaneState.outOfOrder
  public var isReleased = false
  public var releasedBy = ReleaseCause.failure
  public var passed: UInt64 = 0
  public var denied: UInt64 = 0

  @_noLocks @_noAllocation public init() {}
}

/// One screening that waits outside its lane.
public struct WaitingReport: BitwiseCopyable, Sendable {
  public var lane = LaneID(0)
  public var ticket: UInt32 = 0
  public var state = ScreeningState.none
  public var since = Instant.past

  @_noLocks @_noAllocation public init() {}
}

/// One alarm that is not normal.
public struct AlarmReport: BitwiseCopyable, Sendable {
  public var fact = AlarmFact(kind: .eventsLost, priority: .low, state: .normal, occurrence: 0, value: .nan)
  public var place = Place.site
  /// When it was raised, ns since 1970 UTC.
  public var since: Int64 = 0

  @_noLocks @_noAllocation public init() {}
}
