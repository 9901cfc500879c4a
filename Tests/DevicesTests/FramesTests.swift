// Goal: a frame of any kind is found however its bytes arrive and whatever lies around it, and every byte that belonged to
// none is counted. Method: each ending, coding and check with an encoder of its own, which shares nothing with the framer;
// streams of good frames with noise, halves and damage put in, as one piece, byte by byte and in random pieces. What ends
// by silence is tried in virtual time.

import Domain
import Testing

@testable import Devices

/// What came of a stream.
private struct Outcome: Equatable {
  var values: [Int]
  var dropped: Int
  var errors: Int
  /// Bytes that may still become a frame.
  var left: Int
}

private func play(_ pieces: [[UInt8]], _ device: Profile, _ kind: PortKind = .serial) -> Outcome {
  let bench = Bench(kind, device)
  for piece in pieces { bench.receive(piece) }
  return Outcome(
    values: bench.readings.map { Int($0.decoded) }, dropped: Int(bench.bus.bytesDropped), errors: Int(bench.device.checkErrors),
    left: Int(bench.instruments.buses[0].buffered))
}

/// A stream in one piece, which must not matter: byte by byte and in random pieces the same comes out.
private func play(_ stream: [UInt8], _ device: Profile, seed: UInt64 = 1, _ location: SourceLocation = #_sourceLocation) -> Outcome {
  let whole = play([stream], device)
  #expect(play(stream.map { [$0] }, device) == whole, "byte by byte", sourceLocation: location)
  var chance = Chance(seed)
  var pieces: [[UInt8]] = []
  var rest = stream[...]
  while !rest.isEmpty {
    let count = 1 + chance.below(9)
    pieces.append(Array(rest.prefix(count)))
    rest = rest.dropFirst(count)
  }
  #expect(play(pieces, device) == whole, "in pieces, seed \(seed)", sourceLocation: location)
  return whole
}

/// What a kind makes of these numbers: in plain frames with a tail each byte has its highest bit set.
private func expected(_ kind: Kind, _ values: [Int]) -> [Int] {
  kind.name.hasPrefix("ends_with") ? values.map { $0 | 0x8080 } : values
}

private let plainValues = [0x0102, 0x1010, 0x7E7D, 0x7D7E, 0xAA55, 0x0D0A, 0, 0xFFFF, 0x5510]

@Suite struct FramesTests {
  @Test(arguments: kinds) private func areRead(kind: Kind) {
    let outcome = play(plainValues.flatMap(kind.encode), kind.device)
    #expect(outcome == Outcome(values: expected(kind, plainValues), dropped: 0, errors: 0, left: 0))
  }

  /// Bytes of which none begins a frame: each is dropped and counted, none costs anything.
  @Test(arguments: kinds) private func areFoundInNoise(kind: Kind) {
    var chance = Chance(7)
    var stream: [UInt8] = []
    var noise = 0
    for value in plainValues {
      let some = chance.bytes(chance.below(20)).filter { $0 != kind.framing.startsWith[0] }
      noise += some.count
      stream += some + kind.encode(value)
    }
    let long = [UInt8](repeating: 0x33, count: 3_000)
    stream += long + kind.encode(0x0203)
    let outcome = play(stream, kind.device)
    #expect(outcome == Outcome(values: expected(kind, plainValues + [0x0203]), dropped: noise + 3_000, errors: 0, left: 0))
  }

  /// Half a frame, cut at each place, before good ones: none of them is lost, and the half is counted byte for byte.
  @Test(arguments: provenKinds) private func areFoundBehindHalfOnes(kind: Kind) {
    let whole = kind.encode(0x2B3C)
    let after = (0..<16).map { 0x3000 + 0x0101 * $0 }
    for cut in 1..<whole.count - tailCount(kind) {
      let outcome = play(Array(whole.prefix(cut)) + after.flatMap(kind.encode), kind.device)
      #expect(outcome.values == expected(kind, after) && outcome.dropped == cut && outcome.left == 0, "cut at \(cut)")
    }
  }

  private func tailCount(_ kind: Kind) -> Int { if case .tail(let tail, _) = kind.framing.ending { tail.count } else { 0 } }

  /// A byte lost, a byte too many, a byte changed, at each place of a frame among good ones: at most one of them is lost,
  /// the last ones are read, and all bytes are in frames or counted.
  @Test(arguments: provenKinds) private func surviveDamage(kind: Kind) {
    let sent = (0..<20).map { 0x2000 + 0x0107 * $0 }
    let spoiled = kind.encode(sent[2])
    for place in spoiled.indices {
      var lost = spoiled
      lost.remove(at: place)
      var changed = spoiled
      changed[place] ^= 0x41
      for damaged in [lost, Array(spoiled[..<place]) + [0x77] + spoiled[place...], changed] {
        let stream = sent[..<2].flatMap(kind.encode) + damaged + sent[3...].flatMap(kind.encode)
        let outcome = play(stream, kind.device)
        let read = outcome.values
        let expected = expected(kind, sent)
        #expect(read.count >= sent.count - 1 && read.count <= sent.count, "\(damaged) at \(place)")
        #expect(read.allSatisfy(expected.contains) && read.suffix(15) == expected.suffix(15), "\(damaged) at \(place)")
        let used = sent.indices.filter { read.contains(expected[$0]) }.map { kind.encode(sent[$0]).count }.reduce(0, +)
        #expect(outcome.dropped + outcome.left + used == stream.count, "\(damaged) at \(place)")
      }
    }
  }

  /// Each bit of a frame flipped, before a good one: one error for each start that stands in it, and every byte of it counted
  /// as dropped. (A stuffed frame without its end takes the next one's start for it.)
  @Test(arguments: provenKinds.filter { $0.name != "stuffing" }) private func eachFlipIsCounted(kind: Kind) {
    let frame = kind.encode(0x2B3C)
    let start = kind.framing.startsWith
    let filler = [UInt8](repeating: 0x33, count: kind.framing.longest)
    for bit in 0..<frame.count * 8 {
      var spoiled = frame
      spoiled[bit / 8] ^= 1 << UInt8(bit % 8)
      // The other case of a letter is the same digit.
      let isSame = kind.name == "hex" && String(decoding: spoiled, as: UTF8.self).lowercased() == String(decoding: frame, as: UTF8.self).lowercased()
      let starts = spoiled.indices.filter { spoiled[$0...].starts(with: start) }.count
      let outcome = play([spoiled + kind.encode(0x3001) + filler], kind.device)
      let dropped = filler.count + (isSame ? 0 : spoiled.count)
      let values = expected(kind, isSame ? [0x2B3C, 0x3001] : [0x3001])
      #expect(
        outcome == Outcome(values: values, dropped: dropped, errors: isSame ? 0 : starts, left: 0),
        "bit \(bit % 8) of byte \(bit / 8): \(spoiled)")
    }
  }

  /// Random bytes that begin like a frame now and then: how they are cut into pieces never matters.
  @Test(arguments: kinds) private func areTheSameInAnyPieces(kind: Kind) {
    var chance = Chance(11)
    for round in 0..<60 {
      var stream: [UInt8] = []
      for _ in 0..<12 {
        let frame = kind.encode(chance.below(65_536))
        switch chance.below(4) {
        case 0: stream += kind.framing.startsWith + chance.bytes(chance.below(50))
        case 1: stream += frame.prefix(chance.below(frame.count))
        default: stream += frame
        }
      }
      _ = play(stream, kind.device, seed: UInt64(round))
    }
  }

  @Test func zeroStandsForAsManyAsTheProfileSays() {
    let device = framed(
      [
        Framing(
          startsWith: [2, 0], ending: .counted(most: 262), count: Count(at: 2, type: .u8, adds: 4, zeroMeans: 256),
          check: Check(.sum8, at: -1))
      ], [field("v", at: 3, .u16be)])
    let long = summed([2, 0, 0] + big(0x1234) + [UInt8](repeating: 5, count: 254))
    let short = summed([2, 0, 2] + big(0x0077))
    #expect(long.count == 260)
    #expect(play(long + short, device) == Outcome(values: [0x1234, 0x77], dropped: 0, errors: 0, left: 0))
  }

  /// A length that no such frame has is no reason to wait: beyond the longest, or too short for what it stands in.
  @Test func aLengthThatCannotBeIsNotWaitedFor() {
    let kind = countedKinds[0]
    for length in [0x3E, 0xFF] as [UInt8] {
      let outcome = play(frameStart + [length] + kind.encode(4), kind.device)
      #expect(outcome.values == [4] && outcome.dropped == 3 && outcome.left == 0)
    }
    var odd = kind
    odd.framing.count = Count(at: 2, type: .u8, adds: 0)
    for length in [0, 1, 2] as [UInt8] { #expect(play(frameStart + [length], odd.device).errors == 1) }
  }

  /// A start without an end is given up at the longest such frame, in one piece as byte by byte.
  @Test func aTailThatNeverComesIsNotWaitedFor() {
    for kind in tailedKinds {
      let outcome = play(kind.framing.startsWith + [UInt8](repeating: 0x41, count: 40) + kind.encode(0x1234), kind.device)
      #expect(outcome.values == expected(kind, [0x1234]) && outcome.errors == 1, "\(kind.name)")
    }
    // Nor is one behind it an end, though nothing else speaks against the frame.
    let open = framed([Framing(startsWith: [0x7B], ending: .tail([0x7D], most: 8))], [field("v", at: 1)])
    let outcome = play([0x7B, 1, 2, 3, 4, 5, 6, 7, 8, 0x7D, 0x7B, 9, 0x7D], open)
    #expect(outcome == Outcome(values: [9], dropped: 10, errors: 1, left: 0))
    // One that just fits.
    #expect(play([0x7B, 1, 2, 3, 4, 5, 6, 0x7D], open) == Outcome(values: [1], dropped: 0, errors: 0, left: 0))
  }

  // MARK: Several kinds on one line

  @Test func kindsAreTriedInTheirOrder() {
    let short = Framing(name: "short", startsWith: [0xA0], ending: .length(4), check: Check(.sum8, at: -1))
    let long = Framing(name: "long", startsWith: [0xA0, 0xB0], ending: .length(6), check: Check(.crc16Modbus, at: -2))
    var fields = [field("short", at: 1), field("long", at: 2, .u16be)]
    fields[0].frames = 1
    fields[1].frames = 2
    let one = summed(bytes("a0 10 20"))
    let two = withCRC(bytes("a0 b0 12 34"))
    let device = framed([short, long], fields)
    #expect(play(one + two + one, device).values == [0x10, 0x1234, 0x10])
    // What the first does not believe may be one of the second; then it is no error.
    #expect(play(two + two, device) == Outcome(values: [0x1234, 0x1234], dropped: 0, errors: 0, left: 0))
    #expect(play(Array(two.dropLast()) + [0] + one, device).values == [0x10])
  }

  @Test func byItsWayAFrameCountsOrNot() {
    func framing(_ way: Way, _ sign: UInt8) -> Framing {
      Framing(name: way.rawValue, way: way, startsWith: [0xA0, sign], ending: .length(4), check: Check(.sum8, at: -1))
    }
    let frames = [framing(.any, 1), framing(.stream, 2), framing(.response, 3), framing(.report, 4), framing(.feature, 5)]
    let all = (1...5).map { summed([0xA0, $0, 0x30 + $0]) }
    let stream = framed(frames, [field("v", at: 2)])
    #expect(play(all.flatMap(\.self), stream) == Outcome(values: [0x31, 0x32, 0x34], dropped: 8, errors: 0, left: 0))
    // Asked, the same device answers; what else it says is no answer.
    let device = framed(frames, [field("v", at: 2)], [Request(bytes: [1], replyWithin: .milliseconds(100))])
    for (index, frame) in all.enumerated() {
      let bench = Bench(.serial, device)
      bench.receive(frame)
      #expect(bench.readings.count == ([0, 2, 3].contains(index) ? 1 : 0), "\(frames[index].name)")
      #expect(bench.isUp == !bench.readings.isEmpty)
    }
  }

  @Test func anAnswerIsAsLongAsItWasAskedFor() {
    let device = framed(
      [Framing(startsWith: [0xFE], ending: .asked(most: 20))], [field("a", at: 1, .u16be), field("b", at: 3, .u16be)],
      [
        Request(bytes: [1], replyWithin: .milliseconds(100), replyLength: 3),
        Request(bytes: [2], replyWithin: .milliseconds(100), replyLength: 5),
        Request(bytes: [3], replyWithin: .milliseconds(100)),
      ])
    let reply = bytes("00 fe 01 02 03 04")
    for isWhole in [true, false] {
      let bench = Bench(.serial, device)
      let asked = bench.talk(until: 500) { _ in
        if isWhole { return reply }
        for byte in reply { bench.receive([byte]) }
        return nil
      }
      #expect(asked.map(\.bytes) == [[1], [2], [3]] && bench.said(device) == ["a=258.0", "a=258.0", "b=772.0"])
      // Before, two behind the first answer, none behind the second; a request that says no length has no answer.
      #expect(bench.bus.bytesDropped == 1 + 2 + 1 + 6 && bench.device.timeOuts == 1)
    }
  }

  // MARK: Lines

  private static let line = Framing(startsWith: [], ending: .line(quiet: nil, most: 12))
  private static let temperature = Field(
    name: "t", location: .after(Location.Key("T=") ?? Location.Key("?")!), type: .decimal)

  @Test func linesEndByEitherSignOrBoth() {
    let device = framed([Self.line], [Self.temperature])
    for end in ["\r", "\n", "\r\n", "\n\r", "\r\n\r\n"] {
      let outcome = play(Array("T=1.5\(end) T=-2;H=3\(end)\(end)T=4 C\(end)".utf8), device)
      #expect(outcome.values == [1, -2, 4] && outcome.errors == 0 && outcome.left == 0)
      #expect(outcome.dropped == 0, "an end is no part of a line and no noise")
    }
    // Nor is what is left of it a late reply.
    let asked = framed([Self.line], [Self.temperature], [Request(bytes: [1], replyWithin: .milliseconds(100))])
    for pieces in [["T=1\r\n"], ["T=1\r", "\n"], ["T", "=1\r", "\n"]] {
      let bench = Bench(.serial, asked)
      for piece in pieces { bench.receive(Array(piece.utf8)) }
      #expect(bench.said(asked) == ["t=1.0"] && bench.bus.bytesDropped == 0 && bench.bus.lateReplies == 0)
      bench.receive(Array("\nT=2\r".utf8))
      #expect(bench.readings.count == 1 && bench.bus.bytesDropped == 4 && bench.bus.lateReplies == 1)
    }
  }

  @Test func aLineWithoutAnyKeyIsNone() {
    let device = framed([Self.line], [Self.temperature])
    let bench = Bench(.serial, device)
    bench.receive(Array("ready\rT=x\rST=5\rT=6\r".utf8))
    #expect(bench.said(device) == ["t=6.0"] && bench.device.wrongReplies == 3)
  }

  @Test func anOverlongLineIsDroppedToItsEnd() {
    let device = framed([Self.line], [Self.temperature])
    for count in [13, 40, 520, 3_000] {
      let long = Array("T=9 ".utf8) + [UInt8](repeating: 0x39, count: count - 4)
      let outcome = play(long + Array("T=8\rT=7\r".utf8), device)
      #expect(outcome.values == [7] && outcome.errors == 1 && outcome.left == 0, "\(count)")
      #expect(outcome.dropped == count + 4, "\(count): with its end")
    }
    #expect(play(Array("T=1 56789012\r".utf8), device).values == [1], "the longest that is none too many")
  }

  /// Half an answer belongs to nothing that follows, and neither does the rest of an overlong line.
  @Test func aTimeOutEndsWhatCame() {
    let device = framed([Self.line], [Self.temperature], [Request(bytes: [1], replyWithin: .milliseconds(100))])
    for half in ["T=1", "T=1 and no end to it"] {
      let bench = Bench(.serial, device)
      bench.receive(Array(half.utf8))
      bench.run(until: ms(1_000))
      #expect(bench.device.timeOuts == 1 && bench.bus.bytesDropped == half.utf8.count && bench.sent.count == 2)
      bench.receive(Array("T=2\r".utf8))
      #expect(bench.said(device) == ["t=2.0"], "\(half)")
    }
  }

  /// A reply that lost some of its bytes takes the first ones of the code behind it: what is left is nobody's code.
  @Test func aCodeBehindASpoiledFrameIsNone() {
    let ack = Framing(name: "ack", startsWith: [0x02, 0], ending: .length(6), check: Check(.crc16Modbus, at: -2))
    var line = Self.line
    line.ending = .line(quiet: .milliseconds(100), most: 64)
    var fields = [field("status", at: 2), Field(name: "code", location: .line, type: .ascii(4_096))]
    fields[0].frames = 1
    fields[1].frames = 2
    let device = framed([ack, line], fields)
    let good = withCRC([0x02, 0, 7, 8])
    for cut in 2...6 {
      let bench = Bench(.serial, device)
      // Whole, but one bit of it flipped, counts like one that was cut: nobody can tell which it was.
      var spoiled = Array(good.prefix(cut))
      spoiled[cut - 1] ^= cut == 6 ? 1 : 0
      bench.receive(spoiled + Array("40063813\r\n".utf8))
      #expect(bench.texts.isEmpty && bench.device.checkErrors == 1, "cut at \(cut)")
      // A frame that proves itself counts at once, and so does the next line.
      bench.receive(good + Array("B2\r".utf8))
      #expect(bench.said(device) == ["status=7.0"] && bench.told(device) == ["code: B2"], "cut at \(cut)")
    }
    // Silence ends it too.
    let bench = Bench(.serial, device)
    bench.receive(Array(good.dropLast()) + [good[5] ^ 1] + good)
    bench.run(until: ms(200))
    bench.receive(Array("C3\r".utf8))
    #expect(bench.said(device) == ["status=7.0"] && bench.told(device) == ["code: C3"])
  }

  /// A kind of short lines before one of longer ones that begin alike.
  @Test func aLineTooLongForOneKindMayBeOneOfAnother() {
    var short = Self.line
    (short.startsWith, short.ending) = (Array("U".utf8), .line(quiet: nil, most: 2))
    var fields = [Field(name: "unit", location: .line, type: .ascii(4_096)), Self.temperature]
    fields[0].frames = 1
    fields[1].frames = 2
    let device = framed([short, Self.line], fields)
    let bench = Bench(.serial, device)
    bench.receive(Array("UC\rU T=4 \rUF\r".utf8))
    #expect(bench.told(device) == ["unit: UC", "unit: UF"] && bench.said(device) == ["t=4.0"] && bench.device.checkErrors == 0)
    // Too long for both, it is dropped to its end.
    bench.receive(Array("U3456789012345T=9\rT=5\r".utf8))
    #expect(bench.said(device) == ["t=4.0", "t=5.0"] && bench.device.checkErrors == 1)
  }

  @Test func aLineMayProveItself() {
    // Two digits of hexadecimal would be text; this one is a raw byte before the end.
    var proven = Self.line
    proven.check = Check(.xor8, at: -1)
    let device = framed([proven], [Self.temperature])
    let good = Array("T=5 ".utf8) + proof(.xor8, Array("T=5 ".utf8)) + [0x0A]
    let bad = Array("T=6 ".utf8) + [0x20, 0x0A]
    let outcome = play(good + bad + good, device)
    #expect(outcome == Outcome(values: [5, 5], dropped: bad.count, errors: 1, left: 0))
  }

  // MARK: Silence

  @Test func silenceEndsALine() {
    var framing = Self.line
    framing.ending = .line(quiet: .milliseconds(100), most: 12)
    let device = framed([framing], [Field(name: "code", location: .line, type: .ascii(4_096))])
    let bench = Bench(.serial, device)
    bench.receive(Array("A1".utf8))
    #expect(bench.nextDeadline == ms(100))
    bench.run(until: ms(99))
    #expect(bench.texts.isEmpty)
    // A byte just before it begins the silence anew.
    bench.receive(Array("2".utf8))
    bench.run(until: ms(198))
    #expect(bench.texts.isEmpty && bench.nextDeadline == ms(199))
    bench.run(until: ms(199))
    #expect(bench.told(device) == ["code: A12"] && bench.bus.bytesDropped == 0)
    // A sign ends it at once, and silence behind it ends nothing.
    bench.receive(Array("B\r\n".utf8))
    bench.run(until: ms(600))
    #expect(bench.told(device) == ["code: A12", "code: B"] && bench.device.checkErrors == 0)
  }

  /// The loop may take bytes before it looks at the clock: what silence has ended has ended.
  @Test func bytesBehindASilenceBelongToTheNextLine() {
    var framing = Self.line
    framing.ending = .line(quiet: .milliseconds(100), most: 12)
    let device = framed([framing], [Field(name: "code", location: .line, type: .ascii(4_096))])
    let bench = Bench(.serial, device)
    bench.receive(Array("A".utf8))
    bench.now = ms(100)
    bench.receive(Array("B".utf8))
    bench.run(until: ms(300))
    #expect(bench.told(device) == ["code: A", "code: B"])
  }

  @Test func silenceEndsAnOverlongLineToo() {
    var framing = Self.line
    framing.ending = .line(quiet: .milliseconds(100), most: 12)
    let device = framed([framing], [Field(name: "code", location: .line, type: .ascii(4_096))])
    let bench = Bench(.serial, device)
    bench.receive([UInt8](repeating: 0x41, count: 20))
    bench.run(until: ms(50))
    bench.receive([UInt8](repeating: 0x41, count: 5))
    bench.run(until: ms(149))
    bench.receive(Array("A".utf8))
    #expect(bench.bus.bytesDropped == 26)
    bench.run(until: ms(400))
    bench.receive(Array("B".utf8))
    bench.run(until: ms(600))
    #expect(bench.told(device) == ["code: B"] && bench.bus.bytesDropped == 26 && bench.device.checkErrors == 1)
  }

  @Test func silenceEndsAFrame() {
    let device = framed(
      [Framing(startsWith: [0x80], ending: .quiet(.milliseconds(50), least: 4, most: 6))], [field("a", at: 1), field("b", at: 5)])
    let bench = Bench(.serial, device)
    for (index, byte) in [0x80, 1, 2, 3].enumerated() {
      bench.run(until: ms(Int64(index) * 49))
      bench.receive([UInt8(byte)])
    }
    bench.run(until: ms(3 * 49 + 49))
    #expect(bench.readings.isEmpty)
    bench.run(until: ms(3 * 49 + 50))
    #expect(bench.said(device) == ["a=1.0"] && bench.bus.bytesDropped == 0)
    // The longest needs no silence; one too short is none.
    bench.forget()
    bench.receive([0x80, 1, 2, 3, 4])
    bench.receive([5])
    #expect(bench.said(device) == ["a=1.0", "b=5.0"])
    bench.forget()
    bench.receive([0x80, 9, 9])
    bench.run(until: ms(400))
    #expect(bench.readings.isEmpty && bench.device.checkErrors == 1 && bench.bus.bytesDropped == 3)
    bench.receive([7, 0x80, 4, 0, 0])
    bench.run(until: ms(500))
    #expect(bench.said(device) == ["a=4.0"] && bench.bus.bytesDropped == 4)
  }

  @Test func aGapSpoilsHalfAFrame() {
    var kind = fixedKinds[1]
    kind.framing.check = .none
    let device = framed([kind.framing], [field("v", at: 2, .u16be)], gap: .milliseconds(20))
    let frame = kind.encode(0x1234)
    let bench = Bench(.serial, device)
    // A gap as long as it may be; and one longer.
    for (gap, dropped) in [(Int64(20), UInt64(0)), (21, 3)] {
      bench.receive(Array(frame.prefix(3)))
      bench.now = bench.now + .milliseconds(gap)
      bench.receive(frame.count == 7 && dropped == 0 ? Array(frame.suffix(4)) : frame)
      #expect(bench.said(device) == ["v=4660.0"] && bench.bus.bytesDropped == dropped)
      bench.forget()
    }
    // Without gap_ms the half would have taken the beginning of the whole one.
    let patient = Bench(.serial, framed([kind.framing], [field("v", at: 2, .u16be)]))
    patient.receive(Array(frame.prefix(3)))
    patient.now = ms(60_000)
    patient.receive(frame)
    #expect(patient.readings.map(\.decoded) == [0x12AA])
  }

  // MARK: A start that is no proof

  @Test func outOfStepOnlyTheNextOneConfirms() {
    var framing = Framing(startsWith: [0xAA], ending: .length(4))
    framing.confirmedByNext = true
    let device = framed([framing], [field("v", at: 1)])
    func frame(_ value: UInt8) -> [UInt8] { [0xAA, value, 0xAA, 0] }
    // Alone, it says nothing; the first byte of the next is enough. From then on each counts at once.
    let bench = Bench(.serial, device)
    bench.receive(frame(1))
    #expect(bench.readings.isEmpty && bench.bus.bytesDropped == 0)
    bench.receive([0xAA])
    #expect(bench.said(device) == ["v=1.0"])
    bench.receive(Array(frame(2).dropFirst()))
    bench.receive(frame(3))
    #expect(bench.said(device) == ["v=1.0", "v=2.0", "v=3.0"])
    // A byte between two: out of step, and the start inside the data leads nowhere.
    bench.forget()
    bench.receive([0x13] + frame(4))
    #expect(bench.readings.isEmpty)
    bench.receive(frame(5))
    #expect(bench.said(device) == ["v=4.0", "v=5.0"])
    // Begun in the middle of one: the false start is not confirmed.
    let stream: [UInt8] = [0xAA, 0] + (1...3).flatMap { [0xAA, UInt8($0), 0, 0] }
    #expect(play(stream, device) == Outcome(values: [1, 2, 3], dropped: 2, errors: 1, left: 0))
  }

  @Test func aSpoiledOneIsOutOfStep() {
    let framing = Framing(startsWith: [0xAA], ending: .length(4), check: Check(.sum8, at: -1), confirmedByNext: true)
    let device = framed([framing], [field("v", at: 1)])
    let good = { (value: UInt8) in summed([0xAA, value, 0]) }
    let outcome = play(good(1) + good(2) + [0xAA, 3, 0, 0] + good(4), device)
    #expect(outcome == Outcome(values: [1, 2], dropped: 4, errors: 1, left: 4))
    #expect(play(good(1) + good(2) + [0xAA, 3, 0, 0] + good(4) + good(5), device).values == [1, 2, 4, 5])
  }

  // MARK: What a device may send

  /// Every kind at once, with arrays and texts that short frames do not hold.
  @Test(arguments: [1, 2, 3] as [UInt64]) func noBytesTrap(seed: UInt64) {
    var frames = provenKinds.map(\.framing)
    frames.append(Framing(name: "line", startsWith: [], ending: .line(quiet: .milliseconds(30), most: 40), head: Head(startsWith: 0x5D, length: 3)))
    let shape = ArrayShape(count: 8, columns: 4, region: 1...2, isMirrored: true, reducer: .percentile(90))
    var fields = [
      field("array", at: -24, .i16be) { $0.array = shape }, field("far", at: 12, .u8) { $0.array = shape },
      field("text", at: 3, .ascii(9)), field("end", at: -2, .u16le), field("wide", at: -8, .f64be),
      Field(name: "line", location: .line, type: .ascii(4_096)), Field(name: "head", location: .head, type: .ascii(4_096)),
      Self.temperature,
    ]
    for index in 5...7 { fields[index].frames = 1 << UInt32(frames.count - 1) }
    let bench = Bench(.serial, framed(frames, fields, gap: .milliseconds(20)))
    var chance = Chance(seed)
    for _ in 0..<20_000 {
      let kind = provenKinds[chance.below(provenKinds.count)]
      switch chance.below(3) {
      case 0: bench.receive(chance.bytes(chance.below(60)))
      case 1: bench.receive(kind.encode(chance.below(65_536)))
      default: bench.receive(kind.framing.startsWith + chance.bytes(chance.below(9)))
      }
      bench.forget()
      bench.run(until: bench.now + .milliseconds(Int64(chance.below(60))))
    }
    #expect(bench.device.replies > 1_000, "seed \(seed)")
  }
}
