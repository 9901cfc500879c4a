// A hidraw node: opened for one program alone, its report descriptor read and checked before a byte of it is believed.
//
// Reads are the epoll's: each gives one report. Writes and feature reports go through the control pipe, where a stick that
// never answers holds its caller for seconds: they run on the port's own thread (`Bus`).

import CLinux
import Devices
import Domain
import Glibc

enum HIDNode {
  /// Opens and checks. The caller owns the descriptor.
  static func open(_ path: String, _ size: HIDReports) throws(OpenFailure) -> Int32 {
    let descriptor = unsafe Glibc.open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw SerialLine.unopened(path, errno) }
    do throws(OpenFailure) {
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw SerialLine.unopened(path, errno) }
      try check(descriptor, path, size)
    } catch {
      close(descriptor)
      throw error
    }
    return descriptor
  }

  private static func check(_ descriptor: Int32, _ path: String, _ size: HIDReports) throws(OpenFailure) {
    let described = try description(of: descriptor, path)
    let layout: HIDLayout
    switch HIDLayout.read(described) {
    case .success(let read): layout = read
    case .failure(let why):
      throw OpenFailure(failure: .refused, code: EPROTO, explanation: "\(path): its report descriptor is refused: \(why.text).")
    }
    let number = size.number ?? 0
    let known = layout.reports.filter { $0.number == number }
    guard layout.isNumbered == (size.number != nil), !known.isEmpty else {
      throw OpenFailure(
        failure: .refused, code: EPROTO,
        explanation: "\(path): its reports are \(layout.isNumbered ? "numbered" : "not numbered"), which the profile says otherwise.")
    }
    guard known.contains(where: { $0.byteCount == size.length }) else {
      let lengths = Set(known.map(\.byteCount)).sorted().map(String.init).joined(separator: ", ")
      throw OpenFailure(
        failure: .refused, code: EPROTO,
        explanation: "\(path): its reports have \(lengths) bytes, the profile says \(size.length). Is it another device or node?")
    }
  }

  /// HIDIOCGRDESCSIZE and HIDIOCGRDESC (linux/hidraw.h): a size of 4 bytes, then at most 4096.
  private static func description(of descriptor: Int32, _ path: String) throws(OpenFailure) -> [UInt8] {
    var size: Int32 = 0
    guard unsafe ioctl(descriptor, UInt(0x8004_4801), &size) == 0 else { throw SerialLine.unopened(path, errno) }
    guard size > 0, size <= 4_096 else {
      throw OpenFailure(failure: .refused, code: EPROTO, explanation: "\(path): a report descriptor of \(size) bytes is refused.")
    }
    var bytes = [UInt8](repeating: 0, count: 4_100)
    for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: size >> Int32(8 * index)) }
    guard unsafe ioctl(descriptor, UInt(0x9004_4802), &bytes) >= 0 else { throw SerialLine.unopened(path, errno) }
    return Array(bytes[4..<4 + Int(size)])
  }
}

/// Carries one request: what it sends stands behind a byte that says how.
struct HIDExchange: Exchange {
  /// A report says which one it is.
  mutating func takeLate() -> BusReply? { nil }

  let descriptor: Int32

  mutating func carry(_ request: BusRequest) -> BusReply {
    let count = Int(request.count) - 1
    guard count > 0 else { return BusReply(.failed(.notSent)) }
    var bytes = [UInt8](repeating: 0, count: 260)
    for index in 0..<count { bytes[index] = request.bytes[index + 1] }
    switch request.bytes[0] {
    case 0: return sent(unsafe write(descriptor, bytes, count))
    case 1: return sent(Int(unsafe ioctl(descriptor, Self.feature(0x06, count), &bytes)))
    default:
      // HIDIOCGFEATURE gives the number and the report; what is there without numbers has 0 before it.
      let length = Int(unsafe ioctl(descriptor, Self.feature(0x07, bytes.count), &bytes))
      guard length > 1 else { return length < 0 ? failed() : BusReply(.failed(.wrongReply)) }
      var reply = BusReply(.reply)
      let skip = bytes[0] == 0 ? 1 : 0
      reply.count = Int32(length - skip)
      for index in 0..<length - skip { reply.bytes[index] = bytes[index + skip] }
      return reply
    }
  }

  private func sent(_ result: Int) -> BusReply { result < 0 ? failed() : BusReply(.woken) }

  private func failed() -> BusReply {
    switch errno {
    case ENODEV, EIO, ENXIO: BusReply(.lost(failureInUse(errno), errno))
    case ETIMEDOUT: BusReply(.failed(.timedOut))
    default: BusReply(.failed(.notSent))
    }
  }

  /// _IOC(_IOC_WRITE | _IOC_READ, 'H', number, length).
  private static func feature(_ number: UInt, _ length: Int) -> UInt { 0xC000_4800 | UInt(length) << 16 | number }
}
