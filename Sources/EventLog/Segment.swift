// One file of the log: an SQLite database in WAL mode with synchronous=FULL, so that what was committed is on the disk.
//
//     events    (stream, seq)  id  type  time_ns  body  hash      the chain: hash = SHA-256(previous hash ‖ body)
//     personal  (stream, seq, kind)  salt  content                 forgotten by deleting rows; the body keeps their hash
//     anchors   stream  seq  hash                                   where each stream stood when this file began
//     snapshots number  content  checksum                           the newest two
//
// Tables, anchors and the state that is carried over come in one transaction: a file either has been begun or is empty.

import Domain
import Foundation
import GRDB
import GRDBSQLite

/// A segment that is open for writing.
final class Segment {
  let path: String
  private let queue: DatabaseQueue

  /// Opens the file, or makes an empty one. `syncs`: a commit waits for the disk.
  init(path: String, syncs: Bool = true) throws {
    self.path = path
    var configuration = Configuration()
    configuration.label = "log"
    configuration.busyMode = .timeout(2)
    configuration.maximumReaderCount = 1
    configuration.prepareDatabase { db in
      // Before anything is written: it may be somebody else's.
      _ = try db.isBegun()
      guard try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL") == "wal" else {
        throw DatabaseError(resultCode: .SQLITE_CANTOPEN, message: "this file system does not let SQLite keep a write-ahead log")
      }
      try db.execute(sql: "PRAGMA synchronous = \(syncs ? "FULL" : "OFF")")
      try db.execute(sql: "PRAGMA secure_delete = ON")
      // 256 KiB: the log is appended to, not searched, by the door.
      try db.execute(sql: "PRAGMA cache_size = -256")
      // Every commit of one event writes some six pages to the write-ahead log, most of them again and again. At SQLite's
      // 1000 pages, 140 kB of events would fill a disk of 3 MB; a full disk must be full of events.
      try db.execute(sql: "PRAGMA wal_autocheckpoint = 256")
      // A write-ahead log that a reader made grow is cut back, and an old segment leaves an empty one.
      try db.execute(sql: "PRAGMA journal_size_limit = 8388608")
      var on: CInt = 1
      // Safe: SQLite reads one int and keeps no pointer. Readers need the -wal and -shm after the door has closed.
      _ = unsafe sqlite3_file_control(db.sqliteConnection, nil, SQLITE_FCNTL_PERSIST_WAL, &on)
    }
    queue = try DatabaseQueue(path: path, configuration: configuration)
    for file in [path, path + "-wal", path + "-shm"] { _ = unsafe chmod(file, 0o640) }
  }

  /// Whether the file can only be read: its permissions, or the file system's.
  func isReadOnly() throws -> Bool {
    // Safe: SQLite reads the name and answers from what it knows of the open file.
    try queue.read { db in unsafe sqlite3_db_readonly(db.sqliteConnection, "main") == 1 }
  }

  /// Makes the tables of an empty file. `heads`: where the streams stand; `snapshot`: the newest there is, so that a
  /// restart never depends on the file before.
  func begin(at heads: [Head], snapshot: [UInt8]?) throws {
    try queue.write { db in
      try db.execute(
        sql: """
          CREATE TABLE events (
            stream INTEGER NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL,
            time_ns INTEGER NOT NULL, body BLOB NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (stream, seq)) WITHOUT ROWID;
          CREATE TABLE personal (
            stream INTEGER NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, time_ns INTEGER NOT NULL, salt BLOB NOT NULL,
            content BLOB NOT NULL, PRIMARY KEY (stream, seq, kind)) WITHOUT ROWID;
          CREATE TABLE anchors (stream INTEGER PRIMARY KEY, seq INTEGER NOT NULL, hash BLOB NOT NULL);
          CREATE TABLE snapshots (number INTEGER PRIMARY KEY, content BLOB NOT NULL, checksum BLOB NOT NULL);
          PRAGMA application_id = \(Mark.application);
          PRAGMA user_version = \(Mark.version);
          """)
      for (stream, head) in zip(Domain.Stream.allCases, heads) {
        try db.execute(
          sql: "INSERT INTO anchors (stream, seq, hash) VALUES (?, ?, ?)",
          arguments: [stream.rawValue, head.seq, Data(head.hash)])
      }
      if let snapshot { try Segment.keep(db, snapshot) }
    }
    // SQLite makes these with the first transaction.
    for file in [path + "-wal", path + "-shm"] { _ = unsafe chmod(file, 0o640) }
  }

  /// Where each stream stands; `nil`: the file was made and not begun.
  func heads() throws -> [Head]? {
    try queue.read { db in try db.isBegun() ? Domain.Stream.allCases.map { try db.head($0) } : nil }
  }

  /// Moves everything from the write-ahead log into the file and syncs that. After a sync that failed, the kernel may
  /// count pages as written that never reached the disk; this writes them again, to another place.
  /// - Returns: whether all of it was moved; a reader may hold some back.
  func settle() throws -> Bool {
    try queue.writeWithoutTransaction { db in
      try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)").map { $0[0] == 0 } ?? true
    }
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
      let personal = try db.cachedStatement(
        sql: "INSERT INTO personal (stream, seq, kind, time_ns, salt, content) VALUES (?, ?, ?, ?, ?, ?)")
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
          try personal.execute(arguments: [
            event.stream.rawValue, seq, row.kind.rawValue, event.wall, Data(row.salt), Data(row.content),
          ])
        }
        heads[stream] = Head(seq: seq, hash: hash)
        seqs.append(seq)
      }
      if let snapshot { try Segment.keep(db, snapshot) }
      return (seqs, heads)
    }
  }

  private static func keep(_ db: Database, _ snapshot: [UInt8]) throws {
    let checksum = Data(sha256(snapshot))
    // A group that was there after all brings its snapshot again: twice the same would push out the one before.
    let newest = try Data.fetchOne(db.cachedStatement(sql: "SELECT checksum FROM snapshots ORDER BY number DESC LIMIT 1"))
    if newest == checksum { return }
    // The oldest goes first: the newest takes its pages, instead of pages that are written beside them.
    let forget = try db.cachedStatement(sql: "DELETE FROM snapshots WHERE number < (SELECT max(number) FROM snapshots)")
    let keep = try db.cachedStatement(sql: "INSERT INTO snapshots (content, checksum) VALUES (?, ?)")
    try forget.execute()
    try keep.execute(arguments: [Data(snapshot), checksum])
  }

  /// Deletes the snapshots, also from the write-ahead log.
  func forgetSnapshots() throws {
    try queue.write { try $0.execute(sql: "DELETE FROM snapshots") }
    _ = try settle()
  }

  func close() throws { try queue.close() }
}
