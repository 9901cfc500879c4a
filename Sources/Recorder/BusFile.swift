// One bus's recording on the disk: two text files, the one that grows and the one before it, each of half the time and half
// the room that a bus has. When the one that grows is full it takes the other's place, so the last minutes are always there
// and no more than that.
//
//     gatehouse recording 1
//     bus door-ir
//     device door-thermometer gy-mcu90614
//     began 2026-11-26T18:00:00.123456789+08:00
//     open 3
//     0.000000 in 5a 5a 45 04 0c 6d 0a 8c 9c
//     0.072311 out 01 02 00 00 00 08
//     1.500000 failed bad_check 01 04 02 01
//     2.000000 mark device.down
//     2.000000 lost hung_up 5
//     4.100000 opened 4
//     5.000000 missed 12

import Domain
import EventLog
import Glibc

/// Where one bus's bytes go, and how much of them is kept.
struct BusFile {
  /// Written when this much is waiting, or its oldest line is this old. With a line more it stays below half a kilobyte of memory, of
  /// which each of thousands of buses has one.
  static let flushBytes = 400
  static let flushAfter = Interval.seconds(30)

  let name: String
  /// Lines of the head that never change.
  let head: [String]
  let folder: String
  let half: Interval
  let halfBytes: Int
  private var waiting: [UInt8] = []
  private(set) var oldestWaiting = Instant.never
  private var fileBytes = 0
  private var began = Instant.never
  private var generation: UInt32?

  init(name: String, head: [String], folder: String, half: Interval, halfBytes: Int) {
    self.name = name
    self.head = head
    self.folder = folder
    self.half = half
    self.halfBytes = halfBytes
  }

  var current: String { "\(folder)/\(name).rec" }
  var former: String { "\(folder)/\(name).before.rec" }

  /// Adds one line: what happened, what about it, and the bytes that were said. `wall`: what the wall clock said at `at`.
  mutating func add(_ what: StaticString, _ text: String = "", _ bytes: [UInt8] = [], at now: Instant, wall: Now) throws(RecordingFailure) {
    if began == .never || now - began >= half || fileBytes + waiting.count >= halfBytes { try turnOver(at: now, wall: wall) }
    if waiting.isEmpty { oldestWaiting = now }
    putSeconds(now - began)
    waiting.append(0x20)
    unsafe what.withUTF8Buffer { unsafe waiting.append(contentsOf: $0) }
    if !text.isEmpty {
      waiting.append(0x20)
      waiting += text.utf8
    }
    for byte in bytes { putByte(byte) }
    waiting.append(0x0A)
    if waiting.count >= Self.flushBytes { try flush() }
  }

  var hasBegun: Bool { began < .never }

  mutating func opened(_ generation: Generation) { self.generation = generation.number }
  mutating func lost() { generation = nil }

  mutating func flush() throws(RecordingFailure) {
    guard !waiting.isEmpty else { return }
    defer {
      waiting.removeAll(keepingCapacity: true)
      oldestWaiting = .never
    }
    do throws(RecordingFailure) {
      try append(waiting, to: current)
    } catch {
      // Part of it may be there: the next line begins a new file.
      began = .never
      throw error
    }
    fileBytes += waiting.count
  }

  private mutating func turnOver(at now: Instant, wall: Now) throws(RecordingFailure) {
    try flush()
    // What an earlier run left is the one before.
    if rename(current, former) != 0, errno != ENOENT { throw RecordingFailure(path: current, code: errno) }
    began = now
    fileBytes = 0
    // Behind the file before, whose last line may have been cut, the head begins a line of its own.
    put("")
    put("gatehouse recording 1")
    put("bus \(name)")
    for line in head { put(line) }
    put("began \(timeText(wall: wall.wall - (wall.boot - now).ns, utcOffset: wall.utcOffset))")
    if let generation { put("open \(generation)") }
    oldestWaiting = now
  }

  /// ` 5a`: by hand, since ten thousand frames a second come by here.
  private mutating func putByte(_ byte: UInt8) {
    waiting.append(0x20)
    waiting.append(Self.digit(byte >> 4))
    waiting.append(Self.digit(byte & 15))
  }

  private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

  /// `12.072311`.
  private mutating func putSeconds(_ time: Interval) {
    let micros = UInt64(max(0, time.ns / 1_000))
    var digits: UInt64 = 1_000_000
    while digits <= micros / 10 { digits *= 10 }
    while digits > 0 {
      waiting.append(0x30 + UInt8(micros / digits % 10))
      if digits == 1_000_000 { waiting.append(0x2E) }
      digits /= 10
    }
  }

  private mutating func put(_ line: String) {
    waiting += line.utf8
    waiting.append(0x0A)
  }
}

/// A file of the recorder that cannot be written.
public struct RecordingFailure: Error, CustomStringConvertible {
  var path: String
  var code: Int32
  public var description: String { "\(path): \(unsafe String(cString: strerror(code)))" }
}

/// Appends to a file that only the door's user and group may read.
func append(_ bytes: [UInt8], to path: String) throws(RecordingFailure) {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
  guard descriptor >= 0 else { throw RecordingFailure(path: path, code: errno) }
  defer { close(descriptor) }
  var sent = 0
  while sent < bytes.count {
    let count = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress.map { unsafe $0 + sent }, bytes.count - sent) }
    if count > 0 { sent += count } else if errno != EINTR { throw RecordingFailure(path: path, code: errno) }
  }
}
