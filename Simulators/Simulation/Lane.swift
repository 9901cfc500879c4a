// A lane of the world: people queue, step up one by one, wait for the gate, go through it or give up. It knows nothing
// of wires: contacts and the drive are handed in and out as booleans, temperatures as degrees.

public import Domain

/// One lane with its people and its gate.
public struct Lane: Sendable {
  public var siteOffset: Double
  /// The hall's temperature, which the sensor has too, degC.
  public var ambient = 22.0
  public private(set) var waiting: [Person] = []
  public private(set) var presence: Presence?
  public private(set) var gate = GateMechanics()
  /// Who went through, and who gave up.
  public private(set) var passed = 0
  public private(set) var gaveUp = 0
  /// Nobody is here, and the gate rests: a step of time changes nothing.
  public private(set) var isIdle = true
  /// A code that is held to the scanner, and from when.
  private var shown: (code: String, from: Instant)?
  /// The passage contact is closed until then.
  private var passing: Instant = .past
  /// The place in front of the sensor stays empty until then.
  private var freeFrom: Instant = .past
  /// When the one who goes through reaches the gate.
  private var crosses: Instant = .never

  /// Between two people: longer than the second of absence that ends a person.
  static var gap: Interval { .milliseconds(1_800) }
  /// From the open gate to turning away from the sensor, and on to the gate's leaf.
  static var reaction: Interval { .milliseconds(500) }
  static var walk: Interval { .milliseconds(700) }
  /// A gate that is open longer than this is taken for open to all.
  static var patience: Interval { .seconds(6) }
  static var contact: Interval { .milliseconds(400) }
  /// From stepping up to the scanner's beep.
  static var showing: Interval { .milliseconds(300) }

  public init(siteOffset: Double) { self.siteOffset = siteOffset }

  public mutating func arrive(_ person: Person) {
    waiting.append(person)
    isIdle = false
  }

  public mutating func setFault(_ fault: GateFault) {
    gate.fault = fault
    isIdle = isIdle && gate.rests
  }

  /// Whether somebody is between the gate's posts.
  public func isPassage(at now: Instant) -> Bool { now < passing }

  /// What a perfect thermometer sees, degC.
  /// - Parameters:
  ///   - body: takes everybody for a body of that temperature; `nil`: as they are.
  ///   - offset: degC between surface and body for another thermometer than the lane's first.
  @inline(__always)
  public func surface(at now: Instant, as body: Double? = nil, offset: Double? = nil) -> Double {
    presence?.surface(at: now, as: body, ambient: ambient, siteOffset: offset ?? siteOffset) ?? ambient
  }

  /// A step of time; `relay` drives the gate.
  public mutating func advance(relay: Bool, at now: Instant) {
    gate.advance(driven: relay, at: now)
    cross(at: now)
    if var standing = presence {
      decide(&standing, at: now)
      presence = standing.isGone(at: now) ? nil : standing
      if presence == nil { freeFrom = now + Self.gap }
    } else if !waiting.isEmpty, now >= freeFrom {
      let next = waiting.removeFirst()
      presence = Presence(person: next, arrived: now)
      shown = next.code.map { ($0, now + Self.showing) }
    }
    isIdle = presence == nil && waiting.isEmpty && crosses == .never && gate.rests
  }

  /// The code that somebody shows now, once.
  mutating func takeShown(at now: Instant) -> String? {
    guard let shown, shown.from <= now else { return nil }
    self.shown = nil
    return shown.code
  }

  private mutating func decide(_ standing: inout Presence, at now: Instant) {
    guard standing.left == nil else { return }
    if isInvited(standing, at: now) {
      standing.left = now
      crosses = now + Self.walk
    } else if now - standing.arrived >= standing.person.stay {
      standing.left = now
      gaveUp += 1
    }
  }

  /// Whether the gate opened for the one who stands here, or has stood open for so long that nobody waits any more
  /// (released, jammed). The rest of the opening of the one before is left alone.
  private func isInvited(_ standing: Presence, at now: Instant) -> Bool {
    guard standing.person.goesThrough, gate.isOpen, crosses == .never, let opened = gate.changes.last?.at else { return false }
    let since = opened >= standing.arrived ? opened : max(standing.arrived, opened + Self.patience)
    return now - since >= Self.reaction
  }

  private mutating func cross(at now: Instant) {
    guard crosses <= now else { return }
    crosses = .never
    guard gate.isOpen else { gaveUp += 1; return }
    passing = now + Self.contact
    passed += 1
  }
}
