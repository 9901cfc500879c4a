// A room's air: a short and a long mean of CO2 over equal bins, three limits on them, and what each person has of it.
//
// A reading is checked (SensorCheck) and added to the sum of its sensor's open bin; when time passes a bin's end, the
// sensors' means become one, which enters the ring of closed bins, and the two means are taken over them. So a reading
// costs the same whatever the window, and a closing bin a walk over at most 120. A bin without a good reading is empty: a
// mean stands on at least half of its bins, and silence makes it unknown, never better. A restart begins with empty bins:
// what was measured before says nothing about the minutes that were missed.

public import Domain

/// One room's air.
public struct RoomRow: BitwiseCopyable, Sendable {
  var settings: RoomSettings
  var firstSensor: Int32
  var sensorCount: Int32
  var firstContact: Int32
  var contactCount: Int32
  var firstSession: Int32
  var sessionCount: Int32
  /// Means of the closed bins, NaN when empty; the newest at `newest`.
  var bins = InlineArray<120, Double>(repeating: .nan)
  var newest: Int32 = 0
  var binEnd = Instant.never
  /// The next look at its ventilation.
  var lookAt = Instant.never
  public var mean5 = Double.nan
  public var mean60 = Double.nan
  var temperature = Double.nan
  var temperatureAt = Instant.past
  var humidity = Double.nan
  var humidityAt = Instant.past
  /// Measured outdoor air, m3/h, and when.
  var flow = Double.nan
  var flowAt = Instant.past
  /// When two of its sensors were last compared.
  var comparedAt = Instant.past
  /// What is shown of it: the last event.
  public var air = AirFact(mean5: .nan, mean60: .nan)

  init(_ plan: RoomSettings, sensors: Range<Int>, contacts: Range<Int>, sessions: Range<Int>) {
    settings = plan
    firstSensor = Int32(sensors.lowerBound)
    sensorCount = Int32(sensors.count)
    firstContact = Int32(contacts.lowerBound)
    contactCount = Int32(contacts.count)
    firstSession = Int32(sessions.lowerBound)
    sessionCount = Int32(sessions.count)
  }

  var policy: AirPolicy { @_noLocks @_noAllocation get { settings.policy } }
  var bin: Interval { @_noLocks @_noAllocation get { Interval(ns: max(1, settings.policy.shortWindow.ns / 5)) } }
  var longBins: Int { @_noLocks @_noAllocation get { Int(max(5, min(120, settings.policy.longWindow.ns / bin.ns))) } }

  /// The mean of a bin so many before the newest.
  @_noLocks @_noAllocation
  func mean(back: Int) -> Double { bins[(Int(newest) &- back &+ 120) % 120] }

  /// The mean of the newest `wanted` bins, or NaN when fewer than half of them are known.
  @_noLocks @_noAllocation
  func mean(of wanted: Int) -> Double {
    var total = 0.0
    var known = 0
    for back in 0..<wanted {
      let value = mean(back: back)
      if value.isFinite {
        total += value
        known &+= 1
      }
    }
    return known &* 2 >= wanted ? total / Double(known) : .nan
  }

  /// How CO2 moves over the newest `wanted` bins, ppm a minute, and half of its interval of 95 %.
  @_noLocks @_noAllocation
  func slope(of wanted: Int) -> Slope {
    let minutes = bin.seconds / 60
    var known = 0.0
    var meanX = 0.0
    var meanY = 0.0
    var xx = 0.0
    var xy = 0.0
    var yy = 0.0
    for back in 0..<wanted {
      let value = mean(back: back)
      guard value.isFinite else { continue }
      known += 1
      let x = -Double(back) * minutes
      let dx = x - meanX
      let dy = value - meanY
      meanX += dx / known
      meanY += dy / known
      xx += dx * (x - meanX)
      xy += dx * (value - meanY)
      yy += dy * (value - meanY)
    }
    guard known >= 3, known * 2 >= Double(wanted), xx > 0 else { return Slope(perMinute: .nan, error: .nan) }
    let left = max(0, yy - xy * xy / xx)
    let error = squareRoot(left / (known - 2) / xx) * studentQuantile95(freedom: Int(known) &- 2)
    return Slope(perMinute: xy / xx, error: error)
  }

  @_noLocks @_noAllocation
  mutating func closeBin(_ mean: Double) {
    newest = (newest &+ 1) % 120
    bins[Int(newest)] = mean
    mean5 = self.mean(of: 5)
    mean60 = self.mean(of: longBins)
  }
}

/// A straight line's slope.
struct Slope: BitwiseCopyable {
  var perMinute: Double
  var error: Double

  @_noLocks @_noAllocation
  init(perMinute: Double, error: Double) {
    self.perMinute = perMinute
    self.error = error
  }
}

/// A CO2 sensor in a room.
struct SensorRow: BitwiseCopyable {
  var device: DeviceID
  var check = SensorCheck()
  var sum = 0.0
  var count: Int32 = 0
  /// Of the last closed bin; NaN: empty.
  var mean = Double.nan
  var night = Night()

  init(device: DeviceID) { self.device = device }
}

/// A contact or relay that belongs to a room.
struct ContactRow: BitwiseCopyable {
  var room: RoomID
  var contact: RoomContact
  /// As believed: 1 on, 0 off, -1 not known.
  var isOn: Int8 = -1
  /// As last read, and since when.
  var read: Int8 = -1
  var readSince = Instant.past
  var at = Instant.past

  init(room: RoomID, contact: RoomContact) {
    self.room = room
    self.contact = contact
  }
}

/// A room, its sensors and its contacts, as `Rooms` takes them.
public struct RoomMembers: Sendable {
  public var settings: RoomSettings
  public var co2: [DeviceID]
  public var contacts: [RoomContact]

  public init(_ settings: RoomSettings, co2: [DeviceID], contacts: [RoomContact] = []) {
    self.settings = settings
    self.co2 = co2
    self.contacts = contacts
  }
}

/// All rooms whose air is watched.
public struct Rooms: ~Copyable {
  public internal(set) var rows: Table<RoomRow>
  var airings: Table<AiringRow>
  var sensors: Table<SensorRow>
  var contacts: Table<ContactRow>
  /// By room.
  let sessions: Table<SessionPlan>
  let hours: Hours
  private var heap: DeadlineHeap

  /// - Parameters:
  ///   - hours: `nil`: no slots are judged but those after sessions.
  ///   - timetable: in any order.
  public init(_ rooms: [RoomMembers], hours: Hours? = nil, timetable: [SessionPlan] = []) {
    var rows: [RoomRow] = []
    var sensors: [SensorRow] = []
    var contacts: [ContactRow] = []
    var sessions: [SessionPlan] = []
    for (index, room) in rooms.enumerated() {
      let id = RoomID(index)
      let (sensor, contact, session) = (sensors.count, contacts.count, sessions.count)
      sensors += room.co2.map { SensorRow(device: $0) }
      contacts += room.contacts.map { ContactRow(room: id, contact: $0) }
      sessions += timetable.filter { $0.room.index == id.index }.sorted { $0.start < $1.start }
      rows.append(
        RoomRow(
          room.settings, sensors: sensor..<sensors.count, contacts: contact..<contacts.count, sessions: session..<sessions.count))
    }
    self.rows = Table(rows, filler: RoomRow(RoomSettings(policy: AirPolicy()), sensors: 0..<0, contacts: 0..<0, sessions: 0..<0))
    airings = Table(capacity: rooms.count, filledWith: AiringRow())
    self.sensors = Table(sensors, filler: SensorRow(device: DeviceID(0)))
    self.contacts = Table(contacts, filler: ContactRow(room: RoomID(0), contact: .window))
    self.sessions = Table(sessions, filler: SessionPlan(room: RoomID(0), days: 0, start: 0, end: 0, name: -1))
    self.hours = hours ?? Hours(days: 0)
    heap = DeadlineHeap(members: rooms.count)
  }

  public var nextDeadline: Instant { @_noLocks @_noAllocation get { heap.earliest } }

  /// The door begins: rooms are looked at from now on.
  @_noLocks @_noAllocation
  public mutating func start(_ now: Now, _ effects: inout Effects) {
    for index in 0..<rows.capacity {
      if rows[index].settings.isExcepted { effects.event(.roomExcepted, at: .room(RoomID(index))) }
      rows[index].lookAt = now.boot
      airings[index].fitFrom = now.boot
      schedule(index)
    }
  }

  /// Other limits decide from now on. Means over other windows begin anew: what was measured in other bins is no part of them.
  @_noLocks @_noAllocation
  public mutating func change(to policy: AirPolicy) {
    for index in 0..<rows.capacity {
      let isSame = rows[index].policy.shortWindow == policy.shortWindow && rows[index].policy.longWindow == policy.longWindow
      rows[index].settings.policy = policy
      if !isSame { forgetBins(index) }
    }
  }

  @_noLocks @_noAllocation
  private mutating func forgetBins(_ index: Int) {
    for place in 0..<120 { rows[index].bins[place] = .nan }
    rows[index].mean5 = .nan
    rows[index].mean60 = .nan
    rows[index].binEnd = .never
    let first = Int(rows[index].firstSensor)
    for place in first..<first &+ Int(rows[index].sensorCount) {
      sensors[place].sum = 0
      sensors[place].count = 0
      sensors[place].mean = .nan
    }
    schedule(index)
  }

  // MARK: Readings

  /// A CO2 reading of the `sensor`th of this room. Only good ones count.
  /// - Returns: whether it can be believed; what is too low or jumps again and again cannot.
  @_noLocks @_noAllocation @discardableResult
  public mutating func co2(
    _ reading: Reading, of sensor: Int, in room: RoomID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects
  ) -> Bool {
    let index = Int(room.index)
    guard index < rows.capacity, sensor >= 0, sensor < Int(rows[index].sensorCount),
      case .value(let ppm) = reading.judged(at: now.boot, staleAfter: rows[index].bin)
    else { return true }
    if rows[index].binEnd == .never {
      rows[index].binEnd = now.boot + rows[index].bin
      schedule(index)
    }
    let place = Int(rows[index].firstSensor) &+ sensor
    let policy = rows[index].policy
    let wasStuck = sensors[place].check.isStuck
    let checked = sensors[place].check.take(ppm, at: reading.at, isOccupied: people(index) > 0, policy)
    let isStuck = sensors[place].check.isStuck
    if isStuck != wasStuck { alarms.set(.sensorStuck, at: .device(sensors[place].device), isStuck, value: ppm, now, &effects) }
    if checked.ppm.isFinite {
      sensors[place].sum += checked.ppm
      sensors[place].count &+= 1
      fit(checked, sensor, index)
    }
    return sensors[place].check.doubted < 3
  }

  @_noLocks @_noAllocation
  public mutating func temperature(_ reading: Reading, in room: RoomID, _ now: Now) {
    rows[Int(room.index)].temperature = value(of: reading)
    rows[Int(room.index)].temperatureAt = now.boot
  }

  @_noLocks @_noAllocation
  public mutating func humidity(_ reading: Reading, in room: RoomID, _ now: Now) {
    rows[Int(room.index)].humidity = value(of: reading)
    rows[Int(room.index)].humidityAt = now.boot
  }

  /// Outdoor air, m3/h, or its velocity in the room's duct, m/s.
  @_noLocks @_noAllocation
  public mutating func airflow(_ reading: Reading, in room: RoomID, _ now: Now) {
    let index = Int(room.index)
    var flow = value(of: reading)
    if case .airVelocity = reading.use { flow *= rows[index].settings.ductArea * 3600 }
    rows[index].flow = flow
    rows[index].flowAt = now.boot
  }

  @_noLocks @_noAllocation
  private func value(of reading: Reading) -> Double { reading.quality.isGood ? reading.decoded : .nan }

  // MARK: Time

  @_noLocks @_noAllocation
  mutating func schedule(_ index: Int) { heap.set(index, to: min(rows[index].binEnd, rows[index].lookAt)) }

  /// Closes the bins that are over, judges the means, and looks at ventilation, slots and sessions.
  @_noLocks @_noAllocation
  public mutating func advance(to now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    for _ in 0..<rows.capacity {
      guard heap.earliest <= now.boot else { return }
      let index = heap.first
      if rows[index].binEnd <= now.boot {
        // A long sleep closes many bins at once; beyond the ring they are all empty.
        for _ in 0..<120 where rows[index].binEnd <= now.boot {
          closeBin(index, now, &alarms, &effects)
          rows[index].binEnd = rows[index].binEnd + rows[index].bin
        }
        if rows[index].binEnd <= now.boot { rows[index].binEnd = now.boot + rows[index].bin }
        watchFall(index, now)
        judge(index, now, &alarms, &effects)
      }
      if rows[index].lookAt <= now.boot { look(index, now, &alarms, &effects) }
      schedule(index)
    }
  }

  /// Of two sensors the mean counts, of more the middle one; of two that disagree the higher.
  @_noLocks @_noAllocation
  private mutating func closeBin(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    var known = 0
    var low = Double.infinity
    var high = -Double.infinity
    var total = 0.0
    let first = Int(rows[index].firstSensor)
    let count = Int(rows[index].sensorCount)
    for place in first..<first &+ count {
      let mean = sensors[place].count > 0 ? sensors[place].sum / Double(sensors[place].count) : .nan
      sensors[place].mean = mean
      sensors[place].sum = 0
      sensors[place].count = 0
      auditBaseline(place, index, now, &alarms, &effects)
      guard mean.isFinite else { continue }
      known &+= 1
      total += mean
      low = min(low, mean)
      high = max(high, mean)
    }
    let mean = known > 0 ? total / Double(known) : .nan
    guard known > 1 else {
      // A slow sensor may leave a bin empty. One that says nothing for longer disagrees with nobody.
      if count > 1, now.boot - rows[index].comparedAt > rows[index].policy.shortWindow {
        alarms.set(.sensorsDisagree, at: .room(RoomID(index)), false, now, &effects)
      }
      return rows[index].closeBin(mean)
    }
    rows[index].comparedAt = now.boot
    let disagree = high - low > rows[index].policy.disagreement + rows[index].policy.disagreementShare * mean
    alarms.set(.sensorsDisagree, at: .room(RoomID(index)), disagree, value: high - low, now, &effects)
    if known > 2 {
      rows[index].closeBin(middle(first, count, known))
    } else {
      rows[index].closeBin(disagree ? high : mean)
    }
  }

  /// The mean that as many lie below as above, of an even number the higher of the two.
  @_noLocks @_noAllocation
  private func middle(_ first: Int, _ count: Int, _ known: Int) -> Double {
    for place in first..<first &+ count where sensors[place].mean.isFinite {
      let mean = sensors[place].mean
      var below = 0
      var same = 0
      for other in first..<first &+ count {
        if sensors[other].mean < mean { below &+= 1 }
        if sensors[other].mean == mean { same &+= 1 }
      }
      if below <= known / 2, below &+ same > known / 2 { return mean }
    }
    return .nan
  }

  @_noLocks @_noAllocation
  private mutating func judge(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let policy = rows[index].policy
    let place = Place.room(RoomID(index))
    let short = rows[index].mean5
    let long = rows[index].mean60
    let fresh = freshAir(index, now)
    tell(index, fresh, now)
    effects.event(.air(rows[index].air), at: place)
    limit(.airHigh, place, short, isBad: short >= policy.highLimit, isGood: short < policy.highClear, now, &alarms, &effects)
    // The standard allows 0.10 % itself: bad is above it.
    limit(.airMean, place, long, isBad: long > policy.meanLimit, isGood: long < policy.meanClear, now, &alarms, &effects)
    limit(
      .airAdvice, place, short, isBad: short >= policy.adviceLimit, isGood: short < policy.adviceClear, now, &alarms, &effects)
    if people(index) == 0 {
      alarms.set(.freshAir, at: place, false, now, &effects)
    } else {
      let most = fresh.highest
      let isGood = most >= policy.freshAirLeast || fresh.lowest >= policy.freshAirLeast
      limit(.freshAir, place, most, isBad: most < policy.freshAirLeast, isGood: isGood, now, &alarms, &effects)
    }
  }

  /// Measured where it is measured, otherwise by the balance over three short windows: a shorter slope is all noise.
  @_noLocks @_noAllocation
  private func freshAir(_ index: Int, _ now: Now) -> FreshAir {
    let people = people(index)
    let flow = flow(index, now)
    if flow.isFinite { return FreshAir(flow: flow, people: people, rows[index].policy) }
    let slope = rows[index].slope(of: 15)
    return FreshAir(
      ppm: rows[index].mean(of: 15), slope: slope.perMinute, slopeError: slope.error, people: people,
      volume: rows[index].settings.volume, rows[index].policy)
  }

  /// NaN where it is not measured, or not now.
  @_noLocks @_noAllocation
  func flow(_ index: Int, _ now: Now) -> Double {
    now.boot - rows[index].flowAt <= rows[index].policy.shortWindow ? rows[index].flow : .nan
  }

  @_noLocks @_noAllocation
  private mutating func tell(_ index: Int, _ fresh: FreshAir, _ now: Now) {
    let policy = rows[index].policy
    let short = rows[index].mean5
    let people = people(index)
    var air = AirFact(mean5: short, mean60: rows[index].mean60)
    air.rate = rows[index].slope(of: 5).perMinute
    // 38,000 ppm is what breathing adds to the air (Rudnick and Milton 2003).
    air.rebreathed = max(0, short - policy.outdoor) / 38_000
    air.freshAir = fresh.perPerson
    air.freshAirError = fresh.error
    air.occupants = people
    if now.boot - rows[index].temperatureAt <= policy.shortWindow { air.temperature = rows[index].temperature }
    if now.boot - rows[index].humidityAt <= policy.shortWindow { air.humidity = rows[index].humidity }
    air.flow = flow(index, now)
    if short.isNaN { air.rebreathed = .nan }
    if short.isNaN, isDoubted(index) {
      air.cause = .sensor
    } else if short >= policy.adviceLimit {
      let capacity = Double(rows[index].settings.capacity)
      air.cause = capacity > 0 && people > capacity ? .crowding : .ventilation
    }
    rows[index].air = air
  }

  /// It has sensors, they speak, and none is believed.
  @_noLocks @_noAllocation
  private func isDoubted(_ index: Int) -> Bool {
    let first = Int(rows[index].firstSensor)
    var doubted = false
    for place in first..<first &+ Int(rows[index].sensorCount) {
      if sensors[place].mean.isFinite { return false }
      if sensors[place].check.isStuck || sensors[place].check.doubted > 0 { doubted = true }
    }
    return doubted
  }

  /// On where it is bad, off where it is good, as it was between them. An unknown mean (NaN is neither) neither raises nor
  /// clears.
  @_noLocks @_noAllocation
  private func limit(
    _ kind: AlarmKind, _ place: Place, _ mean: Double, isBad: Bool, isGood: Bool, _ now: Now, _ alarms: inout Alarms,
    _ effects: inout Effects
  ) {
    if isBad {
      alarms.set(kind, at: place, true, value: mean, now, &effects)
    } else if isGood {
      alarms.set(kind, at: place, false, value: mean, now, &effects)
    } else if mean.isNaN {
      alarms.hold(kind, at: place)
    }
  }
}
