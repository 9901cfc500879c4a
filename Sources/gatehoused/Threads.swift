// Threads of the door: small stacks, a name that `top -H` shows, and one that can be joined.

import Glibc

/// A running thread.
struct RunningThread: @unchecked Sendable {
  // A pthread_t is an opaque number of the C library; only `join` uses it, once.
  private let handle: pthread_t

  /// Starts a thread with a stack of 256 KiB: enough for the deepest path (SQLite's parser), small enough for a
  /// door that shall use few megabytes.
  static func start(_ name: String, stackBytes: Int = 256 * 1024, _ body: @escaping @Sendable () -> Void) -> RunningThread? {
    final class Box {
      let body: @Sendable () -> Void
      let name: String
      init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
      }
    }
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    defer { unsafe pthread_attr_destroy(&attributes) }
    unsafe pthread_attr_setstacksize(&attributes, stackBytes)
    var handle = pthread_t()
    // Safe: the retained box is released exactly once, by the thread that was given it, or below if none started.
    let box = unsafe Unmanaged.passRetained(Box(name, body))
    let failed = unsafe pthread_create(&handle, &attributes, { argument in
      guard let argument = unsafe argument else { return nil }
      let box = unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue()
      unsafe pthread_setname_np(pthread_self(), String(box.name.prefix(15)))
      box.body()
      return nil
    }, box.toOpaque())
    guard failed == 0 else {
      unsafe box.release()
      return nil
    }
    return RunningThread(handle: handle)
  }

  func join() { unsafe pthread_join(handle, nil) }
}
