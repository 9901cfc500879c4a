// Which one it is: where settings name a device's own serial number, nothing that another one says is believed. The device is
// asked for its number before anything else when its port was opened, and again when it was silent; as long as the answer is
// owed, or is another's, it is asked nothing else, told nothing, and no order goes to it.

import Domain

/// Whether a device is the one that settings mean.
enum Recognition: BitwiseCopyable {
  /// They name no serial number.
  case anyone
  /// It has not said yet which one it is.
  case unread
  case right
  /// It was, and a reply stayed out: who answers next may be another.
  case doubted
  /// Another one answers in its place. It is down for that reason.
  case wrong
}

/// What a reply says of who gave it.
enum Admission: BitwiseCopyable { case admitted, wrong, unsaid }

extension Instruments {
  /// The row of the field that tells its serial number; -1: any device will do.
  @_noLocks @_noAllocation
  func serialRow(_ device: Int) -> Int {
    let field = Int(devices[device].serialNumber)
    return field < 0 ? -1 : Int(devices[device].firstField) &+ field
  }

  /// Nothing but its serial number is to be asked first.
  @_noLocks @_noAllocation
  func isSure(_ device: Int) -> Bool {
    switch devices[device].recognition {
    case .anyone, .right: true
    case .unread, .doubted, .wrong: false
    }
  }

  /// It may be told what to do.
  @_noLocks @_noAllocation
  func isBelieved(_ device: Int) -> Bool {
    switch devices[device].recognition {
    case .anyone, .right, .doubted: true
    case .unread, .wrong: false
    }
  }

  /// Another one may have taken its place. A recording may begin when the device was known.
  @_noLocks @_noAllocation
  func forgetWho(_ device: Int) {
    guard devices[device].serialNumber >= 0 else { return }
    devices[device].recognition = buses[Int(devices[device].port)].isFollowing ? .right : .unread
  }

  /// A reply stayed out: who it is comes first in its next turn.
  @_noLocks @_noAllocation
  func doubtWho(_ device: Int) {
    switch devices[device].recognition {
    case .right, .doubted: break
    case .anyone, .unread, .wrong: return
    }
    guard !buses[Int(devices[device].port)].isFollowing else { return }
    devices[device].recognition = .doubted
    var due = Instant.never
    let first = Int(devices[device].firstRequest)
    for row in first..<first &+ Int(devices[device].requestCount) { due = min(due, requests[row].due) }
    for row in first..<first &+ Int(devices[device].requestCount) where requests[row].asksWho { requests[row].due = due }
  }

  /// Who gave this reply of a Modbus device, which `keep` has stored; what another one says of itself is told all the same.
  @_noLocks @_noAllocation
  func admission(_ device: Int, _ asked: ModbusRequest, data: Int, _ now: Instant, _ findings: inout Findings) -> Admission {
    let row = serialRow(device)
    guard row >= 0 else { return .admitted }
    guard fields[row].isCovered(by: asked), case .register(_, let address) = fields[row].location else {
      return isSure(device) ? .admitted : .unsaid
    }
    let start = data &+ 2 &* (address &- Int(asked.address))
    if isMeant(device, row, from: start, count: fields[row].byteCount) { return .admitted }
    let field = Int(devices[device].serialNumber)
    if fields[row].type.isText {
      tell(device, field, from: start, count: fields[row].byteCount, &findings)
    } else {
      report(device, field, now, &findings)
    }
    return .wrong
  }

  /// The same of a frame, which `store` has stored.
  @_noLocks @_noAllocation
  func admission(
    _ bus: Int, _ device: Int, _ frame: Int, _ base: Int, _ length: Int, _ request: Int, _ now: Instant, _ findings: inout Findings
  ) -> Admission {
    let row = serialRow(device)
    guard row >= 0 else { return .admitted }
    guard serials[row] == buses[bus].serial, isClaimed(bus, device, row, by: request) else {
      return isSure(device) ? .admitted : .unsaid
    }
    let frameRow = Int(devices[device].firstFrame) &+ frame
    let place = textPlace(row, frameRow, base, length)
    if isMeant(device, row, from: place.start, count: place.count) { return .admitted }
    let field = Int(devices[device].serialNumber)
    if fields[row].type.isText {
      tell(device, field, frameRow, base, length, &findings)
    } else {
      report(device, field, now, &findings)
    }
    return .wrong
  }

  /// Whether the number, or the text without the blanks and zeros behind it, is the one that settings name.
  @_noLocks @_noAllocation
  private func isMeant(_ device: Int, _ row: Int, from start: Int, count: Int) -> Bool {
    let match = Int(devices[device].serialMatch)
    var isSame = false
    if matches[match].count < 0 {
      isSame = raws[row] == matches[match].number
    } else {
      var length = count
      while length > 0, buffers[start &+ length &- 1] == 0 || buffers[start &+ length &- 1] == 0x20 { length &-= 1 }
      isSame = length == Int(matches[match].count)
      var index = 0
      while isSame, index < length {
        isSame = buffers[start &+ index] == constants[Int(matches[match].firstByte) &+ index]
        index &+= 1
      }
    }
    if isSame { devices[device].recognition = .right }
    return isSame
  }

  /// A reply that is not believed: of another device, or one that does not say whose it is.
  @_noLocks @_noAllocation
  func disown(_ device: Int, _ admission: Admission, _ now: Instant, _ findings: inout Findings) {
    guard case .wrong = admission else {
      countFailure(device, .rejected, now, &findings)
      return
    }
    var isSaid = false
    if case .wrong = devices[device].recognition { isSaid = true }
    if !isSaid {
      // It may be down already, for another reason.
      devices[device].isDown = false
      fall(device, .wrongDevice, &findings)
    }
    devices[device].recognition = .wrong
    countFailure(device, .wrongDevice, now, &findings)
  }
}
