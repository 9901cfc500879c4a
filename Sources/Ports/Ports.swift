// The real-time thread's side of all ports: one epoll, one wake-up.
//
// Serial lines and connections are read and written here, without blocking. Buses have a thread each (Bus.swift), which
// takes requests from a ring and answers through another. Opening and closing is the keeper's (Keeper.swift). After the
// start nothing here allocates, locks or waits, but for the one `epoll_wait`.

public import Domain
import Glibc
import Rings

/// What a port is to the real-time thread.
enum PortKind: BitwiseCopyable {
  case serial
  case connection
  case bus
  /// Read in the epoll, written by a bus.
  case hid
}

struct PortRow: BitwiseCopyable {
  var kind: PortKind
  var counters = PortCounters()
  var descriptor: Int32 = -1
  /// The address of the `Bus`, valid from its opening until the port is given back.
  var bus: UInt = 0
  var watchesWrites = false
  /// Why it was lost last.
  var loss = PortFailure.hungUp
  var lossCode: Int32 = 0
  /// Requests on the bus's thread, and when that counts as stuck.
  var underWay = 0
  var stuckAt = Instant.never
  var longestReply = Interval.zero
}

struct WatchRow: BitwiseCopyable {
  var descriptor: Int32
  var token: UInt32
}

/// All configured ports. Belongs to one thread, the real-time one: create it there, or move it there before use.
///
///     var ports = try Ports(settings) { notice in … }        // `notice` runs on the keeper's thread
///     ports.watch(bell.descriptor, token: 1)
///     while running {
///       ports.wait(until: pipeline.nextDeadline)
///       while let arrival = ports.next() { … ports.received, ports.receivedAt … }
///     }
///     ports.close()
public struct Ports: ~Copyable {
  static let receivedMax = 4096
  static let watchesMax = 16

  var rows: Table<PortRow>
  var poller: Poller
  var queue: OutQueue
  let link: KeeperLink
  let grace: Interval
  private let keeper: RunningThread
  private var isClosed = false

  private var watches: Table<WatchRow>
  private var watchCount = 0
  private(set) var buffer: Table<UInt8>
  private var bufferCount = 0
  /// The keeper or a bus has rung, and their rings are not known to be empty.
  private var hasMail = false
  /// Ports whose loss was not told yet, each once.
  private let lostPorts: Table<Int32>
  private var lossesToTell = 0
  /// The ports with a thread of their own: only these can be stuck and have replies in a ring.
  private let carried: Table<Int32>

  /// When the arrival last returned came in, on the boot clock.
  public private(set) var receivedAt = Instant.past

  /// Opens nothing itself: the keeper's thread starts at once and `opened` arrives later.
  public init(_ settings: [PortSettings], notice: @escaping @Sendable (PortNotice) -> Void) throws(PortsFailure) {
    try self.init(settings, busOptions: BusOptions(), notice: notice)
  }

  init(
    _ settings: [PortSettings], busOptions: BusOptions, notice: @escaping @Sendable (PortNotice) -> Void
  ) throws(PortsFailure) {
    try requireDescriptors()
    let poller = try Poller()
    let link = try KeeperLink(ports: settings.count)
    let watch = try LinkWatch()
    guard poller.add(link.opened.descriptor, .mail) else {
      throw PortsFailure(description: "The keeper's bell cannot be watched: \(describe(errno)).")
    }
    let started = RunningThread("keeper") {
      var keeper = Keeper(settings, link: link, watch: watch, busOptions: busOptions, notice: notice)
      keeper.run()
    }
    guard let started else { throw PortsFailure(description: "The keeper's thread does not start.") }
    let rows = settings.map { settings in
      switch settings.link {
      case .serial: PortRow(kind: .serial)
      case .modbusTCP: PortRow(kind: .connection)
      case .modbusRTU: PortRow(kind: .bus)
      case .hid: PortRow(kind: .hid)
      }
    }
    self.rows = Table(rows, filler: PortRow(kind: .serial))
    lostPorts = Table(capacity: rows.count, filledWith: 0)
    carried = Table(rows.indices.filter { rows[$0].kind == .bus || rows[$0].kind == .hid }.map { Int32($0) }, filler: 0)
    self.poller = poller
    self.link = link
    keeper = started
    queue = OutQueue(ports: settings.count)
    grace = busOptions.grace
    watches = Table(capacity: Self.watchesMax, filledWith: WatchRow(descriptor: -1, token: 0))
    buffer = Table(capacity: Self.receivedMax, filledWith: 0)
  }

  deinit { if !isClosed { endKeeper() } }

  /// Ends all threads and closes all descriptors of ports. Blocks until the requests on buses are over (2 s at most).
  public mutating func close() {
    guard !isClosed else { return }
    isClosed = true
    for index in 0..<rows.capacity where rows[index].descriptor >= 0 { poller.remove(rows[index].descriptor) }
    for index in 0..<rows.capacity {
      rows[index].descriptor = -1
      rows[index].bus = 0
      rows[index].counters.isOpen = false
    }
    endKeeper()
  }

  private borrowing func endKeeper() {
    for index in 0..<rows.capacity where rows[index].descriptor >= 0 { poller.remove(rows[index].descriptor) }
    while !link.orders.push(Order(kind: .stop, port: PortID(0))) {
      link.ordered.ring()
      sched_yield()
    }
    link.ordered.ring()
    keeper.join()
  }

  // MARK: Waiting and taking

  /// Reports `token` whenever the eventfd `descriptor` was written to. It is read (emptied) before it is reported. It
  /// must be non-blocking and belong to somebody else, who closes it only after `close()`. At most 16; `false`: refused.
  @discardableResult
  public mutating func watch(_ descriptor: Int32, token: UInt32) -> Bool {
    guard watchCount < watches.capacity, poller.add(descriptor, .watched(index: watchCount)) else { return false }
    watches[watchCount] = WatchRow(descriptor: descriptor, token: token)
    watchCount &+= 1
    return true
  }

  /// Sleeps until something arrives or `deadline` (boot clock) has come; returns at once when something waits.
  public mutating func wait(until deadline: Instant) {
    guard !hasMail, lossesToTell == 0 else { return }
    poller.wait(until: min(deadline, stuckDeadline()))
  }

  /// The next arrival, or `nil` when all that was ready is taken. Never blocks.
  public mutating func next() -> Arrival? {
    forgetReceived()
    receivedAt = bootClock()
    if let lost = takeLoss() { return lost }
    while true {
      if hasMail, let arrival = takeMail() { return arrival }
      guard let event = poller.next() else { return takeStuck() }
      switch event.tag {
      case .timer: break
      case .mail:
        link.opened.drain()
        hasMail = true
      case .watched(let index):
        drainAlert(watches[index].descriptor)
        return .signalled(token: watches[index].token)
      case .port(let index, let generation):
        guard rows[index].counters.isOpen, rows[index].counters.generation == generation else { break }
        if event.writable { flush(index) }
        if let lost = takeLoss() { return lost }
        if event.readable, let arrival = read(index, failed: event.failed) { return arrival }
      }
    }
  }

  /// What was handed over is overwritten: it may be somebody's code.
  private mutating func forgetReceived() {
    for index in 0..<bufferCount { buffer[index] = 0 }
    bufferCount = 0
  }

  /// The bytes of the arrival last returned (at most 4096), until the next call of `next`.
  public var received: Span<UInt8> {
    @_lifetime(borrow self) get { buffer.span.extracting(0..<bufferCount) }
  }

  public func counters(of port: PortID) -> PortCounters {
    let index = Int(port.index)
    return index < rows.capacity ? rows[index].counters : PortCounters()
  }

  /// The boot clock, without a system call.
  public static func bootTime() -> Instant { bootClock() }

  // MARK: Streams

  private mutating func read(_ index: Int, failed: Bool) -> Arrival? {
    let descriptor = rows[index].descriptor
    let count = unsafe buffer.withUnsafeBuffer { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
    receivedAt = bootClock()
    if count > 0 {
      bufferCount = count
      rows[index].counters.bytesIn &+= UInt64(count)
      return .bytes(PortID(index), rows[index].counters.generation)
    }
    let code = count == 0 ? 0 : errno
    if code == EINTR || code == EAGAIN && !failed { return nil }
    lose(index, count == 0 || code == EAGAIN ? .hungUp : failureInUse(code), code)
    return takeLoss()
  }

  // MARK: Mail

  /// The next answer of the keeper or of a bus.
  private mutating func takeMail() -> Arrival? {
    while let opening = link.openings.pop() {
      if let arrival = take(opening) { return arrival }
    }
    for place in 0..<carried.capacity {
      let index = Int(carried[place])
      while let reply = bus(index)?.replies.pop() {
        if let arrival = take(reply, index) { return arrival }
      }
    }
    hasMail = false
    return nil
  }

  private mutating func take(_ opening: Opening) -> Arrival? {
    let index = Int(opening.port.index)
    if let failure = opening.failure {
      return .lost(opening.port, opening.generation, failure, errno: opening.code)
    }
    rows[index].counters.generation = opening.generation
    rows[index].counters.opens &+= 1
    rows[index].counters.isOpen = true
    rows[index].descriptor = opening.descriptor
    rows[index].bus = opening.bus
    rows[index].watchesWrites = false
    rows[index].underWay = 0
    rows[index].stuckAt = .never
    rows[index].longestReply = .zero
    if opening.descriptor >= 0, !poller.add(opening.descriptor, .port(index: index, opening.generation)) {
      lose(index, .ioError, errno)
      return takeLoss()
    }
    return .opened(opening.port, opening.generation)
  }

  private mutating func take(_ reply: BusReply, _ index: Int) -> Arrival? {
    let port = PortID(index)
    let generation = rows[index].counters.generation
    receivedAt = reply.at
    if case .late = reply.outcome {
      receive(reply, index)
      return .late(port, generation)
    }
    rows[index].underWay = max(0, rows[index].underWay &- 1)
    rows[index].stuckAt = rows[index].underWay == 0 ? .never : bootClock() + rows[index].longestReply + grace
    switch reply.outcome {
    case .reply:
      receive(reply, index)
      return .bytes(port, generation)
    case .woken, .late: return nil
    case .failed(let failure):
      receive(reply, index)
      rows[index].counters.failedRequests &+= 1
      return .requestFailed(port, generation, failure)
    case .lost(let failure, let code):
      lose(index, failure, code)
      return takeLoss()
    }
  }

  private mutating func receive(_ reply: BusReply, _ index: Int) {
    bufferCount = max(0, min(Int(reply.count), 260))
    for offset in 0..<bufferCount { buffer[offset] = reply.bytes[offset] }
    rows[index].counters.bytesIn &+= UInt64(bufferCount)
  }

  // MARK: Losses

  /// Takes a port out of the epoll and gives it back to the keeper.
  mutating func lose(_ index: Int, _ failure: PortFailure, _ code: Int32) {
    guard rows[index].counters.isOpen else { return }
    if rows[index].descriptor >= 0 { poller.remove(rows[index].descriptor) }
    rows[index].counters.isOpen = false
    rows[index].counters.losses &+= 1
    rows[index].counters.dropped &+= UInt64(queue.clear(port: index))
    rows[index].descriptor = -1
    rows[index].bus = 0
    rows[index].stuckAt = .never
    rows[index].loss = failure
    rows[index].lossCode = code
    lostPorts[lossesToTell] = Int32(truncatingIfNeeded: index)
    lossesToTell &+= 1
    // There is always room: see `KeeperLink`.
    _ = link.orders.push(Order(kind: .giveBack, port: PortID(index)))
    link.ordered.ring()
  }

  private mutating func takeLoss() -> Arrival? {
    guard lossesToTell > 0 else { return nil }
    lossesToTell &-= 1
    let index = Int(lostPorts[lossesToTell])
    return .lost(PortID(index), rows[index].counters.generation, rows[index].loss, errno: rows[index].lossCode)
  }

  /// A bus whose thread did not come back long after its reply's deadline hangs in the kernel.
  private mutating func takeStuck() -> Arrival? {
    let now = bootClock()
    for place in 0..<carried.capacity where rows[Int(carried[place])].stuckAt <= now { lose(Int(carried[place]), .stuck, ETIMEDOUT) }
    return takeLoss()
  }

  private func stuckDeadline() -> Instant {
    var earliest = Instant.never
    for place in 0..<carried.capacity { earliest = min(earliest, rows[Int(carried[place])].stuckAt) }
    return earliest
  }
}
