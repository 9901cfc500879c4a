// Goal: over real sockets, commands come through and are answered, and no client, however hostile or slow, stops the
// others or the server. Method: a server on its own thread in a temporary folder, with a clock that moves only when the
// test says so; every wait is for a line or for the end of the connection.

import Domain
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Control

/// A running server and what it handed on.
private final class Desk: Sendable {
  let folder: String
  let paths: ControlPaths
  let server: ControlServer
  let done = DispatchSemaphore(value: 0)
  private let arrived = DispatchSemaphore(value: 0)
  private let time = Mutex(Instant(ns: 1_000_000_000_000))
  private let received = Mutex<[Command]>([])
  private let room: Mutex<Int>

  init(limits: ControlLimits = ControlLimits(), room: Int = 1000, status: String = #"{"ready":true}"#) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "control-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    paths = ControlPaths(folder: folder)
    self.room = Mutex(room)
    let box = Box()
    server = try ControlServer(
      paths: paths,
      names: Names(site: "s", lanes: ["north-door"], rooms: [], devices: [], ports: [], fields: []), limits: limits,
      clock: { box.desk?.time.withLock { $0 } ?? Instant(ns: 0) },
      submit: { command in box.desk?.take(command) ?? false }, status: { Data(status.utf8) })
    box.set(self)
    let (server, done) = (server, done)
    Thread.detachNewThread {
      server.run()
      done.signal()
    }
  }

  /// The server outlives nothing of the test: the closures look the desk up.
  private final class Box: Sendable {
    private let held = Mutex<Desk?>(nil)
    var desk: Desk? { held.withLock { $0 } }
    func set(_ desk: Desk?) { held.withLock { $0 = desk } }
  }

  private func take(_ command: Command) -> Bool {
    let fits = room.withLock { room in
      room -= 1
      return room >= 0
    }
    if fits { received.withLock { $0.append(command) } }
    arrived.signal()
    return fits
  }

  /// Waits for one more command; only a failing test waits long.
  func awaitCommand() { #expect(arrived.wait(timeout: .now() + 30) == .success) }

  var commands: [Command] { received.withLock { $0 } }

  func advance(_ interval: Interval) {
    time.withLock { $0 = $0 + interval }
    server.wake()
  }

  func end() {
    server.stop()
    #expect(done.wait(timeout: .now() + 30) == .success)
    #expect(!FileManager.default.fileExists(atPath: paths.command))
    #expect(!FileManager.default.fileExists(atPath: paths.events))
    try? FileManager.default.removeItem(atPath: folder)
  }
}

/// A client that sends whatever it likes. Reads block for 30 s at most, which only a failing test sees.
private final class RawClient {
  let fd: Int32
  private var buffer: [UInt8] = []

  init(_ path: String, greeting: Hello? = nil) throws {
    fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let connected = try unsafe withAddress(path) { [fd] in unsafe connect(fd, $0, $1) }
    try #require(connected == 0)
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    _ = unsafe setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    if let greeting {
      send(greeting == .command ? #"{"protocol":"gatehouse-command","version":1}"# : #"{"protocol":"gatehouse-events","version":1}"#)
      _ = line()
    }
  }

  deinit { close(fd) }

  func send(_ line: String) { send(Array(line.utf8) + [10]) }

  func send(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      guard let count = transmit(fd, rest) else { return }
      rest = rest.dropFirst(count)
    }
  }

  /// The next line, or `nil` at the end of the connection.
  func line() -> String? {
    while true {
      if let end = buffer.firstIndex(of: 10) {
        let line = String(decoding: buffer[..<end], as: UTF8.self)
        buffer.removeSubrange(...end)
        return line
      }
      guard case .bytes(let bytes) = receive(fd, atMost: 65_536) else { return nil }
      buffer += bytes
    }
  }

  func value(_ key: String, in line: String?) -> String? {
    let object = (try? JSONSerialization.jsonObject(with: Data((line ?? "").utf8))) as? [String: Any]
    return object?[key].map { "\($0)" }
  }
}

@Suite struct ControlServerTests {
  private static let ids = (1...9).map { "00000000-0000-4000-8000-00000000000\($0)" }

  private func resume(_ index: Int) -> String { #"{"id":"\#(Self.ids[index])","command":"resume","ticket":\#(index)}"# }

  /// Lets the server go round four times: the last bytes of a client are read in one round, its end in the next, and what
  /// a round found is counted when the next answers.
  private func goRound(_ client: RawClient) {
    for _ in 0..<4 {
      client.send(#"{"id":"\#(Self.ids[9 - 1])","command":"beat"}"#)
      #expect(client.value("reason", in: client.line()) == "not_supported")
    }
  }

  @Test(.timeLimit(.minutes(1))) func answersWhenTheEventIsCommitted() throws {
    let desk = try Desk()
    let client = try RawClient(desk.paths.command, greeting: .command)
    client.send(resume(1))
    desk.awaitCommand()
    #expect(desk.commands[0].actor.string == userName(getuid()).string)
    let id = desk.commands[0].id
    desk.server.committed(.records, seq: 5, answers: [AnsweredCommand(id: id, answer: .done, event: "e-1", seq: 5)])
    #expect(
      client.line()
        == #"{"answer":"done","durable":true,"event":"e-1","id":"\#(Self.ids[1])","seq":5}"#)
    // A repeat, from another client too, gets the first answer and is not handed on.
    let other = try RawClient(desk.paths.command, greeting: .command)
    other.send(resume(1))
    #expect(other.value("event", in: other.line()) == "e-1")
    #expect(desk.commands.count == 1)
    #expect(desk.server.counters.commands == 1)
    desk.end()
  }

  @Test(.timeLimit(.minutes(1))) func saysWhatIsNotDurable() throws {
    let desk = try Desk()
    let client = try RawClient(desk.paths.command, greeting: .command)
    let watcher = try RawClient(desk.paths.events, greeting: .events)
    watcher.send(#"{"request":"status"}"#)
    #expect(watcher.line() == #"{"status":{"ready":true}}"#)
    client.send(resume(1))
    desk.awaitCommand()
    desk.server.notDurable(
      [Data(#"{"specversion":"1.0","durable":false}"#.utf8)],
      answers: [AnsweredCommand(id: desk.commands[0].id, answer: .refused(.notWaiting), event: "e-2", seq: nil)])
    #expect(
      client.line()
        == #"{"answer":"refused","durable":false,"event":"e-2","id":"\#(Self.ids[1])","reason":"not_waiting"}"#)
    #expect(watcher.line() == #"{"specversion":"1.0","durable":false}"#)
    desk.end()
  }

  @Test(.timeLimit(.minutes(1))) func refusesWhenThereIsNoRoom() throws {
    let desk = try Desk(room: 0)
    let client = try RawClient(desk.paths.command, greeting: .command)
    for _ in 0..<2 {
      client.send(resume(1))
      let line = client.line()
      #expect(client.value("reason", in: line) == "busy" && client.value("answer", in: line) == "refused")
    }
    desk.end()
  }

  @Test(.timeLimit(.minutes(1))) func doesNotKnowIsNotDone() throws {
    let desk = try Desk()
    let client = try RawClient(desk.paths.command, greeting: .command)
    client.send(resume(1))
    desk.awaitCommand()
    desk.advance(.seconds(66))
    let line = client.line()
    #expect(client.value("answer", in: line) == "unknown" && client.value("reason", in: line) == "no_answer")
    desk.end()
  }

  @Test(.timeLimit(.minutes(1)), arguments: [
    (Array("{}\n".utf8), "wrong_protocol"),
    (Array("{\"protocol\":\"gatehouse-command\",\"version\":2}\n".utf8), "wrong_protocol"),
    (Array("{\"protocol\":\"gatehouse-events\",\"version\":1}\n".utf8), "wrong_protocol"),
    (Array("GET / HTTP/1.1\r\n\r\n".utf8), "bad_json"),
    ([0x16, 0x03, 0x01, 0x02, 0x00, 0x0A], "bad_json"),
    ([0xFF, 0xFE, 0x0A], "bad_utf8"),
  ])
  func oneErrorLineThenTheEnd(bytes: [UInt8], error: String) throws {
    try checkTheEnd(bytes, error)
  }

  @Test(.timeLimit(.minutes(1)), arguments: [(65_536, false), (70_000, true), (1_000_000, true)])
  func tooLongIsTheEnd(count: Int, newline: Bool) throws {
    try checkTheEnd([UInt8](repeating: 0x7B, count: count) + (newline ? [10] : []), "line_too_long")
  }

  private func checkTheEnd(_ bytes: [UInt8], _ error: String) throws {
    let desk = try Desk()
    let good = try RawClient(desk.paths.command, greeting: .command)
    let hostile = try RawClient(desk.paths.command)
    #expect(hostile.line() == #"{"protocol":"gatehouse-command","version":1}"#)
    hostile.send(bytes)
    #expect(hostile.value("error", in: hostile.line()) == error)
    #expect(hostile.line() == nil)
    good.send(#"{"id":"\#(Self.ids[1])","command":"beat"}"#)
    #expect(good.value("reason", in: good.line()) == "not_supported")
    #expect(desk.commands.isEmpty)
    desk.end()
  }

  @Test(.timeLimit(.minutes(1))) func badCommandsLeaveTheConnectionUp() throws {
    let desk = try Desk()
    let client = try RawClient(desk.paths.command, greeting: .command)
    for line in [
      #"{"id":"\#(Self.ids[1])","command":"override","lane":"west"}"#, #"{"id":7,"command":"resume","ticket":1}"#,
      #"{"command":"resume","ticket":1}"#, #"{"id":"\#(Self.ids[1])","command":"resume","ticket":1,"x":1}"#,
    ] {
      client.send(line)
      #expect(client.value("answer", in: client.line()) == "refused")
    }
    #expect(desk.commands.isEmpty)
    desk.end()
  }

  @Test(.timeLimit(.minutes(1))) func doorbellsCoalesceAndALateComerHearsTheNewest() throws {
    let desk = try Desk()
    for seq in 1...1000 { desk.server.committed(.telemetry, seq: Int64(seq)) }
    desk.server.committed(.records, seq: 418)
    let client = try RawClient(desk.paths.events)
    client.send(#"{"protocol":"gatehouse-events","version":1}"#)
    #expect(client.line() == #"{"protocol":"gatehouse-events","version":1}"#)
    #expect(client.line() == #"{"seq":418,"stream":"records"}"#)
    #expect(client.line() == #"{"seq":1000,"stream":"telemetry"}"#)
    desk.end()
  }

  @Test(.timeLimit(.minutes(1))) func aSlowReaderIsDroppedAndTheOthersAreNot() throws {
    var limits = ControlLimits()
    limits.outMax = 262_144
    let desk = try Desk(limits: limits)
    let slow = try RawClient(desk.paths.events, greeting: .events)
    let event = Data((#"{"specversion":"1.0","filler":""# + String(repeating: "x", count: 8000) + #""}"#).utf8)
    let other = try RawClient(desk.paths.command, greeting: .command)
    // 100 times 8 kB are more than the bound and the kernel's own buffer together.
    for _ in 0..<100 {
      desk.server.notDurable([event])
      goRound(other)
    }
    #expect(desk.server.counters.slowReaders == 1)
    let good = try RawClient(desk.paths.events, greeting: .events)
    good.send(#"{"request":"status"}"#)
    var line = good.line()
    while let text = line, text.hasPrefix(#"{"specversion"#) { line = good.line() }
    #expect(line == #"{"status":{"ready":true}}"#)
    while slow.line() != nil {}
    desk.end()
  }

  @Test(.timeLimit(.minutes(1))) func whoeverReadsNothingForTooLongIsDropped() throws {
    let desk = try Desk(status: #"{"filler":"\#(String(repeating: "x", count: 500_000))"}"#)
    let slow = try RawClient(desk.paths.events, greeting: .events)
    slow.send(#"{"request":"status"}"#)
    slow.send(#"{"request":"status"}"#)
    let good = try RawClient(desk.paths.command, greeting: .command)
    goRound(good)
    desk.advance(.seconds(31))
    goRound(good)
    #expect(desk.server.counters.slowReaders == 1)
    desk.end()
  }

  @Test(.timeLimit(.minutes(1))) func aClientTooManyIsTurnedAway() throws {
    var limits = ControlLimits()
    limits.clients = 2
    let desk = try Desk(limits: limits)
    let first = try RawClient(desk.paths.command, greeting: .command)
    var second: RawClient? = try RawClient(desk.paths.command, greeting: .command)
    let third = try RawClient(desk.paths.command)
    #expect(third.value("error", in: third.line()) == "too_many")
    #expect(third.line() == nil)
    // The other socket counts for itself, and a place that was left can be taken.
    _ = try RawClient(desk.paths.events, greeting: .events)
    second = nil
    goRound(first)
    #expect(desk.server.counters.clients == 1)
    second = try RawClient(desk.paths.command, greeting: .command)
    #expect(second != nil)
    desk.end()
  }

  @Test(.timeLimit(.minutes(1))) func silenceInsteadOfAHelloEndsTheConnection() throws {
    let desk = try Desk()
    let silent = try RawClient(desk.paths.command)
    #expect(silent.line() != nil)
    desk.advance(.seconds(11))
    #expect(silent.value("error", in: silent.line()) == "no_hello")
    #expect(silent.line() == nil)
    desk.end()
  }

  @Test(.timeLimit(.minutes(1))) func manyLinesAtOnceAreAllAnswered() throws {
    let desk = try Desk()
    let client = try RawClient(desk.paths.events, greeting: .events)
    client.send(Array(String(repeating: "{\"request\":\"status\"}\n", count: 3000).utf8))
    for _ in 0..<3000 { #expect(client.line() == #"{"status":{"ready":true}}"#) }
    desk.end()
  }

  @Test(.timeLimit(.minutes(1))) func aHalfClosedClientStillGetsItsAnswer() throws {
    let desk = try Desk()
    let client = try RawClient(desk.paths.command, greeting: .command)
    client.send(resume(1))
    shutdown(client.fd, Int32(SHUT_WR))
    desk.awaitCommand()
    desk.server.committed(
      .records, seq: 1, answers: [AnsweredCommand(id: desk.commands[0].id, answer: .done, event: "e", seq: 1)])
    #expect(client.value("answer", in: client.line()) == "done")
    #expect(client.line() == nil)
    desk.end()
  }

  @Test(.timeLimit(.minutes(1))) func randomBytesNeverStopIt() throws {
    let desk = try Desk()
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    for _ in 0..<200 {
      let client = try RawClient(desk.paths.command)
      var bytes: [UInt8] = Array("{\"protocol\":\"gatehouse-command\",\"version\":1}\n".utf8)
      for _ in 0..<200 {
        state = state &* 6_364_136_223_846_793_005 &+ 1
        bytes.append(UInt8(truncatingIfNeeded: state >> 33))
      }
      client.send(bytes + [10])
    }
    let good = try RawClient(desk.paths.command, greeting: .command)
    good.send(#"{"id":"\#(Self.ids[1])","command":"beat"}"#)
    #expect(good.value("reason", in: good.line()) == "not_supported")
    #expect(desk.commands.isEmpty)
    desk.end()
  }

  @Test func filesAreReplacedOnlyWhenNobodyAnswers() throws {
    let desk = try Desk()
    #expect(throws: ControlError.inUse(path: desk.paths.command)) { _ = try Listener(path: desk.paths.command) }
    var facts = stat()
    #expect(unsafe stat(desk.paths.command, &facts) == 0 && facts.st_mode & 0o777 == 0o660)
    desk.end()

    let folder = desk.folder + "-left"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = folder + "/command.sock"
    do { _ = try Listener(path: path) }  // Gone without `remove`, as after a kill.
    #expect(FileManager.default.fileExists(atPath: path))
    let listener = try Listener(path: path)
    listener.remove()
    #expect(!FileManager.default.fileExists(atPath: path))
    try Data("precious".utf8).write(to: URL(filePath: path))
    #expect(throws: ControlError.notASocket(path: path)) { _ = try Listener(path: path) }
    #expect(throws: ControlError.pathTooLong(path: "/tmp/" + String(repeating: "x", count: 120))) {
      _ = try Listener(path: "/tmp/" + String(repeating: "x", count: 120))
    }
    try FileManager.default.removeItem(atPath: folder)
  }
}

@Suite struct ControlClientTests {
  @Test(.timeLimit(.minutes(1))) func speaksWithTheServer() throws {
    let desk = try Desk(status: String(decoding: Self.status.line(), as: UTF8.self))
    let events = try EventsClient(path: desk.paths.events)
    desk.server.committed(.records, seq: 3)
    #expect(try Status(line: events.status()) == Self.status)
    #expect(try events.next(within: .seconds(30)) == .doorbell(Doorbell(stream: "records", seq: 3)))
    let event = Data(#"{"durable":false,"seq":1,"specversion":"1.0","stream":"records"}"#.utf8)
    desk.server.notDurable([event])
    #expect(try events.next(within: .seconds(30)) == .notDurable(event))

    let client = try CommandClient(path: desk.paths.command)
    let request = CommandRequest(id: UUID(), action: .overrideLane(LaneID(0)), lane: "north-door", who: "a", why: "b")
    let (server, path) = (desk.server, desk.paths.command)
    Thread.detachNewThread {
      desk.awaitCommand()
      server.committed(
        .records, seq: 4, answers: [AnsweredCommand(id: desk.commands[0].id, answer: .done, event: "e", seq: 4)])
    }
    let answer = try client.send(request)
    #expect(answer.answer == .done && answer.durable && answer.seq == 4)
    desk.end()
    #expect(throws: ControlError.notRunning(path: path)) { _ = try CommandClient(path: path) }
  }

  static let status = Status(
    version: "0.1.0", startID: "9f3c", pid: 17, uptime: 12.5, site: "s", ready: true,
    ports: [.init(name: "door-ir", state: "open", generation: 1, opens: 1, losses: 0)],
    devices: [
      .init(
        name: "door-thermometer", profile: "gy-mcu90614", port: "door-ir", state: "up",
        fields: [.init(name: "object_temperature", value: .nan, unit: "degC", quality: "stale", age: 3)])
    ],
    lanes: [.init(name: "north-door", state: "free", waiting: [.init(ticket: 17, state: "rest", since: 61)])],
    rooms: [.init(name: "room-301", mean5: 1200, mean60: nil)],
    latency: ["decision": .init(p50: 3, p99: 9, max: 20, count: 100)], turns: 5)
}
