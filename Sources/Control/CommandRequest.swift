// A command as it comes over the socket, and how it becomes one the pipeline takes: names become indices, text becomes
// fixed in size, times get their bounds. What can't be understood is refused here, with words, and never reaches the
// pipeline. Unknown keys are refused too: a command with a key that was not understood is not the command that was meant.

public import Domain
public import Foundation

/// What a client asks for: one JSON object. `lane` goes with `prove`, `reset_average` and `credential`, which also takes `verdict`; `lane` or
/// `ticket` with `override`; `ticket` with `allow`, `resume`, which may name a `lane`, and `contact_reading`, which also takes
/// `celsius` and may name a `site`; `occurrence` with `acknowledge`, `unacknowledge` and `clear`; `kind` and `place` of an alarm with
/// `shelve`, which also takes `for_s`, `unshelve`, `take_out_of_service` and `return_to_service`; `device`, `write` and, where it takes one, `value`
/// with `write`. `place` (a lane, a room, or `site`) goes with `open_case`, `begin_incident` and `end_incident`; `case`, `step`
/// and, where the step has one, `room` with `advance_case`; `room`, `method`, `minutes` and `minutes_ago` with `disinfected`, whose
/// `why` names the agent; `item` with `attest`. `room` goes with sessions,
/// ventilations and `occupants`, which also takes `people`. `id` and `command` are always there.
public struct CommandRequest: Codable, Sendable, Equatable {
  public var id: String
  public var command: String
  public var lane: String?
  public var people: UInt16?
  public var ticket: UInt32?
  public var occurrence: UInt32?
  /// What an alarm is and where, as its event says.
  public var kind: String?
  public var place: String?
  /// How long an alarm is shelved, seconds.
  public var shelvedFor: Double?
  /// degC, by contact thermometer.
  public var celsius: Double?
  /// Where it measured: `axilla`, unless said, or `ear`.
  public var site: String?
  /// `passed` or `failed`.
  public var verdict: String?
  public var device: String?
  /// As the device's profile names it.
  public var write: String?
  /// In the profile's unit.
  public var value: Double?
  public var room: String?
  /// The number of an open case.
  public var caseNumber: UInt32?
  public var step: String?
  public var method: String?
  public var minutes: UInt16?
  public var minutesAgo: UInt16?
  /// Of the checklist, or an isolation room.
  public var item: String?
  /// Seconds after `issued` in which it may still be carried out.
  public var goodFor: Double?
  /// Nanoseconds on this machine's boot clock; absent: when the line arrived.
  public var issued: Int64?
  public var who: String?
  public var why: String?
  public var origin: String?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case id, command, lane, ticket, occurrence, kind, place, celsius, site, verdict, device, write, value, who, why, origin
    case room, people, step, method, minutes, item
    case shelvedFor = "for_s"
    case caseNumber = "case"
    case minutesAgo = "minutes_ago"
    case goodFor = "good_for_s"
    case issued = "issued_boot_ns"
  }

  public init(
    id: UUID, action: Action, lane: String? = nil, place: String? = nil, device: String? = nil, write: String? = nil,
    room: String? = nil, item: String? = nil, goodFor: Double? = nil, issued: Instant? = nil, who: String? = nil, why: String? = nil,
    origin: Origin = .commandLine
  ) {
    self.id = id.uuidString.lowercased()
    command = action.name
    self.lane = lane
    self.device = device
    self.write = write
    self.place = place
    self.room = room
    self.item = item
    self.goodFor = goodFor
    self.issued = issued?.ns
    self.who = who
    self.why = why
    self.origin = origin.name
    switch action {
    case .acknowledge(let number), .unacknowledge(let number), .clear(let number): occurrence = number
    case .shelve(let alarm, let time):
      kind = alarm.kind.name
      shelvedFor = time.seconds
    case .unshelve(let alarm), .takeOutOfService(let alarm), .returnToService(let alarm): kind = alarm.kind.name
    case .overrideLane, .resetAverage, .prove, .startSession, .endSession, .ventilation, .openSite, .closeSite, .openCase, .beginIncident, .endIncident, .attest: break
    case .advanceCase(let number, let step, _):
      caseNumber = number
      self.step = step.name
    case .disinfected(_, let method, let minutes, let ago):
      self.method = method.name
      self.minutes = minutes
      minutesAgo = ago
    case .occupants(_, let number): people = number
    case .resume(let number), .resumeAt(let number, _), .overrideTicket(let number), .allow(let number), .openCaseOf(let number): ticket = number
    case .contactReading(let number, let value, let place):
      ticket = number
      celsius = value
      site = place.name
    case .credential(_, let passed): verdict = passed ? "passed" : "failed"
    case .credentialOf(let number, let passed):
      ticket = number
      verdict = passed ? "passed" : "failed"
    case .write(_, _, let number): value = number.isNaN ? nil : number
    }
  }
}

/// Why a line is no command: answered with `reason` and `message`.
package struct BadRequest: Error, Equatable {
  package var reason: String
  package var message: String

  package init(reason: String, message: String) {
    self.reason = reason
    self.message = message
  }

  static func bad(_ message: String) -> BadRequest { BadRequest(reason: "bad_request", message: message) }
}

extension CommandRequest {
  /// Gate commands are good for 3 s at most (design: one table of times); others for an hour at most, 60 s by default.
  static let gateGoodForMax = 3.0
  static let goodForMax = 3600.0
  /// What was meant for a device now is not meant for it in an hour.
  static let writeGoodForMax = 10.0
  static let goodForDefault = 60.0
  /// A day: what may be shelved at all is the settings' business.
  static let shelvedForMax = 86_400.0

  /// Reads one line that is known to be JSON in UTF-8.
  package init(line: Data) throws(BadRequest) {
    let keys: [String: Anything]
    do { keys = try JSONDecoder().decode([String: Anything].self, from: line) } catch {
      throw .bad(JSONLine.describe(error))
    }
    let known = CodingKeys.allCases.map(\.rawValue)
    if let stranger = keys.keys.sorted().first(where: { !known.contains($0) }) {
      throw .bad("unknown key \"\(stranger.prefix(40))\"; known are \(known.sorted().joined(separator: ", "))")
    }
    do { self = try JSONDecoder().decode(CommandRequest.self, from: line) } catch {
      throw .bad(JSONLine.describe(error))
    }
  }

  /// The id alone, for answers to lines that are otherwise wrong.
  static func id(of line: Data) -> String? {
    struct OnlyID: Decodable { var id: String }
    guard let id = (try? JSONDecoder().decode(OnlyID.self, from: line))?.id else { return nil }
    return UUID(uuidString: id) == nil ? nil : id.lowercased()
  }

  /// The command for the pipeline.
  package func checked(names: Names, actor: Text, now: Instant) throws(BadRequest) -> Command {
    guard let uuid = UUID(uuidString: id) else { throw .bad("id: expected a UUID") }
    let action = try self.action(names)
    let longest =
      switch action {
      case .overrideLane, .overrideTicket, .contactReading, .credential, .credentialOf: Self.gateGoodForMax
      // Whoever orders it stands there to see it.
      case .write, .prove: Self.writeGoodForMax
      case .acknowledge, .unacknowledge, .clear, .resume, .resumeAt, .allow, .resetAverage: Self.goodForMax
      case .shelve, .unshelve, .takeOutOfService, .returnToService: Self.goodForMax
      case .openSite, .closeSite, .openCase, .openCaseOf, .advanceCase, .beginIncident, .endIncident, .disinfected, .attest: Self.goodForMax
      // Who is told that a session begins must be able to say so then, not in an hour.
      case .startSession, .endSession, .ventilation, .occupants: Self.goodForDefault
      }
    let seconds = goodFor ?? min(longest, Self.goodForDefault)
    guard seconds > 0, seconds <= longest else {
      throw .bad("good_for_s: expected more than 0 and at most \(Int(longest)) for \(command)")
    }
    var from: Origin?
    for candidate in Origin.allCases where candidate.name == origin ?? Origin.commandLine.name { from = candidate }
    guard let from else {
      throw .bad("origin: expected one of \(Origin.allCases.map(\.name).joined(separator: ", "))")
    }
    if from == .mqtt, case .acknowledge = action {} else if from == .mqtt {
      throw BadRequest(reason: "not_allowed", message: "MQTT may acknowledge alarms and nothing else")
    }
    return Command(
      id: CommandID(uuid), action: action, issued: min(issued.map(Instant.init(ns:)) ?? now, now),
      goodFor: Interval(ns: Int64(seconds * 1e9)), origin: from, actor: actor, claimed: try text(who, "who"),
      why: try text(why, "why"))
  }

  private func action(_ names: Names) throws(BadRequest) -> Action {
    switch command {
    case "acknowledge": return .acknowledge(occurrence: try require(occurrence, "occurrence"))
    case "unacknowledge": return .unacknowledge(occurrence: try require(occurrence, "occurrence"))
    case "shelve":
      let seconds = try require(shelvedFor, "for_s")
      guard seconds > 0, seconds <= Self.shelvedForMax else {
        throw .bad("for_s: expected more than 0 and at most \(Int(Self.shelvedForMax))")
      }
      return .shelve(try alarm(names), for: Interval(ns: Int64(seconds * 1e9)))
    case "unshelve": return .unshelve(try alarm(names))
    case "take_out_of_service": return .takeOutOfService(try alarm(names))
    case "return_to_service": return .returnToService(try alarm(names))
    case "clear": return .clear(occurrence: try require(occurrence, "occurrence"))
    case "resume":
      let ticket = try require(ticket, "ticket")
      guard let lane else { return .resume(ticket: ticket) }
      return .resumeAt(ticket: ticket, LaneID(try find(lane, in: names.lanes, "lane")))
    case "contact_reading":
      let sites = ContactSite.allCases.map(\.name)
      guard let place = sites.firstIndex(of: site ?? ContactSite.axilla.name) else {
        throw .bad("site: expected one of \(sites.joined(separator: ", "))")
      }
      return .contactReading(
        ticket: try require(ticket, "ticket"), celsius: try require(celsius, "celsius"), site: ContactSite.allCases[place])
    case "credential":
      let word = try require(verdict, "verdict")
      guard word == "passed" || word == "failed" else { throw .bad("verdict: expected passed or failed") }
      if lane == nil, let ticket { return .credentialOf(ticket: ticket, passed: word == "passed") }
      return .credential(LaneID(try find(try require(lane, "lane"), in: names.lanes, "lane")), passed: word == "passed")
    case "allow": return .allow(ticket: try require(ticket, "ticket"))
    case "override" where lane == nil && ticket != nil: return .overrideTicket(try require(ticket, "ticket"))
    case "override":
      let index = try find(try require(lane, "lane"), in: names.lanes, "lane")
      return .overrideLane(LaneID(index))
    case "reset_average":
      return .resetAverage(LaneID(try find(try require(lane, "lane"), in: names.lanes, "lane")))
    case "prove": return .prove(LaneID(try find(try require(lane, "lane"), in: names.lanes, "lane")))
    case "session_start": return .startSession(try self.room(names))
    case "session_end": return .endSession(try self.room(names))
    case "ventilation_begin": return .ventilation(try self.room(names), begins: true)
    case "ventilation_end": return .ventilation(try self.room(names), begins: false)
    case "occupants": return .occupants(try self.room(names), try require(people, "people"))
    case "write":
      let index = try find(try require(device, "device"), in: names.devices, "device")
      let writes = names.writes.indices.contains(index) ? names.writes[index] : []
      return .write(
        DeviceID(index), UInt8(clamping: try find(try require(write, "write"), in: writes, "write")), value: value ?? .nan)
    case "open_site": return .openSite
    case "close_site": return .closeSite
    case "open_case" where place == nil && ticket != nil: return .openCaseOf(ticket: try require(ticket, "ticket"))
    case "open_case": return .openCase(try placeNamed(names, orSite: false))
    case "advance_case":
      let text = try require(step, "step")
      guard let known = CaseStep.allCases.first(where: { $0.name == text }), known.name != CaseStep.opened.name else {
        throw .bad("step: expected one of \(CaseStep.allCases.dropFirst().map(\.name).joined(separator: ", "))")
      }
      var index = 0
      switch known {
      case .isolated, .roomAdded: index = try find(try require(room, "room"), in: names.rooms, "room")
      default: break
      }
      return .advanceCase(number: try require(caseNumber, "case"), known, room: RoomID(index))
    case "begin_incident": return .beginIncident(try placeNamed(names, orSite: true))
    case "end_incident": return .endIncident(try placeNamed(names, orSite: true))
    case "disinfected":
      let text = try require(method, "method")
      guard let known = DisinfectionMethod.allCases.first(where: { $0.name == text }) else {
        throw .bad("method: expected one of \(DisinfectionMethod.allCases.map(\.name).joined(separator: ", "))")
      }
      let index = try find(try require(room, "room"), in: names.rooms, "room")
      return .disinfected(RoomID(index), known, minutes: try require(minutes, "minutes"), minutesAgo: minutesAgo ?? 0)
    case "attest": return .attest(item: UInt8(clamping: try find(try require(item, "item"), in: names.items, "item")))
    case "beat", "confirm":
      throw BadRequest(reason: "not_supported", message: "this door does not watch a desk yet: \(command) has no effect")
    default:
      throw .bad("unknown command \"\(command.prefix(40))\"")
    }
  }

  private func alarm(_ names: Names) throws(BadRequest) -> AlarmID {
    let word = try require(kind, "kind")
    let kinds = AlarmKind.allCases
    let kind = kinds[try find(word, in: kinds.map(\.name), "kind")]
    let place = try require(self.place, "place")
    switch kind.scope {
    case .lane: return AlarmID(kind, at: .lane(LaneID(try find(place, in: names.lanes, "lane"))))
    case .room: return AlarmID(kind, at: .room(RoomID(try find(place, in: names.rooms, "room"))))
    case .device: return AlarmID(kind, at: .device(DeviceID(try find(place, in: names.devices, "device"))))
    case .port: return AlarmID(kind, at: .port(PortID(try find(place, in: names.ports, "port"))))
    case .log: return AlarmID(kind, at: [.log][try find(place, in: ["log"], "log")])
    case .site: return AlarmID(kind, at: [.site][try find(place, in: [names.site], "site")])
    }
  }

  /// A lane, a room or, where that can be, the whole site.
  private func placeNamed(_ names: Names, orSite: Bool) throws(BadRequest) -> Place {
    let name = try require(place, "place")
    if orSite, name == "site" || name == names.site { return .site }
    if let lane = names.lanes.firstIndex(of: name) { return .lane(LaneID(lane)) }
    if let room = names.rooms.firstIndex(of: name) { return .room(RoomID(room)) }
    let known = (orSite ? ["site"] : []) + names.lanes + names.rooms
    throw BadRequest(
      reason: "unknown_place", message: "there is no lane and no room \"\(name.prefix(96))\"; places: \(known.joined(separator: ", "))")
  }

  private func room(_ names: Names) throws(BadRequest) -> RoomID {
    RoomID(try find(try require(room, "room"), in: names.rooms, "room"))
  }

  private func find(_ name: String, in known: [String], _ what: String) throws(BadRequest) -> Int {
    if let index = known.firstIndex(of: name) { return index }
    let list = known.isEmpty ? "there are none here" : "\(what)s: \(known.joined(separator: ", "))"
    throw BadRequest(reason: "unknown_\(what)", message: "there is no \(what) \"\(name.prefix(96))\"; \(list)")
  }

  private func require<Value>(_ value: Value?, _ key: String) throws(BadRequest) -> Value {
    guard let value else { throw .bad("\(key) is required for \(command)") }
    return value
  }

  /// Fixed in size, and without control characters: these texts end up on terminals.
  private func text(_ string: String?, _ key: String) throws(BadRequest) -> Text {
    guard let string else { return Text() }
    if string.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
      throw .bad("\(key): control characters are not allowed")
    }
    guard let text = Text(string) else {
      throw .bad("\(key): at most 96 bytes of UTF-8, found \(string.utf8.count)")
    }
    return text
  }
}
