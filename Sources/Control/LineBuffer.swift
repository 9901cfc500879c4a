// Lines out of a stream of bytes, never more than a line's bound in memory. Whoever sends more without a newline is
// told so once; there is no way back into step after that, so the connection ends.

import Foundation

/// Collects bytes until a newline.
struct LineBuffer {
  enum Next: Equatable {
    /// Without the newline.
    case line(Data)
    /// No whole line yet.
    case none
    /// More than `lineMax` bytes without a newline.
    case tooLong
  }

  let lineMax: Int
  private var bytes: [UInt8] = []
  /// Where the next line begins.
  private var start = 0
  /// Up to here no newline was found.
  private var searched = 0

  init(lineMax: Int) { self.lineMax = lineMax }

  /// How many bytes may be appended; 0 while whole lines wait to be taken.
  var room: Int { max(0, lineMax - (bytes.count - start)) }

  /// No whole line is left.
  var isDrained: Bool { searched == bytes.count }

  mutating func append(_ more: ArraySlice<UInt8>) {
    if start > 0 {
      bytes.removeSubrange(0..<start)
      searched -= start
      start = 0
    }
    bytes += more
  }

  mutating func next() -> Next {
    searched = max(searched, start)
    guard let end = bytes[searched...].firstIndex(of: 10) else {
      searched = bytes.count
      return bytes.count - start >= lineMax ? .tooLong : .none
    }
    guard end - start < lineMax else { return .tooLong }
    let line = Data(bytes[start..<end])
    start = end + 1
    searched = start
    return .line(line)
  }
}

/// Whether `line` is one JSON object in UTF-8 without control characters; if not, what it is instead.
func objection(to line: Data) -> ErrorLine? {
  guard let text = String(validating: line, as: UTF8.self) else {
    return ErrorLine(error: "bad_utf8", message: "a line must be UTF-8")
  }
  guard !text.utf8.contains(where: { $0 < 32 && $0 != 9 && $0 != 13 }) else {
    return ErrorLine(error: "bad_json", message: "a line must not hold control characters")
  }
  guard (try? JSONDecoder().decode([String: Anything].self, from: line)) != nil else {
    return ErrorLine(error: "bad_json", message: "a line must be one JSON object")
  }
  return nil
}

/// Any JSON value, not looked at.
struct Anything: Decodable {
  init(from decoder: any Decoder) {}
}
