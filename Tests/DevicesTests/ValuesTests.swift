// Goal: what one field says about another, what many numbers become, what is text, and what means nothing yet. Method: a
// device with as little as shows it, frame by frame in virtual time; what is read is what a person would say.

import Domain
import Testing

@testable import Devices

/// A frame of this kind: start, sign, data, sum. Fields stand from 2 on.
private func kind(_ sign: UInt8, length: Int) -> Framing {
  Framing(name: "\(sign)", startsWith: [0xA0, sign], ending: .length(length), check: Check(.sum8, at: -1))
}

private func frame(_ sign: UInt8, _ data: [UInt8]) -> [UInt8] { summed([0xA0, sign] + data) }

/// A field of the frame with this number, from 0.
private func field(_ name: String, in frame: Int, at: Int, _ type: NumberType = .u8, _ change: (inout Field) -> Void = { _ in }) -> Field {
  field(name, at: at, type) {
    $0.frames = 1 << UInt32(frame)
    change(&$0)
  }
}

@Suite struct ValuesTests {
  // MARK: Whether a field exists

  @Test func existsWhenAnotherOneSaysSo() {
    let device = framed(
      [kind(1, length: 5)],
      [
        field("item", at: 2) { $0.told = .never },
        field("co2", at: 3) { $0.when = [Need(field: 0, [.equals(0x50)])] },
        field("t", at: 3) { $0.when = [Need(field: 0, [.equals(0x42), .equals(0x43)])] },
      ])
    let bench = Bench(.serial, device)
    for item in [0x50, 0x42, 0x43, 0x44] as [UInt8] { bench.receive(frame(1, [item, item &- 0x40])) }
    #expect(bench.said(device) == ["co2=16.0", "t=2.0", "t=3.0"])
  }

  /// Presence by bits of a word, in another frame than the values; each of two conditions must hold.
  @Test func flagsSayWhatIsThere() {
    let device = framed(
      [kind(1, length: 5), kind(2, length: 5)],
      [
        field("a", in: 1, at: 2) { $0.when = [Need(field: 2, [.anyBit(0b01)])] },
        field("b", in: 1, at: 3) { $0.when = [Need(field: 2, [.anyBit(0b10)]), Need(field: 3, [.equals(7)])] },
        field("present", in: 0, at: 2) { $0.flags = ["a": 0, "b": 1] },
        field("mode", in: 0, at: 3) { $0.told = .never },
      ])
    let bench = Bench(.serial, device)
    let values = frame(2, [11, 12])
    func said(_ word: UInt8, _ mode: UInt8) -> [String] {
      bench.forget()
      bench.receive(frame(1, [word, mode]))
      bench.receive(values)
      return bench.said(device)
    }
    bench.receive(values)
    #expect(bench.readings.isEmpty, "what was never read says nothing")
    #expect(said(0b01, 7) == ["present=1.0", "a=11.0"])
    #expect(said(0b11, 7) == ["present=3.0", "a=11.0", "b=12.0"])
    #expect(said(0b10, 8) == ["present=2.0"] && said(0, 7) == ["present=0.0"])
    _ = said(0b11, 7)
    bench.open()
    bench.forget()
    bench.receive(values)
    #expect(bench.readings.isEmpty, "nor what was read before the port was opened")
  }

  /// Frames of several meanings share one place: what does not exist in this one leaves what it said before as it is.
  @Test func aFieldThatIsNotThereIsNotRead() {
    let device = framed(
      [kind(1, length: 5)],
      [
        field("item", at: 2) { $0.told = .never },
        field("factor", at: 3) {
          $0.when = [Need(field: 0, [.equals(1)])]
          $0.told = .never
        },
        field("value", at: 3) {
          $0.when = [Need(field: 0, [.equals(2)])]
          $0.multiplier = Multiplier(field: 1)
        },
      ])
    let bench = Bench(.serial, device)
    for data in [[1, 10], [2, 5], [2, 6], [3, 99], [2, 7]] as [[UInt8]] { bench.receive(frame(1, data)) }
    #expect(bench.said(device) == ["value=50.0", "value=60.0", "value=70.0"])
  }

  // MARK: Scales

  @Test func timesAnotherField() {
    let device = framed(
      [kind(1, length: 4), kind(2, length: 4)],
      [
        field("value", in: 0, at: 2) { $0.multiplier = Multiplier(field: 1) },
        field("factor", in: 1, at: 2) {
          $0.scale = 0.5
          $0.offset = 1
        },
      ])
    let bench = Bench(.serial, device)
    bench.receive(frame(1, [4]))
    #expect(bench.readings.isEmpty && bench.isUp, "without its factor it is no value, but a frame")
    bench.receive(frame(2, [18]) + frame(1, [4]) + frame(2, [0]) + frame(1, [4]))
    #expect(bench.said(device) == ["factor=10.0", "value=40.0", "factor=1.0", "value=4.0"])
    bench.forget()
    bench.open()
    bench.receive(frame(1, [4]))
    #expect(bench.readings.isEmpty, "another device may be there now")
  }

  @Test func scaleByAnotherFieldsNumber() {
    func device(_ otherwise: Double?) -> Profile {
      framed(
        [kind(1, length: 4), kind(2, length: 4)],
        [
          field("flow", in: 0, at: 2) {
            $0.multiplier = Multiplier(field: 1, factors: [0: 3_600, 1: 1], otherwise: otherwise)
            $0.range = 0...20_000
          },
          field("unit", in: 1, at: 2) { $0.told = .never },
        ])
    }
    for (otherwise, known) in [(2.0, 4.0), (nil, nil)] {
      let device = device(otherwise)
      let bench = Bench(.serial, device)
      bench.receive(frame(1, [2]))
      #expect(bench.said(device) == [], "what the number means will be read soon")
      guard case .accepted(let values)? = decode(frame(1, [2]), with: device).first?.outcome else { return #expect(Bool(false)) }
      #expect(values.first?.value == known, "a tool sees this frame only")
      bench.receive(frame(2, [0]) + frame(1, [2]) + frame(1, [6]) + frame(2, [1]) + frame(1, [2]))
      #expect(bench.said(device) == ["flow=7200.0", "flow=out_of_range", "flow=2.0"])
      // A number that has no factor is no reason to guess one.
      bench.forget()
      bench.receive(frame(2, [9]) + frame(1, [2]))
      #expect(bench.readings.isEmpty)
    }
  }

  @Test func aReciprocalOfZeroIsStandstill() {
    let device = framed([kind(1, length: 5)], [field("speed", at: 2, .u16be) { $0.reciprocal = 1_875_000 }])
    let bench = Bench(.serial, device)
    for raw in [1_875, 0, 65_535] { bench.receive(frame(1, big(raw))) }
    #expect(bench.readings.map(\.decoded) == [1_000, 0, 1_875_000.0 / 65_535] && bench.readings.allSatisfy(\.quality.isGood))
  }

  // MARK: Frames that stand or fall with a value

  @Test func aValueBeyondItsRangeRejectsTheFrame() {
    let device = framed(
      [kind(1, length: 5)],
      [
        field("a", at: 2) {
          $0.range = 0...50
          $0.outside = .rejectsFrame
          $0.sentinels = [200]
        }, field("b", at: 3) { $0.range = 0...50 },
      ])
    let bench = Bench(.serial, device)
    bench.receive(frame(1, [51, 1]))
    #expect(bench.readings.isEmpty && !bench.isUp && bench.device.checkErrors == 1 && bench.device.replies == 0)
    bench.receive(frame(1, [50, 51]) + frame(1, [200, 1]))
    #expect(bench.said(device) == ["a=50.0", "b=out_of_range", "a=sentinel", "b=1.0"])
  }

  /// The range is of the value, by whatever it is scaled.
  @Test func itsRangeIsOfTheScaledValue() {
    let device = framed(
      [kind(1, length: 5)],
      [
        field("a", at: 2, .u16be) {
          $0.reciprocal = 100_000
          $0.range = 10...5_000
          $0.outside = .rejectsFrame
        }
      ])
    let bench = Bench(.serial, device)
    for raw in [10_000, 10_001, 20, 19, 100] { bench.receive(frame(1, big(raw))) }
    #expect(bench.said(device) == ["a=10.0", "a=5000.0", "a=1000.0"] && bench.device.checkErrors == 2)
  }

  /// Nothing of a frame that is another one is believed: neither what it says of others nor which variant it is.
  @Test func aRejectedFrameSaysNothingOfOthers() {
    var device = framed(
      [kind(1, length: 6), kind(2, length: 4)],
      [
        field("sure", in: 0, at: 2) {
          $0.range = 0...1
          $0.outside = .rejectsFrame
        },
        field("factor", in: 0, at: 3) { $0.told = .never },
        field("model", in: 0, at: 4) { $0.told = .never },
        field("value", in: 1, at: 2) { $0.multiplier = Multiplier(field: 1) },
        field("large", in: 1, at: 2) { $0.variants = 0b10 },
      ])
    device.variants = [Variant(name: "small", identity: 2, numbers: [1]), Variant(name: "large", identity: 2, numbers: [2])]
    let bench = Bench(.serial, device)
    bench.receive(frame(1, [1, 10, 1]) + frame(1, [9, 77, 2]) + frame(2, [3]))
    #expect(bench.said(device) == ["sure=1.0", "value=30.0"])
  }

  // MARK: First values, bouncing channels

  @Test func theFirstValuesMeanNothing() {
    let device = framed(
      [kind(1, length: 5)],
      [
        field("v", at: 2) {
          $0.skipFirst = 2
          $0.absent = [255]
        }, field("w", at: 3),
      ])
    let bench = Bench(.serial, device)
    for _ in 0..<2 {
      bench.forget()
      for value in [1, 255, 2, 3, 4] as [UInt8] { bench.receive(frame(1, [value, 9])) }
      #expect(bench.said(device).filter { $0.hasPrefix("v") } == ["v=warming_up", "v=warming_up", "v=3.0", "v=4.0"])
      #expect(bench.said(device).filter { $0 == "w=9.0" }.count == 5)
      // Again, when the port was opened again.
      bench.lose()
      bench.open()
    }
  }

  @Test func aChannelCountsWhenItStayed() {
    let device = framed(
      [kind(1, length: 4)], [field("inputs", at: 2, .bits(8)) { $0.debounce = .milliseconds(50) }], period: .milliseconds(10))
    let bench = Bench(.serial, device)
    func read(_ bits: UInt8, at time: Int64) -> Double? {
      bench.run(until: ms(time))
      bench.forget()
      bench.receive(frame(1, [bits]))
      return bench.readings.first?.decoded
    }
    // The first is what it is. A change counts 50 ms after it was first seen, and only when it stayed.
    #expect(read(1, at: 0) == 1 && read(3, at: 10) == 1 && read(3, at: 59) == 1 && read(3, at: 60) == 3)
    #expect(read(2, at: 70) == 3 && read(3, at: 80) == 3 && read(2, at: 90) == 3 && read(2, at: 139) == 3 && read(2, at: 140) == 2)
    // Another change begins anew; opened again, the first is what it is.
    #expect(read(0, at: 150) == 2 && read(4, at: 190) == 2 && read(4, at: 239) == 2 && read(4, at: 240) == 4)
    bench.open()
    #expect(read(7, at: 250) == 7)
  }

  // MARK: Many numbers, one value

  @Test func manyNumbersBecomeOne() {
    // Two rows of four, from -1: -10 4 7 100 / 3 -2 60 5.
    let numbers = [-10, 4, 7, 100, 3, -2, 60, 5]
    func value(_ shape: ArrayShape, range: ClosedRange<Double>? = nil) -> Double? {
      let device = framed([kind(1, length: 19)], [field("v", at: 2, .i16be) { ($0.array, $0.range) = (shape, range) }])
      let bench = Bench(.serial, device)
      bench.receive(frame(1, numbers.flatMap(big)))
      return bench.readings.first?.decoded
    }
    func shape(
      _ reducer: ArrayShape.Reducer, rows: ClosedRange<Int>? = nil, region: ClosedRange<Int>? = nil, isMirrored: Bool = false
    ) -> ArrayShape {
      ArrayShape(count: 8, columns: 4, rows: rows, region: region, isMirrored: isMirrored, reducer: reducer)
    }
    #expect(value(shape(.max)) == 100 && value(shape(.min)) == -10 && value(shape(.mean)) == 167.0 / 8)
    #expect(value(shape(.max, rows: 1...1)) == 60 && value(shape(.min, region: 1...2)) == -2 && value(shape(.max, region: 1...2)) == 60)
    // From right to left the first column is the last number of its row.
    #expect(value(shape(.max, region: 0...0)) == 3 && value(shape(.max, region: 0...0, isMirrored: true)) == 100)
    #expect(value(shape(.mean, rows: 1...1, region: 2...3, isMirrored: true)) == 0.5)
    // One number of nonsense spoils a mean of 21 that looks well; a maximum that looks well is one.
    #expect(value(shape(.mean), range: -5...100) == -10 && value(shape(.mean), range: -10...99) == 100)
    #expect(value(shape(.max), range: -5...100) == 100)
    // Sorted: -10 -2 3 4 5 7 60 100.
    let shares = [1, 12, 13, 25, 50, 75, 87, 88, 99].map { value(shape(.percentile($0))) }
    #expect(shares == [-10, -10, -2, -2, 4, 7, 60, 100, 100])
  }

  @Test func aShortFrameHoldsNoArray() {
    let framing = Framing(
      startsWith: [0xA0], ending: .counted(most: 40), count: Count(at: 1, type: .u8, adds: 0), check: Check(.sum8, at: -1))
    let shape = ArrayShape(count: 4, columns: 4, reducer: .max)
    let device = framed(
      [framing], [field("front", at: 4) { $0.array = shape }, field("back", at: -9) { $0.array = shape }, field("size", at: 1)])
    let bench = Bench(.serial, device)
    bench.receive(summed([0xA0, 14, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
    #expect(bench.said(device) == ["front=4.0", "back=5.0", "size=14.0"])
    bench.forget()
    // Seven bytes behind others in one piece: before its beginning lie those of another frame.
    bench.receive(summed([0xA0, 14, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) + summed([0xA0, 7, 1, 2, 3, 4]))
    #expect(bench.said(device).suffix(2) == ["size=14.0", "size=7.0"])
  }

  // MARK: Text

  @Test func textIsTold() {
    let device = framed(
      [kind(1, length: 17)],
      [
        field("name", at: 2, .ascii(6)), field("wide", at: 8, .utf16le(3)), field("last", at: -2, .u8),
        field("quiet", at: 2, .ascii(2)) { $0.told = .never }, field("asked", at: 2, .ascii(2)) { $0.told = .onRequest },
      ])
    let bench = Bench(.serial, device)
    bench.receive(frame(1, Array("S1 \0\0\0".utf8) + [0x31, 0, 0x4E, 0x2D, 0x20, 0] + [7, 8]))
    #expect(bench.texts.map(\.field) == [0, 1] && bench.readings.count == 1)
    #expect(bench.texts[0].bytes == Array("S1 \0\0\0".utf8) && bench.texts[1].bytes == [0x31, 0, 0x4E, 0x2D, 0x20, 0])
  }

  @Test func aLineHasAHeadOrNone() {
    let framing = Framing(
      startsWith: [], ending: .line(quiet: nil, most: 40), head: Head(startsWith: 0x5D, length: 3))
    let device = framed(
      [framing], [Field(name: "code", location: .line, type: .ascii(4_096)), Field(name: "head", location: .head, type: .ascii(4_096))])
    let bench = Bench(.serial, device)
    bench.receive(Array("]C1ABC\r12]C1\r]C\r]C2\r".utf8))
    #expect(bench.told(device) == ["code: ABC", "head: ]C1", "code: 12]C1", "code: ]C", "head: ]C2"], "a head alone is no code")
  }

  @Test func moreTextThanThereIsRoomForIsLost() {
    let device = framed(
      [Framing(startsWith: [], ending: .line(quiet: nil, most: 400))], [Field(name: "code", location: .line, type: .ascii(4_096))])
    let bench = Bench(.serial, device)
    bench.receive(Array((0..<70).map { "\($0)\r" }.joined().utf8))
    #expect(bench.texts.count == 64 && bench.told(device).last == "code: 63")
    bench.forget()
    bench.receive([UInt8](repeating: 0x41, count: 300) + [0x0D])
    #expect(bench.texts.map(\.bytes.count) == [300], "and the next call has all of it again")
  }

  @Test func whatIsToldOnRequestIsForTools() {
    let device = framed([kind(1, length: 5)], [field("a", at: 2), field("b", at: 3) { $0.told = .onRequest }])
    let bench = Bench(.serial, device)
    bench.receive(frame(1, [1, 2]))
    #expect(bench.said(device) == ["a=1.0"])
    guard case .accepted(let values)? = decode(frame(1, [1, 2]), with: device).first?.outcome else { return #expect(Bool(false)) }
    #expect(values.map(\.name) == ["a", "b"])
  }
}
