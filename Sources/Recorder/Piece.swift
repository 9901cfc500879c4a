// What goes from the real-time thread to the recorder's: pieces of fixed size.

public import Domain

/// One thing that happened on a bus, or a part of one: longer messages come in several pieces.
public struct Piece: BitwiseCopyable, Sendable {
  static let bytesMax = 64

  enum Kind: BitwiseCopyable, Sendable {
    case opened
    case lost(PortFailure, Int32)
    case received
    case sent
    /// And what came instead of a good reply.
    case failed(RequestFailure)
    /// A whole reply that nobody waited for.
    case late
    /// Something happened at this place that is worth keeping what led to it.
    case freeze(Mark, Place)
    /// This many pieces before this one found no room.
    case missed(UInt64)
  }

  var kind: Kind
  var port = PortID(0)
  var generation = Generation(0)
  var at: Instant
  /// The next piece is of the same message.
  var goesOn = false
  var count: UInt8 = 0
  var bytes = InlineArray<64, UInt8>(repeating: 0)

  init(_ kind: Kind, at now: Instant) {
    self.kind = kind
    at = now
  }
}

/// What makes the recorder keep what led to it.
public enum Mark: UInt8, BitwiseCopyable, Sendable {
  case alarmRaised, deviceDown, portLost

  /// As the event's type says it.
  var name: String {
    switch self {
    case .alarmRaised: "alarm.raised"
    case .deviceDown: "device.down"
    case .portLost: "port.lost"
    }
  }
}
