// The fields of a profile: place, type, scale, range and what makes a value no value.

import Devices
import Domain

private let types: [(String, NumberType)] = [
  ("u8", .u8), ("i8", .i8), ("u16", .u16be), ("i16", .i16be), ("u16be", .u16be), ("u16le", .u16le), ("i16be", .i16be),
  ("i16le", .i16le), ("u32be", .u32be), ("u32le", .u32le), ("i32be", .i32be), ("i32le", .i32le), ("f32be", .f32be),
  ("f32le_words", .f32leWords), ("u32le_words", .u32leWords), ("i32le_words", .i32leWords),
]

/// What limits where a field can lie.
enum Room {
  /// Bytes of the frame.
  case frame(length: Int)
  case modbus(registersPerRead: Int, bitsPerRead: Int)
}

func readFields(_ entry: Entry, in room: Room) -> [Field]? {
  guard let section = entry.section() else { return nil }
  let named = section.named("field")
  if named.isEmpty { entry.note("found no field, expected at least one") }
  if named.count > 64 { entry.note("found \(named.count) fields, expected at most 64") }
  var fields: [Field] = []
  var spoilers: [(field: Int, reason: Reason, entry: Entry)] = []
  for (name, value) in named.prefix(64) {
    guard let part = value.section() else { continue }
    let conditions = [(Reason.deviceError, part.optional("bad_when")), (.warmingUp, part.optional("warming_up_when"))]
    if let field = readField(name, value, part, room) {
      for (reason, entry) in conditions { if let entry { spoilers.append((fields.count, reason, entry)) } }
      fields.append(field)
    }
    part.close()
  }
  for spoiler in spoilers {
    fields[spoiler.field].badWhen += readSpoilers(spoiler.entry, fields, reason: spoiler.reason)
    let count = fields[spoiler.field].badWhen.count
    if count > Field.badWhenMax {
      spoiler.entry.note("found \(count) conditions of \(fields[spoiler.field].name), expected at most \(Field.badWhenMax)")
    }
  }
  return fields
}

private func readField(_ name: String, _ entry: Entry, _ part: Section, _ room: Room) -> Field? {
  let type = readType(part)
  guard let location = readLocation(entry, part, room) else { return nil }
  if let type { check(type, location, entry, room) }
  let unit = part.optional("unit")?.choice([("channels", Unit.channels)] + Unit.allCases.dropFirst().map { ($0.symbol, $0) })
  if case .channels? = unit, let type {
    var isBits = false
    if case .bits = type { isBits = true }
    if !isBits || part.optional("scale") != nil || part.optional("offset") != nil {
      part.optional("unit")?.note("found channels, expected them of bits1 to bits32 only, without scale and offset")
    }
  }
  let use = part.optional("use")?.choice(Use.allCases.map { ($0.name, $0) })
  let negativeAbove = part.optional("negative_above")
  if let negativeAbove, let type, !isUnsigned(type) { negativeAbove.note("found a type that is not unsigned, expected u8, u16 or u32") }
  let told = part.optional("told")?.choice(Telling.allCases.map { ($0.rawValue, $0) })
  let numbers: (Entry?) -> [Double] = { $0?.list()?.compactMap { $0.number(-4_294_967_296...4_294_967_296) } ?? [] }
  let raws: (Entry?) -> [Double] = { entry in
    let values = numbers(entry)
    if values.count > Field.rawValuesMax { entry?.note("found \(values.count) numbers, expected at most \(Field.rawValuesMax)") }
    return values
  }
  var range: ClosedRange<Double>?
  if let rangeEntry = part.optional("range") {
    let ends = numbers(rangeEntry)
    if ends.count == 2, ends[0] <= ends[1] { range = ends[0]...ends[1] } else { rangeEntry.note("expected [lowest, highest]") }
  }
  var flags: [String: Int] = [:]
  for (bit, value) in part.optional("flags")?.section()?.named("bit, its number") ?? [] {
    guard let number = Int(bit), (0...31).contains(number) else { value.note("found bit \"\(bit)\", expected 0 to 31"); continue }
    guard let flag = value.text() else { continue }
    if wholeNumber(flag) != nil { value.note("found flag \"\(flag)\", expected a name: a number would mean the whole word") }
    if flags[flag] != nil { value.note("found flag \"\(flag)\" twice, expected a name of its own for each bit") }
    flags[flag] = number
  }
  let field = Field(
    name: name, location: location, type: type ?? .u8,
    scale: part.optional("scale")?.number(-1e9...1e9) ?? 1, offset: part.optional("offset")?.number(-1e9...1e9) ?? 0,
    unit: unit ?? .none, use: use ?? .information,
    negativeAbove: negativeAbove?.number(0...4_294_967_295), range: range, sentinels: raws(part.optional("sentinels")),
    absent: raws(part.optional("absent")), warmUpValues: raws(part.optional("warm_up_values")), flags: flags,
    inverted: part.optional("inverted")?.flag() ?? false,
    staleAfter: part.optional("stale_after_s")?.interval(unit: 1, 0.01...86_400, "s"), told: told ?? .always)
  return type == nil ? nil : field
}

private func readType(_ part: Section) -> NumberType? {
  guard let entry = part.required("type") else { return nil }
  if let text = entry.plain, text.hasPrefix("bits"), let count = Int(text.dropFirst(4)), (1...32).contains(count) { return .bits(count) }
  return entry.choice(types + [("bits8", .bits(8))])
}

/// Notes what cannot lie where it is said to.
private func check(_ type: NumberType, _ location: Location, _ entry: Entry, _ room: Room) {
  switch (location, room) {
  case (.frame(let at), .frame(let length)):
    if at + width(type) > length {
      entry.note("ends at byte \(at + width(type)), expected within the frame's \(length) bytes")
    }
    if case .bits(let count) = type, count > 8 { entry.note("found bits\(count), expected bits1 to bits8 in a frame") }
  case (.register(let table, let address), .modbus(let registers, let bits)):
    let count = Field(name: "", location: location, type: type).width
    var isBits = false
    if case .bits = type { isBits = true }
    if table.isBits, !isBits { entry.note("found a number, expected bits1 to bits32: coils and discrete inputs are bits") }
    if address + count > 65_536 { entry.note("ends behind address 65535") }
    if table.isBits, bits > 0, count > bits { entry.note("found \(count) bits, expected at most the \(bits) of bits_per_read") }
    if !table.isBits, count > registers {
      entry.note("found \(count) registers, expected at most the \(registers) of registers_per_read")
    }
  default: break
  }
}

private func readLocation(_ entry: Entry, _ part: Section, _ room: Room) -> Location? {
  if case .frame(let length) = room { return part.required("at")?.whole(0...(length - 1)).map { .frame(at: $0) } }
  let tables: [(String, RegisterTable)] = [("coil", .coil), ("discrete", .discrete), ("holding", .holding), ("input", .input)]
  let found = tables.compactMap { name, table in part.optional(name).map { (table, $0) } }
  guard let (table, address) = found.first, found.count == 1 else {
    return entry.expected("exactly one of coil, discrete, holding or input with an address", nil)
  }
  return address.whole(0...65_535).map { .register(table, address: $0) }
}

/// `{ status_field: [flag, 15000] }`: any of the flags, or the whole word.
private func readSpoilers(_ entry: Entry, _ fields: [Field], reason: Reason) -> [BadWhen] {
  guard let section = entry.section() else { return [] }
  return section.named("status field").flatMap { name, value -> [BadWhen] in
    guard let index = fields.firstIndex(where: { $0.name == name }) else {
      value.note("there is no field \"\(name)\"" + meant(name, fields.map(\.name)))
      return []
    }
    if case .onRequest = fields[index].told { value.note("\(name) is told on_request, expected a field that is asked for") }
    guard let words = wholeWords(fields[index].type) else {
      value.note("\(name) is a floating point number, expected bits or a whole number")
      return []
    }
    let names = fields[index].flags.keys.sorted()
    var mask: UInt32 = 0
    var conditions: [BadWhen] = []
    let entries = value.list() ?? []
    if entries.isEmpty { value.note("found no condition, expected flags or numbers, for example [\(names.first ?? "0")]") }
    for entry in entries {
      if entry.plain.flatMap(wholeNumber) != nil {
        guard let word = entry.whole(words) else { continue }
        conditions.append(BadWhen(field: index, .equals(UInt32(truncatingIfNeeded: word)), reason: reason))
      } else if let flag = entry.reference("flag", names), let bit = fields[index].flags[names[flag]] {
        mask |= 1 << UInt32(bit)
      }
    }
    if mask != 0 { conditions.insert(BadWhen(field: index, .anyBit(mask), reason: reason), at: 0) }
    return conditions
  }
}

/// The numbers a word of this type can be; `nil` for floating point.
private func wholeWords(_ type: NumberType) -> ClosedRange<Int>? {
  switch type {
  case .u8: 0...255
  case .i8: -128...127
  case .u16be, .u16le: 0...65_535
  case .i16be, .i16le: -32_768...32_767
  case .u32be, .u32le, .u32leWords: 0...4_294_967_295
  case .i32be, .i32le, .i32leWords: -2_147_483_648...2_147_483_647
  case .bits(let count): 0...(1 << count) - 1
  case .f32be, .f32leWords: nil
  }
}

private func isUnsigned(_ type: NumberType) -> Bool {
  switch type {
  case .u8, .u16be, .u16le, .u32be, .u32le, .u32leWords: true
  default: false
  }
}

/// Bytes in a frame.
private func width(_ type: NumberType) -> Int {
  switch type {
  case .u8, .i8: 1
  case .u16be, .u16le, .i16be, .i16le: 2
  case .u32be, .u32le, .i32be, .i32le, .f32be, .f32leWords, .u32leWords, .i32leWords: 4
  case .bits(let count): (count + 7) / 8
  }
}
