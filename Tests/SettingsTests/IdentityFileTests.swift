// Goal: the key of identities and the roster's tokens are right, or their file, what was found and what to do are named, and never
// what they hold. Method: files of every wrong kind in a folder of the test's own.

import Domain
import Foundation
import Testing

@testable import Settings

@Suite final class IdentityFileTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "gatehouse-identity-\(UUID().uuidString)")
  private let secret = "this is a secret that nobody sees"

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: folder) }

  private func file(_ name: String, _ content: String, mode: Int = 0o400) throws -> String {
    let path = folder.appending(path: name).path
    try? FileManager.default.removeItem(atPath: path)
    #expect(FileManager.default.createFile(atPath: path, contents: Data(content.utf8)))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    return path
  }

  /// What reading a file complains of; empty: of nothing.
  private func complaint(_ body: () throws(Problems) -> Void) -> String {
    do throws(Problems) { try body() } catch { return error.description }
    return ""
  }

  // MARK: The key

  private func complaintOfKey(_ path: String) -> String { complaint { () throws(Problems) in _ = try readIdentityKey(path) } }

  @Test func aKeyIsRead() throws {
    let key = try readIdentityKey(try file("key", secret))
    #expect(key.token(of: "ann").isSame(as: IdentityKey(Array(secret.utf8)).token(of: "ann")))
  }

  @Test func aKeyThatIsMissing() {
    let path = folder.appending(path: "key").path
    let words = complaintOfKey(path)
    #expect(words.hasPrefix("\(path)  site.identity_secret_file: there is no such file; make it with: head -c 32 /dev/urandom"), "\(words)")
  }

  @Test(arguments: [0o404, 0o440, 0o644, 0o660, 0o777]) func aKeyThatOthersRead(mode: Int) throws {
    let path = try file("key", secret, mode: mode)
    let words = complaintOfKey(path)
    #expect(words.contains("found mode \(String(mode, radix: 8)), expected one that only its owner can read: chmod 400 \(path)"), "\(words)")
    #expect(!words.contains("secret that"))
  }

  @Test(arguments: [0, 1, 31, 4_097]) func aKeyOfAWrongSize(size: Int) throws {
    let words = complaintOfKey(try file("key", String(repeating: "s", count: size)))
    #expect(words.contains("found \(size) bytes, expected 32 to 4096") && words.contains("make it with") && !words.contains("ssss"), "\(words)")
  }

  /// A pipe would be waited for.
  @Test func aKeyThatIsNoFile() {
    #expect(complaintOfKey(folder.path).contains("found something that is no file; make it with"))
    let pipe = folder.appending(path: "pipe").path
    #expect(mkfifo(pipe, 0o400) == 0)
    #expect(complaintOfKey(pipe).contains("found something that is no file; make it with"))
  }

  // MARK: The roster's tokens

  private let key = IdentityKey(Array("this is a secret that nobody sees".utf8))
  private let people = ["ann", "ben", "cat", "dan", "eve"]
  private var tokens: String { folder.appending(path: "roster.tokens").path }

  private func write(_ names: [String]) throws {
    try writeRosterTokens(
      names.map { (token: key.token(of: $0), until: $0 == "dan" ? "2026-12-24" : "2026-12-23") }, to: tokens, key: key, keyFile: try file("key", secret))
  }

  private func read(_ key: IdentityKey? = nil) throws(Problems) -> [RosterToken] {
    try readRosterTokens(tokens, key: key ?? self.key) { ["2026-12-23": 1, "2026-12-24": 2][String($0)] }
  }

  private func complaintOfTokens(_ key: IdentityKey? = nil) -> String { complaint { () throws(Problems) in _ = try read(key) } }

  @Test func tokensAreReadAsTheyAreWrittenInTheirOrder() throws {
    try write(people)
    let roster = try read()
    #expect(Set(roster.map(\.token.text)) == Set(people.map { key.token(of: $0).text }))
    #expect(zip(roster, roster.dropFirst()).allSatisfy { $0.token.isBefore($1.token) })
    #expect(roster.filter { $0.until == 2 }.map(\.token.text) == [key.token(of: "dan").text])
    let mode = try FileManager.default.attributesOfItem(atPath: tokens)[.posixPermissions] as? NSNumber
    #expect(mode?.intValue == 0o600)
    #expect(try !String(contentsOfFile: tokens, encoding: .utf8).contains("ann"))
    // Anew, and nobody: whole again.
    try write([])
    #expect(try read().isEmpty && !FileManager.default.fileExists(atPath: tokens + ".new"))
  }

  @Test func tokensThatAreMissingOrOfAnotherKey() throws {
    #expect(complaintOfTokens() == "\(tokens)  site.roster_tokens_file: there is no such file; write it anew with: gatehouse roster import")
    try write(people)
    let words = complaintOfTokens(IdentityKey(Array("another secret that nobody sees, too".utf8)))
    #expect(words.hasPrefix("\(tokens):2:1  ") && words.contains("found tokens of another key") && words.contains("import the roster anew"), "\(words)")
  }

  /// Each byte that changes, and each place where the file may be cut off, is noticed.
  @Test func tokensThatAreDamaged() throws {
    try write(people)
    let whole = try Data(contentsOf: URL(filePath: tokens))
    // A fingerprint that was changed is that of another key.
    func isTold() -> Bool {
      let words = complaintOfTokens()
      return words.contains("write it anew with: gatehouse roster import") || words.contains("found tokens of another key")
    }
    for place in whole.indices {
      var changed = whole
      changed[place] ^= 1
      try changed.write(to: URL(filePath: tokens))
      #expect(isTold(), "byte \(place)")
      try whole.prefix(place).write(to: URL(filePath: tokens))
      #expect(isTold(), "cut off at \(place)")
    }
    try (whole + Data("x".utf8)).write(to: URL(filePath: tokens))
    #expect(complaintOfTokens().contains("cut off or changed"))
    try FileManager.default.removeItem(atPath: tokens)
    try FileManager.default.createDirectory(atPath: tokens, withIntermediateDirectories: true)
    #expect(complaintOfTokens().contains("found something that is no file; write it anew"))
  }

  @Test func tokensThatCannotBeWritten() throws {
    let keyFile = try file("key", secret)
    let words = complaint { () throws(Problems) in
      try writeRosterTokens([], to: "\(keyFile)/roster.tokens", key: key, keyFile: keyFile)
    }
    #expect(words.contains("it cannot be written: is its folder there, and this user's?"))
  }
}
