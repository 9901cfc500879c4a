// What the thread sanitizer looks at: two threads over each kind of ring, with checked contents. A small program of
// modules that need no package, so that a sanitized build takes seconds: `swift build --product race-check --sanitize
// thread`. Exits 0 when nothing was lost or torn; the sanitizer itself ends it when it sees a race.

import Glibc
import Rings

/// 128 bytes, so that a torn copy would show.
struct Slot: BitwiseCopyable, Sendable {
  var numbers: InlineArray<16, UInt64>
  init(_ number: UInt64) { numbers = InlineArray(repeating: number) }
  func holds(_ number: UInt64) -> Bool { (0..<16).allSatisfy { numbers[$0] == number } }
}

// The proof that a ring's operations neither lock nor allocate: concrete, so the compiler can check them whole.
@_noLocks @_noAllocation func prove(push slot: Slot, to ring: borrowing Ring<Slot>) -> Bool { ring.push(slot) }
@_noLocks @_noAllocation func prove(popFrom ring: borrowing Ring<Slot>) -> Slot? { ring.pop() }
@_noLocks @_noAllocation func prove(countOf ring: borrowing Ring<Slot>) -> Int { ring.count }

func fail(_ sentence: String) -> Never {
  print("race-check: \(sentence)")
  exit(1)
}

/// Runs `body` on a second thread and waits for it at the end of `meanwhile`.
func withSecondThread(_ body: @escaping @Sendable () -> Void, _ meanwhile: () -> Void) {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let box = unsafe Unmanaged.passRetained(Box(body))
  unsafe pthread_create(
    &thread, nil,
    { argument in
      guard let argument = unsafe argument else { return nil }
      unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
      return nil
    }, box.toOpaque())
  meanwhile()
  unsafe pthread_join(thread, nil)
}

func checkRing() {
  let ring = SharedRing<Slot>(capacity: 8)
  let total: UInt64 = 200_000
  withSecondThread({
    var number: UInt64 = 0
    while number < total {
      if prove(push: Slot(number), to: ring.ring) { number += 1 } else { sched_yield() }
    }
  }) {
    var number: UInt64 = 0
    while number < total {
      guard let slot = prove(popFrom: ring.ring) else {
        sched_yield()
        continue
      }
      if !slot.holds(number) { fail("slot \(slot.numbers[0]) came where \(number) was due") }
      number += 1
    }
    if prove(countOf: ring.ring) != 0 { fail("the ring is not empty at the end") }
  }
}

func checkExchange() {
  let exchange = Exchange(buffers: 3, size: 4096)
  let total = 20_000
  withSecondThread({
    var number = 0
    while number < total {
      let byte = UInt8(truncatingIfNeeded: number)
      if unsafe exchange.hand({ buffer in for index in 0..<buffer.count { unsafe buffer[index] = byte } }) {
        number += 1
      } else {
        sched_yield()
      }
    }
  }) {
    var number = 0
    while number < total {
      let isWhole = unsafe exchange.take { buffer in
        unsafe buffer.allSatisfy { $0 == UInt8(truncatingIfNeeded: number) }
      }
      guard let isWhole else {
        sched_yield()
        continue
      }
      if !isWhole { fail("buffer \(number) is torn") }
      number += 1
    }
  }
}

checkRing()
checkExchange()
print("race-check: 200000 slots and 20000 buffers went across, whole and in order")
