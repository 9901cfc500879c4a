// People screened, from a file: what the rules say of each, and how a site chooses the numbers for its own thermometer.

import Analysis
import ArgumentParser
import Domain
import Foundation
import Rules
import Settings

struct AnalyseScreeningCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "screening", abstract: "Verdicts of people's temperatures, and how well they find a fever.",
    usage: "gatehouse analyse screening <file> [--policy <file>] [options]",
    discussion: """
      Columns: surface_c, a row a person in the order in which they came; optionally
      time, ambient_c, humidity_percent, site (of the body) and reference_c (a
      contact thermometer).
      The verdict is that of a first reading. With a reference: how many of the
      febrile are found, and the offset and the cutoff that would serve best.
      It is a screening aid: a person confirms, a person decides.

      EXAMPLES
        gatehouse analyse screening people.csv --policy gatehouse.yaml --lane north
        gatehouse analyse screening trial.csv --fever-from-c 37.5 --json

      \(ExitCode.help)
      """)
  @Argument(help: "The CSV file.") var file: String
  @Option(help: "A settings file, or its policy section in a file of its own. Without it: the defaults.") var policy: String?
  @Option(help: "Whose site_offset_c of the settings is meant; not needed with one lane.") var lane: String?
  @Option(help: "Body less surface. Without it: the lane's, else the mean of reference less surface.") var siteOffsetC: Double?
  @Option(help: "The reference is called a fever from here on. Without it: the policy's threshold.") var feverFromC: Double?
  @Flag(help: "Show every row, not only those that would not pass.") var all = false
  @Flag(help: "One JSON object on one line.") var json = false

  func validate() throws {
    if let siteOffsetC, !(-5...10).contains(siteOffsetC) { throw ValidationError("--site-offset-c takes a number from -5 to 10; not \(siteOffsetC).") }
    if let feverFromC, !(35...42).contains(feverFromC) { throw ValidationError("--fever-from-c takes a number from 35 to 42; not \(feverFromC).") }
    if lane != nil, policy == nil { throw ValidationError("--lane names a lane of the file that --policy names.") }
  }

  func run() throws {
    let said = try policy.map(loadPolicy)
    let now = Int64(Date().timeIntervalSince1970) * 1_000_000_000
    let fever = said?.policy.changes.last { $0.from <= now }?.fever ?? said?.policy.fever ?? FeverPolicy()
    let people = try readingFile { try PeopleFile(path: file) }
    let offset = try chosenOffset(said?.siteOffsets ?? [], people)
    let report = ScreeningReport(path: file, people, fever, offset: offset, feverFrom: feverFromC ?? fever.threshold)
    if json {
      print(try jsonObject(report))
    } else {
      for line in report.lines(isWhole: all) { print(line) }
    }
  }

  private func chosenOffset(_ lanes: [(lane: String, celsius: Double)], _ people: PeopleFile) throws -> SiteOffset {
    if let siteOffsetC { return SiteOffset(celsius: siteOffsetC, source: .given) }
    if let lane {
      guard let found = lanes.first(where: { $0.lane == lane }) else {
        complain("there is no lane \"\(printable(lane))\" with a site_offset_c in \(policy ?? "")\(meant(lane, lanes.map(\.lane)))")
        throw ExitCode.problem
      }
      return SiteOffset(celsius: found.celsius, source: .lane(found.lane))
    }
    if lanes.count == 1 { return SiteOffset(celsius: lanes[0].celsius, source: .lane(lanes[0].lane)) }
    let differences = zip(people.reference ?? [], people.surface).map { $0 - $1 }.filter(\.isFinite)
    if lanes.isEmpty, let mean = mean(differences) { return SiteOffset(celsius: mean, source: .fitted) }
    complain(
      lanes.isEmpty
        ? "how much warmer is the body than this thermometer reads? Say it with --site-offset-c, or add a column reference_c: docs/rules.md"
        : "which lane is it? Say it with --lane: \(lanes.map(\.lane).joined(separator: ", "))")
    throw ExitCode.problem
  }
}

/// Body less surface, degC, and who says so.
struct SiteOffset: Equatable {
  enum Source: Equatable {
    case given, lane(String), fitted

    var words: String {
      switch self {
      case .given: "as given"
      case .lane(let name): "of the lane \(name)"
      case .fitted: "the mean of this file's own reference less surface"
      }
    }
  }
  var celsius: Double
  var source: Source
}
