// `gatehouse-sim tell`: one command to simulators that run, from any shell.

import ArgumentParser
import Simulation

struct TellCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tell",
    abstract: "Give simulators that run a command, and print their answer.",
    discussion: """
      The socket is that of `gatehouse-sim run --commands SOCKET`; its help has
      the commands.

      EXAMPLES
        gatehouse-sim tell site/commands person north-door body=38.2
        gatehouse-sim tell site/commands wait gate north-door open for=5
        gatehouse-sim tell site/commands state

      EXIT CODES  0 done, 1 an error, which is printed, 64 wrong usage
      """)

  @Argument(help: "The socket.")
  var socket: String
  @Option(help: "Seconds in which the simulators may yet start.")
  var wait: Double = 0
  @Argument(parsing: .captureForPassthrough, help: "The command, in as many words as it takes.")
  var words: [String]

  func validate() throws {
    if !(0...3_600).contains(wait) { throw ValidationError("--wait is between 0 and 3600 seconds.") }
    if words.isEmpty { throw ValidationError("Say the command, such as: state") }
  }

  func run() throws {
    let answer: String
    do { answer = try tellSimulators(at: socket, words.joined(separator: " "), waitingFor: wait) } catch {
      complain("\(error)")
      throw ExitCode(1)
    }
    print(answer)
    if answer.hasPrefix("error") { throw ExitCode(1) }
  }
}
