// Is a profile right, wherever it lies, and is a new one begun?

import ArgumentParser
import Devices
import Foundation
import Settings

extension ProfileCommand {
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check profiles, anywhere on disk, and play their proofs.",
      usage: "gatehouse profile check <file> ...",
      discussion: """
        Prints every problem at once, each with its place, what was found and
        what was expected. FILE.vectors beside FILE.yaml is played. What a weak
        check lets pass and what is still to be filled in is said, and is no
        problem.

        EXAMPLES
          gatehouse profile check my-device.yaml
          gatehouse profile check DeviceProfiles/*.yaml
        """)
    @Argument(help: "Profiles, by path.", completion: .file(extensions: ["yaml"])) var files: [String]

    func run() throws {
      var wrong = 0
      for file in files {
        do throws(Problems) {
          for line in try checkedProfile(file) { print(line) }
        } catch {
          for problem in error.list { complain(printable(problem.description), as: "") }
          wrong += error.list.count
        }
      }
      guard wrong == 0 else {
        complain(wrong == 1 ? "1 problem" : "\(wrong) problems")
        throw ExitCode.problem
      }
    }
  }

  struct New: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Begin a profile: two files to fill in.",
      usage: "gatehouse profile new <id> [--transport serial|hid|modbus]",
      discussion: """
        Writes ID.yaml and ID.vectors into the current folder; files that are
        there stay. docs/adding-a-device.md goes on from here.

        EXAMPLES
          gatehouse profile new my-device --transport modbus
        """)
    @Argument(help: "Its id: a to z, 0 to 9 and -.") var id: String
    @Option(help: "How it is connected: serial, hid or modbus.") var transport = ProfileTransport.serial

    func validate() throws {
      guard (1...63).contains(id.utf8.count), id.utf8.allSatisfy({ isIDByte($0) }) else {
        throw ValidationError("ID takes 1 to 63 of a to z, 0 to 9 and -.")
      }
    }

    func run() throws {
      let files = [("\(id).yaml", transport.profile(id: id)), ("\(id).vectors", transport.vectors)]
      for (file, _) in files where FileManager.default.fileExists(atPath: file) {
        complain("\(file) is there; nothing was written")
        throw ExitCode.problem
      }
      for (file, text) in files {
        do { try Data(text.utf8).write(to: URL(filePath: file), options: .withoutOverwriting) } catch {
          complain("\(file) cannot be written: \(error.localizedDescription)")
          throw ExitCode.problem
        }
        print(file)
      }
      print("Fill them in, then: gatehouse profile check \(id).yaml")
    }

    private func isIDByte(_ byte: UInt8) -> Bool {
      (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D
    }
  }
}

/// What is to be said of a profile that is right; its problems otherwise.
private func checkedProfile(_ file: String) throws(Problems) -> [String] {
  let profile = try Profile.load(file: file)
  let proof = URL(filePath: file).deletingPathExtension().appendingPathExtension("vectors").path
  guard FileManager.default.fileExists(atPath: proof) else {
    throw Problems([Problem(file: file, line: 1, column: 1, path: "", message: "has no proof: expected \(proof) beside it")])
  }
  let vectors = try Vector.load(file: proof)
  let problems = vectors.compactMap { vector -> Problem? in
    let printed = vector.report(with: profile)
    guard printed != vector.expected else { return nil }
    let place = zip(printed, vector.expected).enumerated().first { $1.0 != $1.1 }?.offset ?? min(printed.count, vector.expected.count)
    let found = place < printed.count ? printed[place] : "no more lines"
    let expected = place < vector.expected.count ? vector.expected[place] : "no more lines"
    return Problem(
      file: proof, line: vector.line + (place < vector.expected.count ? place + 1 : 0), column: 1, path: "",
      message: "decoding prints \(found), expected \(expected)")
  }
  guard problems.isEmpty else { throw Problems(problems) }
  guard vectors.contains(where: { $0.expected.contains { $0.contains("\"accepted\"") } }) else {
    let message = "proves nothing: found no frame that is accepted, expected one at least, with its values"
    throw Problems([Problem(file: proof, line: 1, column: 1, path: "", message: message)])
  }
  return ["\(file): no problems, \(vectors.count) \(vectors.count == 1 ? "vector" : "vectors")"] + unfilled(file) + unfilled(proof)
    + weaknesses(profile, vectors)
}

/// The lines that `profile new` left open.
private func unfilled(_ file: String) -> [String] {
  let lines = ((try? String(contentsOfFile: file, encoding: .utf8)) ?? "").split(separator: "\n", omittingEmptySubsequences: false)
  return lines.indices.filter { lines[$0].contains(ProfileTransport.open) }.map { "  \(file):\($0 + 1): still to be filled in" }
}

/// What each kind of frame lets pass, on the worst frame among the proofs; behind a coding, on the first.
private func weaknesses(_ profile: Profile, _ vectors: [Vector]) -> [String] {
  let framings: [Framing]
  switch profile.transport {
  case .serial(let speech), .hid(let speech, _): framings = speech.frames
  case .modbus: return []
  }
  return framings.compactMap { framing in
    let name = framings.count == 1 ? "frames" : "frames \"\(framing.name)\""
    if framing.check.kind == .none { return "  \(name): no check proves them" }
    let single = vectors.filter { $0.expected.count == 1 && $0.expected[0].contains("\"accepted\"") }
    let all = single.lazy.compactMap { vector in
      vector.context(for: profile).flatMap { profile.weakness(of: framing, on: vector.bytes, $0) }
    }
    // Behind a coding each frame takes the framer a while; one of them tells as much.
    let isCoded = framing.coding != .plain || framing.transform != .none
    guard let worst = isCoded ? all.first : all.max(by: { $0.passing < $1.passing }), worst.passing > 0 else { return nil }
    return "  \(name): the check lets \(worst.passing) of \(worst.ways) changes of two bits pass"
  }
}

enum ProfileTransport: String, ExpressibleByArgument, CaseIterable {
  case serial, hid, modbus

  /// What stands where only its author knows.
  static let open = "FILL IN"

  func profile(id: String) -> String {
    let head = """
      id: \(id)
      maker: \(Self.open)
      model: \(Self.open)
      kind: \(Self.open), for example CO2 sensor
      source: \(Self.open), the manual and its version
      proof: constructed                       # capture | vendor-example | constructed
      notes:
        - \(Self.open), what surprises
      transport: \(rawValue)

      """
    let power = "power: { powered_by: own, warm_up_s: 120 } # usb: the port powers it; how long its values mean nothing\n"
    return switch self {
    case .serial:
      """
      # AA 55 | VV VV | SS       VV VV: the value; SS: sum of all before
      \(head)line: { baud: 9600, format: 8N1 }        # settings may override
      \(power)speaks: unasked                          # unasked | asked; asked needs requests:
      period_ms: 1000
      frame:
        starts_with: "aa 55"
        length: 5
        check: { kind: sum8 }
      fields:
        value: { at: 2, type: u16be, scale: 0.1, unit: degC, range: [-40, 125] }

      """
    case .hid:
      """
      # II | VV VV | SS | 0D | 00 00 00       II: what it is; VV VV: the value; SS: sum of the three before
      \(head)usb: [{ vid: 0x1234, pid: 0x5678 }]
      \(power)speaks: unasked
      period_ms: 1000
      report: { length: 8 }
      frame:
        length: 8
        check: { kind: sum8, to: 3, at: 3 }
        always: { 4: 0x0d }
      fields:
        item: { at: 0, type: u8, told: never }
        value: { at: 1, type: u16be, scale: 0.1, unit: degC, range: [-40, 125], when: { item: [0x42] } }

      """
    case .modbus:
      """
      # input registers: 0 status, 3 the value
      \(head)line: { baud: 9600, format: 8N1 }        # settings may override
      \(power)unit: 1
      limits: { registers_per_read: 16, every_ms: 1000, reply_within_ms: 500 }
      fields:
        status: { input: 0, type: u16, unit: bits, use: status, flags: { 0: fault } }
        value: { input: 3, type: i16, scale: 0.1, unit: degC, range: [-40, 125], bad_when: { status: [fault] } }

      """
    }
  }

  var vectors: String {
    let value = #"{"name":"value","value":25.6,"unit":"degC","quality":"good"}"#
    let accepted = #"{"outcome":"accepted","readings":["# + value + "]}\n"
    let rejected = #"{"outcome":"rejected","reason":"checksum"}"# + "\n"
    let source = "# \(Self.open), where the bytes come from: a capture, the manual's page, or constructed from the layout\n"
    return switch self {
    case .serial: source + "> aa 55 01 00 00\n" + accepted + "\n# a wrong check\n> aa 55 01 00 01\n" + rejected
    case .hid: source + "> 42 01 00 43 0d 00 00 00\n" + accepted + "\n# a wrong check\n> 42 01 00 44 0d 00 00 00\n" + rejected
    case .modbus:
      source + "> --request 010400030001c1ca 01 04 02 01 00 b8 a0\n" + accepted
        + "\n# a wrong check\n> --request 010400030001c1ca 01 04 02 01 00 b9 a0\n" + rejected
    }
  }
}
