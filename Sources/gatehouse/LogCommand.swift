// The log, read from its files beside the running door: the door is only asked to say when there is more.

import ArgumentParser
import Control
import Domain
import Foundation

struct LogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log", abstract: "Show what happened, export, back up, restore or verify it.",
    usage: """
      gatehouse log [--follow] [--since <since>] [--type <type>] [options]
      gatehouse log export|backup|restore|verify [options]
      """,
    discussion: """
      For people the newest 50 records, for programs (--json) everything, unless
      --since, --limit or --stream says otherwise. Times are those of the site.
      All options: gatehouse log show --help

      EXAMPLES
        gatehouse log
        gatehouse log --follow                       until Ctrl-C
        gatehouse log --since "2 h" --type alarm     alarm.raised, alarm.cleared …
        gatehouse log --stream telemetry --json      one CloudEvent a line
        gatehouse log verify                         is all there, unchanged?
        gatehouse log backup /media/usb/log          while the door runs

      \(ExitCode.help)
      """,
    subcommands: [Show.self, ExportCommand.self, BackupCommand.self, RestoreCommand.self, VerifyCommand.self], defaultSubcommand: Show.self)

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "Show events.",
      usage: "gatehouse log [show] [--follow] [--since <since>] [options]",
      discussion: "EXAMPLE\n  gatehouse log show --since 2026-11-23 --type screening")
    @OptionGroup var log: LogOptions
    @Flag(help: "Go on as things happen, until Ctrl-C.") var follow = false
    @Option(help: "From when on: 90s, \"15 min\", 2h, 1d, 2026-11-23, 2026-11-23T08:00, with or without +08:00.")
    var since: String?
    @Option(help: "Only this type or its beginning: alarm, screening.denied. May be given more than once.")
    var type: [String] = []
    @Option(help: "records, telemetry, aggregates or all (records; all with --json).")
    var stream: String?
    @Option(help: "At most this many of a stream, the newest (50; all with --since or --json).")
    var limit: Int?
    @Flag(help: "CloudEvents as JSON lines.") var json = false

    func validate() throws {
      if let limit, limit < 1 { throw ValidationError("--limit takes a number from 1 on.") }
      try requireMoment(since)
      if let stream, stream != "all", !Domain.Stream.allCases.contains(where: { $0.name == stream }) {
        throw ValidationError("--stream takes records, telemetry, aggregates or all; not \"\(stream)\".")
      }
    }

    func run() throws {
      let door = follow ? try log.places.sockets() : nil
      try readingLog(log.folderOrSettings()) { source in
        var shown = false
        var follower = Follower(
          source: source, streams: streams, printer: LogPrinter(filter: LogFilter(types: type), json: json),
          emit: { lines in
            shown = shown || !lines.isEmpty
            try write(lines)
          })
        if let door {
          try follower.follow(door: door, since: moment, limit: count)
        } else {
          try follower.show(since: moment, limit: count)
          if !shown, !json { print("No events.") }
        }
      }
    }

    private var moment: Date? { since.flatMap { readSince($0, now: Date(), zone: .current) } }
    private var count: Int { limit ?? (since == nil && !json ? (follow ? 10 : 50) : .max) }
    private var streams: [Domain.Stream] {
      let wanted = stream ?? (json ? "all" : Domain.Stream.records.name)
      return Domain.Stream.allCases.filter { wanted == "all" || $0.name == wanted }
    }
  }
}

/// Which log.
struct LogOptions: ParsableArguments {
  @OptionGroup var places: PlaceOptions
  @Option(help: "The log's folder, for instance a copy; else the one the settings name.")
  var folder: String?

  func folderOrSettings() throws -> String { try folder ?? loadLogFolder(places.locations) }
}
