// Everything the door is made of, and the order in which it starts and ends.

import Control
import Devices
import Domain
import EventLog
import Foundation
import Pipeline
import Ports
import Recorder
import Rings
import Settings
import Synchronization

/// The door's threads and what lies between them.
final class Parts {
  private let settings: Settings
  /// Two doors that write one log would spoil it.
  private let lock: FolderLock?
  private let inputs: Inputs
  private let results: Results
  private let log: LogThreads
  private let recorder: Recorder
  private let clock: Clock
  private let server: ControlServer
  private let loop: Mutex<LoopBox?>
  private var threads: [RunningThread] = []
  private var realTime: RunningThread?
  private var logThreads: [RunningThread] = []
  private var recorderThread: RunningThread?

  init(_ settings: Settings, _ options: Options) throws {
    self.settings = settings
    try? FileManager.default.createDirectory(
      atPath: settings.log.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
    lock = try FolderLock(folder: settings.log.folder)
    func bell() throws -> Bell {
      guard let bell = Bell() else { throw DoorFailure(description: "no descriptor is left for a bell") }
      return bell
    }
    clock = Clock(changes: settings.site.offsets)
    var plan = PipelineSettings(settings)
    (plan.identityKey, plan.roster) = try settings.site.readIdentities()
    let pipeline = Pipeline(plan)
    inputs = Inputs(
      commands: SharedRing(capacity: 64), reports: SharedRing(capacity: 64), bell: try bell(), stop: SharedFlag(false))
    guard let board = StatusBoard(pipeline, devices: settings.devices.count, ports: settings.ports.count) else {
      throw DoorFailure(description: "no descriptor is left for a bell")
    }
    results = Results(
      events: SharedRing(capacity: 4096), bell: try bell(),
      snapshots: Exchange(buffers: 3, size: Snapshot.headSize + pipeline.snapshotSize), status: board)
    var random = SystemRandomNumberGenerator()
    let formatter = Formatter(names: settings.names, random: &random)
    let tail = Tail()
    log = LogThreads(
      intake: Intake(
        events: results.events, snapshots: results.snapshots, tail: tail, formatter: formatter, random: random),
      commit: Commit(
        LogPlan(
          folder: settings.log.folder, segmentBytes: settings.log.segmentMB << 20, snapshotLayout: pipeline.snapshotLayout),
        tail: tail),
      tail: tail, clock: clock, events: results.bell, inputs: inputs, work: try bell(), resumed: try bell(), say: { Door.tell($0) })
    let status = DoorStatus(
      settings: settings, startID: formatter.startID, started: Clock.boot(), board: board, bell: inputs.bell, log: log)
    let sockets = options.runFolder ?? settings.log.folder
    try? FileManager.default.createDirectory(
      atPath: sockets, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
    server = try ControlServer(
      paths: ControlPaths(folder: sockets), names: settings.names, commands: inputs.commands, bell: inputs.bell,
      status: status.line)
    let ports = try Ports(settings.ports, notice: Parts.tell)
    log.tell(server)
    let clock = clock
    guard let recorder = Recorder(RecorderPlan(settings), clock: { clock.now() }, say: { Door.tell($0, $1 ? .error : .info) }) else {
      throw DoorFailure(description: "no descriptor is left for a bell")
    }
    self.recorder = recorder
    loop = Mutex(
      LoopBox(
        RealTimeLoop(ports: ports, pipeline: pipeline, tap: recorder.tap(), clock: clock, inputs: inputs, results: results)))
  }

  /// What a person should read about a port, as the keeper found it.
  private static func tell(_ notice: PortNotice) {
    if notice.failure == nil {
      Door.tell("port \(notice.name) is open", .info)
    } else {
      Door.tell("port \(notice.name): \(notice.explanation)", .warning)
    }
  }

  func start() throws {
    func thread(_ name: String, _ body: @escaping @Sendable () -> Void) throws -> RunningThread {
      guard let thread = RunningThread(name, body) else { throw DoorFailure(description: "the kernel has no thread left for \(name)") }
      return thread
    }
    let log = log
    let server = server
    let recorder = recorder
    if settings.recorder.span > .zero { recorderThread = try thread("recorder") { recorder.run() } }
    logThreads = [try thread("commit") { log.runCommit() }, try thread("intake") { log.runIntake() }]
    // A log that does not open within this time does not keep the door shut; it starts without a memory.
    let earlier = log.earlier(within: 3000)
    let down = earlier?.lastRecord.map { max(0, (clock.now().wall - $0) / 1_000_000_000) } ?? 0
    guard let box = loop.withLock({ $0 }) else { return }
    let isNew = earlier?.lastRecord == nil
    let recalled = earlier?.snapshot == nil && !isNew ? SiteMemory.recall(settings, clock.now()) : []
    let wishes = RealTime(
      priority: settings.realTime.fifoPriority, cpu: settings.realTime.cpu, lockMemory: settings.realTime.lockMemory)
    realTime = try thread("real-time") {
      for refusal in wishes.apply() { Door.tell("\(refusal)", .warning) }
      box.run(earlier: earlier?.snapshot, recalled: recalled, downSeconds: down)
    }
    threads = [try thread("control") { server.run() }]
  }

  /// Stops deciding, commits what happened, then closes the sockets. `false`: some gate is not left as it should be.
  func end() -> Bool {
    inputs.stop.set(true)
    inputs.bell.ring()
    realTime?.join()
    log.end()
    for thread in logThreads { thread.join() }
    if let recorderThread { recorder.stop(recorderThread, within: 1_000) }
    server.stop()
    for thread in threads { thread.join() }
    return !results.leftUndone.isSet
  }
}

/// Carries the loop to its thread, where it lives.
///
/// Safe as `@unchecked Sendable`: main makes it and touches it never again; the thread takes the loop out once.
final class LoopBox: @unchecked Sendable {
  private var loop: RealTimeLoop?

  init(_ loop: consuming RealTimeLoop) { self.loop = consume loop }

  func run(earlier: Snapshot?, recalled: [SiteFact], downSeconds: Int64) {
    guard var loop = loop.take() else { return }
    if let earlier { loop.restore(earlier) }
    for fact in recalled { loop.recall(fact) }
    loop.run(restored: earlier != nil, downSeconds: downSeconds)
  }
}

extension RecorderPlan {
  fileprivate init(_ settings: Settings) {
    let riders = Dictionary(grouping: settings.devices) { $0.port }
    let portOf = settings.devices.map(\.port)
    let lanes = settings.lanes.map { lane in Set(lane.devices.map { portOf[Int($0.index)] }) }
    let rooms = settings.rooms.map { room in Set(room.co2.map { portOf[Int($0.index)] }) }
    self.init(
      folder: settings.log.folder,
      buses: settings.ports.enumerated().map { index, port in
        let devices = riders[PortID(index)] ?? []
        return Bus(
          name: port.name, devices: devices.map { ($0.name, $0.profile.id) },
          isPersonal: devices.contains { $0.profile.fields.contains(where: \.personal) })
      },
      ports: { place in
        switch place {
        case .site, .log: []
        case .lane(let lane): Array(lanes[Int(lane.index)])
        case .room(let room): Array(rooms[Int(room.index)])
        case .device(let device): [portOf[Int(device.index)]]
        case .port(let port): [port]
        }
      }, span: settings.recorder.span, bytesPerBus: settings.recorder.bytesPerBus,
      bytesFrozen: settings.recorder.bytesFrozen, keep: settings.recorder.keep)
  }
}
