// Reads a log: while the door writes it, after it has stopped, or a copy of it. At most 500 events a transaction, and
// no transaction lasts beyond a call, so a reader never holds up the door's checkpoints for long.

public import Domain
public import Foundation
import GRDB

/// An event as it is delivered.
public struct LoggedEvent: Sendable {
  public var stream: Domain.Stream
  public var seq: Int64
  /// The whole CloudEvent with `seq` and `durable`.
  public var json: Data
}

/// What verifying a stream found.
public struct Verification: Sendable {
  /// Events that were read.
  public var count = 0
  /// The first thing that is wrong, with segment and seq; `nil`: nothing is.
  public var fault: String?
}

/// A log folder cannot be read.
public struct LogReaderError: Error, CustomStringConvertible {
  public var description: String
}

/// Reads one segment.
final class SegmentReader {
  let path: String
  private let queue: DatabaseQueue

  init(path: String) throws {
    self.path = path
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(2)
    queue = try DatabaseQueue(path: path, configuration: configuration)
  }

  func newest(_ stream: Domain.Stream) throws -> Int64 { try queue.read { try Segment.head($0, stream).seq } }

  func heads() throws -> [Head] { try queue.read { db in try Domain.Stream.allCases.map { try Segment.head(db, $0) } } }

  func anchor(_ stream: Domain.Stream) throws -> Head {
    try queue.read { db in
      let row = try Row.fetchOne(db, sql: "SELECT seq, hash FROM anchors WHERE stream = ?", arguments: [stream.rawValue])
      return row.map { Head(seq: $0["seq"], hash: Array($0["hash"] as Data)) } ?? Head()
    }
  }

  func snapshots() throws -> [[UInt8]] {
    try queue.read { db in
      try Row.fetchAll(db, sql: "SELECT content, checksum FROM snapshots ORDER BY number DESC").compactMap { row in
        let content = Array(row["content"] as Data)
        return sha256(content) == Array(row["checksum"] as Data) ? content : nil
      }
    }
  }

  func newestRecord() throws -> (type: String, wall: Int64)? {
    try queue.read { db in
      try Row.fetchOne(
        db, sql: "SELECT type, time_ns FROM events WHERE stream = ? ORDER BY seq DESC LIMIT 1",
        arguments: [Domain.Stream.records.rawValue]
      ).map { ($0["type"], $0["time_ns"]) }
    }
  }

  /// Bodies with hash and personal rows, by `seq`.
  func rows(_ stream: Domain.Stream, after seq: Int64, limit: Int) throws -> [StoredRow] {
    try queue.read { db in
      let rows = try Row.fetchAll(
        db, sql: "SELECT seq, body, hash FROM events WHERE stream = ? AND seq > ? ORDER BY seq LIMIT ?",
        arguments: [stream.rawValue, seq, limit])
      guard let last = rows.last else { return [] }
      let end: Int64 = last["seq"]
      var personal: [Int64: [StoredPersonal]] = [:]
      for row in try Row.fetchAll(
        db, sql: "SELECT seq, kind, salt, content FROM personal WHERE stream = ? AND seq > ? AND seq <= ?",
        arguments: [stream.rawValue, seq, end])
      {
        personal[row["seq"], default: []].append(
          StoredPersonal(kind: row["kind"], salt: Array(row["salt"] as Data), content: row["content"]))
      }
      return rows.map { row in
        let seq: Int64 = row["seq"]
        return StoredRow(seq: seq, body: row["body"], hash: Array(row["hash"] as Data), personal: personal[seq] ?? [])
      }
    }
  }
}

struct StoredPersonal {
  var kind: String
  var salt: [UInt8]
  var content: Data
}

struct StoredRow {
  var seq: Int64
  var body: Data
  var hash: [UInt8]
  var personal: [StoredPersonal]
}

/// Reads all segments of a log.
public struct LogReader {
  private let folder: LogFolder
  static let transactionMax = 500

  public init(folder: String) throws {
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
      throw LogReaderError(description: "there is no folder \(folder)")
    }
    self.folder = LogFolder(path: folder)
  }

  /// The highest `seq` of a stream; 0 when it is empty.
  public func newest(_ stream: Domain.Stream) throws -> Int64 {
    guard let last = try folder.segments().last else { return 0 }
    return try SegmentReader(path: last).newest(stream)
  }

  /// The events behind `seq`, at most 500.
  public func read(_ stream: Domain.Stream, after seq: Int64, limit: Int) throws -> [LoggedEvent] {
    var events: [LoggedEvent] = []
    var after = seq
    let most = min(limit, Self.transactionMax)
    for path in try segments(holding: stream, after: seq) where events.count < most {
      for row in try SegmentReader(path: path).rows(stream, after: after, limit: most - events.count) {
        after = row.seq
        events.append(
          LoggedEvent(
            stream: stream, seq: row.seq, json: delivered(row.body, seq: row.seq, personal: row.personal.map(\.content))))
      }
    }
    return events
  }

  /// Segments that may hold events behind `seq`, oldest first: from the newest whose anchor is not behind it.
  private func segments(holding stream: Domain.Stream, after seq: Int64) throws -> [String] {
    let all = try folder.segments()
    var first = all.count
    while first > 0 {
      first -= 1
      if try SegmentReader(path: all[first]).anchor(stream).seq <= seq { break }
    }
    return Array(all[first...])
  }

  /// Reads a whole stream and computes its chain again.
  public func verify(_ stream: Domain.Stream) throws -> Verification {
    var found = Verification()
    var head: Head?
    for path in try folder.segments() {
      let name = path.split(separator: "/").last.map(String.init) ?? path
      let reader = try SegmentReader(path: path)
      let anchor = try reader.anchor(stream)
      if let head, anchor != head {
        found.fault = "segment \(name) begins behind seq \(anchor.seq), but the one before it ends at seq \(head.seq)"
        return found
      }
      var at = anchor
      while true {
        let rows = try reader.rows(stream, after: at.seq, limit: Self.transactionMax)
        if rows.isEmpty { break }
        for row in rows {
          if let fault = check(row, after: at) {
            found.fault = "segment \(name), \(stream.name) seq \(row.seq): \(fault)"
            return found
          }
          at = Head(seq: row.seq, hash: row.hash)
          found.count += 1
        }
      }
      head = at
    }
    return found
  }

  private func check(_ row: StoredRow, after head: Head) -> String? {
    if row.seq != head.seq + 1 { return "seq \(head.seq + 1) is missing" }
    if sha256(head.hash + row.body) != row.hash { return "the body was changed, or one before it" }
    guard !row.personal.isEmpty else { return nil }
    let data = (try? JSONSerialization.jsonObject(with: row.body) as? [String: Any])?["data"] as? [String: Any]
    let hashes = data?["personal_hashes"] as? [String: String] ?? [:]
    for personal in row.personal where hashes[personal.kind] != hex(sha256(personal.salt + personal.content)) {
      return "the personal row \"\(personal.kind)\" was changed"
    }
    return nil
  }
}
