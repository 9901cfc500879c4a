// Goal: docs/settings.md names every key the reader knows and no other, and its numbers are the reader's. Method: a file
// that uses every section, read by the reader, which remembers what it asked for; against the first cells of the tables.

import Domain
import Foundation
import Rules
import Testing

@testable import Settings

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// Uses every section. Values may be wrong: what counts is which keys are asked for.
private let everything = """
  site: { roles: [{}] }
  desk: none
  log: {}
  buses: { a: { serial: { path: /dev/x }, line: { baud: 9600 } } }
  devices: { d: { profile: gy-mcu90614, bus: a } }
  lanes:
    l: { thermometer: {}, hall: {}, reference: {}, second_thermometer: {}, identity: {}, outdoor: {}, gate: { read_back: {} }, lamp: {}, buzzer: {}, passage: {}, presence: {}, fire_release: {}, staff_button: {} }
  rooms: { r: { window_contacts: [{}], door: {}, fan: {}, count_in: {}, count_out: {} }, s: { fan: { relay: 1 } } }
  hours: {}
  timetable: [{}]
  checklist: { c: {} }
  policy: { fever: { relative: {} }, air: {}, cases: {} }
  realtime: {}
  recorder: {}
  retention: {}
  alarms: { kinds: { device_silent: {} } }
  """

@Suite struct DocumentationTests {
  private var text: String {
    get throws { try readText(root.appending(path: "docs/settings.md").path) }
  }

  /// Rows of the tables: cells without their backquotes.
  private var rows: [[String]] {
    get throws {
      try text.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
        line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false).map {
          $0.trimmingCharacters(in: .whitespaces).replacing("`", with: "")
        }
      }
    }
  }

  /// What the reader knows: leaves only, names of the author's choice as NAME.
  private var known: Set<String> {
    let book = ProblemBook(file: "f")
    guard let top = openDocument(everything, book) else { return [] }
    _ = SettingsReader(book: book, file: "f", profileFolder: root.appending(path: "DeviceProfiles").path).read(top, now: Date())
    let paths = Set(
      book.asked.map { path in
        var parts = path.split(separator: ".").map(String.init)
        if parts.count > 1, ["buses", "devices", "lanes", "rooms", "checklist"].contains(parts[0]) { parts[1] = "NAME" }
        if parts.count > 2, parts[0] == "alarms" { parts[2] = "NAME" }
        return parts.joined(separator: ".").replacing("[0]", with: "[]")
      })
    return paths.filter { path in
      // Either a word or a section: both are documented.
      ["buses.NAME.serial", "lanes.NAME.gate.read_back"].contains(path) || !paths.contains { $0.hasPrefix(path + ".") }
    }
  }

  @Test func namesEveryKeyAndNoOther() throws {
    let named = try rows.map { $0[0] }
    #expect(named.count == Set(named).count, "a key is documented twice")
    #expect(known.subtracting(named).sorted() == [], "known to the reader, not documented")
    #expect(Set(named).subtracting(known).sorted() == [], "documented, not known to the reader")
    #expect(known.count > 70)
  }

  /// Both ends of each range are taken, and what lies beyond is refused with the same numbers.
  @Test func rangesAreTheReaders() throws {
    for row in try rows {
      let parts = row[1].split(separator: " ")
      guard parts.count == 3, parts[1] == "to", let low = Double(parts[0]), let high = Double(parts[2]), !row[0].hasSuffix("baud") else { continue }
      for beyond in [low - 1, high * 2 + 1] {
        let found = problems(row[0], shortest(beyond))
        let said = "from \(shortest(low)) to \(shortest(high))"
        #expect(found.contains { $0.contains(said) }, "\(row[0]) \(beyond): \(found)")
      }
      for end in [low, high] {
        let found = problems(row[0], shortest(end)).filter { $0.contains(row[0].replacing("NAME", with: name(in: row[0])) + ":") }
        #expect(!found.contains { $0.contains("expected a") && $0.contains(" number from") }, "\(row[0]) \(end): \(found)")
      }
    }
  }

  /// A name that may stand there: kinds of alarms are no names of the author's choice.
  private func name(in key: String) -> String { key.hasPrefix("alarms.") ? "device_silent" : "n" }

  /// What is said of a file that holds this key and nothing else.
  private func problems(_ key: String, _ value: String) -> [String] {
    var text = ""
    var indent = ""
    for part in key.split(separator: ".") {
      text += (text.isEmpty ? "" : "\n") + indent + (part == "NAME" ? name(in: key) : String(part)) + ":"
      indent += "  "
    }
    do throws(Problems) {
      _ = try Settings.parse(text + " \(value)\n", file: "f", profiles: root.appending(path: "DeviceProfiles").path)
      return []
    } catch { return error.list.map(\.description) }
  }

  @Test func defaultsAreThePolicys() throws {
    let defaults = Dictionary(try rows.map { ($0[0], $0[2]) }) { first, _ in first }
    let fever = FeverPolicy()
    let air = AirPolicy()
    let site = SitePolicy()
    let expected: [(String, Double)] = [
      ("fever.threshold_c", fever.threshold), ("fever.retake_from_c", fever.retakeFrom), ("fever.high_c", fever.high),
      ("fever.low_guard_c", fever.lowGuard), ("fever.spread_c", fever.spread), ("fever.burst_readings", Double(fever.burstReadings)),
      ("fever.burst_s", fever.burstFor.seconds), ("fever.try_s", fever.tryFor.seconds), ("fever.tries", Double(fever.tries)),
      ("fever.person_from_c", fever.personFrom), ("fever.person_above_ambient_c", fever.personAboveAmbient),
      ("fever.person_readings", Double(fever.personReadings)), ("fever.absence_s", fever.absence.seconds),
      ("fever.step_c", fever.stepMax), ("fever.ambient_lowest_c", fever.ambientLowest),
      ("fever.ambient_highest_c", fever.ambientHighest), ("fever.retake_after_s", fever.retakeAfter.seconds),
      ("fever.longest_s", fever.longest.seconds), ("fever.waiting_longest_s", fever.waitingLongest.seconds),
      ("fever.rest_s", fever.rest.seconds), ("fever.cold_wait_s", fever.coldWait.seconds),
      ("fever.cold_wait_long_s", fever.coldWaitLong.seconds), ("fever.outdoor_cold_c", fever.outdoorCold),
      ("fever.ear_offset_c", fever.earOffset), ("fever.identity_s", fever.identityFor.seconds),
      ("fever.humidity_highest_rh", fever.humidityHighest), ("fever.reference_off_c", fever.referenceOff),
      ("fever.reference_drift_c", fever.referenceDrift), ("fever.reference_window_s", fever.referenceWindow.seconds),
      ("fever.low_below_median_c", fever.lowBelowMedian), ("fever.stuck_people", Double(fever.stuckPeople)),
      ("fever.normalising_spread_c", fever.normalisingSpread), ("fever.normalising_people", Double(fever.normalisingPeople)),
      ("fever.calibration_warning_days", fever.calibrationWarning.seconds / 86_400), ("fever.relative.people", Double(fever.relative.people)), ("fever.relative.deviation_c", fever.relative.deviation),
      ("fever.relative.floor_c", fever.relative.floor), ("fever.relative.step_c", fever.relative.step),
      ("fever.relative.reset_after_h", fever.relative.resetAfter.seconds / 3_600),
      ("fever.drift_c", fever.driftMax), ("cases.isolate_within_s", site.isolateWithin.seconds),
      ("cases.ventilate_s", site.ventilateFor.seconds), ("disinfect_every_h", site.disinfectEvery.seconds / 3_600),
      ("air.mean_1h_ppm", air.meanLimit), ("air.high_ppm", air.highLimit),
      ("air.advice_ppm", air.adviceLimit), ("air.mean_s", air.longWindow.seconds), ("air.high_mean_s", air.shortWindow.seconds),
      ("air.mean_clear_after_s", air.meanClearAfter.seconds), ("air.high_after_s", air.highAfter.seconds),
      ("air.high_clear_after_s", air.highClearAfter.seconds), ("air.advice_after_s", air.adviceAfter.seconds),
      ("air.advice_clear_after_s", air.adviceClearAfter.seconds),
      ("air.outdoor_ppm", air.outdoor), ("air.fresh_air_m3_h_person", air.freshAirLeast), ("air.generation_lps", air.generation),
      ("air.generation_error_percent", air.generationError * 100), ("air.flow_error_percent", air.flowError * 100),
      ("air.plausible_lowest_ppm", air.plausibleLowest), ("air.change_ppm_min", air.changeHighest),
      ("air.change_least_ppm", air.changeLeast), ("air.same_s", air.sameFor.seconds), ("air.flat_s", air.flatFor.seconds),
      ("air.flat_ppm", air.flatWithin), ("air.disagreement_ppm", air.disagreement),
      ("air.disagreement_percent", air.disagreementShare * 100), ("air.baseline_drift_ppm", air.baselineDrift),
      ("air.baseline_nights", Double(air.baselineNights)), ("air.ventilation_min", air.ventilationFor.seconds / 60),
      ("air.bridge_min", air.bridge.seconds / 60), ("air.start_within_min", air.startWithin.seconds / 60),
      ("air.unseen_percent", air.unseenShare * 100), ("air.air_changes_h", air.airChangesLeast), ("air.aired_ppm", air.airedWithin),
      ("air.fall_ppm_min", air.fallLeast), ("air.response_s", air.response.seconds), ("air.remind_min", air.remindBefore.seconds / 60),
    ]
    for (key, value) in expected { #expect(Double(defaults["policy." + key] ?? "") == value, "\(key)") }
    let alarms = AlarmPolicy()
    for (key, value) in [
      ("shelve_longest_min", alarms.shelveLongest.seconds / 60), ("re_alarm_min", alarms.reAlarmAfter.seconds / 60),
      ("flood_raises", Double(alarms.floodRaises)), ("flood_ends", Double(alarms.floodEnds)),
      ("flood_window_min", alarms.floodWindow.seconds / 60), ("escalate_high_s", alarms.escalateHighAfter.seconds),
      ("escalate_medium_s", alarms.escalateMediumAfter.seconds), ("escalate_levels", Double(alarms.escalationLevels)),
    ] { #expect(Double(defaults["alarms." + key] ?? "") == value, "\(key)") }
    let kept = RetentionSettings()
    let periods = [
      ("raw_h", kept.raw.seconds / 3_600), ("identity_days", kept.identity.seconds / 86_400), ("case_days", kept.cases.seconds / 86_400),
      ("records_days", kept.records.seconds / 86_400),
    ]
    for (key, value) in periods { #expect(Double(defaults["retention." + key] ?? "") == value, "\(key)") }
    // Clear limits follow their limits.
    #expect(air.meanClear == air.meanLimit - 50 && air.highClear == air.highLimit - 100 && air.adviceClear == air.adviceLimit - 50)
  }
}
