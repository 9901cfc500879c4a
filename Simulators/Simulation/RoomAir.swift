// A room's air by mass balance: one well-mixed zone. Carbon dioxide: V dC/dt = Q (C_out - C) + 1e6 N G, whose step is the exact
// solution for constant people and ventilation, so its length does not matter. Heat and water follow the same air; walls
// and heating hold the temperature as many more air changes would.

import Foundation

/// The air of one room.
public struct RoomAir: Sendable {
  /// Carbon dioxide one quietly sitting adult breathes out, L/s: Persily and de Jonge, 1.3 met, mean of men and women of
  /// 21 to 30 years, 0.0046 at 273 K, times 1.084 for 23 degC.
  public static var sitting: Double { 0.0050 }

  public var volumeM3: Double
  public var outdoorPPM: Double
  public var occupants: Int
  /// Air changes an hour through cracks, with windows shut and no fan.
  public var leakage: Double
  /// What open windows and the fan add, air changes an hour.
  public var windowAirChanges = 6.0
  public var fanAirChanges = 4.0
  public var windowsAreOpen = false
  public var fanRuns = false
  /// degC, and %RH of this temperature.
  public var temperature = 22.0
  public var humidity: Double { min(100, 100 * water / Self.saturation(temperature)) }
  /// g/m3.
  private var water = 0.45 * RoomAir.saturation(22)
  /// L/s a person.
  public var perPerson: Double
  public var ppm: Double
  /// How much of a difference is left after so many air changes: the last that was asked for, most steps being alike.
  private var decay = (over: 0.0, share: 1.0)

  public init(
    volumeM3: Double, outdoorPPM: Double = 425, occupants: Int = 0, airChanges: Double = 0.5,
    perPerson: Double = RoomAir.sitting, ppm: Double? = nil
  ) {
    self.volumeM3 = volumeM3
    self.outdoorPPM = outdoorPPM
    self.occupants = occupants
    leakage = airChanges
    self.perPerson = perPerson
    self.ppm = ppm ?? outdoorPPM
  }

  /// Air changes an hour, all together.
  public var airChanges: Double { leakage + (windowsAreOpen ? windowAirChanges : 0) + (fanRuns ? fanAirChanges : 0) }
  /// What the fan moves, m3/h.
  public var fanFlow: Double { fanRuns ? fanAirChanges * volumeM3 : 0 }

  /// As many air changes of 22 degC as walls and heating are worth, 1/h.
  private static var heating: Double { 6 }
  /// One sitting person: sensible heat, W, and water, g/h.
  private static var heat: Double { 70 }
  private static var vapour: Double { 50 }
  /// Of air, Wh/(m3 K).
  private static var heatCapacity: Double { 0.34 }

  /// Water in saturated air, g/m3: Magnus' formula with the WMO's numbers.
  static func saturation(_ celsius: Double) -> Double {
    216.7 * 6.112 * exp(17.62 * celsius / (243.12 + celsius)) / (273.15 + celsius)
  }

  /// Temperature and humidity, `hours` later; outside it is `outdoors`.
  public mutating func exchange(hours: Double, with outdoors: Outdoors) {
    let volume = max(volumeM3, 1), people = Double(occupants)
    let source = airChanges * outdoors.temperature + Self.heating * 22 + people * Self.heat / (volume * Self.heatCapacity)
    temperature = (temperature + hours * source) / (1 + hours * (airChanges + Self.heating))
    let wet = airChanges * outdoors.humidity / 100 * Self.saturation(outdoors.temperature) + people * Self.vapour / volume
    water = (water + hours * wet) / (1 + hours * airChanges)
  }

  /// What people add, ppm an hour.
  private var gain: Double { 1e6 * Double(occupants) * perPerson * 3.6 / max(volumeM3, 1) }

  /// Where it ends if nothing changes; infinite without ventilation.
  public var steadyPPM: Double { airChanges > 0 ? outdoorPPM + gain / airChanges : (occupants > 0 ? .infinity : ppm) }

  public mutating func advance(hours: Double) {
    guard airChanges > 0 else { ppm += gain * hours; return }
    if decay.over != airChanges * hours { decay = (airChanges * hours, exp(-airChanges * hours)) }
    let steady = steadyPPM
    ppm = steady + (ppm - steady) * decay.share
  }
}

/// The air outside.
public struct Outdoors: Sendable {
  /// degC and %RH.
  public var temperature = 15.0
  public var humidity = 60.0
}
