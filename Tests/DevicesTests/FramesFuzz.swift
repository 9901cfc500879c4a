// What the fuzzers feed to devices with frames of their own: one speech of each ending, coding, check and kind of field, so
// made that every branch of the framer is met; and HID reports with their descriptors.

import Devices
import Domain

/// A serial line: which speech, by the first byte; then the story of the port.
public func fuzzFrames(_ input: Span<UInt8>) {
  guard input.count > 0 else { return }
  let profile = spoken[Int(input[0]) % spoken.count]
  var story = Story(.serial, profile)
  let rest = input.extracting(1..<input.count)
  story.play(rest)
  for way in [Way.response, .stream] { check(decode(array(rest), with: profile, DecodeContext(way: way)), profile) }
  let context = DecodeContext(request: array(rest.extracting(0..<min(4, rest.count))), variant: profile.variants.isEmpty ? nil : 1)
  check(decode(array(rest), with: profile, context), profile)
}

/// A HID device: its descriptor, then the story of its reports.
public func fuzzReports(_ input: Span<UInt8>) {
  if case .success(let layout) = HIDLayout.read(array(input)) {
    precondition(layout.reports.allSatisfy { $0.byteCount <= 4_096 } && layout.reports.count <= 64, "A report without bound.")
  }
  var story = Story(.hid, reporting)
  story.play(input)
  for way in [Way.report, .feature] { check(decode(array(input), with: reporting, DecodeContext(way: way)), reporting) }
}

private func speech(
  _ frames: [Framing], _ requests: [Request] = [], _ fields: [Field], variants: [Variant] = [], gap: Interval? = nil,
  address: Addressing? = nil
) -> Profile {
  var whole = fuzzed(
    .serial(FrameSpeech(frames: frames, requests: requests, period: .milliseconds(300), gap: gap, address: address)), fields)
  whole.variants = variants
  return whole
}

private func at(_ place: Int, _ type: NumberType, _ name: String = "a", _ change: (inout Field) -> Void = { _ in }) -> Field {
  var field = Field(name: name, location: .frame(at: place), type: type, range: -1e6...1e6)
  change(&field)
  return field
}

private func after(_ key: String, _ name: String, _ change: (inout Field) -> Void = { _ in }) -> Field {
  var field = Field(name: name, location: Location.Key(key).map { .after($0) } ?? .line, type: .decimal, range: -1e6...1e6)
  change(&field)
  return field
}

private let spoken: [Profile] = [
  // Counted, big endian, texts, a dialogue.
  speech(
    [Framing(startsWith: [0xAA, 0x96], ending: .counted(most: 300), count: Count(at: 2, type: .u16be, adds: 4), check: Check(.xor8, from: 2, at: -1))],
    [
      Request(name: "find", bytes: [1], replyWithin: .milliseconds(50)),
      Request(name: "read", bytes: [2], replyWithin: .milliseconds(50), after: 0, when: [Need(field: 0, [.equals(0x9F)])], claims: true, retries: 1),
    ],
    [
      at(4, .u8), at(5, .ascii(8), "text") { $0.answers = 2 }, at(5, .utf16le(20), "wide") { $0.answers = 2 },
      at(-3, .u16le, "last"), at(4, .u24be, "three") { $0.outside = .rejectsFrame },
    ]),
  // A doubled sign, a count that must agree, fields that exist when others say so.
  speech(
    [
      Framing(
        startsWith: [0x07, 0xF0], ending: .tail([0x07, 0x0F], most: 64), coding: .doubled(0x07),
        count: Count(at: 2, type: .u8, adds: 6, zeroMeans: 256), check: Check(.sum8, from: 2, at: -3, adds: 173)),
      Framing(name: "ack", startsWith: [0x07, 0xF3], ending: .length(2)),
    ], [],
    [
      at(3, .u8, "which") { ($0.frames, $0.told) = (1, .never) },
      at(4, .u16be) { ($0.frames, $0.reciprocal, $0.when) = (1, 1_000, [Need(field: 0, [.equals(1), .anyBit(4)])]) },
      at(4, .i8, "b") { ($0.frames, $0.multiplier) = (1, Multiplier(field: 0, factors: [1: 2, 3: 0.5], otherwise: 1)) },
      at(5, .bits(8), "c") { ($0.frames, $0.debounce, $0.unit) = (1, .milliseconds(100), .channels) },
    ], gap: .milliseconds(500)),
  // Stuffing, refusals.
  speech(
    [
      Framing(
        startsWith: [0x7E], ending: .tail([0x7E], most: 128), coding: .stuffed(escape: 0x7D, xor: 0x20),
        check: Check(.invertedSum8, from: 1, at: -2),
        vetoes: [Veto(zero: 3...4, other: nil, reason: .noData), Veto(zero: nil, other: 2...2, reason: .exception)])
    ],
    [Request(name: "start", bytes: [9], replyWithin: .milliseconds(50), sending: .atStart, claims: true), Request(bytes: [3], replyWithin: .milliseconds(50))],
    [at(3, .f32be), at(3, .f32le, "b"), at(3, .u64be, "c"), at(3, .f64be, "d")]),
  // Hexadecimal digits.
  speech(
    [Framing(startsWith: [0x02], ending: .tail([0x03], most: 80), coding: .hex, check: Check(.sum16be, from: 1, at: -3))], [],
    [at(1, .i16be), at(1, .f32beSwapped, "b"), at(3, .u32beSwapped, "c")]),
  // Lines of text with a head, known by a text.
  speech(
    [
      Framing(name: "no", startsWith: [0x2A], ending: .line(quiet: .milliseconds(100), most: 60), refuses: true),
      Framing(name: "line", startsWith: [], ending: .line(quiet: .milliseconds(100), most: 60), head: Head(startsWith: 0x5D, length: 3)),
    ], [],
    [
      Field(name: "code", location: .line, type: .ascii(60)), Field(name: "head", location: .head, type: .ascii(60)),
      after("Z", "z"), after("z", "raw") { $0.variants = 2 },
    ],
    variants: [
      Variant(name: "one", identity: 0, texts: ["V1", "V"]), Variant(name: "two", identity: 0, texts: ["V12"]),
    ]),
  // As long as the request says; a stream without a check.
  speech(
    [
      Framing(name: "answer", way: .response, startsWith: [], ending: .asked(most: 8)),
      Framing(name: "burst", way: .stream, startsWith: [0xAA, 0xAA], ending: .length(4), confirmedByNext: true),
    ],
    [
      Request(bytes: [1], replyWithin: .milliseconds(50), replyLength: 2, claims: true),
      Request(bytes: [2], replyWithin: .milliseconds(50), replyLength: 3, claims: true),
    ],
    [at(0, .u16be) { ($0.frames, $0.answers) = (1, 1) }, at(0, .u24le, "b") { ($0.frames, $0.answers) = (1, 2) }, at(2, .u16be, "c") { $0.frames = 2 }],
    address: .prefix(0xB0)),
  // Many numbers.
  speech(
    [Framing(startsWith: [0x5A, 0x5A], ending: .length(44), check: Check(.wordSum16le, at: 42))], [],
    [ArrayShape.Reducer.max, .min, .mean, .percentile(90)].enumerated().map { index, reducer in
      at(2, .i16le, "a\(index)") {
        $0.array = ArrayShape(count: 20, columns: 5, rows: 1...2, region: 1...3, isMirrored: index == 0, reducer: reducer)
        $0.skipFirst = index
      }
    }),
  // Cyclic checks, constants, a count low byte first.
  speech(
    [
      Framing(startsWith: [0x01, 0x44], ending: .counted(most: 40), count: Count(at: 2, type: .u16le, adds: 6), check: Check(.crc16Modbus, at: -2)),
      Framing(
        name: "other", startsWith: [0x02], ending: .length(7), check: Check(.crc16Xmodem, from: 2, at: 5), marks: [Mark(at: 1, byte: 0)]),
      Framing(name: "little", startsWith: [0x03], ending: .length(6), check: Check(.sum16le, to: 3, at: 4)),
      Framing(name: "minus", startsWith: [0x04], ending: .length(4), check: Check(.negativeSum8, from: 1, at: 3)),
    ], [], [at(3, .u8), at(2, .u16be, "b")]),
]

private let reporting: Profile = {
  let frames = [
    Framing(
      name: "encrypted", way: .report, startsWith: [], ending: .length(8), transform: .scrambled(Scramble(order: 0x0204_0007_0106_0503, key: 0x0102_0304_0506_0708, rotation: 3, less: 0x8447_56D6_0793_9356)),
      check: Check(.sum8, to: 3, at: 3), marks: [Mark(at: 4, byte: 0x0D)]),
    Framing(name: "state", way: .feature, startsWith: [], ending: .length(8)),
    Framing(name: "long", startsWith: [0x80], ending: .quiet(.milliseconds(100), least: 8, most: 16)),
  ]
  let requests = [
    Request(name: "start", carrier: .setFeature, bytes: [0, 1], replyWithin: nil, sending: .atStart),
    Request(name: "state", carrier: .getFeature, bytes: [1], replyWithin: .milliseconds(50), claims: true),
  ]
  var whole = fuzzed(
    .hid(
      FrameSpeech(frames: frames, requests: requests, period: .milliseconds(300)),
      HIDReports(length: 8, number: nil, usesLastNode: true)),
    [
      at(0, .u8, "item") { ($0.frames, $0.told) = (1, .never) },
      at(1, .u16be) { ($0.frames, $0.when, $0.outside) = (1, [Need(field: 0, [.equals(0x50)])], .rejectsFrame) },
      at(7, .bits(8), "relays") { ($0.frames, $0.answers, $0.use) = (2, 2, .relays) }, at(2, .i16be, "t") { $0.frames = 4 },
    ], writes: [
      Write(
        name: "relay",
        kind: .relay(RelayBytes(on: [0, 0xFF, 0], off: [0, 0xFD, 0], channelAt: 2, count: 8, check: Check(.sum8, at: -1))))
    ])
  whole.usb = [USBMatch(vendor: 1, product: 2)]
  return whole
}()
