// Goal: what is in the way of a device is said, with what to do; what is not, is not said. Method: a machine in a
// temporary folder (its /proc, /sys and rules), settings that mean devices there, and lists of what is plugged in.

import Domain
import Foundation
import Ports
import Settings
import Testing

@testable import gatehouse

private let eye = USBMatch(vendor: 0x1A86, product: 0x7523)

private func adapter(_ node: String, path: String, serialNumber: String? = "A1", interface: Int = 0) -> PluggedDevice {
  PluggedDevice(
    kind: .serial, node: node, vendor: 0x1A86, product: 0x7523, serialNumber: serialNumber, path: path, interface: interface,
    productName: "USB Serial")
}

/// A folder that stands for the root of a machine.
private final class Root {
  let machine: Machine

  init() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "machine-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    machine = Machine(root: folder)
  }

  deinit { try? FileManager.default.removeItem(atPath: machine.root) }

  func put(_ path: String, _ text: String = "") throws {
    let url = URL(filePath: machine.root + path)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  /// A process that holds a file.
  func run(_ program: String, number: Int, holding node: String) throws {
    try put("/proc/\(number)/comm", program + "\n")
    let folder = machine.root + "/proc/\(number)/fd"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: folder + "/3", withDestinationPath: node)
  }
}

private func settings(_ links: [Link]) throws -> Settings {
  let folder = FileManager.default.temporaryDirectory.appending(path: "settings-\(UUID().uuidString.prefix(8)).yaml").path
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try Data("site: { id: s, name: S, time_zone: Asia/Shanghai }\ndesk: none\nlog: { folder: /tmp/x }\nbuses: {}\ndevices: {}\n".utf8).write(to: URL(filePath: folder))
  var settings = try Settings.load(file: folder, profiles: "/nowhere")
  settings.ports = links.enumerated().map { PortSettings(name: "bus-\($0)", link: $1) }
  return settings
}

@Suite struct DoctorTests {
  @Test func saysWhatIsNotThere() throws {
    let root = try Root()
    let usb = try settings([.serial(.usb(eye), Line(baud: 9_600)), .serial(path: "/dev/ttyX", Line(baud: 9_600))])
    let findings = examine(usb, root.machine, devices: [], door: .none)
    #expect(findings.map(\.port) == ["bus-0", "bus-1"] && findings.allSatisfy { $0.isProblem })
    #expect(findings[0].what == "usb 1a86:7523 is not plugged in." && findings[1].what == "/dev/ttyX is not there.")
  }

  @Test func saysWhoHoldsAPort() throws {
    let root = try Root()
    try root.put("/dev/ttyUSB0")
    try root.run("minicom", number: 41, holding: "/dev/ttyUSB0")
    try root.run("gatehoused", number: 42, holding: "/dev/ttyUSB0")
    let one = try settings([.serial(.usb(eye), Line(baud: 9_600))])
    func said(_ door: RunningDoor) -> [String] {
      examine(one, root.machine, devices: [adapter("/dev/ttyUSB0", path: "1-1")], door: door).map(\.what)
    }
    // The door's own ports are no problem; those of another door are.
    #expect(said(.process(42)) == ["/dev/ttyUSB0 is held by minicom (process 41)."] && said(.unknown) == said(.process(42)))
    let both = "/dev/ttyUSB0 is held by minicom (process 41), gatehoused (process 42)."
    #expect(said(.none) == [both] && said(.process(43)) == [both])
  }

  @Test func saysWhichPortsAreNone() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "file-\(UUID().uuidString.prefix(8))").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    try Data().write(to: URL(filePath: file))
    let all = try settings([
      .serial(path: file, Line(baud: 9_600)), .modbusTCP(host: "no such host", port: 502), .modbusTCP(host: "::1", port: 502),
      .serial(path: "/dev/full", Line(baud: 9_600)), .modbusRTU(path: "/dev/full", Line(baud: 9_600)),
    ])
    let findings = examine(all, Machine(root: ""), devices: [], door: .unknown).filter { $0.port != nil }
    #expect(findings.map(\.port) == ["bus-0", "bus-1", "bus-4"])
    #expect(findings[0].what == "\(file) is not a serial line." && findings[1].what.hasPrefix("The host no such host is not known"))
    #expect(findings[2].what == "/dev/full is the port of bus-3 too.")
  }

  @Test func saysThatAnAdapterHoldsBytes() throws {
    let root = try Root()
    try root.put("/sys/bus/usb-serial/devices/ttyUSB0/latency_timer", "16\n")
    let one = try settings([.serial(.usb(eye), Line(baud: 9_600))])
    let findings = examine(one, root.machine, devices: [adapter("/dev/ttyUSB0", path: "1-1")], door: .none)
    #expect(findings.count == 1 && findings[0].what.contains("16 ms") && !findings[0].isProblem)
    try root.put("/sys/bus/usb-serial/devices/ttyUSB0/latency_timer", "1\n")
    #expect(examine(one, root.machine, devices: [adapter("/dev/ttyUSB0", path: "1-1")], door: .none).isEmpty)
  }

  @Test func saysWhichProgramsTakePorts() throws {
    let root = try Root()
    let none = try settings([])
    #expect(examine(none, root.machine, devices: [], door: .none).isEmpty)
    try root.put("/usr/lib/udev/rules.d/85-brltty.rules")
    try root.put("/proc/7/comm", "ModemManager\n")
    let findings = examine(none, root.machine, devices: [], door: .none)
    #expect(findings.map(\.isProblem) == [false, true])
    #expect(findings[0].fix.contains("apt-get remove brltty") && findings[1].what.contains("it is running"))
  }

  @Test func saysWhatCannotBeToldApart() throws {
    let root = try Root()
    let twins = [adapter("/dev/ttyUSB0", path: "1-1"), adapter("/dev/ttyUSB1", path: "1-2")]
    let one = try settings([.serial(.usb(eye), Line(baud: 9_600))])
    let findings = examine(one, root.machine, devices: twins, door: .none)
    #expect(findings.count == 2 && findings[0].isProblem && findings[0].what.hasSuffix("Say which one is meant with path: 1-1 or 1-2."))
    #expect(findings[1].what.contains("/dev/ttyUSB0 (path 1-1) and /dev/ttyUSB1 (path 1-2) say the same"))
    let other = [adapter("/dev/ttyUSB0", path: "1-1"), adapter("/dev/ttyUSB1", path: "1-2", serialNumber: "B2")]
    #expect(examine(try settings([]), root.machine, devices: other, door: .none).isEmpty)
  }

  @Test func saysWhoClaimsWhatIsPluggedIn() throws {
    let one = try settings([.serial(.usb(USBMatch(vendor: 0x1A86, product: 0x7523, path: "1-1")), Line(baud: 9_600))])
    let rows = plugged(one, devices: [adapter("/dev/ttyUSB1", path: "1-2"), adapter("/dev/ttyUSB0", path: "1-1")])
    #expect(rows.map(\.node) == ["/dev/ttyUSB0", "/dev/ttyUSB1"])
    #expect(rows.map(\.bus) == ["bus-0", nil] && rows.map(\.why) == [nil, "no bus means it"])
    let any = try settings([.serial(.usb(eye), Line(baud: 9_600))])
    let both = plugged(any, devices: [adapter("/dev/ttyUSB1", path: "1-2"), adapter("/dev/ttyUSB0", path: "1-1")])
    #expect(both.map(\.bus) == [nil, nil] && both[0].why?.hasPrefix("bus-0: usb 1a86:7523 fits /dev/ttyUSB1 (path 1-2") == true)
    // Two sticks are two; the two nodes of one are not.
    func stick(_ node: String, path: String, interface: Int = 0) -> PluggedDevice {
      PluggedDevice(kind: .hid, node: node, vendor: 0x1A86, product: 0x7523, serialNumber: nil, path: path, interface: interface, productName: nil)
    }
    let hid = try settings([.hid(eye, HIDReports(length: 8, number: nil, usesLastNode: true))])
    let sticks = [stick("/dev/hidraw0", path: "1-1"), stick("/dev/hidraw1", path: "1-2")]
    #expect(plugged(hid, devices: sticks).map(\.bus) == [nil, nil])
    let findings = examine(hid, try Root().machine, devices: sticks, door: .none)
    #expect(findings.first?.isProblem == true && findings.first?.what.contains("/dev/hidraw0") == true)
    let nodes = [stick("/dev/hidraw0", path: "1-1"), stick("/dev/hidraw1", path: "1-1", interface: 1)]
    #expect(plugged(hid, devices: nodes).map(\.bus) == [nil, "bus-0"] && plugged(hid, devices: nodes)[0].why == "bus-0 uses /dev/hidraw1 of it")
    #expect(plugged(nil, devices: [adapter("/dev/ttyUSB0", path: "1-1")]).map(\.why) == [nil])
  }

  /// 26.652524 degC with its low word first, as a reply of RTU and of TCP.
  @Test func showsWordsInEveryOrder() {
    let rtu: [UInt8] = [0x41, 0x03, 0x04, 0x38, 0x5F, 0x41, 0xD5]
    let tcp: [UInt8] = [0, 1, 0, 0, 0, 7] + rtu
    for frame in [rtu, tcp] {
      let lines = wordOrders(frame)
      #expect(lines.count == 2 && lines[0].contains("14431 (14431)  16853 (16853)"))
      #expect(lines[1].contains("le_words 1104492639 / 26.652525"), "\(lines)")
    }
    #expect(wordOrders([1, 1, 1, 0]).isEmpty && wordOrders([]).isEmpty && wordOrders([1, 3, 4, 0]).isEmpty)
  }
}
