// How a sensor follows what it measures, and how it calibrates itself.

import Domain
import Foundation

/// A sensor that lags behind: each response time takes away 63 % of what is missing.
struct Lag: Sendable {
  private var shown: Double
  private var at: Instant

  /// It has stood in this air for long.
  init(settledAt value: Double, _ now: Instant) {
    shown = value
    at = now
  }

  mutating func follow(_ value: Double, within response: Interval, at now: Instant) -> Double {
    shown = value + (shown - value) * exp(-(now - at).seconds / response.seconds)
    at = now
    return shown
  }
}

/// A CO2 sensor that takes the lowest value of each period for fresh air, and moves its zero there during the next.
struct SelfCalibration: Sendable {
  /// What such sensors take fresh air for, ppm.
  static var fresh: Double { 400 }

  private let period: Interval
  private var ends: Instant
  private var lowest = Double.infinity
  /// By how much its zero is off at the beginning and at the end of this period, ppm.
  private var first = 0.0
  private var last = 0.0

  init(period: Interval, from now: Instant) {
    self.period = period
    ends = now + period
  }

  /// What it makes of a value.
  mutating func shown(_ measured: Double, at now: Instant) -> Double {
    while ends <= now {
      first = last
      if lowest.isFinite { last = Self.fresh - lowest }
      lowest = .infinity
      ends = ends + period
    }
    lowest = min(lowest, measured)
    return last + (first - last) * ((ends - now).seconds / period.seconds) + measured
  }
}
