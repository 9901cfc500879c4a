// Other people's measurements, looked at with the same functions as the door's own.

import ArgumentParser
import Foundation

struct AnalyseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "analyse", abstract: "Look at a file of measurements: a room's air, or people screened.",
    usage: """
      gatehouse analyse air <file> [options]
      gatehouse analyse screening <file> [options]
      """,
    discussion: """
      Takes CSV files of any logger or thermometer: commas, semicolons or tabs; the
      first line names the columns, with units in the names. Neither a door nor
      settings are needed. docs/analyse.md has the columns and an example.

      EXAMPLES
        gatehouse analyse air room.csv --volume-m3 102 --occupants 4
        gatehouse analyse screening people.csv --policy gatehouse.yaml

      \(ExitCode.help)
      """,
    subcommands: [AnalyseAirCommand.self, AnalyseScreeningCommand.self])
}

/// What goes wrong with somebody's file is the end of the program with every mistake on standard error.
func readingFile<Value>(_ body: () throws -> Value) throws -> Value {
  do {
    return try body()
  } catch let problem as FileProblem {
    complain(printable(problem.description), as: "")
    throw ExitCode.problem
  } catch let problems as FileProblems {
    for problem in problems.list { complain(printable(problem.description), as: "") }
    let more = problems.count - problems.list.count
    complain((problems.count == 1 ? "1 problem" : "\(problems.count) problems") + (more > 0 ? ", the first \(problems.list.count) are shown" : ""))
    throw ExitCode.problem
  }
}

/// One value on one line, keys as `snake_case` and in alphabetical order.
func jsonObject(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  encoder.keyEncodingStrategy = .convertToSnakeCase
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
