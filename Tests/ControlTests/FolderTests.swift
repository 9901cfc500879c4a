// Goal: one door a folder, and sockets that the right group can use, whatever ended the door before. Method: real files in
// a temporary folder; a second holder in the same process counts as another door, for the kernel locks open files.

import Foundation
import Glibc
import Testing

@testable import Control

@Suite struct FolderTests {
  private func folder() throws -> String {
    let path = FileManager.default.temporaryDirectory.appending(path: "folder-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  @Test func oneDoorAFolder() throws {
    let path = try folder()
    do {
      let first = try FolderLock(folder: path)
      #expect(first != nil)
      #expect(throws: ControlError.folderInUse(path: path)) { _ = try FolderLock(folder: path) }
      #expect(ControlError.folderInUse(path: path).description.contains("another door already runs in \(path)"))
      withExtendedLifetime(first) {}
    }
    // Dropped, as by the end of the program.
    #expect(try FolderLock(folder: path) != nil)
    #expect(try FolderLock(folder: path + "/none") == nil)
    try FileManager.default.removeItem(atPath: path)
  }

  @Test func aSocketBelongsToItsGroupWhereThereIsOne() throws {
    let path = try folder() + "/events.sock"
    // The group of this user, by its name, so that no privilege is needed.
    var name = ""
    if let own = unsafe getgrgid(getegid()), let text = unsafe own.pointee.gr_name { name = unsafe String(cString: text) }
    for group in [name, "no-such-group-here", nil] {
      let listener = try Listener(path: path, group: group)
      var facts = stat()
      #expect(unsafe stat(path, &facts) == 0 && facts.st_mode & 0o777 == 0o660 && facts.st_gid == getegid())
      listener.remove()
    }
    #expect(groupNumber("no-such-group-here") == nil && groupNumber("root") == 0)
    if geteuid() == 0, let other = groupNumber("daemon") {
      let listener = try Listener(path: path, group: "daemon")
      var facts = stat()
      #expect(unsafe stat(path, &facts) == 0 && facts.st_mode & 0o777 == 0o660 && facts.st_gid == other)
      listener.remove()
    }
  }
}
