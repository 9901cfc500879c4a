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
        planned.reference = lane.reference.map { (Int($0.device.index), $0.set) }
        return planned
      },
      rooms: settings.rooms.map { room in
        PlannedRoom(
          name: room.name, volumeM3: room.volumeM3, sensors: room.co2.map { Int($0.index) })
      })
  }
}

extension Wire {
  init(_ channel: Channel) { self.init(device: Int(channel.device.index), channel: Int(channel.number), isOnWhenOpen: channel.isOnWhenOpen) }
}
