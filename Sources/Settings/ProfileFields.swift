// The fields of a profile: place, type, scale, range and what makes a value no value. Fields of variants are fields of
// their own with the same name.

import Devices
import Domain

/// Numbers, by name.
let numberTypes: [(String, NumberType)] = [
  ("u8", .u8), ("i8", .i8), ("u16", .u16be), ("i16", .i16be), ("u16be", .u16be), ("u16le", .u16le), ("i16be", .i16be),
  ("i16le", .i16le), ("u24be", .u24be), ("u24le", .u24le), ("u32be", .u32be), ("u32le", .u32le), ("i32be", .i32be),
  ("i32le", .i32le), ("f32be", .f32be), ("f32le", .f32le), ("f32le_words", .f32leWords), ("u32le_words", .u32leWords),
  ("i32le_words", .i32leWords), ("f32be_swapped", .f32beSwapped), ("u32be_swapped", .u32beSwapped),
  ("i32be_swapped", .i32beSwapped), ("u64be", .u64be), ("i64be", .i64be), ("f64be", .f64be), ("f64le_words", .f64leWords),
]

/// What limits where a field can lie.
enum Room {
  case frames([Framing])
  case modbus(registersPerRead: Int, bitsPerRead: Int)
}

/// The most fields of a profile, those of its variants included.
private let fieldsMax = 256

/// A field and what of it names other fields, which are known when all are read.
private struct Draft {
  var field: Field
  var part: Section
}

func readFields(_ entry: Entry, in room: Room, variants: [String]) -> [Field]? {
  guard let section = entry.section() else { return nil }
  let named = section.named("field")
  if named.isEmpty { entry.note("found no field, expected at least one") }
  if named.count > 128 { entry.note("found \(named.count) fields, expected at most 128") }
  var drafts: [Draft] = []
  for (name, value) in named.prefix(128) { drafts += readField(name, value, room, variants) }
  if drafts.count > fieldsMax {
    entry.note("found \(drafts.count) fields with those of the variants, expected at most \(fieldsMax)")
    drafts.removeLast(drafts.count - fieldsMax)
  }
  var fields = drafts.map(\.field)
  for (index, draft) in drafts.enumerated() {
    readReferences(draft, index, &fields, room)
    draft.part.close()
  }
  checkSerialNumber(fields, drafts)
  checkUses(fields, drafts)
  for (index, field) in fields.enumerated() {
    guard let other = field.multiplier?.field, fields[other].multiplier != nil else { continue }
    (drafts[index].part.optional("times") ?? drafts[index].part.optional("scale_by"))?
      .note("found \(fields[other].name), which has a factor of its own, expected one that has none")
  }
  return fields
}

/// Notes a second field of one use that is there whenever the first is: a rule would take now one and now the other.
private func checkUses(_ fields: [Field], _ drafts: [Draft]) {
  func isAlways(_ field: Field) -> Bool { field.when.isEmpty && field.readWhen.isEmpty }
  for (index, field) in fields.enumerated() where field.use != .information && field.use != .status && isAlways(field) {
    let isSame = { (other: Field) in
      other.use == field.use && isAlways(other) && other.variants & field.variants != 0 && other.frames & field.frames != 0
    }
    guard let first = fields[..<index].first(where: isSame), first.name != field.name else { continue }
    drafts[index].part.optional("use")?.note("found \(field.use.name) a second time, expected it once: \(first.name) has it")
  }
}

/// Notes a serial number that is not always there, or no text and no whole number.
private func checkSerialNumber(_ fields: [Field], _ drafts: [Draft]) {
  let marked = fields.indices.filter { fields[$0].isSerialNumber }
  for index in marked {
    let field = fields[index]
    guard let entry = drafts[index].part.optional("serial_number") else { continue }
    let isAsSent = field.scale == 1 && field.offset == 0 && field.reciprocal == nil && field.multiplier == nil && field.array == nil
    if index != marked[0], field.name != fields[marked[0]].name {
      entry.note("found a second serial number, expected one: \(fields[marked[0]].name) is one already")
    } else if field.variants != .max || !field.when.isEmpty {
      entry.note("found a field that not every device has alike, expected one without only, by_variant and when")
    } else if field.personal || field.told == .never {
      entry.note("found a field that nobody is told, expected one without personal and told never")
    } else if !field.type.isText, serialNumbers(field.type) == nil || !isAsSent {
      entry.note("found a number with a fraction or a scale, expected text or a whole number as it is sent")
    }
  }
}

/// The serial numbers that a field of this type can tell; `nil`: it tells none, or text.
func serialNumbers(_ type: NumberType) -> ClosedRange<Int>? {
  switch type {
  // As far as a raw number is exact.
  case .u64be, .i64be: 0...9_007_199_254_740_991
  case .decimal: 0...999_999_999_999_999
  default: wholeWords(type)
  }
}

extension NumberType {
  /// How many characters a text of this type has at most.
  var textRoom: Int {
    switch self {
    case .ascii(let count), .utf16le(let count): count
    default: 0
    }
  }
}

/// A field, and one more for each variant that has it otherwise.
private func readField(_ name: String, _ entry: Entry, _ room: Room, _ variants: [String]) -> [Draft] {
  guard let part = entry.section() else { return [] }
  let all = variants.isEmpty ? UInt32.max : 1 << UInt32(variants.count) - 1
  var mask = all
  if let only = part.optional("only") {
    mask = (only.list() ?? []).reduce(0) { mask, value in
      value.reference("variant", variants).map { mask | 1 << UInt32($0) } ?? mask
    }
  }
  var drafts: [Draft] = []
  for (variant, value) in part.optional("by_variant")?.section()?.titled("variant") ?? [] {
    guard let index = variants.firstIndex(of: variant) else {
      value.note("there is no variant \"\(variant)\"" + meant(variant, variants))
      continue
    }
    mask &= ~(1 << UInt32(index))
    guard let own = value.section() else { continue }
    let whole = Section(part, replacedBy: own, without: ["by_variant", "only"])
    if var field = readField(name, value, whole, room) {
      field.variants = 1 << UInt32(index)
      drafts.append(Draft(field: field, part: whole))
    }
  }
  guard var field = readField(name, entry, part, room) else { return drafts }
  field.variants = mask == all ? .max : mask
  return mask == 0 ? drafts : [Draft(field: field, part: part)] + drafts
}

private func readField(_ name: String, _ entry: Entry, _ part: Section, _ room: Room) -> Field? {
  guard let location = readLocation(entry, part, room) else { return nil }
  let type = readType(part, location)
  let frames = readFrames(part, room)
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
  if let negativeAbove, let type, !isUnsigned(type) { negativeAbove.note("found a type that is not unsigned, expected u8, u16, u24 or u32") }
  let lowest = negativeAbove == nil ? 0 : -4_294_967_296.0
  let told = part.optional("told")?.choice(Telling.allCases.map { ($0.rawValue, $0) })
  var field = Field(
    name: name, location: location, type: type ?? .u8, scale: part.optional("scale")?.number(-1e9...1e9) ?? 1,
    offset: part.optional("offset")?.number(-1e9...1e9) ?? 0, unit: unit ?? .none, use: use ?? .information,
    negativeAbove: negativeAbove?.number(0...4_294_967_295), range: part.optional("range")?.ends(),
    sentinels: readRaws(part.optional("sentinels"), type, lowest: lowest), absent: readRaws(part.optional("absent"), type, lowest: lowest),
    warmUpValues: readRaws(part.optional("warm_up_values"), type, lowest: lowest), flags: readFlags(part.optional("flags")),
    inverted: part.optional("inverted")?.flag() ?? false,
    staleAfter: part.optional("stale_after_s")?.interval(unit: 1, 0.01...864_000, "s"), told: told ?? .always)
  field.frames = frames
  field.reciprocal = part.optional("reciprocal")?.number(1e-9...1e12)
  field.outside = part.optional("outside")?.choice(Outside.allCases.map { ($0.rawValue, $0) }) ?? .invalid
  field.skipFirst = part.optional("skip_first")?.whole(1...1_000) ?? 0
  field.response = part.optional("response_s")?.interval(unit: 1, 0.01...3_600, "s")
  field.debounce = part.optional("debounce_ms")?.interval(unit: 1e-3, 1...60_000, "ms")
  field.personal = part.optional("personal")?.flag() ?? false
  field.isSerialNumber = part.optional("serial_number")?.flag() ?? false
  field.array = part.optional("array").flatMap(readArray)
  if case .modbus = room { field.every = part.optional("every_s")?.interval(unit: 1, 0.1...86_400, "s") }
  if let digits = part.optional("digits") {
    field.digits = digits.whole(1...15) ?? 0
    if case .after = location {} else { digits.note("found digits, expected them of a number behind a key (after) only") }
  }
  if field.reciprocal != nil, let other = part.optional("scale") ?? part.optional("offset") {
    other.note("found it beside reciprocal, expected one of them: value = reciprocal / raw")
  }
  if let use, let unit = use.unit, field.unit != unit {
    part.optional("use")?.note("found \(use.name) in \(field.unit == .none ? "no unit" : field.unit.symbol), expected unit: \(unit == .channels ? "channels" : unit.symbol)")
  }
  checkFlags(field, part)
  if let type { checkRange(field, type, part) }
  if field.scale == 0 { part.optional("scale")?.note("found 0, expected another number: all values would be the same") }
  if let type { check(type, field, entry, room) }
  if type == nil { part.noteMisspelt("type") }
  return type == nil ? nil : field
}

private func readRaws(_ entry: Entry?, _ type: NumberType?, lowest: Double) -> [Double] {
  var words: ClosedRange<Int>?
  if let type, type != .decimal { words = wholeWords(type) }
  let values = (entry?.list() ?? []).compactMap { item -> Double? in
    guard let raw = item.number(-4_294_967_296...4_294_967_296) else { return nil }
    if let words, raw != raw.rounded() || raw > Double(words.upperBound) || raw < min(Double(words.lowerBound), lowest) {
      item.note("found \(item.plain ?? "\(raw)"), expected a number that this type can be: it is compared before scale and offset")
    }
    return raw
  }
  if values.count > Field.rawValuesMax { entry?.note("found \(values.count) numbers, expected at most \(Field.rawValuesMax)") }
  return values
}

/// Notes flags of bits that the word has not.
private func checkFlags(_ field: Field, _ part: Section) {
  guard let words = wholeWords(field.type), let highest = field.flags.values.max(), highest < 32 else { return }
  let bits = words.lowerBound < 0 ? 32 : Int.bitWidth - words.upperBound.leadingZeroBitCount
  if highest >= bits { part.optional("flags")?.note("found bit \(highest), expected 0 to \(bits - 1)") }
}

/// Notes a range in which no value can lie, and raw numbers that mean two things.
private func checkRange(_ field: Field, _ type: NumberType, _ part: Section) {
  for raw in field.absent where field.sentinels.contains(raw) {
    part.optional("absent")?.note("found \(shortest(raw)) among the sentinels too, expected it once: no value, or no such sensor")
  }
  guard let range = field.range, let words = wholeWords(type), type != .decimal, field.reciprocal == nil, part.optional("scale_by") == nil,
    part.optional("times") == nil
  else { return }
  let lowest = field.negativeAbove == nil ? Double(words.lowerBound) : -Double(words.upperBound)
  let ends = [lowest, Double(words.upperBound)].map { $0 * field.scale + field.offset }
  guard range.lowerBound > (ends.max() ?? 0) || range.upperBound < (ends.min() ?? 0) else { return }
  part.optional("range")?.note(
    "found \(shortest(range.lowerBound)) to \(shortest(range.upperBound)), where no value of this type can lie: \(shortest(ends.min() ?? 0)) to \(shortest(ends.max() ?? 0))")
}

private func readFlags(_ entry: Entry?) -> [String: Int] {
  var flags: [String: Int] = [:]
  for (bit, value) in entry?.section()?.titled("bit, its number") ?? [] {
    guard let number = wholeNumber(bit), (0...31).contains(number) else { value.note("found bit \"\(bit)\", expected 0 to 31"); continue }
    guard let flag = value.text() else { continue }
    if wholeNumber(flag) != nil { value.note("found flag \"\(flag)\", expected a name: a number would mean the whole word") }
    if flags[flag] != nil { value.note("found flag \"\(flag)\" twice, expected a name of its own for each bit") }
    flags[flag] = number
  }
  return flags
}

private func readArray(_ entry: Entry) -> ArrayShape? {
  guard let section = entry.section() else { return nil }
  defer { section.close() }
  let count = section.required("count")?.whole(1...4_096)
  let columns = section.optional("columns").map { $0.whole(1...4_096) } ?? count
  let reducers: [(String, ArrayShape.Reducer)] =
    [("max", .max), ("min", .min), ("mean", .mean)] + (1...99).map { ("percentile_\($0)", .percentile($0)) }
  let word = section.required("reduce")
  let reducer = word?.plain.flatMap { text in reducers.first { $0.0 == text } }?.1
  if reducer == nil { word?.note("found \(word?.found ?? ""), expected max, min, mean or percentile_1 to percentile_99") }
  func part(_ name: String, _ most: Int) -> ClosedRange<Int>? {
    guard let value = section.optional(name) else { return 0...max(0, most - 1) }
    let ends = value.list()?.compactMap { $0.whole(1...max(1, most)) } ?? []
    guard ends.count == 2, ends[0] <= ends[1] else { return value.expected("[first, last], from 1 to \(most)", nil) }
    return ends[0] - 1...ends[1] - 1
  }
  guard let count, let columns, columns > 0 else { return nil }
  if count % columns != 0 { entry.note("found \(count) numbers in \(columns) columns, expected whole rows") }
  let rows = part("rows", count / columns)
  let region = part("region", columns)
  let mirrored = section.optional("mirrored")?.flag() ?? false
  guard let reducer, let rows, let region, count % columns == 0 else { return nil }
  return ArrayShape(count: count, columns: columns, rows: rows, region: region, isMirrored: mirrored, reducer: reducer)
}

/// Which frames hold the field.
private func readFrames(_ part: Section, _ room: Room) -> UInt32 {
  guard case .frames(let frames) = room, let entry = part.optional("in") else { return .max }
  let names = frames.map(\.name)
  let entries = entry.plain == nil ? entry.list() ?? [] : [entry]
  return entries.reduce(0) { mask, entry in entry.reference("frame", names).map { mask | 1 << UInt32($0) } ?? mask }
}

private func readType(_ part: Section, _ location: Location) -> NumberType? {
  if case .after = location {
    let entry = part.optional("type")
    if let entry, entry.plain != "decimal" { return entry.expected("decimal: it is a number in digits", nil) }
    return .decimal
  }
  guard let entry = part.required("type") else { return nil }
  switch location {
  case .line, .head: return entry.choice([("text", .ascii(Framing.lengthMax))])
  default: break
  }
  if let text = entry.plain {
    func sized(_ name: String, _ most: Int) -> Int? {
      guard text.hasPrefix(name), let count = Int(text.dropFirst(name.count)), (1...most).contains(count) else { return nil }
      return count
    }
    if let count = sized("bits", 32) { return .bits(count) }
    if let count = sized("ascii", 255) { return .ascii(count) }
    if let count = sized("utf16le", 127) { return .utf16le(count) }
  }
  return entry.choice(numberTypes + [("bits8", .bits(8)), ("ascii16", .ascii(16)), ("utf16le8", .utf16le(8))])
}

/// Notes what cannot lie where it is said to.
private func check(_ type: NumberType, _ field: Field, _ entry: Entry, _ room: Room) {
  switch (field.location, room) {
  case (.frame(let at), .frames(let frames)):
    let holders = frames.indices.filter { field.frames >> UInt32($0) & 1 == 1 }.map { frames[$0] }
    guard !holders.isEmpty else { return }
    let length = holders.map(\.longest).max() ?? 0
    // Where the check and the end of a frame begin, no field lies.
    if holders.allSatisfy({ $0.isInTrailer(at, type.width * (field.array?.count ?? 1)) }) {
      entry.note("lies where the check or the end of the frame stands, expected another place: it would never have a value")
    }
    let end = at < 0 ? type.width : at + type.width * (field.array?.count ?? 1)
    if end > length || (at < 0 && -at < type.width) {
      entry.note("ends at byte \(at + type.width * (field.array?.count ?? 1)), expected within the frame's \(length) bytes")
    }
    if case .bits(let count) = type, count > 8 { entry.note("found bits\(count), expected bits1 to bits8 in a frame") }
    if field.array != nil {
      switch type {
      case .u8, .i8, .u16be, .u16le, .i16be, .i16le: break
      default: entry.note("found an array of this type, expected u8, i8, u16 or i16")
      }
    }
  case (.register(let table, let address), .modbus(let registers, let bits)):
    let count = Field(name: "", location: field.location, type: type).width
    var isBits = false
    if case .bits = type { isBits = true }
    if table.isBits, !isBits { entry.note("found a number, expected bits1 to bits32: coils and discrete inputs are bits") }
    if address + count > 65_536 { entry.note("ends behind address 65535") }
    if table.isBits, bits > 0, count > bits { entry.note("found \(count) bits, expected at most the \(bits) of bits_per_read") }
    if !table.isBits, count > registers {
      entry.note("found \(count) registers, expected at most the \(registers) of registers_per_read")
    }
    if field.array != nil { entry.note("found an array, expected none: only frames hold them") }
    if type == .u24be || type == .u24le { entry.note("found three bytes, expected a whole number of registers: u24 stands in frames only") }
  default: break
  }
}

private func readLocation(_ entry: Entry, _ part: Section, _ room: Room) -> Location? {
  if case .frames(let frames) = room {
    if let after = part.optional("after") {
      return after.text().flatMap { after.expected("1 to 4 characters", Location.Key($0)).map { .after($0) } }
    }
    guard let at = part.required("at") else { return nil }
    if at.plain == "line" { return .line }
    if at.plain == "head" { return .head }
    let most = frames.map(\.longest).max() ?? 1
    return at.whole(-most...max(0, most - 1)).map { .frame(at: $0) }
  }
  let tables: [(String, RegisterTable)] = [("coil", .coil), ("discrete", .discrete), ("holding", .holding), ("input", .input)]
  let found = tables.compactMap { name, table in part.optional(name).map { (table, $0) } }
  guard let (table, address) = found.first, found.count == 1 else {
    return entry.expected("exactly one of coil, discrete, holding or input with an address", nil)
  }
  return address.whole(0...65_535).map { .register(table, address: $0) }
}

// MARK: What names other fields

private func readReferences(_ draft: Draft, _ index: Int, _ fields: inout [Field], _ room: Room) {
  let own = fields[index].variants
  for (reason, name) in [(Reason.deviceError, "bad_when"), (.warmingUp, "warming_up_when")] {
    guard let entry = draft.part.optional(name) else { continue }
    fields[index].badWhen += readConditions(entry, fields, own, mustBeAsked: true).flatMap { need in
      need.conditions.map { BadWhen(field: need.field, $0, reason: reason) }
    }
    let count = fields[index].badWhen.count
    if count > Field.badWhenMax {
      entry.note("found \(count) conditions of \(fields[index].name), expected at most \(Field.badWhenMax)")
    }
  }
  if let entry = draft.part.optional("when") { fields[index].when = readConditions(entry, fields, own, mustBeAsked: false) }
  if case .modbus = room, let entry = draft.part.optional("read_when") { fields[index].readWhen = readConditions(entry, fields, own, mustBeAsked: true) }
  if let times = draft.part.optional("times"), let name = times.text(), let other = times.fieldIndex(name, fields, own) {
    if other == index || fields[other].type.isText {
      times.note("found \(name), expected another field, a number")
    } else {
      fields[index].multiplier = Multiplier(field: other)
    }
  }
  if let scaling = draft.part.optional("scale_by")?.section() {
    if fields[index].multiplier != nil { scaling.entry.note("found times and scale_by, expected one of them") }
    fields[index].multiplier = readMultiplier(scaling, fields, own)
    scaling.close()
  }
}

private func readMultiplier(_ section: Section, _ fields: [Field], _ own: UInt32) -> Multiplier? {
  let other = section.required("field").flatMap { entry in entry.text().flatMap { entry.fieldIndex($0, fields, own) } }
  var factors: [Double: Double] = [:]
  for (raw, value) in section.required("factors")?.section()?.titled("raw number") ?? [] {
    guard let number = Double(raw) ?? wholeNumber(raw).map(Double.init) else {
      value.note("found \"\(raw)\", expected a raw number")
      continue
    }
    factors[number] = value.number(-1e12...1e12)
  }
  let otherwise = section.optional("otherwise")?.number(-1e12...1e12)
  return other.map { Multiplier(field: $0, factors: factors, otherwise: otherwise) }
}

extension Entry {
  /// The field of this name that a field of these variants means.
  func fieldIndex(_ name: String, _ fields: [Field], _ variants: UInt32 = .max) -> Int? {
    let same = fields.indices.filter { fields[$0].name == name }
    if let index = same.first(where: { fields[$0].variants & variants == variants }) ?? same.first(where: { fields[$0].variants & variants != 0 }) {
      return index
    }
    note("there is no field \"\(name)\"" + meant(name, fields.map(\.name)))
    return nil
  }
}

/// `{ field: [flag, 15000] }` of any fields.
func readNeeds(_ entry: Entry, _ fields: [Field]) -> [Need] { readConditions(entry, fields, .max, mustBeAsked: false) }

/// `{ status_field: [flag, 15000] }`: any of the flags, or the whole word.
private func readConditions(_ entry: Entry, _ fields: [Field], _ variants: UInt32, mustBeAsked: Bool) -> [Need] {
  guard let section = entry.section() else { return [] }
  return section.named("status field").compactMap { name, value -> Need? in
    guard let index = value.fieldIndex(name, fields, variants) else { return nil }
    if mustBeAsked, case .onRequest = fields[index].told {
      value.note("\(name) is told on_request, expected a field that is asked for")
    }
    guard let words = wholeWords(fields[index].type) else {
      value.note("\(name) is a floating point number, expected bits or a whole number")
      return nil
    }
    let names = fields[index].flags.keys.sorted()
    var mask: UInt32 = 0
    var conditions: [BadWhen.Condition] = []
    let entries = value.list() ?? []
    if entries.isEmpty { value.note("found no condition, expected flags or numbers, for example [\(names.first ?? "0")]") }
    for entry in entries {
      if entry.plain.flatMap(wholeNumber) != nil {
        guard let word = entry.whole(words) else { continue }
        conditions.append(.equals(UInt32(truncatingIfNeeded: word)))
      } else if let flag = entry.reference("flag", names), let bit = fields[index].flags[names[flag]] {
        mask |= 1 << UInt32(bit)
      }
    }
    if mask != 0 { conditions.insert(.anyBit(mask), at: 0) }
    return Need(field: index, conditions)
  }
}

/// The numbers a word of this type can be; `nil` for floating point and text.
private func wholeWords(_ type: NumberType) -> ClosedRange<Int>? {
  switch type {
  case .u8: 0...255
  case .i8: -128...127
  case .u16be, .u16le: 0...65_535
  case .i16be, .i16le: -32_768...32_767
  case .u24be, .u24le: 0...16_777_215
  case .u32be, .u32le, .u32leWords, .u32beSwapped: 0...4_294_967_295
  case .i32be, .i32le, .i32leWords, .i32beSwapped: -2_147_483_648...2_147_483_647
  case .bits(let count): 0...(1 << count) - 1
  case .decimal: 0...4_294_967_295
  case .f32be, .f32le, .f32leWords, .f32beSwapped, .f64be, .f64leWords, .u64be, .i64be, .ascii, .utf16le: nil
  }
}

private func isUnsigned(_ type: NumberType) -> Bool {
  switch type {
  case .u8, .u16be, .u16le, .u24be, .u24le, .u32be, .u32le, .u32leWords, .u32beSwapped: true
  default: false
  }
}
