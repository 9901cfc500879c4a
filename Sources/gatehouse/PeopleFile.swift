// People screened, out of somebody's file, and what the rules say of each.

import Analysis
import Domain
import Foundation
import Rules

/// Rows in the order of the file: people are judged against those before them.
struct PeopleFile {
  var surface: [Double]
  /// NaN: not measured.
  var ambient: [Double]
  var humidity: [Double]
  var reference: [Double]?
  /// Where each was measured: forehead, canthus … Empty: the file does not say.
  var sites: [String]
  /// On any clock, for the rule that forgets people after hours.
  var moments: [Instant]
  var times: [MeasuredTime]
  /// Rows that came behind a later one.
  var unsorted: Int
  var unused: [String]

  var count: Int { surface.count }

  static let columns = [
    MeasuredColumn(
      name: "surface_c", names: ["surface", "surface_temperature", "skin", "skin_temperature", "forehead", "object", "体表温度", "额温"],
      units: MeasuredColumn.celsius, isRequired: true),
    MeasuredColumn(
      name: "ambient_c", names: ["ambient", "ambient_temperature", "room_temperature", "环境温度", "室温"], units: MeasuredColumn.celsius),
    MeasuredColumn(name: "humidity_percent", names: ["humidity", "relative_humidity", "rh", "湿度", "相对湿度"], units: MeasuredColumn.percent),
    MeasuredColumn(
      name: "reference_c", names: ["reference", "reference_temperature", "contact", "axilla", "oral", "腋温", "参考温度"],
      units: MeasuredColumn.celsius),
  ]

  init(path: String) throws {
    let file = try MeasuredFile(path: path, columns: Self.columns, needsTime: false, text: ["site", "place", "部位"])
    surface = file.columns["surface_c"] ?? []
    ambient = file.columns["ambient_c"] ?? surface.map { _ in .nan }
    humidity = file.columns["humidity_percent"] ?? surface.map { _ in .nan }
    reference = file.columns["reference_c"]
    sites = file.texts
    times = file.times
    unsorted = zip(times, times.dropFirst()).count { $1.seconds < $0.seconds }
    moments = file.times.isEmpty ? surface.map { _ in .past } : file.times.map { Instant(ns: Int64($0.seconds * 1e9)) }
    unused = file.unused
  }

  /// What a lane would have said of each at the first reading.
  func reasons(_ policy: FeverPolicy, offset: Double) -> [ScreeningReason] {
    var rule = FirstReadings(policy)
    return surface.indices.map { rule.judge(surface[$0] + offset, ambient: ambient[$0], humidity: humidity[$0], at: moments[$0]) }
  }
}

/// How well readings find those whom a reference calls febrile.
struct FeverComparison {
  /// People of whom both are known.
  var count: Int
  var febrile: Int
  /// Of those that got a verdict.
  var counts: ScreeningCounts
  /// Of the reading alone; `nil`: there were none, or nothing but febrile.
  var curve: ReceiverCurve?
  /// Reference less surface, degC.
  var difference: Double
  var differenceDeviation: Double

  /// - Parameter rows: of the file, by index.
  init?(_ people: PeopleFile, rows: [Int], reasons: [ScreeningReason], feverFrom: Double) {
    guard let reference = people.reference else { return nil }
    let known = rows.filter { reference[$0].isFinite && people.surface[$0].isFinite }
    guard let mean = mean(known.map { reference[$0] - people.surface[$0] }) else { return nil }
    count = known.count
    febrile = known.count { reference[$0] >= feverFrom }
    difference = mean
    let squares = known.reduce(0) { sum, row in
      let rest = reference[row] - people.surface[row] - mean
      return sum + rest * rest
    }
    differenceDeviation = count > 1 ? (squares / Double(count - 1)).squareRoot() : 0
    counts = ScreeningCounts()
    for row in known where reasons[row].isVerdict { counts.add(isFlagged: reasons[row].isFlagged, isFebrile: reference[row] >= feverFrom) }
    curve = ReceiverCurve(readings: known.map { people.surface[$0] }, isFebrile: known.map { reference[$0] >= feverFrom })
  }
}

extension ScreeningReason {
  /// Measured again at once, or sent to rest: suspected of fever.
  var isFlagged: Bool {
    switch self {
    case .elevated, .high, .relative: true
    default: false
    }
  }
  /// Neither cold skin nor a thermometer outside its range says anything.
  var isVerdict: Bool {
    switch self {
    case .normal, .borderline, .elevated, .high, .relative: true
    default: false
    }
  }
}
