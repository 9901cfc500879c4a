// Goal: the example is right, and mistakes are all told with their place. Method: the file itself, bad settings as text,
// and mutations of the example from a fixed seed.

import Domain
import Foundation
import Rules
import Testing

@testable import Settings

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
private let profiles = root.appending(path: "DeviceProfiles").path
private let example = root.appending(path: "gatehouse.example.yaml").path

@Test func exampleHasNoProblems() throws {
  let settings = try Settings.load(file: example, profiles: profiles)
  #expect(settings.devices.count == 3 && settings.devices[0].atLane && settings.site.offsets[0].seconds == 28_800)
  #expect(settings.warnings.isEmpty, "\(settings.warnings)")
}

@Test func tellsEveryProblemAtOnce() throws {
  let text = try readText(example)
    .replacing("bus: door-io,", with: "bus: door-oi,").replacing(", site_offset_c: 1.6", with: "")
    .replacing("seats: 30", with: "saets: 30").replacing("open_s: 5", with: "open_s: long")
  let problems = #expect(throws: Problems.self) { try Settings.parse(text, file: "a.yaml", profiles: profiles) }
  let said = problems?.description ?? ""
  #expect(problems?.list.count == 4, "\(said)")
  #expect(said.contains("there is no bus \"door-oi\"; did you mean \"door-io\"?"))
  #expect(said.contains("did you mean \"seats\"?") && said.contains("docs/rules.md, \"The site offset\""))
  #expect(said.contains("found \"long\", expected a number from 0.5 to 60 s"))
}

@Test func aPolicyChangesFromAMomentOn() throws {
  let changes = """

    policy:
      version: 3
      fever: { threshold_c: 37.4 }
      air: { high_ppm: 1600, high_clear_ppm: 1450 }
      changes:
        - { from: "2026-12-01 06:00", version: 4, fever: { retake_from_c: 36.9 } }
        - { from: "2027-01-01 00:00", version: 5, air: { high_ppm: 1400 }, disinfect_every_h: 12 }
    """
  let text = try #require(try readText(example).components(separatedBy: "\npolicy:").first) + changes
  let policy = try Settings.parse(text, file: "a.yaml", profiles: profiles).policy
  #expect(policy.changes.map(\.fever.version) == [4, 5] && policy.fever.version == 3)
  // 6 o'clock in Shanghai, and what is not said stays.
  #expect(policy.changes[0].from == 1_796_076_000_000_000_000)
  #expect(policy.changes[0].fever.threshold == 37.4 && policy.changes[0].fever.retakeFrom == 36.9)
  #expect(policy.changes[0].air.highLimit == 1600 && policy.changes[0].air.highClear == 1450)
  #expect(policy.changes[1].fever.retakeFrom == 36.9 && policy.changes[1].air.highClear == 1300)
  #expect(policy.changes[1].site.disinfectEvery.seconds == 43_200 && policy.site.disinfectEvery.seconds == 86_400)

  for (old, new, said) in [
    ("2026-12-01 06:00", "2026-12-01", "policy.changes[0].from: found \"2026-12-01\", expected a date and time of the site's clock"),
    ("2026-12-01 06:00", "2026-02-30 06:00", "policy.changes[0].from: found \"2026-02-30 06:00\", expected a date and time"),
    ("version: 4, ", "", "policy.changes[0]: version is required"),
    ("version: 5", "version: 4", "policy.changes[1].version: found 4, expected more than 4, the version before"),
    ("2027-01-01 00:00", "2026-11-01 00:00", "policy: found changes out of order"),
    ("retake_from_c: 36.9", "retake_from_c: 38", "policy.changes[0].fever: found 35, 38, 37.4, 38, expected low_guard_c"),
  ] {
    let problems = #expect(throws: Problems.self) {
      try Settings.parse(text.replacing(old, with: new), file: "a.yaml", profiles: profiles)
    }
    #expect(problems?.description.contains(said) == true, "\(problems?.description ?? "")")
  }
}

@Test func hostileTextIsAProblemNotACrash() throws {
  let deep = String(repeating: "[", count: 50_000)
  for text in ["", "a: b: c", "a: 1\na: 2", "a: &x 1\nb: *x", deep, "- 1", "\u{0}"] {
    #expect(throws: Problems.self) { try Settings.parse(text, file: "a.yaml", profiles: profiles) }
  }
  let bytes = Array(try readText(example).utf8)
  var seed: UInt64 = 7
  for _ in 0..<300 {
    var changed = bytes
    for _ in 0..<3 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      changed[Int(seed >> 33) % changed.count] = UInt8(truncatingIfNeeded: seed >> 20) & 0x7F
    }
    _ = try? Settings.parse(String(decoding: changed, as: UTF8.self), file: "a.yaml", profiles: profiles)
  }
}
