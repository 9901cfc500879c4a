// What events of rooms say.

import Domain

extension Formatter {
  func members(of air: AirFact) -> [String: JSON] {
    var data = finite(
      [
        "mean_5min_ppm": air.mean5, "mean_1h_ppm": air.mean60, "rate_ppm_min": rounded(air.rate, 100),
        "rebreathed": rounded(air.rebreathed, 100_000), "fresh_air_m3_h_person": rounded(air.freshAir, 10),
        "fresh_air_error": rounded(air.freshAirError, 10), "people": air.occupants, "temperature_c": air.temperature,
        "humidity": air.humidity, "flow_m3_h": air.flow,
      ], [:])
    switch air.cause {
    case .none: break
    case .ventilation, .crowding, .sensor: data["cause"] = .string(air.cause.name)
    }
    return data
  }

  func members(of run: VentilationFact, _ utcOffset: Int32) -> [String: JSON] {
    var data: [String: JSON] = ["method": .string(run.method.name), "start": .string(time(run.start, utcOffset))]
    data = finite(["start_ppm": rounded(run.startPpm, 10)], data)
    guard run.end != 0 else { return data }
    data["end"] = .string(time(run.end, utcOffset))
    data["minutes"] = .number(rounded(run.minutes, 10))
    return evidence(of: run, data)
  }

  private func evidence(of run: VentilationFact, _ data: [String: JSON]) -> [String: JSON] {
    var data = finite(
      [
        "end_ppm": rounded(run.endPpm, 10), "air_changes_h": rounded(run.airChanges, 1000),
        "air_changes_error": rounded(run.airChangesError, 1000),
      ], data)
    data["effect"] = .string(run.effect.name)
    if run.unknownMinutes > 0 { data["unknown_min"] = .number(rounded(run.unknownMinutes, 10)) }
    if run.isLowerBound, run.airChanges.isFinite { data["is_lower_bound"] = .bool(true) }
    return data
  }

  func members(of fact: SlotFact, _ utcOffset: Int32) -> [String: JSON] {
    var data: [String: JSON] = [
      "slot": .string(fact.slot.name), "verdict": .string(fact.verdict.name), "planned_start": .string(time(fact.plannedStart, utcOffset)),
      "planned_end": .string(time(fact.plannedEnd, utcOffset)),
    ]
    if let session = session(fact.session) { data["session"] = .string(session) }
    if fact.shortMinutes > 0 { data["short_by_min"] = .number(rounded(fact.shortMinutes, 10)) }
    if fact.unknownMinutes > 0 { data["unseen_min"] = .number(rounded(fact.unknownMinutes, 10)) }
    let run = fact.ventilation
    guard run.start != 0 else { return data }
    data["method"] = .string(run.method.name)
    data["start"] = .string(time(run.start, utcOffset))
    data["minutes"] = .number(rounded(run.minutes, 10))
    if run.end != 0 { data["end"] = .string(time(run.end, utcOffset)) }
    return evidence(of: run, finite(["start_ppm": rounded(run.startPpm, 10)], data))
  }

  func members(of fact: SessionFact) -> [String: JSON] {
    var data: [String: JSON] = [:]
    if let session = session(fact.session) { data["session"] = .string(session) }
    if fact.missingMinutes > 0 { data["missing_min"] = .number(rounded(fact.missingMinutes, 10)) }
    if fact.isRoomLocked { data["locked"] = .bool(true) }
    return data
  }

  /// Who answers for the site from this start on: a change of the settings takes effect at one.
  func addRoles(to data: inout [String: JSON]) {
    if !names.head.isEmpty { data["responsible"] = .string(names.head) }
    guard !names.roles.isEmpty else { return }
    data["roles"] = .list(names.roles.map { .object(["role": .string($0.role), "name": .string($0.name)]) })
  }

  /// What is said of a room by name, beside what happened there.
  func addRoom(_ room: Int, to data: inout [String: JSON], of body: EventBody) {
    switch body {
    case .ventilationJudged where names.responsible.indices.contains(room) && !names.responsible[room].isEmpty:
      data["responsible"] = .string(names.responsible[room])
    case .roomExcepted where names.reasons.indices.contains(room): data["reason"] = .string(names.reasons[room])
    default: break
    }
  }

  private func session(_ index: Int16) -> String? {
    names.sessions.indices.contains(Int(index)) ? names.sessions[Int(index)] : nil
  }

  private func time(_ wall: Int64, _ utcOffset: Int32) -> String { timeText(wall: wall, utcOffset: utcOffset) }

  /// No body holds digits that mean nothing.
  private func rounded(_ value: Double, _ parts: Double) -> Double { (value * parts).rounded() / parts }
}
