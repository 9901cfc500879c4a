// Each fault does what its name says, only that, and only as long as it lasts.

import Domain
import Testing

@testable import Simulation

@Suite struct FaultTests {
  /// The thermometer's frames of one second, from a second after the fault was ordered.
  private func frames(_ order: String, then: (inout World) -> Void = { _ in }) -> [[UInt8]] {
    var world = World(Sample.door(), seed: 5)
    world.advance(to: at(1_000))
    #expect(world.perform(order) == "ok")
    then(&world)
    _ = world.takeDue(at: at(1_000))
    world.advance(to: at(2_000))
    return world.takeDue(at: at(2_000)).map(\.bytes)
  }

  private func isWhole(_ frame: [UInt8]) -> Bool {
    frame.count == 9 && frame.starts(with: [0x5A, 0x5A, 0x45, 0x04]) && frame[8] == frame[..<8].reduce(0, &+)
  }

  @Test func aHealthyStreamIsWhole() {
    let all = frames("fault thermometer clear")
    #expect(all.count == 14 && all.allSatisfy(isWhole))
    #expect(Set(all).count > 1, "a sensor has noise")
  }

  @Test func silenceIsSilent() { #expect(frames("fault thermometer silence").isEmpty) }

  @Test func noiseIsNoFrame() {
    let all = frames("fault thermometer noise")
    #expect(all.count == 14 && !all.contains(where: isWhole))
  }

  @Test func badCheckIsOneBitOff() {
    let all = frames("fault thermometer bad_check")
    #expect(all.count == 14)
    for frame in all { #expect(frame[8] ^ frame[..<8].reduce(0, &+) == 1) }
  }

  @Test func cutFrameIsHalf() {
    let all = frames("fault thermometer cut_frame")
    #expect(all.count == 14 && all.allSatisfy { $0.count == 4 })
  }

  @Test func stuckKeepsTelling() {
    let all = frames("fault thermometer stuck") { world in _ = world.perform("person north body=39") }
    #expect(all.count == 14 && Set(all).count == 1 && all.allSatisfy(isWhole))
  }

  @Test func faultEndsWithItsTime() {
    var world = World(Sample.door(), seed: 5)
    #expect(world.perform("fault thermometer silence for=2") == "ok")
    world.advance(to: at(1_999))
    #expect(world.takeDue(at: at(1_999)).isEmpty)
    world.advance(to: at(3_000))
    let after = world.takeDue(at: at(3_000)).map(\.bytes)
    #expect(after.count == 14 && after.allSatisfy(isWhole))
  }

  /// A board that did not hear does not act; one whose answer is spoiled did.
  @Test(arguments: [("silence", false, 0), ("bad_check", true, 8), ("cut_frame", true, 4), ("noise", true, 8)])
  func faultsOnABus(kind: String, acts: Bool, count: Int) {
    var world = World(Sample.door(), seed: 5)
    let write = rtuFrame(unit: 1, [5, 0, 2, 0xFF, 0])
    #expect(world.perform("fault board \(kind)") == "ok")
    _ = world.receive(write, bus: 1, at: at(10))
    let replies = world.takeDue(at: at(10)).map(\.bytes)
    #expect(replies.map(\.count) == (count == 0 ? [] : [count]))
    #expect(!replies.contains(write))
    #expect(world.report().devices["board"]?.relays == (acts ? [3] : []))
  }

  @Test func exceptionIsAnswered() {
    var world = World(Sample.door())
    #expect(world.perform("fault board exception") == "ok")
    _ = world.receive(rtuFrame(unit: 1, [1, 0, 0, 0, 8]), bus: 1, at: at(10))
    #expect(world.takeDue(at: at(10)).map(\.bytes) == [rtuFrame(unit: 1, [0x81, 4])])
  }

  @Test func badCheckOverTCPIsAnotherTransaction() {
    var world = World(Sample.door())
    #expect(world.perform("fault room-b-co2 bad_check") == "ok")
    _ = world.receive(hex("12 34 00 00 00 06 05 04 00 03 00 01"), bus: 2, connection: 3, at: at(10))
    #expect(Array(world.takeDue(at: at(10)).first?.bytes.prefix(2) ?? []) == [0x12, 0x35])
  }

  @Test func oneFaultLeavesTheNeighbourAlone() {
    var world = World(Sample.door())
    #expect(world.perform("fault room-b-co2 silence") == "ok")
    _ = world.receive(hex("00 01 00 00 00 06 05 04 00 03 00 01"), bus: 2, connection: 3, at: at(10))
    _ = world.receive(hex("00 02 00 00 00 06 1f 03 00 00 00 02"), bus: 2, connection: 3, at: at(10))
    let replies = world.takeDue(at: at(10)).map(\.bytes)
    #expect(replies.count == 1 && replies[0].count == 13 && replies[0].starts(with: [0x00, 0x02]))
  }

  @Test func anUnpluggedBusCarriesNothing() {
    var world = World(Sample.door())
    #expect(world.perform("unplug ir") == "ok")
    world.advance(to: at(1_000))
    #expect(world.takeDue(at: at(1_000)).isEmpty)
    #expect(world.perform("unplug ir").hasPrefix("error"))
    #expect(world.perform("replug ir") == "ok")
    world.advance(to: at(2_000))
    #expect(world.takeDue(at: at(2_000)).count == 14)
    #expect(world.plugs[0] == 2)
  }
}
