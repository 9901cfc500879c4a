// What no single key can tell: two things on one wire, devices that nobody uses, a person with a fever and no room to wait
// in. Problems make a site that cannot work or is not safe; warnings tell what it cannot do.

import Devices
import Domain
import Rules

/// One wire of one device, and the key that took it first.
struct Claim {
  enum Kind: String { case relay, input, thermometer, scanner }
  var kind: Kind
  var device: DeviceID
  var channel: UInt8
  var path: String
  var isOnWhenOpen: Bool
}

extension SettingsReader {
  /// Takes a wire for one key. A fire alarm's contact may release every gate of a site; nothing else is shared.
  func claim(_ kind: Claim.Kind, _ device: DeviceID, _ channel: UInt8, _ entry: Entry, isOnWhenOpen: Bool = false) {
    let same = claims.first { $0.kind == kind && $0.device.index == device.index && $0.channel == channel }
    claims.append(Claim(kind: kind, device: device, channel: channel, path: entry.path, isOnWhenOpen: isOnWhenOpen))
    guard let same else { return }
    let name = deviceNames[Int(device.index)]
    let isWhole = kind == .thermometer || kind == .scanner
    let what = isWhole ? name : "\(kind.rawValue) \(channel) of \(name)"
    if kind == .input, entry.path.hasSuffix(".fire_release"), same.path.hasSuffix(".fire_release") {
      if same.isOnWhenOpen != isOnWhenOpen {
        entry.note("\(what) is on when \(same.isOnWhenOpen ? "open" : "closed") in \(same.path), expected the same here")
      }
      return
    }
    entry.note("\(what) is \(same.path) already, expected another \(kind.rawValue)")
  }

  /// Two buses on one cable would take each other's bytes.
  func checkLinks(_ buses: [(name: String, value: Entry)], _ ports: [PortSettings?]) {
    var first: [String: String] = [:]
    for (index, bus) in buses.enumerated() {
      // What is wrong itself may be what sits here.
      let isUsed = devices.contains { $0.map { Int($0.port.index) == index } ?? true }
      if !isUsed { bus.value.warn("no device is on this bus") }
      guard let link = ports[index]?.link else { continue }
      let place =
        switch link {
        case .serial(let place, _), .modbusRTU(let place, _): place.text
        case .hid(let match, _): match.text
        case .modbusTCP(let host, let number): "\(host.lowercased()):\(number)"
        }
      if let other = first[place] {
        bus.value.note("\(place) is the bus \(other) already, expected one bus with all its devices")
      } else {
        first[place] = bus.name
      }
    }
  }

  func checkUse(_ entries: [(name: String, value: Entry)]) {
    for (index, entry) in entries.enumerated() where devices[index] != nil && !used.contains(index) {
      entry.value.warn("no lane and no room uses this device: its readings are logged and nothing else")
    }
  }

  /// An event's source is the site and one name.
  func checkNames(_ groups: [(what: String, entries: [(name: String, value: Entry)])]) {
    var first: [String: String] = ["log": "the log"]
    for group in groups {
      for entry in group.entries {
        if let other = first[entry.name] {
          entry.value.warn("events cannot tell this \(group.what) from \(other) of the same name")
        } else {
          first[entry.name] = "the \(group.what)"
        }
      }
    }
  }

  func checkPlaces(_ top: Entry, desk: Entry?, lanes: [LaneWiring?], rooms: [RoomLayout?]) {
    if lanes.isEmpty, rooms.isEmpty { top.warn("there is no lane and no room: readings are logged and nothing else") }
    if lanes.isEmpty, !rooms.isEmpty {
      desk?.warn("there is no lane and so no lamp or buzzer: alarms of rooms are seen only in the log and in gatehouse status")
    }
    if !lanes.isEmpty, !rooms.contains(where: { $0.map { $0.kind == .isolation } ?? true }) {
      top.warn("no room is of kind isolation: a person with a fever has no place to wait apart from others")
    }
  }

  /// A site that is opened by command needs what the opening asks for; items and isolation rooms are attested by one name.
  func checkOpening(_ top: Entry, _ opening: Opening?, checklist: [ChecklistItem?], rooms: [RoomLayout?]) {
    let items = checklist.compactMap(\.self).map(\.name)
    let isolation = rooms.compactMap(\.self).filter { $0.kind == .isolation }.map(\.name)
    for name in items where isolation.contains(name) {
      top.note("found the item \(name) in the checklist and an isolation room of that name, expected another name: both are attested by it")
    }
    if items.count + isolation.count > 255 { top.note("found \(items.count + isolation.count) items and isolation rooms, expected 255 at most") }
    guard opening == .byCommand else {
      if !items.isEmpty { top.warn("site.opening is always: nothing asks for the checklist before people are admitted") }
      return
    }
    if isolation.isEmpty, !rooms.contains(where: { $0 == nil }) {
      top.note("site.opening is by_command and no room is of kind isolation: the site could never be opened; expected one")
    }
  }

  /// What a lane's gate cannot do, in words.
  func warnOfGate(_ lane: LaneWiring, _ entry: Entry) {
    guard let gate = lane.gate else { return }
    if lane.fireRelease == nil {
      entry.warn("the gate has no fire_release: a fire alarm cannot open it, so there must be another way out")
    }
    if lane.staffButton == nil { entry.warn("the gate has no staff_button: staff open it only by command") }
    if lane.readBack == nil { entry.warn("the gate has no read_back: a gate that is jammed or held open is not noticed") }
    guard let board = devices[Int(gate.device.index)] else { return }
    let units = board.profile.writes.compactMap { write -> Interval? in
      if case .pulse(_, let count, let unit) = write.kind, gate.number <= count { unit } else { nil }
    }
    guard let unit = units.first else {
      entry.warn("\(board.name) cannot end a pulse by itself: a gate that is open when Gatehouse stops stays open")
      return
    }
    let longest = Double(unit.ns) * 0x7FFF / 1e9
    if lane.openFor.seconds > longest || lane.openFor < unit {
      let range = "\(shortest(unit.seconds)) to \(shortest(longest)) s"
      entry.note("open_s is \(shortest(lane.openFor.seconds)), expected \(range), the pulses of \(board.name)")
    }
  }
}
