// A field of a profile as a flat row, and the way from bytes to a reading. Every number a device can send ends here as
// a value with its quality: out of range, sentinel, NaN and error bits are reasons, never values.

import Domain

/// One condition under which a field is worth nothing.
struct Spoiler: BitwiseCopyable {
  /// Index into the device's fields.
  var field: Int16
  var condition: BadWhen.Condition
  var reason: Reason

  init(_ bad: BadWhen) {
    field = Int16(truncatingIfNeeded: bad.field)
    condition = bad.condition
    reason = bad.reason
  }

  /// Whether this status word spoils the value.
  @_noLocks @_noAllocation
  func applies(to status: Double) -> Bool { condition.holds(for: status) }
}

extension BadWhen.Condition {
  /// Whether a status word says it.
  @_noLocks @_noAllocation
  func holds(for status: Double) -> Bool {
    guard status >= -2_147_483_648, status <= 4_294_967_295 else { return false }
    // Signed words show their bits too.
    let word = UInt32(truncatingIfNeeded: Int64(status))
    switch self {
    case .anyBit(let mask): return word & mask != 0
    case .equals(let number): return word == number
    }
  }
}

/// A raw value that is not a measurement, and what it says instead.
struct Special: BitwiseCopyable {
  enum Meaning: BitwiseCopyable { case sentinel, absent, warmUp }
  var raw: Double
  var meaning: Meaning
}

/// What one of several fields must say for a field to exist, or for a request to be sent. Rows of one group stand together.
struct NeedRow: BitwiseCopyable {
  /// Index into the device's fields.
  var field: Int16
  /// Rows of the same group are alternatives.
  var group: Int16
  var condition: BadWhen.Condition

  static func rows(_ needs: [Need]) -> [NeedRow] {
    needs.enumerated().flatMap { group, need in
      need.conditions.map { NeedRow(field: Int16(truncatingIfNeeded: need.field), group: Int16(truncatingIfNeeded: group), condition: $0) }
    }
  }
}

/// A factor by another field's raw number.
struct FactorRow: BitwiseCopyable {
  var raw: Double
  var factor: Double
}

/// What few fields have, apart from the rows that every reading needs.
struct FieldExtra: BitwiseCopyable {
  /// value = this / raw; 0: no.
  var reciprocal = 0.0
  /// Index into the device's fields of the one that names a factor; -1: none.
  var multiplier: Int16 = -1
  var firstFactor: Int32 = 0
  var factorCount: Int32 = 0
  /// What a tool takes for the factor that it does not know; NaN: no value.
  var otherwise = Double.nan
  var firstNeed: Int32 = 0
  var needCount: Int32 = 0
  var isArray = false
  var array = ArrayShape(count: 1, columns: 1, reducer: .max)
  var skipFirst: Int32 = 0
  /// How many values were skipped since the port was opened.
  var skipped: Int32 = 0
  /// Zero: none.
  var debounce = Interval.zero
  var needsAgreement = false
  /// The channels as they count, and what they may become: NaN, nothing yet.
  var steady = Double.nan
  var candidate = Double.nan
  var candidateSince = Instant.past
  var rejectsFrame = false

  init() {}

  init?(_ field: Field, firstNeed: Int, firstFactor: Int) {
    guard field.reciprocal != nil || field.multiplier != nil || !field.when.isEmpty || field.array != nil || field.skipFirst > 0
      || field.debounce != nil || field.needsAgreement || field.outside == .rejectsFrame
    else { return nil }
    reciprocal = field.reciprocal ?? 0
    if let other = field.multiplier {
      multiplier = Int16(other.field)
      otherwise = other.otherwise ?? .nan
      factorCount = Int32(other.factors.count)
    }
    self.firstNeed = Int32(firstNeed)
    self.firstFactor = Int32(firstFactor)
    needCount = Int32(field.when.map(\.conditions.count).reduce(0, +))
    if let shape = field.array { (isArray, array) = (true, shape) }
    skipFirst = Int32(field.skipFirst)
    debounce = field.debounce ?? .zero
    needsAgreement = field.needsAgreement
    rejectsFrame = field.outside == .rejectsFrame
  }
}

extension Field {
  /// Whether it is floating point of 32 bits: seven digits are meant, not sixteen.
  var isSingle: Bool {
    switch type {
    case .f32be, .f32le, .f32leWords, .f32beSwapped: true
    default: false
    }
  }

  /// Its special raw values, as they are read: -999.9 is another number in single precision, and what stands above
  /// `negativeAbove` is read as a negative one.
  var specials: [Special] {
    func rows(_ values: [Double], _ meaning: Special.Meaning) -> [Special] {
      values.map { value in
        let raw = negativeAbove.map { value > $0 ? value - type.wrap : value } ?? value
        return Special(raw: isSingle ? Double(Float(raw)) : raw, meaning: meaning)
      }
    }
    return rows(absent, .absent) + rows(sentinels, .sentinel) + rows(warmUpValues, .warmUp)
  }
}

/// One field, compiled: what each of its readings needs. Its special values and spoilers, which most fields have none
/// of, lie in tables of their own, so that a row is two cache lines.
struct FieldRow: BitwiseCopyable {
  /// The type of its number; for bits, how many.
  var type: NumberType
  /// Whether it lies in a frame (offset) or in a Modbus table (address).
  var location: Location
  var negativeAbove: Double
  var scale: Double
  var offset: Double
  var unit: Unit
  var use: Use
  var lowest: Double
  var highest: Double
  /// Its special values and its spoilers among those of all fields.
  var firstSpecial: Int32
  var specialCount: Int32
  var firstSpoiler: Int32
  var spoilerCount: Int32
  var isInverted: Bool
  /// Of a number in a line: exactly so many digits; 0: any.
  var digits: UInt8
  var isReported: Bool
  /// Reported to tools only.
  var isOnRequest: Bool
  /// Which frames hold it, which variants have it, and which requests it answers; `answers` 0: any.
  var frames: UInt32
  var variants: UInt32
  var answers: UInt32
  /// Its row among the extras; -1: it has nothing extra.
  var extra: Int32
  var staleAfter: Interval

  init(_ field: Field, staleAfter: Interval, firstSpecial: Int = 0, firstSpoiler: Int = 0, extra: Int = -1) {
    type = field.type
    location = field.location
    negativeAbove = field.negativeAbove ?? .infinity
    scale = field.scale
    offset = field.offset
    unit = field.unit
    use = field.use
    lowest = field.range?.lowerBound ?? -.infinity
    highest = field.range?.upperBound ?? .infinity
    self.firstSpecial = Int32(firstSpecial)
    specialCount = Int32(field.sentinels.count + field.absent.count + field.warmUpValues.count)
    self.firstSpoiler = Int32(firstSpoiler)
    spoilerCount = Int32(field.badWhen.count)
    isInverted = field.inverted
    digits = UInt8(field.digits)
    isReported = field.told != .never
    isOnRequest = field.told == .onRequest
    frames = field.frames
    variants = field.variants
    answers = field.answers
    self.extra = Int32(extra)
    self.staleAfter = staleAfter
  }

  /// Bytes its number takes in a frame or a register block; bits in a frame fill bytes.
  var byteCount: Int { @_noLocks @_noAllocation get { type.width } }

  /// The raw number at `at`, or NaN when the bytes end before it does.
  @_noLocks @_noAllocation
  func raw(_ bytes: borrowing Table<UInt8>, at: Int) -> Double {
    let number = number(bytes, at: at)
    return number > negativeAbove ? number - type.wrap : number
  }

  @_noLocks @_noAllocation
  private func number(_ bytes: borrowing Table<UInt8>, at: Int) -> Double {
    guard at >= 0, at <= bytes.capacity, byteCount <= bytes.capacity &- at else { return .nan }
    switch type {
    case .u8: return Double(bytes[at])
    case .i8: return Double(Int8(bitPattern: bytes[at]))
    case .u16be: return Double(word(bytes, at, at &+ 1))
    case .u16le: return Double(word(bytes, at &+ 1, at))
    case .i16be: return Double(Int16(bitPattern: word(bytes, at, at &+ 1)))
    case .i16le: return Double(Int16(bitPattern: word(bytes, at &+ 1, at)))
    case .u24be: return Double(UInt32(bytes[at]) << 16 | UInt32(word(bytes, at &+ 1, at &+ 2)))
    case .u24le: return Double(UInt32(bytes[at &+ 2]) << 16 | UInt32(word(bytes, at &+ 1, at)))
    case .u32be: return Double(long(bytes, at, at &+ 1, at &+ 2, at &+ 3))
    case .u32le: return Double(long(bytes, at &+ 3, at &+ 2, at &+ 1, at))
    case .i32be: return Double(Int32(bitPattern: long(bytes, at, at &+ 1, at &+ 2, at &+ 3)))
    case .i32le: return Double(Int32(bitPattern: long(bytes, at &+ 3, at &+ 2, at &+ 1, at)))
    case .u32leWords: return Double(long(bytes, at &+ 2, at &+ 3, at, at &+ 1))
    case .i32leWords: return Double(Int32(bitPattern: long(bytes, at &+ 2, at &+ 3, at, at &+ 1)))
    case .f32be: return Double(Float(bitPattern: long(bytes, at, at &+ 1, at &+ 2, at &+ 3)))
    case .f32leWords: return Double(Float(bitPattern: long(bytes, at &+ 2, at &+ 3, at, at &+ 1)))
    case .f32le: return Double(Float(bitPattern: long(bytes, at &+ 3, at &+ 2, at &+ 1, at)))
    case .f32beSwapped: return Double(Float(bitPattern: swappedLong(bytes, at)))
    case .u32beSwapped: return Double(swappedLong(bytes, at))
    case .i32beSwapped: return Double(Int32(bitPattern: swappedLong(bytes, at)))
    case .u64be: return Double(double(bytes, at))
    case .i64be: return Double(Int64(bitPattern: double(bytes, at)))
    case .f64be: return Double(bitPattern: double(bytes, at))
    case .f64leWords: return Double(bitPattern: doubleOfWords(bytes, at))
    case .bits(let count): return bits(count, bytes, at, from: 0)
    case .decimal, .ascii, .utf16le: return .nan
    }
  }

  @_noLocks @_noAllocation
  private func swappedLong(_ bytes: borrowing Table<UInt8>, _ at: Int) -> UInt32 { long(bytes, at &+ 1, at, at &+ 3, at &+ 2) }

  @_noLocks @_noAllocation
  private func double(_ bytes: borrowing Table<UInt8>, _ at: Int) -> UInt64 {
    UInt64(long(bytes, at, at &+ 1, at &+ 2, at &+ 3)) << 32 | UInt64(long(bytes, at &+ 4, at &+ 5, at &+ 6, at &+ 7))
  }

  @_noLocks @_noAllocation
  private func doubleOfWords(_ bytes: borrowing Table<UInt8>, _ at: Int) -> UInt64 {
    UInt64(long(bytes, at &+ 6, at &+ 7, at &+ 4, at &+ 5)) << 32 | UInt64(long(bytes, at &+ 2, at &+ 3, at, at &+ 1))
  }

  /// `count` bits of one or two registers, the most significant first; bit 0 of the last register is channel 1.
  @_noLocks @_noAllocation
  func bits(_ count: Int, inRegistersOf bytes: borrowing Table<UInt8>, at: Int) -> Double {
    let width = count <= 16 ? 2 : 4
    guard at >= 0, at <= bytes.capacity, width <= bytes.capacity &- at else { return .nan }
    var whole = width == 2 ? UInt32(word(bytes, at, at &+ 1)) : long(bytes, at, at &+ 1, at &+ 2, at &+ 3)
    if isInverted { whole = ~whole }
    return Double(count >= 32 ? whole : whole & (1 << UInt32(max(count, 0)) &- 1))
  }

  /// `count` bits from bit `first` of byte `at` on, the lowest bit of a byte first; inverted where the profile says so.
  @_noLocks @_noAllocation
  func bits(_ count: Int, _ bytes: borrowing Table<UInt8>, _ at: Int, from first: Int) -> Double {
    var mask: UInt32 = 0
    for bit in 0..<max(0, min(count, 32)) {
      let place = first &+ bit
      let isOn = bytes[at &+ place / 8] >> UInt8(place % 8) & 1 == 1
      if isOn != isInverted { mask |= 1 << UInt32(bit) }
    }
    return Double(mask)
  }

  @_noLocks @_noAllocation
  private func word(_ bytes: borrowing Table<UInt8>, _ high: Int, _ low: Int) -> UInt16 {
    UInt16(bytes[high]) << 8 | UInt16(bytes[low])
  }

  @_noLocks @_noAllocation
  private func long(_ bytes: borrowing Table<UInt8>, _ a: Int, _ b: Int, _ c: Int, _ d: Int) -> UInt32 {
    UInt32(bytes[a]) << 24 | UInt32(bytes[b]) << 16 | UInt32(bytes[c]) << 8 | UInt32(bytes[d])
  }

  /// What a raw number that is nothing special means: the scaled value, and whether it may be used.
  /// - Parameter scaled: the value, where scale and offset alone do not make it.
  @_noLocks @_noAllocation
  func judge(_ raw: Double, scaled: Double? = nil, isSentinel: Bool, isWarmingUp: Bool) -> (value: Double, quality: Quality) {
    guard raw.isFinite else { return (raw, .invalid(.notANumber)) }
    let value = scaled ?? (raw * scale + offset)
    if isSentinel { return (value, .invalid(.sentinel)) }
    // Whole numbers of 64 bits above 2^53 are not kept exactly.
    if type.isLong, raw >= 9_007_199_254_740_992 || raw <= -9_007_199_254_740_992 { return (value, .invalid(.outOfRange)) }
    if isWarmingUp { return (value, .invalid(.warmingUp)) }
    guard value.isFinite, value >= lowest, value <= highest else { return (value, .invalid(.outOfRange)) }
    return (value, .good)
  }
}
