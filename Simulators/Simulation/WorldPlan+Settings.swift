// The world of a settings file: the same buses, devices, lanes and rooms that the door reads there.

import Devices
import Domain
public import Settings

extension WorldPlan {
  /// Simulates everything the settings name. Indices stay what they are: ports, devices, lanes, rooms in their order.
  public init(_ settings: Settings) {
    self.init(
      buses: settings.ports,
      devices: settings.devices.map {
        PlannedDevice(name: $0.name, profile: $0.profile, bus: Int($0.port.index), unit: $0.unit, variant: $0.variant ?? 0)
      },
      lanes: settings.lanes.map { lane in
        var planned = PlannedLane(
          name: lane.name, thermometer: Int(lane.thermometer.device.index),
          siteOffset: lane.thermometer.siteOffset + lane.thermometer.deviceOffset,
          gate: lane.gate.map(Wire.init), readBack: lane.readBack.map(Wire.init), passage: lane.passage.map(Wire.init),
          presence: lane.presence.map(Wire.init), switches: [lane.fireRelease, lane.staffButton].compactMap(\.self).map(Wire.init))
        planned.second = lane.second.map { (Int($0.device.index), $0.siteOffset) }
        planned.scanner = lane.identity.map { (Int($0.device.index), Int($0.field)) }
        planned.hall = lane.hall.map { Int($0.index) }
        planned.outdoor = lane.outdoor.map { Int($0.index) }
        planned.reference = lane.reference.map { (Int($0.device.index), $0.set) }
        return planned
      },
      rooms: settings.rooms.map { room in
        var planned = PlannedRoom(name: room.name, volumeM3: room.volumeM3, sensors: room.co2.map { Int($0.index) })
        planned.temperature = room.temperature.map { Int($0.index) }
        planned.humidity = room.humidity.map { Int($0.index) }
        planned.airflow = room.airflow.map { Int($0.index) }
        planned.ductAreaM2 = room.ductAreaM2
        planned.contacts = room.contacts.map { PlannedContact($0.contact, Wire($0.channel), isRelay: $0.isRelay) }
        return planned
      })
  }
}

extension Wire {
  init(_ channel: Channel) { self.init(device: Int(channel.device.index), channel: Int(channel.number), isOnWhenOpen: channel.isOnWhenOpen) }
}
