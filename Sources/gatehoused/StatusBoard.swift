// Where the real-time thread pins up what it knows when somebody asks: tables of fixed size, owned by one thread at a
// time. The asker sets `asked` and rings; the real-time thread fills the board between two turns, sets `filled` and
// rings back. Nobody waits for the asker.

import Devices
import Domain
import Pipeline
import Ports
import Rings
import Rules
import Synchronization

/// A copy of the door's state, handed from the real-time thread to the sockets' thread.
///
/// Safe as `@unchecked Sendable`: `state` says whose the tables are, and changes hands by release and acquire.
final class StatusBoard: @unchecked Sendable {
  enum State: Int { case idle, asked, filled }

  private let state = Atomic<Int>(State.idle.rawValue)
  private let answered: Bell

  let devices: Table<DeviceReport>
  let deviceCounters: Table<DeviceCounters>
  let readings: Table<Reading>
  let lanes: Table<LaneView>
  let waiting: Table<ScreeningView>
  var waitingCount = 0
  let rooms: Table<RoomView>
  let uses: Table<RoomUse>
  let cases: Table<CaseView>
  var caseCount = 0
  var siteState = SiteState.open
  let alarms: Table<AlarmRow>
  /// Beside each alarm that a person took out of sight.
  let notes: Table<AlarmNote>
  var alarmCount = 0
  let ports: Table<PortCounters>
  let buses: Table<BusCounters>
  var now = Now(boot: .past, wall: 0)
  var turns: UInt64 = 0
  var decision = LatencySummary()
  var gate = LatencySummary()

  init?(_ pipeline: borrowing Pipeline, devices: Int, ports: Int) {
    guard let bell = Bell() else { return nil }
    answered = bell
    self.devices = Table(capacity: devices, filledWith: DeviceReport())
    deviceCounters = Table(capacity: devices, filledWith: DeviceCounters())
    readings = Table(
      capacity: pipeline.readingCount,
      filledWith: Reading(
        device: DeviceID(0), field: 0, use: .information, unit: .none, quality: .invalid(.neverRead), at: .past, decoded: .nan))
    lanes = Table(
      capacity: pipeline.laneCount, filledWith: LaneView(state: .outOfOrder, releasedBy: nil, passed: 0, denied: 0))
    waiting = Table(
      capacity: pipeline.screeningCount, filledWith: ScreeningView(lane: LaneID(0), ticket: 0, state: .none, since: .past))
    rooms = Table(capacity: pipeline.roomCount, filledWith: .unknown)
    uses = Table(capacity: pipeline.roomCount, filledWith: .free)
    cases = Table(capacity: pipeline.caseCount, filledWith: CaseView.none)
    alarms = Table(
      capacity: pipeline.alarmCount,
      filledWith: AlarmRow(kind: .eventsLost, place: .site, settings: AlarmSettings(priority: .low)))
    notes = Table(capacity: pipeline.alarmCount, filledWith: AlarmNote())
    self.ports = Table(capacity: ports, filledWith: PortCounters())
    buses = Table(capacity: ports, filledWith: BusCounters())
  }

  // MARK: The real-time thread

  var isAsked: Bool { state.load(ordering: .acquiring) == State.asked.rawValue }

  /// Copies the door's state, if it was asked for.
  func fill(
    from pipeline: borrowing Pipeline, _ ports: borrowing Ports, _ decision: borrowing Latency, _ gate: borrowing Latency, _ now: Now
  ) {
    for index in 0..<devices.capacity {
      devices[index] = pipeline.report(on: DeviceID(index))
      deviceCounters[index] = pipeline.counters(of: DeviceID(index))
    }
    for index in 0..<readings.capacity { readings[index] = pipeline.reading(index) }
    for index in 0..<lanes.capacity { lanes[index] = pipeline.report(on: LaneID(index), now) }
    waitingCount = 0
    for slot in 0..<waiting.capacity {
      guard let view = pipeline.waiting(slot) else { continue }
      waiting[waitingCount] = view
      waitingCount += 1
    }
    for index in 0..<rooms.capacity { rooms[index] = pipeline.report(on: RoomID(index), now) }
    for index in 0..<uses.capacity { uses[index] = pipeline.use(of: RoomID(index)) }
    siteState = pipeline.siteState
    caseCount = 0
    for row in 0..<cases.capacity {
      guard let view = pipeline.openCase(row) else { continue }
      cases[caseCount] = view
      caseCount += 1
    }
    alarmCount = 0
    for index in 0..<alarms.capacity {
      let alarm = pipeline.alarm(index)
      if case .normal = alarm.state { continue }
      alarms[alarmCount] = alarm
      notes[alarmCount] = alarm.state.isSuppressed ? pipeline.note(onAlarm: index) ?? AlarmNote() : AlarmNote()
      alarmCount += 1
    }
    for index in 0..<self.ports.capacity {
      self.ports[index] = ports.counters(of: PortID(index))
      buses[index] = pipeline.counters(of: PortID(index))
    }
    self.now = now
    turns = pipeline.turns
    self.decision = decision.summary
    self.gate = gate.summary
    state.store(State.filled.rawValue, ordering: .releasing)
    answered.ring()
  }

  // MARK: The sockets' thread

  /// Asks, waits at most half a second, and reads. `nil`: the real-time thread did not answer.
  func ask<R>(ringing bell: Bell, _ read: (StatusBoard) -> R) -> R? {
    answered.drain()
    state.store(State.asked.rawValue, ordering: .releasing)
    bell.ring()
    guard answered.wait(milliseconds: 500), state.load(ordering: .acquiring) == State.filled.rawValue else { return nil }
    defer { state.store(State.idle.rawValue, ordering: .releasing) }
    return read(self)
  }
}
