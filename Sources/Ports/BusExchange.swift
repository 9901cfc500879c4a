// One request and its reply on a bus.
//
// libmodbus sends, receives and checks the CRC for units 1 to 247 and the functions it knows. It is given the open tty
// (never `modbus_connect`), and a byte time-out of zero, which makes the reply's time-out one deadline for all of it:
// a device that sends a byte now and then cannot hold the bus. Its reply parsers are not used: the PDU is decoded in
// Swift. A return of 0 means a frame of another unit, never data.
//
// Units 248 to 255, which `modbus_set_slave` refuses, and functions whose length libmodbus does not know go over the same
// descriptor with our own framer.

import CModbus
import Domain
import Glibc

/// What carries the requests of one bus.
protocol Exchange: ~Copyable {
  mutating func carry(_ request: BusRequest) -> BusReply
  /// The next of the replies that were found meanwhile and answer nothing that was asked now.
  mutating func takeLate() -> BusReply?
}

/// Owns one context of libmodbus. Safe: it is made by `init`, freed by `deinit`, and used by one thread in between.
@safe struct BusExchange: Exchange, ~Copyable {
  private let context: OpaquePointer
  private let descriptor: Int32
  /// Silence that separates frames: 3.5 characters, 1.75 ms above 19,200 baud (Modbus over serial line 1.02, 2.5.1.1).
  private let silence: Interval
  private let echoes: Bool
  private var lastByte = Instant.past
  /// A device that was woken needs this long before its request.
  private var wakesUntil = Instant.past
  private var late: [BusReply] = []

  /// `nil`: libmodbus refused the settings, see `errno`.
  init?(descriptor: Int32, line: Line) {
    guard descriptor >= 0, descriptor < lowDescriptorMax else {
      errno = EMFILE
      return nil
    }
    let parity: CChar =
      switch line.parity {
      case .none: 0x4E
      case .even: 0x45
      case .odd: 0x4F
      }
    // The name is never opened.
    guard
      let made = unsafe modbus_new_rtu("/dev/null", Int32(line.baud), parity, Int32(line.dataBits), Int32(line.stopBits))
    else { return nil }
    unsafe context = made
    self.descriptor = descriptor
    echoes = line.echoes
    silence = line.baud > 19_200 ? Interval(ns: 1_750_000) : Interval(ns: 38_500_000_000 / Int64(max(line.baud, 1200)))
    unsafe modbus_set_error_recovery(made, MODBUS_ERROR_RECOVERY_NONE)
    unsafe modbus_set_socket(made, descriptor)
    unsafe modbus_set_byte_timeout(made, 0, 0)
  }

  deinit { unsafe modbus_free(context) }

  /// Sends `request` and waits for its reply, for at most `replyWithin` and the bus's silence.
  mutating func carry(_ request: BusRequest) -> BusReply {
    guard request.count >= 1, request.count <= 254 else { return BusReply(.failed(.notSent)) }
    keepSilence()
    defer { lastByte = bootClock() }
    if request.count == 1 {
      let failure = write(request, until: bootClock() + .milliseconds(10))
      wakesUntil = bootClock() + request.replyWithin
      return failure ?? BusReply(.woken)
    }
    // What came late belongs to an earlier request. Not TCIOFLUSH: a waking byte may still be on its way out.
    if let lost = findLate() { return lost }
    tcflush(descriptor, TCIFLUSH)
    let unit = request.bytes[0]
    // libmodbus knows no echo: it would take the request for its reply.
    return !echoes && unit >= 1 && unit <= 247 && Self.isKnown(request.bytes[1]) ? throughLibrary(request) : throughFramer(request)
  }

  mutating func takeLate() -> BusReply? { late.isEmpty ? nil : late.removeFirst() }

  /// Whole replies among the bytes that came since the last exchange; or that the tty is gone.
  private mutating func findLate() -> BusReply? {
    var bytes = InlineArray<260, UInt8>(repeating: 0)
    var span = bytes.mutableSpan
    let count = unsafe span.withUnsafeMutableBufferPointer { buffer in unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
    let code = count == 0 ? EIO : errno
    if count == 0 || count < 0 && code != EAGAIN && code != EINTR { return BusReply(.lost(failureInUse(code), code)) }
    var start = 0
    while start < count { start += noteLate(bytes.span.extracting(start..<count)) ?? 1 }
    return nil
  }

  /// The functions whose replies libmodbus can measure.
  static func isKnown(_ function: UInt8) -> Bool {
    switch function {
    case 1...6, 15, 16, 22, 23: true
    default: false
    }
  }

  private mutating func throughLibrary(_ request: BusRequest) -> BusReply {
    unsafe modbus_set_slave(context, Int32(request.bytes[0]))
    let sent = unsafe request.bytes.span.withUnsafeBufferPointer { bytes in
      unsafe modbus_send_raw_request(context, bytes.baseAddress, request.count)
    }
    guard sent > 0 else { return Self.unsent(errno) }
    let deadline = bootClock() + request.replyWithin
    var reply = BusReply(.reply)
    var count: Int32 = 0
    var strangers = 0
    // 0: a frame of another unit, whose reply comes late. Ours may still follow.
    while count == 0 {
      let left = max((deadline - bootClock()).ns, 1_000_000)
      if strangers > 0, bootClock() >= deadline { return BusReply(.failed(.wrongReply)) }
      unsafe modbus_set_response_timeout(context, UInt32(min(left / 1_000_000_000, 3600)), UInt32(left % 1_000_000_000 / 1000))
      var bytes = reply.bytes.mutableSpan
      count = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
        unsafe modbus_receive_confirmation(context, buffer.baseAddress)
      }
      if count == 0 {
        strangers += 1
        noteLate(reply.bytes.span)
      }
    }
    guard count > 0 else {
      let code = errno
      if strangers > 0, code == ETIMEDOUT { return BusReply(.failed(.wrongReply)) }
      // It keeps how much it read to itself: as many as the frame says of itself.
      if code == Self.errorOf(12) { reply.count = Int32(replyLength(reply.bytes.span) ?? 0) }
      return Self.unanswered(code, reply)
    }
    reply.at = bootClock()
    reply.count = count - 2
    return Self.checked(reply, request)
  }

  private mutating func throughFramer(_ request: BusRequest) -> BusReply {
    let deadline = bootClock() + request.replyWithin
    var frame = request
    let crc = crc16(request.bytes.span.extracting(0..<Int(request.count)))
    frame.bytes[Int(request.count)] = UInt8(truncatingIfNeeded: crc)
    frame.bytes[Int(request.count) + 1] = UInt8(truncatingIfNeeded: crc >> 8)
    frame.count += 2
    if let failure = write(frame, until: deadline) { return failure }
    if echoes, let failure = skipEcho(of: frame, until: deadline) { return failure }
    return read(request, until: deadline)
  }

  private func write(_ frame: BusRequest, until deadline: Instant) -> BusReply? {
    var sent = 0
    while sent < Int(frame.count) {
      let count = unsafe frame.bytes.span.extracting(sent..<Int(frame.count)).withUnsafeBufferPointer { bytes in
        unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
      }
      if count > 0 {
        sent += count
      } else if errno == EAGAIN {
        if !ready(for: Int16(POLLOUT), until: deadline) { return BusReply(.failed(.notSent)) }
      } else if errno != EINTR {
        return Self.unsent(errno)
      }
    }
    return nil
  }

  /// Reads away what was just sent. Anything else on the line then is nobody's answer.
  private func skipEcho(of frame: BusRequest, until deadline: Instant) -> BusReply? {
    var heard = 0
    while heard < Int(frame.count) {
      guard ready(for: Int16(POLLIN), until: deadline) else { return BusReply(.failed(.timedOut)) }
      var byte: UInt8 = 0
      let count = unsafe Glibc.read(descriptor, &byte, 1)
      if count == 1 {
        guard byte == frame.bytes[heard] else { return BusReply(.failed(.badCheck)) }
        heard += 1
      } else if count == 0 || errno != EAGAIN && errno != EINTR {
        let code = count == 0 ? EIO : errno
        return BusReply(.lost(failureInUse(code), code))
      }
    }
    return nil
  }

  private mutating func read(_ request: BusRequest, until deadline: Instant) -> BusReply {
    var reply = BusReply(.reply)
    var strangers = 0
    while true {
      switch judgeReply(
        reply.bytes.span.extracting(0..<Int(reply.count)), unit: request.bytes[0], function: request.bytes[1]) {
      case .complete(let count):
        reply.at = bootClock()
        reply.count = Int32(count - 2)
        return Self.checked(reply, request)
      case .stranger(let count):
        // Another unit's reply that comes late. Ours may still follow.
        strangers += 1
        noteLate(reply.bytes.span)
        for index in count..<max(count, Int(reply.count)) { reply.bytes[index - count] = reply.bytes[index] }
        reply.count -= Int32(count)
        continue
      case .bad(let failure): return reply.judged(.failed(failure))
      case .needsMore: break
      }
      guard reply.count < 256 else { return reply.judged(.failed(.badCheck)) }
      guard ready(for: Int16(POLLIN), until: deadline) else {
        return reply.judged(.failed(reply.count > 0 ? .badCheck : strangers > 0 ? .wrongReply : .timedOut))
      }
      var bytes = reply.bytes.mutableSpan
      let start = Int(reply.count)
      let count = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
        unsafe Glibc.read(descriptor, buffer.baseAddress.map { unsafe $0 + start }, 256 - start)
      }
      if count > 0 {
        reply.count += Int32(count)
      } else if count == 0 || errno != EAGAIN && errno != EINTR {
        let code = count == 0 ? EIO : errno
        return BusReply(.lost(failureInUse(code), code))
      }
    }
  }

  /// Takes a whole reply that these bytes begin with and nobody waits for; its length.
  @discardableResult
  private mutating func noteLate(_ bytes: Span<UInt8>) -> Int? {
    guard let length = wholeReply(bytes) else { return nil }
    var reply = BusReply(.late)
    for index in 0..<length { reply.bytes[index] = bytes[index] }
    reply.count = Int32(length)
    if late.count < 4 { late.append(reply) }
    return length
  }

  private func ready(for events: Int16, until deadline: Instant) -> Bool {
    let now = bootClock()
    guard now < deadline else { return false }
    var wait = pollfd(fd: descriptor, events: events, revents: 0)
    return unsafe poll(&wait, 1, milliseconds(from: now, to: deadline)) > 0
  }

  private func keepSilence() {
    let now = bootClock()
    let rest = (max(lastByte + silence, wakesUntil) - now).ns
    guard rest > 0, rest <= 2_000_000_000 else { return }
    var time = timespec(tv_sec: 0, tv_nsec: Int(rest))
    unsafe nanosleep(&time, nil)
  }

  private static func checked(_ reply: BusReply, _ request: BusRequest) -> BusReply {
    let matches =
      reply.count >= 2 && reply.bytes[0] == request.bytes[0] && reply.bytes[1] & 0x7F == request.bytes[1] & 0x7F
    return matches ? reply : reply.judged(.failed(.wrongReply))
  }

  private static func unsent(_ code: Int32) -> BusReply {
    switch code {
    case EAGAIN, EINVAL, EINTR, errorOf(13): BusReply(.failed(.notSent))
    default: BusReply(.lost(failureInUse(code), code))
    }
  }

  private static func unanswered(_ code: Int32, _ heard: BusReply) -> BusReply {
    switch code {
    case ETIMEDOUT, EAGAIN, EINTR: heard.judged(.failed(.timedOut))
    case errorOf(12): heard.judged(.failed(.badCheck))
    case _ where code >= MODBUS_ENOBASE: heard.judged(.failed(.wrongReply))
    default: BusReply(.lost(failureInUse(code), code))
    }
  }

  /// libmodbus's own error numbers, whose macros Swift does not see: 12 is a bad CRC, 13 bad data.
  private static func errorOf(_ number: Int32) -> Int32 { MODBUS_ENOBASE + number }
}
