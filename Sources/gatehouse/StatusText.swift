// The door's status as tables for people. What needs somebody comes first: alarms, lanes, then rooms and devices.

import Control
import Domain
import Foundation
import Records

extension Status {
  /// Everything, in lines of 100 columns at most.
  func lines() -> [String] {
    var result = [heading]
    for table in [
      alarmTable, alarmStepTable, caseTable, laneTable, ticketTable, statisticsTable, roomTable, deviceTable, portTable,
    ] where !table.isEmpty {
      result += [""] + table.lines()
    }
    return result + [""] + footing
  }

  private var heading: String {
    "\(printable(site)) · gatehouse \(version) · up \(duration(uptime)) · \(ready ? "ready" : "NOT READY")"
      + (siteState.map { $0 == "open" ? "" : " · \($0.uppercased())" } ?? "")
  }

  var alarmTable: Columns {
    var table = Columns([
      ("ALARM", .right), ("PRIORITY", .left), ("WHAT", .left), ("WHERE", .left), ("SINCE", .left), ("STATE", .left),
    ])
    for alarm in alarms {
      table.add([
        alarm.occurrence == 0 ? "–" : "\(alarm.occurrence)", alarm.priority, alarm.kind, alarm.place, clockTime(alarm.since),
        alarm.stateText,
      ])
    }
    return table
  }

  /// What is done about the alarms that call somebody.
  var alarmStepTable: Columns {
    var table = Columns([("ALARM", .right), ("NEXT STEP", .left)])
    for alarm in alarms where !AlarmState.allCases.contains(where: { $0.isSuppressed && $0.name == alarm.state }) {
      guard let kind = AlarmKind.allCases.first(where: { $0.name == alarm.kind }) else { continue }
      table.add(["\(alarm.occurrence)", kind.nextStep.english])
    }
    return table
  }

  /// Who waits, and what for.
  private var ticketTable: Columns {
    var table = Columns([("TICKET", .right), ("LANE", .left), ("STATE", .left), ("FOR", .left), ("NEXT STEP", .left)])
    for lane in lanes {
      for waiting in lane.waiting {
        let state = ScreeningState.allCases.first { $0.name == waiting.state }
        // The log says why there is no result; measuring by hand helps whatever it was.
        let step = state?.nextStep ?? ScreeningState.contactTest.nextStep
        table.add([
          "\(waiting.ticket)", lane.name, waiting.state.replacing("_", with: " "), duration(waiting.since), step?.english ?? "",
        ])
      }
    }
    return table
  }

  var caseTable: Columns {
    var table = Columns([("CASE", .right), ("CAUSE", .left), ("WHERE", .left), ("OPEN", .right), ("DONE", .left)])
    for one in cases ?? [] {
      table.add([
        "\(one.number)", one.cause, one.place, duration(one.since), one.done.map { $0.replacing("_", with: " ") }.joined(separator: ", "),
      ])
    }
    return table
  }

  /// Rooms that are not simply free.
  var useTable: Columns {
    var table = Columns([("ROOM", .left), ("USE", .left)])
    for room in rooms { if let use = room.use, use != "free" { table.add([room.name, use]) } }
    return table
  }

  private var laneTable: Columns {
    var table = Columns([("LANE", .left), ("STATE", .left), ("PASSED", .right), ("DENIED", .right), ("WAITING", .right), ("ALERT PROVEN", .left)])
    for lane in lanes {
      let state = lane.released.map { "\(lane.state) (\($0))" } ?? lane.state
      table.add([lane.name, state, "\(lane.passed)", "\(lane.denied)", "\(lane.waiting.count)", proven(lane)])
    }
    return table
  }

  /// `11-23 07:00, seen`
  private func proven(_ lane: Lane) -> String {
    guard let proven = lane.proven else { return "–" }
    return "\(proven.dropFirst(5).prefix(5)) \(clockTime(proven).prefix(5))" + (lane.seen == nil ? "" : ", seen")
  }

  /// Lanes where somebody came today or in the last hour.
  var statisticsTable: Columns {
    var table = Columns([
      ("LANE", .left), ("HOUR", .right), ("TODAY", .right), ("IN 5 MIN", .right), ("ELEVATED", .right), ("AT LANE", .left),
      ("WITH TICKET", .left), ("MEDIAN degC", .left),
    ])
    for lane in lanes {
      guard let statistics = lane.statistics else { continue }
      let today = statistics.today
      guard today.screened > 0 || today.tickets > 0 || statistics.lastHour.screened > 0 else { continue }
      let share = today.measured > 0 ? " (\(decimal(Double(today.elevated) / Double(today.measured) * 100, digits: 1)) %)" : ""
      table.add([
        lane.name, "\(statistics.lastHour.screened)", "\(today.screened)", "\(statistics.busiest)", "\(today.elevated)\(share)",
        times(today.laneMean, today.laneLongest), times(today.ticketMean, today.ticketLongest), median(statistics),
      ])
    }
    return table
  }

  /// `2 s (max 31 s)`
  private func times(_ mean: Double?, _ longest: Double?) -> String {
    guard let mean, let longest else { return "–" }
    return "\(duration(mean.rounded())) (max \(duration(longest.rounded())))"
  }

  /// `36.52 (-0.08)`
  private func median(_ statistics: LaneStatistics) -> String {
    guard let median = statistics.median, let drift = statistics.drift else { return "–" }
    return "\(decimal(median)) (\(drift < 0 ? "" : "+")\(decimal(drift)))"
  }

  private var roomTable: Columns {
    var table = Columns([
      ("ROOM", .left), ("CO2 5 MIN", .right), ("CO2 1 H", .right), ("USE", .left), ("PEOPLE", .right), ("VENTILATION", .left),
    ])
    for room in rooms {
      table.add([
        room.name, ppm(room.mean5), ppm(room.mean60), room.use ?? "", room.people.map(String.init) ?? "", ventilation(of: room),
      ])
    }
    return table
  }

  /// `window 12 min, 48 min missing`; `in session`.
  private func ventilation(of room: Room) -> String {
    var words: [String] = []
    if room.isInSession == true { words.append("in session") }
    if let method = room.ventilation { words.append("\(method) \(minutes(room.ventilatedFor ?? 0))") }
    if let missing = room.missing { words.append("\(minutes(missing)) missing") }
    return words.map { whole($0) }.joined(separator: ", ")
  }

  private func minutes(_ seconds: Double) -> String { "\(Int((seconds / 60).rounded(.up))) min" }

  var deviceTable: Columns {
    var table = Columns([
      ("DEVICE", .left), ("PROFILE", .left), ("PORT", .left), ("STATE", .left), ("READINGS", .left),
    ])
    for device in devices {
      table.add([
        device.name, device.profile, device.port, device.state, device.fields.map { whole($0.text) }.joined(separator: ", "),
      ])
    }
    return table
  }

  private var portTable: Columns {
    var table = Columns([("PORT", .left), ("STATE", .left), ("OPENED", .right), ("LOST", .right)])
    for port in ports { table.add([port.name, port.state, "\(port.opens)", "\(port.losses)"]) }
    return table
  }

  private var footing: [String] {
    var result = [
      "log: records \(log.records), telemetry \(log.telemetry), aggregates \(log.aggregates); "
        + "\(log.tail) not yet committed\(log.stalled ? "; STALLED" : "")"
    ]
    let lost = log.lost.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    if !lost.isEmpty { result.append("lost: \(lost.joined(separator: ", "))") }
    for (name, times) in latency.sorted(by: { $0.key < $1.key }) where times.count > 0 {
      result.append(
        "\(name): p50 \(decimal(times.p50, digits: 1)) µs, p99 \(decimal(times.p99, digits: 1)) µs, "
          + "max \(decimal(times.max, digits: 1)) µs of \(times.count)")
    }
    return result
  }

  private func ppm(_ value: Double?) -> String { value.map { "\(decimal($0, digits: 0)) ppm" } ?? "–" }
}

extension Status.Alarm {
  /// `shelved until 09:30:00 by Li Na: windows are open`, `unacknowledged, level 1`.
  var stateText: String {
    var text = state
    if let level { text += ", level \(level)" }
    if let until { text += " until \(clockTime(until))" }
    if let who { text += " by \(who)" }
    if let why { text += ": \(why)" }
    return printable(text)
  }
}

extension Status.Field {
  /// `co2 608 ppm`, or `co2 stale`.
  var text: String {
    guard quality == "good", let value else { return "\(name) \(quality)" }
    if unit == channelsUnit { return "\(name) \(channelText(channels(in: value)))" }
    return unit.isEmpty ? "\(name) \(decimal(value))" : "\(name) \(decimal(value)) \(unit)"
  }
}
