// Outdoor air for each person: from a measured flow, or from how CO2 stands and moves in a room whose people are counted.
//
//     people · G − V · dC/dt = people · q · (C − C_out)        (one well-mixed room)
//
// The term with dC/dt is what a value from before the steady state would leave out, and then say too much.

import Domain

/// m3/h for each person, and half of its interval of 95 %. NaN: not known.
public struct FreshAir: BitwiseCopyable, Sendable {
  public var perPerson: Double
  public var error: Double

  @_noLocks @_noAllocation
  init(perPerson: Double, error: Double) {
    self.perPerson = perPerson
    self.error = error
  }

  /// - Parameter flow: m3/h.
  @_noLocks @_noAllocation
  public init(flow: Double, people: Double, _ policy: AirPolicy) {
    let isKnown = people > 0 && flow >= 0
    perPerson = isKnown ? flow / people : .nan
    error = perPerson * policy.flowError
  }

  /// - Parameters:
  ///   - ppm: mean of CO2 over the window that `slope` is taken over.
  ///   - slope: ppm a minute.
  ///   - slopeError: half of its interval of 95 %.
  ///   - volume: m3.
  @_noLocks @_noAllocation
  public init(ppm: Double, slope: Double, slopeError: Double, people: Double, volume: Double, _ policy: AirPolicy) {
    let excess = ppm - policy.outdoor
    // Less says nothing: the sensor's own error is as large.
    guard people > 0, volume > 0, excess >= 100, slope.isFinite else {
      self.init(perPerson: .nan, error: .nan)
      return
    }
    // m3 of CO2 an hour for each person.
    let breathed = policy.generation * 3.6
    let stored = volume / people * 60e-6
    let carried = breathed - stored * slope
    guard carried > 0 else {
      self.init(perPerson: .nan, error: .nan)
      return
    }
    let sensorError = 40 + 0.05 * ppm
    let outdoorError = 20.0
    let carriedError = square(breathed * policy.generationError) + square(stored * slopeError)
    let excessError = square(sensorError) + square(outdoorError)
    let value = carried / (excess * 1e-6)
    let share = squareRoot(carriedError / square(carried) + excessError / square(excess))
    self.init(perPerson: value, error: value * share)
  }

  public var highest: Double { @_noLocks @_noAllocation get { perPerson + error } }
}

@_noLocks @_noAllocation
private func square(_ x: Double) -> Double { x * x }
