// What people ask the door to do: acknowledge an alarm, let one person through, send one back to the lane, enter a
// contact thermometer's reading.

import ArgumentParser
import Control
import Domain
import Foundation

struct AlarmsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "alarms", abstract: "List alarms, or acknowledge one.",
    discussion: """
      EXAMPLES
        gatehouse alarms                     the ones that are not back to normal
        gatehouse alarms acknowledge 7       alarm 7 was seen

      \(ExitCode.help)
      """,
    subcommands: [List.self, Acknowledge.self], defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the alarms that are not back to normal.")
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
      }
    }
  }

  struct Acknowledge: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say that an alarm was seen.", discussion: "EXAMPLE\n  gatehouse alarms acknowledge 7 --who \"Li Na\"")
    @Argument(help: "The number in the first column of `gatehouse alarms`.") var occurrence: UInt32
    @OptionGroup var order: OrderOptions

    func run() throws {
      try order.give(.acknowledge(occurrence: occurrence), done: "alarm \(occurrence) is acknowledged")
    }
  }
}

struct OverrideCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "override", abstract: "Let one person through a lane without a verdict.",
    discussion: """
      The gate opens once, and the log keeps your user, the name and the reason.
      It is carried out within 3 s or not at all.

      EXAMPLE
        gatehouse override north-door --who "Li Na" --why wheelchair

      \(ExitCode.help)
      """)
  @Argument(help: "The lane.") var lane: String
  @OptionGroup var order: OrderOptions

  func validate() throws {
    guard let who = order.who, let why = order.why, !who.isEmpty, !why.isEmpty else {
      throw ValidationError("A gate is opened by hand only with --who and --why.")
    }
  }

  func run() throws {
    try order.give(.overrideLane(LaneID(0)), lane: lane, done: "\(lane) lets one person through")
  }
}

struct ResumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Call a waiting person back to the lane to be measured again.",
    discussion: """
      EXAMPLE
        gatehouse resume 17

      \(ExitCode.help)
      """)
  @Argument(help: "The number on the person's ticket.") var ticket: UInt32
  @OptionGroup var order: OrderOptions

  func run() throws { try order.give(.resume(ticket: ticket), done: "ticket \(ticket) may come to the lane") }
}

struct ContactCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "contact", abstract: "Enter a contact thermometer's reading for a waiting person.",
    discussion: """
      Axillary, in degrees Celsius, measured for as long as the thermometer's
      maker says.

      EXAMPLE
        gatehouse contact 17 36.9 --who "Li Na"

      \(ExitCode.help)
      """)
  @Argument(help: "The number on the person's ticket.") var ticket: UInt32
  @Argument(help: "Degrees Celsius.") var celsius: Double
  @OptionGroup var order: OrderOptions

  func run() throws {
    try order.give(
      .contactReading(ticket: ticket, celsius: celsius), done: "\(decimal(celsius)) degC is kept for ticket \(ticket)")
  }
}

/// One value on one line, keys in alphabetical order.
func jsonLine(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
