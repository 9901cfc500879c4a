// How much a check lets pass: said in the open, since a sum that lets wrong frames through is a fact of the device.

import Domain

/// Of all ways to flip two bits of a frame behind its start.
public struct Weakness: Sendable, Equatable {
  public var ways: Int
  /// How many of them its check and its constant bytes let pass.
  public var passing: Int
}

extension Framing {
  /// Counted on a good frame of this kind as it stands on the wire, of at most 64 bytes; `nil`: the frame is none, or has
  /// a coding, whose flips do other things than change a byte.
  public func weakness(of frame: [UInt8]) -> Weakness? {
    guard frame.count <= 64, coding == .plain, transform == .none, frame.starts(with: startsWith) else { return nil }
    switch ending {
    case .length(let length): guard frame.count == length else { return nil }
    case .counted: break
    case .tail(let tail, _): guard Array(frame.suffix(tail.count)) == tail else { return nil }
    case .line, .asked, .quiet: return nil
    }
    let bytes = Table(frame, filler: 0)
    guard holds(bytes) else { return nil }
    var weakness = Weakness(ways: 0, passing: 0)
    let bits = startsWith.count * 8..<frame.count * 8
    for first in bits {
      bytes[first / 8] ^= 1 << UInt8(first % 8)
      for second in first + 1..<max(first + 1, bits.upperBound) {
        bytes[second / 8] ^= 1 << UInt8(second % 8)
        weakness.ways += 1
        if holds(bytes) { weakness.passing += 1 }
        bytes[second / 8] ^= 1 << UInt8(second % 8)
      }
      bytes[first / 8] ^= 1 << UInt8(first % 8)
    }
    return weakness
  }

  private func holds(_ bytes: borrowing Table<UInt8>) -> Bool {
    for mark in marks { guard mark.at < bytes.capacity, bytes[mark.at] == mark.byte else { return false } }
    if let count {
      guard count.at + count.type.width <= bytes.capacity else { return false }
      var number = Int(bytes[count.at])
      if count.type == .u16be { number = number << 8 | Int(bytes[count.at + 1]) }
      if count.type == .u16le { number |= Int(bytes[count.at + 1]) << 8 }
      guard (number == 0 ? count.zeroMeans : number) + count.adds == bytes.capacity else { return false }
    }
    return check.holds(for: bytes, at: 0, length: bytes.capacity)
  }
}
