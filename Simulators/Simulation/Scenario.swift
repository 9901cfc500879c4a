// A scenario: what happens at a site, when, and what must come of it. `Scenario+Load.swift` reads it from YAML.

public import Domain
import Control
public import Settings

/// One simulated day, or minute.
public struct Scenario: Sendable {
  /// The file it was read from, and its name without folder and `.yaml`.
  public var file: String
  public var name: String
  /// What it shows, in a sentence.
  public var about: String
  public var settings: Settings
  /// The settings as they are written.
  public var source: SettingsText
  /// Lived as time passes, with the door as a program.
  public var isInRealTime: Bool
  /// Decides people, noise and chance.
  public var seed: UInt64
  /// What the wall clock shows at the beginning, ns since 1970 UTC.
  public var starts: Int64
  public var lasts: Interval
  /// After this, what happens begins again; `nil`: it happens once.
  public var repeats: Interval?
  /// In the order of time.
  public var happens: [Happening]
  public var expects: [Expectation]
}

/// Something that happens.
public struct Happening: Sendable {
  public var at: Interval
  /// Its line in the file.
  public var line: Int
  var what: What
  /// As the file has it, on one line.
  public var words: String

  enum What: Sendable {
    /// To people, rooms and devices: a line for the simulators.
    case order(String)
    /// What staff ask of the door.
    case staff(StaffOrder)
    case door(DoorFate)
    case disk(VirtualDisk)
    /// The wall clock is set, by so many ns.
    case clock(Int64)
  }
}

extension Happening {
  /// Only in virtual time can it be done: this machine's disk and clock are not the scenario's.
  var needsVirtualTime: Bool {
    switch what {
    case .disk, .clock: true
    case .order, .staff, .door: false
    }
  }
}

/// What becomes of the door's process.
enum DoorFate: String, Sendable, CaseIterable { case kill, stop, start }

/// A command as staff give it: ticket and alarm may be named by who or what they are of.
struct StaffOrder: Sendable {
  /// Without `id`, `ticket` and `occurrence`, where those have yet to be found.
  var keys: [String: JSONScalar]
  /// The person whose ticket is meant, by the name the scenario gives them.
  var person: String?
  /// The alarm whose occurrence is meant, by kind, and by place where it is said.
  var alarm: (kind: String, place: String?)?
  /// The refusal that is expected instead of "done".
  var isRefused: Bool
}

/// A value of one key.
enum JSONScalar: Sendable, Equatable, Encodable {
  case number(Double)
  case bool(Bool)
  case text(String)

  /// As YAML's plain words mean it.
  init(_ plain: String) {
    if plain == "true" || plain == "false" {
      self = .bool(plain == "true")
    } else if let number = Double(plain), number.isFinite {
      self = .number(number)
    } else {
      self = .text(plain)
    }
  }

  /// A number of a ticket or an occurrence.
  var whole: UInt32? { if case .number(let value) = self { UInt32(exactly: value) } else { nil } }

  /// As people write it.
  var words: String {
    switch self {
    case .number(let value): value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    case .bool(let value): "\(value)"
    case .text(let value): value
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .number(let value):
      if value == value.rounded(), abs(value) < 1e15 { try container.encode(Int64(value)) } else { try container.encode(value) }
    case .bool(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    }
  }
}
