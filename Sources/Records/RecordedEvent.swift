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

/// How the head of a site is told from other roles.
let headRole = "responsible"

/// The records of a log, some days of them.
public struct RecordedDays {
  /// Of the days, in order.
  var events: [RecordedEvent] = []
  /// Of two days before, in order: what was going on when they began; of alarms and cases, of a month.
  var before: [RecordedEvent] = []
  /// What lanes did in hours and days that began on them, in order.
  var statistics: [RecordedEvent] = []
  /// Of the day behind them, in order; judgements of slots of a week; and the door's next start, however late that was.
  var after: [RecordedEvent] = []
  /// Site, as events name it.
  var site = ""
  var days: ClosedRange<String>
  var zone: TimeZone
  /// From the first midnight to the last, or to now where that is not over yet; seconds since 1970.
  var span: ClosedRange<Double>
  /// The last of them is not over.
  var isRunning: Bool
  /// The newest event of any kind, seconds since 1970: who says nothing for longer than this does not run. `nil`: not asked.
  var lastWord: Double?

  /// A door that runs says of each device at least once an hour that it is down, and otherwise what it reads.
  static let silentLongest = 3_600.0

  /// - Parameters:
  ///   - days: `2026-11-23`, at the site.
  ///   - zone: of the site; `nil`: the offset from UTC of the log's newest event.
  public init(_ reader: LogReader, days: ClosedRange<String>, zone known: TimeZone?, now: Date) throws {
    let newest = try Stream.allCases.compactMap { try Self.newest(reader, $0) }
    let zone = known ?? newest.max { $0.seconds < $1.seconds }.flatMap { TimeZone(secondsFromGMT: $0.offset) } ?? .current
    self.init(days: days, zone: zone, now: now.timeIntervalSince1970)
    lastWord = newest.map(\.seconds).max()
    let last = midnight(days.upperBound, zone, after: 1)
    var seq = try Self.seq(reader, before: span.lowerBound - 2 * 86_400)
    before = try Self.earlier(reader, through: seq, since: span.lowerBound - 30 * 86_400)
    while true {
      let page = try reader.read(.records, after: seq, limit: 500)
      guard let newest = page.last else { break }
      seq = newest.seq
      var isBehind = false
      for stored in page {
        guard let event = Self.decoded(stored) else { continue }
        if site.isEmpty { site = event.site }
        let day = String(event.day)
        if days.contains(day) { events.append(event) } else if day < days.lowerBound { before.append(event) } else { after.append(event) }
        // A clock that was set back is told of within a day.
        isBehind = event.seconds > last + 86_400
      }
      if isBehind { break }
    }
    statistics = try reader.read(.aggregates, of: Self.types(["lane.statistics"]), since: Int64(max(0, min(span.lowerBound, 9e9))) * 1_000_000_000)
      .compactMap(Self.decoded).filter { days.contains(String(($0.text("start") ?? "").prefix(10))) }
    let later = try reader.read(.records, of: Self.types(["system.started", "ventilation.judged"]), since: Int64(last) * 1_000_000_000)
      .filter { $0.seq > seq }.compactMap(Self.decoded)
    after += later.filter { $0.what == "ventilation.judged" && $0.seconds < last + 8 * 86_400 }
    if !after.contains(where: { $0.what == "system.started" }) { after += later.filter { $0.what == "system.started" }.prefix(1) }
  }

  /// Who answered for what: as the last start before the days had it, and each start on them.
  var roles: [RoleHolder] {
    let starts = [before.last { $0.what == "system.started" }].compactMap(\.self) + events.filter { $0.what == "system.started" }
    var found: [RoleHolder] = []
    for start in starts {
      if let name = start.text("responsible") { found.append(RoleHolder(role: headRole, name: name)) }
      guard case .list(let roles)? = start.data?["roles"] else { continue }
      for case .object(let role) in roles {
        if case .text(let what)? = role["role"], case .text(let name)? = role["name"] { found.append(RoleHolder(role: what, name: name)) }
      }
    }
    let different = found.enumerated().filter { !found[..<$0.offset].contains($0.element) }.map(\.element)
    return different.filter { $0.role == headRole } + different.filter { $0.role != headRole }
  }

  /// For tests: events as they would be in a log.
  init(
    events: [RecordedEvent] = [], before: [RecordedEvent] = [], after: [RecordedEvent] = [], days: ClosedRange<String>, zone: TimeZone,
    now: Double = .infinity
  ) {
    self.events = events
    self.before = before
    self.after = after
    self.days = days
    self.zone = zone
    site = events.first?.site ?? ""
    let (first, last) = (midnight(days.lowerBound, zone), midnight(days.upperBound, zone, after: 1))
    span = first...max(first, min(last, now))
    isRunning = now < last
  }

  /// When the door did not run, as far as the log tells, within the days; seconds since 1970.
  var doorDown: [(start: Double, end: Double)] {
    var gaps: [(start: Double, end: Double)] = []
    var since: Double?
    var isFirst = before.isEmpty
    for event in before + events + after where event.what.hasPrefix("system.") {
      if event.what == "system.stopping" { since = event.seconds }
      if event.what == "system.started" {
        // Killed, it said nothing: it was down since its last record. Before the first start of all nobody watched.
        let silent = event.seconds - (event.number("down_s") ?? 0)
        gaps.append((since ?? (isFirst ? -.infinity : silent), event.seconds))
        since = nil
      }
      isFirst = false
    }
    if let since {
      gaps.append((since, .infinity))
    } else if let lastWord, lastWord < span.upperBound - Self.silentLongest {
      gaps.append((lastWord, .infinity))
    }
    return gaps.map { (max($0.start, span.lowerBound), min($0.end, span.upperBound)) }.filter { $0.end - $0.start >= 1 }
  }

  /// A moment as people at the site write it: by the offset that held then, not by that of the event that tells of it.
  func local(_ time: String) -> String {
    guard let seconds = secondsSince1970(time) else { return time }
    return text(seconds)
  }

  func text(_ seconds: Double) -> String {
    let offset = zone.secondsFromGMT(for: Date(timeIntervalSince1970: seconds))
    return timeText(wall: Int64((seconds * 1000).rounded()) * 1_000_000, utcOffset: Int32(offset))
  }

  private static func types(_ whats: [String]) -> [String] { whats.map { "gatehouse." + $0 } }
  private static func decoded(_ stored: LoggedEvent) -> RecordedEvent? { try? JSONDecoder().decode(RecordedEvent.self, from: stored.json) }

  /// The newest event of a stream: when, and by which offset from UTC.
  private static func newest(_ reader: LogReader, _ stream: Domain.Stream) throws -> (seconds: Double, offset: Int)? {
    guard let event = try reader.read(stream, after: max(0, reader.newest(stream) - 1), limit: 1).first.flatMap(decoded) else { return nil }
    let parts = event.time.suffix(6).split(separator: ":")
    let hours = parts.first.flatMap { Int($0) } ?? 0
    let minutes = (parts.last.flatMap { Int($0) } ?? 0) * (event.time.suffix(6).first == "-" ? -1 : 1)
    return (event.seconds, hours * 3600 + minutes * 60)
  }

  /// What began earlier and may go on: alarms and cases, and what devices said since the door's last start.
  private static func earlier(_ reader: LogReader, through seq: Int64, since: Double) throws -> [RecordedEvent] {
    let kinds = ["raised", "repeated", "acknowledged", "unacknowledged", "escalated", "suppressed", "unsuppressed", "cleared"].map { "alarm.\($0)" }
    let steps = ["opened", "isolated", "reported", "contacts_listed", "room_added", "handed_over", "closed"].map { "case.\($0)" }
    let long = try reader.read(.records, of: types(kinds + steps + ["system.started"]), since: Int64(since) * 1_000_000_000).filter { $0.seq <= seq }
    let recent = try devices(reader, through: seq)
    let known = Set(recent.map(\.seq))
    return (long.filter { !known.contains($0.seq) } + recent).sorted { $0.seq < $1.seq }.compactMap(decoded)
  }

  /// What devices said from the door's last start on: since then each has told whether it is up.
  private static func devices(_ reader: LogReader, through seq: Int64) throws -> [LoggedEvent] {
    var found: [LoggedEvent] = []
    var end = seq
    while end > 0 {
      let begin = max(0, end - 500)
      let page = try reader.read(.records, after: begin, limit: Int(end - begin))
      for stored in page.reversed() where stored.seq <= end {
        guard let event = decoded(stored) else { continue }
        if event.what.hasPrefix("device.") || event.what.hasPrefix("system.") { found.append(stored) }
        if event.what == "system.started" { return found }
      }
      end = begin
    }
    return found
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
