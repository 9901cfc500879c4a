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
    let orders = LaneOrders(days)
    let people = Dictionary(roster.map { ($0.token, $0) }) { first, _ in first }
    for event in days.events {
      switch event.what {
      case "screening.passed", "screening.denied", "screening.abandoned", "screening.isolated":
        let reason = event.text("reason") ?? ""
        let verdict = reason == "overridden" ? "override" : String(event.what.dropFirst("screening.".count))
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
        if reason == "overridden" || reason.hasPrefix("contact_"), let order = orders.order(of: event) {
          cells["operator"] = order.who.map { .text($0) } ?? .none
          cells["why"] = order.cell("why")
        }
        table.add(cells)
      // Nobody gets in without a line here, also who was never measured.
      case "command.done" where event.text("command") == "override" && !orders.isOfScreening(event):
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
          "Skin and ambient temperatures are kept for 24 hours, estimates and tokens for 30 days, or as the settings say: then they are forgotten, which is not the same as not measured. Passed says that no elevated temperature was found, not that somebody is well.",
          "体表温度和环境温度保存24小时，推算体温和人员标识保存30天（或按设置）；到期删除，“已删除”不等于未测量。“通过”仅表示未发现体温偏高，不代表身体健康。")
      ])
  }
}

/// What staff ordered at lanes that made a verdict. A verdict is made in the turn of its order: both have the same time.
struct LaneOrders {
  private var orders: [String: RecordedEvent] = [:]
  private var verdicts = Set<String>()

  init(_ days: RecordedDays) {
    for event in days.events {
      if event.what == "command.done", ["override", "contact_reading"].contains(event.text("command")) { orders[event.time] = event }
      if event.what == "screening.passed", event.text("reason") == "overridden" { verdicts.insert(event.time) }
    }
  }

  func order(of verdict: RecordedEvent) -> RecordedEvent? { orders[verdict.time] }

  /// An override of somebody who was being screened, or waited.
  func isOfScreening(_ order: RecordedEvent) -> Bool { verdicts.contains(order.time) }
}
