// Runs bytes through one device's real framing, check and fields, as the running door would, and says frame by frame
// what came out: for `gatehouse profile decode` and for the proofs beside the profiles.

public import Domain

/// What became of one frame.
public struct DecodedFrame: Sendable {
  public struct Value: Sendable {
    public var name: String
    public var value: Double
    /// What stands there instead of a number.
    public var text: String?
    public var unit: Unit
    public var quality: Quality
    /// Decoded from 32-bit floating point: seven digits are meant, not sixteen.
    public var isSingle: Bool
  }

  public enum Outcome: Sendable {
    case accepted([Value])
    case rejected(Rejection)
    case incomplete
  }

  public var outcome: Outcome
}

/// What is known of the bytes besides the bytes.
public struct DecodeContext: Sendable {
  /// What was asked; for Modbus with unit and CRC, or with the header of Modbus TCP.
  public var request: [UInt8]?
  /// Index of the variant that sent them; `nil`: the first.
  public var variant: Int?
  /// How they came; `nil`: as an answer, or in the one way in which the profile's frames come.
  public var way: Way?

  public init(request: [UInt8]? = nil, variant: Int? = nil, way: Way? = nil) {
    self.request = request
    self.variant = variant
    self.way = way
  }
}

/// Decodes `bytes` as they come from the device; for Modbus, replies with unit and CRC, or with the header of Modbus TCP.
/// Without a request a Modbus reply is taken for one of the profile's own reads, or else for its most important field of
/// that size; an answer in frames for that to the first request.
public func decode(_ bytes: [UInt8], with profile: Profile, _ context: DecodeContext = DecodeContext()) -> [DecodedFrame] {
  switch profile.transport {
  case .serial(let speech): decodeFrames(bytes, profile, speech, nil, context)
  case .hid(let speech, let reports): decodeFrames(bytes, profile, speech, reports, context)
  case .modbus: decodeReplies(bytes, profile, context)
  }
}

extension Profile {
  /// The variant of this name, or the one whose identity text it begins with.
  public func variant(named name: String) -> Int? {
    if let index = variants.firstIndex(where: { $0.name == name }) { return index }
    let known = variants.indices.flatMap { index in variants[index].texts.map { (index, $0) } }
    return known.filter { name.hasPrefix($0.1) }.max { $0.1.utf8.count < $1.1.utf8.count }?.0
  }

  /// As a tool sees it: what time alone decides is left out.
  fileprivate var timeless: Profile {
    var profile = self
    profile.warmUp = .zero
    for index in profile.fields.indices {
      profile.fields[index].warmUpValues = []
      profile.fields[index].skipFirst = 0
      profile.fields[index].debounce = .zero
    }
    return profile
  }
}

private func single(_ profile: Profile, kind: PortKind, unit: UInt8 = 0, variant: Int?) -> Instruments {
  let plan = DevicePlan(profile: profile.timeless, port: PortID(0), unit: unit, isAtLane: false, variant: variant ?? 0)
  return Instruments(InstrumentSettings(ports: [kind], devices: [plan]))
}

// MARK: Frames

private func decodeFrames(
  _ bytes: [UInt8], _ profile: Profile, _ speech: FrameSpeech, _ reports: HIDReports?, _ context: DecodeContext
) -> [DecodedFrame] {
  // What its number stands before counts with it.
  let reportLength = reports.map { $0.length + ($0.number == nil ? 0 : 1) }
  var findings = Findings()
  var outbox = Outbox()
  let now = Instant(ns: 1)
  var instruments = listening(profile, speech, isHID: reportLength != nil, context, now, &findings, &outbox)
  // What answers nothing that the profile asks is no answer.
  let isUnknown = context.request?.isEmpty == false && instruments.buses[0].assumed < 0 && !speech.requests.isEmpty
  var frames: [DecodedFrame] = []
  // What is left of a rejected frame is the rest of it, not a new one.
  var rejectedEnd = 0
  var heard = 0
  for part in parts(of: bytes, reportLength, isNumbered: reports?.number != nil) {
    findings.clear()
    outbox.clear()
    instruments.received(part.span, from: PortID(0), Generation(1), at: now, &findings, &outbox)
    heard += part.count
    if gather(findings, profile, into: &frames) { rejectedEnd = heard }
  }
  let isWhole = reportLength.map { bytes.count % $0 == 0 } ?? false
  if isWhole, instruments.buses[0].buffered > 0 {
    findings.clear()
    instruments.endByQuiet(0, now + FrameRow.noQuiet, &findings)
    _ = gather(findings, profile, into: &frames)
  }
  let buffered = Int(instruments.buses[0].buffered)
  if buffered > 0, heard - buffered >= rejectedEnd {
    frames.append(DecodedFrame(outcome: .incomplete))
  } else if frames.isEmpty {
    frames.append(DecodedFrame(outcome: bytes.isEmpty ? .incomplete : .rejected(.start)))
  }
  guard isUnknown else { return frames }
  return frames.map { if case .accepted = $0.outcome { DecodedFrame(outcome: .rejected(.wrongReply)) } else { $0 } }
}

/// One device as a tool hears it.
private func listening(
  _ profile: Profile, _ speech: FrameSpeech, isHID: Bool, _ context: DecodeContext, _ now: Instant, _ findings: inout Findings,
  _ outbox: inout Outbox
) -> Instruments {
  let unit = context.request.flatMap { speech.unit(in: $0) } ?? 0
  var instruments = single(profile, kind: isHID ? .hid : .serial, unit: unit, variant: context.variant)
  instruments.opened(PortID(0), Generation(1), at: now, &findings, &outbox)
  instruments.buses[0].state = .idle
  instruments.buses[0].isTool = true
  instruments.buses[0].way = context.way ?? speech.onlyWay ?? .response
  if let request = context.request, !request.isEmpty, let known = speech.request(for: request) {
    instruments.buses[0].assumed = Int16(known)
  }
  return instruments
}

extension Profile {
  /// How much the check of `framing` lets pass, counted on a good frame of that kind as it stands on the wire, of at most 64
  /// bytes; `nil`: it is none. Behind a coding a flip may do more than change a byte, so the framer itself judges there.
  public func weakness(of framing: Framing, on frame: [UInt8], _ context: DecodeContext = DecodeContext()) -> Weakness? {
    if framing.coding == .plain, framing.transform == .none { return framing.weakness(of: frame) }
    let speech: FrameSpeech
    switch transport {
    case .serial(let own), .hid(let own, _): speech = own
    case .modbus: return nil
    }
    guard frame.count <= 64, frame.starts(with: framing.startsWith) else { return nil }
    if case .tail(let tail, _) = framing.ending, Array(frame.suffix(tail.count)) != tail { return nil }
    var findings = Findings()
    var outbox = Outbox()
    let now = Instant(ns: 1)
    var isHID = false
    if case .hid = transport { isHID = true }
    var instruments = listening(self, speech, isHID: isHID, context, now, &findings, &outbox)
    func isTaken(_ bytes: [UInt8]) -> Bool {
      findings.clear()
      outbox.clear()
      instruments.forget(0)
      instruments.received(bytes.span, from: PortID(0), Generation(1), at: now, &findings, &outbox)
      return (0..<findings.verdictCount).contains { if case .accepted = findings.verdicts[$0].outcome { true } else { false } }
    }
    guard isTaken(frame), findings.verdictCount == 1, instruments.buses[0].buffered == 0 else { return nil }
    return Weakness(flippingPairsOf: frame, from: framing.startsWith.count * 8, isTaken)
  }
}

/// As bytes come: one by one, or a report at a time. Where reports have no numbers the 0 or 1 that some systems put before one
/// is left out.
private func parts(of bytes: [UInt8], _ reportLength: Int?, isNumbered: Bool) -> [[UInt8]] {
  guard let reportLength else { return bytes.map { [$0] } }
  let own = !isNumbered && bytes.count % reportLength == 1 && bytes.count > reportLength && bytes[0] <= 1 ? Array(bytes.dropFirst()) : bytes
  return stride(from: 0, to: own.count, by: reportLength).map { Array(own[$0..<min($0 + reportLength, own.count)]) }
}

/// Takes over what a call found; says whether a frame was rejected.
private func gather(_ findings: borrowing Findings, _ profile: Profile, into frames: inout [DecodedFrame]) -> Bool {
  var wasRejected = false
  for index in 0..<findings.verdictCount {
    let verdict = findings.verdicts[index]
    switch verdict.outcome {
    case .rejected(let why):
      frames.append(DecodedFrame(outcome: .rejected(why)))
      wasRejected = true
    case .accepted:
      let next = index + 1 < findings.verdictCount ? findings.verdicts[index + 1] : nil
      let values = values(
        findings, profile, readings: Int(verdict.firstReading)..<(next.map { Int($0.firstReading) } ?? findings.readingCount),
        texts: Int(verdict.firstText)..<(next.map { Int($0.firstText) } ?? findings.textCount))
      frames.append(DecodedFrame(outcome: .accepted(values)))
    }
  }
  return wasRejected
}

extension FrameSpeech {
  /// The way that all of its frames come; `nil`: there are several, or it does not matter.
  fileprivate var onlyWay: Way? { frames.dropFirst().allSatisfy { $0.way == frames[0].way } && frames[0].way != .any ? frames[0].way : nil }

  /// The unit that a request names in digits before it.
  fileprivate func unit(in request: [UInt8]) -> UInt8? {
    guard case .digits(let count)? = address, request.count > count else { return nil }
    return UInt8(String(decoding: request[..<count], as: UTF8.self))
  }

  /// The request that these bytes are: the longest that they begin with. A unit's address or a report's number may stand
  /// before it.
  fileprivate func request(for bytes: [UInt8]) -> Int? {
    let skip =
      switch address {
      case .prefix: 1
      case .digits(let count): count
      case nil: 1
      }
    for bytes in [bytes[...], bytes.dropFirst(skip)] {
      let known = requests.indices.filter { !requests[$0].bytes.isEmpty && bytes.starts(with: requests[$0].bytes) }
      if let best = known.max(by: { requests[$0].bytes.count < requests[$1].bytes.count }) { return best }
    }
    return nil
  }
}

private func values(
  _ findings: borrowing Findings, _ profile: Profile, readings: Range<Int>, texts: Range<Int>
) -> [DecodedFrame.Value] {
  var all: [(field: Int, value: DecodedFrame.Value)] = []
  for index in readings {
    let reading = findings.readings[index]
    let field = profile.fields[Int(reading.field)]
    all.append(
      (
        Int(reading.field),
        DecodedFrame.Value(
          name: field.name, value: reading.decoded, text: nil, unit: reading.unit, quality: reading.quality, isSingle: field.isSingle)
      ))
  }
  for index in texts {
    let text = findings.texts[index]
    let field = profile.fields[Int(text.field)]
    let bytes = (Int(text.first)..<Int(text.first + text.count)).map { findings.textBytes[$0] }
    all.append(
      (
        Int(text.field),
        DecodedFrame.Value(
          name: field.name, value: .nan, text: field.string(bytes), unit: .text, quality: .good, isSingle: false)
      ))
  }
  return all.sorted { $0.field < $1.field }.map(\.value)
}

extension Field {
  /// Text as people read it: without the zeros and blanks that fill its place; in a line, which has no place to fill, as it
  /// is. What is not UTF-8 shows as U+FFFD.
  fileprivate func string(_ bytes: [UInt8]) -> String {
    if case .utf16le = type {
      let units = stride(from: 0, to: bytes.count - 1, by: 2).map { UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8 }
      return String(decoding: units[...(units.lastIndex { $0 != 0 && $0 != 0x20 } ?? -1)], as: UTF16.self)
    }
    switch location {
    case .line, .head: return String(decoding: bytes, as: UTF8.self)
    case .frame, .after, .register:
      let text = bytes.prefix { $0 != 0 }
      return String(decoding: text[...(text.lastIndex { $0 != 0x20 } ?? -1)], as: UTF8.self)
    }
  }
}

// MARK: Modbus

/// Replies one after another. On the wire silence parts them; in a line of text only their CRC does, so what proves
/// itself is a frame, and what lies between is noise.
private func decodeReplies(_ bytes: [UInt8], _ profile: Profile, _ context: DecodeContext) -> [DecodedFrame] {
  if let frames = decodeTCP(bytes, profile, context) { return frames }
  let request = context.request
  var frames: [DecodedFrame] = []
  var rest = bytes[...]
  if let request, !request.isEmpty, rest.count > request.count, rest.starts(with: request) { rest = rest.dropFirst(request.count) }
  while let start = rest.indices.first(where: { wholeFrame(rest[$0...], isFirst: $0 == bytes.startIndex) != nil }),
    let length = wholeFrame(rest[start...], isFirst: start == bytes.startIndex)
  {
    if isSpoiledFrame(rest[..<start], before: rest[start]) { frames.append(DecodedFrame(outcome: .rejected(.checksum))) }
    frames.append(DecodedFrame(outcome: decodeReply(Array(rest[start..<start + length]), profile, context)))
    rest = rest[(start + length)...]
  }
  if frames.isEmpty || looksLikeReply(rest, unit: bytes.first) { frames.append(DecodedFrame(outcome: whatIsWrong(with: Array(rest)))) }
  return frames
}

/// Modbus TCP: a header of transaction, protocol 0, length and unit. Taken for it where the request has one, or the header
/// says so and no CRC speaks against it.
private func decodeTCP(_ bytes: [UInt8], _ profile: Profile, _ context: DecodeContext) -> [DecodedFrame]? {
  let asked = context.request.flatMap { $0.count == 12 && $0[2...5].elementsEqual([0, 0, 0, 6]) ? $0 : nil }
  if asked == nil {
    guard bytes.count >= 6, bytes[2] == 0, bytes[3] == 0, wholeFrame(bytes[...], isFirst: true) == nil else { return nil }
  }
  var context = context
  if let asked { context.request = withCRC(Array(asked[6...])) }
  var frames: [DecodedFrame] = []
  var rest = bytes[...]
  while !rest.isEmpty {
    let frame = Array(rest)
    switch HeadedFrame(Table(frame, filler: 0), at: 0, count: frame.count) {
    case .incomplete: return frames + [DecodedFrame(outcome: .incomplete)]
    case .wrong: return frames.isEmpty && asked == nil ? nil : frames + [DecodedFrame(outcome: .rejected(.start))]
    case .whole(let transaction, let length):
      if let asked, transaction != UInt16(asked[0]) << 8 | UInt16(asked[1]) || asked[6] != frame[6] {
        frames.append(DecodedFrame(outcome: .rejected(.wrongReply)))
      } else {
        frames.append(DecodedFrame(outcome: decodeReply(withCRC(Array(frame[6..<6 + length])), profile, context)))
      }
      rest = rest.dropFirst(6 + length)
    }
  }
  return frames
}

private func withCRC(_ frame: [UInt8]) -> [UInt8] {
  let crc = crc16Modbus(Table(frame, filler: 0), from: 0, to: frame.count)
  return frame + [UInt8(crc & 0xFF), UInt8(crc >> 8)]
}

/// The length of the frame that `bytes` begin with, if its CRC holds. A vendor function's reply has no known length.
private func wholeFrame(_ bytes: ArraySlice<UInt8>, isFirst: Bool) -> Int? {
  guard bytes.count >= 5 else { return nil }
  let length = expectedCount(bytes) ?? (isFirst ? bytes.count : .max)
  return length <= bytes.count && hasCRC(bytes.prefix(length)) ? length : nil
}

private func hasCRC(_ frame: ArraySlice<UInt8>) -> Bool {
  let table = Table(Array(frame), filler: 0)
  let end = table.capacity - 2
  let crc = crc16Modbus(table, from: 0, to: end)
  return table[end] == UInt8(crc & 0xFF) && table[end + 1] == UInt8(crc >> 8)
}

/// Whether what came before a good frame was one of the same unit, whole and with a wrong CRC. A request is not one:
/// some adapters echo what they send.
private func isSpoiledFrame(_ noise: ArraySlice<UInt8>, before unit: UInt8) -> Bool {
  guard noise.count >= 5, noise.first == unit, let length = expectedCount(noise), length <= noise.count else { return false }
  return !(noise.count == 8 && hasCRC(noise))
}

private func looksLikeReply(_ rest: ArraySlice<UInt8>, unit: UInt8?) -> Bool {
  guard let first = rest.first, first == unit else { return false }
  return rest.count == 1 || expectedCount(rest) != nil || rest.count == 2
}

private func whatIsWrong(with bytes: [UInt8]) -> DecodedFrame.Outcome {
  guard bytes.count >= 5 else { return .incomplete }
  let wanted = expectedCount(bytes[...]) ?? bytes.count
  if bytes.count < wanted { return .incomplete }
  return .rejected(bytes.count > wanted ? .length : .checksum)
}

/// How long a reply with this beginning is, with unit and CRC; `nil` for a vendor function.
private func expectedCount(_ bytes: ArraySlice<UInt8>) -> Int? {
  guard bytes.count >= 3 else { return nil }
  let function = bytes[bytes.startIndex + 1]
  switch function {
  case 0x81...0xFF: return 5
  case 1, 2, 3, 4: return 5 + Int(bytes[bytes.startIndex + 2])
  case 5, 6, 15, 16: return 8
  default: return nil
  }
}

private func decodeReply(_ bytes: [UInt8], _ profile: Profile, _ context: DecodeContext) -> DecodedFrame.Outcome {
  let request = context.request
  var candidates: [ModbusRequest]
  if let request {
    guard request.count >= 6, request[0] == bytes[0] || request[0] == 0 || request[0] == 0xFE, request[1] == bytes[1] & 0x7F
    else { return .rejected(.wrongReply) }
    candidates = [ModbusRequest(Array(request[1..<6]))]
  } else {
    candidates = profile.likelyReads(of: context.variant ?? 0)
    // The answer to a write repeats it and holds nothing else.
    if bytes.count == 8, expectedCount(bytes[...]) == 8 { candidates.append(ModbusRequest(Array(bytes[1..<6]))) }
  }
  if bytes[1] & 0x80 != 0 { return .rejected(bytes.count == 5 ? .exception : .wrongReply) }
  let table = Table(bytes, filler: 0)
  for asked in candidates {
    guard case .data(let at) = asked.judge(table, at: 1, length: bytes.count - 3) else { continue }
    return .accepted(values(table, profile.preferred(asked), data: at, profile, context.variant))
  }
  return .rejected(.wrongReply)
}

extension ModbusRequest {
  /// The first five bytes of its PDU.
  fileprivate init(_ pdu: [UInt8]) {
    self.init(function: pdu[0], address: UInt16(pdu[1]) << 8 | UInt16(pdu[2]), count: UInt16(pdu[3]) << 8 | UInt16(pdu[4]))
  }
}

extension Profile {
  /// The same read of the table in which the profile's fields stand, where both tables are one.
  fileprivate func preferred(_ asked: ModbusRequest) -> ModbusRequest {
    guard case .modbus(let speech) = transport, speech.tablesOverlap, asked.function == 3 || asked.function == 4 else { return asked }
    var other = asked
    other.function = 7 - asked.function
    return fields.contains { $0.isCovered(by: asked) } ? asked : other
  }

  /// What a reply without its request may answer, the likeliest first: the door's own reads, single fields, neighbours.
  fileprivate func likelyReads(of variant: Int) -> [ModbusRequest] {
    let fields = fields.filter { $0.variants >> UInt32(variant) & 1 == 1 }
    let own = fields.sorted { $0.rank < $1.rank }.compactMap(\.ownRead)
    let blocks = fields.compactMap(\.ownRead).flatMap { first in
      fields.compactMap(\.ownRead).compactMap { last -> ModbusRequest? in
        let count = Int(last.address) + Int(last.count) - Int(first.address)
        guard last.function == first.function, last.address > first.address, count <= 125 else { return nil }
        return ModbusRequest(function: first.function, address: first.address, count: UInt16(count))
      }
    }
    let known = reads.filter { read in fields.contains { $0.rank == 0 && $0.isCovered(by: read) } }
    return known + own + blocks + reads
  }
}

extension Field {
  /// The read that asks for nothing but this field.
  fileprivate var ownRead: ModbusRequest? {
    guard case .register(let table, let address) = location else { return nil }
    return ModbusRequest(
      function: table.readFunction, address: UInt16(truncatingIfNeeded: address), count: UInt16(truncatingIfNeeded: width))
  }

  /// What it is worth when nothing says which field a reply holds: 0 for what rules look at, then facts, then states.
  fileprivate var rank: Int {
    if told == .onRequest { return 3 }
    return switch use {
    case .information: 1
    case .status: 2
    default: 0
    }
  }
}

private func values(
  _ bytes: borrowing Table<UInt8>, _ asked: ModbusRequest, data: Int, _ profile: Profile, _ variant: Int?
) -> [DecodedFrame.Value] {
  var profile = profile
  // A status word that this reply does not hold says nothing about it.
  for index in profile.fields.indices {
    let held = profile.fields[index].badWhen.filter { profile.fields[$0.field].isCovered(by: asked) }
    profile.fields[index].badWhen = held
  }
  let instruments = single(profile, kind: .modbusRTU, variant: variant)
  instruments.buses[0].isTool = true
  let now = Instant(ns: 1)
  var findings = Findings()
  instruments.keep(0, asked, bytes, data: data, now)
  instruments.tellAll(0, asked, bytes, data: data, now, &findings)
  return values(findings, profile, readings: 0..<findings.readingCount, texts: 0..<findings.textCount)
}
