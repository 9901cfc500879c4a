// Goal: lines and commands are cut, judged and turned into commands exactly, and nothing hostile passes. Method: pure
// functions, one line a case.

import Domain
import Foundation
import Testing

@testable import Control

@Suite struct LineTests {
  @Test(arguments: [
    ("ab\ncd\n", ["ab", "cd"], "none"),
    ("ab", [], "none"),
    ("\n\n", ["", ""], "none"),
    ("1234567\n", ["1234567"], "none"),
    ("12345678\n", [], "tooLong"),
    ("123456789", [], "tooLong"),
    ("ok\n123456789", ["ok"], "tooLong"),
  ])
  func cutsLines(text: String, lines: [String], end: String) {
    // Eight bytes with the newline; every way of cutting the bytes into reads gives the same.
    for step in 1...text.utf8.count {
      var buffer = LineBuffer(lineMax: 8)
      var found: [String] = []
      var last = LineBuffer.Next.none
      var rest = Array(text.utf8)[...]
      feeding: while true {
        let count = min(step, buffer.room)
        buffer.append(rest.prefix(count))
        rest = rest.dropFirst(count)
        while true {
          last = buffer.next()
          guard case .line(let line) = last else { break }
          found.append(String(decoding: line, as: UTF8.self))
        }
        if rest.isEmpty || last == .tooLong { break feeding }
      }
      #expect(found == lines)
      #expect("\(last)" == end)
    }
  }

  @Test func neverHoldsMoreThanALine() {
    var buffer = LineBuffer(lineMax: 8)
    buffer.append([1, 2, 3, 4, 5, 6, 7, 8])
    #expect(buffer.room == 0)
    #expect(buffer.next() == .tooLong)
  }

  @Test(arguments: [
    (Array("{}".utf8), nil),
    (Array("{\"a\":{\"b\":[1,2,null]}}\r".utf8), nil),
    (Array("".utf8), "bad_json"),
    (Array("[]".utf8), "bad_json"),
    (Array("17".utf8), "bad_json"),
    (Array("{\"a\":".utf8), "bad_json"),
    (Array("{} {}".utf8), "bad_json"),
    ([0x7B, 0x00, 0x7D, 0x00], "bad_json"),
    ([0xFF, 0xFE, 0x7B, 0x00, 0x7D, 0x00], "bad_utf8"),
    ([0x7B, 0x22, 0xC3, 0x28, 0x22, 0x3A, 0x31, 0x7D], "bad_utf8"),
  ] as [([UInt8], String?)])
  func judgesLines(bytes: [UInt8], error: String?) {
    #expect(objection(to: Data(bytes))?.error == error)
  }
}

@Suite struct DepthTests {
  @Test(arguments: [#"{"a":"#, "[", "{"])
  func depthIsRefused(piece: String) {
    let line = Data(String(repeating: piece, count: 65_000 / piece.utf8.count).utf8)
    #expect(objection(to: line)?.error == "bad_json")
  }
}

@Suite struct CommandRequestTests {
  static let names = Names(site: "s", lanes: ["north-door", "南门"], rooms: [], devices: ["co2", "relays"], ports: [], fields: [], writes: [["stop", "interval"]])
  static let id = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
  static let now = Instant(ns: 1_000_000_000_000)

  private func read(_ rest: String, id: String = id) throws(BadRequest) -> Command {
    let line = Data("{\"id\":\"\(id)\",\(rest)}".utf8)
    return try CommandRequest(line: line).checked(names: Self.names, actor: Text("erika") ?? Text(), now: Self.now)
  }

  private func refusal(_ rest: String, id: String = id) -> BadRequest? {
    do {
      _ = try read(rest, id: id)
      return nil
    } catch { return error }
  }

  @Test func readsEveryCommand() throws {
    var command = try read(#""command":"override","lane":"南门","who":"张伟","why":"wheelchair","origin":"console""#)
    guard case .overrideLane(let lane) = command.action else { Issue.record("not an override"); return }
    #expect(lane.index == 1)
    #expect(command.goodFor == .seconds(3))
    #expect(command.issued == Self.now)
    #expect(command.actor.string == "erika" && command.claimed.string == "张伟" && command.why.string == "wheelchair")
    #expect(command.id.text == Self.id)
    guard case .console = command.origin else { Issue.record("not from the console"); return }

    command = try read(#""command":"acknowledge","occurrence":7,"good_for_s":2.5,"issued_boot_ns":999000000000"#)
    guard case .acknowledge(7) = command.action else { Issue.record("not an acknowledge"); return }
    #expect(command.goodFor == .milliseconds(2500))
    #expect(command.issued == Instant(ns: 999_000_000_000))

    command = try read(#""command":"resume","ticket":17"#)
    guard case .resume(17) = command.action else { Issue.record("not a resume"); return }
    #expect(command.goodFor == .seconds(60))
    command = try read(#""command":"contact_reading","ticket":17,"celsius":38.5"#)
    guard case .contactReading(17, 38.5, .axilla) = command.action else { Issue.record("not a reading"); return }
    command = try read(#""command":"contact_reading","ticket":17,"celsius":38.5,"site":"ear""#)
    guard case .contactReading(17, 38.5, .ear) = command.action else { Issue.record("not a reading in the ear"); return }
    command = try read(#""command":"resume","ticket":17,"lane":"南门""#)
    guard case .resumeAt(17, LaneID(1)) = command.action else { Issue.record("not a resume elsewhere"); return }
    command = try read(#""command":"override","ticket":17"#)
    guard case .overrideTicket(17) = command.action else { Issue.record("not an override of a ticket"); return }
    #expect(command.goodFor == .seconds(3))
    command = try read(#""command":"credential","lane":"南门","verdict":"failed""#)
    guard case .credential(LaneID(1), passed: false) = command.action else { Issue.record("not a credential"); return }
    command = try read(#""command":"credential","ticket":17,"verdict":"passed""#)
    guard case .credentialOf(17, passed: true) = command.action else { Issue.record("not a credential of a ticket"); return }
    command = try read(#""command":"open_case","ticket":17,"why":"cough""#)
    guard case .openCaseOf(17) = command.action else { Issue.record("not a case of a ticket"); return }
    command = try read(#""command":"allow","ticket":17"#)
    guard case .allow(17) = command.action else { Issue.record("not an allow"); return }
    command = try read(#""command":"clear","occurrence":4294967295"#)
    guard case .clear(.max) = command.action else { Issue.record("not a clear"); return }
    command = try read(#""command":"reset_average","lane":"南门""#)
    guard case .resetAverage(LaneID(1)) = command.action else { Issue.record("not a reset"); return }
    command = try read(#""command":"unacknowledge","occurrence":7"#)
    guard case .unacknowledge(7) = command.action else { Issue.record("not an unacknowledge"); return }
    command = try read(#""command":"shelve","kind":"device_silent","place":"relays","for_s":1800"#)
    guard case .shelve(let alarm, .seconds(1800)) = command.action, case .deviceSilent = alarm.kind,
      alarm.place.isSame(as: .device(DeviceID(1)))
    else { Issue.record("not a shelf"); return }
    command = try read(#""command":"take_out_of_service","kind":"lane_drift","place":"南门""#)
    guard case .takeOutOfService(let lane) = command.action, lane.place.isSame(as: .lane(LaneID(1))) else { Issue.record("not taken"); return }
    command = try read(#""command":"return_to_service","kind":"log_stalled","place":"log""#)
    guard case .returnToService(let log) = command.action, log.place.isSame(as: .log) else { Issue.record("not returned"); return }
    command = try read(#""command":"unshelve","kind":"events_lost","place":"s""#)
    guard case .unshelve(let site) = command.action, site.place.isSame(as: .site) else { Issue.record("not unshelved"); return }
    command = try read(#""command":"write","device":"co2","write":"interval","value":2.5"#)
    guard case .write(DeviceID(0), 1, 2.5) = command.action else { Issue.record("not a write"); return }
    #expect(command.goodFor == .seconds(10))
    command = try read(#""command":"write","device":"co2","write":"stop""#)
    guard case .write(_, 0, let value) = command.action, value.isNaN else { Issue.record("not a write"); return }
    for line in [#""device":"co3","write":"stop""#, #""device":"co2","write":"off""#, #""device":"relays","write":"relay""#, #""device":"co2""#] {
      #expect(throws: BadRequest.self) { try read(#""command":"write","# + line) }
    }
  }

  @Test func aMomentInTheFutureIsNow() throws {
    #expect(try read(#""command":"resume","ticket":1,"issued_boot_ns":9000000000000000000"#).issued == Self.now)
    #expect(try read(#""command":"resume","ticket":1,"issued_boot_ns":-9223372036854775808"#).issued == .past)
  }

  @Test(arguments: [
    (#""command":"override","lane":"west""#, "unknown_lane", "north-door, 南门"),
    (#""command":"override""#, "bad_request", "lane is required for override"),
    (#""command":"override","lane":7"#, "bad_request", "lane: expected text"),
    (#""command":"override","lane":"南门","good_for_s":3.1"#, "bad_request", "at most 3"),
    (#""command":"resume","ticket":"17""#, "bad_request", "ticket: expected a whole number"),
    (#""command":"resume","ticket":-1"#, "bad_request", "out of its range"),
    (#""command":"resume","ticket":4294967296"#, "bad_request", "out of its range"),
    (#""command":"resume","ticket":1.5"#, "bad_request", "out of its range"),
    (#""command":"resume","ticket":1,"good_for_s":0"#, "bad_request", "good_for_s"),
    (#""command":"resume","ticket":1,"good_for_s":-1"#, "bad_request", "good_for_s"),
    (#""command":"resume","ticket":1,"good_for_s":1e300"#, "bad_request", "good_for_s"),
    (#""command":"resume","ticket":1,"origin":"moon""#, "bad_request", "origin"),
    (#""command":"resume","ticket":1,"origin":"mqtt""#, "not_allowed", "MQTT"),
    (#""command":"override","lane":"南门","origin":"mqtt""#, "not_allowed", "MQTT"),
    (#""command":"resume","ticket":1,"good_for":5"#, "bad_request", "unknown key \"good_for\""),
    (#""command":"acknowledge""#, "bad_request", "occurrence is required"),
    (#""command":"contact_reading","ticket":1"#, "bad_request", "celsius is required"),
    (#""command":"contact_reading","ticket":1,"celsius":1e999"#, "bad_request", ""),
    (#""command":"contact_reading","ticket":1,"celsius":true"#, "bad_request", "celsius: expected a number"),
    (#""command":"shelve","kind":"device_silence","place":"co2","for_s":5"#, "unknown_kind", "device_silent"),
    (#""command":"shelve","kind":"device_silent","place":"co3","for_s":5"#, "unknown_device", "co2, relays"),
    (#""command":"shelve","kind":"air_high","place":"co2","for_s":5"#, "unknown_room", "there are none here"),
    (#""command":"shelve","kind":"log_stalled","place":"s","for_s":5"#, "unknown_log", "logs: log"),
    (#""command":"shelve","kind":"device_silent","place":"co2""#, "bad_request", "for_s is required"),
    (#""command":"shelve","kind":"device_silent","place":"co2","for_s":0"#, "bad_request", "for_s: expected more than 0"),
    (#""command":"shelve","kind":"device_silent","place":"co2","for_s":86401"#, "bad_request", "at most 86400"),
    (#""command":"unshelve","place":"co2""#, "bad_request", "kind is required"),
    (#""command":"unshelve","kind":"device_silent""#, "bad_request", "place is required"),
    (#""command":"shelve","kind":"device_silent","place":"co2","for_s":5,"origin":"mqtt""#, "not_allowed", "MQTT"),
    (#""command":"contact_reading","ticket":1,"celsius":38,"site":"nose""#, "bad_request", "axilla, ear"),
    (#""command":"credential","lane":"南门","verdict":"maybe""#, "bad_request", "passed or failed"),
    (#""command":"beat""#, "not_supported", "beat"),
    (#""command":"confirm""#, "not_supported", "confirm"),
    (#""command":"open_sesame""#, "bad_request", "unknown command"),
    (#""command":null"#, "bad_request", "command"),
    (#""lane":"南门""#, "bad_request", "command is required"),
    (#""command":"resume","ticket":1,"why":"\#u{5C}u001b[2J""#, "bad_request", "control characters"),
  ])
  func refuses(rest: String, reason: String, words: String) {
    let refusal = refusal(rest)
    #expect(refusal?.reason == reason)
    #expect(words.isEmpty || refusal?.message.contains(words) == true, "\(refusal?.message ?? "accepted")")
  }

  @Test func refusesNamesThatDoNotFit() {
    #expect(refusal(#""command":"resume","ticket":1,"who":"\#(String(repeating: "张", count: 32))""#) == nil)
    let long = refusal(#""command":"resume","ticket":1,"who":"\#(String(repeating: "张", count: 33))""#)
    #expect(long?.message == "who: at most 96 bytes of UTF-8, found 99")
    #expect(refusal(#""command":"resume","ticket":1"#, id: "17")?.message == "id: expected a UUID")
  }

  @Test func idsSurviveTheirTrip() throws {
    for _ in 0..<100 {
      let uuid = UUID()
      #expect(CommandID(uuid).uuid == uuid)
    }
  }
}
