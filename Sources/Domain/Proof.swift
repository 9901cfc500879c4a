// The words for a proof of a lane's alert path: that lamp and buzzer do what they do when somebody is elevated.

/// What a proof found of a lamp or a buzzer.
public enum SignalProof: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  /// The lane has none.
  case none
  /// Its board did not carry out the order, or does not read the relay back as on.
  case failed
  /// Its board took the order, and cannot tell of the relay.
  case written
  /// Its board read the relay back as on. Whether it shines or sounds, only a person knows.
  case confirmed

  public var name: String {
    switch self {
    case .none: "none"
    case .failed: "failed"
    case .written: "written"
    case .confirmed: "confirmed"
    }
  }
}

/// How a proof ended.
public enum ProofResult: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case proven, failed
  /// Somebody stepped up, a real alarm called, or the gate moved: they go first, and it says nothing.
  case interrupted
}
