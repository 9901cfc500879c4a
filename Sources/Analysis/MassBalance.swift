// One well-mixed room: CO2 from people, carried away by outdoor air. V dC/dt = Q (C_out − C) + G.

import RealModule

/// A room with a constant flow of outdoor air and a constant number of people.
public struct MassBalance: Sendable, Equatable {
  public var volumeM3: Double
  /// Of outdoor air, L/s.
  public var flowLps: Double
  /// CO2 of all people, L/s, at the room's temperature and pressure.
  public var generationLps: Double
  public var outdoorPpm: Double

  public init(volumeM3: Double, flowLps: Double, generationLps: Double, outdoorPpm: Double) {
    self.volumeM3 = volumeM3
    self.flowLps = flowLps
    self.generationLps = generationLps
    self.outdoorPpm = outdoorPpm
  }

  /// 1/h.
  public var airChanges: Double { 3.6 * flowLps / volumeM3 }

  /// What it comes to in the end, ppm.
  public var steadyPpm: Double { outdoorPpm + 1e6 * generationLps / flowLps }

  /// Until 95 % of the way is gone, hours.
  public var hoursTo95Percent: Double { 3 / airChanges }

  /// After so many hours, ppm.
  public func ppm(after hours: Double, from startPpm: Double) -> Double {
    steadyPpm + (startPpm - steadyPpm) * Double.exp(-airChanges * hours)
  }

  /// Outdoor air for each person, L/s, where a room with so much from each has come to rest at `steadyPpm`. A value from before
  /// that says too much: wait three air changes.
  public static func flowPerPerson(generationLps: Double, steadyPpm: Double, outdoorPpm: Double) -> Double? {
    steadyPpm > outdoorPpm ? 1e6 * generationLps / (steadyPpm - outdoorPpm) : nil
  }
}

/// Minutes until this share of what is in the air is gone, in a well-mixed room (CDC).
/// - Parameter efficiency: above 0 and below 1, for example 0.99.
public func purgeMinutes(efficiency: Double, airChanges: Double) -> Double {
  -Double.log(1 - efficiency) / airChanges * 60
}

/// How many times thinner what is in the air has become after so many minutes.
public func dilution(minutes: Double, airChanges: Double) -> Double { Double.exp(airChanges * minutes / 60) }

/// Air changes of cleaners that deliver this much clean air: they lower no CO2.
public func equivalentAirChanges(cleanAirM3ph: Double, volumeM3: Double) -> Double { cleanAirM3ph / volumeM3 }

/// The share of breathed air that somebody breathed before (Rudnick and Milton 2003), for information.
/// - Parameter addedPpm: what breathing adds to the air; 38,000 is usual. Some count 38,000 less outdoors instead.
public func rebreathedFraction(ppm: Double, outdoorPpm: Double, addedPpm: Double = 38_000) -> Double {
  (ppm - outdoorPpm) / addedPpm
}

/// What a person breathes out (Persily and de Jonge 2017, doi 10.1111/ina.12383).
public struct Person: Sendable, Equatable {
  public enum Sex: Sendable { case male, female }

  public var sex: Sex
  /// Years.
  public var age: Double
  public var massKg: Double
  /// 1.0 lying, 1.3 sitting and writing, 1.4 office, 2 to 3 practical work.
  public var met: Double

  public init(_ sex: Sex, age: Double, massKg: Double, met: Double) {
    self.sex = sex
    self.age = age
    self.massKg = massKg
    self.met = met
  }

  /// Basal metabolic rate, MJ a day (Schofield).
  public var basalMJ: Double {
    let (a, b): (Double, Double) =
      switch (sex, age) {
      case (.male, ..<3): (0.249, -0.127)
      case (.male, ..<10): (0.095, 2.110)
      case (.male, ..<18): (0.074, 2.754)
      case (.male, ..<30): (0.063, 2.896)
      case (.male, ..<60): (0.048, 3.653)
      case (.male, _): (0.049, 2.459)
      case (.female, ..<3): (0.244, -0.130)
      case (.female, ..<10): (0.085, 2.033)
      case (.female, ..<18): (0.056, 2.898)
      case (.female, ..<30): (0.062, 2.036)
      case (.female, ..<60): (0.034, 3.538)
      case (.female, _): (0.038, 2.755)
      }
    return a * massKg + b
  }

  /// CO2, L/s, with a respiratory quotient of 0.85.
  public func generationLps(kelvin: Double = 273.15, kilopascal: Double = 101) -> Double {
    Person.generationLps(basalMJ: basalMJ, met: met, kelvin: kelvin, kilopascal: kilopascal)
  }

  public static func generationLps(basalMJ: Double, met: Double, kelvin: Double, kilopascal: Double) -> Double {
    0.85 * basalMJ * met * (kelvin / kilopascal) * 0.000211
  }
}
