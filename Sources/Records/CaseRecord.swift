// The cases of some days: what was done about each confirmed fever or symptom, when, by whom, and how long each step took.

import EventLog

extension Record {
  static func cases(_ days: RecordedDays) -> Record {
    Record(
      kind: .cases, site: days.site, days: days.days, tables: [caseTable(days), stepTable(days), incidentTable(days)],
      notes: [Phrase("Times are since the case was opened.", "各步骤时长自个案登记起计算。")])
  }
}

/// A row for each case that something happened to, or that was open.
private func caseTable(_ days: RecordedDays) -> RecordTable {
  var table = RecordTable(
    "cases", RecordKind.cases.title,
    [
      Column("case", "Case", "个案"), Column("state", "State", "状态"), Column("opened", "Opened", "登记时间"), Column("place", "Place", "地点"), Column("cause", "Cause", "原因"),
      Column("symptom", "Symptom", "症状"), Column("ticket", "Ticket", "候测号"), Column("isolated_s", "Isolated after", "隔离用时"),
      Column("room", "Room", "隔离室"), Column("reported_s", "Reported after", "报告用时"), Column("reported_to", "To", "报告对象"),
      Column("contacts_listed_s", "Contacts listed after", "接触者登记用时"), Column("handed_over_s", "Handed over after", "移交用时"),
      Column("handed_over_to", "To", "移交对象"), Column("closed_s", "Closed after", "结案用时"),
    ])
  let steps = days.before.filter { $0.what.hasPrefix("case.") }
  let opened = Set(steps.compactMap { $0.number("case") }).subtracting(steps.filter { $0.what == "case.closed" }.compactMap { $0.number("case") })
  let happened = opened.union(days.events.filter { $0.what.hasPrefix("case.") }.compactMap { $0.number("case") })
  var rows: [Double: [String: Cell]] = [:]
  for event in days.before + days.events where event.what.hasPrefix("case.") {
    guard let number = event.number("case"), happened.contains(number) else { continue }
    let step = String(event.what.dropFirst("case.".count))
    var row = rows[number] ?? ["case": .number(number, digits: 0), "state": .word("open"), "place": .text(event.place), "cause": event.word("cause"), "ticket": event.cell("ticket")]
    switch step {
    case "opened":
      row["opened"] = .time(event.time)
      row["symptom"] = event.cell("symptom")
    case "isolated": row["room"] = event.cell("room")
    case "reported", "handed_over": row["\(step)_to"] = event.cell("to")
    case "closed": row["state"] = .word("closed")
    default: break
    }
    if let seconds = event.number("since_opened_s") { row["\(step)_s"] = .duration(seconds) }
    rows[number] = row
  }
  for (_, row) in rows.sorted(by: { $0.key < $1.key }) { table.add(row) }
  return table
}

private func stepTable(_ days: RecordedDays) -> RecordTable {
  var table = RecordTable(
    "steps", Phrase("Steps", "处置步骤"),
    [
      Column("time", "Time", "时间"), Column("case", "Case", "个案"), Column("step", "Step", "步骤"), Column("place", "Place", "地点"),
      Column("room", "Room", "房间"), Column("to", "To", "对象"), Column("who", "By", "操作人"), Column("note", "Note", "备注"),
    ])
  for event in days.events {
    let isRoom = event.what == "room.locked" || event.what == "room.freed"
    guard isRoom || event.what.hasPrefix("case.") else { continue }
    table.add([
      "time": .time(event.time), "case": event.cell("case"), "step": .word(String(event.what).replacing(".", with: "_")),
      "place": isRoom ? .none : .text(event.place), "room": isRoom ? .text(event.place) : event.cell("room"), "to": event.cell("to"),
      "who": event.cell("who"), "note": event.cell("note"),
    ])
  }
  return table
}

/// When the site was open, and when something kept people out.
private func incidentTable(_ days: RecordedDays) -> RecordTable {
  var table = RecordTable(
    "site", Phrase("Site and incidents", "场所与事件"),
    [
      Column("time", "Time", "时间"), Column("what", "What", "事项"), Column("place", "Place", "范围"), Column("who", "By", "操作人"),
      Column("why", "Why", "说明"), Column("case", "Case", "个案"), Column("item", "Item", "项目"),
    ])
  for event in days.events where event.what.hasPrefix("incident.") || event.what.hasPrefix("site.") {
    table.add([
      "time": .time(event.time), "what": .word(String(event.what).replacing(".", with: "_")), "place": .text(event.place), "who": event.cell("who"),
      "why": event.cell("why"), "case": event.cell("case"), "item": event.cell("item"),
    ])
  }
  return table
}
