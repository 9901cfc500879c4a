// From the bytes of a good frame or reply to values: which fields there are, what they say, whether they may be used.

import Domain

extension Instruments {
  /// The raw number of a field in a decoded frame; `nil`: this frame does not hold it. Text is NaN.
  @_noLocks @_noAllocation
  func number(_ row: Int, _ frame: Int, _ base: Int, _ length: Int) -> Double? {
    switch fields[row].location {
    case .frame(let at):
      let place = at < 0 ? length &+ at : at
      let end = length &- Int(frames[frame].trailer)
      guard place >= 0 else { return nil }
      let extra = Int(fields[row].extra)
      if extra >= 0, extras[extra].isArray { return reduced(row, extras[extra].array, base &+ place, end &- place) }
      guard place &+ fields[row].byteCount <= end else { return nil }
      return fields[row].raw(buffers, at: base &+ place)
    case .after(let key): return decimal(row, after: key, base, length)
    case .line: return .nan
    case .head: return headLength(frame, base, length) > 0 ? .nan : nil
    case .register: return nil
    }
  }

  /// The decimal number behind a key that no letter precedes; a key without a number behind it is another word. One that
  /// stands there twice says nothing: two lines that lost the end between them.
  @_noLocks @_noAllocation
  private func decimal(_ row: Int, after key: Location.Key, _ base: Int, _ length: Int) -> Double? {
    let width = Int(key.count)
    var at = 0
    var found: Double?
    while at &+ width < length {
      if keyStands(key, base, at), at == 0 || !isLetter(buffers[base &+ at &- 1]) {
        if let number = decimal(base &+ at &+ width, length &- at &- width, digits: Int(fields[row].digits)) {
          guard found == nil else { return nil }
          found = number
        }
      }
      at &+= 1
    }
    return found
  }

  @_noLocks @_noAllocation
  private func keyStands(_ key: Location.Key, _ base: Int, _ at: Int) -> Bool {
    for index in 0..<Int(key.count) where buffers[base &+ at &+ index] != key.byte(index) { return false }
    return true
  }

  @_noLocks @_noAllocation
  private func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) }

  /// `  -12.50`: blanks, a sign, at most 15 digits with at most one point. What is stuck to it makes it no number, but for a
  /// unit of letters. `digits`: exactly so many of them; 0: any number.
  @_noLocks @_noAllocation
  private func decimal(_ start: Int, _ count: Int, digits wanted: Int) -> Double? {
    var at = 0
    while at < count, buffers[start &+ at] == 0x20 { at &+= 1 }
    var isNegative = false
    if at < count, buffers[start &+ at] == 0x2D || buffers[start &+ at] == 0x2B {
      isNegative = buffers[start &+ at] == 0x2D
      at &+= 1
    }
    var number = 0.0
    var digits = 0
    var decimals = -1
    while at < count {
      let byte = buffers[start &+ at]
      if byte >= 0x30, byte <= 0x39 {
        number = number * 10 + Double(byte &- 0x30)
        digits &+= 1
        if decimals >= 0 { decimals &+= 1 }
      } else if byte == 0x2E, decimals < 0 {
        decimals = 0
      } else {
        break
      }
      at &+= 1
    }
    guard digits > 0, digits <= 15, wanted == 0 || digits == wanted else { return nil }
    // `36,5`: a comma is no point, and what it is else nobody knows.
    if decimals < 0, at &+ 1 < count, buffers[start &+ at] == 0x2C, buffers[start &+ at &+ 1] >= 0x30, buffers[start &+ at &+ 1] <= 0x39 { return nil }
    if at < count, buffers[start &+ at] != 0x20, !isSeparator(buffers[start &+ at]), decimals < 0 || !isLetter(buffers[start &+ at]) {
      return nil
    }
    var divisor = 1.0
    for _ in 0..<max(0, decimals) { divisor *= 10 }
    return (isNegative ? -number : number) / divisor
  }

  @_noLocks @_noAllocation
  private func isSeparator(_ byte: UInt8) -> Bool { byte == 0x2C || byte == 0x3B || byte == 0x09 }

  /// The bytes of a line's head; 0: it has none.
  @_noLocks @_noAllocation
  private func headLength(_ frame: Int, _ base: Int, _ length: Int) -> Int {
    let head = Int(frames[frame].headLength)
    guard head > 0, length >= head, Int16(buffers[base]) == frames[frame].headStart else { return 0 }
    return head
  }

  /// One value of many numbers; `nil`: the frame ends before they do.
  @_noLocks @_noAllocation
  private func reduced(_ row: Int, _ shape: ArrayShape, _ start: Int, _ room: Int) -> Double? {
    let width = fields[row].byteCount
    guard width > 0, room >= 0, shape.count <= room / width else { return nil }
    if case .percentile(let share) = shape.reducer { return percentile(row, shape, start, share) }
    var most = -Double.infinity
    var least = Double.infinity
    var sum = 0.0
    var count = 0.0
    var special = Double.nan
    for line in shape.firstRow...max(shape.firstRow, shape.lastRow) {
      for column in shape.firstColumn...max(shape.firstColumn, shape.lastColumn) {
        let number = fields[row].raw(buffers, at: start &+ width &* shape.place(line, column))
        if isSpecial(row, number) {
          special = number
          continue
        }
        most = max(most, number)
        least = min(least, number)
        sum += number
        count += 1
      }
    }
    // What stands for no measurement is none of the numbers; where nothing else stands, nothing was measured.
    guard count > 0 else { return special }
    switch shape.reducer {
    case .max: return most
    case .min: return least
    case .mean, .percentile:
      // One number of nonsense would hide in a mean.
      if !isInRange(row, least) { return least }
      return isInRange(row, most) ? sum / count : most
    }
  }

  @_noLocks @_noAllocation
  private func isSpecial(_ row: Int, _ raw: Double) -> Bool {
    let first = Int(fields[row].firstSpecial)
    for index in first..<first &+ Int(fields[row].specialCount) where specials[index].raw == raw { return true }
    return false
  }

  @_noLocks @_noAllocation
  private func isInRange(_ row: Int, _ raw: Double) -> Bool {
    fields[row].judge(raw, isSentinel: false, isWarmingUp: false).quality.isGood
  }

  /// The least whole number that at least `share` percent do not exceed: by halving, since nothing may be sorted here.
  @_noLocks @_noAllocation
  private func percentile(_ row: Int, _ shape: ArrayShape, _ start: Int, _ share: Int) -> Double {
    let width = fields[row].byteCount
    var low = -65_536
    var high = 65_536
    var special = Double.nan
    var count = 0
    while low < high {
      let middle = (low &+ high) >> 1
      var below = 0
      count = 0
      for line in shape.firstRow...max(shape.firstRow, shape.lastRow) {
        for column in shape.firstColumn...max(shape.firstColumn, shape.lastColumn) {
          let number = fields[row].raw(buffers, at: start &+ width &* shape.place(line, column))
          if isSpecial(row, number) {
            special = number
            continue
          }
          if number <= Double(middle) { below &+= 1 }
          count &+= 1
        }
      }
      if below &* 100 >= share &* count { high = middle } else { low = middle &+ 1 }
    }
    return count > 0 ? Double(low) : special
  }

  // MARK: Which fields there are

  /// Whether the device, as far as it is known, has this field.
  @_noLocks @_noAllocation
  func isIn(_ device: Int, _ row: Int) -> Bool {
    let variant = devices[device].variant
    return variant < 0 ? fields[row].variants == .max : fields[row].variants >> UInt32(variant) & 1 == 1
  }

  /// Whether other fields say that this one exists.
  @_noLocks @_noAllocation
  func isNeeded(_ device: Int, _ row: Int) -> Bool {
    let extra = Int(fields[row].extra)
    guard extra >= 0, extras[extra].needCount > 0 else { return true }
    return areMet(device, Int(extras[extra].firstNeed), Int(extras[extra].needCount))
  }

  /// Whether of each group of conditions one holds. What was never read says nothing.
  @_noLocks @_noAllocation
  func areMet(_ device: Int, _ first: Int, _ count: Int) -> Bool {
    var index = first
    let end = first &+ count
    while index < end {
      let group = needs[index].group
      var holds = false
      while index < end, needs[index].group == group {
        let word = Int(devices[device].firstField) &+ Int(needs[index].field)
        if needs[index].condition.holds(for: raws[word]) { holds = true }
        index &+= 1
      }
      guard holds else { return false }
    }
    return true
  }

  /// Whether a number tells which variant this is.
  @_noLocks @_noAllocation
  func recognise(_ device: Int, _ row: Int, _ raw: Double) {
    guard devices[device].identity == Int16(truncatingIfNeeded: row &- Int(devices[device].firstField)) else { return }
    let first = Int(devices[device].firstMatch)
    for index in first..<first &+ Int(devices[device].matchCount) where matches[index].count < 0 && matches[index].number == raw {
      devices[device].variant = matches[index].variant
      return
    }
    devices[device].variant = -1
  }

  /// Whether a text in a frame tells it.
  @_noLocks @_noAllocation
  func recognise(_ device: Int, _ row: Int, _ frame: Int, _ base: Int, _ length: Int) {
    let text = textPlace(row, frame, base, length)
    recognise(device, row, buffers, from: text.start, count: text.count)
  }

  /// Whether a text tells it: the longest beginning that fits.
  @_noLocks @_noAllocation
  func recognise(_ device: Int, _ row: Int, _ bytes: borrowing Table<UInt8>, from start: Int, count: Int) {
    guard devices[device].identity == Int16(truncatingIfNeeded: row &- Int(devices[device].firstField)) else { return }
    var best: Int32 = -1
    devices[device].variant = -1
    let first = Int(devices[device].firstMatch)
    for index in first..<first &+ Int(devices[device].matchCount) {
      guard matches[index].count > best, Int(matches[index].count) <= count else { continue }
      var fits = true
      for place in 0..<Int(matches[index].count) where bytes[start &+ place] != constants[Int(matches[index].firstByte) &+ place] {
        fits = false
      }
      guard fits else { continue }
      best = matches[index].count
      devices[device].variant = matches[index].variant
    }
  }

  /// Whether it is reported: what is told on request, to tools only, but for the serial number by which the device is known.
  @_noLocks @_noAllocation
  func isTold(_ device: Int, _ row: Int) -> Bool {
    fields[row].isReported && (!fields[row].isOnRequest || row == serialRow(device) || buses[Int(devices[device].port)].isTool)
  }

  // MARK: Text

  @_noLocks @_noAllocation
  func textPlace(_ row: Int, _ frame: Int, _ base: Int, _ length: Int) -> (start: Int, count: Int) {
    switch fields[row].location {
    case .line:
      let head = headLength(frame, base, length)
      return (base &+ head, length &- head)
    case .head: return (base, headLength(frame, base, length))
    case .frame(let at):
      let place = at < 0 ? length &+ at : at
      return (base &+ place, max(0, min(fields[row].byteCount, length &- place)))
    case .after, .register: return (base, 0)
    }
  }

  /// A text: not a reading, but who or what something is.
  @_noLocks @_noAllocation
  func tell(_ device: Int, _ field: Int, _ frame: Int, _ base: Int, _ length: Int, _ findings: inout Findings) {
    let row = Int(devices[device].firstField) &+ field
    guard isTold(device, row) else { return }
    let place = textPlace(row, frame, base, length)
    // A head and nothing behind it is no code.
    if case .line = fields[row].location, place.count == 0 { return }
    tell(device, field, from: place.start, count: place.count, &findings)
  }

  @_noLocks @_noAllocation
  func tell(_ device: Int, _ field: Int, from start: Int, count: Int, _ findings: inout Findings) {
    findings.begin(text: DeviceID(device), field: UInt16(truncatingIfNeeded: field))
    for index in 0..<count { findings.append(buffers[start &+ index]) }
  }

  // MARK: Values

  /// One field of a device whose raw number was just stored: a reading, unless it is nobody's business or the device has
  /// no such sensor.
  @_noLocks @_noAllocation
  func report(_ device: Int, _ field: Int, _ now: Instant, _ findings: inout Findings) {
    let row = Int(devices[device].firstField) &+ field
    var raw = raws[row]
    guard isTold(device, row) else { return }
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
    var isWarmingUp = isWarmingUp(device, row, isWarmUpValue, now)
    var scaled: Double?
    var isUnconfirmed = false
    let extra = Int(fields[row].extra)
    if extra >= 0 {
      if extras[extra].needsAgreement, !buses[Int(devices[device].port)].isTool {
        let steady = agreed(extra, raw)
        isUnconfirmed = steady.isNaN
        if !isUnconfirmed { raw = steady }
      } else {
        raw = settled(extra, raw, now)
      }
      guard let value = scale(device, row, extra, raw) else { return }
      scaled = value
      if extras[extra].skipped < extras[extra].skipFirst {
        extras[extra].skipped &+= 1
        isWarmingUp = true
      }
    }
    var (value, quality) = fields[row].judge(raw, scaled: scaled, isSentinel: isSentinel, isWarmingUp: isWarmingUp)
    if quality.isGood, isUnconfirmed { quality = .invalid(.unconfirmed) }
    if quality.isGood, fields[row].spoilerCount > 0 { spoil(&quality, device, row, now) }
    findings.add(
      Reading(
        device: DeviceID(device), field: UInt16(truncatingIfNeeded: field), use: fields[row].use, unit: fields[row].unit,
        quality: quality, at: now, decoded: value))
  }

  /// Whether a value lies outside its range.
  @_noLocks @_noAllocation
  func isBeyond(_ device: Int, _ row: Int) -> Bool {
    let raw = raws[row]
    let firstSpecial = Int(fields[row].firstSpecial)
    for index in firstSpecial..<firstSpecial &+ Int(fields[row].specialCount) where specials[index].raw == raw { return false }
    let extra = Int(fields[row].extra)
    var scaled: Double?
    if extra >= 0 {
      // Without its factor it has no value that could lie outside.
      guard let value = scale(device, row, extra, raw) else { return false }
      scaled = value
    }
    if case .invalid = fields[row].judge(raw, scaled: scaled, isSentinel: false, isWarmingUp: false).quality { return true }
    return false
  }

  /// The value of a raw number, by all that may scale it; `nil`: what names the factor was not read.
  @_noLocks @_noAllocation
  private func scale(_ device: Int, _ row: Int, _ extra: Int, _ raw: Double) -> Double? {
    var value = raw * fields[row].scale + fields[row].offset
    if extras[extra].reciprocal != 0 { value = raw == 0 ? 0 : extras[extra].reciprocal / raw }
    guard extras[extra].multiplier >= 0 else { return value }
    let other = Int(devices[device].firstField) &+ Int(extras[extra].multiplier)
    let said = raws[other]
    var factor = buses[Int(devices[device].port)].isTool ? extras[extra].otherwise : .nan
    if said.isFinite {
      if extras[extra].factorCount == 0 {
        factor = said * fields[other].scale + fields[other].offset
      } else {
        factor = .nan
        let first = Int(extras[extra].firstFactor)
        for index in first..<first &+ Int(extras[extra].factorCount) where factors[index].raw == said { factor = factors[index].factor }
      }
    }
    return factor.isFinite ? value * factor : nil
  }

  /// Channel by channel what two frames that follow each other agree on; what they do not agree on stays as it was. NaN until
  /// two agreed on all channels: what a board is found in is not known from one frame either.
  @_noLocks @_noAllocation
  private func agreed(_ extra: Int, _ raw: Double) -> Double {
    let before = extras[extra].candidate
    extras[extra].candidate = raw
    guard raw >= 0, raw <= 4_294_967_295 else { return raw }
    guard before >= 0, before <= 4_294_967_295, extras[extra].steady >= 0 else {
      if raw == before { extras[extra].steady = raw }
      return extras[extra].steady
    }
    let now = UInt32(raw)
    let same = ~(now ^ UInt32(before))
    extras[extra].steady = Double(UInt32(extras[extra].steady) & ~same | now & same)
    return extras[extra].steady
  }

  /// Channels that changed count when they stayed so for the debounce time.
  @_noLocks @_noAllocation
  private func settled(_ extra: Int, _ raw: Double, _ now: Instant) -> Double {
    guard extras[extra].debounce > .zero else { return raw }
    if extras[extra].steady.isNaN { extras[extra].steady = raw }
    if raw == extras[extra].steady {
      extras[extra].candidate = .nan
    } else if raw != extras[extra].candidate {
      extras[extra].candidate = raw
      extras[extra].candidateSince = now
    } else if now - extras[extra].candidateSince >= extras[extra].debounce {
      extras[extra].steady = raw
      extras[extra].candidate = .nan
    }
    return extras[extra].steady
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
    if row == serialRow(device) { return false }
    if !isWarmUpValue { warming[row] = false }
    let warmUp = devices[device].warmUp
    return now - poweredAt[device] < warmUp || (isWarmUpValue && warming[row] && now - devices[device].warmingSince < warmUp)
  }
}

extension ArrayShape {
  /// Where a number stands: row by row, or from right to left.
  @_noLocks @_noAllocation
  func place(_ row: Int, _ column: Int) -> Int { row &* columns &+ (isMirrored ? columns &- 1 &- column : column) }
}
