// Goal: what a board's inputs say of a room's windows reaches the room's rules, commands are answered by them, and what the site
// forbids stays forbidden. Method: a whole door in virtual time, with a room on its board; minutes instead of hours.

import Domain
import Pipeline
import Rules
import Testing

private let room = RoomID(0)
/// Input 6 of the board.
private let window: UInt8 = 1 << 5

private func door(holds: Bool = false, isOnWhenOpen: Bool = false) -> DoorInVirtualTime {
  DoorInVirtualTime { site in
    var settings = RoomSettings(policy: AirPolicy(), volume: 60)
    settings.policy.holdsSessions = holds
    settings.policy.ventilationFor = .minutes(3)
    settings.policy.bridge = .seconds(30)
    settings.isExcepted = true
    site.rooms = [
      RoomPlan(
        settings: settings, co2: [],
        contacts: [(.window, Wire(device: DeviceID(1), channel: 6, isOnWhenOpen: isOnWhenOpen), false)])
    ]
  }
}

extension DoorInVirtualTime {
  fileprivate var ventilations: [String] {
    events.compactMap { event in
      switch event.body {
      case .ventilationBegan(let run): "began \(run.method.name)"
      case .ventilationEnded(let run): "ended \(Int(run.minutes.rounded()))"
      case .ventilationJudged(let fact): "\(fact.slot.name) \(fact.verdict.name)"
      case .sessionBegan: "session began"
      case .sessionEnded: "session ended"
      default: nil
      }
    }
  }

  fileprivate mutating func ask(_ action: Action, claimed: String = "Li Na") -> String {
    switch command(action, claimed: claimed) {
    case .done?: "done"
    case .refused(let refusal)?: refusal.name
    case .refusedFor(let refusal, .minutes(let minutes))?: "\(refusal.name) \(minutes)"
    case .refusedFor(let refusal, _)?: refusal.name
    case nil: "no answer"
    }
  }
}

@Suite struct VentilationTests {
  @Test func aWindowsContactIsAVentilation() {
    var door = door()
    door.live(30)
    #expect(door.ventilations == [])
    door.inputs = window
    door.live(240)
    door.inputs = 0
    door.live(120)
    #expect(door.ventilations == ["began window", "ended 4"])
  }

  /// A contact that closes with its window: open is on.
  @Test func aContactThatOpensWithItsWindow() {
    var door = door(isOnWhenOpen: true)
    door.live(240)
    door.inputs = window
    door.live(120)
    #expect(door.ventilations == ["began window", "ended 4"])
  }

  /// A board that is silent tells nothing of its windows: the ventilation goes on only as far as it was seen.
  @Test func aBoardThatIsSilentTellsNothing() {
    var door = door()
    door.inputs = window
    door.live(90)
    door.boardAnswers = false
    door.live(400)
    #expect(door.ventilations == ["began window", "ended 1"], "\(door.ventilations)")
  }

  @Test func somebodyMustAnswerForAVentilation() {
    var door = door()
    // Nobody's word opens a window that is seen to be shut: this board does not answer.
    door.boardAnswers = false
    door.live(90)
    #expect(door.ask(.ventilation(room, begins: true), claimed: "") == "who_and_why_required")
    #expect(door.ask(.ventilation(room, begins: true)) == "done")
    #expect(door.ventilations == ["began declared"])
    #expect(door.ask(.ventilation(RoomID(7), begins: true)) == "unknown_room")
    #expect(door.ask(.occupants(RoomID(7), 3)) == "unknown_room")
  }

  /// Forty rooms, and a clock that comes from a week behind: all slots are told, and none is lost.
  @Test func manyRoomsTellAWeekOfSlots() {
    var door = DoorInVirtualTime { site in
      site.hours = Hours(days: 0b111_1111, start: 0, noon: 12 * 3600, end: 24 * 3600)
      site.rooms = (0..<40).map { _ in
        var settings = RoomSettings(policy: AirPolicy(), volume: 60)
        settings.isJudged = true
        return RoomPlan(settings: settings, co2: [])
      }
    }
    door.live(5)
    door.wallShift = 7 * 86_400 * 1_000_000_000
    door.live(120)
    #expect(door.ventilations.count == 40 * 14, "\(door.ventilations.count)")
    #expect(!door.events.contains { if case .lost = $0.body { true } else { false } })
  }

  @Test func theNextSessionWaitsAcrossARestart() {
    var door = door(holds: true)
    door.live(3)
    #expect(door.ask(.startSession(room)) == "done")
    door.restart()
    #expect(door.ask(.startSession(room)) == "session_running")
    #expect(door.ask(.endSession(room)) == "done")
    door.restart()
    #expect(door.ask(.startSession(room)) == "ventilation_incomplete 3")
    door.inputs = window
    door.live(210)
    #expect(door.ask(.startSession(room)) == "done", "\(door.ventilations)")
  }

  @Test func anIncidentTakesNoSession() {
    var door = door()
    door.live(3)
    #expect(door.ask(.beginIncident(.room(room))) == "done")
    #expect(door.ask(.startSession(room)) == "suspended")
    #expect(door.ask(.endIncident(.room(room))) == "done")
    #expect(door.ask(.startSession(room)) == "done")
  }

  /// A room that guidance would not use is told at each start.
  @Test func anExceptionIsTold() {
    let door = door()
    #expect(door.events.contains { if case .roomExcepted = $0.body { true } else { false } })
  }
}
