// What is plugged in: ports by their kind and devices by profile, port and unit. Built by Settings, read once at start.

public import Domain

/// How a port speaks.
public enum PortKind: UInt8, BitwiseCopyable, Sendable {
  case serial, modbusRTU, modbusTCP, hid
}

/// One configured device.
public struct DevicePlan: Sendable {
  public var profile: Profile
  public var port: PortID
  /// Modbus unit; ignored on serial lines.
  public var unit: UInt8
  /// A lane depends on it: probed sooner after an outage, and its bus waits less for replies.
  public var isAtLane: Bool
  /// Which of the profile's variants it is, by index; `nil`: the device says so itself, or else it is the first.
  public var variant: Int?
  /// The one that is meant; `nil`: whichever answers.
  public var serialNumber: SerialNumber?

  public init(
    profile: Profile, port: PortID, unit: UInt8, isAtLane: Bool, variant: Int? = nil, serialNumber: SerialNumber? = nil
  ) {
    self.variant = variant
    self.serialNumber = serialNumber
    self.profile = profile
    self.port = port
    self.unit = unit
    self.isAtLane = isAtLane
  }
}

/// What a device's `Profile.serialNumber` says.
public enum SerialNumber: Sendable, Equatable {
  /// A raw number.
  case number(Int)
  /// Without the blanks and zeros behind it.
  case text(String)
}

/// All ports and devices, in the order of their ids.
public struct InstrumentSettings: Sendable {
  public var ports: [PortKind]
  public var devices: [DevicePlan]
  /// Serial lines that give back what is sent on them.
  public var echoing: Set<PortID>

  public init(ports: [PortKind], devices: [DevicePlan], echoing: Set<PortID> = []) {
    self.ports = ports
    self.devices = devices
    self.echoing = echoing
  }
}

/// What a device may be told to do. Channels count from 1.
public enum WriteAction: BitwiseCopyable, Sendable {
  case set(channel: UInt8, on: Bool)
  /// On, and off again by the board itself.
  case pulse(channel: UInt8, for: Interval)
  /// What the profile names so, by its place in `Profile.namedWrites`, with its value; NaN where it takes none.
  case named(UInt8, value: Double)

  /// The relay, from 1; 0: it is about none.
  public var channel: UInt8 {
    @_noLocks @_noAllocation get {
      switch self {
      case .set(let channel, _), .pulse(let channel, _): channel
      case .named: 0
      }
    }
  }
}

/// What became of a device, or of a write to it.
public enum DeviceChange: BitwiseCopyable, Sendable {
  case up(DeviceID)
  case down(DeviceID, DownReason)
  case poweredOn(DeviceID)
  case wrote(DeviceID, WriteAction)
  case writeFailed(DeviceID, WriteAction)
}

/// Counts of one device since the start.
public struct DeviceCounters: BitwiseCopyable, Sendable {
  public var requests: UInt64 = 0
  public var replies: UInt64 = 0
  public var timeOuts: UInt64 = 0
  public var checkErrors: UInt64 = 0
  public var exceptions: UInt64 = 0
  public var wrongReplies: UInt64 = 0
  /// Requests and writes that went again because no good reply had come, or "not now".
  public var retries: UInt64 = 0
  /// From a request to its reply: smoothed (an eighth of each new one), and the longest.
  public var roundTrip = Interval.zero
  public var longestRoundTrip = Interval.zero
  public var writes: UInt64 = 0
  public var writesFailed: UInt64 = 0

  @_noLocks @_noAllocation public init() {}

  /// Requests without a good reply.
  public var failed: UInt64 { @_noLocks @_noAllocation get { timeOuts &+ checkErrors &+ exceptions &+ wrongReplies } }
}

/// Counts of one bus since the start. Every byte that came in is taken, dropped or still waiting.
public struct BusCounters: BitwiseCopyable, Sendable {
  /// Bytes that were what they should be: of answers and refusals, the echo of what was sent, ends of lines.
  public var bytesTaken: UInt64 = 0
  public var bytesDropped: UInt64 = 0
  /// The beginning of what is not whole yet.
  public var bytesWaiting: UInt64 = 0
  public var staleInputs: UInt64 = 0
  public var lateReplies: UInt64 = 0
  public var readingsLost: UInt64 = 0

  @_noLocks @_noAllocation public init() {}
}

/// A text that a device told, among `Findings.textBytes`.
public struct FoundText: BitwiseCopyable, Sendable {
  public var device: DeviceID
  /// Index into the fields of the device's profile.
  public var field: UInt16
  public var first: Int32
  public var count: Int32
}

/// What became of a frame of a device's own, and where what it told begins among the findings.
public struct FrameVerdict: BitwiseCopyable, Sendable {
  public enum Outcome: BitwiseCopyable, Sendable {
    case accepted
    case rejected(Rejection)
  }

  public var outcome: Outcome
  public var firstReading: Int32
  public var firstText: Int32
}

/// What a call found: readings, texts and changes, in order. Cleared by whoever has read it.
public struct Findings: ~Copyable {
  public private(set) var readings: Table<Reading>
  public private(set) var readingCount = 0
  public private(set) var texts: Table<FoundText>
  public private(set) var textCount = 0
  public private(set) var textBytes: Table<UInt8>
  private var byteCount = 0
  private var isTextOpen = false
  public private(set) var verdicts: Table<FrameVerdict>
  /// The latest verdicts, as many as there is room for: for tools.
  public private(set) var verdictCount = 0
  public private(set) var changes: Table<DeviceChange>
  public private(set) var changeCount = 0
  /// Readings and texts that found no room.
  public private(set) var lost = 0

  /// A burst of 4096 bytes of the shortest frames with two fields fits, and a bus of 255 units that is lost.
  public init(readings: Int = 1024, changes: Int = 512) {
    self.readings = Table(
      capacity: readings,
      filledWith: Reading(
        device: DeviceID(0), field: 0, use: .information, unit: .none, quality: .invalid(.neverRead), at: .past, decoded: .nan))
    self.changes = Table(capacity: changes, filledWith: .up(DeviceID(0)))
    texts = Table(capacity: 64, filledWith: FoundText(device: DeviceID(0), field: 0, first: 0, count: 0))
    textBytes = Table(capacity: 4_096, filledWith: 0)
    verdicts = Table(capacity: 64, filledWith: FrameVerdict(outcome: .accepted, firstReading: 0, firstText: 0))
  }

  @_noLocks @_noAllocation
  public mutating func clear() {
    readingCount = 0
    changeCount = 0
    forgetTexts()
    isTextOpen = false
    verdictCount = 0
    lost = 0
  }

  /// What people showed is overwritten as soon as it was looked at.
  @_noLocks @_noAllocation
  public mutating func forgetTexts() {
    for index in 0..<byteCount { textBytes[index] = 0 }
    textCount = 0
    byteCount = 0
  }

  @_noLocks @_noAllocation
  mutating func add(_ reading: Reading) {
    guard readingCount < readings.capacity else { lost &+= 1; return }
    readings[readingCount] = reading
    readingCount &+= 1
  }

  @_noLocks @_noAllocation
  mutating func note(_ outcome: FrameVerdict.Outcome) {
    guard verdictCount < verdicts.capacity else { return }
    verdicts[verdictCount] = FrameVerdict(
      outcome: outcome, firstReading: Int32(truncatingIfNeeded: readingCount), firstText: Int32(truncatingIfNeeded: textCount))
    verdictCount &+= 1
  }

  /// Begins a text; its bytes follow.
  @_noLocks @_noAllocation
  mutating func begin(text device: DeviceID, field: UInt16) {
    isTextOpen = textCount < texts.capacity
    guard isTextOpen else { lost &+= 1; return }
    texts[textCount] = FoundText(device: device, field: field, first: Int32(truncatingIfNeeded: byteCount), count: 0)
    textCount &+= 1
  }

  /// A byte of the text that was begun last; what finds no room is cut off.
  @_noLocks @_noAllocation
  mutating func append(_ byte: UInt8) {
    guard isTextOpen, byteCount < textBytes.capacity else { return }
    textBytes[byteCount] = byte
    byteCount &+= 1
    texts[textCount &- 1].count &+= 1
  }

  @_noLocks @_noAllocation
  func hasRoom(for count: Int) -> Bool { changeCount == 0 || count <= changes.capacity &- changeCount }

  /// A call ends before this fills; a change that found no room would be a silent one.
  @_noLocks @_noAllocation
  mutating func add(_ change: DeviceChange) {
    precondition(changeCount < changes.capacity, "A call found more changes than there are devices on a port.")
    changes[changeCount] = change
    changeCount &+= 1
  }
}
