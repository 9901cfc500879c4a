// Rooms, working hours and the timetable: what is measured in a room, who may be in it, and when it must be ventilated.

import Devices
import Domain
import Rules

private let weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

extension SettingsReader {
  func readRoom(_ name: String, _ entry: Entry, _ policy: PolicySettings) -> RoomLayout? {
    guard let section = entry.section() else { return nil }
    defer { section.close() }
    let kind = section.optional("kind").map { $0.choice(RoomKind.allCases.map { ($0.rawValue, $0) }) } ?? .exam
    let volume = section.required("volume_m3")?.number(5...100_000, "m3")
    let seats = section.optional("seats").map { $0.whole(0...10_000) } ?? 0
    let area = section.optional("area_m2")?.number(2...20_000, "m2")
    // At least a metre between people, front, back, left and right.
    let spacing = section.optional("seat_spacing_m")?.number(1...10, "m")
    let sensors = readSensors(section.optional("co2"), policy)
    let windows = section.required("windows")?.choice(Windows.allCases.map { ($0.rawValue, $0) })
    let reason = section.optional("reason")?.text()
    let temperature = section.optional("temperature").flatMap { readDeviceWith(.airTemperature, $0, "an air temperature") }
    let humidity = section.optional("humidity").flatMap { readDeviceWith(.humidity, $0, "humidity") }
    let (airflow, duct) = readAirflow(section)
    let contacts = readContacts(section)
    let people = section.optional("occupants")
    let occupants = people?.whole(0...10_000)
    let isSemiBasement = section.optional("semi_basement")?.flag() ?? false
    let responsible = section.optional("responsible").flatMap(readName) ?? ""
    guard let kind, let volume, let seats, let windows else { return nil }
    var room = RoomLayout(name: name, kind: kind, volumeM3: volume, seats: seats, co2: sensors, windows: windows)
    room.areaM2 = area
    room.seatSpacingM = spacing
    room.temperature = temperature
    room.humidity = humidity
    room.airflow = airflow
    room.ductAreaM2 = duct
    room.contacts = contacts
    room.occupants = occupants
    room.isSemiBasement = isSemiBasement
    room.responsible = responsible
    room.reason = windows == .none ? reason : nil
    check(room, entry, reason: reason, people: people)
    return room
  }

  private func check(_ room: RoomLayout, _ entry: Entry, reason: String?, people: Entry?) {
    switch (room.windows, room.kind) {
    case (.none, _) where reason == nil:
      entry.note(
        "found windows: none, expected a room with windows or ventilation; where there is no other, say why with reason: it is logged")
    case (.none, _): entry.warn("a room without windows or ventilation should not be used")
    case (.sealed, .isolation): entry.warn("an isolation room should have windows that open")
    default: break
    }
    if room.windows != .none, reason != nil { entry.note("found a reason, expected none: only windows: none needs one") }
    if room.co2.isEmpty, room.kind != .isolation { entry.warn("no co2 sensor: the air of this room is not watched") }
    if let area = room.areaM2, room.seats > Int(area / room.areaPerPersonM2) {
      entry.note(
        "found \(room.seats) seats in \(shortest(area)) m2, expected at most \(Int(area / room.areaPerPersonM2)): "
          + "\(shortest(room.areaPerPersonM2)) m2 for each person")
    }
    if room.seatSpacingM != nil, room.areaM2 == nil {
      entry.warn("found seat_spacing_m without area_m2: how many people the room is for follows from both")
    }
    if let people, let occupants = room.occupants, room.capacity > 0, occupants > room.capacity {
      people.note("found \(occupants), expected at most \(room.capacity), as many as the room is for")
    }
    if room.isSemiBasement, room.windows != .openable, room.airflow == nil {
      entry.warn("a semi-basement needs windows that open, or ventilation whose airflow is measured")
    }
  }

  /// Text that may enter an event.
  func readName(_ entry: Entry) -> String? {
    guard let text = entry.text() else { return nil }
    return entry.expected("at most 96 bytes without control characters", text.utf8.count <= 96 && !text.unicodeScalars.contains { $0.value < 0x20 } ? text : nil)
  }

  private func readAirflow(_ section: Section) -> (DeviceID?, Double?) {
    let entry = section.optional("airflow")
    let ductEntry = section.optional("duct_area_m2")
    let duct = ductEntry?.number(0.001...100, "m2")
    guard let entry, let index = entry.reference("device", deviceNames) else { return (nil, duct) }
    used.insert(index)
    guard let device = devices[index] else { return (DeviceID(index), duct) }
    let uses = device.profile.fields.map(\.use)
    if !uses.contains(.airflow) {
      guard uses.contains(.airVelocity) else {
        entry.note("found \(entry.found), expected a device with an airflow or an air velocity; \(device.profile.id) has none")
        return (nil, duct)
      }
      if ductEntry == nil {
        entry.note("\(device.name) measures a velocity: duct_area_m2 is required, the cross-section of the duct it sits in")
      }
    }
    return (DeviceID(index), duct)
  }

  private func readContacts(_ section: Section) -> [RoomContactWiring] {
    var contacts: [RoomContactWiring] = []
    for entry in section.optional("window_contacts")?.list() ?? [] {
      if let channel = readChannel(entry, "input", .inputs) { contacts.append(RoomContactWiring(contact: .window, channel: channel)) }
    }
    let kinds: [(String, RoomContact)] = [("door", .door), ("count_in", .wayIn), ("count_out", .wayOut)]
    for (key, contact) in kinds {
      guard let channel = section.optional(key).flatMap({ readChannel($0, "input", .inputs) }) else { continue }
      contacts.append(RoomContactWiring(contact: contact, channel: channel))
    }
    if let fan = section.optional("fan").flatMap(readFan) { contacts.append(fan) }
    let counts = contacts.filter { $0.contact == .wayIn || $0.contact == .wayOut }
    if counts.count == 1 { section.entry.note("found one of count_in and count_out, expected both: who comes and who goes") }
    return contacts
  }

  /// An input that is on while it runs, or its relay as the board reads it back.
  private func readFan(_ entry: Entry) -> RoomContactWiring? {
    guard let section = entry.section() else { return nil }
    let isRelay = section.optional("relay") != nil
    guard isRelay else { return readChannel(entry, "input", .inputs).map { RoomContactWiring(contact: .fan, channel: $0) } }
    defer { section.close() }
    let device = section.required("device").flatMap { readDeviceWith(.relays, $0, "relays") }
    let relay = section.required("relay")?.whole(1...32)
    guard let device, let relay else { return nil }
    return RoomContactWiring(contact: .fan, channel: Channel(device: device, number: UInt8(relay)), isRelay: true)
  }

  /// A mean that its sensor is too slow for would never be known, and never alarm.
  private func readSensors(_ entry: Entry?, _ policy: PolicySettings) -> [DeviceID] {
    var sensors: [DeviceID] = []
    for sensor in entry?.list() ?? [] {
      guard let id = readDeviceWith(.co2, sensor, "CO2") else { continue }
      if sensors.contains(where: { $0.index == id.index }) {
        sensor.note("found \(sensor.found) twice, expected each sensor once")
      }
      sensors.append(id)
      guard let device = devices[Int(id.index)] else { continue }
      // Three of the five bins of a short mean must hold a reading.
      let least = device.profile.period.seconds * 3
      if let (air, from) = policy.firstAir(where: { $0.shortWindow.seconds < least }) {
        sensor.note(
          "\(device.name) is read every \(shortest(device.profile.period.seconds)) s: policy.air.high_mean_s is "
            + "\(shortest(air.shortWindow.seconds))\(from), expected at least \(shortest(least))")
      }
    }
    return sensors
  }

  // MARK: Policy

  func readFreshAir(_ part: Section, _ air: inout AirPolicy) {
    set(&air.outdoor, part.optional("outdoor_ppm"), 350...700, "ppm")
    set(&air.freshAirLeast, part.optional("fresh_air_m3_h_person"), 5...200, "m3/h")
    set(&air.generation, part.optional("generation_lps"), 0.001...0.05, "L/s")
    setShare(&air.generationError, part.optional("generation_error_percent"), 1...100)
    setShare(&air.flowError, part.optional("flow_error_percent"), 0...100)
    set(&air.plausibleLowest, part.optional("plausible_lowest_ppm"), 0...400, "ppm")
    set(&air.changeHighest, part.optional("change_ppm_min"), 10...100_000, "ppm a minute")
    set(&air.changeLeast, part.optional("change_least_ppm"), 0...5_000, "ppm")
    set(&air.sameFor, part.optional("same_s"), 60...86_400)
    set(&air.flatFor, part.optional("flat_s"), 60...172_800)
    set(&air.flatWithin, part.optional("flat_ppm"), 0...100, "ppm")
    set(&air.disagreement, part.optional("disagreement_ppm"), 0...2_000, "ppm")
    setShare(&air.disagreementShare, part.optional("disagreement_percent"), 0...100)
    set(&air.baselineDrift, part.optional("baseline_drift_ppm"), 10...500, "ppm")
    set(&air.baselineNights, part.optional("baseline_nights"), 1...30)
    if air.outdoor + 100 > air.adviceLimit {
      part.entry.note("found outdoor_ppm \(shortest(air.outdoor)), expected at least 100 ppm below advice_ppm, \(shortest(air.adviceLimit))")
    }
    if air.plausibleLowest >= air.outdoor { part.entry.note("expected plausible_lowest_ppm < outdoor_ppm") }
  }

  func readVentilation(_ part: Section, _ air: inout AirPolicy) {
    setMinutes(&air.ventilationFor, part.optional("ventilation_min"), 5...480)
    if part.optional("ventilation_min") != nil { air.semiBasementFor = Interval(ns: air.ventilationFor.ns / 2 * 3) }
    setMinutes(&air.semiBasementFor, part.optional("semi_basement_min"), 5...480)
    setMinutes(&air.bridge, part.optional("bridge_min"), 0...30)
    setMinutes(&air.startWithin, part.optional("start_within_min"), 1...120)
    setShare(&air.unseenShare, part.optional("unseen_percent"), 0...50)
    set(&air.airChangesLeast, part.optional("air_changes_h"), 0.5...50, "1/h")
    set(&air.airedWithin, part.optional("aired_ppm"), 50...500, "ppm")
    set(&air.fallLeast, part.optional("fall_ppm_min"), 1...500, "ppm a minute")
    set(&air.response, part.optional("response_s"), 0...600)
    setMinutes(&air.remindBefore, part.optional("remind_min"), 0...240)
    if let choice = part.optional("next_session")?.choice([("warn", false), ("hold", true)]) { air.holdsSessions = choice }
    if air.semiBasementFor < air.ventilationFor { part.entry.note("expected ventilation_min <= semi_basement_min") }
    if air.bridge >= air.ventilationFor { part.entry.note("expected bridge_min < ventilation_min") }
  }

  private func setMinutes(_ value: inout Interval, _ entry: Entry?, _ range: ClosedRange<Double>) {
    if let interval = entry?.interval(unit: 60, range, "min") { value = interval }
  }

  private func setShare(_ value: inout Double, _ entry: Entry?, _ range: ClosedRange<Double>) {
    if let number = entry?.number(range, "%") { value = number / 100 }
  }

  // MARK: Hours and timetable

  func readHours(_ entry: Entry?, rooms: [RoomLayout?], _ policy: PolicySettings) -> Hours? {
    guard let entry, let section = entry.section() else { return nil }
    defer { section.close() }
    var hours = Hours()
    if let days = section.optional("days").flatMap(readDays) { hours.days = days }
    if let start = section.optional("start").flatMap(readClock) { hours.start = start }
    if let noon = section.optional("noon").flatMap(readClock) { hours.noon = noon }
    if let end = section.optional("end").flatMap(readClock) { hours.end = end }
    guard hours.start < hours.noon, hours.noon < hours.end else {
      entry.note("found \(clock(hours.start)), \(clock(hours.noon)), \(clock(hours.end)), expected start < noon < end")
      return hours
    }
    let shorter = min(hours.noon - hours.start, hours.end - hours.noon)
    let halfDay = "a half day of \(shorter / 60) min is shorter than policy.air."
    if let (air, from) = policy.firstAir(where: { Double(shorter) < $0.ventilationFor.seconds }) {
      entry.note(halfDay + "ventilation_min, \(shortest(air.ventilationFor.seconds / 60))\(from): no room could be ventilated in it")
    } else if let room = rooms.compactMap(\.self).first(where: { $0.isSemiBasement && $0.kind != .isolation }),
      let (air, from) = policy.firstAir(where: { Double(shorter) < $0.semiBasementFor.seconds })
    {
      entry.note(halfDay + "semi_basement_min, \(shortest(air.semiBasementFor.seconds / 60))\(from): \(room.name) could not be ventilated in it")
    }
    return hours
  }

  /// `08:30`, as seconds of the day.
  func readClock(_ entry: Entry) -> Int32? {
    let parts = (entry.plain ?? "").split(separator: ":", omittingEmptySubsequences: false)
    var second: Int32?
    if parts.count == 2, parts[0].utf8.count == 2, parts[1].utf8.count == 2, let hour = Int32(parts[0]), let minute = Int32(parts[1]),
      (0...24).contains(hour), (0...59).contains(minute), hour * 60 + minute <= 1_440
    {
      second = hour * 3600 + minute * 60
    }
    return entry.expected("a time of day such as \"08:30\"", second)
  }

  private func clock(_ second: Int32) -> String {
    let (hour, minute) = (second / 3600, second / 60 % 60)
    return (hour < 10 ? "0" : "") + "\(hour):" + (minute < 10 ? "0" : "") + "\(minute)"
  }

  private func readDays(_ entry: Entry) -> UInt8? {
    var days: UInt8 = 0
    for day in entry.list() ?? [] {
      if let index = day.choice(weekdays.enumerated().map { ($1, $0) }) { days |= 1 << UInt8(index) }
    }
    return days == 0 ? nil : days
  }

  /// Sessions and their names, in the order of the file.
  func readTimetable(_ entry: Entry?, rooms: [RoomLayout?], _ policy: PolicySettings) -> (plans: [SessionPlan], names: [String]) {
    var plans: [SessionPlan] = []
    var names: [String] = []
    var entries: [Entry] = []
    for each in entry?.list() ?? [] {
      guard let section = each.section() else { continue }
      let name = section.required("name").flatMap(readName)
      let roomEntry = section.required("room")
      let room = roomEntry?.reference("room", rooms.map { $0?.name ?? "" })
      if let room, let layout = rooms[room], layout.kind == .isolation {
        roomEntry?.note("found the isolation room \(layout.name), expected a room that sessions are held in")
      }
      if sessionsNeedResponsible, let room, let layout = rooms[room], layout.responsible.isEmpty {
        roomEntry?.note(
          "nobody answers for \(layout.name), and site.sessions_need_responsible is true: expected rooms.\(layout.name).responsible")
      }
      let days = section.required("days").flatMap(readDays)
      let start = section.required("start").flatMap(readClock)
      let end = section.required("end").flatMap(readClock)
      section.close()
      guard let name, let room, let days, let start, let end else { continue }
      guard start < end else {
        each.note("found \(clock(start)) to \(clock(end)), expected a start before its end, on one day")
        continue
      }
      guard plans.count < Int(Int16.max) else {
        each.note("found more than \(Int16.max) sessions")
        break
      }
      plans.append(SessionPlan(room: RoomID(room), days: days, start: start, end: end, name: Int16(names.count)))
      names.append(name)
      entries.append(each)
    }
    for index in plans.indices { checkSession(index, plans, names, entries[index], rooms, policy) }
    checkWaiting(plans, entries, rooms)
    return (plans, names)
  }

  private func checkSession(
    _ index: Int, _ plans: [SessionPlan], _ names: [String], _ entry: Entry, _ rooms: [RoomLayout?],
    _ policy: PolicySettings
  ) {
    let plan = plans[index]
    let isSemiBasement = rooms[Int(plan.room.index)]?.isSemiBasement ?? false
    func required(_ air: AirPolicy) -> Interval { isSemiBasement ? air.semiBasementFor : air.ventilationFor }
    for (other, before) in plans.enumerated() where other != index && before.room == plan.room && before.days & plan.days != 0 {
      if other < index, before.start < plan.end, plan.start < before.end {
        entry.note("found \(clock(plan.start)) to \(clock(plan.end)), expected no overlap with \(names[other]) in the same room")
      } else if before.end <= plan.start,
        let (air, from) = policy.firstAir(where: { Double(plan.start - before.end) < required($0).seconds })
      {
        entry.warn(
          "\((plan.start - before.end) / 60) min after \(names[other]) in the same room: the room must be ventilated for "
            + "\(shortest(required(air).seconds / 60)) min between them\(from)")
      }
    }
  }

  /// Those who come to sessions that begin together wait together.
  private func checkWaiting(_ plans: [SessionPlan], _ entries: [Entry], _ rooms: [RoomLayout?]) {
    let places = rooms.compactMap(\.self).filter { $0.kind == .waiting && $0.capacity > 0 }.reduce(0) { $0 + $1.capacity }
    guard places > 0 else { return }
    for (index, plan) in plans.enumerated() {
      let together = plans.filter { $0.start == plan.start && $0.days & plan.days != 0 }
      let people = together.reduce(0) { $0 + (rooms[Int($1.room.index)]?.capacity ?? 0) }
      if people > places, plans.firstIndex(where: { $0.start == plan.start && $0.days & plan.days != 0 }) == index {
        entries[index].warn("\(people) people may come to sessions that begin at \(clock(plan.start)), waiting rooms are for \(places)")
      }
    }
  }
}
