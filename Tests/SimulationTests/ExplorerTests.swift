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

  @Test(arguments: UInt64(1)...20)
  func theRulesHold(seed: UInt64) throws {
    let found = try inFolder { try explorer.live(explorer.world(seed), folder: $0) }
    #expect(found.violation == nil, "\(found.words)")
    #expect(found.events > 30)
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
}
