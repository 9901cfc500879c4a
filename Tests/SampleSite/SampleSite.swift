// A site in code, without settings files: what turn-check, race-check and the benchmarks run their turns on. Devices
// speak as real models do; delays that last minutes in a building are seconds here, so that they happen in a short day.

import Domain
public import Pipeline
public import Devices
import Rules

/// Lanes with thermometers, relay boards for two lanes each, and rooms with a CO2 probe each.
public struct SampleSite: Sendable {
  /// Body minus surface at every lane, degC.
  static let siteOffset = 1.6
  /// Probes on one RTU bus.
  static let probesPerBus = 4

  public let lanes: Int
  public let boards: Int
  public let probes: Int
  let ports: Int
  public let settings: PipelineSettings

  public var devices: Int { lanes + boards + probes }

  /// - Parameters:
  ///   - lanes: one thermometer each, alone on its serial line.
  ///   - boards: 0, or enough for two lanes each: then every lane has a gate, a lamp, a buzzer and its contacts.
  ///   - probes: one room each, four on an RTU bus.
  public init(lanes: Int, boards: Int, probes: Int) {
    precondition(boards == 0 || boards == (lanes + 1) / 2, "A board serves two lanes.")
    self.lanes = lanes
    self.boards = boards
    self.probes = probes
    let buses = (probes + Self.probesPerBus - 1) / Self.probesPerBus
    let kinds: [PortKind] =
      Array(repeating: .serial, count: lanes) + Array(repeating: .modbusTCP, count: boards)
      + Array(repeating: .modbusRTU, count: buses)
    ports = kinds.count
    var devices: [DevicePlan] = []
    for lane in 0..<lanes { devices.append(DevicePlan(profile: .thermometer, port: PortID(lane), unit: 0, isAtLane: true)) }
    for board in 0..<boards {
      devices.append(DevicePlan(profile: .relayBoard, port: PortID(lanes + board), unit: 1, isAtLane: true))
    }
    for probe in 0..<probes {
      devices.append(
        DevicePlan(
          profile: .probe, port: PortID(lanes + boards + probe / Self.probesPerBus),
          unit: UInt8(1 + probe % Self.probesPerBus), isAtLane: false))
    }
    let air = Self.air
    settings = PipelineSettings(
      instruments: InstrumentSettings(ports: kinds, devices: devices),
      lanes: (0..<lanes).map { Self.lane($0, board: boards > 0 ? DeviceID(lanes + $0 / 2) : nil) },
      rooms: (0..<probes).map { RoomPlan(settings: Self.room, co2: [DeviceID(lanes + boards + $0)]) }, air: air,
      thinning: ThinningSettings(interval: .seconds(60), deadBands: DeadBands(celsius: 0.5, ppm: 50, other: 1)),
      hours: Hours(days: 0b111_1111, start: 0, noon: 12 * 3600, end: 24 * 3600 - 1))
  }

  /// A mixed site of this many devices: half of them thermometers, a board for two lanes, the rest probes.
  public init(devices: Int) {
    let lanes = devices / 2
    let boards = (lanes + 1) / 2
    self.init(lanes: lanes, boards: boards, probes: devices - lanes - boards)
  }

  private static func lane(_ lane: Int, board: DeviceID?) -> LanePlan {
    let place = UInt8(lane % 2)
    func wire(_ channel: UInt8) -> Wire? { board.map { Wire(device: $0, channel: channel + place) } }
    let contacts: [(Contact, Wire?)] = [
      (.readBack, wire(1)), (.passage, wire(3)), (.fireRelease, wire(5)), (.staffButton, wire(7)),
    ]
    return LanePlan(
      settings: LaneSettings(
        siteOffset: siteOffset, hasGate: board != nil, hasReadBack: board != nil, hasPassage: board != nil,
        openFor: .seconds(2), opensOnFailure: false, staleAfter: .milliseconds(216), policy: fever,
        hasFireRelease: board != nil, hasStaffButton: board != nil),
      thermometer: DeviceID(lane), gate: wire(1), lamp: wire(3), buzzer: wire(5),
      contacts: contacts.compactMap { contact, wire in wire.map { (contact, $0) } })
  }

  /// Judged by every rule there is for a room with a CO2 probe.
  private static var room: RoomSettings {
    var room = RoomSettings(policy: air, volume: 180)
    room.capacity = 30
    room.occupants = 25
    room.isJudged = true
    return room
  }

  private static var fever: FeverPolicy {
    var fever = FeverPolicy()
    fever.relative.isOn = true
    fever.rest = .seconds(10)
    fever.coldWait = .seconds(10)
    return fever
  }

  /// Minutes become seconds.
  private static var air: AirPolicy {
    var air = AirPolicy()
    air.shortWindow = .seconds(10)
    air.longWindow = .seconds(60)
    air.highAfter = .seconds(2)
    air.highClearAfter = .seconds(3)
    air.meanClearAfter = .seconds(3)
    air.adviceAfter = .seconds(2)
    air.adviceClearAfter = .seconds(3)
    return air
  }
}

extension Profile {
  /// Frames 14 times a second: 5A 5A 45 04, object and ambient in hundredths of a degree, sum.
  public static let thermometer = Profile(
    id: "sample-thermometer", maker: "", model: "", kind: "", source: "", proof: .constructed, notes: [],
    transport: .serial(
      FrameSpeech(
        frames: [Framing(startsWith: [0x5A, 0x5A, 0x45, 0x04], length: 9, check: .sum8(from: 0, at: 8))], requests: [],
        period: .milliseconds(72))),
    line: Line(baud: 9600), power: .usb, warmUp: .seconds(2),
    fields: [
      Field(name: "object", location: .frame(at: 4), type: .i16be, scale: 0.01, unit: .degC, use: .surface, range: -70...380),
      Field(name: "ambient", location: .frame(at: 6), type: .i16be, scale: 0.01, unit: .degC, use: .sensorAmbient, range: -40...125),
    ], writes: [])

  /// Eight relays that can end a pulse by themselves, eight inputs.
  public static let relayBoard = Profile(
    id: "sample-board", maker: "", model: "", kind: "", source: "", proof: .constructed, notes: [],
    transport: .modbus(
      ModbusSpeech(
        unit: 1, registersPerRead: 8, bitsPerRead: 8, period: .milliseconds(200), replyWithin: .milliseconds(200), wake: nil)),
    line: Line(baud: 9600), power: .own, warmUp: .zero,
    fields: [
      Field(name: "relays", location: .register(.coil, address: 0), type: .bits(8), unit: .channels, use: .relays),
      Field(name: "inputs", location: .register(.discrete, address: 0), type: .bits(8), unit: .channels, use: .inputs),
    ],
    writes: [
      Write(name: "relay", kind: .coil(address: 0, count: 8)),
      Write(name: "pulse", kind: .pulse(address: 0x200, count: 8, unit: .milliseconds(100))),
    ])

  /// CO2 and two temperatures as floats with the low word first, and two status words that spoil the CO2.
  static let probe = Profile(
    id: "sample-probe", maker: "", model: "", kind: "", source: "", proof: .constructed, notes: [],
    transport: .modbus(
      ModbusSpeech(
        unit: 1, registersPerRead: 125, bitsPerRead: 0, period: .seconds(2), replyWithin: .milliseconds(500), wake: nil)),
    line: Line(baud: 19_200), power: .own, warmUp: .zero,
    fields: [
      Field(
        name: "co2", location: .register(.holding, address: 0), type: .f32leWords, unit: .ppm, use: .co2, range: 0...10_000,
        badWhen: [BadWhen(field: 2, mask: 3), BadWhen(field: 3, mask: 0x102)]),
      Field(name: "temperature", location: .register(.holding, address: 2), type: .f32leWords, unit: .degC, range: -40...100),
      Field(name: "device_status", location: .register(.holding, address: 0x800), type: .u16be, unit: .bits, use: .status),
      Field(name: "co2_status", location: .register(.holding, address: 0x801), type: .u16be, unit: .bits, use: .status),
    ], writes: [])
}
