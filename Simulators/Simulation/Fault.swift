// What can go wrong on a wire, played on purpose. A fault spoils what a device would have sent, or keeps it from
// sending; it never touches the world, so everything is right again when it ends.

public import Domain

/// A device's misbehaviour.
public enum FaultKind: String, Sendable, CaseIterable {
  /// Says nothing.
  case silence
  /// Sends random bytes in place of each message.
  case noise
  /// One bit of the check is wrong; over Modbus TCP, which has no check, one bit of the transaction id.
  case badCheck = "bad_check"
  /// The second half of each message is missing.
  case cutFrame = "cut_frame"
  /// Keeps telling the values of the moment the fault began.
  case stuck
  /// Answers every Modbus request with exception 4.
  case exception
}

/// A fault and when it ends.
public struct Fault: Sendable {
  public var kind: FaultKind
  public var until: Instant

  public init(kind: FaultKind, until: Instant = .never) {
    self.kind = kind
    self.until = until
  }

  /// What goes out in place of `message`; `nil` for nothing. `check` is the index of the byte to spoil.
  func spoiled(_ message: [UInt8], check: Int, chance: inout Chance) -> [UInt8]? {
    switch kind {
    case .silence: return nil
    case .noise: return chance.bytes(message.count)
    case .cutFrame: return Array(message.prefix(message.count / 2))
    case .badCheck:
      var wrong = message
      if wrong.indices.contains(check) { wrong[check] ^= 0x01 }
      return wrong
    case .stuck, .exception: return message
    }
  }
}
