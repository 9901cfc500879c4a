// What sensors and boards do by themselves, as the wire shows it: how slowly they follow, how they calibrate themselves, what they say
// while they warm up, what they forget without power.

import Devices
import Domain
import Settings
import Testing

@testable import Simulation

@Suite struct SensorModelTests {
  private let question = hex("ff 01 86 00 00 00 00 00 79")

  /// A CO2 sensor on a line of its own, and a room that it measures.
  private func world(_ change: (inout Profile) -> Void = { _ in }) -> World {
    var profile = Sample.asked
    change(&profile)
    var world = World(
      WorldPlan(
        buses: [PortSettings(name: "bus", link: .serial(path: "", Sample.line))], devices: [PlannedDevice(name: "d", profile: profile, bus: 0)],
        rooms: [PlannedRoom(name: "room", volumeM3: 100, sensors: [0])]))
    #expect(world.perform("room room co2=400 ach=0") == "ok")
    return world
  }

  /// What its bytes say, ppm.
  private func ask(_ world: inout World, at seconds: Int64) -> Int? {
    _ = world.takeDue(at: world.now)
    _ = world.receive(question, bus: 0, at: at(seconds * 1_000))
    let reply = world.takeDue(at: at(seconds * 1_000)).first?.bytes ?? []
    return reply.count == 9 ? Int(reply[2]) << 8 | Int(reply[3]) : nil
  }

  private func near(_ found: Int?, _ wanted: Int, within: Int = 15) -> Bool { found.map { abs($0 - wanted) <= within } ?? false }

  /// One response time after a step of 1000 ppm 63 % of it are shown, after three 95 %.
  @Test func aSensorFollowsInItsResponseTime() {
    var world = world { $0.fields[0].response = .seconds(50) }
    #expect(near(ask(&world, at: 1), 400), "it has stood in this air for long")
    #expect(world.perform("room room co2=1400") == "ok")
    for second in Int64(2)...200 {
      let shown = ask(&world, at: second)
      if second == 51 { #expect(near(shown, 1_032)) }
      if second == 151 { #expect(near(shown, 1_350)) }
    }
    #expect(near(ask(&world, at: 600), 1_400))
  }

  @Test func aSlowSensorIsAFault() {
    var world = world()
    #expect(near(ask(&world, at: 1), 400))
    #expect(world.perform("fault d slow by=100 for=101") == "ok")
    #expect(near(ask(&world, at: 1), 400))
    #expect(world.perform("room room co2=1400") == "ok")
    for second in Int64(2)...101 {
      let shown = ask(&world, at: second)
      if second == 101 { #expect(near(shown, 1_032)) }
    }
    #expect(near(ask(&world, at: 102), 1_400))
  }

  /// The lowest of the first hour, 700 ppm, is 400 an hour later; the zero moves on the way, and back when the fault is over.
  @Test func aSensorCalibratesItselfInStaleAir() {
    var world = world()
    #expect(world.perform("room room co2=700") == "ok")
    #expect(world.perform("fault d self_calibrates by=1") == "ok")
    for minute in Int64(1)...119 {
      let shown = ask(&world, at: minute * 60)
      if minute == 59 { #expect(near(shown, 700)) }
      if minute == 90 { #expect(near(shown, 550)) }
    }
    #expect(near(ask(&world, at: 7_200), 400))
    #expect(world.perform("room room co2=500") == "ok")
    #expect(near(ask(&world, at: 7_201), 200), "fresh air is then less than there is anywhere")
    #expect(world.perform("fault d clear") == "ok")
    #expect(near(ask(&world, at: 7_202), 500))
    var door = World(Sample.door())
    #expect(door.perform("fault thermometer self_calibrates").contains("measures no CO2"))
  }

  // MARK: Warm-up

  /// After each power-on, by cable or by switch, its own first value; then what is so.
  @Test func aSensorShowsWarmUpValues() {
    var world = world {
      $0.power = .usb
      $0.warmUp = .seconds(180)
      $0.fields[0].warmUpValues = [410]
    }
    #expect(world.perform("room room co2=900") == "ok")
    #expect(near(ask(&world, at: 1), 900), "devices are warm when a world begins")
    #expect(world.perform("unplug bus") == "ok")
    #expect(ask(&world, at: 2) == nil)
    #expect(world.perform("replug bus") == "ok")
    #expect(ask(&world, at: 3) == 410 && ask(&world, at: 181) == 410)
    #expect(near(ask(&world, at: 182), 900))
    #expect(world.perform("power d off") == "ok")
    #expect(ask(&world, at: 190) == nil)
    #expect(world.perform("power d on") == "ok")
    #expect(ask(&world, at: 369) == 410)
    #expect(near(ask(&world, at: 370), 900))
  }

  @Test func aProbeSaysNotReadyWhileItWarmsUp() throws {
    let trial = try Trial(lanes: 0)
    trial.site.run(for: .seconds(10))
    #expect(trial.site.perform("power co2-0 off") == "ok")
    trial.site.run(for: .seconds(20))
    #expect(trial.events.contains { if case .deviceDown = $0.body { true } else { false } })
    let before = trial.events.count
    #expect(trial.site.perform("power co2-0 on") == "ok")
    trial.site.run(for: .seconds(400))
    let readings = trial.events[before...].compactMap { event -> Reading? in
      if case .reading(let reading) = event.body, reading.use == .co2 { reading } else { nil }
    }
    #expect(readings.contains { if case .invalid(.warmingUp) = $0.quality { true } else { false } })
    let good = readings.first { $0.quality.isGood }
    let since = good.map { ($0.at - Instant(ns: 0)).seconds - VirtualDoor.boot.seconds } ?? 0
    #expect((269...280).contains(since), "240 s after 30 s: \(since)")
  }

  /// A particle sensor sends frames of zeros, whole and with their check.
  @Test func aFrameThatSaysItWarmsUp() throws {
    let profile = try Profile.load(file: "DeviceProfiles/plantower-pms.yaml")
    var world = worldOnALine(profile)
    func outcome(at seconds: Int64) -> DecodedFrame.Outcome? {
      world.advance(to: at(seconds * 1_000))
      return world.takeDue(at: world.now).last.flatMap { decode($0.bytes, with: profile).first?.outcome }
    }
    #expect(world.perform("field d pm2_5 12") == "ok")
    if case .accepted? = outcome(at: 5) {} else { Issue.record("it is warm at first") }
    #expect(world.perform("unplug bus") == "ok" && world.perform("replug bus") == "ok")
    if case .rejected(.warmingUp)? = outcome(at: 30) {} else { Issue.record("no frame of a warm-up") }
    if case .accepted? = outcome(at: 40) {} else { Issue.record("30 s are over") }
  }

  // MARK: Power

  private let on = rtuFrame(unit: 1, [5, 0, 2, 0xFF, 0])

  /// Its own supply keeps a board's relays while a cable is pulled; without it none is held, and boards differ afterwards.
  @Test func relaysNeedPower() {
    var world = World(Sample.door())
    func relays() -> [Int]? { world.report().devices["board"]?.relays }
    _ = world.receive(on, bus: 1, at: at(10))
    #expect(world.perform("unplug io") == "ok")
    #expect(relays() == [3])
    #expect(world.perform("replug io") == "ok")
    #expect(relays() == [3])
    #expect(world.perform("power board off") == "ok")
    #expect(relays() == [])
    _ = world.takeDue(at: world.now)
    _ = world.receive(on, bus: 1, at: at(20))
    #expect(world.takeDue(at: at(20)).isEmpty, "nobody hears it")
    #expect(relays() == [])
    #expect(world.perform("power board on") == "ok")
    #expect(relays() == [])
    _ = world.receive(on, bus: 1, at: at(30))
    #expect(world.perform("power board off") == "ok")
    #expect(world.perform("power board on relays=kept") == "ok")
    #expect(relays() == [3])
    #expect(world.perform("power board on").contains("on already"))
    #expect(world.perform("power board off relays=kept").contains("relays="))
  }

  /// A board that its port powers lets go of its relays with the cable.
  @Test func aPoweredPortHoldsItsRelays() throws {
    let profile = try Profile.load(file: "DeviceProfiles/lcus-serial-relay.yaml")
    var world = worldOnALine(profile)
    _ = world.receive(hex("a0 02 01 a3"), bus: 0, at: at(10))
    #expect(world.report().devices["d"]?.relays == [2])
    #expect(world.report().devices["d"]?.writes.map(\.address) == [2])
    #expect(world.perform("unplug bus") == "ok" && world.perform("replug bus") == "ok")
    #expect(world.report().devices["d"]?.relays == [])
  }

  /// A card is read once; put there again, once more. One that nobody asked for is taken along.
  @Test func aCardIsReadWhenTheReaderIsAsked() throws {
    let profile = try Profile.load(file: "DeviceProfiles/cn-idcard-sam.yaml")
    var plan = Sample.door()
    plan.buses.append(PortSettings(name: "cards", link: .serial(path: "", Sample.line)))
    plan.devices.append(PlannedDevice(name: "reader", profile: profile, bus: 3))
    let number = try #require(profile.fields.firstIndex { $0.name == "number" })
    plan.lanes[0].scanner = (4, number)
    var world = World(plan)
    func ask(_ name: String, at seconds: Int64) -> [UInt8] {
      guard case .serial(let speech) = profile.transport, let request = speech.requests.first(where: { $0.name == name }) else { return [] }
      world.advance(to: at(seconds * 1_000))
      _ = world.takeDue(at: world.now)
      _ = world.receive(request.bytes, bus: 3, at: world.now)
      return world.takeDue(at: world.now).filter { $0.bus == 3 }.flatMap(\.bytes)
    }
    #expect(ask("find", at: 1).dropFirst(9).first == 0)
    #expect(world.perform("person north body=36.6 stay=30 shows=11010519491231002X") == "ok")
    #expect(ask("find", at: 3).dropFirst(9).first == 0x9F && ask("select", at: 4).dropFirst(9).first == 0x90)
    let card = ask("read", at: 5)
    #expect(card.count == 1_295 && card[5..<7] == [0x05, 0x08] && card.dropFirst(5).reduce(0, ^) == 0)
    #expect(Array(card[136..<172]) == "11010519491231002X".utf16.flatMap { [UInt8($0), 0] })
    #expect(ask("find", at: 6).dropFirst(9).first == 0)
    #expect(world.perform("person north body=36.6 stay=5 shows=11010519491231002X") == "ok")
    #expect(ask("find", at: 100).dropFirst(9).first == 0, "gone, and the card with them")
  }
}

/// A world of one device on a serial line.
private func worldOnALine(_ profile: Profile) -> World {
  World(
    WorldPlan(
      buses: [PortSettings(name: "bus", link: .serial(path: "", Sample.line))],
      devices: [PlannedDevice(name: "d", profile: profile, bus: 0)]))
}
