// Time as the thinking modules see it: values that are passed in, never a clock that is read.
//
// Logic uses the boot clock (`Instant`), which counts through suspend and never steps. Wall time is a label on
// events and decides days and slots. Everything is 64-bit nanoseconds: `Duration` is 128 bits wide and its
// operators are not visible to the compiler's proof that a turn takes no lock.

/// A moment on the boot clock, in nanoseconds since the machine started.
public struct Instant: BitwiseCopyable, Comparable, Sendable {
  public var ns: Int64
  @inlinable @inline(__always) public init(ns: Int64) { self.ns = ns }

  /// Later than every moment that will happen: "no deadline".
  @inlinable @inline(__always) public static var never: Instant { Instant(ns: .max) }
  /// Earlier than every moment: "has not happened".
  @inlinable @inline(__always) public static var past: Instant { Instant(ns: .min) }

  @inlinable @inline(__always) public static func < (a: Instant, b: Instant) -> Bool { a.ns < b.ns }
  @inlinable @inline(__always) public static func <= (a: Instant, b: Instant) -> Bool { a.ns <= b.ns }
  @inlinable @inline(__always) public static func > (a: Instant, b: Instant) -> Bool { a.ns > b.ns }
  @inlinable @inline(__always) public static func >= (a: Instant, b: Instant) -> Bool { a.ns >= b.ns }
  @inlinable @inline(__always) public static func == (a: Instant, b: Instant) -> Bool { a.ns == b.ns }

  /// Saturates at `never` and `past`, so no arithmetic on times can trap.
  @inlinable @inline(__always) public static func + (a: Instant, b: Interval) -> Instant {
    let (sum, overflow) = a.ns.addingReportingOverflow(b.ns)
    return overflow ? (b.ns > 0 ? .never : .past) : Instant(ns: sum)
  }
  @inlinable @inline(__always) public static func - (a: Instant, b: Instant) -> Interval {
    let (difference, overflow) = a.ns.subtractingReportingOverflow(b.ns)
    return Interval(ns: overflow ? (a.ns > b.ns ? .max : .min) : difference)
  }
}

/// A length of time in nanoseconds.
public struct Interval: BitwiseCopyable, Comparable, Sendable {
  public var ns: Int64
  @inlinable @inline(__always) public init(ns: Int64) { self.ns = ns }

  @inlinable @inline(__always) public static var zero: Interval { Interval(ns: 0) }
  @inlinable @inline(__always) public static func milliseconds(_ n: Int64) -> Interval { Interval(ns: n &* 1_000_000) }
  @inlinable @inline(__always) public static func seconds(_ n: Int64) -> Interval { Interval(ns: n &* 1_000_000_000) }
  @inlinable @inline(__always) public static func minutes(_ n: Int64) -> Interval { seconds(n &* 60) }

  /// In seconds, for means and display.
  @inlinable @inline(__always) public var seconds: Double { Double(ns) / 1e9 }

  @inlinable @inline(__always) public static func < (a: Interval, b: Interval) -> Bool { a.ns < b.ns }
  @inlinable @inline(__always) public static func <= (a: Interval, b: Interval) -> Bool { a.ns <= b.ns }
  @inlinable @inline(__always) public static func > (a: Interval, b: Interval) -> Bool { a.ns > b.ns }
  @inlinable @inline(__always) public static func >= (a: Interval, b: Interval) -> Bool { a.ns >= b.ns }
  @inlinable @inline(__always) public static func == (a: Interval, b: Interval) -> Bool { a.ns == b.ns }
  /// Wraps around instead of trapping.
  @inlinable @inline(__always) public static func + (a: Interval, b: Interval) -> Interval { Interval(ns: a.ns &+ b.ns) }
  /// Saturates instead of trapping.
  @inlinable @inline(__always) public static func * (a: Interval, n: Int64) -> Interval {
    let (product, overflow) = a.ns.multipliedReportingOverflow(by: n)
    return Interval(ns: overflow ? .max : product)
  }
}

/// What a turn knows of time. Filled in by the loop, or by a test.
public struct Now: BitwiseCopyable, Sendable {
  /// Boot clock; all logic.
  public var boot: Instant
  /// Nanoseconds since 1970-01-01 UTC; a label, and the day and slot a record belongs to.
  public var wall: Int64
  /// Offset of the site's zone from UTC at `wall`, in seconds east.
  public var utcOffset: Int32
  /// Whether the wall clock is synchronised; an unsynchronised clock is an alarm.
  public var synchronised: Bool
  /// Since when that offset holds, ns since 1970 UTC, and the one before it: what lies further back than half a year is of no day
  /// that anybody judges.
  public var offsetSince: Int64
  public var offsetBefore: Int32

  @inlinable @inline(__always)
  public init(
    boot: Instant, wall: Int64, utcOffset: Int32 = 0, synchronised: Bool = true, offsetSince: Int64 = .min, offsetBefore: Int32 = 0
  ) {
    self.boot = boot
    self.wall = wall
    self.utcOffset = utcOffset
    self.synchronised = synchronised
    self.offsetSince = offsetSince
    self.offsetBefore = offsetBefore
  }
}
