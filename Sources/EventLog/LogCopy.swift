// A log put elsewhere and back. Each segment is read by SQLite's own online backup, in one transaction: what the door
// has committed by then is in the copy, its write-ahead log too, and the door goes on writing meanwhile. A copied
// segment needs no companions, so it can be read from a medium that can't be written.
//
// A copy is made under another name, verified, and then put in its place: a folder that is there is whole.

import Domain
import Foundation
import GRDB

/// What a copy holds.
public struct LogCopy: Sendable {
  public var segments: Int
  /// Events of all streams.
  public var events: Int
  /// What is wrong with it; empty: nothing.
  public var faults: [String]
  /// Where the log that was there before lies now.
  public var replaced: String?
}

/// A backup or a restore that was refused or did not work.
public struct LogCopyError: Error, CustomStringConvertible {
  public var description: String
  /// What is wrong with the events, a sentence each.
  public var faults: [String]

  public init(description: String, faults: [String] = []) {
    self.description = description
    self.faults = faults
  }
}

extension LogReader {
  /// Writes a backup, while a door may write the log. `target` must not be there, or be empty.
  public func backUp(to target: String) throws -> LogCopy {
    let files = FileManager.default
    guard try isFree(target) else { throw LogCopyError(description: "\(target) is not empty") }
    let partial = target + ".partial"
    guard !files.fileExists(atPath: partial) else {
      throw LogCopyError(description: "\(partial) is left from a backup that was interrupted; remove it")
    }
    do {
      try writeFiles(to: partial)
      let copy = try LogReader(folder: partial).looked()
      // What is wrong with the log itself belongs into its backup. The names are the same, so the words are.
      if !copy.faults.isEmpty {
        let own = try looked().faults
        let made = copy.faults.filter { !own.contains($0) }
        guard made.isEmpty else { throw LogCopyError(description: "what was written is not what is in the log", faults: made) }
      }
      try move(partial, to: target)
      return copy
    } catch {
      try? files.removeItem(atPath: partial)
      throw error
    }
  }

  /// Puts this backup at the place of a log. The caller keeps doors away from `log`, which is there.
  /// - Parameters:
  ///   - stamp: names the folder in `log` that takes what was there before; `nil`: refuse to replace anything.
  ///   - damaged: also a backup with faults.
  public func restore(to log: String, replacing stamp: String?, damaged: Bool) throws -> LogCopy {
    let files = FileManager.default
    let target = LogFolder(path: log)
    let old = try target.files()
    guard old.isEmpty || stamp != nil else { throw LogCopyError(description: "\(log) holds a log") }
    let found = try looked()
    guard found.segments > 0 else { throw LogCopyError(description: "there is no log in \(folder.path)") }
    guard found.faults.isEmpty || damaged else {
      throw LogCopyError(description: "the backup in \(folder.path) is damaged", faults: found.faults)
    }
    // What an interrupted restore left; nobody else is here.
    let partial = log + "/restoring"
    if files.fileExists(atPath: partial) { try files.removeItem(atPath: partial) }
    do {
      try writeFiles(to: partial)
      var copy = try LogReader(folder: partial).looked()
      guard copy.events == found.events, copy.faults == found.faults else {
        throw LogCopyError(description: "what was written is not what is in the backup", faults: copy.faults)
      }
      if let stamp, !old.isEmpty {
        let aside = "\(log)/replaced-\(stamp)"
        try files.createDirectory(atPath: aside, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o750])
        for file in old.reversed() {
          for tail in companions where files.fileExists(atPath: file.path + tail) {
            try move(file.path + tail, to: "\(aside)/\(file.name)\(tail)")
          }
        }
        copy.replaced = aside
      }
      // Root may restore; the door must be able to write.
      var owner = stat()
      _ = unsafe stat(log, &owner)
      for file in try LogFolder(path: partial).files() {
        for tail in companions where files.fileExists(atPath: file.path + tail) {
          _ = unsafe chown(file.path + tail, owner.st_uid, owner.st_gid)
          try move(file.path + tail, to: "\(log)/\(file.name)\(tail)")
        }
      }
      try files.removeItem(atPath: partial)
      sync(log)
      return copy
    } catch {
      try? files.removeItem(atPath: partial)
      throw error
    }
  }

  /// All events read and checked.
  private func looked() throws -> LogCopy {
    var copy = LogCopy(segments: try folder.segments().count, events: 0, faults: [])
    for stream in Domain.Stream.allCases {
      let found = try verify(stream)
      copy.events += found.count
      // A file that can't be read is told once.
      copy.faults += found.faults.filter { !copy.faults.contains($0) }
    }
    return copy
  }

  /// Whether nothing is there.
  private func isFree(_ path: String) throws -> Bool {
    guard FileManager.default.fileExists(atPath: path) else { return true }
    return try FileManager.default.contentsOfDirectory(atPath: path).isEmpty
  }

  private func writeFiles(to target: String) throws {
    let files = FileManager.default
    try files.createDirectory(atPath: target, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
    for file in try folder.files() {
      if file.isDamaged {
        // Nobody writes it any more, and SQLite may not understand it.
        for tail in companions where files.fileExists(atPath: file.path + tail) {
          try files.copyItem(atPath: file.path + tail, toPath: "\(target)/\(file.name)\(tail)")
          _ = unsafe chmod("\(target)/\(file.name)\(tail)", 0o640)
        }
        continue
      }
      // It may have been dropped since the folder was listed: its time was over.
      guard files.fileExists(atPath: file.path) else { continue }
      do { try SegmentReader(path: file.path).copy(to: "\(target)/\(file.name)") } catch let error as DatabaseError {
        throw LogCopyError(description: "segment \(file.name): \(error.message ?? error.resultCode.description)")
      }
    }
    sync(target)
  }
}

private let companions = ["", "-wal", "-shm"]

extension SegmentReader {
  /// Writes what is committed to a new file that needs no companions.
  fileprivate func copy(to path: String) throws {
    guard try isBegun() else { return }
    // Made before SQLite opens it, so that nobody else can read it at any moment.
    guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o640]) else {
      throw DatabaseError(resultCode: .SQLITE_CANTOPEN, message: "\(path) can't be made")
    }
    let target = try DatabaseQueue(path: path)
    try backUp(to: target)
    try target.writeWithoutTransaction { db in
      guard try String.fetchOne(db, sql: "PRAGMA journal_mode = DELETE") == "delete" else {
        throw DatabaseError(resultCode: .SQLITE_BUSY, message: "somebody else has opened \(path)")
      }
    }
    try target.close()
  }
}

/// Puts a file or folder under another name at once.
private func move(_ path: String, to target: String) throws {
  // Safe: two terminated texts, which are only read.
  guard unsafe rename(path, target) == 0 else {
    let reason = unsafe String(cString: strerror(errno))
    throw LogCopyError(description: "\(path) can't be moved to \(target): \(reason)")
  }
}

/// Names in a folder are on the disk behind this.
private func sync(_ folder: String) {
  let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard descriptor >= 0 else { return }
  fsync(descriptor)
  close(descriptor)
}
