// Goal: the shipped profiles decode what their proofs say; whatever stands in a profile is either taken as it is meant or
// told as a problem with its place, and no number in it reaches a precondition of Devices. Method: the files themselves;
// one profile of each transport, changed in one place at a time; random bytes and damage from fixed seeds.

import Devices
import Domain
import Foundation
import Testing

@testable import Settings

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
private let profiles = root.appending(path: "DeviceProfiles").path
private let ids =
  ((try? FileManager.default.contentsOfDirectory(atPath: profiles)) ?? [])
  .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()

private let serial = """
  id: a
  maker: m
  model: m
  kind: k
  source: s
  proof: constructed
  transport: serial
  line: { baud: 9600, format: 8N1 }
  power: { powered_by: own, warm_up_s: 60 }
  speaks: unasked
  period_ms: 100
  frame: { starts_with: "ff", length: 9, check: { kind: sum8, at: 8 } }
  fields:
    status: { at: 1, type: u16, unit: bits, use: status, flags: { 0: fatal, 3: memory } }
    offset: { at: 3, type: i8 }
    co2: { at: 4, type: u16, unit: ppm, use: co2 }
  """

private let modbus = """
  id: a
  maker: m
  model: m
  kind: k
  source: s
  proof: constructed
  transport: modbus
  line: { baud: 9600, format: 8N1 }
  power: { powered_by: own, warm_up_s: 60 }
  unit: 1
  limits: { every_ms: 1000, reply_within_ms: 100, registers_per_read: 2, bits_per_read: 8 }
  fields:
    co2: { input: 3, type: u16, unit: ppm, use: co2 }
  """

private func parse(_ text: String) throws(Problems) -> Profile { try Profile.parse(text, file: "a.yaml") }

private func field(_ more: String) throws(Problems) -> Field? {
  let text = serial.replacing("co2: { at: 4, type: u16, unit: ppm, use: co2 }", with: "co2: { at: 4, type: u16, unit: ppm, use: co2, \(more) }")
  return try parse(text).fields.last
}

@Suite struct ProfileTests {
  @Test(arguments: ids) func decodesAsItsProofSays(id: String) throws {
    let profile = try Profile.load(file: "\(profiles)/\(id).yaml")
    let file = "\(profiles)/\(id).vectors"
    let text = try readText(file)
    let vectors = try Vector.parse(text, file: file)
    // As another system ends its lines.
    #expect(try Vector.parse(text.replacing("\n", with: "\r\n"), file: file).map(\.expected) == vectors.map(\.expected))
    #expect(!vectors.isEmpty)
    for vector in vectors {
      #expect(vector.report(with: profile) == vector.expected, "\(id).vectors:\(vector.line)")
    }
  }

  /// Whoever copies an example from the documents has a profile that loads, and a proof that plays.
  @Test(arguments: [("profile-format.md", 2, 0), ("adding-a-device.md", 4, 4)])
  func theDocumentsExamplesPlay(page: String, profiles: Int, proofs: Int) throws {
    let document = try String(contentsOf: root.appending(path: "docs/\(page)"), encoding: .utf8)
    let blocks = document.split(separator: "\n\n").filter { $0.hasPrefix("    #") }.map { block in
      block.split(separator: "\n").map { $0.dropFirst(4) }.joined(separator: "\n")
    }
    let loaded = try blocks.filter { $0.contains("\nid: ") }.map { try parse($0) }
    #expect(loaded.count == profiles)
    var played = 0
    for block in blocks {
      guard let profile = loaded.first(where: { block.hasPrefix("# vectors of \($0.id)\n") }) else { continue }
      played += 1
      for vector in try Vector.parse(block, file: page) { #expect(vector.report(with: profile) == vector.expected, "\(profile.id)") }
    }
    #expect(played == proofs)
  }

  @Test(arguments: [
    ("bad_when: { status: [fatal] }", [BadWhen(field: 0, .anyBit(1))]),
    ("bad_when: { status: [fatal, memory] }", [BadWhen(field: 0, .anyBit(9))]),
    ("bad_when: { status: [15000] }", [BadWhen(field: 0, .equals(15_000))]),
    ("bad_when: { status: [0x3A98, fatal, 7] }", [BadWhen(field: 0, .anyBit(1)), BadWhen(field: 0, .equals(15_000)), BadWhen(field: 0, .equals(7))]),
    ("warming_up_when: { status: [15000] }", [BadWhen(field: 0, .equals(15_000), reason: .warmingUp)]),
    ("warming_up_when: { status: [memory] }, bad_when: { status: [fatal] }", [BadWhen(field: 0, .anyBit(1)), BadWhen(field: 0, .anyBit(8), reason: .warmingUp)]),
    ("bad_when: { offset: [-1] }", [BadWhen(field: 1, .equals(0xFFFF_FFFF))]),
  ])
  func readsConditions(text: String, expected: [BadWhen]) throws { #expect(try field(text)?.badWhen == expected) }

  @Test func readsTelling() throws {
    #expect(try field("told: on_request")?.told == .onRequest && field("told: never")?.told == .never && field("scale: 1")?.told == .always)
    #expect(try field("absent: [0, 65535]")?.absent == [0, 65_535] && field("negative_above: 40000")?.negativeAbove == 40_000)
  }

  // MARK: Serial numbers

  private static let asked = serial.replacing("speaks: unasked", with: "speaks: asked\nrequests: { read: { send: \"01\", reply_within_ms: 100 } }")

  private static func problems(_ text: String) -> [String] {
    do throws(Problems) { return try parse(text).serialNumber == nil ? ["none"] : [] } catch { return error.list.map(\.message) }
  }

  @Test(arguments: [
    ("{ at: 4, type: u16, serial_number: true }", ""), ("{ at: 4, type: ascii4, told: on_request, serial_number: true }", ""),
    ("{ at: 0, type: u64be, serial_number: true }", ""), ("{ at: 4, type: u16, serial_number: false }", "none"),
    ("{ at: 4, type: u16, serial_number: 12 }", "found \"12\", expected true or false"),
    ("{ at: 4, type: f32be, serial_number: true }", "found a number with a fraction or a scale"),
    ("{ at: 4, type: u16, scale: 0.1, serial_number: true }", "found a number with a fraction or a scale"),
    ("{ at: 4, type: u16, personal: true, serial_number: true }", "found a field that nobody is told"),
    ("{ at: 4, type: u16, told: never, serial_number: true }", "found a field that nobody is told"),
    ("{ at: 4, type: u16, when: { status: [1] }, serial_number: true }", "found a field that not every device has alike"),
    ("{ at: 4, type: u16, serial_number: true }\n  n: { at: 3, type: u8, serial_number: true }", "found a second serial number, expected one: co2 is one already"),
  ])
  func theSerialNumberIsOnePlainField(field: String, expected: String) {
    let found = Self.problems(Self.asked.replacing("{ at: 4, type: u16, unit: ppm, use: co2 }", with: field))
    #expect(expected.isEmpty ? found.isEmpty : found.count == 1 && found[0].hasPrefix(expected), "\(found)")
  }

  @Test func allVariantsHaveTheSerialNumberAlike() {
    let text = modbus.replacing("fields:", with: "variants: { x: {}, y: {} }\nfields:")
    func found(_ field: String) -> [String] { Self.problems(text + "\n  n: { input: 9, type: u16, serial_number: true\(field) }") }
    #expect(found("") == [] && found(", only: [x, y]") == [])
    #expect(found(", only: [x]") == ["found a field that not every device has alike, expected one without only, by_variant and when"])
    #expect(found(", by_variant: { y: { input: 10 } }").count == 2)
  }

  /// A device must be asked for it, by a request that has an answer.
  @Test func theSerialNumberIsAskedFor() {
    let marked = serial.replacing("use: co2 }", with: "use: co2, serial_number: true }")
    #expect(Self.problems(marked) == [
      "found serial_number of co2, expected none: the device speaks unasked, so nobody can ask it which one it is"
    ])
    func found(_ requests: String) -> [String] {
      Self.problems(marked.replacing("speaks: unasked", with: "speaks: asked\nrequests: { read: { send: \"01\", reply_within_ms: 100, answers: [status] }, \(requests) }"))
    }
    #expect(found("n: { send: \"02\", reply_within_ms: 100, sent: never, answers: [co2] }") == [])
    for request in [
      "n: { send: \"02\", sent: never, answers: [co2] }",
      "n: { send: \"02\", reply_within_ms: 100, after: { read: { status: [1] } }, answers: [co2] }",
    ] {
      #expect(found(request) == ["found serial_number of co2, expected a request that it answers, with reply_within_ms and without after"])
    }
  }

  @Test(arguments: [
    ("bad_when: { status: [fatl] }", "16:", "there is no flag \"fatl\"; did you mean \"fatal\"?"),
    ("bad_when: { statos: [fatal] }", "16:", "there is no field \"statos\"; did you mean \"status\"?"),
    ("bad_when: { status: [65536] }", "16:", "found \"65536\", expected a whole number from 0 to 65535"),
    ("bad_when: { offset: [128] }", "16:", "expected a whole number from -128 to 127"),
    ("bad_when: { status: [] }", "16:", "found no condition"),
    ("bad_when: { status: [1, 2, 3, 4, 5, 6, 7, 8, 9] }", "16:", "found 9 conditions of co2, expected at most 8"),
    ("bad_when: { status: [1, 2, 3, 4, 5] }, warming_up_when: { status: [4, 5, 6, 7] }", "16:", "found 9 conditions of co2, expected at most 8"),
    ("sentinels: [1, 2, 3, 4, 5, 6, 7, 8, 9]", "16:", "found 9 numbers, expected at most 8"),
    ("absent: [1, 2, 3, 4, 5, 6, 7, 8, 9]", "16:", "found 9 numbers, expected at most 8"),
    ("warm_up_values: [1, 2, 3, 4, 5, 6, 7, 8, 9]", "16:", "found 9 numbers, expected at most 8"),
    ("sentinels: [1.5]", "16:", "found 1.5, expected a number that this type can be"),
    ("absent: [65536]", "16:", "found 65536, expected a number that this type can be"),
    ("warm_up_values: [-1]", "16:", "found -1, expected a number that this type can be"),
    ("scale: 0", "16:", "found 0, expected another number"),
    ("told: sometimes", "16:", "expected always, on_request or never"),
    ("flags: { 1: 15000 }", "16:", "expected a name: a number would mean the whole word"),
    ("flags: { 1: a, 2: a }", "16:", "found flag \"a\" twice"),
  ])
  func tellsWhatIsWrong(text: String, place: String, message: String) {
    let problems = #expect(throws: Problems.self) { try field(text) }
    let said = problems?.description ?? ""
    #expect(said.contains("a.yaml:\(place)") && said.contains(message), "\(said)")
  }

  @Test(arguments: [
    ("at: 4", "at: 8", "ends at byte 10, expected within the frame's 9 bytes"),
    ("type: u16, unit: ppm", "type: bits16, unit: ppm", "expected bits1 to bits8 in a frame"),
    ("type: u16, unit: ppm", "type: i16, negative_above: 5, unit: ppm", "found a type that is not unsigned"),
    ("type: i8", "type: i8, use: humidity, unit: K", "found humidity in K, expected unit: %RH"),
    ("type: i8", "type: i8, range: [300, 400]", "where no value of this type can lie: -128 to 127"),
    ("type: i8", "type: i8, reciprocal: 5, offset: 2", "found it beside reciprocal"),
    ("type: i8", "type: i8, digits: 5", "expected them of a number behind a key"),
    ("type: i8", "type: i8, times: offset", "found offset, expected another field, a number"),
    ("type: i8", "type: i8, times: co2 }\n  other: { at: 5, type: u8, times: offset", "found offset, which has a factor of its own"),
    ("type: i8", "type: i8, absent: [7], sentinels: [7]", "found 7 among the sentinels too"),
    ("0: fatal", "16: fatal", "found bit 16, expected 0 to 15"),
    ("{ at: 3, type: i8", "{ at: 8, type: i8", "lies where the check or the end of the frame stands"),
    ("length: 9,", "length: 9, always: { 9: 1 },", "found always at byte 9, expected within the frame's 9 bytes"),
    ("length: 9,", "length: 9, always: { 0: 1 },", "another byte than starts_with has there"),
    ("kind: sum8, at: 8", "kind: xor8, adds: 3, at: 8", "found 3 for xor8, expected it for sums only"),
    ("kind: sum8, at: 8", "kind: sum8, to: 9, at: 8", "found 9, expected at most 8: a check cannot cover itself"),
    ("fields:", "writes: { relay: { on: \"01 00\", off: \"01 00\", channel_at: 1, count: 8 } }\nfields:", "expected on and off that differ"),
    ("type: i8", "tpye: i8", "found an unknown key \"tpye\"; did you mean \"type\"?"),
    ("at: 8 }", "from: 8, at: 8 }", "found a check over no byte, from 8 to before 8"),
    ("at: 8 }", "from: 8 }", "found a check over no byte, from 8 to before 8"),
    ("at: 8 }", "from: 4, to: 4, at: 8 }", "found a check over no byte, from 4 to before 4"),
    ("type: i8", "type: i8, use: co2", "found co2 a second time, expected it once: offset has it"),
    ("warm_up_s: 60", "warm_up_s: 0", "found warm_up_s: 0 and warm_up_values"),
    ("fields:", "writes: { relay: { coil: 0, count: 8 } }\nfields:", "writes.relay: send is required"),
  ])
  func tellsWhatASerialDeviceCannot(old: String, new: String, message: String) {
    let text = serial.replacing("use: co2 }", with: "use: co2, warm_up_values: [400] }").replacing(old, with: new)
    let problems = #expect(throws: Problems.self) { try parse(text) }
    #expect(problems?.description.contains(message) == true, "\(problems?.description ?? "")")
  }

  /// What keeps the rest from being read makes no unknown keys of it.
  @Test func oneMistakeIsOneProblem() {
    for (old, new) in [("length: 9", "length: x"), ("starts_with: \"ff\"", "starts_with: fg"), ("period_ms: 100", "period_ms: fast")] {
      #expect(Self.problems(serial.replacing(old, with: new)).count == 1, "\(new)")
    }
  }

  /// What is there under different conditions is one of several, not a second one.
  @Test func twoFieldsOfOneUseMayExcludeEachOther() {
    // Of two kinds of frames each has one.
    let kinds = serial.replacing("frame: { starts_with: \"ff\", length: 9, check: { kind: sum8, at: 8 } }", with: """
      frames:
        old: { starts_with: "ff", length: 9, check: { kind: sum8, at: 8 } }
        new: { starts_with: "fe", length: 9, check: { kind: sum8, at: 8 } }
      """).replacing("{ at: 4, type: u16, unit: ppm, use: co2 }", with: "{ in: old, at: 4, type: u16, unit: ppm, use: co2 }\n  co2_new: { in: new, at: 5, type: u16, unit: ppm, use: co2 }")
    #expect(throws: Never.self) { try parse(kinds) }
    let text = serial.replacing("use: co2 }", with: "use: co2, when: { status: [1] } }")
      .replacing("type: i8 }", with: "type: i8, unit: ppm, use: co2, when: { status: [2] } }")
    #expect(throws: Never.self) { try parse(text) }
  }

  @Test(arguments: [
    ("co2: { coil: 3, type: u16 }", "coils and discrete inputs are bits"),
    ("co2: { coil: 3, type: bits16 }", "found 16 bits, expected at most the 8 of bits_per_read"),
    ("co2: { input: 3, type: u16, unit: channels }", "expected them of bits1 to bits32 only"),
    ("co2: { coil: 3, type: bits8, unit: channels, scale: 2 }", "without scale and offset"),
    ("co2: { holding: 65535, type: f32be }", "ends behind address 65535"),
    ("co2: { input: 3, input2: 3, type: u16 }", "found an unknown key \"input2\""),
    ("co2: { input: 3, holding: 3, type: u16 }", "expected exactly one of coil, discrete, holding or input"),
    ("s: { input: 9, type: u16, told: on_request }\n  co2: { input: 3, type: u16, bad_when: { s: [1] } }", "expected a field that is asked for"),
    ("co2: { input: 3, type: u16, told: on_request }", "expected one that is asked for"),
    ("s: { input: 9, type: f32be }\n  co2: { input: 3, type: u16, bad_when: { s: [1] } }", "expected bits or a whole number"),
  ])
  func tellsWhatAModbusDeviceCannot(new: String, message: String) {
    let text = modbus.replacing("co2: { input: 3, type: u16, unit: ppm, use: co2 }", with: new)
    let problems = #expect(throws: Problems.self) { try parse(text) }
    #expect(problems?.description.contains(message) == true, "\(problems?.description ?? "")")
  }

  /// Whatever loads can run: nothing that Settings lets pass reaches a precondition of Devices.
  @Test func whatLoadsRuns() {
    var seed: UInt64 = 20_261_125
    var loaded = 0
    for text in [serial, modbus] {
      let bytes = Array(text.utf8)
      let numbers = bytes.indices.filter { (0x30...0x39).contains(bytes[$0]) }
      let digits = Array("0123456789-".utf8)
      for _ in 0..<300 {
        var changed = bytes
        for _ in 0..<2 {
          seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          changed[numbers[Int(seed >> 33) % numbers.count]] = digits[Int(seed >> 20) % digits.count]
        }
        guard let profile = try? parse(String(decoding: changed, as: UTF8.self)) else { continue }
        loaded += 1
        _ = decode([0xFF, 1, 2, 3, 4, 5, 6, 7, 0x1B, 0xFF, 1, 4, 2, 0, 0, 0, 0], with: profile)
      }
    }
    #expect(loaded > 50, "seed 20261125")
  }

  /// A million random bytes into every shipped device, by every way it can be reached, with time going on.
  @Test(arguments: ids) func shippedProfilesStandNoise(id: String) throws {
    let profile = try Profile.load(file: "\(profiles)/\(id).yaml")
    for kind in kinds(of: profile) {
      var instruments = Instruments(
        InstrumentSettings(ports: [kind], devices: [DevicePlan(profile: profile, port: PortID(0), unit: 1, isAtLane: true)]))
      var findings = Findings()
      var outbox = Outbox()
      var now = Instant(ns: 0)
      var seed: UInt64 = 42
      var piece: [UInt8] = []
      for generation in 1...4_000 {
        instruments.opened(PortID(0), Generation(UInt32(generation)), at: now, &findings, &outbox)
        piece.removeAll(keepingCapacity: true)
        for _ in 0..<250 {
          seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          piece.append(UInt8(truncatingIfNeeded: seed >> 33))
        }
        instruments.received(piece.span, from: PortID(0), Generation(UInt32(generation)), at: now, &findings, &outbox)
        now = now + .milliseconds(Int64(seed >> 56))
        instruments.advance(to: now, &findings, &outbox)
        if generation % 3 == 0 { instruments.lost(PortID(0), Generation(UInt32(generation)), at: now, &findings, &outbox) }
        // Two bytes of start and a sum are hit once in 2^24; a reply of a bus whose CRC was checked elsewhere, more often.
        if case .modbusRTU = kind {} else { #expect(findings.readingCount <= 2, "seed 42, opening \(generation)") }
        findings.clear()
        outbox.clear()
      }
    }
  }
}
