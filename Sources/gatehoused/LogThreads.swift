// The two threads of the log, and what they tell others: the real-time thread (stalled, lost) and the sockets' thread
// (durable up to here, not durable yet, answers to commands).

import Control
import Domain
import EventLog
import Foundation
import Rings
import Synchronization

/// What the log has come to, for `status`.
struct LogView: Sendable {
  var records: Int64 = 0
  var telemetry: Int64 = 0
  var aggregates: Int64 = 0
  var isStalled = false
  var lostRecords: UInt64 = 0
  var lostTelemetry: UInt64 = 0
  var failure: String?
}

/// Intake and commit, each on its thread.
final class LogThreads: @unchecked Sendable {
  // `intake` is used by the intake thread only and `commit` by the commit thread only (before they start: by main);
  // everything else is immutable or locks itself.
  private let intake: Intake
  private let commit: Commit
  private let tail: Tail
  private let clock: Clock
  private let events: Bell
  private let inputs: Inputs
  private let work: Bell
  private let resumed: Bell
  private let resume = Mutex<Resume?>(nil)
  /// Losses that the real-time thread was not told yet, because its ring was full. The intake thread's.
  private var untold = TailLosses()
  private let stop = SharedFlag(false)
  private let drained = SharedFlag(false)
  private let view = Mutex(LogView())
  private let server = Mutex<ControlServer?>(nil)
  private let say: @Sendable (String) -> Void

  init(
    intake: Intake, commit: Commit, tail: Tail, clock: Clock, events: Bell, inputs: Inputs, work: Bell, resumed: Bell,
    say: @escaping @Sendable (String) -> Void
  ) {
    self.intake = intake
    self.commit = commit
    self.tail = tail
    self.clock = clock
    self.events = events
    self.inputs = inputs
    self.work = work
    self.resumed = resumed
    self.say = say
  }

  var current: LogView { view.withLock { $0 } }
  var waiting: Int { tail.count }

  /// Whom to tell of what is durable.
  func tell(_ server: ControlServer) { self.server.withLock { $0 = server } }

  // MARK: Intake

  /// Runs until `end`; sleeps until it is rung, or a second while something waits for the disk.
  func runIntake() {
    var wasStalled = false
    while true {
      let ending = stop.isSet
      let report = intake.step(at: Clock.boot())
      if report.taken > 0 || report.tookSnapshot { work.ring() }
      if report.isStalled != wasStalled, inputs.reports.push(.logStalled(report.isStalled)) {
        wasStalled = report.isStalled
        view.withLock { $0.isStalled = report.isStalled }
        inputs.bell.ring()
      }
      tellLosses(report.losses)
      tellNotDurable(report.notDurable)
      if ending { break }
      events.wait(milliseconds: nextLook(wasStalled: wasStalled))
    }
    drained.set(true)
    work.ring()
  }

  /// Nothing waits: sleep until rung. Something waits: look when it will have waited too long.
  private func nextLook(wasStalled: Bool) -> Int32 {
    guard let since = tail.waitingSince else { return wasStalled ? 100 : -1 }
    if wasStalled { return 100 }
    let left = Intake.patience.ns - (Clock.boot() - since).ns
    return Int32(clamping: max(1, left / 1_000_000 + 1))
  }

  private func tellLosses(_ losses: TailLosses) {
    guard losses != TailLosses() || untold != TailLosses() else { return }
    view.withLock {
      $0.lostRecords += losses.records
      $0.lostTelemetry += losses.telemetry
    }
    untold.records += losses.records
    untold.telemetry += losses.telemetry
    if untold.records > 0, inputs.reports.push(.lost(.records, count: untold.records)) { untold.records = 0 }
    if untold.telemetry > 0, inputs.reports.push(.lost(.telemetry, count: untold.telemetry)) { untold.telemetry = 0 }
    inputs.bell.ring()
  }

  private func tellNotDurable(_ events: [NotDurable]) {
    guard !events.isEmpty, let server = server.withLock({ $0 }) else { return }
    let answers = events.compactMap { event in
      event.answers.map { AnsweredCommand(id: $0.command, answer: $0.answer, missing: $0.missing, event: event.id, seq: nil) }
    }
    server.notDurable(events.map(\.json), answers: answers)
  }

  // MARK: Commit

  /// What an earlier run left, once the log is open. `nil`: it could not be opened in time, or not at all.
  func earlier(within milliseconds: Int32) -> Resume? {
    resumed.wait(milliseconds: milliseconds)
    return resume.withLock { $0 }
  }

  /// Runs until `end` and until all that was taken in is committed, or cannot be.
  func runCommit() {
    var failures = 0
    do {
      let found = try commit.resume(today: clock.now().day)
      resume.withLock { $0 = found }
    } catch {
      say("the log can't be opened: \(error)")
    }
    resumed.ring()
    while true {
      switch commit.step(today: clock.now().day, at: Clock.boot(), clock: Clock.boot) {
      case .idle:
        if drained.isSet { return commit.close() }
        work.wait(milliseconds: -1)
      case .held(let wait): work.wait(milliseconds: Int32(clamping: wait.ns / 1_000_000 + 1))
      case .committed(let events):
        if failures > 0 { say("the log is written again after \(failures) failed attempts") }
        failures = 0
        announce(events)
      case .failed(let reason, let wait):
        failures += 1
        if failures == 1 { say("the log can't be written: \(reason)") }
        view.withLock { $0.failure = reason }
        // At the end, a disk that stays full must not hold the door for ever.
        if drained.isSet, failures > 10 {
          say("the door ends with \(tail.count) events that could not be written: \(reason)")
          return commit.close()
        }
        work.wait(milliseconds: Int32(clamping: wait.ns / 1_000_000))
      }
    }
  }

  private func announce(_ events: [Committed]) {
    var newest: [Domain.Stream: Int64] = [:]
    var answers: [AnsweredCommand] = []
    for event in events {
      newest[event.stream] = max(newest[event.stream] ?? 0, event.seq)
      if let answer = event.answers {
        answers.append(AnsweredCommand(
            id: answer.command, answer: answer.answer, missing: answer.missing, event: event.id, seq: event.seq))
      }
    }
    view.withLock { view in
      view.failure = nil
      view.records = max(view.records, newest[.records] ?? 0)
      view.telemetry = max(view.telemetry, newest[.telemetry] ?? 0)
      view.aggregates = max(view.aggregates, newest[.aggregates] ?? 0)
    }
    guard let server = server.withLock({ $0 }) else { return }
    for stream in Domain.Stream.allCases {
      guard let seq = newest[stream] else { continue }
      server.committed(stream, seq: seq, answers: stream == .records ? answers : [])
    }
  }

  /// Takes in what is left, then commits it. Call after the real-time thread has ended.
  func end() {
    stop.set(true)
    events.ring()
  }
}

extension Now {
  /// The site's day.
  fileprivate var day: String { dayText(wall: wall, utcOffset: utcOffset) }
}
