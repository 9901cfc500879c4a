// Serial lines over real pseudo-terminals: what comes in, what goes out, losing and finding a line again.

import Domain
import Glibc
import Rings
import Synchronization
import Testing

@testable import Ports

@Suite struct SerialTests {
  let folder: Folder
  let path: String

  init() throws {
    folder = try Folder()
    path = folder.path + "/tty"
  }

  @Test func bytesArriveRawAndStamped() throws {
    let device = PtyDevice()
    try device.plug(into: path)
    let ports = try makePorts(.serial(path: path, line))
    let generation = try ports.takeOpened()
    #expect(generation == Generation(1))
    let before = bootClock()
    // What a line in cooked mode would swallow, echo or translate.
    let bytes: [UInt8] = [0x03, 0x04, 0x0A, 0x0D, 0x11, 0x13, 0x1A, 0x7F, 0x00, 0xFF, 0x5A]
    try device.write(bytes)
    #expect(try ports.takeBytes(bytes.count) == bytes)
    #expect(ports.receivedAt >= before && ports.receivedAt <= bootClock())
    #expect(ports.holdsBytes)
    // What was handed over may be somebody's code.
    while ports.next() != nil {}
    #expect(!ports.holdsBytes)
    #expect(!device.isReadable(until: .past), "nothing is echoed")
    #expect(ports.counters(of: PortID(0)).bytesIn == UInt64(bytes.count))
    #expect(ports.send([0x0A, 0x0D, 0xFF], generation))
    #expect(try device.read(3) == [0x0A, 0x0D, 0xFF])
    ports.close()
  }

  /// A pseudo-terminal has no parity; who asks for it again, with nothing else to change, is not refused.
  @Test func aLineWithParityIsOpenedAgain() throws {
    let device = PtyDevice()
    try device.plug(into: path)
    for _ in 0..<2 {
      let ports = try makePorts(.serial(path: path, Line(baud: 9600, dataBits: 8, parity: .even, stopBits: 2)))
      _ = try ports.takeOpened()
      ports.close()
    }
  }

  @Test func anOldGenerationIsNotSent() throws {
    let device = PtyDevice()
    try device.plug(into: path)
    let ports = try makePorts(.serial(path: path, line))
    _ = try ports.takeOpened()
    #expect(!ports.send([1], Generation(0)))
    #expect(!ports.send([1], Generation(1), port: 7))
    #expect(ports.counters(of: PortID(0)).dropped == 1)
    #expect(!device.isReadable(until: .past))
    ports.close()
  }

  @Test func replugUnderAnotherTTY() throws {
    let device = PtyDevice()
    try device.plug(into: path)
    let ports = try makePorts(.serial(path: path, line))
    let first = try ports.takeOpened()
    unsafe unlink(path)
    device.unplug()
    #expect(try ports.takeLost() == .hungUp)
    #expect(!ports.counters(of: PortID(0)).isOpen)

    let other = PtyDevice()
    try other.plug(into: path)
    let second = try ports.takeOpened()
    #expect(second.number == first.number + 1)
    try other.write([0x42])
    #expect(try ports.takeBytes(1) == [0x42])
    #expect(ports.counters(of: PortID(0)).losses == 1)
    ports.close()
  }

  /// The link is there again before the loss is noticed, and the back-off is long already.
  @Test func aLinkThatChangesIsTriedAtOnce() throws {
    var device = PtyDevice()
    try device.plug(into: path)
    let ports = try makePorts(.serial(path: path, line))
    let start = bootClock()
    for _ in 0..<12 {
      _ = try ports.takeOpened()
      let next = PtyDevice()
      try next.plug(into: path)
      device.unplug()
      #expect(try ports.takeLost() == .hungUp)
      device = next
    }
    _ = try ports.takeOpened()
    #expect(bootClock() - start < .seconds(5), "12 doublings of 0.1 s would be minutes")
    ports.close()
  }

  /// udev removes /dev/serial/by-id with the last adapter in it, and makes it anew with the next.
  @Test func aFolderThatGoesWithItsLinkIsAwaitedAnew() throws {
    let folders = [folder.path + "/serial", folder.path + "/serial/by-id"]
    func makeFolders() { for made in folders { unsafe mkdir(made, 0o700) } }
    func removeFolders() { for made in folders.reversed() { unsafe rmdir(made) } }
    let deep = folders[1] + "/tty"
    var device = PtyDevice()
    makeFolders()
    try device.plug(into: deep)
    let ports = try makePorts(.serial(path: deep, line))
    _ = try ports.takeOpened()
    let start = bootClock()
    for _ in 0..<10 {
      unsafe unlink(deep)
      removeFolders()
      device.unplug()
      #expect(try ports.takeLost() == .hungUp)
      device = PtyDevice()
      makeFolders()
      try device.plug(into: deep)
      _ = try ports.takeOpened()
    }
    #expect(bootClock() - start < .seconds(5), "ten doublings of 0.1 s would be more than a minute")
    ports.close()
    unsafe unlink(deep)
    removeFolders()
  }

  @Test func absentIsToldOnceAndFoundWhenItComes() throws {
    let counts = Notices()
    let ports = try Loop([PortSettings(name: "door", link: .serial(path: path, line))], BusOptions(), counts.add)
    #expect(try ports.takeLost() == .notFound)
    ports.nudge(PortID(0))
    ports.nudge(PortID(0))
    let device = PtyDevice()
    try device.plug(into: path)
    let all = try ports.take { if case .opened = $0.arrival { true } else { false } }
    #expect(all.count == 1, "no second loss")
    ports.close()
    #expect(counts.all.map(\.failure) == [.notFound, nil])
    #expect(counts.all.first?.explanation == "\(path) is not there.")
  }

  @Test func aSecondOpenIsBusyUntilTheFirstLetsGo() throws {
    let device = PtyDevice()
    try device.plug(into: path)
    let first = try makePorts(.serial(path: path, line))
    _ = try first.takeOpened()
    let second = try makePorts(.serial(path: path, line))
    #expect(try second.takeLost() == .busy)
    first.close()
    second.nudge(PortID(0))
    _ = try second.takeOpened()
    second.close()
  }

  @Test func whatIsNoSerialLineIsRefused() throws {
    close(unsafe open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
    let ports = try makePorts(.serial(path: path, line))
    #expect(try ports.takeLost() == .refused)
    ports.close()
    #expect(SerialLine.terminalSettings(Line(baud: 9601)) == nil)
    #expect(SerialLine.denied(path).contains("\(path) belongs to root:root, mode 600"))
  }

  @Test func reopenClosesAndOpens() throws {
    let device = PtyDevice()
    try device.plug(into: path)
    let ports = try makePorts(.serial(path: path, line))
    let first = try ports.takeOpened()
    ports.reopen(PortID(0), Generation(first.number + 1))
    ports.reopen(PortID(0), first)
    #expect(try ports.takeLost() == .protocolBroken)
    #expect(try ports.takeOpened() == Generation(2))
    #expect(ports.counters(of: PortID(0)).losses == 1, "an order for another generation does nothing")
    ports.close()
  }

  @Test func descriptorsStayAwayFromLibmodbus() throws {
    let device = PtyDevice()
    try device.plug(into: path)
    let ports = try makePorts(.serial(path: path, line))
    _ = try ports.takeOpened()
    let descriptor = ports.row(0).descriptor
    #expect(descriptor >= 1024)
    #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
    #expect(ports.ports.link.opened.descriptor >= 1024)
    ports.close()
  }
}

/// Collects what the keeper tells people.
final class Notices: Sendable {
  private let kept = Mutex<[PortNotice]>([])
  private let came = Semaphore()
  var all: [PortNotice] { kept.withLock { $0 } }
  var add: @Sendable (PortNotice) -> Void {
    { notice in
      self.kept.withLock { $0.append(notice) }
      self.came.post()
    }
  }
  /// Waits until one is what is wanted.
  func await(_ isWanted: (PortNotice) -> Bool) {
    while !all.contains(where: isWanted) { came.wait() }
  }
}
