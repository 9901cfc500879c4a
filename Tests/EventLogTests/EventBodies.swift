// One event at least of every kind, and of every variant that is written differently.

import Domain

private func fact(_ reason: ScreeningReason, _ next: ScreeningState) -> ScreeningFact {
  ScreeningFact(ticket: 17, attempt: 2, reason: reason, next: next, policy: 3)
}

private func alarm(_ kind: AlarmKind, _ state: AlarmState, _ priority: Priority = .medium, value: Double = .nan) -> AlarmFact {
  AlarmFact(kind: kind, priority: priority, state: state, occurrence: 4, value: value)
}

private func reading(_ use: Use, _ unit: Unit, _ quality: Quality = .good) -> EventBody {
  .reading(
    Reading(
      device: DeviceID(0), field: 1, use: use, unit: unit, quality: quality, at: Instant(ns: 0),
      decoded: unit == .channels ? 5 : 22.5))
}

private func command(_ action: Action, claimed: String = "", why: String = "", origin: Origin = .commandLine) -> Command {
  Command(
    id: CommandID(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff), action: action, issued: Instant(ns: 0),
    goodFor: .seconds(3), origin: origin, actor: Text("guard") ?? Text(), claimed: Text(claimed) ?? Text(),
    why: Text(why) ?? Text())
}

private func run(_ method: VentilationMethod, _ effect: VentilationEffect, isOver: Bool = true) -> VentilationFact {
  var run = VentilationFact(method: method, start: 1_795_392_912_000_000_000)
  guard isOver else { return run }
  run.end = run.start + 3_870_000_000_000
  run.minutes = 64.5
  run.unknownMinutes = 3
  run.startPpm = 1480
  run.endPpm = 441.52
  run.airChanges = 4.0217
  run.airChangesError = 0.11
  run.isLowerBound = true
  run.effect = effect
  return run
}

private func slot(_ slot: Slot, _ verdict: SlotVerdict, _ run: VentilationFact, session: Int16 = -1, short: Double = 0) -> EventBody {
  .ventilationJudged(
    SlotFact(
      slot: slot, verdict: verdict, session: session, plannedStart: 1_795_392_000_000_000_000, plannedEnd: 1_795_396_800_000_000_000,
      shortMinutes: short, unknownMinutes: short / 2, ventilation: run))
}

private var wholeAir: AirFact {
  var air = AirFact(mean5: 1180.5, mean60: 964.25)
  air.rate = 3.14159
  air.rebreathed = 0.0199
  air.freshAir = 21.37
  air.freshAirError = 5.2
  air.occupants = 28
  air.temperature = 22.5
  air.humidity = 41
  air.flow = 640
  return air
}

private func statistics(_ period: StatisticsPeriod, _ counts: LaneCounts, median: Double = .nan) -> EventBody {
  .laneStatistics(LaneStatisticsFact(period: period, start: 1_795_392_000_000_000_000, utcOffset: 28_800, counts: counts, busiest: 3, median: median))
}

private var busy: LaneCounts {
  var counts = LaneCounts()
  for seconds in [2, 3, 21] as [Int64] { counts.atLane.add(.seconds(seconds)) }
  counts.withTicket.add(.milliseconds(412_345))
  counts.measured = 2
  counts.elevated = 1
  return counts
}

/// All kinds of events. A switch beside it makes the compiler ask for the new ones.
let everyBody: [EventBody] = {
  var all: [EventBody] = [
    .systemStarted(restored: true, downSeconds: 4), .systemStopping, .clockStepped(byNanoseconds: -3_600_000_002_000),
    .portOpened, .deviceUp, .screeningBegan(ticket: 17), .gateOpened(ticket: 17), .gateOpened(ticket: 0), .gateShut,
    .gateReturned, .passage(screened: true), .passage(screened: false), .air(AirFact(mean5: 1180.5, mean60: .nan)),
    .air(AirFact(mean5: .nan, mean60: .nan)), .writeFailed(DeviceID(2)), .writeFailed(DeviceID(900)), .written(DeviceID(1), 0), .written(DeviceID(900), 9),
    .screeningPassed(fact(.normal, .passed)), .screeningResumed(fact(.resumed, .measuring)),
    .screeningAbandoned(fact(.left, .abandoned)), .screeningIsolated(fact(.contactElevated, .isolate)),
  ]
  all += AirCause.allCases.map { cause in
    var air = wholeAir
    air.cause = cause
    return .air(air)
  }
  all.append(.roomExcepted)
  all += VentilationMethod.allCases.map { .ventilationBegan(run($0, .notVerified, isOver: false)) }
  all += VentilationEffect.allCases.map { .ventilationEnded(run(.window, $0)) }
  all += Slot.allCases.map { slot($0, .met, run(.fan, .effective), session: 0) }
  all += SlotVerdict.allCases.map { slot(.morning, $0, run(.declared, .notVerified, isOver: false), short: 12) }
  all.append(slot(.afterSession, .missed, VentilationFact(method: .declared, start: 0), session: 900))
  all += [
    .sessionBegan(SessionFact(session: 0, missingMinutes: 12.5)), .sessionBegan(SessionFact(session: -1)), .sessionEnded(SessionFact(session: 0)),
    .sessionHeld(SessionFact(session: 0, missingMinutes: 42, isRoomLocked: true)),
  ]
  all += PortFailure.allCases.map { .portLost($0, errno: 5) }
  all += DownReason.allCases.map { .deviceDown($0) }
  all.append(.deviceStillDown(seconds: 60, unanswered: 12))
  all += Loss.allCases.map { .lost($0, count: 212) }
  all += LaneState.allCases.map { .laneChanged($0) }
  all += [.proven, .failed, .interrupted].map { .laneProof($0, lamp: .confirmed, buzzer: .none) }
  all += SignalProof.allCases.map { .laneProof(.failed, lamp: .failed, buzzer: $0) }
  all += StatisticsPeriod.allCases.map { statistics($0, busy, median: 36.512) } + [statistics(.hour, LaneCounts())]
  all += ReleaseCause.allCases.map { .gateReleased($0) }
  all += ScreeningReason.allCases.map { .screeningDenied(fact($0, .retake)) }
  all += ScreeningState.allCases.map { .screeningDenied(fact(.normal, $0)) }
  all += AlarmKind.allCases.map { .alarmRaised(alarm($0, .unacknowledged, .high, value: 1480)) }
  all += AlarmState.allCases.map { .alarmAcknowledged(alarm(.airHigh, $0)) }
  all.append(.alarmRepeated(alarm(.suspectLeft, .latchedUnacknowledged, value: 2)))
  all += [
    .alarmUnacknowledged(alarm(.airHigh, .unacknowledged)), .alarmEscalated(alarm(.gateJammed, .unacknowledged, .high), level: 1),
    .alarmSuppressed(alarm(.airHigh, .shelved), until: 1_795_392_972_123_456_789),
    .alarmSuppressed(alarm(.deviceFault, .suppressedByDesign), until: 0), .alarmUnsuppressed(alarm(.airHigh, .unacknowledged)),
  ]
  all += Priority.allCases.map { .alarmCleared(alarm(.airHigh, .normal, $0)) }
  all += Use.allCases.map { reading($0, .degC) }
  all += Unit.allCases.map { reading(.information, $0) }
  all += Reason.allCases.map { reading(.co2, .ppm, .invalid($0)) }
  let someone = Text("Li Na") ?? Text()
  all += CaseStep.allCases.map {
    let room: Int32 = $0 == .isolated || $0 == .roomAdded || $0 == .handedOver ? 0 : -1
    return .caseStep($0, CaseFact(number: 3, cause: .fever, ticket: 17, room: room, seconds: 75), who: someone, note: Text("district CDC") ?? Text())
  }
  all += CaseCause.allCases.map {
    .caseStep(.opened, CaseFact(number: 3, cause: $0, ticket: 0, room: -1, seconds: 0), who: someone, note: Text())
  }
  all += DisinfectionMethod.allCases.map {
    .disinfected($0, began: 1_795_391_000_000_000_000, ended: 1_795_392_800_000_000_000, who: someone, agent: Text("chlorine") ?? Text())
  }
  all += [
    .policyChanged(version: 2), .roomLocked(case: 3), .roomFreed(case: 3), .attested(item: 0, who: someone), .siteOpened(who: someone), .siteClosed(who: someone),
    .incidentBegan(case: 3, who: someone, why: Text()), .incidentBegan(case: 0, who: someone, why: someone),
    .incidentEnded(who: someone, why: someone),
    .commandAnswered(command(.openSite), .refusedFor(.notAttested, .item(0))),
    .commandAnswered(command(.openSite), .refusedFor(.notDisinfected, .room(RoomID(0)))),
  ]
  let actions: [Action] = [
    .openSite, .closeSite, .openCase(.room(RoomID(0))), .beginIncident(.site), .endIncident(.lane(LaneID(0))), .attest(item: 0),
    .disinfected(RoomID(0), .wipe, minutes: 30, minutesAgo: 5),
    .acknowledge(occurrence: 4), .unacknowledge(occurrence: 4), .shelve(AlarmID(.airHigh, at: .room(RoomID(0))), for: .minutes(30)),
    .unshelve(AlarmID(.portLost, at: .port(PortID(0)))), .takeOutOfService(AlarmID(.eventsLost, at: .site)),
    .returnToService(AlarmID(.logStalled, at: .log)), .overrideLane(LaneID(0)), .resume(ticket: 17), .contactReading(ticket: 17, celsius: 38.15, site: .ear),
    .resumeAt(ticket: 17, LaneID(0)), .overrideTicket(17), .credential(LaneID(0), passed: true), .credential(LaneID(0), passed: false), .credentialOf(ticket: 17, passed: false), .openCaseOf(ticket: 17),
    .allow(ticket: 17),
    .clear(occurrence: 4), .resetAverage(LaneID(0)), .prove(LaneID(0)), .write(DeviceID(1), 1, value: 2), .write(DeviceID(1), 0, value: .nan),
  ]
  all += CaseStep.allCases.map { .commandAnswered(command(.advanceCase(number: 3, $0, room: RoomID(0))), .done) }
  all += actions.map { .commandAnswered(command($0, claimed: "A. Li \"\u{1f600}\"", why: "wheelchair"), .done) }
  all += Origin.allCases.map { .commandAnswered(command(.resume(ticket: 1), origin: $0), .done) }
  let ofRooms: [Action] = [
    .startSession(RoomID(0)), .endSession(RoomID(9)), .ventilation(RoomID(0), begins: true), .ventilation(RoomID(0), begins: false),
    .occupants(RoomID(0), 28),
  ]
  all += ofRooms.map { .commandAnswered(command($0, claimed: "A. Li"), .done) }
  all.append(.commandAnswered(command(.startSession(RoomID(0))), .refusedFor(.ventilationIncomplete, .minutes(42))))
  all += Refusal.allCases.map { .commandAnswered(command(.overrideLane(LaneID(9))), .refused($0)) }
  return all
}()

/// The kind of a body. Whoever adds a case adds it to `everyBody` too.
func kind(_ body: EventBody) -> Int {
  switch body {
  case .systemStarted: 0
  case .systemStopping: 1
  case .clockStepped: 2
  case .portOpened: 3
  case .portLost: 4
  case .deviceUp: 5
  case .deviceDown: 6
  case .reading: 7
  case .laneChanged: 8
  case .screeningBegan: 9
  case .screeningPassed: 10
  case .screeningDenied: 11
  case .screeningResumed: 12
  case .screeningAbandoned: 13
  case .screeningIsolated: 14
  case .gateOpened: 15
  case .gateShut: 16
  case .gateReleased: 17
  case .gateReturned: 18
  case .passage: 19
  case .alarmRaised: 20
  case .alarmAcknowledged: 21
  case .alarmCleared: 22
  case .air: 23
  case .commandAnswered: 24
  case .lost: 25
  case .writeFailed: 26
  case .alarmRepeated: 27
  case .deviceStillDown: 28
  case .written: 29
  case .alarmUnacknowledged: 30
  case .alarmEscalated: 31
  case .alarmSuppressed: 32
  case .alarmUnsuppressed: 33
  case .caseStep: 34
  case .roomLocked: 35
  case .roomFreed: 36
  case .disinfected: 37
  case .attested: 38
  case .siteOpened: 39
  case .siteClosed: 40
  case .incidentBegan: 41
  case .incidentEnded: 42
  case .policyChanged: 43
  case .ventilationBegan: 44
  case .ventilationEnded: 45
  case .ventilationJudged: 46
  case .sessionBegan: 47
  case .sessionEnded: 48
  case .sessionHeld: 49
  case .roomExcepted: 50
  case .laneStatistics: 51
  case .laneProof: 52
  }
}
