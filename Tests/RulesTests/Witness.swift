// Somebody who stood at the lanes all day, has read docs/rules.md and knows nothing of the code. They saw what each thermometer was
// shown, what staff did and what the door said, and object to whatever the rules do not allow: an opening without a reason, a verdict
// that was not measured, somebody elevated who left no trace, an alarm that was raised or ended twice.
//
// Where what they saw is ambiguous (a code shown just as somebody left), they say nothing.

import Domain

struct Witness {
  private(set) var objections: [String] = []

  // What the site has
  private var equipment: [String: [String]] = [:]
  private var threshold = 37.3

  // What has been seen
  private var views = [View(), View()]
  private var people: [UInt32: Person] = [:]
  private var refused: [String: (ticket: UInt32, isIsolated: Bool)] = [:]
  private var alarms: [UInt32: String] = [:]
  private var raised: Set<UInt32> = []
  private var gate = GateSeen()
  private var block = "open"
  private var lastTold: (at: Double, line: [String]) = (0, [])
  private var humidity = 45.0
  private var air = 21.0
  private var reference = 35.0
  private var referenceSince = 0.0
  /// Passes of lane a that may open the gate, at this very moment.
  private var permits = 0
  private var now = 0.0
  /// Somebody who was elevated was given up: this moment may not end without the alarm.
  private var someoneLeft = false

  /// What a thermometer or a contact showed, and from when on; `nil`: nothing that counts.
  private struct Shown {
    var from: Double
    var value: Double?
  }

  /// One lane.
  private struct View {
    var thermometer = [Shown(from: 0, value: 22)]
    var second = [Shown(from: 0, value: nil)]
    /// 1 on, 0 off.
    var presenceTold: Double?
    var presence = [Shown(from: 0, value: nil)]
    var isValid = true
    var knowsAmbient = true
    var isWarmingUp = false
    var ambient = 22.0
    var skin: Double? = 22
    var startedAt = 0.0
    var codes: [(code: String, at: Double, isCertain: Bool)] = []
    var credentials: [(passed: Bool, at: Double)] = []
    /// The first numbers of the people in a row.
    var firsts: [Double] = []
    /// Moments at which it could not have judged anybody new.
    var disturbances: [Double] = []
    var denials: [Double] = []
  }

  private struct Person {
    var isThere = true
    var beganAt = 0.0
    var codes: Set<String> = []
    var hasCredential = false
    var numbers = 0
    /// Readings at or above a limit, and normal ones since the first of them.
    var highs = 0
    var normals = 0
    var wasHigh = false
    var hasRested = false
    var needsContact = false
    var waitUntil = 0.0
    /// Lane and device that found them.
    var foundBy: [Int] = []
    var lastReason = ""
  }

  private struct GateSeen {
    var isOpen = false
    var openedAt = -100.0
    var boardIsUp = true
    var readBack = ""
    /// Until when these inputs may still be taken for on.
    var fireUntil = -1.0
    var staffUntil = -1.0
    var fire = false
    var staff = false
    var isReleased = false
  }

  init(_ story: [Moment]) {
    for moment in story where moment.isTold && moment.text.hasPrefix("with ") {
      let words = moment.text.split(separator: " ").map(String.init)
      equipment[words[1]] = Array(words.dropFirst(2))
    }
    for moment in story {
      if moment.at > now { endMoment() }
      now = moment.at
      var words = moment.text.split(separator: " ").map(String.init)
      let lane = words.first == "b" ? 1 : 0
      if lane == 1 { words.removeFirst() }
      if moment.isTold { see(words, lane) } else { hear(words, lane, moment) }
    }
    endMoment()
    for lane in 0...1 { lookForUnseen(lane) }
  }

  private func has(_ what: String) -> Bool { equipment[what] != nil }
  private func seconds(_ what: String) -> Double { equipment[what]?.first.flatMap(Double.init) ?? 0 }
  private mutating func object(_ what: String) { objections.append("\(now): \(what)") }

  private mutating func object(_ ticket: UInt32, passed isWrong: Bool, _ how: String) {
    if isWrong { object("ticket \(ticket) passed \(how)") }
  }

  private mutating func endMoment() {
    if someoneLeft, !alarms.values.contains("suspect_left") { object("somebody elevated left, and nobody was told") }
    someoneLeft = false
    permits = 0
  }

  // MARK: What was told

  private mutating func see(_ words: [String], _ lane: Int) {
    lastTold = (now, words)
    permits = 0
    let word = words.count > 1 ? words[1] : ""
    switch words[0] {
    case "skin", "nobody":
      if lane == 0, gate.isReleased || !gate.boardIsUp { disturb() }
      views[lane].skin = Double(word) ?? 22
      views[lane].isValid = true
      look(lane)
    case "bad", "silent":
      if words[0] == "bad" { views[lane].isValid = false } else { views[lane].skin = nil }
      look(lane)
    case "warmup":
      views[lane].isWarmingUp = word == "on"
      look(lane)
    case "ambient":
      views[lane].knowsAmbient = word != "unknown"
      views[lane].ambient = Double(word) ?? views[lane].ambient
      look(lane)
    case "second": views[lane].second.append(Shown(from: now, value: Double(word)))
    case "presence":
      views[0].presenceTold = word == "on" ? 1 : word == "off" ? 0 : nil
      views[0].presence.append(Shown(from: now, value: gate.boardIsUp ? views[0].presenceTold : nil))
    case "show":
      // Just after a verdict, or while the gate stands open for all, it may be nobody's.
      let isCertain = !gate.isReleased && isClear(lane)
      views[lane].codes.append((word, now, isCertain))
    case "credential": views[lane].credentials.append((word == "passed", now))
    case "humidity": humidity = Double(word) ?? .nan
    case "air": air = Double(word) ?? .nan
    case "reference":
      // Means of a minute are judged.
      referenceSince = reference == Double(word) ? referenceSince : now
      reference = Double(word) ?? .nan
    case "policy": threshold = Double(word) ?? threshold
    case "admit":
      block = word
      disturb()
    case "board":
      gate.boardIsUp = word == "up"
      if gate.boardIsUp, !gate.fire { gate.fireUntil = min(gate.fireUntil, now + 0.5) }
      if gate.boardIsUp, !gate.staff { gate.staffUntil = min(gate.staffUntil, now + 0.5) }
      views[0].presence.append(Shown(from: now, value: gate.boardIsUp ? views[0].presenceTold : nil))
      disturb()
    case "fire":
      gate.fire = word == "on"
      if gate.fire { gate.fireUntil = .infinity } else if gate.boardIsUp { gate.fireUntil = now + 0.5 }
      disturb()
    case "staff":
      gate.staff = word == "on"
      if gate.staff { gate.staffUntil = .infinity } else if gate.boardIsUp { gate.staffUntil = now + 0.5 }
      disturb()
    case "readback", "stuck", "unread":
      gate.readBack = words.joined(separator: " ")
      disturb()
    case "restart":
      for lane in 0...1 { views[lane].startedAt = now }
      gate.isOpen = false
      gate.isReleased = false
      disturb()
      disturb(1)
    case "clear" where alarms[UInt32(word) ?? 0] == "suspect_left": refused = refused.filter(\.value.isIsolated)
    case "allow": refused = refused.filter { $0.value.ticket != UInt32(word) ?? 0 }
    default: break
    }
  }

  /// What the thermometer shows now, if it counts.
  private mutating func look(_ lane: Int) {
    let view = views[lane]
    let counts = view.isValid && view.knowsAmbient && !view.isWarmingUp
    views[lane].thermometer.append(Shown(from: now, value: counts ? view.skin : nil))
  }

  private mutating func disturb(_ lane: Int = 0) { views[lane].disturbances.append(now) }

  // MARK: What was seen

  private func isWarm(_ shown: Shown, _ lane: Int) -> Bool {
    guard let celsius = shown.value else { return false }
    return celsius >= 30 && celsius >= views[lane].ambient + 3
  }

  /// Each with its end.
  private func spans(_ shown: [Shown]) -> [(from: Double, to: Double, value: Double?)] {
    shown.indices.map { (shown[$0].from, $0 + 1 < shown.count ? shown[$0 + 1].from : now, shown[$0].value) }
  }

  /// What it showed in the last `seconds`, but the background.
  private func faces(_ lane: Int, _ shown: [Shown]) -> [Double?] {
    last(0.5, shown).filter { $0 == nil || isWarm(Shown(from: 0, value: $0), lane) }
  }

  /// What it showed in the last `seconds`.
  private func last(_ seconds: Double, _ shown: [Shown]) -> [Double?] {
    spans(shown).filter { $0.to > now - seconds && $0.from < now && $0.to > $0.from }.map(\.value)
  }

  /// When whoever is at the lane came, after an absence since the last start; `nil`: no absence was seen.
  private func cameAt(_ lane: Int) -> Double? {
    let byContact = lane == 0 && has("presence")
    var came: Double?
    var emptySince: Double?
    for span in spans(byContact ? views[lane].presence : views[lane].thermometer) where span.to > views[lane].startedAt {
      let isEmpty = byContact ? span.value == 0 : span.value != nil && !isWarm(Shown(from: 0, value: span.value), lane)
      guard isEmpty else { emptySince = nil; continue }
      let since = max(emptySince ?? span.from, views[lane].startedAt)
      emptySince = since
      // A reading each 72 ms: a second may be a little less.
      if span.to - since >= 0.9 { came = span.to }
    }
    return came
  }

  /// Somebody has just been seen to be there, or just been seen not to be.
  private func isClear(_ lane: Int) -> Bool {
    let seen = last(1.5, views[lane].thermometer).map { $0.map { isWarm(Shown(from: 0, value: $0), lane) } }
    guard let first = seen.first, first != nil, !(lane == 0 && has("presence")) else { return false }
    if !seen.allSatisfy({ $0 == first }) { return false }
    // After their verdict what somebody shows is ignored.
    return first == false || people.values.contains { $0.isThere && $0.lastReason == "" }
  }

  /// Somebody else stepped in without an absence: further away than skin moves.
  private func changedPlaces(_ lane: Int, since came: Double) -> Bool {
    var lowest = Double.infinity
    var highest = -Double.infinity
    for span in spans(views[lane].thermometer) where span.to > came && span.to - max(span.from, came) >= 0.5 {
      guard let celsius = span.value, isWarm(Shown(from: 0, value: celsius), lane) else { continue }
      if lowest.isFinite, celsius > highest + 0.85 || celsius < lowest - 0.85 { return true }
      lowest = min(lowest, celsius)
      highest = max(highest, celsius)
    }
    return false
  }

  /// What they showed, while they stood there or shortly before.
  private func codes(_ lane: Int, since came: Double, began: Double = 0) -> [(code: String, isCertain: Bool)] {
    let shown = views[lane].codes.filter { $0.at >= came - 31 }
    let lastBefore = shown.lastIndex { $0.at <= max(came, began) }
    return shown.indices.map { index in
      guard shown[index].at <= came else { return (shown[index].code, shown[index].isCertain && index >= lastBefore ?? 0) }
      // Theirs when it is the last one, nobody came in between, and it was shown nowhere else.
      let somebodyCame = spans(views[lane].thermometer).contains {
        $0.from < came && $0.to > shown[index].at && $0.value.map { isWarm(Shown(from: 0, value: $0), lane) } != false
      }
      let isElsewhere = views[1 - lane].codes.contains { $0.code == shown[index].code && abs($0.at - came) < 40 }
      let isCertain = shown[index].isCertain && index == lastBefore && came - shown[index].at < 29 && !somebodyCame && !isElsewhere
      return (shown[index].code, isCertain)
    }
  }

  // MARK: What was answered

  private mutating func hear(_ words: [String], _ lane: Int, _ moment: Moment) {
    let number = words.count > 1 ? UInt32(words[1]) ?? 0 : 0
    switch words[0] {
    case "began":
      if people[number] != nil { object("ticket \(number) was given twice") }
      people[number] = Person(beganAt: now)
      noteWho(number, lane)
    case "denied":
      views[lane].denials.append(now)
      guard number > 0, let next = words.last else { return }
      let reason = String(words[2].dropLast())
      deny(number, lane, reason, next, moment)
    case "passed": pass(number, lane, words[2], moment)
    case "abandoned":
      guard let person = people[number], person.isThere else { return object("ticket \(number) had ended before") }
      people[number]?.isThere = false
      views[lane].denials.append(now)
      if words[2] == "resumed" {
        noteWho(number, lane)
        inherit(people[number] ?? person)
      } else if person.highs > 0 {
        someoneLeft = true
        for code in person.codes { refused[code] = (number, refused[code]?.isIsolated ?? false) }
      }
    case "isolated":
      for code in people[number]?.codes ?? [] { refused[code] = (number, true) }
      people[number]?.isThere = false
    case "called":
      guard let person = people[number], person.isThere else { return object("ticket \(number) is called, and there is none") }
      if now < person.waitUntil - 0.01 { object("ticket \(number) is called before its wait is over") }
      people[number]?.lastReason = ""
    case "refused" where lastTold.line[0] == "credential": views[0].credentials.removeLast()
    default: hearOfGateAndAlarms(words, number)
    }
  }

  private mutating func hearOfGateAndAlarms(_ words: [String], _ number: UInt32) {
    switch words[0] {
    case "gate" where words[1] == "opens":
      let byName = lastTold.at == now && lastTold.line[0] == "override"
      if permits == 0, !byName { object("the gate opened for nobody") }
      permits = max(0, permits - 1)
      if gate.isOpen { object("the gate opened while it was open") }
      if gate.isReleased { object("the gate opened for one while it stood open for all") }
      if !gate.boardIsUp { object("the gate opened without its board") }
      if gate.readBack == "readback on", !has("no_read_back") { object("the gate opened, and was not shut") }
      gate.isOpen = true
      gate.openedAt = now
      disturb()
    case "gate":
      gate.isOpen = false
      disturb()
    case "hold":
      let isAllowed = now <= gate.fireUntil || now <= gate.staffUntil || has("open_on_failure")
      if !isAllowed { object("the gate was released, and nothing released it") }
    case "released":
      gate.isReleased = true
      disturb()
      if words[1] == "fire" && now > gate.fireUntil || words[1] == "staff" && now > gate.staffUntil { object("released without \(words[1])") }
    case "returned":
      gate.isReleased = false
      if gate.fire || gate.staff, gate.boardIsUp, gate.readBack != "unread" { object("a gate that fire or staff hold open was shut") }
      disturb()
    case "alarm" where words[3] == "again":
      if alarms[number] == nil { object("alarm \(number) repeats and is not open") }
    case "alarm":
      if !raised.insert(number).inserted { object("alarm \(number) was raised twice") }
      alarms[number] = words[2]
    case "cleared":
      if alarms.removeValue(forKey: number) == nil { object("alarm \(number) was cleared and is not open") }
    default: break
    }
  }

  /// Who this is, by what was shown while they stood there or shortly before.
  private mutating func noteWho(_ ticket: UInt32, _ lane: Int) {
    guard let came = cameAt(lane) else { return }
    for shown in codes(lane, since: came, began: people[ticket]?.beganAt ?? 0) where shown.isCertain { people[ticket]?.codes.insert(shown.code) }
    if views[lane].credentials.contains(where: { $0.passed && $0.at > came }) { people[ticket]?.hasCredential = true }
  }

  /// What was found of somebody before they showed who they are.
  private mutating func inherit(_ found: Person) {
    guard found.highs > 0 else { return }
    for (ticket, person) in people where person.isThere && !person.codes.isDisjoint(with: found.codes) {
      people[ticket]?.highs += found.highs
    }
  }

  private mutating func deny(_ ticket: UInt32, _ lane: Int, _ reason: String, _ next: String, _ moment: Moment) {
    guard people[ticket]?.isThere == true else { return object("ticket \(ticket) had ended before") }
    // What was measured before they showed that they have this ticket.
    let isOfAnotherTicket = lastTold.at == now && lastTold.line[0] == "show"
    if ["normal", "borderline", "elevated", "high", "low", "relative", "stuck"].contains(reason), !isOfAnotherTicket { take(ticket, lane, reason, moment) }
    noteWho(ticket, lane)
    people[ticket]?.lastReason = ["measuring", "retake", "suspect"].contains(next) ? "" : reason
    let (restEnds, coldWaitEnds) = (now + seconds("rest"), now + (has("children") ? 600 : seconds("cold_wait")))
    switch next {
    case "none": people[ticket]?.isThere = false
    case "rest":
      people[ticket]?.hasRested = true
      people[ticket]?.waitUntil = restEnds
    case "contact_test":
      people[ticket]?.hasRested = true
      people[ticket]?.needsContact = true
    case "cold_wait": people[ticket]?.waitUntil = coldWaitEnds
    default: break
    }
    if (people[ticket]?.highs ?? 0) > 0, ["cold_wait", "no_result", "none", "measuring"].contains(next) {
      object("ticket \(ticket) was elevated, and goes to \(next)")
    }
  }

  /// A number that somebody was judged by: the log tells what the thermometer showed. Returns the body's temperature.
  @discardableResult
  private mutating func take(_ ticket: UInt32, _ lane: Int, _ reason: String, _ moment: Moment) -> Double {
    let device = lane == 0 && moment.fact?.device?.index == 1 && has("second") ? 1 : 0
    let surface = moment.personal.surface
    let shown = faces(lane, device == 1 ? views[lane].second : views[lane].thermometer)
    let lowest = shown.map { $0 ?? -.infinity }.min() ?? -.infinity
    let highest = shown.map { $0 ?? .infinity }.max() ?? .infinity
    if !(surface >= lowest - 0.01 && surface <= highest + 0.01 && highest - lowest <= 0.31) {
      object("ticket \(ticket): the log tells \(surface), the thermometer showed \(shown)")
    }
    let body = surface + (device == 1 ? 1.0 : 1.6)
    people[ticket]?.numbers += 1
    if people[ticket]?.numbers == 1 { views[lane].firsts.append(surface) }
    if reason == "stuck" { return body }
    let isElevated = body >= threshold - 1e-9 || reason == "relative"
    let expected: Set<String> =
      body >= 38 - 1e-9 && threshold <= 38 ? ["high"]
      : body >= threshold - 1e-9 ? ["elevated", "relative"]
      : body < 35 - 1e-9 ? ["low"] : ["normal", "borderline", "low", "cleared_after_rest", has("relative") ? "relative" : "normal"]
    if !expected.contains(reason) { object("ticket \(ticket): \(body) °C was told as \(reason)") }
    if isElevated {
      if people[ticket]?.highs == 0 {
        people[ticket]?.normals = 0
        people[ticket]?.foundBy = [lane, device]
      }
      people[ticket]?.highs += 1
      if body >= 38 { people[ticket]?.wasHigh = true }
      if !alarms.values.contains("suspected_fever") { object("ticket \(ticket) is elevated, and there is no alarm") }
    } else if reason != "low" {
      people[ticket]?.normals += 1
    }
    return body
  }

  // MARK: Passes

  private mutating func pass(_ ticket: UInt32, _ lane: Int, _ reason: String, _ moment: Moment) {
    guard people[ticket]?.isThere == true else { return object("ticket \(ticket) passed, and had ended before") }
    if lane == 0 { permits += 1 }
    let by = lastTold.at == now ? lastTold.line : [""]
    switch reason {
    case "overridden":
      if by[0] != "override" { object("ticket \(ticket) passed on nobody's word") }
      if lane == 0, block == "suspended" { object("ticket \(ticket) passed during an incident") }
    case "contact_normal":
      let degrees = by.count > 2 && by[0] == "contact" && UInt32(by[1]) == ticket ? Double(by[2]) ?? .nan : .nan
      let body = by.contains("ear") ? degrees - 0.4 : degrees
      if !(body >= 35 - 1e-9 && body < threshold - 1e-9) { object("ticket \(ticket) passed by a contact reading of \(degrees)") }
      if by.contains("unexplained") { object("ticket \(ticket) passed for no reason") }
      if last(0.3, views[lane].thermometer).allSatisfy({ isWarm(Shown(from: 0, value: $0), lane) }) {
        object("ticket \(ticket) passed while somebody stood at the lane")
      }
      mayPass(ticket, lane)
    default: passByReading(ticket, lane, reason, moment)
    }
    people[ticket]?.isThere = false
  }

  private mutating func passByReading(_ ticket: UInt32, _ lane: Int, _ reason: String, _ moment: Moment) {
    let isSecond = lane == 0 && moment.fact?.device?.index == 1 && has("second")
    let body = take(ticket, lane, reason, moment)
    noteWho(ticket, lane)
    guard let person = people[ticket] else { return }
    object(ticket, passed: !(body >= 35 - 1e-9 && body < threshold - 1e-9), "with \(body) °C")
    object(ticket, passed: now < person.waitUntil - 0.01, "before the wait was over")
    object(ticket, passed: person.needsContact, "by infrared, and a contact test was due")
    if reason == "cleared_after_rest" {
      object(ticket, passed: !person.hasRested, "as after a rest, and had none")
      object(ticket, passed: person.foundBy == [lane, isSecond ? 1 : 0], "by the thermometer that had found them")
    } else {
      object(ticket, passed: person.hasRested || person.wasHigh, "by the same thermometer, which had found them")
      object(ticket, passed: person.highs > 1 || person.highs == 1 && person.normals < 2, "after \(person.highs) elevated and \(person.normals) normal readings")
      object(ticket, passed: body >= 37 && person.normals < 2 && threshold > 37, "borderline, at once")
    }
    if isSecond { return mayPass(ticket, lane) }
    guard let came = cameAt(lane) else { return object(ticket, passed: true, "and no absence was seen before") }
    object(ticket, passed: changedPlaces(lane, since: max(came, person.beganAt)), "on somebody else's reading")
    let first = views[lane].firsts.suffix(6)
    object(ticket, passed: first.count == 6 && first.allSatisfy { abs($0 - moment.personal.surface) < 0.005 }, "by a thermometer that holds one value")
    if let credential = views[lane].credentials.last(where: { $0.at > came }) { object(ticket, passed: !credential.passed, "and a credential failed") }
    mayPass(ticket, lane)
  }

  /// What holds for whoever passes, but by somebody's name alone.
  private mutating func mayPass(_ ticket: UInt32, _ lane: Int) {
    guard let person = people[ticket] else { return }
    let came = cameAt(lane) ?? now
    let certain = person.codes
    if equipment["identity"] == ["required"] { object(ticket, passed: certain.isEmpty && codes(lane, since: came).isEmpty, "and nobody knows who it is") }
    if has("identity") {
      object(ticket, passed: certain.contains { refused[$0] != nil }, "and is refused")
      let isElsewhere = people.contains { other, who in other != ticket && who.isThere && who.highs > 0 && !who.codes.isDisjoint(with: certain) }
      object(ticket, passed: isElsewhere, "and waits under another ticket")
    }
    if has("credential") { object(ticket, passed: !person.hasCredential, "without a credential") }
    guard lane == 0 else { return }
    object(ticket, passed: block != "open", "at a lane that is \(block)")
    object(ticket, passed: gate.isReleased, "while the gate stood open for all")
    object(ticket, passed: has("hall") && !(humidity < 85 && air >= 16 && air <= 35), "in air of \(air) °C and \(humidity) %RH")
    object(ticket, passed: has("reference") && now - referenceSince > 120 && !(abs(reference - 35) <= 0.5), "beside a reference of \(reference)")
  }

  // MARK: Afterwards

  /// Somebody elevated who stood at a lane that could measure them, and of whom nothing was said.
  private mutating func lookForUnseen(_ lane: Int) {
    if has("credential") || has("presence") && lane == 0 || equipment["identity"] == ["required"] { return }
    let view = views[lane]
    var emptySince: Double?
    for span in spans(view.thermometer) {
      guard let celsius = span.value else { emptySince = nil; continue }
      guard isWarm(Shown(from: 0, value: celsius), lane) else { emptySince = emptySince ?? span.from; continue }
      defer { emptySince = nil }
      guard celsius + 1.6 >= threshold, let empty = emptySince, span.from - empty >= 1.5, span.to - span.from >= 1.5 else { continue }
      let isDisturbed = view.disturbances.contains { $0 >= empty - 8 && $0 <= span.to } || lane == 0 && gate.readBack != ""
      // A door that has just begun must see nobody first.
      guard !isDisturbed, empty > 1 || span.from > 2.5 else { continue }
      if !view.denials.contains(where: { $0 >= span.from && $0 <= span.to + 0.01 }) {
        object("somebody of \(celsius + 1.6) °C stood at lane \(lane) from \(span.from) to \(span.to), and nothing was said")
      }
    }
  }
}
