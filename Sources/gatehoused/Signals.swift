// Signals come to one place: they are blocked in every thread, and the main thread waits for them.

import Glibc
import Rings

/// SIGTERM and SIGINT end the door; a client that hangs up (SIGPIPE) does not.
struct Signals {
  private let set: sigset_t

  /// Call before any thread is started: threads inherit what is blocked.
  init() {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGTERM)
    unsafe sigaddset(&signals, SIGINT)
    unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    _ = signal(SIGPIPE, SIG_IGN)
    set = signals
  }

  /// Sleeps until one of them comes.
  func wait() {
    var signals = set
    var came: Int32 = 0
    while unsafe sigwait(&signals, &came) != 0 {}
  }

  /// Whoever asks twice does not want to wait for the disk.
  func endAtOnceOnTheNext() {
    let signals = set
    _ = RunningThread("second signal") {
      Signals(set: signals).wait()
      _exit(130)
    }
  }

  private init(set: sigset_t) { self.set = set }
}
