// What staff know when they ask something of the door: whose ticket it is, and which alarm they mean.

import Foundation

/// Tickets and alarms of one life of a site, by the names that scenarios have for them.
struct StaffMemory {
  private var tickets: [String: UInt32] = [:]
  private var occurrences: [(kind: String, place: String, occurrence: UInt32)] = []

  mutating func note(ticket: UInt32, of person: String) { tickets[person] = ticket }

  mutating func noteAlarm(_ kind: String, at place: String, occurrence: UInt32) { occurrences.append((kind, place, occurrence)) }

  /// `nil`: they have none yet.
  func ticket(of person: String) -> UInt32? { tickets[person] }

  /// The latest alarm of a kind, at a place where one is said; `nil`: none was raised yet.
  func occurrence(of kind: String, at place: String?) -> UInt32? {
    occurrences.last { $0.kind == kind && place ?? $0.place == $0.place }?.occurrence
  }
}

extension Chance {
  /// The id of a command.
  mutating func uuid() -> UUID {
    let digits = bytes(16).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    let parts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { range in String(Array(digits)[range]) }
    return UUID(uuidString: parts.joined(separator: "-")) ?? UUID()
  }
}
