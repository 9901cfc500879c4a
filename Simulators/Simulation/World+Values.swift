// What each field of each device tells: the world's truth, with the sensor's noise.

import Devices
import Domain
import Rules

extension World {
  /// Noise of one measurement, standard deviation: an infrared sensor at reading distance, its own chip, an NDIR cell.
  static var surfaceNoise: Double { 0.05 }
  static var ambientNoise: Double { 0.02 }
  static var co2Noise: Double { 3 }
  /// %RH of a capacitive sensor.
  static var humidityNoise: Double { 0.3 }

  /// One value a field, in the profile's order.
  mutating func values(of device: Int, fault: Fault? = nil, at moment: Instant) -> [Double] {
    if let frozen = devices[device].frozen, case .stuck? = fault?.kind { return frozen }
    let quantities = devices[device].nature.quantities
    var values: [Double] = []
    values.reserveCapacity(quantities.count)
    for (index, quantity) in quantities.enumerated() {
      let slow: Interval? = if let fault, case .slow = fault.kind, quantity.isMeasured { Interval(ns: Int64(fault.by * 1e9)) } else { nil }
      let probe = Probe(device: device, field: index, response: slow ?? quantity.response, at: moment)
      let truth = devices[device].held[index] ?? devices[device].word(index, at: moment) ?? value(of: quantity, probe)
      values.append(fault.map { shown(truth, quantity, $0, device: device, at: moment) } ?? truth)
    }
    return values
  }

  /// The same as they go over the wire: what another field scales is told in that measure.
  func scaled(_ values: [Double], _ device: Int) -> [Double] {
    guard !devices[device].nature.scaled.isEmpty else { return values }
    var values = values
    let fields = devices[device].profile.fields
    for index in devices[device].nature.scaled {
      guard let multiplier = fields[index].multiplier, values.indices.contains(multiplier.field) else { continue }
      let other = values[multiplier.field]
      let factor = multiplier.factors.isEmpty ? other : multiplier.factors[rawNumber(of: other, fields[multiplier.field])]
      if let factor, factor != 0 { values[index] /= factor }
    }
    return values
  }

  /// What a sensor with a fault makes of a value.
  private mutating func shown(_ value: Double, _ field: Quantity, _ fault: Fault, device: Int, at moment: Instant) -> Double {
    switch fault.kind {
    case .jump: return field.isMeasured ? value + fault.by : value
    case .drift: return field.isMeasured ? value + fault.by * (moment - fault.since).seconds / 3_600 : value
    case .selfCalibrates: return field.use == .co2 ? devices[device].calibration?.shown(value, at: moment) ?? value : value
    case .sentinel: return field.sentinel ?? value
    case .normalises:
      guard field.use == .surface else { return value }
      return value - surface(of: device, at: moment) + surface(of: device, as: fault.by, at: moment)
    default: return value
    }
  }

  /// What is looked at, when, and how slowly.
  private struct Probe {
    var device: Int
    var field: Int
    var response: Interval?
    var at: Instant
  }

  private mutating func value(of field: Quantity, _ probe: Probe) -> Double {
    let device = probe.device, moment = probe.at
    if let word = field.warmUp, moment < devices[device].warmAt { return word }
    switch field.use {
    case .surface: return measured(surface(of: device, at: moment), Self.surfaceNoise, field, probe)
    case .sensorAmbient: return measured(lane(of: device).map { lanes[$0].ambient } ?? 22, Self.ambientNoise, field, probe)
    case .co2: return measured(roomOfDevice[device].map { rooms[$0].ppm } ?? 450, Self.co2Noise, field, probe)
    case .inputs: return Double(inputMask(of: device, at: moment))
    case .relays: return Double(devices[device].relayMask(at: moment))
    case .status: return 0
    case .reference: return measured(reference(of: device), Self.surfaceNoise, field, probe)
    case .airTemperature: return airTemperature(of: device).map { measured($0, Self.ambientNoise, field, probe) } ?? field.ordinary
    case .humidity:
      let percent = isOutdoors[device] ? outdoors.humidity : roomOfDevice[device].map { rooms[$0].humidity }
      return percent.map { measured($0, Self.humidityNoise, field, probe) } ?? field.ordinary
    case .airflow: return roomOfDevice[device].map { measured(rooms[$0].fanFlow, 0, field, probe) } ?? field.ordinary
    case .airVelocity:
      guard let room = roomOfDevice[device], let duct = plan.rooms[room].ductAreaM2 else { return field.ordinary }
      return measured(rooms[room].fanFlow / 3_600 / duct, 0, field, probe)
    case .information: return field.ordinary
    }
  }

  private func lane(of device: Int) -> Int? { laneOfDevice[device] ?? secondOfDevice[device] }

  /// What a perfect thermometer sees in the place of this one.
  private func surface(of device: Int, as body: Double? = nil, at moment: Instant) -> Double {
    if let lane = laneOfDevice[device] { return lanes[lane].surface(at: moment, as: body) }
    guard let lane = secondOfDevice[device] else { return plan.lanes.contains { $0.reference?.device == device } ? reference(of: device) : 22 }
    return lanes[lane].surface(at: moment, as: body, offset: plan.lanes[lane].second?.siteOffset)
  }

  private func airTemperature(of device: Int) -> Double? {
    if let lane = hallOfDevice[device] { return lanes[lane].ambient }
    return isOutdoors[device] ? outdoors.temperature : roomOfDevice[device].map { rooms[$0].temperature }
  }

  private func clamped(_ value: Double, _ field: Quantity) -> Double {
    field.range.map { min(max(value, $0.lowerBound), $0.upperBound) } ?? value
  }

  /// What is so, as slowly as the sensor follows it, with its noise.
  private mutating func measured(_ value: Double, _ deviation: Double, _ field: Quantity, _ probe: Probe) -> Double {
    let shown = probe.response.map { devices[probe.device].follow(value, probe.field, within: $0, at: probe.at) } ?? value
    return clamped(deviation > 0 ? noise.normal(mean: shown, deviation: deviation) : shown, field)
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
    for index in rooms.indices {
      for contact in plan.rooms[index].contacts where !contact.isRelay { put(contact.wire, isOn(contact.contact, room: index, at: moment)) }
    }
    for (channel, on) in devices[device].switched {
      if on { mask |= bit(channel) } else { mask &= ~bit(channel) }
    }
    return mask
  }

  private func isOn(_ contact: RoomContact, room: Int, at moment: Instant) -> Bool {
    switch contact {
    case .window: rooms[room].windowsAreOpen
    case .fan: rooms[room].fanRuns
    case .door: doorways[room].isOpen
    case .wayIn: doorways[room].isCounting(true, at: moment)
    case .wayOut: doorways[room].isCounting(false, at: moment)
    }
  }

  private func bit(_ channel: Int) -> UInt32 { (1...32).contains(channel) ? 1 << UInt32(channel - 1) : 0 }
}

extension Field {
  /// Whether a device that is this variant of its profile has it.
  func isPlayed(as variant: Int) -> Bool { variants >> UInt32(clamping: variant) & 1 == 1 }

  var isMeasured: Bool { use.isMeasured }
}

extension Use {
  /// Whether it tells of the world, rather than of the device.
  var isMeasured: Bool {
    switch self {
    case .surface, .sensorAmbient, .co2, .reference, .airTemperature, .humidity, .airflow, .airVelocity: true
    case .inputs, .relays, .status, .information: false
    }
  }
}
