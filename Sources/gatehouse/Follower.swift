// Reads a stream of the log and goes on when the door rings. The log's files are the truth: the door only says that
// there is more, so nothing is missed when it restarts, and what was there is shown also when it is down.

import ArgumentParser
import Control
import Domain
import Foundation

/// An event as it is stored, with its place in its stream.
struct StoredEvent: Equatable {
  var seq: Int64
  var json: Data
}

/// What following needs of a log. `LogReader` behind it; a list in tests.
protocol EventSource {
  /// The newest seq of the stream; 0: empty.
  func newest() throws -> Int64
  /// Events after `seq`, in order, `limit` at most.
  func events(after seq: Int64, limit: Int) throws -> [StoredEvent]
}

struct Follower {
  private let source: any EventSource
  private let stream: Domain.Stream
  private var printer: LogPrinter
  /// Everything up to here was shown.
  private(set) var shown: Int64 = 0
  private let emit: ([String]) throws -> Void

  init(
    source: any EventSource, stream: Domain.Stream, printer: LogPrinter, emit: @escaping ([String]) throws -> Void = write
  ) {
    self.source = source
    self.stream = stream
    self.printer = printer
    self.emit = emit
  }

  /// Shows the newest `limit` wanted events since a moment.
  mutating func show(since: Date?, limit: Int) throws {
    shown = try start(since: since, limit: limit)
    try catchUp()
  }

  /// As `show`, then on and on.
  mutating func follow(door: ControlPaths, since: Date?, limit: Int) throws -> Never {
    try show(since: since, limit: limit)
    var down = false
    while true {
      do {
        let client = try EventsClient(path: door.events)
        if down { complain("the door is back") }
        down = false
        // The door rings the newest seq to whoever comes, so that nothing between is missed.
        while let news = try client.next(within: nil) { try hear(news) }
      } catch let error as ControlError {
        if !down { complain("\(error); waiting for it, the log is shown as far as it goes") }
        down = true
        Thread.sleep(forTimeInterval: 2)
      }
    }
  }

  mutating func hear(_ news: EventsClient.News) throws {
    switch news {
    case .doorbell(let bell): if bell.stream == stream.name, bell.seq > shown { try catchUp() }
    case .notDurable(let event):
      struct Streamed: Decodable { var stream: String? }
      let from = (try? JSONDecoder().decode(Streamed.self, from: event))?.stream
      if from == nil || from == stream.name { try emit(printer.lines(for: event)) }
    }
  }

  private mutating func catchUp() throws {
    while true {
      let events = try source.events(after: shown, limit: 500)
      for event in events {
        try emit(printer.lines(for: event.json))
        shown = event.seq
      }
      if events.count < 500 { return }
    }
  }

  /// The seq before the first event to show: looked for from the end, so that a long log costs nothing.
  private func start(since: Date?, limit: Int) throws -> Int64 {
    var end = try source.newest()
    var wanted = 0
    while end > 0 {
      let begin = max(0, end - 500)
      let events = try source.events(after: begin, limit: Int(end - begin))
      if events.isEmpty { return end }
      for event in events.reversed() where event.seq <= end {
        guard let line = try? JSONDecoder().decode(EventLine.self, from: event.json) else { continue }
        if let since, let time = line.date, time < since { return event.seq }
        if printer.filter.takes(line.type) { wanted += 1 }
        if wanted >= limit { return event.seq - 1 }
      }
      end = begin
    }
    return 0
  }
}

/// To standard output at once, also into a pipe.
func write(_ lines: [String]) throws {
  guard !lines.isEmpty else { return }
  try FileHandle.standardOutput.write(contentsOf: Data((lines.joined(separator: "\n") + "\n").utf8))
}
