// A blackbody of known temperature beside the face tells what the thermometer is off by, and whether it moves. Its
// temperature as the thermometer sees it is kept as means over tenths of a window; one noisy reading is no drift.

import Domain

struct ReferenceWatch: BitwiseCopyable {
  /// Means of the last tenths of the window, degC; NaN: none.
  private var means = InlineArray<10, Double>(repeating: .nan)
  private var next = 0
  private var sum = 0.0
  private var count = 0
  private var beganAt = Instant.past
  private var latestAt = Instant.past

  @_noLocks @_noAllocation
  init() {}

  @_noLocks @_noAllocation
  mutating func add(_ celsius: Double, at now: Instant, window: Interval) {
    if count == 0 { beganAt = now }
    if now - beganAt >= Interval(ns: window.ns / 10) {
      means[next] = mean
      next = next < 9 ? next + 1 : 0
      (sum, count, beganAt) = (0, 0, now)
    }
    sum += celsius
    count = min(count + 1, 1_000_000)
    latestAt = now
  }

  /// The same on another boot clock: a restart does not forget that it moved.
  @_noLocks @_noAllocation
  func moved(by shift: Interval) -> ReferenceWatch {
    var moved = self
    moved.beganAt = beganAt + shift
    moved.latestAt = latestAt + shift
    return moved
  }

  /// Of this tenth, or of the last one while this has too few readings; NaN: not known.
  private var mean: Double {
    @_noLocks @_noAllocation get { count >= 3 ? sum / Double(count) : means[next > 0 ? next - 1 : 9] }
  }

  /// What the thermometer shows too much, degC; NaN: not known, or not any more.
  @_noLocks @_noAllocation
  func offset(from set: Double, at now: Instant, staleAfter: Interval) -> Double {
    now - latestAt <= staleAfter ? mean - set : .nan
  }

  /// Between the lowest and the highest mean of the window, degC.
  var moved: Double {
    @_noLocks @_noAllocation get {
      var lowest = mean
      var highest = mean
      for index in 0..<10 where means[index].isFinite {
        lowest = min(lowest, means[index])
        highest = max(highest, means[index])
      }
      return highest - lowest
    }
  }
}
