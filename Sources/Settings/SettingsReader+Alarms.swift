// How alarms are shown, and what a site sets otherwise for one kind. A priority can only be raised, an alarm of people's safety is
// never made later, and what another section sets is not set twice.

import Domain
import Rules

extension SettingsReader {
  func readAlarms(_ section: Section?, air: AirPolicy) -> AlarmSection {
    var alarms = AlarmSection()
    guard let section else { return alarms }
    defer { section.close() }
    readShelf(section, &alarms.policy)
    readFlood(section, &alarms.policy)
    if let time = section.optional("escalate_high_s")?.interval(unit: 1, 10...86_400, "s") { alarms.policy.escalateHighAfter = time }
    if let time = section.optional("escalate_medium_s")?.interval(unit: 1, 10...86_400, "s") { alarms.policy.escalateMediumAfter = time }
    if let levels = section.optional("escalate_levels")?.whole(0...9) { alarms.policy.escalationLevels = UInt8(levels) }
    if alarms.policy.escalateHighAfter > alarms.policy.escalateMediumAfter {
      section.entry.note("expected escalate_high_s <= escalate_medium_s: what is more urgent is not heard later")
    }
    guard let kinds = section.optional("kinds")?.section() else { return alarms }
    for (name, entry) in kinds.named("alarm") {
      let known = AlarmKind.allCases
      guard let kind = known.first(where: { $0.name == name }) else {
        entry.note("there is no alarm \"\(name)\"" + meant(name, known.map(\.name)) + "; docs/rules.md lists them")
        continue
      }
      if let chosen = readAlarm(kind, entry, AlarmSettings.standard(for: kind, air)) { alarms.kinds[kind] = chosen }
    }
    kinds.close()
    return alarms
  }

  private func readShelf(_ section: Section, _ policy: inout AlarmPolicy) {
    if let time = section.optional("shelve_longest_min")?.interval(unit: 60, 1...1_440, "min") { policy.shelveLongest = time }
    if let time = section.optional("re_alarm_min")?.interval(unit: 60, 0...1_440, "min") { policy.reAlarmAfter = time }
  }

  private func readFlood(_ section: Section, _ policy: inout AlarmPolicy) {
    let raises = section.optional("flood_raises")
    if let number = raises?.whole(1...AlarmPolicy.floodRaisesMax) { policy.floodRaises = number }
    let ends = section.optional("flood_ends")
    if let number = ends?.whole(1...AlarmPolicy.floodRaisesMax) { policy.floodEnds = number }
    if let time = section.optional("flood_window_min")?.interval(unit: 60, 1...120, "min") { policy.floodWindow = time }
    if policy.floodEnds > policy.floodRaises {
      (ends ?? raises ?? section.entry).note(
        "a flood begins at more than \(policy.floodRaises) raises and ends at fewer than \(policy.floodEnds), "
          + "expected flood_ends <= flood_raises")
    }
  }

  private func readAlarm(_ kind: AlarmKind, _ entry: Entry, _ standard: AlarmSettings) -> AlarmSettings? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    var chosen = standard
    if let priority = section.optional("priority"), let level = priority.choice(Priority.allCases.map { ($0.name, $0) }) {
      if level.rawValue < standard.priority.rawValue {
        priority.note("found \(level.name), expected \(standard.priority.name) or more: a priority can only be raised")
      }
      chosen.priority = level
    }
    let on = section.optional("on_after_s")
    let off = section.optional("off_after_s")
    if let time = on?.interval(unit: 1, 0...86_400, "s") { chosen.onDelay = time }
    if let time = off?.interval(unit: 1, 0...86_400, "s") { chosen.offDelay = time }
    for entry in [on, off].compactMap(\.self) {
      if let key = kind.delaysElsewhere { entry.note("the delays of \(kind.name) are \(key), expected none here") }
    }
    if standard.isLatched { off?.note("\(kind.name) stays until staff clear it, expected no off_after_s") }
    if kind.isSafety, chosen.onDelay > standard.onDelay {
      on?.note(
        "found \(shortest(chosen.onDelay.seconds)) s, expected at most \(shortest(standard.onDelay.seconds)): "
          + "\(kind.name) tells of a person or a gate")
    }
    return chosen
  }
}

extension AlarmKind {
  /// The keys that set its delays already.
  fileprivate var delaysElsewhere: String? {
    switch self {
    case .airHigh: "policy.air.high_after_s and high_clear_after_s"
    case .airMean: "policy.air.mean_s and mean_clear_after_s"
    case .airAdvice: "policy.air.advice_after_s and advice_clear_after_s"
    default: nil
    }
  }
}
