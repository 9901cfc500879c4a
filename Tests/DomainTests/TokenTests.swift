// Goal: the keyed hash is HMAC-SHA-256. Method: the vectors of RFC 4231 and FIPS 180-4, and swift-crypto for keys and texts of every
// length around its blocks.

import Crypto
import Domain
import Foundation
import Testing

private func hex(_ hash: InlineArray<32, UInt8>) -> String {
  (0..<32).map { String(format: "%02x", hash[$0]) }.joined()
}

private func hash(_ bytes: [UInt8]) -> String {
  var digest = Digest()
  for byte in bytes { digest.add(byte) }
  return hex(digest.finished())
}

private func authentication(_ key: [UInt8], _ text: [UInt8]) -> String {
  let key = IdentityKey(key)
  var digest = key.begin()
  for byte in text { digest.add(byte) }
  return hex(key.hash(digest))
}

@Suite struct TokenTests {
  /// FIPS 180-4, examples.
  @Test func hashesAreTheStandards() {
    #expect(hash([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(hash(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      hash(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(hash(Array(repeating: 0x61, count: 1_000_000)) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  /// RFC 4231, test cases 1 to 4, 6 and 7.
  @Test(arguments: [
    (Array(repeating: UInt8(0x0b), count: 20), Array("Hi There".utf8), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (Array("Jefe".utf8), Array("what do ya want for nothing?".utf8), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (Array(repeating: 0xaa, count: 20), Array(repeating: 0xdd, count: 50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (Array(1...25), Array(repeating: 0xcd, count: 50), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (
      Array(repeating: 0xaa, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
    (
      Array(repeating: 0xaa, count: 131),
      Array(
        "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm."
          .utf8), "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
    ),
  ])
  func keyedHashesAreTheStandards(key: [UInt8], text: [UInt8], said: String) { #expect(authentication(key, text) == said) }

  @Test func agreesWithALibraryAtEveryLength() {
    for length in 0..<200 {
      let text = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
      let key = (0..<(length * 7 % 150)).map { UInt8(truncatingIfNeeded: $0 &* 11 &+ 3) }
      let library = HMAC<SHA256>.authenticationCode(for: text, using: SymmetricKey(data: key))
      #expect(authentication(key, text) == library.map { String(format: "%02x", $0) }.joined(), "\(length)")
    }
  }

  @Test func aTokenIsTheBeginningOfTheHash() {
    let token = IdentityKey(Array("Jefe".utf8)).token(of: "what do ya want for nothing?")
    #expect(token.text == "5bdcc146bf60754e6a042426089575c7" && !token.isNone && Token.none.isNone)
    #expect(Token(high: 1, low: 0x2a).text == "0000000000000001000000000000002a")
    #expect(!token.isSame(as: IdentityKey(Array("jefe".utf8)).token(of: "what do ya want for nothing?")))
  }

  /// A card pads its texts and writes two bytes a character; blanks within a text belong to it.
  @Test func theSameTextFromAScannerAndFromACardIsOnePerson() {
    let key = IdentityKey(Array("Jefe".utf8))
    func told(_ bytes: [UInt8]) -> Token {
      var text = key.beginIdentity()
      for byte in bytes { text.add(byte) }
      return text.token(key)
    }
    let plain = key.token(of: "AB 12")
    #expect(told(Array("  AB 12 ".utf8)).isSame(as: plain) && key.token(of: " AB 12").isSame(as: plain))
    #expect(told(Array("AB 12   ".utf8).flatMap { [$0, 0] }).isSame(as: plain))
    #expect(!told(Array("AB  12".utf8)).isSame(as: plain) && !told(Array("AB12".utf8)).isSame(as: plain))
    #expect(told([]).isNone && told([0x20, 0, 0x20, 0]).isNone)
  }

  @Test func aTokenIsReadAsItIsWritten() {
    let token = IdentityKey(Array("Jefe".utf8)).token(of: "AB 12")
    #expect(Token(token.text)?.isSame(as: token) == true)
    for text in ["", "a1", token.text.uppercased(), token.text + "0", "+" + token.text.dropFirst(), String(token.text.dropLast())] {
      #expect(Token(text) == nil, "\(text)")
    }
  }

  @Test func tokensHaveAnOrder() {
    let tokens = [(0, 1), (0, 2), (1, 0), (1, UInt64.max), (2, 0)].map { Token(high: $0.0, low: $0.1) }
    for (index, token) in tokens.enumerated() {
      for (other, second) in tokens.enumerated() { #expect(token.isBefore(second) == (index < other)) }
    }
  }
}
