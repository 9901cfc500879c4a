// What the world looks like, as one line of JSON: what a test needs to say that a gate stayed shut or that a lamp's
// relay was written, and when. Times are seconds since the world began; `began_boot_ns` ties them to the boot clock.

import Domain
import Foundation

/// The answer to `state`; also what tests read it with.
public struct WorldState: Codable, Sendable {
  public struct Gate: Codable, Sendable {
    public struct Change: Codable, Sendable {
      public var at: Double
      public var open: Bool
    }
    public var open: Bool
    public var changes: [Change]
  }
  public struct Lane: Codable, Sendable {
    public var gate: Gate
    public var surface_c: Double
    public var occupied: Bool
    public var waiting: Int
    public var passed: Int
    public var gave_up: Int
  }
  public struct Room: Codable, Sendable {
    public var co2_ppm: Double
    public var occupants: Int
    public var ach: Double
    public var celsius: Double
    public var humidity: Double
  }
  public struct Write: Codable, Sendable {
    public var at: Double
    public var what: String
    public var address: Int
    public var value: Int
  }
  public struct Device: Codable, Sendable {
    /// Channels that are on, from 1.
    public var relays: [Int]
    public var inputs: [Int]
    public var writes: [Write]
    public var powered: Bool
    public var fault: String?
  }
  public struct Bus: Codable, Sendable {
    public var plugged: Bool
    /// Where it is served: the tty behind a link, the address of a socket; empty while nothing is.
    public var served_at: String
  }
  public var t: Double
  public var began_boot_ns: Int64
  public var lanes: [String: Lane]
  public var rooms: [String: Room]
  public var devices: [String: Device]
  public var buses: [String: Bus]
}

extension World {
  /// The state as one line of JSON with sorted keys.
  public func state() -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(report()) else { return "error the state holds something that JSON can't say" }
    return String(decoding: data, as: UTF8.self)
  }

  /// The state as values.
  public func report() -> WorldState {
    WorldState(
      t: now.seconds, began_boot_ns: beganBootNs,
      lanes: named(plan.lanes.map(\.name), lanes.map(describe)),
      rooms: named(
        plan.rooms.map(\.name),
        rooms.map {
          WorldState.Room(
            co2_ppm: ($0.ppm * 10).rounded() / 10, occupants: $0.occupants, ach: $0.airChanges,
            celsius: ($0.temperature * 100).rounded() / 100, humidity: ($0.humidity * 10).rounded() / 10)
        }),
      devices: named(plan.devices.map(\.name), devices.indices.map(describe)),
      buses: named(
        plan.buses.map(\.name),
        plan.buses.indices.map { WorldState.Bus(plugged: plugged[$0], served_at: servedAt[$0] ?? "") }))
  }

  private func describe(_ lane: Lane) -> WorldState.Lane {
    WorldState.Lane(
      gate: WorldState.Gate(
        open: lane.gate.isOpen, changes: lane.gate.changes.map { .init(at: $0.at.seconds, open: $0.open) }),
      surface_c: (lane.surface(at: now) * 100).rounded() / 100, occupied: lane.presence != nil,
      waiting: lane.waiting.count, passed: lane.passed, gave_up: lane.gaveUp)
  }

  private func describe(_ index: Int) -> WorldState.Device {
    let device = devices[index]
    let writes = device.registers?.written ?? device.written
    return WorldState.Device(
      relays: channels(device.relayMask(at: now)), inputs: channels(inputMask(of: index, at: now)),
      writes: writes.map { .init(at: $0.at.seconds, what: $0.what, address: $0.address, value: $0.value) },
      powered: device.isPowered, fault: device.fault(at: now)?.kind.rawValue)
  }

  private func channels(_ mask: UInt32) -> [Int] { (1...32).filter { mask >> UInt32($0 - 1) & 1 == 1 } }

  private func named<Value>(_ names: [String], _ values: [Value]) -> [String: Value] {
    Dictionary(zip(names, values), uniquingKeysWith: { first, _ in first })
  }
}

extension Instant {
  /// Seconds since the world began, to the microsecond.
  var seconds: Double { (Double(ns) / 1e3).rounded() / 1e6 }
}
