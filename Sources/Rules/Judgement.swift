// What one estimate of a person's temperature is called: the same word at a lane and of a row of a file.

public import Domain

extension FeverPolicy {
  /// Cold skin says nothing of the body: below the guard, or far below what the people of this place read.
  @_noLocks @_noAllocation
  func isLow(_ estimate: Double, among others: RunningMedian) -> Bool {
    if !(estimate >= lowGuard) { return true }
    return others.count >= driftPeople && estimate < others.value - lowBelowMedian
  }

  /// - Parameter isWarmer: than the people before, by the relative rule; of cold skin it says nothing.
  @_noLocks @_noAllocation
  public func reason(_ estimate: Double, isWarmer: Bool) -> ScreeningReason {
    if !(estimate >= lowGuard) { return .low }
    if estimate >= high { return .high }
    if estimate >= threshold { return .elevated }
    if isWarmer { return .relative }
    return estimate >= retakeFrom ? .borderline : .normal
  }
}

/// Judges the first reading of one person after the other, as a lane does that has nothing but these readings.
public struct FirstReadings: Sendable {
  private let policy: FeverPolicy
  private var others: RelativeRule
  private var estimates = RunningMedian()

  public init(_ policy: FeverPolicy) {
    self.policy = policy
    others = RelativeRule(policy.relative)
  }

  /// - Parameters:
  ///   - estimate: of the body, degC.
  ///   - ambient: where it was measured, degC; NaN: not measured.
  ///   - humidity: of the air there, %RH; NaN: not measured.
  public mutating func judge(
    _ estimate: Double, ambient: Double = .nan, humidity: Double = .nan, at now: Instant = .past
  ) -> ScreeningReason {
    if !estimate.isFinite { return .tooFew }
    if ambient < policy.ambientLowest || ambient > policy.ambientHighest { return .ambient }
    if humidity >= policy.humidityHighest { return .humidity }
    let isLow = policy.isLow(estimate, among: estimates)
    estimates.add(estimate)
    if isLow { return .low }
    let isWarmer = others.isAbove(estimate, at: now)
    others.add(estimate, isElevated: isWarmer || estimate >= policy.threshold, at: now)
    return policy.reason(estimate, isWarmer: isWarmer)
  }
}
