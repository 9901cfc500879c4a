// Which reports a HID device has, from its report descriptor (Device Class Definition for HID 1.11, 6.2.2). A descriptor
// comes from whatever was plugged into a public socket: every number in it has a bound, and what exceeds one is refused.

/// The reports of a device.
public struct HIDLayout: Sendable, Equatable {
  public enum Kind: UInt8, Sendable { case input, output, feature }

  public struct Report: Sendable, Equatable {
    public var kind: Kind
    /// 0: reports have no numbers.
    public var number: UInt8
    public var bitCount: Int
    /// Without the number.
    public var byteCount: Int { (bitCount + 7) / 8 }
  }

  public enum Refusal: Error, Sendable, Equatable {
    case cut, tooLong, tooDeep, unbalanced, tooManyBits, tooManyReports, badSize, numberZero, noReports

    /// For people.
    public var text: String {
      switch self {
      case .cut: "it ends inside an item"
      case .tooLong: "it is longer than 4096 bytes"
      case .tooDeep: "its collections or pushes are nested more than 16 deep"
      case .unbalanced: "a collection or a push is ended that was not begun, or not ended"
      case .tooManyBits: "a report has more than 4096 bytes"
      case .tooManyReports: "it has more than 64 reports"
      case .badSize: "a field has more than 256 bits"
      case .numberZero: "a report has the number 0"
      case .noReports: "it describes no report"
      }
    }
  }

  public var reports: [Report]
  public var isNumbered: Bool

  private struct Globals {
    var size = 0
    var count = 0
    var number: UInt8 = 0
  }

  /// Reads a report descriptor.
  public static func read(_ bytes: [UInt8]) -> Result<HIDLayout, Refusal> {
    guard bytes.count <= 4_096 else { return .failure(.tooLong) }
    var reports: [Report] = []
    var globals = Globals()
    var pushed: [Globals] = []
    var depth = 0
    var isNumbered = false
    var at = 0
    while at < bytes.count {
      let prefix = bytes[at]
      if prefix == 0xFE {
        // A long item: its length, its tag, then data nobody has defined yet.
        guard at + 2 < bytes.count, at + 3 + Int(bytes[at + 1]) <= bytes.count else { return .failure(.cut) }
        at += 3 + Int(bytes[at + 1])
        continue
      }
      let length = [0, 1, 2, 4][Int(prefix & 3)]
      guard at + 1 + length <= bytes.count else { return .failure(.cut) }
      var value: UInt32 = 0
      for index in 0..<length { value |= UInt32(bytes[at + 1 + index]) << UInt32(8 * index) }
      at += 1 + length
      switch prefix & 0xFC {
      case 0x80, 0x90, 0xB0:
        let kind: Kind = prefix & 0xFC == 0x80 ? .input : prefix & 0xFC == 0x90 ? .output : .feature
        let bits = globals.size * globals.count
        guard bits <= 8 * 4_096 else { return .failure(.tooManyBits) }
        if let index = reports.firstIndex(where: { $0.kind == kind && $0.number == globals.number }) {
          reports[index].bitCount += bits
          guard reports[index].bitCount <= 8 * 4_096 else { return .failure(.tooManyBits) }
        } else {
          guard reports.count < 64 else { return .failure(.tooManyReports) }
          reports.append(Report(kind: kind, number: globals.number, bitCount: bits))
        }
      case 0xA0:
        depth += 1
        guard depth <= 16 else { return .failure(.tooDeep) }
      case 0xC0:
        depth -= 1
        guard depth >= 0 else { return .failure(.unbalanced) }
      case 0x74:
        guard value <= 256 else { return .failure(.badSize) }
        globals.size = Int(value)
      case 0x94:
        guard value <= 8 * 4_096 else { return .failure(.tooManyBits) }
        globals.count = Int(value)
      case 0x84:
        guard value > 0, value < 256 else { return .failure(.numberZero) }
        globals.number = UInt8(value)
        isNumbered = true
      case 0xA4:
        guard pushed.count < 16 else { return .failure(.tooDeep) }
        pushed.append(globals)
      case 0xB4:
        guard let last = pushed.popLast() else { return .failure(.unbalanced) }
        globals = last
      default: break
      }
    }
    guard depth == 0, pushed.isEmpty else { return .failure(.unbalanced) }
    guard !reports.isEmpty else { return .failure(.noReports) }
    return .success(HIDLayout(reports: reports, isNumbered: isNumbered))
  }
}
