// Rings against the same ring in C++: round trip, bulk, and slots of a cache line. Two threads, one a CPU, that spin; five
// rounds in alternation, median against median.

import Reference
import Rings
import Synchronization

struct Line: BitwiseCopyable, Sendable {
  var numbers: InlineArray<8, UInt64>
}

func measureRings() {
  compare("ring: round trip", "ns", perSecond: false, count: 500_000, .ratioAtMost(1.5), roundTrips) { reference_round_trips($0) }
  compare("ring: bulk, 8 bytes", "M slots/s", perSecond: true, count: 20_000_000, .ratioAtLeast(0.6), bulk8) {
    reference_bulk8($0, capacity)
  }
  compare("ring: bulk, 64 bytes", "M slots/s", perSecond: true, count: 5_000_000, .ratioAtLeast(1.0), bulk64) {
    reference_bulk64($0, capacity)
  }
}

/// Slots of the bulk rings.
private let capacity: Int64 = 65_536

private func compare(
  _ name: String, _ unit: String, perSecond: Bool, count: Int64, _ goal: Goal, _ ours: (Int64) -> Int64, _ theirs: (Int64) -> Int64
) {
  func figure(_ ns: Int64) -> Double { perSecond ? Double(count) * 1e3 / Double(ns) : Double(ns) / Double(count) }
  var swift: [Double] = []
  var reference: [Double] = []
  for _ in 0..<rounds {
    swift.append(figure(ours(count)))
    reference.append(figure(theirs(count)))
  }
  report(name, median(swift), unit, against: ("C++ ring", median(reference)), goal)
}

/// Holds the second thread back until the clock runs.
private final class Gate: Sendable {
  private let isOpen = Atomic<Bool>(false)
  func open() { isOpen.store(true, ordering: .releasing) }
  func wait() { while !isOpen.load(ordering: .acquiring) {} }
}

/// Nanoseconds of `first`, which `second` works with on the other CPU.
private func time(_ second: @escaping @Sendable () -> Void, _ first: () -> UInt64, sum: Int64) -> Int64 {
  let gate = Gate()
  let thread = RunningThread("second") {
    reference_pin(1)
    gate.wait()
    second()
  }
  reference_pin(0)
  let start = reference_now()
  gate.open()
  let got = first()
  let took = reference_now() - start
  thread?.join()
  precondition(got == UInt64(sum) * UInt64(sum - 1) / 2, "A slot was lost or torn.")
  return took
}

private func roundTrips(_ count: Int64) -> Int64 {
  let there = SharedRing<UInt64>(capacity: 64)
  let back = SharedRing<UInt64>(capacity: 64)
  return time(
    {
      for _ in 0..<count {
        var number = there.pop()
        while number == nil { number = there.pop() }
        while !back.push(number ?? 0) {}
      }
    },
    {
      var sum: UInt64 = 0
      for index in 0..<UInt64(count) {
        while !there.push(index) {}
        var number = back.pop()
        while number == nil { number = back.pop() }
        sum &+= number ?? 0
      }
      return sum
    }, sum: count)
}

private func bulk8(_ count: Int64) -> Int64 {
  let ring = SharedRing<UInt64>(capacity: Int(capacity))
  return time(
    { for index in 0..<UInt64(count) { while !ring.push(index) {} } },
    {
      var sum: UInt64 = 0
      for _ in 0..<count {
        var number = ring.pop()
        while number == nil { number = ring.pop() }
        sum &+= number ?? 0
      }
      return sum
    }, sum: count)
}

private func bulk64(_ count: Int64) -> Int64 {
  let ring = SharedRing<Line>(capacity: Int(capacity))
  return time(
    {
      for index in 0..<UInt64(count) {
        let line = Line(numbers: InlineArray(repeating: index))
        while !ring.push(line) {}
      }
    },
    {
      var sum: UInt64 = 0
      for _ in 0..<count {
        while true {
          guard let line = ring.pop() else { continue }
          sum &+= line.numbers[7]
          break
        }
      }
      return sum
    }, sum: count)
}
