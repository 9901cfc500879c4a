// `gatehouse-sim explore`: random worlds, each out of one number, and rules that must hold in all of them.

import ArgumentParser
import Foundation
import Settings
import Simulation

struct ExploreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explore",
    abstract: "Live random worlds at a site, with anything going wrong, and check its rules.",
    discussion: """
      Each seed is people at the site of the settings, and faults: pulled
      cables, noise, a killed door, a full disk, a clock that is set, jammed
      gates, fire. After the faults everything must be well again. A failure is
      made as small as it can be and printed; the same seed gives it again.

      EXAMPLES
        gatehouse-sim explore gatehouse.yaml --seeds 20 --minutes 5
        gatehouse-sim explore gatehouse.yaml --from 1234 --seeds 1
        gatehouse-sim explore gatehouse.yaml --seeds 5000 --first

      EXIT CODES  0 all rules held, 1 one was broken, 64 wrong usage,
                  65 settings are wrong
      """)

  @Argument(help: "The settings file.") var settings: String
  @Option(help: "How many worlds.") var seeds = 20
  @Option(help: "The first seed.") var from: UInt64 = 1
  @Option(help: "How many minutes things go wrong in each.") var minutes = 5
  @Flag(help: "Stop at the first failure, and print its world as it is.") var first = false
  @OptionGroup var profiles: ProfilesFolder

  func validate() throws {
    if !(1...1_000_000).contains(seeds) { throw ValidationError("--seeds is between 1 and 1000000.") }
    if from > UInt64.max - UInt64(seeds) { throw ValidationError("--from is so large that not all seeds fit behind it.") }
    if !(1...1_440).contains(minutes) { throw ValidationError("--minutes is between 1 and 1440.") }
  }

  func run() throws {
    let explorer: Explorer
    do { explorer = Explorer(try Settings.load(file: settings, profiles: profiles.folder), minutes: minutes) } catch {
      complain("\(error)")
      throw ExitCode(65)
    }
    let folder = FileManager.default.temporaryDirectory.appending(path: "gatehouse-explore-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    var failed = 0, lived = 0, events = 0
    for seed in from..<(from + UInt64(seeds)) {
      let place = folder.appending(path: "\(seed)")
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      let found = try explorer.live(explorer.world(seed), folder: place.path)
      lived += 1
      events += found.events
      if found.violation != nil {
        failed += 1
        if first {
          print(found.words)
          break
        }
        complain("seed \(seed) breaks a rule; making it small ...")
        let small = try explorer.shrink(found, folder: place.appending(path: "smaller").path)
        print(small.words)
      }
      try? FileManager.default.removeItem(at: place)
    }
    print("\(lived) worlds of \(minutes) min, \(events) events: \(failed == 0 ? "all rules held" : "\(failed) broke a rule")")
    if failed > 0 { throw ExitCode(1) }
  }
}
