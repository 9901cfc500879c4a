// A field of a profile as a flat row, and the way from bytes to a reading. Every number a device can send ends here as
// a value with its quality: out of range, sentinel, NaN and error bits are reasons, never values.

import Domain

/// One field, compiled.
struct FieldRow: BitwiseCopyable {
  /// The type of its number; for bits, how many.
  var type: NumberType
  /// Whether it lies in a frame (offset) or in a Modbus table (address).
  var location: Location
  var scale: Double
  var offset: Double
  var unit: Unit
  var use: Use
  var lowest: Double
  var highest: Double
  var sentinels: InlineArray<4, Double>
  var warmUpValues: InlineArray<4, Double>
  var badFields: InlineArray<2, Int16>
  var badMasks: InlineArray<2, UInt32>
  var isInverted: Bool

  init(_ field: Field) {
    type = field.type
    location = field.location
    scale = field.scale
    offset = field.offset
    unit = field.unit
    use = field.use
    lowest = field.range?.lowerBound ?? -.infinity
    highest = field.range?.upperBound ?? .infinity
    sentinels = InlineArray { $0 < field.sentinels.count ? field.sentinels[$0] : .nan }
    warmUpValues = InlineArray { $0 < field.warmUpValues.count ? field.warmUpValues[$0] : .nan }
    badFields = InlineArray { $0 < field.badWhen.count ? Int16(truncatingIfNeeded: field.badWhen[$0].field) : -1 }
    badMasks = InlineArray { $0 < field.badWhen.count ? field.badWhen[$0].mask : 0 }
    isInverted = field.inverted
  }

  /// Bytes its number takes in a frame or a register block; 0 for bits, which are counted apart.
  var byteCount: Int {
    @_noLocks @_noAllocation get {
      switch type {
      case .u8, .i8: 1
      case .u16be, .u16le, .i16be, .i16le: 2
      case .u32be, .u32le, .i32be, .i32le, .f32be, .f32leWords, .u32leWords, .i32leWords: 4
      case .bits: 0
      }
    }
  }

  /// The raw number at `at`, or NaN when the bytes end before it does.
  @_noLocks @_noAllocation
  func raw(_ bytes: borrowing Table<UInt8>, at: Int) -> Double {
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
    case .bits: return .nan
    }
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
    guard value >= lowest, value <= highest else { return (value, .invalid(.outOfRange)) }
    return (value, .good)
  }

  /// Whether the device shows this raw value only while it warms up.
  @_noLocks @_noAllocation
  func isWarmUpValue(_ raw: Double) -> Bool {
    for index in 0..<warmUpValues.count where warmUpValues[index] == raw { return true }
    return false
  }
}
