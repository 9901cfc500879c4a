// Opens a HID node on a thread of its own: the kernel lets nobody open one while somebody waits for a feature report of
// another, which a stick that never answers draws out to five seconds. The keeper has other ports.

import Domain
import Glibc
import Rings
import Synchronization

/// One opening. It outlives whoever asked, if it must.
final class NodeOpening: Sendable {
  private enum State {
    case underWay
    case over(Result<Int32, OpenFailure>)
    /// Nobody waits for it any more: what is opened is closed again.
    case abandoned
  }

  private let state = Mutex(State.underWay)

  /// `done` is rung when `result` is there.
  init(_ path: String, _ reports: HIDReports, done: Alert) {
    let thread = RunningThread("open") { [self] in
      let opened: Result<Int32, OpenFailure>
      do throws(OpenFailure) { opened = .success(try HIDNode.open(path, reports)) } catch { opened = .failure(error) }
      let isWanted = state.withLock { state in
        if case .abandoned = state { return false }
        state = .over(opened)
        return true
      }
      if !isWanted, case .success(let descriptor) = opened { close(descriptor) }
      done.ring()
    }
    if let thread {
      thread.detach()
    } else {
      state.withLock { $0 = .over(.failure(OpenFailure(failure: .ioError, code: EAGAIN, explanation: "No thread to open \(path)."))) }
      done.ring()
    }
  }

  /// `nil` while it is under way. Whoever takes a descriptor owns it.
  var result: Result<Int32, OpenFailure>? {
    state.withLock { if case .over(let result) = $0 { result } else { nil } }
  }

  func abandon() {
    let opened = state.withLock { state in
      defer { state = .abandoned }
      return if case .over(.success(let descriptor)) = state { descriptor } else { Int32(-1) }
    }
    if opened >= 0 { close(opened) }
  }
}
