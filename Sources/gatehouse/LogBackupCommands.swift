// The log put elsewhere, while the door writes it, and back, while no door runs.

import ArgumentParser
import Control
import EventLog
import Foundation

struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup", abstract: "Write a copy of the whole log while the door runs.",
    usage: "gatehouse log backup <to> [options]",
    discussion: """
      The copy is what the door has committed when each file is read. It is made
      as TO.partial, verified and then given its name. It holds the personal rows
      that are still kept: keep it where the log may be kept, and no longer.
      TO must not be there, or be empty.

      EXAMPLE
        gatehouse log backup /media/usb/log-2026-11-23

      \(ExitCode.help)
      """)
  @Argument(help: "The new folder.", completion: .directory) var to: String
  @OptionGroup var log: LogOptions

  func run() throws {
    let folder = try log.folderOrSettings()
    let target = withoutSlash(to)
    let copy = try copying("no backup was written") { try LogReader(folder: folder).backUp(to: target) }
    print("\(target): \(copy.events) events in \(copy.segments) files")
    if !copy.faults.isEmpty {
      for fault in copy.faults { complain(printable(fault)) }
      complain("the backup is as the log is, and this is wrong with both")
      throw ExitCode.problem
    }
    print("verified: nothing missing, nothing changed")
  }
}

struct RestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Put a backup at the place of the log.",
    usage: "gatehouse log restore <from> [--replace] [options]",
    discussion: """
      No door may run on the log. The backup is verified first. The door that
      starts on it goes on behind its last event; what was written after the
      backup is only in the log that was replaced.

      EXAMPLES
        gatehouse log restore /media/usb/log-2026-11-23
        gatehouse log restore /media/usb/log-2026-11-23 --replace
        gatehouse log restore old --folder /tmp/log     to look at it elsewhere

      \(ExitCode.help)
      """)
  @Argument(help: "The backup's folder.", completion: .directory) var from: String
  @Flag(help: "Move a log that is there aside, into a folder in its own.") var replace = false
  @Flag(help: "Take a backup with faults too.") var damaged = false
  @OptionGroup var log: LogOptions

  func run() throws {
    let folder = withoutSlash(try log.folderOrSettings())
    let source = withoutSlash(from)
    let copy = try copying("nothing was restored") {
      let backup = try LogReader(folder: source)
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
      let lock: FolderLock?
      do { lock = try FolderLock(folder: folder) } catch {
        throw LogCopyError(description: "a door runs on \(folder); stop it first")
      }
      guard let lock else { throw LogCopyError(description: "\(folder) can't be kept from a door that starts meanwhile") }
      defer { withExtendedLifetime(lock) {} }
      do {
        return try backup.restore(to: folder, replacing: replace ? stamp() : nil, damaged: damaged)
      } catch let error as LogCopyError where error.description == "\(folder) holds a log" {
        throw LogCopyError(description: error.description + "; --replace moves it aside")
      } catch let error as LogCopyError where !error.faults.isEmpty && !damaged {
        throw LogCopyError(description: error.description + "; --damaged restores it all the same", faults: error.faults)
      }
    }
    if let replaced = copy.replaced { print("the log that was there is in \(replaced)") }
    for fault in copy.faults { complain("warning: \(printable(fault))") }
    print("\(folder): \(copy.events) events in \(copy.segments) files")
  }

  /// Such as `20261123T081500Z`.
  private func stamp() -> String {
    Date().formatted(.iso8601).replacing("-", with: "").replacing(":", with: "")
  }
}

/// What goes wrong is the end of the program with words.
private func copying(_ outcome: String, _ body: () throws -> LogCopy) throws -> LogCopy {
  do { return try body() } catch {
    for fault in (error as? LogCopyError)?.faults ?? [] { complain(printable(fault)) }
    complain("\(outcome): \(printable(words(error)))")
    throw ExitCode.problem
  }
}

/// What an error says to people; Foundation's put the reason of the system below theirs.
func words(_ error: any Error) -> String {
  guard let error = error as? CocoaError else { return "\(error)" }
  let below = error.underlying
  return error.localizedDescription + (below.map { " \($0.localizedDescription)" } ?? "")
}

private func withoutSlash(_ path: String) -> String {
  path.count > 1 && path.hasSuffix("/") ? withoutSlash(String(path.dropLast())) : path
}
