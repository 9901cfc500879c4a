// What a room's measurements say of its air, all of it: how far they can be believed, when its ventilation changed, how fast it
// was cleared, what each person had of fresh air, and when it was ventilated.

import RealModule

/// What is known of a room besides its measurements.
public struct RoomFacts: Sendable, Equatable {
  public var volumeM3: Double?
  /// Of CO2, ppm. Half-way between what tools assume: NIST 400, CERN 440.
  public var outdoorPpm = 420.0
  /// Of outdoors, ppm: as far as those tools are apart.
  public var outdoorError = 20.0
  /// People in it all the time, where nobody counted them.
  public var people: Double?
  /// CO2 of a person, L/s; `nil`: what the fit says, or `Person.usualLps`.
  public var generationLps: Double?
  /// Of a CO2 value, as the maker of a common sensor states it: so many ppm and such a part of it.
  public var sensorError = 30.0
  public var sensorErrorShare = 0.03

  public init() {}
}

extension Person {
  /// Sitting and writing (1.3 met), mean of both sexes of 21 to 30 years, at 23 °C, L/s (Persily and de Jonge 2017).
  public static let usualLps = 0.0050
  /// From 1.2 to 1.4 met, as part of it: how far people who sit differ.
  public static let usualError = 0.08
}

/// Fresh air of each person in a time of one ventilation.
public struct FreshAir: Sendable, Equatable {
  public enum Method: Sendable {
    /// The rise and fall of a known number of people's CO2, fitted whole.
    case transient
    /// From the highest hour, as if it had come to rest: no more than this.
    case peak
  }

  public var method: Method
  public var start: Double
  public var end: Double
  /// Mean of the time.
  public var people: Double
  /// L/s for each; of `peak` an upper bound.
  public var lps: Double
  /// Half of the interval of 95 %, L/s.
  public var halfWidth: Double
  /// 1/h; `nil`: not known without the volume.
  public var airChanges: Double?
  public var isAccepted: Bool
  /// Of a fit: the root of the mean square of what is left, in percent of the mean concentration.
  public var errorPercent: Double?
}

/// A room's air, from its measurements.
public struct AirSurvey: Sendable {
  /// Of each row.
  public var flags: [QualityFlag]
  /// Single values that stood out and were replaced by the middle of their neighbours.
  public var replaced: Int
  /// Hours.
  public var changes: [Double]
  /// Each fall of CO2 between two changes that could be fitted.
  public var decays: [Decay]
  public var freshAir: [FreshAir]
  public var ventilations: [Ventilation]
  /// Hours of which nothing can be told.
  public var unknown: [ClosedRange<Double>]
  /// When the last person of a session left, hours; empty without a count of people.
  public var sessionEnds: [Double]
  /// Mean of all good values, and the highest mean of an hour, ppm; `nil`: too little.
  public var mean: Double?
  public var highestHour: Double?
  /// Of the breathed air, while people were there if that is known, else all the time: what somebody breathed before.
  public var rebreathed: Double?

  public init(_ raw: RoomTrace, facts: RoomFacts, policy: VentilationPolicy = VentilationPolicy(), quality: CO2Quality = CO2Quality()) {
    flags = raw.flags(quality)
    var (trace, replaced) = raw.cleaned(flags, quality)
    if trace.people == nil, let people = facts.people { trace.people = trace.hours.map { _ in people } }
    self.replaced = replaced
    let stretches = trace.stretches(gap: trace.gap)
    let changes = stretches.flatMap { ventilationChanges(evened($0)) }
    self.changes = changes
    decays = stretches.flatMap { stretch in
      spans(stretch, changes).compactMap { span in
        decay(in: trace, from: span.lowerBound, to: span.upperBound, outdoorPpm: facts.outdoorPpm, policy: policy)
          .flatMap { $0.airChanges > 0 ? $0 : nil }
      }
    }
    (ventilations, unknown) = Analysis.ventilations(trace, outdoorPpm: facts.outdoorPpm, policy: policy)
    let minutes = RoomMinutes(trace)
    sessionEnds = Analysis.sessionEnds(minutes)
    let good = trace.ppm.filter(\.isFinite)
    mean = Analysis.mean(good)
    let hour = highestHourMean(minutes) { _ in true }
    highestHour = hour?.mean
    freshAir = transientAir(trace, minutes, stretches, changes, facts)
    if freshAir.isEmpty { freshAir = peakAir(minutes, facts).map { [$0] } ?? [] }
    let breathed = minutes.ppm.indices.filter { minutes.ppm[$0].isFinite && (trace.people == nil || minutes.people[$0] > 0) }
    rebreathed = Analysis.mean(breathed.map { rebreathedFraction(ppm: minutes.ppm[$0], outdoorPpm: facts.outdoorPpm) })
  }
}

/// The pieces between the changes in a stretch, hours.
private func spans(_ stretch: [Sample], _ changes: [Double]) -> [ClosedRange<Double>] {
  guard let first = stretch.first?.hours, let last = stretch.last?.hours else { return [] }
  let edges = [first] + changes.filter { $0 > first && $0 < last } + [last]
  return zip(edges, edges.dropFirst()).map { $0...$1 }
}

/// The same curve with equal steps, as long as the usual one of it.
func evened(_ samples: [Sample]) -> [Sample] {
  let steps = zip(samples, samples.dropFirst()).map { $1.hours - $0.hours }.sorted()
  guard let first = samples.first, let last = samples.last, let shortest = steps.first, let longest = steps.last, shortest > 0 else { return samples }
  let step = steps[steps.count / 2]
  // Times are rounded to what the logger writes.
  if longest - shortest <= step / 2 { return samples }
  var place = 0
  let count = min(Int((last.hours - first.hours) / step) + 1, 4 * samples.count)
  return (0..<count).map { index in
    let hours = first.hours + Double(index) * step
    while place + 2 < samples.count, samples[place + 1].hours <= hours { place += 1 }
    let (a, b) = (samples[place], samples[place + 1])
    return Sample(hours: hours, ppm: a.ppm + (b.ppm - a.ppm) * (hours - a.hours) / (b.hours - a.hours))
  }
}

/// When nobody was left after people had been there for a quarter of an hour at least, for as long.
private func sessionEnds(_ minutes: RoomMinutes) -> [Double] {
  var ends: [Double] = []
  var there = 0
  var gone = 0
  for index in minutes.people.indices {
    if minutes.people[index] > 0 {
      there = gone >= 15 ? 1 : there + gone + 1
      gone = 0
    } else if minutes.people[index] == 0 {
      gone += 1
      if gone == 15, there >= 15 { ends.append(minutes.hours(index - 14)) }
      if gone == 15 { there = 0 }
    }
  }
  return ends
}

/// The highest mean of an hour of which at least half is known.
private func highestHourMean(_ minutes: RoomMinutes, where counts: (Int) -> Bool) -> (mean: Double, end: Int)? {
  var sum = 0.0
  var known = 0
  var best: (mean: Double, end: Int)?
  func value(_ index: Int) -> Double? { minutes.ppm[index].isFinite && counts(index) ? minutes.ppm[index] : nil }
  for index in minutes.ppm.indices {
    if let entering = value(index) { (sum, known) = (sum + entering, known + 1) }
    if index >= 60, let leaving = value(index - 60) { (sum, known) = (sum - leaving, known - 1) }
    if index >= 59, known >= 30, sum / Double(known) > best?.mean ?? 0 { best = (sum / Double(known), index + 1) }
  }
  return best
}

/// By fits of days in which the number of people is known.
private func transientAir(
  _ trace: RoomTrace, _ minutes: RoomMinutes, _ stretches: [[Sample]], _ changes: [Double], _ facts: RoomFacts
) -> [FreshAir] {
  guard let volume = facts.volumeM3, volume > 0 else { return [] }
  let occupancy = occupancy(trace)
  guard occupancy.contains(where: { $0.people > 0 }) else { return [] }
  return stretches.flatMap { stretch -> [FreshAir] in
    days(stretch).flatMap { day -> [FreshAir] in
      guard let first = day.first?.hours, let last = day.last?.hours else { return [] }
      // Who was there when it began, and what changed since.
      let before = occupancy.last { $0.from <= first }.map { [Occupancy(from: first, people: $0.people)] } ?? []
      let people = before + occupancy.filter { $0.from > first && $0.from < last }
      guard people.contains(where: { $0.people > 0 }), people.count <= 200 else { return [] }
      let own = changes.filter { $0 > first && $0 < last }
      let fit = TransientFit(
        day, changes: own, occupancy: people, volumeM3: volume, outdoorPpm: facts.outdoorPpm, generationLps: facts.generationLps)
      guard let fit else { return [] }
      return zip(spans(day, own), fit.airChanges.indices).compactMap { span, index in
        let mean = meanPeople(people, span)
        guard mean > 0 else { return nil }
        let each = volume / 3.6 / mean
        return FreshAir(
          method: .transient, start: span.lowerBound, end: span.upperBound, people: mean, lps: fit.airChanges[index] * each,
          halfWidth: 1.96 * fit.airChangeErrors[index] * each, airChanges: fit.airChanges[index], isAccepted: fit.isAccepted,
          errorPercent: fit.errorPercent)
      }
    }
  }
}

/// In pieces of a day at most, of so many samples at most that a fit takes no minutes.
private func days(_ stretch: [Sample]) -> [[Sample]] {
  var pieces: [[Sample]] = []
  for sample in stretch {
    if let first = pieces.last?.first, sample.hours - first.hours < 24 {
      pieces[pieces.count - 1].append(sample)
    } else {
      pieces.append([sample])
    }
  }
  return pieces.map { piece in
    let each = (piece.count + 1999) / 2000
    guard each > 1 else { return piece }
    return stride(from: 0, to: piece.count, by: each).map { start in
      let part = piece[start..<min(start + each, piece.count)]
      return Sample(hours: mean(part.map(\.hours)) ?? 0, ppm: mean(part.map(\.ppm)) ?? 0)
    }
  }
}

private func occupancy(_ trace: RoomTrace) -> [Occupancy] {
  var steps: [Occupancy] = []
  for (hours, people) in zip(trace.hours, trace.people ?? []) where people.isFinite && people != steps.last?.people {
    steps.append(Occupancy(from: hours, people: max(0, people)))
  }
  return steps
}

private func meanPeople(_ steps: [Occupancy], _ span: ClosedRange<Double>) -> Double {
  var sum = 0.0
  for (index, step) in steps.enumerated() {
    let end = index + 1 < steps.count ? steps[index + 1].from : .infinity
    sum += step.people * max(0, min(end, span.upperBound) - max(step.from, span.lowerBound))
  }
  return span.upperBound > span.lowerBound ? sum / (span.upperBound - span.lowerBound) : 0
}

/// Without a fit: from the highest hour with people in it, as if it had come to rest.
private func peakAir(_ minutes: RoomMinutes, _ facts: RoomFacts) -> FreshAir? {
  let isCounted = minutes.people.contains { $0.isFinite }
  guard let hour = highestHourMean(minutes, where: { !isCounted || minutes.people[$0] > 0 }) else { return nil }
  let generation = facts.generationLps ?? Person.usualLps
  guard let lps = MassBalance.flowPerPerson(generationLps: generation, steadyPpm: hour.mean, outdoorPpm: facts.outdoorPpm) else { return nil }
  let excess = hour.mean - facts.outdoorPpm
  let sensor = (facts.sensorError + facts.sensorErrorShare * hour.mean) / excess
  let outdoor = facts.outdoorError / excess
  // A maker's limits and a range of people are read as intervals of 95 %.
  let share = (sensor * sensor + outdoor * outdoor + Person.usualError * Person.usualError).squareRoot()
  let there = max(0, hour.end - 60)..<hour.end
  let people = mean(there.map { minutes.people[$0] }.filter(\.isFinite))
  return FreshAir(
    method: .peak, start: minutes.hours(there.lowerBound), end: minutes.hours(there.upperBound), people: people ?? .nan, lps: lps,
    halfWidth: lps * share, airChanges: facts.volumeM3.flatMap { volume in people.map { 3.6 * lps * $0 / volume } }, isAccepted: true, errorPercent: nil)
}
