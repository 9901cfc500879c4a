// Sensors that calibrate themselves take the lowest they see for fresh air. In a room that is never aired that is stale air,
// and the sensor says less than there is. So each night's lowest is compared with outdoors.

import Domain

/// What a sensor read in one night: a histogram of bin means, 10 ppm wide, from 200 ppm.
struct Night: BitwiseCopyable {
  var counts = InlineArray<64, UInt16>(repeating: 0)
  var total: Int32 = 0
  /// Nights in a row whose lowest was not outdoors.
  var off: Int32 = 0

  @_noLocks @_noAllocation
  mutating func add(_ ppm: Double) {
    let place = Int(max(0, min(63, (ppm - 200) / 10)))
    if counts[place] < .max { counts[place] &+= 1 }
    total = total &+ 1
  }

  /// The value that one in twenty lies below.
  var fifthPercentile: Double {
    @_noLocks @_noAllocation get {
      let wanted = Double(total) * 0.05
      var below = 0.0
      for place in 0..<64 {
        let own = Double(counts[place])
        if below + own >= wanted, own > 0 { return 200 + 10 * (Double(place) + (wanted - below) / own) }
        below += own
      }
      return .nan
    }
  }
}

extension Rooms {
  /// Night is from 0 to 5 o'clock; an hour of it must have been seen.
  @_noLocks @_noAllocation
  mutating func auditBaseline(_ place: Int, _ index: Int, _ now: Now, _ alarms: inout Alarms, _ effects: inout Effects) {
    if LocalTime(now).second < 5 * 3600 {
      if sensors[place].mean.isFinite { sensors[place].night.add(sensors[place].mean) }
      return
    }
    guard sensors[place].night.total > 0 else { return }
    let policy = rows[index].policy
    let lowest = sensors[place].night.fifthPercentile
    let wasSeen = Double(sensors[place].night.total) * rows[index].bin.seconds >= 3600
    var off = sensors[place].night.off
    if wasSeen { off = abs(lowest - policy.outdoor) > policy.baselineDrift ? min(off &+ 1, 1000) : 0 }
    sensors[place].night = Night()
    sensors[place].night.off = off
    guard wasSeen else { return }
    alarms.set(
      .baselineDrift, at: .device(sensors[place].device), Int(off) >= policy.baselineNights, value: lowest, now, &effects)
  }
}
