// What keeps an alarm quiet. A person does, for a while (shelved) or until further word (out of service); or another alarm
// does that explains it and is what staff must mend (suppressed by design). The second sort is one list, below: a cause that is
// active suppresses its effects at the same place, or at what hangs on it. A latched cause explains only while its condition is
// there: what waits for staff to clear it hides nothing.
//
//     port → its devices → the rooms whose air they measure, the lanes whose reference they see          lane → itself
//
// A room has several sensors: its air is suppressed only when each of them is without a voice. Only what is raised is
// suppressed; what is normal, or has returned and waits to be acknowledged, is left as it is, and a raise meets its cause then.

public import Domain

/// Which alarm, while it is active, suppresses which. No alarm of people's safety is ever suppressed.
let suppressions: [(cause: AlarmKind, suppressed: [AlarmKind])] = [
  // Whatever hangs on a port that is gone is silent, and what it measured last is old.
  (.portLost, [.deviceSilent, .deviceFault, .airHigh, .airMean, .airAdvice, .freshAir, .referenceOff]),
  (.deviceSilent, [.deviceFault, .airHigh, .airMean, .airAdvice, .freshAir, .referenceOff]),
  (.deviceFault, [.airHigh, .airMean, .airAdvice, .freshAir]),
  // Nor is a sensor that is stuck believed.
  (.sensorStuck, [.airHigh, .airMean, .airAdvice, .freshAir]),
  // A lane that measures nobody cannot drift, and what its thermometer showed of people is judged by the next of them.
  (.laneOutOfOrder, [.laneDrift, .thermometerStuck, .thermometerNormalising]),
]

/// Who took an alarm out of sight, and why.
public struct AlarmNote: BitwiseCopyable, Sendable {
  /// Alarms that are shelved or out of service at a time: whoever needs more is no longer looking at alarms.
  public static let most = 128
  /// The alarm, or -1.
  var row: Int32 = -1
  public var who = Text()
  public var why = Text()

  public init() {}
}

/// One cause of a row. Those of a group are alternatives; each group must have one that is active.
struct Cause: BitwiseCopyable {
  var row: Int32
  var group: Int32
}

/// The list above as rows: the causes of each row, and what depends on each row.
struct Causes: ~Copyable {
  let firstCause: Table<Int32>
  let causes: Table<Cause>
  let firstDependent: Table<Int32>
  let dependents: Table<Int32>

  init(_ rows: [AlarmRow], first: [Int32], _ places: Places) {
    func row(_ kind: AlarmKind, _ index: Int) -> Int32 { first[Int(kind.rawValue)] + Int32(index) }
    /// The alarms of this kind that explain what a device no longer says.
    func ofDevice(_ kind: AlarmKind, _ device: Int) -> Int32? {
      switch kind.scope {
      case .device: row(kind, device)
      case .port: device < places.portOfDevice.count ? row(kind, Int(places.portOfDevice[device].index)) : nil
      case .lane, .room, .log, .site: nil
      }
    }
    var causes: [Cause] = []
    var firstCause: [Int32] = [0]
    var dependents: [[Int32]] = Array(repeating: [], count: rows.count)
    for (index, alarm) in rows.enumerated() {
      for (cause, _) in suppressions.filter({ $0.suppressed.contains(alarm.kind) }) {
        var found: [(row: Int32?, group: Int)] = []
        switch alarm.place {
        case .device(let device): found = [(ofDevice(cause, Int(device.index)), 0)]
        case .room(let room) where Int(room.index) < places.sensorsOfRoom.count:
          found = places.sensorsOfRoom[Int(room.index)].enumerated().map { (ofDevice(cause, Int($1.index)), $0) }
        case .lane(let lane) where cause.scope == .lane: found = [(row(cause, Int(lane.index)), 0)]
        case .lane(let lane) where Int(lane.index) < places.referenceOfLane.count:
          found = [(places.referenceOfLane[Int(lane.index)].flatMap { ofDevice(cause, Int($0.index)) }, 0)]
        case .lane, .room, .port, .log, .site: break
        }
        for (row, group) in found {
          guard let row else { continue }
          causes.append(Cause(row: row, group: Int32(group)))
          if dependents[Int(row)].last != Int32(index) { dependents[Int(row)].append(Int32(index)) }
        }
      }
      causes[Int(firstCause[index])...].sort { $0.group < $1.group }
      firstCause.append(Int32(causes.count))
    }
    var firstDependent: [Int32] = [0]
    for list in dependents { firstDependent.append(firstDependent[firstDependent.count - 1] + Int32(list.count)) }
    self.causes = Table(causes, filler: Cause(row: 0, group: 0))
    self.firstCause = Table(firstCause, filler: 0)
    self.dependents = Table(dependents.flatMap(\.self), filler: 0)
    self.firstDependent = Table(firstDependent, filler: 0)
  }
}

extension Alarms {
  @_noLocks @_noAllocation
  private func explains(_ index: Int) -> Bool {
    if rows[index].settings.isLatched, !rows[index].condition { return false }
    return rows[index].isActive
  }

  /// Whether others that are active explain it.
  @_noLocks @_noAllocation
  func isExplained(_ index: Int) -> Bool {
    let end = Int(causes.firstCause[index &+ 1])
    var next = Int(causes.firstCause[index])
    guard next < end else { return false }
    while next < end {
      let group = causes.causes[next].group
      var isThere = false
      while next < end, causes.causes[next].group == group {
        if explains(Int(causes.causes[next].row)) { isThere = true }
        next &+= 1
      }
      if !isThere { return false }
    }
    return true
  }

  /// A cause was raised or cleared, or the condition of a latched one has come or gone.
  @_noLocks @_noAllocation
  mutating func tellDependents(of index: Int, _ now: Now, _ effects: inout Effects) {
    for next in Int(causes.firstDependent[index])..<Int(causes.firstDependent[index &+ 1]) {
      let dependent = Int(causes.dependents[next])
      let isCaused = isExplained(dependent)
      guard isCaused != rows[dependent].isCaused else { continue }
      rows[dependent].isCaused = isCaused
      guard rows[dependent].isActive else { continue }
      if !isCaused {
        comeBack(dependent, now, &effects)
      } else if !rows[dependent].state.isSuppressed {
        enter(dependent, .suppressedByDesign, now)
        effects.event(.alarmSuppressed(fact(dependent), until: 0), at: rows[dependent].place)
      }
    }
  }

  /// Whether a person or another alarm keeps it quiet now.
  @_noLocks @_noAllocation
  func isKeptQuiet(_ index: Int) -> Bool { shown(index, .normal).isSuppressed }

  /// The state it shows when, but for what keeps it quiet, it would be in `state`.
  @_noLocks @_noAllocation
  func shown(_ index: Int, _ state: AlarmState) -> AlarmState {
    switch rows[index].removal {
    case .shelved: return .shelved
    case .outOfService: return .outOfService
    case .none: return rows[index].isCaused && rows[index].isActive ? .suppressedByDesign : state
    }
  }

  /// What kept it quiet is over: to A if it is not active, else to B; a latched one whose condition is gone to E. One whose
  /// off-delay runs stays where it is until that is over: nobody is called to what is just ending.
  @_noLocks @_noAllocation
  mutating func comeBack(_ index: Int, _ now: Now, _ effects: inout Effects) {
    var state = AlarmState.normal
    if rows[index].isActive {
      if rows[index].condition {
        state = .unacknowledged
      } else if rows[index].settings.isLatched {
        state = .latchedUnacknowledged
      } else if !isKeptQuiet(index) {
        return setTimer(index, .never)
      }
    }
    state = shown(index, state)
    guard state.rawValue != rows[index].state.rawValue else { return }
    enter(index, state, now)
    if state.isSuppressed { return effects.event(.alarmSuppressed(factOfAlarm(index), until: 0), at: rows[index].place) }
    tellLoud(index)
    effects.event(.alarmUnsuppressed(factOfAlarm(index)), at: rows[index].place)
  }

  /// What an event says of an alarm that may not be raised at all.
  @_noLocks @_noAllocation
  func factOfAlarm(_ index: Int) -> AlarmFact {
    var fact = fact(index)
    if !rows[index].isActive {
      fact.occurrence = 0
      fact.value = .nan
    }
    return fact
  }

  // MARK: Notes

  /// Keeps who and why; `false`: there is no room.
  @_noLocks @_noAllocation
  func write(_ who: Text, _ why: Text, of index: Int) -> Bool {
    var free = -1
    for note in 0..<notes.capacity {
      if notes[note].row == Int32(truncatingIfNeeded: index) {
        free = note
        break
      }
      if free < 0, notes[note].row < 0 { free = note }
    }
    guard free >= 0 else { return false }
    notes[free].row = Int32(truncatingIfNeeded: index)
    notes[free].who = who
    notes[free].why = why
    return true
  }

  /// What was written of an alarm that is shelved or out of service.
  @_noLocks @_noAllocation
  public func note(on index: Int) -> AlarmNote? {
    for note in 0..<notes.capacity where notes[note].row == Int32(truncatingIfNeeded: index) { return notes[note] }
    return nil
  }

  /// A person's word is over.
  @_noLocks @_noAllocation
  mutating func endRemoval(_ index: Int, _ now: Now, _ effects: inout Effects) {
    rows[index].removal = .none
    for note in 0..<notes.capacity where notes[note].row == Int32(truncatingIfNeeded: index) { notes[note] = AlarmNote() }
    comeBack(index, now, &effects)
  }
}
