// Goal: what a device has told of somebody is overwritten, and nothing of anybody else. Method: two ports whose buffers lie beside
// each other, of every kind and in both orders; one has heard half a frame when the other is wiped.

import Domain
import Testing

@testable import Devices

@Suite struct WipeTests {
  private let frame = Framing(startsWith: [0x10], length: 4, check: .sum8(from: 0, at: 3))

  @Test(arguments: [PortKind.modbusTCP, .modbusRTU, .serial], [true, false])
  func touchesNobodyElsesBytes(kind: PortKind, isFirst: Bool) {
    let listener = framed([frame], [field("v", at: 1)])
    let wiped = kind == .serial ? listener : sensor()
    let (own, other) = isFirst ? (PortID(0), PortID(1)) : (PortID(1), PortID(0))
    var plans = [DevicePlan(profile: wiped, port: own, unit: 1, isAtLane: false)]
    plans.insert(DevicePlan(profile: listener, port: other, unit: 0, isAtLane: false), at: isFirst ? 1 : 0)
    let bench = Bench(isFirst ? [kind, .serial] : [.serial, kind], plans)
    let heard = summed([0x10, 7, 0])
    bench.receive(Array(heard.prefix(2)), other)
    bench.instruments.wipe(DeviceID(isFirst ? 0 : 1))
    bench.receive(Array(heard.dropFirst(2)), other)
    #expect(bench.readings.map(\.decoded) == [7])
  }
}
