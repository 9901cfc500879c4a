// Connections that come and go: a gateway that takes one and hangs up again is one outage, however often it does so, and not two
// lines in the log each time. Ports of other kinds tell each plug.

import Domain

struct ConnectionRow: BitwiseCopyable {
  /// `.never`: it is not open.
  var openedAt = Instant.never
  var isToldOpen = false
  /// It was lost soon after it was opened: when it is open again, that shows by itself or by an answer.
  var isUnsteady = false
}

struct Connections: ~Copyable {
  /// What was open for so long is steady.
  static let steady = Interval.seconds(10)

  /// How many are open and not told to be.
  private(set) var untold = 0
  private let rows: Table<ConnectionRow>
  private var heap: DeadlineHeap

  init(ports: Int) {
    rows = Table(capacity: ports, filledWith: ConnectionRow())
    heap = DeadlineHeap(members: ports)
  }

  var nextDeadline: Instant { @_noLocks @_noAllocation get { heap.earliest } }

  /// Whether it is to be told now.
  @_noLocks @_noAllocation
  mutating func opened(_ port: PortID, at now: Instant) -> Bool {
    let index = Int(port.index)
    rows[index].openedAt = now
    rows[index].isToldOpen = !rows[index].isUnsteady
    if rows[index].isUnsteady {
      heap.set(index, to: now + Self.steady)
      untold &+= 1
    }
    return rows[index].isToldOpen
  }

  /// Whether it is to be told: what could not be opened always is.
  @_noLocks @_noAllocation
  mutating func lost(_ port: PortID, at now: Instant) -> Bool {
    let index = Int(port.index)
    guard rows[index].openedAt < .never else { return true }
    rows[index].isUnsteady = now - rows[index].openedAt < Self.steady
    rows[index].openedAt = .never
    if !rows[index].isToldOpen { untold &-= 1 }
    heap.set(index, to: .never)
    return rows[index].isToldOpen
  }

  /// Something on it answers. Whether that it is open is to be told now.
  @_noLocks @_noAllocation
  mutating func answered(_ port: PortID) -> Bool {
    let index = Int(port.index)
    guard rows[index].openedAt < .never, !rows[index].isToldOpen else { return false }
    rows[index].isToldOpen = true
    untold &-= 1
    heap.set(index, to: .never)
    return true
  }

  /// A connection that has become steady, if there is one.
  @_noLocks @_noAllocation
  mutating func next(at now: Instant) -> PortID? {
    guard heap.earliest <= now else { return nil }
    let port = PortID(heap.first)
    _ = answered(port)
    return port
  }
}
