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

  public init(baud: Int, dataBits: Int = 8, parity: Parity = .none, stopBits: Int = 1) {
    self.baud = baud
    self.dataBits = dataBits
    self.parity = parity
    self.stopBits = stopBits
  }
}

/// How a port is reached and spoken to.
public enum Link: Sendable, Equatable {
  /// Bytes as they come: a tty in the real-time thread's epoll.
  case serial(path: String, Line)
  /// Requests and replies on a bus thread, through libmodbus.
  case modbusRTU(path: String, Line)
  /// One connection to a gateway, in the epoll.
  case modbusTCP(host: String, port: Int)
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
