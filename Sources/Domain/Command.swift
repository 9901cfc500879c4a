// What people and programs may ask of the door, in one typed form for command line, console and tests.

/// Names a command, so that a repeat gets the first answer.
public struct CommandID: BitwiseCopyable, Hashable, Sendable {
  public var high: UInt64
  public var low: UInt64
  @inlinable @inline(__always) public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
  @inlinable @inline(__always) public static func == (a: CommandID, b: CommandID) -> Bool {
    a.high == b.high && a.low == b.low
  }
}

/// Where a command came from.
public enum Origin: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case commandLine, console, mqtt, test

  public var name: String {
    switch self {
    case .commandLine: "command_line"
    case .console: "console"
    case .mqtt: "mqtt"
    case .test: "test"
    }
  }
}

/// What is asked.
public enum Action: BitwiseCopyable, Sendable {
  /// An alarm was seen; `occurrence` as in its event.
  case acknowledge(occurrence: UInt32)
  /// An alarm that was acknowledged shall be seen again.
  case unacknowledge(occurrence: UInt32)
  /// Nobody is told of this alarm for a while. Who and why are required.
  case shelve(AlarmID, for: Interval)
  case unshelve(AlarmID)
  /// Nobody is told of this alarm until it is returned to service. Who and why are required.
  case takeOutOfService(AlarmID)
  case returnToService(AlarmID)
  /// Let one person through a lane without a verdict. Who and why are required.
  case overrideLane(LaneID)
  /// A waiting screening comes back to its lane to be measured again.
  case resume(ticket: UInt32)
  /// The same at a lane of choice, with another thermometer.
  case resumeAt(ticket: UInt32, LaneID)
  /// Let somebody who waits through without a verdict. Who and why are required.
  case overrideTicket(UInt32)
  /// A contact thermometer's reading, degC, for a waiting screening. Why is required for whoever passes by it.
  case contactReading(ticket: UInt32, celsius: Double, site: ContactSite = .axilla)
  /// What another system says of the person at a lane: it can deny, and never open.
  case credential(LaneID, passed: Bool)
  /// The same of somebody who has a ticket.
  case credentialOf(ticket: UInt32, passed: Bool)
  /// Somebody who was refused may be screened again, by the ticket they had. Who and why are required.
  case allow(ticket: UInt32)
  /// Staff have dealt with a latched alarm, such as `suspect_left`: it may go.
  case clear(occurrence: UInt32)
  /// The relative rule of a lane forgets the people it knows. Who and why are required.
  case resetAverage(LaneID)
  /// A lane proves its alert path: lamp and buzzer as for somebody who is elevated, while nobody is there.
  case prove(LaneID)
  /// Opens or closes the site.
  case openSite
  case closeSite
  /// A case by what somebody saw (cough …), at a lane or in a room, without a reading.
  case openCase(Place)
  /// The same of somebody who has a ticket.
  case openCaseOf(ticket: UInt32)
  /// A step of an open case; `room` where the step has one.
  case advanceCase(number: UInt32, CaseStep, room: RoomID)
  /// Entries and session starts are refused, at a lane, in a room or at the whole site, until somebody ends it by name.
  case beginIncident(Place)
  case endIncident(Place)
  /// A room was disinfected for `minutes`, until `minutesAgo`; the command's `why` names the agent.
  case disinfected(RoomID, DisinfectionMethod, minutes: UInt16, minutesAgo: UInt16)
  /// Somebody vouches for an item of the checklist, or that an isolation room is suitable.
  case attest(item: UInt8)
  case startSession(RoomID)
  case endSession(RoomID)
  /// Somebody opened or shut the windows of a room, and answers for it.
  case ventilation(RoomID, begins: Bool)
  /// So many people are in the room.
  case occupants(RoomID, UInt16)
  /// One of the writes that the device's profile names, by its place among them; `value` in the profile's unit, NaN for none.
  case write(DeviceID, UInt8, value: Double)

  public var name: String {
    switch self {
    case .acknowledge: "acknowledge"
    case .unacknowledge: "unacknowledge"
    case .shelve: "shelve"
    case .unshelve: "unshelve"
    case .takeOutOfService: "take_out_of_service"
    case .returnToService: "return_to_service"
    case .overrideLane: "override"
    case .resume, .resumeAt: "resume"
    case .overrideTicket: "override"
    case .credential, .credentialOf: "credential"
    case .allow: "allow"
    case .contactReading: "contact_reading"
    case .clear: "clear"
    case .resetAverage: "reset_average"
    case .prove: "prove"
    case .openSite: "open_site"
    case .closeSite: "close_site"
    case .openCase, .openCaseOf: "open_case"
    case .advanceCase: "advance_case"
    case .beginIncident: "begin_incident"
    case .endIncident: "end_incident"
    case .disinfected: "disinfected"
    case .attest: "attest"
    case .startSession: "session_start"
    case .endSession: "session_end"
    case .ventilation(_, begins: true): "ventilation_begin"
    case .ventilation(_, begins: false): "ventilation_end"
    case .occupants: "occupants"
    case .write: "write"
    }
  }
}

/// One request, with who asked, where, why and how long it is good for.
public struct Command: BitwiseCopyable, Sendable {
  public var id: CommandID
  public var action: Action
  /// When it was issued, on the boot clock of this machine.
  public var issued: Instant
  /// After this it is refused: 3 s for what moves a gate.
  public var goodFor: Interval
  public var origin: Origin
  /// The user of the program that asked, as the kernel names it.
  public var actor: Text
  /// The name somebody gave, kept beside the actor and never believed.
  public var claimed: Text
  public var why: Text

  public init(
    id: CommandID, action: Action, issued: Instant, goodFor: Interval, origin: Origin, actor: Text,
    claimed: Text = Text(), why: Text = Text()
  ) {
    self.id = id
    self.action = action
    self.issued = issued
    self.goodFor = goodFor
    self.origin = origin
    self.actor = actor
    self.claimed = claimed
    self.why = why
  }
}

/// Why a command was not carried out.
public enum Refusal: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case expired, unknownAlarm, unknownTicket, unknownLane, notWaiting, laneBusy, laneReleased, whoAndWhyRequired, gateUnavailable
  case implausible, valueNotAllowed, deviceUnavailable, noIdentity, noCredential, notOnRoster
  case safetyAlarm, alarmSuppressed, notAcknowledged, notShelved, notOutOfService, shelfTooLong, shelfFull, stillActive
  case noIsolationRoom, notAttested, notVentilated, notDisinfected, suspended, notSuspended, siteClosed, alreadyDone
  case unknownCase, tooManyCases, notIsolationRoom, roomTaken, roomLocked, notIsolated, notReported, contactsNotListed, notHandedOver
  case unknownRoom, ventilationIncomplete, sessionRunning, noSession, takesNoSession, noResponsible, nothingDeclared
  case tooEarly, nobodyThere
  case nothingToProve, ticketsWait, signalsOn

  public var name: String {
    switch self {
    case .expired: "expired"
    case .unknownAlarm: "unknown_alarm"
    case .unknownTicket: "unknown_ticket"
    case .unknownLane: "unknown_lane"
    case .notWaiting: "not_waiting"
    case .laneBusy: "lane_busy"
    case .laneReleased: "lane_released"
    case .whoAndWhyRequired: "who_and_why_required"
    case .gateUnavailable: "gate_unavailable"
    case .implausible: "implausible"
    case .valueNotAllowed: "value_not_allowed"
    case .deviceUnavailable: "device_unavailable"
    case .noIdentity: "no_identity"
    case .noCredential: "no_credential"
    case .notOnRoster: "not_on_roster"
    case .safetyAlarm: "safety_alarm"
    case .alarmSuppressed: "alarm_suppressed"
    case .notAcknowledged: "not_acknowledged"
    case .notShelved: "not_shelved"
    case .notOutOfService: "not_out_of_service"
    case .shelfTooLong: "shelf_too_long"
    case .shelfFull: "shelf_full"
    case .stillActive: "still_active"
    case .noIsolationRoom: "no_isolation_room"
    case .notAttested: "not_attested"
    case .notVentilated: "not_ventilated"
    case .notDisinfected: "not_disinfected"
    case .suspended: "suspended"
    case .notSuspended: "not_suspended"
    case .siteClosed: "site_closed"
    case .alreadyDone: "already_done"
    case .unknownCase: "unknown_case"
    case .tooManyCases: "too_many_cases"
    case .notIsolationRoom: "not_isolation_room"
    case .roomTaken: "room_taken"
    case .roomLocked: "room_locked"
    case .notIsolated: "not_isolated"
    case .notReported: "not_reported"
    case .contactsNotListed: "contacts_not_listed"
    case .notHandedOver: "not_handed_over"
    case .unknownRoom: "unknown_room"
    case .ventilationIncomplete: "ventilation_incomplete"
    case .sessionRunning: "session_running"
    case .noSession: "no_session"
    case .takesNoSession: "takes_no_session"
    case .noResponsible: "no_responsible"
    case .nothingDeclared: "nothing_declared"
    case .tooEarly: "too_early"
    case .nobodyThere: "nobody_there"
    case .nothingToProve: "nothing_to_prove"
    case .ticketsWait: "tickets_wait"
    case .signalsOn: "signals_on"
    }
  }
}

/// What a refused command lacks.
public enum Missing: BitwiseCopyable, Sendable {
  case room(RoomID)
  /// Of the checklist.
  case item(UInt8)
  /// Of ventilation.
  case minutes(Int32)
}

/// What became of a command.
public enum Answer: BitwiseCopyable, Sendable {
  case done
  case refused(Refusal)
  /// Refused, and by what exactly.
  case refusedFor(Refusal, Missing)
}
