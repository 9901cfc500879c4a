// Rooms that others measured: Measured/README.md.

import Foundation

@testable import Analysis

/// A CO2 trace of the folder Measured, by its file's name.
func measuredTrace(_ name: String) throws -> [Sample] {
  let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Measured/\(name).csv")
  return try String(contentsOf: file, encoding: .utf8).split(whereSeparator: \.isNewline).dropFirst().compactMap { line in
    let numbers = line.split(separator: ",").compactMap { Double($0) }
    return numbers.count == 2 ? Sample(hours: numbers[0], ppm: numbers[1]) : nil
  }
}
