// Random worlds in which anything goes wrong: twenty fixed ones here, thousands by `gatehouse-sim explore`.

import Domain
import Foundation
import Settings
import Testing

@testable import Simulation

@Suite struct ExplorerTests {
  private let explorer: Explorer

  init() throws {
    explorer = Explorer(try Settings.load(file: "Simulators/scenarios/two-doors.yaml", profiles: "DeviceProfiles"), minutes: 2)
  }

  private func inFolder<Value>(_ body: (String) throws -> Value) throws -> Value {
    let folder = FileManager.default.temporaryDirectory.appending(path: "explored-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path)
  }

  /// 199: a clock that was set while the door was down ended a rest early.
  @Test(arguments: Array(1...20) + [199])
  func theRulesHold(seed: UInt64) throws {
    let found = try inFolder { try explorer.live(explorer.world(seed), folder: $0) }
    #expect(found.violation == nil, "\(found.words)")
    #expect(found.events > 30)
  }

  /// People show who they are to a scanner.
  @Test(arguments: UInt64(1)...3)
  func theRulesHoldWhereIdentitiesAreShown(seed: UInt64) throws {
    try inFolder { folder in
      try FileManager.default.copyItem(atPath: "Tests/Planted/scanner-door.yaml", toPath: folder + "/door.yaml")
      let key = Data("nobody guesses what stands in this file".utf8)
      #expect(FileManager.default.createFile(atPath: folder + "/identity.key", contents: key, attributes: [.posixPermissions: 0o400]))
      let scanner = Explorer(try Settings.load(file: folder + "/door.yaml", profiles: "DeviceProfiles"), minutes: 2)
      let world = scanner.world(seed)
      #expect(world.happens.contains { $0.words.contains(" shows=\(RandomWorld.codePrefix)") })
      let found = try scanner.live(world, folder: folder + "/life")
      #expect(found.violation == nil, "\(found.words)")
    }
  }

  /// What the files of a life hold is looked at, and what they should not hold is found.
  @Test func aLogIsLookedAt() throws {
    try inFolder { folder in
      let site = try VirtualSite(
        try Settings.load(file: "Simulators/scenarios/one-door.yaml", profiles: "DeviceProfiles"), wall: 1_795_390_200_000_000_000,
        log: folder + "/log")
      var durable: Set<String> = []
      site.onCommit = { durable.formUnion($0.map(\.id)) }
      try site.start()
      site.run(for: .seconds(20))
      site.stop()
      func rule(_ ids: Set<String>, secret: String) throws -> String? {
        try LogAudit(durable: ids, secret: secret).violation(in: folder + "/log", at: site.elapsed)?.rule
      }
      #expect(durable.count > 5)
      #expect(try rule(durable, secret: "nobody") == nil)
      #expect(try rule(durable.union(["never-1"]), secret: "nobody") == "what was called durable is in the log")
      #expect(try rule(durable, secret: "gatehouse.system.started") == "no file holds what somebody showed")
    }
  }

  @Test func aSeedIsOneWorld() {
    #expect(explorer.world(7).happens.map(\.words) == explorer.world(7).happens.map(\.words))
    #expect(explorer.world(7).happens.map(\.words) != explorer.world(8).happens.map(\.words))
  }

  /// A fever that is called healthy cannot be denied: the rule is broken, and what is left of the world is that person.
  @Test func aFailureIsMadeSmall() throws {
    var world = explorer.world(3)
    let passing = world.bodies.filter { $0.value < 37 }
    for name in passing.keys { world.bodies[name] = 39 }
    try inFolder { folder in
      let found = try explorer.live(world, folder: folder)
      #expect(found.violation?.rule == "nobody with a fever passes as normal")
      let small = try explorer.shrink(found, folder: folder + "/smaller")
      #expect(small.violation?.rule == found.violation?.rule)
      #expect(small.world.happens.count == 1, "\(small.words)")
    }
  }

  /// A site need not have rooms, nor lanes.
  @Test(arguments: ["rooms", "lanes"]) func sitesOfHalfAKindHaveWorldsToo(_ without: String) throws {
    let file = "Simulators/scenarios/one-door.yaml"
    var parts = try String(contentsOfFile: file, encoding: .utf8).components(separatedBy: "\n\n")
    parts.removeAll { $0.hasPrefix("\(without):") }
    let settings = try Settings.parse(parts.joined(separator: "\n\n") + "\n", file: file, profiles: "DeviceProfiles")
    for seed in UInt64(1)...50 { _ = Explorer(settings, minutes: 2).world(seed) }
  }
}
