// Goal: no byte from a wire can trap, and a good frame after noise is read within one frame. Method: a million random
// bytes, from a seed that is in the test's name when it fails, into every framer from its real entry point; the same mixed
// one to one with good frames; and the fuzzers' corpus.

import Domain
import Foundation
import Testing

@testable import Devices

private let seeds: [UInt64] = [1, 20_261_125]

/// Feeds random bytes in random pieces, and time.
private func pour(_ count: Int, into bench: Bench, seed: UInt64, max: Int = 300) {
  var chance = Chance(seed)
  var left = count
  while left > 0 {
    let piece = chance.bytes(1 + chance.below(max))
    left -= piece.count
    bench.receive(piece)
    bench.forget()
    bench.run(until: bench.now + .milliseconds(Int64(chance.below(200))))
  }
}

@Suite struct NoiseTests {
  @Test(arguments: seeds) func aMillionBytesIntoAStream(seed: UInt64) {
    let bench = Bench(.serial, thermometer())
    pour(1_000_000, into: bench, seed: seed)
    // Four bytes of start and a sum are hit once in 2^40.
    #expect(bench.device.replies == 0 && bench.bus.bytesDropped > 999_000, "seed \(seed)")
  }

  @Test(arguments: seeds) func aMillionBytesIntoAnAskedSensor(seed: UInt64) {
    let bench = Bench(.serial, asked())
    pour(1_000_000, into: bench, seed: seed)
    // Two bytes of start and a sum: once in 2^24.
    #expect(bench.device.replies <= 3 && bench.device.requests > 10, "seed \(seed)")
  }

  @Test(arguments: seeds) func aMillionBytesIntoAConnection(seed: UInt64) {
    let bench = Bench(.modbusTCP, guarded())
    var chance = Chance(seed)
    var generation: UInt32 = 1
    for _ in 0..<7_000 {
      // Half of the time a header that could be one, so that the rest is looked at too.
      var piece = chance.bytes(1 + chance.below(280))
      if chance.below(2) == 0 { piece = tcp(chance.below(4), unit: UInt8(chance.below(3)), Array(piece.prefix(2 + chance.below(250)))) }
      bench.receive(piece, port, generation)
      if bench.reopened > 0 {
        bench.lose(port, generation)
        generation += 1
        bench.open(port, generation)
      }
      bench.forget()
      bench.run(until: bench.now + .milliseconds(Int64(chance.below(300))))
    }
    #expect(bench.device.requests > 100 && generation > 100, "seed \(seed)")
  }

  @Test(arguments: seeds) func aMillionBytesAsRepliesOfABus(seed: UInt64) {
    let bench = Bench(.modbusRTU, guarded())
    var chance = Chance(seed)
    for round in 0..<7_500 {
      // A device that is down is asked less and less.
      if round % 20 == 0 { bench.open() }
      var reply = chance.bytes(chance.below(270))
      if reply.count > 3, chance.below(2) == 0 { reply.replaceSubrange(0..<3, with: [1, 4, UInt8(chance.below(6))]) }
      bench.receive(reply)
      if chance.below(8) == 0 { bench.fail(RequestFailure.allCases[chance.below(4)]) }
      bench.forget()
      bench.run(until: bench.now + .milliseconds(Int64(chance.below(3_000))))
    }
    #expect(bench.device.requests > 100, "seed \(seed)")
  }

  @Test(arguments: seeds) func randomBytesIntoTheTool(seed: UInt64) {
    var chance = Chance(seed)
    let devices = [thermometer(), asked(), sensor(), guarded(), board()]
    for round in 0..<4_000 {
      let device = devices[round % devices.count]
      let bytes = chance.bytes(chance.below(40))
      let request = chance.below(2) == 0 ? nil : chance.bytes(chance.below(20))
      for frame in decode(bytes, with: device, DecodeContext(request: request)) {
        // A frame with a CRC is made by chance once in 65,536; here are 2,400.
        if case .accepted = frame.outcome, case .modbus = device.transport { Issue.record("seed \(seed): \(bytes)") }
      }
    }
  }

  /// Good frames one to one with noise: each is read, or at most the one that a false start has eaten.
  @Test(arguments: seeds) func everyGoodFrameAfterNoiseIsRead(seed: UInt64) {
    let bench = Bench(.serial, thermometer())
    var chance = Chance(seed)
    for round in 0..<20_000 {
      var noise = chance.bytes(chance.below(18))
      // Noise that begins like a frame is the worst; its bytes may swallow one good frame, never two.
      if chance.below(4) == 0 { noise += bytes("5a 5a 45 04").prefix(1 + chance.below(4)) }
      let object = 3_000 + chance.below(900)
      bench.receive(noise)
      bench.receive(thermal(object, 2_200))
      let isRead = bench.readings.contains { $0.field == 0 && $0.decoded == Double(object) * 0.01 }
      if !isRead {
        bench.receive(thermal(object, 2_200))
        let isReadNow = bench.readings.contains { $0.field == 0 && $0.decoded == Double(object) * 0.01 }
        #expect(isReadNow, "seed \(seed), round \(round)")
      }
      bench.forget()
    }
    #expect(bench.device.replies >= 20_000, "seed \(seed)")
  }

  @Test(arguments: seeds) func everyGoodReplyAfterNoiseIsRead(seed: UInt64) {
    let device = asked()
    let bench = Bench(.serial, device)
    var chance = Chance(seed)
    for round in 0..<5_000 {
      bench.forget()
      let co2 = 600 + chance.below(1_000)
      bench.receive(chance.bytes(chance.below(12)) + answer(co2: co2))
      #expect(bench.said(device).contains("co2=\(Double(co2))"), "seed \(seed), round \(round)")
      bench.run(until: bench.now + .seconds(5))
    }
  }

  /// What the fuzzers have found worth keeping, through the same doors (Tests/Fuzz).
  @Test func replaysTheCorpus() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fuzz/corpus")
    var played = 0
    let doors: [(String, (Span<UInt8>) -> Void)] = [
      ("serial", fuzzSerial), ("tcp", fuzzTCP), ("rtu", fuzzRTU), ("frames", fuzzFrames), ("reports", fuzzReports),
    ]
    for (kind, play) in doors {
      let files = try FileManager.default.contentsOfDirectory(at: folder.appending(path: kind), includingPropertiesForKeys: nil)
      for file in files {
        let bytes = [UInt8](try Data(contentsOf: file))
        play(bytes.span)
        played += 1
      }
    }
    #expect(played >= 30)
  }

  /// Random bytes and random stories through the doors of the fuzzers: every kind of frame, and HID descriptors.
  @Test(arguments: seeds) func everyDoorStandsNoise(seed: UInt64) {
    var chance = Chance(seed)
    for _ in 0..<4_000 {
      let story = chance.bytes(1 + chance.below(200))
      fuzzFrames(story.span)
      fuzzReports(story.span)
    }
  }
}
