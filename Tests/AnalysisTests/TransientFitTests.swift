// Goal: what made a trace is found in it again, in rooms of CERN's tests, with noise too; measured rooms are fitted as well as CERN
// accepts. Method: their numbers, and their traces (Tests/Measured/README.md).

import Testing

@testable import Analysis

/// A trace, step by step and by another formula than the fit's: a minute of Euler's method is cut into a hundred.
private func trace(rates: [(from: Double, perHour: Double)], people: [Occupancy], lps: Double, volume: Double, to end: Double) -> [Sample] {
  var ppm = 440.44
  var samples: [Sample] = []
  let start = rates[0].from
  for minute in 0...Int((end - start) * 60) {
    let hours = start + Double(minute) / 60
    samples.append(Sample(hours: hours, ppm: ppm))
    for part in 0..<100 {
      let now = hours + (Double(part) + 0.5) / 6000
      let rate = rates.last { $0.from <= now }?.perHour ?? 0
      let there = people.last { $0.from <= now }?.people ?? 0
      ppm += (rate * (440.44 - ppm) + there * lps * 3.6e6 / volume) / 6000
    }
  }
  return samples
}

@Suite struct TransientFitTests {
  private static let people = [Occupancy(from: 8, people: 2), Occupancy(from: 12, people: 1), Occupancy(from: 13, people: 2)]

  /// 75 m3; a person sitting breathes out 0.51 m3/h, standing 0.57, of which 4.2 % is CO2. Air for each of two, L/s.
  @Test(arguments: [
    (0.51, [8.0, 12, 13], [0.25, 2.45, 0.25], [2.604166667, 25.520833335, 2.604166667]),
    (0.57, [8, 10, 11, 12], [1.25, 3.25, 1.45, 0.25], [13.0208, 33.8542, 15.1042, 2.6042]),
  ] as [(Double, [Double], [Double], [Double])])
  func whatMadeATraceIsFoundInIt(exhaled: Double, from: [Double], rates: [Double], flows: [Double]) throws {
    let lps = exhaled * 0.042 / 3.6
    let samples = trace(rates: Array(zip(from, rates)), people: Self.people, lps: lps, volume: 75, to: 17)
    for known in [lps, nil] {
      let fit = try #require(TransientFit(
        samples, changes: from, occupancy: Self.people, volumeM3: 75, outdoorPpm: 440.44, generationLps: known))
      #expect(fit.isAccepted && abs(fit.generationLps / lps - 1) < 0.01, "\(fit)")
      for (ours, said) in zip(fit.airChanges, rates) { #expect(abs(ours / said - 1) < 0.01, "\(fit.airChanges)") }
      for (ours, said) in zip(fit.flowPerPerson(volumeM3: 75, people: 2), flows) { #expect(abs(ours / said - 1) < 0.01) }
    }
  }

  /// Windows were opened and closed at these times; how many people there were is known, how much they breathed is not.
  @Test(arguments: [
    ("office-1", 102.0, [14.78, 15.1, 15.53, 15.87, 16.52, 16.83], [Occupancy(from: 0, people: 4)]),
    ("meeting-1", 83, [10.37, 11.07], [
      Occupancy(from: 9.07, people: 2), Occupancy(from: 9.32, people: 3), Occupancy(from: 9.75, people: 2), Occupancy(from: 10.75, people: 3),
      Occupancy(from: 11.75, people: 0),
    ]),
  ] as [(String, Double, [Double], [Occupancy])])
  func measuredRoomsAreFitted(name: String, volume: Double, changes: [Double], people: [Occupancy]) throws {
    let samples = try measuredTrace(name)
    #expect(samples.count > 900)
    let fit = try #require(TransientFit(
      samples, changes: changes, occupancy: people, volumeM3: volume, outdoorPpm: 440.44, generationLps: nil))
    #expect(fit.isAccepted, "\(fit.errorPercent) %")
    // In turn shut and open, or open and shut: each differs from the next, now up and now down.
    let steps = zip(fit.airChanges, fit.airChanges.dropFirst()).map { $1 - $0 }
    #expect(zip(steps, steps.dropFirst()).allSatisfy { $0 * $1 < 0 }, "\(fit.airChanges)")
  }

  @Test func whatCannotBeFittedIsNot() {
    let flat = (0..<20).map { Sample(hours: Double($0) / 10, ppm: 440) }
    func fit(_ samples: [Sample], generation: Double? = nil, people: [Occupancy] = [Occupancy(from: 0, people: 1)]) -> TransientFit? {
      TransientFit(samples, changes: [1], occupancy: people, volumeM3: 75, outdoorPpm: 440.44, generationLps: generation)
    }
    #expect(fit(flat) == nil && fit([]) == nil && fit(Array(flat.prefix(3))) == nil)
    #expect(fit(flat.map { Sample(hours: $0.hours, ppm: 800) }, people: []) == nil, "nobody, and what they breathe out is sought")
  }
}
