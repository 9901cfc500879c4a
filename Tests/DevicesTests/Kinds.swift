// Kinds of frame that tests of framing stand on: each ending, coding and check with an encoder of its own, which shares
// nothing with the framer.

import Domain
import Testing

@testable import Devices

/// One kind of frame, and how a device puts a number from 0 to 65535 into one.
struct Kind: CustomTestStringConvertible, Sendable {
  var name: String
  var framing: Framing
  /// Where the number stands in the decoded frame.
  var at: Int
  var encode: @Sendable (Int) -> [UInt8]

  var testDescription: String { name }
  var isProven: Bool { framing.check.kind != .none }

  var device: Profile { framed([framing], [field("v", at: at, .u16be)]) }
}

/// The bytes of a check, by its definition.
func proof(_ kind: Check.Kind, _ covered: [UInt8], adds: Int = 0) -> [UInt8] {
  let sum = covered.reduce(adds) { $0 + Int($1) }
  switch kind {
  case .none: return []
  case .sum8: return [UInt8(sum % 256)]
  case .negativeSum8: return [UInt8((256 - sum % 256) % 256)]
  case .invertedSum8: return [UInt8(255 - sum % 256)]
  case .xor8: return [covered.reduce(0, ^)]
  case .sum16be: return big(sum)
  case .sum16le: return big(sum).reversed()
  case .wordSum16le:
    let words = stride(from: 0, to: covered.count - 1, by: 2).map { Int(covered[$0]) + 256 * Int(covered[$0 + 1]) }
    return big(words.reduce(adds, +)).reversed()
  case .crc16Modbus: return Array(withCRC(covered).suffix(2))
  case .crc16Xmodem:
    var crc = 0
    for byte in covered {
      crc ^= Int(byte) << 8
      for _ in 0..<8 { crc = crc >= 0x8000 ? (crc << 1 ^ 0x1021) & 0xFFFF : crc << 1 }
    }
    return big(crc)
  }
}

let frameStart = bytes("aa 55")

/// Each check on a frame of fixed length.
let fixedKinds: [Kind] = Check.Kind.allCases.map { check in
  let body: @Sendable (Int) -> [UInt8] = { frameStart + big($0) + [0x11, 0x07] }
  let width = proof(check, body(0)).count
  return Kind(
    name: "length, \(check.rawValue)",
    framing: Framing(startsWith: frameStart, ending: .length(6 + width), check: check == .none ? .none : Check(check, at: -width)), at: 2,
    encode: { body($0) + proof(check, body($0)) })
}

/// A check that covers a part, stands before the end and has something added; bytes that always stand there.
let partialKind = Kind(
  name: "length, a part of it",
  framing: Framing(
    startsWith: frameStart, ending: .length(7), check: Check(.sum8, from: 2, to: 4, at: 5, adds: 0x33),
    marks: [Mark(at: 4, byte: 0x99), Mark(at: 6, byte: 0x09)]), at: 2,
  encode: { frameStart + big($0) + [0x99] + proof(.sum8, big($0), adds: 0x33) + [0x09] })

/// As long as they say: a number, and up to three bytes more.
let countedKinds: [Kind] = [
  ("u8", .u8, 1, .sum8), ("u16be", .u16be, 2, .crc16Xmodem), ("u16le", .u16le, 2, .crc16Modbus),
].map { (name: String, type: NumberType, width: Int, check: Check.Kind) in
  Kind(
    name: "count \(name)",
    framing: Framing(
      startsWith: frameStart, ending: .counted(most: 64), count: Count(at: 2, type: type, adds: 2 + width + (width == 1 ? 1 : 2)),
      check: Check(check, at: width == 1 ? -1 : -2)),
    at: 2 + width,
    encode: { value in
      let payload = big(value) + [UInt8](repeating: 0x55, count: value % 4)
      let length = big(payload.count)
      let body = frameStart + (type == .u8 ? [length[1]] : type == .u16be ? length : length.reversed()) + payload
      return body + proof(check, body)
    })
}

/// A tail, in each coding.
let tailedKinds: [Kind] = [
  // In plain frames no data may look like the end: these never hold a byte below 80.
  Kind(
    name: "ends_with",
    framing: Framing(startsWith: frameStart, ending: .tail([0x0D, 0x0A], most: 32), check: Check(.sum8, at: -3)), at: 2,
    encode: { value in
      let body = frameStart + big(value | 0x8080) + [UInt8](repeating: 0xEE, count: value % 3)
      return body + proof(.sum8, body) + [0x0D, 0x0A]
    }),
  Kind(
    name: "ends_with and count",
    framing: Framing(
      startsWith: frameStart, ending: .tail([0x0D, 0x0A], most: 32), count: Count(at: 2, type: .u8, adds: 6), check: Check(.sum8, at: -3)),
    at: 3,
    encode: { value in
      let body = frameStart + [2] + big(value | 0x8080)
      return body + proof(.sum8, body) + [0x0D, 0x0A]
    }),
  Kind(
    name: "stuffing",
    framing: Framing(
      startsWith: [0x7E], ending: .tail([0x7E], most: 32), coding: .stuffed(escape: 0x7D, xor: 0x20),
      check: Check(.invertedSum8, from: 1, at: -2)),
    at: 1,
    encode: { value in
      let body = big(value) + proof(.invertedSum8, big(value))
      return [0x7E] + body.flatMap { $0 == 0x7E || $0 == 0x7D ? [0x7D, $0 ^ 0x20] : [$0] } + [0x7E]
    }),
  Kind(
    name: "doubled",
    framing: Framing(
      startsWith: [0x10, 0x02], ending: .tail([0x10, 0x03], most: 32), coding: .doubled(0x10),
      check: Check(.sum16be, from: 2, at: -4)),
    at: 2,
    encode: { value in
      let body = big(value) + [0x10] + proof(.sum16be, big(value) + [0x10])
      return [0x10, 0x02] + body.flatMap { $0 == 0x10 ? [0x10, 0x10] : [$0] } + [0x10, 0x03]
    }),
  Kind(
    name: "hex",
    framing: Framing(
      startsWith: [0x3A], ending: .tail([0x0D, 0x0A], most: 32), coding: .hex, check: Check(.negativeSum8, from: 1, at: -3)),
    at: 1,
    encode: { value in
      let body = big(value) + proof(.negativeSum8, big(value))
      let digits = Array((value % 2 == 0 ? "0123456789ABCDEF" : "0123456789abcdef").utf8)
      return [0x3A] + body.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] } + [0x0D, 0x0A]
    }),
]

let kinds = fixedKinds + [partialKind] + countedKinds + tailedKinds
let provenKinds = kinds.filter(\.isProven)
