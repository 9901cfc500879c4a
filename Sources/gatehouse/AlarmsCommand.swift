// What people ask and say of alarms.

import ArgumentParser
import Control
import Domain
import Foundation

struct AlarmsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "alarms", abstract: "List alarms, acknowledge, clear or shelve one.",
    usage: """
      gatehouse alarms [--json] [options]
      gatehouse alarms acknowledge <occurrence> [options]
      gatehouse alarms clear <occurrence> --who <who> --why <why> [options]
      gatehouse alarms shelve <what> <where> --minutes <n> --who … --why …
      """,
    discussion: """
      An occurrence is the number in the first column; what and where stand in
      the third and fourth.

      EXAMPLES
        gatehouse alarms                     the ones that are not back to normal
        gatehouse alarms acknowledge 7       alarm 7 was seen
        gatehouse alarms clear 9 --who "Li Na" --why "found, and measured by hand"
        gatehouse alarms shelve air_high room-7 --minutes 30 --who Li --why airing

      \(ExitCode.help)
      """,
    subcommands: [
      List.self, Acknowledge.self, Unacknowledge.self, Clear.self, Shelve.self, Unshelve.self, TakeOutOfService.self,
      ReturnToService.self,
    ], defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the alarms that are not back to normal.",
      usage: "gatehouse alarms [list] [--json] [options]",
      discussion: "EXAMPLE\n  gatehouse alarms list --json")
    @OptionGroup var places: PlaceOptions
    @Flag(help: "One JSON object an alarm and line.") var json = false

    func run() throws {
      let alarms = try places.status().status
      if json {
        for alarm in alarms.alarms { print(try jsonLine(alarm)) }
      } else if alarms.alarms.isEmpty {
        print("No alarms.")
      } else {
        for line in alarms.alarmTable.lines() { print(line) }
        if !alarms.alarmStepTable.isEmpty { for line in [""] + alarms.alarmStepTable.lines() { print(line) } }
      }
    }
  }
}

// MARK: Of an occurrence

extension AlarmsCommand {
  struct Acknowledge: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say that an alarm was seen.",
      usage: "gatehouse alarms acknowledge <occurrence> [--who <who>] [options]",
      discussion: "EXAMPLE\n  gatehouse alarms acknowledge 7 --who \"Li Na\"")
    @Argument(help: "The number in the first column of `gatehouse alarms`.") var occurrence: UInt32
    @OptionGroup var order: OrderOptions

    func run() throws {
      try order.give(.acknowledge(occurrence: occurrence), done: "alarm \(occurrence) is acknowledged")
    }
  }

  struct Unacknowledge: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Have an active alarm that was seen be shown again.",
      usage: "gatehouse alarms unacknowledge <occurrence> [--who <who>] [options]",
      discussion: "EXAMPLE\n  gatehouse alarms unacknowledge 7 --who \"Li Na\"")
    @Argument(help: "The number in the first column of `gatehouse alarms`.") var occurrence: UInt32
    @OptionGroup var order: OrderOptions

    func run() throws {
      try order.give(.unacknowledge(occurrence: occurrence), done: "alarm \(occurrence) is shown again")
    }
  }

  struct Clear: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "End an alarm that stays until somebody has dealt with it.",
      usage: "gatehouse alarms clear <occurrence> --who <who> --why <why> [options]",
      discussion: "EXAMPLE\n  gatehouse alarms clear 9 --who \"Li Na\" --why \"found, and measured by hand\"")
    @Argument(help: "The number in the first column of `gatehouse alarms`.") var occurrence: UInt32
    @OptionGroup var order: OrderOptions

    func validate() throws { try order.requireWhoAndWhy("Such an alarm is cleared") }

    func run() throws {
      try order.give(.clear(occurrence: occurrence), done: "alarm \(occurrence) is cleared")
    }
  }
}

// MARK: Of an alarm, raised or not

/// An alarm as its row in the table names it.
struct AlarmOptions: ParsableArguments {
  @Argument(help: "What, as in `gatehouse alarms`: air_high, device_silent …") var what: String
  @Argument(help: "Where: a lane, room, device or bus, the site, or log.") var `where`: String
  @OptionGroup var order: OrderOptions

  var kind: AlarmKind {
    get throws {
      let kinds = AlarmKind.allCases
      if let kind = kinds.first(where: { $0.name == what }) { return kind }
      throw ValidationError("There is no alarm \"\(what)\"; there are \(kinds.map(\.name).sorted().joined(separator: ", ")).")
    }
  }

  func validate() throws { _ = try kind }

  /// The place's name goes along as it is: the door knows which it means.
  func give(_ action: (AlarmID) -> Action, done: String) throws {
    try order.give(action(AlarmID(try kind, at: .site)), place: `where`, done: "\(what) at \(`where`) \(done)")
  }
}

extension AlarmsCommand {
  struct Shelve: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Have nobody told of an alarm for a while.",
      usage: "gatehouse alarms shelve <what> <where> --minutes <n> --who … --why …",
      discussion: """
        It comes back by itself. Alarms that tell of a person or of a gate cannot be
        shelved. Shelving it again sets the time anew.

        EXAMPLE
          gatehouse alarms shelve air_high room-7 --minutes 30 --who Li --why airing
        """)
    @OptionGroup var alarm: AlarmOptions
    @Option(help: "For how long.") var minutes: Double

    func validate() throws {
      try alarm.order.requireWhoAndWhy("An alarm is shelved")
      guard minutes > 0, minutes <= 1_440 else { throw ValidationError("--minutes takes more than 0 and at most 1440.") }
    }

    func run() throws {
      try alarm.give({ .shelve($0, for: Interval(ns: Int64(minutes * 60e9))) }, done: "is shelved for \(decimal(minutes)) min")
    }
  }

  struct Unshelve: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "End a shelf before its time.",
      usage: "gatehouse alarms unshelve <what> <where> [--who <who>] [options]",
      discussion: "EXAMPLE\n  gatehouse alarms unshelve air_high room-301")
    @OptionGroup var alarm: AlarmOptions

    func run() throws { try alarm.give({ .unshelve($0) }, done: "is no longer shelved") }
  }

  struct TakeOutOfService: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Have nobody told of an alarm while what it watches is mended.",
      usage: "gatehouse alarms take-out-of-service <what> <where> --who … --why …",
      discussion: """
        It stays so until somebody returns it. Alarms that tell of a person or of a
        gate cannot be taken out of service.

        EXAMPLE
          gatehouse alarms take-out-of-service port_lost rooms --who Li --why mended
        """)
    @OptionGroup var alarm: AlarmOptions

    func validate() throws { try alarm.order.requireWhoAndWhy("An alarm is taken out of service") }

    func run() throws { try alarm.give({ .takeOutOfService($0) }, done: "is out of service") }
  }

  struct ReturnToService: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Return an alarm to service.",
      usage: "gatehouse alarms return-to-service <what> <where> [--who <who>] [options]",
      discussion: "EXAMPLE\n  gatehouse alarms return-to-service device_silent room-301-co2")
    @OptionGroup var alarm: AlarmOptions

    func run() throws { try alarm.give({ .returnToService($0) }, done: "is in service again") }
  }
}
