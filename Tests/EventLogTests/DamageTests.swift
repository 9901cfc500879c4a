// A log that was changed or damaged: verifying names segment and seq and never crashes, and the door goes on in a new
// segment with the damaged one set aside, giving no seq twice.

import Domain
import Foundation
import GRDB
import Testing

@testable import EventLog

@Suite struct DamageTests {
  /// Three days, 30 records and 10 readings a day.
  private func threeDays(_ folder: TestFolder) throws -> LogUnderTest {
    let log = LogUnderTest(folder)
    for day in ["20261123", "20261124", "20261125"] {
      log.day = day
      for number in 0..<30 {
        log.add(passed, personal: warm)
        if number % 3 == 0 { log.add(measured) }
      }
      log.addSnapshot([1, 2, 3])
      log.drain()
    }
    try log.check()
    log.commit.close()
    return log
  }

  @Test(arguments: [
    ("a changed body", "UPDATE events SET body = replace(body, 'normal', 'nirmal') WHERE stream = 0 AND seq = 40", "seq 40"),
    ("a removed row", "DELETE FROM events WHERE stream = 0 AND seq = 45", "seq 46: seq 45 is missing"),
    (
      "swapped rows",
      """
      UPDATE events SET seq = 999 WHERE stream = 0 AND seq = 50; UPDATE events SET seq = 50 WHERE stream = 0 AND seq = 51;
      UPDATE events SET seq = 51 WHERE stream = 0 AND seq = 999
      """, "seq 50"
    ),
    (
      "a changed personal row", "UPDATE personal SET content = '{\"estimate_c\":36.1}' WHERE kind = 'month' AND seq = 33",
      "seq 33: the personal row \"month\" was changed"
    ),
    ("a changed type", "UPDATE events SET type = 'gatehouse.gate.shut' WHERE stream = 0 AND seq = 44", "seq 44: the type"),
    ("a changed id", "UPDATE events SET id = 'x' WHERE stream = 0 AND seq = 44", "seq 44: the id"),
    ("an anchor moved", "UPDATE anchors SET seq = 29 WHERE stream = 0", "begins behind records seq 29"),
    ("rows cut off at the end", "DELETE FROM events WHERE stream = 0 AND seq > 55", "the one before it ends at seq 55"),
    ("a removed table", "DROP TABLE personal", "can't be read: no such table"),
    ("a value of another kind", "UPDATE events SET seq = 'forty' WHERE stream = 0 AND seq = 40", "seq"),
    ("a hash that is none", "UPDATE events SET hash = 17 WHERE stream = 0 AND seq = 40", "seq 40"),
  ])
  func tamperingIsNamed(what: String, sql: String, expected: String) throws {
    let log = try threeDays(TestFolder())
    try tamper(log.segments()[1].path, sql)
    let faults = try log.reader.verify(.records).faults
    #expect(faults.contains { $0.contains("2026112") && $0.contains(expected) }, "\(what): \(faults)")
    #expect(faults.contains { $0.contains("20261124-000002") || $0.contains("20261125-000003") }, "\(what): \(faults)")
  }

  @Test func oneFaultDoesNotHideTheNext() throws {
    let log = try threeDays(TestFolder())
    for (segment, seq) in [(0, 7), (2, 70)] {
      try tamper(log.segments()[segment].path, "UPDATE events SET body = 'x' WHERE stream = 0 AND seq = \(seq)")
    }
    let faults = try log.reader.verify(.records).faults
    #expect(faults.contains { $0.contains("seq 7:") } && faults.contains { $0.contains("seq 70:") })
    #expect(try log.reader.verify(.telemetry).faults == [])
  }

  @Test func aRemovedSegmentIsNamed() throws {
    let log = try threeDays(TestFolder())
    try FileManager.default.removeItem(atPath: log.segments()[1].path)
    for stream in [Domain.Stream.records, .telemetry] {
      let fault = try #require(try log.reader.verify(stream).fault)
      #expect(fault.contains("20261125-000003.sqlite begins behind"))
    }
    // The oldest may go: it is dropped when its time is over.
    try FileManager.default.removeItem(atPath: log.segments()[0].path)
    #expect(try log.reader.verify(.records).faults == [])
    #expect(try log.all().first?.seq == 61)
  }

  // MARK: Damaged files

  enum Damage: CustomTestStringConvertible {
    case page(Int), cut(Int), text, database, bits(Int), swappedPages
    var testDescription: String { "\(self)" }

    func apply(to path: String, _ random: inout Seeded) throws {
      switch self {
      case .text: try Data("this is no segment".utf8).write(to: URL(filePath: path))
      case .database:
        try FileManager.default.removeItem(atPath: path)
        try DatabaseQueue(path: path).write { try $0.execute(sql: "CREATE TABLE events (a); INSERT INTO events VALUES (1)") }
      default:
        var bytes = try Data(contentsOf: URL(filePath: path))
        let pages = bytes.count / 4096
        switch self {
        case .page(let page): bytes.replaceSubrange(page % pages * 4096..<(page % pages + 1) * 4096, with: Data(count: 4096))
        case .cut(let count): bytes = bytes.prefix(count)
        case .bits(let count):
          for _ in 0..<count { bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
        default:
          let first = bytes.subdata(in: 4096..<8192)
          bytes.replaceSubrange(4096..<8192, with: bytes.subdata(in: 8192..<12288))
          bytes.replaceSubrange(8192..<12288, with: first)
        }
        try bytes.write(to: URL(filePath: path))
      }
    }
  }

  static let damages: [Damage] =
    (0..<24).map { .page($0) } + [.cut(4096), .cut(100), .cut(20_000), .text, .database, .swappedPages]
    + (0..<60).map { .bits(1 << ($0 % 7)) }

  @Test(arguments: damages)
  func damageIsNamedAndTheDoorGoesOn(damage: Damage) throws {
    let folder = TestFolder()
    let before = try threeDays(folder)
    let newest = try #require(before.segments().last)
    var random = Seeded(UInt64(truncatingIfNeeded: "\(damage)".utf8.reduce(5381) { $0 &* 33 &+ Int($1) }))
    let intact = try before.all().count
    try damage.apply(to: newest.path, &random)

    func faults() throws -> [String] { try Domain.Stream.allCases.flatMap { try before.reader.verify($0).faults } }
    let found = try faults()
    // Damage that hits nothing (free space, a snapshot) leaves every event; anything else is named.
    if found.isEmpty {
      #expect(try before.all().count == intact, "\(damage): an event is gone and nothing was said")
    } else {
      #expect(found.allSatisfy { $0.contains(newest.name) }, "\(damage): \(found)")
    }

    let after = LogUnderTest(folder, seed: 2)
    after.day = "20261125"
    _ = try? after.commit.resume(today: after.day)
    for _ in 0..<40 {
      after.add(passed, personal: warm)
      after.addSnapshot([9])
      after.step()
    }
    after.drain()
    // All that is written now can be read, at places that were not given before.
    let durable = try #require(after.durable[.records])
    #expect(durable.count == 40)
    let lowest = try #require(durable.keys.min())
    #expect(lowest > 90, "\(damage): seq \(lowest) was given twice")
    let last = try #require(try after.segments().last)
    let rows = try SegmentReader(path: last.path).rows(.records, after: 90, limit: 500).filter { durable[$0.seq] == $0.id }
    #expect(!rows.isEmpty)
    if last.path != newest.path {
      #expect(FileManager.default.fileExists(atPath: newest.path + ".damaged"), "\(damage): it is kept, under a name that says so")
      #expect(try faults().contains { $0.contains("\(newest.name).damaged is damaged and was set aside") })
      #expect(try after.reader.read(.records, after: 90, limit: 500).contains { $0.seq == durable.keys.max() })
    }
    after.commit.close()
    let next = LogUnderTest(folder, seed: 3)
    #expect(try next.commit.resume(today: next.day).snapshot?.state == [9])
  }

  @Test func everySegmentDamagedAtOnce() throws {
    let folder = TestFolder()
    let before = try threeDays(folder)
    for file in try before.segments() { try Data("nothing".utf8).write(to: URL(filePath: file.path)) }
    let after = LogUnderTest(folder, seed: 2)
    after.add(plain)
    after.drain()
    #expect(try #require(after.durable[.records]?.keys.first) > 0)
    _ = try after.reader.verify(.records)
  }

  @Test(arguments: ["-wal", "-shm"])
  func aCompanionThatIsGoneOrNonsense(tail: String) throws {
    for content in [nil, Data("nonsense".utf8), Data(repeating: 0xa5, count: 40_000)] {
      let folder = TestFolder()
      let before = try threeDays(folder)
      let path = try #require(before.segments().last).path + tail
      try FileManager.default.removeItem(atPath: path)
      if let content { try content.write(to: URL(filePath: path)) }
      #expect(try before.reader.verify(.records).faults == [])
      let after = LogUnderTest(folder, seed: 2)
      after.add(plain)
      after.drain()
      #expect(try after.all().count == 91)
      try after.check("\(tail) \(content?.count ?? -1)")
    }
  }
}
