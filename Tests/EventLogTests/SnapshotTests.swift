// How times of an earlier run stand on this boot clock: by the clock that nobody can set, as far as it tells.

import Domain
import EventLog
import Testing

@Suite struct SnapshotTests {
  private static let hour: Int64 = 3_600_000_000_000

  private func shift(boot: Int64, wall: Int64) -> Int64 {
    let earlier = Snapshot(layout: 1, lastEvent: 1, boot: Instant(ns: 10 * Self.hour), wall: 100 * Self.hour, state: [])
    return earlier.shift(to: Now(boot: Instant(ns: boot), wall: wall, utcOffset: 0)).ns
  }

  @Test func aClockThatRanOnMovesNothing() {
    #expect(shift(boot: 11 * Self.hour, wall: 101 * Self.hour) == 0)
  }

  /// Set forward by an hour while the door was down, waits would end an hour early; set back, an hour late.
  @Test func aWallClockThatWasSetMovesNothing() {
    #expect(shift(boot: 11 * Self.hour, wall: 102 * Self.hour) == 0)
    #expect(shift(boot: 11 * Self.hour, wall: 90 * Self.hour) == 0)
  }

  /// The machine was started anew: half an hour by its boot clock, two hours since the snapshot by the wall clock.
  @Test func aBootClockThatBeganAnewIsToldByTheWallClock() {
    #expect(shift(boot: Self.hour / 2, wall: 102 * Self.hour) == -(11 * Self.hour + Self.hour / 2))
  }
}
