// A life's log, looked at when the life is over: the files themselves, not what the door says of them.

import Domain
import EventLog
import Foundation

/// What must be so of a log folder that no door has open.
struct LogAudit {
  /// The ids of events that were called durable.
  var durable: Set<String>
  /// What stands in no file.
  var secret: String

  /// The first rule that the folder breaks.
  func violation(in folder: String, at now: Interval) throws -> Violation? {
    let reader = try LogReader(folder: folder)
    var missing = durable
    for stream in Domain.Stream.allCases {
      if let fault = try reader.verify(stream).fault {
        return Violation(rule: "the log's numbers and chain hold", sentence: fault, at: now)
      }
      var seq: Int64 = 0
      while true {
        let events = try reader.read(stream, after: seq, limit: 500)
        guard let last = events.last else { break }
        for event in events { if let id = id(of: event) { missing.remove(id) } }
        seq = last.seq
      }
    }
    if let one = missing.min() {
      return Violation(rule: "what was called durable is in the log", sentence: "\(missing.count) are not, \(one) among them", at: now)
    }
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder).sorted() {
      let bytes = FileManager.default.contents(atPath: folder + "/" + name) ?? Data()
      // As it is, or as tokens are written.
      let written = secret.utf8.prefix(8).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
      if bytes.range(of: Data(secret.utf8)) != nil || bytes.range(of: Data(written.utf8)) != nil {
        return Violation(rule: "no file holds what somebody showed", sentence: "\(name) does", at: now)
      }
    }
    return nil
  }

  /// Found by its key, without reading the rest.
  private func id(of event: LoggedEvent) -> String? {
    let text = String(decoding: event.json, as: UTF8.self)
    guard let key = text.range(of: "\"id\":\"", options: .backwards) else { return nil }
    return text[key.upperBound...].prefix { $0 != "\"" }.description
  }
}
