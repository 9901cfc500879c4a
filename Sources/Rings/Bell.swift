// Wakes a consumer that sleeps in epoll, poll or a read: an eventfd. A system call, so it is rung outside the part that
// is proved, once a wake-up and not once a slot.

import CLinux
import Glibc

/// An eventfd: ring it from any thread, wait for it in one.
public final class Bell: Sendable {
  /// Readable when it was rung. Non-blocking; closed with the bell.
  public let descriptor: Int32

  /// `nil` when the process has no descriptor left.
  public init?() {
    descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    if descriptor < 0 { return nil }
  }

  deinit { close(descriptor) }

  /// Safe: eight bytes of a local. A counter that is already full is as good as rung, so EAGAIN is no error.
  public func ring() {
    var one: UInt64 = 1
    while unsafe write(descriptor, &one, 8) < 0 && errno == EINTR {}
  }

  /// Silences the bell; whether it had been rung.
  @discardableResult
  public func drain() -> Bool {
    var count: UInt64 = 0
    while true {
      let got = unsafe read(descriptor, &count, 8)
      if got == 8 { return true }
      if errno != EINTR { return false }
    }
  }

  /// Sleeps until it is rung, at most this many milliseconds (-1: for ever), and silences it.
  @discardableResult
  public func wait(milliseconds: Int32) -> Bool {
    var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    // A signal ends the sleep early; whoever waits looks at its work anyway.
    guard unsafe poll(&watched, 1, milliseconds) > 0 else { return false }
    return drain()
  }
}
