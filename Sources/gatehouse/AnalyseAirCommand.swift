// A room's air, from the file of any logger.

import Analysis
import ArgumentParser
import Foundation

struct AnalyseAirCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "air", abstract: "Air changes, fresh air a person and ventilations, from a file of CO2.",
    usage: "gatehouse analyse air <file> [--volume-m3 <m3>] [options]",
    discussion: """
      Columns: time, co2_ppm; optionally temperature_c, humidity_percent, occupants
      and window (open or closed, 1 or 0).

      EXAMPLES
        gatehouse analyse air room.csv
        gatehouse analyse air room.csv --volume-m3 102 --occupants 4 --json

      \(ExitCode.help)
      """)
  @Argument(help: "The CSV file.") var file: String
  @Option(help: "Of the room. Without it, air changes come from decays only.") var volumeM3: Double?
  @Option(help: "CO2 outdoors, with the same sensor where possible.") var outdoorPpm = 420.0
  @Option(help: "People in it all the time; a column of that name wins.") var occupants: Double?
  @Option(help: "CO2 of a person: 0.005 sitting and writing. Without it, it is fitted, or 0.005.") var generationLps: Double?
  @Option(help: "When people work: the slots are the morning and the afternoon.") var work = "08:00-18:00"
  @Option(help: "Of the sensor, until it shows 63 % of a step; a decay's first three of it are left out.") var responseS = 60.0
  @Option(help: "A decay is fitted down to so much above outdoors.") var fitDownToPpm = 100.0
  @Flag(help: "One JSON object on one line.") var json = false

  func validate() throws {
    func check(_ name: String, _ value: Double?, _ range: ClosedRange<Double>) throws {
      if let value, !range.contains(value) {
        throw ValidationError("\(name) takes a number from \(decimal(range.lowerBound, digits: 4)) to \(decimal(range.upperBound)); not \(value).")
      }
    }
    try check("--volume-m3", volumeM3, 1...1_000_000)
    try check("--outdoor-ppm", outdoorPpm, 300...1_000)
    try check("--occupants", occupants, 0...100_000)
    try check("--generation-lps", generationLps, 0.0005...0.05)
    try check("--response-s", responseS, 0...3_600)
    try check("--fit-down-to-ppm", fitDownToPpm, 0...1_000)
    if WorkHours(work) == nil { throw ValidationError("--work takes times around noon such as 08:00-18:00; not \"\(work)\".") }
  }

  func run() throws {
    guard let hours = WorkHours(work) else { return }
    let room = try readingFile { try AirFile(path: file) }
    var facts = RoomFacts()
    facts.volumeM3 = volumeM3
    facts.outdoorPpm = outdoorPpm
    facts.people = occupants
    facts.generationLps = generationLps
    var policy = VentilationPolicy()
    policy.responseSeconds = responseS
    policy.fittedDownToPpm = fitDownToPpm
    let survey = AirSurvey(room.trace, facts: facts, policy: policy)
    let report = AirReport(path: file, room, survey, facts: facts, policy: policy, work: hours)
    if json {
      print(try jsonObject(report))
    } else {
      for line in report.lines(room, survey) { print(line) }
    }
  }
}
