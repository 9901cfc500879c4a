// Names beside tokens, in a sealed store that only printing opens.

import ArgumentParser
import Foundation
import Records

struct RosterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "roster", abstract: "Keep who is who, sealed and apart from the log, until its day is over.",
    usage: """
      gatehouse roster import <file> [--keep-days <days>]
      gatehouse roster list
      gatehouse roster forget (<token> | --all)
      """,
    discussion: """
      The CSV has the columns token, name, role and session. The store is sealed
      with a key of its own that import makes. gatehouse report ledger --names
      and gatehouse report absentees open it.

      EXAMPLES
        gatehouse roster import candidates.csv --keep-days 30
        gatehouse roster list
        gatehouse roster forget --all

      \(ExitCode.help)
      """,
    subcommands: [Import.self, List.self, Forget.self])

  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "import", abstract: "Take a list in; who is in the store already is replaced.",
      usage: "gatehouse roster import <file> [--keep-days <days>] [options]",
      discussion: "EXAMPLE\n  gatehouse roster import candidates.csv --keep-days 30")
    @Argument(help: "The CSV file.") var file: String
    @Option(help: "How long the entries may be read.") var keepDays = 30
    @OptionGroup var place: RosterOptions
    @OptionGroup var places: PlaceOptions

    func validate() throws {
      if !(1...366).contains(keepDays) { throw ValidationError("--keep-days takes a number from 1 to 366; not \(keepDays).") }
    }

    func run() throws {
      try place.using(places, makesKey: true) { roster, today in
        let until = dayText(Date().addingTimeInterval(Double(keepDays) * 86_400), .current)
        let new = try readingFile { try readRoster(file, until: until) }
        let tokens = Set(new.map(\.token))
        try roster.keep(try roster.entries(on: today).filter { !tokens.contains($0.token) } + new)
        print("\(new.count) entries are kept until \(until)")
      }
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Show who is in the store.", usage: "gatehouse roster list [options]",
      discussion: "EXAMPLE\n  gatehouse roster list")
    @OptionGroup var place: RosterOptions
    @OptionGroup var places: PlaceOptions

    func run() throws {
      try place.using(places) { roster, today in
        var table = Columns([("TOKEN", .left), ("ROLE", .left), ("SESSION", .left), ("UNTIL", .left), ("NAME", .left)])
        for entry in try roster.entries(on: today) { table.add([entry.token, entry.role, entry.session, entry.until, entry.name]) }
        if table.isEmpty { print("Nobody is in the roster.") } else { for line in table.lines() { print(line) } }
      }
    }
  }

  struct Forget: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "forget", abstract: "Take somebody out, or everybody.", usage: "gatehouse roster forget (<token> | --all) [options]",
      discussion: "EXAMPLE\n  gatehouse roster forget --all")
    @Argument(help: "Whose entry.") var token: String?
    @Flag(help: "Everybody's.") var all = false
    @OptionGroup var place: RosterOptions
    @OptionGroup var places: PlaceOptions

    func validate() throws {
      if (token != nil) == all { throw ValidationError("Say whose entry is to be forgotten, or --all.") }
    }

    func run() throws {
      try place.using(places) { roster, today in
        let before = try roster.entries(on: today)
        let after = all ? [] : before.filter { $0.token != token }
        guard all || after.count < before.count else {
          complain("there is nobody with that token")
          throw ExitCode.problem
        }
        try roster.keep(after)
        print("\(before.count - after.count) forgotten, \(after.count) left")
      }
    }
  }
}

/// Where the store and its key are.
struct RosterOptions: ParsableArguments {
  @Option(help: "The sealed store; else roster.sealed beside the settings.") var rosterFile: String?
  @Option(help: "Its key; else roster.key beside the settings.") var keyFile: String?

  func using(_ places: PlaceOptions, makesKey: Bool = false, _ body: (Roster, String) throws -> Void) throws {
    do {
      try body(try open(places, makesKey: makesKey), dayText(Date(), .current))
    } catch let error as RosterError {
      complain(printable(error.description))
      throw ExitCode.problem
    }
  }

  func open(_ places: PlaceOptions, makesKey: Bool = false) throws -> Roster {
    let folder = URL(filePath: places.locations.settings).deletingLastPathComponent()
    return try Roster(
      store: rosterFile.map { URL(filePath: $0) } ?? folder.appending(path: "roster.sealed"),
      keyFile: keyFile.map { URL(filePath: $0) } ?? folder.appending(path: "roster.key"), makesKey: makesKey)
  }
}

/// A list of people; every mistake with its place.
func readRoster(_ path: String, until: String) throws -> [RosterEntry] {
  var reader = try CSVReader(path: path)
  guard try reader.next() else { throw FileProblem(file: path, message: "found an empty file, expected a first line that names the columns") }
  let headings = (0..<reader.count).map { plainHeading(reader.text($0)) }
  func place(_ names: [String]) -> Int? { headings.firstIndex { names.contains($0) } }
  guard let token = place(["token", "人员标识"]), let name = place(["name", "姓名"]) else {
    throw reader.problem("found the columns \(headings.joined(separator: ", ")), expected token and name; role and session if there are any")
  }
  let (role, session) = (place(["role", "身份", "角色"]), place(["session", "场次"]))
  var entries: [RosterEntry] = []
  var seen: Set<String> = []
  while try reader.next() {
    let entry = RosterEntry(
      token: reader.text(token), name: reader.text(name), role: role.map { reader.text($0) } ?? "", session: session.map { reader.text($0) } ?? "",
      until: until)
    guard !entry.token.isEmpty else { throw reader.problem("found no token, expected one in each row", cell: token) }
    guard seen.insert(entry.token).inserted else { throw reader.problem("found the token \"\(entry.token)\" twice, expected each once", cell: token) }
    guard entries.count < 1_000_000 else { throw reader.problem("found more than 1,000,000 rows") }
    entries.append(entry)
  }
  return entries
}
