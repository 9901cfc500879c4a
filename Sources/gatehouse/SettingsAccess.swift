// Settings and profiles as commands need them: loaded, or the end of the program with every problem on standard error.

import ArgumentParser
import Devices
import Domain
import Foundation
import Settings

/// The checked settings.
func loadSettings(_ locations: Locations) throws -> Settings {
  try reportingProblems(of: locations.settings) { try Settings.load(file: locations.settings, profiles: locations.profiles) }
}

/// The numbers that a file of settings, or of a policy alone, decides by; and the offsets of its lanes.
func loadPolicy(_ file: String) throws -> (policy: PolicySettings, siteOffsets: [(lane: String, celsius: Double)]) {
  try reportingProblems { try Settings.policy(file: file) }
}

/// The key of identities and the roster's tokens are what the door needs to start.
func checkIdentities(_ settings: Settings) throws {
  _ = try reportingProblems { try settings.site.readIdentities() }
}

/// The key of identities, and where it and the roster's tokens are; without `site.identity_secret_file` there is none.
func loadIdentityKey(_ locations: Locations) throws -> (key: IdentityKey?, keyFile: String, rosterTokens: String?) {
  try reportingProblems(of: locations.settings) {
    let files = try Settings.identityFiles(file: locations.settings)
    return (try files.secret.map { try readIdentityKey($0) }, files.secret ?? "", files.rosterTokens)
  }
}

/// Where the log is, as the settings say.
func loadLogFolder(_ locations: Locations) throws -> String {
  try reportingProblems(of: locations.settings) { try Settings.logFolder(file: locations.settings) }
}

/// A profile by its id in the folder of profiles, or by the path of its file.
func loadProfile(_ name: String, profiles: String) throws -> Profile {
  let isPath = name.contains("/") || name.hasSuffix(".yaml")
  if !isPath, !FileManager.default.fileExists(atPath: "\(profiles)/\(name).yaml") {
    complain("there is no profile \"\(printable(name))\" in \(profiles)\(meant(name, profilesIn(profiles)))")
    throw ExitCode.problem
  }
  return try reportingProblems { try Profile.load(file: isPath ? name : "\(profiles)/\(name).yaml") }
}

private func profilesIn(_ folder: String) -> [String] {
  let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }
}

/// `settings`: the file that a person may have left out.
private func reportingProblems<Value>(of settings: String? = nil, _ body: () throws -> Value) throws -> Value {
  do { return try body() } catch let problems as Problems {
    // As compilers say it, so that editors find the place.
    for problem in problems.list { complain(printable(problem.description), as: "") }
    if problems.list.contains(where: { $0.message == Problem.noSuchFile && $0.file == settings }) {
      complain("--settings or GATEHOUSE_SETTINGS says where the settings are; gatehouse.example.yaml is a start")
    }
    complain(problems.list.count == 1 ? "1 problem" : "\(problems.list.count) problems")
    throw ExitCode.problem
  }
}
