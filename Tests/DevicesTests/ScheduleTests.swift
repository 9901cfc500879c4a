// Goal: whose turn it is. A silent unit costs its neighbours one reply time now and then, writes go before polls and are
// never kept for a dead device, nothing of an earlier opening counts. Method: buses of devices in virtual time; the
// answers are the test's, at the moment of the request.

import Domain
import Testing

@testable import Devices

private func plans(_ profiles: [Profile], isAtLane: Bool = false) -> [DevicePlan] {
  profiles.enumerated().map { DevicePlan(profile: $1, port: port, unit: UInt8($0 + 1), isAtLane: isAtLane) }
}

/// When each unit was asked, in ms, while the units in `silent` say nothing.
private struct Diary {
  var asked: [(unit: Int, at: Int64)] = []

  func times(of unit: Int) -> [Int64] { asked.filter { $0.unit == unit }.map(\.at) }

  /// The longest wait between two requests to a unit.
  func longestGap(of unit: Int) -> Int64 { zip(times(of: unit), times(of: unit).dropFirst()).map { $1 - $0 }.max() ?? .max }
}

/// Answers every request on a Modbus TCP port but those to silent units.
private func play(_ bench: Bench, until end: Int64, silent: Set<Int>, _ diary: inout Diary) {
  var asked = diary.asked
  func answerAll(_ bench: Bench) {
    while let request = bench.sent.first {
      bench.sent.removeFirst()
      let unit = Int(request.bytes[6])
      asked.append((unit, (bench.now.ns - ms(0).ns) / 1_000_000))
      guard !silent.contains(unit) else { continue }
      let count = Int(request.bytes[11])
      let transaction = Int(request.bytes[0]) << 8 | Int(request.bytes[1])
      let isBits = request.bytes[7] <= 2
      let pdu: [UInt8] =
        isBits ? [request.bytes[7], UInt8((count + 7) / 8)] + [UInt8](repeating: 0, count: (count + 7) / 8)
        : request.bytes[7] == 5 ? Array(request.bytes[7...]) : words([Int](repeating: 400, count: count), function: request.bytes[7])
      bench.receive(tcp(transaction, unit: UInt8(unit), pdu))
    }
  }
  answerAll(bench)
  bench.run(until: ms(end)) { answerAll($0) }
  diary.asked = asked
}

@Suite struct ScheduleTests {
  @Test func asksEachOnItsPeriod() {
    let bench = Bench([.modbusTCP], plans([sensor(), sensor(period: .seconds(1))]))
    var diary = Diary()
    play(bench, until: 10_000, silent: [], &diary)
    #expect(diary.times(of: 1) == [0, 2_000, 4_000, 6_000, 8_000, 10_000])
    #expect(diary.times(of: 2) == (0...10).map { $0 * 1_000 })
  }

  /// Three reads a cycle, none answered: the first one ends the cycle.
  @Test func aSilentUnitCostsItsNeighboursOneReplyTime() {
    let far = profile(.modbus(speech()), [register("a", .input, 0), register("b", .input, 100), register("c", .input, 200)])
    let bench = Bench([.modbusTCP], plans([far, sensor()]))
    var diary = Diary()
    play(bench, until: 60_000, silent: [1], &diary)
    #expect(diary.times(of: 2).first == 500 && diary.longestGap(of: 2) <= 2_500)
    #expect(diary.times(of: 2).count >= 29, "30 are due in a minute; one may be late at each probe")
    #expect(bench.changed.filter { $0 == "down 0 silent" }.count == 1)
  }

  @Test func twoSilentUnitsNeverTakeTwoTurnsInARow() {
    let bench = Bench([.modbusTCP], plans([sensor(), sensor(), sensor(), sensor()]))
    var diary = Diary()
    play(bench, until: 120_000, silent: [1, 2], &diary)
    #expect(diary.longestGap(of: 3) <= 3_000 && diary.longestGap(of: 4) <= 3_000)
    // After the first round (when nobody was known to be silent) no healthy unit waits for two probes.
    let later = diary.asked.drop { $0.at < 3_000 }
    for (a, b) in zip(later, later.dropFirst()) where a.unit <= 2 && b.unit <= 2 {
      let waiting = [3, 4].contains { unit in diary.times(of: unit).last { $0 <= a.at }.map { $0 + 2_000 < b.at } ?? false }
      #expect(!waiting, "\(a) then \(b)")
    }
  }

  @Test func isDownAfterThreeSecondsAndTwoCycles() {
    // Slow: two cycles take longer than 3 s. Fast: 3 s take longer than two cycles.
    for (period, expected) in [(Interval.seconds(4), 4_500), (.milliseconds(200), 3_100), (.seconds(2), 4_500)] {
      let reply = Interval.milliseconds(period.ns == 200_000_000 ? 100 : 500)
      let bench = Bench(.modbusTCP, sensor(period: period, reply: reply))
      bench.run(until: ms(Int64(expected) - 101))
      #expect(bench.changed == [], "\(period)")
      bench.run(until: ms(Int64(expected)))
      #expect(bench.changed == ["down 0 silent"], "\(period)")
    }
  }

  @Test func oneMissedCycleIsNotDown() {
    let bench = Bench(.modbusTCP, sensor(period: .seconds(4)))
    bench.receive(tcp(1, words([400])))
    bench.run(until: ms(8_499))
    #expect(bench.changed == ["up 0"], "4.5 s without an answer, but one cycle only")
    bench.run(until: ms(8_500))
    #expect(bench.changed == ["up 0", "down 0 silent"])
    // Three reads a cycle, of which two could have been missed within 3.2 s: still one cycle.
    let slow = profile(
      .modbus(speech(period: .seconds(10), reply: .milliseconds(1_600))),
      [register("a", .input, 0), register("b", .input, 100), register("c", .input, 200)])
    let other = Bench(.modbusTCP, slow)
    other.run(until: ms(11_599))
    #expect(other.changed == [])
    other.run(until: ms(11_600))
    #expect(other.changed == ["down 0 silent"])
  }

  @Test func whoAnswersGoesBeforeWhoDidNot() {
    let bench = Bench(
      [.modbusTCP], plans([sensor(), sensor(period: .milliseconds(2_100)), sensor(period: .milliseconds(1_900))]))
    bench.run(until: ms(500))
    for transaction in 2...3 { bench.receive(tcp(transaction, unit: UInt8(transaction), words([400]))) }
    bench.forget()
    // The third one is asked at 1,900 and takes its time. Meanwhile the silent first is due at 2,000, the second at 2,100.
    bench.run(until: ms(2_200))
    bench.receive(tcp(4, unit: 3, words([400])))
    #expect(bench.sent.map { $0.bytes[6] } == [3, 2])
    bench.receive(tcp(5, unit: 2, words([400])))
    #expect(bench.sent.map { $0.bytes[6] } == [3, 2, 1])
  }

  @Test func probesAtGrowingIntervals() {
    for (isAtLane, longest) in [(true, Int64(30_000)), (false, 300_000)] {
      let bench = Bench([.modbusTCP], plans([sensor()], isAtLane: isAtLane))
      var diary = Diary()
      play(bench, until: 3_600_000, silent: [1], &diary)
      let gaps = zip(diary.times(of: 1), diary.times(of: 1).dropFirst()).map { $1 - $0 }
      // The reply time, then the back-off: 0.5 s, doubled.
      #expect(Array(gaps.drop { $0 >= 2_000 && $0 < 2_600 }.prefix(6)) == [1_000, 1_500, 2_500, 4_500, 8_500, 16_500])
      #expect(gaps.last == longest + 500 && gaps.max() == longest + 500)
    }
  }

  @Test func isUpOnlyAfterAGoodReply() {
    let device = guarded()
    let bench = Bench(.modbusTCP, device)
    #expect(!bench.isUp)
    bench.receive(tcp(1, [0x84, 2]))
    #expect(bench.changed == [])
    bench.receive(tcp(2, words([400])))
    #expect(bench.changed == ["up 0"])
    bench.forget()
    bench.run(until: ms(8_000))
    #expect(bench.changed == ["down 0 silent"] && !bench.isUp)
    // It comes back and refuses the first register: the next probe asks for the other one.
    var answered = 0
    bench.forget()
    bench.run(until: ms(30_000)) { bench in
      while let request = bench.sent.first {
        bench.sent.removeFirst()
        let transaction = Int(request.bytes[0]) << 8 | Int(request.bytes[1])
        let isStatus = request.bytes[8] == 3
        bench.receive(tcp(transaction, isStatus ? [0x84, 2] : words([400])))
        if !isStatus { answered += 1 }
      }
    }
    #expect(bench.changed == ["up 0"] && answered > 3)
  }

  /// A device that only refuses is there, and of no use: down, by its own name.
  @Test func exceptionsAreNotSilence() {
    let bench = Bench(.modbusTCP, sensor())
    bench.receive(tcp(1, [0x84, 2]))
    bench.run(until: ms(10_000)) { bench in
      guard let request = bench.sent.last else { return }
      bench.sent = []
      bench.receive(tcp(Int(request.bytes[0]) << 8 | Int(request.bytes[1]), [0x84, 2]))
    }
    #expect(bench.changed == ["down 0 exception"] && bench.device.exceptions > 3 && bench.device.timeOuts == 0)
  }

  @Test func aStreamIsDownAfterThreeSeconds() {
    let bench = Bench(.serial, thermometer())
    bench.receive(thermal(3650, 2200))
    bench.run(until: ms(2_999))
    #expect(bench.changed == ["up 0"])
    bench.run(until: ms(3_000))
    #expect(bench.changed == ["up 0", "down 0 silent"])
    bench.receive([0x5A, 0x5A])
    #expect(bench.changed.count == 2)
    bench.receive(thermal(3650, 2200))
    #expect(bench.changed == ["up 0", "down 0 silent", "up 0"])
  }

  // MARK: Writes

  @Test func writesGoBeforePolls() {
    let bench = Bench(.modbusTCP, board(), isAtLane: true)
    bench.forget()
    #expect(bench.write(.pulse(channel: 1, for: .seconds(5))) && bench.write(.set(channel: 2, on: true)))
    #expect(bench.sent.isEmpty, "one request at a time")
    bench.receive(tcp(1, [1, 1, 0]))
    #expect(bench.sent.map(\.bytes) == [bytes("00 02 00 00 00 06 01 05 02 00 00 32")] && bench.sent[0].urgency == .actuator)
    bench.receive(tcp(2, bytes("05 02 00 00 32")))
    bench.receive(tcp(3, bytes("05 00 01 ff 00")))
    #expect(bench.sent.map { Array($0.bytes[7...]) } == [bytes("05 02 00 00 32"), bytes("05 00 01 ff 00"), bytes("02 00 00 00 08")])
    #expect(bench.changed == ["up 0", "wrote 0 1 for 5000", "wrote 0 2 on"])
  }

  @Test func gatesGoBeforeLamps() {
    let bench = Bench(.modbusTCP, board())
    bench.receive(tcp(1, [1, 1, 0]))
    bench.receive(tcp(2, [2, 1, 0]))
    bench.forget()
    #expect(bench.write(.set(channel: 5, on: true)) && bench.write(.set(channel: 6, on: true)))
    #expect(bench.write(.set(channel: 1, on: true), isGate: true) && bench.write(.set(channel: 2, on: true), isGate: true))
    for _ in 0..<4 {
      guard let last = bench.sent.last(where: { $0.urgency == .actuator })?.bytes else { break }
      bench.receive(Array(last))
    }
    #expect(bench.sent.filter { $0.urgency == .actuator }.map { $0.bytes[9] } == [4, 0, 1, 5])
  }

  @Test func writesOnlyWhatIsAllowed() {
    let bench = Bench(.modbusTCP, board(pulse: false))
    bench.receive(tcp(1, [1, 1, 0]))
    for action in [WriteAction.set(channel: 0, on: true), .set(channel: 9, on: true), .set(channel: 255, on: true), .pulse(channel: 1, for: .seconds(5))] {
      #expect(!bench.write(action), "\(action.text)")
    }
    let reader = Bench(.modbusTCP, sensor())
    #expect(!reader.write(.set(channel: 1, on: true)))
    var odd = thermometer()
    odd.writes = [Write(name: "relay", kind: .coil(address: 0, count: 8))]
    let stream = Bench(.serial, odd)
    #expect(!stream.write(.set(channel: 1, on: true)))
  }

  @Test func retriesAWriteThreeTimes() {
    let bench = Bench(.modbusTCP, board())
    bench.receive(tcp(1, [1, 1, 0]))
    bench.receive(tcp(2, [2, 1, 0]))
    bench.forget()
    #expect(bench.write(.set(channel: 1, on: true)))
    bench.run(until: ms(600))
    #expect(bench.sent.filter { $0.urgency == .actuator }.count == 3 && bench.changed == ["failed 0 1 on"])
    // A board that refuses is not asked again.
    bench.forget()
    #expect(bench.write(.set(channel: 1, on: true)))
    let transaction = Int(bench.sent.last { $0.urgency == .actuator }?.bytes[1] ?? 0)
    bench.receive(tcp(transaction, [0x85, 4]))
    #expect(bench.sent.filter { $0.urgency == .actuator }.count == 1 && bench.changed == ["failed 0 1 on"])
  }

  @Test func aDeadDevicesWritesAreDropped() {
    let bench = Bench([.modbusTCP], plans([board(), board()]))
    bench.forget()
    // While the first poll is out, writes to both wait; the first board dies without ever having answered.
    var diary = Diary()
    play(bench, until: 2_950, silent: [1], &diary)
    bench.forget()
    #expect(bench.write(.set(channel: 1, on: true), to: 0) && bench.write(.set(channel: 2, on: true), to: 1))
    play(bench, until: 5_000, silent: [1], &diary)
    #expect(bench.changed.filter { $0.hasPrefix("failed") } == ["failed 0 1 on"])
    #expect(bench.changed.contains("wrote 1 2 on") && bench.changed.contains("down 0 silent"))
    #expect(!bench.write(.set(channel: 1, on: true), to: 0), "nothing is queued for a dead device")
    #expect(bench.write(.set(channel: 1, on: true), to: 1))
  }

  /// It waits behind the poll that shows the device to be dead, and is never sent.
  @Test func aWriteDiesWithItsDevice() {
    let bench = Bench(.modbusTCP, board())
    bench.run(until: ms(2_900))
    #expect(bench.changed == [] && bench.write(.set(channel: 1, on: true)))
    bench.run(until: ms(30_000))
    #expect(bench.changed == ["down 0 silent", "failed 0 1 on"] && !bench.sent.contains { $0.urgency == .actuator })
  }

  @Test func writesAreBoundedAndDieWithTheirPort() {
    let bench = Bench(.modbusTCP, board())
    // One place a relay: a newer order takes the place of the one that waits, so none is ever without room.
    for on in [true, false, true] { #expect((1...8).allSatisfy { bench.write(.set(channel: UInt8($0), on: on)) }) }
    bench.lose()
    #expect(bench.changed.filter { $0.hasPrefix("failed") }.count == 8 && !bench.write(.set(channel: 1, on: true)))
    #expect(bench.changed.last == "down 0 portLost")
  }

  @Test func aBusWithAGateWaitsATenthOfASecond() {
    let bench = Bench([.modbusTCP], plans([board(), sensor()], isAtLane: true))
    #expect(bench.nextDeadline == ms(100))
    bench.run(until: ms(100))
    #expect(bench.nextDeadline == ms(200))
  }

  // MARK: Generations

  @Test func inputsOfAnEarlierOpeningAreDroppedAndCounted() {
    let device = thermometer()
    let bench = Bench(.serial, device)
    bench.receive(thermal(3650, 2200), port, 0)
    bench.receive(thermal(3650, 2200), port, 2)
    bench.lose()
    bench.receive(thermal(3650, 2200))
    bench.open(port, 2)
    bench.receive(thermal(3650, 2200), port, 1)
    #expect(bench.readings.isEmpty && bench.bus.staleInputs == 4)
    bench.receive(thermal(3650, 2200), port, 2)
    #expect(bench.said(device) == ["object=36.5", "ambient=22.0"])
    let bus = Bench(.modbusRTU, sensor())
    bus.fail(.timedOut, port, 7)
    #expect(bus.bus.staleInputs == 1 && bus.device.timeOuts == 0)
  }

  @Test func halfAFrameOfBeforeIsForgotten() {
    let device = thermometer()
    let bench = Bench(.serial, device)
    bench.receive(Array(thermal(3650, 2200).prefix(6)))
    bench.lose()
    bench.open(port, 2)
    bench.receive(Array(thermal(3650, 2200).suffix(3)), port, 2)
    #expect(bench.readings.isEmpty)
  }

  /// A hub is pulled and a thousand ports fall silent in the same instant: more changes than a call can tell at once.
  @Test func aThousandSilencesAtOnceAreAllTold() {
    let device = thermometer()
    let plans = (0..<1_000).map { DevicePlan(profile: device, port: PortID($0), unit: 0, isAtLane: false) }
    let bench = Bench([PortKind](repeating: .serial, count: 1_000), plans)
    bench.run(until: ms(3_000))
    #expect(bench.changed.count == 1_000 && Set(bench.changed).count == 1_000)
  }

  @Test func aWholeBusIsLostAtOnce() {
    let plans = (1...255).map { DevicePlan(profile: board(), port: port, unit: UInt8($0), isAtLane: false) }
    let bench = Bench([.modbusTCP], plans)
    for channel in 1...8 { bench.write(.set(channel: UInt8(channel), on: true), to: channel) }
    bench.lose()
    #expect(bench.changed.count == 263)
  }
}
