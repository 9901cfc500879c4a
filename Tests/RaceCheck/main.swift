// What the thread sanitizer looks at: two threads over each kind of ring, and a pipeline on one thread with its events,
// commands and snapshots going over to another as in the door, with checked contents. A small program of modules that
// need no package, so that a sanitized build takes seconds: `swift build -c release --product race-check --sanitize
// thread`. Release, since a debug build copies a ring's slots inside the runtime, where the sanitizer sees nothing: there a
// missing release went unnoticed, here it does not. Exits 0 when nothing was lost or torn, and the sanitizer makes that 66
// when it saw a race.

import Glibc

/// 128 bytes, so that a torn copy would show.
struct Slot: BitwiseCopyable, Sendable {
  var numbers: InlineArray<16, UInt64>
  init(_ number: UInt64) { numbers = InlineArray(repeating: number) }
  func holds(_ number: UInt64) -> Bool { (0..<16).allSatisfy { numbers[$0] == number } }
}

func fail(_ sentence: String) -> Never {
  print("race-check: \(sentence)")
  exit(1)
}

checkRing(slots: 200_000)
checkExchange(buffers: 20_000)
print("race-check: 200000 slots and 20000 buffers went across, whole and in order")
print("race-check: \(checkPipeline(turns: 100_000))")
