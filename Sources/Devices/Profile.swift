// A profile: one model's description, as data. Settings reads it from YAML (docs/profile-format.md) and checks it;
// Devices compiles it to flat tables; Simulation plays the device from it. This file is the vocabulary: a wire idea
// is one case here, one branch in the framer, one test.

public import Domain

/// One model of device.
public struct Profile: Sendable {
  /// File name without its ending, for example `gy-mcu90614`.
  public var id: String
  public var maker: String
  public var model: String
  public var kind: String
  public var source: String
  public var proof: Proof
  public var notes: [String]
  public var transport: Transport
  /// Line settings the device leaves the factory with; settings may override them.
  public var line: Line
  public var power: Power
  /// How long after evidence of power-on its values mean nothing.
  public var warmUp: Interval
  /// Models that share this profile and differ in part; empty: only one.
  public var variants: [Variant]
  /// By what it is known on USB; empty: by nothing.
  public var usb: [USBMatch]
  /// How long its bus is left alone after an exchange with it.
  public var turnaround = Interval.zero
  public var fields: [Field]
  public var writes: [Write]

  public init(
    id: String, maker: String, model: String, kind: String, source: String, proof: Proof, notes: [String],
    transport: Transport, line: Line, power: Power, warmUp: Interval, fields: [Field], writes: [Write],
    variants: [Variant] = [], usb: [USBMatch] = []
  ) {
    self.id = id
    self.maker = maker
    self.model = model
    self.kind = kind
    self.source = source
    self.proof = proof
    self.notes = notes
    self.transport = transport
    self.line = line
    self.power = power
    self.warmUp = warmUp
    self.variants = variants
    self.usb = usb
    self.fields = fields
    self.writes = writes
  }
}

/// What shows that the profile is right.
public enum Proof: String, Sendable, CaseIterable {
  case capture
  case vendorExample = "vendor-example"
  case constructed
}

/// Whose switch decides when the device has been powered on.
public enum Power: String, Sendable, CaseIterable {
  /// Powered by the port: the port reappearing is a power-on.
  case usb
  /// A supply of its own.
  case own
}

/// One of several models that a profile knows.
public struct Variant: Sendable {
  /// The most variants of a profile.
  public static let most = 16

  public var name: String
  /// The field whose reading tells the variant; `nil`: settings name it, or else it is the first.
  public var identity: Int?
  /// What the identity field says: raw numbers, or the beginnings of texts.
  public var numbers: [Double]
  public var texts: [String]

  public init(name: String, identity: Int? = nil, numbers: [Double] = [], texts: [String] = []) {
    self.name = name
    self.identity = identity
    self.numbers = numbers
    self.texts = texts
  }
}

/// How bytes mean messages.
public enum Transport: Sendable {
  case serial(FrameSpeech)
  case hid(FrameSpeech, HIDReports)
  case modbus(ModbusSpeech)
}

/// A device that speaks in frames of its own: on a serial line, or in HID reports.
public struct FrameSpeech: Sendable {
  /// The most kinds of frame and of request.
  public static let kindsMax = 32

  /// Tried in this order.
  public var frames: [Framing]
  /// Empty: the device speaks unasked.
  public var requests: [Request]
  /// How often a new value is due, asked or unasked; a value is stale after three of these.
  public var period: Interval
  /// A silence inside a frame that makes what came before it worthless.
  public var gap: Interval?
  /// It speaks only when there is something to say: its silence means nothing.
  public var isSeldom: Bool
  /// How several on one line are told apart.
  public var address: Addressing?
  /// The unit it answers to unless settings say otherwise; 0: it is alone.
  public var unit: UInt8
  /// A byte sent to wake it, and how long before each request.
  public var wake: Wake?

  public init(
    frames: [Framing], requests: [Request], period: Interval, gap: Interval? = nil, isSeldom: Bool = false,
    address: Addressing? = nil, unit: UInt8 = 0
  ) {
    self.isSeldom = isSeldom
    self.frames = frames
    self.requests = requests
    self.period = period
    self.gap = gap
    self.address = address
    self.unit = unit
  }
}

extension Profile {
  /// The field that tells the device's own serial number, by index.
  public var serialNumber: Int? { fields.firstIndex(where: \.isSerialNumber) }
}

extension FrameSpeech {
  /// The request, by index, whose reply tells this field: one that names it, or any that is sent regularly.
  public func request(telling field: Field) -> Int? {
    requests.indices.first { index in
      guard requests[index].after == nil, requests[index].replyWithin != nil else { return false }
      if field.answers != 0 { return field.answers >> UInt32(index) & 1 == 1 }
      if case .regularly = requests[index].sending { return true }
      return false
    }
  }
}

extension FrameSpeech {
  /// Whether it speaks when asked: some request is sent regularly.
  public var isAsked: Bool {
    requests.contains { request in
      guard case .regularly = request.sending else { return false }
      return request.after == nil
    }
  }
}

/// How one of several devices on a serial line is meant.
public enum Addressing: Sendable, Equatable, BitwiseCopyable {
  /// A byte before each request: this number plus the unit.
  case prefix(UInt8)
  /// The unit in this many decimal digits, before each request and each answer.
  case digits(Int)
}

/// A question to a device that speaks when asked, or a command that it needs.
public struct Request: Sendable {
  /// When it is sent.
  public enum Sending: String, Sendable, BitwiseCopyable, CaseIterable {
    case regularly
    /// When the port was opened, and again when the device was away or says that it was not started.
    case atStart = "at_start"
    /// It is known, so that its answer can be read, and never sent.
    case never
  }

  /// By which way it goes.
  public enum Carrier: Sendable, Equatable, BitwiseCopyable {
    /// Bytes, or an output report.
    case bytes
    /// SET_REPORT of a feature.
    case setFeature
    /// GET_REPORT of a feature: what is sent is its number.
    case getFeature
  }

  public var name: String
  public var carrier: Carrier
  public var bytes: [UInt8]
  /// `nil`: nothing answers it.
  public var replyWithin: Interval?
  public var sending: Sending
  /// For frames whose length only the request tells.
  public var replyLength: Int
  /// Sent when the reply to this request, by index, says `when`.
  public var after: Int?
  public var when: [Need]
  /// Fields are named that it alone is asked for, or none that any other is: see `Field.answers`.
  public var claims: Bool
  /// How many times it may stay unanswered before that counts as a failure.
  public var retries: Int

  public init(
    name: String = "request", carrier: Carrier = .bytes, bytes: [UInt8], replyWithin: Interval?, sending: Sending = .regularly,
    replyLength: Int = 0, after: Int? = nil, when: [Need] = [], claims: Bool = false, retries: Int = 0
  ) {
    self.claims = claims
    self.name = name
    self.carrier = carrier
    self.bytes = bytes
    self.replyWithin = replyWithin
    self.sending = sending
    self.replyLength = replyLength
    self.after = after
    self.when = when
    self.retries = retries
  }
}

/// A Modbus device.
public struct ModbusSpeech: Sendable {
  /// The unit it answers to unless settings say otherwise (0xFE: "any sensor").
  public var unit: UInt8
  /// The most registers one read may ask for (1 to 125).
  public var registersPerRead: Int
  /// Bits are asked for in exactly this many (some boards answer nothing else); 0: as many as the fields need.
  public var bitsPerRead: Int
  /// How often each field is read; a value is stale after three of these.
  public var period: Interval
  public var replyWithin: Interval
  /// A byte sent to wake it, and how long before the request.
  public var wake: Wake?
  /// Registers written when the port was opened, in this order.
  public var start: [RegisterValue] = []
  /// Exception codes that mean "not now": asked again soon, and no failure.
  public var busyCodes: [UInt8] = []
  /// Functions 03 and 04 read the same registers.
  public var tablesOverlap = false

  public init(
    unit: UInt8, registersPerRead: Int, bitsPerRead: Int, period: Interval, replyWithin: Interval, wake: Wake?
  ) {
    self.unit = unit
    self.registersPerRead = registersPerRead
    self.bitsPerRead = bitsPerRead
    self.period = period
    self.replyWithin = replyWithin
    self.wake = wake
  }
}

/// A holding register and what is written to it.
public struct RegisterValue: Sendable, Equatable {
  public var address: Int
  public var value: UInt16

  public init(address: Int, value: UInt16) {
    self.address = address
    self.value = value
  }
}

/// A byte that wakes a sleeping device.
public struct Wake: Sendable {
  public var byte: UInt8
  public var before: Interval

  public init(byte: UInt8, before: Interval) {
    self.byte = byte
    self.before = before
  }
}

/// The four Modbus tables; addresses are 0-based protocol addresses.
public enum RegisterTable: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  case coil = 1
  case discrete = 2
  case holding = 3
  case input = 4

  /// The function that reads it.
  @inlinable @inline(__always) public var readFunction: UInt8 { rawValue }

  /// Whether an address is one bit; else it is a register of 16.
  public var isBits: Bool {
    @_noLocks @_noAllocation get {
      switch self {
      case .coil, .discrete: true
      case .holding, .input: false
      }
    }
  }
}

extension Profile {
  /// How often its values are due, asked or unasked.
  public var period: Interval {
    switch transport {
    case .serial(let speech), .hid(let speech, _): speech.period
    case .modbus(let speech): speech.period
    }
  }

  /// How old a value of this field may get: three periods, and never less than a fifth of a second, which an operating
  /// system may hold a port's bytes back; or what the profile says.
  public func staleAfter(_ field: Field) -> Interval {
    field.staleAfter ?? max((field.every ?? period) * 3, .milliseconds(200))
  }
}
