// A bus with a thread that carries its requests. Modbus RTU: libmodbus blocks, and so may the kernel's tty calls. HID:
// writes and feature reports block for as long as a stick does not answer.
//
// One `Bus` lives from one opening of its tty to the next loss; its rings have the real-time thread on one side and
// this bus's thread on the other. The keeper starts the thread and ends it; the thread closes the descriptor. One that hangs
// in the kernel keeps its own `Bus` and descriptor until it comes back; the next thread has new ones, so the two can never mix.

import Domain
import Glibc
import Rings
import Synchronization

/// How a bus's requests are carried.
enum BusWay: Sendable {
  case modbus(Line)
  case hid
}

/// Unit and PDU, without CRC: at most 254 bytes; one byte alone wakes a device. Of HID: how, then the report.
struct BusRequest: BitwiseCopyable, Sendable {
  var bytes = InlineArray<260, UInt8>(repeating: 0)
  var count: Int32 = 0
  var replyWithin = Interval.zero
}

/// What became of a request, or of the tty.
struct BusReply: BitwiseCopyable, Sendable {
  enum Outcome: BitwiseCopyable, Sendable {
    case reply
    /// It went out, and nothing answers it.
    case woken
    case failed(RequestFailure)
    /// Beside the reply to a request: one to an earlier request, CRC and all.
    case late
    case lost(PortFailure, Int32)
  }
  var outcome: Outcome
  var at: Instant
  /// Unit and PDU, without CRC. Of a failure all that came, as far as it is known.
  var bytes = InlineArray<260, UInt8>(repeating: 0)
  var count: Int32 = 0

  /// The same bytes, as this.
  func judged(_ outcome: Outcome) -> BusReply {
    var reply = self
    reply.outcome = outcome
    reply.at = bootClock()
    return reply
  }

  init(_ outcome: Outcome) {
    self.outcome = outcome
    at = bootClock()
  }
}

/// Bounds of buses, and what tests change about them.
struct BusOptions: Sendable {
  /// How long after its reply's deadline a request may still be on the bus's thread, before that counts as stuck.
  var grace = Interval.seconds(2)
  /// How long a bus's thread may take to end before it is abandoned.
  var endMax = Interval.seconds(2)
  /// Called on the bus's thread before each exchange.
  var beforeExchange: (@Sendable () -> Void)?
}

final class Bus: Sendable {
  /// Requests that may be under way at once. The replies' ring has room for all of them and for a loss.
  static let requestsMax = 8

  let urgent = SharedRing<BusRequest>(capacity: requestsMax)
  let polls = SharedRing<BusRequest>(capacity: requestsMax)
  let replies = SharedRing<BusReply>(capacity: 8 * requestsMax)
  /// Wakes this bus's thread.
  let wake: Alert
  /// Wakes the real-time thread.
  let answered: Alert
  /// Wakes the keeper.
  let finished: Alert
  let descriptor: Int32
  private let way: BusWay
  private let options: BusOptions
  private let stopping = Atomic<Bool>(false)
  private let ended = Atomic<Bool>(false)

  init(descriptor: Int32, way: BusWay, options: BusOptions, answered: Alert, finished: Alert) throws(PortsFailure) {
    wake = try Alert()
    self.descriptor = descriptor
    self.way = way
    self.options = options
    self.answered = answered
    self.finished = finished
  }

  /// The thread touches neither tty nor rings any more.
  var hasEnded: Bool { ended.load(ordering: .acquiring) }

  /// Ends the thread after the exchange under way.
  func stop() {
    stopping.store(true, ordering: .releasing)
    wake.ring()
  }

  /// The thread's body.
  func run() {
    switch way {
    case .modbus(let line):
      if var exchange = BusExchange(descriptor: descriptor, line: line) {
        while serve(&exchange), !stopping.load(ordering: .acquiring) {}
        if stopping.load(ordering: .acquiring) { finish(&exchange) }
      } else {
        answer(BusReply(.lost(.ioError, errno)))
      }
    case .hid:
      var exchange = HIDExchange(descriptor: descriptor)
      while serve(&exchange), !stopping.load(ordering: .acquiring) {}
      if stopping.load(ordering: .acquiring) { finish(&exchange) }
    }
    // After a loss the tty is left alone; the real-time thread gives the bus back and the keeper stops it.
    while !stopping.load(ordering: .acquiring) {
      _ = awaitWork(alsoTerminal: false)
      wake.drain()
    }
    // Closing may block too: a tty drains, a HID node waits for whoever speaks to another one.
    SerialLine.release(descriptor)
    ended.store(true, ordering: .releasing)
    finished.ring()
  }

  /// Waits, then carries everything that is asked, once more after `stop`. `false`: the tty is lost, and that was told.
  private func serve(_ exchange: inout some Exchange & ~Copyable) -> Bool {
    guard awaitWork(alsoTerminal: true) else {
      answer(BusReply(.lost(.hungUp, EIO)))
      return false
    }
    wake.drain()
    // Orders that were given before the end are carried out; nobody waits for answers any more.
    while let request = urgent.pop() ?? (stopping.load(ordering: .acquiring) ? nil : polls.pop()) {
      options.beforeExchange?()
      let reply = exchange.carry(request)
      while let late = exchange.takeLate() { answer(late) }
      answer(reply)
      if case .lost = reply.outcome { return false }
    }
    return true
  }

  /// Orders that came while the last exchange went on.
  private func finish(_ exchange: inout some Exchange & ~Copyable) {
    while let request = urgent.pop() {
      if case .lost = exchange.carry(request).outcome { return }
    }
  }

  private func answer(_ reply: BusReply) {
    _ = replies.push(reply)
    answered.ring()
  }

  /// `false`: the tty hung up.
  private func awaitWork(alsoTerminal: Bool) -> Bool {
    var waits = [
      pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: alsoTerminal ? descriptor : -1, events: 0, revents: 0),
    ]
    let count = nfds_t(waits.count)
    _ = unsafe poll(&waits, count, -1)
    return waits[1].revents == 0
  }
}
