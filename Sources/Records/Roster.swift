// Who is who: names beside tokens, in a store of their own that nothing but printing opens. The log holds tokens only.
//
//     GHRO1 | nonce (12) | sealed JSON | tag (16)       ChaCha20-Poly1305 (RFC 8439); the first five bytes are authenticated too
//
// The key is 32 bytes in another file that only its owner may read: whoever has the store alone, or a backup of it, has nothing.

import Crypto
public import Foundation

/// One person of a roster.
public struct RosterEntry: Codable, Sendable, Equatable {
  /// As the log has it.
  public var token: String
  public var name: String
  /// staff, candidate, visitor …
  public var role: String
  /// Which session they are expected at; empty: any.
  public var session: String
  /// The last day on which the entry may be read, `2026-12-23`.
  public var until: String

  public init(token: String, name: String, role: String, session: String, until: String) {
    self.token = token
    self.name = name
    self.role = role
    self.session = session
    self.until = until
  }
}

/// A store cannot be used, in words.
public struct RosterError: Error, Equatable, CustomStringConvertible {
  public var description: String
}

/// The store and its key.
public struct Roster: Sendable {
  private static let mark = Data("GHRO1".utf8)
  public let store: URL
  private let key: SymmetricKey

  /// - Parameter makesKey: whether a key that is not there is made.
  public init(store: URL, keyFile: URL, makesKey: Bool = false) throws {
    self.store = store
    let path = keyFile.path
    if makesKey, !FileManager.default.fileExists(atPath: path) {
      guard !FileManager.default.fileExists(atPath: store.path) else {
        throw RosterError(
          description: "\(path): there is no such key, and \(store.path) was sealed with it; "
            + "put the key back, or the store away, and import anew")
      }
      try writePrivately(SymmetricKey(size: .bits256).withUnsafeBytes { unsafe Data($0) }, to: keyFile)
    }
    let attributes: [FileAttributeKey: Any]
    do { attributes = try FileManager.default.attributesOfItem(atPath: keyFile.resolvingSymlinksInPath().path) } catch {
      throw RosterError(description: "\(path): there is no such key; gatehouse roster import makes one")
    }
    let remedy = "put the key back, or take it and the store away, and import anew"
    guard attributes[.type] as? FileAttributeType == .typeRegular else {
      throw RosterError(description: "\(path): found something that is no file, expected a key; \(remedy)")
    }
    let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0o777
    guard mode & 0o077 == 0 else {
      throw RosterError(
        description: "\(path): found permissions \(String(mode, radix: 8)), expected 600: "
          + "others must not read a key; chmod 600 \(path)")
    }
    guard let bytes = FileManager.default.contents(atPath: path) else {
      throw RosterError(description: "\(path): it cannot be read by this user; use gatehouse roster as its owner")
    }
    guard bytes.count == 32 else { throw RosterError(description: "\(path): found \(bytes.count) bytes, expected a key of 32; \(remedy)") }
    key = SymmetricKey(data: bytes)
  }

  /// The entries that may be read on a day; none without a store.
  public func entries(on day: String) throws -> [RosterEntry] {
    guard FileManager.default.fileExists(atPath: store.path) else { return [] }
    let sealed = try Data(contentsOf: store)
    guard sealed.starts(with: Self.mark), let box = try? ChaChaPoly.SealedBox(combined: sealed.dropFirst(Self.mark.count)),
      let opened = try? ChaChaPoly.open(box, using: key, authenticating: Self.mark),
      let entries = try? JSONDecoder().decode([RosterEntry].self, from: opened)
    else { throw RosterError(description: "\(store.path): cannot be opened with this key, or was changed") }
    return entries.filter { $0.until >= day }
  }

  /// Writes the store anew: what is not among the entries is gone.
  public func keep(_ entries: [RosterEntry]) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let box = try ChaChaPoly.seal(try encoder.encode(entries), using: key, authenticating: Self.mark)
    try writePrivately(Self.mark + box.combined, to: store)
  }
}

/// Whole or not at all, and for the owner only from its first byte on.
private func writePrivately(_ data: Data, to file: URL) throws {
  let new = file.appendingPathExtension("new")
  try? FileManager.default.removeItem(at: new)
  guard FileManager.default.createFile(atPath: new.path, contents: data, attributes: [.posixPermissions: 0o600]) else {
    throw RosterError(description: "\(file.path): cannot be written; is its folder there and yours?")
  }
  guard unsafe rename(new.path, file.path) == 0 else { throw RosterError(description: "\(file.path): cannot be replaced") }
}
