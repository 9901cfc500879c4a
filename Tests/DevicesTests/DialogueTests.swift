// Goal: what is asked, in which order, how often, and which answer is one. Method: devices that answer, refuse or stay silent
// in virtual time, request by request; the bytes of answers are the test's.

import Domain
import Testing

@testable import Devices

/// An answer of this kind: start, sign, one number, sum.
private func kind(_ sign: UInt8, refuses: Bool = false) -> Framing {
  Framing(name: "\(sign)", startsWith: [0xA0, sign], ending: .length(4), check: Check(.sum8, at: -1), refuses: refuses)
}

private func reply(_ sign: UInt8, _ value: UInt8) -> [UInt8] { summed([0xA0, sign, value]) }

/// A field of the frame with this number, which answers these requests.
private func field(_ name: String, in frame: Int, answers: Int..., change: (inout Field) -> Void = { _ in }) -> Field {
  field(name, at: 2) {
    $0.frames = 1 << UInt32(frame)
    $0.answers = answers.reduce(0) { $0 | 1 << UInt32($1) }
    change(&$0)
  }
}

private func request(_ byte: UInt8, _ change: (inout Request) -> Void = { _ in }) -> Request {
  var request = Request(name: "\(byte)", bytes: [byte], replyWithin: .milliseconds(100))
  change(&request)
  return request
}

/// What was asked, by its first byte, and when.
private func diary(_ said: [(at: Int64, bytes: [UInt8])]) -> [String] { said.map { "\($0.at) \($0.bytes[0])" } }

@Suite struct DialogueTests {
  // MARK: At the start

  /// 1 reads, 9 starts; the device may refuse (frame 3).
  private static func starter(_ start: (inout Request) -> Void = { _ in }) -> Profile {
    framed(
      [kind(1), kind(2), kind(3, refuses: true)], [field("v", in: 0, answers: 0), field("ok", in: 1, answers: 1)],
      [
        request(1) { $0.claims = true },
        request(9) {
          $0.sending = .atStart
          $0.claims = true
          start(&$0)
        },
      ])
  }

  @Test func theStartGoesFirstAndOnce() {
    let bench = Bench(.serial, Self.starter())
    let said = bench.talk(until: 3_000) { $0 == [9] ? reply(2, 0) : reply(1, 5) }
    #expect(diary(said) == ["0 9", "0 1", "1000 1", "2000 1", "3000 1"] && bench.changed == ["up 0"])
    // The port was opened again.
    bench.open()
    #expect(diary(bench.talk(until: 3_000) { $0 == [9] ? reply(2, 0) : reply(1, 5) }) == ["3000 9", "3000 1"])
  }

  /// The start that nothing answers is done when it was sent.
  @Test func aRequestWithoutReplyIsDoneWhenSent() {
    let bench = Bench(.serial, Self.starter { $0.replyWithin = nil })
    let said = bench.talk(until: 1_000) { $0 == [9] ? nil : reply(1, 5) }
    #expect(diary(said) == ["0 9", "0 1", "1000 1"] && bench.device.timeOuts == 0 && bench.device.requests == 3)
    let regular = framed([kind(1)], [field("v", in: 0)], [request(1) { $0.replyWithin = nil }, request(2)])
    let other = Bench(.serial, regular)
    #expect(diary(other.talk(until: 1_000) { $0 == [2] ? reply(1, 5) : nil }) == ["0 1", "0 2", "1000 1", "1000 2"])
    #expect(other.device.timeOuts == 0 && other.readings.count == 2)
  }

  @Test func theStartIsRepeatedWhenTheDeviceRefuses() {
    let bench = Bench(.serial, Self.starter())
    // At 2 s it says no: it was off meanwhile.
    var isStarted = true
    let said = bench.talk(until: 3_000) { bytes in
      if bench.now == ms(2_000), bytes == [1] { isStarted = false }
      if bytes == [9] { isStarted = true }
      return bytes == [9] ? reply(2, 0) : isStarted ? reply(1, 5) : reply(3, 0)
    }
    #expect(diary(said) == ["0 9", "0 1", "1000 1", "2000 1", "2000 9", "3000 1"])
    #expect(bench.device.exceptions == 1 && bench.changed == ["up 0"] && bench.readings.count == 5)
  }

  /// A proper answer that holds no values: it was answered, and only a no means that the device was off meanwhile.
  @Test func anAnswerWithoutValuesIsNoReading() {
    for (reason, isStartedAgain) in [(Rejection.exception, true), (.noData, false), (.warmingUp, false), (.inconsistent, false)] {
      var device = Self.starter()
      guard case .serial(var speech) = device.transport else { return }
      speech.frames[0].vetoes = [Veto(zero: 2...2, other: nil, reason: reason)]
      device.transport = .serial(speech)
      let bench = Bench(.serial, device)
      let said = bench.talk(until: 2_500) { $0 == [9] ? reply(2, 0) : reply(1, bench.now == ms(1_000) ? 0 : 5) }
      #expect(diary(said) == ["0 9", "0 1", "1000 1"] + (isStartedAgain ? ["1000 9"] : []) + ["2000 1"], "\(reason)")
      #expect(bench.device.exceptions == 1 && bench.device.timeOuts == 0 && bench.bus.bytesDropped == 0)
      #expect(bench.said(device).filter { $0.hasPrefix("v") } == ["v=5.0", "v=5.0"])
    }
    // Said for longer than a device may be silent, it is of no use.
    let bench = Bench(.serial, framed([kind(1), kind(3, refuses: true)], [field("v", in: 0)], [request(1)]))
    bench.talk(until: 10_000) { _ in reply(bench.now < ms(1_000) ? 1 : 3, 5) }
    #expect(bench.changed == ["up 0", "down 0 exception"])
  }

  /// It is refused itself: said once, and again only when something else was.
  @Test func aRefusedStartIsNotRepeatedByItself() {
    var device = Self.starter()
    guard case .serial(var speech) = device.transport else { return }
    // Two of them, so that one could wake the other.
    speech.requests.append(request(8) { $0.sending = .atStart })
    device.transport = .serial(speech)
    let bench = Bench(.serial, device)
    let said = bench.talk(until: 1_000) { $0 == [1] ? reply(1, 5) : reply(3, 0) }
    #expect(diary(said) == ["0 9", "0 8", "0 1", "1000 1"])
  }

  @Test func theStartIsRepeatedWhenItWasSilent() {
    let bench = Bench(.serial, Self.starter())
    // No answer to the start: again after a period, behind what comes regularly, so that one that is never answered costs
    // no values.
    let said = bench.talk(until: 2_500) { $0 == [9] ? (bench.now < ms(1_500) ? nil : reply(2, 0)) : reply(1, 5) }
    #expect(diary(said) == ["0 9", "1000 1", "1000 9", "2000 1", "2000 9"] && bench.device.timeOuts == 2)
    let other = Bench(.serial, Self.starter())
    other.talk(until: 60_000) { $0 == [9] ? nil : reply(1, 5) }
    #expect(other.changed == ["up 0"] && other.readings.count == 60)
  }

  /// A device that was down may have been off, whichever request finds it again.
  @Test func theStartIsRepeatedWhenTheDeviceWasDown() {
    for (start, end) in [(2_500, 20_500), (2_500, 14_000), (2_500, 9_000)] as [(Int64, Int64)] {
      let bench = Bench(.serial, Self.starter())
      let said = bench.talk(until: 60_000) { bytes in
        if bench.now > ms(start), bench.now < ms(end) { return nil }
        return bytes == [9] ? reply(2, 0) : reply(1, 5)
      }
      #expect(bench.changed == ["up 0", "down 0 silent", "up 0"])
      let later = said.filter { $0.at >= end }
      #expect(later.prefix(2).contains { $0.bytes == [9] } && later.filter { $0.bytes == [9] }.count == 1, "\(diary(Array(later.prefix(5))))")
    }
  }

  /// One that speaks unasked is told when the port was opened, and again, and again, as long as it is silent.
  @Test func aSilentStreamIsStartedAgainAndAgain() {
    var device = framed([kind(1)], [field("v", in: 0)], [request(9) { $0.sending = .atStart }], period: .seconds(1))
    device.warmUp = .zero
    let bench = Bench(.serial, device)
    #expect(bench.sent.map(\.bytes) == [[9]])
    bench.forget()
    bench.receive(reply(1, 5))
    // Off for a minute and a half; it hears nothing of what it is told meanwhile.
    let said = bench.talk(until: 90_000) { _ in nil }
    #expect(said.first?.at == 3_000 && said.count >= 5 && said.count <= 30, "\(diary(said))")
    #expect(said.contains { $0.at > 60_000 } && bench.changed == ["up 0", "down 0 silent"])
    // Back, and told to begin: as it speaks, it is told no more.
    let gap = zip(said, said.dropFirst()).map { $1.at - $0.at }.max() ?? 0
    #expect(gap <= 300_000)
    bench.receive(reply(1, 6))
    #expect(bench.talk(until: 92_500) { _ in nil }.isEmpty && bench.isUp)
  }

  // MARK: One after another

  /// Find (1), select (2) when something was found, read (3) when it was selected.
  private static let card = framed(
    [kind(1), kind(2), kind(3)],
    [
      field("found", in: 0, answers: 0) { $0.told = .never }, field("selected", in: 1, answers: 1) { $0.told = .never },
      field("text", in: 2, answers: 2),
    ],
    [
      request(1) { $0.claims = true },
      request(2) { ($0.claims, $0.after, $0.when) = (true, 0, [Need(field: 0, [.equals(0x9F)])]) },
      request(3) { ($0.claims, $0.after, $0.when) = (true, 1, [Need(field: 1, [.equals(0x90)])]) },
    ])

  @Test func aDialogueRunsAndStops() {
    let bench = Bench(.serial, Self.card)
    // Nothing there; a card from 1.5 s on, which cannot be selected at first; taken away at 4.5 s.
    let said = bench.talk(until: 5_000) { bytes in
      let isThere = bench.now > ms(1_500) && bench.now < ms(4_500)
      switch bytes[0] {
      case 1: return reply(1, isThere ? 0x9F : 0x80)
      case 2: return reply(2, bench.now < ms(2_500) ? 0x81 : 0x90)
      default: return reply(3, 7)
      }
    }
    #expect(diary(said) == ["0 1", "1000 1", "2000 1", "2000 2", "3000 1", "3000 2", "3000 3", "4000 1", "4000 2", "4000 3", "5000 1"])
    #expect(bench.said(Self.card) == ["text=7.0", "text=7.0"])
  }

  @Test func aDialogueThatBreaksOffBeginsAnew() {
    let bench = Bench(.serial, Self.card)
    let said = bench.talk(until: 3_000) { bytes in
      switch bytes[0] {
      case 1: reply(1, 0x9F)
      case 2: bench.now < ms(500) ? nil : reply(2, 0x90)
      default: bench.now < ms(1_500) ? nil : reply(3, 7)
      }
    }
    #expect(diary(said) == ["0 1", "0 2", "1000 1", "1000 2", "1000 3", "2000 1", "2000 2", "2000 3", "3000 1", "3000 2", "3000 3"])
    #expect(bench.device.timeOuts == 2 && bench.changed == ["up 0"] && bench.readings.count == 2)
  }

  @Test func aSilentDialogueIsProbedAtItsBeginningOnly() {
    let bench = Bench(.serial, Self.card)
    #expect(Set(diary(bench.talk(until: 120_000) { _ in nil }).map { $0.split(separator: " ")[1] }) == ["1"])
    #expect(bench.changed == ["down 0 silent"])
  }

  // MARK: Which answer is one

  @Test func anAnswerToAnotherRequestLeavesItOpen() {
    let device = framed(
      [kind(1), kind(2), kind(4)], [field("a", in: 0, answers: 0), field("b", in: 1, answers: 1)],
      [request(1) { $0.claims = true }, request(2) { $0.claims = true }])
    let bench = Bench(.serial, device)
    // Another master asked for b; an acknowledgement, which holds no field, comes before the answer.
    bench.receive(reply(2, 9))
    #expect(bench.readings.isEmpty && bench.device.wrongReplies == 1 && !bench.isUp)
    bench.receive(reply(4, 0))
    #expect(bench.device.wrongReplies == 1 && bench.isUp)
    #expect(bench.sent.map(\.bytes) == [[1]], "still open")
    bench.receive(reply(1, 5))
    #expect(bench.said(device) == ["a=5.0"] && bench.sent.map(\.bytes) == [[1], [2]])
    bench.receive(reply(2, 6))
    #expect(bench.said(device) == ["a=5.0", "b=6.0"] && bench.device.wrongReplies == 1 && bench.device.timeOuts == 0)
    // Nothing but others' answers: its time is up as if nothing had come.
    bench.run(until: ms(1_000))
    bench.receive(reply(2, 7))
    bench.run(until: ms(1_100))
    #expect(bench.device.timeOuts == 1 && bench.readings.count == 2)
  }

  @Test func withoutAnswersOfItsOwnAnythingIsOne() {
    // `answers: []`: but for what another request is asked for. Left out: that too.
    for (claims, isAnswered) in [(true, false), (false, true)] {
      let device = framed(
        [kind(1), kind(2)], [field("a", in: 0, answers: 1), field("b", in: 1)],
        [request(9) { ($0.sending, $0.claims) = (.atStart, claims) }, request(1) { $0.claims = true }])
      let bench = Bench(.serial, device)
      bench.receive(reply(1, 5))
      #expect(bench.sent.map(\.bytes) == (isAnswered ? [[9], [1]] : [[9]]) && bench.device.wrongReplies == (isAnswered ? 0 : 1))
      bench.receive(isAnswered ? reply(1, 5) : reply(2, 6))
      #expect(bench.said(device) == [isAnswered ? "a=5.0" : "b=6.0"])
    }
  }

  /// One frame holds what is asked for and what is not: only the former is reported.
  @Test func whatAnotherRequestIsAskedForIsNotReported() {
    var fields = [field("a", in: 0, answers: 0), field("b", in: 0, answers: 1), field("c", in: 0)]
    fields[1].location = .frame(at: 1)
    let device = framed([kind(1)], fields, [request(1) { $0.claims = true }, request(2) { $0.claims = true }])
    let bench = Bench(.serial, device)
    bench.receive(reply(1, 5))
    #expect(bench.said(device) == ["a=5.0", "c=5.0"])
    bench.receive(reply(1, 6))
    #expect(bench.said(device) == ["a=5.0", "c=5.0", "b=1.0", "c=6.0"])
  }

  @Test func lostRepliesAreNoFailureUntilTheyAreTooMany() {
    let device = framed([kind(1)], [field("v", in: 0)], [request(1) { $0.retries = 2 }], period: .seconds(10))
    for lost in 1...4 {
      let bench = Bench(.serial, device)
      var count = 0
      let said = bench.talk(until: 9_000) { _ in
        count += 1
        return count <= lost ? nil : reply(1, 5)
      }
      // Each costs its reply time and the rest that the line needs; the fourth is the next period's.
      let times = ["0 1", "200 1", "400 1"].prefix(lost + 1)
      #expect(diary(said) == Array(times) && bench.device.timeOuts == min(lost, 3))
      #expect(bench.instruments.devices[0].failures == (lost < 3 ? 0 : 1))
    }
    // Answered once, it may lose as many again; down after two failures.
    let bench = Bench(.serial, device)
    var count = 0
    let said = bench.talk(until: 32_000) { _ in
      count += 1
      return count == 5 ? reply(1, 5) : nil
    }
    #expect(said.map(\.at).prefix(11) == [0, 200, 400, 10_300, 10_500, 20_400, 20_600, 20_800, 30_700, 30_900, 31_100])
    #expect(bench.changed == ["up 0", "down 0 silent"] && bench.device.timeOuts >= 10)
  }

  // MARK: Which variant it is

  private static func model(_ identity: Field, _ variants: [Variant]) -> Profile {
    var device = framed(
      [kind(1), kind(2)],
      [
        identity, field("all", in: 1), field("small", in: 1) { $0.variants = 0b001 },
        field("large", in: 1) {
          $0.variants = 0b110
          $0.scale = 10
        },
      ])
    device.variants = variants
    return device
  }

  @Test func aNumberTellsTheVariant() {
    let device = Self.model(
      field("model", in: 0),
      [
        Variant(name: "small", identity: 0, numbers: [17]), Variant(name: "large", identity: 0, numbers: [21, 22]),
        Variant(name: "other", identity: 0, numbers: [30]),
      ])
    let bench = Bench(.serial, device)
    func said(_ model: UInt8?) -> [String] {
      bench.forget()
      if let model { bench.receive(reply(1, model)) }
      bench.receive(reply(2, 4))
      return bench.said(device).filter { !$0.hasPrefix("model") }
    }
    #expect(said(nil) == ["all=4.0"], "before: what all have")
    #expect(said(17) == ["all=4.0", "small=4.0"] && said(22) == ["all=4.0", "large=40.0"] && said(nil) == ["all=4.0", "large=40.0"])
    #expect(said(99) == ["all=4.0"], "a number that nobody knows")
    _ = said(21)
    bench.open()
    #expect(said(nil) == ["all=4.0"], "opened again, another one may be there")
    // Settings name it: what the device says does not matter then.
    for (variant, expected) in [(0, "small=4.0"), (1, "large=40.0")] {
      let named = Bench(.serial, device, variant: variant)
      named.receive(reply(2, 4) + reply(1, 22) + reply(2, 4))
      named.open()
      named.receive(reply(2, 4))
      #expect(named.said(device).filter { $0 == expected }.count == 3 && named.readings.count == 7)
    }
  }

  /// The longest beginning that fits.
  @Test func aTextTellsTheVariant() {
    let name = Field(name: "name", location: .frame(at: 2), type: .ascii(4))
    var device = Self.model(
      name,
      [
        Variant(name: "small", identity: 0, texts: ["AB", "X"]), Variant(name: "large", identity: 0, texts: ["ABC"]),
        Variant(name: "other", identity: 0, texts: ["Z"]),
      ])
    guard case .serial(var speech) = device.transport else { return }
    speech.frames[0].ending = .length(7)
    device.transport = .serial(speech)
    device.fields[0].frames = 1
    for (text, expected) in [("ABD1", "small=4.0"), ("X...", "small=4.0"), ("ABC1", "large=40.0"), ("A...", ""), ("abc.", "")] {
      let bench = Bench(.serial, device)
      bench.receive(summed([0xA0, 1] + Array(text.utf8)) + reply(2, 4))
      #expect(bench.told(device) == ["name: \(text)"] && bench.said(device) == ["all=4.0", expected].filter { !$0.isEmpty }, "\(text)")
    }
  }

  @Test func withoutAnyIdentityItIsTheFirst() {
    let device = Self.model(field("model", in: 0), ["small", "large", "other"].map { Variant(name: $0) })
    let bench = Bench(.serial, device)
    bench.receive(reply(2, 4))
    #expect(bench.said(device) == ["all=4.0", "small=4.0"])
  }

  // MARK: Several on one line

  @Test func eachIsMeantByItsUnit() {
    func sent(_ address: Addressing, _ unit: UInt8) -> [UInt8] {
      let device = framed([kind(1)], [field("v", in: 0)], [request(0x52)], address: address)
      return Bench(.serial, device, unit: unit).sent[0].bytes
    }
    #expect(sent(.prefix(0xB0), 3) == [0xB3, 0x52] && sent(.prefix(0xB0), 0) == [0x52])
    #expect(sent(.digits(3), 7) == Array("007R".utf8) && sent(.digits(3), 255) == Array("255R".utf8))
    #expect(sent(.digits(2), 10) == Array("10R".utf8) && sent(.digits(1), 12) == Array("2R".utf8) && sent(.digits(3), 0) == [0x52])
  }

  @Test func twoOnOneLineAnswerForThemselves() {
    for address in [Addressing.prefix(0xB0), .digits(2)] {
      let device = framed([kind(1)], [field("v", in: 0)], [request(0x52)], address: address)
      let bench = Bench([.serial], [2, 5].map { DevicePlan(profile: device, port: port, unit: $0, isAtLane: false) })
      let second = address == .prefix(0xB0) ? [0xB5] : Array("05".utf8)
      let said = bench.talk(until: 2_000) { reply(1, $0.starts(with: second) ? 50 : 20) }
      #expect(said.map(\.at) == [0, 0, 1_000, 1_000, 2_000, 2_000])
      #expect(bench.readings.map { "\($0.device.index) \($0.decoded)" } == (0..<6).map { $0 % 2 == 0 ? "0 20.0" : "1 50.0" })
      // One falls silent: it alone is down, and the other is asked as before.
      bench.forget()
      bench.talk(until: 12_000) { $0.starts(with: second) ? nil : reply(1, 20) }
      #expect(bench.changed == ["down 1 silent"] && bench.readings.count == 10 && bench.isUp)
    }
  }

  /// The address stands before each answer, behind a `!` or not; that of another is never taken for ours.
  @Test func anAnswerOfAnotherAddressIsRefused() throws {
    let key = try #require(Location.Key("T"))
    let device = framed(
      [Framing(startsWith: [], ending: .line(quiet: nil, most: 20))],
      [Field(name: "t", location: .after(key), type: .decimal)], [request(0x3F)], address: .digits(3))
    for (answer, told) in [("017T21.5\r\n", ["t=21.5"]), ("!017T21.5\r\n", ["t=21.5"]), ("018T99.9\r\n", []), ("T21.5\r\n", ["t=21.5"])] {
      let bench = Bench(.serial, device, unit: 17)
      bench.receive(Array(answer.utf8))
      #expect(bench.said(device) == told, "\(answer)")
      #expect(bench.device.wrongReplies == (told.isEmpty ? 1 : 0))
    }
  }

  // MARK: Devices that say little, and relays that say nothing

  @Test func whoSpeaksSeldomIsThereAllTheTime() {
    let device = framed([kind(1)], [field("v", in: 0)], period: .seconds(1), isSeldom: true)
    let bench = Bench(.serial, device)
    #expect(bench.changed == ["up 0"] && bench.nextDeadline == .never)
    bench.run(until: ms(86_400_000))
    bench.receive(reply(1, 5))
    #expect(bench.changed == ["up 0"] && bench.said(device) == ["v=5.0"])
    bench.lose()
    bench.open()
    #expect(bench.changed == ["up 0", "down 0 portLost", "up 0"])
  }

  /// A board of relays that is told in bytes: start, channel, state, sum.
  private static func relays(_ requests: [Request] = [], address: Addressing? = nil) -> Profile {
    var device = framed([kind(1)], [field("on", in: 0)], requests, period: .seconds(1), isSeldom: requests.isEmpty, address: address)
    device.writes = [
      Write(
        name: "relay",
        kind: .relay(
          RelayBytes(on: bytes("a0 00 01"), off: bytes("a0 00 00"), channelAt: 1, count: 4, check: Check(.sum8, at: -1))))
    ]
    return device
  }

  @Test func relaysAreToldInBytes() {
    let bench = Bench(.serial, Self.relays())
    bench.forget()
    #expect(bench.write(.set(channel: 2, on: true)) && bench.write(.set(channel: 4, on: false)))
    #expect(bench.sent.map(\.bytes) == [bytes("a0 02 01 a3"), bytes("a0 04 00 a4")] && bench.sent.allSatisfy { $0.urgency == .actuator })
    #expect(bench.changed == ["wrote 0 2 on", "wrote 0 4 off"] && bench.device.writes == 2)
    for action in [WriteAction.set(channel: 0, on: true), .set(channel: 5, on: true), .pulse(channel: 1, for: .seconds(1))] {
      #expect(!bench.write(action), "\(action.text)")
    }
    #expect(!bench.instruments.canPulse(DeviceID(0)) && bench.device.writesFailed == 3 && bench.sent.count == 2)
    // An echo proves nothing and does no harm. A lost port takes no orders.
    bench.receive(bytes("a0 02 01 a3"))
    bench.lose()
    #expect(!bench.write(.set(channel: 2, on: true)) && bench.sent.count == 2 && bench.changed.last == "down 0 portLost")
  }

  @Test func eachCheckOfARelayIsItsOwn() {
    func sent(_ check: Check) -> [UInt8] {
      var device = Self.relays()
      device.writes = [
        Write(
          name: "relay",
          kind: .relay(
            RelayBytes(on: bytes("55 01 12 00 00 00 01"), off: bytes("55 01 11 00 00 00 01"), channelAt: 6, count: 8, check: check)))
      ]
      let bench = Bench(.serial, device)
      bench.write(.set(channel: 3, on: true))
      return bench.sent[0].bytes
    }
    let told = bytes("55 01 12 00 00 00 03")
    #expect(sent(.none) == told && sent(Check(.crc16Modbus, at: -2)) == withCRC(told))
    #expect(sent(Check(.sum8, from: 1, at: -1)) == told + [0x16] && sent(Check(.negativeSum8, from: 1, at: -1)) == told + [0xEA])
    #expect(sent(Check(.invertedSum8, from: 1, at: -1)) == told + [0xE9] && sent(Check(.xor8, at: -1)) == told + [0x45])
    #expect(sent(Check(.sum16be, at: -2)) == told + [0, 0x6B] && sent(Check(.sum16le, at: -2, adds: 1)) == told + [0x6C, 0])
  }

  /// One that is read back: writes wait for the answer that is out, go before what is due, and what they did is read at once.
  @Test func aRelayIsReadBackAtOnce() {
    let device = Self.relays([request(1)], address: .prefix(0xB0))
    let bench = Bench(.serial, device, unit: 2)
    for channel in 1...3 { bench.write(.set(channel: UInt8(channel), on: true)) }
    bench.write(.set(channel: 1, on: false))
    #expect(bench.sent.map(\.bytes) == [[0xB2, 1]])
    bench.receive(reply(1, 0))
    let said = bench.talk(until: 500) { $0.count == 2 && bench.now > ms(0) || $0.count > 2 ? nil : reply(1, 6) }
    #expect(
      said.map(\.bytes) == [[0xB2, 1], bytes("b2 a0 02 01 a3"), bytes("b2 a0 03 01 a4"), bytes("b2 a0 01 00 a1"), [0xB2, 1]])
    #expect(bench.changed == ["up 0", "wrote 0 2 on", "wrote 0 3 on", "wrote 0 1 off"] && bench.said(device) == ["on=0.0", "on=6.0"])
    // Down, it takes none.
    bench.talk(until: 10_000) { _ in nil }
    #expect(bench.changed.last == "down 0 silent" && !bench.write(.set(channel: 1, on: true)))
  }
}

/// The answer to a request on a connection of Modbus TCP.
private func answer(_ request: [UInt8], _ pdu: [UInt8]) -> [UInt8] {
  tcp(Int(request[0]) << 8 | Int(request[1]), unit: request[6], pdu)
}

/// What was asked, as function and address, and when.
private func registers(_ said: [(at: Int64, bytes: [UInt8])]) -> [String] {
  said.map { "\($0.at) \($0.bytes[7]):\(Int($0.bytes[8]) << 8 | Int($0.bytes[9]))" }
}

/// The answer to any read or write: each register, or the value of the one named, holds its address.
private func registered(_ request: [UInt8], _ values: [Int: Int] = [:]) -> [UInt8] {
  guard request[7] <= 4 else { return answer(request, Array(request[7...])) }
  let first = Int(request[8]) << 8 | Int(request[9])
  return answer(request, words((first..<first + Int(request[11])).map { values[$0] ?? $0 }, function: request[7]))
}

@Suite struct ModbusDialogueTests {
  // MARK: Not now

  private static func busy(_ period: Interval, _ fields: [Field]) -> Profile {
    var speech = speech(period: period)
    speech.busyCodes = [5, 6]
    return profile(.modbus(speech), fields)
  }

  @Test func whoIsBusyIsAskedAgainSoon() {
    let device = Self.busy(.seconds(10), [register("co2", .input, 3)])
    let bench = Bench(.modbusTCP, device)
    // Busy for a second: no failure, and what it says then counts.
    var said = bench.talk(until: 9_000) { bench.now < ms(1_000) ? answer($0, [0x84, 6]) : registered($0) }
    #expect(said.map(\.at) == [0, 200, 600, 1_400] && bench.changed == ["up 0"] && bench.said(device) == ["co2=3.0"])
    #expect(bench.device.exceptions == 3 && bench.device.timeOuts == 0)
    // Busy for good: five times more, then it is a failure like any other; two of them, and it is down.
    said = bench.talk(until: 60_000) { answer($0, [0x84, 5]) }
    let first = said.first?.at ?? 0
    #expect(said.prefix(7).map { $0.at - first } == [0, 200, 600, 1_400, 3_000, 6_200, 16_200])
    #expect(bench.changed == ["up 0", "down 0 exception"])
    // Another code is no excuse.
    let other = Bench(.modbusTCP, device)
    #expect(other.talk(until: 9_000) { answer($0, [0x84, 2]) }.count == 1)
  }

  /// What it answers meanwhile does not make it less busy.
  @Test func eachReadIsBusyByItself() {
    let device = Self.busy(.seconds(2), [register("a", .input, 3), register("b", .input, 100)])
    let bench = Bench(.modbusTCP, device)
    let said = bench.talk(until: 7_000) { $0[9] == 3 ? answer($0, [0x84, 6]) : registered($0) }
    #expect(said.filter { $0.bytes[9] == 3 }.map(\.at).prefix(6) == [0, 200, 600, 1_400, 3_000, 6_200])
    #expect(said.filter { $0.bytes[9] == 100 }.map(\.at) == [0, 2_000, 4_000, 6_000])
  }

  // MARK: Told first

  @Test func startRegistersAreWrittenFirst() {
    var speech = speech()
    speech.start = [RegisterValue(address: 0x36, value: 0), RegisterValue(address: 0x37, value: 0x1234)]
    let device = profile(.modbus(speech), [register("co2", .holding, 3)])
    let bench = Bench(.modbusTCP, device)
    var said = bench.talk(until: 2_000) { registered($0) }
    #expect(registers(said) == ["0 6:54", "0 6:55", "0 3:3", "2000 3:3"] && said[1].bytes.suffix(2) == [0x12, 0x34])
    #expect(bench.said(device) == ["co2=3.0", "co2=3.0"] && bench.device.writes == 0)
    bench.open()
    said = bench.talk(until: 3_000) { registered($0) }
    #expect(registers(said) == ["2000 6:54", "2000 6:55", "2000 3:3"])
    // One is refused, which is a failure; the others are written and read all the same.
    let other = Bench(.modbusTCP, device)
    said = other.talk(until: 2_000) { $0[9] == 0x36 ? answer($0, [0x86, 2]) : registered($0) }
    #expect(registers(said) == ["0 6:54", "0 6:55", "0 3:3", "2000 3:3"] && other.device.exceptions == 1 && other.isUp)
  }

  // MARK: Requests given to the tool

  /// Bytes that answer something the profile does not ask are no answer; a unit's digits stand before request and answer.
  @Test func whatAnswersAnotherRequestIsNoAnswer() {
    func outcome(_ bytes: [UInt8], _ profile: Profile, _ request: [UInt8]?) -> String {
      decode(bytes, with: profile, DecodeContext(request: request)).map {
        switch $0.outcome {
        case .accepted: "accepted"
        case .rejected(let why): "\(why)"
        case .incomplete: "incomplete"
        }
      }.joined(separator: " ")
    }
    let plain = framed([kind(1)], [field("v", in: 0)], [request(1)])
    #expect(outcome(reply(1, 5), plain, nil) == "accepted" && outcome(reply(1, 5), plain, [1]) == "accepted")
    #expect(outcome(reply(1, 5), plain, [7]) == "wrongReply")
    let addressed = framed(
      [Framing(startsWith: [], ending: .line(quiet: .milliseconds(100), most: 20))],
      [Field(name: "v", location: Location.Key("T").map { .after($0) } ?? .line, type: .decimal)],
      [Request(bytes: Array("?T\r".utf8), replyWithin: .milliseconds(100))], address: .digits(3))
    #expect(outcome(Array("024T35.5\r\n".utf8), addressed, Array("024?T\r".utf8)) == "accepted")
    #expect(outcome(Array("025T35.5\r\n".utf8), addressed, Array("024?T\r".utf8)) == "wrongReply")
  }

  // MARK: Read now and then

  @Test func readsWhatAnotherOneSaysIsThere() {
    var value = register("value", .input, 10)
    value.readWhen = [Need(field: 0, [.equals(1), .equals(3)])]
    let device = profile(.modbus(speech()), [register("ready", .input, 0), value])
    let bench = Bench(.modbusTCP, device)
    let said = bench.talk(until: 8_000) { registered($0, [0: Int(bench.now.ns - ms(0).ns) / 2_000_000_000]) }
    #expect(registers(said) == ["0 4:0", "2000 4:0", "2000 4:10", "4000 4:0", "6000 4:0", "6000 4:10", "8000 4:0"])
    #expect(bench.said(device).filter { $0.hasPrefix("value") }.count == 2)
  }

  @Test func readsSlowValuesSeldom() {
    var serial = register("serial", .input, 1)
    serial.every = .seconds(5)
    let device = profile(.modbus(speech()), [register("co2", .input, 0), serial])
    let bench = Bench(.modbusTCP, device)
    let said = bench.talk(until: 10_000) { registered($0) }
    #expect(said.filter { $0.bytes[9] == 0 }.map(\.at) == [0, 2_000, 4_000, 6_000, 8_000, 10_000])
    #expect(said.filter { $0.bytes[9] == 1 }.map(\.at) == [0, 5_000, 10_000])
    #expect(device.staleAfter(serial) == .seconds(15))
  }

  @Test func whatIsToldOnRequestIsNotReported() {
    // It lies where another one is asked for.
    var (low, name) = (register("low", .input, 3, .u8), register("name", .input, 3, .ascii(2)))
    (low.told, name.told) = (.onRequest, .onRequest)
    let device = profile(.modbus(speech()), [register("co2", .input, 3), low, name])
    let bench = Bench(.modbusTCP, device)
    bench.receive(tcp(1, words([400])))
    #expect(bench.said(device) == ["co2=400.0"] && bench.texts.isEmpty)
    let frames = decode(withCRC([1] + words([400])), with: device)
    guard case .accepted(let values)? = frames.first?.outcome else { return #expect(Bool(false)) }
    #expect(values.map(\.name) == ["co2", "low", "name"])
  }

  // MARK: Which variant it is

  private static func model(_ identity: Field, _ variants: [Variant]) -> Profile {
    var fields = [register("small", .input, 14), register("large", .input, 18), identity]
    fields[0].variants = 0b01
    fields[1].variants = 0b10
    var device = profile(.modbus(speech()), fields)
    device.variants = variants
    return device
  }

  @Test func asksEachVariantForItsOwn() {
    let device = Self.model(
      register("model", .input, 0), [Variant(name: "small", identity: 2, numbers: [17]), Variant(name: "large", identity: 2, numbers: [21])])
    for (number, expected) in [(17, ["0 4:0", "0 4:14"]), (21, ["0 4:0", "0 4:18"]), (99, ["0 4:0"])] {
      let bench = Bench(.modbusTCP, device)
      #expect(registers(bench.talk(until: 1_000) { registered($0, [0: number]) }) == expected)
    }
    let named = Bench(.modbusTCP, device, variant: 1)
    #expect(Set(registers(named.talk(until: 1_000) { registered($0, [0: 17]) })) == ["0 4:0", "0 4:18"])
  }

  @Test func aTextInRegistersTellsTheVariant() {
    let device = Self.model(
      register("model", .input, 0, .ascii(4)),
      [Variant(name: "small", identity: 2, texts: ["GM"]), Variant(name: "large", identity: 2, texts: ["GMP"])])
    let bench = Bench(.modbusTCP, device)
    let said = bench.talk(until: 1_000) { registered($0, [0: 0x474D, 1: 0x5032]) }
    #expect(registers(said) == ["0 4:0", "0 4:18"] && bench.told(device) == ["model: GMP2"] && bench.said(device) == ["large=18.0"])
  }

  /// What tells the variant and what depends on it come in one reply.
  @Test func theVariantIsKnownBeforeItsValues() {
    var device = Self.model(
      register("model", .input, 15), [Variant(name: "small", identity: 2, numbers: [17]), Variant(name: "large", identity: 2, numbers: [21])])
    device.fields[1].location = .register(.input, address: 14)
    let bench = Bench(.modbusTCP, device)
    bench.talk(until: 1_000) { registered($0, [15: 21]) }
    #expect(bench.said(device) == ["large=14.0", "model=21.0"])
  }

  // MARK: A tool's view

  private func outcomes(_ bytes: [UInt8], _ device: Profile, _ request: [UInt8]? = nil) -> [String] {
    decode(bytes, with: device, DecodeContext(request: request)).map {
      switch $0.outcome {
      case .accepted(let values): values.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
      case .rejected(let reason): reason.name
      case .incomplete: "incomplete"
      }
    }
  }

  @Test func bothTablesMayBeOne() {
    for (overlaps, expected) in [(true, "co2=400.0"), (false, "")] {
      var speech = speech()
      speech.tablesOverlap = overlaps
      let device = profile(.modbus(speech), [register("co2", .holding, 3)])
      let request = withCRC(bytes("01 04 00 03 00 01"))
      #expect(outcomes(withCRC([1] + words([400])), device, request) == [expected])
      // The field's own table is read as ever.
      let own = withCRC(bytes("01 03 00 03 00 01"))
      #expect(outcomes(withCRC([1] + words([400], function: 3)), device, own) == ["co2=400.0"])
    }
  }

  @Test func framesOfTCPAreDecoded() {
    let device = sensor()
    let request = tcp(7, bytes("04 00 03 00 01"))
    let good = tcp(7, words([400]))
    #expect(outcomes(good, device) == ["co2=400.0"] && outcomes(good, device, request) == ["co2=400.0"])
    #expect(outcomes(good + tcp(8, words([401])), device) == ["co2=400.0", "co2=401.0"])
    #expect(outcomes(good + tcp(8, words([401])), device, request) == ["co2=400.0", "wrong_reply"])
    #expect(outcomes(Array(good.prefix(8)), device) == ["incomplete"] && outcomes(good + good.prefix(6), device) == ["co2=400.0", "incomplete"])
    #expect(outcomes(tcp(7, [0x84, 2]), device, request) == ["exception"])
    #expect(outcomes(tcp(7, unit: 2, words([400])), device, request) == ["wrong_reply"])
    #expect(outcomes(tcp(7, words([400, 1])), device, request) == ["wrong_reply"])
    #expect(outcomes(good + tcp(8, words([401]), length: 300), device) == ["co2=400.0", "start"])
    // What has a CRC is no TCP frame, whatever its bytes look like.
    #expect(outcomes(withCRC(bytes("01 04 02 00 00")), device) == ["co2=0.0"])
  }
}
