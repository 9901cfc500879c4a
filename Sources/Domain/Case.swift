// The words for what follows a fever that was confirmed, or a symptom that somebody saw: a case, the rooms it locks, their
// disinfection, and what stops a site from being open.

/// Why there is a case.
public enum CaseCause: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case fever, symptom

  public var name: String {
    switch self {
    case .fever: "fever"
    case .symptom: "symptom"
    }
  }
}

/// What happens to a case, in the order in which it should.
public enum CaseStep: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case opened
  /// The person has arrived in an isolation room.
  case isolated
  case reported
  case contactsListed
  /// Another room was involved: it is locked too.
  case roomAdded
  /// The person has left with whoever took over.
  case handedOver
  case closed

  public var name: String {
    switch self {
    case .opened: "opened"
    case .isolated: "isolated"
    case .reported: "reported"
    case .contactsListed: "contacts_listed"
    case .roomAdded: "room_added"
    case .handedOver: "handed_over"
    case .closed: "closed"
    }
  }
}

/// What an event of a case says, whatever its step. Who the person is lies in `Personal` and in the screening's events.
public struct CaseFact: BitwiseCopyable, Sendable {
  /// Counts from 1 since the log began.
  public var number: UInt32
  public var cause: CaseCause
  /// Of the screening that led to it; 0: none.
  public var ticket: UInt32
  /// The room of this step; index -1: none.
  public var room: Int32
  /// Since the case was opened.
  public var seconds: Int64

  @inlinable @inline(__always)
  public init(number: UInt32, cause: CaseCause, ticket: UInt32, room: Int32, seconds: Int64) {
    self.number = number
    self.cause = cause
    self.ticket = ticket
    self.room = room
    self.seconds = seconds
  }
}

/// How a room was disinfected.
public enum DisinfectionMethod: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case spray, wipe, ultraviolet, fog, other

  public var name: String {
    switch self {
    case .spray: "spray"
    case .wipe: "wipe"
    case .ultraviolet: "ultraviolet"
    case .fog: "fog"
    case .other: "other"
    }
  }
}

/// Why a lane admits nobody, whatever it measures.
public enum AdmissionBlock: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case none
  /// The site is not open, or has no isolation room left.
  case closed
  /// An incident suspends the lane or the site.
  case suspended
}

/// What an earlier run of the door left of the site, as the log tells it where no snapshot can be taken over. Times are how long
/// ago something was.
public enum SiteFact: BitwiseCopyable, Sendable {
  case opened
  case suspended(Place)
  /// A case that is open; which of its steps were taken.
  case openCase(
    number: UInt32, CaseCause, place: Place, ticket: UInt32, ago: Interval, isReported: Bool, areContactsListed: Bool,
    isHandedOver: Bool)
  /// A room is locked for a case; `isTaken`: its person is inside.
  case locked(RoomID, case: UInt32, isTaken: Bool)
  case disinfected(RoomID, ago: Interval)
  case attested(item: UInt8, ago: Interval)
  /// The number of the newest case.
  case lastCase(UInt32)
}
