// One file of the log: an SQLite database in WAL mode with synchronous=FULL, so that what was committed is on the disk.
//
//     events    (stream, seq)  id  type  time_ns  body  hash      the chain: hash = SHA-256(previous hash ‖ body)
//     personal  (stream, seq, kind)  salt  content                 forgotten by deleting rows; the body keeps their hash
//     anchors   stream  seq  hash                                   where each stream stood when this file began
//     snapshots number  content  checksum                           the newest two
//     facts     key  value                                          clean stop

import Domain
import Foundation
import GRDB
import GRDBSQLite

/// Where a stream stands.
struct Head: Equatable {
  var seq: Int64 = 0
  var hash = [UInt8](repeating: 0, count: 32)
}

/// A segment that is open for writing.
final class Segment {
  let path: String
  private let queue: DatabaseQueue

  /// Opens or creates the file. `anchors`: where the streams stand if it is new.
  init(path: String, anchors: [Head]) throws {
    self.path = path
    var configuration = Configuration()
    configuration.label = "log"
    configuration.busyMode = .timeout(2)
    configuration.maximumReaderCount = 1
    configuration.prepareDatabase { db in
      try db.execute(sql: "PRAGMA journal_mode = WAL")
      try db.execute(sql: "PRAGMA synchronous = FULL")
      try db.execute(sql: "PRAGMA secure_delete = ON")
      // 256 KiB: the log is appended to, not searched, by the door.
      try db.execute(sql: "PRAGMA cache_size = -256")
      var on: CInt = 1
      // Safe: SQLite reads one int and keeps no pointer. Readers need the -wal and -shm after the door has closed.
      _ = unsafe sqlite3_file_control(db.sqliteConnection, nil, SQLITE_FCNTL_PERSIST_WAL, &on)
    }
    queue = try DatabaseQueue(path: path, configuration: configuration)
    try queue.write { db in
      try Segment.createTables(db)
      for (stream, head) in zip(Domain.Stream.allCases, anchors) {
        try db.execute(
          sql: "INSERT OR IGNORE INTO anchors (stream, seq, hash) VALUES (?, ?, ?)",
          arguments: [stream.rawValue, head.seq, Data(head.hash)])
      }
    }
    for file in [path, path + "-wal", path + "-shm"] { _ = unsafe chmod(file, 0o640) }
  }

  private static func createTables(_ db: Database) throws {
    try db.execute(
      sql: """
        CREATE TABLE IF NOT EXISTS events (
          stream INTEGER NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL,
          time_ns INTEGER NOT NULL, body BLOB NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (stream, seq)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS personal (
          stream INTEGER NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, time_ns INTEGER NOT NULL, salt BLOB NOT NULL,
          content BLOB NOT NULL, PRIMARY KEY (stream, seq, kind)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS anchors (stream INTEGER PRIMARY KEY, seq INTEGER NOT NULL, hash BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS snapshots (number INTEGER PRIMARY KEY, content BLOB NOT NULL, checksum BLOB NOT NULL);
        """)
  }

  /// Where each stream stands, as the file says.
  func heads() throws -> [Head] {
    try queue.read { db in try Domain.Stream.allCases.map { try Segment.head(db, $0) } }
  }

  static func head(_ db: Database, _ stream: Domain.Stream) throws -> Head {
    let newest = try Row.fetchOne(
      db, sql: "SELECT seq, hash FROM events WHERE stream = ? ORDER BY seq DESC LIMIT 1", arguments: [stream.rawValue])
    let row = try newest ?? Row.fetchOne(db, sql: "SELECT seq, hash FROM anchors WHERE stream = ?", arguments: [stream.rawValue])
    guard let row else { return Head() }
    return Head(seq: row["seq"], hash: Array(row["hash"] as Data))
  }

  /// Appends a group in one transaction, with a snapshot that belongs to it. Events that are there already (a commit
  /// that was reported as failed may have worked) keep their `seq`. Returns each event's `seq` and the new heads.
  func append(_ group: [FormattedEvent], snapshot: [UInt8]?, from heads: [Head]) throws -> (seqs: [Int64], heads: [Head]) {
    try queue.write { db in
      var heads = heads
      var seqs: [Int64] = []
      let insert = try db.cachedStatement(
        sql: "INSERT INTO events (stream, seq, id, type, time_ns, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)")
      let known = try db.cachedStatement(sql: "SELECT seq FROM events WHERE id = ?")
      for event in group {
        if let seq = try Int64.fetchOne(known, arguments: [event.id]) {
          seqs.append(seq)
          continue
        }
        let stream = Int(event.stream.rawValue)
        let seq = heads[stream].seq + 1
        let hash = sha256(heads[stream].hash + event.body)
        try insert.execute(arguments: [
          event.stream.rawValue, seq, event.id, event.type, event.wall, Data(event.body), Data(hash),
        ])
        for row in event.personal {
          try db.execute(
            sql: "INSERT INTO personal (stream, seq, kind, time_ns, salt, content) VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [event.stream.rawValue, seq, row.kind.rawValue, event.wall, Data(row.salt), Data(row.content)])
        }
        heads[stream] = Head(seq: seq, hash: hash)
        seqs.append(seq)
      }
      if let snapshot { try Segment.keep(db, snapshot) }
      return (seqs, heads)
    }
  }

  private static func keep(_ db: Database, _ snapshot: [UInt8]) throws {
    try db.execute(
      sql: "INSERT INTO snapshots (content, checksum) VALUES (?, ?)", arguments: [Data(snapshot), Data(sha256(snapshot))])
    try db.execute(sql: "DELETE FROM snapshots WHERE number <= (SELECT max(number) FROM snapshots) - 2")
  }

  /// Snapshots whose checksum holds, newest first.
  func snapshots() throws -> [[UInt8]] {
    try queue.read { db in
      try Row.fetchAll(db, sql: "SELECT content, checksum FROM snapshots ORDER BY number DESC").compactMap { row in
        let content = Array(row["content"] as Data)
        return sha256(content) == Array(row["checksum"] as Data) ? content : nil
      }
    }
  }

  /// Type and time of the newest record, for "how long was the door down".
  func newestRecord() throws -> (type: String, wall: Int64)? {
    try queue.read { db in
      try Row.fetchOne(
        db, sql: "SELECT type, time_ns FROM events WHERE stream = ? ORDER BY seq DESC LIMIT 1",
        arguments: [Domain.Stream.records.rawValue]
      ).map { ($0["type"], $0["time_ns"]) }
    }
  }

  func close() throws { try queue.close() }
}
