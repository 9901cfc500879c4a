// Events out of the log for other programs: lines of JSON, or a table for a spreadsheet.

import ArgumentParser
import Domain
import EventLog
import Foundation
import Glibc

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write events for another program or a spreadsheet.",
    usage: "gatehouse log export [--output <output>] [--format <format>] [options]",
    discussion: """
      Records in order, or the streams one after the other. Personal members
      (temperatures of people, tokens) are left out unless --personal asks for
      them. docs/log.md

      EXAMPLES
        gatehouse log export --output records.jsonl
        gatehouse log export --format csv --type alarm --since 2026-11-23
        gatehouse log export --stream all --since 2h --until "1 h"

      \(ExitCode.help)
      """)
  @OptionGroup var log: LogOptions
  @Option(help: "The file; without it, standard output.", completion: .file()) var output: String?
  @Option(help: "json: one CloudEvent a line; csv: a row an event.") var format = "json"
  @Option(help: "records, telemetry, aggregates or all.") var stream = "records"
  @Option(help: "From when on, as in log show.") var since: String?
  @Option(help: "Up to when, as --since.") var until: String?
  @Option(help: "Only this type or its beginning: alarm, screening.denied. May be given more than once.")
  var type: [String] = []
  @Flag(help: "With the personal members that are still kept.") var personal = false

  func validate() throws {
    if !["json", "csv"].contains(format) { throw ValidationError("--format takes json or csv; not \"\(format)\".") }
    if stream != "all", !Domain.Stream.allCases.contains(where: { $0.name == stream }) {
      throw ValidationError("--stream takes records, telemetry, aggregates or all; not \"\(stream)\".")
    }
    try requireMoment(since)
    if let until, readSince(until, now: Date(), zone: .current) == nil {
      throw ValidationError("--until takes what --since takes; not \"\(until)\".")
    }
  }

  func run() throws {
    let folder = try log.folderOrSettings()
    let reader = try reading(folder) { try LogReader(folder: folder) }
    if personal { complain("warning: this export holds personal values of people") }
    let file = try writing { try ExportFile(output) }
    var isDone = false
    defer { if !isDone { file.discard() } }
    let count = try export(reader, folder, to: file)
    try writing { try file.finish() }
    isDone = true
    if let output { print("\(output): \(count) events") }
  }

  private func export(_ reader: LogReader, _ folder: String, to file: ExportFile) throws -> Int {
    let now = Date()
    let from = since.flatMap { readSince($0, now: now, zone: .current) } ?? .distantPast
    let end = until.flatMap { readSince($0, now: now, zone: .current) } ?? .distantFuture
    let filter = LogFilter(types: type)
    var count = 0
    if format == "csv" { try writing { try file.write(exportHeading + "\r\n") } }
    for stream in Domain.Stream.allCases where self.stream == "all" || self.stream == stream.name {
      var after: Int64 = 0
      while true {
        let page = try reading(folder) { try reader.read(stream, after: after, limit: 500, personal: personal) }
        guard let last = page.last else { break }
        after = last.seq
        var text = ""
        for event in page {
          // The clock may have been set back, so each event is looked at.
          guard let line = EventLine.read(event.json), filter.takes(line.type) else { continue }
          if let date = line.date, date < from || date > end { continue }
          count += 1
          text += format == "csv" ? exportRow(event) + "\r\n" : String(decoding: event.json, as: UTF8.self) + "\n"
        }
        try writing { try file.write(text) }
      }
    }
    return count
  }

  private func reading<Value>(_ folder: String, _ body: () throws -> Value) throws -> Value {
    do { return try body() } catch {
      complain("the log in \(folder) can't be read: \(printable(words(error)))")
      throw ExitCode.problem
    }
  }

  private func writing<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch {
      complain("\(output ?? "standard output") can't be written: \(printable(words(error)))")
      throw ExitCode.problem
    }
  }
}

let exportHeading = "stream,seq,id,time,type,source,data"

/// A row by RFC 4180; `data` is its JSON in one cell.
func exportRow(_ event: LoggedEvent) -> String {
  let members = (try? JSONSerialization.jsonObject(with: event.json) as? [String: Any]) ?? [:]
  let data = try? JSONSerialization.data(
    withJSONObject: members["data"] ?? [String: Any](), options: [.sortedKeys, .withoutEscapingSlashes])
  let texts = ["id", "time", "type", "source"].map { members[$0] as? String ?? "" }
  let special = Array(",\"\r\n".utf8)
  let cells = [event.stream.name, "\(event.seq)"] + texts + [String(decoding: data ?? Data(), as: UTF8.self)]
  return cells.map { cell in
    cell.utf8.contains { special.contains($0) } ? "\"" + cell.replacing("\"", with: "\"\"") + "\"" : cell
  }.joined(separator: ",")
}

/// Where an export goes: standard output, or a file that gets its name when it is whole.
final class ExportFile {
  private let path: String?
  private let descriptor: Int32
  private var partial: String { (path ?? "") + ".partial" }

  /// `nil`: standard output.
  init(_ path: String?) throws {
    self.path = path
    // Safe here and below: terminated texts, which are only read.
    descriptor = try path.map { path in
      let opened = unsafe open(path + ".partial", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
      guard opened >= 0 else { throw SystemError(code: errno) }
      return opened
    } ?? STDOUT_FILENO
  }

  deinit { if path != nil { close(descriptor) } }

  func write(_ text: String) throws {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      // Safe: the call reads no more than the bytes that are there.
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw SystemError(code: errno) }
      rest = rest.dropFirst(count)
    }
  }

  /// Everything is on the disk, under its name.
  func finish() throws {
    guard let path else { return }
    guard fsync(descriptor) == 0, unsafe rename(partial, path) == 0 else { throw SystemError(code: errno) }
  }

  /// Nothing is left of it.
  func discard() {
    if path != nil { _ = unsafe unlink(partial) }
  }
}

/// What the kernel says.
struct SystemError: Error, CustomStringConvertible {
  let code: Int32
  // Safe: the text is copied at once.
  var description: String { unsafe String(cString: strerror(code)) }
}
