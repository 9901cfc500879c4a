// A record for paper: one page that needs nothing beside it, with headings on every sheet and a place to sign.

extension Record {
  public func html(_ language: Language, written: String) -> String {
    let title = kind.title(language)
    var body = "<h1>\(escaped(title))</h1>\n<p>\(escaped(site)) · \(escaped(daysText(language))) · "
    body += escaped(Phrase("written", "打印时间")(language)) + " \(escaped(written))</p>\n"
    if !roles.isEmpty { body += "<p>\(escaped(rolesText(language)))</p>\n" }
    for table in tables {
      if tables.count > 1 { body += "<h2>\(escaped(table.title(language)))</h2>\n" }
      body += table.html(language)
    }
    for note in notes { body += "<p class=\"note\">\(escaped(note(language)))</p>\n" }
    let aid = Phrase("A screening aid: a person confirms, a person decides.", "本系统仅辅助筛查：由工作人员确认和决定。")
    body += "<p class=\"note\">\(escaped(aid(language)))</p>\n"
    let sign = [Phrase("Responsible", "负责人"), Phrase("Signature", "签名"), Phrase("Date", "日期")]
    body += "<p class=\"sign\">" + sign.map { "<span>\(escaped($0(language))):</span>" }.joined() + "</p>\n"
    return """
      <!DOCTYPE html>
      <html lang="\(language == .chinese ? "zh-CN" : "en")">
      <head>
      <meta charset="utf-8">
      <title>\(escaped(title)) \(escaped(daysText(language)))</title>
      <style>
      body { font: 10pt sans-serif; margin: 1em; }
      h1 { font-size: 14pt; } h2 { font-size: 11pt; margin-top: 1.2em; }
      table { border-collapse: collapse; width: 100%; }
      th, td { border: 1px solid #888; padding: 2px 5px; text-align: left; vertical-align: top; }
      th { background: #eee; }
      td.n { text-align: right; white-space: nowrap; }
      td.gone { color: #666; font-style: italic; }
      .note { color: #444; font-size: 9pt; }
      .sign span { display: inline-block; width: 30%; border-bottom: 1px solid #000; margin: 2em 3% 0 0; }
      @page { size: A4 landscape; margin: 12mm; }
      @media print { body { margin: 0; } thead { display: table-header-group; } tr { break-inside: avoid; } th { print-color-adjust: exact; } }
      </style>
      </head>
      <body>
      \(body)</body>
      </html>

      """
  }
}

extension RecordTable {
  fileprivate func html(_ language: Language) -> String {
    var text = "<table>\n<thead><tr>" + columns.map { "<th>\(escaped($0.heading(language)))</th>" }.joined() + "</tr></thead>\n<tbody>\n"
    for row in rows { text += "<tr>" + row.map { $0.html(language) }.joined() + "</tr>\n" }
    if rows.isEmpty { text += "<tr><td colspan=\"\(columns.count)\">\(escaped(Phrase("nothing", "无记录")(language)))</td></tr>\n" }
    return text + "</tbody>\n</table>\n"
  }
}

extension Cell {
  fileprivate func html(_ language: Language) -> String {
    let text = escaped(text(language))
    return switch self {
    case .number, .duration: "<td class=\"n\">\(text)</td>"
    case .forgotten: "<td class=\"gone\">\(text)</td>"
    default: "<td>\(text)</td>"
    }
  }
}

/// Names and reasons come from outside: none of their letters is markup.
func escaped(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    default: result.unicodeScalars.append(scalar.properties.generalCategory == .control ? "·" : scalar)
    }
  }
  return result
}
