// People as a thermometer sees them, and what they do at the gate. Time is in the test's hand.

import Domain
import Testing

@testable import Simulation

@Suite struct PersonTests {
  private func surface(_ person: Person, at ms: Int64, left: Int64? = nil) -> Double {
    var presence = Presence(person: person, arrived: at(0))
    presence.left = left.map { at($0) }
    return presence.surface(at: at(ms), ambient: 22, siteOffset: 1.6)
  }

  @Test func stepsUpStandsAndStepsAway() {
    let person = Person(body: 38.2)
    #expect(surface(person, at: 0) == 22)
    #expect(abs(surface(person, at: 200) - (22 + 36.6) / 2) < 1e-9)
    for ms: Int64 in [400, 1_000, 9_000] { #expect(abs(surface(person, at: ms) - 36.6) < 1e-9) }
    #expect(abs(surface(person, at: 9_150, left: 9_000) - (22 + 36.6) / 2) < 1e-9)
    #expect(surface(person, at: 9_300, left: 9_000) == 22)
  }

  @Test func rampNeverOvershoots() {
    var last = 0.0
    for ms in stride(from: 0 as Int64, through: 500, by: 10) {
      let now = surface(Person(body: 36.6), at: ms)
      #expect(now >= last && now <= 35.0 + 1e-9)
      last = now
    }
  }

  /// Dzien 2020: 33.17 on arrival, 34.90, 35.77, 36.08 after 1, 3, 5 minutes, each with a deviation of 0.8 to 1.5.
  @Test(arguments: [(0 as Int64, 33.17, 0.01), (1, 34.90, 1.49), (3, 35.77, 1.10), (5, 36.08, 0.79)])
  func coldSkinWarmsUp(minute: Int64, celsius: Double, deviation: Double) {
    let person = Person(body: 38.2, skin: 33.17, stay: .minutes(10))
    #expect(abs(surface(person, at: max(minute * 60_000, 400)) - celsius) <= deviation + 0.02)
  }

  @Test func secondPersonStepsInWithoutAGap() {
    let person = Person(body: 36.6, second: (38.4, .milliseconds(800)))
    #expect(abs(surface(person, at: 790) - 35.0) < 1e-9)
    #expect(abs(surface(person, at: 810) - 36.8) < 1e-9)
    for ms in stride(from: 400 as Int64, to: 3_000, by: 5) { #expect(surface(person, at: ms) > 34.9) }
  }

  /// The gate stays shut: one gives up, and the place is empty for longer than a second before the next.
  @Test func givesUpAndLeavesAGap() {
    var lane = Lane(siteOffset: 1.6)
    lane.arrive(Person(body: 36.6, stay: .seconds(3)))
    lane.arrive(Person(body: 36.7, stay: .seconds(3)))
    var empty: [Int64] = []
    for ms in stride(from: 0 as Int64, through: 12_000, by: 10) {
      lane.advance(relay: false, at: at(ms))
      if lane.surface(at: at(ms)) < 22.01 { empty.append(ms) }
    }
    #expect(lane.gaveUp == 2 && lane.passed == 0)
    let between = empty.filter { $0 > 1_000 && $0 < 6_000 }
    #expect((between.last ?? 0) - (between.first ?? 0) >= 1_500)
  }

  /// Relay on: the contact follows after the leaf's travel, the person goes through it, the passage contact tells.
  @Test func goesThroughAnOpenGate() {
    var lane = Lane(siteOffset: 1.6)
    lane.arrive(Person(body: 36.6))
    var passage: [Int64] = [], opened: Int64?, shut: Int64?
    for ms in stride(from: 0 as Int64, through: 9_000, by: 10) {
      lane.advance(relay: (1_000..<6_000).contains(ms), at: at(ms))
      if lane.gate.isOpen, opened == nil { opened = ms }
      if !lane.gate.isOpen, opened != nil, shut == nil { shut = ms }
      if lane.isPassage(at: at(ms)) { passage.append(ms) }
    }
    #expect(opened == 1_250 && shut == 6_250)
    #expect(passage.first == 2_450 && passage.last == 2_840)
    #expect(lane.passed == 1 && lane.gaveUp == 0)
  }

  /// The gate stays open longer than the one it opened for needs: the next waits for an opening of one's own.
  @Test func nextPersonDoesNotSlipThrough() {
    var lane = Lane(siteOffset: 1.6)
    lane.arrive(Person(body: 36.6))
    lane.arrive(Person(body: 36.6, stay: .seconds(4)))
    for ms in stride(from: 0 as Int64, through: 12_000, by: 10) {
      lane.advance(relay: (1_000..<6_000).contains(ms), at: at(ms))
    }
    #expect(lane.passed == 1 && lane.gaveUp == 1)
  }

  /// Released or jammed open, it is taken for open to all.
  @Test func everybodyWalksThroughAReleasedGate() {
    var lane = Lane(siteOffset: 1.6)
    for _ in 0..<3 { lane.arrive(Person(body: 39, stay: .seconds(9))) }
    for ms in stride(from: 0 as Int64, through: 20_000, by: 10) { lane.advance(relay: true, at: at(ms)) }
    #expect(lane.passed == 3 && lane.gaveUp == 0)
  }

  /// Settings that are a degree off: the world tells by what the sensor sees.
  @Test func trueOffsetMayDiffer() {
    var world = World(Sample.door())
    #expect(world.perform("offset north 2.6") == "ok" && world.perform("person north body=36.6") == "ok")
    world.advance(to: at(1_000))
    #expect(world.report().lanes["north"]?.surface_c == 34.0)
  }

  @Test func stuckGateContradictsItsRelay() {
    var shut = GateMechanics()
    shut.fault = .stuckShut
    shut.advance(driven: true, at: at(0))
    shut.advance(driven: true, at: at(2_000))
    #expect(!shut.isOpen && shut.changes.isEmpty)
    var open = GateMechanics()
    open.fault = .stuckOpen
    open.advance(driven: false, at: at(0))
    open.advance(driven: false, at: at(300))
    #expect(open.isOpen)
    open.fault = .normal
    open.advance(driven: false, at: at(400))
    open.advance(driven: false, at: at(700))
    #expect(!open.isOpen)
  }

  @Test func aSeedIsAWorld() {
    func frames(_ seed: UInt64) -> [Delivery] {
      var world = World(Sample.door(), seed: seed)
      _ = world.perform("people on every=5")
      world.advance(to: at(60_000))
      return world.takeDue(at: at(60_000))
    }
    #expect(frames(7) == frames(7))
    #expect(frames(7) != frames(8))
    #expect(frames(7).count == 833)
  }

  /// How often somebody looks must not change what happens.
  @Test func stepsDoNotDependOnTheLooking() {
    var once = World(Sample.door(), seed: 3), often = World(Sample.door(), seed: 3)
    _ = once.perform("people on every=4")
    _ = often.perform("people on every=4")
    once.advance(to: at(30_000))
    for ms in stride(from: 7 as Int64, to: 30_000, by: 7) { often.advance(to: at(ms)) }
    often.advance(to: at(30_000))
    #expect(once.takeDue(at: at(30_000)) == often.takeDue(at: at(30_000)))
    #expect(once.lanes[0].gaveUp == often.lanes[0].gaveUp && once.lanes[0].gaveUp > 0)
  }
}
