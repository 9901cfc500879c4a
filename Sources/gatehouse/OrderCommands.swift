// What people ask the door to do: let one person through, send one back to the lane, enter a contact thermometer's reading,
// set a device. What they say of alarms is in AlarmsCommand.swift.

import ArgumentParser
import Control
import Domain
import Foundation

struct OverrideCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "override", abstract: "Let one person through a lane without a verdict.",
    usage: """
      gatehouse override <lane> --who <who> --why <why> [options]
      gatehouse override --ticket <ticket> --who <who> --why <why> [options]
      """,
    discussion: """
      Whoever stands at the lane, or somebody who waits with a ticket.
      The gate opens once, and the log keeps your user, the name and the reason.
      It is carried out within 3 s or not at all.

      EXAMPLE
        gatehouse override north-door --who "Li Na" --why wheelchair

      \(ExitCode.help)
      """)
  @Argument(help: "The lane.") var lane: String?
  @Option(help: "Somebody who waits, by the number on the ticket.") var ticket: UInt32?
  @OptionGroup var order: OrderOptions

  func validate() throws {
    guard (lane == nil) != (ticket == nil) else { throw ValidationError("A gate is opened for a lane or for a --ticket.") }
    try order.requireWhoAndWhy("A gate is opened by hand")
  }

  func run() throws {
    if let ticket {
      try order.give(.overrideTicket(ticket), done: "ticket \(ticket) is let through")
    } else if let lane {
      try order.give(.overrideLane(LaneID(0)), lane: lane, done: "\(lane) lets one person through")
    }
  }
}

struct ResetAverageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reset-average", abstract: "Have a lane forget the people it compares the next ones with.",
    usage: "gatehouse reset-average <lane> --who <who> --why <why> [options]",
    discussion: """
      For the relative rule (policy.fever.relative): after the thermometer was
      changed or moved. The next person is the first of a new average.

      EXAMPLE
        gatehouse reset-average north-door --who "Li Na" --why "thermometer moved"

      \(ExitCode.help)
      """)
  @Argument(help: "The lane.") var lane: String
  @OptionGroup var order: OrderOptions

  func validate() throws { try order.requireWhoAndWhy("An average is begun anew") }

  func run() throws {
    try order.give(.resetAverage(LaneID(0)), lane: lane, done: "\(lane) begins a new average")
  }
}

struct ProveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prove", abstract: "Have a lane prove that its lamp and buzzer work.",
    usage: "gatehouse prove <lane> [options]",
    discussion: """
      While nobody is there: lamp and buzzer go on for 3 s, and their board must
      carry that out and, where it reads its relays, say so. The gate stays shut;
      whoever steps up ends it. The log says lane.proven or lane.proof_failed.
      Whoever sees and hears it acknowledges the alarm alert_check.

      EXAMPLE
        gatehouse prove north-door --who "Li Na"

      \(ExitCode.help)
      """)
  @Argument(help: "The lane.") var lane: String
  @OptionGroup var order: OrderOptions

  func run() throws {
    try order.give(.prove(LaneID(0)), lane: lane, done: "\(lane) proves its lamp and buzzer; the log tells the result in 10 s")
  }
}

struct ResumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Call a waiting person back to the lane to be measured again.",
    usage: "gatehouse resume <ticket> [<lane>] [options]",
    discussion: """
      Not before the wait is over. Whoever rested is cleared by another
      thermometer only: that of another lane, or the lane's second one.

      EXAMPLES
        gatehouse resume 17
        gatehouse resume 17 south-door

      \(ExitCode.help)
      """)
  @Argument(help: "The number on the person's ticket.") var ticket: UInt32
  @Argument(help: "Another lane than the one they left.") var lane: String?
  @OptionGroup var order: OrderOptions

  func run() throws {
    let action: Action = if lane == nil { .resume(ticket: ticket) } else { .resumeAt(ticket: ticket, LaneID(0)) }
    try order.give(action, lane: lane, done: "ticket \(ticket) may come to \(lane ?? "the lane")")
  }
}

struct ContactCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "contact", abstract: "Enter a contact thermometer's reading for a waiting person.",
    usage: "gatehouse contact <ticket> <celsius> [--site <site>] --who <who>",
    discussion: """
      In degrees Celsius, below the armpit (axilla) or in the ear, which reads
      0.4 more, measured for as long as the thermometer's maker says. Whoever
      passes by it passes for a reason: --why.

      EXAMPLES
        gatehouse contact 17 36.9 --who "Li Na" --why "measured twice"
        gatehouse contact 17 38.1 --site ear --who "Li Na"

      \(ExitCode.help)
      """)
  @Argument(help: "The number on the person's ticket.") var ticket: UInt32
  @Argument(help: "Degrees Celsius.") var celsius: Double
  @Option(help: "axilla or ear.") var site = "axilla"
  @OptionGroup var order: OrderOptions

  func validate() throws {
    guard let who = order.who, !who.isEmpty else {
      throw ValidationError("A reading that may open a gate is entered only with --who.")
    }
    guard ContactSite.allCases.contains(where: { $0.name == site }) else {
      throw ValidationError("Found --site \(site), expected axilla or ear.")
    }
  }

  func run() throws {
    let place: ContactSite = site == ContactSite.ear.name ? .ear : .axilla
    try order.give(
      .contactReading(ticket: ticket, celsius: celsius, site: place), done: "\(decimal(celsius)) degC is kept for ticket \(ticket)")
  }
}

struct SessionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "session", abstract: "Begin or end a session in a room.",
    usage: "gatehouse session start|end <room> [options]",
    discussion: """
      For sessions that the timetable does not know, or that begin or end at
      another time. After a session the room is ventilated for an hour; who begins
      the next one before that is told how many minutes of it are missing.

      EXAMPLES
        gatehouse session start room-301
        gatehouse session end room-301 --who "Li Na"

      \(ExitCode.help)
      """, subcommands: [Start.self, End.self])

  struct Start: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Begin a session.", usage: "gatehouse session start <room> [options]",
      discussion: "EXAMPLE\n  gatehouse session start room-301")
    @Argument(help: "The room.") var room: String
    @OptionGroup var order: OrderOptions

    func run() throws {
      try order.give(.startSession(RoomID(0)), room: room, done: "a session is on in \(room)")
      // It is on all the same: only whoever began it can still open a window.
      let rooms = (try? order.places.status().status.rooms) ?? []
      let lacking = rooms.first { $0.name == room }?.missing ?? 0
      if let warning = Self.warning(room, lacking: lacking) { complain(warning) }
    }

    /// - Parameter lacking: seconds of the ventilation after the last session.
    static func warning(_ room: String, lacking: Double) -> String? {
      guard lacking > 0 else { return nil }
      let minutes = Int(min((lacking / 60).rounded(.up), 100_000))
      return "warning: \(minutes) min of the ventilation of \(room) after the last session are missing"
    }
  }

  struct End: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "End a session.", usage: "gatehouse session end <room> [options]",
      discussion: "EXAMPLE\n  gatehouse session end room-301")
    @Argument(help: "The room.") var room: String
    @OptionGroup var order: OrderOptions

    func run() throws {
      try order.give(
        .endSession(RoomID(0)), room: room, done: "the session in \(room) is over; it must be ventilated now")
    }
  }
}

struct VentilationCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ventilation", abstract: "Say that a room's windows were opened or shut.",
    usage: "gatehouse ventilation begin|end <room> --who <who> [options]",
    discussion: """
      For rooms whose windows and fans have no contacts. The record says that it
      was declared, by whom, and what CO2 says of it.

      EXAMPLES
        gatehouse ventilation begin room-301 --who "Li Na"
        gatehouse ventilation end room-301 --who "Li Na"

      \(ExitCode.help)
      """, subcommands: [Begin.self, End.self])

  struct Begin: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "The windows were opened.", usage: "gatehouse ventilation begin <room> --who <who> [options]",
      discussion: "EXAMPLE\n  gatehouse ventilation begin room-301 --who \"Li Na\"")
    @Argument(help: "The room.") var room: String
    @OptionGroup var order: OrderOptions

    func validate() throws { try order.requireWho("Somebody answers for a ventilation") }

    func run() throws {
      try order.give(.ventilation(RoomID(0), begins: true), room: room, done: "the ventilation of \(room) is declared")
      // It is written down all the same: only whoever said so can still open a window.
      let rooms = (try? order.places.status().status.rooms) ?? []
      if let here = rooms.first(where: { $0.name == room }), let warning = Self.warning(room, method: here.ventilation) { complain(warning) }
    }

    /// - Parameter method: how the room is being ventilated now; `nil`: it is not.
    static func warning(_ room: String, method: String?) -> String? {
      guard method == nil else { return nil }
      return "warning: every window of \(room) is seen to be shut: it counts as ventilated from when one is opened"
    }
  }

  struct End: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "The windows were shut.", usage: "gatehouse ventilation end <room> --who <who> [options]",
      discussion: "EXAMPLE\n  gatehouse ventilation end room-301 --who \"Li Na\"")
    @Argument(help: "The room.") var room: String
    @OptionGroup var order: OrderOptions

    func validate() throws { try order.requireWho("Somebody answers for a ventilation") }

    func run() throws {
      try order.give(.ventilation(RoomID(0), begins: false), room: room, done: "the ventilation of \(room) is over")
    }
  }
}

struct OccupantsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "occupants", abstract: "Say how many people are in a room.",
    usage: "gatehouse occupants <room> <people> [options]",
    discussion: """
      Holds until the session or the working day is over. Fresh air for each
      person and the room's capacity are judged by it.

      EXAMPLE
        gatehouse occupants room-301 28 --who "Li Na"

      \(ExitCode.help)
      """)
  @Argument(help: "The room.") var room: String
  @Argument(help: "How many; 0: it is empty.") var people: UInt16
  @OptionGroup var order: OrderOptions

  func run() throws {
    try order.give(.occupants(RoomID(0), people), room: room, done: "\(people) people are in \(room)")
  }
}

struct CredentialCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "credential", abstract: "Say what another system found of the person at a lane.",
    usage: """
      gatehouse credential <lane> passed|failed [options]
      gatehouse credential --ticket <ticket> passed|failed [options]
      """,
    discussion: """
      A code, a list: only the verdict is kept. `failed` denies; `passed` opens
      nothing by itself. It is carried out within 3 s or not at all.

      EXAMPLE
        gatehouse credential north-door failed --who "Li Na"
        gatehouse credential --ticket 17 passed --who "Li Na"

      \(ExitCode.help)
      """)
  @Argument(help: "The lane, unless there is a --ticket; then passed or failed.") var words: [String]
  @Option(help: "Somebody who has one, by the number on it.") var ticket: UInt32?
  @OptionGroup var order: OrderOptions

  private var verdict: String { words.last ?? "" }

  func validate() throws {
    guard ["passed", "failed"].contains(verdict) else { throw ValidationError("Found \"\(verdict)\", expected passed or failed.") }
    guard words.count == (ticket == nil ? 2 : 1) else {
      throw ValidationError("A credential is told of a lane or of a --ticket, and then passed or failed.")
    }
  }

  func run() throws {
    let isPassed = verdict == "passed"
    if let ticket {
      try order.give(.credentialOf(ticket: ticket, passed: isPassed), done: "ticket \(ticket): \(verdict)")
    } else {
      try order.give(.credential(LaneID(0), passed: isPassed), lane: words[0], done: "\(words[0]) knows: \(verdict)")
    }
  }
}

struct AllowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "allow", abstract: "Let somebody be screened again who is refused since they left.",
    usage: "gatehouse allow <ticket> --who <who> --why <why> [options]",
    discussion: """
      Only where lanes know identities. `gatehouse alarms clear` allows all who
      left that lane, but for those whose fever was confirmed.

      EXAMPLE
        gatehouse allow 17 --who "Li Na" --why "seen by a doctor"

      \(ExitCode.help)
      """)
  @Argument(help: "The number on the person's ticket.") var ticket: UInt32
  @OptionGroup var order: OrderOptions

  func validate() throws { try order.requireWhoAndWhy("Somebody is allowed again") }

  func run() throws { try order.give(.allow(ticket: ticket), done: "ticket \(ticket) may be screened again") }
}

struct WriteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "write", abstract: "Have a device do or remember what its profile allows by name.",
    usage: "gatehouse write <device> <name> [<value>] [--who <who>] [--why <why>]",
    discussion: """
      Calibrations, intervals, modes: the entries under `writes` in the profile.
      Those with `confirm: true` need --who and --why. Relays of gates, lamps and
      buzzers are the door's own and cannot be written so.
      The log says device.written when the device has it.

      EXAMPLES
        gatehouse write room-301-co2 interval 2 --who "Li Na" --why "as agreed"
        gatehouse write room-301-co2 stop --who "Li Na" --why service

      \(ExitCode.help)
      """)
  @Argument(help: "The device.") var device: String
  @Argument(help: "The write, as the profile names it.") var name: String
  @Argument(help: "Its value, where it takes one.") var value: Double?
  @OptionGroup var order: OrderOptions

  func run() throws {
    try order.give(
      .write(DeviceID(0), 0, value: value ?? .nan), device: device, write: name, done: "\(device) is told: \(name)")
  }
}

/// One value on one line, keys in alphabetical order.
func jsonLine(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
