// Profiles written by hand for these tests, shaped like the shipped ones: a stream, a question and answer, an
// any-address register map, floats with the low word first, a board of relays and inputs.

import Devices
import Domain
import Simulation

enum Sample {
  static func profile(_ id: String, _ transport: Transport, _ fields: [Field], writes: [Write] = []) -> Profile {
    Profile(
      id: id, maker: "", model: "", kind: "", source: "", proof: .constructed, notes: [], transport: transport,
      line: Line(baud: 9_600), power: .own, warmUp: .zero, fields: fields, writes: writes)
  }

  static var thermometer: Profile {
    let framing = Framing(startsWith: [0x5A, 0x5A, 0x45, 0x04], length: 9, check: .sum8(from: 0, at: 8))
    return profile(
      "thermometer", .serial(FrameSpeech(frames: [framing], requests: [], period: .milliseconds(72))),
      [
        Field(name: "object", location: .frame(at: 4), type: .u16be, scale: 0.01, unit: .degC, use: .surface, range: -70...380),
        Field(name: "ambient", location: .frame(at: 6), type: .u16be, scale: 0.01, unit: .degC, use: .sensorAmbient, range: -40...125),
      ])
  }

  static var asked: Profile {
    let framing = Framing(startsWith: [0xFF, 0x86], length: 9, check: .negativeSum8(from: 1, at: 8))
    let request = Request(bytes: [0xFF, 0x01, 0x86, 0, 0, 0, 0, 0, 0x79], replyWithin: .milliseconds(500))
    return profile(
      "asked", .serial(FrameSpeech(frames: [framing], requests: [request], period: .seconds(5))),
      [
        Field(name: "co2", location: .frame(at: 2), type: .u16be, unit: .ppm, use: .co2, range: 0...5_000),
        Field(name: "temperature", location: .frame(at: 4), type: .u8, offset: -40, unit: .degC, sentinels: [0]),
      ])
  }

  static func speech(unit: UInt8, registers: Int = 125, bits: Int = 0) -> ModbusSpeech {
    ModbusSpeech(
      unit: unit, registersPerRead: registers, bitsPerRead: bits, period: .seconds(2), replyWithin: .milliseconds(500),
      wake: nil)
  }

  static var anyAddress: Profile {
    profile(
      "any-address", .modbus(speech(unit: 0xFE, registers: 6)),
      [
        Field(name: "meter_status", location: .register(.input, address: 0), type: .u16be, unit: .bits, use: .status),
        Field(name: "co2", location: .register(.input, address: 3), type: .i16be, unit: .ppm, use: .co2, range: 0...10_000),
      ],
      writes: [Write(name: "background", kind: .register(address: 1, value: 0x7C06))])
  }

  static var lowWordFirst: Profile {
    profile(
      "low-word-first", .modbus(speech(unit: 240)),
      [
        Field(name: "co2", location: .register(.holding, address: 0), type: .f32leWords, unit: .ppm, use: .co2, range: 0...10_000),
        Field(name: "status", location: .register(.holding, address: 0x800), type: .u16be, unit: .bits, use: .status),
      ])
  }

  static var board: Profile {
    profile(
      "board", .modbus(speech(unit: 1, bits: 8)),
      [
        Field(name: "relays", location: .register(.coil, address: 0), type: .bits(8), unit: .channels, use: .relays),
        Field(name: "inputs", location: .register(.discrete, address: 0), type: .bits(8), unit: .channels, use: .inputs),
      ],
      writes: [
        Write(name: "relay", kind: .coil(address: 0, count: 8)),
        Write(name: "pulse", kind: .pulse(address: 0x200, count: 8, unit: .milliseconds(100))),
      ])
  }

  static let line = Line(baud: 9_600)

  /// A door: a thermometer on a line, a board on an RTU bus, two sensors behind a gateway.
  static func door(folder: String = "/nowhere", port: Int = 502) -> WorldPlan {
    WorldPlan(
      buses: [
        PortSettings(name: "ir", link: .serial(path: "\(folder)/ir", line)),
        PortSettings(name: "io", link: .modbusRTU(path: "\(folder)/io", line)),
        PortSettings(name: "rooms", link: .modbusTCP(host: "127.0.0.1", port: port)),
      ],
      devices: [
        PlannedDevice(name: "thermometer", profile: thermometer, bus: 0),
        PlannedDevice(name: "board", profile: board, bus: 1, unit: 1),
        PlannedDevice(name: "room-a-co2", profile: lowWordFirst, bus: 2, unit: 31),
        PlannedDevice(name: "room-b-co2", profile: anyAddress, bus: 2, unit: 5),
      ],
      lanes: [
        PlannedLane(
          name: "north", thermometer: 0, siteOffset: 1.6, gate: Wire(device: 1, channel: 1),
          readBack: Wire(device: 1, channel: 1), passage: Wire(device: 1, channel: 2))
      ],
      rooms: [
        PlannedRoom(name: "room-a", volumeM3: 180, sensors: [2]), PlannedRoom(name: "room-b", volumeM3: 60, sensors: [3]),
      ])
  }
}

/// Bytes written as people write them.
func hex(_ text: String) -> [UInt8] {
  text.split(separator: " ").compactMap { UInt8($0, radix: 16) }
}

func at(_ milliseconds: Int64) -> Instant { Instant(ns: milliseconds * 1_000_000) }
