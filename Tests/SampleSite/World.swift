// The other end of every wire of a sample site, in virtual time: people who walk up, boards and probes that answer,
// staff who press and type, and now and then a fault. Everything random comes from a seed.

public import Domain

/// One thing that happens at the door.
public enum Stimulus: Sendable {
  case bytes(PortID, Generation, [UInt8])
  case input(Input)
}

/// What a day held: a day without it would prove nothing.
public struct Tally: Sendable {
  public var passed = 0
  public var denied = 0
  public var alarms = 0
  public var answers = 0
  public var events = 0
}

/// The world around a site. Ask for the next stimulus, give it to the pipeline, show the world the outbox.
public struct World {
  private struct Person {
    var from = Instant.never
    var until = Instant.never
    /// degC.
    var body = 36.6
  }

  private struct Board {
    var coils: UInt8 = 0
    var coilOff = [Instant](repeating: .never, count: 8)
    /// Since when each gate has stood open.
    var openSince = [Instant](repeating: .never, count: 2)
    var fireUntil = Instant.past
    var staffUntil = Instant.past
  }

  private struct Reply {
    var due: Instant
    var stimulus: Stimulus
  }

  /// 72 ms between the frames of a thermometer.
  private static let frameEvery = Interval.milliseconds(72)

  public private(set) var tally = Tally()
  private let site: SampleSite
  private var random: Chance
  private var time = Instant(ns: 1_000_000_000)
  private var people: [Person]
  private var boards: [Board]
  private var generations: [UInt32]
  private var replies: [Reply] = []
  private var frames = 0
  private var framesFrom: Instant
  private var nextScene: Instant
  private var lastTicket: UInt32 = 0
  private var lastAlarm: UInt32 = 0

  public init(_ site: SampleSite, seed: UInt64) {
    self.site = site
    random = Chance(seed: seed)
    framesFrom = time + .milliseconds(10)
    nextScene = time + .seconds(3)
    boards = Array(repeating: Board(), count: site.boards)
    generations = Array(repeating: 1, count: site.ports)
    people = Array(repeating: Person(), count: site.lanes)
    for lane in people.indices { people[lane] = newPerson(after: time) }
    replies = [Reply(due: time, stimulus: .input(.started(restored: false, downSeconds: 0)))]
    for port in generations.indices {
      replies.append(Reply(due: time, stimulus: .input(.portOpened(PortID(port), Generation(1)))))
    }
  }

  /// What happens next, the pipeline's own deadline included.
  public mutating func next(before deadline: Instant) -> (now: Now, stimulus: Stimulus) {
    let frame = framesFrom + Interval(ns: Self.frameEvery.ns * Int64(frames) / Int64(max(site.lanes, 1)))
    let reply = replies.indices.min { replies[$0].due < replies[$1].due }
    let soonest = min(min(frame, nextScene), min(reply.map { replies[$0].due } ?? .never, deadline))
    time = max(time, soonest)
    let now = Now(boot: time, wall: 1_750_000_000_000_000_000 + time.ns, utcOffset: 28_800)
    if let reply, replies[reply].due <= soonest { return (now, replies.remove(at: reply).stimulus) }
    if deadline <= soonest { return (now, .input(.tick)) }
    if nextScene <= soonest {
      nextScene = time + .seconds(Int64(2 + random.below(4)))
      return (now, scene())
    }
    defer { frames += 1 }
    return (now, thermometerSpeaks(frames % site.lanes))
  }

  /// Bytes that went out are answered later; what was decided is counted.
  public mutating func see(_ outbox: borrowing Outbox) {
    for index in 0..<outbox.count {
      switch outbox.outputs[index] {
      case .send(let send): answer(send, (0..<Int(send.count)).map { outbox.bytes[Int(send.offset) + $0] })
      case .reopen(let port, _): lose(port)
      case .event(let event): count(event)
      }
    }
  }

  private mutating func count(_ event: Event) {
    tally.events += 1
    switch event.body {
    case .screeningBegan(let ticket): lastTicket = ticket
    case .screeningPassed: tally.passed += 1
    case .screeningDenied: tally.denied += 1
    case .alarmRaised(let alarm):
      tally.alarms += 1
      lastAlarm = alarm.occurrence
    case .commandAnswered: tally.answers += 1
    default: break
    }
  }

  // MARK: People and thermometers

  private mutating func newPerson(after moment: Instant) -> Person {
    let from = moment + .milliseconds(1500 + Int64(random.below(4000)))
    let body: Double
    switch random.below(20) {
    case 0: body = 38.4
    case 1: body = 37.6
    case 2: body = 37.1
    case 3: body = 33.0
    default: body = 36.2 + 0.1 * Double(random.below(8))
    }
    return Person(from: from, until: from + .milliseconds(1500 + Int64(random.below(9000))), body: body)
  }

  private mutating func thermometerSpeaks(_ lane: Int) -> Stimulus {
    if time >= people[lane].until { people[lane] = newPerson(after: time) }
    let isThere = time >= people[lane].from
    let noise = 0.01 * Double(random.below(11) - 5)
    var object = (isThere ? people[lane].body - SampleSite.siteOffset : 24.5) + noise
    // What stands before the sensor is beyond what it measures.
    if random.below(2000) == 0 { object = -100 }
    var bytes: [UInt8] = [0x5A, 0x5A, 0x45, 0x04]
    for value in [object, 24.0 + noise] {
      let raw = UInt16(bitPattern: Int16((value * 100).rounded()))
      bytes += [UInt8(raw >> 8), UInt8(raw & 0xFF)]
    }
    bytes.append(bytes.reduce(0, &+))
    switch random.below(1000) {
    case 0: bytes[8] &+= 1
    case 1: bytes = [0x5A, 0x00, 0x5A] + bytes
    case 2: bytes.removeLast(3)
    default: break
    }
    return .bytes(PortID(lane), Generation(generations[lane]), bytes)
  }

  // MARK: Boards and probes

  private mutating func answer(_ send: Send, _ bytes: [UInt8]) {
    let port = Int(send.port.index)
    guard send.generation.number == generations[port] else { return }
    if port >= site.lanes + site.boards {
      answerProbe(port, bytes)
    } else if port >= site.lanes, bytes.count == 12 {
      answerBoard(port, bytes)
    }
  }

  private mutating func answerBoard(_ port: Int, _ bytes: [UInt8]) {
    if random.below(500) == 0 { return }
    let index = port - site.lanes
    let address = Int(bytes[8]) << 8 | Int(bytes[9])
    let value = Int(bytes[10]) << 8 | Int(bytes[11])
    var reply = Array(bytes[0..<8])
    switch bytes[7] {
    case 1, 2:
      reply[5] = 4
      reply += [1, bytes[7] == 1 ? coils(index) : inputs(index)]
    default:
      setCoil(index, address & 7, on: value > 0, for: address >= 0x200 ? .milliseconds(Int64(value) * 100) : nil)
      reply = bytes
    }
    replies.append(Reply(due: time + .milliseconds(3), stimulus: .bytes(PortID(port), Generation(generations[port]), reply)))
  }

  private mutating func setCoil(_ board: Int, _ coil: Int, on: Bool, for pulse: Interval?) {
    let bit = UInt8(1) << UInt8(coil)
    if on, coil < 2, boards[board].coils & bit == 0 { boards[board].openSince[coil] = time }
    boards[board].coils = on ? boards[board].coils | bit : boards[board].coils & ~bit
    boards[board].coilOff[coil] = pulse.map { time + $0 } ?? .never
  }

  private mutating func coils(_ board: Int) -> UInt8 {
    for coil in 0..<8 where boards[board].coilOff[coil] <= time { setCoil(board, coil, on: false, for: nil) }
    return boards[board].coils
  }

  /// A gate follows its relay; whoever may pass is in it from 0.7 to 1.1 s after it opened.
  private mutating func inputs(_ board: Int) -> UInt8 {
    let coils = coils(board)
    var inputs = coils & 3
    for gate in 0..<2 where coils & UInt8(1 << gate) > 0 {
      let open = time - boards[board].openSince[gate]
      if open >= .milliseconds(700), open < .milliseconds(1100) { inputs |= UInt8(4 << gate) }
    }
    if time < boards[board].fireUntil { inputs |= 0x30 }
    if time < boards[board].staffUntil { inputs |= 0x40 }
    return inputs
  }

  private mutating func answerProbe(_ port: Int, _ bytes: [UInt8]) {
    let generation = Generation(generations[port])
    if random.below(200) == 0 {
      replies.append(
        Reply(due: time + .milliseconds(500), stimulus: .input(.requestFailed(PortID(port), generation, .timedOut))))
      return
    }
    let address = Int(bytes[2]) << 8 | Int(bytes[3])
    var reply = [bytes[0], bytes[1], bytes[5] &* 2]
    let ppm = 400 + 2000 * abs(Double(time.ns / 1_000_000 % 240_000) / 120_000 - 1)
    for register in 0..<Int(bytes[5]) {
      let place = address + register
      let bits = (place < 2 ? Float(ppm) : Float(22.5)).bitPattern
      let word = place >= 0x800 ? 0 : UInt16(truncatingIfNeeded: place % 2 == 0 ? bits : bits >> 16)
      reply += [UInt8(word >> 8), UInt8(word & 0xFF)]
    }
    replies.append(Reply(due: time + .milliseconds(25), stimulus: .bytes(PortID(port), generation, reply)))
  }

  // MARK: Scenes

  /// Staff, buttons, and cables.
  private mutating func scene() -> Stimulus {
    let lane = LaneID(random.below(max(site.lanes, 1)))
    switch random.below(12) {
    case 0, 1: return command(.overrideLane(lane))
    case 2, 3: return command(.acknowledge(occurrence: lastAlarm))
    case 4: return command(.resume(ticket: lastTicket))
    case 5: return command(.contactReading(ticket: lastTicket, celsius: 36.4))
    case 6:
      let alarm = AlarmID(.laneOutOfOrder, at: .lane(lane))
      switch lastAlarm % 4 {
      case 0: return command(.shelve(alarm, for: .seconds(20)))
      case 1: return command(.takeOutOfService(alarm))
      case 2: return command(.returnToService(alarm))
      default: return command(.clear(occurrence: lastAlarm))
      }
    case 7, 8:
      if site.boards > 0 { boards[random.below(site.boards)].staffUntil = time + .seconds(2) }
    case 9:
      if site.boards > 0 { boards[random.below(site.boards)].fireUntil = time + .seconds(2) }
    case 10: return .input(.logStalled(random.below(2) == 0))
    default: lose(PortID(random.below(generations.count)))
    }
    return .input(.tick)
  }

  private mutating func command(_ action: Action) -> Stimulus {
    .input(
      .command(
        Command(
          id: CommandID(high: 7, low: UInt64(tally.answers)), action: action, issued: time + .milliseconds(-5),
          goodFor: .seconds(3), origin: .test, actor: Text("sample") ?? Text(), claimed: Text("somebody") ?? Text(),
          why: Text("a long day") ?? Text())))
  }

  /// The cable is out for a second.
  private mutating func lose(_ port: PortID) {
    let index = Int(port.index)
    let old = Generation(generations[index])
    generations[index] += 1
    replies.append(Reply(due: time, stimulus: .input(.portLost(port, old, .hungUp, errno: 5))))
    replies.append(
      Reply(due: time + .seconds(1), stimulus: .input(.portOpened(port, Generation(generations[index])))))
  }
}

/// Numbers from a seed (SplitMix64: good enough for a sample, and the same everywhere).
struct Chance {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func below(_ bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return Int((mixed ^ mixed >> 31) % UInt64(bound))
  }
}
