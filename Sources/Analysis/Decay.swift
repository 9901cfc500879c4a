// Air changes from how CO2 falls in an empty room: concentration decay (ASTM E741, ISO 12569).

import RealModule

/// One measurement of a trace.
public struct Sample: Sendable, Equatable {
  /// Hours since any fixed moment.
  public var hours: Double
  public var ppm: Double

  public init(hours: Double, ppm: Double) {
    self.hours = hours
    self.ppm = ppm
  }
}

/// Air changes an hour, from the logarithm of the excess over outdoors against time.
public struct Decay: Sendable, Equatable {
  /// Why a fit is not one to rely on.
  public enum Objection: Sendable, Equatable {
    /// Fewer than ten points within less than twenty minutes.
    case tooShort
    /// The excess at its start is below 300 ppm.
    case tooLittle
    /// The line explains less than 0.95 of the scatter.
    case notExponential
    /// It does not fall.
    case notFalling
    /// People were there and added to it: it falls more slowly than air changes.
    case occupied
  }

  /// 1/h.
  public var airChanges: Double
  /// Of the air changes, 1/h.
  public var standardError: Double
  /// Half of the interval of 95 %, 1/h.
  public var halfWidth: Double
  public var determination: Double
  /// What the line says of the start, ppm.
  public var startPpm: Double
  public var count: Int
  /// Of its first point, on the samples' own clock.
  public var start: Double
  /// From its first point to its last.
  public var hours: Double
  public var objections: [Objection]

  public var isAccepted: Bool { objections.isEmpty }

  /// - Parameters:
  ///   - samples: of an empty room, in order of time; what is not above outdoors is left out.
  ///   - outdoorPpm: with the same sensor, where possible: a common error cancels out.
  ///   - isWeighted: by the square of the excess, as constant noise of the sensor asks for: its logarithm grows near outdoors.
  /// - Returns: `nil` when fewer than three points are above outdoors.
  public init?(_ samples: [Sample], outdoorPpm: Double, isWeighted: Bool = false) {
    let used = samples.filter { $0.ppm > outdoorPpm }
    guard let first = used.first, let last = used.last else { return nil }
    let excess = used.map { $0.ppm - outdoorPpm }
    let weights = isWeighted ? excess.map { $0 * $0 } : nil
    guard let line = Line(x: used.map { $0.hours - first.hours }, y: excess.map { Double.log($0) }, weights: weights) else { return nil }
    airChanges = -line.slope
    standardError = line.slopeError
    halfWidth = line.halfWidth
    determination = line.determination
    startPpm = outdoorPpm + Double.exp(line.intercept)
    count = line.count
    start = first.hours
    hours = last.hours - first.hours
    objections = []
    if count < 10, hours < 20.0 / 60 { objections.append(.tooShort) }
    if excess[0] < 300 { objections.append(.tooLittle) }
    if airChanges <= 0 { objections.append(.notFalling) }
    if determination < 0.95 { objections.append(.notExponential) }
  }

  /// From two points alone, 1/h; `nil` where one is not above outdoors.
  public static func betweenTwo(_ first: Sample, _ last: Sample, outdoorPpm: Double) -> Double? {
    guard first.ppm > outdoorPpm, last.ppm > outdoorPpm, last.hours > first.hours else { return nil }
    return Double.log((first.ppm - outdoorPpm) / (last.ppm - outdoorPpm)) / (last.hours - first.hours)
  }

  /// Standard uncertainty of such a value, 1/h, where each of the three concentrations has its own.
  public static func uncertaintyBetweenTwo(
    _ first: Sample, _ last: Sample, outdoorPpm: Double, firstError: Double, lastError: Double, outdoorError: Double
  ) -> Double? {
    let (d1, d2, hours) = (first.ppm - outdoorPpm, last.ppm - outdoorPpm, last.hours - first.hours)
    guard d1 > 0, d2 > 0, hours > 0 else { return nil }
    let (a, b, c) = (firstError / d1, lastError / d2, (1 / d2 - 1 / d1) * outdoorError)
    return (a * a + b * b + c * c).squareRoot() / hours
  }
}
