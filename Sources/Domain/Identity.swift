// Indices that name things. The names themselves (text) stay outside the pipeline: see `Names`.

/// A way in or out: index into the configured ports.
public struct PortID: BitwiseCopyable, Hashable, Sendable {
  public var index: UInt16
  @inlinable @inline(__always) public init(_ index: Int) { self.index = UInt16(truncatingIfNeeded: index) }
}

/// How often a port was opened. Inputs of an older generation are dropped and counted.
public struct Generation: BitwiseCopyable, Hashable, Sendable {
  public var number: UInt32
  @inlinable @inline(__always) public init(_ number: UInt32) { self.number = number }
}

/// One configured instrument.
public struct DeviceID: BitwiseCopyable, Hashable, Sendable {
  public var index: UInt16
  @inlinable @inline(__always) public init(_ index: Int) { self.index = UInt16(truncatingIfNeeded: index) }
}

/// One way through an entrance.
public struct LaneID: BitwiseCopyable, Hashable, Sendable {
  public var index: UInt16
  @inlinable @inline(__always) public init(_ index: Int) { self.index = UInt16(truncatingIfNeeded: index) }
}

/// A room whose air is watched.
public struct RoomID: BitwiseCopyable, Hashable, Sendable {
  public var index: UInt16
  @inlinable @inline(__always) public init(_ index: Int) { self.index = UInt16(truncatingIfNeeded: index) }
}

/// What an event or an alarm is about.
public enum Place: BitwiseCopyable, Hashable, Sendable {
  case site
  case log
  case lane(LaneID)
  case room(RoomID)
  case device(DeviceID)
  case port(PortID)

  @_noLocks @_noAllocation
  public func isSame(as other: Place) -> Bool {
    switch (self, other) {
    case (.site, .site), (.log, .log): true
    case (.lane(let a), .lane(let b)): a.index == b.index
    case (.room(let a), .room(let b)): a.index == b.index
    case (.device(let a), .device(let b)): a.index == b.index
    case (.port(let a), .port(let b)): a.index == b.index
    default: false
    }
  }
}

/// Somebody who answers for a part of what is done at the site.
public struct RoleHolder: Sendable, Equatable {
  /// As the site calls it.
  public var role: String
  public var name: String

  public init(role: String, name: String) {
    self.role = role
    self.name = name
  }
}

/// The texts behind the indices, for whoever writes to people: the log, the sockets, the command line.
public struct Names: Sendable {
  public var site: String
  public var lanes: [String]
  public var rooms: [String]
  public var devices: [String]
  public var ports: [String]
  /// The field names of each device, in the order of its profile.
  public var fields: [[String]]
  /// What people may have written to each device, in the order of its profile.
  public var writes: [[String]]
  /// What somebody vouches for: the checklist, then the isolation rooms, each that it is suitable.
  public var items: [String]
  /// Who answers for the ventilation of each room; empty: nobody is named.
  public var responsible: [String]
  /// Who answers for the whole site; empty: nobody is named.
  public var head = ""
  /// Who else answers for what, at the site.
  public var roles: [RoleHolder] = []
  /// Sessions of the timetable.
  public var sessions: [String]
  /// Why a room is used that guidance would not use; empty: there is no need for a reason.
  public var reasons: [String]

  public init(
    site: String, lanes: [String], rooms: [String], devices: [String], ports: [String], fields: [[String]], writes: [[String]] = [],
    items: [String] = [], responsible: [String] = [], sessions: [String] = [], reasons: [String] = []
  ) {
    self.site = site
    self.lanes = lanes
    self.rooms = rooms
    self.devices = devices
    self.ports = ports
    self.fields = fields
    self.writes = writes
    self.items = items
    self.responsible = responsible
    self.sessions = sessions
    self.reasons = reasons
  }
}
