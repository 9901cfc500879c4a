// What the pipeline knows at one moment, for whoever shows it: `gatehouse status`, and later metrics and the console.
// Asked between two turns, row by row; each answer is a copy of fixed size.

public import Devices
public import Domain
public import Rules

/// Whether a device is there.
public enum Presence: UInt8, BitwiseCopyable, Sendable {
  case unknown, up, down

  public var name: String {
    switch self {
    case .unknown: "unknown"
    case .up: "up"
    case .down: "down"
    }
  }
}

/// One device.
public struct DeviceReport: BitwiseCopyable, Sendable {
  public var presence = Presence.unknown
  /// Wall time (ns since 1970 UTC) of the last change of presence; 0: none yet.
  public var since: Int64 = 0
  public var goodReadings: UInt64 = 0
  public var invalidReadings: UInt64 = 0

  public init() {}
}

extension Pipeline {
  public func report(on device: DeviceID) -> DeviceReport { devices[Int(device.index)] }
  public func counters(of device: DeviceID) -> DeviceCounters { instruments.counters(of: device) }
  public func counters(of port: PortID) -> BusCounters { instruments.counters(of: port) }

  /// The last reading of each field of all devices, in the order of devices and fields.
  public var readingCount: Int { latest.capacity }
  public func reading(_ index: Int) -> Reading { latest[index] }

  public var laneCount: Int { lanes.count }
  public func report(on lane: LaneID, _ now: Now) -> LaneView { lanes.view(lane, now) }

  /// Slots of screenings; `nil` where nobody waits.
  public var screeningCount: Int { lanes.screeningCount }
  public func waiting(_ slot: Int) -> ScreeningView? { lanes.view(screening: slot) }

  public var roomCount: Int { rooms.rows.capacity }
  public func report(on room: RoomID, _ now: Now) -> RoomView { rooms.view(room, now) }

  public var siteState: SiteState { site.state }
  /// Rows of cases; `nil` where none is open.
  public var caseCount: Int { site.caseCount }
  public func openCase(_ row: Int) -> CaseView? { site.view(row) }
  public func use(of room: RoomID) -> RoomUse { site.use(of: room) }

  public var alarmCount: Int { alarms.rows.capacity }
  public func alarm(_ index: Int) -> AlarmRow { alarms.rows[index] }
  /// Who shelved it or took it out of service, and why.
  public func note(onAlarm index: Int) -> AlarmNote? { alarms.note(on: index) }
}
