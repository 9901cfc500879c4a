// What a record is: columns that are described once, rows of cells, and from them a table for a spreadsheet, for a program and for
// paper. A cell knows what it is, so each form can write it right.

public import Domain
public import Foundation

/// Which record.
public enum RecordKind: String, Sendable, CaseIterable {
  case ledger, absentees, daily, alarms, cases, contacts, ventilation, disinfection, availability

  public var title: Phrase {
    switch self {
    case .ledger: Phrase("Temperature ledger", "体温登记台账")
    case .availability: Phrase("Equipment availability", "监测设备运行记录")
    case .alarms: Phrase("Alarms", "报警记录")
    case .daily: Phrase("Daily report", "每日报告")
    case .cases: Phrase("Cases", "个案处置记录")
    case .contacts: Phrase("Contacts of cases", "接触人员登记")
    case .absentees: Phrase("Absentees", "缺席人员登记")
    case .ventilation: Phrase("Ventilation record", "通风记录表")
    case .disinfection: Phrase("Disinfections", "消毒记录")
    }
  }
}

/// A value in a record.
public enum Cell: Sendable, Equatable {
  /// There is none.
  case none
  /// There was one, and its time is over.
  case forgotten
  case text(String)
  /// A word of an event, in the reader's language.
  case word(String)
  case number(Double, digits: Int)
  /// As the event has it: RFC 3339 with the site's offset.
  case time(String)
  /// Seconds.
  case duration(Double)
  /// Several, beside each other.
  indirect case words([Cell])
}

/// A column: its name for programs and its heading for people.
public struct Column: Sendable, Equatable {
  public var id: String
  public var heading: Phrase

  public init(_ id: String, _ english: String, _ chinese: String) {
    self.id = id
    heading = Phrase(english, chinese)
  }
}

/// Rows under one heading.
public struct RecordTable: Sendable, Equatable {
  public var id: String
  public var title: Phrase
  public var columns: [Column]
  /// As many cells as there are columns, each.
  public private(set) var rows: [[Cell]] = []

  init(_ id: String, _ title: Phrase, _ columns: [Column]) {
    self.id = id
    self.title = title
    self.columns = columns
  }

  /// Cells by their column's name; the others hold nothing.
  mutating func add(_ cells: [String: Cell]) { rows.append(columns.map { cells[$0.id] ?? .none }) }
}

/// One record of one site and some days.
public struct Record: Sendable, Equatable {
  public var kind: RecordKind
  public var site: String
  public var days: ClosedRange<String>
  public var tables: [RecordTable]
  /// Who answered for what at the site on these days, the head of the site first.
  public var roles: [RoleHolder] = []
  /// What a reader must know of it, a sentence each.
  public var notes: [Phrase] = []

  /// `Responsible: Li Na · doctor: Wang Fang`; empty: nobody is named.
  func rolesText(_ language: Language) -> String {
    roles.map { ($0.role == headRole ? Phrase("Responsible", "负责人")(language) : $0.role) + ": " + $0.name }.joined(separator: " · ")
  }

  /// `2026-11-23`, or `2026-11-23 to 2026-11-30`.
  func daysText(_ language: Language) -> String {
    days.lowerBound == days.upperBound ? days.lowerBound : days.lowerBound + Phrase(" to ", " 至 ")(language) + days.upperBound
  }
}

extension Cell {
  /// As people read it.
  func text(_ language: Language) -> String {
    switch self {
    case .none: ""
    case .forgotten: Phrase("forgotten", "已删除")(language)
    case .text(let text): text
    case .word(let word): phrase(word)(language)
    case .number(let value, let digits): value.isFinite ? String(format: "%.\(digits)f", value) : ""
    case .time(let time): String(time.prefix(10) + " " + time.dropFirst(11).prefix(8))
    case .duration(let seconds): durationText(seconds)
    case .words(let cells): cells.map { $0.text(language) }.joined(separator: " ")
    }
  }
}

/// `1:02:03`: hours, minutes, seconds, which a spreadsheet can add up.
func durationText(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "" }
  let whole = Int(seconds.rounded())
  return String(format: "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
}

extension Record {
  /// One record of some days of a log.
  /// - Parameter roster: names to print beside tokens; none without one.
  public init(_ kind: RecordKind, _ days: RecordedDays, roster: [RosterEntry] = []) {
    self =
      switch kind {
      case .ledger: .ledger(days, roster)
      case .absentees: .absentees(days, roster)
      case .ventilation: .ventilation(days)
      case .availability: .availability(days)
      case .alarms: .alarms(days)
      case .daily: .daily(days)
      case .cases: .cases(days)
      case .contacts: .contacts(days, roster)
      case .disinfection: .disinfection(days)
      }
    notes += unknown(days)
    roles = days.roles
  }
}

/// What no record of these days can know, in words.
private func unknown(_ days: RecordedDays) -> [Phrase] {
  var notes: [Phrase] = []
  func clock(_ seconds: Double) -> String { Cell.time(days.text(seconds)).text(.english) }
  for gap in days.doorDown {
    let (from, to) = (clock(gap.start), clock(gap.end))
    notes.append(Phrase("Nothing was watched from \(from) to \(to): the door was not running.", "\(from) 至 \(to) 系统未运行，此间未监测。"))
  }
  let lost = days.events.filter { $0.what == "loss" && $0.text("what") != "telemetry" }.reduce(0) { $0 + ($1.number("count") ?? 0) }
  if lost > 0 {
    let count = Cell.number(lost, digits: 0).text(.english)
    notes.append(Phrase("\(count) events were lost: this record may lack some.", "有\(count)条事件丢失，本记录可能不完整。"))
  }
  let steps = days.events.count { $0.what == "clock.stepped" }
  if steps > 0 {
    notes.append(
      Phrase(
        "The clock was set \(steps) times: times before and after do not follow from each other, and a slot may stand here twice.",
        "时钟被调整\(steps)次：调整前后的时间不连续，同一时段可能出现两次。"))
  }
  if days.isRunning { notes.append(Phrase("The day is not over: this is what is known of it until now.", "当日尚未结束，内容截至打印时。")) }
  return notes
}
