// The C calls of this module: unix stream sockets, non-blocking and close-on-exec. `unsafe` here means: a pointer to a
// local value or array is handed to a call that uses it only until it returns, with that value's own size.

public import Domain
import Foundation
import Glibc

/// This machine's boot clock, which counts through suspend.
public func bootClock() -> Instant {
  var time = timespec()
  unsafe clock_gettime(CLOCK_BOOTTIME, &time)
  return Instant(ns: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}

/// A listening socket and its file.
final class Listener: Sendable {
  let fd: Int32
  let path: String
  private let device: UInt
  private let inode: UInt

  /// Listens at `path` with mode 0660. A socket file left by a door that is gone is replaced: the new socket is made
  /// beside it and renamed over it, so that there is no moment without one and its mode is right from the first.
  /// `group`: who may connect besides the door's own user, where the machine has that group and the door may give
  /// it; elsewhere the socket keeps the door's own group, which is never wider.
  init(path: String, group: String? = nil) throws(ControlError) {
    try Self.makeRoom(at: path)
    let fresh = path + "~"
    guard fresh.utf8.count <= pathMax else { throw .pathTooLong(path: path) }
    unsafe unlink(fresh)
    let fd = try makeSocket(path)
    guard try unsafe withAddress(fresh, { unsafe bind(fd, $0, $1) }) == 0, unsafe chmod(fresh, 0o660) == 0,
      giveAway(fresh, to: group), listen(fd, 64) == 0, unsafe rename(fresh, path) == 0
    else {
      let code = errno
      close(fd)
      unsafe unlink(fresh)
      throw code == EACCES ? .denied(path: path) : .system(call: "listen", path: path, errno: code)
    }
    var facts = stat()
    _ = unsafe lstat(path, &facts)
    self.fd = fd
    self.path = path
    device = UInt(facts.st_dev)
    inode = UInt(facts.st_ino)
  }

  deinit { close(fd) }

  /// Nobody can connect any more; the file goes if it is still ours.
  func remove() {
    var facts = stat()
    if unsafe lstat(path, &facts) == 0, UInt(facts.st_dev) == device, UInt(facts.st_ino) == inode { unsafe unlink(path) }
    shutdown(fd, Int32(SHUT_RDWR))
  }

  private static func makeRoom(at path: String) throws(ControlError) {
    var facts = stat()
    guard unsafe lstat(path, &facts) == 0 else { return }
    guard facts.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
    let probe = try makeSocket(path)
    defer { close(probe) }
    // Non-blocking: EAGAIN means that somebody listens and is busy.
    if try unsafe withAddress(path, { unsafe connect(probe, $0, $1) }) == 0 || errno == EAGAIN { throw .inUse(path: path) }
    if errno == EACCES { throw .denied(path: path) }
  }

  /// The next connection that waits, or the reason why there is none.
  func accept() -> Result<Int32, ControlError> {
    let connection = Glibc.accept(fd, nil, nil)
    guard connection >= 0 else { return .failure(.system(call: "accept", path: path, errno: errno)) }
    _ = fcntl(connection, F_SETFL, O_NONBLOCK)
    _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
    return .success(connection)
  }
}

/// Gives a file to a group that exists, where this user may. `false`: the kernel said no for another reason.
private func giveAway(_ path: String, to group: String?) -> Bool {
  guard let group, let number = groupNumber(group) else { return true }
  return unsafe chown(path, uid_t.max, number) == 0 || errno == EPERM
}

/// The number of a group of this machine.
func groupNumber(_ name: String) -> gid_t? {
  var entry = unsafe Glibc.group()
  var found: UnsafeMutablePointer<Glibc.group>? = nil
  var buffer = [CChar](repeating: 0, count: 65_536)
  guard unsafe getgrnam_r(name, &entry, &buffer, buffer.count, &found) == 0, unsafe found != nil else { return nil }
  return unsafe entry.gr_gid
}

private let streamType = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)

func makeSocket(_ path: String) throws(ControlError) -> Int32 {
  let fd = socket(AF_UNIX, streamType, 0)
  if fd < 0 { throw .system(call: "socket", path: path, errno: errno) }
  return fd
}

/// The kernel's words for an error number.
func errorText(_ code: Int32) -> String {
  guard let text = unsafe strerror(code) else { return "error \(code)" }
  return unsafe String(cString: text)
}

/// Calls `body` with the address of `path`.
func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) throws(ControlError) -> Int32 {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  let bytes = Array(path.utf8)
  guard bytes.count <= pathMax else { throw .pathTooLong(path: path) }
  unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
  let size = socklen_t(MemoryLayout<sockaddr_un>.size)
  return unsafe withUnsafePointer(to: &address) { pointer in
    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, size) }
  }
}

/// The kernel takes 108 bytes, with the zero that ends them (unix(7)).
private let pathMax = 107

/// What came, or that nothing did, or that the other end is gone.
enum Received {
  case bytes(ArraySlice<UInt8>)
  case nothing
  case ended
  case failed
}

func receive(_ fd: Int32, atMost count: Int) -> Received {
  var bytes = [UInt8](repeating: 0, count: count)
  let got = unsafe bytes.withUnsafeMutableBytes { unsafe recv(fd, $0.baseAddress, $0.count, 0) }
  if got > 0 { return .bytes(bytes[..<got]) }
  if got == 0 { return .ended }
  return errno == EAGAIN || errno == EINTR ? .nothing : .failed
}

/// How many bytes were taken, or `nil` when the other end is gone.
func transmit(_ fd: Int32, _ bytes: ArraySlice<UInt8>) -> Int? {
  let sent = unsafe bytes.withUnsafeBytes { unsafe send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  if sent >= 0 { return sent }
  return errno == EAGAIN || errno == EINTR ? 0 : nil
}

/// The user at the other end, as the kernel knows it.
func peerUser(_ fd: Int32) -> uid_t? {
  // struct ucred: pid, uid, gid.
  var credentials: [UInt32] = [0, 0, 0]
  var size = socklen_t(12)
  guard unsafe getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0, size == 12 else { return nil }
  return credentials[1]
}

/// The name of a user, or `uid-1000` when it has none that fits.
func userName(_ uid: uid_t) -> Text {
  var entry = unsafe passwd()
  var found: UnsafeMutablePointer<passwd>? = nil
  var buffer = [CChar](repeating: 0, count: 16_384)
  if unsafe getpwuid_r(uid, &entry, &buffer, buffer.count, &found) == 0, unsafe found != nil, let name = unsafe entry.pw_name {
    if let text = Text(unsafe String(cString: name)), !text.isEmpty { return text }
  }
  return Text("uid-\(uid)") ?? Text()
}
