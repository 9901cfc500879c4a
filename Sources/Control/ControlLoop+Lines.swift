// What the loop does with one line of a client: the hello, a request for the status, a command.

import Domain
import Foundation

extension ControlLoop {
  /// Takes whole lines while the client takes its answers. `false`: nothing was left to take.
  mutating func answerLines(_ index: Int, _ now: Instant) -> Bool {
    var took = false
    while !connections[index].closing, !connections[index].dead, connections[index].hasRoom {
      switch connections[index].incoming.next() {
      case .none: return took
      case .tooLong:
        finish(index, "line_too_long", "a line may hold \(limits.lineMax) bytes at most")
      case .line(let line):
        took = true
        answer(line, index, now)
      }
    }
    return took
  }

  private mutating func answer(_ line: Data, _ index: Int, _ now: Instant) {
    if let objection = objection(to: line) { return finish(index, objection.error, objection.message) }
    guard connections[index].saidHello else { return greet(line, index) }
    switch connections[index].door {
    case .command: command(line, index, now)
    case .events: request(line, index)
    }
  }

  private mutating func greet(_ line: Data, _ index: Int) {
    let expected = connections[index].door.hello
    let said = try? JSONDecoder().decode(Hello.self, from: line)
    guard said == expected else {
      return finish(
        index, "wrong_protocol",
        "the first line must be {\"protocol\":\"\(expected.protocol)\",\"version\":\(expected.version)}")
    }
    connections[index].saidHello = true
  }

  // MARK: events.sock

  private mutating func request(_ line: Data, _ index: Int) {
    struct Request: Decodable { var request: String }
    guard let asked = (try? JSONDecoder().decode(Request.self, from: line))?.request, asked == "status" else {
      return finish(index, "unknown_request", "the only request here is {\"request\":\"status\"}")
    }
    let status = parts.status()
    if status.count > limits.statusMax {
      return finish(index, "status_too_large", "the status is larger than \(limits.statusMax) bytes")
    }
    send(Data("{\"status\":".utf8) + status + Data("}".utf8), index, beside: status.count)
  }

  /// The newest seq of each stream, when the client has taken what it got before: so doorbells never pile up.
  mutating func ring(_ index: Int) {
    guard connections[index].door == .events, connections[index].saidHello, connections[index].hasRoom else { return }
    for stream in Domain.Stream.allCases {
      let seq = reached[Int(stream.rawValue)]
      guard seq > connections[index].rung[Int(stream.rawValue)] else { continue }
      connections[index].rung[Int(stream.rawValue)] = seq
      send(JSONLine.encode(Doorbell(stream: stream.name, seq: seq)), index)
    }
  }

  // MARK: command.sock

  private mutating func command(_ line: Data, _ index: Int, _ now: Instant) {
    let connection = connections[index]
    do throws(BadRequest) {
      let request = try CommandRequest(line: line)
      let command = try request.checked(names: parts.names, actor: connection.actor, now: now)
      guard connection.pending < limits.pendingMax else {
        throw BadRequest(reason: "busy", message: "\(limits.pendingMax) commands of this client wait already")
      }
      try handOn(command, index, now)
    } catch {
      if error.reason == "busy" { counters.busy += 1 } else { counters.badLines += 1 }
      let answer = CommandAnswer(
        id: CommandRequest.id(of: line), answer: .refused, reason: error.reason, message: error.message)
      send(JSONLine.encode(answer), index)
    }
  }

  private mutating func handOn(_ command: Command, _ index: Int, _ now: Instant) throws(BadRequest) {
    let deadline = now + command.goodFor + limits.answerWithin
    switch memory.ask(command.id, for: connections[index].id, answerBy: deadline) {
    case .answered(let answer):
      counters.repeats += 1
      send(JSONLine.encode(answer), index)
    case .waits:
      counters.repeats += 1
      connections[index].pending += 1
    case .noRoom:
      throw BadRequest(reason: "busy", message: "too many commands wait for their answers")
    case .new:
      guard parts.submit(command) else {
        memory.forget(command.id)
        throw BadRequest(reason: "busy", message: "the door has no room for another command now; it was not done")
      }
      counters.commands += 1
      connections[index].pending += 1
    }
  }
}
