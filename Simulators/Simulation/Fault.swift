// What can go wrong on a wire or in a sensor, played on purpose. A fault spoils what a device would have sent, or keeps it
// from sending; it never touches the world, so everything is right again when it ends.

public import Domain

/// A device's misbehaviour. `by` is said with each kind that has one.
public enum FaultKind: String, Sendable, CaseIterable {
  /// Says nothing. Of a TCP peer: accepts, and is silent.
  case silence
  /// Each message comes `by` seconds later.
  case delay
  /// Each answer comes after whoever asked has given up: half as long again as they wait.
  case late
  /// Each message comes in two pieces, `by` seconds apart.
  case split
  /// Each message takes `by` seconds a byte; nothing new begins before it is out.
  case trickle
  /// Closes the TCP connection in place of each answer.
  case hangUp = "hang_up"
  /// Closes each TCP connection as soon as it is made, and the one there is in place of an answer.
  case drops
  /// Sends random bytes in place of each message.
  case noise
  /// `by` random bytes come before each message.
  case junkBefore = "junk_before"
  /// `by` random bytes come behind each message.
  case junkAfter = "junk_after"
  /// What a receiver hears whose baud rate is `by` times the sender's.
  case baud
  /// One bit of the check is wrong; over Modbus TCP, which has no check, one bit of the transaction id.
  case badCheck = "bad_check"
  /// The second half of each message is missing.
  case cutFrame = "cut_frame"
  /// The last byte before the check is missing. Over Modbus, check and header are right for what is left.
  case wrongLength = "wrong_length"
  /// Whoever asks on a line hears their own request first.
  case echo
  /// Answers under the next unit's number.
  case wrongUnit = "wrong_unit"
  /// Answers what the others on its bus are asked too, before they do.
  case answersOthers = "answers_others"
  /// Answers every Modbus request with exception `by`.
  case exception
  /// Keeps telling the values of the moment the fault began.
  case stuck
  /// What it measures is shown `by` too high, in the unit of the value.
  case jump
  /// What it measures is shown wrong by `by` more each hour.
  case drift
  /// Follows what it measures slowly: in `by` seconds to 63 % of a change.
  case slow
  /// A CO2 sensor takes the lowest value of each `by` hours for 400 ppm, and moves its zero there during the next.
  case selfCalibrates = "self_calibrates"
  /// Tells the profile's own words for "no value".
  case sentinel
  /// A thermometer that shows everybody as a body of `by` degC.
  case normalises

  /// What `by` is unless it is said, and what it may be; `nil`: it has no meaning.
  var measure: (ordinary: Double?, range: ClosedRange<Double>)? {
    switch self {
    case .delay: (0.1, 0...3_600)
    case .split: (0.05, 0...3_600)
    case .trickle: (1, 0.001...3_600)
    case .junkBefore, .junkAfter: (3, 1...256)
    case .baud: (2, 0.1...10)
    case .exception: (4, 1...255)
    case .jump, .drift: (nil, -1e6...1e6)
    // Sensors without a response time of their own: a minute; Senseair's period.
    case .slow: (60, 0.1...86_400)
    case .selfCalibrates: (180, 0.01...10_000)
    case .normalises: (36.5, 30...45)
    case .silence, .late, .hangUp, .drops, .noise, .badCheck, .cutFrame, .wrongLength, .echo, .wrongUnit, .answersOthers, .stuck, .sentinel: nil
    }
  }
}

/// A fault and when it ends.
public struct Fault: Sendable {
  public var kind: FaultKind
  public var since: Instant
  public var until: Instant
  /// How likely each message is spoiled, 0 to 1.
  public var chance: Double
  /// How much, by the kind's own measure.
  public var by: Double

  public init(kind: FaultKind, since: Instant = Instant(ns: 0), until: Instant = .never, chance: Double = 1, by: Double = 0) {
    self.kind = kind
    self.since = since
    self.until = until
    self.chance = chance
    self.by = by
  }

  /// A part of a message, and how much later than the message it comes.
  struct Piece: Equatable {
    var after: Interval
    var bytes: [UInt8]
  }

  /// What goes out in place of `message`; empty for nothing.
  /// - Parameters:
  ///   - check: the index of the byte to spoil.
  ///   - patience: how long whoever asked waits for it.
  func pieces(of message: [UInt8], check: Int, patience: Interval, chance: inout Chance) -> [Piece] {
    switch kind {
    case .silence, .hangUp, .drops: return []
    case .delay: return [Piece(after: seconds(by), bytes: message)]
    case .late: return [Piece(after: Interval(ns: patience.ns + patience.ns / 2), bytes: message)]
    case .split:
      let half = message.count / 2
      return [Piece(after: .zero, bytes: Array(message[..<half])), Piece(after: seconds(by), bytes: Array(message[half...]))]
    case .trickle: return message.enumerated().map { Piece(after: seconds(by) * Int64($0.offset), bytes: [$0.element]) }
    case .noise: return now(chance.bytes(message.count))
    case .junkBefore: return now(chance.bytes(Int(by)) + message)
    case .junkAfter: return now(message) + now(chance.bytes(Int(by)))
    case .baud: return now(misheard(message, rate: by))
    case .cutFrame: return now(Array(message.prefix(message.count / 2)))
    case .badCheck:
      var wrong = message
      if wrong.indices.contains(check) { wrong[check] ^= 0x01 }
      return now(wrong)
    case .echo, .wrongLength, .wrongUnit, .answersOthers, .exception, .stuck, .jump, .drift, .slow, .selfCalibrates, .sentinel, .normalises:
      return now(message)
    }
  }

  private func now(_ bytes: [UInt8]) -> [Piece] { [Piece(after: .zero, bytes: bytes)] }
  private func seconds(_ count: Double) -> Interval { Interval(ns: Int64(count * 1e9)) }
}

/// What a receiver hears of bytes with eight bits, no parity and one stop bit that follow each other at once, when its own baud rate
/// is `rate` times the sender's: from each falling edge on, the line's level in the middle of its own bits.
func misheard(_ bytes: [UInt8], rate: Double) -> [UInt8] {
  // In the sender's bits; the line rests high.
  func isHigh(_ moment: Double) -> Bool {
    let bit = Int(moment)
    guard bit < 10 * bytes.count else { return true }
    return bit % 10 == 9 || bit % 10 > 0 && bytes[bit / 10] >> UInt8(bit % 10 - 1) & 1 == 1
  }
  var heard: [UInt8] = []
  var moment = 0.0, wasHigh = true
  while moment < Double(10 * bytes.count) {
    let isFalling = wasHigh && !isHigh(moment)
    wasHigh = isHigh(moment)
    if !isFalling { moment = moment.rounded(.down) + 1; continue }
    var byte: UInt8 = 0
    for bit in 0..<8 where isHigh(moment + (Double(bit) + 1.5) / rate) { byte |= 1 << UInt8(bit) }
    heard.append(byte)
    moment += 9.5 / rate
    wasHigh = isHigh(moment)
  }
  return heard
}
