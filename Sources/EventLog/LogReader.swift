// Reads a log: while the door writes it, after it has stopped, or a copy of it. At most 500 events a transaction, and
// no transaction or open file lasts beyond a call, so a reader never holds up the door's checkpoints for long.

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

  /// `false`: the door is just making it, or was killed while it did.
  func isBegun() throws -> Bool { try queue.read { try $0.isBegun() } }

  func heads() throws -> [Head]? {
    try queue.read { db in try db.isBegun() ? Domain.Stream.allCases.map { try db.head($0) } : nil }
  }

  func anchor(_ stream: Domain.Stream) throws -> Head { try queue.read { try $0.anchor(stream) } }
  func snapshots() throws -> [[UInt8]] { try queue.read { try $0.snapshots() } }
  /// Whether a snapshot is there whose checksum does not hold.
  func hasDamagedSnapshot() throws -> Bool {
    try queue.read { try $0.snapshots().count != Int.fetchOne($0, sql: "SELECT count(*) FROM snapshots") }
  }

  func newestRecord() throws -> (type: String, wall: Int64)? { try queue.read { try $0.newestRecord() } }

  func rows(_ stream: Domain.Stream, after seq: Int64, limit: Int) throws -> [StoredRow] {
    try queue.read { try $0.rows(stream, after: seq, limit: limit) }
  }

  func rows(_ stream: Domain.Stream, of types: [String], since wall: Int64) throws -> [(seq: Int64, body: Data)] {
    try queue.read { db in
      let marks = types.map { _ in "?" }.joined(separator: ", ")
      let rows = try Row.fetchAll(
        db, sql: "SELECT seq, body FROM events WHERE stream = \(stream.rawValue) AND time_ns >= ? AND type IN (\(marks)) ORDER BY seq",
        arguments: StatementArguments([wall]) + StatementArguments(types))
      return rows.map { ($0["seq"], $0["body"]) }
    }
  }

  /// When the first record of this segment was, ns since 1970 UTC.
  func oldestRecord() throws -> Int64? {
    try queue.read { try Int64.fetchOne($0, sql: "SELECT time_ns FROM events WHERE stream = 0 ORDER BY seq LIMIT 1") }
  }

  /// What SQLite itself finds wrong with the file, its indexes too; `nil`: nothing.
  func damage() throws -> String? {
    let found = try queue.read { try String.fetchOne($0, sql: "PRAGMA integrity_check(1)") }
    // A heading, which names the database, and a line.
    return found == "ok" ? nil : found?.split(separator: "\n").last.map(String.init)
  }

  /// Copies all that is committed in one transaction, which holds up no writer.
  func backUp(to target: DatabaseQueue) throws { try queue.backup(to: target) }
}

/// Reads all segments of a log. Used by one thread.
public final class LogReader {
  let folder: LogFolder
  static let transactionMax = 500
  /// A segment's anchors never change, so each is read once.
  private var anchors: [String: [Int64]] = [:]

  public init(folder: String) throws {
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
      throw LogReaderError(description: "there is no folder \(folder)")
    }
    self.folder = LogFolder(path: folder)
  }

  /// The highest `seq` of a stream; 0 when it is empty.
  public func newest(_ stream: Domain.Stream) throws -> Int64 {
    for file in try folder.segments().reversed() {
      if let heads = try SegmentReader(path: file.path).heads() { return heads[Int(stream.rawValue)].seq }
    }
    return 0
  }

  /// The events behind `seq`, at most 500; `personal`: with the personal members that are still there.
  public func read(_ stream: Domain.Stream, after seq: Int64, limit: Int, personal: Bool = true) throws -> [LoggedEvent] {
    var events: [LoggedEvent] = []
    var after = seq
    let most = min(limit, Self.transactionMax)
    for path in try segments(holding: stream, after: seq) where events.count < most {
      for row in try SegmentReader(path: path).rows(stream, after: after, limit: most - events.count) {
        after = row.seq
        events.append(
          LoggedEvent(
            stream: stream, seq: row.seq,
            json: delivered(row.body, seq: row.seq, personal: personal ? row.personal.map(\.content) : [])))
      }
    }
    return events
  }

  /// The events of these types since a moment (ns since 1970 UTC), in order, without what is personal.
  public func read(_ stream: Domain.Stream, of types: [String], since wall: Int64) throws -> [LoggedEvent] {
    var found: [[LoggedEvent]] = []
    for file in try folder.segments().reversed() {
      let reader = try SegmentReader(path: file.path)
      guard try reader.isBegun() else { continue }
      found.append(
        try reader.rows(stream, of: types, since: wall).map {
          LoggedEvent(stream: stream, seq: $0.seq, json: delivered($0.body, seq: $0.seq, personal: []))
        })
      if let oldest = try reader.oldestRecord(), oldest < wall { break }
    }
    return found.reversed().flatMap(\.self)
  }

  /// Segments that may hold events behind `seq`, oldest first: from the newest that began at it or before.
  private func segments(holding stream: Domain.Stream, after seq: Int64) throws -> [String] {
    var found: [String] = []
    for file in try folder.segments().reversed() {
      guard let anchor = try anchors(of: file)?[Int(stream.rawValue)] else { continue }
      found.append(file.path)
      if anchor <= seq { break }
    }
    return found.reversed()
  }

  private func anchors(of file: LogFile) throws -> [Int64]? {
    if let known = anchors[file.path] { return known }
    let reader = try SegmentReader(path: file.path)
    guard try reader.isBegun() else { return nil }
    let read = try Domain.Stream.allCases.map { try reader.anchor($0).seq }
    anchors[file.path] = read
    return read
  }
}
