// Buses: real pseudo-terminals with a device of test code at the other end. Units and functions that libmodbus knows go
// through it, others through our own framer; both must refuse the same wrong replies.

import Domain
import Glibc
import Synchronization
import Testing

@testable import Ports

/// A frame with its CRC.
func frame(_ bytes: [UInt8]) -> [UInt8] {
  var crc: UInt16 = 0xFFFF
  for byte in bytes {
    crc ^= UInt16(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xA001 : crc >> 1 }
  }
  return bytes + [UInt8(crc & 0xFF), UInt8(crc >> 8)]
}

/// One exchange: request without CRC, what the device answers (as it is on the wire), what must come.
struct ExchangeCase: Sendable, CustomTestStringConvertible {
  var name: String
  var request: [UInt8]
  var answer: [UInt8]
  var reply: [UInt8]?
  var failure: RequestFailure?
  var testDescription: String { name }

  init(_ name: String, _ request: [UInt8], answers: [UInt8], _ reply: [UInt8]) {
    (self.name, self.request, self.answer, self.reply) = (name, request, answers, reply)
  }
  init(_ name: String, _ request: [UInt8], answers: [UInt8], fails failure: RequestFailure) {
    (self.name, self.request, self.answer, self.failure) = (name, request, answers, failure)
  }
}

private let read1: [UInt8] = [1, 3, 0, 0, 0, 2]
private let good1: [UInt8] = [1, 3, 4, 1, 2, 3, 4]
private let read250: [UInt8] = [250, 3, 0, 0, 0, 1]
private let good250: [UInt8] = [250, 3, 2, 1, 2]
private let vendor: [UInt8] = [7, 0x44, 9]

private let cases: [ExchangeCase] = [
  ExchangeCase("read", read1, answers: frame(good1), good1),
  ExchangeCase("write a coil", [1, 5, 0, 3, 0xFF, 0], answers: frame([1, 5, 0, 3, 0xFF, 0]), [1, 5, 0, 3, 0xFF, 0]),
  ExchangeCase("write registers", [1, 16, 0, 3, 0, 1, 2, 7, 8], answers: frame([1, 16, 0, 3, 0, 1]), [1, 16, 0, 3, 0, 1]),
  ExchangeCase("exception", read1, answers: frame([1, 0x83, 2]), [1, 0x83, 2]),
  ExchangeCase("unit 250", read250, answers: frame(good250), good250),
  ExchangeCase("unit 254, any sensor", [254, 4, 0, 0, 0, 1], answers: frame([254, 4, 2, 1, 0x90]), [254, 4, 2, 1, 0x90]),
  ExchangeCase("unit 250, exception", read250, answers: frame([250, 0x83, 2]), [250, 0x83, 2]),
  ExchangeCase("vendor function", vendor, answers: frame([7, 0x44, 1, 2, 3]), [7, 0x44, 1, 2, 3]),
  ExchangeCase("bad CRC", read1, answers: frame(good1).dropLast() + [0], fails: .badCheck),
  ExchangeCase("unit 250, bad CRC", read250, answers: frame(good250).dropLast() + [0], fails: .badCheck),
  ExchangeCase("another unit", read1, answers: frame([2, 3, 4, 1, 2, 3, 4]), fails: .wrongReply),
  ExchangeCase("unit 250, another unit", read250, answers: frame([1, 3, 2, 1, 2]), fails: .wrongReply),
  ExchangeCase("another unit first", read1, answers: frame([2, 3, 4, 1, 2, 3, 4]) + frame(good1), good1),
  ExchangeCase("unit 250, another unit first", read250, answers: frame([1, 3, 2, 1, 2]) + frame(good250), good250),
  ExchangeCase("another function", read1, answers: frame([1, 4, 4, 1, 2, 3, 4]), fails: .wrongReply),
  ExchangeCase("unit 250, another function", read250, answers: frame([250, 4, 2, 1, 2]), fails: .wrongReply),
  ExchangeCase("silence", read1, answers: [], fails: .timedOut),
  ExchangeCase("unit 250, silence", read250, answers: [], fails: .timedOut),
  ExchangeCase("cut short", read1, answers: [1, 3, 4, 1], fails: .timedOut),
]

@Suite struct RTUTests {
  let folder: Folder
  let path: String
  let device: PtyDevice

  init() throws {
    folder = try Folder()
    path = folder.path + "/bus"
    device = PtyDevice()
    try device.plug(into: path)
  }

  @Test(arguments: cases) func exchange(_ one: ExchangeCase) throws {
    let ports = try makePorts(.modbusRTU(path: path, line))
    let generation = try ports.takeOpened()
    #expect(ports.send(one.request, generation, within: one.failure == .timedOut ? .milliseconds(20) : .seconds(2)))
    #expect(try device.read(one.request.count + 2) == frame(one.request))
    if !one.answer.isEmpty { try device.write(one.answer) }
    let all = try ports.take { if case .late = $0.arrival { false } else { true } }
    // What another unit says is told too, as it is on the wire.
    let stranger = frame(one.answer.first == 2 ? [2, 3, 4, 1, 2, 3, 4] : [1, 3, 2, 1, 2])
    #expect(all.dropLast().map(\.bytes) == (one.name.contains("another unit") ? [stranger] : []))
    guard let came = all.last else { return }
    switch came.arrival {
    case .bytes(let port, let gave): #expect(port == PortID(0) && gave == generation && came.bytes == one.reply)
    case .requestFailed(_, _, let failure):
      #expect(failure == one.failure)
      // What came instead is there to be looked at.
      if failure == .badCheck { #expect(came.bytes == one.answer) }
    default: Issue.record("\(came)")
    }
    #expect(ports.counters(of: PortID(0)).failedRequests == (one.failure == nil ? 0 : 1))
    ports.close()
  }

  /// Where the line gives back what is sent, and another unit's reply comes late besides.
  @Test func anEchoAndAStrangerAreReadAway() throws {
    var echoing = line
    echoing.echoes = true
    let ports = try makePorts(.modbusRTU(path: path, echoing))
    let generation = try ports.takeOpened()
    #expect(ports.send(read1, generation, within: .seconds(2)))
    let heard = try device.read(8)
    try device.write(heard + frame([2, 3, 4, 9, 9, 9, 9]) + frame(good1))
    #expect(try ports.takeBytes(7) == good1)
    ports.close()
  }

  /// A late reply lies in the tty when the next request goes out: it must not be taken for the next one's.
  @Test func whatCameLateIsFlushed() throws {
    let ports = try makePorts(.modbusRTU(path: path, line))
    let generation = try ports.takeOpened()
    #expect(ports.send(read1, generation, within: .milliseconds(5)))
    _ = try device.read(8)
    _ = try ports.take { if case .requestFailed(_, _, .timedOut) = $0.arrival { true } else { false } }
    try device.write(frame([1, 3, 4, 9, 9, 9, 9]))
    #expect(ports.send(read1, generation, within: .seconds(2)))
    _ = try device.read(8)
    try device.write(frame(good1))
    // It is told, so that whoever waits for it knows.
    let late = try ports.take { if case .bytes = $0.arrival { true } else { false } }
    #expect(late.map(\.bytes) == [frame([1, 3, 4, 9, 9, 9, 9]), good1])
    if case .late? = late.first?.arrival {} else { Issue.record("\(late)") }
    ports.close()
  }

  /// Noise and several of them: each whole one is told.
  @Test func allThatCameLateIsTold() throws {
    let ports = try makePorts(.modbusRTU(path: path, line))
    let generation = try ports.takeOpened()
    let two = [frame([1, 3, 4, 9, 9, 9, 9]), frame([7, 4, 2, 1, 1])]
    try device.write([0, 0xFF] + two[0] + [3] + two[1] + [1, 3, 4])
    #expect(ports.send(read1, generation, within: .seconds(2)))
    _ = try device.read(8)
    try device.write(frame(good1))
    #expect(try ports.take { if case .bytes = $0.arrival { true } else { false } }.map(\.bytes) == two + [good1])
    ports.close()
  }

  /// A byte now and then does not hold the bus: one deadline for all of a reply.
  @Test(arguments: [read1, read250]) func dribbling(_ request: [UInt8]) throws {
    let ports = try makePorts(.modbusRTU(path: path, line))
    let generation = try ports.takeOpened()
    let start = bootClock()
    #expect(ports.send(request, generation, within: .milliseconds(100)))
    _ = try device.read(8)
    let reply: [UInt8] = [request[0], 3, 100] + [UInt8](repeating: 0, count: 102)
    var sent = 0
    var failed: RequestFailure?
    while failed == nil, sent < reply.count {
      try device.write([reply[sent]])
      sent += 1
      ports.wait(until: bootClock() + .milliseconds(20))
      if case .requestFailed(_, _, let failure)? = ports.next() { failed = failure }
    }
    let took = bootClock() - start
    #expect(failed == .timedOut || failed == .badCheck)
    #expect(took >= .milliseconds(100) && took < .milliseconds(1500), "\(took.ns) ns for 105 bytes of 20 ms each")
    ports.close()
  }

  @Test func actuatorsGoBeforePolls() throws {
    let gate = Gate()
    let options = BusOptions(beforeExchange: { gate.pass() })
    let ports = try makePorts(.modbusRTU(path: path, line), options: options)
    let generation = try ports.takeOpened()
    // The first is on the bus's thread while the others come.
    #expect(ports.send(read1, generation, within: .milliseconds(2)))
    gate.awaitArrival()
    #expect(ports.send([1, 3, 0, 0, 0, 9], generation, within: .milliseconds(2)))
    #expect(ports.send([1, 5, 0, 3, 0xFF, 0], generation, .actuator, within: .milliseconds(2)))
    gate.open()
    for _ in 0..<3 { _ = try ports.take { if case .requestFailed = $0.arrival { true } else { false } } }
    #expect(try device.read(8) == frame(read1))
    #expect(try device.read(8) == frame([1, 5, 0, 3, 0xFF, 0]))
    #expect(try device.read(8) == frame([1, 3, 0, 0, 0, 9]))
    ports.close()
  }

  @Test func hangUpWhileIdleIsToldAndTheBusComesBack() throws {
    let ports = try makePorts(.modbusRTU(path: path, line))
    _ = try ports.takeOpened()
    let other = PtyDevice()
    try other.plug(into: path)
    device.unplug()
    #expect(try ports.takeLost() == .hungUp)
    let generation = try ports.takeOpened()
    #expect(generation == Generation(2))
    #expect(ports.send(read1, generation, within: .seconds(2)))
    _ = try other.read(8)
    try other.write(frame(good1))
    #expect(try ports.takeBytes(7) == good1)
    ports.close()
  }

  /// A thread that does not come back from the kernel: its bus is failed, the door goes on, and it may come back later.
  @Test func aStuckThreadIsAbandoned() throws {
    let gate = Gate()
    let options = BusOptions(grace: .milliseconds(20), beforeExchange: { gate.pass() })
    let ports = try makePorts(.modbusRTU(path: path, line), options: options)
    let generation = try ports.takeOpened()
    #expect(ports.send(read1, generation, within: .milliseconds(2)))
    #expect(try ports.takeLost() == .stuck)
    #expect(!ports.send(read1, generation, within: .milliseconds(2)))
    gate.open()
    ports.nudge(PortID(0))
    #expect(try ports.takeOpened() == Generation(2))
    ports.close()
  }

  /// The tty of a thread that hangs stays locked; plugged in anew, the bus works beside it.
  @Test func anAbandonedThreadDoesNotHoldUpANewOne() throws {
    let gate = Gate()
    let options = BusOptions(grace: .milliseconds(20), endMax: .milliseconds(20), beforeExchange: { gate.pass() })
    let notices = Notices()
    let ports = try Loop([PortSettings(name: "bus", link: .modbusRTU(path: path, line))], options, notices.add)
    let first = try ports.takeOpened()
    #expect(ports.send(read1, first, within: .milliseconds(2)))
    #expect(try ports.takeLost() == .stuck)
    notices.await { $0.failure == .stuck }
    let other = PtyDevice()
    try other.plug(into: path)
    let second = try ports.takeOpened()
    gate.open()
    #expect(ports.send(read1, second, within: .seconds(2)))
    _ = try other.read(8)
    try other.write(frame(good1))
    #expect(try ports.takeBytes(7) == good1)
    ports.close()
  }

  @Test func tooManyRequestsAreDroppedAndCounted() throws {
    let gate = Gate()
    let ports = try makePorts(.modbusRTU(path: path, line), options: BusOptions(beforeExchange: { gate.pass() }))
    let generation = try ports.takeOpened()
    var taken = 0
    for _ in 0..<20 where ports.send(read1, generation, within: .milliseconds(1)) { taken += 1 }
    #expect(taken == Bus.requestsMax)
    #expect(ports.counters(of: PortID(0)).dropped == 12)
    gate.open()
    for _ in 0..<taken { _ = try ports.take { if case .requestFailed = $0.arrival { true } else { false } } }
    ports.close()
  }

  @Test func aWakingByteGoesOutAloneAndNothingComesForIt() throws {
    let ports = try makePorts(.modbusRTU(path: path, line))
    let generation = try ports.takeOpened()
    #expect(ports.send([0], generation))
    #expect(ports.send(read1, generation, within: .seconds(2)))
    #expect(try device.read(9) == [0] + frame(read1))
    try device.write(frame(good1))
    let all = try ports.take { _ in true }
    #expect(all[0].bytes == good1)
    #expect(ports.row(0).underWay == 0)
    ports.close()
  }

  @Test func theTTYStaysInReachOfLibmodbus() throws {
    let ports = try makePorts(.modbusRTU(path: path, line))
    _ = try ports.takeOpened()
    #expect((ports.bus(0)?.descriptor).map { $0 < 1024 } == true)
    ports.close()
  }
}

/// Holds a thread until it is opened.
final class Gate: Sendable {
  private let arrived = Semaphore()
  private let opened = Semaphore()

  func pass() {
    arrived.post()
    opened.wait()
    opened.post()
  }
  func awaitArrival() { arrived.wait() }
  func open() { opened.post() }
}

/// A POSIX semaphore. Safe: it never moves, and is freed when nobody can wait for it.
@safe final class Semaphore: @unchecked Sendable {
  private let raw = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  init() { unsafe sem_init(raw, 0, 0) }
  deinit {
    unsafe sem_destroy(raw)
    unsafe raw.deallocate()
  }
  func post() { unsafe sem_post(raw) }
  func wait() { while unsafe sem_wait(raw) != 0 {} }
}
