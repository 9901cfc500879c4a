// A kind of frame as a flat row, and the way from bytes on the wire to a decoded frame: where it ends, what its coding
// hides, whether it proves itself. No byte a device can send reaches outside the two areas of its port: what came in,
// and what it means decoded.

import Domain

/// What the bytes at the start of a buffer are, for one kind of frame.
enum Fit: BitwiseCopyable {
  /// No such frame begins here.
  case no
  /// One may; more bytes decide.
  case more
  /// A good one: so many bytes on the wire, so many decoded from `base` on.
  case frame(wire: Int, base: Int, length: Int)
  /// One that cannot be believed; its first byte is dropped, since a good one may have begun inside.
  case broken(wire: Int, Rejection)
  /// One that proves itself and holds no values.
  case refused(wire: Int, Rejection)
}

/// Where the decoded bytes of a port lie: what came in, and room for what it means.
struct Area: BitwiseCopyable {
  /// The first byte of the frame that may begin.
  var base: Int
  var count: Int
  /// Where decoded bytes go, and how many have room.
  var decoded: Int
  var room: Int
  /// Nothing has come for as long as the frame's silence.
  var isQuiet: Bool
  /// The last frame ended where this one begins.
  var isInStep: Bool
  /// What the request said about the length of its reply; 0: nothing.
  var askedLength: Int
}

struct FrameRow: BitwiseCopyable {
  enum End: BitwiseCopyable {
    case length(Int32), counted, line, asked, quiet
    case tail(first: Int32, count: Int32)
  }

  var way: Way
  /// All kinds of frames of its device.
  var firstKind: Int32 = 0
  var kindCount: Int32 = 0
  var firstStart: Int32
  var startCount: Int32
  var end: End
  var least: Int32
  var most: Int32
  /// How much silence ends it; `.never` long: none.
  var quiet: Interval
  var coding: Coding
  var transform: Transform
  var count: Count
  var hasCount: Bool
  var check: Check
  var firstMark: Int32
  var markCount: Int32
  var firstVeto: Int32
  var vetoCount: Int32
  var refuses: Bool
  var isPrintable: Bool
  var confirmedByNext: Bool
  var headStart: Int16
  var headLength: Int16
  /// Bytes at its end that are check and tail, not fields.
  var trailer: Int32
  /// Some field stands in it.
  var hasFields: Bool
  /// It has fields that stand behind keys: a line without any of them is not one.
  var hasKeys: Bool

  init(_ framing: Framing, firstStart: Int, firstTail: Int, firstMark: Int, firstVeto: Int, hasFields: Bool, hasKeys: Bool) {
    way = framing.way
    self.firstStart = Int32(firstStart)
    startCount = Int32(framing.startsWith.count)
    least = Int32(framing.startsWith.count)
    most = Int32(framing.longest)
    quiet = Self.noQuiet
    switch framing.ending {
    case .length(let length): end = .length(Int32(length))
    case .counted: end = .counted
    case .tail(let tail, _): end = .tail(first: Int32(firstTail), count: Int32(tail.count))
    case .line(let silence, _):
      end = .line
      quiet = silence ?? Self.noQuiet
    case .asked: end = .asked
    case .quiet(let silence, let least, _):
      end = .quiet
      quiet = silence
      self.least = Int32(least)
    }
    coding = framing.coding
    transform = framing.transform
    count = framing.count ?? Count(at: 0, type: .u8, adds: 0)
    hasCount = framing.count != nil
    check = framing.check
    self.firstMark = Int32(firstMark)
    markCount = Int32(framing.marks.count)
    self.firstVeto = Int32(firstVeto)
    vetoCount = Int32(framing.vetoes.count)
    refuses = framing.refuses
    isPrintable = framing.isPrintable
    confirmedByNext = framing.confirmedByNext
    headStart = framing.head.map { Int16($0.startsWith) } ?? -1
    headLength = Int16(framing.head?.length ?? 0)
    self.hasFields = hasFields
    self.hasKeys = hasKeys
    var tail = 0
    if case .tail(let bytes, _) = framing.ending { tail = bytes.count }
    trailer = Int32(max(tail, framing.check.width > 0 && framing.check.at < 0 ? -framing.check.at : 0))
  }

  static let noQuiet = Interval.minutes(60_000_000)

  var isLine: Bool { @_noLocks @_noAllocation get { if case .line = end { true } else { false } } }
}

extension Instruments {
  /// What the bytes in `area` are for one kind of frame.
  @_noLocks @_noAllocation
  func fit(_ frame: Int, _ area: Area) -> Fit {
    guard startFits(frame, area.base, area.count) else { return .no }
    let wire: Int
    switch frames[frame].end {
    case .length(let length):
      guard area.count >= Int(length) else { return .more }
      wire = Int(length)
    case .counted:
      switch countedLength(frame, area) {
      case .frame(let length, _, _): wire = length
      case let other: return other
      }
    case .asked:
      guard area.askedLength > 0 else { return .no }
      guard area.count >= area.askedLength else { return .more }
      wire = area.askedLength
    case .tail(let first, let count):
      // What came behind its longest is never looked at: how bytes arrive in pieces does not matter.
      var bounded = area
      bounded.count = min(area.count, Int(frames[frame].most))
      let fit = fitTail(frame, bounded, Int(first), Int(count))
      if case .more = fit, area.count >= Int(frames[frame].most) { return .broken(wire: bounded.count, .length) }
      return fit
    case .line: return fitLine(frame, area)
    case .quiet:
      let most = Int(frames[frame].most)
      if area.count < most {
        guard area.isQuiet else { return .more }
        guard area.count >= Int(frames[frame].least) else { return .broken(wire: area.count, .length) }
        wire = area.count
      } else {
        wire = most
      }
    }
    if frames[frame].confirmedByNext, !area.isInStep {
      let next = area.count &- wire
      guard startFits(frame, area.base &+ wire, next) else { return .broken(wire: wire, .start) }
      guard next >= Int(frames[frame].startCount) else { return .more }
    }
    return judge(frame, area, wire: wire)
  }

  @_noLocks @_noAllocation
  private func startFits(_ frame: Int, _ base: Int, _ count: Int) -> Bool {
    let first = Int(frames[frame].firstStart)
    for index in 0..<min(count, Int(frames[frame].startCount)) {
      guard buffers[base &+ index] == constants[first &+ index] else { return false }
    }
    return true
  }

  /// The length a frame says, of the wire's bytes (frames with a coding end by their tail instead).
  @_noLocks @_noAllocation
  private func countedLength(_ frame: Int, _ area: Area) -> Fit {
    let row = frames[frame].count
    let width = row.type.width
    guard area.count >= row.at &+ width else { return .more }
    let length = said(row, area.base)
    guard length >= max(row.at &+ width, Int(frames[frame].startCount)), length <= Int(frames[frame].most) else {
      return .broken(wire: min(area.count, row.at &+ width), .length)
    }
    guard area.count >= length else { return .more }
    return .frame(wire: length, base: area.base, length: length)
  }

  /// The whole length that the number at `count.at` stands for.
  @_noLocks @_noAllocation
  private func said(_ count: Count, _ base: Int) -> Int {
    let number: Int
    switch count.type {
    case .u16be: number = Int(buffers[base &+ count.at]) << 8 | Int(buffers[base &+ count.at &+ 1])
    case .u16le: number = Int(buffers[base &+ count.at &+ 1]) << 8 | Int(buffers[base &+ count.at])
    default: number = Int(buffers[base &+ count.at])
    }
    return (number == 0 ? count.zeroMeans : number) &+ count.adds
  }

  /// Looks for the end of a frame with a tail, undoing its coding on the way.
  @_noLocks @_noAllocation
  private func fitTail(_ frame: Int, _ area: Area, _ firstTail: Int, _ tailCount: Int) -> Fit {
    let starts = Int(frames[frame].startCount)
    guard area.count >= starts, starts &+ tailCount <= area.room else { return area.count < Int(frames[frame].most) ? .more : .no }
    for index in 0..<starts { buffers[area.decoded &+ index] = buffers[area.base &+ index] }
    var length = starts
    var at = starts
    let tail = constants[firstTail]
    while at < area.count {
      let byte = buffers[area.base &+ at]
      var value = byte
      var width = 1
      switch frames[frame].coding {
      case .plain:
        if tailStands(firstTail, tailCount, area, at) { return ended(frame, area, firstTail, tailCount, at, length) }
        if byte == tail, at &+ tailCount > area.count, tailMayStand(firstTail, tailCount, area, at) { return .more }
      case .stuffed(let escape, let xor):
        if tailStands(firstTail, tailCount, area, at) {
          // Two signs in a row: the end of one frame and the start of the next.
          guard length > starts else { return .no }
          return ended(frame, area, firstTail, tailCount, at, length)
        }
        if byte == escape {
          guard at &+ 1 < area.count else { return .more }
          // The sign itself is never what an escape stands before: a frame was cut here.
          guard escape == tail || buffers[area.base &+ at &+ 1] != tail else { return .broken(wire: at &+ 1, .checksum) }
          value = buffers[area.base &+ at &+ 1] ^ xor
          width = 2
        }
      case .doubled(let sign):
        if byte == sign {
          guard at &+ 1 < area.count else { return .more }
          if tailStands(firstTail, tailCount, area, at) { return ended(frame, area, firstTail, tailCount, at, length) }
          guard buffers[area.base &+ at &+ 1] == sign else { return .broken(wire: at, .checksum) }
          width = 2
        }
      case .hex:
        if tailStands(firstTail, tailCount, area, at) { return ended(frame, area, firstTail, tailCount, at, length) }
        guard at &+ 1 < area.count else { return .more }
        guard let high = hexDigit(byte), let low = hexDigit(buffers[area.base &+ at &+ 1]) else { return .broken(wire: at, .checksum) }
        value = high << 4 | low
        width = 2
      }
      guard length < area.room &- tailCount else { return .broken(wire: at, .length) }
      buffers[area.decoded &+ length] = value
      length &+= 1
      at &+= width
    }
    return .more
  }

  @_noLocks @_noAllocation
  private func tailStands(_ first: Int, _ count: Int, _ area: Area, _ at: Int) -> Bool {
    at &+ count <= area.count && tailMayStand(first, count, area, at)
  }

  /// Whether what is there of the tail fits.
  @_noLocks @_noAllocation
  private func tailMayStand(_ first: Int, _ count: Int, _ area: Area, _ at: Int) -> Bool {
    for index in 0..<min(count, area.count &- at) {
      guard buffers[area.base &+ at &+ index] == constants[first &+ index] else { return false }
    }
    return true
  }

  @_noLocks @_noAllocation
  private func ended(_ frame: Int, _ area: Area, _ firstTail: Int, _ tailCount: Int, _ at: Int, _ length: Int) -> Fit {
    for index in 0..<tailCount { buffers[area.decoded &+ length &+ index] = constants[firstTail &+ index] }
    return prove(frame, wire: at &+ tailCount, base: area.decoded, length: length &+ tailCount)
  }

  /// A line ends by CR or LF, which do not belong to it; what is left of an end is no line.
  @_noLocks @_noAllocation
  private func fitLine(_ frame: Int, _ area: Area) -> Fit {
    var at = 0
    while at < area.count, !isLineEnd(buffers[area.base &+ at]) {
      // A reply in bytes of its own behind a code that has no end.
      if at > 0, beginsReply(frame, area.base &+ at, area.count &- at) {
        return at <= Int(frames[frame].most) ? prove(frame, wire: at, base: area.base, length: at) : .broken(wire: at, .length)
      }
      at &+= 1
    }
    if at == area.count {
      if area.isQuiet, at > 0 { return prove(frame, wire: at, base: area.base, length: at) }
      return at <= Int(frames[frame].most) ? .more : .broken(wire: at, .length)
    }
    guard at > 0 else { return .no }
    guard at <= Int(frames[frame].most) else { return .broken(wire: at &+ 1, .length) }
    return prove(frame, wire: at &+ 1, base: area.base, length: at)
  }

  /// Whether a frame of another kind of the device begins here: one that is no line and begins with bytes that no text has.
  @_noLocks @_noAllocation
  private func beginsReply(_ frame: Int, _ base: Int, _ count: Int) -> Bool {
    let first = Int(frames[frame].firstKind)
    for other in first..<first &+ Int(frames[frame].kindCount) where !frames[other].isLine {
      let starts = Int(frames[other].startCount)
      guard starts > 1, count >= starts, startFits(other, base, count) else { continue }
      for index in 0..<starts where buffers[base &+ index] == 0 { return true }
    }
    return false
  }

  @_noLocks @_noAllocation
  private func judge(_ frame: Int, _ area: Area, wire: Int) -> Fit {
    guard case .scrambled(let scramble) = frames[frame].transform else { return prove(frame, wire: wire, base: area.base, length: wire) }
    let plain = prove(frame, wire: wire, base: area.base, length: wire)
    if case .broken = plain, wire == 8, area.room >= 8 {
      unscramble(area.base, to: area.decoded, scramble)
      let decrypted = prove(frame, wire: wire, base: area.decoded, length: wire)
      if case .broken = decrypted { return plain }
      return decrypted
    }
    return plain
  }

  /// Whether a decoded frame is what it says.
  @_noLocks @_noAllocation
  private func prove(_ frame: Int, wire: Int, base: Int, length: Int) -> Fit {
    if frames[frame].hasCount {
      let row = frames[frame].count
      guard row.at &+ row.type.width <= length else { return .broken(wire: wire, .length) }
      if said(row, base) != length { return .broken(wire: wire, frames[frame].check.isNone ? .length : .checksum) }
    }
    let firstMark = Int(frames[frame].firstMark)
    for index in firstMark..<firstMark &+ Int(frames[frame].markCount) {
      let mark = marks[index]
      guard mark.at < length, buffers[base &+ mark.at] == mark.byte else { return .broken(wire: wire, .checksum) }
    }
    guard frames[frame].check.holds(for: buffers, at: base, length: length) else { return .broken(wire: wire, .checksum) }
    if frames[frame].isPrintable, !isPrintable(base, length) { return .refused(wire: wire, .noData) }
    let first = Int(frames[frame].firstVeto)
    for index in first..<first &+ Int(frames[frame].vetoCount) {
      let veto = vetoes[index]
      let isEmpty = veto.zeroTo < veto.zeroFrom || isZero(base, veto.zeroFrom, veto.zeroTo, length)
      let isOther =
        veto.otherTo < veto.otherFrom
        || (veto.otherTo < length && !isZero(base, veto.otherFrom, veto.otherTo, length))
      if isEmpty, isOther { return .refused(wire: wire, veto.reason) }
    }
    if frames[frame].refuses { return .refused(wire: wire, .exception) }
    return .frame(wire: wire, base: base, length: length)
  }

  @_noLocks @_noAllocation
  private func isPrintable(_ base: Int, _ length: Int) -> Bool {
    for index in 0..<length {
      let byte = buffers[base &+ index]
      if byte < 0x1C, byte != 0x09 { return false }
    }
    return true
  }

  @_noLocks @_noAllocation
  private func isZero(_ base: Int, _ from: Int, _ to: Int, _ length: Int) -> Bool {
    guard from >= 0, to < length, from <= to else { return false }
    for index in from...to where buffers[base &+ index] != 0 { return false }
    return true
  }

  @_noLocks @_noAllocation
  func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0D || byte == 0x0A }

  @_noLocks @_noAllocation
  private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte &- 0x30
    case 0x41...0x46: byte &- 0x37
    case 0x61...0x66: byte &- 0x57
    default: nil
    }
  }

  @_noLocks @_noAllocation
  private func unscramble(_ base: Int, to decoded: Int, _ scramble: Scramble) {
    var word: UInt64 = 0
    for index in 0..<8 {
      let from = Int(truncatingIfNeeded: scramble.order >> UInt64(56 &- 8 &* index)) & 7
      word = word << 8 | UInt64(buffers[base &+ from])
    }
    word ^= scramble.key
    let rotation = UInt64(scramble.rotation & 63)
    if rotation > 0 { word = word >> rotation | word << (64 &- rotation) }
    for index in 0..<8 {
      let shift = UInt64(56 &- 8 &* index)
      buffers[decoded &+ index] = UInt8(truncatingIfNeeded: word >> shift) &- UInt8(truncatingIfNeeded: scramble.less >> shift)
    }
  }
}

extension Check {
  var isNone: Bool { @_noLocks @_noAllocation get { if case .none = kind { true } else { false } } }
}

extension NumberType {
  /// A whole number of 64 bits.
  var isLong: Bool {
    @_noLocks @_noAllocation get {
      switch self {
      case .u64be, .i64be: true
      default: false
      }
    }
  }

  /// How many numbers an unsigned type of its width has.
  var wrap: Double {
    @_noLocks @_noAllocation get {
      switch width {
      case 1: 256
      case 2: 65_536
      case 3: 16_777_216
      default: 4_294_967_296
      }
    }
  }

  /// Bytes of a number, or of text; bits fill bytes.
  public var width: Int {
    @_noLocks @_noAllocation get {
      switch self {
      case .u8, .i8: 1
      case .u16be, .u16le, .i16be, .i16le: 2
      case .u24be, .u24le: 3
      case .u32be, .u32le, .i32be, .i32le, .f32be, .f32le, .f32leWords, .u32leWords, .i32leWords: 4
      case .f32beSwapped, .u32beSwapped, .i32beSwapped: 4
      case .u64be, .i64be, .f64be, .f64leWords: 8
      case .bits(let count): (count &+ 7) / 8
      case .decimal: 0
      case .ascii(let count): count
      case .utf16le(let count): count &* 2
      }
    }
  }
}
