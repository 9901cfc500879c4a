// Who was expected and did not come: the roster's people whose token no lane has seen on these days.

import EventLog

extension Record {
  static func absentees(_ days: RecordedDays, _ roster: [RosterEntry]) -> Record {
    var table = RecordTable(
      "absentees", RecordKind.absentees.title,
      [
        Column("name", "Name", "姓名"), Column("role", "Role", "身份"), Column("session", "Session", "场次"), Column("token", "Person", "人员标识"),
        Column("follow_up", "Follow-up", "追踪情况"), Column("signature", "Signature", "签名"),
      ])
    let screened = days.events.filter { $0.what.hasPrefix("screening.") }
    // A token that was forgotten can't be told from one that never came.
    let forgotten = screened.count { $0.cell("token", row: .month) == .forgotten }
    let nameless = Set(screened.filter { $0.what == "screening.passed" && $0.text("token") == nil }.compactMap { $0.number("ticket") }).count
    let seen = Set(screened.compactMap { $0.text("token") })
    for entry in roster.sorted(by: { ($0.session, $0.name, $0.token) < ($1.session, $1.name, $1.token) })
    where forgotten == 0 && !seen.contains(entry.token) {
      table.add(["name": .text(entry.name), "role": .text(entry.role), "session": .text(entry.session), "token": .text(entry.token)])
    }
    var notes: [Phrase] = []
    if forgotten > 0 {
      notes.append(
        Phrase(
          "Who came on these days is forgotten: tokens are deleted on time. So nobody can be told to be absent.",
          "这些日期的人员标识已到期删除，无法判断谁缺席，故不列出。"))
    } else if nameless > 0 {
      notes.append(
        Phrase(
          "\(nameless) passed without showing who they are: some of these may be among them.", "有\(nameless)人次通过时未出示身份，所列人员可能在其中。"))
    }
    if roster.isEmpty {
      notes.append(Phrase("The roster holds nobody: this is not a list of absentees.", "名册中没有人员，本表不能说明无人缺席。"))
    }
    return Record(kind: .absentees, site: days.site, days: days.days, tables: [table], notes: notes)
  }
}
