// Who came near the person of a case: at the same lane about the same time, at the same session, in a room that the case has to do
// with. A list to begin with: staff add who else was there.

extension Record {
  /// Who stood at the lane within so long before or after, seconds. A quarter of an hour is our own choice.
  static let contactWindow = 15.0 * 60

  static func contacts(_ days: RecordedDays, _ roster: [RosterEntry]) -> Record {
    var table = RecordTable(
      "contacts", RecordKind.contacts.title,
      [
        Column("case", "Case", "个案"), Column("shared", "Shared", "接触方式"), Column("where", "Where", "地点"), Column("time", "Time", "时间"),
        Column("ticket", "Ticket", "候测号"), Column("token", "Person", "人员标识"), Column("name", "Name", "姓名"), Column("role", "Role", "身份"),
        Column("session", "Session", "场次"), Column("follow_up", "Follow-up", "追踪情况"), Column("signature", "Signature", "签名"),
      ])
    let people = Dictionary(roster.map { ($0.token, $0) }) { first, _ in first }
    let seen = Seen(days)
    for one in openedCases(days, seen) {
      for row in atLane(one, seen) + atSession(one, days, roster) {
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
          "At the lane: within 15 minutes of the person of the case. By session: the roster's people of the person's session, and of sessions held in the case's rooms; without a roster nobody. Who else was there, only people know.",
          "通道接触：与该人员前后15分钟内经过同一通道者。场次接触：名册中与其同场次者，以及在涉及房间举行场次的人员；无名册时不列。其他在场人员请人工补充。")
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
  /// Seconds since 1970.
  var opened: Double
  /// Where the person was seen before, and when.
  var own: [(place: String, seconds: Double)]
  /// Rooms that it has to do with; the isolation room is none of them.
  var rooms: Set<String>
}

/// Screenings of the days, and of the hours around them: a case of five past midnight has its contacts on both days.
private struct Seen {
  var events: [(event: RecordedEvent, seconds: Double)]
  /// Numbers of tickets come again only in a new log.
  private var tokens: [Double: String] = [:]

  init(_ days: RecordedDays) {
    events = (days.before + days.events + days.after).filter { $0.what.hasPrefix("screening.") }.map { ($0, $0.seconds) }
    for (event, _) in events { if let ticket = event.number("ticket"), ticket > 0, let token = event.text("token") { tokens[ticket] = token } }
  }

  func token(_ ticket: Double?) -> String? { ticket.flatMap { tokens[$0] } }
}

private func openedCases(_ days: RecordedDays, _ seen: Seen) -> [Case] {
  days.events.filter { $0.what == "case.opened" }.compactMap { event in
    guard let number = event.number("case") else { return nil }
    let ticket = event.number("ticket")
    let token = seen.token(ticket) ?? event.text("token")
    // With another ticket it is the same person, if somebody knows who.
    let own = seen.events.filter { one in
      guard one.seconds <= event.seconds, let its = one.event.number("ticket"), its > 0 else { return false }
      return its == ticket || (token != nil && seen.token(its) == token)
    }
    let added = (days.events + days.after).filter { $0.what == "case.room_added" && $0.number("case") == number }.compactMap { $0.text("room") }
    return Case(
      number: number, place: event.place, ticket: ticket, token: token, opened: event.seconds, own: own.map { ($0.event.place, $0.seconds) },
      rooms: Set(added).union([event.place]))
  }
}

/// Each other ticket once, when it was first near.
private func atLane(_ one: Case, _ seen: Seen) -> [[String: Cell]] {
  // Where the person stood, and when; of a symptom that nobody measured, where it was told.
  let stood = one.own + [(one.place, one.opened)]
  var told: Set<Double> = []
  return seen.events.compactMap { event, seconds in
    guard let ticket = event.number("ticket"), ticket > 0, ticket != one.ticket,
      stood.contains(where: { $0.0 == event.place && abs($0.1 - seconds) <= Record.contactWindow }),
      // The person themselves, with another ticket, is no contact.
      one.token == nil || seen.token(ticket) != one.token, told.insert(ticket).inserted
    else { return nil }
    return [
      "case": .number(one.number, digits: 0), "shared": .word("same_lane"), "where": .text(event.place), "time": .time(event.time),
      "ticket": .number(ticket, digits: 0), "token": seen.token(ticket).map { .text($0) } ?? .none,
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
      let places = Set(held.filter { $0.text("session") == person.session }.map(\.place)).sorted()
      return [
        "case": .number(one.number, digits: 0), "shared": .word("same_session"),
        "where": places.isEmpty ? .none : .text(places.joined(separator: ", ")), "token": .text(person.token),
      ]
    }
}
