// YAML as values that know their place. Every access returns a value or notes a problem, so that one reading of a file
// finds all its mistakes. A section remembers which keys it was asked for: those are the valid ones, and what is left
// when it is closed is unknown. Aliases and deep nesting are refused: no settings file needs them.

import Domain
import Yams

/// Gathers problems; one for each file.
package final class ProblemBook {
  package let file: String
  package var problems: [Problem] = []
  var warnings: [Problem] = []
  /// Every key that was asked for, with its path: what the reader knows, for the test of the documentation.
  var asked: Set<String> = []

  package init(file: String) { self.file = file }

  package func note(_ message: String, line: Int, column: Int, path: String) {
    problems.append(Problem(file: file, line: line, column: column, path: path, message: message))
  }
}

/// The deepest nesting that is read; a settings file needs 5.
private let depthMax = 40

/// Reads `text` as one mapping; `nil` after a problem.
package func openDocument(_ text: String, _ book: ProblemBook) -> Section? {
  guard text.utf8.count <= textSizeMax else {
    book.note("found \(text.utf8.count) bytes, expected at most \(textSizeMax)", line: 0, column: 0, path: "")
    return nil
  }
  do {
    let parser = try Parser(yaml: text, resolver: .basic)
    guard !refusesShape(text, book) else { return nil }
    guard let node = try parser.singleRoot(), node.scalar?.string != "" else {
      book.note("found an empty file, expected keys and values", line: 1, column: 1, path: "")
      return nil
    }
    // The parser keeps the anchors alive.
    let hidden = withExtendedLifetime(parser) { firstAnchor(node) }
    if let hidden {
      book.noteAnchor("&", line: hidden.mark?.line ?? 1, column: hidden.mark?.column ?? 1)
      return nil
    }
    return Entry(node: node, path: "", book: book).section()
  } catch let error as YamlError {
    note(error, text, book)
  } catch {
    book.note("cannot be read as YAML: \(error)", line: 1, column: 1, path: "")
  }
  return nil
}

extension ProblemBook {
  fileprivate func noteAnchor(_ sign: String, line: Int, column: Int) {
    note("found an anchor or alias (\(sign)), expected the value itself", line: line, column: column, path: "")
  }
}

/// The first value with an anchor, in the order of the file. It comes before every alias of it, so what the walk has seen
/// by then is no larger than the file, however often aliases repeat it.
private func firstAnchor(_ node: Node) -> Node? {
  if node.anchor != nil { return node }
  switch node {
  case .mapping(let mapping):
    for (key, value) in mapping { if let found = firstAnchor(key) ?? firstAnchor(value) { return found } }
  case .sequence(let sequence):
    for value in sequence { if let found = firstAnchor(value) { return found } }
  case .scalar, .alias: break
  }
  return nil
}

/// The lines of `text` as YAML counts them: it knows more ends of a line than a newline.
private func lines(of text: String) -> [[Unicode.Scalar]] {
  var lines: [[Unicode.Scalar]] = [[]]
  var previous: Unicode.Scalar = " "
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\n" where previous == "\r": break
    case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": lines.append([])
    default: lines[lines.count - 1].append(scalar)
    }
    previous = scalar
  }
  return lines
}

/// Notes aliases and nesting that is too deep, before anything recursive sees them.
private func refusesShape(_ text: String, _ book: ProblemBook) -> Bool {
  var depth = 0
  for (number, line) in lines(of: text).enumerated() {
    var quote: Unicode.Scalar?
    var previous: Unicode.Scalar = " "
    let lead = line.prefix { " -?:\t".unicodeScalars.contains($0) }.count
    for (column, scalar) in line.enumerated() {
      let starts = " \t[{,:-".unicodeScalars.contains(previous)
      if let open = quote {
        if scalar == open, open == "'" || previous != "\\" { quote = nil }
        // A pair of backslashes is one; what follows is not escaped.
        previous = scalar == "\\" && previous == "\\" ? " " : scalar
        continue
      }
      if scalar == "[" || scalar == "{" { depth += 1 }
      if (scalar == "]" || scalar == "}") && depth > 0 { depth -= 1 }
      if depth > depthMax || lead > 2 * depthMax {
        book.note("nested too deeply, expected at most \(depthMax) levels", line: number + 1, column: column + 1, path: "")
        return true
      }
      if (scalar == "\"" || scalar == "'") && starts {
        quote = scalar
      } else if scalar == "#" && starts {
        break
      } else if (scalar == "*" || scalar == "&") && starts, column + 1 < line.count, line[column + 1] != " " {
        book.noteAnchor(String(scalar), line: number + 1, column: column + 1)
        return true
      }
      previous = scalar
    }
  }
  return false
}

private func note(_ error: YamlError, _ text: String, _ book: ProblemBook) {
  switch error {
  case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
    let all = lines(of: text)
    let line = min(max(mark.line, 1), all.count)
    var words = "not YAML: \(problem)"
    if all[line - 1].first == "\t" { words = "not YAML: found a tab at the start of the line, expected spaces" }
    book.note(words, line: line, column: max(mark.column, 1), path: "")
  case .duplicatedKeysInMapping(let duplicates, let context):
    let keys = duplicates.map { "\"\($0.prefix(60))\"" }.joined(separator: ", ")
    book.note("found \(keys) more than once, expected each key once", line: context.mark.line, column: context.mark.column, path: "")
  case .reader(let problem, let offset, _, _):
    let before = String(decoding: Array(text.utf8.prefix(offset ?? 0)), as: UTF8.self)
    book.note("not text: \(problem)", line: lines(of: before).count, column: 1, path: "")
  default:
    book.note("cannot be read as YAML: \(error)", line: 1, column: 1, path: "")
  }
}

/// A value and where it is.
package struct Entry {
  let node: Node
  package let path: String
  let book: ProblemBook

  package func note(_ message: String) {
    book.note(message, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0, path: path)
  }
  func warn(_ message: String) {
    book.warnings.append(
      Problem(file: book.file, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0, path: path, message: message))
  }

  /// Its line in the file, from 1.
  package var line: Int { node.mark?.line ?? 0 }

  /// What stands there, short, for messages.
  package var found: String {
    switch node {
    case .scalar(let scalar):
      scalar.string.isEmpty ? "nothing" : "\"\(scalar.string.prefix(60))\""
    case .mapping: "keys and values"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }
  /// The scalar's text, without a problem.
  package var plain: String? { if case .scalar(let scalar) = node { scalar.string } else { nil } }

  package func expected<Value>(_ what: String, _ value: Value?) -> Value? {
    if value == nil { note("found \(found), expected \(what)") }
    return value
  }

  package func section() -> Section? {
    guard case .mapping(let mapping) = node else { return expected("keys and values", nil) }
    return Section(self, mapping)
  }
  package func list() -> [Entry]? {
    guard case .sequence(let sequence) = node else { return expected("a list, for example [a, b]", nil) }
    return sequence.enumerated().map { Entry(node: $1, path: "\(path)[\($0)]", book: book) }
  }
  package func text() -> String? {
    expected("text", plain.flatMap { $0.isEmpty || $0.utf8.count > 4_096 ? nil : $0 })
  }
  package func flag() -> Bool? {
    expected("true or false", plain == "true" ? true : plain == "false" ? false : nil)
  }
  package func number(_ range: ClosedRange<Double>, _ unit: String = "") -> Double? {
    let value = plain.flatMap { Double($0) ?? wholeNumber($0).map(Double.init) }
    let what = "a number from \(shortest(range.lowerBound)) to \(shortest(range.upperBound))" + (unit.isEmpty ? "" : " \(unit)")
    return expected(what, value.flatMap { range.contains($0) ? $0 : nil })
  }
  package func whole(_ range: ClosedRange<Int>, _ unit: String = "") -> Int? {
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
  package func choice<Value>(_ values: [(String, Value)]) -> Value? {
    if let plain, let value = values.first(where: { $0.0 == plain }) { return value.1 }
    let names = values.map(\.0)
    note("found \(found), expected \(either(names))" + meant(plain, names))
    return nil
  }
  /// A name of the author's choice, as it enters paths, events and commands.
  package func name(_ what: String) -> String? {
    let allowed = { (byte: UInt8) in (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x5F }
    return expected(
      "a name of a \(what): 1 to 63 of a-z, 0-9, - and _",
      plain.flatMap { (1...63).contains($0.utf8.count) && $0.utf8.allSatisfy(allowed) ? $0 : nil })
  }
  /// The index of a name among `names`; `kind` is what they name.
  package func reference(_ kind: String, _ names: [String]) -> Int? {
    guard let name = text() else { return nil }
    if let index = names.firstIndex(of: name) { return index }
    note("there is no \(kind) \"\(name)\"" + meant(name, names))
    return nil
  }
}

/// `a, b or c`.
package func either(_ names: [String]) -> String {
  guard let last = names.last, names.count > 1 else { return names.first ?? "nothing" }
  return names.dropLast().joined(separator: ", ") + " or " + last
}

/// `; did you mean "x"?`, or nothing.
public func meant(_ word: String?, _ candidates: [String]) -> String {
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

/// The most devices, lanes … of one site: numbers in events and tables are 16 bits wide.
private let namedMax = 16_384

/// A mapping that is being read.
package final class Section {
  package let entry: Entry
  private let pairs: [(key: Entry, name: String, value: Entry)]
  private var asked: [String] = []
  private var isAbandoned = false

  init(_ entry: Entry, _ mapping: Node.Mapping) {
    self.entry = entry
    pairs = mapping.map { key, value in
      let name = Entry(node: key, path: entry.path, book: entry.book).plain ?? ""
      let path = entry.path.isEmpty ? name : "\(entry.path).\(name)"
      return (Entry(node: key, path: path, book: entry.book), name, Entry(node: value, path: path, book: entry.book))
    }
  }

  /// The keys of `base` but for `without`, replaced by those of `other` where it has them.
  init(_ base: Section, replacedBy other: Section, without: [String]) {
    entry = other.entry
    let own = Set(other.pairs.map(\.name))
    pairs = base.pairs.filter { !own.contains($0.name) && !without.contains($0.name) } + other.pairs
  }

  package func optional(_ name: String) -> Entry? {
    asked.append(name)
    entry.book.asked.insert(entry.path.isEmpty ? name : "\(entry.path).\(name)")
    return pairs.first { $0.name == name }?.value
  }
  /// `hint` tells how to find the value.
  package func required(_ name: String, _ hint: String = "") -> Entry? {
    let value = optional(name)
    if value == nil { entry.note("\(name) is required" + (hint.isEmpty ? "" : ". \(hint)")) }
    return value
  }
  /// All keys that nobody asked for yet, as they stand.
  package func rest() -> [(name: String, value: Entry)] {
    let left = pairs.filter { !asked.contains($0.name) }
    asked += left.map(\.name)
    return left.map { ($0.name, $0.value) }
  }

  /// All keys as names of the author's choice, in the order of the file.
  func named(_ what: String) -> [(name: String, value: Entry)] {
    if pairs.count > namedMax { entry.note("found \(pairs.count) keys, expected at most \(namedMax)") }
    return pairs.prefix(namedMax).compactMap { key, name, value in
      asked.append(name)
      return key.name(what).map { ($0, value) }
    }
  }
  /// All keys as they stand: names that others gave, with capitals and blanks.
  func titled(_ what: String) -> [(name: String, value: Entry)] {
    pairs.prefix(namedMax).compactMap { key, name, value in
      asked.append(name)
      guard (1...63).contains(name.utf8.count), name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
        return key.expected("a name of a \(what), of 1 to 63 characters", nil)
      }
      return (name, value)
    }
  }
  /// Notes a key that nobody asked for and that may be this one, misspelt: for a section that is abandoned.
  func noteMisspelt(_ name: String) {
    guard let near = nearest(to: name, in: pairs.map(\.name).filter { !asked.contains($0) }) else { return }
    pairs.first { $0.name == near }?.key.note("found an unknown key \"\(near)\"; did you mean \"\(name)\"?")
  }

  /// What is wrong in it keeps the rest from being read: keys that nobody asked for may be known ones.
  package func abandon() { isAbandoned = true }

  /// Notes the keys that nobody asked for.
  package func close() {
    guard !isAbandoned else { return }
    for pair in pairs where !asked.contains(pair.name) {
      let valid = Array(Set(asked)).sorted()
      pair.key.note("found an unknown key \(pair.key.found), expected \(either(valid))" + meant(pair.name, valid))
    }
  }
}
