// From checked settings to what the pipeline is built from: texts become indices here.

import Devices
import Domain
public import Pipeline
import Rules

extension PipelineSettings {
  public init(_ settings: Settings) {
    var site = settings.policy.site
    site.isOpenedByCommand = settings.site.opening == .byCommand
    // One attestation of an isolation room is good for a day.
    let isolation = settings.rooms.count { $0.kind == .isolation }
    let items = settings.checklist.map(\.every) + Array(repeating: Interval.minutes(24 * 60), count: isolation)
    self.init(
      instruments: settings.instruments,
      lanes: settings.lanes.map { LanePlan($0, settings) },
      rooms: settings.rooms.map { RoomPlan($0, settings) },
      air: settings.policy.air, alarms: settings.alarms.policy, alarmKinds: settings.alarms.kinds,
      thinning: ThinningSettings(
        interval: settings.log.readingInterval,
        deadBands: DeadBands(
          celsius: settings.log.celsiusDeadBand, ppm: settings.log.ppmDeadBand, other: settings.log.otherDeadBand)),
      site: site, items: items, changes: settings.policy.changes, identity: fingerprint(of: settings), hours: settings.hours,
      timetable: settings.timetable)
  }
}

/// A hash (FNV-1a) of every name in its order, and of what a device is and rides on.
private func fingerprint(of settings: Settings) -> UInt64 {
  let names = settings.names
  let parts =
    [names.site] + names.lanes + ["/"] + names.rooms + ["/"] + names.items + ["/"] + names.ports + ["/"]
    + settings.devices.flatMap { [$0.name, $0.profile.id, "\($0.port.index)", "\($0.unit)"] }
  return parts.joined(separator: "\n").utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

extension RoomPlan {
  fileprivate init(_ room: RoomLayout, _ settings: Settings) {
    let item = room.kind == .isolation ? settings.names.items.lastIndex(of: room.name) : nil
    var plan = RoomSettings(policy: settings.policy.air, volume: room.volumeM3)
    plan.capacity = Int32(clamping: room.capacity)
    plan.occupants = Int32(clamping: room.occupants ?? -1)
    plan.ductArea = room.ductAreaM2 ?? 0
    plan.isSemiBasement = room.isSemiBasement
    // Where a person with a fever waits is ventilated when they have gone.
    plan.isJudged = settings.hours != nil && room.kind != .isolation
    plan.isExcepted = room.reason != nil
    plan.hasAirflow = room.airflow != nil
    plan.takesSessions = room.kind != .isolation
    plan.lacksResponsible = settings.site.sessionsNeedResponsible && room.responsible.isEmpty
    self.init(
      settings: plan, co2: room.co2, temperature: room.temperature, humidity: room.humidity, airflow: room.airflow,
      contacts: room.contacts.map { contact in
        let channel = contact.channel
        return (
          contact.contact, Wire(device: channel.device, channel: channel.number, isOnWhenOpen: channel.isOnWhenOpen),
          contact.isRelay
        )
      }, care: SiteRoom(isIsolation: room.kind == .isolation, canVerify: !room.co2.isEmpty, item: Int16(item ?? -1)))
  }
}

extension LanePlan {
  fileprivate init(_ wiring: LaneWiring, _ settings: Settings) {
    func wire(_ channel: Channel?) -> Wire? { channel.map { Wire(device: $0.device, channel: $0.number, isOnWhenOpen: $0.isOnWhenOpen) } }
    let contacts: [(Contact, Channel?)] = [
      (.readBack, wiring.readBack), (.passage, wiring.passage), (.presence, wiring.presence),
      (.fireRelease, wiring.fireRelease), (.staffButton, wiring.staffButton),
    ]
    let device = settings.devices[Int(wiring.thermometer.device.index)]
    var lane = LaneSettings(
      siteOffset: wiring.thermometer.siteOffset, hasGate: wiring.gate != nil, hasReadBack: wiring.readBack != nil,
      hasPassage: wiring.passage != nil, openFor: wiring.openFor, opensOnFailure: wiring.onFailure == .open,
      staleAfter: device.profile.staleAfter(.surface), policy: settings.policy.fever, hasAmbient: device.profile.measures(.sensorAmbient),
      hasPresence: wiring.presence != nil, hasFireRelease: wiring.fireRelease != nil, hasStaffButton: wiring.staffButton != nil)
    lane.thermometerField = UInt16(clamping: device.profile.fields.firstIndex { $0.use == .surface } ?? 0)
    lane.burst = wiring.thermometer.burst
    lane.deviceOffset = wiring.thermometer.deviceOffset
    lane.ambientFactor = wiring.thermometer.ambientFactor
    lane.ambientReference = wiring.thermometer.ambientReference
    if let calibration = device.calibration {
      lane.calibrated = Int32(clamping: calibration.day)
      lane.calibratedAt = settings.site.beginning(ofDay: calibration.day)
      // Its last day counts whole.
      lane.calibrationDue = settings.site.beginning(ofDay: calibration.day + calibration.days + 1)
    }
    if let hall = wiring.hall.map({ settings.devices[Int($0.index)].profile }) {
      lane.hallHasTemperature = hall.measures(.airTemperature)
      lane.hallHasHumidity = hall.measures(.humidity)
      lane.hallStaleAfter = max(hall.staleAfter(.humidity), hall.staleAfter(.airTemperature))
    }
    if let reference = wiring.reference {
      lane.hasReference = true
      lane.referenceSet = reference.set
      lane.correctsByReference = reference.corrects
      lane.referenceStaleAfter = settings.devices[Int(reference.device.index)].profile.staleAfter(.reference)
    }
    if let identity = wiring.identity {
      lane.hasIdentity = true
      lane.identityRequired = identity.isRequired
      lane.rosterRequired = identity.requiresRoster
    }
    lane.credentialRequired = wiring.requiresCredential
    if let second = wiring.second {
      lane.hasSecond = true
      let device = settings.devices[Int(second.device.index)]
      lane.secondOffset = second.siteOffset
      lane.secondStaleAfter = device.profile.staleAfter(.surface)
      lane.secondHasAmbient = device.profile.measures(.sensorAmbient)
      if let calibration = device.calibration {
        lane.secondCalibrated = Int32(clamping: calibration.day)
        lane.secondCalibratedAt = settings.site.beginning(ofDay: calibration.day)
        lane.secondCalibrationDue = settings.site.beginning(ofDay: calibration.day + calibration.days + 1)
      }
    }
    if let outdoor = wiring.outdoor {
      lane.hasOutdoor = true
      lane.outdoorStaleAfter = settings.devices[Int(outdoor.index)].profile.staleAfter(.airTemperature)
    }
    lane.isForChildren = wiring.isForChildren
    if let due = settings.site.proofDue, wiring.lamp != nil || wiring.buzzer != nil {
      lane.proofDue = due
      lane.workdays = settings.hours?.days ?? lane.workdays
    }
    self.init(
      settings: lane, thermometer: wiring.thermometer.device, gate: wire(wiring.gate), lamp: wire(wiring.lamp),
      buzzer: wire(wiring.buzzer), contacts: contacts.compactMap { contact, channel in wire(channel).map { (contact, $0) } },
      hall: wiring.hall, reference: wiring.reference?.device)
    second = wiring.second?.device
    outdoor = wiring.outdoor
    identity = wiring.identity.map { ($0.device, $0.field) }
  }
}

extension Profile {
  /// How old a value of this use may get.
  fileprivate func staleAfter(_ use: Use) -> Interval { fields.first { $0.use == use }.map(staleAfter) ?? .zero }
}

extension SiteSettings {
  /// When a day (since 1970-01-01) begins here, ns since 1970 UTC.
  func beginning(ofDay day: Int) -> Int64 {
    let midnight = Int64(day) * 86_400
    let offset = offsets.last { $0.from / 1_000_000_000 + Int64($0.seconds) <= midnight } ?? offsets.first
    return (midnight - Int64(offset?.seconds ?? 0)) * 1_000_000_000
  }
}
