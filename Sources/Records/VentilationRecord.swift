// The ventilation record that the guideline asks for: room, slot, planned and actual times, how, by whom, what CO2 says of it,
// and the verdict. A row is a slot that is over. It belongs to the day that it was planned for, though it may be judged later: when the
// door was down, at its next start.

import EventLog

extension Record {
  static func ventilation(_ days: RecordedDays) -> Record {
    Record(
      kind: .ventilation, site: days.site, days: days.days, tables: [slotTable(days), ventilationTable(days)],
      notes: [
        Phrase(
          "Not less than 60 minutes each morning, each afternoon and after each session. CO2 of an empty room near outdoors tells nothing. A slot that is not over, or of which the door has not told yet, has no row.",
          "每日上午、下午及每场次结束后各不少于60分钟。空置房间的二氧化碳接近室外时无法据此判断。尚未结束或系统尚未判定的时段不列出。")
      ])
  }
}

private let ventilationColumns = [
  Column("method", "Method", "方式"), Column("start_ppm", "CO2 at the start", "开始CO2 ppm"), Column("end_ppm", "CO2 at the end", "结束CO2 ppm"),
  Column("air_changes_h", "Air changes per hour", "换气次数（次/时）"), Column("air_changes_error", "±", "±"), Column("effect", "Effect", "效果"),
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
      Column("unseen_min", "Not seen, minutes", "未监测（分钟）"),
      Column("signature", "Signature", "签名"),
    ])
  for event in days.before + days.events + days.after where event.what == "ventilation.judged" {
    let date = String(days.local(event.text("planned_start") ?? event.time).prefix(10))
    guard days.days.contains(date) else { continue }
    var cells = actual(event, days)
    cells["date"] = .text(date)
    cells["room"] = .text(event.place)
    cells["slot"] = event.word("slot")
    cells["session"] = event.cell("session")
    cells["planned_start"] = moment(event, "planned_start", days)
    cells["planned_end"] = moment(event, "planned_end", days)
    cells["responsible"] = event.cell("responsible")
    cells["verdict"] = event.word("verdict")
    cells["short_by_min"] = event.cell("short_by_min")
    cells["unseen_min"] = event.cell("unseen_min")
    table.add(cells)
  }
  return table
}

/// All of them, also those that no slot asked for.
private func ventilationTable(_ days: RecordedDays) -> RecordTable {
  var table = RecordTable(
    "ventilations", Phrase("Ventilations", "通风明细"),
    [Column("room", "Room", "房间"), Column("start", "From", "开始"), Column("end", "To", "结束"), Column("minutes", "Minutes", "时长（分钟）")]
      + ventilationColumns + [Column("unknown_min", "Not seen, minutes", "未监测（分钟）"), Column("declared_by", "Declared by", "登记人")])
  let declared = Declarations(days)
  for event in days.before + days.events + days.after where event.what == "ventilation.ended" {
    guard days.days.contains(String(days.local(event.text("start") ?? event.time).prefix(10))) else { continue }
    var cells = actual(event, days)
    cells["room"] = .text(event.place)
    cells["unknown_min"] = event.cell("unknown_min")
    cells["declared_by"] = declared.who(event)
    table.add(cells)
  }
  return table
}

/// Who said that a room was being ventilated.
private struct Declarations {
  private var byRoom: [String: [(seconds: Double, who: String)]] = [:]

  init(_ days: RecordedDays) {
    for event in days.before + days.events where event.what == "command.done" && event.text("command") == "ventilation_begin" {
      if let room = event.text("room"), let who = event.who { byRoom[room, default: []].append((event.seconds, who)) }
    }
  }

  /// Of one that somebody's word began; it begins in the turn of the command.
  func who(_ event: RecordedEvent) -> Cell {
    guard event.text("method") == "declared", let start = event.text("start").flatMap(secondsSince1970) else { return .none }
    return byRoom[event.place]?.last { $0.seconds <= start + 1 }.map { .text($0.who) } ?? .none
  }
}

private func moment(_ event: RecordedEvent, _ key: String, _ days: RecordedDays) -> Cell { event.text(key).map { .time(days.local($0)) } ?? .none }

private func actual(_ event: RecordedEvent, _ days: RecordedDays) -> [String: Cell] {
  [
    "start": moment(event, "start", days), "end": moment(event, "end", days), "minutes": event.cell("minutes"), "method": event.word("method"),
    "start_ppm": event.cell("start_ppm"), "end_ppm": event.cell("end_ppm"), "air_changes_h": event.cell("air_changes_h", digits: 1),
    "air_changes_error": event.cell("air_changes_error", digits: 1), "effect": event.word("effect"),
  ]
}
