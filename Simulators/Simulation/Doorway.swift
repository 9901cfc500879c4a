// A room's door as its contacts tell of it: open or shut, and somebody who passes. People who come in or go out are counted one
// after the other, slowly enough for a board that is read five times a second.

public import Domain

/// A room's door and the two contacts that count there.
public struct Doorway: Sendable {
  public var isOpen = false
  /// How many are in by what the contacts told.
  public private(set) var counted = 0
  private var isInward = true
  private var until = Instant.past
  private var next = Instant.past

  static var contact: Interval { .milliseconds(500) }
  static var gap: Interval { .milliseconds(1_200) }

  /// Whether the contact that counts people in, or out, is on.
  public func isCounting(_ inward: Bool, at now: Instant) -> Bool { isInward == inward && now < until }

  /// A step of time; `occupants` are in.
  public mutating func advance(occupants: Int, at now: Instant) {
    guard counted != occupants, now >= next else { return }
    isInward = occupants > counted
    counted += isInward ? 1 : -1
    until = now + Self.contact
    next = now + Self.gap
  }
}
