// A site in virtual time: two exam rooms and two isolation rooms, one lane, and a checklist of one item. A timeline is a table
// of minutes and of what staff do then:
//
//     0    disinfected room-1 wipe 30      agent and name are always given
//     10   open
//     20   confirmed                       a contact thermometer's reading at the lane
//     22   case 1 isolated isolation-1
//     30   air isolation-1 60              it is ventilated for an hour from now on
//
// What happens comes back as words, in order.

import Domain

@testable import Rules

struct SiteTimeline: ~Copyable {
  var policy = SitePolicy()
  /// 1/h, as known of a ventilation; NaN: unknown.
  var airChanges = Double.nan
  /// What CO2 says of every ventilation, and could say.
  var effect = VentilationEffect.effective
  var before = AirBefore.unclear
  private(set) var happened: [String] = []

  static let rooms = ["room-1", "room-2", "isolation-1", "isolation-2"]
  static let items = ["supplies", "isolation-1", "isolation-2"]

  private var site = Site(SitePolicy(), rooms: [], items: [], lanes: 0)
  private var alarms = Alarms(
    Places(lanes: 0, rooms: 0, devices: 0, ports: 0), settings: { _ in AlarmSettings(priority: .low) }, isAtLane: { _ in false })
  private var effects = Effects()
  private var now = Now(boot: Instant(ns: 1_000_000_000), wall: 0)
  /// Minute 0.
  private var origin = Instant(ns: 1_000_000_000)
  private var lastBlock = AdmissionBlock.none
  /// Rooms that are ventilated: since when and until when.
  private var airing: [(room: Int, began: Instant, until: Instant)] = []

  init() { policy.isOpenedByCommand = true }

  private mutating func build() {
    site = Site(
      policy,
      rooms: [
        SiteRoom(isIsolation: false, canVerify: true), SiteRoom(isIsolation: false, canVerify: false),
        SiteRoom(isIsolation: true, canVerify: true, item: 1), SiteRoom(isIsolation: true, canVerify: true, item: 2),
      ], items: Array(repeating: .minutes(24 * 60), count: 3), lanes: 1)
    alarms = Alarms(
      Places(lanes: 1, rooms: 4, devices: 0, ports: 0), settings: { AlarmSettings.standard(for: $0, AirPolicy()) },
      isAtLane: { _ in true })
  }

  /// Plays a timeline and returns what happened.
  mutating func play(_ text: String) -> [String] {
    build()
    site.start(now, &alarms, &effects)
    collect()
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard let first = words.first, let minutes = Double(first) else { continue }
      run(to: origin + Interval(ns: Int64(minutes * 60e9)))
      act(Array(words.dropFirst()))
      collect()
    }
    return happened
  }

  private func room(_ name: String) -> RoomID { RoomID(Self.rooms.firstIndex(of: name) ?? 99) }
  private func place(_ name: String) -> Place {
    name == "site" ? .site : name == "door" ? .lane(LaneID(0)) : .room(room(name))
  }

  private mutating func act(_ words: [String]) {
    let (who, why) = (Text("Li Na") ?? Text(), Text("because") ?? Text())
    switch words[0] {
    case "open": answer(site.open(who: who, now, &alarms, &effects))
    case "close": answer(site.close(who: who, now, &alarms, &effects))
    case "attest":
      answer(site.attest(UInt8(Self.items.firstIndex(of: words[1]) ?? 99), who: who, now, &alarms, &effects))
    case "disinfected":
      let ago = words.count > 4 ? UInt16(words[4]) ?? 0 : 0
      answer(
        site.disinfected(
          room(words[1]), DisinfectionMethod.allCases.first { $0.name == words[2] } ?? .other, minutes: UInt16(words[3]) ?? 0,
          minutesAgo: ago, who: who, agent: why, now, &alarms, &effects))
    case "air":
      airing.append((Int(room(words[1]).index), now.boot, now.boot + .minutes(Int64(words[2]) ?? 0)))
    case "confirmed":
      site.confirmed(at: LaneID(0), ticket: 17, .none, who: who, now, &alarms, &effects)
    case "symptom": answer(site.openCase(at: place(words[1]), ticket: 0, who: who, symptom: why, now, &alarms, &effects))
    case "case":
      let step = CaseStep.allCases.first { $0.name == words[2] } ?? .opened
      answer(
        site.advanceCase(
          UInt32(words[1]) ?? 0, step, room: words.count > 3 ? room(words[3]) : RoomID(0), who: who, note: why, now, &alarms,
          &effects))
    case "incident": answer(site.beginIncident(place(words[1]), who: who, why: why, now, &alarms, &effects))
    case "release": answer(site.endIncident(place(words[1]), who: who, why: why, now, &alarms, &effects))
    case "session": happened.append(site.refusesSession(in: room(words[1])).map { "session refused \($0.name)" } ?? "session may begin")
    case "clear": answer(alarms.clearLatched(UInt32(words[1]) ?? 0, now, &effects))
    case "restart": restart()
    case "reboot": restart(reboots: true)
    default: break
    }
  }

  private mutating func answer(_ answer: Answer) {
    collect()
    switch answer {
    case .done: break
    case .refused(let refusal): happened.append("refused \(refusal.name)")
    case .refusedFor(let refusal, .room(let room)): happened.append("refused \(refusal.name) \(Self.rooms[Int(room.index)])")
    case .refusedFor(let refusal, .minutes(let minutes)): happened.append("refused \(refusal.name) \(minutes)")
    case .refusedFor(let refusal, .item(let item)): happened.append("refused \(refusal.name) \(Self.items[Int(item)])")
    }
  }

  /// As the door does it: state to bytes, a new run, bytes to state. After a reboot the boot clock begins anew, an hour in.
  private mutating func restart(reboots: Bool = false) {
    let bytes = Table<UInt8>(capacity: alarms.byteCount + site.byteCount, filledWith: 0)
    _ = site.copyBytes(to: bytes, at: alarms.copyBytes(to: bytes, at: 0))
    build()
    let shift = reboots ? Interval(ns: 3_600_000_000_000 - now.boot.ns) : .zero
    now.boot = now.boot + shift
    origin = origin + shift
    for index in airing.indices {
      airing[index].began = airing[index].began + shift
      airing[index].until = airing[index].until + shift
    }
    let end = alarms.replaceBytes(from: bytes, at: 0, shift: shift, now: now)
    _ = site.replaceBytes(from: bytes, at: end, shift: shift, now: now, &alarms, &effects)
    happened.append("restart")
    site.start(now, &alarms, &effects)
  }

  private mutating func run(to end: Instant) {
    while now.boot < end {
      let step = min(end, now.boot + .minutes(1))
      now.boot = min(step, max(now.boot + .milliseconds(1), site.nextDeadline))
      for one in airing where one.until >= now.boot {
        site.ventilated(
          RoomID(one.room), since: one.began, airChanges: airChanges, effect: effect, from: before, now, &alarms, &effects)
      }
      if site.nextDeadline <= now.boot { site.advance(to: now, &alarms, &effects) }
      if alarms.nextDeadline <= now.boot { alarms.advance(to: now, &effects) }
      collect()
    }
  }

  /// Effects as words; then whether the lane admits, when that changed.
  private mutating func collect() {
    for index in 0..<effects.count {
      if case .event(let body, let place, _) = effects.list[index], let words = words(body, place) { happened.append(words) }
    }
    effects.clear()
    let block = site.block(of: LaneID(0))
    guard block != lastBlock else { return }
    lastBlock = block
    happened.append(block == .none ? "admits" : block == .closed ? "closed" : "suspended")
  }

  private func words(_ body: EventBody, _ place: Place) -> String? {
    var name = "site"
    if case .room(let room) = place { name = Self.rooms[Int(room.index)] }
    if case .lane = place { name = "door" }
    switch body {
    case .siteOpened: return "site opened"
    case .siteClosed: return "site closed"
    case .incidentBegan(let number, _, _): return "incident at \(name)" + (number > 0 ? " for case \(number)" : "")
    case .incidentEnded: return "incident over at \(name)"
    case .caseStep(let step, let fact, _, _): return "case \(fact.number) \(step.name) \(fact.seconds / 60)"
    case .roomLocked(let number): return "\(name) locked \(number)"
    case .roomFreed(let number): return "\(name) freed \(number)"
    case .disinfected(let method, let began, let ended, _, _): return "\(name) \(method.name) \((ended - began) / 60_000_000_000)"
    case .attested(let item, _): return "attested \(Self.items[Int(item)])"
    case .alarmRaised(let fact): return "alarm \(fact.occurrence) \(fact.kind.name) \(fact.priority.name)"
    case .alarmRepeated(let fact): return "alarm \(fact.occurrence) \(fact.kind.name) again"
    case .alarmCleared(let fact): return "cleared \(fact.occurrence) \(fact.kind.name)"
    case .lost: return "lost"
    default: return nil
    }
  }
}
