// Bytes in, bytes out, with the moment each is due. Nothing here opens a file: `SimulationLoop` carries the
// bytes between this and the ptys and sockets, and a scenario in virtual time carries them to the pipeline itself.

import Devices
public import Domain

/// Bytes on their way to whoever listens at a bus.
public struct Delivery: Sendable, Equatable {
  public var bus: Int
  /// The Modbus TCP connection, or the request for a feature that is answered; 0 on a line, and of an input report.
  public var connection: Int
  public var due: Instant
  public var bytes: [UInt8]
  /// How many of them belong to a message as its device meant it, whatever came before, behind or between.
  var proper = 0
}

/// What lies on the wires.
struct WireState: Sendable {
  /// In the order in which they are due.
  var deliveries: [Delivery] = []
  /// When the last byte of a line is out, by bus.
  var lineFree: [Int: Instant] = [:]
  /// What came in and is no request yet, by bus and connection.
  var streams: [Int: [Int: ModbusStream]] = [:]

  var nextDue: Instant { deliveries.first?.due ?? .never }

  /// Behind everything that is due no later.
  mutating func add(_ delivery: Delivery) {
    var place = deliveries.endIndex
    while place > 0, deliveries[place - 1].due > delivery.due { place -= 1 }
    deliveries.insert(delivery, at: place)
  }
}

extension World {
  /// What is to be written now, in order.
  public mutating func takeDue(at moment: Instant) -> [Delivery] {
    guard wires.nextDue <= moment else { return [] }
    let count = wires.deliveries.firstIndex { $0.due > moment } ?? wires.deliveries.count
    defer { wires.deliveries.removeFirst(count) }
    return Array(wires.deliveries[..<count])
  }

  /// Bytes came in at a bus. `false`: the connection has to be closed, since it carries nonsense or a device hangs up.
  public mutating func receive(_ bytes: [UInt8], bus: Int, connection: Int = 0, at moment: Instant) -> Bool {
    advance(to: moment)
    guard plan.buses.indices.contains(bus), plugged[bus] else { return true }
    switch plan.buses[bus].link {
    case .serial: hear(bytes, bus: bus, at: moment); return true
    case .hid: takeReport(bytes, bus: bus, request: connection, at: moment); return true
    case .modbusRTU, .modbusTCP: break
    }
    // Taken out, so that it is not copied.
    var stream = wires.streams[bus]?.removeValue(forKey: connection) ?? ModbusStream()
    stream.append(bytes, at: moment)
    let isTCP = if case .modbusTCP = plan.buses[bus].link { true } else { false }
    while let request = isTCP ? stream.nextTCP() : stream.nextRTU() {
      guard answer(request, bus: bus, connection: connection, isTCP: isTCP, at: moment) else { return false }
    }
    wires.streams[bus, default: [:]][connection] = stream
    return !(isTCP && stream.isBroken)
  }

  /// Somebody connects over TCP. `false`: whoever listens there closes at once.
  public mutating func accepts(bus: Int, at moment: Instant) -> Bool {
    advance(to: moment)
    for index in devices.indices where devices[index].bus == bus {
      if case .drops? = devices[index].fault(at: moment)?.kind, strike(index, at: moment) != nil { return false }
    }
    return true
  }

  /// A connection ended; what it had begun to say is forgotten.
  public mutating func forget(bus: Int, connection: Int) {
    wires.streams[bus]?[connection] = nil
    wires.deliveries.removeAll { $0.bus == bus && $0.connection == connection }
  }

  /// Unasked frames that are due.
  mutating func sendDueFrames(at moment: Instant) {
    for index in streaming where devices[index].nextFrame <= moment {
      switch devices[index].profile.transport {
      case .serial(let speech), .hid(let speech, _):
        devices[index].nextFrame = devices[index].nextFrame + devices[index].pause(speech)
        if devices[index].isPowered { sendFrame(of: index, speech, at: moment) }
      case .modbus: devices[index].nextFrame = .never
      }
    }
  }

  private mutating func hear(_ bytes: [UInt8], bus: Int, at moment: Instant) {
    for index in devices.indices where devices[index].bus == bus && devices[index].isPowered {
      guard case .serial(let speech) = devices[index].profile.transport else { continue }
      for request in devices[index].hear(bytes, requests: speech.requests, at: moment) where speech.requests[request].replyWithin != nil {
        sendFrame(of: index, speech, answering: request, at: moment)
      }
    }
  }

  /// What goes to a HID device: how (0 output report, 1 set feature, 2 get feature), then the report.
  private mutating func takeReport(_ bytes: [UInt8], bus: Int, request number: Int, at moment: Instant) {
    guard let way = bytes.first else { return }
    let report = Array(bytes.dropFirst())
    for index in devices.indices where devices[index].bus == bus && devices[index].isPowered {
      guard case .hid(let speech, _) = devices[index].profile.transport, !devices[index].obey(report, at: moment) else { continue }
      let request = speech.requests.firstIndex { $0.carrier.number == way && $0.bytes == report }
      if let request, speech.requests[request].replyWithin != nil {
        sendFrame(of: index, speech, answering: request, connection: number, at: moment)
      }
    }
  }

  /// A message as it goes over the wire: on a line as it is, else in reports.
  private func packed(_ message: [UInt8], of index: Int) -> [[UInt8]] {
    guard case .hid(_, let reports) = devices[index].profile.transport, reports.length > 0 else { return [message] }
    let head = reports.number.map { [$0] } ?? []
    return stride(from: 0, to: message.count, by: reports.length).map { head + message[$0..<min($0 + reports.length, message.count)] }
  }

  /// The fault that strikes what a device is about to say.
  private mutating func strike(_ index: Int, at moment: Instant) -> Fault? {
    guard let fault = devices[index].fault(at: moment), fault.chance >= 1 || luck.unit() < fault.chance else { return nil }
    return fault
  }

  /// The frame that holds what a request asks for; unasked, the first kind with all that stands in it.
  private mutating func sendFrame(
    of index: Int, _ speech: FrameSpeech, answering request: Int? = nil, connection: Int = 0, at moment: Instant
  ) {
    let fault = strike(index, at: moment)
    let values = values(of: index, fault: fault, at: moment)
    let fields = devices[index].profile.fields
    var answers = request.map { devices[index].nature.answering[$0] } ?? devices[index].nature.unasked
    if request == nil, devices[index].nature.turns.count > 1 {
      let turn = devices[index].nature.turns[devices[index].turn % devices[index].nature.turns.count]
      answers.removeAll { !fields[$0].when.isEmpty && fields[$0].when != turn }
      devices[index].turn += 1
    }
    let claimed = answers.first { fields[$0].answers != 0 }
    var kind = 0
    if claimed == nil, let request, let plain = plainKind(speech, fields, answering: speech.requests[request]) {
      kind = plain
    } else if let field = claimed ?? answers.first {
      kind = speech.frames.indices.first { frame in fields[field].frames >> UInt32(frame) & 1 == 1 } ?? 0
    }
    let card = devices[index].card.flatMap { answers.contains($0.field) ? $0 : nil }
    var texts = devices[index].nature.texts
    if let card { texts[card.field] = card.text }
    var frame = encodedFrame(
      speech.frames[kind], index: kind, of: fields, values: scaled(values, index), only: answers, texts: texts,
      variant: devices[index].variant, isWarmingUp: moment < devices[index].warmAt)
    let check = speech.frames[kind].check.place(in: frame.count)
    if let request, case .echo? = fault?.kind {
      put(devices[index].address + speech.requests[request].bytes, proper: .max, bus: devices[index].bus, connection: 0, at: moment)
    }
    if case .wrongLength? = fault?.kind, frame.count > 1 { frame.remove(at: max(0, (check < 0 ? frame.count : check) - 1)) }
    if isWhole(index, fault) {
      devices[index].tell(values)
      // Once it was read it has to be put there again.
      if card != nil { devices[index].card = nil }
    }
    let head = devices[index].answersBegin
    send(head + frame, check: check < 0 ? check : head.count + check, of: index, fault, connection: connection, at: moment)
  }

  /// The kind of frame that answers a request which no field does: of those without fields the one that begins most like it.
  private func plainKind(_ speech: FrameSpeech, _ fields: [Field], answering request: Request) -> Int? {
    let plain = speech.frames.indices.filter { frame in
      !speech.frames[frame].refuses && !fields.contains { $0.frames >> UInt32(frame) & 1 == 1 }
    }
    return plain.max { alike(speech.frames[$0].startsWith, request.bytes) < alike(speech.frames[$1].startsWith, request.bytes) }
  }

  private func alike(_ one: [UInt8], _ other: [UInt8]) -> Int { zip(one, other).count { $0 == $1 } }

  /// A scanner tells what was held to it: by itself, or when it is asked next.
  mutating func show(_ code: String, lane: Int, at moment: Instant) {
    guard let scanner = plan.lanes[lane].scanner, let speech = devices[scanner.device].frameSpeech, devices[scanner.device].isPowered
    else { return }
    let fields = devices[scanner.device].profile.fields
    let text = textBytes(code, fields[scanner.field].type)
    guard !speech.isAsked else { return devices[scanner.device].card = (scanner.field, text) }
    let kind = speech.frames.indices.first { fields[scanner.field].frames >> UInt32($0) & 1 == 1 } ?? 0
    let frame = encodedFrame(
      speech.frames[kind], index: kind, of: fields, values: fields.map(ordinaryValue), only: [scanner.field],
      texts: [scanner.field: text])
    let fault = strike(scanner.device, at: moment)
    send(frame, check: speech.frames[kind].check.place(in: frame.count), of: scanner.device, fault, connection: 0, at: moment)
  }

  /// `false`: the one who is asked hangs up.
  private mutating func answer(_ request: HeardRequest, bus: Int, connection: Int, isTCP: Bool, at moment: Instant) -> Bool {
    let asked = wired[bus]
    let meant = asked.filter { devices[$0].isPowered && devices[$0].answers(to: request.unit) }
    if meant.isEmpty, request.unit == 0, !isTCP {
      for index in asked where devices[index].isPowered { _ = reply(of: index, to: request, strike(index, at: moment), at: moment) }
      return true
    }
    for index in asked where devices[index].isPowered && !meant.contains(index) {
      if case .answersOthers? = devices[index].fault(at: moment)?.kind, let fault = strike(index, at: moment) {
        speak(index, answering: request, fault, connection: connection, isTCP: isTCP, at: moment)
      }
    }
    if meant.isEmpty, isTCP, let function = request.pdu.first {
      let refusal = [function | 0x80, ModbusException.targetDidNotRespond.rawValue]
      put(tcpFrame(request, refusal), proper: .max, bus: bus, connection: connection, at: moment)
    }
    for index in meant {
      let fault = strike(index, at: moment)
      switch fault?.kind {
      case .hangUp?, .drops?: return false
      default: break
      }
      speak(index, answering: request, fault, connection: connection, isTCP: isTCP, at: moment)
    }
    return true
  }

  private mutating func speak(
    _ index: Int, answering request: HeardRequest, _ fault: Fault?, connection: Int, isTCP: Bool, at moment: Instant
  ) {
    var pdu = reply(of: index, to: request, fault, at: moment)
    guard !pdu.isEmpty else { return }
    var request = request
    if case .echo? = fault?.kind {
      put(rtuFrame(unit: request.unit, request.pdu), proper: .max, bus: devices[index].bus, connection: connection, at: moment)
    }
    if case .wrongUnit? = fault?.kind { request.unit &+= 1 }
    if case .wrongLength? = fault?.kind { pdu.removeLast() }
    let frame = isTCP ? tcpFrame(request, pdu) : rtuFrame(unit: request.unit, pdu)
    send(frame, check: isTCP ? 1 : frame.count - 1, of: index, fault, connection: connection, at: moment)
  }

  private mutating func reply(of index: Int, to request: HeardRequest, _ fault: Fault?, at moment: Instant) -> [UInt8] {
    switch fault?.kind {
    // A device that is silent or cut off does not act either: no write by a request it did not hear.
    case .silence: return []
    case .exception: return request.pdu.first.map { [$0 | 0x80, UInt8(clamped: fault?.by ?? 4)] } ?? []
    default: break
    }
    let values = values(of: index, fault: fault, at: moment)
    if isWhole(index, fault) { devices[index].tell(values) }
    let wired = scaled(values, index)
    return devices[index].registers?.answer(request.pdu, values: wired, at: moment) ?? []
  }

  /// Whether a message is one, as its wire has them, that this fault has made of it.
  private func isProper(_ fault: Fault?) -> Bool {
    switch fault?.kind {
    case .noise, .baud, .badCheck, .cutFrame, .wrongLength, .wrongUnit: false
    default: true
    }
  }

  /// Whether a message may be believed that this fault has made of it.
  private func isWhole(_ index: Int, _ fault: Fault?) -> Bool {
    switch fault?.kind {
    case nil, .delay, .late, .split, .trickle, .junkBefore, .junkAfter, .echo, .answersOthers, .stuck, .jump, .drift, .slow, .selfCalibrates, .sentinel,
      .normalises:
      true
    // Only a Modbus device has exceptions.
    case .exception: devices[index].registers == nil
    case .silence, .hangUp, .drops, .noise, .baud, .badCheck, .cutFrame, .wrongLength, .wrongUnit: false
    }
  }

  /// Sends a device's message, spoiled by its fault.
  private mutating func send(_ message: [UInt8], check: Int, of index: Int, _ fault: Fault?, connection: Int, at moment: Instant) {
    let bus = devices[index].bus
    guard let fault else {
      for bytes in packed(message, of: index) { put(bytes, proper: .max, bus: bus, connection: connection, at: moment) }
      return
    }
    if case .trickle = fault.kind {
      guard devices[index].busyUntil <= moment else { return }
      devices[index].busyUntil = moment + Interval(ns: Int64(fault.by * 1e9)) * Int64(message.count)
    }
    // Reports have bytes of their own around a message.
    let isInReports = if case .hid = plan.buses[bus].link { true } else { false }
    var proper = isProper(fault) ? isInReports ? Int.max : message.count : 0
    for piece in fault.pieces(of: message, check: check, patience: devices[index].patience ?? .zero, chance: &luck) where !piece.bytes.isEmpty {
      for bytes in packed(piece.bytes, of: index) {
        put(bytes, proper: proper, bus: bus, connection: connection, at: moment + piece.after)
        proper -= min(proper, bytes.count)
      }
    }
  }

  /// - Parameter proper: how many of the bytes are a message's own.
  private mutating func put(_ bytes: [UInt8], proper: Int, bus: Int, connection: Int, at moment: Instant) {
    guard plugged[bus] else { return }
    guard isPaced, let line = plan.buses[bus].link.line else {
      wires.add(Delivery(bus: bus, connection: connection, due: moment, bytes: bytes, proper: min(proper, bytes.count)))
      return
    }
    var free = max(wires.lineFree[bus] ?? .past, moment)
    for (index, byte) in bytes.enumerated() {
      free = free + line.byteTime
      wires.add(Delivery(bus: bus, connection: connection, due: free, bytes: [byte], proper: index < proper ? 1 : 0))
    }
    wires.lineFree[bus] = free
  }
}

extension Check {
  /// Where its first byte stands in a frame of this length; -1: it has none.
  func place(in length: Int) -> Int {
    if case .none = kind { return -1 }
    return at < 0 ? length + at : at
  }
}

extension Link {
  /// Whether a device of the one can be wired to the other.
  func takes(_ other: Link) -> Bool {
    switch (self, other) {
    case (.serial, .serial), (.hid, .hid), (.modbusRTU, .modbusRTU), (.modbusTCP, .modbusTCP): true
    case (.modbusRTU, .modbusTCP), (.modbusTCP, .modbusRTU): true
    case (.serial, _), (.hid, _), (.modbusRTU, _), (.modbusTCP, _): false
    }
  }

  var line: Line? {
    switch self {
    case .serial(_, let line), .modbusRTU(_, let line): line
    case .modbusTCP, .hid: nil
    }
  }
}

extension Line {
  /// A start bit, the data, a parity bit where there is one, the stop bits.
  var byteTime: Interval {
    let parityBits = if case .none = parity { 0 } else { 1 }
    return Interval(ns: 1_000_000_000 * Int64(1 + dataBits + parityBits + stopBits) / Int64(max(baud, 1)))
  }
}
