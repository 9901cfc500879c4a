// Alarms in virtual time. A timeline is a table a nurse can read: seconds, and what is so from then on.
//
//     0     on air_high room        the condition is there
//     400   acknowledge 1           somebody has seen alarm 1
//     500   shelve air_high room 30 for 30 minutes
//     510   state air_high room     what it is now
//     600   off air_high room
//     700   restart 60              the door was away for a minute
//
// What happens comes back as words, in order: "raised 1 air_high high", "shelved 1", "G" …

import Domain

@testable import Rules

/// A lane, a room whose air is measured by the devices a and b on port 0, and a device c on port 1 that sees the lane's reference.
struct AlarmTimeline: ~Copyable {
  var policy = AlarmPolicy()
  var settings: [AlarmKind: AlarmSettings] = [:]
  private(set) var happened: [String] = []

  private(set) var alarms = Alarms(
    Places(lanes: 0, rooms: 0, devices: 0, ports: 0), settings: { _ in AlarmSettings(priority: .low) }, isAtLane: { _ in false })
  private(set) var effects = Effects()
  private(set) var now = Now(boot: Instant(ns: 1_000_000_000), wall: 0)
  /// How far restarts have moved the boot clock.
  private var shift = Interval.zero

  init() {}

  mutating func build() {
    let chosen = settings
    alarms = Alarms(
      Places(
        lanes: 1, rooms: 1, devices: 3, ports: 2, portOfDevice: [PortID(0), PortID(0), PortID(1)],
        sensorsOfRoom: [[DeviceID(0), DeviceID(1)]], referenceOfLane: [DeviceID(2)]),
      policy: policy, settings: { chosen[$0] ?? AlarmSettings.standard(for: $0, AirPolicy()) }, isAtLane: { _ in false })
  }

  /// Plays a timeline and returns what happened.
  mutating func play(_ text: String) -> [String] {
    build()
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard let first = words.first, let seconds = Double(first) else { continue }
      run(to: Instant(ns: 1_000_000_000 + Int64(seconds * 1e9)) + shift)
      act(Array(words.dropFirst()))
      collect()
    }
    return happened
  }

  mutating func run(to end: Instant) {
    while alarms.nextDeadline <= end {
      move(to: max(now.boot, alarms.nextDeadline))
      alarms.advance(to: now, &effects)
      collect()
    }
    move(to: max(now.boot, end))
  }

  private mutating func move(to boot: Instant) {
    now.wall &+= (boot - now.boot).ns
    now.boot = boot
  }

  /// The place of a kind by one word.
  static func place(_ kind: AlarmKind, _ word: String) -> Place {
    let index = Int(word.last.flatMap { ["a": 0, "b": 1, "c": 2, "0": 0, "1": 1][$0] } ?? 0)
    return switch kind.scope {
    case .lane: .lane(LaneID(0))
    case .room: .room(RoomID(0))
    case .device: .device(DeviceID(index))
    case .port: .port(PortID(index))
    case .log: .log
    case .site: .site
    }
  }

  mutating func act(_ words: [String]) {
    let number = words.count > 1 ? UInt32(words[1]) ?? 0 : 0
    var kind = AlarmKind.airHigh
    for known in AlarmKind.allCases where words.count > 1 && known.name == words[1] { kind = known }
    let place = Self.place(kind, words.count > 2 ? words[2] : "")
    let id = AlarmID(kind, at: place)
    let who = Text("Li Na") ?? Text()
    switch words[0] {
    case "on": alarms.set(kind, at: place, true, now, &effects)
    case "worse": alarms.set(kind, at: place, true, priority: .high, now, &effects)
    case "again": alarms.set(kind, at: place, true, renew: true, now, &effects)
    case "off": alarms.set(kind, at: place, false, now, &effects)
    case "unknown": alarms.hold(kind, at: place)
    case "happens": alarms.occur(kind, at: place, now, &effects)
    case "acknowledge": answer(alarms.acknowledge(number, now, &effects))
    case "unacknowledge": answer(alarms.unacknowledge(number, now, &effects))
    case "clear": answer(alarms.clearLatched(number, now, &effects))
    case "shelve":
      answer(alarms.shelve(id, for: Interval(ns: Int64((Double(words[3]) ?? 0) * 60e9)), who: who, why: who, now, &effects))
    case "unshelve": answer(alarms.unshelve(id, now, &effects))
    case "remove": answer(alarms.takeOutOfService(id, who: who, why: who, now, &effects))
    case "return": answer(alarms.returnToService(id, now, &effects))
    case "state": happened.append(letter(kind, place))
    case "restart": restart(downFor: .seconds(Int64(words.count > 1 ? words[1] : "0") ?? 0))
    default: break
    }
  }

  private mutating func answer(_ answer: Answer) {
    collect()
    if case .refused(let refusal) = answer { happened.append("refused \(refusal.name)") }
  }

  /// As ISA-18.2 letters it.
  func letter(_ kind: AlarmKind, _ place: Place) -> String {
    switch alarms.rows[alarms.row(kind, place)].state {
    case .normal: "A"
    case .unacknowledged: "B"
    case .acknowledged: "C"
    case .returnedUnacknowledged: "D"
    case .latchedUnacknowledged: "E"
    case .latchedAcknowledged: "F"
    case .shelved: "G"
    case .suppressedByDesign: "H"
    case .outOfService: "I"
    }
  }

  /// State to bytes, another run whose boot clock began anew, bytes to state.
  mutating func restart(downFor: Interval) {
    let bytes = Table<UInt8>(capacity: alarms.byteCount, filledWith: 0)
    _ = alarms.copyBytes(to: bytes, at: 0)
    build()
    move(to: now.boot + downFor)
    let moved = Instant(ns: 5_000_000_000) - now.boot
    now.boot = now.boot + moved
    shift = shift + moved
    _ = alarms.replaceBytes(from: bytes, at: 0, shift: moved, now: now)
    happened.append("restart")
  }

  /// Effects as words.
  mutating func collect() {
    for index in 0..<effects.count {
      guard case .event(let body, _, _) = effects.list[index] else { continue }
      switch body {
      case .alarmRaised(let fact): happened.append("raised \(fact.occurrence) \(fact.kind.name) \(fact.state.name)")
      case .alarmRepeated(let fact): happened.append("again \(fact.occurrence) \(Int(fact.value))")
      case .alarmAcknowledged(let fact): happened.append("acknowledged \(fact.occurrence)")
      case .alarmUnacknowledged(let fact): happened.append("unacknowledged \(fact.occurrence)")
      case .alarmEscalated(let fact, let level): happened.append("escalated \(fact.occurrence) to \(level)")
      case .alarmSuppressed(let fact, _): happened.append("\(fact.state.name) \(fact.occurrence)")
      case .alarmUnsuppressed(let fact): happened.append("back \(fact.occurrence) \(fact.state.name)")
      case .alarmCleared(let fact): happened.append("cleared \(fact.occurrence) \(fact.kind.name)")
      default: break
      }
    }
    effects.clear()
  }
}
