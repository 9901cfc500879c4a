// Where a reply ends: every cut of a good one needs more, nothing traps, and noise is practically never a frame.

import Testing

@testable import Ports

@Suite struct ReplyFrameTests {
  private func judge(_ bytes: [UInt8], _ unit: UInt8, _ function: UInt8) -> String {
    "\(judgeReply(bytes.span, unit: unit, function: function))"
  }

  @Test func crcHasItsCheckValue() {
    #expect(crc16(Array("123456789".utf8).span) == 0x4B37)
  }

  @Test(arguments: [
    [250, 3, 2, 1, 2], [254, 4, 4, 1, 2, 3, 4], [250, 0x83, 2], [250, 5, 0, 1, 0xFF, 0], [7, 0x44, 1, 2, 3],
    [248, 22, 0, 1, 0, 2, 0, 3], [255, 2, 1, 0xFF], [9, 0x64, 0],
  ] as [[UInt8]])
  func endsWhereItEnds(_ body: [UInt8]) {
    let whole = frame(body)
    let (unit, function) = (body[0], body[1] & 0x7F)
    for count in 0..<whole.count { #expect(judge(Array(whole[..<count]), unit, function) == "needsMore") }
    #expect(judge(whole, unit, function) == "complete(\(whole.count))")
    // Another unit's is told from ours where its end is known.
    let isVendors = function > 23
    #expect(judge(whole, unit ^ 1, function) == (isVendors ? "bad(Domain.RequestFailure.wrongReply)" : "stranger(\(whole.count))"))
    #expect(judge(whole, unit, function ^ 1).hasPrefix("bad"))
    for bit in 0..<whole.count * 8 {
      var flipped = whole
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(judge(flipped, unit, function) != "complete(\(whole.count))")
    }
  }

  @Test func noiseIsNoFrame() {
    var state: UInt64 = 0x5EED
    func random() -> UInt8 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 33)
    }
    var complete = 0
    for _ in 0..<20_000 {
      let bytes = [250, 3] + (0..<Int(random() % 60)).map { _ in random() }
      if case .complete = judgeReply(bytes.span, unit: 250, function: 3) { complete += 1 }
    }
    #expect(complete <= 2, "a CRC lets 1 of 65,536 pass")
  }
}
