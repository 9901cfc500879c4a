// The daily report: who came through each lane and what became of them, how many an hour and how long they waited, the alarms and who saw them, and what staff ordered.

import EventLog

extension Record {
  static func daily(_ days: RecordedDays) -> Record {
    Record(
      kind: .daily, site: days.site, days: days.days, tables: [laneTable(days), hourTable(days), alarmTable(days), commandTable(days)],
      notes: [
        Phrase(
          "People, not measurements: each counts by the last verdict, at the lane where it began. Elevated is whoever was at least once. Who had no verdict when the day ended counts as screened only.",
          "按人次计，记入开始测温的通道：以最后结果为准；“曾偏高”指至少一次偏高；日终尚无结果者只计入测温人次。"),
        Phrase(
          "Hours that are over. At the lane: from stepping up to the first result. With a ticket: from the ticket to the end. Elevated is of those with a measurement that counts.",
          "仅含已结束的时段。测温用时：从站到测温处至首个结果；候测用时：从取得候测号至结束；偏高比例以有效测温为准。"),
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
  let orders = LaneOrders(days)
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
      person.last = event.text("reason") == "overridden" ? "override" : event.what.dropFirst("screening.".count)
      if ["elevated", "high", "relative", "contact_elevated"].contains(event.text("reason")) { person.wasElevated = true }
      if ticket == 0 { lanes[lane, default: LaneCounts()].add(person) } else { open[ticket] = person }
    // Of nobody who was screened: whoever was counts by that.
    case "command.done" where event.text("command") == "override" && !orders.isOfScreening(event): lanes[lane, default: LaneCounts()].overrides += 1
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

/// What the lanes did hour by hour, and in the whole day.
private func hourTable(_ days: RecordedDays) -> RecordTable {
  var table = RecordTable(
    "hours", Phrase("Throughput and waiting", "通行与等候"),
    [
      Column("lane", "Lane", "通道"), Column("period", "Period", "时段"), Column("start", "From", "开始"),
      Column("screened", "Screened", "测温人次"), Column("busiest_5min", "Most in 5 min", "5分钟最多"),
      Column("lane_mean_s", "At the lane, mean s", "测温用时均值(秒)"), Column("lane_longest_s", "Longest s", "测温最长(秒)"),
      Column("tickets", "Tickets ended", "候测结束"), Column("ticket_mean_s", "With a ticket, mean", "候测用时均值"),
      Column("ticket_longest_s", "Longest", "候测最长"), Column("measured", "Measured", "有效测温"), Column("elevated", "Elevated", "曾偏高"),
      Column("elevated_percent", "Elevated, %", "偏高%"), Column("median_c", "Median, °C", "体温中位数°C"),
    ])
  for event in days.statistics.sorted(by: { $0.place < $1.place }) {
    func time(_ key: String) -> Cell { event.number(key).map { .duration($0) } ?? .none }
    let (measured, elevated) = (event.number("measured") ?? 0, event.number("elevated") ?? 0)
    table.add([
      "lane": .text(event.place), "period": event.word("period"), "start": event.text("start").map { .time($0) } ?? .none,
      "screened": event.cell("screened"), "busiest_5min": event.cell("busiest_5min"), "lane_mean_s": event.cell("lane_mean_s", digits: 1),
      "lane_longest_s": event.cell("lane_longest_s", digits: 1), "tickets": event.cell("tickets"), "ticket_mean_s": time("ticket_mean_s"),
      "ticket_longest_s": time("ticket_longest_s"), "measured": event.cell("measured"), "elevated": event.cell("elevated"),
      "elevated_percent": measured > 0 ? .number(elevated / measured * 100, digits: 1) : .none,
      "median_c": event.cell("median_c", digits: 2),
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
    case "override": overrides += 1
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
    table.add([
      "time": .time(event.time), "command": event.word("command"), "about": .words(about(event)),
      "claimed": event.cell("claimed"), "actor": event.cell("actor"), "why": event.cell("why"),
      "answer": .word(String(event.what.dropFirst("command.".count))), "reason": event.word("reason"),
    ])
  }
  return table
}

/// What an order was about, in the words and numbers of its event.
private func about(_ event: RecordedEvent) -> [Cell] {
  let named = ["lane", "room", "place", "device", "item", "write"].compactMap { event.text($0).map { Cell.text($0) } }
  let words = ["kind", "step", "method", "verdict"].compactMap { event.text($0).map { Cell.word($0) } }
  let numbers = ["ticket", "occurrence", "case", "people"].flatMap { key -> [Cell] in
    event.number(key).map { [.word(key), .number($0, digits: 0)] } ?? []
  }
  return named + words + numbers
}
