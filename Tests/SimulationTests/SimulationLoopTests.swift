// The loop with real pseudo-terminals and sockets, in a folder of its own and on loopback. The test turns the loop
// itself, as often as it takes and at most two hundred times: no thread, no sleep.

import Domain
import Foundation
import Glibc
import Testing

@testable import Simulation

@Suite(.serialized) struct SimulationLoopTests {
  private final class Stand {
    let folder: String
    let loop: SimulationLoop

    init(course: Course? = nil) throws {
      folder = NSTemporaryDirectory() + "simulation-\(UUID().uuidString)"
      let world = World(Sample.door(folder: folder + "/tty", port: 0))
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      loop = try SimulationLoop(world, course: course, commands: folder + "/sim.sock")
    }
    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func turn(until done: () -> Bool) {
      for _ in 0..<200 where !done() { loop.turn(atMost: .milliseconds(20)) }
    }

    /// Turns until `count` bytes have come, or no more come.
    func read(_ descriptor: Int32, _ count: Int) -> [UInt8] {
      var bytes: [UInt8] = []
      turn {
        if case .success(let more?) = readSome(descriptor) { bytes += more }
        return bytes.count >= count
      }
      return bytes
    }

    /// Whether the far end closes the connection.
    func isEnded(_ descriptor: Int32) -> Bool {
      var ended = false
      turn {
        if case .success(let more?) = readSome(descriptor), more.isEmpty { ended = true }
        return ended
      }
      return ended
    }

    func open(_ name: String) -> Int32 {
      let descriptor = unsafe Glibc.open(folder + "/tty/" + name, O_RDWR | O_NOCTTY | O_NONBLOCK)
      loop.turn(atMost: .milliseconds(20))
      return descriptor
    }

    func target(_ name: String) -> String {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: folder + "/tty/" + name)) ?? ""
    }

    func quit() {
      _ = perform("quit")
      loop.run()
    }

    /// One command over the command socket.
    func perform(_ line: String) -> String {
      let descriptor = connectUnix(folder + "/sim.sock")
      defer { close(descriptor) }
      writeSome(descriptor, Array((line + "\n").utf8))
      var bytes: [UInt8] = []
      turn {
        if case .success(let more?) = readSome(descriptor) { bytes += more }
        return bytes.last == 10
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  @Test func lineAnswersBehindItsLink() throws {
    let stand = try Stand()
    #expect(stand.target("io").hasPrefix("/dev/pts/"))
    let io = stand.open("io")
    defer { close(io) }
    writeSome(io, hex("01 02 00 00 00 08 79 cc"))
    #expect(stand.read(io, 6) == rtuFrame(unit: 1, [2, 1, 0]))
    let ir = stand.open("ir")
    defer { close(ir) }
    let frame = stand.read(ir, 9)
    #expect(frame.starts(with: [0x5A, 0x5A, 0x45, 0x04]), "raw from the first byte: \(frame)")
    stand.quit()
  }

  @Test func nobodyListeningHearsNothingOld() throws {
    let stand = try Stand()
    var turns = 0
    stand.turn { turns += 1; return turns > 20 }
    let ir = stand.open("ir")
    let began = stand.loop.world.now
    _ = stand.read(ir, 9)
    #expect(stand.loop.world.now - began >= .milliseconds(10), "a frame that waited would have been there at once")
    close(ir)
    turns = 0
    stand.turn { turns += 1; return turns > 5 }
    let again = stand.open("ir")
    #expect(again >= 0)
    #expect(stand.read(again, 9).starts(with: [0x5A, 0x5A, 0x45, 0x04]), "after a listener left the line is as before")
    close(again)
    stand.quit()
  }

  @Test func replugComesUnderAnotherName() throws {
    let stand = try Stand()
    let first = stand.target("ir")
    let ir = stand.open("ir")
    #expect(stand.perform("unplug ir") == "ok\n")
    #expect(stand.target("ir").isEmpty)
    var list = [pollfd(fd: ir, events: Int16(POLLIN), revents: 0)]
    unsafe poll(&list, 1, 0)
    #expect(list[0].revents & Int16(POLLHUP) != 0)
    #expect(stand.perform("replug ir") == "ok\n")
    #expect(stand.target("ir").hasPrefix("/dev/pts/") && stand.target("ir") != first)
    close(ir)
    #expect(stand.perform("state").contains(stand.target("ir")))
    stand.quit()
    #expect(stand.target("ir").isEmpty && stand.target("io").isEmpty, "links are taken away at the end")
    #expect(!FileManager.default.fileExists(atPath: stand.folder + "/sim.sock"))
  }

  @Test func gatewayAnswersOnItsSocket() throws {
    let stand = try Stand()
    let port = Int(stand.loop.world.servedAt[2]?.split(separator: ":").last ?? "") ?? 0
    let client = connectTCP(port)
    #expect(client >= 0)
    writeSome(client, hex("00 07 00 00 00 06 05 04 00 00 00 01"))
    #expect(stand.read(client, 11) == hex("00 07 00 00 00 05 05 04 02 00 00"))
    writeSome(client, hex("47 45 54 20 2f 20 48 54"))
    var ended = false
    stand.turn {
      if case .success(let more?) = readSome(client), more.isEmpty { ended = true }
      return ended
    }
    #expect(ended, "who speaks no Modbus is hung up on")
    close(client)
    stand.quit()
  }

  /// Bytes with delays keep them on a real line and a real connection, and a device that hangs up closes its connection.
  @Test func faultsTakeTheirTime() throws {
    let stand = try Stand()
    let io = stand.open("io")
    defer { close(io) }
    #expect(stand.perform("fault board split by=0.1") == "ok\n")
    writeSome(io, hex("01 02 00 00 00 08 79 cc"))
    #expect(stand.read(io, 3) == Array(rtuFrame(unit: 1, [2, 1, 0])[..<3]))
    let began = stand.loop.world.now
    #expect(stand.read(io, 3) == Array(rtuFrame(unit: 1, [2, 1, 0])[3...]))
    #expect(stand.loop.world.now - began > .milliseconds(50))
    let port = Int(stand.loop.world.servedAt[2]?.split(separator: ":").last ?? "") ?? 0
    let client = connectTCP(port)
    #expect(stand.perform("fault room-b-co2 trickle by=0.01") == "ok\n")
    writeSome(client, hex("00 07 00 00 00 06 05 04 00 00 00 01"))
    let sent = stand.loop.world.now
    #expect(stand.read(client, 11) == hex("00 07 00 00 00 05 05 04 02 00 00"))
    #expect(stand.loop.world.now - sent >= .milliseconds(100))
    #expect(stand.perform("fault room-b-co2 hang_up") == "ok\n")
    writeSome(client, hex("00 08 00 00 00 06 05 04 00 00 00 01"))
    #expect(stand.isEnded(client))
    close(client)
    stand.quit()
  }

  /// A peer that closes at once, and one that listens no more.
  @Test func connectionsThatComeToNothing() throws {
    let stand = try Stand()
    let port = Int(stand.loop.world.servedAt[2]?.split(separator: ":").last ?? "") ?? 0
    #expect(stand.perform("fault room-b-co2 drops") == "ok\n")
    let client = connectTCP(port)
    #expect(client >= 0, "it is accepted")
    #expect(stand.isEnded(client))
    close(client)
    #expect(stand.perform("unplug rooms") == "ok\n")
    #expect(connectTCP(port) == -1, "it is refused")
    stand.quit()
  }

  @Test func neverReplacesWhatIsNoLink() throws {
    let folder = NSTemporaryDirectory() + "simulation-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data("mine".utf8).write(to: URL(fileURLWithPath: folder + "/io"))
    #expect(throws: SystemError.self) { try SimulationLoop(World(Sample.door(folder: folder, port: 0))) }
    #expect(try String(contentsOfFile: folder + "/io", encoding: .utf8) == "mine")
    #expect(!FileManager.default.fileExists(atPath: folder + "/ir"), "and what it had put up is down again")
  }

  @Test func aScenarioIsPlayed() throws {
    let orders = [(10, "room room-a co2=1234"), (20, "room room-b co2=999")]
    let happens = orders.map { Happening(at: .milliseconds(Int64($0)), line: 1, what: .order($1), words: $1) }
    let stand = try Stand(course: Course(happens, every: nil))
    stand.turn { stand.loop.world.rooms[1].ppm > 900 }
    #expect(stand.loop.world.rooms[0].ppm > 1_200)
    stand.quit()
  }
}

private func connectUnix(_ path: String) -> Int32 {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
  let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
  _ = unsafe withUnsafePointer(to: &address) { pointer in
    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
  return descriptor
}

private func connectTCP(_ port: Int) -> Int32 {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  let result = unsafe withUnsafePointer(to: &address) { pointer in
    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
  guard result == 0 else { return -1 }
  _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
  return descriptor
}
