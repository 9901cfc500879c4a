// What is on the disk after each step, and what the next run finds there: order, chains, rotation, snapshots, forgetting.

import Domain
import Foundation
import GRDB
import Testing

@testable import EventLog

@Suite struct CommitTests {
  @Test func eventsAreWrittenInOrderAndVerify() throws {
    let log = LogUnderTest(TestFolder())
    #expect(try log.commit.resume(today: log.day).lastRecord == nil)
    for _ in 0..<700 {
      log.add(plain)
      log.add(measured)
    }
    log.drain()
    try log.check()
    #expect(try log.all(.records).count == 700)
    #expect(try log.all(.telemetry).count == 700)
    #expect(try log.reader.newest(.records) == 700)
    #expect(try log.reader.read(.records, after: 498, limit: 1_000).first?.seq == 499)
    #expect(try log.reader.read(.records, after: 0, limit: 1_000).count == 500, "at most 500 a transaction")
    #expect(try log.reader.read(.aggregates, after: 0, limit: 10).isEmpty)
  }

  @Test func theNextRunGoesOnWhereThisOneEnded() throws {
    let folder = TestFolder()
    let first = LogUnderTest(folder, seed: 1)
    first.add(raised)
    first.add(.systemStopping)
    first.drain()
    first.commit.close()
    let second = LogUnderTest(folder, seed: 2)
    let resume = try second.commit.resume(today: second.day)
    #expect(resume.stoppedCleanly)
    #expect(resume.lastRecord != nil)
    second.add(raised)
    second.drain()
    try second.check()
    #expect(try second.all().map(\.seq) == [1, 2, 3])
    let third = LogUnderTest(folder, seed: 3)
    #expect(try !third.commit.resume(today: third.day).stoppedCleanly)
  }

  @Test func aLogThatOpensLateGoesOnToo() throws {
    // The door gave up waiting and started without a memory; `resume` never ran.
    let folder = TestFolder()
    let first = LogUnderTest(folder, seed: 1)
    first.add(plain)
    first.drain()
    first.commit.close()
    let second = LogUnderTest(folder, seed: 2)
    second.add(plain)
    second.drain()
    try second.check()
    #expect(try second.all().count == 2)
  }

  // MARK: Rotation

  @Test func aNewDayAndAFullFileBeginASegment() throws {
    let log = LogUnderTest(TestFolder()) { $0.segmentBytes = 100_000 }
    for day in ["20261123", "20261124", "20261124", "20261125"] {
      log.day = day
      log.add(plain)
      log.add(measured)
      log.drain()
    }
    #expect(try log.segments().map(\.name) == [
      "20261123-000001.sqlite", "20261124-000002.sqlite", "20261125-000003.sqlite",
    ])
    // The file grows when SQLite empties its write-ahead log, every MB.
    for _ in 0..<12_000 { log.add(plain) }
    log.drain()
    #expect(try log.segments().count >= 4, "100 kB are full")
    try log.check()
    #expect(try log.reader.read(.records, after: 1, limit: 500).prefix(3).map(\.seq) == [2, 3, 4], "across segments")
  }

  /// A clock that is set back by days, or to 1970, gives an earlier name; the segment is the newest all the same.
  @Test func aClockThatStepsBackKeepsTheOrder() throws {
    let folder = TestFolder()
    var total: Int64 = 0
    for (run, days) in [["20991231", "19700101"], ["20261123", "20261122"], ["20261124"]].enumerated() {
      let log = LogUnderTest(folder, seed: UInt64(run))
      _ = try log.commit.resume(today: days[0])
      for day in days {
        log.day = day
        log.add(plain)
        log.drain()
        total += 1
        #expect(try log.reader.newest(.records) == total)
      }
      try log.check()
      log.commit.close()
    }
    let log = LogUnderTest(folder, seed: 99)
    #expect(try log.segments().map(\.number) == [1, 2, 3, 4, 5])
    #expect(try log.all().map(\.seq) == [1, 2, 3, 4, 5])
  }

  @Test func moreThan999SegmentsStayInOrder() throws {
    let folder = LogFolder(path: TestFolder().path)
    try folder.make()
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    for name in [
      "20261123-000999.sqlite", "20261123-1000000.sqlite", "20261122-001000.sqlite", "notes.sqlite", "20261123-000001.sqlite-wal",
      "2026112-000002.sqlite", "20261123-000001 copy.sqlite", "20261123-000998.sqlite.damaged", "20261123--5.sqlite",
    ] { _ = FileManager.default.createFile(atPath: folder.path + "/" + name, contents: nil) }
    #expect(try folder.segments().map(\.number) == [999, 1000, 1_000_000])
    #expect(try folder.files().map(\.number) == [998, 999, 1000, 1_000_000])
    #expect(try folder.next(day: "20261124").hasSuffix("/20261124-1000001.sqlite"))
  }

  /// A reader that hangs in its transaction holds the write-ahead log: a new segment sets the door free.
  @Test func aReaderThatHangsGetsASegmentToItself() throws {
    let log = LogUnderTest(TestFolder()) { $0.walBytes = 300_000 }
    log.add(plain)
    log.drain()
    var configuration = Configuration()
    configuration.readonly = true
    let reader = try DatabaseQueue(path: try #require(log.segments().first).path, configuration: configuration)
    try reader.writeWithoutTransaction { db in
      try db.execute(sql: "BEGIN")
      #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM events") == 1)
      for _ in 0..<3_000 { log.add(plain) }
      log.drain()
      #expect(try log.segments().count > 1)
      #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM events") == 1, "the reader reads on undisturbed")
      try db.execute(sql: "COMMIT")
    }
    try log.check()
  }

  /// Killed between making a segment and beginning it: the chain must not start again from nothing.
  @Test(arguments: [0, 4_096])
  func aSegmentThatWasNotBegunIsBegun(bytes: Int) throws {
    let folder = TestFolder()
    let first = LogUnderTest(folder, seed: 1)
    for _ in 0..<3 { first.add(plain) }
    first.addSnapshot([4])
    first.drain()
    first.commit.close()
    let path = folder.path + "/20261124-000002.sqlite"
    if bytes == 0 {
      _ = FileManager.default.createFile(atPath: path, contents: nil)
    } else {
      // A header and nothing else: what journal_mode=WAL leaves of an empty file.
      try DatabaseQueue(path: path).write { try $0.execute(sql: "CREATE TABLE t (a); DROP TABLE t") }
    }
    #expect(try first.reader.newest(.records) == 3, "a reader sees past it")
    let second = LogUnderTest(folder, seed: 2)
    #expect(try second.commit.resume(today: second.day).snapshot?.state == [4])
    second.add(plain)
    second.drain()
    #expect(try second.all().map(\.seq) == [1, 2, 3, 4])
    try second.check()
  }

  // MARK: Snapshots

  @Test func theNewestTwoSnapshotsAreKept() throws {
    let log = LogUnderTest(TestFolder())
    for state in 1...5 as ClosedRange<UInt8> {
      log.add(raised)
      log.addSnapshot([state])
      log.drain()
    }
    let segment = try SegmentReader(path: try #require(log.segments().last).path)
    #expect(try segment.snapshots().map { $0.last } == [5, 4])
  }

  @Test func aSnapshotWithABadChecksumFallsBackToTheOneBefore() throws {
    let folder = TestFolder()
    let log = LogUnderTest(folder)
    for state in 1...2 as ClosedRange<UInt8> {
      log.add(raised)
      log.addSnapshot([state])
      log.drain()
    }
    log.commit.close()
    try tamper(log.segments()[0].path, "UPDATE snapshots SET content = zeroblob(41) WHERE number = 2")
    let next = LogUnderTest(folder, seed: 2)
    let found = try next.commit.resume(today: next.day).snapshot
    #expect(found == Snapshot(layout: layout, lastEvent: 1, boot: Instant(ns: 5), wall: 6, state: [1]))
  }

  /// Settings changed and changed back: the snapshot from before is older than the log and must not come back.
  @Test func aSnapshotOfAnotherLayoutIsNotPassedOver() throws {
    let folder = TestFolder()
    let log = LogUnderTest(folder)
    log.add(raised)
    log.addSnapshot([1])
    log.drain()
    log.add(raised)
    log.addSnapshot([2], layout: 8)
    log.drain()
    log.commit.close()
    let next = LogUnderTest(folder, seed: 2)
    #expect(try next.commit.resume(today: next.day).snapshot == nil)
  }

  @Test func aNewSegmentBeginsWithTheNewestSnapshotAndTheOldOneForgetsIt() throws {
    let folder = TestFolder()
    let log = LogUnderTest(folder)
    log.add(raised)
    log.addSnapshot([7])
    log.drain()
    log.day = "20261124"
    log.add(plain)
    log.drain()
    log.commit.close()
    let segments = try log.segments()
    #expect(try SegmentReader(path: segments[0].path).snapshots().isEmpty)
    #expect(try SegmentReader(path: segments[1].path).snapshots().map { $0.last } == [7])
    let next = LogUnderTest(folder, seed: 2)
    #expect(try next.commit.resume(today: next.day).snapshot?.state == [7])
  }

  @Test func aSnapshotIsWrittenWithItsEventOrNotAtAll() throws {
    let log = LogUnderTest(TestFolder())
    log.add(raised)
    guard case .held(let wait) = log.step(after: .zero) else {
      Issue.record("the alarm did not wait for its snapshot")
      return
    }
    #expect(wait == .milliseconds(100))
    log.addSnapshot([1])
    guard case .committed(let events) = log.step(after: .zero) else {
      Issue.record("the alarm was not written with its snapshot")
      return
    }
    #expect(events.count == 1)
    // No snapshot comes: the alarm goes without, after a tenth of a second.
    log.add(raised)
    guard case .committed = log.step(after: .milliseconds(100)) else {
      Issue.record("the alarm waited for ever")
      return
    }
    guard case .idle = log.step() else {
      Issue.record("there was nothing to do")
      return
    }
  }

  // MARK: Forgetting, files

  @Test func forgettingKeepsTheChain() throws {
    let log = LogUnderTest(TestFolder())
    for _ in 0..<3 { log.add(passed, personal: warm) }
    log.addSnapshot([])
    log.drain()
    log.commit.close()
    #expect(try log.all().allSatisfy { try Value.read($0.json)["data"]?["surface_c"] == .number(34.4) })
    try tamper(log.segments()[0].path, "DELETE FROM personal WHERE kind = 'day' AND seq = 2")
    let data = try log.all().map { try Value.read($0.json)["data"] }
    #expect(data[1]?["surface_c"] == nil && data[1]?["estimate_c"] == .number(36.7))
    #expect(data[1]?["personal_hashes"]?["day"] != nil)
    try log.check("one row forgotten")
    try tamper(log.segments()[0].path, "DELETE FROM personal")
    try log.check("all forgotten")
  }

  @Test func theFilesAreForTheGroupAndStayForReaders() throws {
    let log = LogUnderTest(TestFolder())
    log.add(plain)
    log.drain()
    let path = try #require(log.segments().first).path
    for isOpen in [true, false] {
      if !isOpen { log.commit.close() }
      for file in [path, path + "-wal", path + "-shm"] {
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == 0o640, "\(file)")
      }
    }
    #expect(LogFolder(path: log.folder).size(of: path).wal == 0, "what was closed is whole without its write-ahead log")
    #expect(try log.all().count == 1)
  }

  @Test func whatIsDeletedIsOverwritten() throws {
    let log = LogUnderTest(TestFolder())
    let row = try #require(log.add(passed, personal: warm).personal.first)
    log.addSnapshot([])
    log.drain()
    let path = try #require(log.segments().first).path
    log.commit.close()
    func holds(_ bytes: [UInt8]) throws -> Bool { try Data(contentsOf: URL(filePath: path)).range(of: Data(bytes)) != nil }
    #expect(try holds(row.salt))
    // As the door opens it.
    let segment = try Segment(path: path)
    try segment.close()
    let queue = try DatabaseQueue(path: path)
    try queue.write { try $0.execute(sql: "PRAGMA secure_delete = ON; DELETE FROM personal") }
    _ = try queue.writeWithoutTransaction { try Row.fetchOne($0, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
    #expect(try !holds(row.salt))
  }

  /// The page says how to verify without us; what it prints must be right, and a changed body must be found.
  @Test func theProgramInThePageVerifies() throws {
    let log = LogUnderTest(TestFolder())
    for day in ["20261123", "20261124"] {
      log.day = day
      for _ in 0..<5 { log.add(passed, personal: warm) }
      log.add(measured)
      log.addSnapshot([])
      log.drain()
    }
    log.commit.close()
    let page = try document("events.md")
    let start = try #require(page.range(of: "```python\n"))
    let end = try #require(page.range(of: "\n```", range: start.upperBound..<page.endIndex))
    #expect(try run(python: String(page[start.upperBound..<end.lowerBound]), log.folder) == "records 10\ntelemetry 2\naggregates 0\n")
    try tamper(log.segments()[1].path, "UPDATE events SET body = replace(body, 'normal', 'nirmal') WHERE seq = 7")
    #expect(try run(python: String(page[start.upperBound..<end.lowerBound]), log.folder) == nil)
  }

  /// What it printed, or `nil` when it failed.
  private func run(python program: String, _ folder: String) throws -> String? {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", program, folder]
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? String(decoding: output, as: UTF8.self) : nil
  }
}
