// One door a folder. The kernel holds the lock for as long as the program lives, whatever ends it, so nothing is left
// behind by kill -9 and there is no file to remove by hand.

import Glibc

/// Keeps a folder for one door, until it is dropped.
public final class FolderLock: Sendable {
  private let descriptor: Int32

  /// `nil`: the folder can't be opened or its file system knows no locks; that is for those to say who need the folder.
  public init?(folder: String) throws(ControlError) {
    let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let isTaken = errno == EWOULDBLOCK
      close(descriptor)
      if isTaken { throw .folderInUse(path: folder) }
      return nil
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }
}
