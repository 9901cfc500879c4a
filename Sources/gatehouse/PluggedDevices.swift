// What is plugged in, which bus of the settings claims it, and why not.

import Domain
import Foundation
import Ports
import Settings

/// A line of `gatehouse devices --plugged`.
struct Plugged: Encodable {
  var node: String
  var kind: String
  var usb: String
  var path: String
  var serial_number: String?
  var product: String?
  var interface: Int
  /// The bus that means it; none: nobody does.
  var bus: String?
  /// Why it is not, or may not be, used.
  var why: String?
}

/// All that is plugged in, with what the settings make of it. `settings`: none, when there are none that can be read.
func plugged(_ settings: Settings?, devices: [PluggedDevice]) -> [Plugged] {
  devices.sorted { $0.node < $1.node }.map { device in
    let claims = (settings?.ports ?? []).filter { $0.link.means(device) }
    var row = Plugged(
      node: device.node, kind: device.kind.rawValue, usb: device.usbText, path: device.path, serial_number: device.serialNumber,
      product: device.productName, interface: device.interface, bus: claims.first?.name)
    if let bus = claims.first {
      switch bus.link.found(among: devices) {
      case .ambiguous(let why)?: (row.bus, row.why) = (nil, "\(bus.name): \(why)")
      case .node(let node)? where node != device.node: (row.bus, row.why) = (nil, "\(bus.name) uses \(node) of it")
      case .node, .missing, nil: break
      }
    } else if settings != nil {
      row.why = "no bus means it"
    }
    return row
  }
}

func pluggedTable(_ rows: [Plugged]) -> Columns {
  var table = Columns([
    ("NODE", .left), ("USB", .left), ("PATH", .left), ("SERIAL NUMBER", .left), ("PRODUCT", .left), ("BUS", .left),
  ])
  for row in rows {
    table.add([row.node, row.usb, row.path, row.serial_number ?? "–", row.product ?? "–", row.bus ?? row.why ?? "–"])
  }
  return table
}

extension PluggedDevice {
  /// `1a86:7523`.
  var usbText: String { [vendor, product].map { String(format: "%04x", Int($0)) }.joined(separator: ":") }
}

extension Link {
  /// Whether a bus of the settings means this device, by its identity or by a path that leads to its node.
  func means(_ device: PluggedDevice) -> Bool {
    switch self {
    case .serial(.usb(let match), _), .modbusRTU(.usb(let match), _): device.kind == .serial && device.fits(match)
    case .hid(let match, _): device.kind == .hid && device.fits(match)
    case .serial(.path(let path), _), .modbusRTU(.path(let path), _):
      device.kind == .serial && URL(filePath: path).resolvingSymlinksInPath().path == device.node
    case .modbusTCP: false
    }
  }

  /// What the door finds for it by identity; `nil`: it goes by a path or a host.
  func found(among devices: [PluggedDevice]) -> Found? {
    switch self {
    case .serial(.usb(let match), _), .modbusRTU(.usb(let match), _): nodeOf(match, .serial, among: devices, usesLastNode: true)
    case .hid(let match, let reports): nodeOf(match, .hid, among: devices, usesLastNode: reports.usesLastNode)
    case .serial(.path, _), .modbusRTU(.path, _), .modbusTCP: nil
    }
  }
}
