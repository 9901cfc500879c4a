// A folder of segments. A name is the site's day at its beginning and a number that counts all segments of the log:
//
//     log/20261123-000001.sqlite   log/20261123-000002.sqlite   log/20261124-000003.sqlite
//
// The number is the order: a wall clock that is set back by days gives a name with an earlier day, and the segment is
// the newest all the same. A segment that turns out to be damaged is set aside under a name that says so and is never
// written again:
//
//     log/20261123-000002.sqlite.damaged

import Foundation

/// A file of a log.
struct LogFile: Sendable, Equatable {
  var path: String
  var number: Int
  var isDamaged: Bool

  /// As people read it.
  var name: String { path.split(separator: "/").last.map(String.init) ?? path }
  /// The day in its name.
  var day: String { String(name.prefix(8)) }

  /// `nil` when it is no segment: somebody else's file, or a companion of one.
  init?(folder: String, name: String) {
    let whole = name.hasSuffix(LogFolder.damagedEnding) ? String(name.dropLast(LogFolder.damagedEnding.count)) : name
    guard whole.hasSuffix(LogFolder.ending) else { return nil }
    let parts = whole.dropLast(LogFolder.ending.count).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].count == 8, parts.allSatisfy({ $0.utf8.allSatisfy { 48...57 ~= $0 } }),
      let number = Int(parts[1])
    else { return nil }
    path = folder + "/" + name
    self.number = number
    isDamaged = name != whole
  }
}

/// The files of a log.
struct LogFolder: Sendable {
  let path: String

  static let ending = ".sqlite"
  static let damagedEnding = ".damaged"

  /// All segments and what was set aside, oldest first.
  func files() throws -> [LogFile] {
    try FileManager.default.contentsOfDirectory(atPath: path)
      .compactMap { LogFile(folder: path, name: $0) }
      .sorted { ($0.number, $0.name) < ($1.number, $1.name) }
  }

  /// All segments, oldest first.
  func segments() throws -> [LogFile] { try files().filter { !$0.isDamaged } }

  /// Makes the folder if it is not there.
  func make() throws {
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
  }

  /// The name for a new segment, behind all that are there.
  func next(day: String) throws -> String {
    let number = "\((try files().last?.number ?? 0) + 1)"
    return "\(path)/\(day)-\(String(repeating: "0", count: max(0, 6 - number.count)))\(number)\(Self.ending)"
  }

  /// Sets a segment aside with its companions.
  func setAside(_ segment: String) {
    for tail in ["", "-wal", "-shm"] {
      try? FileManager.default.moveItem(atPath: segment + tail, toPath: segment + Self.damagedEnding + tail)
    }
  }

  /// Bytes of a segment and of its write-ahead log.
  func size(of segment: String) -> (file: Int, wal: Int) {
    // Asked before each commit, so no more than this: the file manager would look up owner and group too.
    func bytes(_ path: String) -> Int {
      var status = stat()
      // Safe: the call reads a terminated text and fills the structure.
      return unsafe stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
    return (bytes(segment), bytes(segment + "-wal"))
  }
}
