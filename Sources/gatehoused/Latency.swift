// How long the door takes, counted where it happens: from the moment bytes were read to the end of the turn that
// decided on them, and to the moment the gate's bytes were handed to the kernel. Fixed memory, one addition a sample.
//
// Buckets: eight to a doubling, from 1 ns on, so a percentile is known within about 9 %.

import Domain

/// Counts of times, by size.
struct Latency: ~Copyable {
  private var buckets = Table<UInt64>(capacity: 64 * 8, filledWith: 0)
  private(set) var count: UInt64 = 0
  private(set) var longest = Interval.zero

  mutating func record(_ time: Interval) {
    let ns = UInt64(max(time.ns, 1))
    let power = 63 - ns.leadingZeroBitCount
    let eighth = power >= 3 ? Int((ns >> UInt64(power - 3)) & 7) : 0
    buckets[power * 8 + eighth] += 1
    count += 1
    longest = max(longest, time)
  }

  /// The time below which this share of all samples lies, as the upper edge of its bucket.
  func percentile(_ share: Double) -> Interval {
    guard count > 0 else { return .zero }
    let wanted = UInt64((Double(count) * share).rounded(.up))
    var seen: UInt64 = 0
    for index in 0..<buckets.capacity {
      seen += buckets[index]
      guard seen >= wanted else { continue }
      let power = index / 8
      let edge = power >= 3 ? (UInt64(8 + index % 8 + 1) << UInt64(power - 3)) : UInt64(1) << UInt64(power + 1)
      return min(Interval(ns: Int64(clamping: edge)), longest)
    }
    return longest
  }

  var summary: LatencySummary {
    LatencySummary(p50: percentile(0.5), p99: percentile(0.99), longest: longest, count: count)
  }
}

/// What people want to know of many times.
struct LatencySummary: BitwiseCopyable, Sendable {
  var p50 = Interval.zero
  var p99 = Interval.zero
  var longest = Interval.zero
  var count: UInt64 = 0
}
