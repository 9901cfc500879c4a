// The door: builds everything from the settings, starts the threads, waits for a signal, ends them in order.
//
//     real-time   Ports and Pipeline; never waits for the others
//     intake      events from the ring into the tail
//     commit      the tail into the log; may hang with the disk
//     control     the two sockets
//     keeper …    belong to Ports

import CLinux
import Control
import Domain
import EventLog
import Foundation
import Pipeline
import Ports
import Rings
import Settings
import Synchronization

@main enum Door {
  static func main() {
    switch Options.parse(Array(CommandLine.arguments.dropFirst()), environment: ProcessInfo.processInfo.environment) {
    case .say(let text): print(text)
    case .wrong(let text):
      tell("\(text). gatehoused --help lists its options.")
      exit(64)
    case .run(let options): exit(run(options))
    }
  }

  /// What is told; set once, before any thread is started.
  private static let level = Atomic<Int>(LogLevel.warning.rawValue)

  /// One line for whoever supervises the door. The log is for everything else.
  static func tell(_ text: String, _ level: LogLevel = .error) {
    guard level.rawValue <= Self.level.load(ordering: .relaxed) else { return }
    let prefix = level == .warning ? "warning: " : ""
    FileHandle.standardError.write(Data("gatehoused: \(prefix)\(text)\n".utf8))
  }

  private static func run(_ options: Options) -> Int32 {
    level.store(options.logLevel.rawValue, ordering: .relaxed)
    // One heap for all threads: the real-time thread asks for no memory, and the others seldom at the same time.
    mallopt(M_ARENA_MAX, 1)
    let signals = Signals()
    let settings: Settings
    do {
      settings = try Settings.load(file: options.settings, profiles: options.profiles)
    } catch {
      tell("the settings are wrong:\n\(error)")
      return 65
    }
    for warning in settings.warnings { tell("\(warning)", .warning) }
    do {
      let parts = try Parts(settings, options)
      try parts.start()
      // What reading the settings took is given back: some megabytes at a site of a thousand devices.
      malloc_trim(0)
      print("ready")
      fflush(nil)
      signals.wait()
      signals.endAtOnceOnTheNext()
      guard parts.end() else {
        tell("a board did not do what it was told at the end: look at the gates. The log names it (device.write_failed)")
        return 1
      }
      return 0
    } catch {
      tell("it can't start: \(error)")
      return 1
    }
  }
}

/// A part that could not be made.
struct DoorFailure: Error, CustomStringConvertible {
  var description: String
}
