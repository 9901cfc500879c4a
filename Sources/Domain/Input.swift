// Everything the pipeline is ever told, beside bytes: those come as a `Span` of their own, since a span inside an
// enum's payload would be counted references.

/// Why a request got no reply on a bus whose port does the waiting.
public enum RequestFailure: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case timedOut, badCheck, wrongReply, notSent
}

/// One input of a turn. Inputs of ports name port and generation; older generations are dropped and counted.
public enum Input: BitwiseCopyable, Sendable {
  case started(restored: Bool, downSeconds: Int64)
  /// The last orders are given; nothing is decided any more.
  case stopping
  /// The time for those orders is over.
  case stopped
  /// A deadline the pipeline named has come, or nothing in particular.
  case tick
  case portOpened(PortID, Generation)
  case portLost(PortID, Generation, PortFailure, errno: Int32)
  case requestFailed(PortID, Generation, RequestFailure)
  /// A whole reply of this unit was found on the bus when nobody waited for one.
  case lateReply(PortID, Generation, unit: UInt8)
  case command(Command)
  /// The log has (not) committed within its bound while work waits.
  case logStalled(Bool)
  case clockStepped(byNanoseconds: Int64)
  /// A buffer outside the pipeline dropped something.
  case lost(Loss, count: UInt64)
  /// The desk's beat.
  case beat
}
