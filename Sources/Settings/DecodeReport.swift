// What decoding found, as JSON lines: the answer of `profile decode --json` and the form of the proofs in `.vectors`.

public import Devices
import Domain

/// One line for each frame.
public func decodeReport(_ bytes: [UInt8], with profile: Profile, _ context: DecodeContext = DecodeContext()) -> [String] {
  decode(bytes, with: profile, context).map(reportLine)
}

private func reportLine(_ frame: DecodedFrame) -> String {
  switch frame.outcome {
  case .accepted(let values): "{\"outcome\":\"accepted\",\"readings\":[\(values.map(reportValue).joined(separator: ","))]}"
  case .rejected(let reason): "{\"outcome\":\"rejected\",\"reason\":\"\(reason.name)\"}"
  case .incomplete: "{\"outcome\":\"incomplete\"}"
  }
}

private func reportValue(_ value: DecodedFrame.Value) -> String {
  let head = "{\"name\":\"\(value.name)\",\"value\":\(number(value)),\"unit\":\"\(value.unit.symbol)\""
  return switch value.quality {
  case .good: head + ",\"quality\":\"good\"}"
  case .invalid(let reason): head + ",\"quality\":\"invalid\",\"reason\":\"\(reason.name)\"}"
  }
}

/// Text in quotes; numbers plain and short; channels as the list of those that are on; what is no number is null.
private func number(_ value: DecodedFrame.Value) -> String {
  if let text = value.text { return quoted(text) }
  guard value.value.isFinite else { return "null" }
  if case .channels = value.unit {
    return channels(in: value.value).map { "[" + $0.map(String.init).joined(separator: ",") + "]" } ?? "null"
  }
  if value.isSingle, value.value != 0, abs(value.value) < 1e15 {
    return abs(value.value) < 1e-4 || abs(value.value) > 1e9 ? "\(Float(value.value))" : shortest((value.value * 1e4).rounded() / 1e4)
  }
  // Scaling leaves tails like 31.920000000000002.
  return abs(value.value) < 1e6 ? shortest((value.value * 1e6).rounded() / 1e6) : shortest(value.value)
}

/// A JSON string.
private func quoted(_ text: String) -> String {
  var quoted = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": quoted += "\\\""
    case "\\": quoted += "\\\\"
    case _ where scalar.value < 0x20 || scalar.value == 0x7F:
      let digits = String(scalar.value, radix: 16)
      quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: quoted.unicodeScalars.append(scalar)
    }
  }
  return quoted + "\""
}
