// The door's two sockets: commands in and their answers out, doorbells and status for whoever watches. One thread of
// its own, one `poll`, non-blocking sockets; never the real-time thread. Other threads hand over what they have to say
// under a lock that is held for a copy, and wake it. Every buffer has a bound; whoever does not read is dropped
// and counted, so that no client can hold up the others or the door.

public import Domain
public import Foundation
public import Rings

/// Serves `command.sock` and `events.sock`.
///
///     let server = try ControlServer(paths: ControlPaths(folder: "/var/lib/gatehouse"), names: names,
///       commands: ring, bell: bell) { status.line() }
///     Thread { server.run() }.start()
///     …
///     server.committed(.records, seq: 418)       // from the log's commit thread
///     server.stop()                              // `run` returns and the socket files are gone
public final class ControlServer: Sendable {
  private let parts: ControlParts

  /// Opens both sockets; `run` serves them.
  /// - Parameters:
  ///   - commands: where commands go; this server is its only producer.
  ///   - bell: rung after each push, so that the real-time thread wakes up.
  ///   - status: one JSON object without a newline; called on the sockets' thread.
  public convenience init(
    paths: ControlPaths, names: Names, commands: SharedRing<Command>, bell: Bell, limits: ControlLimits = ControlLimits(),
    status: @escaping @Sendable () -> Data
  ) throws(ControlError) {
    try self.init(
      paths: paths, names: names, limits: limits, clock: bootClock,
      submit: { command in
        guard commands.push(command) else { return false }
        bell.ring()
        return true
      }, status: status)
  }

  /// As above with any way to hand a command over (`false`: no room) and any clock.
  public init(
    paths: ControlPaths, names: Names, limits: ControlLimits = ControlLimits(), clock: @escaping @Sendable () -> Instant,
    submit: @escaping @Sendable (Command) -> Bool, status: @escaping @Sendable () -> Data
  ) throws(ControlError) {
    parts = try ControlParts(
      command: Listener(path: paths.command, group: ControlPaths.operators),
      events: Listener(path: paths.events, group: ControlPaths.watchers), names: names, limits: limits, clock: clock,
      submit: submit, status: status, inbox: Inbox(limits: limits))
  }

  /// Serves until `stop`. Call once, on a thread of its own.
  public func run() {
    var loop = ControlLoop(parts)
    loop.run()
  }

  /// `seq` of `stream` can be read in the log. `answers`: of the commands whose events were committed with it.
  public func committed(_ stream: Domain.Stream, seq: Int64, answers: [AnsweredCommand] = []) {
    parts.inbox.committed(stream, seq: seq, answers: answers)
  }

  /// Events that could not be made durable: whole CloudEvents with `durable: false`, one a line, without newlines.
  public func notDurable(_ events: [Data], answers: [AnsweredCommand] = []) {
    parts.inbox.notDurable(events, answers: answers)
  }

  /// Ends `run`, closes every connection and removes the socket files.
  public func stop() { parts.inbox.stop() }

  /// Makes the loop look at its clock: for tests, whose clock only moves when they say so.
  func wake() { parts.inbox.wake() }

  /// Any thread may ask.
  public var counters: ControlCounters { parts.inbox.counters }
}
