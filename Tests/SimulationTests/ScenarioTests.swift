// Scenarios as people write them: what is read, what is refused with which words, and what a run says.

import Domain
import Foundation
import Settings
import Testing

@testable import Simulation

@Suite struct ScenarioTests {
  private static let folder = "Simulators/scenarios"

  private func load(_ text: String) throws -> Scenario {
    let file = FileManager.default.temporaryDirectory.appending(path: "scenario-\(UUID().uuidString).yaml")
    defer { try? FileManager.default.removeItem(at: file) }
    let settings = FileManager.default.currentDirectoryPath + "/\(Self.folder)/one-door.yaml"
    try text.replacing("SETTINGS", with: settings).write(to: file, atomically: true, encoding: .utf8)
    return try Scenario.load(file: file.path, profiles: "DeviceProfiles")
  }

  private func run(_ scenario: Scenario) throws -> ScenarioResult {
    let folder = FileManager.default.temporaryDirectory.appending(path: "scenario-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    return try ScenarioRun(scenario, folder: folder.path).run()
  }

  /// Those in virtual time; Tests/EndToEnd lives the others, with the program.
  private static func shipped() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).filter { name in
      let file = "\(folder)/\(name)"
      return try Scenario.isMeant(file: file) && !Scenario.load(file: file, profiles: "DeviceProfiles").isInRealTime
    }.sorted()
  }

  @Test(arguments: try shipped())
  func theShippedOnesComeAsTheyExpect(_ name: String) throws {
    let result = try run(try Scenario.load(file: "\(Self.folder)/\(name)", profiles: "DeviceProfiles"))
    #expect(result.mishaps == [])
    for outcome in result.outcomes { #expect(outcome.failure == nil, "line \(outcome.expectation.line): \(outcome.expectation.words)") }
  }

  @Test func whatDoesNotComeIsSaid() throws {
    let result = try run(
      try load(
        """
        about: Nothing of what is expected happens.
        settings: SETTINGS
        happens:
          - { at: 20s, person: north-door, body: 36.6 }
          - { at: 40s, staff: acknowledge, alarm: port_lost, who: Li Na }
          - { at: 41s, staff: clear, occurrence: 99, who: Li Na }
        expects:
          - { event: screening.denied, within: 5s, of: 20s }
          - { never: gate_open }
          - { event: screening.passed, count: 2 }
          - { event: screening.passed, count: 1, where: { estimate_c: [36, 37] } }
        """))
    #expect(!result.isAsExpected)
    #expect(result.outcomes.map { $0.failure != nil } == [true, true, true, false])
    #expect(result.outcomes[0].failure == "expected at least once from 20s to 25s, found none")
    #expect(result.outcomes[1].failure?.hasPrefix("expected never from 0s to 51s, found 1: at 2") == true)
    #expect(
      result.mishaps == [
        "line 5: staff acknowledge who=Li Na alarm=port_lost: no such alarm was raised yet",
        "line 6: staff clear occurrence=99 who=Li Na: refused: unknown_alarm",
      ])
    #expect(!result.lastEvents.isEmpty && !result.lastBytes.isEmpty)
  }

  @Test(arguments: [
    ("happens: [{ at: 20s, person: nowhere, body: 36 }]", "there is no lane \"nowhere\"; there are: north-door"),
    ("happens: [{ at: 20 s, person: north-door, body: 36 }]", "expected a time since the beginning, such as 10s, 8min or 1h30min"),
    ("happens: [{ at: 20s, person: north-door, bdy: 36 }]", "person has no option \"bdy\""),
    ("happens: [{ at: 20s, persn: north-door }]", "nothing happens here: expected person, people"),
    ("happens: [{ at: 1s, unplug: rooms }, { at: 2s, unplug: rooms }]", "it is unplugged already"),
    ("happens: [{ at: 1s, staff: contact_reading, for: p9, celsius: 37 }]", "nobody is called \"p9\" before this line"),
    ("happens: [{ at: 1s, staff: acknowlege }]", "unknown command \"acknowlege\""),
    ("happens: [{ at: 1s, staff: acknowledge, alarm: fever }]", "there is no alarm \"fever\""),
    ("happens: [{ at: 1s, door: crash }]", "expected kill, stop or start"),
    ("happens: [{ at: 1s, disk: broken }]", "expected good, full or hung"),
    ("happens: [{ at: 1s, clock: tomorrow }]", "expected by how much the clock is set, such as +2h or -90s"),
    ("repeats: 5s\nhappens: [{ at: 5s, speed: 2 }]", "expected a time after the last thing that happens"),
    ("time: real\nhappens: [{ at: 1s, disk: full }]", "this needs virtual time"),
    ("time: real\nstarts: 2026-11-23 08:00", "in real time the clock is this machine's"),
    ("starts: 2026-13-01 08:00", "expected a local date and time"),
    ("expects: [{ event: screening.pased }]", "there is no event \"screening.pased\"; did you mean \"screening.passed\"?"),
    ("expects: [{ event: reading, place: hall }]", "there is no place \"hall\""),
    ("expects: [{ event: reading, between: [5s, 2s] }]", "expected two times, the earlier first"),
    ("expects: [{ event: reading, never: reading }]", "expected either event: or never:, and what"),
    ("expects: [{ event: reading, often: 3 }]", "found an unknown key \"often\""),
    ("starts: 26-11-23 07:30", "expected a local date and time"),
    ("lasts: 1000000h1000000h", "expected a time since the beginning"),
    ("lasts: 10s\nhappens: [{ at: 20s, speed: 2 }]", "something happens at 20s, when the scenario is over"),
    ("lasts: 10s\nexpects: [{ never: reading, between: [20s, 30s] }]", "when the scenario is over"),
    ("expects: []", "found no expectation"),
    ("expects: [{ never: reading, count: 3 }]", "never says how often already"),
    ("expects: [{ event: reading, between: [1s, 2s], within: 3s }]", "between says when already"),
    ("expects: [{ never: gate_open, place: room-301 }]", "room-301 has no gate"),
    ("expects: [{ never: gate_open, where: { kind: x } }]", "a gate that stands open has no members"),
    ("expect: []", "expects is required. A scenario without an expectation tests nothing."),
  ])
  func mistakesAreNamed(_ text: String, _ words: String) {
    let whole = "about: A mistake.\nsettings: SETTINGS\n" + text + (text.contains("expect") ? "" : "\nexpects: [{ event: reading }]")
    do {
      _ = try load(whole)
      Issue.record("it was taken: \(text)")
    } catch {
      #expect("\(error)".contains(words), "\(error)")
      #expect("\(error)".contains(".yaml:"), "\(error)")
    }
  }

  @Test func whatHasNoWindowCountsToTheEnd() throws {
    let scenario = try load(
      """
      about: The end is the last expectation's, for the others too.
      settings: SETTINGS
      happens: [{ at: 20s, person: north-door, body: 38.6, stay: 90 }]
      expects:
        - { event: screening.denied, within: 2min }
        - { never: gate_open }
        - { event: reading, of: 10s }
      """)
    #expect(scenario.lasts == .minutes(2))
    #expect(scenario.expects.map(\.window) == [.zero ... .minutes(2), .zero ... .minutes(2), .seconds(10) ... .minutes(2)])
  }

  @Test func whatHappensRepeats() {
    func step(_ seconds: Int64) -> Happening { Happening(at: .seconds(seconds), line: 1, what: .order("quit"), words: "\(seconds)") }
    var course = Course([step(1), step(3)], every: .seconds(60))
    #expect(course.nextAt == .seconds(1))
    #expect(course.takeDue(at: .milliseconds(999)).isEmpty)
    #expect(course.takeDue(at: .seconds(4)).map(\.words) == ["1", "3"])
    #expect(course.nextAt == .seconds(61))
    #expect(course.takeDue(at: .milliseconds(60_999)).isEmpty)
    #expect(course.takeDue(at: .seconds(61)).map(\.words) == ["1"])
    #expect(course.nextAt == .seconds(63))
    var once = Course([step(1)], every: nil)
    #expect(once.takeDue(at: .seconds(2)).count == 1 && once.nextAt == nil && once.takeDue(at: .seconds(9)).isEmpty)
  }

  @Test func timesAreWrittenAsTheyAreRead() {
    for text in ["0s", "1.5s", "20s", "1min", "1min30s", "1h", "1h30min", "26h5min0.25s"] {
      #expect(interval(text).map(clockText) == text)
    }
    for text in ["", "5", "s", "1.5.2s", "-3s", "1day"] { #expect(interval(text) == nil, "\(text)") }
  }
}
