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
    // Another key opens nothing that this one sealed.
    try Data(repeating: 7, count: 32).write(to: key)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key.path)
    #expect { try roster().entries(on: "2026-11-23") } throws: { "\($0)".contains("cannot be opened with this key") }
  }

  /// What stands in a key's place says what it is and what to do, and nothing of what it holds.
  @Test(arguments: [
    ("", "found 0 bytes, expected a key of 32"), ("a secret that nobody may see", "found 28 bytes, expected a key of 32"),
    ("folder", "found something that is no file"),
  ])
  func aKeyThatIsNone(content: String, said: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let key = folder.appending(path: "roster.key")
    try FileManager.default.createDirectory(at: content == "folder" ? key : folder, withIntermediateDirectories: true)
    if content != "folder" {
      #expect(FileManager.default.createFile(atPath: key.path, contents: Data(content.utf8), attributes: [.posixPermissions: 0o600]))
    }
    #expect { try roster() } throws: { error in
      let words = "\(error)"
      return words.hasPrefix(key.path) && words.contains(said) && words.contains("put the key back") && !words.contains("a secret")
    }
  }

  /// A store without its key is not given another one: what it holds would be lost without a word.
  @Test func aLostKeyIsNotReplaced() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try roster().keep([entry("a1", "Li")])
    try FileManager.default.removeItem(at: folder.appending(path: "roster.key"))
    #expect { try roster() } throws: { "\($0)".contains("was sealed with it; put the key back") }
    #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "roster.key").path))
  }
}
