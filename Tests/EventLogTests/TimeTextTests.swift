// Times in events, against Foundation's calendar: every offset a site can have, both ends of a day, leap days, and random
// moments over three centuries.

import Foundation
import Testing

@testable import EventLog

@Suite struct TimeTextTests {
  @Test(arguments: [
    (0, 0, "1970-01-01T00:00:00.000000000+00:00"),
    (-1, 0, "1969-12-31T23:59:59.999999999+00:00"),
    (951_782_400_000_000_000, 0, "2000-02-29T00:00:00.000000000+00:00"),
    (1_795_392_912_123_456_789, 28_800, "2026-11-23T08:15:12.123456789+08:00"),
    (1_795_392_912_000_000_001, -12_600, "2026-11-22T20:45:12.000000001-03:30"),
    (1_795_392_912_000_000_000, 20_700, "2026-11-23T06:00:12.000000000+05:45"),
    (4_102_444_799_999_999_999, 50_400, "2100-01-01T13:59:59.999999999+14:00"),
    // An offset of local mean time has seconds; RFC 3339 has not.
    (0, -1_172, "1969-12-31T23:41:00.000000000-00:19"),
  ] as [(Int64, Int32, String)])
  func known(wall: Int64, offset: Int32, text: String) {
    #expect(timeText(wall: wall, utcOffset: offset) == text)
  }

  @Test(arguments: [3_339, 20_261_123] as [UInt64])
  func asTheCalendarSays(seed: UInt64) throws {
    var random = Seeded(seed)
    var calendar = Calendar(identifier: .gregorian)
    for _ in 0..<2_000 {
      let second = Int64.random(in: -2_208_988_800...7_258_118_400, using: &random)
      let offset = Int32.random(in: -56...56, using: &random) * 900
      calendar.timeZone = try #require(TimeZone(secondsFromGMT: Int(offset)))
      let parts = calendar.dateComponents(
        [.year, .month, .day, .hour, .minute, .second], from: Date(timeIntervalSince1970: Double(second)))
      let expected = String(
        format: "%04d-%02d-%02dT%02d:%02d:%02d.000000007%@%02d:%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0,
        parts.hour ?? 0, parts.minute ?? 0, parts.second ?? 0, offset < 0 ? "-" : "+", abs(offset) / 3600, abs(offset) / 60 % 60)
      #expect(timeText(wall: second * 1_000_000_000 + 7, utcOffset: offset) == expected, "seed \(seed)")
    }
  }
}
