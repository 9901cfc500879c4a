// The fields of a profile: place, type, scale, range and what makes a value no value.

import Devices
import Domain

private let types: [(String, NumberType)] = [
  ("u8", .u8), ("i8", .i8), ("u16", .u16be), ("i16", .i16be), ("u16be", .u16be), ("u16le", .u16le), ("i16be", .i16be),
  ("i16le", .i16le), ("u32be", .u32be), ("u32le", .u32le), ("i32be", .i32be), ("i32le", .i32le), ("f32be", .f32be),
  ("f32le_words", .f32leWords), ("u32le_words", .u32leWords), ("i32le_words", .i32leWords),
]

func readFields(_ entry: Entry, frameLength: Int?) -> [Field]? {
  guard let section = entry.section() else { return nil }
  let named = section.named("field")
  if named.isEmpty { entry.note("found no field, expected at least one") }
  if named.count > 64 { entry.note("found \(named.count) fields, expected at most 64") }
  var fields: [Field] = []
  var spoilers: [(field: Int, entry: Entry)] = []
  for (name, value) in named.prefix(64) {
    guard let part = value.section() else { continue }
    if let spoiler = part.optional("bad_when") { spoilers.append((fields.count, spoiler)) }
    if let field = readField(name, value, part, frameLength) { fields.append(field) } else { spoilers.removeAll { $0.field == fields.count } }
    part.close()
  }
  for spoiler in spoilers { fields[spoiler.field].badWhen = readSpoilers(spoiler.entry, fields) }
  return fields
}

private func readField(_ name: String, _ entry: Entry, _ part: Section, _ frameLength: Int?) -> Field? {
  let type = readType(part)
  guard let location = readLocation(entry, part, frameLength) else { return nil }
  if let frameLength, let type, case .frame(let at) = location, at + width(type) > frameLength {
    entry.note("ends at byte \(at + width(type)), expected within the frame's \(frameLength) bytes")
  }
  let unit = part.optional("unit")?.choice([("channels", Unit.channels)] + Unit.allCases.dropFirst().map { ($0.symbol, $0) })
  let use = part.optional("use")?.choice(Use.allCases.map { ($0.name, $0) })
  let numbers: (Entry?) -> [Double] = { $0?.list()?.compactMap { $0.number(-4_294_967_296...4_294_967_296) } ?? [] }
  var range: ClosedRange<Double>?
  if let rangeEntry = part.optional("range") {
    let ends = numbers(rangeEntry)
    if ends.count == 2, ends[0] <= ends[1] { range = ends[0]...ends[1] } else { rangeEntry.note("expected [lowest, highest]") }
  }
  var flags: [String: Int] = [:]
  for (bit, value) in part.optional("flags")?.section()?.named("bit, its number") ?? [] {
    guard let number = Int(bit), (0...31).contains(number) else { value.note("found bit \"\(bit)\", expected 0 to 31"); continue }
    if let flag = value.text() { flags[flag] = number }
  }
  let field = Field(
    name: name, location: location, type: type ?? .u8,
    scale: part.optional("scale")?.number(-1e9...1e9) ?? 1, offset: part.optional("offset")?.number(-1e9...1e9) ?? 0,
    unit: unit ?? .none, use: use ?? .information, range: range, sentinels: numbers(part.optional("sentinels")),
    warmUpValues: numbers(part.optional("warm_up_values")), flags: flags,
    inverted: part.optional("inverted")?.flag() ?? false,
    staleAfter: part.optional("stale_after_s")?.interval(unit: 1, 0.01...86_400, "s"))
  return type == nil ? nil : field
}

private func readType(_ part: Section) -> NumberType? {
  guard let entry = part.required("type") else { return nil }
  if let text = entry.plain, text.hasPrefix("bits"), let count = Int(text.dropFirst(4)), (1...32).contains(count) { return .bits(count) }
  return entry.choice(types + [("bits8", .bits(8))])
}

private func readLocation(_ entry: Entry, _ part: Section, _ frameLength: Int?) -> Location? {
  if let frameLength { return part.required("at")?.whole(0...(frameLength - 1)).map { .frame(at: $0) } }
  let tables: [(String, RegisterTable)] = [("coil", .coil), ("discrete", .discrete), ("holding", .holding), ("input", .input)]
  let found = tables.compactMap { name, table in part.optional(name).map { (table, $0) } }
  guard let (table, address) = found.first, found.count == 1 else {
    return entry.expected("exactly one of coil, discrete, holding or input with an address", nil)
  }
  return address.whole(0...65_535).map { .register(table, address: $0) }
}

private func readSpoilers(_ entry: Entry, _ fields: [Field]) -> [BadWhen] {
  guard let section = entry.section() else { return [] }
  return section.named("status field").compactMap { name, value in
    guard let index = fields.firstIndex(where: { $0.name == name }) else {
      value.note("there is no field \"\(name)\"" + meant(name, fields.map(\.name)))
      return nil
    }
    let names = fields[index].flags.keys.sorted()
    let mask = (value.list() ?? []).reduce(UInt32(0)) { mask, flag in
      flag.reference("flag", names).flatMap { fields[index].flags[names[$0]] }.map { mask | 1 << UInt32($0) } ?? mask
    }
    return BadWhen(field: index, mask: mask)
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
