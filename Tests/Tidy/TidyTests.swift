// Tidiness that a reader relies on, checked as tests: what the tree promises must stay true.
//
// Imports are checked by the build (--explicit-target-dependency-import-check error); here stand the promises that
// no compiler makes.

import Foundation
import Testing

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

private func files(under folder: String, ending: String) -> [URL] {
  let walk = FileManager.default.enumerator(at: root.appending(path: folder), includingPropertiesForKeys: nil)
  return (walk?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == ending }.sorted { $0.path < $1.path }
}

private func name(of file: URL) -> String {
  String(file.path.dropFirst(root.path.count + 1))
}

@Suite struct TidyTests {
  @Test func thinkingModulesKnowNoWorld() throws {
    let forbidden = ["Foundation", "Glibc", "Dispatch", "Synchronization"]
    for module in ["Domain", "Devices", "Rules", "Analysis", "Pipeline"] {
      let sources = files(under: "Sources/\(module)", ending: "swift")
      #expect(!sources.isEmpty, "\(module) has no source")
      for file in sources {
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        for line in lines where line.contains("import ") && !line.hasPrefix("//") {
          let imported = line.split(separator: " ").last.map(String.init) ?? ""
          #expect(!forbidden.contains(imported), "\(name(of: file)): \(line)")
        }
      }
    }
  }

  /// The fuzzers are a package of their own, which no ordinary run builds.
  @Test func theFuzzersHaveEveryModuleThatTheirsNeed() throws {
    let manifest = try String(contentsOf: root.appending(path: "Tests/Fuzz/Package.swift"), encoding: .utf8)
    let modules = try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "Sources").path)
    let fuzzed = try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "Tests/Fuzz/Sources").path)
      .filter(modules.contains)
    #expect(fuzzed.contains("Devices"))
    for module in fuzzed {
      let target = manifest.split(separator: "\n").first { $0.contains(".target(name: \"\(module)\"") } ?? ""
      for file in files(under: "Sources/\(module)", ending: "swift") {
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        for line in lines where line.hasPrefix("import ") || line.hasPrefix("public import ") {
          let imported = line.split(separator: " ").last.map(String.init) ?? ""
          guard modules.contains(imported) else { continue }
          #expect(fuzzed.contains(imported) && target.contains("\"\(imported)\""), "\(name(of: file)): \(line)")
        }
      }
    }
  }

  @Test func noProductIsNamedInSwift() throws {
    let products = files(under: "DeviceProfiles", ending: "yaml").map { $0.deletingPathExtension().lastPathComponent }
    #expect(products.count >= 5)
    for file in files(under: "Sources", ending: "swift") + files(under: "Simulators", ending: "swift") {
      let code = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { line in
        !line.drop(while: { $0 == " " }).hasPrefix("//")
          && !line.contains("\"gatehouse ")  // Help texts show examples, which need a product.
      }
      for product in products {
        #expect(!code.contains { $0.contains(product) }, "\(name(of: file)) names \(product)")
      }
    }
  }

  @Test func everyProfileHasItsProof() throws {
    for profile in files(under: "DeviceProfiles", ending: "yaml") {
      let vectors = profile.deletingPathExtension().appendingPathExtension("vectors")
      #expect(FileManager.default.fileExists(atPath: vectors.path), "\(name(of: profile)) has no vectors")
    }
  }

  @Test func theReadmeListsEveryProfileWithItsProof() throws {
    let check = Process()
    check.executableURL = root.appending(path: "scripts/device-table")
    check.arguments = ["--check"]
    try check.run()
    check.waitUntilExit()
    #expect(check.terminationStatus == 0)
  }

  @Test func everyPageThatIsLinkedIsThere() throws {
    for page in ["README.md", "ARCHITECTURE.md"] + files(under: "docs", ending: "md").map(name) {
      let text = try String(contentsOf: root.appending(path: page), encoding: .utf8)
      for match in text.matches(of: /\]\(([^)#:]+)\)/) {
        let target = root.appending(path: page).deletingLastPathComponent().appending(path: String(match.1))
        #expect(FileManager.default.fileExists(atPath: target.path), "\(page) links to \(match.1)")
      }
    }
  }

  @Test func noForceAndNoUnfinishedMarks() throws {
    let marks = ["try!", "as!", "fatalError", "TODO", "FIXME", "XXX"]
    for file in files(under: "Sources", ending: "swift") + files(under: "Simulators", ending: "swift") {
      let text = try String(contentsOf: file, encoding: .utf8)
      for mark in marks { #expect(!text.contains(mark), "\(name(of: file)) contains \(mark)") }
    }
  }

  @Test func everySourceSaysWhatItIs() throws {
    for file in files(under: "Sources", ending: "swift") + files(under: "Simulators", ending: "swift") {
      let text = try String(contentsOf: file, encoding: .utf8)
      #expect(text.hasPrefix("//"), "\(name(of: file)) opens without a word on what it is")
    }
  }

  @Test func testsDoNotSleep() throws {
    // Put together, so that this file is looked at too.
    let words = ["Thread.", "Task.", "u"].map { $0 + "sleep" }
    for file in files(under: "Tests", ending: "swift") {
      let text = try String(contentsOf: file, encoding: .utf8)
      for word in words { #expect(!text.contains(word), "\(name(of: file)) sleeps: \(word)") }
    }
  }
}
