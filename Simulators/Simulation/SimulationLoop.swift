// Carries bytes between the world and the outside: pseudo-terminals, TCP sockets, the command socket, standard input.
// One thread, one wait; the world is told the time after each. Nothing of what devices do is decided here.

public import Domain
import Glibc
public import Synchronization

/// Set by a signal; looked at by every loop of the process.
public let simulationMustEnd = Atomic<Bool>(false)

/// The running simulators.
public final class SimulationLoop {
  public private(set) var world: World
  /// What happens by itself, counted from the world's beginning.
  private var course: Course?
  let trace = Trace()
  private var lines: [Int: PseudoTerminal] = [:]
  private var sticks: [Int: UHIDStick] = [:]
  private var sockets: [Int: Int32] = [:]
  private var connections: [Int32: Int] = [:]
  private var plugs: [Int]
  private var oldNames: [Int: String] = [:]
  private let commandPath: String?
  private var commandSocket: Int32 = -1
  private var talkers: [Int32: [UInt8]] = [:]
  private var waits: [Wait] = []
  private let served: Set<String>?
  private let uhid: String
  private let origin = bootClock()
  private let say: (String) -> Void

  /// A talker whose answer comes when something is so.
  private struct Wait {
    var talker: Int32
    var order: Order
    var until: Instant
  }

  /// How long a listener may take to be noticed.
  private static var look: Interval { .milliseconds(20) }
  private static var lineMax: Int { 65_536 }

  /// - Parameters:
  ///   - commands: path of a Unix socket for commands.
  ///   - serving: the buses to play; `nil`: all of them. The others are left to somebody else.
  ///   - uhid: what makes HID devices: the kernel's device, or a socket that takes the same events.
  ///   - say: gets one line for each thing worth telling.
  public init(
    _ world: World, course: Course? = nil, commands: String? = nil, standardInput: Bool = false, serving: Set<String>? = nil,
    uhid: String = "/dev/uhid", say: @escaping (String) -> Void = { _ in }
  ) throws {
    self.world = world
    self.course = course
    self.say = say
    commandPath = commands
    served = serving
    self.uhid = uhid
    plugs = world.plan.buses.map { _ in 0 }
    self.world.beganBootNs = origin
    _ = signal(SIGPIPE, SIG_IGN)
    do {
      for bus in world.plan.buses.indices { try serve(bus) }
      if let commands { commandSocket = try listenUnix(path: commands) }
    } catch {
      end()
      throw error
    }
    if standardInput { talkers[0] = [] }
  }

  /// Runs until `quit`, a signal, or the end of `until`.
  public func run(until: Instant = .never) {
    while !world.wantsToQuit, !simulationMustEnd.load(ordering: .relaxed), present < until { turn(atMost: .seconds(1)) }
    end()
  }

  /// Since the world began.
  var present: Instant { Instant(ns: bootClock() - origin) }

  /// One wait and what follows from it.
  public func turn(atMost: Interval) {
    var all = Array(lines.values.map(\.master)) + Array(sockets.values) + Array(connections.keys) + Array(talkers.keys)
    all += sticks.values.map(\.descriptor)
    if commandSocket >= 0 { all.append(commandSocket) }
    // A line that nobody listens to is always "ready": it is looked at now and then instead.
    let silent = lines.values.filter { !$0.isHeard }.map(\.master)
    let watched = all.filter { !silent.contains($0) }
    let deadline = min(world.nextDeadline, course?.nextAt.map { Instant(ns: $0.ns) } ?? .never)
    var wait = min(deadline - present, atMost)
    if !silent.isEmpty { wait = min(wait, Self.look) }
    if !waits.isEmpty { wait = min(wait, World.step) }
    let ready = waitFor(watched, atMost: wait)
    world.advance(to: present)
    for (descriptor, events) in zip(watched, ready) where events != 0 { attend(descriptor, events) }
    for (bus, line) in lines where silent.contains(line.master) {
      let isHungUp = waitFor([line.master], atMost: .zero).first.map { $0 & Int16(POLLHUP) != 0 } ?? true
      if line.noticeListener(hungUp: isHungUp) { renew(bus, line) }
    }
    play()
    deliver()
    followPlugs()
    answerWaits()
  }

  private func attend(_ descriptor: Int32, _ events: Int16) {
    if let (bus, line) = lines.first(where: { $0.value.master == descriptor }) {
      hear(bus, line, events)
    } else if let (bus, stick) = sticks.first(where: { $0.value.descriptor == descriptor }) {
      hear(bus, stick)
    } else if let bus = sockets.first(where: { $0.value == descriptor })?.key {
      while let connection = acceptOne(descriptor) {
        if world.accepts(bus: bus, at: present) { connections[connection] = bus } else { close(connection) }
      }
    } else if let bus = connections[descriptor] {
      converse(bus, descriptor)
    } else if descriptor == commandSocket {
      while let talker = acceptOne(descriptor) { talkers[talker] = [] }
    } else {
      listen(to: descriptor)
    }
  }

  private func hear(_ bus: Int, _ line: PseudoTerminal, _ events: Int16) {
    if case .success(let bytes?) = readSome(line.master), !bytes.isEmpty {
      trace.note(world.plan.buses[bus].name, "<-", bytes, at: present)
      _ = world.receive(bytes, bus: bus, at: present)
    }
    if line.noticeListener(hungUp: events & Int16(POLLHUP) != 0) { renew(bus, line) }
  }

  private func hear(_ bus: Int, _ stick: UHIDStick) {
    for heard in stick.hear() {
      trace.note(world.plan.buses[bus].name, "<-", heard.bytes, at: present)
      _ = world.receive([heard.way] + heard.bytes, bus: bus, connection: heard.request, at: present)
    }
    guard stick.isGone else { return }
    say("\(world.plan.buses[bus].name): nobody is left at \(uhid)")
    unserve(bus)
  }

  private func renew(_ bus: Int, _ line: PseudoTerminal) {
    world.forget(bus: bus, connection: 0)
    do throws(SystemError) { try line.freshen() } catch { say("\(world.plan.buses[bus].name): \(error)") }
    world.servedAt[bus] = line.name
  }

  private func converse(_ bus: Int, _ connection: Int32) {
    switch readSome(connection) {
    case .success(nil): break
    case .success(let bytes?) where !bytes.isEmpty:
      trace.note(world.plan.buses[bus].name, "<-", bytes, at: present)
      if !world.receive(bytes, bus: bus, connection: Int(connection), at: present) { hangUp(connection, bus) }
    default: hangUp(connection, bus)
    }
  }

  private func hangUp(_ connection: Int32, _ bus: Int) {
    world.forget(bus: bus, connection: Int(connection))
    connections[connection] = nil
    close(connection)
  }

  /// A talker's bytes become lines; each is answered at once.
  private func listen(to talker: Int32) {
    guard case .success(let more) = readSome(talker), more?.isEmpty != true else { return dismiss(talker) }
    talkers[talker, default: []] += more ?? []
    while let end = talkers[talker]?.firstIndex(of: 10) {
      let line = String(decoding: talkers[talker]?[..<end] ?? [], as: UTF8.self)
      talkers[talker]?.removeFirst(end + 1)
      if let answer = answer(line, talker) { write(answer, to: talker) }
    }
    if (talkers[talker]?.count ?? 0) > Self.lineMax { dismiss(talker) }
  }

  private func write(_ answer: String, to talker: Int32) { writeSome(talker == 0 ? 1 : talker, Array((answer + "\n").utf8)) }

  /// `nil`: the answer comes later.
  private func answer(_ line: String, _ talker: Int32) -> String? {
    do throws(Order.Mistake) {
      let order = try Order(line)
      guard order.verb == "wait" else { return perform(line) }
      if try world.isSo(order) { return "ok" }
      waits.append(Wait(talker: talker, order: order, until: present + (try world.patience(of: order))))
      return nil
    } catch {
      return "error \(error.sentence)"
    }
  }

  private func answerWaits() {
    waits.removeAll { wait in
      if (try? world.isSo(wait.order)) == true {
        write("ok", to: wait.talker)
      } else if present >= wait.until {
        write("error it did not come to this in time: \(wait.order.words.joined(separator: " "))", to: wait.talker)
      } else {
        return false
      }
      return true
    }
  }

  private func dismiss(_ talker: Int32) {
    waits.removeAll { $0.talker == talker }
    talkers[talker] = nil
    if talker != 0 { close(talker) }
  }

  private func play() {
    while let due = course?.takeDue(at: world.now - Instant(ns: 0)), !due.isEmpty {
      for step in due {
        guard case .order(let order) = step.what else {
          say("\(step.words): left to you")
          continue
        }
        let answer = world.perform(order)
        say("\(order)\(answer == "ok" ? "" : ": \(answer)")")
      }
    }
  }

  /// Carries out an order to the simulators; the answer is `ok`, or `error` and why.
  func perform(_ order: String) -> String {
    world.advance(to: present)
    defer { followPlugs() }
    return world.perform(order)
  }

  /// The gates that moved since the last call.
  func takeMoves() -> [GateMove] { world.takeMoves() }

  private func deliver() {
    for delivery in world.takeDue(at: world.now) {
      trace.note(world.plan.buses[delivery.bus].name, "->", delivery.bytes, at: world.now)
      if let line = lines[delivery.bus] {
        if line.isHeard { writeSome(line.master, delivery.bytes) }
      } else if let stick = sticks[delivery.bus] {
        if delivery.connection == 0 { stick.send(delivery.bytes) } else { stick.answer(delivery.connection, delivery.bytes) }
      } else if connections[Int32(truncatingIfNeeded: delivery.connection)] == delivery.bus {
        writeSome(Int32(truncatingIfNeeded: delivery.connection), delivery.bytes)
      }
    }
  }

  /// Brings lines and sockets in step with what is plugged in.
  private func followPlugs() {
    for bus in world.plan.buses.indices where plugs[bus] != world.plugs[bus] {
      plugs[bus] = world.plugs[bus]
      unserve(bus)
      guard world.plugged[bus] else { continue }
      do { try serve(bus) } catch { say("\(world.plan.buses[bus].name): \(error)") }
    }
  }

  private func serve(_ bus: Int) throws {
    if let served, !served.contains(world.plan.buses[bus].name) { return }
    switch world.plan.buses[bus].link {
    case .serial(.usb(let match), _), .modbusRTU(.usb(let match), _):
      say("\(world.plan.buses[bus].name): \(match.text) cannot be served: give it a path for simulation")
    case .hid(let match, let reports):
      let name = world.plan.buses[bus].name
      do {
        sticks[bus] = try UHIDStick(at: uhid, match, reports, spare: name)
        world.servedAt[bus] = uhid
      } catch {
        say("\(name): \(match.text) cannot be served: \(error). `modprobe uhid` makes /dev/uhid, for root; or see --uhid")
      }
    case .serial(.path(let path), _), .modbusRTU(.path(let path), _):
      let line = try PseudoTerminal(link: path, avoiding: oldNames[bus] ?? "")
      lines[bus] = line
      world.servedAt[bus] = line.name
    case .modbusTCP(let host, let port):
      let socket = try listenTCP(host: host, port: port)
      sockets[bus] = socket
      // Whoever asked for any free port gets the same again after it was unplugged.
      let bound = boundPort(socket)
      world.serve(bus, at: .modbusTCP(host: host, port: bound))
      world.servedAt[bus] = "\(host):\(bound)"
    }
  }

  private func unserve(_ bus: Int) {
    if let line = lines.removeValue(forKey: bus) {
      oldNames[bus] = line.name
      line.remove()
    }
    sticks.removeValue(forKey: bus)?.remove()
    if let socket = sockets.removeValue(forKey: bus) { close(socket) }
    for (connection, of) in connections where of == bus { hangUp(connection, bus) }
    world.servedAt[bus] = nil
  }

  /// Takes down everything that was put up.
  func end() {
    for bus in world.plan.buses.indices { unserve(bus) }
    for talker in talkers.keys { dismiss(talker) }
    if commandSocket >= 0 {
      close(commandSocket)
      commandSocket = -1
      if let commandPath { unsafe unlink(commandPath) }
    }
  }
}
