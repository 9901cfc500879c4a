// Tables for people: aligned columns that fit a terminal of 100, also with names in Chinese, whose letters are two
// columns wide. Text from outside can't move the cursor: control characters are shown as a dot.

/// A table with one line of headings.
struct Columns {
  enum Side { case left, right }

  private let headings: [String]
  private let sides: [Side]
  private var rows: [[String]] = []

  init(_ columns: [(String, Side)]) {
    headings = columns.map(\.0)
    sides = columns.map(\.1)
  }

  var isEmpty: Bool { rows.isEmpty }

  mutating func add(_ row: [String]) { rows.append(row.map(printable)) }

  /// The lines. The last column is folded at `width`, at spaces where it has some; the others are as wide as they need.
  func lines(width: Int = 100) -> [String] {
    let last = headings.count - 1
    let widths = headings.indices.map { column in
      ([headings] + rows).map { columnWidth($0[column]) }.max() ?? 0
    }
    let left = widths[..<last].reduce(0) { $0 + $1 + 2 }
    var result: [String] = []
    for row in [headings] + rows {
      let start = row[..<last].indices.map { aligned(row[$0], widths[$0], sides[$0]) + "  " }.joined()
      let folds = fold(row[last], width: max(20, width - left))
      for (number, text) in folds.enumerated() {
        let shown = sides[last] == .right ? aligned(text, widths[last], .right) : text
        let line = (number == 0 ? start : String(repeating: " ", count: left)) + shown
        result.append(trimmed(line.replacing("\u{A0}", with: " ")))
      }
    }
    return result
  }

  private func aligned(_ text: String, _ width: Int, _ side: Side) -> String {
    let gap = String(repeating: " ", count: max(0, width - columnWidth(text)))
    return side == .left ? text + gap : gap + text
  }

  private func trimmed(_ line: String) -> String {
    var line = line
    while line.last == " " { line.removeLast() }
    return line
  }
}

/// `text` in pieces of `width` columns at most, broken at spaces; a longer word is broken where it must be.
func fold(_ text: String, width: Int) -> [String] {
  var lines: [String] = []
  var line = ""
  for word in text.split(separator: " ", omittingEmptySubsequences: true) {
    var word = String(word)
    if columnWidth(line) + 1 + columnWidth(word) > width, !line.isEmpty {
      lines.append(line)
      line = ""
    }
    while columnWidth(word) > width {
      var head = ""
      while let letter = word.first, columnWidth(head) + columnWidth(String(letter)) <= width || head.isEmpty {
        head.append(letter)
        word.removeFirst()
      }
      lines.append(head)
    }
    line += line.isEmpty ? word : " " + word
  }
  return line.isEmpty && !lines.isEmpty ? lines : lines + [line]
}

/// `text` that `fold` keeps in one piece; spaces come back when it is printed.
func whole(_ text: String) -> String { text.replacing(" ", with: "\u{A0}") }

/// How many columns of a terminal `text` takes.
func columnWidth(_ text: String) -> Int {
  text.unicodeScalars.reduce(0) { sum, scalar in
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return sum
    default: return sum + (isWide(scalar.value) ? 2 : 1)
    }
  }
}

/// The blocks of wide letters (Unicode Standard Annex 11, W and F), without the rare ones.
private func isWide(_ value: UInt32) -> Bool {
  switch value {
  case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
    0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF,
    0x20000...0x3FFFD:
    true
  default: false
  }
}

/// `text` without anything that would move the cursor.
func printable(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    result.append(scalar.properties.generalCategory == .control ? "·" : scalar)
  }
  return String(result)
}
