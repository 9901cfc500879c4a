// Buses with their units, in virtual time: what a request and its reply take on the wire, how long a unit thinks, and
// what a silent one costs. The door's side of it is all real.

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
  /// Whenever the door was woken: a turn of its loop.
  private(set) var turns = 0

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

  /// - Parameter silent: devices, by index; device `d` is on bus `d / unitsPerBus`.
  init(buses: Int, unitsPerBus: Int, _ profile: Profile, silent: Set<Int>, seed: UInt64) {
    self.unitsPerBus = unitsPerBus
    self.silent = silent
    chance = Chance(seed)
    coming = Array(repeating: nil, count: buses)
    let plans = (0..<buses * unitsPerBus).map {
      DevicePlan(profile: profile, port: PortID($0 / unitsPerBus), unit: UInt8($0 % unitsPerBus + 1), isAtLane: false)
    }
    instruments = Instruments(
      InstrumentSettings(ports: Array(repeating: .modbusRTU, count: buses), devices: plans))
    for bus in 0..<buses {
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
      guard next <= end else { break }
      now = max(now, next)
      turns += 1
      if bus >= 0, let reply = coming[bus] {
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
    }
    now = end
  }

  private mutating func settle() {
    for index in 0..<outbox.count {
      guard case .send(let send) = outbox.outputs[index] else { continue }
      let bus = Int(send.port.index)
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
  }
}

/// The value that this share of them does not exceed.
func percentile(_ share: Double, _ values: [Interval]) -> Interval {
  let sorted = values.sorted()
  return sorted.isEmpty ? .zero : sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
}
