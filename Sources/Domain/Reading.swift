// A reading is value, unit, quality and age in one type, so that nobody can use a number without them.

/// Units as profiles, events and metrics write them.
public enum Unit: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case none, degC, ppm, ppb, percentRH, percent, pascal, metrePerSecond, cubicMetrePerHour, microgramPerCubicMetre
  case perCubicCentimetre, milligramPerCubicMetre, rpm, volt, second, hour, day, bits, channels, micrometre, degree
  case one, text, code, enumeration, bool, byte, kelvin, millibar, metre, kilopascal, watt, litrePerSecond

  /// How it is written in files and events.
  public var symbol: String {
    switch self {
    case .none: ""
    case .degC: "degC"
    case .ppm: "ppm"
    case .ppb: "ppb"
    case .percentRH: "%RH"
    case .percent: "%"
    case .pascal: "Pa"
    case .metrePerSecond: "m/s"
    case .cubicMetrePerHour: "m3/h"
    case .microgramPerCubicMetre: "ug/m3"
    case .perCubicCentimetre: "1/cm3"
    case .milligramPerCubicMetre: "mg/m3"
    case .rpm: "rpm"
    case .volt: "V"
    case .second: "s"
    case .hour: "h"
    case .day: "d"
    case .bits: "bits"
    case .channels: "1-based list"
    case .micrometre: "um"
    case .degree: "deg"
    case .one: "1"
    case .text: "text"
    case .code: "code"
    case .enumeration: "enum"
    case .bool: "bool"
    case .byte: "byte"
    case .kelvin: "K"
    case .millibar: "mbar"
    case .metre: "m"
    case .kilopascal: "kPa"
    case .watt: "W"
    case .litrePerSecond: "l/s"
    }
  }
}

/// The channels, from 1, that are on in a value of unit `channels`, lowest bit first; `nil`: no such value.
public func channels(in value: Double) -> [Int]? {
  guard let bits = UInt32(exactly: value) else { return nil }
  return (0..<32).filter { bits >> UInt32($0) & 1 == 1 }.map { $0 + 1 }
}

/// What a field is for. Rules ask for uses, never for products.
public enum Use: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case information
  /// Skin or object temperature by infrared, degC.
  case surface
  /// The infrared sensor's own temperature, degC.
  case sensorAmbient
  case co2
  case airTemperature
  case humidity
  /// Outdoor air into a room, m3/h.
  case airflow
  /// In a duct, m/s.
  case airVelocity
  /// Digital inputs of a board, one bit a channel (unit `channels`).
  case inputs
  /// Relays of a board as read back, one bit a channel (unit `channels`).
  case relays
  /// Status and error words.
  case status
  /// A blackbody of known temperature, as the infrared sensor sees it, degC. Settings say which field it is.
  case reference

  /// The unit in which rules expect it; `nil`: any.
  public var unit: Unit? {
    switch self {
    case .surface, .sensorAmbient, .airTemperature, .reference: .degC
    case .co2: .ppm
    case .humidity: .percentRH
    case .airflow: .cubicMetrePerHour
    case .airVelocity: .metrePerSecond
    case .inputs, .relays: .channels
    case .information, .status: nil
    }
  }

  /// How profiles write it.
  public var name: String {
    switch self {
    case .information: "information"
    case .surface: "surface"
    case .sensorAmbient: "sensor_ambient"
    case .co2: "co2"
    case .airTemperature: "air_temperature"
    case .humidity: "humidity"
    case .airflow: "airflow"
    case .airVelocity: "air_velocity"
    case .inputs: "inputs"
    case .relays: "relays"
    case .status: "status"
    case .reference: "reference"
    }
  }
}

/// Why a value must not be used.
public enum Reason: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case outOfRange, sentinel, notANumber, warmingUp, stale, deviceError, neverRead, unconfirmed

  public var name: String {
    switch self {
    case .outOfRange: "out_of_range"
    case .sentinel: "sentinel"
    case .notANumber: "not_a_number"
    case .warmingUp: "warming_up"
    case .stale: "stale"
    case .deviceError: "device_error"
    case .neverRead: "never_read"
    case .unconfirmed: "unconfirmed"
    }
  }
}

/// Good, or not, and why. Not-known is never normal.
public enum Quality: BitwiseCopyable, Sendable {
  case good
  case invalid(Reason)

  @inlinable @inline(__always) public var isGood: Bool { if case .good = self { true } else { false } }
  public var name: String { isGood ? "good" : "invalid" }
}

/// What is left when quality and age have been looked at.
public enum Judged: BitwiseCopyable, Sendable {
  case value(Double)
  case invalid(Reason)
}

/// One value of one field of one device, with its unit, quality and the moment it was measured.
public struct Reading: BitwiseCopyable, Sendable {
  public var device: DeviceID
  /// Index into the fields of the device's profile.
  public var field: UInt16
  public var use: Use
  public var unit: Unit
  public var quality: Quality
  /// When its last byte arrived.
  public var at: Instant
  /// What was decoded, also when it is not good: for the log and for `profile decode`, never for a rule.
  public var decoded: Double

  @inlinable @inline(__always)
  public init(device: DeviceID, field: UInt16, use: Use, unit: Unit, quality: Quality, at: Instant, decoded: Double) {
    self.device = device
    self.field = field
    self.use = use
    self.unit = unit
    self.quality = quality
    self.at = at
    self.decoded = decoded
  }

  /// The number, if it is good and not older than `staleAfter`.
  @_noLocks @_noAllocation
  public func judged(at now: Instant, staleAfter: Interval) -> Judged {
    if case .invalid(let reason) = quality { return .invalid(reason) }
    return now - at > staleAfter ? .invalid(.stale) : .value(decoded)
  }
}
