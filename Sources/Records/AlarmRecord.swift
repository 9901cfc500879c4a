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
  }
  var table = RecordTable(
    "alarms", RecordKind.alarms.title,
    [
      Column("occurrence", "Number", "编号"), Column("kind", "Alarm", "报警"), Column("place", "Place", "位置"), Column("priority", "Priority", "级别"),
      Column("raised", "Raised", "发生时间"), Column("value", "Value", "数值"), Column("acknowledged", "Acknowledged", "确认时间"),
      Column("acknowledged_by", "By", "确认人"), Column("answered_s", "Until then", "响应时长"), Column("cleared", "Cleared", "解除时间"),
      Column("lasted_s", "Lasted", "持续时长"), Column("state", "State", "状态"),
    ])
  var all: [Double: Occurrence] = [:]
  var order: [Double] = []
  /// Of these days; who was raised before belongs to them when something happened in them.
  var counted = Set<Double>()
  for (event, isInside) in days.before.map({ ($0, false) }) + days.events.map({ ($0, true) }) {
    // What is shelved while nothing is there has no number.
    guard let number = event.number("occurrence"), number > 0 else { continue }
    if event.what == "command.done", event.text("command") == "acknowledge" {
      all[number, default: Occurrence()].by = event.who
      continue
    }
    guard event.what.hasPrefix("alarm.") else { continue }
    if all[number] == nil || !order.contains(number) { order.append(number) }
    var one = all[number] ?? Occurrence()
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
    all[number] = one
    if isInside { counted.insert(number) }
  }
  for number in order {
    guard let one = all[number], counted.contains(number) || one.cleared == nil else { continue }
    func between(_ start: RecordedEvent?, _ end: RecordedEvent?) -> Cell {
      guard let start, let end else { return .none }
      return .duration(max(0, end.seconds - start.seconds))
    }
    table.add([
      "occurrence": .number(number, digits: 0), "kind": .word(one.kind), "place": .text(one.place), "priority": .word(one.priority),
      "raised": one.raised.map { .time($0.time) } ?? .none, "value": one.value.map { .number($0, digits: 1) } ?? .none,
      "acknowledged": one.acknowledged.map { .time($0.time) } ?? .none, "acknowledged_by": one.by.map { .text($0) } ?? .none,
      "answered_s": between(one.raised, one.acknowledged), "cleared": one.cleared.map { .time($0.time) } ?? .none,
      "lasted_s": between(one.raised, one.cleared), "state": .word(one.cleared == nil ? one.state : "cleared"),
    ])
  }
  return table
}
