// Who was expected and did not come: the roster's people whose token no lane has seen on these days.

extension Record {
  static func absentees(_ days: RecordedDays, _ roster: [RosterEntry]) -> Record {
    var table = RecordTable(
      "absentees", RecordKind.absentees.title,
      [
        Column("name", "Name", "姓名"), Column("role", "Role", "身份"), Column("session", "Session", "场次"), Column("token", "Person", "人员标识"),
        Column("follow_up", "Follow-up", "追踪情况"), Column("signature", "Signature", "签名"),
      ])
    // A token that was forgotten can't be told from one that never came.
    let screened = days.events.filter { $0.what.hasPrefix("screening.") }
    let seen = Set(screened.compactMap { $0.text("token") })
    for entry in roster.sorted(by: { ($0.session, $0.name, $0.token) < ($1.session, $1.name, $1.token) }) where !seen.contains(entry.token) {
      table.add(["name": .text(entry.name), "role": .text(entry.role), "session": .text(entry.session), "token": .text(entry.token)])
    }
    return Record(
      kind: .absentees, site: days.site, days: days.days, tables: [table],
      notes: [
        Phrase(
          "Tokens are kept for 30 days: of older days everybody would seem absent.", "人员标识仅保存30天，更早日期将显示全部缺席。")
      ])
  }
}
