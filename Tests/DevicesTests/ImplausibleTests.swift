// Goal: what is no value never counts as one. Method: each number type with what lies in its range, at both of its ends,
// just outside, in a sentinel and, for floating point, in every kind of non-number; through a device's frame, in both
// orders of bytes, made here from the type's definition. Each gives its reason or, where it is a value, itself.

import Domain
import Testing

@testable import Devices

/// How a number stands in bytes.
private enum Form { case unsigned, signed, floating }

/// A type, its width in bytes, and which byte of the number (0: the most significant) stands at each place.
private let types: [(type: NumberType, form: Form, order: [Int])] = [
  (.u8, .unsigned, [0]), (.i8, .signed, [0]), (.u16be, .unsigned, [0, 1]), (.u16le, .unsigned, [1, 0]), (.i16be, .signed, [0, 1]),
  (.i16le, .signed, [1, 0]), (.u24be, .unsigned, [0, 1, 2]), (.u24le, .unsigned, [2, 1, 0]), (.u32be, .unsigned, [0, 1, 2, 3]),
  (.u32le, .unsigned, [3, 2, 1, 0]), (.i32be, .signed, [0, 1, 2, 3]), (.i32le, .signed, [3, 2, 1, 0]),
  (.u32leWords, .unsigned, [2, 3, 0, 1]), (.i32leWords, .signed, [2, 3, 0, 1]), (.u32beSwapped, .unsigned, [1, 0, 3, 2]),
  (.i32beSwapped, .signed, [1, 0, 3, 2]), (.u64be, .unsigned, Array(0..<8)), (.i64be, .signed, Array(0..<8)),
  (.f32be, .floating, [0, 1, 2, 3]), (.f32le, .floating, [3, 2, 1, 0]), (.f32leWords, .floating, [2, 3, 0, 1]),
  (.f32beSwapped, .floating, [1, 0, 3, 2]), (.f64be, .floating, Array(0..<8)), (.f64leWords, .floating, [6, 7, 4, 5, 2, 3, 0, 1]),
]

/// The bits of a number, in as many bytes, the most significant first.
private func bits(_ number: Double, _ form: Form, _ width: Int) -> UInt64 {
  switch form {
  case .floating: width == 4 ? UInt64(Float(number).bitPattern) : number.bitPattern
  case .unsigned, .signed: UInt64(bitPattern: Int64(number)) & (UInt64.max >> UInt64(64 - 8 * width))
  }
}

private func place(_ bits: UInt64, _ order: [Int]) -> [UInt8] {
  order.map { UInt8(truncatingIfNeeded: bits >> UInt64(8 * (order.count - 1 - $0))) }
}

/// What a device of one such field says of these bits. Values from -100 (or 2) to 100; 77 and 0 are codes, 55 tells that
/// there is no sensor.
private func said(
  _ type: NumberType, _ form: Form, _ order: [Int], _ bits: UInt64, change: (inout Field) -> Void = { _ in }
) -> [String] {
  var field = Field(name: "v", location: .frame(at: 1), type: type, range: (form == .unsigned ? 2 : -100)...100)
  field.sentinels = [77, 0]
  field.absent = [55]
  change(&field)
  let device = framed([Framing(startsWith: [0xA0], length: order.count + 2, check: Check(.sum8, at: -1))], [field])
  let bench = Bench(.serial, device)
  bench.receive(summed([0xA0] + place(bits, order)))
  #expect(bench.device.replies == 1, "the frame is good")
  return bench.said(device)
}

@Suite struct ImplausibleTests {
  /// 24 types, each with eight to ten numbers: 218 cases.
  @Test(arguments: types.indices) func numbersAreValuesOnlyWithinTheirRange(index: Int) {
    let (type, form, order) = types[index]
    let least = form == .unsigned ? 2.0 : -100
    for (number, expected) in [
      (least, ["v=\(least)"]), (100, ["v=100.0"]), (50, ["v=50.0"]), (least - 1, ["v=out_of_range"]), (101, ["v=out_of_range"]),
      (77, ["v=sentinel"]), (0, ["v=sentinel"]), (55, []),
    ] {
      #expect(said(type, form, order, bits(number, form, order.count)) == expected, "\(type): \(number)")
    }
    // The code of most makers for no value: all bits set. Signed, it is -1.
    if form == .unsigned {
      #expect(said(type, form, order, .max >> UInt64(64 - 8 * order.count)) == ["v=out_of_range"], "\(type)")
    }
    if form == .signed {
      for extreme in [1 << UInt64(8 * order.count - 1), (1 << UInt64(8 * order.count - 1)) - 1] as [UInt64] {
        #expect(said(type, form, order, extreme) == ["v=out_of_range"], "\(type): \(extreme)")
      }
    }
  }

  /// Six types with what IEEE 754 has besides numbers; without a range too, since it is no matter of ranges.
  @Test(arguments: types.indices.filter { types[$0].form == .floating }) func whatIsNoNumberIsNoValue(index: Int) {
    let (type, form, order) = types[index]
    let isShort = order.count == 4
    let wrong: [UInt64] =
      isShort
      ? [0x7FC0_0000, 0xFFC0_0000, 0x7F80_0001, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x7F80_0000, 0xFF80_0000]
      : [
        0x7FF8_0000_0000_0000, 0xFFF8_0000_0000_0000, 0x7FF0_0000_0000_0001, .max, .max >> 1, 0x7FF0_0000_0000_0000,
        0xFFF0_0000_0000_0000,
      ]
    for bits in wrong {
      #expect(said(type, form, order, bits) == ["v=not_a_number"], "\(type): \(bits)")
      #expect(said(type, form, order, bits) { $0.range = nil } == ["v=not_a_number"], "\(type): \(bits)")
    }
    // The greatest number is one, and leaves every range, also the one that is not named, when it is scaled.
    let greatest: UInt64 = isShort ? 0x7F7F_FFFF : 0x7FEF_FFFF_FFFF_FFFF
    #expect(said(type, form, order, greatest) == ["v=out_of_range"])
    #expect(said(type, form, order, greatest) { ($0.range, $0.scale) = (nil, 1e300) } == ["v=out_of_range"])
    // The least above zero, and minus zero, which is the code 0.
    let least = isShort ? Double(Float.leastNonzeroMagnitude) : Double.leastNonzeroMagnitude
    #expect(said(type, form, order, 1) == ["v=\(least)"])
    #expect(said(type, form, order, 1 << UInt64(8 * order.count - 1)) == ["v=sentinel"])
  }

  /// In a line of text only digits are a number.
  @Test(arguments: [
    ("T=50", ["t=50.0"]), ("T=-100.0", ["t=-100.0"]), ("T=100.1", ["t=out_of_range"]), ("T=-101", ["t=out_of_range"]),
    ("T=77", ["t=sentinel"]), ("T=77.0", ["t=sentinel"]), ("T=55", []), ("T=nan", []), ("T=inf", []), ("T=-inf", []), ("T=1e1", []),
    ("T=0x10", []), ("T=", []), ("T=-", []), ("T=.", []), ("T=1.2.3", []), ("T=--5", []), ("T=9999999999999999", []),
    ("T=999999999999999", ["t=out_of_range"]), ("T=5 0", ["t=5.0"]),
  ] as [(String, [String])])
  func textIsAValueOnlyInDigits(text: String, expected: [String]) {
    let key = Location.Key("T=").map { Location.after($0) } ?? .line
    let field = Field(name: "t", location: key, type: .decimal, range: -100...100, sentinels: [77], absent: [55])
    let device = framed([Framing(startsWith: [], ending: .line(quiet: nil, most: 40))], [field])
    let bench = Bench(.serial, device)
    bench.receive(Array(text.utf8) + [0x0D])
    #expect(bench.said(device) == expected)
  }
}
