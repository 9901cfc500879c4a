// A recording as it is read back: for people to look at, for `gatehouse replay`, and for tests.

public import Domain
import Glibc

/// What is wrong with a recording, and where.
public struct RecordingMistake: Error, Sendable, CustomStringConvertible {
  public var file: String
  /// From 1.
  public var line: Int
  public var message: String

  public var description: String { "\(file):\(line): \(message)" }
}

/// What happened on one bus.
public struct BusRecording: Sendable {
  /// One line.
  public struct Entry: Sendable {
    public enum What: Sendable, Equatable {
      case opened(UInt32)
      case lost(PortFailure, Int32)
      case received([UInt8])
      case sent([UInt8])
      /// And what came instead of a good reply.
      case failed(RequestFailure, [UInt8])
      case late([UInt8])
      case mark(String)
      case missed(UInt64)
    }

    /// On a clock that stands at zero where the recording begins.
    public var at: Interval
    public var what: What
  }

  public static let bytesMax = 64 << 20

  public var bus: String
  /// Its devices, each with its profile's id.
  public var devices: [(name: String, profile: String)] = []
  /// The wall clock where it begins, ns since 1970 UTC, and how far east of it the site's clock was, s.
  public var wall: Int64
  public var utcOffset: Int32
  public var entries: [Entry] = []

  /// Reads a recording's text; `file` is for messages. Parts that follow each other are one recording.
  public static func parse(_ text: String, file: String) throws(RecordingMistake) -> BusRecording {
    var reader = RecordingReader(file: file)
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) { try reader.take(line) }
    return try reader.finish(isCut: !text.hasSuffix("\n"))
  }
}

/// Line after line.
private struct RecordingReader {
  let file: String
  var number = 0
  var recording: BusRecording?
  var bus: String?
  var devices: [(name: String, profile: String)] = []
  /// Where this part begins, on the recording's clock; `nil` while its head is read.
  var partAt: Interval?
  var isInHead = false
  var last = Interval.zero
  /// What was wrong with the line before. A line that was cut by the end of a file, or of the power, is no mistake.
  var doubt: RecordingMistake?

  init(file: String) { self.file = file }

  func mistake(_ message: String) -> RecordingMistake { RecordingMistake(file: file, line: number, message: message) }

  mutating func take(_ line: Substring) throws(RecordingMistake) {
    number += 1
    let words = line.split(separator: " ")
    guard let first = words.first else { return }
    if let doubt, first != "gatehouse" { throw doubt }
    doubt = nil
    if first == "gatehouse" {
      guard words.count == 3, words[1] == "recording", words[2] == "1" else {
        throw mistake("found \"\(shown(line))\", expected \"gatehouse recording 1\"")
      }
      (isInHead, partAt, devices) = (true, nil, [])
      return
    }
    guard isInHead || partAt != nil else { throw mistake("found \"\(shown(line))\", expected \"gatehouse recording 1\" first") }
    if isInHead {
      try takeHead(words, line)
    } else {
      do throws(RecordingMistake) { try takeEntry(words, line) } catch { doubt = error }
    }
  }

  private mutating func takeHead(_ words: [Substring], _ line: Substring) throws(RecordingMistake) {
    switch (words[0], words.count) {
    case ("bus", 2):
      if let bus, bus != words[1] { throw mistake("found bus \(shown(words[1])), expected \(bus) as above: one recording is of one bus") }
      bus = String(words[1])
    case ("device", 3): devices.append((String(words[1]), String(words[2])))
    case ("began", 2):
      guard let bus else { throw mistake("found began, expected the bus before it") }
      guard let (wall, offset) = readTime(words[1]) else {
        throw mistake("found \"\(shown(words[1]))\", expected a time such as 2026-11-26T18:00:00.000000000+08:00")
      }
      let start = recording ?? BusRecording(bus: bus, wall: wall, utcOffset: offset)
      recording = start
      recording?.devices = devices
      // A clock that was set back between two parts makes them follow at once; one that was set forward, or a long rest, an
      // hour later.
      let at = min(max(Interval(ns: wall &- start.wall), last), last + .minutes(60))
      (isInHead, partAt) = (false, at)
    default: throw mistake("found \"\(shown(line))\", expected bus, device or began")
    }
  }

  private mutating func takeEntry(_ words: [Substring], _ line: Substring) throws(RecordingMistake) {
    guard let part = partAt else { return }
    if words[0] == "open", words.count == 2 {
      guard let generation = UInt32(words[1]) else { throw mistake("found \"\(shown(line))\", expected open and a number") }
      add(.opened(generation), at: part)
      return
    }
    guard let at = readSeconds(words[0]), words.count >= 3 else {
      throw mistake("found \"\(shown(line))\", expected seconds, what happened, and what about it")
    }
    add(try what(words, line), at: part + at)
  }

  private mutating func add(_ what: BusRecording.Entry.What, at: Interval) {
    // Two parts say of one opening that it is open.
    if case .opened(let generation) = what, recording?.openGeneration == generation { return }
    last = max(last, at)
    recording?.entries.append(BusRecording.Entry(at: last, what: what))
  }

  private func what(_ words: [Substring], _ line: Substring) throws(RecordingMistake) -> BusRecording.Entry.What {
    switch words[1] {
    case "in": return .received(try bytes(words.dropFirst(2)))
    case "out": return .sent(try bytes(words.dropFirst(2)))
    case "late": return .late(try bytes(words.dropFirst(2)))
    case "opened": if let number = UInt32(words[2]) { return .opened(number) }
    case "missed": if let number = UInt64(words[2]) { return .missed(number) }
    case "mark": return .mark(String(words[2]))
    case "failed":
      if let failure = RequestFailure.allCases.first(where: { $0.name == words[2] }) {
        return .failed(failure, try bytes(words.dropFirst(3)))
      }
    case "lost":
      if words.count == 4, let failure = PortFailure.allCases.first(where: { $0.name == words[2] }), let code = Int32(words[3]) {
        return .lost(failure, code)
      }
    default: throw mistake("found \"\(shown(words[1]))\", expected in, out, opened, lost, failed, late, mark or missed")
    }
    throw mistake("found \"\(shown(line))\", which is not said so")
  }

  private func bytes(_ words: ArraySlice<Substring>) throws(RecordingMistake) -> [UInt8] {
    var bytes: [UInt8] = []
    for word in words {
      guard word.utf8.count == 2, let byte = UInt8(word, radix: 16) else {
        throw mistake("found \"\(shown(word))\", expected bytes as two hexadecimal digits each")
      }
      bytes.append(byte)
    }
    guard bytes.count <= 65_536 else { throw mistake("found \(bytes.count) bytes in one message, expected at most 65536") }
    return bytes
  }

  func finish(isCut: Bool) throws(RecordingMistake) -> BusRecording {
    if let doubt, !isCut { throw doubt }
    guard let recording else { throw mistake("found the end, expected a recording: its head, then what happened") }
    return recording
  }
}

extension BusRecording {
  /// The opening that the entries so far end in.
  fileprivate var openGeneration: UInt32? {
    for entry in entries.reversed() {
      switch entry.what {
      case .opened(let generation): return generation
      case .lost: return nil
      default: continue
      }
    }
    return nil
  }
}

/// At most 40 characters, printable.
private func shown(_ text: Substring) -> String {
  String(String.UnicodeScalarView(text.unicodeScalars.prefix(40).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
}

/// `12.072311`.
private func readSeconds(_ text: Substring) -> Interval? {
  let parts = text.split(separator: ".", omittingEmptySubsequences: false)
  guard parts.count == 2, parts[1].utf8.count == 6, let whole = Int64(parts[0]), let micros = Int64(parts[1]), whole >= 0, micros >= 0,
    whole <= 10_000_000
  else { return nil }
  return Interval(ns: whole * 1_000_000_000 + micros * 1_000)
}

/// `2026-11-26T18:00:00.123456789+08:00`: ns since 1970 UTC, and the offset in s.
private func readTime(_ text: Substring) -> (Int64, Int32)? {
  let bytes = Array(text.utf8)
  guard bytes.count == 35 else { return nil }
  func number(_ range: Range<Int>) -> Int? {
    var value = 0
    for byte in bytes[range] {
      guard byte >= 0x30, byte <= 0x39 else { return nil }
      value = 10 * value + Int(byte - 0x30)
    }
    return value
  }
  guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
    let minute = number(14..<16), let second = number(17..<19), let nanos = number(20..<29), let east = number(30..<32),
    let eastMinutes = number(33..<35), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61,
    bytes[29] == 0x2B || bytes[29] == 0x2D
  else { return nil }
  var parts = tm()
  parts.tm_year = Int32(year - 1900)
  parts.tm_mon = Int32(month - 1)
  parts.tm_mday = Int32(day)
  parts.tm_hour = Int32(hour)
  parts.tm_min = Int32(minute)
  parts.tm_sec = Int32(second)
  let offset = (east * 3_600 + eastMinutes * 60) * (bytes[29] == 0x2D ? -1 : 1)
  let seconds = unsafe timegm(&parts) - offset
  // Years of four digits fit.
  return (Int64(seconds) &* 1_000_000_000 &+ Int64(nanos), Int32(offset))
}
