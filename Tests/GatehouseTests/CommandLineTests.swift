// Goal: what people type is understood, and what is missing is said before anything is done. Method: parsing only; no
// door, no files.

import ArgumentParser
import Control
import Testing

@testable import gatehouse

@Suite struct LocationTests {
  private func locations(_ flags: [String?] = [nil, nil, nil], _ environment: [String: String] = [:], _ there: [String] = [])
    -> Locations
  {
    Locations(
      settings: flags[0], profiles: flags[1], runDir: flags[2], environment: environment,
      program: "/usr/bin/gatehouse", exists: there.contains)
  }

  @Test func flagsWinOverEnvironmentOverFiles() {
    let environment = ["GATEHOUSE_SETTINGS": "e.yaml", "GATEHOUSE_PROFILES": "ep", "GATEHOUSE_RUN_DIR": "er"]
    let flags = locations(["f.yaml", "fp", "fr"], environment, ["./gatehouse.yaml"])
    #expect(flags.settings == "f.yaml" && flags.profiles == "fp" && flags.runDir == "fr")
    let variables = locations([nil, nil, nil], environment, ["./gatehouse.yaml"])
    #expect(variables.settings == "e.yaml" && variables.profiles == "ep" && variables.runDir == "er")
    let found = locations([nil, nil, nil], [:], ["/etc/gatehouse/gatehouse.yaml", "./DeviceProfiles"])
    #expect(found.settings == "/etc/gatehouse/gatehouse.yaml" && found.profiles == "./DeviceProfiles")
    #expect(found.runDir == nil)
    let empty = locations([nil, nil, nil], ["GATEHOUSE_SETTINGS": ""])
    #expect(empty.settings == "./gatehouse.yaml" && empty.profiles == "/usr/share/gatehouse/profiles")
  }

  @Test func socketsLieInTheLogFolderUnlessSaidOtherwise() {
    #expect(locations().sockets(logFolder: "/var/lib/g").command == "/var/lib/g/command.sock")
    #expect(locations([nil, nil, "/run/g"]).sockets(logFolder: "/var/lib/g").events == "/run/g/events.sock")
  }
}

@Suite struct CommandLineTests {
  @Test(arguments: [
    ["check"], ["check", "--settings", "x.yaml", "--profiles", "p"], ["status", "--json"], ["devices", "--counters"],
    ["alarms"], ["alarms", "--json"], ["alarms", "acknowledge", "7"], ["alarms", "acknowledge", "7", "--who", "Li Na"],
    ["alarms", "clear", "9", "--who", "Li Na", "--why", "found"], ["summary"], ["summary", "--since", "2h", "--json"],
    ["summary", "--folder", "/tmp/l"],
    ["override", "north-door", "--who", "Li Na", "--why", "wheelchair"], ["resume", "17"], ["contact", "17", "36.9", "--who", "Li Na"],
    ["resume", "17", "--id", "6F9619FF-8B86-D011-B42D-00C04FC964FF"], ["version"],
    ["log"], ["log", "--follow", "--type", "gatehouse.alarm.raised"], ["log", "--since", "2h", "--limit", "5"],
    ["log", "--stream", "telemetry", "--json"], ["log", "--stream", "all"], ["log", "verify"], ["log", "verify", "--folder", "/tmp/l"],
    ["log", "export", "--format", "csv", "--until", "1h", "--personal"], ["log", "backup", "b"],
    ["log", "restore", "b", "--replace", "--folder", "/tmp/l"],
    ["profile", "decode", "gy-mcu90614", "5a", "5a"],
    ["profile", "decode", "x.yaml", "ff86", "--request", "ff 01 86", "--json"],
  ])
  func understands(arguments: [String]) {
    #expect(throws: Never.self) { _ = try Gatehouse.parseAsRoot(arguments) }
  }

  @Test(arguments: [
    ["reset-average", "north-door"], ["override", "a", "--ticket", "1", "--who", "b", "--why", "c"],
    ["contact", "1", "37", "--site", "nose", "--who", "b"], ["credential", "a", "maybe"], ["credential", "passed"], ["credential", "a", "--ticket", "1", "passed"],
    ["case", "open", "--symptom", "cough", "--who", "b"], ["case", "open", "a", "--ticket", "1", "--symptom", "cough", "--who", "b"], ["allow", "1"], ["override", "north-door"], ["override", "north-door", "--who", "Li Na"], ["override", "north-door", "--why", "x"],
    ["override", "north-door", "--who", "", "--why", "x"], ["override"], ["resume"], ["resume", "x"], ["resume", "-1"],
    ["resume", "4294967296"], ["contact", "17", "36.9"], ["contact", "17"], ["contact", "17", "warm"], ["alarms", "acknowledge"],
    ["alarms", "clear", "9"], ["alarms", "clear", "9", "--who", "Li Na"], ["summary", "--since", "yesterday"],
    ["resume", "17", "--id", "17"], ["open"], ["log", "--since", "yesterday"], ["log", "--limit", "0"],
    ["log", "--stream", "rumours"], ["log", "export", "--format", "xml"], ["log", "export", "--until", "soon"], ["log", "backup"], ["log", "restore"], ["profile", "decode", "p"], ["profile", "decode", "p", "xyz"],
    ["profile", "decode", "p", "5"], ["resume", "17", "--who", String(repeating: "张", count: 33)],
  ])
  func refuses(arguments: [String]) {
    #expect { _ = try Gatehouse.parseAsRoot(arguments) } throws: { Gatehouse.exitCode(for: $0) == .validationFailure }
  }

  /// Every command with all below it, each with the words that call it.
  private func all(_ command: any ParsableCommand.Type, _ path: [String]) -> [(path: [String], command: any ParsableCommand.Type)] {
    let below = command.configuration.subcommands.flatMap { sub in
      all(sub, path + [sub.configuration.commandName ?? "\(sub)".lowercased()])
    }
    return [(path, command)] + below
  }

  @Test func everyCommandHelpsWithAnExample() {
    let commands = all(Gatehouse.self, []).filter { $0.command != VersionCommand.self }
    #expect(commands.count > 15)
    for (path, command) in commands {
      let help = Gatehouse.helpMessage(for: command, columns: 80)
      #expect(help.contains("EXAMPLE"), "\(path)")
      // A terminal of 80 must not break anything.
      #expect(help.split(separator: "\n").allSatisfy { columnWidth(String($0)) <= 80 }, "\(path): \(help)")
      if path.count < 2 { #expect(help.contains("EXIT CODES"), "\(path)") }
    }
  }

  /// What the help shows can be typed: every example is understood.
  @Test func examplesAreUnderstood() {
    var seen = 0
    for (path, command) in all(Gatehouse.self, []) {
      for line in command.configuration.discussion.split(separator: "\n").map({ $0.drop { $0 == " " } }) where line.hasPrefix("gatehouse ") {
        // Two spaces and more begin a remark.
        let typed = String(line).split(separator: "  ", maxSplits: 1)[0]
        seen += 1
        #expect(throws: Never.self, "\(path): \(line)") { _ = try Gatehouse.parseAsRoot(words(String(typed))) }
      }
    }
    #expect(seen > 20)
  }

  /// As a shell splits it: quotation marks keep spaces.
  private func words(_ line: String) -> [String] {
    var words: [String] = [""]
    var quoted = false
    for letter in line {
      if letter == "\"" { quoted.toggle() } else if letter == " ", !quoted { words.append("") } else { words[words.count - 1].append(letter) }
    }
    return Array(words.dropFirst())
  }
}
