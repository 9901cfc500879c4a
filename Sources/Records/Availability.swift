// Whether the monitoring equipment ran: each device's time up and down, every gap, and the door's own restarts, over the 24 hours
// of each day. A device that was not watched because the door was down was not available.

import Domain
import EventLog

extension Record {
  static func availability(_ days: RecordedDays) -> Record {
    let watch = DeviceWatch(days)
    var devices = RecordTable(
      "devices", Phrase("Devices", "设备"),
      [
        Column("device", "Device", "设备"), Column("available_percent", "Available %", "可用率%"), Column("up_s", "Up", "正常时长"),
        Column("down_s", "Down", "中断时长"), Column("gaps", "Gaps", "中断次数"), Column("longest_gap_s", "Longest gap", "最长中断"),
        Column("state", "At the end", "结束时"),
      ])
    var gaps = RecordTable(
      "gaps", Phrase("Gaps", "中断明细"),
      [
        Column("device", "Device", "设备"), Column("from", "From", "开始"), Column("to", "To", "结束"), Column("length_s", "Length", "时长"),
        Column("reason", "Reason", "原因"),
      ])
    let total = days.span.upperBound - days.span.lowerBound
    for (name, spans) in watch.gaps.sorted(by: { $0.key < $1.key }) {
      let down = spans.reduce(0) { $0 + $1.end - $1.start }
      devices.add([
        "device": .text(name), "available_percent": total > 0 ? .number((total - down) / total * 100, digits: 2) : .none,
        "up_s": .duration(total - down), "down_s": .duration(down), "gaps": .number(Double(spans.count), digits: 0),
        "longest_gap_s": spans.isEmpty ? .none : .duration(spans.map { $0.end - $0.start }.max() ?? 0),
        "state": .word(watch.isUp[name] == true ? "up" : "down"),
      ])
      for gap in spans {
        gaps.add([
          "device": .text(name), "from": gap.from.map { .time($0) } ?? .none, "to": gap.to.map { .time($0) } ?? .none,
          "length_s": .duration(gap.end - gap.start), "reason": .word(gap.reason),
        ])
      }
    }
    var door = RecordTable(
      "door", Phrase("The system itself", "系统本身"),
      [Column("time", "Time", "时间"), Column("what", "What", "事件"), Column("down_s", "Was down", "停机时长"), Column("count", "Lost", "丢失")])
    for event in days.events {
      switch event.what {
      case "system.started":
        door.add(["time": .time(event.time), "what": .word("started"), "down_s": event.number("down_s").map { .duration($0) } ?? .none])
      case "system.stopping": door.add(["time": .time(event.time), "what": .word("stopped")])
      case "clock.stepped": door.add(["time": .time(event.time), "what": .word("clock_stepped"), "down_s": .none])
      case "loss": door.add(["time": .time(event.time), "what": .word("events_lost"), "count": event.cell("count")])
      default: break
      }
    }
    return Record(
      kind: .availability, site: days.site, days: days.days, tables: [devices, gaps, door],
      notes: [
        Phrase(
          "Of the whole day, or of it until this was written. A gap without a beginning or an end goes on beyond the record. What the log does not tell of counts as a gap.",
          "按全天（或截至打印时）计算；没有起止时间的中断延续到记录之外；日志没有记录的时间按中断计算。")
      ])
  }
}

/// Each device's gaps.
private struct DeviceWatch {
  struct Gap {
    var start: Double
    var end: Double
    /// `nil`: beyond the record.
    var from: String?
    var to: String?
    var reason: String
  }

  var gaps: [String: [Gap]] = [:]
  var isUp: [String: Bool] = [:]
  /// Since when, and why.
  private var down: [String: (since: Double, from: String?, reason: String)] = [:]
  /// The door's last start.
  private var startedAt: Double?
  private let start: Double

  init(_ days: RecordedDays) {
    let (start, end) = (days.span.lowerBound, days.span.upperBound)
    self.start = start
    // Down is who was told down and not up again; the door tells anew of each after its start.
    for event in days.before { take(event) }
    for name in down.keys { down[name]?.since = start; down[name]?.from = nil }
    gaps = gaps.mapValues { _ in [] }
    for event in days.events { take(event) }
    for event in days.after where event.what == "system.started" {
      take(event)
      break
    }
    // The door died, and nobody has started it again.
    if let lastWord = days.lastWord, lastWord < end - RecordedDays.silentLongest { fall(at: lastWord, nil, "no_record") }
    // Started, and never heard of: it is in the settings no more, or nobody has said anything yet.
    for (name, one) in down where one.reason == "door_down" {
      if let started = startedAt, started > one.since, started < end {
        close(name, at: started, to: nil)
        down[name] = (started, nil, "not_told")
      }
    }
    for (name, one) in down {
      close(name, at: end, to: nil)
      down[name] = one
      isUp[name] = false
    }
    gaps = gaps.mapValues { spans in
      spans.map { gap in
        var gap = gap
        (gap.start, gap.end) = (max(gap.start, start), min(max(gap.end, start), end))
        return gap
      }.filter { $0.end > $0.start }
    }
  }

  private mutating func take(_ event: RecordedEvent) {
    switch event.what {
    case "device.up":
      meet(event)
      close(event.place, at: event.seconds, to: event.time)
      isUp[event.place] = true
    case "device.down":
      meet(event)
      isUp[event.place] = false
      // Since the door's start it was not there either, for a reason of its own.
      if down[event.place]?.reason == "door_down" { close(event.place, at: event.seconds, to: event.time) }
      if down[event.place] == nil { down[event.place] = (event.seconds, event.time, event.text("reason") ?? "") }
    case "device.still_down":
      meet(event)
      isUp[event.place] = false
      if down[event.place] == nil { down[event.place] = (event.seconds - (event.number("down_s") ?? 0), nil, "silent") }
    case "system.stopping": fall(at: event.seconds, event.time, "door_down")
    case "system.started":
      // Killed, it said nothing: it was down since its last record.
      fall(at: event.seconds - (event.number("down_s") ?? 0), nil, "door_down")
      startedAt = event.seconds
    default: break
    }
  }

  /// The first that is heard of a device: of the time before, nothing is known.
  private mutating func meet(_ event: RecordedEvent) {
    guard gaps[event.place] == nil else { return }
    gaps[event.place] = event.seconds > start ? [Gap(start: start, end: event.seconds, from: nil, to: event.time, reason: "no_record")] : []
  }

  /// All that are up are down from a moment on.
  private mutating func fall(at moment: Double, _ from: String?, _ reason: String) {
    for name in gaps.keys where down[name] == nil { down[name] = (moment, from, reason) }
  }

  private mutating func close(_ name: String, at end: Double, to: String?) {
    guard let one = down.removeValue(forKey: name) else { return }
    gaps[name, default: []].append(Gap(start: one.since, end: end, from: one.from, to: to, reason: one.reason))
  }
}
