// The keeper: a thread that opens and closes, so that the real-time thread never makes a call that may block.
//
// Each port has a stage. A port that fails waits with a growing back-off; a tty whose path appears again, or that
// somebody nudges, is tried at once. All state belongs to the keeper's thread; others reach it through rings only.

import Domain
import Glibc
import Rings

/// Both directions between the real-time thread and the keeper.
final class KeeperLink: Sendable {
  let orders: SharedRing<Order>
  let openings: SharedRing<Opening>
  /// Wakes the keeper.
  let ordered: Alert
  /// Wakes the real-time thread.
  let opened: Alert

  let capacity: Int

  /// The rings hold more than can be under way: one opening and one return a port, besides failures and nudges, which
  /// are dropped when half of a ring is full.
  init(ports: Int) throws(PortsFailure) {
    var capacity = 64
    while capacity < 4 * ports { capacity *= 2 }
    self.capacity = capacity
    orders = SharedRing(capacity: capacity)
    openings = SharedRing(capacity: capacity)
    ordered = try Alert()
    opened = try Alert()
  }
}

/// Where a port is between closed and open.
private enum Stage {
  case waiting(until: Instant)
  case lookingUp(Lookup)
  case openingNode(NodeOpening)
  /// To one address of a host; the others are tried when it fails.
  case connecting(Int32, until: Instant, others: ArraySlice<Address>)
  /// Open, and left alone for a while.
  case settling(Int32, until: Instant)
  case open(Int32, since: Instant)
  case carried(Bus, RunningThread, since: Instant)
  /// Its thread was told to end.
  case ending(Bus, RunningThread, since: Instant, until: Instant)
}

private struct Kept {
  var settings: PortSettings
  var stage = Stage.waiting(until: .past)
  var backOff = BackOff()
  var generation = Generation(0)
  /// Whether this outage was told, and the failure a person was told of last.
  var outageTold = false
  var told: PortFailure?
  /// Its path appeared while it was still open: try at once when it is given back.
  var appeared = false
}

/// State of the keeper's thread; made, run and dropped there.
struct Keeper: ~Copyable {
  static let connectMax = Interval.seconds(3)

  private let link: KeeperLink
  private let notice: @Sendable (PortNotice) -> Void
  private let busOptions: BusOptions
  private var ports: [Kept]
  private var watch: LinkWatch
  /// Made when a port is found by what it says of itself on USB.
  private var udev: Udev?
  /// Threads that hang in the kernel, with the port they belonged to.
  private var abandoned: [(port: Int, bus: Bus, thread: RunningThread)] = []
  private var stopping = false

  init(
    _ settings: [PortSettings], link: KeeperLink, watch: LinkWatch, busOptions: BusOptions,
    notice: @escaping @Sendable (PortNotice) -> Void
  ) {
    self.link = link
    self.notice = notice
    self.busOptions = busOptions
    self.watch = watch
    ports = settings.map { Kept(settings: $0) }
  }

  /// The thread's body: returns when it was told to stop and everything is closed.
  mutating func run() {
    if ports.contains(where: { $0.settings.link.isFoundOnUSB }) { udev = Udev() }
    while !stopping {
      for index in ports.indices { advance(index, bootClock()) }
      reap()
      sleep()
      takeOrders()
      for index in watch.arrived() where ports.indices.contains(index) { appear(index) }
      if udev?.changed() == true {
        for index in ports.indices where ports[index].settings.link.isFoundOnUSB { appear(index) }
      }
    }
    closeAll()
  }

  // MARK: Waiting

  /// Until an order, a change of a watched folder, the end of a connect or of a thread, or the next attempt.
  private func sleep() {
    var waits = [
      pollfd(fd: link.ordered.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: watch.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: udev?.descriptor ?? -1, events: Int16(POLLIN), revents: 0),
    ]
    var deadline = Instant.never
    for port in ports {
      switch port.stage {
      case .waiting(let until): deadline = min(deadline, until)
      case .connecting(let descriptor, let until, _):
        deadline = min(deadline, until)
        waits.append(pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0))
      case .ending(_, _, _, let until), .settling(_, let until): deadline = min(deadline, until)
      case .lookingUp, .openingNode, .open, .carried: break
      }
    }
    let count = nfds_t(waits.count)
    _ = unsafe poll(&waits, count, milliseconds(from: bootClock(), to: deadline))
    link.ordered.drain()
  }

  private mutating func takeOrders() {
    while let order = link.orders.pop() {
      let index = Int(order.port.index)
      switch order.kind {
      case .stop: stopping = true
      case .nudge: appear(index)
      case .giveBack: takeBack(index)
      }
    }
  }

  /// The port may be there again.
  private mutating func appear(_ index: Int) {
    if case .waiting = ports[index].stage {
      ports[index].stage = .waiting(until: .past)
    } else {
      ports[index].appeared = true
    }
  }

  // MARK: Opening

  private mutating func advance(_ index: Int, _ now: Instant) {
    switch ports[index].stage {
    case .waiting(let until): if until <= now { begin(index, now) }
    case .settling(let descriptor, let until): if until <= now { settled(index, descriptor) }
    case .lookingUp(let lookup):
      switch lookup.result {
      case nil: break
      case .success(let addresses)?: connect(index, addresses[...], now)
      case .failure(let failure)?: fail(index, failure)
      }
    case .openingNode(let opening):
      switch opening.result {
      case nil: break
      case .success(let descriptor)?: startBus(index, raiseDescriptor(descriptor), .hid)
      case .failure(let failure)?: fail(index, failure)
      }
    case .connecting(let descriptor, let until, let others): finishConnect(index, descriptor, until, others, now)
    case .ending(let bus, let thread, let since, let until):
      if bus.hasEnded {
        thread.join()
        wait(index, openSince: since)
      } else if until <= now {
        abandoned.append((index, bus, thread))
        wait(index, openSince: since)
      }
    case .open, .carried: break
    }
  }

  private mutating func begin(_ index: Int, _ now: Instant) {
    ports[index].appeared = false
    switch ports[index].settings.link {
    case .serial(let place, let line):
      guard let path = find(index, place), let descriptor = openLine(index, path, line) else { return }
      settle(index, descriptor, line)
    case .modbusRTU(let place, let line):
      guard let path = find(index, place), let descriptor = openLine(index, path, line) else { return }
      settle(index, descriptor, line)
    case .hid(let match, let size): openHID(index, match, size)
    case .modbusTCP(let host, let port):
      switch Address.resolve(host: host, port: port, numericOnly: true) {
      case .success(let addresses): connect(index, addresses[...], now)
      case .failure: ports[index].stage = .lookingUp(Lookup(host: host, port: port, done: link.ordered))
      }
    }
  }

  private mutating func settle(_ index: Int, _ descriptor: Int32, _ line: Line) {
    guard line.settle > .zero else { return settled(index, descriptor) }
    ports[index].stage = .settling(descriptor, until: bootClock() + line.settle)
  }

  /// The line is ours to use; what it said while it was left alone is nobody's.
  private mutating func settled(_ index: Int, _ descriptor: Int32) {
    tcflush(descriptor, TCIFLUSH)
    switch ports[index].settings.link {
    case .modbusRTU(_, let line): startBus(index, lowerDescriptor(descriptor), .modbus(line))
    case .serial, .modbusTCP, .hid:
      let raised = raiseDescriptor(descriptor)
      ports[index].stage = .open(raised, since: bootClock())
      handOver(index, descriptor: raised)
    }
  }

  /// The path of a serial line; `nil`: it is not there, and that was told.
  private mutating func find(_ index: Int, _ place: PortPlace) -> String? {
    switch place {
    case .path(let path):
      watch.await(path, for: index)
      return path
    case .usb(let match): return find(index, match, .serial)
    }
  }

  private mutating func find(
    _ index: Int, _ match: USBMatch, _ kind: PluggedDevice.Kind, usesLastNode: Bool = true
  ) -> String? {
    guard let udev else {
      fail(index, OpenFailure(failure: .notFound, code: ENOSYS, explanation: "\(match.text): libudev does not answer."))
      return nil
    }
    switch udev.find(match, kind, usesLastNode: usesLastNode) {
    case .node(let path): return path
    case .missing: fail(index, OpenFailure(failure: .notFound, code: ENODEV, explanation: "\(match.text) is not plugged in."))
    case .ambiguous(let why): fail(index, OpenFailure(failure: .ambiguous, code: ENOTUNIQ, explanation: why))
    }
    return nil
  }

  private mutating func openHID(_ index: Int, _ match: USBMatch, _ size: HIDReports) {
    guard let path = find(index, match, .hid, usesLastNode: size.usesLastNode) else { return }
    guard !isAbandoned(index) else { return fail(index, stuck(path)) }
    ports[index].stage = .openingNode(NodeOpening(path, size, done: link.ordered))
  }

  private mutating func openLine(_ index: Int, _ path: String, _ line: Line) -> Int32? {
    do {
      return try SerialLine.open(path, line)
    } catch {
      fail(index, error.failure == .busy && isAbandoned(index) ? stuck(path) : error)
      return nil
    }
  }

  /// A thread of ours still hangs in the kernel with this port.
  private func isAbandoned(_ index: Int) -> Bool { abandoned.contains { $0.port == index } }

  private func stuck(_ path: String) -> OpenFailure {
    OpenFailure(failure: .stuck, code: EBUSY, explanation: "\(path) is still held by a thread of ours that hangs in the kernel.")
  }

  private mutating func startBus(_ index: Int, _ descriptor: Int32, _ way: BusWay) {
    guard descriptor >= 0 else {
      return fail(
        index, OpenFailure(failure: .ioError, code: EMFILE, explanation: "No descriptor below 1024 is free for libmodbus."))
    }
    do {
      let bus = try Bus(
        descriptor: descriptor, way: way, options: busOptions, answered: link.opened, finished: link.ordered)
      guard let thread = RunningThread("bus \(index)", { bus.run() }) else {
        throw PortsFailure(description: "No thread for a bus.")
      }
      ports[index].stage = .carried(bus, thread, since: bootClock())
      // Reports are read by the real-time thread; only what may block is the bus's.
      var readable: Int32 = -1
      if case .hid = way { readable = descriptor }
      handOver(index, descriptor: readable, bus: unsafe UInt(bitPattern: Unmanaged.passUnretained(bus).toOpaque()))
    } catch {
      SerialLine.release(descriptor)
      fail(index, OpenFailure(failure: .ioError, code: EAGAIN, explanation: "\(error)"))
    }
  }

  /// To the first address that takes a connection: a name often has an IPv6 address that nobody listens on.
  private mutating func connect(_ index: Int, _ addresses: ArraySlice<Address>, _ now: Instant) {
    var failure = Connection.failed(EADDRNOTAVAIL)
    var others = addresses
    while let address = others.popFirst() {
      do {
        let descriptor = try Connection.begin(address)
        ports[index].stage = .connecting(descriptor, until: now + Self.connectMax, others: others)
        return
      } catch {
        failure = error
      }
    }
    fail(index, failure)
  }

  private mutating func finishConnect(
    _ index: Int, _ descriptor: Int32, _ until: Instant, _ others: ArraySlice<Address>, _ now: Instant
  ) {
    var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    let done = unsafe poll(&wait, 1, 0) > 0
    guard done || until <= now else { return }
    let code = done ? Connection.outcome(descriptor) : ETIMEDOUT
    guard code == 0 else {
      close(descriptor)
      return others.isEmpty ? fail(index, Connection.failed(code)) : connect(index, others, now)
    }
    ports[index].stage = .open(descriptor, since: now)
    handOver(index, descriptor: descriptor)
  }

  /// Tells the real-time thread, which takes it from there.
  private mutating func handOver(_ index: Int, descriptor: Int32 = -1, bus: UInt = 0) {
    ports[index].generation.number &+= 1
    ports[index].outageTold = false
    ports[index].told = nil
    // There is always room: see `KeeperLink`.
    _ = link.openings.push(
      Opening(
        port: PortID(index), generation: ports[index].generation, failure: nil, descriptor: descriptor, bus: bus))
    link.opened.ring()
    tell(index, nil, 0, "")
  }

  // MARK: Failing and closing

  /// Tells the first failure of an outage, and later ones that a person has to act upon.
  private mutating func fail(_ index: Int, _ failure: OpenFailure) {
    let due = ports[index].backOff.next(after: bootClock())
    ports[index].stage = .waiting(until: ports[index].appeared ? .past : due)
    if ports[index].told != failure.failure {
      ports[index].told = failure.failure
      tell(index, failure.failure, failure.code, failure.explanation)
      let forPeople = failure.failure == .denied || failure.failure == .busy || failure.failure == .ambiguous
      if !ports[index].outageTold || forPeople, link.openings.count < link.capacity / 2 {
        ports[index].outageTold = true
        _ = link.openings.push(
          Opening(
            port: PortID(index), generation: ports[index].generation, failure: failure.failure, code: failure.code))
        link.opened.ring()
      }
    }
  }

  private func tell(_ index: Int, _ failure: PortFailure?, _ code: Int32, _ explanation: String) {
    notice(
      PortNotice(
        port: PortID(index), name: ports[index].settings.name, failure: failure, errno: code, explanation: explanation))
  }

  /// The real-time thread has let go of a port and has told its loss.
  private mutating func takeBack(_ index: Int) {
    ports[index].outageTold = true
    switch ports[index].stage {
    case .open(let descriptor, let since):
      release(index, descriptor)
      wait(index, openSince: since)
    case .carried(let bus, let thread, let since):
      bus.stop()
      ports[index].stage = .ending(bus, thread, since: since, until: bootClock() + busOptions.endMax)
    case .waiting, .lookingUp, .openingNode, .connecting, .settling, .ending: break
    }
  }

  private mutating func wait(_ index: Int, openSince since: Instant) {
    let now = bootClock()
    ports[index].backOff.wasOpen(for: now - since)
    let due = ports[index].backOff.next(after: now)
    ports[index].stage = .waiting(until: ports[index].appeared ? .past : due)
  }

  private func release(_ index: Int, _ descriptor: Int32) {
    if case .modbusTCP = ports[index].settings.link { close(descriptor) } else { SerialLine.release(descriptor) }
  }

  /// Threads that came back from the kernel after all.
  private mutating func reap() {
    abandoned.removeAll { entry in
      guard entry.bus.hasEnded else { return false }
      entry.thread.join()
      return true
    }
  }

  /// Ends all threads, waiting for each exchange under way, and closes all descriptors.
  private mutating func closeAll() {
    let deadline = bootClock() + busOptions.endMax
    for index in ports.indices {
      switch ports[index].stage {
      case .open(let descriptor, _), .settling(let descriptor, _): release(index, descriptor)
      case .connecting(let descriptor, _, _): close(descriptor)
      case .carried(let bus, let thread, _):
        bus.stop()
        abandoned.append((index, bus, thread))
      case .ending(let bus, let thread, _, _): abandoned.append((index, bus, thread))
      case .openingNode(let opening): opening.abandon()
      case .waiting, .lookingUp: break
      }
    }
    reap()
    while !abandoned.isEmpty, bootClock() < deadline {
      var wait = pollfd(fd: link.ordered.descriptor, events: Int16(POLLIN), revents: 0)
      _ = unsafe poll(&wait, 1, milliseconds(from: bootClock(), to: deadline))
      link.ordered.drain()
      reap()
    }
    for entry in abandoned { entry.thread.detach() }
    close(watch.descriptor)
  }
}

extension Link {
  /// Whether udev says where it is.
  fileprivate var isFoundOnUSB: Bool {
    switch self {
    case .serial(.usb, _), .modbusRTU(.usb, _), .hid: true
    case .serial(.path, _), .modbusRTU(.path, _), .modbusTCP: false
    }
  }
}
