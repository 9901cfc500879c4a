// Thermometers that show what people like to see. Some hold one value, some pull what they measure towards normal: a check on
// healthy people proves nothing of such a one, but people differ, and their readings should.

import Domain

struct ThermometerWatch: BitwiseCopyable {
  private var last = Double.nan
  /// People in a row whose readings were equal.
  private(set) var equals: Int32 = 0
  // A block of normal readings: mean and sum of squared differences (Welford).
  private var count: Int32 = 0
  private var mean = 0.0
  private var squares = 0.0

  @_noLocks @_noAllocation
  init() {}

  /// The first reading of another person, surface, degC. Equal: closer than half a hundredth, the finest step of thermometers.
  @_noLocks @_noAllocation
  mutating func add(_ surface: Double) {
    equals = abs(surface - last) < 0.005 ? min(equals &+ 1, 1_000_000) : 1
    last = surface
  }

  /// Whether a reading is the one that was last.
  @_noLocks @_noAllocation
  func isLast(_ surface: Double) -> Bool { abs(surface - last) < 0.005 }

  /// A normal reading. At the end of each block of `people`: how much they spread, variance in degC².
  @_noLocks @_noAllocation
  mutating func add(normal celsius: Double, people: Int) -> Double? {
    count &+= 1
    let difference = celsius - mean
    mean += difference / Double(count)
    squares += difference * (celsius - mean)
    guard Int(count) >= people else { return nil }
    let variance = squares / Double(max(count &- 1, 1))
    (count, mean, squares) = (0, 0, 0)
    return variance
  }
}
