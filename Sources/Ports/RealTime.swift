// What the real-time thread may ask of the kernel. It runs well without; each wish is granted or refused by itself.

import CLinux
import Glibc

/// Wishes for the calling thread.
public struct RealTime: Sendable, Equatable {
  /// SCHED_FIFO with this priority, 1 to 99; `nil`: the normal scheduler.
  public var priority: Int?
  /// Run on this CPU only; `nil`: on any.
  public var cpu: Int?
  /// Keep the process's memory from being swapped out.
  public var lockMemory: Bool

  public init(priority: Int? = nil, cpu: Int? = nil, lockMemory: Bool = false) {
    self.priority = priority
    self.cpu = cpu
    self.lockMemory = lockMemory
  }
}

/// A wish that the kernel refused.
public struct RealTimeRefusal: Error, Sendable, CustomStringConvertible {
  public enum Wish: String, Sendable { case priority, cpu, lockMemory = "lock_memory" }
  public var wish: Wish
  public var errno: Int32
  /// What was asked, what the kernel said, and the fix.
  public var description: String
}

extension RealTime {
  /// Applies the wishes to the calling thread (memory: to the process) and returns those that were refused.
  public func apply() -> [RealTimeRefusal] {
    var refusals: [RealTimeRefusal] = []
    if let priority { applyPriority(priority, &refusals) }
    if let cpu { applyCPU(cpu, &refusals) }
    // MCL_ONFAULT: pages are locked when they are first used, else the stacks of all threads would become resident.
    if lockMemory, mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0 {
      refuse(.lockMemory, errno, "Memory is not locked", "set LimitMEMLOCK=infinity in the unit", &refusals)
    }
    return refusals
  }

  private func applyPriority(_ priority: Int, _ refusals: inout [RealTimeRefusal]) {
    var wanted = sched_param()
    wanted.sched_priority = Int32(clamping: priority)
    let code = unsafe pthread_setschedparam(pthread_self(), SCHED_FIFO, &wanted)
    guard code != 0 else { return }
    let fix = code == EINVAL ? "use 1 to 99" : "give CAP_SYS_NICE or LimitRTPRIO=\(priority) in the unit"
    refuse(.priority, code, "SCHED_FIFO priority \(priority) is refused", fix, &refusals)
  }

  private func applyCPU(_ cpu: Int, _ refusals: inout [RealTimeRefusal]) {
    guard (0..<1024).contains(cpu) else {
      return refuse(.cpu, EINVAL, "CPU \(cpu) does not exist", "use 0 to the number of CPUs less one", &refusals)
    }
    var set = cpu_set_t()
    let bits = MemoryLayout<UInt>.size * 8
    unsafe withUnsafeMutableBytes(of: &set) { bytes in
      let words = unsafe bytes.assumingMemoryBound(to: UInt.self)
      unsafe words[cpu / bits] |= 1 << UInt(cpu % bits)
    }
    guard unsafe sched_setaffinity(0, MemoryLayout<cpu_set_t>.size, &set) != 0 else { return }
    refuse(.cpu, errno, "CPU \(cpu) is refused", "use a CPU that is online and allowed to the unit", &refusals)
  }

  private func refuse(
    _ wish: RealTimeRefusal.Wish, _ code: Int32, _ what: String, _ fix: String, _ refusals: inout [RealTimeRefusal]
  ) {
    refusals.append(RealTimeRefusal(wish: wish, errno: code, description: "\(what): \(describe(code)); \(fix)."))
  }
}

/// Room for the descriptors that are kept above libmodbus's reach.
func requireDescriptors() throws(PortsFailure) {
  let needed: rlim_t = 8192
  var limit = rlimit()
  guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < needed else { return }
  guard limit.rlim_max >= needed else {
    throw PortsFailure(
      description: "At most \(limit.rlim_max) descriptors are allowed, \(needed) are needed; set LimitNOFILE=\(needed).")
  }
  limit.rlim_cur = needed
  _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
