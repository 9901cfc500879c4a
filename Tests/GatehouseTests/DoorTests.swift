// Goal: commands reach a door and what it says reaches the exit code. Method: the real sockets in a temporary folder, a
// stand-in for the door behind them that answers each command at once.

import ArgumentParser
import Control
import Domain
import Foundation
import Synchronization
import Testing

@testable import gatehouse

/// Answers every command in the way it was told.
private final class StandIn: Sendable {
  let folder: String
  private let server: ControlServer
  private let heard = Mutex<[Command]>([])
  private let done = DispatchSemaphore(value: 0)

  init(_ answer: Answer, seq: Int64?, status: Status) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "door-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let hand = Hand()
    server = try ControlServer(
      paths: ControlPaths(folder: folder),
      names: Names(site: "s", lanes: ["north-door"], rooms: [], devices: ["co2"], ports: [], fields: [], writes: [["interval"]]),
      clock: { bootClock() },
      submit: { command in
        hand.answer(AnsweredCommand(id: command.id, answer: answer, event: "e-1", seq: seq), to: command)
        return true
      }, status: { status.line() })
    hand.hold(self)
    let (server, done) = (server, done)
    Thread.detachNewThread {
      server.run()
      done.signal()
    }
  }

  private final class Hand: Sendable {
    private let held = Mutex<StandIn?>(nil)
    func hold(_ standIn: StandIn?) { held.withLock { $0 = standIn } }
    func answer(_ answer: AnsweredCommand, to command: Command) {
      guard let standIn = held.withLock({ $0 }) else { return }
      standIn.heard.withLock { $0.append(command) }
      if let seq = answer.seq {
        standIn.server.committed(.records, seq: seq, answers: [answer])
      } else {
        standIn.server.notDurable([], answers: [answer])
      }
    }
  }

  var commands: [Command] { heard.withLock { $0 } }

  func end() {
    server.stop()
    #expect(done.wait(timeout: .now() + 30) == .success)
    try? FileManager.default.removeItem(atPath: folder)
  }
}

@Suite struct DoorTests {
  private static let status = Status(version: "0.1.0", startID: "0", pid: 1, uptime: 1, site: "s", ready: true)

  /// Runs one command line and returns its exit code.
  private func run(_ arguments: [String], folder: String) -> Int32 {
    do {
      var command = try Gatehouse.parseAsRoot(arguments + ["--run-dir", folder])
      try command.run()
      return 0
    } catch { return Gatehouse.exitCode(for: error).rawValue }
  }

  @Test(.timeLimit(.minutes(1)), arguments: [
    (["resume", "17"], "resume"), (["alarms", "acknowledge", "7", "--json"], "acknowledge"),
    (["contact", "17", "38.5", "--who", "Li Na"], "contact_reading"),
    (["alarms", "clear", "9", "--who", "Li Na", "--why", "found"], "clear"),
    (["alarms", "unacknowledge", "7"], "unacknowledge"),
    (["alarms", "shelve", "device_silent", "co2", "--minutes", "30", "--who", "Li Na", "--why", "mended"], "shelve"),
    (["alarms", "unshelve", "device_silent", "co2"], "unshelve"),
    (["alarms", "take-out-of-service", "device_silent", "co2", "--who", "Li Na", "--why", "sent away"], "take_out_of_service"),
    (["alarms", "return-to-service", "device_silent", "co2"], "return_to_service"),
    (["override", "north-door", "--who", "Li Na", "--why", "wheelchair"], "override"),
    (["resume", "17", "north-door"], "resume"), (["override", "--ticket", "17", "--who", "Li Na", "--why", "seen"], "override"),
    (["contact", "17", "36.9", "--site", "ear", "--who", "Li Na", "--why", "twice"], "contact_reading"),
    (["credential", "north-door", "failed"], "credential"), (["credential", "--ticket", "17", "passed"], "credential"),
    (["case", "open", "--ticket", "17", "--symptom", "cough", "--who", "Li Na"], "open_case"),
    (["allow", "17", "--who", "Li Na", "--why", "seen"], "allow"),
    (["prove", "north-door"], "prove"),
    (["reset-average", "north-door", "--who", "Li Na", "--why", "moved"], "reset_average"),
    (["write", "co2", "interval", "2", "--who", "Li Na", "--why", "as agreed"], "write"),
  ])
  func ordersAreCarriedOut(arguments: [String], action: String) throws {
    let door = try StandIn(.done, seq: 5, status: Self.status)
    #expect(run(arguments, folder: door.folder) == 0)
    #expect(door.commands.map(\.action.name) == [action])
    door.end()
  }

  @Test(.timeLimit(.minutes(1))) func anOrderTriedTwiceIsDoneOnce() throws {
    let door = try StandIn(.done, seq: nil, status: Self.status)
    let id = UUID().uuidString
    #expect(run(["resume", "17", "--id", id], folder: door.folder) == 0)
    #expect(run(["resume", "17", "--id", id.lowercased()], folder: door.folder) == 0)
    #expect(door.commands.count == 1)
    door.end()
  }

  @Test(.timeLimit(.minutes(1))) func whatIsRefusedIsAProblem() throws {
    let door = try StandIn(.refused(.notWaiting), seq: 5, status: Self.status)
    #expect(run(["resume", "17"], folder: door.folder) == 1)
    #expect(run(["override", "west", "--who", "a", "--why", "b"], folder: door.folder) == 1)
    #expect(door.commands.count == 1)
    door.end()
  }

  @Test(.timeLimit(.minutes(1)), arguments: [
    ["status"], ["status", "--json"], ["devices"], ["devices", "--json"], ["devices", "--counters"], ["alarms"],
    ["alarms", "--json"],
  ])
  func statusIsShown(arguments: [String]) throws {
    let door = try StandIn(.done, seq: 5, status: Self.status)
    #expect(run(arguments, folder: door.folder) == 0)
    door.end()
  }

  @Test(arguments: [
    ["status"], ["resume", "17"], ["alarms"], ["devices"], ["contact", "17", "36.9", "--who", "Li Na"], ["alarms", "acknowledge", "7"],
    ["alarms", "clear", "7", "--who", "a", "--why", "b"], ["override", "north-door", "--who", "a", "--why", "b"],
  ])
  func noDoorIsCodeTwo(arguments: [String]) {
    #expect(run(arguments, folder: "/nonexistent") == 2)
  }

  /// Commands that need settings or a log, against what is not there, not right, or empty.
  @Test func settingsAndLogsHaveTheirCodes() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "codes-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.createDirectory(atPath: folder + "/empty", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data("log: { folder: empty }\n".utf8).write(to: URL(filePath: folder + "/wrong.yaml"))
    func code(_ arguments: [String], _ settings: String = "none.yaml") -> Int32 {
      run(arguments + ["--settings", "\(folder)/\(settings)"], folder: folder)
    }
    for arguments in [["check"], ["log"], ["log", "verify"], ["summary"]] { #expect(code(arguments) == 1, "\(arguments)") }
    #expect(code(["check"], "wrong.yaml") == 1)
    // What is wrong with the settings does not hide the log.
    for arguments in [["log"], ["log", "verify"], ["summary"], ["summary", "--json"]] {
      #expect(code(arguments, "wrong.yaml") == 0, "\(arguments)")
      #expect(code(arguments + ["--folder", folder + "/none"]) == 1, "\(arguments)")
    }
    #expect(code(["profile", "decode", folder + "/none.yaml", "5a"]) == 1)
    #expect(code(["log", "--since", "yesterday"]) == 64)
  }

  @Test(.timeLimit(.minutes(1))) func aDoorThatIsGoneIsCodeTwo() throws {
    let door = try StandIn(.done, seq: 5, status: Self.status)
    #expect(run(["status"], folder: door.folder) == 0)
    door.end()
    #expect(run(["status"], folder: door.folder) == 2)
  }
}

@Suite struct SummaryTests {
  private struct List: EventSource {
    var events: [String]
    func newest(_ stream: Domain.Stream) -> Int64 { stream == .records ? Int64(events.count) : 7 }
    func events(_ stream: Domain.Stream, after seq: Int64, limit: Int) -> [StoredEvent] {
      guard stream == .records, seq < Int64(events.count) else { return [] }
      return events.indices.dropFirst(Int(seq)).prefix(limit).map { StoredEvent(seq: Int64($0) + 1, json: Data(events[$0].utf8)) }
    }
  }

  /// `began 1`, `denied 1 rest`, `passed 1`, `alarm.raised`: one a minute from 08:00 on.
  private func list(_ lines: [String]) -> List {
    List(
      events: lines.enumerated().map { minute, line in
        let words = line.split(separator: " ")
        let type = line.hasPrefix("alarm") ? words[0] : "screening." + words[0]
        let ticket = words.count > 1 ? "\"ticket\":\(words[1])," : ""
        let next = words.count > 2 ? words[2] : "none"
        let clock = "0\(8 + minute / 60):\(minute % 60 < 10 ? "0" : "")\(minute % 60)"
        return #"{"type":"gatehouse.\#(type)","source":"/s/north","time":"2026-11-23T\#(clock):00.000+08:00","data":{\#(ticket)"next":"\#(next)"}}"#
      })
  }

  private func check(
    _ lines: [String], _ screened: Int, _ passed: Int, _ refused: Int, isolated: Int = 0, left: Int = 0,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let summary = try Summary(source: list(lines))
    let found: [Int] = [summary.screened, summary.passed, summary.refused, summary.isolated, summary.left]
    let expected: [Int] = [screened, passed, refused, isolated, left]
    #expect(found == expected, "\(summary)", sourceLocation: location)
  }

  @Test func aPersonCountsOnceByTheLastVerdict() throws {
    try check([], 0, 0, 0)
    try check(["began 1", "passed 1"], 1, 1, 0)
    try check(["began 1", "denied 1 retake", "passed 1"], 1, 1, 0)
    try check(["began 1", "denied 1 retake", "denied 1 rest"], 1, 0, 1)
    try check(["began 1", "denied 1 rest", "resumed 1 measuring", "passed 1"], 1, 1, 0)
    try check(["began 1", "denied 1 rest", "isolated 1"], 1, 0, 1, isolated: 1)
    try check(["began 1", "denied 1 rest", "abandoned 1"], 1, 0, 1)
    try check(["began 1", "abandoned 1"], 1, 0, 0, left: 1)
    try check(["began 1", "passed 1", "began 1", "denied 1 rest", "began 2"], 3, 1, 1)
    try check(["passed 9"], 0, 1, 0)
  }

  @Test func countsAlarmsAndStreamsSinceAMoment() throws {
    let lines = (0..<120).map { $0 % 3 == 0 ? "alarm.raised" : $0 % 3 == 1 ? "alarm.cleared" : "began \($0)" }
    var summary = try Summary(source: list(lines))
    #expect(summary.alarmsRaised == 40 && summary.alarmsCleared == 40)
    #expect(summary.events == ["records": 120, "telemetry": 7, "aggregates": 7] as [String: Int64])
    let since = try Date.ISO8601FormatStyle().parse("2026-11-23T09:30:00+08:00")
    summary = try Summary(source: list(lines), since: since)
    #expect(summary.alarmsRaised == 10 && summary.screened == 10 && summary.events["records"] == 30)
    summary = try Summary(source: list(lines), since: since.addingTimeInterval(1_000_000))
    #expect(summary.screened == 0 && summary.events["records"] == 0)
  }

  @Test func saysItInLines() throws {
    var summary = try Summary(source: list(["began 1", "passed 1", "began 2", "denied 2 rest", "alarm.raised"]))
    #expect(summary.lines == [
      "people screened  2", "passed           1", "refused          1", "left unmeasured  0", "alarms           1 raised, 0 cleared",
      "events           5 records, 7 telemetry, 7 aggregates", "latency          not known: no door is running",
    ])
    #expect(try jsonLine(summary).contains("latency") == false)
    summary.latency = ["decision": .init(p50: 3.14, p99: 9, max: 20, count: 418), "gate": .init(p50: 0, p99: 0, max: 0, count: 0)]
    #expect(summary.lines.last == "latency          last byte to decision: p50 3.1 µs, p99 9 µs of 418")
  }
}
