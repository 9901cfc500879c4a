// Somebody's file of measurements: a table whose first line names the columns. Names and their order are free within reason
// (`co2_ppm`, `CO2 (ppm)`, `Carbon dioxide(ppm)`, `二氧化碳`), units are in the names, and every mistake is told with its
// place, up to a few: a file with one wrong column has it in each row.

import Foundation

/// A column that a command can use.
struct MeasuredColumn {
  /// How it is written in help texts, with its unit: `co2_ppm`.
  var name: String
  /// What else it is called, in small letters and with `_` between words, without a unit.
  var names: [String]
  /// Factor and summand to the unit of `name`, by unit as it stands in names; "": none stands there.
  var units: [String: (factor: Double, summand: Double)] = ["": (1, 0)]
  var isRequired = false
  /// Words that stand for numbers, as open and closed do.
  var words: [String: Double] = [:]

  static let celsius: [String: (factor: Double, summand: Double)] = [
    "": (1, 0), "c": (1, 0), "degc": (1, 0), "f": (5 / 9.0, -160 / 9.0), "k": (1, -273.15),
  ]
  static let percent: [String: (factor: Double, summand: Double)] = ["": (1, 0), "percent": (1, 0), "rh": (1, 0), "percent_rh": (1, 0)]

  /// The unit of a heading that means this column; `nil`: it means something else.
  fileprivate func unit(in heading: String) -> String? {
    for name in names {
      if heading == name { return "" }
      if heading.hasPrefix(name + "_") { return String(heading.dropFirst(name.count + 1)) }
    }
    return nil
  }
}

/// Every mistake of a file that is told.
struct FileProblems: Error {
  static let toldMax = 10
  var list: [FileProblem] = []
  /// Of all, also of those that are not listed.
  var count = 0

  fileprivate mutating func add(_ problem: FileProblem) {
    count += 1
    if list.count < Self.toldMax { list.append(problem) }
  }
}

/// The columns, in the order of the file; what is missing is NaN.
struct MeasuredFile {
  /// More would not fit into an ordinary machine's memory.
  static let rowsMax = 20_000_000

  var file: String
  /// Rows with anything in them, but the first line.
  var count = 0
  var times: [MeasuredTime] = []
  /// By the column's name; only those that the file has.
  var columns: [String: [Double]] = [:]
  /// The text column's cells; empty when the file has none.
  var texts: [String] = []
  /// Cells that hold nothing, of all columns that are used.
  var empty = 0
  /// Columns that nobody asked for.
  var unused: [String] = []
  /// What numbers without a unit in the time's heading mean.
  var timeKind = MeasuredTime.Kind.label

  /// - Parameters:
  ///   - needsTime: whether a file without times is refused.
  ///   - text: headings of a column of text.
  init(path: String, columns wanted: [MeasuredColumn], needsTime: Bool, text textNames: [String] = []) throws {
    file = path
    var reader = try CSVReader(path: path)
    guard try reader.next() else { throw FileProblem(file: path, message: "found an empty file, expected a first line that names the columns") }
    var problems = FileProblems()
    let headings = (0..<reader.count).map { reader.text($0) }
    let plain = headings.map(plainHeading)
    var used = Set<Int>()

    func find(_ column: MeasuredColumn) -> (index: Int, factor: Double, summand: Double)? {
      var other: (index: Int, unit: String)?
      for index in plain.indices where !used.contains(index) {
        guard let unit = column.unit(in: plain[index]) else { continue }
        if let known = column.units[unit] {
          used.insert(index)
          return (index, known.factor, known.summand)
        }
        if other == nil { other = (index, unit) }
      }
      if column.isRequired {
        let units = column.units.keys.filter { !$0.isEmpty }.sorted().joined(separator: ", ")
        if let other {
          problems.add(reader.problem("found \"\(headings[other.index])\", expected \(column.name); units known: \(units)", cell: other.index))
        } else {
          let found = headings.prefix(12).map { "\"\($0)\"" }.joined(separator: ", ")
          problems.add(reader.problem("found the columns \(found), expected one named \(column.name): the first line names the columns"))
        }
      }
      return nil
    }

    var time: (index: Int, unit: MeasuredTime.Unit)?
    for (index, heading) in plain.enumerated() where time == nil {
      if let unit = MeasuredTime.unit(of: heading) { time = (index, unit) }
    }
    if let time { used.insert(time.index) }
    if time == nil, needsTime {
      problems.add(reader.problem("found no column named time: times are 2026-11-23T08:00:00+08:00, 2026-11-23 08:00, hours (time_h) or Unix seconds (time_s)"))
    }
    let found = wanted.map(find)
    let textIndex = plain.firstIndex { textNames.contains($0) }
    if let textIndex { used.insert(textIndex) }
    guard problems.count == 0 else { throw problems }
    unused = headings.indices.filter { !used.contains($0) && !headings[$0].isEmpty }.map { headings[$0] }

    var values = found.map { _ in [Double]() }
    let hasDecimalComma = reader.separator != UInt8(ascii: ",")
    var expected: MeasuredTime.Kind?
    while try reader.next() {
      guard count < Self.rowsMax else { throw reader.problem("found more than \(Self.rowsMax) rows: analyse a part of the file") }
      count += 1
      if reader.count > headings.count, (headings.count..<reader.count).contains(where: { !reader.trimmed($0).isEmpty }) {
        problems.add(
          reader.problem(
            "found \(reader.count) cells, expected \(headings.count) as in the first line; with decimal commas, cells are separated by semicolons",
            cell: headings.count))
        continue
      }
      if let time {
        let cell = reader.trimmed(time.index)
        guard let moment = MeasuredTime(cell, unit: time.unit, decimalComma: hasDecimalComma) else {
          problems.add(
            reader.problem(
              "found the time \"\(reader.text(time.index))\", expected 2026-11-23T08:00:00+08:00, 2026-11-23 08:00, hours or Unix seconds",
              cell: time.index))
          continue
        }
        if let expected, moment.kind != expected {
          problems.add(reader.problem("found a time \(moment.kind.words), expected one \(expected.words) as in the rows before", cell: time.index))
          continue
        }
        expected = moment.kind
        times.append(moment)
      }
      for (index, place) in found.enumerated() {
        guard let place else { continue }
        let cell = reader.trimmed(place.index)
        if let value = readNumber(cell, decimalComma: hasDecimalComma) ?? word(cell, wanted[index]) {
          values[index].append(value * place.factor + place.summand)
        } else if isNothing(cell) {
          empty += 1
          values[index].append(.nan)
        } else {
          values[index].append(.nan)
          problems.add(reader.problem(notANumber(reader.text(place.index), wanted[index], reader.separator), cell: place.index))
        }
      }
      if let textIndex { texts.append(reader.text(textIndex)) }
    }
    guard problems.count == 0 else { throw problems }
    guard count > 0 else { throw FileProblem(file: path, message: "found no row below the names of the columns") }
    timeKind = expected ?? .label
    for (index, place) in found.enumerated() where place != nil { columns[wanted[index].name] = values[index] }
  }
}

/// A heading in small letters, with `_` for whatever is between its words: `CO₂ (ppm)` as `co2_ppm`, `T [°C]` as `t_c`.
func plainHeading(_ heading: String) -> String {
  var words: [String] = [""]
  for letter in heading.precomposedStringWithCompatibilityMapping.lowercased() {
    if letter.isLetter || letter.isNumber {
      words[words.count - 1].append(letter)
    } else if letter == "%" {
      words += ["percent", ""]
    } else if letter != "°" {
      words.append("")
    }
  }
  return words.filter { !$0.isEmpty }.joined(separator: "_")
}

/// A number of somebody's table; `nil`: it is none, or none that is finite.
func readNumber(_ cell: ArraySlice<UInt8>, decimalComma: Bool) -> Double? {
  guard !cell.isEmpty, cell.count <= 64, cell.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
  let text =
    decimalComma
    ? String(decoding: cell.map { $0 == UInt8(ascii: ",") ? UInt8(ascii: ".") : $0 }, as: UTF8.self) : String(decoding: cell, as: UTF8.self)
  return Double(text).flatMap { $0.isFinite ? $0 : nil }
}

private func word(_ cell: ArraySlice<UInt8>, _ column: MeasuredColumn) -> Double? {
  column.words.isEmpty ? nil : column.words[String(decoding: cell, as: UTF8.self).lowercased()]
}

/// What loggers and spreadsheets write where there is no value.
private func isNothing(_ cell: ArraySlice<UInt8>) -> Bool {
  cell.isEmpty || ["nan", "na", "n/a", "null", "none", "-", "--", "---", "#n/a", "inf", "-inf"].contains(String(decoding: cell, as: UTF8.self).lowercased())
}

private func notANumber(_ text: String, _ column: MeasuredColumn, _ separator: UInt8) -> String {
  let found = "found \"\(text.prefix(40))\" for \(column.name)"
  if separator == UInt8(ascii: ","), Double(text.replacing(",", with: ".")) != nil {
    return found + ", expected a number with a point; with decimal commas, cells are separated by semicolons"
  }
  let words = column.words.keys.sorted().joined(separator: ", ")
  return found + (words.isEmpty ? ", expected a number, or nothing where there is none" : ", expected a number or one of \(words)")
}
