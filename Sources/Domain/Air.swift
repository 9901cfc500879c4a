// The words for rooms: their air, how they are ventilated, what is judged of it, and the sessions between.

/// Why a room's CO2 is as high as it is.
public enum AirCause: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  /// It is not high.
  case none
  /// Too little air from outside for the people who may be there.
  case ventilation
  /// More people than the room is for.
  case crowding
  /// The sensors cannot be believed: nothing is known of the air.
  case sensor

  public var name: String {
    switch self {
    case .none: "none"
    case .ventilation: "ventilation"
    case .crowding: "crowding"
    case .sensor: "sensor"
    }
  }
}

/// A room's air as rules see it. NaN: not known.
public struct AirFact: BitwiseCopyable, Sendable {
  /// 5-minute mean of CO2, ppm.
  public var mean5: Double
  /// 1-hour mean of CO2, ppm.
  public var mean60: Double
  /// How fast CO2 changes over the short mean, ppm a minute.
  public var rate: Double
  /// The share of the air that somebody breathed before, 0 to 1.
  public var rebreathed: Double
  /// Outdoor air for each person, m3/h, and half of its interval of 95 %.
  public var freshAir: Double
  public var freshAirError: Double
  /// People in the room.
  public var occupants: Double
  /// degC and %RH.
  public var temperature: Double
  public var humidity: Double
  /// Measured outdoor air, m3/h.
  public var flow: Double
  public var cause: AirCause

  @inlinable @inline(__always)
  public init(mean5: Double, mean60: Double) {
    self.mean5 = mean5
    self.mean60 = mean60
    rate = .nan
    rebreathed = .nan
    freshAir = .nan
    freshAirError = .nan
    occupants = .nan
    temperature = .nan
    humidity = .nan
    flow = .nan
    cause = .none
  }
}

/// By what a ventilation was seen.
public enum VentilationMethod: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  /// A window's contact.
  case window
  /// A fan's contact or relay.
  case fan
  /// A measured flow of outdoor air.
  case airflow
  /// CO2 alone: it fell.
  case co2
  /// Somebody said so.
  case declared

  public var name: String {
    switch self {
    case .window: "window"
    case .fan: "fan"
    case .airflow: "airflow"
    case .co2: "co2"
    case .declared: "declared"
    }
  }
}

/// What CO2 says of a ventilation.
public enum VentilationEffect: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  /// Nothing: no sensor, people in the room, or air as outdoors from the beginning.
  case notVerified
  /// At least so many air changes as are asked for, or CO2 came down to near outdoors.
  case effective
  /// Too few air changes, and CO2 stayed up.
  case ineffective

  public var name: String {
    switch self {
    case .notVerified: "not_verified"
    case .effective: "effective"
    case .ineffective: "ineffective"
    }
  }
}

/// One ventilation of a room.
public struct VentilationFact: BitwiseCopyable, Sendable {
  public var method: VentilationMethod
  /// Wall time, ns since 1970 UTC; 0: there was none.
  public var start: Int64
  /// 0: it goes on.
  public var end: Int64
  /// From start to end, gaps bridged.
  public var minutes: Double
  /// Minutes of it of which nothing is known.
  public var unknownMinutes: Double
  /// ppm; NaN: not known.
  public var startPpm: Double
  public var endPpm: Double
  /// Air changes an hour and half of their interval of 95 %; NaN: no decay that can be relied on.
  public var airChanges: Double
  public var airChangesError: Double
  /// A window or door was moved while CO2 fell: at least so many.
  public var isLowerBound: Bool
  public var effect: VentilationEffect

  @inlinable @inline(__always)
  public init(method: VentilationMethod, start: Int64) {
    self.method = method
    self.start = start
    end = 0
    minutes = 0
    unknownMinutes = 0
    startPpm = .nan
    endPpm = .nan
    airChanges = .nan
    airChangesError = .nan
    isLowerBound = false
    effect = .notVerified
  }
}

/// When a room must be ventilated.
public enum Slot: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case morning, afternoon, afterSession

  public var name: String {
    switch self {
    case .morning: "morning"
    case .afternoon: "afternoon"
    case .afterSession: "after_session"
    }
  }
}

/// What is judged of a slot.
public enum SlotVerdict: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case met, short, missed
  /// Too much of it was not seen to say that it was not done.
  case unverifiable

  public var name: String {
    switch self {
    case .met: "met"
    case .short: "short"
    case .missed: "missed"
    case .unverifiable: "unverifiable"
    }
  }
}

/// A slot that is over, with the ventilation that counts for it.
public struct SlotFact: BitwiseCopyable, Sendable {
  public var slot: Slot
  public var verdict: SlotVerdict
  /// Which session it follows, an index into `Names.sessions`; -1: none, or one without a name.
  public var session: Int16
  /// Wall time, ns since 1970 UTC.
  public var plannedStart: Int64
  public var plannedEnd: Int64
  public var shortMinutes: Double
  /// Minutes of the slot of which nothing is known.
  public var unknownMinutes: Double
  public var ventilation: VentilationFact

  @inlinable @inline(__always)
  public init(
    slot: Slot, verdict: SlotVerdict, session: Int16, plannedStart: Int64, plannedEnd: Int64, shortMinutes: Double,
    unknownMinutes: Double, ventilation: VentilationFact
  ) {
    self.slot = slot
    self.verdict = verdict
    self.session = session
    self.plannedStart = plannedStart
    self.plannedEnd = plannedEnd
    self.shortMinutes = shortMinutes
    self.unknownMinutes = unknownMinutes
    self.ventilation = ventilation
  }
}

/// A session that begins, ends or has to wait.
public struct SessionFact: BitwiseCopyable, Sendable {
  /// An index into `Names.sessions`; -1: begun by command.
  public var session: Int16
  /// Minutes of ventilation that the room still lacks.
  public var missingMinutes: Double
  public var isRoomLocked: Bool

  @inlinable @inline(__always)
  public init(session: Int16, missingMinutes: Double = 0, isRoomLocked: Bool = false) {
    self.session = session
    self.missingMinutes = missingMinutes
    self.isRoomLocked = isRoomLocked
  }
}
