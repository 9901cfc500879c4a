// The other end of the two sockets: for the command line, the console and tests. Blocking with a deadline; one thread.

public import Domain
public import Foundation
import Glibc

/// Lines over one connection, with deadlines.
final class LineConnection {
  private let fd: Int32
  private let path: String
  private var incoming: LineBuffer

  /// Connects and exchanges hellos.
  init(path: String, hello: Hello, within: Interval) throws(ControlError) {
    fd = try makeSocket(path)
    self.path = path
    incoming = LineBuffer(lineMax: 20_000_000)
    let deadline = bootClock() + within
    try connect(deadline)
    try send(JSONLine.encode(hello), deadline)
    let line = try nextLine(deadline)
    guard (try? JSONDecoder().decode(Hello.self, from: line)) == hello else {
      throw .protocolBroken("expected \(hello.protocol) version \(hello.version), got \(Self.shown(line))")
    }
  }

  deinit { close(fd) }

  private func connect(_ deadline: Instant) throws(ControlError) {
    while true {
      if try unsafe withAddress(path, { unsafe Glibc.connect(fd, $0, $1) }) == 0 { return }
      switch errno {
      case ENOENT, ECONNREFUSED, ENOTDIR: throw .notRunning(path: path)
      case EACCES, EPERM: throw .denied(path: path)
      // The door's queue is full. A unix socket can't be waited for here; try again a little later.
      case EAGAIN where bootClock() < deadline: usleep(20_000)
      case EAGAIN: throw .timedOut
      default: throw .system(call: "connect", path: path, errno: errno)
      }
    }
  }

  func send(_ line: Data, _ deadline: Instant) throws(ControlError) {
    let bytes = [UInt8](line) + [10]
    var sent = 0
    while sent < bytes.count {
      // What the door said before it ended the connection says more than that it did.
      guard let count = transmit(fd, bytes[sent...]) else { return }
      sent += count
      if count == 0 { try wait(POLLOUT, deadline) }
    }
  }

  /// The next line; a line that ends the connection is thrown.
  func nextLine(_ deadline: Instant) throws(ControlError) -> Data {
    while true {
      switch incoming.next() {
      case .line(let line):
        if let end = try? JSONDecoder().decode(ErrorLine.self, from: line) {
          throw .turnedAway(error: end.error, message: end.message)
        }
        return line
      case .tooLong: throw .protocolBroken("a line of more than \(incoming.lineMax) bytes")
      case .none: break
      }
      switch receive(fd, atMost: min(65_536, incoming.room)) {
      case .bytes(let bytes): incoming.append(bytes)
      case .nothing: try wait(POLLIN, deadline)
      case .ended, .failed: throw .closed
      }
    }
  }

  private func wait(_ what: Int32, _ deadline: Instant) throws(ControlError) {
    var milliseconds: Int32 = -1
    if deadline != .never {
      let left = (deadline - bootClock()).ns
      if left <= 0 { throw .timedOut }
      milliseconds = Int32(clamping: left / 1_000_000 + 1)
    }
    var polled = pollfd(fd: fd, events: Int16(what), revents: 0)
    _ = unsafe poll(&polled, 1, milliseconds)
  }

  static func shown(_ line: Data) -> String { String(decoding: line.prefix(200), as: UTF8.self) }
}

/// A connection to `command.sock`.
///
///     let client = try CommandClient(path: paths.command)
///     let answer = try client.send(CommandRequest(id: UUID(), action: .resume(ticket: 17)))
public final class CommandClient {
  private let connection: LineConnection

  public init(path: String, within: Interval = .seconds(5)) throws(ControlError) {
    connection = try LineConnection(path: path, hello: .command, within: within)
  }

  /// Sends `request` and waits for its answer; answers to others are passed over.
  public func send(_ request: CommandRequest, within: Interval = .seconds(15)) throws(ControlError) -> CommandAnswer {
    let deadline = bootClock() + within
    try connection.send(JSONLine.encode(request), deadline)
    while true {
      let line = try connection.nextLine(deadline)
      guard let answer = try? JSONDecoder().decode(CommandAnswer.self, from: line) else {
        throw .protocolBroken("expected an answer, got \(LineConnection.shown(line))")
      }
      if answer.id == nil || answer.id == request.id.lowercased() { return answer }
    }
  }
}

/// A connection to `events.sock`.
///
///     let events = try EventsClient(path: paths.events)
///     let status = try Status(line: events.status())
///     while let news = try events.next(within: .seconds(10)) { … }
public final class EventsClient {
  public enum News: Sendable, Equatable {
    case doorbell(Doorbell)
    /// A whole CloudEvent with `durable: false`.
    case notDurable(Data)
  }

  private let connection: LineConnection
  /// What came while the answer to `status` was waited for; bounded, the oldest go first: a doorbell repeats itself.
  private var early: [News] = []

  public init(path: String, within: Interval = .seconds(5)) throws(ControlError) {
    connection = try LineConnection(path: path, hello: .events, within: within)
  }

  /// The door's status: one JSON object, see `Status`.
  public func status(within: Interval = .seconds(5)) throws(ControlError) -> Data {
    let deadline = bootClock() + within
    try connection.send(Data(#"{"request":"status"}"#.utf8), deadline)
    while true {
      let line = try connection.nextLine(deadline)
      let prefix = Data(#"{"status":"#.utf8)
      if line.starts(with: prefix), line.last == UInt8(ascii: "}") {
        return Data(line.dropFirst(prefix.count).dropLast())
      }
      early.append(Self.news(line))
      if early.count > 1024 { early.removeFirst() }
    }
  }

  /// The next doorbell or event; `nil` when none came in time. `nil` for `within`: waits as long as it takes.
  public func next(within: Interval?) throws(ControlError) -> News? {
    if !early.isEmpty { return early.removeFirst() }
    do throws(ControlError) {
      return Self.news(try connection.nextLine(within.map { bootClock() + $0 } ?? .never))
    } catch .timedOut {
      return nil
    }
  }

  private static func news(_ line: Data) -> News {
    if let bell = try? JSONDecoder().decode(Doorbell.self, from: line) {
      // A whole event has a `stream` and may have a `seq` too, but always names its version.
      struct Versioned: Decodable { var specversion: String }
      if (try? JSONDecoder().decode(Versioned.self, from: line)) == nil { return .doorbell(bell) }
    }
    return .notDurable(line)
  }
}
