// A room's day as lines of text: what happens, and what the rules say of it.
//
//     08:00 co2 600              its sensor reads this; `co2 falls 4`: by so many air changes an hour; `co2 rises 10`: ppm a minute
//     08:30 second +200          another sensor reads so much more; `second silent`
//     09:00 window open          or shut, silent; `fan on`; `declare begin`, `declare end`; `in`, `out`: somebody passes
//     10:00 session start        or end; `people 20`; `lock`, `unlock`
//     11:00 asleep 480           nobody looks for so many minutes; `restart 3`: the door is down; `clock +60`: the wall clock is set
//     1 08:00 end                a number before the time: days after the first
//
// The first day is Monday, 23 November 2026.

import Domain

@testable import Rules

struct RoomDay: ~Copyable {
  private static let midnight: Int64 = 1_795_392_000
  private let members: RoomMembers
  private let hours: Hours?
  private let timetable: [SessionPlan]
  private let zone: @Sendable (Int64) -> Int32
  private var rooms: Rooms
  var alarms: Alarms
  private var effects = Effects()
  private(set) var now = Now(boot: Instant(ns: 1_000_000_000_000), wall: 0)
  private(set) var happened: [String] = []
  private var ppm = Double.nan
  private var falls = 0.0
  private var rises = 0.0
  private var isFlickering = false
  /// By how much the second sensor reads more; NaN: it is silent.
  private var second = 0.0
  private var contacts: [Bool?]
  /// Each input twice.
  var doubles = false
  /// Each of so many steps tells nothing; 0: none.
  var losesEvery = 0
  /// What is told is ten seconds old.
  var isLate = false
  private var steps = 0
  private var before: (ppm: Double, contacts: [Bool?])?
  private(set) var judged: [SlotFact] = []
  private(set) var ended: [VentilationFact] = []
  /// What the site was told of the ventilation that runs.
  private(set) var told: (effect: VentilationEffect, before: AirBefore, airChanges: Double)?

  init(
    _ settings: RoomSettings = RoomDay.room, sensors: Int = 1, contacts: [RoomContact] = [], hours: Hours? = Hours(),
    timetable: [SessionPlan] = [], zone: @escaping @Sendable (Int64) -> Int32 = { _ in 28_800 }
  ) {
    members = RoomMembers(settings, co2: (0..<sensors).map { DeviceID($0) }, contacts: contacts)
    self.hours = hours
    self.timetable = timetable
    self.zone = zone
    self.contacts = contacts.map { _ in false }
    rooms = Rooms([members], hours: hours, timetable: timetable)
    alarms = Self.alarms(settings.policy)
  }

  static var room: RoomSettings {
    var room = RoomSettings(policy: AirPolicy(), volume: 180)
    room.isJudged = true
    return room
  }

  private static func alarms(_ policy: AirPolicy) -> Alarms {
    Alarms(
      Places(lanes: 0, rooms: 1, devices: 2, ports: 0), settings: { AlarmSettings.standard(for: $0, policy) }, isAtLane: { _ in false })
  }

  var air: AirFact { rooms.rows[0].air }
  func ventilated(sinceMinutesAgo minutes: Int64, effective: Bool = false) -> Double {
    rooms.ventilated(RoomID(0), since: now.boot + .minutes(0 - minutes), effective: effective, now).seconds / 60
  }

  /// Plays the lines and returns what was said: "12:00 morning met".
  @discardableResult
  mutating func play(_ text: String) -> [String] {
    for line in text.split(separator: "\n") {
      var words = line.split(separator: " ").map(String.init)
      var day: Int64 = 0
      if let number = Int64(words[0]) {
        day = number
        words.removeFirst()
      }
      let time = words[0].split(separator: ":").map { Int64($0) ?? 0 }
      let local = (Self.midnight + day * 86_400 + time[0] * 3600 + time[1] * 60)
      live(untilLocal: local)
      if words.count > 1 { act(Array(words.dropFirst())) }
    }
    return happened
  }

  private mutating func live(untilLocal local: Int64) {
    if now.wall == 0 {
      now.wall = (local - Int64(zone((local - 28_800) * 1_000_000_000))) * 1_000_000_000
      now.utcOffset = zone(now.wall)
      rooms.start(now, &effects)
      settle()
    }
    while now.wall / 1_000_000_000 + Int64(now.utcOffset) < local { step() }
  }

  /// Ten seconds.
  private mutating func step() {
    pass(.seconds(10))
    isFlickering.toggle()
    ppm += rises / 6
    ppm = 425 + (ppm - 425) * (1 - falls / 360)
    steps += 1
    let isLost = losesEvery > 0 && steps % losesEvery == 0
    let seen: (ppm: Double, contacts: [Bool?]) = isLate ? before ?? (ppm, contacts) : (ppm, contacts)
    before = (ppm, contacts)
    for _ in 0..<(isLost ? 0 : doubles ? 2 : 1) {
      for sensor in 0..<members.co2.count where seen.ppm.isFinite && (sensor == 0 || second.isFinite) {
        let reading = Reading(
          device: members.co2[sensor], field: 0, use: .co2, unit: .ppm, quality: .good, at: now.boot,
          decoded: seen.ppm + (isFlickering ? 1 : -1) + (sensor > 0 ? second : 0))
        rooms.co2(reading, of: sensor, in: RoomID(0), now, &alarms, &effects)
      }
      for place in contacts.indices { tell(place, seen.contacts[place]) }
    }
    settle()
  }

  private mutating func tell(_ place: Int, _ isOn: Bool?) {
    guard let isOn else { return }
    rooms.contact(place, isOn: isOn, now, &alarms, &effects)
  }

  private mutating func pass(_ time: Interval) {
    now.boot = now.boot + time
    let before = now
    now.wall += time.ns
    now.utcOffset = zone(now.wall)
    guard now.utcOffset != before.utcOffset else { return }
    // As the door has it out of a table: when it changed.
    var (low, high) = (before.wall, now.wall)
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if zone(middle) == before.utcOffset { low = middle } else { high = middle }
    }
    (now.offsetSince, now.offsetBefore) = (high, before.utcOffset)
  }

  private mutating func settle() {
    rooms.advance(to: now, &alarms, &effects)
    alarms.advance(to: now, &effects)
    for index in 0..<effects.count {
      switch effects.list[index] {
      case .event(let body, _, _): if let words = words(of: body) { say(words) }
      case .ventilated(_, _, let airChanges, let effect, let before): told = (effect, before, airChanges)
      default: break
      }
    }
    effects.clear()
  }

  private mutating func say(_ words: String) {
    let minutes = (now.wall / 1_000_000_000 + Int64(now.utcOffset) - Self.midnight) / 60
    let (day, hour, minute) = (minutes / 1440, minutes / 60 % 24, minutes % 60)
    let clock = (hour < 10 ? "0" : "") + "\(hour):" + (minute < 10 ? "0" : "") + "\(minute)"
    happened.append((day > 0 ? "\(day) " : "") + clock + " " + words)
  }

  private mutating func words(of body: EventBody) -> String? {
    switch body {
    case .ventilationBegan(let run): return "\(run.method.name) began"
    case .ventilationEnded(let run):
      ended.append(run)
      return "\(run.method.name) ended after \(Int(run.minutes.rounded())) \(run.effect.name)"
    case .ventilationJudged(let fact):
      judged.append(fact)
      let short = fact.shortMinutes > 0 && fact.verdict != .missed ? " by \(Int(fact.shortMinutes.rounded()))" : ""
      return "\(fact.slot.name) \(fact.verdict.name)\(short)"
    case .sessionBegan(let fact): return "session began" + lacking(fact.missingMinutes)
    case .sessionEnded: return "session ended"
    case .sessionHeld(let fact): return "session held" + (fact.isRoomLocked ? " locked" : lacking(fact.missingMinutes))
    case .alarmRaised(let fact): return "raised \(fact.kind.name)"
    case .alarmCleared(let fact): return "cleared \(fact.kind.name)"
    default: return nil
    }
  }

  private func lacking(_ minutes: Double) -> String { minutes > 0 ? " lacking \(Int(minutes.rounded()))" : "" }

  private mutating func act(_ words: [String]) {
    switch (words[0], words.count > 1 ? words[1] : "") {
    case ("co2", "falls"): (falls, rises) = (Double(words[2]) ?? 0, 0)
    case ("co2", "rises"): (falls, rises) = (0, Double(words[2]) ?? 0)
    case ("co2", "silent"): ppm = .nan
    case ("second", let value): second = Double(value) ?? .nan
    case ("co2", let value): (ppm, falls, rises) = (Double(value) ?? .nan, 0, 0)
    case ("window", let state): set(.window, state == "open" ? true : state == "shut" ? false : nil)
    case ("fan", let state): set(.fan, state == "on")
    case ("in", _): pulse(.wayIn)
    case ("out", _): pulse(.wayOut)
    case ("declare", let word): answer(rooms.declare(RoomID(0), begins: word == "begin", now, &alarms, &effects))
    case ("session", "start"): answer(rooms.startSession(in: RoomID(0), now, &alarms, &effects))
    case ("session", _): answer(rooms.endSession(in: RoomID(0), now, &alarms, &effects))
    case ("people", let count): answer(rooms.occupy(RoomID(0), UInt16(count) ?? 0, now, &alarms, &effects))
    case ("lock", _): rooms.lock(RoomID(0), true)
    case ("unlock", _): rooms.lock(RoomID(0), false)
    case ("asleep", let minutes): pass(.minutes(Int64(minutes) ?? 0))
    case ("clock", let minutes): now.wall += (Int64(minutes) ?? 0) * 60_000_000_000
    case ("restart", let minutes): restart(Int64(minutes) ?? 0)
    default: break
    }
    settle()
  }

  private mutating func set(_ contact: RoomContact, _ isOn: Bool?) {
    guard let place = members.contacts.firstIndex(of: contact) else { return }
    contacts[place] = isOn
    if isOn == nil { rooms.contact(place, isOn: nil, now, &alarms, &effects) }
  }

  private mutating func pulse(_ contact: RoomContact) {
    guard let place = members.contacts.firstIndex(of: contact) else { return }
    rooms.contact(place, isOn: true, now, &alarms, &effects)
    rooms.contact(place, isOn: false, now, &alarms, &effects)
  }

  private mutating func answer(_ answer: Answer) {
    switch answer {
    case .done: break
    case .refused(let refusal): say("refused \(refusal.name)")
    case .refusedFor(let refusal, .minutes(let minutes)): say("refused \(refusal.name) \(minutes)")
    case .refusedFor(let refusal, _): say("refused \(refusal.name)")
    }
  }

  private mutating func restart(_ minutes: Int64) {
    let bytes = Table<UInt8>(capacity: rooms.byteCount + alarms.byteCount, filledWith: 0)
    _ = alarms.copyBytes(to: bytes, at: rooms.copyBytes(to: bytes, at: 0))
    pass(.minutes(minutes))
    rooms = Rooms([members], hours: hours, timetable: timetable)
    alarms = Self.alarms(members.settings.policy)
    let end = rooms.replaceBytes(from: bytes, at: 0, shift: .zero)
    _ = alarms.replaceBytes(from: bytes, at: end, shift: .zero, now: now)
    rooms.start(now, &effects)
  }
}
