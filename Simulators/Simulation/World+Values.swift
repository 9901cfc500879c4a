// What each field of each device tells: the world's truth, with the sensor's noise.

import Devices
import Domain

extension World {
  /// Noise of one measurement, standard deviation: an infrared sensor at reading distance, its own chip, an NDIR cell.
  static var surfaceNoise: Double { 0.05 }
  static var ambientNoise: Double { 0.02 }
  static var co2Noise: Double { 3 }

  /// One value a field, in the profile's order.
  mutating func values(of device: Int, fault: Fault? = nil, at moment: Instant) -> [Double] {
    if let frozen = devices[device].frozen, case .stuck? = fault?.kind { return frozen }
    var values: [Double] = []
    for (index, field) in devices[device].profile.fields.enumerated() {
      let truth = devices[device].held[index] ?? value(of: field, device: device, at: moment)
      values.append(fault.map { shown(truth, field, $0, device: device, at: moment) } ?? truth)
    }
    return values
  }

  /// What a sensor with a fault makes of a value.
  private func shown(_ value: Double, _ field: Field, _ fault: Fault, device: Int, at moment: Instant) -> Double {
    switch fault.kind {
    case .jump: return field.isMeasured ? value + fault.by : value
    case .drift: return field.isMeasured ? value + fault.by * (moment - fault.since).seconds / 3_600 : value
    case .sentinel:
      guard let word = field.sentinels.first else { return value }
      return meaning(of: word, field)
    case .normalises:
      guard field.use == .surface, let lane = laneOfDevice[device] else { return value }
      return value - lanes[lane].surface(at: moment) + lanes[lane].surface(at: moment, as: fault.by)
    default: return value
    }
  }

  private mutating func value(of field: Field, device: Int, at moment: Instant) -> Double {
    switch field.use {
    case .surface: return noisy(laneOfDevice[device].map { lanes[$0].surface(at: moment) } ?? 22, Self.surfaceNoise, field)
    case .sensorAmbient: return noisy(laneOfDevice[device].map { lanes[$0].ambient } ?? 22, Self.ambientNoise, field)
    case .co2: return noisy(roomOfDevice[device].map { rooms[$0].ppm } ?? 450, Self.co2Noise, field)
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

  private func reference(of device: Int) -> Double {
    plan.lanes.lazy.compactMap(\.reference).first { $0.device == device }?.celsius ?? 35
  }

  /// All inputs of a board, bit 0 is input 1: the gates' contacts, and what was switched by command.
  func inputMask(of device: Int, at moment: Instant) -> UInt32 {
    var mask: UInt32 = 0
    func put(_ wire: Wire?, _ isOn: Bool) {
      if let wire, wire.device == device, isOn != wire.isOnWhenOpen { mask |= bit(wire.channel) }
    }
    for index in lanes.indices {
      put(plan.lanes[index].readBack, lanes[index].gate.isOpen)
      put(plan.lanes[index].presence, lanes[index].presence != nil)
      put(plan.lanes[index].passage, lanes[index].isPassage(at: moment))
      for wire in plan.lanes[index].switches { put(wire, false) }
    }
    for (channel, on) in devices[device].switched {
      if on { mask |= bit(channel) } else { mask &= ~bit(channel) }
    }
    return mask
  }

  private func bit(_ channel: Int) -> UInt32 { (1...32).contains(channel) ? 1 << UInt32(channel - 1) : 0 }
}

extension Field {
  /// Whether it tells of the world, rather than of the device.
  var isMeasured: Bool {
    switch use {
    case .surface, .sensorAmbient, .co2, .reference, .airTemperature, .humidity, .airflow, .airVelocity: true
    case .inputs, .relays, .status, .information: false
    }
  }
}
