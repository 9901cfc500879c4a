// Plugged and unplugged 200 times: descriptors and threads end up where they began. In a process of its own, since
// other tests open and close things too.

import Domain
import Glibc
import Testing

@testable import Ports

private func entries(_ folder: String) -> Int {
  guard let list = unsafe opendir(folder) else { return -1 }
  defer { unsafe closedir(list) }
  var count = 0
  while unsafe readdir(list) != nil { count += 1 }
  return count
}

@Suite struct StormTests {
  @Test(arguments: [false, true]) func nothingLeaks(_ isBus: Bool) async {
    await #expect(processExitsWith: .success) { [isBus] in
      let folder = try Folder()
      let path = folder.path + "/tty"
      var device = PtyDevice()
      try device.plug(into: path)
      let ports = try makePorts(isBus ? .modbusRTU(path: path, line) : .serial(path: path, line))
      _ = try ports.takeOpened()
      let (descriptors, threads) = (entries("/proc/self/fd"), entries("/proc/self/task"))
      for cycle in 1...200 {
        let next = PtyDevice()
        try next.plug(into: path)
        device.unplug()
        device = next
        _ = try ports.takeLost()
        let generation = try ports.takeOpened()
        #expect(generation == Generation(UInt32(cycle + 1)))
      }
      #expect(entries("/proc/self/fd") == descriptors)
      #expect(entries("/proc/self/task") == threads)
      #expect(ports.counters(of: PortID(0)).losses == 200)
      ports.close()
      #expect(entries("/proc/self/task") == threads - (isBus ? 2 : 1))
    }
  }
}
