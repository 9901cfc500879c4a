// Goal: other people's tables are read whatever program wrote them, and what is wrong is told with its place. Method: small
// files written down, in pieces of any size.

import Analysis
import Domain
import Foundation
import Measured
import Records
import Rules
import Settings
import Testing

@testable import gatehouse

/// All cells of a text that arrives in pieces of so many bytes.
private func rows(_ text: String, pieces: Int = 3) throws -> [[String]] {
  var rest = Array(text.utf8)[...]
  var reader = try CSVReader(file: "f") {
    defer { rest = rest.dropFirst(pieces) }
    return Array(rest.prefix(pieces))
  }
  var all: [[String]] = []
  while try reader.next() { all.append((0..<reader.count).map { reader.text($0) }) }
  return all
}

/// Knuth's linear congruence: the same bytes in each run.
private struct Chance: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 33)
  }
}

private func file(_ text: String) throws -> String {
  let path = FileManager.default.temporaryDirectory.appending(path: "gatehouse-\(UUID().uuidString).csv").path
  try Data(text.utf8).write(to: URL(filePath: path))
  return path
}

/// What is said of a file, without its name.
private func said(_ text: String, _ read: (String) throws -> Void) throws -> [String] {
  let path = try file(text)
  defer { try? FileManager.default.removeItem(atPath: path) }
  do {
    try read(path)
    return []
  } catch let problem as FileProblem {
    return [problem.description.replacing(path, with: "f")]
  } catch let problems as FileProblems {
    return problems.list.map { $0.description.replacing(path, with: "f") }
  }
}

@Suite struct CSVTests {
  @Test(arguments: [
    ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]), ("\u{FEFF}a,b\r\n1,2", [["a", "b"], ["1", "2"]]), ("a;b\r1,5;2\r", [["a", "b"], ["1,5", "2"]]),
    ("a\tb\n1\t2", [["a", "b"], ["1", "2"]]), ("\"a,\"\"x\"\"\",b\n\"1\n2\" ,\n", [["a,\"x\"", "b"], ["1\n2", ""]]),
    ("\n\na, b \n\n 1 ,2\n\n", [["a", "b"], ["1", "2"]]), ("", []), ("\n", []), ("a,\n,", [["a", ""], ["", ""]]),
    ("时间,二氧化碳\n\"1\",\"2\"", [["时间", "二氧化碳"], ["1", "2"]]),
  ])
  func readsWhatProgramsWrite(text: String, cells: [[String]]) throws {
    for pieces in [1, 2, 3, 7, 4096] {
      // The separator and the byte order mark are looked for in the first piece.
      guard pieces > 3 else { continue }
      #expect(try rows(text, pieces: pieces) == cells)
    }
  }

  @Test func saysWhereAQuoteIsWrong() throws {
    #expect(try said("a,b\n1,\"2\n3") { _ = try MeasuredFile(path: $0, columns: [], needsTime: false) } == ["f:2:3  found a quote that is not closed"])
    #expect(
      try said("a,b\n1,\"2\"x\n") { _ = try MeasuredFile(path: $0, columns: [], needsTime: false) }
        == ["f:2:6  found text behind a closing quote, expected the next cell; a quote within quotes is written twice"])
    #expect(try said("a,b\n1,\u{0}\n") { _ = try MeasuredFile(path: $0, columns: [], needsTime: false) }.first?.hasPrefix("f:2:3  found a zero byte") == true)
  }

  /// Whatever bytes come, an error or rows come back.
  @Test func anyBytesAreReadOrRefused() throws {
    var chance = Chance(state: 7)
    let letters = Array("time,co2_ppm\n\";\r\t 0123456789.-+:TZé\u{FEFF}".utf8) + [0, 0xFF, 0xC3]
    for _ in 0..<300 {
      let bytes = (0..<Int.random(in: 0...200, using: &chance)).map { _ in letters.randomElement(using: &chance) ?? 0 }
      let path = try file("")
      defer { try? FileManager.default.removeItem(atPath: path) }
      try Data(Array("time,co2_ppm\n".utf8) + bytes).write(to: URL(filePath: path))
      do {
        let room = try AirFile(path: path)
        _ = AirSurvey(room.trace, facts: RoomFacts())
        #expect(room.trace.hours == room.trace.hours.sorted())
      } catch is FileProblem {} catch is FileProblems {}
    }
  }
}

@Suite struct MeasuredFileTests {
  @Test(arguments: [
    ("CO₂ (ppm)", "co2_ppm"), ("Carbon dioxide(ppm)", "carbon_dioxide_ppm"), ("Temperature(°C)", "temperature_c"), ("T [℃]", "t_c"),
    ("Relative humidity(%)", "relative_humidity_percent"), ("  time ", "time"), ("二氧化碳（ppm）", "二氧化碳_ppm"), ("%RH", "percent_rh"),
  ])
  func headingsArePlain(heading: String, plain: String) { #expect(plainHeading(heading) == plain) }

  @Test(arguments: [
    ("2026-11-23T08:00:00+08:00", 1_795_392_000.0), ("2026-11-23T00:00:00Z", 1_795_392_000), ("2026-11-23 00:00", 1_795_392_000),
    ("2026-11-23", 1_795_392_000), ("2026/11/23 0:00:01", 1_795_392_001), ("2026-11-23T00:00:00.5", 1_795_392_000.5),
    ("2026-11-23T05:30:00-0530", 1_795_431_600), ("1795392000", 1_795_392_000), ("1795392000500", 1_795_392_000.5), ("14.5", 52_200),
    ("2024-02-29 00:00", 1_709_164_800), ("1970-01-01", 0),
  ])
  func timesAreRead(text: String, seconds: Double) {
    #expect(MeasuredTime(Array(text.utf8)[...], unit: .unknown)?.seconds == seconds)
  }

  @Test(arguments: ["23.11.2026 08:00", "11/23/2026", "2026-02-29", "2026-13-01", "2026-11-23 25:00", "2026-11-23 08", "noon", "", "-", "1e300", "2026-11-23T08:00+8"])
  func whatIsNoTimeIsNone(text: String) { #expect(MeasuredTime(Array(text.utf8)[...], unit: .unknown) == nil) }

  @Test func unitsAreInTheNames() throws {
    let path = try file("Time (h);CO2 (%);Temperature (°F);window\n0,5;0,08;77;open\n1;;;0\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let read = try MeasuredFile(path: path, columns: AirFile.columns, needsTime: true)
    #expect(read.times.map(\.seconds) == [1_800, 3_600] && read.columns["window"] == [1, 0] && read.empty == 2)
    #expect(abs((read.columns["co2_ppm"]?[0] ?? 0) - 800) < 1e-9 && abs((read.columns["temperature_c"]?[0] ?? 0) - 25) < 1e-9)
  }

  @Test func mistakesAreToldWithTheirPlaces() throws {
    func air(_ text: String) throws -> [String] { try said(text) { _ = try AirFile(path: $0) } }
    #expect(
      try air("time,co2\n0,x1\n1,700\nlater,800\n") == [
        "f:2:3  found \"x1\" for co2_ppm, expected a number, or nothing where there is none",
        "f:4:1  found the time \"later\", expected 2026-11-23T08:00:00+08:00, 2026-11-23 08:00, hours or Unix seconds",
      ])
    #expect(try air("time,co2\n0,\"700,5\"\n").first?.hasSuffix("expected a number with a point; with decimal commas, cells are separated by semicolons") == true)
    #expect(try air("time,co2\n0,700,5\n").first?.hasPrefix("f:2:7  found 3 cells, expected 2 as in the first line") == true)
    #expect(try air("time,temp\n0,7\n") == ["f:1:1  found the columns \"time\", \"temp\", expected one named co2_ppm: the first line names the columns"])
    #expect(try air("time,co2_mg\n0,7\n") == ["f:1:6  found \"co2_mg\", expected co2_ppm; units known: percent, ppm"])
    #expect(try air("co2\n7\n").first?.hasPrefix("f:1:1  found no column named time") == true)
    #expect(try air("time,co2\n") == ["f  found no row below the names of the columns"])
    #expect(try air("") == ["f  found an empty file, expected a first line that names the columns"])
    #expect(try air("time,co2\n2026-11-23 08:00,7\n5,7\n").first?.hasPrefix("f:3:1  found a time as a number of hours") == true)
    #expect(try air("time,co2\n1980-01-01,7\n2026-01-01,7\n").first?.contains("expected ten years at most") == true)
    #expect(try air("time,co2\n" + (0..<30).map { "\($0),x\n" }.joined()).count == 10)
  }

  @Test func rowsOutOfOrderAndTwiceAreCounted() throws {
    let path = try file("time,co2_ppm\n2026-11-23 08:02,702\n2026-11-23 08:00,700\n2026-11-23 08:00,999\n2026-11-23 08:03,\n2026-11-23 08:04,704\n2026-11-23 08:06,706\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let room = try AirFile(path: path)
    #expect(room.count == 6 && room.unsorted == 1 && room.repeated == 1 && room.trace.hours.map { ($0 * 60).rounded() } == [480, 482, 483, 484, 486])
    #expect(RoomTrace(hours: [1, 2, 3, 6, 7], ppm: [1, 1, 1, 1, 1]).missing == 2)
    #expect(room.trace.ppm[0] == 700 && room.trace.ppm[2].isNaN)
  }
}

@Suite struct FileClockTests {
  private func clock(_ texts: [String]) -> FileClock { FileClock(texts.compactMap { MeasuredTime(Array($0.utf8)[...], unit: .unknown) }) }

  @Test func hoursAreThoseOfTheDay() {
    let clock = clock(["2026-11-23T14:47:00+08:00", "2026-11-24T01:00:00+08:00"])
    #expect(clock.text(14 + 47 / 60.0) == "2026-11-23 14:47" && clock.moment(25) == .text("2026-11-24T01:00:00+08:00") && clock.dayText(1) == "2026-11-24")
    #expect(self.clock(["14.78"]).text(14.78) == "14.78 h" && self.clock(["14.78"]).moment(14.78) == .hours(14.78))
  }

  /// In the night to 25 October 2026, clocks in Berlin go back at three; in that to 29 March they go forward at two.
  @Test func daysOf23And25Hours() {
    let autumn = clock(["2026-10-24T20:00:00+02:00", "2026-10-25T04:00:00+01:00"])
    #expect(abs(autumn.hours(day: 1, timeOfDay: 8) - 33) < 1e-9 && autumn.text(33) == "2026-10-25 08:00" && abs(autumn.wall(33) - 32) < 1e-9)
    let spring = clock(["2026-03-28T20:00:00+01:00", "2026-03-29T04:00:00+02:00"])
    #expect(abs(spring.hours(day: 1, timeOfDay: 8) - 31) < 1e-9 && spring.moment(31) == .text("2026-03-29T08:00:00+02:00"))
  }

  @Test(arguments: [("08:00-18:00", true), ("07:30-16:15", true), ("8-18", false), ("13:00-18:00", false), ("08:00", false), ("08:60-18:00", false), ("-", false)])
  func workIsAroundNoon(text: String, isRead: Bool) { #expect((WorkHours(text) != nil) == isRead) }
}

@Suite struct ScreeningFileTests {
  private func measured() throws -> PeopleFile {
    let people = try MeasuredPeople()
    let surface = people.readings("canthiMax")
    let text = "surface_c,reference_c\n" + zip(surface, people.oral).map { "\($0),\($1)\n" }.joined()
    let path = try file(text)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try PeopleFile(path: path)
  }

  /// Inner canthus, a fever by mouth from 37.5 on: what others found in the same people.
  @Test func thePeopleOfATrialAreFoundAsOthersFoundThem() throws {
    let people = try measured()
    let report = ScreeningReport(
      path: "f", people, FeverPolicy(), offset: SiteOffset(celsius: 37.5 - 36.18, source: .given), feverFrom: 37.5)
    let found = try #require(report.reference.first)
    #expect(found.people == 1_020 && found.febrile == 111 && abs((found.rocArea ?? 0) - 0.9679) < 6e-5)
    #expect(abs((found.cutoffSurfaceC ?? 0) - 36.18) < 6e-4 && abs(found.suggestedSiteOffsetC - 1.241) < 6e-4)
    #expect(abs(found.siteOffsetDeviationC - 0.343) < 6e-4)
    #expect(abs((found.cutoffSensitivity ?? 0) - 0.901) < 6e-4 && abs((found.cutoffSpecificity ?? 0) - 0.934) < 6e-4)
  }

  /// A threshold at the best cutoff finds what the curve says it finds: the shipped rule counts as the statistics do.
  @Test func theRuleFindsWhatTheCurvePromises() throws {
    var policy = FeverPolicy()
    policy.threshold = 37.5
    policy.lowGuard = 25
    let people = try measured()
    let found = try #require(ScreeningReport(path: "f", people, policy, offset: SiteOffset(celsius: 37.5 - 36.18, source: .given), feverFrom: 37.5).reference.first)
    #expect(found.truePositive == 100 && found.falseNegative == 11 && found.falsePositive == 60 && found.trueNegative == 849)
    #expect(abs((found.sensitivity?.low95 ?? 0) - 0.831) < 1e-3 && abs((found.sensitivity?.high95 ?? 0) - 0.944) < 1e-3)
  }

  /// As counted by others: the last 20 people, trimmed, 0.6 degC, those flagged left out.
  @Test func theRelativeRuleCountsAsOthersCounted() throws {
    var policy = FeverPolicy()
    (policy.lowGuard, policy.threshold, policy.high, policy.relative.isOn) = (25, 42, 42, true)
    (policy.relative.floor, policy.relative.step) = (30, 5)
    let found = try #require(ScreeningReport(path: "f", try measured(), policy, offset: SiteOffset(celsius: 0, source: .given), feverFrom: 37.5).reference.first)
    #expect(found.truePositive == 93 && found.falseNegative == 18 && found.falsePositive == 45 && found.trueNegative == 864)
  }

  @Test func aPolicyIsReadAloneAndOutOfSettings() throws {
    let alone = try file("version: 7\nfever: { threshold_c: 37.6 }\n")
    let whole = try file("site: {}\nlanes: { north: { thermometer: { device: t, site_offset_c: 1.6 } } }\npolicy: { version: 8 }\n")
    let wrong = try file("fever: { treshold_c: 37.6 }\n")
    defer { for path in [alone, whole, wrong] { try? FileManager.default.removeItem(atPath: path) } }
    #expect(try Settings.policy(file: alone).policy.fever.threshold == 37.6)
    let settings = try Settings.policy(file: whole)
    #expect(settings.policy.fever.version == 8 && settings.siteOffsets.map(\.lane) == ["north"] && settings.siteOffsets.map(\.celsius) == [1.6])
    #expect(throws: Problems.self) { try Settings.policy(file: wrong) }
  }
}

@Suite struct RosterFileTests {
  private let key = IdentityKey(Array("the key of a site under test".utf8))

  private func mistakes(_ text: String, key: IdentityKey? = nil) throws -> [String] {
    try said(text) { _ = try readRoster($0, until: "2026-12-23", key: key ?? self.key) }
  }

  @Test(arguments: ["identity,name,role,session\n 11010519491231002X ,李娜,candidate,written\n", "证件号;姓名;身份;场次\r\n11010519491231002X;李娜;candidate;written\r\n"])
  func anIdentityBecomesTheTokenOfTheLane(text: String) throws {
    let path = try file(text)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let token = key.token(of: "11010519491231002X").text
    #expect(
      try readRoster(path, until: "2026-12-23", key: key)
        == [RosterEntry(token: token, name: "李娜", role: "candidate", session: "written", until: "2026-12-23")])
  }

  @Test func mistakesHaveAPlaceAndKeepTheSecret() throws {
    let long = String(repeating: "9", count: 1_025)
    let cases = [
      ("", "f  found an empty file, expected a first line that names the columns"),
      ("who,name\n", "f:1:1  found the columns who, name, expected token or identity, and name; role and session if there are any"),
      ("token,identity,name\n", "f:1:1  found the columns token, identity, name, expected token or identity, and name; role and session if there are any"),
      ("identity,name\n1101,a\n,b\n", "f:3:1  found no identity, expected one in each row; fill it in, or take the row out"),
      ("name,identity\na,1101\nb,2202\nc, 1101\n", "f:4:3  found the identity of line 2 again, expected each once; take one of the two rows out"),
      ("identity,name\n\(long),a\n", "f:2:1  found 1025 bytes, expected 1024 at most, as much as a scanner tells"),
      ("identity,name\n1,\(String(repeating: "n", count: 257))\n", "f:2:3  found 257 bytes, expected 256 at most"),
      (
        "identity,name\n1.10105E+17,a\n",
        "f:2:1  found a number in scientific notation, expected all its digits; format that column of the spreadsheet as text and enter them again"
      ),
      (
        "token,name\n11010519491231002X,a\n",
        "f:2:1  found something else than 32 hex digits, expected a token as the log has it; numbers of cards belong in a column identity"
      ),
    ]
    for (text, words) in cases { #expect(try mistakes(text) == [words]) }
    let none = try said("identity,name\n1101,a\n") { _ = try readRoster($0, until: "2026-12-23", key: nil) }
    #expect(none == ["f:1:1  found the column identity, expected site.identity_secret_file in the settings: tokens are made with that key"])
  }
}
