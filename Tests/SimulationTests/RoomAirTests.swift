// The mass balance against published numbers, not against itself.

import Domain
import Testing

@testable import Simulation

@Suite struct RoomAirTests {
  /// CERN CAiMIRA's CO2 test: 200 m3, 0.25 air changes an hour, five seated people, 0.51 m3/h exhaled at 4.2 %.
  @Test func followsThePublishedCurve() {
    let expected = [440.44, 914.2487227, 1283.251327, 1570.630844, 1794.442237]
    for steps in [1, 7, 360_000] {
      var air = RoomAir(
        volumeM3: 200, outdoorPPM: 440.44, occupants: 5, airChanges: 0.25, perPerson: 0.51 * 0.042 / 3.6)
      for ppm in expected {
        #expect(abs(air.ppm - ppm) < 1e-5, "in \(steps) steps an hour")
        for _ in 0..<steps { air.advance(hours: 1 / Double(steps)) }
        if steps > 7 { break }
      }
    }
  }

  /// WHO: ten minutes at 12, 18 and 24 air changes dilute e^2, e^3 and e^4 fold.
  @Test(arguments: [(12.0, 7.389056), (18, 20.085537), (24, 54.598150)])
  func dilutes(airChanges: Double, fold: Double) {
    var air = RoomAir(volumeM3: 50, outdoorPPM: 400, occupants: 0, airChanges: airChanges, ppm: 2_400)
    air.advance(hours: 1.0 / 6)
    #expect(abs(2_000 / (air.ppm - 400) - fold) < 1e-4)
  }

  /// NIST's office: 5 people, 300 m3, 42.5 L/s, 0.025 L/s in all; 998.56 ppm in the end, 639.13 after an hour. NIST prints
  /// the sum of its people rounded, which is worth some ppm.
  @Test func agreesWithTheOfficeOfNIST() {
    var air = RoomAir(volumeM3: 300, outdoorPPM: 400, occupants: 5, airChanges: 0.51, perPerson: 0.02544 / 5)
    #expect(abs(air.steadyPPM - 998.56) < 2)
    air.advance(hours: 1)
    #expect(abs(air.ppm - 639.13) < 1)
  }

  @Test func risesWithoutBoundWhenNothingMoves() {
    var air = RoomAir(volumeM3: 100, outdoorPPM: 400, occupants: 10, airChanges: 0)
    air.advance(hours: 1)
    #expect(abs(air.ppm - (400 + 1_800)) < 1e-9)
    var empty = RoomAir(volumeM3: 100, outdoorPPM: 400, airChanges: 0, ppm: 900)
    empty.advance(hours: 24)
    #expect(empty.ppm == 900)
  }

  @Test func airCanLiveFasterThanPeople() {
    var slow = World(Sample.door()), fast = World(Sample.door())
    for order in ["room room-a occupants=30 ach=0.5 co2=450"] {
      #expect(slow.perform(order) == "ok" && fast.perform(order) == "ok")
    }
    #expect(fast.perform("speed 60") == "ok")
    slow.advance(to: at(600_000))
    fast.advance(to: at(10_000))
    #expect(abs(slow.rooms[0].ppm - fast.rooms[0].ppm) < 1e-6)
    #expect(slow.rooms[0].ppm > 600)
  }
}
