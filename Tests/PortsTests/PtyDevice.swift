// The other end of a serial line or connection, played by test code: no sleeping, every wait ends by an event or fails
// at its deadline.

import Domain
import Glibc

@testable import Ports

/// A failure of the test's own set-up.
struct SetUpFailure: Error {
  var what: String
  var code = errno
}

/// A temporary folder, removed with its contents.
final class Folder {
  let path: String
  init() throws {
    var template = Array("/tmp/ports-XXXXXX".utf8CString)
    guard let made = unsafe mkdtemp(&template) else { throw SetUpFailure(what: "mkdtemp") }
    path = unsafe String(cString: made)
  }
  deinit {
    if let folder = unsafe opendir(path) {
      while let entry = unsafe readdir(folder) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
          unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
        }
        unsafe unlink(path + "/" + name)
      }
      unsafe closedir(folder)
    }
    unsafe rmdir(path)
  }
}

/// A descriptor that test code reads and writes; closed by `unplug` or at the end.
class Peer {
  var descriptor: Int32 = -1

  deinit { if descriptor >= 0 { close(descriptor) } }

  func unplug() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
  }

  func write(_ bytes: [UInt8]) throws {
    let count = unsafe Glibc.write(descriptor, bytes, bytes.count)
    guard count == bytes.count else { throw SetUpFailure(what: "write") }
  }

  /// Waits for `count` bytes, 5 s at most.
  func read(_ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    let deadline = bootClock() + .seconds(5)
    while bytes.count < count {
      guard isReadable(until: deadline) else { throw SetUpFailure(what: "only \(bytes) of \(count) bytes came") }
      var buffer = [UInt8](repeating: 0, count: count - bytes.count)
      let got = unsafe Glibc.read(descriptor, &buffer, buffer.count)
      guard got > 0 else { throw SetUpFailure(what: "read") }
      bytes += buffer[..<got]
    }
    return bytes
  }

  func isReadable(until deadline: Instant) -> Bool {
    var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&wait, 1, milliseconds(from: bootClock(), to: deadline)) > 0 && wait.revents & Int16(POLLIN) != 0
  }
}

/// A pseudo-terminal: test code holds the master, the ports open the slave through a link, as a simulator serves it.
final class PtyDevice: Peer {
  let slave: String

  override init() {
    // posix_openpt and its relatives are not in Swift's Glibc; TIOCSPTLCK unlocks, TIOCGPTN tells the number.
    let master = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    var locked: Int32 = 0
    var number: Int32 = -1
    _ = unsafe ioctl(master, 0x4004_5431, &locked)
    _ = unsafe ioctl(master, 0x8004_5430, &number)
    slave = "/dev/pts/\(number)"
    super.init()
    descriptor = master
  }

  /// Puts the link at `path`, in one step.
  func plug(into path: String) throws {
    unsafe unlink(path + ".new")
    guard unsafe symlink(slave, path + ".new") == 0, unsafe rename(path + ".new", path) == 0 else { throw SetUpFailure(what: "link") }
  }
}

/// A listening socket on loopback.
final class Server: Peer {
  let port: Int

  init(port wanted: Int = 0) throws {
    let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var one: Int32 = 1
    _ = unsafe setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, 4)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(wanted).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        unsafe bind(made, pointer, size) == 0 && listen(made, 16) == 0 && getsockname(made, pointer, &size) == 0
      }
    }
    guard bound else { throw SetUpFailure(what: "bind") }
    port = Int(in_port_t(bigEndian: address.sin_port))
    super.init()
    descriptor = made
  }

  func accept() throws -> Peer {
    guard isReadable(until: bootClock() + .seconds(5)) else { throw SetUpFailure(what: "nobody connects") }
    let peer = Peer()
    peer.descriptor = Glibc.accept(descriptor, nil, nil)
    return peer
  }
}

/// What came, with its bytes.
struct Came {
  var arrival: Arrival
  var bytes: [UInt8]
}

/// Ports under test. A class, since `#expect` copies what it looks at.
final class Loop {
  var ports: Ports

  init(_ settings: [PortSettings], _ options: BusOptions, _ notice: @escaping @Sendable (PortNotice) -> Void) throws {
    ports = try Ports(settings, busOptions: options, notice: notice)
  }

  var receivedAt: Instant { ports.receivedAt }
  var holdsBytes: Bool { (0..<ports.buffer.capacity).contains { ports.buffer[$0] != 0 } }
  func row(_ port: Int) -> PortRow { ports.rows[port] }
  func bus(_ port: Int) -> Bus? { ports.bus(port) }
  func counters(of port: PortID) -> PortCounters { ports.counters(of: port) }
  func watch(_ descriptor: Int32, token: UInt32) -> Bool { ports.watch(descriptor, token: token) }
  func wait(until deadline: Instant) { ports.wait(until: deadline) }
  func next() -> Arrival? { ports.next() }
  func reopen(_ port: PortID, _ generation: Generation) { ports.reopen(port, generation) }
  func nudge(_ port: PortID) { ports.nudge(port) }
  func close() { ports.close() }

  /// Takes arrivals until one is what is wanted, 5 s at most, and returns all.
  func take(until isWanted: (Came) -> Bool) throws -> [Came] {
    var all: [Came] = []
    let deadline = bootClock() + .seconds(5)
    while bootClock() < deadline {
      wait(until: deadline)
      while let arrival = next() {
        var bytes: [UInt8] = []
        for index in 0..<ports.received.count { bytes.append(ports.received[index]) }
        all.append(Came(arrival: arrival, bytes: bytes))
        if isWanted(all[all.count - 1]) { return all }
      }
    }
    throw SetUpFailure(what: "it did not come; came: \(all)")
  }

  func takeOpened(_ port: Int = 0) throws -> Generation {
    let all = try take { if case .opened(let id, _) = $0.arrival { Int(id.index) == port } else { false } }
    guard case .opened(_, let generation)? = all.last?.arrival else { throw SetUpFailure(what: "opened") }
    return generation
  }

  func takeLost() throws -> PortFailure {
    let all = try take { if case .lost = $0.arrival { true } else { false } }
    guard case .lost(_, _, let failure, _)? = all.last?.arrival else { throw SetUpFailure(what: "lost") }
    return failure
  }

  /// Bytes of port 0 until there are `count`.
  func takeBytes(_ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let all = try take { if case .bytes = $0.arrival { true } else { false } }
      bytes += all[all.count - 1].bytes
    }
    return bytes
  }

  func send(
    _ bytes: [UInt8], _ generation: Generation, _ urgency: Urgency = .poll, within: Interval = .zero, port: Int = 0
  ) -> Bool {
    let send = Send(
      port: PortID(port), generation: generation, urgency: urgency, offset: 0, count: Int32(bytes.count),
      replyWithin: within)
    return ports.send(send, from: bytes.span)
  }
}

let line = Line(baud: 9600)

func makePorts(_ links: Link..., options: BusOptions = BusOptions()) throws -> Loop {
  try Loop(links.map { PortSettings(name: "p", link: $0) }, options, { _ in })
}
