// One producer, one consumer: what is pushed comes out once, in order; full and empty are answers, not errors.

import Rings
import Synchronization
import Testing

/// A slot of more than a cache line, with a check of its own contents.
private struct Wide: BitwiseCopyable, Sendable {
  var number: UInt64
  var copies: InlineArray<15, UInt64>

  init(_ number: UInt64) {
    self.number = number
    copies = InlineArray(repeating: number &* 0x9E37_79B9_7F4A_7C15)
  }

  var isWhole: Bool { (0..<15).allSatisfy { copies[$0] == number &* 0x9E37_79B9_7F4A_7C15 } }
}

@Suite struct RingTests {
  @Test func capacityIsAPowerOfTwo() {
    #expect(SharedRing<Int>(capacity: 1).capacity == 2)
    #expect(SharedRing<Int>(capacity: 5).capacity == 8)
    #expect(SharedRing<Int>(capacity: 64).capacity == 64)
  }

  @Test func anEmptyRingGivesNothing() {
    let ring = SharedRing<Int>(capacity: 4)
    #expect(ring.pop() == nil)
    #expect(ring.count == 0)
  }

  @Test func aFullRingRefusesAndKeepsWhatItHas() {
    let ring = SharedRing<Int>(capacity: 4)
    for number in 0..<4 { #expect(ring.push(number)) }
    #expect(!ring.push(99))
    #expect(ring.count == 4)
    for number in 0..<4 { #expect(ring.pop() == number) }
    #expect(ring.pop() == nil)
  }

  /// Against a plain queue, with a seed: any mix of pushes and pops, many times around.
  @Test(arguments: [1, 7, 20_261_123] as [UInt64])
  func itBehavesAsAQueue(seed: UInt64) {
    var state = seed
    func next(below bound: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % bound
    }
    let ring = SharedRing<UInt64>(capacity: 8)
    var queue: [UInt64] = []
    for number in 0..<20_000 as Range<UInt64> {
      if next(below: 2) == 0 {
        #expect(ring.push(number) == (queue.count < 8))
        if queue.count < 8 { queue.append(number) }
      } else {
        #expect(ring.pop() == (queue.isEmpty ? nil : queue.removeFirst()))
      }
      #expect(ring.count == queue.count)
    }
  }

  /// Two threads, slots wider than a cache line: nothing lost, doubled, reordered or torn.
  @Test func twoThreadsLoseNothing() async {
    let ring = SharedRing<Wide>(capacity: 16)
    let total: UInt64 = 50_000
    async let sent: Void = {
      var number: UInt64 = 0
      while number < total {
        if ring.push(Wide(number)) { number += 1 } else { await Task.yield() }
      }
    }()
    var expected: UInt64 = 0
    while expected < total {
      guard let slot = ring.pop() else {
        await Task.yield()
        continue
      }
      guard slot.number == expected, slot.isWhole else {
        Issue.record("slot \(slot.number) came where \(expected) was due, whole: \(slot.isWhole)")
        return
      }
      expected += 1
    }
    await sent
    #expect(ring.pop() == nil)
  }
}

/// Every interleaving of the steps of two threads over a ring of three slots, by the protocol of Ring.swift: a slot is
/// written before it is published, and freed before it is written again.
@Suite struct RingModelTests {
  private struct Model: Hashable {
    var slots = [0, 0, 0]
    var tail = 0
    var head = 0
    var tailSeen = 0
    var headSeen = 0
    var producer = 0  // 0: look for room, 1: write the slot, 2: publish
    var consumer = 0  // 0: look for a slot, 1: copy it, 2: free it
    var copied = 0
    var sent = 0
    var received = 0
  }

  @Test func noInterleavingLosesOrTearsASlot() {
    let items = 5
    var seen: Set<Model> = []
    var open = [Model()]
    while let model = open.popLast() {
      guard seen.insert(model).inserted else { continue }
      for next in [producerStep(model, items), consumerStep(model, items)].compactMap(\.self) { open.append(next) }
    }
    #expect(seen.contains { $0.received == items })
    #expect(seen.count > 100)
  }

  private func producerStep(_ model: Model, _ items: Int) -> Model? {
    var next = model
    switch model.producer {
    case 0:
      guard model.sent < items else { return nil }
      if model.tail - model.headSeen >= 3 {
        next.headSeen = model.head
        guard model.tail - next.headSeen < 3 else { return next == model ? nil : next }
      }
      next.producer = 1
    case 1:
      // The slot must be free: everything that was in it has been copied out.
      #expect(model.tail - model.head < 3, "a slot is overwritten before it was freed")
      next.slots[model.tail % 3] = model.sent + 1
      next.producer = 2
    default:
      next.tail += 1
      next.sent += 1
      next.producer = 0
    }
    return next
  }

  private func consumerStep(_ model: Model, _ items: Int) -> Model? {
    var next = model
    switch model.consumer {
    case 0:
      guard model.received < items else { return nil }
      if model.head == model.tailSeen {
        next.tailSeen = model.tail
        guard model.head != next.tailSeen else { return next == model ? nil : next }
      }
      next.consumer = 1
    case 1:
      next.copied = model.slots[model.head % 3]
      next.consumer = 2
    default:
      #expect(model.copied == model.received + 1, "slot \(model.copied) came where \(model.received + 1) was due")
      next.head += 1
      next.received += 1
      next.consumer = 0
    }
    return next
  }
}

@Suite struct BellTests {
  @Test func aBellRemembersThatItWasRung() throws {
    let bell = try #require(Bell())
    #expect(!bell.drain())
    bell.ring()
    bell.ring()
    #expect(bell.wait(milliseconds: 0))
    #expect(!bell.wait(milliseconds: 0))
  }
}

@Suite struct ExchangeTests {
  @Test func buffersGoRound() {
    let exchange = Exchange(buffers: 2, size: 3)
    func hand(_ byte: UInt8) -> Bool {
      unsafe exchange.hand { buffer in for index in 0..<buffer.count { unsafe buffer[index] = byte } }
    }
    for round in 0..<5 as Range<UInt8> {
      #expect(hand(round))
      #expect(hand(round + 100))
      #expect(!hand(200), "both buffers are full")
      #expect(unsafe exchange.take { unsafe Array($0) } == [round, round, round])
      #expect(unsafe exchange.take { unsafe Array($0) } == [round + 100, round + 100, round + 100])
      #expect(unsafe exchange.take { $0.count } == nil)
    }
  }
}
