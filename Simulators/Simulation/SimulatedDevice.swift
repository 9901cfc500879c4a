// One device: its profile, what the world puts into its fields, and how it misbehaves at the moment.

import Devices
import Domain

/// What of a field decides which value it tells.
struct Quantity: Sendable {
  let use: Use
  let range: ClosedRange<Double>?
  let response: Interval?
  /// While the device warms up, and in place of a value.
  let warmUp: Double?
  let sentinel: Double?
  /// When the world has nothing to say about it.
  let ordinary: Double

  init(_ field: Field) {
    use = field.use
    range = field.range
    response = field.response
    warmUp = field.warmUpValues.first.map { meaning(of: $0, field) }
    sentinel = field.sentinels.first.map { meaning(of: $0, field) }
    ordinary = ordinaryValue(of: field)
  }

  /// Whether it tells of the world, rather than of the device.
  var isMeasured: Bool { use.isMeasured }
}

/// What a device is from its beginning to its end. A class, since it is large, and what stands in an array is copied for many a call.
final class DeviceNature: Sendable {
  let name: String
  let profile: Profile
  /// How it speaks, where that is in frames.
  let frameSpeech: FrameSpeech?
  /// One a field of the profile.
  let quantities: [Quantity]
  /// Which fields stand in an unasked message, and in the answer to each request.
  let unasked: [Int]
  let answering: [[Int]]
  /// Which of the profile's variants it plays.
  let variant: Int
  /// What it says to be known as that variant, by field.
  let texts: [Int: [UInt8]]
  /// Fields that another one scales, by index.
  let scaled: [Int]
  let commands: [ByteCommand]
  /// Under which conditions the values of an unasked frame exist: one after the other, where there are several.
  let turns: [[Need]]
  /// Values that fields tell of the device, by index: which variant it is, and so that others exist or are read; so that more is asked while a
  /// card lies there; that it warms up.
  let saysAlways: [Int: Double]
  let saysCard: [Int: Double]
  let saysWarmingUp: [Int: Double]

  init(_ planned: PlannedDevice) {
    name = planned.name
    profile = planned.profile
    frameSpeech = if case .serial(let speech) = profile.transport { speech } else if case .hid(let speech, _) = profile.transport { speech } else { nil }
    let all = planned.profile.fields
    quantities = all.map(Quantity.init)
    unasked = all.indices.filter { all[$0].answers == 0 }
    answering = (frameSpeech?.requests ?? []).indices.map { request in
      all.indices.filter { all[$0].answers == 0 || all[$0].answers >> UInt32(request) & 1 == 1 }
    }
    variant = planned.variant
    commands = planned.profile.writes.flatMap(ByteCommand.all)
    let fields = planned.profile.fields.filter { $0.isPlayed(as: planned.variant) }
    func meanings(_ words: [Int: Double]) -> [Int: Double] {
      words.reduce(into: [:]) { if all.indices.contains($1.key) { $0[$1.key] = meaning(of: $1.value, all[$1.key]) } }
    }
    var saysAlways = Self.words(fields.flatMap { $0.when + $0.readWhen }.flatMap { need in need.conditions.map { (need.field, $0) } })
    saysWarmingUp = meanings(Self.words(fields.flatMap(\.badWhen).filter { $0.reason == .warmingUp }.map { ($0.field, $0.condition) }))
    let dialogue = (frameSpeech?.requests ?? []).flatMap(\.when)
    saysCard = meanings(Self.words(dialogue.flatMap { need in need.conditions.map { (need.field, $0) } }))
    scaled = planned.profile.fields.indices.filter { planned.profile.fields[$0].multiplier != nil }
    turns = Self.turns(of: planned.profile)
    var texts: [Int: [UInt8]] = [:]
    if planned.profile.variants.indices.contains(variant), let field = planned.profile.variants[variant].identity {
      if let text = planned.profile.variants[variant].texts.first { texts[field] = Array(text.utf8) }
      if let number = planned.profile.variants[variant].numbers.first { saysAlways[field] = number }
    }
    self.texts = texts
    self.saysAlways = meanings(saysAlways)
  }

  /// All the bits, or the first of the numbers, that conditions ask for, by field.
  private static func words(_ conditions: [(field: Int, condition: BadWhen.Condition)]) -> [Int: Double] {
    var words: [Int: UInt32] = [:]
    for (field, condition) in conditions {
      switch condition {
      case .anyBit(let mask): words[field, default: 0] |= mask
      case .equals(let number): if words[field] == nil { words[field] = number }
      }
    }
    return words.mapValues(Double.init)
  }

  /// The conditions under which fields of the first kind of frame exist, each once.
  private static func turns(of profile: Profile) -> [[Need]] {
    profile.fields.reduce(into: []) { turns, field in
      guard field.frames & 1 == 1, case .equals? = field.when.first?.conditions.first, !turns.contains(field.when) else { return }
      turns.append(field.when)
    }
  }
}

/// A device of the world. What is asked of it often is inlined, so that it is not copied for that.
struct SimulatedDevice: Sendable {
  let nature: DeviceNature
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
  /// Relays that it was told to switch in bytes, bit 0 is relay 1.
  var relays: UInt32 = 0
  /// How many unasked frames it sent.
  var turn = 0
  /// Inputs switched by command, by channel from 1.
  var switched: [Int: Bool] = [:]
  /// What it sent last that no fault spoiled, values a message: as many as a slow wire may still hold.
  private(set) var told: [[Double]] = []
  private var nextTold = 0
  /// When the next unasked frame is due; never for a device that is asked.
  var nextFrame: Instant = .never
  private(set) var isPowered = true
  /// Until then it has been on for less than its warm-up.
  private(set) var warmAt: Instant = .past
  /// Its relays when the power went.
  private var relaysBefore: UInt32 = 0
  /// What lies on a reader until it is read: the field that tells it, and its text.
  var card: (field: Int, text: [UInt8])?
  /// How far slow fields have come, by index.
  private var lags: [Int: Lag] = [:]
  /// While a `self_calibrates` fault lasts.
  var calibration: SelfCalibration?
  /// Bytes heard that are no request yet.
  var heard: [UInt8] = []
  /// What was written in bytes, oldest first, at most 256.
  private(set) var written: [Written] = []

  init(_ planned: PlannedDevice, from now: Instant) {
    nature = DeviceNature(planned)
    bus = planned.bus
    unit = planned.unit
    if let speech = frameSpeech { nextFrame = speech.isAsked || speech.isSeldom ? .never : now + pause(speech) }
    if case .modbus(let speech) = planned.profile.transport {
      registers = Registers(
        speech, fields: planned.profile.fields, writes: planned.profile.writes.map(\.kind), variant: planned.variant)
    }
  }

  var name: String { nature.name }
  var profile: Profile { nature.profile }
  var frameSpeech: FrameSpeech? { nature.frameSpeech }
  var variant: Int { nature.variant }

  /// These values went out whole.
  mutating func tell(_ values: [Double]) {
    if told.count < 256 { told.append(values) } else { told[nextTold] = values }
    nextTold = (nextTold + 1) % 256
  }

  /// What a field tells of the device itself at the moment; `nil`: nothing.
  @inline(__always)
  func word(_ field: Int, at now: Instant) -> Double? {
    if now < warmAt, let word = nature.saysWarmingUp[field] { return word }
    if card != nil, let word = nature.saysCard[field] { return word }
    return nature.saysAlways[field]
  }

  /// What a slow field shows of a value.
  mutating func follow(_ value: Double, _ field: Int, within response: Interval, at now: Instant) -> Double {
    var lag = lags[field] ?? Lag(settledAt: value, now)
    defer { lags[field] = lag }
    return lag.follow(value, within: response, at: now)
  }

  /// The power goes, and no relay is held; or it comes back.
  mutating func setPower(_ isOn: Bool, keepsRelays: Bool = false, at now: Instant) {
    guard isOn != isPowered else { return }
    isPowered = isOn
    heard = []
    card = nil
    lags = [:]
    if isOn {
      warmAt = now + profile.warmUp
      guard keepsRelays else { return }
      relays = relaysBefore
      registers?.setRelays(relaysBefore)
    } else {
      relaysBefore = relayMask(at: now)
      relays = 0
      registers?.dropRelays()
    }
  }

  /// Between two unasked frames: each value is told once in a period.
  @inline(__always)
  func pause(_ speech: FrameSpeech) -> Interval { Interval(ns: max(speech.period.ns / Int64(max(nature.turns.count, 1)), 1_000_000)) }

  /// All relays, bit 0 is relay 1.
  @inline(__always)
  func relayMask(at now: Instant) -> UInt32 { registers?.relayMask(at: now) ?? relays }

  /// Relay `channel`, counted from 1.
  @inline(__always)
  func isRelayOn(_ channel: Int, at now: Instant) -> Bool {
    if let registers { return registers.isRelayOn(channel, at: now) }
    return (1...32).contains(channel) && relays >> UInt32(channel - 1) & 1 == 1
  }

  /// Takes in one message; `true`: it was a command.
  mutating func obey(_ message: [UInt8], at now: Instant) -> Bool {
    guard let command = nature.commands.first(where: { $0.length == message.count && $0.isHeard(in: message, behind: []) }) else { return false }
    let value = command.value(in: message)
    if let channel = command.channel {
      if value > 0 { relays |= 1 << UInt32(channel - 1) } else { relays &= ~(1 << UInt32(channel - 1)) }
    }
    written.append(Written(at: now, what: command.name, address: command.channel ?? 0, value: value))
    if written.count > 256 { written.removeFirst() }
    return true
  }

  /// The fault that is in force.
  @inline(__always)
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
  @inline(__always)
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
  mutating func hear(_ bytes: [UInt8], requests: [Request], at now: Instant) -> [Int] {
    heard += bytes
    let address = address, messages = requests.map { $0.bytes.isEmpty ? [] : address + $0.bytes }
    var found: [Int] = []
    while !heard.isEmpty {
      if let command = nature.commands.filter({ $0.isHeard(in: heard, behind: address) }).max(by: { $0.length < $1.length }) {
        let message = Array(heard[address.count..<address.count + command.length])
        _ = obey(message, at: now)
        if let asked = requests.firstIndex(where: { !$0.bytes.isEmpty && message.starts(with: $0.bytes) }) { found.append(asked) }
        heard.removeFirst(address.count + message.count)
      } else if let whole = messages.firstIndex(where: { !$0.isEmpty && heard.starts(with: $0) }) {
        heard.removeFirst(messages[whole].count)
        found.append(whole)
      } else if messages.contains(where: { $0.starts(with: heard) }) || nature.commands.contains(where: { $0.mayFollow(heard, address) }) {
        break
      } else {
        heard.removeFirst()
      }
    }
    return found
  }
}

/// One thing that is ordered in bytes.
struct ByteCommand: Sendable {
  /// As its write is called.
  var name: String
  var bytes: [UInt8]
  /// The relay, and whether it is switched on.
  var channel: Int?
  var isOn = false
  /// Where a number stands in it, and the check that then follows from it.
  var number: NumberBytes?

  var length: Int { bytes.count }

  /// Every command of a write.
  static func all(of write: Write) -> [ByteCommand] {
    switch write.kind {
    case .coil, .pulse, .register, .setting: []
    case .bytes(let bytes): [ByteCommand(name: write.name, bytes: bytes)]
    case .number(let number):
      [ByteCommand(name: write.name, bytes: number.bytes + [UInt8](repeating: 0, count: number.check.width), number: number)]
    case .relay(let relay):
      (1...max(1, min(relay.count, 32))).flatMap { channel in
        [(relay.on, true), (relay.off, false)].map { plain, isOn in
          var bytes = plain
          if bytes.indices.contains(relay.channelAt) { bytes[relay.channelAt] = UInt8(channel) }
          bytes += [UInt8](repeating: 0, count: relay.check.width)
          putCheck(relay.check, into: &bytes)
          return ByteCommand(name: write.name, bytes: bytes, channel: channel, isOn: isOn)
        }
      }
    }
  }

  /// Where its number stands.
  private var digits: Range<Int> { number.map { $0.at..<$0.at + $0.type.width } ?? 0..<0 }

  /// Whether these bytes are its beginning, or all of it.
  func begins(_ heard: some Collection<UInt8>) -> Bool {
    let isFree = number.map { length - $0.check.width } ?? length
    return zip(heard, bytes.indices).allSatisfy { byte, index in digits.contains(index) || index >= isFree || bytes[index] == byte }
  }

  /// Whether bytes begin with the address and all of it, and their check is right.
  func isHeard(in heard: [UInt8], behind address: [UInt8]) -> Bool {
    guard heard.count >= address.count + length, heard.starts(with: address) else { return false }
    let message = Array(heard[address.count..<address.count + length])
    guard begins(message) else { return false }
    guard let number else { return true }
    var right = message
    putCheck(number.check, into: &right)
    return right == message
  }

  /// Whether more of it may come behind what was heard.
  func mayFollow(_ heard: [UInt8], _ address: [UInt8]) -> Bool {
    guard heard.count < address.count + length else { return false }
    return heard.count <= address.count ? address.starts(with: heard) : heard.starts(with: address) && begins(heard.dropFirst(address.count))
  }

  /// Of a relay 1 or 0, else the number, as it stands on the wire.
  func value(in message: [UInt8]) -> Int {
    guard number != nil else { return isOn ? 1 : 0 }
    return message[digits].reduce(0) { $0 << 8 | Int($1) }
  }
}

/// What a field tells when the world has nothing to say about it: something plausible inside its range.
func ordinaryValue(of field: Field) -> Double {
  let guess: Double =
    switch field.unit {
    case .degC: 22
    case .percentRH: 45
    case .ppm: 450
    // Air without a single particle is what particle sensors show while they warm up.
    case .microgramPerCubicMetre: 8
    case .perCubicCentimetre: 20
    default: 0
    }
  var value = field.range.map { min(max(guess, $0.lowerBound), $0.upperBound) } ?? guess
  let raws = field.sentinels + field.warmUpValues
  while field.unit != .none, field.unit != .bits, field.unit != .channels, raws.contains(rawNumber(of: value, field)) {
    value += max(field.scale.magnitude, 1e-6)
  }
  return value
}
