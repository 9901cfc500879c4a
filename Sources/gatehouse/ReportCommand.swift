// Records: what an inspector asks for and staff would otherwise write by hand, out of the log alone.

import ArgumentParser
import EventLog
import Foundation
import Records
import Settings

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Write a record of a day for a spreadsheet, a program or paper.",
    usage: "gatehouse report <record> [--day <day>] [--to <day>] [options]",
    discussion: """
      ledger        everybody who came, with temperatures and verdicts
      daily         counts of each lane, alarms and who saw them, orders
      alarms        each alarm: raised, acknowledged, cleared
      absentees     people of the roster whom no lane has seen
      cases         each case with its steps; incidents, and when the site was open
      contacts      who came near the person of each case
      ventilation   each slot: planned, actual, CO2, air changes, verdict
      disinfection  each disinfection: room, time, method, agent, person
      availability  each device's time up and down, and every gap

      A day is the site's, also when it has 23 or 25 hours. docs/records.md

      EXAMPLES
        gatehouse report daily
        gatehouse report ledger --day 2026-11-23 --language zh
        gatehouse report alarms --day 2026-11-23 --format html

      \(ExitCode.help)
      """)
  @Argument(help: "One of those above.") var record: String
  @Option(help: "The day, such as 2026-11-23; without it, today.") var day: String?
  @Option(help: "The last day, where there are several.") var to: String?
  @Option(help: "csv, json or html, which prints on A4 paper.") var format = "csv"
  @Option(help: "en or zh.") var language = "en"
  @Flag(help: "Print names beside tokens, out of the roster.") var names = false
  @OptionGroup var roster: RosterOptions
  @OptionGroup var log: LogOptions

  func validate() throws {
    if RecordKind(rawValue: record) == nil {
      throw ValidationError("There is no record \"\(record)\": \(RecordKind.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    for (name, value) in [("--day", day), ("--to", to)] {
      if let value, !isDay(value) { throw ValidationError("\(name) takes a day such as 2026-11-23; not \"\(value)\".") }
    }
    if let to, let day, to < day { throw ValidationError("--to comes before --day.") }
    if to != nil, day == nil { throw ValidationError("--to needs --day.") }
    if !["csv", "json", "html"].contains(format) { throw ValidationError("--format takes csv, json or html; not \"\(format)\".") }
    if Language(rawValue: language) == nil { throw ValidationError("--language takes en or zh; not \"\(language)\".") }
  }

  func run() throws {
    guard let kind = RecordKind(rawValue: record), let language = Language(rawValue: language) else { return }
    let folder = try log.folderOrSettings()
    let known = siteZone()
    let zone = known ?? .current
    let now = Date()
    let first = day ?? dayText(now, zone)
    var people: [RosterEntry] = []
    if names || kind == .absentees {
      try roster.using(log.places) { people = try $0.entries(on: $1) }
      if people.isEmpty { complain("warning: the roster holds nobody") }
    }
    do {
      let days = try RecordedDays(LogReader(folder: folder), days: first...(to ?? first), zone: known, now: now)
      try write(Record(kind, days, roster: people), language, now, zone)
    } catch {
      complain("the log in \(folder) can't be read: \(printable("\(error)"))")
      throw ExitCode.problem
    }
  }

  private func write(_ record: Record, _ language: Language, _ now: Date, _ zone: TimeZone) throws {
    let text =
      switch format {
      case "json": try record.json(language) + "\n"
      case "html": record.html(language, written: dayText(now, zone) + " " + timeText(now, zone))
      default: record.csv(language)
      }
    try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
  }

  /// As the settings say; a copy of a log elsewhere has none, and is read as its newest event has it.
  private func siteZone() -> TimeZone? {
    let named = (try? Settings.timeZone(file: log.places.locations.settings)) ?? nil
    return named.flatMap { TimeZone(identifier: $0) }
  }
}

private func isDay(_ text: String) -> Bool {
  MeasuredTime(Array(text.utf8)[...], unit: .unknown).map { $0.kind == .label } == true && text.utf8.count == 10 && !text.contains("/")
}

private func formatted(_ date: Date, _ zone: TimeZone, _ format: String) -> String {
  let formatter = DateFormatter()
  formatter.locale = Locale(identifier: "en_US_POSIX")
  formatter.timeZone = zone
  formatter.dateFormat = format
  return formatter.string(from: date)
}

func dayText(_ date: Date, _ zone: TimeZone) -> String { formatted(date, zone, "yyyy-MM-dd") }
private func timeText(_ date: Date, _ zone: TimeZone) -> String { formatted(date, zone, "HH:mm") }
