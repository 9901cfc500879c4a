// A folder of segments. Their names sort by age: the site's day, then a number within it.
//
//     log/20261123-001.sqlite   log/20261123-002.sqlite   log/20261124-001.sqlite
//
// A segment that turns out to be damaged is set aside under a name that says so and never written again.

import Foundation

/// The files of a log.
struct LogFolder: Sendable {
  let path: String

  static let ending = "sqlite"
  static let damagedEnding = "damaged"

  /// All segments, oldest first.
  func segments() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path)
      .filter { $0.hasSuffix("." + Self.ending) }.sorted().map { path + "/" + $0 }
  }

  /// Makes the folder if it is not there.
  func make() throws {
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
  }

  /// The name for a new segment of this day, behind all that are there.
  func next(day: String) throws -> String {
    let numbers = try FileManager.default.contentsOfDirectory(atPath: path)
      .filter { $0.hasPrefix(day + "-") }.compactMap { Int($0.dropFirst(day.count + 1).prefix(3)) }
    let number = (numbers.max() ?? 0) + 1
    let digits = String(repeating: "0", count: max(0, 3 - "\(number)".count)) + "\(number)"
    return "\(path)/\(day)-\(digits).\(Self.ending)"
  }

  /// Sets a segment aside with its companions.
  func setAside(_ segment: String) {
    for tail in ["", "-wal", "-shm"] {
      try? FileManager.default.moveItem(atPath: segment + tail, toPath: segment + "." + Self.damagedEnding + tail)
    }
  }

  /// Bytes of a segment and of its write-ahead log.
  func size(of segment: String) -> (file: Int, wal: Int) {
    func bytes(_ path: String) -> Int {
      ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? NSNumber)?.intValue ?? 0
    }
    return (bytes(segment), bytes(segment + "-wal"))
  }
}
