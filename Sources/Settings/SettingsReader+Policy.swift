// The numbers rules decide by, and how they change from a date and time on.

import Domain
import Foundation
import Rules

extension PolicySettings {
  /// The first policy of the air, of now or of a change, that a limit of the file does not go with; and from when it decides, in
  /// words.
  func firstAir(where isWrong: (AirPolicy) -> Bool) -> (air: AirPolicy, from: String)? {
    if isWrong(air) { return (air, "") }
    return changes.first { isWrong($0.air) }.map { ($0.air, " from version \($0.fever.version) on") }
  }

  /// The same of how people are screened.
  func firstFever(where isWrong: (FeverPolicy) -> Bool) -> (fever: FeverPolicy, from: String)? {
    if isWrong(fever) { return (fever, "") }
    return changes.first { isWrong($0.fever) }.map { ($0.fever, " from version \($0.fever.version) on") }
  }
}

extension SettingsReader {
  func readPolicy(_ section: Section?, _ zone: TimeZone?) -> PolicySettings {
    var policy = PolicySettings(fever: FeverPolicy(), air: AirPolicy(), site: SitePolicy())
    guard let section else { return policy }
    readNumbers(section, &policy)
    var newest = policy
    for entry in section.optional("changes")?.list() ?? [] {
      guard let change = readChange(entry, after: newest, zone) else { continue }
      policy.changes.append(change)
      newest.fever = change.fever
      newest.air = change.air
      newest.site = change.site
    }
    if policy.changes.count > PolicyChange.most { section.entry.note("found \(policy.changes.count) changes, expected \(PolicyChange.most) at most") }
    for (before, change) in zip(policy.changes, policy.changes.dropFirst()) where change.from <= before.from {
      section.entry.note("found changes out of order, expected each from a later moment than the one before")
    }
    section.close()
    return policy
  }

  /// What is not said stays as it was.
  private func readNumbers(_ section: Section, _ policy: inout PolicySettings) {
    if let version = section.optional("version")?.whole(1...1_000_000) { policy.fever.version = UInt32(version) }
    if let part = section.optional("fever")?.section() { readFever(part, &policy.fever) }
    if let part = section.optional("air")?.section() { readAir(part, &policy.air) }
    if let part = section.optional("cases")?.section() { readCases(part, &policy.site) }
    if let entry = section.optional("disinfect_every_h"), let every = entry.interval(unit: 3_600, 0...720, "h") {
      policy.site.disinfectEvery = every
    }
  }

  private func readChange(_ entry: Entry, after before: PolicySettings, _ zone: TimeZone?) -> PolicyChange? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let from = section.required("from").flatMap { readMoment($0, zone) }
    let versionEntry = section.required("version", "Each decision records it: what was decided before and after must differ")
    var policy = before
    readNumbers(section, &policy)
    guard let from, let versionEntry else { return nil }
    guard policy.fever.version > before.fever.version else {
      versionEntry.note("found \(policy.fever.version), expected more than \(before.fever.version), the version before")
      return nil
    }
    return PolicyChange(from: from, fever: policy.fever, air: policy.air, site: policy.site)
  }

  /// `2026-12-01 06:00`, by the site's clock; ns since 1970 UTC.
  private func readMoment(_ entry: Entry, _ zone: TimeZone?) -> Int64? {
    guard let zone else { return nil }
    let format = Date.VerbatimFormatStyle(
      format: "\(year: .defaultDigits)-\(month: .twoDigits)-\(day: .twoDigits) \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits)",
      timeZone: zone, calendar: Calendar(identifier: .gregorian))
    let text = entry.plain ?? ""
    let date = (try? format.parseStrategy.parse(text)).flatMap { $0.formatted(format) == text ? $0 : nil }
    return entry.expected("a date and time of the site's clock, for example \"2026-12-01 06:00\"", date.map { Int64($0.timeIntervalSince1970) * 1_000_000_000 })
  }

  private func readCases(_ part: Section, _ site: inout SitePolicy) {
    set(&site.isolateWithin, part.optional("isolate_within_s"), 30...3_600)
    set(&site.ventilateFor, part.optional("ventilate_s"), 60...86_400)
    if let share = part.optional("purge_share")?.number(0...0.9999) { site.purgeAirChanges = -log(1 - share) }
    let choices: [(String, Suspends)] = [("none", .none), ("lane", .lane), ("site", .site)]
    if let suspends = part.optional("suspends")?.choice(choices) { site.suspends = suspends }
    part.close()
  }
}
