// What a room's wires tell of it: contacts, counts, the fan's air, temperature and humidity; and codes that people show.

import Devices
import Domain
import Rules
import Testing

@testable import Simulation

@Suite struct RoomTests {
  /// The sample's door with contacts of its first room on its board: a window that opens its contact, a fan's relay, a door, two that count.
  private func world() -> World {
    var plan = Sample.door()
    plan.rooms[0].contacts = [
      PlannedContact(.window, Wire(device: 1, channel: 3, isOnWhenOpen: true)), PlannedContact(.fan, Wire(device: 1, channel: 4), isRelay: true),
      PlannedContact(.door, Wire(device: 1, channel: 5)), PlannedContact(.wayIn, Wire(device: 1, channel: 6)),
      PlannedContact(.wayOut, Wire(device: 1, channel: 7)),
    ]
    return World(plan)
  }

  private func inputs(_ world: World) -> [Int] { world.report().devices["board"]?.inputs ?? [] }

  @Test func contactsFollowTheRoom() {
    var world = world()
    #expect(inputs(world) == [3])
    #expect(world.perform("room room-a windows=open fan=on door=open") == "ok")
    #expect(inputs(world) == [5] && world.report().devices["board"]?.relays == [4])
    #expect(world.report().rooms["room-a"]?.ach == 10.5)
    #expect(world.perform("room room-a windows=shut fan=off fan_ach=3 window_ach=8 ach=0.2") == "ok")
    #expect(inputs(world) == [3, 5] && world.report().rooms["room-a"]?.ach == 0.2)
    #expect(world.perform("room room-a fan=on windows=open") == "ok")
    #expect(abs((world.report().rooms["room-a"]?.ach ?? 0) - 11.2) < 1e-9)
  }

  @Test func openWindowsTakeAwayWhatPeopleBreatheOut() {
    var world = world()
    #expect(world.perform("room room-a co2=2000 windows=open") == "ok")
    world.advance(to: at(1_800_000))
    // Half an hour of 6.5 air changes: e^-3.25.
    #expect(abs((world.report().rooms["room-a"]?.co2_ppm ?? 0) - (425 + 1_575 * 0.038774)) < 1)
  }

  /// Edges of the counting contacts, by looking as often as a board is read.
  private func counts(_ world: inout World, seconds: Int64) -> (in: Int, out: Int) {
    var result = (in: 0, out: 0), before = inputs(world)
    let begin = world.now
    for look in 1...seconds * 5 {
      world.advance(to: begin + .milliseconds(200) * look)
      let now = inputs(world)
      if now.contains(6), !before.contains(6) { result.in += 1 }
      if now.contains(7), !before.contains(7) { result.out += 1 }
      before = now
    }
    return result
  }

  @Test func peopleAreCountedOneByOne() {
    var world = world()
    #expect(world.perform("room room-a occupants=12") == "ok")
    let early = counts(&world, seconds: 6)
    #expect(early == (in: 5, out: 0))
    let later = counts(&world, seconds: 20)
    #expect(later == (in: 7, out: 0))
    #expect(world.perform("room room-a occupants=9") == "ok")
    let gone = counts(&world, seconds: 20)
    #expect(gone == (in: 0, out: 3))
  }

  @Test func theFansAirIsMeasured() {
    var plan = Sample.door()
    plan.devices[3].profile.fields.append(
      Field(name: "speed", location: .register(.input, address: 8), type: .u16be, scale: 0.01, unit: .metrePerSecond, use: .airVelocity, range: 0...20))
    plan.rooms[1].airflow = 3
    plan.rooms[1].ductAreaM2 = 0.05
    var world = World(plan)
    func speed() -> Double? { world.values(of: 3, at: world.now).last }
    #expect(speed() == 0)
    #expect(world.perform("room room-b fan=on fan_ach=6") == "ok")
    // 60 m3 six times an hour through 0.05 m2.
    #expect(abs((speed() ?? 0) - 2) < 1e-9)
  }

  @Test func whatAnotherFieldScalesIsToldInItsMeasure() {
    var plan = Sample.door()
    var flow = Field(name: "flow", location: .register(.input, address: 8), type: .u16be, unit: .cubicMetrePerHour, use: .airflow)
    flow.multiplier = Multiplier(field: 2, factors: [0: 3_600, 1: 1, 2: 3.6])
    plan.devices[3].profile.fields += [Field(name: "unit", location: .register(.input, address: 9), type: .u16be), flow]
    plan.rooms[1].airflow = 3
    var world = World(plan)
    #expect(world.perform("room room-b fan=on fan_ach=6") == "ok" && world.perform("field room-b-co2 unit 2") == "ok")
    let values = world.values(of: 3, at: world.now)
    #expect(values.last == 360 && world.scaled(values, 3).last == 100)
  }

  @Test func aReplugWarmsUpAgainWhereTheProfileSaysSo() {
    var plan = Sample.door()
    plan.devices[0].profile = Sample.asked
    plan.devices[0].profile.fields[0].warmUpValues = [410]
    plan.devices[0].profile.power = .usb
    plan.devices[0].profile.warmUp = .seconds(60)
    var world = World(plan)
    func co2() -> Double { world.values(of: 0, at: world.now)[0] }
    #expect(abs(co2() - 450) < 20)
    #expect(world.perform("unplug ir") == "ok" && world.perform("replug ir") == "ok")
    #expect(co2() == 410)
    world.advance(to: at(60_001))
    #expect(co2() != 410)
  }

  @Test func aBoardThatIsToldInBytesRemembers() {
    var plan = Sample.door()
    let relay = RelayBytes(on: [0xA0, 0, 1], off: [0xA0, 0, 0], channelAt: 1, count: 4, check: Check(.sum8, from: 0, at: -1))
    let speech = FrameSpeech(frames: [], requests: [], period: .seconds(3_600), isSeldom: true)
    plan.buses.append(PortSettings(name: "relays", link: .serial(path: "/nowhere/relays", Sample.line)))
    plan.devices.append(
      PlannedDevice(
        name: "relays", profile: Sample.profile("relays", .serial(speech), [], writes: [Write(name: "relay", kind: .relay(relay))]), bus: 3))
    var world = World(plan)
    func on() -> [Int]? { world.report().devices["relays"]?.relays }
    _ = world.receive(hex("ff a0 02 01 a3 a0 04 01"), bus: 3, at: at(10))
    #expect(on() == [2])
    _ = world.receive(hex("a5 a0 02 00 a2"), bus: 3, at: at(20))
    #expect(on() == [4])
    // A command with a wrong check is none.
    _ = world.receive(hex("a0 04 00 a5"), bus: 3, at: at(30))
    #expect(on() == [4])
  }

  @Test func feverIsAShareOfThePeople() {
    func ill(_ share: Double) -> Int {
      var world = World(Sample.door(), seed: 3)
      #expect(world.perform("people on every=0.1 fever=\(share)") == "ok")
      world.advance(to: at(20_000))
      return world.lanes[0].waiting.count { $0.body >= 37.3 }
    }
    #expect(ill(0) == 0 && ill(1) > 150)
    #expect((50...150).contains(ill(0.5)))
  }

  /// Water in saturated air, g/m3, as tables print it.
  @Test(arguments: [(-10.0, 2.36), (0, 4.85), (20, 17.3), (30, 30.4)])
  func saturationAgreesWithTables(celsius: Double, grams: Double) {
    #expect(abs(RoomAir.saturation(celsius) / grams - 1) < 0.015)
  }

  @Test func coldAirCoolsAndDries() {
    var air = RoomAir(volumeM3: 180)
    #expect(abs(air.temperature - 22) < 1e-9 && abs(air.humidity - 45) < 1e-9)
    air.windowsAreOpen = true
    for _ in 0..<36_000 { air.exchange(hours: 1.0 / 3_600, with: Outdoors(temperature: -5, humidity: 80)) }
    // 6.5 air changes of -5 degC against six of 22.
    #expect(abs(air.temperature - (6.5 * -5 + 6 * 22) / 12.5) < 0.01)
    #expect(air.humidity < 35)
    var full = RoomAir(volumeM3: 180, occupants: 32)
    for _ in 0..<36_000 { full.exchange(hours: 1.0 / 3_600, with: Outdoors()) }
    #expect((25...29).contains(full.temperature) && full.humidity > 60)
  }

  @Test func aSecondThermometerSeesTheSamePersonByItsOwnOffset() {
    var plan = Sample.door()
    plan.devices.append(PlannedDevice(name: "second", profile: Sample.thermometer, bus: 0))
    plan.lanes[0].second = (4, 2.6)
    var world = World(plan)
    #expect(world.perform("person north body=37") == "ok")
    world.advance(to: at(2_000))
    #expect(abs(world.values(of: 0, at: world.now)[0] - 35.4) < 0.3)
    #expect(abs(world.values(of: 4, at: world.now)[0] - 34.4) < 0.3)
  }

  @Test func whatIsShownIsTold() {
    var plan = Sample.door()
    plan.buses.append(PortSettings(name: "scanner", link: .serial(path: "/nowhere/scanner", Sample.line)))
    let line = Framing(startsWith: [], ending: .line(quiet: .milliseconds(100), most: 64))
    let speech = FrameSpeech(frames: [line], requests: [], period: .seconds(3_600), isSeldom: true)
    let code = Field(name: "code", location: .line, type: .ascii(0), unit: .text)
    plan.devices.append(PlannedDevice(name: "scanner", profile: Sample.profile("scanner", .serial(speech), [code]), bus: 3))
    plan.lanes[0].scanner = (4, 0)
    var world = World(plan)
    #expect(world.perform("person north body=37 shows=4711-0815") == "ok")
    #expect(world.perform("person north body=37") == "ok")
    world.advance(to: at(60_000))
    let told = world.takeDue(at: world.now).filter { $0.bus == 3 }
    #expect(told.map(\.bytes) == [Array("4711-0815\r\n".utf8)])
  }
}
