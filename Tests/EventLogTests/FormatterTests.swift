// What is written of every kind of event: it follows the schema, the schema and docs/events.md know the same types and
// words as the code, no body holds a temperature of a person, and the personal rows' hashes are right.

import Crypto
import Domain
import Foundation
import Testing

@testable import EventLog

@Suite struct FormatterTests {
  private func formatted(_ body: EventBody, personal: Personal = .none, seed: UInt64 = 3) -> FormattedEvent {
    var random = Seeded(seed)
    let formatter = EventLog.Formatter(names: names, random: &random)
    let at = Now(boot: Instant(ns: 9), wall: 1_795_392_912_123_456_789, utcOffset: 28_800)
    return formatter.format(
      Event(counter: 12, at: at, source: .lane(LaneID(0)), body: body, personal: personal), random: &random)
  }

  private func schema() throws -> Schema { Schema(root: try Value.read(Data(try document("event.schema.json").utf8))) }

  @Test func everyKindIsTried() {
    #expect(Set(everyBody.map(kind)) == Set(0...52))
  }

  @Test func everyEventFollowsTheSchemaAndIsCanonical() throws {
    let schema = try schema()
    for body in everyBody {
      for personal in [Personal.none, warm] {
        guard isScreening(body) || personal.estimate.isNaN else { continue }
        let event = formatted(body, personal: personal)
        let bytes = Data(event.body)
        for (seq, rows) in [(12, event.personal), (nil, event.personal), (12, [])] as [(Int64?, [PersonalRow])] {
          let whole = delivered(bytes, seq: seq, personal: rows.map { Data($0.content) })
          #expect(schema.problems(try Value.read(whole)) == [], "\(String(decoding: whole, as: UTF8.self))")
        }
        let again = try JSONSerialization.data(
          withJSONObject: JSONSerialization.jsonObject(with: bytes), options: [.sortedKeys, .withoutEscapingSlashes])
        #expect(try Value.read(again) == Value.read(bytes))
        #expect(try Value.read(bytes)["type"]?.text == event.type)
        #expect(try Value.read(bytes)["stream"]?.text == event.stream.name)
      }
    }
  }

  @Test(arguments: [(0.0, "[]"), (5, "[1,3]"), (2_147_483_648, "[32]")])
  func channelsAreListed(mask: Double, list: String) {
    let reading = Reading(
      device: DeviceID(0), field: 1, use: .relays, unit: .channels, quality: .good, at: Instant(ns: 0), decoded: mask)
    #expect(String(decoding: formatted(.reading(reading)).body, as: UTF8.self).contains("\"value\":\(list)}"))
  }

  @Test func aStartSaysWhoAnswersForTheSite() {
    let body = String(decoding: formatted(.systemStarted(restored: true, downSeconds: 4)).body, as: UTF8.self)
    #expect(body.contains(#""responsible":"Li Na","restored":true,"roles":[{"name":"Wang Fang","role":"doctor"}]"#))
  }

  @Test func theSchemaRefusesWhatIsWrong() throws {
    let schema = try schema()
    let right = delivered(Data(formatted(raised).body), seq: 3, personal: [])
    #expect(schema.problems(try Value.read(right)) == [])
    for (old, new) in [
      ("\"high\"", "\"urgent\""), ("\"occurrence\":1", "\"occurrence\":\"1\""), ("\"kind\"", "\"sort\""), ("alarm.raised", "alarm.risen"),
      ("\"seq\":3", "\"seq\":0"), ("\"durable\":true", "\"durable\":false"), ("\"records\"", "\"telemetry\""), ("+08:00", "Z"),
    ] {
      let text = String(decoding: right, as: UTF8.self).replacing("\"medium\"", with: "\"high\"")
      let wrong = text.replacing(old, with: new)
      #expect(wrong != text)
      #expect(schema.problems(try Value.read(Data(wrong.utf8))) != [], "\(wrong)")
    }
  }

  @Test func codeSchemaAndPageKnowTheSameTypes() throws {
    let written = Set(everyBody.map { formatted($0).type })
    #expect(try schema().types == written)
    #expect(Set(EventLog.Formatter.typeNames.map { "gatehouse." + $0 }) == written)
    let page = try document("events.md")
    let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") && $0.split(separator: "|").count >= 4 }
    let documented = rows.compactMap { row -> (String, String)? in
      let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard Domain.Stream.allCases.contains(where: { $0.name == cells[1] }) else { return nil }
      return ("gatehouse." + cells[0].replacing("`", with: ""), cells[1])
    }
    #expect(Set(documented.map(\.0)) == written)
    for (type, stream) in documented {
      #expect(everyBody.contains { formatted($0).type == type && formatted($0).stream.name == stream }, "\(type) in \(stream)")
    }
  }

  /// Every member of `data` and every word of a list in the schema stands in the page, and the page's words in the schema.
  @Test func thePageNamesEveryMemberAndWord() throws {
    let page = try document("events.md")
    func words(_ schema: Value) -> Set<String> {
      var found = Set(schema["enum"]?.items.compactMap(\.text) ?? [])
      for (name, rule) in schema["properties"]?.members ?? [:] { found.formUnion(words(rule).union([name])) }
      for part in schema["oneOf"]?.items ?? [] { found.formUnion(words(part)) }
      return found
    }
    let definitions = try #require(try schema().root["$defs"]).members
    for (name, definition) in definitions where !["unit", "use"].contains(name) {
      for word in words(definition) { #expect(page.contains("`\(word)`"), "\(name): \(word)") }
    }
    for (list, expected) in [
      ("alarm_kind", AlarmKind.allCases.map(\.name)), ("alarm_state", AlarmState.allCases.map(\.name)),
      ("priority", Priority.allCases.map(\.name)), ("lane_state", LaneState.allCases.map(\.name)),
      ("screening_state", ScreeningState.allCases.map(\.name)), ("screening_reason", ScreeningReason.allCases.map(\.name)),
      ("signal_proof", SignalProof.allCases.map(\.name)), ("statistics_period", StatisticsPeriod.allCases.map(\.name)), ("release_cause", ReleaseCause.allCases.map(\.name)), ("origin", Origin.allCases.map(\.name)),
      ("refusal", Refusal.allCases.map(\.name)), ("unit", Unit.allCases.map(\.symbol)), ("use", Use.allCases.map(\.name)),
      ("reason", Reason.allCases.map(\.name)), ("port_failure", PortFailure.allCases.map(\.name)),
      ("air_cause", AirCause.allCases.map(\.name)), ("ventilation_method", VentilationMethod.allCases.map(\.name)),
      ("ventilation_effect", VentilationEffect.allCases.map(\.name)), ("slot", Slot.allCases.map(\.name)),
      ("slot_verdict", SlotVerdict.allCases.map(\.name)),
      ("down_reason", DownReason.allCases.map(\.name)), ("loss", Loss.allCases.map(\.name)),
      ("case_cause", CaseCause.allCases.map(\.name)), ("case_step", CaseStep.allCases.map(\.name)),
      ("disinfection_method", DisinfectionMethod.allCases.map(\.name)),
    ] {
      #expect(Set(definitions[list]?["enum"]?.items.compactMap(\.text) ?? []) == Set(expected), "\(list)")
    }
  }

  @Test func theExamplesFollowTheSchema() throws {
    let schema = try schema()
    let lines = try document("events.md").split(separator: "\n").filter { $0.hasPrefix("{") }
    var types: Set<String> = []
    for line in lines {
      let example = try Value.read(Data(line.utf8))
      #expect(schema.problems(example) == [], "\(line)")
      types.insert(example["type"]?.text ?? "")
    }
    #expect(types == schema.types)
  }

  @Test func noBodyHoldsAPersonalValue() throws {
    for body in everyBody where isScreening(body) {
      let event = formatted(body, personal: Personal(surface: 35.17, ambient: 21.93, estimate: 38.46))
      let text = String(decoding: event.body, as: UTF8.self)
      for value in ["35.17", "21.93", "38.46"] { #expect(!text.contains(value), "\(text)") }
      #expect(event.personal.map(\.kind) == [.day, .month])
    }
    // A contact reading's degrees are a person's too, and the command that brings them is in the log.
    for body in everyBody { #expect(!String(decoding: formatted(body).body, as: UTF8.self).contains("38.15")) }
  }

  @Test func thePersonalRowsFitTheirHashes() throws {
    let event = formatted(passed, personal: warm)
    let hashes = try Value.read(Data(event.body))["data"]?["personal_hashes"]
    for row in event.personal {
      #expect(row.salt.count == 16)
      let digest = SHA256.hash(data: row.salt + row.content).map { String(format: "%02x", $0) }.joined()
      #expect(hashes?[row.kind.rawValue]?.text == digest)
    }
    #expect(event.personal.map { String(decoding: $0.content, as: UTF8.self) } == [
      "{\"ambient_c\":22.5,\"surface_c\":34.4}", "{\"estimate_c\":36.7}",
    ])
    // Who it is lies beside the estimate, never in the body.
    var known = warm
    known.token = Token(high: 1, low: 0x2a)
    let named = formatted(passed, personal: known)
    let content = named.personal.map { String(decoding: $0.content, as: UTF8.self) }
    #expect(content[1] == "{\"estimate_c\":36.7,\"token\":\"0000000000000001000000000000002a\"}")
    #expect(!String(decoding: named.body, as: UTF8.self).contains("0000000000000001"))
    let whole = delivered(Data(named.body), seq: 1, personal: named.personal.map { Data($0.content) })
    #expect(try schema().problems(try Value.read(whole)) == [])
    // Only what was measured has a row, and every row a salt of its own.
    let part = formatted(passed, personal: Personal(surface: .nan, ambient: .nan, estimate: 36.7))
    #expect(part.personal.map(\.kind) == [.month])
    #expect(formatted(passed, personal: warm, seed: 4).personal[1].hash != event.personal[1].hash)
  }

  @Test func theSameStartAndSeedGiveTheSameBytes() {
    #expect(formatted(passed, personal: warm).body == formatted(passed, personal: warm).body)
    #expect(formatted(passed).id.hasSuffix("-12"))
    #expect(formatted(passed).id.count == 32 + 3)
    #expect(formatted(passed, seed: 3).id != formatted(passed, seed: 4).id)
  }

  @Test func whatAnswersACommandSaysSo() throws {
    let body = try #require(everyBody.first { if case .commandAnswered = $0 { true } else { false } })
    #expect(formatted(body).answers?.command == CommandID(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff))
    #expect(formatted(plain).answers == nil)
  }
}

/// A body that temperatures of a person may go with.
private func isScreening(_ body: EventBody) -> Bool {
  if case .caseStep(.opened, _, _, _) = body { return true }
  return (10...14).contains(kind(body))
}
