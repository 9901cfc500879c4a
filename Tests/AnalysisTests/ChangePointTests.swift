// Goal: windows that were opened and closed are found in the CO2 of a room, as CERN finds them. Method: its measured rooms, where
// the times are known; curves made by hand.

import Testing

@testable import Analysis

@Suite struct ChangePointTests {
  @Test(arguments: [("office-1", [14.78, 15.1, 15.53, 15.87, 16.52, 16.83]), ("meeting-1", [10.37, 11.07])] as [(String, [Double])])
  func windowsAreFound(name: String, changes: [Double]) throws {
    let samples = try measuredTrace(name)
    let found = ventilationChanges(samples)
    // Each is found, within 1 %; none beside them is.
    for change in changes { #expect(found.contains { abs($0 / change - 1) <= 0.01 }, "\(change) in \(found)") }
    #expect(found.count == changes.count, "\(found)")
  }

  @Test func topsStandOut() {
    let curve = [0.0, 3, 1, 5, 5, 2, 4, 0, 1, 0]
    #expect(turns(curve, spacing: 1, prominence: 0).map(\.place) == [1, 3, 6, 8])
    #expect(turns(curve, spacing: 1, prominence: 0).map(\.prominence) == [2, 5, 2, 1])
    #expect(turns(curve, spacing: 1, prominence: 2).map(\.place) == [1, 3, 6] && turns(curve, spacing: 4, prominence: 0).map(\.place) == [3, 8])
    #expect(turns(curve, spacing: 1, prominence: 0, width: 2).map(\.place) == [3])
    #expect(turns([], spacing: 1, prominence: 0) == [] && turns([1, 1, 1], spacing: 1, prominence: 0) == [])
  }

  @Test func aMeanIsTakenAroundEach() {
    #expect(rollingMean([1, 2, 3, 4, 5], window: 3) == [1.5, 2, 3, 4, 4.5] && rollingMean([], window: 3) == [])
    #expect(rollingMean([1, 5], window: 1) == [1, 5] && ventilationChanges([]) == [])
  }
}
