// Validity: what must be so for a reading to say anything of a person. A gate that is shut makes every measurement `no result`,
// with its reason; the lane goes on giving tickets, and staff measure by hand.

public import Domain

/// The last value of a sensor beside the thermometer.
struct Measured: BitwiseCopyable {
  var value = Double.nan
  var at = Instant.past
}

extension Lanes {
  // MARK: Sensors beside the thermometer

  /// Temperature or relative humidity of the hall's air.
  @_noLocks @_noAllocation
  public mutating func hall(_ reading: Reading, at lane: LaneID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let index = Int(lane.index)
    var measured = Measured(value: .nan, at: reading.at)
    if case .value(let value) = reading.judged(at: now.boot, staleAfter: rows[index].settings.hallStaleAfter) { measured.value = value }
    if case .humidity = reading.use { rows[index].hallHumidity = measured } else { rows[index].hallTemperature = measured }
    settleValidity(index, now, &alarms, &effects)
  }

  /// The reference (blackbody) as the thermometer sees it.
  @_noLocks @_noAllocation
  public mutating func reference(_ reading: Reading, at lane: LaneID, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let index = Int(lane.index)
    let settings = rows[index].settings
    if case .value(let celsius) = reading.judged(at: now.boot, staleAfter: settings.referenceStaleAfter) {
      rows[index].reference.add(celsius, at: now.boot, window: settings.policy.referenceWindow)
    }
    settleValidity(index, now, &alarms, &effects)
  }

  /// The air outside: whoever comes in from the cold has cold skin.
  @_noLocks @_noAllocation
  public mutating func outdoor(_ reading: Reading, at lane: LaneID, _ now: Now) {
    let index = Int(lane.index)
    var measured = Measured(value: .nan, at: reading.at)
    if case .value(let value) = reading.judged(at: now.boot, staleAfter: rows[index].settings.outdoorStaleAfter) { measured.value = value }
    rows[index].outdoor = measured
  }

  /// How long cold skin waits. A cold day that is not known is one.
  @_noLocks @_noAllocation
  func coldWait(_ index: Int, _ now: Now) -> Interval {
    let settings = rows[index].settings
    let policy = settings.policy
    if settings.isForChildren { return policy.coldWaitLong }
    guard settings.hasOutdoor else { return policy.coldWait }
    let outdoor = rows[index].outdoor
    let isMild = now.boot - outdoor.at <= settings.outdoorStaleAfter ? outdoor.value >= policy.outdoorCold : false
    return isMild ? policy.coldWait : policy.coldWaitLong
  }

  @_noLocks @_noAllocation
  private func value(_ measured: Measured, _ index: Int, _ now: Now) -> Double {
    now.boot - measured.at <= rows[index].settings.hallStaleAfter ? measured.value : .nan
  }

  /// What the air is like where people stand: the hall's sensor, or else the thermometer's own temperature; NaN: not known.
  @_noLocks @_noAllocation
  func airTemperature(_ index: Int, _ now: Now) -> Double {
    rows[index].settings.hallHasTemperature ? value(rows[index].hallTemperature, index, now) : rows[index].ambient
  }

  @_noLocks @_noAllocation
  func referenceOffset(_ index: Int, _ now: Now) -> Double {
    let settings = rows[index].settings
    return rows[index].reference.offset(from: settings.referenceSet, at: now.boot, staleAfter: settings.referenceStaleAfter)
  }

  // MARK: Gates

  /// Why no reading of this lane counts, the reference aside; `nil`: they do. What is not known is never right.
  @_noLocks @_noAllocation
  private func obstacle(_ index: Int, _ now: Now) -> ScreeningReason? {
    let settings = rows[index].settings
    let policy = settings.policy
    if isOverdue(settings.calibratedAt, settings.calibrationDue, now) { return .calibrationOverdue }
    if settings.hasAmbient, !isInside(rows[index].ambient, policy) { return .ambient }
    return airObstacle(index, now)
  }

  /// The same for its second thermometer, by its own calibration and its own temperature.
  @_noLocks @_noAllocation
  func secondObstacle(_ index: Int, _ now: Now) -> ScreeningReason? {
    let settings = rows[index].settings
    if isOverdue(settings.secondCalibratedAt, settings.secondCalibrationDue, now) { return .calibrationOverdue }
    if settings.secondHasAmbient, !isInside(secondAmbient(index, now), settings.policy) { return .ambient }
    return airObstacle(index, now)
  }

  /// The second thermometer's own temperature; NaN: not known.
  @_noLocks @_noAllocation
  func secondAmbient(_ index: Int, _ now: Now) -> Double {
    let measured = rows[index].secondAmbient
    return now.boot - measured.at <= rows[index].settings.secondStaleAfter ? measured.value : .nan
  }

  /// A clock before the day of the calibration is wrong, and tells nothing of its age.
  @_noLocks @_noAllocation
  private func isOverdue(_ calibratedAt: Int64, _ due: Int64, _ now: Now) -> Bool {
    due < .max && (now.wall >= due || now.wall < calibratedAt)
  }

  /// The hall's air, for each thermometer in it.
  @_noLocks @_noAllocation
  private func airObstacle(_ index: Int, _ now: Now) -> ScreeningReason? {
    let settings = rows[index].settings
    let policy = settings.policy
    if settings.hallHasTemperature, !isInside(airTemperature(index, now), policy) { return .ambient }
    // Not known compares false.
    if settings.hallHasHumidity {
      let isDry = value(rows[index].hallHumidity, index, now) < policy.humidityHighest
      if !isDry { return .humidity }
    }
    return nil
  }

  @_noLocks @_noAllocation
  private func referenceObstacle(_ index: Int, _ now: Now) -> ScreeningReason? {
    guard rows[index].settings.hasReference else { return nil }
    let policy = rows[index].settings.policy
    let isNear = abs(referenceOffset(index, now)) <= policy.referenceOff
    if !isNear { return .referenceOff }
    return rows[index].reference.moved > policy.referenceDrift ? .referenceMoves : nil
  }

  @_noLocks @_noAllocation
  func isInside(_ celsius: Double, _ policy: FeverPolicy) -> Bool {
    celsius >= policy.ambientLowest && celsius <= policy.ambientHighest
  }

  @_noLocks @_noAllocation
  mutating func settleValidity(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let settings = rows[index].settings
    let place = Place.lane(LaneID(index))
    let due = min(settings.calibrationDue, settings.secondCalibrationDue)
    if due < .max {
      let left = Double(due &- now.wall) / 86_400e9
      let isNear = left <= settings.policy.calibrationWarning.seconds / 86_400
      if isNear != rows[index].isCalibrationNear {
        rows[index].isCalibrationNear = isNear
        alarms.set(.calibrationDue, at: place, isNear, value: left, now, &effects)
      }
    }
    let reference = referenceObstacle(index, now)
    let knownReference = rows[index].referenceObstacle
    if reference?.rawValue != knownReference?.rawValue {
      rows[index].referenceObstacle = reference
      alarms.set(.referenceOff, at: place, reference != nil, value: referenceOffset(index, now), now, &effects)
    }
    var found = obstacle(index, now)
    if found == nil { found = reference }
    let known = rows[index].obstacle
    guard found?.rawValue != known?.rawValue else { return }
    rows[index].obstacle = found
    settleHealth(index, now, &alarms, &effects)
  }

  @_noLocks @_noAllocation
  private func isOfReference(_ reason: ScreeningReason?) -> Bool {
    switch reason {
    case .referenceOff?, .referenceMoves?: true
    default: false
    }
  }

  /// Whether the alarm `lane_out_of_order` stands for it; a reference has an alarm of its own.
  @_noLocks @_noAllocation
  func isObstructed(_ index: Int) -> Bool { rows[index].obstacle != nil && !isOfReference(rows[index].obstacle) }

  /// Somebody stands at a thermometer that measures nobody: staff must know of them. Only a presence contact tells.
  @_noLocks @_noAllocation
  mutating func refuse(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    guard rows[index].wasEmpty, !rows[index].isReleased, !rows[index].thermometerIsGood else { return }
    rows[index].isJudged = false
    begin(index, now, &alarms, &effects)
    if rows[index].screening >= 0 { loseDevice(index, now, &alarms, &effects) }
    rows[index].isJudged = true
  }

  // MARK: Estimate

  /// Body (axillary equivalent) from surface, with each term that is set.
  @_noLocks @_noAllocation
  func estimate(_ index: Int, _ surface: Double, _ now: Now) -> Personal {
    let settings = rows[index].settings
    var personal = Personal(surface: surface, ambient: rows[index].ambient, estimate: surface + settings.siteOffset)
    personal.siteOffset = settings.siteOffset
    if settings.deviceOffset != 0 {
      personal.deviceTerm = settings.deviceOffset
      personal.estimate += settings.deviceOffset
    }
    if settings.ambientFactor != 0 {
      // Skin is colder where the air is. Without the air's temperature there is no estimate at all.
      personal.ambientTerm = settings.ambientFactor * (settings.ambientReference - airTemperature(index, now))
      personal.estimate += personal.ambientTerm
    }
    if settings.correctsByReference {
      personal.referenceTerm = 0 - referenceOffset(index, now)
      personal.estimate += personal.referenceTerm
    }
    personal.limit = rows[index].settings.policy.relative.isOn ? rows[index].relative.limit : .nan
    return personal
  }

  // MARK: The thermometer itself

  /// Somebody new was measured: whether the lane's thermometer, or its second one, holds one value.
  @_noLocks @_noAllocation
  func tellOneValue(_ index: Int, _ surface: Double, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let most = rows[index].settings.policy.stuckPeople
    let equals = max(rows[index].watch.equals, rows[index].secondWatch.equals)
    alarms.set(.thermometerStuck, at: .lane(LaneID(index)), Int(equals) > most, value: surface, now, &effects)
  }

  /// The value that it sticks to counts for nobody, also when they come again; another one does.
  @_noLocks @_noAllocation
  func isStuck(_ watch: ThermometerWatch, at surface: Double, _ policy: FeverPolicy) -> Bool {
    Int(watch.equals) > policy.stuckPeople && watch.isLast(surface)
  }

  /// Whether normal people spread as people do.
  @_noLocks @_noAllocation
  func watchSpread(_ index: Int, _ estimate: Double, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let policy = rows[index].settings.policy
    guard let variance = rows[index].watch.add(normal: estimate, people: policy.normalisingPeople) else { return }
    let isNarrow = variance < policy.normalisingSpread * policy.normalisingSpread
    alarms.set(.thermometerNormalising, at: .lane(LaneID(index)), isNarrow, now, &effects)
  }
}
