// Which policy decides: the one of the settings, until the wall clock reaches the next. Every decision records the version.

import Domain
import Rules

struct PolicyCalendar: ~Copyable {
  /// The first decides from ever.
  private let policies: Table<PolicyChange>
  private var current = 0
  /// The version that the log was last told of; 0: of none.
  private let told = Table<UInt32>(capacity: 1, filledWith: 0)

  init(_ settings: PipelineSettings) {
    let first = PolicyChange(
      from: .min, fever: settings.lanes.first?.settings.policy ?? FeverPolicy(), air: settings.air, site: settings.site)
    policies = Table([first] + settings.changes, filler: first)
  }

  /// The policy that decides now, when it is another one than before; after a step of the clock it may be an earlier one.
  @_noLocks @_noAllocation
  mutating func change(at wall: Int64) -> PolicyChange? {
    let isOver = current &+ 1 < policies.capacity && wall >= policies[current &+ 1].from
    guard isOver || wall < policies[current].from else { return nil }
    var index = 0
    while index &+ 1 < policies.capacity, wall >= policies[index &+ 1].from { index &+= 1 }
    current = index
    return policies[index]
  }

  /// The version that decides, when the log, as far as it is known, was told of another one.
  @_noLocks @_noAllocation
  func untold() -> UInt32? {
    let version = policies[current].fever.version
    let before = told[0]
    told[0] = version
    return before > 0 && before != version ? version : nil
  }

  // MARK: Snapshots

  var byteCount: Int { told.byteCount }

  @_noLocks @_noAllocation
  func copyBytes(to bytes: borrowing Table<UInt8>, at offset: Int) -> Int { told.copyBytes(to: bytes, at: offset) }

  func replaceBytes(from bytes: borrowing Table<UInt8>, at offset: Int) -> Int { told.replaceBytes(from: bytes, at: offset) }
}
