// The door's state as `gatehouse status` shows it: what the real-time thread pinned to the board, with names.

import Control
import Devices
import Domain
import EventLog
import Foundation
import Pipeline
import Ports
import Rings
import Rules
import Settings

/// Makes the answer to `status`, on the sockets' thread.
struct DoorStatus: Sendable {
  let settings: Settings
  let startID: String
  let started: Instant
  let board: StatusBoard
  let bell: Bell
  let log: LogThreads

  func line() -> Data {
    let logged = log.current
    var status = Status(
      version: doorVersion, startID: startID, pid: ProcessInfo.processInfo.processIdentifier,
      uptime: (Clock.boot() - started).seconds, site: settings.site.id, ready: true,
      log: Status.Log(
        records: logged.records, telemetry: logged.telemetry, aggregates: logged.aggregates, stalled: logged.isStalled,
        tail: log.waiting, lost: ["records": logged.lostRecords, "telemetry": logged.lostTelemetry]))
    // A real-time thread that does not answer within half a second is not ready, whatever else is well.
    status.ready = board.ask(ringing: bell) { fill(&status, from: $0) } != nil
    return status.line()
  }

  private func fill(_ status: inout Status, from board: StatusBoard) {
    status.turns = board.turns
    status.latency = ["decision": latency(board.decision), "gate": latency(board.gate)]
    let riders = Dictionary(grouping: settings.devices.indices) { Int(settings.devices[$0].port.index) }
    status.ports = settings.ports.indices.map { index in
      let port = board.ports[index]
      let bus = board.buses[index]
      let devices = (riders[index] ?? []).map { board.deviceCounters[$0] }
      func sum(_ count: KeyPath<DeviceCounters, UInt64>) -> UInt64 { devices.reduce(0) { $0 &+ $1[keyPath: count] } }
      return Status.Port(
        name: settings.ports[index].name, state: port.isOpen ? "open" : "closed", generation: port.generation.number,
        opens: port.opens, losses: port.losses,
        counters: [
          "bytes_in": port.bytesIn, "bytes_out": port.bytesOut, "dropped": port.dropped, "short_writes": port.shortWrites,
          "bytes_taken": bus.bytesTaken, "bytes_dropped": bus.bytesDropped, "bytes_waiting": bus.bytesWaiting, "late_replies": bus.lateReplies, "stale_inputs": bus.staleInputs,
          "requests": sum(\.requests), "replies": sum(\.replies), "time_outs": sum(\.timeOuts), "check_errors": sum(\.checkErrors),
          "exceptions": sum(\.exceptions), "wrong_replies": sum(\.wrongReplies), "retries": sum(\.retries),
          "longest_round_trip_us": devices.map(\.longestRoundTrip.microseconds).max() ?? 0,
        ])
    }
    status.devices = devices(board)
    status.lanes = settings.lanes.indices.map { index in
      let lane = board.lanes[index]
      let waiting = (0..<board.waitingCount).map { board.waiting[$0] }.filter { Int($0.lane.index) == index }
      var shown = Status.Lane(
        name: settings.lanes[index].name, state: lane.state.name, released: lane.releasedBy?.name,
        waiting: waiting.map {
          Status.Waiting(ticket: $0.ticket, state: $0.state.name, since: (board.now.boot - $0.since).seconds)
        },
        passed: lane.passed, denied: lane.denied)
      shown.statistics = statistics(lane.statistics)
      shown.proven = lane.provenAt == 0 ? nil : time(lane.provenAt, board.now)
      shown.seen = lane.seenAt == 0 ? nil : time(lane.seenAt, board.now)
      return shown
    }
    status.rooms = settings.rooms.indices.map { index in
      let room = board.rooms[index]
      var shown = Status.Room(
        name: settings.rooms[index].name, mean5: room.air.mean5, mean60: room.air.mean60, use: board.uses[index].name)
      if room.air.occupants.isFinite { shown.people = Int(room.air.occupants) }
      if room.air.freshAir.isFinite { shown.freshAir = room.air.freshAir }
      shown.ventilation = room.method?.name
      if room.method != nil { shown.ventilatedFor = room.ventilated.seconds }
      shown.isInSession = room.isInSession
      if room.missing > .zero { shown.missing = room.missing.seconds }
      return shown
    }
    status.siteState = board.siteState.name
    status.cases = (0..<board.caseCount).map { index in
      let one = board.cases[index]
      let steps: [(CaseStep, Bool)] = [
        (.isolated, one.isIsolated), (.reported, one.isReported), (.contactsListed, one.areContactsListed),
        (.handedOver, one.isHandedOver),
      ]
      return Status.Case(
        number: one.number, cause: one.cause.name, place: name(one.place), since: (board.now.boot - one.openedAt).seconds,
        done: steps.filter(\.1).map(\.0.name))
    }
    status.alarms = (0..<board.alarmCount).map { index in
      let alarm = board.alarms[index]
      let note = board.notes[index]
      return Status.Alarm(
        occurrence: alarm.isOpen ? alarm.occurrence : 0, kind: alarm.kind.name, place: name(alarm.place),
        priority: alarm.priority.name, state: alarm.state.name, since: alarm.isOpen ? time(alarm.raisedAt, board.now) : nil,
        level: alarm.level > 0 ? Int(alarm.level) : nil, until: shelfEnd(alarm, board.now),
        who: note.who.isEmpty ? nil : note.who.string, why: note.why.isEmpty ? nil : note.why.string)
    }
  }

  private func statistics(_ lane: LaneStatisticsView) -> Status.LaneStatistics {
    func counts(_ of: LaneCounts) -> Status.LaneCounts {
      Status.LaneCounts(
        screened: of.screened, laneMean: of.atLane.mean, laneLongest: of.atLane.longest.seconds, tickets: of.withTicket.count,
        ticketMean: of.withTicket.mean, ticketLongest: of.withTicket.longest.seconds, measured: of.measured, elevated: of.elevated)
    }
    return Status.LaneStatistics(
      lastHour: counts(lane.lastHour), today: counts(lane.today), busiest: lane.busiest, median: lane.median, drift: lane.drift)
  }

  private func shelfEnd(_ alarm: AlarmRow, _ now: Now) -> String? {
    guard case .shelved = alarm.state, alarm.timer > now.boot, alarm.timer < .never else { return nil }
    return time(now.wall &+ (alarm.timer - now.boot).ns, now)
  }

  private func devices(_ board: StatusBoard) -> [Status.Device] {
    var first = 0
    return settings.devices.indices.map { index in
      let device = settings.devices[index]
      let report = board.devices[index]
      let counters = board.deviceCounters[index]
      let known = device.profile.fields
      let newest = known.indices.filter { field in
        guard known[field].told == .always, !known[field].type.isText else { return false }
        // A field that variants have otherwise stands there once for each: the one that was read last is meant.
        let at = board.readings[first + field].at
        return !known.indices.contains { other in
          let twin = board.readings[first + other].at
          return other != field && known[other].name == known[field].name && (twin > at || twin == at && other < field)
        }
      }
      let fields = newest.map { shown(board.readings[first + $0], known[$0], device.profile, board.now) }
      first += device.profile.fields.count
      return Status.Device(
        name: device.name, profile: device.profile.id, port: settings.ports[Int(device.port.index)].name,
        state: report.presence.name, since: report.since == 0 ? nil : time(report.since, board.now),
        counters: [
          "requests": counters.requests, "replies": counters.replies, "time_outs": counters.timeOuts,
          "check_errors": counters.checkErrors, "exceptions": counters.exceptions, "wrong_replies": counters.wrongReplies,
          "retries": counters.retries, "round_trip_us": counters.roundTrip.microseconds,
          "longest_round_trip_us": counters.longestRoundTrip.microseconds, "writes": counters.writes, "writes_failed": counters.writesFailed, "good_readings": report.goodReadings,
          "invalid_readings": report.invalidReadings,
        ],
        fields: fields)
    }
  }

  /// A value nobody may use, because it is invalid or old, is not shown as one.
  private func shown(_ reading: Reading, _ field: Field, _ profile: Profile, _ now: Now) -> Status.Field {
    let age = reading.at > .past ? (now.boot - reading.at).seconds : nil
    switch reading.judged(at: now.boot, staleAfter: profile.staleAfter(field)) {
    case .value(let value): return Status.Field(name: field.name, value: value, unit: field.unit.symbol, quality: "good", age: age)
    case .invalid(let reason):
      return Status.Field(name: field.name, value: nil, unit: field.unit.symbol, quality: reason.name, age: age)
    }
  }

  private func latency(_ summary: LatencySummary) -> Status.Latency {
    Status.Latency(
      p50: Double(summary.p50.ns) / 1e3, p99: Double(summary.p99.ns) / 1e3, max: Double(summary.longest.ns) / 1e3,
      count: summary.count)
  }

  private func name(_ place: Place) -> String {
    switch place {
    case .site: settings.site.id
    case .log: "log"
    case .lane(let lane): settings.names.lanes[Int(lane.index)]
    case .room(let room): settings.names.rooms[Int(room.index)]
    case .device(let device): settings.names.devices[Int(device.index)]
    case .port(let port): settings.names.ports[Int(port.index)]
    }
  }

  private func time(_ wall: Int64, _ now: Now) -> String { timeText(wall: wall, utcOffset: now.utcOffset) }
}

extension Interval {
  fileprivate var microseconds: UInt64 { UInt64(max(0, ns / 1_000)) }
}
