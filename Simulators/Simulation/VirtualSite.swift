// A whole site in one process and under one clock: the world, the ports, the door and its log. Time is what `run` makes
// it, so a day takes seconds, and the same seed gives the same log, byte for byte.
//
//     real        Pipeline (with Devices and Rules), EventLog down to its files, Settings, Formatter
//     simulated   the clocks, the ports (VirtualPort), what stands at their other end (World), whether the disk takes anything
//
// The loop is this file's own; the turns are the door's.

public import Domain
import Devices
public import EventLog
import Pipeline
public import Settings

/// A site that lives in virtual time.
public final class VirtualSite {
  public private(set) var world: World
  public let settings: Settings
  /// By how much somebody set the wall clock, ns.
  public var wallShift: Int64 = 0
  /// Whether the wall clock is kept by somebody.
  public var isSynchronised = true
  /// Gets every event when it happens, before any disk.
  public var onEvent: (Event) -> Void = { _ in }
  /// Gets every event when it is durable.
  public var onCommit: ([Committed]) -> Void = { _ in }
  /// Gets the ids of what people are told of before the disk has it.
  var onNotDurable: ([String]) -> Void = { _ in }
  private var door: VirtualDoor?
  private var chance: Chance
  private let trace = Trace()
  private let folder: String
  private let startWall: Int64
  private var plugs: [Int]
  private var plan: PipelineSettings

  /// - Parameters:
  ///   - seed: decides people, noise, salts and the ids of starts.
  ///   - wall: what the wall clock shows at the beginning, ns since 1970 UTC.
  ///   - log: the folder of the log.
  /// Nothing runs before `start`.
  public init(_ settings: Settings, seed: UInt64 = 1, wall: Int64, log: String) throws {
    self.settings = settings
    world = World(WorldPlan(settings), seed: seed)
    chance = Chance(seed: seed ^ 0xD00_2)
    folder = log
    startWall = wall
    plugs = world.plugs
    plan = PipelineSettings(settings)
    if let file = settings.site.identitySecretFile { plan.identityKey = try readIdentityKey(file) }
  }

  /// Time since the beginning.
  public var elapsed: Interval { world.now - Instant(ns: 0) }
  public var isUp: Bool { door != nil }

  // MARK: Time

  /// Lets time pass until `end`.
  public func run(until end: Instant) {
    while world.now < end {
      let next = min(world.nextDeadline, min(door?.nextDeadline ?? .never, end))
      step(to: max(next, world.now))
    }
  }

  public func run(for time: Interval) { run(until: world.now + time) }

  private func step(to moment: Instant) {
    world.advance(to: moment)
    let deliveries = world.takeDue(at: moment)
    guard let door else { return }
    let now = present
    for delivery in deliveries { door.deliver(delivery, &world, now) }
    door.attend(&world, now)
    publish(door, now)
  }

  private var present: Now { present(at: world.now) }

  private func present(at moment: Instant) -> Now {
    let wall = startWall &+ moment.ns &+ wallShift
    var offset = settings.site.offsets.first?.seconds ?? 0
    for change in settings.site.offsets where change.from <= wall { offset = change.seconds }
    return Now(boot: moment + VirtualDoor.boot, wall: wall, utcOffset: offset, synchronised: isSynchronised)
  }

  private func publish(_ door: VirtualDoor, _ now: Now) {
    for event in door.takeEvents() { onEvent(event) }
    let committed = door.log.step(now)
    let early = door.log.takeNotDurable()
    if !early.isEmpty { onNotDurable(early) }
    if !committed.isEmpty { onCommit(committed) }
  }

  // MARK: What is done to it

  /// Carries out an order to the simulators, such as `person north-door body=38.2`; the answer is `ok` or `error` and why.
  public func perform(_ order: String) -> String {
    let answer = world.perform(order)
    for bus in world.plan.buses.indices where plugs[bus] != world.plugs[bus] {
      plugs[bus] = world.plugs[bus]
      guard let door else { continue }
      let now = present
      door.replugged(bus, isPlugged: world.plugged[bus], &world, now)
      publish(door, now)
    }
    return answer
  }

  /// Gives the door a command, as its socket would; `nil`: nobody answers. `make` gets the door's clock.
  @discardableResult
  public func command<Failure>(_ make: (Instant) throws(Failure) -> Command) throws(Failure) -> Answer? {
    let now = present
    let command = try make(now.boot)
    guard let door else { return nil }
    let answer = door.obey(command, &world, now)
    publish(door, now)
    return answer
  }

  /// What became of the bytes of each bus since the door started; empty while it is down.
  var wireAccounts: [WireAccount] { door?.accounts ?? [] }

  /// How long the disk has taken nothing though something waits for it.
  var logStalledFor: Interval { door?.log.stalledFor(present) ?? .zero }

  /// The gates that moved since the last call.
  public func takeMoves() -> [GateMove] { world.takeMoves() }

  /// What the wires carried last, a line each.
  public var lastBytes: [String] { trace.lines() }

  /// Sets the wall clock.
  public func setClock(byNanoseconds step: Int64) {
    wallShift &+= step
    guard let door else { return }
    let now = present
    door.tell(.clockStepped(byNanoseconds: step), &world, now)
    publish(door, now)
  }

  /// What the disk does from now on.
  public var disk: VirtualDisk {
    get { door?.log.disk ?? .good }
    set { door?.log.disk = newValue }
  }

  /// The door dies here and now: what was not on the disk is lost.
  public func kill() {
    door?.log.close()
    door = nil
  }

  /// The door ends as it should.
  public func stop() {
    guard let door else { return }
    door.stop(&world) { present(at: $0) }
    publish(door, present)
    onCommit(door.log.finish(present))
    kill()
  }

  /// The door starts, from what the log has.
  public func start() throws {
    precondition(door == nil, "A site has one door.")
    let started = VirtualDoor(plan, settings, folder: folder, trace: trace, chance: &chance)
    door = started
    let now = present
    try started.start(&world, now)
    publish(started, now)
  }

  deinit { door?.log.close() }
}
