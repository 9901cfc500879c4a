// Counts the heap allocations of a hundred thousand turns of a day full of people, replies, contacts, commands, losses
// and faults. The compiler has proved that there are none; this looks at what the machine does.
//
//     LD_PRELOAD=count_allocations.so turn-check                 prints "100000 turns, 0 allocations"
//     LD_PRELOAD=count_allocations.so turn-check --allocate      allocates on purpose: the counter must count
//
// Exits 2 without the preloaded counter (Tests/EndToEnd/count_allocations.c), 1 when the day was too dull to prove
// anything.

import Domain
import Glibc
import Pipeline
import SampleSite

func tell(_ text: String, exit code: Int32) -> Never {
  let line = "turn-check: \(text)\n"
  // Safe: a string's own bytes, for the length of the call.
  _ = unsafe write(STDERR_FILENO, line, line.utf8.count)
  exit(code)
}

typealias Counter = @convention(c) () -> UInt

/// The preloaded counter of the calling thread's allocations.
func preloadedCounter() -> Counter? {
  // Safe: a symbol of this name is only in our own library, and it is a function of this type.
  guard let symbol = unsafe dlsym(dlopen(nil, RTLD_NOW), "gatehouse_allocations") else { return nil }
  return unsafe unsafeBitCast(symbol, to: Counter.self)
}

guard let allocations = preloadedCounter() else {
  tell("no allocation is counted: run it with LD_PRELOAD=count_allocations.so (Tests/EndToEnd/count_allocations.c)", exit: 2)
}
let allocates = CommandLine.arguments.contains("--allocate")

let warmUp = 2_000
let turns = 100_000
let day = Recording(SampleSite(lanes: 2, boards: 1, probes: 2), turns: warmUp + turns, seed: 11)
let seen = day.tally
guard seen.passed > 50, seen.denied > 50, seen.alarms > 50, seen.answers > 50 else { tell("a dull day: \(seen)", exit: 1) }

var pipeline = Pipeline(day.site.settings)
let snapshot = Table<UInt8>(capacity: pipeline.snapshotSize, filledWith: 0)
var kept: [[UInt8]] = []
for turn in 0..<warmUp { day.play(turn, in: &pipeline) }
pipeline.copySnapshot(to: snapshot, day.time(of: warmUp - 1))

var counted: UInt = 0
for turn in warmUp..<warmUp + turns {
  let before = allocations()
  day.play(turn, in: &pipeline)
  if pipeline.snapshotDue { pipeline.copySnapshot(to: snapshot, day.time(of: turn)) }
  if allocates { kept.append([UInt8](repeating: 0, count: 64)) }
  counted += allocations() - before
}
print("\(turns) turns, \(counted) allocations")
