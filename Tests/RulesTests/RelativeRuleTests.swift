// Goal: the relative rule judges as its vendors say, finds in 1,020 measured people what others counted, and cannot run away.
// Method: the numbers of FLIR's handheld rule; the people of Tests/Measured, in the order of their file, by the rule as it is.

import Domain
import Measured
import Testing

@testable import Rules

/// The plain rule of the vendors: no floor, no bounded step, no reset.
private func plain(_ people: Int, _ deviation: Double, _ average: RelativePolicy.Average, addsElevated: Bool) -> RelativePolicy {
  var policy = RelativePolicy()
  policy.isOn = true
  policy.people = people
  policy.deviation = deviation
  policy.average = average
  policy.addsElevated = addsElevated
  policy.floor = -.infinity
  policy.step = .infinity
  policy.resetAfter = Interval(ns: .max)
  return policy
}

@Suite struct RelativeRuleTests {
  /// Ten samples, the highest and the lowest dropped: the mean of eight is 35.1625.
  @Test func theHandheldRuleIsTheVendors() {
    var rule = RelativeRule(plain(10, 0.6, .trimmed, addsElevated: true))
    for celsius in [35.0, 35.2, 35.1, 35.3, 35.2, 35.0, 35.4, 35.1, 36.9, 34.2] { _ = rule.judge(celsius) }
    #expect(abs(rule.average - 35.1625) < 1e-9 && abs(rule.limit - 35.7625) < 1e-9)
    #expect(!rule.isAbove(35.76) && rule.isAbove(35.77))
  }

  /// Inner-canthus maximum against a fever of 37.5 below the tongue: 111 of 1,020. Each row is a choice of numbers and what it found.
  @Test(arguments: [
    (10, 1.0, RelativePolicy.Average.trimmed, true, [51, 60, 2, 907]), (10, 0.6, .trimmed, true, [81, 30, 34, 875]),
    (10, 0.5, .trimmed, true, [83, 28, 53, 856]), (10, 0.6, .trimmed, false, [91, 20, 55, 854]),
    (20, 0.6, .trimmed, false, [93, 18, 45, 864]), (20, 0.6, .median, false, [93, 18, 49, 860]),
    (50, 0.5, .median, false, [102, 9, 118, 791]),
  ])
  func measuredPeopleAreFoundAsOthersCounted(
    people: Int, deviation: Double, average: RelativePolicy.Average, addsElevated: Bool, counts: [Int]
  ) throws {
    let measured = try MeasuredPeople()
    var rule = RelativeRule(plain(people, deviation, average, addsElevated: addsElevated))
    var found = [0, 0, 0, 0]
    for (celsius, oral) in zip(measured.readings("canthiMax"), measured.oral) {
      let isElevated = rule.judge(celsius)
      switch (isElevated, oral >= 37.5) {
      case (true, true): found[0] += 1
      case (false, true): found[1] += 1
      case (true, false): found[2] += 1
      case (false, false): found[3] += 1
      }
    }
    #expect(found == counts, "true positive, false negative, false positive, true negative")
  }

  /// The last row of the same table is the fixed limit, as the lanes compare: at or above.
  @Test func aFixedLimitForOneThermometerFindsMore() throws {
    let measured = try MeasuredPeople()
    var policy = FeverPolicy()
    policy.threshold = 36.18
    let flagged = measured.readings("canthiMax").map { $0 >= policy.threshold }
    let hits = zip(flagged, measured.oral).count { $0 && $1 >= 37.5 }
    #expect(hits == 100 && flagged.count { $0 } - hits == 60)
  }

  @Test func theFirstIsAlwaysNormalAndCounts() {
    var rule = RelativeRule(plain(10, 0.6, .trimmed, addsElevated: false))
    #expect(rule.limit.isNaN && !rule.judge(39) && abs(rule.average - 39) < 1e-12)
    #expect(!rule.judge(39.6) && rule.judge(40))
    rule.reset()
    #expect(rule.count == 0 && !rule.judge(40))
  }

  /// Left out, the elevated pull the average down step by step until everybody is elevated; the floor ends that.
  @Test func aFloorKeepsEverybodyFromBeingElevated() {
    func share(floor: Double) -> Int {
      var policy = plain(5, 0.2, .mean, addsElevated: false)
      policy.floor = floor
      var rule = RelativeRule(policy)
      var elevated = 0
      // Cold people first, then ordinary ones.
      for _ in 0..<10 { _ = rule.judge(35.2) }
      for index in 0..<100 { elevated += rule.judge(36.3 + Double(index % 5) * 0.05) ? 1 : 0 }
      return elevated
    }
    #expect(share(floor: -.infinity) == 100 && share(floor: 36.3) == 0)
  }

  @Test func onePersonMovesTheAverageByAStepAtMost() {
    var policy = plain(4, 0.6, .mean, addsElevated: true)
    policy.step = 0.4
    var rule = RelativeRule(policy)
    for _ in 0..<4 { _ = rule.judge(36) }
    _ = rule.judge(42)
    #expect(abs(rule.average - 36.1) < 1e-9)
    _ = rule.judge(20)
    #expect(abs(rule.average - 36.025) < 1e-9)
  }

  @Test func itBeginsAnewAfterALongPause() {
    var policy = plain(4, 0.6, .mean, addsElevated: false)
    policy.resetAfter = .minutes(60)
    var rule = RelativeRule(policy)
    var now = Instant(ns: 0)
    for _ in 0..<4 { _ = rule.judge(36, at: now) }
    now = now + .minutes(60)
    #expect(rule.isAbove(36.7, at: now))
    now = now + .seconds(1)
    #expect(!rule.judge(36.7, at: now) && rule.count == 1)
  }

  @Test func otherNumbersKeepThePeople() {
    var rule = RelativeRule(plain(4, 0.6, .mean, addsElevated: false))
    for celsius in [36.0, 36.2, 36.4, 36.6] { _ = rule.judge(celsius) }
    rule.change(to: plain(4, 0.3, .trimmed, addsElevated: false))
    #expect(rule.count == 4 && rule.isAbove(36.7) && !rule.isAbove(36.5))
    rule.change(to: plain(5, 0.3, .trimmed, addsElevated: false))
    #expect(rule.count == 0)
  }

  @Test func whatIsNoNumberIsNotTakenIn() {
    var rule = RelativeRule(plain(4, 0.6, .mean, addsElevated: true))
    _ = rule.judge(36)
    #expect(!rule.judge(.nan) && rule.count == 1 && abs(rule.average - 36) < 1e-12)
    rule = RelativeRule(RelativePolicy())
    #expect(!rule.judge(36) && !rule.judge(45) && rule.count == 0)
  }
}
