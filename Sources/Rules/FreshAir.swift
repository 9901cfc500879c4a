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
  /// The lower end of the interval, also where CO2 is too near outdoors for a value.
  public var lowest: Double

  @_noLocks @_noAllocation
  init(perPerson: Double, error: Double) {
    self.perPerson = perPerson
    self.error = error
    lowest = perPerson - error
  }

  /// - Parameter flow: m3/h.
  @_noLocks @_noAllocation
  public init(flow: Double, people: Double, _ policy: AirPolicy) {
    let isKnown = people > 0 && flow >= 0
    perPerson = isKnown ? flow / people : .nan
    error = perPerson * policy.flowError
    lowest = perPerson - error
  }

  /// - Parameters:
  ///   - ppm: mean of CO2 over the window that `slope` is taken over.
  ///   - slope: ppm a minute.
  ///   - slopeError: half of its interval of 95 %.
  ///   - volume: m3.
  @_noLocks @_noAllocation
  public init(ppm: Double, slope: Double, slopeError: Double, people: Double, volume: Double, _ policy: AirPolicy) {
    let excess = ppm - policy.outdoor
    guard people > 0, volume > 0, excess.isFinite, slope.isFinite, slopeError.isFinite else {
      self.init(perPerson: .nan, error: .nan)
      return
    }
    // m3 of CO2 an hour for each person.
    let breathed = policy.generation * 3.6
    let stored = volume / people * 60e-6
    let carried = breathed - stored * slope
    let sensorError = 40 + 0.05 * ppm
    let outdoorError = 20.0
    let carriedError = square(breathed * policy.generationError) + square(stored * slopeError)
    let excessError = square(sensorError) + square(outdoorError)
    guard excess >= 100 else {
      // No value: the sensor's own error is as large. But what is carried off at so small an excess is carried by much air.
      self.init(perPerson: .nan, error: .nan)
      lowest = (carried - squareRoot(carriedError)) / ((max(0, excess) + squareRoot(excessError)) * 1e-6)
      return
    }
    guard carried > 0 else {
      // All that people breathe out stays: none comes in, or as much as hides in the errors.
      self.init(perPerson: 0, error: max(0, carried + squareRoot(carriedError)) / (excess * 1e-6))
      return
    }
    let value = carried / (excess * 1e-6)
    let share = squareRoot(carriedError / square(carried) + excessError / square(excess))
    self.init(perPerson: value, error: value * share)
  }

  public var highest: Double { @_noLocks @_noAllocation get { perPerson + error } }
}

@_noLocks @_noAllocation
private func square(_ x: Double) -> Double { x * x }
