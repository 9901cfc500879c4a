// Why does a device not work? Looks at the ports of the settings and at the machine, and says what is in the way and what
// to do. It changes nothing, and opens no port.

import ArgumentParser
import Control
import Domain
import Foundation
import Ports
import Settings

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Find out why a device does not work.",
    usage: "gatehouse doctor [--json] [options]",
    discussion: """
      Looks at each port of the settings: is it there, may the door open it, who
      holds it, does an adapter hold bytes back. Then at the machine: programs
      that take serial ports, devices that cannot be told apart. Run it as root to
      see the programs of others.

      EXAMPLES
        sudo gatehouse doctor

      \(ExitCode.help)
      """)
  @OptionGroup var places: PlaceOptions
  @Flag(help: "A JSON line a finding.") var json = false
  @Option(help: .hidden) var root = ""

  func run() throws {
    let settings = try loadSettings(places.locations)
    let machine = Machine(root: root)
    let findings = examine(settings, machine, devices: pluggedDevices(), door: try runningDoor())
    for finding in findings { print(json ? try jsonLine(finding) : finding.text) }
    if findings.contains(where: { $0.isProblem }) { throw ExitCode.problem }
    if findings.isEmpty, !json { print("nothing found that is in the way") }
  }
}

extension DoctorCommand {
  /// Holds its own ports, and that is well.
  private func runningDoor() throws -> RunningDoor {
    let path = try places.sockets().events
    do { return .process(Int(try Status(line: try EventsClient(path: path).status()).pid)) } catch ControlError.notRunning {
      return .none
    } catch {
      return .unknown
    }
  }
}

/// The door of these settings.
enum RunningDoor: Equatable {
  case none, unknown
  case process(Int)
}

/// Something in the way, or worth knowing.
struct Finding: Encodable, Equatable {
  /// A port of the settings; none: the machine.
  var port: String?
  var isProblem: Bool
  var what: String
  var fix: String

  var text: String {
    "\(isProblem ? "PROBLEM" : "note   ")  \(port.map { "\(printable($0)): " } ?? "")\(printable(what))\n         \(printable(fix))"
  }
}

/// What the doctor asks of the machine; below another root in tests.
struct Machine {
  var root: String

  func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root + path) }
  func text(_ path: String) -> String? {
    (try? String(contentsOfFile: root + path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
  }
  func names(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: root + folder)) ?? []).sorted()
  }

  /// The programs that have a file open, by name and number; those of others only root can see.
  func holders(of node: String) -> [(name: String, process: Int)] {
    names(in: "/proc").compactMap { Int($0) }.compactMap { process in
      let held = names(in: "/proc/\(process)/fd").contains { number in
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(root)/proc/\(process)/fd/\(number)")) == node
      }
      return held ? (text("/proc/\(process)/comm") ?? "a program", process) : nil
    }
  }

  /// Whether bytes can go through it at all: files and folders are no ports.
  func isPort(_ path: String) -> Bool {
    var facts = stat()
    guard root.isEmpty, unsafe stat(path, &facts) == 0 else { return true }
    return facts.st_mode & S_IFMT == S_IFCHR
  }

  func isRunning(_ program: String) -> Bool {
    names(in: "/proc").contains { Int($0) != nil && text("/proc/\($0)/comm") == program }
  }
}

/// Programs that take serial ports for theirs, the rules that start them, and what to do.
private let takers: [(program: String, rules: [String], why: String, fix: String)] = [
  (
    "brltty", ["/usr/lib/udev/rules.d/85-brltty.rules", "/lib/udev/rules.d/85-brltty.rules", "/usr/lib/udev/rules.d/90-brltty-device.rules"],
    "brltty takes CH340 and FTDI adapters for braille displays", "Remove it: apt-get remove brltty"
  ),
  (
    "ModemManager", ["/usr/lib/udev/rules.d/80-mm-candidate.rules", "/lib/udev/rules.d/80-mm-candidate.rules"],
    "ModemManager asks each new serial port whether it is a modem",
    "Remove it: apt-get remove modemmanager; or set ENV{ID_MM_DEVICE_IGNORE}=\"1\" for the adapter in a udev rule"
  ),
  (
    "gpsd", ["/usr/lib/udev/rules.d/60-gpsd.rules", "/lib/udev/rules.d/60-gpsd.rules"],
    "gpsd takes serial adapters for GPS receivers", "Remove it: apt-get remove gpsd"
  ),
]

func examine(_ settings: Settings, _ machine: Machine, devices: [PluggedDevice], door: RunningDoor) -> [Finding] {
  var findings: [Finding] = []
  var users: [String: String] = [:]
  for port in settings.ports {
    switch node(of: port, machine, devices) {
    case .failure(let failure): findings.append(failure.finding)
    case .success(nil): break
    case .success(let node?):
      if let other = users[node] {
        findings.append(
          Finding(
            port: port.name, isProblem: true, what: "\(node) is the port of \(other) too.",
            fix: "One bus has one port: give them one bus with both devices, or correct the one that is wrong."))
      }
      users[node] = port.name
      findings += examine(node, of: port.name, machine, door)
    }
  }
  return findings + examineMachine(machine) + examineTwins(devices)
}

private struct Obstacle: Error {
  var finding: Finding
}

/// Where a port leads; `nil`: over the network.
private func node(of port: PortSettings, _ machine: Machine, _ devices: [PluggedDevice]) -> Result<String?, Obstacle> {
  func obstacle(_ what: String, _ fix: String) -> Result<String?, Obstacle> {
    .failure(Obstacle(finding: Finding(port: port.name, isProblem: true, what: what, fix: fix)))
  }
  switch port.link {
  case .modbusTCP(let host, _):
    guard let why = whyUnknown(host: host) else { return .success(nil) }
    return obstacle(why, "Correct the host in the settings, or give its number: 10.20.0.15:502.")
  case .serial(.path(let path), _), .modbusRTU(.path(let path), _):
    guard machine.exists(path) else {
      return obstacle("\(path) is not there.", "Is it plugged in? `gatehouse devices --plugged` lists what is.")
    }
    guard machine.isPort(path) else {
      return obstacle("\(path) is not a serial line.", "Serial lines are /dev/tty…, or links to them below /dev/serial.")
    }
    return .success(URL(filePath: path).resolvingSymlinksInPath().path)
  case .serial(.usb(let match), _), .modbusRTU(.usb(let match), _), .hid(let match, _):
    switch port.link.found(among: devices) {
    case .node(let node)?: return .success(node)
    case .ambiguous(let why)?: return obstacle(why, "With the same numbers only the path tells them apart: label the sockets.")
    case .missing?, nil: return obstacle("\(match.text) is not plugged in.", "`gatehouse devices --plugged` lists what is.")
    }
  }
}

private func examine(_ node: String, of port: String, _ machine: Machine, _ door: RunningDoor) -> [Finding] {
  var findings: [Finding] = []
  if let denied = deniedText(machine.root + node) {
    findings.append(
      Finding(
        port: port, isProblem: true, what: denied.what.replacing(machine.root, with: ""), fix: denied.fix))
  }
  // The door of these settings holds what is its own; another one is in the way like any program.
  let holders = machine.holders(of: node).filter { door != .process($0.process) && (door != .unknown || $0.name != "gatehoused") }
  if !holders.isEmpty {
    let names = holders.map { "\($0.name) (process \($0.process))" }.joined(separator: ", ")
    findings.append(
      Finding(
        port: port, isProblem: true, what: "\(node) is held by \(names).",
        fix: "End it, or give it another port: a port is for one program alone."))
  }
  let timer = "/sys/bus/usb-serial/devices/\(URL(filePath: node).lastPathComponent)/latency_timer"
  if let wait = machine.text(timer).flatMap({ Int($0) }), wait > 1 {
    findings.append(
      Finding(
        port: port, isProblem: false, what: "the adapter holds bytes back for \(wait) ms.",
        fix: "The door asks for 1 ms when it opens the port; without the door: echo 1 > \(timer)"))
  }
  return findings
}

/// Why the one who asks may not open a node; `nil`: may.
private func deniedText(_ path: String) -> (what: String, fix: String)? {
  guard unsafe access(path, R_OK | W_OK) != 0, errno == EACCES else { return nil }
  let facts = try? FileManager.default.attributesOfItem(atPath: path)
  let owner = facts?[.ownerAccountName] as? String ?? "somebody"
  let group = facts?[.groupOwnerAccountName] as? String ?? "somebody"
  let bits = facts?[.posixPermissions] as? Int ?? 0
  let mode = String(bits, radix: 8)
  let first = bits & 0o060 == 0o060 ? "" : "Its group may not open it either: chmod g+rw \(path), or a udev rule with MODE=\"0660\". "
  return (
    "\(path) belongs to \(owner):\(group), mode \(mode), and may not be opened by you.",
    first + "Add the door's user to the group \(group): usermod -aG \(group) gatehouse; then start the door anew."
  )
}

private func examineMachine(_ machine: Machine) -> [Finding] {
  takers.compactMap { taker in
    let isRunning = machine.isRunning(taker.program)
    guard isRunning || taker.rules.contains(where: machine.exists) else { return nil }
    return Finding(
      port: nil, isProblem: isRunning, what: "\(taker.why)\(isRunning ? ", and it is running" : "").", fix: taker.fix)
  }
}

/// Devices that cannot be told apart by what they say.
private func examineTwins(_ devices: [PluggedDevice]) -> [Finding] {
  let groups = Dictionary(grouping: devices) { "\($0.kind.rawValue) \($0.usbText) \($0.serialNumber ?? "") \($0.interface)" }
  return groups.sorted { $0.key < $1.key }.compactMap { _, twins in
    guard twins.count > 1 else { return nil }
    let nodes = twins.map { "\($0.node) (path \($0.path))" }.sorted().joined(separator: " and ")
    return Finding(
      port: nil, isProblem: false, what: "\(nodes) say the same of themselves, \(twins[0].usbText).",
      fix: "Names below /dev/serial/by-id lead to one of them only: bind them by path, and label the sockets.")
  }
}
