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
  /// How long frozen recordings are kept: they hold raw values of people, so not longer than those in the log.
  public var keep: Interval

  public init(
    folder: String, buses: [Bus], ports: @escaping @Sendable (Place) -> [PortID], span: Interval, bytesPerBus: Int,
    keep: Interval
  ) {
    self.folder = folder
    self.buses = buses
    self.ports = ports
    self.span = span
    self.bytesPerBus = bytesPerBus
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
  private var message: (way: StaticString, port: Int, at: Instant, bytes: [UInt8])?
  private var toldFailure = false
  private var hasFrozen = false
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
    for index in files.indices { attempt { () throws(RecordingFailure) in try files[index].flush() } }
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
    writeMessage(now)
    for index in files.indices {
      if files[index].oldestWaiting + BusFile.flushAfter <= now.boot, files[index].oldestWaiting < .never {
        attempt { () throws(RecordingFailure) in try files[index].flush() }
      }
      if freezeAt[index] <= now.boot { freeze(index, now) }
    }
    if hasFrozen {
      hasFrozen = false
      prune(now)
    }
    if now.boot - prunedAt >= .minutes(10) {
      prunedAt = now.boot
      prune(now)
    }
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
    if !piece.continues { writeMessage(now) }
    switch piece.kind {
    case .freeze(let mark, let place):
      for port in plan.ports(place) where Int(port.index) < files.count {
        let index = Int(port.index)
        add("mark", mark.name, index, piece.at, now)
        if freezeAt[index] == .never { freezeAt[index] = max(piece.at + Self.aftermath, frozenAt[index] + Self.rest) }
      }
    case .missed(let count): tellMissed(count, piece.at, now)
    case .opened:
      add("opened", "\(piece.generation.number)", Int(piece.port.index), piece.at, now)
      files[Int(piece.port.index)].opened(piece.generation)
    case .lost(let failure, let code):
      add("lost", "\(failure.name) \(code)", Int(piece.port.index), piece.at, now)
      files[Int(piece.port.index)].lost()
    case .failed(let failure): add("failed", failure.name, Int(piece.port.index), piece.at, now)
    case .received: gather("in", piece)
    case .sent: gather("out", piece)
    }
  }

  /// Once a step at most: a line for each bus is more work for a thread that did not keep up.
  private func tellMissed(_ count: UInt64, _ at: Instant, _ now: Now) {
    missed += count
    guard !hasToldMissed else { return }
    for index in files.indices where files[index].hasBegun { add("missed", "\(missed)", index, at, now) }
    (missed, hasToldMissed) = (0, true)
  }

  /// A message that came in pieces is one line.
  private func gather(_ way: StaticString, _ piece: Piece) {
    if message == nil { message = (way, Int(piece.port.index), piece.at, []) }
    for index in 0..<Int(piece.count) { message?.bytes.append(piece.bytes[index]) }
  }

  private func writeMessage(_ now: Now) {
    guard let whole = message else { return }
    message = nil
    add(whole.way, bytes: whole.bytes, whole.port, whole.at, now)
  }

  private func add(_ what: StaticString, _ text: String = "", bytes: [UInt8] = [], _ index: Int, _ at: Instant, _ now: Now) {
    guard files.indices.contains(index) else { return }
    attempt { () throws(RecordingFailure) in try files[index].add(what, bytes, text, at: at, wall: now) }
  }

  private func attempt(_ body: () throws(RecordingFailure) -> Void) {
    do throws(RecordingFailure) {
      try body()
      toldFailure = false
    } catch {
      if !toldFailure { say("the recorder cannot write: \(error)", true) }
      toldFailure = true
    }
  }

  // MARK: Frozen recordings

  private func freeze(_ index: Int, _ now: Now) {
    freezeAt[index] = .never
    frozenAt[index] = now.boot
    let stamp = timeText(wall: now.wall, utcOffset: now.utcOffset).prefix(19).filter { $0 != "-" && $0 != ":" }
    let target = "\(frozenFolder)/\(files[index].name)-\(stamp).rec"
    attempt { () throws(RecordingFailure) in
      try files[index].flush()
      for path in [files[index].former, files[index].current] { try copy(path, to: target) }
      say("what led to the fault on \(files[index].name) is kept in \(target)", false)
    }
    hasFrozen = true
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
    }
  }

  /// What is too old goes, and of a bus what is too much.
  private func prune(_ now: Now) {
    let oldest = now.wall / 1_000_000_000 - plan.keep.ns / 1_000_000_000
    var kept: [String: [String]] = [:]
    for (folder, isFrozen) in [(frozenFolder, true), (folder, false)] {
      for name in names(in: folder) where name.hasSuffix(".rec") {
        let path = "\(folder)/\(name)"
        var facts = stat()
        guard unsafe stat(path, &facts) == 0 else { continue }
        if Int64(facts.st_mtim.tv_sec) < oldest {
          unlink(path)
        } else if isFrozen {
          // `BUS-20261126T180000.rec`
          kept[String(name.dropLast(20)), default: []].append(path)
        }
      }
    }
    for paths in kept.values { for path in paths.sorted().dropLast(Self.frozenMax) { unlink(path) } }
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
