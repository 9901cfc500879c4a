// One event for people: time, what, where, and its facts. Any event can be shown, also of a type this program does not
// know: its data are listed as they are.

import Domain
import EventLog
import Foundation
import Records

/// A CloudEvent, as far as a person wants to see it.
struct EventLine: Decodable, Equatable {
  var type: String
  var source: String
  var time: String
  var stream: String?
  var seq: Int64?
  var durable: Bool?
  var data: [String: Fact]?

  /// `2026-11-23`, in the time zone of the site.
  var day: String { String(time.prefix(10)) }

  /// `08:14:05.312`
  var clock: String {
    guard let start = time.firstIndex(of: "T") else { return time }
    let rest = time[time.index(after: start)...].prefix { $0.isNumber || $0 == ":" || $0 == "." }
    return String(rest.prefix(12)).padding(toLength: 12, withPad: " ", startingAt: 0)
  }

  /// `nil`: not an event.
  static func read(_ json: Data) -> EventLine? { try? JSONDecoder().decode(EventLine.self, from: json) }

  var date: Date? {
    (try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(time))
      ?? (try? Date.ISO8601FormatStyle().parse(time))
  }

  /// Without the prefix that all types share.
  var what: String { type.hasPrefix("gatehouse.") ? String(type.dropFirst("gatehouse.".count)) : type }

  /// The last part of the source: the lane, room, device or port.
  var place: String { source.split(separator: "/").last.map(String.init) ?? source }

  /// `ticket 17, 38.4 degC (skin 36.8), high, next: rest`; `air high 1721 ppm, high priority, alarm 2`; a reading as
  /// `co2 608 ppm`; anything else as its keys and values.
  var facts: String {
    // What a person has no use for: hashes of what may be forgotten, and the id of a command, which has a name too.
    var facts = (data ?? [:]).filter { $0.key != "personal_hashes" }
    if facts["command"] != nil { facts["id"] = nil }
    var parts = takeWords(&facts)
    if let name = facts["field"] ?? facts["name"], let value = facts["value"] {
      if facts["unit"]?.text == channelsUnit {
        // Logs of before November 2026 hold a bit mask.
        let on = if case .number(let mask) = value { channelText(channels(in: mask)) } else { value.text }
        parts.append("\(name.text) \(on.isEmpty ? "none" : on)")
      } else {
        let unit = facts["unit"].map { " \($0.text)" } ?? ""
        parts.append("\(name.text) \(value.text)\(unit)")
      }
      for key in ["field", "name", "value", "unit", "device", "use"] { facts[key] = nil }
      if facts["quality"]?.text == "good" { facts["quality"] = nil }
    }
    parts += facts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.text)" }
    if durable == false { parts.append("NOT DURABLE") }
    return printable(parts.joined(separator: ", "))
  }

  /// What people read most, in words; what is said here is taken out of `facts`.
  private func takeWords(_ facts: inout [String: Fact]) -> [String] {
    if what.hasPrefix("screening."), let ticket = facts.removeValue(forKey: "ticket") {
      var parts = ["ticket \(ticket.text)"]
      if case .number(let estimate)? = facts.removeValue(forKey: "estimate_c") {
        var surface = ""
        if case .number(let skin)? = facts.removeValue(forKey: "surface_c") { surface = " (skin \(decimal(skin, digits: 1)))" }
        parts.append("\(decimal(estimate, digits: 1)) degC\(surface)")
      }
      let reason = facts.removeValue(forKey: "reason")
      if let reason { parts.append(reason.words) }
      if let next = facts.removeValue(forKey: "next"), what != "screening.passed" {
        let step = nextStep(
          reason: ScreeningReason.allCases.first { $0.name == reason?.text }, next: ScreeningState.allCases.first { $0.name == next.text })
        parts.append("next: \(next.words)" + (step.map { " (\($0.english))" } ?? ""))
      }
      // How it was measured, and who it was, are for programs and records.
      for key in [
        "attempt", "policy", "ambient_c", "device", "calibrated", "site_offset_c", "device_offset_c", "ambient_term_c", "reference_term_c",
        "relative_limit_c", "token",
      ] { facts[key] = nil }
      return parts
    }
    if what.hasPrefix("case."), let number = facts.removeValue(forKey: "case") {
      var parts = ["case \(number.text)"]
      if let cause = facts.removeValue(forKey: "cause") { parts.append(cause.words) }
      if case .number(let estimate)? = facts.removeValue(forKey: "estimate_c") { parts.append("\(decimal(estimate, digits: 1)) degC") }
      if case .number(let seconds)? = facts.removeValue(forKey: "since_opened_s"), seconds > 0 { parts.append("after \(duration(seconds))") }
      facts["token"] = nil
      return parts
    }
    if what.hasPrefix("alarm."), let kind = facts.removeValue(forKey: "kind") {
      var parts = [kind.words]
      if case .number(let value)? = facts.removeValue(forKey: "value") {
        let unit = alarmUnit(kind.text)
        parts[0] += " \(decimal(value, digits: unit == " degC" ? 1 : 0))\(unit)"
      }
      if let priority = facts.removeValue(forKey: "priority") { parts.append("\(priority.text) priority") }
      if let level = facts.removeValue(forKey: "level") { parts.append("nobody has acknowledged it, level \(level.text)") }
      if let number = facts.removeValue(forKey: "occurrence"), number.text != "0" { parts.append("alarm \(number.text)") }
      if let state = facts.removeValue(forKey: "state"), AlarmState.allCases.contains(where: { $0.isSuppressed && $0.name == state.text }) {
        parts.append(state.words)
      }
      if what == "alarm.raised" || what == "alarm.escalated", let step = AlarmKind.allCases.first(where: { $0.name == kind.text })?.nextStep {
        parts.append(step.english)
      }
      if let until = facts.removeValue(forKey: "until") { parts[parts.count - 1] += " until \(clockTime(until.text))" }
      return parts
    }
    if what == "lane.statistics" { return statistics(&facts) }
    if what.hasPrefix("ventilation."), let method = facts.removeValue(forKey: "method") { return ventilation(&facts, method.words) }
    return []
  }

  private func alarmUnit(_ kind: String) -> String {
    switch kind {
    case "lane_drift": " degC"
    case "sensors_disagree", "sensor_stuck", "baseline_drift": " ppm"
    case "fresh_air": " m3/h"
    case "slot_at_risk", "ventilation_late": " min"
    case "over_capacity": " people"
    default: kind.hasPrefix("air_") ? " ppm" : ""
    }
  }

  /// `morning met, window, 64 min, 4.02 ± 0.11 air changes an hour, effective`.
  private func ventilation(_ facts: inout [String: Fact], _ method: String) -> [String] {
    var parts: [String] = []
    if let slot = facts.removeValue(forKey: "slot"), let verdict = facts.removeValue(forKey: "verdict") {
      var words = "\(slot.words) \(verdict.words)"
      if case .number(let short)? = facts.removeValue(forKey: "short_by_min") { words += " by \(decimal(short, digits: 0)) min" }
      parts.append(words)
    }
    parts.append(method)
    if case .number(let minutes)? = facts.removeValue(forKey: "minutes") { parts.append("\(decimal(minutes, digits: 0)) min") }
    if case .number(let changes)? = facts.removeValue(forKey: "air_changes_h"),
      case .number(let error)? = facts.removeValue(forKey: "air_changes_error")
    {
      parts.append("\(decimal(changes, digits: 2)) ± \(decimal(error, digits: 2)) air changes an hour")
    }
    if let effect = facts.removeValue(forKey: "effect") { parts.append(effect.words) }
    return parts
  }

  /// `hour from 08:00:00, 112 people, 2 of 108 elevated, 2.1 s at the lane, 4 tickets of 412 s`.
  private func statistics(_ facts: inout [String: Fact]) -> [String] {
    func take(_ key: String) -> String? { facts.removeValue(forKey: key)?.text }
    var parts: [String] = []
    if let period = take("period"), let start = take("start") {
      parts.append(period == "hour" ? "hour from \(clockTime(start))" : "\(period) \(start.prefix(10))")
    }
    if let screened = take("screened") { parts.append("\(screened) people") }
    if let elevated = take("elevated"), let measured = take("measured") { parts.append("\(elevated) of \(measured) elevated") }
    if let mean = take("lane_mean_s") { parts.append("\(mean) s at the lane") }
    if let tickets = take("tickets"), let mean = take("ticket_mean_s") { parts.append("\(tickets) tickets of \(mean) s") }
    if let median = take("median_c") { parts.append("median \(median) degC") }
    for key in ["lane_longest_s", "ticket_longest_s"] { facts[key] = nil }
    return parts
  }

  /// Facts stay in one piece, what to do next may be folded.
  private var foldableFacts: String {
    facts.split(separator: ", ").map { $0.utf8.count > 40 ? String($0) : whole(String($0)) }.joined(separator: ", ")
  }

  /// The event in lines of `width` columns.
  func lines(width: Int = 100) -> [String] {
    let start = "\(clock)  \(padded(what, 24))  \(padded(printable(place), 18))  "
    let folds = fold(foldableFacts, width: max(20, width - columnWidth(start)))
    return folds.enumerated().map { number, text in
      let line = (number == 0 ? start : String(repeating: " ", count: columnWidth(start))) + text
      return String(line.replacing("\u{A0}", with: " ").reversed().drop { $0 == " " }.reversed())
    }
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - columnWidth(text)))
  }
}

extension Fact {
  /// A name as words: `suspected_fever` as "suspected fever".
  var words: String { text.replacing("_", with: " ") }

  var text: String {
    switch self {
    case .none: "–"
    case .text(let text): text
    case .number(let value): decimal(value, digits: 3)
    case .truth(let value): value ? "yes" : "no"
    case .list(let list): list.map(\.text).joined(separator: " ")
    case .object(let object):
      object.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.text)" }.joined(separator: " ")
    }
  }
}
