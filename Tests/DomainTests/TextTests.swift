// Text of fixed size: what fits comes back, what does not is refused, what is not UTF-8 does no harm.

import Domain
import Testing

@Suite struct TextTests {
  @Test(arguments: ["", "Li Na", "海淀考试中心", String(repeating: "x", count: 96)])
  func whatFitsComesBack(text: String) {
    #expect(Text(text)?.string == text)
  }

  @Test func tooLongIsRefusedNotCut() {
    #expect(Text(String(repeating: "x", count: 97)) == nil)
    #expect(Text(String(repeating: "中", count: 33)) == nil)
  }

  @Test func brokenBytesAreReplaced() {
    var text = Text()
    text.bytes[0] = 0xFF
    text.count = 200
    #expect(text.string.utf8.count >= 96)
  }
}
