// Runs bytes through one device's real framing, check and fields, as the running door would, and says frame by frame
// what came out: for `gatehouse profile decode` and for the proofs beside the profiles.

public import Domain

/// What became of one frame.
public struct DecodedFrame: Sendable {
  public struct Value: Sendable {
    public var name: String
    public var value: Double
    public var unit: Unit
    public var quality: Quality
    /// Decoded from 32-bit floating point: seven digits are meant, not sixteen.
    public var isSingle: Bool
  }

  public enum Outcome: Sendable {
    case accepted([Value])
    /// By name: `checksum`, `length`, `exception`, `wrong_reply`, `start`.
    case rejected(String)
    case incomplete
  }

  public var outcome: Outcome
}

/// Decodes `bytes` as they come from the device; for Modbus, replies with unit and CRC.
/// - Parameter request: what was asked, with unit and CRC, where the answer alone does not say what it holds. Without it a
///   reply is taken for one of the profile's own reads, or else for its most important field of that size.
public func decode(_ bytes: [UInt8], with profile: Profile, request: [UInt8]? = nil) -> [DecodedFrame] {
  switch profile.transport {
  case .serial(var speech):
    speech.requests = []
    var unasked = profile
    unasked.transport = .serial(speech)
    return decodeStream(bytes, unasked)
  case .modbus: return decodeReplies(bytes, profile, request)
  }
}

private func single(_ profile: Profile, kind: PortKind) -> Instruments {
  var profile = profile
  profile.warmUp = .zero
  for index in profile.fields.indices { profile.fields[index].warmUpValues = [] }
  return Instruments(
    InstrumentSettings(
      ports: [kind], devices: [DevicePlan(profile: profile, port: PortID(0), unit: 0, isAtLane: false)]))
}

// MARK: Serial

private func decodeStream(_ bytes: [UInt8], _ profile: Profile) -> [DecodedFrame] {
  var instruments = single(profile, kind: .serial)
  var findings = Findings()
  var outbox = Outbox()
  let now = Instant(ns: 1)
  instruments.opened(PortID(0), Generation(1), at: now, &findings, &outbox)
  var frames: [DecodedFrame] = []
  var before = instruments.devices[0].counters
  // What is left of a rejected frame is the rest of it, not a new one.
  var rejectedEnd = 0
  for (index, byte) in bytes.enumerated() {
    findings.clear()
    outbox.clear()
    let one = [byte]
    instruments.received(one.span, from: PortID(0), Generation(1), at: now, &findings, &outbox)
    let after = instruments.devices[0].counters
    for _ in before.checkErrors..<after.checkErrors {
      frames.append(DecodedFrame(outcome: .rejected("checksum")))
      rejectedEnd = index + 1
    }
    if after.replies > before.replies { frames.append(DecodedFrame(outcome: .accepted(values(findings, profile)))) }
    before = after
  }
  let buffered = Int(instruments.buses[0].buffered)
  if buffered > 0, bytes.count - buffered >= rejectedEnd {
    frames.append(DecodedFrame(outcome: .incomplete))
  } else if frames.isEmpty {
    frames.append(DecodedFrame(outcome: bytes.isEmpty ? .incomplete : .rejected("start")))
  }
  return frames
}

// MARK: Modbus

/// Replies one after another. On the wire silence parts them; in a line of text only their CRC does, so what proves
/// itself is a frame, and what lies between is noise.
private func decodeReplies(_ bytes: [UInt8], _ profile: Profile, _ request: [UInt8]?) -> [DecodedFrame] {
  var frames: [DecodedFrame] = []
  var rest = bytes[...]
  if let request, !request.isEmpty, rest.count > request.count, rest.starts(with: request) { rest = rest.dropFirst(request.count) }
  while let start = rest.indices.first(where: { wholeFrame(rest[$0...], isFirst: $0 == bytes.startIndex) != nil }),
    let length = wholeFrame(rest[start...], isFirst: start == bytes.startIndex)
  {
    if isSpoiledFrame(rest[..<start], before: rest[start]) { frames.append(DecodedFrame(outcome: .rejected("checksum"))) }
    frames.append(DecodedFrame(outcome: decodeReply(Array(rest[start..<start + length]), profile, request)))
    rest = rest[(start + length)...]
  }
  if frames.isEmpty || looksLikeReply(rest, unit: bytes.first) { frames.append(DecodedFrame(outcome: whatIsWrong(with: Array(rest)))) }
  return frames
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
  return .rejected(bytes.count > wanted ? "length" : "checksum")
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

private func decodeReply(_ bytes: [UInt8], _ profile: Profile, _ request: [UInt8]?) -> DecodedFrame.Outcome {
  var candidates: [ModbusRequest]
  if let request {
    guard request.count >= 8, request[0] == bytes[0] || request[0] == 0 || request[0] == 0xFE, request[1] == bytes[1] & 0x7F
    else { return .rejected("wrong_reply") }
    candidates = [ModbusRequest(Array(request[1..<6]))]
  } else {
    candidates = profile.likelyReads
    // The answer to a write repeats it and holds nothing else.
    if expectedCount(bytes[...]) == 8 { candidates.append(ModbusRequest(Array(bytes[1..<6]))) }
  }
  if bytes[1] & 0x80 != 0 { return .rejected("exception") }
  let table = Table(bytes, filler: 0)
  for asked in candidates {
    guard case .data(let at) = asked.judge(table, at: 1, length: bytes.count - 3) else { continue }
    return .accepted(values(table, asked, data: at, profile))
  }
  return .rejected("wrong_reply")
}

extension ModbusRequest {
  /// The first five bytes of its PDU.
  fileprivate init(_ pdu: [UInt8]) {
    self.init(function: pdu[0], address: UInt16(pdu[1]) << 8 | UInt16(pdu[2]), count: UInt16(pdu[3]) << 8 | UInt16(pdu[4]))
  }
}

extension Profile {
  /// What a reply without its request may answer, the likeliest first: the door's own reads, single fields, neighbours.
  fileprivate var likelyReads: [ModbusRequest] {
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

private func values(_ bytes: borrowing Table<UInt8>, _ asked: ModbusRequest, data: Int, _ profile: Profile) -> [DecodedFrame.Value] {
  var profile = profile
  // A status word that this reply does not hold says nothing about it.
  for index in profile.fields.indices {
    let held = profile.fields[index].badWhen.filter { profile.fields[$0.field].isCovered(by: asked) }
    profile.fields[index].badWhen = held
  }
  let instruments = single(profile, kind: .modbusRTU)
  let now = Instant(ns: 1)
  var findings = Findings()
  instruments.keep(0, asked, bytes, data: data, now)
  for field in profile.fields.indices where instruments.fields[field].isCovered(by: asked) {
    instruments.report(0, field, now, &findings)
  }
  return values(findings, profile)
}

private func values(_ findings: borrowing Findings, _ profile: Profile) -> [DecodedFrame.Value] {
  (0..<findings.readingCount).map { index in
    let reading = findings.readings[index]
    let field = profile.fields[Int(reading.field)]
    return DecodedFrame.Value(
      name: field.name, value: reading.decoded, unit: reading.unit, quality: reading.quality, isSingle: field.isSingle)
  }
}
