// A script: commands over time, one a line, played from the world's beginning.
//
//     # comment
//     at 3s person north-door body=36.5
//     at 1min loop
//
// A day is `at 8h room room-301 occupants=30` … `at 24h loop`.

public import Domain

/// What happens when.
public struct Script: Sendable {
  public struct Step: Sendable, Equatable {
    public var at: Interval
    public var order: String
  }

  /// What is wrong with a script, with its line.
  public struct Mistake: Error, CustomStringConvertible {
    public var line: Int
    public var sentence: String
    public var description: String { "line \(line): \(sentence)" }
  }

  public private(set) var steps: [Step] = []
  /// After this it starts over; `nil`: it ends.
  public private(set) var length: Interval?
  private var next = 0
  private var began = Instant(ns: 0)

  public init(_ text: String) throws(Mistake) {
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let code = line.prefix { $0 != "#" }
      let words = code.split(whereSeparator: \.isWhitespace)
      if words.isEmpty { continue }
      guard words.count >= 3, words[0] == "at", let at = interval(words[1]) else {
        throw Mistake(line: index + 1, sentence: "expected \"at TIME COMMAND\", such as \"at 3s person LANE body=36.5\"")
      }
      let order = words.dropFirst(2).joined(separator: " ")
      if order == "loop" {
        guard at > .zero else { throw Mistake(line: index + 1, sentence: "a loop needs a length") }
        length = at
      } else {
        steps.append(Step(at: at, order: order))
      }
    }
    steps.sort { $0.at < $1.at }
    if let length, let last = steps.last, last.at >= length {
      throw Mistake(line: 1, sentence: "a command comes after the script starts over")
    }
  }

  /// When the next command is due.
  public var nextDeadline: Instant {
    guard next < steps.count else { return length.map { began + $0 } ?? .never }
    return began + steps[next].at
  }

  /// The commands that are due, in order. Call it until it gives none.
  public mutating func takeDue(at now: Instant) -> [Step] {
    if next >= steps.count, let length, !steps.isEmpty, began + length <= now {
      began = began + length
      next = 0
    }
    var due: [Step] = []
    while next < steps.count, began + steps[next].at <= now {
      due.append(steps[next])
      next += 1
    }
    return due
  }
}

/// `3s`, `1.5s`, `200ms`, `2min`, `8h`, `1h30min`.
func interval(_ text: some StringProtocol) -> Interval? {
  var rest = Substring(text), total = Interval.zero
  guard !rest.isEmpty else { return nil }
  while !rest.isEmpty {
    let digits = rest.prefix { $0.isNumber || $0 == "." }
    rest = rest.dropFirst(digits.count)
    let unit = rest.prefix { $0.isLetter }
    rest = rest.dropFirst(unit.count)
    guard let number = Double(digits), (0...1e6).contains(number), let ns = ["ms": 1e6, "min": 60e9, "h": 3_600e9, "s": 1e9][unit]
    else { return nil }
    total = total + Interval(ns: Int64(number * ns))
  }
  return total
}
