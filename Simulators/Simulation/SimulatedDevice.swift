// One device: its profile, what the world puts into its fields, and how it misbehaves at the moment.

import Devices
import Domain

/// A device of the world.
struct SimulatedDevice: Sendable {
  let name: String
  let profile: Profile
  /// Where it is wired to, which a swap changes.
  var bus: Int
  var unit: UInt8
  /// Modbus devices only.
  var registers: Registers?
  var fault: Fault?
  /// When the last byte that trickles is out.
  var busyUntil: Instant = .past
  /// The values of the moment a `stuck` fault began.
  var frozen: [Double]?
  /// Fields held at a value by command, by index.
  var held: [Int: Double] = [:]
  /// Inputs switched by command, by channel from 1.
  var switched: [Int: Bool] = [:]
  /// What it sent last that no fault spoiled, values a message: as many as a slow wire may still hold.
  private(set) var told: [[Double]] = []
  private var nextTold = 0
  /// When the next unasked frame is due; never for a device that is asked.
  var nextFrame: Instant = .never
  /// Bytes heard that are no request yet.
  var heard: [UInt8] = []

  init(_ planned: PlannedDevice, from now: Instant) {
    name = planned.name
    profile = planned.profile
    bus = planned.bus
    unit = planned.unit
    switch planned.profile.transport {
    case .serial(let speech), .hid(let speech, _): nextFrame = speech.isAsked || speech.isSeldom ? .never : now + speech.period
    case .modbus(let speech):
      registers = Registers(
        speech, fields: planned.profile.fields, writes: planned.profile.writes.map(\.kind), variant: planned.variant)
    }
  }

  /// These values went out whole.
  mutating func tell(_ values: [Double]) {
    if told.count < 256 { told.append(values) } else { told[nextTold] = values }
    nextTold = (nextTold + 1) % 256
  }

  /// The fault that is in force.
  func fault(at now: Instant) -> Fault? {
    guard let fault, now < fault.until else { return nil }
    return fault
  }

  /// How long whoever asks it waits for an answer; `nil`: nobody asks it.
  var patience: Interval? {
    switch profile.transport {
    case .serial(let speech), .hid(let speech, _): speech.requests.compactMap(\.replyWithin).max()
    case .modbus(let speech): speech.replyWithin
    }
  }

  /// Whether a request to `asked` is for this device: its own unit, or "any sensor".
  func answers(to asked: UInt8) -> Bool {
    if asked == unit { return true }
    guard case .modbus(let speech) = profile.transport else { return false }
    return asked == 0xFE && speech.unit == 0xFE
  }

  /// Takes in bytes and says which whole requests there were, by index.
  mutating func hear(_ bytes: [UInt8], requests: [Request]) -> [Int] {
    heard += bytes
    var found: [Int] = []
    while !heard.isEmpty {
      if let whole = requests.firstIndex(where: { !$0.bytes.isEmpty && heard.starts(with: $0.bytes) }) {
        heard.removeFirst(requests[whole].bytes.count)
        found.append(whole)
      } else if requests.contains(where: { $0.bytes.starts(with: heard) }) {
        break
      } else {
        heard.removeFirst()
      }
    }
    return found
  }
}

/// What a field tells when the world has nothing to say about it: something plausible inside its range.
func ordinaryValue(of field: Field) -> Double {
  let guess: Double =
    switch field.unit {
    case .degC: 22
    case .percentRH: 45
    case .ppm: 450
    default: 0
    }
  var value = field.range.map { min(max(guess, $0.lowerBound), $0.upperBound) } ?? guess
  let raws = field.sentinels + field.warmUpValues
  while field.unit != .none, field.unit != .bits, field.unit != .channels, raws.contains(rawNumber(of: value, field)) {
    value += max(field.scale.magnitude, 1e-6)
  }
  return value
}
