// When a port that is gone is tried again: soon at first, for a plug that was only touched, then less and less.

import Domain

/// Waits of 0.1 s, doubled up to 30 s. Returns to the start after a port stayed open for 10 s, so that a server that
/// accepts and closes at once is not stormed.
struct BackOff {
  static let first = Interval.milliseconds(100)
  static let last = Interval.seconds(30)
  static let stable = Interval.seconds(10)

  private var wait = first

  /// When to try after a failure at `now`.
  mutating func next(after now: Instant) -> Instant {
    let due = now + wait
    wait = min(wait * 2, Self.last)
    return due
  }

  /// The port was open for so long.
  mutating func wasOpen(for interval: Interval) {
    if interval >= Self.stable { wait = Self.first }
  }
}
