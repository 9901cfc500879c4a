// Looks a host name up on a thread of its own: the resolver can block for half a minute, and the keeper has other ports.

import Domain
import Glibc
import Rings
import Synchronization

/// One look-up. It outlives whoever asked, if it must; nobody waits for it.
final class Lookup: Sendable {
  private let answer = Mutex<Result<[Address], OpenFailure>?>(nil)

  /// `done` is rung when `result` is there.
  init(host: String, port: Int, done: Alert) {
    let thread = RunningThread("lookup") { [self] in
      let found = Address.resolve(host: host, port: port, numericOnly: false)
      answer.withLock { $0 = found }
      done.ring()
    }
    if let thread { thread.detach() } else { answer.withLock { $0 = .failure(Connection.failed(EAGAIN)) } }
  }

  /// `nil` while it is being looked up.
  var result: Result<[Address], OpenFailure>? { answer.withLock { $0 } }
}
