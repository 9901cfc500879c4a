// Goal: the mathematics of air gives the numbers that others published or that established tools print. Method: tables, with
// where each row is from and how far it may be off.

import Testing

@testable import Analysis

private func isNear(_ a: Double?, _ b: Double, within tolerance: Double) -> Bool { a.map { abs($0 - b) <= tolerance } ?? false }

@Suite struct AirTests {
  /// CERN's CAiMIRA (its CO2 test): five seated people, 0.51 m3/h each, of which 4.2 % is CO2, in 200 m3 at 0.25 an hour.
  @Test func risesAsCERNSays() {
    let room = MassBalance(
      volumeM3: 200, flowLps: 0.25 * 200 / 3.6, generationLps: 5 * 0.51 * 0.042 / 3.6, outdoorPpm: 440.44)
    let said = [440.44, 914.2487227, 1283.251327, 1570.630844, 1794.442237]
    for (hours, ppm) in said.enumerated() { #expect(isNear(room.ppm(after: Double(hours), from: 440.44), ppm, within: 1e-6)) }
  }

  private struct Room: CustomTestStringConvertible {
    var name: String
    var people: [(Int, Person)]
    var volume, flow, generation, airChanges, steady, afterHour, hours95: Double
    var testDescription: String { name }
  }

  /// NIST's CO2 tool: three of its rooms, 23 °C and 101 kPa, outdoors 400 ppm.
  private static let rooms = [
    Room(
      name: "lecture classroom",
      people: [
        (32, Person(.male, age: 25, massKg: 80, met: 1.3)), (32, Person(.female, age: 25, massKg: 70, met: 1.3)),
        (1, Person(.female, age: 45, massKg: 75, met: 2)),
      ], volume: 400, flow: 277, generation: 0.320, airChanges: 2.49, steady: 1553.45, afterHour: 1458.10, hours95: 1.203),
    Room(
      name: "conference",
      people: [(25, Person(.male, age: 45, massKg: 85, met: 1.4)), (25, Person(.female, age: 45, massKg: 75, met: 1.4))],
      volume: 300, flow: 155, generation: 0.254, airChanges: 1.86, steady: 2041.22, afterHour: 1785.73, hours95: 1.613),
    Room(
      name: "office, of five of them half",
      people: [(5, Person(.male, age: 45, massKg: 85, met: 1.4)), (5, Person(.female, age: 45, massKg: 75, met: 1.4))],
      volume: 600, flow: 85, generation: 0.050, airChanges: 0.51, steady: 998.56, afterHour: 639.13, hours95: 5.882),
  ]

  @Test(arguments: rooms) private func roomsComeToWhatNISTSays(_ room: Room) {
    let generation = room.people.reduce(0) { $0 + Double($1.0) * $1.1.generationLps(kelvin: 296.15, kilopascal: 101) }
    #expect(isNear(generation, room.generation, within: 0.001))
    let balance = MassBalance(volumeM3: room.volume, flowLps: room.flow, generationLps: generation, outdoorPpm: 400)
    #expect(isNear(balance.airChanges, room.airChanges, within: 0.005) && isNear(balance.hoursTo95Percent, room.hours95, within: 0.001))
    #expect(isNear(balance.steadyPpm, room.steady, within: 0.005), "\(balance.steadyPpm)")
    #expect(isNear(balance.ppm(after: 1, from: 400), room.afterHour, within: 0.005), "\(balance.ppm(after: 1, from: 400))")
  }

  /// Persily and de Jonge 2017, table 4: L/s at 273 K and 101 kPa, printed with four decimals.
  @Test(arguments: [
    (1.86, [0.0009, 0.0011, 0.0013, 0.0014, 0.0018, 0.0027, 0.0036]), (8.24, [0.0039, 0.0048, 0.0056, 0.0064, 0.0080, 0.0120, 0.0160]),
    (6.49, [0.0031, 0.0038, 0.0044, 0.0050, 0.0063, 0.0094, 0.0126]), (5.19, [0.0025, 0.0030, 0.0035, 0.0040, 0.0050, 0.0075, 0.0101]),
  ])
  func peopleBreatheAsTheTableSays(basalMJ: Double, said: [Double]) {
    for (met, lps) in zip([1.0, 1.2, 1.4, 1.6, 2, 3, 4], said) {
      #expect(isNear(Person.generationLps(basalMJ: basalMJ, met: met, kelvin: 273, kilopascal: 101), lps, within: 1.0001e-4))
    }
  }

  /// CDC: minutes to remove 90, 99 and 99.9 %, rounded to the nearest.
  @Test(arguments: [
    (1.0, [138.0, 276, 414]), (2, [69, 138, 207]), (4, [35, 69, 104]), (6, [23, 46, 69]), (8, [17, 35, 52]), (10, [14, 28, 41]),
    (12, [12, 23, 35]), (15, [9, 18, 28]), (20, [7, 14, 21]), (50, [3, 6, 8]),
  ] as [(Double, [Double])])
  func purgingTakesWhatCDCSays(airChanges: Double, minutes: [Double]) {
    let ours = [0.9, 0.99, 0.999].map { purgeMinutes(efficiency: $0, airChanges: airChanges).rounded() }
    #expect(ours == minutes)
  }

  /// WHO 2009, annex E: in ten minutes.
  @Test func dilutesAsWHOSays() {
    #expect([12.0, 18, 24].map { dilution(minutes: 10, airChanges: $0).rounded() } == [7, 20, 55])
    #expect(isNear(dilution(minutes: 10, airChanges: 24), 54.60, within: 0.005))
  }

  /// What each needs for 1,000 ppm at 420 outdoors (m3/h), and what 30 and 20 m3/h come to (ppm above outdoors).
  @Test(arguments: [(0.0040, 24.83, 480.0, 720.0), (0.0046, 28.55, 552, 828), (0.0052, 32.28, 624, 936), (0.0056, 34.76, 672, 1008)])
  func freshAirForALimit(lps: Double, cubicMetres: Double, at30: Double, at20: Double) {
    #expect(isNear(MassBalance.flowPerPerson(generationLps: lps, steadyPpm: 1000, outdoorPpm: 420).map { $0 * 3.6 }, cubicMetres, within: 0.005))
    for (flow, excess) in [(30.0, at30), (20, at20)] {
      let room = MassBalance(volumeM3: 100, flowLps: flow / 3.6, generationLps: lps, outdoorPpm: 420)
      #expect(isNear(room.steadyPpm - 420, excess, within: 0.001))
    }
    #expect(MassBalance.flowPerPerson(generationLps: lps, steadyPpm: 420, outdoorPpm: 420) == nil)
  }

  /// EN 16798-1: 20 L/h a person at 10, 7 and 4 L/s.
  @Test func excessOfTheEuropeanCategories() {
    let excess = [10.0, 7, 4].map {
      MassBalance(volumeM3: 1, flowLps: $0, generationLps: 20.0 / 3600, outdoorPpm: 0).steadyPpm
    }
    for (ours, said) in zip(excess, [555.6, 793.7, 1388.9]) { #expect(isNear(ours, said, within: 0.05)) }
  }

  /// Two cleaners of 300 cfm in 25 by 40 by 9 feet.
  @Test func cleanersCount() {
    #expect(isNear(equivalentAirChanges(cleanAirM3ph: 600 * 1.69901, volumeM3: 9000 * 0.0283168), 4.0, within: 0.001))
  }

  /// R. Corsi (800 at 410 outdoors; one breath in eight at 4,957), and the other way to count, which a public tool prints.
  @Test func rebreathedFractions() {
    #expect(isNear(rebreathedFraction(ppm: 800, outdoorPpm: 410), 0.01026, within: 5e-6))
    #expect(isNear(rebreathedFraction(ppm: 4957, outdoorPpm: 420), 0.1194, within: 5e-5))
    #expect(isNear(rebreathedFraction(ppm: 2000, outdoorPpm: 420, addedPpm: 38_000 - 420), 0.04204, within: 5e-6))
    #expect(isNear(rebreathedFraction(ppm: 1000, outdoorPpm: 420, addedPpm: 38_000 - 420), 0.01543, within: 5e-6))
  }

  // MARK: Decay

  private static let fall = [1506.0, 1288.9, 1135.0, 1008.1, 884.4, 799.1, 736.4, 662.2, 628.0, 585.6, 548.5, 537.2, 505.7].enumerated()
    .map { Sample(hours: Double($0) / 12, ppm: $1) }

  /// Samples each five minutes around 2.5 air changes an hour from 1,500 ppm at 420 outdoors, with noise.
  @Test func aDecayIsFitted() throws {
    let decay = try #require(Decay(Self.fall, outdoorPpm: 420))
    #expect(isNear(decay.airChanges, 2.503845, within: 5e-7) && isNear(decay.startPpm, 1501.949, within: 5e-4))
    #expect(isNear(decay.standardError, 0.0281247, within: 5e-8) && isNear(decay.halfWidth, 0.061902, within: 5e-7))
    #expect(isNear(decay.determination, 0.998614, within: 5e-7) && decay.isAccepted && decay.count == 13)
    #expect(isNear(Decay.betweenTwo(Self.fall[0], Self.fall[12], outdoorPpm: 420), 2.539404, within: 5e-7))
    // The truth lies in the interval, also of the weighted fit.
    let weighted = try #require(Decay(Self.fall, outdoorPpm: 420, isWeighted: true))
    #expect(abs(weighted.airChanges - 2.5) < weighted.halfWidth && abs(decay.airChanges - 2.5) < decay.halfWidth)
  }

  @Test func whatIsNoDecayIsNotAccepted() throws {
    func fit(_ ppm: [Double], each minutes: Double = 5) -> Decay? {
      Decay(ppm.enumerated().map { Sample(hours: Double($0) * minutes / 60, ppm: $1) }, outdoorPpm: 420)
    }
    #expect(fit([1500, 1300, 1100], each: 2)?.objections == [.tooShort])
    #expect(fit([700, 650, 600, 560, 540])?.objections == [.tooLittle])
    #expect(fit([1000, 1100, 1200, 1300, 1400])?.objections.contains(.notFalling) == true)
    #expect(fit([1500, 900, 1400, 800, 1300])?.objections.contains(.notExponential) == true)
    #expect(fit([400, 410, 415]) == nil && fit([1500, 1400]) == nil && fit([]) == nil)
  }

  /// A sensor that is off by the same amount in all three cancels out; one that knows outdoors badly does not.
  @Test func twoPointsAreAsUncertainAsTheirParts() throws {
    let (first, last) = (Sample(hours: 0, ppm: 1420), Sample(hours: 1, ppm: 520))
    let none = try #require(Decay.uncertaintyBetweenTwo(first, last, outdoorPpm: 420, firstError: 0, lastError: 0, outdoorError: 0))
    let some = try #require(Decay.uncertaintyBetweenTwo(first, last, outdoorPpm: 420, firstError: 30, lastError: 30, outdoorError: 10))
    // 30/1000, 30/100, and (1/100 - 1/1000) times 10.
    #expect(none == 0 && isNear(some, (0.03 * 0.03 + 0.3 * 0.3 + 0.09 * 0.09).squareRoot(), within: 1e-12))
    #expect(Decay.betweenTwo(last, first, outdoorPpm: 420) == nil && Decay.betweenTwo(first, Sample(hours: 2, ppm: 420), outdoorPpm: 420) == nil)
  }
}
