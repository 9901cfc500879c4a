// Who somebody is, without saying it: a keyed hash of what a scanner or a card told (HMAC-SHA-256, RFC 2104 and FIPS 180-4). A plain
// hash of an identity number is undone by trying them all; without the site's key this one is not. It is computed in the turn that
// found the text, so no text outlives it; a byte at a time, with no memory of its own. Libraries lock or allocate, so this is ours,
// and tested against one.

/// A person as this site knows them: the first 128 bits of the hash.
public struct Token: BitwiseCopyable, Sendable {
  public var high: UInt64
  public var low: UInt64

  @_noLocks @_noAllocation
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Nobody.
  public static var none: Token { @_noLocks @_noAllocation get { Token(high: 0, low: 0) } }
  public var isNone: Bool { @_noLocks @_noAllocation get { high | low == 0 } }

  @_noLocks @_noAllocation
  public func isSame(as other: Token) -> Bool { high == other.high && low == other.low }

  /// In the order of their numbers.
  @_noLocks @_noAllocation
  public func isBefore(_ other: Token) -> Bool { high == other.high ? low < other.low : high < other.high }

  /// 32 hex digits, as `text` writes them; anything else is no token.
  public init?(_ text: String) {
    let digits = Array(text.utf8)
    guard digits.count == 32, digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
      let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.init(high: high, low: low)
  }

  /// 32 hex digits.
  public var text: String {
    [high, low].map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}

/// Somebody who is expected: a line of the roster without its name.
public struct RosterToken: BitwiseCopyable, Sendable {
  public var token: Token
  /// Nobody is expected by it from then on, ns since 1970 UTC.
  public var until: Int64

  public init(token: Token, until: Int64) {
    self.token = token
    self.until = until
  }
}

/// What a scanner or a card told, byte by byte: zero bytes, and blanks around it, are left out. So the same number from a scanner and
/// from a card, which pads it and writes two bytes a character, is one person.
public struct IdentityText: BitwiseCopyable, Sendable {
  private var digest: Digest
  private var blanks = 0
  private var count = 0

  @_noLocks @_noAllocation
  init(_ digest: Digest) { self.digest = digest }

  @_noLocks @_noAllocation
  public mutating func add(_ byte: UInt8) {
    if byte == 0 { return }
    if byte == 0x20 {
      blanks &+= 1
      return
    }
    while blanks > 0 {
      if count > 0 { digest.add(0x20) }
      blanks &-= 1
    }
    digest.add(byte)
    count &+= 1
  }

  /// Nobody, when there was nothing but blanks.
  @_noLocks @_noAllocation
  public func token(_ key: IdentityKey) -> Token { count > 0 ? key.token(digest) : .none }
}

/// The site's key, ready to make tokens.
public struct IdentityKey: BitwiseCopyable, Sendable {
  // What the hash has seen of the key, inside and outside.
  private var inner = Digest()
  private var outer = Digest()

  /// Keys longer than a block are hashed first, as RFC 2104 says.
  public init(_ key: [UInt8]) {
    var block = key
    if key.count > 64 {
      var digest = Digest()
      for byte in key { digest.add(byte) }
      let hash = digest.finished()
      block = (0..<32).map { hash[$0] }
    }
    for index in 0..<64 {
      let byte = index < block.count ? block[index] : 0
      inner.add(byte ^ 0x36)
      outer.add(byte ^ 0x5C)
    }
  }

  /// Begins a text; its bytes are added one by one.
  @_noLocks @_noAllocation
  public func begin() -> Digest { inner }

  /// The whole hash of the text that `digest` has seen.
  @_noLocks @_noAllocation
  public func hash(_ digest: Digest) -> InlineArray<32, UInt8> {
    let text = digest.finished()
    var whole = outer
    for index in 0..<32 { whole.add(text[index]) }
    return whole.finished()
  }

  @_noLocks @_noAllocation
  public func token(_ digest: Digest) -> Token {
    let hash = hash(digest)
    var high: UInt64 = 0
    var low: UInt64 = 0
    for index in 0..<8 {
      high = high << 8 | UInt64(hash[index])
      low = low << 8 | UInt64(hash[index &+ 8])
    }
    return Token(high: high, low: low)
  }

  /// Begins what a scanner or a card tells.
  @_noLocks @_noAllocation
  public func beginIdentity() -> IdentityText { IdentityText(inner) }

  /// The token of what a scanner or a card would tell: for programs that prepare a roster.
  public func token(of text: String) -> Token {
    var identity = beginIdentity()
    for byte in text.utf8 { identity.add(byte) }
    return identity.token(self)
  }

  /// Tells files that were made with this key from others, and says nothing else of it: 16 hex digits.
  public var fingerprint: String { String(token(of: "gatehouse roster").text.prefix(16)) }
}

/// SHA-256 of bytes that come one by one.
public struct Digest: BitwiseCopyable, Sendable {
  private var state: InlineArray<8, UInt32> = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var block = InlineArray<64, UInt8>(repeating: 0)
  private var count: UInt64 = 0

  @_noLocks @_noAllocation
  public init() {}

  @_noLocks @_noAllocation
  public mutating func add(_ byte: UInt8) {
    block[Int(count & 63)] = byte
    count &+= 1
    if count & 63 == 0 { mix() }
  }

  /// A one, zeros, and the count of bits in the last eight bytes.
  @_noLocks @_noAllocation
  public func finished() -> InlineArray<32, UInt8> {
    var last = self
    let bits = count &* 8
    last.add(0x80)
    while last.count & 63 != 56 { last.add(0) }
    for index in 0..<8 { last.add(UInt8(truncatingIfNeeded: bits >> UInt64(56 &- 8 &* index))) }
    var hash = InlineArray<32, UInt8>(repeating: 0)
    for index in 0..<32 { hash[index] = UInt8(truncatingIfNeeded: last.state[index / 4] >> UInt32(24 &- 8 &* (index % 4))) }
    return hash
  }

  @_noLocks @_noAllocation
  private mutating func mix() {
    let constants: InlineArray<64, UInt32> = [
      0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
      0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
      0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
      0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
      0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
      0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
      0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
      0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]
    var words = InlineArray<64, UInt32>(repeating: 0)
    for index in 0..<64 { words[index / 4] = words[index / 4] << 8 | UInt32(block[index]) }
    for index in 16..<64 {
      let a = words[index &- 15]
      let b = words[index &- 2]
      let near = rotated(a, 7) ^ rotated(a, 18) ^ a >> 3
      let far = rotated(b, 17) ^ rotated(b, 19) ^ b >> 10
      words[index] = words[index &- 16] &+ near &+ words[index &- 7] &+ far
    }
    // a to h of the standard.
    var work = state
    for index in 0..<64 {
      let e = work[4]
      let sum = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
      let choice = e & work[5] ^ ~e & work[6]
      let first = work[7] &+ sum &+ choice &+ constants[index] &+ words[index]
      let a = work[0]
      let turn = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
      let majority = a & work[1] ^ a & work[2] ^ work[1] & work[2]
      work[7] = work[6]
      work[6] = work[5]
      work[5] = e
      work[4] = work[3] &+ first
      work[3] = work[2]
      work[2] = work[1]
      work[1] = a
      work[0] = first &+ turn &+ majority
    }
    for index in 0..<8 { state[index] = state[index] &+ work[index] }
  }

  @_noLocks @_noAllocation
  private func rotated(_ word: UInt32, _ bits: UInt32) -> UInt32 { word >> bits | word << (32 &- bits) }
}
