// The thread that takes events from the real-time thread, as a step function: drain the ring, format, add to the tail,
// tell what waits too long. It never touches the disk, so a disk that hangs leaves it alive.
//
// Snapshots come through here too, and are taken before the ring is drained: the real-time thread pushes a turn's events
// before it hands over the state behind them, so what a snapshot contains is in the tail before the snapshot is.

public import Domain
public import Foundation
public import Rings

/// An event that people are told of before it is durable.
public struct NotDurable: Sendable {
  /// The whole CloudEvent with `durable: false`.
  public var json: Data
  public var id: String
  public var answers: AnsweredBy?
}

/// What an intake step saw.
public struct IntakeReport: Sendable {
  public var taken = 0
  /// A snapshot came, with or without events.
  public var tookSnapshot = false
  public var isStalled = false
  public var notDurable: [NotDurable] = []
  public var losses = TailLosses()
}

/// Fills the tail. Used by one thread.
public final class Intake {
  private let events: SharedRing<Event>
  private let snapshots: Exchange
  private let tail: Tail
  private let formatter: Formatter
  private var random: any RandomNumberGenerator
  /// No commit for this long, with work waiting: the log is stalled (one table of times).
  public static var patience: Interval { .seconds(1) }

  public init(
    events: SharedRing<Event>, snapshots: Exchange, tail: Tail, formatter: Formatter, random: any RandomNumberGenerator
  ) {
    self.events = events
    self.snapshots = snapshots
    self.tail = tail
    self.formatter = formatter
    self.random = random
  }

  public func step(at now: Instant) -> IntakeReport {
    var report = IntakeReport()
    let snapshot = newestSnapshot()
    // No more than the ring holds: what comes meanwhile rings the bell again, and a stalled disk is noticed in time.
    while report.taken < events.capacity, let event = events.pop() {
      tail.add(format(event), at: now)
      report.taken += 1
    }
    if let snapshot {
      tail.add(snapshot: snapshot.bytes, lastEvent: snapshot.lastEvent)
      report.tookSnapshot = true
    }
    if let since = tail.waitingSince, now - since >= Self.patience { report.isStalled = true }
    if report.isStalled {
      report.notDurable = tail.takeUntold(at: now, after: Self.patience).map { event in
        NotDurable(
          json: delivered(Data(event.body), seq: nil, personal: event.personal.map { Data($0.content) }), id: event.id,
          answers: event.answers)
      }
    }
    report.losses = tail.takeLosses()
    return report
  }

  private func newestSnapshot() -> (bytes: [UInt8], lastEvent: UInt64)? {
    var newest: (bytes: [UInt8], lastEvent: UInt64)?
    while let bytes = unsafe snapshots.take({ unsafe Array($0) }) {
      if let last = Snapshot.lastEvent(of: bytes) { newest = (bytes, last) }
    }
    return newest
  }

  private func format(_ event: Event) -> FormattedEvent {
    var generator = random
    defer { random = generator }
    return formatter.format(event, random: &generator)
  }
}
