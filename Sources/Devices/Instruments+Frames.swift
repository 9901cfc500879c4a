// Frames: finding them in a stream of bytes, with noise before, between and inside them; or in HID reports, which come
// whole.
//
// Bytes gather in the port's buffer. What cannot be the start of a frame is dropped byte by byte; a frame that fails its
// check is rejected and only its first byte dropped, so a good frame that began inside the bad one is still found.

import Domain

extension Instruments {
  @_noLocks @_noAllocation
  mutating func scan(_ bus: Int, _ bytes: Span<UInt8>, _ now: Instant, _ findings: inout Findings) {
    guard buses[bus].deviceCount > 0 else {
      buses[bus].counters.bytesDropped &+= UInt64(bytes.count)
      return
    }
    // What silence has ended has ended, also when nobody looked at the clock since.
    if quietEnd(bus) <= now { endByQuiet(bus, now, &findings) }
    let device = listener(bus)
    if buses[bus].buffered > 0, now - buses[bus].heardAt > devices[device].gap { forget(bus) }
    if now - buses[bus].heardAt >= devices[device].quiet { (buses[bus].isSkipping, buses[bus].spoiledLeft) = (false, 0) }
    let base = Int(buses[bus].firstByte)
    let size = Int(buses[bus].size)
    var index = echoed(bus, bytes)
    while index < bytes.count {
      guard isListening(bus, device) else {
        // Nobody asked: a late reply, a second one or noise is never taken for the next answer. The LF of the answer's CR LF
        // is none of these.
        if devices[device].hasLines {
          while index < bytes.count, isLineEnd(bytes[index]) {
            buses[bus].counters.bytesTaken &+= 1
            index &+= 1
          }
        }
        guard index < bytes.count else { return }
        buses[bus].counters.bytesDropped &+= UInt64(bytes.count &- index)
        buses[bus].counters.lateReplies &+= 1
        forget(bus)
        return
      }
      let buffered = Int(buses[bus].buffered)
      let end = min(bytes.count, index &+ size &- buffered)
      for place in index..<end { buffers[base &+ buffered &+ place &- index] = bytes[place] }
      buses[bus].buffered = Int32(truncatingIfNeeded: buffered &+ end &- index)
      index = end
      buses[bus].heardAt = now
      findFrames(bus, device, now, isQuiet: false, &findings)
      // A full buffer in which nothing ended.
      if Int(buses[bus].buffered) == size { forget(bus) }
    }
  }

  /// One HID report. Reports come whole: what does not fit is not searched for a beginning.
  @_noLocks @_noAllocation
  mutating func receiveReport(_ bus: Int, _ bytes: Span<UInt8>, _ now: Instant, _ findings: inout Findings) {
    guard buses[bus].deviceCount > 0 else {
      buses[bus].counters.bytesDropped &+= UInt64(bytes.count)
      return
    }
    if quietEnd(bus) <= now { endByQuiet(bus, now, &findings) }
    let device = listener(bus)
    guard isListening(bus, device) else {
      buses[bus].counters.bytesDropped &+= UInt64(bytes.count)
      buses[bus].counters.lateReplies &+= 1
      return
    }
    let number = expectedNumber(bus, device)
    let skip = number >= 0 ? 1 : 0
    let length = bytes.count &- skip
    let isOther = number >= 0 && length > 0 ? Int16(bytes[0]) != number : false
    guard length > 0, length <= Int(buses[bus].size), !isOther else {
      buses[bus].counters.bytesDropped &+= UInt64(bytes.count)
      return
    }
    if buses[bus].buffered > 0, now - buses[bus].heardAt > devices[device].gap { forget(bus) }
    if Int(buses[bus].buffered) &+ length > Int(buses[bus].size) { forget(bus) }
    let base = Int(buses[bus].firstByte) &+ Int(buses[bus].buffered)
    for index in 0..<length { buffers[base &+ index] = bytes[index &+ skip] }
    buses[bus].counters.bytesTaken &+= UInt64(skip)
    buses[bus].buffered &+= Int32(truncatingIfNeeded: length)
    buses[bus].heardAt = now
    findFrames(bus, device, now, isQuiet: false, &findings)
  }

  /// The number that stands before a report: of the device's reports, or of the feature that was asked for; -1: none.
  @_noLocks @_noAllocation
  private func expectedNumber(_ bus: Int, _ device: Int) -> Int16 {
    let number = devices[device].reportNumber
    guard number >= 0, isAwaitingFeature(bus), case .awaiting(_, let request) = buses[bus].state else { return number }
    return Int16(constants[Int(requests[Int(request)].firstByte)])
  }

  /// Silence is what ends some frames.
  @_noLocks @_noAllocation
  mutating func endByQuiet(_ bus: Int, _ now: Instant, _ findings: inout Findings) {
    guard buses[bus].buffered > 0, buses[bus].kind.isFramed, buses[bus].deviceCount > 0 else { return }
    let device = listener(bus)
    guard now - buses[bus].heardAt >= devices[device].quiet else { return }
    findFrames(bus, device, now, isQuiet: true, &findings)
    if !buses[bus].isTool { forget(bus) }
  }

  /// When silence may end what is buffered.
  @_noLocks @_noAllocation
  func quietEnd(_ bus: Int) -> Instant {
    guard buses[bus].buffered > 0, buses[bus].kind.isFramed, buses[bus].deviceCount > 0 else { return .never }
    let quiet = devices[listener(bus)].quiet
    return quiet < FrameRow.noQuiet ? buses[bus].heardAt + quiet : .never
  }

  /// Whose bytes they are: of the device that was asked, or of the one that is there.
  @_noLocks @_noAllocation
  private func listener(_ bus: Int) -> Int {
    if case .awaiting(let device, _) = buses[bus].state { return Int(device) }
    return Int(members[Int(buses[bus].firstDevice)])
  }

  @_noLocks @_noAllocation
  private func isListening(_ bus: Int, _ device: Int) -> Bool {
    if devices[device].isStream || buses[bus].isTool { return true }
    if case .awaiting = buses[bus].state { return true }
    return false
  }

  /// Drops what is buffered, and no longer what follows it.
  @_noLocks @_noAllocation
  func forget(_ bus: Int) {
    buses[bus].counters.bytesDropped &+= UInt64(max(0, buses[bus].buffered))
    buses[bus].buffered = 0
    buses[bus].isInStep = false
    buses[bus].isSkipping = false
    buses[bus].spoiledLeft = 0
  }

  /// Takes all whole frames at the start of the buffer; leaves at most the beginning of one.
  @_noLocks @_noAllocation
  private mutating func findFrames(_ bus: Int, _ device: Int, _ now: Instant, isQuiet: Bool, _ findings: inout Findings) {
    let first = Int(buses[bus].firstByte)
    let total = Int(buses[bus].buffered)
    let packets = buses[bus].kind.isPackets
    var start = 0
    while start < total {
      guard isListening(bus, device) else {
        if devices[device].hasLines {
          while start < total, isLineEnd(buffers[first &+ start]) {
            buses[bus].counters.bytesTaken &+= 1
            start &+= 1
          }
        }
        guard start < total else { break }
        buses[bus].counters.bytesDropped &+= UInt64(total &- start)
        buses[bus].counters.lateReplies &+= 1
        start = total
        break
      }
      let area = Area(
        base: first &+ start, count: total &- start, decoded: first &+ Int(buses[bus].size), room: Int(buses[bus].size),
        isQuiet: isQuiet, isInStep: buses[bus].isInStep, askedLength: askedLength(bus))
      let (frame, fit) = bestFit(bus, device, area)
      switch fit {
      case .more:
        keepFrom(start, bus, total)
        return
      case .frame(let wire, let base, let length):
        buses[bus].isInStep = true
        buses[bus].spoiledLeft = 0
        // It proves where it ends: what follows begins there.
        buses[bus].isSkipping = false
        count(wire, isTaken: accept(bus, device, frame, base, length, now, &findings), bus)
        start &+= wire
      case .refused(let wire, let why):
        buses[bus].isInStep = true
        refuse(bus, device, why, now, &findings)
        count(wire, isTaken: true, bus)
        start &+= wire
      case .broken(let wire, let why):
        devices[device].counters.checkErrors &+= 1
        findings.note(.rejected(why))
        buses[bus].isInStep = false
        var dropped = packets ? total &- start : 1
        if devices[device].hasLines, frame >= 0 {
          if frames[Int(devices[device].firstFrame) &+ frame].isLine {
            dropped = max(1, wire)
            // What follows up to the end of a line that is too long belongs to it.
            if case .length = why, dropped >= total &- start { buses[bus].isSkipping = !isLineEnd(buffers[first &+ total &- 1]) }
          } else {
            // Some of its bytes may be lost: the text behind it has perhaps no beginning.
            buses[bus].isSkipping = true
            buses[bus].spoiledLeft = max(buses[bus].spoiledLeft, Int32(truncatingIfNeeded: wire)) &- 1
          }
        }
        buses[bus].counters.bytesDropped &+= UInt64(dropped)
        start &+= dropped
      case .no:
        buses[bus].isInStep = false
        let dropped = packets ? total &- start : 1
        let isEnd = devices[device].hasLines && isLineEnd(buffers[first &+ start])
        count(dropped, isTaken: isEnd && !buses[bus].isSkipping, bus)
        if isEnd, buses[bus].spoiledLeft <= 0 { buses[bus].isSkipping = false }
        buses[bus].spoiledLeft = max(0, buses[bus].spoiledLeft &- 1)
        start &+= dropped
      }
    }
    keepFrom(start, bus, total)
  }

  @_noLocks @_noAllocation
  func count(_ bytes: Int, isTaken: Bool, _ bus: Int) {
    if isTaken { buses[bus].counters.bytesTaken &+= UInt64(bytes) } else { buses[bus].counters.bytesDropped &+= UInt64(bytes) }
  }

  /// What the first kind that fits makes of the bytes; one that may still fit waits, before later kinds.
  @_noLocks @_noAllocation
  private func bestFit(_ bus: Int, _ device: Int, _ area: Area) -> (frame: Int, Fit) {
    let first = Int(devices[device].firstFrame)
    var worst = Fit.no
    var broken = -1
    var isOnlyTooLong = true
    for index in 0..<Int(devices[device].frameCount) {
      guard isExpected(bus, device, first &+ index) else { continue }
      if frames[first &+ index].isLine, !isOnlyTooLong || buses[bus].isSkipping { continue }
      let fit = fit(first &+ index, area)
      switch fit {
      case .no: continue
      case .broken(_, let why):
        if broken < 0 { (broken, worst) = (index, fit) }
        // What is too long a line for one kind may be one of a kind with longer lines.
        if case .length = why, frames[first &+ index].isLine {} else { isOnlyTooLong = false }
      case .frame, .more, .refused: return (index, fit)
      }
    }
    return (broken, worst)
  }

  @_noLocks @_noAllocation
  private func isExpected(_ bus: Int, _ device: Int, _ frame: Int) -> Bool {
    switch frames[frame].way {
    case .any: return true
    case .stream: return buses[bus].isTool ? buses[bus].way.isStream : devices[device].isStream
    case .response: return buses[bus].isTool ? !buses[bus].way.isStream : !devices[device].isStream
    case .report: return buses[bus].isTool ? !buses[bus].way.isFeature : !isAwaitingFeature(bus)
    case .feature: return buses[bus].isTool ? buses[bus].way.isFeature : isAwaitingFeature(bus)
    }
  }

  @_noLocks @_noAllocation
  private func isAwaitingFeature(_ bus: Int) -> Bool {
    guard case .awaiting(_, let request) = buses[bus].state, case .getFeature = requests[Int(request)].carrier else { return false }
    return true
  }

  /// The request that is being answered, as an index of the device's; -1: none.
  @_noLocks @_noAllocation
  private func asked(_ bus: Int, _ device: Int) -> Int {
    if case .awaiting(_, let request) = buses[bus].state { return Int(request) &- Int(devices[device].firstRequest) }
    return Int(buses[bus].assumed)
  }

  @_noLocks @_noAllocation
  private func askedLength(_ bus: Int) -> Int {
    let device = listener(bus)
    let request = asked(bus, device)
    if request >= 0 { return Int(requests[Int(devices[device].firstRequest) &+ request].replyLength) }
    return buses[bus].isTool && devices[device].defaultRequest >= 0
      ? Int(requests[Int(devices[device].firstRequest) &+ Int(devices[device].defaultRequest)].replyLength) : 0
  }

  @_noLocks @_noAllocation
  private func keepFrom(_ start: Int, _ bus: Int, _ total: Int) {
    let base = Int(buses[bus].firstByte)
    let left = max(0, total &- start)
    if start > 0 { for index in 0..<left { buffers[base &+ index] = buffers[base &+ index &+ start] } }
    buses[bus].buffered = Int32(truncatingIfNeeded: left)
  }

  /// A proper reply that says no, or one that holds no values.
  @_noLocks @_noAllocation
  private func refuse(_ bus: Int, _ device: Int, _ why: Rejection, _ now: Instant, _ findings: inout Findings) {
    findings.note(.rejected(why))
    devices[device].counters.exceptions &+= 1
    devices[device].refusedAt = now
    guard case .awaiting(_, let request) = buses[bus].state else { return }
    let isStart = requests[Int(request)].isStart
    if case .exception = why, !isStart { beginAgain(device, now) }
    requests[Int(request)].due = isStart ? .never : later(requests[Int(request)].due, devices[device].period, now)
    buses[bus].state = .idle
    buses[bus].until = .never
    buses[bus].restsUntil = now + rest(bus, device)
    if !isStart { countFailure(device, .exception, now, &findings) }
  }

  /// It says no to what it is asked, so it may have been off meanwhile: what it needs to be told first is told again.
  @_noLocks @_noAllocation
  private func beginAgain(_ device: Int, _ now: Instant) {
    for index in 0..<Int(devices[device].requestCount) {
      let row = Int(devices[device].firstRequest) &+ index
      if requests[row].isStart, requests[row].due == .never { requests[row].due = now }
    }
  }

  /// `false`: it is none of this device's, or no answer, after all.
  @_noLocks @_noAllocation
  private mutating func accept(
    _ bus: Int, _ device: Int, _ frame: Int, _ base: Int, _ length: Int, _ now: Instant, _ findings: inout Findings
  ) -> Bool {
    let request = asked(bus, device)
    var isAnswer = true
    switch store(bus, device, frame, base, length, request, now) {
    case .rejected(let why):
      if case .wrongReply = why { devices[device].counters.wrongReplies &+= 1 } else { devices[device].counters.checkErrors &+= 1 }
      findings.note(.rejected(why))
      return false
    case .accepted(let answers): isAnswer = answers
    }
    if case .awaiting = buses[bus].state { countReply(bus, device, now) } else { devices[device].counters.replies &+= 1 }
    findings.note(.accepted)
    let admission = admission(bus, device, frame, base, length, request, now, &findings)
    guard case .admitted = admission else {
      if isAnswer {
        answered(bus, device, now)
        disown(device, admission, now, &findings)
      }
      return true
    }
    rise(device, now, &findings)
    if isAnswer { answered(bus, device, now) }
    for field in 0..<Int(devices[device].fieldCount) {
      let row = Int(devices[device].firstField) &+ field
      guard serials[row] == buses[bus].serial, isClaimed(bus, device, row, by: request) else { continue }
      if fields[row].type.isText {
        tell(device, field, Int(devices[device].firstFrame) &+ frame, base, length, &findings)
      } else {
        report(device, field, now, &findings)
      }
    }
    return true
  }

  /// Several on one line whose address stands before each answer: whether it is that of another, behind a `!` or not.
  @_noLocks @_noAllocation
  private func isOfAnother(_ device: Int, _ base: Int, _ length: Int) -> Bool {
    let unit = devices[device].unit
    guard unit > 0, case .digits(let count)? = devices[device].address else { return false }
    let start = length > 0 && buffers[base] == 0x21 ? 1 : 0
    guard start &+ count <= length else { return false }
    for index in 0..<count where !isDigit(buffers[base &+ start &+ index]) { return false }
    for index in 0..<count where buffers[base &+ start &+ index] != Addressing.digits(count).byte(index, of: unit) { return true }
    return false
  }

  @_noLocks @_noAllocation
  private func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  private enum Stored: BitwiseCopyable {
    /// Whether it ends what the device was asked.
    case accepted(isAnswer: Bool)
    case rejected(Rejection)
  }

  /// Stores the raw numbers of a frame, before any is judged; says why the frame is none of this device after all. Then,
  /// and for fields that this frame does not hold after all, what was known before is known still.
  @_noLocks @_noAllocation
  private func store(
    _ bus: Int, _ device: Int, _ frame: Int, _ base: Int, _ length: Int, _ request: Int, _ now: Instant
  ) -> Stored {
    let variant = devices[device].variant
    let verdict = storeAll(bus, device, frame, base, length, request, now)
    guard case .rejected = verdict else { return verdict }
    devices[device].variant = variant
    for field in 0..<Int(devices[device].fieldCount) { hold(bus, Int(devices[device].firstField) &+ field, false) }
    return verdict
  }

  @_noLocks @_noAllocation
  private func storeAll(
    _ bus: Int, _ device: Int, _ frame: Int, _ base: Int, _ length: Int, _ request: Int, _ now: Instant
  ) -> Stored {
    // Never 0, which stands for no frame.
    buses[bus].serial = max(2, buses[bus].serial &+ 2)
    if isOfAnother(device, base, length) { return .rejected(.wrongReply) }
    let bit = UInt32(1) << UInt32(frame & 31)
    let rowOfFrame = Int(devices[device].firstFrame) &+ frame
    let fieldCount = Int(devices[device].fieldCount)
    let firstField = Int(devices[device].firstField)
    var hasKey = false
    var hasNeeds = false
    for row in firstField..<firstField &+ fieldCount where fields[row].frames & bit != 0 {
      guard let raw = number(row, rowOfFrame, base, length) else { continue }
      formers[row] = raws[row]
      formerAt[row] = readAt[row]
      raws[row] = raw
      readAt[row] = now
      serials[row] = buses[bus].serial
      if case .after = fields[row].location { hasKey = true }
      let extra = Int(fields[row].extra)
      if extra >= 0, extras[extra].needCount > 0 { hasNeeds = true }
    }
    if frames[rowOfFrame].hasKeys, !hasKey { return .rejected(.wrongReply) }
    if hasNeeds {
      // Twice, since what a field needs may need another one.
      for _ in 0..<2 { for row in firstField..<firstField &+ fieldCount { hold(bus, row, isNeeded(device, row)) } }
    }
    let identity = firstField &+ Int(devices[device].identity)
    if identity >= firstField, serials[identity] == buses[bus].serial {
      if fields[identity].type.isText {
        recognise(device, identity, rowOfFrame, base, length)
      } else {
        recognise(device, identity, raws[identity])
      }
    }
    var isAnswer = request < 0 || !requests[Int(devices[device].firstRequest) &+ request].hasAnswers
    var isOthers = false
    for row in firstField..<firstField &+ fieldCount where serials[row] == buses[bus].serial {
      guard isIn(device, row) else {
        hold(bus, row, false)
        continue
      }
      if request >= 0, fields[row].answers != 0 {
        if fields[row].answers >> UInt32(request & 31) & 1 == 1 { isAnswer = true } else { isOthers = true }
      }
      let extra = Int(fields[row].extra)
      if extra >= 0, extras[extra].rejectsFrame, isClaimed(bus, device, row, by: request), isBeyond(device, row) { return .rejected(.outOfRange) }
    }
    if request >= 0, isOthers, requests[Int(devices[device].firstRequest) &+ request].claims {
      // Nothing of its own, and something that another request is answered by.
      if !requests[Int(devices[device].firstRequest) &+ request].hasAnswers { isAnswer = false }
    }
    if isAnswer { return .accepted(isAnswer: true) }
    // A frame without fields acknowledges something else. What such a device says unasked, it may say meanwhile.
    let isUnasked = !isOthers && (devices[device].isSeldom || devices[device].isStream)
    return frames[rowOfFrame].hasFields && !isUnasked ? .rejected(.wrongReply) : .accepted(isAnswer: false)
  }

  /// Takes what a frame says of a field as its number, or what was known before: until the next frame both are kept. Fields
  /// that the frame does not reach are left alone.
  @_noLocks @_noAllocation
  private func hold(_ bus: Int, _ row: Int, _ isHeld: Bool) {
    let serial = buses[bus].serial
    guard serials[row] == (isHeld ? serial &- 1 : serial) else { return }
    let (raw, at) = (raws[row], readAt[row])
    raws[row] = formers[row]
    readAt[row] = formerAt[row]
    formers[row] = raw
    formerAt[row] = at
    serials[row] = isHeld ? serial : serial &- 1
  }

  /// Whether the frame that holds this field may be the answer to this request. Without a request, the first that has
  /// answers of its own is taken for it, and what says itself what it is.
  @_noLocks @_noAllocation
  func isClaimed(_ bus: Int, _ device: Int, _ row: Int, by request: Int) -> Bool {
    let answers = fields[row].answers
    if answers == 0 { return true }
    if request >= 0 { return answers >> UInt32(request & 31) & 1 == 1 }
    let first = Int(devices[device].defaultRequest)
    if first >= 0, answers >> UInt32(first & 31) & 1 == 1 { return true }
    if case .after = fields[row].location { return true }
    let extra = Int(fields[row].extra)
    return extra >= 0 && extras[extra].needCount > 0
  }

  /// The request that is out has its answer; what follows it is due.
  @_noLocks @_noAllocation
  private func answered(_ bus: Int, _ device: Int, _ now: Instant) {
    guard case .awaiting(_, let request) = buses[bus].state else { return }
    finish(device, Int(request), now)
    buses[bus].state = .idle
    buses[bus].until = .never
  }

  /// The next regular moment, without catching up on missed ones.
  @_noLocks @_noAllocation
  func later(_ due: Instant, _ period: Interval, _ now: Instant) -> Instant {
    let next = due + period
    return next > now ? next : now + period
  }

  /// A request was answered: when it is due again, and which requests that wait for what it said are due now.
  @_noLocks @_noAllocation
  func finish(_ device: Int, _ request: Int, _ now: Instant) {
    requests[request].tries = 0
    requests[request].misses = 0
    requests[request].due = requests[request].isRegular ? later(requests[request].due, requests[request].period, now) + requests[request].delay : .never
    requests[request].delay = .zero
    // What waits for a read waits for all parts of it where it is split.
    let whole = requests[request].whole >= 0 ? Int(requests[request].whole) : request
    if whole != request {
      for part in 1...Int(requests[whole].partCount) where requests[whole &+ part].due <= now { return }
    }
    let own = whole &- Int(devices[device].firstRequest)
    for index in 0..<Int(devices[device].requestCount) {
      let row = Int(devices[device].firstRequest) &+ index
      guard Int(requests[row].after) == own else { continue }
      requests[row].due = areMet(device, Int(requests[row].firstNeed), Int(requests[row].needCount)) ? now : .never
    }
  }
}

extension PortKind {
  /// Frames of the device's own, not Modbus.
  var isFramed: Bool {
    @_noLocks @_noAllocation get {
      switch self {
      case .serial, .hid: true
      case .modbusRTU, .modbusTCP: false
      }
    }
  }

  /// Bytes come in whole packets.
  var isPackets: Bool { @_noLocks @_noAllocation get { if case .hid = self { true } else { false } } }
}

extension Way {
  var isStream: Bool { @_noLocks @_noAllocation get { if case .stream = self { true } else { false } } }
  var isFeature: Bool { @_noLocks @_noAllocation get { if case .feature = self { true } else { false } } }
}
