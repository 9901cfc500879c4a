// Goal: a check lets pass what its arithmetic says, and nothing more. Method: the frames of the proofs beside the profiles;
// each single and each double flip of their bits through the whole decoder. What may pass is counted from what each bit
// does to the check, without calling it, and must be what the profile's readers are told (`weakness`).

import Devices
import Domain
import Foundation
import Testing

@testable import Settings

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
private let folder = root.appending(path: "DeviceProfiles")

/// A good frame of a proof, and which of the profile's kinds it is.
private struct Proven: CustomTestStringConvertible {
  var profile: Profile
  var framing: Framing
  var context: DecodeContext
  var bytes: [UInt8]

  var testDescription: String { "\(profile.id) \(framing.name) \(bytes.map { String($0, radix: 16) }.joined(separator: " "))" }
}

/// All frames of the proofs that stand alone, are taken, and have a check.
private let proven: [Proven] = {
  var proven: [Proven] = []
  let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { $0.hasSuffix(".yaml") }.sorted()
  for name in names {
    guard let profile = try? Profile.load(file: folder.appending(path: name).path) else { continue }
    switch profile.transport {
    case .serial(let speech), .hid(let speech, _): proven += frames(profile, speech.frames, name)
    case .modbus: break
    }
  }
  return proven
}()

private func frames(_ profile: Profile, _ framings: [Framing], _ file: String) -> [Proven] {
  let vectors = (try? Vector.load(file: folder.appending(path: file.replacing(".yaml", with: ".vectors")).path)) ?? []
  var seen: Set<[UInt8]> = []
  return vectors.compactMap { vector in
    guard vector.expected.count == 1, vector.expected[0].contains("\"accepted\""), seen.insert(vector.bytes).inserted,
      let context = vector.context(for: profile),
      let framing = framings.first(where: { framing in
        framing.check.kind != .none && framing.coding == .plain && framing.transform == .none
          && profile.weakness(of: framing, on: vector.bytes, context) != nil
      })
    else { return nil }
    return Proven(profile: profile, framing: framing, context: context, bytes: vector.bytes)
  }
}

/// What flipping each bit does to sum minus check, modulo the check's range; `nil`: the bit always stands so, and the frame
/// is none without it. Zero: nothing looks at it.
private func effects(_ framing: Framing, _ frame: [UInt8]) -> [Int?] {
  let check = framing.check
  let place = check.at < 0 ? frame.count + check.at : check.at
  let end = check.to ?? place
  var fixed = Set(framing.marks.map(\.at)).union(framing.startsWith.indices)
  if let count = framing.count { fixed.formUnion(count.at..<count.at + (count.type == .u8 ? 1 : 2)) }
  if case .tail(let tail, _) = framing.ending { fixed.formUnion(frame.count - tail.count..<frame.count) }
  return (0..<frame.count * 8).map { bit in
    let (byte, low) = (bit / 8, bit % 8)
    guard !fixed.contains(byte) else { return nil }
    let isOne = frame[byte] >> UInt8(low) & 1 == 1
    let isCovered = byte >= check.from && byte < end
    let ofCheck = byte - place
    guard isCovered || (0..<check.width).contains(ofCheck) else { return 0 }
    switch check.kind {
    case .none: return 0
    case .sum8, .negativeSum8, .invertedSum8:
      let change = isOne ? -(1 << low) : 1 << low
      // The sum goes against the check; where the check is its negative, with it.
      let isPlain = check.kind == .sum8
      return ((isCovered ? change : isPlain ? -change : change) % 256 + 256) % 256
    case .xor8: return 1 << low
    case .sum16be, .sum16le, .wordSum16le:
      var weight = low
      if isCovered, check.kind == .wordSum16le, (byte - check.from) % 2 == 1 { weight += 8 }
      if !isCovered, (ofCheck == 0) == (check.kind == .sum16be) { weight += 8 }
      let change = isOne ? -(1 << weight) : 1 << weight
      return ((isCovered ? change : -change) % 65_536 + 65_536) % 65_536
    case .crc16Modbus, .crc16Xmodem:
      return crcEffect(check.kind == .crc16Modbus, frame.count, check.from, place, bit)
    }
  }
}

/// What one bit does to a cyclic check, by division with remainder, bit by bit.
private func crcEffect(_ isReflected: Bool, _ count: Int, _ from: Int, _ place: Int, _ bit: Int) -> Int {
  var frame = [UInt8](repeating: 0, count: count)
  frame[bit / 8] = 1 << UInt8(bit % 8)
  var remainder = 0
  for byte in frame[from..<place] {
    for index in 0..<8 {
      if isReflected {
        let odd = (remainder ^ Int(byte) >> index) & 1
        remainder = odd == 1 ? remainder >> 1 ^ 0xA001 : remainder >> 1
      } else {
        let top = (remainder >> 15 ^ Int(byte) >> (7 - index)) & 1
        remainder = top == 1 ? (remainder << 1 ^ 0x1021) & 0xFFFF : remainder << 1 & 0xFFFF
      }
    }
  }
  let said = isReflected ? Int(frame[place]) + 256 * Int(frame[place + 1]) : 256 * Int(frame[place]) + Int(frame[place + 1])
  return remainder ^ said
}

/// How many of two flips cancel out.
private func cancelling(_ kind: Check.Kind, _ effects: [Int?]) -> Int {
  var counts: [Int: Int] = [:]
  var pairs = 0
  let isLinear = [.xor8, .crc16Modbus, .crc16Xmodem].contains(kind)
  let modulus = [.sum8, .negativeSum8, .invertedSum8].contains(kind) ? 256 : 65_536
  for case let effect? in effects {
    pairs += counts[isLinear ? effect : (modulus - effect) % modulus] ?? 0
    counts[effect, default: 0] += 1
  }
  return pairs
}

private func isTaken(_ bytes: [UInt8], _ one: Proven) -> Bool {
  decode(bytes, with: one.profile, one.context).contains { if case .accepted = $0.outcome { true } else { false } }
}

private func flipped(_ frame: [UInt8], _ bits: Int...) -> [UInt8] {
  var frame = frame
  for bit in bits { frame[bit / 8] ^= 1 << UInt8(bit % 8) }
  return frame
}

@Suite struct CheckTests {
  @Test func thereAreFramesOfEachCheck() {
    #expect(proven.count >= 50)
    let kinds = Set(proven.map(\.framing.check.kind))
    #expect(kinds.isSuperset(of: [.sum8, .negativeSum8, .xor8, .sum16be, .crc16Modbus, .crc16Xmodem]))
  }

  @Test(arguments: proven) private func noSingleFlipPassesWhatLooksAtIt(_ one: Proven) {
    let effects = effects(one.framing, one.bytes)
    for bit in effects.indices {
      #expect(isTaken(flipped(one.bytes, bit), one) == (effects[bit] == 0), "bit \(bit % 8) of byte \(bit / 8)")
    }
  }

  @Test(arguments: proven) private func doubleFlipsPassAsOftenAsComputed(_ one: Proven) {
    let effects = effects(one.framing, one.bytes)
    let computed = cancelling(one.framing.check.kind, effects)
    #expect(one.profile.weakness(of: one.framing, on: one.bytes, one.context)?.passing == computed)
    if [.crc16Modbus, .crc16Xmodem].contains(one.framing.check.kind) { #expect(computed == 0) }
    // Through the whole decoder where that takes no minutes.
    guard one.bytes.count <= 9 else { return }
    var taken = 0
    let first = one.framing.startsWith.count * 8
    for a in first..<one.bytes.count * 8 {
      for b in a + 1..<max(a + 1, one.bytes.count * 8) where isTaken(flipped(one.bytes, a, b), one) { taken += 1 }
    }
    // A field's range may be what a frame stands or falls with; that comes on top.
    let hasRanges = one.profile.fields.contains { $0.outside == .rejectsFrame }
    #expect(taken == computed || (hasRanges && taken < computed), "\(taken) of \(computed)")
  }

  /// Behind a coding a flip may end a frame or double a byte: what passes is counted with a decoder of its own here.
  @Test(arguments: [
    ("comfoair-350", "07 f0 00 0e 04 01 02 03 04 c9 07 0f", "answer"), ("comfoair-350", "07 f0 00 0e 02 07 07 01 c5 07 0f", "answer"),
    ("sps30", "7e 00 03 00 04 40 7d 5e 00 00 3a 7e", "measured"),
  ])
  func whatPassesBehindACodingIsCounted(id: String, hex: String, kind: String) throws {
    let profile = try Profile.load(file: folder.appending(path: "\(id).yaml").path)
    guard case .serial(let speech) = profile.transport, let framing = speech.frames.first(where: { $0.name == kind }) else {
      return #expect(Bool(false))
    }
    let frame = hex.split(separator: " ").compactMap { UInt8($0, radix: 16) }
    let judge = id == "sps30" ? isStuffedFrame : isDoubledFrame
    #expect(judge(frame))
    let start = framing.startsWith.count * 8
    var passing = 0
    for a in start..<frame.count * 8 { for b in a + 1..<max(a + 1, frame.count * 8) where judge(flipped(frame, a, b)) { passing += 1 } }
    let ways = (frame.count * 8 - start) * (frame.count * 8 - start - 1) / 2
    let counted = profile.weakness(of: framing, on: frame)
    #expect(passing > 0 && counted == Weakness(ways: ways, passing: passing))
  }

  @Test func aFrameThatIsNoneHasNoWeakness() throws {
    let profile = try Profile.load(file: folder.appending(path: "sps30.yaml").path)
    guard case .serial(let speech) = profile.transport else { return #expect(Bool(false)) }
    #expect(profile.weakness(of: speech.frames[0], on: [0x7E, 0, 3, 0, 4, 0x40, 1, 0, 0, 0x3A, 0x7E]) == nil)
  }
}

/// `7e … 7e` with `7d` before what would be a sign; the length at 4, an inverted sum.
private func isStuffedFrame(_ wire: [UInt8]) -> Bool {
  guard wire.first == 0x7E, let end = wire.dropFirst().firstIndex(of: 0x7E) else { return false }
  var body: [UInt8] = []
  var rest = wire[1..<end]
  while let byte = rest.popFirst() {
    if byte == 0x7D {
      guard let next = rest.popFirst() else { return false }
      body.append(next ^ 0x20)
    } else {
      body.append(byte)
    }
  }
  guard body.count >= 5, body[0] == 0, body[1] == 3, Int(body[3]) == body.count - 5 else { return false }
  return body.reduce(0) { $0 &+ $1 } == 0xFF && body[2] == 0 && body[3] != 0
}

/// `07 f0 … 07 0f`, each `07` in between doubled; the length at 4, a sum that begins at 173.
private func isDoubledFrame(_ wire: [UInt8]) -> Bool {
  guard wire.starts(with: [0x07, 0xF0]) else { return false }
  var body: [UInt8] = []
  var rest = wire.dropFirst(2)
  while let byte = rest.popFirst() {
    guard byte == 0x07 else {
      body.append(byte)
      continue
    }
    guard let next = rest.popFirst() else { return false }
    if next == 0x0F { break }
    guard next == 0x07 else { return false }
    body.append(7)
  }
  guard body.count >= 4, Int(body[2]) == body.count - 4 else { return false }
  return body.dropLast().reduce(173) { $0 &+ $1 } == body[body.count - 1]
}
