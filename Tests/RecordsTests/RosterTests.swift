// Goal: names are with their owner only, for as long as they may be, and join a record when it is printed. Method: a store in a
// folder of its own.

import Foundation
import Testing

@testable import Records

@Suite struct RosterTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "gatehouse-roster-\(UUID().uuidString)")

  private func roster(makesKey: Bool = true) throws -> Roster {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return try Roster(store: folder.appending(path: "roster.sealed"), keyFile: folder.appending(path: "roster.key"), makesKey: makesKey)
  }

  private func entry(_ token: String, _ name: String, until: String = "2026-12-23") -> RosterEntry {
    RosterEntry(token: token, name: name, role: "candidate", session: "morning", until: until)
  }

  private func mode(_ file: String) throws -> Int {
    (try FileManager.default.attributesOfItem(atPath: folder.appending(path: file).path)[.posixPermissions] as? NSNumber)?.intValue ?? 0
  }

  @Test func whatIsKeptIsSealedAndItsOwners() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = try roster()
    #expect(try store.entries(on: "2026-11-23") == [])
    try store.keep([entry("a1", "李娜")])
    #expect(try roster(makesKey: false).entries(on: "2026-11-23") == [entry("a1", "李娜")])
    #expect(try mode("roster.sealed") == 0o600 && mode("roster.key") == 0o600)
    let bytes = try Data(contentsOf: folder.appending(path: "roster.sealed"))
    #expect(bytes.range(of: Data("李娜".utf8)) == nil && bytes.range(of: Data("a1".utf8)) == nil)
  }

  @Test func anEntryIsOverWithItsLastDay() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = try roster()
    try store.keep([entry("a1", "Li", until: "2026-11-23"), entry("b2", "Wang", until: "2026-11-24")])
    #expect(try store.entries(on: "2026-11-23").count == 2 && store.entries(on: "2026-11-24").map(\.token) == ["b2"])
  }

  @Test func anotherKeyAChangedByteAndAnOpenKeyAreRefused() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = try roster()
    try store.keep([entry("a1", "Li")])
    let file = folder.appending(path: "roster.sealed")
    let whole = try Data(contentsOf: file)
    for place in [0, 7, whole.count - 1] {
      var changed = whole
      changed[place] ^= 1
      try changed.write(to: file)
      #expect(throws: RosterError.self) { try store.entries(on: "2026-11-23") }
    }
    try whole.write(to: file)
    let key = folder.appending(path: "roster.key")
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key.path)
    #expect { try roster() } throws: { "\($0)".contains("found permissions 644, expected 600") }
    try FileManager.default.removeItem(at: key)
    #expect { try roster(makesKey: false) } throws: { "\($0)".contains("there is no such key") }
    // A new key opens nothing that an old one sealed.
    #expect(throws: RosterError.self) { try roster().entries(on: "2026-11-23") }
  }
}
