// What a day came to: people and alarms as the log has them, and how fast the running door decides.

import ArgumentParser
import Control
import Domain
import EventLog
import Foundation

struct SummaryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "summary", abstract: "Count people, alarms and events, and show how fast the door is.",
    usage: "gatehouse summary [--since <since>] [--json] [options]",
    discussion: """
      Counts what is in the log, from its first event on unless --since says
      otherwise. How fast the door is only the running door knows: it counts from
      its own start, and without it the rest is shown.

      EXAMPLES
        gatehouse summary
        gatehouse summary --since 2026-11-23 --json

      \(ExitCode.help)
      """)
  @OptionGroup var log: LogOptions
  @Option(help: "From when on: 90s, \"15 min\", 2h, 1d, 2026-11-23, 2026-11-23T08:00, with or without +08:00.")
  var since: String?
  @Flag(help: "One JSON object on one line.") var json = false

  func validate() throws { try requireMoment(since) }

  func run() throws {
    let from = since.flatMap { readSince($0, now: Date(), zone: .current) }
    var summary = try readingLog(log.folderOrSettings()) { try Summary(source: $0, since: from) }
    if log.folder == nil { summary.latency = latency() }
    if json {
      print(try jsonLine(summary))
    } else {
      for line in summary.lines { print(line) }
    }
  }

  /// `nil`: no door answers, which is no fault here.
  private func latency() -> [String: Status.Latency]? {
    guard let paths = try? log.places.sockets(), let line = try? EventsClient(path: paths.events).status() else {
      return nil
    }
    return (try? Status(line: line))?.latency
  }
}

/// What a log and a door come to.
struct Summary: Encodable, Equatable {
  /// People whose screening began.
  var screened = 0
  var passed = 0
  /// People who were told "not now" and have not passed since; those who wait are among them.
  var refused = 0
  /// Of those refused: found febrile by contact thermometer.
  var isolated = 0
  /// People who left before there was a verdict.
  var left = 0
  var alarmsRaised = 0
  var alarmsCleared = 0
  /// By stream.
  var events: [String: Int64] = [:]
  /// As in the door's status; absent without a door.
  var latency: [String: Status.Latency]?

  enum CodingKeys: String, CodingKey {
    case screened, passed, refused, isolated, left, events
    case alarmsRaised = "alarms_raised"
    case alarmsCleared = "alarms_cleared"
    case latency = "latency_us"
  }

  private enum Verdict { case none, passed, refused, isolated, left }

  init() {}

  init(source: any EventSource, since: Date? = nil) throws {
    for stream in Domain.Stream.allCases {
      let newest = try source.newest(stream)
      let before = try since.map { try source.seq(before: $0, stream) } ?? 0
      events[stream.name] = max(0, newest - before)
      if stream == .records { try count(source, after: before) }
    }
  }

  /// A ticket's last verdict counts: who was measured again and passed has passed.
  private mutating func count(_ source: any EventSource, after seq: Int64) throws {
    var seq = seq
    var people: [Fact: Verdict] = [:]
    while true {
      let page = try source.events(.records, after: seq, limit: 500)
      guard let last = page.last else { break }
      seq = last.seq
      for stored in page {
        guard let event = EventLine.read(stored.json) else { continue }
        take(event, &people)
      }
    }
    for verdict in people.values { add(verdict) }
  }

  private mutating func take(_ event: EventLine, _ people: inout [Fact: Verdict]) {
    switch event.what {
    case "alarm.raised": alarmsRaised += 1
    case "alarm.cleared": alarmsCleared += 1
    default: break
    }
    guard event.what.hasPrefix("screening."), let ticket = event.data?["ticket"] else { return }
    switch event.what {
    case "screening.began":
      // A door that lost its memory gives a number a second time: to somebody else.
      if let earlier = people[ticket] { add(earlier) }
      people[ticket] = Verdict.none
      screened += 1
    case "screening.passed": people[ticket] = .passed
    // To be measured once more is no refusal.
    case "screening.denied" where event.data?["next"] != .text("retake"): people[ticket] = .refused
    case "screening.isolated": people[ticket] = .isolated
    case "screening.abandoned" where people[ticket] == Verdict.none: people[ticket] = .left
    default: break
    }
  }

  private mutating func add(_ verdict: Verdict) {
    switch verdict {
    case .none: break
    case .passed: passed += 1
    case .refused: refused += 1
    case .isolated:
      refused += 1
      isolated += 1
    case .left: left += 1
    }
  }

  /// A line each, for people.
  var lines: [String] {
    var lines = [
      "people screened  \(screened)",
      "passed           \(passed)",
      "refused          \(refused)" + (isolated > 0 ? ", \(isolated) of them isolated" : ""),
      "left unmeasured  \(left)",
      "alarms           \(alarmsRaised) raised, \(alarmsCleared) cleared",
      "events           " + Domain.Stream.allCases.map { "\(events[$0.name] ?? 0) \($0.name)" }.joined(separator: ", "),
    ]
    guard let latency else { return lines + ["latency          not known: no door is running"] }
    for (name, words) in [("decision", "last byte to decision"), ("gate", "last byte to gate")] {
      guard let times = latency[name], times.count > 0 else { continue }
      let (p50, p99) = (decimal(times.p50, digits: 1), decimal(times.p99, digits: 1))
      lines.append("latency          \(words): p50 \(p50) µs, p99 \(p99) µs of \(times.count)")
    }
    return lines
  }
}

extension EventSource {
  /// The seq before the first event at or after a moment: times grow with seq, so halves are enough.
  func seq(before moment: Date, _ stream: Domain.Stream) throws -> Int64 {
    var low: Int64 = 0
    var high = try newest(stream)
    while low < high {
      let middle = (low + high) / 2
      guard let first = try events(stream, after: middle, limit: 1).first, let time = EventLine.read(first.json)?.date else {
        high = middle
        continue
      }
      if time < moment { low = first.seq } else { high = middle }
    }
    return low
  }
}

/// Refuses what can't be read as a moment.
func requireMoment(_ since: String?) throws {
  if let since, readSince(since, now: Date(), zone: .current) == nil {
    throw ValidationError("--since takes 90s, \"15 min\", 2h, 1d, or a date such as 2026-11-23T08:00; not \"\(since)\".")
  }
}
