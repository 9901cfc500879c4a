// Goal: the example is right, and mistakes are all told with their place. Method: the file itself, bad settings as text,
// and mutations of the example from a fixed seed.

import Foundation
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
