// The daily report: who came through each lane and what became of them, the alarms and who saw them, and what staff ordered.

import EventLog

extension Record {
  static func daily(_ days: RecordedDays) -> Record {
    Record(
      kind: .daily, site: days.site, days: days.days, tables: [laneTable(days), alarmTable(days), commandTable(days)],
      notes: [
        Phrase(
          "People, not measurements: each counts by the last verdict. Elevated is whoever was at least once.",
          "按人次计：以最后结果为准；“曾偏高”指至少一次偏高。")
      ])
  }
}

/// What became of people, lane by lane.
private func laneTable(_ days: RecordedDays) -> RecordTable {
  var table = RecordTable(
    "lanes", Phrase("Lanes", "通道"),
    [
      Column("lane", "Lane", "通道"), Column("screened", "Screened", "测温人次"), Column("passed", "Passed", "通过"),
      Column("denied", "Not now", "未放行"), Column("elevated", "Elevated", "曾偏高"), Column("isolated", "Isolated", "隔离"),
      Column("abandoned", "Left", "离开"), Column("overrides", "Let through by staff", "人工放行"),
      Column("unscreened", "Passages unscreened", "未测温通行"),
    ])
  var lanes: [String: LaneCounts] = [:]
  /// By ticket: the lane and the last verdict of whoever has it.
  var open: [Double: Person] = [:]
  for event in days.events {
    let lane = event.what == "command.done" ? event.text("lane") ?? "" : event.place
    switch event.what {
    case "screening.began":
      guard let ticket = event.number("ticket") else { continue }
      // A number that comes again is somebody else.
      if let person = open[ticket] { lanes[person.lane, default: LaneCounts()].add(person) }
      open[ticket] = Person(lane: lane)
    case "screening.passed", "screening.denied", "screening.abandoned", "screening.isolated":
      guard let ticket = event.number("ticket") else { continue }
      // Who began the day before counts there as screened, and here by the verdict.
      var person = open[ticket] ?? Person(lane: lane, beganBefore: true)
      person.last = event.what.dropFirst("screening.".count)
      if ["elevated", "high", "relative", "contact_elevated"].contains(event.text("reason")) { person.wasElevated = true }
      if ticket == 0 { lanes[lane, default: LaneCounts()].add(person) } else { open[ticket] = person }
    case "command.done" where event.text("command") == "override": lanes[lane, default: LaneCounts()].overrides += 1
    case "passage" where event.data?["screened"] == .truth(false): lanes[lane, default: LaneCounts()].unscreened += 1
    case "lane.changed": lanes[lane, default: LaneCounts()].screened += 0
    default: break
    }
  }
  for person in open.values { lanes[person.lane, default: LaneCounts()].add(person) }
  for (name, one) in lanes.sorted(by: { $0.key < $1.key }) {
    func count(_ number: Int) -> Cell { .number(Double(number), digits: 0) }
    table.add([
      "lane": .text(name), "screened": count(one.screened), "passed": count(one.passed), "denied": count(one.denied),
      "elevated": count(one.elevated), "isolated": count(one.isolated), "abandoned": count(one.abandoned), "overrides": count(one.overrides),
      "unscreened": count(one.unscreened),
    ])
  }
  return table
}

private struct Person {
  var lane: String
  var beganBefore = false
  var last: Substring = ""
  var wasElevated = false
}

private struct LaneCounts {
  var screened = 0, passed = 0, denied = 0, elevated = 0, isolated = 0, abandoned = 0, overrides = 0, unscreened = 0

  mutating func add(_ person: Person) {
    if !person.beganBefore { screened += 1 }
    if person.wasElevated { elevated += 1 }
    switch person.last {
    case "passed": passed += 1
    case "denied": denied += 1
    case "isolated": isolated += 1
    case "abandoned": abandoned += 1
    default: break
    }
  }
}

private func commandTable(_ days: RecordedDays) -> RecordTable {
  var table = RecordTable(
    "commands", Phrase("Orders", "操作记录"),
    [
      Column("time", "Time", "时间"), Column("command", "Order", "操作"), Column("about", "About", "对象"), Column("claimed", "Name given", "登记姓名"),
      Column("actor", "User", "用户"), Column("why", "Why", "说明"), Column("answer", "Answer", "结果"), Column("reason", "Refused because", "拒绝原因"),
    ])
  for event in days.events where event.what.hasPrefix("command.") {
    let about = ["lane", "room", "ticket", "occurrence", "device"].compactMap { key -> String? in
      if let text = event.text(key) { return text }
      return event.number(key).map { "\(key) \(Int(exactly: $0) ?? 0)" }
    }
    table.add([
      "time": .time(event.time), "command": event.word("command"), "about": .text(about.joined(separator: ", ")),
      "claimed": event.cell("claimed"), "actor": event.cell("actor"), "why": event.cell("why"),
      "answer": .word(String(event.what.dropFirst("command.".count))), "reason": event.word("reason"),
    ])
  }
  return table
}
