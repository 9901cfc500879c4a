// Commands: what a person at the simulators, a script or a test can make happen. Each line gets one line back: `ok`,
// `error` and a sentence, or for `state` a JSON object.

import Domain
import Rules
import Devices

extension World {
  /// Carries out one line at the world's present moment.
  public mutating func perform(_ line: String) -> String {
    do throws(Order.Mistake) {
      let order = try Order(line)
      if order.verb == "state" { return state() }
      try perform(order)
      return "ok"
    } catch {
      return "error \(error.sentence)"
    }
  }

  private mutating func perform(_ order: Order) throws(Order.Mistake) {
    switch order.verb {
    case "person": try person(order)
    case "people": try people(order)
    case "room": try room(order)
    case "outdoors": try outdoors(order)
    case "input": try input(order)
    case "field": try field(order)
    case "fault": try fault(order)
    case "swap": try swap(order)
    case "unplug": try plug(order, false)
    case "replug": try plug(order, true)
    case "power": try power(order)
    case "gate": try gate(order)
    case "ambient": try degrees(order, -60...80) { $0.ambient = $1 }
    case "offset": try degrees(order, -10...10) { $0.siteOffset = $1 }
    case "speed": try speed(order)
    case "quit": wantsToQuit = true
    default: throw Order.Mistake("\(order.verb) is not known here")
    }
  }

  private mutating func person(_ order: Order) throws(Order.Mistake) {
    let lane = try index(of: order.word(0, "a lane"), in: plan.lanes.map(\.name), "lane")
    try order.allow("body", "skin", "stay", "second_body", "second_after", "pass", "as", "shows")
    guard let body = try order.number("body") else { throw Order.Mistake("person needs body=DEGREES") }
    var person = Person(body: body, skin: try order.number("skin"))
    person.name = order.options["as"]
    person.code = order.options["shows"]
    if person.code != nil { try checkScanner(of: lane) }
    if let stay = try order.number("stay") { person.stay = try interval(stay) }
    if let second = try order.number("second_body") {
      person.second = (second, try interval(order.number("second_after") ?? 0.8))
    }
    if let word = order.options["pass"] {
      guard word == "yes" || word == "no" else { throw Order.Mistake("pass is yes or no, not \"\(word)\"") }
      person.goesThrough = word == "yes"
    }
    lanes[lane].arrive(person)
  }

  private func checkScanner(of lane: Int) throws(Order.Mistake) {
    guard let scanner = plan.lanes[lane].scanner else { throw Order.Mistake("\(plan.lanes[lane].name) has no scanner to show a code to") }
    if devices[scanner.device].frameSpeech != nil { return }
    throw Order.Mistake("\(plan.devices[scanner.device].name) speaks Modbus, and no code is simulated in registers")
  }

  /// Whether what a `wait` is for is so now: `wait gate LANE open|shut`, `wait lane LANE
  /// empty|taken`, `wait relay DEVICE N on|off`.
  func isSo(_ order: Order) throws(Order.Mistake) -> Bool {
    try order.allow("for")
    switch try order.word(0, "gate, lane or relay") {
    case "gate":
      let lane = try index(of: order.word(1, "a lane"), in: plan.lanes.map(\.name), "lane")
      let word = try order.word(2, "open or shut")
      guard word == "open" || word == "shut" else { throw Order.Mistake("a gate is open or shut, not \"\(word)\"") }
      return lanes[lane].gate.isOpen == (word == "open")
    case "lane":
      let lane = try index(of: order.word(1, "a lane"), in: plan.lanes.map(\.name), "lane")
      let word = try order.word(2, "empty or taken")
      guard word == "empty" || word == "taken" else { throw Order.Mistake("a lane is empty or taken, not \"\(word)\"") }
      return (lanes[lane].presence == nil && lanes[lane].waiting.isEmpty) == (word == "empty")
    case "relay":
      let device = try index(of: order.word(1, "a device"), in: plan.devices.map(\.name), "device")
      guard let channel = Int(try order.word(2, "a relay's number")), (1...32).contains(channel) else {
        throw Order.Mistake("a relay is a number from 1 to 32")
      }
      return devices[device].isRelayOn(channel, at: now) == (try isOn(order.word(3, "on or off")))
    case let word: throw Order.Mistake("one waits for gate, lane or relay, not \"\(word)\"")
    }
  }

  /// How long a `wait` may take.
  func patience(of order: Order) throws(Order.Mistake) -> Interval { try interval(order.number("for") ?? 10) }

  private mutating func people(_ order: Order) throws(Order.Mistake) {
    try order.allow("every", "fever")
    let every = try order.number("every") ?? peopleEvery ?? 8
    guard every > 0 else { throw Order.Mistake("every= must be above 0") }
    let share = try order.number("fever") ?? feverShare
    guard (0...1).contains(share) else { throw Order.Mistake("fever= is a share, 0 to 1") }
    let isOn = try isOn(order.word(0, "on or off"))
    feverShare = share
    setPeople(every: isOn ? every : nil)
  }

  private mutating func room(_ order: Order) throws(Order.Mistake) {
    let room = try index(of: order.word(0, "a room"), in: plan.rooms.map(\.name), "room")
    try order.allow("occupants", "ach", "co2", "outdoor", "windows", "fan", "door", "window_ach", "fan_ach")
    let occupants = try order.number("occupants"), ach = try order.number("ach")
    let ppm = try order.number("co2"), outdoor = try order.number("outdoor")
    let windowACH = try order.number("window_ach"), fanACH = try order.number("fan_ach")
    guard [occupants, ach, ppm, outdoor, windowACH, fanACH].allSatisfy({ ($0 ?? 0) >= 0 && ($0 ?? 0) <= 1e6 }) else {
      throw Order.Mistake("a room's numbers are between 0 and a million")
    }
    let windows = try isOpen(order, "windows"), door = try isOpen(order, "door")
    let fan = try order.options["fan"].map { word throws(Order.Mistake) in try isOn(word) }
    if let occupants { rooms[room].occupants = Int(occupants) }
    if let ach { rooms[room].leakage = ach }
    if let ppm { rooms[room].ppm = ppm }
    if let outdoor { rooms[room].outdoorPPM = outdoor }
    if let windowACH { rooms[room].windowAirChanges = windowACH }
    if let fanACH { rooms[room].fanAirChanges = fanACH }
    if let windows { rooms[room].windowsAreOpen = windows }
    if let door { doorways[room].isOpen = door }
    if let fan { setFan(fan, room: room) }
  }

  /// A fan that a relay drives runs when its relay is on.
  private mutating func setFan(_ isOn: Bool, room: Int) {
    rooms[room].fanRuns = isOn
    for contact in plan.rooms[room].contacts where contact.contact == .fan && contact.isRelay {
      devices[contact.wire.device].registers?.setRelay(contact.wire.channel, isOn)
    }
  }

  private func isOpen(_ order: Order, _ key: String) throws(Order.Mistake) -> Bool? {
    switch order.options[key] {
    case nil: nil
    case "open"?: true
    case "shut"?: false
    case let word?: throw Order.Mistake("\(key)= is open or shut, not \"\(word)\"")
    }
  }

  private mutating func outdoors(_ order: Order) throws(Order.Mistake) {
    try order.allow("humidity")
    guard let celsius = Double(try order.word(0, "degrees")), (-40...50).contains(celsius) else {
      throw Order.Mistake("outdoors is between -40 and 50 degC")
    }
    let humidity = try order.number("humidity") ?? outdoors.humidity
    guard (0...100).contains(humidity) else { throw Order.Mistake("humidity= is between 0 and 100 %RH") }
    outdoors = Outdoors(temperature: celsius, humidity: humidity)
  }

  private mutating func input(_ order: Order) throws(Order.Mistake) {
    let device = try device(order)
    try order.allow()
    guard let channel = Int(try order.word(1, "an input's number")), (1...32).contains(channel) else {
      throw Order.Mistake("an input is a number from 1 to 32")
    }
    let word = try order.word(2, "on, off or clear")
    devices[device].switched[channel] = word == "clear" ? nil : try isOn(word)
  }

  private mutating func field(_ order: Order) throws(Order.Mistake) {
    let device = try device(order)
    try order.allow()
    let fields = devices[device].profile.fields
    let own = fields.indices.filter { fields[$0].isPlayed(as: devices[device].variant) }
    let field = own[try index(of: order.word(1, "a field"), in: own.map { fields[$0].name }, "field")]
    let word = try order.word(2, "a value, nan or clear")
    guard word == "clear" || Double(word) != nil else { throw Order.Mistake("\(word) is no number") }
    devices[device].held[field] = Double(word)
  }

  private mutating func fault(_ order: Order) throws(Order.Mistake) {
    let device = try device(order)
    try order.allow("for", "chance", "by")
    let word = try order.word(1, "a fault or clear")
    guard word != "clear" else {
      devices[device].fault = nil
      devices[device].frozen = nil
      return
    }
    guard let kind = FaultKind(rawValue: word) else {
      throw Order.Mistake("there is no fault \"\(word)\"; there are: \(FaultKind.allCases.map(\.rawValue).joined(separator: ", ")), clear")
    }
    if let lacks = lack(of: kind, device) { throw Order.Mistake("\(plan.devices[device].name) can't have the fault \(word): \(lacks)") }
    let chance = try order.number("chance") ?? 1
    guard chance > 0, chance <= 1 else { throw Order.Mistake("chance= is above 0 and at most 1") }
    let length = try order.number("for")
    let until = try length.map { s throws(Order.Mistake) in now + (try interval(s)) } ?? .never
    let by = try amount(of: kind, order)
    devices[device].frozen = kind == .stuck ? values(of: device, at: now) : nil
    devices[device].busyUntil = .past
    devices[device].calibration = kind == .selfCalibrates ? SelfCalibration(period: Interval(ns: Int64(by * 3_600e9)), from: now) : nil
    devices[device].fault = Fault(kind: kind, since: now, until: until, chance: chance, by: by)
  }

  private func amount(of kind: FaultKind, _ order: Order) throws(Order.Mistake) -> Double {
    let said = try order.number("by")
    guard let measure = kind.measure else {
      if said != nil { throw Order.Mistake("\(kind.rawValue) has no by=") }
      return 0
    }
    guard let by = said ?? measure.ordinary else { throw Order.Mistake("\(kind.rawValue) needs by=, how much") }
    guard measure.range.contains(by) else {
      throw Order.Mistake("by= of \(kind.rawValue) is between \(measure.range.lowerBound) and \(measure.range.upperBound)")
    }
    return by
  }

  /// Why a device can't have a fault; `nil`: it can.
  private func lack(of kind: FaultKind, _ device: Int) -> String? {
    let link = plan.buses[devices[device].bus].link, fields = devices[device].profile.fields
    switch kind {
    case .exception, .wrongUnit, .answersOthers: return devices[device].registers == nil ? "it does not speak Modbus" : nil
    case .hangUp, .drops: if case .modbusTCP = link { return nil } else { return "it is not behind TCP" }
    case .baud, .echo: return link.line == nil ? "it is on no serial line" : nil
    case .late: return devices[device].patience == nil ? "nobody asks it" : nil
    case .selfCalibrates: return fields.contains { $0.use == .co2 } ? nil : "it measures no CO2"
    case .jump, .drift, .slow: return fields.contains(where: \.isMeasured) ? nil : "it measures nothing"
    case .sentinel: return fields.contains { !$0.sentinels.isEmpty } ? nil : "its profile has no sentinels"
    case .normalises: return laneOfDevice[device] ?? secondOfDevice[device] == nil ? "it is no lane's thermometer" : nil
    case .silence, .delay, .split, .trickle, .noise, .junkBefore, .junkAfter, .badCheck, .cutFrame, .wrongLength, .stuck: return nil
    }
  }

  /// Two devices trade their places on the wires: what belonged to one is heard where the other was.
  private mutating func swap(_ order: Order) throws(Order.Mistake) {
    let first = try device(order)
    let second = try index(of: order.word(1, "two devices"), in: plan.devices.map(\.name), "device")
    try order.allow()
    guard first != second else { throw Order.Mistake("swap needs two devices") }
    guard plan.buses[devices[first].bus].link.takes(plan.buses[devices[second].bus].link) else { throw Order.Mistake("their wires are of different kinds") }
    (devices[first].bus, devices[second].bus) = (devices[second].bus, devices[first].bus)
    (devices[first].unit, devices[second].unit) = (devices[second].unit, devices[first].unit)
    wire()
    for index in [first, second] { devices[index].heard = [] }
  }

  private mutating func plug(_ order: Order, _ wanted: Bool) throws(Order.Mistake) {
    let bus = try index(of: order.word(0, "a bus"), in: plan.buses.map(\.name), "bus")
    try order.allow()
    guard plugged[bus] != wanted else { throw Order.Mistake("it is \(wanted ? "plugged in" : "unplugged") already") }
    plugged[bus] = wanted
    plugs[bus] += 1
    for index in devices.indices where devices[index].bus == bus && devices[index].profile.power == .usb {
      devices[index].setPower(wanted, at: now)
    }
    wires.streams[bus] = nil
    wires.deliveries.removeAll { $0.bus == bus }
  }

  /// A device loses its power, or gets it back.
  private mutating func power(_ order: Order) throws(Order.Mistake) {
    let device = try device(order)
    try order.allow("relays")
    let isOn = try isOn(order.word(1, "on or off"))
    guard devices[device].isPowered != isOn else { throw Order.Mistake("it is \(isOn ? "on" : "off") already") }
    let relays = order.options["relays"]
    guard relays == nil || isOn && (relays == "kept" || relays == "off") else {
      throw Order.Mistake("relays= is said with on: off, or kept as they were")
    }
    devices[device].setPower(isOn, keepsRelays: relays == "kept", at: now)
  }

  private mutating func gate(_ order: Order) throws(Order.Mistake) {
    let lane = try index(of: order.word(0, "a lane"), in: plan.lanes.map(\.name), "lane")
    try order.allow()
    let word = try order.word(1, "stuck_open, stuck_shut or normal")
    guard let fault = GateFault(rawValue: word) else {
      throw Order.Mistake("a gate is \(GateFault.allCases.map(\.rawValue).joined(separator: ", ")), not \"\(word)\"")
    }
    lanes[lane].setFault(fault)
  }

  private mutating func degrees(
    _ order: Order, _ range: ClosedRange<Double>, set: (inout Lane, Double) -> Void
  ) throws(Order.Mistake) {
    let lane = try index(of: order.word(0, "a lane"), in: plan.lanes.map(\.name), "lane")
    try order.allow()
    guard let celsius = Double(try order.word(1, "degrees")), range.contains(celsius) else {
      throw Order.Mistake("\(order.verb) is between \(range.lowerBound) and \(range.upperBound) degC")
    }
    set(&lanes[lane], celsius)
  }

  private mutating func speed(_ order: Order) throws(Order.Mistake) {
    try order.allow()
    guard let times = Double(try order.word(0, "a number")), (0...10_000).contains(times) else {
      throw Order.Mistake("speed is between 0 and 10000")
    }
    airSpeed = times
  }

  private func device(_ order: Order) throws(Order.Mistake) -> Int {
    try index(of: order.word(0, "a device"), in: plan.devices.map(\.name), "device")
  }

  private func index(of name: String, in names: [String], _ what: String) throws(Order.Mistake) -> Int {
    guard let index = names.firstIndex(of: name) else {
      throw Order.Mistake("there is no \(what) \"\(name)\"; there are: \(names.joined(separator: ", "))")
    }
    return index
  }

  private func interval(_ seconds: Double) throws(Order.Mistake) -> Interval {
    guard (0...1e6).contains(seconds) else { throw Order.Mistake("\(seconds) s is no length of time here") }
    return Interval(ns: Int64(seconds * 1e9))
  }

  private func isOn(_ word: String) throws(Order.Mistake) -> Bool {
    switch word {
    case "on": true
    case "off": false
    default: throw Order.Mistake("\"\(word)\" is neither on nor off")
    }
  }
}
