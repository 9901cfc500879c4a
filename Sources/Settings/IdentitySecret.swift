// The site's key for identities. It lies in a file of its own, which only the door may read; without it no token can be undone.

public import Domain
import Foundation

/// Reads the key, or says what is wrong with its file and what to do.
public func readIdentityKey(_ file: String) throws(Problems) -> IdentityKey {
  func problem(_ message: String) -> Problems {
    Problems([Problem(file: file, line: 0, column: 0, path: "site.identity_secret_file", message: message)])
  }
  let making = "make it with: head -c 32 /dev/urandom > \(file) && chmod 400 \(file)"
  var status = stat()
  guard stat(file, &status) == 0 else {
    let code = errno
    throw problem(
      code == ENOENT ? "there is no such file; \(making)" : "it cannot be looked at: \(String(cString: strerror(code)))")
  }
  guard status.st_mode & S_IFMT == S_IFREG else { throw problem("found something that is no file; \(making)") }
  guard status.st_mode & 0o077 == 0 else {
    let mode = String(status.st_mode & 0o777, radix: 8)
    throw problem("found mode \(mode), expected one that only its owner can read: chmod 400 \(file)")
  }
  guard status.st_size >= 32, status.st_size <= 4_096 else {
    throw problem("found \(status.st_size) bytes, expected 32 to 4096 that nobody can guess; \(making)")
  }
  guard let key = FileManager.default.contents(atPath: file), key.count >= 32 else {
    throw problem("it cannot be read by this user; it belongs to user \(status.st_uid): chown it to the user of the door")
  }
  return IdentityKey(Array(key))
}
