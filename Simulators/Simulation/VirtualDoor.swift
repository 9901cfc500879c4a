// One run of the door in virtual time: what the real-time thread does between its waits, with simulated ports.

import Domain
import Devices
import EventLog
import Pipeline
import Rings
import Settings

/// From a start to the next stop or kill.
final class VirtualDoor {
  private var pipeline: Pipeline
  private var ports: [VirtualPort]
  private let state: Table<UInt8>
  let log: VirtualLog
  private let trace: Trace
  private let names: [String]
  private var events: [Event] = []
  private var lostTelemetry: UInt64 = 0
  private var lostRecords: UInt64 = 0
  private var lostSends: UInt64 = 0
  private var answer: Answer?
  private var handed: [WireAccount]

  /// The boot clock shows this when the world begins: no timer may ever be counted from zero.
  static var boot: Interval { .seconds(1_000) }

  init(_ plan: PipelineSettings, _ settings: Settings, folder: String, trace: Trace, chance: inout Chance) {
    self.trace = trace
    names = settings.names.ports
    pipeline = Pipeline(plan)
    ports = settings.ports.map { VirtualPort($0.link) }
    handed = settings.ports.map { _ in WireAccount() }
    state = Table(capacity: pipeline.snapshotSize, filledWith: 0)
    log = VirtualLog(
      folder: folder, segmentBytes: settings.log.segmentMB << 20, layout: pipeline.snapshotLayout, snapshotSize: pipeline.snapshotSize,
      names: settings.names, chance: &chance)
  }

  /// The world's time of the next thing to do.
  var nextDeadline: Instant {
    var next = pipeline.nextDeadline
    for port in ports { next = min(next, port.nextDeadline) }
    next = min(next, log.nextDeadline)
    return next == .never ? .never : Instant(ns: next.ns &- Self.boot.ns)
  }

  // MARK: Life

  func start(_ world: inout World, _ now: Now) throws {
    let earlier = try log.resume(now)
    if let snapshot = earlier.snapshot, snapshot.state.count == state.capacity {
      for (index, byte) in snapshot.state.enumerated() { state[index] = byte }
      pipeline.restore(from: state, shift: snapshot.shift(to: now), now)
      carryOut(&world, now)
    }
    let down = earlier.lastRecord.map { max(0, (now.wall - $0) / 1_000_000_000) } ?? 0
    tell(.started(restored: earlier.snapshot != nil, downSeconds: down), &world, now)
    for bus in ports.indices where world.plugged[bus] { open(bus, &world, now) }
    for bus in ports.indices where !world.plugged[bus] { tell(.portLost(PortID(bus), Generation(0), .notFound, errno: 2), &world, now) }
  }

  func stop(_ world: inout World, present: (Instant) -> Now) {
    tell(.stopping, &world, present(world.now))
    let giveUpAt = world.now + .seconds(1)
    while pipeline.hasOrders, world.now < giveUpAt {
      world.advance(to: max(min(min(nextDeadline, world.nextDeadline), giveUpAt), world.now))
      let now = present(world.now)
      for delivery in world.takeDue(at: world.now) { deliver(delivery, &world, now) }
      attend(&world, now)
    }
    tell(.stopped, &world, present(world.now))
    handOverSnapshot(present(world.now))
  }

  /// What happened since the last call.
  func takeEvents() -> [Event] {
    if events.isEmpty { return [] }
    defer { events.removeAll(keepingCapacity: true) }
    return events
  }

  /// What became of the bytes of each bus.
  var accounts: [WireAccount] {
    handed.indices.map { bus in
      var account = handed[bus]
      let counted = pipeline.counters(of: PortID(bus))
      (account.taken, account.dropped, account.waiting) = (counted.bytesTaken, counted.bytesDropped, counted.bytesWaiting)
      return account
    }
  }

  // MARK: Turns

  func deliver(_ delivery: Delivery, _ world: inout World, _ now: Now) {
    trace.note(names[delivery.bus], "->", delivery.bytes, at: world.now)
    let arrival = ports[delivery.bus].take(delivery, at: now.boot)
    carry(arrival, bus: delivery.bus, &world, now)
  }

  /// Everything that is due by itself.
  func attend(_ world: inout World, _ now: Now) {
    for bus in ports.indices where ports[bus].nextDeadline <= now.boot {
      if ports[bus].opensAt <= now.boot {
        if world.plugged[bus] { open(bus, &world, now) } else { ports[bus].opensAt = now.boot + VirtualPort.look }
      }
      let arrival = ports[bus].expire(at: now.boot)
      carry(arrival, bus: bus, &world, now)
    }
    if pipeline.nextDeadline <= now.boot { tell(.tick, &world, now) }
    tellLosses(&world, now)
    handOverSnapshot(now)
  }

  func tell(_ input: Input, _ world: inout World, _ now: Now) {
    pipeline.turn(now, input)
    carryOut(&world, now)
  }

  func obey(_ command: Command, _ world: inout World, _ now: Now) -> Answer? {
    answer = nil
    tell(.command(command), &world, now)
    handOverSnapshot(now)
    return answer
  }

  func replugged(_ bus: Int, isPlugged: Bool, _ world: inout World, _ now: Now) {
    if isPlugged { return ports[bus].opensAt = now.boot + VirtualPort.look }
    lose(bus, .hungUp, errno: 5, &world, now)
  }

  private func open(_ bus: Int, _ world: inout World, _ now: Now) {
    let isAccepted = !ports[bus].isTCP || world.accepts(bus: bus, at: world.now)
    ports[bus].open(at: now.boot)
    tell(.portOpened(PortID(bus), ports[bus].generation), &world, now)
    if !isAccepted { hangUp(bus, &world, now) }
  }

  private func hangUp(_ bus: Int, _ world: inout World, _ now: Now) {
    guard ports[bus].isOpen else { return }
    lose(bus, .hungUp, errno: 104, &world, now)
    ports[bus].tryAgain(at: now.boot)
  }

  private func lose(_ bus: Int, _ failure: PortFailure, errno: Int32, _ world: inout World, _ now: Now) {
    guard ports[bus].isOpen else { return }
    ports[bus].close()
    world.forget(bus: bus, connection: ports[bus].connection)
    tell(.portLost(PortID(bus), ports[bus].generation, failure, errno: errno), &world, now)
  }

  private func carry(_ arrival: VirtualArrival?, bus: Int, _ world: inout World, _ now: Now) {
    guard let arrival else { return }
    let port = PortID(bus), generation = ports[bus].generation
    switch arrival {
    case .bytes(let bytes, let proper):
      handed[bus].handed += UInt64(bytes.count)
      handed[bus].proper += UInt64(proper)
      pipeline.turn(now, bytes: bytes.span, from: port, generation)
      carryOut(&world, now)
    case .failed(let failure): tell(.requestFailed(port, generation, failure), &world, now)
    case .late(let unit): tell(.lateReply(port, generation, unit: unit), &world, now)
    }
    send(bus, &world, now)
  }

  private func carryOut(_ world: inout World, _ now: Now) {
    var asked: [Int] = []
    for index in 0..<pipeline.outbox.count {
      switch pipeline.outbox.outputs[index] {
      case .event(let event):
        if case .commandAnswered(_, let given) = event.body { answer = given }
        events.append(event)
        if log.push(event) { continue }
        if event.body.stream == .records { lostRecords &+= 1 } else { lostTelemetry &+= 1 }
      case .reopen(let port, let generation):
        let bus = Int(port.index)
        guard ports[bus].isOpen, ports[bus].generation == generation else { continue }
        ports[bus].close()
        ports[bus].opensAt = now.boot + VirtualPort.look
        world.forget(bus: bus, connection: ports[bus].connection)
      case .send(let send):
        let bus = Int(send.port.index)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(send.count))
        for place in 0..<Int(send.count) { bytes.append(pipeline.outbox.bytes[Int(send.offset) + place]) }
        if ports[bus].queue(bytes, send) { asked.append(bus) }
      }
    }
    lostTelemetry &+= UInt64(pipeline.outbox.lostTelemetry)
    lostRecords &+= UInt64(pipeline.outbox.lostRecords)
    lostSends &+= UInt64(pipeline.outbox.lostSends)
    for bus in asked { send(bus, &world, now) }
  }

  /// What a port has to send and may send now. Answers come with a later step, also those that come at once.
  private func send(_ bus: Int, _ world: inout World, _ now: Now) {
    while let bytes = ports[bus].next(at: now.boot) {
      trace.note(names[bus], "<-", bytes, at: world.now)
      if world.receive(bytes, bus: bus, connection: ports[bus].connection, at: world.now) { continue }
      // The far end hangs up, on nonsense or as its fault is.
      hangUp(bus, &world, now)
    }
  }

  private func tellLosses(_ world: inout World, _ now: Now) {
    let telemetry = lostTelemetry, records = lostRecords, sends = lostSends
    lostTelemetry = 0
    lostRecords = 0
    lostSends = 0
    if telemetry > 0 { tell(.lost(.telemetry, count: telemetry), &world, now) }
    if records > 0 { tell(.lost(.records, count: records), &world, now) }
    if sends > 0 { tell(.lost(.sends, count: sends), &world, now) }
    while let report = log.takeReport() { tell(report, &world, now) }
  }

  private func handOverSnapshot(_ now: Now) {
    guard pipeline.snapshotDue, log.hasRoom else { return }
    let last = pipeline.lastEvent
    pipeline.copySnapshot(to: state, now)
    log.hand(state, lastEvent: last, now)
  }
}

/// The bytes of one bus in one run of the door: what it was handed, and what it says became of them.
struct WireAccount: Equatable {
  var handed: UInt64 = 0
  /// Of these, bytes of messages as their devices meant them.
  var proper: UInt64 = 0
  var taken: UInt64 = 0
  var dropped: UInt64 = 0
  var waiting: UInt64 = 0

  var spoiled: UInt64 { handed - proper }
}
