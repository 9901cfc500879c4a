// Small statistics that fits and comparisons stand on.

import RealModule

/// The mean; `nil` of nothing.
public func mean(_ values: some Collection<Double>) -> Double? {
  values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
}

/// The middle value, or the mean of the two in the middle; `nil` of nothing.
public func median(_ values: some Collection<Double>) -> Double? {
  let sorted = values.sorted()
  guard !sorted.isEmpty else { return nil }
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// The value that a variable of Student's t distribution stays below with this probability.
/// - Parameters:
///   - probability: above 0 and below 1.
///   - freedom: degrees of freedom, at least 1.
public func studentQuantile(_ probability: Double, freedom: Int) -> Double {
  guard probability > 0, probability < 1, freedom >= 1 else { return .nan }
  if probability < 0.5 { return -studentQuantile(1 - probability, freedom: freedom) }
  var low = 0.0
  var high = 2.0
  while studentProbability(below: high, freedom: freedom) < probability { high *= 2 }
  // Sixty halvings leave nothing to halve.
  for _ in 0..<200 where high - low > high * 1e-15 {
    let middle = (low + high) / 2
    if studentProbability(below: middle, freedom: freedom) < probability { low = middle } else { high = middle }
  }
  return (low + high) / 2
}

private func studentProbability(below t: Double, freedom: Int) -> Double {
  let freedom = Double(freedom)
  let tail = incompleteBeta(freedom / (freedom + t * t), a: freedom / 2, b: 0.5) / 2
  return t >= 0 ? 1 - tail : tail
}

/// The regularised incomplete beta function, by its continued fraction (Lentz).
private func incompleteBeta(_ x: Double, a: Double, b: Double) -> Double {
  guard x > 0 else { return 0 }
  guard x < 1 else { return 1 }
  let front = Double.exp(
    Double.logGamma(a + b) - Double.logGamma(a) - Double.logGamma(b) + a * Double.log(x) + b * Double.log(1 - x))
  // The fraction converges fast on this side only.
  guard x < (a + 1) / (a + b + 2) else { return 1 - incompleteBeta(1 - x, a: b, b: a) }
  let tiny = 1e-300
  func away(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
  var c = 1.0
  var d = 1 / away(1 - (a + b) * x / (a + 1))
  var fraction = d
  for step in 1...500 {
    let m = Double(step)
    let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / away(1 + even * d)
    c = away(1 + even / c)
    fraction *= d * c
    let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / away(1 + odd * d)
    c = away(1 + odd / c)
    fraction *= d * c
    if abs(d * c - 1) < 1e-15 { break }
  }
  return front * fraction / a
}

/// A share of a count, with Wilson's interval: it stays between 0 and 1 and does not shrink to nothing at either end.
public struct Share: Sendable, Equatable {
  public var count: Int
  public var total: Int

  public init(_ count: Int, of total: Int) {
    self.count = count
    self.total = total
  }

  /// `nil` of nothing.
  public var value: Double? { total > 0 ? Double(count) / Double(total) : nil }

  /// The interval of 95 %.
  public var interval: ClosedRange<Double>? {
    guard total > 0, count >= 0, count <= total else { return nil }
    let z = 1.959963984540054
    let n = Double(total)
    let share = Double(count) / n
    let middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
    // Rounding must not take away the ends themselves.
    return (count == 0 ? 0 : max(0, middle - half))...(count == total ? 1 : min(1, middle + half))
  }
}
