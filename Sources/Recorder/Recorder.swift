// The flight recorder: the last minutes of bytes of every bus, and a copy of them around each fault and alarm.
//
// It has a thread of its own, since a disk may hang. Whatever it cannot keep is lost to it alone: it is told once, and tried
// again; measuring and deciding go on.

public import Domain
import EventLog
import Glibc
public import Rings
import Synchronization

/// What is recorded, and how much of it.
public struct RecorderPlan: Sendable {
  /// One bus, by the order of the ports.
  public struct Bus: Sendable {
    public var name: String
    /// Names of its devices, each with its profile's.
    public var devices: [(name: String, profile: String)]
    /// What a device there says is somebody's own: codes, card texts.
    public var isPersonal: Bool

    public init(name: String, devices: [(name: String, profile: String)], isPersonal: Bool) {
      self.name = name
      self.devices = devices
      self.isPersonal = isPersonal
    }
  }

  /// The log's folder; recordings go to `recorder` in it.
  public var folder: String
  public var buses: [Bus]
  /// The ports that have to do with a place.
  public var ports: @Sendable (Place) -> [PortID]
  /// How far back a bus is known; zero: nothing is recorded, and the thread is not needed.
  public var span: Interval
  /// Room of a bus on the disk; a frozen recording takes as much again.
  public var bytesPerBus: Int
  /// Room of all frozen recordings together; the oldest goes first.
  public var bytesFrozen: Int
  /// How long frozen recordings are kept: they hold raw values of people, so not longer than those in the log.
  public var keep: Interval

  public init(
    folder: String, buses: [Bus], ports: @escaping @Sendable (Place) -> [PortID], span: Interval, bytesPerBus: Int,
    bytesFrozen: Int, keep: Interval
  ) {
    self.folder = folder
    self.buses = buses
    self.ports = ports
    self.span = span
    self.bytesPerBus = bytesPerBus
    self.bytesFrozen = bytesFrozen
    self.keep = keep
  }
}

/// Takes pieces from the ring to the files.
public final class Recorder: @unchecked Sendable {
  // Used by its own thread only, but for what is immutable or atomic.

  /// A frozen recording holds this much of what followed.
  static let aftermath = Interval.seconds(10)
  /// Frozen recordings of one bus; the oldest goes first.
  static let frozenMax = 16
  /// Faults of one bus that follow each other sooner are in one recording.
  static let rest = Interval.minutes(1)

  private let plan: RecorderPlan
  private let clock: @Sendable () -> Now
  private let say: @Sendable (String, _ isProblem: Bool) -> Void
  private let pieces = SharedRing<Piece>(capacity: 4_096)
  private let bell: Bell
  private let stopping = Atomic<Bool>(false)
  private let ended: Bell
  private var files: [BusFile]
  /// When each bus's recording is frozen; `never`: it is not wanted.
  private var freezeAt: [Instant]
  private var frozenAt: [Instant]
  /// A message that comes in pieces.
  private var message: [UInt8] = []
  /// Buses that could not be written, and were told of.
  private var toldFailure: [Bool]
  /// Bytes of frozen recordings since those that are too much were taken away.
  private var newlyFrozen = 0
  /// Pieces that found no room and were not written of yet, and whether this step wrote of some.
  private var missed: UInt64 = 0
  private var hasToldMissed = false
  private var prunedAt = Instant.past

  public init?(
    _ plan: RecorderPlan, clock: @escaping @Sendable () -> Now, say: @escaping @Sendable (String, _ isProblem: Bool) -> Void
  ) {
    guard let bell = Bell(), let ended = Bell() else { return nil }
    self.bell = bell
    self.ended = ended
    self.plan = plan
    self.clock = clock
    self.say = say
    let folder = "\(plan.folder)/recorder"
    files = plan.buses.map { bus in
      BusFile(
        name: bus.name, head: bus.devices.map { "device \($0.name) \($0.profile)" }, folder: folder,
        half: Interval(ns: plan.span.ns / 2), halfBytes: plan.bytesPerBus / 2)
    }
    toldFailure = plan.buses.map { _ in false }
    freezeAt = plan.buses.map { _ in .never }
    frozenAt = plan.buses.map { _ in .past }
  }

  /// For the real-time thread.
  public func tap() -> RecorderTap {
    RecorderTap(pieces: pieces, bell: bell, personal: plan.buses.map(\.isPersonal), isOn: plan.span > .zero)
  }

  private var folder: String { "\(plan.folder)/recorder" }
  private var frozenFolder: String { "\(folder)/frozen" }

  // MARK: The thread

  /// The thread's body: until `stop`, and until everything that came before it is written.
  public func run() {
    begin()
    while true {
      let isLast = stopping.load(ordering: .acquiring)
      step(clock())
      if isLast { break }
      bell.wait(milliseconds: milliseconds(until: nextLook, from: clock().boot))
    }
    // What was to be kept is kept with what there is of its aftermath.
    for index in files.indices where freezeAt[index] < .never { freeze(index, clock()) }
    flush()
    ended.ring()
  }

  func begin() {
    for path in [folder, frozenFolder] { mkdir(path, 0o750) }
  }

  func flush() {
    for index in files.indices { attempt(index) { () throws(RecordingFailure) in try files[index].flush() } }
  }

  /// Ends the thread, or leaves it alone when it has not ended within this time: a disk that hangs holds it, and nobody else.
  public func stop(_ thread: RunningThread, within milliseconds: Int32) {
    stopping.store(true, ordering: .releasing)
    bell.ring()
    if ended.wait(milliseconds: milliseconds) { thread.join() } else { thread.detach() }
  }

  /// Writes what came, and does what is due.
  func step(_ now: Now) {
    hasToldMissed = false
    while let piece = pieces.pop() { take(piece, now) }
    for index in files.indices {
      if files[index].oldestWaiting + BusFile.flushAfter <= now.boot, files[index].oldestWaiting < .never {
        attempt(index) { () throws(RecordingFailure) in try files[index].flush() }
      }
      if freezeAt[index] <= now.boot { freeze(index, now) }
    }
    if newlyFrozen > 0 || now.boot - prunedAt >= .minutes(10) { prune(now) }
  }

  private var nextLook: Instant {
    var look = Instant.never
    for index in files.indices {
      look = min(look, freezeAt[index])
      if files[index].oldestWaiting < .never { look = min(look, files[index].oldestWaiting + BusFile.flushAfter) }
    }
    return look
  }

  // MARK: Pieces

  private func take(_ piece: Piece, _ now: Now) {
    switch piece.kind {
    case .freeze(let mark, let place):
      for port in plan.ports(place) where Int(port.index) < files.count {
        let index = Int(port.index)
        add("mark", mark.name, index, piece.at, now)
        if freezeAt[index] == .never { freezeAt[index] = max(piece.at + Self.aftermath, frozenAt[index] + Self.rest) }
      }
    case .missed(let count):
      // With the rest of a message its beginning is lost too.
      tellMissed(count + UInt64((message.count + Piece.bytesMax - 1) / Piece.bytesMax), piece.at, now)
      message.removeAll(keepingCapacity: true)
    case .opened:
      add("opened", "\(piece.generation.number)", Int(piece.port.index), piece.at, now)
      files[Int(piece.port.index)].opened(piece.generation)
    case .lost(let failure, let code):
      add("lost", "\(failure.name) \(code)", Int(piece.port.index), piece.at, now)
      files[Int(piece.port.index)].lost()
    case .failed(let failure): gather("failed", failure.name, piece, now)
    case .late: gather("late", "", piece, now)
    case .received: gather("in", "", piece, now)
    case .sent: gather("out", "", piece, now)
    }
  }

  /// Once a step at most: a line for each bus is more work for a thread that did not keep up.
  private func tellMissed(_ count: UInt64, _ at: Instant, _ now: Now) {
    missed += count
    guard !hasToldMissed else { return }
    for index in files.indices where files[index].hasBegun { add("missed", "\(missed)", index, at, now) }
    (missed, hasToldMissed) = (0, true)
  }

  /// A message that came in pieces is one line, also where the last of them come later.
  private func gather(_ what: StaticString, _ text: String, _ piece: Piece, _ now: Now) {
    for index in 0..<Int(piece.count) { message.append(piece.bytes[index]) }
    if piece.goesOn { return }
    add(what, text, bytes: message, Int(piece.port.index), piece.at, now)
    message.removeAll(keepingCapacity: true)
  }

  private func add(_ what: StaticString, _ text: String = "", bytes: [UInt8] = [], _ index: Int, _ at: Instant, _ now: Now) {
    guard files.indices.contains(index) else { return }
    attempt(index) { () throws(RecordingFailure) in try files[index].add(what, text, bytes, at: at, wall: now) }
  }

  private func attempt(_ index: Int, _ body: () throws(RecordingFailure) -> Void) {
    do throws(RecordingFailure) {
      try body()
      toldFailure[index] = false
    } catch {
      if !toldFailure[index] { say("the recorder cannot write: \(error)", true) }
      toldFailure[index] = true
    }
  }

  // MARK: Frozen recordings

  private func freeze(_ index: Int, _ now: Now) {
    freezeAt[index] = .never
    frozenAt[index] = now.boot
    let stamp = timeText(wall: now.wall, utcOffset: now.utcOffset).prefix(19).filter { $0 != "-" && $0 != ":" }
    let target = "\(frozenFolder)/\(files[index].name)-\(stamp).rec"
    attempt(index) { () throws(RecordingFailure) in
      try files[index].flush()
      for path in [files[index].former, files[index].current] { try copy(path, to: target) }
      say("what led to the fault on \(files[index].name) is kept in \(target)", false)
    }
    if newlyFrozen > plan.bytesFrozen / 8 { prune(now) }
  }

  private func copy(_ path: String, to target: String) throws(RecordingFailure) {
    let source = open(path, O_RDONLY | O_CLOEXEC)
    guard source >= 0 else {
      if errno == ENOENT { return }
      throw RecordingFailure(path: path, code: errno)
    }
    defer { close(source) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = unsafe read(source, &bytes, bytes.count)
      guard count >= 0 else { throw RecordingFailure(path: path, code: errno) }
      if count == 0 { return }
      try append(Array(bytes[0..<count]), to: target)
      newlyFrozen += count
    }
  }

  /// What is too old goes, and what is too much, of a bus and of all.
  private func prune(_ now: Now) {
    newlyFrozen = 0
    prunedAt = now.boot
    let oldest = now.wall / 1_000_000_000 - plan.keep.ns / 1_000_000_000
    var kept: [String: [Frozen]] = [:]
    for (folder, isFrozen) in [(frozenFolder, true), (folder, false)] {
      for name in names(in: folder) where name.hasSuffix(".rec") {
        let path = "\(folder)/\(name)"
        var facts = stat()
        guard unsafe stat(path, &facts) == 0 else { continue }
        if Int64(facts.st_mtim.tv_sec) < oldest {
          unlink(path)
        } else if isFrozen {
          // `BUS-20261126T180000.rec`
          kept[String(name.dropLast(20)), default: []].append(Frozen(path: path, at: String(name.suffix(19)), bytes: Int(facts.st_size)))
        }
      }
    }
    var rest: [Frozen] = []
    for ofBus in kept.values {
      let sorted = ofBus.sorted { $0.at < $1.at }
      for file in sorted.dropLast(Self.frozenMax) { unlink(file.path) }
      rest += sorted.suffix(Self.frozenMax)
    }
    var bytes = rest.reduce(0) { $0 + $1.bytes }
    for file in rest.sorted(by: { $0.at < $1.at }) where bytes > plan.bytesFrozen {
      unlink(file.path)
      bytes -= file.bytes
    }
  }

  private struct Frozen {
    var path: String
    /// As its name says.
    var at: String
    var bytes: Int
  }

  private func names(in folder: String) -> [String] {
    guard let stream = unsafe opendir(folder) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      unsafe names.append(withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      })
    }
    return names
  }
}

extension RequestFailure {
  /// As a recording says it.
  var name: String {
    switch self {
    case .timedOut: "timed_out"
    case .badCheck: "bad_check"
    case .wrongReply: "wrong_reply"
    case .notSent: "not_sent"
    }
  }
}

private func milliseconds(until: Instant, from now: Instant) -> Int32 {
  guard until < .never else { return -1 }
  return Int32(clamping: max(0, (until - now).ns / 1_000_000 + 1))
}
