// A log in a folder of its own, written by the same steps as in the door, with time in the test's hand.

import Domain
import Foundation
import GRDB
import Rings
import Testing

@testable import EventLog

/// SplitMix64: small, seeded, and the same everywhere.
struct Seeded: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

let names = {
  var names = Names(
    site: "school-3", lanes: ["north-door"], rooms: ["room-12"], devices: ["thermometer", "co2", "relays"], ports: ["bus"],
    fields: [["object", "ambient"], ["co2"], ["inputs"]], writes: [[], ["stop", "interval"], []])
  names.head = "Li Na"
  names.roles = [RoleHolder(role: "doctor", name: "Wang Fang")]
  return names
}()

let layout: UInt64 = 7

/// Something that changes no state, so that it never waits for a snapshot.
let plain = EventBody.portOpened
/// Something that does.
let raised = EventBody.alarmRaised(
  AlarmFact(kind: .suspectedFever, priority: .medium, state: .unacknowledged, occurrence: 1, value: .nan))
let measured = EventBody.reading(
  Reading(
    device: DeviceID(1), field: 0, use: .co2, unit: .ppm, quality: .good, at: Instant(ns: 0), decoded: 612))
let passed = EventBody.screeningPassed(
  ScreeningFact(ticket: 3, attempt: 1, reason: .normal, next: .passed, policy: 1))
let warm = Personal(surface: 34.4, ambient: 22.5, estimate: 36.7)

/// A new folder, gone with the test.
final class TestFolder {
  let path: String

  init() {
    _ = FaultyDisk.isInstalled
    path = FileManager.default.temporaryDirectory.appending(path: "gatehouse-log-\(UUID().uuidString)").path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// One run of the door, as far as the log sees it. A second one in the same folder is the next run.
final class LogUnderTest {
  private let home: TestFolder
  let folder: String
  let tail: Tail
  var plan: LogPlan
  private(set) var commit: Commit
  private(set) var formatter: EventLog.Formatter
  private var random: Seeded
  private(set) var counter: UInt64 = 0
  var now = Instant(ns: 1_000_000_000)
  var day = "20261123"
  /// What was called durable, by stream.
  private(set) var durable: [Domain.Stream: [Int64: String]] = [:]
  private(set) var failures: [String] = []
  /// The ids of all that was added.
  private(set) var added: [String] = []

  init(_ folder: TestFolder, seed: UInt64 = 1, limits: TailLimits = TailLimits(), change: (inout LogPlan) -> Void = { _ in }) {
    home = folder
    self.folder = folder.path
    random = Seeded(seed)
    formatter = EventLog.Formatter(names: names, random: &random)
    tail = Tail(limits: limits)
    plan = LogPlan(folder: folder.path, snapshotLayout: layout)
    change(&plan)
    commit = Commit(plan, tail: tail)
  }

  @discardableResult
  func add(_ body: EventBody, personal: Personal = .none) -> FormattedEvent {
    counter += 1
    let at = Now(boot: now, wall: 1_795_392_912_000_000_000 + now.ns, utcOffset: 28_800)
    let event = formatter.format(
      Event(counter: counter, at: at, source: .lane(LaneID(0)), body: body, personal: personal), random: &random)
    if tail.add(event, at: now) { added.append(event.id) }
    return event
  }

  /// The state behind the newest event, or another.
  func addSnapshot(_ state: [UInt8], through last: UInt64? = nil, layout: UInt64 = layout) {
    let bytes = snapshotBytes(state, through: last ?? counter, layout: layout)
    tail.add(snapshot: bytes, lastEvent: last ?? counter)
  }

  /// Commits one group; time goes on by `after` before it.
  @discardableResult
  func step(after: Interval = .seconds(1)) -> CommitProgress {
    now = now + after
    let progress = commit.step(today: day, at: now, clock: { now })
    switch progress {
    case .committed(let events): for event in events { durable[event.stream, default: [:]][event.seq] = event.id }
    case .failed(let reason, _): failures.append(reason)
    case .idle, .held: break
    }
    return progress
  }

  /// Steps until nothing waits.
  func drain(steps: Int = 50) {
    for _ in 0..<steps where tail.count > 0 { step() }
    #expect(tail.count == 0, "it was not written: \(failures.last ?? "no reason")")
  }

  var reader: LogReader { get throws { try LogReader(folder: folder) } }

  func all(_ stream: Domain.Stream = .records) throws -> [LoggedEvent] {
    var events: [LoggedEvent] = []
    let reader = try reader
    while true {
      let more = try reader.read(stream, after: events.last?.seq ?? 0, limit: 500)
      if more.isEmpty { return events }
      events += more
    }
  }

  func segments() throws -> [LogFile] { try LogFolder(path: folder).segments() }

  /// Every stream verifies, nothing that was called durable is missing or somewhere else, no id is there twice.
  func check(_ context: String = "") throws {
    var ids: [String] = []
    for stream in Domain.Stream.allCases {
      let found = try reader.verify(stream)
      #expect(found.faults == [], "\(context)")
      let events = try all(stream)
      #expect(events.map(\.seq) == Array(1..<Int64(events.count + 1)), "\(context): a gap in \(stream.name)")
      #expect(found.count == events.count, "\(context)")
      let bySeq = Dictionary(uniqueKeysWithValues: try events.map { ($0.seq, try id(of: $0.json)) })
      for (seq, id) in durable[stream] ?? [:] { #expect(bySeq[seq] == id, "\(context): \(stream.name) \(seq)") }
      ids += bySeq.values
    }
    let twice = Dictionary(grouping: ids, by: \.self).filter { $0.value.count > 1 }.keys.sorted()
    #expect(twice == [], "\(context): ids twice")
  }
}

func snapshotBytes(_ state: [UInt8], through last: UInt64, layout: UInt64 = layout) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: Snapshot.headSize + state.count)
  unsafe bytes.withUnsafeMutableBytes { buffer in
    unsafe state.withUnsafeBytes { state in
      unsafe Snapshot.write(layout: layout, lastEvent: last, boot: Instant(ns: 5), wall: 6, state: state, to: buffer)
    }
  }
  return bytes
}

func id(of json: Data) throws -> String {
  struct Identified: Decodable { var id: String }
  return try JSONDecoder().decode(Identified.self, from: json).id
}

/// Changes a segment behind the door's back.
func tamper(_ path: String, _ sql: String) throws {
  let queue = try DatabaseQueue(path: path)
  try queue.write { try $0.execute(sql: sql) }
  _ = try queue.writeWithoutTransaction { try Row.fetchOne($0, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
  try queue.close()
}
