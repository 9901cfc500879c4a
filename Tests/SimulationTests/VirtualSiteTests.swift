// A whole site in virtual time: the door's own turns and log, with nothing simulated but clocks, ports and what stands behind them.

import Domain
import EventLog
import Foundation
import Settings
import Testing

@testable import Simulation

@Suite struct VirtualSiteTests {
  @Test func somebodyPasses() throws {
    let trial = try Trial()
    trial.site.run(for: .seconds(5))
    #expect(trial.site.perform("person lane-0 body=36.6") == "ok")
    trial.site.run(for: .seconds(20))
    #expect(trial.passed == 1)
    #expect(trial.site.world.report().lanes["lane-0"]?.passed == 1)
  }

  /// Every body and every personal value, in their order: what two runs must have in common.
  private func log(of trial: Trial) throws -> [String] {
    trial.site.stop()
    let reader = try LogReader(folder: trial.folder.appending(path: "log").path)
    return try Domain.Stream.allCases.flatMap { stream in
      var all: [String] = []
      while true {
        let more = try reader.read(stream, after: Int64(all.count), limit: 500)
        if more.isEmpty { return all }
        all += more.map { String(decoding: $0.json, as: UTF8.self) }
      }
    }
  }

  private func busyMorning(seed: UInt64) throws -> [String] {
    let trial = try Trial(lanes: 2, rooms: 3, seed: seed)
    #expect(trial.site.perform("people on every=6") == "ok")
    #expect(trial.site.perform("room room-1 occupants=30 ach=0.5") == "ok")
    trial.site.run(for: .minutes(2))
    #expect(trial.site.perform("fault thermometer-1 noise for=20") == "ok")
    trial.site.run(for: .minutes(1))
    trial.site.kill()
    trial.site.run(for: .seconds(7))
    try trial.site.start()
    trial.site.run(for: .minutes(2))
    #expect(trial.passed > 20)
    return try log(of: trial)
  }

  @Test func theSameSeedGivesTheSameLogByteForByte() throws {
    let first = try busyMorning(seed: 5)
    #expect(first.count > 200)
    #expect(try busyMorning(seed: 5) == first)
    #expect(try busyMorning(seed: 6) != first)
  }

  @Test func whatIsDurableSurvivesAKill() throws {
    let trial = try Trial()
    var durable: [String] = []
    trial.site.onCommit = { durable += $0.map(\.id) }
    #expect(trial.site.perform("people on every=5") == "ok")
    for _ in 0..<5 {
      trial.site.run(for: .milliseconds(17_333))
      trial.site.kill()
      try trial.site.start()
    }
    let logged = Set(try log(of: trial).compactMap { line in
      (try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["id"] as? String
    })
    #expect(durable.count > 100 && logged.isSuperset(of: durable))
  }

  @Test func aFullDiskIsToldAndLosesNothing() throws {
    let trial = try Trial()
    var durable = 0
    trial.site.onCommit = { durable += $0.count }
    trial.site.run(for: .seconds(10))
    trial.site.disk = .full
    let before = durable
    trial.site.run(for: .seconds(90))
    #expect(durable == before)
    #expect(trial.events.contains { if case .alarmRaised(let fact) = $0.body { fact.kind == .logStalled } else { false } })
    trial.site.disk = .good
    trial.site.run(for: .seconds(30))
    trial.site.stop()
    #expect(durable == trial.events.count)
  }

  /// Whatever a device does for a while, nobody with a fever passes, and afterwards all is as before: no fault leaves the door deaf.
  @Test(arguments: FaultKind.allCases) func everyFaultIsSurvived(_ kind: FaultKind) throws {
    for device in ["thermometer-0", "board-0", "co2-0"] {
      let trial = try Trial()
      trial.site.run(for: .seconds(5))
      let by = kind == .jump || kind == .drift ? " by=0.5" : ""
      let answer = trial.site.perform("fault \(device) \(kind.rawValue)\(by) for=15 chance=0.9")
      guard answer == "ok" else {
        #expect(answer.contains("can't have"), "\(answer)")
        continue
      }
      if kind != .normalises { #expect(trial.site.perform("person lane-0 body=38.6 stay=8") == "ok") }
      trial.site.run(for: .seconds(15))
      #expect(trial.passed == 0, "\(kind) of \(device)")
      trial.site.run(for: .seconds(30))
      #expect(trial.site.perform("person lane-0 body=36.5 stay=20") == "ok")
      trial.site.run(for: .seconds(15))
      #expect(trial.passed == 1, "\(kind) of \(device)")
      #expect(trial.site.world.report().lanes["lane-0"]?.passed == 1, "\(kind) of \(device)")
    }
  }

  /// Connected, and hung up on at once, for a minute: said once, and read again when it is over.
  @Test func whoDropsConnectionsIsReadAgain() throws {
    let trial = try Trial(lanes: 0)
    trial.site.run(for: .seconds(20))
    #expect(trial.site.perform("fault co2-0 drops for=60") == "ok")
    trial.site.run(for: .seconds(60))
    let lost = trial.events.count { if case .portLost = $0.body { true } else { false } }
    #expect((1...3).contains(lost), "\(lost)")
    let before = trial.events.count
    trial.site.run(for: .seconds(40))
    let after = trial.events[before...]
    #expect(after.contains { if case .portOpened = $0.body { true } else { false } })
    #expect(after.contains { if case .reading(let reading) = $0.body { reading.quality.isGood } else { false } })
  }

  /// As the real keeper of ports does: 0.1 s, doubled, and anew after ten seconds that were good.
  @Test func whoHangsUpIsTriedLessAndLess() {
    var port = VirtualPort(.modbusTCP(host: "127.0.0.1", port: 502))
    var now = Instant(ns: 0)
    var waits: [Int64] = []
    for open in [0, 0, 0, 9, 10] as [Int64] {
      port.open(at: now)
      now = now + .seconds(open)
      port.close()
      port.tryAgain(at: now)
      waits.append((port.nextDeadline - now).ns / 1_000_000)
      now = port.nextDeadline
    }
    #expect(waits == [100, 200, 400, 800, 100])
  }

  @Test func swappedThermometersTellOfTheOtherLane() throws {
    let trial = try Trial(lanes: 2)
    #expect(trial.site.perform("swap thermometer-0 thermometer-1") == "ok")
    trial.site.run(for: .seconds(10))
    #expect(trial.site.perform("person lane-0 body=38.6") == "ok")
    trial.site.run(for: .seconds(10))
    let lanes = trial.events.compactMap { event -> Place? in if case .screeningBegan = event.body { event.source } else { nil } }
    #expect(Set(lanes) == [.lane(LaneID(1))])
  }

  /// A stick that tells unasked, one that is asked, and a board of relays that moves a gate: reports as hidraw gives and takes them.
  @Test func hidDevicesLive() throws {
    let trial = try Trial(
      yaml: """
        site: { id: trial, name: Trial, time_zone: Asia/Shanghai }
        desk: none
        log: { folder: log }
        buses:
          ir: { serial: tty/ir, line: { baud: 9600 } }
          board: { hid: { usb: "16c0:05df" } }
          air: { hid: { usb: "04d9:a052" } }
          warmth: { hid: { usb: "413d:2107" } }
        devices:
          thermometer: { profile: gy-mcu90614, bus: ir, warm_up_s: 2 }
          board: { profile: usb-hid-relay, bus: board }
          co2: { profile: zytemp-co2, bus: air, warm_up_s: 2 }
          warmth: { profile: temper-hid, bus: warmth, warm_up_s: 2 }
        lanes:
          lane-0: { thermometer: { device: thermometer, site_offset_c: 1.6 }, gate: { device: board, relay: 1, open_s: 3, on_failure: open }, lamp: { device: board, relay: 2 } }
        rooms:
          room-0: { volume_m3: 180, seats: 32, co2: [co2], temperature: warmth, windows: openable }
        """)
    #expect(trial.site.perform("room room-0 co2=1234 ach=0") == "ok")
    #expect(trial.site.perform("outdoors 22") == "ok")
    trial.site.run(for: .seconds(60))
    #expect(abs((trial.latest("co2", .co2) ?? 0) - 1_234) < 20)
    #expect(abs((trial.latest("warmth", .airTemperature) ?? 0) - 22) < 0.2)
    #expect(trial.site.perform("person lane-0 body=36.6") == "ok")
    trial.site.run(for: .seconds(20))
    #expect(trial.passed == 1 && trial.site.world.report().lanes["lane-0"]?.passed == 1)
    #expect(trial.site.world.report().lanes["lane-0"]?.gate.changes.map(\.open) == [true, false])
    #expect(trial.site.perform("fault co2 silence") == "ok")
    trial.site.run(for: .seconds(60))
    #expect(trial.events.contains { if case .deviceDown = $0.body { $0.source == .device(DeviceID(2)) } else { false } })
  }

  @Test func aClockThatNobodyKeepsIsToldAfterTenMinutes() throws {
    let trial = try Trial()
    func told(_ body: (EventBody) -> AlarmFact?) -> Int { trial.events.count { body($0.body)?.kind == .clockUnsynchronised } }
    func raised() -> Int { told { if case .alarmRaised(let fact) = $0 { fact } else { nil } } }
    func cleared() -> Int { told { if case .alarmCleared(let fact) = $0 { fact } else { nil } } }
    trial.site.isSynchronised = false
    trial.site.run(for: .minutes(9))
    #expect(raised() == 0)
    trial.site.run(for: .seconds(61))
    #expect(raised() == 1)
    trial.site.isSynchronised = true
    trial.site.run(for: .minutes(9))
    #expect(cleared() == 0)
    trial.site.run(for: .seconds(62))
    #expect(raised() == 1 && cleared() == 1)
  }

  @Test func aPortThatIsPulledIsLostAndComesBack() throws {
    let trial = try Trial()
    trial.site.run(for: .seconds(10))
    #expect(trial.site.perform("unplug io-0") == "ok")
    trial.site.run(for: .seconds(10))
    #expect(trial.events.contains { if case .portLost = $0.body { $0.source == .port(PortID(1)) } else { false } })
    #expect(trial.site.perform("replug io-0") == "ok")
    trial.site.run(for: .seconds(10))
    #expect(trial.events.count { if case .portOpened = $0.body { $0.source == .port(PortID(1)) } else { false } } == 2)
  }
}
