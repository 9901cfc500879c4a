// Goal: the last minutes of each bus are on the disk, bounded, readable again, without personal bytes, and kept around a
// fault. Method: the tap on one side, the files on the other, and a clock in the test's hand; what is written is read with
// the same parser that a replay uses, and looked at as text.

import Domain
import Foundation
import Testing

@testable import Recorder

private final class Bench {
  let folder = FileManager.default.temporaryDirectory.appending(path: "gatehouse-recorder-\(UUID().uuidString)").path
  let recorder: Recorder
  var tap: RecorderTap
  /// Seconds since the test began.
  var time = 0.0

  init(buses: Int = 1, personal: Bool = false, minutes: Int64 = 10, bytes: Int = 1 << 20, frozen: Int = 1 << 30, keepHours: Int64 = 24) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let plan = RecorderPlan(
      folder: folder,
      buses: (0..<buses).map { RecorderPlan.Bus(name: "bus-\($0)", devices: [("d\($0)", "p")], isPersonal: personal) },
      ports: { place in if case .device(let device) = place { [PortID(Int(device.index))] } else { [] } },
      span: .minutes(minutes), bytesPerBus: bytes, bytesFrozen: frozen, keep: .minutes(60 * keepHours))
    let made = Recorder(plan, clock: { Now(boot: .past, wall: 0) }, say: { _, _ in })
    recorder = try #require(made)
    tap = recorder.tap()
    recorder.begin()
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  var now: Now {
    Now(boot: Instant(ns: 5_000_000_000_000 + Int64(time * 1e9)), wall: 1_795_700_000_000_000_000 + Int64(time * 1e9), utcOffset: 28_800)
  }

  func hear(_ bytes: [UInt8], _ port: Int = 0) { tap.received(bytes.span, from: PortID(port), Generation(1), at: now.boot) }
  func fail(_ bytes: [UInt8], _ failure: RequestFailure) { tap.failed(bytes.span, PortID(0), Generation(1), failure, at: now.boot) }
  func send(_ bytes: [UInt8], _ port: Int = 0) { tap.sent(bytes.span, to: PortID(port), Generation(1), at: now.boot) }

  func write() {
    recorder.step(now)
    recorder.flush()
  }

  func text(_ name: String = "bus-0.rec") -> String {
    (try? String(contentsOfFile: "\(folder)/recorder/\(name)", encoding: .utf8)) ?? ""
  }

  func recording(_ name: String = "bus-0.rec") throws -> BusRecording { try BusRecording.parse(text(name), file: name) }

  var frozen: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/recorder/frozen")) ?? []).sorted()
  }

  func raise(_ device: Int = 0) {
    let fact = AlarmFact(kind: .deviceSilent, priority: .medium, state: .unacknowledged, occurrence: 1, value: .nan)
    tap.saw(Event(counter: 1, at: now, source: .device(DeviceID(device)), body: .alarmRaised(fact), personal: .none))
  }
}

@Suite struct RecorderTests {
  @Test func whatHappenedIsReadAgain() throws {
    let bench = try Bench()
    bench.tap.opened(PortID(0), Generation(7), at: bench.now.boot)
    bench.time = 0.25
    bench.send([1, 2])
    bench.time = 0.5
    bench.hear(Array(0..<200))
    bench.fail([1, 4, 2], .badCheck)
    bench.fail([], .timedOut)
    bench.tap.lost(PortID(0), Generation(7), .hungUp, errno: 5, at: bench.now.boot)
    bench.write()
    let recording = try bench.recording()
    #expect(recording.bus == "bus-0" && recording.devices.map(\.profile) == ["p"])
    #expect(recording.wall == 1_795_700_000_000_000_000 && recording.utcOffset == 28_800)
    #expect(recording.entries.map(\.what) == [.opened(7), .sent([1, 2]), .received(Array(0..<200)), .failed(.badCheck, [1, 4, 2]), .failed(.timedOut, []), .lost(.hungUp, 5)])
    #expect(recording.entries.map(\.at.ns) == [0, 250_000_000, 500_000_000, 500_000_000, 500_000_000, 500_000_000])
  }

  /// The two files of a bus hold the last minutes between them, and neither grows beyond its half.
  @Test(arguments: [(minutes: 2, bytes: 1 << 20), (minutes: 1_000, bytes: 20_000)] as [(Int64, Int)])
  func oldBytesMakeRoom(minutes: Int64, bytes: Int) throws {
    let bench = try Bench(minutes: minutes, bytes: bytes)
    for step in 0..<3_000 {
      bench.time = Double(step)
      bench.hear([UInt8(truncatingIfNeeded: step), UInt8(truncatingIfNeeded: step >> 8)])
      bench.write()
    }
    let (before, now) = (try bench.recording("bus-0.before.rec"), try bench.recording())
    let all = (before.entries + now.entries).map(\.what)
    #expect(all.last == .received([0xB7, 0x0B]))
    // Nothing is missing between the two, and no more than both halves is there.
    let steps = all.map { if case .received(let bytes) = $0 { Int(bytes[0]) | Int(bytes[1]) << 8 } else { -1 } }
    #expect(steps == Array(3_000 - steps.count..<3_000))
    #expect(bench.text("bus-0.before.rec").utf8.count <= bytes / 2 + 200 && bench.text().utf8.count <= bytes / 2 + 200)
    if minutes == 2 { #expect((60...120).contains(steps.count)) }
    // Both together are one recording.
    let whole = try BusRecording.parse(bench.text("bus-0.before.rec") + bench.text(), file: "whole")
    #expect(whole.entries.count == all.count && whole.entries.last.map { $0.at.ns } == Int64(steps.count - 1) * 1_000_000_000)
  }

  /// A part that begins while a port is open says so, and read together it was opened once.
  @Test func aPartKnowsThatItsPortIsOpen() throws {
    let bench = try Bench(minutes: 2)
    bench.tap.opened(PortID(0), Generation(3), at: bench.now.boot)
    for step in 1...70 {
      bench.time = Double(step)
      bench.hear([1])
      bench.write()
    }
    #expect(try bench.recording().entries.first?.what == .opened(3))
    let whole = try BusRecording.parse(bench.text("bus-0.before.rec") + bench.text(), file: "whole")
    #expect(whole.entries.filter { $0.what == .opened(3) }.count == 1)
  }

  @Test func codesAreReplacedByAsManyOthers() throws {
    let bench = try Bench(personal: true)
    bench.hear(Array("\u{02}AB 1203-x\r\n".utf8))
    bench.send([0x31])
    bench.write()
    #expect(try bench.recording().entries.map(\.what) == [.received(Array("\u{02}xxx0000xx\r\n".utf8)), .sent([0x31])])
  }

  /// A disk that does not keep up costs pieces, and the recording says how many.
  @Test func whatFoundNoRoomIsSaid() throws {
    let bench = try Bench()
    for step in 0..<5_000 { bench.hear([UInt8(truncatingIfNeeded: step)]) }
    bench.write()
    bench.hear([0xAA])
    bench.write()
    let entries = try bench.recording().entries.map(\.what)
    #expect(entries.count == 4_096 + 2 && entries.suffix(2) == [.missed(904), .received([0xAA])])
  }

  /// A message of several pieces is one line, also when the recorder looks in between; without its end it is not there.
  @Test func aLongMessageIsOneLine() throws {
    let bench = try Bench(bytes: 4 << 20)
    let long = [UInt8](repeating: 7, count: 200)
    // 4 pieces each: of the last one three find room.
    for _ in 0..<1_023 { bench.hear(long) }
    bench.hear([1])
    bench.hear(long)
    bench.write()
    bench.hear([2])
    bench.write()
    let entries = try bench.recording().entries.map(\.what)
    #expect(entries.count == 1_026, "\(entries.suffix(5))")
    #expect(entries.prefix(1_023).allSatisfy { $0 == .received(long) })
    #expect(entries.suffix(3) == [.received([1]), .missed(4), .received([2])])
  }

  /// A line that the power cut in two costs itself; one in the midst is a mistake.
  @Test func aLineThatWasCutIsLeftOut() throws {
    let head = "gatehouse recording 1\nbus b\nbegan 2026-11-26T18:00:00.000000000+08:00\n"
    let cut = head + "0.000000 in 5a\n0.100000 in 5"
    #expect(try BusRecording.parse(cut, file: "f").entries.count == 1)
    #expect(try BusRecording.parse(cut + "\n" + head + "0.000000 in 5b\n", file: "f").entries.count == 2)
    #expect(throws: RecordingMistake.self) { try BusRecording.parse(cut + "\n0.200000 in 5c\n", file: "f") }
    #expect(throws: RecordingMistake.self) { try BusRecording.parse(cut + "\n", file: "f") }
  }

  /// A clock that was set forward by years between two parts makes no years of them.
  @Test func partsAreAnHourApartAtMost() throws {
    let head = "gatehouse recording 1\nbus b\nbegan "
    let recording = try BusRecording.parse(
      head + "2000-01-01T00:00:00.000000000+08:00\n1.000000 in 5a\n" + head + "2026-11-26T18:00:00.000000000+08:00\n0.000000 in 5b\n", file: "f")
    #expect(recording.entries.map { $0.at.ns / 1_000_000_000 } == [1, 3_601])
  }

  @Test func whereNothingIsRecordedNothingWaits() throws {
    let bench = try Bench(minutes: 0)
    for _ in 0..<10 { bench.hear([1]) }
    bench.raise()
    bench.write()
    #expect(bench.text() == "")
  }

  // MARK: Frozen

  @Test func aFaultKeepsWhatLedToItAndWhatFollowed() throws {
    let bench = try Bench(buses: 2)
    bench.hear([1])
    bench.hear([9], 1)
    bench.time = 5
    bench.raise()
    bench.write()
    #expect(bench.frozen.isEmpty)
    bench.time = 14
    bench.hear([2])
    bench.time = 15
    bench.write()
    // Only the bus of that place.
    #expect(bench.frozen.count == 1 && bench.frozen[0].hasPrefix("bus-0-2026"))
    #expect(try bench.recording("frozen/\(bench.frozen[0])").entries.map(\.what) == [.received([1]), .mark("alarm.raised"), .received([2])])
  }

  @Test func faultsThatFollowEachOtherAreInOne() throws {
    let bench = try Bench()
    for second in [0, 3, 9, 30, 50] {
      bench.time = Double(second)
      bench.raise()
      bench.write()
    }
    bench.time = 69
    bench.write()
    #expect(bench.frozen.count == 1)
    // What came too soon after the first is in the next.
    bench.time = 90
    bench.write()
    #expect(bench.frozen.count == 2)
  }

  @Test func onlyTheNewestAreKept() throws {
    let bench = try Bench()
    for round in 0..<20 {
      bench.time = Double(round * 100)
      bench.raise()
      bench.write()
      bench.time += 10
      bench.write()
    }
    #expect(bench.frozen.count == Recorder.frozenMax)
  }

  /// All buses together have so much room; what is older goes, whichever bus it is of.
  @Test func allTogetherHaveABound() throws {
    let bench = try Bench(buses: 3, frozen: 100_000)
    for round in 0..<6 {
      bench.time = Double(round * 100)
      for bus in 0..<3 {
        for _ in 0..<20 { bench.hear([UInt8](repeating: 1, count: 60), bus) }
        bench.raise(bus)
      }
      bench.write()
      bench.time += 10
      bench.write()
      let sizes = try bench.frozen.map { try FileManager.default.attributesOfItem(atPath: "\(bench.folder)/recorder/frozen/\($0)")[.size] as? Int ?? 0 }
      #expect(sizes.reduce(0, +) <= 100_000 && !sizes.isEmpty)
    }
    // The newest of each bus are there, and not all of the older ones.
    #expect(bench.frozen.count >= 3 && bench.frozen.count < 18, "\(bench.frozen)")
  }

  @Test func oldOnesAreForgotten() throws {
    let bench = try Bench(keepHours: 1)
    bench.raise()
    bench.write()
    bench.time = 10
    bench.write()
    #expect(bench.frozen.count == 1)
    // As old as the wall clock makes it: the files themselves are from today.
    let path = "\(bench.folder)/recorder/frozen/\(bench.frozen[0])"
    try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1_795_700_000 - 3_700)], ofItemAtPath: path)
    bench.time = 700
    bench.write()
    #expect(bench.frozen.isEmpty)
  }

  /// Nothing that stands in a file can trap.
  @Test func anyTextIsReadOrRefused() {
    var random = SystemRandomNumberGenerator()
    let valid = [
      "gatehouse recording 1", "bus b", "device d p", "began 2026-11-26T18:00:00.000000000+08:00", "open 3", "0.000000 in 5a 5b",
      "0.100000 out 01", "1.000000 lost hung_up 5", "2.000000 opened 4", "2.500000 failed bad_check 01 04", "3.000000 mark alarm.raised", "4.000000 missed 2",
    ]
    var read = 0
    for _ in 0..<5_000 {
      var lines = valid
      let line = Int.random(in: 0..<lines.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: lines.remove(at: line)
      case 1: lines.insert(lines.randomElement(using: &random) ?? "", at: line)
      case 2: lines[line] = String(lines[line].prefix(Int.random(in: 0...lines[line].count, using: &random)))
      default: lines[line] = lines[line].replacingOccurrences(of: ["0", "1", " ", "5", "-", ":"].randomElement(using: &random) ?? "", with: "99999999")
      }
      if (try? BusRecording.parse(lines.joined(separator: "\n") + "\n", file: "f")) != nil { read += 1 }
    }
    #expect(read > 500 && read < 4_900)
    let words = [
      "gatehouse", "recording", "1", "bus", "b", "device", "began", "2026-11-26T18:00:00.000000000+08:00", "open", "0.000000", "in", "out",
      "5a", "lost", "hung_up", "opened", "99999999999999999999", "-1", "failed", "timed_out", "mark", "missed", "\n", "\n", "\n",
    ]
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 0...30, using: &random)).map { _ in words.randomElement(using: &random) ?? "" }.joined(separator: " ")
      _ = try? BusRecording.parse(text.replacingOccurrences(of: " \n ", with: "\n"), file: "f")
    }
  }
}
