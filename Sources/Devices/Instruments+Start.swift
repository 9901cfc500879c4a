// From profiles to flat tables, once at start. Reads are merged from the fields here: neighbours in one Modbus table
// become one request, up to what the device allows.

public import Domain

extension Instruments {
  /// - Precondition: every plan names a configured port. Settings checks that, with file and line.
  public init(_ settings: InstrumentSettings) {
    var builder = Builder()
    for (index, plan) in settings.devices.enumerated() {
      precondition(Int(plan.port.index) < settings.ports.count, "A device is planned on a port that does not exist.")
      builder.add(plan, index: index)
    }
    var busRows: [BusRow] = []
    var members: [Int32] = []
    var bytes = 0
    let riders = Dictionary(grouping: settings.devices.indices) { Int(settings.devices[$0].port.index) }
    for (port, kind) in settings.ports.enumerated() {
      var row = BusRow(kind: kind)
      row.firstDevice = Int32(members.count)
      // Neighbours are far apart: multiples of 0.618 of a period.
      row.phase = Int64(port * 158 % 256)
      let plans = riders[port] ?? []
      for index in plans {
        members.append(Int32(index))
        if settings.devices[index].isAtLane, settings.devices[index].profile.writes.contains(where: \.isRelay) { row.carriesGate = true }
      }
      row.deviceCount = Int32(members.count) - row.firstDevice
      if row.deviceCount == 1 { row.isStream = builder.devices[Int(members[Int(row.firstDevice)])].isStream }
      let framed = plans.map { settings.devices[$0].profile.longestFrame }.max() ?? 0
      row.firstByte = Int32(bytes)
      row.size = Int32(max(framed + 8, Self.modbusRoom))
      bytes += row.room
      if settings.echoing.contains(PortID(port)) {
        row.firstEcho = Int32(bytes)
        bytes += Self.echoRoom
      }
      busRows.append(row)
    }
    scratch = bytes
    buses = Table(busRows, filler: BusRow(kind: .serial))
    devices = Table(builder.devices, filler: builder.filler)
    frames = Table(
      builder.frames,
      filler: FrameRow(
        Framing(startsWith: [], ending: .length(1)), firstStart: 0, firstTail: 0, firstMark: 0, firstVeto: 0, hasFields: false, hasKeys: false))
    marks = Table(builder.marks, filler: Mark(at: 0, byte: 0))
    vetoes = Table(builder.vetoes, filler: Veto(zero: 0...0, other: nil, reason: .noData))
    extras = Table(builder.extras, filler: FieldExtra())
    needs = Table(builder.needs, filler: NeedRow(field: 0, group: 0, condition: .equals(0)))
    factors = Table(builder.factors, filler: FactorRow(raw: .nan, factor: .nan))
    matches = Table(builder.matches, filler: MatchRow(variant: -1, firstByte: 0, count: -1, number: .nan))
    serials = Table(capacity: builder.fields.count, filledWith: 0)
    fields = Table(builder.fields, filler: FieldRow(Field(name: "", location: .frame(at: 0), type: .u8), staleAfter: .zero))
    specials = Table(builder.specials, filler: Special(raw: .nan, meaning: .sentinel))
    spoilers = Table(builder.spoilers, filler: Spoiler(BadWhen(field: 0, mask: 0)))
    raws = Table(capacity: builder.fields.count, filledWith: .nan)
    readAt = Table(capacity: builder.fields.count, filledWith: .past)
    formers = Table(capacity: builder.fields.count, filledWith: .nan)
    formerAt = Table(capacity: builder.fields.count, filledWith: .past)
    poweredAt = Table(capacity: builder.devices.count, filledWith: .past)
    warming = Table(capacity: builder.fields.count, filledWith: true)
    requests = Table(builder.requests, filler: RequestRow())
    constants = Table(builder.constants, filler: 0)
    buffers = Table(capacity: bytes + 256, filledWith: 0)
    let relays = riders.values.map { $0.map { Int(builder.devices[$0].coilCount) }.reduce(0, +) }
    let room = min((relays.max() ?? 0) + 1, 257) + (builder.named.isEmpty ? 0 : Self.namedRoom)
    named = Table(builder.named, filler: NamedRow(Write(name: "", kind: .bytes([])), first: 0))
    writesMax = room
    writes = Table(
      capacity: settings.ports.count * room,
      filledWith: WriteRow(device: 0, action: .set(channel: 0, on: false), attempts: 0, isGate: false))
    self.members = Table(members, filler: 0)
    heap = DeadlineHeap(members: settings.ports.count)
  }
}

/// A read of Modbus addresses that the door asks for.
public struct PlannedRead: Sendable {
  public var request: ModbusRequest
  /// Which variants are asked, by their index.
  public var variants: UInt32
  /// `nil`: each period.
  public var every: Interval?
  public var when: [Need]
  /// The reads of its single fields, for a device that refuses it as a whole; empty where it has but one.
  public var parts: [ModbusRequest]
}

extension Profile {
  /// The longest frame on a line of its own.
  var longestFrame: Int {
    switch transport {
    case .serial(let speech), .hid(let speech, _): speech.frames.map(\.longest).max() ?? 0
    case .modbus: 0
    }
  }

  /// The reads its fields need, of all variants.
  public var reads: [ModbusRequest] { plannedReads.map(\.request) }

  /// The reads its fields need, each within what the device allows; those that hold status words first, since the other
  /// values wait for them.
  public var plannedReads: [PlannedRead] {
    var plans: [PlannedRead] = []
    for variant in 0..<max(1, variants.count) {
      let bit: UInt32 = variants.isEmpty ? .max : 1 << UInt32(variant)
      for plan in reads(of: fields.filter { $0.variants & bit != 0 }) {
        let same = plans.firstIndex {
          $0.request == plan.request && $0.every == plan.every && $0.when == plan.when
        }
        if let same { plans[same].variants |= bit } else { plans.append(plan.with(bit)) }
      }
    }
    let all = variants.isEmpty ? UInt32.max : 1 << UInt32(variants.count) - 1
    for index in plans.indices where plans[index].variants == all { plans[index].variants = .max }
    return plans.filter { holdsStatus($0.request) } + plans.filter { !holdsStatus($0.request) }
  }

  private func reads(of fields: [Field]) -> [PlannedRead] {
    guard case .modbus(let speech) = transport else { return [] }
    var plans: [PlannedRead] = []
    for table in RegisterTable.allCases {
      let most = table.isBits ? (speech.bitsPerRead > 0 ? speech.bitsPerRead : 2_000) : max(speech.registersPerRead, 1)
      let asked = fields.filter { field in
        guard field.told != .onRequest, case .register(let place, _) = field.location else { return false }
        return place == table
      }
      var groups: [(every: Interval?, when: [Need])] = []
      for field in asked where !groups.contains(where: { $0.every == field.every && $0.when == field.readWhen }) {
        groups.append((field.every, field.readWhen))
      }
      for group in groups {
        var spans: [(first: Int, end: Int)] = []
        for field in asked where field.every == group.every && field.readWhen == group.when {
          guard case .register(_, let address) = field.location else { continue }
          spans.append((address, address + field.width))
        }
        spans.sort { ($0.first, $0.end) < ($1.first, $1.end) }
        for span in merged(spans, most: most) {
          var parts: [ModbusRequest] = []
          for part in spans where part.first >= span.first && part.end <= span.end {
            let request = read(table, part, speech)
            if !parts.contains(request) { parts.append(request) }
          }
          let whole = read(table, span, speech)
          plans.append(
            PlannedRead(
              request: whole, variants: 0, every: group.every, when: group.when, parts: parts.count > 1 ? parts : []))
        }
      }
    }
    return plans
  }

  /// Neighbours as one, up to what the device allows.
  private func merged(_ spans: [(first: Int, end: Int)], most: Int) -> [(first: Int, end: Int)] {
    var all: [(first: Int, end: Int)] = []
    for span in spans {
      if let last = all.last, span.first <= last.end, max(span.end, last.end) - last.first <= most {
        all[all.count - 1].end = max(span.end, last.end)
      } else {
        all.append(span)
      }
    }
    return all
  }

  private func holdsStatus(_ read: ModbusRequest) -> Bool {
    Set(fields.flatMap { $0.badWhen.map(\.field) }).contains { fields.indices.contains($0) && fields[$0].isCovered(by: read) }
  }

  private func read(_ table: RegisterTable, _ span: (first: Int, end: Int), _ speech: ModbusSpeech) -> ModbusRequest {
    let count = table.isBits && speech.bitsPerRead > 0 ? max(speech.bitsPerRead, span.end - span.first) : span.end - span.first
    return ModbusRequest(
      function: table.readFunction, address: UInt16(truncatingIfNeeded: span.first), count: UInt16(truncatingIfNeeded: count))
  }
}

extension PlannedRead {
  fileprivate func with(_ variants: UInt32) -> PlannedRead {
    var plan = self
    plan.variants = variants
    return plan
  }
}

extension Field {
  /// How many addresses of a Modbus table it takes.
  public var width: Int {
    switch type {
    case .bits(let count):
      if case .register(let table, _) = location, table.isBits { count } else { (count + 15) / 16 }
    default: (type.width + 1) / 2
    }
  }

  /// Contacts and relays of frames without a strong check count when the next frame says the same.
  fileprivate func confirmed(by transport: Transport) -> Field {
    guard debounce == nil, use == .inputs || use == .relays else { return self }
    let all: [Framing]
    switch transport {
    case .serial(let speech), .hid(let speech, _):
      // One that only speaks when something changes would never say it twice.
      if speech.isSeldom { return self }
      all = speech.frames
    case .modbus: return self
    }
    guard all.indices.contains(where: { frames >> UInt32($0) & 1 == 1 && all[$0].check.isWeak }) else { return self }
    var field = self
    field.needsAgreement = true
    return field
  }

  /// Whether a reply to `asked` holds all of it.
  func isCovered(by asked: ModbusRequest) -> Bool { FieldRow(self, staleAfter: .zero).isCovered(by: asked) }
}

/// Gathers the rows of all devices.
private struct Builder {
  var devices: [DeviceRow] = []
  var frames: [FrameRow] = []
  var marks: [Mark] = []
  var vetoes: [Veto] = []
  var fields: [FieldRow] = []
  var extras: [FieldExtra] = []
  var needs: [NeedRow] = []
  var factors: [FactorRow] = []
  var matches: [MatchRow] = []
  var specials: [Special] = []
  var spoilers: [Spoiler] = []
  var requests: [RequestRow] = []
  var constants: [UInt8] = []
  var named: [NamedRow] = []

  var filler: DeviceRow {
    row(
      Profile(
        id: "", maker: "", model: "", kind: "", source: "", proof: .constructed, notes: [],
        transport: .modbus(
          ModbusSpeech(unit: 1, registersPerRead: 1, bitsPerRead: 0, period: .seconds(1), replyWithin: .seconds(1), wake: nil)),
        line: Line(baud: 9600), power: .own, warmUp: .zero, fields: [], writes: []), port: 0, unit: 0, isAtLane: false)
  }

  mutating func add(_ plan: DevicePlan, index: Int) {
    let profile = plan.profile
    var row = row(profile, port: Int32(plan.port.index), unit: plan.unit, isAtLane: plan.isAtLane)
    row.firstField = Int32(fields.count)
    row.fieldCount = Int32(profile.fields.count)
    for field in profile.fields { add(field.confirmed(by: profile.transport), staleAfter: profile.staleAfter(field)) }
    addVariants(of: profile, named: plan.variant, &row)
    row.firstRequest = Int32(requests.count)
    row.firstFrame = Int32(frames.count)
    switch profile.transport {
    case .serial(let speech), .hid(let speech, _):
      for (index, frame) in speech.frames.enumerated() { add(frame, index, profile.fields) }
      row.frameCount = Int32(speech.frames.count)
      for index in Int(row.firstFrame)..<frames.count { (frames[index].firstKind, frames[index].kindCount) = (row.firstFrame, row.frameCount) }
      for (index, request) in speech.requests.enumerated() { add(request, index, profile.fields, period: speech.period) }
      let quiets = frames[Int(row.firstFrame)...].map(\.quiet)
      row.quiet = Interval(ns: quiets.map(\.ns).min() ?? FrameRow.noQuiet.ns)
      row.gap = speech.gap ?? FrameRow.noQuiet
      row.address = speech.address
      row.isSeldom = speech.isSeldom
      row.hasLines = frames[Int(row.firstFrame)...].contains(where: \.isLine)
      if case .hid(_, let reports) = profile.transport { row.reportNumber = reports.number.map { Int16($0) } ?? -1 }
    case .modbus(let speech):
      addReads(of: profile, speech)
      for code in speech.busyCodes where code < 32 { row.busyCodes |= 1 << UInt32(code) }
    }
    addSerialNumber(plan, &row)
    row.requestCount = Int32(requests.count) - row.firstRequest
    let own = requests[Int(row.firstRequest)...]
    row.isStream = !own.contains { $0.isRegular && (row.variant < 0 || $0.variants >> UInt32(row.variant) & 1 == 1) }
    row.defaultRequest = Int16(own.firstIndex { $0.hasAnswers }.map { $0 - Int(row.firstRequest) } ?? -1)
    for case .relay(let bytes) in profile.writes.map(\.kind) { addRelay(bytes, &row) }
    row.firstNamed = Int32(named.count)
    for write in profile.namedWrites {
      named.append(NamedRow(write, first: constants.count))
      switch write.kind {
      case .bytes(let bytes): constants += bytes
      case .number(let number): constants += number.bytes
      case .coil, .pulse, .relay, .register, .setting: break
      }
    }
    row.namedCount = Int32(named.count) - row.firstNamed
    devices.append(row)
  }

  private mutating func add(_ field: Field, staleAfter: Interval) {
    let extra = FieldExtra(field, firstNeed: needs.count, firstFactor: factors.count)
    fields.append(
      FieldRow(
        field, staleAfter: staleAfter, firstSpecial: specials.count, firstSpoiler: spoilers.count,
        extra: extra == nil ? -1 : extras.count))
    specials += field.specials
    spoilers += field.badWhen.map(Spoiler.init)
    guard let extra else { return }
    extras.append(extra)
    needs += NeedRow.rows(field.when)
    factors += (field.multiplier?.factors ?? [:]).sorted { $0.key < $1.key }.map { FactorRow(raw: $0.key, factor: $0.value) }
  }

  private mutating func addVariants(of profile: Profile, named name: Int?, _ row: inout DeviceRow) {
    row.firstMatch = Int32(matches.count)
    guard !profile.variants.isEmpty else { return }
    if let name {
      row.variant = Int8(name)
      return
    }
    guard let identity = profile.variants.compactMap(\.identity).first else { return }
    row.variant = -1
    row.identity = Int16(identity)
    for (index, variant) in profile.variants.enumerated() {
      for number in variant.numbers {
        matches.append(MatchRow(variant: Int8(index), firstByte: 0, count: -1, number: number))
      }
      for text in variant.texts {
        matches.append(MatchRow(variant: Int8(index), firstByte: Int32(constants.count), count: Int32(text.utf8.count), number: .nan))
        constants += Array(text.utf8)
      }
    }
    row.matchCount = Int32(matches.count) - row.firstMatch
  }

  /// Which one is meant, and the request that says which one is there.
  private mutating func addSerialNumber(_ plan: DevicePlan, _ row: inout DeviceRow) {
    guard let meant = plan.serialNumber, let index = plan.profile.serialNumber else { return }
    let field = plan.profile.fields[index]
    row.recognition = .unread
    row.serialNumber = Int16(index)
    row.serialMatch = Int32(matches.count)
    var match = MatchRow(variant: -1, firstByte: Int32(constants.count), count: -1, number: .nan)
    switch meant {
    case .number(let number): match.number = Double(number)
    case .text(let text):
      var bytes = Array(text.utf8)
      if case .utf16le = field.type { bytes = text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] } }
      while let last = bytes.last, last == 0 || last == 0x20 { bytes.removeLast() }
      match.count = Int32(bytes.count)
      constants += bytes
    }
    matches.append(match)
    switch plan.profile.transport {
    case .serial(let speech), .hid(let speech, _):
      guard let request = speech.request(telling: field) else { return }
      let place = Int(row.firstRequest) + request
      requests[place].asksWho = true
      // It is asked when the port was opened anyway, and not given up when it is refused.
      if requests[place].isStart { requests[place].sending = .never }
    case .modbus(let speech):
      guard case .register(let table, let address) = field.location else { return }
      var request = RequestRow(
        modbus: ModbusRequest(function: table.readFunction, address: UInt16(truncatingIfNeeded: address), count: UInt16(field.width)))
      request.sending = .never
      request.asksWho = true
      request.replyWithin = speech.replyWithin
      request.period = speech.period
      requests.append(request)
    }
  }

  private mutating func add(_ frame: Framing, _ index: Int, _ fields: [Field]) {
    let start = constants.count
    constants += frame.startsWith
    let tail = constants.count
    if case .tail(let bytes, _) = frame.ending { constants += bytes }
    let held = fields.filter { $0.frames >> UInt32(index) & 1 == 1 }
    let hasKeys = held.contains { if case .after = $0.location { true } else { false } }
    frames.append(
      FrameRow(
        frame, firstStart: start, firstTail: tail, firstMark: marks.count, firstVeto: vetoes.count, hasFields: !held.isEmpty,
        hasKeys: hasKeys))
    marks += frame.marks
    vetoes += frame.vetoes
  }

  private mutating func add(_ request: Request, _ index: Int, _ fields: [Field], period: Interval) {
    var row = RequestRow(firstByte: Int32(constants.count), byteCount: Int32(request.bytes.count))
    constants += request.bytes
    row.carrier = request.carrier
    row.sending = request.sending
    row.replyWithin = request.replyWithin ?? .zero
    row.replyLength = Int32(request.replyLength)
    row.claims = request.claims
    row.hasAnswers = fields.contains { $0.answers >> UInt32(index) & 1 == 1 }
    row.after = Int32(request.after ?? -1)
    row.firstNeed = Int32(needs.count)
    needs += NeedRow.rows(request.when)
    row.needCount = Int32(needs.count) - row.firstNeed
    row.retries = Int32(request.retries)
    row.period = period
    requests.append(row)
  }

  private mutating func addReads(of profile: Profile, _ speech: ModbusSpeech) {
    let reads = profile.plannedReads
    let first = requests.count
    for write in speech.start {
      var row = RequestRow(
        modbus: ModbusRequest(function: 6, address: UInt16(truncatingIfNeeded: write.address), count: write.value))
      row.sending = .atStart
      row.replyWithin = speech.replyWithin
      row.period = speech.period
      requests.append(row)
    }
    // Where each read stands among the device's requests.
    var places: [Int] = []
    var place = requests.count - first
    for read in reads {
      places.append(place)
      place += 1 + read.parts.count
    }
    for read in reads {
      var row = RequestRow(modbus: read.request)
      row.replyWithin = speech.replyWithin
      row.variants = read.variants
      row.period = read.every ?? speech.period
      row.firstNeed = Int32(needs.count)
      needs += NeedRow.rows(read.when)
      row.needCount = Int32(needs.count) - row.firstNeed
      if let need = read.when.first, let before = reads.firstIndex(where: { profile.fields[need.field].isCovered(by: $0.request) }) {
        row.after = Int32(places[before])
      }
      row.partCount = Int32(read.parts.count)
      let whole = Int32(requests.count)
      requests.append(row)
      row.partCount = 0
      row.whole = whole
      for part in read.parts {
        row.modbus = part
        requests.append(row)
      }
    }
  }

  private mutating func addRelay(_ bytes: RelayBytes, _ row: inout DeviceRow) {
    row.relay = RelayRow(
      firstOn: Int32(constants.count), firstOff: Int32(constants.count + bytes.on.count), byteCount: Int32(bytes.on.count),
      channelAt: Int32(bytes.channelAt), check: bytes.check)
    constants += bytes.on + bytes.off
    row.coilCount = Int32(bytes.count)
  }

  private func row(_ profile: Profile, port: Int32, unit: UInt8, isAtLane: Bool) -> DeviceRow {
    var period = Interval.seconds(1)
    var reply = Interval.milliseconds(500)
    var wake: Wake?
    switch profile.transport {
    case .serial(let speech), .hid(let speech, _):
      period = speech.period
      wake = speech.wake
      reply = speech.requests.compactMap(\.replyWithin).max() ?? reply
    case .modbus(let speech):
      period = speech.period
      reply = speech.replyWithin
      wake = speech.wake
    }
    var row = DeviceRow(
      port: port, unit: unit, isAtLane: isAtLane, isUSBPowered: profile.power == .usb, warmUp: profile.warmUp, period: period,
      replyWithin: reply, wakeByte: wake.map { Int16($0.byte) } ?? -1, wakeBefore: wake?.before ?? .zero,
      turnaround: profile.turnaround, firstField: 0, fieldCount: 0, firstRequest: 0, requestCount: 0, coilAddress: 0, coilCount: 0, pulseAddress: -1, pulseCount: 0,
      pulseUnit: .milliseconds(100))
    guard case .modbus = profile.transport else { return row }
    for write in profile.writes {
      switch write.kind {
      case .coil(let address, let count):
        row.coilAddress = Int32(address)
        row.coilCount = Int32(count)
      case .pulse(let address, let count, let unit):
        row.pulseAddress = Int32(address)
        row.pulseCount = Int32(count)
        row.pulseUnit = unit
      case .register, .setting, .relay, .bytes, .number: break
      }
    }
    return row
  }
}
