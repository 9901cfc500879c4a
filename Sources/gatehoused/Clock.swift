// The loop's clock: the only place of the door where time is read for a turn. The site's offset from UTC comes
// from a table that was computed when the settings were loaded, so a turn never asks a time zone library.

import CLinux
import Domain
import Glibc
import Settings
import Synchronization

/// Reads the machine's clocks.
struct Clock: Sendable {
  /// The site's offsets in order of time; the first also holds for all time before it.
  let changes: [ZoneOffset]
  /// Whether the wall clock was synchronised when it was last asked.
  let synchronised: SharedFlag

  init(changes: [ZoneOffset]) {
    self.changes = changes
    synchronised = SharedFlag(Clock.kernelIsSynchronised())
  }

  /// Asks again whether the wall clock is synchronised: a system call that never waits.
  func askKernel() { synchronised.set(Clock.kernelIsSynchronised()) }

  func now() -> Now {
    let wall = Clock.nanoseconds(CLOCK_REALTIME)
    var offset: Int32 = changes.first?.seconds ?? 0
    var before = offset
    var since = Int64.min
    for change in changes where change.from <= wall {
      before = offset
      offset = change.seconds
      since = change.from
    }
    return Now(
      boot: Clock.boot(), wall: wall, utcOffset: offset, synchronised: synchronised.isSet, offsetSince: since, offsetBefore: before)
  }

  static func boot() -> Instant { Instant(ns: nanoseconds(CLOCK_BOOTTIME)) }

  private static func nanoseconds(_ id: clockid_t) -> Int64 {
    var time = timespec()
    // Safe: the kernel fills the local it is given. Both clocks exist on every Linux since 2.6.39.
    unsafe clock_gettime(id, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }

  /// Whether the kernel's clock is kept by somebody (NTP, GPS): `adjtimex` without a change asks only.
  private static func kernelIsSynchronised() -> Bool {
    var request = timex()
    // Safe: modes 0 only reads into the local.
    let state = unsafe adjtimex(&request)
    return state >= 0 && state != TIME_ERROR
  }
}

/// A flag that one thread sets and others read.
final class SharedFlag: Sendable {
  private let value: Atomic<Bool>
  init(_ initial: Bool) { value = Atomic(initial) }
  var isSet: Bool { value.load(ordering: .relaxed) }
  func set(_ new: Bool) { value.store(new, ordering: .relaxed) }
}
