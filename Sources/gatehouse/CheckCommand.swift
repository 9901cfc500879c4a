// Are the settings and profiles right? Without devices and without a door: before a change goes live, and in CI.

import ArgumentParser
import Foundation
import Settings

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check settings and profiles, without devices.",
    usage: "gatehouse check [--settings <file>] [--profiles <folder>]",
    discussion: """
      Prints every problem at once, each with its place in the file, what was
      found and what was expected. Warnings are printed too and are no problem.

      EXAMPLES
        gatehouse check
        gatehouse check --settings new.yaml  before it replaces the one in use

      \(ExitCode.help)
      """)
  @OptionGroup var places: PlaceOptions

  func run() throws {
    var settings = try loadSettings(places.locations)
    if let secret = settings.site.identitySecretFile, unsafe access(secret, R_OK) != 0, errno == EACCES {
      settings.warnings.append(
        Problem(
          file: secret, line: 0, column: 0, path: "site.identity_secret_file",
          message: "only its owner reads it: check as that user looks at it, and at the roster's tokens"))
    } else {
      try checkIdentities(settings)
    }
    for line in settings.summary(file: places.locations.settings) { print(line) }
  }
}

extension Settings {
  /// What a person wants to see of settings that are right.
  func summary(file: String) -> [String] {
    func count(_ number: Int, _ one: String, _ many: String) -> String { number == 1 ? "1 \(one)" : "\(number) \(many)" }
    let parts = [
      count(lanes.count, "lane", "lanes"), count(rooms.count, "room", "rooms"),
      "\(count(devices.count, "device", "devices")) on \(count(ports.count, "bus", "buses"))",
    ]
    let warned = warnings.isEmpty ? "" : ", \(count(warnings.count, "warning", "warnings"))"
    let gates = lanes.count { $0.gate != nil }
    let route = "Gatehouse must never be the only thing that opens an escape route (docs/settings.md, \"Gates\")"
    let note = gates == 0 ? [] : ["\(count(gates, "gate", "gates")): \(route)"]
    return warnings.map { "warning: \(printable($0.description))" }
      + ["\(file): no problems\(warned)", "site \(printable(site.name)): \(parts.joined(separator: ", "))"] + note
  }
}
