// What has happened and is not on the disk yet: bounded queues between the thread that takes events in and the thread
// that commits them. A disk that hangs holds the second thread only.
//
// Records and the rest have a queue each, so telemetry never takes a record's place. What finds no room is counted.

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
  /// Somebody was told of it as not durable.
  var wasTold = false
}

/// Events that wait for the disk. Any thread may call; the lock is held for a copy only.
public final class Tail: Sendable {
  private struct Queues: Sendable {
    var records: [Waiting] = []
    var others: [Waiting] = []
    var losses = TailLosses()
    /// How many at the front the commit thread has in hand.
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

  /// The oldest events, records first; they stay until `remove`.
  func group(atMost: Int) -> [FormattedEvent] {
    queues.withLock { queues in
      let records = queues.records.prefix(atMost).map(\.event)
      return records + queues.others.prefix(atMost - records.count).map(\.event)
    }
  }

  /// What `group` gave has been committed.
  func remove(_ group: [FormattedEvent], at now: Instant) {
    queues.withLock { queues in
      let records = group.count { if case .records = $0.stream { true } else { false } }
      queues.records.removeFirst(records)
      queues.others.removeFirst(group.count - records)
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
      for index in queues.records.indices {
        guard now - queues.records[index].since >= patience else { break }
        if queues.records[index].wasTold { continue }
        queues.records[index].wasTold = true
        untold.append(queues.records[index].event)
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
