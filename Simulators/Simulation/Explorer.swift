// Random worlds: people at somebody's site and everything that can go wrong there, out of one number. What breaks a rule of `Witness` is made
// as small as it can be, and is a scenario then that anybody can run.

public import Domain
import EventLog
import Foundation
public import Settings

/// One world, and what happens in it.
public struct RandomWorld: Sendable {
  public var seed: UInt64
  /// In the order of time.
  public var happens: [Happening]
  /// Body temperatures by name.
  var bodies: [String: Double]
  public var lasts: Interval
}

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
  public func world(_ seed: UInt64) -> RandomWorld {
    var chance = Chance(seed: seed &* 0x9E37_79B9 &+ 1)
    func one(of names: [String]) -> String { names[Int(chance.next() % UInt64(names.count))] }
    let names = settings.names
    var happens: [Happening] = []
    var bodies: [String: Double] = [:]
    func add(_ at: Double, _ what: Happening.What, _ words: String) {
      happens.append(Happening(at: Interval(ns: Int64(at * 1_000) * 1_000_000), line: 0, what: what, words: words))
    }
    func order(_ at: Double, _ line: String) { add(at, .order(line), line) }
    let length = Double(minutes) * 60
    for lane in names.lanes {
      var at = 20 + 10 * chance.unit()
      while at < length {
        let isIll = chance.unit() < 0.15
        let body = ((isIll ? 38.1 + 1.2 * chance.unit() : 36.2 + 0.6 * chance.unit()) * 100).rounded() / 100
        let name = "p\(bodies.count + 1)"
        bodies[name] = body
        order(at, "person \(lane) body=\(body) stay=\(8 + Int(chance.next() % 20)) as=\(name)")
        at += 6 + 30 * chance.unit()
      }
    }
    for room in names.rooms where chance.unit() < 0.5 { order(30, "room \(room) occupants=\(Int(chance.next() % 40)) ach=0.5") }
    let buttons = settings.lanes.flatMap { [$0.fireRelease, $0.staffButton].compactMap(\.self) }
    for _ in 0..<(2 + Int(chance.next() % 7)) {
      let at = 15 + chance.unit() * (length - 30), long = 1 + chance.unit() * 40
      switch chance.next() % 12 {
      case 0, 1:
        let bus = one(of: names.ports)
        order(at, "unplug \(bus)")
        order(at + long, "replug \(bus)")
      case 2:
        add(at, .door(.kill), "door kill")
        add(at + long / 4, .door(.start), "door start")
      case 3:
        add(at, .door(.stop), "door stop")
        add(at + long / 4, .door(.start), "door start")
      case 4:
        let disk: VirtualDisk = chance.unit() < 0.5 ? .full : .hung
        add(at, .disk(disk), "disk \(disk == .full ? "full" : "hung")")
        add(at + long, .disk(.good), "disk good")
      case 5:
        let step = Int64((chance.unit() - 0.5) * 7_200)
        add(at, .clock(step * 1_000_000_000), "clock \(step)s")
      case 6 where !names.lanes.isEmpty:
        let lane = one(of: names.lanes)
        order(at, "gate \(lane) \(chance.unit() < 0.5 ? "stuck_open" : "stuck_shut")")
        order(at + long, "gate \(lane) normal")
      case 7 where !buttons.isEmpty:
        let button = buttons[Int(chance.next() % UInt64(buttons.count))]
        let words = "\(names.devices[Int(button.device.index)]) \(button.number)"
        order(at, "input \(words) \(button.isOnWhenOpen ? "off" : "on")")
        order(at + long / 4, "input \(words) clear")
      default:
        let device = one(of: names.devices)
        let kind = Self.faults[Int(chance.next() % UInt64(Self.faults.count))]
        order(at, "fault \(device) \(kind.rawValue) for=\(Int(long))")
      }
    }
    happens.sort { ($0.at, $0.words) < ($1.at, $1.words) }
    return RandomWorld(seed: seed, happens: happens, bodies: bodies, lasts: Interval.minutes(Int64(minutes)) + Self.recovery)
  }

  /// Faults that a device's own values do not lie by: what cannot be known is nobody's fault.
  private static let faults: [FaultKind] = [
    .silence, .delay, .late, .split, .trickle, .hangUp, .noise, .junkBefore, .junkAfter, .badCheck, .cutFrame, .wrongLength, .wrongUnit, .exception,
  ]

  // MARK: Living

  /// Lives a world in `folder`, which must be empty.
  public func live(_ world: RandomWorld, folder: String) throws -> Exploration {
    let site = try VirtualSite(settings, seed: world.seed, wall: 1_795_390_200_000_000_000, log: folder + "/log")
    let witness = Witness(settings, bodies: world.bodies)
    var events = 0
    site.onEvent = { [unowned site] event in
      events += 1
      witness.see(
        event, person: { site.world.person(at: $0) }, told: { site.world.told(device: $0, field: $1) }, at: site.elapsed)
    }
    site.onCommit = { committed in
      for event in committed { witness.committed(event.id.split(separator: "-").last.flatMap { UInt64($0) } ?? 0) }
    }
    try site.start()
    var steps = world.happens[...]
    while site.elapsed < world.lasts, witness.violations.isEmpty {
      let next = min(min(steps.first?.at ?? world.lasts, world.lasts), site.elapsed + .milliseconds(200))
      site.run(until: Instant(ns: next.ns))
      for move in site.takeMoves() { witness.moved(move, at: site.elapsed) }
      witness.look(person: { site.world.person(at: $0) }, isUp: site.isUp, at: site.elapsed)
      while let step = steps.first, step.at <= site.elapsed {
        steps.removeFirst()
        try carryOut(step, site, witness)
      }
    }
    if witness.violations.isEmpty { witness.end(at: site.elapsed) }
    return Exploration(world: world, violation: witness.violations.first, events: events)
  }

  private func carryOut(_ step: Happening, _ site: VirtualSite, _ witness: Witness) throws {
    let grace = site.elapsed + .seconds(60)
    switch step.what {
    case .order(let line):
      let words = line.split(separator: " ")
      // Faults and cables may overlap; a second unplug is no mistake here.
      _ = site.perform(line)
      switch words[0] {
      case "person", "room": break
      case "gate":
        if let lane = site.settings.names.lanes.firstIndex(of: String(words[1])) { witness.gate(lane, isFaulty: words[2] != "normal") }
        witness.disturbed(until: grace)
      case "fault":
        let long = words.last.flatMap { $0.hasPrefix("for=") ? Double($0.dropFirst(4)) : nil } ?? 0
        witness.disturbed(until: grace + .seconds(Int64(long)))
      case "unplug": witness.disturbed(until: .minutes(100_000))
      case "replug": witness.plugged(until: grace, allPlugged: site.world.plugged.allSatisfy(\.self))
      default: witness.disturbed(until: grace)
      }
    case .door(.kill): if site.isUp { site.kill() }
    case .door(.stop):
      guard site.isUp else { return }
      witness.stopping()
      site.stop()
    case .door(.start):
      guard !site.isUp else { return }
      witness.started(at: site.elapsed)
      try site.start()
      witness.disturbed(until: grace)
    // Neither disk nor wall clock may keep anybody from being seen.
    case .disk(let disk): site.disk = disk
    case .clock(let nanoseconds): site.setClock(byNanoseconds: nanoseconds)
    case .staff: break
    }
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
