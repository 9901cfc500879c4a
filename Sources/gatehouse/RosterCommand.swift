// Names beside tokens, in a sealed store that only printing opens.

import ArgumentParser
import Domain
import Foundation
import Records
import Settings

struct RosterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "roster", abstract: "Keep who is who, sealed and apart from the log, until its day is over.",
    usage: """
      gatehouse roster import <file> [--keep-days <days>]
      gatehouse roster list
      gatehouse roster forget (<token> | --all)
      """,
    discussion: """
      The CSV has the columns token, or identity, name, role and session. An
      identity, what the card or the scanner tells, becomes a token under the
      door's key and is kept nowhere; delete the file afterwards. The store is
      sealed with a key of its own that import makes. gatehouse report ledger
      --names and gatehouse report absentees open it.
      Where the settings name site.roster_tokens_file, the tokens alone are
      written there for the door, which reads them when it starts.

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
        let identities = try loadIdentityKey(places.locations)
        let new = try readingFile { try readRoster(file, until: until, key: identities.key) }
        let tokens = Set(new.map(\.token))
        let entries = try roster.entries(on: today).filter { !tokens.contains($0.token) } + new
        try roster.keep(entries)
        print("\(new.count) entries are kept until \(until)")
        try tellDoor(entries, identities)
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
        let identities = try loadIdentityKey(places.locations)
        try roster.keep(after)
        print("\(before.count - after.count) forgotten, \(after.count) left")
        try tellDoor(after, identities)
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

/// Writes the tokens for the door, where the settings say that it asks for them.
private func tellDoor(
  _ entries: [RosterEntry], _ identities: (key: IdentityKey?, keyFile: String, rosterTokens: String?)
) throws {
  guard let key = identities.key, let file = identities.rosterTokens else { return }
  do throws(Problems) {
    let tokens = entries.compactMap { entry in Token(entry.token).map { (token: $0, until: entry.until) } }
    try writeRosterTokens(tokens, to: file, key: key, keyFile: identities.keyFile)
  } catch {
    complain(printable(error.description))
    throw ExitCode.problem
  }
  print("\(file) is written: the door reads it when it starts")
}

/// A list of people; every mistake with its place. What somebody shows at the lane is told to nobody, in no message either.
/// - Parameter key: makes tokens of identities.
func readRoster(_ path: String, until: String, key: IdentityKey?) throws -> [RosterEntry] {
  var reader = try CSVReader(path: path)
  guard try reader.next() else { throw FileProblem(file: path, message: "found an empty file, expected a first line that names the columns") }
  let headings = (0..<reader.count).map { plainHeading(reader.text($0)) }
  func place(_ names: [String]) -> Int? { headings.firstIndex { names.contains($0) } }
  let (token, identity) = (place(["token", "人员标识"]), place(["identity", "证件号", "证件号码"]))
  guard let who = token ?? identity, token == nil || identity == nil, let name = place(["name", "姓名"]) else {
    throw reader.problem(
      "found the columns \(headings.joined(separator: ", ")), expected token or identity, and name; role and session if there are any")
  }
  if identity != nil, key == nil {
    throw reader.problem(
      "found the column identity, expected site.identity_secret_file in the settings: tokens are made with that key", cell: who)
  }
  let (role, session) = (place(["role", "身份", "角色"]), place(["session", "场次"]))
  var entries: [RosterEntry] = []
  var lines: [String: Int] = [:]
  while try reader.next() {
    let text = reader.text(who)
    guard !text.isEmpty else {
      throw reader.problem("found no \(headings[who]), expected one in each row; fill it in, or take the row out", cell: who)
    }
    let made = identity == nil ? try checkedToken(text, reader, who) : try tokenOfIdentity(text, key, reader, who)
    if let line = lines.updateValue(reader.line, forKey: made) {
      throw reader.problem(
        "found the \(headings[who]) of line \(line) again, expected each once; take one of the two rows out", cell: who)
    }
    for cell in [name, role, session].compactMap(\.self) where reader.trimmed(cell).count > 256 {
      throw reader.problem("found \(reader.trimmed(cell).count) bytes, expected 256 at most", cell: cell)
    }
    entries.append(
      RosterEntry(
        token: made, name: reader.text(name), role: role.map { reader.text($0) } ?? "", session: session.map { reader.text($0) } ?? "",
        until: until))
    guard entries.count <= 1_000_000 else { throw reader.problem("found more than 1,000,000 rows, expected a million at most") }
  }
  return entries
}

private func checkedToken(_ text: String, _ reader: CSVReader, _ cell: Int) throws -> String {
  guard let token = Token(text.lowercased()) else {
    throw reader.problem(
      "found something else than 32 hex digits, expected a token as the log has it; numbers of cards belong in a column identity", cell: cell)
  }
  return token.text
}

private func tokenOfIdentity(_ text: String, _ key: IdentityKey?, _ reader: CSVReader, _ cell: Int) throws -> String {
  // As much as a scanner's profile takes.
  guard text.utf8.count <= 1_024 else {
    throw reader.problem("found \(text.utf8.count) bytes, expected 1024 at most, as much as a scanner tells", cell: cell)
  }
  // What a spreadsheet makes of 110105194912310021 has lost its last digits.
  if text.contains(/^[0-9][.,][0-9]+E[+][0-9]+$/) {
    throw reader.problem(
      "found a number in scientific notation, expected all its digits; format that column of the spreadsheet as text and enter them again",
      cell: cell)
  }
  guard let key else { return "" }
  return key.token(of: text).text
}
