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

private func readProfile(_ top: Section) -> Profile? {
  let id = top.required("id")?.text()
  let maker = top.required("maker")?.text()
  let model = top.required("model")?.text()
  let kind = top.required("kind")?.text()
  let source = top.required("source")?.text()
  let proof = top.required("proof")?.choice(Proof.allCases.map { ($0.rawValue, $0) })
  let notes = top.optional("notes")?.list()?.compactMap { $0.text() } ?? []
  let transportName = top.required("transport")?.choice([("serial", "serial"), ("modbus", "modbus")])
  let line = top.required("line").flatMap { readLine($0, over: nil) }
  let power = top.required("power")?.section()
  let poweredBy = power?.required("powered_by")?.choice(Power.allCases.map { ($0.rawValue, $0) })
  let warmUp = power?.required("warm_up_s")?.interval(unit: 1, 0...86_400, "s")
  power?.close()
  let transport: Transport? =
    switch transportName {
    case "serial": readSerial(top).map { .serial($0) }
    case "modbus": readModbus(top).map { .modbus($0) }
    default: nil
    }
  let fieldEntry = top.required("fields")
  let writes = top.optional("writes")?.section().map(readWrites) ?? []
  if transportName != nil { top.close() }
  // Without a transport nobody can say where a field may lie.
  let fields = transport.flatMap { transport in fieldEntry.flatMap { readFields($0, in: room(transport)) } } ?? []
  let isNeverAsked = fields.allSatisfy { if case .onRequest = $0.told { true } else { false } }
  if let fieldEntry, !fields.isEmpty, isNeverAsked { fieldEntry.note("found only fields told on_request, expected one that is asked for") }
  if case .serial? = transport, !writes.isEmpty { top.entry.note("found writes, expected none: only Modbus devices are written to") }
  if let warmUp, warmUp.ns == 0, fields.contains(where: { !$0.warmUpValues.isEmpty }) {
    power?.entry.note("found warm_up_s: 0 and warm_up_values, expected the time for which those values may be shown")
  }
  guard let id, let maker, let model, let kind, let source, let proof, let transport, let line, let poweredBy, let warmUp
  else { return nil }
  return Profile(
    id: id, maker: maker, model: model, kind: kind, source: source, proof: proof, notes: notes, transport: transport,
    line: line, power: poweredBy, warmUp: warmUp, fields: fields, writes: writes)
}

private func room(_ transport: Transport) -> Room {
  switch transport {
  case .serial(let speech): .frame(length: speech.framing.length)
  case .modbus(let speech): .modbus(registersPerRead: speech.registersPerRead, bitsPerRead: speech.bitsPerRead)
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
  return line
}

private func readSerial(_ top: Section) -> SerialSpeech? {
  let asked = top.required("speaks")?.choice([("unasked", false), ("asked", true)])
  let period = top.required("period_ms")?.interval(unit: 1e-3, 1...3_600_000, "ms")
  var requests: [Request] = []
  if asked == true {
    requests = top.required("requests")?.list()?.compactMap(readRequest) ?? []
  }
  guard let frame = top.required("frame")?.section() else { return nil }
  defer { frame.close() }
  let start = frame.required("starts_with")?.hex(1...8)
  let length = frame.required("length")?.whole(2...256, "bytes")
  guard let check = frame.required("check")?.section() else { return nil }
  defer { check.close() }
  let negative = check.required("kind")?.choice([("sum8", false), ("negative_sum8", true)])
  let at = check.required("at")?.whole(1...max(1, (length ?? 256) - 1))
  let from = check.optional("from").map { $0.whole(0...max(0, (at ?? 256) - 1)) } ?? 0
  guard asked != nil, let period, let start, let length, let negative, let at, let from else { return nil }
  return SerialSpeech(
    framing: Framing(startsWith: start, length: length, check: negative ? .negativeSum8(from: from, at: at) : .sum8(from: from, at: at)),
    requests: requests, period: period)
}

private func readRequest(_ entry: Entry) -> Request? {
  guard let section = entry.section() else { return nil }
  defer { section.close() }
  let bytes = section.required("send")?.hex(1...64)
  let reply = section.required("reply_within_ms")?.interval(unit: 1e-3, 1...60_000, "ms")
  guard let bytes, let reply else { return nil }
  return Request(bytes: bytes, replyWithin: reply)
}

private func readModbus(_ top: Section) -> ModbusSpeech? {
  let unit = top.required("unit")?.whole(1...255)
  let limits = top.required("limits")?.section()
  let registers = limits?.optional("registers_per_read").map { $0.whole(1...125) } ?? 125
  let bits = limits?.optional("bits_per_read").map { $0.whole(0...2_000) } ?? 0
  let period = limits?.required("every_ms")?.interval(unit: 1e-3, 10...3_600_000, "ms")
  let reply = limits?.required("reply_within_ms")?.interval(unit: 1e-3, 10...60_000, "ms")
  limits?.close()
  var wake: Wake?
  if let section = top.optional("wake")?.section() {
    let byte = section.required("send")?.hex(1...1)?.first
    let before = section.required("then_ms")?.interval(unit: 1e-3, 1...1_000, "ms")
    section.close()
    if let byte, let before { wake = Wake(byte: byte, before: before) }
  }
  guard let unit, let registers, let bits, let period, let reply else { return nil }
  return ModbusSpeech(
    unit: UInt8(unit), registersPerRead: registers, bitsPerRead: bits, period: period, replyWithin: reply, wake: wake)
}

private func readWrites(_ section: Section) -> [Write] {
  section.named("write").compactMap { name, entry in
    guard let write = entry.section() else { return nil }
    defer { write.close() }
    if let coil = write.optional("coil") {
      guard let address = coil.whole(0...65_535), let count = write.required("count")?.whole(1...32) else { return nil }
      return Write(name: name, kind: .coil(address: address, count: count))
    }
    if let pulse = write.optional("pulse") {
      guard let address = pulse.whole(0...65_535), let count = write.required("count")?.whole(1...32),
        let unit = write.required("unit_ms")?.interval(unit: 1e-3, 1...60_000, "ms")
      else { return nil }
      return Write(name: name, kind: .pulse(address: address, count: count, unit: unit))
    }
    if let holding = write.optional("holding") {
      _ = write.optional("confirm")?.flag()
      guard let address = holding.whole(0...65_535), let value = write.required("value")?.whole(0...65_535) else { return nil }
      return Write(name: name, kind: .register(address: address, value: UInt16(value)))
    }
    entry.note("found no place, expected one of coil, pulse or holding")
    return nil
  }
}
