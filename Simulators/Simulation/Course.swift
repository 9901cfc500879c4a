// What happens, in the order of time; where it repeats, from the beginning again.

public import Domain

/// The steps of a scenario, to be taken as time comes to them.
public struct Course: Sendable {
  private let happens: [Happening]
  /// After this it starts over; `nil`: it ends.
  private let round: Interval?
  private var next = 0
  private var began = Interval.zero

  public init(_ scenario: Scenario) { self.init(scenario.happens, every: scenario.repeats) }

  init(_ happens: [Happening], every round: Interval?) {
    self.happens = happens
    self.round = happens.isEmpty ? nil : round
  }

  /// When the next one is due, since the beginning; `nil`: nothing more happens.
  var nextAt: Interval? {
    next < happens.count ? began + happens[next].at : round.map { began + $0 + happens[0].at }
  }

  /// The steps that are due, in order. Call it until it gives none.
  mutating func takeDue(at elapsed: Interval) -> ArraySlice<Happening> {
    if next == happens.count, let round, began + round <= elapsed {
      began = began + round
      next = 0
    }
    let first = next
    while next < happens.count, began + happens[next].at <= elapsed { next += 1 }
    return happens[first..<next]
  }
}
