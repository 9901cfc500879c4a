// What rules want done, in order. The pipeline turns it into events and writes.

public import Domain

/// What a gate is told.
public enum GateOrder: BitwiseCopyable, Sendable {
  /// Open for this long; the board itself ends it where it can.
  case pulse(Interval)
  case shut
  /// Stay open until told to shut.
  case hold
  /// Shut, unless the board ends the pulse that runs by itself.
  case end
}

/// A room's air when its ventilation began: what CO2 can show of it then.
public enum AirBefore: UInt8, BitwiseCopyable, Sendable {
  /// As outdoors, and so since: there is nothing to show. The ventilation was seen otherwise than by CO2.
  case fresh
  /// 300 ppm above outdoors or more: what it does shows.
  case high
  /// Between them, or not known.
  case unclear
}

/// One thing to do.
public enum Effect: BitwiseCopyable, Sendable {
  case event(EventBody, source: Place, Personal)
  /// A contact thermometer has confirmed a fever: the site opens a case.
  case confirmed(LaneID, ticket: UInt32, Personal)
  case gate(LaneID, GateOrder)
  case lamp(LaneID, on: Bool)
  /// A room has been ventilated since then and still is; `airChanges` as `Site.ventilated` takes them.
  case ventilated(RoomID, since: Instant, airChanges: Double, effect: VentilationEffect, from: AirBefore)
  case buzzer(LaneID, on: Bool)
}

/// The effects of one call, cleared by whoever has carried them out.
public struct Effects: ~Copyable {
  public private(set) var list: Table<Effect>
  public private(set) var count = 0
  /// Effects that found no room.
  public private(set) var lost = 0

  public init(capacity: Int = 512) {
    list = Table(capacity: capacity, filledWith: .lamp(LaneID(0), on: false))
  }

  @_noLocks @_noAllocation
  public mutating func clear() {
    count = 0
    lost = 0
  }

  @_noLocks @_noAllocation
  mutating func add(_ effect: Effect) {
    guard count < list.capacity else { lost &+= 1; return }
    list[count] = effect
    count &+= 1
  }

  @_noLocks @_noAllocation
  mutating func event(_ body: EventBody, at place: Place) { add(.event(body, source: place, .none)) }
}
