// Who came near the person of a case: at the same lane about the same time, at the same session, in a room that the case has to do
// with. A list to begin with: staff add who else was there.

extension Record {
  /// Who stood at the lane within so long before or after, seconds. A quarter of an hour is our own choice.
  static let contactWindow = 15.0 * 60

  static func contacts(_ days: RecordedDays, _ roster: [RosterEntry]) -> Record {
    var table = RecordTable(
      "contacts", RecordKind.contacts.title,
      [
        Column("case", "Case", "病例"), Column("shared", "Shared", "接触方式"), Column("where", "Where", "地点"), Column("time", "Time", "时间"),
        Column("ticket", "Ticket", "候测号"), Column("token", "Person", "人员标识"), Column("name", "Name", "姓名"), Column("role", "Role", "身份"),
        Column("session", "Session", "场次"), Column("follow_up", "Follow-up", "追踪情况"), Column("signature", "Signature", "签名"),
      ])
    let people = Dictionary(roster.map { ($0.token, $0) }) { first, _ in first }
    for one in openedCases(days) {
      for row in atLane(one, days) + atSession(one, days, roster) {
        var cells = row
        if case .text(let token)? = row["token"], let person = people[token] {
          cells["name"] = .text(person.name)
          cells["role"] = .text(person.role)
          cells["session"] = .text(person.session)
        }
        table.add(cells)
      }
    }
    return Record(
      kind: .contacts, site: days.site, days: days.days, tables: [table],
      notes: [
        Phrase(
          "At the lane: within 15 minutes of the person of the case. By session: the roster's people of the person's session, and of sessions held in the case's rooms.",
          "通道接触：与该人员前后15分钟内经过同一通道者。场次接触：名册中与其同场次者，以及在涉及房间举行场次的人员。")
      ])
  }
}

/// What is known of a case.
private struct Case {
  var number: Double
  /// Where it was opened: a lane or a room.
  var place: String
  var ticket: Double?
  var token: String?
  /// From when to when the person stood at the lane, seconds since 1970.
  var span: ClosedRange<Double>
  /// Rooms that it has to do with; the isolation room is none of them.
  var rooms: Set<String>
}

private func openedCases(_ days: RecordedDays) -> [Case] {
  var found: [Case] = []
  for event in days.events where event.what == "case.opened" {
    guard let number = event.number("case") else { continue }
    let ticket = event.number("ticket")
    let own = days.events.filter { ticket != nil && $0.what.hasPrefix("screening.") && $0.number("ticket") == ticket }
    let added = days.events.filter { $0.what == "case.room_added" && $0.number("case") == number }.compactMap { $0.text("room") }
    let from = own.map(\.seconds).min() ?? event.seconds
    found.append(
      Case(
        number: number, place: event.place, ticket: ticket, token: own.compactMap { $0.text("token") }.first ?? event.text("token"),
        span: min(from, event.seconds)...event.seconds, rooms: Set(added).union([event.place])))
  }
  return found
}

/// Each other ticket once, when it was nearest.
private func atLane(_ one: Case, _ days: RecordedDays) -> [[String: Cell]] {
  var seen: Set<Double> = []
  return days.events.compactMap { event in
    guard event.what.hasPrefix("screening."), event.place == one.place, let ticket = event.number("ticket"), ticket > 0, ticket != one.ticket,
      event.seconds >= one.span.lowerBound - Record.contactWindow, event.seconds <= one.span.upperBound + Record.contactWindow,
      // The person themselves, with another ticket, is no contact.
      one.token == nil || event.text("token") != one.token, seen.insert(ticket).inserted
    else { return nil }
    let tokens = days.events.filter { $0.what.hasPrefix("screening.") && $0.number("ticket") == ticket }.compactMap { $0.text("token") }
    return [
      "case": .number(one.number, digits: 0), "shared": .word("same_lane"), "where": .text(event.place), "time": .time(event.time),
      "ticket": .number(ticket, digits: 0), "token": tokens.first.map { .text($0) } ?? .none,
    ]
  }
}

/// The roster's people of the person's session, and of sessions that were held in the rooms of the case.
private func atSession(_ one: Case, _ days: RecordedDays, _ roster: [RosterEntry]) -> [[String: Cell]] {
  let own = roster.first { $0.token == one.token }.map(\.session)
  let held = days.events.filter { $0.what == "session.began" && one.rooms.contains($0.place) }
  let sessions = Set(held.compactMap { $0.text("session") }).union([own].compactMap(\.self)).subtracting([""])
  return roster.filter { sessions.contains($0.session) && $0.token != one.token }
    .sorted { ($0.session, $0.name, $0.token) < ($1.session, $1.name, $1.token) }
    .map { person in
      [
        "case": .number(one.number, digits: 0), "shared": .word("same_session"),
        "where": held.first { $0.text("session") == person.session }.map { .text($0.place) } ?? .none, "token": .text(person.token),
      ]
    }
}
