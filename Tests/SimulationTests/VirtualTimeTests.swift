// The door's own instruments against the simulated wires, in virtual time: each proves the other, and a minute takes
// milliseconds. Bus threads are played here: they add and check the CRC, as ports do.

import Devices
import Domain
import Settings
import Testing

@testable import Simulation

/// Instruments and world with nothing between them but bytes.
private final class Rig {
  var world: World
  var instruments: Instruments
  var findings = Findings()
  var outbox = Outbox()
  var latest: [String: Reading] = [:]
  var downs: [String] = []
  private var awaiting: [Int: Instant] = [:]

  init(_ plan: WorldPlan, seed: UInt64 = 1) {
    world = World(plan, seed: seed)
    instruments = Instruments(
      InstrumentSettings(
        ports: plan.buses.map { $0.link.kind },
        devices: plan.devices.map {
          DevicePlan(profile: $0.profile, port: PortID($0.bus), unit: $0.unit, isAtLane: true)
        }))
    for bus in plan.buses.indices {
      instruments.opened(PortID(bus), Generation(1), at: at(0), &findings, &outbox)
      settle(at(0))
    }
  }

  func write(_ action: WriteAction, to device: Int) -> Bool {
    let taken = instruments.write(action, to: DeviceID(device), at: world.now, &findings, &outbox)
    settle(world.now)
    return taken
  }

  func run(to end: Instant) {
    while world.now < end {
      let timeOut = awaiting.values.min() ?? .never
      let now = max(min(world.nextDeadline, instruments.nextDeadline, timeOut, end), world.now + Interval(ns: 1))
      world.advance(to: now)
      for delivery in world.takeDue(at: now) { carry(delivery, now) }
      for (bus, until) in awaiting where until <= now {
        awaiting[bus] = nil
        instruments.failed(PortID(bus), Generation(1), .timedOut, at: now, &findings, &outbox)
        settle(now)
      }
      instruments.advance(to: now, &findings, &outbox)
      settle(now)
    }
  }

  private func carry(_ delivery: Delivery, _ now: Instant) {
    var bytes = delivery.bytes
    if case .modbusRTU = world.plan.buses[delivery.bus].link {
      guard bytes.count > 3, rtuFrame(unit: bytes[0], Array(bytes[1..<(bytes.count - 2)])) == bytes else { return }
      bytes.removeLast(2)
      awaiting[delivery.bus] = nil
    }
    instruments.received(bytes.span, from: PortID(delivery.bus), Generation(1), at: now, &findings, &outbox)
    settle(now)
  }

  /// Reads what was found and carries out what is to be sent; its answers come with the next turn.
  private func settle(_ now: Instant) {
    for index in 0..<findings.readingCount {
      let reading = findings.readings[index]
      let device = world.plan.devices[Int(reading.device.index)]
      latest["\(device.name).\(device.profile.fields[Int(reading.field)].name)"] = reading
    }
    for index in 0..<findings.changeCount {
      if case .down(let device, _) = findings.changes[index] { downs.append(world.plan.devices[Int(device.index)].name) }
    }
    findings.clear()
    for index in 0..<outbox.count {
      guard case .send(let send) = outbox.outputs[index] else { continue }
      var bytes = (0..<Int(send.count)).map { outbox.bytes[Int(send.offset) + $0] }
      let bus = Int(send.port.index)
      if case .modbusRTU = world.plan.buses[bus].link {
        bytes = rtuFrame(unit: bytes[0], Array(bytes.dropFirst()))
        awaiting[bus] = now + send.replyWithin
      }
      _ = world.receive(bytes, bus: bus, connection: 1, at: now)
    }
    outbox.clear()
  }

  func value(_ name: String) -> Double? {
    guard let reading = latest[name], reading.quality.isGood else { return nil }
    return reading.decoded
  }
}

extension Link {
  fileprivate var kind: PortKind {
    switch self {
    case .serial: .serial
    case .modbusRTU: .modbusRTU
    case .modbusTCP: .modbusTCP
    case .hid: .hid
    }
  }
}

@Suite struct VirtualTimeTests {
  @Test func contactsThatOpenAreClosedAtRest() {
    var plan = Sample.door()
    plan.lanes[0].readBack = Wire(device: 1, channel: 1, isOnWhenOpen: true)
    plan.lanes[0].switches = [Wire(device: 1, channel: 7, isOnWhenOpen: true)]
    var world = World(plan, seed: 1)
    #expect(world.inputMask(of: 1, at: at(0)) == 0b100_0001)
    #expect(world.perform("input board 7 off") == "ok")
    #expect(world.inputMask(of: 1, at: at(0)) == 1)
  }

  @Test func everyDeviceIsReadRight() {
    let rig = Rig(Sample.door())
    #expect(rig.world.perform("room room-a co2=1200 ach=0") == "ok")
    #expect(rig.world.perform("person north body=38.2") == "ok")
    rig.run(to: at(6_000))
    #expect(abs((rig.value("thermometer.object") ?? 0) - 36.6) < 0.3)
    #expect(abs((rig.value("thermometer.ambient") ?? 0) - 22) < 0.2)
    #expect(abs((rig.value("room-a-co2.co2") ?? 0) - 1_200) < 20)
    #expect(abs((rig.value("room-b-co2.co2") ?? 0) - 425) < 20)
    #expect(rig.value("board.inputs") == 0 && rig.value("board.relays") == 0)
    #expect(rig.downs.isEmpty)
  }

  /// Two of a kind on one line, by a byte before the request or by digits before request and answer.
  @Test(arguments: [("optris-cs-ct", "target_temperature"), ("raytek-mi3", "object_temperature")])
  func addressesTellTwoOnALineApart(id: String, field: String) throws {
    let profile = try Profile.load(file: "DeviceProfiles/\(id).yaml")
    var plan = Sample.door()
    plan.devices = [
      PlannedDevice(name: "one", profile: profile, bus: 0, unit: 1), PlannedDevice(name: "two", profile: profile, bus: 0, unit: 2),
    ]
    plan.lanes = []
    plan.rooms = []
    let rig = Rig(plan)
    #expect(rig.world.perform("field one \(field) 31.5") == "ok" && rig.world.perform("field two \(field) 36.5") == "ok")
    rig.run(to: at(700_000))
    #expect(abs((rig.value("one.\(field)") ?? 0) - 31.5) < 0.06)
    #expect(abs((rig.value("two.\(field)") ?? 0) - 36.5) < 0.06)
    #expect(rig.downs.isEmpty)
  }

  @Test func pulseOpensAndShutsTheGate() {
    let rig = Rig(Sample.door())
    #expect(rig.world.perform("person north body=36.6") == "ok")
    rig.run(to: at(3_000))
    #expect(rig.write(.pulse(channel: 1, for: .seconds(3)), to: 1))
    rig.run(to: at(10_000))
    let lane = rig.world.report().lanes["north"]
    #expect(lane?.gate.changes.map(\.open) == [true, false] && lane?.passed == 1)
    let changes = lane?.gate.changes.map(\.at) ?? [0, 0]
    #expect(abs(changes[1] - changes[0] - 3) < 0.05)
  }

  @Test func silenceIsNoticedAndOnlyThere() {
    let rig = Rig(Sample.door())
    rig.run(to: at(3_000))
    #expect(rig.world.perform("fault room-b-co2 silence for=20") == "ok")
    #expect(rig.world.perform("fault thermometer bad_check for=20") == "ok")
    rig.run(to: at(18_000))
    #expect(rig.downs.sorted() == ["room-b-co2", "thermometer"])
    rig.run(to: at(60_000))
    #expect(abs((rig.value("room-b-co2.co2") ?? 0) - 425) < 20, "and it comes back")
  }
}
