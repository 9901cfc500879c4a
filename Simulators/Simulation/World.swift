// The world: people, gates, rooms and the devices that see them. Pure and seeded: it has no clock, `advance(to:)` is told
// what time it is, and the same seed with the same commands at the same times gives the same bytes. Lanes and rooms
// live in steps of 10 ms that do not depend on how often somebody looks.

public import Domain
import Devices

/// Everything that is simulated, at one moment.
public struct World: Sendable {
  public let plan: WorldPlan
  /// Time since the world began; wires use it exactly, lanes and rooms in whole steps.
  public private(set) var now = Instant(ns: 0)
  var lanes: [Lane]
  var rooms: [RoomAir]
  var devices: [SimulatedDevice]
  /// Whether each bus is plugged in, and how often that changed.
  public internal(set) var plugged: [Bool]
  public internal(set) var plugs: [Int]
  /// How many times faster than people the air lives.
  public var airSpeed = 1.0
  /// Mean seconds between two random people at each lane; `nil`: nobody comes unasked.
  public internal(set) var peopleEvery: Double?
  /// Whether bytes take their time on serial lines.
  public var isPaced = false
  /// `quit` was asked for.
  public internal(set) var wantsToQuit = false
  /// The boot clock when the world began, and where each bus is served: labels for `state`, nothing here depends on them.
  public var beganBootNs: Int64 = 0
  public var servedAt: [Int: String] = [:]
  var wires = WireState()
  var noise: Chance
  private var arrivals: Chance
  private var nextArrival: [Instant]
  private var lastStep = Instant(ns: 0)

  static var step: Interval { .milliseconds(10) }

  public init(_ plan: WorldPlan, seed: UInt64 = 1) {
    self.plan = plan
    lanes = plan.lanes.map { Lane(siteOffset: $0.siteOffset) }
    rooms = plan.rooms.map { RoomAir(volumeM3: $0.volumeM3, outdoorPPM: $0.outdoorPPM) }
    devices = plan.devices.map { SimulatedDevice($0, from: Instant(ns: 0)) }
    plugged = plan.buses.map { _ in true }
    plugs = plan.buses.map { _ in 0 }
    arrivals = Chance(seed: seed)
    noise = Chance(seed: seed ^ 0x5EED_0F_4015E)
    nextArrival = plan.lanes.map { _ in .never }
  }

  /// When something happens on a wire by itself: what to wait for.
  public var nextDeadline: Instant {
    min(wires.nextDue, devices.lazy.map(\.nextFrame).min() ?? .never)
  }

  /// Lets time pass. Frames that become due wait in `takeDue(at:)`.
  public mutating func advance(to target: Instant) {
    while true {
      let step = lastStep + Self.step
      let frame = devices.lazy.map(\.nextFrame).min() ?? .never
      guard min(step, frame) <= target else { break }
      if step <= frame {
        lastStep = step
        live(at: step)
      } else {
        sendDueFrames(at: frame)
      }
    }
    if target > now { now = target }
  }

  private mutating func live(at moment: Instant) {
    for index in rooms.indices { rooms[index].advance(hours: Self.step.seconds * airSpeed / 3_600) }
    for index in lanes.indices {
      if nextArrival[index] <= moment {
        lanes[index].arrive(randomPerson())
        nextArrival[index] = moment + arrivalGap()
      }
      lanes[index].advance(relay: isDriven(index, at: moment), at: moment)
    }
  }

  private func isDriven(_ lane: Int, at moment: Instant) -> Bool {
    guard let gate = plan.lanes[lane].gate else { return false }
    return devices[gate.device].registers?.isRelayOn(gate.channel, at: moment) ?? false
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

  /// Axillary temperatures of healthy people lie about 36.6 degC; one in thirty has a fever.
  private mutating func randomPerson() -> Person {
    let isIll = arrivals.unit() < 1.0 / 30
    let healthy = min(arrivals.normal(mean: 36.6, deviation: 0.15), 36.9)
    let ill = 37.6 + 1.8 * arrivals.unit()
    return Person(body: isIll ? ill : healthy)
  }
}
