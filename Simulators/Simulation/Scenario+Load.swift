// A scenario's file, read from top to bottom, with all its mistakes at once. What happens is tried on a world of its own while
// it is read, so that a lane that is not there is a mistake with a line and not a surprise after eight hours.

import Control
import Domain
import EventLog
import Foundation
public import Settings

extension Scenario {
  /// Whether the file means to be a scenario, rather than settings: it names settings.
  public static func isMeant(file: String) throws(Problems) -> Bool {
    openDocument(try readText(file), ProblemBook(file: file))?.optional("settings") != nil
  }

  /// Reads and checks a scenario, the settings it names and the profiles these name, `profiles` being their folder.
  ///
  /// - Parameter inRealTime: whatever the file says of it.
  public static func load(file: String, profiles: String, inRealTime: Bool = false) throws(Problems) -> Scenario {
    let book = ProblemBook(file: file)
    guard let top = openDocument(try readText(file), book) else { throw Problems(book.problems) }
    let reader = ScenarioReader(book: book, file: file, isInRealTime: inRealTime)
    let scenario = try reader.read(top, profiles: profiles)
    guard let scenario, book.problems.isEmpty else { throw Problems(book.problems) }
    return scenario
  }
}

/// One reading of one file.
private final class ScenarioReader {
  let book: ProblemBook
  let file: String
  private var isInRealTime: Bool
  private var people: Set<String> = []

  init(book: ProblemBook, file: String, isInRealTime: Bool) {
    self.book = book
    self.file = file
    self.isInRealTime = isInRealTime
  }

  func read(_ top: Section, profiles: String) throws(Problems) -> Scenario? {
    let about = top.required("about", "Say in a sentence what it shows.")?.text()
    let source = try source(top)
    let settings = try settings(top, profiles)
    if let time = top.optional("time")?.choice([("virtual", false), ("real", true)]), time { isInRealTime = true }
    let seed = top.optional("seed").flatMap { $0.whole(0...Int.max) } ?? 1
    let starts = top.optional("starts").flatMap { entry in
      if isInRealTime { entry.note("in real time the clock is this machine's: leave it out, or live the scenario in virtual time") }
      return settings.flatMap { entry.expected("a local date and time, such as \"2026-11-23 07:30\"", wall(entry.plain, $0)) }
    }
    var happens: [Happening] = []
    if let settings {
      var world = World(WorldPlan(settings))
      for entry in top.optional("happens")?.list() ?? [] {
        if let one = entry.section().flatMap({ happening($0, settings, &world) }) { happens.append(one) }
      }
    }
    let lasts = top.optional("lasts").flatMap(time)
    let repeats = top.optional("repeats").flatMap { entry in
      let round = time(entry)
      let last = happens.map(\.at).max() ?? .zero
      return entry.expected("a time after the last thing that happens", round.flatMap { $0 > last ? $0 : nil })
    }
    let last = happens.map(\.at).max() ?? .zero
    if let lasts, last > lasts { top.optional("lasts")?.note("something happens at \(clockText(last)), when the scenario is over") }
    var expects: [Expectation] = []
    if let settings {
      let list = top.required("expects", "A scenario without an expectation tests nothing.")
      let entries = list?.list() ?? []
      if let list, entries.isEmpty { list.note("found no expectation: a scenario without one tests nothing") }
      for entry in entries {
        guard let one = entry.section().flatMap({ expectation($0, settings) }) else { continue }
        if let lasts, one.window.lowerBound > lasts { entry.note("this counts from \(clockText(one.window.lowerBound)) on, when the scenario is over") }
        expects.append(one)
      }
    } else {
      top.abandon()
    }
    // What has no end of its own counts until the last of the others.
    let ends = expects.map { $0.window.upperBound == Self.openEnd ? $0.window.lowerBound : $0.window.upperBound }
    let end = lasts ?? max(last + .seconds(10), ends.max() ?? .zero)
    for index in expects.indices where expects[index].window.upperBound == Self.openEnd {
      expects[index].window = expects[index].window.lowerBound...max(expects[index].window.lowerBound, end)
    }
    top.close()
    guard let about, let settings, let source else { return nil }
    let name = URL(filePath: file).deletingPathExtension().lastPathComponent
    return Scenario(
      file: file, name: name, about: about, settings: settings, source: source, isInRealTime: isInRealTime, seed: UInt64(seed),
      starts: starts ?? wall("2026-11-23 07:30", settings) ?? 0, lasts: end, repeats: repeats,
      happens: happens.sorted { $0.at < $1.at }, expects: expects)
  }

  /// The settings as they are written; what is wrong with them is noted when they are read.
  private func source(_ top: Section) throws(Problems) -> SettingsText? {
    guard let entry = top.optional("settings") else { return nil }
    guard let path = entry.plain else { return try? entry.settingsText() }
    let place = self.place(path)
    return FileManager.default.fileExists(atPath: place) ? try SettingsText(file: place) : nil
  }

  /// A path that is written in this file.
  private func place(_ path: String) -> String {
    URL(filePath: path, relativeTo: URL(filePath: file).deletingLastPathComponent()).path
  }

  private func settings(_ top: Section, _ profiles: String) throws(Problems) -> Settings? {
    guard let entry = top.required("settings", "The door's settings: a file's path, or the settings themselves.") else { return nil }
    guard let path = entry.plain else { return entry.section().flatMap { Settings.read($0, book, profiles: profiles) } }
    let place = place(path)
    guard FileManager.default.fileExists(atPath: place) else { return entry.expected("the path of a settings file, from this file's folder", nil) }
    return try Settings.load(file: place, profiles: profiles)
  }

  private func time(_ entry: Entry) -> Interval? {
    entry.expected("a time since the beginning, such as 10s, 8min or 1h30min", entry.plain.flatMap { interval($0) })
  }

  private func wall(_ text: String?, _ settings: Settings) -> Int64? {
    guard let text, let zone = TimeZone(identifier: settings.site.timeZone) else { return nil }
    let parts = text.split(whereSeparator: { "-: T".contains($0) }).compactMap { Int($0) }
    guard parts.count == 5 || parts.count == 6 else { return nil }
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    let wanted = DateComponents(
      year: parts[0], month: parts[1], day: parts[2], hour: parts[3], minute: parts[4], second: parts.count == 6 ? parts[5] : 0)
    guard (2000...2200).contains(parts[0]), wanted.isValidDate(in: calendar), let date = calendar.date(from: wanted) else { return nil }
    return Int64(date.timeIntervalSince1970) * 1_000_000_000
  }

  // MARK: What happens

  private func happening(_ section: Section, _ settings: Settings, _ world: inout World) -> Happening? {
    let at = section.required("at", "When it happens, since the beginning.").flatMap(time)
    let what: Happening.What?
    var words = ""
    if let door = section.optional("door") {
      what = door.choice(DoorFate.allCases.map { ($0.rawValue, $0) }).map { .door($0) }
      words = "door \(door.plain ?? "")"
    } else if let disk = section.optional("disk") {
      what = disk.choice([("good", VirtualDisk.good), ("full", .full), ("hung", .hung)]).map { .disk($0) }
      words = "disk \(disk.plain ?? "")"
    } else if let clock = section.optional("clock") {
      let sign: Int64 = clock.plain?.hasPrefix("-") == true ? -1 : 1
      let step = clock.plain.flatMap { interval($0.drop { "+-".contains($0) }) }
      what = clock.expected("by how much the clock is set, such as +2h or -90s", step).map { .clock(sign * $0.ns) }
      words = "clock \(clock.plain ?? "")"
    } else if let staff = section.optional("staff") {
      (what, words) = staffOrder(staff, section, settings)
    } else {
      (what, words) = order(section, &world)
    }
    section.close()
    guard let at, let what else { return nil }
    let happening = Happening(at: at, line: section.entry.line, what: what, words: words)
    if isInRealTime, happening.needsVirtualTime { section.entry.note(ScenarioRun.needsVirtualTime) }
    return happening
  }

  /// The words of the simulators' command socket, with the verb as a key.
  private func order(_ section: Section, _ world: inout World) -> (Happening.What?, String) {
    var verb: (name: String, value: Entry)?
    var options: [String] = []
    for pair in section.rest() {
      if Order.verbs.contains(pair.name), verb == nil { verb = pair; continue }
      guard let text = pair.value.expected("a word or a number", pair.value.plain) else { continue }
      options.append("\(pair.name)=\(text == "true" ? "yes" : text == "false" ? "no" : text)")
    }
    guard let verb else {
      let verbs = Order.verbs.filter { !["wait", "state", "quit"].contains($0) } + ["staff", "door", "disk", "clock"]
      section.entry.note("nothing happens here: expected \(either(verbs))")
      return (nil, "")
    }
    let subject = verb.value.plain.map { [$0] } ?? verb.value.list()?.compactMap(\.plain) ?? []
    let line = ([verb.name] + subject.map { $0 == "true" ? "on" : $0 == "false" ? "off" : $0 } + options).joined(separator: " ")
    let answer = world.perform(line)
    if answer.hasPrefix("error ") { verb.value.note(String(answer.dropFirst(6))) }
    if let name = options.first(where: { $0.hasPrefix("as=") }) { people.insert(String(name.dropFirst(3))) }
    return (.order(line), line)
  }

  private func staffOrder(_ command: Entry, _ section: Section, _ settings: Settings) -> (Happening.What?, String) {
    guard let verb = command.text() else { return (nil, "") }
    let person = section.optional("for")
    let alarm = section.optional("alarm")
    let refused = section.optional("refused")?.flag() ?? false
    var keys: [String: JSONScalar] = ["command": .text(verb)]
    for pair in section.rest() {
      if let text = pair.value.expected("a word or a number", pair.value.plain) { keys[pair.name] = JSONScalar(text) }
    }
    if let person, let name = person.text(), !people.contains(name) {
      person.note("nobody is called \"\(name)\" before this line; give a person a name with `as: \(name)`")
    }
    if let alarm, let kind = alarm.text(), !AlarmKind.allCases.contains(where: { $0.name == kind }) {
      alarm.note("there is no alarm \"\(kind)\"" + meant(kind, AlarmKind.allCases.map(\.name)))
    }
    var order = StaffOrder(keys: keys, person: person?.plain, alarm: nil, isRefused: refused)
    if let kind = alarm?.plain {
      var place: String?
      if case .text(let name)? = keys["place"] { place = name }
      order.keys["place"] = nil
      order.alarm = (kind, place)
    }
    // With any number in place of what has yet to be found.
    do {
      _ = try order.request(ticket: 1, occurrence: 1, id: UUID()).checked(names: settings.names, actor: Text(), now: Instant(ns: 1))
    } catch {
      command.note(error.message)
    }
    return (.staff(order), order.words)
  }

  // MARK: What is expected

  /// Stands for the end of the scenario until that is known.
  private static let openEnd = Interval(ns: .max)

  private func expectation(_ section: Section, _ settings: Settings) -> Expectation? {
    let event = section.optional("event"), never = section.optional("never")
    guard let said = event ?? never, event == nil || never == nil else {
      section.entry.note("expected either event: or never:, and what")
      section.abandon()
      return nil
    }
    let subject = subject(said)
    let placed = section.optional("place"), conditioned = section.optional("where")
    let place = placed.flatMap { entry in entry.reference("place", places(settings)).map { places(settings)[$0] } }
    if subject == .gateOpen {
      if let place, !settings.names.lanes.contains(place) { placed?.note("\(place) has no gate: expected a lane") }
      conditioned?.note("a gate that stands open has no members: leave where out")
    }
    let of = section.optional("of").flatMap(time), within = section.optional("within").flatMap(time)
    let between = section.optional("between").flatMap { window($0) }
    if between != nil, of != nil || within != nil { section.entry.note("between says when already: leave within and of out") }
    var span = between ?? Interval.zero...Self.openEnd
    if let within { span = (of ?? .zero)...(of ?? .zero) + within } else if let of { span = of...Self.openEnd }
    var count = never == nil ? 1...Int.max : 0...0
    if let entry = section.optional("count") {
      if never != nil { entry.note("never says how often already: leave count out") }
      if let list = entry.plain == nil ? entry.list() : nil {
        let ends = list.compactMap { $0.whole(0...1_000_000) }
        let range = ends.count == 2 && ends[0] <= ends[1] ? ends[0]...ends[1] : nil
        count = entry.expected("two numbers, the smaller first", range) ?? count
      } else if let number = entry.whole(0...1_000_000) {
        count = number...number
      }
    }
    let conditions = conditioned?.section().map { part in part.rest().compactMap { condition($0.name, $0.value) } } ?? []
    section.close()
    guard let subject else { return nil }
    var words = (never == nil ? "" : "never ") + (said.plain ?? "")
    if let place { words += " at \(place)" }
    if !conditions.isEmpty { words += " where " + conditions.map(\.words).joined(separator: ", ") }
    return Expectation(
      line: section.entry.line, words: words, subject: subject, place: place, conditions: conditions, window: span, count: count)
  }

  private func subject(_ entry: Entry) -> Expectation.Subject? {
    guard let text = entry.text() else { return nil }
    if text == "gate_open" { return .gateOpen }
    let type = text.hasPrefix("gatehouse.") ? String(text.dropFirst(10)) : text
    guard EventLog.Formatter.typeNames.contains(type) else {
      entry.note("there is no event \"\(text)\"" + meant(type, EventLog.Formatter.typeNames + ["gate_open"]))
      return nil
    }
    return .event(type)
  }

  private func window(_ entry: Entry) -> ClosedRange<Interval>? {
    let times = entry.list()?.compactMap(time) ?? []
    let range = times.count == 2 && times[0] <= times[1] ? times[0]...times[1] : nil
    return entry.expected("two times, the earlier first, such as [20s, 10min]", range)
  }

  private func condition(_ key: String, _ entry: Entry) -> Condition? {
    if let plain = entry.plain { return Condition(key: key, value: .exactly(JSONScalar(plain))) }
    let numbers = entry.list()?.compactMap { $0.number(-1e15...1e15) } ?? []
    guard numbers.count == 2, numbers[0] <= numbers[1] else { return entry.expected("a value, or two numbers, the smaller first", nil) }
    return Condition(key: key, value: .between(numbers[0]...numbers[1]))
  }

  private func places(_ settings: Settings) -> [String] {
    settings.names.lanes + settings.names.rooms + settings.names.devices + settings.names.ports + [settings.names.site, "log"]
  }
}

extension Condition {
  var words: String {
    switch value {
    case .exactly(let value): "\(key): \(value.words)"
    case .between(let range): "\(key): [\(range.lowerBound), \(range.upperBound)]"
    }
  }
}

extension StaffOrder {
  /// As it was written.
  var words: String {
    "staff " + keys.sorted { $0.key == "command" || $1.key != "command" && $0.key < $1.key }.map { key, value in
      key == "command" ? value.words : "\(key)=\(value.words)"
    }.joined(separator: " ") + (person.map { " for=\($0)" } ?? "") + (alarm.map { " alarm=\($0.kind)" } ?? "")
  }

  /// The line that the door's socket would get, read by the door's own reader.
  func request(ticket: UInt32?, occurrence: UInt32?, id: UUID) throws(BadRequest) -> CommandRequest {
    var all = keys
    all["id"] = .text(id.uuidString.lowercased())
    all["origin"] = .text(Origin.test.name)
    if person != nil, let ticket { all["ticket"] = .number(Double(ticket)) }
    if alarm != nil, let occurrence { all["occurrence"] = .number(Double(occurrence)) }
    return try CommandRequest(line: (try? JSONEncoder().encode(all)) ?? Data())
  }
}
