// One measurement as scripts/bench reads it, and the arithmetic of five rounds.

import Glibc

/// What a value must be compared with its reference, or by itself.
enum Goal {
  case none
  case ratioAtMost(Double), ratioAtLeast(Double)
  case valueAtLeast(Double)
}

/// Prints one measurement. `reference` names what it was measured against, in the same unit.
func report(_ name: String, _ value: Double, _ unit: String, against reference: (name: String, value: Double)? = nil, _ goal: Goal = .none) {
  let ratio = reference.map { value / $0.value }
  var fields = ["\"name\": \"\(name)\"", "\"value\": \(value)", "\"unit\": \"\(unit)\""]
  fields.append("\"against\": " + (reference.map { "\"\($0.name): \(shown($0.value)) \(unit)\"" } ?? "null"))
  fields.append("\"ratio\": " + (ratio.map { "\($0)" } ?? "null"))
  switch goal {
  case .none: fields += ["\"goal\": null", "\"met\": null"]
  case .ratioAtMost(let most): fields += ["\"goal\": \"ratio <= \(most)\"", "\"met\": \((ratio ?? .infinity) <= most)"]
  case .ratioAtLeast(let least): fields += ["\"goal\": \"ratio >= \(least)\"", "\"met\": \((ratio ?? 0) >= least)"]
  case .valueAtLeast(let least): fields += ["\"goal\": \">= \(least)\"", "\"met\": \(value >= least)"]
  }
  print("{\(fields.joined(separator: ", "))}")
  fflush(nil)
}

/// Three digits that mean something.
func shown(_ value: Double) -> String {
  let digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  var power = 1.0
  for _ in 0..<digits { power *= 10 }
  let rounded = (value * power).rounded() / power
  return digits == 0 ? "\(Int(rounded))" : "\(rounded)"
}

let rounds = 5

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
