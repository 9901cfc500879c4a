// Each fault does what its name says, only that, and only as long as it lasts.

import Devices
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
    world.advance(to: world.now + .seconds(1))
    return world.takeDue(at: world.now).map(\.bytes)
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

  // MARK: When

  @Test func delayedMessagesComeWhole() {
    var world = World(Sample.door(), seed: 5)
    #expect(world.perform("fault thermometer delay by=0.03") == "ok")
    world.advance(to: at(101))
    #expect(world.takeDue(at: at(101)).isEmpty && world.nextDeadline == at(102))
    #expect(world.takeDue(at: at(102)).map { isWhole($0.bytes) } == [true])
  }

  @Test func splitComesInTwoPieces() {
    var world = World(Sample.door(), seed: 5)
    #expect(world.perform("fault thermometer split by=0.02") == "ok")
    world.advance(to: at(100))
    let all = world.takeDue(at: at(100))
    #expect(all.map(\.due) == [at(72), at(92)] && all.map(\.bytes.count) == [4, 5])
    #expect(isWhole(all.flatMap(\.bytes)))
  }

  @Test func trickleIsSlowAndNeverMixed() {
    var world = World(Sample.door(), seed: 5)
    #expect(world.perform("fault thermometer trickle by=0.1") == "ok")
    world.advance(to: at(2_000))
    let all = world.takeDue(at: at(2_000))
    #expect(all.allSatisfy { $0.bytes.count == 1 })
    #expect(zip(all, all.dropFirst()).allSatisfy { $1.due - $0.due >= .milliseconds(72) })
    let bytes = all.flatMap(\.bytes)
    #expect(isWhole(Array(bytes[..<9])) && isWhole(Array(bytes[9..<18])))
  }

  @Test func lateComesWhenNobodyWaitsAnyMore() {
    var world = World(Sample.door())
    #expect(world.perform("fault board late") == "ok")
    _ = world.receive(rtuFrame(unit: 1, [1, 0, 0, 0, 8]), bus: 1, at: at(10))
    #expect(world.takeDue(at: at(759)).isEmpty)
    #expect(world.takeDue(at: at(760)).map(\.bytes) == [rtuFrame(unit: 1, [1, 1, 0])])
  }

  @Test func chanceStrikesItsShareAndTheSameOnesWithTheSameSeed() {
    func run(_ seed: UInt64) -> [Bool] {
      var world = World(Sample.door(), seed: seed)
      #expect(world.perform("fault thermometer bad_check chance=0.25") == "ok")
      world.advance(to: at(72_000))
      return world.takeDue(at: at(72_000)).map { isWhole($0.bytes) }
    }
    let first = run(5)
    #expect(first.count == 1_000 && (200...300).contains(first.count { !$0 }))
    #expect(run(5) == first && run(6) != first)
  }

  // MARK: Bytes

  @Test func junkStandsBeforeOrBehind() {
    for frame in frames("fault thermometer junk_before by=5") { #expect(frame.count == 14 && isWhole(Array(frame.suffix(9)))) }
    let behind = frames("fault thermometer junk_after")
    #expect(behind.count == 28 && behind.enumerated().allSatisfy { $0.offset % 2 == 0 ? isWhole($0.element) : $0.element.count == 3 })
  }

  @Test func wrongLengthLacksTheByteBeforeTheCheck() {
    let all = frames("fault thermometer wrong_length")
    #expect(all.count == 14 && all.allSatisfy { $0.count == 8 && $0.starts(with: [0x5A, 0x5A, 0x45, 0x04]) })
  }

  /// 0x55 alternates on the line, start and stop included: at twice the rate each of its bits is heard twice.
  @Test func anotherBaudRateHearsOtherBytes() {
    #expect(misheard([0x5A, 0x00, 0xFF, 0x31], rate: 1) == [0x5A, 0x00, 0xFF, 0x31])
    #expect(misheard([0x55, 0x55], rate: 2) == [0x66, 0x66, 0x66, 0xFE])
    #expect(misheard([0x00], rate: 0.5) == [0xF8])
    let all = frames("fault thermometer baud")
    #expect(all.count == 14 && !all.contains(where: isWhole))
  }

  // MARK: Values

  /// The mean of what the thermometer's frames show of the surface, degC.
  private func surface(_ order: String, then: (inout World) -> Void = { _ in }) -> Double {
    let all = frames(order, then: then)
    return all.map { Double(Int($0[4]) << 8 | Int($0[5])) / 100 }.reduce(0, +) / Double(all.count)
  }

  @Test func jumpAndDriftShiftWhatIsMeasured() {
    #expect(abs(surface("fault thermometer jump by=1.5") - 23.5) < 0.1)
    // From 1 to 2 s: half a second in the mean.
    #expect(abs(surface("fault thermometer drift by=7200") - 23.0) < 0.15)
  }

  @Test func aSensorThatNormalisesShowsAHealthyBody() {
    let ill: (inout World) -> Void = { world in
      _ = world.perform("person north body=39")
      world.advance(to: at(1_990))
      _ = world.takeDue(at: at(1_990))
    }
    #expect(abs(surface("fault thermometer normalises", then: ill) - 34.9) < 0.2)
    #expect(abs(surface("fault thermometer normalises by=36", then: ill) - 34.4) < 0.2)
    #expect(abs(surface("fault thermometer clear", then: ill) - 37.4) < 0.2)
    #expect(abs(surface("fault thermometer normalises") - 22) < 0.1, "an empty lane is no body")
  }

  @Test func sentinelsAreTheProfilesOwn() {
    var plan = Sample.door()
    plan.devices[0].profile = Sample.asked
    var world = World(plan)
    #expect(world.perform("fault thermometer sentinel") == "ok")
    guard case .serial(let speech) = Sample.asked.transport else { return }
    _ = world.receive(speech.requests[0].bytes, bus: 0, at: at(10))
    let reply = world.takeDue(at: at(10)).first?.bytes ?? []
    #expect(reply.count == 9 && reply[4] == 0 && reply[2..<4] != [0, 0])
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

  @Test func anyExceptionIsAnswered() {
    var world = World(Sample.door())
    #expect(world.perform("fault board exception by=6") == "ok")
    _ = world.receive(rtuFrame(unit: 1, [1, 0, 0, 0, 8]), bus: 1, at: at(10))
    #expect(world.takeDue(at: at(10)).map(\.bytes) == [rtuFrame(unit: 1, [0x81, 6])])
  }

  @Test(arguments: [
    ("wrong_unit", [rtuFrame(unit: 2, [1, 1, 0])]),
    ("wrong_length", [rtuFrame(unit: 1, [1, 1])]),
    ("echo", [rtuFrame(unit: 1, [1, 0, 0, 0, 8]), rtuFrame(unit: 1, [1, 1, 0])]),
  ])
  func answersThatAreNone(kind: String, expected: [[UInt8]]) {
    var world = World(Sample.door())
    #expect(world.perform("fault board \(kind)") == "ok")
    _ = world.receive(rtuFrame(unit: 1, [1, 0, 0, 0, 8]), bus: 1, at: at(10))
    #expect(world.takeDue(at: at(10)).map(\.bytes) == expected)
  }

  @Test func anotherAnswersFirst() {
    var world = World(Sample.door())
    #expect(world.perform("fault room-b-co2 answers_others") == "ok")
    _ = world.receive(hex("00 01 00 00 00 06 1f 03 00 00 00 02"), bus: 2, connection: 3, at: at(10))
    let replies = world.takeDue(at: at(10)).map(\.bytes)
    // The other one has no holding register 0: exception 2 under unit 31, then the true answer.
    #expect(replies.count == 2 && replies[0] == hex("00 01 00 00 00 03 1f 83 02") && replies[1].count == 13)
  }

  @Test func whoHangsUpAnswersNothing() {
    var world = World(Sample.door())
    #expect(world.perform("fault room-b-co2 hang_up") == "ok")
    let goesOn = world.receive(hex("00 01 00 00 00 06 05 04 00 03 00 01"), bus: 2, connection: 3, at: at(10))
    #expect(!goesOn && world.takeDue(at: at(10)).isEmpty)
    let other = world.receive(hex("00 02 00 00 00 06 1f 03 00 00 00 02"), bus: 2, connection: 4, at: at(10))
    #expect(other && world.takeDue(at: at(10)).count == 1)
  }

  @Test func whoDropsConnectionsAcceptsNone() {
    var world = World(Sample.door())
    let first = world.accepts(bus: 2, at: at(5))
    #expect(world.perform("fault room-b-co2 drops for=1") == "ok")
    let second = world.accepts(bus: 2, at: at(10))
    #expect(first && !second)
    let goesOn = world.receive(hex("00 01 00 00 00 06 05 04 00 03 00 01"), bus: 2, connection: 3, at: at(20))
    #expect(!goesOn && world.takeDue(at: at(20)).isEmpty, "the one that was there ends too")
    let third = world.accepts(bus: 2, at: at(2_000))
    #expect(third)
    #expect(world.perform("fault board drops").contains("TCP"))
  }

  @Test func swappedDevicesAnswerForEachOther() {
    var world = World(Sample.door())
    #expect(world.perform("swap room-a-co2 room-b-co2") == "ok")
    #expect(world.perform("field room-b-co2 co2 777") == "ok")
    _ = world.receive(hex("00 01 00 00 00 06 1f 04 00 03 00 01"), bus: 2, connection: 3, at: at(10))
    #expect(world.takeDue(at: at(10)).map(\.bytes) == [hex("00 01 00 00 00 05 1f 04 02 03 09")])
    #expect(world.perform("swap room-a-co2 thermometer").contains("different kinds"))
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
