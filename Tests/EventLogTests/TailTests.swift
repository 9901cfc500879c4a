// The tail: bounded, in order, records apart from the rest, every loss counted; and what stalls is told once. Then how a
// snapshot and its events are cut into groups, against a plain model with random steps.

import Domain
import Foundation
import Rings
import Testing

@testable import EventLog

private func event(_ counter: UInt64, _ stream: Domain.Stream = .records, changesState: Bool = false) -> FormattedEvent {
  FormattedEvent(
    id: "\(counter)", stream: stream, type: "t", wall: 0, counter: counter, changesState: changesState, body: [], personal: [])
}

private let wait = Interval.milliseconds(100)
private let begin = Instant(ns: 0)

extension Tail {
  fileprivate func ids(atMost: Int = 512, at now: Instant = begin) -> [String] {
    group(atMost: atMost, at: now, snapshotWait: wait).events.map(\.id)
  }
}

@Suite struct TailTests {
  @Test func recordsAndTheRestHaveRoomOfTheirOwn() {
    let tail = Tail()
    for counter in 1...70_000 as ClosedRange<UInt64> {
      tail.add(event(counter, .telemetry), at: begin)
      tail.add(event(counter + 100_000, .records), at: begin)
    }
    #expect(tail.count == 65_536 + 8_192)
    var losses = TailLosses()
    losses.records = 70_000 - 65_536
    losses.telemetry = 70_000 - 8_192
    #expect(tail.takeLosses() == losses)
    #expect(tail.takeLosses() == TailLosses())
    #expect(!tail.add(event(1, .aggregates), at: begin), "aggregates share the room of telemetry")
  }

  @Test func aGroupStaysUntilItIsRemoved() {
    let tail = Tail()
    for counter in 1...5 as ClosedRange<UInt64> { tail.add(event(counter, counter == 2 ? .telemetry : .records), at: begin) }
    #expect(tail.ids(atMost: 3) == ["1", "3", "4"])
    #expect(tail.ids(atMost: 3) == ["1", "3", "4"])
    let group = tail.group(atMost: 4, at: begin, snapshotWait: wait)
    #expect(group.events.map(\.id) == ["1", "3", "4", "5"])
    tail.add(event(6), at: begin)
    tail.remove(group, at: begin)
    #expect(tail.ids() == ["6", "2"])
  }

  @Test func aRecordThatChangedTheStateWaitsForItsSnapshot() {
    let tail = Tail()
    tail.add(event(1), at: begin)
    tail.add(event(2, changesState: true), at: begin)
    tail.add(event(3), at: begin)
    tail.add(event(4, .telemetry), at: begin)
    let group = tail.group(atMost: 512, at: begin, snapshotWait: wait)
    #expect(group.events.map(\.id) == ["1", "4"], "telemetry and what came before do not wait")
    #expect(group.heldUntil == begin + wait)
    tail.add(snapshot: [9], lastEvent: 2)
    let whole = tail.group(atMost: 512, at: begin, snapshotWait: wait)
    #expect(whole.events.map(\.id) == ["1", "2", "3", "4"])
    #expect(whole.snapshot?.bytes == [9])
    tail.remove(whole, at: begin)
    #expect(tail.group(atMost: 512, at: begin, snapshotWait: wait).isEmpty)
  }

  @Test func itDoesNotWaitForEver() {
    let tail = Tail()
    tail.add(event(1, changesState: true), at: begin)
    #expect(tail.ids(at: begin + .milliseconds(99)) == [])
    #expect(tail.ids(at: begin + .milliseconds(100)) == ["1"])
    // The snapshot that comes late is written by itself.
    tail.remove(tail.group(atMost: 9, at: begin + wait, snapshotWait: wait), at: begin)
    tail.add(snapshot: [9], lastEvent: 1)
    #expect(tail.group(atMost: 9, at: begin, snapshotWait: wait).snapshot != nil)
  }

  @Test func aSnapshotIsNotPartedFromItsEventsHoweverManyTheyAre() {
    let tail = Tail()
    for counter in 1...3_000 as ClosedRange<UInt64> { tail.add(event(counter, changesState: true), at: begin) }
    tail.add(snapshot: [9], lastEvent: 2_900)
    let group = tail.group(atMost: 512, at: begin + .seconds(9), snapshotWait: wait)
    #expect(group.events.count == 2_900)
    #expect(group.snapshot != nil)
  }

  @Test func anEventThatWasLostDoesNotHoldItsSnapshot() {
    // 3 is telemetry that found no room, 4 a record that was lost: the snapshot goes with what is there.
    let tail = Tail()
    tail.add(event(2, changesState: true), at: begin)
    tail.add(snapshot: [9], lastEvent: 4)
    tail.add(event(5), at: begin)
    let group = tail.group(atMost: 1, at: begin, snapshotWait: wait)
    #expect(group.events.map(\.id) == ["2"])
    #expect(group.snapshot != nil)
  }

  @Test func aNewerSnapshotIsNotRemovedWithTheOneBefore() {
    let tail = Tail()
    tail.add(snapshot: [1], lastEvent: 0)
    let group = tail.group(atMost: 1, at: begin, snapshotWait: wait)
    tail.add(snapshot: [2], lastEvent: 0)
    tail.remove(group, at: begin)
    #expect(tail.group(atMost: 1, at: begin, snapshotWait: wait).snapshot?.bytes == [2])
  }

  /// After every commit the newest snapshot contains no event that is not written, and, while snapshots come in time,
  /// every written record that changed the state.
  @Test(arguments: [5, 77, 20_261_123] as [UInt64])
  func stateAndEventsNeverDisagree(seed: UInt64) {
    var random = Seeded(seed)
    let tail = Tail()
    var now = begin
    var counter: UInt64 = 0
    var changed: Set<UInt64> = []
    var written: Set<UInt64> = []
    var covered: UInt64 = 0
    for _ in 0..<5_000 {
      now = now + .milliseconds(Int64.random(in: 0...3, using: &random))
      switch Int.random(in: 0..<4, using: &random) {
      case 0, 1:
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          counter += 1
          let stream: Domain.Stream = Bool.random(using: &random) ? .records : .telemetry
          let isChange = stream == .records && Bool.random(using: &random)
          if isChange { changed.insert(counter) }
          // One in ten is lost on the way.
          if Int.random(in: 0..<10, using: &random) > 0 { tail.add(event(counter, stream, changesState: isChange), at: now) } else { changed.remove(counter) }
        }
      case 2: tail.add(snapshot: [], lastEvent: counter)
      default:
        let group = tail.group(atMost: 5, at: now, snapshotWait: .seconds(1_000_000))
        if Int.random(in: 0..<5, using: &random) == 0 { break }  // The commit failed.
        tail.remove(group, at: now)
        for event in group.events where event.stream == .records {
          #expect(written.insert(event.counter).inserted, "seed \(seed)")
        }
        covered = max(covered, group.snapshot?.lastEvent ?? 0)
        #expect(changed.filter { $0 <= covered }.isSubset(of: written), "seed \(seed): the state knows what the log does not")
        #expect(written.intersection(changed).allSatisfy { $0 <= covered }, "seed \(seed): the log knows what the state does not")
      }
    }
    #expect(written.count > 500 && covered > 0)
  }

  @Test func whatStallsIsToldOnce() throws {
    let ring = SharedRing<Event>(capacity: 16)
    let tail = Tail()
    var random = Seeded(1)
    let formatter = EventLog.Formatter(names: names, random: &random)
    let intake = Intake(events: ring, snapshots: Exchange(buffers: 1, size: 64), tail: tail, formatter: formatter, random: random)
    func push(_ counter: UInt64, _ body: EventBody) {
      let at = Now(boot: begin, wall: 0)
      _ = ring.push(Event(counter: counter, at: at, source: .site, body: body, personal: counter == 1 ? warm : .none))
    }
    push(1, passed)
    push(2, measured)
    #expect(intake.step(at: begin).taken == 2)
    #expect(!intake.step(at: begin + .milliseconds(999)).isStalled)
    push(3, raised)
    var report = intake.step(at: begin + .milliseconds(1_000))
    #expect(report.isStalled)
    #expect(report.notDurable.count == 1, "the verdict has waited a second, the alarm has not, telemetry is not told")
    let told = try Value.read(try #require(report.notDurable.first).json)
    #expect(told["durable"] == .bool(false))
    #expect(told["seq"] == nil)
    #expect(told["data"]?["estimate_c"] == .number(36.7))
    #expect(intake.step(at: begin + .milliseconds(1_999)).notDurable.isEmpty)
    report = intake.step(at: begin + .milliseconds(2_000))
    #expect(report.notDurable.map(\.id) == [formatter.startID + "-3"])
    #expect(intake.step(at: begin + .seconds(60)).notDurable.isEmpty)
    // The disk is back: no longer stalled, and the next second begins anew.
    tail.remove(tail.group(atMost: 2, at: begin + .seconds(60), snapshotWait: wait), at: begin + .seconds(60))
    report = intake.step(at: begin + .seconds(60) + .milliseconds(999))
    #expect(!report.isStalled && tail.count == 1)
    #expect(intake.step(at: begin + .seconds(61)).isStalled)
  }

  @Test func aSnapshotComesBehindItsEvents() {
    let ring = SharedRing<Event>(capacity: 16)
    let tail = Tail()
    var random = Seeded(1)
    let snapshots = Exchange(buffers: 3, size: Snapshot.headSize + 2)
    let intake = Intake(
      events: ring, snapshots: snapshots, tail: tail, formatter: EventLog.Formatter(names: names, random: &random), random: random)
    for last in 1...3 as ClosedRange<UInt64> {
      _ = ring.push(
        Event(counter: last, at: Now(boot: begin, wall: 0), source: .site, body: raised, personal: .none))
      #expect(unsafe snapshots.hand { buffer in unsafe buffer.copyBytes(from: snapshotBytes([1, 2], through: last)) })
    }
    #expect(!snapshots.hasRoom)
    let report = intake.step(at: begin)
    #expect(report.taken == 3 && report.tookSnapshot)
    #expect(snapshots.hasRoom, "intake empties the buffers, whatever the disk does")
    let group = tail.group(atMost: 512, at: begin, snapshotWait: wait)
    #expect(group.events.count == 3 && group.snapshot?.lastEvent == 3)
    #expect(!intake.step(at: begin).tookSnapshot)
  }

  /// A full tail behind a disk that comes back: one group after the other must not move all that is behind it.
  @Test func aLongQueueIsTakenAwayInLittleWork() {
    var queue = Queue<Int>()
    for number in 0..<65_536 { queue.append(number) }
    var expected = 0
    let began = ContinuousClock.now
    while queue.count > 0 {
      #expect(queue.first == expected)
      expected += min(64, queue.count)
      queue.removeFirst(64)
      queue.append(-1)
      if queue.first == -1 { break }
    }
    // An array's removeFirst takes minutes of this in a debug build; the bound is no measurement.
    #expect(ContinuousClock.now - began < .seconds(10))
  }

  @Test(arguments: [9, 20_261_123] as [UInt64])
  func aQueueBehavesAsAnArray(seed: UInt64) {
    var random = Seeded(seed)
    var queue = Queue<UInt64>()
    var model: [UInt64] = []
    for _ in 0..<20_000 {
      if Int.random(in: 0..<3, using: &random) < 2 {
        let number = random.next()
        queue.append(number)
        model.append(number)
      } else {
        let length = Int.random(in: 0...9, using: &random)
        #expect(queue.prefix(length) == Array(model.prefix(length)))
        queue.removeFirst(length)
        model.removeFirst(min(length, model.count))
      }
      #expect(queue.count == model.count && queue.first == model.first)
      #expect(queue[model.count] == nil && queue[model.count - 1] == model.last)
    }
  }
}
