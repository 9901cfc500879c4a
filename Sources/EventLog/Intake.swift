// The thread that takes events from the real-time thread, as a step function: drain the ring, format, add to the tail,
// tell what waits too long. It never touches the disk, so a disk that hangs leaves it alive.

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
  public var isStalled = false
  public var notDurable: [NotDurable] = []
  public var losses = TailLosses()
}

/// Fills the tail. Used by one thread.
public final class Intake {
  private let events: SharedRing<Event>
  private let tail: Tail
  private let formatter: Formatter
  private var random: any RandomNumberGenerator
  /// No commit for this long, with work waiting: the log is stalled (one table of times).
  public static var patience: Interval { .seconds(1) }

  public init(events: SharedRing<Event>, tail: Tail, formatter: Formatter, random: any RandomNumberGenerator) {
    self.events = events
    self.tail = tail
    self.formatter = formatter
    self.random = random
  }

  public func step(at now: Instant) -> IntakeReport {
    var report = IntakeReport()
    while let event = events.pop() {
      tail.add(format(event), at: now)
      report.taken += 1
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

  private func format(_ event: Event) -> FormattedEvent {
    var generator = random
    defer { random = generator }
    return formatter.format(event, random: &generator)
  }
}
