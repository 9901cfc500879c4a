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

  /// Lateness of up to a second at random, also of both, and replies that never come: two seconds are reckoned with.
  @Test(arguments: (1...24).map { UInt64($0) }) func noMixOfThemMakesAWrongValue(seed: UInt64) {
    let bus = SlowBus()
    var chance = Chance(seed)
    bus.takes = { _ in
      switch chance.below(10) {
      case 0: nil
      case 1: Int64(60 + chance.below(900))
      default: Int64(1 + chance.below(80))
      }
    }
    bus.run(ms: 600_000)
    #expect(bus.values == ["first": [1], "second": [101]], "\(bus.values)")
    #expect(bus.count("first") > 50 && bus.count("second") > 25, "\(bus.count("first")), \(bus.count("second"))")
  }

  /// One lost reply costs some polls, and nothing where no other register's reply would look like it.
  @Test(arguments: [(slow, 11), (single, 18)]) private func aLostReplyIsSoonForgotten(device: Profile, least: Int) {
    let bus = SlowBus(device)
    bus.run(ms: 3_000)
    let before = bus.count("first")
    bus.takes = { _ in nil }
    bus.run(ms: 300)
    bus.takes = { _ in 5 }
    bus.run(ms: 6_000)
    let count = bus.count("first") - before
    #expect((least...20).contains(count) && bus.bench.isUp, "\(count)")
  }

  /// A register that is never answered keeps nobody from the other, and the device is up all the time.
  @Test(arguments: [0, 100]) func aReadThatIsNeverAnsweredStarvesNoOther(silent: Int) {
    let bus = SlowBus()
    bus.takes = { $0 == silent ? nil : 5 }
    bus.run(ms: 600_000)
    let (name, due) = silent == 0 ? ("second", 600) : ("first", 2_000)
    #expect(bus.count(name) > due * 8 / 10, "\(bus.count(name)) of \(due)")
    #expect(bus.bench.changed == ["up 0"], "\(bus.bench.changed)")
  }

  /// A line that loses a reply in ten, and in three: what comes is read, and a device that answers is not down.
  @Test(arguments: [(10, 0.7), (3, 0.3)]) func aBadLineIsStillRead(one: Int, share: Double) {
    let bus = SlowBus()
    var chance = Chance(UInt64(one))
    bus.takes = { _ in chance.below(one) == 0 ? nil : 5 }
    bus.run(ms: 600_000)
    #expect(bus.values == ["first": [1], "second": [101]], "\(bus.values)")
    let (first, second) = (Double(bus.count("first")) / 2_000, Double(bus.count("second")) / 600)
    #expect(first > share && second > share, "\(first), \(second)")
    // Of three that are lost in turn it is down for a moment, and rightly so.
    if one == 10 { #expect(bus.bench.changed == ["up 0"], "\(bus.bench.changed)") }
  }

  /// What is never asked of this device makes no reply doubtful.
  @Test func anotherVariantsReadsAreNone() {
    var other = register("other", .holding, 200)
    (other.variants, other.every) = (2, .seconds(1))
    let device = profile(.modbus(speech(period: .milliseconds(300), reply: .milliseconds(90))), [register("first", .holding, 0), other])
    let bus = SlowBus(device)
    bus.takes = { _ in 130 }
    bus.run(ms: 10_000)
    #expect(bus.count("first") == 0 && bus.bench.bus.lateReplies > 3)
    bus.takes = { _ in 5 }
    bus.run(ms: 10_000)
    #expect(bus.count("first") >= 20, "\(bus.count("first"))")
  }
}
