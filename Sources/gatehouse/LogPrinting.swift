// Which events are shown and how: JSON lines as they are in the log, or lines for people under a heading a day.

import Foundation

/// What of the log is asked for.
struct LogFilter: Equatable {
  /// Whole types, or their beginnings up to a dot (or with it), with or without `gatehouse.`; empty: all.
  var types: [String] = []

  func takes(_ type: String) -> Bool {
    types.isEmpty || types.contains { wanted in
      let wanted = wanted.hasSuffix(".") ? String(wanted.dropLast()) : wanted
      return [wanted, "gatehouse." + wanted].contains { type == $0 || type.hasPrefix($0 + ".") }
    }
  }
}

/// Turns events into lines, one after the other.
struct LogPrinter {
  let filter: LogFilter
  let json: Bool
  private var day = ""
  /// Ids of events shown while they were not durable; bounded, the oldest go first.
  private var early: [String] = []

  init(filter: LogFilter, json: Bool) {
    self.filter = filter
    self.json = json
  }

  /// The lines for one event, none when it is not wanted. People see an event once; programs see it again when it has
  /// become durable, under the same id.
  mutating func lines(for event: Data) -> [String] {
    struct Identified: Decodable { var id: String }
    guard let line = EventLine.read(event) else {
      return json ? [String(decoding: event, as: UTF8.self)] : [printable(String(decoding: event.prefix(90), as: UTF8.self))]
    }
    guard filter.takes(line.type) else { return [] }
    if json { return [String(decoding: event, as: UTF8.self)] }
    if let id = (try? JSONDecoder().decode(Identified.self, from: event))?.id {
      if line.durable == false { remember(id) } else if early.contains(id) { return [] }
    }
    guard line.day != day else { return line.lines() }
    let heading = day.isEmpty ? [line.day] : ["", line.day]
    day = line.day
    return heading + line.lines()
  }

  private mutating func remember(_ id: String) {
    early.append(id)
    if early.count > 4096 { early.removeFirst() }
  }
}
