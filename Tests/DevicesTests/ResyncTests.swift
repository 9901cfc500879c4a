// Goal: noise before a frame costs no more than it must. Method: good frames mixed with random bytes, one to one and a
// hundred to one by bytes, some of which begin like a frame; every framer beside a plain reader of the whole stream, which
// shares nothing with it. GATEHOUSE_TORTURE=1 tries 10 GB instead of the 5 MB that an ordinary run has time for.
//
// What is proved of each framer, the bytes in pieces of any length:
//
// - Fixed length, length by a number, tail, stuffed, doubled, hexadecimal: the frames are exactly those found by trying each
//   byte as a start, from left to right, and going on behind a frame that proves itself. So a good frame is lost only to one
//   that proves itself by chance and lies over its start: once in 256 false starts for a sum, once in 65,536 for a CRC. One
//   that takes good frames in and does not prove itself costs none of them. (One that does takes in all that fit into it.)
// - The same, in time: a frame is told as soon as as many bytes came, from its start, as the longest frame of its kind has;
//   at once, where no false start before it still waits for its end.
// - Lines: a line is what stands between two ends. A good one behind noise without an end is lost with it, the next never.

import Domain
import Foundation
import Testing

@testable import Devices

private let isTorture = ProcessInfo.processInfo.environment["GATEHOUSE_TORTURE"] == "1"

/// Bytes of one stream, and how many of them for each kind and mixture.
private let roundBytes = 20_000
private let rounds = isTorture ? 10_000_000_000 / (roundBytes * 2 * mixed.count) : 12

/// One of each framer; those with a check, since without one noise is as good as a frame.
private let mixed: [Kind] = provenKinds.filter {
  [
    "length, sum8", "length, crc16_modbus", "length, a part of it", "count u8", "count u16le", "ends_with", "ends_with and count",
    "stuffing", "doubled", "hex",
  ].contains($0.name)
}

/// A frame found by the plain reader.
private struct Found {
  var at: Int
  var wire: Int
  /// `nil`: too short to hold the number.
  var value: Int?
}

/// All frames of a stream: each byte is tried as a start, and what lies in a frame is not tried again.
private func read(_ stream: [UInt8], as kind: Kind) -> [Found] {
  var found: [Found] = []
  var at = 0
  let sign = kind.framing.startsWith[0]
  while at < stream.count {
    if stream[at] == sign, let (wire, frame) = frame(kind.framing, stream, at) {
      let holdsValue = kind.at + 2 <= kind.framing.fieldsEnd(in: frame.count)
      found.append(Found(at: at, wire: wire, value: holdsValue ? 256 * Int(frame[kind.at]) + Int(frame[kind.at + 1]) : nil))
      at += wire
    } else {
      at += 1
    }
  }
  return found
}

extension Framing {
  /// Where fields end in a frame of this length: before check and tail.
  fileprivate func fieldsEnd(in length: Int) -> Int {
    var tail = 0
    if case .tail(let bytes, _) = ending { tail = bytes.count }
    return length - max(tail, check.at < 0 ? -check.at : 0)
  }
}

/// The frame that starts here and proves itself: its bytes on the wire, and decoded.
private func frame(_ framing: Framing, _ stream: [UInt8], _ at: Int) -> (wire: Int, frame: [UInt8])? {
  let starts = framing.startsWith.count
  guard at + starts <= stream.count, framing.startsWith.indices.allSatisfy({ stream[at + $0] == framing.startsWith[$0] }) else {
    return nil
  }
  var frame: [UInt8] = []
  var wire = 0
  switch framing.ending {
  case .length(let length): wire = length
  case .counted(let most):
    guard let count = framing.count, at + count.at + 2 <= stream.count else { return nil }
    let (one, two) = (Int(stream[at + count.at]), Int(stream[at + count.at + 1]))
    wire = count.adds + (count.type == .u8 ? one : count.type == .u16be ? 256 * one + two : one + 256 * two)
    guard wire <= most else { return nil }
  case .tail(let tail, let most):
    frame = framing.startsWith
    var place = at + starts
    let end = min(stream.count, at + most)
    while true {
      guard place + tail.count <= end else { return nil }
      if Array(stream[place..<place + tail.count]) == tail { break }
      switch framing.coding {
      case .plain:
        frame.append(stream[place])
        place += 1
      case .stuffed(let escape, let xor):
        guard stream[place] != escape || place + 1 < end else { return nil }
        frame.append(stream[place] == escape ? stream[place + 1] ^ xor : stream[place])
        place += stream[place] == escape ? 2 : 1
      case .doubled(let sign):
        guard stream[place] != sign || stream[place + 1] == sign else { return nil }
        frame.append(stream[place])
        place += stream[place] == sign ? 2 : 1
      case .hex:
        let digits = String(decoding: stream[place..<place + 2], as: UTF8.self)
        guard let byte = UInt8(digits, radix: 16), !digits.hasPrefix("+"), !digits.hasPrefix("-") else { return nil }
        frame.append(byte)
        place += 2
      }
    }
    // Two signs in a row are the end of one frame and the start of the next.
    if case .stuffed = framing.coding, frame.count == starts { return nil }
    frame += tail
    wire = place + tail.count - at
  case .line, .asked, .quiet: return nil
  }
  guard at + wire <= stream.count else { return nil }
  if frame.isEmpty { frame = Array(stream[at..<at + wire]) }
  if let count = framing.count, case .tail = framing.ending {
    guard count.at < frame.count, Int(frame[count.at]) + count.adds == frame.count else { return nil }
  }
  guard framing.marks.allSatisfy({ $0.at < frame.count && frame[$0.at] == $0.byte }) else { return nil }
  let check = framing.check
  let place = check.at < 0 ? frame.count + check.at : check.at
  let end = check.to ?? place
  guard check.from <= end, end <= frame.count, place >= 0, place + check.width <= frame.count else { return nil }
  guard proof(check.kind, Array(frame[check.from..<end]), adds: Int(check.adds)) == Array(frame[place..<place + check.width]) else {
    return nil
  }
  return (wire, frame)
}

/// Good frames among noise, and where each begins.
private func mix(_ kind: Kind, noisePerByte: Int, _ chance: inout Chance) -> (stream: [UInt8], good: [(at: Int, frame: [UInt8])]) {
  var stream: [UInt8] = []
  var good: [(at: Int, frame: [UInt8])] = []
  stream.reserveCapacity(roundBytes + 400)
  while stream.count < roundBytes {
    let frame = kind.encode(chance.below(65_536))
    var noise = chance.bytes(chance.below(2 * noisePerByte * frame.count + 1))
    // Starts without end, with a length that could be one: what follows may be taken in.
    if !noise.isEmpty, chance.below(3) == 0 {
      let place = chance.below(noise.count)
      noise.replaceSubrange(place..<min(noise.count, place + 2), with: kind.framing.startsWith + [UInt8(chance.below(60))])
    }
    stream += noise
    good.append((stream.count, frame))
    stream += frame
  }
  return (stream, good)
}

@Suite struct ResyncTests {
  @Test(arguments: mixed, [1, 100]) func noFrameIsLostToNoiseThatProvesNothing(kind: Kind, noisePerByte: Int) {
    for round in 0..<rounds {
      let seed = UInt64(round &* 1_000 &+ noisePerByte)
      var chance = Chance(seed)
      var (stream, good) = mix(kind, noisePerByte: noisePerByte, &chance)
      let longest = kind.framing.longest
      // No sign of any kind begins so: what still waits is decided.
      stream += [UInt8](repeating: 0x33, count: longest)
      let found = read(stream, as: kind)
      let bench = Bench(.serial, kind.device)
      var fed = 0
      var told = 0
      var most = 0
      while fed < stream.count {
        let piece = stream[fed..<min(stream.count, fed + 1 + chance.below(250))]
        fed += piece.count
        bench.receive(Array(piece))
        while told < found.count, found[told].at + longest <= fed { told += 1 }
        while most < found.count, found[most].at + found[most].wire <= fed { most += 1 }
        let replies = Int(bench.device.replies + bench.device.wrongReplies)
        #expect(replies >= told && replies <= most, "seed \(seed): \(replies) of \(told) to \(most) at byte \(fed)")
      }
      let values = found.compactMap(\.value)
      #expect(bench.readings.map { Int($0.decoded) } == values, "seed \(seed)")
      // Each good frame was read, or lies under a false one that proved itself.
      var index = 0
      var kept = 0
      for (at, frame) in good {
        while index < found.count, found[index].at + found[index].wire <= at { index += 1 }
        let isRead = index < found.count && found[index].at == at && found[index].wire == frame.count
        let isUnder = index < found.count && found[index].at < at
        #expect(isRead || isUnder, "seed \(seed): the frame at \(at)")
        if isRead { kept += 1 }
      }
      #expect(found.count - kept <= 5 + good.count / 20, "seed \(seed): \(found.count - kept) false ones beside \(good.count)")
      #expect(bench.bus.bytesDropped == UInt64(stream.count - found.reduce(0) { $0 + $1.wire }), "seed \(seed)")
    }
  }

  /// Lines end where a sign says so, and nowhere else: noise without an end spoils the line behind it, and only that.
  @Test(arguments: [1, 100]) func noLineIsLostBehindAnEnd(noisePerByte: Int) {
    let framing = Framing(startsWith: [], ending: .line(quiet: nil, most: 12), check: Check(.xor8, at: -1))
    let key = Location.Key("T=").map { Location.after($0) } ?? .line
    let device = framed([framing], [Field(name: "t", location: key, type: .decimal)])
    for round in 0..<rounds {
      let seed = UInt64(round &* 1_000 &+ noisePerByte)
      var chance = Chance(seed)
      var stream: [UInt8] = []
      while stream.count < roundBytes {
        // Without its letter noise holds no key, even where its check is right by chance.
        var noise = chance.bytes(chance.below(16 * noisePerByte)).filter { $0 != 0x54 }
        // Nor may it change nothing in the check of the line that it stands before.
        let line = noise.reversed().prefix { $0 != 0x0A && $0 != 0x0D }
        if chance.below(3) > 0 || line.reduce(0, ^) == 0 { noise.append(0x0A) }
        stream += noise
        let text = Array("T=\(chance.below(1_000)) ".utf8)
        let sum = proof(.xor8, text)
        if sum[0] != 0x0A, sum[0] != 0x0D { stream += text + sum + [0x0D] }
      }
      var expected: [Double] = []
      for line in stream.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
        guard line.count <= 12, line.starts(with: Array("T=".utf8)) else { continue }
        guard proof(.xor8, Array(line.dropLast())) == [line[line.endIndex - 1]] else { continue }
        if let number = Double(String(decoding: line.dropFirst(2).prefix { $0 != 0x20 }, as: UTF8.self)) { expected.append(number) }
      }
      let bench = Bench(.serial, device)
      var rest = stream[...]
      while !rest.isEmpty {
        let count = 1 + chance.below(250)
        bench.receive(Array(rest.prefix(count)))
        rest = rest.dropFirst(count)
      }
      #expect(bench.readings.map(\.decoded) == expected && expected.count > 10 / noisePerByte, "seed \(seed)")
    }
  }
}
