// What the fuzzers feed to the readers of profiles and settings: any text ends as a value that Devices can run, or as
// problems of which each has words.

import Devices
import Domain
import Foundation
import Settings

/// A profile's text; whatever loads is run on some bytes.
public func fuzzProfile(_ input: Span<UInt8>) {
  let bytes = (0..<input.count).map { input[$0] }
  do throws(Problems) {
    let profile = try Profile.parse(String(decoding: bytes, as: UTF8.self), file: "fuzz.yaml")
    run(profile, on: Array(bytes.prefix(64)))
  } catch {
    check(error)
  }
}

/// A site's text, with the profiles that Gatehouse comes with.
public func fuzzSettings(_ input: Span<UInt8>) {
  let text = String(decoding: (0..<input.count).map { input[$0] }, as: UTF8.self)
  do throws(Problems) {
    let settings = try Settings.parse(text, file: "fuzz.yaml", profiles: shippedProfiles, now: Date(timeIntervalSince1970: 1_750_000_000))
    for warning in settings.warnings { precondition(!warning.message.isEmpty, "A warning without words.") }
    precondition(!settings.site.offsets.isEmpty, "No zone.")
    open(settings.instruments, for: .minutes(1), bytes: [0xFF, 0x86, 0x5A])
  } catch {
    check(error)
  }
}

private func check(_ problems: Problems) {
  precondition(!problems.list.isEmpty, "A refusal without a problem.")
  for problem in problems.list { precondition(!problem.message.isEmpty && !problem.description.isEmpty, "A problem without words.") }
}

/// Every way by which such a device can be reached.
func kinds(of profile: Profile) -> [PortKind] {
  switch profile.transport {
  case .serial: [.serial]
  case .hid: [.hid]
  case .modbus: [.modbusTCP, .modbusRTU]
  }
}

private func run(_ profile: Profile, on bytes: [UInt8]) {
  for kind in kinds(of: profile) {
    let plan = DevicePlan(profile: profile, port: PortID(0), unit: 1, isAtLane: true)
    open(InstrumentSettings(ports: [kind], devices: [plan]), for: .seconds(5), bytes: bytes)
  }
  for way in Way.allCases { _ = decode(bytes, with: profile, DecodeContext(way: way)) }
}

/// Opens every port, lets each hear the bytes, and time pass, looked at 200 times at most.
private func open(_ settings: InstrumentSettings, for time: Interval, bytes: [UInt8]) {
  var instruments = Instruments(settings)
  var findings = Findings()
  var outbox = Outbox()
  var now = Instant(ns: 1_000_000_000)
  let end = now + time
  for port in settings.ports.indices {
    instruments.opened(PortID(port), Generation(1), at: now, &findings, &outbox)
    instruments.received(bytes.span, from: PortID(port), Generation(1), at: now, &findings, &outbox)
    findings.clear()
    outbox.clear()
  }
  for _ in 0..<200 {
    guard instruments.nextDeadline <= end else { return }
    now = max(now, instruments.nextDeadline)
    instruments.advance(to: now, &findings, &outbox)
    findings.clear()
    outbox.clear()
  }
}

/// The folder `DeviceProfiles`, above this file or a link to it.
private let shippedProfiles: String = {
  var folder = URL(filePath: #filePath).deletingLastPathComponent()
  while folder.path != "/", !FileManager.default.fileExists(atPath: folder.appending(path: "DeviceProfiles").path) {
    folder.deleteLastPathComponent()
  }
  return folder.appending(path: "DeviceProfiles").path
}()
