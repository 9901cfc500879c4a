// A file's text, or one problem that says why not: nobody should have to guess from an error number what is wrong with a
// path. Never more than a settings file can need, so a device or a disk image given by mistake ends at once.

import Foundation

/// The longest text that is read, bytes.
let textSizeMax = 1_048_576

/// A file's text, or one problem that says why not.
package func readText(_ file: String) throws(Problems) -> String {
  func problem(_ message: String, line: Int = 0) -> Problems {
    Problems([Problem(file: file, line: line, column: line > 0 ? 1 : 0, path: "", message: message)])
  }
  var isFolder: ObjCBool = false
  guard unsafe FileManager.default.fileExists(atPath: file, isDirectory: &isFolder) else {
    throw problem(Problem.noSuchFile)
  }
  if isFolder.boolValue { throw problem("found a folder, expected a file") }
  let kind = (try? URL(filePath: file).resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile
  // A symbolic link is none, and what it leads to may be one.
  let target = URL(filePath: file).resolvingSymlinksInPath()
  let isRegular = kind == true || (try? target.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true
  guard isRegular else { throw problem("found a device or a pipe, expected a file") }
  let data: Data
  do {
    let handle = try FileHandle(forReadingFrom: URL(filePath: file))
    data = try handle.read(upToCount: textSizeMax + 1) ?? Data()
  } catch {
    throw problem("cannot be read: \(error.localizedDescription)")
  }
  guard data.count <= textSizeMax else { throw problem("found more than \(textSizeMax) bytes, expected at most that") }
  // Some editors put a byte order mark before the first letter.
  let own = data.starts(with: [0xEF, 0xBB, 0xBF]) ? data.dropFirst(3) : data
  guard let text = String(validating: own, as: UTF8.self) else {
    let lines = data.split(separator: 10, omittingEmptySubsequences: false)
    let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }
    throw problem("found bytes that are not UTF-8, expected text in UTF-8", line: (line ?? 0) + 1)
  }
  return text
}
