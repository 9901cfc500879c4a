// From checked settings to what the pipeline is built from: texts become indices here.

import Devices
import Domain
public import Pipeline
import Rules

extension PipelineSettings {
  public init(_ settings: Settings) {
    self.init(
      instruments: settings.instruments,
      lanes: settings.lanes.map { LanePlan($0, settings) },
      rooms: settings.rooms.map { RoomPlan(policy: settings.policy.air, co2: $0.co2) },
      air: settings.policy.air,
      thinning: ThinningSettings(
        interval: settings.log.readingInterval,
        deadBands: DeadBands(
          celsius: settings.log.celsiusDeadBand, ppm: settings.log.ppmDeadBand, other: settings.log.otherDeadBand)),
      identity: fingerprint(of: settings))
  }
}

/// A hash (FNV-1a) of every name in its order, and of what a device is and rides on.
private func fingerprint(of settings: Settings) -> UInt64 {
  let names = settings.names
  let parts =
    [names.site] + names.lanes + ["/"] + names.rooms + ["/"] + names.ports + ["/"]
    + settings.devices.flatMap { [$0.name, $0.profile.id, "\($0.port.index)", "\($0.unit)"] }
  return parts.joined(separator: "\n").utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

extension LanePlan {
  fileprivate init(_ wiring: LaneWiring, _ settings: Settings) {
    func wire(_ channel: Channel?) -> Wire? { channel.map { Wire(device: $0.device, channel: $0.number, isOnWhenOpen: $0.isOnWhenOpen) } }
    let contacts: [(Contact, Channel?)] = [
      (.readBack, wiring.readBack), (.passage, wiring.passage), (.presence, wiring.presence),
      (.fireRelease, wiring.fireRelease), (.staffButton, wiring.staffButton),
    ]
    self.init(
      settings: LaneSettings(
        siteOffset: wiring.siteOffset, hasGate: wiring.gate != nil, hasReadBack: wiring.readBack != nil,
        hasPassage: wiring.passage != nil, openFor: wiring.openFor, opensOnFailure: wiring.onFailure == .open,
        staleAfter: settings.devices[Int(wiring.thermometer.index)].profile.surfaceStaleAfter, policy: settings.policy.fever,
        hasAmbient: settings.devices[Int(wiring.thermometer.index)].profile.fields.contains { $0.use == .sensorAmbient },
        hasPresence: wiring.presence != nil, hasFireRelease: wiring.fireRelease != nil, hasStaffButton: wiring.staffButton != nil),
      thermometer: wiring.thermometer, gate: wire(wiring.gate), lamp: wire(wiring.lamp), buzzer: wire(wiring.buzzer),
      contacts: contacts.compactMap { contact, channel in wire(channel).map { (contact, $0) } })
  }
}

extension Profile {
  /// How old a surface temperature may get.
  fileprivate var surfaceStaleAfter: Interval {
    fields.first { $0.use == .surface }.map(staleAfter) ?? .zero
  }
}
