// One door in virtual time: a thermometer's bytes in, a relay board's bytes out and back. Nothing of the pipeline is
// replaced; only wires and clock are the test's.

import Domain
import Pipeline
import Rules
import SampleSite

/// What left the door for its board.
enum BoardOrder: Equatable {
  /// Relay (from 1) on for this many tenths of a second, ended by the board.
  case pulse(Int, Int)
  case set(Int, Bool)
}

struct DoorInVirtualTime: ~Copyable {
  var pipeline: Pipeline
  private let settings: PipelineSettings
  private var now = Now(boot: Instant(ns: 1_000_000_000), wall: 1_750_000_000_000_000_000, utcOffset: 28_800)
  private(set) var events: [Event] = []
  private(set) var orders: [BoardOrder] = []
  /// degC, and what the thermometer says of its own.
  var skin = 22.0
  /// By how much the wall clock was set, ns.
  var wallShift: Int64 = 0
  var boardAnswers = true
  /// It answers each order with an exception, and does not carry it out.
  var boardRefuses = false
  /// Relays that take orders and never switch, a bit each.
  var deadRelays: UInt8 = 0
  private var coils: UInt8 = 0
  private var coilOff = [Instant](repeating: .never, count: 8)
  var inputs: UInt8 = 0
  private var nextFrame: Instant

  private let thermometer = PortID(0)
  private let board = PortID(1)
  /// Of the board's port; the thermometer's is the first.
  var generation = Generation(1)

  init(opensOnFailure: Bool = false, _ change: (inout PipelineSettings) -> Void = { _ in }) {
    var site = SampleSite(lanes: 1, boards: 1, probes: 0).settings
    site.lanes[0].settings.opensOnFailure = opensOnFailure
    site.lanes[0].settings.policy.rest = .zero
    site.lanes[0].settings.policy.coldWait = .zero
    change(&site)
    settings = site
    pipeline = Pipeline(settings)
    nextFrame = now.boot
    begin()
  }

  private mutating func begin() {
    tell(.started(restored: false, downSeconds: 0))
    tell(.portOpened(thermometer, generation))
    tell(.portOpened(board, generation))
  }

  /// As the door does it: the state to bytes, a new run, the bytes to its state.
  mutating func restart(downFor seconds: Int64 = 0) {
    let bytes = Table<UInt8>(capacity: pipeline.snapshotSize, filledWith: 0)
    pipeline.copySnapshot(to: bytes, now)
    now.boot = now.boot + .seconds(seconds)
    now.wall += seconds * 1_000_000_000
    pipeline = Pipeline(settings)
    pipeline.restore(from: bytes, shift: .zero, now)
    takeOutbox()
    begin()
  }

  mutating func tell(_ input: Input) {
    pipeline.turn(now, input)
    takeOutbox()
  }

  mutating func command(_ action: Action, issuedAgo: Interval = .zero, claimed: String = "Li Na", why: String = "asked") -> Answer? {
    let command = Command(
      id: CommandID(high: 1, low: 1), action: action, issued: Instant(ns: now.boot.ns - issuedAgo.ns), goodFor: .seconds(3),
      origin: .test, actor: Text("test") ?? Text(), claimed: Text(claimed) ?? Text(), why: Text(why) ?? Text())
    let before = events.count
    tell(.command(command))
    for event in events[before...] {
      if case .commandAnswered(_, let answer) = event.body { return answer }
    }
    return nil
  }

  /// Lets time pass.
  mutating func live(_ seconds: Double) {
    let end = now.boot + Interval(ns: Int64(seconds * 1e9))
    while true {
      let next = min(min(nextFrame, pipeline.nextDeadline), end)
      now.boot = max(now.boot, next)
      now.wall = 1_750_000_000_000_000_000 + now.boot.ns + wallShift
      if now.boot >= end { return }
      if nextFrame <= now.boot {
        nextFrame = now.boot + .milliseconds(72)
        hear(thermometer, frame(skin))
      } else {
        tell(.tick)
      }
    }
  }

  mutating func hear(_ port: PortID, _ bytes: [UInt8]) {
    pipeline.turn(now, bytes: bytes.span, from: port, port.index == board.index ? generation : Generation(1))
    takeOutbox()
  }

  private func frame(_ celsius: Double) -> [UInt8] {
    var bytes: [UInt8] = [0x5A, 0x5A, 0x45, 0x04]
    for value in [celsius, 22.0] {
      let raw = UInt16(bitPattern: Int16((value * 100).rounded()))
      bytes += [UInt8(raw >> 8), UInt8(raw & 0xFF)]
    }
    return bytes + [bytes.reduce(0, &+)]
  }

  private mutating func takeOutbox() {
    var replies: [[UInt8]] = []
    for index in 0..<pipeline.outbox.count {
      switch pipeline.outbox.outputs[index] {
      case .event(let event): events.append(event)
      case .reopen: break
      case .send(let send):
        let bytes = (0..<Int(send.count)).map { pipeline.outbox.bytes[Int(send.offset) + $0] }
        if let reply = answer(bytes) { replies.append(reply) }
      }
    }
    for reply in replies where boardAnswers { hear(board, reply) }
  }

  /// Modbus TCP: header of seven bytes, then function, address and value.
  private mutating func answer(_ bytes: [UInt8]) -> [UInt8]? {
    guard bytes.count == 12 else { return nil }
    let address = Int(bytes[8]) << 8 | Int(bytes[9])
    let value = Int(bytes[10]) << 8 | Int(bytes[11])
    for coil in 0..<8 where coilOff[coil] <= now.boot { coils &= ~(1 << UInt8(coil)) }
    switch bytes[7] {
    case 1, 2:
      var reply = Array(bytes[0..<8])
      reply[5] = 4
      // The gate's leaf follows its relay: input 1.
      return reply + [1, bytes[7] == 1 ? coils & ~deadRelays : inputs | coils & 1]
    case 5 where boardRefuses:
      var reply = Array(bytes[0..<8])
      reply[5] = 3
      reply[7] |= 0x80
      return reply + [4]
    default:
      let coil = address & 7
      if address >= 0x200 {
        orders.append(.pulse(coil + 1, value))
        coils |= 1 << UInt8(coil)
        coilOff[coil] = now.boot + .milliseconds(Int64(value) * 100)
      } else {
        orders.append(.set(coil + 1, value > 0))
        coils = value > 0 ? coils | 1 << UInt8(coil) : coils & ~(1 << UInt8(coil))
        coilOff[coil] = .never
      }
      return bytes
    }
  }

  // What a test asks for

  var verdicts: [String] {
    events.compactMap { event in
      switch event.body {
      case .screeningPassed(let fact): "passed \(fact.reason.name)"
      case .screeningDenied(let fact): "denied \(fact.reason.name)"
      default: nil
      }
    }
  }
  var opened: Int { orders.count { if case .pulse(1, _) = $0 { true } else { false } } }
  var raised: [AlarmKind] { events.compactMap { if case .alarmRaised(let fact) = $0.body { fact.kind } else { nil } } }
  func raised(_ kind: AlarmKind) -> AlarmFact? {
    for event in events { if case .alarmRaised(let fact) = event.body, fact.kind == kind { return fact } }
    return nil
  }
}
