// The simulators as a program.

import ArgumentParser
import Foundation
import Glibc
import Simulation
import Synchronization

@main struct GatehouseSim: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gatehouse-sim",
    abstract: "Simulate a site: at wire level for any program, or as scenarios that test the door.",
    subcommands: [RunCommand.self, TellCommand.self, TestCommand.self, ExploreCommand.self], defaultSubcommand: RunCommand.self)
}

/// Where device profiles are.
struct ProfilesFolder: ParsableArguments {
  @Option(help: "The folder of device profiles (GATEHOUSE_PROFILES; else the ones installed with the program, else ./DeviceProfiles).")
  var profiles: String?

  /// As every program of the door finds it: the flag, the environment, what is installed, what lies here.
  var folder: String {
    if let profiles { return profiles }
    if let named = ProcessInfo.processInfo.environment["GATEHOUSE_PROFILES"], !named.isEmpty { return named }
    let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let installed = URL(filePath: program).deletingLastPathComponent().deletingLastPathComponent().path
      + "/share/gatehouse/profiles"
    return FileManager.default.fileExists(atPath: installed) ? installed : "./DeviceProfiles"
  }
}

/// One line for whoever looks, on standard error.
func complain(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }

/// A signal lets what runs come to its end.
func endOnSignals() {
  // Made before a signal can come: a global's first use takes a lock.
  simulationMustEnd.store(false, ordering: .relaxed)
  for number in [SIGINT, SIGTERM, SIGHUP] {
    _ = signal(number) { _ in simulationMustEnd.store(true, ordering: .relaxed) }
  }
}
