// `gatehouse-sim test`: lives scenarios and says whether everything came as they expect.

import ArgumentParser
import Domain
import Foundation
import Settings
import Simulation
import Synchronization

struct TestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Live scenarios, and say whether everything came as they expect.",
    discussion: """
      A scenario is a YAML file: the door's settings, what happens when, and
      what must come of it. docs/testing-with-simulators.md has the language.

      EXAMPLES
        gatehouse-sim test scenarios/fever.yaml
        gatehouse-sim test scenarios/*.yaml --junit results.xml
        gatehouse-sim test scenarios/crowd.yaml --seed 7
        gatehouse-sim test scenarios/fever.yaml --real

      EXIT CODES  0 everything came as expected, 1 something did not,
                  64 wrong usage, 65 a scenario is wrong
      """)

  @Argument(help: "Scenarios.") var scenarios: [String]
  @OptionGroup var profiles: ProfilesFolder
  @Option(help: "Another seed than the scenarios' own.") var seed: UInt64?
  @Option(help: "Write the results as JUnit XML into this file.") var junit: String?
  @Flag(help: "Live them all as time passes, with the program gatehoused.") var real = false
  @Option(help: "The program gatehoused for scenarios in real time (the one beside this program; else the one in PATH).")
  var door: String?
  @Flag(help: "Write the results as TAP, and nothing else, to standard output.") var tap = false
  @Option(help: "Keep the logs in this folder, one folder a scenario.") var logs: String?

  func run() throws {
    var loaded: [Scenario] = []
    var isWrong = false
    for file in scenarios {
      do {
        var scenario = try Scenario.load(file: file, profiles: profiles.folder, inRealTime: real)
        if let seed { scenario.seed = seed }
        loaded.append(scenario)
      } catch {
        complain("\(error)")
        isWrong = true
      }
    }
    if isWrong { throw ExitCode(65) }
    endOnSignals()
    var results: [ScenarioResult] = []
    for scenario in loaded where !simulationMustEnd.load(ordering: .relaxed) {
      let result = try live(scenario)
      if !tap { print(terminalReport(result)) }
      results.append(result)
    }
    if tap { print(tapReport(results)) } else { print(summary(results)) }
    if let junit {
      do { try junitReport(results).write(toFile: junit, atomically: true, encoding: .utf8) } catch {
        complain("\(junit) cannot be written: \(error.localizedDescription)")
        throw ExitCode(1)
      }
    }
    if !results.allSatisfy(\.isAsExpected) { throw ExitCode(1) }
  }

  private func live(_ scenario: Scenario) throws -> ScenarioResult {
    let kept = logs.map { URL(filePath: $0).appending(path: scenario.name) }
    let folder = kept ?? FileManager.default.temporaryDirectory.appending(path: "gatehouse-scenario-\(UUID().uuidString)")
    defer { if kept == nil { try? FileManager.default.removeItem(at: folder) } }
    if FileManager.default.fileExists(atPath: folder.path) {
      complain("\(folder.path) is there already, and a scenario begins with an empty log: name another folder for --logs")
      throw ExitCode(1)
    }
    let showsProgress = isatty(STDERR_FILENO) == 1 && !tap
    var told = ContinuousClock.now
    let run: ScenarioRun
    do { run = try scenarioRun(scenario, folder.path) } catch let code as ExitCode { throw code } catch {
      return ScenarioResult(scenario, neverLived: "\(error)")
    }
    return run.run { elapsed in
      guard showsProgress, told.duration(to: .now) > .milliseconds(200) else { return }
      told = .now
      let share = Int(100 * elapsed.seconds / max(scenario.lasts.seconds, 1e-9))
      FileHandle.standardError.write(Data("\r\(scenario.name): \(share) %\u{1B}[K\r".utf8))
    }
  }

  private func scenarioRun(_ scenario: Scenario, _ folder: String) throws -> ScenarioRun {
    guard scenario.isInRealTime else { return try ScenarioRun(scenario, folder: folder) }
    guard let door = door ?? foundDoor() else {
      complain("gatehoused is neither beside gatehouse-sim nor in PATH: name it with --door")
      throw ExitCode(1)
    }
    return try ScenarioRun(scenario, folder: folder, door: door, profiles: URL(filePath: profiles.folder).path)
  }

  private func foundDoor() -> String? {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let beside = URL(filePath: own).deletingLastPathComponent().path
    let folders = [beside] + (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    return folders.map { $0 + "/gatehoused" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
