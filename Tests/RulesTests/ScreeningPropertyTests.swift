// Goal: no sequence of inputs opens the gate without a valid normal reading or a named decision; whoever is elevated leaves a trace;
// each alarm is raised once and ends once. Method: seeded days at lanes that are set in many ways, with people, staff, fire, broken
// devices and restarts, in which lines are lost, late or doubled; a witness (Witness.swift) objects to what the rules do not allow.
// A seed that fails is printed with its whole day, in words.

import Domain
import Testing

@testable import Rules

/// A day at two lanes, as a timeline.
private struct Day {
  private var chance: UInt64
  private var said: [Line] = []
  private var at = 0.0
  private var comers = 0
  private let hasOther: Bool
  private let hasPresence: Bool
  private let hasSecond: Bool
  private let hasIdentity: Bool
  /// Everybody normal reads the same, as at a thermometer that holds one value.
  private let isStuck: Bool

  init(seed: UInt64) {
    chance = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    var draw = Draw(state: chance)
    hasOther = draw.happens(0.5)
    hasPresence = draw.happens(0.2)
    hasSecond = draw.happens(0.3)
    hasIdentity = draw.happens(0.6)
    isStuck = draw.happens(0.15)
    chance = draw.state
    equip()
    for _ in 0..<16 { somebodyComes() }
    said = spoil(said)
  }

  var text: String { untilTheEvening(RulesTests.text(said)) }

  /// xorshift64
  struct Draw {
    var state: UInt64
    mutating func below(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state >> 16) % bound
    }
    mutating func happens(_ share: Double) -> Bool { Double(below(1_000)) < share * 1_000 }
  }

  private mutating func below(_ bound: Int) -> Int {
    var draw = Draw(state: chance)
    defer { chance = draw.state }
    return draw.below(bound)
  }
  private mutating func happens(_ share: Double) -> Bool { Double(below(1_000)) < share * 1_000 }
  private mutating func one<T>(of list: [T]) -> T { list[below(list.count)] }
  private mutating func say(_ text: String, in seconds: Double = 0) { said.append(Line(at: at + seconds, text: text)) }
  /// Half seconds.
  private mutating func aWhile(_ least: Double, _ most: Double) -> Double { least + Double(below(Int((most - least) * 2) + 1)) / 2 }

  private mutating func equip() {
    if hasIdentity { say("with identity" + (happens(0.5) ? " required" : "")) }
    if hasPresence { say("with presence") }
    if hasSecond { say("with second") }
    for (what, share) in [("credential", 0.1), ("reference", 0.2), ("hall", 0.2), ("relative", 0.2), ("no_read_back", 0.2), ("open_on_failure", 0.2)] {
      if happens(share) { say("with \(what)") }
    }
    say("with rest \(one(of: [0, 0, 6, 20]))")
    say("with cold_wait \(one(of: [0, 0, 6, 20]))")
    say("nobody")
    if hasPresence { say("presence off") }
    if hasOther { say("b nobody") }
    at = 2
  }

  private mutating func skin() -> String {
    let normal = isStuck ? ["35.0"] : ["34.8", "34.9", "35.0", "35.1"]
    return one(of: one(of: [normal, normal, normal, ["35.4", "35.5"], ["35.8", "36.0"], ["36.6", "37.2"], ["33.0"]]))
  }

  private mutating func somebodyComes() {
    comers += 1
    let isOther = hasOther && happens(0.3)
    let lane = isOther ? "b " : ""
    let code = one(of: ["ann", "ben", "cyd", "dan"])
    let stay = aWhile(1.5, 9)
    if hasIdentity, happens(0.6) { say("\(lane)show \(code)", in: -aWhile(0.5, 1)) }
    say("\(lane)skin \(skin())")
    if hasPresence, !isOther { say("presence on") }
    if hasIdentity, happens(0.3) { say("\(lane)show \(happens(0.8) ? code : "eve")", in: aWhile(0.5, 4)) }
    for _ in 0..<below(3) { say("\(lane)skin \(skin())", in: aWhile(0.5, stay)) }
    if happens(0.15) { say("credential \(happens(0.7) ? "passed" : "failed")", in: aWhile(0.5, 2)) }
    if happens(0.5) { somethingHappens(in: aWhile(0, stay)) }
    say("\(lane)nobody", in: stay)
    if hasPresence, !isOther { say("presence off", in: stay) }
    if happens(0.3) { passage(in: stay) }
    at += stay + aWhile(0.5, 8)
    for _ in 0..<below(3) { staffDo(in: -aWhile(0, 4)) }
    if happens(0.2) { somethingHappens(in: -aWhile(0, 4)) }
  }

  private mutating func passage(in seconds: Double) {
    say("passage on", in: seconds)
    say("passage off", in: seconds + 0.5)
  }

  /// A recent one, mostly.
  private mutating func ticket() -> Int { max(1, comers - below(4)) }

  private mutating func staffDo(in seconds: Double) {
    switch below(12) {
    case 0, 1, 2, 3: say("resume \(ticket())" + (hasOther && happens(0.3) ? " b" : ""), in: seconds)
    case 4: say("contact \(ticket()) \(one(of: ["36.5", "37.2", "37.3", "38.4", "34.0", "37.6 ear", "37.7 ear", "36.5 unexplained"]))", in: seconds)
    case 5: say("override", in: seconds)
    case 6: say("override \(ticket())", in: seconds)
    case 7: say("allow \(ticket())", in: seconds)
    case 8: say("clear \(1 + below(8))", in: seconds)
    case 9: say("acknowledge \(1 + below(8))", in: seconds)
    case 10 where hasSecond:
      say("second \(one(of: ["35.6", "36.4", "37.2", "33.0"]))", in: seconds)
      say("second 22", in: seconds + aWhile(1, 4))
    case 11: say("average", in: seconds)
    default: break
    }
  }

  /// Something begins and ends again.
  private mutating func somethingHappens(in seconds: Double) {
    let pairs = [
      ("fire on", "fire off"), ("staff on", "staff off"), ("board down", "board up"), ("bad", "nobody"), ("silent", "nobody"),
      ("ambient unknown", "ambient 22"), ("warmup on", "warmup off"), ("humidity 90", "humidity 45"), ("reference 36", "reference 35"),
      ("admit closed", "admit open"), ("admit suspended", "admit open"), ("policy 37.0", "policy 37.3"), ("restart", ""), ("restart", ""), ("restart", ""),
    ]
    let (begins, ends) = one(of: pairs)
    say(begins, in: seconds)
    if begins.hasPrefix("reference") { return say(ends, in: seconds + 200) }
    if !ends.isEmpty { say(ends, in: seconds + aWhile(0.5, 12)) }
  }

  /// Some are lost, late or doubled.
  private mutating func spoil(_ lines: [Line]) -> [Line] {
    var spoilt: [Line] = []
    for line in lines {
      let isInput = !line.text.hasPrefix("with") && line.at > 1
      switch isInput ? below(40) : 39 {
      case 0: break
      case 1: spoilt.append(Line(at: line.at + aWhile(0.5, 5), text: line.text))
      case 2: spoilt += [line, Line(at: line.at + one(of: [0, 0.5, 5]), text: line.text)]
      default: spoilt.append(line)
      }
    }
    return spoilt
  }
}

/// What lasts longer than an evening, or until somebody else is measured.
private let lasting = ["alarm_flood", "reference_off", "thermometer_stuck", "thermometer_normalising", "lane_drift"]

@Suite struct ScreeningPropertyTests {
  @Test(arguments: 0..<12) func nobodyPassesForLess(batch: Int) {
    var passes = 0
    var elevated = 0
    for seed in UInt64(batch * 10)..<UInt64(batch * 10 + 10) {
      let story = play(Day(seed: seed).text)
      let objections = Witness(story).objections + openAlarms(story).filter { !lasting.contains($0) }.map { "\($0) did not end" }
      #expect(objections.isEmpty, "seed \(seed)\n\(told(story))")
      passes += story.count { !$0.isTold && $0.text.contains("passed") }
      elevated += story.count { !$0.isTold && ($0.text.contains("elevated:") || $0.text.contains("high:")) }
    }
    // Days on which nothing happened would prove nothing.
    #expect(passes > 10 && elevated > 10)
  }
}
