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
  /// Which of the profile's variants it plays.
  let variant: Int
  /// What it says to be known as that variant, by field.
  private(set) var texts: [Int: [UInt8]] = [:]
  /// Raw numbers that it says whatever the world is like, by field: which variant it is, and that there is something to read.
  private(set) var said: [Int: Double] = [:]
  /// Fields that another one scales, by index.
  let scaled: [Int]
  /// Modbus devices only.
  var registers: Registers?
  var fault: Fault?
  /// When the last byte that trickles is out.
  var busyUntil: Instant = .past
  /// The values of the moment a `stuck` fault began.
  var frozen: [Double]?
  /// Fields held at a value by command, by index.
  var held: [Int: Double] = [:]
  /// Relays that it was told to switch in bytes, bit 0 is relay 1.
  var relays: UInt32 = 0
  private let commands: [RelayCommand]
  /// Under which conditions the values of an unasked frame exist: one after the other, where there are several.
  let turns: [[Need]]
  /// How many unasked frames it sent.
  var turn = 0
  /// Inputs switched by command, by channel from 1.
  var switched: [Int: Bool] = [:]
  /// What it sent last that no fault spoiled, values a message: as many as a slow wire may still hold.
  private(set) var told: [[Double]] = []
  private var nextTold = 0
  /// When the next unasked frame is due; never for a device that is asked.
  var nextFrame: Instant = .never
  /// Until then it has been on for less than its warm-up.
  var warmAt: Instant = .past
  /// Bytes heard that are no request yet.
  var heard: [UInt8] = []

  init(_ planned: PlannedDevice, from now: Instant) {
    name = planned.name
    profile = planned.profile
    bus = planned.bus
    unit = planned.unit
    variant = planned.variant
    commands = planned.profile.writes.flatMap { RelayCommand.all(of: $0.kind) }
    scaled = planned.profile.fields.indices.filter { planned.profile.fields[$0].multiplier != nil }
    turns = Self.turns(of: planned.profile)
    if planned.profile.variants.indices.contains(variant), let field = planned.profile.variants[variant].identity {
      if let text = planned.profile.variants[variant].texts.first { texts[field] = Array(text.utf8) }
      said[field] = planned.profile.variants[variant].numbers.first
    }
    for need in planned.profile.fields.flatMap(\.readWhen) {
      switch need.conditions.first {
      case .equals(let word)?, .anyBit(let word)?: said[need.field] = Double(word)
      case nil: break
      }
    }
    switch planned.profile.transport {
    case .serial(let speech), .hid(let speech, _): nextFrame = speech.isAsked || speech.isSeldom ? .never : now + pause(speech)
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

  /// The conditions under which fields of the first kind of frame exist, each once.
  private static func turns(of profile: Profile) -> [[Need]] {
    profile.fields.reduce(into: []) { turns, field in
      guard field.frames & 1 == 1, case .equals? = field.when.first?.conditions.first, !turns.contains(field.when) else { return }
      turns.append(field.when)
    }
  }

  /// Between two unasked frames: each value is told once in a period.
  func pause(_ speech: FrameSpeech) -> Interval { Interval(ns: max(speech.period.ns / Int64(max(turns.count, 1)), 1_000_000)) }

  /// All relays, bit 0 is relay 1.
  func relayMask(at now: Instant) -> UInt32 { registers?.relayMask(at: now) ?? relays }

  /// Relay `channel`, counted from 1.
  func isRelayOn(_ channel: Int, at now: Instant) -> Bool {
    if let registers { return registers.isRelayOn(channel, at: now) }
    return (1...32).contains(channel) && relays >> UInt32(channel - 1) & 1 == 1
  }

  /// Takes in one message; `true`: it switched a relay.
  mutating func obey(_ message: [UInt8]) -> Bool {
    guard let command = commands.first(where: { $0.bytes == message }) else { return false }
    if command.isOn { relays |= 1 << UInt32(command.channel - 1) } else { relays &= ~(1 << UInt32(command.channel - 1)) }
    return true
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

  /// What stands before each request to it, where several share a line.
  var address: [UInt8] {
    guard unit > 0, case .serial(let speech) = profile.transport else { return [] }
    switch speech.address {
    case nil: return []
    case .prefix(let base)?: return [base &+ unit]
    case .digits(let count)?:
      let digits = Array(String(unit).utf8)
      return [UInt8](repeating: 0x30, count: max(0, count - digits.count)) + digits
    }
  }

  /// What stands before its answers: digits do, and a byte does not.
  var answersBegin: [UInt8] {
    guard case .serial(let speech) = profile.transport, case .digits? = speech.address else { return [] }
    return address
  }

  /// Takes in bytes and says which whole requests there were, by index.
  mutating func hear(_ bytes: [UInt8], requests: [Request]) -> [Int] {
    heard += bytes
    let address = address, messages = requests.map { $0.bytes.isEmpty ? [] : address + $0.bytes }
    var found: [Int] = []
    while !heard.isEmpty {
      if let whole = messages.firstIndex(where: { !$0.isEmpty && heard.starts(with: $0) }) {
        heard.removeFirst(messages[whole].count)
        found.append(whole)
      } else if let command = commands.first(where: { heard.starts(with: $0.bytes) }) {
        _ = obey(command.bytes)
        heard.removeFirst(command.bytes.count)
      } else if messages.contains(where: { $0.starts(with: heard) }) || commands.contains(where: { $0.bytes.starts(with: heard) }) {
        break
      } else {
        heard.removeFirst()
      }
    }
    return found
  }
}

/// One relay switched by bytes.
struct RelayCommand: Sendable {
  var bytes: [UInt8]
  var channel: Int
  var isOn: Bool

  /// Every command of a write.
  static func all(of write: WriteKind) -> [RelayCommand] {
    guard case .relay(let relay) = write else { return [] }
    return (1...max(1, min(relay.count, 32))).flatMap { channel in
      [(relay.on, true), (relay.off, false)].map { plain, isOn in
        var bytes = plain
        if bytes.indices.contains(relay.channelAt) { bytes[relay.channelAt] = UInt8(channel) }
        bytes += [UInt8](repeating: 0, count: relay.check.width)
        putCheck(relay.check, into: &bytes)
        return RelayCommand(bytes: bytes, channel: channel, isOn: isOn)
      }
    }
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
