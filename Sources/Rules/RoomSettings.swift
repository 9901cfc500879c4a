// What a room is to its rules: limits, size, and which evidence there is of its ventilation.

public import Domain

/// One room.
public struct RoomSettings: BitwiseCopyable, Sendable {
  public var policy: AirPolicy
  /// m3; 0: not known.
  public var volume: Double
  /// How many people it is for; 0: not said.
  public var capacity: Int32 = 0
  /// People during a session or, without sessions, in working hours, where nobody counts; -1: not said.
  public var occupants: Int32 = -1
  /// Cross-section of the duct whose air velocity is measured, m2; 0: none.
  public var ductArea = 0.0
  /// Ventilated more than others.
  public var isSemiBasement = false
  /// Its slots are judged.
  public var isJudged = false
  /// Its use needs a reason, and the settings give one.
  public var isExcepted = false
  public var hasAirflow = false
  /// Sessions are held in it: not where people are isolated.
  public var takesSessions = true
  /// Nobody answers for it, at a site where somebody must before a session begins.
  public var lacksResponsible = false

  public init(policy: AirPolicy, volume: Double = 0) {
    self.policy = policy
    self.volume = volume
  }

  /// How long each ventilation lasts at least.
  public var required: Interval {
    @_noLocks @_noAllocation get { isSemiBasement ? policy.semiBasementFor : policy.ventilationFor }
  }
}

/// What a contact or a relay of a room tells.
public enum RoomContact: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  /// On: open.
  case window
  case door
  /// On: it runs.
  case fan
  /// One pulse a person.
  case wayIn, wayOut
}

/// Working hours, by the site's wall clock. Seconds of the day; days from Monday, bit 0.
public struct Hours: BitwiseCopyable, Sendable {
  public var days: UInt8
  public var start: Int32
  public var noon: Int32
  public var end: Int32

  public init(days: UInt8 = 0b001_1111, start: Int32 = 8 * 3600, noon: Int32 = 12 * 3600, end: Int32 = 18 * 3600) {
    self.days = days
    self.start = start
    self.noon = noon
    self.end = end
  }
}

/// A session of the timetable, each week.
public struct SessionPlan: BitwiseCopyable, Sendable {
  public var room: RoomID
  public var days: UInt8
  public var start: Int32
  public var end: Int32
  /// Index into `Names.sessions`.
  public var name: Int16

  public init(room: RoomID, days: UInt8, start: Int32, end: Int32, name: Int16) {
    self.room = room
    self.days = days
    self.start = start
    self.end = end
    self.name = name
  }
}

/// The wall clock as slots see it.
struct LocalTime: BitwiseCopyable {
  /// Days since 1970-01-01 at the site.
  var day: Int32
  /// Of the day.
  var second: Int32
  /// Bit of the weekday, Monday 1.
  var weekday: UInt8

  @_noLocks @_noAllocation
  init(_ now: Now) {
    let seconds = floorDivide(now.wall, 1_000_000_000) &+ Int64(now.utcOffset)
    let days = floorDivide(seconds, 86_400)
    day = Int32(truncatingIfNeeded: days)
    second = Int32(truncatingIfNeeded: seconds &- days &* 86_400)
    weekday = Self.bit(day)
  }

  /// 1970-01-01 was a Thursday.
  @_noLocks @_noAllocation
  static func bit(_ day: Int32) -> UInt8 {
    let number = Int64(day) &+ 3
    return 1 << UInt8(truncatingIfNeeded: number &- floorDivide(number, 7) &* 7)
  }
}

@_noLocks @_noAllocation
private func floorDivide(_ value: Int64, _ by: Int64) -> Int64 {
  let quotient = value / by
  return value % by < 0 ? quotient &- 1 : quotient
}

/// Wall time of a second of a local day, ns since 1970 UTC, by the offset that held then.
@_noLocks @_noAllocation
func wallTime(day: Int32, second: Int32, _ now: Now) -> Int64 {
  let local = Int64(day) &* 86_400 &+ Int64(second)
  let wall = (local &- Int64(now.utcOffset)) &* 1_000_000_000
  return wall >= now.offsetSince ? wall : (local &- Int64(now.offsetBefore)) &* 1_000_000_000
}
