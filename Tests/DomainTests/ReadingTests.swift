// A reading gives its number only when it is good and young: not-known is never normal.

import Domain
import Testing

@Suite struct ReadingTests {
  private func reading(_ quality: Quality) -> Reading {
    Reading(device: DeviceID(0), field: 0, use: .surface, unit: .degC, quality: quality, at: Instant(ns: 1_000), decoded: 36.5)
  }

  @Test func aGoodYoungReadingIsAValue() {
    guard case .value(36.5) = reading(.good).judged(at: Instant(ns: 1_500), staleAfter: Interval(ns: 500)) else {
      Issue.record("a reading exactly as old as allowed is still a value")
      return
    }
  }

  @Test func anOldReadingIsStale() {
    guard case .invalid(.stale) = reading(.good).judged(at: Instant(ns: 1_501), staleAfter: Interval(ns: 500)) else {
      Issue.record("one nanosecond too old is stale")
      return
    }
  }

  @Test(arguments: Reason.allCases) func anInvalidReadingNeverBecomesAValue(reason: Reason) {
    guard case .invalid(let told) = reading(.invalid(reason)).judged(at: Instant(ns: 1_000), staleAfter: .seconds(1)) else {
      Issue.record("an invalid reading was used")
      return
    }
    #expect(told == reason)
  }
}
