// The real-time thread's end of the recorder: it puts pieces into a ring and never waits. What finds no room is counted, and the
// recording says so.

public import Domain
import Rings

/// The real-time thread's end of the recorder.
public struct RecorderTap: ~Copyable {
  private let pieces: SharedRing<Piece>
  private let bell: Bell
  /// Ports on which personal bytes come.
  private let personal: Table<Bool>
  /// Nobody empties the ring where nothing is to be recorded.
  private let isOn: Bool
  private var missed: UInt64 = 0
  private var rungAt = Instant.past

  init(pieces: SharedRing<Piece>, bell: Bell, personal: [Bool], isOn: Bool) {
    self.isOn = isOn
    self.pieces = pieces
    self.bell = bell
    self.personal = Table(personal, filler: false)
  }

  public mutating func received(_ bytes: Span<UInt8>, from port: PortID, _ generation: Generation, at now: Instant) {
    put(bytes, .received, port, generation, now, hidden: isPersonal(port))
  }

  public mutating func sent(_ bytes: Span<UInt8>, to port: PortID, _ generation: Generation, at now: Instant) {
    put(bytes, .sent, port, generation, now, hidden: false)
  }

  public mutating func opened(_ port: PortID, _ generation: Generation, at now: Instant) { put(.opened, port, generation, now) }

  public mutating func lost(_ port: PortID, _ generation: Generation, _ failure: PortFailure, errno: Int32, at now: Instant) {
    put(.lost(failure, errno), port, generation, now)
  }

  /// - Parameter bytes: what came, check and all, though it is no good reply.
  public mutating func failed(_ bytes: Span<UInt8>, _ port: PortID, _ generation: Generation, _ failure: RequestFailure, at now: Instant) {
    put(bytes, .failed(failure), port, generation, now, hidden: isPersonal(port))
  }

  /// - Parameter bytes: a whole reply that nobody waited for.
  public mutating func late(_ bytes: Span<UInt8>, _ port: PortID, _ generation: Generation, at now: Instant) {
    put(bytes, .late, port, generation, now, hidden: isPersonal(port))
  }

  private func isPersonal(_ port: PortID) -> Bool { Int(port.index) < personal.capacity && personal[Int(port.index)] }

  /// What happened on the buses of this event's place is kept, if the event is a fault or an alarm.
  public mutating func saw(_ event: Event) {
    let mark: Mark
    switch event.body {
    case .alarmRaised: mark = .alarmRaised
    case .deviceDown: mark = .deviceDown
    case .portLost: mark = .portLost
    default: return
    }
    put(.freeze(mark, event.source), PortID(0), Generation(0), event.at.boot)
    if isOn { bell.ring() }
  }

  private mutating func put(_ kind: Piece.Kind, _ port: PortID, _ generation: Generation, _ now: Instant) {
    var piece = Piece(kind, at: now)
    piece.port = port
    piece.generation = generation
    push(piece)
  }

  private mutating func put(
    _ bytes: Span<UInt8>, _ kind: Piece.Kind, _ port: PortID, _ generation: Generation, _ now: Instant, hidden: Bool
  ) {
    var start = 0
    repeat {
      var piece = Piece(kind, at: now)
      piece.port = port
      piece.generation = generation
      let count = min(Piece.bytesMax, bytes.count - start)
      piece.goesOn = start + count < bytes.count
      for index in 0..<count {
        let byte = bytes[start + index]
        piece.bytes[index] = hidden ? Self.filler(for: byte) : byte
      }
      piece.count = UInt8(count)
      push(piece)
      start += count
    } while start < bytes.count
  }

  /// Codes and card texts are nobody's business afterwards: digits are 0, all else x. What ends and frames a line stays (STX, ETX,
  /// LF, CR), so that a replay sees as many lines as there were, of the same length.
  private static func filler(for byte: UInt8) -> UInt8 {
    switch byte {
    case 0x02, 0x03, 0x0A, 0x0D: byte
    case 0x30...0x39: 0x30
    default: 0x78
    }
  }

  private mutating func push(_ piece: Piece) {
    guard isOn else { return }
    if missed > 0 {
      guard pieces.push(Piece(.missed(missed), at: piece.at)) else {
        missed &+= 1
        return
      }
      missed = 0
    }
    if !pieces.push(piece) { missed = 1 }
    // Once a second is soon enough, and when the ring has become half full.
    if piece.at - rungAt >= .seconds(1) || pieces.count == pieces.capacity / 2 {
      rungAt = piece.at
      bell.ring()
    }
  }
}
