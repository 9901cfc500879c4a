// A thread of the kernel's: the door's own, the keeper, one a bus, a name look-up. Foundation's threads are not used:
// these have a small stack and are joined.

import CLinux
import Glibc

/// A running thread. End it by whatever its body waits for, then `join`.
public struct RunningThread: @unchecked Sendable {
  // A pthread_t is an opaque number of the C library; `join` or `detach` uses it, once.
  private let handle: pthread_t

  private final class Body {
    let name: String
    let run: @Sendable () -> Void
    init(_ name: String, _ run: @escaping @Sendable () -> Void) {
      self.name = name
      self.run = run
    }
  }

  /// - Parameters:
  ///   - name: as `ps -L` shows it; cut after 15 bytes, the kernel's limit.
  ///   - stackBytes: 256 KiB are enough for the deepest path (SQLite's parser) and small enough for a door that shall use
  ///     few megabytes.
  /// - Returns: `nil` when the kernel has no thread left.
  public init?(_ name: String, stackBytes: Int = 256 * 1024, _ run: @escaping @Sendable () -> Void) {
    var made = pthread_t()
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    unsafe pthread_attr_setstacksize(&attributes, stackBytes)
    defer { unsafe pthread_attr_destroy(&attributes) }
    let body = unsafe Unmanaged.passRetained(Body(String(name.prefix(15)), run))
    // All signals belong to the main thread: a handler must never run in the middle of a bus exchange.
    var all = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&all)
    unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
    let failed = unsafe pthread_create(
      &made, &attributes,
      { context in
        guard let context = unsafe context else { return nil }
        let body = unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
        unsafe pthread_setname_np(pthread_self(), body.name)
        body.run()
        return nil
      }, body.toOpaque())
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    guard failed == 0 else {
      unsafe body.release()
      return nil
    }
    handle = made
  }

  /// Waits for its end.
  public func join() { pthread_join(handle, nil) }

  /// Nobody will wait for it.
  public func detach() { pthread_detach(handle) }
}
