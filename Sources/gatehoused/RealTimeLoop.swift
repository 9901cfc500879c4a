// The loop: the only place where Ports and Pipeline meet. Wait, read, turn, write, ring the bells, sleep until the next
// deadline the pipeline named. It never waits for the disk, the sockets, the keeper or a bus.

import Domain
import EventLog
import Glibc
import Pipeline
import Ports
import Recorder
import Rings
import Synchronization

/// What other threads tell the real-time thread, beside commands. Each ring has one producer.
struct Inputs: Sendable {
  /// Produced by the sockets' thread.
  let commands: SharedRing<Command>
  /// Produced by the intake thread: the log's condition.
  let reports: SharedRing<Input>
  /// Rung by all of them.
  let bell: Bell
  /// Set to end the loop.
  let stop: SharedFlag
}

/// What the real-time thread tells other threads.
struct Results: Sendable {
  let events: SharedRing<Event>
  /// Wakes the intake thread.
  let bell: Bell
  let snapshots: Exchange
  let status: StatusBoard
  /// Some board did not carry out what the door ordered at its end.
  let leftUndone = SharedFlag(false)
}

/// Runs the pipeline on the calling thread until told to stop.
struct RealTimeLoop: ~Copyable {
  private var ports: Ports
  private var pipeline: Pipeline
  private var tap: RecorderTap
  private let clock: Clock
  private let inputs: Inputs
  private let results: Results
  private var decision = Latency()
  private var gate = Latency()
  private var lostTelemetry: UInt64 = 0
  private var lostRecords: UInt64 = 0
  private var lostSends: UInt64 = 0
  private var published = false
  private var lastWall: Int64 = 0
  private var lastBoot = Instant.past
  private var askedKernel = Instant.past

  /// Telemetry leaves this many slots of the ring of events to records.
  private let reservedForRecords = 1024
  /// Where the pipeline copies its state, on the way to the log.
  private let snapshot: Table<UInt8>
  /// A wall clock that moved this far against the boot clock was stepped.
  private let step = Interval.milliseconds(500)

  init(
    ports: consuming Ports, pipeline: consuming Pipeline, tap: consuming RecorderTap, clock: Clock, inputs: Inputs, results: Results
  ) {
    self.ports = ports
    self.pipeline = pipeline
    self.tap = tap
    self.clock = clock
    self.inputs = inputs
    self.results = results
    snapshot = Table(capacity: self.pipeline.snapshotSize, filledWith: 0)
  }

  /// Takes over what the log tells of the site, before the first turn.
  mutating func recall(_ fact: SiteFact) { pipeline.recall(fact, clock.now()) }

  /// Takes over the state of an earlier run before the first turn.
  mutating func restore(_ earlier: Snapshot) {
    guard earlier.state.count == snapshot.capacity else { return }
    for (index, byte) in earlier.state.enumerated() { snapshot[index] = byte }
    let now = clock.now()
    pipeline.restore(from: snapshot, shift: earlier.shift(to: now), now)
    carryOut(since: now.boot)
  }

  /// Ends after the stop flag was set and the bell rung: the last turn's events are published, the ports closed.
  consuming func run(restored: Bool, downSeconds: Int64) {
    ports.watch(inputs.bell.descriptor, token: 0)
    turn(.started(restored: restored, downSeconds: downSeconds))
    handOverSnapshot()
    ring()
    while !inputs.stop.isSet {
      ports.wait(until: nextLook)
      while let arrival = ports.next() { take(arrival) }
      takeMail()
      if Clock.boot() >= pipeline.nextDeadline { turn(.tick) }
      tellLosses()
      handOverSnapshot()
      answerStatus()
      ring()
    }
    turn(.stopping)
    finishOrders()
    turn(.stopped)
    if pipeline.failedLastOrders > 0 { results.leftUndone.set(true) }
    handOverSnapshot()
    ring()
    ports.close()
  }

  /// Gates and lamps are left as they shall be without a door; a board that does not answer does not hold us.
  private mutating func finishOrders() {
    let giveUpAt = Clock.boot() + .seconds(1)
    while pipeline.hasOrders, Clock.boot() < giveUpAt {
      ports.wait(until: min(pipeline.nextDeadline, giveUpAt))
      while let arrival = ports.next() { take(arrival) }
      if Clock.boot() >= pipeline.nextDeadline { turn(.tick) }
      ring()
    }
  }

  /// A snapshot that found no empty buffer is tried again soon: records wait for it on their way to the disk.
  private var nextLook: Instant {
    pipeline.snapshotDue ? min(pipeline.nextDeadline, Clock.boot() + .milliseconds(5)) : pipeline.nextDeadline
  }

  private mutating func take(_ arrival: Arrival) {
    switch arrival {
    case .bytes(let port, let generation):
      let came = ports.receivedAt
      let now = reading()
      Self.record(&tap, ports, now, port, generation)
      Self.decode(&pipeline, ports, now, port, generation)
      decision.record(Clock.boot() - came)
      carryOut(since: came)
    case .opened(let port, let generation):
      tap.opened(port, generation, at: Clock.boot())
      turn(.portOpened(port, generation))
    case .lost(let port, let generation, let failure, let errno):
      tap.lost(port, generation, failure, errno: errno, at: Clock.boot())
      turn(.portLost(port, generation, failure, errno: errno))
    case .requestFailed(let port, let generation, let failure):
      Self.record(&tap, ports, failure, port, generation)
      turn(.requestFailed(port, generation, failure))
    case .late(let port, let generation):
      let unit = Self.recordLate(&tap, ports, port, generation)
      turn(.lateReply(port, generation, unit: unit))
    case .signalled: break
    }
  }

  // The bytes of one side are borrowed while the other is changed: two parameters, since both are parts of `self`.

  private static func decode(
    _ pipeline: inout Pipeline, _ ports: borrowing Ports, _ now: Now, _ port: PortID, _ generation: Generation
  ) {
    pipeline.turn(now, bytes: ports.received, from: port, generation)
  }

  /// The unit that it is from.
  private static func recordLate(_ tap: inout RecorderTap, _ ports: borrowing Ports, _ port: PortID, _ generation: Generation) -> UInt8 {
    tap.late(ports.received, port, generation, at: ports.receivedAt)
    return ports.received.isEmpty ? 0 : ports.received[0]
  }

  private static func record(
    _ tap: inout RecorderTap, _ ports: borrowing Ports, _ now: Now, _ port: PortID, _ generation: Generation
  ) {
    tap.received(ports.received, from: port, generation, at: now.boot)
  }

  private static func record(
    _ tap: inout RecorderTap, _ ports: borrowing Ports, _ failure: RequestFailure, _ port: PortID, _ generation: Generation
  ) {
    tap.failed(ports.received, port, generation, failure, at: Clock.boot())
  }

  private static func write(_ send: Send, _ pipeline: borrowing Pipeline, _ ports: inout Ports, _ tap: inout RecorderTap) {
    let bytes = pipeline.outbox.bytes.span
    guard ports.send(send, from: bytes) else { return }
    let start = Int(send.offset)
    tap.sent(bytes.extracting(start..<start + Int(send.count)), to: send.port, send.generation, at: Clock.boot())
  }

  private mutating func takeMail() {
    while let command = inputs.commands.pop() { turn(.command(command)) }
    while let report = inputs.reports.pop() { turn(report) }
  }

  private mutating func turn(_ input: Input) {
    let now = reading()
    pipeline.turn(now, input)
    carryOut(since: now.boot)
  }

  /// The time of this turn. A wall clock that was stepped is told first: it is a label only, but the log must say so.
  private mutating func reading() -> Now {
    let now = clock.now()
    if lastBoot > .past {
      let drift = (now.wall &- lastWall) &- (now.boot - lastBoot).ns
      if abs(drift) > step.ns {
        pipeline.turn(now, .clockStepped(byNanoseconds: drift))
        carryOut(since: now.boot)
      }
    }
    lastWall = now.wall
    lastBoot = now.boot
    if now.boot - askedKernel >= .minutes(1) {
      clock.askKernel()
      askedKernel = now.boot
    }
    return now
  }

  /// Does what the turn asked for: writes first as they come, events to the ring.
  private mutating func carryOut(since came: Instant) {
    for index in 0..<pipeline.outbox.count {
      switch pipeline.outbox.outputs[index] {
      case .send(let send):
        Self.write(send, pipeline, &ports, &tap)
        if case .actuator = send.urgency { gate.record(Clock.boot() - came) }
      case .event(let event):
        tap.saw(event)
        publish(event)
      case .reopen(let port, let generation): ports.reopen(port, generation)
      }
    }
    lostTelemetry &+= UInt64(pipeline.outbox.lostTelemetry)
    lostRecords &+= UInt64(pipeline.outbox.lostRecords)
    lostSends &+= UInt64(pipeline.outbox.lostSends)
  }

  private mutating func publish(_ event: Event) {
    let isRecord = event.body.stream == .records
    let room = isRecord || results.events.count < results.events.capacity - reservedForRecords
    if room && results.events.push(event) {
      published = true
    } else if isRecord {
      lostRecords &+= 1
    } else {
      lostTelemetry &+= 1
    }
  }

  /// What found no room is itself an event, as soon as there is room again.
  private mutating func tellLosses() {
    guard lostTelemetry > 0 || lostRecords > 0 || lostSends > 0, results.events.count < results.events.capacity / 2 else { return }
    let telemetry = lostTelemetry
    let records = lostRecords
    let sends = lostSends
    lostTelemetry = 0
    lostRecords = 0
    lostSends = 0
    if telemetry > 0 { turn(.lost(.telemetry, count: telemetry)) }
    if records > 0 { turn(.lost(.records, count: records)) }
    if sends > 0 { turn(.lost(.sends, count: sends)) }
  }

  private mutating func ring() {
    guard published else { return }
    published = false
    results.bell.ring()
  }

  /// Copies the state for the log, if it is due and a buffer is free; if none is, the next wake-up tries again.
  private mutating func handOverSnapshot() {
    guard pipeline.snapshotDue, results.snapshots.hasRoom else { return }
    let now = clock.now()
    let layout = pipeline.snapshotLayout
    let last = pipeline.lastEvent
    pipeline.copySnapshot(to: snapshot, now)
    // Safe: the table and the buffer live through the call, and both have been sized for it.
    unsafe snapshot.withUnsafeBuffer { state in
      published = unsafe results.snapshots.hand { buffer in
        unsafe Snapshot.write(
          layout: layout, lastEvent: last, boot: now.boot, wall: now.wall, state: UnsafeRawBufferPointer(state), to: buffer)
      } || published
    }
  }

  private mutating func answerStatus() {
    guard results.status.isAsked else { return }
    results.status.fill(from: pipeline, ports, decision, gate, clock.now())
  }
}
