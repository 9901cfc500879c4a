// Goal: silent units do not hold up their neighbours. Of 64 units on 8 Modbus RTU buses 10 say nothing; each of the
// others is asked, and answers, at least 95 of 100 times that its period allows. Method: the buses in virtual time, with
// what every byte takes at 9600 baud, replies after 20 to 50 ms, and the default reply time for silence.

import Domain
import Testing

@testable import Devices

private let registers = 4
/// As short as a bus of eight can carry when each takes its longest and all answer: nothing is set aside for silence.
private let period = Wires.exchange(registers: registers) * 8

private func unit(period: Interval = period) -> Profile {
  profile(.modbus(speech(period: period)), (0..<registers).map { register("r\($0)", .input, $0) })
}

/// Which of 64 devices, eight a bus, say nothing.
enum Silence: String, CaseIterable, CustomTestStringConvertible {
  case nobody
  /// One or two on every bus.
  case spread
  /// A whole bus, and two of another.
  case together
  /// Seven of one bus, and three of another: somebody is left to suffer from it.
  case allButOne

  var devices: Set<Int> {
    switch self {
    case .nobody: []
    case .spread: Set((0..<10).map { $0 % 8 * 8 + 3 * ($0 / 8) })
    case .together: Set(Array(0..<8) + [8, 13])
    case .allButOne: Set(Array(0..<7) + [8, 11, 15])
    }
  }
  var testDescription: String { rawValue }
}

@Suite struct BusLoadTests {
  /// When all 64 answer, each request waits for at most the seven others of its bus, so it is late by less than a period:
  /// 99 of 100 by at most 480 ms. Silence makes that no worse, since silent units are asked less and less.
  @Test(arguments: Silence.allCases) func silentUnitsDoNotHoldUpTheOthers(_ silence: Silence) {
    var wires = Wires(buses: 8, unitsPerBus: 8, unit(), silent: silence.devices, seed: 20_261_126)
    // After a minute whoever is silent is known to be.
    let begin = ms(60_000)
    let end = ms(660_000)
    wires.run(until: end)
    let due = (end - begin).ns / period.ns
    var polls = [Int](repeating: 0, count: 64)
    for answer in wires.answered where answer.at >= begin { polls[answer.device] += 1 }
    for device in 0..<64 where !silence.devices.contains(device) {
      #expect(Double(polls[device]) >= 0.95 * Double(due), "device \(device): \(polls[device]) of \(due)")
    }
    let late = wires.asked.filter { $0.at >= begin && !silence.devices.contains($0.device) }.map(\.late)
    let most = late.max() ?? .zero
    #expect(percentile(0.99, late) <= .milliseconds(480), "99 of 100 were late by \(percentile(0.99, late).seconds) s")
    #expect(most < period, "the latest by \(most.seconds) s")
    #expect(silence.devices.allSatisfy { !wires.instruments.isUp(DeviceID($0)) && polls[$0] == 0 })
  }

  /// At the start nobody is known to be silent. Whoever answers still has its turn when each was asked once.
  @Test(arguments: Silence.allCases) func atTheStartEachIsAskedOnce(_ silence: Silence) {
    var wires = Wires(buses: 8, unitsPerBus: 8, unit(), silent: silence.devices, seed: 20_261_126)
    wires.run(until: ms(10_000))
    let silentReply = Interval.milliseconds(500) + Wires.silence + Wires.time(of: 8)
    for device in 0..<64 where !silence.devices.contains(device) {
      let first = wires.asked.first { $0.device == device }?.late ?? .seconds(10)
      #expect(first <= max(silentReply, Wires.exchange(registers: registers)) * 7, "device \(device): \(first.seconds) s")
    }
  }
}
