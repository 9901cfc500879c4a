// A pipeline on one thread, as in the door: its events go over a ring to a second thread, which sends commands back over
// another and takes snapshots out of an exchange. The first thread rings a bell and the second sleeps on it.

import Domain
import Glibc
import Pipeline
import Rings
import SampleSite

/// What lies between the two threads; each ring has one producer.
private struct Wires: Sendable {
  let events = SharedRing<Event>(capacity: 256)
  let commands = SharedRing<Command>(capacity: 16)
  let snapshots: Exchange
  let bell: Bell
  let site: SampleSite
}

/// A snapshot in its buffer: the counter of its last event, a sum over the state, the state.
private let headSize = 16

private func sum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
  unsafe bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

/// The thread that decides: waits for nobody but this test's second thread, when the ring of events is full.
private struct Deciding: ~Copyable {
  let wires: Wires
  var pipeline: Pipeline
  var world: World
  let snapshot: Table<UInt8>

  init(_ wires: Wires) {
    self.wires = wires
    pipeline = Pipeline(wires.site.settings)
    world = World(wires.site, seed: 23)
    snapshot = Table(capacity: pipeline.snapshotSize, filledWith: 0)
  }

  mutating func run(turns: Int) {
    var last = Now(boot: .past, wall: 0)
    for _ in 0..<turns {
      let (now, stimulus) = world.next(before: pipeline.nextDeadline)
      last = now
      pipeline.turn(now, stimulus)
      carryOut()
      while var command = wires.commands.pop() {
        command.issued = now.boot
        pipeline.turn(now, .command(command))
        carryOut()
      }
      handOverSnapshot(now)
      wires.bell.ring()
    }
    for input in [Input.stopping, .stopped] {
      pipeline.turn(last, input)
      carryOut()
    }
    wires.bell.ring()
  }

  private mutating func carryOut() {
    for index in 0..<pipeline.outbox.count {
      guard case .event(let event) = pipeline.outbox.outputs[index] else { continue }
      while !publish(event) { wait() }
    }
    world.see(pipeline.outbox)
  }

  private func publish(_ event: Event) -> Bool { wires.events.push(event) }

  private func wait() {
    wires.bell.ring()
    sched_yield()
  }

  private mutating func handOverSnapshot(_ now: Now) {
    guard pipeline.snapshotDue, wires.snapshots.hasRoom else { return }
    let last = pipeline.lastEvent
    pipeline.copySnapshot(to: snapshot, now)
    // Safe: the table and the buffer live through the call, and the buffer was sized for it.
    unsafe snapshot.withUnsafeBuffer { state in
      let bytes = UnsafeRawBufferPointer(state)
      _ = unsafe wires.snapshots.hand { buffer in
        unsafe buffer.storeBytes(of: last, as: UInt64.self)
        unsafe buffer.storeBytes(of: sum(bytes), toByteOffset: 8, as: UInt64.self)
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[headSize...]).copyMemory(from: bytes)
      }
    }
  }
}

/// Carries the deciding side to its thread. Safe: made by one thread, used by the other only.
private final class Box: @unchecked Sendable {
  private var deciding: Deciding
  init(_ deciding: consuming Deciding) { self.deciding = deciding }
  func run(turns: Int) { deciding.run(turns: turns) }
}

/// Runs both sides. Returns what went across.
func checkPipeline(turns: Int) -> String {
  guard let bell = Bell() else { fail("no descriptor is left") }
  let site = SampleSite(lanes: 4, boards: 2, probes: 5)
  let size = Pipeline(site.settings).snapshotSize
  let wires = Wires(snapshots: Exchange(buffers: 3, size: headSize + size), bell: bell, site: site)
  let box = Box(Deciding(wires))
  var reading = Reading(wires)
  withSecondThread({ box.run(turns: turns) }) {
    while !reading.isOver {
      wires.bell.wait(milliseconds: 1000)
      reading.takeAll()
    }
  }
  let told = "\(reading.events) events without a gap, \(reading.snapshots) whole snapshots, \(reading.answers) of \(reading.asked) commands"
  if reading.snapshots < 100 || reading.answers < 100 { fail("a dull day: \(told)") }
  // What was asked while the last turns ran stays in the ring.
  if reading.asked - reading.answers > 16 { fail("commands were lost: \(told)") }
  return "\(turns) turns sent \(told)"
}

/// The thread that logs, asks and checks.
private struct Reading {
  let wires: Wires
  var events: UInt64 = 0
  var snapshots = 0
  var asked: UInt64 = 0
  var answers: UInt64 = 0
  var isOver = false
  private var lastSnapshot: UInt64 = 0

  init(_ wires: Wires) { self.wires = wires }

  mutating func takeAll() {
    while let event = wires.events.pop() {
      events += 1
      if event.counter != events { fail("event \(event.counter) came where \(events) was due") }
      look(at: event)
    }
    while let snapshot = takeSnapshot() {
      if !snapshot.isWhole { fail("the snapshot after event \(snapshot.last) is torn") }
      if snapshot.last < lastSnapshot { fail("a snapshot is older than the one before it") }
      lastSnapshot = snapshot.last
      snapshots += 1
    }
  }

  private func takeSnapshot() -> (last: UInt64, isWhole: Bool)? {
    unsafe wires.snapshots.take { buffer in
      let last = unsafe buffer.load(as: UInt64.self)
      let wanted = unsafe buffer.load(fromByteOffset: 8, as: UInt64.self)
      return (last, unsafe sum(UnsafeRawBufferPointer(rebasing: buffer[headSize...])) == wanted)
    }
  }

  /// To every screening that begins we send a command; its answer must come back, in order and whole.
  private mutating func look(at event: Event) {
    switch event.body {
    case .screeningBegan:
      let command = Command(
        id: CommandID(high: 99, low: asked + 1), action: .overrideLane(LaneID(Int(asked % 4))), issued: .past,
        goodFor: .seconds(3), origin: .console, actor: Text("race") ?? Text(), claimed: Text("somebody") ?? Text(),
        why: Text("to see it come back") ?? Text())
      if wires.commands.push(command) { asked += 1 }
    case .commandAnswered(let command, _) where command.id.high == 99:
      answers += 1
      if command.id.low != answers { fail("answer \(command.id.low) came where \(answers) was due") }
      if command.why.string != "to see it come back" { fail("command \(command.id.low) is torn") }
    case .systemStopping: isOver = true
    default: break
    }
  }
}
