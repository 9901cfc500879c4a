// Whether a CO2 sensor's reading may be believed, before any rule looks at it: QARTOD's gross range, rate of change and
// flat line, and Hampel's filter, one reading at a time. Definitions are those of Analysis, `Quality`; a test compares them.
//
//     reading → range → rate → window of five → Hampel → bins, fits
//
// Hampel's filter looks two readings ahead, so what leaves it is two readings old.

public import Domain

/// A reading that has passed, with its own time; NaN: none has.
public struct CheckedReading: BitwiseCopyable, Sendable {
  public var ppm: Double
  public var at: Instant

  @_noLocks @_noAllocation
  init(ppm: Double, at: Instant) {
    self.ppm = ppm
    self.at = at
  }
}

/// One sensor.
public struct SensorCheck: BitwiseCopyable, Sendable {
  private var values = InlineArray<5, Double>(repeating: .nan)
  private var times = InlineArray<5, Instant>(repeating: .past)
  /// Readings since the last gap.
  private var count: Int32 = 0
  private var last = Double.nan
  private var lastAt = Instant.past
  private var same = Double.nan
  private var lowest = Double.nan
  private var highest = Double.nan
  private var flatSince = Instant.never
  private var sameSince = Instant.never
  /// Readings in a row that were not believed.
  public private(set) var doubted: Int32 = 0
  public private(set) var isStuck = false

  public init() {}

  /// - Parameters:
  ///   - isOccupied: people are in the room: then its CO2 moves.
  /// - Returns: the reading before the last, when the window about it is known.
  @_noLocks @_noAllocation
  public mutating func take(_ ppm: Double, at time: Instant, isOccupied: Bool, _ policy: AirPolicy) -> CheckedReading {
    let none = CheckedReading(ppm: .nan, at: time)
    guard time > lastAt else { return none }
    let passed = time - lastAt
    let isNew = last.isNaN || passed > policy.shortWindow
    watchLine(ppm, time, isNew: isNew, isOccupied: isOccupied, policy)
    lastAt = time
    guard ppm >= policy.plausibleLowest, ppm.isFinite else {
      doubt()
      return none
    }
    let change = abs(ppm - last)
    let isTooFast = !isNew && change > policy.changeLeast && change > policy.changeHighest * passed.seconds / 60
    last = ppm
    if isNew { count = 0 }
    if isTooFast {
      doubt()
      return none
    }
    doubted = 0
    values[Int(count) % 5] = ppm
    times[Int(count) % 5] = time
    count = count &+ 1
    // 1,000,000 is a multiple of five: the window goes on.
    if count == 1_000_005 { count = 1_000_000 }
    if isStuck || count < 3 { return none }
    let middle = Int(count &- 3) % 5
    return CheckedReading(ppm: count < 5 ? values[middle] : filtered(middle), at: times[middle])
  }

  @_noLocks @_noAllocation
  private mutating func doubt() { doubted = min(doubted &+ 1, 1_000_000) }

  /// The flat line is looked for from the last value that broke it on: what it calls flat is flat.
  @_noLocks @_noAllocation
  private mutating func watchLine(_ ppm: Double, _ time: Instant, isNew: Bool, isOccupied: Bool, _ policy: AirPolicy) {
    if isNew || ppm != same {
      same = ppm
      sameSince = time
    }
    let low = min(lowest, ppm)
    let high = max(highest, ppm)
    if isOccupied, !isNew, lowest.isFinite, high - low < policy.flatWithin {
      lowest = low
      highest = high
    } else {
      flatSince = time
      lowest = ppm
      highest = ppm
    }
    isStuck = time - sameSince >= policy.sameFor || (isOccupied && time - flatSince >= policy.flatFor)
  }

  /// Replaced by the median of the five where it stands out by more than three deviations.
  @_noLocks @_noAllocation
  private func filtered(_ middle: Int) -> Double {
    let value = values[middle]
    let median = medianOfFive(values)
    var distances = values
    for index in 0..<5 { distances[index] = abs(values[index] - median) }
    return abs(value - median) > 3 * 1.4826 * medianOfFive(distances) ? median : value
  }

  /// The door was down: what was measured before is no neighbour of what comes.
  mutating func forgetWindow() {
    let stuck = isStuck
    self = SensorCheck()
    isStuck = stuck
  }
}

@_noLocks @_noAllocation
func medianOfFive(_ values: InlineArray<5, Double>) -> Double {
  var sorted = values
  for index in 1..<5 {
    var place = index
    while place > 0, sorted[place &- 1] > sorted[place] {
      let value = sorted[place]
      sorted[place] = sorted[place &- 1]
      sorted[place &- 1] = value
      place &-= 1
    }
  }
  return sorted[2]
}
