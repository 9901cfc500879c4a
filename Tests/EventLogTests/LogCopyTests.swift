// A backup holds everything and can be read alone, a restored log goes on where it ended, and neither ever lies over
// something else or passes off damage as whole. Ten flipped bits are found one by one.

import Domain
import Foundation
import Testing

@testable import EventLog

@Suite struct LogCopyTests {
  private let files = FileManager.default

  /// Two days of records and readings; the second is still open.
  private func twoDays(_ folder: TestFolder) -> LogUnderTest {
    let log = LogUnderTest(folder)
    for day in ["20261123", "20261124"] {
      log.day = day
      for _ in 0..<30 {
        log.add(passed, personal: warm)
        log.add(measured)
      }
      log.addSnapshot([1, 2, 3])
      log.drain()
    }
    return log
  }

  private func jsons(_ folder: String) throws -> [Data] {
    let reader = try LogReader(folder: folder)
    return try Domain.Stream.allCases.flatMap { try reader.read($0, after: 0, limit: 500).map(\.json) }
  }

  @Test func aBackupOfAnOpenLogHoldsAllAndNeedsNoCompanions() throws {
    let log = twoDays(TestFolder())
    let place = TestFolder()
    let copy = try log.reader.backUp(to: place.path)
    #expect(copy.events == 120 && copy.segments == 2 && copy.faults == [])
    #expect(try jsons(place.path) == jsons(log.folder))
    let names = try files.contentsOfDirectory(atPath: place.path).sorted()
    #expect(names == ["20261123-000001.sqlite", "20261124-000002.sqlite"])
    for name in names {
      let attributes = try files.attributesOfItem(atPath: "\(place.path)/\(name)")
      #expect(attributes[.posixPermissions] as? Int == 0o640)
    }
    // The door has noticed nothing.
    log.add(plain)
    log.drain()
    try log.check()
  }

  @Test func aBackupRefusesAFolderThatIsNotEmpty() throws {
    let log = twoDays(TestFolder())
    let place = TestFolder()
    _ = try log.reader.backUp(to: place.path)
    #expect { try log.reader.backUp(to: place.path) } throws: { "\($0)".contains("is not empty") }
    #expect(!files.fileExists(atPath: place.path + ".partial"))
  }

  @Test func aBackupOfAFaultyLogIsWrittenAndNamesTheFault() throws {
    let log = twoDays(TestFolder())
    try tamper(log.segments()[0].path, "UPDATE events SET body = 'x' WHERE stream = 0 AND seq = 7")
    let place = TestFolder()
    let faults = try log.reader.backUp(to: place.path).faults
    #expect(faults.first?.contains("segment 20261123-000001.sqlite, records seq 7: the body was changed") == true, "\(faults)")
    #expect(try faults == log.reader.verify(.records).faults)
    // It is not restored unless somebody insists.
    let elsewhere = TestFolder()
    try files.createDirectory(atPath: elsewhere.path, withIntermediateDirectories: true)
    let backup = try LogReader(folder: place.path)
    #expect { try backup.restore(to: elsewhere.path, replacing: nil, damaged: false) } throws: { error in
      (error as? LogCopyError)?.faults == faults
    }
    #expect(try files.contentsOfDirectory(atPath: elsewhere.path) == [])
    #expect(try backup.restore(to: elsewhere.path, replacing: nil, damaged: true).faults == faults)
  }

  @Test func aRestoredLogGoesOnWithSeqAndChain() throws {
    let log = twoDays(TestFolder())
    let place = TestFolder()
    _ = try log.reader.backUp(to: place.path)
    log.add(raised)
    log.addSnapshot([9])
    log.drain()
    log.commit.close()

    let backup = try LogReader(folder: place.path)
    #expect { try backup.restore(to: log.folder, replacing: nil, damaged: false) } throws: { "\($0)".contains("holds a log") }
    #expect(try log.all().count == 61, "a refusal changes nothing")
    let copy = try backup.restore(to: log.folder, replacing: "then", damaged: false)
    #expect(copy.events == 120 && copy.replaced == log.folder + "/replaced-then")
    #expect(try jsons(log.folder) == jsons(place.path))
    #expect(try LogReader(folder: log.folder + "/replaced-then").newest(.records) == 61)
    #expect(try LogReader(folder: log.folder + "/replaced-then").verify(.records).faults == [])

    let home = TestFolder()
    try files.createDirectory(atPath: home.path, withIntermediateDirectories: true)
    _ = try backup.restore(to: home.path, replacing: nil, damaged: false)
    let next = LogUnderTest(home, seed: 2)
    next.day = "20261124"
    #expect(try next.commit.resume(today: next.day).snapshot?.state == [1, 2, 3])
    next.add(plain)
    next.drain()
    #expect(next.durable[.records]?.keys.max() == 61)
    try next.check()
  }

  @Test func whatIsNoBackupIsRefused() throws {
    let empty = TestFolder()
    try files.createDirectory(atPath: empty.path, withIntermediateDirectories: true)
    let reader = try LogReader(folder: empty.path)
    #expect { try reader.restore(to: empty.path, replacing: nil, damaged: false) } throws: { "\($0)".contains("there is no log in") }
  }

  @Test func personalMembersStayOutUnlessAskedFor() throws {
    let folder = TestFolder()
    defer { withExtendedLifetime(folder) {} }
    let reader = try twoDays(folder).reader
    func text(_ personal: Bool) throws -> String {
      try reader.read(.records, after: 0, limit: 500, personal: personal).map { String(decoding: $0.json, as: UTF8.self) }.joined()
    }
    #expect(try text(true).contains("\"estimate_c\":36.7") && text(true).contains("surface_c"))
    for key in ["estimate_c", "surface_c", "ambient_c"] { #expect(try !text(false).contains(key)) }
  }

  /// A bit anywhere in a file: it is named, or every event, its personal members and the state are what they were.
  @Test func tenFlippedBitsAreFound() throws {
    let folder = TestFolder()
    let log = twoDays(folder)
    log.commit.close()
    let place = TestFolder()
    _ = try log.reader.backUp(to: place.path)
    let path = try #require(try LogReader(folder: place.path).folder.segments().first).path
    let whole = try Data(contentsOf: URL(filePath: path))
    let intact = try jsons(place.path)
    var random = Seeded(20_261_123)
    var found = 0
    for _ in 0..<200 where found < 10 {
      var bytes = whole
      let at = Int.random(in: 0..<bytes.count, using: &random)
      bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      try bytes.write(to: URL(filePath: path))
      let reader = try LogReader(folder: place.path)
      let faults = try Domain.Stream.allCases.flatMap { try reader.verify($0).faults }
      if faults.isEmpty {
        #expect(try jsons(place.path) == intact, "byte \(at): an event is another and nothing was said")
      } else {
        found += 1
        #expect(faults.allSatisfy { $0.contains("2026112") && !$0.contains("\n") }, "byte \(at): \(faults)")
      }
    }
    #expect(found == 10)
  }
}
