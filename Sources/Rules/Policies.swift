// Every threshold with its unit, its default and where the default comes from. Settings may change each of them.

public import Domain

/// Who may pass. Temperatures are body estimates (axillary equivalent), degC.
public struct FeverPolicy: BitwiseCopyable, Sendable {
  /// Recorded with each decision.
  public var version: UInt32 = 1
  /// At or above: elevated. Practice at Chinese examination sites 2020 to 2022, an axillary figure.
  public var threshold = 37.3
  /// At or above, below the threshold: measured once more.
  public var retakeFrom = 37.0
  /// At or above: never cleared by another reading of the same thermometer.
  public var high = 38.0
  /// Below: the skin is cold, which says nothing about the body.
  public var lowGuard = 35.0
  /// The most that readings of one burst may differ, degC.
  public var spread = 0.3
  /// A burst has at least this many valid readings …
  public var burstReadings = 3
  /// … and lasts at least this long, so that somebody walking up is not measured on the way.
  public var burstFor = Interval.milliseconds(500)
  /// Too few or too scattered readings in this time: try again.
  public var tryFor = Interval.seconds(10)
  public var tries = 3
  /// A person begins at successive surface readings of at least this …
  public var personFrom = 30.0
  /// … and this much above the sensor's own temperature …
  public var personAboveAmbient = 3.0
  /// … this many of them.
  public var personReadings = 3
  /// A person ends after this long without.
  public var absence = Interval.seconds(1)
  /// A steady reading this far from what the presence read before is somebody else, degC: skin does not step.
  public var stepMax = 0.8
  /// How slowly a presence's own level is followed: skin that warms up after the cold moves 0.03 °C a second.
  public var levelTime = Interval.seconds(10)
  /// The sensor's own temperature outside these: no result (handheld instruments work from 16 to 35 °C).
  public var ambientLowest = 16.0
  public var ambientHighest = 35.0
  /// At or above: no result, %RH (FDA for infrared thermometers; the Chinese draft for screeners says the same).
  public var humidityHighest = 85.0
  /// A reference that shows this much too much or too little: no result, degC. A laboratory's limit for the thermometer itself.
  public var referenceOff = 0.5
  /// A reference that moves by more in the window: no result, degC (what IEC 80601-2-59 allows it in 14 days).
  public var referenceDrift = 0.1
  public var referenceWindow = Interval.minutes(10)
  /// A calibration that ends is told so long before.
  public var calibrationWarning = Interval.minutes(14 * 24 * 60)
  /// This far below the running median: cold skin, as below the guard. Somebody just in from -5 °C reads 3.4 °C low, after a
  /// minute 1.7 (Dzien 2020).
  public var lowBelowMedian = 1.5
  /// More people in a row with equal readings: the thermometer holds one value.
  public var stuckPeople = 5
  /// A smaller SD of normal readings, degC: the thermometer pulls them towards normal. Healthy foreheads spread by 0.30 (Chen 2022).
  public var normalisingSpread = 0.10
  /// Over this many people: then 0.10 lies far outside what chance makes of 0.30.
  public var normalisingPeople = 50
  /// The least time of a rest (5 to 10 minutes at examination sites) before another device measures.
  public var rest = Interval.minutes(5)
  /// The same of cold skin: foreheads from outside need 5 minutes (Bassi 2021) …
  public var coldWait = Interval.minutes(5)
  /// … or 10, for children (150 of them) and where it is colder outside than this, degC.
  public var coldWaitLong = Interval.minutes(10)
  public var outdoorCold = 10.0
  /// How much more an ear reads than an armpit, degC.
  public var earOffset = 0.4
  /// An identity that was shown waits so long for its person.
  public var identityFor = Interval.seconds(30)
  /// The next reading of the same person, at the earliest.
  public var retakeAfter = Interval.seconds(5)
  /// The longest stay at the thermometer.
  public var longest = Interval.seconds(120)
  /// The longest wait outside the lane.
  public var waitingLongest = Interval.minutes(30)
  /// What healthy people measure below the armpit on average: Chen 2022, 1,080 readings, 36.7 ± 0.41; common practice 36.6.
  public var normalMiddle = 36.6
  /// A running median of first estimates this far from `normalMiddle` is drift.
  public var driftMax = 0.5
  /// The median is judged from this many people on. Fewer than the tickets of a lane, since with an offset that is too
  /// high everybody gets one; with a spread of 0.4 °C their median is known within 0.15.
  public var driftPeople = 12
  /// Warmer than the people before.
  public var relative = RelativePolicy()

  public init() {}
}

/// When a room's air is bad. Means over windows of the readings, ppm.
public struct AirPolicy: BitwiseCopyable, Sendable {
  /// GB/T 18883-2022: at most 0.10 % as a 1-hour mean.
  public var meanLimit = 1000.0
  public var meanClear = 950.0
  public var meanClearAfter = Interval.minutes(15)
  /// HSE: above 1500 ppm poor, act.
  public var highLimit = 1500.0
  public var highClear = 1400.0
  public var highAfter = Interval.minutes(5)
  public var highClearAfter = Interval.minutes(10)
  /// HSE: below 800 ppm good.
  public var adviceLimit = 800.0
  public var adviceClear = 750.0
  public var adviceAfter = Interval.minutes(10)
  public var adviceClearAfter = Interval.minutes(10)
  /// The short mean; its fifth is a bin.
  public var shortWindow = Interval.minutes(5)
  /// The long mean: at most 120 bins.
  public var longWindow = Interval.minutes(60)

  // What a reading must be to be believed. QARTOD's tests; numbers for ordinary infrared sensors.

  /// Air is never below; outdoors holds more than 410 ppm everywhere.
  public var plausibleLowest = 350.0
  /// Faster than this, ppm a minute …
  public var changeHighest = 500.0
  /// … and by more than this, ppm: somebody breathes on the sensor.
  public var changeLeast = 200.0
  /// A sensor that says the very same for this long is stuck.
  public var sameFor = Interval.minutes(30)
  /// And one that stays within `flatWithin`, ppm, for this long while people are in.
  public var flatFor = Interval.minutes(180)
  public var flatWithin = 2.0
  /// How far two sensors of a room may be apart: twice ± (40 ppm + 5 %), as a good sensor promises (SCD41).
  public var disagreement = 80.0
  public var disagreementShare = 0.10
  /// The lowest that a sensor that calibrates itself reads at night is outdoors within this, ppm …
  public var baselineDrift = 75.0
  /// … or it is drift, after so many nights.
  public var baselineNights = 3

  // Fresh air.

  /// CO2 outdoors, ppm: 420 to 430 now, more in cities.
  public var outdoor = 425.0
  /// Outdoor air each person must have, m3/h: GB/T 18883; 20 in other public places (GB 37488).
  public var freshAirLeast = 30.0
  /// CO2 a person breathes out, L/s: sitting quietly, 21 to 30 years, at 23 °C (Persily and de Jonge 2017, table 4).
  public var generation = 0.0047
  /// Half of the interval of 95 % of it, as a share: the table's adults of 16 to 60 years lie within it.
  public var generationError = 0.20
  /// The same of a measured flow.
  public var flowError = 0.10

  // Ventilation.

  /// At least so long: the guideline's hour.
  public var ventilationFor = Interval.minutes(60)
  /// In a semi-basement, which must be ventilated more; how much more is ours.
  public var semiBasementFor = Interval.minutes(90)
  /// A gap up to this ends no ventilation.
  public var bridge = Interval.minutes(5)
  /// After a session it begins within this.
  public var startWithin = Interval.minutes(15)
  /// Of the hour, as a share, may pass unseen.
  public var unseenShare = 0.2
  /// Air changes an hour that count as effective: an hour then takes 95 % away.
  public var airChangesLeast = 3.0
  /// CO2 this near outdoors counts as aired, ppm; a fall that begins below it proves nothing.
  public var airedWithin = 150.0
  /// CO2 that falls at least so fast tells of a ventilation, ppm a minute.
  public var fallLeast = 5.0
  /// A sensor's response time: a fit leaves out three of them.
  public var response = Interval.seconds(60)
  /// A person is told this long before a slot is lost.
  public var remindBefore = Interval.minutes(15)
  /// The next session waits for the hour after the last one, rather than being warned of.
  public var holdsSessions = false

  public init() {}
}

/// How alarms are shown to people.
public struct AlarmPolicy: BitwiseCopyable, Sendable {
  /// A shelf ends by itself. 60 minutes: the longest that a common operator station offers.
  public var shelveLongest = Interval.minutes(60)
  /// An alarm that was acknowledged and is still active after this long is to be seen again; zero: never.
  public var reAlarmAfter = Interval.zero
  /// More raises than this in `floodWindow` are a flood (ISA-18.2: more than 10 in 10 minutes) …
  public var floodRaises = 10
  /// … until there are fewer than this. Our own number: half.
  public var floodEnds = 5
  public var floodWindow = Interval.minutes(10)
  /// An alarm of high priority that nobody has acknowledged for this long escalates, and again after as long. Our own number.
  public var escalateHighAfter = Interval.minutes(2)
  /// The same of medium priority. Our own number.
  public var escalateMediumAfter = Interval.minutes(10)
  /// How often it escalates; 0: not at all. Our own number.
  public var escalationLevels: UInt8 = 2

  /// The largest `floodRaises`.
  public static let floodRaisesMax = 100

  public init() {}
}

/// What decides from a moment on.
public struct PolicyChange: BitwiseCopyable, Sendable {
  /// How many there may be ahead.
  public static let most = 64
  /// Wall time, ns since 1970 UTC.
  public var from: Int64
  public var fever: FeverPolicy
  public var air: AirPolicy
  public var site: SitePolicy

  public init(from: Int64, fever: FeverPolicy, air: AirPolicy, site: SitePolicy) {
    self.from = from
    self.fever = fever
    self.air = air
    self.site = site
  }
}
