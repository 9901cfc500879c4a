// A record for a spreadsheet: RFC 4180, with the byte order mark without which some show Chinese as noise.

extension Record {
  /// The tables one below the other, each under its title when there are several, and below them what a reader must know.
  public func csv(_ language: Language) -> String {
    var lines: [String] = []
    for table in tables {
      if tables.count > 1 {
        if !lines.isEmpty { lines.append("") }
        lines.append(csvCell(table.title(language)))
      }
      lines.append(table.columns.map { csvCell($0.heading(language)) }.joined(separator: ","))
      for row in table.rows { lines.append(row.map { csvCell($0, language) }.joined(separator: ",")) }
    }
    let below = (roles.isEmpty ? [] : [rolesText(language)]) + notes.map { $0(language) }
    if !below.isEmpty { lines.append("") }
    for line in below { lines.append(csvCell(line)) }
    return "\u{FEFF}" + lines.map { $0 + "\r\n" }.joined()
  }
}

private func csvCell(_ cell: Cell, _ language: Language) -> String {
  switch cell {
  // Our own numbers may begin with a minus.
  case .number, .duration: cell.text(language)
  default: csvCell(cell.text(language))
  }
}

/// Text that a spreadsheet would take for a formula gets an apostrophe before it: names and reasons come from outside.
func csvCell(_ text: String) -> String {
  let isFormula = text.unicodeScalars.first.map { ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"].contains(String($0)) } ?? false
  let safe = isFormula ? "'" + text : text
  guard safe.unicodeScalars.contains(where: { [",", "\"", "\n", "\r", ";", "\t"].contains($0) }) else { return safe }
  return "\"" + safe.replacing("\"", with: "\"\"") + "\""
}
