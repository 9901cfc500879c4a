// Rings and exchange between two threads, and the proof that a ring's operations neither lock nor allocate: concrete, so
// the compiler can check them whole.

import Glibc
import Rings

@_noLocks @_noAllocation func prove(push slot: Slot, to ring: borrowing Ring<Slot>) -> Bool { ring.push(slot) }
@_noLocks @_noAllocation func prove(popFrom ring: borrowing Ring<Slot>) -> Slot? { ring.pop() }
@_noLocks @_noAllocation func prove(countOf ring: borrowing Ring<Slot>) -> Int { ring.count }

/// Runs `body` on a second thread and waits for it at the end of `meanwhile`.
func withSecondThread(_ body: @escaping @Sendable () -> Void, _ meanwhile: () -> Void) {
  guard let thread = RunningThread("second", stackBytes: 8 << 20, body) else { fail("the kernel has no thread left") }
  meanwhile()
  thread.join()
}

func checkRing(slots total: UInt64) {
  let ring = SharedRing<Slot>(capacity: 8)
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

func checkExchange(buffers total: Int) {
  let exchange = Exchange(buffers: 3, size: 4096)
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
      let byte = UInt8(truncatingIfNeeded: number)
      let isWhole = unsafe exchange.take { buffer in unsafe buffer.allSatisfy { $0 == byte } }
      guard let isWhole else {
        sched_yield()
        continue
      }
      if !isWhole { fail("buffer \(number) is torn") }
      number += 1
    }
  }
}
