// The proof beside a profile: `#` lines say where the bytes come from, `> HEX` is what the device sent, and the lines
// below it are what decoding must print. `> --request HEX HEX` (the first without spaces) names the question.

/// One block of a `.vectors` file.
public struct Vector: Sendable {
  /// Where `>` stands, from 1.
  public var line: Int
  public var request: [UInt8]?
  public var bytes: [UInt8]
  /// The JSON lines that must come out.
  public var expected: [String]

  /// Reads a file's text.
  public static func parse(_ text: String, file: String) throws(Problems) -> [Vector] {
    var vectors: [Vector] = []
    var problems: [Problem] = []
    for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = String(raw)
      if line.isEmpty || line.hasPrefix("#") { continue }
      if line.hasPrefix(">") {
        let parts = line.dropFirst().split(separator: " ").map(String.init)
        var request: [UInt8]?
        var rest = parts[...]
        if rest.first == "--request", rest.count > 1 {
          request = readHex(rest[rest.startIndex + 1])
          rest = rest.dropFirst(2)
        }
        if let bytes = readHex(rest.joined()), !bytes.isEmpty {
          vectors.append(Vector(line: index + 1, request: request, bytes: bytes, expected: []))
        } else {
          problems.append(Problem(file: file, line: index + 1, column: 3, path: "", message: "found no bytes, expected hexadecimal"))
        }
      } else if vectors.isEmpty || !line.hasPrefix("{") {
        problems.append(Problem(file: file, line: index + 1, column: 1, path: "", message: "expected #, > or a JSON line"))
      } else {
        vectors[vectors.count - 1].expected.append(line)
      }
    }
    guard problems.isEmpty else { throw Problems(problems) }
    return vectors
  }
}
