// A recording of a bus, run through the pipeline again: what was measured and decided then is measured and decided now.

import ArgumentParser
import Devices
import Domain
import EventLog
import Foundation
import Pipeline
import Recorder
import Settings

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Run recordings of buses through the pipeline again.",
    usage: "gatehouse replay <files> ... [--type <type>] [--json] [options]",
    discussion: """
      The door keeps the last minutes of every bus in the folder recorder beside the
      log, and a copy around each fault and alarm in recorder/frozen. With the
      settings of the site the events are those of that time. What buses said that
      are not given here is not known, so their devices are down: of a lane, give
      its thermometer's bus and its board's.

      EXAMPLES
        gatehouse replay log/recorder/rooms.rec
        gatehouse replay log/recorder/frozen/door-*T1800*.rec --json

      \(ExitCode.help)
      """)

  @Argument(help: "Recordings, each of another bus.") var files: [String]
  @OptionGroup var places: PlaceOptions
  @Option(help: "Only this type or its beginning: alarm, screening.denied. May be given more than once.")
  var type: [String] = []
  @Flag(help: "CloudEvents as JSON lines.") var json = false

  func run() throws {
    let settings = try loadSettings(places.locations)
    var recordings: [(port: PortID, recording: BusRecording)] = []
    for file in files {
      let recording = try read(file)
      guard let port = settings.names.ports.firstIndex(of: recording.bus) else {
        complain("\(printable(file)): the settings have no bus \"\(printable(recording.bus))\"\(meant(recording.bus, settings.names.ports))")
        throw ExitCode.problem
      }
      if recordings.contains(where: { Int($0.port.index) == port }) {
        complain("\(printable(file)): there is another recording of \(recording.bus) before it")
        throw ExitCode.problem
      }
      let known = settings.devices.map { [$0.name, $0.profile.id] }
      for device in recording.devices where !known.contains([device.name, device.profile]) {
        complain("\(printable(file)): the settings have no device \(printable(device.name)) of profile \(printable(device.profile))")
      }
      recordings.append((PortID(port), recording))
    }
    var random = SystemRandomNumberGenerator()
    let formatter = Formatter(names: settings.names, random: &random)
    var printer = LogPrinter(filter: LogFilter(types: type), json: json)
    var lines: [String] = []
    var replay = Replay(PipelineSettings(settings))
    replay.play(recordings) { event in
      lines += printer.lines(for: formatter.format(event, random: &random).whole)
    }
    try write(lines)
    if lines.isEmpty, !json { print("No events.") }
    let missed = recordings.flatMap(\.recording.entries).reduce(UInt64(0)) { if case .missed(let count) = $1.what { $0 + count } else { $0 } }
    if missed > 0 { complain("\(missed) pieces found no room when they were recorded: what happened then is not all here") }
    if let first = replay.firstUnknown {
      complain(
        "\(replay.unknownCount) requests of that time are none that these settings make, the first after "
          + "\(first.at.seconds) s: " + first.bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined(separator: " "))
    }
  }

  private func read(_ file: String) throws -> BusRecording {
    let size = try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int
    if let size, size > BusRecording.bytesMax {
      complain("\(printable(file)): found \(size >> 20) MB, expected a recording of at most \(BusRecording.bytesMax >> 20) MB")
      throw ExitCode.problem
    }
    if (try? FileManager.default.attributesOfItem(atPath: file)[.type] as? FileAttributeType) == .typeDirectory {
      complain("\(printable(file)): found a folder, expected a recording")
      throw ExitCode.problem
    }
    guard let data = FileManager.default.contents(atPath: file) else {
      complain("\(printable(file)): \(size == nil ? "there is no such file" : "it cannot be read: who may is in its mode and owner")")
      throw ExitCode.problem
    }
    do throws(RecordingMistake) {
      return try BusRecording.parse(String(decoding: data, as: UTF8.self), file: file)
    } catch {
      complain(printable(error.description), as: "")
      throw ExitCode.problem
    }
  }
}
