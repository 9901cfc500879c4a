// What a lane did: how many people, how long they took and waited, how many of them were elevated, and where the middle of what
// they measure lies. Counts of the last hour lie in twelve pieces of five minutes, those of the hour and the day that run by the
// site's clock beside them; the median is exact, of the last people. It holds no link to anybody.

public import Domain

/// The median of the last people's first estimates.
struct RunningMedian: BitwiseCopyable {
  static var most: Int { @_noLocks @_noAllocation get { 50 } }

  private var last = InlineArray<64, Double>(repeating: 0)
  private(set) var count = 0
  private var next = 0
  /// degC; NaN: nobody yet.
  private(set) var value = Double.nan

  @_noLocks @_noAllocation
  init() {}

  @_noLocks @_noAllocation
  mutating func add(_ celsius: Double) {
    guard celsius.isFinite else { return }
    last[next] = celsius
    next = next + 1 < Self.most ? next + 1 : 0
    count = min(count + 1, Self.most)
    var sorted = last
    sort(&sorted, count)
    value = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
  }
}

/// The hour or the day that runs.
struct RunningPeriod: BitwiseCopyable {
  /// Of a day from 1970 at the site; of an hour its start, since one comes twice when summer time ends. `min`: none began yet.
  var number = Int64.min
  var start: Int64 = 0
  /// The site's offset from UTC at its start, seconds.
  var utcOffset: Int32 = 0
  var counts = LaneCounts()
  var busiest: UInt32 = 0

  @_noLocks @_noAllocation
  init() {}
}

struct LaneStatistics: BitwiseCopyable {
  static var pieceFor: Interval { @_noLocks @_noAllocation get { .minutes(5) } }

  var estimates = RunningMedian()
  private var pieces = InlineArray<12, LaneCounts>(repeating: LaneCounts())
  private var newest = 0
  private var newestEnds = Instant.past
  private var hour = RunningPeriod()
  private var day = RunningPeriod()
  /// When the hour that runs is over.
  var look = Instant.never

  @_noLocks @_noAllocation
  init() {}

  // MARK: Counting

  /// - Parameter counts: of one person.
  @_noLocks @_noAllocation
  mutating func add(_ counts: LaneCounts, _ now: Now) {
    roll(now.boot)
    pieces[newest].add(counts)
    hour.counts.add(counts)
    day.counts.add(counts)
    hour.busiest = max(hour.busiest, pieces[newest].screened)
    day.busiest = max(day.busiest, pieces[newest].screened)
  }

  /// Pieces that are over make room.
  @_noLocks @_noAllocation
  private mutating func roll(_ now: Instant) {
    if now - newestEnds >= .minutes(60) {
      pieces = InlineArray<12, LaneCounts>(repeating: LaneCounts())
      newestEnds = now + Self.pieceFor
    }
    while newestEnds <= now {
      newest = newest < 11 ? newest + 1 : 0
      pieces[newest] = LaneCounts()
      newestEnds = newestEnds + Self.pieceFor
    }
  }

  // MARK: Hours and days

  /// Looks at the clock; what is over is returned, if anybody was counted in it.
  @_noLocks @_noAllocation
  mutating func end(_ period: StatisticsPeriod, _ now: Now, fewest: Int) -> LaneStatisticsFact? {
    let local = LocalTime(now)
    var running = hour
    var start = wallTime(day: local.day, second: local.second / 3_600 &* 3_600, now)
    var number = start
    switch period {
    case .hour: look = now.boot + Interval(ns: start &+ 3_600_000_000_000 &- now.wall)
    case .day:
      running = day
      number = Int64(local.day)
      start = wallTime(day: local.day, second: 0, now)
    }
    guard running.number != number else { return nil }
    let over = running
    running = RunningPeriod()
    running.number = number
    running.start = start
    running.utcOffset = start >= now.offsetSince ? now.utcOffset : now.offsetBefore
    switch period {
    case .hour: hour = running
    case .day: day = running
    }
    guard over.number > .min, !over.counts.isEmpty else { return nil }
    return LaneStatisticsFact(
      period: period, start: over.start, utcOffset: over.utcOffset, counts: over.counts, busiest: over.busiest, median: median(fewest))
  }

  @_noLocks @_noAllocation
  private func median(_ fewest: Int) -> Double { estimates.count >= fewest ? estimates.value : .nan }

  // MARK: What others see

  @_noLocks @_noAllocation
  func view(_ now: Now, fewest: Int, normal: Double) -> LaneStatisticsView {
    var copy = self
    _ = copy.end(.hour, now, fewest: fewest)
    _ = copy.end(.day, now, fewest: fewest)
    copy.roll(now.boot)
    var lastHour = LaneCounts()
    for index in 0..<12 { lastHour.add(copy.pieces[index]) }
    return LaneStatisticsView(
      lastHour: lastHour, today: copy.day.counts, busiest: copy.day.busiest, median: median(fewest), drift: median(fewest) - normal)
  }

  // MARK: Restart

  /// Its times move to this boot clock; the hour and the day go on, or are told as over, at the next look.
  @_noLocks @_noAllocation
  mutating func resume(shift: Interval, _ now: Now) {
    newestEnds = min(newestEnds + shift, now.boot + Self.pieceFor)
    look = now.boot
  }
}

/// A lane's statistics as others see them.
public struct LaneStatisticsView: BitwiseCopyable, Sendable {
  /// 55 to 60 minutes.
  public var lastHour: LaneCounts
  /// Since midnight at the site.
  public var today: LaneCounts
  /// The most people that were screened in five minutes of today.
  public var busiest: UInt32
  /// Of the last 50 people's first estimates, degC, and what it is off the middle of the normal range; NaN: too few.
  public var median: Double
  public var drift: Double

  public static var none: LaneStatisticsView {
    LaneStatisticsView(lastHour: LaneCounts(), today: LaneCounts(), busiest: 0, median: .nan, drift: .nan)
  }
}

extension Lanes {
  /// The first measurement of somebody ended, or there is a number to judge: each counts once.
  @_noLocks @_noAllocation
  func count(_ slot: Int, _ index: Int, hasNumber: Bool, _ now: Now, _ effects: inout Effects) {
    var counts = LaneCounts()
    if !screenings[slot].isScreened {
      screenings[slot].isScreened = true
      counts.atLane.add(now.boot - screenings[slot].beganAt)
    }
    if hasNumber, !screenings[slot].isMeasured {
      screenings[slot].isMeasured = true
      counts.measured = 1
      counts.elevated = screenings[slot].wasElevated ? 1 : 0
    }
    if !counts.isEmpty { add(counts, index, now, &effects) }
  }

  /// Whoever had a ticket needs it no longer.
  @_noLocks @_noAllocation
  func countTicket(_ slot: Int, _ index: Int, _ now: Now, _ effects: inout Effects) {
    guard screenings[slot].ticketAt > .past else { return }
    var counts = LaneCounts()
    counts.withTicket.add(now.boot - screenings[slot].ticketAt)
    screenings[slot].ticketAt = .past
    add(counts, index, now, &effects)
  }

  @_noLocks @_noAllocation
  private func add(_ counts: LaneCounts, _ index: Int, _ now: Now, _ effects: inout Effects) {
    endPeriods(index, now, &effects)
    statistics[index].add(counts, now)
  }

  /// Tells an hour and a day that are over.
  @_noLocks @_noAllocation
  func endPeriods(_ index: Int, _ now: Now, _ effects: inout Effects) {
    let fewest = rows[index].settings.policy.driftPeople
    if let fact = statistics[index].end(.hour, now, fewest: fewest) {
      effects.event(.laneStatistics(fact), at: .lane(LaneID(index)))
    }
    if let fact = statistics[index].end(.day, now, fewest: fewest) {
      effects.event(.laneStatistics(fact), at: .lane(LaneID(index)))
    }
  }
}
