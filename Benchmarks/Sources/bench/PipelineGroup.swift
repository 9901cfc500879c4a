// Turns: what a reading costs through framing, check, validity and rules, on one CPU, replaying a day that was recorded
// before the clock runs.

import Pipeline
import Reference
import SampleSite

func measurePipeline() {
  reference_pin(0)
  let mixed = [64, 1000].map { (devices: $0, day: Recording(SampleSite(devices: $0), turns: 400_000, seed: 5)) }
  let lanes = [1, 10, 100, 1000].map {
    (lanes: $0, day: Recording(SampleSite(lanes: $0, boards: 0, probes: 0), turns: 400_000, seed: 5))
  }
  // Enough that the one thermometer, without which there is no day, weighs little among them.
  let rooms = [100, 400, 1600].map {
    (rooms: $0, day: Recording(SampleSite(lanes: 1, boards: 0, probes: $0), turns: 400_000, seed: 5))
  }
  var roomCosts = rooms.map { _ in [Double]() }
  var mixedCosts = mixed.map { _ in [Double]() }
  var laneCosts = lanes.map { _ in [Double]() }
  for _ in 0..<rounds {
    for index in lanes.indices { laneCosts[index].append(cost(lanes[index].day)) }
    for index in rooms.indices { roomCosts[index].append(cost(rooms[index].day)) }
    for index in mixed.indices { mixedCosts[index].append(cost(mixed[index].day)) }
  }
  let goal = median(mixedCosts[0])
  report("pipeline: 64 devices, thermometers, boards and probes", 1e3 / goal, "M readings/s", .valueAtLeast(10))
  report("pipeline: cost at 1000 mixed devices", median(mixedCosts[1]), "ns/reading", against: ("64 devices", goal))
  let one = median(laneCosts[0])
  report("pipeline: cost at 1 thermometer and its lane", one, "ns/reading")
  for index in 1..<lanes.count {
    report(
      "pipeline: cost at \(lanes[index].lanes) thermometers and lanes", median(laneCosts[index]), "ns/reading",
      against: ("1 device", one), .ratioAtMost(1.5))
  }
  let few = median(roomCosts[0])
  report("pipeline: cost at 100 rooms, judged by all rules", few, "ns/reading")
  for index in 1..<rooms.count {
    report(
      "pipeline: cost at \(rooms[index].rooms) rooms, judged by all rules", median(roomCosts[index]), "ns/reading",
      against: ("100 rooms", few), .ratioAtMost(1.5))
  }
}

/// Nanoseconds a reading; the first tenth of the day, in which everything is new, is not counted.
private func cost(_ day: Recording) -> Double {
  var pipeline = Pipeline(day.site.settings)
  let warm = day.turns / 10
  day.play(0..<warm, in: &pipeline)
  let before = readings(pipeline, day.site)
  let start = reference_now()
  day.play(warm..<day.turns, in: &pipeline)
  let took = reference_now() - start
  return Double(took) / Double(readings(pipeline, day.site) - before)
}

private func readings(_ pipeline: borrowing Pipeline, _ site: SampleSite) -> Int {
  var sum = 0
  for device in 0..<site.devices { sum += pipeline.readings(of: device) }
  return sum
}
