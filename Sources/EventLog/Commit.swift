// The thread that waits for the disk, as a step function: take a group from the tail, write it with the snapshot that
// belongs to it, say what is durable now. While one commit runs, events gather, and the next takes them all.
//
// A commit that fails is never believed and never retried as it was: the segment is closed and opened again, it is read
// where the streams stand, and the group is appended anew; an event that is there after all keeps its place.

public import Domain
import Foundation
import GRDB
public import Rings

/// Where and how the log is kept.
public struct LogPlan: Sendable {
  /// The folder of segments.
  public var folder: String
  /// A segment is closed at this size.
  public var segmentBytes: Int
  /// … or when a reader holds its write-ahead log beyond this size.
  public var walBytes = 64 << 20
  /// Events a transaction.
  public var groupMax = 512
  /// The layout of snapshots that may be restored.
  public var snapshotLayout: UInt64

  public init(folder: String, segmentBytes: Int = 256 << 20, snapshotLayout: UInt64) {
    self.folder = folder
    self.segmentBytes = segmentBytes
    self.snapshotLayout = snapshotLayout
  }
}

/// One event that is durable now.
public struct Committed: Sendable {
  public var stream: Domain.Stream
  public var seq: Int64
  public var id: String
  public var answers: AnsweredBy?
}

/// What a step came to.
public enum CommitProgress: Sendable {
  case idle
  case committed([Committed])
  /// Nothing is lost: the group stays in the tail. Try again after `retryAfter`.
  case failed(reason: String, retryAfter: Interval)
}

/// What an earlier run left behind.
public struct Resume: Sendable {
  public var snapshot: Snapshot?
  /// When its newest record was made, ns since 1970 UTC; `nil`: the log is empty.
  public var lastRecord: Int64?
  public var stoppedCleanly: Bool
}

/// Commits the tail to segments. Used by one thread.
public final class Commit {
  private let plan: LogPlan
  private let tail: Tail
  private let snapshots: Exchange
  private let folder: LogFolder
  private var segment: Segment?
  private var heads = Domain.Stream.allCases.map { _ in Head() }
  private var day = ""
  private var pending: (bytes: [UInt8], lastEvent: UInt64)?
  private var backOff = Interval.milliseconds(100)

  public init(_ plan: LogPlan, tail: Tail, snapshots: Exchange) {
    self.plan = plan
    self.tail = tail
    self.snapshots = snapshots
    folder = LogFolder(path: plan.folder)
  }

  /// Opens the newest segment and reads what an earlier run left. Failing is not fatal: `step` tries again.
  public func resume(today: String) throws -> Resume {
    try open(today: today)
    guard let segment else { return Resume(snapshot: nil, lastRecord: nil, stoppedCleanly: true) }
    let newest = try newestRecord(segment)
    return Resume(
      snapshot: try newestSnapshot(segment), lastRecord: newest?.wall,
      stoppedCleanly: newest == nil || newest?.type == "gatehouse.system.stopping")
  }

  /// The newest snapshot of this layout; a segment that has just begun has none yet, so the one before is asked too.
  private func newestSnapshot(_ segment: Segment) throws -> Snapshot? {
    for content in try segment.snapshots() {
      if let snapshot = Snapshot(content, layout: plan.snapshotLayout) { return snapshot }
    }
    guard let before = try folder.segments().last(where: { $0 != segment.path }) else { return nil }
    let reader = try SegmentReader(path: before)
    return try reader.snapshots().lazy.compactMap { Snapshot($0, layout: self.plan.snapshotLayout) }.first
  }

  private func newestRecord(_ segment: Segment) throws -> (type: String, wall: Int64)? {
    if let newest = try segment.newestRecord() { return newest }
    guard let before = try folder.segments().last(where: { $0 != segment.path }) else { return nil }
    return try SegmentReader(path: before).newestRecord()
  }

  /// Commits one group. `today`: the site's day, yyyymmdd.
  public func step(today: String, at now: Instant, clock: () -> Instant) -> CommitProgress {
    takeSnapshots()
    let group = tail.group(atMost: plan.groupMax)
    guard !group.isEmpty else { return .idle }
    do {
      if segment == nil { try open(today: today) }
      try rotate(today: today)
      guard let segment else { return .idle }
      let last = group.last { if case .records = $0.stream { true } else { false } }?.counter ?? group[group.count - 1].counter
      let snapshot = pending.flatMap { $0.lastEvent <= last ? $0.bytes : nil }
      let result = try segment.append(group, snapshot: snapshot, from: heads)
      heads = result.heads
      if snapshot != nil { pending = nil }
      tail.remove(group, at: clock())
      backOff = .milliseconds(100)
      return .committed(
        zip(group, result.seqs).map { Committed(stream: $0.stream, seq: $1, id: $0.id, answers: $0.answers) })
    } catch {
      return fail(error)
    }
  }

  /// Keeps the newest snapshot that was handed over.
  private func takeSnapshots() {
    while let bytes = unsafe snapshots.take({ unsafe Array($0) }) {
      guard let snapshot = Snapshot(bytes, layout: plan.snapshotLayout) else { continue }
      pending = (bytes, snapshot.lastEvent)
    }
  }

  private func fail(_ error: any Error) -> CommitProgress {
    try? segment?.close()
    if isDamage(error), let path = segment?.path { folder.setAside(path) }
    segment = nil
    let wait = backOff
    backOff = min(backOff * 2, .seconds(5))
    return .failed(reason: "\(error)", retryAfter: wait)
  }

  private func isDamage(_ error: any Error) -> Bool {
    guard let error = error as? DatabaseError else { return false }
    return error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB
  }

  /// Opens the newest segment, or the first one.
  private func open(today: String) throws {
    try folder.make()
    if let newest = try folder.segments().last {
      do {
        let opened = try Segment(path: newest, anchors: heads)
        heads = try opened.heads()
        segment = opened
        day = String(newest.split(separator: "/").last?.prefix(8) ?? "")
        return
      } catch where isDamage(error) {
        folder.setAside(newest)
        // The streams go on behind what is known: this run's own heads, or the newest segment that can be read.
        if let before = try folder.segments().last { heads = try SegmentReader(path: before).heads() }
      }
    }
    try begin(today)
  }

  private func begin(_ today: String) throws {
    segment = try Segment(path: folder.next(day: today), anchors: heads)
    day = today
  }

  private func rotate(today: String) throws {
    guard let segment else { return }
    let size = folder.size(of: segment.path)
    guard today != day || size.file >= plan.segmentBytes || size.wal >= plan.walBytes else { return }
    try segment.close()
    self.segment = nil
    try begin(today)
  }

  /// Closes the segment; what was committed stays.
  public func close() {
    try? segment?.close()
    segment = nil
  }
}
