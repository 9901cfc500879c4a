// When a port that is gone is tried again: soon at first, for a plug that was only touched, then less and less.

/// Waits of 0.1 s, doubled up to 30 s. Returns to the start after a port stayed open for 10 s, so that a server that
/// accepts and closes at once is not stormed.
public struct BackOff: Sendable {
  private var wait = Interval.milliseconds(100)

  private static var last: Interval { .seconds(30) }
  private static var stable: Interval { .seconds(10) }

  public init() {}

  /// When to try after a failure at `now`.
  public mutating func next(after now: Instant) -> Instant {
    let due = now + wait
    wait = min(wait * 2, Self.last)
    return due
  }

  /// The port was open for so long.
  public mutating func wasOpen(for interval: Interval) {
    if interval >= Self.stable { self = BackOff() }
  }
}
