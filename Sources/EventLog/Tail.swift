// What has happened and is not on the disk yet: bounded queues between the thread that takes events in and the thread
// that commits them. A disk that hangs holds the second thread only.
//
// Records and the rest have a queue each, so telemetry never takes a record's place. What finds no room is counted.
// The newest snapshot stands beside them, behind the events it contains:
//
//     records   17 18 20 21 24 25 …          a group is cut here ┐
//     others    19 22 23 …                   records 17 18 20 21 │ snapshot   with 24, 25 still to come
//     snapshot  contains everything up to 23 ────────────────────┘
//
// A group never parts a snapshot from its events: it holds all records the snapshot contains, however many those are,
// so that state and log agree after a crash at any moment. And a record that changed the state waits for the snapshot
// that contains it, a tenth of a second at most: that is what a real-time thread needs that was pushed aside between
// its turn and its copy.

public import Domain
import Synchronization

/// Bounds of the tail, in events.
public struct TailLimits: Sendable {
  public var records = 65_536
  /// Telemetry and aggregates together.
  public var others = 8_192

  public init() {}
}

/// What did not fit since it was last asked.
public struct TailLosses: Sendable, Equatable {
  public var records: UInt64 = 0
  public var telemetry: UInt64 = 0

  public init() {}
}

/// An event in the tail and since when it waits.
struct Waiting: Sendable {
  var event: FormattedEvent
  var since: Instant
}

/// A snapshot in the tail.
struct WaitingSnapshot: Sendable {
  var bytes: [UInt8]
  /// The counter of the last event it contains.
  var lastEvent: UInt64
  /// Tells it from one that came while it was written.
  var number: UInt64
}

/// What is written in one transaction.
struct Group: Sendable {
  var events: [FormattedEvent] = []
  var snapshot: WaitingSnapshot?
  /// Something waits for its snapshot, until then at most.
  var heldUntil: Instant?

  var isEmpty: Bool { events.isEmpty && snapshot == nil }
}

/// Events that wait for the disk. Any thread may call; the lock is held for a copy only.
public final class Tail: Sendable {
  private struct Queues: Sendable {
    var records = Queue<Waiting>()
    var others = Queue<Waiting>()
    var snapshot: WaitingSnapshot?
    var snapshots: UInt64 = 0
    /// The last event that a committed snapshot contains.
    var covered: UInt64 = 0
    /// How many records at the front somebody was told of as not durable.
    var told = 0
    var losses = TailLosses()
    var lastCommit = Instant.past
  }

  private let queues = Mutex(Queues())
  private let limits: TailLimits

  public init(limits: TailLimits = TailLimits()) { self.limits = limits }

  /// `false`: no room, counted.
  @discardableResult
  public func add(_ event: FormattedEvent, at now: Instant) -> Bool {
    queues.withLock { queues in
      let waiting = Waiting(event: event, since: now)
      if case .records = event.stream {
        guard queues.records.count < limits.records else {
          queues.losses.records += 1
          return false
        }
        queues.records.append(waiting)
      } else {
        guard queues.others.count < limits.others else {
          queues.losses.telemetry += 1
          return false
        }
        queues.others.append(waiting)
      }
      return true
    }
  }

  /// A newer snapshot takes the place of one that still waits. All events it contains have been added before.
  func add(snapshot bytes: [UInt8], lastEvent: UInt64) {
    queues.withLock { queues in
      queues.snapshots += 1
      queues.snapshot = WaitingSnapshot(bytes: bytes, lastEvent: lastEvent, number: queues.snapshots)
    }
  }

  /// The oldest events, records first, with the snapshot; they stay until `remove`.
  func group(atMost: Int, at now: Instant, snapshotWait: Interval) -> Group {
    queues.withLock { queues in
      let contained = queues.snapshot?.lastEvent ?? 0
      let covered = max(contained, queues.covered)
      var group = Group(snapshot: queues.snapshot)
      var count = 0
      while let waiting = queues.records[count], count < atMost || waiting.event.counter <= contained {
        if waiting.event.changesState, waiting.event.counter > covered, now - waiting.since < snapshotWait {
          group.heldUntil = waiting.since + snapshotWait
          break
        }
        count += 1
      }
      group.events = (queues.records.prefix(count) + queues.others.prefix(atMost - count)).map(\.event)
      return group
    }
  }

  /// What `group` gave has been committed.
  func remove(_ group: Group, at now: Instant) {
    queues.withLock { queues in
      let records = group.events.count { if case .records = $0.stream { true } else { false } }
      queues.records.removeFirst(records)
      queues.others.removeFirst(group.events.count - records)
      queues.told = max(0, queues.told - records)
      if let snapshot = group.snapshot {
        queues.covered = max(queues.covered, snapshot.lastEvent)
        if queues.snapshot?.number == snapshot.number { queues.snapshot = nil }
      }
      queues.lastCommit = now
    }
  }

  public var count: Int { queues.withLock { $0.records.count + $0.others.count } }

  /// Since when the oldest event waits, or the last commit if that is later; `nil`: nothing waits.
  public var waitingSince: Instant? {
    queues.withLock { queues in
      let oldest = [queues.records.first?.since, queues.others.first?.since].compactMap(\.self).min()
      return oldest.map { max($0, queues.lastCommit) }
    }
  }

  /// Records that have waited this long and nobody was told of: they go out as not durable, once.
  public func takeUntold(at now: Instant, after patience: Interval) -> [FormattedEvent] {
    queues.withLock { queues in
      var untold: [FormattedEvent] = []
      while let waiting = queues.records[queues.told], now - waiting.since >= patience {
        untold.append(waiting.event)
        queues.told += 1
      }
      return untold
    }
  }

  /// What was lost since the last call.
  public func takeLosses() -> TailLosses {
    queues.withLock { queues in
      defer { queues.losses = TailLosses() }
      return queues.losses
    }
  }
}
