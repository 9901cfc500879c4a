// The proof beside a profile: `#` lines say where the bytes come from, `> [options] HEX` is what the device sent, and the
// lines below it are what decoding must print. The options are those of `gatehouse profile decode`, their values without
// spaces.

public import Devices

/// One block of a `.vectors` file.
public struct Vector: Sendable {
  /// Where `>` stands, from 1.
  public var line: Int
  public var request: [UInt8]?
  /// By name.
  public var variant: String?
  public var way: Way?
  public var bytes: [UInt8]
  /// The JSON lines that must come out.
  public var expected: [String]

  /// Reads a file.
  public static func load(file: String) throws(Problems) -> [Vector] { try parse(readText(file), file: file) }

  /// Reads a file's text.
  public static func parse(_ text: String, file: String) throws(Problems) -> [Vector] {
    var vectors: [Vector] = []
    var problems: [Problem] = []
    for (index, raw) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let line = String(raw)
      if line.isEmpty || line.hasPrefix("#") { continue }
      if line.hasPrefix(">") {
        if let vector = readVector(line, at: index + 1) {
          vectors.append(vector)
        } else {
          let message = "found no bytes or an unknown option, expected [--request HEX] [--variant NAME] [--direction WAY] HEX"
          problems.append(Problem(file: file, line: index + 1, column: 3, path: "", message: message))
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

private func readVector(_ line: String, at number: Int) -> Vector? {
  var vector = Vector(line: number, request: nil, variant: nil, way: nil, bytes: [], expected: [])
  var rest = line.dropFirst().split(separator: " ").map(String.init)[...]
  while let option = rest.first, option.hasPrefix("--") {
    guard rest.count > 1 else { return nil }
    let value = rest[rest.startIndex + 1]
    switch option {
    case "--request":
      guard let bytes = readHex(value) else { return nil }
      vector.request = bytes
    case "--variant": vector.variant = value.replacing("_", with: " ")
    case "--direction":
      guard let way = Way(rawValue: value) else { return nil }
      vector.way = way
    default: return nil
    }
    rest = rest.dropFirst(2)
  }
  guard let bytes = readHex(rest.joined()), !bytes.isEmpty else { return nil }
  vector.bytes = bytes
  return vector
}

extension Vector {
  /// What `profile decode` prints for it.
  public func report(with profile: Profile) -> [String] {
    guard let context = context(for: profile) else { return ["there is no variant \"\(variant ?? "")\""] }
    return decodeReport(bytes, with: profile, context)
  }

  /// What it says besides its bytes; `nil`: the profile has no such variant.
  public func context(for profile: Profile) -> DecodeContext? {
    let known = variant.flatMap { profile.variant(named: $0) ?? profile.variant(named: $0.replacing(" ", with: "_")) }
    return variant != nil && known == nil ? nil : DecodeContext(request: request, variant: known, way: way)
  }
}
