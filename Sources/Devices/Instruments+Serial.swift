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
    for index in 0..<bytes.count {
      if isAsked {
        guard case .awaiting = buses[bus].state else {
          // Nobody asked: a late reply, a second one or noise is never taken for the next answer.
          buses[bus].counters.bytesDropped &+= UInt64(bytes.count &- index)
          buses[bus].counters.lateReplies &+= 1
          return
        }
      }
      buffers[base &+ Int(buses[bus].buffered)] = bytes[index]
      buses[bus].buffered &+= 1
      // Between its start and its end, a byte of a frame decides nothing.
      if buses[bus].buffered <= devices[device].syncCount || buses[bus].buffered >= devices[device].frameLength {
        findFrames(bus, device, base, now, &findings)
      }
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
    let rule = fields[row]
    guard rule.isReported, !rule.isAbsent(raw) else { return }
    var (value, quality) = rule.judge(raw, isWarmingUp: isWarmingUp(device, row, rule, raw, now))
    if quality.isGood {
      for index in 0..<rule.spoilers.count {
        let spoiler = rule.spoilers[index]
        if spoiler.field < 0 { break }
        let word = Int(devices[device].firstField) &+ Int(spoiler.field)
        let status = raws[word]
        // A status that was never read, or long ago, is not a good one.
        guard status >= -2_147_483_648, status <= 4_294_967_295, now - readAt[word] <= fields[word].staleAfter else {
          quality = .invalid(.unconfirmed)
          break
        }
        if spoiler.applies(to: status) { quality = .invalid(spoiler.reason) }
      }
    }
    findings.add(
      Reading(
        device: DeviceID(device), field: UInt16(truncatingIfNeeded: field), use: rule.use, unit: rule.unit,
        quality: quality, at: now, decoded: value))
  }

  /// By time since it was powered on, where that is known; and by values that it shows before its first real one, for as
  /// long as a warm-up takes: a device that goes on showing one of them means it.
  @_noLocks @_noAllocation
  private func isWarmingUp(_ device: Int, _ row: Int, _ rule: borrowing FieldRow, _ raw: Double, _ now: Instant) -> Bool {
    let isWarmUpValue = rule.isWarmUpValue(raw)
    if !isWarmUpValue { warming[row] = false }
    let warmUp = devices[device].warmUp
    return now - poweredAt[device] < warmUp || (isWarmUpValue && warming[row] && now - devices[device].warmingSince < warmUp)
  }
}
