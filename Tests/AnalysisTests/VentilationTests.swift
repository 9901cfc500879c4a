// Goal: ventilations are found where there are some, and none where nothing shows them. Method: a room made by the mass balance;
// the measured rooms.

import Measured
import Testing

@testable import Analysis

@Suite struct VentilationTests {
  /// From 8 h on, a value a minute: people until 9 h, then nobody; air changes an hour from 9 h to 10:30.
  private func room(_ airChanges: Double, closedAgainAt end: Double = 10.5, isOpen: [Double]? = nil) -> RoomTrace {
    var hours: [Double] = []
    var ppm: [Double] = []
    var people: [Double] = []
    var now = 420.0
    for minute in 0..<240 {
      let at = 8 + Double(minute) / 60
      hours.append(at)
      ppm.append(now)
      people.append(at < 9 ? 20 : 0)
      let rate = at >= 9 && at < end ? airChanges : 0.1
      let balance = MassBalance(volumeM3: 150, flowLps: rate * 150 / 3.6, generationLps: at < 9 ? 0.1 : 0, outdoorPpm: 420)
      now = balance.ppm(after: 1.0 / 60, from: now)
    }
    return RoomTrace(hours: hours, ppm: ppm, people: people, isOpen: isOpen)
  }

  @Test func aStrongDraughtIsSeenAndEffective() throws {
    let found = ventilations(room(4), outdoorPpm: 420, policy: VentilationPolicy()).list
    let one = try #require(found.first)
    #expect(found.count == 1 && one.method == .co2 && abs(one.start - 9) < 0.06 && one.isEffective, "\(found)")
    // It came near outdoors, where CO2 can't tell when the window is shut again: it counts for the hour, and no longer.
    #expect(one.minutes == 60 && one.startPpm > 2_000 && one.endPpm < 570)
    #expect(abs((one.decay?.airChanges ?? 0) - 4) < 0.05 && one.decay?.isAccepted == true)
  }

  @Test func aWeakDraughtIsDoneAndNotEffective() throws {
    let one = try #require(ventilations(room(1), outdoorPpm: 420, policy: VentilationPolicy()).list.first)
    #expect(one.effect == .tooLittle && abs(one.start - 9) < 0.06)
    // When it is shut, CO2 still falls by what the room leaks: it seems to go on, and counts for nothing.
    #expect(one.end >= 10.4 && !one.counts, "\(one)")
  }

  /// Shut, and without a leak: CO2 falls no more, and that is its end.
  @Test func whatFallsNoMoreIsOver() throws {
    let open = (0..<60).map { 420 + 1_500 * (1 - Double($0) / 120) }
    let trace = RoomTrace(hours: (0..<150).map { 9 + Double($0) / 60 }, ppm: (0..<150).map { $0 < 30 ? 1_920 : $0 < 90 ? open[$0 - 30] : 1_182 })
    let one = try #require(ventilations(trace, outdoorPpm: 420, policy: VentilationPolicy()).list.first)
    #expect(abs(one.start - 9.5) < 0.06 && abs(one.end - 10.5) < 0.1, "\(one)")
  }

  @Test func aContactIsBelieved() throws {
    let isOpen = (0..<240).map { (75..<140).contains($0) ? 1.0 : 0 }
    let list = ventilations(room(0.1, isOpen: isOpen), outdoorPpm: 420, policy: VentilationPolicy()).list
    let one = try #require(list.first)
    #expect(list.count == 1 && one.method == .contact && abs(one.minutes - 65) < 1.1 && one.effect == .tooLittle)
  }

  @Test func anEmptyRoomNearOutdoorsTellsNothing() {
    let quiet = RoomTrace(hours: (0..<120).map { Double($0) / 60 }, ppm: (0..<120).map { 425 + Double($0 % 7) })
    let found = ventilations(quiet, outdoorPpm: 420, policy: VentilationPolicy())
    #expect(found.list == [] && found.unknown.count == 1)
    // Nor a room whose CO2 stays where it is: nobody opened anything, as far as can be seen.
    let stale = RoomTrace(hours: quiet.hours, ppm: quiet.ppm.map { $0 + 600 })
    let none = ventilations(stale, outdoorPpm: 420, policy: VentilationPolicy())
    #expect(none.list == [] && none.unknown == [])
  }

  /// As noisy as an ordinary sensor, and one value that stands out.
  @Test func noiseIsNoVentilation() {
    var noisy: [Double] = []
    for minute in 0..<240 {
      let noise = (minute * minute * 7919 + minute) % 13 - 6
      noisy.append(1_000 + Double(noise))
    }
    noisy[100] += 150
    let trace = RoomTrace(hours: noisy.indices.map { Double($0) / 60 }, ppm: noisy)
    let found = AirSurvey(trace, facts: RoomFacts())
    #expect(found.ventilations == [] && found.replaced > 0, "\(found.ventilations)")
  }
}

@Suite struct SurveyTests {
  private func survey(_ name: String, _ facts: RoomFacts = RoomFacts(), people: Double? = nil) throws -> AirSurvey {
    let samples = try measuredTrace(name)
    return AirSurvey(RoomTrace(hours: samples.map(\.hours), ppm: samples.map(\.ppm), people: people.map { p in samples.map { _ in p } }), facts: facts)
  }

  /// Windows of CERN's rooms, through flags and filters.
  @Test(arguments: [("office-1", [14.78, 15.1, 15.53, 15.87, 16.52, 16.83]), ("meeting-1", [10.37, 11.07])] as [(String, [Double])])
  func windowsAreFoundBehindTheFilters(name: String, changes: [Double]) throws {
    let found = try survey(name).changes
    #expect(found.count == changes.count, "\(found)")
    for (ours, said) in zip(found, changes) { #expect(abs(ours / said - 1) <= 0.01) }
  }

  @Test func anOfficeIsSurveyed() throws {
    var facts = RoomFacts()
    facts.volumeM3 = 102
    facts.outdoorPpm = 440.44
    facts.people = 4
    let found = try survey("office-1", facts)
    #expect(found.freshAir.count == 7 && found.freshAir.allSatisfy { $0.method == .transient && $0.isAccepted && $0.halfWidth > 0 })
    // Shut and open in turn.
    let flows = found.freshAir.map(\.lps)
    #expect(zip(flows, flows.dropFirst()).map { $1 > $0 } == [true, false, true, false, true, false], "\(flows)")
    #expect(found.decays.count >= 3 && found.ventilations.count >= 3, "\(found.decays.count) \(found.ventilations.count)")
    #expect(found.flags.count { $0 == .fail } == 0)
  }

  @Test func withoutAVolumeTheHighestHourIsABound() throws {
    var facts = RoomFacts()
    facts.people = 4
    let found = try survey("office-1", facts)
    let air = try #require(found.freshAir.first)
    let highest = try #require(found.highestHour)
    #expect(found.freshAir.count == 1 && air.method == .peak && abs(air.lps - 5_000 / (highest - 420)) < 1e-6 && air.halfWidth > 0)
  }

  @Test func sessionsEndWhenNobodyIsLeft() {
    func ends(_ people: [Double]) -> [Double] {
      let hours = people.indices.map { Double($0) / 60 }
      return AirSurvey(RoomTrace(hours: hours, ppm: people.map { _ in 800 }, people: people), facts: RoomFacts()).sessionEnds
    }
    func counted(_ parts: [(Double, Int)]) -> [Double] { parts.flatMap { [Double](repeating: $0.0, count: $0.1) } }
    #expect(ends(counted([(0, 10), (20, 60), (0, 40)])).map { ($0 * 60).rounded() } == [70])
    // A break of ten minutes is none, and neither is somebody who looked in.
    #expect(ends(counted([(20, 60), (0, 10), (20, 60), (0, 5)])) == [] && ends(counted([(1, 5), (0, 60)])) == [])
  }

  @Test func nothingTrapsOnNothing() {
    for trace in [
      RoomTrace(hours: [], ppm: []), RoomTrace(hours: [1], ppm: [700]), RoomTrace(hours: [1, 2], ppm: [.nan, .nan]),
      RoomTrace(hours: [1, 1.1, 90], ppm: [1e300, -5, 700], people: [.nan, 0, 3], isOpen: [1, .nan, 0]),
    ] {
      var facts = RoomFacts()
      facts.volumeM3 = 100
      facts.people = 3
      let found = AirSurvey(trace, facts: facts)
      #expect(found.flags.count == trace.hours.count && found.decays.isEmpty)
    }
  }
}
