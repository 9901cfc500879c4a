// From profiles to flat tables, once at start. Reads are merged from the fields here: neighbours in one Modbus table
// become one request, up to what the device allows.

import Domain

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
    for (port, kind) in settings.ports.enumerated() {
      var row = BusRow(kind: kind)
      row.firstDevice = Int32(members.count)
      for (index, plan) in settings.devices.enumerated() where Int(plan.port.index) == port {
        members.append(Int32(index))
        if plan.isAtLane, !plan.profile.writes.isEmpty { row.carriesGate = true }
      }
      row.deviceCount = Int32(members.count) - row.firstDevice
      if row.deviceCount == 1 { row.isStream = builder.devices[Int(members[Int(row.firstDevice)])].requestCount == 0 }
      busRows.append(row)
    }
    buses = Table(busRows, filler: BusRow(kind: .serial))
    devices = Table(builder.devices, filler: builder.filler)
    fields = Table(builder.fields, filler: FieldRow(Field(name: "", location: .frame(at: 0), type: .u8), staleAfter: .zero))
    specials = Table(builder.specials, filler: Special(raw: .nan, meaning: .sentinel))
    spoilers = Table(builder.spoilers, filler: Spoiler(BadWhen(field: 0, mask: 0)))
    raws = Table(capacity: builder.fields.count, filledWith: .nan)
    readAt = Table(capacity: builder.fields.count, filledWith: .past)
    poweredAt = Table(capacity: builder.devices.count, filledWith: .past)
    warming = Table(capacity: builder.fields.count, filledWith: true)
    requests = Table(builder.requests, filler: RequestRow())
    constants = Table(builder.constants, filler: 0)
    buffers = Table(capacity: settings.ports.count * Self.bufferSize, filledWith: 0)
    let relays = settings.ports.indices.map { port in
      builder.devices.filter { Int($0.port) == port }.map { Int($0.coilCount) }.reduce(0, +)
    }
    let room = min((relays.max() ?? 0) + 1, 257)
    writesMax = room
    writes = Table(
      capacity: settings.ports.count * room,
      filledWith: WriteRow(device: 0, action: .set(channel: 0, on: false), attempts: 0, isGate: false))
    self.members = Table(members, filler: 0)
    heap = DeadlineHeap(members: settings.ports.count)
  }
}

extension Profile {
  /// The reads its fields need, each within what the device allows; those that hold status words first, since the other
  /// values wait for them.
  public var reads: [ModbusRequest] {
    guard case .modbus(let speech) = transport else { return [] }
    var reads: [ModbusRequest] = []
    for table in RegisterTable.allCases {
      let most = table.isBits ? (speech.bitsPerRead > 0 ? speech.bitsPerRead : 2_000) : max(speech.registersPerRead, 1)
      var spans: [(first: Int, end: Int)] = []
      for field in fields where field.told != .onRequest {
        guard case .register(let place, let address) = field.location, place == table else { continue }
        spans.append((address, address + field.width))
      }
      spans.sort { $0.first < $1.first }
      var open: (first: Int, end: Int)?
      for span in spans {
        if let current = open, span.first <= current.end, max(span.end, current.end) - current.first <= most {
          open = (current.first, max(span.end, current.end))
        } else {
          if let current = open { reads.append(read(table, current, speech)) }
          open = span
        }
      }
      if let current = open { reads.append(read(table, current, speech)) }
    }
    return reads.filter(holdsStatus) + reads.filter { !holdsStatus($0) }
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

extension Field {
  /// How many addresses of a Modbus table it takes.
  public var width: Int {
    switch type {
    case .bits(let count):
      if case .register(let table, _) = location, table.isBits { count } else { (count + 15) / 16 }
    case .u32be, .u32le, .i32be, .i32le, .f32be, .f32leWords, .u32leWords, .i32leWords: 2
    case .u8, .i8, .u16be, .u16le, .i16be, .i16le: 1
    }
  }

  /// Whether a reply to `asked` holds all of it.
  func isCovered(by asked: ModbusRequest) -> Bool { FieldRow(self, staleAfter: .zero).isCovered(by: asked) }
}

/// Gathers the rows of all devices.
private struct Builder {
  var devices: [DeviceRow] = []
  var fields: [FieldRow] = []
  var specials: [Special] = []
  var spoilers: [Spoiler] = []
  var requests: [RequestRow] = []
  var constants: [UInt8] = []

  var filler: DeviceRow {
    row(
      Profile(
        id: "", maker: "", model: "", kind: "", source: "", proof: .constructed, notes: [],
        transport: .modbus(
          ModbusSpeech(unit: 1, registersPerRead: 1, bitsPerRead: 0, period: .seconds(1), replyWithin: .seconds(1), wake: nil)),
        line: Line(baud: 9600), power: .own, warmUp: .zero, fields: [], writes: []), port: 0, unit: 0, isAtLane: false)
  }

  mutating func add(_ plan: DevicePlan, index: Int) {
    var row = row(plan.profile, port: Int32(plan.port.index), unit: plan.unit, isAtLane: plan.isAtLane)
    row.firstField = Int32(fields.count)
    row.fieldCount = Int32(plan.profile.fields.count)
    for field in plan.profile.fields {
      let staleAfter = plan.profile.staleAfter(field)
      fields.append(FieldRow(field, staleAfter: staleAfter, firstSpecial: specials.count, firstSpoiler: spoilers.count))
      specials += field.specials
      spoilers += field.badWhen.map(Spoiler.init)
    }
    row.firstRequest = Int32(requests.count)
    switch plan.profile.transport {
    case .serial(let speech):
      row.firstSync = Int32(constants.count)
      row.syncCount = Int32(speech.framing.startsWith.count)
      constants += speech.framing.startsWith
      for request in speech.requests {
        requests.append(RequestRow(firstByte: Int32(constants.count), byteCount: Int32(request.bytes.count)))
        constants += request.bytes
      }
    case .modbus:
      for read in plan.profile.reads { requests.append(RequestRow(modbus: read)) }
    }
    row.requestCount = Int32(requests.count) - row.firstRequest
    devices.append(row)
  }

  private func row(_ profile: Profile, port: Int32, unit: UInt8, isAtLane: Bool) -> DeviceRow {
    var period = Interval.seconds(1)
    var reply = Interval.milliseconds(500)
    var wake: Wake?
    var length: Int32 = 0
    var check = Check.sum8(from: 0, at: 0)
    switch profile.transport {
    case .serial(let speech):
      period = speech.period
      reply = speech.requests.map(\.replyWithin).max() ?? reply
      length = Int32(speech.framing.length)
      check = speech.framing.check
    case .modbus(let speech):
      period = speech.period
      reply = speech.replyWithin
      wake = speech.wake
    }
    var row = DeviceRow(
      port: port, unit: unit, isAtLane: isAtLane, isUSBPowered: profile.power == .usb, warmUp: profile.warmUp, period: period,
      replyWithin: reply, wakeByte: wake.map { Int16($0.byte) } ?? -1, wakeBefore: wake?.before ?? .zero, firstField: 0,
      fieldCount: 0, firstRequest: 0, requestCount: 0, firstSync: 0, syncCount: 0, frameLength: length, check: check,
      coilAddress: 0, coilCount: 0, pulseAddress: -1, pulseCount: 0, pulseUnit: .milliseconds(100))
    // Only Modbus knows how to write.
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
      case .register: break
      }
    }
    return row
  }
}
