// Goal: how well a place of the face finds a fever, as it was found by others in the same people. Method: 1,020 people whose mouth
// was measured too (Tests/Measured/README.md).

import Measured
import Testing

@testable import Analysis

@Suite struct FeverTests {
  private let people: MeasuredPeople
  private let oral: [Double]

  init() throws {
    people = try MeasuredPeople()
    oral = people.oral
  }

  @Test func theFileIsTheOneThatOthersCounted() {
    #expect(oral.count == 1_020 && oral.count { $0 >= 37.5 } == 111 && oral.count { $0 >= 37.3 } == 161 && oral.count { $0 >= 38 } == 49)
    #expect(abs((mean(oral) ?? 0) - 37.0284) < 5e-5)
  }

  @Test(arguments: [
    ("canthiMax", 0.9679, 36.180, 0.901, 0.934, 0.9936, 1.241), ("canthi4Max", 0.9683, 36.093, 0.937, 0.894, 0.9937, 1.270),
    ("T_Max", 0.9731, 36.453, 0.937, 0.943, 0.9958, 0.944), ("T_FH_Max", 0.8759, 35.692, 0.811, 0.827, 0.9453, 1.607),
    ("T_FHCC", 0.8251, 35.045, 0.721, 0.867, 0.9123, 2.455), ("T_OR_Max", 0.9441, 36.230, 0.856, 0.898, 0.9839, 1.190),
  ])
  func aPlaceOfTheFaceFindsAsManyAsOthersFound(
    feature: String, area: Double, cutoff: Double, sensitivity: Double, specificity: Double, areaAt38: Double, difference: Double
  ) throws {
    let readings = people.readings(feature)
    let curve = try #require(ReceiverCurve(readings: readings, isFebrile: oral.map { $0 >= 37.5 }))
    #expect(abs(curve.area - area) < 6e-5, "\(curve.area)")
    #expect(abs(curve.cutoff - cutoff) < 6e-4, "\(curve.cutoff)")
    #expect(abs((curve.counts.sensitivity.value ?? 0) - sensitivity) < 6e-4 && abs((curve.counts.specificity.value ?? 0) - specificity) < 6e-4)
    let high = try #require(ReceiverCurve(readings: readings, isFebrile: oral.map { $0 >= 38 }))
    #expect(abs(high.area - areaAt38) < 6e-5, "\(high.area)")
    #expect(abs((mean(zip(oral, readings).map { $0 - $1 }) ?? 0) - difference) < 6e-4)
  }

  /// Hussain 2021, table 5 (doi 10.1038/s41598-021-90100-1).
  @Test(arguments: [
    (ScreeningCounts(truePositive: 19_241, falseNegative: 343, falsePositive: 463_017, trueNegative: 95_620), [0.98249, 0.17117, 0.03990, 0.99643]),
    (ScreeningCounts(truePositive: 11_776, falseNegative: 7_809, falsePositive: 111_661, trueNegative: 446_976), [0.60128, 0.80012, 0.09540, 0.98283]),
  ])
  func sharesAreThoseOfThePaper(counts: ScreeningCounts, said: [Double]) {
    let ours = [counts.sensitivity, counts.specificity, counts.positivePredictive, counts.negativePredictive].map { $0.value ?? 0 }
    for (our, paper) in zip(ours, said) { #expect(abs(our - paper) < 6e-6) }
  }

  @Test func aCurveNeedsBoth() {
    #expect(ReceiverCurve(readings: [36, 37], isFebrile: [true, true]) == nil && ReceiverCurve(readings: [], isFebrile: []) == nil)
    #expect(ReceiverCurve(readings: [36, 37], isFebrile: [true]) == nil)
    let tied = ReceiverCurve(readings: [36, 36], isFebrile: [true, false])
    #expect(tied?.area == 0.5)
  }
}
