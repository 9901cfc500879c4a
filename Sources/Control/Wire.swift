// The words of the two sockets. Each line is one JSON object in UTF-8 that ends with a newline; 64 KB at most in
// either direction, except the answer to `status`, which may be 1 MB. The first line each way is the hello.
//
//   command.sock   → {"protocol":"gatehouse-command","version":1}
//                  ← {"protocol":"gatehouse-command","version":1}
//                  → {"id":"…uuid…","command":"override","lane":"north-door","who":"…","why":"…","origin":"command_line"}
//                  ← {"answer":"done","durable":true,"event":"9f3c…-000418","id":"…uuid…","seq":418}
//
//   events.sock    → {"protocol":"gatehouse-events","version":1}
//                  ← {"protocol":"gatehouse-events","version":1}
//                  ← {"seq":418,"stream":"records"}                      a doorbell: this seq can be read in the log
//                  ← {"specversion":"1.0",…,"durable":false}             an event whole, while the log is stalled
//                  → {"request":"status"}
//                  ← {"status":{…}}
//
// A line that breaks the protocol gets one line {"error":…,"message":…} and the connection ends. A well-formed line
// that asks for something impossible gets an answer, and the connection goes on.

public import Domain
public import Foundation

/// The first line each way.
public struct Hello: Codable, Sendable, Equatable {
  public var `protocol`: String
  public var version: Int

  public static let command = Hello(protocol: "gatehouse-command", version: 1)
  public static let events = Hello(protocol: "gatehouse-events", version: 1)

  public init(protocol name: String, version: Int) {
    self.protocol = name
    self.version = version
  }
}

/// Where the sockets lie.
public struct ControlPaths: Sendable, Equatable {
  public var command: String
  public var events: String

  /// The group that may give orders at `command.sock`.
  static let operators = "gatehouse-operators"
  /// The group that may watch at `events.sock`.
  static let watchers = "gatehouse"

  /// `command.sock` and `events.sock` in `folder`: the log's folder unless GATEHOUSE_RUN_DIR says otherwise.
  public init(folder: String) {
    command = folder + "/command.sock"
    events = folder + "/events.sock"
  }
}

/// The bounds of the sockets. Tests shrink them.
public struct ControlLimits: Sendable {
  /// Clients a socket; the next is turned away with a line that says so.
  public var clients = 64
  /// Bytes of a line that comes in, newline included.
  public var lineMax = 65_536
  /// Bytes that wait for a client; a client that lets more gather is dropped.
  public var outMax = 2_097_152
  /// Bytes of the answer to `status`: some 5,000 devices. It may wait for a client beside what else does.
  public var statusMax = 16_777_216
  /// How long a client may leave what it was sent before it is dropped.
  public var readWithin = Interval.seconds(30)
  /// Commands of one client that wait for their answer.
  public var pendingMax = 64
  /// Commands whose answers are remembered.
  public var remembered = 1024
  /// Not-durable events and answers on their way to the sockets' thread.
  public var handedOver = 8192
  /// How long a client may take to say hello.
  public var helloWithin = Interval.seconds(10)
  /// How long after a command's own time its answer may take before the client hears `no_answer`.
  public var answerWithin = Interval.seconds(5)

  public init() {}
}

/// What the log says about a command once its event is committed, or can't be.
public struct AnsweredCommand: Sendable, Equatable {
  public var id: CommandID
  public var done: Bool
  /// Why not, when it was refused: a name as `Refusal.name` gives.
  public var reason: String?
  /// What it lacks, by name.
  public var missing: String?
  /// The id of the event `command.answered`.
  public var event: String
  /// Absent when not durable.
  public var seq: Int64?

  public init(id: CommandID, answer: Answer, missing: String? = nil, event: String, seq: Int64?) {
    self.id = id
    self.missing = missing
    switch answer {
    case .done:
      done = true
      reason = nil
    case .refused(let refusal), .refusedFor(let refusal, _):
      done = false
      reason = refusal.name
    }
    self.event = event
    self.seq = seq
  }

  public static func == (a: AnsweredCommand, b: AnsweredCommand) -> Bool {
    a.id == b.id && a.done == b.done && a.reason == b.reason && a.missing == b.missing && a.event == b.event && a.seq == b.seq
  }
}

/// The answer to a command as it goes over the socket.
public struct CommandAnswer: Codable, Sendable, Equatable {
  public enum Outcome: String, Codable, Sendable {
    case done
    case refused
    /// The door does not know whether it happened: the client must look, not assume.
    case unknown
  }
  public var id: String?
  public var answer: Outcome
  /// A name for programs: as in the log, or `busy`, `bad_request`, `not_supported`, `no_answer`.
  public var reason: String?
  /// What a refused command lacks, by name: a room, or an item of the checklist.
  public var missing: String?
  /// Words for people.
  public var message: String?
  public var event: String?
  public var seq: Int64?
  public var durable: Bool

  public init(
    id: String?, answer: Outcome, reason: String? = nil, missing: String? = nil, message: String? = nil, event: String? = nil,
    seq: Int64? = nil, durable: Bool = false
  ) {
    self.id = id
    self.answer = answer
    self.reason = reason
    self.missing = missing
    self.message = message
    self.event = event
    self.seq = seq
    self.durable = durable
  }

  init(_ answered: AnsweredCommand) {
    self.init(
      id: answered.id.text, answer: answered.done ? .done : .refused, reason: answered.reason, missing: answered.missing,
      event: answered.event, seq: answered.seq, durable: answered.seq != nil)
  }
}

/// A line that ends a connection.
struct ErrorLine: Codable, Equatable {
  var error: String
  var message: String
}

/// Something new can be read in the log.
public struct Doorbell: Codable, Sendable, Equatable {
  public var stream: String
  public var seq: Int64

  public init(stream: String, seq: Int64) {
    self.stream = stream
    self.seq = seq
  }
}

extension CommandID {
  /// 36 characters, lower case.
  public var text: String { uuid.uuidString.lowercased() }

  public var uuid: UUID {
    func byte(_ word: UInt64, _ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * index)) }
    return UUID(
      uuid: (
        byte(high, 0), byte(high, 1), byte(high, 2), byte(high, 3), byte(high, 4), byte(high, 5), byte(high, 6),
        byte(high, 7), byte(low, 0), byte(low, 1), byte(low, 2), byte(low, 3), byte(low, 4), byte(low, 5), byte(low, 6),
        byte(low, 7)
      ))
  }

  public init(_ uuid: UUID) {
    let b = uuid.uuid
    func word(_ bytes: [UInt8]) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
    self.init(
      high: word([b.0, b.1, b.2, b.3, b.4, b.5, b.6, b.7]), low: word([b.8, b.9, b.10, b.11, b.12, b.13, b.14, b.15]))
  }
}

extension CommandAnswer {
  /// As it goes over the socket, without the newline.
  public func line() -> Data { JSONLine.encode(self) }
}
