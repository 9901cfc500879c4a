// Whether a measurement may be believed, before any rule looks at it: QARTOD's tests, and Hampel's filter.

/// QARTOD's flags, with its numbers.
public enum QualityFlag: Int, Sendable, Comparable {
  case good = 1
  case notEvaluated = 2
  case suspect = 3
  case fail = 4
  case missing = 9

  public static func < (a: QualityFlag, b: QualityFlag) -> Bool { a.rawValue < b.rawValue }
}

/// Outside the sensor's span: fail; outside what is plausible: suspect.
public func rangeFlags(_ values: [Double?], span: ClosedRange<Double>, plausible: ClosedRange<Double>) -> [QualityFlag] {
  values.map { value in
    guard let value else { return .missing }
    return span.contains(value) ? plausible.contains(value) ? .good : .suspect : .fail
  }
}

/// How far each value is from the middle of its neighbours. Ends, and neighbours of gaps, are not evaluated.
public func spikeFlags(_ values: [Double?], suspect: Double, fail: Double) -> [QualityFlag] {
  values.indices.map { index in
    guard let value = values[index] else { return .missing }
    guard index > 0, index < values.count - 1, let before = values[index - 1], let after = values[index + 1] else { return .notEvaluated }
    let distance = abs(value - (before + after) / 2)
    return distance > fail ? .fail : distance > suspect ? .suspect : .good
  }
}

/// How fast each value came from the one before.
/// - Parameters:
///   - seconds: when each was measured.
///   - suspectPerSecond, failPerSecond: change in a second; `nil`: nothing fails.
public func rateFlags(_ values: [Double?], seconds: [Double], suspectPerSecond: Double, failPerSecond: Double? = nil) -> [QualityFlag] {
  guard values.count == seconds.count else { return values.map { _ in .notEvaluated } }
  return values.indices.map { index in
    guard let value = values[index] else { return .missing }
    guard index > 0, let before = values[index - 1], seconds[index] > seconds[index - 1] else { return .notEvaluated }
    let rate = abs(value - before) / (seconds[index] - seconds[index - 1])
    if let failPerSecond, rate > failPerSecond { return .fail }
    return rate > suspectPerSecond ? .suspect : .good
  }
}

/// Whether the last values differ by less than the tolerance, for so long.
/// - Parameter interval: seconds from one value to the next.
public func flatLineFlags(_ values: [Double], interval: Double, suspectAfter: Double, failAfter: Double, tolerance: Double) -> [QualityFlag] {
  guard interval > 0 else { return values.map { _ in .notEvaluated } }
  func flat(_ after: Double) -> [Bool] {
    let count = (after / interval).rounded(.down)
    guard count >= 1, count < Double(values.count) else { return values.map { _ in false } }
    return spreads(values, window: Int(count) + 1).map { $0 < tolerance }
  }
  return zip(flat(failAfter), flat(suspectAfter)).map { $0 ? .fail : $1 ? .suspect : .good }
}

/// Highest less lowest of each value and those before it in a window; infinite while the window is not full. Each value enters
/// and leaves two queues once, so a long window costs nothing.
private func spreads(_ values: [Double], window: Int) -> [Double] {
  var highest = WindowEnds(), lowest = WindowEnds()
  return values.indices.map { index in
    highest.take(index, before: index - window) { values[$0] <= values[index] }
    lowest.take(index, before: index - window) { values[$0] >= values[index] }
    return index + 1 < window ? .infinity : values[highest.first] - values[lowest.first]
  }
}

/// The places of a sliding window that can still become its highest, or its lowest.
private struct WindowEnds {
  private var places: [Int] = []
  private var head = 0

  var first: Int { places[head] }

  /// - Parameters:
  ///   - end: what is at it or before leaves.
  ///   - isBeaten: whether a place can never count again.
  mutating func take(_ place: Int, before end: Int, isBeaten: (Int) -> Bool) {
    while places.count > head, isBeaten(places[places.count - 1]) { places.removeLast() }
    places.append(place)
    while places[head] <= end { head += 1 }
    guard head > 4096, head * 2 > places.count else { return }
    places.removeFirst(head)
    head = 0
  }
}

/// Values that stand out of the `window` around them (an odd number) by more than `deviations` are replaced by its median. The
/// first and the last half window are left as they are.
public func hampel(_ values: [Double], window: Int, deviations: Double = 3) -> [Double] {
  let half = window / 2
  guard half > 0, values.count >= window else { return values }
  var filtered = values
  for index in half..<values.count - half {
    let near = values[index - half...index + half]
    guard let middle = median(near), let spread = median(near.map { abs($0 - middle) }) else { continue }
    // 1.4826 makes the median deviation of normal noise its standard deviation.
    if abs(values[index] - middle) > deviations * 1.4826 * spread { filtered[index] = middle }
  }
  return filtered
}
