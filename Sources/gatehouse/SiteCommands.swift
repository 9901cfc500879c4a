// What staff tell the door of the whole site: opening and closing, cases, incidents, disinfection, what they vouch for.

import ArgumentParser
import Control
import Domain
import Foundation

struct SiteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "site", abstract: "Show whether the site is open; open or close it.",
    usage: """
      gatehouse site [options]
      gatehouse site open --who <who> [options]
      gatehouse site close --who <who> [options]
      """,
    discussion: """
      With `site.opening: by_command` nobody is admitted before the site is opened,
      and it opens only with a free isolation room that somebody vouches for, with
      every item of the checklist attested, and with every room ventilated and
      disinfected. A refusal names what is missing.

      EXAMPLES
        gatehouse site
        gatehouse site open --who "Li Na"

      \(ExitCode.help)
      """,
    subcommands: [Show.self, Open.self, Close.self], defaultSubcommand: Show.self)

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show whether the site is open, its rooms and open cases.", usage: "gatehouse site [show] [options]",
      discussion: "EXAMPLE\n  gatehouse site")
    @OptionGroup var places: PlaceOptions

    func run() throws {
      let status = try places.status().status
      print("The site is \(status.siteState ?? "open").")
      for table in [status.caseTable, status.useTable] where !table.isEmpty {
        print("")
        for line in table.lines() { print(line) }
      }
    }
  }

  struct Open: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Open the site.", usage: "gatehouse site open --who <who> [options]",
      discussion: "EXAMPLE\n  gatehouse site open --who \"Li Na\"")
    @OptionGroup var order: OrderOptions

    func validate() throws { try order.requireWho("A site is opened") }
    func run() throws { try order.give(.openSite, done: "the site is open") }
  }

  struct Close: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Close the site.", usage: "gatehouse site close --who <who> [options]",
      discussion: "EXAMPLE\n  gatehouse site close --who \"Li Na\"")
    @OptionGroup var order: OrderOptions

    func validate() throws { try order.requireWho("A site is closed") }
    func run() throws { try order.give(.closeSite, done: "the site is closed") }
  }
}

struct CaseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "case", abstract: "List open cases; open one by symptom; take its steps.",
    usage: """
      gatehouse case [options]
      gatehouse case open <place> --symptom <text> --who <who> [options]
      gatehouse case open --ticket <n> --symptom <text> --who <who> [options]
      gatehouse case isolated <case> <room> --who <who> [options]
      gatehouse case reported <case> --to <whom> --who <who> [options]
      gatehouse case contacts <case> --who <who> [options]
      gatehouse case room <case> <room> --who <who> [options]
      gatehouse case handed-over <case> --to <whom> --who <who> [options]
      gatehouse case close <case> --who <who> [options]
      """,
    discussion: """
      A contact thermometer's reading that confirms a fever opens a case by itself.
      The isolation room stays locked after it until it was ventilated and
      disinfected; then the case can be closed.

      EXAMPLES
        gatehouse case open north-door --symptom cough --who "Li Na"
        gatehouse case isolated 3 isolation-1 --who "Li Na"
        gatehouse case reported 3 --to "district CDC, 010-1234" --who "Li Na"

      \(ExitCode.help)
      """,
    subcommands: [
      List.self, Open.self, Isolated.self, Reported.self, Contacts.self, Room.self, HandedOver.self, Close.self,
    ], defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the cases that are not closed.", usage: "gatehouse case [list] [options]",
      discussion: "EXAMPLE\n  gatehouse case")
    @OptionGroup var places: PlaceOptions

    func run() throws {
      let status = try places.status().status
      if status.caseTable.isEmpty { print("No open cases.") }
      for line in status.caseTable.lines() where !status.caseTable.isEmpty { print(line) }
    }
  }

  struct Open: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Open a case by a symptom that somebody saw, without a reading.",
      usage: """
        gatehouse case open <place> --symptom <text> --who <who> [options]
        gatehouse case open --ticket <n> --symptom <text> --who <who> [options]
        """,
      discussion: """
        Whoever stands at the lane, or has the ticket, does not pass: the gate that
        was opened for them is shut, and they are refused until `gatehouse allow`.

        EXAMPLES
          gatehouse case open room-301 --symptom cough --who "Li Na"
          gatehouse case open --ticket 17 --symptom cough --who "Li Na"
        """)
    @Argument(help: "The lane or room where the person is.") var place: String?
    @Option(help: "Who it is, by the number on the ticket.") var ticket: UInt32?
    @Option(help: "What was seen, in a few words.") var symptom: String
    @OptionGroup var order: OrderOptions

    func validate() throws {
      guard (place == nil) != (ticket == nil) else { throw ValidationError("A case is opened at a place or for a --ticket.") }
      try order.requireWho("A case is opened")
    }
    func run() throws {
      let action = ticket.map { Action.openCaseOf(ticket: $0) } ?? .openCase(.site)
      try order.give(action, place: place, why: symptom, done: "a case is open: `gatehouse case` shows its number")
    }
  }

  struct Isolated: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Confirm that the person arrived in an isolation room.",
      usage: "gatehouse case isolated <case> <room> --who <who> [options]",
      discussion: "EXAMPLE\n  gatehouse case isolated 3 isolation-1 --who \"Li Na\"")
    @Argument(help: "The number of the case.") var number: UInt32
    @Argument(help: "The isolation room.") var room: String
    @OptionGroup var order: OrderOptions

    func validate() throws { try order.requireWho("An arrival is confirmed") }
    func run() throws {
      try order.give(
        .advanceCase(number: number, .isolated, room: RoomID(0)), room: room, done: "case \(number) is in \(room)")
    }
  }

  struct Reported: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Record that the case was reported, and to whom.",
      usage: "gatehouse case reported <case> --to <whom> --who <who> [options]",
      discussion: "EXAMPLE\n  gatehouse case reported 3 --to \"district CDC\" --who \"Li Na\"")
    @Argument(help: "The number of the case.") var number: UInt32
    @Option(help: "To whom, and what proves it: a number, a receipt.") var to: String
    @OptionGroup var order: OrderOptions

    func validate() throws { try order.requireWho("A report is recorded") }
    func run() throws {
      try order.give(
        .advanceCase(number: number, .reported, room: RoomID(0)), why: to, done: "case \(number) was reported to \(to)")
    }
  }

  struct Contacts: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Record that the contacts of the person were listed.",
      usage: "gatehouse case contacts <case> --who <who> [options]",
      discussion: "EXAMPLE\n  gatehouse case contacts 3 --who \"Li Na\"")
    @Argument(help: "The number of the case.") var number: UInt32
    @OptionGroup var order: OrderOptions

    func validate() throws { try order.requireWho("A list of contacts is recorded") }
    func run() throws {
      try order.give(
        .advanceCase(number: number, .contactsListed, room: RoomID(0)), done: "the contacts of case \(number) are listed")
    }
  }

  struct Room: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lock another room that the case has to do with.",
      usage: "gatehouse case room <case> <room> --who <who> [options]",
      discussion: "EXAMPLE\n  gatehouse case room 3 room-301 --who \"Li Na\"")
    @Argument(help: "The number of the case.") var number: UInt32
    @Argument(help: "The room.") var room: String
    @OptionGroup var order: OrderOptions

    func validate() throws { try order.requireWho("A room is locked") }
    func run() throws {
      try order.give(
        .advanceCase(number: number, .roomAdded, room: RoomID(0)), room: room,
        done: "\(room) is locked until it was ventilated and disinfected")
    }
  }

  struct HandedOver: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "handed-over", abstract: "Record that the person left, and with whom.",
      usage: "gatehouse case handed-over <case> --to <whom> --who <who> [options]",
      discussion: "EXAMPLE\n  gatehouse case handed-over 3 --to \"fever clinic\" --who \"Li Na\"")
    @Argument(help: "The number of the case.") var number: UInt32
    @Option(help: "Who took over.") var to: String
    @OptionGroup var order: OrderOptions

    func validate() throws { try order.requireWho("A person is handed over") }
    func run() throws {
      try order.give(
        .advanceCase(number: number, .handedOver, room: RoomID(0)), why: to, done: "case \(number): handed over to \(to)")
    }
  }

  struct Close: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Close a case: all its steps are done and its rooms are clean.",
      usage: "gatehouse case close <case> --who <who> [options]",
      discussion: "EXAMPLE\n  gatehouse case close 3 --who \"Li Na\"")
    @Argument(help: "The number of the case.") var number: UInt32
    @OptionGroup var order: OrderOptions

    func validate() throws { try order.requireWho("A case is closed") }
    func run() throws {
      try order.give(.advanceCase(number: number, .closed, room: RoomID(0)), done: "case \(number) is closed")
    }
  }
}

struct IncidentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "incident", abstract: "Suspend entries and sessions, or release them again.",
    usage: """
      gatehouse incident begin [<place>] --who <who> --why <why> [options]
      gatehouse incident end [<place>] --who <who> --why <why> [options]
      """,
    discussion: """
      At a lane, in a room, or at the whole site. Fire release and staff button of a
      gate go on working.

      EXAMPLES
        gatehouse incident begin --who "Li Na" --why "suspected outbreak"
        gatehouse incident end --who "Li Na" --why "released by the district CDC"

      \(ExitCode.help)
      """,
    subcommands: [Begin.self, End.self])

  struct Begin: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Refuse entries and session starts.",
      usage: "gatehouse incident begin [<place>] --who <who> --why <why> [options]",
      discussion: "EXAMPLE\n  gatehouse incident begin room-301 --who \"Li Na\" --why \"suspected case\"")
    @Argument(help: "A lane or a room; without it, the site.") var place = "site"
    @OptionGroup var order: OrderOptions

    func validate() throws { try order.requireWhoAndWhy("Entries are suspended") }
    func run() throws { try order.give(.beginIncident(.site), place: place, done: "\(place) is suspended") }
  }

  struct End: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Release entries and session starts.",
      usage: "gatehouse incident end [<place>] --who <who> --why <why> [options]",
      discussion: "EXAMPLE\n  gatehouse incident end room-301 --who \"Li Na\" --why \"disinfected\"")
    @Argument(help: "A lane or a room; without it, the site.") var place = "site"
    @OptionGroup var order: OrderOptions

    func validate() throws { try order.requireWhoAndWhy("An incident is ended") }
    func run() throws { try order.give(.endIncident(.site), place: place, done: "\(place) is released") }
  }
}

struct DisinfectedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disinfected", abstract: "Record that a room was disinfected.",
    usage: """
      gatehouse disinfected <room> --method <method> --agent <agent>
        --minutes <minutes> [--minutes-ago <minutes>] --who <who> [options]
      """,
    discussion: """
      The disinfection record asks for the time, the method and who answers for it.

      EXAMPLE
        gatehouse disinfected r-301 --method wipe --agent Cl --minutes 30 --who Li

      \(ExitCode.help)
      """)
  @Argument(help: "The room.") var room: String
  @Option(help: "spray, wipe, ultraviolet, fog or other.") var method: String
  @Option(help: "With what: the agent and its strength.") var agent: String
  @Option(help: "How long it took.") var minutes: UInt16
  @Option(help: "How long ago it ended.") var minutesAgo: UInt16 = 0
  @OptionGroup var order: OrderOptions

  func validate() throws {
    try order.requireWho("A disinfection is recorded")
    guard DisinfectionMethod.allCases.contains(where: { $0.name == method }) else {
      throw ValidationError("--method: expected one of \(DisinfectionMethod.allCases.map(\.name).joined(separator: ", ")).")
    }
  }

  func run() throws {
    let method = DisinfectionMethod.allCases.first { $0.name == self.method } ?? .other
    try order.give(
      .disinfected(RoomID(0), method, minutes: minutes, minutesAgo: minutesAgo), room: room, why: agent,
      done: "the disinfection of \(room) is recorded")
  }
}

struct AttestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attest", abstract: "Vouch for an item of the checklist, or for an isolation room.",
    usage: "gatehouse attest <item> --who <who> [options]",
    discussion: """
      EXAMPLES
        gatehouse attest supplies --who "Li Na"
        gatehouse attest isolation-1 --who "Li Na"

      \(ExitCode.help)
      """)
  @Argument(help: "The item, as in `checklist` in the settings, or the isolation room.") var item: String
  @OptionGroup var order: OrderOptions

  func validate() throws { try order.requireWho("Somebody vouches for it") }
  func run() throws { try order.give(.attest(item: 0), item: item, done: "\(item) is attested") }
}
