// Goal: the fit that runs with the readings is the one on a file. Method: the published regression, and measured and made
// traces through both.

import Analysis
import Domain
import Testing

@testable import Rules

private func running(_ samples: [(hours: Double, ppm: Double)], outdoor: Double, isWeighted: Bool) -> DecayFit {
  var fit = DecayFit(isWeighted: isWeighted)
  for sample in samples { fit.add(ppm: sample.ppm, outdoor: outdoor, at: Instant(ns: Int64((sample.hours * 3600e9).rounded()))) }
  return fit
}

private func isNear(_ a: Double, _ b: Double, within share: Double) -> Bool { abs(a - b) <= share * max(abs(a), abs(b), 1e-9) }

/// O-C9: every five minutes.
private let series = [
  1506.0, 1288.9, 1135.0, 1008.1, 884.4, 799.1, 736.4, 662.2, 628.0, 585.6, 548.5, 537.2, 505.7,
].enumerated().map { (hours: Double($0) / 12, ppm: $1) }

@Suite struct DecayFitTests {
  @Test func theRegressionThatIsPublished() {
    let fit = running(series, outdoor: 420, isWeighted: false)
    #expect(isNear(fit.airChanges, 2.503845, within: 1e-6))
    #expect(isNear(fit.standardError, 0.0281247, within: 1e-5))
    #expect(isNear(fit.halfWidth, 0.061902, within: 5e-4))
    #expect(isNear(fit.determination, 0.998614, within: 1e-6))
    #expect(fit.isAccepted)
  }

  @Test(arguments: [true, false], [3, 8, 13]) func itIsThatOfAnalysis(isWeighted: Bool, count: Int) throws {
    let some = Array(series.prefix(count))
    let fit = running(some, outdoor: 420, isWeighted: isWeighted)
    let whole = try #require(Decay(some.map { Analysis.Sample(hours: $0.hours, ppm: $0.ppm) }, outdoorPpm: 420, isWeighted: isWeighted))
    #expect(isNear(fit.airChanges, whole.airChanges, within: 1e-9))
    #expect(isNear(fit.standardError, whole.standardError, within: 1e-6))
    #expect(isNear(fit.halfWidth, whole.halfWidth, within: 5e-4))
    #expect(isNear(fit.determination, whole.determination, within: 1e-9))
    #expect(fit.isAccepted == whole.isAccepted)
  }

  /// What is not accepted there is not accepted here: too little, too short, no line, no fall.
  @Test(arguments: [
    [(0.0, 600.0), (0.2, 560), (0.4, 530)], [(0.0, 1500), (0.1, 1300), (0.2, 1150)], [(0.0, 1500), (0.2, 900), (0.4, 1400), (0.6, 700)],
    [(0.0, 900), (0.3, 1000), (0.6, 1100)],
  ] as [[(Double, Double)]])
  func objectionsAreTheSame(points: [(Double, Double)]) throws {
    let whole = try #require(Decay(points.map { Analysis.Sample(hours: $0.0, ppm: $0.1) }, outdoorPpm: 425, isWeighted: true))
    #expect(!whole.isAccepted && !running(points.map { (hours: $0.0, ppm: $0.1) }, outdoor: 425, isWeighted: true).isAccepted)
  }

  @Test func studentsTIsThatOfAnalysis() {
    for freedom in [1, 2, 3, 5, 7, 8, 9, 11, 20, 50, 200, 5000] {
      #expect(abs(studentQuantile95(freedom: freedom) - studentQuantile(0.975, freedom: freedom)) < 0.001 * studentQuantile(0.975, freedom: freedom), "\(freedom)")
    }
  }

  /// A day at one reading in two seconds loses no digits.
  @Test func aLongDecayKeepsItsDigits() {
    let samples = (0..<20_000).map { index -> (hours: Double, ppm: Double) in
      let hours = Double(index) / 1800
      return (hours, 425 + 2000 * power(-0.2 * hours))
    }
    let fit = running(samples, outdoor: 425, isWeighted: true)
    #expect(isNear(fit.airChanges, 0.2, within: 1e-9) && fit.determination > 0.999999)
  }
}

/// e to this, by halving until the series is short.
private func power(_ x: Double) -> Double {
  let y = x / 1024
  var result = 1 + y + y * y / 2 + y * y * y / 6 + y * y * y * y / 24
  for _ in 0..<10 { result *= result }
  return result
}
