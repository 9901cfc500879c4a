// The rows of lanes and screenings: two machines, since a person who waits must not block the lane.

public import Domain

/// What a lane is, as configured.
public struct LaneSettings: BitwiseCopyable, Sendable {
  /// Body minus surface at this lane, degC; measured on site.
  public var siteOffset: Double
  public var hasGate: Bool
  public var hasReadBack: Bool
  public var hasPassage: Bool
  /// Whether the thermometer tells its own temperature; without it, a person is told by warmth alone.
  public var hasAmbient: Bool
  /// Whether a contact tells that somebody stands there; then it alone begins and ends a person.
  public var hasPresence: Bool
  public var hasFireRelease: Bool
  public var hasStaffButton: Bool
  /// How long a pass opens the gate.
  public var openFor: Interval
  /// Whether the gate stands open when the lane cannot screen. Required of the site, with no default.
  public var opensOnFailure: Bool
  /// A surface reading is stale after this.
  public var staleAfter: Interval
  public var policy: FeverPolicy
  /// Its thermometer, for the record, and which of its fields people are measured by.
  public var thermometer = DeviceID(Int(UInt16.max))
  public var thermometerField: UInt16 = 0
  /// Which readings of a burst count.
  public var burst = Burst.mean
  /// What this thermometer shows too little beside others of its model, degC.
  public var deviceOffset = 0.0
  /// Added for each degC that the air is colder than `ambientReference`.
  public var ambientFactor = 0.0
  public var ambientReference = 0.0
  /// The day of its calibration since 1970, 0: not said; and, ns since 1970 UTC, when that day began and when it is too old.
  public var calibrated: Int32 = 0
  public var calibratedAt = Int64.min
  public var calibrationDue = Int64.max
  /// A sensor of the hall's air, and what it measures.
  public var hallHasTemperature = false
  public var hallHasHumidity = false
  public var hallStaleAfter = Interval.zero
  /// A blackbody that the thermometer sees, and its temperature, degC.
  public var hasReference = false
  public var referenceSet = 0.0
  /// What the thermometer is off by is taken off each estimate.
  public var correctsByReference = false
  public var referenceStaleAfter = Interval.zero
  /// Whether a scanner or a card tells who comes, and whether nobody passes without.
  public var hasIdentity = false
  public var identityRequired = false
  /// Whether nobody passes by themselves whose identity is not on the roster.
  public var rosterRequired = false
  /// Whether nobody passes before another system has said so.
  public var credentialRequired = false
  /// A second thermometer for those who rested, with an offset of its own.
  public var hasSecond = false
  public var second = DeviceID(Int(UInt16.max))
  public var secondOffset = 0.0
  public var secondStaleAfter = Interval.zero
  public var secondHasAmbient = false
  public var secondCalibrated: Int32 = 0
  public var secondCalibratedAt = Int64.min
  public var secondCalibrationDue = Int64.max
  /// What a proof can know of its lamp and its buzzer: `none`, `written`, or `confirmed` where the board reads its relays.
  public var lamp = SignalProof.none
  public var buzzer = SignalProof.none
  /// By when its alert path is proven, second of the day, -1: by no time; and on which days, from Monday, bit 0.
  public var proofDue: Int32 = -1
  public var workdays: UInt8 = 0b111_1111
  /// Cold skin waits longer: children come here, or a sensor tells that it is cold outside.
  public var isForChildren = false
  public var hasOutdoor = false
  public var outdoorStaleAfter = Interval.zero

  public init(
    siteOffset: Double, hasGate: Bool, hasReadBack: Bool, hasPassage: Bool, openFor: Interval, opensOnFailure: Bool,
    staleAfter: Interval, policy: FeverPolicy, hasAmbient: Bool = true, hasPresence: Bool = false,
    hasFireRelease: Bool = false, hasStaffButton: Bool = false
  ) {
    self.siteOffset = siteOffset
    self.hasGate = hasGate
    self.hasReadBack = hasReadBack
    self.hasPassage = hasPassage
    self.openFor = openFor
    self.opensOnFailure = opensOnFailure
    self.staleAfter = staleAfter
    self.policy = policy
    self.hasAmbient = hasAmbient
    self.hasPresence = hasPresence
    self.hasFireRelease = hasFireRelease
    self.hasStaffButton = hasStaffButton
  }
}

extension LaneSettings {
  /// A hash (FNV-1a) of what an estimate is made of: thermometers and their calibration, each term, the air and the reference.
  var measuredWith: UInt64 {
    let terms = [
      siteOffset, deviceOffset, ambientFactor, ambientReference, hasReference ? referenceSet : .nan, hasSecond ? secondOffset : .nan,
    ]
    let parts = [
      UInt64(thermometer.index), UInt64(thermometerField), UInt64(burst.rawValue), UInt64(bitPattern: Int64(calibrated)),
      hallHasTemperature ? 1 : 0, correctsByReference ? 1 : 0, hasSecond ? UInt64(second.index) : .max,
      UInt64(bitPattern: Int64(secondCalibrated)),
    ]
    return (terms.map(\.bitPattern) + parts).reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ $1) &* 0x100_0000_01b3 }
  }
}

/// What a burst of readings becomes.
public enum Burst: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  /// For a fixed spot: the least noise.
  case mean
  /// As the mean, and one reading that stands out does not move it.
  case median
  /// For a thermometer that is swept across the artery: the highest that enough readings come near to.
  case peak

  public var name: String {
    switch self {
    case .mean: "mean"
    case .median: "median"
    case .peak: "peak"
    }
  }
}

/// A contact of a lane.
public enum Contact: UInt8, BitwiseCopyable, Sendable {
  case readBack, passage, fireRelease, staffButton, presence
}

/// A valid surface reading of the person at the lane.
struct Sample: BitwiseCopyable {
  var surface = 0.0
  var at = Instant.past
}

/// The gate of a lane.
struct Gate: BitwiseCopyable {
  enum State: BitwiseCopyable { case shut, open, shutting }
  var state = State.shut
  /// When an open gate is shut, passage or not.
  var shutAt = Instant.never
  /// Passages since the last pass.
  var passages: Int32 = 0
  /// It opened for one person: by a verdict, a contact reading or an override.
  var isForOne = false
  /// Whom it opened for: their ticket (0: none), and who they are.
  var ticket: UInt32 = 0
  var identity = Token.none
  /// What the contacts say; `nil` not known.
  var readBack: Bool?
  var passage: Bool?
  /// What the board says of the relay; `nil` not known.
  var relay: Bool?
  /// The board refused the last order, or lost it.
  var orderFailed = false
  /// When the order is given again; `never` while the relay stands where it should.
  var repeatAt = Instant.never
  /// Whether the relay was brought to where it belongs since the board came up.
  var isPlaced = false
  /// While it was not: until then, at the latest.
  var placeBy = Instant.never
}

struct LaneRow: BitwiseCopyable {
  var settings: LaneSettings
  var state = LaneState.outOfOrder
  var gate = Gate()
  // Health
  var thermometerIsGood = false
  var boardIsUp = false
  /// The state of the inputs that release; `nil` not known since the board came up.
  var fireInput: Bool?
  var staffInput: Bool?
  /// Whether the presence contact can be read: without it, nobody can be screened where one is wired.
  var presenceIsKnown = false
  /// What they said last: a board that is gone neither opens nor shuts by its silence.
  var fire = false
  var staff = false
  var isReleased = false
  var releaseCause = ReleaseCause.failure
  /// When a lane that cannot screen goes to its failure state.
  var failureAt = Instant.never
  /// Devices need a moment after a start: until then nothing is out of order.
  var graceUntil = Instant.never
  /// Why it admits nobody, whatever it measures.
  var block = AdmissionBlock.none
  // The person
  var ambient = Double.nan
  var ambientAt = Instant.past
  var lastGoodAt = Instant.past
  var personReadings: Int32 = 0
  /// An absence was seen since the start: whoever stands there came after it.
  var wasEmpty = false
  var isPresent = false
  /// Since when nobody has been seen there; `never` while somebody is, or nothing is known.
  var absentSince = Instant.never
  var samples = InlineArray<64, Sample>(repeating: Sample())
  var sampleCount: Int32 = 0
  /// A verdict was given, or the readings were of more than one person: nothing more in this presence.
  var isJudged = false
  /// They stepped up while the gate was not shut behind the one before: their screening begins once it is.
  var waitsForGate = false
  var lastSurface = Double.nan
  /// Successive readings that agree.
  var steadyReadings: Int32 = 0
  /// What the one who stands there reads, followed slowly; NaN until it was steady once.
  var level = Double.nan
  var levelAt = Instant.past
  /// The slot of the screening at the lane, or -1.
  var screening: Int32 = -1
  /// The ticket of whoever stands there, or stood there last (0: none), and who they are.
  var standing: UInt32 = 0
  var standingIdentity = Token.none
  /// When the first of the lane's screenings has to be looked at.
  var ticketsLook = Instant.never
  /// The ticket that was called to be measured again, or 0.
  var called: UInt32 = 0
  var calledUntil = Instant.never
  // Signals
  /// Somewhere at the site an alarm waits for somebody.
  var alarmIsOn = false
  var lampIsOn = false
  var buzzerIsOn = false
  var isDenied = false
  var deniedUntil = Instant.never
  var buzzUntil = Instant.past
  /// When a lamp or buzzer whose board refused or lost the order is told again; how long after the failure, and when that was.
  var signalsAt = Instant.never
  var signalsAfter = Interval.seconds(1)
  var signalsFailedAt = Instant.past
  // Statistics
  /// What people are measured with. Means and spreads of what other instruments or other terms measured say nothing.
  let measuredWith: UInt64
  var passed: UInt64 = 0
  var denied: UInt64 = 0
  // Validity
  var hallTemperature = Measured()
  var hallHumidity = Measured()
  var reference = ReferenceWatch()
  /// Why no reading counts; `nil`: they do.
  var obstacle: ScreeningReason?
  /// What is wrong with the reference, whatever else is.
  var referenceObstacle: ScreeningReason?
  var isCalibrationNear = false
  /// Why the last reading that was not good was not.
  var isWarmingUp = false
  var watch = ThermometerWatch()
  var outdoor = Measured()
  /// Shown for whoever steps up next, and when.
  var identity = Token.none
  var identityAt = Instant.past
  var second = SecondBurst()
  var secondAmbient = Measured()
  var secondWatch = ThermometerWatch()
  /// The last people, for the relative rule.
  var relative: RelativeRule

  init(_ settings: LaneSettings) {
    self.settings = settings
    measuredWith = settings.measuredWith
    relative = RelativeRule(settings.policy.relative)
  }
}

/// One person.
struct ScreeningRow: BitwiseCopyable {
  var state = ScreeningState.none
  var ticket: UInt32 = 0
  var attempt: UInt8 = 0
  /// Since when it is in its state, and since when it is at the lane.
  var since = Instant.past
  var beganAt = Instant.past
  /// Bursts that began and did not come to a number.
  var failedTries: Int32 = 0
  var tryEnds = Instant.never
  /// No reading of the same person before this.
  var measureFrom = Instant.past
  var highReadings: Int32 = 0
  var normalReadings: Int32 = 0
  var coldWaits: Int32 = 0
  /// Ever at or above the threshold, or resting: it may not just vanish.
  var wasElevated = false
  var wasResting = false
  /// It came to a contact test: no infrared thermometer clears it any more.
  var needsContact = false
  /// The lane whose thermometer found that, or -1: no reading of it alone clears them.
  var elevatedAt: Int32 = -1
  /// Not to be measured again before.
  var waitUntil = Instant.past
  /// Measurements without a result after a rest.
  var invalidAfterRest: Int32 = 0
  /// Who it is, where the lane asks.
  var identity = Token.none
  var hasCredential = false
  /// Another system said no, and has not said otherwise since.
  var hasFailedCredential = false
  /// Staff allow them, though they are not on the roster.
  var isAllowed = false
  /// Its last number came from the lane's second thermometer.
  var measuredBySecond = false
  /// The relative rule has looked at this person; who comes back counts once.
  var isCounted = false
  /// In the statistics: as somebody whose first measurement ended, and as somebody with a number to judge.
  var isScreened = false
  var isMeasured = false
  /// Since when there is a ticket; `past`: there is none.
  var ticketAt = Instant.past
  var personal = Personal.none
}
