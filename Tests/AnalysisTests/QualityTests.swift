// Goal: flags and filters as the tools of oceanographers and a public filter give them. Method: the rows of those tools' own tests
// (ioos_qc, Apache-2.0; hampel_filter, MIT).

import Testing

@testable import Analysis

private func numbers(_ flags: [QualityFlag]) -> [Int] { flags.map(\.rawValue) }

@Suite struct QualityTests {
  @Test func aFlatLineIsSuspectAndThenFails() {
    let values = [1, 2, 2.0001, 2, 2.0001, 2, 2.0001, 2, 4, 5, 3, 3.0001, 3.0005, 3.00001]
    func flags(_ values: [Double]) -> [Int] {
      numbers(flatLineFlags(values, interval: 900, suspectAfter: 3000, failAfter: 4800, tolerance: 0.01))
    }
    #expect(flags(values) == [1, 1, 1, 1, 3, 3, 4, 4, 1, 1, 1, 1, 1, 3] && flags(values.map { -$0 }) == flags(values))
    #expect(flags([]) == [] && numbers(flatLineFlags([1, 1], interval: 0, suspectAfter: 1, failAfter: 2, tolerance: 1)) == [2, 2])
  }

  @Test func spikesStandOutOfTheirNeighbours() {
    let spikes = [10, 12, 999.99, 13, 15, 40, 9, 9] as [Double?]
    #expect(numbers(spikeFlags(spikes, suspect: 25, fail: 50)) == [2, 4, 4, 4, 1, 3, 1, 2])
    let gaps = spikes + [nil, 10, 10, 999.99, 10, nil]
    #expect(numbers(spikeFlags(gaps, suspect: 25, fail: 50)) == [2, 4, 4, 4, 1, 3, 1, 2, 9, 2, 4, 4, 2, 9])
  }

  @Test func rangesAndRates() {
    #expect(numbers(rangeFlags([400, 300, -1, 6_000, 20_000, nil], span: 0...10_000, plausible: 350...5_000)) == [1, 3, 4, 3, 4, 9])
    let rates = rateFlags([400, 900, 950, nil, 400, 2_000], seconds: [0, 60, 120, 180, 240, 241], suspectPerSecond: 500 / 60.0, failPerSecond: 1_000)
    #expect(numbers(rates) == [2, 1, 1, 9, 2, 4])
    #expect(numbers(rateFlags([1, 2], seconds: [0], suspectPerSecond: 1)) == [2, 2])
  }

  @Test func hampelReplacesWhatStandsOut() {
    #expect(hampel([1, 2, 3, 100, 4, 5, 6], window: 5) == [1, 2, 3, 4, 4, 5, 6])
    #expect(hampel([10, 20, 30, 200, 40, 50, 60], window: 5) == [10, 20, 30, 40, 40, 50, 60])
    #expect(hampel([1, 100, 3], window: 3) == [1, 3, 3] && hampel([1, 2, 3, 4, 5], window: 5) == [1, 2, 3, 4, 5])
    #expect(hampel([1, 100], window: 3) == [1, 100] && hampel([], window: 5) == [])
  }

  /// Tables of Student's t.
  @Test(arguments: [(1, 12.7062), (2, 4.30265), (5, 2.57058), (11, 2.20099), (30, 2.04227), (120, 1.97993), (10_000, 1.96020)])
  func quantilesAreThoseOfTheTables(freedom: Int, said: Double) {
    let ours = studentQuantile(0.975, freedom: freedom)
    #expect(abs(ours - said) < 6e-5 * said && studentQuantile(0.025, freedom: freedom) == -ours)
  }

  /// Wilson 1927, as calculators give it: 8 of 10, none of 10, all of 10.
  @Test func sharesHaveIntervals() throws {
    let some = try #require(Share(8, of: 10).interval)
    #expect(abs(some.lowerBound - 0.4902) < 5e-5 && abs(some.upperBound - 0.9433) < 5e-5)
    #expect(Share(0, of: 10).interval?.lowerBound == 0 && (Share(0, of: 10).interval?.upperBound ?? 0) > 0.27)
    #expect(Share(10, of: 10).interval?.upperBound == 1 && Share(0, of: 0).interval == nil && Share(0, of: 0).value == nil)
  }
}
