// Who is expected, as the door reads it: tokens and their last days, no names. `gatehouse roster import` writes the file beside its
// sealed store; the door reads it at its start.
//
//     gatehouse roster tokens 1
//     key 0f3a9c0e5b7d2416                              a fingerprint of the identity key
//     00c1… 2026-12-23                                  a line for each, in the order of their tokens
//     end 812 9c40…                                     how many, and the hash of all before under that key
//
// With another key no token fits, and everybody would go to staff: the fingerprint says so before. The hash tells of what was cut
// off or changed.

public import Domain
import Foundation

private let firstLine = "gatehouse roster tokens 1"
/// As many as a roster may have.
private let rosterMax = 1_000_000
/// A line each of 44 bytes, and what stands around them.
private let rosterBytesMax = rosterMax * 44 + 256

/// Writes who is expected: whole or not at all, and for the owner of the key only, who is the door's user.
public func writeRosterTokens(
  _ entries: [(token: Token, until: String)], to file: String, key: IdentityKey, keyFile: String
) throws(Problems) {
  guard entries.count <= rosterMax else { throw rosterProblem(file, "found \(entries.count) people, expected \(rosterMax) at most") }
  let sorted = entries.sorted { $0.token.isBefore($1.token) }
  let text = "\(firstLine)\nkey \(key.fingerprint)\n" + sorted.map { "\($0.token.text) \($0.until)\n" }.joined()
  let bytes = Array(text.utf8)
  let end = "end \(sorted.count) \(hash(bytes[...], key))\n"
  let new = "\(file).new"
  try? FileManager.default.removeItem(atPath: new)
  guard FileManager.default.createFile(atPath: new, contents: Data(bytes + end.utf8), attributes: [.posixPermissions: 0o600]) else {
    throw rosterProblem(file, "it cannot be written: is its folder there, and this user's?")
  }
  var owner = stat()
  // Whoever else may read the key is root.
  if geteuid() == 0, unsafe stat(keyFile, &owner) == 0 { _ = unsafe chown(new, owner.st_uid, owner.st_gid) }
  guard unsafe rename(new, file) == 0 else {
    throw rosterProblem(file, "it cannot be replaced: \(unsafe String(cString: strerror(errno)))")
  }
}

/// Reads who is expected, in the order of their tokens, or says what is wrong with the file and what to do.
/// - Parameter end: when a day such as 2026-12-23 is over at the site, ns since 1970 UTC; `nil`: it is no day.
func readRosterTokens(_ file: String, key: IdentityKey, end: (Substring) -> Int64?) throws(Problems) -> [RosterToken] {
  let making = "write it anew with: gatehouse roster import"
  var status = stat()
  guard unsafe stat(file, &status) == 0 else {
    let code = errno
    throw rosterProblem(
      file, code == ENOENT ? "there is no such file; \(making)" : "it cannot be looked at: \(unsafe String(cString: strerror(code)))")
  }
  guard status.st_mode & S_IFMT == S_IFREG else { throw rosterProblem(file, "found something that is no file; \(making)") }
  guard status.st_size <= rosterBytesMax else {
    throw rosterProblem(file, "found \(status.st_size) bytes, expected the tokens of \(rosterMax) people at most; \(making)")
  }
  guard let data = FileManager.default.contents(atPath: file) else {
    throw rosterProblem(file, "it cannot be read by this user; it belongs to user \(status.st_uid): chown it to the user of the door")
  }
  let text = String(decoding: data, as: UTF8.self)
  let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
  guard lines.count >= 2, lines[0] == firstLine, lines[1].hasPrefix("key ") else {
    throw rosterProblem(file, "found something else than the tokens of a roster; \(making)", line: 1)
  }
  guard lines[1] == "key \(key.fingerprint)" else {
    throw rosterProblem(
      file,
      "found tokens of another key, expected those of site.identity_secret_file: no identity would fit; import the roster anew, from identities",
      line: 2)
  }
  // The last line ends too, so that one which is cut off is seen.
  let last = lines.dropLast().last?.split(separator: " ") ?? []
  let people = lines.dropFirst(2).dropLast(2)
  let hashed = data.prefix(data.count - (lines.dropLast().last?.utf8.count ?? 0) - 1)
  guard lines.last == "", last.count == 3, last[0] == "end", last[1] == "\(people.count)", last[2] == hash(Array(hashed)[...], key) else {
    throw rosterProblem(file, "it was cut off or changed: what it says it holds is not what it holds; \(making)", line: lines.count)
  }
  guard people.count <= rosterMax else { throw rosterProblem(file, "found \(people.count) people, expected \(rosterMax) at most") }
  var days: [Substring: Int64] = [:]
  var roster: [RosterToken] = []
  roster.reserveCapacity(people.count)
  for (index, line) in zip(2..., people) {
    let words = line.split(separator: " ")
    guard words.count == 2, let token = Token(String(words[0])), let until = days[words[1]] ?? end(words[1]) else {
      throw rosterProblem(file, "found a line that is no token and its last day; \(making)", line: index + 1)
    }
    days[words[1]] = until
    roster.append(RosterToken(token: token, until: until))
  }
  return roster.sorted { $0.token.isBefore($1.token) }
}

private func hash(_ bytes: ArraySlice<UInt8>, _ key: IdentityKey) -> String {
  var digest = key.begin()
  for byte in bytes { digest.add(byte) }
  return key.token(digest).text
}

private func rosterProblem(_ file: String, _ message: String, line: Int = 0) -> Problems {
  Problems([Problem(file: file, line: line, column: line > 0 ? 1 : 0, path: "site.roster_tokens_file", message: message)])
}

extension SiteSettings {
  /// The key of identities and who is expected, or what is wrong with their files. The door does not start without them.
  public func readIdentities() throws(Problems) -> (key: IdentityKey?, roster: [RosterToken]) {
    guard let identitySecretFile else { return (nil, []) }
    let key = try readIdentityKey(identitySecretFile)
    guard let rosterTokensFile else { return (key, []) }
    let roster = try readRosterTokens(rosterTokensFile, key: key) { text in
      guard text.utf8.count == 10, let date = try? Date("\(text)T00:00:00Z", strategy: .iso8601) else { return nil }
      return beginning(ofDay: Int(date.timeIntervalSince1970 / 86_400) + 1)
    }
    return (key, roster)
  }
}
