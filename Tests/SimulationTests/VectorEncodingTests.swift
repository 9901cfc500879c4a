// What simulated devices say, checked by the bytes that real devices and datasheets say (DeviceProfiles/*.vectors): the
// values that a vector tells become the vector's bytes again, and no decoder is asked.

import Devices
import Domain
import Foundation
import Settings
import Testing

@testable import Simulation

@Suite struct VectorEncodingTests {
  /// What no vector tells in a way that simulators could say again, with the reason.
  private static let notSaid: [String: Set<String>] = [
    // Read together with registers that mean nothing to the profile: the simulated map has none there.
    "belimo-vav": ["flow", "actuator_type", "command", "absolute_flow"],
    // In front of a code, where a scanner is set to tell what kind it is.
    "cdc-scanner": ["aim_id"],
    // The simulated answer ends behind the last byte that has a meaning; the real one has more.
    "comfoair-350": ["error_a", "filter_full", "error_e"],
    // Told by one vector, in a line that answers another question.
    "cozir": ["multiplier", "humidity"],
    // Beside words that say "not available", which are no values.
    "deltaohm-hd402": ["pressure_whole", "pressure_thousands", "pressure_hundreds"],
    // Texts of the device itself.
    "ee650": ["serial_number"],
    "raytek-mi3": ["unit_setting"],
    // Lines that end otherwise than the simulated scanner's.
    "gm65": ["code"],
  ]

  /// Every field that a vector tells, in at least one vector. Bytes that the profile gives no meaning are the vector's.
  @Test(arguments: shippedProfiles) func everyFieldIsSaidAsInItsVectors(file: String) throws {
    let profile = try Profile.load(file: file)
    let vectors = try Vector.load(file: file.replacing(".yaml", with: ".vectors"))
    var told: Set<String> = [], said: Set<String> = []
    for vector in vectors {
      guard let values = vector.toldValues, let context = vector.context(for: profile) else { continue }
      told.formUnion(values.keys)
      // Where an answer may come with or without a !, simulators say none.
      let bytes = profile.id == "raytek-mi3" && vector.bytes.first == UInt8(ascii: "!") ? Array(vector.bytes.dropFirst()) : vector.bytes
      if spoken(values, by: profile, for: vector, variant: context.variant ?? 0).contains(bytes) { said.formUnion(values.keys) }
    }
    #expect(told.subtracting(said) == Self.notSaid[profile.id] ?? [], "\(profile.id): fields whose vectors' values do not become their bytes")
  }
}

let shippedProfiles: [String] = (try? FileManager.default.contentsOfDirectory(atPath: "DeviceProfiles"))?
  .filter { $0.hasSuffix(".yaml") }.sorted().map { "DeviceProfiles/\($0)" } ?? []

/// A value as a vector tells it.
private enum ToldValue { case number(Double), text(String) }

extension Vector {
  /// What one accepted frame says, by field; `nil`: several frames, none that is accepted, or a value that is no value.
  fileprivate var toldValues: [String: ToldValue]? {
    struct Line: Decodable {
      struct Reading: Decodable {
        var name: String
        var number: Double?
        var text: String?
        var channels: [Int]?

        enum CodingKeys: String, CodingKey { case name, value }
        init(from decoder: any Decoder) throws {
          let keys = try decoder.container(keyedBy: CodingKeys.self)
          name = try keys.decode(String.self, forKey: .name)
          number = try? keys.decode(Double.self, forKey: .value)
          text = try? keys.decode(String.self, forKey: .value)
          channels = try? keys.decode([Int].self, forKey: .value)
        }
      }
      var outcome: String
      var readings: [Reading]?
    }
    guard expected.count == 1, let line = try? JSONDecoder().decode(Line.self, from: Data(expected[0].utf8)), line.outcome == "accepted",
      let readings = line.readings, !readings.isEmpty
    else { return nil }
    var values: [String: ToldValue] = [:]
    for reading in readings {
      if let number = reading.number { values[reading.name] = .number(number) }
      else if let channels = reading.channels { values[reading.name] = .number(Double(channels.reduce(UInt32(0)) { $0 | 1 << UInt32($1 - 1) })) }
      else if let text = reading.text { values[reading.name] = .text(text) }
      else { return nil }
    }
    return values
  }
}

/// What the simulated device may say that holds these values.
private func spoken(_ told: [String: ToldValue], by profile: Profile, for vector: Vector, variant: Int) -> [[UInt8]] {
  let values = profile.fields.map { field in if case .number(let value)? = told[field.name] { value } else { 0.0 } }
  let held = profile.fields.indices.filter { told[profile.fields[$0].name] != nil && profile.fields[$0].variants >> UInt32(variant) & 1 == 1 }
  switch profile.transport {
  case .modbus(let speech):
    guard let request = vector.request, request.count == 8 else { return [] }
    var registers = Registers(speech, fields: profile.fields, writes: profile.writes.map(\.kind), variant: variant)
    for index in held where profile.fields[index].use == .relays {
      for channel in 0..<32 where UInt32(values[index]) >> UInt32(channel) & 1 == 1 { registers.setRelay(channel + 1, true) }
    }
    return [rtuFrame(unit: request[0], registers.answer(Array(request[1..<6]), values: values, at: at(1)))]
  case .serial(let speech), .hid(let speech, _):
    var texts: [Int: [UInt8]] = [:]
    for index in held { if case .text(let text)? = told[profile.fields[index].name] { texts[index] = textBytes(text, profile.fields[index].type) } }
    return speech.frames.indices.filter { !speech.frames[$0].refuses }.map { index in
      let framing = speech.frames[index]
      var frame = encodedFrame(framing, index: index, of: profile.fields, values: values, only: held, texts: texts, variant: variant)
      guard framing.coding == .plain, frame.count == vector.bytes.count else { return frame }
      let meant = meaningful(held, framing, index, profile.fields, count: frame.count)
      for place in frame.indices where !meant.contains(place) { frame[place] = vector.bytes[place] }
      putCheck(framing.check, into: &frame)
      return frame
    }
  }
}

/// The bytes of a frame that the profile gives a meaning.
private func meaningful(_ held: [Int], _ framing: Framing, _ frame: Int, _ fields: [Field], count: Int) -> Set<Int> {
  var places = Set(framing.startsWith.indices)
  places.formUnion(framing.marks.map { Int($0.at) })
  if let said = framing.count { places.formUnion(said.at..<said.at + (said.type == .u8 ? 1 : 2)) }
  for index in held {
    guard case .frame(let at) = fields[index].location, fields[index].frames >> UInt32(frame) & 1 == 1 else { continue }
    places.formUnion(at..<at + encoded(0, fields[index]).count * (fields[index].array?.count ?? 1))
  }
  return places
}
