// The door's log in virtual time: the same intake, tail and commit, stepped by one thread, with files where it is told. What is
// simulated is whether the disk takes anything, and how long that takes.

import Domain
import EventLog
import Rings

/// What a disk does with a commit.
public enum VirtualDisk: Sendable, Equatable {
  case good
  /// Every commit fails.
  case full
  /// No commit comes back.
  case hung
}

final class VirtualLog {
  var disk = VirtualDisk.good
  private let events = SharedRing<Event>(capacity: 4_096)
  private let snapshots: Exchange
  private let tail = Tail()
  private let layout: UInt64
  private let commit: Commit
  private let intake: Intake
  private var reports: [Input] = []
  private var untold: [String] = []
  private var isStalled = false
  private var hasMail = false
  private var commitsAt = Instant.never

  /// From an event to its commit, at least: what a small disk needs for a sync.
  static var syncTime: Interval { .milliseconds(20) }
  /// How soon a disk that takes nothing is asked again.
  static var retry: Interval { .seconds(1) }
  /// Telemetry leaves this many slots of the ring to records, as the door does it.
  private static var reservedForRecords: Int { 1_024 }

  init(folder: String, segmentBytes: Int, layout: UInt64, snapshotSize: Int, names: Names, chance: inout Chance) {
    snapshots = Exchange(buffers: 3, size: Snapshot.headSize + snapshotSize)
    self.layout = layout
    var plan = LogPlan(folder: folder, segmentBytes: segmentBytes, snapshotLayout: layout)
    // What a sync takes is `syncTime`, and no death of this door is one of the machine.
    plan.syncs = false
    commit = Commit(plan, tail: tail)
    let formatter = Formatter(names: names, random: &chance)
    intake = Intake(events: events, snapshots: snapshots, tail: tail, formatter: formatter, random: Chance(seed: chance.next()))
  }

  func resume(_ now: Now) throws -> Resume { try commit.resume(today: now.day) }

  /// `false`: no room.
  func push(_ event: Event) -> Bool {
    let isRecord = event.body.stream == .records
    guard isRecord || events.count < events.capacity - Self.reservedForRecords else { return false }
    hasMail = true
    return events.push(event)
  }

  var hasRoom: Bool { snapshots.hasRoom }

  func hand(_ state: borrowing Table<UInt8>, lastEvent: UInt64, _ now: Now) {
    // Safe: the table and the buffer live through the call, and both have been sized for it.
    unsafe state.withUnsafeBuffer { bytes in
      hasMail = unsafe snapshots.hand { buffer in
        unsafe Snapshot.write(
          layout: layout, lastEvent: lastEvent, boot: now.boot, wall: now.wall, state: UnsafeRawBufferPointer(bytes), to: buffer)
      } || hasMail
    }
  }

  /// What the door must be told of its log.
  func takeReport() -> Input? { reports.isEmpty ? nil : reports.removeFirst() }

  /// The ids of events that people were told of before any disk had them, since the last call.
  func takeNotDurable() -> [String] {
    if untold.isEmpty { return [] }
    defer { untold = [] }
    return untold
  }

  /// How long the disk has taken nothing though something waits for it.
  func stalledFor(_ now: Now) -> Interval { tail.waitingSince.map { now.boot - $0 } ?? .zero }

  /// On the door's boot clock.
  var nextDeadline: Instant {
    if hasMail { return .past }
    guard !isStalled, let since = tail.waitingSince else { return commitsAt }
    return min(commitsAt, since + Intake.patience)
  }

  /// What is durable now.
  func step(_ now: Now) -> [Committed] {
    guard nextDeadline <= now.boot else { return [] }
    hasMail = false
    let report = intake.step(at: now.boot)
    if report.taken > 0 || report.tookSnapshot, commitsAt == .never { commitsAt = now.boot + Self.syncTime }
    untold += report.notDurable.map(\.id)
    if report.losses.records > 0 { reports.append(.lost(.records, count: report.losses.records)) }
    if report.losses.telemetry > 0 { reports.append(.lost(.telemetry, count: report.losses.telemetry)) }
    let committed = commitsAt <= now.boot ? write(now) : []
    let stalls = tail.waitingSince.map { now.boot - $0 >= Intake.patience } ?? false
    if stalls != isStalled {
      isStalled = stalls
      reports.append(.logStalled(stalls))
    }
    return committed
  }

  private func write(_ now: Now) -> [Committed] {
    guard disk == .good else {
      commitsAt = now.boot + Self.retry
      return []
    }
    var committed: [Committed] = []
    while true {
      switch commit.step(today: now.day, at: now.boot, clock: { now.boot }) {
      case .committed(let events): committed += events
      case .idle:
        commitsAt = .never
        return committed
      case .held(let wait), .failed(_, let wait):
        commitsAt = now.boot + max(wait, .milliseconds(1))
        return committed
      }
    }
  }

  /// All that happened goes to the disk, if it takes anything.
  func finish(_ now: Now) -> [Committed] {
    hasMail = true
    var committed = step(now)
    if disk == .good { committed += write(Now(boot: now.boot + .seconds(1), wall: now.wall, utcOffset: now.utcOffset)) }
    return committed
  }

  func close() { commit.close() }
}

extension Now {
  /// The site's day.
  fileprivate var day: String { dayText(wall: wall, utcOffset: utcOffset) }
}
