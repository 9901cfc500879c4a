// Goal: a report counts whole or not at all, by its number and its way; what a stick says of its reports is bounded before
// it is believed. Method: reports as the kernel gives them, in virtual time; report descriptors made item by item, each
// refusal alone, and random ones.

import Domain
import Testing

@testable import Devices

/// Reports of eight bytes: sign, number, sum, filler.
private func framing(_ sign: UInt8, way: Way = .any) -> Framing {
  Framing(name: "\(sign)", way: way, startsWith: [sign], ending: .length(8), check: Check(.sum8, to: 2, at: 2))
}

private func report(_ sign: UInt8, _ value: UInt8) -> [UInt8] { summed([sign, value]) + [0, 0, 0, 0, 0] }

private func hid(_ frames: [Framing], _ requests: [Request] = [], number: UInt8? = nil, isSeldom: Bool = false) -> Profile {
  framed(frames, [field("v", at: 1)], requests, isSeldom: isSeldom, reports: HIDReports(length: 8, number: number, usesLastNode: true))
}

private func request(
  _ carrier: Request.Carrier, _ bytes: [UInt8], _ sending: Request.Sending = .regularly, within: Interval? = .milliseconds(100)
) -> Request {
  Request(carrier: carrier, bytes: bytes, replyWithin: within, sending: sending)
}

@Suite struct HIDTests {
  // MARK: Reports

  @Test func aReportIsAFrame() {
    let device = hid([framing(0x10)])
    let bench = Bench(.hid, device)
    bench.receive(report(0x10, 5))
    bench.receive(report(0x10, 6))
    #expect(bench.said(device) == ["v=5.0", "v=6.0"] && bench.bus.bytesDropped == 0)
  }

  /// What does not fit is dropped with its report: a start inside of it is none.
  @Test func whatDoesNotFitIsDroppedWithItsReport() {
    let device = hid([framing(0x10)])
    let bench = Bench(.hid, device)
    let inner = report(0x10, 5)
    bench.receive([0x77] + inner.prefix(7))
    bench.receive([inner[7]] + report(0x10, 5).prefix(7))
    #expect(bench.readings.isEmpty && bench.bus.bytesDropped == 16)
    // A wrong check too; it alone is an error.
    bench.receive([0x10, 5, 0, 0x10, 5, 0x15, 0, 0])
    #expect(bench.readings.isEmpty && bench.device.checkErrors == 1 && bench.bus.bytesDropped == 24)
    // One longer than any frame: its rest is dropped.
    bench.receive(report(0x10, 6) + [0x55, 0x66])
    #expect(bench.said(device) == ["v=6.0"] && bench.bus.bytesDropped == 26)
    bench.receive([])
    bench.receive([UInt8](repeating: 0x10, count: 4_096))
    #expect(bench.readings.count == 1 && bench.bus.bytesDropped == 26 + 4_096)
    bench.receive(report(0x10, 7))
    #expect(bench.said(device) == ["v=6.0", "v=7.0"])
  }

  @Test func aReportOfAnotherNumberIsDropped() {
    let device = hid([framing(0x10)], number: 3)
    let bench = Bench(.hid, device)
    for number in [3, 2, 0, 0x10] as [UInt8] { bench.receive([number] + report(0x10, number)) }
    bench.receive([3])
    #expect(bench.said(device) == ["v=3.0"] && bench.bus.bytesDropped == 9 + 9 + 9 + 1)
    // Without numbers nothing stands before it.
    let plain = Bench(.hid, hid([framing(0x10)]))
    plain.receive([3] + report(0x10, 3))
    #expect(plain.readings.isEmpty && plain.bus.bytesDropped == 9)
  }

  /// The tool is given reports as they come: with their number where they have one.
  @Test func numberedReportsAreDecoded() {
    func values(_ bytes: [UInt8], _ number: UInt8?) -> [Double] {
      decode(bytes, with: hid([framing(0x10)], number: number), DecodeContext(way: .report)).flatMap {
        if case .accepted(let values) = $0.outcome { values.map(\.value) } else { [Double]() }
      }
    }
    for number in [1, 3] as [UInt8] {
      #expect(values([number] + report(0x10, 5) + [number] + report(0x10, 6), number) == [5, 6])
      #expect(values([number + 1] + report(0x10, 5), number).isEmpty)
    }
    #expect(values(report(0x10, 5) + report(0x10, 6), nil) == [5, 6] && values([0] + report(0x10, 5), nil) == [5])
  }

  @Test func aFrameMayTakeSeveralReports() {
    let long = Framing(name: "name", startsWith: [0x54, 0x45], ending: .length(16))
    let data = Framing(name: "data", startsWith: [0x80], ending: .quiet(.milliseconds(50), least: 8, most: 16))
    var device = framed(
      [long, data], [field("name", at: 0, .ascii(16)), field("a", at: 1), field("b", at: 9)], gap: .milliseconds(200),
      reports: HIDReports(length: 8, number: nil, usesLastNode: true))
    for (index, frame) in [1, 2, 2].enumerated() { device.fields[index].frames = UInt32(frame) }
    let bench = Bench(.hid, device)
    bench.receive(Array("TEMPER_V".utf8))
    #expect(bench.texts.isEmpty)
    bench.receive(Array("1.0     ".utf8))
    #expect(bench.told(device) == ["name: TEMPER_V1.0     "])
    // One report or two: silence tells.
    bench.receive([0x80, 1, 0, 0, 0, 0, 0, 0])
    bench.run(until: ms(50))
    #expect(bench.said(device) == ["a=1.0"])
    bench.receive([0x80, 2, 0, 0, 0, 0, 0, 0])
    bench.run(until: ms(99))
    bench.receive([0, 3, 0, 0, 0, 0, 0, 0])
    #expect(bench.said(device) == ["a=1.0", "a=2.0", "b=3.0"] && bench.bus.bytesDropped == 0)
    // Half of one, then nothing for too long: the next report begins anew.
    bench.receive(Array("TEMPER_V".utf8))
    bench.now = ms(301)
    bench.receive(Array("TEMPER_V".utf8))
    bench.receive(Array("2.0     ".utf8))
    #expect(bench.told(device).last == "name: TEMPER_V2.0     " && bench.bus.bytesDropped == 8)
  }

  @Test func anAnswerIsAReportToo() {
    let device = hid([framing(0x10)], [request(.bytes, [1, 0x80, 0x33])])
    let bench = Bench(.hid, device)
    // What is sent says first how: 0, an output report.
    #expect(bench.sent.map(\.bytes) == [[0, 1, 0x80, 0x33]])
    bench.receive(report(0x10, 5))
    bench.receive(report(0x10, 6))
    #expect(bench.said(device) == ["v=5.0"] && bench.bus.lateReplies == 1 && bench.bus.bytesDropped == 8)
    bench.run(until: ms(1_100))
    #expect(bench.sent.count == 2 && bench.device.timeOuts == 1)
  }

  // MARK: Features

  @Test func aFeatureIsReadByItsNumber() {
    let device = hid([framing(0x10, way: .feature), framing(0x20, way: .report)], [request(.getFeature, [0])])
    let bench = Bench(.hid, device)
    #expect(bench.sent.map(\.bytes) == [[2, 0]])
    // An input report that comes meanwhile is not the answer.
    bench.receive(report(0x20, 9))
    #expect(bench.readings.isEmpty && bench.bus.bytesDropped == 8)
    bench.receive(report(0x10, 5))
    #expect(bench.said(device) == ["v=5.0"] && bench.isUp)
    // Nor is a feature the answer to an output report.
    let asked = Bench(.hid, hid([framing(0x10, way: .feature), framing(0x20, way: .report)], [request(.bytes, [1])]))
    asked.receive(report(0x10, 5))
    #expect(asked.readings.isEmpty)
    asked.receive(report(0x20, 6))
    #expect(asked.readings.count == 1)
  }

  /// A feature has a number of its own, which need not be that of the reports.
  @Test func aFeatureHasItsOwnNumber() {
    let device = hid([framing(0x10)], [request(.getFeature, [5])], number: 1)
    let bench = Bench(.hid, device)
    #expect(bench.sent.map(\.bytes) == [[2, 5]])
    bench.receive([1] + report(0x10, 9))
    #expect(bench.readings.isEmpty && bench.bus.bytesDropped == 9)
    bench.receive([5] + report(0x10, 6))
    #expect(bench.said(device) == ["v=6.0"])
  }

  @Test func aFeatureIsToldAtTheStart() {
    let device = hid([framing(0x10)], [request(.setFeature, [0, 1, 2, 3], .atStart, within: nil)])
    let bench = Bench(.hid, device)
    #expect(bench.sent.map(\.bytes) == [[1, 0, 1, 2, 3]] && bench.nextDeadline == ms(3_000))
    bench.receive(report(0x10, 5))
    bench.run(until: ms(2_999))
    #expect(bench.sent.count == 1 && bench.said(device) == ["v=5.0"])
    // Silent, it is told again.
    bench.run(until: ms(3_000))
    #expect(bench.sent.count == 2 && bench.changed == ["up 0", "down 0 silent"])
  }

  @Test func relaysAreToldByFeature() {
    var device = hid([framing(0x10, way: .feature)], [request(.getFeature, [0])])
    device.writes = [
      Write(
        name: "relay",
        kind: .relay(
          RelayBytes(
            on: bytes("00 ff 00 00 00 00 00 00 00"), off: bytes("00 fd 00 00 00 00 00 00 00"), channelAt: 2, count: 8, check: .none)))
    ]
    let bench = Bench(.hid, device)
    bench.receive(report(0x10, 0))
    bench.forget()
    #expect(bench.write(.set(channel: 3, on: true)))
    bench.run(until: bench.now)
    #expect(bench.sent.map(\.bytes) == [bytes("01 00 ff 03 00 00 00 00 00 00"), [2, 0]] && bench.changed == ["wrote 0 3 on"])
    bench.receive(report(0x10, 4))
    #expect(bench.said(device) == ["v=4.0"])
  }

  /// The port's thread says that a request failed before its time is up.
  @Test func aFailedExchangeIsATimeOutAtOnce() {
    let bench = Bench(.hid, hid([framing(0x10)], [request(.getFeature, [0])]))
    bench.now = ms(20)
    bench.fail(.timedOut)
    #expect(bench.device.timeOuts == 1 && bench.nextDeadline == ms(120))
    bench.receive(report(0x10, 5))
    #expect(bench.readings.isEmpty && bench.bus.lateReplies == 1)
  }

  @Test func anEncryptedReportIsUnderstood() {
    // Captures are in the profiles' proofs; here the maker's steps are done the other way round.
    for key in [0, 0xC4C6_C092_4023_DC96, 0x0123_4567_89AB_CDEF] as [UInt64] {
      let framing = Framing(
        startsWith: [], ending: .length(8), transform: .scrambled(scramble(key: key)), check: Check(.sum8, at: 3), marks: [Mark(at: 4, byte: 0x0D)])
      let device = framed([framing], [field("co2", at: 1, .u16be)], reports: HIDReports(length: 8, number: nil, usesLastNode: true))
      let plain = summed(bytes("50 02 58")) + bytes("0d 00 00 00")
      let bench = Bench(.hid, device)
      bench.receive(encrypted(plain, key: key))
      bench.receive(plain)
      #expect(bench.said(device) == ["co2=600.0", "co2=600.0"] && bench.device.checkErrors == 0)
      var wrong = encrypted(plain, key: key)
      wrong[2] ^= 0x10
      bench.receive(wrong)
      #expect(bench.readings.count == 2 && bench.device.checkErrors == 1)
    }
  }

  /// As one maker does it; what is taken away is "Htemp99e", the halves of each byte swapped.
  private func scramble(key: UInt64) -> Scramble {
    Scramble(order: 0x0204_0007_0106_0503, key: key, rotation: 3, less: 0x8447_56D6_0793_9356)
  }

  private func encrypted(_ plain: [UInt8], key: UInt64) -> [UInt8] {
    let text = Array("Htemp99e".utf8).map { $0 << 4 | $0 >> 4 }
    var word = zip(plain, text).reduce(0) { $0 << 8 | UInt64($1.0 &+ $1.1) }
    word = word << 3 | word >> 61
    word ^= key
    var bytes = (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
    for (a, b) in [(0, 2), (1, 4), (3, 7), (5, 6)] { bytes.swapAt(a, b) }
    return bytes
  }

  @Test(arguments: [1, 2] as [UInt64]) func noReportTraps(seed: UInt64) {
    var chance = Chance(seed)
    let frames = [
      framing(0x10), Framing(startsWith: [0x20], ending: .quiet(.milliseconds(30), least: 3, most: 20)),
      Framing(startsWith: [0x7E], ending: .tail([0x7E], most: 30), coding: .stuffed(escape: 0x7D, xor: 0x20)),
      Framing(startsWith: [], ending: .length(8), transform: .scrambled(scramble(key: 0)), check: Check(.sum8, at: 3)),
    ]
    for number in [nil, 1] as [UInt8?] {
      let bench = Bench(.hid, hid(frames, number: number))
      for _ in 0..<20_000 {
        var bytes = chance.bytes(chance.below(20))
        if chance.below(2) == 0 { bytes = (number.map { [$0] } ?? []) + [[0x10, 0x20, 0x7E][chance.below(3)]] + bytes }
        bench.receive(bytes)
        bench.forget()
        bench.run(until: bench.now + .milliseconds(Int64(chance.below(40))))
      }
      #expect(bench.device.replies > 100, "seed \(seed)")
    }
  }
}

// MARK: What reports there are

/// A short item with this value in as few bytes as it needs, or in `size`.
private func item(_ prefix: UInt8, _ value: UInt32 = 0, size: Int? = nil) -> [UInt8] {
  let count = size ?? (value == 0 ? 0 : value < 0x100 ? 1 : value < 0x1_0000 ? 2 : 4)
  return [prefix | UInt8(count == 4 ? 3 : count)] + (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
}

private let (size, count, number) = (UInt8(0x74), UInt8(0x94), UInt8(0x84))
private let (input, output, feature) = (UInt8(0x80), UInt8(0x90), UInt8(0xB0))
private let (begin, end, push, pop) = (item(0xA0, 1), item(0xC0), item(0xA4), item(0xB4))

/// A field of `bits` times `times`.
private func part(_ kind: UInt8, _ bits: UInt32, _ times: UInt32) -> [UInt8] { item(size, bits) + item(count, times) + item(kind, 2) }

private func reports(_ descriptor: [UInt8]) -> [String]? {
  guard case .success(let layout) = HIDLayout.read(descriptor) else { return nil }
  return layout.reports.map { "\($0.kind) \($0.number) \($0.byteCount)" } + (layout.isNumbered ? ["numbered"] : [])
}

private func refusal(_ descriptor: [UInt8]) -> HIDLayout.Refusal? {
  if case .failure(let why) = HIDLayout.read(descriptor) { why } else { nil }
}

@Suite struct HIDLayoutTests {
  @Test func readsAKeyboard() {
    // Appendix E.6 of Device Class Definition for HID 1.11.
    let keyboard = bytes(
      """
      05 01 09 06 a1 01 05 07 19 e0 29 e7 15 00 25 01 75 01 95 08 81 02 95 01 75 08 81 01 95 05 75 01 05 08 19 01 29 05 91 02 95 01 75 03 91 01 \
      95 06 75 08 15 00 25 65 05 07 19 00 29 65 81 00 c0
      """)
    #expect(keyboard.count == 63 && reports(keyboard) == ["input 0 8", "output 0 1"])
  }

  @Test func readsAVendorsReport() {
    let vendor = bytes("06 00 ff 09 01 a1 01 09 01 15 00 26 ff 00 75 08 95 08 81 02 09 01 95 08 91 02 09 01 95 08 b1 02 c0")
    #expect(reports(vendor) == ["input 0 8", "output 0 8", "feature 0 8"])
  }

  @Test func readsNumberedReports() {
    let two = begin + item(number, 1) + part(input, 8, 7) + item(number, 2) + part(input, 8, 15) + part(feature, 1, 9) + item(number, 1)
    #expect(reports(two + part(input, 4, 3) + end) == ["input 1 9", "input 2 15", "feature 2 2", "numbered"])
  }

  @Test func remembersWhatWasPushed() {
    let descriptor = begin + item(size, 8) + item(count, 2) + push + item(size, 16) + item(count, 3) + item(input, 2) + pop + item(output, 2) + end
    #expect(reports(descriptor) == ["input 0 6", "output 0 2"])
  }

  @Test func skipsWhatItDoesNotKnow() {
    // A long item, local items, reserved ones, an empty collection; values in more bytes than they need.
    let long: [UInt8] = [0xFE, 3, 0x99, 0xC0, 0xC0, 0xC0]
    let odd = long + item(0x08, 5) + item(0xD0, 0xFFFF_FFFF) + begin + end
    #expect(reports(odd + item(size, 8, size: 4) + item(count, 8, size: 2) + item(input, 0, size: 0)) == ["input 0 8"])
    #expect(reports([0xFE, 0, 0] + part(input, 8, 1)) == ["input 0 1"])
    // A report without a bit is one.
    #expect(reports(item(input, 2)) == ["input 0 0"])
  }

  @Test func refusesWhatIsCut() {
    let good = begin + part(input, 8, 300) + [0xFE, 2, 0, 1, 1] + end
    #expect(reports(good) == ["input 0 300"])
    // The places where an item ends are those where only the collection is open.
    var (whole, isCut) = (0, 0)
    for length in 1..<good.count {
      switch refusal(Array(good.prefix(length))) {
      case .unbalanced?: whole += 1
      case .cut?: isCut += 1
      default: Issue.record("\(length)")
      }
    }
    #expect(whole == 5 && isCut == good.count - 1 - 5)
  }

  @Test func refusesEachThingBeyondItsBound() {
    #expect(refusal([]) == .noReports && refusal(begin + end) == .noReports)
    #expect(refusal([UInt8](repeating: 0xC0, count: 4_097)) == .tooLong)
    let deep = { (most: Int) in (0..<most).flatMap { _ in begin } + part(input, 8, 1) + (0..<most).flatMap { _ in end } }
    #expect(reports(deep(16)) != nil && refusal(deep(17)) == .tooDeep)
    let pushed = { (most: Int) in (0..<most).flatMap { _ in push } + part(input, 8, 1) + (0..<most).flatMap { _ in pop } }
    #expect(reports(pushed(16)) != nil && refusal(pushed(17)) == .tooDeep)
    for odd in [end, pop, begin + part(input, 8, 1), push + part(input, 8, 1), begin + end + end, begin + pop] {
      #expect(refusal(odd) == .unbalanced, "\(odd)")
    }
    #expect(reports(part(input, 256, 128)) == ["input 0 4096"] && refusal(part(input, 257, 1)) == .badSize)
    #expect(refusal(part(input, 0xFFFF_FFFF, 1)) == .badSize && refusal(part(input, 1, 0xFFFF_FFFF)) == .tooManyBits)
    #expect(refusal(part(input, 256, 129)) == .tooManyBits && refusal(part(input, 1, 32_769)) == .tooManyBits)
    #expect(reports(part(input, 8, 4_095) + part(input, 8, 1)) != nil && refusal(part(input, 8, 4_095) + part(input, 8, 2)) == .tooManyBits)
    #expect(refusal(item(number, 0) + part(input, 8, 1)) == .numberZero && refusal(item(number, 256) + part(input, 8, 1)) == .numberZero)
    let many = { (most: UInt32) in (1...most).flatMap { item(number, $0) + item(input, 2) } }
    #expect(reports(many(64))?.count == 65 && refusal(many(65)) == .tooManyReports)
    let all: [HIDLayout.Refusal] = [
      .cut, .tooLong, .tooDeep, .unbalanced, .tooManyBits, .tooManyReports, .badSize, .numberZero, .noReports,
    ]
    #expect(Set(all.map(\.text)).count == all.count)
  }

  /// Random ones, and good ones with a few bytes changed: read or refused, and never beyond the bounds.
  @Test func aHundredThousandRandomOnesNeverTrap() {
    var chance = Chance(26)
    let good = begin + item(number, 1) + part(input, 8, 7) + push + part(output, 1, 9) + pop + part(feature, 12, 5) + end
    var (read, refused) = (0, 0)
    for round in 0..<100_000 {
      var descriptor = round % 2 == 0 ? chance.bytes(chance.below(round % 1_000 == 0 ? 4_100 : 40)) : good
      if round % 2 == 1 { for _ in 0..<1 + chance.below(3) { descriptor[chance.below(descriptor.count)] = UInt8(chance.below(256)) } }
      switch HIDLayout.read(descriptor) {
      case .success(let layout):
        read += 1
        #expect(!layout.reports.isEmpty && layout.reports.count <= 64 && layout.reports.allSatisfy { (0...4_096).contains($0.byteCount) })
      case .failure: refused += 1
      }
    }
    #expect(read > 10_000 && refused > 10_000)
  }
}
