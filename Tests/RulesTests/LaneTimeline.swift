// A lane with its alarms in virtual time. A timeline is a table a nurse can read: seconds, and what is so from then on.
//
//     0     nobody               the thermometer sees the hall, 22 °C
//     3     skin 35.0            it sees a face; the body is 1.6 °C warmer at this site
//     4     passage on           a contact
//     9     end
//
// A line that begins with `b` is about a second lane, which has a thermometer, identities and no more; so is a word that does.
// Rests and waits take no time here unless a line says so: lines that begin with `with` are about the site, whenever they stand.
//
// `clock 09:59` sets the site's clock of 1 January 1970, `zone 2` its hours ahead of UTC, `asleep 3600` is a machine that sleeps.
//
// `without signals` takes lamp and buzzer out of the settings, from the next restart on.
//
// `written lamp` and `seen buzzer` is what a board says of a proof, `call on` an alarm that waits somewhere at the site.
//
// What happens comes back as words, in order: "began 1", "passed 1 normal", "pulse", "gate opens" …

import Domain

@testable import Rules

/// A line that the lane was told, or a word that it answered.
struct Moment {
  /// s
  var at: Double
  var isTold: Bool
  var text: String
  /// What a verdict says besides.
  var fact: ScreeningFact?
  var personal = Personal.none
}

/// One lane, its thermometer (a reading each 72 ms unless said otherwise) and its board (contacts each 200 ms).
struct LaneTimeline: ~Copyable {
  var settings = LaneSettings(
    siteOffset: 1.6, hasGate: true, hasReadBack: true, hasPassage: true, openFor: .seconds(5), opensOnFailure: false,
    staleAfter: .milliseconds(216), policy: FeverPolicy(), hasFireRelease: true, hasStaffButton: true)
  var period = Interval.milliseconds(72)
  /// Also tell lamp and buzzer.
  var tellsSignals = false
  /// All that was told and answered.
  private(set) var story: [Moment] = []
  var happened: [String] { story.filter { !$0.isTold }.map(\.text) }
  /// What was measured, as the log keeps it.
  var estimates: [Personal] { story.map(\.personal).filter { $0.estimate.isFinite } }

  private var lanes = Lanes([])
  private var alarms = Alarms(Places(lanes: 0, rooms: 0, devices: 0, ports: 0), settings: { _ in AlarmSettings(priority: .low) }, isAtLane: { _ in false })
  private var effects = Effects()
  private var now = Now(boot: Instant(ns: 1_000_000_000), wall: 0)
  private var surface: Double? = 22
  private var isValid = true
  private var knowsAmbient = true
  private var ambient = 22.0
  /// Sensors beside the thermometer: the hall's air, %RH and degC, and the reference, degC.
  private var humidity: Double? = 45
  private var air: Double? = 21
  private var reference: Double? = 35
  private var isWarmingUp = false
  private var boardIsUp = true
  /// Its contacts are not read, and it has not been missed yet.
  private var boardIsUnread = false
  private var contacts: [Contact: Bool] = [.readBack: false, .passage: false, .fireRelease: false, .staffButton: false]
  /// What the leaf does: follows the relay after 0.3 s, unless it is stuck.
  private var relayUntil = Instant.past
  private var leaf = false
  private var leafMoves: (at: Instant, open: Bool)?
  private var isStuck = false
  private var nextReading = Instant.past
  private var nextContacts = Instant.past
  private var asleep = Interval.zero

  init() {
    settings.policy.rest = .zero
    settings.policy.coldWait = .zero
  }

  private let lane = LaneID(0)
  private let other = LaneID(1)
  private var usesOther = false
  private var block = AdmissionBlock.none
  /// What the other lane's thermometer sees.
  private var otherSurface = 22.0
  /// What the second thermometer of the lane sees.
  private var second: Double?
  private var secondAmbient: Double? = 22
  private var secondIsWarmingUp = false
  private let key = IdentityKey(Array("a key of a test".utf8))
  /// Who is expected, and for how many days since 1970.
  var roster: [String: Int64] = [:]

  private mutating func build() {
    let policy = AirPolicy()
    var plain = settings
    (plain.hasGate, plain.hasReadBack, plain.hasPassage, plain.hasFireRelease, plain.hasStaffButton) = (false, false, false, false, false)
    (plain.hasPresence, plain.hasSecond, plain.hasReference, plain.hallHasHumidity, plain.hallHasTemperature) = (false, false, false, false, false)
    let expected = roster.map { RosterToken(token: key.token(of: $0.key), until: $0.value * 86_400_000_000_000) }
    lanes = Lanes(usesOther ? [settings, plain] : [settings], roster: expected.sorted { $0.token.isBefore($1.token) })
    alarms = Alarms(
      Places(lanes: usesOther ? 2 : 1, rooms: 0, devices: 0, ports: 0), settings: { AlarmSettings.standard(for: $0, policy) }, isAtLane: { _ in true })
  }

  /// Plays a timeline and returns what happened.
  mutating func play(_ text: String) -> [String] {
    let lines = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }.filter { $0.count > 1 }
    usesOther = lines.contains { $0.dropFirst().contains("b") }
    for line in lines where line[1] == "with" { equip(Array(line.dropFirst(2))) }
    build()
    lanes.start(now)
    setBoard(true)
    for line in lines {
      guard let seconds = Double(line[0]) else { continue }
      run(to: Instant(ns: 1_000_000_000 + Int64(seconds * 1e9)) + asleep)
      note(line.dropFirst().joined(separator: " "), isTold: true)
      act(Array(line.dropFirst()))
      collect()
    }
    return happened
  }

  /// What the lane did so far.
  var statistics: LaneStatisticsView { view.statistics }
  var view: LaneView { lanes.view(lane, now) }

  private mutating func note(_ text: String, isTold: Bool = false, _ fact: ScreeningFact? = nil, _ personal: Personal = .none) {
    story.append(
      Moment(at: Double(now.boot.ns - asleep.ns - 1_000_000_000) / 1e9, isTold: isTold, text: text, fact: fact, personal: personal))
  }

  /// What the site has, and its numbers.
  private mutating func equip(_ words: [String]) {
    let number = words.count > 1 ? Double(words[1]) ?? 0 : 0
    switch words[0] {
    case "identity":
      settings.hasIdentity = true
      settings.identityRequired = words.last == "required"
    case "credential": settings.credentialRequired = true
    case "second":
      settings.hasSecond = true
      settings.second = DeviceID(1)
      settings.secondOffset = 1.0
      settings.secondStaleAfter = .seconds(1)
    case "reference":
      settings.hasReference = true
      settings.referenceSet = 35
      settings.referenceStaleAfter = .seconds(5)
    case "hall":
      settings.hallHasHumidity = true
      settings.hallHasTemperature = true
      settings.hallStaleAfter = .seconds(5)
    case "presence": settings.hasPresence = true
    case "children": settings.isForChildren = true
    case "calibration":
      settings.calibrated = 20_000
      settings.calibratedAt = 20_000 * 86_400_000_000_000
      settings.calibrationDue = 20_366 * 86_400_000_000_000
    case "relative":
      settings.policy.relative.isOn = true
      settings.policy.relative.people = 3
    case "rest": settings.policy.rest = .seconds(Int64(number))
    case "cold_wait": settings.policy.coldWait = .seconds(Int64(number))
    case "longest": settings.policy.longest = .seconds(Int64(number))
    case "no_read_back": settings.hasReadBack = false
    case "open_on_failure": settings.opensOnFailure = true
    default: break
    }
  }

  private mutating func act(_ words: [String]) {
    switch words[0] {
    case "b" where words[1] == "show": lanes.identity(key.token(of: words[2]), at: other, now, &alarms, &effects)
    case "b": otherSurface = words[1] == "skin" ? Double(words[2]) ?? 22 : 22
    case "show": lanes.identity(key.token(of: words[1]), at: lane, now, &alarms, &effects)
    case "credential" where words.count > 2:
      answer(lanes.credential(ticket: UInt32(words[2]) ?? 0, passed: words[1] == "passed", now, &alarms, &effects))
    case "credential": answer(lanes.credential(lane, passed: words[1] == "passed", now, &alarms, &effects))
    case "allow": answer(lanes.allow(UInt32(words[1]) ?? 0, now))
    case "second" where words[1] == "warmup": secondIsWarmingUp = words[2] == "on"
    case "second" where words[1] == "ambient": secondAmbient = Double(words[2])
    case "second": second = Double(words[1])
    case "symptom" where words.count > 1:
      if lanes.symptom(ticket: UInt32(words[1]) ?? 0, now, &alarms, &effects) == nil { note("refused unknown_ticket") }
    case "symptom":
      let ticket = lanes.symptom(at: lane, now, &alarms, &effects)
      collect()
      note("symptom of \(ticket)")
    case "waits":
      settings.policy.waitingLongest = .seconds(Int64(words[1]) ?? 0)
      lanes.change(to: settings.policy)
    case "offset": settings.siteOffset = Double(words[1]) ?? 0
    case "outdoor": lanes.outdoor(reading(Double(words[1]) ?? .nan, .airTemperature, .good), at: lane, now)
    case "nobody": (surface, isValid) = (22, true)
    case "skin": (surface, isValid) = (Double(words[1]), true)
    case "bad": isValid = false
    case "warmup": isWarmingUp = words[1] == "on"
    case "humidity": humidity = Double(words[1])
    case "air": air = Double(words[1])
    case "reference": reference = Double(words[1])
    case "clock":
      let parts = words[1].split(separator: ":").compactMap { Int64($0) }
      now.wall = (parts[0] * 3_600 + parts[1] * 60 - Int64(now.utcOffset)) * 1_000_000_000
    case "zone":
      (now.offsetSince, now.offsetBefore) = (now.wall, now.utcOffset)
      now.utcOffset = (Int32(words[1]) ?? 0) * 3_600
    case "asleep":
      let time = Interval.seconds(Int64(words[1]) ?? 0)
      (now.boot, now.wall) = (now.boot + time, now.wall + time.ns)
      // The seconds of the lines that follow count on without it.
      asleep = asleep + time
    case "day": now.wall = (Int64(words[1]) ?? 0) * 86_400_000_000_000
    case "silent": surface = nil
    case "ambient":
      knowsAmbient = words[1] != "unknown"
      ambient = Double(words[1]) ?? ambient
    case "board": setBoard(words[1] == "up")
    case "unread": boardIsUnread = true
    case "stuck": isStuck = true
    case "passage": tell(.passage, words[1] == "on")
    case "fire": tell(.fireRelease, words[1] == "on")
    case "staff": tell(.staffButton, words[1] == "on")
    case "presence":
      if words[1] == "unknown" { contacts[.presence] = nil } else { tell(.presence, words[1] == "on") }
    case "readback":
      contacts[.readBack] = words[1] == "unknown" ? nil : words[1] == "on"
      isStuck = true
    case "resume": answer(lanes.resume(UInt32(words[1]) ?? 0, at: words.count < 3 ? nil : words[2] == "b" ? other : lane, now, &effects))
    case "contact":
      let site: ContactSite = words.contains("ear") ? .ear : .axilla
      answer(
        lanes.contactReading(
          UInt32(words[1]) ?? 0, Double(words[2]) ?? 0, site, hasWhy: !words.contains("unexplained"), now, &alarms, &effects))
    case "override" where words.count > 1: answer(lanes.override(ticket: UInt32(words[1]) ?? 0, now, &alarms, &effects))
    case "override": answer(lanes.override(lane, now, &alarms, &effects))
    case "prove": answer(lanes.prove(lane, now, &effects))
    case "written": lanes.signalWritten(words[1] == "lamp" ? .lamp : .buzzer, at: lane)
    case "seen": lanes.signalSeen(words[1] == "lamp" ? .lamp : .buzzer, at: lane)
    case "call": lanes.alarm(isOn: words[1] == "on", isNew: false, now, &effects)
    case "average": answer(lanes.resetAverage(lane))
    case "admit":
      block = words[1] == "closed" ? .closed : words[1] == "suspended" ? .suspended : .none
      lanes.admit(block, at: lane, now, &alarms, &effects)
    case "policy":
      var policy = settings.policy
      policy.threshold = Double(words[1]) ?? policy.threshold
      settings.policy = policy
      lanes.change(to: policy)
    case "acknowledge":
      let seen = alarms.named(UInt32(words[1]) ?? 0)
      answer(alarms.acknowledge(UInt32(words[1]) ?? 0, now, &effects))
      if case .alertCheck? = seen?.kind { lanes.proofSeen(at: lane, now, &alarms, &effects) }
    case "clear":
      let cleared = alarms.named(UInt32(words[1]) ?? 0)
      let done = alarms.clearLatched(UInt32(words[1]) ?? 0, now, &effects)
      answer(done)
      if case .done = done, case .suspectLeft? = cleared?.kind, case .lane(let lane)? = cleared?.place { lanes.allowWhoLeft(lane) }
    case "without": (settings.lamp, settings.buzzer) = (.none, .none)
    case "restart": restart()
    case "every": period = .milliseconds(Int64(words[1]) ?? 72)
    case "end_alarms":
      // Staff acknowledge and clear what can be cleared.
      for occurrence in openAlarms {
        _ = alarms.acknowledge(occurrence, now, &effects)
        _ = alarms.clearLatched(occurrence, now, &effects)
      }
    default: break
    }
  }

  /// Raised, and not cleared yet.
  private var openAlarms: Set<UInt32> {
    var open: Set<UInt32> = []
    for words in happened.map({ $0.split(separator: " ").drop { $0 == "b" } }) where words.count > 2 {
      guard let occurrence = UInt32(words[words.startIndex + 1]) else { continue }
      if words.first == "alarm" { open.insert(occurrence) }
      if words.first == "cleared" { open.remove(occurrence) }
    }
    return open
  }

  private mutating func answer(_ answer: Answer) {
    collect()
    if case .refused(let refusal) = answer { note("refused \(refusal.name)") }
  }

  private mutating func setBoard(_ isUp: Bool) {
    boardIsUp = isUp
    lanes.board(isUp: isUp, at: lane, now, &alarms, &effects)
    nextContacts = now.boot + .milliseconds(50)
  }

  private mutating func tell(_ contact: Contact, _ isOn: Bool) {
    contacts[contact] = isOn
    if boardIsUp { lanes.contact(contact, isOn: isOn, at: lane, now, &alarms, &effects) }
  }

  /// As the door does it: state to bytes, a new run, bytes to state.
  private mutating func restart() {
    let bytes = Table<UInt8>(capacity: alarms.byteCount + lanes.byteCount, filledWith: 0)
    _ = lanes.copyBytes(to: bytes, at: alarms.copyBytes(to: bytes, at: 0))
    build()
    let end = alarms.replaceBytes(from: bytes, at: 0, shift: .zero, now: now)
    _ = lanes.replaceBytes(from: bytes, at: end, shift: .zero, now: now, &alarms, &effects)
    note("restart")
    collect()
    lanes.start(now)
    lanes.admit(block, at: lane, now, &alarms, &effects)
    setBoard(boardIsUp)
  }

  private mutating func run(to end: Instant) {
    while now.boot < end {
      let step = min(end, nextStep) - now.boot
      (now.boot, now.wall) = (now.boot + step, now.wall + step.ns)
      moveLeaf()
      if let surface, now.boot >= nextReading {
        nextReading = now.boot + period
        let quality: Quality = isWarmingUp ? .invalid(.warmingUp) : isValid ? .good : .invalid(.deviceError)
        tellNeighbours()
        if settings.hasAmbient { lanes.ambient(reading(ambient, .sensorAmbient, knowsAmbient ? .good : .invalid(.deviceError)), at: lane, now) }
        lanes.surface(reading(surface, .surface, quality), at: lane, now, &alarms, &effects)
        if settings.secondHasAmbient, let secondAmbient { lanes.secondAmbient(reading(secondAmbient, .sensorAmbient, .good), at: lane, now) }
        if let second {
          let quality: Quality = secondIsWarmingUp ? .invalid(.warmingUp) : .good
          lanes.secondSurface(reading(second, .surface, quality), at: lane, now, &alarms, &effects)
        }
        if usesOther {
          lanes.ambient(reading(22, .sensorAmbient, .good), at: other, now)
          lanes.surface(reading(otherSurface, .surface, .good), at: other, now, &alarms, &effects)
        }
      }
      if boardIsUp, !boardIsUnread, now.boot >= nextContacts {
        nextContacts = now.boot + .milliseconds(200)
        if !isStuck { contacts[.readBack] = leaf }
        for contact in [Contact.readBack, .passage, .presence, .fireRelease, .staffButton] {
          lanes.contact(contact, isOn: contacts[contact], at: lane, now, &alarms, &effects)
        }
      }
      if lanes.nextDeadline <= now.boot { lanes.advance(to: now, &alarms, &effects) }
      if alarms.nextDeadline <= now.boot { alarms.advance(to: now, &effects) }
      collect()
    }
  }

  /// When something is next to do, in steps of 4 ms.
  private var nextStep: Instant {
    var next = min(min(lanes.nextDeadline, alarms.nextDeadline), now.boot + .seconds(1))
    if surface != nil { next = min(next, nextReading) }
    if boardIsUp, !boardIsUnread { next = min(next, nextContacts) }
    if let leafMoves { next = min(next, leafMoves.at) }
    if relayUntil > now.boot { next = min(next, relayUntil) }
    let steps = max(0, (max(next, now.boot) - now.boot).ns - 1) / 4_000_000
    return now.boot + Interval(ns: (steps + 1) * 4_000_000)
  }

  private mutating func tellNeighbours() {
    if settings.hallHasHumidity, let humidity { lanes.hall(reading(humidity, .humidity, .good), at: lane, now, &alarms, &effects) }
    if settings.hallHasTemperature, let air { lanes.hall(reading(air, .airTemperature, .good), at: lane, now, &alarms, &effects) }
    if settings.hasReference, let reference {
      lanes.reference(reading(reference, .reference, .good), at: lane, now, &alarms, &effects)
    }
  }

  private mutating func moveLeaf() {
    let driven = now.boot < relayUntil
    if driven != leaf, leafMoves == nil { leafMoves = (now.boot + .milliseconds(300), driven) }
    if let move = leafMoves, move.at <= now.boot {
      leaf = move.open
      leafMoves = nil
    }
  }

  private func reading(_ value: Double, _ use: Use, _ quality: Quality) -> Reading {
    Reading(device: DeviceID(0), field: 0, use: use, unit: .degC, quality: quality, at: now.boot, decoded: value)
  }

  /// Effects as words.
  private mutating func collect() {
    for index in 0..<effects.count {
      switch effects.list[index] {
      case .event(let body, let place, let personal):
        if let words = words(body) { note((place.isSame(as: .lane(other)) ? "b " : "") + words, fact(body), personal) }
      case .confirmed: note("confirmed")
      case .ventilated: break
      case .gate(_, .pulse(let time)):
        relayUntil = now.boot + time
        note("pulse")
      case .gate(_, .end): note("end")
      case .gate(_, .hold):
        relayUntil = .never
        note("hold")
      case .gate(_, .shut):
        relayUntil = .past
        note("shut")
      case .lamp(_, let on): if tellsSignals { note("lamp \(on ? "on" : "off")") }
      case .buzzer(_, let on): if tellsSignals { note("buzzer \(on ? "on" : "off")") }
      }
    }
    effects.clear()
  }

  private func fact(_ body: EventBody) -> ScreeningFact? {
    switch body {
    case .screeningPassed(let fact), .screeningDenied(let fact): fact
    default: nil
    }
  }

  private func words(_ body: EventBody) -> String? {
    switch body {
    case .laneProof(.interrupted, _, _): "proof interrupted"
    case .laneProof(.proven, let lamp, let buzzer): "proven: \(lamp.name), \(buzzer.name)"
    case .laneProof(.failed, let lamp, let buzzer): "proof failed: \(lamp.name), \(buzzer.name)"
    case .laneStatistics(let fact):
      "\(fact.period.name) from \((fact.start / 1_000_000_000 + Int64(fact.utcOffset)) / 60): \(fact.counts.screened) people, \(fact.counts.elevated) of \(fact.counts.measured), "
        + "\(fact.counts.withTicket.count) tickets"
    case .screeningBegan(let ticket): "began \(ticket)"
    case .screeningPassed(let fact): "passed \(fact.ticket) \(fact.reason.name)"
    case .screeningDenied(let fact): "denied \(fact.ticket) \(fact.reason.name): \(fact.next.name)"
    case .screeningResumed(let fact): "called \(fact.ticket)"
    case .screeningAbandoned(let fact): "abandoned \(fact.ticket) \(fact.reason.name)"
    case .screeningIsolated(let fact): "isolated \(fact.ticket)"
    case .gateOpened: "gate opens"
    case .gateShut: "gate is shut"
    case .gateReleased(let cause): "released \(cause.name)"
    case .gateReturned: "returned"
    case .passage(let screened): screened ? "passage" : "passage unscreened"
    case .alarmRaised(let fact): "alarm \(fact.occurrence) \(fact.kind.name) \(fact.priority.name)"
    case .alarmRepeated(let fact): "alarm \(fact.occurrence) \(fact.kind.name) again \(Int(fact.value))"
    case .alarmAcknowledged(let fact): "acknowledged \(fact.occurrence) \(fact.state.name)"
    case .alarmCleared(let fact): "cleared \(fact.occurrence) \(fact.kind.name)"
    default: nil
    }
  }
}
