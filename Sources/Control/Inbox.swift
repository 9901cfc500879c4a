// What other threads tell the sockets' thread. A lock held for a copy, a bell rung once until it is drained, and
// bounds: doorbells coalesce to the newest seq of each stream; events and answers beyond the bound are lost and counted.

import Domain
import Foundation
import Glibc
import Rings
import Synchronization

final class Inbox: Sendable {
  struct Post {
    /// The newest seq of each stream, by `Domain.Stream.rawValue`; 0: nothing yet.
    var reached: [Int64] = [0, 0, 0]
    var events: [Data] = []
    var answers: [AnsweredCommand] = []
    var stopping = false
  }

  private struct State {
    var post = Post()
    var rung = false
    var lost: UInt64 = 0
    var counters = ControlCounters()
  }

  /// Rung when there is post.
  private let bell: Bell
  private let handedOver: Int
  private let state = Mutex(State())

  init(limits: ControlLimits) throws(ControlError) {
    handedOver = limits.handedOver
    guard let bell = Bell() else { throw .system(call: "eventfd", path: "", errno: EMFILE) }
    self.bell = bell
  }

  /// Readable when there is post.
  var descriptor: Int32 { bell.descriptor }

  func committed(_ stream: Domain.Stream, seq: Int64, answers: [AnsweredCommand]) {
    put { state in
      let index = Int(stream.rawValue)
      state.post.reached[index] = max(state.post.reached[index], seq)
      keep(answers, &state.post.answers, &state.lost)
    }
  }

  func notDurable(_ events: [Data], answers: [AnsweredCommand]) {
    put { state in
      keep(events, &state.post.events, &state.lost)
      keep(answers, &state.post.answers, &state.lost)
    }
  }

  func stop() { put { $0.post.stopping = true } }

  /// Makes the loop look at its clock.
  func wake() { put { _ in } }

  /// Everything since the last call. `reached` stays.
  func take() -> Post {
    bell.drain()
    return state.withLock { state in
      let post = state.post
      state.post.events = []
      state.post.answers = []
      state.rung = false
      return post
    }
  }

  /// What the loop counted last, with what was lost on the way to it.
  var counters: ControlCounters {
    get { state.withLock { state in
      var counters = state.counters
      counters.lost = state.lost
      return counters
    } }
    set { state.withLock { $0.counters = newValue } }
  }

  private func put(_ change: (inout sending State) -> Void) {
    let ring = state.withLock { state in
      change(&state)
      defer { state.rung = true }
      return !state.rung
    }
    if ring { bell.ring() }
  }

  private func keep<Item>(_ items: [Item], _ list: inout [Item], _ lost: inout UInt64) {
    let kept = items.prefix(max(0, handedOver - list.count))
    list += kept
    lost += UInt64(items.count - kept.count)
  }
}
