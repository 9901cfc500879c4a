// A port in virtual time, between the pipeline's sends and the world's bytes: what module Ports does with descriptors
// and threads. Streams and connections pass bytes on. A Modbus RTU bus carries one request after the other, those to actuators
// first, adds and checks the CRC, and says what became of each.

import Domain
import Settings

/// What a port tells the door.
enum VirtualArrival {
  /// `proper`: how many of them belong to a message as its device meant it.
  case bytes([UInt8], proper: Int)
  case failed(RequestFailure)
  case late(unit: UInt8)
}

struct VirtualPort {
  private(set) var isOpen = false
  private(set) var generation = Generation(0)
  /// When it is tried again; `never` while it is open or pulled.
  var opensAt = Instant.never
  private let isBus: Bool
  let isTCP: Bool
  private var backOff = BackOff()
  private var openedAt = Instant.past
  private var urgent: [Request] = []
  private var polls: [Request] = []
  private var asked: Request?
  private var answersUntil = Instant.never
  /// What came since the request was sent.
  private var heard: [UInt8] = []
  private var heardProper = 0

  private struct Request {
    var bytes: [UInt8]
    var replyWithin: Interval
  }

  /// How soon a port is opened after it is there (again).
  static var look: Interval { .milliseconds(500) }
  /// As many as a real bus lets wait.
  private static var queueMax: Int { 8 }

  init(_ link: Link) {
    isBus = if case .modbusRTU = link { true } else { false }
    isTCP = if case .modbusTCP = link { true } else { false }
  }

  /// The world's name of this opening: each TCP connection is another one.
  var connection: Int { isTCP ? Int(generation.number) : 0 }
  var nextDeadline: Instant { min(opensAt, answersUntil) }

  mutating func open(at now: Instant) {
    self = reset()
    isOpen = true
    openedAt = now
    generation = Generation(generation.number &+ 1)
  }

  mutating func close() { self = reset() }

  /// Whoever listened has hung up.
  mutating func tryAgain(at now: Instant) {
    backOff.wasOpen(for: now - openedAt)
    opensAt = backOff.next(after: now)
  }

  private func reset() -> VirtualPort {
    var port = self
    port.isOpen = false
    port.opensAt = .never
    port.urgent = []
    port.polls = []
    port.asked = nil
    port.answersUntil = .never
    port.heard = []
    port.heardProper = 0
    return port
  }

  /// Takes in what shall be sent. `false`: the port is not the one that was meant, or is full.
  mutating func queue(_ bytes: [UInt8], _ send: Send) -> Bool {
    guard isOpen, send.generation == generation, urgent.count + polls.count < Self.queueMax else { return false }
    let request = Request(bytes: bytes, replyWithin: send.replyWithin)
    if case .actuator = send.urgency { urgent.append(request) } else { polls.append(request) }
    return true
  }

  /// The next bytes for the wire.
  mutating func next(at now: Instant) -> [UInt8]? {
    guard asked == nil, let request = urgent.first ?? polls.first else { return nil }
    if urgent.isEmpty { polls.removeFirst() } else { urgent.removeFirst() }
    guard isBus else { return request.bytes }
    guard let unit = request.bytes.first, request.bytes.count > 1 else { return request.bytes }
    // A broadcast has no answer.
    if unit > 0 {
      asked = request
      answersUntil = now + request.replyWithin
    }
    heard = []
    heardProper = 0
    return rtuFrame(unit: unit, Array(request.bytes.dropFirst()))
  }

  /// Bytes from the far end.
  mutating func take(_ delivery: Delivery, at now: Instant) -> VirtualArrival? {
    guard isOpen, !isTCP || delivery.connection == connection else { return nil }
    guard isBus else { return .bytes(delivery.bytes, proper: delivery.proper) }
    heard += delivery.bytes
    heardProper += delivery.proper
    // Over a message and its own check it is 0.
    guard heard.count > 3, crc16(heard[...]) == 0 else { return nil }
    let reply = Array(heard.dropLast(2)), isProper = heardProper == heard.count
    heard = []
    heardProper = 0
    guard let asked else { return .late(unit: reply[0]) }
    guard reply[0] == asked.bytes[0], reply[1] & 0x7F == asked.bytes[1] & 0x7F else { return .late(unit: reply[0]) }
    self.asked = nil
    answersUntil = .never
    return .bytes(reply, proper: isProper ? reply.count : 0)
  }

  /// A request whose time is over.
  mutating func expire(at now: Instant) -> VirtualArrival? {
    guard answersUntil <= now else { return nil }
    asked = nil
    answersUntil = .never
    return .failed(heard.isEmpty ? .timedOut : .badCheck)
  }
}
