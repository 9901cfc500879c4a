// The exit codes of the command line, in one place: scripts rely on them, and the help shows this text.

import ArgumentParser

extension ExitCode {
  /// What was asked for is wrong or was refused: settings with problems, a log that does not verify, a command refused.
  static let problem = ExitCode(1)
  /// The door can't be reached, or did not say what became of a command.
  static let unreachable = ExitCode(2)

  static let help = """
    EXIT CODES
      0   done, nothing wrong
      1   a problem in what was asked: settings, profile, log or command
      2   the door can't be reached or did not answer in time
      64  the command line itself is wrong
    """
}
