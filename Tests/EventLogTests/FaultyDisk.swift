// A disk that fails when told: SQLite's file layer, replaced for this process. The log opens its files through SQLite's
// default file layer (docs/decisions/0004), so a test that registers its own as the default stands where the disk is.
//
// Files behave as ever, with two differences: a sync is believed and not done, so that thousands of commits take no time,
// and a folder may have a fault: one kind of call fails, from the nth on, once or for ever, or waits until it is let go.

import Foundation
import GRDBSQLite
import Synchronization

/// A kind of call to the disk.
enum DiskCall: CaseIterable, Sendable { case open, read, write, sync, truncate }

/// What is wrong with the disk under a folder.
struct DiskFault: Sendable {
  var call: DiskCall
  /// SQLite's code, as its own file layer would give it.
  var code: Int32
  /// The first call that fails, counted from 1.
  var from = 1
  var isForever = false
  var calls = 0
}

enum FaultyDisk {
  /// Asking for it puts it in place.
  static let isInstalled: Bool = install()

  static func set(_ fault: DiskFault?, in folder: String) { state.withLock { $0.faults[folder] = fault } }

  /// How often the set fault's call was made.
  static func calls(in folder: String) -> Int { state.withLock { $0.faults[folder]?.calls ?? 0 } }

  /// Every write and sync under the folder waits until `release`.
  static func hold(_ folder: String) { barrier.hold(folder) }
  static func release(_ folder: String) { barrier.release(folder) }
  /// Returns when somebody waits.
  static func waitForSomebody(in folder: String) { barrier.waitForSomebody(in: folder) }

  /// Files under the folder can only be read.
  static func makeReadOnly(_ path: String, _ isReadOnly: Bool) {
    state.withLock { if isReadOnly { $0.readOnly.insert(path) } else { $0.readOnly.remove(path) } }
  }

  @safe fileprivate struct OpenFile: @unchecked Sendable {
    var path: String
    var methods: UnsafePointer<sqlite3_io_methods>
  }

  @safe fileprivate struct State: @unchecked Sendable {
    var faults: [String: DiskFault] = [:]
    var readOnly: Set<String> = []
    var files: [UInt: OpenFile] = [:]
    var patched = unsafe [UInt: UnsafePointer<sqlite3_io_methods>]()
    var real: UnsafeMutablePointer<sqlite3_vfs>?
  }

  fileprivate static let state = Mutex(State())
  private static let barrier = Barrier()

  /// The code this call fails with, or `nil`: it works.
  fileprivate static func fault(_ call: DiskCall, _ path: String) -> Int32? {
    if call == .write || call == .sync { barrier.pass(path) }
    return state.withLock { state -> Int32? in
      for (folder, fault) in state.faults where path.hasPrefix(folder) && fault.call == call {
        let calls = fault.calls + 1
        state.faults[folder]?.calls = calls
        if calls == fault.from || (fault.isForever && calls > fault.from) { return fault.code }
      }
      return nil
    }
  }

  fileprivate static func file(_ file: UnsafeMutablePointer<sqlite3_file>?) -> OpenFile? {
    state.withLock { $0.files[UInt(bitPattern: file)] }
  }

  private static func install() -> Bool {
    guard let real = unsafe sqlite3_vfs_find(nil) else { return false }
    let shim = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    unsafe shim.initialize(to: real.pointee)
    unsafe shim.pointee.zName = UnsafePointer(strdup("faulty"))
    unsafe shim.pointee.pNext = nil
    unsafe shim.pointee.xOpen = { _, name, file, flags, out in unsafe openFile(name, file, flags, out) }
    state.withLock { unsafe $0.real = real }
    return unsafe sqlite3_vfs_register(shim, 1) == SQLITE_OK
  }
}

/// Where calls under a folder wait until it is let go.
private final class Barrier: @unchecked Sendable {
  // Everything below is touched under the condition's lock only.
  private let condition = NSCondition()
  private var held: Set<String> = []
  private var waiting: Set<String> = []

  func hold(_ folder: String) { change { held.insert(folder) } }
  func release(_ folder: String) { change { held.remove(folder) } }

  private func change<T>(_ change: () -> T) {
    condition.lock()
    _ = change()
    condition.broadcast()
    condition.unlock()
  }

  func waitForSomebody(in folder: String) {
    condition.lock()
    while !waiting.contains(folder) { condition.wait() }
    condition.unlock()
  }

  func pass(_ path: String) {
    condition.lock()
    while let folder = held.first(where: { path.hasPrefix($0) }) {
      waiting.insert(folder)
      condition.broadcast()
      condition.wait()
    }
    condition.unlock()
  }
}

private func openFile(
  _ name: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>?, _ flags: Int32, _ out: UnsafeMutablePointer<Int32>?
) -> Int32 {
  let path = unsafe name.map { unsafe String(cString: $0) } ?? ""
  unsafe file?.pointee.pMethods = nil
  if let code = FaultyDisk.fault(.open, path) { return code }
  guard let real = unsafe FaultyDisk.state.withLock({ unsafe $0.real }) else { return SQLITE_CANTOPEN }
  var flags = flags
  if FaultyDisk.state.withLock({ $0.readOnly.contains(path) }) {
    flags = flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) | SQLITE_OPEN_READONLY
  }
  let code = unsafe real.pointee.xOpen(real, name, file, flags, out)
  guard code == SQLITE_OK, let methods = unsafe file?.pointee.pMethods else { return code }
  FaultyDisk.state.withLock { state in
    unsafe state.files[UInt(bitPattern: file)] = FaultyDisk.OpenFile(path: path, methods: methods)
    let known = unsafe state.patched[UInt(bitPattern: methods)]
    unsafe file?.pointee.pMethods = known ?? patch(methods)
    if unsafe known == nil { unsafe state.patched[UInt(bitPattern: methods)] = file?.pointee.pMethods }
  }
  return code
}

private func patch(_ methods: UnsafePointer<sqlite3_io_methods>) -> UnsafePointer<sqlite3_io_methods> {
  let patched = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
  unsafe patched.initialize(to: methods.pointee)
  unsafe patched.pointee.xClose = { file in
    guard let open = unsafe FaultyDisk.file(file) else { return SQLITE_ERROR }
    FaultyDisk.state.withLock { $0.files[UInt(bitPattern: file)] = nil }
    return unsafe open.methods.pointee.xClose(file)
  }
  unsafe patched.pointee.xRead = { file, bytes, count, offset in
    guard let open = unsafe FaultyDisk.file(file) else { return SQLITE_ERROR }
    if let code = FaultyDisk.fault(.read, open.path) { return code }
    return unsafe open.methods.pointee.xRead(file, bytes, count, offset)
  }
  unsafe patched.pointee.xWrite = { file, bytes, count, offset in
    guard let open = unsafe FaultyDisk.file(file) else { return SQLITE_ERROR }
    if let code = FaultyDisk.fault(.write, open.path) { return code }
    return unsafe open.methods.pointee.xWrite(file, bytes, count, offset)
  }
  unsafe patched.pointee.xTruncate = { file, size in
    guard let open = unsafe FaultyDisk.file(file) else { return SQLITE_ERROR }
    if let code = FaultyDisk.fault(.truncate, open.path) { return code }
    return unsafe open.methods.pointee.xTruncate(file, size)
  }
  unsafe patched.pointee.xSync = { file, _ in
    guard let open = unsafe FaultyDisk.file(file) else { return SQLITE_ERROR }
    return FaultyDisk.fault(.sync, open.path) ?? SQLITE_OK
  }
  return unsafe UnsafePointer(patched)
}
