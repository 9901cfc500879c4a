// Rooms across a restart: what was ventilated stays so, sessions go on, and the minutes in which the door was down are
// minutes that nobody saw. Bins and means begin anew.

public import Domain

extension Rooms {
  public var byteCount: Int { airings.byteCount + sensors.byteCount }

  @_noLocks @_noAllocation
  public func copyBytes(to bytes: borrowing Table<UInt8>, at offset: Int) -> Int {
    sensors.copyBytes(to: bytes, at: airings.copyBytes(to: bytes, at: offset))
  }

  /// Takes over an earlier run. `shift` moves its times to this boot clock.
  public mutating func replaceBytes(from bytes: borrowing Table<UInt8>, at offset: Int, shift: Interval) -> Int {
    var wired: [DeviceID] = []
    for place in 0..<sensors.capacity { wired.append(sensors[place].device) }
    let end = sensors.replaceBytes(from: bytes, at: airings.replaceBytes(from: bytes, at: offset))
    for index in 0..<airings.capacity { airings[index].shift(by: shift) }
    for place in 0..<sensors.capacity {
      // Another sensor hangs here now: what the earlier one read is no past of its own.
      if sensors[place].device.index != wired[place].index { sensors[place] = SensorRow(device: wired[place]) }
      sensors[place].check.forgetWindow()
      sensors[place].sum = 0
      sensors[place].count = 0
      sensors[place].mean = .nan
    }
    return end
  }
}

extension AiringRow {
  fileprivate mutating func shift(by shift: Interval) {
    func moved(_ time: Instant) -> Instant { time == .never || time == .past ? time : time + shift }
    start = moved(start)
    lastOn = moved(lastOn)
    looked = moved(looked)
    owedSince = moved(owedSince)
    fallingSince = moved(fallingSince)
    declaredAt = moved(declaredAt)
    slot.from = moved(slot.from)
    after.from = moved(after.from)
    for place in 0..<8 {
      past[place].start = moved(past[place].start)
      past[place].end = moved(past[place].end)
    }
    // CO2 must show again that it falls, and a decay with a hole in it is none: a new one begins.
    isFalling = false
    if !fitIsOver {
      fit = DecayFit()
      fitSensor = -1
    }
    // Who came and went meanwhile was not counted.
    occupants = -1
  }
}
