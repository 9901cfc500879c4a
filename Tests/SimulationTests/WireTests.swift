// Bytes in, bytes out, in virtual time: published frames where there are some, raw bytes everywhere.

import Devices
import Domain
import Testing

@testable import Simulation

@Suite struct WireTests {
  /// Sends `bytes` and returns what comes back at once.
  private func ask(_ world: inout World, _ bus: Int, _ bytes: [UInt8], at ms: Int64 = 100) -> [[UInt8]] {
    _ = world.takeDue(at: world.now)
    _ = world.receive(bytes, bus: bus, connection: 9, at: at(ms))
    return world.takeDue(at: at(ms)).filter { $0.bus == bus }.map(\.bytes)
  }

  private func sensorOnRTU(_ profile: Profile, unit: UInt8, hold: String...) -> World {
    var world = World(
      WorldPlan(
        buses: [PortSettings(name: "bus", link: .modbusRTU(path: "", Sample.line))],
        devices: [PlannedDevice(name: "d", profile: profile, bus: 0, unit: unit)]))
    for field in hold { #expect(world.perform("field d \(field)") == "ok") }
    return world
  }

  @Test(arguments: [
    // Published: senseair "Modbus on S8", appendix A; vaisala GMP252 manual p. 120.
    ("fe 04 00 03 00 01 d5 c5", "fe 04 02 01 90 ac d8"),
    ("fe 04 00 00 00 04 e5 c6", "fe 04 08 00 00 00 00 00 00 01 90 16 e6"),
    ("fe 06 00 01 7c 06 6c c7", "fe 06 00 01 7c 06 6c c7"),
  ])
  func anySensorAnswersAsPublished(request: String, reply: String) {
    var world = sensorOnRTU(Sample.anyAddress, unit: 7, hold: "co2 400")
    #expect(ask(&world, 0, hex(request)) == [hex(reply)])
    #expect(ask(&world, 0, [0x00] + hex(request), at: 500) == [hex(reply)], "after a wake byte")
  }

  @Test func floatsPutTheLowWordFirst() {
    var world = sensorOnRTU(Sample.lowWordFirst, unit: 240, hold: "co2 465.65997")
    let reply = ask(&world, 0, hex("f0 03 00 00 00 02 d1 2a"))
    // Published: f0 03 04 d4 7a 43 e8 33 ab, which is 465.65997.
    #expect(reply == [hex("f0 03 04 d4 7a 43 e8 33 ab")])
    #expect(world.perform("field d co2 nan") == "ok")
    let words = ask(&world, 0, hex("f0 03 00 00 00 02 d1 2a"), at: 200).first ?? []
    #expect(words.count == 9 && words[5] & 0x7F == 0x7F, "not available is a quiet NaN: \(words)")
  }

  @Test func boardAnswersAsPublished() {
    var world = World(Sample.door())
    #expect(ask(&world, 1, hex("01 01 00 00 00 08 3d cc")) == [hex("01 01 01 00 51 88")])
    #expect(world.perform("input board 6 on") == "ok")
    #expect(ask(&world, 1, hex("01 02 00 00 00 08 79 cc"), at: 200) == [hex("01 02 01 20 a0 50")])
    #expect(ask(&world, 1, hex("01 05 00 05 ff 00 9c 3b"), at: 300) == [hex("01 05 00 05 ff 00 9c 3b")])
    #expect(world.report().devices["board"]?.relays == [6])
    #expect(world.report().devices["board"]?.writes.map(\.address) == [5])
  }

  @Test(arguments: [
    ([0x07], 1),  // no such function
    ([0x01, 0, 0, 0, 7], 3),  // this board answers eight and nothing else
    ([0x01, 0, 1, 0, 8], 2),  // beyond its relays
    ([0x05, 0, 8, 0xFF, 0], 2),
    ([0x05, 0, 0, 0x55, 0], 3),
    ([0x03, 0, 0, 0, 1], 2),  // no registers at all
    ([0x06, 0, 0, 0, 1], 2),
    ([0x0F, 0, 0, 0, 8, 2, 0xFF], 3),  // a count that its bytes don't bear out
    ([0x10, 0, 0, 0, 1, 2, 0, 0], 2),
  ] as [([UInt8], UInt8)])
  func refusesWhatIsNotThere(pdu: [UInt8], exception: UInt8) {
    var world = World(Sample.door())
    let tcp = ask(&world, 1, rtuFrame(unit: 1, pdu))
    if pdu == [0x0F, 0, 0, 0, 8, 2, 0xFF] { return #expect(tcp.isEmpty, "RTU waits for the missing byte") }
    #expect(tcp == [rtuFrame(unit: 1, [pdu[0] | 0x80, exception])])
    #expect(world.report().devices["board"]?.writes.isEmpty == true)
  }

  @Test func writesManyCoils() {
    var world = World(Sample.door())
    let reply = ask(&world, 1, rtuFrame(unit: 1, [0x0F, 0, 0, 0, 8, 1, 0b1000_0010]))
    #expect(reply == [rtuFrame(unit: 1, [0x0F, 0, 0, 0, 8])])
    #expect(world.report().devices["board"]?.relays == [2, 8])
  }

  /// Function 05 at 0200 with 5: half a second, timed by the board.
  @Test func pulseEndsByItself() {
    var world = World(Sample.door())
    let pulse = rtuFrame(unit: 1, [0x05, 0x02, 0x00, 0, 5])
    #expect(ask(&world, 1, pulse, at: 100) == [pulse])
    let read = hex("01 01 00 00 00 08 3d cc")
    #expect(ask(&world, 1, read, at: 599).first?[3] == 1)
    #expect(ask(&world, 1, read, at: 600).first?[3] == 0)
    #expect(world.report().lanes["north"]?.gate.open == true, "the leaf is still on its way")
    world.advance(to: at(2_000))
    let changes = world.report().lanes["north"]?.gate.changes ?? []
    #expect(changes.map(\.open) == [true, false])
    #expect(zip(changes, [0.36, 0.85]).allSatisfy { abs($0.at - $1) <= 0.011 }, "\(changes)")
  }

  /// What `kill -9` with the gate open comes down to: nobody says anything more, and it shuts.
  @Test func gateShutsWithNobodyThere() {
    var world = World(Sample.door())
    _ = ask(&world, 1, rtuFrame(unit: 1, [0x05, 0x02, 0x00, 0, 50]), at: 1_000)
    world.advance(to: at(5_900))
    #expect(world.report().lanes["north"]?.gate.open == true)
    world.advance(to: at(6_300))
    #expect(world.report().lanes["north"]?.gate.open == false)
  }

  @Test func streamIsCutAndJoinedAtWill() {
    let read = hex("01 01 00 00 00 08 3d cc")
    for cut in 1..<read.count {
      var world = World(Sample.door())
      #expect(ask(&world, 1, Array(read[..<cut]), at: 10).isEmpty)
      #expect(ask(&world, 1, Array(read[cut...]), at: 20).count == 1, "cut at \(cut)")
      #expect(ask(&world, 1, Array(read[..<cut]), at: 30).isEmpty)
      #expect(ask(&world, 1, read, at: 400).count == 1, "a silence forgets the half that came before")
    }
    var world = World(Sample.door())
    #expect(ask(&world, 1, read + [0xAA, 0x01] + read, at: 10).count == 2)
    var wrong = read
    wrong[7] ^= 1
    #expect(ask(&world, 1, wrong, at: 300).isEmpty)
    #expect(ask(&world, 1, rtuFrame(unit: 2, [1, 0, 0, 0, 8]), at: 600).isEmpty, "another unit's request")
  }

  @Test func gatewayAnswersByTransactionAndUnit() {
    var world = World(Sample.door())
    #expect(world.perform("field room-b-co2 co2 512") == "ok")
    let request = hex("12 34 00 00 00 06 05 04 00 03 00 01")
    #expect(ask(&world, 2, request) == [hex("12 34 00 00 00 05 05 04 02 02 00")])
    #expect(ask(&world, 2, request + request, at: 200).count == 2)
    #expect(ask(&world, 2, hex("00 01 00 00 00 06 63 04 00 03 00 01"), at: 300) == [hex("00 01 00 00 00 03 63 84 0b")])
    #expect(world.receive(hex("00 01 00 07 00 06 05 04"), bus: 2, connection: 9, at: at(400)) == false, "not Modbus")
    #expect(world.receive(hex("00 01 00 00 ff ff 05 04"), bus: 2, connection: 8, at: at(400)) == false, "endless")
  }

  @Test func gatewayKeepsConnectionsApart() {
    var world = World(Sample.door())
    let request = hex("12 34 00 00 00 06 05 04 00 03 00 01")
    _ = world.receive(Array(request.prefix(5)), bus: 2, connection: 1, at: at(10))
    _ = world.receive(request, bus: 2, connection: 2, at: at(11))
    #expect(world.takeDue(at: at(11)).filter { $0.bus == 2 }.map(\.connection) == [2])
    _ = world.receive(Array(request.dropFirst(5)), bus: 2, connection: 1, at: at(12))
    #expect(world.takeDue(at: at(12)).filter { $0.bus == 2 }.map(\.connection) == [1])
  }

  @Test func askedDeviceAnswersItsQuestionOnly() {
    var world = World(
      WorldPlan(
        buses: [PortSettings(name: "bus", link: .serial(path: "", Sample.line))],
        devices: [PlannedDevice(name: "d", profile: Sample.asked, bus: 0)]))
    for field in ["co2 608", "temperature 31"] { #expect(world.perform("field d \(field)") == "ok") }
    let question = hex("ff 01 86 00 00 00 00 00 79")
    // Published: ff 86 02 60 47 00 00 00 d1 (Winsen's manual).
    let answer = hex("ff 86 02 60 47 00 00 00 d1")
    #expect(ask(&world, 0, question, at: 10) == [answer])
    #expect(ask(&world, 0, hex("ff 01 79 a0 00 00 00 00 e6"), at: 20).isEmpty)
    #expect(ask(&world, 0, [0xFF, 0xFF] + question + question.prefix(3), at: 30) == [answer])
    #expect(ask(&world, 0, Array(question.dropFirst(3)), at: 40) == [answer])
    world.advance(to: at(60_000))
    #expect(world.takeDue(at: at(60_000)).isEmpty, "unasked it says nothing")
  }

  @Test func pacedLineTakesItsTime() {
    var world = World(Sample.door())
    world.isPaced = true
    world.advance(to: at(100))
    let bytes = world.wires.deliveries.filter { $0.bus == 0 }
    #expect(bytes.count == 9 && bytes.allSatisfy { $0.bytes.count == 1 })
    // 8N1 at 9600 baud: ten bits, 1.0417 ms a byte, from 72 ms on.
    #expect(bytes.first?.due.ns == Int64(73_041_666))
    #expect(bytes.last?.due.ns == Int64(72_000_000 + 9 * 1_041_666))
    #expect(world.takeDue(at: at(75)).count == 2)
  }
}

/// Whatever comes in on any bus, the world goes on.
@Suite struct WireFuzz {
  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func randomBytes(seed: UInt64) {
    var chance = Chance(seed: seed)
    var world = World(Sample.door(), seed: seed)
    let seeds = [rtuFrame(unit: 1, [1, 0, 0, 0, 8]), hex("00 01 00 00 00 06 05 04 00 03 00 01"), rtuFrame(unit: 1, [15, 0, 0, 0, 8, 1, 3])]
    for turn in 0..<5_000 {
      var bytes = chance.bytes(Int(chance.next() % 24))
      if turn % 3 == 0 {
        // Half right is worse than all wrong: a true frame with one byte changed, its CRC made to fit again.
        bytes = seeds[Int(chance.next() % 3)]
        bytes[Int(chance.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: chance.next())
        if bytes.count == 8 || bytes.count == 10 { bytes = rtuFrame(unit: bytes[0], Array(bytes[1..<(bytes.count - 2)])) }
      }
      let bus = Int(chance.next() % 3)
      if !world.receive(bytes, bus: bus, connection: 1, at: at(Int64(turn) * 7)) { world.forget(bus: bus, connection: 1) }
      _ = world.takeDue(at: world.now)
    }
    _ = world.receive([], bus: 1, at: at(40_000))
    _ = world.takeDue(at: at(40_000))
    _ = world.receive(rtuFrame(unit: 1, [1, 0, 0, 0, 8]), bus: 1, at: at(40_200))
    #expect(world.takeDue(at: at(40_200)).contains { $0.bus == 1 && $0.bytes.count == 6 })
  }
}
