// Goal: every transition of a screening, and that nobody passes for less when something of it is lost, comes late or twice, or the
// door restarts in the middle. Method: the timelines of ScreeningTimelines.swift, as they are and with each line of them spoilt; a
// witness (Witness.swift) objects to what the rules do not allow.

import Domain
import Testing

@testable import Rules

/// A line of a timeline and its second.
struct Line {
  var at: Double
  var text: String
}

func lines(_ text: String) -> [Line] {
  text.split(separator: "\n").compactMap { line in
    let words = line.split(separator: " ")
    return Double(words[0]).map { Line(at: $0, text: words.dropFirst().joined(separator: " ")) }
  }
}

func text(_ lines: [Line]) -> String {
  // What is told at the same second keeps its order.
  let order = lines.indices.sorted { (lines[$0].at, $0) < (lines[$1].at, $1) }
  return order.map { "\(lines[$0].at) \(lines[$0].text)" }.joined(separator: "\n")
}

/// Everybody goes home, everything works again, nobody waits any longer and staff see to the alarms: nothing is left.
func untilTheEvening(_ text: String) -> String {
  let last = lines(text).map(\.at).max() ?? 0
  let home = ["nobody", "warmup off", "ambient 22", "second 22", "presence off", "board up", "fire off", "staff off", "passage off",
    "humidity 45", "air 21", "reference 35", "admit open", "b nobody"]
  let relevant = home.filter { ($0 != "b nobody" || text.contains(" b ")) && ($0 != "reference 35" || text.contains("reference")) }
  return text + "\n" + relevant.map { "\(last + 3) \($0)\n" }.joined()
    + (text.contains("readback") || text.contains("stuck") ? "\(last + 3) readback off\n" : "")
    + "\(last + 4) waits 1\n\(last + 4) every 200\n\(last + 130) end_alarms\n\(last + 200) end"
}

func play(_ text: String) -> [Moment] {
  var timeline = LaneTimeline()
  _ = timeline.play(text)
  return timeline.story
}

private let ofGates: Set<String> = ["pulse", "gate opens", "shut", "gate is shut", "passage"]

private func words(_ story: [Moment]) -> [String] { story.filter { !$0.isTold && !ofGates.contains($0.text) }.map(\.text) }

private func passes(_ story: [Moment]) -> Int { words(story).count { $0.contains("passed") } }

/// Alarms that were raised and did not end.
func openAlarms(_ story: [Moment]) -> [String] {
  let words = words(story).map { $0.split(separator: " ").drop { $0 == "b" }.map(String.init) }
  let cleared = Set(words.filter { $0[0] == "cleared" }.map { $0[1] })
  return words.filter { $0[0] == "alarm" && !cleared.contains($0[1]) && $0.count == 4 }.map { $0[2] }
}

/// Plays it until the evening: the witness has no objection, and every alarm has ended.
private func expectSound(_ text: String, _ what: String, at location: SourceLocation = #_sourceLocation) {
  let story = play(untilTheEvening(text))
  let objections = Witness(story).objections + openAlarms(story).map { "\($0) did not end" }
  #expect(objections.isEmpty, "\(what)\n\(told(story))", sourceLocation: location)
}

/// A story in words: what was told, and indented, what was answered.
func told(_ story: [Moment]) -> String {
  story.map { $0.isTold ? "\($0.at) \($0.text)" : "        \($0.at): \($0.text)" }.joined(separator: "\n")
}

@Suite struct ScreeningStateTests {
  @Test(arguments: screeningTransitions) func everyTransition(of row: ScreeningTransition) {
    let last = lines(row.text).map(\.at).max() ?? 0
    let story = play(row.text + "\n\(last + 4) end")
    #expect(words(story) == row.happens)
    expectSound(row.text, "as it is")
  }

  @Test(arguments: screeningTransitions) func everyLineLost(of row: ScreeningTransition) {
    let lines = lines(row.text)
    for lost in spoilt(lines) { expectSound(text(lines.indices.filter { $0 != lost }.map { lines[$0] }), "without \(lines[lost])") }
  }

  @Test(arguments: screeningTransitions, [0.5, 5]) func everyLineLate(of row: ScreeningTransition, by seconds: Double) {
    let lines = lines(row.text)
    for late in spoilt(lines) {
      var changed = lines
      changed[late].at += seconds
      expectSound(text(changed), "\(seconds) s late: \(lines[late])")
    }
  }

  @Test(arguments: screeningTransitions, [0, 0.5]) func everyLineTwice(of row: ScreeningTransition, after seconds: Double) {
    let lines = lines(row.text)
    for twice in spoilt(lines) {
      let again = Line(at: lines[twice].at + seconds, text: lines[twice].text)
      expectSound(text(lines + [again]), "twice, after \(seconds) s: \(lines[twice])")
    }
  }

  /// Whoever waits goes on waiting, and nobody passes who would not have without it. Only who was at the thermometer, and had
  /// not rested, begins again.
  @Test(arguments: screeningTransitions) func aRestartAnywhere(of row: ScreeningTransition) {
    let lines = lines(row.text)
    let plain = play(untilTheEvening(row.text))
    for at in momentsBetween(lines).prefix(24) {
      let with = untilTheEvening(text(lines + [Line(at: at, text: "restart")]))
      let story = play(with)
      let objections = Witness(story).objections + openAlarms(story).map { "\($0) did not end" }
      #expect(objections.isEmpty, "restart at \(at)\n\(told(story))")
      if !isMeasuring(plain, at) { #expect(passes(story) <= passes(plain), "restart at \(at)\n\(told(story))") }
      if isQuiet(plain, at) {
        #expect(words(story).filter { $0 != "restart" } == words(plain), "restart at \(at)\n\(told(story))")
      }
    }
  }

  /// Somebody has come who was not judged: since `at`, they are somebody new.
  private func isMeasuring(_ story: [Moment], _ at: Double) -> Bool {
    // A start must see nobody for a second.
    if story.contains(where: { $0.isTold && $0.at > at && $0.at < at + 1.2 && $0.text.contains("skin") }) { return true }
    let last = story.last { $0.at <= at && isOfPeople($0.text) }
    // Who was called had rested, and keeps their ticket.
    let verdict = story.last { $0.at <= at && isOfTickets($0.text) }
    guard let text = last?.text, verdict?.text.contains("called") != true else { return false }
    return text.contains("skin") || text.contains("began") || ["retake", "suspect"].contains { text.hasSuffix($0) }
  }

  private func isOfTickets(_ text: String) -> Bool { ["called", "began", "denied", "passed"].contains { text.contains($0) } }

  private func isOfPeople(_ text: String) -> Bool {
    ["skin", "began", "denied", "passed", "abandoned", "nobody"].contains { text.contains($0) }
  }

  private func momentsBetween(_ lines: [Line]) -> [Double] {
    var moments: Set<Double> = []
    for (index, line) in lines.enumerated() {
      let end = index + 1 < lines.count ? lines[index + 1].at : line.at + 3
      for at in [line.at + 0.01, line.at + 0.3, line.at + 1.2, (line.at + end) / 2] where at < end { moments.insert(at) }
    }
    return moments.sorted()
  }

  /// What is told of the site is no input, and four hundred lines of the same are looked at by some of them.
  private func spoilt(_ lines: [Line]) -> [Int] {
    lines.indices.filter { !lines[$0].text.hasPrefix("with") && ($0 < 40 || $0 == lines.count - 1) }
  }

  /// Nobody is at either lane, and the gate is shut: nothing may change. A start must see nobody for a second first.
  private func isQuiet(_ story: [Moment], _ at: Double) -> Bool {
    let told = story.filter(\.isTold)
    if told.contains(where: { $0.text.hasPrefix("fire") || $0.text.hasPrefix("humidity") }) { return false }
    for isOther in [false, true] {
      let ofLane = told.filter { moment in
        moment.text.hasPrefix("b ") == isOther && ["skin", "nobody", "presence", "bad", "board"].contains { moment.text.contains($0) }
      }
      if let before = ofLane.last(where: { $0.at <= at }) {
        if !before.text.contains("nobody"), before.text != "presence off" { return false }
        if before.at > at - 1.2 { return false }
      }
      if let next = ofLane.first(where: { $0.at > at }), next.at < at + 1.7 { return false }
    }
    let gate = story.last { $0.at <= at && ["gate opens", "gate is shut", "hold", "returned"].contains($0.text) }
    return at > 2 && (gate == nil || gate?.text == "gate is shut")
  }
}
