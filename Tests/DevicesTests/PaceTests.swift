// Goal: what a device and its line need beside the right bytes: time, a byte that wakes it, an echo that is read away, fewer
// registers at once; and what of all this is counted. Method: requests and replies in virtual time.

import Domain
import Testing

@testable import Devices

@Suite struct PaceTests {
  // MARK: Time

  @Test func aBusRestsAfterEachExchange() {
    var slow = sensor(period: .seconds(1))
    slow.turnaround = .milliseconds(80)
    let plans = [1, 2].map { DevicePlan(profile: $0 == 1 ? slow : sensor(period: .seconds(1)), port: port, unit: $0, isAtLane: false) }
    let bench = Bench([.modbusTCP], plans)
    let said = bench.talk(until: 1_500) { request in
      Array(request[0..<5]) + [5, request[6]] + words([400])
    }
    // The other device follows 80 ms after the slow one's reply, and is itself followed at once.
    #expect(said.map { "\($0.at) \($0.bytes[6])" } == ["0 1", "80 2", "1000 1", "1080 2"])
  }

  @Test func aSilentDeviceGetsItsTimeToo() {
    var slow = sensor(period: .seconds(1), reply: .milliseconds(100))
    slow.turnaround = .milliseconds(80)
    let plans = [1, 2].map { DevicePlan(profile: $0 == 1 ? slow : sensor(period: .seconds(1)), port: port, unit: $0, isAtLane: false) }
    let said = Bench([.modbusTCP], plans).talk(until: 900) { request in
      request[6] == 2 ? Array(request[0..<5]) + [5, 2] + words([400]) : nil
    }
    #expect(said.map { "\($0.at) \($0.bytes[6])" } == ["0 1", "180 2"])
  }

  /// An order waits for the rest as well, and then goes before what is due.
  @Test func anOrderWaitsForTheRest() {
    var slow = board()
    slow.turnaround = .milliseconds(50)
    let bench = Bench(.modbusTCP, slow)
    bench.receive(Array(bench.sent[0].bytes[0..<5]) + [4, 1] + bytes("01 01 00"))
    bench.forget()
    bench.write(.set(channel: 1, on: true))
    #expect(bench.sent.isEmpty)
    bench.run(until: ms(49))
    #expect(bench.sent.isEmpty)
    bench.run(until: ms(50))
    #expect(bench.sent.map { $0.bytes[7] } == [5])
  }

  // MARK: Waking

  /// Its request follows when the device had its time; the byte is no request.
  @Test func wakesADeviceOnALine() {
    var profile = asked()
    guard case .serial(var speech) = profile.transport else { return }
    speech.wake = Wake(byte: 0, before: .milliseconds(5))
    profile.transport = .serial(speech)
    let bench = Bench(.serial, profile)
    #expect(bench.sent.map(\.bytes) == [[0]] && bench.device.requests == 0)
    // What it says in its sleep is nobody's.
    bench.receive(answer(co2: 9_999))
    bench.run(until: ms(5))
    #expect(bench.sent.map(\.bytes) == [[0], bytes("ff 01 86 00 00 00 00 00 79")] && bench.device.requests == 1)
    bench.receive(answer(co2: 600))
    #expect(bench.said(profile) == ["co2=600.0", "temperature=20.0"])
    bench.forget()
    bench.run(until: ms(5_005))
    #expect(bench.sent.map(\.bytes.count) == [1, 9])
  }

  // MARK: Echo

  private static let echo = bytes("ff 01 86 00 00 00 00 00 79")

  @Test(arguments: [[echo + answer(co2: 600)], [Array(echo.prefix(4)), Array(echo.dropFirst(4)) + answer(co2: 600)], [answer(co2: 600)], [[0xFF], Array(answer(co2: 600).dropFirst())]])
  func whatALineGivesBackIsNoAnswer(_ pieces: [[UInt8]]) {
    let profile = asked()
    let bench = Bench(.serial, profile, echoes: true)
    for piece in pieces { bench.receive(piece) }
    #expect(bench.said(profile) == ["co2=600.0", "temperature=20.0"])
    #expect(bench.bus.bytesDropped == 0 && bench.device.checkErrors == 0)
  }

  /// A device whose answer repeats the request and goes on: on a line that echoes, the repetition comes twice.
  @Test func theSameBytesASecondTimeAreTheDevices() {
    let repeating = framed(
      [Framing(startsWith: [0xA0], ending: .length(3))], [field("v", at: 2)],
      [Request(bytes: [0xA0, 1, 7], replyWithin: .milliseconds(100))])
    let bench = Bench(.serial, repeating, echoes: true)
    bench.receive([0xA0, 1, 7])
    #expect(bench.readings.isEmpty)
    bench.receive([0xA0, 1, 7])
    #expect(bench.said(repeating).count == 1)
    // Each request has its own echo.
    bench.run(until: ms(1_000))
    bench.receive([0xA0, 1, 7, 0xA0, 1, 9])
    #expect(bench.said(repeating).count == 2)
  }

  /// A board that is told in bytes: its order comes back like a request, and is no frame of the board's.
  @Test func anOrderComesBackToo() {
    let bench = Bench(.serial, Self.relays(wakes: false), echoes: true)
    bench.write(.set(channel: 2, on: true))
    bench.receive(bytes("a0 02 01 a3"))
    #expect(bench.readings.isEmpty && bench.bus.bytesDropped == 0)
    // What the board itself says is heard.
    bench.receive(bytes("a0 02 01 a3"))
    #expect(bench.said(Self.relays(wakes: false)) == ["channel=2.0"])
  }

  /// The byte that wakes a board comes back before the order does; an order that was taken back meanwhile is not given.
  @Test func aBoardIsWokenForAnOrder() {
    let bench = Bench(.serial, Self.relays(wakes: true), echoes: true)
    bench.write(.set(channel: 2, on: true))
    bench.receive([0x55])
    bench.run(until: ms(4))
    #expect(bench.sent.map(\.bytes) == [[0x55]])
    bench.write(.set(channel: 2, on: false))
    bench.run(until: ms(5))
    bench.receive(bytes("a0 02 00 a2"))
    bench.run(until: ms(100))
    #expect(bench.sent.map(\.bytes) == [[0x55], bytes("a0 02 00 a2")] && bench.changed == ["up 0", "wrote 0 2 off"])
    #expect(bench.readings.isEmpty && bench.bus.bytesDropped == 0)
    bench.write(.set(channel: 2, on: true))
    bench.lose()
    bench.open()
    bench.run(until: ms(1_000))
    #expect(bench.sent.last?.bytes == [0x55] && bench.changed.contains("failed 0 2 on"))
  }

  private static func relays(wakes: Bool) -> Profile {
    var device = framed(
      [Framing(startsWith: [0xA0], ending: .length(4), check: Check(.sum8, at: -1))], [field("channel", at: 1)], [], isSeldom: true)
    device.writes = [
      Write(
        name: "relay",
        kind: .relay(
          RelayBytes(on: bytes("a0 00 01"), off: bytes("a0 00 00"), channelAt: 1, count: 4, check: Check(.sum8, at: -1))))
    ]
    guard wakes, case .serial(var speech) = device.transport else { return device }
    speech.wake = Wake(byte: 0x55, before: .milliseconds(5))
    device.transport = .serial(speech)
    return device
  }

  // MARK: Reads that are refused as a whole

  private static let pair = profile(
    .modbus(speech(period: .seconds(1))), [register("a", .input, 3), register("b", .input, 4), register("c", .input, 5)])

  /// Answers each read but those of more than `most` registers, which it refuses by `code`.
  private static func limited(_ most: Int, _ code: UInt8 = 2) -> ([UInt8]) -> [UInt8]? {
    { request in
      let count = Int(request[11])
      if count > most { return Array(request[0..<5]) + [3, 1, 0x84, code] }
      let values = words((0..<count).map { 100 + Int(request[9]) + $0 })
      return Array(request[0..<5]) + [UInt8(1 + values.count), 1] + values
    }
  }

  @Test(arguments: [1, 2, 3] as [UInt8]) func aReadThatIsRefusedIsSplit(_ code: UInt8) {
    let bench = Bench(.modbusTCP, Self.pair)
    let said = bench.talk(until: 1_000, Self.limited(1, code))
    #expect(said.map { "\($0.at) \($0.bytes[9])+\($0.bytes[11])" } == ["0 3+3", "0 3+1", "0 4+1", "0 5+1", "1000 3+1", "1000 4+1", "1000 5+1"])
    #expect(bench.said(Self.pair).prefix(3) == ["a=103.0", "b=104.0", "c=105.0"])
    #expect(bench.changed == ["up 0"] && bench.device.retries == 1 && bench.device.exceptions == 1)
    // Another device may be there now.
    bench.open()
    #expect(bench.talk(until: 1_000, Self.limited(9)).map { $0.bytes[11] } == [3])
  }

  /// What is read when another field says so waits for all parts, and is read once.
  @Test func whatWaitsForASplitReadIsReadOnce() {
    var value = register("value", .input, 40)
    value.readWhen = [Need(field: 1, [.equals(104)])]
    let device = profile(
      .modbus(speech(period: .seconds(1))), [register("a", .input, 3), register("b", .input, 4), register("c", .input, 5), value])
    let said = Bench(.modbusTCP, device).talk(until: 1_000, Self.limited(1))
    #expect(said.map { "\($0.at) \($0.bytes[9])" } == ["0 3", "0 3", "0 4", "0 5", "0 40", "1000 3", "1000 4", "1000 5", "1000 40"])
  }

  /// One that refuses the parts too is refused, and is down by that; then any of its reads may show that it is there.
  @Test func whatIsRefusedInPartsIsRefused() {
    let bench = Bench(.modbusTCP, Self.pair)
    _ = bench.talk(until: 20_000, Self.limited(0))
    #expect(bench.changed == ["down 0 exception"] && bench.readings.isEmpty)
    _ = bench.talk(until: 60_000, Self.limited(1))
    #expect(bench.changed.last == "up 0" && bench.said(Self.pair).contains("c=105.0"))
  }

  @Test func aBrokenDeviceIsNotSplit() {
    let bench = Bench(.modbusTCP, Self.pair)
    // 04: server device failure.
    let said = bench.talk(until: 900, Self.limited(1, 4))
    #expect(said.map { $0.bytes[11] } == [3])
  }

  // MARK: Frames that hold nothing

  /// A device that goes on sending frames without values is down, and not for silence.
  @Test func oneThatSaysNothingIsNotSilent() {
    let device = framed(
      [Framing(startsWith: [0xA0], ending: .length(3), check: Check(.sum8, at: -1), vetoes: [Veto(zero: 1...1, other: nil, reason: .noData)])],
      [field("v", at: 1)])
    func changed(_ frame: [UInt8]) -> [String] {
      let bench = Bench(.serial, device)
      bench.receive(summed([0xA0, 5]))
      for second in 1...10 {
        bench.run(until: ms(Int64(1_000 * second)))
        bench.receive(frame)
      }
      return bench.changed
    }
    #expect(changed(summed([0xA0, 0])) == ["up 0", "down 0 exception"] && changed([]) == ["up 0", "down 0 silent"])
  }

  // MARK: Orders by name

  /// What somebody orders goes out as the profile says, and what the device says to it is no answer to the next request.
  @Test func bytesAreSentByName() {
    var device = asked()
    device.writes = [
      Write(name: "relay", kind: .relay(RelayBytes(on: [1], off: [2], channelAt: 0, count: 1, check: .none))),
      Write(name: "save", kind: .bytes(bytes("a5 65 01 0b")), needsPerson: true),
      Write(
        name: "span",
        kind: .number(
          NumberBytes(bytes: bytes("ff 01 88 00 00 00 00 00"), at: 3, type: .u16be, range: 1_000...10_000, scale: 1, check: Check(.negativeSum8, from: 1, at: -1)))),
    ]
    let bench = Bench(.serial, device)
    bench.receive(answer(co2: 600))
    bench.forget()
    #expect(bench.write(.named(0, value: .nan)) && bench.sent.map(\.bytes) == [bytes("a5 65 01 0b")])
    #expect(bench.instruments.needsPerson(DeviceID(0), 0) && !bench.instruments.needsPerson(DeviceID(0), 1))
    bench.receive(answer(co2: 900))
    #expect(bench.readings.isEmpty)
    #expect(bench.write(.named(1, value: 2_000)))
    bench.run(until: ms(4_900))
    #expect(bench.sent.map(\.bytes).contains(bytes("ff 01 88 07 d0 00 00 00 a0")) && bench.changed.suffix(2) == ["wrote 0 named 0", "wrote 0 named 1 2000.0"])
    for action in [WriteAction.named(0, value: 1), .named(1, value: .nan), .named(1, value: 999), .named(1, value: 10_001), .named(2, value: .nan)] {
      #expect(!bench.write(action), "\(action.text)")
    }
  }

  /// Only four wait, and the same one again takes the place of the one before.
  @Test func registersAreWrittenByName() {
    var device = sensor(period: .seconds(60))
    device.writes = [
      Write(name: "interval", kind: .setting(address: 0x25, range: 0...100, scale: 0.01)), Write(name: "stop", kind: .register(address: 0x37, value: 1)),
    ]
    let bench = Bench(.modbusTCP, device)
    _ = bench.talk(until: 10) { Array($0[0..<5]) + [5, 1] + words([400]) }
    bench.forget()
    bench.write(.named(0, value: 12.345))
    bench.write(.named(1, value: .nan))
    bench.write(.named(1, value: .nan))
    let said = bench.talk(until: 20) { $0 }
    #expect(said.map { Array($0.bytes[7...]) } == [bytes("06 00 25 04 d3"), bytes("06 00 37 00 01")])
    #expect(bench.changed == ["wrote 0 named 0 12.345", "wrote 0 named 1"])
    // One that does not repeat it has not got it.
    bench.forget()
    bench.write(.named(1, value: .nan))
    _ = bench.talk(until: 10_000) { $0[7] == 6 ? Array($0.dropLast()) + [9] : nil }
    #expect(bench.changed.first == "failed 0 named 1")
  }

  // MARK: Counting

  @Test func theRoundTripIsKept() {
    let bench = Bench(.modbusTCP, sensor(period: .seconds(1)))
    for (index, took) in [40, 120, 40].enumerated() {
      bench.run(until: ms(Int64(1_000 * index + took)))
      bench.receive(Array(bench.sent[0].bytes[0..<5]) + [5, 1] + words([400]))
      bench.forget()
      bench.run(until: ms(Int64(1_000 * (index + 1))))
    }
    // 40, then an eighth of each difference.
    #expect(bench.device.roundTrip == .milliseconds(40) + Interval(ns: 8_750_000) && bench.device.longestRoundTrip == .milliseconds(120))
  }

  // MARK: Frames that prove little

  /// A contact under a sum is known when two frames agree, and moves when two agree on it, whatever another one does; under a
  /// CRC, with the first.
  @Test(arguments: [
    (Check(.sum8, at: -1), ["unconfirmed", "unconfirmed", "1.0", "1.0", "1.0", "1.0", "3.0"]), (Check(.crc16Modbus, at: -2), ["0.0", "1.0", "1.0", "3.0", "1.0", "3.0", "3.0"]),
  ])
  func aContactUnderAWeakCheckNeedsAgreement(_ check: Check, _ told: [String]) {
    let device = framed(
      [Framing(startsWith: [0xA0], ending: .length(2 + check.width), check: check)],
      [field("inputs", at: 1, .bits(8)) { $0.use = .inputs }])
    let bench = Bench(.serial, device)
    for (step, inputs) in [0, 1, 1, 3, 1, 3, 3].enumerated() {
      bench.now = ms(Int64(100 * step))
      let body = [0xA0, UInt8(inputs)]
      bench.receive(check.isWeak ? summed(body) : withCRC(body))
    }
    #expect(bench.said(device).map { String($0.dropFirst(7)) } == told)
  }
}
