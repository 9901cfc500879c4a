// The same settings at other places: for a door that talks to simulators instead of what is wired to this machine.

import Foundation
import Yams

/// Settings as they are written, and the file that their relative paths start from.
public struct SettingsText: Sendable {
  public var yaml: String
  public var file: String

  public init(yaml: String, file: String) {
    self.yaml = yaml
    self.file = file
  }

  /// The whole file, unread.
  public init(file: String) throws(Problems) { self.init(yaml: try readText(file), file: file) }

  /// The same settings with buses at other places, by name, and the log in another folder. Paths become absolute, so it does
  /// not matter where the text is kept. Of what can't be read as settings nothing is changed.
  public func moved(buses: [String: String], log: String) throws -> String {
    guard var top = try Yams.compose(yaml: yaml, .basic) else { return yaml }
    for (name, place) in buses {
      for key in ["serial", "modbus_rtu", "modbus_tcp", "hid"] where top["buses"]?[name]?[key] != nil {
        top["buses"]?[name]?[key] = quoted(place)
      }
    }
    if top["log"] == nil { top["log"] = .mapping([:]) }
    top["log"]?["folder"] = quoted(log)
    let folder = URL(filePath: file).deletingLastPathComponent()
    for key in ["identity_secret_file", "roster_tokens_file"] {
      guard let path = top["site"]?[key]?.scalar?.string else { continue }
      top["site"]?[key] = quoted(URL(filePath: path, relativeTo: folder).standardizedFileURL.path)
    }
    return try Yams.serialize(node: top, width: -1, allowUnicode: true)
  }

  private func quoted(_ text: String) -> Node { Node(text, Tag(.str), .doubleQuoted) }
}

extension Entry {
  /// The settings that stand here, in another file.
  package func settingsText() throws -> SettingsText { SettingsText(yaml: try Yams.serialize(node: node), file: book.file) }
}
