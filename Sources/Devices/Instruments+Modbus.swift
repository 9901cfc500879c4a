// Modbus: requests and replies over RTU (the port's thread adds and checks the CRC) and TCP (the header is made and matched
// here).

public import Domain

extension Instruments {
  // MARK: Asking

  @_noLocks @_noAllocation
  mutating func ask(
    _ bus: Int, _ device: Int, _ request: Int, _ now: Instant, isAwake: Bool = false, _ outbox: inout Outbox
  ) {
    buses[bus].asked = requests[request].modbus
    buses[bus].unit = devices[device].unit
    if !devices[device].isStream { forgetHalfFrame(bus) }
    if !isAwake, buses[bus].kind.isFramed, devices[device].wakeByte >= 0 {
      wake(bus, device, request, now, &outbox)
      return
    }
    buses[bus].state = .idle
    buses[bus].until = .never
    let reply = replyTime(bus, device, request)
    guard transmit(bus, device, request, urgency: .poll, replyWithin: reply, &outbox) else {
      requests[request].due = now + .milliseconds(100)
      return
    }
    devices[device].counters.requests &+= 1
    buses[bus].askedAt = now
    buses[bus].restsUntil = now + rest(bus, device)
    guard requests[request].replyWithin > .zero, !devices[device].isStream else {
      // Nothing answers it: it is done when it was sent.
      finish(device, request, now)
      if devices[device].isDown, requests[request].isStart { requests[request].due = now + silenceLimit(device) }
      return
    }
    buses[bus].state = .awaiting(
      device: Int32(truncatingIfNeeded: device), request: Int32(truncatingIfNeeded: request))
    buses[bus].until = now + patience(bus, reply)
  }

  /// How long the bus is left alone after an exchange with it; where a gate waits for its order, a tenth of a second at most.
  @_noLocks @_noAllocation
  func rest(_ bus: Int, _ device: Int) -> Interval {
    buses[bus].carriesGate ? min(devices[device].turnaround, .milliseconds(100)) : devices[device].turnaround
  }

  /// The byte that wakes it; what it is asked follows when it had its time, or (`request` -1) the order that waits.
  @_noLocks @_noAllocation
  func wake(_ bus: Int, _ device: Int, _ request: Int, _ now: Instant, _ outbox: inout Outbox) {
    let start = outbox.byteCount
    outbox.append(UInt8(truncatingIfNeeded: Int(devices[device].wakeByte)))
    awaitEcho(bus, outbox.bytes, from: start, to: outbox.byteCount)
    guard outbox.finishSend(from: start, to: PortID(bus), buses[bus].generation, urgency: .poll, replyWithin: .zero) else {
      if request >= 0 { requests[request].due = now + .milliseconds(100) }
      return
    }
    buses[bus].state = .waking(device: Int32(truncatingIfNeeded: device), request: Int32(truncatingIfNeeded: request))
    buses[bus].until = now + devices[device].wakeBefore
  }

  /// A reply came to what was asked last.
  @_noLocks @_noAllocation
  func countReply(_ bus: Int, _ device: Int, _ now: Instant) {
    devices[device].counters.replies &+= 1
    let took = now - buses[bus].askedAt
    let known = devices[device].counters.roundTrip
    devices[device].counters.roundTrip = known == .zero ? took : Interval(ns: known.ns &+ (took.ns &- known.ns) / 8)
    devices[device].counters.longestRoundTrip = max(devices[device].counters.longestRoundTrip, took)
    buses[bus].restsUntil = now + rest(bus, device)
  }

  /// How long the pipeline itself waits. A bus thread keeps the reply time; here only its silence is watched.
  @_noLocks @_noAllocation
  func patience(_ bus: Int, _ reply: Interval) -> Interval {
    switch buses[bus].kind {
    case .modbusRTU: reply + .seconds(3)
    case .serial, .hid, .modbusTCP: reply
    }
  }

  /// The deadline of a request's reply; of a write's, for which no request stands (-1).
  @_noLocks @_noAllocation
  func replyTime(_ bus: Int, _ device: Int, _ request: Int = -1) -> Interval {
    let reply = request < 0 ? devices[device].replyWithin : requests[request].replyWithin
    return buses[bus].carriesGate ? min(reply, .milliseconds(100)) : reply
  }

  /// Writes the request (`request` ≥ 0) or what stands in `asked` to the outbox.
  @_noLocks @_noAllocation
  mutating func transmit(
    _ bus: Int, _ device: Int, _ request: Int, urgency: Urgency, replyWithin: Interval, _ outbox: inout Outbox
  ) -> Bool {
    let port = PortID(bus)
    let generation = buses[bus].generation
    if buses[bus].kind.isRTU, devices[device].wakeByte >= 0 {
      let start = outbox.byteCount
      outbox.append(UInt8(truncatingIfNeeded: Int(devices[device].wakeByte)))
      guard outbox.finishSend(from: start, to: port, generation, urgency: urgency, replyWithin: devices[device].wakeBefore) else {
        return false
      }
    }
    let start = outbox.byteCount
    switch buses[bus].kind {
    case .serial:
      var index = 0
      while let byte = sentByte(device, request, index) {
        outbox.append(byte)
        index &+= 1
      }
      awaitEcho(bus, outbox.bytes, from: start, to: outbox.byteCount)
    case .hid:
      outbox.append(requests[request].carrier.number)
      for index in 0..<Int(requests[request].byteCount) { outbox.append(constants[Int(requests[request].firstByte) &+ index]) }
    case .modbusTCP:
      buses[bus].transaction &+= 1
      outbox.append(UInt8(truncatingIfNeeded: buses[bus].transaction >> 8))
      outbox.append(UInt8(truncatingIfNeeded: buses[bus].transaction))
      outbox.append(0)
      outbox.append(0)
      outbox.append(0)
      outbox.append(6)
      outbox.append(buses[bus].unit)
      for index in 0..<5 { outbox.append(buses[bus].asked.byte(index)) }
    case .modbusRTU:
      outbox.append(buses[bus].unit)
      for index in 0..<5 { outbox.append(buses[bus].asked.byte(index)) }
    }
    return outbox.finishSend(from: start, to: port, generation, urgency: urgency, replyWithin: replyWithin)
  }

  /// One byte of what a device on a serial line is sent: its address, then the request's own.
  @_noLocks @_noAllocation
  func sentByte(_ device: Int, _ request: Int, _ index: Int) -> UInt8? {
    var address = 0
    if devices[device].unit > 0, let way = devices[device].address {
      address = way.width
      if index < address { return way.byte(index, of: devices[device].unit) }
    }
    let place = index &- address
    return place < Int(requests[request].byteCount) ? constants[Int(requests[request].firstByte) &+ place] : nil
  }

  /// What is sent now comes back first, where the line does so.
  @_noLocks @_noAllocation
  func awaitEcho(_ bus: Int, _ sent: borrowing Table<UInt8>, from start: Int, to end: Int) {
    let first = Int(buses[bus].firstEcho)
    guard first >= 0 else { return }
    // What found no room in the outbox is not sent at all.
    let count = min(min(end, sent.capacity) &- start, Self.echoRoom)
    for index in 0..<max(0, count) { buffers[first &+ index] = sent[start &+ index] }
    buses[bus].echoCount = Int32(truncatingIfNeeded: max(0, count))
    buses[bus].echoAt = 0
  }

  /// How many of `bytes` are but what was just sent. When one differs, the line gave back nothing, and those before it that
  /// looked so are the device's own.
  @_noLocks @_noAllocation
  func echoed(_ bus: Int, _ bytes: Span<UInt8>) -> Int {
    let earlier = Int(buses[bus].echoAt)
    let awaited = min(Int(buses[bus].echoCount) &- earlier, bytes.count)
    guard awaited > 0 else { return 0 }
    let first = Int(buses[bus].firstEcho)
    var count = 0
    while count < awaited {
      guard buffers[first &+ earlier &+ count] == bytes[count] else {
        buses[bus].echoCount = buses[bus].echoAt
        buses[bus].counters.bytesTaken &-= UInt64(earlier)
        let base = Int(buses[bus].firstByte) &+ Int(buses[bus].buffered)
        guard Int(buses[bus].buffered) &+ earlier < Int(buses[bus].size) else {
          buses[bus].counters.bytesDropped &+= UInt64(earlier)
          return 0
        }
        for index in 0..<earlier { buffers[base &+ index] = buffers[first &+ index] }
        buses[bus].buffered &+= Int32(truncatingIfNeeded: earlier)
        return 0
      }
      count &+= 1
    }
    buses[bus].echoAt &+= Int32(truncatingIfNeeded: count)
    buses[bus].counters.bytesTaken &+= UInt64(count)
    return count
  }

  /// How one of several devices on a serial line is meant.
  @_noLocks @_noAllocation
  func appendAddress(_ device: Int, _ outbox: inout Outbox) {
    let unit = devices[device].unit
    guard unit > 0, let address = devices[device].address else { return }
    for index in 0..<address.width { outbox.append(address.byte(index, of: unit)) }
  }

  // MARK: Answers

  /// RTU: a whole reply without its CRC, which the port's thread has checked.
  @_noLocks @_noAllocation
  mutating func receiveReply(_ bus: Int, _ bytes: Span<UInt8>, _ now: Instant, _ findings: inout Findings) {
    let base = Int(buses[bus].firstByte)
    let count = min(bytes.count, Int(buses[bus].size))
    for index in 0..<count { buffers[base &+ index] = bytes[index] }
    self.count(count, isTaken: take(bus, from: base, count: count, now, &findings), bus)
    buses[bus].counters.bytesDropped &+= UInt64(bytes.count &- count)
  }

  /// Modbus TCP: header of seven bytes (transaction, protocol 0, length, unit), then the PDU.
  @_noLocks @_noAllocation
  mutating func reassemble(
    _ bus: Int, _ bytes: Span<UInt8>, _ now: Instant, _ findings: inout Findings, _ outbox: inout Outbox
  ) {
    let base = Int(buses[bus].firstByte)
    for index in 0..<bytes.count {
      if case .spoiled = buses[bus].state {
        buses[bus].counters.bytesDropped &+= UInt64(bytes.count &- index)
        return
      }
      buffers[base &+ Int(buses[bus].buffered)] = bytes[index]
      buses[bus].buffered &+= 1
      switch HeadedFrame(buffers, at: base, count: Int(buses[bus].buffered)) {
      case .incomplete: break
      case .wrong:
        // Where the next one begins cannot be told, so the connection is given up.
        giveUp(bus, .wrongReply, now, &findings)
        spoil(bus, now, &outbox)
      case .whole(let transaction, let length):
        buses[bus].buffered = 0
        if transaction == buses[bus].transaction, isAwaiting(bus) {
          count(6 &+ length, isTaken: take(bus, from: base &+ 6, count: length, now, &findings), bus)
        } else {
          count(6 &+ length, isTaken: false, bus)
          buses[bus].counters.lateReplies &+= 1
        }
      }
    }
  }

  /// Asks for another connection, again each second until there is one.
  @_noLocks @_noAllocation
  func spoil(_ bus: Int, _ now: Instant, _ outbox: inout Outbox) {
    buses[bus].state = .spoiled
    buses[bus].until = now + .seconds(1)
    forget(bus)
    outbox.reopen(PortID(bus), buses[bus].generation)
  }

  /// Half a frame on a serial line belongs to nothing that follows. On a connection the rest of it is still to come, and
  /// without its beginning could not be told from the next reply.
  @_noLocks @_noAllocation
  private func forgetHalfFrame(_ bus: Int) {
    if case .modbusTCP = buses[bus].kind { return }
    forget(bus)
  }

  @_noLocks @_noAllocation
  private func isAwaiting(_ bus: Int) -> Bool {
    switch buses[bus].state {
    case .awaiting, .awaitingWrite: true
    case .idle, .quarantine, .waking, .spoiled: false
    }
  }

  /// A whole reply: unit and PDU. `false`: it is not the answer to what was asked.
  @_noLocks @_noAllocation
  mutating func take(_ bus: Int, from base: Int, count: Int, _ now: Instant, _ findings: inout Findings) -> Bool {
    let state = buses[bus].state
    guard isAwaiting(bus) else {
      buses[bus].counters.lateReplies &+= 1
      return false
    }
    guard count >= 3, buffers[base] == buses[bus].unit else {
      giveUp(bus, .wrongReply, now, &findings)
      return false
    }
    var isTaken = true
    let verdict = buses[bus].asked.judge(buffers, at: base &+ 1, length: count &- 1)
    if case .wrong = verdict {
      giveUp(bus, .wrongReply, now, &findings)
      return false
    }
    become(idle: bus)
    switch state {
    case .awaiting(let device, let request):
      if isDoubtful(bus, Int(device), Int(request), now) {
        // It is there, whatever it said.
        isTaken = false
        buses[bus].counters.lateReplies &+= 1
        countReply(bus, Int(device), now)
        devices[Int(device)].lastGood = now
        devices[Int(device)].failures = 0
      } else if case .data(let at) = verdict {
        answered(bus, Int(device), Int(request), at, now, &findings)
      } else if case .exception(let code) = verdict {
        buses[bus].restsUntil = now + rest(bus, Int(device))
        refused(Int(device), Int(request), code, now, &findings)
      }
      if devices[Int(device)].hasPaid { holdBack(bus, Int(device), behind: Int(request), now) }
    case .awaitingWrite(let device):
      buses[bus].restsUntil = now + rest(bus, Int(device))
      if case .data = verdict {
        finishWrite(bus, Int(device), worked: true, &findings)
        if isBelieved(Int(device)) { rise(Int(device), now, &findings) }
      } else {
        devices[Int(device)].counters.exceptions &+= 1
        finishWrite(bus, Int(device), worked: false, &findings)
      }
    case .idle, .quarantine, .waking, .spoiled: break
    }
    return isTaken
  }

  @_noLocks @_noAllocation
  func become(idle bus: Int) {
    buses[bus].state = .idle
    buses[bus].until = .never
  }

  /// It is there and says no: not silence, but no value either. One that is busy is asked again soon: 0.2 s later, then
  /// twice as long each time, and five times.
  @_noLocks @_noAllocation
  private func refused(_ device: Int, _ request: Int, _ code: UInt8, _ now: Instant, _ findings: inout Findings) {
    devices[device].counters.exceptions &+= 1
    if code < 32, devices[device].busyCodes >> UInt32(code) & 1 == 1, requests[request].tries < 5 {
      devices[device].lastGood = now
      requests[request].due = now + .milliseconds(200) * (Int64(1) << Int64(requests[request].tries))
      requests[request].tries &+= 1
      devices[device].counters.retries &+= 1
      return
    }
    // 01 illegal function, 02 illegal address, 03 illegal value: too many at once, or a gap between them.
    if code >= 1, code <= 3, requests[request].partCount > 0 {
      devices[device].lastGood = now
      requests[request].isSplit = true
      for part in 1...Int(requests[request].partCount) { requests[request &+ part].due = now }
      devices[device].counters.retries &+= 1
      return
    }
    requests[request].tries = 0
    let isRepeated = requests[request].isRegular || requests[request].asksWho
    requests[request].due = isRepeated ? later(requests[request].due, requests[request].period, now) : .never
    countFailure(device, .exception, now, &findings)
  }

  @_noLocks @_noAllocation
  private func answered(
    _ bus: Int, _ device: Int, _ request: Int, _ data: Int, _ now: Instant, _ findings: inout Findings
  ) {
    let asked = requests[request].modbus
    countReply(bus, device, now)
    keep(device, asked, buffers, data: data, now)
    let admission = admission(device, asked, data: data, now, &findings)
    guard case .admitted = admission else {
      finish(device, request, now)
      disown(device, admission, now, &findings)
      return
    }
    rise(device, now, &findings)
    finish(device, request, now)
    tellAll(device, asked, buffers, data: data, now, &findings)
  }

  /// Reports what a reply holds and `keep` has stored.
  @_noLocks @_noAllocation
  func tellAll(
    _ device: Int, _ asked: ModbusRequest, _ bytes: borrowing Table<UInt8>, data: Int, _ now: Instant, _ findings: inout Findings
  ) {
    for field in 0..<Int(devices[device].fieldCount) {
      let row = Int(devices[device].firstField) &+ field
      guard fields[row].isCovered(by: asked), isIn(device, row), isNeeded(device, row) else { continue }
      guard fields[row].type.isText else {
        report(device, field, now, &findings)
        continue
      }
      guard isTold(device, row), case .register(_, let address) = fields[row].location else { continue }
      let start = data &+ 2 &* (address &- Int(asked.address))
      findings.begin(text: DeviceID(device), field: UInt16(truncatingIfNeeded: field))
      for index in 0..<fields[row].byteCount { findings.append(bytes[start &+ index]) }
    }
  }

  /// Stores the raw numbers that a reply holds, before any is judged: status words judge the values that came with them.
  @_noLocks @_noAllocation
  func keep(_ device: Int, _ asked: ModbusRequest, _ bytes: borrowing Table<UInt8>, data: Int, _ now: Instant) {
    let first = Int(devices[device].firstField)
    // What tells the variant comes first: it says which of the others are there.
    let identity = Int(devices[device].identity)
    if identity >= 0 { keep(device, first &+ identity, asked, bytes, data, now) }
    for field in 0..<Int(devices[device].fieldCount) where field != identity { keep(device, first &+ field, asked, bytes, data, now) }
  }

  @_noLocks @_noAllocation
  private func keep(
    _ device: Int, _ row: Int, _ asked: ModbusRequest, _ bytes: borrowing Table<UInt8>, _ data: Int, _ now: Instant
  ) {
    // A field of another variant may stand at the same place and hide nothing.
    guard fields[row].isCovered(by: asked), isIn(device, row) else { return }
    raws[row] = fields[row].raw(inReplyTo: asked, bytes, data: data)
    readAt[row] = now
    guard fields[row].type.isText, case .register(_, let address) = fields[row].location else {
      recognise(device, row, raws[row])
      return
    }
    recognise(device, row, bytes, from: data &+ 2 &* (address &- Int(asked.address)), count: fields[row].byteCount)
  }

  /// No good reply came to what is out.
  @_noLocks @_noAllocation
  mutating func giveUp(_ bus: Int, _ failure: RequestFailure, _ now: Instant, _ findings: inout Findings) {
    let state = buses[bus].state
    forgetHalfFrame(bus)
    buses[bus].until = .never
    buses[bus].state = .idle
    switch state {
    case .awaiting(let device, let request):
      buses[bus].restsUntil = now + rest(bus, Int(device))
      count(failure, Int(device))
      if case .notSent = failure {} else { owe(bus, Int(device), Int(request), now) }
      defer { quarantine(bus, Int(device), replyTime(bus, Int(device), Int(request)), now) }
      if requests[Int(request)].tries < requests[Int(request)].retries {
        // A lost reply is normal for it: asked again, and no failure.
        requests[Int(request)].tries &+= 1
        requests[Int(request)].due = now
        devices[Int(device)].counters.retries &+= 1
        return
      }
      requests[Int(request)].tries = 0
      requests[Int(request)].misses &+= 1
      // A start that is not answered goes behind what is due regularly: it ends the device's turn, and would end each.
      let due = requests[Int(request)].isStart ? requests[Int(request)].due + Interval(ns: 2) : requests[Int(request)].due
      requests[Int(request)].due = requests[Int(request)].isProbe ? later(due, seldom(bus, Int(device), Int(request)), now) : .never
      countFailure(Int(device), failure.downReason, now, &findings)
    case .awaitingWrite(let device):
      count(failure, Int(device))
      let row = writeRow(bus)
      writes[row].attempts &+= 1
      buses[bus].restsUntil = now + rest(bus, Int(device))
      if writes[row].attempts >= Self.attemptsMax {
        finishWrite(bus, Int(device), worked: false, &findings)
      } else {
        devices[Int(device)].counters.retries &+= 1
      }
      countFailure(Int(device), failure.downReason, now, &findings)
    case .idle, .quarantine, .waking, .spoiled: break
    }
  }

  // MARK: Replies that come late
  //
  // RTU gives a reply no number: one that comes after its request was given up looks like the answer to the next request of the
  // same shape. A device answers in order, so what it owes comes first, and the answer behind it. While it owes something, an
  // answer that could be an owed one is not believed, and requests like it wait for what may follow: for two seconds, or a reply
  // time where the device has shown ten times that it loses replies and is not late with them. If a reply was found in between
  // (`late`), a debt is paid; if none was, they are lost, and what comes then is believed.

  /// How late a reply may come and still be reckoned with.
  @_noLocks @_noAllocation
  private func latest(_ reply: Interval) -> Interval { max(.seconds(2), reply * 4) }

  @_noLocks @_noAllocation
  private func owe(_ bus: Int, _ device: Int, _ request: Int, _ now: Instant) {
    guard buses[bus].kind.isRTU, hasLike(device, request) else { return }
    // Nothing came behind the last answer: what was owed before is lost.
    if devices[device].hasPaid { writeOff(device) }
    devices[device].owedRow = devices[device].owed == 0 || devices[device].owedRow == Int32(request) ? Int32(truncatingIfNeeded: request) : -1
    devices[device].owed &+= 1
    devices[device].owedAt = now
    devices[device].hasPaid = false
  }

  /// Whether the device is asked something else whose reply looks the same.
  @_noLocks @_noAllocation
  private func hasLike(_ device: Int, _ request: Int) -> Bool {
    for index in 0..<Int(devices[device].requestCount) {
      let row = Int(devices[device].firstRequest) &+ index
      if row != request, isLike(device, row, request) { return true }
    }
    return false
  }

  @_noLocks @_noAllocation
  private func isLike(_ device: Int, _ row: Int, _ request: Int) -> Bool {
    requests[row].modbus.looksLike(requests[request].modbus) && isAsked(device, row)
  }

  /// Whether the reply to this request may be one that the device owed.
  @_noLocks @_noAllocation
  private func isDoubtful(_ bus: Int, _ device: Int, _ request: Int, _ now: Instant) -> Bool {
    guard devices[device].owed > 0 else { return false }
    let row = Int(devices[device].owedRow)
    let isOtherShape = row >= 0 && !requests[row].modbus.looksLike(requests[request].modbus)
    // Behind an answer nothing came, or nothing for so long: it is lost.
    if devices[device].hasPaid || isOtherShape || now - devices[device].owedAt > latest(replyTime(bus, device, request)) {
      writeOff(device)
      return false
    }
    devices[device].hasPaid = true
    // What the same registers said a moment before is no lie.
    return row != request
  }

  @_noLocks @_noAllocation
  private func writeOff(_ device: Int) {
    devices[device].owed = 0
    devices[device].hasPaid = false
    devices[device].lost = min(devices[device].lost &+ 1, 1_000)
  }

  /// What looks like this request waits for what may still come behind its answer; itself, where it was not believed, a moment
  /// less, so that another that is never answered does not come between.
  @_noLocks @_noAllocation
  private func holdBack(_ bus: Int, _ device: Int, behind request: Int, _ now: Instant) {
    let reply = replyTime(bus, device, request)
    let wait = devices[device].lost < 10 ? latest(reply) : reply
    for index in 0..<Int(devices[device].requestCount) {
      let row = Int(devices[device].firstRequest) &+ index
      guard isLike(device, row, request) else { continue }
      requests[row].due = max(requests[row].due, now + (row == request ? Interval(ns: wait.ns &- 1_000_000) : wait))
    }
  }

  /// A whole reply of this unit came when nobody waited for one.
  @_noLocks @_noAllocation
  public func late(_ port: PortID, _ generation: Generation, unit: UInt8, at now: Instant) {
    let bus = Int(port.index)
    guard buses[bus].isOpen, buses[bus].generation.number == generation.number else { return }
    buses[bus].counters.lateReplies &+= 1
    for index in 0..<Int(buses[bus].deviceCount) {
      let device = Int(members[Int(buses[bus].firstDevice) &+ index])
      guard devices[device].unit == unit, devices[device].owed > 0 else { continue }
      // It is left alone for longer from now on; if it had been left alone for too short a time, twice as long.
      let known = max(devices[device].lateness, devices[device].replyWithin)
      devices[device].lateness = min(.seconds(2), devices[device].hasPaid ? known * 2 : known)
      devices[device].owed &-= 1
      devices[device].hasPaid = false
      devices[device].lost = 0
    }
  }

  /// How soon a request is due again. One that was not answered three times, and after which others like it have to wait, comes
  /// ten times less often, at least once a minute.
  @_noLocks @_noAllocation
  private func seldom(_ bus: Int, _ device: Int, _ request: Int) -> Interval {
    let period = requests[request].period
    guard requests[request].misses >= 3, !devices[device].isDown, buses[bus].kind.isRTU, hasLike(device, request) else { return period }
    return max(period, min(period * 10, .minutes(1)))
  }

  /// A late reply may still come, and is never taken for the next one. In frames of a device's own nothing says whose it is: for
  /// one reply time nobody is asked, and bytes are nobody's. On a Modbus bus the port tells units apart, so only this one is
  /// not asked. Over TCP replies have numbers.
  @_noLocks @_noAllocation
  func quarantine(_ bus: Int, _ device: Int, _ reply: Interval, _ now: Instant) {
    switch buses[bus].kind {
    case .serial, .hid:
      buses[bus].state = .quarantine
      buses[bus].until = now + reply
    case .modbusRTU:
      for index in 0..<Int(devices[device].requestCount) {
        let row = Int(devices[device].firstRequest) &+ index
        requests[row].due = max(requests[row].due, now + max(reply, devices[device].lateness))
      }
    case .modbusTCP: break
    }
  }

  @_noLocks @_noAllocation
  private func count(_ failure: RequestFailure, _ device: Int) {
    switch failure {
    case .timedOut, .notSent: devices[device].counters.timeOuts &+= 1
    case .badCheck: devices[device].counters.checkErrors &+= 1
    case .wrongReply: devices[device].counters.wrongReplies &+= 1
    }
  }
}

extension PortKind {
  var isRTU: Bool { @_noLocks @_noAllocation get { if case .modbusRTU = self { true } else { false } } }
}

extension Request.Carrier {
  /// How it stands before the bytes of a report for the port.
  public var number: UInt8 {
    @_noLocks @_noAllocation get {
      switch self {
      case .bytes: 0
      case .setFeature: 1
      case .getFeature: 2
      }
    }
  }
}

extension Addressing {
  /// How many bytes it takes.
  var width: Int {
    @_noLocks @_noAllocation get {
      switch self {
      case .prefix: 1
      case .digits(let count): count
      }
    }
  }

  @_noLocks @_noAllocation
  func byte(_ index: Int, of unit: UInt8) -> UInt8 {
    switch self {
    case .prefix(let base): return base &+ unit
    case .digits(let count):
      var digit = Int(unit)
      for _ in 0..<count &- 1 &- index { digit /= 10 }
      return 0x30 &+ UInt8(truncatingIfNeeded: digit % 10)
    }
  }
}

extension RequestFailure {
  var downReason: DownReason {
    @_noLocks @_noAllocation get {
      switch self {
      case .timedOut, .notSent: .silent
      case .badCheck, .wrongReply: .rejected
      }
    }
  }
}

extension FieldRow {
  /// Whether a reply to `asked` holds the whole field.
  @_noLocks @_noAllocation
  func isCovered(by asked: ModbusRequest) -> Bool {
    guard case .register(let table, let address) = location, table.readFunction == asked.function else { return false }
    let first = Int(asked.address)
    let end = first &+ Int(asked.count)
    return address >= first && address &+ addressCount(in: table) <= end
  }

  /// How many addresses of a Modbus table it takes.
  @_noLocks @_noAllocation
  private func addressCount(in table: RegisterTable) -> Int {
    if case .bits(let count) = type, table.isBits { return count }
    return (byteCount &+ 1) / 2
  }

  /// The raw number in the data of a reply that covers it.
  @_noLocks @_noAllocation
  func raw(inReplyTo asked: ModbusRequest, _ bytes: borrowing Table<UInt8>, data: Int) -> Double {
    guard isCovered(by: asked), case .register(let table, let address) = location else { return .nan }
    let distance = address &- Int(asked.address)
    let at = data &+ 2 &* distance
    switch type {
    case .bits(let count): return table.isBits ? bits(count, bytes, data, from: distance) : bits(count, inRegistersOf: bytes, at: at)
    case .u8, .i8: return raw(bytes, at: at &+ 1)
    default: return raw(bytes, at: at)
    }
  }
}
