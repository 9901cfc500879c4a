// Arithmetic on times saturates: no value from anywhere can make it trap.

import Domain
import Testing

@Suite struct TimeTests {
  @Test func instantsSaturate() {
    #expect(Instant.never + .seconds(1) == .never)
    #expect(Instant.past + Interval(ns: -1) == .past)
    #expect(Instant(ns: 5) + .milliseconds(1) == Instant(ns: 1_000_005))
    #expect((Instant.never - Instant.past).ns == .max)
    #expect((Instant.past - Instant.never).ns == .min)
    #expect((Instant(ns: 3) - Instant(ns: 5)).ns == -2)
  }

  @Test func intervalsSaturate() {
    #expect((Interval.minutes(1) * 3).ns == 180_000_000_000)
    #expect((Interval(ns: .max) * 2).ns == .max)
    #expect(Interval.milliseconds(1500).seconds == 1.5)
  }
}
