// What an analysis of people screened says, for programs and for people.

import Analysis
import Domain
import Foundation
import Rules

/// The answer of `gatehouse analyse screening`.
struct ScreeningReport: Encodable {
  struct Share: Encodable {
    var value: Double
    var count: Int
    var of: Int
    /// The interval of 95 %, Wilson's.
    var low95: Double
    var high95: Double
  }
  struct Reference: Encodable {
    /// Where on the body; absent: all.
    var site: String?
    var people: Int
    var febrile: Int
    var truePositive: Int
    var falseNegative: Int
    var falsePositive: Int
    var trueNegative: Int
    var sensitivity: Share?
    var specificity: Share?
    var positivePredictive: Share?
    var negativePredictive: Share?
    /// Of the reading alone, whatever the policy says.
    var rocArea: Double?
    /// The surface reading from which on flagging gives the most (Youden), degC: found and tried in the same people.
    var cutoffSurfaceC: Double?
    var cutoffSensitivity: Double?
    var cutoffSpecificity: Double?
    /// Mean of reference less surface, degC.
    var suggestedSiteOffsetC: Double
    var siteOffsetDeviationC: Double
    /// The offset with which the policy's threshold is that cutoff, degC.
    var cutoffSiteOffsetC: Double?
  }
  struct Row: Encodable {
    var row: Int
    var time: FileMoment?
    var site: String?
    var surfaceC: Double?
    var bodyC: Double?
    var referenceC: Double?
    var verdict: String
    var reason: String
  }

  var file: String
  var people: Int
  var outOfOrder: Int
  var unusedColumns: [String]
  var policyVersion: Int
  var thresholdC: Double
  var relativeRule: Bool
  var siteOffsetC: Double
  var siteOffsetSource: String
  var feverFromC: Double
  /// How many, by verdict.
  var verdicts: [String: Int]
  var reference: [Reference]
  var rows: [Row]

  init(path: String, _ people: PeopleFile, _ policy: FeverPolicy, offset: SiteOffset, feverFrom: Double) {
    let reasons = people.reasons(policy, offset: offset.celsius)
    let clock = FileClock(people.times.sorted { $0.seconds < $1.seconds })
    func known(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? rounded($0) : nil } }
    file = path
    self.people = people.count
    outOfOrder = people.unsorted
    unusedColumns = people.unused
    policyVersion = Int(policy.version)
    thresholdC = policy.threshold
    relativeRule = policy.relative.isOn
    siteOffsetC = rounded(offset.celsius)
    siteOffsetSource = offset.source.words
    feverFromC = feverFrom
    verdicts = reasons.reduce(into: [:]) { $0[$1.firstVerdict, default: 0] += 1 }
    rows = people.surface.indices.map { index in
      Row(
        row: index + 1, time: people.times.isEmpty ? nil : clock.moment(clock.hours(people.times[index])),
        site: people.sites.isEmpty ? nil : people.sites[index], surfaceC: known(people.surface[index]),
        bodyC: known(people.surface[index] + offset.celsius), referenceC: known(people.reference?[index]), verdict: reasons[index].firstVerdict,
        reason: reasons[index].name)
    }
    let sites = Set(people.sites).sorted()
    let groups: [(String?, [Int])] =
      [(nil, Array(people.surface.indices))] + (sites.count > 1 ? sites.map { site in (site, people.sites.indices.filter { people.sites[$0] == site }) } : [])
    reference = groups.compactMap { site, rows in
      FeverComparison(people, rows: rows, reasons: reasons, feverFrom: feverFrom).map { Reference(site, $0, threshold: policy.threshold) }
    }
  }
}

extension ScreeningReport.Reference {
  init(_ site: String?, _ found: FeverComparison, threshold: Double) {
    self.site = site
    people = found.count
    febrile = found.febrile
    truePositive = found.counts.truePositive
    falseNegative = found.counts.falseNegative
    falsePositive = found.counts.falsePositive
    trueNegative = found.counts.trueNegative
    sensitivity = ScreeningReport.Share(found.counts.sensitivity)
    specificity = ScreeningReport.Share(found.counts.specificity)
    positivePredictive = ScreeningReport.Share(found.counts.positivePredictive)
    negativePredictive = ScreeningReport.Share(found.counts.negativePredictive)
    rocArea = found.curve.map { rounded($0.area) }
    cutoffSurfaceC = found.curve.map { rounded($0.cutoff) }
    cutoffSensitivity = found.curve?.counts.sensitivity.value.map(rounded)
    cutoffSpecificity = found.curve?.counts.specificity.value.map(rounded)
    suggestedSiteOffsetC = rounded(found.difference)
    siteOffsetDeviationC = rounded(found.differenceDeviation)
    cutoffSiteOffsetC = found.curve.map { rounded(threshold - $0.cutoff) }
  }
}

extension ScreeningReport.Share {
  init?(_ share: Analysis.Share) {
    guard let value = share.value, let interval = share.interval else { return nil }
    self.init(value: rounded(value), count: share.count, of: share.total, low95: rounded(interval.lowerBound), high95: rounded(interval.upperBound))
  }

  fileprivate var words: String {
    "\(decimal(value, digits: 3)) (95 %: \(decimal(low95, digits: 3)) to \(decimal(high95, digits: 3))), \(count) of \(of)"
  }
}

/// Six digits are more than any of it is known by.
private func rounded(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }

extension ScreeningReason {
  /// What the first reading comes to.
  fileprivate var firstVerdict: String {
    switch self {
    case .normal: "passed"
    case .borderline: "retake"
    case .elevated, .relative: "suspect"
    case .high: "rest"
    case .low: "cold_wait"
    default: "no_result"
    }
  }
}

// MARK: For people

extension ScreeningReport.Row {
  fileprivate var remark: String {
    switch reason {
    case "relative": ": warmer than the people before"
    case "ambient", "humidity": ": \(reason) outside the thermometer's range"
    case "too_few": ": not measured"
    default: ""
    }
  }
}

extension ScreeningReport {
  private static let shownMax = 40

  func lines(isWhole: Bool) -> [String] {
    var lines = ["\(printable(file)): \(people) people" + (outOfOrder > 0 ? ", \(outOfOrder) rows out of order" : "")]
    if !unusedColumns.isEmpty { lines += fold("not used: " + printable(unusedColumns.joined(separator: ", ")), width: 100) }
    lines += fold(
      "policy \(policyVersion): elevated from \(decimal(thresholdC)) degC" + (relativeRule ? ", or warmer than the people before" : "")
        + "; body = surface + \(decimal(siteOffsetC)) degC, \(printable(siteOffsetSource))", width: 100)
    let order = ["passed", "retake", "suspect", "rest", "cold_wait", "no_result"]
    lines.append("first reading: " + order.compactMap { name in verdicts[name].map { "\($0) \(name.replacing("_", with: " "))" } }.joined(separator: ", "))
    for reference in reference { lines += section(reference) }
    let shown = rows.filter { isWhole || $0.verdict != "passed" }
    let most = isWhole ? shown.count : Self.shownMax
    if !shown.isEmpty { lines += [""] + table(shown.prefix(most)).lines() }
    if shown.count > most { lines.append("and \(shown.count - most) more: --all or --json shows each") }
    return lines
  }

  private func section(_ found: Reference) -> [String] {
    let title = found.site.map { "Measured at: \(printable($0))" } ?? "Against the reference, a fever from \(decimal(feverFromC)) degC on"
    var lines = ["", "\(title): \(found.febrile) of \(found.people) people"]
    for (name, share) in [
      ("sensitivity", found.sensitivity), ("specificity", found.specificity), ("of those flagged febrile", found.positivePredictive),
    ] {
      lines.append("  \(name): " + (share?.words ?? "not known: there are none"))
    }
    if found.site == nil {
      lines.append("  missed \(found.falseNegative), flagged without fever \(found.falsePositive)")
    }
    if let area = found.rocArea, let cutoff = found.cutoffSurfaceC, let sensitivity = found.cutoffSensitivity, let specificity = found.cutoffSpecificity {
      lines.append(
        "  of the reading alone: ROC area \(decimal(area, digits: 4)); best cutoff \(decimal(cutoff)) degC (surface) finds "
          + "\(decimal(sensitivity, digits: 3)) at \(decimal(specificity, digits: 3))")
    }
    lines.append(
      "  site_offset_c that suits these people: \(decimal(found.suggestedSiteOffsetC)) (deviation \(decimal(found.siteOffsetDeviationC)))"
        + (found.cutoffSiteOffsetC.map { "; \(decimal($0)) puts the threshold at the best cutoff" } ?? ""))
    return lines
  }

  private func table(_ shown: some Sequence<Row>) -> Columns {
    var table = Columns([("ROW", .right), ("SITE", .left), ("SURFACE", .right), ("BODY", .right), ("REFERENCE", .right), ("VERDICT", .left)])
    for row in shown {
      func degrees(_ value: Double?) -> String { value.map { decimal($0) } ?? "" }
      table.add([
        "\(row.row)", row.site ?? "", degrees(row.surfaceC), degrees(row.bodyC), degrees(row.referenceC),
        row.verdict.replacing("_", with: " ") + row.remark,
      ])
    }
    return table
  }
}
