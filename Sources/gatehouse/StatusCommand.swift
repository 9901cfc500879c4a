// What the door says about itself.

import ArgumentParser
import Control
import Foundation
import Ports
import Settings

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show what the door sees now: alarms, lanes, rooms, devices, log.",
    usage: "gatehouse status [--json] [options]",
    discussion: """
      EXAMPLES
        gatehouse status
        gatehouse status --json              everything, as one line of JSON

      \(ExitCode.help)
      """)
  @OptionGroup var places: PlaceOptions
  @Flag(help: "The whole status as one line of JSON.") var json = false

  func run() throws {
    let (line, status) = try places.status()
    if json {
      print(String(decoding: line, as: UTF8.self))
    } else {
      for line in status.lines() { print(line) }
    }
  }
}

struct DevicesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices", abstract: "List the configured devices, their state and last readings.",
    usage: "gatehouse devices [--counters | --plugged] [--json] [options]",
    discussion: """
      With --plugged: what is plugged in on USB, which bus of the settings means it,
      and why not. That needs no running door.

      EXAMPLES
        gatehouse devices
        gatehouse devices --counters         requests, replies, time-outs … of each
        gatehouse devices --plugged          every serial line and HID device there is

      \(ExitCode.help)
      """)
  @OptionGroup var places: PlaceOptions
  @Flag(help: "One JSON object a device and line.") var json = false
  @Flag(help: "Show what is counted instead of readings.") var counters = false
  @Flag(help: "Show what is plugged in.") var plugged = false

  func run() throws {
    if plugged {
      let locations = places.locations
      let settings = try? Settings.load(file: locations.settings, profiles: locations.profiles)
      let rows = gatehouse.plugged(settings, devices: pluggedDevices())
      if json { for row in rows { print(try jsonLine(row)) } } else if rows.isEmpty { print("nothing on USB speaks") } else {
        for line in pluggedTable(rows).lines() { print(line) }
      }
      return
    }
    let status = try places.status().status
    if json {
      for device in status.devices { print(try jsonLine(device)) }
      return
    }
    for line in (counters ? status.counterTable : status.deviceTable).lines() { print(line) }
  }
}

extension Status {
  /// Only what is not zero, by name.
  var counterTable: Columns {
    var table = Columns([("DEVICE", .left), ("STATE", .left), ("SINCE", .left), ("COUNTED", .left)])
    for device in devices {
      let counted = device.counters.filter { $0.value > 0 }.sorted { $0.key < $1.key }
      table.add([
        device.name, device.state, clockTime(device.since),
        counted.map { whole("\($0.key) \($0.value)") }.joined(separator: ", "),
      ])
    }
    return table
  }
}
