// What the real-time thread and the keeper's thread say to each other, through two rings.
//
// The hand-over: the keeper opens and answers with a descriptor (or a bus); the real-time thread adds it to its epoll;
// on an error it removes it and gives it back; the keeper closes it. So no descriptor that an epoll holds is ever
// closed, and its number is not used again.

import Domain

/// From the real-time thread to the keeper.
struct Order: BitwiseCopyable, Sendable {
  enum Kind: UInt8, BitwiseCopyable, Sendable {
    /// The port failed, or is to be opened anew: close it, then try again.
    case giveBack
    /// Try now.
    case nudge
    /// Close everything and end.
    case stop
  }
  var kind: Kind
  var port: PortID
}

/// From the keeper to the real-time thread.
struct Opening: BitwiseCopyable, Sendable {
  var port: PortID
  var generation: Generation
  /// `nil`: open.
  var failure: PortFailure?
  var code: Int32 = 0
  var descriptor: Int32 = -1
  /// The address of the `Bus`, which the keeper holds until the port was given back; 0 for ports in the epoll.
  var bus: UInt = 0
}
