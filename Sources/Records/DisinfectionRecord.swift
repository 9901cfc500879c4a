// The disinfections of some days: where, when, how, with what, and who did it.

extension Record {
  static func disinfection(_ days: RecordedDays) -> Record {
    var table = RecordTable(
      "disinfections", RecordKind.disinfection.title,
      [
        Column("room", "Room", "房间"), Column("began", "Began", "开始时间"), Column("ended", "Ended", "结束时间"), Column("lasted_s", "Lasted", "时长"),
        Column("method", "Method", "方式"), Column("agent", "Agent", "消毒剂"), Column("who", "Responsible", "负责人"),
        Column("recorded", "Recorded", "登记时间"),
      ])
    // Written down within a day: it belongs to the day on which it was done.
    for event in days.before + days.events + days.after where event.what == "room.disinfected" {
      let began = days.local(event.text("began") ?? event.time)
      guard days.days.contains(String(began.prefix(10))) else { continue }
      func moment(_ key: String) -> Cell { event.text(key).map { .time(days.local($0)) } ?? .none }
      let ends = ["began", "ended"].compactMap { event.text($0).flatMap(secondsSince1970) }
      table.add([
        "room": .text(event.place), "began": moment("began"), "ended": moment("ended"),
        "lasted_s": ends.count == 2 ? .duration(max(0, ends[1] - ends[0])) : .none, "method": event.word("method"), "agent": event.cell("agent"),
        "who": event.cell("who"), "recorded": .time(event.time),
      ])
    }
    return Record(kind: .disinfection, site: days.site, days: days.days, tables: [table])
  }
}
