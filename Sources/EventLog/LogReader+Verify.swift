// Is everything there, unchanged and in order? The chain is computed again over all bodies, personal rows are compared
// with the hashes in the bodies, and each segment must begin where the one before ended. A fault in one segment does not
// hide the next: each begins with an anchor of its own.
//
// What a chain cannot show: that the newest events were cut off (nothing follows them), and that whole segments are
// missing at the beginning (they are dropped when their time is over). Who must be sure of both keeps the newest seq and
// hash elsewhere.

public import Domain
import Foundation
import GRDB

/// What verifying a stream found.
public struct Verification: Sendable {
  /// Events that were read.
  public var count = 0
  /// What is wrong, each with its segment and, where there is one, its seq.
  public var faults: [String] = []
  /// The first thing that is wrong; `nil`: nothing is.
  public var fault: String? { faults.first }
}

extension LogReader {
  /// Reads a whole stream and computes its chain again.
  public func verify(_ stream: Domain.Stream) throws -> Verification {
    var found = Verification()
    var head: Head?
    var isFirst = true
    for file in try folder.files() {
      if file.isDamaged {
        found.faults.append("segment \(file.name) is damaged and was set aside")
        continue
      }
      do {
        let reader = try SegmentReader(path: file.path)
        guard try reader.isBegun() else { continue }
        let anchor = try reader.anchor(stream)
        if let head, anchor != head {
          found.faults.append(
            "segment \(file.name) begins behind \(stream.name) seq \(anchor.seq), but the one before it ends at seq \(head.seq)")
        } else if isFirst, anchor.seq == 0, anchor != Head() {
          found.faults.append("segment \(file.name): the anchor of \(stream.name) was changed")
        }
        isFirst = false
        head = verify(stream, in: reader, file.name, from: anchor, &found)
        if try stream == .records && reader.hasDamagedSnapshot() {
          found.faults.append("segment \(file.name): a snapshot of the door's state was changed")
        }
        if let damage = try reader.damage() { found.faults.append("segment \(file.name) is damaged: \(damage)") }
      } catch {
        found.faults.append("segment \(file.name) can't be read: \(reason(error))")
        head = nil
      }
    }
    return found
  }

  /// Where the stream stands behind this segment; `nil` behind a fault.
  private func verify(
    _ stream: Domain.Stream, in reader: SegmentReader, _ name: String, from anchor: Head, _ found: inout Verification
  ) -> Head? {
    var at = anchor
    while true {
      let rows: [StoredRow]
      do { rows = try reader.rows(stream, after: at.seq, limit: Self.transactionMax) } catch {
        found.faults.append("segment \(name), \(stream.name) behind seq \(at.seq): can't be read: \(reason(error))")
        return nil
      }
      if rows.isEmpty { return at }
      for row in rows {
        if let fault = check(row, after: at) {
          found.faults.append("segment \(name), \(stream.name) seq \(row.seq): \(fault)\(naming(row))")
          return nil
        }
        at = Head(seq: row.seq, hash: row.hash)
        found.count += 1
      }
    }
  }

  /// How else to find the event: its id, and when it was by the column, which may be what was changed.
  private func naming(_ row: StoredRow) -> String {
    " (id \(row.id.isEmpty ? "unreadable" : row.id), time \(timeText(wall: row.wall, utcOffset: 0)))"
  }

  private func check(_ row: StoredRow, after head: Head) -> String? {
    if row.seq != head.seq + 1 { return "seq \(head.seq + 1) is missing" }
    if sha256(head.hash + row.body) != row.hash { return "the body was changed, or one before it" }
    // The columns beside the body are for searching; they must say what it says.
    for (key, value) in [("id", row.id), ("type", row.type)] where row.body.range(of: Data("\"\(key)\":\"\(value)\"".utf8)) == nil {
      return "the \(key) beside the body was changed"
    }
    if let key = row.body.range(of: Data("\"time\":\"".utf8), options: .backwards) {
      let time = String(decoding: row.body[key.upperBound...].prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
      guard time == timeText(wall: row.wall, utcOffset: offset(time)) else { return "the time beside the body was changed" }
    }
    guard !row.personal.isEmpty else { return nil }
    let data = (try? JSONSerialization.jsonObject(with: row.body) as? [String: Any])?["data"] as? [String: Any]
    let hashes = data?["personal_hashes"] as? [String: String] ?? [:]
    for personal in row.personal where hashes[personal.kind] != hex(sha256(personal.salt + personal.content)) {
      return "the personal row \"\(personal.kind)\" was changed"
    }
    return nil
  }

  /// Seconds east of UTC, of a time as events have it.
  private func offset(_ time: String) -> Int32 {
    let parts = time.suffix(5).split(separator: ":").compactMap { Int32($0) }
    guard parts.count == 2 else { return 0 }
    return (parts[0] * 60 + parts[1]) * (time.dropLast(5).last == "-" ? -60 : 60)
  }

  private func reason(_ error: any Error) -> String {
    guard let error = error as? DatabaseError else { return "\(error)" }
    let message = error.message ?? error.resultCode.description
    switch error.resultCode.primaryResultCode {
    case .SQLITE_READONLY, .SQLITE_CANTOPEN:
      return message + "; its -wal and -shm must lie beside it, or the folder be writable"
    default: return message
    }
  }
}
