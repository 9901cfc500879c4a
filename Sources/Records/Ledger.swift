// The temperature ledger: everybody who came, one by one, also those who were sent back, with what was measured and what became
// of it.

import EventLog

extension Record {
  static func ledger(_ days: RecordedDays, _ roster: [RosterEntry]) -> Record {
    var table = RecordTable(
      "ledger", RecordKind.ledger.title,
      [
        Column("time", "Time", "时间"), Column("lane", "Lane", "通道"), Column("ticket", "Ticket", "候测号"), Column("token", "Person", "人员标识"),
      ] + (roster.isEmpty ? [] : [Column("name", "Name", "姓名"), Column("role", "Role", "身份")]) + [
        Column("attempt", "Attempt", "次数"), Column("device", "Thermometer", "测温设备"), Column("calibrated", "Calibrated", "校准日期"),
        Column("surface_c", "Skin °C", "体表温度°C"), Column("estimate_c", "Body °C", "推算体温°C"), Column("ambient_c", "Ambient °C", "环境温度°C"),
        Column("verdict", "Verdict", "结果"), Column("reason", "Reason", "原因"), Column("next", "Next step", "下一步"),
        Column("operator", "By", "操作人"), Column("why", "Why", "说明"), Column("policy", "Policy", "规则版本"),
      ])
    let contacts = ContactReadings(days)
    let people = Dictionary(roster.map { ($0.token, $0) }) { first, _ in first }
    for event in days.events {
      switch event.what {
      case "screening.passed", "screening.denied", "screening.abandoned", "screening.isolated":
        let verdict = String(event.what.dropFirst("screening.".count))
        var cells: [String: Cell] = [
          "time": .time(event.time), "lane": .text(event.place), "ticket": event.cell("ticket"),
          "token": event.cell("token", row: .month), "attempt": event.cell("attempt"), "device": event.cell("device"),
          "calibrated": event.cell("calibrated"), "surface_c": event.cell("surface_c", digits: 1, row: .day),
          "estimate_c": event.cell("estimate_c", digits: 1, row: .month), "ambient_c": event.cell("ambient_c", digits: 1, row: .day),
          "verdict": .word(verdict), "reason": event.word("reason"), "next": event.word("next"), "policy": event.cell("policy"),
        ]
        if let person = event.text("token").flatMap({ people[$0] }) {
          cells["name"] = .text(person.name)
          cells["role"] = .text(person.role)
        }
        if event.text("reason")?.hasPrefix("contact_") == true { cells["operator"] = contacts.operator(of: event) }
        table.add(cells)
      // Nobody gets in without a line here.
      case "command.done" where event.text("command") == "override":
        table.add([
          "time": .time(event.time), "lane": event.cell("lane"), "verdict": .word("override"), "operator": event.who.map { .text($0) } ?? .none,
          "why": event.cell("why"),
        ])
      default: break
      }
    }
    return Record(
      kind: .ledger, site: days.site, days: days.days, tables: [table],
      notes: [
        Phrase(
          "Skin and ambient temperatures are kept for 24 hours, estimates for 30 days: then they are forgotten, which is not the same as not measured.",
          "体表温度和环境温度保存24小时，推算体温保存30天；到期删除，“已删除”不等于未测量。")
      ])
  }
}

/// Who entered the contact thermometer's reading of a ticket.
private struct ContactReadings {
  private var byTicket: [Double: [(seconds: Double, who: String)]] = [:]

  init(_ days: RecordedDays) {
    for event in days.events where event.what == "command.done" && event.text("command") == "contact_reading" {
      if let ticket = event.number("ticket"), let who = event.who { byTicket[ticket, default: []].append((event.seconds, who)) }
    }
  }

  /// The verdict is made in the turn of the command.
  func `operator`(of event: RecordedEvent) -> Cell {
    let given = event.number("ticket").flatMap { byTicket[$0] } ?? []
    let seconds = event.seconds
    return given.first { abs($0.seconds - seconds) < 2 }.map { .text($0.who) } ?? .none
  }
}
