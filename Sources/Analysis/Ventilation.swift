// When a room was ventilated, and whether that was enough: from contacts where there are some, else from CO2 that falls.

import RealModule

/// What counts as ventilation.
public struct VentilationPolicy: Sendable, Equatable {
  /// CO2 that falls so fast shows that air comes in, ppm a minute, by a line through five minutes …
  public var fallPerMinute = 5.0
  /// … while there is so much more than outdoors, ppm. Below, nothing can be seen; who got there stays ventilated.
  public var visiblePpm = 150.0
  /// It is over, to CO2, when that has shown nothing for so long.
  public var silentMinutes = 10
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
    /// CO2 came near outdoors within the required time, and stayed there.
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

/// The ventilations of a trace, in order, and when nothing could be told.
/// - Parameter changes: when the ventilation changed in between, as `ventilationChanges` finds them, hours.
func ventilations(
  _ trace: RoomTrace, outdoorPpm: Double, policy: VentilationPolicy
) -> (list: [Ventilation], unknown: [ClosedRange<Double>]) {
  let minutes = RoomMinutes(trace)
  let falling = fallingMinutes(minutes, outdoorPpm, policy)
  let isOn = minutes.ppm.indices.map { minutes.isOpen[$0] == true || falling[$0] }
  let isUnknown = minutes.ppm.indices.map { index in
    !isOn[index] && minutes.isOpen[index] == nil && !(minutes.ppm[index] - outdoorPpm >= policy.visiblePpm)
  }
  // A few minutes of falling CO2 are a gust, or noise; a contact means what it says.
  let list = runs(isOn, bridging: policy.bridgedMinutes).map { ventilation($0, trace, minutes, outdoorPpm, policy) }
    .filter { $0.method == .contact || $0.minutes > Double(policy.bridgedMinutes) }
  return (list, runs(isUnknown, bridging: 0).map { minutes.hours($0.lowerBound)...minutes.hours($0.upperBound) })
}

/// Minutes in which CO2 shows that air comes in.
private func fallingMinutes(_ minutes: RoomMinutes, _ outdoorPpm: Double, _ policy: VentilationPolicy) -> [Bool] {
  var isFalling = [Bool](repeating: false, count: minutes.ppm.count)
  var isOn = false
  var silent = 0
  for index in minutes.ppm.indices {
    let excess = minutes.ppm[index] - outdoorPpm
    let falls = minutes.slope(index) <= -policy.fallPerMinute && excess >= policy.visiblePpm
    if falls {
      isOn = true
      silent = 0
    } else if isOn {
      // Unknown shows as little as CO2 that stays where it is; and what is shut does not stay ventilated.
      silent = excess < policy.visiblePpm && minutes.isOpen[index] != false ? 0 : silent + 1
      if silent >= policy.silentMinutes {
        for back in 0..<silent - 1 { isFalling[index - 1 - back] = false }
        isOn = false
        silent = 0
      }
    }
    isFalling[index] = isOn
  }
  if isOn, silent > 0 { for back in 0..<silent { isFalling[minutes.ppm.count - 1 - back] = false } }
  return isFalling
}

/// From the first minute of each run to the one behind its last; runs that are near are one.
private func runs(_ isOn: [Bool], bridging: Int) -> [Range<Int>] {
  var all: [Range<Int>] = []
  var index = 0
  while index < isOn.count {
    guard isOn[index] else {
      index += 1
      continue
    }
    var end = index
    while end < isOn.count, isOn[end] { end += 1 }
    if let last = all.last, index - last.upperBound <= bridging {
      all[all.count - 1] = last.lowerBound..<end
    } else {
      all.append(index..<end)
    }
    index = end
  }
  return all
}

private func ventilation(
  _ run: Range<Int>, _ trace: RoomTrace, _ minutes: RoomMinutes, _ outdoorPpm: Double, _ policy: VentilationPolicy
) -> Ventilation {
  let (start, end) = (minutes.hours(run.lowerBound), minutes.hours(run.upperBound))
  let levels = run.map { minutes.ppm[$0] }
  let decay = decay(in: trace, from: start, to: end, outdoorPpm: outdoorPpm, policy: policy)
  let limit = outdoorPpm + policy.visiblePpm
  let effect: Ventilation.Effect
  // People only slow the fall: what it comes to with them is a lower bound.
  if let decay, decay.objections.allSatisfy({ $0 == .occupied }), decay.airChanges - decay.halfWidth >= policy.effectiveAirChanges {
    effect = .airChanges(atLeast: decay.airChanges - decay.halfWidth)
  } else if let above = levels.lastIndex(where: { !($0 <= limit) }) {
    // From the last minute above the limit on it stayed below.
    let isDown = above + 1 < levels.count && above + 1 <= policy.requiredMinutes
    effect = isDown ? .nearOutdoors : levels.contains { $0.isFinite } ? .tooLittle : .notVerified
  } else {
    // It was never above: with nobody there, nothing was there to carry away.
    effect = run.contains { minutes.people[$0] > 0 } ? .nearOutdoors : .notVerified
  }
  return Ventilation(
    start: start, end: end, method: run.contains { minutes.isOpen[$0] == true } ? .contact : .co2, startPpm: levels.first { $0.isFinite } ?? .nan,
    endPpm: levels.last { $0.isFinite } ?? .nan, decay: decay, effect: effect)
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
