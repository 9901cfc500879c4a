// A profile: one model's description, as data. Settings reads it from YAML (docs/profile-format.md) and checks it;
// Devices compiles it to flat tables; Simulation plays the device from it. This file is the vocabulary: a wire idea
// is one case here, one branch in the framer, one test.

public import Domain

/// One model of device.
public struct Profile: Sendable {
  /// File name without its ending, for example `gy-mcu90614`.
  public var id: String
  public var maker: String
  public var model: String
  public var kind: String
  public var source: String
  public var proof: Proof
  public var notes: [String]
  public var transport: Transport
  /// Line settings the device leaves the factory with; settings may override them.
  public var line: Line
  public var power: Power
  /// How long after evidence of power-on its values mean nothing.
  public var warmUp: Interval
  public var fields: [Field]
  public var writes: [Write]

  public init(
    id: String, maker: String, model: String, kind: String, source: String, proof: Proof, notes: [String],
    transport: Transport, line: Line, power: Power, warmUp: Interval, fields: [Field], writes: [Write]
  ) {
    self.id = id
    self.maker = maker
    self.model = model
    self.kind = kind
    self.source = source
    self.proof = proof
    self.notes = notes
    self.transport = transport
    self.line = line
    self.power = power
    self.warmUp = warmUp
    self.fields = fields
    self.writes = writes
  }
}

/// What shows that the profile is right.
public enum Proof: String, Sendable, CaseIterable {
  case capture
  case vendorExample = "vendor-example"
  case constructed
}

/// Whose switch decides when the device has been powered on.
public enum Power: String, Sendable, CaseIterable {
  /// Powered by the port: the port reappearing is a power-on.
  case usb
  /// A supply of its own.
  case own
}

/// How bytes mean messages.
public enum Transport: Sendable {
  case serial(SerialSpeech)
  case modbus(ModbusSpeech)
}

/// A device alone on a serial line.
public struct SerialSpeech: Sendable {
  public var framing: Framing
  /// Empty: the device speaks unasked.
  public var requests: [Request]
  /// How often a new value is due, asked or unasked; a value is stale after three of these.
  public var period: Interval

  public init(framing: Framing, requests: [Request], period: Interval) {
    self.framing = framing
    self.requests = requests
    self.period = period
  }
}

/// How a frame is found in a stream of bytes.
public struct Framing: Sendable {
  /// The bytes every frame starts with (1 to 8).
  public var startsWith: [UInt8]
  /// Whole length with start and check (2 to 256).
  public var length: Int
  public var check: Check

  public init(startsWith: [UInt8], length: Int, check: Check) {
    self.startsWith = startsWith
    self.length = length
    self.check = check
  }
}

/// How a frame proves itself, always over bytes before the check itself.
public enum Check: Sendable, Equatable, BitwiseCopyable {
  /// Low byte of the sum of all bytes from `from` on.
  case sum8(from: Int, at: Int)
  /// Minus that sum: the two's complement.
  case negativeSum8(from: Int, at: Int)
}

/// A question to a device that speaks when asked.
public struct Request: Sendable {
  public var bytes: [UInt8]
  public var replyWithin: Interval

  public init(bytes: [UInt8], replyWithin: Interval) {
    self.bytes = bytes
    self.replyWithin = replyWithin
  }
}

/// A Modbus device.
public struct ModbusSpeech: Sendable {
  /// The unit it answers to unless settings say otherwise (0xFE: "any sensor").
  public var unit: UInt8
  /// The most registers one read may ask for (1 to 125).
  public var registersPerRead: Int
  /// Bits are asked for in exactly this many (some boards answer nothing else); 0: as many as the fields need.
  public var bitsPerRead: Int
  /// How often each field is read; a value is stale after three of these.
  public var period: Interval
  public var replyWithin: Interval
  /// A byte sent to wake it, and how long before the request.
  public var wake: Wake?

  public init(
    unit: UInt8, registersPerRead: Int, bitsPerRead: Int, period: Interval, replyWithin: Interval, wake: Wake?
  ) {
    self.unit = unit
    self.registersPerRead = registersPerRead
    self.bitsPerRead = bitsPerRead
    self.period = period
    self.replyWithin = replyWithin
    self.wake = wake
  }
}

/// A byte that wakes a sleeping device.
public struct Wake: Sendable {
  public var byte: UInt8
  public var before: Interval

  public init(byte: UInt8, before: Interval) {
    self.byte = byte
    self.before = before
  }
}

/// The four Modbus tables; addresses are 0-based protocol addresses.
public enum RegisterTable: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  case coil = 1
  case discrete = 2
  case holding = 3
  case input = 4

  /// The function that reads it.
  @inlinable @inline(__always) public var readFunction: UInt8 { rawValue }

  /// Whether an address is one bit; else it is a register of 16.
  public var isBits: Bool {
    @_noLocks @_noAllocation get {
      switch self {
      case .coil, .discrete: true
      case .holding, .input: false
      }
    }
  }
}

/// Where a field's bytes are.
public enum Location: Sendable, Equatable, BitwiseCopyable {
  /// Offset in the frame, counted from its first byte.
  case frame(at: Int)
  /// A register, or the first of its registers, or the first of its bits.
  case register(RegisterTable, address: Int)
}

/// How bytes are a number.
public enum NumberType: Sendable, Equatable, BitwiseCopyable {
  /// In a register, `u8` and `i8` are its low byte.
  case u8, i8, u16be, u16le, i16be, i16le, u32be, u32le, i32be, i32le
  /// IEEE 754, most significant byte first.
  case f32be
  /// IEEE 754, least significant register first, each register most significant byte first.
  case f32leWords
  case u32leWords, i32leWords
  /// This many bits, one a channel, bit 0 is channel 1 (1 to 32; in a frame 1 to 8).
  case bits(Int)
}

/// Whether a field is asked for, and whether its value is a reading.
public enum Telling: String, Sendable, BitwiseCopyable, CaseIterable {
  /// Asked for and reported.
  case always
  /// Never asked for, so it costs the bus nothing; decoded where a reply holds it (`profile decode`).
  case onRequest = "on_request"
  /// Asked for because of what it says about other fields, and reported to nobody.
  case never
}

/// One value a device tells.
public struct Field: Sendable {
  /// The most sentinels of one field; as many warm-up values and absent values.
  public static let rawValuesMax = 8
  /// The most conditions of one field.
  public static let badWhenMax = 4

  public var name: String
  public var location: Location
  public var type: NumberType
  /// value = raw × scale + offset
  public var scale: Double
  public var offset: Double
  public var unit: Unit
  public var use: Use
  /// For unsigned types: raw numbers above it are negative, by two's complement. For ranges that need more room above zero
  /// than a signed type has, such as -70 to 380 in hundredths.
  public var negativeAbove: Double?
  /// Outside it a value is invalid; both ends belong to it.
  public var range: ClosedRange<Double>?
  /// Raw values (before scaling) that mean "no value"; at most `rawValuesMax`, as the next.
  public var sentinels: [Double]
  /// Raw values by which a device without this sensor says so: no reading at all.
  public var absent: [Double]
  /// Raw values that are not for people or rules while the device warms up.
  public var warmUpValues: [Double]
  /// What another field says that makes this one invalid; at most `badWhenMax`.
  public var badWhen: [BadWhen]
  /// For bits: named ones.
  public var flags: [String: Int]
  /// For bits: all channels are active low.
  public var inverted: Bool
  /// Overrides "three periods".
  public var staleAfter: Interval?
  public var told: Telling

  public init(
    name: String, location: Location, type: NumberType, scale: Double = 1, offset: Double = 0, unit: Unit = .none,
    use: Use = .information, negativeAbove: Double? = nil, range: ClosedRange<Double>? = nil, sentinels: [Double] = [],
    absent: [Double] = [], warmUpValues: [Double] = [], badWhen: [BadWhen] = [], flags: [String: Int] = [:],
    inverted: Bool = false, staleAfter: Interval? = nil, told: Telling = .always
  ) {
    self.name = name
    self.location = location
    self.type = type
    self.scale = scale
    self.offset = offset
    self.unit = unit
    self.use = use
    self.negativeAbove = negativeAbove
    self.range = range
    self.sentinels = sentinels
    self.absent = absent
    self.warmUpValues = warmUpValues
    self.badWhen = badWhen
    self.flags = flags
    self.inverted = inverted
    self.staleAfter = staleAfter
    self.told = told
  }
}

extension Profile {
  /// How often its values are due, asked or unasked.
  public var period: Interval {
    switch transport {
    case .serial(let speech): speech.period
    case .modbus(let speech): speech.period
    }
  }

  /// How old a value of this field may get: three periods, and never less than a fifth of a second, which an operating
  /// system may hold a port's bytes back; or what the profile says.
  public func staleAfter(_ field: Field) -> Interval { field.staleAfter ?? max(period * 3, .milliseconds(200)) }
}

/// A status word that spoils a value: any of the bits set, or the whole word equal to a number.
public struct BadWhen: Sendable, Equatable {
  /// Index of the status field in the profile's fields.
  public var field: Int
  public var condition: Condition
  /// What the value is then: `deviceError`, or `warmingUp` for a word that tells of booting.
  public var reason: Reason

  public enum Condition: Sendable, Equatable, BitwiseCopyable {
    case anyBit(UInt32)
    /// The raw number; of a signed one its low 32 bits, sign extended.
    case equals(UInt32)
  }

  /// The bits, for a condition of bits.
  public var mask: UInt32 { if case .anyBit(let mask) = condition { mask } else { 0 } }

  public init(field: Int, mask: UInt32) {
    self.init(field: field, .anyBit(mask))
  }

  public init(field: Int, _ condition: Condition, reason: Reason = .deviceError) {
    self.field = field
    self.condition = condition
    self.reason = reason
  }
}

/// What a profile allows to be written; nothing else ever is.
public struct Write: Sendable {
  public var name: String
  public var kind: WriteKind

  public init(name: String, kind: WriteKind) {
    self.name = name
    self.kind = kind
  }
}

public enum WriteKind: Sendable, Equatable {
  /// One of `count` coils from `address` on, on or off.
  case coil(address: Int, count: Int)
  /// A coil that the board itself switches off again: function 05 at `address` + channel, value in units of `unit`.
  case pulse(address: Int, count: Int, unit: Interval)
  /// A register and the only value it may get.
  case register(address: Int, value: UInt16)
}
