// What a run of scenarios came to: for a terminal, for TAP readers, and as JUnit XML.

import Domain
import Foundation
import Simulation

/// A line for what came as expected; for what did not, everything one needs to find out why.
func terminalReport(_ result: ScenarioResult) -> String {
  let scenario = result.scenario
  let speed = scenario.lasts.seconds / max(result.took, 1e-6)
  var lines = [
    "\(result.isAsExpected ? "ok    " : "FAILED")  \(scenario.name): \(scenario.about)",
    String(format: "        %d expectations, %@ in %.1f s (%.0f times real time), %d events, seed %d",
      result.outcomes.count, timeText(scenario.lasts.seconds), result.took, speed, result.events, Int(truncatingIfNeeded: scenario.seed)),
  ]
  guard !result.isAsExpected else { return lines.joined(separator: "\n") }
  for mishap in result.mishaps { lines.append("  \(scenario.file): \(mishap)") }
  for outcome in result.outcomes {
    guard let failure = outcome.failure else { continue }
    lines.append("  \(scenario.file):\(outcome.expectation.line): \(outcome.expectation.words): \(failure)")
  }
  lines.append("  the last events:")
  lines += result.lastEvents.map { "    \($0)" }
  lines.append("  what the wires carried last:")
  lines += result.lastBytes.map { "    \($0)" }
  lines.append("  again: gatehouse-sim test \(scenario.file) --seed \(scenario.seed)\(scenario.isInRealTime ? " --real" : "")")
  return lines.joined(separator: "\n")
}

func summary(_ results: [ScenarioResult]) -> String {
  let failed = results.count { !$0.isAsExpected }
  return failed == 0 ? "\(results.count) scenarios, all as expected" : "\(failed) of \(results.count) scenarios failed"
}

private func timeText(_ seconds: Double) -> String {
  seconds >= 3_600 ? String(format: "%.1f h", seconds / 3_600) : seconds >= 60 ? String(format: "%.0f min", seconds / 60) : String(format: "%.0f s", seconds)
}

/// One line an expectation, with the file and line of what failed.
func tapReport(_ results: [ScenarioResult]) -> String {
  var lines: [String] = []
  for result in results {
    for test in tests(of: result) {
      lines.append("\(test.failure == nil ? "ok" : "not ok") \(lines.count + 1) - \(result.scenario.name): \(test.name)")
      if let failure = test.failure { lines[lines.count - 1] += " # \(failure)" }
    }
  }
  return (["TAP version 13", "1..\(lines.count)"] + lines).joined(separator: "\n")
}

/// A suite a scenario, a case an expectation.
func junitReport(_ results: [ScenarioResult]) -> String {
  var xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
  for result in results {
    let tests = tests(of: result)
    let name = escaped(result.scenario.name)
    xml += "  <testsuite name=\"\(name)\" tests=\"\(tests.count)\" failures=\"\(tests.count { $0.failure != nil })\" time=\"\(String(format: "%.3f", result.took))\">\n"
    xml += "    <properties><property name=\"seed\" value=\"\(result.scenario.seed)\"/></properties>\n"
    for test in tests {
      xml += "    <testcase classname=\"\(name)\" name=\"\(escaped(test.name))\""
      guard let failure = test.failure else { xml += "/>\n"; continue }
      xml += "><failure message=\"\(escaped(failure))\">\(escaped(result.scenario.file)):\(test.line)</failure></testcase>\n"
    }
    if !result.isAsExpected {
      xml += "    <system-out>\(escaped((result.lastEvents + result.lastBytes).joined(separator: "\n")))</system-out>\n"
    }
    xml += "  </testsuite>\n"
  }
  return xml + "</testsuites>\n"
}

/// Its expectations, and what could not be done as a test of its own.
private func tests(of result: ScenarioResult) -> [(name: String, line: Int, failure: String?)] {
  var tests = result.outcomes.map { (name: $0.expectation.words, line: $0.expectation.line, failure: $0.failure) }
  if !result.mishaps.isEmpty { tests.append((name: "everything could be done", line: 0, failure: result.mishaps.joined(separator: "; "))) }
  return tests
}

/// XML knows no control characters but tab and line ends.
private func escaped(_ text: String) -> String {
  var out = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": out += "&amp;"
    case "<": out += "&lt;"
    case ">": out += "&gt;"
    case "\"": out += "&quot;"
    case _ where scalar.value < 0x20 && scalar != "\t" && scalar != "\n": out += "\u{FFFD}"
    default: out.unicodeScalars.append(scalar)
    }
  }
  return out
}
