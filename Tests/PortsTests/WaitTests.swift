// The one wait: deadlines, watched descriptors, and what it costs when nothing happens.

import CLinux
import Domain
import Glibc
import Testing

@testable import Ports

@Suite struct WaitTests {
  @Test func aDeadlineEndsTheWait() throws {
    let ports = try makePorts()
    let deadline = bootClock() + .milliseconds(5)
    ports.wait(until: deadline)
    #expect(bootClock() >= deadline)
    #expect(ports.next() == nil)
    // One that has passed; one that is nearer than the one armed; one that is later.
    ports.wait(until: .past)
    #expect(ports.next() == nil)
    ports.wait(until: bootClock() + .milliseconds(1))
    #expect(ports.next() == nil)
    let later = bootClock() + .milliseconds(8)
    ports.wait(until: bootClock() + .milliseconds(3))
    #expect(ports.next() == nil)
    ports.wait(until: later)
    #expect(bootClock() >= later)
    ports.close()
  }

  @Test func aWatchedDescriptorIsToldOnceAndEmptied() throws {
    let ports = try makePorts()
    let alert = try Alert()
    #expect(ports.watch(alert.descriptor, token: 77))
    alert.ring()
    alert.ring()
    let all = try ports.take { _ in true }
    guard case .signalled(let token) = all[0].arrival else { throw SetUpFailure(what: "signalled") }
    #expect(token == 77)
    ports.wait(until: .past)
    #expect(ports.next() == nil)
    ports.close()
  }

  @Test func backOffGrowsAndReturns() {
    var backOff = BackOff()
    var waits: [Int64] = []
    for _ in 0..<11 { waits.append(backOff.next(after: Instant(ns: 0)).ns / 1_000_000) }
    #expect(waits == [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000])
    backOff.wasOpen(for: .seconds(9))
    #expect(backOff.next(after: Instant(ns: 0)) == Instant(ns: 0) + .seconds(30))
    backOff.wasOpen(for: .seconds(10))
    #expect(backOff.next(after: Instant(ns: 0)) == Instant(ns: 0) + .milliseconds(100))
  }

  @Test func tagsSurviveTheKernel() {
    let tags: [EventTag] = [.timer, .mail, .watched(index: 15), .port(index: 0xFFFF, Generation(0xFFFF_FFFF))]
    for tag in tags { #expect(EventTag(tag.bits).bits == tag.bits) }
  }

  @Test func refusedWishesSayWhy() {
    let refusals = RealTime(priority: 1000, cpu: 1023).apply()
    #expect(refusals.map(\.wish) == [.priority, .cpu])
    #expect(refusals[0].description.contains("use 1 to 99"))
    #expect(RealTime().apply().isEmpty)
  }
}

