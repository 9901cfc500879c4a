// Which policy decides: the one of the settings, until the wall clock reaches the next. Every decision records the version.

import Domain
import Rules

struct PolicyCalendar: ~Copyable {
  /// The first decides from ever.
  private let policies: Table<PolicyChange>
  private var current = 0

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
}
