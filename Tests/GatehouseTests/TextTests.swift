// Goal: what people read is aligned, fits 100 columns and can't play tricks on a terminal. Method: pure functions.

import ArgumentParser
import Control
import Domain
import Foundation
import Testing

@testable import gatehouse

@Suite struct ColumnsTests {
  @Test func alignsAndFolds() {
    var table = Columns([("NAME", .left), ("N", .right), ("WORDS", .left)])
    table.add(["南门", "7", "one two three four five six"])
    table.add(["north-door", "418", ""])
    #expect(
      table.lines(width: 40) == [
        "NAME          N  WORDS",
        "南门          7  one two three four five",
        "                 six",
        "north-door  418",
      ])
  }

  @Test(arguments: [
    ("", 5, [""]), ("a b", 5, ["a b"]), ("abc def", 5, ["abc", "def"]), ("abcdefg", 3, ["abc", "def", "g"]),
    ("南门南门", 4, ["南门", "南门"]), ("abcdef x", 3, ["abc", "def", "x"]), ("南", 1, ["南"]),
  ])
  func folds(text: String, width: Int, lines: [String]) {
    #expect(fold(text, width: width) == lines)
  }

  @Test func controlCharactersDoNotReachTheTerminal() {
    #expect(printable("a\u{1B}[2Jb\nc\u{9B}d") == "a·[2Jb·c·d")
    var table = Columns([("A", .left)])
    table.add(["\u{1B}[31mred"])
    #expect(table.lines() == ["A", "·[31mred"])
  }

  @Test(arguments: [(0, "0 s"), (119, "119 s"), (120, "2 min"), (11_520, "3 h 12 min"), (190_800, "2 d 5 h"), (-1, "?"), (.nan, "?")])
  func durations(seconds: Double, text: String) { #expect(duration(seconds) == text) }

  @Test(arguments: [(31.92, "31.92"), (608, "608"), (0.1 + 0.2, "0.3"), (-0.001, "0"), (100, "100"), (.infinity, "?")])
  func numbers(value: Double, text: String) { #expect(decimal(value) == text) }
}

@Suite struct MomentTests {
  static let now = Date(timeIntervalSince1970: 1_800_000_000)
  static let zone = TimeZone(secondsFromGMT: 8 * 3600) ?? .gmt

  @Test(arguments: [
    ("90s", 1_799_999_910), ("15 min", 1_799_999_100), ("2h", 1_799_992_800), ("1d", 1_799_913_600),
    ("2026-11-23", 1_795_363_200), ("2026-11-23T08:00", 1_795_392_000), ("2026-11-23T08:00:01", 1_795_392_001),
    ("2026-11-23T08:00:00+08:00", 1_795_392_000), ("2026-11-23T00:00:00Z", 1_795_392_000),
    ("2026-11-23T00:00:00.500Z", 1_795_392_000.5),
  ])
  func understands(text: String, seconds: Double) {
    #expect(readSince(text, now: Self.now, zone: Self.zone)?.timeIntervalSince1970 == seconds)
  }

  @Test(arguments: ["", "yesterday", "h", "-5 min", "5 parsecs", "2026-13-01", "1e400s"])
  func refuses(text: String) { #expect(readSince(text, now: Self.now, zone: Self.zone) == nil) }
}

@Suite struct EventLineTests {
  private func line(_ json: String) throws -> EventLine {
    try JSONDecoder().decode(EventLine.self, from: Data(json.utf8))
  }

  @Test func showsAnEvent() throws {
    let event = try line(
      """
      {"specversion":"1.0","id":"9f3c-000418","source":"/haidian-exam-centre/north-door",\
      "type":"gatehouse.screening.denied","time":"2026-11-23T08:14:05.312+08:00","stream":"records","seq":418,\
      "durable":true,"data":{"ticket":17,"attempt":2,"reason":"elevated","next":"rest","policy":"fever-3"}}
      """)
    #expect(event.day == "2026-11-23")
    #expect(
      event.lines() == [
        "08:14:05.312  screening.denied          north-door          ticket 17, elevated,",
        "                                                            next: rest (rest apart from others,",
        "                                                            then gatehouse resume,",
        "                                                            best with another thermometer)",
      ])
  }

  @Test func saysWhatPeopleReadMostInWords() throws {
    func facts(_ type: String, _ data: String) throws -> String {
      try line(#"{"type":"gatehouse.\#(type)","source":"/s/d","time":"2026-11-23T08:14:05Z","data":\#(data)}"#).facts
    }
    #expect(
      try facts(
        "screening.passed",
        #"{"ticket":3,"attempt":1,"reason":"normal","next":"passed","policy":1,"estimate_c":36.51,"surface_c":34.9,"ambient_c":22}"#)
        == "ticket 3, 36.5 degC (skin 34.9), normal")
    #expect(
      try facts(
        "alarm.raised",
        #"{"kind":"air_high","priority":"high","state":"unacknowledged","occurrence":2,"value":1721.394}"#)
        == "air high 1721 ppm, high priority, alarm 2, air the room now, or have people leave")
    #expect(
      try facts("alarm.cleared", #"{"kind":"port_lost","priority":"medium","state":"normal","occurrence":9}"#)
        == "port lost, medium priority, alarm 9")
    #expect(
      try facts(
        "alarm.suppressed",
        #"{"kind":"air_high","priority":"high","state":"shelved","occurrence":0,"until":"2026-11-23T08:51:00.312000000+08:00"}"#)
        == "air high, high priority, shelved until 08:51:00")
    #expect(
      try facts("alarm.escalated", #"{"kind":"gate_jammed","priority":"high","state":"unacknowledged","occurrence":3,"level":2}"#)
        == "gate jammed, high priority, nobody has acknowledged it, level 2, alarm 3, look at the gate, let people out by hand")
    #expect(
      try facts(
        "lane.statistics",
        #"{"busiest_5min":21,"elevated":2,"lane_longest_s":31.4,"lane_mean_s":2.1,"measured":108,"median_c":36.52,"period":"hour","screened":112,"start":"2026-11-23T07:00:00.000000000+08:00","ticket_longest_s":640.2,"ticket_mean_s":412.3,"tickets":4}"#)
        == "hour from 07:00:00, 112 people, 2 of 108 elevated, 2.1 s at the lane, 4 tickets of 412.3 s, median 36.52 degC, busiest_5min 21")
  }

  @Test func showsWhatItDoesNotKnow() throws {
    let event = try line(
      #"{"type":"org.example.new","source":"x","time":"soon","durable":false,"data":{"a":null,"b":[1,2.5],"c":{"d":true},"e":"\u001b[2J"}}"#)
    #expect(event.facts == "a –, b 1 2.5, c d yes, e ·[2J, NOT DURABLE")
    #expect(event.what == "org.example.new" && event.place == "x")
  }

  @Test func showsReadingsAsTheyAreSaid() throws {
    let event = try line(
      #"{"type":"gatehouse.reading","source":"/s/d","time":"2026-11-23T08:14:05Z","data":{"field":"co2","value":608,"unit":"ppm","quality":"good"}}"#)
    #expect(event.facts == "co2 608 ppm")
    for (list, text) in [("[]", "relays none"), ("[1,3]", "relays 1 3"), ("5", "relays 1 3"), ("0", "relays none")] {
      let board = try line(
        #"{"type":"gatehouse.reading","source":"/s/d","time":"2026-11-23T08:14:05Z","data":{"field":"relays","value":\#(list),"unit":"1-based list","quality":"good"}}"#)
      #expect(board.facts == text)
    }
  }

  @Test func showsACommandByItsName() throws {
    let event = try line(
      #"{"type":"gatehouse.command.done","source":"/s/d","time":"2026-11-23T08:14:05Z","data":{"id":"9f3c","command":"resume","ticket":17}}"#)
    #expect(event.facts == "command resume, ticket 17")
  }

  /// A step of a case in words: its time is since the case was opened, and no token is shown.
  @Test func aCaseIsTold() throws {
    let head = #"{"type":"gatehouse.case.isolated","source":"/s/north-door","time":"2026-11-23T08:00:00.000000000+08:00","data":"#
    let step = try line(head + #"{"case":3,"cause":"fever","room":"isolation-1","since_opened_s":120,"ticket":17,"token":"a1","who":"李娜"}}"#)
    #expect(step.facts == "case 3, fever, after 2 min, room isolation-1, ticket 17, who 李娜")
    let opened = try line(head + #"{"case":3,"cause":"fever","estimate_c":38.61,"since_opened_s":0,"who":"李娜"}}"#)
    #expect(opened.facts == "case 3, fever, 38.6 degC, who 李娜")
  }
}

@Suite struct OrderReportTests {
  /// Whoever begins a session learns how much of the hour before is missing.
  @Test func aSessionThatBeginsEarlyIsWarnedOf() {
    let start = SessionCommand.Start.self
    #expect(start.warning("room-301", lacking: 2821) == "warning: 48 min of the ventilation of room-301 after the last session are missing")
    #expect(start.warning("room-301", lacking: 0) == nil)
  }

  /// Somebody's word opens no window that is seen to be shut, and whoever gave it learns that.
  @Test func aVentilationThatIsNotSeenIsWarnedOf() {
    let begin = VentilationCommand.Begin.self
    #expect(
      begin.warning("room-301", method: nil)
        == "warning: every window of room-301 is seen to be shut: it counts as ventilated from when one is opened")
    #expect(begin.warning("room-301", method: "declared") == nil)
  }

  @Test func saysWhatBecameOfIt() {
    var answer = CommandAnswer(id: "i", answer: .done, event: "e", seq: 5, durable: true)
    #expect(OrderReport(answer, done: "opened", id: "i") == OrderReport(answer, done: "opened", id: "other"))
    #expect(OrderReport(answer, done: "opened", id: "i").words == "opened (in the log as records 5)")
    answer.seq = nil
    #expect(OrderReport(answer, done: "opened", id: "i").words.contains("NOT YET in the log"))
    answer.answer = .refused
    answer.reason = "not_waiting"
    #expect(OrderReport(answer, done: "opened", id: "i").words == "refused: that screening does not wait")
    #expect(OrderReport(answer, done: "opened", id: "i").code == .problem)
    answer.answer = .unknown
    #expect(OrderReport(answer, done: "opened", id: "i").code == .unreachable)
    #expect(!OrderReport(answer, done: "opened", id: "i").words.contains("opened"))
  }

  @Test func everyRefusalHasWords() {
    for refusal in Refusal.allCases { #expect(OrderReport.explain(refusal.name).contains(" ")) }
  }
}

@Suite struct StatusTextTests {
  @Test func fitsAHundredColumns() {
    var status = Status(
      version: "0.1.0", startID: "9f3c", pid: 17, uptime: 11_520, site: "海淀考试中心", ready: false,
      ports: [.init(name: "door-ir", state: "open", generation: 1, opens: 1, losses: 0)],
      devices: [
        .init(
          name: "door-thermometer", profile: "gy-mcu90614", port: "door-ir", state: "up",
          counters: ["requests": 5, "timeouts": 0],
          fields: [
            .init(name: "object_temperature", value: 31.92, unit: "degC", quality: "good", age: 0.1),
            .init(name: "ambient_temperature", value: 33.53, unit: "degC", quality: "stale", age: 3),
          ])
      ],
      lanes: [
        .init(
          name: "north-door", state: "released", released: "fire",
          waiting: (1...9).map { .init(ticket: $0, state: "contact_test", since: 61) }, passed: 418, denied: 3)
      ],
      rooms: [.init(name: "room-301", mean5: 1203.4, mean60: nil)],
      alarms: [
        .init(
          occurrence: 7, kind: "suspected_fever", place: "north-door", priority: "high", state: "unacknowledged",
          since: "2026-11-23T08:14:05.312+08:00"),
        .init(
          occurrence: 0, kind: "device_silent", place: "door-relays", priority: "medium", state: "shelved",
          until: "2026-11-23T09:30:00.312+08:00", who: "Li Na", why: "its cable is being mended"),
      ],
      log: .init(records: 418, telemetry: 9000, aggregates: 60, stalled: true, tail: 12, lost: ["telemetry": 4, "sends": 0]),
      latency: ["decision": .init(p50: 3.14, p99: 9, max: 20, count: 418)])
    let counts = Status.LaneCounts(
      screened: 1_112, laneMean: 2.13, laneLongest: 31.4, tickets: 14, ticketMean: 412, ticketLongest: 1_640, measured: 1_100, elevated: 11)
    status.lanes[0].statistics = Status.LaneStatistics(lastHour: counts, today: counts, busiest: 121, median: 36.52, drift: -0.08)
    let lines = status.lines()
    #expect(lines.allSatisfy { columnWidth($0) <= 100 && !$0.hasSuffix(" ") })
    let text = lines.joined(separator: "\n")
    for expected in [
      "海淀考试中心 · gatehouse 0.1.0 · up 3 h 12 min · NOT READY", "suspected_fever", "08:14:05", "shelved until 09:30:00", "Li Na", "released (fire)",
      "11 (1 %)  2 s (max 31 s)  6 min (max 27 min)  36.52 (-0.08)", "1203 ppm", "object_temperature 31.92 degC", "ambient_temperature stale", "STALLED", "lost: 4 telemetry",
      "decision: p50 3.1 µs, p99 9 µs, max 20 µs of 418",
    ] { #expect(text.contains(expected), "\(expected)") }
    // A value that is not good is never shown as one.
    #expect(!text.contains("33.53"))
    #expect(status.counterTable.lines().last?.hasSuffix("requests 5") == true)
  }
}

@Suite struct LogPrinterTests {
  @Test(arguments: [
    ([], "gatehouse.alarm.raised", true), (["alarm"], "gatehouse.alarm.raised", true),
    (["alarm.raised"], "gatehouse.alarm.raised", true), (["gatehouse.alarm"], "gatehouse.alarm.raised", true),
    (["gatehouse.alarm.raised"], "gatehouse.alarm.raised", true), (["alarm.r"], "gatehouse.alarm.raised", false),
    (["alarm."], "gatehouse.alarm.raised", true), (["screening", "alarm"], "gatehouse.alarm.raised", true), (["screening"], "gatehouse.alarm.raised", false),
  ])
  func filters(types: [String], type: String, taken: Bool) {
    #expect(LogFilter(types: types).takes(type) == taken)
  }

  private func event(_ id: String, day: String = "2026-11-23", durable: Bool = true) -> Data {
    Data(
      #"{"id":"\#(id)","type":"gatehouse.gate.shut","source":"/s/d","time":"\#(day)T08:00:00.000+08:00","durable":\#(durable)}"#.utf8)
  }

  @Test func peopleSeeAnEventOnceAndADayOnce() {
    var printer = LogPrinter(filter: LogFilter(), json: false)
    #expect(printer.lines(for: event("1")) == ["2026-11-23", "08:00:00.000  gate.shut                 d"])
    #expect(printer.lines(for: event("2", durable: false)).first?.hasSuffix("NOT DURABLE") == true)
    #expect(printer.lines(for: event("2")) == [])
    #expect(printer.lines(for: event("3", day: "2026-11-24")).prefix(2) == ["", "2026-11-24"])
    #expect(printer.lines(for: Data("no event".utf8)) == ["no event"])
  }

  @Test func programsSeeEverythingAsItIs() {
    var printer = LogPrinter(filter: LogFilter(types: ["gate"]), json: true)
    for durable in [false, true] {
      let line = event("2", durable: durable)
      #expect(printer.lines(for: line) == [String(decoding: line, as: UTF8.self)])
    }
    var other = LogPrinter(filter: LogFilter(types: ["alarm"]), json: true)
    #expect(other.lines(for: event("2")) == [])
  }
}

@Suite struct DecodeTextTests {
  @Test(arguments: [
    ("5a 5A:45,04", [0x5a, 0x5a, 0x45, 0x04]), ("ff", [0xff]), ("", nil), ("f", nil), ("fg", nil), ("0x5a", nil),
    ("+5", nil), ("５ａ", nil),
  ] as [(String, [UInt8]?)])
  func hex(text: String, bytes: [UInt8]?) { #expect(readHex(text) == bytes) }

  @Test(arguments: [
    (#"{"outcome":"accepted","readings":[{"name":"co2","value":608,"unit":"ppm","quality":"good"}]}"#, "accepted  co2 608 ppm"),
    (#"{"outcome":"accepted","readings":[{"name":"co2","unit":"ppm","quality":"invalid","reason":"sentinel"}]}"#,
      "accepted  co2 invalid (sentinel)"),
    (#"{"outcome":"rejected","reason":"check"}"#, "rejected  check"),
    (#"{"outcome":"incomplete"}"#, "incomplete"),
    ("new", "new"),
  ])
  func decoded(line: String, text: String) { #expect(decodedText(line) == text) }
}

@Suite struct FollowerTests {
  /// Events 1, 2, 3 …, one a minute from 08:00 on, every third an alarm; what was before `first` is gone.
  private final class List: EventSource {
    var count: Int64
    let first: Int64
    init(count: Int64, first: Int64 = 1) {
      self.count = count
      self.first = first
    }
    func newest(_ stream: Domain.Stream) -> Int64 { stream == .records ? count : 2 }
    func events(_ stream: Domain.Stream, after seq: Int64, limit: Int) -> [StoredEvent] {
      if stream == .aggregates { return seq < 2 ? (seq + 1...2).map { StoredEvent(seq: $0, json: FollowerTests.air($0)) } : [] }
      guard count > seq else { return [] }
      return (max(seq + 1, first)...count).prefix(limit).map { StoredEvent(seq: $0, json: FollowerTests.event($0)) }
    }
  }

  private static func event(_ seq: Int64) -> Data {
    let type = seq % 3 == 0 ? "alarm.raised" : "gate.shut"
    let time = "2026-11-23T\(8 + seq / 60 < 10 ? "0" : "")\(8 + seq / 60):\(seq % 60 < 10 ? "0" : "")\(seq % 60):00Z"
    return Data(#"{"id":"e\#(seq)","type":"gatehouse.\#(type)","source":"/s","time":"\#(time)","stream":"records","seq":\#(seq)}"#.utf8)
  }

  /// Two means, at 08:02:30 and 08:04:30.
  private static func air(_ seq: Int64) -> Data {
    Data(#"{"type":"gatehouse.air","source":"/s","time":"2026-11-23T08:0\#(seq * 2):30Z","stream":"aggregates","seq":-\#(seq)}"#.utf8)
  }

  private final class Sheet { var lines: [String] = [] }

  private func follower(_ list: List, _ types: [String], _ sheet: Sheet, streams: [Domain.Stream] = [.records])
    -> Follower
  {
    Follower(
      source: list, streams: streams, printer: LogPrinter(filter: LogFilter(types: types), json: true),
      emit: { sheet.lines += $0 })
  }

  private func seqs(_ sheet: Sheet) -> [Int64] {
    sheet.lines.compactMap { (try? JSONDecoder().decode(EventLine.self, from: Data($0.utf8)))?.seq }
  }

  @Test(arguments: [
    (5, 1, [], nil, 3, [3, 4, 5]), (5, 1, [], nil, 50, [1, 2, 3, 4, 5]), (0, 1, [], nil, 50, []),
    (9, 1, ["alarm"], nil, 2, [6, 9]), (9, 1, ["nothing"], nil, 2, []), (900, 898, [], nil, 50, [898, 899, 900]),
    (5, 1, [], "2026-11-23T08:04:00Z", 50, [4, 5]), (5, 1, [], "2026-11-23T08:04:00Z", 1, [5]),
    (5, 1, [], "2026-11-24T00:00:00Z", 50, []),
  ] as [(Int64, Int64, [String], String?, Int, [Int64])])
  func showsTheNewest(count: Int64, first: Int64, types: [String], since: String?, limit: Int, expected: [Int64]) throws {
    let sheet = Sheet()
    var follower = follower(List(count: count, first: first), types, sheet)
    try follower.show(since: since.flatMap { try? Date.ISO8601FormatStyle().parse($0) }, limit: limit)
    #expect(seqs(sheet) == expected)
  }

  @Test func streamsAreShownInTheOrderOfTheirTimes() throws {
    let sheet = Sheet()
    var follower = follower(List(count: 5), [], sheet, streams: [.records, .aggregates])
    try follower.show(since: nil, limit: .max)
    #expect(seqs(sheet) == [1, 2, -1, 3, 4, -2, 5])
  }

  @Test func goesOnWhenTheDoorRings() throws {
    let (list, sheet) = (List(count: 1200), Sheet())
    var follower = follower(list, [], sheet)
    try follower.show(since: nil, limit: 1)
    list.count = 1203
    try follower.hear(.doorbell(.init(stream: "telemetry", seq: 9000)))
    #expect(seqs(sheet) == [1200])
    try follower.hear(.doorbell(.init(stream: "records", seq: 1203)))
    try follower.hear(.doorbell(.init(stream: "records", seq: 1203)))
    #expect(seqs(sheet) == [1200, 1201, 1202, 1203])
    try follower.hear(.notDurable(Self.event(1204)))
    #expect(seqs(sheet).last == 1204)
    try follower.hear(.notDurable(Data(#"{"stream":"telemetry","type":"t","source":"s","time":"t"}"#.utf8)))
    #expect(sheet.lines.count == 5)
  }
}
