// A scenario as time passes: the program `gatehoused` against pseudo-terminals and sockets, in a folder of its own. The
// simulators live in this thread; while it waits for anything, they go on answering.

import Control
import Domain
import EventLog
import Foundation
import Settings
import Synchronization

final class RealStage: Stage {
  var onTold: (Told) -> Void = { _ in }
  private let loop: SimulationLoop
  private let program: String
  private let profiles: String
  private let folder: String
  private let settingsFile: String
  private let logFolder: String
  private let names: Names
  private var door: DoorProcess?
  /// The door was ready for the first time, and the scenario's time runs.
  private var hasBegun = false
  private var zero = Instant(ns: 0)
  private var zeroWall = Date()
  private var bell: EventsClient?
  private var reader: LogReader?
  private var read: [Domain.Stream: Int64] = [:]
  private var mishaps: [String] = []

  /// How long the door may take to start and to end.
  private static var patience: Interval { .seconds(30) }
  /// How often the door's bell is listened to.
  private static var look: Interval { .milliseconds(20) }

  /// - Parameters:
  ///   - folder: where everything of this run shall lie: settings, terminals, sockets, the log.
  ///   - program: the path of `gatehoused`.
  init(_ scenario: Scenario, folder: String, program: String, profiles: String) throws {
    self.folder = folder
    settingsFile = folder + "/gatehouse.yaml"
    logFolder = folder + "/log"
    self.program = program
    self.profiles = profiles
    names = scenario.settings.names
    try FileManager.default.createDirectory(atPath: logFolder, withIntermediateDirectories: true)
    let plan = WorldPlan(scenario.settings).moved(into: folder)
    loop = try SimulationLoop(World(plan, seed: scenario.seed))
    let text = try scenario.source.moved(buses: loop.world.plan.places, log: logFolder)
    try text.write(toFile: settingsFile, atomically: true, encoding: .utf8)
  }

  deinit {
    door?.die()
    loop.end()
  }

  var elapsed: Interval { loop.present - zero }
  var isUp: Bool { door != nil }
  var lastBytes: [String] { loop.trace.lines(since: zero) }

  // MARK: Time

  func run(until end: Interval) {
    while elapsed < end, !simulationMustEnd.load(ordering: .relaxed) { turn(atMost: Interval(ns: end.ns - elapsed.ns)) }
  }

  private func turn(atMost wait: Interval = look) {
    loop.turn(atMost: min(max(wait, .zero), Self.look))
    listen()
    if let door, let mishap = door.mishap ?? (door.isRunning ? nil : "the door ended by itself") {
      mishaps.append(mishap)
      forget()
    }
  }

  /// Lets the simulators live until something is so; `false`: it did not come to it in time.
  private func turn(until isSo: () -> Bool) -> Bool {
    let end = loop.present + Self.patience
    while !isSo() {
      guard loop.present < end else { return false }
      loop.turn(atMost: Self.look)
    }
    return true
  }

  // MARK: The door

  func start() throws {
    let door = try DoorProcess(program: program, settings: settingsFile, profiles: profiles, folder: folder)
    guard turn(until: { door.isReady || !door.isRunning }), door.isRunning else {
      door.die()
      throw NotReady(description: "the door did not get ready: \(door.mishap ?? "nothing came of it in \(Int(Self.patience.seconds)) s: \(door.words)")")
    }
    self.door = door
    bell = try EventsClient(path: ControlPaths(folder: folder).events)
    reader = try LogReader(folder: logFolder)
    if !hasBegun {
      hasBegun = true
      zero = loop.present
      zeroWall = Date()
    }
    catchUp()
  }

  struct NotReady: Error, CustomStringConvertible { var description: String }

  func stop() {
    guard let door else { return }
    door.tellToEnd()
    if !turn(until: { !door.isRunning }) {
      mishaps.append("the door did not end in time")
      door.die()
    } else if let mishap = door.mishap {
      mishaps.append(mishap)
    }
    forget()
  }

  func kill() {
    door?.die()
    forget()
  }

  private func forget() {
    door = nil
    bell = nil
    catchUp()
  }

  func ask(_ request: CommandRequest) throws(BadRequest) -> StaffAnswer {
    let path = ControlPaths(folder: folder).command
    let asked = Asked()
    // The simulators go on meanwhile: the answer may hang on what they say.
    Thread.detachNewThread { asked.answer = Result { try CommandClient(path: path).send(request) } }
    guard turn(until: { asked.answer != nil }), case .success(let answer)? = asked.answer else { return .nobody }
    listen()
    return switch answer.answer {
    case .done: .done
    case .refused where answer.event == nil:
      throw BadRequest(reason: answer.reason ?? "", message: answer.message ?? "the door did not understand it")
    case .refused: .refused(answer.reason ?? "")
    case .unknown: .nobody
    }
  }

  /// What another thread asks.
  private final class Asked: Sendable {
    private let held = Mutex<Result<CommandAnswer, any Error>?>(nil)
    var answer: Result<CommandAnswer, any Error>? {
      get { held.withLock { $0 } }
      set { held.withLock { $0 = newValue } }
    }
  }

  // MARK: The simulators

  func perform(_ order: String) -> String { loop.perform(order) }

  func takeMoves() -> [(lane: String, isOpen: Bool, at: Interval)] {
    loop.takeMoves().map { (names.lanes[$0.lane], $0.isOpen, $0.at - zero) }
  }

  func person(at lane: String) -> String? { names.lanes.firstIndex(of: lane).flatMap { loop.world.person(at: $0) } }

  func finish() -> [String] {
    stop()
    loop.end()
    return mishaps
  }

  // MARK: The log

  private func listen() {
    var hasNews = false
    while let news = try? bell?.next(within: .zero) {
      if case .doorbell = news { hasNews = true }
    }
    if hasNews { catchUp() }
  }

  /// Reads what the log has more.
  private func catchUp() {
    for stream in Domain.Stream.allCases {
      while let events = try? reader?.read(stream, after: read[stream] ?? 0, limit: 500), let last = events.last {
        read[stream] = last.seq
        for event in events { tell(event) }
      }
    }
  }

  private func tell(_ event: LoggedEvent) {
    struct Envelope: Decodable {
      var time: String
      var type: String
      var source: String
    }
    guard let envelope = try? JSONDecoder().decode(Envelope.self, from: event.json),
      let time = try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(envelope.time)
    else { return }
    onTold(
      Told(
        // What a door tells before it is ready is of the beginning.
        at: max(.zero, Interval(ns: Int64(clamped: time.timeIntervalSince(zeroWall) * 1e9))), type: String(envelope.type.dropFirst("gatehouse.".count)),
        place: envelope.source.split(separator: "/").last.map(String.init) ?? "", isRecord: event.stream == .records,
        document: { event.json }))
  }
}
