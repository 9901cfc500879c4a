// One epoll and one timer: everything the real-time thread waits for.
//
// The timer is a timerfd on the boot clock, absolute, in the same epoll. `epoll_pwait2` would save its system calls, but
// counts on the monotonic clock, which stands still through a suspend, and relative to the call. A timer that is armed
// earlier than the next deadline is left as it is: it costs one spare wake-up when it fires, and spares a call for
// every byte that moves a deadline.

import CLinux
import CModbus
import Domain
import Glibc

/// What an event of the epoll belongs to.
enum EventTag: BitwiseCopyable {
  case timer
  case mail
  case watched(index: Int)
  case port(index: Int, Generation)

  init(_ bits: UInt64) {
    let index = Int(bits >> 32 & 0xFFFF)
    switch bits >> 48 {
    case 0: self = .timer
    case 1: self = .mail
    case 2: self = .watched(index: index)
    default: self = .port(index: index, Generation(UInt32(truncatingIfNeeded: bits)))
    }
  }

  var bits: UInt64 {
    switch self {
    case .timer: 0
    case .mail: 1 << 48
    case .watched(let index): 2 << 48 | UInt64(index) << 32
    case .port(let index, let generation): 3 << 48 | UInt64(index) << 32 | UInt64(generation.number)
    }
  }
}

/// Owns the epoll, the timer and the room for ready events. Safe: the room is allocated once, freed by `deinit`, and
/// only read below the count that the kernel returned.
@safe struct Poller: ~Copyable {
  private static let eventsMax = 64

  private let epoll: Int32
  private let timer: Int32
  private let events: UnsafeMutablePointer<epoll_event>
  private var count = 0
  private var cursor = 0
  /// When the timer fires; `never` when it is off.
  private var armed = Instant.never

  init() throws(PortsFailure) {
    let epoll = raiseDescriptor(epoll_create1(Int32(EPOLL_CLOEXEC)))
    let timer = raiseDescriptor(timerfd_create(CLOCK_BOOTTIME, Int32(TFD_NONBLOCK) | Int32(TFD_CLOEXEC)))
    self.epoll = epoll
    self.timer = timer
    unsafe events = .allocate(capacity: Self.eventsMax)
    guard epoll >= 0, timer >= 0, add(timer, .timer) else {
      throw PortsFailure(description: "No epoll or no timer: \(describe(errno)).")
    }
  }

  deinit {
    close(timer)
    close(epoll)
    unsafe events.deallocate()
  }

  /// Reports `tag` whenever `descriptor` is readable or has failed.
  func add(_ descriptor: Int32, _ tag: EventTag) -> Bool { control(EPOLL_CTL_ADD, descriptor, tag, EPOLLIN.rawValue) }

  /// Also, or no longer, reports that it can be written to.
  func watchWrites(_ descriptor: Int32, _ tag: EventTag, _ on: Bool) {
    _ = control(EPOLL_CTL_MOD, descriptor, tag, EPOLLIN.rawValue | (on ? EPOLLOUT.rawValue : 0))
  }

  func remove(_ descriptor: Int32) { _ = control(EPOLL_CTL_DEL, descriptor, .timer, 0) }

  private func control(_ operation: Int32, _ descriptor: Int32, _ tag: EventTag, _ events: UInt32) -> Bool {
    var event = unsafe epoll_event(events: events, data: epoll_data_t(u64: tag.bits))
    return unsafe epoll_ctl(epoll, operation, descriptor, &event) == 0
  }

  /// Whether events of the last wait were not taken yet.
  var hasReady: Bool { cursor < count }

  /// Sleeps until something is ready or `deadline` has come.
  mutating func wait(until deadline: Instant) {
    guard !hasReady else { return }
    while true {
      let now = bootClock()
      let due = deadline <= now
      if !due { arm(deadline, now) }
      cursor = 0
      count = max(0, Int(unsafe epoll_wait(epoll, events, Int32(Self.eventsMax), due ? 0 : -1)))
      guard count == 1, case .timer = unsafe EventTag(events[0].data.u64), !due else { return }
      // The timer alone: the deadline, or one that was left armed.
      armed = .past
      count = 0
      if bootClock() >= deadline { return }
    }
  }

  /// The next ready event: what it belongs to, and whether that can be written to, is to be read, and has failed (then it
  /// is to be read too: bytes may lie before the end).
  mutating func next() -> (tag: EventTag, writable: Bool, readable: Bool, failed: Bool)? {
    while cursor < count {
      let event = unsafe events[cursor]
      cursor &+= 1
      let tag = unsafe EventTag(event.data.u64)
      if case .timer = tag {
        armed = .past
        continue
      }
      let bits = unsafe event.events
      let failed = bits & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
      return (tag, bits & EPOLLOUT.rawValue != 0, bits & ~EPOLLOUT.rawValue != 0, failed)
    }
    return nil
  }

  /// `armed` is `past` after it has fired: setting it anew also takes back that it is readable.
  private mutating func arm(_ deadline: Instant, _ now: Instant) {
    let fired = armed <= now
    guard fired || deadline < armed else { return }
    var setting = itimerspec()
    if deadline < .never {
      setting.it_value.tv_sec = Int(deadline.ns / 1_000_000_000)
      setting.it_value.tv_nsec = Int(deadline.ns % 1_000_000_000)
    }
    unsafe timerfd_settime(timer, Int32(TFD_TIMER_ABSTIME), &setting, nil)
    armed = deadline
  }
}
