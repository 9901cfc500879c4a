// From what the pipeline says to the bytes the log keeps: a CloudEvent without `seq`, `durable` and personal values.
// The personal values go into rows of their own, each with its salt; the body holds one hash a row.

import Crypto
public import Domain

/// How long a personal row is kept. Its name is the key of its hash in the body.
public enum PersonalKind: String, Sendable, CaseIterable {
  /// Raw surface and ambient temperature: 24 h.
  case day
  /// The body estimate and the identity: 30 days.
  case month
}

/// One personal row of one event.
public struct PersonalRow: Sendable, Equatable {
  public var kind: PersonalKind
  /// 16 random bytes.
  public var salt: [UInt8]
  /// Canonical JSON of the values, degC.
  public var content: [UInt8]

  /// What the body holds: SHA-256 over salt and content.
  public var hash: [UInt8] { sha256(salt + content) }
}

func sha256(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }

/// One event, ready to be kept.
public struct FormattedEvent: Sendable {
  public var id: String
  public var stream: Domain.Stream
  public var type: String
  /// Nanoseconds since 1970-01-01 UTC.
  public var wall: Int64
  /// Counts within its start of the door.
  public var counter: UInt64
  /// It reaches the disk together with a snapshot that contains it.
  public var changesState: Bool
  public var body: [UInt8]
  public var personal: [PersonalRow]
  /// The command this event answers, if it does.
  public var answers: AnsweredBy?
}

/// Which command an event answers, and how.
public struct AnsweredBy: Sendable {
  public var command: CommandID
  public var answer: Answer
  /// What a refused command lacks, by name.
  public var missing: String?
}

/// Formats the events of one start of the door.
public struct Formatter: Sendable {
  public let names: Names
  /// 128 random bits, 32 hex digits.
  public let startID: String

  public init(names: Names, random: inout some RandomNumberGenerator) {
    self.names = names
    startID = hex((0..<16).map { _ in UInt8.random(in: 0...255, using: &random) })
  }

  /// The body and the personal rows of `event`; salts come from `random`.
  public func format(_ event: Event, random: inout some RandomNumberGenerator) -> FormattedEvent {
    var rows: [PersonalRow] = []
    func add(_ kind: PersonalKind, _ values: [String: Double], identity: Token = .none) {
      var known = values.filter { $0.value.isFinite }.mapValues { JSON.number($0) }
      if !identity.isNone { known["token"] = .string(identity.text) }
      if known.isEmpty { return }
      let salt = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
      rows.append(PersonalRow(kind: kind, salt: salt, content: JSON.object(known).canonical))
    }
    let measured = event.personal
    add(
      .day,
      [
        "surface_c": measured.surface, "ambient_c": measured.ambient, "site_offset_c": measured.siteOffset,
        "device_offset_c": measured.deviceTerm, "ambient_term_c": measured.ambientTerm, "reference_term_c": measured.referenceTerm,
        "relative_limit_c": measured.limit,
      ])
    add(.month, ["estimate_c": event.personal.estimate], identity: event.personal.token)

    var data = members(of: event.body, utcOffset: event.at.utcOffset)
    if case .systemStarted = event.body { addRoles(to: &data) }
    if case .room(let room) = event.source { addRoom(Int(room.index), to: &data, of: event.body) }
    if !rows.isEmpty {
      data["personal_hashes"] = .object(
        Dictionary(uniqueKeysWithValues: rows.map { ($0.kind.rawValue, JSON.string(hex($0.hash))) }))
    }
    let id = "\(startID)-\(event.counter)"
    let type = "gatehouse." + typeName(of: event.body)
    let body = JSON.object([
      "specversion": .string("1.0"), "id": .string(id), "source": .string(path(of: event.source)), "type": .string(type),
      "time": .string(timeText(wall: event.at.wall, utcOffset: event.at.utcOffset)),
      "stream": .string(event.body.stream.name), "datacontenttype": .string("application/json"), "data": .object(data),
    ]).canonical
    return FormattedEvent(
      id: id, stream: event.body.stream, type: type, wall: event.at.wall, counter: event.counter,
      changesState: event.body.changesState, body: body, personal: rows, answers: answer(in: event.body))
  }

  private func answer(in body: EventBody) -> AnsweredBy? {
    guard case .commandAnswered(let command, let answer) = body else { return nil }
    var missing: String?
    if case .refusedFor(_, let what) = answer { missing = text(of: what) }
    return AnsweredBy(command: command.id, answer: answer, missing: missing)
  }

  private func name(_ list: [String], _ index: UInt16) -> String {
    list.indices.contains(Int(index)) ? list[Int(index)] : "\(index)"
  }

  /// `/site`, `/site/log` or `/site/place`.
  func path(of place: Place) -> String {
    switch place {
    case .site: "/" + names.site
    case .log: "/\(names.site)/log"
    case .lane(let lane): "/\(names.site)/" + name(names.lanes, lane.index)
    case .room(let room): "/\(names.site)/" + name(names.rooms, room.index)
    case .device(let device): "/\(names.site)/" + name(names.devices, device.index)
    case .port(let port): "/\(names.site)/" + name(names.ports, port.index)
    }
  }

  /// Without `gatehouse.` in front.
  package func typeName(of body: EventBody) -> String {
    switch body {
    case .systemStarted: "system.started"
    case .systemStopping: "system.stopping"
    case .clockStepped: "clock.stepped"
    case .portOpened: "port.opened"
    case .portLost: "port.lost"
    case .deviceUp: "device.up"
    case .deviceDown: "device.down"
    case .deviceStillDown: "device.still_down"
    case .reading: "reading"
    case .laneChanged: "lane.changed"
    case .laneStatistics: "lane.statistics"
    case .laneProof(.proven, _, _): "lane.proven"
    case .laneProof(.failed, _, _): "lane.proof_failed"
    case .laneProof(.interrupted, _, _): "lane.proof_interrupted"
    case .screeningBegan: "screening.began"
    case .screeningPassed: "screening.passed"
    case .screeningDenied: "screening.denied"
    case .screeningResumed: "screening.resumed"
    case .screeningAbandoned: "screening.abandoned"
    case .screeningIsolated: "screening.isolated"
    case .gateOpened: "gate.opened"
    case .gateShut: "gate.shut"
    case .gateReleased: "gate.released"
    case .gateReturned: "gate.returned"
    case .passage: "passage"
    case .alarmRaised: "alarm.raised"
    case .alarmRepeated: "alarm.repeated"
    case .alarmAcknowledged: "alarm.acknowledged"
    case .alarmUnacknowledged: "alarm.unacknowledged"
    case .alarmEscalated: "alarm.escalated"
    case .alarmSuppressed: "alarm.suppressed"
    case .alarmUnsuppressed: "alarm.unsuppressed"
    case .alarmCleared: "alarm.cleared"
    case .air: "room.air"
    case .policyChanged: "policy.changed"
    case .caseStep(let step, _, _, _): "case.\(step.name)"
    case .roomLocked: "room.locked"
    case .roomFreed: "room.freed"
    case .disinfected: "room.disinfected"
    case .attested: "site.attested"
    case .siteOpened: "site.opened"
    case .siteClosed: "site.closed"
    case .incidentBegan: "incident.began"
    case .incidentEnded: "incident.ended"
    case .roomExcepted: "room.excepted"
    case .ventilationBegan: "ventilation.began"
    case .ventilationEnded: "ventilation.ended"
    case .ventilationJudged: "ventilation.judged"
    case .sessionBegan: "session.began"
    case .sessionEnded: "session.ended"
    case .sessionHeld: "session.held"
    case .commandAnswered(_, .done): "command.done"
    case .commandAnswered(_, .refused), .commandAnswered(_, .refusedFor): "command.refused"
    case .lost: "loss"
    case .writeFailed: "device.write_failed"
    case .written: "device.written"
    }
  }

  /// Every type there is, without `gatehouse.` in front.
  package static let typeNames =
    CaseStep.allCases.map { "case.\($0.name)" } + [
      "system.started", "system.stopping", "clock.stepped", "port.opened", "port.lost", "device.up", "device.down",
      "device.still_down", "reading", "lane.changed", "lane.statistics", "lane.proven", "lane.proof_failed",
      "lane.proof_interrupted", "screening.began", "screening.passed", "screening.denied", "screening.resumed",
      "screening.abandoned", "screening.isolated", "gate.opened", "gate.shut", "gate.released", "gate.returned", "passage",
      "alarm.raised", "alarm.repeated", "alarm.acknowledged", "alarm.unacknowledged", "alarm.escalated",
      "alarm.suppressed", "alarm.unsuppressed", "alarm.cleared", "room.air", "policy.changed", "room.locked", "room.freed",
      "room.disinfected", "site.attested", "site.opened", "site.closed", "incident.began", "incident.ended",
      "room.excepted", "ventilation.began", "ventilation.ended", "ventilation.judged", "session.began", "session.ended",
      "session.held", "command.done", "command.refused", "loss", "device.write_failed", "device.written",
    ]

  func members(of body: EventBody, utcOffset: Int32) -> [String: JSON] {
    switch body {
    case .systemStarted(let restored, let seconds): ["restored": .bool(restored), "down_s": .number(Double(seconds))]
    case .systemStopping, .portOpened, .deviceUp, .gateShut, .gateReturned: [:]
    case .clockStepped(let ns): ["by_s": .number(Double(ns) / 1e9)]
    case .portLost(let failure, let errno): ["reason": .string(failure.name), "errno": .number(Double(errno))]
    case .deviceDown(let reason): ["reason": .string(reason.name)]
    case .deviceStillDown(let seconds, let unanswered):
      ["down_s": .number(Double(seconds)), "unanswered": .number(Double(unanswered))]
    case .reading(let reading): members(of: reading)
    case .laneChanged(let state): ["state": .string(state.name)]
    case .laneStatistics(let fact): members(of: fact)
    case .laneProof(.interrupted, _, _): [:]
    case .laneProof(_, let lamp, let buzzer): ["lamp": .string(lamp.name), "buzzer": .string(buzzer.name)]
    case .screeningBegan(let ticket), .gateOpened(let ticket): ["ticket": .number(Double(ticket))]
    case .screeningPassed(let fact), .screeningDenied(let fact), .screeningResumed(let fact), .screeningAbandoned(let fact),
      .screeningIsolated(let fact):
      members(of: fact)
    case .gateReleased(let cause): ["cause": .string(cause.name)]
    case .passage(let screened): ["screened": .bool(screened)]
    case .alarmRaised(let fact), .alarmRepeated(let fact), .alarmAcknowledged(let fact), .alarmUnacknowledged(let fact),
      .alarmUnsuppressed(let fact), .alarmCleared(let fact):
      members(of: fact)
    case .alarmEscalated(let fact, let level): members(of: fact).merging(["level": .number(Double(level))]) { $1 }
    case .alarmSuppressed(let fact, let until):
      until == 0 ? members(of: fact) : members(of: fact).merging(["until": .string(timeText(wall: until, utcOffset: utcOffset))]) { $1 }
    case .air(let air): members(of: air)
    case .roomExcepted: [:]
    case .ventilationBegan(let fact), .ventilationEnded(let fact): members(of: fact, utcOffset)
    case .ventilationJudged(let fact): members(of: fact, utcOffset)
    case .sessionBegan(let fact), .sessionEnded(let fact), .sessionHeld(let fact): members(of: fact)
    case .policyChanged(let version): ["policy": .number(Double(version))]
    case .caseStep(let step, let fact, let who, let note): members(of: step, fact, who, note)
    case .roomLocked(let number), .roomFreed(let number): ["case": .number(Double(number))]
    case .disinfected(let method, let began, let ended, let who, let agent):
      [
        "method": .string(method.name), "agent": .string(agent.string), "who": .string(who.string),
        "began": .string(timeText(wall: began, utcOffset: utcOffset)), "ended": .string(timeText(wall: ended, utcOffset: utcOffset)),
      ]
    case .attested(let item, let who): ["item": .string(name(names.items, UInt16(item))), "who": .string(who.string)]
    case .siteOpened(let who), .siteClosed(let who): ["who": .string(who.string)]
    case .incidentBegan(let number, let who, let why):
      number > 0
        ? ["case": .number(Double(number)), "who": .string(who.string)] : ["who": .string(who.string), "why": .string(why.string)]
    case .incidentEnded(let who, let why): ["who": .string(who.string), "why": .string(why.string)]
    case .commandAnswered(let command, let answer): members(of: command, answer)
    case .lost(let loss, let count): ["what": .string(loss.name), "count": .number(Double(count))]
    case .writeFailed(let device): ["device": .string(name(names.devices, device.index))]
    case .written(let device, let index):
      ["device": .string(name(names.devices, device.index)), "write": .string(write(device, index))]
    }
  }

  private func members(of fact: ScreeningFact) -> [String: JSON] {
    var data: [String: JSON] = [
      "ticket": .number(Double(fact.ticket)), "attempt": .number(Double(fact.attempt)), "reason": .string(fact.reason.name),
      "next": .string(fact.next.name), "policy": .number(Double(fact.policy)),
    ]
    if let device = fact.device { data["device"] = .string(name(names.devices, device.index)) }
    if fact.calibrated > 0 { data["calibrated"] = .string(dayText(Int64(fact.calibrated))) }
    return data
  }

  private func members(of fact: LaneStatisticsFact) -> [String: JSON] {
    func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }
    let (atLane, withTicket) = (fact.counts.atLane, fact.counts.withTicket)
    var data: [String: JSON] = [
      "period": .string(fact.period.name), "start": .string(timeText(wall: fact.start, utcOffset: fact.utcOffset)),
      "screened": .number(Double(fact.counts.screened)), "busiest_5min": .number(Double(fact.busiest)),
      "measured": .number(Double(fact.counts.measured)), "elevated": .number(Double(fact.counts.elevated)),
      "tickets": .number(Double(withTicket.count)),
    ]
    if atLane.count > 0 { data["lane_longest_s"] = .number(tenths(atLane.longest.seconds)) }
    if withTicket.count > 0 { data["ticket_longest_s"] = .number(tenths(withTicket.longest.seconds)) }
    return finite(
      [
        "lane_mean_s": tenths(atLane.mean), "ticket_mean_s": tenths(withTicket.mean),
        "median_c": (fact.median * 100).rounded() / 100,
      ], data)
  }

  private func members(of fact: AlarmFact) -> [String: JSON] {
    finite(["value": fact.value], [
      "kind": .string(fact.kind.name), "priority": .string(fact.priority.name), "state": .string(fact.state.name),
      "occurrence": .number(Double(fact.occurrence)),
    ])
  }

  private func members(of step: CaseStep, _ fact: CaseFact, _ who: Text, _ note: Text) -> [String: JSON] {
    var data: [String: JSON] = [
      "case": .number(Double(fact.number)), "cause": .string(fact.cause.name), "since_opened_s": .number(Double(fact.seconds)),
      "who": .string(who.string),
    ]
    if fact.ticket > 0 { data["ticket"] = .number(Double(fact.ticket)) }
    if fact.room >= 0 { data["room"] = .string(name(names.rooms, UInt16(truncatingIfNeeded: fact.room))) }
    if !note.isEmpty {
      switch step {
      case .opened: data["symptom"] = .string(note.string)
      case .reported, .handedOver: data["to"] = .string(note.string)
      case .isolated, .contactsListed, .roomAdded, .closed: data["note"] = .string(note.string)
      }
    }
    return data
  }

  private func members(of reading: Reading) -> [String: JSON] {
    let fields = names.fields.indices.contains(Int(reading.device.index)) ? names.fields[Int(reading.device.index)] : []
    var data: [String: JSON] = [
      "device": .string(name(names.devices, reading.device.index)), "field": .string(name(fields, reading.field)),
      "use": .string(reading.use.name), "unit": .string(reading.unit.symbol), "quality": .string(reading.quality.name),
    ]
    // A value that must not be used is not written where one could be read.
    switch reading.quality {
    case .good:
      if case .channels = reading.unit {
        data["value"] = channels(in: reading.decoded).map { .list($0.map { .number(Double($0)) }) }
      } else {
        data = finite(["value": reading.decoded], data)
      }
    case .invalid(let reason): data["reason"] = .string(reason.name)
    }
    return data
  }

  private func members(of command: Command, _ answer: Answer) -> [String: JSON] {
    func padded(_ word: UInt64) -> String { hex((0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) }) }
    var data: [String: JSON] = [
      "id": .string(padded(command.id.high) + padded(command.id.low)), "command": .string(command.action.name),
      "origin": .string(command.origin.name), "actor": .string(command.actor.string),
    ]
    if !command.claimed.isEmpty { data["claimed"] = .string(command.claimed.string) }
    if !command.why.isEmpty { data["why"] = .string(command.why.string) }
    switch answer {
    case .done: break
    case .refused(let refusal): data["reason"] = .string(refusal.name)
    case .refusedFor(let refusal, let missing):
      data["reason"] = .string(refusal.name)
      data["missing"] = .string(text(of: missing))
    }
    switch command.action {
    case .acknowledge(let occurrence), .unacknowledge(let occurrence), .clear(let occurrence):
      data["occurrence"] = .number(Double(occurrence))
    case .shelve(let alarm, let time):
      data.merge(members(of: alarm)) { $1 }
      data["for_s"] = .number(time.seconds)
    case .unshelve(let alarm), .takeOutOfService(let alarm), .returnToService(let alarm): data.merge(members(of: alarm)) { $1 }
    case .overrideLane(let lane), .resetAverage(let lane), .prove(let lane): data["lane"] = .string(name(names.lanes, lane.index))
    case .openSite, .closeSite: break
    case .openCase(let place), .beginIncident(let place), .endIncident(let place): data["place"] = .string(placeName(place))
    case .advanceCase(let number, let step, let room):
      data["case"] = .number(Double(number))
      data["step"] = .string(step.name)
      switch step {
      case .isolated, .roomAdded: data["room"] = .string(name(names.rooms, room.index))
      default: break
      }
    case .disinfected(let room, let method, let minutes, let ago):
      data["room"] = .string(name(names.rooms, room.index))
      data["method"] = .string(method.name)
      data["minutes"] = .number(Double(minutes))
      if ago > 0 { data["minutes_ago"] = .number(Double(ago)) }
    case .attest(let item): data["item"] = .string(name(names.items, UInt16(item)))
    case .startSession(let room), .endSession(let room), .ventilation(let room, _):
      data["room"] = .string(name(names.rooms, room.index))
    case .occupants(let room, let people):
      data["room"] = .string(name(names.rooms, room.index))
      data["people"] = .number(Double(people))
    case .write(let device, let index, let value):
      data["device"] = .string(name(names.devices, device.index))
      data["write"] = .string(write(device, index))
      if value.isFinite { data["value"] = .number(value) }
    case .resume(let ticket), .overrideTicket(let ticket), .allow(let ticket), .openCaseOf(let ticket): data["ticket"] = .number(Double(ticket))
    case .resumeAt(let ticket, let lane):
      data["ticket"] = .number(Double(ticket))
      data["lane"] = .string(name(names.lanes, lane.index))
    // A contact reading's degrees are a person's: they never enter a body.
    case .contactReading(let ticket, _, let site):
      data["ticket"] = .number(Double(ticket))
      data["site"] = .string(site.name)
    case .credential(let lane, let passed):
      data["lane"] = .string(name(names.lanes, lane.index))
      data["verdict"] = .string(passed ? "passed" : "failed")
    case .credentialOf(let ticket, let passed):
      data["ticket"] = .number(Double(ticket))
      data["verdict"] = .string(passed ? "passed" : "failed")
    }
    return data
  }

  private func members(of alarm: AlarmID) -> [String: JSON] {
    let place = path(of: alarm.place).split(separator: "/").last.map(String.init) ?? names.site
    return ["kind": .string(alarm.kind.name), "place": .string(place)]
  }

  private func placeName(_ place: Place) -> String {
    switch place {
    case .lane(let lane): name(names.lanes, lane.index)
    case .room(let room): name(names.rooms, room.index)
    case .site, .log, .device, .port: names.site
    }
  }

  /// The name of what a refused command lacks.
  func text(of missing: Missing) -> String {
    switch missing {
    case .room(let room): name(names.rooms, room.index)
    case .item(let item): name(names.items, UInt16(item))
    case .minutes(let minutes): "\(minutes) min"
    }
  }

  private func write(_ device: DeviceID, _ index: UInt8) -> String {
    let known = names.writes.indices.contains(Int(device.index)) ? names.writes[Int(device.index)] : []
    return known.indices.contains(Int(index)) ? known[Int(index)] : "\(index)"
  }

  func finite(_ values: [String: Double], _ rest: [String: JSON]) -> [String: JSON] {
    var all = rest
    for (key, value) in values where value.isFinite { all[key] = .number(value) }
    return all
  }
}

func hex(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
