// A device's bytes through the real framing, check and fields, without the device: for whoever writes a profile.

public import ArgumentParser
public import Devices
import EventLog
import Foundation
import Settings

struct ProfileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile", abstract: "Work on device profiles.",
    discussion: """
      EXAMPLES
        gatehouse profile new my-device --transport serial
        gatehouse profile check my-device.yaml
        gatehouse profile decode ./my-device.yaml 5a 5a 45 04 0c 78 0d 19 a7

      \(ExitCode.help)
      """,
    subcommands: [Check.self, Decode.self, New.self])

  struct Decode: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show what a profile makes of bytes.",
      usage: """
        gatehouse profile decode <profile> <hex> ... [--request <hex>]
            [--variant <name>] [--direction <way>] [--json]
        """,
      discussion: """
        PROFILE is an id or a path to a YAML file. Bytes are hexadecimal, with or
        without spaces. Each frame is one line: accepted with its readings,
        rejected with the reason, or incomplete.

        EXAMPLES
          gatehouse profile decode my-device 5a5a45040c780d19a7
          gatehouse profile decode my-device ff86020c --request "ff 01 86" --json
        """)
    @Argument(help: "The profile's id, or a path to its file.") var profile: String
    @Argument(help: "The bytes that came from the device.") var hex: [String]
    @Option(help: "The bytes that were asked with, for answers that mean something only after a request.")
    var request: String?
    @Option(help: "Which variant of the device sent them; the first, unless said.") var variant: String?
    @Option(help: "How they came, where frames differ by it: response, stream, report or feature; response, unless all come one way.")
    var direction: Way?
    @Flag(help: "A JSON line a frame.") var json = false
    @OptionGroup var places: PlaceOptions

    func validate() throws {
      guard readHex(hex.joined()) != nil else { throw ValidationError("HEX takes pairs of hexadecimal digits.") }
      if let request, readHex(request) == nil { throw ValidationError("--request takes pairs of hexadecimal digits.") }
    }

    func run() throws {
      let profile = try loadProfile(profile, profiles: places.locations.profiles)
      var context = DecodeContext(request: request.flatMap(readHex), way: direction)
      if let variant {
        guard let index = profile.variant(named: variant) else {
          let known = profile.variants.map(\.name)
          throw ValidationError(
            known.isEmpty ? "\(profile.id) has no variants." : "There is no variant \"\(variant)\", expected \(known.joined(separator: ", ")).")
        }
        context.variant = index
      }
      let lines = decodeReport(readHex(hex.joined()) ?? [], with: profile, context)
      for line in lines { print(json ? line : decodedText(line)) }
    }
  }
}

extension Way: ExpressibleByArgument {}

/// `5a 5A:45,04` or `5a5a4504` as bytes; `nil` unless there is at least one and all are pairs of hexadecimal digits.
func readHex(_ text: String) -> [UInt8]? {
  let digits = text.filter { !" \t\n:,_".contains($0) }
  guard !digits.isEmpty, digits.count % 2 == 0, digits.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return nil }
  var bytes: [UInt8] = []
  var rest = digits[...]
  while let byte = UInt8(rest.prefix(2), radix: 16) {
    bytes.append(byte)
    rest = rest.dropFirst(2)
  }
  return bytes
}

/// A JSON line of the report for people: `accepted  co2 608 ppm`.
func decodedText(_ line: String) -> String {
  struct Line: Decodable {
    struct Value: Decodable {
      var name: String
      var value: Fact?
      var unit: String?
      var quality: String?
      var reason: String?
    }
    var outcome: String
    var reason: String?
    var readings: [Value]?
  }
  guard let read = try? JSONDecoder().decode(Line.self, from: Data(line.utf8)) else { return line }
  let values = (read.readings ?? []).map { value in
    var text = value.name
    if value.quality == "good", let number = value.value {
      text += " \(number.text)" + (value.unit.map { $0.isEmpty ? "" : " \($0)" } ?? "")
    } else {
      text += " \(value.quality ?? "unknown")" + (value.reason.map { " (\($0))" } ?? "")
    }
    return text
  }
  return ([read.outcome] + [read.reason].compactMap { $0 } + [values.joined(separator: ", ")])
    .filter { !$0.isEmpty }.joined(separator: "  ")
}
