// Randomness that is passed in: one seed, one world. SplitMix64 is enough for people and sensor noise, has no state to
// warm up, and gives the same numbers on every machine; the bell curve is made without libm for the same reason.

/// A seeded source of random numbers.
public struct Chance: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// At least 0, less than 1.
  public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Normally distributed about `mean` within six standard deviations: the sum of twelve uniform numbers.
  public mutating func normal(mean: Double, deviation: Double) -> Double {
    var sum = -6.0
    for _ in 0..<12 { sum += unit() }
    return mean + deviation * sum
  }

  /// `count` bytes of noise.
  public mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 32) }
  }
}
