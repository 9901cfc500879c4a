// Goal: bytes become the number they mean, and what is no value never becomes one. Method: each number type in both
// orders against numbers worked out by hand; each reason for an invalid value, alone.

import Domain
import Testing

@testable import Devices

private func row(_ field: Field) -> FieldRow { FieldRow(field, staleAfter: .seconds(6)) }

private func number(_ type: NumberType, _ text: String, negativeAbove: Double? = nil) -> Double {
  row(Field(name: "", location: .frame(at: 0), type: type, negativeAbove: negativeAbove)).raw(Table(bytes(text), filler: 0), at: 0)
}

/// A field as a Modbus reply tells it, asked for alone or among its neighbours.
private func inReply(_ type: NumberType, _ table: RegisterTable, at address: Int, asked: (Int, Int), _ data: String, inverted: Bool = false) -> Double {
  let field = row(Field(name: "", location: .register(table, address: address), type: type, inverted: inverted))
  let request = ModbusRequest(function: table.readFunction, address: UInt16(asked.0), count: UInt16(asked.1))
  return field.raw(inReplyTo: request, Table(bytes(data), filler: 0), data: 0)
}

/// One field of a frame of four bytes and a sum, with these marks.
private func judged(_ field: Field, _ raw: Int) -> String {
  var field = field
  field.location = .frame(at: 1)
  field.type = .u16be
  let device = profile(
    .serial(FrameSpeech(frames: [Framing(startsWith: [0xAA], length: 4, check: .sum8(from: 0, at: 3))], requests: [], period: .seconds(1))),
    [field])
  let body = [0xAA, UInt8(raw >> 8), UInt8(raw & 0xFF)]
  let bench = Bench(.serial, device)
  bench.receive(body + [UInt8(body.reduce(0) { $0 + Int($1) } & 0xFF)])
  return bench.said(device).first ?? "nothing"
}

@Suite struct FieldTests {
  @Test(arguments: [
    (.u8, "ff", 255), (.i8, "ff", -1), (.i8, "80", -128), (.u16be, "12 34", 0x1234), (.u16le, "12 34", 0x3412),
    (.i16be, "ff fe", -2), (.i16le, "ff fe", -257), (.i16be, "80 00", -32_768), (.u32be, "12 34 56 78", 0x1234_5678),
    (.u32le, "12 34 56 78", 0x7856_3412), (.u32leWords, "12 34 56 78", 0x5678_1234), (.i32be, "ff ff ff fe", -2),
    (.i32le, "fe ff ff ff", -2), (.i32leWords, "ff fe ff ff", -2), (.i32be, "80 00 00 00", -2_147_483_648),
    (.f32be, "41 48 00 00", 12.5), (.f32leWords, "00 00 41 48", 12.5), (.f32be, "c0 b0 00 00", -5.5), (.bits(8), "a5", 0xA5),
    (.bits(3), "a5", 5), (.bits(12), "a5 ff", 0xFA5), (.bits(32), "01 02 03 84", 2_214_789_633),
  ] as [(NumberType, String, Double)])
  func readsNumbers(type: NumberType, text: String, value: Double) { #expect(number(type, text) == value, "\(type)") }

  @Test func unsignedNumbersMayHaveANegativeEnd() {
    #expect(number(.u16be, "94 70", negativeAbove: 38_000) == 38_000 && number(.u16be, "94 71", negativeAbove: 38_000) == 38_001 - 65_536)
    #expect(number(.u8, "ff", negativeAbove: 200) == -1 && number(.u32be, "ff ff ff ff", negativeAbove: 9) == -1)
  }

  @Test func endsBeforeTheBytesDo() {
    let all: [NumberType] = [
      .u8, .i8, .u16be, .u16le, .i16be, .i16le, .u32be, .u32le, .i32be, .i32le, .f32be, .f32leWords, .u32leWords, .i32leWords, .bits(9),
    ]
    for type in all {
      let field = row(Field(name: "", location: .frame(at: 0), type: type))
      let table = Table([1, 2, 3] as [UInt8], filler: 0)
      for at in [-1, 3, 4, Int.max, Int.min] {
        let raw = field.raw(table, at: at)
        #expect(raw.isNaN, "\(type) at \(at)")
      }
    }
  }

  @Test func readsRegistersAndBits() {
    #expect(inReply(.u16be, .input, at: 3, asked: (0, 4), "00 01 00 02 00 03 01 90") == 400)
    #expect(inReply(.f32leWords, .holding, at: 2, asked: (0, 4), "00 00 00 00 00 00 41 48") == 12.5)
    #expect(inReply(.u8, .input, at: 0, asked: (0, 1), "12 34") == 0x34)
    #expect(inReply(.i8, .input, at: 0, asked: (0, 1), "12 ff") == -1)
    #expect(inReply(.bits(8), .coil, at: 0, asked: (0, 8), "a5") == 0xA5)
    #expect(inReply(.bits(4), .discrete, at: 6, asked: (0, 16), "c0 03") == 0xF)
    #expect(inReply(.bits(8), .discrete, at: 0, asked: (0, 8), "a5", inverted: true) == 0x5A)
    #expect(inReply(.bits(4), .holding, at: 1, asked: (0, 2), "ff ff 00 25") == 5)
    #expect(inReply(.bits(32), .holding, at: 0, asked: (0, 2), "80 00 00 01") == 0x8000_0001)
    #expect(inReply(.bits(3), .holding, at: 0, asked: (0, 1), "00 05", inverted: true) == 2)
    // Not in this reply: another table, before it, behind it, only half in it.
    #expect(inReply(.u16be, .input, at: 4, asked: (0, 4), "00 01 00 02 00 03 01 90").isNaN)
    #expect(inReply(.u32be, .input, at: 3, asked: (0, 4), "00 01 00 02 00 03 01 90").isNaN)
    #expect(inReply(.bits(8), .coil, at: 1, asked: (0, 8), "a5").isNaN)
  }

  @Test func whatIsNoValueNeverIsOne() {
    let field = Field(name: "x", location: .frame(at: 1), type: .u16be, scale: 0.1, offset: -10, range: 0...50, sentinels: [300])
    #expect(judged(field, 350) == "x=25.0" && judged(field, 100) == "x=0.0" && judged(field, 600) == "x=50.0")
    #expect(judged(field, 99) == "x=out_of_range" && judged(field, 601) == "x=out_of_range" && judged(field, 300) == "x=sentinel")
    var none = field
    none.absent = [0]
    #expect(judged(none, 0) == "nothing" && judged(none, 350) == "x=25.0")
    none.told = .never
    #expect(judged(none, 350) == "nothing")
  }

  @Test func floatsThatAreNoNumbers() {
    let field = row(Field(name: "", location: .frame(at: 0), type: .f32be))
    for text in ["7f c0 00 00", "7f 80 00 00", "ff 80 00 00", "7f a0 00 01"] {
      #expect(field.judge(number(.f32be, text), isSentinel: false, isWarmingUp: false).quality.name == "invalid", "\(text)")
    }
    // -999.9 in single precision is not -999.9 in double.
    let special = Field(name: "", location: .frame(at: 0), type: .f32be, sentinels: [-999.9]).specials
    #expect(special.map(\.raw) == [Double(Float(-999.9))])
    let huge = row(Field(name: "", location: .frame(at: 0), type: .f32be, scale: 1e308))
    #expect(huge.judge(Double(Float.greatestFiniteMagnitude), isSentinel: false, isWarmingUp: false).quality.name == "invalid")
  }

  @Test func statusWordsSpoil() {
    let signed = Spoiler(BadWhen(field: 0, .equals(UInt32(bitPattern: -1))))
    #expect(signed.applies(to: -1) && !signed.applies(to: 1))
    let bits = Spoiler(BadWhen(field: 0, .anyBit(0x8000)))
    #expect(bits.applies(to: -32_768) && bits.applies(to: 0x8001) && !bits.applies(to: 0x7FFF))
    let device = asked()
    let bench = Bench(.serial, device)
    bench.receive(answer(co2: 600, boot: 15_000))
    bench.run(until: ms(5_000))
    bench.receive(answer(co2: 600, boot: 14_999))
    #expect(bench.said(device) == ["co2=warming_up", "temperature=20.0", "co2=600.0", "temperature=20.0"])
  }

  @Test func aStatusThatWasNeverReadOrLongAgoConfirmsNothing() {
    let device = guarded()
    // Status words are asked for first.
    #expect(device.reads.map(\.address) == [900, 3])
    let bench = Bench(.modbusTCP, device)
    bench.receive(tcp(1, [0x84, 2]))
    bench.receive(tcp(2, words([500])))
    #expect(bench.said(device) == ["co2=unconfirmed"])
    bench.forget()
    bench.run(until: ms(2_000))
    bench.receive(tcp(3, words([0])))
    bench.receive(tcp(4, words([501])))
    #expect(bench.said(device) == ["status=0.0", "co2=501.0"])
    // The status goes on being refused: its last word is good for three periods and no longer.
    bench.forget()
    for cycle in 2..<6 {
      bench.run(until: ms(Int64(cycle) * 2_000))
      bench.receive(tcp(2 * cycle + 1, [0x84, 2]))
      bench.receive(tcp(2 * cycle + 2, words([500 + cycle])))
    }
    #expect(bench.said(device) == ["co2=502.0", "co2=503.0", "co2=504.0", "co2=unconfirmed"])
  }

  @Test func oldReadingsAreStale() {
    let device = thermometer()
    #expect(device.staleAfter(device.fields[0]) == .milliseconds(216))
    let bench = Bench(.serial, device)
    bench.receive(thermal(3650, 2200))
    for (age, isStale) in [(0, false), (216, false), (217, true)] {
      if case .value = bench.readings[0].judged(at: ms(Int64(age)), staleAfter: device.staleAfter(device.fields[0])) {
        #expect(!isStale)
      } else {
        #expect(isStale)
      }
    }
  }

  // MARK: Warm-up

  @Test func warmsUpAfterEvidenceOfPower() {
    let device = thermometer(warmUp: .seconds(600), power: .usb)
    let bench = Bench(.serial, device)
    bench.receive(thermal(3650, 2200))
    #expect(bench.said(device) == ["object=36.5", "ambient=22.0"], "a port that was there at the start says nothing")
    bench.lose()
    bench.now = ms(1_000)
    bench.open(port, 2)
    bench.forget()
    for (time, expected) in [(1_000, "warming_up"), (600_999, "warming_up"), (601_000, "36.5")] {
      bench.now = ms(Int64(time))
      bench.receive(thermal(3650, 2200), port, 2)
      #expect(bench.said(device)[0] == "object=\(expected)", "at \(time) ms")
      bench.forget()
    }
  }

  @Test func aPortThatAppearsLaterWasPluggedInThen() {
    let device = thermometer(warmUp: .seconds(600), power: .usb)
    let bench = Bench(.serial, device, open: false)
    bench.lose(port, 0)
    bench.now = ms(5_000)
    bench.open()
    bench.receive(thermal(3650, 2200))
    #expect(bench.changed == ["down 0 portLost", "on 0", "up 0"] && bench.said(device)[0] == "object=warming_up")
  }

  @Test func ownSupplyIsNoEvidence() {
    let device = thermometer(warmUp: .seconds(600), power: .own)
    let bench = Bench(.serial, device)
    bench.lose()
    bench.open(port, 2)
    bench.receive(thermal(3650, 2200), port, 2)
    #expect(bench.said(device) == ["object=36.5", "ambient=22.0"])
  }

  @Test func aRestartOfTheDoorEndsNoWarmUp() {
    let device = thermometer(warmUp: .seconds(600), power: .usb)
    let before = Bench(.serial, device)
    before.lose()
    before.open(port, 2)
    let snapshot = Table<UInt8>(capacity: before.instruments.byteCount, filledWith: 0)
    let end = before.instruments.copyBytes(to: snapshot, at: 0)
    #expect(end == snapshot.capacity)
    for (shift, time, expected) in [(0, 599_000, "warming_up"), (0, 600_001, "36.5"), (-1_000, 599_500, "36.5"), (99_999_999, 599_000, "warming_up")] {
      let after = Bench(.serial, device, open: false)
      after.now = ms(10_000)
      let read = after.instruments.replaceBytes(from: snapshot, at: 0, shift: .milliseconds(Int64(shift)), now: after.now)
      #expect(read == end)
      after.open()
      after.now = ms(Int64(time))
      after.receive(thermal(3650, 2200))
      #expect(after.said(device)[0] == "object=\(expected)", "\(shift) \(time)")
    }
  }

  @Test func warmsUpByValues() {
    let device = asked(warmUp: .seconds(180), warmUpValues: [400, 410])
    func co2(_ values: [(at: Int64, ppm: Int)]) -> [String] {
      let bench = Bench(.serial, device)
      var said: [String] = []
      for (time, ppm) in values {
        bench.run(until: ms(time)) { bench in if bench.now < ms(time) { bench.receive(answer(co2: ppm)) } }
        bench.forget()
        bench.receive(answer(co2: ppm))
        said.append(bench.said(device)[0])
      }
      return said
    }
    #expect(co2([(0, 410), (5_000, 400), (10_000, 612), (15_000, 410)]) == ["co2=warming_up", "co2=warming_up", "co2=612.0", "co2=410.0"])
    // A device that shows it for longer than it takes to warm up means it.
    #expect(co2([(0, 410), (175_000, 410), (180_000, 410)]) == ["co2=warming_up", "co2=warming_up", "co2=410.0"])
  }
}
