// Goal: a frame is found wherever it begins, whatever lies around it, and nothing else is ever one. Method: a stream of
// good frames with noise, cuts and flips put in; each stream also byte by byte. Checks are tried exhaustively.

import Domain
import Testing

@testable import Devices

/// What a thermometer says to a stream, whole and byte by byte.
private func check(_ stream: [UInt8], _ expected: [String], errors: UInt64 = 0, _ location: SourceLocation = #_sourceLocation) {
  let device = thermometer()
  for pieces in [[stream], stream.map { [$0] }] {
    let bench = Bench(.serial, device)
    for piece in pieces { bench.receive(piece) }
    #expect(bench.said(device) == expected, sourceLocation: location)
    #expect(bench.device.checkErrors == errors, sourceLocation: location)
  }
}

private let good = thermal(3650, 2200)
private let goodSaid = ["object=36.5", "ambient=22.0"]

@Suite struct FramingTests {
  @Test func findsFrames() {
    check(good, goodSaid)
    check(good + thermal(-1050, -4000), goodSaid + ["object=-10.5", "ambient=-40.0"])
    check(bytes("00 ff 13") + good, goodSaid)
    check(good + bytes("00 ff 13") + good, goodSaid + goodSaid)
    check(bytes("5a") + good, goodSaid)
    check(bytes("5a 5a 5a 45") + good, goodSaid)
    check(Array(good.prefix(5)), [])
    check([], [])
  }

  @Test func findsAGoodFrameInsideABadOne() {
    // Cut in the middle, lengthened by a byte, one byte changed: the next good one is always found.
    for cut in 1..<9 where cut != 5 { check(Array(good.prefix(cut)) + good, goodSaid, errors: cut >= 4 ? 1 : 0) }
    check(good.dropLast() + [0] + good, goodSaid, errors: 1)
    for place in 4..<8 { check(Array(good[..<place]) + [0x77] + Array(good[place...]) + good, goodSaid, errors: 1) }
  }

  /// Why one frame decides nothing: a frame that lost its last four bytes takes the next one's beginning for them, and
  /// for every temperature from 35.84 to 38.39 the sum is right. The frame after it is found again.
  @Test func aSumTakesOneCutFrameForAGoodOne() {
    let cut = Array(good.prefix(5))
    check(cut + good + good, ["object=36.74", "ambient=out_of_range"] + goodSaid)
    check(Array(thermal(3400, 2200).prefix(5)) + good, goodSaid, errors: 1)
  }

  @Test func headersInsideDataAreData() {
    let tricky = thermal(0x5A5A, 0x4504)
    check(tricky, ["object=231.3", "ambient=out_of_range"])
    check(tricky + tricky + good, ["object=231.3", "ambient=out_of_range", "object=231.3", "ambient=out_of_range"] + goodSaid)
    // The same start in the data of a spoiled frame is tried too, and costs no good one behind it.
    check(tricky.dropLast() + [0xFF] + good, goodSaid, errors: 2)
  }

  @Test func everySingleFlipIsRejected() {
    var chance = Chance(5)
    for _ in 0..<50 {
      let frame = thermal(chance.below(38_000) - 7_000, chance.below(16_500) - 4_000)
      let reply = answer(co2: chance.below(10_000), temperature: UInt8(chance.below(256)))
      for bit in 0..<72 {
        for (original, device, isAsked) in [(frame, thermometer(), false), (reply, asked(), true)] {
          var wrong = original
          wrong[bit / 8] ^= 1 << UInt8(bit % 8)
          let frames = decode(wrong, with: device)
          #expect(!frames.contains { if case .accepted = $0.outcome { true } else { false } }, "\(wrong) \(isAsked)")
        }
      }
    }
    // Modbus: the CRC guards every bit; `decode` is given what a tool is given.
    let request = withCRC([1, 4, 0, 3, 0, 1])
    for value in [0, 400, 0xFFFF] {
      let reply = withCRC([1] + words([value]))
      for bit in 0..<reply.count * 8 {
        var wrong = reply
        wrong[bit / 8] ^= 1 << UInt8(bit % 8)
        let frames = decode(wrong, with: sensor(), DecodeContext(request: request))
        #expect(!frames.contains { if case .accepted = $0.outcome { true } else { false } }, "\(wrong)")
      }
    }
  }

  /// The weakness of a sum: two flips of the same bit cancel out when they go opposite ways (two data bytes) or the same
  /// way (data and sum; opposite ways for a negative sum), and always in the highest bit. Counted here from that sentence
  /// and found by trying: between 10 and 52 of 2,556 for a nine-byte frame whose start of four is fixed, 48 being usual.
  @Test func doubleFlipsPassASumAsOftenAsComputed() {
    var chance = Chance(10)
    var counts: [Int] = []
    for round in 0..<50 {
      let frame = round == 0 ? bytes("5a 5a 45 04 0c 78 0d 19 a7") : thermal(3_000 + chance.below(900), 1_500 + chance.below(1_500))
      counts.append(passing(frame, .sum8(from: 0, at: 8), start: 4))
      #expect(counts.last == computed(frame, start: 4, isNegative: false), "\(frame)")
      let reply = answer(co2: chance.below(10_000), temperature: UInt8(chance.below(256)), boot: chance.below(65_536))
      #expect(passing(reply, .negativeSum8(from: 1, at: 8), start: 2) == computed(reply, start: 2, isNegative: true), "\(reply)")
    }
    #expect(counts[0] == 38 && counts.allSatisfy { (10...52).contains($0) } && counts.contains(48))
  }

  private func passing(_ frame: [UInt8], _ check: Check, start: Int) -> Int {
    var passed = 0
    let table = Table(frame, filler: 0)
    for a in 0..<72 {
      for b in a + 1..<72 {
        table[a / 8] ^= 1 << UInt8(a % 8)
        table[b / 8] ^= 1 << UInt8(b % 8)
        let starts = (0..<start).allSatisfy { table[$0] == frame[$0] }
        if starts, check.holds(for: table, at: 0, length: 9) { passed += 1 }
        table[a / 8] ^= 1 << UInt8(a % 8)
        table[b / 8] ^= 1 << UInt8(b % 8)
      }
    }
    return passed
  }

  private func computed(_ frame: [UInt8], start: Int, isNegative: Bool) -> Int {
    let data = frame[start..<8]
    return (0..<8).reduce(0) { sum, bit in
      let ones = data.filter { $0 >> UInt8(bit) & 1 == 1 }.count
      let zeros = data.count - ones
      if bit == 7 { return sum + data.count * (data.count - 1) / 2 + data.count }
      let sumIsOne = frame[8] >> UInt8(bit) & 1 == 1
      return sum + ones * zeros + (sumIsOne != isNegative ? ones : zeros)
    }
  }

  /// CRC-16 lets no double flip pass in frames of up to 64 bytes, whichever of the two it is.
  @Test(arguments: [Check.Kind.crc16Modbus, .crc16Xmodem]) func noDoubleFlipPassesACRC(kind: Check.Kind) {
    var chance = Chance(16)
    for count in 3...64 {
      let body = chance.bytes(count - 2)
      #expect(residue(kind, Table(body + proof(kind, body), filler: 0)) == 0)
      // The CRC is linear: what two flips do to it depends on their places only.
      let clean = Table([UInt8](repeating: 0, count: count), filler: 0)
      let none = residue(kind, clean)
      var effects: Set<UInt16> = []
      for bit in 0..<count * 8 {
        clean[bit / 8] ^= 1 << UInt8(bit % 8)
        effects.insert(residue(kind, clean) ^ none)
        clean[bit / 8] ^= 1 << UInt8(bit % 8)
      }
      #expect(effects.count == count * 8 && !effects.contains(0), "\(count) bytes")
    }
    // And each of the 130,816 tried on one frame of 64 bytes.
    let body = chance.bytes(62)
    let framing = Framing(startsWith: [], ending: .length(64), check: Check(kind, at: 62))
    #expect(framing.weakness(of: body + proof(kind, body)) == Weakness(ways: 512 * 511 / 2, passing: 0))
  }

  private func residue(_ kind: Check.Kind, _ bytes: borrowing Table<UInt8>) -> UInt16 {
    kind == .crc16Modbus ? crc16Modbus(bytes, from: 0, to: bytes.capacity) : crc16Xmodem(bytes, from: 0, to: bytes.capacity)
  }

  @Test func aCheckNeverLooksOutsideItsFrame() {
    let table = Table([1, 2, 3] as [UInt8], filler: 0)
    for from in [-1, 0, 2, 3, 300] {
      for at in [-1, 0, 2, 3, 300] {
        for base in [-1, 0, 2, 3] {
          for length in [0, 1, 3, 4, 300] {
            _ = Check.sum8(from: from, at: at).holds(for: table, at: base, length: length)
            _ = Check.negativeSum8(from: from, at: at).holds(for: table, at: base, length: length)
          }
        }
      }
    }
    let holds = [Check.sum8(from: 0, at: 2), .sum8(from: 0, at: 3), .sum8(from: 2, at: 1)].map { check in
      check.holds(for: table, at: 0, length: 3)
    }
    #expect(holds == [true, false, false])
  }
}
