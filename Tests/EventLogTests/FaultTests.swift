// A disk that fails, at any call, once or for ever, and a disk that hangs: no crash, nothing called durable that is not,
// nothing lost, no id twice, and all is written when the fault ends.

import Domain
import Foundation
import GRDBSQLite
import Rings
import Synchronization
import Testing

@testable import EventLog

private let failedSync: Int32 = 1034  // SQLITE_IOERR_FSYNC
private let failedWrite: Int32 = 778  // SQLITE_IOERR_WRITE
private let failedRead: Int32 = 266  // SQLITE_IOERR_READ
private let failedTruncate: Int32 = 1546  // SQLITE_IOERR_TRUNCATE

@Suite struct FaultTests {
  struct Case: CustomTestStringConvertible {
    var call: DiskCall
    var code: Int32
    var calls: StrideTo<Int>
    var testDescription: String { "\(call) \(code)" }
  }

  static let cases = [
    Case(call: .sync, code: failedSync, calls: stride(from: 1, to: 24, by: 1)), Case(call: .write, code: failedWrite, calls: stride(from: 1, to: 90, by: 3)),
    Case(call: .write, code: SQLITE_FULL, calls: stride(from: 2, to: 90, by: 3)), Case(call: .read, code: failedRead, calls: stride(from: 1, to: 60, by: 4)),
    Case(call: .truncate, code: failedTruncate, calls: stride(from: 1, to: 8, by: 1)), Case(call: .open, code: SQLITE_CANTOPEN, calls: stride(from: 1, to: 20, by: 2)),
  ]

  /// Two runs with a rotation in each; the nth call of the second run fails.
  @Test(arguments: cases, [false, true])
  func theNthCallFails(fault: Case, isForever: Bool) throws {
    var reached = 0
    for number in fault.calls {
      let folder = TestFolder()
      let first = LogUnderTest(folder, seed: 1)
      for _ in 0..<3 { first.add(passed, personal: warm) }
      first.addSnapshot([1])
      first.drain()
      first.commit.close()

      FaultyDisk.set(DiskFault(call: fault.call, code: fault.code, from: number, isForever: isForever), in: folder.path)
      defer { FaultyDisk.set(nil, in: folder.path) }
      let log = LogUnderTest(folder, seed: 2) { $0.groupMax = 4 }
      _ = try? log.commit.resume(today: log.day)
      for round in 0..<8 {
        // A new day while it fails: what may be in the old segment must not be written to the new one again.
        if round == 3 { log.day = "20261124" }
        for _ in 0..<3 { log.add(passed, personal: warm) }
        log.add(measured)
        log.addSnapshot([UInt8(round)])
        log.step()
      }
      if FaultyDisk.calls(in: folder.path) >= number { reached += 1 }
      FaultyDisk.set(nil, in: folder.path)
      log.drain()
      try log.check("\(fault.call) \(number), for ever: \(isForever)")
      let ids = try Set((log.all(.records) + log.all(.telemetry)).map { try id(of: $0.json) })
      #expect(ids.isSuperset(of: log.added), "\(fault.call) \(number): something is lost")
      log.commit.close()
      let next = LogUnderTest(folder, seed: 3)
      #expect(try next.commit.resume(today: next.day).snapshot?.state == [7], "\(fault.call) \(number)")
    }
    #expect(reached > 0, "the fault was never met")
  }

  /// The kernel says a sync failed, and the bytes are in the file all the same.
  @Test func aCommitThatFailedAndWorked() throws {
    let folder = TestFolder()
    let log = LogUnderTest(folder)
    log.add(plain)
    log.drain()
    FaultyDisk.set(DiskFault(call: .sync, code: failedSync), in: folder.path)
    log.add(plain)
    log.add(plain)
    guard case .failed = log.step() else {
      Issue.record("the failed sync was not noticed")
      return
    }
    FaultyDisk.set(nil, in: folder.path)
    #expect(log.durable[.records]?.count == 1, "nothing was called durable")
    // Midnight comes before it is tried again: the group goes where it may be already, what came since to the new day.
    log.day = "20261124"
    log.add(plain)
    log.drain()
    try log.check()
    let segments = try log.segments().map { try SegmentReader(path: $0.path).rows(.records, after: 0, limit: 9).map(\.seq) }
    #expect(segments == [[1, 2, 3], [4]])
  }

  /// After a sync that failed nothing in the write-ahead log is believed: it is moved into the file and synced there.
  @Test func theWriteAheadLogIsSettledAfterAFailedSync() throws {
    let folder = TestFolder()
    let log = LogUnderTest(folder)
    log.add(plain)
    log.drain()
    FaultyDisk.set(DiskFault(call: .sync, code: failedSync), in: folder.path)
    log.add(plain)
    log.step()
    // It works again from here on, and every sync counts.
    FaultyDisk.set(DiskFault(call: .sync, code: failedSync, from: .max), in: folder.path)
    defer { FaultyDisk.set(nil, in: folder.path) }
    log.drain()
    #expect(FaultyDisk.calls(in: folder.path) >= 2, "the file was synced before the group was called durable")
    let size = LogFolder(path: folder.path).size(of: try log.segments()[0].path)
    #expect(size.file > 4_096, "the events are in the file")
    try log.check()
  }

  @Test func theTimeBetweenAttemptsGrowsAndStartsAnew() throws {
    let folder = TestFolder()
    let log = LogUnderTest(folder)
    FaultyDisk.set(DiskFault(call: .open, code: SQLITE_CANTOPEN, isForever: true), in: folder.path)
    defer { FaultyDisk.set(nil, in: folder.path) }
    var waits: [Int64] = []
    for _ in 0..<2 {
      log.add(plain)
      for _ in 0..<8 { if case .failed(_, let wait) = log.step() { waits.append(wait.ns / 1_000_000) } }
      FaultyDisk.set(nil, in: folder.path)
      log.drain()
      log.commit.close()
      FaultyDisk.set(DiskFault(call: .open, code: SQLITE_CANTOPEN, isForever: true), in: folder.path)
    }
    #expect(waits == [100, 200, 400, 800, 1600, 3200, 5000, 5000, 100, 200, 400, 800, 1600, 3200, 5000, 5000])
  }

  @Test func aFileThatCannotBeWrittenStaysAndAnotherIsBegun() throws {
    let folder = TestFolder()
    let first = LogUnderTest(folder, seed: 1)
    first.add(plain)
    first.addSnapshot([3])
    first.drain()
    first.commit.close()
    let path = try first.segments()[0].path
    FaultyDisk.makeReadOnly(path, true)
    defer { FaultyDisk.makeReadOnly(path, false) }
    let second = LogUnderTest(folder, seed: 2)
    #expect(try second.commit.resume(today: second.day).snapshot?.state == [3])
    second.add(plain)
    second.drain()
    #expect(try second.segments().count == 2)
    #expect(try second.all().map(\.seq) == [1, 2])
    try second.check()
  }

  /// The disk hangs inside a commit, then inside opening. Intake lives, what waits is told, and all is written after.
  @Test(arguments: [false, true])
  func aDiskThatHangs(atOpening: Bool) throws {
    let folder = TestFolder()
    let first = LogUnderTest(folder, seed: 1)
    first.add(plain)
    first.drain()
    first.commit.close()

    let ring = SharedRing<Event>(capacity: 64)
    let tail = Tail()
    var random = Seeded(2)
    let formatter = EventLog.Formatter(names: names, random: &random)
    let intake = Intake(events: ring, snapshots: Exchange(buffers: 1, size: 64), tail: tail, formatter: formatter, random: random)
    let commit = Handed(Commit(LogPlan(folder: folder.path, snapshotLayout: layout), tail: tail))
    if !atOpening { _ = try commit.value.resume(today: "20261123") }
    FaultyDisk.hold(folder.path)
    for counter in 1...5 as ClosedRange<UInt64> {
      _ = ring.push(Event(counter: counter, at: Now(boot: .past, wall: 0), source: .site, body: plain, personal: .none))
    }
    #expect(intake.step(at: Instant(ns: 0)).taken == 5)
    let thread = try #require(
      RunningThread("commit", stackBytes: 1 << 20) {
        // A new day makes opening write too: the hang is in there.
        if atOpening { _ = try? commit.value.resume(today: "20261124") }
        while tail.count > 0 {
          _ = commit.value.step(today: atOpening ? "20261124" : "20261123", at: Instant(ns: 0), clock: { Instant(ns: 0) })
        }
      })
    FaultyDisk.waitForSomebody(in: folder.path)
    let report = intake.step(at: Instant(ns: 0) + .seconds(1))
    #expect(report.isStalled && report.notDurable.count == 5)
    _ = ring.push(Event(counter: 6, at: Now(boot: .past, wall: 0), source: .site, body: plain, personal: .none))
    #expect(intake.step(at: Instant(ns: 0) + .seconds(2)).taken == 1)
    FaultyDisk.release(folder.path)
    thread.join()
    commit.value.close()
    #expect(try first.all().map(\.seq) == Array(1...7))
    try first.check()
  }
}

/// Used by one thread at a time: before the thread starts, by it, after it was joined.
private struct Handed<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}
