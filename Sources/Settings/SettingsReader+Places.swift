// Lanes, rooms and the policy that decides in them.

import Devices
public import Domain
import Rules

extension LaneWiring {
  /// Every device the lane needs.
  public var devices: [DeviceID] {
    [thermometer.device] + [gate, readBack, lamp, buzzer, passage, presence, fireRelease, staffButton].compactMap { $0?.device }
      + [hall, reference?.device, second?.device, identity?.device, outdoor].compactMap(\.self)
  }
}

extension SettingsReader {
  func readLane(_ name: String, _ entry: Entry, desk: Desk?, ports: [PortSettings?], _ policy: PolicySettings) -> LaneWiring? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let thermometer = section.required("thermometer").flatMap { readThermometer($0, policy) }
    let hall = section.optional("hall").flatMap(readHall)
    let reference = section.optional("reference").flatMap { readReference($0, thermometer?.device, policy) }
    if let thermometer, thermometer.ambientFactor != 0, !knowsAir(thermometer.device, hall) {
      entry.note("ambient_c_per_c needs to know how warm the air is: name a hall sensor that measures its temperature")
    }
    let second = section.optional("second_thermometer").flatMap { readSecond($0, policy) }
    let identity = section.optional("identity").flatMap(readIdentity)
    let credential = section.optional("credential")?.choice([("required", true), ("optional", false)]) ?? false
    let outdoor = section.optional("outdoor").flatMap { readPlain($0, .airTemperature, "air temperature") }
    let isForChildren = section.optional("children")?.flag() ?? false
    let gate = section.optional("gate").flatMap(readGate)
    let lamp = section.optional("lamp").flatMap { readChannel($0, "relay", .relays) }
    let buzzer = section.optional("buzzer").flatMap { readChannel($0, "relay", .relays) }
    let inputs = ["passage", "presence", "fire_release", "staff_button"].map { key in
      section.optional(key).flatMap { readChannel($0, "input", .inputs) }
    }
    if section.optional("lamp") == nil, section.optional("buzzer") == nil {
      if desk == Desk.none {
        entry.note("found no lamp and no buzzer, expected at least one: with desk none an alarm is seen or heard only here")
      } else {
        entry.warn(
          "no lamp and no buzzer: nobody at the lane sees or hears an alarm, and this version does not watch a desk yet")
      }
    }
    guard let thermometer else { return nil }
    let lane = LaneWiring(
      name: name, thermometer: thermometer, hall: hall, reference: reference, second: second,
      identity: identity, requiresCredential: credential, outdoor: outdoor, isForChildren: isForChildren, gate: gate?.channel,
      openFor: gate?.open ?? .seconds(5), onFailure: gate?.failure ?? .shut, readBack: gate?.readBack, lamp: lamp,
      buzzer: buzzer, passage: inputs[0], presence: inputs[1], fireRelease: inputs[2], staffButton: inputs[3])
    warnOfGate(lane, entry)
    if let gate = lane.gate { warnOfSharing(gate, entry, ports) }
    return lane
  }

  private func warnOfSharing(_ gate: Channel, _ entry: Entry, _ ports: [PortSettings?]) {
    guard let board = devices[Int(gate.device.index)], Int(board.port.index) < ports.count,
      let port = ports[Int(board.port.index)], case .modbusRTU = port.link
    else { return }
    let others = devices.compactMap(\.self).filter { $0.port == board.port && $0.name != board.name }.map(\.name)
    if !others.isEmpty {
      entry.warn("the gate shares the bus \(port.name) with \(others.joined(separator: ", ")): it waits while they are asked")
    }
  }

  private func readGate(_ entry: Entry) -> (channel: Channel, open: Interval, readBack: Channel?, failure: FailureState)? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let device = section.required("device").flatMap { readDeviceWith(.relays, $0, "relays") }
    let relay = section.required("relay")?.whole(1...32)
    let open = section.required("open_s")?.interval(unit: 1, 0.5...60, "s")
    let failureEntry = section.required(
      "on_failure", "Say whether the gate stands open or shut when the lane cannot decide; an escape route needs open")
    let failure = failureEntry?.choice(FailureState.allCases.map { ($0.rawValue, $0) })
    var readBack: Channel?
    if let back = section.optional("read_back"), let (number, isOnWhenOpen) = readReadBack(back), let device {
      readBack = Channel(device: device, number: number, isOnWhenOpen: isOnWhenOpen)
      check(number, device, .inputs, back, isOnWhenOpen: isOnWhenOpen)
    }
    if case .shut? = failure {
      failureEntry?.warn("the gate stays shut when the lane cannot decide: on an escape route there must be another way out")
    }
    guard let device, let relay, let open, let failure else { return nil }
    check(UInt8(relay), device, .relays, entry)
    return (Channel(device: device, number: UInt8(relay)), open, readBack, failure)
  }

  /// `input 1`, or a section with `input` and `on_when`.
  private func readReadBack(_ entry: Entry) -> (number: UInt8, isOnWhenOpen: Bool)? {
    guard let plain = entry.plain else {
      guard let section = entry.section() else { return nil }
      defer { section.close() }
      let number = section.required("input")?.whole(1...32)
      let isOnWhenOpen = readOnWhen(section)
      return number.map { (UInt8($0), isOnWhenOpen) }
    }
    let words = plain.split(separator: " ")
    guard words.count == 2, words[0] == "input", let number = UInt8(words[1]), (1...32).contains(number) else {
      entry.note("found \(entry.found), expected for example: input 1, or { input: 1, on_when: open }")
      return nil
    }
    return (number, false)
  }

  /// Whether a contact means "on" while it is open.
  func readOnWhen(_ section: Section) -> Bool {
    section.optional("on_when")?.choice([("closed", false), ("open", true)]) ?? false
  }

  func readChannel(_ entry: Entry, _ kind: String, _ use: Use) -> Channel? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let device = section.required("device").flatMap { readDeviceWith(use, $0, "\(kind)s") }
    let number = section.required(kind)?.whole(1...32)
    var isOnWhenOpen = false
    if case .inputs = use { isOnWhenOpen = readOnWhen(section) }
    guard let device, let number else { return nil }
    check(UInt8(number), device, use, entry, isOnWhenOpen: isOnWhenOpen)
    return Channel(device: device, number: UInt8(number), isOnWhenOpen: isOnWhenOpen)
  }

  /// Takes one channel of a board, which has only so many and must let its relays be written.
  private func check(_ number: UInt8, _ id: DeviceID, _ use: Use, _ entry: Entry, isOnWhenOpen: Bool = false) {
    let kind: Claim.Kind = if case .relays = use { .relay } else { .input }
    claim(kind, id, number, entry, isOnWhenOpen: isOnWhenOpen)
    guard let device = devices[Int(id.index)] else { return }
    var last = 32
    for field in device.profile.fields where field.use.rawValue == use.rawValue {
      if case .bits(let count) = field.type { last = min(last, count) }
    }
    if kind == .relay {
      let coils = device.profile.writes.compactMap { write -> Int? in
        switch write.kind {
        case .coil(_, let count): count
        case .relay(let bytes): bytes.count
        case .pulse, .register, .setting, .bytes, .number: nil
        }
      }
      guard let count = coils.max() else {
        return entry.note(
          "found \(device.name), expected a board whose relays can be written; \(device.profile.id) writes no coil")
      }
      last = min(last, count)
    }
    if Int(number) > last {
      entry.note("found \(kind.rawValue) \(number), expected 1 to \(last), as many as \(device.name) has")
    }
  }

  /// A device that has a field of this use. A device whose own description is wrong is taken as it is.
  func readDeviceWith(_ use: Use, _ entry: Entry, _ what: String) -> DeviceID? {
    guard let index = entry.reference("device", deviceNames) else { return nil }
    used.insert(index)
    if let device = devices[index], !device.profile.fields.contains(where: { $0.use.rawValue == use.rawValue }) {
      entry.note("found \(entry.found), expected a device with \(what); \(device.profile.id) has none")
      return nil
    }
    return DeviceID(index)
  }

  func readAir(_ part: Section, _ air: inout AirPolicy) {
    set(&air.meanLimit, part.optional("mean_1h_ppm"), 400...10_000, "ppm")
    // A limit that is changed takes its clear limit along.
    if part.optional("mean_1h_ppm") != nil { air.meanClear = air.meanLimit - 50 }
    set(&air.meanClear, part.optional("mean_clear_ppm"), 400...10_000, "ppm")
    set(&air.highLimit, part.optional("high_ppm"), 400...10_000, "ppm")
    if part.optional("high_ppm") != nil { air.highClear = air.highLimit - 100 }
    set(&air.highClear, part.optional("high_clear_ppm"), 400...10_000, "ppm")
    set(&air.adviceLimit, part.optional("advice_ppm"), 400...10_000, "ppm")
    if part.optional("advice_ppm") != nil { air.adviceClear = air.adviceLimit - 50 }
    set(&air.adviceClear, part.optional("advice_clear_ppm"), 400...10_000, "ppm")
    set(&air.shortWindow, part.optional("high_mean_s"), 1...3_600)
    set(&air.highAfter, part.optional("high_after_s"), 0...86_400)
    set(&air.highClearAfter, part.optional("high_clear_after_s"), 0...86_400)
    set(&air.longWindow, part.optional("mean_s"), 1...14_400)
    set(&air.meanClearAfter, part.optional("mean_clear_after_s"), 0...86_400)
    set(&air.adviceAfter, part.optional("advice_after_s"), 0...86_400)
    set(&air.adviceClearAfter, part.optional("advice_clear_after_s"), 0...86_400)
    readFreshAir(part, &air)
    readVentilation(part, &air)
    for (name, limit, clear) in [
      ("mean_1h_ppm", air.meanLimit, air.meanClear), ("high_ppm", air.highLimit, air.highClear),
      ("advice_ppm", air.adviceLimit, air.adviceClear),
    ] where clear >= limit {
      part.entry.note("\(name) is \(shortest(limit)) and its clear limit \(shortest(clear)), expected a clear limit below it")
    }
    // 120 bins, five of them a short mean.
    let longest = air.shortWindow.seconds * 24
    if air.longWindow < air.shortWindow { part.entry.note("expected high_mean_s <= mean_s") }
    if air.longWindow.seconds > longest {
      let wanted = shortest(air.longWindow.seconds)
      part.entry.warn("the long mean covers 24 times high_mean_s at most: \(shortest(longest)) s, not \(wanted) s")
    }
    part.close()
  }

  func set(_ value: inout Int, _ entry: Entry?, _ range: ClosedRange<Int>) {
    if let number = entry?.whole(range) { value = number }
  }
  func set(_ value: inout Double, _ entry: Entry?, _ range: ClosedRange<Double>, _ unit: String = "") {
    if let number = entry?.number(range, unit) { value = number }
  }
  func set(_ value: inout Interval, _ entry: Entry?, _ range: ClosedRange<Double>) {
    if let interval = entry?.interval(unit: 1, range, "s") { value = interval }
  }
}
