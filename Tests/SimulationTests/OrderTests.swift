// Commands and scripts: both ways of writing one mean the same, and a mistake is told, never swallowed.

import Domain
import Foundation
import Testing

@testable import Simulation

@Suite struct OrderTests {
  @Test(arguments: [
    ("person north body=38.2 stay=8", #"{"person":"north","body":38.2,"stay":8}"#),
    ("people on", #"{"people":true}"#),
    ("input board 7 on", #"{"input":["board",7,true]}"#),
    ("fault thermometer silence for=5", #"{"fault":["thermometer","silence"],"for":5}"#),
    ("state", #"{"state":null}"#),
  ])
  func bothFormsAreOne(plain: String, json: String) throws {
    #expect(try Order(plain) == Order(json))
  }

  @Test(arguments: [
    ("", "empty"), ("dance", "no command"), ("{}", "no key"), ("{", "no JSON"),
    ("person south body=36", "north"), ("person north", "body="), ("person north body=warm", "no number"),
    ("person north body=36 mood=good", "mood"), ("person north body=36 stay=-1", "length of time"),
    ("room room-a co2=-5", "between"), ("room room-a occupants=1e99", "between"),
    ("input board 0 on", "1 to 32"), ("input board 1 perhaps", "neither"),
    ("room room-a windows=ajar", "open or shut"), ("room room-a fan=maybe", "neither"), ("outdoors warm", "between"),
    ("people on fever=2", "share"), ("person north body=36 shows=4711", "no scanner"),
    ("fault board sadness", "silence"), ("field board colour 1", "relays"), ("gate north ajar", "stuck_open"),
    ("unplug cellar", "rooms"), ("replug ir", "already"), ("speed fast", "speed"), ("people on every=0", "above 0"),
    ("fault board normalises", "no lane's thermometer"), ("fault thermometer exception", "Modbus"), ("fault board hang_up", "TCP"),
    ("fault room-a-co2 echo", "no serial line"), ("fault thermometer late", "nobody asks"), ("fault board drift by=1", "measures nothing"),
    ("fault thermometer sentinel", "no sentinels"), ("fault thermometer jump", "by="), ("fault thermometer silence by=3", "no by="),
    ("fault thermometer delay by=-1", "between"), ("fault thermometer noise chance=0", "chance="), ("swap board board", "two devices"),
    ("ambient north 900", "ambient"),
    ("offset north 11", "offset"),
  ])
  func mistakesAreTold(line: String, word: String) {
    var world = World(Sample.door())
    let before = world.state()
    let answer = world.perform(line)
    #expect(answer.hasPrefix("error ") && answer.contains(word), "\(line): \(answer)")
    #expect(world.state() == before)
  }

  @Test func everyCommandAndFaultIsDocumented() throws {
    let manual = try String(contentsOfFile: "docs/testing-with-simulators.md", encoding: .utf8)
    let help = try String(contentsOfFile: "Simulators/gatehouse-sim/RunCommand.swift", encoding: .utf8)
    for verb in Order.verbs {
      #expect(help.contains("        \(verb) ") || help.contains("        \(verb)\n") || help.contains(", \(verb) BUS"), "\(verb)")
      if !["wait", "state", "quit"].contains(verb) { #expect(manual.contains("`\(verb): "), "\(verb)") }
    }
    for kind in FaultKind.allCases { #expect(manual.contains("`\(kind.rawValue)`") && help.contains(kind.rawValue), "\(kind)") }
  }

  @Test func stateIsOneLineOfJSON() throws {
    var world = World(Sample.door())
    _ = world.perform("person north body=36.6")
    world.advance(to: at(1_000))
    let line = world.perform("state")
    #expect(!line.contains("\n"))
    let state = try JSONDecoder().decode(WorldState.self, from: Data(line.utf8))
    #expect(state.t == 1)
    #expect(state.lanes["north"]?.occupied == true && state.lanes["north"]?.gate.open == false)
    #expect(state.lanes["north"]?.surface_c == 35.0)
    #expect(state.buses["ir"]?.plugged == true)
  }

  @Test func quitQuits() {
    var world = World(Sample.door())
    #expect(world.perform("quit") == "ok" && world.wantsToQuit)
  }
}
