// What must be so in every world, whatever goes wrong in it: said from docs/rules.md and from what the world knows to be true (who stands
// where with which temperature, which values were sent whole), never from the door's own state.

public import Domain
import Devices
import Rules
import Settings

/// Something that must never be.
public struct Violation: Sendable, Equatable {
  /// Which rule, in a few words: failures of one rule are one failure.
  public var rule: String
  public var sentence: String
  public var at: Interval
}

/// Watches one life of a site.
final class Witness {
  private let settings: Settings
  /// Body temperature of whoever comes, by name.
  private let bodies: [String: Double]
  private(set) var violations: [Violation] = []
  private var lanes: [LaneView]
  private var counter: UInt64 = 0
  /// Up to here this run's events are durable.
  private var durable: UInt64 = 0
  private var alarms: [UInt32: AlarmView] = [:]
  /// People with a fever who stood at a lane that could see them, and are not accounted for yet.
  private var owed: [String: (lane: Int, since: Interval)] = [:]
  /// Tickets that wait, until when at least, and the event that said so.
  private var waits: [UInt32: (until: Interval, counter: UInt64)] = [:]
  /// Records that neither a disk nor anybody has yet, and since when.
  private var untold: [UInt64: Interval] = [:]
  /// How far each bus's frames prove themselves.
  private let proofs: [Proof]
  /// Readings that nobody sent, of frames that a sum happened to fit, by bus.
  private var lucky: [Int: UInt64] = [:]
  /// Something was closed, by staff or for a case.
  private var wasClosed = false

  private struct AlarmView {
    var kind: AlarmKind
    /// The events that raised and cleared it, counted in this run; 0: in an earlier one.
    var raised: UInt64
    var cleared: UInt64?
  }

  private struct LaneView {
    var state = LaneState.outOfOrder
    var person: String?
    var since = Interval.zero
    /// Since when nothing was done to it.
    var undisturbedSince = Interval.zero
    /// The last reason for a gate to stand open, and when it was given.
    var mayOpenUntil = Interval(ns: .min)
    var isReleased = false
    var gateIsFaulty = false
    var lastPassed: UInt32?
    /// When staff asked to have somebody let through.
    var overriddenAt: Interval?
    /// Since when its lamp should be lit.
    var lampOwed: Interval?
  }

  /// How well a frame's check tells right from wrong.
  private enum Proof { case none, weak, strong }

  /// Higher than that is a fever by any lane's policy, with what a good sensor's noise can do.
  static var surelyFever: Double { 38.0 }
  /// What stands there this long is measured.
  static var sight: Interval { .seconds(8) }
  /// A gate's leaf needs this to move, and a pulse to end.
  static var leaf: Interval { .seconds(6) }
  /// A lamp is lit so soon: an order to its board, and another one behind it.
  static var lamp: Interval { .seconds(1) }
  /// Whatever the disk does, people are told of a record so soon: the second that it may take, and the next look.
  static var telling: Interval { .seconds(3) }

  init(_ settings: Settings, bodies: [String: Double]) {
    self.settings = settings
    self.bodies = bodies
    lanes = settings.lanes.map { _ in LaneView() }
    // The door has its devices to find first.
    for index in lanes.indices { lanes[index].undisturbedSince = .seconds(15) }
    proofs = settings.ports.indices.map { bus in
      settings.devices.filter { Int($0.port.index) == bus }.map(\.profile.transport).map { transport in
        switch transport {
        case .modbus: .strong
        case .serial(let speech), .hid(let speech, _):
          speech.frames.contains { $0.check.kind == .none } ? .none : speech.frames.contains { $0.check.isWeak } ? .weak : .strong
        }
      }.reduce(.strong) { (a: Proof, b: Proof) in a == .none || b == .none ? .none : a == .weak || b == .weak ? .weak : .strong }
    }
  }

  private func violate(_ rule: String, _ sentence: String, _ at: Interval) {
    guard violations.count < 20, !violations.contains(where: { $0.rule == rule }) else { return }
    violations.append(Violation(rule: rule, sentence: sentence, at: at))
  }

  // MARK: What is done to the world

  /// Something was done that may keep lanes from seeing; its grace is over `undisturbed` from now on.
  func disturbed(until end: Interval) {
    for index in lanes.indices { lanes[index].undisturbedSince = max(lanes[index].undisturbedSince, end) }
  }

  /// A cable is back; as long as another is out, nothing can be said.
  func plugged(until end: Interval, allPlugged: Bool) {
    guard allPlugged else { return }
    for index in lanes.indices { lanes[index].undisturbedSince = end }
  }

  /// A leaf that is free again follows its relay, whoever drove that meanwhile.
  func gate(_ lane: Int, isFaulty: Bool, at now: Interval) {
    lanes[lane].gateIsFaulty = isFaulty
    if !isFaulty { lanes[lane].mayOpenUntil = max(lanes[lane].mayOpenUntil, now + .seconds(1)) }
  }

  /// The door is told to end: gates that open on failure are opened, whether or not their boards say so.
  func stopping() {
    for index in lanes.indices { lanes[index].isReleased = true }
  }

  /// Events of this run are on the disk, up to this one.
  func committed(_ counter: UInt64) {
    durable = max(durable, counter)
    untold[counter] = nil
  }

  /// People were told of it before the disk had it.
  func told(_ counter: UInt64) { untold[counter] = nil }

  /// Staff ask it, now.
  func asked(_ action: Action, at now: Interval) {
    if case .overrideLane(let lane) = action { lanes[Int(lane.index)].overriddenAt = now }
  }

  /// What became of it.
  func answered(_ answer: Answer?, isLogged: Bool, _ words: String, at now: Interval) {
    // A door that is down answers nobody.
    if answer != nil, !isLogged { violate("every command is answered and logged", words, now) }
  }

  /// A new run of the door: events count anew, gates may move by what its boards did alone, and what never reached the disk
  /// has not happened.
  func started(at now: Interval) {
    for (occurrence, view) in alarms {
      if view.raised > durable { alarms[occurrence] = nil; continue }
      alarms[occurrence]?.raised = 0
      if let cleared = view.cleared { alarms[occurrence]?.cleared = cleared > durable ? nil : 0 }
    }
    for (ticket, wait) in waits { waits[ticket] = wait.counter > durable ? nil : (wait.until, 0) }
    untold = [:]
    lucky = [:]
    counter = 0
    durable = 0
    for index in lanes.indices {
      lanes[index].state = .outOfOrder
      lanes[index].isReleased = false
      lanes[index].lampOwed = nil
      lanes[index].mayOpenUntil = max(lanes[index].mayOpenUntil, now + .seconds(2))
    }
  }

  // MARK: What is seen

  func see(
    _ event: Event, person: (Int) -> String?, told: (Int, Int) -> [Double], wires: () -> [WireAccount], at now: Interval
  ) {
    if event.counter != counter + 1 { violate("events are numbered without a gap", "\(event.counter) follows \(counter)", now) }
    counter = event.counter
    if event.body.stream == .records { untold[counter] = now }
    switch event.body {
    case .reading(let reading): checkReading(reading, told, wires, now)
    case .alarmRaised(let fact):
      if alarms[fact.occurrence] != nil { violate("an alarm is raised once", "\(fact.kind.name), \(fact.occurrence)", now) }
      alarms[fact.occurrence] = AlarmView(kind: fact.kind, raised: event.counter)
      if case .low = fact.priority {} else if case .unacknowledged = fact.state { for index in lanes.indices { owesLamp(index, now) } }
    case .alarmCleared(let fact):
      let known = alarms[fact.occurrence]
      if known?.kind != fact.kind { violate("what is cleared was raised", "\(fact.kind.name), \(fact.occurrence)", now) }
      if known?.cleared != nil { violate("an alarm is cleared once", "\(fact.kind.name), \(fact.occurrence)", now) }
      alarms[fact.occurrence]?.cleared = event.counter
    case .siteClosed, .incidentBegan: wasClosed = true
    default: break
    }
    guard case .lane(let lane) = event.source else { return }
    see(event.body, at: Int(lane.index), person(Int(lane.index)), now)
  }

  private func see(_ body: EventBody, at lane: Int, _ person: String?, _ now: Interval) {
    switch body {
    case .laneChanged(let state): lanes[lane].state = state
    case .screeningResumed(let fact):
      if let wait = waits[fact.ticket], now < wait.until {
        violate("nobody is called back before their wait is over", "ticket \(fact.ticket) waits until \(clockText(wait.until))", now)
      }
    case .screeningPassed(let fact):
      lanes[lane].lastPassed = fact.ticket
      lanes[lane].mayOpenUntil = now + Self.leaf
      if case .normal = fact.reason {} else if let person { owed[person] = nil }
      if case .normal = fact.reason, let person, let degrees = bodies[person], degrees >= Self.surelyFever {
        violate("nobody with a fever passes as normal", "\(person), \(degrees) degC, ticket \(fact.ticket)", now)
      }
    case .screeningDenied(let fact):
      if let person { owed[person] = nil }
      owesLamp(lane, now)
      let policy = settings.policy.fever
      switch fact.next {
      case .rest: waits[fact.ticket] = (now + policy.rest, counter)
      case .coldWait: waits[fact.ticket] = (now + policy.coldWait, counter)
      default: waits[fact.ticket] = nil
      }
    case .screeningIsolated:
      if let person { owed[person] = nil }
    case .gateOpened(let ticket):
      // Ticket 0: staff let somebody through.
      if ticket == 0, let asked = lanes[lane].overriddenAt, now < asked + Self.leaf {
        lanes[lane].mayOpenUntil = now + Self.leaf
      } else if lanes[lane].lastPassed != ticket {
        violate("a gate opens for a verdict", "ticket \(ticket) has none", now)
      }
    case .gateReleased:
      lanes[lane].isReleased = true
      lanes[lane].mayOpenUntil = now + Self.leaf
    case .gateReturned:
      lanes[lane].isReleased = false
      lanes[lane].mayOpenUntil = now + Self.leaf
    default: break
    }
  }

  private func checkReading(_ reading: Reading, _ told: (Int, Int) -> [Double], _ wires: () -> [WireAccount], _ now: Interval) {
    guard reading.quality.isGood, !reading.unit.isSet else { return }
    let field = settings.devices[Int(reading.device.index)].profile.fields[Int(reading.field)]
    let sent = told(Int(reading.device.index), Int(reading.field))
    let resolution = max(field.scale.magnitude, 1e-3) + 1e-6
    guard !sent.contains(where: { abs($0 - reading.decoded) <= resolution }) else { return }
    let bus = Int(settings.devices[Int(reading.device.index)].port.index)
    let spoiled = wires()[bus].spoiled
    if proofs[bus] != .strong, spoiled > 0 {
      // Two readings a frame, and far fewer frames than the spoiled ones.
      lucky[bus, default: 0] += 1
      if lucky[bus, default: 0] <= 2 + spoiled / 256 { return }
    }
    violate(
      "every reading was sent, whole",
      "\(settings.names.devices[Int(reading.device.index)]).\(field.name): \(reading.decoded), sent was nothing nearer than \(sent.min { abs($0 - reading.decoded) < abs($1 - reading.decoded) } ?? .nan)", now)
  }

  func moved(_ move: GateMove, at now: Interval) {
    guard move.isOpen, !lanes[move.lane].gateIsFaulty, !lanes[move.lane].isReleased else { return }
    let at = move.at - Instant(ns: 0)
    if at > lanes[move.lane].mayOpenUntil {
      violate("a gate moves for a reason", "\(settings.names.lanes[move.lane]) opened and nobody passed or released it", at)
    }
  }

  /// Called often: who stands where.
  func look(person: (Int) -> String?, isUp: Bool, at now: Interval) {
    for lane in lanes.indices {
      let here = person(lane)
      if here != lanes[lane].person {
        lanes[lane].person = here
        lanes[lane].since = now
        if let here, isUp, case .free = lanes[lane].state, (bodies[here] ?? 0) >= Self.surelyFever,
          lanes[lane].undisturbedSince <= now { owed[here] = (lane, now) }
      }
    }
    for (name, debt) in owed {
      if lanes[debt.lane].undisturbedSince > debt.since || !isUp || lanes[debt.lane].person != name {
        owed[name] = nil
      } else if now >= debt.since + Self.sight {
        violate("whoever has a fever is denied, and logged", "\(name) stood at \(settings.names.lanes[debt.lane]) since \(clockText(debt.since))", now)
        owed[name] = nil
      }
    }
  }

  private func owesLamp(_ lane: Int, _ now: Interval) {
    if lanes[lane].lampOwed == nil, settings.lanes[lane].lamp != nil { lanes[lane].lampOwed = now }
  }

  /// Lamps are lit for whoever is refused, and for every alarm that calls.
  func lookAtLamps(isLit: (Channel) -> Bool, at now: Interval) {
    for lane in lanes.indices {
      guard let since = lanes[lane].lampOwed, let lamp = settings.lanes[lane].lamp else { continue }
      if isLit(lamp) || lanes[lane].undisturbedSince > since {
        lanes[lane].lampOwed = nil
      } else if now > since + Self.lamp {
        violate("a lamp is lit within a second", "\(settings.names.lanes[lane]) is dark since \(clockText(since))", now)
      }
    }
  }

  /// What came over each wire is taken or dropped, and counted as that; what was spoiled is not taken.
  func lookAtWires(_ accounts: [WireAccount], at now: Interval) {
    for (bus, account) in accounts.enumerated() {
      let name = settings.names.ports[bus]
      if account.handed != account.taken + account.dropped + account.waiting {
        violate("every byte is counted", "\(name): \(account)", now)
      }
      // Of random bytes a sum of eight bits lets one frame of 256 pass.
      let luck: UInt64 =
        switch proofs[bus] {
        case .none: .max - account.proper
        case .weak: account.spoiled / 8 + 64
        case .strong: 0
        }
      if account.taken > account.proper + luck { violate("what is spoiled is not taken", "\(name): \(account)", now) }
    }
  }

  /// A disk that takes nothing is an alarm, and keeps nothing from people.
  func lookAtLog(stalledFor stall: Interval, at now: Interval) {
    if stall > Self.telling, !alarms.values.contains(where: { $0.kind == .logStalled && $0.cleared == nil }) {
      violate("a disk that takes nothing is an alarm", "nothing for \(clockText(stall))", now)
    }
    if let late = untold.min(by: { $0.key < $1.key }), now > late.value + Self.telling {
      violate("people are told, whatever the disk does", "event \(late.key) of \(clockText(late.value))", now)
    }
  }

  /// The end: everything that went wrong is over for long enough.
  func end(isOpen: (Int) -> Bool, at now: Interval) {
    for lane in lanes.indices {
      if isOpen(lane) { violate("afterwards all is well", "the gate of \(settings.names.lanes[lane]) stands open", now) }
      switch lanes[lane].state {
      case .free, .measuring, .releasing: break
      case .closed where wasClosed: break
      case .released, .outOfOrder, .closed:
        violate("afterwards all is well", "\(settings.names.lanes[lane]) is \(lanes[lane].state.name)", now)
      }
    }
    for (occurrence, view) in alarms.sorted(by: { $0.key < $1.key }) where view.cleared == nil {
      switch view.kind {
      case .portLost, .deviceSilent, .deviceFault, .laneOutOfOrder, .gateJammed, .gateUnscreened, .logStalled:
        violate("afterwards all is well", "\(view.kind.name), alarm \(occurrence), is still raised", now)
      default: break
      }
    }
  }
}

extension Unit {
  /// A set of channels or bits, whose number means nothing.
  fileprivate var isSet: Bool {
    switch self {
    case .bits, .channels: true
    default: false
    }
  }
}
