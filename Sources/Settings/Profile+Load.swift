// Profiles from YAML. The grammar is docs/profile-format.md; the vocabulary is Devices/Profile.swift. Offsets are
// checked against the frame and names against each other, so that a profile that loads can run.

public import Devices
import Domain
import Foundation

extension Profile {
  /// Reads one profile; its id must be the file's name.
  public static func load(file: String) throws(Problems) -> Profile {
    let name = URL(filePath: file).lastPathComponent
    let text = try readText(file)
    let profile = try parse(text, file: file)
    guard name == profile.id + ".yaml" else {
      throw Problems([
        Problem(file: file, line: 1, column: 1, path: "id", message: "found \"\(profile.id)\", expected the file's name without .yaml")
      ])
    }
    return profile
  }

  /// Reads a profile's text; `file` is for messages.
  public static func parse(_ text: String, file: String) throws(Problems) -> Profile {
    let book = ProblemBook(file: file)
    let profile = openDocument(text, book).flatMap { readProfile($0) }
    guard let profile, book.problems.isEmpty else { throw Problems(book.problems) }
    return profile
  }
}

private enum Kind { case serial, hid, modbus }

private func readProfile(_ top: Section) -> Profile? {
  let id = top.required("id")?.text()
  let maker = top.required("maker")?.text()
  let model = top.required("model")?.text()
  let kind = top.required("kind")?.text()
  let source = top.required("source")?.text()
  let proof = top.required("proof")?.choice(Proof.allCases.map { ($0.rawValue, $0) })
  let notes = top.optional("notes")?.list()?.compactMap { $0.text() } ?? []
  let transportKind = top.required("transport")?.choice([("serial", Kind.serial), ("hid", .hid), ("modbus", .modbus)])
  var line: Line? = Line(baud: 9_600)
  if transportKind != .hid { line = top.required("line").flatMap { readLine($0, over: nil) } }
  let usb = (transportKind == .hid ? top.required("usb") : top.optional("usb"))?.list()?.compactMap(readUSB) ?? []
  if transportKind == .hid, usb.isEmpty { top.optional("usb")?.note("found no device, expected at least one { vid: …, pid: … }") }
  let power = top.required("power")?.section()
  let poweredBy = power?.required("powered_by")?.choice(Power.allCases.map { ($0.rawValue, $0) })
  let warmUp = power?.required("warm_up_s")?.interval(unit: 1, 0...86_400, "s")
  power?.close()
  let turnaround = top.optional("turnaround_ms")?.interval(unit: 1e-3, 1...10_000, "ms")
  let variantEntries = top.optional("variants")?.section()?.titled("variant") ?? []
  if variantEntries.count > Variant.most {
    top.entry.note("found \(variantEntries.count) variants, expected at most \(Variant.most)")
  }
  let names = variantEntries.prefix(Variant.most).map(\.name)
  let fieldEntry = top.required("fields")
  var transport: Transport?
  var fields: [Field] = []
  switch transportKind {
  case .serial, .hid:
    guard var speech = readSpeech(top, isPackets: transportKind == .hid) else {
      top.abandon()
      break
    }
    let room = Room.frames(speech.frames)
    fields = fieldEntry.flatMap { readFields($0, in: room, variants: names) } ?? []
    speech.requests = readRequests(top.optional("requests"), &fields, speech.asked, isPackets: transportKind == .hid)
    if let fieldEntry { checkSerialNumber(fieldEntry, fields, speech.speech) }
    if transportKind == .hid {
      transport = readReports(top, usb).map { .hid(speech.speech, $0) }
    } else {
      transport = .serial(speech.speech)
    }
  case .modbus:
    guard let speech = readModbus(top) else { break }
    let room = Room.modbus(registersPerRead: speech.registersPerRead, bitsPerRead: speech.bitsPerRead)
    fields = fieldEntry.flatMap { readFields($0, in: room, variants: names) } ?? []
    transport = .modbus(speech)
  case nil: break
  }
  let variants = readVariants(variantEntries, fields)
  let writes = top.optional("writes")?.section().map { readWrites($0, isModbus: transportKind == .modbus) } ?? []
  if transportKind != nil { top.close() }
  let isNeverAsked = fields.allSatisfy { if case .onRequest = $0.told { true } else { false } }
  if let fieldEntry, transportKind == .modbus, !fields.isEmpty, isNeverAsked {
    fieldEntry.note("found only fields told on_request, expected one that is asked for")
  }
  if let warmUp, warmUp.ns == 0, fields.contains(where: { !$0.warmUpValues.isEmpty }) {
    power?.entry.note("found warm_up_s: 0 and warm_up_values, expected the time for which those values may be shown")
  }
  guard let id, let maker, let model, let kind, let source, let proof, let transport, let line, let poweredBy, let warmUp
  else { return nil }
  var profile = Profile(
    id: id, maker: maker, model: model, kind: kind, source: source, proof: proof, notes: notes, transport: transport,
    line: line, power: poweredBy, warmUp: warmUp, fields: fields, writes: writes, variants: variants, usb: usb)
  if let turnaround { profile.turnaround = turnaround }
  return profile
}

/// Notes a serial number that a device in frames cannot be asked for.
private func checkSerialNumber(_ entry: Entry, _ fields: [Field], _ speech: FrameSpeech) {
  guard let field = fields.first(where: \.isSerialNumber) else { return }
  if !speech.isAsked {
    entry.note("found serial_number of \(field.name), expected none: the device speaks unasked, so nobody can ask it which one it is")
  } else if speech.request(telling: field) == nil {
    entry.note("found serial_number of \(field.name), expected a request that it answers, with reply_within_ms and without after")
  }
}

/// `{ vid: 0x04d9, pid: 0xa052, product: USB-zyTemp }`.
private func readUSB(_ entry: Entry) -> USBMatch? {
  guard let section = entry.section() else { return nil }
  defer { section.close() }
  let vendor = section.required("vid")?.whole(0...65_535)
  let product = section.required("pid")?.whole(0...65_535)
  let name = section.optional("product")?.text()
  guard let vendor, let product else { return nil }
  return USBMatch(vendor: UInt16(vendor), product: UInt16(product), productName: name)
}

private func readReports(_ top: Section, _ usb: [USBMatch]) -> HIDReports? {
  let node = top.optional("node").map { $0.choice([("last", true), ("first", false)]) } ?? true
  guard let report = top.required("report")?.section() else { return nil }
  defer { report.close() }
  let length = report.required("length")?.whole(1...1_024, "bytes")
  let number = report.optional("number")?.whole(1...255)
  guard let length, let node else { return nil }
  return HIDReports(length: length, number: number.map { UInt8($0) }, usesLastNode: node)
}

/// Each variant with what tells it.
private func readVariants(_ entries: [(name: String, value: Entry)], _ fields: [Field]) -> [Variant] {
  var identity: Int?
  return entries.prefix(Variant.most).compactMap { name, entry in
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    guard let when = section.optional("when")?.section() else { return Variant(name: name) }
    let named = when.named("field")
    if named.count != 1 { when.entry.note("found \(named.count) fields, expected one and what it says") }
    guard let (fieldName, values) = named.first, let index = values.fieldIndex(fieldName, fields) else { return nil }
    if identity == nil { identity = index }
    if identity != index { values.note("found \(fieldName), expected the same field for all variants") }
    let list = values.list() ?? []
    if fields[index].type.isText {
      return Variant(name: name, identity: index, texts: list.compactMap { $0.text() })
    }
    return Variant(name: name, identity: index, numbers: list.compactMap { $0.number(-4_294_967_296...4_294_967_296) })
  }
}

/// `{ baud: 9600, format: 8N1 }`; with `base`, both keys may be left out.
func readLine(_ entry: Entry, over base: Line?) -> Line? {
  guard let section = entry.section() else { return nil }
  defer { section.close() }
  let baud = (base == nil ? section.required("baud") : section.optional("baud"))?.choice(
    [1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800].map { (String($0), $0) })
  let formatEntry = base == nil ? section.required("format") : section.optional("format")
  var line = base ?? Line(baud: 9_600)
  if let baud { line.baud = baud }
  if let formatEntry, let format = formatEntry.text() {
    let letters = Array(format)
    guard letters.count == 3, let bits = Int(String(letters[0])), bits == 7 || bits == 8,
      let parity = Line.Parity(rawValue: String(letters[1])), let stops = Int(String(letters[2])), stops == 1 || stops == 2
    else { return formatEntry.expected("data bits, parity and stop bits, for example 8N1 or 8E1", nil) }
    (line.dataBits, line.parity, line.stopBits) = (bits, parity, stops)
  }
  line.rts = section.optional("rts")?.choice([("on", true), ("off", false)]) ?? line.rts
  line.dtr = section.optional("dtr")?.choice([("on", true), ("off", false)]) ?? line.dtr
  line.rs485 = section.optional("rs485")?.flag() ?? line.rs485
  line.echoes = section.optional("echo")?.flag() ?? line.echoes
  line.settle = section.optional("settle_ms")?.interval(unit: 1e-3, 1...10_000, "ms") ?? line.settle
  return line
}

private func readModbus(_ top: Section) -> ModbusSpeech? {
  let unit = top.required("unit")?.whole(1...255)
  let limits = top.required("limits")?.section()
  let registers = limits?.optional("registers_per_read").map { $0.whole(1...125) } ?? 125
  let bits = limits?.optional("bits_per_read").map { $0.whole(0...2_000) } ?? 0
  let period = limits?.required("every_ms")?.interval(unit: 1e-3, 10...3_600_000, "ms")
  let reply = limits?.required("reply_within_ms")?.interval(unit: 1e-3, 10...60_000, "ms")
  let busy = limits?.optional("busy")?.list()?.compactMap { $0.whole(1...31) } ?? []
  limits?.close()
  let start = top.optional("start")?.list()?.compactMap(readStart) ?? []
  let overlap = top.optional("tables_overlap")?.flag() ?? false
  let wake = readWake(top)
  guard let unit, let registers, let bits, let period, let reply else { return nil }
  var speech = ModbusSpeech(
    unit: UInt8(unit), registersPerRead: registers, bitsPerRead: bits, period: period, replyWithin: reply, wake: wake)
  speech.busyCodes = busy.map { UInt8($0) }
  speech.start = start
  speech.tablesOverlap = overlap
  return speech
}

private func readStart(_ entry: Entry) -> RegisterValue? {
  guard let section = entry.section() else { return nil }
  defer { section.close() }
  guard let address = section.required("holding")?.whole(0...65_535), let value = section.required("value")?.whole(0...65_535)
  else { return nil }
  return RegisterValue(address: address, value: UInt16(value))
}
