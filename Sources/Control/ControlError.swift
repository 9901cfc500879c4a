// What can go wrong at a socket before or while it is used, in words for the person who started the program.

import Foundation

public enum ControlError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Nobody serves the socket: no such file, or nobody listens.
  case notRunning(path: String)
  /// The file is there and its rights say no.
  case denied(path: String)
  /// Another door serves it.
  case inUse(path: String)
  /// Another door has this folder.
  case folderInUse(path: String)
  /// Longer than the kernel takes.
  case pathTooLong(path: String)
  /// Something that is no socket lies there.
  case notASocket(path: String)
  /// The other end speaks another protocol or version, or broke it.
  case protocolBroken(String)
  /// The other end ended the connection with this line.
  case turnedAway(error: String, message: String)
  /// The other end ended the connection.
  case closed
  case timedOut
  case system(call: String, path: String, errno: Int32)

  public var description: String {
    switch self {
    case .notRunning(let path): "the door is not running: nobody answers at \(path)"
    case .denied(let path): "permission denied at \(path): join the group that owns it (ls -l \(path)) or use sudo"
    case .inUse(let path): "another door already serves \(path)"
    case .folderInUse(let path): "another door already runs in \(path): end it first, or give this one a log folder of its own"
    case .pathTooLong(let path): "the socket's path is too long for the kernel, set GATEHOUSE_RUN_DIR: \(path)"
    case .notASocket(let path): "\(path) is not a socket and was left alone"
    case .protocolBroken(let what): "the other end does not speak this protocol: \(what)"
    case .turnedAway(let error, let message): "\(message) (\(error))"
    case .closed: "the door closed the connection"
    case .timedOut: "the door did not answer in time"
    case .system(let call, let path, let code): "\(call) \(path): \(errorText(code))"
    }
  }
}
