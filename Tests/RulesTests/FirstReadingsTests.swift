// Rows of a file get the words that a lane gives the same people.

import Domain
import Testing

@testable import Rules

@Suite struct FirstReadingsTests {
  private func words(_ estimates: [Double], humidity: Double = .nan) -> [ScreeningReason] {
    var readings = FirstReadings(FeverPolicy())
    return estimates.map { readings.judge($0, humidity: humidity) }
  }

  @Test func farBelowThePeopleBeforeIsColdSkin() {
    let people = (0..<15).map { 36.8 + Double($0 % 3) * 0.05 }
    #expect(words(people + [35.1]).last == .low)
    // Nobody knows what people read here before a dozen came.
    #expect(words(people.prefix(11) + [35.1]).last == .normal)
    #expect(words(people + [35.5]).last == .normal)
  }

  @Test func humidityCountsFromItsLimitOn() {
    #expect(words([36.6], humidity: 84.9) == [.normal])
    #expect(words([36.6], humidity: 85) == [.humidity])
  }
}
