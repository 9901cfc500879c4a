// When a room was ventilated, and whether that was enough: from contacts where there are some, else from CO2 that falls.

import RealModule

/// What counts as ventilation.
public struct VentilationPolicy: Sendable, Equatable {
  /// CO2 that falls so fast shows that air comes in, ppm a minute, by a line through five minutes …
  public var fallPerMinute = 5.0
  /// … while there is so much more than outdoors, ppm. Below, nothing can be seen; who got there stays ventilated.
  public var visiblePpm = 150.0
  /// From so much more than outdoors on, a fall to near outdoors is none by chance, ppm.
  public var provenFromPpm = 300.0
  /// Shorter interruptions do not count.
  public var bridgedMinutes = 5
  /// The guideline: not less than an hour each time.
  public var requiredMinutes = 60
  /// What clears 95 % of the air in an hour, 1/h: three air changes.
  public var effectiveAirChanges = 3.0
  /// The part of the required time that may be unknown.
  public var unknownShare = 0.2
  /// After a session it begins within so long.
  public var lateMinutes = 15
  /// Of the sensor, until it shows 63 % of a step, s. A decay is fitted from three of these on: by then the lag does not change
  /// its slope.
  public var responseSeconds = 60.0
  /// A decay is fitted down to so much above outdoors, ppm: below, noise and the outdoor value decide.
  public var fittedDownToPpm = 100.0

  public init() {}
}

/// A time in which a room was ventilated.
public struct Ventilation: Sendable, Equatable {
  public enum Method: Sendable { case contact, co2 }

  /// Whether it changed the air, or was only done.
  public enum Effect: Sendable, Equatable {
    /// So many air changes an hour, the lower end of the interval of 95 %.
    case airChanges(atLeast: Double)
    /// CO2 came near outdoors from far above, or was there with people in.
    case nearOutdoors
    /// CO2 shows that it did not do enough.
    case tooLittle
    /// CO2 does not tell.
    case notVerified
  }

  /// Hours.
  public var start: Double
  public var end: Double
  public var method: Method
  /// NaN: not measured.
  public var startPpm: Double
  public var endPpm: Double
  public var decay: Decay?
  public var effect: Effect

  public var minutes: Double { (end - start) * 60 }
  /// CO2 alone proves a ventilation only by its effect.
  public var counts: Bool { method == .contact || isEffective }
  public var isEffective: Bool {
    switch effect {
    case .airChanges, .nearOutdoors: true
    case .tooLittle, .notVerified: false
    }
  }
}

/// What was seen of a time in which a room had to be ventilated, hours.
public struct SlotTimes: Sendable, Equatable {
  /// The longest ventilation in it, interruptions bridged; what nobody saw between two pieces of it belongs to it.
  public var longest = 0.0
  /// How much of that nobody saw.
  public var unseenInIt = 0.0
  /// How much of the slot nobody saw.
  public var unseen = 0.0

  /// - Parameters:
  ///   - slot: from when to when it counts, hours.
  ///   - ventilated, unknown: hours, each in order.
  ///   - beginsBy: the latest beginning, hours; `nil`: any within the slot.
  public init(
    slot: ClosedRange<Double>, ventilated: [ClosedRange<Double>], unknown: [ClosedRange<Double>], beginsBy: Double? = nil,
    policy: VentilationPolicy = VentilationPolicy()
  ) {
    // What is beyond its ends counts for another slot.
    func within(_ spans: [ClosedRange<Double>]) -> [ClosedRange<Double>] {
      spans.filter { $0.overlaps(slot) }.map { $0.clamped(to: slot) }.filter { $0.upperBound > $0.lowerBound }
    }
    func hours(_ span: ClosedRange<Double>) -> Double { span.upperBound - span.lowerBound }
    let dark = within(unknown)
    func unseen(in span: ClosedRange<Double>) -> Double { dark.filter { $0.overlaps(span) }.reduce(0) { $0 + hours($1.clamped(to: span)) } }
    let bridge = Double(policy.bridgedMinutes) / 60 + 1e-9
    let pieces = within(ventilated).sorted { $0.lowerBound < $1.lowerBound }
    let runs = pieces.reduce(into: [ClosedRange<Double>]()) { all, span in
      if let last = all.last, span.lowerBound - last.upperBound - unseen(in: last.upperBound...max(last.upperBound, span.lowerBound)) <= bridge {
        all[all.count - 1] = last.lowerBound...max(last.upperBound, span.upperBound)
      } else {
        all.append(span)
      }
    }
    for run in runs where (beginsBy.map { run.lowerBound <= $0 + 1e-9 } ?? true) && hours(run) > longest {
      longest = hours(run)
      unseenInIt = unseen(in: run)
    }
    self.unseen = unseen(in: slot)
  }
}

/// The ventilations of a trace, in order, and when nothing could be told. A room's own rules (Rules, Rooms+Ventilation) say the same
/// of the same readings, and a test holds them together.
func ventilations(
  _ trace: RoomTrace, outdoorPpm: Double, policy: VentilationPolicy
) -> (list: [Ventilation], unknown: [ClosedRange<Double>]) {
  let minutes = RoomMinutes(trace)
  var walk = VentilationWalk(minutes, outdoorPpm, policy)
  for index in minutes.ppm.indices { walk.step(index) }
  walk.close()
  var isOn = [Bool](repeating: false, count: minutes.ppm.count)
  for run in walk.runs { for index in run.minutes { isOn[index] = true } }
  let isUnknown = minutes.ppm.indices.map { index in
    !isOn[index] && minutes.isOpen[index] == nil && !(minutes.ppm[index] - outdoorPpm >= policy.visiblePpm)
  }
  let list = walk.runs.map { ventilation($0.minutes, $0.isCO2 ? .co2 : .contact, trace, minutes, outdoorPpm, policy) }
  return (list, stretches(isUnknown).map { minutes.hours($0.lowerBound)...minutes.hours($0.upperBound) })
}

/// A room's minutes, one after the other.
private struct VentilationWalk {
  private(set) var runs: [(minutes: Range<Int>, isCO2: Bool)] = []
  private let minutes: RoomMinutes
  private let outdoorPpm: Double
  private let policy: VentilationPolicy
  /// CO2 fell from this minute on, and has not stopped.
  private var fallsSince: Int?
  private var start: Int?
  /// Behind the last minute in which it was seen to go on.
  private var end = 0
  private var isCO2 = false

  init(_ minutes: RoomMinutes, _ outdoorPpm: Double, _ policy: VentilationPolicy) {
    self.minutes = minutes
    self.outdoorPpm = outdoorPpm
    self.policy = policy
  }

  mutating func step(_ index: Int) {
    let excess = minutes.mean(of: 5, through: index) - outdoorPpm
    watchFall(index, excess)
    let isOpen = minutes.isOpen[index] == true
    if isOpen || fallsSince != nil {
      if start == nil {
        start = isOpen ? index : max(fallsSince ?? index, end)
        isCO2 = !isOpen
      }
      if isOpen { isCO2 = false }
      // A window that shut while CO2 still fell is shut; and CO2 that does not fall tells of nothing.
      if isOpen || (isCO2 && (excess <= policy.visiblePpm || minutes.slope(of: 5, through: index) < -0.5)) { end = index + 1 }
    }
    if start != nil, index + 1 - end > policy.bridgedMinutes { close() }
  }

  mutating func close() {
    if let start, end > start { runs.append((start..<end, isCO2)) }
    start = nil
  }

  /// CO2 that falls tells of a ventilation from five minutes before on, until it falls no more while it is high, or for the required
  /// time when the room is empty and as outdoors: then it can tell nothing.
  private mutating func watchFall(_ index: Int, _ excess: Double) {
    if let since = fallsSince {
      let trend = minutes.slope(of: 10, through: index)
      let isOver = trend.isNaN || (trend > -0.5 && excess > policy.visiblePpm)
      let isSpent = excess <= policy.visiblePpm && !(minutes.people[index] > 0) && index + 1 - since > policy.requiredMinutes
      if isOver || isSpent { fallsSince = nil }
    } else if minutes.slope(of: 5, through: index) <= -policy.fallPerMinute, excess >= policy.visiblePpm {
      fallsSince = max(0, index - 4)
    }
  }
}

/// From the first minute of each to the one behind its last.
private func stretches(_ isOn: [Bool]) -> [Range<Int>] {
  var all: [Range<Int>] = []
  for index in isOn.indices where isOn[index] {
    if let last = all.last, last.upperBound == index { all[all.count - 1] = last.lowerBound..<index + 1 } else { all.append(index..<index + 1) }
  }
  return all
}

private func ventilation(
  _ run: Range<Int>, _ method: Ventilation.Method, _ trace: RoomTrace, _ minutes: RoomMinutes, _ outdoorPpm: Double,
  _ policy: VentilationPolicy
) -> Ventilation {
  let (start, end) = (minutes.hours(run.lowerBound), minutes.hours(run.upperBound))
  let levels = run.map { minutes.ppm[$0] }.filter(\.isFinite)
  let decay = decay(in: trace, from: start, to: end, outdoorPpm: outdoorPpm, policy: policy)
  let (before, after) = ((levels.first ?? .nan) - outdoorPpm, (levels.last ?? .nan) - outdoorPpm)
  let isOccupied = minutes.people[run.upperBound - 1] > 0
  let effect: Ventilation.Effect
  if let decay, decay.isAccepted, decay.airChanges - decay.halfWidth >= policy.effectiveAirChanges {
    effect = .airChanges(atLeast: decay.airChanges - decay.halfWidth)
  } else if after <= policy.visiblePpm, before >= policy.provenFromPpm || isOccupied {
    effect = .nearOutdoors
  } else if let decay, decay.isAccepted, decay.airChanges + decay.halfWidth < policy.effectiveAirChanges {
    effect = .tooLittle
  } else if before > policy.visiblePpm, after > policy.visiblePpm, !isOccupied, run.count >= 20 {
    effect = .tooLittle
  } else {
    effect = .notVerified
  }
  return Ventilation(
    start: start, end: end, method: method, startPpm: levels.first ?? .nan, endPpm: levels.last ?? .nan, decay: decay, effect: effect)
}

/// Fits what falls in a part of a trace, from its highest value on; `nil`: too little falls.
func decay(in trace: RoomTrace, from start: Double, to end: Double, outdoorPpm: Double, policy: VentilationPolicy) -> Decay? {
  let places = trace.places(from: start - 1e-9, to: end + 1e-9).filter { trace.ppm[$0].isFinite }
  guard let top = places.max(by: { trace.ppm[$0] < trace.ppm[$1] }) else { return nil }
  let from = trace.hours[top] + 3 * policy.responseSeconds / 3600 - 1e-9
  let samples = places.filter { trace.hours[$0] >= from }.map { Sample(hours: trace.hours[$0], ppm: trace.ppm[$0]) }
    .prefix { $0.ppm - outdoorPpm >= policy.fittedDownToPpm }
  guard var decay = Decay(Array(samples), outdoorPpm: outdoorPpm) else { return nil }
  if let people = trace.people, places.contains(where: { trace.hours[$0] >= from && people[$0] > 0 }) { decay.objections.append(.occupied) }
  return decay
}
