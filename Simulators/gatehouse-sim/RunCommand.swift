// `gatehouse-sim run`: reads the same settings and profiles as the door, and stands at the other end of every wire that
// is named there.

import ArgumentParser
import Domain
import Foundation
import Settings
import Simulation

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Serve devices, people and rooms at wire level, until stopped.",
    discussion: """
      Serves each bus where the settings say it is: serial lines and Modbus RTU
      as pseudo-terminals behind a link at the bus's path, Modbus TCP as a
      socket at its address, HID devices by /dev/uhid where the kernel has it.
      With --in they are all served in one folder, with settings beside them for
      the door that shall talk to them. Of a scenario it plays what happens to
      people, rooms and devices; what happens to the door is left to you. Ends
      on Ctrl-C, SIGTERM or the command quit.

      COMMANDS, one a line on the socket of --commands or, with --stdin, on
      standard input; each is answered by one line, "ok" or "error" and why.
      JSON works too: {"person":"north-door","body":38.2}
        person LANE body=38.2 [skin=33.0] [stay=8] [pass=no] [as=NAME]
                    [second_body=38.4 [second_after=0.8]] [shows=CODE]
        people on|off [every=8] [fever=0.03] people nobody asked for
        room ROOM [occupants=30] [windows=open|shut] [fan=on|off]
                  [door=open|shut] [co2=900] [outdoor=425] [ach=0.5]
                  [window_ach=6] [fan_ach=4]
        outdoors DEGREES [humidity=60]       the air outside
        input DEVICE N on|off|clear          a contact: fire, staff button
        field DEVICE NAME VALUE|nan|clear    hold one value
        fault DEVICE KIND|clear [for=5] [chance=0.1] [by=…]
                    silence, noise, bad_check, cut_frame, wrong_length, stuck,
                    delay by=0.1 s, split by=0.05 s, trickle by=1 s a byte,
                    junk_before and junk_after by=3 bytes, late, echo,
                    baud by=2 times, jump by=DEGREES|PPM, drift by= an hour,
                    slow by=60 s, self_calibrates by=180 hours, sentinel,
                    normalises by=36.5 degC; Modbus: wrong_unit,
                    answers_others, exception by=4; TCP: hang_up, drops
        swap DEVICE DEVICE                   they trade places on the wires
        unplug BUS, replug BUS               comes back under another tty
        power DEVICE off|on [relays=kept]    back on, its relays are off
        gate LANE stuck_open|stuck_shut|normal
        ambient LANE DEGREES                 the hall's temperature
        offset LANE DEGREES                  the true site offset, where the
                                             settings have it wrong
        speed N                              rooms' air lives N times faster
        wait gate LANE open|shut [for=10]    answers when it is so, or after
                                             that many seconds with an error
        wait lane LANE empty|taken [for=10]
        wait relay DEVICE N on|off [for=10]
        state                                one line of JSON
        quit

      EXAMPLES
        gatehouse-sim run gatehouse.yaml --people-every 8
        gatehouse-sim run scenarios/fever.yaml --in /tmp/fever
        echo 'person north-door body=38.2' | gatehouse-sim run gatehouse.yaml --stdin

      EXIT CODES  0 ended as asked, 1 a bus can't be served, 64 wrong usage,
                  65 settings or scenario are wrong
      """)

  @Argument(help: "A settings file, or a scenario.")
  var file: String
  @OptionGroup var profiles: ProfilesFolder
  @Option(help: "Same seed, same people and noise (1, or the scenario's).")
  var seed: UInt64?
  @Option(help: "Seconds between two people at each lane, on average; without it nobody comes unasked.")
  var peopleEvery: Double?
  @Option(help: "How many times faster than people the rooms' air lives.")
  var speed: Double = 1
  @Option(help: "A Unix socket for commands.")
  var commands: String?
  @Option(name: .customLong("in"), help: "Serve all buses in this folder, and write gatehouse.yaml for the door there.")
  var folder: String?
  @Option(help: "A bus to serve; may be given more than once. Without it, all of them.")
  var serve: [String] = []
  @Option(help: "What makes HID devices: the kernel's device, or the socket of uhid_bed.py, which does without.")
  var uhid = "/dev/uhid"
  @Flag(help: "Take commands from standard input too.")
  var stdin = false
  @Flag(help: "Bytes take as long on serial lines as at the real baud rate.")
  var pace = false
  @Flag(help: "Say nothing but errors.")
  var quiet = false

  func run() throws {
    let site = try site()
    let plan = folder.map { site.plan.moved(into: URL(filePath: $0).path) } ?? site.plan
    var world = World(plan, seed: seed ?? site.seed)
    let names = plan.buses.map(\.name)
    if let stranger = serve.first(where: { !names.contains($0) }) {
      throw ValidationError("There is no bus \"\(stranger)\"; there are: \(names.joined(separator: ", ")).")
    }
    world.isPaced = pace
    world.airSpeed = speed
    if let peopleEvery { _ = world.perform("people on every=\(peopleEvery)") }
    let loop = try makeLoop(world, site)
    endOnSignals()
    for (index, bus) in plan.buses.enumerated() where serve.isEmpty || serve.contains(bus.name) {
      tell("\(bus.name): served at \(loop.world.servedAt[index] ?? "nowhere")")
    }
    tell("ready")
    loop.run()
  }

  func validate() throws {
    if let peopleEvery, !(0.1...86_400).contains(peopleEvery) {
      throw ValidationError("--people-every is between 0.1 and 86400 seconds.")
    }
    if folder != nil, !serve.isEmpty { throw ValidationError("--in serves all buses; it goes without --serve.") }
    if !(0...10_000).contains(speed) { throw ValidationError("--speed is between 0 and 10000.") }
  }

  /// What is served, and what happens to it by itself.
  private struct Site {
    var plan: WorldPlan
    var text: SettingsText
    var course: Course?
    var seed: UInt64
  }

  private func site() throws -> Site {
    do throws(Problems) {
      guard try Scenario.isMeant(file: file) else {
        let settings = try Settings.load(file: file, profiles: profiles.folder)
        return Site(plan: WorldPlan(settings), text: try SettingsText(file: file), seed: 1)
      }
      let scenario = try Scenario.load(file: file, profiles: profiles.folder)
      return Site(plan: WorldPlan(scenario.settings), text: scenario.source, course: Course(scenario), seed: scenario.seed)
    } catch {
      complain("\(error)")
      throw ExitCode(65)
    }
  }

  private func makeLoop(_ world: World, _ site: Site) throws -> SimulationLoop {
    do {
      if let folder { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
      let loop = try SimulationLoop(
        world, course: site.course, commands: commands, standardInput: stdin, serving: serve.isEmpty ? nil : Set(serve), uhid: uhid,
        say: tell)
      if let folder = folder.map({ URL(filePath: $0).path }) {
        try site.text.moved(buses: loop.world.plan.places, log: folder + "/log")
          .write(toFile: folder + "/gatehouse.yaml", atomically: true, encoding: .utf8)
      }
      return loop
    } catch {
      complain("\(error)")
      throw ExitCode(1)
    }
  }

  private func tell(_ line: String) {
    if !quiet { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
  }
}
