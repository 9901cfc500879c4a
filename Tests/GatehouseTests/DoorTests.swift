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
      names: Names(site: "s", lanes: ["north-door"], rooms: [], devices: [], ports: [], fields: []),
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
    (["contact", "17", "38.5"], "contact_reading"),
    (["override", "north-door", "--who", "Li Na", "--why", "wheelchair"], "override"),
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

  @Test(arguments: [["status"], ["resume", "17"], ["alarms"], ["devices"]])
  func noDoorIsCodeTwo(arguments: [String]) {
    #expect(run(arguments, folder: "/nonexistent") == 2)
  }
}
