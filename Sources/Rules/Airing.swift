// How a room is ventilated, which slots are open and whether a session is on: what a restart must know of a room. Rules
// on it are in Rooms+Ventilation, Rooms+Slots and Rooms+Sessions.

public import Domain

/// A ventilation that is over.
struct Aired: BitwiseCopyable {
  var start = Instant.never
  var end = Instant.never
  var unseen = Interval.zero
  var isEffective = false
}

/// A slot that is open, and the longest ventilation in it.
struct SlotRow: BitwiseCopyable {
  var slot = Slot.morning
  var isOpen = false
  var day: Int32 = 0
  var session: Int16 = -1
  var from = Instant.never
  var plannedStart: Int64 = 0
  var plannedEnd: Int64 = 0
  /// Time of it in which nobody looked, or nothing could be seen.
  var unseen = Interval.zero
  var longest = Interval.zero
  var longestUnseen = Interval.zero
  var run = VentilationFact(method: .declared, start: 0)
  /// Somebody was told that it is at risk.
  var isReminded = false

  init() {}

  @_noLocks @_noAllocation
  init(_ slot: Slot, day: Int32, session: Int16, from: Instant, plannedStart: Int64, plannedEnd: Int64, unseen: Interval) {
    self.slot = slot
    isOpen = true
    self.day = day
    self.session = session
    self.from = from
    self.plannedStart = plannedStart
    self.plannedEnd = plannedEnd
    self.unseen = unseen
    longest = .zero
    longestUnseen = .zero
    run = VentilationFact(method: .declared, start: 0)
  }
}

/// One room.
public struct AiringRow: BitwiseCopyable, Sendable {
  // The ventilation that runs.
  var isRunning = false
  var run = VentilationFact(method: .declared, start: 0)
  var start = Instant.past
  /// When it was last seen to go on.
  var lastOn = Instant.past
  var lastOnWall: Int64 = 0
  var unseen = Interval.zero
  /// Since `lastOn`.
  var unseenNow = Interval.zero
  var fit = DecayFit()
  /// The sensor whose readings are fitted, or -1.
  var fitSensor: Int32 = -1
  var fitIsOver = false
  /// Readings count for it from three response times after this on.
  var fitFrom = Instant.past
  /// Since when somebody answers for its windows; `never`: nobody does.
  var declaredAt = Instant.never
  /// CO2 fell, and has not stopped.
  var isFalling = false
  var fallingSince = Instant.never
  var past = InlineArray<8, Aired>(repeating: Aired())
  var pastNext: Int32 = 0

  // Looking.
  var looked = Instant.never
  var lookedWall: Int64 = 0
  var lookedOffset: Int32 = 0

  // Slots. A day's morning is twice its number, its afternoon one more.
  var slot = SlotRow()
  var after = SlotRow()
  var judged: Int32 = .min
  /// The last that were told, a week of them: a clock that goes back passes them again.
  var told = InlineArray<14, Int32>(repeating: .min)
  var toldNext: Int32 = 0

  // Sessions.
  var isInSession = false
  var session: Int16 = -1
  var sessionDay: Int32 = 0
  var sessionEnd: Int32 = 0
  /// The last one that began by the timetable.
  var begunDay: Int32 = .min
  var begunStart: Int32 = 0
  var heldDay: Int32 = .min
  var heldStart: Int32 = 0
  /// Since when an hour of ventilation is owed to the last session.
  var owedSince = Instant.never
  /// Somebody was told that it is late.
  var isLate = false

  // People.
  var isWorking = false
  /// Counted or told; -1: not known.
  var occupants: Int32 = -1
  /// Nobody may begin a session here until a case is closed.
  public internal(set) var isLocked = false
}

/// A room as others see it.
public struct RoomView: BitwiseCopyable, Sendable {
  public var air: AirFact
  /// Of the ventilation that runs.
  public var method: VentilationMethod?
  public var ventilated: Interval
  public var isInSession: Bool
  /// What it lacks of the hour after its last session.
  public var missing: Interval

  @inlinable @inline(__always)
  public init(air: AirFact, method: VentilationMethod?, ventilated: Interval, isInSession: Bool, missing: Interval) {
    self.air = air
    self.method = method
    self.ventilated = ventilated
    self.isInSession = isInSession
    self.missing = missing
  }

  public static var unknown: RoomView {
    RoomView(air: AirFact(mean5: .nan, mean60: .nan), method: nil, ventilated: .zero, isInSession: false, missing: .zero)
  }
}

/// What a slot comes to.
public struct SlotScore: BitwiseCopyable, Sendable {
  public var verdict: SlotVerdict
  public var shortBy: Interval

  @_noLocks @_noAllocation
  init(_ verdict: SlotVerdict, shortBy: Interval) {
    self.verdict = verdict
    self.shortBy = shortBy
  }

  /// - Parameters:
  ///   - longest: the longest ventilation in the slot, gaps bridged.
  ///   - unseenInIt: how much of it nobody saw.
  ///   - unseen: how much of the slot nobody saw.
  ///   - unseenShare: of the time that is required, this share may pass unseen.
  @_noLocks @_noAllocation
  public init(longest: Interval, unseenInIt: Interval, unseen: Interval, required: Interval, unseenShare: Double) {
    let allowed = Interval(ns: Int64(Double(required.ns) * max(0, min(unseenShare, 1))))
    let lacking = max(.zero, Interval(ns: required.ns &- longest.ns))
    if lacking <= .zero {
      self.init(unseenInIt <= allowed ? .met : .unverifiable, shortBy: .zero)
    } else if unseen > allowed, unseen >= lacking {
      self.init(.unverifiable, shortBy: lacking)
    } else {
      self.init(longest > .zero ? .short : .missed, shortBy: lacking)
    }
  }
}
