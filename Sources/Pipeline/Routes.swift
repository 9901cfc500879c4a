// Who cares about which device: the way from a reading to lanes and rooms, and from a lane back to its relays. Flat
// lists grouped by device, made once.

import Devices
import Domain
import Rules

/// A contact of a lane on an input of a device.
struct ContactRoute: BitwiseCopyable {
  var lane: LaneID
  var contact: Contact
  var channel: UInt8
  var isOnWhenOpen: Bool
}

/// A contact of a room, by its place among all, on an input or a relay of a device.
struct RoomContactRoute: BitwiseCopyable {
  var contact: Int32
  var channel: UInt8
  var isOnWhenOpen: Bool
  var isRelay: Bool
}

/// A room that a device measures in.
struct RoomRoute: BitwiseCopyable {
  var room: RoomID
  /// Which of the room's CO2 sensors it is, or -1.
  var sensor: Int32 = -1
  var isTemperature = false
  var isHumidity = false
  var isAirflow = false

  init(room: RoomID) { self.room = room }
}

/// What hangs on one device.
struct DeviceRoute: BitwiseCopyable {
  /// The lane whose thermometer it is, or -1.
  var lane: Int32 = -1
  var firstContact: Int32 = 0
  var contactCount: Int32 = 0
  var firstBoardLane: Int32 = 0
  var boardLaneCount: Int32 = 0
  var firstSignalLane: Int32 = 0
  var signalLaneCount: Int32 = 0
  var firstHall: Int32 = 0
  var hallCount: Int32 = 0
  var firstReference: Int32 = 0
  var referenceCount: Int32 = 0
  /// The lane whose second thermometer it is, or -1.
  var secondLane: Int32 = -1
  var firstOutdoor: Int32 = 0
  var outdoorCount: Int32 = 0
  var firstIdentity: Int32 = 0
  var identityCount: Int32 = 0
  var firstRoom: Int32 = 0
  var roomCount: Int32 = 0
  var firstRoomContact: Int32 = 0
  var roomContactCount: Int32 = 0
}

/// A text of a device that tells who stands at a lane.
struct IdentityRoute: BitwiseCopyable {
  var lane: LaneID
  var field: UInt16
}

/// Where a lane's orders go; channel 0: nowhere.
struct LaneRoute: BitwiseCopyable {
  var gate = Wire(device: DeviceID(0), channel: 0)
  var lamp = Wire(device: DeviceID(0), channel: 0)
  var buzzer = Wire(device: DeviceID(0), channel: 0)
}

struct Routes: ~Copyable {
  let devices: Table<DeviceRoute>
  let contacts: Table<ContactRoute>
  /// Lanes by the board that moves their gate.
  let boardLanes: Table<LaneID>
  /// Lanes by the boards that light their lamp or sound their buzzer.
  let signalLanes: Table<LaneID>
  /// Lanes by the sensor of their hall, and by what sees their reference.
  let halls: Table<LaneID>
  let references: Table<LaneID>
  let outdoors: Table<LaneID>
  let identities: Table<IdentityRoute>
  let rooms: Table<RoomRoute>
  let roomContacts: Table<RoomContactRoute>
  let lanes: Table<LaneRoute>

  init(_ settings: PipelineSettings) {
    var devices: [DeviceRoute] = []
    var contacts: [ContactRoute] = []
    var boardLanes: [LaneID] = []
    var signalLanes: [LaneID] = []
    var halls: [LaneID] = []
    var references: [LaneID] = []
    var outdoors: [LaneID] = []
    var identities: [IdentityRoute] = []
    var rooms: [RoomRoute] = []
    var roomContacts: [RoomContactRoute] = []
    for index in settings.instruments.devices.indices {
      var route = DeviceRoute()
      route.firstContact = Int32(contacts.count)
      route.firstBoardLane = Int32(boardLanes.count)
      route.firstSignalLane = Int32(signalLanes.count)
      route.firstHall = Int32(halls.count)
      route.firstReference = Int32(references.count)
      route.firstOutdoor = Int32(outdoors.count)
      route.firstIdentity = Int32(identities.count)
      route.firstRoom = Int32(rooms.count)
      route.firstRoomContact = Int32(roomContacts.count)
      for (lane, plan) in settings.lanes.enumerated() {
        if Int(plan.thermometer.index) == index { route.lane = Int32(lane) }
        if let gate = plan.gate, Int(gate.device.index) == index { boardLanes.append(LaneID(lane)) }
        if [plan.lamp, plan.buzzer].contains(where: { $0.map { Int($0.device.index) == index } ?? false }) {
          signalLanes.append(LaneID(lane))
        }
        if let hall = plan.hall, Int(hall.index) == index { halls.append(LaneID(lane)) }
        if let reference = plan.reference, Int(reference.index) == index { references.append(LaneID(lane)) }
        if let second = plan.second, Int(second.index) == index { route.secondLane = Int32(lane) }
        if let outdoor = plan.outdoor, Int(outdoor.index) == index { outdoors.append(LaneID(lane)) }
        if let identity = plan.identity, Int(identity.device.index) == index {
          identities.append(IdentityRoute(lane: LaneID(lane), field: identity.field))
        }
        for (contact, wire) in plan.contacts where Int(wire.device.index) == index {
          contacts.append(ContactRoute(lane: LaneID(lane), contact: contact, channel: wire.channel, isOnWhenOpen: wire.isOnWhenOpen))
        }
      }
      var place: Int32 = 0
      for (room, plan) in settings.rooms.enumerated() {
        rooms += Self.rooms(RoomID(room), plan, DeviceID(index))
        for contact in plan.contacts {
          if contact.wire.device.index == DeviceID(index).index {
            roomContacts.append(
              RoomContactRoute(
                contact: place, channel: contact.wire.channel, isOnWhenOpen: contact.wire.isOnWhenOpen, isRelay: contact.isRelay))
          }
          place += 1
        }
      }
      route.contactCount = Int32(contacts.count) - route.firstContact
      route.boardLaneCount = Int32(boardLanes.count) - route.firstBoardLane
      route.signalLaneCount = Int32(signalLanes.count) - route.firstSignalLane
      route.hallCount = Int32(halls.count) - route.firstHall
      route.referenceCount = Int32(references.count) - route.firstReference
      route.outdoorCount = Int32(outdoors.count) - route.firstOutdoor
      route.identityCount = Int32(identities.count) - route.firstIdentity
      route.roomCount = Int32(rooms.count) - route.firstRoom
      route.roomContactCount = Int32(roomContacts.count) - route.firstRoomContact
      devices.append(route)
    }
    self.devices = Table(devices, filler: DeviceRoute())
    self.contacts = Table(contacts, filler: ContactRoute(lane: LaneID(0), contact: .passage, channel: 0, isOnWhenOpen: false))
    self.boardLanes = Table(boardLanes, filler: LaneID(0))
    self.signalLanes = Table(signalLanes, filler: LaneID(0))
    self.halls = Table(halls, filler: LaneID(0))
    self.references = Table(references, filler: LaneID(0))
    self.outdoors = Table(outdoors, filler: LaneID(0))
    self.identities = Table(identities, filler: IdentityRoute(lane: LaneID(0), field: 0))
    self.rooms = Table(rooms, filler: RoomRoute(room: RoomID(0)))
    self.roomContacts = Table(roomContacts, filler: RoomContactRoute(contact: 0, channel: 0, isOnWhenOpen: false, isRelay: false))
    lanes = Table(
      settings.lanes.map { plan in
        let nowhere = Wire(device: DeviceID(0), channel: 0)
        return LaneRoute(gate: plan.gate ?? nowhere, lamp: plan.lamp ?? nowhere, buzzer: plan.buzzer ?? nowhere)
      }, filler: LaneRoute())
  }

  /// What a device is to a room: one route, or none.
  private static func rooms(_ room: RoomID, _ plan: RoomPlan, _ device: DeviceID) -> [RoomRoute] {
    var route = RoomRoute(room: room)
    if let sensor = plan.co2.firstIndex(where: { $0.index == device.index }) { route.sensor = Int32(sensor) }
    route.isTemperature = plan.temperature?.index == device.index
    route.isHumidity = plan.humidity?.index == device.index
    route.isAirflow = plan.airflow?.index == device.index
    return route.sensor >= 0 || route.isTemperature || route.isHumidity || route.isAirflow ? [route] : []
  }
}
