// The Modbus side of a device: which addresses exist, what stands in them, and the answer to each request (PDU without
// unit and check). Which addresses exist follows from the profile: its fields, what it allows to be written, and short
// gaps between them, since real maps are dense where profiles name only what they use.

public import Devices
public import Domain

/// Modbus exception codes.
enum ModbusException: UInt8 {
  case illegalFunction = 1
  case illegalAddress = 2
  case illegalValue = 3
  case deviceFailure = 4
  /// A gateway's word for a device that is not there.
  case targetDidNotRespond = 11
}

/// One coil: set, or on until the board itself switches it off.
public struct Coil: Sendable, Equatable {
  public var on = false
  public var until: Instant = .never

  public func isOn(at now: Instant) -> Bool { on && now < until }
}

/// Something that was written to a device.
public struct Written: Sendable {
  public var at: Instant
  /// `coil`, `pulse` or `holding`.
  public var what: String
  public var address: Int
  /// Coil: 0 or 1. Pulse: as on the wire, in the profile's unit. Register: the word.
  public var value: Int
}

/// A device's four tables and its answers.
public struct Registers: Sendable {
  private let speech: ModbusSpeech
  private let fields: [Field]
  private let writes: [WriteKind]
  /// Which of the profile's variants is played.
  private let variant: Int
  private let mapped: [RegisterTable: Set<Int>]
  public private(set) var coils: [Int: Coil] = [:]
  private var stored: [Int: UInt16] = [:]
  /// The latest writes, oldest first, at most 256.
  public private(set) var written: [Written] = []

  /// The longest gap between two known addresses that is filled with zeros.
  static var gap: Int { 8 }

  public init(_ speech: ModbusSpeech, fields: [Field], writes: [WriteKind], variant: Int = 0) {
    self.variant = variant
    self.speech = speech
    self.fields = fields
    self.writes = writes
    var mapped: [RegisterTable: Set<Int>] = [:]
    for field in fields where field.isPlayed(as: variant) {
      guard case .register(let table, let address) = field.location else { continue }
      mapped[table, default: []].formUnion(address..<address + Self.width(of: field, in: table))
    }
    for write in writes {
      switch write {
      case .coil(let address, let count): mapped[.coil, default: []].formUnion(address..<address + count)
      case .register(let address, _): mapped[.holding, default: []].insert(address)
      case .setting(let address, _, _): mapped[.holding, default: []].insert(address)
      case .pulse, .relay, .bytes, .number: break
      }
    }
    if speech.tablesOverlap {
      let words = (mapped[.holding] ?? []).union(mapped[.input] ?? [])
      mapped[.holding] = words
      mapped[.input] = words
    }
    self.mapped = mapped.mapValues(Self.filled)
    for address in self.mapped[.coil] ?? [] { coils[address] = Coil() }
  }

  /// How many addresses a field takes.
  private static func width(of field: Field, in table: RegisterTable) -> Int {
    if case .bits(let count) = field.type {
      return table == .coil || table == .discrete ? count : (count + 15) / 16
    }
    return max((encoded(0, field).count + 1) / 2, 1)
  }

  private static func filled(_ addresses: Set<Int>) -> Set<Int> {
    var all = addresses
    let sorted = addresses.sorted()
    for (a, b) in zip(sorted, sorted.dropFirst()) where b - a <= gap { all.formUnion(a..<b) }
    return all
  }

  /// Relay `channel`, counted from 1.
  public func isRelayOn(_ channel: Int, at now: Instant) -> Bool {
    coils[firstRelay + channel - 1]?.isOn(at: now) ?? false
  }

  /// Without power no relay is held.
  mutating func dropRelays() { for address in coils.keys { coils[address] = Coil() } }

  /// As they were before.
  mutating func setRelays(_ mask: UInt32) {
    for channel in 1...32 where coils[firstRelay + channel - 1] != nil { setRelay(channel, mask >> UInt32(channel - 1) & 1 == 1) }
  }

  /// Somebody switches a relay by hand.
  mutating func setRelay(_ channel: Int, _ isOn: Bool) { coils[firstRelay + channel - 1] = Coil(on: isOn) }

  /// Address of relay 1.
  private var firstRelay: Int {
    for case .coil(let address, _) in writes { return address }
    return 0
  }

  /// All relays, bit 0 is relay 1.
  public func relayMask(at now: Instant) -> UInt32 {
    let first = firstRelay
    var mask: UInt32 = 0
    for (address, coil) in coils where coil.isOn(at: now) && (first..<first + 32).contains(address) { mask |= 1 << UInt32(address - first) }
    return mask
  }

  /// The answer to a request. `values`: one a field, in the profile's order.
  public mutating func answer(_ pdu: [UInt8], values: [Double], at now: Instant) -> [UInt8] {
    guard let function = pdu.first else { return [] }
    let result: Result<[UInt8], Refused>
    switch function {
    case 1: result = readBits(.coil, pdu, values, now)
    case 2: result = readBits(.discrete, pdu, values, now)
    case 3: result = readWords(.holding, pdu, values)
    case 4: result = readWords(.input, pdu, values)
    case 5: result = writeCoil(pdu, now)
    case 6: result = writeWord(pdu, now)
    case 15: result = writeCoils(pdu, now)
    case 16: result = writeWords(pdu, now)
    default: result = .failure(Refused(.illegalFunction))
    }
    switch result {
    case .success(let rest): return [function] + rest
    case .failure(let refused): return [function | 0x80, refused.code.rawValue]
    }
  }

  private struct Refused: Error {
    var code: ModbusException
    init(_ code: ModbusException) { self.code = code }
  }

  private static func word(_ pdu: [UInt8], _ at: Int) -> Int {
    pdu.count > at + 1 ? Int(pdu[at]) << 8 | Int(pdu[at + 1]) : -1
  }

  private func check(_ table: RegisterTable, _ start: Int, _ count: Int) -> Bool {
    guard let known = mapped[table] else { return false }
    for address in start..<start + count where !known.contains(address) { return false }
    return true
  }

  private func readBits(
    _ table: RegisterTable, _ pdu: [UInt8], _ values: [Double], _ now: Instant
  ) -> Result<[UInt8], Refused> {
    let start = Self.word(pdu, 1), count = Self.word(pdu, 3)
    guard pdu.count == 5, (1...2_000).contains(count), speech.bitsPerRead == 0 || count == speech.bitsPerRead
    else { return .failure(Refused(.illegalValue)) }
    guard check(table, start, count) else { return .failure(Refused(.illegalAddress)) }
    var bytes = [UInt8](repeating: 0, count: (count + 7) / 8)
    func put(_ address: Int) {
      let place = address - start
      if place >= 0, place < count { bytes[place / 8] |= 1 << UInt8(place % 8) }
    }
    if table == .coil {
      for address in start..<start + count where coils[address]?.isOn(at: now) ?? false { put(address) }
    } else {
      for (index, field) in fields.enumerated() where stands(field, among: values) {
        guard case .register(table, let address) = field.location else { continue }
        var width = 1
        if case .bits(let n) = field.type { width = min(n, 32) }
        let raw = UInt32(clamped: rawNumber(of: values[index], field))
        for n in 0..<width where raw >> UInt32(n) & 1 == 1 { put(address + n) }
      }
    }
    return .success([UInt8(bytes.count)] + bytes)
  }

  /// Whether the device has this field, and the others say that it exists: what one register means may depend on another.
  private func stands(_ field: Field, among values: [Double]) -> Bool {
    field.isPlayed(as: variant) && field.when.allSatisfy { need in
      guard fields.indices.contains(need.field) else { return false }
      let raw = UInt32(truncatingIfNeeded: Int64(clamped: rawNumber(of: values[need.field], fields[need.field])))
      return need.conditions.contains { condition in
        switch condition {
        case .equals(let word): raw == word
        case .anyBit(let mask): raw & mask != 0
        }
      }
    }
  }

  private func readWords(_ table: RegisterTable, _ pdu: [UInt8], _ values: [Double]) -> Result<[UInt8], Refused> {
    let start = Self.word(pdu, 1), count = Self.word(pdu, 3)
    guard pdu.count == 5, (1...max(speech.registersPerRead, 1)).contains(count)
    else { return .failure(Refused(.illegalValue)) }
    guard check(table, start, count) else { return .failure(Refused(.illegalAddress)) }
    var answer = [UInt8](repeating: 0, count: 1 + 2 * count)
    answer[0] = UInt8(clamping: 2 * count)
    func put(_ address: Int, _ high: UInt8, _ low: UInt8) {
      let place = 1 + 2 * (address - start)
      guard place > 0, place < answer.count else { return }
      answer[place] = high
      answer[place + 1] = low
    }
    for (index, field) in fields.enumerated() where stands(field, among: values) {
      guard case .register(let place, let address) = field.location, place == table || speech.tablesOverlap && !place.isBits,
        address < start + count
      else { continue }
      var bytes = encoded(values[index], field)
      if bytes.count % 2 == 1 { bytes.insert(0, at: 0) }
      for n in 0..<bytes.count / 2 { put(address + n, bytes[2 * n], bytes[2 * n + 1]) }
    }
    // What was written there stays.
    if table == .holding || speech.tablesOverlap, !stored.isEmpty {
      for address in start..<start + count {
        if let word = stored[address] { put(address, UInt8(word >> 8), UInt8(word & 0xFF)) }
      }
    }
    return .success(answer)
  }

  private mutating func writeCoil(_ pdu: [UInt8], _ now: Instant) -> Result<[UInt8], Refused> {
    let address = Self.word(pdu, 1), value = Self.word(pdu, 3)
    guard pdu.count == 5 else { return .failure(Refused(.illegalValue)) }
    for case .pulse(let base, let count, let unit) in writes where (base..<base + count).contains(address) {
      coils[firstRelay + address - base] = Coil(on: value > 0, until: now + unit * Int64(value))
      note("pulse", address, value, now)
      return .success(Array(pdu.dropFirst()))
    }
    guard check(.coil, address, 1) else { return .failure(Refused(.illegalAddress)) }
    guard value == 0xFF00 || value == 0 else { return .failure(Refused(.illegalValue)) }
    set(address, value != 0, now)
    return .success(Array(pdu.dropFirst()))
  }

  private mutating func set(_ address: Int, _ on: Bool, _ now: Instant) {
    coils[address] = Coil(on: on)
    note("coil", address, on ? 1 : 0, now)
  }

  private mutating func writeWord(_ pdu: [UInt8], _ now: Instant) -> Result<[UInt8], Refused> {
    let address = Self.word(pdu, 1), value = Self.word(pdu, 3)
    guard pdu.count == 5 else { return .failure(Refused(.illegalValue)) }
    guard check(.holding, address, 1) else { return .failure(Refused(.illegalAddress)) }
    store(address, value, now)
    return .success(Array(pdu.dropFirst()))
  }

  private mutating func store(_ address: Int, _ value: Int, _ now: Instant) {
    stored[address] = UInt16(truncatingIfNeeded: value)
    note("holding", address, value, now)
  }

  private mutating func writeCoils(_ pdu: [UInt8], _ now: Instant) -> Result<[UInt8], Refused> {
    let start = Self.word(pdu, 1), count = Self.word(pdu, 3)
    guard pdu.count > 5, (1...1_968).contains(count), Int(pdu[5]) == (count + 7) / 8, pdu.count == 6 + Int(pdu[5])
    else { return .failure(Refused(.illegalValue)) }
    guard check(.coil, start, count) else { return .failure(Refused(.illegalAddress)) }
    for n in 0..<count { set(start + n, pdu[6 + n / 8] >> UInt8(n % 8) & 1 == 1, now) }
    return .success(Array(pdu[1..<5]))
  }

  private mutating func writeWords(_ pdu: [UInt8], _ now: Instant) -> Result<[UInt8], Refused> {
    let start = Self.word(pdu, 1), count = Self.word(pdu, 3)
    guard pdu.count > 5, (1...123).contains(count), Int(pdu[5]) == 2 * count, pdu.count == 6 + 2 * count
    else { return .failure(Refused(.illegalValue)) }
    guard check(.holding, start, count) else { return .failure(Refused(.illegalAddress)) }
    for n in 0..<count { store(start + n, Self.word(pdu, 6 + 2 * n), now) }
    return .success(Array(pdu[1..<5]))
  }

  private mutating func note(_ what: String, _ address: Int, _ value: Int, _ now: Instant) {
    written.append(Written(at: now, what: what, address: address, value: value))
    if written.count > 256 { written.removeFirst() }
  }
}
