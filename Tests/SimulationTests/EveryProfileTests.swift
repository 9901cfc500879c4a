// Goal: whatever ships as a profile can be simulated with no further code. Method: a site with one device of it, over each connection
// that it allows, read by the door in virtual time; everything that its profile allows to be written is written.

import Devices
import Domain
import Foundation
import Settings
import Testing

@testable import Simulation

/// A profile and a bus for it, as settings name one.
private struct Connection: CustomTestStringConvertible, Sendable {
  var profile: Profile
  var bus: String
  var testDescription: String { "\(profile.id) over \(bus)" }

  static let all: [Connection] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: "DeviceProfiles")) ?? []
    return files.filter { $0.hasSuffix(".yaml") }.sorted().flatMap { file -> [Connection] in
      guard let profile = try? Profile.load(file: "DeviceProfiles/\(file)") else { return [] }
      return buses(profile).map { Connection(profile: profile, bus: $0) }
    }
  }()

  private static func buses(_ profile: Profile) -> [String] {
    switch profile.transport {
    case .serial: return ["{ serial: tty/it }"]
    case .modbus: return ["{ modbus_rtu: tty/it }", "{ modbus_tcp: \"127.0.0.1:15030\" }"]
    case .hid:
      let digits = profile.usb.first.map { [$0.vendor, $0.product].map { String(Int($0) + 0x10000, radix: 16).dropFirst() } } ?? []
      return ["{ hid: { usb: \"\(digits.joined(separator: ":"))\" } }"]
    }
  }

  /// The field that tells who somebody is.
  var identity: String? {
    let personal = profile.fields.filter { $0.personal && $0.type.isText }.map(\.name)
    return personal.contains("number") ? "number" : personal.first
  }

  /// Whether a gate may be wired to it: its relays are read back.
  var switchesRelays: Bool { profile.fields.contains { $0.use == .relays } }

  var settings: String {
    let board = switchesRelays ? "it" : "board"
    var text = "site: { id: trial, name: Trial, time_zone: Asia/Shanghai\(identity == nil ? "" : ", identity_secret_file: key") }\n"
    text += "desk: none\nlog: { folder: log }\nbuses:\n  it: \(bus)\n"
    if needsLane { text += "  ir: { serial: tty/ir }\n" }
    if needsLane, !switchesRelays { text += "  io: { modbus_rtu: tty/io }\n" }
    text += "devices:\n  it: { profile: \(profile.id), bus: it }\n"
    if needsLane { text += "  eye: { profile: gy-mcu90614, bus: ir }\n" }
    if needsLane, !switchesRelays { text += "  board: { profile: modbus-relay-8ch, bus: io }\n" }
    if needsLane {
      text += "lanes:\n  door: { thermometer: { device: eye, site_offset_c: 1.6 }, gate: { device: \(board), relay: 1, open_s: 3, on_failure: open }, "
      text += "lamp: { device: \(board), relay: 2 }\(identity.map { ", identity: { device: it, field: \($0), required: true }" } ?? "") }\n"
    }
    return text + "rooms: { isolation: { kind: isolation, volume_m3: 40, windows: openable } }\n"
  }

  var needsLane: Bool { switchesRelays || identity != nil }
}

@Suite struct EveryProfileTests {
  private let card = "11010519491231002X"

  @Test func noProfileIsLeftOut() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: "DeviceProfiles").filter { $0.hasSuffix(".yaml") }
    #expect(Set(Connection.all.map(\.profile.id)) == Set(files.map { String($0.dropLast(5)) }))
  }

  @Test(arguments: Connection.all) private func isReadAndWritten(_ connection: Connection) throws {
    let trial = try Trial(yaml: connection.settings)
    let it = trial.site.settings.devices.firstIndex { $0.name == "it" } ?? 0
    trial.site.run(for: .seconds(30))
    if connection.needsLane {
      let shows = connection.identity == nil ? "" : " shows=\(card)"
      #expect(trial.site.perform("person door body=36.6 stay=20\(shows)") == "ok")
      trial.site.run(for: .seconds(20))
      #expect(trial.site.world.report().lanes["door"]?.gate.changes.map(\.open) == [true, false])
      let passed = trial.events.last { if case .screeningPassed = $0.body { true } else { false } }
      #expect(passed?.personal.token.isSame(as: IdentityKey(Array(Trial.key.utf8)).token(of: card)) == (connection.identity != nil))
    }
    let told = Set(
      trial.events.compactMap { event -> Int? in
        guard case .reading(let reading) = event.body, Int(reading.device.index) == it, reading.quality.isGood else { return nil }
        return Int(reading.field)
      })
    let missing = due(connection.profile, trial.site.world.devices[it], at: trial.site.world.now).subtracting(told)
    #expect(missing.isEmpty, "\(missing.map { connection.profile.fields[$0].name }.sorted())")
    for (index, write) in connection.profile.writes.enumerated() { try order(write, index, of: it, trial) }
    #expect(!trial.events.contains { if case .deviceDown = $0.body { $0.source == .device(DeviceID(it)) } else { false } })
  }

  /// The fields that the first variant tells, by index, but for those of other models' frames and meanings.
  private func due(_ profile: Profile, _ device: SimulatedDevice, at now: Instant) -> Set<Int> {
    Set(
      profile.fields.indices.filter { index in
        let field = profile.fields[index]
        guard field.isPlayed(as: 0), field.told == .always, !field.type.isText else { return false }
        if let speech = device.frameSpeech { return speech.isAsked ? true : !speech.isSeldom && field.frames & 1 == 1 }
        return field.when.allSatisfy { need in need.conditions.contains { if case .equals(let word) = $0 { device.word(need.field, at: now) == Double(word) } else { true } } }
      })
  }

  /// What staff may write is written, and the device has it.
  private func order(_ write: Write, _ index: Int, of device: Int, _ trial: Trial) throws {
    var value = Double.nan
    var raw: Int?
    switch write.kind {
    case .coil, .pulse, .relay: return
    case .register(_, let word): raw = Int(word)
    case .bytes: break
    case .setting(_, let range, let scale):
      value = range.upperBound
      raw = Int((range.upperBound / scale).rounded())
    case .number(let number):
      value = number.range.upperBound
      raw = Int((number.range.upperBound / number.scale).rounded())
    }
    let answer = trial.site.command { now in
      Command(
        id: CommandID(high: 1, low: UInt64(index)), action: .write(DeviceID(device), UInt8(index), value: value), issued: now, goodFor: .seconds(30),
        origin: .test, actor: Text("staff") ?? Text(), claimed: Text("Li Na") ?? Text(), why: Text("a test") ?? Text())
    }
    let isDone = if case .done? = answer { true } else { false }
    #expect(isDone, "\(write.name)")
    trial.site.run(for: .seconds(5))
    let isTold = trial.events.contains { event in
      if case .written(let one, let which) = event.body { Int(one.index) == device && Int(which) == index } else { false }
    }
    #expect(isTold, "\(write.name)")
    let written = trial.site.world.report().devices["it"]?.writes.last
    #expect(written?.what == write.name || written?.what == "holding", "\(write.name)")
    if let raw { #expect(written?.value == raw, "\(write.name)") }
  }
}
