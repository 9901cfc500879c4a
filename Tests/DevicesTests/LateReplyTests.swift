// Goal: a reply that comes after its request was given up is never taken for the answer to another one, however late it is
// (day one 3), and who is only now and then late is read on. Method: RTU in virtual time, with a device that answers in order
// and takes its time for each register, and a bus that carries one request at a time, as its thread does.

import Domain
import Testing

@testable import Devices

/// `first` at 0 each 300 ms, `second` at 100 each second; both are one register, so their replies look alike.
private let slow: Profile = {
  var second = register("second", .holding, 100)
  second.every = .seconds(1)
  return profile(.modbus(speech(period: .milliseconds(300), reply: .milliseconds(90))), [register("first", .holding, 0), second])
}()

private let single = profile(
  .modbus(speech(period: .milliseconds(300), reply: .milliseconds(90))), [register("first", .holding, 0)])

/// A bus with one such device, millisecond by millisecond.
private final class SlowBus {
  let device: Profile
  let bench: Bench
  /// How long the device takes for a register; `nil`: it does not answer.
  var takes: (_ address: Int) -> Int64? = { _ in 5 }
  private var time: Int64 = 0
  private var deviceIsFreeAt: Int64 = 0
  private var line: [(at: Int64, frame: [UInt8])] = []
  private var givenUpAt: Int64?

  init(_ device: Profile = slow) {
    self.device = device
    bench = Bench(.modbusRTU, device)
  }

  func run(ms duration: Int64) {
    let end = time + duration
    while time < end {
      time += 1
      bench.run(until: ms(time))
      while let arrived = line.first, arrived.at <= time, givenUpAt != nil {
        line.removeFirst()
        givenUpAt = nil
        bench.receive(arrived.frame)
      }
      if let limit = givenUpAt, limit <= time {
        givenUpAt = nil
        bench.fail(.timedOut)
      }
      if givenUpAt == nil, !bench.sent.isEmpty { carry(bench.sent.removeFirst().bytes) }
    }
  }

  private func carry(_ request: [UInt8]) {
    // What came since the last request is read away, and told.
    while let arrived = line.first, arrived.at <= time {
      line.removeFirst()
      bench.late(unit: arrived.frame[0])
    }
    let address = Int(request[2]) << 8 | Int(request[3])
    givenUpAt = time + 90
    guard let takes = takes(address) else { return }
    deviceIsFreeAt = max(deviceIsFreeAt, time) + takes
    // A register says its own address, and one more.
    line.append((deviceIsFreeAt, [1] + words([address + 1], function: 3)))
  }

  var values: [String: Set<Double>] {
    bench.readings.filter(\.quality.isGood).reduce(into: [:]) { $0[device.fields[Int($1.field)].name, default: []].insert($1.decoded) }
  }
  func count(_ name: String) -> Int { bench.readings.count { device.fields[Int($0.field)].name == name && $0.quality.isGood } }
}

@Suite struct LateReplyTests {
  @Test(arguments: [95, 130, 170, 185, 250, 360, 500, 800, 1_300] as [Int64])
  func aLateReplyIsNoOtherRegistersValue(late: Int64) {
    let bus = SlowBus()
    bus.takes = { $0 == 0 ? late : 5 }
    bus.run(ms: 120_000)
    #expect(bus.values["second"] ?? [] == [101] && bus.values["first"] ?? [1] == [1], "\(bus.values)")
    #expect(bus.bench.bus.lateReplies > 0)
    // The other register is read on, as long as the device is not busy with the first one all the time.
    if late <= 500 { #expect(bus.count("second") >= 15, "\(bus.count("second"))") }
  }

  /// Each kind of lateness at random, also of both, and replies that never come.
  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64]) func noMixOfThemMakesAWrongValue(seed: UInt64) {
    let bus = SlowBus()
    var chance = Chance(seed)
    bus.takes = { _ in
      switch chance.below(10) {
      case 0: nil
      case 1: Int64(60 + chance.below(1_500))
      default: Int64(1 + chance.below(80))
      }
    }
    bus.run(ms: 600_000)
    #expect(bus.values == ["first": [1], "second": [101]], "\(bus.values)")
    #expect(bus.count("first") > 50 && bus.count("second") > 25, "\(bus.count("first")), \(bus.count("second"))")
  }

  /// One lost reply costs two seconds of values where another register's would look like it, and nothing where none would.
  @Test(arguments: [(slow, 12), (single, 18)]) private func aLostReplyIsSoonForgotten(device: Profile, most: Int) {
    let bus = SlowBus(device)
    bus.run(ms: 3_000)
    let before = bus.count("first")
    bus.takes = { _ in nil }
    bus.run(ms: 300)
    bus.takes = { _ in 5 }
    bus.run(ms: 6_000)
    let count = bus.count("first") - before
    #expect((most...most + 2).contains(count) && bus.bench.isUp, "\(count)")
  }
}
