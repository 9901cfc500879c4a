// A room's carbon dioxide by mass balance: one well-mixed zone, V dC/dt = Q (C_out - C) + 1e6 N G. The step is the
// exact solution for constant people and ventilation, so its length does not matter.

import Foundation

/// The air of one room.
public struct RoomAir: Sendable {
  /// Carbon dioxide one quietly sitting adult breathes out, L/s: Persily and de Jonge, 1.3 met, mean of men and women of
  /// 21 to 30 years, 0.0046 at 273 K, times 1.084 for 23 degC.
  public static var sitting: Double { 0.0050 }

  public var volumeM3: Double
  public var outdoorPPM: Double
  public var occupants: Int
  /// Air changes an hour.
  public var airChanges: Double
  /// L/s a person.
  public var perPerson: Double
  public var ppm: Double

  public init(
    volumeM3: Double, outdoorPPM: Double = 425, occupants: Int = 0, airChanges: Double = 0.5,
    perPerson: Double = RoomAir.sitting, ppm: Double? = nil
  ) {
    self.volumeM3 = volumeM3
    self.outdoorPPM = outdoorPPM
    self.occupants = occupants
    self.airChanges = airChanges
    self.perPerson = perPerson
    self.ppm = ppm ?? outdoorPPM
  }

  /// What people add, ppm an hour.
  private var gain: Double { 1e6 * Double(occupants) * perPerson * 3.6 / max(volumeM3, 1) }

  /// Where it ends if nothing changes; infinite without ventilation.
  public var steadyPPM: Double { airChanges > 0 ? outdoorPPM + gain / airChanges : (occupants > 0 ? .infinity : ppm) }

  public mutating func advance(hours: Double) {
    guard airChanges > 0 else { ppm += gain * hours; return }
    let steady = steadyPPM
    ppm = steady + (ppm - steady) * exp(-airChanges * hours)
  }
}
