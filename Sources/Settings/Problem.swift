// One mistake in a file, said so that an operator can mend it: where, what was found, what was expected.

/// A mistake with its place in a file.
public struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
  public var file: String
  /// Both from 1; 0 when the file itself is the problem.
  public var line: Int
  public var column: Int
  /// The key, from the top: `lanes.north-door.gate`. Empty at the top.
  public var path: String
  public var message: String

  /// The message for a file that is not there.
  public static let noSuchFile = "there is no such file"

  public init(file: String, line: Int, column: Int, path: String, message: String) {
    self.file = file
    self.line = line
    self.column = column
    self.path = path
    self.message = message
  }

  /// `gatehouse.yaml:14:7  devices.door-relays.bus: there is no bus "door-oi"; did you mean "door-io"?`
  public var description: String {
    let place = line > 0 ? "\(file):\(line):\(column)" : file
    return path.isEmpty ? "\(place)  \(message)" : "\(place)  \(path): \(message)"
  }
}

/// Every mistake of a file and of the profiles it names, sorted by place; never empty when thrown.
public struct Problems: Error, Sendable, CustomStringConvertible {
  public var list: [Problem]

  public init(_ list: [Problem]) {
    self.list = list.sorted { ($0.file, $0.line, $0.column, $0.path) < ($1.file, $1.line, $1.column, $1.path) }
  }

  /// A line each.
  public var description: String { list.map(\.description).joined(separator: "\n") }
}
