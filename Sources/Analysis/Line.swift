// A straight line through points, by least squares.

/// y = intercept + slope · x.
public struct Line: Sendable, Equatable {
  public var slope: Double
  public var intercept: Double
  /// Standard deviation of what the line leaves over, with n − 2 degrees of freedom.
  public var residual: Double
  public var slopeError: Double
  /// How much of the scatter the line explains, 0 to 1.
  public var determination: Double
  public var count: Int

  /// Half of the slope's interval of 95 %.
  public var halfWidth: Double { studentQuantile(0.975, freedom: count - 2) * slopeError }

  /// - Parameter weights: how much each point counts; `nil`: all alike.
  /// - Returns: `nil` for fewer than three points, or points on one vertical.
  public init?(x: [Double], y: [Double], weights: [Double]? = nil) {
    guard x.count == y.count, x.count >= 3, weights.map({ $0.count == x.count }) ?? true else { return nil }
    func weight(_ index: Int) -> Double { weights?[index] ?? 1 }
    let total = x.indices.reduce(0) { $0 + weight($1) }
    guard total > 0 else { return nil }
    let meanX = x.indices.reduce(0) { $0 + weight($1) * x[$1] } / total
    let meanY = y.indices.reduce(0) { $0 + weight($1) * y[$1] } / total
    var xx = 0.0
    var xy = 0.0
    var yy = 0.0
    for index in x.indices {
      let (dx, dy) = (x[index] - meanX, y[index] - meanY)
      xx += weight(index) * dx * dx
      xy += weight(index) * dx * dy
      yy += weight(index) * dy * dy
    }
    guard xx > 0 else { return nil }
    let slope = xy / xx
    let intercept = meanY - slope * meanX
    let left = x.indices.reduce(0) { sum, index in
      let rest = y[index] - intercept - slope * x[index]
      return sum + weight(index) * rest * rest
    }
    count = x.count
    self.slope = slope
    self.intercept = intercept
    residual = (left / Double(count - 2)).squareRoot()
    slopeError = residual / xx.squareRoot()
    determination = yy > 0 ? 1 - left / yy : 1
  }
}
