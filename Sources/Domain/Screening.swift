// The words for lanes, screenings and gates that rules decide in and events are written in.

/// A lane: one way through an entrance.
public enum LaneState: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case free, measuring, releasing, released, outOfOrder
  /// It could screen, and admits nobody: the site is closed, or an incident suspends it.
  case closed

  public var name: String {
    switch self {
    case .free: "free"
    case .measuring: "measuring"
    case .releasing: "releasing"
    case .released: "released"
    case .outOfOrder: "out_of_order"
    case .closed: "closed"
    }
  }
}

/// A screening: one person. `coldWait`, `rest`, `contactTest` and `noResult` wait outside the lane, with a ticket.
public enum ScreeningState: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case none, measuring, retake, suspect, coldWait, rest, contactTest, noResult, passed, isolate, abandoned

  public var name: String {
    switch self {
    case .none: "none"
    case .measuring: "measuring"
    case .retake: "retake"
    case .suspect: "suspect"
    case .coldWait: "cold_wait"
    case .rest: "rest"
    case .contactTest: "contact_test"
    case .noResult: "no_result"
    case .passed: "passed"
    case .isolate: "isolate"
    case .abandoned: "abandoned"
    }
  }
}

/// Why a screening went where it went.
public enum ScreeningReason: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case normal, borderline, elevated, high, low, scattered, tooFew, deviceUnhealthy, secondPerson, left, tooLong
  case overridden, resumed, contactNormal, contactElevated, tableFull
  /// Warmer than the people before.
  case relative
  // No result: why.
  case warmingUp, ambient, humidity, calibrationOverdue, referenceOff, referenceMoves, stuck
  case siteClosed, suspended
  case noIdentity, noCredential
  /// They showed who they are, and are not expected.
  case notOnRoster
  /// Another device found somebody normal who had rested.
  case clearedAfterRest
  /// Elevated before, and left: not before staff say so.
  case refused
  /// Not before the wait is over.
  case tooEarly
  /// Another system said no.
  case credential
  /// The same identity stands at another lane.
  case elsewhere
  /// Somebody saw a symptom.
  case symptom

  public var name: String {
    switch self {
    case .normal: "normal"
    case .borderline: "borderline"
    case .elevated: "elevated"
    case .high: "high"
    case .low: "low"
    case .scattered: "scattered"
    case .tooFew: "too_few"
    case .deviceUnhealthy: "device_unhealthy"
    case .secondPerson: "second_person"
    case .left: "left"
    case .tooLong: "too_long"
    case .overridden: "overridden"
    case .resumed: "resumed"
    case .contactNormal: "contact_normal"
    case .contactElevated: "contact_elevated"
    case .tableFull: "table_full"
    case .relative: "relative"
    case .warmingUp: "warming_up"
    case .ambient: "ambient"
    case .humidity: "humidity"
    case .calibrationOverdue: "calibration_overdue"
    case .referenceOff: "reference_off"
    case .referenceMoves: "reference_moves"
    case .stuck: "stuck"
    case .siteClosed: "site_closed"
    case .suspended: "suspended"
    case .noIdentity: "no_identity"
    case .noCredential: "no_credential"
    case .notOnRoster: "not_on_roster"
    case .clearedAfterRest: "cleared_after_rest"
    case .refused: "refused"
    case .tooEarly: "too_early"
    case .credential: "credential"
    case .elsewhere: "elsewhere"
    case .symptom: "symptom"
    }
  }
}

/// What a screening event says. Temperatures are personal and travel beside it, in `Personal`.
public struct ScreeningFact: BitwiseCopyable, Sendable {
  /// The number on the person's ticket; counts from 1 and is never reused while it waits.
  public var ticket: UInt32
  public var attempt: UInt8
  public var reason: ScreeningReason
  /// Where the screening is now: what the person does next.
  public var next: ScreeningState
  /// The version of the policy that decided.
  public var policy: UInt32
  /// What measured; `nil`: nothing did, or a contact thermometer.
  public var device: DeviceID?
  /// The day of its calibration, since 1970-01-01; 0: not said.
  public var calibrated: Int32

  @_noLocks @_noAllocation
  public init(ticket: UInt32, attempt: UInt8, reason: ScreeningReason, next: ScreeningState, policy: UInt32) {
    self.ticket = ticket
    self.attempt = attempt
    self.reason = reason
    self.next = next
    self.policy = policy
    device = nil
    calibrated = 0
  }
}

/// What an event may hold of a person, kept apart from its body so that it can be forgotten. NaN: not measured.
public struct Personal: BitwiseCopyable, Sendable {
  /// Raw surface temperature, degC; kept 24 h.
  public var surface: Double
  /// The thermometer's ambient temperature, degC; kept 24 h.
  public var ambient: Double
  /// Body estimate (axillary equivalent), degC; kept 30 days, of cases until closed + 90 days.
  public var estimate: Double
  /// What was added to the surface for the estimate, degC: for the site, the device, the air and the reference; kept 24 h.
  public var siteOffset: Double
  public var deviceTerm: Double
  public var ambientTerm: Double
  public var referenceTerm: Double
  /// The limit of the relative rule, degC; kept 24 h.
  public var limit: Double
  /// Who it is; kept as long as the estimate.
  public var token: Token

  @inlinable @inline(__always)
  public init(surface: Double, ambient: Double, estimate: Double) {
    self.surface = surface
    self.ambient = ambient
    self.estimate = estimate
    siteOffset = .nan
    deviceTerm = .nan
    ambientTerm = .nan
    referenceTerm = .nan
    limit = .nan
    token = Token(high: 0, low: 0)
  }
  @inlinable @inline(__always) public static var none: Personal { Personal(surface: .nan, ambient: .nan, estimate: .nan) }
}

/// Where a contact thermometer measured.
public enum ContactSite: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case axilla, ear

  public var name: String {
    switch self {
    case .axilla: "axilla"
    case .ear: "ear"
    }
  }
}

/// Why a gate stands open without a verdict.
public enum ReleaseCause: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case fire, staff, failure

  public var name: String {
    switch self {
    case .fire: "fire"
    case .staff: "staff"
    case .failure: "failure"
    }
  }
}
