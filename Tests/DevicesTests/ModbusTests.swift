// Goal: only the answer to what was asked is an answer; whatever else a gateway or a bus sends costs at most that request
// and never the step of the stream. Method: the attacks of a hostile server, one at a time, against one request.

import Domain
import Testing

@testable import Devices

/// What comes after a first request (transaction 1, unit 1, input register 3) is answered like this.
private func check(
  _ answer: [UInt8], _ said: [String] = [], reopened: Int = 0, late: UInt64 = 0, wrong: UInt64 = 0, exceptions: UInt64 = 0,
  _ location: SourceLocation = #_sourceLocation
) {
  let device = sensor()
  for pieces in [[answer], answer.map { [$0] }] {
    let bench = Bench(.modbusTCP, device)
    #expect(bench.sent.map(\.bytes) == [bytes("00 01 00 00 00 06 01 04 00 03 00 01")], sourceLocation: location)
    for piece in pieces { bench.receive(piece) }
    #expect(bench.said(device) == said && bench.reopened == reopened, sourceLocation: location)
    let counters = bench.device
    #expect(counters.wrongReplies == wrong && counters.exceptions == exceptions, sourceLocation: location)
    #expect(bench.bus.lateReplies == late, sourceLocation: location)
  }
}

private let good = tcp(1, words([400]))

@Suite struct ModbusTests {
  @Test func takesTheAnswer() { check(good, ["co2=400.0"]) }

  @Test func takesNothingElse() {
    check(tcp(2, words([400])), late: 1)
    check(tcp(0, words([400])), late: 1)
    check(tcp(1, unit: 2, words([400])), wrong: 1)
    check(tcp(1, words([400], function: 3)), wrong: 1)
    check(tcp(1, words([400, 401])), wrong: 1)
    check(tcp(1, bytes("04 02 01")), wrong: 1)
    check(tcp(1, bytes("04 00")), wrong: 1)
    check(tcp(1, bytes("04 ff 01 90")), wrong: 1)
    check(tcp(1, bytes("84 02")), exceptions: 1)
    check(tcp(1, bytes("84 02 03")), wrong: 1)
    check(tcp(1, bytes("83 02")), wrong: 1)
    check(Array(good.prefix(6)))
    check(Array(good.prefix(7)))
    check([])
    check(good + good, ["co2=400.0"], late: 1)
    check(tcp(9, words([1, 2, 3])) + good, ["co2=400.0"], late: 1)
  }

  /// A length that no Modbus frame has, or a protocol that is none: another connection is asked for, once, and nothing
  /// that comes on this one counts any more.
  @Test func whatIsNotModbusEndsTheConnection() {
    for length in [0, 1, 2, 255, 256, 65_535] { check(tcp(1, words([400]), length: length) + good, reopened: 1, wrong: 1) }
    check(bytes("00 01 00 01 00 05 01 04 02 01 90") + good, reopened: 1, wrong: 1)
    check(Array("HTTP/1.1 400 Bad Request\r\n".utf8) + good, reopened: 1, wrong: 1)
    // Too long for its bytes: it takes in what follows, is nobody's answer, and the rest is out of step.
    check(tcp(1, words([400]), length: 9) + good + good, reopened: 1, wrong: 1)
  }

  @Test func aSpoiledConnectionIsAskedForUntilItIsThere() {
    let device = sensor()
    let bench = Bench(.modbusTCP, device)
    bench.receive(Array("garbage that is long enough".utf8))
    #expect(bench.reopened == 1 && bench.sent.count == 1)
    bench.run(until: ms(3_500))
    #expect(bench.reopened == 4 && bench.sent.count == 1, "nothing is asked meanwhile")
    bench.lose()
    bench.open(port, 2)
    bench.forget()
    bench.receive(tcp(1, words([1])), port, 1)
    #expect(bench.bus.staleInputs == 1)
    bench.receive(tcp(2, words([400])), port, 2)
    #expect(bench.said(device) == ["co2=400.0"] && bench.changed == ["up 0"])
  }

  /// One byte each time-out minus a millisecond: the deadline is of the whole reply, and what came late is still told from
  /// the next reply.
  @Test func aSlowReplyIsGivenUpOnTime() {
    let device = sensor()
    let bench = Bench(.modbusTCP, device)
    bench.now = ms(499)
    bench.receive(Array(good.prefix(1)))
    bench.run(until: ms(499))
    #expect(bench.device.timeOuts == 0)
    bench.run(until: ms(500))
    #expect(bench.device.timeOuts == 1)
    for index in 1..<good.count {
      bench.now = ms(499 + Int64(index))
      bench.receive([good[index]])
    }
    #expect(bench.readings.isEmpty && bench.bus.lateReplies == 1)
    bench.run(until: ms(2_000))
    bench.receive(tcp(2, words([401])))
    #expect(bench.said(device) == ["co2=401.0"] && bench.reopened == 0)
  }

  @Test func halfALateReplyDoesNotHideTheNextForLong() {
    let device = sensor()
    let bench = Bench(.modbusTCP, device)
    bench.receive(Array(good.prefix(8)))
    bench.run(until: ms(2_000))
    // The other end never sends the rest: the next replies are out of step, which shows.
    bench.receive(tcp(2, words([401])))
    #expect(bench.readings.isEmpty && bench.reopened == 1)
  }

  /// RTU: the bus's thread has checked CRC and length; unit, function and count are judged here.
  @Test func judgesRepliesOfABus() {
    let device = sensor()
    func said(_ reply: [UInt8]) -> [String] {
      let bench = Bench(.modbusRTU, device)
      #expect(bench.sent.map(\.bytes) == [bytes("01 04 00 03 00 01")])
      bench.receive(reply)
      return bench.said(device)
    }
    #expect(said([1] + words([400])) == ["co2=400.0"])
    let wrong: [[UInt8]] = [
      [2] + words([400]), [1] + words([400], function: 3), [1] + words([400, 1]), bytes("01 04 02 01"), bytes("01 84 02"), [1], [],
      [UInt8](repeating: 1, count: 600),
    ]
    for reply in wrong { #expect(said(reply) == [], "\(reply)") }
  }

  @Test func wakesADeviceOnABus() {
    let device = profile(.modbus(speech(wake: Wake(byte: 0, before: .milliseconds(5)))), [register("co2", .input, 3)])
    #expect(Bench(.modbusRTU, device).sent.map(\.bytes) == [[0], bytes("01 04 00 03 00 01")])
    // A gateway would take it for the beginning of a frame.
    #expect(Bench(.modbusTCP, device).sent.map(\.bytes) == [bytes("00 01 00 00 00 06 01 04 00 03 00 01")])
  }

  @Test func aReplyOnASerialLineIsNeverTakenForTheNext() {
    let device = asked()
    let bench = Bench(.serial, device)
    bench.run(until: ms(500))
    #expect(bench.device.timeOuts == 1)
    // Late by a little: in the quarantine. Later, unasked: nobody's either.
    bench.now = ms(700)
    bench.receive(answer(co2: 9_999))
    bench.run(until: ms(2_000))
    bench.receive(answer(co2: 9_998))
    #expect(bench.readings.isEmpty && bench.bus.lateReplies == 2)
    bench.run(until: ms(5_000))
    // Half of one came before the next request; a second answer comes with the first.
    bench.receive(answer(co2: 600) + answer(co2: 9_997))
    #expect(bench.said(device) == ["co2=600.0", "temperature=20.0"])
    bench.forget()
    bench.receive(Array(answer(co2: 9_996).prefix(4)))
    bench.run(until: ms(10_000))
    bench.receive(answer(co2: 601))
    #expect(bench.said(device) == ["co2=601.0", "temperature=20.0"])
  }

  /// Asked more often than twice its reply time: after a time-out the line rests for another one.
  @Test func aTimeOutOnASerialLineIsFollowedByAQuarantine() {
    var device = asked()
    guard case .serial(var speech) = device.transport else { return }
    speech.period = .milliseconds(600)
    device.transport = .serial(speech)
    let bench = Bench(.serial, device)
    bench.run(until: ms(700))
    #expect(bench.sent.count == 1)
    bench.receive(answer(co2: 9_999))
    bench.run(until: ms(1_000))
    #expect(bench.sent.count == 2 && bench.readings.isEmpty)
    bench.receive(answer(co2: 600))
    #expect(bench.said(device) == ["co2=600.0", "temperature=20.0"])
  }

  // MARK: Merging

  @Test(arguments: [
    // registers_per_read, fields (address, registers), reads (address, count)
    (125, [(0, 1), (1, 1), (2, 1)], [(0, 3)]), (2, [(0, 1), (1, 1), (2, 1)], [(0, 2), (2, 1)]),
    (6, [(0, 2), (2, 2), (4, 2), (6, 2)], [(0, 6), (6, 2)]), (3, [(0, 2), (2, 2)], [(0, 2), (2, 2)]),
    (125, [(5, 1), (0, 1)], [(0, 1), (5, 1)]), (125, [(0, 2), (1, 1)], [(0, 2)]), (125, [(3, 1), (3, 1)], [(3, 1)]),
    (125, [(0, 125), (125, 1)].map { ($0.0, $0.1) }, [(0, 125), (125, 1)]),
  ] as [(Int, [(Int, Int)], [(Int, Int)])])
  func mergesReads(most: Int, places: [(Int, Int)], expected: [(Int, Int)]) {
    let fields = places.flatMap { address, count in
      count <= 2
        ? [register("f", .input, address, count == 1 ? .u16be : .u32be)]
        : (address..<address + count).map { register("f", .input, $0) }
    }
    let reads = profile(.modbus(speech(registers: most)), fields).reads
    #expect(reads.map { [Int($0.address), Int($0.count)] } == expected.map { [$0.0, $0.1] })
  }

  @Test func mergesBits() {
    func reads(_ bits: Int, _ fields: [Field]) -> [String] {
      profile(.modbus(speech(bits: bits)), fields).reads.map { "\($0.function) \($0.address) \($0.count)" }
    }
    let eight = [register("a", .coil, 0, .bits(8)), register("b", .discrete, 0, .bits(8))]
    #expect(reads(8, eight) == ["1 0 8", "2 0 8"])
    #expect(reads(8, [register("a", .coil, 0, .bits(4))]) == ["1 0 8"], "exactly this many")
    #expect(reads(0, [register("a", .coil, 0, .bits(4)), register("b", .coil, 4, .bits(4))]) == ["1 0 8"])
    #expect(reads(4, [register("a", .coil, 0, .bits(4)), register("b", .coil, 4, .bits(4))]) == ["1 0 4", "1 4 4"])
  }

  @Test func neverAsksForWhatIsToldOnRequest() {
    var hidden = register("serial", .input, 1)
    hidden.told = .onRequest
    #expect(profile(.modbus(speech()), [register("co2", .input, 0), hidden]).reads.map(\.count) == [1])
  }

  // MARK: A tool's view

  @Test func decodesFramesAmongNoise() {
    func outcomes(_ bytes: [UInt8], _ request: [UInt8]? = nil) -> [String] {
      decode(bytes, with: sensor(), DecodeContext(request: request)).map {
        switch $0.outcome {
        case .accepted(let values): values.map { "\($0.value)" }.joined(separator: " ")
        case .rejected(let reason): reason.name
        case .incomplete: "incomplete"
        }
      }
    }
    let one = withCRC([1] + words([400]))
    let two = withCRC([1] + words([401]))
    let request = withCRC(bytes("01 04 00 03 00 01"))
    #expect(outcomes(one + two) == ["400.0", "401.0"] && outcomes([0, 0] + one + [0xFF] + two) == ["400.0", "401.0"])
    #expect(outcomes(request + one, request) == ["400.0"] && outcomes(request + one) == ["400.0"])
    #expect(outcomes(one + two.prefix(4)) == ["400.0", "incomplete"] && outcomes(one + [0x55]) == ["400.0"])
    #expect(outcomes(one.dropLast() + [0] + two) == ["checksum", "401.0"])
    #expect(outcomes(Array(one.dropLast())) == ["incomplete"] && outcomes([]) == ["incomplete"])
    #expect(outcomes(withCRC(bytes("01 84 02"))) == ["exception"])
    #expect(outcomes(one, withCRC(bytes("02 04 00 03 00 01"))) == ["wrong_reply"])
    #expect(outcomes(one, withCRC(bytes("01 04 00 04 00 01"))) == [""], "a proper reply that holds none of the fields")
  }
}
