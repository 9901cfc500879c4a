// Buses with their units, in virtual time: what a request and its reply take on the wire, how long a unit thinks, and
// what a silent one costs; and beside them a gateway that may send whatever it likes. The door's side of it is all real.

import Domain

@testable import Devices

/// Modbus RTU buses of 9600 baud, on which some units say nothing.
struct Wires: ~Copyable {
  /// Start, eight bits, parity or a second stop bit, stop.
  static let bitsPerByte = 11
  static let baud = 9_600
  /// Before a request the line is silent for three and a half bytes.
  static let silence = Interval(ns: time(of: 7).ns / 2)

  var instruments: Instruments
  private(set) var now = ms(0)
  /// Each request: of which device, when it was sent, and how long it had been due.
  private(set) var asked: [(device: Int, at: Instant, late: Interval)] = []
  /// When a device was answered for.
  private(set) var answered: [(device: Int, at: Instant)] = []
  /// Turns of the door's loop, of which it does one after another; and how long each takes here.
  private(set) var turns = 0
  var turnTime = Interval.zero

  /// What the gateway sends next, if anything; the last request is told, with when it came.
  var attack: ((_ now: Instant, _ request: [UInt8], _ askedAt: Instant, inout Chance) -> (at: Instant, bytes: [UInt8])?)?
  /// How often it was read from.
  private(set) var reads = 0
  private(set) var gatewayRequests = 0
  private(set) var reopened = 0
  private var gatewayRequest: (bytes: [UInt8], at: Instant) = ([], .past)
  private var generation: UInt32 = 1
  private var connects = Instant.never
  private var hasGateway: Bool
  private var gateway: PortID { PortID(coming.count) }

  private let unitsPerBus: Int
  private let silent: Set<Int>
  private var chance: Chance
  private var findings = Findings()
  private var outbox = Outbox()
  /// What is on its way back on each bus; `nil` bytes: nothing, until the time-out.
  private var coming: [(at: Instant, device: Int, bytes: [UInt8]?)?]

  /// Bytes on the wire.
  static func time(of bytes: Int) -> Interval { Interval(ns: Int64(bytes * bitsPerByte) * 1_000_000_000 / Int64(baud)) }

  /// The longest a unit that answers holds the bus: request of eight bytes, the slowest turnaround, reply.
  static func exchange(registers: Int) -> Interval {
    silence + time(of: 8) + .milliseconds(50) + time(of: 5 + 2 * registers)
  }

  /// - Parameters:
  ///   - silent: devices, by index; device `d` is on bus `d / unitsPerBus`.
  ///   - hasGateway: behind the buses there is a port of Modbus TCP with as many units.
  init(buses: Int, unitsPerBus: Int, _ profile: Profile, silent: Set<Int> = [], seed: UInt64, hasGateway: Bool = false) {
    self.hasGateway = hasGateway
    self.unitsPerBus = unitsPerBus
    self.silent = silent
    chance = Chance(seed)
    coming = Array(repeating: nil, count: buses)
    let count = buses + (hasGateway ? 1 : 0)
    let plans = (0..<count * unitsPerBus).map {
      DevicePlan(profile: profile, port: PortID($0 / unitsPerBus), unit: UInt8($0 % unitsPerBus + 1), isAtLane: false)
    }
    instruments = Instruments(
      InstrumentSettings(
        ports: Array(repeating: .modbusRTU, count: buses) + (hasGateway ? [.modbusTCP] : []), devices: plans))
    for bus in 0..<count {
      instruments.opened(PortID(bus), Generation(1), at: now, &findings, &outbox)
      settle()
    }
  }

  mutating func run(until end: Instant) {
    while true {
      var bus = -1
      var next = instruments.nextDeadline
      for index in coming.indices {
        if let reply = coming[index], reply.at < next { (bus, next) = (index, reply.at) }
      }
      let sent = connects == .never ? attack?(now, gatewayRequest.bytes, gatewayRequest.at, &chance) : nil
      let isAttack = sent.map { $0.at < next } ?? false
      if let sent, isAttack { (bus, next) = (-1, sent.at) }
      let connects = connects
      guard min(next, connects) <= end else { break }
      now = max(now, min(next, connects))
      turns += 1
      if connects <= next {
        self.connects = .never
        generation += 1
        instruments.opened(gateway, Generation(generation), at: now, &findings, &outbox)
      } else if let sent, isAttack {
        reads += 1
        instruments.received(sent.bytes.span, from: gateway, Generation(generation), at: now, &findings, &outbox)
      } else if bus >= 0, let reply = coming[bus] {
        coming[bus] = nil
        if let bytes = reply.bytes {
          answered.append((reply.device, now))
          instruments.received(bytes.span, from: PortID(bus), Generation(1), at: now, &findings, &outbox)
        } else {
          instruments.failed(PortID(bus), Generation(1), .timedOut, at: now, &findings, &outbox)
        }
      } else {
        instruments.advance(to: now, &findings, &outbox)
      }
      settle()
      now = now + turnTime
    }
    now = max(now, end)
  }

  /// The door closes the connection and has another one a second later.
  private mutating func reopen() {
    reopened += 1
    connects = now + .seconds(1)
    instruments.lost(gateway, Generation(generation), at: now, &findings, &outbox)
  }

  private mutating func settle() {
    var isSpoiled = false
    for index in 0..<outbox.count {
      if case .reopen = outbox.outputs[index] { isSpoiled = true }
      guard case .send(let send) = outbox.outputs[index] else { continue }
      let bus = Int(send.port.index)
      guard bus < coming.count else {
        gatewayRequest = ((0..<Int(send.count)).map { outbox.bytes[Int(send.offset) + $0] }, now)
        gatewayRequests += 1
        continue
      }
      precondition(coming[bus] == nil, "Two requests on one bus.")
      let request = (0..<Int(send.count)).map { outbox.bytes[Int(send.offset) + $0] }
      let device = bus * unitsPerBus + Int(request[0]) - 1
      let row = Int(instruments.devices[device].firstRequest)
      asked.append((device, now, now - instruments.requests[row].due))
      let sent = now + Self.silence + Self.time(of: request.count + 2)
      guard !silent.contains(device) else {
        coming[bus] = (sent + send.replyWithin, device, nil)
        continue
      }
      let count = Int(request[5])
      let reply = [request[0]] + words(Array(repeating: 400, count: count), function: request[1])
      let turnaround = Interval(ns: 20_000_000 + Int64(chance.below(30_000_001)))
      coming[bus] = (sent + turnaround + Self.time(of: reply.count + 2), device, reply)
    }
    findings.clear()
    outbox.clear()
    guard isSpoiled, connects == .never else { return }
    reopen()
    findings.clear()
    outbox.clear()
  }
}

/// The value that this share of them does not exceed.
func percentile(_ share: Double, _ values: [Interval]) -> Interval {
  let sorted = values.sorted()
  return sorted.isEmpty ? .zero : sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
}
