// What the fuzzers feed (Tests/Fuzz), and what `NoiseTests` replays of their corpus: bytes as a story of what happens to a
// port, through the real entry points. No reading may come out that calls itself good and is no number in its range.

import Domain
import Devices

/// A serial line: a stream or a sensor that is asked, by the first byte; then pieces of bytes, time, losses.
public func fuzzSerial(_ input: Span<UInt8>) {
  guard input.count > 0 else { return }
  let profile = input[0] & 1 == 0 ? streaming : questioned
  var story = Story(.serial, profile)
  story.play(input.extracting(1..<input.count))
  check(decode(array(input.extracting(1..<input.count)), with: profile), profile)
}

/// A connection of Modbus TCP with two units behind it.
public func fuzzTCP(_ input: Span<UInt8>) {
  var story = Story(.modbusTCP, mapped)
  story.play(input)
}

/// Replies of an RTU bus, and the same bytes to the tool that decodes them with and without a request.
public func fuzzRTU(_ input: Span<UInt8>) {
  var story = Story(.modbusRTU, mapped)
  story.play(input)
  let bytes = array(input)
  check(decode(bytes, with: mapped), mapped)
  check(decode(Array(bytes.dropFirst(8)), with: mapped, DecodeContext(request: Array(bytes.prefix(8)))), mapped)
}

/// A port and what happens to it. The input is a list of steps: a byte that says what, and what it needs.
struct Story: ~Copyable {
  var instruments: Instruments
  var findings = Findings(readings: 64, changes: 64)
  var outbox = Outbox(capacity: 64, byteCapacity: 1024)
  var now = Instant(ns: 1_000_000_000)
  var generation: UInt32 = 1
  let profile: Profile
  let port = PortID(0)

  init(_ kind: PortKind, _ profile: Profile) {
    self.profile = profile
    let units: [UInt8] = kind == .serial || kind == .hid ? [0] : [1, 0xFE]
    instruments = Instruments(
      InstrumentSettings(
        ports: [kind], devices: units.map { DevicePlan(profile: profile, port: PortID(0), unit: $0, isAtLane: true) }))
    instruments.opened(port, Generation(generation), at: now, &findings, &outbox)
    settle()
  }

  mutating func play(_ input: Span<UInt8>) {
    var at = 0
    while at < input.count {
      let step = input[at]
      let argument = at + 1 < input.count ? Int(input[at + 1]) : 0
      at += 2
      switch step & 7 {
      case 0, 1, 2, 3:
        let count = min(argument, max(0, input.count - at))
        instruments.received(
          input.extracting(min(at, input.count)..<min(at, input.count) + count), from: port, Generation(generation), at: now,
          &findings, &outbox)
        at += count
      case 4:
        now = now + .milliseconds(Int64(argument) * 20)
        instruments.advance(to: now, &findings, &outbox)
      case 5:
        instruments.failed(
          port, Generation(generation), RequestFailure.allCases[argument & 3], at: now, &findings, &outbox)
      case 6:
        instruments.lost(port, Generation(generation), at: now, &findings, &outbox)
        settle()
        generation &+= 1
        instruments.opened(port, Generation(generation), at: now, &findings, &outbox)
      default:
        let channel = UInt8(argument & 15)
        let action: WriteAction =
          argument & 16 == 0 ? .set(channel: channel, on: argument & 32 == 0) : .pulse(channel: channel, for: .seconds(5))
        _ = instruments.write(action, to: DeviceID(0), at: now, &findings, &outbox)
      }
      settle()
    }
  }

  private mutating func settle() {
    for index in 0..<findings.readingCount {
      let reading = findings.readings[index]
      guard reading.quality.isGood else { continue }
      let range = profile.fields[Int(reading.field)].range
      precondition(reading.decoded.isFinite && range?.contains(reading.decoded) != false, "A good reading is no value.")
    }
    findings.clear()
    outbox.clear()
  }
}

func check(_ frames: [DecodedFrame], _ profile: Profile) {
  for frame in frames {
    guard case .accepted(let values) = frame.outcome else { continue }
    for value in values where value.quality.isGood && value.text == nil {
      let range = profile.fields.first { $0.name == value.name }?.range
      precondition(value.value.isFinite && range?.contains(value.value) != false, "A good value is none.")
    }
  }
}

func array(_ bytes: Span<UInt8>) -> [UInt8] { (0..<bytes.count).map { bytes[$0] } }

// MARK: Profiles, so made that every type, both checks and every mark of a field is met

func fuzzed(_ transport: Transport, _ fields: [Field], writes: [Write] = []) -> Profile {
  Profile(
    id: "fuzz", maker: "", model: "", kind: "", source: "", proof: .constructed, notes: [], transport: transport,
    line: Line(baud: 9_600), power: .usb, warmUp: .seconds(2), fields: fields, writes: writes)
}

private let streaming = fuzzed(
  .serial(
    FrameSpeech(
      frames: [Framing(startsWith: [0x5A, 0x5A], length: 24, check: .sum8(from: 0, at: 23))], requests: [],
      period: .milliseconds(72))),
  [
    Field(name: "a", location: .frame(at: 2), type: .u16be, scale: 0.01, use: .surface, negativeAbove: 38_000, range: -70...380),
    Field(name: "b", location: .frame(at: 4), type: .i16le, scale: 1e9, sentinels: [-1], warmUpValues: [7]),
    Field(name: "c", location: .frame(at: 6), type: .f32be, scale: 1e300, range: -1...1),
    Field(name: "d", location: .frame(at: 10), type: .f32leWords, badWhen: [BadWhen(field: 2, mask: 1), BadWhen(field: 4, .equals(3))]),
    Field(name: "e", location: .frame(at: 14), type: .u32le, unit: .bits, use: .status),
    Field(name: "f", location: .frame(at: 18), type: .i32leWords, absent: [0]),
    Field(name: "g", location: .frame(at: 22), type: .bits(8), unit: .channels, use: .inputs, inverted: true),
  ])

private let questioned = fuzzed(
  .serial(
    FrameSpeech(
      frames: [Framing(startsWith: [0xFF], length: 4, check: .negativeSum8(from: 1, at: 3))],
      requests: [Request(bytes: [1, 2], replyWithin: .milliseconds(100)), Request(bytes: [3], replyWithin: .milliseconds(50))],
      period: .milliseconds(500))),
  [
    Field(name: "a", location: .frame(at: 1), type: .u8, range: 0...200, badWhen: [BadWhen(field: 1, .equals(9), reason: .warmingUp)]),
    Field(name: "b", location: .frame(at: 2), type: .i8, told: .never),
  ])

private let mapped = fuzzed(
  .modbus(
    ModbusSpeech(
      unit: 1, registersPerRead: 6, bitsPerRead: 8, period: .milliseconds(400), replyWithin: .milliseconds(100),
      wake: Wake(byte: 0, before: .milliseconds(5)))),
  [
    Field(name: "a", location: .register(.input, address: 0), type: .f32leWords, range: 0...10_000, badWhen: [BadWhen(field: 2, mask: 3)]),
    Field(name: "b", location: .register(.input, address: 2), type: .i32be),
    Field(name: "c", location: .register(.holding, address: 0x800), type: .u16be, unit: .bits, use: .status),
    Field(name: "d", location: .register(.holding, address: 65_535), type: .u8),
    Field(name: "e", location: .register(.coil, address: 0), type: .bits(8), unit: .channels, use: .relays),
    Field(name: "f", location: .register(.discrete, address: 3), type: .bits(5), unit: .channels, use: .inputs, inverted: true),
    Field(name: "g", location: .register(.input, address: 9), type: .bits(12), unit: .channels, told: .onRequest),
  ],
  writes: [
    Write(name: "relay", kind: .coil(address: 0, count: 8)),
    Write(name: "pulse", kind: .pulse(address: 0x200, count: 4, unit: .milliseconds(100))),
  ])
