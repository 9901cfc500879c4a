// Goal: who is in a room is counted, told or not known; too many are an alarm; and fresh air for each, crowding and bad sensors
// are told apart. Method: a room's day in lines.

import Domain
import Testing

@testable import Rules

private var seats20: RoomSettings {
  var room = RoomDay.room
  room.capacity = 20
  return room
}

@Suite struct PeopleTests {
  @Test func moreThanARoomIsForIsAnAlarmAfterTwoMinutes() {
    var day = RoomDay(seats20)
    let words = day.play("07:00 co2 600\n08:00 people 21\n08:01 people 20\n08:10 people 21\n08:30 people 5\n08:40 end")
    #expect(words.filter { $0.contains("over_capacity") } == ["08:12 raised over_capacity", "08:32 cleared over_capacity"], "\(words)")
  }

  @Test func theDoorCounts() {
    var day = RoomDay(contacts: [.wayIn, .wayOut])
    day.play("07:00 co2 600\n08:05 in\n08:06 in\n08:07 out\n08:10 end")
    #expect(day.air.occupants == 1)
    // After a restart nobody knows who passed meanwhile, until somebody counts.
    day.play("08:11 restart 1\n08:15 in\n08:20 end")
    #expect(day.air.occupants.isNaN)
    day.play("08:21 people 3\n08:22 in\n08:25 end")
    #expect(day.air.occupants == 4)
  }

  /// 20 people in 180 m3 at 30 m3/h each: steady at 425 + 564 ppm with 0.0047 L/s; at 15 m3/h twice as far above.
  @Test(arguments: [(989.0, 30.0, false), (1553, 15, true)]) func freshAirFromTheBalance(ppm: Double, expected: Double, isBad: Bool) {
    var day = RoomDay()
    let words = day.play("08:30 people 20\n08:30 co2 \(ppm)\n09:30 end")
    #expect(abs(day.air.freshAir - expected) < 0.5, "\(day.air)")
    #expect(day.air.freshAirError > 0.2 * expected && day.air.freshAirError < 0.3 * expected)
    #expect(words.contains { $0.contains("raised fresh_air") } == isBad, "\(words)")
  }

  /// What 30 people breathe out stays in the room, and more: no air comes in, and that is an alarm, not a value that is unknown.
  @Test func aSealedRoomIsAnAlarm() {
    var day = RoomDay()
    let words = day.play("08:00 co2 600\n09:00 people 30\n09:01 co2 rises 61\n09:50 end")
    #expect(day.air.freshAir == 0 && day.air.freshAirError >= 0, "\(day.air)")
    #expect(words.contains { $0.contains("raised fresh_air") }, "\(words)")
  }

  /// Air near outdoors with people in gives no value, and shows all the same that much comes in.
  @Test func aVeryFreshRoomClears() {
    var day = RoomDay()
    let words = day.play("08:00 co2 1553\n08:30 people 20\n09:30 co2 500\n10:30 end")
    #expect(day.air.freshAir.isNaN, "\(day.air)")
    #expect(words.contains { $0.contains("raised fresh_air") } && words.contains { $0.contains("cleared fresh_air") }, "\(words)")
    // As near, but only because it has just begun: nothing is known.
    var young = RoomDay()
    young.play("08:30 people 60\n08:30 co2 430\n08:31 co2 rises 20\n08:35 end")
    #expect(!young.happened.contains { $0.contains("fresh_air") })
  }

  @Test func tooManyAreNoMoreWhenTheSessionEnds() {
    var day = RoomDay(seats20, hours: nil)
    let words = day.play("08:00 co2 600\n09:00 session start\n09:00 people 40\n10:00 session end\n12:00 end")
    #expect(words.filter { $0.contains("over_capacity") } == ["09:02 raised over_capacity", "10:02 cleared over_capacity"], "\(words)")
  }

  @Test func tooManyAreNoMoreTheNextMorning() {
    var day = RoomDay(seats20)
    let words = day.play("08:10 co2 600\n17:00 people 40\n1 09:00 end")
    #expect(words.filter { $0.contains("over_capacity") } == ["17:02 raised over_capacity", "1 08:02 cleared over_capacity"], "\(words)")
  }

  /// Before the steady state CO2 is low and rises: taken for steady it would say far too much air.
  @Test func aRisingRoomIsNotTakenForAnAiredOne() {
    var day = RoomDay()
    // 20 people without any air: 338 m3/h · 1e-3 of CO2 in 180 m3 are 31 ppm a minute.
    day.play("08:29 people 20\n08:29 co2 500\n08:30 co2 rises 29\n08:47 end")
    #expect(day.air.freshAir < 15, "\(day.air)")
  }

  @Test func nobodyInOrNobodyCountedIsNoFreshAir() {
    var day = RoomDay()
    day.play("07:00 co2 1500\n07:40 end")
    #expect(day.air.freshAir.isNaN)
  }

  @Test func crowdingIsToldFromBadAirAndBadSensors() {
    var day = RoomDay(seats20)
    day.play("07:30 co2 600\n08:00 people 10\n08:10 end")
    #expect(day.air.cause == .none)
    day.play("08:10 co2 1200\n08:30 end")
    #expect(day.air.cause == .ventilation)
    day.play("08:31 people 30\n08:40 end")
    #expect(day.air.cause == .crowding)
    day.play("08:41 co2 100\n08:55 end")
    #expect(day.air.cause == .sensor, "\(day.air)")
  }

  @Test func rebreathedAirIsTold() {
    var day = RoomDay()
    day.play("08:00 co2 805\n08:30 end")
    #expect(abs(day.air.rebreathed - 0.01) < 1e-4)
  }
}
