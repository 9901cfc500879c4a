// What measures people at a lane, and what tells whether it may be believed.

import Devices
import Domain
import Foundation
import Rules

extension SettingsReader {
  func readThermometer(_ entry: Entry, _ policy: PolicySettings) -> ThermometerWiring? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let field = section.optional("field")
    let deviceEntry = section.required("device")
    let device = deviceEntry.flatMap { field == nil ? readDeviceWith(.surface, $0, "a surface temperature") : readAnyDevice($0) }
    if let device {
      if let field { take(field, of: device, as: .surface) }
      claim(.thermometer, device, 0, entry)
      checkPeriod(device, policy, entry)
    }
    let hint = "Measure 10 healthy people with a contact thermometer and with this one: docs/rules.md, \"The site offset\""
    let offset = section.required("site_offset_c", hint)
    let value = offset?.number(-5...10, "degC")
    if let offset, let value, !(0.3...3.5).contains(value) {
      offset.warn("\(shortest(value)) is outside 0.3 to 3.5 degC, where published offsets lie: measure it again")
    }
    let burst = section.optional("burst")?.choice(Burst.allCases.map { ($0.name, $0) }) ?? .mean
    let deviceOffset = section.optional("device_offset_c")?.number(-3...3, "degC") ?? 0
    let factor = section.optional("ambient_c_per_c")?.number(-0.5...0.5) ?? 0
    let reference = section.optional("ambient_reference_c")?.number(0...40, "degC")
    if factor != 0, reference == nil {
      section.entry.note("ambient_c_per_c needs ambient_reference_c: how warm the air was when site_offset_c was measured")
    }
    guard let device, let value else { return nil }
    return ThermometerWiring(
      device: device, siteOffset: value, burst: burst, deviceOffset: deviceOffset, ambientFactor: factor,
      ambientReference: reference ?? 0)
  }

  /// A thermometer that is too slow for a burst would never give a verdict.
  private func checkPeriod(_ id: DeviceID, _ policy: PolicySettings, _ entry: Entry) {
    guard let device = devices[Int(id.index)] else { return }
    let period = device.profile.period.seconds
    func needed(_ fever: FeverPolicy) -> Double { period * Double(fever.burstReadings) }
    if let (fever, from) = policy.firstFever(where: { needed($0) > $0.tryFor.seconds }) {
      entry.note(
        "\(device.name) measures every \(shortest(period)) s: \(fever.burstReadings) readings take \(shortest(needed(fever))) s, "
          + "longer than policy.fever.try_s, \(shortest(fever.tryFor.seconds)) s" + from)
    }
  }

  /// What a reference shows is a mean of three readings in a tenth of the window: with fewer it is never known.
  private func checkReference(_ id: DeviceID, _ policy: PolicySettings, _ entry: Entry) {
    guard let device = devices[Int(id.index)], let field = device.profile.fields.first(where: { $0.use == .reference }) else { return }
    let period = (field.every ?? device.profile.period).seconds
    if let (fever, from) = policy.firstFever(where: { period * 30 > $0.referenceWindow.seconds }) {
      entry.note(
        "\(device.name) tells of the reference every \(shortest(period)) s, and three readings are needed in a tenth of "
          + "policy.fever.reference_window_s, \(shortest(fever.referenceWindow.seconds)) s\(from): expected \(shortest(period * 30)) s or more")
    }
  }

  private func readAnyDevice(_ entry: Entry) -> DeviceID? {
    guard let index = entry.reference("device", deviceNames) else { return nil }
    used.insert(index)
    return DeviceID(index)
  }

  /// One temperature of a device that shows several, such as a region of a thermal picture, is taken for this use, and no other is.
  private func take(_ entry: Entry, of id: DeviceID, as use: Use) {
    guard let name = entry.text(), let device = devices[Int(id.index)] else { return }
    let fields = device.profile.fields
    let known = fields.filter { $0.unit == .degC }.map(\.name)
    guard let chosen = fields.firstIndex(where: { $0.name == name && $0.unit == .degC }) else {
      return entry.note("found \"\(name)\", expected a temperature of \(device.profile.id): \(either(known))" + meant(name, known))
    }
    for index in fields.indices where fields[index].use == use { devices[Int(id.index)]?.profile.fields[index].use = .information }
    devices[Int(id.index)]?.profile.fields[chosen].use = use
    devices[Int(id.index)]?.profile.fields[chosen].told = .always
  }

  /// A sensor of the hall's air.
  func readHall(_ entry: Entry) -> DeviceID? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    guard let device = section.required("device"), let id = readAnyDevice(device) else { return nil }
    if let profile = devices[Int(id.index)]?.profile, !profile.measures(.humidity), !profile.measures(.airTemperature) {
      device.note("found \(device.found), expected a device with humidity or air temperature; \(profile.id) has neither")
    }
    return id
  }

  func readReference(_ entry: Entry, _ thermometer: DeviceID?, _ policy: PolicySettings) -> ReferenceWiring? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let deviceEntry = section.optional("device")
    let device = deviceEntry.map(readAnyDevice) ?? thermometer
    let field = section.optional("field")
    if let device, let profile = devices[Int(device.index)]?.profile {
      if let field {
        if isOfReference(field, profile, isThermometer: device == thermometer) {
          if profile.fields.contains(where: { $0.name == field.plain && $0.use == .surface }) { claim(.thermometer, device, 0, entry) }
          take(field, of: device, as: .reference)
        }
      } else if device == thermometer {
        if !profile.measures(.reference) {
          entry.note("field is required: which temperature of \(profile.id) is that of the reference")
        }
      } else if let surface = profile.fields.firstIndex(where: { $0.use == .surface }) {
        devices[Int(device.index)]?.profile.fields[surface].use = .reference
        claim(.thermometer, device, 0, entry)
      } else if !profile.measures(.reference) {
        (deviceEntry ?? entry).note("found \(profile.id), expected a device with a surface temperature")
      }
    }
    let set = section.required("set_c", "The temperature that the reference is set to")?.number(20...50, "degC")
    let corrects = section.optional("correct")?.flag() ?? false
    if let device { checkReference(device, policy, entry) }
    guard let device, let set else { return nil }
    return ReferenceWiring(device: device, set: set, corrects: corrects)
  }

  /// Of a temperature that is something else, or that people are measured by, a reference is none.
  private func isOfReference(_ field: Entry, _ profile: Profile, isThermometer: Bool) -> Bool {
    guard let use = profile.fields.first(where: { $0.name == field.plain })?.use else { return true }
    switch use {
    case .sensorAmbient, .airTemperature:
      field.note("found \(field.found), expected a temperature of the reference; \(profile.id) uses it as \(use.name)")
    case .surface where isThermometer:
      field.note("found \(field.found), by which people are measured here; expected another temperature, of the reference")
    default: return true
    }
    return false
  }

  func readPlain(_ entry: Entry, _ use: Use, _ what: String) -> DeviceID? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    return section.required("device").flatMap { readDeviceWith(use, $0, what) }
  }

  func readSecond(_ entry: Entry, _ policy: PolicySettings) -> SecondWiring? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let device = section.required("device").flatMap { readDeviceWith(.surface, $0, "a surface temperature") }
    if let device {
      claim(.thermometer, device, 0, entry)
      checkPeriod(device, policy, entry)
    }
    let offset = section.required("site_offset_c", "It is another thermometer and has an offset of its own")?.number(-5...10, "degC")
    guard let device, let offset else { return nil }
    return SecondWiring(device: device, siteOffset: offset)
  }

  func readIdentity(_ entry: Entry) -> IdentityWiring? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let deviceEntry = section.required("device")
    let device = deviceEntry.flatMap(readAnyDevice)
    let isRequired = section.required("required", "Say whether somebody may pass without an identity")?.flag()
    let rosterEntry = section.optional("roster")
    let requiresRoster = rosterEntry?.choice([("required", true), ("optional", false)]) ?? false
    if requiresRoster, !hasRoster {
      rosterEntry?.note("site.roster_tokens_file is required beside it: gatehouse roster import writes there who is expected")
    }
    if requiresRoster, isRequired == false {
      rosterEntry?.warn("identity.required is false: whoever is not on the roster passes by showing nothing")
    }
    let fieldEntry = section.optional("field")
    var field: Int?
    if let device, let deviceEntry, let profile = devices[Int(device.index)]?.profile {
      let known = profile.fields.filter { $0.personal && $0.type.isText }.map(\.name)
      let wanted = fieldEntry?.text() ?? (known.count == 1 ? known[0] : nil)
      if known.isEmpty {
        deviceEntry.note("found \(deviceEntry.found), expected a scanner or card reader; \(profile.id) tells nobody's identity")
      } else if let wanted {
        field = profile.fields.firstIndex { $0.name == wanted && known.contains(wanted) }
        if field == nil { fieldEntry?.note("found \"\(wanted)\", expected \(either(known))" + meant(wanted, known)) }
      } else {
        section.entry.note("field is required: \(profile.id) tells \(either(known))")
      }
    }
    // What is shown at it would be somebody's at each lane.
    if let device { claim(.scanner, device, 0, entry) }
    if !hasSecret {
      section.entry.note("site.identity_secret_file is required beside it: identities are kept as tokens under that key only")
    }
    guard let device, let field, let isRequired else { return nil }
    return IdentityWiring(device: device, field: UInt16(clamping: field), isRequired: isRequired, requiresRoster: requiresRoster)
  }

  func knowsAir(_ thermometer: DeviceID, _ hall: DeviceID?) -> Bool {
    if let hall, devices[Int(hall.index)]?.profile.measures(.airTemperature) ?? true { return true }
    return devices[Int(thermometer.index)]?.profile.measures(.sensorAmbient) ?? true
  }

  /// `calibrated` and for how many days it holds; both or none.
  func readCalibration(_ section: Section) -> Calibration? {
    let day = section.optional("calibrated")
    let days = section.optional("calibration_days")
    let began = day.flatMap(readDay)
    let length = days?.whole(1...3_650, "days")
    switch (day, days) {
    case (nil, nil): return nil
    case (let day?, nil): day.note("calibration_days is required beside it: for how long the calibration holds")
    case (nil, let days?): days.note("calibrated is required beside it: the day of the calibration, for example 2026-03-01")
    default: break
    }
    guard let day, let began, let length else { return nil }
    let today = Int((now.timeIntervalSince1970 / 86_400).rounded(.down))
    if began > today + 1 { day.note("found \(day.found), expected a day that has been") }
    if began + length < today { day.warn("this calibration has ended: a lane with this device gives no result until it is calibrated anew") }
    return Calibration(day: began, days: length)
  }

  /// Days since 1970-01-01.
  private func readDay(_ entry: Entry) -> Int? {
    let plain = entry.plain ?? ""
    let date = plain.utf8.count == 10 ? try? Date("\(plain)T00:00:00Z", strategy: .iso8601) : nil
    // 30 February would be a day of March.
    let isReal = date.map { $0.formatted(.iso8601.year().month().day()) == plain } ?? false
    return entry.expected("a day, for example 2026-03-01", isReal ? date.map { Int($0.timeIntervalSince1970 / 86_400) } : nil)
  }
}

extension Profile {
  func measures(_ use: Use) -> Bool { fields.contains { $0.use == use } }
}
