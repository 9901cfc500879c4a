// A scenario lived in virtual time.

public import Domain
import EventLog
import Foundation
import Settings

/// What a run came to.
public struct ScenarioResult: Sendable {
  public var scenario: Scenario
  public var outcomes: [Outcome]
  /// What could not be done, such as a command that was refused: a sentence with its line.
  public var mishaps: [String]
  /// The last events, and what the wires carried last: for whoever has to find out why.
  public var lastEvents: [String]
  public var lastBytes: [String]
  public var events: Int
  /// Since it began, as people count time.
  public var took: Double

  public var isAsExpected: Bool { mishaps.isEmpty && outcomes.allSatisfy { $0.failure == nil } }
}

/// Lives one scenario.
public final class VirtualRun {
  private let scenario: Scenario
  private let site: VirtualSite
  private let formatter: EventLog.Formatter
  private var random: Chance
  private var judge: Judge
  private var mishaps: [String] = []
  private var tickets: [String: UInt32] = [:]
  private var occurrences: [(kind: AlarmKind, place: String, occurrence: UInt32)] = []
  private var recent: [Event] = []
  private var count = 0

  /// How many events are kept for the report.
  private static var kept: Int { 30 }

  /// `folder`: where its log shall lie; it must be empty.
  public init(_ scenario: Scenario, folder: String) throws {
    self.scenario = scenario
    site = try VirtualSite(scenario.settings, seed: scenario.seed, wall: scenario.starts, log: folder)
    random = Chance(seed: scenario.seed)
    formatter = EventLog.Formatter(names: scenario.settings.names, random: &random)
    judge = Judge(scenario.expects)
    site.onEvent = { [unowned self] in see($0) }
    try site.start()
  }

  /// - Parameter tell: gets the time that has passed, now and then.
  public func run(tell: (Interval) -> Void = { _ in }) -> ScenarioResult {
    let began = ContinuousClock.now
    var steps = scenario.happens[...]
    while site.elapsed < scenario.lasts {
      let pause = site.elapsed + .seconds(60)
      site.run(until: Instant(ns: min(min(steps.first?.at ?? scenario.lasts, scenario.lasts), pause).ns))
      watchGates()
      while let step = steps.first, step.at <= site.elapsed {
        steps.removeFirst()
        carryOut(step)
      }
      tell(site.elapsed)
    }
    let took = began.duration(to: .now)
    return ScenarioResult(
      scenario: scenario, outcomes: judge.outcomes(at: site.elapsed), mishaps: mishaps, lastEvents: recent.map(line),
      lastBytes: site.lastBytes, events: count, took: Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18)
  }

  // MARK: What happens

  private func carryOut(_ step: Happening) {
    switch step.what {
    case .order(let line):
      let answer = site.perform(line)
      if answer != "ok" { mishaps.append("line \(step.line): \(step.words): \(answer)") }
    case .staff(let order): ask(order, step)
    case .door(.kill): site.kill()
    case .door(.stop): site.stop()
    case .door(.start):
      guard !site.isUp else { return mishaps.append("line \(step.line): the door runs already") }
      do { try site.start() } catch { mishaps.append("line \(step.line): the door can't start: \(error)") }
    case .disk(let disk): site.disk = disk
    case .clock(let nanoseconds): site.setClock(byNanoseconds: nanoseconds)
    }
  }

  private func ask(_ order: StaffOrder, _ step: Happening) {
    func fail(_ sentence: String) { mishaps.append("line \(step.line): \(step.words): \(sentence)") }
    var ticket: UInt32?
    if let person = order.person {
      ticket = tickets[person]
      if ticket == nil { return fail("\(person) has no ticket yet") }
    }
    var occurrence: UInt32?
    if let alarm = order.alarm {
      occurrence = occurrences.last { $0.kind.name == alarm.kind && alarm.place ?? $0.place == $0.place }?.occurrence
      if occurrence == nil { return fail("no such alarm was raised yet") }
    }
    do {
      let id = commandID()
      let answer = try site.command { now in
        try order.command(ticket: ticket, occurrence: occurrence, id: id, names: scenario.settings.names, now: now)
      }
      switch answer {
      case .done?: if order.isRefused { fail("it was done, and a refusal was expected") }
      case .refused(let refusal)?, .refusedFor(let refusal, _)?: if !order.isRefused { fail("refused: \(refusal.name)") }
      case nil: fail("nobody answers")
      }
    } catch {
      fail("\(error)")
    }
  }

  private func commandID() -> UUID {
    let bytes = random.bytes(16)
    let digits = bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    let parts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { range in String(Array(digits)[range]) }
    return UUID(uuidString: parts.joined(separator: "-")) ?? UUID()
  }

  // MARK: What is seen

  private func see(_ event: Event) {
    count += 1
    if event.body.stream == .records {
      recent.append(event)
      if recent.count > Self.kept { recent.removeFirst() }
    }
    let place = name(of: event.source)
    note(event, place)
    let type = formatter.typeName(of: event.body)
    guard judge.wants(type) else { return }
    judge.see(
      Sighting(at: site.elapsed, subject: .event(type), place: place, data: members(of: event)))
  }

  /// Whose ticket it is, and which alarm.
  private func note(_ event: Event, _ place: String) {
    if case .alarmRaised(let fact) = event.body { occurrences.append((fact.kind, place, fact.occurrence)) }
    var ticket: UInt32?
    switch event.body {
    case .screeningBegan(let number): ticket = number
    case .screeningPassed(let fact), .screeningDenied(let fact), .screeningIsolated(let fact), .screeningResumed(let fact): ticket = fact.ticket
    default: break
    }
    guard let ticket, case .lane(let lane) = event.source, let person = site.world.person(at: Int(lane.index)) else { return }
    tickets[person] = ticket
  }

  private func members(of event: Event) -> [String: JSONScalar] {
    let formatted = formatter.format(event, random: &random)
    return (try? JSONDecoder().decode(Whole.self, from: formatted.whole))?.data.compactMapValues(\.scalar) ?? [:]
  }

  private struct Whole: Decodable { var data: [String: Member] }

  /// A member of an event's data that is one value; lists and the like are none.
  private struct Member: Decodable {
    var scalar: JSONScalar?

    init(from decoder: any Decoder) throws {
      guard let value = try? decoder.singleValueContainer() else { return }
      if let isSo = try? value.decode(Bool.self) { scalar = .bool(isSo) }
      else if let number = try? value.decode(Double.self) { scalar = .number(number) }
      else if let text = try? value.decode(String.self) { scalar = .text(text) }
    }
  }

  private func watchGates() {
    for move in site.takeMoves() {
      judge.gate(scenario.settings.names.lanes[move.lane], isOpen: move.isOpen, at: move.at - Instant(ns: 0))
    }
  }

  private func line(_ event: Event) -> String {
    String(decoding: formatter.format(event, random: &random).whole, as: UTF8.self)
  }

  private func name(of place: Place) -> String {
    let names = scenario.settings.names
    return switch place {
    case .site: names.site
    case .log: "log"
    case .lane(let lane): names.lanes[Int(lane.index)]
    case .room(let room): names.rooms[Int(room.index)]
    case .device(let device): names.devices[Int(device.index)]
    case .port(let port): names.ports[Int(port.index)]
    }
  }
}
