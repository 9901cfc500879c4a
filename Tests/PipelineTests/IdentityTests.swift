// Goal: what a scanner tells becomes a token in the turn that read it, and nothing else of it stays: no event, no state and no send
// holds it. Method: a whole door with a scanner on a serial line of its own.

import Devices
import Domain
import Pipeline
import Rules
import SampleSite
import Testing

private let key = IdentityKey(Array("the key of a site under test".utf8))
private let scanner = PortID(2)

/// A code scanner: a line is a code.
private func withScanner(_ site: inout PipelineSettings) {
  var code = Field(name: "code", location: .line, type: .ascii(4_096))
  code.personal = true
  let line = Framing(startsWith: [], ending: .line(quiet: .milliseconds(100), most: 64))
  let profile = Profile(
    id: "sample-scanner", maker: "", model: "", kind: "", source: "", proof: .constructed, notes: [],
    transport: .serial(FrameSpeech(frames: [line], requests: [], period: .minutes(60), isSeldom: true)), line: Line(baud: 9_600),
    power: .usb, warmUp: .zero, fields: [code], writes: [])
  let ports = [PortKind.serial, .modbusTCP, .serial]
  let devices = [
    DevicePlan(profile: .thermometer, port: PortID(0), unit: 0, isAtLane: true),
    DevicePlan(profile: .relayBoard, port: PortID(1), unit: 1, isAtLane: true),
    DevicePlan(profile: profile, port: scanner, unit: 0, isAtLane: true),
  ]
  site.instruments = InstrumentSettings(ports: ports, devices: devices)
  site.lanes[0].settings.hasIdentity = true
  site.lanes[0].settings.identityRequired = true
  site.lanes[0].identity = (DeviceID(2), 0)
  site.identityKey = key
}

private func door() -> DoorInVirtualTime {
  var door = DoorInVirtualTime(withScanner)
  door.tell(.portOpened(scanner, Generation(1)))
  door.live(3)
  return door
}

@Suite struct IdentityTests {
  private let number = "11010519491231002X"

  private func holds(_ bytes: [UInt8], _ text: String) -> Bool {
    let wanted = Array(text.utf8)
    return bytes.indices.dropLast(wanted.count - 1).contains { Array(bytes[$0..<$0 + wanted.count]) == wanted }
  }

  /// Blanks around it, as a card pads its texts, make nobody else of them.
  @Test(arguments: ["11010519491231002X\r\n", "  11010519491231002X  \r\n"]) func aCodeBecomesAToken(line: String) {
    var door = door()
    door.hear(scanner, Array(line.utf8))
    door.skin = 35.0
    door.live(3)
    let verdict = door.events.last { if case .screeningPassed = $0.body { true } else { false } }
    #expect(verdict?.personal.token.isSame(as: key.token(of: number)) == true && door.opened == 1)
    // An event is a trivial value: all its bytes are looked at.
    for event in door.events {
      var copy = event
      let bytes = withUnsafeBytes(of: &copy) { unsafe Array($0) }
      #expect(!holds(bytes, number), "\(event)")
    }
  }

  @Test func noStateHoldsIt() {
    var door = door()
    door.hear(scanner, Array("\(number)\r\n".utf8))
    let bytes = Table<UInt8>(capacity: door.pipeline.snapshotSize, filledWith: 0)
    door.pipeline.copySnapshot(to: bytes, Now(boot: Instant(ns: 9_000_000_000), wall: 0))
    #expect(!holds((0..<bytes.capacity).map { bytes[$0] }, number))
  }

  /// The gate is open for them; a case opened at the lane shuts it, and they are refused from then on.
  @Test func whoHasASymptomIsHeldBack() {
    var door = door()
    door.hear(scanner, Array("\(number)\r\n".utf8))
    door.skin = 35.0
    door.live(1.5)
    #expect(door.opened == 1)
    guard case .refused(.unknownTicket)? = door.command(.openCaseOf(ticket: 9)) else { Issue.record("not refused"); return }
    guard case .done? = door.command(.openCase(.lane(LaneID(0)))) else { Issue.record("refused"); return }
    let last = door.orders.lastIndex { if case .pulse(1, _) = $0 { true } else { false } } ?? 0
    #expect(door.orders[last...].contains(.set(1, false)), "\(door.orders)")
    #expect(door.events.contains { if case .screeningIsolated(let fact) = $0.body { fact.ticket == 1 } else { false } })
    #expect(door.events.contains { if case .caseStep(.opened, let fact, _, _) = $0.body { fact.ticket == 1 } else { false } })
    door.skin = 22
    door.live(3)
    door.hear(scanner, Array("\(number)\r\n".utf8))
    door.skin = 35.0
    door.live(3)
    #expect(door.opened == 1 && door.verdicts.last == "denied refused")
  }

  @Test func withoutACodeNobodyPasses() {
    var door = door()
    door.skin = 35.0
    door.live(40)
    #expect(door.verdicts == ["denied no_identity"] && door.opened == 0)
  }

  /// Through a restart too.
  @Test func aSuspectWhoLeftIsRefused() {
    var door = door()
    door.hear(scanner, Array("\(number)\r\n".utf8))
    door.skin = 35.9
    door.live(2)
    door.skin = 22
    door.live(3)
    door.restart()
    door.tell(.portOpened(scanner, Generation(1)))
    door.live(3)
    door.hear(scanner, Array("\(number)\r\n".utf8))
    door.skin = 35.0
    door.live(40)
    #expect(door.opened == 0 && door.verdicts.contains("denied refused"), "\(door.verdicts)")
    #expect(door.raised.contains(.suspectLeft))
  }
}
