// Connections on loopback: opening, order of what is sent, short writes, servers that close or refuse.

import Domain
import Glibc
import Testing

@testable import Ports

@Suite struct TCPTests {
  @Test func connectsSendsAndReceives() throws {
    let server = try Server()
    let ports = try makePorts(.modbusTCP(host: "127.0.0.1", port: server.port))
    let peer = try server.accept()
    let generation = try ports.takeOpened()
    #expect(ports.send([0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 2], generation))
    #expect(try peer.read(12).count == 12)
    try peer.write([9, 8, 7])
    #expect(try ports.takeBytes(3) == [9, 8, 7])
    var noDelay: Int32 = 0
    var size = socklen_t(4)
    _ = unsafe getsockopt(ports.row(0).descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, &size)
    #expect(noDelay != 0)
    ports.close()
  }

  @Test func aNameIsLookedUpBesideTheKeeper() throws {
    let server = try Server()
    let ports = try makePorts(.modbusTCP(host: "localhost", port: server.port))
    // localhost may be ::1 first, where nobody listens.
    let all = try ports.take { if case .opened = $0.arrival { true } else { false } }
    #expect(all.count == 1)
    ports.close()
  }

  @Test func aServerThatClosesIsLostAndComesBack() throws {
    let server = try Server()
    let ports = try makePorts(.modbusTCP(host: "127.0.0.1", port: server.port))
    let peer = try server.accept()
    let first = try ports.takeOpened()
    try peer.write([1, 2])
    peer.unplug()
    // What came before the end is not lost with it.
    #expect(try ports.takeBytes(2) == [1, 2])
    #expect(try ports.takeLost() == .hungUp)
    #expect(!ports.send([1], first))
    let again = try server.accept()
    #expect(try ports.takeOpened() == Generation(2))
    again.unplug()
    ports.close()
  }

  /// Writing into a connection that was reset is a loss, not a signal that ends the program.
  @Test func aWriteIntoAClosedConnectionIsALoss() throws {
    let server = try Server()
    let ports = try makePorts(.modbusTCP(host: "127.0.0.1", port: server.port))
    let peer = try server.accept()
    let generation = try ports.takeOpened()
    peer.unplug()
    var sends = 0
    while ports.send([1, 2, 3], generation), sends < 1000 { sends += 1 }
    #expect(sends < 1000)
    #expect(try ports.takeLost() == .hungUp)
    ports.close()
  }

  @Test func refusedIsToldOnce() throws {
    let server = try Server()
    let port = server.port
    server.unplug()
    let ports = try makePorts(.modbusTCP(host: "127.0.0.1", port: port))
    #expect(try ports.takeLost() == .refused)
    let back = try Server(port: port)
    ports.nudge(PortID(0))
    let all = try ports.take { if case .opened = $0.arrival { true } else { false } }
    #expect(all.count == 1)
    _ = back
    ports.close()
  }

  /// The peer does not read: a message is cut by the kernel, the rest of it goes first, then actuators, then polls.
  @Test func shortWritesAreFinishedAndActuatorsGoFirst() throws {
    let server = try Server()
    let ports = try makePorts(.modbusTCP(host: "127.0.0.1", port: server.port))
    let peer = try server.accept()
    let generation = try ports.takeOpened()
    var small: Int32 = 4096
    _ = unsafe setsockopt(ports.row(0).descriptor, SOL_SOCKET, SO_SNDBUF, &small, 4)
    var expected: [UInt8] = []
    var number: UInt8 = 0
    while !ports.row(0).watchesWrites {
      let message = [UInt8](repeating: number, count: 251)
      #expect(ports.send(message, generation))
      expected += message
      number &+= 1
    }
    let polls = (1...3).map { [UInt8](repeating: 0xA0 + $0, count: 10) }
    let actuators = (1...2).map { [UInt8](repeating: 0xB0 + $0, count: 10) }
    #expect(ports.send(polls[0], generation))
    #expect(ports.send(actuators[0], generation, .actuator))
    #expect(ports.send(polls[1], generation))
    #expect(ports.send(actuators[1], generation, .actuator))
    #expect(ports.send(polls[2], generation))
    // Is the message that filled the buffer begun, or whole in the queue? In the second case actuators pass it.
    let begun = ports.counters(of: PortID(0)).bytesOut % 251 != 0
    let whole = Array(expected.suffix(251))
    let urgent = actuators.joined()
    expected = begun ? expected + urgent : expected.dropLast(251) + urgent + whole
    expected += polls.joined()
    var got: [UInt8] = []
    while got.count < expected.count {
      got += try peer.read(min(1000, expected.count - got.count))
      ports.wait(until: .past)
      #expect(ports.next() == nil)
    }
    #expect(got == expected)
    #expect(ports.counters(of: PortID(0)).shortWrites > 0)
    #expect(ports.counters(of: PortID(0)).bytesOut == UInt64(expected.count))
    #expect(!ports.row(0).watchesWrites)
    ports.close()
  }

  @Test func aFullQueueDropsAndCounts() throws {
    let server = try Server()
    let ports = try makePorts(.modbusTCP(host: "127.0.0.1", port: server.port))
    let peer = try server.accept()
    let generation = try ports.takeOpened()
    var sends = 0
    while ports.send([UInt8](repeating: 1, count: 260), generation), sends < 100_000 { sends += 1 }
    #expect(sends < 100_000)
    #expect(ports.counters(of: PortID(0)).dropped == 1)
    peer.unplug()
    _ = try ports.takeLost()
    #expect(ports.counters(of: PortID(0)).dropped == 1 + UInt64(OutQueue.messagesMax))
    ports.close()
  }
}
