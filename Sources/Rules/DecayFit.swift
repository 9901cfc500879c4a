// Air changes from how CO2 falls, reading by reading: the regression of Analysis, `Decay`, by running sums, so that a
// reading costs the same however long the decay is. A test holds the two to the same numbers.

public import Domain

/// ln (CO2 − outdoors) against time. Sums are kept about their means, so no digits are lost in a long decay.
public struct DecayFit: BitwiseCopyable, Sendable {
  /// By the square of the excess, as constant noise of a sensor asks for.
  public var isWeighted: Bool
  public private(set) var count: Int32 = 0
  public private(set) var startExcess = 0.0
  private var start = Instant.past
  private var last = Instant.past
  private var weight = 0.0
  private var meanX = 0.0
  private var meanY = 0.0
  private var xx = 0.0
  private var xy = 0.0
  private var yy = 0.0

  @_noLocks @_noAllocation
  public init(isWeighted: Bool = true) { self.isWeighted = isWeighted }

  /// What is not above outdoors is left out.
  @_noLocks @_noAllocation
  public mutating func add(ppm: Double, outdoor: Double, at time: Instant) {
    let excess = ppm - outdoor
    guard excess > 0, excess.isFinite, count < .max else { return }
    if count == 0 {
      start = time
      startExcess = excess
    }
    count &+= 1
    last = time
    let own = isWeighted ? excess * excess : 1
    let x = (time - start).seconds / 3600
    let y = logarithm(excess)
    weight += own
    let (dx, dy) = (x - meanX, y - meanY)
    meanX += dx * own / weight
    meanY += dy * own / weight
    xx += own * dx * (x - meanX)
    xy += own * dx * (y - meanY)
    yy += own * dy * (y - meanY)
  }

  public var hours: Double { @_noLocks @_noAllocation get { count > 0 ? (last - start).seconds / 3600 : 0 } }

  /// 1/h; NaN from fewer than three points.
  public var airChanges: Double { @_noLocks @_noAllocation get { count >= 3 && xx > 0 ? -xy / xx : .nan } }

  /// What the line leaves over.
  private var left: Double {
    @_noLocks @_noAllocation get {
      let rest = yy - xy * xy / xx
      return rest > 0 ? rest : 0
    }
  }

  /// Of the air changes, 1/h.
  public var standardError: Double {
    @_noLocks @_noAllocation get { count >= 3 && xx > 0 ? squareRoot(left / Double(count &- 2) / xx) : .nan }
  }

  /// Half of the interval of 95 %, 1/h.
  public var halfWidth: Double {
    @_noLocks @_noAllocation get { standardError * studentQuantile95(freedom: Int(count) &- 2) }
  }

  /// The share of the scatter that the line explains.
  public var determination: Double { @_noLocks @_noAllocation get { yy > 0 ? 1 - left / yy : 1 } }

  /// Ten points or twenty minutes, from 300 ppm above outdoors, falling, and a line explains 0.95 of it.
  public var isAccepted: Bool {
    @_noLocks @_noAllocation get {
      guard count >= 3, count >= 10 || hours >= 20.0 / 60 else { return false }
      return startExcess >= 300 && airChanges > 0 && determination >= 0.95
    }
  }
}

/// Student's t that 97.5 % lie below: a table, and from eight degrees of freedom on the expansion of Cornish and Fisher,
/// right to 0.0005.
@_noLocks @_noAllocation
func studentQuantile95(freedom: Int) -> Double {
  switch freedom {
  case ..<1: return .nan
  case 1: return 12.7062
  case 2: return 4.30265
  case 3: return 3.18245
  case 4: return 2.77645
  case 5: return 2.57058
  case 6: return 2.44691
  case 7: return 2.36462
  default:
    let z = 1.959963984540054
    let z2 = z * z
    let n = Double(freedom)
    let first = z * (z2 + 1) / 4
    let second = z * ((5 * z2 + 16) * z2 + 3) / 96
    let third = z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384
    return z + first / n + second / (n * n) + third / (n * n * n)
  }
}
