// How bytes on a line are cut into frames, and how a frame proves itself. The grammar is closed: a wire idea is one case
// here, one branch in Instruments+Frames, one key in docs/profile-format.md and one test.

public import Domain

/// One kind of frame.
public struct Framing: Sendable {
  /// The most bytes a frame starts with.
  public static let startMax = 8
  /// The longest frame on the wire: an ID card's text, photo and fingerprints are 2328 bytes.
  public static let lengthMax = 4_096

  /// How fields name it.
  public var name: String
  public var way: Way
  /// The bytes every frame starts with (0 to 8; without any, the end alone shapes it).
  public var startsWith: [UInt8]
  public var ending: Ending
  public var coding: Coding
  public var transform: Transform
  /// Where the frame says how long it is.
  public var count: Count?
  public var check: Check
  /// Bytes that always stand at these offsets of the decoded frame.
  public var marks: [Mark]
  /// What makes a frame with a good check no reading.
  public var vetoes: [Veto]
  /// It is a proper reply that says no.
  public var refuses: Bool
  /// Out of step, it counts only when the next one follows: its start is no proof.
  /// Of a line: bytes below 20 but for tab and the separators 1c to 1f make it none.
  public var isPrintable = false
  public var confirmedByNext: Bool
  /// For lines: how many bytes of the line are its head, if it starts so.
  public var head: Head?

  public init(
    name: String = "frame", way: Way = .any, startsWith: [UInt8], ending: Ending, coding: Coding = .plain,
    transform: Transform = .none, count: Count? = nil, check: Check = .none, marks: [Mark] = [], vetoes: [Veto] = [],
    refuses: Bool = false, confirmedByNext: Bool = false, head: Head? = nil
  ) {
    self.name = name
    self.way = way
    self.startsWith = startsWith
    self.ending = ending
    self.coding = coding
    self.transform = transform
    self.count = count
    self.check = check
    self.marks = marks
    self.vetoes = vetoes
    self.refuses = refuses
    self.confirmedByNext = confirmedByNext
    self.head = head
  }

  /// A frame of fixed length that starts with these bytes.
  public init(startsWith: [UInt8], length: Int, check: Check) {
    self.init(startsWith: startsWith, ending: .length(length), check: check)
  }

  /// The most bytes it takes on the wire.
  public var longest: Int {
    switch ending {
    case .length(let length): length
    case .counted(let most), .tail(_, let most), .line(_, let most), .asked(let most), .quiet(_, _, let most): most
    }
  }
}

/// By which way a frame comes.
public enum Way: String, Sendable, BitwiseCopyable, CaseIterable {
  case any, response, stream, report, feature
}

/// Where a frame ends.
public enum Ending: Sendable, Equatable {
  /// Whole length with start and check.
  case length(Int)
  /// The frame says it: `Framing.count`.
  case counted(most: Int)
  /// These bytes end it.
  case tail([UInt8], most: Int)
  /// A line of text: CR, LF or both end it; or this much silence.
  case line(quiet: Interval?, most: Int)
  /// As many bytes as the request says that its reply has.
  case asked(most: Int)
  /// Silence ends it.
  case quiet(Interval, least: Int, most: Int)
}

/// How the bytes between start and end stand on the wire.
public enum Coding: Sendable, Equatable, BitwiseCopyable {
  case plain
  /// `escape` announces a byte that was changed by exclusive or with `xor`.
  case stuffed(escape: UInt8, xor: UInt8)
  /// This byte is sent twice; once, it is a control sign.
  case doubled(UInt8)
  /// Two hexadecimal digits a byte.
  case hex
}

/// What a maker does to a whole frame before it is sent.
public enum Transform: Sendable, Equatable, BitwiseCopyable {
  case none
  /// Undone in this order. A frame that proves itself as it is was not changed.
  case scrambled(Scramble)
}

/// How the eight bytes of a frame are scrambled, and how that is undone: bytes put in order, exclusive or with a key, all 64 bits
/// rotated right, and a constant taken from each byte. In each number the first byte is the highest.
public struct Scramble: Sendable, Equatable, BitwiseCopyable {
  /// From which place each byte is taken, 0 to 7.
  public var order: UInt64
  public var key: UInt64
  /// Bits, 0 to 63.
  public var rotation: UInt8
  public var less: UInt64

  public init(order: UInt64 = 0x0001_0203_0405_0607, key: UInt64 = 0, rotation: UInt8 = 0, less: UInt64 = 0) {
    self.order = order
    self.key = key
    self.rotation = rotation
    self.less = less
  }
}

/// A number in the frame that says how long it is.
public struct Count: Sendable, Equatable, BitwiseCopyable {
  public var at: Int
  /// `u8`, `u16be` or `u16le`.
  public var type: NumberType
  /// Whole length of the decoded frame = number + this.
  public var adds: Int
  /// What the number 0 stands for.
  public var zeroMeans: Int

  public init(at: Int, type: NumberType, adds: Int, zeroMeans: Int = 0) {
    self.at = at
    self.type = type
    self.adds = adds
    self.zeroMeans = zeroMeans
  }
}

/// How a frame proves itself. Offsets are of the decoded frame.
public struct Check: Sendable, Equatable, BitwiseCopyable {
  public enum Kind: String, Sendable, BitwiseCopyable, CaseIterable {
    case none
    /// Low byte of the sum.
    case sum8
    /// Minus that sum: the two's complement.
    case negativeSum8 = "negative_sum8"
    /// That sum with all bits inverted.
    case invertedSum8 = "inverted_sum8"
    case xor8
    /// Sum of bytes in 16 bits, high byte first, or last.
    case sum16be, sum16le
    /// Sum of little endian words in 16 bits, low byte first.
    case wordSum16le = "word_sum16le"
    /// Polynomial 0xA001 reflected, start 0xFFFF, low byte first.
    case crc16Modbus = "crc16_modbus"
    /// Polynomial 0x1021, start 0, high byte first.
    case crc16Xmodem = "crc16_xmodem"
  }

  public var kind: Kind
  /// It lets some doubled faults pass: what moves or releases something stands on two such frames that agree.
  public var isWeak: Bool { kind != .crc16Modbus && kind != .crc16Xmodem }
  /// The first byte it covers; it covers all up to itself, or to `to`.
  public var from: Int
  /// The byte behind the last it covers; `nil`: where the check stands.
  public var to: Int?
  /// Where it stands; negative: counted from the frame's end.
  public var at: Int
  /// Added to a sum.
  public var adds: UInt8

  public init(_ kind: Kind, from: Int = 0, to: Int? = nil, at: Int, adds: UInt8 = 0) {
    self.kind = kind
    self.from = from
    self.to = to
    self.at = at
    self.adds = adds
  }

  public static let none = Check(.none, at: 0)
  public static func sum8(from: Int, at: Int) -> Check { Check(.sum8, from: from, at: at) }
  public static func negativeSum8(from: Int, at: Int) -> Check { Check(.negativeSum8, from: from, at: at) }

  /// Bytes it takes.
  public var width: Int {
    @_noLocks @_noAllocation get {
      switch kind {
      case .none: 0
      case .sum8, .negativeSum8, .invertedSum8, .xor8: 1
      case .sum16be, .sum16le, .wordSum16le, .crc16Modbus, .crc16Xmodem: 2
      }
    }
  }
}

/// A byte that always stands at an offset.
public struct Mark: Sendable, Equatable, BitwiseCopyable {
  public var at: Int
  public var byte: UInt8

  public init(at: Int, byte: UInt8) {
    self.at = at
    self.byte = byte
  }
}

/// A frame that proves itself and still says nothing: all bytes of one range are zero, where one is named, and those of
/// another are not all zero, where one is named.
public struct Veto: Sendable, Equatable, BitwiseCopyable {
  public var zeroFrom: Int
  public var zeroTo: Int
  public var otherFrom: Int
  public var otherTo: Int
  public var reason: Rejection

  /// - Parameters:
  ///   - zero: first and last offset of the bytes that are all zero; `nil`: whatever they are.
  ///   - other: first and last offset of the bytes that are not all zero; `nil`: whatever they are.
  public init(zero: ClosedRange<Int>?, other: ClosedRange<Int>?, reason: Rejection) {
    zeroFrom = zero?.lowerBound ?? 0
    zeroTo = zero?.upperBound ?? -1
    otherFrom = other?.lowerBound ?? 0
    otherTo = other?.upperBound ?? -1
    self.reason = reason
  }
}

/// The head of a line, such as a scanner's AIM identifier.
public struct Head: Sendable, Equatable, BitwiseCopyable {
  public var startsWith: UInt8
  public var length: Int

  public init(startsWith: UInt8, length: Int) {
    self.startsWith = startsWith
    self.length = length
  }
}

/// Why a frame is no answer and no reading.
public enum Rejection: String, Sendable, BitwiseCopyable, CaseIterable {
  case checksum
  /// Longer or shorter than such a frame can be.
  case length
  /// Nothing begins like a frame.
  case start
  /// A proper reply that says no.
  case exception
  /// Not the answer to the request.
  case wrongReply = "wrong_reply"
  /// The device says by the frame that it has no values yet.
  case warmingUp = "warming_up"
  /// Its values contradict each other.
  case inconsistent
  /// A value whose range the frame stands or falls with.
  case outOfRange = "out_of_range"
  /// A proper reply without values.
  case noData = "no_data"

  /// How reports write it.
  public var name: String { rawValue }
}
