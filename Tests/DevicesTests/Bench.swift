// What tests of Devices stand on: profiles made by hand, a clock in the test's hand, and what came out of each step as
// plain arrays. The bytes of frames and replies are made here, by code that shares nothing with the decoder.

import Domain
import Testing

@testable import Devices

let port = PortID(0)

func ms(_ count: Int64) -> Instant { Instant(ns: 1_000_000_000_000 + count * 1_000_000) }

/// Instruments under test, with everything they said since the last `forget`.
final class Bench {
  var instruments: Instruments
  var findings = Findings()
  var outbox = Outbox()
  var readings: [Reading] = []
  var texts: [(device: Int, field: Int, bytes: [UInt8])] = []
  var changes: [DeviceChange] = []
  var sent: [(bytes: [UInt8], urgency: Urgency)] = []
  var reopened = 0
  var now = ms(0)
  private var bytesIn: [PortID: Int] = [:]

  init(_ kinds: [PortKind], _ devices: [DevicePlan], open: Bool = true, echoing: Set<PortID> = []) {
    instruments = Instruments(InstrumentSettings(ports: kinds, devices: devices, echoing: echoing))
    if open { for index in kinds.indices { self.open(PortID(index)) } }
  }

  /// One profile on one port.
  convenience init(
    _ kind: PortKind, _ profile: Profile, unit: UInt8 = 1, isAtLane: Bool = false, variant: Int? = nil, open: Bool = true,
    echoes: Bool = false
  ) {
    self.init(
      [kind], [DevicePlan(profile: profile, port: port, unit: unit, isAtLane: isAtLane, variant: variant)], open: open,
      echoing: echoes ? [port] : [])
  }

  private func collect() {
    for index in 0..<findings.readingCount { readings.append(findings.readings[index]) }
    for index in 0..<findings.textCount {
      let text = findings.texts[index]
      let bytes = (0..<Int(text.count)).map { findings.textBytes[Int(text.first) + $0] }
      texts.append((Int(text.device.index), Int(text.field), bytes))
    }
    for index in 0..<findings.changeCount { changes.append(findings.changes[index]) }
    for index in 0..<outbox.count {
      switch outbox.outputs[index] {
      case .send(let send): sent.append(((0..<Int(send.count)).map { outbox.bytes[Int(send.offset) + $0] }, send.urgency))
      case .reopen: reopened += 1
      case .event: break
      }
    }
    findings.clear()
    outbox.clear()
  }

  func forget() { (readings, texts, changes, sent, reopened) = ([], [], [], [], 0) }

  func open(_ port: PortID = port, _ generation: UInt32 = 1) {
    instruments.opened(port, Generation(generation), at: now, &findings, &outbox)
    collect()
  }

  func lose(_ port: PortID = port, _ generation: UInt32 = 1) {
    instruments.lost(port, Generation(generation), at: now, &findings, &outbox)
    collect()
  }

  func receive(_ bytes: [UInt8], _ port: PortID = port, _ generation: UInt32 = 1) {
    instruments.received(bytes.span, from: port, Generation(generation), at: now, &findings, &outbox)
    collect()
    bytesIn[port, default: 0] += bytes.count
    let counted = instruments.counters(of: port)
    #expect(
      Int(counted.bytesTaken + counted.bytesDropped + counted.bytesWaiting) == bytesIn[port], "each byte is taken, dropped or waits: \(counted)")
  }

  func fail(_ failure: RequestFailure, _ port: PortID = port, _ generation: UInt32 = 1) {
    instruments.failed(port, Generation(generation), failure, at: now, &findings, &outbox)
    collect()
  }

  /// A bus thread found a whole reply that nobody waited for.
  func late(unit: UInt8, _ port: PortID = port, _ generation: UInt32 = 1) {
    instruments.late(port, Generation(generation), unit: unit, at: now)
  }

  @discardableResult
  func write(_ action: WriteAction, isGate: Bool = false, to device: Int = 0) -> Bool {
    let taken = instruments.write(action, isGate: isGate, to: DeviceID(device), at: now, &findings, &outbox)
    collect()
    return taken
  }

  /// Lets time pass and does what falls due, at its moment; `answer` sees every request that goes out and may answer it.
  func run(until end: Instant, _ answer: (Bench) -> Void = { _ in }) {
    while instruments.nextDeadline <= end {
      now = max(now, instruments.nextDeadline)
      instruments.advance(to: now, &findings, &outbox)
      collect()
      answer(self)
    }
    now = end
  }

  /// Lets time pass while `reply` answers each request at once, or does not; what was sent, and when, in ms.
  @discardableResult
  func talk(until end: Int64, _ reply: ([UInt8]) -> [UInt8]?) -> [(at: Int64, bytes: [UInt8])] {
    var said: [(at: Int64, bytes: [UInt8])] = []
    func answerAll(_ bench: Bench) {
      while let request = bench.sent.first {
        bench.sent.removeFirst()
        said.append(((bench.now.ns - ms(0).ns) / 1_000_000, request.bytes))
        if let answer = reply(request.bytes) { bench.receive(answer) }
      }
    }
    answerAll(self)
    run(until: ms(end)) { answerAll($0) }
    return said
  }

  var device: DeviceCounters { instruments.counters(of: DeviceID(0)) }
  var bus: BusCounters { instruments.counters(of: port) }
  var isUp: Bool { instruments.isUp(DeviceID(0)) }
  var nextDeadline: Instant { instruments.nextDeadline }

  /// `name=value` or `name=reason`, of all readings.
  func said(_ profile: Profile) -> [String] {
    readings.map { reading in
      let name = profile.fields[Int(reading.field)].name
      switch reading.quality {
      case .good: return "\(name)=\(reading.decoded)"
      case .invalid(let reason): return "\(name)=\(reason.name)"
      }
    }
  }

  /// `name: text`, of all texts.
  func told(_ profile: Profile) -> [String] {
    texts.map { "\(profile.fields[$0.field].name): \(String(decoding: $0.bytes, as: UTF8.self))" }
  }

  /// `up 0`, `down 1 silent`, in order.
  var changed: [String] {
    changes.map {
      switch $0 {
      case .up(let device): "up \(device.index)"
      case .down(let device, let reason): "down \(device.index) \(reason)"
      case .poweredOn(let device): "on \(device.index)"
      case .wrote(let device, let action): "wrote \(device.index) \(action.text)"
      case .writeFailed(let device, let action): "failed \(device.index) \(action.text)"
      }
    }
  }
}

extension WriteAction {
  var text: String {
    switch self {
    case .set(let channel, let on): "\(channel) \(on ? "on" : "off")"
    case .pulse(let channel, let time): "\(channel) for \(time.ns / 1_000_000)"
    case .named(let index, let value): "named \(index)\(value.isNaN ? "" : " \(value)")"
    }
  }
}

// MARK: Profiles

func profile(
  _ transport: Transport, _ fields: [Field], warmUp: Interval = .zero, power: Power = .own, writes: [Write] = []
) -> Profile {
  Profile(
    id: "test", maker: "", model: "", kind: "", source: "", proof: .constructed, notes: [], transport: transport,
    line: Line(baud: 9_600), power: power, warmUp: warmUp, fields: fields, writes: writes)
}

/// A stream of nine bytes: start of four, two numbers, sum.
func thermometer(warmUp: Interval = .zero, power: Power = .own) -> Profile {
  profile(
    .serial(
      FrameSpeech(
        frames: [Framing(startsWith: [0x5A, 0x5A, 0x45, 0x04], length: 9, check: .sum8(from: 0, at: 8))], requests: [],
        period: .milliseconds(72))),
    [
      Field(name: "object", location: .frame(at: 4), type: .i16be, scale: 0.01, unit: .degC, use: .surface, range: -70...300),
      Field(name: "ambient", location: .frame(at: 6), type: .i16be, scale: 0.01, unit: .degC, range: -40...125),
    ], warmUp: warmUp, power: power)
}

/// A question and an answer of nine bytes, with a word that tells of booting.
func asked(warmUp: Interval = .zero, power: Power = .own, warmUpValues: [Double] = []) -> Profile {
  profile(
    .serial(
      FrameSpeech(
        frames: [Framing(startsWith: [0xFF, 0x86], length: 9, check: .negativeSum8(from: 1, at: 8))],
        requests: [Request(bytes: [0xFF, 0x01, 0x86, 0, 0, 0, 0, 0, 0x79], replyWithin: .milliseconds(500))],
        period: .seconds(5))),
    [
      Field(
        name: "co2", location: .frame(at: 2), type: .u16be, unit: .ppm, use: .co2, range: 0...10_000,
        warmUpValues: warmUpValues, badWhen: [BadWhen(field: 2, .equals(15_000), reason: .warmingUp)]),
      Field(name: "temperature", location: .frame(at: 4), type: .u8, offset: -40, unit: .degC, absent: [0]),
      Field(name: "boot", location: .frame(at: 6), type: .u16be, told: .never),
    ], warmUp: warmUp, power: power)
}

/// A device that speaks in frames; in HID reports of this length where one is named.
func framed(
  _ frames: [Framing], _ fields: [Field], _ requests: [Request] = [], period: Interval = .seconds(1), gap: Interval? = nil,
  isSeldom: Bool = false, address: Addressing? = nil, reports: HIDReports? = nil
) -> Profile {
  let speech = FrameSpeech(frames: frames, requests: requests, period: period, gap: gap, isSeldom: isSeldom, address: address)
  return profile(reports.map { .hid(speech, $0) } ?? .serial(speech), fields)
}

/// A field of a frame, and what else is special about it.
func field(_ name: String, at: Int, _ type: NumberType = .u8, _ change: (inout Field) -> Void = { _ in }) -> Field {
  var field = Field(name: name, location: .frame(at: at), type: type)
  change(&field)
  return field
}

func speech(
  registers: Int = 125, bits: Int = 0, period: Interval = .seconds(2), reply: Interval = .milliseconds(500), wake: Wake? = nil
) -> ModbusSpeech {
  ModbusSpeech(unit: 1, registersPerRead: registers, bitsPerRead: bits, period: period, replyWithin: reply, wake: wake)
}

func register(_ name: String, _ table: RegisterTable = .input, _ address: Int, _ type: NumberType = .u16be) -> Field {
  Field(name: name, location: .register(table, address: address), type: type)
}

/// One register, asked each 2 s.
func sensor(period: Interval = .seconds(2), reply: Interval = .milliseconds(500)) -> Profile {
  profile(.modbus(speech(period: period, reply: reply)), [register("co2", .input, 3)])
}

/// CO2 and, far from it, the status that it depends on.
func guarded() -> Profile {
  profile(
    .modbus(speech()),
    [
      Field(
        name: "co2", location: .register(.input, address: 3), type: .i16be, unit: .ppm, use: .co2,
        badWhen: [BadWhen(field: 1, mask: 0b11)]),
      Field(name: "status", location: .register(.input, address: 900), type: .u16be, unit: .bits, use: .status),
    ])
}

/// Eight relays and eight inputs, each 200 ms.
func board(pulse: Bool = true) -> Profile {
  var writes = [Write(name: "relay", kind: .coil(address: 0, count: 8))]
  if pulse { writes.append(Write(name: "pulse", kind: .pulse(address: 0x200, count: 8, unit: .milliseconds(100)))) }
  return profile(
    .modbus(speech(bits: 8, period: .milliseconds(200), reply: .milliseconds(200))),
    [
      Field(name: "relays", location: .register(.coil, address: 0), type: .bits(8), unit: .channels, use: .relays),
      Field(name: "inputs", location: .register(.discrete, address: 0), type: .bits(8), unit: .channels, use: .inputs),
    ], writes: writes)
}

// MARK: Bytes

func bytes(_ text: String) -> [UInt8] { text.split(separator: " ").compactMap { UInt8($0, radix: 16) } }

func big(_ value: Int) -> [UInt8] { [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)] }

/// These bytes and the low byte of their sum.
func summed(_ body: [UInt8]) -> [UInt8] { body + [UInt8(body.reduce(0) { $0 + Int($1) } & 0xFF)] }

/// A thermometer's frame, in hundredths of a degree.
func thermal(_ object: Int, _ ambient: Int) -> [UInt8] {
  summed(bytes("5a 5a 45 04") + big(object) + big(ambient))
}

/// An answer of the asked sensor.
func answer(co2: Int, temperature: UInt8 = 60, boot: Int = 0) -> [UInt8] {
  let body = [UInt8](bytes("ff 86") + big(co2) + [temperature, 0]) + big(boot)
  return body + [UInt8((256 - body.dropFirst().reduce(0) { $0 + Int($1) } & 0xFF) & 0xFF)]
}

/// A Modbus TCP frame.
func tcp(_ transaction: Int, unit: UInt8 = 1, _ pdu: [UInt8], length: Int? = nil) -> [UInt8] {
  big(transaction) + [0, 0] + big(length ?? pdu.count + 1) + [unit] + pdu
}

func words(_ values: [Int], function: UInt8 = 4) -> [UInt8] { [function, UInt8(2 * values.count)] + values.flatMap(big) }

/// CRC-16/Modbus bit by bit from its definition, low byte first.
func withCRC(_ frame: [UInt8]) -> [UInt8] {
  var crc = 0xFFFF
  for byte in frame {
    crc ^= Int(byte)
    for _ in 0..<8 { crc = crc % 2 == 1 ? (crc / 2) ^ 0xA001 : crc / 2 }
  }
  return frame + [UInt8(crc % 256), UInt8(crc / 256)]
}

/// The same numbers on every machine; a failing seed is replayable.
struct Chance {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
  mutating func below(_ bound: Int) -> Int { Int(next() >> 33) % max(bound, 1) }
  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 40) } }
}
