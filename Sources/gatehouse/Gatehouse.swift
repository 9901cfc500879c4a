// The command line for people: asks the running door over its sockets, reads the log beside it, and checks settings
// and profiles with no door and no device at all.

import ArgumentParser

@main struct Gatehouse: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gatehouse",
    abstract: "Look at a door, ask it to act, and read its log.",
    discussion: """
      EXAMPLES
        gatehouse check                      are the settings right?
        gatehouse status                     what the door sees now
        gatehouse log --follow               what happens, as it happens
        gatehouse summary                    how many passed, how many did not
        gatehouse report daily               the day's record, for paper or files
        gatehouse alarms acknowledge 7       alarm 7 was seen
        gatehouse override north-door --who "Li Na" --why wheelchair

      FILES
        Settings are ./gatehouse.yaml, else /etc/gatehouse/gatehouse.yaml,
        unless --settings or GATEHOUSE_SETTINGS says otherwise.

      \(ExitCode.help)
      """,
    version: Version.text,
    subcommands: [
      CheckCommand.self, StatusCommand.self, LogCommand.self, SummaryCommand.self, ReportCommand.self, RosterCommand.self, DevicesCommand.self, DoctorCommand.self, ProbeCommand.self,
      ReplayCommand.self, AnalyseCommand.self, AlarmsCommand.self,
      SiteCommand.self, CaseCommand.self, IncidentCommand.self, DisinfectedCommand.self, AttestCommand.self,
      OverrideCommand.self, ResumeCommand.self, ContactCommand.self, CredentialCommand.self, AllowCommand.self,
      ResetAverageCommand.self, ProveCommand.self, WriteCommand.self,
      SessionCommand.self, VentilationCommand.self, OccupantsCommand.self, ProfileCommand.self, VersionCommand.self,
    ])
}

/// The version of the programs that are built together.
enum Version {
  static let text = "0.1.0"
}

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

  func run() { print("gatehouse \(Version.text)") }
}
