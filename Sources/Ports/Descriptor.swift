// Descriptors and the boot clock: the few system calls that several files here share.
//
// libmodbus overruns its `fd_set` at descriptor 1024 and above. So the low numbers are kept for the ttys of RTU buses,
// and every other descriptor is moved up as soon as it exists.

import CLinux
import CModbus
import Domain
import Glibc

/// The first number that is out of libmodbus's reach.
let lowDescriptorMax: Int32 = 1024

/// Moves a descriptor to 1024 or above, close-on-exec, and closes the old number. Returns the old one when that fails.
/// For any descriptor of the program that is not a bus's tty, before anybody else knows its number.
public func raiseDescriptor(_ descriptor: Int32) -> Int32 {
  guard descriptor >= 0, descriptor < lowDescriptorMax else { return descriptor }
  let raised = fcntl(descriptor, F_DUPFD_CLOEXEC, lowDescriptorMax)
  guard raised >= 0 else { return descriptor }
  close(descriptor)
  return raised
}

/// The reverse, for the tty of a bus: -1 (and the descriptor closed) when no low number is free.
func lowerDescriptor(_ descriptor: Int32) -> Int32 {
  guard descriptor >= lowDescriptorMax else { return descriptor }
  let lowered = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
  close(descriptor)
  guard lowered >= lowDescriptorMax else { return lowered }
  close(lowered)
  errno = EMFILE
  return -1
}

/// The boot clock: counts through suspend, never steps. No system call.
func bootClock() -> Instant {
  var time = timespec()
  unsafe clock_gettime(CLOCK_BOOTTIME, &time)
  return Instant(ns: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
}

/// Whole milliseconds from `now` to `deadline`, rounded up, for `poll` and `epoll_wait`; -1 for `never`.
func milliseconds(from now: Instant, to deadline: Instant) -> Int32 {
  if deadline == .never { return -1 }
  let ns = (deadline - now).ns
  guard ns > 0 else { return 0 }
  return Int32(min((ns - 1) / 1_000_000 + 1, 3_600_000))
}

/// An eventfd that wakes a thread of this module, closed when the last one that may ring it has let go.
final class Alert: Sendable {
  let descriptor: Int32

  init() throws(PortsFailure) {
    let made = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
    guard made >= 0 else { throw PortsFailure(description: "No event descriptor: \(describe(errno)).") }
    descriptor = raiseDescriptor(made)
  }

  deinit { close(descriptor) }

  func ring() { ringAlert(descriptor) }
  func drain() { drainAlert(descriptor) }
}

/// Adds one to an eventfd. It fails only when 2^64 - 2 rings went unread.
func ringAlert(_ descriptor: Int32) {
  var one: UInt64 = 1
  _ = unsafe write(descriptor, &one, 8)
}

/// Empties an eventfd.
func drainAlert(_ descriptor: Int32) {
  var count: UInt64 = 0
  _ = unsafe read(descriptor, &count, 8)
}

/// The kernel's words for an error number, and the number.
func describe(_ code: Int32) -> String {
  var text = [CChar](repeating: 0, count: 128)
  _ = unsafe strerror_r(code, &text, text.count)
  let said = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  return "\(said) (errno \(code))"
}

/// Which failure of a port an error number is, once the port was open.
func failureInUse(_ code: Int32) -> PortFailure {
  switch code {
  case EIO, ENODEV, ENXIO, ECONNRESET, EPIPE, ENOTCONN, ESHUTDOWN, ENOENT: .hungUp
  case ETIMEDOUT: .timedOut
  case EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN: .unreachable
  case ECONNREFUSED: .refused
  default: .ioError
  }
}

/// Which failure of a port an error number is, while it is being opened.
func failureToOpen(_ code: Int32) -> PortFailure {
  switch code {
  case ENOENT, ENODEV, ENXIO, ENOTDIR, ELOOP: .notFound
  case EACCES, EPERM: .denied
  case EBUSY, EWOULDBLOCK: .busy
  case ECONNREFUSED: .refused
  case ETIMEDOUT: .timedOut
  case EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, EADDRNOTAVAIL: .unreachable
  default: .ioError
  }
}
