// What is plugged in, from libudev: never from names below /dev, which change from one plug to the next.
//
// The monitor is opened before anything is listed, so that nothing appears unseen between the two. When the kernel's
// queue overflows (ENOBUFS) everything is listed again.

import CUdev
public import Domain
import Glibc

/// A serial line or a HID node, and the USB device it belongs to.
public struct PluggedDevice: Sendable, Equatable {
  public enum Kind: String, Sendable { case serial, hid }

  public var kind: Kind
  /// For example /dev/ttyUSB0: until it is plugged again.
  public var node: String
  public var vendor: UInt16
  public var product: UInt16
  public var serialNumber: String?
  /// `1-2.3`: the same as long as it stays in this socket.
  public var path: String
  public var interface: Int
  public var productName: String?

  public init(
    kind: Kind, node: String, vendor: UInt16, product: UInt16, serialNumber: String?, path: String, interface: Int,
    productName: String?
  ) {
    self.kind = kind
    self.node = node
    self.vendor = vendor
    self.product = product
    self.serialNumber = serialNumber
    self.path = path
    self.interface = interface
    self.productName = productName
  }
}

extension PluggedDevice {
  /// Whether it is what the settings describe.
  public func fits(_ match: USBMatch) -> Bool {
    vendor == match.vendor && product == match.product && (match.serialNumber.map { $0 == serialNumber } ?? true)
      && (match.path.map { $0 == path } ?? true) && (match.interface.map { $0 == interface } ?? true)
      && (match.productName.map { productName?.hasPrefix($0) ?? false } ?? true)
  }

  /// `/dev/ttyUSB0 (path 1-2, serial number A50285BI, interface 0)`.
  var described: String {
    let number = serialNumber.map { ", serial number \($0)" } ?? ", no serial number"
    return "\(node) (path \(path)\(number), interface \(interface))"
  }
}

/// What the settings mean, among what is plugged in.
public enum Found: Sendable, Equatable {
  case node(String)
  case missing
  /// More than one fits; how to tell them apart.
  case ambiguous(String)
}

/// Belongs to one thread. Safe: what it holds is made by `init`, released by `deinit`, and used in between only.
@safe final class Udev {
  private let context: OpaquePointer
  private let monitor: OpaquePointer?
  /// Readable when something was plugged in or out; -1: nobody tells.
  let descriptor: Int32

  init?() {
    guard let context = unsafe udev_new() else { return nil }
    unsafe self.context = context
    unsafe monitor = udev_monitor_new_from_netlink(context, "udev")
    var watched: Int32 = -1
    if let monitor = unsafe monitor {
      for subsystem in ["tty", "hidraw"] {
        _ = unsafe udev_monitor_filter_add_match_subsystem_devtype(monitor, subsystem, nil)
      }
      if unsafe udev_monitor_enable_receiving(monitor) >= 0 { watched = unsafe udev_monitor_get_fd(monitor) }
    }
    descriptor = watched
  }

  deinit {
    if let monitor = unsafe monitor { _ = unsafe udev_monitor_unref(monitor) }
    _ = unsafe udev_unref(context)
  }

  /// Takes what the monitor has told; whether something came, changed or went, or was missed.
  func changed() -> Bool {
    guard let monitor = unsafe monitor, descriptor >= 0 else { return false }
    var changed = false
    while true {
      errno = 0
      guard let device = unsafe udev_monitor_receive_device(monitor) else {
        if errno == ENOBUFS { changed = true; continue }
        return changed
      }
      changed = true
      _ = unsafe udev_device_unref(device)
    }
  }

  /// Everything that is plugged in and speaks USB.
  func devices() -> [PluggedDevice] { devices(in: "tty", .serial) + devices(in: "hidraw", .hid) }

  /// The node the settings mean.
  func find(_ match: USBMatch, _ kind: PluggedDevice.Kind, usesLastNode: Bool) -> Found {
    nodeOf(match, kind, among: devices(), usesLastNode: usesLastNode)
  }

  private func devices(in subsystem: String, _ kind: PluggedDevice.Kind) -> [PluggedDevice] {
    guard let list = unsafe udev_enumerate_new(context) else { return [] }
    defer { _ = unsafe udev_enumerate_unref(list) }
    _ = unsafe udev_enumerate_add_match_subsystem(list, subsystem)
    _ = unsafe udev_enumerate_scan_devices(list)
    var found: [PluggedDevice] = []
    var entry = unsafe udev_enumerate_get_list_entry(list)
    while let one = unsafe entry {
      if let path = unsafe udev_list_entry_get_name(one), let device = unsafe udev_device_new_from_syspath(context, path) {
        if let plugged = unsafe read(device, kind) { found.append(plugged) }
        _ = unsafe udev_device_unref(device)
      }
      unsafe entry = udev_list_entry_get_next(one)
    }
    return found
  }

  /// `nil`: it has no node, or nobody says what it is.
  private func read(_ device: OpaquePointer, _ kind: PluggedDevice.Kind) -> PluggedDevice? {
    guard let node = unsafe text(udev_device_get_devnode(device)) else { return nil }
    return unsafe readUSB(device, kind, node) ?? (kind == .hid ? readHID(device, node) : nil)
  }

  /// A HID device that is on no USB, such as one by radio or one that a program plays: the kernel's HID layer knows its numbers,
  /// as `bus:vendor:product`, and what there is of a serial number and a place.
  private func readHID(_ device: OpaquePointer, _ node: String) -> PluggedDevice? {
    guard let parent = unsafe udev_device_get_parent_with_subsystem_devtype(device, "hid", nil) else { return nil }
    func property(_ name: String) -> String? { unsafe text(udev_device_get_property_value(parent, name)).flatMap { $0.isEmpty ? nil : $0 } }
    let numbers = property("HID_ID")?.split(separator: ":").compactMap { UInt32($0, radix: 16) } ?? []
    guard numbers.count == 3, let path = unsafe property("HID_PHYS") ?? text(udev_device_get_sysname(parent)) else { return nil }
    return PluggedDevice(
      kind: .hid, node: node, vendor: UInt16(truncatingIfNeeded: numbers[1]), product: UInt16(truncatingIfNeeded: numbers[2]),
      serialNumber: property("HID_UNIQ"), path: path, interface: 0, productName: property("HID_NAME"))
  }

  private func readUSB(_ device: OpaquePointer, _ kind: PluggedDevice.Kind, _ node: String) -> PluggedDevice? {
    guard let usb = unsafe udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_device"),
      let vendor = unsafe number(udev_device_get_sysattr_value(usb, "idVendor")),
      let product = unsafe number(udev_device_get_sysattr_value(usb, "idProduct")),
      let path = unsafe text(udev_device_get_sysname(usb))
    else { return nil }
    let interface = unsafe udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_interface")
    return unsafe PluggedDevice(
      kind: kind, node: node, vendor: vendor, product: product, serialNumber: text(udev_device_get_sysattr_value(usb, "serial")),
      path: path, interface: interface.flatMap { unsafe number(udev_device_get_sysattr_value($0, "bInterfaceNumber")) }.map { Int($0) } ?? 0,
      productName: text(udev_device_get_sysattr_value(usb, "product")))
  }

  private func text(_ pointer: UnsafePointer<CChar>?) -> String? { unsafe pointer.map { unsafe String(cString: $0) } }
  private func number(_ pointer: UnsafePointer<CChar>?) -> UInt16? { unsafe text(pointer).flatMap { UInt16($0, radix: 16) } }
}

/// The node that the settings mean, among what is plugged in: what the door opens and what tools say that it opens.
/// - Parameter usesLastNode: of a HID device with several, the last is meant; the first otherwise.
public func nodeOf(_ match: USBMatch, _ kind: PluggedDevice.Kind, among devices: [PluggedDevice], usesLastNode: Bool) -> Found {
  var fitting = devices.filter { $0.kind == kind && $0.fits(match) }.sorted { $0.interface < $1.interface }
  // One stick with several nodes is not two sticks.
  if kind == .hid, match.interface == nil, Set(fitting.map(\.path)).count == 1 {
    fitting = [usesLastNode ? fitting.last : fitting.first].compactMap(\.self)
  }
  switch fitting.count {
  case 0: return .missing
  case 1: return .node(fitting[0].node)
  default: return .ambiguous(ambiguity(match, fitting))
  }
}

private func ambiguity(_ match: USBMatch, _ fitting: [PluggedDevice]) -> String {
  let numbers = Set(fitting.compactMap(\.serialNumber))
  let hint: String
  if Set(fitting.map(\.path)).count < fitting.count {
    hint = "interface: \(fitting.map { String($0.interface) }.joined(separator: " or "))"
  } else if numbers.count == fitting.count {
    hint = "serial_number: \(fitting.compactMap(\.serialNumber).joined(separator: " or "))"
  } else {
    hint = "path: \(fitting.map(\.path).joined(separator: " or "))"
  }
  return "\(match.text) fits \(fitting.map(\.described).joined(separator: " and ")). Say which one is meant with \(hint)."
}

/// Everything that is plugged in now and speaks USB; empty where nobody can say.
public func pluggedDevices() -> [PluggedDevice] { Udev()?.devices() ?? [] }
