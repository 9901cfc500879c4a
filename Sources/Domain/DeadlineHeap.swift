// Who is due next, among many: a binary heap of deadlines with a place for each member, so that moving one costs a
// few swaps and asking for the earliest costs nothing. A scan over all ports would make each reading dearer the more
// devices there are.
//
//     order[0] is the earliest; order[i] is not later than order[2i+1] and order[2i+2]; place[order[i]] == i

/// One deadline a member, the earliest at hand.
public struct DeadlineHeap: ~Copyable {
  private let deadlines: Table<Instant>
  private let order: Table<Int32>
  private let place: Table<Int32>

  /// All members start without a deadline.
  public init(members: Int) {
    deadlines = Table(capacity: members, filledWith: .never)
    order = Table((0..<members).map { Int32($0) }, filler: 0)
    place = Table((0..<members).map { Int32($0) }, filler: 0)
  }

  public var earliest: Instant {
    @_noLocks @_noAllocation get {
      deadlines.capacity == 0 ? .never : deadlines[Int(order[0])]
    }
  }

  /// Who has the earliest deadline; meaningless without members.
  public var first: Int { @_noLocks @_noAllocation get { Int(order[0]) } }

  @_noLocks @_noAllocation
  public func deadline(of member: Int) -> Instant { deadlines[member] }

  @_noLocks @_noAllocation
  public mutating func set(_ member: Int, to deadline: Instant) {
    let before = deadlines[member]
    deadlines[member] = deadline
    if deadline < before { rise(Int(place[member])) } else { sink(Int(place[member])) }
  }

  @_noLocks @_noAllocation
  private func rise(_ start: Int) {
    let member = order[start]
    let deadline = deadlines[Int(member)]
    var index = start
    while index > 0 {
      let parent = (index &- 1) / 2
      guard deadline < deadlines[Int(order[parent])] else { break }
      put(order[parent], at: index)
      index = parent
    }
    put(member, at: index)
  }

  @_noLocks @_noAllocation
  private func sink(_ start: Int) {
    let member = order[start]
    let deadline = deadlines[Int(member)]
    var index = start
    while 2 &* index &+ 1 < order.capacity {
      var child = 2 &* index &+ 1
      if child &+ 1 < order.capacity, deadlines[Int(order[child &+ 1])] < deadlines[Int(order[child])] { child &+= 1 }
      guard deadlines[Int(order[child])] < deadline else { break }
      put(order[child], at: index)
      index = child
    }
    put(member, at: index)
  }

  @_noLocks @_noAllocation
  private func put(_ member: Int32, at index: Int) {
    order[index] = member
    place[Int(member)] = Int32(truncatingIfNeeded: index)
  }
}
