// Notices at once that a tty's path is there again: the keeper waits for its name in the nearest folder that exists.
// (udev tells more, but not about the links that simulators and people make.)

import CLinux
import Glibc

/// An inotify descriptor and the names that are awaited in watched folders.
struct LinkWatch {
  let descriptor: Int32
  /// What each port waits for.
  private var awaited: [Int: (watch: Int32, name: String)] = [:]

  init() throws(PortsFailure) {
    let made = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
    guard made >= 0 else { throw PortsFailure(description: "No inotify: \(describe(errno)).") }
    descriptor = raiseDescriptor(made)
  }

  /// From now on `arrived` tells when `path`, or the first missing folder above it, appears or changes its rights.
  /// Call it before each attempt to open, so that nothing appears unseen between the two.
  mutating func await(_ path: String, for port: Int) {
    // A folder that was made while this looked further up would never be seen to appear.
    for _ in 0..<8 {
      guard let missing = watch(path, for: port), unsafe access(missing, F_OK) == 0 else { return }
    }
  }

  /// Watches the nearest folder that is there; the path in it that is awaited, where that is not the whole.
  private mutating func watch(_ path: String, for port: Int) -> String? {
    var folder = path
    var name = ""
    // Without IN_MASK_ADD the kernel empties the mask of a folder's watch for a moment when it is set again, and whatever
    // appears there just then, for another port, is not told.
    let events = UInt32(IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_MOVE_SELF | IN_MASK_ADD)
    while let slash = folder.lastIndex(of: "/") {
      name = String(folder[folder.index(after: slash)...])
      folder = slash == folder.startIndex ? "/" : String(folder[..<slash])
      let watch = unsafe inotify_add_watch(descriptor, folder, events)
      if watch >= 0 {
        awaited[port] = (watch, name)
        let awaitedPath = folder == "/" ? "/" + name : folder + "/" + name
        return awaitedPath == path ? nil : awaitedPath
      }
      if folder == "/" { break }
    }
    awaited[port] = nil
    return nil
  }

  /// The ports whose name appeared, or whose folder is gone: what comes in a new one of that name is seen by `await` only.
  func arrived() -> Set<Int> {
    var ports: Set<Int> = []
    var buffer = [UInt8](repeating: 0, count: 8192)
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { return ports }
      var offset = 0
      // struct inotify_event: watch (4), mask (4), cookie (4), length of name (4), name padded with zeros.
      while offset + 16 <= count {
        let (watch, mask, length) = unsafe buffer.withUnsafeBytes { bytes in
          unsafe (
            bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self),
            bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self),
            Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
          )
        }
        let end = min(offset + 16 + length, count)
        let name = String(decoding: buffer[(offset + 16)..<end].prefix { $0 != 0 }, as: UTF8.self)
        offset = end
        let all = mask & UInt32(IN_Q_OVERFLOW) != 0
        let isGone = mask & UInt32(IN_IGNORED | IN_MOVE_SELF) != 0
        for (port, entry) in awaited where all || entry.watch == watch && (isGone || entry.name == name) { ports.insert(port) }
      }
    }
  }
}
