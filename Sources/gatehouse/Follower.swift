// Reads the log and goes on when the door rings. The log's files are the truth: the door only says that there is more,
// so nothing is missed when it restarts, and what was there is shown also when it is down. Several streams are shown
// in the order of their times, as far as they were there when they were read.

import ArgumentParser
import Control
import Domain
import Foundation

/// An event as it is stored, with its place in its stream.
struct StoredEvent: Equatable {
  var seq: Int64
  var json: Data
}

/// What following needs of a log: its reader behind it, or a list in tests.
protocol EventSource {
  /// The newest seq of the stream; 0: empty.
  func newest(_ stream: Domain.Stream) throws -> Int64
  /// Events of the stream after `seq`, in order, `limit` at most.
  func events(_ stream: Domain.Stream, after seq: Int64, limit: Int) throws -> [StoredEvent]
}

struct Follower {
  /// How far one stream is shown, and what of it was read ahead.
  private struct Track {
    let stream: Domain.Stream
    var shown: Int64 = 0
    var ahead: ArraySlice<(event: StoredEvent, time: Date)> = []
    /// There was nothing more to read.
    var isAtEnd = false
  }

  private let source: any EventSource
  private var printer: LogPrinter
  private var tracks: [Track]
  private let emit: ([String]) throws -> Void
  /// Events read at a time.
  private let page = 500

  init(
    source: any EventSource, streams: [Domain.Stream], printer: LogPrinter,
    emit: @escaping ([String]) throws -> Void = write
  ) {
    self.source = source
    self.printer = printer
    self.emit = emit
    tracks = streams.map { Track(stream: $0) }
  }

  /// Shows the newest `limit` wanted events of each stream since a moment.
  mutating func show(since: Date?, limit: Int) throws {
    for index in tracks.indices { tracks[index].shown = try start(tracks[index].stream, since: since, limit: limit) }
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
        // It may have written something on its way out.
        try catchUp()
      }
    }
  }

  mutating func hear(_ news: EventsClient.News) throws {
    switch news {
    case .doorbell(let bell):
      if tracks.contains(where: { $0.stream.name == bell.stream && $0.shown < bell.seq }) { try catchUp() }
    case .notDurable(let event):
      struct Streamed: Decodable { var stream: String? }
      let from = (try? JSONDecoder().decode(Streamed.self, from: event))?.stream
      if from == nil || tracks.contains(where: { $0.stream.name == from }) { try emit(printer.lines(for: event)) }
    }
  }

  /// Shows all there is, the oldest first.
  private mutating func catchUp() throws {
    for index in tracks.indices { tracks[index].isAtEnd = false }
    while true {
      for index in tracks.indices { try readAhead(index) }
      let next = tracks.indices.filter { !tracks[$0].ahead.isEmpty }.min { a, b in
        (tracks[a].ahead.first?.time ?? .distantFuture) < (tracks[b].ahead.first?.time ?? .distantFuture)
      }
      guard let next, let first = tracks[next].ahead.popFirst() else { return }
      try emit(printer.lines(for: first.event.json))
      tracks[next].shown = first.event.seq
    }
  }

  private mutating func readAhead(_ index: Int) throws {
    guard tracks[index].ahead.isEmpty, !tracks[index].isAtEnd else { return }
    let events = try source.events(tracks[index].stream, after: tracks[index].shown, limit: page)
    tracks[index].isAtEnd = events.count < page
    // What has no time that can be read comes at once.
    tracks[index].ahead = events.map { ($0, EventLine.read($0.json)?.date ?? .distantPast) }[...]
  }

  /// The seq before the first event to show: looked for from the end, so that a long log costs nothing.
  private func start(_ stream: Domain.Stream, since: Date?, limit: Int) throws -> Int64 {
    if since == nil, limit == .max { return 0 }
    var end = try source.newest(stream)
    var wanted = 0
    while end > 0 {
      let begin = max(0, end - Int64(page))
      let events = try source.events(stream, after: begin, limit: Int(end - begin))
      if events.isEmpty { return end }
      for event in events.reversed() where event.seq <= end {
        guard let line = EventLine.read(event.json) else { continue }
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
