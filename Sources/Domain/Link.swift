// What a port is on the outside. Not for the pipeline: these hold text.

/// Serial line settings.
public struct Line: Sendable, Equatable {
  public enum Parity: String, Sendable, CaseIterable { case none = "N", even = "E", odd = "O" }
  /// Bits a second.
  public var baud: Int
  /// 7 or 8.
  public var dataBits: Int
  public var parity: Parity
  /// 1 or 2.
  public var stopBits: Int
  /// The modem lines, where they must stand one way: some adapters feed a sensor by them. `nil`: left as the kernel sets them.
  public var rts: Bool? = nil
  public var dtr: Bool? = nil
  /// The kernel's driver switches an RS-485 transceiver by RTS.
  public var rs485 = false
  /// The line gives back what is sent on it.
  public var echoes = false
  /// How long after its opening the line is left alone: some boards restart when they are opened.
  public var settle = Interval.zero

  public init(baud: Int, dataBits: Int = 8, parity: Parity = .none, stopBits: Int = 1) {
    self.baud = baud
    self.dataBits = dataBits
    self.parity = parity
    self.stopBits = stopBits
  }
}

/// What a device says of itself on USB, so that it is found whatever name its port gets. What is `nil` may be anything.
public struct USBMatch: Sendable, Equatable {
  public var vendor: UInt16
  public var product: UInt16
  /// As the device tells it.
  public var serialNumber: String?
  /// Where it is plugged in, as the kernel counts: bus, then port by port, for example `1-2.3`.
  public var path: String?
  /// Of several interfaces of one device, from 0.
  public var interface: Int?
  /// How the product's name begins.
  public var productName: String?

  public init(
    vendor: UInt16, product: UInt16, serialNumber: String? = nil, path: String? = nil, interface: Int? = nil,
    productName: String? = nil
  ) {
    self.vendor = vendor
    self.product = product
    self.serialNumber = serialNumber
    self.path = path
    self.interface = interface
    self.productName = productName
  }
}

/// Where a port is.
public enum PortPlace: Sendable, Equatable {
  case path(String)
  case usb(USBMatch)

  /// As people write it.
  public var text: String {
    switch self {
    case .path(let path): path
    case .usb(let match): match.text
    }
  }
}

extension USBMatch {
  /// `usb 1a86:7523, path 1-2`.
  public var text: String {
    func hex(_ number: UInt16) -> String {
      let digits = String(number, radix: 16)
      return String(repeating: "0", count: 4 - digits.count) + digits
    }
    var text = "usb \(hex(vendor)):\(hex(product))"
    if let productName { text += " \(productName)" }
    if let serialNumber { text += ", serial number \(serialNumber)" }
    if let path { text += ", path \(path)" }
    if let interface { text += ", interface \(interface)" }
    return text
  }
}

/// How a port is reached and spoken to.
public enum Link: Sendable, Equatable {
  /// Bytes as they come: a tty in the real-time thread's epoll.
  case serial(PortPlace, Line)
  /// Requests and replies on a bus thread, through libmodbus.
  case modbusRTU(PortPlace, Line)
  /// One connection to a gateway, in the epoll.
  case modbusTCP(host: String, port: Int)
  /// Reports: read in the epoll, written on a thread of the port's own.
  case hid(USBMatch, HIDReports)

  public static func serial(path: String, _ line: Line) -> Link { .serial(.path(path), line) }
  public static func modbusRTU(path: String, _ line: Line) -> Link { .modbusRTU(.path(path), line) }
}

/// What reports a HID device must have, and which of its nodes speaks.
public struct HIDReports: Sendable, Equatable {
  /// Bytes of a report, without its number.
  public var length: Int
  /// The number before each report; `nil`: reports have none.
  public var number: UInt8?
  /// Of several nodes of one device the last, or the first.
  public var usesLastNode: Bool

  public init(length: Int, number: UInt8?, usesLastNode: Bool) {
    self.length = length
    self.number = number
    self.usesLastNode = usesLastNode
  }
}

/// One configured port.
public struct PortSettings: Sendable, Equatable {
  public var name: String
  public var link: Link

  public init(name: String, link: Link) {
    self.name = name
    self.link = link
  }
}
