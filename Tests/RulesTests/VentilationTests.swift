// Goal: a ventilation is seen to begin and end by each of its signs, lasts as long as it did, and CO2 says what it came to.
// Method: a room's day in lines.

import Domain
import Testing

@testable import Rules

private func happened(_ text: String, contacts: [RoomContact] = [], sensors: Int = 1) -> [String] {
  var day = RoomDay(sensors: sensors, contacts: contacts, hours: nil)
  return day.play(text)
}

@Suite struct VentilationTests {
  /// Four air changes an hour take 1,575 ppm to 29 in an hour.
  @Test func aWindowThatIsOpenIsAVentilationAndCO2SaysHowGood() {
    var day = RoomDay(contacts: [.window], hours: nil)
    let words = day.play("09:00 co2 2000\n09:30 window open\n09:30 co2 falls 4\n10:35 window shut\n10:50 end")
    #expect(words.contains("09:30 window began"), "\(words)")
    #expect(words.contains { $0.hasPrefix("10:40 window ended after 65 effective") }, "\(words)")
    let run = day.ended[0]
    #expect(abs(run.airChanges - 4) < 0.1 && run.airChangesError < 0.2, "\(run)")
    #expect(abs(run.startPpm - 2000) < 30 && run.endPpm < 480)
    #expect(day.ventilated(sinceMinutesAgo: 600).rounded() == 65)
    #expect(day.ventilated(sinceMinutesAgo: 30).rounded() == 15, "only the part since then")
    #expect(day.ventilated(sinceMinutesAgo: 600, effective: true).rounded() == 65)
  }

  @Test func aWindowThatHelpsLittleIsDoneAndNotEffective() {
    let words = happened("09:00 co2 2000\n09:30 window open\n09:30 co2 falls 0.5\n10:35 window shut\n10:50 end", contacts: [.window])
    #expect(words.contains { $0.hasSuffix("window ended after 65 ineffective") }, "\(words)")
  }

  /// An empty room as outdoors gives no evidence: the contact stands alone, and the record says so.
  @Test func aRoomAsOutdoorsProvesNothing() {
    let words = happened("09:00 co2 430\n09:30 window open\n10:35 window shut\n10:50 end", contacts: [.window])
    #expect(words.contains { $0.hasSuffix("window ended after 65 not_verified") }, "\(words)")
  }

  @Test(arguments: [(4, 1), (6, 2)]) func gapsUpToFiveMinutesAreBridged(gap: Int, ventilations: Int) {
    let words = happened(
      "09:00 co2 430\n09:30 window open\n10:00 window shut\n10:0\(gap) window open\n10:30 window shut\n10:45 end", contacts: [.window])
    #expect(words.count { $0.hasSuffix("window began") } == ventilations, "\(words)")
  }

  @Test func aFanAndAPersonsWordAreSigns() {
    #expect(happened("09:00 fan on\n09:30 fan off\n09:40 end", contacts: [.fan]).contains { $0.contains("fan ended after 30") })
    let words = happened("09:00 co2 430\n09:01 declare begin\n09:31 declare end\n09:50 declare end\n10:00 end")
    #expect(words.contains("09:31 declared ended after 30 not_verified"), "\(words)")
    #expect(words.contains("09:50 refused nothing_declared"), "\(words)")
  }

  @Test func cO2AloneShowsThatARoomIsAired() {
    var day = RoomDay(hours: nil)
    let words = day.play("09:00 co2 1800\n09:30 co2 falls 4\n12:00 end")
    #expect(words.contains { $0.hasSuffix("co2 began") }, "\(words)")
    #expect(day.ended.count == 1 && day.ended[0].effect == .effective, "\(words)")
    #expect(day.ended[0].minutes >= 59 && day.ended[0].minutes < 70, "it carries an hour, not the morning: \(day.ended)")
    #expect(abs(day.ended[0].airChanges - 4) < 0.2, "\(day.ended)")
  }

  /// People leave, nobody opens a window: CO2 falls by what leaks, which is no ventilation.
  @Test func aLeakIsNone() {
    var day = RoomDay(hours: nil)
    let words = day.play("09:00 co2 2000\n09:30 co2 falls 0.4\n12:00 end")
    #expect(!words.contains { $0.hasSuffix(" effective") }, "\(words)")
    #expect(day.ventilated(sinceMinutesAgo: 180) == 0)
  }

  @Test func steadyAndRisingAirIsNone() {
    #expect(happened("09:00 co2 1200\n10:00 co2 rises 5\n12:00 end").filter { $0.contains("began") } == [])
  }

  /// Nobody airs a room for less than ten seconds, and a contact bounces.
  @Test func aContactThatBouncesIsNotBelieved() {
    var day = RoomDay(contacts: [.window], hours: nil)
    day.play("09:00 co2 430\n09:30 end")
    let words = day.play("09:30 window open\n09:30 window shut\n09:40 end")
    #expect(words == [], "\(words)")
  }

  @Test func whatWasNotSeenIsNotCounted() {
    // A quarter of an hour unseen is more than a fifth of the hour.
    let words = happened("09:00 window open\n09:30 window silent\n09:46 window open\n10:20 window shut\n10:30 end", contacts: [.window])
    #expect(words.count { $0.hasSuffix("window began") } == 2, "\(words)")
    // Ten minutes are less: it is one, and ten minutes of it are told as unknown.
    var day = RoomDay(contacts: [.window], hours: nil)
    let whole = day.play("09:00 window open\n09:30 window silent\n09:40 window open\n10:20 window shut\n10:30 end")
    #expect(whole.count { $0.hasSuffix("window began") } == 1, "\(whole)")
    #expect(day.ended[0].unknownMinutes > 8 && day.ended[0].unknownMinutes < 13, "\(day.ended)")
  }

  @Test func aDecayWithPeopleInIsNotFitted() {
    var day = RoomDay(contacts: [.window], hours: nil)
    day.play("09:00 co2 2000\n09:20 people 20\n09:30 window open\n09:30 co2 falls 4\n10:35 window shut\n10:50 end")
    #expect(day.ended[0].airChanges.isNaN)
    #expect(day.ended[0].effect == .effective, "with people in, air near outdoors is proof")
  }

  /// A decay with a hole in it is none, and the one after it is fitted.
  @Test func aRestartInADecayBeginsANewOne() {
    var day = RoomDay(contacts: [.window], hours: nil)
    day.play("08:00 co2 1500\n09:00 window open\n09:00 co2 falls 1\n09:20 restart 1\n09:24 end")
    #expect(day.told?.airChanges.isNaN == true && day.told?.before == .high, "\(String(describing: day.told))")
    let words = day.play("10:14 window shut\n10:30 end")
    #expect(abs(day.ended[0].airChanges - 1) < 0.1 && day.ended[0].effect == .ineffective, "\(words) \(day.ended)")
    // A decay that was over before keeps what it showed.
    var over = RoomDay(contacts: [.window], hours: nil)
    over.play("08:00 co2 1500\n09:00 window open\n09:00 co2 falls 4\n09:45 restart 1\n10:14 window shut\n10:30 end")
    #expect(abs(over.ended[0].airChanges - 4) < 0.1, "\(over.ended)")
  }

  /// What the site is told: how the air was, and what came of it.
  @Test(arguments: [
    ("430", "falls 0", AirBefore.fresh, VentilationEffect.notVerified), ("600", "falls 0", .unclear, .ineffective),
    ("2000", "falls 4", .high, .effective), ("2000", "falls 0.5", .high, .ineffective),
  ])
  func theSiteIsToldHowTheAirWas(ppm: String, falls: String, before: AirBefore, effect: VentilationEffect) {
    var day = RoomDay(contacts: [.window], hours: nil)
    day.play("09:00 co2 \(ppm)\n09:30 window open\n09:30 co2 \(falls)\n10:35 end")
    #expect(day.told?.before == before && day.told?.effect == effect, "\(String(describing: day.told))")
  }

  // MARK: Somebody's word

  @Test func aWordThatNobodyTakesBackRunsOut() {
    var day = RoomDay(contacts: [])
    let words = day.play("07:30 co2 430\n09:00 declare begin\n2 19:00 end")
    #expect(words.filter { $0.contains("declared") } == ["09:00 declared began", "10:05 declared ended after 65 not_verified"], "\(words)")
    #expect(words.contains("18:00 afternoon missed") && words.contains("12:00 morning met"), "\(words)")
  }

  /// Said again, it goes on; across a restart too; and it ends with work.
  @Test func aWordIsGoodUntilWorkEnds() {
    var day = RoomDay(contacts: [])
    let words = day.play("07:30 co2 430\n16:00 declare begin\n16:50 declare begin\n17:10 restart 1\n17:40 declare begin\n19:00 end")
    #expect(words.filter { $0.contains("declared ended") } == ["18:00 declared ended after 120 not_verified"], "\(words)")
    #expect(day.play("19:10 declare begin\n19:40 end").last == "19:10 declared began")
  }

  @Test func aWordOpensNoWindowThatIsSeenToBeShut() {
    var day = RoomDay(contacts: [.window])
    let words = day.play("07:30 co2 1200\n09:00 declare begin\n12:30 end")
    #expect(!words.contains { $0.contains("began") } && words.contains("12:00 morning missed"), "\(words)")
    var silent = RoomDay(contacts: [.window])
    #expect(silent.play("07:30 co2 430\n08:50 window silent\n09:00 declare begin\n09:10 end").contains("09:00 declared began"))
  }

  /// A morning aired by the window, one aired too short, one not at all, and an afternoon of bad air and a session.
  static let days = [
    "07:30 co2 2000\n08:00 window open\n08:00 co2 falls 4\n09:05 window shut\n12:30 end",
    "07:30 co2 2000\n08:00 window open\n08:00 co2 falls 4\n08:40 window shut\n12:30 end",
    "07:30 co2 600\n12:30 end",
    "13:00 co2 900\n13:10 session start\n13:10 co2 rises 20\n14:30 session end\n14:32 window open\n14:32 co2 falls 5\n16:00 window shut\n18:30 end",
  ]

  @Test(arguments: days) func inputsLostLateOrDoubledChangeNoVerdict(_ text: String) {
    /// Without times and numbers: what is late is late, and a minute less is one.
    func words(_ happened: [String]) -> [String] {
      happened.map { line in line.split(separator: " ").filter { !$0.contains { $0.isNumber } }.joined(separator: " ") }
    }
    var plain = RoomDay(contacts: [.window])
    let wanted = words(plain.play(text))
    #expect(!plain.judged.isEmpty && wanted.contains { $0.hasPrefix("morning") || $0.hasPrefix("raised") }, "\(wanted)")
    var doubled = RoomDay(contacts: [.window])
    doubled.doubles = true
    #expect(words(doubled.play(text)) == wanted)
    var late = RoomDay(contacts: [.window])
    late.isLate = true
    #expect(words(late.play(text)) == wanted)
    // Not each second: what is left of the flicker would be a sensor that is stuck.
    for every in [3, 5, 7] {
      var lossy = RoomDay(contacts: [.window])
      lossy.losesEvery = every
      #expect(words(lossy.play(text)) == wanted, "each \(every) is lost")
    }
    #expect(plain.judged.map(\.verdict) == doubled.judged.map(\.verdict) && plain.judged.map(\.verdict) == late.judged.map(\.verdict))
  }

  @Test func allInputsTwiceChangeNothing() {
    let text = "09:00 co2 2000\n09:30 window open\n09:30 co2 falls 4\n10:35 window shut\n10:50 end"
    var once = RoomDay(contacts: [.window], hours: nil)
    var twice = RoomDay(contacts: [.window], hours: nil)
    twice.doubles = true
    let (first, second) = (once.play(text), twice.play(text))
    #expect(first == second && once.ended[0].airChanges == twice.ended[0].airChanges)
  }
}
