// JSON lines as the sockets speak them: one object a line, keys in alphabetical order, so that transcripts compare.

import Foundation

enum JSONLine {
  /// `value` without the newline. The values of this module hold no NaN and no cycles, so encoding can't fail; if it
  /// ever does, the reader gets an object that says so.
  static func encode<Value: Encodable>(_ value: Value) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do { return try encoder.encode(value) } catch {
      return Data(#"{"error":"not_encodable"}"#.utf8)
    }
  }

  /// Words for a person from what the decoder found wrong, naming the key.
  static func describe(_ error: any Error) -> String {
    switch error {
    case DecodingError.typeMismatch(let type, let context):
      "\(name(context.codingPath)): expected \(describe(type))"
    case DecodingError.keyNotFound(let key, _):
      "\(key.stringValue) is required"
    case DecodingError.valueNotFound(let type, let context):
      "\(name(context.codingPath)): expected \(describe(type)), found null"
    // The line is known to be JSON, so only a number can be wrong; the decoder does not say which.
    case DecodingError.dataCorrupted:
      "a number is out of its range; tickets and occurrences are whole, from 0 to 4294967295"
    default: "not a JSON object"
    }
  }

  private static func name(_ path: [any CodingKey]) -> String {
    path.isEmpty ? "the line" : path.map(\.stringValue).joined(separator: ".")
  }

  private static func describe(_ type: any Any.Type) -> String {
    switch type {
    case is String.Type: "text"
    case is Double.Type: "a number"
    case is UInt32.Type, is Int64.Type, is Int.Type: "a whole number"
    default: "an object"
    }
  }
}
