// People whom others measured: README.md.

public import Foundation

/// The folder of the measured data.
public let measuredFolder = URL(filePath: #filePath).deletingLastPathComponent()

/// The 1,020 people of `FLIR_groups1and2.csv`, in the order of the file.
public struct MeasuredPeople: Sendable {
  /// Temperature below the tongue, degC.
  public let oral: [Double]
  /// Columns by name, as text.
  private let rows: [[String: Substring]]

  public init() throws {
    let text = try String(contentsOf: measuredFolder.appending(path: "FLIR_groups1and2.csv"), encoding: .utf8)
    let lines = text.replacing("\u{FEFF}", with: "").split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    rows = lines.dropFirst().map { Dictionary(zip(lines[0].map(String.init), $0)) { first, _ in first } }
    oral = rows.map { Self.number($0, "aveOralM") ?? .nan }
  }

  private static func number(_ row: [String: Substring], _ column: String) -> Double? { row[column].flatMap { Double($0) } }

  /// A place of the face, degC: the mean of those of its four rounds that there are.
  public func readings(_ place: String) -> [Double] {
    rows.map { row in
      let rounds = (1...4).compactMap { Self.number(row, "\(place)\($0)") }
      return rounds.reduce(0, +) / Double(rounds.count)
    }
  }
}
