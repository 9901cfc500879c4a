// What answers on a port? Asks with the profiles that were named, or that are known by the adapter's USB numbers, through
// the door's own ports and framing, and prints what comes. It never sends what no profile says.

import ArgumentParser
import Devices
import Domain
import Foundation
import Ports
import Settings

struct ProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe", abstract: "Ask a port what answers on it.",
    usage: """
      gatehouse probe <port> [--profile <id> ...] [--unit <n>] [--baud <n>]
          [--seconds <n>]
      """,
    discussion: """
      PORT is a serial line (/dev/ttyUSB0) or host:port. Only what a profile asks
      is sent; without --profile, the profiles that are known by the adapter's
      USB numbers are tried. Modbus registers are shown in every order of words
      and bytes. The door must not hold the port.

      EXAMPLES
        gatehouse probe /dev/ttyUSB0 --profile my-device
        gatehouse probe 10.20.0.15:502 --profile my-probe --unit 31

      \(ExitCode.help)
      """)
  @Argument(help: "A serial line, or host:port.") var port: String
  @Option(help: "A profile's id, or a path to its file; may be given more than once.") var profile: [String] = []
  @Option(help: "The Modbus unit, or the address on the line; else the profile's.") var unit: UInt8?
  @Option(help: "Bits a second; else the profile's.") var baud: Int?
  @Option(help: "How long each profile is tried.") var seconds = 5.0
  @OptionGroup var places: PlaceOptions

  func validate() throws {
    guard (0.1...600).contains(seconds) else { throw ValidationError("--seconds takes 0.1 to 600.") }
  }

  func run() throws {
    let profiles = try chosenProfiles()
    var answered = false
    for profile in profiles {
      print("\(profile.id):")
      var probe = try Probe(profile, link: try link(of: profile), unit: unit)
      if probe.run(for: seconds, say: { print("  \($0)") }) { answered = true }
    }
    if !answered { throw ExitCode.problem }
  }

  private func chosenProfiles() throws -> [Profile] {
    if !profile.isEmpty { return try profile.map { try loadProfile($0, profiles: places.locations.profiles) } }
    let node = URL(filePath: port).resolvingSymlinksInPath().path
    let plugged = pluggedDevices().first { $0.node == node }
    let folder = places.locations.profiles
    let all = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".yaml") }.sorted()
    let known = try all.map { try loadProfile("\(folder)/\($0)", profiles: folder) }.filter { profile in
      profile.usb.contains { $0.vendor == plugged?.vendor && $0.product == plugged?.product }
    }
    guard !known.isEmpty else {
      complain("no profile is known by the USB numbers of \(port); name one with --profile: unknown ports are not written to")
      throw ExitCode.problem
    }
    return known
  }

  private func link(of profile: Profile) throws -> Link {
    var line = profile.line
    if let baud { line.baud = baud }
    switch profile.transport {
    case .hid(_, let reports):
      // The node that was named and no other: what no profile knows is not written to.
      let node = URL(filePath: port).resolvingSymlinksInPath().path
      guard let plugged = pluggedDevices().first(where: { $0.node == node && $0.kind == .hid }) else {
        complain("\(port) is no HID device that is plugged in; `gatehouse devices --plugged` lists what is")
        throw ExitCode.problem
      }
      guard profile.usb.contains(where: { plugged.fits(USBMatch(vendor: $0.vendor, product: $0.product, productName: $0.productName)) }) else {
        complain("\(port) is \(plugged.usbText), which \(profile.id) does not mean; nothing was written to it")
        throw ExitCode.problem
      }
      return .hid(
        USBMatch(vendor: plugged.vendor, product: plugged.product, path: plugged.path, interface: plugged.interface), reports)
    case .serial: return .serial(path: port, line)
    case .modbus:
      guard !port.hasPrefix("/"), let colon = port.lastIndex(of: ":"), let number = Int(port[port.index(after: colon)...]) else {
        return .modbusRTU(path: port, line)
      }
      guard (1...65_535).contains(number) else {
        throw ValidationError("\(port) has port \(number), expected 1 to 65535.")
      }
      let host = port[..<colon]
      return .modbusTCP(host: host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : String(host), port: number)
    }
  }
}

/// One profile on one port, for a while.
private struct Probe: ~Copyable {
  private let profile: Profile
  private var ports: Ports
  private var instruments: Instruments
  private var findings = Findings()
  private var outbox = Outbox()
  private var answered = false
  private var heard = false

  init(_ profile: Profile, link: Link, unit: UInt8?) throws {
    self.profile = profile
    var number = unit ?? 0
    let kind: PortKind
    switch profile.transport {
    case .serial(let speech):
      kind = .serial
      if unit == nil { number = speech.unit }
    case .hid: kind = .hid
    case .modbus(let speech):
      kind = if case .modbusTCP = link { .modbusTCP } else { .modbusRTU }
      if unit == nil { number = speech.unit }
    }
    instruments = Instruments(
      InstrumentSettings(ports: [kind], devices: [DevicePlan(profile: profile, port: PortID(0), unit: number, isAtLane: false)]))
    ports = try Ports([PortSettings(name: "port", link: link)]) { notice in
      if notice.failure != nil { complain(notice.explanation, as: "") }
    }
  }

  /// Whether something answered.
  mutating func run(for seconds: Double, say: (String) -> Void) -> Bool {
    let end = Instant(ns: Ports.bootTime().ns + Int64(seconds * 1e9))
    while Ports.bootTime() < end {
      ports.wait(until: min(end, instruments.nextDeadline))
      while let arrival = ports.next() { take(arrival, say) }
      instruments.advance(to: Ports.bootTime(), &findings, &outbox)
      send(say)
    }
    ports.close()
    if !answered { say(heard ? "what came is nothing that \(profile.id) says" : "nothing answered in \(seconds) s") }
    return answered
  }

  private mutating func take(_ arrival: Arrival, _ say: (String) -> Void) {
    let now = ports.receivedAt
    switch arrival {
    case .opened(let port, let generation): instruments.opened(port, generation, at: now, &findings, &outbox)
    case .lost(let port, let generation, let failure, _):
      say("port \(failure.name)")
      instruments.lost(port, generation, at: now, &findings, &outbox)
    case .bytes(let port, let generation):
      heard = true
      var bytes: [UInt8] = []
      for index in 0..<ports.received.count { bytes.append(ports.received[index]) }
      say("< " + bytes.map { String(format: "%02x", Int($0)) }.joined(separator: " "))
      if case .modbus = profile.transport { for line in wordOrders(bytes) { say(line) } }
      instruments.received(bytes.span, from: port, generation, at: now, &findings, &outbox)
    case .requestFailed(let port, let generation, let failure):
      say("no good reply: \(failure)")
      instruments.failed(port, generation, failure, at: now, &findings, &outbox)
    case .late(let port, let generation):
      say("a reply to an earlier request came late")
      if !ports.received.isEmpty { instruments.late(port, generation, unit: ports.received[0], at: now) }
    case .signalled: break
    }
    send(say)
  }

  /// Sends what is due and says what was found.
  private mutating func send(_ say: (String) -> Void) {
    for index in 0..<findings.readingCount {
      let reading = findings.readings[index]
      let name = profile.fields[Int(reading.field)].name
      answered = true
      switch reading.quality {
      case .good: say("  \(name) \(decimal(reading.decoded)) \(reading.unit.symbol)")
      case .invalid(let reason): say("  \(name) \(decimal(reading.decoded)) \(reading.unit.symbol), invalid: \(reason.name)")
      }
    }
    if findings.textCount > 0 { answered = true }
    for index in 0..<outbox.count {
      switch outbox.outputs[index] {
      case .send(let message):
        let bytes = (Int(message.offset)..<Int(message.offset + message.count)).map { outbox.bytes[$0] }
        say("> " + bytes.map { String(format: "%02x", Int($0)) }.joined(separator: " "))
        var own = message
        own.offset = 0
        ports.send(own, from: bytes.span)
      case .reopen(let port, let generation): ports.reopen(port, generation)
      default: break
      }
    }
    findings.clear()
    outbox.clear()
  }
}

/// The registers of a Modbus reply (unit, PDU; or with the header of TCP) as numbers, in every order.
func wordOrders(_ frame: [UInt8]) -> [String] {
  let isTCP = frame.count > 8 && frame[2] == 0 && frame[3] == 0 && Int(frame[4]) << 8 | Int(frame[5]) == frame.count - 6
  let pdu = Array(isTCP ? frame[7...] : frame.dropFirst())
  guard pdu.count >= 2, pdu[0] == 3 || pdu[0] == 4, Int(pdu[1]) == pdu.count - 2 else { return [] }
  let words = stride(from: 2, to: pdu.count - 1, by: 2).map { UInt16(pdu[$0]) << 8 | UInt16(pdu[$0 + 1]) }
  var lines = ["  words  " + words.map { "\($0) (\(Int16(bitPattern: $0)))" }.joined(separator: "  ")]
  for (index, pair) in zip(words, words.dropFirst()).enumerated() {
    func number(_ high: UInt16, _ low: UInt16) -> String {
      let bits = UInt32(high) << 16 | UInt32(low)
      return "\(bits) / \(Float(bitPattern: bits))"
    }
    lines.append(
      "  \(index)-\(index + 1)  be \(number(pair.0, pair.1))  le_words \(number(pair.1, pair.0))"
        + "  be_swapped \(number(pair.0.byteSwapped, pair.1.byteSwapped))  le \(number(pair.1.byteSwapped, pair.0.byteSwapped))")
  }
  return lines
}
