// Where settings, profiles, log and sockets are. Flags win over the environment, the environment over what is found.

import ArgumentParser
import Control
import Foundation

/// The options about places that most commands share.
struct PlaceOptions: ParsableArguments {
  @Option(help: "The settings file (GATEHOUSE_SETTINGS; else ./gatehouse.yaml, /etc/gatehouse/gatehouse.yaml).")
  var settings: String?
  @Option(help: "The folder of device profiles (GATEHOUSE_PROFILES; else the ones installed with the program, else ./DeviceProfiles).")
  var profiles: String?
  @Option(help: "The folder of the door's sockets (GATEHOUSE_RUN_DIR; else the log's folder).")
  var runDir: String?

  var locations: Locations {
    Locations(
      settings: settings, profiles: profiles, runDir: runDir, environment: ProcessInfo.processInfo.environment,
      program: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "",
      exists: { FileManager.default.fileExists(atPath: $0) })
  }
}

/// Paths, resolved. The file system is asked only through `exists`, so that tests can say what there is.
struct Locations: Equatable {
  /// The first place when there is none: an error names a path that can be made.
  var settings: String
  var profiles: String
  /// `nil`: the log's folder, which the settings name.
  var runDir: String?

  init(
    settings: String?, profiles: String?, runDir: String?, environment: [String: String], program: String,
    exists: (String) -> Bool
  ) {
    func chosen(_ flag: String?, _ variable: String) -> String? {
      if let flag, !flag.isEmpty { return flag }
      return environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    }
    func found(_ candidates: [String]) -> String { candidates.first(where: exists) ?? candidates[0] }
    self.settings =
      chosen(settings, "GATEHOUSE_SETTINGS") ?? found(["./gatehouse.yaml", "/etc/gatehouse/gatehouse.yaml"])
    let beside = URL(filePath: program).deletingLastPathComponent().deletingLastPathComponent().path
    self.profiles =
      chosen(profiles, "GATEHOUSE_PROFILES") ?? found([beside + "/share/gatehouse/profiles", "./DeviceProfiles"])
    self.runDir = chosen(runDir, "GATEHOUSE_RUN_DIR")
  }

  func sockets(logFolder: String) -> ControlPaths { ControlPaths(folder: runDir ?? logFolder) }
}
