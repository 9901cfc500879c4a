// Goal: what stands in a record is what happened, in a form that a spreadsheet, a program and paper take. Method: events written
// as they are in a log, and the records of their day.

import Domain
public import EventLog
import Foundation
import Testing

@testable import Records

private let shanghai = TimeZone(secondsFromGMT: 8 * 3600) ?? .gmt
private let berlin = TimeZone(identifier: "Europe/Berlin") ?? .gmt

/// An event at a time of 23 November 2026, with its data as JSON.
private func event(_ time: String, _ what: String, _ place: String = "north-door", _ data: String = "{}", offset: String = "+08:00") throws -> RecordedEvent {
  let moment = (time.count > 8 ? time : "2026-11-23T\(time)") + ".000000000\(offset)"
  let text = #"{"type":"gatehouse.\#(what)","source":"/school-3/\#(place)","time":"\#(moment)","data":\#(data)}"#
  return try JSONDecoder().decode(RecordedEvent.self, from: Data(text.utf8))
}

private func days(_ events: [RecordedEvent], before: [RecordedEvent] = [], after: [RecordedEvent] = []) -> RecordedDays {
  RecordedDays(events: events, before: before, after: after, days: "2026-11-23"..."2026-11-23", zone: shanghai)
}

extension Fact: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral,
  ExpressibleByArrayLiteral
{
  public init(integerLiteral value: Int) { self = .number(Double(value)) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(stringLiteral value: String) { self = .text(value) }
  public init(arrayLiteral elements: Fact...) { self = .list(elements) }
}

private func statistics(_ time: String, _ data: String) throws -> RecordedEvent { try event(time, "lane.statistics", "north-door", data) }

private func objects(_ record: Record, _ table: String) throws -> [[String: Fact]] {
  struct Whole: Decodable { var tables: [String: [[String: Fact]]] }
  return try JSONDecoder().decode(Whole.self, from: Data(record.json(.english).utf8)).tables[table] ?? []
}

@Suite struct LedgerTests {
  private static let denied = #"{"ticket":17,"attempt":1,"reason":"high","next":"rest","policy":3,"device":"door-thermometer","surface_c":36.4,"ambient_c":22.4,"estimate_c":38.2,"personal_hashes":{"day":"5e","month":"c4"}}"#

  private func day() throws -> Record {
    Record(
      .ledger,
      days([
        try event("08:14:00", "screening.began", "north-door", #"{"ticket":17}"#), try event("08:14:02", "screening.denied", "north-door", Self.denied),
        try event("08:30:00", "command.done", "", #"{"command":"contact_reading","ticket":17,"actor":"guard","claimed":"Li Na"}"#),
        try event("08:30:00", "screening.passed", "north-door", #"{"ticket":17,"attempt":2,"reason":"contact_normal","next":"passed","policy":3,"estimate_c":36.8,"personal_hashes":{"month":"c4"}}"#),
        try event("08:40:00", "command.done", "", #"{"command":"override","lane":"north-door","actor":"guard","claimed":"=cmd()","why":"<b>late</b>"}"#),
        // Its rows were deleted.
        try event("09:00:00", "screening.passed", "north-door", #"{"ticket":18,"attempt":1,"reason":"normal","next":"passed","policy":3,"personal_hashes":{"day":"5e","month":"c4"}}"#),
        try event("09:01:00", "screening.abandoned", "north-door", #"{"ticket":19,"attempt":0,"reason":"left","next":"abandoned","policy":3}"#),
      ]))
  }

  /// Somebody who waited is let through: one line, with who and why, and one person in the report of the day.
  @Test func whoIsLetThroughIsCountedOnce() throws {
    let day = days([
      try event("08:00:00", "screening.began", "north-door", #"{"ticket":1}"#), try event("08:00:03", "screening.denied", "north-door", Self.denied.replacing("17", with: "1")),
      try event("08:09:00", "screening.passed", "north-door", #"{"ticket":1,"attempt":1,"reason":"overridden","next":"passed"}"#),
      try event("08:09:00", "command.done", "", #"{"command":"override","ticket":1,"actor":"guard","claimed":"Li Na","why":"doctor's letter"}"#),
      try event("08:40:00", "command.done", "", #"{"command":"override","lane":"north-door","actor":"guard","claimed":"Li Na","why":"wheelchair"}"#),
      try event("08:41:00", "command.refused", "", #"{"command":"override","ticket":2,"actor":"guard","reason":"unknown_ticket"}"#),
    ])
    let rows = try objects(Record(.ledger, day), "ledger")
    #expect(rows.map { $0["verdict"] } == ["denied", "override", "override"])
    #expect(rows[1]["operator"] == "Li Na" && rows[1]["why"] == "doctor's letter" && rows[1]["ticket"] == 1)
    let report = Record(.daily, day)
    let lane = try objects(report, "lanes")[0]
    #expect(lane["screened"] == 1 && lane["overrides"] == 2 && lane["passed"] == 0 && lane["elevated"] == 1)
    #expect(try objects(report, "commands").map { $0["about"] } == ["ticket 1", "north-door", "ticket 2"])
    #expect(report.csv(.chinese).contains("人工放行,候测号 2,,guard,,被拒绝,无此候测号"))
  }

  @Test func everybodyHasALine() throws {
    let rows = try objects(day(), "ledger")
    #expect(rows.map { $0["verdict"] } == ["denied", "passed", "override", "passed", "abandoned"])
    #expect(rows[0]["surface_c"] == 36.4 && rows[0]["estimate_c"] == 38.2 && rows[0]["time"] == "2026-11-23T08:14:02.000000000+08:00")
    #expect(rows[1]["operator"] == "Li Na" && rows[2]["why"] == "<b>late</b>")
  }

  /// What was deleted on time is no zero, and what was not measured was not deleted.
  @Test func whatIsForgottenIsCalledSo() throws {
    let rows = try objects(day(), "ledger")
    #expect(rows[3]["forgotten"] == ["token", "surface_c", "estimate_c", "ambient_c"] && rows[3]["surface_c"] == nil)
    #expect(rows[4]["forgotten"] == nil && rows[4]["estimate_c"] == nil)
    // The estimate is still there: only what lies in that row with it can be told.
    #expect(rows[1]["forgotten"] == nil)
    let english = try day().csv(.english)
    #expect(english.contains("forgotten") && !english.contains("0.0"))
  }

  @Test func aSpreadsheetTakesIt() throws {
    let text = try day().csv(.chinese)
    let lines = text.components(separatedBy: "\r\n")
    #expect(text.hasPrefix("\u{FEFF}时间,通道,候测号,人员标识,") && lines.count == 9 && lines[6].isEmpty && lines[7].contains("不代表身体健康"))
    #expect(lines[1].hasPrefix("2026-11-23 08:14:02,north-door,17,,1,door-thermometer,,36.4,38.2,22.4,暂不放行,高,休息后复测"))
    #expect(lines[4].contains("已删除") && lines[3].contains(",'=cmd(),<b>late</b>,"))
  }

  @Test func paperTakesIt() throws {
    let page = try day().html(.chinese, written: "2026-11-23 18:00")
    #expect(page.contains("<html lang=\"zh-CN\">") && page.contains("<th>体表温度°C</th>") && page.contains("@page { size: A4 landscape"))
    #expect(page.contains("&lt;b&gt;late&lt;/b&gt;") && !page.contains("<b>late") && page.contains("<td class=\"gone\">已删除</td>"))
  }
}

@Suite struct AvailabilityTests {
  private func availability(_ events: [RecordedEvent], before: [RecordedEvent] = []) throws -> (devices: [[String: Fact]], gaps: [[String: Fact]]) {
    let record = Record(.availability, days(events, before: before))
    return (try objects(record, "devices"), try objects(record, "gaps"))
  }

  @Test func aGapIsCountedOverTheWholeDay() throws {
    let up = try event("2026-11-20T07:00:00", "device.up", "ir")
    let found = try availability(
      [
        try event("08:00:00", "device.down", "ir", #"{"reason":"silent"}"#), try event("08:01:00", "device.still_down", "ir", #"{"down_s":60}"#),
        try event("10:24:00", "device.up", "ir"),
      ], before: [up])
    #expect(found.devices.count == 1 && found.devices[0]["available_percent"] == 90 && found.devices[0]["down_s"] == 8_640)
    #expect(found.gaps.count == 1 && found.gaps[0]["reason"] == "silent" && found.gaps[0]["length_s"] == 8_640)
  }

  @Test func whatBeganBeforeCountsFromMidnight() throws {
    let before = [try event("2026-11-22T20:00:00", "device.down", "ir", #"{"reason":"port_lost"}"#)]
    let found = try availability([try event("06:00:00", "device.up", "ir")], before: before)
    #expect(found.devices[0]["available_percent"] == 75 && found.gaps[0]["from"] == nil && found.devices[0]["state"] == "up")
    // Nothing was heard of it since.
    let silent = try availability([], before: before)
    #expect(silent.devices[0]["available_percent"] == 0 && silent.devices[0]["state"] == "down" && silent.gaps[0]["to"] == nil)
  }

  @Test func whileTheDoorIsDownNothingIsWatched() throws {
    let up = try event("2026-11-22T07:00:00", "device.up", "ir")
    let stopped = try availability(
      [
        try event("12:00:00", "system.stopping", ""), try event("12:30:00", "system.started", "", #"{"down_s":1800,"restored":true}"#),
        try event("12:36:00", "device.up", "ir"),
      ], before: [up])
    #expect(stopped.gaps.map { $0["reason"] } == ["door_down"] && stopped.gaps[0]["length_s"] == 2_160)
    // Killed: it was down since its last record.
    let killed = try availability(
      [try event("12:30:00", "system.started", "", #"{"down_s":1800,"restored":true}"#), try event("12:30:01", "device.up", "ir")], before: [up])
    #expect(killed.gaps[0]["length_s"] == 1_801)
  }

  /// It was killed at ten and started the next morning: what the next start tells belongs to this day.
  @Test func whatTheNextStartTellsOfADayBelongsToIt() throws {
    let up = try event("2026-11-22T07:00:00", "device.up", "ir")
    let next = try event("2026-11-24T08:00:00", "system.started", "", #"{"down_s":79200,"restored":true}"#)
    let record = Record(.availability, days([try event("09:00:00", "device.up", "io")], before: [up], after: [next]))
    let devices = try objects(record, "devices")
    #expect(devices[1]["device"] == "ir" && devices[1]["down_s"] == 50_400 && devices[1]["available_percent"] == 41.67)
    // The other one was first heard of at nine: nothing says that it was there before.
    #expect(try objects(record, "gaps").map { $0["reason"] } == ["no_record", "door_down", "door_down"] && devices[0]["down_s"] == 82_800)
    #expect(record.notes.contains { $0.english == "Nothing was watched from 2026-11-23 10:00:00 to 2026-11-24 00:00:00: the door was not running." })
    #expect(Record(.ledger, days([], before: [up], after: [next])).csv(.chinese).contains("系统未运行"))
  }

  /// Nobody has started it again: an hour without a word of anything is no sign of life.
  @Test func aDoorThatSaysNothingIsNotUp() throws {
    let up = try event("2026-11-22T07:00:00", "device.up", "ir")
    var day = days([], before: [up])
    day.lastWord = midnight("2026-11-23", shanghai) + 6 * 3600
    #expect(try objects(Record(.availability, day), "devices")[0]["available_percent"] == 25)
    day.lastWord = midnight("2026-11-23", shanghai) + 23.5 * 3600
    #expect(try objects(Record(.availability, day), "devices")[0]["available_percent"] == 100)
  }

  /// After a start the device is not there for a reason of its own, or is in the settings no more.
  @Test func eachPartOfAGapHasItsReason() throws {
    let before = [try event("2026-11-22T07:00:00", "device.up", "ir"), try event("2026-11-22T07:00:00", "device.up", "old")]
    let found = try availability(
      [
        try event("12:00:00", "system.stopping", ""), try event("12:30:00", "system.started", "", #"{"down_s":1800,"restored":true}"#),
        try event("12:31:00", "device.down", "ir", #"{"reason":"silent"}"#), try event("13:00:00", "device.up", "ir"),
      ], before: before)
    #expect(found.gaps.map { $0["reason"] } == ["door_down", "silent", "door_down", "not_told"])
    #expect(found.gaps.map { $0["length_s"] } == [1_860, 1_740, 1_800, 41_400])
  }

  /// Days of 25 and 23 hours.
  @Test(arguments: [("2026-10-25", 25.0), ("2026-03-29", 23), ("2026-11-23", 24)])
  func aDayIsTheSites(day: String, hours: Double) {
    let span = RecordedDays(events: [], days: day...day, zone: berlin).span
    #expect((span.upperBound - span.lowerBound) / 3600 == hours)
  }

  @Test func aDayThatIsNotOverCountsAsFarAsItWent() {
    let start = midnight("2026-11-23", shanghai)
    let span = RecordedDays(events: [], days: "2026-11-23"..."2026-11-23", zone: shanghai, now: start + 3600).span
    #expect(span.upperBound - span.lowerBound == 3600)
  }
}

@Suite struct DailyTests {
  @Test func peopleCountByTheirLastVerdict() throws {
    func began(_ ticket: Int, _ lane: String = "north-door") throws -> RecordedEvent { try event("08:00:00", "screening.began", lane, "{\"ticket\":\(ticket)}") }
    func said(_ what: String, _ ticket: Int, _ reason: String, _ lane: String = "north-door") throws -> RecordedEvent {
      try event("08:00:05", "screening.\(what)", lane, "{\"ticket\":\(ticket),\"reason\":\"\(reason)\",\"next\":\"rest\"}")
    }
    let record = Record(
      .daily,
      days([
        try began(1), try said("passed", 1, "normal"), try began(2), try said("denied", 2, "high"), try said("isolated", 2, "contact_elevated"),
        try began(3), try said("denied", 3, "elevated"), try said("passed", 3, "normal"), try began(4), try said("abandoned", 4, "left"),
        try began(5, "south-door"), try said("denied", 5, "low", "south-door"),
        // The number comes again: somebody else.
        try began(1), try said("passed", 1, "normal"),
        try event("08:10:00", "passage", "north-door", #"{"screened":false}"#),
        try event("08:11:00", "command.done", "", #"{"command":"override","lane":"north-door","actor":"guard"}"#),
      ]))
    let rows = try objects(record, "lanes")
    #expect(rows.map { $0["lane"] } == ["north-door", "south-door"])
    let north = rows[0]
    #expect(north["screened"] == 5 && north["passed"] == 3 && north["elevated"] == 2 && north["isolated"] == 1 && north["abandoned"] == 1)
    #expect(north["overrides"] == 1 && north["unscreened"] == 1 && north["denied"] == 0 && rows[1]["denied"] == 1)
  }

  @Test func alarmsTellWhoSawThem() throws {
    func alarm(_ time: String, _ what: String, _ number: Int, _ state: String) throws -> RecordedEvent {
      try event(time, "alarm.\(what)", "room-301", "{\"kind\":\"air_high\",\"priority\":\"high\",\"state\":\"\(state)\",\"occurrence\":\(number),\"value\":1721}")
    }
    let record = Record(
      .alarms,
      days(
        [
          try alarm("08:00:00", "raised", 7, "unacknowledged"), try event("08:01:00", "command.done", "", #"{"command":"acknowledge","occurrence":7,"actor":"guard","claimed":"Li Na"}"#),
          try alarm("08:01:00", "acknowledged", 7, "acknowledged"), try alarm("08:20:00", "cleared", 7, "normal"),
        ], before: [try alarm("2026-11-22T23:00:00", "raised", 5, "unacknowledged"), try alarm("2026-11-22T22:00:00", "raised", 4, "unacknowledged"), try alarm("2026-11-22T22:10:00", "cleared", 4, "normal")]))
    let rows = try objects(record, "alarms")
    // Raised the day before: still there, or over by then.
    #expect(rows.map { $0["occurrence"] } == [5, 7] && rows[0]["state"] == "unacknowledged")
    #expect(rows[1]["acknowledged_by"] == "Li Na" && rows[1]["answered_s"] == 60 && rows[1]["lasted_s"] == 1_200 && rows[1]["state"] == "cleared")
  }
}

@Suite struct NumberTests {
  private func alarm(_ time: String, _ what: String, _ place: String) throws -> RecordedEvent {
    try event(time, "alarm.\(what)", place, #"{"kind":"tailgating","priority":"high","state":"unacknowledged","occurrence":1}"#)
  }

  /// A door that found no state of the run before numbers its alarms from one again: they are others.
  @Test func theSameNumberAfterANewBeginningIsAnotherAlarm() throws {
    let rows = try objects(
      Record(
        .alarms,
        days([
          try alarm("08:00:00", "raised", "north-door"), try alarm("08:01:00", "repeated", "north-door"),
          try event("09:00:00", "system.started", "", #"{"down_s":5,"restored":false}"#), try alarm("10:00:00", "raised", "south-door"),
          try alarm("10:30:00", "cleared", "south-door"),
        ])), "alarms")
    #expect(rows.map { $0["place"] } == ["north-door", "south-door"] && rows.map { $0["state"] } == ["begun_anew", "cleared"])
    #expect(rows[0]["repeats"] == 1 && rows[1]["repeats"] == nil && rows[1]["lasted_s"] == 1_800)
  }
}

@Suite struct CaseTests {
  /// A case of last week to which nothing happened today is still open today, and one that is closed is not.
  @Test func whatIsOpenIsInTheRecord() throws {
    func step(_ time: String, _ step: String, _ number: Int) throws -> RecordedEvent {
      try event(time, "case.\(step)", "north-door", "{\"case\":\(number),\"cause\":\"fever\",\"since_opened_s\":0,\"who\":\"A. Li\"}")
    }
    let before = [try step("2026-11-16T08:00:00", "opened", 1), try step("2026-11-16T09:00:00", "opened", 2), try step("2026-11-20T09:00:00", "closed", 2)]
    let rows = try objects(Record(.cases, days([try step("08:00:00", "closed", 3)], before: before)), "cases")
    #expect(rows.map { $0["case"] } == [1, 3] && rows.map { $0["state"] } == ["open", "closed"])
  }

  /// Done at half past eleven in the evening, written down after midnight: a record of the day on which it was done.
  @Test func aDisinfectionBelongsToTheDayOnWhichItWasDone() throws {
    func done(_ told: String, _ began: String) throws -> RecordedEvent {
      try event(told, "room.disinfected", "room-12", #"{"agent":"chlorine","began":"\#(began).000000000+08:00","ended":"\#(began).000000000+08:00","method":"wipe","who":"Wang"}"#)
    }
    let day = days([try done("00:10:00", "2026-11-22T23:30:00")], after: [try done("2026-11-24T00:10:00", "2026-11-23T23:30:00")])
    #expect(try objects(Record(.disinfection, day), "disinfections").map { $0["began"] } == ["2026-11-23T23:30:00.000000000+08:00"])
  }

  @Test func aCaseIsOneRowWithItsIntervals() throws {
    func step(_ time: String, _ step: String, _ seconds: Int, _ more: String = "") throws -> RecordedEvent {
      try event(time, "case.\(step)", "north-door", "{\"case\":3,\"cause\":\"fever\",\"ticket\":17,\"who\":\"A. Li\",\"since_opened_s\":\(seconds)\(more)}")
    }
    let record = Record(
      .cases,
      days(
        [
          try step("08:02:00", "isolated", 120, #","room":"isolation-1""#), try step("08:05:00", "reported", 300, #","to":"district CDC, receipt 4711""#),
          try event("08:06:00", "room.locked", "isolation-1", #"{"case":3}"#), try step("09:40:00", "closed", 6000),
          try event("10:00:00", "incident.began", "", #"{"who":"A. Li","why":"suspected outbreak"}"#),
        ], before: [try step("2026-11-22T23:59:00", "opened", 0), try event("2026-11-22T08:00:00", "case.closed", "north-door", #"{"case":2}"#)]))
    let row = try #require(try objects(record, "cases").first)
    #expect(try objects(record, "cases").count == 1)
    #expect(row["isolated_s"] == 120 && row["room"] == "isolation-1" && row["reported_to"] == "district CDC, receipt 4711" && row["closed_s"] == 6_000)
    #expect(row["handed_over_s"] == nil && row["opened"] == "2026-11-22T23:59:00.000000000+08:00")
    #expect(try objects(record, "steps").map { $0["step"] } == ["case_isolated", "case_reported", "room_locked", "case_closed"])
    #expect(try objects(record, "site").map { $0["what"] } == ["incident_began"] && record.csv(.chinese).contains("事件开始"))
  }

  @Test func aDisinfectionHasWhatIsAskedFor() throws {
    let record = Record(
      .disinfection,
      days([
        try event("10:05:00", "room.disinfected", "isolation-1", #"{"agent":"chlorine 500 mg/l","began":"2026-11-23T09:30:00.000000000+08:00","ended":"2026-11-23T10:00:00.000000000+08:00","method":"wipe","who":"Wang"}"#)
      ]))
    let row = try #require(try objects(record, "disinfections").first)
    #expect(row["room"] == "isolation-1" && row["method"] == "wipe" && row["who"] == "Wang" && row["lasted_s"] == 1_800)
    #expect(record.csv(.chinese).contains("isolation-1,2026-11-23 09:30:00,2026-11-23 10:00:00,0:30:00,擦拭,chlorine 500 mg/l,Wang,"))
  }
}

@Suite struct VentilationRecordTests {
  @Test func aSlotIsARowOfTheGuidelinesTable() throws {
    let judged = #"{"air_changes_error":0.11,"air_changes_h":4.02,"effect":"effective","end":"2026-11-23T11:08:40.000000000+08:00","end_ppm":441.5,"method":"window","minutes":64.5,"planned_end":"2026-11-23T11:20:00.000000000+08:00","planned_start":"2026-11-23T10:00:00.000000000+08:00","responsible":"Li Na","session":"written, first sitting","slot":"after_session","start":"2026-11-23T10:04:10.000000000+08:00","start_ppm":1480,"verdict":"met"}"#
    let record = Record(
      .ventilation,
      days([
        try event("11:20:00", "ventilation.judged", "room-12", judged),
        try event("12:00:00", "ventilation.judged", "room-12", #"{"planned_end":"2026-11-23T12:00:00.000000000+08:00","planned_start":"2026-11-23T08:00:00.000000000+08:00","short_by_min":21,"slot":"morning","verdict":"short"}"#),
      ]))
    let rows = try objects(record, "slots")
    #expect(rows.count == 2 && rows[0]["verdict"] == "met" && rows[0]["responsible"] == "Li Na" && rows[0]["air_changes_h"] == 4 && rows[1]["short_by_min"] == 21)
    let lines = record.csv(.chinese).components(separatedBy: "\r\n")
    #expect(lines[2].hasPrefix("2026-11-23,room-12,场次结束后,\"written, first sitting\",2026-11-23 10:00:00,2026-11-23 11:20:00,2026-11-23 10:04:10,"))
    #expect(lines[3].contains("上午") && lines[3].hasSuffix(",不足时长,21,,"))
  }
}

@Suite struct SlotDayTests {
  private func judged(_ told: String, _ planned: String, offset: String = "+08:00") throws -> RecordedEvent {
    try event(
      told, "ventilation.judged", "room-12",
      #"{"planned_end":"\#(planned):00.000000000\#(offset)","planned_start":"\#(planned):00.000000000\#(offset)","slot":"afternoon","verdict":"unverifiable","unseen_min":240}"#, offset: offset)
  }

  /// The door was down in the evening and told of the slot the next morning: the inspector who asks for the day finds it there.
  @Test func aSlotBelongsToTheDayThatItWasPlannedFor() throws {
    let day = days([try judged("08:00:00", "2026-11-22T12:00")], after: [try judged("2026-11-24T08:00:00", "2026-11-23T12:00")])
    let rows = try objects(Record(.ventilation, day), "slots")
    #expect(rows.map { $0["date"] } == ["2026-11-23"] && rows[0]["verdict"] == "unverifiable" && rows[0]["unseen_min"] == 240)
  }

  /// Told on the Monday after the clocks went back, of Saturday: half past twelve was half past twelve.
  @Test func timesAreThoseOfTheirOwnDay() throws {
    let told = try judged("2026-10-26T08:00:00", "2026-10-24T11:30", offset: "+01:00")
    let day = RecordedDays(events: [], after: [told], days: "2026-10-24"..."2026-10-24", zone: berlin)
    #expect(try objects(Record(.ventilation, day), "slots")[0]["planned_start"] == "2026-10-24T12:30:00.000000000+02:00")
  }

  @Test func whoDeclaredAVentilationStandsBesideIt() throws {
    func ended(_ start: String, _ method: String) throws -> RecordedEvent {
      try event("10:00:00", "ventilation.ended", "room-12", #"{"method":"\#(method)","start":"2026-11-23T\#(start).000000000+08:00","end":"2026-11-23T10:00:00.000000000+08:00","minutes":60,"effect":"not_verified"}"#)
    }
    let declared = try event("09:00:00", "command.done", "", #"{"command":"ventilation_begin","room":"room-12","actor":"guard","claimed":"Li Na"}"#)
    let rows = try objects(Record(.ventilation, days([declared, try ended("09:00:00", "declared"), try ended("09:00:00", "window")])), "ventilations")
    #expect(rows.map { $0["declared_by"] } == ["Li Na", nil])
  }
}

@Suite struct HoursTests {
  @Test func hoursAndTheDayAreRows() throws {
    var day = days([])
    day.statistics = [
      try statistics("08:00:00", #"{"busiest_5min":21,"elevated":2,"lane_longest_s":31.4,"lane_mean_s":2.1,"measured":100,"median_c":36.52,"period":"hour","screened":112,"start":"2026-11-23T07:00:00.000000000+08:00","ticket_longest_s":640.2,"ticket_mean_s":412.3,"tickets":4}"#),
      try statistics("2026-11-24T00:00:00", #"{"busiest_5min":21,"elevated":0,"measured":0,"period":"day","screened":1,"start":"2026-11-23T00:00:00.000000000+08:00","tickets":0}"#),
    ]
    let record = Record(.daily, day)
    let rows = try objects(record, "hours")
    #expect(rows[0]["period"] == "hour" && rows[0]["elevated_percent"] == 2 && rows[0]["ticket_mean_s"] == 412 && rows[0]["lane_mean_s"] == 2.1, "\(rows[0])")
    // Nobody was measured: there is no share.
    #expect(rows[1]["elevated_percent"] == nil && rows[1]["screened"] == 1)
    let lines = record.csv(.chinese)
    #expect(lines.contains("通道,时段,开始,") && lines.contains("north-door,小时,2026-11-23 07:00:00,112,21,2.1,31.4,4,0:06:52,"))
  }
}

@Suite struct NamesTests {
  /// Tokens of the day are deleted: nobody is called absent for it.
  @Test func whoCannotBeToldIsNotCalledAbsent() throws {
    let gone = try event("08:00:00", "screening.passed", "north-door", #"{"ticket":1,"reason":"normal","personal_hashes":{"month":"c4"}}"#)
    let record = Record(.absentees, days([gone]), roster: roster)
    #expect(try objects(record, "absentees") == [] && record.notes[0].english.contains("forgotten"))
    let nameless = try event("08:00:00", "screening.passed", "north-door", #"{"ticket":1,"reason":"normal"}"#)
    let other = Record(.absentees, days([nameless]), roster: roster)
    #expect(try objects(other, "absentees").count == 2 && other.notes[0].english.hasPrefix("1 passed without"))
    #expect(Record(.absentees, days([])).notes[0].english.contains("holds nobody"))
  }

  private let seen = #"{"ticket":1,"attempt":1,"reason":"normal","next":"passed","token":"a1","estimate_c":36.5,"personal_hashes":{"month":"c4"}}"#
  private let roster = [
    RosterEntry(token: "a1", name: "李娜", role: "candidate", session: "1", until: "2026-12-23"),
    RosterEntry(token: "b2", name: "王芳", role: "staff", session: "1", until: "2026-12-23"),
  ]

  @Test func namesJoinWhenItIsPrinted() throws {
    let day = days([try event("08:00:00", "screening.passed", "north-door", seen)])
    let named = try objects(Record(.ledger, day, roster: roster), "ledger")
    #expect(named[0]["name"] == "李娜" && named[0]["role"] == "candidate")
    #expect(try objects(Record(.ledger, day), "ledger")[0]["name"] == nil)
    #expect(try objects(Record(.absentees, day, roster: roster), "absentees").map { $0["name"] } == ["王芳"])
  }
}

@Suite struct ContactTests {
  private func seen(_ time: String, _ ticket: Int, _ token: String, _ what: String = "screening.passed", _ lane: String = "north-door") throws -> RecordedEvent {
    try event(time, what, lane, #"{"ticket":\#(ticket),"attempt":1,"reason":"normal","next":"passed","token":"\#(token)"}"#)
  }

  private func day() throws -> RecordedDays {
    days([
      try seen("07:40:00", 1, "early"), try seen("07:50:00", 2, "before"), try seen("08:00:00", 3, "ill", "screening.denied"),
      try seen("08:01:00", 4, "after"), try seen("08:02:00", 5, "other", "screening.passed", "south-door"), try seen("08:03:00", 4, "after"),
      // Sent to rest, and back with another ticket.
      try seen("08:05:00", 6, "ill", "screening.denied"),
      try event("08:20:00", "case.opened", "north-door", #"{"case":3,"cause":"fever","since_opened_s":0,"ticket":3,"who":"Li Na"}"#),
      try seen("08:34:00", 7, "last"), try seen("08:36:00", 8, "late"),
      try event("09:00:00", "session.began", "room-12", #"{"session":"2"}"#),
      try event("09:30:00", "case.room_added", "north-door", #"{"case":3,"cause":"fever","since_opened_s":9,"room":"room-12","who":"Li Na"}"#),
    ])
  }

  private let roster = [("ill", "1"), ("before", "1"), ("classmate", "1"), ("neighbour", "2"), ("stranger", "3")].map {
    RosterEntry(token: $0.0, name: $0.0.capitalized, role: "candidate", session: $0.1, until: "2026-12-23")
  }

  @Test func whoStoodAtTheLaneAQuarterOfAnHourBeforeOrAfter() throws {
    let rows = try objects(Record(.contacts, day()), "contacts")
    #expect(rows.map { $0["token"] } == ["before", "after", "last"])
    #expect(rows.allSatisfy { $0["case"] == 3 && $0["shared"] == "same_lane" && $0["name"] == nil })
  }

  /// Five past midnight: who stood there before midnight is a contact; and one person with two tickets brings those of both times.
  @Test func aNightIsNoWall() throws {
    let day = days(
      [try seen("00:04:00", 3, "ill", "screening.denied"), try event("00:05:00", "case.opened", "north-door", #"{"case":3,"cause":"fever","ticket":3,"since_opened_s":0,"who":"Li Na"}"#)],
      before: [try seen("2026-11-22T22:00:00", 1, "ill"), try seen("2026-11-22T22:10:00", 2, "evening"), try seen("2026-11-22T23:00:00", 4, "between"), try seen("2026-11-22T23:55:00", 5, "late")])
    #expect(try objects(Record(.contacts, day), "contacts").map { $0["token"] } == ["evening", "late"])
  }

  @Test func withTheRosterWhoHasTheSessionToo() throws {
    let rows = try objects(Record(.contacts, day(), roster: roster), "contacts")
    #expect(rows.map { $0["token"] } == ["before", "after", "last", "before", "classmate", "neighbour"])
    #expect(rows[0]["name"] == "Before" && rows[1]["name"] == nil && rows[5]["where"] == "room-12" && rows[4]["where"] == nil)
    #expect(Record(.contacts, try day(), roster: roster).csv(.chinese).contains("同一场次"))
  }
}

@Suite struct WordTests {
  /// Each word of events that a record shows has its Chinese: add it to Language.swift.
  @Test func everyWordIsInBothLanguages() {
    let used =
      AlarmKind.allCases.map(\.name) + ScreeningReason.allCases.map(\.name) + ScreeningState.allCases.map(\.name) + DownReason.allCases.map(\.name)
      + AlarmState.allCases.map(\.name) + StatisticsPeriod.allCases.map(\.name) + Priority.allCases.map(\.name) + Refusal.allCases.map(\.name) + VentilationMethod.allCases.map(\.name)
      + VentilationEffect.allCases.map(\.name) + Slot.allCases.map(\.name) + SlotVerdict.allCases.map(\.name) + CaseCause.allCases.map(\.name)
      + CaseStep.allCases.flatMap { [$0.name, "case_" + $0.name] } + DisinfectionMethod.allCases.map(\.name)
    #expect(used.filter { !isTranslated($0) } == [])
  }

  @Test(arguments: [
    ("=1+1", "'=1+1"), ("+86", "'+86"), ("-x", "'-x"), ("@a", "'@a"), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""), ("\t=1", "\"'\t=1\""), ("plain", "plain"),
    ("", ""), ("海淀", "海淀"),
  ])
  func cellsAreSafe(text: String, cell: String) { #expect(csvCell(text) == cell) }

  @Test func markupIsText() { #expect(escaped("<a href=\"x\">&'\u{1B}") == "&lt;a href=&quot;x&quot;&gt;&amp;&#39;·") }
}

@Suite struct NextStepTests {
  private let steps =
    ScreeningState.allCases.compactMap(\.nextStep) + ScreeningReason.allCases.compactMap(\.nextStep) + AlarmKind.allCases.map(\.nextStep)

  /// What the programs say is what staff have been given to read.
  @Test func theRulesPrintTheSameWords() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let rules = try String(contentsOf: root.appending(path: "docs/rules.md"), encoding: .utf8)
    let lines = rules.split(separator: "\n").filter { $0.hasPrefix("| `") }
    func isPrinted(_ name: String, _ step: Phrase) -> Bool {
      lines.contains { $0.contains("`\(name)`") && ($0.contains("| \(step.english) |") || $0.contains("| \(step.english);")) }
    }
    for state in ScreeningState.allCases { if let step = state.nextStep { #expect(isPrinted(state.name, step), "\(state)") } }
    for reason in ScreeningReason.allCases { if let step = reason.nextStep { #expect(isPrinted(reason.name, step), "\(reason)") } }
    for kind in AlarmKind.allCases { #expect(isPrinted(kind.name, kind.nextStep), "\(kind)") }
  }

  /// Each is one sentence that an event's line can hold: a comma may stand in it, nothing else may end it.
  @Test func eachIsShortAndInBothLanguages() {
    for step in steps {
      #expect(step.english.utf8.count <= 80 && !step.english.contains { ";.()".contains($0) }, "\(step)")
      #expect(step.chinese.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }, "\(step)")
    }
  }

  /// The state says it before the reason does.
  @Test func whereAScreeningGoesComesFirst() {
    #expect(nextStep(reason: .low, next: .coldWait)?.english.hasPrefix("wait inside, then gatehouse resume") == true)
    #expect(nextStep(reason: .high, next: .rest) == ScreeningState.rest.nextStep)
    #expect(nextStep(reason: .notOnRoster, next: .noResult)?.english == "staff look who it is, then gatehouse allow")
    #expect(nextStep(reason: .normal, next: .passed) == nil)
  }
}

@Suite struct RoleTests {
  private func started(_ day: String, _ data: String) throws -> RecordedEvent {
    try JSONDecoder().decode(
      RecordedEvent.self,
      from: Data(#"{"type":"gatehouse.system.started","source":"/s","time":"\#(day)T08:00:00.000+08:00","data":\#(data)}"#.utf8))
  }

  /// Who answered when the days began, and whoever came with a start on them; as the log has it, not as the settings are now.
  @Test func eachRecordNamesWhoAnswered() throws {
    let li = #"{"down_s":0,"restored":false,"responsible":"Li Na","roles":[{"role":"doctor","name":"Wang <Fang>"}]}"#
    let zhao = #"{"down_s":0,"restored":true,"responsible":"Zhao","roles":[{"role":"doctor","name":"Wang <Fang>"}]}"#
    let day = RecordedDays(
      events: [try started("2026-11-23", zhao), try started("2026-11-23", zhao)],
      before: [try started("2026-11-21", #"{"down_s":0,"restored":false,"responsible":"Sun"}"#), try started("2026-11-22", li)],
      days: "2026-11-23"..."2026-11-23", zone: shanghai)
    for kind in RecordKind.allCases {
      let record = Record(kind, day)
      #expect(
        record.roles == [
          RoleHolder(role: "responsible", name: "Li Na"), RoleHolder(role: "responsible", name: "Zhao"),
          RoleHolder(role: "doctor", name: "Wang <Fang>"),
        ])
      #expect(record.html(.english, written: "").contains("<p>Responsible: Li Na · Responsible: Zhao · doctor: Wang &lt;Fang&gt;</p>"))
      #expect(record.html(.chinese, written: "").contains("<p>负责人: Li Na"))
      #expect(record.csv(.english).contains("\r\n\r\nResponsible: Li Na · Responsible: Zhao · doctor: Wang <Fang>\r\n"))
    }
    let nobody = Record(.daily, RecordedDays(events: [try started("2026-11-23", "{}")], days: "2026-11-23"..."2026-11-23", zone: shanghai))
    #expect(nobody.roles == [] && !nobody.html(.english, written: "").contains("<p>Responsible"))
  }
}
