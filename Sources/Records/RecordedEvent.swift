// An event as records need it, and the events of some days out of a log.

import Domain
public import EventLog
public import Foundation

/// A CloudEvent of the log.
struct RecordedEvent: Decodable {
  var type: String
  var source: String
  /// RFC 3339 with the site's offset at that moment.
  var time: String
  var data: [String: Fact]?

  /// Without the prefix that all types share.
  var what: Substring { type.hasPrefix("gatehouse.") ? type.dropFirst("gatehouse.".count) : type[...] }
  /// `2026-11-23`: the day at the site.
  var day: Substring { time.prefix(10) }
  /// The lane, room, device or port; of the site itself its name.
  var place: String { source.split(separator: "/").last.map(String.init) ?? source }
  var site: String { source.split(separator: "/").first.map(String.init) ?? source }

  /// Seconds since 1970.
  var seconds: Double { secondsSince1970(time) ?? 0 }

  func text(_ key: String) -> String? { if case .text(let text)? = data?[key] { text } else { nil } }
  func number(_ key: String) -> Double? { if case .number(let value)? = data?[key] { value } else { nil } }

  /// A member as a cell; `row`: the personal row it belongs to, if it is personal.
  func cell(_ key: String, digits: Int = 0, row: PersonalKind? = nil) -> Cell {
    switch data?[key] {
    case .number(let value)?: return .number(value, digits: digits)
    case .text(let text)?: return .text(text)
    case .truth(let value)?: return .text(value ? "yes" : "no")
    default:
      guard let row, case .object(let hashes)? = data?["personal_hashes"], hashes[row.rawValue] != nil else { return .none }
      // The body says that there was a row. Other members of it show that it is still there.
      let others: [String] = row == .day ? ["surface_c", "ambient_c", "site_offset_c"] : ["estimate_c", "token"]
      return others.contains { data?[$0] != nil } ? .none : .forgotten
    }
  }

  func word(_ key: String) -> Cell { text(key).map { .word($0) } ?? .none }

  /// Who gave a command: the name that was claimed, else the user.
  var who: String? { text("claimed") ?? text("actor") }
}

/// Of an RFC 3339 time with a fraction; `nil`: it is none.
func secondsSince1970(_ time: String) -> Double? {
  (try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(time))?.timeIntervalSince1970
}

/// The records of a log, some days of them.
public struct RecordedDays {
  /// Of the days, in order.
  var events: [RecordedEvent] = []
  /// Of two days before, in order: what was going on when they began.
  var before: [RecordedEvent] = []
  /// What lanes did in hours and days that began on them, in order.
  var statistics: [RecordedEvent] = []
  /// Site, as events name it.
  var site = ""
  var days: ClosedRange<String>
  /// From the first midnight to the last, or to now where that is not over yet; seconds since 1970.
  var span: ClosedRange<Double>

  /// - Parameters:
  ///   - days: `2026-11-23`, at the site.
  ///   - zone: of the site.
  public init(_ reader: LogReader, days: ClosedRange<String>, zone: TimeZone, now: Date) throws {
    self.days = days
    let (first, last) = (midnight(days.lowerBound, zone), midnight(days.upperBound, zone, after: 1))
    let end = min(last, max(first, now.timeIntervalSince1970))
    span = first...end
    var seq = try Self.seq(reader, before: first - 2 * 86_400)
    before = try Self.devices(reader, through: seq)
    while true {
      let page = try reader.read(.records, after: seq, limit: 500)
      guard let newest = page.last else { break }
      seq = newest.seq
      var isBehind = false
      for stored in page {
        guard let event = try? JSONDecoder().decode(RecordedEvent.self, from: stored.json) else { continue }
        if site.isEmpty { site = event.site }
        if days.contains(String(event.day)) { events.append(event) } else if event.day < days.lowerBound { before.append(event) }
        // A clock that was set back is told of within a day.
        isBehind = event.seconds > last + 86_400
      }
      if isBehind { break }
    }
    let types = ["gatehouse.lane.statistics"]
    statistics = try reader.read(.aggregates, of: types, since: Int64(max(0, min(first, 9e9))) * 1_000_000_000).compactMap {
      try? JSONDecoder().decode(RecordedEvent.self, from: $0.json)
    }.filter { days.contains(String(($0.text("start") ?? "").prefix(10))) }
  }

  /// For tests: events as they would be in a log.
  init(events: [RecordedEvent], before: [RecordedEvent] = [], statistics: [RecordedEvent] = [], days: ClosedRange<String>, zone: TimeZone, now: Double = .infinity) {
    self.events = events
    self.before = before
    self.statistics = statistics
    self.days = days
    site = events.first?.site ?? ""
    let first = midnight(days.lowerBound, zone)
    span = first...max(first, min(midnight(days.upperBound, zone, after: 1), now))
  }

  /// What devices said from the door's last start on: since then each has told whether it is up.
  private static func devices(_ reader: LogReader, through seq: Int64) throws -> [RecordedEvent] {
    var found: [RecordedEvent] = []
    var end = seq
    while end > 0 {
      let begin = max(0, end - 500)
      let page = try reader.read(.records, after: begin, limit: Int(end - begin))
      for stored in page.reversed() where stored.seq <= end {
        guard let event = try? JSONDecoder().decode(RecordedEvent.self, from: stored.json) else { continue }
        if event.what.hasPrefix("device.") || event.what.hasPrefix("system.") { found.append(event) }
        if event.what == "system.started" { return found.reversed() }
      }
      end = begin
    }
    return found.reversed()
  }

  /// The seq before the first event at or after a moment: times grow with seq, so halves are enough.
  private static func seq(_ reader: LogReader, before moment: Double) throws -> Int64 {
    var low: Int64 = 0
    var high = try reader.newest(.records)
    while low < high {
      let middle = low + (high - low) / 2
      guard let first = try reader.read(.records, after: middle, limit: 1).first,
        let event = try? JSONDecoder().decode(RecordedEvent.self, from: first.json)
      else {
        high = middle
        continue
      }
      if event.seconds < moment { low = first.seq } else { high = middle }
    }
    return low
  }
}

/// The beginning of a day at the site, so many days later; seconds since 1970. Days of 23 and 25 hours are such.
func midnight(_ day: String, _ zone: TimeZone, after days: Int = 0) -> Double {
  var calendar = Calendar(identifier: .gregorian)
  calendar.timeZone = zone
  let parts = day.split(separator: "-").compactMap { Int($0) }
  guard parts.count == 3, let date = calendar.date(from: DateComponents(year: parts[0], month: parts[1], day: parts[2])),
    let moved = calendar.date(byAdding: .day, value: days, to: date)
  else { return 0 }
  return moved.timeIntervalSince1970
}
