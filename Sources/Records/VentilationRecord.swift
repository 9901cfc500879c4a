// The ventilation record that the guideline asks for: room, slot, planned and actual times, how, by whom, what CO2 says of it,
// and the verdict. A row is a slot that is over.

import EventLog

extension Record {
  static func ventilation(_ days: RecordedDays) -> Record {
    Record(
      kind: .ventilation, site: days.site, days: days.days, tables: [slotTable(days), ventilationTable(days)],
      notes: [
        Phrase(
          "Not less than 60 minutes each morning, each afternoon and after each session. CO2 of an empty room near outdoors tells nothing.",
          "每日上午、下午及每场次结束后各不少于60分钟。空置房间的二氧化碳接近室外时无法据此判断。")
      ])
  }
}

private let ventilationColumns = [
  Column("method", "Method", "方式"), Column("start_ppm", "CO2 at the start", "开始CO2 ppm"), Column("end_ppm", "CO2 at the end", "结束CO2 ppm"),
  Column("air_changes_h", "Air changes per hour", "换气次数/时"), Column("air_changes_error", "±", "±"), Column("effect", "Effect", "效果"),
]

private func slotTable(_ days: RecordedDays) -> RecordTable {
  var table = RecordTable(
    "slots", RecordKind.ventilation.title,
    [
      Column("date", "Date", "日期"), Column("room", "Room", "房间"), Column("slot", "Slot", "时段"), Column("session", "Session", "场次"),
      Column("planned_start", "Planned from", "计划开始"), Column("planned_end", "To", "计划结束"), Column("start", "Actually from", "实际开始"),
      Column("end", "To", "实际结束"), Column("minutes", "Minutes", "时长（分钟）"),
    ] + ventilationColumns + [
      Column("responsible", "Responsible", "负责人"), Column("verdict", "Verdict", "结论"), Column("short_by_min", "Short by, minutes", "缺少（分钟）"),
      Column("signature", "Signature", "签名"),
    ])
  for event in days.events where event.what == "ventilation.judged" {
    var cells = actual(event)
    cells["date"] = .text(String((event.text("planned_start") ?? event.time).prefix(10)))
    cells["room"] = .text(event.place)
    cells["slot"] = event.word("slot")
    cells["session"] = event.cell("session")
    cells["planned_start"] = moment(event, "planned_start")
    cells["planned_end"] = moment(event, "planned_end")
    cells["responsible"] = event.cell("responsible")
    cells["verdict"] = event.word("verdict")
    cells["short_by_min"] = event.cell("short_by_min")
    table.add(cells)
  }
  return table
}

/// All of them, also those that no slot asked for.
private func ventilationTable(_ days: RecordedDays) -> RecordTable {
  var table = RecordTable(
    "ventilations", Phrase("Ventilations", "通风明细"),
    [Column("room", "Room", "房间"), Column("start", "From", "开始"), Column("end", "To", "结束"), Column("minutes", "Minutes", "时长（分钟）")]
      + ventilationColumns)
  for event in days.events where event.what == "ventilation.ended" {
    var cells = actual(event)
    cells["room"] = .text(event.place)
    table.add(cells)
  }
  return table
}

private func moment(_ event: RecordedEvent, _ key: String) -> Cell { event.text(key).map { .time($0) } ?? .none }

private func actual(_ event: RecordedEvent) -> [String: Cell] {
  [
    "start": moment(event, "start"), "end": moment(event, "end"), "minutes": event.cell("minutes"), "method": event.word("method"),
    "start_ppm": event.cell("start_ppm"), "end_ppm": event.cell("end_ppm"), "air_changes_h": event.cell("air_changes_h", digits: 1),
    "air_changes_error": event.cell("air_changes_error", digits: 1), "effect": event.word("effect"),
  ]
}
