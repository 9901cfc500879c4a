// Goal: whatever is wrong with a settings file is said, all at once, each with its place, what was found and what was
// expected; and what a site cannot do is said as a warning. Method: a small site as text, a change to it, and the whole
// list of what must be said; then the example under random damage from a seed.

import Devices
import Domain
import Foundation
import Rules
import Testing

@testable import Settings

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
private let profiles = root.appending(path: "DeviceProfiles").path

/// A site with nothing to warn of. Lines are counted from 1.
private let site = """
  site: { id: s, name: S, time_zone: Asia/Shanghai }
  desk: none
  buses:
    ir: { serial: /dev/serial/by-path/ir }
    io: { modbus_tcp: "10.0.0.1:502" }
    air: { modbus_rtu: /dev/serial/by-id/air }
  devices:
    eye: { profile: gy-mcu90614, bus: ir }
    board: { profile: modbus-relay-8ch, bus: io }
    sniffer: { profile: vaisala-gmp25x, bus: air, unit: 31 }
  lanes:
    north:
      thermometer: { device: eye, site_offset_c: 1.6 }
      gate: { device: board, relay: 1, open_s: 5, read_back: input 1, on_failure: open }
      lamp: { device: board, relay: 2 }
      fire_release: { device: board, input: 7 }
      staff_button: { device: board, input: 8 }
  rooms:
    r1: { volume_m3: 180, co2: [sniffer], windows: openable }
    sick: { kind: isolation, volume_m3: 40, windows: openable }

  """

/// Replaces `old`, which must be there, and returns every problem, or else every warning, without the file's name.
private func said(_ changes: [(String, String)]) throws -> [String] {
  var text = site
  for (old, new) in changes {
    try #require(text.contains(old), "\(old)")
    text = text.replacing(old, with: new)
  }
  return said(text)
}

private func said(_ text: String) -> [String] {
  do throws(Problems) {
    return try Settings.parse(text, file: "f", profiles: profiles).warnings.map { "warning " + $0.description }
  } catch {
    return error.list.map { String($0.description.dropFirst(2)) }
  }
}

private func check(_ changes: [(String, String)], _ expected: [String], _ location: SourceLocation = #_sourceLocation) throws {
  let found = try said(changes)
  #expect(found == expected, "\(found)", sourceLocation: location)
}

@Suite struct MistakeTests {
  @Test func nothingIsSaidOfAGoodSite() throws { try check([], []) }

  /// One line has one speed: devices that leave their makers at different ones need one of them set.
  @Test func devicesOfOneLineSpeakAlike() throws {
    let both = ("sniffer: { profile: vaisala-gmp25x, bus: air, unit: 31 }", "sniffer: { profile: vaisala-gmp25x, bus: air, unit: 31 }\n  s8: { profile: senseair-s8, bus: air, unit: 5 }")
    #expect(try said([both]).contains { $0.contains("buses.air: sniffer leaves its maker at 19200 8N2, s8 at 9600 8N1") })
    let named = try said([both, ("modbus_rtu: /dev/serial/by-id/air }", "modbus_rtu: /dev/serial/by-id/air, line: { baud: 9600 } }")])
    #expect(!named.contains { $0.contains("maker") } && named.allSatisfy { $0.hasPrefix("warning") }, "\(named)")
  }

  /// Beyond its range an address would become another byte, and perhaps a command.
  @Test func anAddressInAByteHasItsRange() throws {
    #expect(try said([("gy-mcu90614, bus: ir }", "optris-cs-ct, bus: ir, unit: 79 }")]).allSatisfy { !$0.contains("unit") })
    let found = try said([("gy-mcu90614, bus: ir }", "optris-cs-ct, bus: ir, unit: 80 }")])
    #expect(found.contains { $0.contains("devices.eye.unit: found unit 80, expected at most 79") }, "\(found)")
  }

  @Test func rooms() throws {
    func room(_ more: String, _ expected: [String], _ location: SourceLocation = #_sourceLocation) throws {
      try check([("[sniffer], windows: openable", "[sniffer], windows: openable, " + more)], expected, location)
    }
    try room("reason: why not", ["19:7  rooms.r1: found a reason, expected none: only windows: none needs one"])
    try room("seats: 30, area_m2: 60", ["19:7  rooms.r1: found 30 seats in 60 m2, expected at most 24: 2.5 m2 for each person"])
    try room("seat_spacing_m: 0.8", ["19:76  rooms.r1.seat_spacing_m: found \"0.8\", expected a number from 1 to 10 m"])
    // Two metres apart, each has four square metres.
    try room("seats: 20, area_m2: 60, seat_spacing_m: 2", ["19:7  rooms.r1: found 20 seats in 60 m2, expected at most 15: 4 m2 for each person"])
    try room("area_m2: 60, seat_spacing_m: 1", [])
    try room("seat_spacing_m: 2", [
      "warning f:19:7  rooms.r1: found seat_spacing_m without area_m2: how many people the room is for follows from both"
    ])
    try room("seats: 20, occupants: 25", ["19:82  rooms.r1.occupants: found 25, expected at most 20, as many as the room is for"])
    try room("airflow: board", ["19:69  rooms.r1.airflow: found \"board\", expected a device with an airflow or an air velocity; modbus-relay-8ch has none"])
    try room("window_contacts: [{ device: board, input: 7 }]", [
      "19:78  rooms.r1.window_contacts[0]: input 7 of board is lanes.north.fire_release already, expected another input"
    ])
    try room("count_in: { device: board, input: 5 }", ["19:7  rooms.r1: found one of count_in and count_out, expected both: who comes and who goes"])
    // A fan's relay is only read: whoever switches it is somebody else.
    try room("fan: { device: board, relay: 8 }, window_contacts: [{ device: board, input: 5, on_when: open }]", [])
    try room("semi_basement: true", [])
    try check([("[sniffer], windows: openable", "[sniffer], windows: sealed, semi_basement: true")], [
      "warning f:19:7  rooms.r1: a semi-basement needs windows that open, or ventilation whose airflow is measured"
    ])
  }

  @Test func aProofIsDueAtATimeOfDay() throws {
    func due(_ text: String) -> [(String, String)] { [("time_zone: Asia/Shanghai }", "time_zone: Asia/Shanghai, proof_due: \(text) }")] }
    try check(due("\"07:00\""), [])
    try check(due("7"), ["1:62  site.proof_due: found \"7\", expected a time of day such as \"08:30\""])
    try check(due("\"24:00\""), ["1:62  site.proof_due: found \"24:00\", expected a time before the day is over"])
  }

  @Test func hoursAndTimetable() throws {
    func more(_ text: String, _ expected: [String], _ location: SourceLocation = #_sourceLocation) throws {
      try check([("rooms:\n", text + "\nrooms:\n")], expected, location)
    }
    try more("hours: { start: \"07:30\", noon: \"12:00\", end: \"17:30\", days: [mon, sat] }", [])
    try more("hours: { start: 8 }", ["18:17  hours.start: found \"8\", expected a time of day such as \"08:30\""])
    try more("hours: { start: \"13:00\" }", ["18:8  hours: found 13:00, 12:00, 18:00, expected start < noon < end"])
    try more("hours: { start: \"11:30\" }", [
      "18:8  hours: a half day of 30 min is shorter than policy.air.ventilation_min, 60: no room could be ventilated in it"
    ])
    let change = "policy: { changes: [{ from: \"2026-12-01 06:00\", version: 4, air: { ventilation_min: 300 } }] }\n"
    try more(change + "hours: {}", [
      "19:8  hours: a half day of 240 min is shorter than policy.air.ventilation_min, 300 from version 4 on: no room could be ventilated in it"
    ])
    func basement(_ text: String, _ expected: [String], _ location: SourceLocation = #_sourceLocation) throws {
      try check(
        [("rooms:\n", text + "\nrooms:\n"), ("[sniffer], windows: openable", "[sniffer], windows: openable, semi_basement: true")], expected, location)
    }
    try basement("hours: { noon: \"09:30\" }", [])
    try basement("hours: { noon: \"09:15\" }", [
      "18:8  hours: a half day of 75 min is shorter than policy.air.semi_basement_min, 90: r1 could not be ventilated in it"
    ])
    try basement(change.replacing("300", with: "200") + "hours: {}", [
      "19:8  hours: a half day of 240 min is shorter than policy.air.semi_basement_min, 300 from version 4 on: r1 could not be ventilated in it"
    ])
    try more("hours: { days: [monday] }", ["18:17  hours.days[0]: found \"monday\", expected mon, tue, wed, thu, fri, sat or sun"])
    let first = "timetable:\n- { name: a, room: r1, days: [mon], start: \"09:00\", end: \"10:00\" }\n"
    try more(first + "- { name: b, room: r1, days: [mon, tue], start: \"09:30\", end: \"11:00\" }", [
      "20:3  timetable[1]: found 09:30 to 11:00, expected no overlap with a in the same room"
    ])
    try more(first + "- { name: b, room: r1, days: [mon, tue], start: \"10:30\", end: \"11:00\" }", [
      "warning f:20:3  timetable[1]: 30 min after a in the same room: the room must be ventilated for 60 min between them"
    ])
    try more(first + "- { name: b, room: r1, days: [tue], start: \"09:30\", end: \"11:00\" }", [])
    try more(change.replacing("300", with: "90") + first + "- { name: b, room: r1, days: [mon], start: \"11:15\", end: \"11:30\" }", [
      "warning f:21:3  timetable[1]: 75 min after a in the same room: the room must be ventilated for 90 min between them from version 4 on"
    ])
    try more(first + "- { name: b, room: r2, days: [tue], start: \"11:30\", end: \"11:00\" }", [
      "20:20  timetable[1].room: there is no room \"r2\"; did you mean \"r1\"?"
    ])
    try more("timetable:\n- { name: a, room: sick, days: [mon], start: \"09:00\", end: \"10:00\" }", [
      "19:20  timetable[0].room: found the isolation room sick, expected a room that sessions are held in"
    ])
    try check([
      ("[sniffer], windows", "[sniffer], seats: 30, windows"), ("rooms:\n", first + "rooms:\n  hall: { kind: waiting, volume_m3: 90, seats: 20, windows: openable }\n"),
    ], [
      "warning f:19:3  timetable[0]: 30 people may come to sessions that begin at 09:00, waiting rooms are for 20",
      "warning f:21:9  rooms.hall: no co2 sensor: the air of this room is not watched",
    ])
  }

  @Test func whoAnswersForWhat() throws {
    let session = "timetable:\n- { name: a, room: r1, days: [mon], start: \"09:00\", end: \"10:00\" }\nrooms:\n"
    let demanded = ("time_zone: Asia/Shanghai", "time_zone: Asia/Shanghai, responsible: Li Na, sessions_need_responsible: true")
    try check([demanded], [])
    try check([demanded, ("rooms:\n", session)], [
      "19:20  timetable[0].room: nobody answers for r1, and site.sessions_need_responsible is true: expected rooms.r1.responsible"
    ])
    try check([demanded, ("rooms:\n", session), ("r1: { volume", "r1: { responsible: Wang, volume")], [])
    try check([("time_zone: Asia/Shanghai", "time_zone: Asia/Shanghai, roles: [{ role: doctor }]")], ["1:59  site.roles[0]: name is required"])
  }

  @Test func whoIsExpected() throws {
    func scanner(_ site: String, _ identity: String, _ expected: [String], _ location: SourceLocation = #_sourceLocation) throws {
      try check(
        [
          ("time_zone: Asia/Shanghai", "time_zone: Asia/Shanghai\(site)"), ("  air: {", "  code: { serial: /dev/serial/by-path/code }\n  air: {"),
          ("  sniffer:", "  scanner: { profile: cdc-scanner, bus: code }\n  sniffer:"),
          ("  north:\n", "  north:\n    identity: { device: scanner, \(identity) }\n"),
        ], expected, location)
    }
    let both = ", identity_secret_file: key, roster_tokens_file: roster.tokens"
    try scanner(both, "required: true, roster: required", [])
    try scanner(both, "required: true, roster: must", ["15:58  lanes.north.identity.roster: found \"must\", expected required or optional"])
    try scanner(both, "required: true", ["warning f:1:7  site: roster_tokens_file is used by no lane: none has identity.roster: required"])
    try scanner(both, "required: false, roster: required", [
      "warning f:15:59  lanes.north.identity.roster: identity.required is false: whoever is not on the roster passes by showing nothing"
    ])
    try scanner(", identity_secret_file: key", "required: true, roster: required", [
      "15:58  lanes.north.identity.roster: site.roster_tokens_file is required beside it: gatehouse roster import writes there who is expected"
    ])
    try scanner(", roster_tokens_file: roster.tokens", "required: true, roster: required", [
      "1:71  site.roster_tokens_file: identity_secret_file is required beside it: tokens are made with that key",
      "15:15  lanes.north.identity: site.identity_secret_file is required beside it: identities are kept as tokens under that key only",
    ])
  }

  @Test func keysAndValues() throws {
    try check([("desk: none", "dekc: none")], [
      "1:1  desk is required",
      "2:1  dekc: found an unknown key \"dekc\", expected alarms, buses, checklist, desk, devices, hours, lanes, log, policy, realtime, recorder, retention, rooms, site or timetable; did you mean \"desk\"?",
    ])
    try check([("desk: none", "desk: nobody")], ["2:7  desk: found \"nobody\", expected expected or none"])
    try check([("site: { id: s,", "site: { id: My Site,")], [
      "1:13  site.id: found \"My Site\", expected a name of a site: 1 to 63 of a-z, 0-9, - and _"
    ])
    try check([("Asia/Shanghai", "Asia/Shanhai")], [
      "1:36  site.time_zone: found \"Asia/Shanhai\", expected a time zone such as Asia/Shanghai; did you mean \"Asia/Shanghai\"?"
    ])
    try check([("open_s: 5", "open_s: long")], ["14:46  lanes.north.gate.open_s: found \"long\", expected a number from 0.5 to 60 s"])
    try check([("open_s: 5", "open_s: 300")], ["14:46  lanes.north.gate.open_s: found \"300\", expected a number from 0.5 to 60 s"])
    try check([("open_s: 5", "open_s: .nan")], ["14:46  lanes.north.gate.open_s: found \".nan\", expected a number from 0.5 to 60 s"])
    try check([("open_s: 5, ", "")], ["14:11  lanes.north.gate: open_s is required"])
    try check([(", on_failure: open", "")], [
      "14:11  lanes.north.gate: on_failure is required. Say whether the gate stands open or shut when the lane cannot decide; an escape route needs open"
    ])
    try check([("on_failure: open", "on_failure: closed")], ["14:81  lanes.north.gate.on_failure: found \"closed\", expected open or shut"])
    try check([("read_back: input 1", "read_back: 1")], ["14:60  lanes.north.gate.read_back: found \"1\", expected for example: input 1, or { input: 1, on_when: open }"])
    try check([(", site_offset_c: 1.6", "")], [
      "13:18  lanes.north.thermometer: site_offset_c is required. Measure 10 healthy people with a contact thermometer and with this one: docs/rules.md, \"The site offset\""
    ])
    try check([("site_offset_c: 1.6", "site_offset_c: 36.6")], [
      "13:48  lanes.north.thermometer.site_offset_c: found \"36.6\", expected a number from -5 to 10 degC"
    ])
    try check([("volume_m3: 180, ", "")], ["19:7  rooms.r1: volume_m3 is required"])
    try check([("volume_m3: 180", "volume: 180")], [
      "19:7  rooms.r1: volume_m3 is required",
      "19:9  rooms.r1.volume: found an unknown key \"volume\", expected airflow, area_m2, co2, count_in, count_out, door, duct_area_m2, fan, humidity, kind, occupants, reason, responsible, seat_spacing_m, seats, semi_basement, temperature, volume_m3, window_contacts or windows; did you mean \"volume_m3\"?",
    ])
    try check([("co2: [sniffer]", "co2: sniffer")], ["19:30  rooms.r1.co2: found \"sniffer\", expected a list, for example [a, b]"])
    try check([("  north:", "  North Door:")], [
      "12:3  lanes.North Door: found \"North Door\", expected a name of a lane: 1 to 63 of a-z, 0-9, - and _"
    ])
    try check([("rooms:\n", "rooms:\nlanes_:\n")], [
      "18:7  rooms: found nothing, expected keys and values",
      "19:1  lanes_: found an unknown key \"lanes_\", expected alarms, buses, checklist, desk, devices, hours, lanes, log, policy, realtime, recorder, retention, rooms, site or timetable; did you mean \"lanes\"?",
    ])
  }

  /// A serial number as the device's field can tell it.
  @Test func serialNumbers() throws {
    func said(_ profile: String, _ number: String) throws -> [String] {
      let text = site.replacing("vaisala-gmp25x, bus: air, unit: 31", with: "\(profile), bus: air, serial_number: \(number)")
      do throws(Problems) {
        _ = try Settings.parse(text, file: "f", profiles: profiles)
        return []
      } catch { return error.list.map(\.message) }
    }
    for number in ["305419896", "0x12345678", "\"0012\"", "0"] { #expect(try said("senseair-s8", number) == []) }
    for number in ["A1", "-1", "1.5", "4294967296", "[1]"] {
      #expect(try said("senseair-s8", number).first?.hasSuffix("expected a whole number from 0 to 4294967295") == true, "\(number)")
    }
    for number in ["1234567890ABCDEF", "\"12  \"", "0012"] { #expect(try said("ee650, variant: EE850", number) == []) }
    for number in ["1234567890ABCDEFG", "\"  \""] {
      #expect(try said("ee650, variant: EE850", number).first?.hasSuffix("expected 1 to 16 characters, as many as serial_number has") == true, "\(number)")
    }
    #expect(try said("ee650, variant: EE850", "\"\"").first == "found nothing, expected text")
    #expect(try said("vaisala-gmp25x, unit: 31", "1") == ["found a serial number, expected none: vaisala-gmp25x has no field that tells the device's own"])
    let text = site.replacing("vaisala-gmp25x, bus: air, unit: 31", with: "senseair-s8, bus: air, serial_number: 0x10")
    #expect(try Settings.parse(text, file: "f", profiles: profiles).instruments.devices.map(\.serialNumber) == [nil, nil, .number(16)])
    let blank = site.replacing("vaisala-gmp25x, bus: air, unit: 31", with: "ee650, variant: EE850, bus: air, serial_number: \"0012 \"")
    #expect(try Settings.parse(blank, file: "f", profiles: profiles).instruments.devices.last?.serialNumber == .text("0012"))
  }

  @Test func referencesNameTheNearest() throws {
    try check([("bus: io }", "bus: oi }")], ["9:44  devices.board.bus: there is no bus \"oi\"; did you mean \"io\"?"])
    try check([("profile: gy-mcu90614", "profile: gy-mcu90641")], [
      "8:19  devices.eye.profile: there is no profile \"gy-mcu90641\"; did you mean \"gy-mcu90614\"?"
    ])
    try check([("lamp: { device: board", "lamp: { device: bored")], [
      "15:21  lanes.north.lamp.device: there is no device \"bored\"; did you mean \"board\"?"
    ])
    try check([("[sniffer]", "[snifer]")], ["19:31  rooms.r1.co2[0]: there is no device \"snifer\"; did you mean \"sniffer\"?"])
    let said = said(site.replacing("profile: gy-mcu90614", with: "profile: x")).joined()
    #expect(!said.contains("did you mean"))
  }

  @Test func buses() throws {
    try check([("ir: { serial: /dev/serial/by-path/ir }", "ir: { usb: 1 }")], [
      "4:7  buses.ir: found keys and values, expected exactly one of serial, modbus_rtu, modbus_tcp or hid",
      "4:9  buses.ir.usb: found an unknown key \"usb\", expected hid, line, modbus_rtu, modbus_tcp or serial",
    ])
    try check([("10.0.0.1:502", "10.0.0.1")], [
      "5:21  buses.io.modbus_tcp: found \"10.0.0.1\", expected host:port, for example \"10.20.0.15:502\""
    ])
    try check([("/dev/serial/by-id/air", "/dev/serial/by-path/ir")], [
      "6:8  buses.air: /dev/serial/by-path/ir is the bus ir already, expected one bus with all its devices"
    ])
    try check([("air: { modbus_rtu: /dev/serial/by-id/air }", "air: { modbus_tcp: \"10.0.0.1:502\" }")], [
      "6:8  buses.air: 10.0.0.1:502 is the bus io already, expected one bus with all its devices"
    ])
    try check([("bus: air, unit: 31", "bus: io, unit: 1")], [
      "5:7  buses.io: found unit 1 twice, board and sniffer, expected a unit of its own for each device",
      // So the bus `air` has nobody; that is a warning, and told when the problems are mended.
    ])
    try check([("bus: ir }", "bus: ir, unit: 3 }")], ["8:47  devices.eye.unit: found a unit, expected none: gy-mcu90614 has no address"])
    try check([("bus: ir }", "bus: io }")], [
      "5:7  buses.io: found Modbus devices and others on one bus, expected one kind"
    ])
    try check([("/dev/serial/by-id/air }", "/dev/serial/by-id/air, line: { baud: 9601, format: 8X1 } }")], [
      "6:59  buses.air.line.baud: found \"9601\", expected 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400 or 460800; did you mean \"9600\"?",
      "6:73  buses.air.line.format: found \"8X1\", expected data bits, parity and stop bits, for example 8N1 or 8E1",
    ])
    try check([("/dev/serial/by-path/ir", "/dev/ttyUSB0")], [
      "warning f:4:17  buses.ir.serial: /dev/ttyUSB0 can change when a cable is plugged again; usb: \"VID:PID\", or a path below /dev/serial/by-id or by-path, stays"
    ])
  }

  /// A board that is told in bytes has relays like any other.
  @Test func relaysOfAStick() throws {
    let stick = [
      ("  air: {", "  stick: { hid: { usb: \"16c0:05df\" } }\n  air: {"),
      ("  sniffer:", "  relays: { profile: usb-hid-relay, bus: stick }\n  sniffer:"),
    ]
    try check(stick + [("lamp: { device: board, relay: 2 }", "lamp: { device: relays, relay: 2 }")], [])
    try check(stick + [("lamp: { device: board, relay: 2 }", "lamp: { device: relays, relay: 9 }")], [
      "17:11  lanes.north.lamp: found relay 9, expected 1 to 8, as many as relays has"
    ])
    try check([("  air: {", "  stick: { hid: {} }\n  air: {"), ("bus: ir }", "bus: stick }")], [
      "6:17  buses.stick.hid: found keys and values, expected a bus of another kind: gy-mcu90614 is no HID device"
    ])
  }

  @Test func wires() throws {
    try check([("relay: 2 }", "relay: 1 }")], [
      "15:11  lanes.north.lamp: relay 1 of board is lanes.north.gate already, expected another relay"
    ])
    try check([("input: 8", "input: 7")], [
      "17:19  lanes.north.staff_button: input 7 of board is lanes.north.fire_release already, expected another input"
    ])
    try check([("input: 7", "input: 1")], [
      "16:19  lanes.north.fire_release: input 1 of board is lanes.north.gate.read_back already, expected another input"
    ])
    try check([("relay: 2", "relay: 9")], ["15:11  lanes.north.lamp: found relay 9, expected 1 to 8, as many as board has"])
    try check([("relay: 2", "relay: 0")], ["15:35  lanes.north.lamp.relay: found \"0\", expected a whole number from 1 to 32"])
    try check([("input 1", "input 9")], ["14:60  lanes.north.gate.read_back: found input 9, expected 1 to 8, as many as board has"])
    try check([("lamp: { device: board", "lamp: { device: eye")], [
      "15:21  lanes.north.lamp.device: found \"eye\", expected a device with relays; gy-mcu90614 has none"
    ])
    try check([("thermometer: { device: eye", "thermometer: { device: sniffer")], [
      "13:28  lanes.north.thermometer.device: found \"sniffer\", expected a device with a surface temperature; vaisala-gmp25x has none"
    ])
    try check([("[sniffer]", "[board]")], ["19:31  rooms.r1.co2[0]: found \"board\", expected a device with CO2; modbus-relay-8ch has none"])
    try check([("[sniffer]", "[sniffer, sniffer]")], ["19:40  rooms.r1.co2[1]: found \"sniffer\" twice, expected each sensor once"])
    // A second lane at the same thermometer would judge the same person; one fire alarm may open both gates.
    let south = "  south:\n    thermometer: { device: eye, site_offset_c: 1.6 }\n    lamp: { device: board, relay: 4 }\n"
      + "    fire_release: { device: board, input: 7 }\nrooms:\n"
    try check([("rooms:\n", south)], [
      "19:18  lanes.south.thermometer: eye is lanes.north.thermometer already, expected another thermometer"
    ])
  }

  /// Each lane has its own scanner: what is shown at one of two is not the other's.
  @Test func aScannerIsOfOneLane() throws {
    let secret = ("Asia/Shanghai }", "Asia/Shanghai, identity_secret_file: /etc/gatehouse/secret }")
    let bus = ("  air: {", "  codes: { serial: /dev/serial/by-path/codes }\n  ir2: { serial: /dev/serial/by-path/ir2 }\n  air: {")
    let device = ("  board: {", "  scanner: { profile: cdc-scanner, bus: codes }\n  eye2: { profile: gy-mcu90614, bus: ir2 }\n  board: {")
    let identity = "    identity: { device: scanner, required: true }\n"
    let south = "  south:\n    thermometer: { device: eye2, site_offset_c: 1.6 }\n    lamp: { device: board, relay: 4 }\n    identity: { device: scanner, required: true }\nrooms:\n"
    let found = try said([secret, bus, device, ("    lamp: {", identity + "    lamp: {"), ("rooms:\n", south)])
    #expect(found.contains { $0.contains("lanes.south.identity: scanner is lanes.north.identity already, expected another scanner") }, "\(found)")
  }

  @Test func referencesThatCannotBe() throws {
    let bus = ("  air: {", "  ir2: { serial: /dev/serial/by-path/ir2 }\n  air: {")
    let device = ("  board: {", "  black: { profile: gy-mcu90614, bus: ir2 }\n  board: {")
    func withReference(_ text: String, _ policy: String = "") throws -> [String] {
      try said([bus, device, ("    lamp: {", "    reference: { \(text), set_c: 35 }\n    lamp: {"), ("rooms:\n", policy + "rooms:\n")])
    }
    #expect(try !withReference("device: black").contains { !$0.hasPrefix("warning") })
    #expect(try !withReference("device: black, field: object_temperature").contains { !$0.hasPrefix("warning") })
    #expect(try withReference("device: black, field: ambient_temperature").contains {
      $0.contains("found \"ambient_temperature\", expected a temperature of the reference; gy-mcu90614 uses it as sensor_ambient")
    })
    #expect(try withReference("field: object_temperature").contains { $0.contains("found \"object_temperature\", by which people are measured here") })
  }

  /// With fewer readings than a mean takes, a reference is never known, and nobody would ever have a result.
  @Test func aReferenceThatIsTooSlow() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "profiles-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.copyItem(atPath: profiles, toPath: folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let profile = try readText("\(folder)/raytek-mi3.yaml")
    let text = site.replacing("  air: {", with: "  ir2: { serial: /dev/serial/by-path/ir2 }\n  air: {")
      .replacing("  board: {", with: "  black: { profile: raytek-mi3, bus: ir2 }\n  board: {")
      .replacing("    lamp: {", with: "    reference: { device: black, set_c: 35 }\n    lamp: {")
    func problems(_ milliseconds: Int, _ policy: String = "") throws -> [String] {
      let slow = profile.replacing("period_ms: 1000", with: "period_ms: \(milliseconds)")
      try slow.write(toFile: "\(folder)/raytek-mi3.yaml", atomically: true, encoding: .utf8)
      do throws(Problems) {
        _ = try Settings.parse(text + policy, file: "f", profiles: folder)
        return []
      } catch { return error.list.map(\.description) }
    }
    let why = "three readings are needed in a tenth of policy.fever.reference_window_s, "
    #expect(try problems(20_000) == [])
    #expect(try problems(25_000).contains { $0.contains("lanes.north.reference: black tells of the reference every 25 s, and \(why)600 s: expected 750 s or more") })
    let change = "policy: { changes: [{ from: \"2027-01-01 06:00\", version: 2, fever: { reference_window_s: 60 } }] }\n"
    #expect(try problems(20_000, change).contains { $0.contains("\(why)60 s from version 2 on: expected 600 s or more") })
  }

  @Test func contactsThatOpen() throws {
    let fire = "fire_release: { device: board, input: 7"
    #expect(try said([(fire, fire + ", on_when: open")]).isEmpty)
    #expect(try said([("read_back: input 1", "read_back: { input: 1, on_when: open }")]).isEmpty)
    let south = "  south:\n    thermometer: { device: eye2, site_offset_c: 1.6 }\n    lamp: { device: board, relay: 4 }\n"
      + "    fire_release: { device: board, input: 7, on_when: open }\nrooms:\n"
    let found = try said([("rooms:\n", south)])
    #expect(found.contains { $0.contains("input 7 of board is on when closed in lanes.north.fire_release, expected the same here") }, "\(found)")
    let wrong = try said([(fire, fire + ", on_when: cut")])
    #expect(wrong.contains { $0.contains("lanes.north.fire_release.on_when: found \"cut\", expected closed or open") }, "\(wrong)")
  }

  @Test func boardsThatCannot() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "profiles-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.copyItem(atPath: profiles, toPath: folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let board = try readText("\(folder)/modbus-relay-8ch.yaml")
    func warnings(_ old: String, _ new: String) throws -> [String] {
      try board.replacing(old, with: new).write(toFile: "\(folder)/modbus-relay-8ch.yaml", atomically: true, encoding: .utf8)
      do throws(Problems) {
        return try Settings.parse(site, file: "f", profiles: folder).warnings.map(\.description)
      } catch { return error.list.map(\.description) }
    }
    #expect(try warnings("  pulse: { pulse: 0x200, count: 8, unit_ms: 100 }\n", "") == [
      "f:12:3  lanes.north: board cannot end a pulse by itself: a gate that is open when Gatehouse stops stays open"
    ].map { $0.replacing("f:12:3", with: "f:13:5") })
    #expect(try warnings("unit_ms: 100 }", "unit_ms: 6000 }") == [
      "f:13:5  lanes.north: open_s is 5, expected 6 to 196602 s, the pulses of board"
    ])
    #expect(try warnings("  relay: { coil: 0, count: 8 }\n", "") == [
      "f:14:11  lanes.north.gate: found board, expected a board whose relays can be written; modbus-relay-8ch writes no coil",
      "f:15:11  lanes.north.lamp: found board, expected a board whose relays can be written; modbus-relay-8ch writes no coil",
    ])
  }

  @Test func peopleAreSafe() throws {
    try check([("    lamp: { device: board, relay: 2 }\n", "")], [
      "13:5  lanes.north: found no lamp and no buzzer, expected at least one: with desk none an alarm is seen or heard only here"
    ])
    try check([("    lamp: { device: board, relay: 2 }\n", ""), ("desk: none", "desk: expected")], [
      "warning f:13:5  lanes.north: no lamp and no buzzer: nobody at the lane sees or hears an alarm, and this version does not watch a desk yet"
    ])
    try check([("    fire_release: { device: board, input: 7 }\n    staff_button: { device: board, input: 8 }\n", ""), ("read_back: input 1, ", "")], [
      "warning f:13:5  lanes.north: the gate has no fire_release: a fire alarm cannot open it, so there must be another way out",
      "warning f:13:5  lanes.north: the gate has no staff_button: staff open it only by command",
      "warning f:13:5  lanes.north: the gate has no read_back: a gate that is jammed or held open is not noticed",
    ])
    try check([("on_failure: open", "on_failure: shut")], [
      "warning f:14:81  lanes.north.gate.on_failure: the gate stays shut when the lane cannot decide: on an escape route there must be another way out"
    ])
    try check([("site_offset_c: 1.6", "site_offset_c: -0.2")], [
      "warning f:13:48  lanes.north.thermometer.site_offset_c: -0.2 is outside 0.3 to 3.5 degC, where published offsets lie: measure it again"
    ])
    try check([("bus: air, unit: 31", "bus: bus2, unit: 31"), ("io: { modbus_tcp: \"10.0.0.1:502\" }", "bus2: { modbus_rtu: /dev/serial/by-id/io }"), ("bus: io }", "bus: bus2 }")], [
      "warning f:5:9  buses.bus2: board leaves its maker at 9600 8N1, sniffer at 19200 8N2: the line is set as for board; set the others like it, or name line",
      "warning f:6:8  buses.air: no device is on this bus",
      "warning f:13:5  lanes.north: the gate shares the bus bus2 with sniffer: it waits while they are asked",
    ])
    try check([("  sick: { kind: isolation, volume_m3: 40, windows: openable }\n", "")], [
      "warning f:1:1  no room is of kind isolation: a person with a fever has no place to wait apart from others"
    ])
    try check([("40, windows: openable", "40, windows: sealed")], ["warning f:20:9  rooms.sick: an isolation room should have windows that open"])
    try check([("[sniffer], windows: openable", "[sniffer], windows: none")], [
      "19:7  rooms.r1: found windows: none, expected a room with windows or ventilation; where there is no other, say why with reason: it is logged"
    ])
    try check([("[sniffer], windows: openable", "[sniffer], windows: none, reason: the only room with a hood")], [
      "warning f:19:7  rooms.r1: a room without windows or ventilation should not be used"
    ])
    try check([("co2: [sniffer], ", "")], [
      "warning f:10:12  devices.sniffer: no lane and no room uses this device: its readings are logged and nothing else",
      "warning f:19:7  rooms.r1: no co2 sensor: the air of this room is not watched",
    ])
    try check([("  r1: {", "  north: {")], ["warning f:19:10  rooms.north: events cannot tell this room from the lane of the same name"])
    try check([("  r1: {", "  log: {")], ["warning f:19:8  rooms.log: events cannot tell this room from the log of the same name"])
  }

  @Test func policy() throws {
    func check(_ policy: String, _ expected: [String], _ location: SourceLocation = #_sourceLocation) {
      let found = said(site + "policy:\n" + policy)
      #expect(found == expected, "\(found)", sourceLocation: location)
    }
    check("  fever: { threshold_c: 37.3, retake_from_c: 37.0, burst_readings: 4, burst_s: 1, try_s: 5, tries: 2, absence_s: 2 }\n", [])
    check("  fever: { threshold_c: 36.9 }\n", [
      "22:10  policy.fever: found 35, 37, 36.9, 38, expected low_guard_c < retake_from_c <= threshold_c <= high_c"
    ])
    check("  fever: { threshold_c: 99.1 }\n", ["22:25  policy.fever.threshold_c: found \"99.1\", expected a number from 35 to 42 degC"])
    check("  fever: { burst_readings: 2 }\n", ["22:28  policy.fever.burst_readings: found \"2\", expected a whole number from 3 to 32"])
    check("  fever: { threshold: 37.3 }\n", [
      "22:12  policy.fever.threshold: found an unknown key \"threshold\", expected absence_s, ambient_highest_c, "
        + "ambient_lowest_c, applies_to, burst_readings, burst_s, calibration_warning_days, cold_wait_long_s, "
        + "cold_wait_s, drift_c, ear_offset_c, high_c, humidity_highest_rh, identity_s, longest_s, low_below_median_c, "
        + "low_guard_c, normalising_people, normalising_spread_c, outdoor_cold_c, person_above_ambient_c, person_from_c, "
        + "person_readings, reference_drift_c, reference_off_c, reference_window_s, relative, rest_s, retake_after_s, "
        + "retake_from_c, spread_c, step_c, stuck_people, threshold_c, tries, try_s or waiting_longest_s; "
        + "did you mean \"threshold_c\"?"
    ])
    check("  air: { high_ppm: 1500, high_clear_ppm: 1500 }\n", [
      "22:8  policy.air: high_ppm is 1500 and its clear limit 1500, expected a clear limit below it"
    ])
    check("  air: { advice_ppm: 700 }\n", [])
    check("  air: { high_mean_s: 3, mean_s: 60 }\n", [
      "19:31  rooms.r1.co2[0]: sniffer is read every 2 s: policy.air.high_mean_s is 3, expected at least 6"
    ])
    check("  air: { high_mean_s: 60 }\n", [
      "warning f:22:8  policy.air: the long mean covers 24 times high_mean_s at most: 1440 s, not 3600 s"
    ])
    // A change is held to the same limits.
    check("  changes: [{ from: \"2026-12-01 06:00\", version: 4, air: { high_mean_s: 1, mean_s: 20 } }]\n", [
      "19:31  rooms.r1.co2[0]: sniffer is read every 2 s: policy.air.high_mean_s is 1 from version 4 on, expected at least 6"
    ])
    check("  air: { high_mean_s: 600, mean_s: 60 }\n", ["22:8  policy.air: expected high_mean_s <= mean_s"])
  }

  @Test func whatIsSetOfAlarmsIsTaken() throws {
    let text = site + "alarms:\n  shelve_longest_min: 30\n  escalate_levels: 0\n  kinds: { device_silent: { priority: high, on_after_s: 30 } }\n"
    let alarms = try Settings.parse(text, file: "f", profiles: profiles).alarms
    #expect(alarms.policy.shelveLongest == .minutes(30) && alarms.policy.escalationLevels == 0 && alarms.policy.floodRaises == 10)
    let silent = try #require(alarms.kinds[.deviceSilent])
    #expect(silent.onDelay == .seconds(30) && silent.offDelay == .seconds(60) && silent.priority.name == "high")
    #expect(alarms.kinds.count == 1)
  }

  @Test func alarms() throws {
    func check(_ alarms: String, _ expected: [String], _ location: SourceLocation = #_sourceLocation) {
      let found = said(site + "alarms:\n" + alarms)
      #expect(found == expected, "\(found)", sourceLocation: location)
    }
    check("  shelve_longest_min: 30\n  re_alarm_min: 60\n  kinds:\n    device_silent: { priority: high, on_after_s: 30, off_after_s: 5 }\n", [])
    check("  kinds: { gate_jammed: { on_after_s: 0 }, tailgating: { priority: low } }\n", [])
    check("  { flood_raises: 4 }\n", ["22:19  alarms.flood_raises: a flood begins at more than 4 raises and ends at fewer than 5, expected flood_ends <= flood_raises"])
    check("  { escalate_high_s: 700 }\n", ["22:3  alarms: expected escalate_high_s <= escalate_medium_s: what is more urgent is not heard later"])
    check("  shelve_longest_min: 0\n", ["22:23  alarms.shelve_longest_min: found \"0\", expected a number from 1 to 1440 min"])
    check("  kinds: { device_silence: {} }\n", [
      "22:28  alarms.kinds.device_silence: there is no alarm \"device_silence\"; did you mean \"device_silent\"?; docs/rules.md lists them"
    ])
    check("  kinds: { gate_jammed: { priority: medium } }\n", [
      "22:37  alarms.kinds.gate_jammed.priority: found medium, expected high or more: a priority can only be raised"
    ])
    check("  kinds: { gate_unscreened: { on_after_s: 5 } }\n", [
      "22:43  alarms.kinds.gate_unscreened.on_after_s: found 5 s, expected at most 0: gate_unscreened tells of a person or a gate"
    ])
    check("  kinds: { suspect_left: { off_after_s: 5 } }\n", [
      "22:41  alarms.kinds.suspect_left.off_after_s: suspect_left stays until staff clear it, expected no off_after_s"
    ])
    check("  kinds: { air_high: { on_after_s: 5 } }\n", [
      "22:36  alarms.kinds.air_high.on_after_s: the delays of air_high are policy.air.high_after_s and high_clear_after_s, expected none here"
    ])
  }

  @Test func aThermometerTooSlowForABurst() throws {
    try check([("rooms:\n", "policy: { fever: { burst_readings: 20, try_s: 1, burst_s: 0.5 } }\nrooms:\n")], [
      "13:18  lanes.north.thermometer: eye measures every 0.072 s: 20 readings take 1.44 s, longer than policy.fever.try_s, 1 s"
    ])
  }

  @Test func manyAtOnce() throws {
    let found = try said([("desk: none", "desk: maybe"), ("open_s: 5", "open_s: x"), ("unit: 31", "unit: 300"), ("windows: openable }\n  sick", "window: openable }\n  sick")])
    #expect(found.map { $0.prefix { $0 != " " } } == ["2:7", "10:55", "14:46", "19:7", "19:41"], "\(found)")
  }
}

@Suite struct TextTests {
  @Test(arguments: [
    ("", "1:1  found an empty file, expected keys and values"),
    ("# nothing\n", "1:1  found an empty file, expected keys and values"),
    ("- a\n", "1:1  found a list, expected keys and values"),
    ("just words\n", "1:1  found \"just words\", expected keys and values"),
    ("site: [\n", "2:1  not YAML: did not find expected node content"),
    ("site:\n\tid: s\n", "2:1  not YAML: found a tab at the start of the line, expected spaces"),
    ("site: {}\nsite: {}\n", "1:1  found \"site\" more than once, expected each key once"),
    ("a: \"open\n", "2:1  not YAML: found unexpected end of stream"),
    ("a: &x 1\nb: *x\n", "1:4  found an anchor or alias (&), expected the value itself"),
    ("\r\n# c\r\nb: *x\r\n", "3:4  found an anchor or alias (*), expected the value itself"),
    ("a: [\"\\\" \", &b 1]\n", "1:12  found an anchor or alias (&), expected the value itself"),
    ("a: \"x\n  \", b: &c\n", "2:4  not YAML: did not find expected key"),
    ("a: 1\n---\nb: 2\n", "2:1  not YAML: but found another document"),
    ("a: b: c\n", "1:5  not YAML: mapping values are not allowed in this context"),
    ("a: 1\nb: \u{1}\n", "2:1  not text: control characters are not allowed"),
  ])
  func isRefused(text: String, expected: String) {
    let found = said(text)
    #expect(found.first == expected, "\(found)")
    #expect(found.count == 1, "\(found)")
  }

  /// The place of each is checked where it is short; here only that each ends at once with words.
  @Test(.timeLimit(.minutes(1))) func hostileShapesEnd() {
    var laughs = "a0: &a0 [x, x]\n"
    for level in 1...40 { laughs += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
    // The same, hidden from a reader of lines behind a quotation mark that a line before left open.
    var hidden = "q: [\"\n\", &a0 [x, x]"
    for level in 1...40 { hidden += ", &a\(level) [*a\(level - 1), *a\(level - 1)]" }
    hidden += "]\n"
    let shapes = [
      laughs, hidden, String(repeating: "[", count: 500_000), String(repeating: "{a: ", count: 100_000),
      String(repeating: "- ", count: 100_000), String(repeating: "[\"]\",", count: 100_000), String(repeating: "? ", count: 100_000),
      String(repeating: "a:\n ", count: 100_000), String(repeating: "x", count: 1_048_577), "site: !!binary x",
      (0..<5000).map { "k\($0): 1\n" }.joined(), "lanes: {" + (0..<5000).map { "k\($0): {}, " }.joined() + "}",
    ]
    for shape in shapes {
      let found = said(shape)
      #expect(!found.isEmpty && found[0].hasPrefix("warning") == false, "\(shape.prefix(20))")
    }
  }

  @Test func filesThatAreNone() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "files-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func check(_ name: String, _ expected: String) {
      let problems = #expect(throws: Problems.self) { try Settings.load(file: "\(folder)/\(name)", profiles: profiles) }
      #expect(problems?.description == "\(folder)/\(name)\(expected)", "\(problems?.description ?? "")")
    }
    check("none.yaml", "  there is no such file")
    check("", "  found a folder, expected a file")
    try Data("a: 1\nb: \u{FFFD}".utf8.dropLast(1)).write(to: URL(filePath: folder + "/broken.yaml"))
    check("broken.yaml", ":2:1  found bytes that are not UTF-8, expected text in UTF-8")
    try Data(repeating: 0x20, count: 2_000_000).write(to: URL(filePath: folder + "/huge.yaml"))
    check("huge.yaml", "  found more than 1048576 bytes, expected at most that")
    try FileManager.default.createSymbolicLink(atPath: folder + "/zero.yaml", withDestinationPath: "/dev/zero")
    check("zero.yaml", "  found a device or a pipe, expected a file")
    try site.write(toFile: folder + "/real.yaml", atomically: true, encoding: .utf8)
    try FileManager.default.createSymbolicLink(atPath: folder + "/link.yaml", withDestinationPath: folder + "/real.yaml")
    #expect(throws: Never.self) { try Settings.load(file: folder + "/link.yaml", profiles: profiles) }
    let problems = #expect(throws: Problems.self) { try Settings.load(file: folder + "/real.yaml", profiles: folder + "/p") }
    #expect(problems?.description.contains("there are no profiles in \(folder)/p; name their folder with --profiles or GATEHOUSE_PROFILES") == true)
    // The log is found even when everything else is wrong.
    try "log: { folder: l }\nbuses: nonsense\n".write(toFile: folder + "/bad.yaml", atomically: true, encoding: .utf8)
    #expect(try Settings.logFolder(file: folder + "/bad.yaml").hasSuffix("/l"))
  }
}

@Suite struct DamageTests {
  private struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 32) | (state << 32)
    }
  }

  /// Lines deleted, doubled and swapped, characters swapped, bytes at random: never a crash, and either settings or problems
  /// that each name a line. The seed is in the message of a failure.
  @Test(.timeLimit(.minutes(2)), arguments: 0..<8) func exampleUnderDamage(seed: UInt64) throws {
    let text = try readText(root.appending(path: "gatehouse.example.yaml").path)
    var dice = Dice(state: seed &+ 20_261_123)
    for round in 0..<150 {
      var bytes = Array(text.utf8)
      for _ in 0...Int.random(in: 0...2, using: &dice) { damage(&bytes, &dice) }
      let damaged = String(decoding: bytes, as: UTF8.self)
      do throws(Problems) {
        let settings = try Settings.parse(damaged, file: "f", profiles: profiles)
        #expect(settings.devices.count <= 6)
      } catch {
        #expect(!error.list.isEmpty, "seed \(seed) round \(round)")
        for problem in error.list where problem.file == "f" {
          #expect(problem.line > 0 && !problem.message.isEmpty, "seed \(seed) round \(round): \(problem)")
        }
      }
    }
  }

  private func damage(_ bytes: inout [UInt8], _ dice: inout Dice) {
    var lines = bytes.split(separator: 10, omittingEmptySubsequences: false).map(Array.init)
    let line = Int.random(in: lines.indices, using: &dice)
    let place = Int.random(in: bytes.indices, using: &dice)
    switch Int.random(in: 0..<6, using: &dice) {
    case 0: lines.remove(at: line)
    case 1: lines.insert(lines[line], at: line)
    case 2: lines.swapAt(line, Int.random(in: lines.indices, using: &dice))
    case 3:
      bytes.swapAt(place, Int.random(in: bytes.indices, using: &dice))
      return
    case 4:
      bytes[place] = UInt8.random(in: 0...255, using: &dice)
      return
    default:
      bytes.insert(contentsOf: (0..<4).map { _ in UInt8.random(in: 32...126, using: &dice) }, at: place)
      return
    }
    bytes = Array(lines.joined(separator: [10]))
  }
}
