// Settings and profiles as commands need them: loaded, or the end of the program with every problem on standard error.

import ArgumentParser
import Devices
import Foundation
import Settings

/// The checked settings.
func loadSettings(_ locations: Locations) throws -> Settings {
  try reportingProblems { try Settings.load(file: locations.settings, profiles: locations.profiles) }
}

/// Where the log is, as the settings say.
func loadLogFolder(_ locations: Locations) throws -> String {
  try reportingProblems { try Settings.logFolder(file: locations.settings) }
}

/// A profile by its id in the folder of profiles, or by the path of its file.
func loadProfile(_ name: String, profiles: String) throws -> Profile {
  let isPath = name.contains("/") || name.hasSuffix(".yaml")
  return try reportingProblems { try Profile.load(file: isPath ? name : "\(profiles)/\(name).yaml") }
}

private func reportingProblems<Value>(_ body: () throws -> Value) throws -> Value {
  do { return try body() } catch let problems as Problems {
    for problem in problems.list { complain(printable(problem.description)) }
    if problems.list.contains(where: { $0.message == Problem.noSuchFile }) {
      complain("--settings or GATEHOUSE_SETTINGS says where the settings are; gatehouse.example.yaml is a start")
    }
    complain(problems.list.count == 1 ? "1 problem" : "\(problems.list.count) problems")
    throw ExitCode.problem
  }
}
