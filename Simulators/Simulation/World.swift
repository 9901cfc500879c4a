// The world: people, gates, rooms and the devices that see them. Pure and seeded: it has no clock, `advance(to:)` is told
// what time it is, and the same seed with the same commands at the same times gives the same bytes. Lanes and rooms
// live in steps that do not depend on how often somebody looks: people in such of 10 ms, while there are any, air in such of 100 ms.

public import Domain
import Devices
import Rules

/// A gate's leaf that moved.
public struct GateMove: Sendable {
  public var lane: Int
  public var at: Instant
  public var isOpen: Bool
}

/// Everything that is simulated, at one moment.
public struct World: Sendable {
  public private(set) var plan: WorldPlan
  /// Time since the world began; wires use it exactly, lanes and rooms in whole steps.
  public private(set) var now = Instant(ns: 0)
  var lanes: [Lane]
  var rooms: [RoomAir]
  var doorways: [Doorway]
  var outdoors = Outdoors()
  var devices: [SimulatedDevice]
  /// Which devices are wired to each bus.
  private(set) var wired: [[Int]] = []
  /// Whether each bus is plugged in, and how often that changed.
  public internal(set) var plugged: [Bool]
  public internal(set) var plugs: [Int]
  /// How many times faster than people the air lives.
  public var airSpeed = 1.0
  /// Mean seconds between two random people at each lane; `nil`: nobody comes unasked.
  public internal(set) var peopleEvery: Double?
  /// How many of them have a fever, 0 to 1.
  public internal(set) var feverShare = 1.0 / 30
  /// Whether bytes take their time on serial lines.
  public var isPaced = false
  /// Gates that moved since somebody asked, oldest first, the last 1,024 of them.
  private var moves: [GateMove] = []
  /// `quit` was asked for.
  public internal(set) var wantsToQuit = false
  /// The boot clock when the world began, and where each bus is served: labels for `state`, nothing here depends on them.
  public var beganBootNs: Int64 = 0
  public var servedAt: [Int: String] = [:]
  var wires = WireState()
  var noise: Chance
  /// Whether a fault strikes, and what it makes of bytes.
  var luck: Chance
  private var arrivals: Chance
  private var nextArrival: [Instant]
  private var laneStep = Instant(ns: 0)
  private var roomStep = Instant(ns: 0)
  /// Who sees what, by device: found once.
  let laneOfDevice: [Int?]
  let secondOfDevice: [Int?]
  let hallOfDevice: [Int?]
  let roomOfDevice: [Int?]
  let isOutdoors: [Bool]
  /// Rooms whose contacts count who comes and who goes.
  private let isCounted: [Bool]
  /// Devices that send unasked.
  let streaming: [Int]

  static var step: Interval { .milliseconds(10) }
  static var breath: Interval { .milliseconds(100) }

  public init(_ plan: WorldPlan, seed: UInt64 = 1) {
    self.plan = plan
    lanes = plan.lanes.map { Lane(siteOffset: $0.siteOffset) }
    rooms = plan.rooms.map { RoomAir(volumeM3: $0.volumeM3, outdoorPPM: $0.outdoorPPM) }
    doorways = plan.rooms.map { _ in Doorway() }
    devices = plan.devices.map { SimulatedDevice($0, from: Instant(ns: 0)) }
    plugged = plan.buses.map { _ in true }
    plugs = plan.buses.map { _ in 0 }
    arrivals = Chance(seed: seed)
    noise = Chance(seed: seed ^ 0x5EED_0F_4015E)
    luck = Chance(seed: seed ^ 0x5EED_0F_FA017)
    nextArrival = plan.lanes.map { _ in .never }
    laneOfDevice = plan.devices.indices.map { device in plan.lanes.firstIndex { $0.thermometer == device } }
    secondOfDevice = plan.devices.indices.map { device in plan.lanes.firstIndex { $0.second?.device == device } }
    hallOfDevice = plan.devices.indices.map { device in plan.lanes.firstIndex { $0.hall == device } }
    roomOfDevice = plan.devices.indices.map { device in plan.rooms.firstIndex { $0.measurers.contains(device) } }
    isCounted = plan.rooms.map(\.isCounted)
    isOutdoors = plan.devices.indices.map { device in plan.lanes.contains { $0.outdoor == device } }
    streaming = devices.indices.filter { [devices] in devices[$0].nextFrame < .never }
    wire()
  }

  /// Follows the wires anew, after a device got another place.
  mutating func wire() {
    wired = plan.buses.indices.map { bus in devices.indices.filter { devices[$0].bus == bus } }
  }

  /// When something happens on a wire by itself: what to wait for.
  public var nextDeadline: Instant { min(wires.nextDue, nextFrame) }

  private var nextFrame: Instant {
    var next = Instant.never
    for index in streaming { next = min(next, devices[index].nextFrame) }
    return next
  }

  /// Lets time pass. Frames that become due wait in `takeDue(at:)`.
  public mutating func advance(to target: Instant) {
    while true {
      let people = nextLaneStep, air = roomStep + Self.breath
      let step = min(people, air)
      let frame = nextFrame
      guard min(step, frame) <= target else { break }
      if step > frame {
        sendDueFrames(at: frame)
      } else if people <= air {
        laneStep = people
        live(at: people)
      } else {
        roomStep = air
        breathe(at: air)
      }
    }
    if target > now { now = target }
  }

  private mutating func breathe(at moment: Instant) {
    let hours = Self.breath.seconds * airSpeed / 3_600
    for index in rooms.indices {
      rooms[index].advance(hours: hours)
      rooms[index].exchange(hours: hours, with: outdoors)
      if isCounted[index] { doorways[index].advance(occupants: rooms[index].occupants, at: moment) }
    }
  }

  /// The next step in which somebody or something at a lane may move. Steps in which nothing can are left out.
  private var nextLaneStep: Instant {
    var next = Instant.never
    for index in lanes.indices {
      if !lanes[index].isIdle || isDriven(index, at: now) { return laneStep(after: max(laneStep, now)) }
      next = min(next, nextArrival[index])
    }
    return next == .never ? .never : max(laneStep(after: laneStep), laneStep(after: Instant(ns: next.ns - 1)))
  }

  /// The first step behind a moment.
  private func laneStep(after moment: Instant) -> Instant {
    Instant(ns: (moment.ns / Self.step.ns + 1) * Self.step.ns)
  }

  private mutating func live(at moment: Instant) {
    for index in lanes.indices {
      if nextArrival[index] <= moment {
        lanes[index].arrive(randomPerson())
        nextArrival[index] = moment + arrivalGap()
      }
      let wasOpen = lanes[index].gate.isOpen
      lanes[index].advance(relay: isDriven(index, at: moment), at: moment)
      if let code = lanes[index].takeShown(at: moment) { show(code, lane: index, at: moment) }
      // Whoever leaves takes the card along.
      if lanes[index].presence == nil, let scanner = plan.lanes[index].scanner { devices[scanner.device].card = nil }
      if lanes[index].gate.isOpen != wasOpen {
        moves.append(GateMove(lane: index, at: moment, isOpen: !wasOpen))
        if moves.count > 1_024 { moves.removeFirst() }
      }
    }
  }

  /// Who stands at a lane, as whoever sent them named them.
  public func person(at lane: Int) -> String? { lanes[lane].presence?.person.name }

  /// The values of a field that were last sent whole.
  public func told(device: Int, field: Int) -> [Double] {
    devices[device].told.compactMap { $0.indices.contains(field) ? $0[field] : nil }
  }

  /// Where a bus turned out to be served.
  mutating func serve(_ bus: Int, at link: Link) { plan.buses[bus].link = link }

  /// The gates that moved since the last call.
  public mutating func takeMoves() -> [GateMove] {
    defer { moves = [] }
    return moves
  }

  /// Whether a relay, counted from 1, is on.
  func isRelayOn(_ channel: UInt8, of device: Int) -> Bool { devices[device].isRelayOn(Int(channel), at: now) }

  @inline(__always)
  private func isDriven(_ lane: Int, at moment: Instant) -> Bool {
    guard let gate = plan.lanes[lane].gate else { return false }
    return devices[gate.device].isRelayOn(gate.channel, at: moment)
  }

  /// Starts or ends the stream of random people.
  mutating func setPeople(every seconds: Double?) {
    peopleEvery = seconds
    for index in nextArrival.indices { nextArrival[index] = seconds == nil ? .never : now + arrivalGap() }
  }

  /// Between half and one and a half times the mean.
  private mutating func arrivalGap() -> Interval {
    guard let peopleEvery else { return Interval(ns: .max) }
    return Interval(ns: Int64(min(max(peopleEvery, 0.1), 86_400) * (0.5 + arrivals.unit()) * 1e9))
  }

  /// Axillary temperatures of healthy people lie about 36.6 degC.
  private mutating func randomPerson() -> Person {
    let isIll = arrivals.unit() < feverShare
    let healthy = min(arrivals.normal(mean: 36.6, deviation: 0.15), 36.9)
    let ill = 37.6 + 1.8 * arrivals.unit()
    return Person(body: isIll ? ill : healthy)
  }
}

extension PlannedRoom {
  /// Everything that measures its air.
  var measurers: [Int] { sensors + [temperature, humidity, airflow].compactMap(\.self) }
  /// Whether contacts count who comes and who goes.
  var isCounted: Bool { contacts.contains { $0.contact == .wayIn || $0.contact == .wayOut } }
}
