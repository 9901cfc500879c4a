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

  @Test func theDemoIsAWorld() throws {
    let demo = repository + "/Simulators/demo/"
    let settings = try Settings.load(file: demo + "demo.yaml", profiles: repository + "/DeviceProfiles")
    var world = World(WorldPlan(settings))
    let script = try Script(String(contentsOfFile: demo + "demo.script", encoding: .utf8))
    #expect(script.length == .minutes(1))
    for step in script.steps { #expect(world.perform(step.order) == "ok", "\(step.order)") }
  }
}

private let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path

private let shipped: [String] = {
  let folder = repository + "/DeviceProfiles"
  let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  return files.filter { $0.hasSuffix(".yaml") }.sorted().map { "\(folder)/\($0)" }
}()

/// Plays the device and decodes what it says. Information fields keep what the simulators make up for them.
func check(_ profile: Profile) {
  let held = profile.fields.map(sample)
  switch profile.transport {
  case .serial(let speech):
    let frame = encodedFrame(speech.framing, fields: profile.fields, values: held)
    compare(decode(frame, with: profile), profile, held)
    for index in frame.indices {
      var wrong = frame
      wrong[index] ^= 0x10
      let accepted = decode(wrong, with: profile).contains { if case .accepted = $0.outcome { true } else { false } }
      #expect(!accepted, "\(profile.id): byte \(index) spoiled")
    }
  case .modbus(let speech):
    var registers = Registers(speech, fields: profile.fields, writes: profile.writes.map(\.kind))
    for field in profile.fields where field.use == .relays {
      guard case .register(_, let address) = field.location else { continue }
      _ = registers.answer([5, 0, UInt8(address), 0xFF, 0], values: held, at: at(0))
    }
    for read in profile.reads {
      let request = (0..<5).map(read.byte)
      let reply = rtuFrame(unit: speech.unit, registers.answer(request, values: held, at: at(1)))
      compare(decode(reply, with: profile, request: rtuFrame(unit: speech.unit, request)), profile, held)
    }
  }
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

private func compare(_ frames: [DecodedFrame], _ profile: Profile, _ held: [Double]) {
  guard frames.count == 1, case .accepted(let values) = frames[0].outcome else {
    Issue.record("\(profile.id): \(frames)")
    return
  }
  #expect(!values.isEmpty, "\(profile.id)")
  for value in values {
    guard let index = profile.fields.firstIndex(where: { $0.name == value.name }) else { continue }
    let field = profile.fields[index]
    let step = max(field.scale.magnitude / 2, 1e-4 * max(1, held[index].magnitude))
    #expect(abs(value.value - held[index]) <= step, "\(profile.id) \(value.name)")
    if field.use != .information { #expect(value.quality.isGood, "\(profile.id) \(value.name)") }
  }
}
