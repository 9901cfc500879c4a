// Goal: what the fuzzers have found worth keeping is read again in every run. Method: their corpus, through the same doors
// (Tests/Fuzz); and the shipped profiles and the example, cut at every line.

import Foundation
import Testing

@testable import Settings

private let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
private let root = tests.deletingLastPathComponent()

@Suite struct CorpusTests {
  @Test(arguments: [("profile", fuzzProfile), ("settings", fuzzSettings)] as [(String, @Sendable (Span<UInt8>) -> Void)])
  func isReplayed(name: String, door: @Sendable (Span<UInt8>) -> Void) throws {
    let folder = tests.appending(path: "Fuzz/corpus/\(name)")
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    #expect(files.count >= 3)
    for file in files {
      let bytes = [UInt8](try Data(contentsOf: file))
      door(bytes.span)
    }
  }

  /// Half a file is what an editor or a full disk leaves.
  @Test func halfFilesAreReadOrRefused() throws {
    for file in ["DeviceProfiles/zytemp-co2.yaml", "DeviceProfiles/scd30.yaml"] {
      for bytes in try cuts(file) { fuzzProfile(bytes.span) }
    }
    for bytes in try cuts("gatehouse.example.yaml") { fuzzSettings(bytes.span) }
  }

  /// What stands before each end of a line.
  private func cuts(_ file: String) throws -> [[UInt8]] {
    let bytes = [UInt8](try Data(contentsOf: root.appending(path: file)))
    return bytes.indices.filter { bytes[$0] == 0x0A }.map { Array(bytes[...$0]) }
  }
}
