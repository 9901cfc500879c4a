// What happens in a random world: people who come, what goes wrong, and what staff ask meanwhile. One number decides all of it.

public import Domain
public import Settings

/// One world, and what happens in it.
public struct RandomWorld: Sendable {
  public var seed: UInt64
  /// In the order of time.
  public var happens: [Happening]
  /// Body temperatures by name.
  var bodies: [String: Double]
  public var lasts: Interval

  /// What everybody shows to a scanner begins so.
  static var codePrefix: String { "SHOWN-ID-" }

  /// - Parameters:
  ///   - minutes: how long things go wrong.
  ///   - recovery: how long the site has then to be well again.
  init(seed: UInt64, at settings: Settings, minutes: Int, recovery: Interval) {
    var maker = WorldMaker(seed: seed, settings: settings, seconds: Double(minutes) * 60)
    maker.people()
    maker.rooms()
    maker.mishaps()
    maker.staff()
    self.seed = seed
    happens = maker.happens.sorted { ($0.at, $0.words) < ($1.at, $1.words) }
    bodies = maker.bodies
    lasts = Interval.minutes(Int64(minutes)) + recovery
  }
}

private struct WorldMaker {
  let settings: Settings
  let seconds: Double
  var chance: Chance
  var happens: [Happening] = []
  var bodies: [String: Double] = [:]
  private var names: Names { settings.names }

  init(seed: UInt64, settings: Settings, seconds: Double) {
    self.settings = settings
    self.seconds = seconds
    chance = Chance(seed: seed &* 0x9E37_79B9 &+ 1)
  }

  private mutating func add(_ at: Double, _ what: Happening.What, _ words: String) {
    happens.append(Happening(at: Interval(ns: Int64(at * 1_000) * 1_000_000), line: 0, what: what, words: words))
  }

  private mutating func order(_ at: Double, _ line: String) { add(at, .order(line), line) }
  private mutating func below(_ count: Int) -> Int { Int(chance.next() % UInt64(count)) }
  private mutating func one<Element>(of list: [Element]) -> Element { list[below(list.count)] }
  private mutating func happens(_ share: Double) -> Bool { chance.unit() < share }

  // MARK: People and rooms

  mutating func people() {
    for (index, lane) in names.lanes.enumerated() {
      var at = 20 + 10 * chance.unit()
      while at < seconds {
        let isIll = happens(0.15)
        let body = ((isIll ? 38.1 + 1.2 * chance.unit() : 36.2 + 0.6 * chance.unit()) * 100).rounded() / 100
        let name = "p\(bodies.count + 1)"
        bodies[name] = body
        let shows = settings.lanes[index].identity == nil ? "" : " shows=\(RandomWorld.codePrefix)\(1_000 + bodies.count)"
        order(at, "person \(lane) body=\(body) stay=\(8 + below(20)) as=\(name)\(shows)")
        at += 6 + 30 * chance.unit()
      }
    }
  }

  mutating func rooms() {
    for room in names.rooms where happens(0.5) { order(30, "room \(room) occupants=\(below(40)) ach=0.5") }
  }

  // MARK: What goes wrong

  /// Faults that a device's own values do not lie by: what cannot be known is nobody's fault.
  private static let faults: [FaultKind] = [
    .silence, .delay, .late, .split, .trickle, .hangUp, .noise, .junkBefore, .junkAfter, .badCheck, .cutFrame, .wrongLength, .wrongUnit, .exception,
  ]

  mutating func mishaps() {
    let buttons = settings.lanes.flatMap { [$0.fireRelease, $0.staffButton].compactMap(\.self) }
    for _ in 0..<(2 + below(7)) {
      let at = 15 + chance.unit() * (seconds - 30), long = 1 + chance.unit() * 40
      switch below(12) {
      case 0, 1:
        let bus = one(of: names.ports)
        order(at, "unplug \(bus)")
        order(at + long, "replug \(bus)")
      case 2, 3:
        if happens(0.5) { add(at, .door(.kill), "door kill") } else { add(at, .door(.stop), "door stop") }
        if happens(0.3) { setClock(at + long / 8) }
        add(at + long / 4, .door(.start), "door start")
      case 4:
        let disk: VirtualDisk = happens(0.5) ? .full : .hung
        add(at, .disk(disk), "disk \(disk == .full ? "full" : "hung")")
        add(at + long, .disk(.good), "disk good")
      case 5: setClock(at)
      case 6 where !names.lanes.isEmpty:
        let lane = one(of: names.lanes)
        order(at, "gate \(lane) \(happens(0.5) ? "stuck_open" : "stuck_shut")")
        order(at + long, "gate \(lane) normal")
      case 7 where !buttons.isEmpty:
        let button = one(of: buttons)
        let words = "\(names.devices[Int(button.device.index)]) \(button.number)"
        order(at, "input \(words) \(button.isOnWhenOpen ? "off" : "on")")
        order(at + long / 4, "input \(words) clear")
      default:
        order(at, "fault \(one(of: names.devices)) \(one(of: Self.faults).rawValue) for=\(Int(long))")
      }
    }
  }

  private mutating func setClock(_ at: Double) {
    let step = Int64((chance.unit() - 0.5) * 7_200)
    add(at, .clock(step * 1_000_000_000), "clock \(step)s")
  }

  // MARK: What staff ask

  /// Sensible or not, at any moment: each command is carried out, or refused by name.
  mutating func staff() {
    for _ in 0..<below(16) {
      let at = 20 + chance.unit() * seconds
      switch below(20) {
      case 0:
        let place = one(of: names.lanes + names.rooms + ["site"])
        ask(at, "begin_incident", ["place": place])
        ask(at + 5 + 20 * chance.unit(), "end_incident", ["place": place], isSigned: true)
      case 1:
        ask(at, "close_site")
        for item in names.items { ask(at + 5, "attest", ["item": item], isSigned: true) }
        ask(at + 6, "open_site", isSigned: true)
      case 2, 3, 4: ask(at, "contact_reading", ["celsius": one(of: ["20", "36.5", "37.9", "38.6", "99"])], person: true)
      case 5, 6: ask(at, "resume", happens(0.5) && !names.lanes.isEmpty ? ["lane": one(of: names.lanes)] : [:], person: true)
      case 7 where !names.lanes.isEmpty: ask(at, "override", ["lane": one(of: names.lanes)])
      case 8: ask(at, "override", person: true)
      case 9: ask(at, "allow", person: true)
      case 10: ask(at, "credential", ["verdict": one(of: ["passed", "failed"])], person: true)
      case 11 where !names.lanes.isEmpty: ask(at, "credential", ["verdict": one(of: ["passed", "failed"]), "lane": one(of: names.lanes)])
      case 12 where !(names.lanes + names.rooms).isEmpty: ask(at, "open_case", ["place": one(of: names.lanes + names.rooms)])
      case 13 where !names.rooms.isEmpty:
        let step = one(of: CaseStep.allCases.filter { $0 != .opened }).name
        ask(at, "advance_case", ["case": "\(1 + below(3))", "step": step, "room": one(of: names.rooms)])
      case 14 where !names.lanes.isEmpty: ask(at, one(of: ["prove", "reset_average"]), ["lane": one(of: names.lanes)])
      case 15 where !names.rooms.isEmpty: ask(at, one(of: ["session_start", "session_end", "ventilation_begin", "ventilation_end"]), ["room": one(of: names.rooms)])
      case 16 where !names.rooms.isEmpty:
        let method = one(of: DisinfectionMethod.allCases).name
        ask(at, "disinfected", ["room": one(of: names.rooms), "method": method, "minutes": "\(below(90))"])
      case 17: suppress(at)
      default: ask(at, one(of: ["acknowledge", "acknowledge", "unacknowledge", "clear"]), alarm: one(of: AlarmKind.allCases).name)
      }
    }
  }

  private mutating func suppress(_ at: Double) {
    let kind = one(of: AlarmKind.allCases)
    let places: [String] =
      switch kind.scope {
      case .lane: names.lanes
      case .room: names.rooms
      case .device: names.devices
      case .port: names.ports
      case .log: ["log"]
      case .site: [names.site]
      }
    guard !places.isEmpty else { return }
    let keys = ["kind": kind.name, "place": one(of: places)]
    let (begin, end) = happens(0.5) ? ("shelve", "unshelve") : ("take_out_of_service", "return_to_service")
    ask(at, begin, begin == "shelve" ? keys.merging(["for_s": "\(60 + below(120))"]) { $1 } : keys)
    ask(at + 10 + 30 * chance.unit(), end, keys, isSigned: true)
  }

  /// - Parameters:
  ///   - person: it is about somebody's ticket; a number that may be anybody's, where they have none.
  ///   - isSigned: with who and why; otherwise only mostly.
  private mutating func ask(
    _ at: Double, _ command: String, _ keys: [String: String] = [:], person: Bool = false, alarm: String? = nil, isSigned: Bool = false
  ) {
    var all = keys.mapValues(JSONScalar.init)
    all["command"] = .text(command)
    let number = JSONScalar.number(Double(1 + below(40)))
    if person { all["ticket"] = number }
    if alarm != nil { all["occurrence"] = number }
    if isSigned || happens(0.8) { all["who"] = .text("Li Na") }
    if isSigned || happens(0.7) { all["why"] = .text("seen by hand") }
    // Who was elevated is asked about more than others.
    let ill = bodies.keys.filter { (bodies[$0] ?? 0) >= Witness.surelyFever }.sorted()
    let meant = !person || bodies.isEmpty ? nil : !ill.isEmpty && happens(0.7) ? one(of: ill) : one(of: bodies.keys.sorted())
    let order = StaffOrder(keys: all, person: meant, alarm: alarm.map { ($0, nil) }, isRefused: false)
    add(at, .staff(order), order.words)
  }
}
