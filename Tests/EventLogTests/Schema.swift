// As much of JSON Schema as docs/event.schema.json uses: enough to hold every event the log can write against it. Words
// that are not understood here fail the test, so the schema cannot say more than is checked.

import Foundation

/// A JSON value.
enum Value: Decodable, Equatable {
  case null, bool(Bool), number(Double), string(String), list([Value]), object([String: Value])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([Value].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: Value].self))
    }
  }

  static func read(_ json: Data) throws -> Value { try JSONDecoder().decode(Value.self, from: json) }

  subscript(key: String) -> Value? { if case .object(let members) = self { members[key] } else { nil } }
  var text: String? { if case .string(let text) = self { text } else { nil } }
  var members: [String: Value] { if case .object(let members) = self { members } else { [:] } }
  var items: [Value] { if case .list(let items) = self { items } else { [] } }
}

struct Schema {
  let root: Value

  /// The types that have a definition.
  var types: Set<String> { Set((root["$defs"]?.members.keys).map { $0.filter { $0.hasPrefix("gatehouse.") } } ?? []) }

  /// What is wrong with `value`; empty: nothing.
  func problems(_ value: Value) -> [String] { problems(value, root, "") }

  private func problems(_ value: Value, _ schema: Value, _ place: String) -> [String] {
    if case .bool(let allowed) = schema { return allowed ? [] : ["\(place) is not allowed"] }
    var found: [String] = []
    for (word, rule) in schema.members {
      switch word {
      case "$schema", "title", "description", "$defs", "format": break
      case "type": if !has(value, type: rule.text ?? "") { found.append("\(place) is no \(rule.text ?? "")") }
      case "const": if value != rule { found.append("\(place) is not \(rule)") }
      case "enum": if !rule.items.contains(value) { found.append("\(place): \(value) is not in the list") }
      case "minimum":
        if case .number(let number) = value, case .number(let lowest) = rule, number < lowest { found.append("\(place) is too low") }
      case "pattern":
        if let text = value.text, let pattern = try? Regex(rule.text ?? ""), text.firstMatch(of: pattern) == nil {
          found.append("\(place): \(text) does not match")
        }
      case "required":
        for name in rule.items.compactMap(\.text) where value[name] == nil { found.append("\(place)/\(name) is missing") }
      case "properties":
        for (name, schema) in rule.members {
          if let member = value[name] { found += problems(member, schema, "\(place)/\(name)") }
        }
      case "additionalProperties":
        for name in value.members.keys where rule == .bool(false) && schema["properties"]?[name] == nil {
          found.append("\(place)/\(name) is not known")
        }
      case "items": for (index, item) in value.items.enumerated() { found += problems(item, rule, "\(place)/\(index)") }
      case "$ref":
        let name = rule.text?.split(separator: "/").last.map(String.init) ?? ""
        guard let definition = root["$defs"]?[name] else { return ["there is no \(name)"] }
        found += problems(value, definition, place)
      case "allOf": for part in rule.items { found += problems(value, part, place) }
      case "oneOf":
        let all = rule.items.map { problems(value, $0, place) }
        let count = all.count { $0.isEmpty }
        if count != 1 { found.append("\(place) fits \(count) of \(all.count): \(all.min { $0.count < $1.count } ?? [])") }
      default: found.append("the schema's word \(word) is not understood here")
      }
    }
    return found
  }

  private func has(_ value: Value, type: String) -> Bool {
    switch (type, value) {
    case ("object", .object), ("string", .string), ("number", .number), ("boolean", .bool), ("array", .list): true
    case ("integer", .number(let number)): number == number.rounded()
    default: false
    }
  }
}

let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

func document(_ name: String) throws -> String { try String(contentsOf: root.appending(path: "docs/\(name)"), encoding: .utf8) }
