// What a segment's tables hold, for whoever has it open: the door to write, anybody to read.

import Domain
import Foundation
import GRDB

/// Where a stream stands.
struct Head: Equatable {
  var seq: Int64 = 0
  var hash = [UInt8](repeating: 0, count: 32)

  /// Behind all that so many files can hold that can't be read: 16 million events a file, 2 GB of the smallest there are.
  /// A seq that may be in one of them is never given again.
  func behind(files: Int64) -> Head { Head(seq: seq + files * (1 << 24), hash: hash) }

  static let none = Domain.Stream.allCases.map { _ in Head() }
}

struct StoredPersonal {
  var kind: String
  var salt: [UInt8]
  var content: Data
}

struct StoredRow {
  var seq: Int64
  var id: String
  var type: String
  /// ns since 1970 UTC.
  var wall: Int64
  var body: Data
  var hash: [UInt8]
  var personal: [StoredPersonal]
}

/// The marks of a file of ours, in SQLite's own fields.
enum Mark {
  /// `GHLG`
  static let application: Int32 = 0x4748_4c47
  /// Raised when the tables change.
  static let version: Int32 = 1
}

extension Database {
  /// Whether the segment was begun: its tables and anchors came in one transaction, so it has both or nothing. Throws
  /// for a file that is somebody else's.
  func isBegun() throws -> Bool {
    guard try Int.fetchOne(self, sql: "SELECT count(*) FROM sqlite_master") ?? 0 > 0 else { return false }
    guard try Int32.fetchOne(self, sql: "PRAGMA application_id") == Mark.application else {
      throw DatabaseError(resultCode: .SQLITE_NOTADB, message: "it is no segment of a log")
    }
    let version = try Int32.fetchOne(self, sql: "PRAGMA user_version") ?? 0
    guard version <= Mark.version else {
      throw DatabaseError(resultCode: .SQLITE_MISMATCH, message: "it was written by a newer version of Gatehouse")
    }
    return true
  }

  /// Where each stream stood when the segment was begun.
  func anchor(_ stream: Domain.Stream) throws -> Head {
    let row = try Row.fetchOne(self, sql: "SELECT seq, hash FROM anchors WHERE stream = ?", arguments: [stream.rawValue])
    guard let row else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "an anchor is missing") }
    return try head(row)
  }

  /// Where each stream stands.
  func head(_ stream: Domain.Stream) throws -> Head {
    let newest = try Row.fetchOne(
      self, sql: "SELECT seq, hash FROM events WHERE stream = ? ORDER BY seq DESC LIMIT 1", arguments: [stream.rawValue])
    return try newest.map(head) ?? anchor(stream)
  }

  private func head(_ row: Row) throws -> Head {
    guard let seq = Int64.fromDatabaseValue(row["seq"]), let hash = Data.fromDatabaseValue(row["hash"]) else {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a seq or a hash is none")
    }
    return Head(seq: seq, hash: Array(hash))
  }

  /// Snapshots whose checksum holds, newest first.
  func snapshots() throws -> [[UInt8]] {
    try Row.fetchAll(self, sql: "SELECT content, checksum FROM snapshots ORDER BY number DESC").compactMap { row in
      guard let content = Data.fromDatabaseValue(row["content"]), let checksum = Data.fromDatabaseValue(row["checksum"]) else {
        return nil
      }
      return sha256(Array(content)) == Array(checksum) ? Array(content) : nil
    }
  }

  /// Type and time of the newest record, for "how long was the door down".
  func newestRecord() throws -> (type: String, wall: Int64)? {
    let row = try Row.fetchOne(
      self, sql: "SELECT type, time_ns FROM events WHERE stream = ? ORDER BY seq DESC LIMIT 1",
      arguments: [Domain.Stream.records.rawValue])
    guard let row, let type = String.fromDatabaseValue(row["type"]), let wall = Int64.fromDatabaseValue(row["time_ns"]) else {
      return nil
    }
    return (type, wall)
  }

  /// Events with hash and personal rows, by `seq`.
  func rows(_ stream: Domain.Stream, after seq: Int64, limit: Int) throws -> [StoredRow] {
    var rows: [StoredRow] = []
    for row in try Row.fetchAll(
      self, sql: "SELECT seq, id, type, time_ns, body, hash FROM events WHERE stream = ? AND seq > ? ORDER BY seq LIMIT ?",
      arguments: [stream.rawValue, seq, limit])
    {
      // A damaged file may hold anything anywhere: what is not as it should be becomes empty, and no hash fits it.
      rows.append(
        StoredRow(
          seq: Int64.fromDatabaseValue(row["seq"]) ?? seq, id: String.fromDatabaseValue(row["id"]) ?? "",
          type: String.fromDatabaseValue(row["type"]) ?? "", wall: Int64.fromDatabaseValue(row["time_ns"]) ?? 0,
          body: Data.fromDatabaseValue(row["body"]) ?? Data(), hash: Data.fromDatabaseValue(row["hash"]).map(Array.init) ?? [], personal: []))
    }
    guard let last = rows.last else { return [] }
    let personal = try personal(stream, after: seq, through: last.seq)
    for index in rows.indices { rows[index].personal = personal[rows[index].seq] ?? [] }
    return rows
  }

  private func personal(_ stream: Domain.Stream, after seq: Int64, through end: Int64) throws -> [Int64: [StoredPersonal]] {
    var personal: [Int64: [StoredPersonal]] = [:]
    for row in try Row.fetchAll(
      self, sql: "SELECT seq, kind, salt, content FROM personal WHERE stream = ? AND seq > ? AND seq <= ?",
      arguments: [stream.rawValue, seq, end])
    {
      guard let seq = Int64.fromDatabaseValue(row["seq"]) else { continue }
      personal[seq, default: []].append(
        StoredPersonal(
          kind: String.fromDatabaseValue(row["kind"]) ?? "", salt: Data.fromDatabaseValue(row["salt"]).map(Array.init) ?? [],
          content: Data.fromDatabaseValue(row["content"]) ?? Data()))
    }
    return personal
  }
}

extension DatabaseError {
  /// The file is damaged or somebody else's: set it aside and begin another. Rows that cannot be there twice and are
  /// show the same as what SQLite notices itself.
  var isDamage: Bool { [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_CONSTRAINT].contains(resultCode.primaryResultCode) }
  /// The disk failed, so what it holds of the last commit is not known.
  var isDiskFailure: Bool { resultCode.primaryResultCode == .SQLITE_IOERR }
}
