// A site in virtual time for tests, in a folder of its own.

import Domain
import EventLog
import Foundation
import Settings
import Testing

@testable import Simulation

/// A site of some lanes and rooms in a folder of its own.
final class Trial {
  let folder: URL
  let site: VirtualSite
  var events: [Event] = []

  convenience init(lanes: Int = 1, rooms: Int = 1, seed: UInt64 = 1) throws {
    try self.init(yaml: Self.yaml(lanes: lanes, rooms: rooms), seed: seed)
  }

  init(yaml: String, seed: UInt64 = 1) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "virtual-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let key = folder.appending(path: "key")
    try Self.key.write(to: key, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o400], ofItemAtPath: key.path)
    let file = folder.appending(path: "gatehouse.yaml")
    try yaml.write(to: file, atomically: true, encoding: .utf8)
    let settings = try Settings.load(file: file.path, profiles: "DeviceProfiles")
    // 2026-11-23, 07:00 in Shanghai.
    site = try VirtualSite(settings, seed: seed, wall: 1_795_388_400_000_000_000, log: folder.appending(path: "log").path)
    site.onEvent = { [unowned self] in events.append($0) }
    try site.start()
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// What makes tokens of identities, in the file `key`.
  static let key = "the key of a site under test, that nobody is to see"

  static func yaml(lanes: Int, rooms: Int) -> String {
    var text = "site: { id: trial, name: Trial, time_zone: Asia/Shanghai }\ndesk: none\nlog: { folder: log }\nbuses:\n"
    for lane in 0..<lanes {
      text += "  ir-\(lane): { serial: tty/ir-\(lane), line: { baud: 9600 } }\n  io-\(lane): { modbus_rtu: tty/io-\(lane), line: { baud: 9600 } }\n"
    }
    text += "  air: { modbus_tcp: \"127.0.0.1:15020\" }\ndevices:\n"
    for lane in 0..<lanes {
      text += "  thermometer-\(lane): { profile: gy-mcu90614, bus: ir-\(lane), warm_up_s: 2 }\n"
      text += "  board-\(lane): { profile: modbus-relay-8ch, bus: io-\(lane), unit: 1 }\n"
    }
    for room in 0..<rooms { text += "  co2-\(room): { profile: vaisala-gmp25x, bus: air, unit: \(room + 10) }\n" }
    if lanes > 0 { text += "lanes:\n" }
    for lane in 0..<lanes {
      text += "  lane-\(lane): { thermometer: { device: thermometer-\(lane), site_offset_c: 1.6 }, "
      text += "gate: { device: board-\(lane), relay: 1, open_s: 3, read_back: input 1, on_failure: open }, "
      text += "lamp: { device: board-\(lane), relay: 2 }, buzzer: { device: board-\(lane), relay: 3 }, "
      text += "passage: { device: board-\(lane), input: 2 } }\n"
    }
    text += "rooms:\n"
    for room in 0..<rooms { text += "  room-\(room): { volume_m3: 180, seats: 32, co2: [co2-\(room)], windows: openable }\n" }
    return text + "  isolation: { kind: isolation, volume_m3: 40, windows: openable }\n"
  }

  var passed: Int { events.count { if case .screeningPassed = $0.body { true } else { false } } }
  /// The latest good value of a device's field with this use.
  func latest(_ device: String, _ use: Use) -> Double? {
    guard let index = site.settings.devices.firstIndex(where: { $0.name == device }) else { return nil }
    for case .reading(let fact) in events.reversed().map(\.body) where Int(fact.device.index) == index && fact.use == use && fact.quality.isGood {
      return fact.decoded
    }
    return nil
  }

  var denied: Int { events.count { if case .screeningDenied = $0.body { true } else { false } } }
}
