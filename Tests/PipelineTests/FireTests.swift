// Goal: in a fire every gate of the site opens, whatever else has to be written, whatever a board forgets or refuses; and
// none stays open by itself afterwards. Method: eight lanes on two boards of one bus, one fire contact, in virtual time.

import Devices
import Domain
import Pipeline
import Rules
import SampleSite
import Testing

/// Two boards of eight relays on one Modbus TCP connection; lanes 1 to 4 on the first, 5 to 8 on the second: gates on relays 1 to 4,
/// lamps on 5 to 8. The fire contact is input 8 of the first.
private struct Entrance: ~Copyable {
  static let settings = site()

  /// - Parameters:
  ///   - lampsAcross: each lane's lamp is on the board that does not move its gate.
  ///   - opens: the fire contact opens in a fire.
  static func site(lampsAcross: Bool = false, opens: Bool = false, identity: UInt64 = 0) -> PipelineSettings {
    let boards = (1...2).map { DevicePlan(profile: .relayBoard, port: PortID(0), unit: UInt8($0), isAtLane: true) }
    let eyes = (1...8).map { DevicePlan(profile: .thermometer, port: PortID($0), unit: 0, isAtLane: true) }
    let lanes = (0..<8).map { lane in
      LanePlan(
        settings: LaneSettings(
          siteOffset: 1.6, hasGate: true, hasReadBack: false, hasPassage: false, openFor: .seconds(5), opensOnFailure: false,
          staleAfter: .milliseconds(216), policy: FeverPolicy(), hasAmbient: false, hasFireRelease: true),
        thermometer: DeviceID(2 + lane), gate: Wire(device: DeviceID(lane / 4), channel: UInt8(lane % 4 + 1)),
        lamp: Wire(device: DeviceID(lampsAcross ? 1 - lane / 4 : lane / 4), channel: UInt8(lane % 4 + 5)), buzzer: nil,
        contacts: [(.fireRelease, Wire(device: DeviceID(0), channel: 8, isOnWhenOpen: opens))])
    }
    return PipelineSettings(
      instruments: InstrumentSettings(
        ports: [.modbusTCP] + Array(repeating: PortKind.serial, count: 8), devices: boards + eyes),
      lanes: lanes, rooms: [], air: AirPolicy(),
      thinning: ThinningSettings(interval: .seconds(60), deadBands: DeadBands(celsius: 0.5, ppm: 50, other: 1)), identity: identity)
  }

  var pipeline: Pipeline
  var now = Now(boot: Instant(ns: 1_000_000_000), wall: 0)
  var coils: [UInt8] = [0, 0]
  var isFire = false
  private let opens: Bool
  /// Answers the next so many writes with an exception; loses the next so many.
  var refuses = 0
  var loses = 0
  /// A board that answers nothing, from 0.
  var silent: Int?
  var jammed: [Bool] = []
  private var replies: [(at: Instant, bytes: [UInt8])] = []

  private let settings: PipelineSettings

  init(_ settings: PipelineSettings = Entrance.settings, opens: Bool = false) {
    self.settings = settings
    self.opens = opens
    pipeline = Pipeline(settings)
    begin()
  }

  private mutating func begin() {
    turn(.started(restored: false, downSeconds: 0))
    turn(.portOpened(PortID(0), Generation(1)))
  }

  mutating func restart() {
    let bytes = Table<UInt8>(capacity: pipeline.snapshotSize, filledWith: 0)
    pipeline.copySnapshot(to: bytes, now)
    pipeline = Pipeline(settings)
    pipeline.restore(from: bytes, shift: .zero, now)
    replies = []
    begin()
  }

  private mutating func turn(_ input: Input) {
    pipeline.turn(now, input)
    look()
  }

  mutating func live(_ seconds: Double) {
    let end = now.boot + Interval(ns: Int64(seconds * 1e9))
    while true {
      let next = min(min(replies.first?.at ?? .never, pipeline.nextDeadline), end)
      now.boot = max(now.boot, next)
      if let reply = replies.first, reply.at <= now.boot {
        replies.removeFirst()
        pipeline.turn(now, bytes: reply.bytes.span, from: PortID(0), Generation(1))
        look()
      } else if now.boot >= end {
        return
      } else {
        turn(.tick)
      }
    }
  }

  private mutating func look() {
    for index in 0..<pipeline.outbox.count {
      switch pipeline.outbox.outputs[index] {
      case .event(let event):
        if case .alarmRaised(let fact) = event.body, fact.kind == .gateJammed { jammed.append(true) }
      case .send(let send):
        let bytes = (0..<Int(send.count)).map { pipeline.outbox.bytes[Int(send.offset) + $0] }
        if let reply = answer(bytes) { replies.append((now.boot + .milliseconds(30), reply)) }
      case .reopen: break
      }
    }
  }

  private mutating func answer(_ bytes: [UInt8]) -> [UInt8]? {
    let board = Int(bytes[6]) - 1
    if board == silent { return nil }
    var reply = Array(bytes[0..<8])
    if bytes[7] <= 2 {
      reply[5] = 4
      return reply + [1, bytes[7] == 1 ? coils[board] : (board == 0 && isFire != opens ? 0x80 : 0)]
    }
    if loses > 0 {
      loses -= 1
      return nil
    }
    if refuses > 0 {
      refuses -= 1
      reply[5] = 3
      reply[7] |= 0x80
      return reply + [4]
    }
    let bit = UInt8(1) << (bytes[9] & 7)
    coils[board] = bytes[10] > 0 || bytes[11] > 0 ? coils[board] | bit : coils[board] & ~bit
    return bytes
  }

  var gates: [UInt8] { coils.map { $0 & 0x0F } }
}

@Suite struct FireTests {
  @Test(arguments: [false, true]) func everyGateOpensAndEveryGateShuts(opens: Bool) {
    var entrance = Entrance(Entrance.site(opens: opens), opens: opens)
    entrance.coils = [0x0F, 0x0F]
    entrance.live(6)
    #expect(entrance.gates == [0, 0], "what stood open at the start is shut")
    entrance.isFire = true
    entrance.live(2)
    #expect(entrance.gates == [0x0F, 0x0F], "all eight gates within two seconds")
    entrance.isFire = false
    entrance.live(3)
    #expect(entrance.gates == [0, 0])
  }

  @Test(arguments: [(8, 0), (0, 9), (20, 0)]) func anOrderThatIsRefusedOrLostIsGivenAgain(refused: Int, lost: Int) {
    var entrance = Entrance()
    entrance.live(6)
    entrance.isFire = true
    entrance.refuses = refused
    entrance.loses = lost
    entrance.live(12)
    #expect(entrance.gates == [0x0F, 0x0F])
  }

  @Test func aBoardThatForgetsIsTold() {
    var entrance = Entrance()
    entrance.live(6)
    entrance.isFire = true
    entrance.live(3)
    entrance.coils = [0, 0]
    entrance.live(2)
    #expect(entrance.gates == [0x0F, 0x0F])
  }

  /// A contact that opens in a fire reads as a fire when its wire is cut, and as nothing when its board is gone.
  @Test func aDeadBoardIsNoFire() {
    var entrance = Entrance(Entrance.site(opens: true), opens: true)
    entrance.live(6)
    entrance.silent = 0
    entrance.live(12)
    #expect(entrance.gates == [0, 0])
    entrance.silent = nil
    entrance.live(40)
    #expect(entrance.gates == [0, 0])
    entrance.isFire = true
    entrance.live(2)
    #expect(entrance.gates == [0x0F, 0x0F])
  }

  @Test(arguments: [false, true]) func aRestartHoldsWhatIsHeldAndShutsWhatIsOver(opens: Bool) {
    var entrance = Entrance(Entrance.site(opens: opens), opens: opens)
    entrance.live(6)
    entrance.isFire = true
    entrance.live(3)
    entrance.restart()
    entrance.live(3)
    #expect(entrance.gates == [0x0F, 0x0F])
    entrance.isFire = false
    entrance.restart()
    entrance.live(4)
    #expect(entrance.gates == [0, 0])
  }

  /// The thermometers are dead, so every lamp is to be lit; a board that comes back dark is told, also where no gate is on it.
  @Test func aLampOnAnotherBoardIsLitAgain() {
    var entrance = Entrance(Entrance.site(lampsAcross: true))
    entrance.live(8)
    #expect(entrance.coils.map { $0 & 0xF0 } == [0xF0, 0xF0])
    entrance.silent = 1
    entrance.live(6)
    entrance.coils[1] = 0
    entrance.silent = nil
    entrance.live(40)
    #expect(entrance.coils.map { $0 & 0xF0 } == [0xF0, 0xF0])
  }

  /// Orders to lamps that a board refuses are given again, without end.
  @Test(arguments: [(40, 0), (0, 40)]) func aLampThatIsRefusedIsLitAgain(refused: Int, lost: Int) {
    var entrance = Entrance()
    entrance.refuses = refused
    entrance.loses = lost
    entrance.live(120)
    #expect(entrance.coils.map { $0 & 0xF0 } == [0xF0, 0xF0])
  }

  @Test func aStateOfOtherNamesIsNotTakenOver() {
    let here = Pipeline(Entrance.site(identity: 1)).snapshotLayout
    #expect(here == Pipeline(Entrance.site(identity: 1)).snapshotLayout)
    #expect(here != Pipeline(Entrance.site(identity: 2)).snapshotLayout)
  }

  @Test func aBoardThatNeverObeysIsAnAlarm() {
    var entrance = Entrance()
    entrance.live(6)
    entrance.isFire = true
    entrance.refuses = .max
    entrance.live(4)
    #expect(entrance.jammed.count == 8)
  }
}
