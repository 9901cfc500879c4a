// Goal: what a lane says of its hours and days is what happened there, each person once. Method: timelines; skin is 1.6 °C below
// the body, an hour begins at so many minutes of 1970.

import Domain
import Testing

@testable import Rules

private func told(_ text: String) -> [String] {
  var timeline = LaneTimeline()
  return timeline.play("0 clock 09:50\n0 nobody\n" + text).filter { $0.contains(" people, ") }
}

private func statistics(_ text: String, _ change: (inout LaneTimeline) -> Void = { _ in }) -> LaneStatisticsView {
  var timeline = LaneTimeline()
  change(&timeline)
  _ = timeline.play("0 clock 09:50\n0 nobody\n" + text)
  return timeline.statistics
}

private let normal = "3 skin 35.0\n5 nobody\n"

@Suite struct LaneStatisticsTests {
  /// A normal one, one with a fever whom a contact thermometer confirms a minute later, one from the cold, and one who only looked in.
  private let morning = normal + """
    20 skin 36.6
    23 nobody
    40 skin 33.0
    43 nobody
    60 skin 35.0
    60.3 nobody
    83 contact 1 36.0
    83 contact 2 38.4
    85 end
    """

  @Test func eachPersonCountsOnce() {
    let today = statistics(morning).today
    #expect(today.screened == 3 && today.measured == 2 && today.elevated == 1)
    // A burst lasts half a second.
    #expect(today.atLane.mean > 0.4 && today.atLane.longest < .seconds(1), "\(today.atLane)")
    #expect(today.withTicket.count == 1 && abs(today.withTicket.mean - 62.4) < 0.3, "\(today.withTicket.mean)")
  }

  /// Measured again at once, or called back: they stay one person, who was elevated if they ever were.
  @Test func whoIsMeasuredAgainCountsOnce() {
    let twice = statistics("3 skin 35.8\n6 skin 35.0\n20 nobody\n30 end").today
    #expect(twice.screened == 1 && twice.measured == 1 && twice.elevated == 1 && twice.withTicket.count == 0)
    // The second and third measurement begin 5 s after the one before.
    #expect(abs(twice.atLane.mean - 11) < 1, "\(twice.atLane.mean)")
    let back = statistics("3 skin 33.0\n5 nobody\n30 resume 1\n33 skin 35.0\n35 nobody\n45 end").today
    #expect(back.screened == 1 && back.measured == 1 && back.elevated == 0 && abs(back.withTicket.mean - 30) < 1, "\(back)")
  }

  @Test func staffMeasureNobodyByTheirWord() {
    let today = statistics("3 skin 33.0\n5 nobody\n8 override 1\n15 end").today
    #expect(today.screened == 1 && today.measured == 0 && today.withTicket.count == 1)
  }

  @Test func anHourAndADayAreTold() {
    #expect(told(normal + "601 end") == ["hour from 540: 1 people, 0 of 1, 0 tickets"])
    #expect(told("601 end").isEmpty, "nobody came")
    let night = told(normal + "10 clock 23:59\n20 skin 36.6\n23 nobody\n80 end")
    #expect(night == ["hour from 540: 1 people, 0 of 1, 0 tickets", "hour from 1380: 1 people, 1 of 1, 0 tickets", "day from 0: 2 people, 1 of 2, 0 tickets"])
  }

  /// The hour from two o'clock is set back and comes twice, under its own name, and a clock two hours ahead of UTC begins its day two hours earlier.
  @Test func summerTimeEnds() {
    let words = told("1 zone 2\n2 clock 02:58\n" + normal + "10 asleep 100\n25 zone 1\n30 skin 35.0\n33 nobody\n40 asleep 3590\n45 end")
    #expect(words == ["hour from 120: 1 people, 0 of 1, 0 tickets", "hour from 120: 1 people, 0 of 1, 0 tickets"], "\(words)")
  }

  @Test func theLastHourPasses() {
    #expect(statistics(normal + "10 end").lastHour.screened == 1)
    let later = statistics(normal + "10 asleep 3200\n20 end")
    #expect(later.lastHour.screened == 1 && later.today.screened == 1 && later.busiest == 1)
    let hour = statistics(normal + "10 asleep 3600\n20 end")
    #expect(hour.lastHour.screened == 0 && hour.today.screened == 1)
  }

  @Test func aRestartForgetsNothing() {
    let after = statistics(normal + "10 restart\n12 nobody\n20 skin 36.6\n23 nobody\n30 end")
    #expect(after.today.screened == 2 && after.lastHour.screened == 2 && after.today.elevated == 1)
    // The door was down at midnight.
    let words = told(normal + "10 asleep 60000\n10 restart\n15 end")
    #expect(words == ["hour from 540: 1 people, 0 of 1, 0 tickets", "day from 0: 1 people, 0 of 1, 0 tickets"])
  }

  @Test func theMedianIsOfTheLastFifty() {
    var median = RunningMedian()
    #expect(median.value.isNaN)
    var all: [Double] = []
    for number in 0..<200 {
      all.append(36 + Double(number * 37 % 101) / 100)
      median.add(all[number])
      median.add(.nan)
      let last = all.suffix(50).sorted()
      #expect(median.value == (last[(last.count - 1) / 2] + last[last.count / 2]) / 2)
    }
  }

  /// From the twelfth person on.
  @Test func driftIsOfManyPeople() {
    func after(_ people: Int) -> LaneStatisticsView {
      statistics((0..<people).map { "\(3 + $0 * 12) skin \(35.2 + Double($0) / 100)\n\(5 + $0 * 12) nobody\n" }.joined() + "\(people * 12 + 3) end")
    }
    #expect(after(11).median.isNaN)
    let twelve = after(12)
    #expect(abs(twelve.median - 36.855) < 0.001 && abs(twelve.drift - 0.255) < 0.001, "\(twelve)")
  }
}
