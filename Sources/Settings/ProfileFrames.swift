// Frames and requests of a profile: how bytes are cut, how a frame proves itself, what is asked.

import Devices
import Domain

/// What is known of a device's speech before its fields are.
struct SpeechDraft {
  var frames: [Framing]
  var requests: [Request] = []
  var asked: Bool
  var isSeldom: Bool
  var period: Interval
  var gap: Interval?
  var address: Addressing?
  var unit: UInt8
  var wake: Wake?

  var speech: FrameSpeech {
    var speech = FrameSpeech(
      frames: frames, requests: requests, period: period, gap: gap, isSeldom: isSeldom, address: address, unit: unit)
    speech.wake = wake
    return speech
  }
}

func readSpeech(_ top: Section, isPackets: Bool) -> SpeechDraft? {
  let speaks = top.required("speaks")?.choice([("unasked", "unasked"), ("asked", "asked"), ("seldom", "seldom")])
  let asked = speaks.map { $0 == "asked" }
  let period = top.required("period_ms")?.interval(unit: 1e-3, 1...86_400_000, "ms")
  let gap = top.optional("gap_ms")?.interval(unit: 1e-3, 1...60_000, "ms")
  if asked == true, top.optional("requests") == nil { _ = top.required("requests") }
  var address: Addressing?
  var unit = 0
  if let section = top.optional("address")?.section() {
    if let prefix = section.optional("prefix") {
      address = prefix.whole(0...255).map { .prefix(UInt8($0)) }
    } else {
      address = section.required("digits")?.whole(1...5).map { .digits($0) }
    }
    section.close()
    unit = top.optional("unit")?.whole(0...255) ?? 0
  }
  let wake = isPackets ? nil : readWake(top)
  var frames: [Framing] = []
  if let several = top.optional("frames")?.section() {
    let named = several.named("frame")
    if named.isEmpty || named.count > FrameSpeech.kindsMax {
      several.entry.note("found \(named.count) frames, expected 1 to \(FrameSpeech.kindsMax)")
    }
    frames = named.prefix(FrameSpeech.kindsMax).compactMap { readFrame($0.value, name: $0.name, isPackets) }
  } else if let one = top.required("frame") {
    frames = [readFrame(one, name: "frame", isPackets)].compactMap(\.self)
  }
  guard let asked, let period, !frames.isEmpty else { return nil }
  return SpeechDraft(
    frames: frames, asked: asked, isSeldom: speaks == "seldom", period: period, gap: gap, address: address, unit: UInt8(unit),
    wake: wake)
}

/// `wake: { send: "00", then_ms: 5 }`.
func readWake(_ top: Section) -> Wake? {
  guard let section = top.optional("wake")?.section() else { return nil }
  defer { section.close() }
  let byte = section.required("send")?.hex(1...1)?.first
  let before = section.required("then_ms")?.interval(unit: 1e-3, 1...1_000, "ms")
  guard let byte, let before else { return nil }
  return Wake(byte: byte, before: before)
}

private func readFrame(_ entry: Entry, name: String, _ isPackets: Bool) -> Framing? {
  guard let frame = entry.section() else { return nil }
  defer { frame.close() }
  let start = frame.optional("starts_with").map { $0.hex(1...Framing.startMax) } ?? []
  let way = frame.optional("way").map { $0.choice(Way.allCases.map { ($0.rawValue, $0) }) } ?? .any
  let count = frame.optional("count").flatMap(readCount)
  guard let ending = readEnding(frame, entry, hasCount: count != nil), let start, let way else {
    frame.abandon()
    return nil
  }
  var framing = Framing(name: name, way: way, startsWith: start, ending: ending, count: count)
  framing.coding = readCoding(frame, ending)
  if let transform = frame.optional("transform")?.section() {
    framing.transform = .scrambled(readScramble(transform))
    if case .length(8) = ending {} else { entry.note("found a transform, expected length: 8 with it") }
  }
  var tail = 0
  if case .tail(let bytes, _) = ending { tail = bytes.count }
  if let check = frame.optional("check") { framing.check = readCheck(check, tail: tail, ending) ?? .none }
  for (place, value) in frame.optional("always")?.section()?.titled("offset") ?? [] {
    guard let at = wholeNumber(place), (0..<Framing.lengthMax).contains(at) else {
      value.note("found offset \"\(place)\", expected a whole number")
      continue
    }
    if let byte = value.whole(0...255) { framing.marks.append(Mark(at: at, byte: UInt8(byte))) }
  }
  framing.vetoes = frame.optional("refuse_when")?.list()?.compactMap(readVeto) ?? []
  framing.refuses = frame.optional("refuses")?.flag() ?? false
  if let printable = frame.optional("printable") {
    framing.isPrintable = printable.flag() ?? false
    if case .line = ending {} else { printable.note("found printable, expected it of a line only") }
  }
  framing.confirmedByNext = frame.optional("confirmed_by_next")?.flag() ?? false
  if framing.confirmedByNext, start.isEmpty { entry.note("found confirmed_by_next, expected starts_with too") }
  if let head = frame.optional("head")?.section() {
    let byte = head.required("starts_with")?.hex(1...1)?.first
    let length = head.required("length")?.whole(1...64)
    head.close()
    if let byte, let length { framing.head = Head(startsWith: byte, length: length) }
  }
  check(framing, entry, isPackets)
  return framing
}

extension Framing {
  /// Whether these bytes lie behind the fields of each such frame, in its check or its end.
  func isInTrailer(_ at: Int, _ width: Int) -> Bool {
    var trailer = check.width > 0 && check.at < 0 ? -check.at : 0
    if case .tail(let tail, _) = ending { trailer = max(trailer, tail.count) }
    if at < 0 { return at + width > -trailer }
    if check.at >= 0, check.width > 0, at < check.at + check.width, at + width > check.at { return true }
    guard case .length(let length) = ending else { return false }
    return at + width > length - trailer && at < length
  }
}

/// Notes what cannot be a frame.
private func check(_ framing: Framing, _ entry: Entry, _ isPackets: Bool) {
  for mark in framing.marks {
    if mark.at >= framing.longest { entry.note("found always at byte \(mark.at), expected within the frame's \(framing.longest) bytes") }
    if mark.at < framing.startsWith.count, framing.startsWith[mark.at] != mark.byte {
      entry.note("found always at byte \(mark.at) another byte than starts_with has there, expected the same: no frame would be one")
    }
  }
  if case .length(let length) = framing.ending, length < max(framing.startsWith.count + framing.check.width, 1) {
    entry.note("found length \(length), expected room for starts_with and the check")
  }
  if framing.startsWith.isEmpty, !isPackets {
    switch framing.ending {
    case .length, .counted, .tail: entry.note("starts_with is required, so that its beginning can be found")
    case .line, .asked, .quiet: break
    }
  }
  if framing.coding != .plain, case .tail = framing.ending {} else if framing.coding != .plain {
    entry.note("found a coding, expected ends_with too: a coded frame ends by its tail")
  }
}

/// `{ order: [2, 4, 0, 7, 1, 6, 5, 3], xor: "c4 c6 …", rotate_right: 3, subtract: "84 47 …" }`.
private func readScramble(_ section: Section) -> Scramble {
  var scramble = Scramble()
  func word(_ bytes: [UInt8]) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
  if let order = section.optional("order") {
    let places = order.list()?.compactMap { $0.whole(0...7).map { UInt8($0) } } ?? []
    if places.sorted() == Array(0...7) { scramble.order = word(places) } else { order.note("found \(order.found), expected 0 to 7, each once") }
  }
  if let key = section.optional("xor")?.hex(8...8) { scramble.key = word(key) }
  if let bits = section.optional("rotate_right")?.whole(0...63) { scramble.rotation = UInt8(bits) }
  if let less = section.optional("subtract")?.hex(8...8) { scramble.less = word(less) }
  if scramble == Scramble() { section.entry.note("found nothing that changes a byte, expected order, xor, rotate_right or subtract") }
  section.close()
  return scramble
}

private func readEnding(_ frame: Section, _ entry: Entry, hasCount: Bool) -> Ending? {
  let quiet = frame.optional("quiet_ms")?.interval(unit: 1e-3, 1...60_000, "ms")
  let mostEntry = frame.optional("most")
  let most = mostEntry?.whole(1...Framing.lengthMax, "bytes")
  func limit() -> Int? {
    if mostEntry == nil { entry.note("most is required: the longest such frame, in bytes") }
    return most
  }
  if let length = frame.optional("length") {
    if length.plain == "asked" { return limit().map { .asked(most: $0) } }
    return length.whole(1...Framing.lengthMax, "bytes").map { .length($0) }
  }
  if let tail = frame.optional("ends_with") {
    guard let bytes = tail.hex(1...Framing.startMax), let most = limit() else { return nil }
    return .tail(bytes, most: most)
  }
  if frame.optional("line")?.flag() == true { return limit().map { .line(quiet: quiet, most: $0) } }
  if hasCount { return limit().map { .counted(most: $0) } }
  if let quiet {
    let least = frame.required("least")?.whole(1...Framing.lengthMax, "bytes")
    guard let least, let most = limit() else { return nil }
    if least > most { entry.note("found least: \(least) and most: \(most), expected room between them") }
    return .quiet(quiet, least: least, most: most)
  }
  return entry.expected("one of length, count, ends_with, line or quiet_ms", nil)
}

private func readCount(_ entry: Entry) -> Count? {
  guard let section = entry.section() else { return nil }
  defer { section.close() }
  let at = section.required("at")?.whole(0...255)
  let type = section.required("type")?.choice([("u8", NumberType.u8), ("u16be", .u16be), ("u16le", .u16le)])
  let adds = section.required("adds")?.whole(-255...255)
  let zero = section.optional("zero_means")?.whole(1...Framing.lengthMax)
  guard let at, let type, let adds else { return nil }
  return Count(at: at, type: type, adds: adds, zeroMeans: zero ?? 0)
}

private func readCoding(_ frame: Section, _ ending: Ending) -> Coding {
  if let stuffing = frame.optional("stuffing")?.section() {
    defer { stuffing.close() }
    let escape = stuffing.required("escape")?.hex(1...1)?.first
    let xor = stuffing.required("xor")?.whole(0...255)
    if let escape, let xor { return .stuffed(escape: escape, xor: UInt8(xor)) }
  }
  if let doubled = frame.optional("doubled") {
    guard let sign = doubled.hex(1...1)?.first else { return .plain }
    if case .tail(let tail, _) = ending, tail.count < 2 || tail[0] != sign {
      doubled.note("expected ends_with of this byte and another: that is how the end is told from a doubled byte")
    }
    return .doubled(sign)
  }
  return frame.optional("hex")?.flag() == true ? .hex : .plain
}

/// - Parameter tail: how many bytes behind the check end the frame.
func readCheck(_ entry: Entry, tail: Int, _ ending: Ending?) -> Check? {
  guard let section = entry.section() else { return nil }
  defer { section.close() }
  let kinds = Check.Kind.allCases.dropFirst().map { ($0.rawValue, $0) }
  guard let kind = section.required("kind")?.choice(kinds) else { return nil }
  var check = Check(kind, at: 0)
  check.at = -tail - check.width
  var length = Framing.lengthMax
  if case .length(let whole)? = ending { length = whole }
  if let at = section.optional("at")?.whole(-64...max(1, length - check.width)) { check.at = at }
  if let from = section.optional("from")?.whole(0...255) { check.from = from }
  if let to = section.optional("to")?.whole(1...length) { check.to = to }
  if let adds = section.optional("adds")?.whole(0...255) { check.adds = UInt8(adds) }
  if check.adds > 0, [.xor8, .crc16Modbus, .crc16Xmodem].contains(kind) {
    section.optional("adds")?.note("found \(check.adds) for \(kind.rawValue), expected it for sums only")
  }
  if let to = check.to, check.at >= 0, check.from <= check.at, to > check.at {
    section.optional("to")?.note("found \(to), expected at most \(check.at): a check cannot cover itself")
  }
  var end = check.to
  if end == nil, check.at >= 0 { end = check.at }
  if end == nil, case .length(let whole)? = ending { end = whole + check.at }
  if let end, check.from >= end { entry.note("found a check over no byte, from \(check.from) to before \(end), expected one at least") }
  return check
}

private func readVeto(_ entry: Entry) -> Veto? {
  guard let section = entry.section() else { return nil }
  defer { section.close() }
  func range(_ name: String) -> ClosedRange<Int>? {
    guard let value = section.optional(name) else { return nil }
    let ends = value.list()?.compactMap { $0.whole(0...Framing.lengthMax) } ?? []
    guard ends.count == 2, ends[0] <= ends[1] else { return value.expected("[first, last]", nil) }
    return ends[0]...ends[1]
  }
  let zero = range("zero")
  let other = range("not_zero")
  let reasons: [Rejection] = [.warmingUp, .inconsistent, .noData, .exception]
  let reason = section.required("reason")?.choice(reasons.map { ($0.rawValue, $0) })
  if zero == nil, other == nil { entry.note("found no bytes, expected zero or not_zero with [first, last]") }
  guard let reason, zero != nil || other != nil else { return nil }
  return Veto(zero: zero, other: other, reason: reason)
}

// MARK: Requests

/// Reads the requests and tells the fields which of them they answer.
func readRequests(_ entry: Entry?, _ fields: inout [Field], _ isAsked: Bool, isPackets: Bool) -> [Request] {
  guard let section = entry?.section() else { return [] }
  let named = section.named("request")
  if named.count > FrameSpeech.kindsMax {
    section.entry.note("found \(named.count) requests, expected at most \(FrameSpeech.kindsMax)")
  }
  let names = named.map(\.name)
  var requests: [Request] = []
  for (index, (name, value)) in named.prefix(FrameSpeech.kindsMax).enumerated() {
    guard let part = value.section() else { continue }
    defer { part.close() }
    guard let request = readRequest(value, part, name: name, names, index, &fields) else { continue }
    if !isPackets, request.carrier != .bytes { value.note("found a feature report, expected send: only HID devices have reports") }
    requests.append(request)
  }
  for (index, request) in requests.enumerated() where request.sending == .regularly && request.after == nil {
    let isSame = { (other: Request) in other.bytes == request.bytes && other.carrier == request.carrier && other.sending == .regularly && other.after == nil }
    if requests[..<index].contains(where: isSame) { section.entry.note("found \(request.name) with the bytes of another request, expected it once") }
  }
  let isPolled = requests.contains { if case .regularly = $0.sending { $0.after == nil } else { false } }
  if isAsked, !isPolled { section.entry.note("found no request that is sent regularly, expected one: the device speaks when asked") }
  if !isAsked, isPolled { section.entry.note("found a request that is sent regularly, expected none: the device speaks unasked") }
  return requests
}

private func readRequest(
  _ entry: Entry, _ part: Section, name: String, _ names: [String], _ index: Int, _ fields: inout [Field]
) -> Request? {
  var carrier = Request.Carrier.bytes
  var bytes: [UInt8]?
  if let feature = part.optional("set_feature") {
    (carrier, bytes) = (.setFeature, feature.hex(1...1_024))
  } else if let feature = part.optional("get_feature") {
    (carrier, bytes) = (.getFeature, feature.whole(0...255).map { [UInt8($0)] })
  } else {
    bytes = part.required("send")?.hex(1...1_024)
  }
  var request = Request(name: name, carrier: carrier, bytes: bytes ?? [], replyWithin: nil)
  request.replyWithin = part.optional("reply_within_ms")?.interval(unit: 1e-3, 1...60_000, "ms")
  request.sending = part.optional("sent")?.choice(Request.Sending.allCases.map { ($0.rawValue, $0) }) ?? .regularly
  request.replyLength = part.optional("reply_length")?.whole(1...Framing.lengthMax, "bytes") ?? 0
  request.retries = part.optional("retries")?.whole(0...20) ?? 0
  let answers = part.optional("answers")
  request.claims = answers != nil
  for answer in answers?.list() ?? [] {
    guard let name = answer.text(), answer.fieldIndex(name, fields) != nil else { continue }
    for field in fields.indices where fields[field].name == name { fields[field].answers |= 1 << UInt32(index) }
  }
  let befores = part.optional("after")?.section()?.named("request") ?? []
  if let after = part.optional("after"), befores.count != 1 { after.note("found \(befores.count) requests, expected one and what its answer says") }
  if let after = befores.first {
    if after.name == name {
      after.value.note("found \(name) itself, expected the request before it")
    } else if let before = names.firstIndex(of: after.name) {
      request.after = before
      request.when = readNeeds(after.value, fields)
    } else {
      after.value.note("there is no other request \"\(after.name)\"" + meant(after.name, names))
    }
  }
  if case .never = request.sending {} else if request.sending == .regularly, request.replyWithin == nil {
    entry.note("reply_within_ms is required: how long its answer may take")
  }
  return bytes == nil ? nil : request
}
