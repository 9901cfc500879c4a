// Thinning of reading events. A thermometer speaks 14 times a second and nobody wants that in a log; what matters
// is every change of quality, every real move, and a sign of life. Verdicts and alarms never come here.

public import Domain

/// How often readings are logged.
public struct ThinningSettings: Sendable {
  /// A value that does not move is logged this often.
  public var interval: Interval
  /// A value that moved by this much is logged sooner, in the unit of its use.
  public var deadBands: DeadBands

  public init(interval: Interval, deadBands: DeadBands) {
    self.interval = interval
    self.deadBands = deadBands
  }
}

/// The smallest move worth a line of log, by unit.
public struct DeadBands: Sendable, BitwiseCopyable {
  public var celsius: Double
  public var ppm: Double
  /// For every other unit.
  public var other: Double

  public init(celsius: Double, ppm: Double, other: Double) {
    self.celsius = celsius
    self.ppm = ppm
    self.other = other
  }

  @_noLocks @_noAllocation
  func width(of unit: Unit) -> Double {
    switch unit {
    case .degC: celsius
    case .ppm: ppm
    default: other
    }
  }
}

/// What was last logged of one field.
struct LastLogged: BitwiseCopyable {
  var value = Double.nan
  var wasGood = false
  var at = Instant.past
}

/// Decides which readings become events.
struct Thinning: ~Copyable {
  private var last: Table<LastLogged>
  /// The first row of each device.
  private var firstField: Table<Int32>
  private let interval: Interval
  /// A moving value is logged at most this often: a tenth of the interval.
  private let shortest: Interval
  private let deadBands: DeadBands

  init(fieldCounts: [Int], settings: ThinningSettings) {
    var starts: [Int32] = []
    var total = 0
    for count in fieldCounts {
      starts.append(Int32(total))
      total += count
    }
    last = Table(capacity: total, filledWith: LastLogged())
    firstField = Table(starts, filler: 0)
    interval = settings.interval
    shortest = Interval(ns: settings.interval.ns / 10)
    deadBands = settings.deadBands
  }

  /// Whether this reading is logged; remembers it if so.
  @_noLocks @_noAllocation
  mutating func admits(_ reading: Reading) -> Bool {
    let row = Int(firstField[Int(reading.device.index)]) &+ Int(reading.field)
    let age = reading.at - last[row].at
    let good = reading.quality.isGood
    let moved = abs(reading.decoded - last[row].value) >= deadBands.width(of: reading.unit)
    guard good != last[row].wasGood || age >= interval || (good && moved && age >= shortest) else { return false }
    last[row] = LastLogged(value: reading.decoded, wasGood: good, at: reading.at)
    return true
  }
}
