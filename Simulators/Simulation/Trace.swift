// What the wires carried last: for whoever has to find out why a scenario did not come as expected.

import Domain

/// What the wires carried last.
final class Trace {
  private var ring: [(bus: String, way: String, bytes: [UInt8], at: Instant)] = []
  private var next = 0
  private static var kept: Int { 40 }

  func note(_ bus: String, _ way: String, _ bytes: [UInt8], at: Instant) {
    if ring.count < Self.kept { ring.append((bus, way, bytes, at)) } else { ring[next] = (bus, way, bytes, at) }
    next = (next + 1) % Self.kept
  }

  /// The oldest first: how long after `zero`, which bus, to the door (`->`) or from it (`<-`), and the bytes.
  func lines(since zero: Instant = Instant(ns: 0)) -> [String] {
    let first = ring.count < Self.kept ? 0 : next
    return ring.indices.map { ring[(first + $0) % ring.count] }.map { one in
      "\(clockText(one.at - zero))  \(one.bus) \(one.way) "
        + one.bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined(separator: " ")
    }
  }
}
