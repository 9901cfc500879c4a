// How much a check lets pass: said in the open, since a sum that lets wrong frames through is a fact of the device.

import Domain

/// Of all ways to flip two bits of a frame behind its start.
public struct Weakness: Sendable, Equatable {
  public var ways: Int
  /// How many of them its check and its constant bytes let pass.
  public var passing: Int

  public init(ways: Int, passing: Int) {
    self.ways = ways
    self.passing = passing
  }

  /// Tries all pairs of bits from bit `first` on.
  init(flippingPairsOf frame: [UInt8], from first: Int, _ passes: ([UInt8]) -> Bool) {
    self.init(ways: 0, passing: 0)
    var bytes = frame
    func flip(_ bit: Int) { bytes[bit / 8] ^= 1 << UInt8(bit % 8) }
    for one in first..<max(first, frame.count * 8) {
      flip(one)
      for other in one + 1..<max(one + 1, frame.count * 8) {
        flip(other)
        ways += 1
        if passes(bytes) { passing += 1 }
        flip(other)
      }
      flip(one)
    }
  }
}

extension Framing {
  /// Counted on a good frame of this kind, which has no coding.
  func weakness(of frame: [UInt8]) -> Weakness? {
    guard frame.count <= 64, frame.starts(with: startsWith) else { return nil }
    switch ending {
    case .length(let length): guard frame.count == length else { return nil }
    case .counted: break
    case .tail(let tail, _): guard Array(frame.suffix(tail.count)) == tail else { return nil }
    case .line, .asked, .quiet: return nil
    }
    guard holds(frame) else { return nil }
    return Weakness(flippingPairsOf: frame, from: startsWith.count * 8, holds)
  }

  private func holds(_ bytes: [UInt8]) -> Bool {
    for mark in marks { guard mark.at < bytes.count, bytes[mark.at] == mark.byte else { return false } }
    if let count {
      guard count.at + count.type.width <= bytes.count else { return false }
      var number = Int(bytes[count.at])
      if count.type == .u16be { number = number << 8 | Int(bytes[count.at + 1]) }
      if count.type == .u16le { number |= Int(bytes[count.at + 1]) << 8 }
      guard (number == 0 ? count.zeroMeans : number) + count.adds == bytes.count else { return false }
    }
    return check.holds(for: Table(bytes, filler: 0), at: 0, length: bytes.count)
  }
}
