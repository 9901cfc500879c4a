// Serial lines: finding frames in a stream of bytes, with noise before, between and inside them.
//
// Bytes gather in the port's buffer. What cannot be the start of a frame is dropped byte by byte; a frame that fails its
// check is rejected and only its first byte dropped, so a good frame that began inside the bad one is still found.

import Domain

extension Instruments {
  @_noLocks @_noAllocation
  mutating func scan(_ bus: Int, _ bytes: Span<UInt8>, _ now: Instant, _ findings: inout Findings) {
    guard buses[bus].deviceCount > 0 else { return }
    let device = Int(members[Int(buses[bus].firstDevice)])
    let isAsked = devices[device].requestCount > 0
    let base = bus &* Self.bufferSize
    let length = Int(devices[device].frameLength)
    var index = 0
    while index < bytes.count {
      if isAsked {
        guard case .awaiting = buses[bus].state else {
          // Nobody asked: a late reply, a second one or noise is never taken for the next answer.
          buses[bus].counters.bytesDropped &+= UInt64(bytes.count &- index)
          buses[bus].counters.lateReplies &+= 1
          return
        }
      }
      // Up to the end of the frame that may have begun: bytes behind it decide nothing yet.
      let buffered = Int(buses[bus].buffered)
      let end = min(bytes.count, index &+ max(1, length &- buffered))
      for place in index..<end { buffers[base &+ buffered &+ place &- index] = bytes[place] }
      buses[bus].buffered = Int32(truncatingIfNeeded: buffered &+ end &- index)
      index = end
      findFrames(bus, device, base, now, &findings)
    }
  }

  /// Takes all whole frames at the start of the buffer; leaves at most the beginning of one.
  @_noLocks @_noAllocation
  private mutating func findFrames(_ bus: Int, _ device: Int, _ base: Int, _ now: Instant, _ findings: inout Findings) {
    let length = Int(devices[device].frameLength)
    while buses[bus].buffered > 0 {
      let count = Int(buses[bus].buffered)
      guard startFits(device, base, count) else {
        drop(bus, base, 1)
        buses[bus].counters.bytesDropped &+= 1
        continue
      }
      guard count >= length else { return }
      if devices[device].check.holds(for: buffers, at: base, length: length) {
        accept(bus, device, base, now, &findings)
        drop(bus, base, length)
      } else {
        devices[device].counters.checkErrors &+= 1
        buses[bus].counters.bytesDropped &+= 1
        drop(bus, base, 1)
      }
    }
  }

  @_noLocks @_noAllocation
  private func startFits(_ device: Int, _ base: Int, _ count: Int) -> Bool {
    for index in 0..<min(count, Int(devices[device].syncCount)) {
      guard buffers[base &+ index] == constants[Int(devices[device].firstSync) &+ index] else { return false }
    }
    return true
  }

  @_noLocks @_noAllocation
  private func drop(_ bus: Int, _ base: Int, _ count: Int) {
    let left = Int(buses[bus].buffered) &- count
    for index in 0..<left { buffers[base &+ index] = buffers[base &+ index &+ count] }
    buses[bus].buffered = Int32(truncatingIfNeeded: left)
  }

  @_noLocks @_noAllocation
  private mutating func accept(_ bus: Int, _ device: Int, _ base: Int, _ now: Instant, _ findings: inout Findings) {
    devices[device].counters.replies &+= 1
    for field in 0..<Int(devices[device].fieldCount) {
      let row = Int(devices[device].firstField) &+ field
      guard case .frame(let at) = fields[row].location else { continue }
      raws[row] = fields[row].raw(buffers, at: base &+ at)
      readAt[row] = now
    }
    if case .awaiting(_, let request) = buses[bus].state {
      requests[Int(request)].due = later(requests[Int(request)].due, devices[device].period, now)
      buses[bus].state = .idle
      buses[bus].until = .never
    }
    rise(device, now, &findings)
    for field in 0..<Int(devices[device].fieldCount) { report(device, field, now, &findings) }
  }

  /// The next regular moment, without catching up on missed ones.
  @_noLocks @_noAllocation
  func later(_ due: Instant, _ period: Interval, _ now: Instant) -> Instant {
    let next = due + period
    return next > now ? next : now + period
  }

  /// One field of a device whose raw number was just stored: a reading, unless it is nobody's business or the device has
  /// no such sensor.
  @_noLocks @_noAllocation
  func report(_ device: Int, _ field: Int, _ now: Instant, _ findings: inout Findings) {
    let row = Int(devices[device].firstField) &+ field
    let raw = raws[row]
    guard fields[row].isReported else { return }
    var isSentinel = false
    var isWarmUpValue = false
    let firstSpecial = Int(fields[row].firstSpecial)
    for index in firstSpecial..<firstSpecial &+ Int(fields[row].specialCount) where specials[index].raw == raw {
      switch specials[index].meaning {
      case .absent: return
      case .sentinel: isSentinel = true
      case .warmUp: isWarmUpValue = true
      }
    }
    let isWarmingUp = isWarmingUp(device, row, isWarmUpValue, now)
    var (value, quality) = fields[row].judge(raw, isSentinel: isSentinel, isWarmingUp: isWarmingUp)
    if quality.isGood, fields[row].spoilerCount > 0 { spoil(&quality, device, row, now) }
    findings.add(
      Reading(
        device: DeviceID(device), field: UInt16(truncatingIfNeeded: field), use: fields[row].use, unit: fields[row].unit,
        quality: quality, at: now, decoded: value))
  }

  /// What status words say of a value. One that was never read, or long ago, is not a good one.
  @_noLocks @_noAllocation
  private func spoil(_ quality: inout Quality, _ device: Int, _ row: Int, _ now: Instant) {
    let first = Int(fields[row].firstSpoiler)
    for index in first..<first &+ Int(fields[row].spoilerCount) {
      let word = Int(devices[device].firstField) &+ Int(spoilers[index].field)
      let status = raws[word]
      guard status >= -2_147_483_648, status <= 4_294_967_295, now - readAt[word] <= fields[word].staleAfter else {
        quality = .invalid(.unconfirmed)
        return
      }
      if spoilers[index].applies(to: status) { quality = .invalid(spoilers[index].reason) }
    }
  }

  /// By time since it was powered on, where that is known; and by values that it shows before its first real one, for as
  /// long as a warm-up takes: a device that goes on showing one of them means it.
  @_noLocks @_noAllocation
  private func isWarmingUp(_ device: Int, _ row: Int, _ isWarmUpValue: Bool, _ now: Instant) -> Bool {
    if !isWarmUpValue { warming[row] = false }
    let warmUp = devices[device].warmUp
    return now - poweredAt[device] < warmUp || (isWarmUpValue && warming[row] && now - devices[device].warmingSince < warmUp)
  }
}
