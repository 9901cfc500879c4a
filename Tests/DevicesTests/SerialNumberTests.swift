// Goal: where settings name a serial number, no other device is ever believed, at the start, after a swap with and without a
// lost port, and the right one is again as soon as it is back. Method: devices that answer in virtual time, each with a number
// of its own; which of them is there changes with the time.

import Domain
import Testing

@testable import Devices

/// A number as a Modbus device tells it, in settings, in registers and in those of another device.
private struct Number: CustomTestStringConvertible, Sendable {
  var testDescription: String
  var type: NumberType
  var meant: SerialNumber
  var right: [Int]
  var wrong: [[Int]]
}

private let numbers = [
  Number(
    testDescription: "u32be", type: .u32be, meant: .number(0x0102_0304), right: [0x0102, 0x0304],
    wrong: [[0x0102, 0x0305], [0, 0], [0x0304, 0x0102]]),
  // AB12, with blanks and zeros behind it; AB1, AB123, xB12 and nothing.
  Number(
    testDescription: "ascii8", type: .ascii(8), meant: .text("AB12"), right: [0x4142, 0x3132, 0x2000, 0],
    wrong: [[0x4142, 0x3120, 0, 0], [0x4142, 0x3132, 0x3300, 0], [0x7842, 0x3132, 0, 0], [0, 0, 0, 0]]),
  Number(
    testDescription: "ascii4, full", type: .ascii(4), meant: .text("AB12 "), right: [0x4142, 0x3132], wrong: [[0x4142, 0x3133]]),
  Number(
    testDescription: "utf16le4", type: .utf16le(4), meant: .text("A1"), right: [0x4100, 0x3100, 0, 0],
    wrong: [[0x4100, 0x3200, 0, 0], [0x4100, 0, 0, 0]]),
]

/// CO2 in input register 3, asked each second; the serial number from holding register 16 is not asked for by itself.
private func numbered(_ kind: Number, _ change: (inout Field) -> Void = { _ in }) -> Profile {
  var number = register("number", .holding, 16, kind.type)
  number.told = .onRequest
  number.isSerialNumber = true
  change(&number)
  return profile(
    .modbus(speech(period: .seconds(1), reply: .milliseconds(100))), [register("co2", .input, 3), number])
}

private func start(_ kind: Number, isAtLane: Bool = false, open: Bool = true) -> Bench {
  Bench(
    [.modbusTCP],
    [DevicePlan(profile: numbered(kind), port: port, unit: 1, isAtLane: isAtLane, serialNumber: kind.meant)], open: open)
}

/// A Modbus TCP device: holding registers are its number, input registers its value.
private func answer(_ request: [UInt8], number: [Int], co2: Int) -> [UInt8] {
  tcp(Int(request[0]) << 8 | Int(request[1]), unit: request[6], words(request[7] == 3 ? number : [co2], function: request[7]))
}

/// What was asked, by its function, and when.
private func diary(_ said: [(at: Int64, bytes: [UInt8])]) -> [String] { said.map { "\($0.at) \($0.bytes[7])" } }

extension Bench {
  fileprivate var values: [Double] { readings.filter { $0.field == 0 }.map(\.decoded) }
}

@Suite struct SerialNumberTests {
  // MARK: Modbus

  @Test(arguments: numbers) private func theRightOneIsBelievedOnceItSaidSo(_ kind: Number) {
    let bench = start(kind)
    #expect(bench.sent.map { Array($0.bytes[6...]) } == [[1, 3, 0, 16, 0, UInt8(kind.right.count)]] && !bench.isUp)
    let said = bench.talk(until: 2_000) { answer($0, number: kind.right, co2: 400) }
    #expect(diary(said) == ["0 3", "0 4", "1000 4", "2000 4"])
    #expect(bench.changed == ["up 0"] && bench.values == [400, 400, 400])
    // Its number is told, once.
    #expect(bench.texts.count + bench.readings.filter { $0.field == 1 && $0.quality.isGood }.count == 1)
  }

  @Test(arguments: numbers) private func anotherOneIsNeverBelieved(_ kind: Number) {
    for (isAtLane, longest) in [(false, 300_000), (true, 30_000)] as [(Bool, Int64)] {
      for wrong in kind.wrong {
        let bench = start(kind, isAtLane: isAtLane)
        let said = bench.talk(until: 3_600_000) { answer($0, number: wrong, co2: 400) }
        #expect(bench.changed == ["down 0 wrongDevice"] && bench.values.isEmpty && !bench.isUp)
        #expect(said.allSatisfy { $0.bytes[7] == 3 })
        let steps = zip(said, said.dropFirst()).map { $1.at - $0.at }
        #expect(steps.starts(with: [500, 1_000, 2_000, 4_000]) && steps.max() == longest)
        // Who it is, is told each time.
        #expect(bench.texts.count + bench.readings.count == said.count)
      }
    }
  }

  @Test func whatAnotherOneCallsItselfIsTold() {
    let other = start(numbers[0])
    other.talk(until: 0) { answer($0, number: [0, 77], co2: 400) }
    #expect(other.said(numbered(numbers[0])) == ["number=77.0"])
    let text = start(numbers[1])
    text.talk(until: 0) { answer($0, number: [0x5859, 0x5A30, 0, 0], co2: 400) }
    #expect(text.told(numbered(numbers[1])) == ["number: XYZ0\0\0\0\0"])
  }

  /// Also where its values come with a power-on, after which nothing else is believed for minutes.
  @Test func theNumberNeedsNoWarmUp() {
    var device = numbered(numbers[0])
    (device.power, device.warmUp) = (.usb, .seconds(60))
    let bench = Bench(
      [.modbusTCP], [DevicePlan(profile: device, port: port, unit: 1, isAtLane: false, serialNumber: numbers[0].meant)])
    bench.lose()
    bench.forget()
    bench.open()
    bench.talk(until: 0) { answer($0, number: numbers[0].right, co2: 400) }
    #expect(bench.said(device) == ["number=16909060.0", "co2=warming_up"])
  }

  @Test func untilItSaysItIsAskedNothingElse() {
    let silent = start(numbers[0])
    let said = silent.talk(until: 20_000) { $0[7] == 3 && silent.now < ms(15_000) ? nil : answer($0, number: numbers[0].right, co2: 400) }
    #expect(said.filter { $0.at < 15_000 }.allSatisfy { $0.bytes[7] == 3 } && silent.changed == ["down 0 silent", "up 0"])
    // One that does not know the register is another model.
    let refusing = start(numbers[0])
    refusing.talk(until: 60_000) { tcp(Int($0[0]) << 8 | Int($0[1]), [$0[7] | 0x80, 2]) }
    #expect(refusing.changed == ["down 0 exception"] && refusing.device.exceptions > 5)
    refusing.talk(until: 700_000) { answer($0, number: numbers[0].right, co2: 400) }
    #expect(refusing.isUp && refusing.values.first == 400)
  }

  @Test(arguments: numbers) private func aSwapWithALostPortIsSeen(_ kind: Number) {
    let bench = start(kind)
    bench.talk(until: 2_000) { answer($0, number: kind.right, co2: 400) }
    for (index, wrong) in kind.wrong.enumerated() {
      bench.lose()
      bench.forget()
      bench.open()
      bench.talk(until: (bench.now.ns - ms(0).ns) / 1_000_000 + 60_000) { answer($0, number: wrong, co2: 900) }
      // Over the network it goes on being the wrong one, however often the connection is made.
      #expect(bench.changed == (index == 0 ? ["down 0 wrongDevice"] : []) && bench.values.isEmpty)
    }
    // The right one is put back.
    bench.lose()
    bench.forget()
    bench.open()
    bench.talk(until: 600_000) { answer($0, number: kind.right, co2: 401) }
    #expect(bench.changed == ["up 0"] && Set(bench.values) == [401])
  }

  /// On a bus nothing but silence tells.
  @Test(arguments: numbers) private func aSwapAfterASilenceIsSeen(_ kind: Number) {
    let bench = start(kind)
    bench.talk(until: 10_000) { answer($0, number: kind.right, co2: 400) }
    bench.talk(until: 20_000) { _ in nil }
    bench.talk(until: 100_000) { answer($0, number: kind.wrong[0], co2: 900) }
    #expect(bench.changed == ["up 0", "down 0 silent", "down 0 wrongDevice"] && Set(bench.values) == [400])
    bench.talk(until: 110_000) { _ in nil }
    bench.talk(until: 500_000) { answer($0, number: kind.right, co2: 401) }
    #expect(bench.changed.dropFirst(3) == ["up 0"] && Set(bench.values) == [400, 401])
    // Up again, it is read each second.
    #expect(bench.values.suffix(30) == ArraySlice(repeating: 401, count: 30))
  }

  /// It says no for a while, which is an answer; behind it stands another one.
  @Test(arguments: numbers) private func aSwapAfterRefusalsIsSeen(_ kind: Number) {
    let bench = start(kind)
    bench.talk(until: 5_000) { answer($0, number: kind.right, co2: 400) }
    bench.talk(until: 20_000) { tcp(Int($0[0]) << 8 | Int($0[1]), [$0[7] | 0x80, 2]) }
    #expect(bench.changed == ["up 0", "down 0 exception"])
    bench.talk(until: 400_000) { answer($0, number: kind.wrong[0], co2: 900) }
    #expect(bench.changed.dropFirst(2) == ["down 0 wrongDevice"] && Set(bench.values) == [400])
  }

  /// Too short for down: one reply that stays out is enough to ask who it is.
  @Test(arguments: numbers) private func aQuickSwapIsSeen(_ kind: Number) {
    let bench = start(kind)
    bench.talk(until: 9_500) { answer($0, number: kind.right, co2: 400) }
    bench.forget()
    let said = bench.talk(until: 60_000) { bench.now < ms(10_500) ? nil : answer($0, number: kind.wrong[0], co2: 900) }
    #expect(diary(said).prefix(2) == ["10000 4", "11000 3"] && bench.changed == ["down 0 wrongDevice"] && bench.values.isEmpty)
    // It was the same one: one question more, and no value lost but the one that stayed out.
    let same = self.sameAgain(kind)
    #expect(same.said.filter { $0.bytes[7] == 3 }.count == 1 && same.bench.changed.isEmpty && same.bench.values.count == 10)
  }

  private func sameAgain(_ kind: Number) -> (bench: Bench, said: [(at: Int64, bytes: [UInt8])]) {
    let bench = start(kind)
    bench.talk(until: 9_500) { answer($0, number: kind.right, co2: 400) }
    bench.forget()
    let said = bench.talk(until: 20_000) { bench.now < ms(10_500) ? nil : answer($0, number: kind.right, co2: 400) }
    return (bench, said)
  }

  /// A number that is read anyway is looked at each time.
  @Test func aNumberThatIsReadRegularlyIsAlwaysLookedAt() {
    let kind = numbers[0]
    let device = numbered(kind) { $0.told = .always }
    let bench = Bench([.modbusTCP], [DevicePlan(profile: device, port: port, unit: 1, isAtLane: false, serialNumber: kind.meant)])
    bench.talk(until: 5_000) { answer($0, number: kind.right, co2: 400) }
    bench.talk(until: 60_000) { answer($0, number: kind.wrong[0], co2: 900) }
    #expect(bench.changed == ["up 0", "down 0 wrongDevice"] && bench.values.filter { $0 == 900 }.count <= 1)
  }

  @Test func itsNeighboursAreAskedAsBefore() {
    let plans = [1, 2].map {
      DevicePlan(profile: numbered(numbers[0]), port: port, unit: $0, isAtLane: false, serialNumber: $0 == 2 ? numbers[0].meant : nil)
    }
    let bench = Bench([.modbusRTU], plans)
    let said = bench.talk(until: 60_000) { [$0[0]] + words($0[1] == 3 ? [1, 2] : [400], function: $0[1]) }
    #expect(bench.changed.sorted() == ["down 1 wrongDevice", "up 0"] && bench.readings.filter { $0.device.index == 0 }.count == 61)
    // The one whose number nobody named is not asked for it.
    #expect(said.allSatisfy { $0.bytes[0] == 2 || $0.bytes[1] == 4 })
  }

  // MARK: Orders

  @Test func noOrderGoesToAnotherOne() {
    var device = board()
    var number = register("number", .holding, 16, .u32be)
    number.isSerialNumber = true
    number.told = .onRequest
    device.fields.append(number)
    let bench = Bench([.modbusTCP], [DevicePlan(profile: device, port: port, unit: 1, isAtLane: true, serialNumber: .number(7))])
    func reply(_ request: [UInt8], _ number: Int) -> [UInt8] {
      let pdu: [UInt8] = request[7] == 3 ? words([0, number], function: 3) : request[7] == 5 ? Array(request[7...]) : [request[7], 1, 0]
      return tcp(Int(request[0]) << 8 | Int(request[1]), pdu)
    }
    #expect(!bench.write(.set(channel: 1, on: true)))
    bench.talk(until: 1_000) { reply($0, 7) }
    #expect(bench.write(.set(channel: 1, on: true)))
    bench.talk(until: 2_000) { reply($0, 7) }
    #expect(bench.changed == ["up 0", "wrote 0 1 on"])
    bench.lose()
    bench.forget()
    bench.open()
    #expect(!bench.write(.set(channel: 1, on: true)))
    let said = bench.talk(until: 60_000) { reply($0, 8) }
    #expect(!bench.write(.set(channel: 1, on: true)) && said.allSatisfy { $0.bytes[7] == 3 })
    #expect(bench.changed == ["down 0 wrongDevice"])
  }

  // MARK: Frames

  private static func frame(_ sign: UInt8, _ value: UInt8) -> [UInt8] { summed([0xA0, sign, value]) }

  /// 1 reads a value, 9 is never sent and would tell the number.
  private static func dialogue(_ sending: Request.Sending = .never) -> Profile {
    let frames = [1, 2].map { Framing(name: "\($0)", startsWith: [0xA0, $0], ending: .length(4), check: Check(.sum8, at: -1)) }
    let requests: [(UInt8, Request.Sending)] = [(1, .regularly), (9, sending)]
    return framed(
      frames,
      [
        field("v", at: 2) { ($0.frames, $0.answers) = (1, 1) },
        field("number", at: 2) { ($0.frames, $0.answers, $0.told, $0.isSerialNumber) = (2, 2, .onRequest, true) },
      ],
      requests.map { Request(name: "\($0)", bytes: [$0], replyWithin: .milliseconds(100), sending: $1, claims: true) })
  }

  @Test(arguments: [Request.Sending.never, .atStart]) func aDialogueBeginsWithTheNumber(_ sending: Request.Sending) {
    let plan = DevicePlan(profile: Self.dialogue(sending), port: port, unit: 0, isAtLane: false, serialNumber: .number(7))
    let bench = Bench([.serial], [plan])
    func talk(until end: Int64, _ number: UInt8?, _ value: UInt8) -> [String] {
      bench.talk(until: end) { request in number.map { request == [9] ? Self.frame(2, $0) : Self.frame(1, value) } }
        .map { "\($0.at) \($0.bytes[0])" }
    }
    #expect(talk(until: 2_000, 7, 40) == ["0 9", "0 1", "1000 1", "2000 1"])
    #expect(bench.changed == ["up 0"] && bench.said(plan.profile) == ["number=7.0", "v=40.0", "v=40.0", "v=40.0"])
    // Swapped, with a lost port and without one.
    bench.lose()
    bench.forget()
    bench.open()
    #expect(talk(until: 60_000, 8, 90).allSatisfy { $0.hasSuffix(" 9") })
    #expect(bench.changed == ["down 0 wrongDevice"] && bench.values.isEmpty)
    #expect(talk(until: 400_000, 7, 41).count > 100 && bench.changed == ["down 0 wrongDevice", "up 0"])
    #expect(Set(bench.values) == [41])
    bench.forget()
    _ = talk(until: 410_000, nil, 0)
    _ = talk(until: 500_000, 8, 90)
    #expect(bench.changed == ["down 0 silent", "down 0 wrongDevice"] && bench.values.isEmpty)
    _ = talk(until: 900_000, 7, 42)
    #expect(bench.changed.last == "up 0" && Set(bench.values) == [42])
  }

  /// A frame of the value alone is no answer to who it is.
  @Test func aLateValueSaysNothingOfWhoItIs() {
    let plan = DevicePlan(profile: Self.dialogue(), port: port, unit: 0, isAtLane: false, serialNumber: .number(7))
    let bench = Bench([.serial], [plan])
    bench.talk(until: 60_000) { _ in Self.frame(1, 7) }
    #expect(bench.values.isEmpty && !bench.isUp && bench.changed == ["down 0 silent"])
  }

  /// A board of relays whose one report holds its number too.
  @Test func aReportWithItsNumberIsLookedAtEachTime() {
    let device = framed(
      [Framing(name: "state", way: .feature, startsWith: [], ending: .length(8))],
      [field("on", at: 7), field("number", at: 0, .ascii(5)) { ($0.told, $0.isSerialNumber) = (.onRequest, true) }],
      [Request(carrier: .getFeature, bytes: [0], replyWithin: .milliseconds(100))], reports: HIDReports(length: 8, number: nil, usesLastNode: true))
    let bench = Bench([.hid], [DevicePlan(profile: device, port: port, unit: 0, isAtLane: false, serialNumber: .text("PSUIS"))])
    func report(_ number: String) -> [UInt8] { Array(number.utf8) + [0, 0, 5] }
    bench.talk(until: 2_000) { _ in report("PSUIS") }
    #expect(bench.changed == ["up 0"] && bench.values == [5, 5, 5] && bench.told(device).allSatisfy { $0 == "number: PSUIS" })
    bench.forget()
    bench.talk(until: 10_000) { _ in report("BITFT") }
    #expect(bench.changed == ["down 0 wrongDevice"] && bench.values.isEmpty && bench.told(device).contains("number: BITFT"))
    bench.talk(until: 60_000) { _ in report("PSUIS") }
    #expect(bench.changed == ["down 0 wrongDevice", "up 0"] && Set(bench.values) == [5])
  }

  /// It may begin long after the device said who it is.
  @Test func aRecordingIsBelievedFromItsBeginning() {
    let bench = start(numbers[0], open: false)
    bench.instruments.follow(port)
    bench.open()
    let request = bytes("00 05 00 00 00 06 01 04 00 03 00 01")
    #expect(bench.instruments.sent(request.span, on: port, at: bench.now, &bench.findings, &bench.outbox))
    bench.receive(tcp(5, words([400])))
    #expect(bench.values == [400] && bench.isUp)
  }
}
