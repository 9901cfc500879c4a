// What a settings file says, checked: the answer of `Settings.load`. The door maps it to the types of Devices and Rules,
// which know nothing of files. Numbers carry their unit in the name here too, so that file and code read the same.

public import Devices
public import Domain
public import Rules

/// A whole site, checked. Whoever holds one needs to check nothing more.
public struct Settings: Sendable {
  public var site: SiteSettings
  public var log: LogSettings
  public var recorder: RecorderSettings
  public var retention: RetentionSettings
  /// Whether a desk is expected to speak to this door. Without one, an alarm must be seen or heard at the lane.
  public var desk: Desk
  /// In the order of the file; `PortID` is the index.
  public var ports: [PortSettings]
  /// In the order of the file; `DeviceID` is the index.
  public var devices: [DeviceSettings]
  /// In the order of the file; `LaneID` is the index.
  public var lanes: [LaneWiring]
  /// In the order of the file; `RoomID` is the index.
  public var rooms: [RoomLayout]
  /// What somebody vouches for, in the order of the file.
  public var checklist: [ChecklistItem]
  public var policy: PolicySettings
  public var alarms: AlarmSection
  /// Working hours; `nil`: no slots are judged but those after sessions.
  public var hours: Hours?
  public var timetable: [SessionPlan]
  public var realTime: RealTimeWishes
  public var names: Names
  /// The same ports and devices as Devices takes them.
  public var instruments: InstrumentSettings
  /// What is allowed and still not wise. Not errors.
  public var warnings: [Problem]
}

/// Whether somebody watches from a desk.
public enum Desk: String, Sendable, CaseIterable { case expected, none }

/// The site and its clock.
public struct SiteSettings: Sendable {
  /// Names the site in events; lower case letters, digits and hyphens.
  public var id: String
  /// For people.
  public var name: String
  /// IANA name, for example `Asia/Shanghai`.
  public var timeZone: String
  /// The zone's offsets from one year ago to two years ahead, in order of time; never empty.
  public var offsets: [ZoneOffset]
  /// Absolute path, or `nil` when no identities are kept.
  public var identitySecretFile: String?
  /// Absolute path of the tokens of those who are expected; `nil`: no lane asks.
  public var rosterTokensFile: String?
  /// Who answers for the whole site; empty: nobody is named.
  public var responsible = ""
  /// Who else answers for what.
  public var roles: [RoleHolder] = []
  /// No session begins in a room for which nobody answers.
  public var sessionsNeedResponsible = false
  public var opening: Opening
  /// By when the alert path of each lane is proven, second of the day; `nil`: by no time.
  public var proofDue: Int32?
}

/// Who opens the site.
public enum Opening: String, Sendable, CaseIterable {
  /// Nobody: lanes admit whenever they can screen.
  case always
  /// Staff, by a command that checks what must be there.
  case byCommand = "by_command"
}

/// Something that somebody vouches for before the site is opened.
public struct ChecklistItem: Sendable, Equatable {
  public var name: String
  /// For people.
  public var what: String
  /// How long one attestation is good for.
  public var every: Interval
}

/// From `from` on, the zone is `seconds` east of UTC.
public struct ZoneOffset: Sendable, Equatable {
  /// Wall time, ns since 1970 UTC.
  public var from: Int64
  public var seconds: Int32
}

/// Where the log is and how often readings enter it.
public struct LogSettings: Sendable {
  /// Absolute path.
  public var folder: String
  /// A value that does not move is logged this often.
  public var readingInterval: Interval
  /// A temperature that moved by this much is logged sooner, degC.
  public var celsiusDeadBand: Double
  /// A CO2 value that moved by this much is logged sooner, ppm.
  public var ppmDeadBand: Double
  /// Any other value, in its own unit.
  public var otherDeadBand: Double
  /// A segment is closed after a day or at this size, MB.
  public var segmentMB: Int
}

/// How long what is personal is kept, and records of the site. Each has a hard maximum.
public struct RetentionSettings: Sendable, Equatable {
  /// Raw skin and ambient temperatures: for quality control only.
  public var raw = Interval.minutes(24 * 60)
  /// Tokens and estimates of people who were let in.
  public var identity = Interval.minutes(30 * 24 * 60)
  /// The same of a case, after it was closed.
  public var cases = Interval.minutes(90 * 24 * 60)
  /// Everything that names nobody but those who answer for it.
  public var records = Interval.minutes(1_096 * 24 * 60)
}

/// The flight recorder.
public struct RecorderSettings: Sendable {
  /// How far back each bus is known; zero: nothing is recorded.
  public var span: Interval
  /// Room of a bus on the disk, bytes.
  public var bytesPerBus: Int
  /// Room of all that is kept around faults and alarms.
  public var bytesFrozen: Int
  /// How long what was kept around a fault or an alarm stays.
  public var keep: Interval
}

/// A configured device.
public struct DeviceSettings: Sendable {
  public var name: String
  public var profile: Profile
  public var port: PortID
  /// Modbus unit, or the address on a serial line; 0: it is alone.
  public var unit: UInt8
  /// Part of a lane: read before rooms are.
  public var atLane: Bool
  /// Which of the profile's variants it is, by index; `nil`: it says so itself, or it is the first.
  public var variant: Int? = nil
  /// The one that is meant, by what it says itself; `nil`: whichever answers.
  public var serialNumber: SerialNumber? = nil
  public var calibration: Calibration? = nil
}

/// When a device was calibrated, and for how long that holds.
public struct Calibration: Sendable, Equatable {
  /// Since 1970-01-01, in the time zone of the site.
  public var day: Int
  public var days: Int
}

/// An input or a relay of a board, channels counted from 1.
public struct Channel: Sendable, Equatable {
  public var device: DeviceID
  public var number: UInt8
  /// Of an input: its contact means "on" while it is open, so that a cut wire means it too.
  public var isOnWhenOpen = false
}

/// What a gate does when its lane can no longer decide.
public enum FailureState: String, Sendable, CaseIterable { case open, shut }

/// The thermometer of a lane and how its readings become an estimate of the body.
public struct ThermometerWiring: Sendable {
  public var device: DeviceID
  /// Body (axillary equivalent) minus surface, degC, as measured at this site.
  public var siteOffset: Double
  public var burst: Burst
  public var deviceOffset: Double
  public var ambientFactor: Double
  public var ambientReference: Double
}

/// A blackbody that a thermometer sees.
public struct ReferenceWiring: Sendable {
  /// What sees it: a field of its profile is used as `reference`.
  public var device: DeviceID
  /// Its temperature, degC.
  public var set: Double
  /// Whether each estimate is corrected by what the thermometer shows of it.
  public var corrects: Bool
}

/// A second thermometer of a lane.
public struct SecondWiring: Sendable {
  public var device: DeviceID
  /// Body minus what it shows, degC, as measured at this site.
  public var siteOffset: Double
}

/// What tells who stands at a lane.
public struct IdentityWiring: Sendable {
  public var device: DeviceID
  /// Which of its texts, by its place among the fields.
  public var field: UInt16
  /// Nobody passes without.
  public var isRequired: Bool
  /// Whoever is not on the roster goes to staff.
  public var requiresRoster: Bool
}

/// What a lane is wired to.
public struct LaneWiring: Sendable {
  public var name: String
  public var thermometer: ThermometerWiring
  /// A sensor of the hall's air.
  public var hall: DeviceID?
  public var reference: ReferenceWiring?
  public var second: SecondWiring?
  public var identity: IdentityWiring?
  /// Nobody passes before another system has said so.
  public var requiresCredential: Bool
  /// A sensor of the air outside.
  public var outdoor: DeviceID?
  public var isForChildren: Bool
  public var gate: Channel?
  /// How long a pulse holds the gate open.
  public var openFor: Interval
  public var onFailure: FailureState
  /// The input that is on while the gate is not shut.
  public var readBack: Channel?
  public var lamp: Channel?
  public var buzzer: Channel?
  public var passage: Channel?
  public var presence: Channel?
  public var fireRelease: Channel?
  public var staffButton: Channel?
}

/// What a room is for.
public enum RoomKind: String, Sendable, CaseIterable { case exam, waiting, office, isolation }

/// How a room gets air from outside.
public enum Windows: String, Sendable, CaseIterable { case openable, sealed, none }

/// A room whose air is watched.
public struct RoomLayout: Sendable {
  public var name: String
  public var kind: RoomKind
  public var volumeM3: Double
  /// 0: not said.
  public var seats: Int
  /// m2; `nil`: not said.
  public var areaM2: Double? = nil
  /// Between people, front, back, left and right, m; `nil`: not said.
  public var seatSpacingM: Double? = nil
  /// Devices with a CO2 field.
  public var co2: [DeviceID]
  public var windows: Windows
  public var temperature: DeviceID? = nil
  public var humidity: DeviceID? = nil
  /// A flow of outdoor air, or an air velocity in a duct of `ductAreaM2`.
  public var airflow: DeviceID? = nil
  public var ductAreaM2: Double? = nil
  public var contacts: [RoomContactWiring] = []
  /// People in a session or in working hours, where nobody counts them.
  public var occupants: Int? = nil
  public var isSemiBasement = false
  /// Who answers for its ventilation.
  public var responsible = ""
  /// Why it is used though it has neither windows nor ventilation.
  public var reason: String? = nil

  /// As many as there are seats and as there is floor for; 0: not said.
  public var capacity: Int {
    let byArea = areaM2.map { Int($0 / areaPerPersonM2) }
    return seats > 0 ? min(seats, byArea ?? seats) : byArea ?? 0
  }

  /// Floor for each person, m2: 2.5 at least (Beijing's health commission, March 2020), and a square as wide as the spacing.
  var areaPerPersonM2: Double { max(2.5, seatSpacingM.map { $0 * $0 } ?? 0) }
}

/// A contact of a room and where it is wired to.
public struct RoomContactWiring: Sendable, Equatable {
  public var contact: RoomContact
  public var channel: Channel
  /// A relay as it is read back, rather than an input.
  public var isRelay = false
}

/// The numbers rules decide by.
public struct PolicySettings: Sendable {
  public var fever: FeverPolicy
  public var air: AirPolicy
  public var site: SitePolicy
  /// What changes later, in order of time.
  public var changes: [PolicyChange] = []
}

/// How alarms are shown, and the kinds that are set otherwise than docs/rules.md says.
public struct AlarmSection: Sendable {
  public var policy = AlarmPolicy()
  public var kinds: [AlarmKind: AlarmSettings] = [:]
}

/// What the real-time thread asks of the machine. All optional; it runs without.
public struct RealTimeWishes: Sendable, Equatable {
  /// SCHED_FIFO priority 1 to 99.
  public var fifoPriority: Int?
  public var cpu: Int?
  public var lockMemory = false
}
