// The door as a program: started, told to end, killed, and asked how it ended.

import Domain
import Foundation
import Glibc

/// One run of `gatehoused`.
final class DoorProcess {
  private let process = Process()
  /// What it prints.
  private let output: String
  private let printed: FileHandle

  /// - Parameters:
  ///   - program: the path of `gatehoused`.
  ///   - folder: where its sockets and what it prints shall lie.
  init(program: String, settings: String, profiles: String, folder: String) throws {
    output = folder + "/door.txt"
    _ = FileManager.default.createFile(atPath: output, contents: nil)
    printed = try FileHandle(forWritingTo: URL(filePath: output))
    process.executableURL = URL(filePath: program)
    process.arguments = ["--settings", settings, "--profiles", profiles, "--run-dir", folder]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = printed
    process.standardError = printed
    try process.run()
  }

  var isRunning: Bool { process.isRunning }

  /// It reads its devices and hears commands.
  var isReady: Bool { words.split(separator: "\n").contains("ready") }

  /// What it printed so far.
  var words: String { (try? String(contentsOfFile: output, encoding: .utf8)) ?? "" }

  /// How it ended, as a sentence; `nil`: it runs, or ended as it was asked to.
  var mishap: String? {
    guard !process.isRunning else { return nil }
    switch (process.terminationReason, process.terminationStatus) {
    case (.exit, 0): return nil
    case (.exit, let status): return "the door ended with \(status)\(lastWords)"
    case (_, let signal): return "the door was ended by signal \(signal)\(lastWords)"
    }
  }

  private var lastWords: String {
    let lines = words.split(separator: "\n").suffix(5)
    return lines.isEmpty ? "" : ": " + lines.joined(separator: " | ")
  }

  func tellToEnd() { if process.isRunning { kill(process.processIdentifier, SIGTERM) } }

  /// Dies here and now.
  func die() {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
  }
}
