// Air changes from a room in use: CO2 of a known number of people through times of different ventilation, fitted whole. Nothing
// has to come to rest, and nobody has to leave.

import RealModule

/// How many people are in a room from a moment on.
public struct Occupancy: Sendable, Equatable {
  /// Hours, of the same clock as the samples.
  public var from: Double
  public var people: Double

  public init(from: Double, people: Double) {
    self.from = from
    self.people = people
  }
}

/// One air change rate for each time between two changes of ventilation, and what a person breathes out where that is not known.
public struct TransientFit: Sendable, Equatable {
  /// 1/h, of each time in order.
  public var airChanges: [Double]
  /// Standard error of each, 1/h: what the fit alone does not know. Neighbouring errors are alike, and counted so.
  public var airChangeErrors: [Double]
  /// CO2 of a person, L/s.
  public var generationLps: Double
  /// Root of the mean square of what is left, in percent of the mean concentration.
  public var errorPercent: Double

  /// As CERN accepts a fit.
  public var isAccepted: Bool { errorPercent <= 10 }

  /// Outdoor air, L/s, for each of so many people.
  public func flowPerPerson(volumeM3: Double, people: Double) -> [Double] { airChanges.map { $0 * volumeM3 / 3.6 / people } }

  /// - Parameters:
  ///   - samples: at least two for each number that is sought, in order of time.
  ///   - changes: when the ventilation changed, hours, in order; those outside the samples are left out.
  ///   - occupancy: in order; nobody before the first.
  ///   - generationLps: CO2 of a person, L/s; `nil`: it is sought too, which needs people.
  public init?(
    _ samples: [Sample], changes: [Double], occupancy: [Occupancy], volumeM3: Double, outdoorPpm: Double, generationLps: Double?
  ) {
    guard let first = samples.first, let last = samples.last, volumeM3 > 0 else { return nil }
    let room = OccupiedRoom(
      samples: samples, edges: changes.filter { $0 > first.hours && $0 < last.hours }, occupancy: occupancy, volume: volumeM3,
      outdoor: outdoorPpm)
    let seeksGeneration = generationLps == nil
    let count = room.edges.count + 1 + (seeksGeneration ? 1 : 0)
    let level = mean(samples.map(\.ppm)) ?? 0
    guard samples.count >= 2 * count, level > outdoorPpm, !seeksGeneration || occupancy.contains(where: { $0.people > 0 }) else { return nil }
    // Rates are positive, so their logarithms are sought.
    var sought = [Double](repeating: 0, count: room.edges.count + 1) + (seeksGeneration ? [Double.log(0.005)] : [])
    func split(_ sought: [Double]) -> (rates: [Double], generation: Double) {
      let values = sought.map { Double.exp($0) }
      return (Array(values.prefix(room.edges.count + 1)), generationLps ?? values[values.count - 1])
    }
    func residuals(_ sought: [Double]) -> [Double] {
      let (rates, generation) = split(sought)
      return zip(room.predicted(rates: rates, generation: generation), samples).map { $0 - $1.ppm }
    }
    // Levenberg and Marquardt.
    var left = residuals(sought)
    var error = left.reduce(0) { $0 + $1 * $1 }
    var damping = 1e-3
    func slopes() -> [[Double]] {
      sought.indices.map { index in
        var near = sought
        near[index] += 1e-6
        return zip(residuals(near), left).map { ($0 - $1) / 1e-6 }
      }
    }
    func products(_ slopes: [[Double]]) -> [[Double]] { slopes.map { a in slopes.map { b in zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } } } }
    for _ in 0..<200 where damping < 1e12 {
      let slopes = slopes()
      var normal = products(slopes)
      let gradient = slopes.map { a in zip(a, left).reduce(0) { $0 + $1.0 * $1.1 } }
      for index in normal.indices { normal[index][index] = normal[index][index] * (1 + damping) + 1e-12 }
      guard let step = solve(normal, gradient) else { break }
      // A rate of nothing or of a storm is far enough.
      let next = zip(sought, step).map { min(max($0 - $1, -12), 6) }
      let better = residuals(next)
      let nextError = better.reduce(0) { $0 + $1 * $1 }
      guard nextError.isFinite, nextError < error else {
        damping *= 10
        continue
      }
      let isDone = error - nextError <= error * 1e-14
      (sought, left, error, damping) = (next, better, nextError, damping / 10)
      if isDone { break }
    }
    let (rates, generation) = split(sought)
    airChanges = rates
    self.generationLps = generation
    errorPercent = (error / Double(samples.count)).squareRoot() / level * 100
    let normal = products(slopes())
    let variance = error / Double(samples.count - count) * likeness(left)
    airChangeErrors = rates.indices.map { index in
      // A column of the inverse; what cannot be told apart is not known.
      guard let column = solve(normal, normal.indices.map { $0 == index ? 1 : 0 }), column[index] >= 0 else { return .infinity }
      return rates[index] * (variance * column[index]).squareRoot()
    }
  }
}

/// How many times more uncertain a mean is of values of which each resembles the one before (Bayley and Hammersley 1946).
private func likeness(_ left: [Double]) -> Double {
  let all = left.reduce(0) { $0 + $1 * $1 }
  guard all > 0, left.count > 2 else { return 1 }
  let pairs = zip(left, left.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
  let r = min(max(pairs / all, 0), 0.999)
  return (1 + r) / (1 - r)
}

private struct OccupiedRoom {
  var samples: [Sample]
  /// Between the first and the last sample.
  var edges: [Double]
  var occupancy: [Occupancy]
  var volume: Double
  var outdoor: Double

  /// What the room comes to at each sample, from the first one on.
  func predicted(rates: [Double], generation: Double) -> [Double] {
    let moments = (edges + occupancy.map(\.from)).sorted()
    var ppm = samples[0].ppm
    var now = samples[0].hours
    return samples.map { sample in
      for moment in moments where moment > now && moment < sample.hours { advance(&ppm, &now, to: moment, rates, generation) }
      advance(&ppm, &now, to: sample.hours, rates, generation)
      return ppm
    }
  }

  private func advance(_ ppm: inout Double, _ now: inout Double, to end: Double, _ rates: [Double], _ generation: Double) {
    let middle = (now + end) / 2
    let rate = rates[edges.count { $0 <= middle }]
    let people = occupancy.last { $0.from <= middle }?.people ?? 0
    let gone = -Double.expMinusOne(-rate * (end - now))
    // What people add in an hour, ppm; over the time, less what is carried away meanwhile.
    let added = people * generation * 3.6e6 / volume * (rate > 1e-9 ? gone / rate : end - now)
    ppm += (outdoor - ppm) * gone + added
    now = end
  }
}

/// Solves a small system by elimination; `nil`: it has no single solution.
private func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double]? {
  var rows = zip(matrix, right).map { $0 + [$1] }
  for column in rows.indices {
    guard let pivot = (column..<rows.count).max(by: { abs(rows[$0][column]) < abs(rows[$1][column]) }), abs(rows[pivot][column]) > 1e-300
    else { return nil }
    rows.swapAt(column, pivot)
    for row in rows.indices where row != column {
      let factor = rows[row][column] / rows[column][column]
      for index in column...rows.count { rows[row][index] -= factor * rows[column][index] }
    }
  }
  return rows.indices.map { rows[$0][rows.count] / rows[$0][$0] }
}
