// A command to the simulators, as a line: plain (`person north-door body=38.2`) or one JSON object, in which the verb is
// the key that names what it is done to (`{"person":"north-door","body":38.2}`). Both become the same words.

import Foundation

/// One line, cut into its parts.
struct Order: Equatable {
  /// What is wrong with an order, as a sentence for whoever gave it.
  struct Mistake: Error {
    var sentence: String
    init(_ sentence: String) { self.sentence = sentence }
  }

  static let verbs = [
    "person", "people", "room", "outdoors", "input", "field", "fault", "swap", "unplug", "replug", "power", "gate", "ambient", "offset", "speed",
    "wait", "state", "quit",
  ]

  var verb: String
  var words: [String]
  var options: [String: String]

  init(_ line: String) throws(Mistake) {
    let line = line.trimmingCharacters(in: .whitespaces)
    if line.hasPrefix("{") { try self.init(json: line) } else { try self.init(plain: line) }
    guard Self.verbs.contains(verb) else {
      throw Mistake("\"\(verb)\" is no command; there are: \(Self.verbs.joined(separator: ", "))")
    }
  }

  private init(plain line: String) throws(Mistake) {
    let parts = line.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let first = parts.first else { throw Mistake("the line is empty") }
    verb = first
    words = []
    options = [:]
    for part in parts.dropFirst() {
      if let equals = part.firstIndex(of: "=") {
        options[String(part[..<equals])] = String(part[part.index(after: equals)...])
      } else {
        words.append(part)
      }
    }
  }

  private init(json line: String) throws(Mistake) {
    guard let object = try? JSONDecoder().decode([String: Words].self, from: Data(line.utf8)) else {
      throw Mistake("this is no JSON object of texts, numbers, true, false and lists of them")
    }
    guard let key = Self.verbs.first(where: { object[$0] != nil }), let subject = object[key] else {
      throw Mistake("no key is a command; there are: \(Self.verbs.joined(separator: ", "))")
    }
    verb = key
    words = subject.texts
    options = object.filter { $0.key != key }.mapValues { $0.texts.joined(separator: " ") }
  }

  /// A JSON value as words; true and false are on and off.
  private struct Words: Decodable {
    var texts: [String]

    init(from decoder: any Decoder) throws {
      if let list = try? decoder.singleValueContainer().decode([Words].self) {
        texts = list.flatMap(\.texts)
        return
      }
      let value = try decoder.singleValueContainer()
      if value.decodeNil() {
        texts = []
      } else if let isOn = try? value.decode(Bool.self) {
        texts = [isOn ? "on" : "off"]
      } else if let whole = try? value.decode(Int.self) {
        texts = ["\(whole)"]
      } else if let number = try? value.decode(Double.self) {
        texts = ["\(number)"]
      } else {
        texts = [try value.decode(String.self)]
      }
    }
  }

  /// The word at `index`, or what is missing.
  func word(_ index: Int, _ what: String) throws(Mistake) -> String {
    guard words.indices.contains(index) else { throw Mistake("\(verb) needs \(what)") }
    return words[index]
  }

  func number(_ key: String) throws(Mistake) -> Double? {
    guard let text = options[key] else { return nil }
    guard let value = Double(text), value.isFinite else { throw Mistake("\(key)=\(text) is no number") }
    return value
  }

  /// Refuses options that nobody would look at.
  func allow(_ keys: String...) throws(Mistake) {
    if let stray = options.keys.sorted().first(where: { !keys.contains($0) }) {
      throw Mistake("\(verb) has no option \"\(stray)\"; it has: \(keys.isEmpty ? "none" : keys.joined(separator: ", "))")
    }
  }
}
