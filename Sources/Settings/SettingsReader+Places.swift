// Lanes, rooms and the policy that decides in them.

import Devices
import Domain
import Rules

extension LaneWiring {
  /// Every device the lane needs.
  var devices: [DeviceID] {
    [thermometer] + [gate, readBack, lamp, buzzer, passage, presence, fireRelease, staffButton].compactMap { $0?.device }
  }
}

extension SettingsReader {
  func readLane(_ name: String, _ entry: Entry, desk: Desk?, ports: [PortSettings?]) -> LaneWiring? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let thermometer = section.required("thermometer").flatMap(readThermometer)
    let gate = section.optional("gate").flatMap(readGate)
    let lamp = section.optional("lamp").flatMap { readChannel($0, "relay", .relays) }
    let buzzer = section.optional("buzzer").flatMap { readChannel($0, "relay", .relays) }
    let inputs = ["passage", "presence", "fire_release", "staff_button"].map { key in
      section.optional(key).flatMap { readChannel($0, "input", .inputs) }
    }
    if desk == Desk.none, section.optional("lamp") == nil, section.optional("buzzer") == nil {
      entry.note("found no lamp and no buzzer, expected at least one: with desk none an alarm is seen or heard only here")
    }
    guard let thermometer else { return nil }
    let lane = LaneWiring(
      name: name, thermometer: thermometer.0, siteOffset: thermometer.1, gate: gate?.channel,
      openFor: gate?.open ?? .seconds(5), onFailure: gate?.failure ?? .shut, readBack: gate?.readBack, lamp: lamp,
      buzzer: buzzer, passage: inputs[0], presence: inputs[1], fireRelease: inputs[2], staffButton: inputs[3])
    if lane.gate != nil, lane.fireRelease == nil {
      entry.warn("the gate has no fire_release input; a fire alarm cannot open it")
    }
    if let gate = lane.gate { warnOfSharing(gate, entry, ports) }
    return lane
  }

  private func warnOfSharing(_ gate: Channel, _ entry: Entry, _ ports: [PortSettings?]) {
    guard let board = devices[Int(gate.device.index)], Int(board.port.index) < ports.count,
      let port = ports[Int(board.port.index)], case .modbusRTU = port.link
    else { return }
    let others = devices.compactMap(\.self).filter { $0.port == board.port && $0.name != board.name }.map(\.name)
    if !others.isEmpty {
      entry.warn("the gate shares the bus \(port.name) with \(others.joined(separator: ", ")); it waits while they are asked")
    }
  }

  private func readThermometer(_ entry: Entry) -> (DeviceID, Double)? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let device = section.required("device").flatMap { readDeviceWith(.surface, $0, "a surface temperature") }
    let hint = "Measure 10 healthy people with a contact thermometer and with this one: docs/rules.md, \"The site offset\""
    let offset = section.required("site_offset_c", hint)
    let value = offset?.number(-5...10, "degC")
    if let offset, let value, !(0.3...3.5).contains(value) {
      offset.warn("\(shortest(value)) is outside 0.3 to 3.5 degC, where published offsets lie: measure it again")
    }
    guard let device, let value else { return nil }
    return (device, value)
  }

  private func readGate(_ entry: Entry) -> (channel: Channel, open: Interval, readBack: Channel?, failure: FailureState)? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let device = section.required("device").flatMap { readDeviceWith(.relays, $0, "relays") }
    let relay = section.required("relay")?.whole(1...32)
    let open = section.required("open_s")?.interval(unit: 1, 0.1...60, "s")
    let failureEntry = section.required("on_failure", "Say whether the gate stands open or shut when the lane cannot decide")
    let failure = failureEntry?.choice(FailureState.allCases.map { ($0.rawValue, $0) })
    var readBack: Channel?
    if let back = section.optional("read_back") {
      let words = (back.plain ?? "").split(separator: " ")
      if words.count == 2, words[0] == "input", let number = UInt8(words[1]), (1...32).contains(number) {
        if let device { readBack = Channel(device: device, number: number); check(number, device, .inputs, back) }
      } else {
        back.note("found \(back.found), expected for example: input 1")
      }
    }
    if case .shut? = failure {
      failureEntry?.warn("the gate stays shut when the lane cannot decide: an escape route needs another way out or fire_release")
    }
    guard let device, let relay, let open, let failure else { return nil }
    check(UInt8(relay), device, .relays, entry)
    return (Channel(device: device, number: UInt8(relay)), open, readBack, failure)
  }

  private func readChannel(_ entry: Entry, _ kind: String, _ use: Use) -> Channel? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let device = section.required("device").flatMap { readDeviceWith(use, $0, "\(kind)s") }
    let number = section.required(kind)?.whole(1...32)
    guard let device, let number else { return nil }
    check(UInt8(number), device, use, entry)
    return Channel(device: device, number: UInt8(number))
  }

  /// A board has only so many channels.
  private func check(_ number: UInt8, _ id: DeviceID, _ use: Use, _ entry: Entry) {
    for field in devices[Int(id.index)]?.profile.fields ?? [] where field.use.rawValue == use.rawValue {
      if case .bits(let count) = field.type, Int(number) > count {
        entry.note("found channel \(number), expected 1 to \(count)")
      }
    }
  }

  /// A device that has a field of this use. A device whose own description is wrong is taken as it is.
  func readDeviceWith(_ use: Use, _ entry: Entry, _ what: String) -> DeviceID? {
    guard let index = entry.reference("device", deviceNames) else { return nil }
    if let device = devices[index], !device.profile.fields.contains(where: { $0.use.rawValue == use.rawValue }) {
      entry.note("found \(entry.found), expected a device with \(what); \(device.profile.id) has none")
      return nil
    }
    return DeviceID(index)
  }

  func readRoom(_ name: String, _ entry: Entry) -> RoomLayout? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let kind = section.optional("kind").map { $0.choice(RoomKind.allCases.map { ($0.rawValue, $0) }) } ?? .exam
    let volume = section.required("volume_m3")?.number(5...100_000, "m3")
    let seats = section.optional("seats").map { $0.whole(0...10_000) } ?? 0
    let sensors = section.optional("co2")?.list()?.compactMap { readDeviceWith(.co2, $0, "CO2") } ?? []
    let windows = section.required("windows")?.choice(Windows.allCases.map { ($0.rawValue, $0) })
    if case .some(.none) = windows { entry.warn("a room without windows or ventilation should not be used") }
    guard let kind, let volume, let seats, let windows else { return nil }
    return RoomLayout(name: name, kind: kind, volumeM3: volume, seats: seats, co2: sensors, windows: windows)
  }

  func readPolicy(_ section: Section?) -> PolicySettings {
    var policy = PolicySettings(fever: FeverPolicy(), air: AirPolicy())
    if let version = section?.optional("version")?.whole(1...1_000_000) { policy.fever.version = UInt32(version) }
    if let part = section?.optional("fever")?.section() { readFever(part, &policy.fever) }
    if let part = section?.optional("air")?.section() { readAir(part, &policy.air) }
    section?.close()
    return policy
  }

  private func readFever(_ part: Section, _ fever: inout FeverPolicy) {
    _ = part.optional("applies_to")?.choice([("axilla_equivalent", true)])
    set(&fever.threshold, part.optional("threshold_c"), 35...42, "degC")
    set(&fever.retakeFrom, part.optional("retake_from_c"), 35...42, "degC")
    set(&fever.high, part.optional("high_c"), 35...42, "degC")
    set(&fever.lowGuard, part.optional("low_guard_c"), 25...37, "degC")
    set(&fever.spread, part.optional("spread_c"), 0.05...2, "degC")
    set(&fever.retakeAfter, part.optional("retake_after_s"), 0...600)
    set(&fever.longest, part.optional("longest_s"), 5...3_600)
    set(&fever.waitingLongest, part.optional("waiting_longest_s"), 10...86_400)
    let rising = fever.lowGuard < fever.retakeFrom && fever.retakeFrom <= fever.threshold && fever.threshold <= fever.high
    if !rising { part.entry.note("expected low_guard_c < retake_from_c <= threshold_c <= high_c") }
    part.close()
  }

  private func readAir(_ part: Section, _ air: inout AirPolicy) {
    set(&air.meanLimit, part.optional("mean_1h_ppm"), 400...10_000, "ppm")
    air.meanClear = air.meanLimit - 50
    set(&air.meanClear, part.optional("mean_clear_ppm"), 400...10_000, "ppm")
    set(&air.highLimit, part.optional("high_ppm"), 400...10_000, "ppm")
    air.highClear = air.highLimit - 100
    set(&air.highClear, part.optional("high_clear_ppm"), 400...10_000, "ppm")
    set(&air.adviceLimit, part.optional("advice_ppm"), 400...10_000, "ppm")
    set(&air.adviceClear, part.optional("advice_clear_ppm"), 400...10_000, "ppm")
    set(&air.shortWindow, part.optional("high_mean_s"), 1...3_600)
    set(&air.highAfter, part.optional("high_after_s"), 0...86_400)
    set(&air.highClearAfter, part.optional("high_clear_after_s"), 0...86_400)
    set(&air.longWindow, part.optional("mean_s"), 1...14_400)
    set(&air.meanClearAfter, part.optional("mean_clear_after_s"), 0...86_400)
    set(&air.adviceAfter, part.optional("advice_after_s"), 0...86_400)
    set(&air.adviceClearAfter, part.optional("advice_clear_after_s"), 0...86_400)
    if air.meanClear >= air.meanLimit || air.highClear >= air.highLimit || air.adviceClear >= air.adviceLimit {
      part.entry.note("expected each clear limit below its limit")
    }
    part.close()
  }

  private func set(_ value: inout Double, _ entry: Entry?, _ range: ClosedRange<Double>, _ unit: String) {
    if let number = entry?.number(range, unit) { value = number }
  }
  private func set(_ value: inout Interval, _ entry: Entry?, _ range: ClosedRange<Double>) {
    if let interval = entry?.interval(unit: 1, range, "s") { value = interval }
  }
}
