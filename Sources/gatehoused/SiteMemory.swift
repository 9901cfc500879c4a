// What a door must still know when no snapshot can be taken over, because names or devices of the settings have changed or the
// program has: incidents, cases, locked rooms and what was vouched for are read back from the log, by name. Nothing that keeps people
// out ends because somebody added a room.

import Domain
import EventLog
import Foundation
import Settings

/// Reads the log's records of the site and folds them into facts.
struct SiteMemory {
  /// How far back it looks: cases are closed in days.
  static let days: Int64 = 30

  private struct Logged: Decodable {
    var type: String
    var source: String
    var time: String
    var data: [String: Fact]

    var place: Substring { source.split(separator: "/").last ?? "" }
    func number(_ key: String) -> UInt32? { if case .number(let value)? = data[key] { UInt32(exactly: value) } else { nil } }
    func text(_ key: String) -> String? { if case .text(let text)? = data[key] { text } else { nil } }
  }

  private struct OpenCase {
    var cause: CaseCause
    var place: Place
    var ticket: UInt32
    var openedAt: Int64
    var isReported = false
    var areContactsListed = false
    var isHandedOver = false
  }

  private let names: Names
  private let now: Now
  private var isOpened = false
  private var suspended: [String: Place] = [:]
  private var cases: [UInt32: OpenCase] = [:]
  private var lastCase: UInt32 = 0
  private var locked: [String: (number: UInt32, isTaken: Bool)] = [:]
  private var disinfected: [String: Int64] = [:]
  private var attested: [String: Int64] = [:]

  private init(_ names: Names, _ now: Now) {
    self.names = names
    self.now = now
  }

  /// What the log in this folder tells; nothing, with words, where it cannot be read.
  static func recall(_ settings: Settings, _ now: Now) -> [SiteFact] {
    var memory = SiteMemory(settings.names, now)
    let types = [
      "site.opened", "site.closed", "site.attested", "incident.began", "incident.ended", "case.opened", "case.isolated", "case.reported",
      "case.contacts_listed", "case.handed_over", "case.closed", "room.locked", "room.freed", "room.disinfected",
    ]
    do {
      let since = now.wall - days * 86_400_000_000_000
      for event in try LogReader(folder: settings.log.folder).read(.records, of: types.map { "gatehouse." + $0 }, since: since) {
        if let logged = try? JSONDecoder().decode(Logged.self, from: event.json) { memory.take(logged) }
      }
    } catch {
      Door.tell("what the log says of the site cannot be read: \(error)", .error)
    }
    return memory.facts
  }

  private mutating func take(_ event: Logged) {
    let place = String(event.place)
    let number = event.number("case") ?? 0
    let at = (try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(event.time)).map { Int64($0.timeIntervalSince1970 * 1e9) } ?? now.wall
    switch event.type.dropFirst("gatehouse.".count) {
    case "site.opened": isOpened = true
    case "site.closed": isOpened = false
    case "site.attested": if let item = event.text("item") { attested[item] = at }
    case "incident.began": suspended[place] = self.place(place)
    case "incident.ended": suspended[place] = nil
    case "case.opened":
      lastCase = max(lastCase, number)
      cases[number] = OpenCase(
        cause: event.text("cause") == CaseCause.fever.name ? .fever : .symptom, place: self.place(place), ticket: event.number("ticket") ?? 0,
        openedAt: at)
    case "case.isolated": if let room = event.text("room") { locked[room]?.isTaken = true }
    case "case.reported": cases[number]?.isReported = true
    case "case.contacts_listed": cases[number]?.areContactsListed = true
    case "case.handed_over":
      cases[number]?.isHandedOver = true
      if let room = event.text("room") { locked[room]?.isTaken = false }
    case "case.closed": cases[number] = nil
    case "room.locked": locked[place] = (number, false)
    case "room.freed": locked[place] = nil
    case "room.disinfected": disinfected[place] = at
    default: break
    }
  }

  /// A place that the settings do not name any more is the whole site: what it stood for is not over.
  private func place(_ name: String) -> Place {
    if let lane = names.lanes.firstIndex(of: name) { return .lane(LaneID(lane)) }
    if let room = names.rooms.firstIndex(of: name) { return .room(RoomID(room)) }
    return .site
  }

  private func ago(_ wall: Int64) -> Interval { Interval(ns: max(0, now.wall - wall)) }

  /// Cases come before the rooms that they have taken.
  private var facts: [SiteFact] {
    var facts: [SiteFact] = [.lastCase(lastCase)]
    if isOpened { facts.append(.opened) }
    facts += suspended.values.map { .suspended($0) }
    for (number, one) in cases.sorted(by: { $0.key < $1.key }) {
      facts.append(
        .openCase(
          number: number, one.cause, place: one.place, ticket: one.ticket, ago: ago(one.openedAt), isReported: one.isReported,
          areContactsListed: one.areContactsListed, isHandedOver: one.isHandedOver))
    }
    for (name, lock) in locked {
      if let room = names.rooms.firstIndex(of: name) { facts.append(.locked(RoomID(room), case: lock.number, isTaken: lock.isTaken)) }
    }
    for (name, at) in disinfected {
      if let room = names.rooms.firstIndex(of: name) { facts.append(.disinfected(RoomID(room), ago: ago(at))) }
    }
    for (name, at) in attested {
      if let item = names.items.firstIndex(of: name) { facts.append(.attested(item: UInt8(clamping: item), ago: ago(at))) }
    }
    return facts
  }
}
