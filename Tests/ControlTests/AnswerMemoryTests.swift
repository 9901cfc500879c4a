// Goal: a repeat gets the first answer, memory stays bounded, and nobody waits for ever. Method: the state machine alone.

import Domain
import Testing

@testable import Control

@Suite struct AnswerMemoryTests {
  private func id(_ number: UInt64) -> CommandID { CommandID(high: 0, low: number) }
  private func done(_ number: UInt64, seq: Int64? = 1) -> CommandAnswer {
    CommandAnswer(AnsweredCommand(id: id(number), answer: .done, event: "e-\(number)", seq: seq))
  }
  private let later = Instant(ns: 1000)

  @Test func aRepeatGetsTheFirstAnswer() {
    var memory = AnswerMemory(capacity: 8)
    #expect(memory.ask(id(1), for: 10, answerBy: later) == .new)
    #expect(memory.ask(id(1), for: 11, answerBy: later) == .waits)
    #expect(memory.settle(id(1), done(1)) == [10, 11])
    #expect(memory.ask(id(1), for: 12, answerBy: later) == .answered(done(1)))
    #expect(memory.settle(id(1), done(1, seq: 9)) == [])
    #expect(memory.ask(id(1), for: 12, answerBy: later) == .answered(done(1)))
  }

  @Test func durableReplacesNotDurable() {
    var memory = AnswerMemory(capacity: 8)
    _ = memory.ask(id(1), for: 10, answerBy: later)
    #expect(memory.settle(id(1), done(1, seq: nil)) == [10])
    #expect(memory.settle(id(1), done(1, seq: 7)) == [])
    #expect(memory.ask(id(1), for: 10, answerBy: later) == .answered(done(1, seq: 7)))
  }

  @Test func forgetsTheOldestAnswered() {
    var memory = AnswerMemory(capacity: 2)
    _ = memory.ask(id(1), for: 10, answerBy: later)
    _ = memory.ask(id(2), for: 10, answerBy: later)
    #expect(memory.ask(id(3), for: 10, answerBy: later) == .noRoom)
    _ = memory.settle(id(2), done(2))
    #expect(memory.ask(id(3), for: 10, answerBy: later) == .new)
    #expect(memory.ask(id(1), for: 10, answerBy: later) == .waits)
    #expect(memory.count == 2)
  }

  @Test func nobodyWaitsForEver() {
    var memory = AnswerMemory(capacity: 2)
    _ = memory.ask(id(1), for: 10, answerBy: later)
    #expect(memory.nextDeadline == later)
    #expect(memory.overdue(at: Instant(ns: 999)).isEmpty)
    let late = memory.overdue(at: later)
    #expect(late.count == 1 && late[0].waiting == [10])
    #expect(memory.nextDeadline == .never)
    // It may still have been done: a repeat does not do it again, and hears the answer when it comes.
    #expect(memory.ask(id(1), for: 11, answerBy: Instant(ns: 2000)) == .waits)
    #expect(memory.settle(id(1), done(1)) == [11])
  }

  @Test func whatWasNotHandedOnMayBeTriedAgain() {
    var memory = AnswerMemory(capacity: 2)
    _ = memory.ask(id(1), for: 10, answerBy: later)
    memory.forget(id(1))
    #expect(memory.ask(id(1), for: 10, answerBy: later) == .new)
  }
}
