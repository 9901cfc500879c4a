// One client of one socket: what came in and is no line yet, what goes out and was not taken yet. A state machine over
// bytes; the loop does the calls.

import Domain
import Foundation

/// Which of the two sockets.
enum Door: Sendable {
  case command, events

  var hello: Hello {
    switch self {
    case .command: .command
    case .events: .events
    }
  }
}

struct Connection {
  let id: ConnectionID
  let fd: Int32
  let door: Door
  /// The peer's user.
  let actor: Text
  /// The hello must have come by then.
  let helloBy: Instant
  /// Set while bytes wait that the client does not take.
  var takenBy = Instant.never
  var saidHello = false
  /// Nothing is read any more; it is closed when what goes out is gone.
  var closing = false
  /// The other end sends no more; answers are still owed.
  var ended = false
  /// Gone: to be closed without more ado.
  var dead = false
  /// Commands whose answers are owed.
  var pending = 0
  /// The seq last rung for each stream.
  var rung: [Int64] = [0, 0, 0]
  var incoming: LineBuffer
  private(set) var out: [UInt8] = []
  private var sent = 0

  init(id: ConnectionID, fd: Int32, door: Door, actor: Text, helloBy: Instant, lineMax: Int) {
    self.id = id
    self.fd = fd
    self.door = door
    self.actor = actor
    self.helloBy = helloBy
    incoming = LineBuffer(lineMax: lineMax)
  }

  var waitingBytes: Int { out.count - sent }
  /// Whether the client takes what it gets well enough to be asked for more.
  var hasRoom: Bool { waitingBytes < 65_536 }
  var wantsInput: Bool { !closing && !ended && !dead && hasRoom && incoming.room > 0 }
  var isOver: Bool { dead || (waitingBytes == 0 && (closing || (ended && pending == 0 && incoming.isDrained))) }

  /// `false`: the bound is reached, and the client is dead.
  mutating func put(_ line: Data, outMax: Int) -> Bool {
    guard !dead, !closing else { return true }
    guard waitingBytes + line.count + 1 <= outMax else {
      dead = true
      return false
    }
    out += line
    out.append(10)
    return true
  }

  /// Hands to the kernel what it takes. A client that takes nothing for `patience` is told apart by `takenBy`.
  mutating func flush(now: Instant, patience: Interval) {
    while waitingBytes > 0, !dead {
      guard let count = transmit(fd, out[sent...]) else {
        dead = true
        return
      }
      if count == 0 { break }
      sent += count
      takenBy = .never
    }
    if waitingBytes == 0 {
      out.removeAll(keepingCapacity: out.count < 65_536)
      sent = 0
    } else if sent > 65_536 {
      out.removeSubrange(0..<sent)
      sent = 0
    }
    if waitingBytes > 0, takenBy == .never { takenBy = now + patience }
  }
}
