// Rooms that others measured: Tests/Measured/README.md.

import Foundation
import Measured

@testable import Analysis

/// A CO2 trace, by its file's name.
func measuredTrace(_ name: String) throws -> [Sample] {
  try String(contentsOf: measuredFolder.appending(path: "\(name).csv"), encoding: .utf8).split(whereSeparator: \.isNewline).dropFirst().compactMap { line in
    let numbers = line.split(separator: ",").compactMap { Double($0) }
    return numbers.count == 2 ? Sample(hours: numbers[0], ppm: numbers[1]) : nil
  }
}
