// Text that may enter the pipeline: a name somebody gave, a reason. Fixed size, so that it can lie in a ring.

/// Up to 96 bytes of UTF-8.
public struct Text: BitwiseCopyable, Sendable {
  public var bytes: InlineArray<96, UInt8>
  public var count: UInt8

  @inlinable @inline(__always) public init() {
    bytes = InlineArray(repeating: 0)
    count = 0
  }

  /// `nil` when `string` needs more than 96 bytes: whoever takes text from people refuses it there, with a reason.
  public init?(_ string: String) {
    self.init()
    guard string.utf8.count <= 96 else { return nil }
    for (index, byte) in string.utf8.enumerated() { bytes[index] = byte }
    count = UInt8(string.utf8.count)
  }

  /// The text, with anything that is not UTF-8 replaced.
  public var string: String {
    String(decoding: (0..<min(Int(count), 96)).map { bytes[$0] }, as: UTF8.self)
  }
  @inlinable @inline(__always) public var isEmpty: Bool { count == 0 }
}
