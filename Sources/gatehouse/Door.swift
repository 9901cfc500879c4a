// Ways to the running door: where its sockets are, how what goes wrong there is said, and how an order is given.

import ArgumentParser
import Control
import Domain
import Foundation

/// What a person sees of an error, and the exit code that goes with it.
func complain(_ words: String, as who: String = "gatehouse: ") {
  FileHandle.standardError.write(Data("\(who)\(words)\n".utf8))
}

extension PlaceOptions {
  /// Where the sockets are. Settings are read only when nothing else says so.
  func sockets() throws -> ControlPaths {
    let locations = locations
    if let folder = locations.runDir { return ControlPaths(folder: folder) }
    return locations.sockets(logFolder: try loadLogFolder(locations))
  }

  /// The door's status, or the end of the program with words.
  func status() throws -> (line: Data, status: Status) {
    let paths = try sockets()
    do {
      let line = try EventsClient(path: paths.events).status()
      return (line, try Status(line: line))
    } catch let error as ControlError {
      complain(error.description)
      throw ExitCode.unreachable
    } catch {
      complain("the door's status can't be read; is it of another version? \(error)")
      throw ExitCode.unreachable
    }
  }
}

/// The options of every order.
struct OrderOptions: ParsableArguments {
  @OptionGroup var places: PlaceOptions
  @Option(help: "Your name, kept beside your user in the log.")
  var who: String?
  @Option(help: "The reason, kept in the log.")
  var why: String?
  @Option(help: "The id of an earlier try: a door that carried it out answers as it did then.")
  var id: String?
  @Flag(help: "Print the door's answer as one line of JSON.")
  var json = false

  func validate() throws {
    if let id, UUID(uuidString: id) == nil { throw ValidationError("--id takes a UUID, as printed by the first try.") }
    for (name, text) in [("--who", who), ("--why", why)] where (text ?? "").utf8.count > 96 {
      throw ValidationError("\(name) takes 96 bytes at most (32 Chinese characters).")
    }
  }

  /// Some orders are somebody's, for a reason.
  func requireWhoAndWhy(_ what: String) throws {
    guard let who, let why, !who.isEmpty, !why.isEmpty else { throw ValidationError("\(what) only with --who and --why.") }
  }

  /// Others are somebody's, and say why in words of their own.
  func requireWho(_ what: String) throws {
    guard let who, !who.isEmpty else { throw ValidationError("\(what) only with --who.") }
  }

  /// Gives an order and reports what became of it; ends the program with its exit code.
  func give(
    _ action: Action, lane: String? = nil, place: String? = nil, device: String? = nil, write: String? = nil, room: String? = nil,
    item: String? = nil, why: String? = nil, done: String
  ) throws {
    let id = id.flatMap(UUID.init(uuidString:)) ?? UUID()
    // What may open a gate is carried out at once or not at all.
    let goodFor =
      switch action {
      case .overrideLane, .overrideTicket, .contactReading, .credential, .credentialOf: 3.0
      default: 10.0
      }
    let request = CommandRequest(
      id: id, action: action, lane: lane, place: place, device: device, write: write, room: room, item: item, goodFor: goodFor,
      issued: bootClock(), who: who, why: why ?? self.why, origin: .commandLine)
    let answer: CommandAnswer
    do {
      // The door itself says `unknown` 5 s after the order has run out.
      answer = try CommandClient(path: places.sockets().command).send(request, within: .seconds(Int64(goodFor) + 6))
    } catch let error as ControlError where error == .timedOut || error == .closed {
      complain("\(error); ask again with --id \(request.id): nothing is done twice")
      throw ExitCode.unreachable
    } catch let error as ControlError {
      complain(error.description)
      throw ExitCode.unreachable
    }
    if json { print(String(decoding: answer.line(), as: UTF8.self)) }
    let report = OrderReport(answer, done: done, id: request.id)
    if report.code == .success {
      if !json { print(report.words) }
    } else {
      complain(report.words)
      throw report.code
    }
  }
}

/// What a person is told of an answer.
struct OrderReport: Equatable {
  var words: String
  var code: ExitCode

  init(_ answer: CommandAnswer, done: String, id: String) {
    switch answer.answer {
    case .done:
      let place = answer.seq.map { "in the log as records \($0)" } ?? "NOT YET in the log: it is stalled"
      words = "\(done) (\(place))"
      code = .success
    case .refused:
      words = "refused: \(printable(answer.message ?? Self.explain(answer.reason ?? "no reason given", answer.missing)))"
      code = .problem
    case .unknown:
      words = "the door did not say what became of it; look at `gatehouse status`, or ask again with --id \(id)"
      code = .unreachable
    }
  }

  /// Words for the refusals of the rules.
  static func explain(_ reason: String, _ missing: String? = nil) -> String {
    let what = missing ?? "something"
    let known = Refusal.allCases.first { $0.name == reason }
    switch known {
    case .expired: return "it came too late to be carried out"
    case .tooEarly: return "the wait is not over; `gatehouse status` shows since when they wait. A contact thermometer need not wait"
    case .nothingToProve: return "that lane has neither a lamp nor a buzzer"
    case .ticketsWait: return "people wait with tickets of that lane"
    case .signalsOn: return "its lamp or buzzer is on for an alarm or a refusal; acknowledge that first"
    case .nobodyThere: return "nobody is being screened at that lane"
    case .unknownAlarm: return "there is no such alarm now; `gatehouse alarms` lists them"
    case .unknownTicket: return "there is no such ticket; `gatehouse status` lists who waits"
    case .unknownLane: return "there is no such lane"
    case .notWaiting: return "that screening does not wait"
    case .laneBusy: return "somebody is being measured in that lane"
    case .laneReleased: return "that lane is released: its gate stands open"
    case .whoAndWhyRequired: return "a name and a reason are required: --who and --why"
    case .gateUnavailable: return "the gate's board does not answer"
    case .implausible: return "the value can't be a body temperature"
    case .valueNotAllowed: return "the profile allows no such value for it"
    case .deviceUnavailable: return "the device does not answer, or has too much to do"
    case .noIdentity: return "that lane lets nobody pass who has not shown who they are; `gatehouse override`, by name"
    case .noCredential: return "that lane lets nobody pass without a credential; `gatehouse override`, by name"
    case .notOnRoster: return "they are not on the roster; `gatehouse allow TICKET`, by name"
    case .safetyAlarm: return "it tells of a person or a gate: it may be acknowledged, and is never taken out of sight"
    case .alarmSuppressed: return "it is shelved, suppressed or out of service: nobody is told of it now"
    case .notAcknowledged: return "only an alarm that is active and acknowledged can be shown again"
    case .notShelved: return "it is not shelved"
    case .notOutOfService: return "it is not out of service"
    case .shelfTooLong: return "it may not be shelved for so long: `alarms.shelve_longest_min` in the settings"
    case .shelfFull: return "so many alarms are out of sight already; return some first"
    case .stillActive: return "what it tells of is still there"
    case .noIsolationRoom: return "no isolation room is free: each is taken, or locked until it is clean"
    case .notAttested: return "nobody vouches for \(what) now: `gatehouse attest \(what) --who …`"
    case .notVentilated: return "no full ventilation of \(what) is known yet"
    case .notDisinfected: return "no disinfection of \(what) is known that is recent enough: `gatehouse disinfected \(what) …`"
    case .suspended: return "an incident suspends it: `gatehouse incident end … --who … --why …`"
    case .notSuspended: return "no incident suspends that place"
    case .siteClosed: return "the site is closed, or has no isolation room left"
    case .alreadyDone: return "it is so already"
    case .unknownCase: return "there is no such case open; `gatehouse case` lists them"
    case .tooManyCases: return "64 cases are open; close one first"
    case .notIsolationRoom: return "that is no isolation room"
    case .roomTaken: return "somebody is isolated in that room"
    case .roomLocked: return "\(missing ?? "the room") is locked until it was ventilated and disinfected after a case"
    case .notIsolated: return "nobody has confirmed that the person arrived in an isolation room"
    case .notReported: return "it was not reported yet: `gatehouse case reported …`"
    case .contactsNotListed: return "the contacts were not listed yet: `gatehouse case contacts …`"
    case .notHandedOver: return "the person was not handed over yet: `gatehouse case handed-over …`"
    case .unknownRoom: return "there is no such room"
    case .ventilationIncomplete: return "\(what) of the ventilation after the last session are missing"
    case .sessionRunning: return "a session is on in that room"
    case .noSession: return "no session is on in that room"
    case .noResponsible: return "nobody is named who answers for that room: `rooms.NAME.responsible` in the settings"
    case .takesNoSession: return "no session is held in an isolation room"
    case .nothingDeclared: return "nobody has said that the room is being ventilated"
    case nil: return reason
    }
  }
}
