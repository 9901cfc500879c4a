// A person in front of a thermometer, as the sensor sees one: nothing, a face that moves into view, a standing face,
// nothing again. The body's temperature is the truth; the sensor sees `body - site offset`, or a cold skin that warms
// up to it (forehead after coming in from the cold: domain notes, Dzien 2020, time constant about 1.9 minutes).

public import Domain
import Foundation

/// Someone who comes to a lane.
public struct Person: Sendable {
  /// What a scenario calls them.
  public var name: String?
  /// What they hold to the scanner when they step up.
  public var code: String?
  /// degC, axillary equivalent.
  public var body: Double
  /// Surface temperature when stepping up, when it differs from what the body settles at (the cold outside), degC.
  public var skin: Double?
  /// How long one waits for the gate before giving up.
  public var stay: Interval
  /// Another person who takes the place without a gap: the body of the second, and when, counted from arrival.
  public var second: (body: Double, after: Interval)?
  /// Goes through when the gate opens; who does not stands there for the whole of `stay`.
  public var goesThrough: Bool

  public init(
    body: Double, skin: Double? = nil, stay: Interval = .seconds(12), second: (body: Double, after: Interval)? = nil,
    goesThrough: Bool = true
  ) {
    self.body = body
    self.skin = skin
    self.stay = stay
    self.second = second
    self.goesThrough = goesThrough
  }

  /// The face moves into the sensor's field of view.
  static var steppingUp: Interval { .milliseconds(400) }
  static var steppingAway: Interval { .milliseconds(300) }
  static var warmingUp: Double { 1.9 * 60 }
}

/// A person who stands in the lane.
public struct Presence: Sendable {
  public var person: Person
  public var arrived: Instant
  /// Set once, when the person turns away.
  public var left: Instant?

  public init(person: Person, arrived: Instant) {
    self.person = person
    self.arrived = arrived
  }

  /// The body in front of the sensor now.
  public func body(at now: Instant) -> Double {
    if let second = person.second, now - arrived >= second.after { return second.body }
    return person.body
  }

  /// Surface temperature that a perfect sensor would see, degC. `other`: a body that takes the place of whoever stands there.
  @inline(__always)
  public func surface(at now: Instant, as other: Double? = nil, ambient: Double, siteOffset: Double) -> Double {
    let settled = (other ?? body(at: now)) - siteOffset
    var skin = settled
    if other == nil, let cold = person.skin, body(at: now) == person.body {
      skin = settled + (cold - settled) * exp(-(now - arrived).seconds / Person.warmingUp)
    }
    var share = Self.eased((now - arrived).seconds / Person.steppingUp.seconds)
    if let left { share = min(share, 1 - Self.eased((now - left).seconds / Person.steppingAway.seconds)) }
    return ambient + (skin - ambient) * share
  }

  /// Whether the sensor sees nothing of the person any more.
  public func isGone(at now: Instant) -> Bool {
    guard let left else { return false }
    return now - left >= Person.steppingAway
  }

  /// From 0 to 1 with flat ends: how much of the spot a moving face fills.
  private static func eased(_ x: Double) -> Double {
    let t = min(max(x, 0), 1)
    return t * t * (3 - 2 * t)
  }
}
