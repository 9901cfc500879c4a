// The door's few options: where settings, profiles and sockets are, and how much it says. Everything else is a setting.

import Foundation

/// Must be the same as the command line's.
let doorVersion = "0.1.0"

/// How much the door tells on standard error. Nothing of it is needed to know what happened: that is in the log.
enum LogLevel: Int {
  case error, warning, info

  static func named(_ name: String) -> LogLevel? {
    switch name {
    case "error": .error
    case "warning": .warning
    case "info": .info
    default: nil
    }
  }
}

struct Options {
  var settings: String
  var profiles: String
  /// `nil`: the log's folder.
  var runFolder: String?
  var logLevel = LogLevel.warning

  static let help = """
    USAGE: gatehoused [--settings FILE] [--profiles DIR] [--run-dir DIR]
                      [--log-level LEVEL]

      --settings FILE   the settings (GATEHOUSE_SETTINGS; else ./gatehouse.yaml, /etc/gatehouse/gatehouse.yaml)
      --profiles DIR    device profiles (GATEHOUSE_PROFILES; else the ones installed with the program, ./DeviceProfiles)
      --run-dir DIR     where its two sockets are (GATEHOUSE_RUN_DIR; else the log's folder)
      --log-level LEVEL error, warning or info, on standard error (GATEHOUSE_LOG_LEVEL; else warning)
      --version, --help

    The door of a Gatehouse site: reads devices, decides, moves gates, keeps the log. SIGTERM and SIGINT end it cleanly;
    a second one ends it at once.

    EXIT CODES  0 ended as asked, 1 it could not start or not end cleanly, 64 wrong usage, 65 settings are wrong

    EXAMPLE  gatehoused --settings /etc/gatehouse/gatehouse.yaml
    """

  enum Wish {
    case run(Options)
    case say(String)
    case wrong(String)
  }

  static func parse(_ arguments: [String], environment: [String: String]) -> Wish {
    var given: [String: String] = [:]
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--help", "-h": return .say(help)
      case "--version": return .say("gatehoused \(doorVersion)")
      case "--settings", "--profiles", "--run-dir", "--log-level":
        guard let value = rest.popFirst() else { return .wrong("\(argument) needs a value") }
        given[argument] = value
      default: return .wrong("\"\(argument)\" is no option of gatehoused")
      }
    }
    func chosen(_ flag: String, _ variable: String) -> String? {
      given[flag] ?? environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    }
    func found(_ candidates: [String]) -> String {
      candidates.first { FileManager.default.fileExists(atPath: $0) } ?? candidates[0]
    }
    let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let installed = URL(filePath: program).deletingLastPathComponent().deletingLastPathComponent().path
    let levelName = chosen("--log-level", "GATEHOUSE_LOG_LEVEL") ?? "warning"
    guard let level = LogLevel.named(levelName) else {
      return .wrong("found log level \"\(levelName)\", expected error, warning or info")
    }
    return .run(
      Options(
        settings: chosen("--settings", "GATEHOUSE_SETTINGS")
          ?? found(["./gatehouse.yaml", "/etc/gatehouse/gatehouse.yaml"]),
        profiles: chosen("--profiles", "GATEHOUSE_PROFILES")
          ?? found([installed + "/share/gatehouse/profiles", "./DeviceProfiles"]),
        runFolder: chosen("--run-dir", "GATEHOUSE_RUN_DIR"), logLevel: level))
  }
}
