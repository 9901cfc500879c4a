// What the door says about itself: one JSON object that `gatehouse status`, and later the metrics page and the console,
// all read. One Codable type for both ends of the socket, so that they cannot drift apart. Keys carry their unit;
// a value nobody knows is absent, never 0.

public import Foundation

/// The state of the door at one moment.
public struct Status: Codable, Sendable, Equatable {
  public var version: String
  /// 32 hex digits drawn at this start of the door.
  public var startID: String
  public var pid: Int32
  /// Seconds since the door started.
  public var uptime: Double
  public var site: String
  /// Whether every part has started and lanes are served.
  public var ready: Bool
  public var ports: [Port]
  public var devices: [Device]
  public var lanes: [Lane]
  public var rooms: [Room]
  /// `open`, `closed` or `suspended`; absent from a door of before this.
  public var siteState: String?
  /// Cases that are not closed.
  public var cases: [Case]?
  /// Alarms that are not back to normal.
  public var alarms: [Alarm]
  public var log: Log
  /// In microseconds, by what was measured: `decision` is from the last byte to the verdict.
  public var latency: [String: Latency]
  /// Turns of the pipeline since the start.
  public var turns: UInt64
  /// The sockets' own counters.
  public var control: ControlCounters?

  enum CodingKeys: String, CodingKey {
    case version, pid, site, ready, ports, devices, lanes, rooms, cases, alarms, log, turns, control
    case siteState = "site_state"
    case startID = "start_id"
    case uptime = "uptime_s"
    case latency = "latency_us"
  }

  public init(
    version: String, startID: String, pid: Int32, uptime: Double, site: String, ready: Bool, ports: [Port] = [],
    devices: [Device] = [], lanes: [Lane] = [], rooms: [Room] = [], alarms: [Alarm] = [], log: Log = Log(),
    latency: [String: Latency] = [:], turns: UInt64 = 0, control: ControlCounters? = nil
  ) {
    self.version = version
    self.startID = startID
    self.pid = pid
    self.uptime = uptime
    self.site = site
    self.ready = ready
    self.ports = ports
    self.devices = devices
    self.lanes = lanes
    self.rooms = rooms
    self.alarms = alarms
    self.log = log
    self.latency = latency
    self.turns = turns
    self.control = control
  }

  /// One line of JSON, keys in alphabetical order.
  public func line() -> Data { JSONLine.encode(self) }

  /// Reads what `line()` wrote. Keys it does not know are left out.
  public init(line: Data) throws { self = try JSONDecoder().decode(Status.self, from: line) }
}

extension Status {
  public struct Port: Codable, Sendable, Equatable {
    public var name: String
    /// `open`, or why not: `not_found`, `busy`, `hung_up` …
    public var state: String
    public var generation: UInt32
    public var opens: UInt64
    public var losses: UInt64
    /// Anything else that is counted, by name.
    public var counters: [String: UInt64]

    public init(
      name: String, state: String, generation: UInt32, opens: UInt64, losses: UInt64, counters: [String: UInt64] = [:]
    ) {
      self.name = name
      self.state = state
      self.generation = generation
      self.opens = opens
      self.losses = losses
      self.counters = counters
    }
  }

  public struct Device: Codable, Sendable, Equatable {
    public var name: String
    public var profile: String
    public var port: String
    /// `up`, `down`, or `unknown` before the first good reading.
    public var state: String
    /// RFC 3339, when the state began.
    public var since: String?
    public var counters: [String: UInt64]
    public var fields: [Field]

    public init(
      name: String, profile: String, port: String, state: String, since: String? = nil, counters: [String: UInt64] = [:],
      fields: [Field] = []
    ) {
      self.name = name
      self.profile = profile
      self.port = port
      self.state = state
      self.since = since
      self.counters = counters
      self.fields = fields
    }
  }

  public struct Field: Codable, Sendable, Equatable {
    public var name: String
    /// Absent unless the quality is good.
    public var value: Double?
    public var unit: String
    /// `good`, or the reason why not.
    public var quality: String
    /// Seconds since its last byte arrived; absent when never read.
    public var age: Double?

    enum CodingKeys: String, CodingKey {
      case name, value, unit, quality
      case age = "age_s"
    }

    public init(name: String, value: Double?, unit: String, quality: String, age: Double?) {
      self.name = name
      self.value = value.flatMap { $0.isFinite ? $0 : nil }
      self.unit = unit
      self.quality = quality
      self.age = age.flatMap { $0.isFinite ? $0 : nil }
    }
  }

  public struct Lane: Codable, Sendable, Equatable {
    public var name: String
    public var state: String
    /// Why the gate stands open without a verdict, if it does.
    public var released: String?
    public var waiting: [Waiting]
    public var passed: UInt64
    public var denied: UInt64
    /// Absent from a door of before this.
    public var statistics: LaneStatistics?
    /// RFC 3339, when its alert path was last proven, and when somebody said that they saw or heard it; absent: never.
    public var proven: String?
    public var seen: String?

    public init(
      name: String, state: String, released: String? = nil, waiting: [Waiting] = [], passed: UInt64 = 0, denied: UInt64 = 0
    ) {
      self.name = name
      self.state = state
      self.released = released
      self.waiting = waiting
      self.passed = passed
      self.denied = denied
    }
  }

  /// What a lane did.
  public struct LaneStatistics: Codable, Sendable, Equatable {
    /// The last 55 to 60 minutes.
    public var lastHour: LaneCounts
    /// Since midnight at the site.
    public var today: LaneCounts
    /// The most people that were screened in five minutes of today.
    public var busiest: UInt32
    /// Of the last 50 people's first estimates, degC, and what it is off 36.6; absent while they are too few.
    public var median: Double?
    public var drift: Double?

    enum CodingKeys: String, CodingKey {
      case today
      case lastHour = "last_hour"
      case busiest = "busiest_5min"
      case median = "median_c"
      case drift = "drift_c"
    }

    public init(lastHour: LaneCounts, today: LaneCounts, busiest: UInt32, median: Double, drift: Double) {
      self.lastHour = lastHour
      self.today = today
      self.busiest = busiest
      self.median = median.isFinite ? median : nil
      self.drift = drift.isFinite ? drift : nil
    }
  }

  /// People at a lane, as in the event `lane.statistics`.
  public struct LaneCounts: Codable, Sendable, Equatable {
    public var screened: UInt32
    /// Seconds; absent: nobody was.
    public var laneMean: Double?
    public var laneLongest: Double?
    public var tickets: UInt32
    public var ticketMean: Double?
    public var ticketLongest: Double?
    public var measured: UInt32
    public var elevated: UInt32

    enum CodingKeys: String, CodingKey {
      case screened, tickets, measured, elevated
      case laneMean = "lane_mean_s"
      case laneLongest = "lane_longest_s"
      case ticketMean = "ticket_mean_s"
      case ticketLongest = "ticket_longest_s"
    }

    public init(
      screened: UInt32, laneMean: Double, laneLongest: Double, tickets: UInt32, ticketMean: Double, ticketLongest: Double,
      measured: UInt32, elevated: UInt32
    ) {
      self.screened = screened
      self.laneMean = screened > 0 ? laneMean : nil
      self.laneLongest = screened > 0 ? laneLongest : nil
      self.tickets = tickets
      self.ticketMean = tickets > 0 ? ticketMean : nil
      self.ticketLongest = tickets > 0 ? ticketLongest : nil
      self.measured = measured
      self.elevated = elevated
    }
  }

  /// A screening outside its lane.
  public struct Waiting: Codable, Sendable, Equatable {
    public var ticket: UInt32
    public var state: String
    /// Seconds it has waited.
    public var since: Double

    enum CodingKeys: String, CodingKey {
      case ticket, state
      case since = "since_s"
    }

    public init(ticket: UInt32, state: String, since: Double) {
      self.ticket = ticket
      self.state = state
      self.since = since
    }
  }

  public struct Room: Codable, Sendable, Equatable {
    public var name: String
    /// 5-minute mean of CO2, ppm; absent while there is too little to tell.
    public var mean5: Double?
    /// 1-hour mean of CO2, ppm; absent while there is too little to tell.
    public var mean60: Double?
    /// `free`, `taken`, `locked` or `suspended`.
    public var use: String?
    /// In it; absent while nobody knows.
    public var people: Int?
    /// Outdoor air for each of them, m3/h.
    public var freshAir: Double?
    /// By what it is seen to be ventilated now, and for how many seconds.
    public var ventilation: String?
    public var ventilatedFor: Double?
    public var isInSession: Bool?
    /// Seconds of ventilation that it owes to its last session.
    public var missing: Double?

    enum CodingKeys: String, CodingKey {
      case name, mean5, mean60, use, people, ventilation
      case freshAir = "fresh_air_m3_h_person"
      case ventilatedFor = "ventilated_s"
      case isInSession = "in_session"
      case missing = "missing_s"
    }

    public init(name: String, mean5: Double?, mean60: Double?, use: String? = nil) {
      self.name = name
      self.use = use
      self.mean5 = mean5.flatMap { $0.isFinite ? $0 : nil }
      self.mean60 = mean60.flatMap { $0.isFinite ? $0 : nil }
    }
  }

  /// A case that is not closed.
  public struct Case: Codable, Sendable, Equatable {
    public var number: UInt32
    /// `fever` or `symptom`.
    public var cause: String
    /// The lane or room where it was opened.
    public var place: String
    /// Seconds since it was opened.
    public var since: Double
    /// The steps that were taken: `isolated`, `reported`, `contacts_listed`, `handed_over`.
    public var done: [String]

    enum CodingKeys: String, CodingKey {
      case number, cause, place, done
      case since = "since_s"
    }

    public init(number: UInt32, cause: String, place: String, since: Double, done: [String]) {
      self.number = number
      self.cause = cause
      self.place = place
      self.since = since
      self.done = done
    }
  }

  public struct Alarm: Codable, Sendable, Equatable {
    /// 0: it is out of sight, and nothing is open.
    public var occurrence: UInt32
    public var kind: String
    public var place: String
    public var priority: String
    public var state: String
    /// RFC 3339, when it was raised; absent when nothing is open.
    public var since: String?
    /// How often nobody has acknowledged it for its time; absent: never.
    public var level: Int?
    /// RFC 3339, when its shelf ends.
    public var until: String?
    /// The name given by who shelved it or took it out of service, and the reason.
    public var who: String?
    public var why: String?

    public init(
      occurrence: UInt32, kind: String, place: String, priority: String, state: String, since: String? = nil, level: Int? = nil,
      until: String? = nil, who: String? = nil, why: String? = nil
    ) {
      self.occurrence = occurrence
      self.kind = kind
      self.place = place
      self.priority = priority
      self.state = state
      self.since = since
      self.level = level
      self.until = until
      self.who = who
      self.why = why
    }
  }

  public struct Log: Codable, Sendable, Equatable {
    /// The highest committed `seq` of each stream.
    public var records: Int64
    public var telemetry: Int64
    public var aggregates: Int64
    public var stalled: Bool
    /// Events in memory that are not committed yet.
    public var tail: Int
    /// What was dropped because a buffer was full, by name.
    public var lost: [String: UInt64]

    public init(
      records: Int64 = 0, telemetry: Int64 = 0, aggregates: Int64 = 0, stalled: Bool = false, tail: Int = 0,
      lost: [String: UInt64] = [:]
    ) {
      self.records = records
      self.telemetry = telemetry
      self.aggregates = aggregates
      self.stalled = stalled
      self.tail = tail
      self.lost = lost
    }
  }

  /// In microseconds.
  public struct Latency: Codable, Sendable, Equatable {
    public var p50: Double
    public var p99: Double
    public var max: Double
    public var count: UInt64

    public init(p50: Double, p99: Double, max: Double, count: UInt64) {
      self.p50 = p50
      self.p99 = p99
      self.max = max
      self.count = count
    }
  }
}

/// What the sockets count.
public struct ControlCounters: Codable, Sendable, Equatable {
  /// Clients connected now, both sockets together.
  public var clients = 0
  /// Commands handed to the pipeline.
  public var commands: UInt64 = 0
  /// Repeats of a command id that got the first answer.
  public var repeats: UInt64 = 0
  /// Commands refused because the way to the pipeline was full.
  public var busy: UInt64 = 0
  /// Lines that were not what the protocol says.
  public var badLines: UInt64 = 0
  /// Clients turned away because there were too many.
  public var turnedAway: UInt64 = 0
  /// Clients dropped because they did not read.
  public var slowReaders: UInt64 = 0
  /// Answers and not-durable events that found no room on their way to the sockets' thread.
  public var lost: UInt64 = 0

  enum CodingKeys: String, CodingKey {
    case clients, commands, repeats, busy, lost
    case badLines = "bad_lines"
    case turnedAway = "turned_away"
    case slowReaders = "slow_readers"
  }

  public init() {}
}
