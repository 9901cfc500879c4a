// The sockets' thread: one round is wait, take what other threads left, accept, serve each connection, look at the
// clock. A value of one thread; nothing here is shared but the inbox.

import Domain
import Foundation
import Glibc

/// What the loop is made of and calls out to.
struct ControlParts: Sendable {
  var command: Listener
  var events: Listener
  var names: Names
  var limits: ControlLimits
  var clock: @Sendable () -> Instant
  var submit: @Sendable (Command) -> Bool
  var status: @Sendable () -> Data
  var inbox: Inbox
}

struct ControlLoop {
  let parts: ControlParts
  var connections: [Connection] = []
  var memory: AnswerMemory
  var counters = ControlCounters()
  var reached: [Int64] = [0, 0, 0]
  private var nextID: ConnectionID = 1
  private var userNames: [uid_t: Text] = [:]
  /// Out of descriptors or memory: no accepting before then, or `poll` would return at once for ever.
  private var acceptFrom = Instant.past
  /// A connection has whole lines left that it was not its turn for.
  private var more = false

  var limits: ControlLimits { parts.limits }

  init(_ parts: ControlParts) {
    self.parts = parts
    memory = AnswerMemory(capacity: parts.limits.remembered)
  }

  mutating func run() {
    while !round() {}
    parts.command.remove()
    parts.events.remove()
    for connection in connections { close(connection.fd) }
    connections = []
  }

  /// One wake-up. `true`: stop.
  private mutating func round() -> Bool {
    var polled = descriptors()
    _ = unsafe poll(&polled, nfds_t(polled.count), timeout())
    let post = parts.inbox.take()
    let now = parts.clock()
    let known = connections.count
    deliver(post)
    if polled[1].revents != 0 { accept(parts.command, .command, now) }
    if polled[2].revents != 0 { accept(parts.events, .events, now) }
    more = false
    for index in connections.indices {
      let seen = index < known ? polled[3 + index].revents : 0
      serve(index, seen: seen, now: now)
    }
    expire(now)
    sweep()
    counters.clients = connections.count
    parts.inbox.counters = counters
    return post.stopping
  }

  private func descriptors() -> [pollfd] {
    let now = parts.clock()
    let accepting = now >= acceptFrom ? Int16(POLLIN) : 0
    var result = [
      pollfd(fd: parts.inbox.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: parts.command.fd, events: accepting, revents: 0),
      pollfd(fd: parts.events.fd, events: accepting, revents: 0),
    ]
    for connection in connections {
      let wanted = (connection.wantsInput ? POLLIN : 0) | (connection.waitingBytes > 0 ? POLLOUT : 0)
      result.append(pollfd(fd: connection.fd, events: Int16(wanted), revents: 0))
    }
    return result
  }

  /// Milliseconds until the next deadline, rounded up; -1: none.
  private func timeout() -> Int32 {
    if more { return 0 }
    let now = parts.clock()
    var next = memory.nextDeadline
    if acceptFrom > now { next = min(next, acceptFrom) }
    for connection in connections {
      if !connection.saidHello { next = min(next, connection.helloBy) }
      next = min(next, connection.takenBy)
    }
    if next == .never { return -1 }
    return Int32(clamping: max(0, (next - now).ns / 1_000_000 + 1))
  }

  private mutating func accept(_ listener: Listener, _ door: Door, _ now: Instant) {
    // As many a round as there may be clients; whoever comes later waits for the next round.
    for _ in 0..<limits.clients {
      switch listener.accept() {
      case .success(let fd): welcome(fd, door, now)
      case .failure(.system(_, _, EMFILE)), .failure(.system(_, _, ENFILE)), .failure(.system(_, _, ENOMEM)),
        .failure(.system(_, _, ENOBUFS)):
        acceptFrom = now + .seconds(1)
        return
      case .failure: return
      }
    }
  }

  private mutating func welcome(_ fd: Int32, _ door: Door, _ now: Instant) {
    let uid = peerUser(fd)
    var connection = Connection(
      id: nextID, fd: fd, door: door, actor: name(of: uid), helloBy: now + limits.helloWithin, lineMax: limits.lineMax)
    nextID += 1
    if connections.count(where: { $0.door == door }) >= limits.clients {
      counters.turnedAway += 1
      let line = JSONLine.encode(ErrorLine(error: "too_many", message: "the door already has \(limits.clients) clients here"))
      _ = connection.put(line, outMax: limits.outMax)
      connection.flush(now: now, patience: limits.readWithin)
      close(fd)
      return
    }
    _ = connection.put(JSONLine.encode(door.hello), outMax: limits.outMax)
    connections.append(connection)
  }

  /// Looked up once a user: a directory service may be slow.
  private mutating func name(of uid: uid_t?) -> Text {
    guard let uid else { return Text("unknown") ?? Text() }
    if let known = userNames[uid] { return known }
    let found = userName(uid)
    if userNames.count < 256 { userNames[uid] = found }
    return found
  }

  /// Reads, answers, rings, writes: what one connection may do in a round.
  private mutating func serve(_ index: Int, seen: Int16, now: Instant) {
    if Int32(seen) & (POLLERR | POLLHUP | POLLNVAL) != 0, Int32(seen) & POLLIN == 0 { connections[index].dead = true }
    if Int32(seen) & POLLIN != 0, connections[index].wantsInput { read(index) }
    for _ in 0..<16 {
      let idle = !answerLines(index, now)
      ring(index)
      connections[index].flush(now: now, patience: limits.readWithin)
      if idle || connections[index].waitingBytes > 0 { return }
    }
    more = true
  }

  private mutating func read(_ index: Int) {
    switch receive(connections[index].fd, atMost: connections[index].incoming.room) {
    case .bytes(let bytes): connections[index].incoming.append(bytes)
    case .nothing: break
    case .ended: connections[index].ended = true
    case .failed: connections[index].dead = true
    }
  }

  // MARK: what other threads left

  private mutating func deliver(_ post: Inbox.Post) {
    reached = post.reached
    for answered in post.answers { settle(answered.id, CommandAnswer(answered)) }
    for index in connections.indices where connections[index].door == .events && connections[index].saidHello {
      for event in post.events { send(event, index) }
    }
  }

  private mutating func settle(_ id: CommandID, _ answer: CommandAnswer) {
    tell(memory.settle(id, answer), answer)
  }

  private mutating func tell(_ waiting: [ConnectionID], _ answer: CommandAnswer) {
    let line = JSONLine.encode(answer)
    for id in waiting {
      guard let index = connections.firstIndex(where: { $0.id == id }) else { continue }
      connections[index].pending -= 1
      send(line, index)
    }
  }

  private mutating func expire(_ now: Instant) {
    for late in memory.overdue(at: now) {
      let answer = CommandAnswer(
        id: late.id.text, answer: .unknown, reason: "no_answer",
        message: "the log has not said in time what became of it; look before you repeat it")
      tell(late.waiting, answer)
    }
    for index in connections.indices {
      if !connections[index].saidHello, !connections[index].closing, connections[index].helloBy <= now {
        finish(index, "no_hello", "the first line did not come in time")
      }
      if connections[index].takenBy <= now {
        counters.slowReaders += 1
        connections[index].dead = true
      }
      connections[index].flush(now: now, patience: limits.readWithin)
    }
  }

  private mutating func sweep() {
    for connection in connections where connection.isOver { close(connection.fd) }
    connections.removeAll { $0.isOver }
  }

  mutating func send(_ line: Data, _ index: Int, beside more: Int = 0) {
    if !connections[index].put(line, outMax: limits.outMax + more) { counters.slowReaders += 1 }
  }

  /// One line that says what is wrong, then the end.
  mutating func finish(_ index: Int, _ error: String, _ message: String) {
    counters.badLines += 1
    send(JSONLine.encode(ErrorLine(error: error, message: message)), index)
    connections[index].closing = true
  }
}
