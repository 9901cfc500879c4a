// The alarms of some days, a row an occurrence: when it was raised, who saw it, when it was over.

import EventLog

extension Record {
  static func alarms(_ days: RecordedDays) -> Record {
    Record(kind: .alarms, site: days.site, days: days.days, tables: [alarmTable(days)])
  }
}

/// One row for each occurrence that was raised, seen or cleared in these days.
func alarmTable(_ days: RecordedDays) -> RecordTable {
  struct Occurrence {
    var kind = "", place = "", priority = "", state = ""
    var value: Double?
    var raised, acknowledged, cleared: RecordedEvent?
    var by: String?
    var repeats = 0
    var number = 0.0
    var isCounted = false

    init(number: Double) { self.number = number }
  }
  var table = RecordTable(
    "alarms", RecordKind.alarms.title,
    [
      Column("occurrence", "Number", "编号"), Column("kind", "Alarm", "报警"), Column("place", "Place", "位置"), Column("priority", "Priority", "级别"),
      Column("raised", "Raised", "发生时间"), Column("repeats", "Repeated", "重复次数"), Column("value", "Value", "数值"), Column("acknowledged", "Acknowledged", "确认时间"),
      Column("acknowledged_by", "By", "确认人"), Column("answered_s", "Until then", "响应时长"), Column("cleared", "Cleared", "解除时间"),
      Column("lasted_s", "Lasted", "持续时长"), Column("state", "State", "状态"),
    ])
  /// In order of their first event.
  var all: [Occurrence] = []
  /// The newest place of a number: without a state to go on with, a door begins again with 1.
  var places: [Double: Int] = [:]
  for (event, isInside) in days.before.map({ ($0, false) }) + days.events.map({ ($0, true) }) {
    if event.what == "system.started", event.data?["restored"] == .truth(false) {
      // It began with no state of the run before: what still holds is raised anew.
      for place in all.indices where all[place].cleared == nil { all[place].state = "begun_anew" }
      places = [:]
      continue
    }
    // What is shelved while nothing is there has no number.
    guard let number = event.number("occurrence"), number > 0 else { continue }
    if event.what == "command.done", event.text("command") == "acknowledge" {
      if let place = places[number] { all[place].by = all[place].by ?? event.who }
      continue
    }
    guard event.what.hasPrefix("alarm.") else { continue }
    let isNew = event.what == "alarm.raised" && places[number].map { all[$0].raised != nil } == true
    if places[number] == nil || isNew {
      places[number] = all.count
      all.append(Occurrence(number: number))
    }
    guard let place = places[number] else { continue }
    var one = all[place]
    one.kind = event.text("kind") ?? one.kind
    one.place = event.place
    one.priority = event.text("priority") ?? one.priority
    one.state = event.text("state") ?? one.state
    switch event.what {
    case "alarm.raised":
      one.raised = event
      one.value = event.number("value")
    case "alarm.repeated": one.repeats += 1
    case "alarm.acknowledged": one.acknowledged = one.acknowledged ?? event
    case "alarm.cleared": one.cleared = event
    default: break
    }
    // Who was raised before belongs to these days when something happened in them.
    if isInside { one.isCounted = true }
    all[place] = one
  }
  for one in all where one.isCounted || (one.cleared == nil && one.state != "begun_anew") {
    func between(_ start: RecordedEvent?, _ end: RecordedEvent?) -> Cell {
      guard let start, let end else { return .none }
      return .duration(max(0, end.seconds - start.seconds))
    }
    table.add([
      "occurrence": .number(one.number, digits: 0), "kind": .word(one.kind), "place": .text(one.place), "priority": .word(one.priority),
      "raised": one.raised.map { .time($0.time) } ?? .none, "repeats": one.repeats > 0 ? .number(Double(one.repeats), digits: 0) : .none,
      "value": one.value.map { .number($0, digits: 1) } ?? .none,
      "acknowledged": one.acknowledged.map { .time($0.time) } ?? .none, "acknowledged_by": one.by.map { .text($0) } ?? .none,
      "answered_s": between(one.raised, one.acknowledged), "cleared": one.cleared.map { .time($0.time) } ?? .none,
      "lasted_s": between(one.raised, one.cleared), "state": .word(one.cleared == nil ? one.state : "cleared"),
    ])
  }
  return table
}
