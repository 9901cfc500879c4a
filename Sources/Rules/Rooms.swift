// A room's air: a short and a long mean of CO2 over equal bins, and three limits on them.
//
// A reading is added to the sum of the open bin; when time passes a bin's end, its mean enters the ring of closed bins,
// and the two means are taken over them. So a reading costs the same whatever the window, and a closing bin a walk over
// at most 120. A bin without a good reading is empty: a mean stands on at least half of its bins, and silence makes it
// unknown, never better. A restart begins with empty bins: what was measured before says nothing about the minutes that
// were missed.

public import Domain

/// One room.
public struct RoomRow: BitwiseCopyable, Sendable {
  var policy: AirPolicy
  /// Means of the closed bins, NaN when empty; the newest at `newest`.
  var bins = InlineArray<120, Double>(repeating: .nan)
  var newest: Int32 = 0
  var closed: Int32 = 0
  var sum = 0.0
  var count: Int32 = 0
  var binEnd = Instant.never
  public var mean5 = Double.nan
  public var mean60 = Double.nan

  init(_ policy: AirPolicy) { self.policy = policy }

  var bin: Interval { @_noLocks @_noAllocation get { Interval(ns: max(1, policy.shortWindow.ns / 5)) } }
  var longBins: Int { @_noLocks @_noAllocation get { Int(max(5, min(120, policy.longWindow.ns / bin.ns))) } }

  /// The mean of the newest `wanted` bins, or NaN when fewer than half of them are known.
  @_noLocks @_noAllocation
  func mean(of wanted: Int) -> Double {
    var total = 0.0
    var known = 0
    for back in 0..<wanted {
      let value = bins[(Int(newest) &- back &+ 120) % 120]
      if value.isFinite {
        total += value
        known &+= 1
      }
    }
    return known &* 2 >= wanted ? total / Double(known) : .nan
  }

  @_noLocks @_noAllocation
  mutating func closeBin() {
    newest = (newest &+ 1) % 120
    bins[Int(newest)] = count > 0 ? sum / Double(count) : .nan
    sum = 0
    count = 0
    mean5 = mean(of: 5)
    mean60 = mean(of: longBins)
  }
}

/// All rooms whose air is watched.
public struct Rooms: ~Copyable {
  public private(set) var rows: Table<RoomRow>
  private var heap: DeadlineHeap

  public init(_ policies: [AirPolicy]) {
    rows = Table(policies.map(RoomRow.init), filler: RoomRow(AirPolicy()))
    heap = DeadlineHeap(members: policies.count)
  }

  public var nextDeadline: Instant { @_noLocks @_noAllocation get { heap.earliest } }

  /// A CO2 reading of a sensor in this room. Only good ones count.
  @_noLocks @_noAllocation
  public mutating func co2(_ reading: Reading, in room: RoomID, _ now: Now) {
    let index = Int(room.index)
    guard index < rows.capacity, case .value(let ppm) = reading.judged(at: now.boot, staleAfter: rows[index].bin) else { return }
    if rows[index].binEnd == .never {
      rows[index].binEnd = now.boot + rows[index].bin
      heap.set(index, to: rows[index].binEnd)
    }
    rows[index].sum += ppm
    rows[index].count &+= 1
  }

  /// Other limits decide from now on. Means over other windows begin anew: what was measured in other bins is no part of them.
  @_noLocks @_noAllocation
  public mutating func change(to policy: AirPolicy) {
    for index in 0..<rows.capacity {
      let isSame = rows[index].policy.shortWindow == policy.shortWindow && rows[index].policy.longWindow == policy.longWindow
      if isSame { rows[index].policy = policy } else {
        rows[index] = RoomRow(policy)
        heap.set(index, to: .never)
      }
    }
  }

  /// Closes the bins that are over and judges the means.
  @_noLocks @_noAllocation
  public mutating func advance(to now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    for _ in 0..<rows.capacity {
      guard heap.earliest <= now.boot else { return }
      let index = heap.first
      // A long sleep closes many bins at once; beyond the ring they are all empty.
      for _ in 0..<120 where rows[index].binEnd <= now.boot {
        rows[index].closeBin()
        rows[index].binEnd = rows[index].binEnd + rows[index].bin
      }
      if rows[index].binEnd <= now.boot { rows[index].binEnd = now.boot + rows[index].bin }
      heap.set(index, to: rows[index].binEnd)
      judge(index, now, &alarms, &effects)
    }
  }

  @_noLocks @_noAllocation
  private func judge(_ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    let policy = rows[index].policy
    let place = Place.room(RoomID(index))
    let short = rows[index].mean5
    let long = rows[index].mean60
    effects.event(.air(AirFact(mean5: short, mean60: long)), at: place)
    limit(.airHigh, place, short, isBad: short >= policy.highLimit, isGood: short < policy.highClear, now, &alarms, &effects)
    // The standard allows 0.10 % itself: bad is above it.
    limit(.airMean, place, long, isBad: long > policy.meanLimit, isGood: long < policy.meanClear, now, &alarms, &effects)
    limit(
      .airAdvice, place, short, isBad: short >= policy.adviceLimit, isGood: short < policy.adviceClear, now, &alarms, &effects)
  }

  /// On where it is bad, off where it is good, as it was between them. An unknown mean (NaN is neither) neither raises nor
  /// clears.
  @_noLocks @_noAllocation
  private func limit(
    _ kind: AlarmKind, _ place: Place, _ mean: Double, isBad: Bool, isGood: Bool, _ now: Now, _ alarms: inout Alarms,
    _ effects: inout Effects
  ) {
    if isBad {
      alarms.set(kind, at: place, true, value: mean, now, &effects)
    } else if isGood {
      alarms.set(kind, at: place, false, value: mean, now, &effects)
    } else if mean.isNaN {
      alarms.hold(kind, at: place)
    }
  }
}
