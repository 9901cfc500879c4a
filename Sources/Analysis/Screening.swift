// How well a thermometer finds a fever, against a reference: counts, shares and the cutoff that serves best.

/// What a threshold made of people whose temperature is known.
public struct ScreeningCounts: Sendable, Equatable {
  public var truePositive = 0
  public var falseNegative = 0
  public var falsePositive = 0
  public var trueNegative = 0

  public init() {}

  public init(truePositive: Int, falseNegative: Int, falsePositive: Int, trueNegative: Int) {
    self.truePositive = truePositive
    self.falseNegative = falseNegative
    self.falsePositive = falsePositive
    self.trueNegative = trueNegative
  }

  public mutating func add(isFlagged: Bool, isFebrile: Bool) {
    switch (isFlagged, isFebrile) {
    case (true, true): truePositive += 1
    case (false, true): falseNegative += 1
    case (true, false): falsePositive += 1
    case (false, false): trueNegative += 1
    }
  }

  /// Of the febrile, how many are flagged.
  public var sensitivity: Share { Share(truePositive, of: truePositive + falseNegative) }
  /// Of the others, how many are not.
  public var specificity: Share { Share(trueNegative, of: trueNegative + falsePositive) }
  /// Of those flagged, how many are febrile.
  public var positivePredictive: Share { Share(truePositive, of: truePositive + falsePositive) }
  /// Of those not flagged, how many are not.
  public var negativePredictive: Share { Share(trueNegative, of: trueNegative + falseNegative) }
}

/// A device's readings of people whose temperature is known.
public struct ReceiverCurve: Sendable {
  /// The share of pairs of a febrile and another person in which the febrile one reads higher; ties count half.
  public let area: Double
  /// The reading at and above which flagging gives the most of sensitivity + specificity (Youden), and what it gives.
  public let cutoff: Double
  public let counts: ScreeningCounts

  /// - Returns: `nil` unless there are febrile people and others.
  public init?(readings: [Double], isFebrile: [Bool]) {
    guard readings.count == isFebrile.count else { return nil }
    let sorted = zip(readings, isFebrile).sorted { $0.0 > $1.0 }
    let febrile = isFebrile.count { $0 }
    let others = isFebrile.count - febrile
    guard febrile > 0, others > 0 else { return nil }
    var counts = ScreeningCounts(truePositive: 0, falseNegative: febrile, falsePositive: 0, trueNegative: others)
    var best: (score: Double, cutoff: Double, counts: ScreeningCounts)?
    var area = 0.0
    var index = 0
    while index < sorted.count {
      let reading = sorted[index].0
      let before = counts
      while index < sorted.count, sorted[index].0 == reading {
        if sorted[index].1 {
          counts.truePositive += 1
          counts.falseNegative -= 1
        } else {
          counts.falsePositive += 1
          counts.trueNegative -= 1
        }
        index += 1
      }
      // A trapezoid: who reads the same is half above and half below.
      area += Double(counts.falsePositive - before.falsePositive) * Double(counts.truePositive + before.truePositive) / 2
      let score = (counts.sensitivity.value ?? 0) + (counts.specificity.value ?? 0)
      if score > best?.score ?? 0 { best = (score, reading, counts) }
    }
    guard let best else { return nil }
    self.area = area / (Double(febrile) * Double(others))
    cutoff = best.cutoff
    self.counts = best.counts
  }
}
