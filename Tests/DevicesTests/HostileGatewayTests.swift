// Goal: a gateway that is broken, or worse, holds up nobody else. Method: eight buses of eight units beside a Modbus TCP
// gateway of eight, in virtual time, where each turn of the loop takes 50 µs, many times what one takes on a small
// computer, and a read brings at most 4096 bytes. What the attack may cost is stated in turns and requests; and the others
// are late as they are when the gateway is quiet.

import Domain
import Testing

@testable import Devices

/// What the gateway does.
private enum Attack: String, CaseIterable, CustomTestStringConvertible {
  case slowBytes, wrongTransactions, wrongReplies, wrongUnits, oversize, endless, exceptions

  var testDescription: String { rawValue }

  /// What comes next, and when.
  func next(_ now: Instant, _ request: [UInt8], _ askedAt: Instant, _ chance: inout Chance) -> (at: Instant, bytes: [UInt8])? {
    guard request.count == 12 else { return nil }
    let transaction = 256 * Int(request[0]) + Int(request[1])
    let unit = request[6]
    switch self {
    // A good reply, a byte each 60 ms: longer than the time that a reply has.
    case .slowBytes:
      let reply = tcp(transaction, unit: unit, words([1, 2, 3, 4]))
      let sent = Int((now - askedAt).ns / 60_000_000)
      return sent < reply.count ? (askedAt + .milliseconds(60) * Int64(sent + 1), [reply[sent]]) : nil
    case .wrongTransactions: return (now + .milliseconds(1), tcp(transaction + 1 + chance.below(60_000), unit: unit, words([400])))
    case .wrongReplies: return (now + .milliseconds(1), tcp(transaction, unit: unit, words([1, 2, 3], function: 3)))
    case .wrongUnits: return (now + .milliseconds(1), tcp(transaction, unit: unit ^ 1, words([400])))
    case .oversize: return (now + .milliseconds(1), tcp(transaction, unit: unit, chance.bytes(300), length: 65_535))
    case .endless: return (now + .milliseconds(1), [UInt8](repeating: 0, count: 4_096))
    case .exceptions: return (now + .milliseconds(1), tcp(transaction, unit: unit, [0x84, UInt8(1 + chance.below(11))]))
    }
  }
}

private let period = Interval.seconds(1)
private let seconds = 60

/// What came of a minute.
private struct Minute {
  /// 99 of 100 requests to others were sent at most so late.
  var late = Interval.zero
  /// Replies of the others.
  var polls = 0
  var turns = 0
  var reads = 0
  var requests = 0
  var reopened = 0

  init(_ attack: Attack?) {
    let unit = profile(.modbus(speech(period: period)), (0..<4).map { register("r\($0)", .input, $0) })
    var wires = Wires(buses: 8, unitsPerBus: 8, unit, seed: 7, hasGateway: true)
    wires.turnTime = Interval(ns: 50_000)
    if let attack { wires.attack = { attack.next($0, $1, $2, &$3) } }
    wires.run(until: ms(Int64(seconds) * 1_000))
    late = percentile(0.99, wires.asked.map(\.late))
    polls = wires.answered.count
    (turns, reads, requests, reopened) = (wires.turns, wires.reads, wires.gatewayRequests, wires.reopened)
  }
}

@Suite struct HostileGatewayTests {
  @Test(arguments: Attack.allCases) private func holdsUpNobodyElse(attack: Attack) {
    let quiet = Minute(nil)
    let hostile = Minute(attack)
    #expect(hostile.late.ns * 10 <= quiet.late.ns * 12, "\(hostile.late.seconds) s instead of \(quiet.late.seconds) s")
    // Of each bus one more or less: the reply that comes at the end of the minute, or just after it.
    #expect(abs(hostile.polls - quiet.polls) <= 8 && hostile.reads > seconds - 5, "\(hostile.polls) and \(quiet.polls)")
    // A turn for each read, and for each request or new connection at most two: to ask, and to give up.
    let turns = hostile.turns - quiet.turns
    #expect(turns <= hostile.reads + 2 * (hostile.requests + hostile.reopened), "\(turns) turns for \(hostile)")
    // However fast it answers, it is asked no more often than it should be; and once for each new connection.
    #expect(hostile.requests <= 8 * (seconds + 1) + hostile.reopened && hostile.reopened <= seconds, "\(hostile)")
  }
}
