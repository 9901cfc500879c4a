// A scenario that is lived: what happens, and what is seen of it.

import Control
public import Domain
import Foundation
import Synchronization

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

extension ScenarioResult {
  /// Of a scenario whose door did not start, and why.
  public init(_ scenario: Scenario, neverLived reason: String) {
    self.init(
      scenario: scenario, outcomes: scenario.expects.map { Outcome(expectation: $0, failure: "it was not lived") }, mishaps: [reason],
      lastEvents: [], lastBytes: [], events: 0, took: 0)
  }
}

/// Lives one scenario.
public final class ScenarioRun {
  private let scenario: Scenario
  private let stage: any Stage
  private var random: Chance
  private var judge: Judge
  private var mishaps: [String] = []
  private var memory = StaffMemory()
  private var recent: [Told] = []
  private var count = 0

  /// How many events are kept for the report.
  private static var kept: Int { 30 }

  /// In virtual time. `folder`: where its log shall lie; it must be empty.
  public convenience init(_ scenario: Scenario, folder: String) throws {
    try self.init(scenario, VirtualStage(scenario, folder: folder))
  }

  /// As time passes, with the program `door`, and everything of this run in `folder`.
  public convenience init(_ scenario: Scenario, folder: String, door: String, profiles: String) throws {
    try self.init(scenario, RealStage(scenario, folder: folder, program: door, profiles: profiles))
  }

  private init(_ scenario: Scenario, _ stage: any Stage) throws {
    self.scenario = scenario
    self.stage = stage
    random = Chance(seed: scenario.seed)
    judge = Judge(scenario.expects)
    stage.onTold = { [unowned self] in see($0) }
    try stage.start()
  }

  /// - Parameter tell: gets the time that has passed, now and then.
  public func run(tell: (Interval) -> Void = { _ in }) -> ScenarioResult {
    let began = ContinuousClock.now
    var course = Course(scenario)
    while stage.elapsed < scenario.lasts, !simulationMustEnd.load(ordering: .relaxed) {
      stage.run(until: min(min(course.nextAt ?? scenario.lasts, scenario.lasts), stage.elapsed + .seconds(60)))
      watchGates()
      while case let due = course.takeDue(at: stage.elapsed), !due.isEmpty { due.forEach(carryOut) }
      tell(stage.elapsed)
    }
    let lived = min(stage.elapsed, scenario.lasts)
    if lived < scenario.lasts { mishaps.append("it was ended after \(clockText(lived))") }
    mishaps += stage.finish()
    let took = began.duration(to: .now)
    return ScenarioResult(
      scenario: scenario, outcomes: judge.outcomes(at: lived), mishaps: mishaps,
      lastEvents: recent.map { String(decoding: $0.document(), as: UTF8.self) }, lastBytes: stage.lastBytes, events: count,
      took: Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18)
  }

  // MARK: What happens

  private func carryOut(_ step: Happening) {
    func fail(_ sentence: String) { mishaps.append("line \(step.line): \(step.words): \(sentence)") }
    switch step.what {
    case .order(let line):
      let answer = stage.perform(line)
      if answer != "ok" { fail(answer) }
    case .staff(let order): ask(order, fail)
    case .door(.kill): stage.kill()
    case .door(.stop): stage.stop()
    case .door(.start):
      guard !stage.isUp else { return fail("the door runs already") }
      do { try stage.start() } catch { fail("the door can't start: \(error)") }
    case .disk(let disk):
      guard let virtual = stage as? VirtualStage else { return fail(Self.needsVirtualTime) }
      virtual.site.disk = disk
    case .clock(let nanoseconds):
      guard let virtual = stage as? VirtualStage else { return fail(Self.needsVirtualTime) }
      virtual.site.setClock(byNanoseconds: nanoseconds)
    }
  }

  static let needsVirtualTime = "this needs virtual time: the disk and the clock of this machine are not the scenario's"

  private func ask(_ order: StaffOrder, _ fail: (String) -> Void) {
    var ticket: UInt32?
    if let person = order.person {
      ticket = memory.ticket(of: person)
      if ticket == nil { return fail("\(person) has no ticket yet") }
    }
    var occurrence: UInt32?
    if let alarm = order.alarm {
      occurrence = memory.occurrence(of: alarm.kind, at: alarm.place)
      if occurrence == nil { return fail("no such alarm was raised yet") }
    }
    do {
      switch try stage.ask(try order.request(ticket: ticket, occurrence: occurrence, id: random.uuid())) {
      case .done: if order.isRefused { fail("it was done, and a refusal was expected") }
      case .refused(let reason): if !order.isRefused { fail("refused: \(reason)") }
      case .nobody: fail("nobody answers")
      }
    } catch {
      fail(error.message)
    }
  }

  // MARK: What is seen

  private func see(_ told: Told) {
    // In real time the log is read to its end.
    guard told.at <= scenario.lasts else { return }
    count += 1
    if told.isRecord {
      recent.append(told)
      if recent.count > Self.kept { recent.removeFirst() }
    }
    let isNoted = told.type.hasPrefix("screening.") || told.type == "alarm.raised"
    guard isNoted || judge.wants(told.type) else { return }
    let data = members(of: told)
    if isNoted { note(told, data) }
    judge.see(Sighting(at: told.at, subject: .event(told.type), place: told.place, data: data))
  }

  /// Whose ticket it is, and which alarm.
  private func note(_ told: Told, _ data: [String: JSONScalar]) {
    if told.type == "alarm.raised", case .text(let kind)? = data["kind"], let number = data["occurrence"]?.whole {
      memory.noteAlarm(kind, at: told.place, occurrence: number)
    }
    if let ticket = data["ticket"]?.whole, let person = stage.person(at: told.place) { memory.note(ticket: ticket, of: person) }
  }

  private func members(of told: Told) -> [String: JSONScalar] {
    (try? JSONDecoder().decode(Whole.self, from: told.document()))?.data.compactMapValues(\.scalar) ?? [:]
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
    for move in stage.takeMoves() { judge.gate(move.lane, isOpen: move.isOpen, at: move.at) }
  }
}
