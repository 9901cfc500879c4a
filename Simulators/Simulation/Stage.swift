// Where a scenario is lived: in virtual time, with the door in this process, or as time passes, with the door as a program.

import Control
import Domain
import EventLog
import Foundation
import Settings

/// Something that the door told.
struct Told {
  /// Since the beginning.
  var at: Interval
  /// Without `gatehouse.` in front.
  var type: String
  /// A lane, room, device or bus, the site, or `log`.
  var place: String
  var isRecord: Bool
  /// The whole CloudEvent in JSON, made when somebody wants it.
  var document: () -> Data
}

/// What came of a command.
enum StaffAnswer: Equatable {
  case done
  /// The name of the refusal.
  case refused(String)
  /// There is no door, or it says nothing.
  case nobody
}

/// A site with a door that a scenario happens to.
protocol Stage: AnyObject {
  /// Since the beginning.
  var elapsed: Interval { get }
  var isUp: Bool { get }
  var onTold: (Told) -> Void { get set }
  var lastBytes: [String] { get }
  /// Lets time pass until then.
  func run(until end: Interval)
  /// An order to the simulators; the answer is `ok`, or `error` and why.
  func perform(_ order: String) -> String
  func ask(_ request: CommandRequest) throws(BadRequest) -> StaffAnswer
  func start() throws
  func stop()
  func kill()
  /// The gates that moved since the last call, and when.
  func takeMoves() -> [(lane: String, isOpen: Bool, at: Interval)]
  /// The name of whoever stands at the lane, if they have one.
  func person(at lane: String) -> String?
  /// The end: nothing runs any longer. What went wrong with the door by itself, as sentences.
  func finish() -> [String]
}

/// In virtual time.
final class VirtualStage: Stage {
  let site: VirtualSite
  var onTold: (Told) -> Void = { _ in }
  private let names: Names
  private let formatter: EventLog.Formatter
  private var random: Chance

  init(_ scenario: Scenario, folder: String) throws {
    site = try VirtualSite(scenario.settings, seed: scenario.seed, wall: scenario.starts, log: folder)
    names = scenario.settings.names
    random = Chance(seed: scenario.seed)
    formatter = EventLog.Formatter(names: names, random: &random)
    site.onEvent = { [unowned self] in tell($0) }
  }

  var elapsed: Interval { site.elapsed }
  var isUp: Bool { site.isUp }
  var lastBytes: [String] { site.lastBytes }

  func run(until end: Interval) { site.run(until: Instant(ns: end.ns)) }
  func perform(_ order: String) -> String { site.perform(order) }
  func start() throws { try site.start() }
  func stop() { site.stop() }
  func kill() { site.kill() }

  func ask(_ request: CommandRequest) throws(BadRequest) -> StaffAnswer {
    let answer = try site.command { now throws(BadRequest) in
      try request.checked(names: names, actor: Text("staff") ?? Text(), now: now)
    }
    return switch answer {
    case .done?: .done
    case .refused(let refusal)?, .refusedFor(let refusal, _)?: .refused(refusal.name)
    case nil: .nobody
    }
  }

  func takeMoves() -> [(lane: String, isOpen: Bool, at: Interval)] {
    site.takeMoves().map { (names.lanes[$0.lane], $0.isOpen, $0.at - Instant(ns: 0)) }
  }

  func person(at lane: String) -> String? { names.lanes.firstIndex(of: lane).flatMap { site.world.person(at: $0) } }

  func finish() -> [String] { [] }

  private func tell(_ event: Event) {
    onTold(
      Told(
        at: site.elapsed, type: formatter.typeName(of: event.body), place: names.name(of: event.source),
        isRecord: event.body.stream == .records,
        document: { [unowned self] in formatter.format(event, random: &random).whole }))
  }
}

extension Names {
  /// A place as scenarios name it.
  func name(of place: Place) -> String {
    switch place {
    case .site: site
    case .log: "log"
    case .lane(let lane): lanes[Int(lane.index)]
    case .room(let room): rooms[Int(room.index)]
    case .device(let device): devices[Int(device.index)]
    case .port(let port): ports[Int(port.index)]
    }
  }
}
