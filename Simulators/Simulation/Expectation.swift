// What must come of a scenario, and how it is judged while things happen.

public import Domain

/// One line under `expects`.
public struct Expectation: Sendable {
  public var line: Int
  /// As the file has it, on one line.
  public var words: String
  var subject: Subject
  /// A lane, room, device or bus; `nil`: anywhere.
  var place: String?
  var conditions: [Condition]
  /// When it counts, both ends included.
  var window: ClosedRange<Interval>
  /// How often.
  var count: ClosedRange<Int>

  enum Subject: Sendable, Equatable {
    /// An event's type without `gatehouse.` in front.
    case event(String)
    /// A gate's leaf stands open, whatever the door says of it.
    case gateOpen
  }
}

/// A member of an event's data that must have a value.
struct Condition: Sendable {
  var key: String
  var value: Value

  enum Value: Sendable {
    case exactly(JSONScalar)
    case between(ClosedRange<Double>)
  }

  func holds(in data: [String: JSONScalar]) -> Bool {
    switch (value, data[key]) {
    case (.exactly(.number(let wanted)), .number(let found)?): abs(wanted - found) <= 1e-9 * max(1, abs(wanted))
    case (.exactly(let wanted), let found?): wanted == found
    case (.between(let range), .number(let found)?): range.contains(found)
    case (_, _): false
    }
  }
}

/// Something that was seen.
struct Sighting {
  var at: Interval
  var subject: Expectation.Subject
  var place: String
  var data: [String: JSONScalar]
}

/// What became of an expectation.
public struct Outcome: Sendable {
  public var expectation: Expectation
  /// What was wrong, as a sentence; `nil`: it is as expected.
  public var failure: String?
}

/// Judges what is seen.
struct Judge {
  private var rows: [(expectation: Expectation, times: [Interval])]
  /// Gates that stand open now, by lane, and since when.
  private var open: [String: Interval] = [:]
  private let wanted: Set<String>

  init(_ expectations: [Expectation]) {
    rows = expectations.map { ($0, []) }
    wanted = Set(expectations.compactMap { if case .event(let type) = $0.subject { type } else { nil } })
  }

  /// Whether an event of this type is of interest.
  func wants(_ type: String) -> Bool { wanted.contains(type) }

  mutating func see(_ sighting: Sighting) {
    for index in rows.indices where rows[index].expectation.subject == sighting.subject {
      let expectation = rows[index].expectation
      guard expectation.window.contains(sighting.at), expectation.place ?? sighting.place == sighting.place else { continue }
      if expectation.conditions.allSatisfy({ $0.holds(in: sighting.data) }) { rows[index].times.append(sighting.at) }
    }
  }

  /// A gate moved. One that stands open when a window begins is open in it.
  mutating func gate(_ lane: String, isOpen: Bool, at: Interval) {
    if isOpen {
      open[lane] = at
    } else if let since = open.removeValue(forKey: lane) {
      stoodOpen(lane, from: since, to: at)
    }
  }

  private mutating func stoodOpen(_ lane: String, from: Interval, to: Interval) {
    for index in rows.indices where rows[index].expectation.subject == .gateOpen {
      let expectation = rows[index].expectation
      guard expectation.place ?? lane == lane, from <= expectation.window.upperBound, to >= expectation.window.lowerBound else { continue }
      rows[index].times.append(max(from, expectation.window.lowerBound))
    }
  }

  /// The end, at `end`.
  mutating func outcomes(at end: Interval) -> [Outcome] {
    for (lane, since) in open.sorted(by: { $0.key < $1.key }) { stoodOpen(lane, from: since, to: end) }
    open = [:]
    return rows.map { row in
      let found = row.times.count, count = row.expectation.count
      guard !count.contains(found) else { return Outcome(expectation: row.expectation) }
      let when = row.times.prefix(5).map { clockText($0) }.joined(separator: ", ") + (found > 5 ? " …" : "")
      let wanted =
        count.upperBound == 0 ? "never" : count.lowerBound == count.upperBound ? "\(count.lowerBound) times"
        : count.upperBound == .max ? "at least \(count.lowerBound == 1 ? "once" : "\(count.lowerBound) times")" : "\(count.lowerBound) to \(count.upperBound) times"
      return Outcome(
        expectation: row.expectation,
        failure: "expected \(wanted) from \(clockText(row.expectation.window.lowerBound)) to \(clockText(row.expectation.window.upperBound)), "
          + "found \(found == 0 ? "none" : "\(found): at \(when)")")
    }
  }
}
