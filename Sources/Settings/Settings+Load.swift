// A settings file, read from top to bottom. Names are collected first, so that a reference to a thing whose own
// description is wrong is not a second problem.

import Devices
import Domain
public import Foundation
import Rules
import Yams

extension Settings {
  /// Reads and checks a settings file and the profiles it names, `profiles` being their folder.
  public static func load(file: String, profiles: String) throws(Problems) -> Settings {
    try parse(readText(file), file: file, profiles: profiles)
  }

  /// Where the log is, whatever else is wrong with the file: so that somebody who has just spoilt it can still look at the
  /// door that runs with the settings before.
  public static func logFolder(file: String) throws(Problems) -> String {
    let book = ProblemBook(file: file)
    guard let top = openDocument(try readText(file), book) else { throw Problems(book.problems) }
    let reader = SettingsReader(book: book, file: file, profileFolder: "")
    let folder = reader.logFolder(top.optional("log")?.section())
    guard book.problems.isEmpty else { throw Problems(book.problems) }
    return folder
  }

  /// The site's time zone, whatever else is wrong with the file: a log that is read must know its days.
  public static func timeZone(file: String) throws(Problems) -> String? {
    let book = ProblemBook(file: file)
    guard let top = openDocument(try readText(file), book) else { throw Problems(book.problems) }
    return top.optional("site")?.section()?.optional("time_zone")?.text()
  }

  /// Where the key of identities and the tokens of the roster are, whatever else is wrong with the file.
  public static func identityFiles(file: String) throws(Problems) -> (secret: String?, rosterTokens: String?) {
    let book = ProblemBook(file: file)
    guard let top = openDocument(try readText(file), book) else { throw Problems(book.problems) }
    let reader = SettingsReader(book: book, file: file, profileFolder: "")
    let site = top.optional("site")?.section()
    func path(_ key: String) -> String? { site?.optional(key)?.text().map(reader.path) }
    return (path("identity_secret_file"), path("roster_tokens_file"))
  }

  /// The policy alone, of a settings file or of a file that holds nothing but a policy section, and what lanes say their offset
  /// is: for measurements that no door made.
  public static func policy(file: String) throws(Problems) -> (policy: PolicySettings, siteOffsets: [(lane: String, celsius: Double)]) {
    let book = ProblemBook(file: file)
    guard let top = openDocument(try readText(file), book) else { throw Problems(book.problems) }
    let reader = SettingsReader(book: book, file: file, profileFolder: "")
    let isWhole = ["site", "devices", "lanes", "policy"].contains { top.optional($0) != nil }
    let zone = isWhole ? top.optional("site")?.section()?.optional("time_zone")?.text().flatMap { TimeZone(identifier: $0) } : .current
    let policy = reader.readPolicy(isWhole ? top.optional("policy")?.section() : top, zone)
    let lanes = isWhole ? top.optional("lanes")?.section()?.named("lane") ?? [] : []
    let offsets = lanes.compactMap { lane in
      lane.value.section()?.optional("thermometer")?.section()?.optional("site_offset_c")?.number(-5...10, "degC").map { (lane.name, $0) }
    }
    guard book.problems.isEmpty else { throw Problems(book.problems) }
    return (policy, offsets)
  }

  /// Reads settings that stand in another file, as a section of it; what is wrong goes into its book.
  package static func read(_ section: Section, _ book: ProblemBook, profiles: String, now: Date = Date()) -> Settings? {
    SettingsReader(book: book, file: book.file, profileFolder: profiles).read(section, now: now)
  }

  /// Reads settings from text; relative paths are relative to `file`.
  public static func parse(
    _ text: String, file: String, profiles: String, now: Date = Date()
  ) throws(Problems) -> Settings {
    let book = ProblemBook(file: file)
    guard let top = openDocument(text, book) else { throw Problems(book.problems) }
    let reader = SettingsReader(book: book, file: file, profileFolder: profiles)
    let settings = reader.read(top, now: now)
    guard let settings, book.problems.isEmpty else { throw Problems(book.problems) }
    return settings
  }
}

/// One reading of one file.
final class SettingsReader {
  let book: ProblemBook
  let folder: URL
  let profileFolder: String
  var busNames: [String] = []
  var deviceNames: [String] = []
  var devices: [DeviceSettings?] = []
  var claims: [Claim] = []
  /// Devices that a lane or a room names.
  var used: Set<Int> = []
  private var loaded: [String: Profile?] = [:]
  private(set) var now = Date()
  /// Identities can become tokens.
  private(set) var hasSecret = false
  /// Who is expected is known.
  private(set) var hasRoster = false
  /// Somebody must answer for a room before a session begins in it.
  private(set) var sessionsNeedResponsible = false

  init(book: ProblemBook, file: String, profileFolder: String) {
    self.book = book
    self.folder = URL(filePath: file).deletingLastPathComponent()
    self.profileFolder = profileFolder
  }

  func read(_ top: Section, now: Date) -> Settings? {
    self.now = now
    let site = top.required("site")?.section().flatMap { readSite($0, now: now) }
    let deskEntry = top.required("desk")
    let desk = deskEntry?.choice(Desk.allCases.map { ($0.rawValue, $0) })
    let log = readLog(top.optional("log")?.section())
    let recorder = readRecorder(top.optional("recorder")?.section())
    let retention = readRetention(top.optional("retention")?.section())
    let buses = top.required("buses")?.section()?.named("bus") ?? []
    let deviceEntries = top.required("devices")?.section()?.named("device") ?? []
    busNames = buses.map(\.name)
    deviceNames = deviceEntries.map(\.name)
    devices = deviceEntries.map(readDevice)
    let ports = buses.enumerated().map { readBus($1.name, $1.value, index: $0) }
    let policy = readPolicy(top.optional("policy")?.section(), site.flatMap { TimeZone(identifier: $0.timeZone) })
    let alarms = readAlarms(top.optional("alarms")?.section(), air: policy.air)
    let laneEntries = top.optional("lanes")?.section()?.named("lane") ?? []
    let lanes = laneEntries.map { readLane($0.name, $0.value, desk: desk, ports: ports, policy) }
    let roomEntries = top.optional("rooms")?.section()?.named("room") ?? []
    let rooms = roomEntries.map { readRoom($0.name, $0.value, policy) }
    let checklist = (top.optional("checklist")?.section()?.named("item") ?? []).map(readItem)
    let hours = readHours(top.optional("hours"), rooms: rooms, policy)
    let timetable = readTimetable(top.optional("timetable"), rooms: rooms, policy)
    let wishes = readWishes(top.optional("realtime")?.section())
    if hasSecret, !lanes.contains(where: { $0.map { $0.identity != nil } ?? true }) {
      top.optional("site")?.warn("identity_secret_file is used by no lane: none has identity")
    }
    if hasRoster, !lanes.contains(where: { $0.map { $0.identity?.requiresRoster ?? false } ?? true }) {
      top.optional("site")?.warn("roster_tokens_file is used by no lane: none has identity.roster: required")
    }
    checkLinks(buses, ports)
    checkUse(deviceEntries)
    checkNames([("bus", buses), ("device", deviceEntries), ("lane", laneEntries), ("room", roomEntries)])
    checkPlaces(top.entry, desk: deskEntry, lanes: lanes, rooms: rooms)
    checkOpening(top.entry, site?.opening, checklist: checklist, rooms: rooms)
    top.close()
    guard let site, let desk, book.problems.isEmpty else { return nil }
    let whole = lanes.compactMap(\.self)
    var plans = devices.compactMap(\.self)
    for lane in whole { for id in lane.devices where Int(id.index) < plans.count { plans[Int(id.index)].atLane = true } }
    let links = ports.compactMap(\.self)
    var names = Names(
      site: site.id, lanes: whole.map(\.name), rooms: rooms.compactMap { $0?.name }, devices: deviceNames, ports: busNames,
      fields: plans.map { $0.profile.fields.map(\.name) }, writes: plans.map { $0.profile.namedWrites.map(\.name) },
      items: checklist.compactMap { $0?.name } + rooms.compactMap { $0?.kind == .isolation ? $0?.name : nil },
      responsible: rooms.compactMap { $0?.responsible }, sessions: timetable.names,
      reasons: rooms.compactMap { $0.map { $0.reason ?? "" } })
    names.head = site.responsible
    names.roles = site.roles
    return Settings(
      site: site, log: log, recorder: recorder, retention: retention, desk: desk, ports: links, devices: plans, lanes: whole, rooms: rooms.compactMap(\.self),
      checklist: checklist.compactMap(\.self), policy: policy, alarms: alarms, hours: hours, timetable: timetable.plans, realTime: wishes,
      names: names,
      instruments: InstrumentSettings(
        ports: links.map(\.kind),
        devices: plans.map {
          DevicePlan(
            profile: $0.profile, port: $0.port, unit: $0.unit, isAtLane: $0.atLane, variant: $0.variant, serialNumber: $0.serialNumber)
        },
        echoing: Set(links.indices.filter { if case .serial(_, let line) = links[$0].link { line.echoes } else { false } }.map { PortID($0) })),
      warnings: Problems(book.warnings).list)
  }

  func path(_ text: String) -> String {
    text.hasPrefix("/") ? text : URL(filePath: text, relativeTo: folder).standardizedFileURL.path
  }

  private func readSite(_ section: Section, now: Date) -> SiteSettings? {
    defer { section.close() }
    let id = section.required("id")?.name("site")
    let opening = section.optional("opening")?.choice(Opening.allCases.map { ($0.rawValue, $0) }) ?? .always
    let name = section.required("name")?.text()
    let dueEntry = section.optional("proof_due")
    let proofDue = dueEntry.flatMap(readClock)
    if let dueEntry, let proofDue, proofDue >= 86_400 { dueEntry.note("found \"24:00\", expected a time before the day is over") }
    let secretEntry = section.optional("identity_secret_file")
    let secret = secretEntry?.text().map(path)
    hasSecret = secretEntry != nil
    let rosterEntry = section.optional("roster_tokens_file")
    let roster = rosterEntry?.text().map(path)
    hasRoster = rosterEntry != nil
    if hasRoster, !hasSecret { rosterEntry?.note("identity_secret_file is required beside it: tokens are made with that key") }
    let responsible = section.optional("responsible").flatMap(readName) ?? ""
    let roles = (section.optional("roles")?.list() ?? []).compactMap(readRole)
    sessionsNeedResponsible = section.optional("sessions_need_responsible")?.flag() ?? false
    guard let zoneEntry = section.required("time_zone"), let zoneName = zoneEntry.text() else { return nil }
    guard let zone = TimeZone(identifier: zoneName) else {
      return zoneEntry.expected("a time zone such as Asia/Shanghai" + meant(zoneName, TimeZone.knownTimeZoneIdentifiers), nil)
    }
    guard let id, let name else { return nil }
    var settings = SiteSettings(
      id: id, name: name, timeZone: zoneName, offsets: offsets(zone, now), identitySecretFile: secret, rosterTokensFile: roster,
      opening: opening, proofDue: proofDue)
    settings.responsible = responsible
    settings.roles = roles
    settings.sessionsNeedResponsible = sessionsNeedResponsible
    return settings
  }

  private func readRole(_ entry: Entry) -> RoleHolder? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let role = section.required("role").flatMap(readName)
    let name = section.required("name").flatMap(readName)
    guard let role, let name else { return nil }
    return RoleHolder(role: role, name: name)
  }

  private func readItem(_ name: String, _ entry: Entry) -> ChecklistItem? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let what = section.required("what")?.text()
    let every = section.optional("every_h").map { $0.interval(unit: 3_600, 1...8_760, "h") } ?? .minutes(24 * 60)
    guard let what, let every else { return nil }
    return ChecklistItem(name: name, what: what, every: every)
  }

  private func offsets(_ zone: TimeZone, _ now: Date) -> [ZoneOffset] {
    let year = 366.0 * 86_400
    var moment = now.addingTimeInterval(-year)
    var table: [ZoneOffset] = []
    let end = now.addingTimeInterval(2 * year)
    while moment < end, table.count < 64 {
      table.append(
        ZoneOffset(from: Int64(moment.timeIntervalSince1970) * 1_000_000_000, seconds: Int32(zone.secondsFromGMT(for: moment))))
      guard let next = zone.nextDaylightSavingTimeTransition(after: moment), next > moment else { break }
      moment = next
    }
    return table
  }

  func logFolder(_ section: Section?) -> String { path(section?.optional("folder")?.text() ?? "log") }

  private func readLog(_ section: Section?) -> LogSettings {
    let interval = section?.optional("reading_interval_s")?.interval(unit: 1, 0.1...86_400, "s") ?? .seconds(60)
    let log = LogSettings(
      folder: logFolder(section), readingInterval: interval,
      celsiusDeadBand: section?.optional("dead_band_c")?.number(0...100, "degC") ?? 0.5,
      ppmDeadBand: section?.optional("dead_band_ppm")?.number(0...10_000, "ppm") ?? 50,
      otherDeadBand: section?.optional("dead_band_other")?.number(0...1e9) ?? 1,
      segmentMB: section?.optional("segment_mb")?.whole(1...4_096, "MB") ?? 256)
    section?.close()
    return log
  }

  private func readRecorder(_ section: Section?) -> RecorderSettings {
    defer { section?.close() }
    return RecorderSettings(
      span: section?.optional("minutes")?.interval(unit: 60, 0...1_440, "min") ?? .minutes(10),
      bytesPerBus: (section?.optional("mb_per_bus")?.whole(1...256, "MB") ?? 4) << 20,
      bytesFrozen: (section?.optional("mb_frozen")?.whole(16...65_536, "MB") ?? 512) << 20,
      keep: section?.optional("keep_h")?.interval(unit: 3_600, 1...24, "h") ?? .minutes(24 * 60))
  }

  private func readRetention(_ section: Section?) -> RetentionSettings {
    var retention = RetentionSettings()
    guard let section else { return retention }
    defer { section.close() }
    section.entry.warn("this version does not delete yet: what is older than this stays in the log")
    if let raw = section.optional("raw_h")?.interval(unit: 3_600, 1...24, "h") { retention.raw = raw }
    for (key, period, range) in [
      ("identity_days", \RetentionSettings.identity, 1.0...366), ("case_days", \.cases, 1...366), ("records_days", \.records, 31...3_660),
    ] {
      if let days = section.optional(key)?.interval(unit: 86_400, range, "days") { retention[keyPath: period] = days }
    }
    return retention
  }

  private func readWishes(_ section: Section?) -> RealTimeWishes {
    defer { section?.close() }
    return RealTimeWishes(
      fifoPriority: section?.optional("fifo_priority")?.whole(1...99), cpu: section?.optional("cpu")?.whole(0...1_023),
      lockMemory: section?.optional("lock_memory")?.flag() ?? false)
  }

  // Buses and devices

  private func profile(_ entry: Entry) -> Profile? {
    guard let name = entry.text() else { return nil }
    if let known = loaded[name] { return known }
    let files = try? FileManager.default.contentsOfDirectory(atPath: profileFolder)
    let ids = (files ?? []).filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
    var profile: Profile?
    if ids.isEmpty {
      entry.note("there are no profiles in \(profileFolder); name their folder with --profiles or GATEHOUSE_PROFILES")
    } else if entry.reference("profile", ids) != nil {
      do throws(Problems) { profile = try Profile.load(file: "\(profileFolder)/\(name).yaml") } catch { book.problems += error.list }
    }
    loaded[name] = .some(profile)
    return profile
  }

  private func readDevice(_ name: String, _ entry: Entry) -> DeviceSettings? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let profile = section.required("profile").flatMap(self.profile)
    let bus = section.required("bus")?.reference("bus", busNames)
    let unit = section.optional("unit").map { ($0, $0.whole(1...255)) }
    // Never 0: a device that was just powered on is never believed at once.
    let warmUp = section.optional("warm_up_s")?.interval(unit: 1, 1...86_400, "s")
    let calibration = readCalibration(section)
    let turnaround = section.optional("turnaround_ms")?.interval(unit: 1e-3, 0...10_000, "ms")
    guard var profile, let bus else { return nil }
    if let warmUp { profile.warmUp = warmUp }
    if let turnaround { profile.turnaround = turnaround }
    var number: UInt8 = 0
    switch profile.transport {
    case .modbus(let speech): number = UInt8(unit?.1 ?? Int(speech.unit))
    case .serial(let speech) where speech.address != nil:
      number = UInt8(unit?.1 ?? Int(speech.unit))
      // Beyond it the address would become another byte, and perhaps a command.
      if case .prefix(let base)? = speech.address, Int(number) > 255 - Int(base) {
        unit?.0.note("found unit \(number), expected at most \(255 - Int(base)): \(profile.id) adds \(base) to it")
      }
    case .serial, .hid:
      unit?.0.note("found a unit, expected none: \(profile.id) has no address")
    }
    var variant: Int?
    if let entry = section.optional("variant"), let name = entry.text() {
      variant = profile.variant(named: name)
      if variant == nil {
        let known = profile.variants.map(\.name)
        entry.note(
          "found \"\(name)\", expected " + (known.isEmpty ? "none: \(profile.id) has no variants" : either(known)) + meant(name, known))
      }
    }
    let serialNumber = section.optional("serial_number").flatMap { readSerialNumber($0, profile) }
    return DeviceSettings(
      name: name, profile: profile, port: PortID(bus), unit: number, atLane: false, variant: variant, serialNumber: serialNumber,
      calibration: calibration)
  }

  /// As the device itself tells it: text, or a whole number.
  private func readSerialNumber(_ entry: Entry, _ profile: Profile) -> SerialNumber? {
    guard let index = profile.serialNumber else {
      entry.note("found a serial number, expected none: \(profile.id) has no field that tells the device's own")
      return nil
    }
    let field = profile.fields[index]
    guard field.type.isText else { return serialNumbers(field.type).flatMap { entry.whole($0) }.map { .number($0) } }
    guard let text = entry.text() else { return nil }
    let meant = String(text.reversed().drop { $0 == " " }.reversed())
    let room = field.type.textRoom
    let units = if case .utf16le = field.type { meant.utf16.count } else { meant.utf8.count }
    return entry.expected("1 to \(room) characters, as many as \(field.name) has", (1...room).contains(units) ? .text(meant) : nil)
  }

  private func readBus(_ name: String, _ entry: Entry, index: Int) -> PortSettings? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let riders = devices.compactMap(\.self).filter { Int($0.port.index) == index }
    let line = section.optional("line").flatMap { readLine($0, over: riders.first?.profile.line ?? Line(baud: 9_600)) }
    let chosen = line ?? riders.first?.profile.line ?? Line(baud: 9_600)
    let found = ["serial", "modbus_rtu", "modbus_tcp", "hid"].compactMap { key in section.optional(key).map { (key, $0) } }
    guard let (key, value) = found.first, found.count == 1 else {
      return entry.expected("exactly one of serial, modbus_rtu, modbus_tcp or hid", nil)
    }
    if key == "hid" { return readHID(name, value, entry, riders) }
    let modbus = riders.filter { if case .modbus = $0.profile.transport { true } else { false } }
    if !modbus.isEmpty, modbus.count < riders.count { entry.note("found Modbus devices and others on one bus, expected one kind") }
    if key != "serial", modbus.isEmpty, !riders.isEmpty { value.note("found devices that do not speak Modbus: expected serial") }
    let addressed = riders.filter(\.isAddressed)
    if riders.count > 1, addressed.count < riders.count, modbus.isEmpty {
      entry.note("found \(riders.count) devices, expected one on a serial line where devices have no address")
    }
    for rider in riders {
      if case .hid = rider.profile.transport { entry.note("found \(rider.name) on a serial line or connection, but \(rider.profile.id) is a HID device") }
    }
    for (index, rider) in addressed.enumerated() {
      guard let first = addressed[..<index].first(where: { $0.unit == rider.unit }) else { continue }
      entry.note(
        "found unit \(rider.unit) twice, \(first.name) and \(rider.name), expected a unit of its own for each device")
    }
    // 0xFE and the like reach whoever is there: with others on the line, all would answer at once.
    if riders.count > 1 {
      for rider in modbus where rider.unit > 247 {
        entry.warn("unit \(rider.unit) of \(rider.name) is beyond 247: some devices answer it whatever their own unit is")
      }
    }
    if key == "modbus_tcp" { return readHost(value).map { PortSettings(name: name, link: $0) } }
    if line == nil, let first = riders.first, let other = riders.first(where: { $0.profile.line.speech != first.profile.line.speech }) {
      entry.warn(
        "\(first.name) leaves its maker at \(first.profile.line.speech), \(other.name) at \(other.profile.line.speech): the line is set as for \(first.name); set the others like it, or name line")
    }
    guard let place = readPlace(value) else { return nil }
    let isRTU = key == "modbus_rtu" || !modbus.isEmpty
    return PortSettings(name: name, link: isRTU ? .modbusRTU(place, chosen) : .serial(place, chosen))
  }

  /// `hid: { usb: "04d9:a052" }`; the profile says what reports it has and, without `usb`, which numbers are its own.
  private func readHID(_ name: String, _ value: Entry, _ entry: Entry, _ riders: [DeviceSettings]) -> PortSettings? {
    guard let section = value.section() else { return nil }
    defer { section.close() }
    let profile = riders.first?.profile
    let known = profile?.usb ?? []
    // Without a device that is known there is nothing to ask for; what is there is looked at all the same.
    let found = readUSB(section, known, isRequired: !known.isEmpty)
    guard riders.count <= 1 else { return entry.expected("one device on a HID bus", nil) }
    guard let profile else { return nil }
    guard case .hid(_, let reports) = profile.transport else {
      return value.expected("a bus of another kind: \(profile.id) is no HID device", nil)
    }
    guard let match = found else { return nil }
    if !known.contains(where: { $0.vendor == match.vendor && $0.product == match.product }) {
      value.warn("\(match.text) is none of the numbers that \(profile.id) is known by")
    }
    return PortSettings(name: name, link: .hid(match, reports))
  }

  /// `{ usb: "1a86:7523", serial_number: A50285BI, path: "1-2", interface: 0 }`.
  private func readUSB(_ section: Section, _ known: [USBMatch] = [], isRequired: Bool = true) -> USBMatch? {
    let numbers = section.optional("usb")
    var vendor: UInt16?
    var product: UInt16?
    if let numbers {
      let parts = numbers.plain?.split(separator: ":", omittingEmptySubsequences: false) ?? []
      if parts.count == 2, parts.allSatisfy({ $0.utf8.count == 4 }) {
        vendor = UInt16(parts[0], radix: 16)
        product = UInt16(parts[1], radix: 16)
      }
      if vendor == nil || product == nil { numbers.note("found \(numbers.found), expected vendor and product, for example \"1a86:7523\"") }
    } else if known.count == 1 {
      (vendor, product) = (known[0].vendor, known[0].product)
    } else if isRequired {
      _ = section.required("usb", known.isEmpty ? "" : "The profile knows several.")
    }
    let serialNumber = section.optional("serial_number")?.text()
    let path = section.optional("path")?.text()
    let interface = section.optional("interface")?.whole(0...31)
    let given = section.optional("product")?.text()
    guard let vendor, let product else { return nil }
    let name = given ?? known.first { $0.vendor == vendor && $0.product == product }?.productName
    return USBMatch(
      vendor: vendor, product: product, serialNumber: serialNumber, path: path, interface: interface, productName: name)
  }

  /// A path; `{ path: … }`, `{ by_id: … }` or what the device says of itself on USB.
  private func readPlace(_ entry: Entry) -> PortPlace? {
    var value = entry
    if case .mapping = entry.node {
      guard let section = entry.section() else { return nil }
      defer { section.close() }
      if section.optional("usb") != nil { return readUSB(section).map { .usb($0) } }
      if let name = section.optional("by_id") { return name.text().map { .path("/dev/serial/by-id/\($0)") } }
      guard let inner = section.required("path") else { return nil }
      value = inner
    }
    guard let text = value.text() else { return nil }
    if text.hasPrefix("/dev/ttyUSB") || text.hasPrefix("/dev/ttyACM") {
      value.warn(
        "\(text) can change when a cable is plugged again; usb: \"VID:PID\", or a path below /dev/serial/by-id or by-path, stays")
    }
    return .path(path(text))
  }

  private func readHost(_ entry: Entry) -> Link? {
    guard let text = entry.text(), let colon = text.lastIndex(of: ":"), colon > text.startIndex,
      let port = Int(text[text.index(after: colon)...]), (1...65_535).contains(port), !text.contains(where: \.isWhitespace)
    else { return entry.expected("host:port, for example \"10.20.0.15:502\"", nil) }
    // `[::1]:502`: the brackets keep the colons of the address apart from the port's.
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    return .modbusTCP(host: host, port: port)
  }
}

extension DeviceSettings {
  /// Several like it can share a line: by Modbus unit, or by an address of its own.
  fileprivate var isAddressed: Bool {
    switch profile.transport {
    case .modbus: true
    case .serial(let speech): speech.address != nil && unit > 0
    case .hid: false
    }
  }
}

extension PortSettings {
  fileprivate var kind: PortKind {
    switch link {
    case .serial: .serial
    case .modbusRTU: .modbusRTU
    case .modbusTCP: .modbusTCP
    case .hid: .hid
    }
  }
}

extension Line {
  /// `9600 8N1`.
  fileprivate var speech: String { "\(baud) \(dataBits)\(parity.rawValue)\(stopBits)" }
}
