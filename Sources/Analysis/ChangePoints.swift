// When a room's ventilation changed, seen in its CO2 alone: it turns from rising to falling or back. What people did by coming and
// going is among it, and is taken out by whoever knows that (CERN's rule).

/// Where a curve turns.
struct Turn: Equatable {
  /// Index of its top; of a flat one the middle.
  var place: Int
  /// How far it stands out of the higher of the two valleys beside it.
  var prominence: Double
  /// How wide it is half way down, in samples.
  var width: Double
}

/// Tops of a curve, in order.
/// - Parameters:
///   - spacing: samples between two; of closer ones the higher stays.
///   - prominence: at least so much.
///   - width: at least so wide, half way down.
func turns(_ curve: [Double], spacing: Int, prominence: Double, width: Double = 0) -> [Turn] {
  var tops: [Int] = []
  var index = 1
  while index < curve.count - 1 {
    guard curve[index - 1] < curve[index] else {
      index += 1
      continue
    }
    var end = index
    while end + 1 < curve.count, curve[end + 1] == curve[index] { end += 1 }
    if end + 1 < curve.count, curve[end + 1] < curve[index] { tops.append((index + end) / 2) }
    index = end + 1
  }
  // The highest first: it keeps lower ones away.
  var isKept = [Bool](repeating: true, count: tops.count)
  for order in tops.indices.sorted(by: { curve[tops[$0]] > curve[tops[$1]] }) where isKept[order] {
    for step in [-1, 1] {
      var other = order + step
      while tops.indices.contains(other), abs(tops[other] - tops[order]) < spacing {
        isKept[other] = false
        other += step
      }
    }
  }
  return tops.indices.filter { isKept[$0] }.map { shape(curve, at: tops[$0]) }.filter { $0.prominence >= prominence && $0.width >= width }
}

private func shape(_ curve: [Double], at place: Int) -> Turn {
  let top = curve[place]
  func foot(_ step: Int) -> Int {
    var lowest = place
    var index = place
    while curve.indices.contains(index), curve[index] <= top {
      if curve[index] < curve[lowest] { lowest = index }
      index += step
    }
    return lowest
  }
  let (left, right) = (foot(-1), foot(1))
  let prominence = top - max(curve[left], curve[right])
  let level = top - prominence / 2
  func edge(_ step: Int, to end: Int) -> Double {
    var index = place
    while index != end, curve[index] > level { index += step }
    guard curve[index] < level, index != place else { return Double(index) }
    // Between two samples, by a straight line.
    let before = index - step
    return Double(index) - Double(step) * (level - curve[index]) / (curve[before] - curve[index])
  }
  return Turn(place: place, prominence: prominence, width: edge(1, to: right) - edge(-1, to: left))
}

/// The mean of the samples within half a window on either side.
func rollingMean(_ values: [Double], window: Int) -> [Double] {
  var sums = [0.0]
  for value in values { sums.append(sums[sums.count - 1] + value) }
  let before = window / 2
  let after = max(0, window - 1 - before)
  return values.indices.map { index in
    let (start, end) = (max(0, index - before), min(values.count, index + after + 1))
    return (sums[end] - sums[start]) / Double(end - start)
  }
}

/// Candidates for changes of ventilation, hours, in order: tops of the mean of a minute that stand out by 100 ppm, and bottoms by
/// 50 ppm that are 20 minutes wide; 15 minutes apart at least.
/// - Parameter samples: evenly spaced, in order of time.
public func ventilationChanges(_ samples: [Sample]) -> [Double] {
  guard let first = samples.first, let last = samples.last, samples.count > 2, last.hours > first.hours else { return [] }
  let each = (last.hours - first.hours) / Double(samples.count - 1)
  func count(_ minutes: Double) -> Int { max(1, Int((minutes / 60 / each).rounded())) }
  let curve = rollingMean(samples.map(\.ppm), window: count(1))
  let tops = turns(curve, spacing: count(15), prominence: 100)
  let bottoms = turns(curve.map { -$0 }, spacing: count(15), prominence: 50, width: Double(count(20)))
  return (tops + bottoms).map { samples[$0.place].hours }.sorted()
}
