// Which turn is the worst, in instructions: a time would say as much about the machine as about the turn. A day is run
// five times by the clock, and the turns whose shortest time was longest are candidates: interrupts and cold caches hit
// a turn once, not five times. Then it runs once more, and around each candidate, and around some hundred ordinary turns,
// it signals itself: Programs/steps.c, its parent, counts the instructions between two signals by single steps.
//
// Prints, in the order of the signals: empty (nothing in between: what to subtract), ordinary, candidate.

import Glibc
import Pipeline
import Reference
import SampleSite

func playChosenTurns() {
  let day = Recording(SampleSite(devices: 64), turns: 100_000, seed: 3)
  let warm = 10_000
  let candidates = slowest(of: day, from: warm, count: 50)
  let ordinary = Set(stride(from: warm, to: day.turns, by: (day.turns - warm) / 100))
  var pipeline = Pipeline(day.site.settings)
  var kinds = ["empty"]
  raise(SIGUSR1)
  raise(SIGUSR2)
  for turn in 0..<day.turns {
    let isCandidate = candidates.contains(turn)
    guard isCandidate || ordinary.contains(turn) else {
      day.play(turn, in: &pipeline)
      continue
    }
    kinds.append(isCandidate ? "candidate" : "ordinary")
    raise(SIGUSR1)
    day.play(turn, in: &pipeline)
    raise(SIGUSR2)
  }
  print(kinds.joined(separator: " "))
}

private func slowest(of day: Recording, from warm: Int, count: Int) -> Set<Int> {
  var shortest = [Int64](repeating: .max, count: day.turns)
  for _ in 0..<5 {
    var pipeline = Pipeline(day.site.settings)
    for turn in 0..<day.turns {
      let start = reference_now()
      day.play(turn, in: &pipeline)
      shortest[turn] = min(shortest[turn], reference_now() - start)
    }
  }
  return Set((warm..<day.turns).sorted { shortest[$0] > shortest[$1] }.prefix(count))
}
