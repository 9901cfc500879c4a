// What the pipeline is built from: the parts of the settings that it needs, without text. Settings makes it.

public import Devices
public import Domain
public import Rules

/// An input or a relay of a board; channels count from 1.
public struct Wire: BitwiseCopyable, Sendable {
  public var device: DeviceID
  public var channel: UInt8
  /// Of an input: it means "on" while the board reads it as off.
  public var isOnWhenOpen: Bool

  public init(device: DeviceID, channel: UInt8, isOnWhenOpen: Bool = false) {
    self.device = device
    self.channel = channel
    self.isOnWhenOpen = isOnWhenOpen
  }

  /// Whether it is this relay.
  @_noLocks @_noAllocation
  func moves(_ channel: UInt8, of device: DeviceID) -> Bool { self.channel == channel && self.device.index == device.index }
}

/// A lane: its rules and where it is wired to.
public struct LanePlan: Sendable {
  public var settings: LaneSettings
  public var thermometer: DeviceID
  public var gate: Wire?
  public var lamp: Wire?
  public var buzzer: Wire?
  public var contacts: [(contact: Contact, wire: Wire)]
  /// A sensor of the hall's air.
  public var hall: DeviceID?
  /// What sees the reference: a field of it is used as `reference`.
  public var reference: DeviceID?
  /// A second thermometer, for those who rested.
  public var second: DeviceID?
  /// A sensor of the air outside.
  public var outdoor: DeviceID?
  /// A scanner or card reader, and which of its texts tells who somebody is.
  public var identity: (device: DeviceID, field: UInt16)?

  public init(
    settings: LaneSettings, thermometer: DeviceID, gate: Wire?, lamp: Wire?, buzzer: Wire?,
    contacts: [(contact: Contact, wire: Wire)], hall: DeviceID? = nil, reference: DeviceID? = nil
  ) {
    self.settings = settings
    self.thermometer = thermometer
    self.gate = gate
    self.lamp = lamp
    self.buzzer = buzzer
    self.contacts = contacts
    self.hall = hall
    self.reference = reference
  }
}

/// A room: its rules, its sensors and what tells of its windows.
public struct RoomPlan: Sendable {
  public var settings: RoomSettings
  public var co2: [DeviceID]
  public var care: SiteRoom
  public var temperature: DeviceID?
  public var humidity: DeviceID?
  /// A flow of outdoor air, or an air velocity in the room's duct.
  public var airflow: DeviceID?
  /// `isRelay`: a relay as it is read back, rather than an input.
  public var contacts: [(contact: RoomContact, wire: Wire, isRelay: Bool)]

  public init(
    settings: RoomSettings, co2: [DeviceID], temperature: DeviceID? = nil, humidity: DeviceID? = nil, airflow: DeviceID? = nil,
    contacts: [(contact: RoomContact, wire: Wire, isRelay: Bool)] = [],
    care: SiteRoom = SiteRoom(isIsolation: false, canVerify: false)
  ) {
    self.settings = settings
    self.co2 = co2
    self.temperature = temperature
    self.humidity = humidity
    self.airflow = airflow
    self.contacts = contacts
    self.care = care
  }
}

/// A whole site.
public struct PipelineSettings: Sendable {
  public var instruments: InstrumentSettings
  public var lanes: [LanePlan]
  public var rooms: [RoomPlan]
  public var air: AirPolicy
  public var alarms: AlarmPolicy
  /// The kinds of alarms that are set otherwise than the standard.
  public var alarmKinds: [AlarmKind: AlarmSettings]
  public var site: SitePolicy
  /// How long an attestation of each item of the checklist is good for.
  public var items: [Interval]
  public var hours: Hours?
  public var timetable: [SessionPlan]
  public var thinning: ThinningSettings
  /// What decides from later moments on, in order of time.
  public var changes: [PolicyChange]
  /// Makes tokens of identities; lanes with a scanner or a card reader need it.
  public var identityKey: IdentityKey?
  /// Who is expected, in the order of their tokens; for lanes that ask.
  public var roster: [RosterToken] = []
  /// Of the names behind the indices: a state of another site, or of one in another order, is not taken over.
  public var identity: UInt64

  /// What a proof can know of a lamp or a buzzer on this wire.
  func provable(_ wire: Wire?) -> SignalProof {
    guard let wire else { return .none }
    let fields = instruments.devices[Int(wire.device.index)].profile.fields
    return fields.contains { $0.use == .relays } ? .confirmed : .written
  }

  public init(
    instruments: InstrumentSettings, lanes: [LanePlan], rooms: [RoomPlan], air: AirPolicy, alarms: AlarmPolicy = AlarmPolicy(),
    alarmKinds: [AlarmKind: AlarmSettings] = [:], thinning: ThinningSettings, site: SitePolicy = SitePolicy(), items: [Interval] = [],
    changes: [PolicyChange] = [], identity: UInt64 = 0, hours: Hours? = nil, timetable: [SessionPlan] = []
  ) {
    self.instruments = instruments
    self.lanes = lanes
    self.rooms = rooms
    self.air = air
    self.alarms = alarms
    self.alarmKinds = alarmKinds
    self.thinning = thinning
    self.site = site
    self.items = items
    self.changes = changes
    self.identity = identity
    self.hours = hours
    self.timetable = timetable
  }
}
