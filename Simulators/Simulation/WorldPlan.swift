// What is simulated, said without settings' grammar: which buses, which devices on them, and which wire means what in
// the world. `WorldPlan+Settings.swift` makes it from a settings file; tests write it by hand.

public import Devices
public import Domain

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
  /// Indices into the plan's devices.
  public var sensors: [Int]

  public init(name: String, volumeM3: Double, outdoorPPM: Double = 425, sensors: [Int]) {
    self.name = name
    self.volumeM3 = volumeM3
    self.outdoorPPM = outdoorPPM
    self.sensors = sensors
  }
}
