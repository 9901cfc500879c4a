// A door leaf with a drive: it follows the relay after a short travel, and two contacts tell about it. A stuck gate is
// the fault that matters: the relay says one thing, the contact another.

public import Domain

/// What is wrong with a gate.
public enum GateFault: String, Sendable, CaseIterable {
  case normal
  case stuckOpen = "stuck_open"
  case stuckShut = "stuck_shut"
}

/// A gate's leaf: driven open, falls shut.
public struct GateMechanics: Sendable {
  public struct Change: Sendable {
    public var at: Instant
    public var open: Bool
  }

  public private(set) var isOpen = false
  /// The latest changes, oldest first, at most 64.
  public private(set) var changes: [Change] = []
  public var fault = GateFault.normal
  private var driven = false
  private var moves: Instant = .never

  /// From the relay to the contact.
  static var travel: Interval { .milliseconds(250) }

  public init() {}

  /// Shut, and nothing drives it. A gate with a fault is looked at all the time.
  var rests: Bool { !isOpen && !driven && moves == .never && fault == .normal }

  /// The relay's state and the passing of time.
  public mutating func advance(driven relay: Bool, at now: Instant) {
    let wanted =
      switch fault {
      case .normal: relay
      case .stuckOpen: true
      case .stuckShut: false
      }
    if wanted != driven {
      driven = wanted
      moves = wanted == isOpen ? .never : now + Self.travel
    }
    guard moves <= now else { return }
    isOpen = driven
    changes.append(Change(at: moves, open: isOpen))
    if changes.count > 64 { changes.removeFirst() }
    moves = .never
  }
}
