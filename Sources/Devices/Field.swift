// The values a device tells: where each lies, what number its bytes are, and what makes it no value.

public import Domain

/// Where a field's bytes are.
public enum Location: Sendable, Equatable, BitwiseCopyable {
  /// Offset in the decoded frame, counted from its first byte; negative: from its end.
  case frame(at: Int)
  /// A register, or the first of its registers, or the first of its bits.
  case register(RegisterTable, address: Int)
  /// The number behind these characters of a line of text.
  case after(Key)
  /// The whole line, without its end and its head.
  case line
  /// The head of the line.
  case head

  /// Up to four characters of ASCII.
  public struct Key: Sendable, Equatable, BitwiseCopyable {
    public var bytes: UInt32 = 0
    public var count: UInt8 = 0

    public init?(_ text: String) {
      guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
      for byte in text.utf8 {
        bytes = bytes << 8 | UInt32(byte)
        count += 1
      }
    }

    /// The character at `index`.
    @_noLocks @_noAllocation
    public func byte(_ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: bytes >> UInt32(8 &* (Int(count) &- 1 &- index))) }
  }
}

/// How bytes are a number, or text.
public enum NumberType: Sendable, Equatable, BitwiseCopyable {
  /// In a register, `u8` and `i8` are its low byte.
  case u8, i8, u16be, u16le, i16be, i16le, u24be, u24le, u32be, u32le, i32be, i32le, u64be, i64be
  /// IEEE 754, most significant byte first, or last.
  case f32be, f32le, f64be
  /// Least significant register first, each register most significant byte first.
  case f32leWords, u32leWords, i32leWords, f64leWords
  /// Most significant register first, the two bytes of each swapped.
  case f32beSwapped, u32beSwapped, i32beSwapped
  /// This many bits, one a channel, bit 0 is channel 1 (1 to 32; in a frame 1 to 8).
  case bits(Int)
  /// A decimal number in a line of text.
  case decimal
  /// This many bytes of text, without the blanks and zeros behind it; in a line all of it.
  case ascii(Int)
  /// This many 16-bit units of text, little endian.
  case utf16le(Int)

  /// Whether it is text: no number and no reading, but who or what something is.
  public var isText: Bool {
    @_noLocks @_noAllocation get {
      switch self {
      case .ascii, .utf16le: true
      default: false
      }
    }
  }
}

/// Many numbers that become one value: the pixels of a thermal array.
public struct ArrayShape: Sendable, Equatable, BitwiseCopyable {
  public enum Reducer: Sendable, Equatable, BitwiseCopyable {
    case max, min, mean
    /// The value that this share of all, in percent, does not exceed; of whole numbers.
    case percentile(Int)
  }

  /// Numbers, row by row.
  public var count: Int
  public var columns: Int
  /// The part that is looked at, from 0; all of it unless the profile names a region.
  public var firstRow: Int
  public var lastRow: Int
  public var firstColumn: Int
  public var lastColumn: Int
  /// The rows stand in the frame from right to left.
  public var isMirrored: Bool
  public var reducer: Reducer

  public init(
    count: Int, columns: Int, rows: ClosedRange<Int>? = nil, region: ClosedRange<Int>? = nil, isMirrored: Bool = false,
    reducer: Reducer
  ) {
    self.count = count
    self.columns = columns
    firstRow = rows?.lowerBound ?? 0
    lastRow = rows?.upperBound ?? count / max(columns, 1) - 1
    firstColumn = region?.lowerBound ?? 0
    lastColumn = region?.upperBound ?? columns - 1
    self.isMirrored = isMirrored
    self.reducer = reducer
  }
}

/// A factor that another field names.
public struct Multiplier: Sendable, Equatable {
  /// Index in the profile's fields.
  public var field: Int
  /// Factors by the other field's raw number; empty: its value is the factor.
  public var factors: [Double: Double]
  /// The factor that a tool takes, which sees one frame and not what was read before; `nil`: no value. The door waits until
  /// it has read the other field.
  public var otherwise: Double?

  public init(field: Int, factors: [Double: Double] = [:], otherwise: Double? = nil) {
    self.field = field
    self.factors = factors
    self.otherwise = otherwise
  }
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

/// What a value outside its range means.
public enum Outside: String, Sendable, BitwiseCopyable, CaseIterable {
  /// The value is invalid.
  case invalid
  /// The frame is another one: nothing of it is believed.
  case rejectsFrame = "rejects_frame"
}

/// One value a device tells.
public struct Field: Sendable {
  /// The most sentinels of one field; as many warm-up values and absent values.
  public static let rawValuesMax = 8
  /// The most conditions of one field.
  public static let badWhenMax = 8

  public var name: String
  public var location: Location
  public var type: NumberType
  /// value = raw × scale + offset
  public var scale: Double
  public var offset: Double
  /// value = this / raw, and 0 for raw 0; then `scale` and `offset` are not used.
  public var reciprocal: Double?
  public var multiplier: Multiplier?
  public var unit: Unit
  public var use: Use
  /// For unsigned types: raw numbers above it are negative, by two's complement. For ranges that need more room above zero
  /// than a signed type has, such as -70 to 380 in hundredths.
  public var negativeAbove: Double?
  /// Outside it a value is invalid; both ends belong to it.
  public var range: ClosedRange<Double>?
  public var outside: Outside
  /// Raw values (before scaling) that mean "no value"; at most `rawValuesMax`, as the next.
  public var sentinels: [Double]
  /// Raw values by which a device without this sensor says so: no reading at all.
  public var absent: [Double]
  /// Raw values that are not for people or rules while the device warms up.
  public var warmUpValues: [Double]
  /// How many of its first values mean nothing.
  public var skipFirst: Int
  /// What another field says that makes this one invalid; at most `badWhenMax` with the next.
  public var badWhen: [BadWhen]
  /// What other fields must say for this one to exist.
  public var when: [Need]
  /// For bits: named ones.
  public var flags: [String: Int]
  /// For bits: all channels are active low.
  public var inverted: Bool
  /// For bits: how long a channel must stay as it is to count.
  public var debounce: Interval?
  /// Of bits under a weak check: each counts as changed when two frames that follow each other agree on it.
  var needsAgreement = false
  public var array: ArrayShape?
  /// Overrides "three periods".
  public var staleAfter: Interval?
  /// How long until it shows 63 % of a change, as its data sheet says; `nil`: nobody says. For simulators.
  public var response: Interval?
  public var told: Telling
  /// Who somebody is: never in an event, a recording or a list of last bytes.
  /// Of a number in a line of text: exactly so many digits, 1 to 15; 0: any.
  public var digits = 0
  public var personal: Bool
  /// It is the device's own serial number, by which settings may name the one that is meant.
  public var isSerialNumber = false
  /// Which frames hold it, by their index.
  public var frames: UInt32
  /// Which variants have it, by their index.
  public var variants: UInt32
  /// Which requests are answered by it, by their index; 0: it is no answer to one alone.
  public var answers: UInt32
  /// Asked for so often; `nil`: each period.
  public var every: Interval?
  /// What must be read for it to be asked for.
  public var readWhen: [Need]

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
    outside = .invalid
    skipFirst = 0
    when = []
    personal = false
    frames = .max
    variants = .max
    answers = 0
    readWhen = []
  }
}

/// What another field must say: one of these conditions.
public struct Need: Sendable, Equatable {
  /// Index in the profile's fields.
  public var field: Int
  public var conditions: [BadWhen.Condition]

  public init(field: Int, _ conditions: [BadWhen.Condition]) {
    self.field = field
    self.conditions = conditions
  }
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
