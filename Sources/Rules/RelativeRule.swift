// The relative rule: somebody is elevated when warmer than the last people by more than an allowed deviation. It follows what
// moves slowly for everybody (the hall, the thermometer) and knows nothing of fever: a group of feverish people lifts it. So it
// stands beside the fixed limit and never instead of it (docs/rules.md, "The relative rule").
//
//     limit = average of the last people + deviation           elevated: above the limit, not at it
//
// It holds temperatures in the order of people, and no link to any of them.

public import Domain

/// How the relative rule is set.
public struct RelativePolicy: BitwiseCopyable, Sendable {
  /// How the average is taken once there are enough people; before, it is their plain mean.
  public enum Average: UInt8, BitwiseCopyable, Sendable, CaseIterable {
    /// The mean without the highest and the lowest: FLIR handheld cameras.
    case trimmed
    case median
    case mean

    public var name: String {
      switch self {
      case .trimmed: "trimmed"
      case .median: "median"
      case .mean: "mean"
      }
    }
  }

  public var isOn = false
  /// How many of the last people are averaged, 3 to 64. Among 1,020 people of a trial (doi 10.13026/3bhc-9065) 20 found a share
  /// of 0.838 of the feverish, 10 found 0.820, and 20 with fewer false alarms.
  public var people = 20
  /// degC above the average. In the same trial the vendors' 1.0 found 0.46 of the feverish; 0.6 finds 0.84, at a specificity of 0.95.
  public var deviation = 0.6
  public var average = Average.trimmed
  /// Whether the elevated count in the average too. Left out, the feverish no longer lift the limit for those behind them.
  public var addsElevated = false
  /// The average never counts as less than this, degC: a run of cold people must not make everybody elevated. 36.3 to 37.2 is
  /// the normal range quoted in Chinese practice.
  public var floor = 36.3
  /// One person counts as this far from the average at most, degC; healthy people spread by 0.41 (Chen 2022).
  public var step = 1.0
  /// It begins anew when nobody was added for this long; a new day has another hall.
  public var resetAfter = Interval.minutes(240)

  public init() {}
}

/// The last people of one thermometer.
///
///     var rule = RelativeRule(policy)
///     let isElevated = rule.judge(36.9, at: now)
public struct RelativeRule: BitwiseCopyable, Sendable {
  public static var peopleMax: Int { @_noLocks @_noAllocation get { 64 } }

  public private(set) var policy: RelativePolicy
  private var last = InlineArray<64, Double>(repeating: 0)
  /// How many there are, and where the next one goes.
  public private(set) var count = 0
  private var next = 0
  private var addedAt = Instant.past
  /// Of those there are, degC, not below the floor; NaN: nobody yet.
  public private(set) var average = Double.nan

  @_noLocks @_noAllocation
  public init(_ policy: RelativePolicy) { self.policy = Self.bounded(policy) }

  @_noLocks @_noAllocation
  private static func bounded(_ policy: RelativePolicy) -> RelativePolicy {
    var policy = policy
    policy.people = max(3, min(policy.people, peopleMax))
    return policy
  }

  /// Other numbers from now on. The people stay, unless another number of them counts.
  @_noLocks @_noAllocation
  public mutating func change(to new: RelativePolicy) {
    let new = Self.bounded(new)
    if new.people != policy.people { reset() }
    policy = new
    if count > 0 { average = max(averageOfAll(), policy.floor) }
  }

  /// At most this is normal, degC; NaN: nobody yet.
  public var limit: Double { @_noLocks @_noAllocation get { average + policy.deviation } }

  /// Judges one person and takes them in. The first is always normal.
  @_noLocks @_noAllocation
  public mutating func judge(_ celsius: Double, at now: Instant = .past) -> Bool {
    let isElevated = isAbove(celsius, at: now)
    add(celsius, isElevated: isElevated, at: now)
    return isElevated
  }

  /// Only judges: another reading of somebody who was judged before.
  @_noLocks @_noAllocation
  public func isAbove(_ celsius: Double, at now: Instant = .past) -> Bool {
    guard policy.isOn, count > 0, !isOver(now) else { return false }
    return celsius > limit
  }

  @_noLocks @_noAllocation
  private func isOver(_ now: Instant) -> Bool { now - addedAt > policy.resetAfter }

  /// Only takes somebody in: `isElevated` by this rule or by another.
  @_noLocks @_noAllocation
  public mutating func add(_ celsius: Double, isElevated: Bool, at now: Instant = .past) {
    guard policy.isOn, celsius.isFinite, policy.addsElevated || !isElevated else { return }
    if isOver(now) { reset() }
    let bounded = count == 0 ? celsius : min(max(celsius, average - policy.step), average + policy.step)
    last[next] = bounded
    next = next + 1 < policy.people ? next + 1 : 0
    count = min(count + 1, policy.people)
    addedAt = now
    average = max(averageOfAll(), policy.floor)
  }

  /// Everybody is forgotten; the next one is the first.
  @_noLocks @_noAllocation
  public mutating func reset() {
    count = 0
    next = 0
    average = .nan
  }

  @_noLocks @_noAllocation
  private func averageOfAll() -> Double {
    if count == policy.people, case .median = policy.average { return median() }
    var sum = 0.0
    var lowest = Double.infinity
    var highest = -Double.infinity
    for index in 0..<count {
      sum += last[index]
      lowest = min(lowest, last[index])
      highest = max(highest, last[index])
    }
    if count == policy.people, case .trimmed = policy.average { return (sum - lowest - highest) / Double(count - 2) }
    return sum / Double(count)
  }

  @_noLocks @_noAllocation
  private func median() -> Double {
    var sorted = last
    sort(&sorted, count)
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
  }

  // MARK: Restart

  /// Takes over the people of an earlier run, if it was set the same way. `shift` moves its time to this boot clock.
  @_noLocks @_noAllocation
  mutating func resume(_ before: RelativeRule, shift: Interval) {
    guard before.policy.people == policy.people else { return }
    last = before.last
    count = before.count
    next = before.next
    addedAt = before.addedAt + shift
    if count > 0 { average = max(averageOfAll(), policy.floor) }
  }
}
