// The C calls the simulators make, each wrapped once: a descriptor in, a descriptor or an errno out. Safe because every
// pointer handed over lives on the caller's stack for the length of the call, with the length that is passed beside it.

import Domain
import Glibc

/// A call that the system refused.
public struct SystemError: Error, CustomStringConvertible {
  public var what: String
  public var number: Int32

  init(_ what: String, _ number: Int32 = errno) {
    self.what = what
    self.number = number
  }
  public var description: String { "\(what): \(unsafe String(cString: strerror(number)))" }
}

/// The clock that counts through suspend, in nanoseconds.
func bootClock() -> Int64 {
  var time = timespec()
  unsafe clock_gettime(CLOCK_BOOTTIME, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// What is there to read now; empty at the end, `nil` when nothing has come yet or the call failed with something that
/// passes. The error otherwise.
func readSome(_ descriptor: Int32, atMost: Int = 4_096) -> Result<[UInt8]?, SystemError> {
  var buffer = [UInt8](repeating: 0, count: atMost)
  let count = unsafe read(descriptor, &buffer, buffer.count)
  if count >= 0 { return .success(Array(buffer.prefix(count))) }
  return errno == EAGAIN || errno == EINTR ? .success(nil) : .failure(SystemError("read"))
}

/// Writes what fits; the rest is lost, as on a line that nobody reads. Returns how much went out.
@discardableResult
func writeSome(_ descriptor: Int32, _ bytes: [UInt8]) -> Int {
  var sent = 0
  while sent < bytes.count {
    let count = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent) }
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { return sent }
    sent += count
  }
  return sent
}

/// Waits until one of the descriptors is ready or the time is over; returns what each is ready for.
func waitFor(_ descriptors: [Int32], atMost: Interval) -> [Int16] {
  var list = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
  let wholeMilliseconds = (min(max(atMost.ns, 0), 3_600_000_000_000) + 999_999) / 1_000_000
  let ready = unsafe poll(&list, nfds_t(list.count), Int32(wholeMilliseconds))
  return ready > 0 ? list.map(\.revents) : list.map { _ in 0 }
}

/// A listening TCP socket, non-blocking.
func listenTCP(host: String, port: Int) throws(SystemError) -> Int32 {
  var hints = unsafe addrinfo()
  unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
  unsafe hints.ai_flags = AI_PASSIVE
  var found: UnsafeMutablePointer<addrinfo>?
  guard unsafe getaddrinfo(host, String(port), &hints, &found) == 0, let first = unsafe found else {
    throw SystemError("\(host) is no address", EINVAL)
  }
  defer { unsafe freeaddrinfo(first) }
  let address = unsafe first.pointee
  let kind = unsafe address.ai_socktype | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
  let descriptor = unsafe socket(address.ai_family, kind, address.ai_protocol)
  guard descriptor >= 0 else { throw SystemError("socket") }
  var one: Int32 = 1
  unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
  guard unsafe bind(descriptor, address.ai_addr, address.ai_addrlen) == 0, listen(descriptor, 16) == 0 else {
    let error = SystemError("\(host):\(port)")
    close(descriptor)
    throw error
  }
  return descriptor
}

/// The port a listening socket got, for those who asked for port 0.
func boundPort(_ descriptor: Int32) -> Int {
  var address = sockaddr_in()
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
  }
  return result == 0 ? Int(UInt16(bigEndian: address.sin_port)) : 0
}

/// A listening Unix socket, non-blocking, for its owner only. A socket left over from an earlier run is replaced.
func listenUnix(path: String) throws(SystemError) -> Int32 {
  var address = try unixAddress(path)
  let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
  let descriptor = socket(AF_UNIX, kind, 0)
  guard descriptor >= 0 else { throw SystemError("socket") }
  if isSocket(path) { unsafe unlink(path) }
  let old = umask(0o077)
  let bound = unsafe named(&address) { unsafe bind(descriptor, $0, $1) }
  umask(old)
  guard bound == 0, listen(descriptor, 16) == 0 else {
    let error = SystemError(path)
    close(descriptor)
    throw error
  }
  return descriptor
}

/// A connection to a Unix socket that keeps packets apart, non-blocking.
func connectPackets(path: String) throws(SystemError) -> Int32 {
  var address = try unixAddress(path)
  let descriptor = socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  guard descriptor >= 0 else { throw SystemError("socket") }
  guard unsafe named(&address, { unsafe connect(descriptor, $0, $1) }) == 0 else {
    let error = SystemError(path)
    close(descriptor)
    throw error
  }
  _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
  return descriptor
}

/// Gives simulators that run one command over their socket, and waits for the line that answers it; for the socket itself
/// at most `seconds`.
public func tellSimulators(at path: String, _ order: String, waitingFor seconds: Double = 0) throws(SystemError) -> String {
  var address = try unixAddress(path)
  let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  guard descriptor >= 0 else { throw SystemError("socket") }
  defer { close(descriptor) }
  let end = bootClock() + Int64(seconds * 1e9)
  while unsafe named(&address, { unsafe connect(descriptor, $0, $1) }) != 0 {
    guard errno == ENOENT || errno == ECONNREFUSED, bootClock() < end else { throw SystemError(path) }
    _ = waitFor([], atMost: .milliseconds(20))
  }
  writeSome(descriptor, Array((order + "\n").utf8))
  var answer: [UInt8] = []
  while answer.last != 10 {
    guard let more = try readSome(descriptor).get() else { continue }
    if more.isEmpty { throw SystemError("\(path): no answer", ECONNRESET) }
    answer += more
  }
  return String(decoding: answer.dropLast(), as: UTF8.self)
}

/// Whether a socket's name stands there.
func isSocket(_ path: String) -> Bool {
  var info = stat()
  return unsafe lstat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFSOCK
}

private func unixAddress(_ path: String) throws(SystemError) -> sockaddr_un {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  let bytes = Array(path.utf8)
  let room = unsafe withUnsafeMutableBytes(of: &address.sun_path) { buffer in
    guard bytes.count < buffer.count else { return false }
    unsafe buffer.copyBytes(from: bytes)
    return true
  }
  guard room else { throw SystemError(path, ENAMETOOLONG) }
  return address
}

private func named(_ address: inout sockaddr_un, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
  unsafe withUnsafePointer(to: &address) { pointer in
    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe call($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
  }
}

/// The next connection of a listening socket.
func acceptOne(_ listener: Int32) -> Int32? {
  let descriptor = accept(listener, nil, nil)
  guard descriptor >= 0 else { return nil }
  _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
  _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  return descriptor
}
