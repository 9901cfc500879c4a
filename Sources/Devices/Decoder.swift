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

/// Decodes `bytes` as they come from the device; for Modbus, a reply with unit and CRC.
/// - Parameter request: what was asked, with unit and CRC, where the answer alone does not say what it holds. Without it,
///   the profile's own reads are tried.
public func decode(_ bytes: [UInt8], with profile: Profile, request: [UInt8]? = nil) -> [DecodedFrame] {
  switch profile.transport {
  case .serial(var speech):
    speech.requests = []
    var unasked = profile
    unasked.transport = .serial(speech)
    return decodeStream(bytes, unasked)
  case .modbus: return [DecodedFrame(outcome: decodeReply(bytes, profile, request))]
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

private func decodeStream(_ bytes: [UInt8], _ profile: Profile) -> [DecodedFrame] {
  var instruments = single(profile, kind: .serial)
  var findings = Findings()
  var outbox = Outbox()
  let now = Instant(ns: 1)
  instruments.opened(PortID(0), Generation(1), at: now, &findings, &outbox)
  var frames: [DecodedFrame] = []
  var before = instruments.devices[0].counters
  for byte in bytes {
    findings.clear()
    outbox.clear()
    let one = [byte]
    instruments.received(one.span, from: PortID(0), Generation(1), at: now, &findings, &outbox)
    let after = instruments.devices[0].counters
    for _ in before.checkErrors..<after.checkErrors { frames.append(DecodedFrame(outcome: .rejected("checksum"))) }
    if after.replies > before.replies { frames.append(DecodedFrame(outcome: .accepted(values(findings, profile)))) }
    before = after
  }
  if instruments.buses[0].buffered > 0, !endsRejected(frames) {
    frames.append(DecodedFrame(outcome: .incomplete))
  } else if frames.isEmpty {
    frames.append(DecodedFrame(outcome: bytes.isEmpty ? .incomplete : .rejected("start")))
  }
  return frames
}

/// What is left behind a rejected frame is the rest of it, not a new one.
private func endsRejected(_ frames: [DecodedFrame]) -> Bool {
  if case .rejected = frames.last?.outcome { true } else { false }
}

private func decodeReply(_ bytes: [UInt8], _ profile: Profile, _ request: [UInt8]?) -> DecodedFrame.Outcome {
  guard bytes.count >= 5 else { return .incomplete }
  let wanted = expectedCount(bytes)
  guard bytes.count >= wanted else { return .incomplete }
  guard bytes.count == wanted else { return .rejected("length") }
  let table = Table(bytes, filler: 0)
  let crc = crc16Modbus(table, from: 0, to: bytes.count - 2)
  guard bytes[bytes.count - 2] == UInt8(crc & 0xFF), bytes[bytes.count - 1] == UInt8(crc >> 8) else { return .rejected("checksum") }
  if bytes[1] & 0x80 != 0 { return .rejected("exception") }
  let candidates: [ModbusRequest]
  if let request {
    guard request.count == 8, request[0] == bytes[0] || request[0] == 0 || request[0] == 0xFE else { return .rejected("wrong_reply") }
    candidates = [
      ModbusRequest(
        function: request[1], address: UInt16(request[2]) << 8 | UInt16(request[3]),
        count: UInt16(request[4]) << 8 | UInt16(request[5]))
    ]
  } else {
    candidates = profile.reads + profile.fields.compactMap(\.ownRead)
  }
  for asked in candidates {
    guard case .data(let at) = asked.judge(table, at: 1, length: bytes.count - 3) else { continue }
    return .accepted(values(table, asked, data: at, profile))
  }
  return .rejected("wrong_reply")
}

/// How long a reply with this beginning is, with unit and CRC.
private func expectedCount(_ bytes: [UInt8]) -> Int {
  if bytes[1] & 0x80 != 0 { return 5 }
  switch bytes[1] {
  case 1, 2, 3, 4: return 5 + Int(bytes[2])
  case 5, 6, 15, 16: return 8
  default: return bytes.count
  }
}

extension Field {
  /// The read that asks for nothing but this field.
  fileprivate var ownRead: ModbusRequest? {
    guard case .register(let table, let address) = location else { return nil }
    return ModbusRequest(
      function: table.readFunction, address: UInt16(truncatingIfNeeded: address), count: UInt16(truncatingIfNeeded: width))
  }

  fileprivate var isSingle: Bool {
    switch type {
    case .f32be, .f32leWords: true
    default: false
    }
  }
}

private func values(_ bytes: borrowing Table<UInt8>, _ asked: ModbusRequest, data: Int, _ profile: Profile) -> [DecodedFrame.Value] {
  let instruments = single(profile, kind: .modbusRTU)
  var findings = Findings()
  for field in profile.fields.indices {
    let otherwise = profile.fields[field].use == .status ? 0 : Double.nan
    instruments.raws[field] = instruments.fields[field].raw(inReplyTo: asked, bytes, data: data, otherwise: otherwise)
  }
  for field in profile.fields.indices where instruments.fields[field].isCovered(by: asked) {
    instruments.report(0, field, Instant(ns: 1), &findings)
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
