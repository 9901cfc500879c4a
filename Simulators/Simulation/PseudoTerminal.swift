// A serial line's far end: a pseudo-terminal whose other side stands at the settings' path as a link. The link is put
// in place by renaming, so there is never a moment without it, and something that is not a link is never replaced.
//
// Nobody holds the near side open here, so that the kernel tells (POLLHUP) whether somebody listens: a real line does
// not keep for later what nobody heard. A listener that was killed leaves the near side marked exclusive, which only
// the superuser may undo: then a fresh pseudo-terminal takes the place.

import Foundation
import Glibc

/// One serial line.
final class PseudoTerminal {
  private(set) var master: Int32
  /// The near side, such as `/dev/pts/3`.
  private(set) var name: String
  let link: String
  /// Whether somebody has it open.
  private(set) var isHeard = false

  /// - Parameter avoiding: a name not to get again, so that a replugged adapter shows up under another one.
  init(link: String, avoiding: String = "") throws(SystemError) {
    self.link = link
    (master, name) = try Self.open()
    if name == avoiding {
      let same = master
      defer { close(same) }
      (master, name) = try Self.open()
    }
    try place()
  }

  /// TIOCSPTLCK and TIOCGPTN, which are C macros that Swift does not see: what unlockpt and ptsname call.
  private static var unlockRequest: UInt { 0x4004_5431 }
  private static var numberRequest: UInt { 0x8004_5430 }

  private static func open() throws(SystemError) -> (Int32, String) {
    let master = unsafe Glibc.open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    guard master >= 0 else { throw SystemError("/dev/ptmx") }
    var lock: Int32 = 0
    var number: Int32 = -1
    guard unsafe ioctl(master, unlockRequest, &lock) == 0, unsafe ioctl(master, numberRequest, &number) == 0 else {
      let error = SystemError("/dev/ptmx")
      close(master)
      throw error
    }
    let name = "/dev/pts/\(number)"
    guard makeRaw(name) else {
      let error = SystemError(name)
      close(master)
      throw error
    }
    return (master, name)
  }

  /// Sets the near side raw, empties it and ends its being exclusive. `false`: it can't be opened.
  private static func makeRaw(_ name: String) -> Bool {
    let near = unsafe Glibc.open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    guard near >= 0 else { return false }
    defer { close(near) }
    var line = termios()
    unsafe tcgetattr(near, &line)
    unsafe cfmakeraw(&line)
    unsafe tcsetattr(near, TCSANOW, &line)
    tcflush(near, TCIOFLUSH)
    _ = ioctl(near, UInt(TIOCNXCL))
    return true
  }

  private func place() throws(SystemError) {
    var info = stat()
    if unsafe lstat(link, &info) == 0, info.st_mode & S_IFMT != S_IFLNK {
      throw SystemError("\(link) is there and is no link; it is left alone", EEXIST)
    }
    let folder = (link as NSString).deletingLastPathComponent
    if !folder.isEmpty {
      do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
        throw SystemError(folder)
      }
    }
    let beside = "\(link).\(getpid()).new"
    unsafe unlink(beside)
    guard unsafe symlink(name, beside) == 0, unsafe rename(beside, link) == 0 else { throw SystemError(link) }
  }

  /// Looks whether somebody listens; `true` when a listener went away since the last look.
  func noticeListener(hungUp: Bool) -> Bool {
    let leaves = isHeard && hungUp
    isHeard = !hungUp
    return leaves
  }

  /// After a listener left: the line as it was before.
  func freshen() throws(SystemError) {
    if Self.makeRaw(name) { return }
    let old = master
    (master, name) = try Self.open()
    close(old)
    try place()
  }

  /// Hangs up and takes the link away, if it is still this one's.
  func remove() {
    if (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) == name { unsafe unlink(link) }
    close(master)
    master = -1
  }
}
