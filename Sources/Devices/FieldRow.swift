// A field of a profile as a flat row, and the way from bytes to a reading. Every number a device can send ends here as
// a value with its quality: out of range, sentinel, NaN and error bits are reasons, never values.

import Domain

/// One condition under which a field is worth nothing.
struct Spoiler: BitwiseCopyable {
  /// Index into the device's fields; -1: none.
  var field: Int16 = -1
  var condition = BadWhen.Condition.anyBit(0)
  var reason = Reason.deviceError

  init() {}

  init(_ bad: BadWhen) {
    field = Int16(truncatingIfNeeded: bad.field)
    condition = bad.condition
    reason = bad.reason
  }

  /// Whether this status word spoils the value.
  @_noLocks @_noAllocation
  func applies(to status: Double) -> Bool {
    // Signed words show their bits too.
    let word = UInt32(truncatingIfNeeded: Int64(status))
    switch condition {
    case .anyBit(let mask): return word & mask != 0
    case .equals(let number): return word == number
    }
  }
}

extension Field {
  /// Raw values as a row holds them; NaN, which equals nothing, fills the rest.
  fileprivate func row(of values: [Double]) -> InlineArray<8, Double> {
    InlineArray { $0 < values.count ? asDecoded(values[$0]) : .nan }
  }

  /// A number of the profile as its type can hold it: -999.9 is another number in single precision.
  fileprivate func asDecoded(_ number: Double) -> Double {
    switch type {
    case .f32be, .f32leWords: Double(Float(number))
    default: number
    }
  }
}

/// One field, compiled.
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
  var sentinels: InlineArray<8, Double>
  var absent: InlineArray<8, Double>
  var warmUpValues: InlineArray<8, Double>
  var spoilers: InlineArray<4, Spoiler>
  var isInverted: Bool
  var isReported: Bool
  var staleAfter: Interval

  init(_ field: Field, staleAfter: Interval) {
    type = field.type
    location = field.location
    negativeAbove = field.negativeAbove ?? .infinity
    scale = field.scale
    offset = field.offset
    unit = field.unit
    use = field.use
    lowest = field.range?.lowerBound ?? -.infinity
    highest = field.range?.upperBound ?? .infinity
    // Settings refuses more, with file and line.
    let longest = max(field.sentinels.count, field.absent.count, field.warmUpValues.count)
    let fits = longest <= Field.rawValuesMax && field.badWhen.count <= Field.badWhenMax
    precondition(fits, "A field has more special values than its row holds.")
    sentinels = field.row(of: field.sentinels)
    absent = field.row(of: field.absent)
    warmUpValues = field.row(of: field.warmUpValues)
    spoilers = InlineArray { $0 < field.badWhen.count ? Spoiler(field.badWhen[$0]) : Spoiler() }
    isInverted = field.inverted
    isReported = field.told != .never
    self.staleAfter = staleAfter
  }

  /// Bytes its number takes in a frame or a register block; bits in a frame fill bytes.
  var byteCount: Int {
    @_noLocks @_noAllocation get {
      switch type {
      case .u8, .i8: 1
      case .u16be, .u16le, .i16be, .i16le: 2
      case .u32be, .u32le, .i32be, .i32le, .f32be, .f32leWords, .u32leWords, .i32leWords: 4
      case .bits(let count): (count &+ 7) / 8
      }
    }
  }

  /// The raw number at `at`, or NaN when the bytes end before it does.
  @_noLocks @_noAllocation
  func raw(_ bytes: borrowing Table<UInt8>, at: Int) -> Double {
    let number = number(bytes, at: at)
    return number > negativeAbove ? number - (byteCount == 4 ? 4_294_967_296 : byteCount == 2 ? 65_536 : 256) : number
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
    case .u32be: return Double(long(bytes, at, at &+ 1, at &+ 2, at &+ 3))
    case .u32le: return Double(long(bytes, at &+ 3, at &+ 2, at &+ 1, at))
    case .i32be: return Double(Int32(bitPattern: long(bytes, at, at &+ 1, at &+ 2, at &+ 3)))
    case .i32le: return Double(Int32(bitPattern: long(bytes, at &+ 3, at &+ 2, at &+ 1, at)))
    case .u32leWords: return Double(long(bytes, at &+ 2, at &+ 3, at, at &+ 1))
    case .i32leWords: return Double(Int32(bitPattern: long(bytes, at &+ 2, at &+ 3, at, at &+ 1)))
    case .f32be: return Double(Float(bitPattern: long(bytes, at, at &+ 1, at &+ 2, at &+ 3)))
    case .f32leWords: return Double(Float(bitPattern: long(bytes, at &+ 2, at &+ 3, at, at &+ 1)))
    case .bits(let count): return bits(count, bytes, at, from: 0)
    }
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

  /// What a raw number means: the scaled value, and whether it may be used.
  @_noLocks @_noAllocation
  func judge(_ raw: Double, isWarmingUp: Bool) -> (value: Double, quality: Quality) {
    guard raw.isFinite else { return (raw, .invalid(.notANumber)) }
    let value = raw * scale + offset
    for index in 0..<sentinels.count where sentinels[index] == raw { return (value, .invalid(.sentinel)) }
    if isWarmingUp { return (value, .invalid(.warmingUp)) }
    guard value.isFinite, value >= lowest, value <= highest else { return (value, .invalid(.outOfRange)) }
    return (value, .good)
  }

  /// Whether the device says by this raw value that it has no such sensor.
  @_noLocks @_noAllocation
  func isAbsent(_ raw: Double) -> Bool {
    for index in 0..<absent.count where absent[index] == raw { return true }
    return false
  }

  /// Whether the device shows this raw value only while it warms up.
  @_noLocks @_noAllocation
  func isWarmUpValue(_ raw: Double) -> Bool {
    for index in 0..<warmUpValues.count where warmUpValues[index] == raw { return true }
    return false
  }
}
