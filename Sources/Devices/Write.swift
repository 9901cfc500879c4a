// What a profile allows to be written; nothing else ever is.

public import Domain

/// One write, by name.
public struct Write: Sendable {
  public var name: String
  public var kind: WriteKind
  /// It changes what the device measures or remembers: somebody must say who orders it and why.
  public var needsPerson: Bool

  public init(name: String, kind: WriteKind, needsPerson: Bool = false) {
    self.name = name
    self.kind = kind
    self.needsPerson = needsPerson
  }

  /// A relay belongs to a gate, lamp or buzzer, and is ordered by the rules alone.
  public var isRelay: Bool {
    switch kind {
    case .coil, .pulse, .relay: true
    case .register, .setting, .bytes, .number: false
    }
  }
}

extension Profile {
  /// What people may have written, by name: `WriteAction.named` counts among these.
  public var namedWrites: [Write] { writes.filter { !$0.isRelay } }
}

public enum WriteKind: Sendable, Equatable {
  /// One of `count` coils from `address` on, on or off.
  case coil(address: Int, count: Int)
  /// A coil that the board itself switches off again: function 05 at `address` + channel, value in units of `unit`.
  case pulse(address: Int, count: Int, unit: Interval)
  /// A register and the only value it may get.
  case register(address: Int, value: UInt16)
  /// A register and the values it may get; raw = (value - offset) / scale.
  case setting(address: Int, range: ClosedRange<Double>, scale: Double)
  /// A relay of a board that is told in bytes.
  case relay(RelayBytes)
  /// Bytes as they stand.
  case bytes([UInt8])
  /// Bytes with a number in them.
  case number(NumberBytes)
}

/// How a relay is switched by bytes: `on` or `off` with the channel's number put in, then the check.
public struct RelayBytes: Sendable, Equatable {
  public var on: [UInt8]
  public var off: [UInt8]
  public var channelAt: Int
  /// How many channels, from 1.
  public var count: Int
  public var check: Check

  public init(on: [UInt8], off: [UInt8], channelAt: Int, count: Int, check: Check) {
    self.on = on
    self.off = off
    self.channelAt = channelAt
    self.count = count
    self.check = check
  }
}

/// Bytes with a number in them, then the check.
public struct NumberBytes: Sendable, Equatable {
  public var bytes: [UInt8]
  public var at: Int
  public var type: NumberType
  public var range: ClosedRange<Double>
  public var scale: Double
  public var check: Check

  public init(bytes: [UInt8], at: Int, type: NumberType, range: ClosedRange<Double>, scale: Double, check: Check) {
    self.bytes = bytes
    self.at = at
    self.type = type
    self.range = range
    self.scale = scale
    self.check = check
  }
}
