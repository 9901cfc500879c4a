// Random worlds: people at somebody's site and everything that can go wrong there, out of one number. What breaks a rule of `Witness` is made
// as small as it can be, and is a scenario then that anybody can run.

public import Domain
import Foundation
public import Settings

/// What a world came to.
public struct Exploration: Sendable {
  public var world: RandomWorld
  public var violation: Violation?
  public var events: Int
}

/// Makes worlds, lives them and makes failures small.
public struct Explorer: Sendable {
  private let settings: Settings
  /// How long things go wrong. What follows is for the site to be well again.
  private let minutes: Int

  /// After the last thing that went wrong, everything must be well within this: back-off of ports, warm-up, alarms' off-delays.
  static var recovery: Interval { .minutes(4) }

  public init(_ settings: Settings, minutes: Int) {
    self.settings = settings
    self.minutes = minutes
  }

  /// The world of a seed.
  public func world(_ seed: UInt64) -> RandomWorld { RandomWorld(seed: seed, at: settings, minutes: minutes, recovery: Self.recovery) }

  // MARK: Living

  /// Lives a world in `folder`, which must be empty.
  public func live(_ world: RandomWorld, folder: String) throws -> Exploration {
    let site = try VirtualSite(settings, seed: world.seed, wall: 1_795_390_200_000_000_000, log: folder + "/log")
    let life = Life(site, Witness(settings, bodies: world.bodies), Chance(seed: world.seed))
    site.onEvent = { [unowned life] in life.see($0) }
    site.onCommit = { [unowned life] in life.committed($0) }
    site.onNotDurable = { [unowned life] in life.told($0) }
    try site.start()
    var steps = world.happens[...]
    while site.elapsed < world.lasts, life.witness.violations.isEmpty {
      let next = min(min(steps.first?.at ?? world.lasts, world.lasts), site.elapsed + .milliseconds(200))
      site.run(until: Instant(ns: next.ns))
      life.look()
      while let step = steps.first, step.at <= site.elapsed {
        steps.removeFirst()
        try life.carryOut(step)
      }
    }
    if life.witness.violations.isEmpty { life.witness.end(isOpen: { site.world.lanes[$0].gate.isOpen }, at: site.elapsed) }
    var violation = life.witness.violations.first
    // Every other door dies as it is.
    if world.seed % 2 == 0 { site.stop() } else { site.kill() }
    if violation == nil {
      violation = try LogAudit(durable: life.durable, secret: RandomWorld.codePrefix).violation(in: folder + "/log", at: site.elapsed)
    }
    return Exploration(world: world, violation: violation, events: life.events)
  }

  // MARK: Making it small

  /// The same failure with as little as it takes. `folder` gets a folder a try.
  public func shrink(_ found: Exploration, folder: String, tell: (Int) -> Void = { _ in }) throws -> Exploration {
    guard let rule = found.violation?.rule else { return found }
    var best = found
    var attempt = 0
    func fails(_ happens: [Happening]) throws -> Exploration? {
      attempt += 1
      var world = best.world
      world.happens = happens
      let place = folder + "/\(attempt)"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: place) }
      let again = try live(world, folder: place)
      return again.violation?.rule == rule ? again : nil
    }
    // What comes after it has no part in it.
    if let at = best.violation?.at {
      let before = best.world.happens.filter { $0.at <= at }
      if before.count < best.world.happens.count, let smaller = try fails(before) { best = smaller }
    }
    var size = max(best.world.happens.count / 2, 1)
    while true {
      var start = 0
      var isSmaller = false
      while start < best.world.happens.count {
        var fewer = best.world.happens
        fewer.removeSubrange(start..<min(start + size, fewer.count))
        if let smaller = try fails(fewer) {
          best = smaller
          isSmaller = true
          tell(best.world.happens.count)
        } else {
          start += size
        }
      }
      if size == 1, !isSmaller { return best }
      size = max(size / 2, 1)
    }
  }
}

extension Exploration {
  /// What happened, as somebody can read and repeat it.
  public var words: String {
    (["# seed \(world.seed)"] + world.happens.map { "at \(clockText($0.at))  \($0.words)" }
      + (violation.map { ["# at \(clockText($0.at)): \($0.rule): \($0.sentence)"] } ?? [])).joined(separator: "\n")
  }
}
