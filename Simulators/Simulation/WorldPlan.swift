// What is simulated, said without settings' grammar: which buses, which devices on them, and which wire means what in
// the world. `WorldPlan+Settings.swift` makes it from a settings file; tests write it by hand.

public import Devices
public import Domain
public import Rules

/// Everything that is simulated.
public struct WorldPlan: Sendable {
  public var buses: [PortSettings]
  public var devices: [PlannedDevice]
  public var lanes: [PlannedLane]
  public var rooms: [PlannedRoom]

  public init(buses: [PortSettings], devices: [PlannedDevice], lanes: [PlannedLane] = [], rooms: [PlannedRoom] = []) {
    self.buses = buses
    self.devices = devices
    self.lanes = lanes
    self.rooms = rooms
  }

  /// The same with its serial lines as terminals in a folder, and its connections at free ports of this machine.
  public func moved(into folder: String) -> WorldPlan {
    var plan = self
    for index in buses.indices {
      let place = PortPlace.path("\(folder)/\(buses[index].name)")
      switch buses[index].link {
      case .serial(_, let line): plan.buses[index].link = .serial(place, line)
      case .modbusRTU(_, let line): plan.buses[index].link = .modbusRTU(place, line)
      case .modbusTCP: plan.buses[index].link = .modbusTCP(host: "127.0.0.1", port: 0)
      case .hid: break
      }
    }
    return plan
  }

  /// Where each bus is, as settings write it, by its name; but those that are found by what they say of themselves.
  public var places: [String: String] {
    var places: [String: String] = [:]
    for bus in buses {
      switch bus.link {
      case .serial(.path(let path), _), .modbusRTU(.path(let path), _): places[bus.name] = path
      case .modbusTCP(let host, let port): places[bus.name] = "\(host):\(port)"
      case .serial, .modbusRTU, .hid: break
      }
    }
    return places
  }
}

/// A device on a bus.
public struct PlannedDevice: Sendable {
  public var name: String
  public var profile: Profile
  /// Index into the plan's buses.
  public var bus: Int
  /// The Modbus unit it answers to; without meaning on a serial line.
  public var unit: UInt8
  /// Which of the profile's variants it plays, by index.
  public var variant: Int

  public init(name: String, profile: Profile, bus: Int, unit: UInt8 = 0, variant: Int = 0) {
    self.variant = variant
    self.name = name
    self.profile = profile
    self.bus = bus
    self.unit = unit
  }
}

/// An input or a relay of a board, channels counted from 1.
public struct Wire: Sendable, Equatable {
  /// Index into the plan's devices.
  public var device: Int
  public var channel: Int
  /// Of an input: its contact is open while what it tells of is so.
  public var isOnWhenOpen: Bool

  public init(device: Int, channel: Int, isOnWhenOpen: Bool = false) {
    self.device = device
    self.channel = channel
    self.isOnWhenOpen = isOnWhenOpen
  }
}

/// A lane and where its gate is wired to.
public struct PlannedLane: Sendable {
  public var name: String
  /// Index of the device that sees people's surface temperature.
  public var thermometer: Int?
  /// degC between surface and body.
  public var siteOffset: Double
  /// The relay that drives the gate open.
  public var gate: Wire?
  /// The contact that is on while the gate is not shut.
  public var readBack: Wire?
  /// The contact that is on while somebody goes through.
  public var passage: Wire?
  /// The contact that is on while somebody stands there.
  public var presence: Wire?
  /// Contacts that are off until a command says otherwise: fire, staff.
  public var switches: [Wire]
  /// A blackbody: the device that sees it, and its temperature, degC.
  public var reference: (device: Int, celsius: Double)?
  /// Another thermometer that sees whoever stands there, and its degC between surface and body.
  public var second: (device: Int, siteOffset: Double)?
  /// What reads codes, and which of its fields is the code.
  public var scanner: (device: Int, field: Int)?
  /// Devices that measure the hall's air, and the air outside.
  public var hall: Int?
  public var outdoor: Int?

  public init(
    name: String, thermometer: Int?, siteOffset: Double, gate: Wire? = nil, readBack: Wire? = nil, passage: Wire? = nil,
    presence: Wire? = nil, switches: [Wire] = []
  ) {
    self.name = name
    self.thermometer = thermometer
    self.siteOffset = siteOffset
    self.gate = gate
    self.readBack = readBack
    self.passage = passage
    self.presence = presence
    self.switches = switches
  }
}

/// A room and the devices that measure its air.
public struct PlannedRoom: Sendable {
  public var name: String
  public var volumeM3: Double
  public var outdoorPPM: Double
  /// Indices into the plan's devices: what measures CO2, and what measures other things of the air.
  public var sensors: [Int]
  public var temperature: Int?
  public var humidity: Int?
  /// What measures the air that its fan moves, and the cross-section of the duct in which it does, m2.
  public var airflow: Int?
  public var ductAreaM2: Double?
  public var contacts: [PlannedContact] = []

  public init(name: String, volumeM3: Double, outdoorPPM: Double = 425, sensors: [Int]) {
    self.name = name
    self.volumeM3 = volumeM3
    self.outdoorPPM = outdoorPPM
    self.sensors = sensors
  }
}

/// A contact of a room and where it is wired to.
public struct PlannedContact: Sendable, Equatable {
  public var contact: RoomContact
  public var wire: Wire
  /// A relay of the board, rather than an input.
  public var isRelay = false

  public init(_ contact: RoomContact, _ wire: Wire, isRelay: Bool = false) {
    self.contact = contact
    self.wire = wire
    self.isRelay = isRelay
  }
}
