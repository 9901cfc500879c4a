// Which commands were seen and what became of them, so that a repeat gets the first answer and nothing is done twice.
// Bounded: the oldest answered command goes first, then the oldest that nobody waits for. If all are waited for, a new
// command finds no room and is refused, rather than one forgotten that might be repeated.

import Domain

/// A connection, for as long as the server runs; never reused.
typealias ConnectionID = UInt64

struct AnswerMemory {
  enum Asked: Equatable {
    /// Never seen: hand it on.
    case new
    /// Handed on before; its answer will come.
    case waits
    case answered(CommandAnswer)
    case noRoom
  }

  private struct Entry {
    var answer: CommandAnswer?
    var waiting: [ConnectionID]
    /// When those who wait are told that there is no answer.
    var deadline: Instant
  }

  let capacity: Int
  private var entries: [CommandID: Entry] = [:]
  /// Oldest first.
  private var order: [CommandID] = []

  init(capacity: Int) { self.capacity = capacity }

  var count: Int { entries.count }

  mutating func ask(_ id: CommandID, for connection: ConnectionID, answerBy deadline: Instant) -> Asked {
    if let answer = entries[id]?.answer { return .answered(answer) }
    if entries[id] != nil {
      entries[id]?.waiting.append(connection)
      entries[id]?.deadline = deadline
      return .waits
    }
    guard entries.count < capacity || forgetOldest() else { return .noRoom }
    entries[id] = Entry(answer: nil, waiting: [connection], deadline: deadline)
    order.append(id)
    return .new
  }

  /// It was not handed on after all; a repeat may try again.
  mutating func forget(_ id: CommandID) {
    entries[id] = nil
    order.removeAll { $0 == id }
  }

  /// Keeps the first answer and returns who waits for it. Not durable first and durable later: the later one is kept
  /// for repeats, since it says the same and more.
  mutating func settle(_ id: CommandID, _ answer: CommandAnswer) -> [ConnectionID] {
    guard let entry = entries[id] else { return [] }
    if entry.answer?.durable == true { return [] }
    entries[id] = Entry(answer: answer, waiting: [], deadline: .never)
    return entry.waiting
  }

  /// Those whose answer is overdue. The command stays known: a repeat waits again.
  mutating func overdue(at now: Instant) -> [(id: CommandID, waiting: [ConnectionID])] {
    guard nextDeadline <= now else { return [] }
    var result: [(id: CommandID, waiting: [ConnectionID])] = []
    for id in order {
      guard let entry = entries[id], entry.deadline <= now else { continue }
      entries[id] = Entry(answer: nil, waiting: [], deadline: .never)
      result.append((id, entry.waiting))
    }
    return result
  }

  var nextDeadline: Instant { entries.values.reduce(.never) { min($0, $1.deadline) } }

  private mutating func forgetOldest() -> Bool {
    let index =
      order.firstIndex { entries[$0]?.answer != nil } ?? order.firstIndex { entries[$0]?.waiting.isEmpty ?? true }
    guard let index else { return false }
    entries[order.remove(at: index)] = nil
    return true
  }
}
