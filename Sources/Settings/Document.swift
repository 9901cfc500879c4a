// YAML as values that know their place. Every access returns a value or notes a problem, so that one reading of a file
// finds all its mistakes. A section remembers which keys it was asked for: those are the valid ones, and what is left
// when it is closed is unknown. Aliases and deep nesting are refused: no settings file needs them.

import Domain
import Yams

/// Gathers problems; one for each file.
final class ProblemBook {
  let file: String
  var problems: [Problem] = []
  var warnings: [Problem] = []

  init(file: String) { self.file = file }

  func note(_ message: String, line: Int, column: Int, path: String) {
    problems.append(Problem(file: file, line: line, column: column, path: path, message: message))
  }
}

/// The longest file that is read, bytes.
private let sizeMax = 1_048_576
/// The deepest nesting that is read; a settings file needs 5.
private let depthMax = 40

/// Reads `text` as one mapping; `nil` after a problem.
func openDocument(_ text: String, _ book: ProblemBook) -> Section? {
  guard text.utf8.count <= sizeMax else {
    book.note("found \(text.utf8.count) bytes, expected at most \(sizeMax)", line: 0, column: 0, path: "")
    return nil
  }
  do {
    let parser = try Parser(yaml: text, resolver: .basic)
    guard !refusesShape(text, book) else { return nil }
    guard let node = try parser.singleRoot() else {
      book.note("found an empty file, expected keys and values", line: 1, column: 1, path: "")
      return nil
    }
    return Entry(node: node, path: "", book: book).section()
  } catch let error as YamlError {
    note(error, book)
  } catch {
    book.note("cannot be read as YAML: \(error)", line: 0, column: 0, path: "")
  }
  return nil
}

/// Notes aliases and nesting that is too deep, before anything recursive sees them.
private func refusesShape(_ text: String, _ book: ProblemBook) -> Bool {
  var depth = 0
  for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
    var quote: Character?
    var previous: Character = " "
    let characters = Array(line)
    let lead = characters.prefix { " -?:\t".contains($0) }.count
    for (column, character) in characters.enumerated() {
      let starts = " \t[{,:-".contains(previous)
      if character == "[" || character == "{" { depth += 1 }
      if (character == "]" || character == "}") && depth > 0 { depth -= 1 }
      if depth > depthMax || lead > 2 * depthMax {
        book.note("nested too deeply, expected at most \(depthMax) levels", line: number + 1, column: column + 1, path: "")
        return true
      }
      if let open = quote {
        if character == open { quote = nil }
      } else if (character == "\"" || character == "'") && starts {
        quote = character
      } else if character == "#" && starts {
        break
      } else if (character == "*" || character == "&") && starts, column + 1 < characters.count, characters[column + 1] != " " {
        book.note("found an anchor or alias (\(character)), expected the value itself", line: number + 1, column: column + 1, path: "")
        return true
      }
      previous = character
    }
  }
  return false
}

private func note(_ error: YamlError, _ book: ProblemBook) {
  switch error {
  case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
    book.note("not YAML: \(problem)", line: max(mark.line, 1), column: max(mark.column, 1), path: "")
  case .duplicatedKeysInMapping(let duplicates, let context):
    let keys = duplicates.map { "\"\($0)\"" }.joined(separator: ", ")
    book.note("found \(keys) more than once, expected each key once", line: context.mark.line, column: context.mark.column, path: "")
  case .reader(let problem, let offset, _, _):
    book.note("not text: \(problem)" + (offset.map { " at byte \($0)" } ?? ""), line: 1, column: 1, path: "")
  default:
    book.note("cannot be read as YAML: \(error)", line: 1, column: 1, path: "")
  }
}

/// A value and where it is.
struct Entry {
  let node: Node
  let path: String
  let book: ProblemBook

  func note(_ message: String) {
    book.note(message, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0, path: path)
  }
  func warn(_ message: String) {
    book.warnings.append(
      Problem(file: book.file, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0, path: path, message: message))
  }

  /// What stands there, short, for messages.
  var found: String {
    switch node {
    case .scalar(let scalar):
      scalar.string.isEmpty ? "nothing" : "\"\(scalar.string.prefix(60))\""
    case .mapping: "keys and values"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }
  /// The scalar's text, without a problem.
  var plain: String? { if case .scalar(let scalar) = node { scalar.string } else { nil } }

  func expected<Value>(_ what: String, _ value: Value?) -> Value? {
    if value == nil { note("found \(found), expected \(what)") }
    return value
  }

  func section() -> Section? {
    guard case .mapping(let mapping) = node else { return expected("keys and values", nil) }
    return Section(self, mapping)
  }
  func list() -> [Entry]? {
    guard case .sequence(let sequence) = node else { return expected("a list, for example [a, b]", nil) }
    return sequence.enumerated().map { Entry(node: $1, path: "\(path)[\($0)]", book: book) }
  }
  func text() -> String? {
    expected("text", plain.flatMap { $0.isEmpty || $0.utf8.count > 4_096 ? nil : $0 })
  }
  func flag() -> Bool? {
    expected("true or false", plain == "true" ? true : plain == "false" ? false : nil)
  }
  func number(_ range: ClosedRange<Double>, _ unit: String = "") -> Double? {
    let value = plain.flatMap { Double($0) ?? wholeNumber($0).map(Double.init) }
    let what = "a number from \(shortest(range.lowerBound)) to \(shortest(range.upperBound))" + (unit.isEmpty ? "" : " \(unit)")
    return expected(what, value.flatMap { range.contains($0) ? $0 : nil })
  }
  func whole(_ range: ClosedRange<Int>, _ unit: String = "") -> Int? {
    let what = "a whole number from \(range.lowerBound) to \(range.upperBound)" + (unit.isEmpty ? "" : " \(unit)")
    return expected(what, plain.flatMap(wholeNumber).flatMap { range.contains($0) ? $0 : nil })
  }
  func interval(unit: Double, _ range: ClosedRange<Double>, _ name: String) -> Interval? {
    number(range, name).map { Interval(ns: Int64(($0 * unit * 1e9).rounded())) }
  }
  func hex(_ count: ClosedRange<Int>) -> [UInt8]? {
    let what = "\(count.lowerBound) to \(count.upperBound) bytes in hexadecimal, for example \"5a 45\""
    return expected(what, plain.flatMap(readHex).flatMap { count.contains($0.count) ? $0 : nil })
  }
  func choice<Value>(_ values: [(String, Value)]) -> Value? {
    if let plain, let value = values.first(where: { $0.0 == plain }) { return value.1 }
    let names = values.map(\.0)
    note("found \(found), expected \(either(names))" + meant(plain, names))
    return nil
  }
  /// The index of a name among `names`; `kind` is what they name.
  func reference(_ kind: String, _ names: [String]) -> Int? {
    guard let name = text() else { return nil }
    if let index = names.firstIndex(of: name) { return index }
    note("there is no \(kind) \"\(name)\"" + meant(name, names))
    return nil
  }
}

/// `a, b or c`.
func either(_ names: [String]) -> String {
  guard let last = names.last, names.count > 1 else { return names.first ?? "nothing" }
  return names.dropLast().joined(separator: ", ") + " or " + last
}

/// `; did you mean "x"?`, or nothing.
func meant(_ word: String?, _ candidates: [String]) -> String {
  guard let word, let best = nearest(to: word, in: candidates) else { return "" }
  return "; did you mean \"\(best)\"?"
}

/// Decimal or `0x…`.
func wholeNumber(_ text: String) -> Int? {
  text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text)
}

/// `5a 45` or `5a45` as bytes.
func readHex(_ text: String) -> [UInt8]? {
  let digits = Array(text.utf8.filter { $0 != 0x20 })
  guard digits.count.isMultiple(of: 2), digits.count <= 8_192 else { return nil }
  var bytes: [UInt8] = []
  for i in stride(from: 0, to: digits.count, by: 2) {
    guard let high = Character(UnicodeScalar(digits[i])).hexDigitValue,
      let low = Character(UnicodeScalar(digits[i + 1])).hexDigitValue
    else { return nil }
    bytes.append(UInt8(high * 16 + low))
  }
  return bytes
}

/// A number as people write it: 3, not 3.0.
func shortest(_ value: Double) -> String {
  value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
}

/// A mapping that is being read.
final class Section {
  let entry: Entry
  private let pairs: [(key: Entry, name: String, value: Entry)]
  private var asked: [String] = []

  init(_ entry: Entry, _ mapping: Node.Mapping) {
    self.entry = entry
    pairs = mapping.map { key, value in
      let name = Entry(node: key, path: entry.path, book: entry.book).plain ?? ""
      let path = entry.path.isEmpty ? name : "\(entry.path).\(name)"
      return (Entry(node: key, path: path, book: entry.book), name, Entry(node: value, path: path, book: entry.book))
    }
  }

  func optional(_ name: String) -> Entry? {
    asked.append(name)
    return pairs.first { $0.name == name }?.value
  }
  /// `hint` tells how to find the value.
  func required(_ name: String, _ hint: String = "") -> Entry? {
    let value = optional(name)
    if value == nil { entry.note("\(name) is required" + (hint.isEmpty ? "" : ". \(hint)")) }
    return value
  }
  /// All keys as names of the author's choice, in the order of the file.
  func named(_ what: String) -> [(name: String, value: Entry)] {
    pairs.compactMap { key, name, value in
      asked.append(name)
      let allowed = name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F }
      guard allowed, (1...63).contains(name.utf8.count) else {
        key.note("found \(key.found), expected a name of a \(what): 1 to 63 of a-z, 0-9, - and _")
        return nil
      }
      return (name, value)
    }
  }
  /// Notes the keys that nobody asked for.
  func close() {
    for pair in pairs where !asked.contains(pair.name) {
      let valid = Array(Set(asked)).sorted()
      pair.key.note("found an unknown key \(pair.key.found), expected \(either(valid))" + meant(pair.name, valid))
    }
  }
}
