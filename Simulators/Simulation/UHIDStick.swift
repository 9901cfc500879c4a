// A HID device's far end: /dev/uhid, by which a program plays one to the kernel's HID layer. To hidraw and udev it is like any
// other, but for the USB below it, which it has not: it is found by its numbers, name, serial number and place.
//
// Each read and each write is one event of linux/uhid.h: a type in 4 bytes and what belongs to it, packed, in the machine's order
// of bytes. A write may end where the rest would be zeros. Closing the descriptor pulls the stick out. Where the kernel has no uhid
// a program may take its place, behind a socket that carries the same events: `uhid_bed.py`.

import Domain
import Glibc

/// One HID device.
final class UHIDStick {
  /// What a program that has its node open wants of it.
  struct Heard {
    /// 0 output report, 1 set feature, 2 get feature.
    var way: UInt8
    /// As it was given to hidraw. Of a feature that is asked for: its number.
    var bytes: [UInt8]
    /// Of a feature that is asked for: what its answer must name; else 0.
    var request: Int
  }

  let descriptor: Int32
  /// Nobody takes its events any more.
  private(set) var isGone = false
  private let reports: HIDReports

  private static var create: UInt32 { 11 }
  private static var input: UInt32 { 12 }
  private static var output: UInt32 { 6 }
  private static var getReport: UInt32 { 9 }
  private static var getReportReply: UInt32 { 10 }
  private static var setReport: UInt32 { 13 }
  private static var setReportReply: UInt32 { 14 }
  /// The longest report, and the longest event: one with such a report, its size and its kind behind it.
  private static var dataMax: Int { 4_096 }
  private static var eventMax: Int { 4_380 }
  private static var busUSB: UInt16 { 3 }

  /// - Parameters:
  ///   - place: `/dev/uhid`, or the socket of who stands for it.
  ///   - spare: its name and its place where the settings say none.
  init(at place: String, _ match: USBMatch, _ reports: HIDReports, spare: String) throws(SystemError) {
    descriptor = isSocket(place) ? try connectPackets(path: place) : unsafe Glibc.open(place, O_RDWR | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError(place) }
    self.reports = reports
    let layout = Self.descriptor(of: reports)
    let event =
      bytes(Self.create) + text(match.productName ?? spare, 128) + text(match.path ?? spare, 64) + text(match.serialNumber ?? "", 64)
      + bytes(UInt16(layout.count)) + bytes(Self.busUSB) + bytes(UInt32(match.vendor)) + bytes(UInt32(match.product)) + bytes(UInt32(0))
      + bytes(UInt32(0)) + layout
    guard writeSome(descriptor, event) == event.count else {
      let error = SystemError(place)
      close(descriptor)
      throw error
    }
  }

  /// The report descriptor: bytes in, out and as a feature, of a usage of the maker's own, so that no driver takes it for a keyboard.
  private static func descriptor(of reports: HIDReports) -> [UInt8] {
    let size = UInt16(clamping: reports.length)
    let number: [UInt8] = reports.number.map { [0x85, $0] } ?? []
    return [0x06, 0x00, 0xFF, 0x09, 0x01, 0xA1, 0x01] + number
      + [0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, 0x96, UInt8(size & 0xFF), UInt8(size >> 8)]
      + [0x09, 0x01, 0x81, 0x02, 0x09, 0x01, 0x91, 0x02, 0x09, 0x01, 0xB1, 0x02, 0xC0]
  }

  /// What was heard since the last look. A feature that is set is confirmed at once, as the kernel waits for it.
  func hear() -> [Heard] {
    var all: [Heard] = []
    while !isGone {
      switch readSome(descriptor, atMost: Self.eventMax) {
      case .success(nil): return all
      case .success(let event?) where event.count >= 4: if let heard = take(event) { all.append(heard) }
      default: isGone = true
      }
    }
    return all
  }

  private func take(_ event: [UInt8]) -> Heard? {
    switch number(event, 0, 4) {
    case Int(Self.output): return Heard(way: 0, bytes: part(event, 4, number(event, 4 + Self.dataMax, 2)), request: 0)
    case Int(Self.getReport): return Heard(way: 2, bytes: part(event, 8, 1), request: number(event, 4, 4))
    case Int(Self.setReport):
      writeSome(descriptor, bytes(Self.setReportReply) + part(event, 4, 4) + bytes(UInt16(0)))
      return Heard(way: 1, bytes: part(event, 12, number(event, 10, 2)), request: 0)
    default: return nil
    }
  }

  /// Sends an input report.
  func send(_ report: [UInt8]) { writeSome(descriptor, bytes(Self.input) + bytes(UInt16(clamping: report.count)) + report) }

  /// Answers a request for a feature. hidraw gives what is here as it is, and 0 stands before a report without a number.
  func answer(_ request: Int, _ report: [UInt8]) {
    let whole = reports.number == nil ? [0] + report : report
    writeSome(
      descriptor,
      bytes(Self.getReportReply) + bytes(UInt32(truncatingIfNeeded: request)) + bytes(UInt16(0)) + bytes(UInt16(clamping: whole.count)) + whole)
  }

  func remove() { close(descriptor) }

  private func number(_ event: [UInt8], _ at: Int, _ count: Int) -> Int { part(event, at, count).reversed().reduce(0) { $0 << 8 | Int($1) } }

  private func part(_ event: [UInt8], _ at: Int, _ count: Int) -> [UInt8] { Array(event.dropFirst(at).prefix(count)) }
}

private func bytes(_ number: UInt16) -> [UInt8] { bigEndian(number).reversed() }
private func bytes(_ number: UInt32) -> [UInt8] { bigEndian(number).reversed() }

/// A C string that fills its field.
private func text(_ text: String, _ length: Int) -> [UInt8] {
  let bytes = text.utf8.prefix(length - 1)
  return bytes + [UInt8](repeating: 0, count: length - bytes.count)
}
