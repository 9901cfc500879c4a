// One life of a random world: what happens is done to the site, and its witness is told of it.

import Control
import Domain
import EventLog
import Settings

final class Life {
  let witness: Witness
  private(set) var events = 0
  /// The ids of events that were called durable.
  private(set) var durable: Set<String> = []
  private let site: VirtualSite
  private var memory = StaffMemory()
  private var chance: Chance
  private var lastAnswered: CommandID?

  init(_ site: VirtualSite, _ witness: Witness, _ chance: Chance) {
    self.site = site
    self.witness = witness
    self.chance = chance
  }

  // MARK: What is seen

  func see(_ event: Event) {
    events += 1
    let person = { [site] lane in site.world.person(at: lane) }
    remember(event, person)
    if case .commandAnswered(let command, _) = event.body { lastAnswered = command.id }
    witness.see(
      event, person: person, told: { [site] in site.world.told(device: $0, field: $1) }, wires: { [site] in site.wireAccounts }, at: site.elapsed)
  }

  private func remember(_ event: Event, _ person: (Int) -> String?) {
    let place = site.settings.names.name(of: event.source)
    switch event.body {
    case .alarmRaised(let fact): memory.noteAlarm(fact.kind.name, at: place, occurrence: fact.occurrence)
    case .screeningPassed(let fact), .screeningDenied(let fact), .screeningIsolated(let fact), .screeningResumed(let fact):
      guard case .lane(let lane) = event.source, let person = person(Int(lane.index)) else { return }
      memory.note(ticket: fact.ticket, of: person)
    default: break
    }
  }

  func committed(_ events: [Committed]) {
    for event in events {
      durable.insert(event.id)
      witness.committed(counter(of: event.id))
    }
  }

  func told(_ ids: [String]) { for id in ids { witness.told(counter(of: id)) } }

  private func counter(of id: String) -> UInt64 { id.split(separator: "-").last.flatMap { UInt64($0) } ?? 0 }

  /// Often: what is so now.
  func look() {
    for move in site.takeMoves() { witness.moved(move, at: site.elapsed) }
    let world = site.world
    witness.look(person: { world.person(at: $0) }, isUp: site.isUp, at: site.elapsed)
    guard site.isUp else { return }
    witness.lookAtLamps(isLit: { world.isRelayOn($0.number, of: Int($0.device.index)) }, at: site.elapsed)
    witness.lookAtWires(site.wireAccounts, at: site.elapsed)
    witness.lookAtLog(stalledFor: site.logStalledFor, at: site.elapsed)
  }

  // MARK: What happens

  func carryOut(_ step: Happening) throws {
    let grace = site.elapsed + .seconds(60)
    switch step.what {
    case .order(let line):
      let words = line.split(separator: " ")
      // Faults and cables may overlap; a second unplug is no mistake here.
      _ = site.perform(line)
      switch words[0] {
      case "person", "room": break
      case "gate":
        if let lane = site.settings.names.lanes.firstIndex(of: String(words[1])) {
          witness.gate(lane, isFaulty: words[2] != "normal", at: site.elapsed)
        }
        witness.disturbed(until: grace)
      case "fault":
        let long = words.last.flatMap { $0.hasPrefix("for=") ? Double($0.dropFirst(4)) : nil } ?? 0
        witness.disturbed(until: grace + .seconds(Int64(long)))
      case "unplug": witness.disturbed(until: .minutes(100_000))
      case "replug": witness.plugged(until: grace, allPlugged: site.world.plugged.allSatisfy(\.self))
      default: witness.disturbed(until: grace)
      }
    case .door(.kill):
      guard site.isUp else { return }
      witness.lookAtWires(site.wireAccounts, at: site.elapsed)
      site.kill()
    case .door(.stop):
      guard site.isUp else { return }
      witness.stopping()
      site.stop()
    case .door(.start):
      guard !site.isUp else { return }
      witness.started(at: site.elapsed)
      try site.start()
      witness.disturbed(until: grace)
    // Neither disk nor wall clock may keep anybody from being seen.
    case .disk(let disk): site.disk = disk
    case .clock(let nanoseconds): site.setClock(byNanoseconds: nanoseconds)
    case .staff(let order): ask(order)
    }
  }

  private func ask(_ order: StaffOrder) {
    let ticket = order.person.flatMap { memory.ticket(of: $0) }
    let occurrence = order.alarm.flatMap { memory.occurrence(of: $0.kind, at: $0.place) }
    let id = chance.uuid()
    // What the door's own reader refuses never reaches the door.
    guard
      let answer = try? site.command({ [site, witness] now in
        let request = try order.request(ticket: ticket, occurrence: occurrence, id: id)
        let command = try request.checked(names: site.settings.names, actor: Text("staff") ?? Text(), now: now)
        witness.asked(command.action, at: site.elapsed)
        return command
      })
    else { return }
    witness.answered(answer, isLogged: lastAnswered == CommandID(id), order.words, at: site.elapsed)
  }
}
