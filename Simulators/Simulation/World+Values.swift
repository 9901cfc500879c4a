// What each field of each device tells: the world's truth, with the sensor's noise.

import Devices
import Domain

extension World {
  /// Noise of one measurement, standard deviation: an infrared sensor at reading distance, its own chip, an NDIR cell.
  static var surfaceNoise: Double { 0.05 }
  static var ambientNoise: Double { 0.02 }
  static var co2Noise: Double { 3 }

  /// One value a field, in the profile's order.
  mutating func values(of device: Int, at moment: Instant) -> [Double] {
    if let frozen = devices[device].frozen, case .stuck = devices[device].fault(at: moment)?.kind { return frozen }
    var values: [Double] = []
    for (index, field) in devices[device].profile.fields.enumerated() {
      values.append(devices[device].held[index] ?? value(of: field, device: device, at: moment))
    }
    return values
  }

  private mutating func value(of field: Field, device: Int, at moment: Instant) -> Double {
    switch field.use {
    case .surface: return noisy(lane(of: device)?.surface(at: moment) ?? 22, Self.surfaceNoise, field)
    case .sensorAmbient: return noisy(lane(of: device)?.ambient ?? 22, Self.ambientNoise, field)
    case .co2: return noisy(room(of: device)?.ppm ?? 450, Self.co2Noise, field)
    case .inputs: return Double(inputMask(of: device, at: moment))
    case .relays: return Double(devices[device].registers?.relayMask(at: moment) ?? 0)
    case .status: return 0
    case .reference: return noisy(reference(of: device), Self.surfaceNoise, field)
    case .airTemperature, .humidity, .airflow, .airVelocity, .information: return ordinaryValue(of: field)
    }
  }

  private mutating func noisy(_ value: Double, _ deviation: Double, _ field: Field) -> Double {
    let measured = noise.normal(mean: value, deviation: deviation)
    guard let range = field.range else { return measured }
    return min(max(measured, range.lowerBound), range.upperBound)
  }

  private func lane(of device: Int) -> Lane? {
    plan.lanes.firstIndex { $0.thermometer == device }.map { lanes[$0] }
  }

  private func reference(of device: Int) -> Double {
    plan.lanes.lazy.compactMap(\.reference).first { $0.device == device }?.celsius ?? 35
  }

  private func room(of device: Int) -> RoomAir? {
    plan.rooms.firstIndex { $0.sensors.contains(device) }.map { rooms[$0] }
  }

  /// All inputs of a board, bit 0 is input 1: the gates' contacts, and what was switched by command.
  func inputMask(of device: Int, at moment: Instant) -> UInt32 {
    var mask: UInt32 = 0
    for (lane, planned) in zip(lanes, plan.lanes) {
      let contacts = [
        (planned.readBack, lane.gate.isOpen), (planned.presence, lane.presence != nil), (planned.passage, lane.isPassage(at: moment)),
      ]
      for case (let wire?, let isOn) in contacts + planned.switches.map({ ($0, false) }) where wire.device == device {
        if isOn != wire.isOnWhenOpen { mask |= bit(wire.channel) }
      }
    }
    for (channel, on) in devices[device].switched {
      if on { mask |= bit(channel) } else { mask &= ~bit(channel) }
    }
    return mask
  }

  private func bit(_ channel: Int) -> UInt32 { (1...32).contains(channel) ? 1 << UInt32(channel - 1) : 0 }
}
