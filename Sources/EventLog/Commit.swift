// The thread that waits for the disk, as a step function: take a group from the tail, write it with the snapshot that
// belongs to it, say what is durable now. While one commit runs, events gather, and the next takes them all.
//
// What holds on the disk after every commit, and so after a crash at any moment:
//
// - The newest snapshot contains no event that is not there: a group holds all records its snapshot contains (Tail).
// - No record that changed the state is newer than the newest snapshot: such a record waits in the tail for its
//   snapshot. The wait is bounded by `snapshotWait`; only a real-time thread that stands still between a turn and its
//   copy for longer, and is killed before it goes on, leaves a record that the restored state does not know.
// - A new segment begins with the newest snapshot, so the newest segment alone is enough for a restart.
//
// So a restart needs the newest snapshot and nothing else: there are no events after it to apply.
//
// A commit that fails is never believed and never retried as it was: the segment is closed and opened again, its
// write-ahead log is moved into the file if the disk had failed, it is read where the streams stand, and the group is
// appended anew, the same group; an event that is there after all keeps its place. Until that is done no other segment is
// begun, so an id is never in two. A file that is damaged is set aside, and the streams go on in a new one.

public import Domain
import Foundation
import GRDB

/// Where and how the log is kept.
public struct LogPlan: Sendable {
  /// The folder of segments.
  public var folder: String
  /// A segment is closed at this size.
  public var segmentBytes: Int
  /// … or when a reader holds its write-ahead log beyond this size.
  public var walBytes = 64 << 20
  /// Events a transaction, where no snapshot needs more.
  public var groupMax = 512
  /// How long a record waits for the snapshot that contains it.
  public var snapshotWait = Interval.milliseconds(100)
  /// Whether a commit waits for the disk. Only where the disk is simulated it does not.
  public var syncs = true
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
  /// A record waits for its snapshot, for this long at most; step again when more comes, or then.
  case held(Interval)
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
  private let folder: LogFolder
  private var segment: Segment?
  /// Where the streams stand; `nil` until this run has read it.
  private var heads: [Head]?
  private var day = ""
  /// The newest snapshot on the disk.
  private var snapshot: [UInt8]?
  /// The group that may be on the disk or not: it is tried again as it was, since another cut would leave events of it
  /// behind that the next segment does not know.
  private var unsure: Group?
  /// The disk failed: the write-ahead log must be settled before anything in it counts as durable.
  private var isUnsettled = false
  private var backOff = Interval.milliseconds(100)

  public init(_ plan: LogPlan, tail: Tail) {
    self.plan = plan
    self.tail = tail
    folder = LogFolder(path: plan.folder)
  }

  /// Opens the newest segment and reads what an earlier run left. Failing is not fatal: `step` tries again.
  public func resume(today: String) throws -> Resume {
    try open(today: today)
    let newest = try newest { try $0.newestRecord() }
    return Resume(
      snapshot: snapshot.flatMap { Snapshot($0, layout: plan.snapshotLayout) }, lastRecord: newest?.wall,
      stoppedCleanly: newest == nil || newest?.type == "gatehouse.system.stopping")
  }

  /// Commits one group. `today`: the site's day, yyyymmdd.
  public func step(today: String, at now: Instant, clock: () -> Instant) -> CommitProgress {
    let group = unsure ?? tail.group(atMost: plan.groupMax, at: now, snapshotWait: plan.snapshotWait)
    guard !group.isEmpty else { return group.heldUntil.map { .held($0 - now) } ?? .idle }
    do {
      // A segment that was opened anew takes the group before it may end: the group may be in there already.
      if segment == nil { try open(today: today) } else { try rotate(today: today) }
      guard let segment, let heads else { return .idle }
      unsure = group
      let result = try segment.append(group.events, snapshot: group.snapshot?.bytes, from: heads)
      unsure = nil
      self.heads = result.heads
      if let snapshot = group.snapshot { self.snapshot = snapshot.bytes }
      tail.remove(group, at: clock())
      backOff = .milliseconds(100)
      return .committed(
        zip(group.events, result.seqs).map { Committed(stream: $0.stream, seq: $1, id: $0.id, answers: $0.answers) })
    } catch {
      return fail(error)
    }
  }

  private func fail(_ error: any Error) -> CommitProgress {
    let failure = error as? DatabaseError
    if failure?.isDiskFailure == true { isUnsettled = true }
    let path = segment?.path
    close()
    if let path, failure?.isDamage == true { setAside(path) }
    let wait = backOff
    backOff = min(backOff * 2, .seconds(5))
    return .failed(reason: "\(error)", retryAfter: wait)
  }

  // MARK: Segments

  /// Opens the newest segment; where that can't be written, begins one behind it.
  private func open(today: String) throws {
    try folder.make()
    // Behind a file that was set aside nothing older is written again.
    if let newest = try folder.files().last, !newest.isDamaged {
      do {
        try reopen(newest)
        return
      } catch let error as DatabaseError where error.isDamage {
        setAside(newest.path)
      } catch let error as DatabaseError where error.resultCode.primaryResultCode == .SQLITE_READONLY {
        // It stays where it is and can be read; the streams go on behind it.
      }
    }
    try begin(today: today)
  }

  private func reopen(_ file: LogFile) throws {
    let opened = try Segment(path: file.path, syncs: plan.syncs)
    do {
      if try opened.isReadOnly() { throw DatabaseError(resultCode: .SQLITE_READONLY, message: "\(file.name) can only be read") }
      if snapshot == nil { snapshot = try newest { try $0.snapshots().first } }
      if let heads = try opened.heads() {
        try settle(opened)
        self.heads = heads
      } else {
        // The door was killed, or the disk was full, between making the file and beginning it.
        let standing = try heads ?? standing(before: file)
        try opened.begin(at: standing, snapshot: snapshot)
        heads = standing
      }
      segment = opened
      day = file.day
    } catch {
      try? opened.close()
      throw error
    }
  }

  /// What an earlier run left in the write-ahead log may be what a failed sync left, so it is settled at every opening.
  /// It must work after a failure of this run; otherwise a full disk or a reader may put it off.
  private func settle(_ segment: Segment) throws {
    do {
      if try segment.settle() {
        isUnsettled = false
      } else if isUnsettled {
        throw DatabaseError(resultCode: .SQLITE_BUSY, message: "a reader holds the write-ahead log after the disk failed")
      }
    } catch let error as DatabaseError where error.resultCode.primaryResultCode == .SQLITE_FULL && !isUnsettled {
      return
    }
  }

  /// Begins a segment behind all that are there.
  private func begin(today: String) throws {
    let standing = try heads ?? standing(before: nil)
    let carried = try snapshot ?? newest { try $0.snapshots().first }
    let begun = try Segment(path: folder.next(day: today), syncs: plan.syncs)
    do { try begun.begin(at: standing, snapshot: carried) } catch {
      try? begun.close()
      throw error
    }
    heads = standing
    snapshot = carried
    segment = begun
    day = today
    isUnsettled = false
  }

  /// Sets a damaged file aside. What was read from it may be wrong, so the streams go on with numbers it can't hold.
  private func setAside(_ path: String) {
    folder.setAside(path)
    heads = heads?.map { $0.behind(files: 1) }
  }

  private func rotate(today: String) throws {
    guard let segment else { return }
    let size = folder.size(of: segment.path)
    guard today != day || size.file >= plan.segmentBytes || size.wal >= plan.walBytes else { return }
    try begin(today: today)
    // The state lives in the new one now. In the old it would outlast the time for which what it says of a person may
    // be kept. If this fails, nothing that was promised is lost.
    try? segment.forgetSnapshots()
    try? segment.close()
  }

  /// Where the streams stand by the files before `file`, the newest first, behind all that the damaged ones can hold.
  private func standing(before file: LogFile?) throws -> [Head] {
    var damaged: Int64 = 0
    for earlier in try folder.files().reversed() where earlier.number < file?.number ?? .max {
      if earlier.isDamaged {
        damaged += 1
        continue
      }
      do {
        if let heads = try SegmentReader(path: earlier.path).heads() { return heads.map { $0.behind(files: damaged) } }
      } catch let error as DatabaseError where error.isDamage { damaged += 1 }
    }
    return Head.none.map { $0.behind(files: damaged) }
  }

  /// What the newest segment that has it says.
  private func newest<T>(_ read: (SegmentReader) throws -> T?) throws -> T? {
    for file in try folder.segments().reversed() {
      do {
        let reader = try SegmentReader(path: file.path)
        if try reader.isBegun(), let found = try read(reader) { return found }
      } catch let error as DatabaseError where error.isDamage {}
    }
    return nil
  }

  /// Closes the segment; what was committed stays.
  public func close() {
    try? segment?.close()
    segment = nil
  }
}
