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

/// Which addresses a device has, and what they mean.
private final class RegisterMap: Sendable {
  let speech: ModbusSpeech
  let fields: [Field]
  let writes: [WriteKind]
  /// Which of the profile's variants is played.
  let variant: Int
  let addresses: [RegisterTable: [Range<Int>]]
  /// How many addresses each field takes.
  let widths: [Int]
  /// Address of relay 1.
  let firstRelay: Int

  init(_ speech: ModbusSpeech, _ fields: [Field], _ writes: [WriteKind], variant: Int, _ addresses: [RegisterTable: Set<Int>]) {
    self.speech = speech
    self.fields = fields
    self.writes = writes
    widths = fields.map { field in
      guard case .register(let table, _) = field.location else { return 0 }
      return Registers.width(of: field, in: table)
    }
    self.variant = variant
    self.addresses = addresses.mapValues(Self.ranges)
    firstRelay = writes.lazy.compactMap { if case .coil(let address, _) = $0 { address } else { nil } }.first ?? 0
  }

  /// Whether all of these are there.
  func has(_ table: RegisterTable, _ start: Int, _ count: Int) -> Bool {
    addresses[table]?.contains { $0.contains(start) && start + count <= $0.upperBound } ?? false
  }

  /// With short gaps filled.
  private static func ranges(_ addresses: Set<Int>) -> [Range<Int>] {
    addresses.sorted().reduce(into: []) { ranges, address in
      if let last = ranges.last, address - last.upperBound < Registers.gap {
        ranges[ranges.count - 1] = last.lowerBound..<address + 1
      } else {
        ranges.append(address..<address + 1)
      }
    }
  }
}

/// A device's four tables and its answers.
public struct Registers: Sendable {
  private let map: RegisterMap
  /// Those that are known and those of the relays, from the lowest address on.
  private var coils: [Coil] = []
  private let lowestCoil: Int
  private var stored: [Int: UInt16] = [:]
  /// The latest writes, oldest first, at most 256.
  public private(set) var written: [Written] = []

  /// The longest gap between two known addresses that is filled with zeros.
  static var gap: Int { 8 }

  public init(_ speech: ModbusSpeech, fields: [Field], writes: [WriteKind], variant: Int = 0) {
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
    map = RegisterMap(speech, fields, writes, variant: variant, mapped)
    let known = map.addresses[.coil] ?? [], relays = map.firstRelay..<map.firstRelay + 32
    lowestCoil = min(known.first?.lowerBound ?? relays.lowerBound, relays.lowerBound)
    coils = [Coil](repeating: Coil(), count: max(known.last?.upperBound ?? 0, relays.upperBound) - lowestCoil)
  }

  /// How many addresses a field takes.
  fileprivate static func width(of field: Field, in table: RegisterTable) -> Int {
    if case .bits(let count) = field.type {
      return table == .coil || table == .discrete ? count : (count + 15) / 16
    }
    return max((encoded(0, field).count + 1) / 2, 1)
  }

  private func coil(_ address: Int) -> Coil? {
    coils.indices.contains(address - lowestCoil) ? coils[address - lowestCoil] : nil
  }

  private mutating func setCoil(_ address: Int, _ coil: Coil) {
    if coils.indices.contains(address - lowestCoil) { coils[address - lowestCoil] = coil }
  }

  /// Relay `channel`, counted from 1.
  @inline(__always)
  public func isRelayOn(_ channel: Int, at now: Instant) -> Bool { coil(map.firstRelay + channel - 1)?.isOn(at: now) ?? false }

  /// Without power no relay is held.
  mutating func dropRelays() { for index in coils.indices { coils[index] = Coil() } }

  /// As they were before.
  mutating func setRelays(_ mask: UInt32) { for channel in 1...32 { setRelay(channel, mask >> UInt32(channel - 1) & 1 == 1) } }

  /// Somebody switches a relay by hand.
  mutating func setRelay(_ channel: Int, _ isOn: Bool) { setCoil(map.firstRelay + channel - 1, Coil(on: isOn)) }

  /// All relays, bit 0 is relay 1.
  public func relayMask(at now: Instant) -> UInt32 {
    var mask: UInt32 = 0
    for channel in 1...32 where isRelayOn(channel, at: now) { mask |= 1 << UInt32(channel - 1) }
    return mask
  }

  /// The answer to a request. `values`: one a field, in the profile's order.
  public mutating func answer(_ pdu: [UInt8], values: [Double], at now: Instant) -> [UInt8] {
    guard let function = pdu.first else { return [] }
    // Whole answers; to a write, what was asked, or its beginning.
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
    case .success(let answer): return answer
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

  private func readBits(
    _ table: RegisterTable, _ pdu: [UInt8], _ values: [Double], _ now: Instant
  ) -> Result<[UInt8], Refused> {
    let start = Self.word(pdu, 1), count = Self.word(pdu, 3)
    guard pdu.count == 5, (1...2_000).contains(count), map.speech.bitsPerRead == 0 || count == map.speech.bitsPerRead
    else { return .failure(Refused(.illegalValue)) }
    guard map.has(table, start, count) else { return .failure(Refused(.illegalAddress)) }
    var answer = [UInt8](repeating: 0, count: 2 + (count + 7) / 8)
    answer[0] = pdu[0]
    answer[1] = UInt8(clamping: answer.count - 2)
    func put(_ address: Int) {
      let place = address - start
      if place >= 0, place < count { answer[2 + place / 8] |= 1 << UInt8(place % 8) }
    }
    if table == .coil {
      for address in start..<start + count where coil(address)?.isOn(at: now) ?? false { put(address) }
    } else {
      let fields = map.fields
      for index in fields.indices {
        guard case .register(table, let address) = fields[index].location, stands(index, among: values) else { continue }
        var width = 1
        if case .bits(let n) = fields[index].type { width = min(n, 32) }
        let raw = UInt32(clamped: rawNumber(of: values[index], fields[index]))
        for n in 0..<width where raw >> UInt32(n) & 1 == 1 { put(address + n) }
      }
    }
    return .success(answer)
  }

  /// Whether the device has this field, and the others say that it exists: what one register means may depend on another.
  private func stands(_ index: Int, among values: [Double]) -> Bool {
    let fields = map.fields
    return fields[index].isPlayed(as: map.variant) && fields[index].when.allSatisfy { need in
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
    guard pdu.count == 5, (1...max(map.speech.registersPerRead, 1)).contains(count)
    else { return .failure(Refused(.illegalValue)) }
    guard map.has(table, start, count) else { return .failure(Refused(.illegalAddress)) }
    var answer = [UInt8](repeating: 0, count: 2 + 2 * count)
    answer[0] = pdu[0]
    answer[1] = UInt8(clamping: 2 * count)
    func put(_ address: Int, _ high: UInt8, _ low: UInt8) {
      let place = 2 + 2 * (address - start)
      guard place > 1, place < answer.count else { return }
      answer[place] = high
      answer[place + 1] = low
    }
    let fields = map.fields
    for index in fields.indices {
      guard case .register(let place, let address) = fields[index].location, address < start + count, address + map.widths[index] > start,
        place == table || map.speech.tablesOverlap && !place.isBits, stands(index, among: values)
      else { continue }
      var bytes = encoded(values[index], fields[index])
      if bytes.count % 2 == 1 { bytes.insert(0, at: 0) }
      for n in 0..<bytes.count / 2 { put(address + n, bytes[2 * n], bytes[2 * n + 1]) }
    }
    // What was written there stays.
    if table == .holding || map.speech.tablesOverlap, !stored.isEmpty {
      for address in start..<start + count {
        if let word = stored[address] { put(address, UInt8(word >> 8), UInt8(word & 0xFF)) }
      }
    }
    return .success(answer)
  }

  private mutating func writeCoil(_ pdu: [UInt8], _ now: Instant) -> Result<[UInt8], Refused> {
    let address = Self.word(pdu, 1), value = Self.word(pdu, 3)
    guard pdu.count == 5 else { return .failure(Refused(.illegalValue)) }
    for case .pulse(let base, let count, let unit) in map.writes where (base..<base + count).contains(address) {
      setCoil(map.firstRelay + address - base, Coil(on: value > 0, until: now + unit * Int64(value)))
      note("pulse", address, value, now)
      return .success(pdu)
    }
    guard map.has(.coil, address, 1) else { return .failure(Refused(.illegalAddress)) }
    guard value == 0xFF00 || value == 0 else { return .failure(Refused(.illegalValue)) }
    set(address, value != 0, now)
    return .success(pdu)
  }

  private mutating func set(_ address: Int, _ on: Bool, _ now: Instant) {
    setCoil(address, Coil(on: on))
    note("coil", address, on ? 1 : 0, now)
  }

  private mutating func writeWord(_ pdu: [UInt8], _ now: Instant) -> Result<[UInt8], Refused> {
    let address = Self.word(pdu, 1), value = Self.word(pdu, 3)
    guard pdu.count == 5 else { return .failure(Refused(.illegalValue)) }
    guard map.has(.holding, address, 1) else { return .failure(Refused(.illegalAddress)) }
    store(address, value, now)
    return .success(pdu)
  }

  private mutating func store(_ address: Int, _ value: Int, _ now: Instant) {
    stored[address] = UInt16(truncatingIfNeeded: value)
    note("holding", address, value, now)
  }

  private mutating func writeCoils(_ pdu: [UInt8], _ now: Instant) -> Result<[UInt8], Refused> {
    let start = Self.word(pdu, 1), count = Self.word(pdu, 3)
    guard pdu.count > 5, (1...1_968).contains(count), Int(pdu[5]) == (count + 7) / 8, pdu.count == 6 + Int(pdu[5])
    else { return .failure(Refused(.illegalValue)) }
    guard map.has(.coil, start, count) else { return .failure(Refused(.illegalAddress)) }
    for n in 0..<count { set(start + n, pdu[6 + n / 8] >> UInt8(n % 8) & 1 == 1, now) }
    return .success(Array(pdu[..<5]))
  }

  private mutating func writeWords(_ pdu: [UInt8], _ now: Instant) -> Result<[UInt8], Refused> {
    let start = Self.word(pdu, 1), count = Self.word(pdu, 3)
    guard pdu.count > 5, (1...123).contains(count), Int(pdu[5]) == 2 * count, pdu.count == 6 + 2 * count
    else { return .failure(Refused(.illegalValue)) }
    guard map.has(.holding, start, count) else { return .failure(Refused(.illegalAddress)) }
    for n in 0..<count { store(start + n, Self.word(pdu, 6 + 2 * n), now) }
    return .success(Array(pdu[..<5]))
  }

  private mutating func note(_ what: String, _ address: Int, _ value: Int, _ now: Instant) {
    written.append(Written(at: now, what: what, address: address, value: value))
    if written.count > 256 { written.removeFirst() }
  }
}
