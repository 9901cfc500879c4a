// Devices that are down: the change is told once, and then, at growing intervals, that it still is so. A log of a month without
// a sensor has one line an hour of it, and not one for each attempt.

import Domain

struct Absence: BitwiseCopyable {
  var since = Instant.never
  /// Failed requests when it went down.
  var failedBefore: UInt64 = 0
  var interval = Interval.zero
}

struct Absences: ~Copyable {
  static let first = Interval.minutes(1)
  static let longest = Interval.minutes(60)

  private let rows: Table<Absence>
  private var heap: DeadlineHeap

  init(devices: Int) {
    rows = Table(capacity: devices, filledWith: Absence())
    heap = DeadlineHeap(members: devices)
  }

  var nextDeadline: Instant { @_noLocks @_noAllocation get { heap.earliest } }

  /// `failed`: requests it has not answered since the start.
  @_noLocks @_noAllocation
  mutating func began(_ device: DeviceID, failed: UInt64, at now: Instant) {
    rows[Int(device.index)] = Absence(since: now, failedBefore: failed, interval: Self.first)
    heap.set(Int(device.index), to: now + Self.first)
  }

  @_noLocks @_noAllocation
  mutating func ended(_ device: DeviceID) { heap.set(Int(device.index), to: .never) }

  /// A device of which it is time to tell, if there is one.
  @_noLocks @_noAllocation
  mutating func next(at now: Instant) -> DeviceID? {
    guard heap.earliest <= now else { return nil }
    let index = heap.first
    rows[index].interval = min(rows[index].interval * 5, Self.longest)
    heap.set(index, to: now + rows[index].interval)
    return DeviceID(index)
  }

  /// For how long it has been away, and what it did not answer meanwhile.
  @_noLocks @_noAllocation
  func summary(of device: DeviceID, failed: UInt64, at now: Instant) -> EventBody {
    let row = rows[Int(device.index)]
    return .deviceStillDown(seconds: (now - row.since).ns / 1_000_000_000, unanswered: failed &- row.failedBefore)
  }
}
