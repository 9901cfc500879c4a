// A record for programs: an object a row, members named as columns. What is not known is absent; what was forgotten is named.

import Domain
import Foundation

extension Record {
  /// One object on one line.
  public func json(_ language: Language) throws -> String {
    var object: [String: Any] = ["record": kind.rawValue, "site": site, "from": days.lowerBound, "to": days.upperBound, "language": language.rawValue]
    object["tables"] = Dictionary(tables.map { ($0.id, $0.rows(language)) }) { first, _ in first }
    if !roles.isEmpty { object["roles"] = roles.map { ["role": $0.role, "name": $0.name] } }
    object["notes"] = notes.map { $0(language) }
    let data = try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data, as: UTF8.self)
  }
}

extension RecordTable {
  fileprivate func rows(_ language: Language) -> [[String: Any]] {
    rows.map { row in
      var object: [String: Any] = [:]
      var forgotten: [String] = []
      for (column, cell) in zip(columns, row) {
        switch cell {
        case .none: break
        case .forgotten: forgotten.append(column.id)
        case .text(let text), .time(let text): object[column.id] = text
        // Programs compare words: they stay as in the events.
        case .word(let word): object[column.id] = word
        case .number(let value, let digits):
          if value.isFinite { object[column.id] = NSDecimalNumber(string: String(format: "%.\(digits)f", value)) }
        case .words(let cells): object[column.id] = cells.map { if case .word(let word) = $0 { word } else { $0.text(language) } }.joined(separator: " ")
        case .duration(let seconds): if seconds.isFinite { object[column.id] = Int(min(seconds.rounded(), 1e12)) }
        }
      }
      if !forgotten.isEmpty { object["forgotten"] = forgotten }
      return object
    }
  }
}
