// The numbers by which people are screened.

import Domain
import Rules

extension SettingsReader {
  func readFever(_ part: Section, _ fever: inout FeverPolicy) {
    _ = part.optional("applies_to")?.choice([("axilla_equivalent", true)])
    set(&fever.threshold, part.optional("threshold_c"), 35...42, "degC")
    set(&fever.retakeFrom, part.optional("retake_from_c"), 35...42, "degC")
    set(&fever.high, part.optional("high_c"), 35...42, "degC")
    set(&fever.lowGuard, part.optional("low_guard_c"), 25...37, "degC")
    set(&fever.spread, part.optional("spread_c"), 0.05...2, "degC")
    set(&fever.burstReadings, part.optional("burst_readings"), 3...32)
    set(&fever.burstFor, part.optional("burst_s"), 0.1...10)
    set(&fever.tryFor, part.optional("try_s"), 1...60)
    set(&fever.tries, part.optional("tries"), 1...10)
    set(&fever.personFrom, part.optional("person_from_c"), 25...35, "degC")
    set(&fever.personAboveAmbient, part.optional("person_above_ambient_c"), 0.5...10, "degC")
    set(&fever.personReadings, part.optional("person_readings"), 2...32)
    set(&fever.absence, part.optional("absence_s"), 0.5...10)
    set(&fever.stepMax, part.optional("step_c"), 0.3...3, "degC")
    set(&fever.ambientLowest, part.optional("ambient_lowest_c"), -20...30, "degC")
    set(&fever.ambientHighest, part.optional("ambient_highest_c"), 20...60, "degC")
    set(&fever.humidityHighest, part.optional("humidity_highest_rh"), 20...100, "%RH")
    set(&fever.referenceOff, part.optional("reference_off_c"), 0.1...2, "degC")
    set(&fever.referenceDrift, part.optional("reference_drift_c"), 0.05...1, "degC")
    set(&fever.referenceWindow, part.optional("reference_window_s"), 60...86_400)
    set(&fever.lowBelowMedian, part.optional("low_below_median_c"), 0.5...5, "degC")
    set(&fever.stuckPeople, part.optional("stuck_people"), 3...50)
    set(&fever.normalisingSpread, part.optional("normalising_spread_c"), 0.01...0.5, "degC")
    set(&fever.normalisingPeople, part.optional("normalising_people"), 10...1_000)
    if let warning = part.optional("calibration_warning_days")?.interval(unit: 86_400, 0...365, "days") {
      fever.calibrationWarning = warning
    }
    set(&fever.driftMax, part.optional("drift_c"), 0.1...2, "degC")
    set(&fever.retakeAfter, part.optional("retake_after_s"), 0...600)
    set(&fever.rest, part.optional("rest_s"), 0...3_600)
    set(&fever.coldWait, part.optional("cold_wait_s"), 0...3_600)
    set(&fever.coldWaitLong, part.optional("cold_wait_long_s"), 0...3_600)
    set(&fever.outdoorCold, part.optional("outdoor_cold_c"), -20...25, "degC")
    set(&fever.earOffset, part.optional("ear_offset_c"), 0...1, "degC")
    set(&fever.identityFor, part.optional("identity_s"), 5...300)
    set(&fever.longest, part.optional("longest_s"), 5...3_600)
    set(&fever.waitingLongest, part.optional("waiting_longest_s"), 10...86_400)
    if let section = part.optional("relative")?.section() { readRelative(section, &fever.relative) }
    let rising = fever.lowGuard < fever.retakeFrom && fever.retakeFrom <= fever.threshold && fever.threshold <= fever.high
    if !rising {
      let chain = [fever.lowGuard, fever.retakeFrom, fever.threshold, fever.high].map(shortest).joined(separator: ", ")
      part.entry.note("found \(chain), expected low_guard_c < retake_from_c <= threshold_c <= high_c")
    }
    if fever.ambientLowest >= fever.ambientHighest { part.entry.note("expected ambient_lowest_c < ambient_highest_c") }
    if fever.burstFor >= fever.tryFor { part.entry.note("expected burst_s < try_s") }
    if max(fever.rest, max(fever.coldWait, fever.coldWaitLong)) >= fever.waitingLongest {
      part.entry.note("expected rest_s, cold_wait_s and cold_wait_long_s < waiting_longest_s")
    }
    if fever.tryFor >= fever.longest { part.entry.note("expected try_s < longest_s") }
    part.close()
  }

  private func readRelative(_ part: Section, _ relative: inout RelativePolicy) {
    if let isOn = part.optional("enabled")?.flag() { relative.isOn = isOn }
    set(&relative.people, part.optional("people"), 3...RelativeRule.peopleMax)
    set(&relative.deviation, part.optional("deviation_c"), 0.2...3, "degC")
    if let average = part.optional("average")?.choice(RelativePolicy.Average.allCases.map { ($0.name, $0) }) {
      relative.average = average
    }
    if let adds = part.optional("add_elevated")?.flag() { relative.addsElevated = adds }
    set(&relative.floor, part.optional("floor_c"), 30...38, "degC")
    set(&relative.step, part.optional("step_c"), 0.1...5, "degC")
    if let after = part.optional("reset_after_h")?.interval(unit: 3_600, 0.5...168, "h") { relative.resetAfter = after }
    part.close()
  }
}
