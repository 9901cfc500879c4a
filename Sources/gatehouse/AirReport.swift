// What an analysis of a room's air says, for programs and for people.

import Analysis
import Foundation

/// The answer of `gatehouse analyse air`.
struct AirReport: Encodable {
  struct Rows: Encodable {
    var count: Int
    var outOfOrder: Int
    var repeated: Int
    /// Between others, by the usual step.
    var missing: Int
    var stepS: Double?
    var start: FileMoment?
    var end: FileMoment?
  }
  struct Quality: Encodable {
    var good: Int
    var suspect: Int
    var fail: Int
    var missing: Int
    var notEvaluated: Int
    /// Single values that stood out and were replaced.
    var replaced: Int
  }
  struct Decay: Encodable {
    var start: FileMoment
    var end: FileMoment
    var startPpm: Double
    var points: Int
    var airChangesPerH: Double
    var standardErrorPerH: Double
    var low95PerH: Double
    var high95PerH: Double
    var r2: Double
    var accepted: Bool
    var objections: [String]
  }
  struct FreshAir: Encodable {
    var method: String
    var start: FileMoment
    var end: FileMoment
    var people: Double?
    /// Of the peak: no more than this.
    var lpsPerPerson: Double
    var m3hPerPerson: Double
    /// Half of the interval of 95 %.
    var halfWidthLps: Double?
    var airChangesPerH: Double?
    var accepted: Bool
    var errorPercent: Double?
  }
  struct Ventilation: Encodable {
    var start: FileMoment
    var end: FileMoment
    var minutes: Double
    var method: String
    var startPpm: Double?
    var endPpm: Double?
    var effect: String
    var effective: Bool
    var airChangesPerH: Double?
  }
  struct Slot: Encodable {
    var day: String
    var slot: String
    var start: FileMoment
    var end: FileMoment
    var verdict: String
    var shortMinutes: Double?
  }

  var file: String
  var rows: Rows
  var quality: Quality
  var unusedColumns: [String]
  var outdoorPpm: Double
  var meanPpm: Double?
  var highestHourPpm: Double?
  /// Of the air, as people breathed it.
  var rebreathedFraction: Double?
  var ventilationChanges: [FileMoment]
  var decays: [Decay]
  var freshAir: [FreshAir]
  var ventilations: [Ventilation]
  var slots: [Slot]

  init(path: String, _ file: AirFile, _ survey: AirSurvey, facts: RoomFacts, policy: VentilationPolicy, work: WorkHours) {
    let (trace, clock) = (file.trace, file.clock)
    let moment = clock.moment
    func known(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? rounded($0) : nil } }
    self.file = path
    rows = Rows(
      count: file.count, outOfOrder: file.unsorted, repeated: file.repeated, missing: trace.missing,
      stepS: trace.spacing > 0 ? rounded(trace.spacing * 3600) : nil, start: trace.hours.first.map(moment), end: trace.hours.last.map(moment))
    func count(_ flag: QualityFlag) -> Int { survey.flags.count { $0 == flag } }
    quality = Quality(
      good: count(.good), suspect: count(.suspect), fail: count(.fail), missing: count(.missing), notEvaluated: count(.notEvaluated),
      replaced: survey.replaced)
    unusedColumns = file.unused
    outdoorPpm = facts.outdoorPpm
    meanPpm = known(survey.mean)
    highestHourPpm = known(survey.highestHour)
    rebreathedFraction = known(survey.rebreathed)
    ventilationChanges = survey.changes.map(moment)
    decays = survey.decays.map { decay in
      Decay(
        start: moment(decay.start), end: moment(decay.start + decay.hours), startPpm: rounded(decay.startPpm), points: decay.count,
        airChangesPerH: rounded(decay.airChanges), standardErrorPerH: rounded(decay.standardError),
        low95PerH: rounded(decay.airChanges - decay.halfWidth), high95PerH: rounded(decay.airChanges + decay.halfWidth),
        r2: rounded(decay.determination), accepted: decay.isAccepted, objections: decay.objections.map(\.name))
    }
    freshAir = survey.freshAir.map { air in
      FreshAir(
        method: air.method.name, start: moment(air.start), end: moment(air.end), people: known(air.people), lpsPerPerson: rounded(air.lps),
        m3hPerPerson: rounded(air.lps * 3.6), halfWidthLps: known(air.halfWidth), airChangesPerH: known(air.airChanges), accepted: air.isAccepted,
        errorPercent: known(air.errorPercent))
    }
    ventilations = survey.ventilations.map { one in
      Ventilation(
        start: moment(one.start), end: moment(one.end), minutes: rounded(one.minutes), method: one.method.name, startPpm: known(one.startPpm),
        endPpm: known(one.endPpm), effect: one.effect.name, effective: one.isEffective,
        airChangesPerH: one.decay.flatMap { $0.isAccepted ? rounded($0.airChanges) : nil })
    }
    slots = work.slots(of: file, survey, policy).map { slot in
      Slot(
        day: clock.dayText(slot.day), slot: slot.name, start: moment(slot.hours.lowerBound), end: moment(slot.hours.upperBound),
        verdict: slot.verdict, shortMinutes: slot.shortMinutes.map(rounded))
    }
  }
}

/// Six digits are more than any of it is known by.
private func rounded(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }

// MARK: For people

extension AirReport {
  /// Everything in words and tables of at most 100 columns.
  func lines(_ file: AirFile, _ survey: AirSurvey) -> [String] {
    let clock = file.clock
    var lines = fold("\(printable(URL(filePath: self.file).lastPathComponent)): " + rowsText(file), width: 100)
    lines.append("quality: " + qualityText)
    if !unusedColumns.isEmpty { lines += fold("not used: " + printable(unusedColumns.joined(separator: ", ")), width: 100) }
    if let meanPpm {
      let hour = highestHourPpm.map { ", highest hour \(decimal($0, digits: 0)) ppm" } ?? ""
      lines.append("CO2: mean \(decimal(meanPpm, digits: 0)) ppm\(hour), outdoors \(decimal(outdoorPpm)) ppm")
    }
    if let rebreathedFraction {
      lines.append("rebreathed: \(decimal(rebreathedFraction * 100)) % of the air was breathed by somebody before (for information)")
    }
    let changes = survey.changes.map { clock.text($0) }.joined(separator: ", ")
    lines += fold("ventilation changed: " + (changes.isEmpty ? "not seen" : changes), width: 100)
    lines += section("Decays", decayTable(survey, clock), none: "none: CO2 did not fall for long enough between two changes")
    lines += section("Fresh air", freshAirTable(survey, clock), none: "not known: it takes people (a column occupants, or --occupants) and CO2 above outdoors")
    lines += section("Ventilations", ventilationTable(survey, clock), none: "none seen")
    lines += section("An hour each morning, each afternoon and after each session", slotTable, none: "no slot in this time")
    return lines
  }

  private func section(_ title: String, _ table: Columns, none: String) -> [String] {
    ["", title] + (table.isEmpty ? ["  " + none] : table.lines(width: 98).map { "  " + $0 })
  }

  private func rowsText(_ file: AirFile) -> String {
    var words = ["\(rows.count) rows"]
    if let first = file.trace.hours.first, let last = file.trace.hours.last { words.append("\(file.clock.text(first)) to \(file.clock.text(last))") }
    if let step = rows.stepS { words.append("one each \(decimal(step)) s") }
    for (count, what) in [(rows.outOfOrder, "out of order"), (rows.repeated, "with a time twice"), (rows.missing, "missing between others")] where count > 0 {
      words.append("\(count) \(what)")
    }
    return words.joined(separator: ", ")
  }

  private var qualityText: String {
    var words = ["\(quality.good) good"]
    for (count, what) in [
      (quality.suspect, "suspect"), (quality.fail, "failed and left out"), (quality.missing, "without a value"),
      (quality.notEvaluated, "not evaluated"), (quality.replaced, "single values replaced"),
    ] where count > 0 { words.append("\(count) \(what)") }
    return words.joined(separator: ", ")
  }

  private func decayTable(_ survey: AirSurvey, _ clock: FileClock) -> Columns {
    var table = Columns([("FROM", .left), ("MIN", .right), ("PPM", .right), ("1/H", .right), ("±", .right), ("95 %", .left), ("R2", .right), ("", .left)])
    for decay in survey.decays {
      let ends = [decay.airChanges - decay.halfWidth, decay.airChanges + decay.halfWidth].map { decimal($0) }
      table.add([
        clock.text(decay.start), decimal(decay.hours * 60, digits: 0), decimal(decay.startPpm, digits: 0), decimal(decay.airChanges),
        decimal(decay.standardError), "\(ends[0]) to \(ends[1])", decimal(decay.determination, digits: 3),
        decay.isAccepted ? "accepted" : "not accepted: " + decay.objections.map(\.words).joined(separator: ", "),
      ])
    }
    return table
  }

  private func freshAirTable(_ survey: AirSurvey, _ clock: FileClock) -> Columns {
    var table = Columns([
      ("FROM", .left), ("TO", .left), ("PEOPLE", .right), ("L/S EACH", .right), ("±", .right), ("M3/H EACH", .right), ("1/H", .right), ("", .left),
    ])
    for air in survey.freshAir {
      table.add([
        clock.text(air.start), clock.text(air.end), air.people.isFinite ? decimal(air.people, digits: 1) : "?", decimal(air.lps, digits: 1),
        air.halfWidth.isFinite ? decimal(air.halfWidth, digits: 1) : "?", decimal(air.lps * 3.6, digits: 0),
        air.airChanges.map { decimal($0) } ?? "", air.words,
      ])
    }
    return table
  }

  private func ventilationTable(_ survey: AirSurvey, _ clock: FileClock) -> Columns {
    var table = Columns([("FROM", .left), ("TO", .left), ("MIN", .right), ("BY", .left), ("PPM", .left), ("", .left)])
    for one in survey.ventilations {
      let ppm = [one.startPpm, one.endPpm].map { $0.isFinite ? decimal($0, digits: 0) : "?" }.joined(separator: " to ")
      table.add([clock.text(one.start), clock.text(one.end), decimal(one.minutes, digits: 0), one.method.name, ppm, one.effect.words])
    }
    return table
  }

  private var slotTable: Columns {
    var table = Columns([("DAY", .left), ("SLOT", .left), ("VERDICT", .left)])
    for slot in slots {
      table.add([slot.day, slot.slot, slot.shortMinutes.map { "short by \(decimal($0.rounded(.up), digits: 0)) min" } ?? slot.verdict])
    }
    return table
  }
}

extension Decay.Objection {
  var name: String {
    switch self {
    case .tooShort: "too_short"
    case .tooLittle: "too_little"
    case .notExponential: "not_exponential"
    case .notFalling: "not_falling"
    case .occupied: "occupied"
    }
  }
  var words: String {
    switch self {
    case .tooShort: "less than 20 min and 10 points"
    case .tooLittle: "began less than 300 ppm above outdoors"
    case .notExponential: "no exponential (R2 below 0.95)"
    case .notFalling: "it does not fall"
    case .occupied: "people were there"
    }
  }
}

extension FreshAir {
  fileprivate var words: String {
    switch method {
    case .transient: "fit, \(decimal(errorPercent ?? .nan, digits: 1)) % left" + (isAccepted ? "" : ": not accepted (more than 10 %)")
    case .peak: "at most: from the highest hour, as if it had come to rest"
    }
  }
}

extension FreshAir.Method {
  var name: String {
    switch self {
    case .transient: "transient"
    case .peak: "peak"
    }
  }
}

extension Ventilation.Method {
  var name: String {
    switch self {
    case .contact: "contact"
    case .co2: "co2"
    }
  }
}

extension Ventilation.Effect {
  var name: String {
    switch self {
    case .airChanges: "air_changes"
    case .nearOutdoors: "near_outdoors"
    case .tooLittle: "too_little"
    case .notVerified: "not_verified"
    }
  }
  var words: String {
    switch self {
    case .airChanges(let least): "effective: at least \(decimal(least, digits: 1)) air changes an hour"
    case .nearOutdoors: "effective: CO2 came near outdoors"
    case .tooLittle: "done; CO2 does not show that it was enough"
    case .notVerified: "done; CO2 does not tell"
    }
  }
}
