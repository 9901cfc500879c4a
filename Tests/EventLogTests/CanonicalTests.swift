// The canonical form of RFC 8785: the same event has the same bytes everywhere, or its hash means nothing. Numbers, order
// and escapes are the RFC's own examples (appendix B, sections 3.2.2.2 and 3.2.3); random numbers must read back the same.

import Foundation
import Testing

@testable import EventLog

@Suite struct CanonicalTests {
  @Test(arguments: [
    (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"),
    (0x8000_0000_0000_0001, "-5e-324"), (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
    (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"), (0x4340_0000_0000_0000, "9007199254740992"),
    (0xc340_0000_0000_0000, "-9007199254740992"), (0x4430_0000_0000_0000, "295147905179352830000"),
    (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"), (0x44b5_2d02_c7e1_4af6, "1e+23"),
    (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"), (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
    (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"), (0x444b_1ae4_d6e2_ef50, "1e+21"),
    (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"), (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
    (0x41b3_de43_5555_5553, "333333333.3333332"), (0x41b3_de43_5555_5554, "333333333.33333325"),
    (0x41b3_de43_5555_5555, "333333333.3333333"), (0x41b3_de43_5555_5556, "333333333.3333334"),
    (0x41b3_de43_5555_5557, "333333333.33333343"), (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
  ] as [(UInt64, String)])
  func numbers(bits: UInt64, text: String) {
    #expect(canonicalNumber(Double(bitPattern: bits)) == text)
  }

  @Test func whatJSONDoesNotHaveIsNoNumber() {
    for value in [Double.nan, .infinity, -.infinity] {
      #expect(canonicalNumber(value) == nil)
      #expect(text(.number(value)) == "null")
    }
  }

  private func text(_ json: JSON) -> String { String(decoding: json.canonical, as: UTF8.self) }

  @Test func membersAreOrderedByUTF16() {
    let object = JSON.object([
      "\u{20ac}": .string("Euro Sign"), "\r": .string("Carriage Return"), "\u{fb33}": .string("Hebrew Letter Dalet With Dagesh"),
      "1": .string("One"), "\u{1f600}": .string("Emoji: Grinning Face"), "\u{80}": .string("Control"),
      "\u{f6}": .string("Latin Small Letter O With Diaeresis"),
    ])
    #expect(
      text(object)
        == "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"\u{f6}\":\"Latin Small Letter O With Diaeresis\","
        + "\"\u{20ac}\":\"Euro Sign\",\"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}")
  }

  @Test func stringsEscapeWhatMustBe() {
    #expect(text(.string("\u{20ac}$\u{f}\nA'B\"\\\\\"/")) == "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"")
    #expect(text(.string("\u{8}\t\u{c}\r\u{0}\u{1f}\u{7f}")) == "\"\\b\\t\\f\\r\\u0000\\u001f\u{7f}\"")
    #expect(text(.object(["b": .bool(true), "a": .object([:])])) == "{\"a\":{},\"b\":true}")
  }

  /// Any finite number reads back as itself, in ECMAScript's layout.
  @Test(arguments: [8_785, 20_261_123] as [UInt64])
  func numbersReadBack(seed: UInt64) throws {
    var random = Seeded(seed)
    for _ in 0..<20_000 {
      let value = Double(bitPattern: random.next())
      guard value.isFinite else { continue }
      let text = try #require(canonicalNumber(value))
      #expect(Double(text) == value, "seed \(seed): \(text)")
      #expect(!text.contains("E") && !text.hasSuffix(".0") && !text.hasPrefix("."), "seed \(seed): \(text)")
    }
  }
}
