// The readings of one burst, and the number they become.

import Domain

struct BurstReadings: BitwiseCopyable {
  private var values = InlineArray<64, Double>(repeating: 0)
  private(set) var count = 0
  private var sum = 0.0
  private var lowest = Double.infinity
  private var highest = -Double.infinity

  @_noLocks @_noAllocation
  init() {}

  @_noLocks @_noAllocation
  mutating func add(_ celsius: Double) {
    guard count < 64 else { return }
    values[count] = celsius
    count += 1
    sum += celsius
    lowest = min(lowest, celsius)
    highest = max(highest, celsius)
  }

  /// degC; NaN: they do not agree.
  @_noLocks @_noAllocation
  func value(_ burst: Burst, spread: Double, atLeast least: Int) -> Double {
    switch burst {
    case .mean: highest - lowest <= spread ? sum / Double(count) : .nan
    case .median: highest - lowest <= spread ? median() : .nan
    case .peak: peak(spread, least)
    }
  }

  /// A sweep sees hair and background too; its peak counts when enough readings come near to it.
  @_noLocks @_noAllocation
  private func peak(_ spread: Double, _ least: Int) -> Double {
    var near = 0
    for index in 0..<count where values[index] >= highest - spread { near += 1 }
    return near >= least ? highest : .nan
  }

  @_noLocks @_noAllocation
  private func median() -> Double {
    var sorted = values
    sort(&sorted, count)
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
  }
}

/// Sorts the first `count` in place, lowest first.
@_noLocks @_noAllocation
func sort(_ values: inout InlineArray<64, Double>, _ count: Int) {
  guard count > 1 else { return }
  for index in 1..<count {
    let value = values[index]
    var place = index
    while place > 0, values[place - 1] > value {
      values[place] = values[place - 1]
      place -= 1
    }
    values[place] = value
  }
}
