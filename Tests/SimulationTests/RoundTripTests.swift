// From values to bytes and back through the door's own decoder, whose code the encoder does not share: for every
// shipped profile, a value of each field comes back as it was sent.

import Devices
import Domain
import Foundation
import Settings
import Testing

@testable import Simulation

@Suite struct RoundTripTests {
  @Test(arguments: [Sample.thermometer, Sample.asked, Sample.anyAddress, Sample.lowWordFirst, Sample.board])
  func comesBack(profile: Profile) { check(profile) }

  /// Every profile that ships; a new one is played without a line of Swift.
  @Test(arguments: shipped) func shippedComesBack(file: String) throws { check(try Profile.load(file: file)) }
}

private let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path

private let shipped: [String] = {
  let folder = repository + "/DeviceProfiles"
  let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  return files.filter { $0.hasSuffix(".yaml") }.sorted().map { "\(folder)/\($0)" }
}()

/// Plays the device, in its first variant, and decodes what it says. Information fields keep what the simulators make up.
func check(_ profile: Profile) {
  switch profile.transport {
  case .serial(let speech), .hid(let speech, _): checkFrames(profile, speech)
  case .modbus(let speech):
    let held = profile.fields.map(sample)
    var registers = Registers(speech, fields: profile.fields, writes: profile.writes.map(\.kind))
    for field in profile.fields where field.use == .relays {
      guard case .register(_, let address) = field.location else { continue }
      _ = registers.answer([5, 0, UInt8(address), 0xFF, 0], values: held, at: at(0))
    }
    for read in profile.plannedReads where read.variants & 1 == 1 {
      let request = (0..<5).map(read.request.byte)
      let reply = rtuFrame(unit: speech.unit, registers.answer(request, values: held, at: at(1)))
      let context = DecodeContext(request: rtuFrame(unit: speech.unit, request))
      compare(decode(reply, with: profile, context), profile, profile.fields, held)
    }
  }
}

/// Every kind of frame, with the fields that stand in it together: those that answer one request, under one condition.
private func checkFrames(_ profile: Profile, _ speech: FrameSpeech) {
  let held = profile.fields.map(sample)
  for (index, framing) in speech.frames.enumerated() where !framing.refuses {
    for request in [nil] + speech.requests.indices.map(Optional.some) {
      let answers = profile.fields.indices.filter { field in
        let claims = profile.fields[field].answers
        return request.map { claims >> UInt32($0) & 1 == 1 } ?? (claims == 0)
      }
      for group in groups(answers.filter { stands($0, in: index, profile) }, profile) {
        if case .asked = framing.ending, request == nil { continue }
        let frame = encodedFrame(framing, index: index, of: profile.fields, values: held, only: group)
        guard frame.count <= framing.longest else { continue }
        let context = DecodeContext(request: request.map { speech.requests[$0].bytes }, way: framing.way == .any ? .response : framing.way)
        let frames = framing.confirmedByNext ? [frame, frame] : [frame]
        let decoded = decode(frames.flatMap(\.self), with: profile, context)
        compare(Array(decoded.suffix(1)), profile, profile.fields, held, only: Set(group.map { profile.fields[$0].name }))
        guard framing.check.kind != .none, framing.coding == .plain, request == nil else { continue }
        let check = framing.check.at < 0 ? frame.count + framing.check.at : framing.check.at
        for place in framing.check.from..<(framing.check.to ?? check + framing.check.width) {
          var wrong = frame
          wrong[place] ^= 0x10
          let accepted = decode(wrong, with: profile).contains { if case .accepted = $0.outcome { true } else { false } }
          #expect(!accepted, "\(profile.id): byte \(place) spoiled")
        }
      }
    }
  }
}

/// Whether a field that is reported stands in this kind of frame.
private func stands(_ field: Int, in frame: Int, _ profile: Profile) -> Bool {
  let row = profile.fields[field]
  guard row.frames >> UInt32(frame) & 1 == 1, row.variants & 1 == 1, row.told != .never, !row.type.isText else { return false }
  if case .frame(let at) = row.location, at >= 0, at < starts(profile)[frame] { return false }
  // What only some length or some bit of another field lets exist is proved by the vectors.
  return row.when.allSatisfy { need in
    guard case .equals? = need.conditions.first, case .frame(let at) = profile.fields[need.field].location else { return false }
    return counts(profile)[frame] != at
  }
}

/// How many bytes each kind of frame starts with.
private func starts(_ profile: Profile) -> [Int] {
  switch profile.transport {
  case .serial(let speech), .hid(let speech, _): speech.frames.map(\.startsWith.count)
  case .modbus: []
  }
}

/// Where each kind of frame says its length.
private func counts(_ profile: Profile) -> [Int?] {
  switch profile.transport {
  case .serial(let speech), .hid(let speech, _): speech.frames.map { $0.count?.at }
  case .modbus: []
  }
}

/// Fields that exist under the same condition, and do not lie on each other.
private func groups(_ fields: [Int], _ profile: Profile) -> [[Int]] {
  var groups: [[Int]] = []
  for field in fields {
    let row = profile.fields[field]
    let place = groups.firstIndex { group in
      profile.fields[group[0]].when == row.when && !group.contains { profile.fields[$0].location == row.location }
    }
    if let place { groups[place].append(field) } else { groups.append([field]) }
  }
  return groups
}

/// Something in the middle that a rounding would show.
private func sample(_ field: Field) -> Double {
  switch field.use {
  case .status: 0
  case .relays: 1
  case .inputs: 0b0010_0001
  default:
    switch (field.range?.lowerBound ?? 0, field.range?.upperBound ?? 100) {
    case (...35, 36.5...): 36 + field.scale * 3
    case (let low, let high): ((low + high) / 2 / field.scale).rounded() * field.scale
    }
  }
}

private func compare(_ frames: [DecodedFrame], _ profile: Profile, _ fields: [Field], _ held: [Double], only: Set<String>? = nil) {
  guard frames.count == 1, case .accepted(let values) = frames[0].outcome else {
    Issue.record("\(profile.id): \(frames)")
    return
  }
  for value in values where value.text == nil && only?.contains(value.name) != false {
    guard let index = fields.firstIndex(where: { $0.name == value.name && $0.variants & 1 == 1 }) else { continue }
    let field = fields[index]
    // What lies where another field lies, or is scaled by one, was not sent by itself.
    let isShared = fields.indices.contains { $0 != index && fields[$0].location == field.location && fields[$0].variants & 1 == 1 }
    guard !isShared, field.multiplier == nil, field.reciprocal == nil else { continue }
    let step = max(field.scale.magnitude / 2, 1e-4 * max(1, held[index].magnitude))
    #expect(abs(value.value - held[index]) <= step, "\(profile.id) \(value.name)")
    if field.use != .information { #expect(value.quality.isGood, "\(profile.id) \(value.name)") }
  }
}
