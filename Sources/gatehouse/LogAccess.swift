// The log's reader as commands need it, and the command that verifies.

import ArgumentParser
import Domain
import EventLog
import Foundation

/// Reads the log in `folder`; what goes wrong is the end of the program with words.
func readingLog<Value>(_ folder: String, _ body: (any EventSource) throws -> Value) throws -> Value {
  do {
    return try body(LogSource(reader: try LogReader(folder: folder)))
  } catch let code as ExitCode {
    throw code
  } catch {
    complain("the log in \(folder) can't be read: \(printable("\(error)"))")
    throw ExitCode.problem
  }
}

private struct LogSource: EventSource {
  let reader: LogReader

  func newest(_ stream: Domain.Stream) throws -> Int64 { try reader.newest(stream) }

  func events(_ stream: Domain.Stream, after seq: Int64, limit: Int) throws -> [StoredEvent] {
    try reader.read(stream, after: seq, limit: limit).map { StoredEvent(seq: $0.seq, json: $0.json) }
  }
}

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check that every event is there, unchanged and in order.",
    usage: "gatehouse log verify [--folder <folder>] [options]",
    discussion: """
      Reads the whole log and computes its chain again. What was deleted on time
      leaves an anchor and is no fault. Each stream's first line names the first
      event that is wrong: file, stream, seq, id and time. docs/log.md

      EXAMPLES
        gatehouse log verify
        gatehouse log verify --folder /media/usb/log   a copy

      \(ExitCode.help)
      """)
  @OptionGroup var log: LogOptions

  func run() throws {
    let folder = try log.folderOrSettings()
    var faults = 0
    for stream in Domain.Stream.allCases {
      let found = try readingLog(folder) { _ in try LogReader(folder: folder).verify(stream) }
      faults += found.faults.count
      for fault in found.faults { complain("\(stream.name): \(printable(fault))") }
      if found.faults.isEmpty {
        print("\(stream.name): \(found.count) events, nothing missing, nothing changed")
      }
    }
    if faults > 0 { throw ExitCode.problem }
  }
}
