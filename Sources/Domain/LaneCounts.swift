// What a lane did in a while: counts and times of people, and nothing of any one of them.

/// How long something took, of several people.
public struct Durations: BitwiseCopyable, Sendable {
  public var count: UInt32
  public var total: Interval
  public var longest: Interval

  @inlinable @inline(__always)
  public init() {
    count = 0
    total = .zero
    longest = .zero
  }

  @inlinable @inline(__always)
  public mutating func add(_ one: Interval) {
    count &+= 1
    total = total + one
    if one > longest { longest = one }
  }

  @inlinable @inline(__always)
  public mutating func add(_ others: Durations) {
    count &+= others.count
    total = total + others.total
    if others.longest > longest { longest = others.longest }
  }

  /// Seconds; NaN: of nobody.
  @inlinable @inline(__always) public var mean: Double { count > 0 ? total.seconds / Double(count) : .nan }
}

/// People at a lane in a while. Each counts once, when it becomes known.
public struct LaneCounts: BitwiseCopyable, Sendable {
  /// From stepping up to the end of the first measurement: they pass, or have a ticket.
  public var atLane: Durations
  /// From the first ticket to the end: they passed, were isolated, left, or waited too long.
  public var withTicket: Durations
  /// Of whom there was a number to judge: not those without a result, with cold skin, or only let through.
  public var measured: UInt32
  /// Of these: ever at or above the threshold, or warmer than others.
  public var elevated: UInt32

  @inlinable @inline(__always)
  public init() {
    atLane = Durations()
    withTicket = Durations()
    measured = 0
    elevated = 0
  }

  @inlinable @inline(__always)
  public mutating func add(_ others: LaneCounts) {
    atLane.add(others.atLane)
    withTicket.add(others.withTicket)
    measured &+= others.measured
    elevated &+= others.elevated
  }

  /// People whose first measurement ended, with whatever result.
  @inlinable @inline(__always) public var screened: UInt32 { atLane.count }

  @inlinable @inline(__always) public var isEmpty: Bool { atLane.count == 0 && withTicket.count == 0 && measured == 0 }
}

/// What statistics are of.
public enum StatisticsPeriod: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case hour, day

  public var name: String {
    switch self {
    case .hour: "hour"
    case .day: "day"
    }
  }
}

/// A lane's hour or day, by the site's clock, that is over.
public struct LaneStatisticsFact: BitwiseCopyable, Sendable {
  public var period: StatisticsPeriod
  /// Wall time when it began, ns since 1970 UTC.
  public var start: Int64
  /// The site's offset from UTC then, seconds.
  public var utcOffset: Int32
  public var counts: LaneCounts
  /// The most people that were screened in five minutes of it.
  public var busiest: UInt32
  /// Of the last people's first estimates, degC; NaN: too few.
  public var median: Double

  @inlinable @inline(__always)
  public init(period: StatisticsPeriod, start: Int64, utcOffset: Int32, counts: LaneCounts, busiest: UInt32, median: Double) {
    self.period = period
    self.start = start
    self.utcOffset = utcOffset
    self.counts = counts
    self.busiest = busiest
    self.median = median
  }
}
